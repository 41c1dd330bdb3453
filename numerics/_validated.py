"""Arguments checked and converted where a public function is entered, by what its signature says of them."""

import functools
import inspect
import types
from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, Union, get_args, get_origin

import numpy as np

from layerpeel.array_words import AbstractArray
from layerpeel.numerics._input_arrays import as_array, require_array
from layerpeel.numerics._inputs import UnusableInput, double, require_instance, require_list, shown, whole_number

P = ParamSpec("P")
R = TypeVar("R")

Sizes = dict[str, int]
"""Lengths of named axes, which must agree between the arrays of one call."""

Reader = Callable[[Any, str, Sizes], Any]
"""Value, name and sizes in; the converted value out."""


def validated(function: Callable[P, R]) -> Callable[P, R]:
    """The function behind a check of every argument by its annotation.

    Whole and real numbers may be whatever `numbers.Integral` and `numbers.Real` cover, arrays may be lists, sequences may be generators;
    each is converted once. Anything else is refused with a sentence. Axes of one name must have one length in all arrays of the call.

    Args:
        function: whose arguments are to be checked; its annotations say how.

    Returns:
        A function of the same signature that raises UnusableInput before the first line of the given one.

    Raises:
        TypeError: for what is no function.

    Example:
        >>> from layerpeel.array_words import Float
        >>> @validated
        ... def total(values: Float[np.ndarray, " n"], times: int) -> float:
        ...     return float(values.sum()) * times
        >>> total([1, 2], np.int64(3))
        9.0
        >>> total([[1, 2]], 3)
        Traceback (most recent call last):
            ...
        layerpeel.numerics._inputs.UnusableInput: values of total has shape (1, 2): it must be (n,); reshape it, or give what is missing.
    """
    parameters = inspect.signature(function).parameters
    name = getattr(function, "__name__", "the function")
    readers = {key: _reader(parameter.annotation) for key, parameter in parameters.items()}
    positional = tuple(
        (readers[key], f"{key} of {name}") for key, parameter in parameters.items() if parameter.kind < parameter.KEYWORD_ONLY
    )

    @functools.wraps(function)
    def entered(*arguments: P.args, **named: P.kwargs) -> R:
        sizes: Sizes = {}
        read = [reader(value, what, sizes) for value, (reader, what) in zip(arguments, positional, strict=False)]
        read += arguments[len(positional) :]  # too many: Python's own complaint
        by_name = {key: readers[key](value, f"{key} of {name}", sizes) if key in readers else value for key, value in named.items()}
        return function(*read, **by_name)  # pyright: ignore[reportCallIssue]

    return entered


def _reader(annotation: Any) -> Reader:
    """How an argument with this annotation is read."""
    if isinstance(annotation, TypeVar):
        annotation = annotation.__bound__ or Any
    origin, inner = get_origin(annotation), get_args(annotation)
    kind = origin or annotation
    if annotation in _SIMPLE:
        reader = _SIMPLE[annotation]
    elif kind in {Union, types.UnionType}:
        reader = _union_reader(inner)
    elif kind is tuple and inner[-1] is not Ellipsis:
        reader = _tuple_reader([_reader(part) for part in inner])
    elif kind in {Sequence, list, tuple}:
        reader = _list_reader(_reader(inner[0]), tuple if kind is tuple else list)
    elif kind is Callable:
        reader = _callable
    elif isinstance(kind, type) and issubclass(kind, AbstractArray):
        reader = _array_reader(annotation)
    else:
        reader = _instance_reader(kind)
    return reader


def _anything(value: Any, _what: str, _sizes: Sizes) -> Any:
    return value


def _whole(value: Any, what: str, _: Sizes) -> int:
    number = whole_number(value)
    if number is None:
        raise UnusableInput(f"{what} is {shown(value)}: it must be a whole number; correct it.")
    return number


def _real(value: Any, what: str, _: Sizes) -> float:
    """A double; whether it may be infinite is the function's own affair."""
    if type(value) is float:
        return value
    if isinstance(value, bool) or not isinstance(value, Real):
        raise UnusableInput(f"{what} is {shown(value)}: it must be a real number; give one.")
    return double(value)


def _text(value: Any, what: str, _: Sizes) -> str:
    if not isinstance(value, str):
        raise UnusableInput(f"{what} is {shown(value)}: it must be text; give a string.")
    return value


def _flag(value: Any, what: str, _: Sizes) -> bool:
    if not isinstance(value, bool | np.bool_):
        raise UnusableInput(f"{what} is {shown(value)}: it must be True or False; give one of the two.")
    return bool(value)


def _path(value: Any, what: str, _: Sizes) -> Path:
    if not isinstance(value, str | Path) or "\0" in str(value):
        raise UnusableInput(f"{what} is {shown(value)}: it must be the path of a file or folder; give one.")
    return Path(value)


def _callable(value: Any, what: str, _: Sizes) -> Any:
    if not callable(value):
        raise UnusableInput(f"{what} is {shown(value)}: it must be a function; give one.")
    return value


_SIMPLE: Mapping[Any, Reader] = {
    Any: _anything,
    int: _whole,
    float: _real,
    str: _text,
    Path: _path,
    bool: _flag,
    np.ndarray: lambda value, what, _: require_array(value, what, stored=True),
}


def _instance_reader(kind: type) -> Reader:
    if not isinstance(kind, type):  # words for types that have no instances: the function looks for itself
        return _anything
    made = "with numpy.random.default_rng(seed)" if kind is np.random.Generator else "with its own constructor, or take what returns it"

    def read(value: Any, what: str, _: Sizes) -> Any:
        require_instance(value, kind, what, made=made)
        return value

    return read


def _union_reader(members: tuple[Any, ...]) -> Reader:
    """The first member that takes the value; the refusal is that of the last one that is not None."""
    optional = type(None) in members
    readers = [_reader(member) for member in members if member is not type(None)]
    kinds = tuple(member for member in members if isinstance(member, type) and member not in _SIMPLE and get_origin(member) is None)
    kinds = tuple(kind for kind in kinds if not issubclass(kind, AbstractArray))

    def read(value: Any, what: str, sizes: Sizes) -> Any:
        if (optional and value is None) or isinstance(value, kinds):
            return value
        for reader in readers[:-1]:
            try:
                return reader(value, what, sizes)
            except UnusableInput:
                continue
        return readers[-1](value, what, sizes)

    return read


def _list_reader(inner: Reader, kind: Callable[..., Any]) -> Reader:
    def read(value: Any, what: str, sizes: Sizes) -> Any:
        items = require_list(value, what, of="one entry each")
        return kind(inner(item, f"entry {place} of {what}", sizes) for place, item in enumerate(items))

    return read


def _tuple_reader(inner: list[Reader]) -> Reader:
    def read(value: Any, what: str, sizes: Sizes) -> tuple[Any, ...]:
        items = require_list(value, what, of=f"{len(inner)} entries")
        if len(items) != len(inner):
            raise UnusableInput(f"{what} has {len(items)} entries: it must have {len(inner)}; correct it.")
        return tuple(reader(item, f"entry {place} of {what}", sizes) for place, (reader, item) in enumerate(zip(inner, items, strict=True)))

    return read


def _array_reader(annotation: Any) -> Reader:
    """Arrays by the words for them: kind of numbers, and names of axes; whether they may be infinite is the function's affair."""
    shape = tuple("..." if word[0] in "*." else int(word) if word.isdigit() else word for word in annotation.dim_str.split())
    place = shape.index("...") if "..." in shape else len(shape)
    before, after = shape[:place], shape[place + 1 :]
    kind = annotation.dtype.__name__

    def read(value: Any, what: str, sizes: Sizes) -> np.ndarray:
        if kind == "Shaped":  # of any type: the function looks at the entries itself
            return as_array(value, what)
        array = require_array(value, what, shape, least_size=0, stored=True, finite=False)
        if kind == "Int" and array.dtype.kind != "i":
            array = _whole_numbers(array, what)
        elif kind == "Float" and array.dtype.kind != "f":
            array = array.astype(np.float64)
        lengths = array.shape[: len(before)] + array.shape[array.ndim - len(after) :]
        for axis, length in zip(before + after, lengths, strict=True):
            if isinstance(axis, str) and axis != "_" and sizes.setdefault(axis, length) != length:
                raise UnusableInput(
                    f"{what} has shape {array.shape}: {axis} is {sizes[axis]} in what was given before; give arrays of one size."
                )
        return array

    return read


def _whole_numbers(array: np.ndarray, what: str) -> np.ndarray:
    with np.errstate(invalid="ignore"):  # what has no whole number is told by the comparison
        converted = array.astype(np.int64)
    if not (converted == array).all() or (array.dtype.kind == "u" and (converted < 0).any()):
        raise UnusableInput(f"{what} has entries that are no whole numbers below 2^63: all must be; correct them.")
    return converted
