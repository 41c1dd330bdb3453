"""From what a room claims and measures to what its report holds."""

from functools import cache
from pathlib import Path

import sympy

from layerpeel.theorems.report import Bibliography, CheckResult, ControlResult, Number, RoomResult
from layerpeel.theory import Check, Control, Figure, Quantities, Quantity, Room, Verdict, as_bracket, resolution_used, resolving_power
from layerpeel.theory import __file__ as theory_file

MUCH = 0.5
"""A verdict that used more than this share of its resolution comes with a warning."""


@cache
def _bibliography() -> Bibliography:
    return Bibliography.read(Path(theory_file).with_name("references.bib"))


def record_numbers(quantities: Quantities, level: float) -> list[Number]:
    """Quantities as the report shows them; samples become their confidence interval at `level`.

    Example:
        >>> from layerpeel.numerics import Bracket
        >>> record_numbers({"R = 2": Bracket(1.0, 1.0)}, 0.01)[0].text
        '1'
    """
    return [_record_number(label, quantity, level) for label, quantity in quantities.items()]


def _record_number(label: str, quantity: Quantity, level: float) -> Number:
    if isinstance(quantity, sympy.Basic):
        return Number(label=label, lower=None, upper=None, text=str(quantity), rigorous=True)
    interval = as_bracket(quantity, level)
    return Number(label=label, lower=interval.lower, upper=interval.upper, text=str(quantity), rigorous=interval.rigorous)


def record_check(
    room: Room, check: Check, verdict: Verdict, *, predicted: Quantities, measured: Quantities, level: float, seconds: float, note: str
) -> CheckResult:
    """A check, what came of it, and how sharp it was: what change of its prediction it would have noticed."""
    kind = check.kind or room.statement.kind
    confirmed = verdict is Verdict.CONFIRMED
    power = resolving_power(kind, predicted, measured, resolution=check.resolution, level=level) if confirmed else None
    used = resolution_used(kind, predicted, measured, resolution=check.resolution, level=level) if confirmed else None
    if used is not None and used > MUCH:
        note = (
            f"a measured interval is {100 * used:.0f} % as wide as the resolution allows, so another machine or seed may find it too wide"
        )
    return CheckResult(
        name=check.name,
        claim=check.claim,
        kind=kind,
        verdict=verdict,
        expected=check.expected,
        evidence=check.evidence,
        origin=check.origin or room.statement.origin,
        method=check.method,
        prediction=record_numbers(predicted, level),
        measurement=record_numbers(measured, level),
        resolution=check.resolution or None,
        resolution_reason=check.reason,
        resolving_power=power.relative if power else None,
        resolving_shift=power.absolute if power else None,
        resolution_used=used,
        seconds=seconds,
        note=note,
    )


def record_control(control: Control, verdict: Verdict, *, predicted: Quantities, level: float, note: str) -> ControlResult:
    """A control, what it predicts, and what came of it."""
    numbers = record_numbers(predicted, level)
    return ControlResult(name=control.name, claim=control.claim, check=control.check, verdict=verdict, note=note, prediction=numbers)


def record_room(
    family: str,
    room: Room,
    *,
    checks: list[CheckResult],
    controls: list[ControlResult],
    figures: list[Figure],
    note: str,
) -> RoomResult:
    """A room with its results and its source in full, from the suite's own bibliography."""
    statement = room.statement
    source = _bibliography().reference(statement.source)
    return RoomResult(
        name=statement.name,
        title=statement.title,
        family=family,
        kind=statement.kind,
        origin=statement.origin,
        source=source,
        statement=statement.latex,
        assumptions=list(statement.assumptions),
        checks=checks,
        controls=controls,
        figures=figures,
        note=note,
        meaning=statement.meaning,
    )
