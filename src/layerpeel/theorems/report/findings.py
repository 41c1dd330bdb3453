"""What a report says first: which statements fail, what is proved, and where it is least sharp."""

from collections.abc import Sequence
from typing import NamedTuple

from layerpeel.theorems.report.model import CheckResult, Number, RoomResult
from layerpeel.theorems.report.reading import pair_numbers, relation, sharpness
from layerpeel.theory import Evidence, Kind, Origin, Verdict

SHOWN = 3
"""So many of the least sharp checks are named."""

BOUNDS = (Kind.UPPER_BOUND, Kind.LOWER_BOUND)
"""A bound says no number that could be off by a factor."""


class Finding(NamedTuple):
    """A sentence about a check, and where it stands."""

    room: RoomResult
    check: CheckResult
    sentence: str


def unexpected(rooms: Sequence[RoomResult]) -> list[Finding]:
    """Checks whose verdict is not the expected one, and those of which a false variant was not refuted."""
    found: list[Finding] = []
    for room in rooms:
        for check in room.checks:
            missed = [c.name for c in room.controls if c.check == check.name and c.verdict not in (Verdict.REFUTED, Verdict.SKIPPED)]
            if not check.as_expected and check.verdict is not Verdict.SKIPPED:
                found.append(Finding(room, check, f"{check.verdict}, expected {check.expected}. {check.note}".strip()))
            elif missed:
                found.append(Finding(room, check, f"the false variant {', '.join(missed)} was not refuted."))
    return found


def failing_as_stated(rooms: Sequence[RoomResult]) -> list[Finding]:
    """Sentences that were refuted as expected, each with the number that shows it; those of documents first."""
    found = [
        Finding(room, check, _against(check))
        for room in rooms
        for check in room.checks
        if check.as_expected and check.verdict is Verdict.REFUTED
    ]
    return sorted(found, key=lambda each: list(Origin).index(each.check.origin))


def _against(check: CheckResult) -> str:
    """The label at which prediction and measurement are farthest apart, for their widths."""
    pairs = [(label, p, m) for label, p, m in pair_numbers(check) if p is not None and m is not None]
    if not pairs:
        return ""
    label, predicted, measured = pairs[-1] if check.kind is Kind.LIMIT else max(pairs, key=lambda pair: _apart(pair[1], pair[2]))
    return f"At {label}: predicted {relation(check)}{brief(predicted)}, measured {brief(measured)}."


def _apart(predicted: Number, measured: Number) -> float:
    if predicted.lower is None or predicted.upper is None or measured.lower is None or measured.upper is None:
        return float(predicted.text != measured.text)
    gap = max(predicted.lower - measured.upper, measured.lower - predicted.upper)
    return gap / (abs(predicted.lower) + abs(measured.lower) + abs(measured.upper) or 1.0)


def brief(number: Number) -> str:
    """A number as a sentence says it: to six digits, with the error where there is one that shows.

    Example:
        >>> brief(Number(label="x", lower=0.25, upper=0.75, text="", rigorous=True))
        '0.5 ± 0.25'
    """
    if number.lower is None or number.upper is None:
        return number.text
    middle, half = 0.5 * (number.lower + number.upper), 0.5 * (number.upper - number.lower)
    return f"{middle:.6g}" if half <= 1e-6 * abs(middle) else f"{middle:.4g} ± {half:.2g}"


def proofs(rooms: Sequence[RoomResult]) -> list[Finding]:
    """The confirmed checks that are proofs."""
    return [
        Finding(room, check, "")
        for room in rooms
        for check in room.checks
        if check.evidence is Evidence.PROOF and check.verdict is Verdict.CONFIRMED
    ]


def evidence_counts(rooms: Sequence[RoomResult]) -> str:
    """How many verdicts rest on what, as words."""
    reached = [check for room in rooms for check in room.checks if check.verdict in (Verdict.CONFIRMED, Verdict.REFUTED)]
    counts = [(sum(check.evidence is evidence for check in reached), evidence.value) for evidence in Evidence]
    return ", ".join(f"{count} {word}" for count, word in counts if count)


def least_sharp(rooms: Sequence[RoomResult]) -> list[Finding]:
    """The confirmed checks, but for bounds, that would overlook the largest relative change of their prediction."""
    sharp = [
        (check.resolving_power, room, check)
        for room in rooms
        for check in room.checks
        if check.resolving_power is not None and check.kind not in BOUNDS
    ]
    return [Finding(room, check, sharpness(check)) for _, room, check in sorted(sharp, key=lambda each: -each[0])[:SHOWN]]
