"""Validation at the edge: the one error for unusable input, and the two rules that most inputs follow."""

import math
from numbers import Real
from typing import Any


class UnusableInput(ValueError):
    """Input that breaks a rule; its message names the value, the rule and the remedy in one sentence."""


def _double(value: Any) -> float:
    """A real number as a double; infinite when it does not fit, NaN when it is no real number."""
    if not isinstance(value, Real) or isinstance(value, bool):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf


def require_positive(value: Any, what: str) -> float:
    """A positive finite number, as a float.

    Raises:
        UnusableInput: otherwise.

    Example:
        >>> require_positive(5, "feature energy")
        5.0
    """
    number = _double(value)
    if math.isfinite(number) and number > 0.0:
        return number
    raise UnusableInput(f"the {what} is {value!r}: it must be a positive finite number; give one, for example 5.")


def require_whole(value: Any, what: str, *, least: int = 1, remedy: str) -> int:
    """A whole number ≥ `least`; floats without a fraction pass.

    Raises:
        UnusableInput: otherwise.

    Example:
        >>> require_whole(3.0, "the count", remedy="correct it")
        3
    """
    number = _double(value)
    if math.isfinite(number) and number.is_integer() and number >= least:
        return int(value)
    raise UnusableInput(f"{what} is {value!r}: it must be a whole number >= {least}; {remedy}.")
