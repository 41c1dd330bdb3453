"""How differences of class means grow, pair by pair, by an integrator that knows no closed form."""

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics import Bracket, separated_probability
from layerpeel.theory.locally_elastic._integrated_means import i_model_blocks, integrated_means

AGREEMENT = 1e-7
"""What slower modes may change in an exponent."""


def exponents(
    matrix: Float[np.ndarray, "K K"], blocks: Float[np.ndarray, "K K p p"], far: tuple[float, float]
) -> dict[tuple[int, int], Bracket]:
    """Growth rates of ‖X̄^k − X̄^l‖ from a generic start, between two times; classes are counted from one."""
    classes, features = blocks.shape[1:3]
    start = np.sin(1.0 + np.arange(classes * features) ** 2).reshape(classes, features)
    means, rates = integrated_means(lambda time: matrix, blocks, start, far), dict[tuple[int, int], Bracket]()
    for k, j in combinations(range(classes), 2):
        gained = means.log_distance(1, k, j) - means.log_distance(0, k, j)
        rates[k + 1, j + 1] = Bracket(gained.lower / (far[1] - far[0]) - AGREEMENT, gained.upper / (far[1] - far[0]) + AGREEMENT)
    return rates


def growth_of_two_parameters(start: Float[np.ndarray, "3 2"], end: float) -> list[Bracket]:
    """log ‖X̄^k − X̄^l‖ gained in the I-model with α = β + 1 + cos t, β = −2 − t/5."""
    means = integrated_means(lambda time: (1.0 + math.cos(time)) * np.eye(3) - 2.0 - time / 5, i_model_blocks(3, 2), start, (end,))
    begun = {(k, j): float(np.log(np.linalg.norm(start[k] - start[j]))) for k, j in combinations(range(3), 2)}
    return [means.log_distance(0, k, j) - Bracket.exactly(log) for (k, j), log in begun.items()]


def least_separated(matrix: Float[np.ndarray, "3 3"], times: Sequence[float], samples: int) -> list[Bracket]:
    """The least likely pair's probability of separation on a line, by time, for E(t) = E/√(1 + t) and variances 1 + t."""
    start = np.array([[0.5], [0.0], [-1.0]])
    means = integrated_means(lambda time: matrix / math.sqrt(1.0 + time), i_model_blocks(3, 1), start, times)
    deviation = np.sqrt(1.0 + np.array(times))
    chances = list[list[Bracket]]()
    for k, j in combinations(range(3), 2):
        gaps = np.exp(means.logs) * (means.states[:, k, 0] - means.states[:, j, 0])
        law = separated_probability(gaps, deviations=(deviation, deviation), counts=(samples, samples))
        chances.append([law.bracket(index) for index in range(len(times))])
    return [min(column, key=lambda value: value.lower) for column in zip(*chances, strict=True)]
