"""Cosines between integrated class means, late and on the way, and their pictures."""

import math
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics import Bracket, logit_directions
from layerpeel.theory import Figure, Series, Setting
from layerpeel.theory.locally_elastic._integrated_means import IntegratedMeans, integrated_means, l_model_blocks, two_parameter

END = 100.0
WATCHED = (12.5, 25.0, 50.0, END)
"""Times. At the last, e^{B/(K−1)} ≤ e^{−9} (or B has converged) and e^{Γ/K} ≥ e^{10} in every case."""
Times = float | np.ndarray
Rates = tuple[Callable[[Times], Times], Callable[[Times], Times]]
COLLAPSING: tuple[tuple[Rates, float], ...] = (
    ((lambda t: 1.0 + 0.5 * np.sin(t), lambda t: -0.5 + 0.5 * np.cos(t)), 3.0),
    ((lambda t: 1.0 + 0.5 * np.sin(t), lambda t: -0.5 + 0.5 * np.cos(t)), -3.0),
    ((lambda t: 0.0 * t, lambda t: -0.5 + 0.0 * t), 3.0),
    ((lambda t: 1.0 + 0.0 * t, lambda t: -2.0 * (1.0 + t) ** -0.5), 3.0),
    ((lambda t: 1.0 + 0.0 * t, lambda t: -0.1 * np.exp(-t)), 8.0),
)
"""(α, β) and the shift of s̄(0); the last has B → −0.1 and a shift that leaves no s_j with the other sign."""
SIZES = (2, 3, 5)
SKEW = np.array([[1.0, 0.0, 0.3], [0.0, 2.0, -0.1], [0.4, 0.0, 1.5]])
"""A start with s_j > 0 and unequal."""
FLIPPED = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.3, -0.5]])
"""The start whose last vector is flipped when B stays above −0.1."""
LATE = 80.0
"""Time at which the exceptions are looked at."""
WAVES = tuple(LATE + quarter * math.pi / 2 for quarter in range(4))
"""Four phases of one period."""
ROUNDING = 1e-12
"""Of cosines in doubles."""
LEFT = 1e-7
"""What the slower mode still has at LATE: e^{−20} of the faster one, times the start."""


def integrated(intra: Callable, inter: Callable, start: Float[np.ndarray, "K K"], times: Sequence[float]) -> IntegratedMeans:
    """The L-model's class means."""
    classes = len(start)
    return integrated_means(lambda time: two_parameter(intra(time), inter(time), classes), l_model_blocks(classes), start, times)


@cache
def oscillating() -> IntegratedMeans:
    """For the same B(t)."""
    return integrated(lambda t: 1.0, lambda t: -np.exp(-t) + 0.5 * np.cos(t), SKEW, WAVES)


def largest_cosine(means: IntegratedMeans, index: int) -> Bracket:
    """(K − 1) × the largest cosine between two class means: at least −1, and −1 for an ETF only."""
    cosines, others = means.cosines(index), means.states.shape[1] - 1
    value = others * float(cosines[~np.eye(others + 1, dtype=bool)].max())
    return Bracket.around(value, others * means.cosine_error(index) + ROUNDING)


def worst_of_all(rng: np.random.Generator) -> list[Bracket]:
    """By time."""
    by_case: list[list[Bracket]] = []
    for classes in SIZES:
        for (intra, inter), shift in COLLAPSING:
            start = np.clip(rng.standard_normal((classes, classes)), -2.0, 2.0) + shift * logit_directions(classes)
            means = integrated(intra, inter, start, WATCHED)
            by_case.append([largest_cosine(means, index) for index in range(len(WATCHED))])
    return [Bracket(max(b.lower for b in column), max(b.upper for b in column)) for column in zip(*by_case, strict=True)]


def late(intra: Callable, inter: Callable, start: Float[np.ndarray, "3 3"]) -> Bracket:
    """(K − 1) × the largest cosine at LATE as that of the limit."""
    cosine = largest_cosine(integrated(intra, inter, start, (LATE,)), 0)
    return Bracket(cosine.lower - LEFT, cosine.upper + LEFT)


def drawn(title: str, caption: str, rates: Rates, start: Float[np.ndarray, "3 3"], end: float) -> Figure:
    """Cosines over time."""
    times = np.linspace(0.0, end, 121)
    means = integrated(*rates, start, times.tolist())
    cosines = np.stack([means.cosines(index) for index in range(len(times))])
    curves = tuple(
        Series.line(f"classes {i + 1} and {j + 1}", times, cosines[:, i, j], color) for color, (i, j) in enumerate(((0, 1), (0, 2), (1, 2)))
    )
    return Figure(title=title, caption=caption, x_label="time", y_label="cosine between class means", series=curves)


def draw_collapse(_: Setting) -> Figure:
    """Cosines on the way to an ETF."""
    return drawn(
        "Class means tend to an ETF",
        "L-model with three classes, α = 1, β = −2(1 + t)^(−1/2): Γ → ∞, B → −∞, and all cosines tend to −1/2.",
        (lambda t: 1.0, lambda t: -2.0 * (1.0 + t) ** -0.5),
        FLIPPED,
        END,
    )


def draw_flipped(_: Setting) -> Figure:
    """The same start with bounded B."""
    return drawn(
        "The flipped counterexample",
        "The same start with β = −0.1 e^(−t): γ > 0 and B < 0 as printed, yet two cosines tend to +1/2.",
        (lambda t: 1.0, lambda t: -0.1 * np.exp(-t)),
        FLIPPED,
        40.0,
    )
