"""Neural collapse as printed fails: B(t) < 0 leaves some vectors flipped, and a bounded Γ leaves the start in sight."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import numpy as np
import sympy
from flint import arb, arb_mat, ctx, fmpq, fmpq_mat

from layerpeel.numerics import PRECISION, TIME, Bracket, Proportion, as_rate, enclose_expression, logit_directions, to_bracket
from layerpeel.theory._room import Check, Control, Evidence, Kind, Origin, Quantities, Room, Setting, Source, Statement, Verdict
from layerpeel.theory.locally_elastic._drift import exact_similarity
from layerpeel.theory.locally_elastic._enclosed_flow import flow, largest, two_parameter_drift, unit_direction
from layerpeel.theory.locally_elastic._paths import SHARP, SIZED, paths_needed


@dataclass(frozen=True, kw_only=True)
class Case:
    """α = a, β = b e^{−t}, and class means at time 0."""

    name: str
    intra: Fraction
    inter: Fraction
    start: tuple[tuple[Fraction, ...], ...]


def _start(classes: int, last: tuple[str, ...]) -> tuple[tuple[Fraction, ...], ...]:
    """e_1, …, e_{K−1} and one other vector."""
    return (*(tuple(Fraction(int(i == j)) for j in range(classes)) for i in range(classes - 1)), tuple(map(Fraction, last)))


FLIPPED = (
    Case(name="K = 3", intra=Fraction(1), inter=Fraction(-1, 10), start=_start(3, ("0", "0.3", "-0.5"))),
    Case(name="K = 4", intra=Fraction(1), inter=Fraction(-1, 5), start=_start(4, ("0", "0", "0.3", "-0.8"))),
)
"""B → b > −∞, and the last vector points against its own class strongly enough."""
STOPPED = Case(name="K = 3", intra=Fraction(0), inter=Fraction(-1), start=_start(3, ("0", "0", "1")))
"""Γ = 1 − e^{−t}: the means stop, here from the best of starts but one: X̄³ is e_3 as well."""
END, SOON = 20, 10
"""The flow is enclosed up to these times; beyond, what is left of β = b e^{−t} is bounded. Shares of starts need the earlier one only."""


@cache
def _limit_projections(case: Case) -> tuple[arb, ...]:
    """lim d̂_jᵀX̄^j e^{−at/K} for one start, enclosed."""
    return tuple(_limits(_column(case), len(case.start), case.intra, case.inter, END).entries())


def _limits(start: arb_mat, classes: int, intra: Fraction, inter: Fraction, end: int) -> arb_mat:
    """lim d̂_jᵀX̄^j e^{−at/K} for each column of starts: K rows.

    y_j = d̂_jᵀX̄^j e^{−at/K} solves y_j' = −β/(K(K−1)) Σ_{i≠j} y_i: beyond T it moves by at most max|y(T)| (exp(|b|e^{−T}/K) − 1).
    """
    with ctx.workprec(PRECISION):
        state = _means(start, classes, intra, inter, end).tolist()
        shrink = (-arb(end) * _ball(intra) / classes).exp()
        rows = []
        for j in range(classes):
            rows += (unit_direction(classes, j).transpose() * arb_mat(state[classes * j : classes * (j + 1)]) * shrink).tolist()
        moved = (2 * _ball(abs(inter)) * (-arb(end)).exp() / classes).exp() - 1  # twice the bound, which equal y_j attain
        tails = [largest(row[column] for row in rows) * moved for column in range(start.ncols())]
        return arb_mat([[value + arb(0, tail.upper()) for value, tail in zip(row, tails, strict=True)] for row in rows])


def _means(start: arb_mat, classes: int, intra: Fraction, inter: Fraction, end: int) -> arb_mat:
    """X̄(end) for α = a and β = b e^{−t}."""
    drift = two_parameter_drift(exact_similarity("L", classes, classes), classes, {Fraction(0): intra}, {Fraction(-1): inter})
    return flow(start, drift, [arb(end)])[0]


def _ball(number: Fraction) -> arb:
    return arb(fmpq(number.numerator, number.denominator))


def _column(case: Case) -> arb_mat:
    entries = [fmpq(entry.numerator, entry.denominator) for row in case.start for entry in row]
    return arb_mat(fmpq_mat(len(entries), 1, entries))


def _cosines(name: str, vectors: list[arb_mat]) -> dict[str, Bracket]:
    found: dict[str, Bracket] = {}
    for i, first in enumerate(vectors):
        for j, second in enumerate(vectors[:i]):
            product, sizes = (first.transpose() * second).entries()[0], [(v.transpose() * v).entries()[0] for v in (first, second)]
            found[f"{name}: vectors {j + 1}, {i + 1}"] = to_bracket(product / (sizes[0] * sizes[1]).sqrt())
    return found


def predict_etf() -> Quantities:
    """−1/(K−1) for every pair."""
    return {
        f"{case.name}: vectors {j + 1}, {i + 1}": _exactly(-sympy.Rational(1, len(case.start) - 1))
        for case in FLIPPED
        for i in range(len(case.start))
        for j in range(i)
    }


def predict_flipped() -> Quantities:
    """An ETF with the last vector (of number K, the label's fifth character) flipped: ½, ½ and −½ for K = 3."""
    return {
        label: -value if label.endswith(f" {label[4]}") else value for label, value in predict_etf().items() if isinstance(value, Bracket)
    }


def predict_first_flipped() -> Quantities:
    """A false variant: of K = 3 the first vector is flipped instead."""
    half = sympy.Rational(1, 2)
    return {"K = 3: vectors 1, 2": _exactly(half), "K = 3: vectors 1, 3": _exactly(half), "K = 3: vectors 2, 3": _exactly(-half)}


def _exactly(number: sympy.Expr) -> Bracket:
    with ctx.workprec(PRECISION):
        return to_bracket(enclose_expression(number))


def measure_flipped(setting: Setting) -> Quantities:
    """Cosines of the limits X̄^j e^{−at/K} → d̂_j lim d̂_jᵀX̄^j e^{−at/K}.

    What is orthogonal to d̂_j is driven by β Σ s alone, β = b e^{−t}, and vanishes against e^{at/K}.
    """
    found: dict[str, Bracket] = {}
    with ctx.workprec(PRECISION):
        for case in FLIPPED:
            along = _limit_projections(case)
            found |= _cosines(case.name, [unit_direction(len(along), j) * value for j, value in enumerate(along)])
    return found


def predict_projections() -> Quantities:
    """lim s_j/e^{at/K} = e^{−b/K} (s̄(0) + e^{b/(K−1)} δ_j(0)), b = B(∞), s_j = d̂_jᵀX̄^j = s̄ + δ_j."""
    return _projections_with(lambda bound, classes: sympy.exp(bound / (classes - 1)))


def predict_projections_without_decay() -> Quantities:
    """The same as if deviations from the mean kept their share."""
    return _projections_with(lambda bound, classes: sympy.Integer(1))


def _projections_with(share: Callable[[sympy.Expr, int], sympy.Expr]) -> Quantities:
    found: dict[str, Bracket] = {}
    for case in FLIPPED:
        classes = len(case.start)
        scale = sympy.sqrt(sympy.Rational(classes, classes - 1))
        along = [scale * (sympy.Rational(row[j]) - sympy.Rational(sum(row), classes)) for j, row in enumerate(case.start)]
        mean, bound = sum(along) / classes, sympy.Rational(case.inter)
        for j, value in enumerate(along):
            found[f"{case.name}: vector {j + 1}"] = _exactly(sympy.exp(-bound / classes) * (mean + share(bound, classes) * (value - mean)))
    return found


def measure_projections(setting: Setting) -> Quantities:
    """Enclosures by Taylor steps and the bound of what is left of β."""
    return {f"{case.name}: vector {j + 1}": to_bracket(value) for case in FLIPPED for j, value in enumerate(_limit_projections(case))}


def predict_etf_when_stopped() -> Quantities:
    """−½ for every pair."""
    return {f"K = 3: vectors {j}, {i}": Bracket.exactly(-0.5) for j, i in PAIRS}


PAIRS = ((1, 2), (1, 3), (2, 3))
"""Pairs of three vectors."""


def predict_right_angles() -> Quantities:
    """A false variant: right angles, as at time 0."""
    return {f"K = 3: vectors {j}, {i}": Bracket.exactly(0.0) for j, i in PAIRS}


def predict_stopped() -> Quantities:
    """X̄^i → e^{1/3} e_i − (e^{1/3} − 1)/3: the start's right angles have opened by eleven degrees only."""
    factor = sympy.exp(sympy.Rational(1, 3))
    shift = (factor - 1) / 3
    product = 3 * shift**2 - 2 * shift * factor
    return {f"K = 3: vectors {j}, {i}": _exactly(product / (factor**2 + product)) for j, i in PAIRS}


def measure_stopped(setting: Setting) -> Quantities:
    """Cosines at the limit for α = 0: beyond T the means move by at most ‖X̄(T)‖ (exp(|b|e^{−T}) − 1).

    The sum of a row of M1 is |b|/K Σ_{j≠i} 2|δ_aj − 1/K| ≤ 4|b|(K−1)/K² ≤ |b|.
    """
    with ctx.workprec(PRECISION):
        classes = len(STOPPED.start)
        state = _means(_column(STOPPED), classes, STOPPED.intra, STOPPED.inter, END)
        size = largest(state.entries())
        tail = size * ((_ball(abs(STOPPED.inter)) * (-arb(END)).exp()).exp() - 1)
        entries = [value + arb(0, tail.upper()) for value in state.entries()]
        vectors = [arb_mat(classes, 1, entries[classes * j : classes * (j + 1)]) for j in range(classes)]
        return _cosines("K = 3", vectors)


BOUNDS = (Fraction(-1, 10), Fraction(-2))
"""B(∞) in α = 1, β = B(∞) e^{−t} with three classes."""


def predict_share() -> Quantities:
    """¼ + (3/2π) arcsin ρ, ρ = (1 − r²)/(1 + 2r²), r = e^{B(∞)/2}: three normal variables of correlation ρ share a sign."""
    found: dict[str, Bracket] = {}
    for bound in BOUNDS:
        square = math.exp(float(bound))
        share = 0.25 + 1.5 / math.pi * math.asin((1 - square) / (1 + 2 * square))
        found[f"B(∞) = {float(bound):g}"] = Bracket(share - ROUNDING, share + ROUNDING)
    return found


ROUNDING = 1e-12
"""Of a closed form in doubles."""


def predict_always() -> Quantities:
    """All starts collapse, as printed."""
    return {f"B(∞) = {float(bound):g}": Bracket.exactly(1.0) for bound in BOUNDS}


def predict_independent() -> Quantities:
    """A quarter: signs as at time 0, where they are independent."""
    return {"B(∞) = -2": Bracket.exactly(0.25)}


def measure_share(setting: Setting) -> Quantities:
    """Share of standard normal starts whose limit has three obtuse angles; the limit is linear in the start."""
    number = paths_needed(setting.level)
    basis, frame = arb_mat(fmpq_mat(9, 9, [fmpq(int(i == j)) for i in range(9) for j in range(9)])), logit_directions(3)
    found: dict[str, Proportion] = {}
    for bound in BOUNDS:
        limit = np.array([[float(value.mid()) for value in row] for row in _limits(basis, 3, Fraction(1), bound, SOON).tolist()])
        vectors = (setting.rng.standard_normal((number, 9)) @ limit.T)[:, :, None] * frame
        products = vectors @ vectors.mT
        obtuse = (products[:, [0, 0, 1], [1, 2, 2]] < 0.0).all(axis=1)
        found[f"B(∞) = {float(bound):g}"] = Proportion(successes=int(obtuse.sum()), n=number)
    return found


def predict_hypotheses() -> Quantities:
    """What is printed: γ > 0 always, and B(t) < 0 from some T on (here from T = 1)."""
    return {
        label: Bracket.exactly(0.0) for case in (*FLIPPED, STOPPED) for label in (f"{_rates(case)}: γ e^t", f"{_rates(case)}: −B, t ≥ 1")
    }


def predict_bounded_by_all() -> Quantities:
    """A false variant: −B(t) has its limit −b as a lower bound from T = 1 on, as if β ended at once."""
    return {f"{_rates(case)}: −B, t ≥ 1": Bracket.exactly(-float(case.inter)) for case in (*FLIPPED, STOPPED)}


def _rates(case: Case) -> str:
    return f"α = {case.intra}, β = {case.inter} e^(−t)"


def measure_hypotheses(setting: Setting) -> Quantities:
    """The least values of γ e^t = a e^t − b over t ≥ 0 and of −B over t ≥ 1.

    The former is monotone, so its least value is at t = 0, or at no time when a < 0; −B has the slope −b e^{−t} of one sign, so its least
    value is at t = 1, or in the limit, which it is within e^{−40} of at t = 40.
    """
    found: dict[str, Bracket] = {}
    for case in (*FLIPPED, STOPPED):
        least = case.intra - case.inter if case.intra >= 0 else Fraction(-(10**9))
        found[f"{_rates(case)}: γ e^t"] = Bracket(
            math.nextafter(float(least), -math.inf), math.nextafter(float(least), math.inf), rigorous=True
        )
        shared = as_rate(sympy.Rational(case.inter) * sympy.exp(-TIME))
        ends = [-shared.integral_bracket(time) for time in (1.0, 40.0)]
        found[f"{_rates(case)}: −B, t ≥ 1"] = min(ends, key=lambda end: end.lower)
    return found


ENCLOSED = "enclosures in ball arithmetic; what is left of β beyond t = 20 moves the limit by less than 1e-8"

ROOM = Room(
    statement=Statement(
        name="neural-collapse-printed",
        title="Neural collapse of the LE-ODE, as printed",
        latex=r"\gamma>0,\ B(t)<0\ (t\geq T)\ \Rightarrow\ \cos\angle(\bar X^k,\bar X^l)\to-\tfrac{1}{K-1}",
        assumptions=(
            "L-model, P = 11ᵀ/K",
            "B = ∫β; the printed form asks nothing of its limit, of Γ = ∫γ, or of the start",
            "an ETF has all cosines −1/(K−1), as in neural collapse",
            "for lines instead of vectors the flipped limit is an ETF too, the limit with bounded Γ is not",
        ),
        kind=Kind.EQUALITY,
        origin=Origin.SEED,
        source=Source("zhang2021", "poster, Proposition (Neural Collapse of the LE-ODE); slides, Corollary"),
    ),
    checks=(
        Check(
            name="hypotheses",
            claim="the counterexamples satisfy what is printed: γ > 0, and B(t) < 0 from t = 1 on",
            evidence=Evidence.CERTIFIED,
            predict=predict_hypotheses,
            measure=measure_hypotheses,
            kind=Kind.LOWER_BOUND,
            origin=Origin.DERIVED,
        ),
        Check(
            name="as-printed",
            claim="for α = 1 and β = b e^{−t} the directions tend to an ETF",
            evidence=Evidence.CERTIFIED,
            predict=predict_etf,
            measure=measure_flipped,
            resolution=1e-6,
            reason=ENCLOSED,
            expected=Verdict.REFUTED,
        ),
        Check(
            name="flipped",
            claim="they tend to an ETF with the last vector flipped: cosines −½, ½, ½ for three classes",
            evidence=Evidence.CERTIFIED,
            predict=predict_flipped,
            measure=measure_flipped,
            resolution=1e-6,
            reason=ENCLOSED,
            origin=Origin.DERIVED,
        ),
        Check(
            name="signs",
            claim="because s_j e^{−Γ/K} → s̄(0) + e^{B(∞)/(K−1)} δ_j(0), which is negative for the last class only",
            evidence=Evidence.CERTIFIED,
            predict=predict_projections,
            measure=measure_projections,
            resolution=1e-6,
            reason=ENCLOSED,
            origin=Origin.DERIVED,
        ),
        Check(
            name="as-printed-bounded-gap",
            claim="for α = 0 and β = −e^{−t} the directions tend to an ETF, from X̄^k(0) = e_k",
            evidence=Evidence.CERTIFIED,
            predict=predict_etf_when_stopped,
            measure=measure_stopped,
            resolution=1e-6,
            reason=ENCLOSED,
            expected=Verdict.REFUTED,
        ),
        Check(
            name="stopped",
            claim="there the means stop on the way: X̄^k tends to e^{1/3} e_k − (e^{1/3} − 1)/3",
            evidence=Evidence.CERTIFIED,
            predict=predict_stopped,
            measure=measure_stopped,
            resolution=1e-6,
            reason=ENCLOSED,
            origin=Origin.DERIVED,
        ),
        Check(
            name="how-often",
            claim="with three classes and B(∞) > −∞ the share ¼ + (3/2π) arcsin ρ of normal starts collapses",
            evidence=Evidence.STATISTICAL,
            predict=predict_share,
            measure=measure_share,
            kind=Kind.PROBABILITY,
            resolution=SHARP,
            reason=SIZED.replace("paths", "starts"),
            headroom=2.0,
            origin=Origin.DERIVED,
        ),
    ),
    controls=(
        Control(name="b-at-its-limit", claim="B(t) ≤ B(∞) from t = 1 on", check="hypotheses", predict=predict_bounded_by_all),
        Control(name="not-flipped-but-first", claim="the first vector is flipped", check="as-printed", predict=predict_first_flipped),
        Control(name="first-flipped", claim="the first vector is the flipped one", check="flipped", predict=predict_first_flipped),
        Control(
            name="without-decay", claim="deviations δ_j do not shrink against s̄", check="signs", predict=predict_projections_without_decay
        ),
        Control(
            name="stopped-at-once", claim="the means stop where they begin", check="as-printed-bounded-gap", predict=predict_right_angles
        ),
        Control(name="collapsed-when-stopped", claim="bounded Γ is enough", check="stopped", predict=predict_etf_when_stopped),
        Control(name="always", claim="every start collapses", check="how-often", predict=predict_always),
        Control(name="independent-signs", claim="a quarter collapses, whatever B(∞)", check="how-often", predict=predict_independent),
    ),
)
