"""Runs rooms in parallel processes; what they find depends on the seed and on nothing else."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from multiprocessing import get_context

from layerpeel.numerics import UnusableInput, random_stream
from layerpeel.pages.stopping import SystemRefused
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

PROCESS_DIED = "the process that ran this room died (out of memory?); run the room alone, or with fewer workers"
"""Note of every check that was lost with its process."""


def run_rooms(
    rooms: Mapping[str, tuple[str, Room]], *, profile: Profile, seed: int, workers: int, finished: Callable[[str], None]
) -> list[RoomResult]:
    """Run rooms of the catalogue, in as many processes as `workers` allows, and return their results in the given order.

    Args:
        rooms: room name → (family, room), as `theory.choose` gives them.
        profile: how much work to do.
        seed: every random number derives from it.
        workers: the largest number of processes; 1 stays in this one.
        finished: called with a room's name when that room is done.

    Raises:
        SystemRefused: when no process can be started.
    """
    level = SUITE_LEVEL / max(1, statistical_comparisons())
    results: dict[str, RoomResult] = {}
    if min(workers, len(rooms)) <= 1:
        for name, (family, room) in rooms.items():
            results[name] = run_room(family, room, profile=profile, seed=seed, level=level)
            finished(name)
        return list(results.values())
    with ExitStack() as started:
        try:
            pool = started.enter_context(ProcessPoolExecutor(min(workers, len(rooms)), mp_context=get_context("spawn")))
            waiting = {pool.submit(_run_named, name, profile, seed, level): name for name in rooms}
        except (OSError, ImportError, NotImplementedError) as error:
            raise SystemRefused(
                f"processes cannot be started ({error}): they need shared memory (/dev/shm); run in this one with workers=1."
            ) from error
        for future in as_completed(waiting):
            name = waiting[future]
            results[name] = _result_of(future, *rooms[name])
            finished(name)
    return [results[name] for name in rooms]


def _run_named(name: str, profile: Profile, seed: int, level: float) -> RoomResult:
    """Runs in the worker: rooms hold functions, which do not travel between processes, so they are found again by name."""
    family, room = choose((name,))[name]
    return run_room(family, room, profile=profile, seed=seed, level=level)


def _result_of(future: Future[RoomResult], family: str, room: Room) -> RoomResult:
    try:
        return future.result()
    except BrokenProcessPool:
        lost = Verdict.INCONCLUSIVE
        checks = [
            record_check(room, check, lost, predicted={}, measured={}, level=SUITE_LEVEL, seconds=0.0, note=PROCESS_DIED)
            for check in room.checks
        ]
        controls = [record_control(control, lost, note=PROCESS_DIED) for control in room.controls]
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
        return record_control(control, lost, note=f"check {check.name} measured nothing")
    try:
        verdict = judge(control.kind or kind, control.predict(), measured, resolution=check.resolution, level=level)
        return record_control(control, verdict, note="")
    except Exception as error:  # noqa: BLE001 - as for a check
        return record_control(control, Verdict.INCONCLUSIVE, note=_sentence(error))


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
