"""The exact Gaussian criterion: for any H the probability of separation along a direction is one integral."""

import math
from functools import cache
from itertools import combinations

import numpy as np

from layerpeel.numerics import (
    Bracket,
    ElasticModel,
    MeanDriftLaw,
    Proportion,
    as_rate,
    elastic_law,
    enclose_ordered_probability,
    separated_probability,
    to_bracket,
)
from layerpeel.theory import Evidence, Kind, Origin, Room, Setting, Source, Statement, Variant, claim, instances
from layerpeel.theory.locally_elastic._closed_forms import separated_by_law
from layerpeel.theory.locally_elastic._integrated_means import integrated_means, two_parameter
from layerpeel.theory.locally_elastic._paths import FREQUENCY, separated_frequency

CLASSES, FEATURES = 3, 2
INTRA, INTER = "1 + sin(3*t)", "exp(-t) - 1/2"
"""α and β: E is indefinite at times, and drifts at different times do not commute."""
END, SAMPLES = 2.0, 4
DIRECTION = np.array([0.8, 0.6])
PAIRS = {f"classes {k + 1} and {j + 1}": (k, j) for k, j in combinations(range(CLASSES), 2)}
COUNTS = instances("n = {}", 1, 2, 5, 20)

ROOT = np.cos(1.0 + np.arange((CLASSES * FEATURES) ** 2, dtype=float) ** 2).reshape(CLASSES * FEATURES, -1)
SIMILARITY = (ROOT @ ROOT.T / 2.0).reshape(CLASSES, FEATURES, CLASSES, FEATURES).transpose(0, 2, 1, 3)
"""Positive definite H that is neither the I- nor the L-model's."""
START = 4.0 * np.cos(1.0 + np.arange(CLASSES * FEATURES, dtype=float) ** 2).reshape(CLASSES, FEATURES)
"""Class means at time 0."""
NOISE = np.stack([np.eye(FEATURES) * (1 + k) + 0.5 * np.ones((FEATURES, FEATURES)) for k in range(CLASSES)]) / 4
"""Σ_k, per unit of time."""
SPREAD = NOISE[::-1].copy()
"""Covariances of the features at time 0."""

ROOM = Room.of(
    Statement(
        name="separation-general-gaussian",
        title="The exact probability of separation along a direction, for any H",
        latex=r"P(\nu^\top\tilde X^k<\nu^\top\tilde X^l)=\int n\,\varphi_k(x)\,(1-\Phi_k(x))^{n-1}\,\Phi_l(x)^n\,dx",
        assumptions=(
            "any H, E(t) and Σ_k(t); independent Gaussian features at time 0",
            "each sample driven by the class means, which obey the LE-ODE",
            "φ_k, Φ_k of N(νᵀX̄^k, νᵀ(S_k + ∫Σ_k)ν), S_k the covariance at time 0",
        ),
        kind=Kind.PROBABILITY,
        origin=Origin.DERIVED,
        source=Source("zhang2021", "slides, equations (7) and (8)"),
    ),
    claim(
        "frequency",
        "paths of a model with positive definite H and unequal noise are separated as often as the integral says",
        over=PAIRS,
        predict=lambda *pair: separated_by_law(exact_law(), samples=SAMPLES, pair=pair, along=DIRECTION),
        measure_all=lambda setting: [frequency(setting, pair) for pair in PAIRS.values()],
        by="how often paths around integrated means end with two classes separated along ν",
        false={
            "i-model": ("differences grow as e^{Γ/K} for any H", lambda *pair: integral(as_the_i_model(), pair, start=1.0)),
            "independent-pairs": ("pairs are ordered independently", lambda *pair: as_independent(pair)),
            "noise-alone": ("s_k² = νᵀ∫Σ_kν", lambda *pair: integral(exact_law().means[0] @ DIRECTION, pair, start=0.0)),
        },
        **FREQUENCY,
    ),
    claim(
        "by-chance",
        "for equal laws the integral is n!²/(2n)!",
        over=COUNTS,
        predict=lambda count: 1 / math.comb(2 * count, count),
        measure=lambda count: to_bracket(enclose_ordered_probability(0.0, deviations=(1.5, 1.5), counts=(count, count))),
        by="the integral at equal means and deviations, enclosed",
        false={
            "coin": ("the integral is 2^{−2n} for equal laws", lambda count: 0.25**count),
            "stirling": Variant(
                "it is √(πn) 2^{−2n}, Stirling's limit, by 5e-14 less at n = 20",
                lambda count: math.sqrt(math.pi * count) * 0.25**count,
                over=instances("n = {}", 20),
            ),
        },
        evidence=Evidence.CERTIFIED.within(1e-14, "an enclosure in ball arithmetic, rounded to doubles"),
    ),
)


def frequency(setting: Setting, pair: tuple[int, int]) -> Proportion:
    """By paths around means that are integrated from E and H."""

    def elasticity(time: float) -> np.ndarray:
        return two_parameter(1.0 + math.sin(3.0 * time), math.exp(-time) - 0.5, CLASSES)

    means = integrated_means(elasticity, SIMILARITY, START, (END,)).means(0)
    return separated_frequency(setting, means, END, samples=SAMPLES, pair=pair, along=DIRECTION, noise=NOISE, spread=SPREAD)


@cache
def exact_law() -> MeanDriftLaw:
    """At END."""
    model = ElasticModel(blocks=SIMILARITY, num_classes=CLASSES, num_features=FEATURES, intra=INTRA, inter=INTER, noise=NOISE)
    return elastic_law(model, START, END, spread=SPREAD)


def as_the_i_model() -> np.ndarray:
    """Class means along ν that grow by e^{Γ/K}."""
    return START @ DIRECTION * math.exp(float((as_rate(INTRA) - as_rate(INTER)).scaled(1 / CLASSES).integral(END)))


def deviations(start: float) -> np.ndarray:
    """Of νᵀX̃^k: s_k² = νᵀ(S_k + t Σ_k)ν, with this share of S_k."""
    return np.sqrt(np.einsum("a,kab,b->k", DIRECTION, start * SPREAD + END * NOISE, DIRECTION))


def integral(along: np.ndarray, pair: tuple[int, int], *, start: float) -> Bracket:
    """For means at these places along ν."""
    first, second = deviations(start)[list(pair)].tolist()
    lead = float(along[pair[1]] - along[pair[0]])
    return separated_probability(lead, deviations=(first, second), counts=(SAMPLES, SAMPLES)).bracket()


def as_independent(pair: tuple[int, int]) -> Bracket:
    """As if each of the n² pairs of samples were ordered by itself."""
    along, (first, second) = exact_law().means[0] @ DIRECTION, deviations(1.0)[list(pair)]
    ordered = 0.5 * math.erfc((along[pair[0]] - along[pair[1]]) / math.hypot(first, second) / math.sqrt(2.0))
    return Bracket.exactly(ordered**SAMPLES**2 + (1.0 - ordered) ** SAMPLES**2)
