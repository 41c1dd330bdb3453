"""The points of a sweep, by number: each has parameters, an identity, and a random stream of its own."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context
from functools import cached_property
from typing import Any

import numpy as np

from layerpeel.numerics import UnusableInput, random_stream
from layerpeel.sweeps.quantity import REQUIRED, Axis, Quantity
from layerpeel.sweeps.specification import (
    Geometric,
    Integers,
    Linear,
    SampledGeometric,
    SampledIntegers,
    SampledLinear,
    Specification,
)

EXACT = Context(prec=30)
"""Values of a rule are computed with thirty digits and rounded once, so that they are the same doubles on every machine."""

COUNTED = 10**9
"""Of more numbers than these nobody waits for the count of those that are left out: all are taken for points."""

IDENTITY_BYTES = 16
"""Bytes of an identity: among 10^12 points two agree with a chance of 10^-15."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """One point.

    Args:
        position: its number; repetitions of one setting follow each other.
        parameters: a value for every axis.
        repeat: which repetition.
        text: the parameters as canonical JSON.
        identity: what it is, independent of its number.
    """

    position: int
    parameters: Mapping[str, Any]
    repeat: int
    text: str
    identity: bytes


class Points:
    """The grid or the sample of a specification, never written out.

    Args:
        spec: the sweep.
        quantity: what is swept.

    Raises:
        UnusableInput: for an axis that the quantity does not know, lacks or cannot take.

    Example:
        >>> from layerpeel.sweeps.quantity import of_function
        >>> from layerpeel.sweeps.specification import specification
        >>> def area(width: float, height: float = 1.0): return width * height
        >>> spec = specification({"sweep": {"quantity": "shapes:area"}, "axes": {"width": {"geometric": [1, 100, 3]}, "height": [1, 2]}})
        >>> points = Points(spec, of_function("shapes:area", area))
        >>> points.size, points.point(3).text
        (6, '{"height":2.0,"width":10.0}')
    """

    def __init__(self, spec: Specification, quantity: Quantity) -> None:
        self.spec, self.quantity, self.repeats = spec, quantity, spec.run.repeats
        varied = _sampled(spec, quantity) if spec.sample is not None else _grid(spec, quantity)
        named = {name for axes in varied for name in axes}
        missing = [axis.name for axis in quantity.axes if axis.name not in named and axis.default is REQUIRED]
        if missing:
            raise UnusableInput(f"{quantity.name} needs {', '.join(missing)}: the sweep must give a value for each; add what is missing.")
        varied += [{axis.name: [axis.default]} for axis in quantity.axes if axis.name not in named and axis.default is not None]
        self._factors = varied
        self._lengths = [len(next(iter(axes.values()))) for axes in varied]
        self._names = sorted(name for axes in varied for name in axes)
        self._place = {name: place for place, axes in enumerate(varied) for name in axes}
        self._values = {name: values for axes in varied for name, values in axes.items()}
        self._left_out = [{name: self._matching(name, wanted) for name, wanted in rule.items()} for rule in spec.leave_out]

    def _matching(self, name: str, wanted: Any) -> list[int]:
        """Which values of an axis are the one of a rule."""
        value = self.quantity.axis(name).read(wanted)
        return [place for place, each in enumerate(self._values[name]) if each == value]

    @cached_property
    def size(self) -> int:
        """How many numbers there are, repetitions and what is left out included."""
        size = self.repeats
        for length in self._lengths:
            size *= length
        return size

    @cached_property
    def count(self) -> int:
        """How many points there are."""
        if not self._left_out:
            return self.size
        if self.size > COUNTED:
            return self.size
        return sum(int(self.kept(start, min(start + 10**6, self.size)).sum()) for start in range(0, self.size, 10**6))

    @property
    def varying(self) -> tuple[str, ...]:
        """Axes with more than one value, in the file's order."""
        return tuple(name for name, values in self._values.items() if len(values) > 1)

    @property
    def values(self) -> Mapping[str, Sequence[Any]]:
        """The values of every axis."""
        return self._values

    @property
    def stepped(self) -> tuple[tuple[str, ...], ...]:
        """Axes that vary in step, or the whole sample."""
        return tuple(tuple(axes) for axes in self._factors if len(axes) > 1)

    def _indices(self, positions: np.ndarray) -> list[np.ndarray]:
        """For each factor which of its values; the first factor varies slowest."""
        rest = positions // self.repeats
        indices: list[np.ndarray] = []
        for length in reversed(self._lengths):
            rest, index = np.divmod(rest, length)
            indices.append(index)
        return indices[::-1]

    def kept(self, start: int, stop: int) -> np.ndarray:
        """Which numbers of a range are points."""
        kept = np.ones(stop - start, bool)
        if self._left_out:
            indices = self._indices(np.arange(start, stop, dtype=np.int64))
            for rule in self._left_out:
                matches = [np.isin(indices[self._place[name]], members) for name, members in rule.items()]
                kept &= ~np.logical_and.reduce(matches)
        return kept

    def columns(self, positions: np.ndarray) -> dict[str, np.ndarray]:
        """The values of every axis at many points."""
        indices = self._indices(positions)
        return {name: self._arrays[name][indices[self._place[name]]] for name in self._names}

    @cached_property
    def _arrays(self) -> dict[str, np.ndarray]:
        kinds = {int: np.int64, float: np.float64, bool: np.bool_}
        types = {name: kinds.get(self.quantity.axis(name).kind or object, object) for name in self._values}
        return {name: np.array(values, dtype=types[name]) for name, values in self._values.items()}

    @cached_property
    def _fragments(self) -> dict[str, list[str]]:
        """`"name":value` in JSON for every value: the text of a point is put together of these."""
        return {
            name: [f"{json.dumps(name)}:{json.dumps(value, separators=(',', ':'), sort_keys=True)}" for value in self._values[name]]
            for name in self._names
        }

    def texts(self, positions: np.ndarray) -> list[str]:
        """Canonical JSON of the parameters of many points."""
        indices = self._indices(positions)
        pieces = [[self._fragments[name][i] for i in indices[self._place[name]].tolist()] for name in self._names]
        return [f"{{{','.join(each)}}}" for each in zip(*pieces, strict=True)] if pieces else ["{}"] * len(positions)

    def identities(self, positions: np.ndarray, texts: Sequence[str]) -> list[bytes]:
        """The hash of canonical JSON of quantity, parameters, repetition and `results_version`."""
        head = '{"parameters":'
        name, version = json.dumps(self.quantity.name), self.quantity.results_version
        tails = [f',"quantity":{name},"repeat":{repeat},"results_version":{version}}}' for repeat in range(min(self.repeats, self.size))]
        repeats = (positions % self.repeats).tolist()
        return [
            hashlib.sha256(f"{head}{text}{tails[repeat]}".encode()).digest()[:IDENTITY_BYTES]
            for text, repeat in zip(texts, repeats, strict=True)
        ]

    def point(self, position: int) -> Point:
        """One point, by its number."""
        return next(self.points(np.array([position])))

    def points(self, positions: np.ndarray) -> Iterator[Point]:
        """Many points, by their numbers."""
        indices = self._indices(positions)
        texts = self.texts(positions)
        for row, (position, text, identity) in enumerate(zip(positions.tolist(), texts, self.identities(positions, texts), strict=True)):
            yield Point(
                position=position,
                parameters={name: self._values[name][int(indices[self._place[name]][row])] for name in self._names},
                repeat=position % self.repeats,
                text=text,
                identity=identity,
            )

    def stream(self, identity: bytes) -> np.random.Generator:
        """The random generator of a point: it hangs on the seed and on what the point is, not on its number."""
        return random_stream(self.spec.run.seed, self.quantity.name, identity.hex())


def _grid(spec: Specification, quantity: Quantity) -> list[dict[str, list[Any]]]:
    """Factors of the product: single axes, then tables that vary in step."""
    wrong: list[str] = []

    def read(name: str, values: Any) -> list[Any]:
        try:
            return _axis_values(quantity.axis(name), values)
        except UnusableInput as error:
            wrong.append(str(error))
            return [None]

    factors = [{name: read(name, values)} for name, values in spec.axes.items()]
    factors += [{name: read(name, values) for name, values in table.items()} for table in spec.together]
    if wrong:
        raise UnusableInput(" ".join(wrong))
    for factor in factors:
        rows = [json.dumps(row) for row in zip(*factor.values(), strict=True)]
        if len(set(rows)) < len(rows):
            twice = next(row for row, times in Counter(rows).items() if times > 1)
            raise UnusableInput(f"{' with '.join(factor)} has {twice} twice: the values of an axis must differ; remove one.")
    return factors


def _axis_values(axis: Axis, values: Any) -> list[Any]:
    if isinstance(values, Integers):
        made: list[Any] = list(range(values.integers[0], values.integers[1] + 1))
    elif isinstance(values, Geometric):
        first, last, number = values.geometric
        made = [_between(first, last, k, number, geometric=True) for k in range(number)]
    elif isinstance(values, Linear):
        first, last, number = values.linear
        made = [_between(first, last, k, number, geometric=False) for k in range(number)]
    else:
        made = list(values) if isinstance(values, list) else [values]
    return [axis.read(_whole(value) if axis.kind is int and isinstance(values, Geometric | Linear) else value) for value in made]


def _whole(value: float) -> int | float:
    """A rule's value on an axis of whole numbers, where it is one."""
    return int(value) if value == int(value) else value


def _between(first: float, last: float, k: int, number: int, *, geometric: bool) -> float:
    """The k-th of `number` values from first to last, rounded once."""
    if number == 1 or k == 0:
        return float(first)
    if k == number - 1:
        return float(last)
    return _at(first, last, EXACT.divide(EXACT.create_decimal(k), EXACT.create_decimal(number - 1)), geometric=geometric)


def _at(first: float, last: float, share: Any, *, geometric: bool) -> float:
    low, high = EXACT.create_decimal(first), EXACT.create_decimal(last)
    if geometric:
        return float(EXACT.multiply(low, EXACT.power(EXACT.divide(high, low), share)))
    return float(EXACT.add(low, EXACT.multiply(EXACT.subtract(high, low), share)))


def _sampled(spec: Specification, quantity: Quantity) -> list[dict[str, list[Any]]]:
    """One factor with all points of a scrambled Sobol sample, and one for each axis that has one value."""
    from scipy.stats import qmc

    content = dict(spec.sample or {})
    size = int(content.pop("size"))  # pyright: ignore[reportArgumentType] - the specification is valid
    ranges = {name: value for name, value in content.items() if isinstance(value, SampledGeometric | SampledLinear | SampledIntegers)}
    fixed = [{name: [quantity.axis(name).read(value)]} for name, value in content.items() if name not in ranges]
    if not ranges:
        raise UnusableInput("the sample has no range: at least one axis must vary; give for example imbalance = { geometric = [1, 1000] }.")
    for name in ranges:
        quantity.axis(name)
    sobol = qmc.Sobol(len(ranges), scramble=True, seed=random_stream(spec.run.seed, "sample"))  # pyright: ignore[reportCallIssue] - before SciPy 1.15
    shares = sobol.random_base2((size - 1).bit_length())[:size]
    sampled = {
        name: [quantity.axis(name).read(_sampled_value(rule, share)) for share in shares[:, place]]
        for place, (name, rule) in enumerate(ranges.items())
    }
    return [sampled, *fixed]


def _sampled_value(rule: Any, share: float) -> Any:
    if isinstance(rule, SampledIntegers):
        first, last = rule.integers
        return first + int(share * (last - first + 1))
    geometric = isinstance(rule, SampledGeometric)
    first, last = rule.geometric if geometric else rule.linear
    return _at(first, last, EXACT.create_decimal(float(share)), geometric=geometric)
