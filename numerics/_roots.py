"""Newton's method on an increasing function, kept inside a bracket."""

import math
from collections.abc import Callable

from layerpeel.numerics._bracket import Bracket
from layerpeel.numerics._validated import validated

STEP_TOLERANCE = 1e-9
"""A Newton step this small (relative) is applied and ends the iteration: quadratic convergence leaves an error near its square."""

ABSOLUTE_TOLERANCE = 1e-25
"""A root this close to a lower end of zero is the end itself: the callers' quantities enter as 1 + x."""

MAX_STEPS = 200
"""Bisection alone needs about 64 steps per bracket; more than this means that the function is not increasing."""


def increasing_root(
    function: Callable[[float], tuple[float, float]],
    *,
    start: float,
    lower: float = 0.0,
    upper: float = math.inf,
    tolerance: float = STEP_TOLERANCE,
) -> float:
    """The root in [lower, upper] of an increasing function given with its slope.

    Newton steps, replaced by bisection (by doubling while there is no finite upper end) whenever they leave the bracket,
    so it converges from any start. A root at an end of the bracket is approached to rounding.

    Args:
        function: x ↦ (value, slope); the value increases through zero.
        start: the first point, inside the bracket.
        lower: where the value is known to be ≤ 0.
        upper: where the value is known to be ≥ 0; may be infinite.
        tolerance: relative Newton step that ends the iteration; the error left is about its square.

    Raises:
        ArithmeticError: when the iteration does not settle or meets NaN.

    Example:
        >>> round(increasing_root(lambda x: (x * x - 2, 2 * x), start=1.0), 12)
        1.414213562373
    """
    x = start
    for _ in range(MAX_STEPS):
        value, slope = function(x)
        if value == 0.0:
            return x
        if math.isnan(value):
            raise ArithmeticError(f"the function is not a number at {x}; check the bracket [{lower}, {upper}].")
        if value < 0.0:
            lower = x
        else:
            upper = x
        following = x - value / slope if slope > 0.0 else math.nan
        if abs(following - x) <= tolerance * abs(x) or upper - lower <= ABSOLUTE_TOLERANCE:
            return x if math.isnan(following) else min(max(following, lower), upper)
        if not lower < following < upper:
            following = 0.5 * (lower + upper) if upper < math.inf else 2.0 * x + 1.0
            if following in (lower, upper):
                return following
        x = following
    raise ArithmeticError(
        f"no root of an increasing function found in [{lower}, {upper}] after {MAX_STEPS} steps; check that it is increasing."
    )


@validated
def last_true(holds: Callable[[float], bool], low: float, high: float, *, width: float) -> Bracket:
    """Bisection over a yes or no: where what holds at `low`, and no longer at `high`, ends.

    Args:
        holds: whether it does; asked between the ends only.
        low: where it is known to hold, positive.
        high: where it is known not to.
        width: relative width at which the bisection stops.

    Returns:
        The last place with a yes and the first with a no; where there is more than one end, around one of them.

    Raises:
        UnusableInput: for what is no function, or ends and a width that are no numbers.

    Example:
        >>> last_true(lambda x: x * x < 2, 1.0, 2.0, width=0.01)
        Bracket(lower=1.4140625, upper=1.421875, rigorous=False)
    """
    while high - low > width * low and low < (middle := 0.5 * (low + high)) < high:
        low, high = (middle, high) if holds(middle) else (low, middle)
    return Bracket(low, high)
