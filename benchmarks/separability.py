"""Separability of samples, certified both ways, against a linear program; the exact law of separation against adaptive quadrature."""

import math
from collections.abc import Callable
from functools import partial

import numpy as np
from scipy import integrate, optimize, special

from benchmarks._pairs import Growth, Row, grow, pair
from layerpeel.numerics import ordered_probability, pairwise_separable, separating_hyperplane

PROGRAMS = 12
"""Linear programs per timing: a handful of problems stands for the batch, whose time is per pair of classes."""


def paths(distance: float, *, number: int, classes: int, size: int, features: int) -> np.ndarray:
    """Standard normal samples around class means at pairwise distance `distance` (simplex corners along the first features)."""
    rng = np.random.default_rng(0)
    samples = rng.standard_normal((number, classes, size, features))
    for k in range(classes):
        samples[:, k, :, k % features] += distance / np.sqrt(2.0) * (1 + k // features)
    return samples


def separable_by_program(x: np.ndarray, y: np.ndarray) -> bool:
    """Whether ν·x − c ≥ 1 and ν·y − c ≤ −1 is feasible, by HiGHS; no certificate is checked."""
    conditions = np.vstack([np.column_stack([-x, np.ones(len(x))]), np.column_stack([y, -np.ones(len(y))])])
    found = optimize.linprog(np.zeros(conditions.shape[1]), A_ub=conditions, b_ub=-np.ones(len(conditions)), bounds=(None, None))
    return found.status == 0


def against_program(distance: float, *, number: int, classes: int, size: int, features: int, target: float) -> Row:
    """All pairs of classes on all paths, in time per pair."""
    samples = paths(distance, number=number, classes=classes, size=size, features=features)
    found = pairwise_separable(samples)
    assert found.decided.all()
    few = [(path, column) for column in range(len(found.pairs)) for path in range(PROGRAMS)][:: len(found.pairs)]

    def programs() -> list[bool]:
        return [separable_by_program(samples[path, found.pairs[column][0]], samples[path, found.pairs[column][1]]) for path, column in few]

    assert programs() == [bool(found.separable[path, column]) for path, column in few]
    ours, other, _ = pair(lambda: pairwise_separable(samples), programs, pairs=5, calls=1)
    per_pair, per_program = ours / found.separable.size, other / len(few)
    share = 100 * found.separable.mean()
    return Row(
        name=f"{share:.0f} % separable, n = {size}, p = {features}",
        seconds=per_pair,
        against="linprog (HiGHS), nothing certified",
        against_seconds=per_program,
        ratio=per_program / per_pair,
        target=f"≥ {target:g}× faster",
        met=per_program / per_pair >= target,
    )


def one_pair(name: str, distance: float) -> Row:
    """One question with its full certificate: a hyperplane with margin, or a point in both hulls."""
    x, y = paths(distance, number=1, classes=2, size=200, features=3)[0]
    ours, other, ratio = pair(lambda: separating_hyperplane(x, y), lambda: separable_by_program(x, y), pairs=15, calls=20, other_calls=3)
    return Row(
        name=f"one certificate, {name}: n = 200, p = 3",
        seconds=ours,
        against="linprog (HiGHS), nothing certified",
        against_seconds=other,
        ratio=ratio,
        target="≥ 3× faster",
        met=ratio >= 3,
    )


def law_against_quadrature() -> Row:
    """1000 probabilities of separation with their errors, n = 200, against `scipy.integrate.quad` where P does not underflow."""
    gaps, size = np.linspace(2.0, 12.0, 1000), 200
    few = slice(None, None, 200)

    def density(x: float, gap: float) -> float:
        return size * math.exp(-0.5 * x * x) / math.sqrt(2 * math.pi) * special.ndtr(-x) ** (size - 1) * special.ndtr(x + gap) ** size

    def quadrature(gap: float) -> float:
        return integrate.quad(density, -12.0, 6.0, args=(gap,), points=[-3.0], epsabs=0.0, epsrel=1e-10)[0]

    def one_by_one() -> list[float]:
        return list(map(quadrature, gaps[few].tolist()))

    exact = ordered_probability(gaps, deviations=(1.0, 1.0), counts=(size, size))
    assert np.allclose(one_by_one(), np.exp(exact.log[few]), rtol=1e-9)
    ours, other, _ = pair(lambda: ordered_probability(gaps, deviations=(1.0, 1.0), counts=(size, size)), one_by_one, pairs=5, calls=1)
    per_case, per_quadrature = ours / gaps.size, other / gaps[few].size
    return Row(
        name="exact probability of separation, in a batch",
        seconds=per_case,
        against="scipy.integrate.quad on the formula",
        against_seconds=per_quadrature,
        ratio=per_quadrature / per_case,
        target="faster",
        met=per_quadrature / per_case > 1,
    )


def growth(symbol: str, values: tuple[int, ...], distance: float, word: str) -> Growth:
    """Time for twenty paths as one of n, p, K grows from n = 200, p = 10, K = 2."""
    calls = {}
    for value in values:
        samples = paths(
            distance,
            number=20,
            classes=value if symbol == "K" else 2,
            size=value if symbol == "n" else 200,
            features=value if symbol == "p" else 10,
        )
        calls[value] = partial(pairwise_separable, samples)
    return grow(f"separability of 20 paths, {word}", symbol, calls, 1)


ROWS: tuple[Callable[[], Row], ...] = (
    lambda: against_program(10.0, number=500, classes=3, size=200, features=3, target=30),
    lambda: against_program(10.0, number=50, classes=2, size=1000, features=10, target=30),
    lambda: against_program(10.0, number=50, classes=2, size=200, features=50, target=30),
    lambda: against_program(5.0, number=200, classes=3, size=200, features=3, target=3),
    lambda: against_program(5.0, number=50, classes=2, size=200, features=10, target=3),
    lambda: against_program(2.5, number=30, classes=2, size=200, features=50, target=3),
    lambda: against_program(0.0, number=200, classes=3, size=200, features=3, target=3),
    lambda: against_program(0.0, number=200, classes=2, size=10, features=2, target=3),
    lambda: against_program(0.0, number=30, classes=2, size=1000, features=10, target=3),
    lambda: against_program(0.0, number=20, classes=2, size=200, features=50, target=3),
    lambda: against_program(0.0, number=30, classes=2, size=50, features=200, target=3),
    lambda: one_pair("well separated", 10.0),
    lambda: one_pair("overlapping", 0.0),
    law_against_quadrature,
)

GROWTH: tuple[Callable[[], Growth], ...] = (
    lambda: growth("n", (100, 400, 1600, 6400), 10.0, "well separated"),
    lambda: growth("n", (100, 400, 1600, 6400), 0.0, "overlapping"),
    lambda: growth("p", (5, 10, 20, 40, 80), 10.0, "well separated"),
    lambda: growth("p", (5, 10, 20, 40, 80), 0.0, "overlapping"),
    lambda: growth("K", (2, 4, 8, 16), 10.0, "well separated"),
)
