"""Separation along Fisher's direction and along the means, in closed form; predictions only."""

import math

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics import Bracket, separated_probability
from layerpeel.theory import Figure, Series, Setting
from layerpeel.theory.locally_elastic._noise_along_axes import (
    ALONG,
    CLASSES,
    FISHER,
    MEANS,
    POWERS,
    SAMPLES,
    STRENGTH,
    separated_paths,
)
from layerpeel.theory.locally_elastic._paths import counted_points

ROUNDING = 1e-9
"""Of exact integrals and eigenvalues in doubles."""


def angle_of(direction: Float[np.ndarray, " 2"]) -> float:
    """In [0, π)."""
    return math.atan2(float(direction[1]), float(direction[0])) % math.pi


def limit_angle(covariances: tuple[Float[np.ndarray, "2 2"], ...], difference: Float[np.ndarray, " 2"], *, root: bool) -> float:
    """The angle of ν = (S_k/s_k + S_l/s_l)^{−1}D, s_k = √(νᵀS_kν), by iteration; without the root, of what its square would give."""
    direction = difference
    for _ in range(100):
        squares = [float(direction @ matrix @ direction) for matrix in covariances]
        pooled = sum(matrix / (math.sqrt(square) if root else square) for matrix, square in zip(covariances, squares, strict=True))
        direction = np.linalg.solve(pooled, difference)
        direction = direction / np.linalg.norm(direction)
    return angle_of(direction)


def exact_curves(times: Float[np.ndarray, " T"], powers: tuple[float, float] = POWERS) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of separation along both directions."""
    apart = (MEANS[0] - MEANS[1]) * (1 + times[:, None]) ** (STRENGTH / CLASSES)
    variances = (1 + times[:, None]) ** np.array(powers)
    curves = []
    for along in (apart / (1 + times[:, None]) ** np.array(POWERS), apart):
        deviation = np.sqrt(np.sum(along**2 * variances, axis=1))
        probability = separated_probability(np.sum(along * apart, axis=1), deviations=(deviation, deviation), counts=(SAMPLES, SAMPLES))
        curves.append(np.exp(probability.log))
    return curves[0], curves[1]


def chance(name: str, time: float, powers: tuple[float, float]) -> Bracket:
    """The exact probability along one direction at one time."""
    fisher, along = exact_curves(np.array([time]), powers)
    value = float((fisher if name == FISHER else along)[0])
    return Bracket(max(0.0, value - ROUNDING), min(1.0, value + ROUNDING))


DRAWN = 1e3
"""End of the figure."""


def draw_window(setting: Setting) -> Figure:
    """Exact curves and counted paths along both directions."""
    times, watched = np.geomspace(0.1, DRAWN, 80), np.geomspace(1.0, DRAWN, 7)
    counted, series = [separated_paths(setting, time, 1000) for time in watched.tolist()], list[Series]()
    for color, (name, curve) in enumerate(zip((FISHER, ALONG), exact_curves(times), strict=True)):
        series.append(Series.line(name, times, curve, color))
        series.append(counted_points(f"{name}, 1000 paths", watched.tolist(), [there[name] for there in counted], setting.level, color))
    return Figure(
        title="The direction decides",
        caption=f"I-model, K = 2, γ = {STRENGTH:g}/(1 + t), noise gathering as t² and √t along the axes, {SAMPLES} samples per class.",
        x_label="time",
        y_label="probability of separation along the direction",
        series=tuple(series),
        log_x=True,
    )
