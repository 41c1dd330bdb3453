"""Any number of groups: the classes of a group coincide iff c_g ≤ λ, and classes of different size never do, except at zero."""

import math

import sympy

from numerics import Bracket
from solvers import Enclosures, LayerPeeled, solve
from theory._room import Check, Control, Evidence, Kind, Origin, Quantities, Room, Setting, Source, Statement
from theory.layer_peeled._reference import reference

Groups = tuple[tuple[int, int], ...]
"""(classes, samples) of each group, the smallest last."""

INSTANCES: tuple[tuple[Groups, float], ...] = (
    (((2, 60), (2, 10), (2, 5)), 1.0),
    (((3, 60), (2, 15), (2, 5)), 1.0),
    (((3, 60), (2, 15), (2, 5)), 2.0),
    (((3, 60), (2, 30), (2, 5)), 2.0),
    (((2, 20), (2, 15), (2, 10), (2, 4)), 0.3),
    (((2, 20), (2, 15), (2, 10), (2, 4)), 1.0),
    (((20, 60), (10, 20), (10, 2)), 0.5),
)
"""Groups and E_H at E_W = 1: in each, some groups are apart and some are not."""

TOGETHER = 1e-3
"""A margin between two classes of a group, out of margins of order one, that counts as none."""
PRECISION = 1e-11
"""Relative gap asked of route `factored`: it places the logits to about 3e-5."""


def _name(groups: Groups) -> str:
    return " + ".join(f"{classes}×{samples}" for classes, samples in groups)


def _label(groups: Groups, energy: float, samples: int) -> str:
    return f"{_name(groups)}, E_H={energy:g}: n_g={samples}"


LABELS = {_label(groups, energy, samples): groups for groups, energy in INSTANCES for _, samples in groups}


def _enclose(groups: Groups, energy: float) -> Enclosures:
    return Enclosures(reference(LayerPeeled.from_groups(groups, feature_energy=energy)))


def _ratio(multiplier: Bracket, weight: float) -> Bracket:
    """λ/c_g, with an allowance for the rounded weight."""
    return Bracket(multiplier.lower / weight * (1 - 1e-14), multiplier.upper / weight * (1 + 1e-14), rigorous=True)


def _where(apart: bool, elsewhere: float) -> Quantities:
    """λ/c_g of the groups whose geometry is as asked, anything at all where it cannot be told, and `elsewhere` for the others."""
    found: dict[str, Bracket] = {}
    for groups, energy in INSTANCES:
        enclosures = Enclosures(solve(LayerPeeled.from_groups(groups, feature_energy=energy), route="factored", tolerance=PRECISION))
        solution = enclosures.solution
        for g, (_, samples) in enumerate(groups):
            margin = enclosures.inner_value(g)
            told = margin.lower > 0.0 or margin.upper <= TOGETHER
            asked = (margin.lower > 0.0) == apart
            ratio = _ratio(solution.certified_multiplier, float(solution.problem.weights[g]))
            found[_label(groups, energy, samples)] = Bracket(0.0, math.inf) if not told else ratio if asked else Bracket.exactly(elsewhere)
    return found


def predict_one() -> Quantities:
    """λ/c_g on the right side of one."""
    return {label: Bracket.exactly(1.0) for label in LABELS}


def predict_half() -> Quantities:
    """λ < c_g² where the classes are apart: λ/c_g < c_g ≤ 1/2."""
    return {label: Bracket.exactly(0.5) for label in LABELS}


def predict_share_of_largest() -> Quantities:
    """λ ≥ n_g/n_max where the classes coincide: λ/c_g ≥ N/n_max."""
    return {
        label: Bracket.exactly(sum(classes * samples for classes, samples in groups) / groups[0][1]) for label, groups in LABELS.items()
    }


def measure_apart(setting: Setting) -> Quantities:
    """λ/c_g wherever the classes of the exact optimum are certainly apart; zero elsewhere, where nothing is claimed."""
    return _where(True, 0.0)


def measure_together(setting: Setting) -> Quantities:
    """λ/c_g wherever the margin between the classes is none; infinite elsewhere, where nothing is claimed."""
    return _where(False, math.inf)


SWITCHES: tuple[tuple[Groups, int], ...] = (
    (((2, 60), (2, 10), (2, 5)), 1),
    (((2, 60), (2, 10), (2, 5)), 2),
    (((3, 60), (2, 15), (2, 5)), 1),
    (((2, 20), (2, 15), (2, 10), (2, 4)), 2),
)
"""Groups, and the one whose classes come apart as the energy grows."""


def predict_switch() -> Quantities:
    """λ/c_g = 1 at the energy where the classes of group g come apart."""
    return {f"{_name(groups)}: n_g={groups[g][1]}": Bracket.exactly(1.0) for groups, g in SWITCHES}


def predict_switch_one_percent_off() -> Quantities:
    """λ = 1.01 c_g."""
    return {label: Bracket.exactly(1.01) for label in predict_switch()}


def predict_switch_root() -> Quantities:
    """λ = √n_g/N, the law of the weighted nuclear norm, in the unweighted program."""
    return {f"{_name(groups)}: n_g={groups[g][1]}": Bracket.exactly(1 / math.sqrt(groups[g][1])) for groups, g in SWITCHES}


STEP = 0.005
"""In log E_H: where the bisection stops, and how far its lower end is moved down, lest a margin too small to see was taken for none."""


def measure_switch(setting: Setting) -> Quantities:
    """λ/c_g at that energy, by bisection over semidefinite programs; the geometry steers it, the multiplier is only read at the end.

    λ falls with the energy (the value is convex in τ), so its value between the two last energies lies between theirs.
    """
    found: dict[str, Bracket] = {}
    for groups, g in SWITCHES:
        together, apart = math.log(0.05), math.log(20.0)
        while apart - together > STEP:
            middle = 0.5 * (together + apart)
            together, apart = (together, middle) if _enclose(groups, math.exp(middle)).inner_value(g).lower > 0.0 else (middle, apart)
        high, low = (_enclose(groups, math.exp(end)).solution for end in (together - STEP, apart))
        weight = float(low.problem.weights[g])
        bounds = _ratio(low.certified_multiplier, weight).lower, _ratio(high.certified_multiplier, weight).upper
        found[f"{_name(groups)}: n_g={groups[g][1]}"] = Bracket(*bounds, rigorous=True)
    return found


UNEQUAL: tuple[tuple[Groups, float, int], ...] = (
    (((2, 100), (1, 10), (1, 8)), 1.0, 1),
    (((2, 60), (1, 10), (1, 5)), 1.0, 1),
    (((2, 30), (1, 10), (1, 9)), 1.0, 2),
    (((3, 60), (2, 15), (2, 5)), 1.0, 1),
)
"""Two small groups of different size, each coinciding within itself; E_H; and how many directions their classifiers span."""
VANISHED: tuple[tuple[Groups, float, int], ...] = ((((3, 60), (1, 3), (1, 2)), 0.5, 0), (((3, 60), (2, 3), (2, 2)), 0.2, 0))
"""The same in the second phase, where small classes vanish."""

NOTICEABLE = 1e-2
"""A difference of norms, out of norms near one, that no enclosure here can blur."""


def predict_longer() -> Quantities:
    """The larger class has the longer classifier, noticeably."""
    return {f"{_name(groups)}, E_H={energy:g}": Bracket.exactly(NOTICEABLE) for groups, energy, _ in UNEQUAL}


def predict_equal() -> Quantities:
    """Small classes of different size share one classifier: no difference."""
    return {label: Bracket.exactly(0.0) for label in predict_longer()}


def measure_longer(setting: Setting) -> Quantities:
    """‖w_k‖ − ‖w_l‖ ≤ ‖w_k − w_l‖ for k in the larger and l in the smaller of the two small groups, enclosed."""
    found: dict[str, Bracket] = {}
    for groups, energy, _ in UNEQUAL:
        enclosures = _enclose(groups, energy)
        found[f"{_name(groups)}, E_H={energy:g}"] = enclosures.classifier_norm(1) - enclosures.classifier_norm(2)
    return found


def predict_rank() -> Quantities:
    """K_A − 1 and the recorded number of directions: none (vanished), one (a ray) or two."""
    return {f"{_name(groups)}, E_H={energy:g}": Bracket.exactly(groups[0][0] - 1.0 + more) for groups, energy, more in UNEQUAL + VANISHED}


def predict_rank_never_parallel() -> Quantities:
    """Two directions wherever sizes differ."""
    return {f"{_name(groups)}, E_H={energy:g}": Bracket.exactly(groups[0][0] + 1.0) for groups, energy, _ in UNEQUAL + VANISHED}


def measure_rank(setting: Setting) -> Quantities:
    """Rank of the exact optimum, whose majority takes K_A − 1 of it for the margins inside."""
    return {f"{_name(groups)}, E_H={energy:g}": _enclose(groups, energy).rank() for groups, energy, _ in UNEQUAL + VANISHED}


S, MULTIPLIER, WEIGHT = sympy.symbols("s lambda c", positive=True)
FEATURE = sympy.symbols("h_1:4", real=True)


def predict_contradiction() -> Quantities:
    """λ(w_k − w_l) = c_k h_k − c_l h_l, and then a monotone map would have to satisfy (s − 1)²(s + 1) λ‖h_k‖²/c_k ≤ 0, s = c_k/c_l."""
    c, h = sympy.symbols("c_1:4", positive=True), FEATURE
    square = sum(entry**2 for entry in FEATURE)
    return {
        "λ(w_k − w_l)": c[0] * h[0] - c[1] * h[1],
        "⟨F(h_l) − F(h_k), h_l − h_k⟩": (S - 1) ** 2 * (S + 1) * MULTIPLIER * square / WEIGHT,
    }


def predict_contradiction_flipped() -> Quantities:
    """The same with a sign that would allow it."""
    square = sum(entry**2 for entry in FEATURE)
    return {"⟨F(h_l) − F(h_k), h_l − h_k⟩": (1 - S) * (S + 1) ** 2 * MULTIPLIER * square / WEIGHT}


def measure_contradiction(setting: Setting) -> Quantities:
    """Stationarity of classifiers and features, in units where both read λ, under the hypothesis w_k = w_l.

    It leaves h_k = h_l = 0, and then F(0) = 0: w_k is the mean of all classifiers, which is zero.
    """
    c, (b, d, e) = sympy.symbols("c_1:4", positive=True), sympy.symbols("p_1:4", positive=True)
    # λ w_k = Σ_i c_i ([i = k] − p_ik) h_i. Equal classifiers k, l tie their probabilities in every row i = k, l, j.
    probability = sympy.Matrix([[b, b, 1 - 2 * b], [d, d, 1 - 2 * d], [e, e, 1 - 2 * e]])
    classifiers = (sympy.eye(3) - probability).T * sympy.diag(*c) * sympy.Matrix(FEATURE)
    # λ h_k = c_k F(h_k) with F(h) = w_k − Σ_j p_j(h) w_j, the same F for l: minus the gradient of a convex function. c_k h_k = c_l h_l.
    h_k = sympy.Matrix(FEATURE)
    h_l = S * h_k
    pull_k, pull_l = MULTIPLIER * h_k / WEIGHT, MULTIPLIER * h_l / (WEIGHT / S)
    return {
        "λ(w_k − w_l)": sympy.expand(classifiers[0] - classifiers[1]),
        "⟨F(h_l) − F(h_k), h_l − h_k⟩": sympy.expand((pull_l - pull_k).dot(h_l - h_k)),
    }


ROOM = Room(
    statement=Statement(
        name="group-collapse-law",
        title="Which classes coincide when there are many sizes",
        latex=r"w_k=w_l\ (k,l\in g)\iff \frac{n_g}{N}\leq\lambda;\qquad n_k\neq n_l:\ w_k=w_l\iff w_k=w_l=0",
        assumptions=(
            "any number of groups of classes of equal size; g has two classes or more",
            "cross-entropy loss",
            "λ is the multiplier of ‖Z‖_* ≤ τ",
        ),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
        source=Source("fang2021", "Minority Collapse, stated for two sizes; any sizes derived"),
    ),
    checks=(
        Check(
            name="apart-below",
            claim="wherever the classes of a group are apart, λ < c_g",
            evidence=Evidence.CERTIFIED,
            predict=predict_one,
            measure=measure_apart,
            kind=Kind.UPPER_BOUND,
        ),
        Check(
            name="together-above",
            claim="wherever the classes of a group coincide, λ ≥ c_g",
            evidence=Evidence.CERTIFIED,
            predict=predict_one,
            measure=measure_together,
            kind=Kind.LOWER_BOUND,
        ),
        Check(
            name="switch",
            claim="the classes of a group come apart exactly at the energy where λ = c_g",
            evidence=Evidence.CERTIFIED,
            predict=predict_switch,
            measure=measure_switch,
            resolution=1e-2,
            reason="the energies that bracket the switch are 1 % apart, their multipliers less",
        ),
        Check(
            name="unequal-differ",
            claim="of two small classes of different size the larger has the longer classifier, even where the angle is closed",
            evidence=Evidence.CERTIFIED,
            predict=predict_longer,
            measure=measure_longer,
            kind=Kind.LOWER_BOUND,
        ),
        Check(
            name="ray",
            claim="their classifiers can lie on one ray exactly, and at zero they do coincide",
            evidence=Evidence.CERTIFIED,
            predict=predict_rank,
            measure=measure_rank,
            kind=Kind.OBSERVATION,
            resolution=0.0,
            reason="a whole number",
        ),
        Check(
            name="contradiction",
            claim="w_k = w_l with c_k ≠ c_l makes −F, a gradient of a convex function, decrease along h_l − h_k, unless h_k = h_l = 0",
            evidence=Evidence.PROOF,
            predict=predict_contradiction,
            measure=measure_contradiction,
        ),
    ),
    controls=(
        Control(name="squared", claim="classes are apart only where λ < c_g²", check="apart-below", predict=predict_half),
        Control(
            name="share-of-largest",
            claim="classes coincide only where λ ≥ n_g/n_max",
            check="together-above",
            predict=predict_share_of_largest,
        ),
        Control(name="one-percent-off", claim="they come apart where λ = 1.01 c_g", check="switch", predict=predict_switch_one_percent_off),
        Control(name="root-of-size", claim="they come apart where λ = √n_g/N", check="switch", predict=predict_switch_root),
        Control(
            name="unequal-coincide",
            claim="small classes of different size coincide",
            check="unequal-differ",
            predict=predict_equal,
            kind=Kind.UPPER_BOUND,
        ),
        Control(
            name="never-parallel",
            claim="classifiers of unequal classes are never parallel",
            check="ray",
            predict=predict_rank_never_parallel,
        ),
        Control(
            name="flipped",
            claim="the monotone map allows w_k = w_l with c_k > c_l",
            check="contradiction",
            predict=predict_contradiction_flipped,
        ),
    ),
)
