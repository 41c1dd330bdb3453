"""The runner: judging, the logic of green, and independence of how the work is spread."""

import inspect
import os
import re
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fake_rooms as fake
import pytest

from layerpeel.numerics import UnusableInput, random_stream
from layerpeel.sweeps.tasks import Outcome, Task
from layerpeel.theorems.check import check
from layerpeel.theorems.report import RoomResult, Summary
from layerpeel.theorems.run import BEGUN_FIRST, run_rooms
from layerpeel.theory import Profile, Room, Verdict, choose


@pytest.mark.parametrize(
    ("room", "verdict", "control", "green"),
    [
        (fake.GREEN, Verdict.CONFIRMED, Verdict.REFUTED, True),
        (fake.REFUTED_AS_PRINTED, Verdict.REFUTED, Verdict.REFUTED, True),
        (fake.REFUTED_UNEXPECTEDLY, Verdict.REFUTED, Verdict.REFUTED, False),
        (fake.UNREFUTED_CONTROL, Verdict.CONFIRMED, Verdict.CONFIRMED, False),
        (fake.INCONCLUSIVE, Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE, False),
        (fake.BROKEN, Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE, False),
    ],
    ids=lambda value: value.statement.name if isinstance(value, Room) else str(value),
)
def test_a_room_is_green_only_when_all_is_as_expected_and_the_control_is_refuted(
    room: Room, verdict: Verdict, control: Verdict, green: bool
) -> None:
    result = fake.run(room)
    assert (result.checks[0].verdict, result.controls[0].verdict, result.green) == (verdict, control, green)
    assert Summary.of([fake.run(fake.GREEN), result]).green is green


def test_inconclusive_is_not_green_even_where_it_is_expected() -> None:
    check = fake.run(fake.INCONCLUSIVE).checks[0]
    assert check.verdict is check.expected is Verdict.INCONCLUSIVE
    assert not check.as_expected


def test_an_exception_is_told_in_the_note() -> None:
    result = fake.run(fake.BROKEN)
    assert result.checks[0].note == "ArithmeticError: the solver broke <down>"
    assert result.controls[0].note == "check value measured nothing"


def test_without_torch_a_room_is_skipped_with_its_reason_and_changes_nothing() -> None:
    skipped = fake.run(fake.SKIPPED)
    assert skipped.skipped
    assert "pip install" in skipped.checks[0].note
    assert Summary.of([fake.run(fake.GREEN), skipped]).green
    assert not Summary.of([fake.run(fake.REFUTED_UNEXPECTEDLY), skipped]).green


def test_a_report_in_which_nothing_ran_is_not_green() -> None:
    assert not Summary.of([fake.run(fake.SKIPPED)]).green
    assert not Summary.of([]).green


def test_another_missing_module_is_a_failure_and_not_a_skip() -> None:
    def measure(_: Any) -> Any:
        raise ModuleNotFoundError("No module named 'cvxpy'", name="cvxpy")

    assert fake.run(fake.make_room(measure=measure)).checks[0].verdict is Verdict.INCONCLUSIVE


def test_the_check_is_measured_once_for_itself_and_all_its_controls() -> None:
    calls: list[int] = []

    def measure(setting: Any) -> Any:
        calls.append(1)
        return fake.measure_one(setting)

    assert fake.run(fake.make_room(measure=measure)).green
    assert len(calls) == 1


def test_a_control_may_break_without_losing_the_check() -> None:
    def false() -> Any:
        return {"unmeasured": fake.predict_two()["x"]}

    result = fake.run(fake.make_room(false=false))
    assert result.checks[0].verdict is Verdict.CONFIRMED
    assert result.controls[0].verdict is Verdict.INCONCLUSIVE
    assert "KeyError" in result.controls[0].note


def test_a_figure_that_fails_is_reported_and_decides_nothing() -> None:
    def draw(_: Any) -> Any:
        raise ValueError("no points")

    result = fake.run(fake.make_room(figures=(draw, fake.draw)))
    assert result.green
    assert len(result.figures) == 1
    assert result.note == "figure 1 could not be drawn: ValueError: no points"


def test_summary_counts_verdicts_and_refuted_controls() -> None:
    rooms = [fake.run(room) for room in (fake.GREEN, fake.UNREFUTED_CONTROL, fake.REFUTED_AS_PRINTED, fake.INCONCLUSIVE, fake.SKIPPED)]
    summary = Summary.of(rooms)
    assert summary.model_dump() == {"green": False, "confirmed": 2, "refuted": 1, "inconclusive": 1, "skipped": 1, "controls": 2}


def test_streams_are_pinned_and_differ_by_seed_room_and_check() -> None:
    draws = [random_stream(seed, room, check).integers(1 << 32) for seed in (0, 1) for room in ("a", "b") for check in ("c", "d")]
    assert len(set(draws)) == len(draws)
    assert random_stream(0, "ab", "c").integers(1 << 32) != random_stream(0, "a", "bc").integers(1 << 32)
    assert draws[0] == PINNED_DRAW


PINNED_DRAW = 114566493
"""First draw under seed 0 of room a, check c: a report made elsewhere, or with another NumPy, must have drawn it too."""


def test_the_seed_changes_a_measurement_and_is_all_that_does() -> None:
    same, again, other = fake.run(fake.NOISY), fake.run(fake.NOISY), fake.run(fake.NOISY, seed=1)
    assert same.checks[0].measurement == again.checks[0].measurement
    assert same.checks[0].measurement != other.checks[0].measurement


def without_seconds(results: list[RoomResult]) -> list[RoomResult]:
    return [room.model_copy(update={"checks": [check.model_copy(update={"seconds": 0.0}) for check in room.checks]}) for room in results]


def test_results_do_not_depend_on_workers() -> None:
    rooms = choose(("largest-equal-angle", "energy-product"))
    finished: list[RoomResult] = []
    alone = run_rooms(rooms, profile=Profile.QUICK, seed=3, workers=1, finished=finished.append)
    together = run_rooms(rooms, profile=Profile.QUICK, seed=3, workers=2, finished=finished.append)
    assert without_seconds(alone) == without_seconds(together)
    assert sorted(room.name for room in finished) == sorted([*rooms, *rooms])
    assert [room.name for room in together] == list(rooms)


@pytest.mark.parametrize("workers", [1, 2])
def test_what_fails_beside_the_processes_is_not_their_start(workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def full_disk(*_: Any) -> Generator[Callable[..., None]]:
        def bar(**_: Any) -> None:
            raise OSError(28, "No space left on device")

        yield bar

    monkeypatch.setattr("layerpeel.theorems.check.progress", full_disk)

    with pytest.raises(OSError, match="No space left on device"):
        check("energy-product", "balanced-etf", workers=workers)


class Losing:
    """Runs tasks as this process does, and loses those that hold the stated room: the first, or all of them."""

    width = 2

    def __init__(self, room: str, times: int) -> None:
        self.room, self.times, self.tasks = room, times, list[Task]()
        self._waiting = list[Task]()

    def submit(self, task: Task) -> None:
        self.tasks.append(task)
        self._waiting.append(task)

    def completed(self, timeout: float) -> Outcome | None:
        task = self._waiting.pop(0)
        if self.room in task.arguments[0] and self.times:
            self.times -= 1
            return Outcome(task=task, state="lost", message="its process died")
        return Outcome(task=task, state="done", value=task.function(*task.arguments))

    def close(self) -> None:
        self.closed = True


def names_of(tasks: list[Task]) -> list[tuple[str, ...]]:
    return [task.arguments[0] for task in tasks]


@pytest.fixture
def losing(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[list[RoomResult], Losing]]:
    """Runs rooms where the process of one of them dies so many times."""

    def run(rooms: dict[str, Room], room: str, times: int) -> tuple[list[RoomResult], Losing]:
        executor = Losing(room, times)
        monkeypatch.setattr("layerpeel.theorems.run.InProcess", lambda: executor)
        asked = {name: ("fake", made) for name, made in rooms.items()}
        return run_rooms(asked, profile=Profile.QUICK, seed=0, workers=1, finished=lambda _: None), executor

    return run


def test_a_process_that_dies_twice_leaves_its_room_inconclusive_and_no_other(
    losing: Callable[..., tuple[list[RoomResult], Losing]],
) -> None:
    rooms = {name: fake.make_room(name) for name in ("one", "two", "three")}
    results, executor = losing(rooms, "two", 2)
    assert names_of(executor.tasks) == [("one",), ("two",), ("three",), ("two",)]
    assert [room.name for room in results] == ["one", "two", "three"]
    assert [room.green for room in results] == [True, False, True]
    assert [found.verdict for found in results[1].results] == [Verdict.INCONCLUSIVE] * 2
    assert {found.note for found in results[1].results} == {
        "its process died, at each of 2 attempts; run the room alone, with fewer workers, or with more time"
    }
    assert executor.closed


def test_a_process_that_dies_once_costs_an_attempt(losing: Callable[..., tuple[list[RoomResult], Losing]]) -> None:
    results, executor = losing({name: fake.make_room(name) for name in ("one", "two")}, "two", 1)
    assert all(room.green for room in results)
    assert names_of(executor.tasks) == [("one",), ("two",), ("two",)]


def test_rooms_that_share_a_process_are_tried_again_one_by_one(losing: Callable[..., tuple[list[RoomResult], Losing]]) -> None:
    together = BEGUN_FIRST[0]
    results, executor = losing({name: fake.make_room(name) for name in ("short", *together)}, together[1], 2)
    assert names_of(executor.tasks) == [together, ("short",), *((name,) for name in together)]
    assert [room.green for room in results] == [True, True, False]


def trains(value: object) -> bool:
    """Whether it is `trained` itself, or a function that calls it."""
    text = inspect.getsource(value) if inspect.isfunction(inspect.unwrap(value)) else ""  # pyright: ignore[reportArgumentType]
    return re.search(r"\btrained\(", text) is not None


def training_modules(name: str) -> set[str]:
    """The private modules of trainings that a room reaches, by itself or through what it measures."""
    reached, left = set(), [sys.modules[name]]
    while left:
        for value in vars(left.pop()).values():
            home = value if inspect.ismodule(value) else sys.modules.get(getattr(value, "__module__", None) or "")
            place = "" if home is None else home.__name__
            if not place.startswith("layerpeel.theory.") or place in reached:
                continue
            if "._measured." in place:
                reached.add(place)
                left.append(sys.modules[place])
            elif place.rpartition(".")[2].startswith("_") and not place.endswith("._ensembles"):  # there rooms share none
                parts = vars(value).values() if inspect.ismodule(value) else [value]
                reached |= {place} if any(trains(part) for part in parts) else set()
    return {place for place in reached if "._measured." not in place}


def test_the_rooms_that_are_begun_first_exist_and_share_their_networks() -> None:
    """What is trained is cached in the private modules that rooms of one line import, and in no other."""
    rooms = choose()
    assert {name for line in BEGUN_FIRST for name in line} <= {*rooms}
    caching: dict[str, set[str]] = {}
    for name, (family, _) in rooms.items():
        for place in training_modules(f"layerpeel.theory.{family.replace('-', '_')}.{name.replace('-', '_')}"):
            caching.setdefault(place, set()).add(name)
    shared = [sorted(names) for names in caching.values() if len(names) > 1]
    assert sorted(shared) == sorted(sorted(line) for line in BEGUN_FIRST if len(line) > 1)


def test_what_a_room_raises_beside_its_checks_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> RoomResult:
        raise ZeroDivisionError("a fault of the runner")

    monkeypatch.setattr("layerpeel.theorems.run.run_room", broken)
    with pytest.raises(ZeroDivisionError, match="a fault of the runner"):
        check("energy-product", workers=1)


def test_rooms_of_ones_own_stay_here() -> None:
    assert check(fake.GREEN, fake.NOISY, workers=2).summary.green
    options: tuple[dict[str, Any], ...] = ({"scheduler": "tcp://nowhere:1"}, {"scheduler_file": "nowhere"}, {"time_limit": 1.0})
    for elsewhere in options:
        with pytest.raises(UnusableInput, match="one-is-one: rooms of your own run in this process"):
            check(fake.GREEN, **elsewhere)
    for limit in (0.0, float("nan"), -1.0):
        with pytest.raises(UnusableInput, match="the time limit is"):
            check("energy-product", time_limit=limit)


def test_the_worked_example_of_contributing_is_a_green_room() -> None:
    text = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    found = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert found
    module: dict[str, Any] = {}
    exec(found[1], module)
    assert fake.run(module["ROOM"]).green


def test_the_command_asks_for_one_blas_thread_unless_the_user_asked_for_more() -> None:
    """The command alone: whoever imports the library keeps the environment as it is."""
    for imported, given, expected in (
        ("layerpeel.__main__", {}, "1"),
        ("layerpeel.__main__", {"OPENBLAS_NUM_THREADS": "4"}, "4"),
        ("layerpeel", {}, "None"),
    ):
        program = f"import {imported}, os; print(os.environ.get('OPENBLAS_NUM_THREADS'))"
        environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"} | given
        done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == expected
