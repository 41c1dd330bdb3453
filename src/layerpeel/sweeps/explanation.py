"""What a sweep would be: how many points, how they are chunked, what one costs, how long all will take."""

import math
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from layerpeel.numerics import require_whole
from layerpeel.pages.output import text_table
from layerpeel.pages.records import Record, Result
from layerpeel.sweeps.chunk import Chunk, compute, points_of, together_at
from layerpeel.sweeps.points import Points
from layerpeel.sweeps.specification import read_specification, specification
from layerpeel.sweeps.store import Store
from layerpeel.sweeps.sweep import BATCH, CHUNK_SECONDS, LARGEST_CHUNK, specification_text

WARM = 1.0
"""What took fewer seconds is measured twice, and the lesser counts: the first call imports what it needs."""

SEARCHED = 100_000
"""Numbers among which the next point that is not left out is looked for."""


class MeasuredPoints(Record):
    """A point that was computed to see what it costs, or a chunk of them."""

    parameters: str = Field(description="Canonical JSON, of the first one.")
    points: int
    seconds: float
    message: str = Field(description="Why it has no value; empty where it has.")


class Explanation(Result):
    """What a sweep would be.

    Args:
        quantity: what is swept.
        axes: axis → how many values it has.
        points: how many there are, repetitions included.
        done: how many of them a store has already.
        together: whether points are computed in vectorised chunks.
        chunk: points of one chunk.
        chunks: how many are missing.
        measured: what was computed for this.
        seconds_per_point: from that.
        noting_per_point: seconds in which one process, beside the workers where there are several, notes a point in a store.
        workers: processes.
        seconds: how long all that is missing takes with them.
    """

    quantity: str
    axes: dict[str, int]
    points: int
    done: int
    together: bool
    chunk: int
    chunks: int
    measured: tuple[MeasuredPoints, ...]
    seconds_per_point: float
    noting_per_point: float
    workers: int
    seconds: float

    def to_text(self) -> str:
        """The numbers, and what was measured."""
        rows = [["points", str(self.points)]]
        rows += [["done already", str(self.done)]] * bool(self.done)
        rows += [[f"values of {name}", str(number)] for name, number in self.axes.items() if number > 1]
        how = "computed together" if self.together else "computed one by one"
        rows += [["chunks", f"{self.chunks} of {self.chunk} points, {how}"]]
        rows += [["one point", f"{_duration(self.seconds_per_point)}, and {_duration(self.noting_per_point)} to note it"]]
        rows += [[f"all, with {self.workers} worker{'s' * (self.workers != 1)}", f"about {_duration(self.seconds)}"]]
        measured = [[each.parameters, str(each.points), _duration(each.seconds), each.message] for each in self.measured]
        table = text_table(["measured", "points", "took", "failed because"], measured)
        return "\n".join([text_table([self.quantity, ""], rows), "", table])


def explain(
    spec: Path | str | Mapping[str, Any],
    store: Path | str | None = None,
    *,
    workers: int | None = None,
    changes: Sequence[str] = (),
) -> Explanation:
    """What a sweep would be: three points of it are computed, or one chunk where they are computed together, and nothing is kept.

    A time limit is not kept here: the points are computed in this process.

    Args:
        spec: a TOML file, or its tables.
        store: what is done in this one, if it exists and holds this sweep, is not counted in.
        workers: processes; as many as there are processors unless given.
        changes: `table.key=value`, put over what the file says.

    Returns:
        How many points and chunks, what one costs, and how long all that is missing takes.

    Raises:
        UnusableInput: for a file, a quantity or an axis that cannot be used.

    Example:
        >>> explain({"sweep": {"quantity": "calendar:leapdays"}, "axes": {"y1": 1900, "y2": {"integers": [1901, 2100]}}}).points
        200
    """
    if isinstance(spec, Mapping):
        read, folder = specification(spec), str(Path.cwd())
    else:
        read, folder = read_specification(Path(spec), tuple(changes)), str(Path(spec).resolve().parent)
    processes = (
        os.cpu_count() or 1 if workers is None else require_whole(workers, "the number of workers", remedy="give one, or none at all")
    )
    text = read.model_dump_json()
    points = points_of(text, folder)
    done = 0
    if store is not None and Path(store).exists():
        with Store(Path(store), create=False) as opened:
            held = opened.sweep()
            done = opened.counts().done if held is not None and held["specification"] == specification_text(read) else 0
    together = any(together_at(points)) and not compute(text, folder, _one_chunk(points)[0]).apart
    points.point(0)  # writes the values of the axes down, which is no point's cost
    computed = [_measured(text, folder, numbers) for numbers in (_one_chunk(points) if together else _three(points))]
    measured = [one for _, one in computed]
    noting = _noting([chunk for chunk, _ in computed])
    each = sum(one.seconds for one in measured) / sum(one.points for one in measured)
    missing = points.count - done
    chunk = min(BATCH if together else int(min(max(CHUNK_SECONDS / max(each, 1e-9), 1), LARGEST_CHUNK)), points.count)
    chunks = math.ceil(missing / chunk)
    return Explanation(
        quantity=points.quantity.name,
        axes={name: len(values) for name, values in points.values.items()},
        points=points.count,
        done=done,
        together=together,
        chunk=chunk,
        chunks=chunks,
        measured=tuple(measured),
        seconds_per_point=each,
        noting_per_point=noting,
        workers=processes,
        seconds=missing * (each + noting if processes == 1 else max(each / max(min(processes, chunks), 1), noting)),
    )


def _three(points: Points) -> list[list[int]]:
    """The first, the middle and the last point."""
    places = (_next(points, 0, 1), _next(points, points.size // 2, 1), _next(points, points.size - 1, -1))
    return [[place] for place in dict.fromkeys(place for place in places if place is not None)]


def _one_chunk(points: Points) -> list[list[int]]:
    first = _next(points, 0, 1) or 0
    stop = min(first + BATCH, points.size)
    return [(first + np.flatnonzero(points.kept(first, stop))).tolist()]


def _next(points: Points, place: int, step: int) -> int | None:
    """The next number from here that is not left out, among those that are looked at."""
    start, stop = (place, min(place + SEARCHED, points.size)) if step > 0 else (max(place + 1 - SEARCHED, 0), place + 1)
    kept = np.flatnonzero(points.kept(start, stop))
    return start + int(kept[0 if step > 0 else -1]) if len(kept) else None


def _measured(text: str, folder: str, numbers: list[int]) -> tuple[Chunk, MeasuredPoints]:
    chunk, seconds = _timed(text, folder, numbers)
    if seconds < WARM:
        seconds = min(seconds, _timed(text, folder, numbers)[1])
    message = next((message for message, _ in chunk.failures.values()), "")
    return chunk, MeasuredPoints(parameters=chunk.texts[0], points=len(chunk.positions), seconds=seconds, message=message)


def _noting(chunks: Sequence[Chunk]) -> float:
    """Seconds in which a point is noted, in a store that is thrown away."""
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "thrown-away.sqlite") as store:
        store.begin(specification="", quantity="", results_version=1, points=0)
        attempt = store.started(store.environment({}), [(0, 0)])
        began = time.perf_counter()
        for chunk in chunks:
            store.put(attempt, chunk, settled={}, waiting=frozenset())
        if len(chunks) == 1:
            store.commit()  # a whole chunk; after single points it waits for more of them
        return (time.perf_counter() - began) / sum(len(chunk.positions) for chunk in chunks)


def _timed(text: str, folder: str, numbers: list[int]) -> tuple[Chunk, float]:
    began = time.perf_counter()
    return compute(text, folder, numbers), time.perf_counter() - began


def _duration(seconds: float) -> str:
    """A duration with the unit that suits it.

    Example:
        >>> _duration(0.0000021), _duration(0.5), _duration(7200.0)
        ('2.1 µs', '500 ms', '2 h')
    """
    for unit, size in (("d", 86400.0), ("h", 3600.0), ("min", 60.0), ("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"
