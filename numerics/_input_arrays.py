"""Validation of whole arrays at the edge: the first entry that breaks the rule is named."""

from typing import Any

import numpy as np
from jaxtyping import Float

from numerics._inputs import UnusableInput


def _numbers(values: Any, what: str) -> Float[np.ndarray, "..."]:
    try:
        array = np.asarray(values)
    except ValueError:
        raise UnusableInput(f"the {what} has rows of different lengths: it must be an array; give lists of one length.") from None
    if array.dtype.kind not in "iuf":
        raise UnusableInput(f"the {what} has entries of type {array.dtype}: they must be real numbers; give an array of numbers.")
    return array.astype(np.float64)


def _first(array: np.ndarray, broken: np.ndarray) -> str:
    """The first entry that breaks the rule, and where it stands."""
    place = tuple(np.argwhere(broken)[0].tolist())
    return f"{array[place]:.16g}" + (f" at index {', '.join(map(str, place))}" if place else "")


def require_positive_array(values: Any, what: str, *, least: float = 0.0, largest: float = np.inf) -> Float[np.ndarray, "..."]:
    """Positive finite numbers in [least, largest], as doubles.

    Raises:
        UnusableInput: otherwise.

    Example:
        >>> require_positive_array([1, 2.5], "imbalance").tolist()
        [1.0, 2.5]
    """
    array = _numbers(values, what)
    broken = ~(np.isfinite(array) & (array > 0.0))
    if np.any(broken):
        raise UnusableInput(f"the {what} is {_first(array, broken)}: it must be positive and finite; correct or leave out such entries.")
    broken = (array < least) | (array > largest)
    if np.any(broken):
        raise UnusableInput(
            f"the {what} is {_first(array, broken)}: a batch takes {least:g} to {largest:g}; solve such problems one at a time."
        )
    return array


def require_whole_array(values: Any, what: str, *, largest: float) -> Float[np.ndarray, "..."]:
    """Whole numbers from 1 to `largest`, as doubles.

    Raises:
        UnusableInput: otherwise.

    Example:
        >>> require_whole_array([3, 1], "number of majority classes", largest=10).tolist()
        [3.0, 1.0]
    """
    array = _numbers(values, what)
    broken = ~((array >= 1.0) & (array <= largest) & (array == np.floor(array)))
    if np.any(broken):
        raise UnusableInput(
            f"the {what} is {_first(array, broken)}: it must be a whole number from 1 to {largest:.0f}; correct or leave out such entries."
        )
    return array


def broadcast(**arrays: np.ndarray) -> tuple[Float[np.ndarray, "..."], ...]:
    """All arrays in their common shape, which has at least one axis; to be read only, since entries may share memory.

    Raises:
        UnusableInput: when the shapes do not go together.

    Example:
        >>> [array.shape for array in broadcast(majority=np.ones(3), budget=np.ones((2, 1)))]
        [(2, 3), (2, 3)]
    """
    try:
        return tuple(np.broadcast_arrays(*map(np.atleast_1d, arrays.values())))
    except ValueError:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise UnusableInput(
            f"the shapes {shapes} do not broadcast: trailing sizes must be equal or 1; give arrays of one shape, or scalars."
        ) from None
