"""Sweeps: a million thresholds with their store, what a task costs on a pool and on a cluster, and two workers against one."""

import csv
import functools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from benchmarks._pairs import Row
from benchmarks._tasks import busy, nothing
from layerpeel.numerics import collapse_threshold
from layerpeel.sweeps.cluster import Cluster
from layerpeel.sweeps.engine import run_tasks
from layerpeel.sweeps.pool import Pool
from layerpeel.sweeps.sweep import sweep
from layerpeel.sweeps.tasks import Executor, InProcess, Task
from layerpeel.theorems.run import run_rooms
from layerpeel.theory import Profile, choose

MILLION = Path(__file__).parents[1] / "examples" / "sweeps" / "thresholds.toml"
ONE_IN = 100
"""The loop computes one threshold in so many, and its time is multiplied."""
TASKS = 1000
CHUNKS = 8
CHUNK_SECONDS = 1.0


def timed(call: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def million_thresholds() -> Row:
    """Against the loop that everybody would write: one threshold after the other, into a CSV file."""

    def loop(path: Path) -> None:
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            for minority in range(2, 1002, ONE_IN):
                for step in range(1000):
                    energy = 0.01 + 9.99 * step / 999
                    writer.writerow([minority, energy, collapse_threshold(100, minority, feature_energy=energy, digits=15).value])

    with tempfile.TemporaryDirectory() as folder:
        ours = timed(lambda: sweep(MILLION, Path(folder) / "million.sqlite", workers=2))
        other = ONE_IN * timed(lambda: loop(Path(folder) / "loop.csv"))
    return Row(
        name="a million thresholds by sweep, two workers, stored",
        seconds=ours,
        against="a loop over collapse_threshold into a CSV file",
        against_seconds=other,
        ratio=other / ours,
        target="at most 10 s",
        met=ours <= 10.0,
    )


def run_all(executor: Executor, tasks: list[Task]) -> float:
    """Wall time of all tasks on an executor that stands already."""
    return timed(lambda: run_tasks(iter(tasks), executor, lambda _: []))


def trivial() -> list[Task]:
    """Tasks whose cost is that of running them."""
    return [Task(key=str(number), function=nothing, arguments=(number,)) for number in range(TASKS)]


def cost_on_a_pool() -> Row:
    """Of a task that does nothing, against this process."""
    pool, here = run_all(Pool(2), trivial()), run_all(InProcess(), trivial())
    return cost("a task on a pool of two processes", pool / TASKS, here / TASKS, most=2e-3)


def cost(name: str, each: float, here: float, *, most: float) -> Row:
    """Seconds of a task that does nothing."""
    return Row(
        name=name,
        seconds=each,
        against="the same in this process",
        against_seconds=here,
        ratio=here / each,
        target=f"below {1e3 * most:g} ms",
        met=each < most,
    )


@contextmanager
def cluster() -> Generator[Path]:
    """The scheduler file of a scheduler with two worker processes on the loopback."""
    dask = [sys.executable, "-m", "dask"]
    place = ["--no-dashboard", "--host", "127.0.0.1"]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "scheduler.json"
        at = ["--scheduler-file", str(file)]
        started = [start([*dask, "scheduler", *at, "--port", "0", *place])]
        try:
            while not file.exists():
                time.sleep(0.1)
            started += [start([*dask, "worker", *at, "--nthreads", "1", "--no-nanny", *place]) for _ in range(2)]
            wait_for_workers(file, 2)
            yield file
        finally:
            for process in reversed(started):
                process.kill()
                process.wait()


def start(command: list[str]) -> "subprocess.Popen[bytes]":
    """A process that finds this package, and says nothing."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - dask's own


def wait_for_workers(file: Path, number: int) -> None:
    """Until so many workers have come."""
    from distributed import Client

    with Client(scheduler_file=str(file), set_as_default=False) as client:
        client.wait_for_workers(number, timeout=60)


def cost_on_a_cluster() -> Row:
    """Of a task that does nothing, against this process."""
    with cluster() as file:
        there = run_all(Cluster(scheduler_file=file), trivial())
    return cost("a task on a dask cluster of two processes", there / TASKS, run_all(InProcess(), trivial()) / TASKS, most=5e-3)


def two_workers_against_one() -> Row:
    """On chunks of one second of arithmetic."""
    tasks = [Task(key=str(number), function=busy, arguments=(CHUNK_SECONDS,)) for number in range(CHUNKS)]
    two, one = run_all(Pool(2), tasks), run_all(Pool(1), tasks)
    return speed_up(f"{CHUNKS} chunks of {CHUNK_SECONDS:g} s, two workers", two, one, least=1.8)


def speed_up(name: str, two: float, one: float, *, least: float) -> Row:
    """Two workers against one."""
    return Row(
        name=name,
        seconds=two,
        against="one worker",
        against_seconds=one,
        ratio=one / two,
        target=f"at least {least:g} times",
        met=one / two >= least,
    )


def check_with_two_workers() -> Row:
    """All rooms of one family, start of the processes included."""
    rooms = choose((), "layer-peeled")
    run = functools.partial(run_rooms, rooms, profile=Profile.QUICK, seed=0, finished=lambda *_: None)
    return speed_up("check, the layer-peeled rooms, two workers", timed(lambda: run(workers=2)), timed(lambda: run(workers=1)), least=1.6)


ROWS = (million_thresholds, cost_on_a_pool, cost_on_a_cluster, two_workers_against_one, check_with_two_workers)
