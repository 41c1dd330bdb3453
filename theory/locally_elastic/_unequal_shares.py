"""Class means where two classes are drawn more often than two others, integrated under both models; and paths around them."""

import math
from collections.abc import Callable
from functools import cache

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics import Bracket, Proportion
from layerpeel.theory._room import Setting
from layerpeel.theory.locally_elastic._integrated_means import (
    IntegratedMeans,
    i_model_blocks,
    integrated_means,
    l_model_blocks,
    two_parameter,
)
from layerpeel.theory.locally_elastic._paths import separated_frequency

CLASSES = 4
PAIRS = {"majority": (0, 1), "between": (0, 3), "minority": (2, 3)}
"""Two classes of each group."""
GROUPS = ("majority", "minority")
RATIOS, RATIO, IMBALANCES = (2.0, 5.0), 4.0, (1.0, 3.0, 10.0, 100.0, 1e4)
"""R = π_A/π_B of exponents, of the critical constant, and of cosines."""
SHARES = {ratio: np.array([ratio, ratio, 1.0, 1.0]) / (2 * ratio + 2) for ratio in (*RATIOS, RATIO, *IMBALANCES)}
"""π by R; at R = 4: 0.4 and 0.1, so that c = 3 lies between 1/(2π_A) = 1.25 and 1/(2π_B) = 5."""
SOON = 3.0
"""When differences within groups are compared, as later they drown in the rounding of the common growth."""
FAR, COLD = (300.0, 600.0), 400.0
"""Times between which exponents are read off; and by which every slower mode of the L-model has vanished."""
INTRA, INTER = 1.0, -0.3
"""α and β of the L-model."""
AGREEMENT, ROUNDING = 1e-9, 1e-10
"""Relative error of integrated differences; and of exact integrals and of cosines in doubles."""
STRENGTH, SAMPLES = 3.0, 3
"""γ = c/(1 + t), and samples per class."""
MEANS = np.array([[0.75], [0.25], [-0.25], [-2.25]])
"""One feature; features have variance 1 + t."""


def weighted(ratio: float, rates: Callable[[float], tuple[float, float]]) -> Callable[[float], Float[np.ndarray, "K K"]]:
    """E diag(Kπ) in place of E, that is weights E_ij π_j, for α and β at a time."""
    return lambda time: two_parameter(*rates(time), CLASSES) * (CLASSES * SHARES[ratio])


def growth(means: IntegratedMeans, first: int, second: int) -> Bracket:
    """Exponent of ‖X̄^k − X̄^l‖ between the times FAR."""
    gained, span = means.log_distance(1, first, second) - means.log_distance(0, first, second), FAR[1] - FAR[0]
    return Bracket(gained.lower / span - AGREEMENT, gained.upper / span + AGREEMENT)


def grown_within(setting: Setting, ratio: float) -> list[Bracket]:
    """By SOON, in the majority and in the minority."""
    start = setting.rng.standard_normal((CLASSES, 3))
    elasticity = weighted(ratio, lambda t: (1.0 + math.cos(t) + (-0.5 + math.sin(2 * t) / 3), -0.5 + math.sin(2 * t) / 3))
    means, pairs = integrated_means(elasticity, i_model_blocks(CLASSES, 3), start, (SOON,)), [PAIRS[group] for group in GROUPS]
    return [means.log_distance(0, k, j) - Bracket.exactly(math.log(np.linalg.norm(start[k] - start[j]))) for k, j in pairs]


def grown_across(setting: Setting, intra: float, inter: float, ratio: float) -> Bracket:
    """The exponent at constant rates."""
    start = setting.rng.standard_normal((CLASSES, 2))
    return growth(integrated_means(weighted(ratio, lambda _: (intra, inter)), i_model_blocks(CLASSES, 2), start, FAR), *PAIRS["between"])


def counts(setting: Setting, time: float, paths: int | None = None) -> dict[str, Proportion]:
    """How often the classes of each group are separated at one time, by paths around integrated means."""
    elasticity = weighted(RATIO, lambda now: (0.9 * STRENGTH / (1 + now), -0.1 * STRENGTH / (1 + now)))
    means = integrated_means(elasticity, i_model_blocks(CLASSES, 1), MEANS, (time,)).means(0)
    return {
        group: separated_frequency(setting, means, time, samples=SAMPLES, pair=PAIRS[group], along=np.ones(1), paths=paths)
        for group in GROUPS
    }


@cache
def l_model_means(ratio: float, common: float, times: tuple[float, ...]) -> IntegratedMeans:
    """From X̄^k(0) = e_k and this multiple of a common vector."""
    elasticity = weighted(ratio, lambda _: (INTRA, INTER))
    return integrated_means(elasticity, l_model_blocks(CLASSES), np.eye(CLASSES) + common * np.arange(CLASSES), times)


def late_cosine(ratio: float, pair: str) -> Bracket:
    """In the L-model."""
    value = float(l_model_means(ratio, 0.1, (COLD,)).cosines(0)[PAIRS[pair]])
    return Bracket(value - ROUNDING, value + ROUNDING)
