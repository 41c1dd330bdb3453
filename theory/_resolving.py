"""How sharp a check is: the smallest change of its prediction that its measurement refutes, and the share of its resolution used."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import sympy

from layerpeel.numerics import Bracket
from layerpeel.theory._judge import as_bracket, judge
from layerpeel.theory._room import Kind, Quantities, Verdict

SMALLEST, LARGEST = 2.0**-60, 2.0**40
"""Changes that are tried lie between: the first is below the spacing of doubles beside one, the second beyond any mistake."""
HALVINGS = 20
"""Bisections between two neighbouring powers of two: the answer is right to six digits."""


@dataclass(frozen=True, kw_only=True)
class ResolvingPower:
    """What the measurement of a confirmed check can tell apart.

    Args:
        relative: smallest δ such that multiplying every prediction by 1 + δ is refuted, and dividing by it too; for a bound the
            one of the two that claims more. Zero where any change is refuted (an exact identity), infinite where none is; None
            where every prediction is zero, so that no factor changes it.
        absolute: smallest ε such that adding ε to every prediction is refuted, and subtracting it too; for a bound likewise.
    """

    relative: float | None
    absolute: float


def resolving_power(
    kind: Kind, prediction: Quantities, measurement: Quantities, *, resolution: float, level: float
) -> ResolvingPower | None:
    """The smallest relative and absolute change of all predictions at once that `judge` refutes against this measurement.

    A change in both directions must be refuted, so that an interval that begins at what is predicted (a size that cannot be negative, held
    against zero from above) shows that it is blind on one side. One refuted label refutes, so the sharpest label decides.

    Args:
        kind: as for `judge`.
        prediction: as for `judge`.
        measurement: as for `judge`.
        resolution: as for `judge`.
        level: as for `judge`.

    Returns:
        Both changes, the relative one None where all predictions are zero; None where the check itself is not confirmed.

    Raises:
        KeyError: when a predicted label was not measured.
        TypeError: for an exact expression against an interval.

    Example:
        >>> power = resolving_power(
        ...     Kind.EQUALITY, {"x": Bracket.exactly(2.0)}, {"x": Bracket(1.8, 2.1)}, resolution=1.0, level=0.01
        ... )
        >>> round(power.relative, 4), round(power.absolute, 4)
        (0.1111, 0.2)
    """
    if judge(kind, prediction, measurement, resolution=resolution, level=level) is not Verdict.CONFIRMED:
        return None
    if any(isinstance(value, sympy.Basic) for value in prediction.values()):
        return ResolvingPower(relative=None if all(value == 0 for value in prediction.values()) else 0.0, absolute=0.0)
    claims = {label: as_bracket(value, level) for label, value in prediction.items()}
    brackets = {label: as_bracket(measurement[label], level) for label in claims}

    def refuted(changed: Callable[[Bracket], Bracket]) -> bool:
        false = {label: changed(claim) for label, claim in claims.items()}
        return judge(kind, false, brackets, resolution=resolution, level=level) is Verdict.REFUTED

    def scaled(factor: float) -> bool:
        return refuted(lambda claim: _ordered(claim.lower * factor, claim.upper * factor))

    def shifted(step: float) -> bool:
        return refuted(lambda claim: _ordered(claim.lower + step, claim.upper + step))

    sides = _sides(kind)
    larger = {1: lambda change: scaled(1.0 + change), -1: lambda change: scaled(1.0 / (1.0 + change))}
    factors = [_least(larger[side]) for side in (1, -1)]
    steps = [_least(lambda step, side=side: shifted(side * step)) for side in sides]
    # which factor claims more depends on the prediction's sign, so for a bound the smaller of both is it
    relative = max(factors) if len(sides) > 1 else min(factors)
    return ResolvingPower(relative=relative if any(_nonzero(claim) for claim in claims.values()) else None, absolute=max(steps))


def _nonzero(claim: Bracket) -> bool:
    return claim.lower != 0.0 or claim.upper != 0.0


def _sides(kind: Kind) -> tuple[int, ...]:
    """Directions in which a prediction can be wrong: a bound that claims less is still true."""
    return {Kind.UPPER_BOUND: (-1,), Kind.LOWER_BOUND: (1,)}.get(kind, (1, -1))


def _ordered(first: float, second: float) -> Bracket:
    return Bracket(min(first, second), max(first, second))


def _least(refuted: Callable[[float], bool]) -> float:
    """The smallest change that is refuted; infinite if none is."""
    high = SMALLEST
    while not refuted(high):
        high *= 2.0
        if high > LARGEST:
            return math.inf
    if high == SMALLEST:
        return 0.0
    low = 0.5 * high
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if refuted(middle) else (middle, high)
    return high


def resolution_used(kind: Kind, prediction: Quantities, measurement: Quantities, *, resolution: float, level: float) -> float | None:
    """The widest measured interval as a share of the resolution, the widest that would still confirm.

    Args:
        kind: as for `judge`.
        prediction: as for `judge`.
        measurement: as for `judge`.
        resolution: as for `judge`.
        level: as for `judge`.

    Returns:
        None where no resolution is asked for: bounds, limits, and exact expressions.

    Raises:
        KeyError: when a predicted label was not measured.

    Example:
        >>> resolution_used(Kind.EQUALITY, {"x": Bracket.exactly(2.0)}, {"x": Bracket(1.5, 2.5)}, resolution=4.0, level=0.01)
        0.25
    """
    expressions = any(isinstance(value, sympy.Basic) for value in (*prediction.values(), *measurement.values()))
    if kind in (Kind.UPPER_BOUND, Kind.LOWER_BOUND, Kind.LIMIT) or expressions or not prediction:
        return None
    widest = max(as_bracket(measurement[label], level).width for label in prediction)
    if widest == 0.0:
        return 0.0
    return widest / resolution if resolution > 0.0 else math.inf
