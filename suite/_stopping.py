"""How a run ends that someone stops: one word, and the exit status of the signal."""

import signal
import sys
from contextlib import suppress
from types import FrameType

INTERRUPTED = 130
"""128 + SIGINT."""
TERMINATED = 143
"""128 + SIGTERM."""


class Terminated(KeyboardInterrupt):
    """SIGTERM arrived: whatever winds up after an interrupt winds up after this too."""


_ended_by = INTERRUPTED


def catch_termination() -> None:
    """From now on SIGTERM interrupts as SIGINT does, so that nothing half-written is left behind."""
    with suppress(ValueError):  # not in the main thread: signals are someone else's
        signal.signal(signal.SIGTERM, _terminate)


def _terminate(_number: int, _frame: FrameType | None) -> None:
    global _ended_by  # noqa: PLW0603 - typer turns every interrupt into one and the same Abort
    _ended_by = TERMINATED
    raise Terminated


def exit_status() -> int:
    """130 after an interrupt, 143 after SIGTERM.

    Example:
        >>> exit_status()
        130
    """
    return _ended_by


def say_interrupted(more: str = "") -> int:
    """Say so on standard error, and return the exit status."""
    word = "terminated" if _ended_by == TERMINATED else "interrupted"
    with suppress(OSError, AttributeError):  # standard error may be full or closed
        sys.stderr.write(f"layerpeel: {word}{more}\n")
        sys.stderr.flush()
    return _ended_by
