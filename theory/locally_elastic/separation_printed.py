"""The separation theorem as printed fails in both parts: growth of class differences is not governed by γ = α − β alone."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

import sympy

from layerpeel.numerics import TIME, Bracket, separated_probability
from layerpeel.theory._room import Check, Control, Evidence, Kind, Origin, Quantities, Room, Setting, Source, Statement, Verdict
from layerpeel.theory.locally_elastic._enclosed_flow import on_logarithms, rational, two_parameter_drift
from layerpeel.theory.locally_elastic._separation import distance_in_deviations, log_distances, separated_enclosure, slow_count

# Two classes on a line (K = 2, p = 1), means ±1 at time 0. On a line there is one direction only, so the exact probability below is that of
# separation by any hyperplane. H is a 2×2 matrix; the means are integrated from E and H, nothing else.

t = TIME
UNCOUPLED = sympy.eye(2)
"""H_ij = 0 between classes."""
OPPOSED = sympy.Matrix([[1, -1], [-1, 1]])
"""Classes seen with opposite signs: positive semidefinite, diagonal one."""

Powers = dict[Fraction, Fraction]
"""Σ a (1 + t)^{−r}, as {r: a}."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """H, the rates, the variance of the features at time 0 (it grows by 1 per unit of time), and the times looked at."""

    similarity: sympy.Matrix
    intra: Powers
    inter: Powers
    variance: float
    times: tuple[float, ...]


def _powers(**terms: int | str) -> Powers:
    """Coefficients by exponent, for example r12=1 for (1 + t)^{−1/2}: digits over digits."""
    return {Fraction(int(name[1]), int(name[2])): Fraction(value) for name, value in terms.items()}


CASES = {
    "pace": Case(similarity=UNCOUPLED, intra=_powers(r11=1), inter=_powers(r11=1, r12=-1), variance=4.0, times=(1e1, 1e2, 1e4, 1e6)),
    "negative rates": Case(similarity=UNCOUPLED, intra=_powers(r01=-1), inter=_powers(r01=-2), variance=1.0, times=(1.0, 5.0, 10.0, 20.0)),
    "opposed": Case(
        similarity=OPPOSED,
        intra=_powers(r34=1, r21="1/2"),
        inter=_powers(r34=-1, r21="1/2"),
        variance=1.0,
        times=(1e1, 1e2, 1e4, 1e5),
    ),
    "common growth": Case(
        similarity=UNCOUPLED, intra=_powers(r01=1), inter=_powers(r01=1, r21=-1), variance=1.0, times=(1.0, 2.0, 5.0, 10.0)
    ),
    "semidefinite": Case(similarity=UNCOUPLED, intra=_powers(r12=1), inter=_powers(r12=-1), variance=1.0, times=(1.0, 5.0, 10.0, 50.0)),
}
"""The first three have γ ≫ 1/t, the fourth has γ = (1 + t)^{−2} ≪ 1/t; the last is on the edge of positive semidefinite E."""
FAILING = ("pace", "negative rates", "opposed", "common growth")

FIXED = 5
"""Samples per class where the theorem lets the number be fixed."""
RESOLUTION = 1e-4
"""The means are within 0.01 deviations of each other at the last times, and probabilities are even in that distance."""


@cache
def _measured(name: str, *, growing: bool = False) -> Quantities:
    """Exact probability of separation around class means that are integrated from E and H in ball arithmetic."""
    case = CASES[name]
    drift = two_parameter_drift(case.similarity, 2, on_logarithms(case.intra), on_logarithms(case.inter))
    distances = log_distances(drift, rational(sympy.Matrix([1, -1])), case.times, [(0, 1)], classes=2)
    return {
        f"t = {time:g}": separated_enclosure(
            distance_in_deviations(row[0], time, variance=case.variance), slow_count(time) if growing else FIXED
        )
        for time, row in zip(case.times, distances, strict=True)
    }


def measure_pace(setting: Setting) -> Quantities:
    """H = I, α = (1+t)^{−1}, β = α − (1+t)^{−1/2}; five samples per class."""
    return _measured("pace")


def measure_negative(setting: Setting) -> Quantities:
    """H = I, α = −1, β = −2; five samples per class."""
    return _measured("negative rates")


def measure_opposed(setting: Setting) -> Quantities:
    """H_12 = −1, α = (1+t)^{−3/4} + (1+t)^{−2}/2, β = −(1+t)^{−3/4} + (1+t)^{−2}/2; five samples per class."""
    return _measured("opposed")


def measure_common_growth(setting: Setting) -> Quantities:
    """H = I, α = 1, β = 1 − (1+t)^{−2}; n = 2 + ⌊log(1 + t)⌋."""
    return _measured("common growth", growing=True)


def measure_repaired(setting: Setting) -> Quantities:
    """H = I, α = −β = (1+t)^{−1/2}; five samples per class."""
    return _measured("semidefinite")


# Limits.


def _everywhere(name: str, value: Bracket) -> Quantities:
    return {f"t = {time:g}": value for time in CASES[name].times}


ONE, CHANCE = Bracket.exactly(1.0), Bracket.exactly(2 / math.comb(2 * FIXED, FIXED))
"""Separated; and 2/C(2n, n), what exchangeable samples do by chance."""


def predict_separated_at_pace() -> Quantities:
    """One, as printed."""
    return _everywhere("pace", ONE)


def predict_separated_negative() -> Quantities:
    """One, as printed."""
    return _everywhere("negative rates", ONE)


def predict_separated_opposed() -> Quantities:
    """One, as printed."""
    return _everywhere("opposed", ONE)


def predict_mixed_common_growth() -> Quantities:
    """Zero, as printed."""
    return _everywhere("common growth", Bracket.exactly(0.0))


def _at_distance(distance: float, count: int = FIXED) -> Bracket:
    return separated_probability(distance, deviations=(1.0, 1.0), counts=(count, count)).bracket()


def predict_kept_pace() -> Quantities:
    """The integral at two deviations: 2e^{A/2} = 2√(1 + t) keeps pace with √(4 + t)."""
    return _everywhere("pace", _at_distance(2.0))


def predict_kept_pace_of_start() -> Quantities:
    """A false variant: one deviation, as at time 0."""
    return _everywhere("pace", _at_distance(1.0))


def predict_pace_by_chance() -> Quantities:
    """A false variant: as by chance, as where the means meet."""
    return _everywhere("pace", CHANCE)


def predict_negative_by_chance() -> Quantities:
    """2/C(2n, n)."""
    return _everywhere("negative rates", CHANCE)


def predict_negative_ordered() -> Quantities:
    """A false variant: 1/C(2n, n), in one order only."""
    return _everywhere("negative rates", Bracket.exactly(1 / math.comb(2 * FIXED, FIXED)))


def predict_negative_slowly() -> Quantities:
    """A false variant: the means stay, α = −1 shrinks only what they have in common."""
    return {f"t = {time:g}": _at_distance(2.0 / math.sqrt(1.0 + time)) for time in CASES["negative rates"].times}


def predict_opposed_by_chance() -> Quantities:
    """2/C(2n, n)."""
    return _everywhere("opposed", CHANCE)


def predict_opposed_by_coins() -> Quantities:
    """A false variant: 2 · 2^{−2n}, each sample on its side by a coin."""
    return _everywhere("opposed", Bracket.exactly(2 * 0.25**FIXED))


def predict_opposed_at_half() -> Quantities:
    """A false variant: as for the weaker γ = 1/t at c = K/2, half of the deviation stays between the means."""
    return _everywhere("opposed", _at_distance(0.5))


def predict_separated_common_growth() -> Quantities:
    """One in the limit."""
    return _everywhere("common growth", ONE)


def predict_common_growth_of_gap() -> Quantities:
    """A false variant: the difference grows as e^{Γ/K}, bounded by e^{1/2}."""
    return {
        f"t = {time:g}": _at_distance(2.0 * math.exp(0.5 * time / (1.0 + time)) / math.sqrt(1.0 + time), slow_count(time))
        for time in CASES["common growth"].times
    }


def predict_common_growth_by_chance() -> Quantities:
    """A false variant: n² pairs of samples are ordered by chance as n grows."""
    return {f"t = {time:g}": _at_distance(0.0, slow_count(time)) for time in CASES["common growth"].times}


def predict_repaired() -> Quantities:
    """One in the limit."""
    return _everywhere("semidefinite", ONE)


def predict_repaired_by_total() -> Quantities:
    """A false variant: the difference of uncoupled classes grows with (α + β)/2, here not at all."""
    return {f"t = {time:g}": _at_distance(2.0 / math.sqrt(1.0 + time)) for time in CASES["semidefinite"].times}


# The hypotheses.


def predict_hypotheses() -> Quantities:
    """H has least eigenvalue ≥ 0 and diagonal one; 1/(tγ) → 0 for the first three, tγ → 0 for the fourth; α ≥ (K−1)γ/K iff α+(K−1)β ≥ 0."""
    least = {"pace": 1, "negative rates": 1, "opposed": 0, "common growth": 1}
    classes, alpha, beta = sympy.symbols("K alpha beta", positive=True)
    return (
        {f"{name}: least eigenvalue of H": sympy.Integer(value) for name, value in least.items()}
        | {f"{name}: diagonal of H": sympy.Integer(1) for name in least}
        | {f"{name}: lim 1/(tγ)": sympy.Integer(0) for name in ("pace", "negative rates", "opposed")}
        | {"common growth: lim tγ": sympy.Integer(0), "opposed: det E, positive": 2 * (1 + t) ** sympy.Rational(-11, 4)}
        | {"α − (K−1)γ/K": (alpha + (classes - 1) * beta) / classes}
    )


def _rate(powers: Powers) -> sympy.Expr:
    return sympy.Add(*(sympy.Rational(factor) * (1 + t) ** -sympy.Rational(power) for power, factor in powers.items()))


def measure_hypotheses(setting: Setting) -> Quantities:
    """The same from H, α and β as given."""
    classes, alpha, beta = sympy.symbols("K alpha beta", positive=True)
    found: dict[str, Any] = {}
    for name in FAILING:
        case = CASES[name]
        gap = sympy.expand(_rate(case.intra) - _rate(case.inter))
        found[f"{name}: least eigenvalue of H"] = sympy.Min(*case.similarity.eigenvals())
        found[f"{name}: diagonal of H"] = case.similarity[0, 0] if case.similarity[0, 0] == case.similarity[1, 1] else sympy.nan
        found[f"{name}: lim 1/(tγ)"] = sympy.limit(1 / (t * gap), t, sympy.oo)
        found[f"{name}: lim tγ"] = sympy.limit(t * gap, t, sympy.oo)
    intra, inter = (_rate(rate) for rate in (CASES["opposed"].intra, CASES["opposed"].inter))
    found["opposed: det E, positive"] = sympy.expand(sympy.Matrix([[intra, inter], [inter, intra]]).det())
    return found | {"α − (K−1)γ/K": alpha - (classes - 1) * (alpha - beta) / classes}


def predict_hypotheses_singular() -> Quantities:
    """A false variant: E of the third case has a zero eigenvalue."""
    return {"opposed: det E, positive": sympy.Integer(0)}


EXACT = "enclosures in ball arithmetic, 1e-14 wide; at the last times the means are within 0.01 deviations of their limit"


def _refuted(name: str, claim: str, predict: Callable[[], Quantities], measure: Callable[[Setting], Quantities]) -> Check:
    return Check(
        name=name,
        claim=claim,
        evidence=Evidence.CERTIFIED,
        predict=predict,
        measure=measure,
        resolution=RESOLUTION,
        reason=EXACT,
        expected=Verdict.REFUTED,
    )


def _instead(name: str, claim: str, predict: Callable[[], Quantities], measure: Callable[[Setting], Quantities]) -> Check:
    return Check(
        name=name,
        claim=claim,
        evidence=Evidence.CERTIFIED,
        predict=predict,
        measure=measure,
        resolution=RESOLUTION,
        reason=EXACT,
        origin=Origin.DERIVED,
    )


ROOM = Room(
    statement=Statement(
        name="separation-printed",
        title="The separation theorem as printed fails in both parts",
        latex=r"\gamma=\omega(1/t)\Rightarrow P(\text{separable})\to1,\qquad \gamma=o(1/t),\ n\to\infty\Rightarrow P(\text{separable})\to0",
        assumptions=(
            "γ = α − β > 0, H positive semidefinite with positive diagonal",
            "each sample driven by the class means (slides, equation (7)); distinct class means at time 0",
        ),
        kind=Kind.LIMIT,
        origin=Origin.SEED,
        source=Source("zhang2021", "poster, Theorem (Separation of LE-SDE); slides, The Separation Theorem"),
    ),
    checks=(
        Check(
            name="hypotheses",
            claim="the counterexamples satisfy every printed hypothesis, and α ≥ (K−1)γ/K exactly when E is positive semidefinite",
            evidence=Evidence.PROOF,
            predict=predict_hypotheses,
            measure=measure_hypotheses,
            kind=Kind.EQUALITY,
            origin=Origin.DERIVED,
        ),
        _refuted("part-i-pace", "γ = (1+t)^{−1/2} separates for H = I, α = (1+t)^{−1}", predict_separated_at_pace, measure_pace),
        _instead(
            "part-i-pace-instead",
            "there growth √t and noise keep pace: as for means two deviations apart, neither separated nor mixed",
            predict_kept_pace,
            measure_pace,
        ),
        _refuted("part-i-negative-rates", "γ = 1 separates for H = I, α = −1, β = −2", predict_separated_negative, measure_negative),
        _instead(
            "part-i-negative-rates-instead",
            "there the means meet at zero: separation as by chance, 2/C(2n, n)",
            predict_negative_by_chance,
            measure_negative,
        ),
        _refuted(
            "part-i-opposed",
            "γ = 2(1+t)^{−3/4} separates for H_12 = −1 and positive definite E",
            predict_separated_opposed,
            measure_opposed,
        ),
        _instead(
            "part-i-opposed-instead",
            "there the difference of the means stays bounded: separation as by chance, although E and H are positive semidefinite",
            predict_opposed_by_chance,
            measure_opposed,
        ),
        _refuted(
            "part-ii-common-growth",
            "γ = (1+t)^{−2} mixes the classes for H = I, α = 1, as n grows like log t",
            predict_mixed_common_growth,
            measure_common_growth,
        ),
        _instead(
            "part-ii-common-growth-instead",
            "there the class differences grow exponentially: separated with probability tending to one",
            predict_separated_common_growth,
            measure_common_growth,
        ),
        _instead(
            "part-i-repaired",
            "with E positive semidefinite, γ ≫ 1/t does separate uncoupled classes: α ≥ (K−1)γ/K drives them",
            predict_repaired,
            measure_repaired,
        ),
    ),
    controls=(
        Control(name="singular", claim="E of the opposed classes is singular", check="hypotheses", predict=predict_hypotheses_singular),
        Control(name="pace-by-chance", claim="there the means meet, as by chance", check="part-i-pace", predict=predict_pace_by_chance),
        Control(
            name="pace-of-start", claim="one deviation stays, as at time 0", check="part-i-pace-instead", predict=predict_kept_pace_of_start
        ),
        Control(
            name="means-stay",
            claim="the means stay as they are",
            check="part-i-negative-rates",
            predict=predict_negative_slowly,
            kind=Kind.PROBABILITY,
        ),
        Control(name="one-order", claim="1/C(2n, n)", check="part-i-negative-rates-instead", predict=predict_negative_ordered),
        Control(name="half-a-deviation", claim="half a deviation stays", check="part-i-opposed", predict=predict_opposed_at_half),
        Control(name="coins", claim="2 · 2^{−2n}", check="part-i-opposed-instead", predict=predict_opposed_by_coins),
        Control(
            name="ordered-by-chance",
            claim="samples are ordered by chance, ever less likely as n grows",
            check="part-ii-common-growth",
            predict=predict_common_growth_by_chance,
            kind=Kind.PROBABILITY,
        ),
        Control(
            name="gap-grows",
            claim="differences grow as e^{Γ/K}",
            check="part-ii-common-growth-instead",
            predict=predict_common_growth_of_gap,
            kind=Kind.PROBABILITY,
        ),
        Control(
            name="by-total",
            claim="uncoupled classes differ by e^{(A + B)/K}",
            check="part-i-repaired",
            predict=predict_repaired_by_total,
            kind=Kind.PROBABILITY,
        ),
    ),
)
