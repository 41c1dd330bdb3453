"""Workers of a dask scheduler that tasks run on."""

import queue
import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from layerpeel.environment import versions
from layerpeel.numerics import UnusableInput, shown
from layerpeel.pages.stopping import SystemRefused
from layerpeel.sweeps.tasks import DIED, Outcome, Task, called, late, outcome_of, sentence

ANSWER_SECONDS = 10.0
"""A scheduler that does not answer for so long is not there."""

ADDRESS = re.compile(r"(tcp|tls|ucx|ws|wss)://.+:\d+")
"""What a scheduler is reached at."""


class Cluster:
    """Workers of a dask scheduler, on other machines or here.

    Args:
        address: tcp://HOST:PORT of the scheduler; or its scheduler file.

    Raises:
        UnusableInput: when distributed is not installed.
        SystemRefused: when the scheduler does not answer, has no workers, or they run other versions.
    """

    def __init__(self, address: str | None = None, *, scheduler_file: Path | None = None) -> None:
        try:
            from distributed import Client
        except ImportError as error:
            raise UnusableInput("a scheduler needs distributed, which is not installed; pip install 'layerpeel[cluster]'.") from error
        where = self._where = str(address or scheduler_file)
        how = (
            "start one with `dask scheduler --port 8786`, and `dask worker tcp://HOST:8786 --nworkers 2 --nthreads 1` on each machine, "
            "where layerpeel is installed"
        )
        if scheduler_file is not None and not scheduler_file.exists():
            raise SystemRefused(f"{scheduler_file} does not exist: `dask scheduler --scheduler-file FILE` writes it; {how}.")
        if address is not None and not ADDRESS.fullmatch(address):
            raise UnusableInput(f"the scheduler's address is {shown(address)}: it must be tcp://HOST:PORT; correct it.")
        try:
            place: dict[str, Any] = {"address": address} if address is not None else {"scheduler_file": str(scheduler_file)}
            self._client = Client(**place, timeout=ANSWER_SECONDS, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise SystemRefused(f"no scheduler answers at {where} within {ANSWER_SECONDS:g} s: {how}.") from error
        try:
            self._require_workers(where, how)
        except BaseException:
            self._client.close()
            raise
        self._futures: dict[str, tuple[Task, Any]] = {}
        self._begun: dict[str, tuple[float, str]] = {}  # when and where tasks with a time limit began, by their key on the scheduler
        self._outcomes: queue.SimpleQueue[tuple[Task, Any]] = queue.SimpleQueue()
        self._name, self._submitted = f"layerpeel-{uuid4().hex}", 0  # keys are the scheduler's, and others may compute there too
        self._client.subscribe_topic(self._name, self._note_begun)

    def _require_workers(self, where: str, how: str) -> None:
        known: Any = self._client.scheduler_info(n_workers=-1)
        workers = known["workers"]
        if not workers:
            raise SystemRefused(f"the scheduler at {where} has no workers: {how}.")
        try:
            self._client.get_versions(check=True)
        except (ValueError, ImportError) as error:
            raise SystemRefused(
                f"the scheduler at {where} or its workers run other versions ({' '.join(str(error).split())}): install the same everywhere."
            ) from error
        here = versions()
        answers: Any = self._client.run(versions, on_error="return")  # a client that is not asynchronous answers at once
        for worker, there in answers.items():
            if not isinstance(there, dict):
                raise SystemRefused(f"worker {worker} has no layerpeel of this version ({sentence(there)}): install the same everywhere.")
            if there != here:
                names = [name for name in {**here, **there} if here.get(name) != there.get(name)]
                told = ", ".join(f"{name} {there.get(name, 'not at all')} there, {here.get(name, 'not at all')} here" for name in names)
                raise SystemRefused(f"worker {worker} has other versions ({told}): install the same everywhere.")
        for worker, each in workers.items():
            if each["nthreads"] > 1:
                raise SystemRefused(
                    f"worker {worker} runs {each['nthreads']} tasks at once in one process, where ball arithmetic has one precision for "
                    "all: start it with --nthreads 1, and as many as there are processors with --nworkers."
                )
        self.width = len(workers)

    def submit(self, task: Task) -> None:
        """Have a task run on any worker."""
        self._require_scheduler()
        self._submitted += 1
        key = f"{self._name}-{self._submitted}"
        limited = () if task.time_limit is None else (self._name, key)
        function = called if task.time_limit is None else _begun_on_worker
        future = self._client.submit(function, *limited, task.function, task.arguments, key=key, pure=False, retries=0)
        self._futures[task.key] = task, future
        future.add_done_callback(lambda ended: self._outcomes.put((task, ended)))

    def completed(self, timeout: float) -> Outcome | None:
        """The next task that ended; what it returned is not kept on the cluster."""
        end = time.monotonic() + timeout
        while True:
            try:
                task, future = self._outcomes.get(timeout=max(0.0, min(0.25, end - time.monotonic())))
            except queue.Empty:
                self._require_scheduler()
                late = self._late()
                if late is not None or time.monotonic() >= end:
                    return late
                continue
            known = self._futures.get(task.key)
            if known is None or known[1] is not future:
                continue  # it was given up meanwhile
            del self._futures[task.key]
            self._begun.pop(future.key, None)
            return self._ended(task, future)

    def _note_begun(self, event: tuple[float, tuple[str, str]]) -> None:
        """Runs in the client's own thread; a task whose worker died begins again elsewhere, and has its whole time again."""
        key, worker = event[1]
        self._begun[key] = time.monotonic(), worker

    def _require_scheduler(self) -> None:
        if self._client.status != "running":
            raise SystemRefused(
                f"the scheduler at {self._where} is gone: what is done so far stays; start it, and run the same command again."
            )

    def _ended(self, task: Task, future: Any) -> Outcome:
        try:
            return outcome_of(task, future.result())
        except Exception as error:  # noqa: BLE001 - the worker died, or what the task returned cannot be sent
            if type(error).__name__ in {
                "KilledWorker",
                "CancelledError",
                "FutureCancelledError",
                "FuturesCancelledError",
                "CommClosedError",
            }:
                self._require_scheduler()  # or it is the scheduler that died, and all tasks end so
                return Outcome(task=task, state="lost", message=DIED)
            return Outcome(task=task, state="failed", error=error, message=sentence(error))
        finally:
            future.release()

    def _late(self) -> Outcome | None:
        """A task whose time is up is given up, and its worker's process started anew, since a thread cannot be stopped."""
        now = time.monotonic()
        for key, (task, future) in self._futures.items():
            if task.time_limit is None or future.key not in self._begun:
                continue
            since, worker = self._begun[future.key]
            if now - since > task.time_limit:
                del self._futures[key], self._begun[future.key]
                future.cancel()
                threading.Thread(target=self._restart, args=(worker,), daemon=True).start()
                return Outcome(task=task, state="lost", message=late(task))
        return None

    def _restart(self, worker: str) -> None:
        with suppress(Exception):  # it has no nanny, and goes on for nothing until the task ends; or it has gone, or the scheduler has
            self._client.restart_workers([worker], raise_for_error=False)

    def close(self) -> None:
        """Take back what waits, and leave the cluster as it was."""
        with suppress(Exception):  # the scheduler may be gone
            self._client.cancel([future for _, future in self._futures.values()])
        with suppress(Exception):
            self._client.close(timeout=5)


def _begun_on_worker(topic: str, key: str, function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[bool, Any, float, str]:
    """Runs on a worker of a cluster: says that the task has begun, since it may have waited there behind others in any order."""
    from distributed import get_worker

    worker = get_worker()
    worker.log_event(topic, [key, worker.address])
    return called(function, arguments)
