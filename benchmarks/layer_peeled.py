"""The Layer-Peeled program: certified solves and thresholds against their alternatives."""

from collections.abc import Callable

import numpy as np

from benchmarks._pairs import Growth, Row, grow, pair
from layerpeel.numerics import log_threshold_minus_one, log_thresholds_minus_one
from layerpeel.solvers import LayerPeeled, bracket_threshold, solve


def _solve_groups(groups: list[tuple[int, int]], feature_energy: float, route: str) -> Callable[[], object]:
    return lambda: solve(LayerPeeled.from_groups(groups, feature_energy=feature_energy), route=route)


def against_reference() -> Row:
    """One solve at K = 10, certificate included on both sides."""
    groups = [(5, 100), (5, 10)]
    ours, other, ratio = pair(_solve_groups(groups, 5.0, "symmetric"), _solve_groups(groups, 5.0, "sdp"), pairs=15, calls=200)
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
    at_million, at_ten, ratio = pair(
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
    ours, other, ratio = pair(
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
    radius = (majority + minority) * 10 ** rng.uniform(-1.0, 1.5, size)
    energies = ((radius / (majority + minority)) ** 2).tolist()
    few = [(int(majority[i]), int(minority[i]), energies[i]) for i in range(500)]

    def one_by_one() -> None:
        for big, small, energy in few:
            log_threshold_minus_one(big, small, feature_energy=energy)

    ours, other, _ = pair(lambda: log_thresholds_minus_one(majority, minority, radius), one_by_one, pairs=7, calls=1)
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


def growth_symmetric() -> Growth:
    """Two groups in the distinct phase: the cost does not depend on K."""
    return grow(
        "symmetric, two groups, distinct phase",
        "K",
        {k: _solve_groups([(k // 2, 100), (k // 2, 90)], 400.0, "symmetric") for k in (10, 1_000, 100_000, 1_000_000)},
        200,
    )


ROWS: tuple[Callable[[], Row], ...] = (
    against_reference,
    lambda: across_sizes("distinct", 5.0, 400.0),
    lambda: across_sizes("collapsed or vanished", 1.0, 5.0),
    threshold_against_bisection,
    batch_of_thresholds,
)

GROWTH: tuple[Callable[[], Growth], ...] = (growth_symmetric,)
