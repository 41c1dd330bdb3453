"""What a sweep found: counts, a table, named axes, a figure, files."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from layerpeel.pages.output import text_table
from layerpeel.pages.records import Record, Result

if TYPE_CHECKING:
    from layerpeel.sweeps.points import Points


@dataclass
class Tally:
    """How far a sweep is.

    Args:
        points: how many there are.
        reused: done before this run.
        done: done in all.
        failed: whose last attempt raised.
        lost: whose last attempt's process died, or took too long.
        failures: the first few that are not done: parameters and message.
    """

    points: int
    reused: int = 0
    done: int = 0
    failed: int = 0
    lost: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)


class Failure(Record):
    """A point that is not done."""

    parameters: str = Field(description="Canonical JSON.")
    message: str


class Sweep(Result):
    """What is known of a sweep after a run.

    Args:
        quantity: what was swept.
        points: how many there are.
        done: have values.
        failed: raised at every attempt.
        lost: lost their process, or took too long, at every attempt.
        reused: were done before this run.
        seconds: this run took.
        store: the file that keeps them.
        failures: the first few that are not done in this run.
    """

    quantity: str
    points: int
    done: int
    failed: int
    lost: int
    reused: int
    seconds: float
    store: str
    failures: tuple[Failure, ...]

    @classmethod
    def of(cls, store: Path, points: "Points", tally: Tally, *, seconds: float) -> "Sweep":
        """After a run."""
        return cls(
            quantity=points.quantity.name,
            points=tally.points,
            done=tally.done,
            failed=tally.failed,
            lost=tally.lost,
            reused=tally.reused,
            seconds=seconds,
            store=str(store),
            failures=tuple(Failure(parameters=text, message=message) for text, message in tally.failures),
        )

    def to_text(self) -> str:
        """How many points are in which state, where they are, and the first failures."""
        rows = [[name, str(getattr(self, name))] for name in ("points", "done", "failed", "lost", "reused")]
        lines = [text_table([self.quantity, ""], rows), "", f"{self.store}, {self.seconds:.1f} s"]
        if self.failures:
            lines += ["", text_table(["not done", "why"], [[each.parameters, each.message] for each in self.failures])]
        return "\n".join(lines)
