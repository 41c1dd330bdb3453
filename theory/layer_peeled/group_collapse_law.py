"""Any number of groups: the classes of a group coincide iff c_g ≤ λ, and classes of different size never do, except at zero."""

import math
from functools import cache

import sympy

from layerpeel.numerics import Bracket
from layerpeel.solvers import Enclosures, LayerPeeled, Switch, solve
from layerpeel.theory._room import Check, Control, Evidence, Kind, Origin, Quantities, Room, Setting, Source, Statement
from layerpeel.theory.layer_peeled._closed_forms import predicted
from layerpeel.theory.layer_peeled._coming_apart import Groups, coming_apart, groups_label, multiplier_there, reported
from layerpeel.theory.layer_peeled._reference import reference

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

PRECISION = 1e-11
"""Relative gap asked of route `factored`: it places the logits to about 1e-6."""


def _label(groups: Groups, energy: float, samples: int) -> str:
    return f"{groups_label(groups)}, E_H={energy:g}: n_g={samples}"


LABELS = {_label(groups, energy, samples): groups for groups, energy in INSTANCES for _, samples in groups}


def _where(equal: bool, elsewhere: float) -> Quantities:
    """λ/c_g of the groups whose classes certainly coincide or not, as asked, and `elsewhere` for the others; anything where undecided."""
    found: dict[str, Bracket] = {}
    for groups, energy in INSTANCES:
        optimum = Enclosures(solve(LayerPeeled.from_groups(groups, feature_energy=energy), route="factored", tolerance=PRECISION))
        multiplier, weights = optimum.solution.certified_multiplier, optimum.solution.problem.weights.tolist()
        for g, (_, samples) in enumerate(groups):
            state = optimum.coincide(g)
            ratio = Bracket(multiplier.lower / weights[g] * (1 - 1e-14), multiplier.upper / weights[g] * (1 + 1e-14), rigorous=True)
            found[_label(groups, energy, samples)] = (
                Bracket(0.0, math.inf) if state is None else ratio if state is equal else Bracket.exactly(elsewhere)
            )
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
    return _where(False, 0.0)


def measure_together(setting: Setting) -> Quantities:
    """λ/c_g wherever the classes of the exact optimum certainly coincide; infinite elsewhere, where nothing is claimed."""
    return _where(True, math.inf)


SWITCHES: tuple[tuple[Groups, int], ...] = (
    (((2, 60), (2, 10), (2, 5)), 1),
    (((2, 60), (2, 10), (2, 5)), 2),
    (((3, 60), (2, 15), (2, 5)), 1),
    (((2, 20), (2, 15), (2, 10), (2, 4)), 2),
)
"""Groups, and the one whose classes come apart as the energy grows."""


def _switch_label(groups: Groups, g: int) -> str:
    return f"{groups_label(groups)}: n_g={groups[g][1]}"


@cache
def _switch(groups: Groups, g: int) -> Switch:
    """The energies between which the classes of group g come apart, with the semidefinite optima there."""
    return coming_apart(groups, g)


def predict_switch() -> Quantities:
    """λ/c_g = 1 at the energy where the classes of group g come apart."""
    return {_switch_label(*case): Bracket.exactly(1.0) for case in SWITCHES}


def predict_switch_one_percent_off() -> Quantities:
    """λ = 1.01 c_g."""
    return {_switch_label(*case): Bracket.exactly(1.01) for case in SWITCHES}


def predict_switch_root() -> Quantities:
    """λ = √n_g/N, the law of the weighted nuclear norm, in the unweighted program."""
    return {_switch_label(groups, g): Bracket.exactly(1 / math.sqrt(groups[g][1])) for groups, g in SWITCHES}


def predict_switch_of_average() -> Quantities:
    """λ = 1/K: the average weight of a class in place of its own."""
    return {
        _switch_label(groups, g): predicted(sum(k * n for k, n in groups) / (sum(k for k, _ in groups) * groups[g][1]))
        for groups, g in SWITCHES
    }


def measure_switch(setting: Setting) -> Quantities:
    """λ/c_g, enclosed, at the energy where the margin between two classes of the group certainly goes from zero to positive."""
    return {_switch_label(*case): multiplier_there(_switch(*case), case[1]) for case in SWITCHES}


def _ends(groups: Groups, g: int) -> tuple[str, str]:
    place = _switch_label(groups, g)
    return f"{place}: last together", f"{place}: first apart"


def predict_phases() -> Quantities:
    """λ ≥ c_g and so 1 where the classes still coincide, λ < c_g and so 0 where they are apart."""
    return {label: Bracket.exactly(phase) for case in SWITCHES for label, phase in zip(_ends(*case), (1.0, 0.0), strict=True)}


def predict_phases_one_percent_late() -> Quantities:
    """By λ ≥ 1.01 c_g no end is collapsed."""
    return {label: Bracket.exactly(0.0) for case in SWITCHES for label in _ends(*case)}


def measure_phases(setting: Setting) -> Quantities:
    """What `solve` reports of the group at the two ends, which were found by the margin."""
    found: dict[str, Bracket] = {}
    for case in SWITCHES:
        ends = _switch(*case).optimum_beyond, _switch(*case).optimum_before
        found |= {label: reported(end.solution.collapsed[case[1]]) for label, end in zip(_ends(*case), ends, strict=True)}
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


@cache
def _enclosed(groups: Groups, energy: float) -> Enclosures:
    """The semidefinite optimum, which two checks look at."""
    return Enclosures(reference(LayerPeeled.from_groups(groups, feature_energy=energy)))


NOTICEABLE = 1e-2
"""A difference of norms, out of norms near one, that no enclosure here can blur."""


def predict_longer() -> Quantities:
    """The larger class has the longer classifier, noticeably."""
    return {f"{groups_label(groups)}, E_H={energy:g}": Bracket.exactly(NOTICEABLE) for groups, energy, _ in UNEQUAL}


def predict_longer_by_the_counts() -> Quantities:
    """The lengths differ by at least their share of the smaller one's root, √(n_g/n_h) − 1, in units of √E_W."""
    return {
        f"{groups_label(groups)}, E_H={energy:g}": Bracket.exactly(math.sqrt(groups[1][1] / groups[2][1]) - 1)
        for groups, energy, _ in UNEQUAL
    }


def measure_longer(setting: Setting) -> Quantities:
    """‖w_k‖ − ‖w_l‖ ≤ ‖w_k − w_l‖ for k in the larger and l in the smaller of the two small groups, enclosed."""
    found: dict[str, Bracket] = {}
    for groups, energy, _ in UNEQUAL:
        enclosures = _enclosed(groups, energy)
        found[f"{groups_label(groups)}, E_H={energy:g}"] = enclosures.classifier_norm(1) - enclosures.classifier_norm(2)
    return found


def predict_rank() -> Quantities:
    """K_A − 1 and the recorded number of directions: none (vanished), one (a ray) or two."""
    return {
        f"{groups_label(groups)}, E_H={energy:g}": Bracket.exactly(groups[0][0] - 1.0 + more) for groups, energy, more in UNEQUAL + VANISHED
    }


def predict_rank_never_parallel() -> Quantities:
    """Two directions wherever sizes differ."""
    return {f"{groups_label(groups)}, E_H={energy:g}": Bracket.exactly(groups[0][0] + 1.0) for groups, energy, _ in UNEQUAL + VANISHED}


def measure_rank(setting: Setting) -> Quantities:
    """Rank of the exact optimum, whose majority takes K_A − 1 of it for the margins inside."""
    return {f"{groups_label(groups)}, E_H={energy:g}": _enclosed(groups, energy).rank() for groups, energy, _ in UNEQUAL + VANISHED}


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
            resolution=4e-3,
            reason="the energies on either side are 3e-4 apart, and λ moves about as much",
        ),
        Check(
            name="reported-phase",
            claim="the phase that `solve` reports by λ ≥ c_g is the one that the margin shows, as close to the switch as can be certified",
            evidence=Evidence.CERTIFIED,
            predict=predict_phases,
            measure=measure_phases,
            resolution=0.0,
            reason="a yes or a no",
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
        Control(name="average", claim="they come apart where λ = 1/K", check="switch", predict=predict_switch_of_average),
        Control(name="reported-late", claim="λ ≥ 1.01 c_g is what counts", check="reported-phase", predict=predict_phases_one_percent_late),
        Control(name="root-of-size", claim="they come apart where λ = √n_g/N", check="switch", predict=predict_switch_root),
        Control(
            name="by-the-counts",
            claim="the difference is at least √(n_g/n_h) − 1",
            check="unequal-differ",
            predict=predict_longer_by_the_counts,
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
