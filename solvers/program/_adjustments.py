"""What changes the logits before cross-entropy sees them: a factor, a shift and a margin for each class, and smoothed labels."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from layerpeel.numerics import UnusableInput, double, require_real, shown

LARGEST_SCALE = 1e6
"""Largest factor on logits, and the inverse of the least: squares of such numbers enter distances."""

LARGEST_SHIFT = 300.0
"""Largest shift or margin: its exponential is still a double, and no logarithm of counts comes near it."""


class Adjustment(NamedTuple):
    """One class: its logits enter as scale · z + shift in every row, less the margin in its own rows."""

    scale: float = 1.0
    shift: float = 0.0
    margin: float = 0.0


NEUTRAL = Adjustment()
"""Logits as they are."""


class Adjustments(NamedTuple):
    """The same for all classes as they are given: one number for all, or one for each; None for what is left alone."""

    logit_scale: Any = None
    logit_shift: Any = None
    margins: Any = None

    def of_each(self, count: int, of: str) -> list[Adjustment]:
        """One adjustment for each of `count` entries.

        Raises:
            UnusableInput: for another number of them, or what is not finite, too large, or negative where it must not be.
        """
        scales = _numbers(self.logit_scale, 1.0, count, "logit scale", of, least=1 / LARGEST_SCALE, largest=LARGEST_SCALE)
        shifts = _numbers(self.logit_shift, 0.0, count, "logit shift", of, least=-LARGEST_SHIFT, largest=LARGEST_SHIFT)
        margins = _numbers(self.margins, 0.0, count, "margin", of, least=0.0, largest=LARGEST_SHIFT)
        return [Adjustment(*each) for each in zip(scales, shifts, margins, strict=True)]


UNCHANGED = Adjustments()
"""No class's logits are changed."""


def smoothing_of(value: Any) -> float:
    """δ of smoothed labels, 0 ≤ δ < 1.

    Raises:
        UnusableInput: otherwise.
    """
    smoothing = double(value)
    if not 0.0 <= smoothing < 1.0:
        raise UnusableInput(
            f"the label smoothing is {shown(value)}: it must be at least 0 and below 1, where nothing of the label is left; "
            "give one, for example 0.1."
        )
    return smoothing


def _numbers(given: Any, neutral: float, count: int, what: str, of: str, *, least: float, largest: float) -> list[float]:
    if given is None:
        return [neutral] * count
    one = isinstance(given, str | bytes | dict) or not isinstance(given, Iterable) or getattr(given, "ndim", 1) == 0
    values = [given] * count if one else list(given)
    if len(values) != count:
        raise UnusableInput(
            f"{len(values)} numbers are given as the {what} of {count} entries: there must be one per {of}, or one for all; give as many."
        )
    return [
        require_real(value, f"the {what} of {of} {index}", least=least, largest=largest, remedy="use another one")
        for index, value in enumerate(values, start=1)
    ]
