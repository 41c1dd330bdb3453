"""Distances of class means of the I-model at the rates of `_i_model_rates`, enclosed, and how often paths end separated."""

from functools import cache

from layerpeel.numerics import Bracket, Proportion
from layerpeel.theory import Setting
from layerpeel.theory.locally_elastic._drift import exact_similarity
from layerpeel.theory.locally_elastic._i_model_rates import ABOVE, APART, BELOW, CLASSES, END, INTER, SAMPLES, START
from layerpeel.theory.locally_elastic._integrated_means import i_model_blocks, integrated_means, two_parameter
from layerpeel.theory.locally_elastic._paths import separated_frequency
from layerpeel.theory.locally_elastic._separation import distance_in_deviations, log_distances_by_time

TIMES = {ABOVE: (1e1, 1e2, 1e3, 1e4), BELOW: (1e2, 1e4, 1e8, 1e12)}
"""At the last one class differences are 3e3 deviations for r = .75, and 8e-6 for r = 1.25."""
LINE = (1.0, 0.25, -1.0)
"""Class means at time 0 on a line, the first and the last 2 apart; the features' variance is 1 then, and grows by 1 per unit of time."""


@cache
def enclosed_log_distances(exponent: float) -> dict[float, list[Bracket]]:
    """log ‖X̄^1 − X̄^3‖ by time, from E and H by Taylor steps."""
    inter = {1.0: INTER[exponent]}
    return log_distances_by_time(exact_similarity("I", CLASSES, 1), LINE, inter | {exponent: 1.0}, inter, TIMES[exponent], classes=CLASSES)


def enclosed_distance(exponent: float, time: float) -> Bracket:
    """In deviations."""
    return distance_in_deviations(enclosed_log_distances(exponent)[time][0], time)


def frequency(setting: Setting, exponent: float, inter: float) -> Proportion:
    """By paths around means that are integrated from E and H, γ = (1 + t)^{−r} and constant β."""
    means = integrated_means(
        lambda time: two_parameter((1.0 + time) ** -exponent + inter, inter, CLASSES), i_model_blocks(CLASSES, 2), START, (END,)
    ).means(0)
    return separated_frequency(setting, means, END, samples=SAMPLES, pair=(0, 1), along=APART)
