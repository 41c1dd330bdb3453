"""Checks that every time series passes at the edge: real finite numbers, times that increase."""

from typing import Any

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics._inputs import UnusableInput


def finite_series(values: Any, what: str, axes: tuple[str, ...]) -> Float[np.ndarray, "..."]:
    """Real finite numbers as an array of doubles, with as many axes as named; the first name may be left out of the data.

    Args:
        values: anything that NumPy turns into an array.
        what: plural, for the message.
        axes: names of the axes; one in brackets, which must come first, is optional.

    Raises:
        UnusableInput: when they are not numbers, not rectangular, empty, of another shape, or not finite; says where.

    Example:
        >>> finite_series([1, 2], "times", ("time",))
        array([1., 2.])
    """
    try:
        array = np.asarray(values)
    except ValueError:
        array = np.empty(0, dtype=object)  # rows of different lengths
    if array.dtype.kind not in "iuf":
        raise UnusableInput(
            f"the {what} are not a rectangular array of real numbers (dtype {array.dtype}): give numbers, rows of one length."
        )
    required = [axis for axis in axes if not axis.startswith("[")]
    if array.ndim not in {len(required), len(axes)} or array.size == 0:
        raise UnusableInput(f"the {what} have the shape {array.shape}: it must be {' × '.join(axes)}, none of them empty; reshape them.")
    array = array.astype(float)
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        place = ", ".join(f"{axis.strip('[]')} {index}" for axis, index in zip(axes[-array.ndim :], bad[0], strict=True))
        raise UnusableInput(
            f"the {what} hold {array[tuple(bad[0])]} at {place} (counted from 0): they must be finite; correct or leave out that run."
        )
    return array


SPACING = 1e-6
"""Largest relative difference between two steps that still counts as rounding of the recorded times."""


def increasing_times(times: Any, length: int) -> tuple[Float[np.ndarray, " time"], float]:
    """Equally spaced increasing times and their spacing.

    Raises:
        UnusableInput: when they are no such times, or not `length` many.

    Example:
        >>> increasing_times([0, 2, 4], 3)
        (array([0., 2., 4.]), 2.0)
    """
    array = finite_series(times, "times", ("time",))
    if len(array) != length or length < 2:
        raise UnusableInput(
            f"there are {len(array)} times for {length} recorded states: there must be as many, and at least 2; give one each."
        )
    steps = np.diff(array)
    step = float(array[-1] - array[0]) / (length - 1)
    uneven = np.flatnonzero(~(np.abs(steps - step) <= SPACING * abs(step)))
    if step <= 0.0 or len(uneven):
        at = int(uneven[0]) if len(uneven) else 0
        raise UnusableInput(
            f"the time after {array[at]:g} is {array[at + 1]:g}, where an even step is {step:g}: derivatives need equally spaced, "
            "increasing times; sort them, or interpolate to an even grid."
        )
    return array, step


def jackknife_error(without: Float[np.ndarray, "trial *rest"]) -> Float[np.ndarray, "*rest"]:
    """Standard error √((G−1)/G Σ_g(θ_g − avg θ)²) of a statistic from its G values without one trial each.

    Example:
        >>> float(jackknife_error(np.array([1.0, 3.0])))  # a mean of 3 and 1
        1.0
    """
    return np.asarray(np.sqrt((len(without) - 1) * np.var(without, axis=0)))
