"""Batches of two-group optima: compiled and in NumPy, against one problem at a time."""

from collections.abc import Callable

import numpy as np

from benchmarks._pairs import Growth, Row, grow, pair
from layerpeel.numerics import two_group_optima, two_group_optimum
from layerpeel.solvers import LayerPeeled, solve, solve_batch

SIZE = 200_000
"""Problems per timed batch."""

FEW = 200
"""Problems per timed loop over single ones: the first of the batch."""


def problems(size: int) -> tuple[np.ndarray, ...]:
    """K_A, K_B up to half a million, R up to 1e12 and √(E_H E_W) from 1e-4 to 1e3, all log-uniform, where something must be solved.

    Balanced problems and those whose minority vanishes have closed forms and are left out; both other phases stay as frequent as they are.
    """
    rng = np.random.default_rng(0)
    kept: list[np.ndarray] = []
    while sum(part.shape[1] for part in kept) < size:
        majority, minority = np.floor(np.exp(rng.uniform(0.0, np.log(5e5), (2, size))))
        imbalance, root = np.exp(rng.uniform(0.0, np.log(1e12), size)), np.exp(rng.uniform(np.log(1e-4), np.log(1e3), size))
        solved = two_group_optima(majority, minority, imbalance, root, compiled=False)
        kept.append(np.array([majority, minority, imbalance, root])[:, ~solved.vanished])
    return tuple(np.concatenate(kept, axis=1)[:, :size])


def optima(compiled: bool) -> Row:
    """The scalars of the optimum, in a batch on one core against a loop over the scalar solver."""
    batch = problems(SIZE)
    few = [(int(big), int(small), ratio, (big + small) * root) for big, small, ratio, root in np.array(batch)[:, :FEW].T.tolist()]
    ours, other, _ = pair(
        lambda: two_group_optima(*batch, compiled=compiled), lambda: [two_group_optimum(*one) for one in few], pairs=7, calls=1
    )
    each, single = ours / SIZE, other / FEW
    return Row(
        name=f"two-group optima, {'compiled' if compiled else 'NumPy'}, {1 / each:,.0f} /s and core",
        seconds=each,
        against="one at a time, plain Python",
        against_seconds=single,
        ratio=single / each,
        target="≥ 200,000 /s and core" if compiled else "≥ 20× faster",
        met=each <= 5e-6 if compiled else single / each >= 20,
    )


def solutions() -> Row:
    """Values, gaps and cosines in doubles, against `solve`, whose gaps are proved in ball arithmetic."""
    majority, minority, imbalance, root = problems(SIZE)
    few = [
        (int(big), int(small), ratio, e**2)
        for big, small, ratio, e in zip(*(c[:FEW].tolist() for c in (majority, minority, imbalance, root)), strict=True)
    ]
    ours, other, _ = pair(
        lambda: solve_batch(majority, minority, imbalance, feature_energy=root**2, compiled=True),
        lambda: [solve(LayerPeeled.from_imbalance(*sizes, feature_energy=energy)) for *sizes, energy in few],
        pairs=5,
        calls=1,
    )
    each, single = ours / SIZE, other / FEW
    return Row(
        name=f"solve_batch, compiled, {1 / each:,.0f} /s and core",
        seconds=each,
        against="solve, one at a time, gap proved",
        against_seconds=single,
        ratio=single / each,
        target="≥ 50× faster",
        met=single / each >= 50,
    )


def _growth(compiled: bool) -> Growth:
    batch = problems(1_000_000)
    calls: dict[int, Callable[[], object]] = {
        size: lambda part=tuple(column[:size] for column in batch): two_group_optima(*part, compiled=compiled)
        for size in (100, 10_000, 100_000, 1_000_000)
    }
    return grow(f"two-group optima, {'compiled' if compiled else 'NumPy'}", "problems", calls, 1)


ROWS: tuple[Callable[[], Row], ...] = (lambda: optima(compiled=True), lambda: optima(compiled=False), solutions)
GROWTH: tuple[Callable[[], Growth], ...] = (lambda: _growth(compiled=True), lambda: _growth(compiled=False))
