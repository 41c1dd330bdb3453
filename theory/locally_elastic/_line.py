"""The I-model on a line with γ = c (1 + t)^{−r}: the example of the switch, and its figures."""

import math

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics import (
    ElasticModel,
    Proportion,
    as_rate,
    elastic_law,
    increasing_root,
    ordered_probability,
    separated_along,
    separated_probability,
)
from layerpeel.theory._room import Figure, Profile, Series, Setting
from layerpeel.theory.locally_elastic._paths import counted_points

CLASSES = 3
DISTANCE, VARIANCE = 2.0, 4.0
"""Of the outer class means, and of the features of each class, at time 0; the noise is 1 per unit of time."""
START = np.linspace(0.5 * DISTANCE, -0.5 * DISTANCE, CLASSES)[:, None]
"""Class means at time 0."""

SAMPLES, LEVEL = 10, 0.05
"""Of the figures: samples per class, and the level of their intervals."""
DRAWN = ((0.25, 1.0), (0.5, 1.0), (0.75, 1.0), (1.0, 2.25), (1.0, 1.5), (1.0, 0.75), (1.25, 1.0), (1.5, 1.0), (2.0, 1.0))
"""(r, c); for r = 1 above, at and below K/2."""
DRAWN_END = 1e4
"""Beyond this e^{Γ/K} leaves the doubles at r = 1/4."""
LATE = (1e1, 1e2, 1e4, 1e8, 1e16)
"""Times of the lines in the phase diagram."""
SHOWN = (0.03, 30.0)
"""Constants that the phase diagram shows."""
STEP = 1e-3
"""Half a step of the slope in the search for probability one half: good to 1e-6, and only a drawing hangs on it."""


PATHS = {Profile.QUICK: 200, Profile.FULL: 2000}
"""Drawn for a figure."""


def line_model(exponent: float, constant: float) -> ElasticModel:
    """The I-model with p = 1, α = c (1 + t)^{−r} and β = 0."""
    return ElasticModel(blocks="I", num_classes=CLASSES, num_features=1, intra=f"{constant!r}*(1 + t)**(-{exponent!r})", inter=0, noise=1)


def ends_separated(points: Float[np.ndarray, "paths K n 1"]) -> int:
    """On how many paths the first and the last class are separated: on a line, by any hyperplane."""
    return int(separated_along(points[:, 0], points[:, -1], np.ones((len(points), 1))).sum())


def draw_curves(setting: Setting) -> Figure:
    """Separation probability against time on both sides of the transition."""
    series: list[Series] = []
    curve, times = np.geomspace(0.1, DRAWN_END, 80), np.geomspace(1.0, DRAWN_END, 9)
    paths = PATHS[setting.profile]
    for color, (exponent, constant) in enumerate(DRAWN):
        name = f"r = {exponent:g}" + (f", c = {constant:g}" if exponent == 1.0 else "")
        growth = np.exp(as_rate(f"{constant / CLASSES!r}*(1 + t)**(-{exponent!r})").integral(curve))
        deviations = np.sqrt(VARIANCE + curve)
        exact = separated_probability(DISTANCE * growth, deviations=(deviations, deviations), counts=(SAMPLES, SAMPLES))
        heights = np.exp(exact.log)
        series.append(Series.line(f"{name}, exact", curve, heights, color))
        joint = elastic_law(line_model(exponent, constant), START, times, spread=math.sqrt(VARIANCE))
        drawn = joint.draw(rng=setting.rng, paths=paths, samples=SAMPLES)
        counts = [Proportion(successes=ends_separated(drawn[:, index]), n=paths) for index in range(len(times))]
        series.append(counted_points(f"{name}, Monte Carlo", times.tolist(), counts, LEVEL, color))
    return Figure(
        title="Separation probability for γ = c (1 + t)^(−r), I-model with K = 3",
        caption=f"Lines: the exact Gaussian integral. Points: {paths} paths, with 95 % intervals, each path followed through all times. "
        f"{SAMPLES} samples per class, means {DISTANCE:g} apart and features of variance {VARIANCE:g} at time 0; c = 1 except at r = 1, "
        "where c = K/2 = 1.5 is the switch.",
        x_label="time t",
        y_label="probability of separation",
        series=tuple(series),
        log_x=True,
    )


def draw_phases(setting: Setting) -> Figure:
    """The constant c at which separation has probability one half, by time."""

    def excess(distance: float) -> tuple[float, float]:
        ends = np.array([distance - STEP, distance + STEP])
        low, high = np.exp(ordered_probability(ends, deviations=(1.0, 1.0), counts=(SAMPLES, SAMPLES)).log).tolist()
        return 0.5 * (low + high) - 0.5, (high - low) / (2.0 * STEP)

    needed = increasing_root(excess, start=4.0, upper=20.0)
    exponents = np.linspace(0.0, 2.0, 161)
    series: list[Series] = []
    for color, time in enumerate(LATE):
        # ∫_0^t (1 + s)^{−r} ds = log(1 + t) · (e^u − 1)/u with u = (1 − r) log(1 + t)
        clock = math.log1p(time)
        u = (1.0 - exponents) * clock
        integrals = clock * np.where(u == 0.0, 1.0, np.expm1(u) / np.where(u == 0.0, 1.0, u))
        constants = CLASSES * math.log(needed * math.sqrt(VARIANCE + time) / DISTANCE) / integrals
        shown = (constants > SHOWN[0]) & (constants < SHOWN[1])
        x, y = exponents[shown], constants[shown]
        series.append(Series.line(f"t = {time:.0e}", x, y, color))
    return Figure(
        title="Phases of γ = c (1 + t)^(−r), I-model with K = 3",
        caption=f"Above a line, {SAMPLES} samples per class are separated with probability more than one half at that time; below it, "
        "less. As t grows the lines tend to the phase boundary: c = 0 for r < 1, no c for r > 1, and the point c = K/2 = 1.5 at r = 1.",
        x_label="exponent r",
        y_label="constant c",
        series=tuple(series),
        marks=((1.0, "r = 1", 0),),
        log_y=True,
    )
