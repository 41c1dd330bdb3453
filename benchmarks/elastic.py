"""The locally elastic equations: exact law against Euler–Maruyama, closed mean flow against an integrator."""

from collections.abc import Callable

import numpy as np
from scipy.integrate import solve_ivp

from benchmarks._pairs import Growth, Row, grow, pair
from layerpeel.numerics import ElasticModel, elastic_law, euler_chunks, mean_flow

END = 1000.0
"""The last time; Euler–Maruyama takes steps of one."""

PATHS, SAMPLES = 500, 200
"""Of the comparison that is aimed at."""


def model(kind: str = "I", classes: int = 3) -> ElasticModel:
    """α = 2/(1 + t), β = −t/(2(1 + t)²): the drifts of the L-model do not commute."""
    return ElasticModel(blocks=kind, num_classes=classes, intra="2/(1 + t)", inter="-t/(2*(1 + t)**2)", noise=1)


def start(classes: int = 3) -> np.ndarray:
    """Standard normal class means."""
    return np.random.default_rng(0).standard_normal((classes, classes))


def drawn(kind: str, *, classes: int = 3, end: float = END, paths: int = PATHS, samples: int = SAMPLES, times: int = 1) -> np.ndarray:
    """Features at equally many times up to the end, from the exact law; model and mean flow are made anew."""
    found = elastic_law(model(kind, classes), start(classes), end / times * np.arange(1, times + 1))
    return found.draw(rng=np.random.default_rng(1), paths=paths, samples=samples)


def stepped(kind: str, *, end: float = END, paths: int = PATHS, drift: str = "mean") -> np.ndarray:
    """The same at the end, by vectorised Euler–Maruyama with steps of one."""
    rng = np.random.default_rng(1)
    chunks = euler_chunks(model(kind), start(), end=end, steps=round(end), rng=rng, paths=paths, samples=SAMPLES, drift=drift)
    return np.concatenate(list(chunks))


def exact_against_steps(kind: str) -> Row:
    """500 paths × 3 classes × 200 samples at one time, T = 1000."""
    ours, other, ratio = pair(lambda: drawn(kind), lambda: stepped(kind), pairs=3, calls=10)
    return Row(
        name=f"exact law, {kind}-model, {PATHS} × 3 × {SAMPLES} at T = {END:g}",
        seconds=ours,
        against=f"Euler–Maruyama, {END:g} steps",
        against_seconds=other,
        ratio=ratio,
        target="≥ 300× faster",
        met=ratio >= 300,
    )


def flow_against_integrator(kind: str) -> Row:
    """The mean flow at a hundred times up to 1000, against DOP853 at a relative tolerance of 1e-12."""
    times, begin, posed = np.linspace(10.0, END, 100), start(), model(kind)
    blocks = np.stack([posed.assembled(weights) for weights in (np.eye(3), 1.0 - np.eye(3))])

    def slope(time: float, state: np.ndarray) -> np.ndarray:
        return (2.0 / (1.0 + time) * (blocks[0] @ state) - 0.5 * time / (1.0 + time) ** 2 * (blocks[1] @ state)) / 3.0

    def integrated() -> np.ndarray:
        return solve_ivp(slope, (0.0, END), begin.ravel(), method="DOP853", t_eval=times, rtol=1e-12, atol=1e-12).y.T.reshape(-1, 3, 3)

    found = mean_flow(posed, begin, times).means
    assert np.linalg.norm(found - integrated()) <= 1e-9 * np.linalg.norm(found)
    ours, other, ratio = pair(lambda: mean_flow(posed, begin, times), integrated, pairs=7, calls=10)
    return Row(
        name=f"mean flow, {kind}-model, 100 times up to {END:g}",
        seconds=ours,
        against="solve_ivp (DOP853, rtol 1e-12)",
        against_seconds=other,
        ratio=ratio,
        target="faster",
        met=ratio > 1,
    )


def growth(name: str, symbol: str, calls: dict[int, Callable[[], object]]) -> Growth:
    """Time against one size."""
    return grow(name, symbol, calls, 1)


ROWS: tuple[Callable[[], Row], ...] = (
    lambda: exact_against_steps("I"),
    lambda: flow_against_integrator("I"),
    lambda: flow_against_integrator("L"),
)

GROWTH: tuple[Callable[[], Growth], ...] = (
    lambda: growth("exact law at one time", "T", {end: lambda end=end: drawn("L", end=end) for end in (10, 100, 1000, 10_000)}),
    lambda: growth("Euler–Maruyama, 50 paths", "T", {end: lambda end=end: stepped("L", end=end, paths=50) for end in (30, 100, 300)}),
    lambda: growth("exact law, 50 paths", "times", {n: lambda n=n: drawn("L", times=n, paths=50) for n in (1, 10, 100)}),
    lambda: growth("exact law", "n", {n: lambda n=n: drawn("L", samples=n) for n in (50, 200, 800, 3200)}),
    lambda: growth(
        "exact law, p = K, 5 paths", "K", {k: lambda k=k: drawn("L", classes=k, paths=5, samples=20) for k in (30, 60, 120, 240)}
    ),
)
