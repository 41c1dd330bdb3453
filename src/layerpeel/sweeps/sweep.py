"""Runs a sweep: what its store lacks is computed, chunk by chunk, and noted as it comes."""

import json
import os
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from layerpeel.numerics import UnusableInput, require_one_of, require_whole, shown
from layerpeel.pages.archives import archive_writer
from layerpeel.pages.files import write_whole
from layerpeel.pages.progress import progress
from layerpeel.sweeps.chunk import Chunk, compute, points_of, together_at
from layerpeel.sweeps.engine import run_tasks
from layerpeel.sweeps.executors import executor_for
from layerpeel.sweeps.points import Points
from layerpeel.sweeps.provenance import differences, provenance
from layerpeel.sweeps.results import Sweep, Tally
from layerpeel.sweeps.specification import Specification, read_specification, specification
from layerpeel.sweeps.store import Store
from layerpeel.sweeps.tasks import Outcome, Task

STALE = ("refuse", "keep", "rerun")
"""What to do with points that were computed elsewhere or by other versions."""

BATCH = 20_000
"""Points of one vectorised chunk: a second or less, and a few megabytes."""

CHUNK_SECONDS = 0.25
"""Points that are computed one by one are sent in chunks of about this duration, so that sending costs nothing beside it."""

LARGEST_CHUNK = 1000
"""Points of such a chunk."""

MANY = 10**9
"""More points than this are only begun when that was said to be meant."""

LATE_CHUNK = 1.0
"""Seconds that the other points of a chunk may take, where one takes all its time; for those of a batch a minute."""

LARGEST = 2**62
"""Points that can be numbered."""

COMMIT_SECONDS = 0.5
"""What was noted is on disk after this time: so much is computed again after a kill."""


COMPARED = 1000
"""Points of a store whose identities are compared before it goes on."""

FAILURES_SHOWN = 10
"""Failed points that are shown with their parameters."""


class Coordinator:
    """Makes tasks of what a store lacks, and notes what comes of them.

    Args:
        points: of the sweep.
        store: taken by this process.
        environment: the number of this process's environment in the store.
        folder: where modules of the reader's own are.
    """

    def __init__(self, points: Points, store: Store, environment: int, folder: str) -> None:
        self._points, self._store, self._environment, self._folder = points, store, environment, folder
        self._run = points.spec.run
        self._text = points.spec.model_dump_json()
        self._batches = any(together_at(points))
        self._chunk = 1
        self._committed = time.monotonic()
        self._tasks = 0
        self._noted: dict[str, int] = {}
        self._used: dict[int, int] = {}
        counts = store.counts()
        self.tally = Tally(points=points.count, reused=counts.done, done=counts.done, failed=counts.failed, lost=counts.lost)

    def tasks(self) -> Iterator[Task]:
        """What the store lacks, in order."""
        if self._batches:
            for start in range(0, self._points.size, BATCH):
                stop = min(start + BATCH, self._points.size)
                settled = self._store.settled(start, stop)
                if not len(settled):
                    yield self._task((start, stop))
                elif len(missing := _missing(self._points, start, stop, settled)):
                    yield self._task(missing.tolist())
        else:
            waiting: list[int] = []
            for position in self._all_missing():
                waiting.append(position)
                if len(waiting) >= self._chunk:
                    yield self._task(waiting)
                    waiting = []
            if waiting:
                yield self._task(waiting)

    def _all_missing(self) -> Generator[int]:
        for start in range(0, self._points.size, BATCH):
            stop = min(start + BATCH, self._points.size)
            yield from _missing(self._points, start, stop, self._store.settled(start, stop)).tolist()

    def _task(self, positions: tuple[int, int] | list[int]) -> Task:
        self._tasks += 1
        number = positions[1] - positions[0] if isinstance(positions, tuple) else len(positions)
        limit = None if self._run.time_limit is None else float(self._run.time_limit)
        if limit is not None and number > 1:  # whoever is late is tried again in parts: one point that hangs is found after its own time
            limit += min((number - 1) * limit, LATE_CHUNK * (60 if self._batches else 1))
        return Task(
            key=f"{self._tasks}", function=compute, arguments=(self._text, self._folder, positions, self._batches), time_limit=limit
        )

    def submitted(self, task: Task) -> None:
        """Note that a task is under way."""
        positions = task.arguments[2]
        ranges = [positions] if isinstance(positions, tuple) else _ranges(positions)
        self._noted[task.key] = self._store.started(self._environment, [(first, last - 1) for first, last in ranges])

    def settle(self, outcome: Outcome) -> list[Task]:
        """Note what came of a task, and make tasks of what gets another attempt."""
        attempt = self._noted.pop(outcome.task.key)
        apart = isinstance(outcome.value, Chunk) and outcome.value.apart
        state = "abandoned" if apart else outcome.state
        self._store.ended(attempt, state, seconds=outcome.seconds, worker=outcome.worker, message=outcome.message or None)
        chunk = outcome.value
        if isinstance(chunk, Chunk) and not apart:
            if not self._batches:  # the next chunks are as large as what a point costs allows
                each = max(outcome.seconds / len(chunk.positions), 1e-9)
                self._chunk = int(min(max(CHUNK_SECONDS / each, 1), LARGEST_CHUNK, 2 * self._chunk))
            return self._put(attempt, chunk)
        self._chunk = 1
        positions = outcome.task.arguments[2]
        numbers = positions if isinstance(positions, list) else (positions[0] + np.flatnonzero(self._points.kept(*positions))).tolist()
        if len(numbers) > 1:  # nobody knows which of them it was: each is tried by itself, and that costs none of them an attempt
            half = len(numbers) // 2
            return [self._task(numbers[:half]), self._task(numbers[half:])] if self._batches else [self._task([each]) for each in numbers]
        point = self._points.point(numbers[0])
        lost = Chunk(
            positions=[point.position],
            identities=[point.identity],
            texts=[point.text],
            repeats=[point.repeat],
            columns={},
            failures={point.position: (outcome.message, False)},
        )
        return self._put(attempt, lost, "lost" if outcome.state == "lost" else "failed")

    def _put(self, attempt: int, chunk: Chunk, state: str = "failed") -> list[Task]:
        used = {position: self._used.pop(position, 0) + 1 for position in chunk.positions if self._used or position in chunk.failures}
        settled = {position: ("done", tries) for position, tries in used.items() if tries > 1}
        again: list[int] = []
        for position, (message, refused) in chunk.failures.items():
            if not refused and used[position] <= self._run.retries:
                self._used[position] = used[position]
                again.append(position)
                continue
            settled[position] = state, used[position]
            if len(self.tally.failures) < FAILURES_SHOWN:
                self.tally.failures.append((chunk.texts[chunk.positions.index(position)], message))
        for position, arrays in chunk.arrays.items():
            place = arrays_of(self._store.path) / f"{chunk.identities[chunk.positions.index(position)].hex()}.npz"
            write_whole({place: archive_writer(arrays, compressed=True)}, "array")
        self._store.put(attempt, chunk, settled=settled, waiting=frozenset(again))
        self.tally.done += len(chunk.positions) - len(chunk.failures)
        self.tally.failed += sum(state == "failed" for state, _ in settled.values())
        self.tally.lost += sum(state == "lost" for state, _ in settled.values())
        return [self._task([position]) for position in again]

    def tick(self) -> None:
        """Put on disk what was noted, now and then."""
        if time.monotonic() - self._committed > COMMIT_SECONDS:
            self._store.commit()
            self._committed = time.monotonic()

    def stopped(self) -> bool:
        """Whether a failed point ends the sweep."""
        return self._run.on_error == "stop" and bool(self.tally.failed or self.tally.lost)


def _missing(points: Points, start: int, stop: int, settled: np.ndarray) -> np.ndarray:
    kept = points.kept(start, stop)
    kept[settled - start] = False
    return start + np.flatnonzero(kept)


def _ranges(positions: list[int]) -> list[tuple[int, int]]:
    """Ascending numbers as ranges [first, last + 1).

    Example:
        >>> _ranges([1, 2, 5])
        [(1, 3), (5, 6)]
    """
    breaks = [0, *(place + 1 for place, (one, other) in enumerate(pairwise(positions)) if other != one + 1), len(positions)]
    return [(positions[first], positions[last - 1] + 1) for first, last in pairwise(breaks)]


def arrays_of(store: Path) -> Path:
    """The folder of what is stored beside the numbers: one archive for each point, named by its identity."""
    return store.with_name(f"{store.name}.arrays")


def sweep(
    spec: Path | str | Mapping[str, Any],
    store: Path | str | None = None,
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    scheduler_file: Path | None = None,
    stale: str = "refuse",
    retry_failed: bool = False,
    many: bool = False,
    changes: Sequence[str] = (),
) -> Sweep:
    """Compute a quantity over a grid or a sample of parameters; what is done is kept, and the same call on the same store does the rest.

    Args:
        spec: a TOML file, or its tables.
        store: the file that keeps the points; FILE.sqlite in the working folder, or sweep.sqlite, unless given.
        workers: processes; as many as there are processors unless given, 1 stays in this one. With more, a script calls this under
            `if __name__ == "__main__":`, as all that starts processes is called.
        scheduler: address of a dask scheduler, tcp://HOST:PORT, whose workers compute instead.
        scheduler_file: a file that names one.
        stale: what to do where points of the store come from other versions or another machine: "refuse", "keep" or "rerun" them.
        retry_failed: try points again that failed or were lost.
        many: begin a sweep of more than a billion points.
        changes: `table.key=value`, put over what the file says.

    Returns:
        What is known now, with `to_frame`, `to_xarray` and `plot`.

    Raises:
        UnusableInput: for a file, a quantity, an axis or a store that cannot be used.
        SystemRefused: when the store cannot be written, or no process or scheduler is there.

    Example:
        >>> import tempfile
        >>> grid = {"majority": 5, "minority": 5, "feature_energy": [1, 5]}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     results = sweep({"sweep": {"quantity": "threshold"}, "axes": grid}, f"{folder}/a.sqlite", workers=1)
        ...     results.done, results.failed
        (2, 0)
    """
    began = time.monotonic()
    read, folder, default = _read(spec, tuple(changes))
    stale = require_one_of(stale, "stale", STALE)
    most = os.cpu_count() or 1 if workers is None else require_whole(workers, "the number of workers", remedy="give one, or none at all")
    points = points_of(read.model_dump_json(), folder)
    if points.size > MANY and not many:
        raise UnusableInput(
            f"the sweep has {points.size:.3g} points: more than {MANY:.0g} are not begun unless that is meant; make it smaller, or say so "
            "with many=True."
        )
    if points.size > LARGEST:
        raise UnusableInput(f"the sweep has {points.size:.3g} points: {LARGEST:.3g} can be numbered; make it smaller.")
    place = default if store is None else Path(store)
    with Store(place) as opened:
        environment = _begin(opened, points, read, stale=stale)
        if retry_failed:
            opened.reopen(failed=True)
        coordinator = Coordinator(points, opened, environment, folder)
        tally = coordinator.tally
        if tally.settled < tally.points:
            alone = points.size <= BATCH and all(together_at(points))  # one chunk keeps one process busy
            executor = executor_for(
                workers=1 if alone else most, scheduler=scheduler, scheduler_file=scheduler_file, limited=read.run.time_limit is not None
            )
            before, told = tally.settled, 0
            with progress(points.quantity.name, tally.points - before) as bar:

                def tick() -> None:
                    nonlocal told
                    coordinator.tick()
                    for parameters, message in tally.failures[told:]:
                        bar(failure=f"{parameters}: {message}")
                    told = len(tally.failures)
                    bar(completed=tally.settled - before, description=f"{tally.failed + tally.lost} not done" if told else "")

                try:
                    run_tasks(
                        coordinator.tasks(),
                        executor,
                        coordinator.settle,
                        submitted=coordinator.submitted,
                        tick=tick,
                        stop=coordinator.stopped,
                    )
                finally:
                    opened.commit()
        tally.failures = [(text, message) for text, _, _, message in opened.failures(FAILURES_SHOWN)]
    return Sweep.of(place, points, tally, seconds=time.monotonic() - began)


def _read(spec: Path | str | Mapping[str, Any], changes: tuple[str, ...]) -> tuple[Specification, str, Path]:
    """The specification, the folder of its own modules, and where its store is unless another is named."""
    if isinstance(spec, Mapping):
        return specification(spec), str(Path.cwd()), Path("sweep.sqlite")
    path = Path(spec)
    return read_specification(path, changes), str(path.resolve().parent), Path(f"{path.stem}.sqlite")


def _begin(store: Store, points: Points, spec: Specification, *, stale: str) -> int:
    """Take the store for this sweep; the number of this process's environment.

    Raises:
        UnusableInput: for the store of another sweep, or one whose points come from elsewhere.
    """
    text, version = specification_text(spec), points.quantity.results_version
    if store.sweep() is None:
        store.begin(specification=text, quantity=points.quantity.name, results_version=version, points=points.count)
    held = store.sweep() or {}
    if held["specification"] != text:
        raise UnusableInput(
            f"{store.path} holds another sweep ({'; '.join(_unlike(held['specification'], text))}): sweeps are not mixed; name another "
            "store."
        )
    store.coordinate()
    environment = store.environment(provenance())
    if held["results_version"] != version:
        if stale != "rerun":
            raise UnusableInput(
                f"{store.path} has results of version {held['results_version']} of {points.quantity.name}, and now it is {version}: its "
                "numbers have changed; compute them again with stale='rerun', or name another store."
            )
        store.reopen(results_version=version)
    elif (unlike := _other_points(store, points)) is not None:
        raise UnusableInput(
            f"{store.path} holds other points ({unlike[0]} there, {unlike[1]} here): a default of {points.quantity.name} has changed; "
            "say in the sweep what it is, or name another store."
        )
    others = {number: content for number, content in store.environments_of_done().items() if number != environment}
    if others and stale == "rerun":
        store.reopen(environments_but=environment)
    elif others and stale == "refuse":
        told = differences(next(iter(others.values())), provenance())
        raise UnusableInput(
            f"{store.path} has points that were made elsewhere ({'; '.join(told)}): go on all the same with stale='keep', compute them "
            "again with stale='rerun', or name another store."
        )
    return environment


def _other_points(store: Store, points: Points) -> tuple[str, str] | None:
    """The parameters, there and here, of a point that is another one now."""
    known = store.identities(COMPARED)
    now = points.points(np.array(list(known), dtype=np.int64))
    return next(((known[point.position][1], point.text) for point in now if known[point.position][0] != point.identity), None)


def specification_text(spec: Specification) -> str:
    """What must not change between two runs on one store: all but how failures and time are dealt with."""
    content = spec.model_dump(mode="json", exclude={"run"}, exclude_defaults=True)
    content["run"] = {"seed": spec.run.seed, "repeats": spec.run.repeats}
    return json.dumps(content, separators=(",", ":"))  # in the file's order, in which points are numbered


def _unlike(there: str, here: str) -> list[str]:
    """The keys in which two specifications differ, with what they hold."""
    flat_there, flat_here = (dict(_flat(json.loads(text), "")) for text in (there, here))
    names = sorted({*flat_there, *flat_here})
    differences = [
        f"{name} {shown(flat_there.get(name))} there, {shown(flat_here.get(name))} here"
        for name in names
        if flat_there.get(name) != flat_here.get(name)
    ]
    return differences or ["the same axes in another order"]


def _flat(table: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, dict) and prefix.count(".") < 1:
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
