"""Counts without ties: certified solves against the semidefinite program, and how routes grow in time and memory."""

from collections.abc import Callable
from functools import partial

from benchmarks._pairs import Growth, Memory, Row, grow, pair, peak_memory, seconds_per_call
from layerpeel.solvers import LayerPeeled, certify, solve
from layerpeel.solvers.routes._sdp import solve_sdp

LONG_TAIL = 50_000_000
"""Largest count of the long-tailed instances: large enough that thousands of classes at imbalance 100 have distinct counts."""


def long_tail(classes: int, loss: str = "cross-entropy", feature_energy: float = 5.0) -> LayerPeeled:
    """n_k = LONG_TAIL · 100^{−k/(K−1)}: all counts distinct, imbalance 100."""
    counts = [int(LONG_TAIL * 100 ** (-k / (classes - 1))) for k in range(classes)]
    return LayerPeeled(counts=counts, feature_energy=feature_energy, loss=loss)


def arbitrary_counts(precision: float) -> Row:
    """K = 50 distinct counts: certified to 1e-6, against cvxpy and SCS at a precision that certifies less."""
    problem = long_tail(50)
    theirs = certify(problem, solve_sdp(problem, "scs", precision).matrix).relative_gap
    ours, other, ratio = pair(
        lambda: solve(problem, route="factored", tolerance=1e-6), lambda: solve_sdp(problem, "scs", precision), pairs=5, calls=10
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


def within(classes: int, seconds: float) -> Row:
    """Distinct counts, certified to 1e-6, against the time allowed."""
    ours = seconds_per_call(partial(_solve_factored, classes), 1)
    return Row(
        name=f"solve K = {classes} distinct counts, gap ≤ 1e-6",
        seconds=ours,
        against="time allowed",
        against_seconds=seconds,
        ratio=seconds / ours,
        target="faster",
        met=ours < seconds,
    )


def groups_against_distinct_counts() -> Row:
    """K = 1000 in three groups, against the same counts moved apart by less than one part in ten thousand: full 1000 × 1000 logits."""
    groups = [(300, 1000), (300, 200), (400, 20)]
    grouped = LayerPeeled.from_groups(groups, feature_energy=5.0)
    scale = 1_000_000
    apart = LayerPeeled(counts=[scale * samples + place for classes, samples in groups for place in range(classes)], feature_energy=5.0)
    assert len(apart.groups) == 1000
    ours, other, ratio = pair(lambda: solve(grouped, tolerance=1e-6), lambda: solve(apart, tolerance=1e-6), pairs=1, calls=20)
    return Row(
        name="solve K = 1000 in three groups, gap ≤ 1e-6",
        seconds=ours,
        against="the same counts, moved apart",
        against_seconds=other,
        ratio=ratio,
        target="faster",
        met=ratio > 1,
    )


def _solve_factored(classes: int) -> object:
    return solve(long_tail(classes), route="factored", tolerance=1e-6)


def _solve_hinge(classes: int) -> object:
    return solve(long_tail(classes, "hinge", 0.3), route="factored", tolerance=1e-6)


def _solve_sdp(classes: int) -> object:
    return solve(long_tail(classes), route="sdp", tolerance=1e-6)


def _solve_symmetric(classes: int) -> object:
    return solve(LayerPeeled.from_groups([(classes // 2, 100), (classes // 2, 10)], feature_energy=5.0), route="symmetric")


def _grow(route: str, call: Callable[[int], object], *sizes: int) -> Growth:
    return grow(route, "K", {size: partial(call, size) for size in sizes}, 1)


ROWS: tuple[Callable[[], Row], ...] = (
    lambda: arbitrary_counts(1e-4),
    lambda: arbitrary_counts(1e-7),
    lambda: within(100, 2.0),
    lambda: within(500, 20.0),
    lambda: within(1000, 90.0),
    groups_against_distinct_counts,
)

GROWTH: tuple[Callable[[], Growth], ...] = (
    lambda: _grow("factored, distinct counts, gap ≤ 1e-6", _solve_factored, 50, 100, 200, 400),
    lambda: _grow("factored, hinge, distinct counts, gap ≤ 1e-6", _solve_hinge, 25, 50, 100),
    lambda: _grow("sdp (Clarabel), distinct counts", _solve_sdp, 5, 10, 20),
)

MEMORY: tuple[Callable[[], Memory], ...] = (
    lambda: peak_memory("symmetric, two groups", "K", _solve_symmetric, (10, 1_000_000)),
    lambda: peak_memory("factored, distinct counts", "K", _solve_factored, (100, 500, 1000)),
    lambda: peak_memory("sdp (Clarabel, cvxpy included), distinct counts", "K", _solve_sdp, (10, 20, 30)),
)
