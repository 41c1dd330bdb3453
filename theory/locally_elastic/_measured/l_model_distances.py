"""Distances of class means of the L-model at the rates of `_l_model_rates`, integrated and enclosed; how often paths end separated."""

import math
from fractions import Fraction
from functools import cache

import numpy as np

from layerpeel.numerics import Bracket, Proportion
from layerpeel.theory import Setting
from layerpeel.theory.locally_elastic._drift import AGREEMENT, exact_similarity, integrated
from layerpeel.theory.locally_elastic._integrated_means import integrated_means, l_model_blocks, two_parameter
from layerpeel.theory.locally_elastic._l_model_rates import (
    ALONG,
    CLASSES,
    DIRECTION,
    END,
    EXPONENT,
    HORIZON,
    INTER,
    PAIRS,
    SAMPLES,
    START,
    STARTS,
)
from layerpeel.theory.locally_elastic._paths import separated_frequency
from layerpeel.theory.locally_elastic._separation import distance_in_deviations, log_distances_by_time


def integrated_log_distance(classes: int, constant: float, inter: float) -> Bracket:
    """log ‖X̄^1 − X̄^2‖ at HORIZON."""
    intra, shared = (np.array([[0.0], [0.0], [1.0], [0.0], [rate]]) for rate in (constant + inter, inter))
    means = integrated("L", intra, shared, STARTS[classes][None], np.array([HORIZON]))[0, 0]
    log = math.log(np.linalg.norm(means[0] - means[1]))
    return Bracket(log - AGREEMENT, log + AGREEMENT)


@cache
def enclosed(exponent: Fraction, inter: Fraction, times: tuple[float, ...]) -> dict[float, list[Bracket]]:
    """‖X̄^k − X̄^l‖ in deviations, by time and pair, for γ = (1 + t)^{−r} and β = b/(1 + t): from E and H in ball arithmetic."""
    rates = ({exponent: Fraction(1), Fraction(1): inter}, {Fraction(1): inter})
    start = [x * (int(i == j) - Fraction(1, CLASSES)) for j, x in enumerate(ALONG) for i in range(CLASSES)]
    log_distances = log_distances_by_time(exact_similarity("L", CLASSES, CLASSES), start, *rates, times, classes=CLASSES, pairs=PAIRS)
    return {time: [distance_in_deviations(one, time) for one in row] for time, row in log_distances.items()}


def frequency(setting: Setting) -> Proportion:
    """By paths around means that are integrated from E and H, γ = (1 + t)^{−3/2} and β = b/(1 + t)."""

    def elasticity(time: float) -> np.ndarray:
        inter = INTER / (1.0 + time)
        return two_parameter((1.0 + time) ** -float(EXPONENT) + inter, inter, CLASSES)

    means = integrated_means(elasticity, l_model_blocks(CLASSES), START, (END,)).means(0)
    return separated_frequency(setting, means, END, samples=SAMPLES, pair=(0, 1), along=DIRECTION)
