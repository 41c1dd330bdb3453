"""Sweeps under kills: of the coordinator, of workers, of a cluster's worker; every point comes out once, with the same bits."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not Path("/proc/self").exists(), reason="finds processes by Linux's /proc")]

FUNCTION = """
import os, time

def drawn(x: float, rng):
    time.sleep(0.01)
    return {"value": x + rng.random(), "other": rng.normal()}
"""

PROGRAM = """
import sys
from pathlib import Path
from layerpeel.sweeps.sweep import sweep

if __name__ == "__main__":
    store, workers, scheduler_file = sys.argv[1:]
    spec = {
        "sweep": {"quantity": "drawing:drawn"},
        "axes": {"x": {"linear": [0, 1, 1000]}},
        "run": {"repeats": 2, "retries": 5},
    }
    found = sweep(spec, store, workers=int(workers), scheduler_file=Path(scheduler_file) if scheduler_file else None)
    print(found.points, found.done, found.failed, found.lost, found.reused)
"""

POINTS = 2000

PATIENCE = 300.0
"""Seconds that a busy machine may take for what takes ten."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the function and the program."""
    made = tmp_path_factory.mktemp("sweep")
    (made / "drawing.py").write_text(FUNCTION)
    (made / "program.py").write_text(PROGRAM)
    return made


def start(folder: Path, store: str, *, workers: int = 2, scheduler_file: str = "") -> "subprocess.Popen[str]":
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(folder)}
    command = [sys.executable, str(folder / "program.py"), str(folder / store), str(workers), scheduler_file]
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(folder: Path, store: str, **options: Any) -> list[int]:
    """Points, done, failed, lost, reused."""
    process = start(folder, store, **options)
    said, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    return [int(word) for word in said.split()]


def query(path: Path, text: str) -> list[tuple[Any, ...]]:
    """Rows of a store, none while it is not there."""
    with suppress(sqlite3.OperationalError):
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
        try:
            return connection.execute(text).fetchall()
        finally:
            connection.close()
    return []


def done(path: Path) -> int:
    rows = query(path, "SELECT count(*) FROM point WHERE state = 'done'")
    return rows[0][0] if rows else 0


def content(path: Path) -> list[tuple[Any, ...]]:
    """What the points are and what they are worth, to the last bit."""
    return query(
        path, "SELECT position, hex(identity), parameters, repeat, state, name, value FROM point JOIN value USING (position) ORDER BY 1, 6"
    )


def wait(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture(scope="module")
def undisturbed(folder: Path) -> list[tuple[Any, ...]]:
    assert finish(folder, "undisturbed.sqlite", workers=1) == [POINTS, POINTS, 0, 0, 0]
    found = content(folder / "undisturbed.sqlite")
    assert len(found) == 2 * POINTS
    return found


def children(pid: int) -> list[int]:
    """Processes of a pool that compute: all children but the one that tracks semaphores."""
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
    return [child for child in found if "spawn_main" in command_line(child)]


def command_line(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return ""


def test_a_coordinator_killed_twenty_times_leaves_what_is_done_and_no_orphans(folder: Path, undisturbed: list[tuple[Any, ...]]) -> None:
    store = folder / "killed.sqlite"
    chance = random.Random(7)
    workers: set[int] = set()
    for _ in range(20):
        with start(folder, store.name) as process:
            target = done(store) + chance.randint(1, 15)
            wait(lambda target=target, process=process: done(store) >= target or process.poll() is not None)
            time.sleep(chance.uniform(0.0, 0.1))
            workers.update(children(process.pid))
            assert process.poll() is None, process.communicate()
            process.kill()
    assert 0 < done(store) < POINTS
    points, finished, failed, lost, reused = finish(folder, store.name)
    assert (points, finished, failed, lost) == (POINTS, POINTS, 0, 0)
    assert reused >= 20
    assert content(store) == undisturbed
    wait(lambda: not any("spawn_main" in command_line(worker) for worker in workers))


def test_a_killed_worker_costs_its_own_points_only(folder: Path, undisturbed: list[tuple[Any, ...]]) -> None:
    store = folder / "workers.sqlite"
    chance = random.Random(8)
    kills = 0
    with start(folder, store.name) as process:
        while process.poll() is None and kills < 8:
            target = done(store) + 50
            wait(lambda target=target: done(store) >= target or process.poll() is not None)
            if victims := children(process.pid):
                with suppress(ProcessLookupError):
                    os.kill(chance.choice(victims), signal.SIGKILL)
                    kills += 1
        said, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, said.split()[:4]) == (0, [str(POINTS), str(POINTS), "0", "0"]), errors
    assert kills > 3
    assert content(store) == undisturbed
    lost = query(store, "SELECT count(*) FROM attempt WHERE state = 'lost'")[0][0]
    assert lost <= kills


@contextmanager
def running(commands: Sequence[Sequence[str]], environment: dict[str, str]) -> Generator[list["subprocess.Popen[bytes]"]]:
    """Processes that are killed at the end."""
    started: list[subprocess.Popen[bytes]] = []
    try:
        for command in commands:
            started.append(subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        yield started
    finally:
        for process in started:
            process.kill()
            process.wait()


def test_a_cluster_whose_worker_is_killed_gives_the_same_bits(folder: Path, undisturbed: list[tuple[Any, ...]]) -> None:
    pytest.importorskip("distributed", reason="needs the extra `cluster`")
    file, store = folder / "scheduler.json", folder / "cluster.sqlite"
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(folder)}
    dask = [sys.executable, "-m", "dask"]
    worker = [*dask, "worker", "--scheduler-file", str(file), "--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1"]
    scheduler = [*dask, "scheduler", "--scheduler-file", str(file), "--port", "0", "--no-dashboard", "--host", "127.0.0.1"]
    with running([scheduler], environment):
        wait(file.exists)
        with running([worker, worker], environment) as (victim, _):
            time.sleep(5)
            with start(folder, store.name, scheduler_file=str(file)) as process:
                wait(lambda: done(store) >= 200 or process.poll() is not None)
                victim.send_signal(signal.SIGKILL)
                said, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, said.split()) == (0, [str(POINTS), str(POINTS), "0", "0", "0"]), errors
    assert content(store) == undisturbed
