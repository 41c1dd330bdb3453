"""How far a sweep is, by its store alone; another process may be at it."""

from pathlib import Path
from typing import Any

from pydantic import Field

from layerpeel.numerics import UnusableInput
from layerpeel.pages.output import text_table
from layerpeel.pages.records import Record, Result
from layerpeel.sweeps.machines import alive
from layerpeel.sweeps.views.reading import Reading

FAILURES_SHOWN = 10
"""Failed points that a status names."""


class FailedPoint(Record):
    """A point that is not done, and will not be tried again by itself."""

    parameters: str = Field(description="Canonical JSON.")
    repeat: int
    state: str = Field(description='"failed" or "lost".')
    message: str


class MadeWith(Record):
    """What points were made with.

    Args:
        points: how many were.
        python: its version.
        revision: of a checkout; empty for an installed package.
        processor: its model.
        blas: name and version.
        packages: versions of what decides.
    """

    points: int
    python: str
    revision: str
    processor: str
    blas: str
    packages: dict[str, str]


class CoordinatorAt(Record):
    """The process that writes a store now."""

    host: str
    pid: int


class Status(Result):
    """How far a sweep is.

    Args:
        store: the file.
        quantity: what is swept.
        results_version: of the quantity.
        specification: canonical JSON.
        points: how many there are.
        pending: not tried yet, or to be tried again.
        running: under way now.
        done: have values.
        failed: raised at every attempt.
        lost: lost their process, or took too long, at every attempt.
        attempts: how many there were, each at one or at many points.
        seconds: all attempts took, added up.
        environments: what done points were made with.
        coordinator: the process that is at it; None where nobody is.
        failures: the first points that failed or were lost.
    """

    store: str
    quantity: str
    results_version: int
    specification: str
    points: int
    pending: int
    running: int
    done: int
    failed: int
    lost: int
    attempts: int
    seconds: float
    environments: tuple[MadeWith, ...]
    coordinator: CoordinatorAt | None
    failures: tuple[FailedPoint, ...]

    def to_text(self) -> str:
        """The counts, who is at it, what it was made with, and the first failures."""
        counted = ("points", "pending", "running", "done", "failed", "lost", "attempts")
        lines = [text_table([self.quantity, ""], [[name, str(getattr(self, name))] for name in counted]), ""]
        at = self.coordinator
        lines += [f"process {at.pid} on {at.host} is at it" if at else "nobody is at it: the same sweep goes on from here"]
        lines += [f"{self.store}, {self.seconds:.1f} s in all attempts, results version {self.results_version}", self.specification]
        for each in self.environments:
            packages = ", ".join(f"{name} {version}" for name, version in each.packages.items())
            lines.append(
                f"{each.points} points: Python {each.python}, {packages}; {each.processor}; {each.blas}; {each.revision}".rstrip("; ")
            )
        if self.failures:
            rows = [[each.parameters, str(each.repeat), each.state, each.message] for each in self.failures]
            lines += ["", text_table(["not done", "repetition", "state", "why"], rows)]
        return "\n".join(lines)


def status(store: Path | str) -> Status:
    """How far a sweep is; nothing is computed, and whoever is at it is not disturbed.

    Args:
        store: the file that keeps its points.

    Returns:
        Counts, attempts, the specification, what it was made with, who is at it, and the first failures.

    Raises:
        UnusableInput: for a file that is no store, or one of a sweep that was never begun.
        SystemRefused: when it cannot be read.

    Example:
        >>> import tempfile
        >>> from layerpeel.sweeps.sweep import sweep
        >>> grid = {"sweep": {"quantity": "calendar:leapdays"}, "axes": {"y1": 1900, "y2": [2000, 2100]}}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = sweep(grid, f"{folder}/a.sqlite", workers=1)
        ...     status(f"{folder}/a.sqlite").done
        2
    """
    with Reading(Path(store)) as reading:
        held = reading.sweep()
        if held is None:
            raise UnusableInput(f"{store} holds no sweep yet: it was made and never begun; run the sweep again, or remove it.")
        counts, coordinator = reading.counts(), reading.coordinator()
        living = coordinator is not None and alive(coordinator)
        settled = counts.done + counts.failed + counts.lost
        running = min(counts.running, held["points"] - settled) if living else 0
        return Status(
            store=str(store),
            **held,
            pending=held["points"] - settled - running,
            running=running,
            done=counts.done,
            failed=counts.failed,
            lost=counts.lost,
            attempts=reading.attempts(),
            environments=tuple(_made_with(content, number) for content, number in reading.environments()),
            coordinator=CoordinatorAt(host=coordinator["host"], pid=coordinator["pid"]) if living and coordinator else None,
            failures=tuple(
                FailedPoint(parameters=text, repeat=repeat, state=state, message=message)
                for text, repeat, state, message in reading.failures(FAILURES_SHOWN)
            ),
        )


def _made_with(content: dict[str, Any], number: int) -> MadeWith:
    return MadeWith(points=number, **{name: content[name] for name in ("python", "revision", "processor", "blas", "packages")})
