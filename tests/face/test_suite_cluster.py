"""check and train on a dask cluster, and on clusters that are not there, have no workers or unlike ones."""

import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from layerpeel.networks.run_directory import _units_here, run_unit
from layerpeel.pages.stopping import SystemRefused
from layerpeel.sweeps.cluster import Cluster
from layerpeel.sweeps.pool import Pool
from layerpeel.sweeps.sweep import sweep
from layerpeel.sweeps.tasks import Executor, InProcess, Task

pytest.importorskip("distributed", reason="needs the extra `cluster`")

pytestmark = pytest.mark.slow

ROOMS = ["energy-product", "balanced-etf", "largest-equal-angle"]

PATIENCE = 300.0
"""Seconds that a busy machine may take for what takes ten."""


def wait(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.1)


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", **more}


@contextmanager
def dask(*arguments: str, **more: str) -> Generator[None]:
    """A process of a cluster on this machine, killed at the end."""
    command = [sys.executable, "-m", "dask", *arguments, "--host", "127.0.0.1", "--no-dashboard"]
    process = subprocess.Popen(command, env=environment(**more), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Generator[Path]:
    """The file of a scheduler without workers."""
    file = tmp_path_factory.mktemp("scheduler") / "scheduler.json"
    with dask("scheduler", "--scheduler-file", str(file), "--port", "0"):
        wait(file.exists)
        yield file


@contextmanager
def workers(scheduler: Path, *, number: int = 1, threads: int = 1, leave: bool = True, nanny: bool = False, **more: str) -> Generator[None]:
    """Workers of it, from when they are known to it until they are forgotten, unless they need not leave before it does."""
    from distributed import Client

    with Client(scheduler_file=str(scheduler), set_as_default=False) as client:

        def known() -> int:
            found: Any = client.scheduler_info(n_workers=-1)
            return len(found["workers"])

        arguments = ("worker", "--scheduler-file", str(scheduler), "--nthreads", f"{threads}", "--nanny" if nanny else "--no-nanny")
        with ExitStack() as started:
            for _ in range(number):
                started.enter_context(dask(*arguments, **more))
            wait(lambda: known() == number)
            yield
        if leave:
            wait(lambda: known() == 0)


def command(*arguments: str) -> "subprocess.CompletedProcess[str]":
    given: dict[str, Any] = {"capture_output": True, "text": True, "timeout": PATIENCE}
    return subprocess.run([sys.executable, "-m", "layerpeel", *arguments], env=environment(), check=False, **given)


def refused(*arguments: str) -> str:
    """Exit status 3, and one sentence."""
    found = command(*arguments)
    assert (found.returncode, found.stdout, found.stderr.count("\n")) == (3, "", 1), found.stderr
    return found.stderr


def report(*arguments: str) -> dict[str, Any]:
    found = command("check", *ROOMS, "--json", *arguments)
    assert (found.returncode, found.stderr) == (0, ""), found.stderr
    made = json.loads(found.stdout)
    made["environment"].pop("created")
    for room in made["rooms"]:
        for check in room["checks"]:
            check.pop("seconds")
    return made


TOGETHER = {"majority": [3, 5], "minority": 5, "feature_energy": {"geometric": [0.5, 20, 7]}}
QUANTITIES: dict[str, dict[str, Any]] = {
    "threshold": TOGETHER,
    "solve": {**TOGETHER, "imbalance": [2, 50]},
    "minority-cosine": {**TOGETHER, "imbalance": [2, 50]},
    "remedy": {**TOGETHER, "imbalance": 50},
    "separation-probability": {"constant": [1.0, 3.0], "exponent": 1.0, "time": 100.0, "samples": 5, "features": 2, "paths": 50},
    "check:largest-equal-angle": {"seed": [0, 1]},
    "train:unconstrained": {"imbalance": [1, 3], "steps": 50},
}
"""Every quantity, drawn ones among them, over a few points."""


def values(store: Path) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(store)
    try:
        return connection.execute("SELECT * FROM value WHERE name != 'seconds' ORDER BY 1, 2").fetchall()
    finally:
        connection.close()


def test_every_quantity_has_the_same_bits_here_in_a_pool_and_on_a_cluster(
    scheduler: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("layerpeel.sweeps.sweep.BATCH", 5)  # several chunks of what is computed together
    with workers(scheduler, number=2):
        for name, axes in QUANTITIES.items():
            if name.startswith("train:") and find_spec("torch") is None:
                continue  # the extra `train`
            spec = {"sweep": {"quantity": name}, "axes": axes, "run": {"repeats": 2}}
            found = {
                place: sweep(spec, tmp_path / f"{name}-{place}.sqlite", **options)
                for place, options in {"here": {"workers": 1}, "pool": {"workers": 2}, "cluster": {"scheduler_file": scheduler}}.items()
            }
            assert {place: each.done == each.points > 0 for place, each in found.items()} == dict.fromkeys(found, True), name
            here, pool, cluster = (values(Path(each.store)) for each in found.values())
            assert here == pool == cluster, name
            assert here, name


def test_a_scheduler_that_is_not_there_is_named_with_the_two_commands_that_start_one(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and never answers
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        began = time.monotonic()
        with ThreadPoolExecutor(2) as both:  # each waits for ten seconds
            asked = [("check", *ROOMS, "--scheduler", address)]
            asked += [("train", "separation", "--scheduler", address)] * (find_spec("torch") is not None)
            answers = list(both.map(lambda arguments: refused(*arguments), asked))
        for said in answers:
            assert f"no scheduler answers at {address} within 10 s" in said
            assert "`dask scheduler --port 8786`" in said
            assert "`dask worker tcp://HOST:8786" in said
        assert time.monotonic() - began < PATIENCE
    missing = refused("check", *ROOMS, "--scheduler-file", str(tmp_path / "no-file"))
    assert "no-file does not exist" in missing
    assert not Path("runs").exists()


def test_a_scheduler_without_workers_is_refused(scheduler: Path) -> None:
    assert "has no workers" in refused("check", *ROOMS, "--scheduler-file", str(scheduler))


def test_workers_without_the_package_are_refused(scheduler: Path, tmp_path: Path) -> None:
    (tmp_path / "layerpeel.py").write_text("raise ModuleNotFoundError('No module named layerpeel', name='layerpeel')")
    with workers(scheduler, PYTHONPATH=str(tmp_path)):
        said = refused("check", *ROOMS, "--scheduler-file", str(scheduler))
    assert "has no layerpeel of this version" in said
    assert "install the same everywhere" in said


def test_workers_with_another_version_are_refused(scheduler: Path, tmp_path: Path) -> None:
    other = tmp_path / "layerpeel-0.0.1.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: layerpeel\nVersion: 0.0.1\n")
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    with workers(scheduler, PYTHONPATH=path):
        said = refused("check", *ROOMS, "--scheduler-file", str(scheduler))
    assert "has other versions (layerpeel 0.0.1 there," in said


def test_workers_of_several_threads_are_refused(scheduler: Path) -> None:
    with workers(scheduler, threads=2):
        assert "--nthreads 1" in refused("check", *ROOMS, "--scheduler-file", str(scheduler))


def test_rooms_and_units_come_out_the_same_on_a_cluster_in_a_pool_and_here(scheduler: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs the extra `train`")
    with workers(scheduler, number=2):
        assert report("--scheduler-file", str(scheduler)) == report("--workers", "2") == report("--workers", "1")
        places = [(lambda: Cluster(scheduler_file=scheduler)), (lambda: Pool(2)), InProcess]
        cluster, pool, here = (arrays_of(make()) for make in places)
    assert cluster == pool == here


def arrays_of(executor: Executor) -> dict[str, dict[str, bytes]]:
    """What two units come to there, to the last bit."""
    from layerpeel.gpu_train.experiments import Plan, one_thread

    one_thread()
    _units_here.cache_clear()
    found: dict[str, dict[str, bytes]] = {}
    try:
        for name in ("ratio-1-trial-0", "ratio-30-trial-2"):
            arguments = "unconstrained", Plan(), None, 1, name, Path("/nowhere/units/of-no-run.checkpoint")
            executor.submit(Task(key=name, function=run_unit, arguments=arguments))
        end = time.monotonic() + PATIENCE
        while len(found) < 2 and time.monotonic() < end:
            outcome = executor.completed(1.0)
            if outcome is not None:
                assert outcome.state == "done", outcome.message
                found[outcome.task.key] = {array: value.tobytes() for array, value in outcome.value.items()}
    finally:
        executor.close()
    return found


def test_two_coordinators_on_one_scheduler_do_not_take_each_others_results(scheduler: Path) -> None:
    with workers(scheduler), closing(Cluster(scheduler_file=scheduler)) as one, closing(Cluster(scheduler_file=scheduler)) as other:
        for cluster, number in ((one, -1), (other, -2)):
            cluster.submit(Task(key="1", function=abs, arguments=(number,)))
        ended = [cluster.completed(PATIENCE) for cluster in (one, other)]
    assert [outcome and outcome.value for outcome in ended] == [1, 2]


def test_a_task_that_waits_behind_another_is_not_late(scheduler: Path) -> None:
    with workers(scheduler), closing(Cluster(scheduler_file=scheduler)) as cluster:
        for key in ("a", "b"):
            cluster.submit(Task(key=key, function=time.sleep, arguments=(10.0,), time_limit=16.0))
        ended = [cluster.completed(PATIENCE) for _ in range(2)]
    assert [outcome and outcome.state for outcome in ended] == ["done", "done"]


def test_a_task_that_hangs_is_given_up_and_its_worker_begins_anew(scheduler: Path) -> None:
    with workers(scheduler, nanny=True), closing(Cluster(scheduler_file=scheduler)) as cluster:
        cluster.submit(Task(key="hangs", function=time.sleep, arguments=(10 * PATIENCE,), time_limit=1.0))
        late = cluster.completed(PATIENCE)
        cluster.submit(Task(key="waits", function=abs, arguments=(-1,)))
        after = cluster.completed(PATIENCE)
    assert late is not None
    assert (late.task.key, late.state, late.message) == ("hangs", "lost", "it took more than 1 seconds")
    assert after is not None
    assert (after.state, after.value) == ("done", 1)


def test_a_scheduler_that_goes_is_no_tasks_fault(tmp_path: Path) -> None:
    file = tmp_path / "scheduler.json"
    with ExitStack() as there:
        started = there.enter_context(ExitStack())
        started.enter_context(dask("scheduler", "--scheduler-file", str(file), "--port", "0"))
        wait(file.exists)
        with workers(file, leave=False):
            cluster = there.enter_context(closing(Cluster(scheduler_file=file)))
            cluster.submit(Task(key="a", function=time.sleep, arguments=(600.0,)))
            started.close()
            with pytest.raises(SystemRefused, match="is gone: what is done so far stays"):
                cluster.completed(PATIENCE)
