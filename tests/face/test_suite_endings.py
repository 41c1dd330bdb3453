"""check and train that are interrupted, terminated or killed, or whose workers are: no orphans, nothing half-written, one line."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds processes by Linux's /proc")]

CHECK = ["check", "collapse-threshold", "minority-cosine", "asymptotics", "--workers", "2"]
"""Rooms of five seconds and more."""

TRAIN = ["train", "unconstrained", "--workers", "2", "--out"]
"""Fifteen units of a few seconds."""

PATIENCE = 300.0
"""Seconds that a busy machine may take for what takes ten."""

READ = 2.0
"""Seconds of work after which a worker has read its task, and all that the task imports."""

GONE = 10.0
"""Seconds after which no worker of a coordinator that ended may be left."""

LINES = {
    "check": "layerpeel: {}; nothing is kept of a check: run it again\n",
    "train": "layerpeel: {}; what is done lies in {}, and the same command with --resume continues it\n",
}


def wait(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.05)


def workers_of(pid: int) -> list[int]:
    """Processes of its pool: all children but the one that tracks semaphores."""
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
    return [child for child in found if "spawn_main" in text_of(child, "cmdline")]


def text_of(pid: int, file: str) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/{file}").read_text(errors="replace")
    return ""


def lives(pid: int) -> bool:
    """Whether it runs, and is no zombie that nobody has asked about yet."""
    stat = text_of(pid, "stat")
    return bool(stat) and stat.rpartition(") ")[2][0] != "Z" and "spawn_main" in text_of(pid, "cmdline")


def computing(pid: int) -> bool:
    """Whether both workers are past their imports."""
    workers = workers_of(pid)
    return len(workers) == 2 and all("flint" in text_of(worker, "maps") for worker in workers)


def seconds_of(pid: int) -> float:
    """Processor time of a process."""
    numbers = text_of(pid, "stat").rpartition(") ")[2].split()
    return sum(map(int, numbers[11:13])) / os.sysconf("SC_CLK_TCK") if numbers else 0.0


def environment() -> dict[str, str]:
    return {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


@contextmanager
def started(*arguments: str, **options: Any) -> Generator["subprocess.Popen[str]"]:
    """The command in a process group of its own, which is killed at the end."""
    given: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
    process = subprocess.Popen([sys.executable, "-m", "layerpeel", *arguments], env=environment(), **(given | options))
    try:
        yield process
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


SIGNALS = [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated"), (signal.SIGKILL, -9, "")]


@pytest.mark.parametrize("to_all", [False, True], ids=["to the coordinator", "to all its processes"])
@pytest.mark.parametrize(("sent", "status", "word"), SIGNALS, ids=str)
def test_a_check_that_is_stopped_leaves_one_line_and_no_worker(sent: signal.Signals, status: int, word: str, to_all: bool) -> None:
    """A terminal sends SIGINT to all, `timeout` sends SIGTERM to all, and either may come from somebody who means one process."""
    with started(*CHECK) as process:
        wait(lambda: computing(process.pid))
        workers = workers_of(process.pid)
        (os.killpg if to_all else os.kill)(process.pid, sent)
        said, errors = process.communicate(timeout=GONE)  # ends when the pipe is closed by the last that holds it
        wait(lambda: not any(map(lives, workers)), GONE)
    assert (process.returncode, said) == (status, "")
    if word:
        assert errors == LINES["check"].format(word)
    else:  # Python's own process that removes semaphores says that it did, and from 3.13 on quotes its line
        assert all("resource_tracker" in line or line == "  warnings.warn(" for line in errors.splitlines()), errors


@pytest.mark.parametrize(("sent", "status", "word"), SIGNALS[:2], ids=str)
def test_a_check_that_is_stopped_while_its_workers_begin_is_one_line(sent: signal.Signals, status: int, word: str) -> None:
    """A worker that is still importing would print where it was."""
    with started(*CHECK) as process:
        wait(lambda: workers_of(process.pid))
        workers = workers_of(process.pid)
        time.sleep(0.2)
        os.killpg(process.pid, sent)
        said, errors = process.communicate(timeout=GONE)
        wait(lambda: not any(map(lives, workers)), GONE)
    assert (process.returncode, said, errors) == (status, "", LINES["check"].format(word))


def test_a_pipe_ends_when_a_time_limit_ends_its_check(tmp_path: Path) -> None:
    log = tmp_path / "log"
    piped = f"timeout --kill-after=30 8 {sys.executable} -m layerpeel {' '.join(CHECK)} | tee {log}"
    found = subprocess.run(["bash", "-c", f"set -o pipefail; {piped}"], env=environment(), capture_output=True, timeout=60, check=False)
    assert found.returncode == 124  # of `timeout`, which did not have to kill
    assert log.read_text() == ""


def test_a_worker_that_is_killed_costs_an_attempt_of_its_room(tmp_path: Path) -> None:
    """With the other attempt everything is green."""
    with started(*CHECK, "--json") as process:
        wait(lambda: computing(process.pid))
        # A worker that is killed as it reads its task keeps the others from theirs until the pool gives up its lock, after a minute.
        begun = {worker: seconds_of(worker) for worker in workers_of(process.pid)}
        wait(lambda: all(seconds_of(worker) > since + READ for worker, since in begun.items()))
        os.kill(workers_of(process.pid)[0], signal.SIGKILL)
        said, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, errors.count("\n") - errors.count("checking rooms:")) == (0, 0), errors
    report = json.loads(said)
    assert (report["summary"]["green"], len(report["rooms"])) == (True, 3)


def test_a_room_that_takes_too_long_is_inconclusive_and_no_other() -> None:
    with started("check", "collapse-threshold", "energy-product", "--workers", "2", "--time-limit", "0.2", "--json") as process:
        said, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1, errors
    notes = {check["note"] for room in json.loads(said)["rooms"] for check in room["checks"] if check["verdict"] == "inconclusive"}
    assert notes == {"it took more than 0.2 seconds, at each of 2 attempts; run the room alone, with fewer workers, or with more time"}


@pytest.mark.parametrize(("sent", "status", "word"), SIGNALS, ids=str)
def test_training_that_is_stopped_keeps_what_can_be_resumed(sent: signal.Signals, status: int, word: str, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs the extra `train`")
    pytest.importorskip("mlxtend", reason="needs the extra `data`")
    place = tmp_path / "run"
    with started(*TRAIN, str(place)) as process:
        wait(lambda: len(list(place.glob("units/[!.]*.npz"))) >= 2 or process.poll() is not None)
        workers = workers_of(process.pid)
        process.send_signal(sent)
        said, errors = process.communicate(timeout=GONE)
        wait(lambda: not any(map(lives, workers)), GONE)
    last = "".join(errors.splitlines(keepends=True)[-1:])
    assert (process.returncode, said) == (status, "")
    assert last == LINES["train"].format(word, place) if word else "Traceback" not in errors
    done = [path for path in place.glob("units/*") if not path.name.startswith(".")]
    assert 2 <= len(done) < 15
    for path in done:
        assert path.suffix == ".npz"
        with np.load(path) as archive:
            assert all(len(archive[name].tobytes()) for name in archive.files)
    assert sent == signal.SIGKILL or not list(place.rglob("*partial*"))
