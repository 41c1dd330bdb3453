"""Where tasks run: in this process, in a pool of processes here, or on a dask cluster; tasks in, outcomes out."""

import os
import queue
import re
import signal
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context, resource_tracker
from pathlib import Path
from typing import Any, Literal, Protocol
from uuid import uuid4

from layerpeel.environment import versions
from layerpeel.numerics import UnusableInput, shown
from layerpeel.pages.stopping import SystemRefused

WATCHED = 0.5
"""Seconds between two looks of a worker at whether its parent lives."""

ANSWER_SECONDS = 10.0
"""A scheduler that does not answer for so long is not there."""

START_SECONDS = 120.0
"""A process that takes longer to start will not start."""

ADDRESS = re.compile(r"(tcp|tls|ucx|ws|wss)://.+:\d+")
"""What a scheduler is reached at."""

OVERDUE = 120.0
"""A pool in which tasks wait beside idle processes, and none ends for so many seconds, has lost them."""

FRUITLESS = 10
"""Pools in a row that may die between tasks."""

DIED = "the process that ran it died (out of memory, or killed)"


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is run somewhere.

    Args:
        key: unlike that of every other task of this run.
        function: importable where it runs.
        arguments: what can be sent there.
        time_limit: seconds from its start, or None.
    """

    key: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    time_limit: float | None = None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a task ended.

    Args:
        task: the one.
        state: "done", "failed" (it raised) or "lost" (its process died, or its time was up).
        value: what it returned.
        error: what it raised, where it could be sent back.
        message: why it is not done.
        seconds: it ran.
        worker: host and process.
    """

    task: Task
    state: Literal["done", "failed", "lost"]
    value: Any = None
    error: Exception | None = None
    message: str = ""
    seconds: float = 0.0
    worker: str = ""


class Executor(Protocol):
    """Somewhere to run tasks."""

    width: int
    """How many tasks run at once."""

    def submit(self, task: Task) -> None:
        """Have a task run."""
        ...

    def completed(self, timeout: float) -> Outcome | None:
        """The next task that ended, or None when none did in so many seconds."""
        ...

    def close(self) -> None:
        """Stop whatever runs, and let go of all processes."""
        ...


def called(function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[bool, Any, float, str]:
    """Runs where the task runs: whether it succeeded, what it returned or raised, its seconds, and where that was."""
    started = time.perf_counter()
    try:
        good, value = True, function(*arguments)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a task raises is its outcome
        good, value = False, error if isinstance(error, Exception) else RuntimeError(sentence(error))
    return good, value, time.perf_counter() - started, f"{socket.gethostname()}:{os.getpid()}"


def _begun_on_worker(topic: str, key: str, function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[bool, Any, float, str]:
    """Runs on a worker of a cluster: says that the task has begun, since it may have waited there behind others in any order."""
    from distributed import get_worker

    worker = get_worker()
    worker.log_event(topic, [key, worker.address])
    return called(function, arguments)


def _outcome(task: Task, answer: tuple[bool, Any, float, str]) -> Outcome:
    good, value, seconds, worker = answer
    if good:
        return Outcome(task=task, state="done", value=value, seconds=seconds, worker=worker)
    return Outcome(task=task, state="failed", error=value, message=sentence(value), seconds=seconds, worker=worker)


def sentence(error: BaseException) -> str:
    """What was raised, on one line; a refusal is a sentence already."""
    text = " ".join(str(error).split())
    return text if isinstance(error, UnusableInput) else f"{type(error).__name__}: {text}"


class InProcess:
    """One task after the other, in this process; time limits are not kept, since nothing can stop it."""

    width = 1

    def __init__(self) -> None:
        self._waiting: deque[Task] = deque()

    def submit(self, task: Task) -> None:
        """Have a task run when the next one is asked for."""
        self._waiting.append(task)

    def completed(self, timeout: float) -> Outcome | None:
        """Run the next task."""
        if not self._waiting:
            return None
        task = self._waiting.popleft()
        return _outcome(task, called(task.function, task.arguments))

    def close(self) -> None:
        """Forget what waits."""
        self._waiting.clear()


class Pool:
    """Processes of this machine. A dead one, or one whose time is up, costs its own task and nothing else; all end with their parent.

    Args:
        workers: how many.

    Raises:
        SystemRefused: when no process can be started.
    """

    def __init__(self, workers: int) -> None:
        self.width = workers
        self._under_way: dict[str, Task] = {}
        self._futures: dict[str, Any] = {}
        self._outcomes: queue.SimpleQueue[tuple[Task, Any]] = queue.SimpleQueue()
        self._fruitless = 0
        self._overdue: set[str] = set()
        try:
            self._start()
        except BrokenProcessPool as error:
            raise SystemRefused(
                'processes end as soon as they are started: a script calls what starts them under `if __name__ == "__main__":`; or run in '
                "this one with workers=1."
            ) from error

    def _start(self) -> None:
        from pebble import ProcessPool

        try:
            self._pool = ProcessPool(self.width, initializer=begin_worker, initargs=(os.getpid(),), context=get_context("spawn"))  # pyright: ignore[reportArgumentType]
            with _interrupts_held():
                first = self._pool.schedule(begun)
            first.result(timeout=START_SECONDS)
            self._moved = time.monotonic()
        except (OSError, ImportError, NotImplementedError, TimeoutError) as error:
            raise SystemRefused(
                f"processes cannot be started ({error}): they need shared memory (/dev/shm); run in this one with workers=1."
            ) from error
        except BaseException:  # an interrupt, or a process that died: whoever asked for the pool never gets it, and cannot close it
            self.close()
            raise

    def submit(self, task: Task) -> None:
        """Have a task run when a process is free."""
        self._under_way[task.key] = task
        try:
            self._schedule(task)
        except RuntimeError:  # an idle process died, and pebble gave the pool up
            self._again()

    def _schedule(self, task: Task) -> None:
        future = self._futures[task.key] = self._pool.schedule(called, args=(task.function, task.arguments), timeout=task.time_limit)
        future.add_done_callback(lambda ended: self._outcomes.put((task, ended)))

    def completed(self, timeout: float) -> Outcome | None:
        """The next task that ended."""
        from pebble import ProcessExpired

        try:
            task, ended = self._outcomes.get(timeout=timeout)
        except queue.Empty:
            return self._overlooked()
        if self._futures.get(task.key) is not ended:
            return None  # it was given up meanwhile, or its pool was
        if ended.cancelled() or isinstance(error := ended.exception(), BrokenProcessPool):  # a process died between two tasks
            self._again()
            return None
        if error is None:
            outcome = _outcome(task, ended.result())
        elif isinstance(error, TimeoutError):
            outcome = Outcome(task=task, state="lost", message=_late(task))
        elif isinstance(error, ProcessExpired):
            outcome = Outcome(task=task, state="lost", message=f"{DIED}, exit status {error.exitcode}")
        else:  # what a task returned or raised cannot be sent
            given = error if isinstance(error, Exception) else RuntimeError(sentence(error))
            outcome = Outcome(task=task, state="failed", error=given, message=sentence(error))
        return self._settled(outcome)

    def _settled(self, outcome: Outcome) -> Outcome:
        self._fruitless, self._moved = 0, time.monotonic()
        del self._under_way[outcome.task.key], self._futures[outcome.task.key]
        return outcome

    def _overlooked(self) -> Outcome | None:
        """A task that pebble would wait for in vain.

        Pebble looks up what a dead process ran when it finds it dead: where the process died before its word that it had taken the task was
        read, nobody looks again. And one that is killed while it holds the lock of the channel leaves the others waiting for it.
        """
        manager = self._pool._pool_manager  # noqa: SLF001 - only there is it known who runs what
        living, known = set(manager.worker_manager.workers), list(manager.task_manager.tasks.values())
        orphans = {id(each.future) for each in known if each.started and each.worker_id not in living}
        overdue = {key for key, future in self._futures.items() if id(future) in orphans and not future.done()}
        gone, self._overdue = overdue & self._overdue, overdue  # seen twice: pebble may be about to say so itself
        if gone:
            return self._settled(Outcome(task=self._under_way[min(gone)], state="lost", message=DIED))
        running = sum(bool(each.started) for each in known)
        if len(known) > running < self.width and time.monotonic() - self._moved > OVERDUE:
            self._again()
        return None

    def _again(self) -> None:
        """A new pool for the tasks of the broken one, none of which is to blame."""
        while True:
            self._fruitless += 1
            if self._fruitless > FRUITLESS:
                raise SystemRefused(f"{FRUITLESS} pools of processes died before they ended a task: use fewer workers, or more memory.")
            self.close()
            with suppress(BrokenProcessPool):  # killed while it starts
                self._start()
                break
        for task in self._under_way.values():
            before = self._futures.get(task.key)
            if before is None or not before.done() or before.cancelled() or before.exception() is not None:  # else it waits to be noted
                self._schedule(task)

    def close(self) -> None:
        """Stop all processes."""
        self._pool.stop()
        self._pool.join()


@contextmanager
def _interrupts_held() -> Generator[None]:
    """What is begun here never sees SIGINT: it reaches all processes of a terminal, and one that is still importing would say so."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # or the first process starts it, and unblocks SIGINT when it has
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def begin_worker(parent: int) -> None:
    """Runs first in every process of a pool: the terminal's interrupt is the parent's affair, and the process ends when its parent does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WATCHED)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def begun() -> None:
    """A task that shows that processes can be started."""


def _late(task: Task) -> str:
    return f"it took more than {task.time_limit:g} seconds"


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
        found: Any = self._client.run(versions, on_error="return")  # a client that is not asynchronous answers at once
        for worker, there in found.items():
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
            return _outcome(task, future.result())
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
                return Outcome(task=task, state="lost", message=_late(task))
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


def executor_for(*, workers: int, scheduler: str | None = None, scheduler_file: Path | None = None, limited: bool = False) -> Executor:
    """Where tasks are to run.

    Args:
        workers: processes of this machine; 1 stays in this one, unless tasks have a time limit.
        scheduler: address of a dask scheduler, instead.
        scheduler_file: file that names one, instead.
        limited: tasks have a time limit, and are run where they can be ended.
    """
    if scheduler is not None or scheduler_file is not None:
        return Cluster(scheduler, scheduler_file=scheduler_file)
    return InProcess() if workers <= 1 and not limited else Pool(workers)
