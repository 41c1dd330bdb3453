"""The exact Gaussian criterion: for any H the probability of separation along a direction is one integral."""

import math
from functools import cache
from itertools import combinations

import numpy as np
from jaxtyping import Float

from layerpeel.numerics import (
    Bracket,
    ElasticModel,
    MeanDriftLaw,
    as_rate,
    enclose_ordered_probability,
    law,
    separated_probability,
    to_bracket,
)
from layerpeel.theory._room import Check, Control, Evidence, Kind, Origin, Quantities, Quantity, Room, Setting, Source, Statement
from layerpeel.theory.locally_elastic._closed_forms import separated_by_law
from layerpeel.theory.locally_elastic._integrated_means import integrated_means, two_parameter
from layerpeel.theory.locally_elastic._paths import SHARP, SIZED, STEPS, ends_of_paths, paths_needed, separated_share

CLASSES, FEATURES = 3, 2
INTRA, INTER = "1 + sin(3*t)", "exp(-t) - 1/2"
"""α and β: E is indefinite at times, and drifts at different times do not commute."""
END, SAMPLES = 2.0, 4
DIRECTION = np.array([0.8, 0.6])
PAIRS = tuple(combinations(range(CLASSES), 2))

COUNTS = (1, 2, 5, 20)
ROUNDING = 1e-14
"""Widest enclosure of the integral at gap zero."""


def _cosines(first: int, second: int) -> Float[np.ndarray, "a b"]:
    """A matrix in no special position."""
    return np.cos(1.0 + np.arange(first * second, dtype=float) ** 2).reshape(first, second)


@cache
def _similarity() -> Float[np.ndarray, "K K p p"]:
    """Positive definite H that is neither the I- nor the L-model's."""
    root = _cosines(CLASSES * FEATURES, CLASSES * FEATURES)
    return (root @ root.T / 2.0).reshape(CLASSES, FEATURES, CLASSES, FEATURES).transpose(0, 2, 1, 3)


START = 4.0 * np.cos(1.0 + np.arange(CLASSES * FEATURES, dtype=float) ** 2).reshape(CLASSES, FEATURES)
"""Class means at time 0."""
NOISE = np.stack([np.eye(FEATURES) * (1 + k) + 0.5 * np.ones((FEATURES, FEATURES)) for k in range(CLASSES)]) / 4
"""Σ_k, per unit of time."""
SPREAD = NOISE[::-1].copy()
"""Covariances of the features at time 0."""


@cache
def _law() -> MeanDriftLaw:
    """The exact law of numerics at END."""
    model = ElasticModel(blocks=_similarity(), num_classes=CLASSES, num_features=FEATURES, intra=INTRA, inter=INTER, noise=NOISE)
    return law(model, START, END, spread=SPREAD)


def _pair(first: int, second: int) -> str:
    return f"classes {first + 1} and {second + 1}"


def _deviations(*, start: float = 1.0) -> list[float]:
    """Of νᵀX̃^k: s_k² = νᵀ(S_k + t Σ_k)ν."""
    return np.sqrt(np.einsum("a,kab,b->k", DIRECTION, start * SPREAD + END * NOISE, DIRECTION)).tolist()


def predict_frequency() -> Quantities:
    """∫ n φ_k (1 − Φ_k)^{n−1} Φ_lⁿ dx with means and covariances from the exact law of numerics."""
    return {_pair(*pair): separated_by_law(_law(), samples=SAMPLES, pair=pair, along=DIRECTION) for pair in PAIRS}


def _along(gaps: Float[np.ndarray, " K"], deviations: list[float]) -> Quantities:
    """The integral for means at these places along ν."""
    return {
        _pair(k, j): separated_probability(
            gaps[j] - gaps[k], deviations=(deviations[k], deviations[j]), counts=(SAMPLES, SAMPLES)
        ).bracket()
        for k, j in PAIRS
    }


def predict_frequency_of_i_model() -> Quantities:
    """A false variant: differences grow by e^{Γ/K} for any H."""
    grown = math.exp(float((as_rate(INTRA) - as_rate(INTER)).scaled(1 / CLASSES).integral(END)))
    return _along(START @ DIRECTION * grown, _deviations())


def predict_frequency_of_noise_alone() -> Quantities:
    """A false variant: S_k is forgotten, s_k² = t νᵀΣ_kν."""
    return _along(_law().means[0] @ DIRECTION, _deviations(start=0.0))


def predict_frequency_of_pairs() -> Quantities:
    """A false variant: the n² pairs of samples were independent."""
    along, deviations = _law().means[0] @ DIRECTION, _deviations()
    found: dict[str, Quantity] = {}
    for k, j in PAIRS:
        ordered = 0.5 * math.erfc((along[k] - along[j]) / math.hypot(deviations[k], deviations[j]) / math.sqrt(2.0))
        found[_pair(k, j)] = Bracket.exactly(ordered**SAMPLES**2 + (1.0 - ordered) ** SAMPLES**2)
    return found


def measure_frequency(setting: Setting) -> Quantities:
    """How often paths around integrated means end with two classes separated along ν."""

    def elasticity(time: float) -> np.ndarray:
        return two_parameter(1.0 + math.sin(3.0 * time), math.exp(-time) - 0.5, CLASSES)

    means = integrated_means(elasticity, _similarity(), START, (END,)).means(0)
    gathered = np.broadcast_to(END / STEPS * NOISE, (STEPS, *NOISE.shape))
    paths = paths_needed(setting.level)
    return {
        _pair(*pair): separated_share(
            ends_of_paths(means, gathered, spread=SPREAD, rng=setting.rng, paths=paths, samples=SAMPLES), pair, DIRECTION
        )
        for pair in PAIRS
    }


def predict_by_chance() -> Quantities:
    """n!²/(2n)!: equal laws make all orders of the 2n samples equally likely."""
    return {f"n = {count}": Bracket.exactly(1 / math.comb(2 * count, count)) for count in COUNTS}


def predict_by_coin() -> Quantities:
    """A false variant: 2^{−2n}, each sample on its side by a coin."""
    return {f"n = {count}": Bracket.exactly(0.25**count) for count in COUNTS}


def measure_by_chance(setting: Setting) -> Quantities:
    """The integral at equal means and deviations, enclosed."""
    return {f"n = {count}": to_bracket(enclose_ordered_probability(0.0, deviations=(1.5, 1.5), counts=(count, count))) for count in COUNTS}


ROOM = Room(
    statement=Statement(
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
    checks=(
        Check(
            name="frequency",
            claim="paths of a model with positive definite H and unequal noise are separated as often as the integral says",
            evidence=Evidence.STATISTICAL,
            predict=predict_frequency,
            measure=measure_frequency,
            resolution=SHARP,
            reason=SIZED,
            headroom=2.0,
        ),
        Check(
            name="by-chance",
            claim="for equal laws the integral is n!²/(2n)!",
            evidence=Evidence.CERTIFIED,
            predict=predict_by_chance,
            measure=measure_by_chance,
            resolution=ROUNDING,
            reason="an enclosure in ball arithmetic, rounded to doubles",
        ),
    ),
    controls=(
        Control(name="i-model", claim="differences grow as e^{Γ/K} for any H", check="frequency", predict=predict_frequency_of_i_model),
        Control(name="independent-pairs", claim="pairs are ordered independently", check="frequency", predict=predict_frequency_of_pairs),
        Control(name="noise-alone", claim="s_k² = νᵀ∫Σ_kν", check="frequency", predict=predict_frequency_of_noise_alone),
        Control(name="coin", claim="the integral is 2^{−2n} for equal laws", check="by-chance", predict=predict_by_coin),
    ),
)
