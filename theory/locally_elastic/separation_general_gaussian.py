"""The exact Gaussian criterion: for any H the probability of separation along a direction is one integral."""

import math
from functools import cache
from itertools import combinations

import numpy as np
from jaxtyping import Float

from numerics import (
    Bracket,
    ElasticModel,
    Proportion,
    as_rate,
    confirming_size,
    enclose_ordered_probability,
    euler_chunks,
    mean_flow,
    separated_along,
    separated_probability,
    to_bracket,
)
from theory._room import Check, Control, Evidence, Kind, Origin, Quantities, Quantity, Room, Setting, Source, Statement

CLASSES, FEATURES = 3, 2
INTRA, INTER = "1 + sin(3*t)", "exp(-t) - 1/2"
"""α and β: E is indefinite at times, and drifts at different times do not commute."""
END, STEPS, SAMPLES = 2.0, 640, 4
"""Time, Euler–Maruyama steps (they move probabilities by less than 0.005) and samples per class."""
DIRECTION = np.array([0.8, 0.6])
PAIRS = tuple(combinations(range(CLASSES), 2))

SHARP, POWER = 0.1, 0.999
"""Width at which a Monte Carlo interval confirms, and the probability that a true prediction is confirmed."""

COUNTS = (1, 2, 5, 20)
ROUNDING = 1e-15
"""Widest enclosure of the integral at gap zero."""


def _cosines(first: int, second: int) -> Float[np.ndarray, "a b"]:
    """A matrix in no special position."""
    return np.cos(1.0 + np.arange(first * second, dtype=float) ** 2).reshape(first, second)


@cache
def _setup() -> tuple[ElasticModel, np.ndarray, np.ndarray]:
    """A model with positive definite H that is neither I- nor L-model, class means, and covariances at time 0."""
    root = _cosines(CLASSES * FEATURES, CLASSES * FEATURES)
    similarity = (root @ root.T / 2.0).reshape(CLASSES, FEATURES, CLASSES, FEATURES).transpose(0, 2, 1, 3)
    scatters = np.stack([np.eye(FEATURES) * (1 + k) + 0.5 * np.ones((FEATURES, FEATURES)) for k in range(CLASSES)]) / 4
    model = ElasticModel(blocks=similarity, num_classes=CLASSES, num_features=FEATURES, intra=INTRA, inter=INTER, noise=scatters)
    start = 4.0 * _cosines(CLASSES, FEATURES)
    return model, start, scatters[::-1].copy()


def _pair(first: int, second: int) -> str:
    return f"classes {first + 1} and {second + 1}"


def _deviations(times: float) -> list[float]:
    """Of νᵀX̃^k: s_k² = νᵀ(S_k + t Σ_k)ν."""
    model, _, spread = _setup()
    return np.sqrt(np.einsum("a,kab,b->k", DIRECTION, spread + times * model.noise.at(np.zeros(1))[0], DIRECTION)).tolist()


def _frequencies(means: Float[np.ndarray, "K p"], deviations: list[float]) -> Quantities:
    along = means @ DIRECTION
    return {
        _pair(k, j): separated_probability(
            along[j] - along[k], deviations=(deviations[k], deviations[j]), counts=(SAMPLES, SAMPLES)
        ).bracket()
        for k, j in PAIRS
    }


def predict_frequency() -> Quantities:
    """∫ n φ_k (1 − Φ_k)^{n−1} Φ_lⁿ dx with the means of the LE-ODE and s_k² = νᵀ(S_k + ∫Σ_k)ν."""
    model, start, _ = _setup()
    return _frequencies(mean_flow(model, start, [END]).means[0], _deviations(END))


def predict_frequency_of_i_model() -> Quantities:
    """A false variant: differences grow by e^{Γ/K} for any H."""
    _, start, _ = _setup()
    gap = float((as_rate(INTRA) - as_rate(INTER)).scaled(1 / CLASSES).integral(END))
    return _frequencies(start * math.exp(gap), _deviations(END))


def predict_frequency_of_pairs() -> Quantities:
    """A false variant: the n² pairs of samples were independent."""
    model, start, _ = _setup()
    along, deviations = mean_flow(model, start, [END]).means[0] @ DIRECTION, _deviations(END)
    found: dict[str, Quantity] = {}
    for k, j in PAIRS:
        ordered = 0.5 * math.erfc((along[k] - along[j]) / math.hypot(deviations[k], deviations[j]) / math.sqrt(2.0))
        found[_pair(k, j)] = Bracket.exactly(ordered**SAMPLES**2 + (1.0 - ordered) ** SAMPLES**2)
    return found


def measure_frequency(setting: Setting) -> Quantities:
    """How often Euler–Maruyama paths end with two classes separated along ν."""
    paths = confirming_size(predicted=0.5, resolution=SHARP, level=setting.level, power=POWER)  # ½ needs the most
    model, start, spread = _setup()
    separated = dict.fromkeys(PAIRS, 0)
    for points in euler_chunks(model, start, end=END, steps=STEPS, rng=setting.rng, paths=paths, samples=SAMPLES, spread=spread):
        direction = np.broadcast_to(DIRECTION, (len(points), FEATURES))
        for k, j in PAIRS:
            separated[k, j] += int(separated_along(points[:, k], points[:, j], direction).sum())
    return {_pair(*pair): Proportion(successes=count, n=paths) for pair, count in separated.items()}


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
            claim="Euler–Maruyama paths of a model with positive definite H and unequal noise are separated as often as the integral says",
            evidence=Evidence.STATISTICAL,
            predict=predict_frequency,
            measure=measure_frequency,
            resolution=SHARP,
            reason="the number of paths is the one at which an interval this wide confirms with probability 0.999",
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
        Control(name="coin", claim="the integral is 2^{−2n} for equal laws", check="by-chance", predict=predict_by_coin),
    ),
)
