"""The sentences that the renderings share."""

from collections.abc import Sequence

from layerpeel.theorems.report.model import CheckResult, Number, RoomResult, Summary
from layerpeel.theory import Kind, Verdict

_ORIGINS = {
    "seed": "Stated in the source",
    "literature": "Stated in the literature",
    "derived": "Derived here, after the source",
    "conjecture": "A conjecture",
}

_RELATIONS = {Kind.UPPER_BOUND: "≤ ", Kind.LOWER_BOUND: "≥ ", Kind.LIMIT: "→ "}


def headline(summary: Summary, rooms: Sequence[RoomResult]) -> str:
    """Whether the report is green, as a sentence."""
    skipped = [room for room in rooms if room.skipped]
    if summary.green and skipped:
        return f"Every theorem that ran came out as expected; {len(skipped)} of {len(rooms)} did not run ({_reason(skipped[0])})."
    if summary.green:
        return "Every theorem came out as expected."
    unexpected = [room.title for room in rooms if not room.green and not room.skipped]
    return f"Not as expected: {', '.join(unexpected)}." if unexpected else "Nothing ran."


def _reason(room: RoomResult) -> str:
    return next((check.note for check in room.checks if check.note), "skipped")


def summary_line(summary: Summary, rooms: Sequence[RoomResult]) -> str:
    """The six numbers of the summary, as a sentence.

    A confirmed theorem counts for something only beside the false variants that the same checks refuted.
    """
    total = sum(len(room.controls) for room in rooms)
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
    counted = f"{len(rooms)} room{'s' * (len(rooms) != 1)}"
    return f"{counted}; checks: {', '.join(verdicts) or 'none'}; {summary.controls} of {total} negative controls refuted."


def origin_of(room: RoomResult) -> str:
    """Where the statement comes from, with the reference in full."""
    source = room.source
    return f"{_ORIGINS[room.origin]}: {(source.reference or source.key).rstrip('.')}; {source.locator}."


def how_measured(check: CheckResult) -> str:
    """By what the check measures, and how wide an interval may be to confirm anything, with the reason; as much as the room says."""
    parts = [f"Measured by {check.method}." if check.method else ""]
    if check.resolution is not None:
        why = f": {check.resolution_reason}" if check.resolution_reason else ""
        parts.append(f"Only intervals no wider than {check.resolution:.2g} confirm{why}.")
    return " ".join(part for part in parts if part)


def sharpness(check: CheckResult) -> str:
    """What change of the prediction the measurement would have refuted, as a sentence; empty where nothing was confirmed."""
    if check.verdict is not Verdict.CONFIRMED:
        return ""
    if check.resolving_power is not None:
        return (
            "Refutes any change of the prediction."
            if check.resolving_power == 0.0
            else f"Refutes a change of the prediction by {_percent(check.resolving_power)}."
        )
    if check.resolving_shift is not None:
        return (
            "Refutes any change of the prediction."
            if check.resolving_shift == 0.0
            else f"Refutes a shift of the prediction by {check.resolving_shift:.1e}."
        )
    return "Refutes no change of the prediction in one direction."


def _percent(share: float) -> str:
    """A relative change as people say it: in per cent down to a hundredth of one, below as a power of ten, above one as a factor."""
    if share >= 1.0:
        return f"a factor of {1.0 + share:.3g}"
    return f"{100 * share:.2g} %" if share >= 1e-4 else f"{share:.1e} of itself"


def own_origin(room: RoomResult, check: CheckResult) -> str:
    """Where a check's own sentence comes from, if not from where the room's statement does."""
    return "" if check.origin is room.origin else f"{_ORIGINS[check.origin]}."


def relation(check: CheckResult) -> str:
    """The sign that stands between measurement and prediction, where it is not equality."""
    return _RELATIONS.get(check.kind, "")


def pair_numbers(check: CheckResult) -> list[tuple[str, Number | None, Number | None]]:
    """Predictions beside measurements of the same label; measured labels without a prediction come last."""
    predicted = {number.label: number for number in check.prediction}
    measured = {number.label: number for number in check.measurement}
    return [(label, predicted.get(label), measured.get(label)) for label in predicted | measured]
