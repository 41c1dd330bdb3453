"""The command `check`: rooms in, report out, on disk and on the terminal."""

import os
from collections.abc import Mapping
from pathlib import Path

import typer
from pydantic import ValidationError

from layerpeel.environment import describe_environment
from layerpeel.numerics import UnusableInput
from layerpeel.pages.files import REPORT_FILES, read_small, write_whole
from layerpeel.pages.output import text_table
from layerpeel.pages.progress import progress
from layerpeel.pages.text import one_line
from layerpeel.theorems.report import (
    CheckResult,
    ControlResult,
    Environment,
    Report,
    Summary,
    headline,
    render_html,
    render_markdown,
    summary_line,
)
from layerpeel.theorems.run import run_rooms
from layerpeel.theory import Profile, Room

LARGEST_REPORT = 2**25
"""Bytes of a report.json; that of all rooms with their figures has two million."""


def check_rooms(rooms: Mapping[str, tuple[str, Room]], *, profile: str, seed: int, jobs: int | None) -> Report:
    """Run the rooms, with a progress bar if standard error is a terminal, and put the results together.

    Raises:
        SystemRefused: when no process can be started.
    """
    with progress("checking rooms", len(rooms)) as bar:
        results = run_rooms(
            rooms,
            profile=Profile(profile),
            seed=seed,
            jobs=jobs or os.cpu_count() or 1,
            finished=lambda room: bar(advance=1, description=room),
        )
    return Report(
        summary=Summary.of(results),
        rooms=results,
        environment=Environment.model_validate(describe_environment()),
        seed=seed,
        profile=profile,
    )


def write_report(report: Report, directory: Path) -> None:
    """Write report.json, report.md and report.html, all or none.

    Raises:
        UnusableInput: when they cannot be written.
    """
    texts = dict(zip(REPORT_FILES, (report.to_json(), render_markdown(report), render_html(report)), strict=True))
    write_whole(
        "--out", {directory / name: lambda path, text=text: path.write_text(text, encoding="utf-8") for name, text in texts.items()}
    )


def read_report(path: Path) -> Report:
    """The report in a JSON file.

    Raises:
        UnusableInput: when there is no such file, or it is not a report.
    """
    try:
        return Report.model_validate_json(read_small(path, f"report {path}", largest=LARGEST_REPORT))
    except OSError as error:
        raise UnusableInput(f"report {path} cannot be read ({error.strerror}): it must be a JSON file; check the path.") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "its beginning"
        raise UnusableInput(
            f"report {path} does not follow the report's schema at {place} ({first['msg']}): it must be a report.json that this "
            "version wrote; make one with `layerpeel check --out DIR`."
        ) from error


def describe_report(report: Report, directory: Path | None) -> str:
    """A table of verdicts, checks and controls, the summary, and where the report is."""
    rows: list[list[str]] = []
    for room in report.rooms:
        of_room = [
            [result.name, "check", _verdict(result), result.evidence, _resolves(result), f"{result.seconds:.2f} s"]
            for result in room.checks
        ]
        of_room += [[result.name, "control", _verdict(result), "", "", ""] for result in room.controls]
        rows += [["" if position else room.name, *row] for position, row in enumerate(of_room)]
    notes = [
        f"{room.name}, {result.name}: {result.note}" for room in report.rooms for result in [*room.checks, *room.controls] if result.note
    ]
    notes += [f"{room.name}: {room.note}" for room in report.rooms if room.note]
    where = f"report: {directory / 'report.html'}" if directory is not None else "no report written; --out DIR writes one"
    table = text_table(["room", "name", "", "verdict", "evidence", "refutes a change of", "time"], rows)
    color = typer.colors.GREEN if report.summary.green else typer.colors.RED
    headed = typer.style(one_line(headline(report)), fg=color)
    return "\n".join([table, "", *map(one_line, notes), *([""] if notes else []), headed, summary_line(report), one_line(where)])


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
