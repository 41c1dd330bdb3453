"""What changed from one report to another: verdicts, numbers that moved by more than their errors, times."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import Field

from layerpeel.pages.output import text_table
from layerpeel.pages.records import Record, Result
from layerpeel.pages.text import one_line
from layerpeel.theorems.report import CheckResult, ControlResult, Number, Report, RoomResult

SLOWER, AT_LEAST = 1.5, 1.0
"""A room's time is told where it changed by this factor, and by as many seconds."""


class ChangedVerdict(Record):
    """A check, or a false variant, that came out otherwise."""

    room: str
    name: str
    control: bool = Field(description="Whether it is a false variant.")
    old: str
    new: str


class MovedNumber(Record):
    """A number whose two intervals do not meet; of exact expressions, one that is written otherwise."""

    room: str
    check: str
    label: str
    measured: bool = Field(description="Whether it is the measurement; the prediction otherwise.")
    old: str
    new: str


class ChangedTime(Record):
    """Seconds that a room took."""

    room: str
    old: float
    new: float


class Difference(Result):
    """What changed from one report to another."""

    changed: bool = Field(description="Whether a verdict changed.")
    verdicts: list[ChangedVerdict]
    numbers: list[MovedNumber]
    times: list[ChangedTime] = Field(description="Rooms whose time changed by half of it or more, and by a second or more.")
    seconds_old: float = Field(description="Of all rooms that are in both.")
    seconds_new: float
    gone: list[str] = Field(description="Checks and false variants, as room/name, that only the old report has.")
    added: list[str] = Field(description="Those that only the new one has.")
    settings: list[str] = Field(description="How the reports differ in profile, seed, Python and packages.")

    def to_text(self) -> str:
        """Tables of what changed, and a sentence on each that did not."""
        parts = [
            f"{'A verdict has' if len(self.verdicts) == 1 else f'{len(self.verdicts)} verdicts have'} changed."
            if self.changed
            else "No verdict has changed."
        ]
        if self.verdicts:
            rows = [[each.room, each.name, "false variant" if each.control else "check", each.old, each.new] for each in self.verdicts]
            parts.append(text_table(["room", "name", "", "old", "new"], rows))
        if self.numbers:
            parts.append(f"{len(self.numbers)} number{'s' * (len(self.numbers) > 1)} moved by more than the errors:")
            rows = [[n.room, n.check, n.label, "measured" if n.measured else "predicted", n.old, n.new] for n in self.numbers]
            parts.append(text_table(["room", "check", "label", "", "old", "new"], rows))
        else:
            parts.append("No number has moved by more than the errors.")
        if self.times:
            parts.append(text_table(["room", "old", "new"], [[t.room, f"{t.old:.2f} s", f"{t.new:.2f} s"] for t in self.times]))
        parts.append(f"Rooms in both took {self.seconds_old:.1f} s, and now {self.seconds_new:.1f} s.")
        parts += [f"{word}: {', '.join(map(one_line, names))}." for word, names in (("Gone", self.gone), ("New", self.added)) if names]
        parts += [f"Made otherwise: {one_line('; '.join(self.settings))}."] if self.settings else []
        return "\n".join(parts)


def difference(old: Report, new: Report) -> Difference:
    """What changed from one report to another, room by room, by name.

    Args:
        old: a report.
        new: a report, as a rule of the same rooms.

    Raises:
        UnusableInput: when a report cannot be read.

    Example:
        >>> from layerpeel.theorems.check import report_of
        >>> nothing = report_of([], seed=0, profile="quick")
        >>> print(difference(nothing, nothing).to_text().splitlines()[0])
        No verdict has changed.
    """
    before, after = {room.name: room for room in old.rooms}, {room.name: room for room in new.rooms}
    both = [(before[name], after[name]) for name in before if name in after]
    verdicts = [change for pair in both for change in _verdicts(*pair)]
    names_before, names_after = (list(dict.fromkeys(_names(report))) for report in (old, new))
    seconds = [(was.name, _seconds(was), _seconds(now)) for was, now in both]
    return Difference(
        changed=bool(verdicts),
        verdicts=verdicts,
        numbers=[moved for pair in both for moved in _numbers(*pair)],
        times=[ChangedTime(room=name, old=was, new=now) for name, was, now in seconds if _apart(was, now)],
        seconds_old=sum(was for _, was, _ in seconds),
        seconds_new=sum(now for _, _, now in seconds),
        gone=[name for name in names_before if name not in set(names_after)],
        added=[name for name in names_after if name not in set(names_before)],
        settings=_settings(old, new),
    )


def difference_of_files(old: Path, new: Path) -> Difference:
    """The same, of two report.json, or of two directories that hold one.

    Raises:
        UnusableInput: when one cannot be read.
    """
    from layerpeel.theorems.check import read_report

    first, second = (read_report(path / "report.json" if path.is_dir() else path) for path in (old, new))
    return difference(first, second)


def _verdicts(was: RoomResult, now: RoomResult) -> Iterator[ChangedVerdict]:
    for control, (before, after) in ((False, (was.checks, now.checks)), (True, (was.controls, now.controls))):
        verdicts: dict[str, CheckResult | ControlResult] = {result.name: result for result in after}
        for result in before:
            if result.name in verdicts and verdicts[result.name].verdict is not result.verdict:
                new = verdicts[result.name].verdict.value
                yield ChangedVerdict(room=was.name, name=result.name, control=control, old=result.verdict.value, new=new)


def _numbers(was: RoomResult, now: RoomResult) -> Iterator[MovedNumber]:
    checks = {check.name: check for check in now.checks}
    for check in was.checks:
        if check.name not in checks:
            continue
        other = checks[check.name]
        for measured, (before, after) in ((False, (check.prediction, other.prediction)), (True, (check.measurement, other.measurement))):
            numbers = {number.label: number for number in after}
            for number in before:
                if number.label in numbers and _moved(number, numbers[number.label]):
                    new = numbers[number.label].text
                    yield MovedNumber(room=was.name, check=check.name, label=number.label, measured=measured, old=number.text, new=new)


def _moved(was: Number, now: Number) -> bool:
    """Whether the intervals do not meet; where one has no end on a side, that side meets everything."""
    if was.lower is was.upper is now.lower is now.upper is None:
        return was.text != now.text
    above = was.upper is not None and now.lower is not None and now.lower > was.upper
    below = was.lower is not None and now.upper is not None and now.upper < was.lower
    return above or below


def _names(report: Report) -> Iterator[str]:
    for room in report.rooms:
        for result in room.results:
            yield f"{room.name}/{result.name}"


def _seconds(room: RoomResult) -> float:
    return sum(check.seconds for check in room.checks)


def _apart(was: float, now: float) -> bool:
    return abs(now - was) >= AT_LEAST and max(was, now) >= SLOWER * min(was, now)


def _settings(old: Report, new: Report) -> list[str]:
    before, after = (
        {"profile": each.profile, "seed": str(each.seed), "Python": each.environment.python, **each.environment.packages}
        for each in (old, new)
    )
    names = dict.fromkeys([*before, *after])
    return [f"{name} {before.get(name, 'none')}, then {after.get(name, 'none')}" for name in names if before.get(name) != after.get(name)]
