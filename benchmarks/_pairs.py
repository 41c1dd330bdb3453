"""How a comparison is timed: routes run in turn (A B A B …), medians, and the median of the ratios pair by pair."""

import re
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Row:
    """One comparison: seconds per call of both sides, how many times faster (or slower) the first is, and what is aimed at."""

    name: str
    seconds: float
    against: str
    against_seconds: float
    ratio: float
    target: str
    met: bool


@dataclass(frozen=True, kw_only=True)
class Growth:
    """Seconds by size for one route, and the exponent of a straight line through their logarithms."""

    route: str
    size: str
    seconds: dict[int, float]
    exponent: float


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Peak memory of one route by size, in megabytes beyond what stands there after the imports."""

    route: str
    size: str
    megabytes: dict[int, float]


def seconds_per_call(call: Callable[[], object], calls: int) -> float:
    """Mean wall time of one call over a run of calls."""
    start = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - start) / calls


def pair(
    ours: Callable[[], object], other: Callable[[], object], *, pairs: int, calls: int, other_calls: int = 1
) -> tuple[float, float, float]:
    """Medians of both sides and of other/ours, over pairs run in turn after one warm-up each."""
    ours()
    other()
    times = [(seconds_per_call(ours, calls), seconds_per_call(other, other_calls)) for _ in range(pairs)]
    return (
        statistics.median(first for first, _ in times),
        statistics.median(second for _, second in times),
        statistics.median(second / first for first, second in times),
    )


def grow(route: str, size: str, calls: dict[int, Callable[[], object]], repeats: int) -> Growth:
    """Time a route at several sizes (medians of three) and fit the exponent; `size` names what grows."""
    seconds = {at: statistics.median(seconds_per_call(call, repeats) for _ in range(3)) for at, call in calls.items()}
    slope = np.polyfit(np.log(list(seconds)), np.log(list(seconds.values())), 1)[0]
    return Growth(route=route, size=size, seconds=seconds, exponent=float(slope))


def peak_memory(route: str, size: str, call: Callable[[int], object], sizes: tuple[int, ...]) -> Memory:
    """Call a function of a module at several sizes, each in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as processes:
        return Memory(route=route, size=size, megabytes={at: processes.submit(_peak, call, at).result() for at in sizes})


def _peak(call: Callable[[int], object], size: int) -> float:
    """Megabytes by which a call raises the peak memory of its process."""
    before = _high_water()
    call(size)
    return _high_water() - before


def _high_water() -> float:
    """Peak memory of this process so far, in megabytes; on Linux `getrusage` would count what its parent had when it was started."""
    status = Path("/proc/self/status")
    if status.exists():
        return float(re.findall(r"VmHWM:\s*(\d+) kB", status.read_text())[0]) * 1e-3
    return getrusage(RUSAGE_SELF).ru_maxrss * (1e-6 if sys.platform == "darwin" else 1e-3)  # bytes there, else kilobytes
