"""Runs rooms, here or elsewhere; what they find depends on the seed and on nothing else."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

from layerpeel.numerics import UnusableInput, random_stream
from layerpeel.sweeps.engine import run_tasks
from layerpeel.sweeps.executors import executor_for
from layerpeel.sweeps.tasks import InProcess, Outcome, Task
from layerpeel.theorems.installed import choose_installed, installed_rooms
from layerpeel.theorems.record import record_check, record_control, record_room
from layerpeel.theorems.report import CheckResult, ControlResult, RoomResult
from layerpeel.theory import (
    SUITE_LEVEL,
    Check,
    Control,
    Figure,
    Kind,
    Profile,
    Quantities,
    Room,
    Setting,
    Verdict,
    choose,
    judge,
    statistical_comparisons,
)

BEGUN_FIRST = (
    ("equi-separation-law", "separation-before-collapse"),
    ("minority-collapse-in-networks", "oversampling-in-networks", "networks-follow-the-per-sample-model"),
    ("residual-block-is-the-unit",),
    ("collapse-threshold",),
    ("le-sde-imitates",),
    ("label-noise-transition",),
)
"""Rooms that take longest, so that all processes end together. Those on one line look at the same networks, which one process trains."""

RETRIES = 1
"""A room whose process died is run again, alone: the machine may have killed it for another's sake."""

Names = tuple[str, ...]


def run_rooms(
    rooms: Mapping[str, tuple[str, Room]],
    *,
    profile: Profile,
    seed: int,
    workers: int,
    finished: Callable[[RoomResult], None],
    here: bool = False,
    scheduler: str | None = None,
    scheduler_file: Path | None = None,
    time_limit: float | None = None,
    package: str | None = None,
) -> list[RoomResult]:
    """Run rooms, in as many processes as `workers` allows or on a cluster, and return their results in the given order.

    Args:
        rooms: room name → (family, room), as `theory.choose` gives them.
        profile: how much work to do.
        seed: every random number derives from it.
        workers: the largest number of processes; 1 stays in this one, unless a time limit needs one that can be ended.
        finished: called with a room's result when that room is done.
        here: stay in this process, as rooms must that the catalogue does not hold: they cannot be found again by name.
        scheduler: address of a dask scheduler, whose workers run the rooms instead.
        scheduler_file: a file that names one.
        time_limit: seconds for one room, and for its second attempt; none unless given.
        package: the installed package that offers the rooms, where it is not the catalogue; the level is split over all of its rooms.

    Raises:
        SystemRefused: when no process can be started, or no scheduler is there.
    """
    suite = None if package is None else [room for _, room in installed_rooms(package).rooms.values()]
    level = SUITE_LEVEL / max(1, statistical_comparisons(suite))
    results: dict[str, RoomResult] = {}
    groups = [(name,) for name in rooms] if time_limit is not None else _groups(rooms)
    most = max(1, min(workers, len(groups)))
    limited = time_limit is not None
    here = here or (scheduler is None and scheduler_file is None and most == 1 and not limited)
    executor = InProcess() if here else executor_for(workers=most, scheduler=scheduler, scheduler_file=scheduler_file, limited=limited)
    function = partial(_run_given, rooms) if here else _run_named if package is None else partial(_run_installed, package)

    def task(names: Names) -> Task:
        return Task(key=" ".join(names), function=function, arguments=(names, profile, seed, level), time_limit=time_limit)

    attempts: Counter[str] = Counter()

    def settle(outcome: Outcome) -> list[Task]:
        names: Names = outcome.task.arguments[0]
        if outcome.error is not None:  # not of a check, whose errors are its result
            raise outcome.error
        if outcome.state == "done":
            ended: list[RoomResult] = outcome.value
        else:
            attempts.update(names)
            if again := [name for name in names if attempts[name] <= RETRIES]:
                return [task((name,)) for name in again]
            ended = [_lost(*rooms[name], outcome) for name in names]
        for result in ended:
            results[result.name] = result
            finished(result)
        return []

    run_tasks(map(task, groups), executor, settle)
    return [results[name] for name in rooms]


def _groups(names: Iterable[str]) -> list[Names]:
    """The rooms as they are handed out: the longest first, and those together that share their networks.

    Example:
        >>> _groups(["lda-floor", "separation-before-collapse", "equi-separation-law"])
        [('equi-separation-law', 'separation-before-collapse'), ('lda-floor',)]
    """
    asked = list(names)
    first = [tuple(name for name in together if name in asked) for together in BEGUN_FIRST]
    begun = {name for together in first for name in together}
    return [*filter(None, first), *((name,) for name in asked if name not in begun)]


def _run_named(names: Names, profile: Profile, seed: int, level: float) -> list[RoomResult]:
    """Runs in the worker: rooms hold functions, which do not travel between processes, so they are found again by name."""
    return _run_given(choose(names), names, profile, seed, level)


def _run_installed(package: str, names: Names, profile: Profile, seed: int, level: float) -> list[RoomResult]:
    """The same, of rooms that an installed package offers."""
    return _run_given(choose_installed(package, names, None), names, profile, seed, level)


def _run_given(rooms: Mapping[str, tuple[str, Room]], names: Names, profile: Profile, seed: int, level: float) -> list[RoomResult]:
    return [run_room(*rooms[name], profile=profile, seed=seed, level=level) for name in names]


def _lost(family: str, room: Room, outcome: Outcome) -> RoomResult:
    """A room of which nothing is known: all of it is inconclusive."""
    note = f"{outcome.message}, at each of {RETRIES + 1} attempts; run the room alone, with fewer workers, or with more time"
    lost = Verdict.INCONCLUSIVE
    checks = [
        record_check(room, check, lost, predicted={}, measured={}, level=SUITE_LEVEL, seconds=0.0, note=note) for check in room.checks
    ]
    controls = [record_control(control, lost, predicted={}, level=SUITE_LEVEL, note=note) for control in room.controls]
    return record_room(family, room, checks=checks, controls=controls, figures=[], note="")


def run_room(family: str, room: Room, *, profile: Profile, seed: int, level: float) -> RoomResult:
    """Measure every check once, judge it, put its controls through the same measurement, and draw the figures.

    Args:
        family: the family that the room belongs to.
        room: the room.
        profile: how much work to do.
        seed: every random number derives from it, the room's name and the check's name.
        level: significance level of one statistical comparison.
    """
    name = room.statement.name
    checks: list[CheckResult] = []
    controls: dict[str, ControlResult] = {}
    for check in room.checks:
        kind = check.kind or room.statement.kind
        setting = Setting(profile=profile, rng=random_stream(seed, name, check.name), level=level, seed=seed)
        result, measured = _run_check(room, check, kind, setting)
        checks.append(result)
        for control in room.controls:
            if control.check == check.name:
                controls[control.name] = _run_control(control, check, kind, measured, result, level)
    ran = any(result.verdict is not Verdict.SKIPPED for result in checks)
    figures, note = _draw(room, profile=profile, seed=seed, level=level) if ran else ([], "")
    in_order = [controls[control.name] for control in room.controls]
    return record_room(family, room, checks=checks, controls=in_order, figures=figures, note=note)


def _run_check(room: Room, check: Check, kind: Kind, setting: Setting) -> tuple[CheckResult, Quantities | None]:
    """The result, and the measurement that the controls are held against (None when there is none)."""
    started = time.perf_counter()
    measured: Quantities = {}
    predicted: Quantities = {}
    try:
        measured = check.measure(setting)
        predicted = check.predict()
        verdict = judge(kind, predicted, measured, resolution=check.resolution, level=setting.level)
        note = ""
    except Exception as error:  # noqa: BLE001 - whatever goes wrong inside a check is its result: inconclusive, with the reason
        verdict, note = _failure(error)
    seconds = time.perf_counter() - started
    result = record_check(room, check, verdict, predicted=predicted, measured=measured, level=setting.level, seconds=seconds, note=note)
    return result, measured or None


def _run_control(
    control: Control, check: Check, kind: Kind, measured: Quantities | None, result: CheckResult, level: float
) -> ControlResult:
    if measured is None:
        lost = Verdict.SKIPPED if result.verdict is Verdict.SKIPPED else Verdict.INCONCLUSIVE
        return record_control(control, lost, predicted={}, level=level, note=f"check {check.name} measured nothing")
    predicted: Quantities = {}
    try:
        predicted = control.predict()
        verdict, note = judge(control.kind or kind, predicted, measured, resolution=check.resolution, level=level), ""
    except Exception as error:  # noqa: BLE001 - as for a check
        verdict, note = Verdict.INCONCLUSIVE, _sentence(error)
    return record_control(control, verdict, predicted=predicted, level=level, note=note)


def _failure(error: Exception) -> tuple[Verdict, str]:
    """Without torch, or without the images that ship in optional packages, a check is skipped; any other failure leaves it inconclusive."""
    if isinstance(error, ImportError) and (error.name or "").split(".")[0] == "torch":
        return Verdict.SKIPPED, "torch is not installed: pip install 'layerpeel[train]'"
    if isinstance(error, UnusableInput) and isinstance(error.__cause__, ModuleNotFoundError):
        return Verdict.SKIPPED, str(error)
    return Verdict.INCONCLUSIVE, _sentence(error)


def _sentence(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _draw(room: Room, *, profile: Profile, seed: int, level: float) -> tuple[list[Figure], str]:
    """The figures, and a note on those that failed: a figure decides no verdict, but its loss is reported."""
    figures: list[Figure] = []
    notes: list[str] = []
    for number, figure in enumerate(room.figures, start=1):
        setting = Setting(profile=profile, rng=random_stream(seed, room.statement.name, f"figure {number}"), level=level, seed=seed)
        try:
            figures.append(figure(setting))
        except Exception as error:  # noqa: BLE001 - as for a check
            notes.append(f"figure {number} could not be drawn: {_sentence(error)}")
    return figures, "; ".join(notes)
