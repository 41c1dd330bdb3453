"""What the benchmarks run in other processes; it imports nothing, so that no import is timed there."""

import time


def nothing(number: int) -> int:
    """A task that costs nothing."""
    return number


def busy(seconds: float) -> float:
    """Arithmetic for so long of this process's own time."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
    return seconds
