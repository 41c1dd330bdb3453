"""The report as Markdown, from the JSON model only."""

from suite.report._model import CheckResult, Number, Report, RoomResult
from suite.report._reading import headline, origin_of, own_origin, pair_numbers, relation, sharpness, summary_line


def render_markdown(report: Report) -> str:
    """The whole report: summary, overview, and a section for every room."""
    lines = ["# Theorem-check report", "", f"**{headline(report)}** {summary_line(report)}", "", *_overview(report)]
    for room in report.rooms:
        lines += _room(room)
    lines += ["## Environment", "", *_environment(report)]
    return "\n".join(lines) + "\n"


def _overview(report: Report) -> list[str]:
    rows = [
        [
            f"[{room.title}](#{room.name})",
            _verdicts(room),
            f"{sum(c.as_expected for c in room.controls)} of {len(room.controls)}",
            room.origin,
        ]
        for room in report.rooms
    ]
    return _table(["room", "checks", "controls refuted", "origin"], rows)


def _verdicts(room: RoomResult) -> str:
    return ", ".join(f"{check.name}: {_verdict(check)}" for check in room.checks)


def _verdict(check: CheckResult) -> str:
    return f"{check.verdict}" if check.as_expected else f"**{check.verdict}** (expected {check.expected})"


def _room(room: RoomResult) -> list[str]:
    lines = [f'<a id="{room.name}"></a>', "", f"## {room.title}", "", f"$${room.statement}$$", ""]
    lines += [f"- {assumption}" for assumption in room.assumptions]
    lines += ["", f"{origin_of(room)} Kind: {room.kind}.", ""]
    if room.note:
        lines += [f"> {room.note}", ""]
    for check in room.checks:
        lines += [
            f"### {check.name}: {_verdict(check)}",
            "",
            f"{check.claim.rstrip('.')}.",
            "",
            " ".join(
                part for part in (f"Evidence: {check.evidence}; {check.seconds:.2f} s.", own_origin(room, check), sharpness(check)) if part
            ),
            "",
        ]
        if check.note:
            lines += [f"> {check.note}", ""]
        if check.prediction or check.measurement:
            rows = [[label, _text(predicted, relation(check)), _text(measured)] for label, predicted, measured in pair_numbers(check)]
            lines += _table(["", "prediction", "measurement"], rows)
    lines += ["### Negative controls", ""]
    lines += _table(
        ["control", "false claim", "verdict"],
        [[c.name, c.claim, f"{c.verdict}{', as it must be' if c.as_expected else ', but it must be refuted'}"] for c in room.controls],
    )
    for figure in room.figures:
        lines += [f"Figure: {figure.title}. {figure.caption} (Drawn in report.html; its data is in report.json.)", ""]
    return lines


def _environment(report: Report) -> list[str]:
    environment = report.environment
    packages = ", ".join(f"{name} {version}" for name, version in environment.packages.items())
    where = f"Python {environment.python} on {environment.platform}, {environment.processors} processors."
    return [f"{where} {packages}. Profile {report.profile}, seed {report.seed}, {environment.created}."]


def _text(number: Number | None, relation: str = "") -> str:
    return "" if number is None else f"{relation}{number.text}"


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    cells = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in cells] + [""]
