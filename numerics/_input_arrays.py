"""Validation of whole arrays at the edge: the first entry that breaks the rule is named."""

import math
from numbers import Rational, Real
from typing import Any

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics._inputs import UnusableInput, double, shown


def as_array(values: Any, what: str) -> np.ndarray:
    """Whatever NumPy makes an array of: an array, or lists of one length.

    Raises:
        UnusableInput: otherwise.

    Example:
        >>> as_array([[1, 2], [3, 4]], "the frame").shape
        (2, 2)
    """
    try:
        array = np.asarray(double(values) if isinstance(values, Rational) and not isinstance(values, int | np.generic) else values)
    except (ValueError, OverflowError):
        raise UnusableInput(f"{what} has rows of different lengths: it must be an array; give lists of one length.") from None
    except Exception as error:  # noqa: BLE001 - an object with an __array__ of its own can raise anything
        raise UnusableInput(f"{what} cannot be read as an array ({error}): it must be real numbers; give an array of numbers.") from None
    if array.dtype.kind in "OUS" and not array.ndim:
        raise UnusableInput(f"{what} is {shown(values)}: it must be an array; give one, or a list of numbers.")
    return array


def _real_array(values: Any, what: str) -> np.ndarray:
    """An array of real numbers, as they are stored; lists of fractions and other exact numbers become doubles."""
    array = as_array(values, what)
    if array.dtype.kind == "O" and all(isinstance(entry, Real) and not isinstance(entry, bool) for entry in array.flat):
        try:
            return array.astype(np.float64)
        except OverflowError:
            raise UnusableInput(f"{what} has entries beyond the largest double: all must be doubles; use smaller numbers.") from None
    if array.dtype.kind not in "iuf":
        raise UnusableInput(f"{what} has entries of type {array.dtype}: they must be real numbers; give an array of numbers.")
    return array


def require_array(
    values: Any,
    what: str,
    shape: tuple[int | str, ...] | None = None,
    *,
    least_size: int = 1,
    largest: float = math.inf,
    stored: bool = False,
    finite: bool = True,
) -> np.ndarray:
    """Real numbers as an array of doubles, from an array or from lists.

    Args:
        values: the array, of any shape.
        what: its name in the refusal, with the article.
        shape: for each axis its length, or a letter where any length will do; "..." stands for any number of axes; None for any shape.
        least_size: axes with a letter must be at least this long.
        largest: of absolute values.
        stored: keep the type of the numbers instead of converting them to doubles.
        finite: whether every entry must be finite.

    Raises:
        UnusableInput: for what is no array of real numbers, another shape, and entries too large or not finite (the first is named).

    Example:
        >>> require_array([[1, 2], [3, 4]], "the frame", ("K", "p")).tolist()
        [[1.0, 2.0], [3.0, 4.0]]
    """
    array = _real_array(values, what)
    if shape is not None and not _fits(array.shape, shape, least_size):
        named = f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
        raise UnusableInput(f"{what} has shape {array.shape}: it must be {named}; reshape it, or give what is missing.")
    if not finite:
        return array if stored else array.astype(np.float64, copy=False)
    converted = array.astype(np.float64, copy=False)
    broken = ~(np.abs(converted) <= largest) if math.isfinite(largest) else ~np.isfinite(converted)
    if np.any(broken):
        rule = f"finite and at most {largest:g} in size" if math.isfinite(largest) else "finite"
        raise UnusableInput(f"{what} is {_first(converted, broken)}: every entry must be {rule}; correct or leave out such entries.")
    return array if stored else converted


def _fits(shape: tuple[int, ...], wanted: tuple[int | str, ...], least_size: int) -> bool:
    """Whether lengths are those asked for; "..." stands for any number of axes."""
    if "..." in wanted:
        place = wanted.index("...")
        missing = len(shape) - (len(wanted) - 1)
        wanted = (*wanted[:place], *["any"] * missing, *wanted[place + 1 :])
    pairs = zip(shape, wanted, strict=False)
    return len(shape) == len(wanted) and all(have == want if isinstance(want, int) else have >= least_size for have, want in pairs)


def _numbers(values: Any, what: str) -> Float[np.ndarray, "..."]:
    return _real_array(values, f"the {what}").astype(np.float64)


def _first(array: np.ndarray, broken: np.ndarray) -> str:
    """The first entry that breaks the rule, and where it stands."""
    place = tuple(np.argwhere(broken)[0].tolist())
    return f"{array[place]:.16g}" + (f" at index {', '.join(map(str, place))}" if place else "")


def require_positive_array(values: Any, what: str, *, least: float = 0.0, largest: float = np.inf) -> Float[np.ndarray, "..."]:
    """Positive finite numbers in [least, largest], as doubles.

    Args:
        values: an array of any shape.
        what: its name in the refusal, without the article.
        least: smallest legal entry.
        largest: greatest legal entry.

    Raises:
        UnusableInput: for what is no array of real numbers, and entries out of range (the first is named).

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


def require_whole_array(
    values: Any, what: str, *, largest: float, least: int = 1, shape: tuple[int | str, ...] | None = None
) -> Float[np.ndarray, "..."]:
    """Whole numbers from `least` to `largest`, as doubles.

    Args:
        values: an array.
        what: its name in the refusal, without the article.
        largest: greatest legal entry.
        least: smallest legal entry.
        shape: as for `require_array`; any when not given.

    Raises:
        UnusableInput: for what is no array of real numbers, another shape, and entries not whole or out of range (the first is named).

    Example:
        >>> require_whole_array([3, 1], "number of majority classes", largest=10).tolist()
        [3.0, 1.0]
    """
    array = _numbers(values, what) if shape is None else require_array(values, f"the {what}", shape, least_size=0)
    broken = ~((array >= least) & (array <= largest) & (array == np.floor(array)))
    if np.any(broken):
        raise UnusableInput(
            f"the {what} is {_first(array, broken)}: it must be a whole number from {least} to {largest:.0f}; correct or leave out such "
            "entries."
        )
    return array


def broadcast(**arrays: np.ndarray) -> tuple[Float[np.ndarray, "..."], ...]:
    """All arrays in their common shape, which has at least one axis; to be read only, since entries may share memory.

    Args:
        arrays: real numbers by name, of any shapes that go together.

    Raises:
        UnusableInput: for what is no array of real numbers, and when the shapes do not go together.

    Example:
        >>> [array.shape for array in broadcast(majority=np.ones(3), budget=np.ones((2, 1)))]
        [(2, 3), (2, 3)]
    """
    read = {name: _real_array(values, name) for name, values in arrays.items()}
    try:
        return tuple(np.broadcast_arrays(*map(np.atleast_1d, read.values())))
    except ValueError:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in read.items())
        raise UnusableInput(
            f"the shapes {shapes} do not broadcast: trailing sizes must be equal or 1; give arrays of one shape, or scalars."
        ) from None
