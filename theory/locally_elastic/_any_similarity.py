"""A model whose H is neither the I- nor the L-model's, and the probability of separation along a direction in closed form.

Its numbers may be used by anybody, its functions by predictions only.
"""

import math
from functools import cache

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics import Bracket, ElasticModel, MeanDriftLaw, as_rate, elastic_law, separated_probability

CLASSES, FEATURES = 3, 2
INTRA, INTER = "1 + sin(3*t)", "exp(-t) - 1/2"
"""α and β: E is indefinite at times, and drifts at different times do not commute."""
END, SAMPLES = 2.0, 4
DIRECTION = np.array([0.8, 0.6])

ROOT = np.cos(1.0 + np.arange((CLASSES * FEATURES) ** 2, dtype=float) ** 2).reshape(CLASSES * FEATURES, -1)
SIMILARITY = (ROOT @ ROOT.T / 2.0).reshape(CLASSES, FEATURES, CLASSES, FEATURES).transpose(0, 2, 1, 3)
"""Positive definite H that is neither the I- nor the L-model's."""
START = 4.0 * np.cos(1.0 + np.arange(CLASSES * FEATURES, dtype=float) ** 2).reshape(CLASSES, FEATURES)
"""Class means at time 0."""
NOISE = np.stack([np.eye(FEATURES) * (1 + k) + 0.5 * np.ones((FEATURES, FEATURES)) for k in range(CLASSES)]) / 4
"""Σ_k, per unit of time."""
SPREAD = NOISE[::-1].copy()
"""Covariances of the features at time 0."""


@cache
def exact_law() -> MeanDriftLaw:
    """At END."""
    model = ElasticModel(blocks=SIMILARITY, num_classes=CLASSES, num_features=FEATURES, intra=INTRA, inter=INTER, noise=NOISE)
    return elastic_law(model, START, END, spread=SPREAD)


def exact_means() -> Float[np.ndarray, " K"]:
    """Along ν."""
    return exact_law().means[0] @ DIRECTION


def as_the_i_model() -> Float[np.ndarray, " K"]:
    """Class means along ν that grow by e^{Γ/K}."""
    return START @ DIRECTION * math.exp(float((as_rate(INTRA) - as_rate(INTER)).scaled(1 / CLASSES).integral(END)))


def deviations(start: float) -> Float[np.ndarray, " K"]:
    """Of νᵀX̃^k: s_k² = νᵀ(S_k + t Σ_k)ν, with this share of S_k."""
    return np.sqrt(np.einsum("a,kab,b->k", DIRECTION, start * SPREAD + END * NOISE, DIRECTION))


def integral(along: Float[np.ndarray, " K"], pair: tuple[int, int], *, start: float) -> Bracket:
    """For means at these places along ν, and this share of the covariances at time 0."""
    first, second = deviations(start)[list(pair)].tolist()
    lead = float(along[pair[1]] - along[pair[0]])
    return separated_probability(lead, deviations=(first, second), counts=(SAMPLES, SAMPLES)).bracket()


def as_independent(pair: tuple[int, int]) -> Bracket:
    """As if each of the n² pairs of samples were ordered by itself."""
    along, (first, second) = exact_means(), deviations(1.0)[list(pair)]
    ordered = 0.5 * math.erfc((along[pair[0]] - along[pair[1]]) / math.hypot(first, second) / math.sqrt(2.0))
    return Bracket.exactly(ordered**SAMPLES**2 + (1.0 - ordered) ** SAMPLES**2)
