"""The report as Markdown, from the JSON model only."""

from layerpeel.theorems.report.markdown_text import anchor, formula, link, plain
from layerpeel.theorems.report.model import CheckResult, Number, RoomResult
from layerpeel.theorems.report.reading import headline, how_measured, origin_of, own_origin, pair_numbers, relation, sharpness, summary_line
from layerpeel.theorems.report.report import Report


def render_markdown(report: Report) -> str:
    """The whole report: summary, overview, and a section for every room."""
    head, line = headline(report.summary, report.rooms), summary_line(report.summary, report.rooms)
    lines = ["# Theorem-check report", "", f"**{plain(head)}** {plain(line)}", "", *_overview(report)]
    for room in report.rooms:
        lines += _room(room)
    lines += ["## Environment", "", *_environment(report)]
    return "\n".join(lines) + "\n"


def _overview(report: Report) -> list[str]:
    rows = [
        [
            link(room.title, room.name),
            _verdicts(room),
            f"{sum(c.as_expected for c in room.controls)} of {len(room.controls)}",
            room.origin,
        ]
        for room in report.rooms
    ]
    return _table(["room", "checks", "controls refuted", "origin"], rows)


def _verdicts(room: RoomResult) -> str:
    return ", ".join(f"{plain(check.name)}: {_verdict(check)}" for check in room.checks)


def _verdict(check: CheckResult) -> str:
    return f"{check.verdict}" if check.as_expected else f"**{check.verdict}** (expected {check.expected})"


def _room(room: RoomResult) -> list[str]:
    lines = [f'<a id="{anchor(room.name)}"></a>', "", f"## {plain(room.title)}", "", formula(room.statement), ""]
    lines += [plain(room.meaning), ""] if room.meaning else []
    lines += [f"- {plain(assumption)}" for assumption in room.assumptions]
    lines += ["", f"{plain(origin_of(room))} Kind: {room.kind}.", ""]
    if room.note:
        lines += [f"> {plain(room.note)}", ""]
    for check in room.checks:
        told = f"Evidence: {check.evidence}; {check.seconds:.2f} s.", own_origin(room, check), plain(how_measured(check)), sharpness(check)
        lines += [
            f"### {plain(check.name)}: {_verdict(check)}",
            "",
            f"{plain(check.claim.rstrip('.'))}.",
            "",
            " ".join(part for part in told if part),
            "",
        ]
        if check.note:
            lines += [f"> {plain(check.note)}", ""]
        if check.prediction or check.measurement:
            pairs = pair_numbers(check)
            rows = [[plain(label), _text(predicted, relation(check)), _text(measured)] for label, predicted, measured in pairs]
            lines += _table(["", "prediction", "measurement"], rows)
    lines += ["### Negative controls", ""]
    lines += _table(
        ["control", "false claim", "verdict"],
        [
            [plain(c.name), plain(c.claim), f"{c.verdict}{', as it must be' if c.as_expected else ', but it must be refuted'}"]
            for c in room.controls
        ],
    )
    for figure in room.figures:
        lines += [f"Figure: {plain(figure.title)}. {plain(figure.caption)} (Drawn in report.html; its data is in report.json.)", ""]
    return lines


def _environment(report: Report) -> list[str]:
    environment = report.environment
    packages = ", ".join(f"{plain(name)} {plain(version)}" for name, version in environment.packages.items())
    where = f"Python {plain(environment.python)} on {plain(environment.platform)}, {environment.processors} processors."
    return [f"{where} {packages}. Profile {plain(report.profile)}, seed {report.seed}, {plain(environment.created)}."]


def _text(number: Number | None, relation: str = "") -> str:
    return "" if number is None else f"{relation}{plain(number.text)}"


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    cells = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in cells] + [""]
