"""How a run ends before its time: what the system refuses, and one word and the exit status of a signal."""

import signal
import sys
import time
from contextlib import suppress
from types import FrameType


class SystemRefused(Exception):
    """What was asked for is in order, and the system does not allow it now: full disk, closed output, no shared memory, no scheduler."""


INTERRUPTED = 130
"""128 + SIGINT."""
TERMINATED = 143
"""128 + SIGTERM."""
WINDING_UP = 5.0
"""Seconds after SIGTERM in which another one is the same."""


class Terminated(KeyboardInterrupt):
    """SIGTERM arrived: whatever winds up after an interrupt winds up after this too."""


class _Ending:
    """The signal that ended the run, and whether that was said: typer turns every interrupt into one and the same status."""

    status = INTERRUPTED
    terminated = 0.0
    said = False


def catch_termination() -> None:
    """From now on SIGTERM interrupts as SIGINT does, so that nothing half-written is left behind."""
    with suppress(ValueError):  # not in the main thread: signals are someone else's
        signal.signal(signal.SIGTERM, _terminate)


def _terminate(_number: int, _frame: FrameType | None) -> None:
    now = time.monotonic()
    if _Ending.status == TERMINATED and now - _Ending.terminated < WINDING_UP:
        return  # `timeout` sends it to its command, and then to all processes of its group, the command among them
    _Ending.status, _Ending.terminated = TERMINATED, now
    raise Terminated


def say_interrupted(more: str = "") -> int:
    """Say on standard error that the run was stopped, once, and return its exit status: 130, or 143 after SIGTERM."""
    word = "terminated" if _Ending.status == TERMINATED else "interrupted"
    if not _Ending.said:
        with suppress(OSError, AttributeError):  # standard error may be full or closed
            sys.stderr.write(f"layerpeel: {word}{more}\n")
            sys.stderr.flush()
    _Ending.said = True
    return _Ending.status


def answered(status: int) -> int:
    """The exit status of a command, after a word on its interruption if nothing was said yet."""
    if status not in {INTERRUPTED, TERMINATED}:
        return status
    status = say_interrupted()
    _Ending.status, _Ending.said = INTERRUPTED, False
    return status
