"""What is run somewhere, how it ended, and what a place is that runs it; this process is the plainest."""

import os
import socket
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from layerpeel.numerics import UnusableInput

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


def outcome_of(task: Task, answer: tuple[bool, Any, float, str]) -> Outcome:
    """What the answer of `called` says of a task."""
    good, value, seconds, worker = answer
    if good:
        return Outcome(task=task, state="done", value=value, seconds=seconds, worker=worker)
    return Outcome(task=task, state="failed", error=value, message=sentence(value), seconds=seconds, worker=worker)


def sentence(error: BaseException) -> str:
    """What was raised, on one line; a refusal is a sentence already."""
    text = " ".join(str(error).split())
    return text if isinstance(error, UnusableInput) else f"{type(error).__name__}: {text}"


def late(task: Task) -> str:
    """Why a task whose time was up is not done."""
    return f"it took more than {task.time_limit:g} seconds"


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
        return outcome_of(task, called(task.function, task.arguments))

    def close(self) -> None:
        """Forget what waits."""
        self._waiting.clear()
