"""Some points of a sweep computed together, where they are computed: their identities and texts are made there too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from layerpeel.numerics import UnusableInput, shown
from layerpeel.sweeps.points import Points
from layerpeel.sweeps.quantity import ComputeBatch, Quantity, Stored, aside, quantity_named, stored
from layerpeel.sweeps.specification import Specification
from layerpeel.sweeps.tasks import sentence


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """What came of some points; lists have one entry for each.

    Args:
        positions: their numbers.
        identities: what they are.
        texts: their parameters.
        repeats: which repetitions.
        columns: column → values, lower and upper bounds.
        failures: number → what was wrong, and whether it was a refusal, which another attempt does not change.
        arrays: number → what is stored beside the numbers.
        apart: nothing was computed, since some of the points cannot be computed together; smaller chunks can.
    """

    positions: list[int]
    identities: list[bytes]
    texts: list[str]
    repeats: list[int]
    columns: dict[str, tuple[list[float | None], list[float | None], list[float | None]]]
    failures: dict[int, tuple[str, bool]] = field(default_factory=dict)
    arrays: dict[int, dict[str, np.ndarray]] = field(default_factory=dict)
    apart: bool = False


FEW = 32
"""Points that are computed one by one where they cannot be computed together; more are sent again in halves."""


@lru_cache(maxsize=4)
def points_of(text: str, folder: str) -> Points:
    """The points of a specification, which is sent as text and read once in every process."""
    spec = Specification.model_validate_json(text)
    return Points(spec, quantity_named(spec.sweep.quantity, folder))


def together_at(points: Points) -> tuple[bool, bool, bool]:
    """Whether the first, the middle and the last point can be computed together with others."""
    if (compute_batch := points.quantity.compute_batch) is None:
        return False, False, False

    def can(position: int) -> bool:
        try:
            compute_batch(points.columns(np.array([position])))
        except Exception:  # noqa: BLE001 - whatever it is, the point says it when it is computed
            return False
        return True

    return can(0), can(points.size // 2), can(points.size - 1)


def compute(text: str, folder: str, positions: Sequence[int] | tuple[int, int], together: bool = True) -> Chunk:
    """Runs where the points are computed.

    Args:
        text: the specification.
        folder: where modules of the reader's own are.
        positions: numbers; a pair stands for all points from the first up to the second.
        together: compute them by the form for many, where the quantity has one.
    """
    points = points_of(text, folder)
    if isinstance(positions, tuple):
        start, stop = positions
        numbers = start + np.flatnonzero(points.kept(start, stop))
    else:
        numbers = np.array(positions, dtype=np.int64)
    if together and (compute_batch := points.quantity.compute_batch) is not None:
        try:
            return _together(points, compute_batch, numbers)
        except UnusableInput:  # of some point, which computed by itself says what is wrong with it
            if len(numbers) > FEW:
                return Chunk(positions=[], identities=[], texts=[], repeats=[], columns={}, apart=True)
    return _one_by_one(points, points.quantity, numbers)


def _together(points: Points, compute_batch: ComputeBatch, numbers: np.ndarray) -> Chunk:
    columns = {name: _lists(value, len(numbers)) for name, value in compute_batch(points.columns(numbers)).items()}
    texts = points.texts(numbers)
    return Chunk(
        positions=numbers.tolist(),
        identities=points.identities(numbers, texts),
        texts=texts,
        repeats=(numbers % points.repeats).tolist(),
        columns=columns,
    )


def _lists(value: Any, size: int) -> tuple[list[float | None], list[float | None], list[float | None]]:
    """Values and bounds of a column; NaN is nothing."""
    parts = value if isinstance(value, tuple) else (value, None, None)
    return tuple([None] * size if part is None else _without_nan(np.asarray(part, dtype=np.float64)) for part in parts)  # pyright: ignore[reportReturnType]


def _without_nan(values: np.ndarray) -> list[float | None]:
    missing = np.isnan(values)
    numbers: list[float | None] = values.tolist()
    for place in np.flatnonzero(missing).tolist():
        numbers[place] = None
    return numbers


def _one_by_one(points: Points, quantity: Quantity, numbers: np.ndarray) -> Chunk:
    chunk = Chunk(positions=[], identities=[], texts=[], repeats=[], columns={})
    values: list[Mapping[str, Stored]] = []
    for point in points.points(numbers):
        chunk.positions.append(point.position)
        chunk.identities.append(point.identity)
        chunk.texts.append(point.text)
        chunk.repeats.append(point.repeat)
        try:
            with aside():
                computed = quantity.compute(point.parameters, points.stream(point.identity) if quantity.draws else None)
            arrays = {_named(name): _array(name, value) for name, value in computed.items() if isinstance(value, np.ndarray) and value.ndim}
            values.append({name: stored(_named(name), value) for name, value in computed.items() if name not in arrays})
            if arrays:
                chunk.arrays[point.position] = arrays
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a point raises is its own affair: the others go on
            chunk.failures[point.position] = sentence(error), isinstance(error, UnusableInput)
            values.append({})
    for name in dict.fromkeys(name for row in values for name in row):
        rows = [row.get(name, (None, None, None)) for row in values]
        chunk.columns[name] = tuple(list(part) for part in zip(*rows, strict=True))  # pyright: ignore[reportArgumentType]
    return chunk


def _named(name: Any) -> str:
    if not isinstance(name, str) or not name or "/" in name:
        raise UnusableInput(f"a column is called {shown(name)}: names are text without a slash, and not empty; give it another.")
    return name


def _array(name: str, value: np.ndarray) -> np.ndarray:
    if value.dtype.hasobject:
        raise UnusableInput(f"{name} is an array of Python objects: arrays of numbers or text are stored; return one of these.")
    return value
