"""A theorem-check report; the model is the schema of report.json."""

from layerpeel.numerics import Figure
from layerpeel.pages.records import Result
from layerpeel.theorems.report.model import Environment, RoomResult, Summary
from layerpeel.theorems.report.terminal import render_text


class Report(Result):
    """A theorem-check report; renderers read nothing else."""

    summary: Summary
    rooms: list[RoomResult]
    environment: Environment
    seed: int
    profile: str

    def to_json(self) -> str:
        """The report as JSON, with null for what JSON cannot say."""
        return self.model_dump_json(indent=2) + "\n"

    def to_text(self) -> str:
        """A table of verdicts, checks and false variants, and the summary."""
        return render_text(self.summary, self.rooms)

    def figures(self) -> tuple[Figure, ...]:
        """The figures of all rooms."""
        return tuple(figure for room in self.rooms for figure in room.figures)
