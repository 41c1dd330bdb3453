"""Distances of the outer class means at γ = c/t, enclosed, and how often paths end separated."""

from fractions import Fraction
from functools import cache

import numpy as np

from layerpeel.numerics import Bracket, Proportion
from layerpeel.theory import Setting
from layerpeel.theory.locally_elastic._drift import exact_similarity
from layerpeel.theory.locally_elastic._integrated_means import i_model_blocks, integrated_means, two_parameter
from layerpeel.theory.locally_elastic._line import CLASSES, START, VARIANCE
from layerpeel.theory.locally_elastic._paths import separated_frequency
from layerpeel.theory.locally_elastic._separation import distance_in_deviations, log_distances_by_time

INTER = Fraction(-1, 2)
"""β = b/(1 + t), so that α is less than γ."""
LATE = (1e3, 1e6, 1e9, 1e12)
END, SAMPLES = 5.0, 4
"""Monte Carlo: a time at which the probabilities lie between .17 and .75, and samples per class."""


@cache
def enclosed_distances(constant: Fraction) -> dict[float, Bracket]:
    """Of the outer class means, in deviations: from E and H in ball arithmetic."""
    rates = ({Fraction(1): constant + INTER}, {Fraction(1): INTER})
    log_distances = log_distances_by_time(exact_similarity("I", CLASSES, 1), START.ravel().tolist(), *rates, LATE, classes=CLASSES)
    return {time: distance_in_deviations(each, time, variance=VARIANCE) for time, (each,) in log_distances.items()}


def frequency(setting: Setting, constant: float) -> Proportion:
    """By paths around means that are integrated from E and H."""
    means = integrated_means(
        lambda time: two_parameter(constant + float(INTER), float(INTER), CLASSES) / (1.0 + time), i_model_blocks(CLASSES, 1), START, (END,)
    ).means(0)
    return separated_frequency(setting, means, END, samples=SAMPLES, pair=(0, CLASSES - 1), along=np.ones(1), spread=VARIANCE)
