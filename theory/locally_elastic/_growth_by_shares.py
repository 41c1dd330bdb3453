"""Probabilities, exponents and cosines where classes are drawn with shares, in closed form, and their picture; predictions only."""

import math

import numpy as np

from layerpeel.numerics import Bracket, separated_probability
from layerpeel.theory import Figure, Series, Setting
from layerpeel.theory.locally_elastic._paths import counted_points
from layerpeel.theory.locally_elastic._shares import limiting_directions, top_mode
from layerpeel.theory.locally_elastic._unequal_shares import (
    AGREEMENT,
    GROUPS,
    INTER,
    INTRA,
    PAIRS,
    RATIO,
    ROUNDING,
    SAMPLES,
    SHARES,
    STRENGTH,
    counts,
)

APART = {"majority": 0.5, "minority": 2.0}
"""Distances of the class means within a group at time 0."""


def predicted(value: float, error: float = AGREEMENT) -> Bracket:
    """With what is allowed for the measurement's doubles."""
    return Bracket(value - error, value + error)


def probability(exponent: float, group: str, time: float, *, start: float = 1.0) -> Bracket:
    """That n samples of each class are separated; means grow apart as d (1 + t)^e, and variances, from `start`, by t."""
    deviation = math.sqrt(start + time)
    chance = separated_probability(APART[group] * (1 + time) ** exponent, deviations=(deviation, deviation), counts=(SAMPLES, SAMPLES))
    return predicted(float(np.exp(chance.log)), ROUNDING)


def top_exponent(ratio: float, others: int) -> float:
    """Of the L-model's differences."""
    return top_mode(SHARES[ratio], INTRA, INTER, others)[0]


def limiting_cosine(ratio: float, pair: str, others: int) -> float:
    """Between a pair's limiting directions."""
    first, second = limiting_directions(SHARES[ratio], INTRA, INTER, others)[list(PAIRS[pair])]
    return float(first @ second)


def draw_separation(setting: Setting) -> Figure:
    """Exact curves and counted paths for a majority and a minority pair."""
    times, watched = (0.01, *np.geomspace(0.1, 1e3, 80).tolist()), np.geomspace(1.0, 1e3, 7).tolist()
    counted = [counts(setting, time, 1000) for time in watched]
    series: list[Series] = []
    for color, group in enumerate(GROUPS):
        exponent, shares = STRENGTH * float(SHARES[RATIO][PAIRS[group][0]]), [each[group] for each in counted]
        curve = tuple(probability(exponent, group, time).middle for time in times)
        series.append(Series.line(f"{group} pair", times, curve, color))
        series.append(counted_points(f"{group} pair, 1000 paths", watched, shares, setting.level, color))
    return Figure(
        title="The minority is never separated",
        caption=f"I-model, shares 0.4, 0.4, 0.1, 0.1, γ = {STRENGTH:g}/(1 + t), {SAMPLES} samples per class; 1/(2π_A) < c < 1/(2π_B).",
        x_label="time",
        y_label="probability of separation",
        series=tuple(series),
        log_x=True,
    )
