"""The sentences that both renderings share."""

from suite.report._model import CheckResult, Number, Report, RoomResult
from theory import Kind

_ORIGINS = {
    "seed": "Stated in the source",
    "literature": "Stated in the literature",
    "derived": "Derived here, after the source",
    "conjecture": "A conjecture",
}

_RELATIONS = {Kind.UPPER_BOUND: "≤ ", Kind.LOWER_BOUND: "≥ ", Kind.LIMIT: "→ "}


def headline(report: Report) -> str:
    """Whether the report is green, as a sentence."""
    skipped = [room for room in report.rooms if room.skipped]
    if report.summary.green and skipped:
        return f"Every theorem that ran came out as expected; {len(skipped)} of {len(report.rooms)} did not run ({_reason(skipped[0])})."
    if report.summary.green:
        return "Every theorem came out as expected."
    unexpected = [room.title for room in report.rooms if not room.green and not room.skipped]
    return f"Not as expected: {', '.join(unexpected)}." if unexpected else "Nothing ran."


def _reason(room: RoomResult) -> str:
    return next((check.note for check in room.checks if check.note), "skipped")


def summary_line(report: Report) -> str:
    """The six numbers of the summary, as a sentence.

    A confirmed theorem counts for something only beside the false variants that the same checks refuted.
    """
    summary = report.summary
    total = sum(len(room.controls) for room in report.rooms)
    verdicts = [
        f"{count} {word}"
        for count, word in (
            (summary.confirmed, "confirmed"),
            (summary.refuted, "refuted"),
            (summary.inconclusive, "inconclusive"),
            (summary.skipped, "skipped"),
        )
        if count
    ]
    rooms = f"{len(report.rooms)} room{'s' * (len(report.rooms) != 1)}"
    return f"{rooms}; checks: {', '.join(verdicts) or 'none'}; {summary.controls} of {total} negative controls refuted."


def origin_of(room: RoomResult) -> str:
    """Where the statement comes from, with the reference in full."""
    source = room.source
    return f"{_ORIGINS[room.origin]}: {(source.reference or source.key).rstrip('.')}; {source.locator}."


def relation(check: CheckResult) -> str:
    """The sign that stands between measurement and prediction, where it is not equality."""
    return _RELATIONS.get(check.kind, "")


def pair_numbers(check: CheckResult) -> list[tuple[str, Number | None, Number | None]]:
    """Predictions beside measurements of the same label; measured labels without a prediction come last."""
    predicted = {number.label: number for number in check.prediction}
    measured = {number.label: number for number in check.measurement}
    return [(label, predicted.get(label), measured.get(label)) for label in predicted | measured]
