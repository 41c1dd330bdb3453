"""Side-by-side timings in one run: `make bench`, or `python -m benchmarks [--json]`.

Every row pairs a route with its alternative in turn (A B A B …) after a warm-up, and prints medians and the median of the ratios
pair by pair, so a machine whose speed drifts does not change the comparison. One BLAS thread.
"""

import os

for _variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

from solvers import LayerPeeled, bracket_threshold, solve
from theory import log_threshold_minus_one, log_thresholds_minus_one


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


def _time(call: Callable[[], object], calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - start) / calls


def _pair(
    ours: Callable[[], object], other: Callable[[], object], *, pairs: int, calls: int, other_calls: int = 1
) -> tuple[float, float, float]:
    """Medians of both sides and of other/ours, over pairs run in turn."""
    ours()
    other()
    times = [(_time(ours, calls), _time(other, other_calls)) for _ in range(pairs)]
    return (
        statistics.median(first for first, _ in times),
        statistics.median(second for _, second in times),
        statistics.median(second / first for first, second in times),
    )


def _solve_groups(groups: list[tuple[int, int]], feature_energy: float, route: str) -> Callable[[], object]:
    return lambda: solve(LayerPeeled.from_groups(groups, feature_energy=feature_energy), route=route)


def against_reference() -> Row:
    """One solve at K = 10, certificate included on both sides."""
    groups = [(5, 100), (5, 10)]
    ours, other, ratio = _pair(_solve_groups(groups, 5.0, "symmetric"), _solve_groups(groups, 5.0, "sdp"), pairs=15, calls=200)
    return Row(
        name="solve K = 10, symmetric",
        seconds=ours,
        against="semidefinite program (Clarabel)",
        against_seconds=other,
        ratio=ratio,
        target="≥ 500× faster",
        met=ratio >= 500,
    )


def across_sizes(phase: str, small: float, large: float) -> Row:
    """K = 10 against K = 10⁶ in the same phase: energies differ so that R = 10 falls in that phase at both sizes."""
    at_million, at_ten, ratio = _pair(
        _solve_groups([(500_000, 100), (500_000, 10)], large, "symmetric"),
        _solve_groups([(5, 100), (5, 10)], small, "symmetric"),
        pairs=15,
        calls=200,
        other_calls=200,
    )
    return Row(
        name=f"solve K = 1,000,000, {phase}",
        seconds=at_million,
        against=f"the same at K = 10, {phase}",
        against_seconds=at_ten,
        ratio=ratio,
        target="≤ 2× slower",
        met=ratio >= 0.5,
    )


def threshold_against_bisection() -> Row:
    """R0 by the closed form (about 1e-14) against certified bisection over semidefinite programs to 1e-4."""
    ours, other, ratio = _pair(
        lambda: log_threshold_minus_one(5, 5, feature_energy=5.0),
        lambda: bracket_threshold(5, 5, feature_energy=5.0, width=1e-4),
        pairs=5,
        calls=2000,
    )
    return Row(
        name="threshold R0, closed form",
        seconds=ours,
        against="bisection over semidefinite programs",
        against_seconds=other,
        ratio=ratio,
        target="≥ 100,000× faster",
        met=ratio >= 1e5,
    )


def batch_of_thresholds() -> Row:
    """R0 for 200,000 random (K_A, K_B, τ) in NumPy against one at a time in plain Python."""
    rng, size = np.random.default_rng(0), 200_000
    majority, minority = rng.integers(1, 50, size).astype(float), rng.integers(2, 50, size).astype(float)
    budget = (majority + minority) * 10 ** rng.uniform(-1.0, 1.5, size)
    energies = ((budget / (majority + minority)) ** 2).tolist()
    few = [(int(majority[i]), int(minority[i]), energies[i]) for i in range(500)]

    def one_by_one() -> None:
        for big, small, energy in few:
            log_threshold_minus_one(big, small, feature_energy=energy)

    ours, other, _ = _pair(lambda: log_thresholds_minus_one(majority, minority, budget), one_by_one, pairs=7, calls=1)
    per_threshold, per_single = ours / size, other / len(few)
    return Row(
        name=f"threshold R0 in a batch, {1 / per_threshold:,.0f} per second",
        seconds=per_threshold,
        against="one at a time, plain Python",
        against_seconds=per_single,
        ratio=per_single / per_threshold,
        target="≥ 500,000 per second",
        met=per_threshold <= 2e-6,
    )


def _human(seconds: float) -> str:
    for unit, scale in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * scale >= 1:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def main() -> None:
    """Run all comparisons and print them as a table, or as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Side-by-side timings in one run.")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    as_json = parser.parse_args().json
    rows: list[Row] = []
    if not as_json:
        print(f"Python {platform.python_version()}, NumPy {np.__version__}, one BLAS thread; medians of pairs run in turn\n")
        print(f"{'':46}{'median':>10}   {'against':38}{'median':>10}{'ratio':>12}   target")
    for job in (
        against_reference,
        lambda: across_sizes("distinct", 5.0, 400.0),
        lambda: across_sizes("collapsed or vanished", 1.0, 5.0),
        threshold_against_bisection,
        batch_of_thresholds,
    ):
        row = job()
        rows.append(row)
        if not as_json:
            print(
                f"{row.name:46}{_human(row.seconds):>10}   {row.against:38}{_human(row.against_seconds):>10}{row.ratio:>11,.3g}×   "
                f"{row.target}: {'met' if row.met else 'NOT MET'}",
                flush=True,
            )
    if as_json:
        print(json.dumps({"rows": [asdict(row) for row in rows]}, ensure_ascii=False, indent=2))


if __name__ == "__main__":
    main()
