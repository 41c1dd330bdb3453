"""How likely two classes are separated, enclosed: class means by Taylor steps, noise as it adds up, the order by one integral."""

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction

import sympy
from flint import arb, arb_mat, ctx, fmpq_mat, fmpz

from layerpeel.numerics import PRECISION, Bracket, enclose_ordered_probability, separated_probability, to_bracket
from layerpeel.theory._claims import Rule, Variant
from layerpeel.theory._room import Evidence, Kind
from layerpeel.theory.locally_elastic._enclosed_flow import Drift, flow, on_logarithms, rational, two_parameter_drift

Powers = Mapping[float, float] | Mapping[Fraction, Fraction]
"""A rate Σ a (1 + t)^{−r}, as {r: a}."""

WIDE = 3 * PRECISION
"""Working precision of class means whose common mode outgrows their differences by up to e^70."""

HOPELESS = 10.0
"""Distance in the wrong direction beyond which the order of a single pair, of probability below 1e-12, bounds the probability."""

FARTHEST = 60.0
"""Distance in deviations beyond which probabilities are bounded by those at this distance: they are within 1e-390 of 0 or 1 there."""

ENCLOSED = Evidence.CERTIFIED.within(
    1e-3, "brackets are enclosures in ball arithmetic: means by Taylor steps with a proved remainder, their order by one integral"
)
"""How near to its limit a probability must come."""

NARROW = 1e-9
"""Widest interval of distances of which one end is evaluated and the other bounded."""


def slow_count(time: float) -> int:
    """n = 2 + ⌊log(1 + t)⌋ samples per class: tends to infinity, slowly."""
    return 2 + math.floor(math.log1p(time))


def log_distances(
    drift: Drift, start: fmpq_mat, times: Sequence[float], pairs: Sequence[tuple[int, int]], *, classes: int
) -> list[list[Bracket]]:
    """log ‖X̄^k − X̄^l‖ for each time and pair, enclosed: class means by Taylor steps on the clock u = log(1 + t).

    Args:
        drift: (1 + t) M as a function of u.
        start: class means at time 0 as a column, the features of a class standing together.
        times: t, increasing.
        pairs: (k, l).
        classes: K.
    """
    features = start.nrows() // classes
    with ctx.workprec(WIDE):
        means = [state.entries() for state in flow(arb_mat(start), drift, [(1 + arb(time)).log() for time in times])]
        return [
            [
                to_bracket(sum(((at[k * features + a] - at[j * features + a]) ** 2 for a in range(features)), arb(0)).log() / 2)
                for k, j in pairs
            ]
            for at in means
        ]


def log_distances_by_time(
    similarity: sympy.Matrix,
    start: Sequence[float] | Sequence[Fraction],
    intra: Powers,
    inter: Powers,
    times: Sequence[float],
    *,
    classes: int,
    pairs: Sequence[tuple[int, int]] = ((0, -1),),
) -> dict[float, list[Bracket]]:
    """log ‖X̄^k − X̄^l‖ of each pair, by time, for strengths that are sums of powers.

    Args:
        similarity: H, the features of a class standing together.
        start: class means at time 0, likewise.
        intra: α.
        inter: β.
        times: t, increasing.
        classes: K.
        pairs: (k, l); the first and the last class when left out.
    """
    exact = [on_logarithms({Fraction(power): Fraction(factor) for power, factor in rate.items()}) for rate in (intra, inter)]
    drift = two_parameter_drift(similarity, classes, *exact)
    column = rational(sympy.Matrix([sympy.Rational(value) for value in start]))
    whole = [(k % classes, j % classes) for k, j in pairs]
    return dict(zip(times, log_distances(drift, column, times, whole, classes=classes), strict=True))


def distance_in_deviations(log_distance: Bracket, time: float, *, variance: float = 1.0, noise: float = 1.0) -> Bracket:
    """‖X̄^k − X̄^l‖/√(s₀² + σ²t): the distance of two class means over the features' standard deviation at time t.

    Args:
        log_distance: log ‖X̄^k − X̄^l‖.
        time: t.
        variance: s₀², of the features at time 0.
        noise: σ², gained per unit of time.
    """
    with ctx.workprec(PRECISION):
        deviation = (arb(variance) + arb(noise) * arb(time)).sqrt()
        low, high = (min(arb(end).exp() / deviation, arb(FARTHEST)) for end in (log_distance.lower, log_distance.upper))
        return to_bracket(low.union(high))


def ordered_enclosure(distance: Bracket, count: int) -> Bracket:
    """Probability that n samples of one class all lie below n of the other one, whose mean is `distance` deviations above.

    It grows with the distance, so the ends of an interval give the ends of the answer. Of a narrow interval one end is enough: moving n
    normal samples by w deviations changes any probability by at most w√n/√(2π), a bound of the total variation.

    Args:
        distance: of either sign.
        count: n.
    """
    low = _ordered(distance.lower, count)
    if distance.width > NARROW:
        return Bracket(low.lower, _ordered(distance.upper, count).upper, rigorous=True)
    moved = Bracket.exactly(0.5 * math.sqrt(count) * distance.width)  # ½ > 1/√(2π)
    return Bracket(low.lower, min(1.0, (low + moved).upper), rigorous=True)


def _ordered(distance: float, count: int) -> Bracket:
    """At one distance: within its double between −HOPELESS and FARTHEST, bounded beyond."""
    end = min(distance, FARTHEST)
    among = 1 if end < -HOPELESS else count  # one pair in the wrong order is enough to fail
    chance = to_bracket(enclose_ordered_probability(end, deviations=(1.0, 1.0), counts=(among, among)))
    return Bracket(0.0 if among < count else chance.lower, 1.0 if end < distance or end == FARTHEST else chance.upper, rigorous=True)


def separated_enclosure(distance: Bracket, count: int) -> Bracket:
    """Probability that two samples on a line are separated, in either order: on a line this is separation by any hyperplane."""
    chance = ordered_enclosure(distance, count) + ordered_enclosure(-distance, count)
    return Bracket(max(0.0, chance.lower), min(1.0, chance.upper), rigorous=True)


def separated_in_doubles(distance: float, count: int, variance: float = 1.0) -> Bracket:
    """The same for class means at a distance, by the integral in doubles, for predictions; beyond FARTHEST deviations as there."""
    deviations = min(distance / math.sqrt(variance), FARTHEST)
    return separated_probability(deviations, deviations=(1.0, 1.0), counts=(count, count)).bracket()


def at_each_time(says: str, predict: Rule) -> Variant:
    """A false variant of a limit: what the probability would be at each time that is looked at."""
    return Variant(says, predict, kind=Kind.PROBABILITY)


def any_hyperplane_bound(distance: Bracket, count: int, features: int) -> Bracket:
    """An enclosure [along the means, bound for every hyperplane] of the probability that some hyperplane in R^p separates the classes.

    Were the means equal, all C(2n, n) ways to give n of the 2n points to the first class would be equally likely, and at most
    2 Σ_{i ≤ p} C(2n − 1, i) of them are linear (cover1965, theorem 1). Moving both means by half their distance d (in deviations) changes
    any probability by no more than 2Φ(d√(2n)/4) − 1, the total variation between two normal laws in R^{2np}.

    Args:
        distance: of the means, in deviations, ≥ 0.
        count: n per class.
        features: p.
    """
    linear = 2 * sum(math.comb(2 * count - 1, i) for i in range(features + 1))
    with ctx.workprec(PRECISION):
        moved = (arb(max(0.0, distance.upper)) * (arb(2 * count)).sqrt() / (4 * arb(2).sqrt())).erf()
        upper = to_bracket(arb(fmpz(linear)) / arb(fmpz(math.comb(2 * count, count))) + moved).upper
    return Bracket(separated_enclosure(distance, count).lower, min(1.0, upper), rigorous=True)
