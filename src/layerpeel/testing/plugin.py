"""A pytest plugin: a ROOM in anyone's test module is collected, one item for each of its checks.

Its measurement is made once, whatever items were chosen and however many workers share them. Nothing is imported before a room is met.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from layerpeel.theorems.report import CheckResult, RoomResult
    from layerpeel.theory import Check, Room

FOLDER = pytest.StashKey[Path]()
"""Where measurements lie while a session lasts, for all its processes."""

ROOMS = pytest.StashKey[dict[str, "Room"]]()
"""The rooms that were collected, by the file's name of their measurement."""

POLL = 0.05
"""Seconds between two looks at whether another process has finished a room."""

FAMILY = "own"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of theorem checks."""
    group = parser.getgroup("theorems", "theorems (layerpeel)")
    group.addoption("--theorem-report", metavar="DIR", type=Path, help="write report.json, .md and .html of the rooms that ran")
    group.addoption("--theorem-profile", choices=["quick", "full"], default="quick", help="how much work a check does (quick)")
    group.addoption("--theorem-seed", metavar="N", type=int, default=0, help="every random number of a room derives from it (0)")
    group.addoption(
        "--theorem-level",
        metavar="P",
        type=float,
        default=1e-6,
        help="probability that some interval of a sample misses (1e-6)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """One folder for all processes of a session."""
    given = getattr(config, "workerinput", {}).get("layerpeel_folder")
    config.stash[FOLDER] = Path(given or tempfile.mkdtemp(prefix="layerpeel-rooms-"))
    config.stash[ROOMS] = {}


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist where that folder is."""
    node.workerinput["layerpeel_folder"] = str(node.config.stash[FOLDER])


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector: pytest.Module | pytest.Class, name: str, obj: object) -> "RoomCollector | None":
    """A room where a module binds one to ROOM."""
    if name != "ROOM" or not type(obj).__module__.startswith("layerpeel.theory"):
        return None
    room: Any = obj
    return RoomCollector.from_parent(collector, name=room.statement.name, room=room)


class RoomCollector(pytest.Collector):
    """One room."""

    def __init__(self, *, room: "Room", **options: Any) -> None:
        super().__init__(**options)
        self.room = room
        self.key = self.nodeid.replace("/", "-").replace("::", "--")
        self.config.stash[ROOMS][self.key] = room

    def collect(self) -> Iterable["CheckItem"]:
        """Its checks."""
        return [CheckItem.from_parent(self, name=check.name, check=check) for check in self.room.checks]


class CheckItem(pytest.Item):
    """One check: passes when its verdict is the expected one and every false variant of it was refuted."""

    parent: RoomCollector

    def __init__(self, *, check: "Check", **options: Any) -> None:
        super().__init__(**options)
        self.check = check

    def runtest(self) -> None:
        """Judge it, or take the verdict that another item's measurement gave."""
        from layerpeel.testing.assertions import said
        from layerpeel.theory import statistical_comparisons

        options, rooms = self.config.option, self.config.stash[ROOMS]
        level = options.theorem_level / max(1, statistical_comparisons(rooms.values()))
        result = _measured(self.config, self.parent.key, self.parent.room, FAMILY, level)
        check: CheckResult = next(each for each in result.checks if each.name == self.check.name)
        self.user_properties += [("verdict", str(check.verdict)), ("expected", str(check.expected)), ("evidence", str(check.evidence))]
        if check.resolving_power is not None:
            self.user_properties.append(("resolving_power", check.resolving_power))
        if check.verdict == "skipped":
            pytest.skip(check.note)
        wrong = [] if check.verdict == check.expected else [said(check, expected=str(check.expected))]
        wrong += [
            f"false variant {control.name} came back {control.verdict}, and must be refuted: {control.claim}"
            for control in result.controls
            if control.check == check.name and control.verdict != "refuted"
        ]
        if wrong:
            raise AssertionError("\n".join(wrong))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The sentences alone, of a verdict."""
        return str(excinfo.value) if isinstance(excinfo.value, AssertionError) else super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:
        """The module, the room and the check."""
        return self.path, None, f"{self.parent.name}: {self.check.name}"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the report of all processes' rooms, and remove what they shared."""
    config = session.config
    if hasattr(config, "workerinput"):
        return
    try:
        if (place := config.getoption("--theorem-report")) is not None:
            _write_report(config, place)
    finally:
        shutil.rmtree(config.stash[FOLDER], ignore_errors=True)


def _write_report(config: pytest.Config, place: Path) -> None:
    from layerpeel.theorems.check import report_of, write_report
    from layerpeel.theorems.report import RoomResult

    files = sorted(config.stash[FOLDER].glob("*.json"))
    rooms = [RoomResult.model_validate_json(file.read_bytes()) for file in files]
    options = config.option
    write_report(report_of(rooms, seed=options.theorem_seed, profile=options.theorem_profile), place)


@pytest.fixture
def theorem_result(pytestconfig: pytest.Config) -> "Callable[..., RoomResult]":
    """A function of a room that measures it once, whatever processes ask, and puts it into `--theorem-report`.

    Its options are `family`, "own" unless given, and `level`, that of one statistical comparison, `--theorem-level` unless given.
    """

    def result(room: "Room", *, family: str = FAMILY, level: float | None = None) -> "RoomResult":
        share = pytestconfig.option.theorem_level if level is None else level
        return _measured(pytestconfig, f"{family}--{room.statement.name}", room, family, share)

    return result


def _measured(config: pytest.Config, key: str, room: "Room", family: str, level: float) -> "RoomResult":
    """The room's result: run here, or where another process of this session has it in hand."""
    from layerpeel.theorems.report import RoomResult
    from layerpeel.theorems.run import run_room
    from layerpeel.theory import Profile

    place = config.stash[FOLDER] / f"{key}.json"
    with _turn(place.with_suffix(".lock"), place) as mine:
        if mine:
            options = config.option
            result = run_room(family, room, profile=Profile(options.theorem_profile), seed=options.theorem_seed, level=level)
            partial = place.with_suffix(".partial")
            partial.write_text(result.model_dump_json(), encoding="utf-8")
            partial.replace(place)
            return result
    return RoomResult.model_validate_json(place.read_bytes())


@contextmanager
def _turn(lock: Path, place: Path) -> Generator[bool]:
    """Whether it is this process's turn to measure; where another has it, wait until it is done, or take over from one that died."""
    while not place.exists():
        try:
            lock.symlink_to(str(os.getpid()))  # a link is made whole or not at all
        except FileExistsError:
            if not _lives(lock):
                lock.unlink(missing_ok=True)
            time.sleep(POLL)
            continue
        try:
            yield not place.exists()
        finally:
            lock.unlink(missing_ok=True)
        return
    yield False


def _lives(lock: Path) -> bool:
    try:
        os.kill(int(str(lock.readlink())), 0)
    except FileNotFoundError:  # given up in the meantime
        return True
    except OSError:
        return False
    return True
