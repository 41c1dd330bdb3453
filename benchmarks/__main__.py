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
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

from solvers import LayerPeeled, bracket_threshold, certify, solve
from solvers._sdp import solve_sdp
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


LONG_TAIL = 5_000_000
"""Largest count of the long-tailed instances: large enough that up to 500 classes at imbalance 100 have distinct counts."""


def long_tail(classes: int) -> LayerPeeled:
    """n_k = LONG_TAIL · 100^{−k/(K−1)}: all counts distinct, imbalance 100, E_H = 5."""
    return LayerPeeled(counts=[int(LONG_TAIL * 100 ** (-k / (classes - 1))) for k in range(classes)], feature_energy=5.0)


def arbitrary_counts(precision: float) -> Row:
    """K = 50 distinct counts: certified to 1e-6, against cvxpy and SCS at a precision that certifies less."""
    problem = long_tail(50)
    logits, _ = solve_sdp(problem, "scs", precision)
    theirs = certify(problem, logits).relative_gap
    ours, other, ratio = _pair(
        lambda: solve(problem, route="factored", tolerance=1e-6), lambda: solve_sdp(problem, "scs", precision), pairs=3, calls=5
    )
    return Row(
        name="solve K = 50 distinct counts, gap ≤ 1e-6",
        seconds=ours,
        against=f"cvxpy + SCS at {precision:g}, gap {theirs:.0e}",
        against_seconds=other,
        ratio=ratio,
        target="≥ 100× faster",
        met=ratio >= 100,
    )


def groups_against_distinct_counts() -> Row:
    """K = 200 in three groups, against the same counts jittered apart."""
    grouped = LayerPeeled.from_groups([(60, 100_000), (60, 20_000), (80, 2_000)], feature_energy=5.0)
    jittered = [100_000 + k for k in range(60)] + [20_000 + k for k in range(60)] + [2_000 + k for k in range(80)]
    apart = LayerPeeled(counts=jittered, feature_energy=5.0)
    ours, other, ratio = _pair(lambda: solve(grouped, tolerance=1e-6), lambda: solve(apart, tolerance=1e-6), pairs=3, calls=20)
    return Row(
        name="solve K = 200 in three groups",
        seconds=ours,
        against="200 counts, all distinct",
        against_seconds=other,
        ratio=ratio,
        target="faster",
        met=ratio > 1,
    )


@dataclass(frozen=True, kw_only=True)
class Growth:
    """Seconds by K for one route, and the exponent of a straight line through their logarithms."""

    route: str
    seconds: dict[int, float]
    exponent: float


def growth() -> list[Growth]:
    """How the cost of each route grows with the number of classes."""
    cases: list[tuple[str, dict[int, Callable[[], object]], int]] = [
        (
            "symmetric, two groups, distinct phase",
            {k: _solve_groups([(k // 2, 100), (k // 2, 90)], 400.0, "symmetric") for k in (10, 1_000, 100_000, 1_000_000)},
            200,
        ),
        (
            "factored, all counts distinct, gap ≤ 1e-6",
            {k: lambda k=k: solve(long_tail(k), route="factored", tolerance=1e-6) for k in (25, 50, 100, 200)},
            1,
        ),
        ("sdp (Clarabel), all counts distinct", {k: lambda k=k: solve(long_tail(k), route="sdp", tolerance=1e-6) for k in (5, 10, 20)}, 1),
    ]
    tables = []
    for route, calls, repeats in cases:
        seconds = {size: statistics.median(_time(call, repeats) for _ in range(3)) for size, call in calls.items()}
        slope = np.polyfit(np.log(list(seconds)), np.log(list(seconds.values())), 1)[0]
        tables.append(Growth(route=route, seconds=seconds, exponent=float(slope)))
    return tables


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
        lambda: arbitrary_counts(1e-4),
        lambda: arbitrary_counts(1e-7),
        groups_against_distinct_counts,
    ):
        row = job()
        rows.append(row)
        if not as_json:
            print(
                f"{row.name:46}{_human(row.seconds):>10}   {row.against:38}{_human(row.against_seconds):>10}{row.ratio:>11,.3g}×   "
                f"{row.target}: {'met' if row.met else 'NOT MET'}",
                flush=True,
            )
    tables = growth()
    if as_json:
        print(
            json.dumps({"rows": [asdict(row) for row in rows], "growth": [asdict(table) for table in tables]}, ensure_ascii=False, indent=2)
        )
        return
    print("\ntime against K, and the fitted exponent")
    for table in tables:
        steps = ", ".join(f"K = {size:,}: {_human(seconds)}" for size, seconds in table.seconds.items())
        print(f"{table.route:44}K^{table.exponent:.2f}   {steps}")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"\npeak memory of this run {memory:.2f} GB")


if __name__ == "__main__":
    main()
