"""What a report says on a terminal, from the JSON model only."""

from collections.abc import Sequence

import typer

from layerpeel.pages.output import text_table
from layerpeel.pages.text import one_line
from layerpeel.theorems.report.model import CheckResult, ControlResult, RoomResult, Summary
from layerpeel.theorems.report.reading import headline, summary_line


def render_text(summary: Summary, rooms: Sequence[RoomResult]) -> str:
    """A table of verdicts, checks and controls, what there is to note, and the summary; printable, in colours."""
    rows: list[list[str]] = []
    for room in rooms:
        of_room = [
            [result.name, "check", _verdict(result), result.evidence, _resolves(result), f"{result.seconds:.2f} s"]
            for result in room.checks
        ]
        of_room += [[result.name, "control", _verdict(result), "", "", ""] for result in room.controls]
        rows += [["" if position else room.name, *row] for position, row in enumerate(of_room)]
    notes = [f"{room.name}, {result.name}: {result.note}" for room in rooms for result in [*room.checks, *room.controls] if result.note]
    notes += [f"{room.name}: {room.note}" for room in rooms if room.note]
    table = text_table(["room", "name", "", "verdict", "evidence", "refutes a change of", "time"], rows)
    color = typer.colors.GREEN if summary.green else typer.colors.RED
    headed = typer.style(one_line(headline(summary, rooms)), fg=color)
    return "\n".join([table, "", *map(one_line, notes), *([""] if notes else []), headed, summary_line(summary, rooms)])


def _resolves(check: CheckResult) -> str:
    """The smallest change of the prediction that the measurement refutes: relative, or with a sign where the prediction is zero."""
    if check.resolving_power is not None:
        return f"{check.resolving_power:.1e}" if check.resolving_power else "any"
    if check.resolving_shift is not None:
        return f"± {check.resolving_shift:.1e}" if check.resolving_shift else "any"
    return "none on one side" if check.verdict == "confirmed" else ""


def _verdict(result: CheckResult | ControlResult) -> str:
    if result.as_expected:
        surprising = isinstance(result, CheckResult) and result.verdict == "refuted"
        return "refuted, as expected" if surprising else f"{result.verdict}"
    expected = result.expected if isinstance(result, CheckResult) else "refuted"
    return f"{result.verdict}" if result.verdict == "skipped" else f"{result.verdict} (expected {expected})"
