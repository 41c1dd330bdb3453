"""Processes of this machine that tasks run in."""

import os
import queue
import signal
import threading
import time
from collections.abc import Generator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing import get_context, resource_tracker
from typing import Any

from layerpeel.pages.stopping import SystemRefused
from layerpeel.sweeps.tasks import DIED, Outcome, Task, called, late, outcome_of, sentence

WATCHED = 0.5
"""Seconds between two looks of a worker at whether its parent lives."""

START_SECONDS = 120.0
"""A process that takes longer to start will not start."""

OVERDUE = 120.0
"""A pool in which tasks wait beside idle processes, and none ends for so many seconds, has lost them."""

FRUITLESS = 10
"""Pools in a row that may die between tasks."""


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
            outcome = outcome_of(task, ended.result())
        elif isinstance(error, TimeoutError):
            outcome = Outcome(task=task, state="lost", message=late(task))
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
