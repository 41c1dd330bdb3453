"""Directions along which two classes are separated most often, by a search; and what the direction of the means leaves of the signal."""

import math

import numpy as np
from scipy.optimize import minimize_scalar

from layerpeel.array_words import Float
from layerpeel.numerics import ordered_probability

ANGLE = 1e-4
"""A maximiser is known to about the root of the relative error of the maximum."""
STEP = math.pi / 60
"""Of the scan for it."""


def best_angle(
    first: Float[np.ndarray, "2 2"], second: Float[np.ndarray, "2 2"], count: float, length: float, difference: Float[np.ndarray, " 2"]
) -> float:
    """The angle along which the probability of order is largest, by the exact integral: a scan of the half circle, then Brent's method."""

    def costs(angles: Float[np.ndarray, " a"]) -> Float[np.ndarray, " a"]:
        units = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        deviations = tuple(np.sqrt(np.einsum("ai,ij,aj->a", units, matrix, units)) for matrix in (first, second))
        return -ordered_probability(length * units @ difference, deviations=deviations, counts=(count, count)).log

    angles = STEP * np.arange(math.pi / STEP)
    near = float(angles[np.argmin(costs(angles))])
    minimum = minimize_scalar(
        lambda angle: float(costs(np.array([angle]))[0]),
        bounds=(near - STEP, near + STEP),
        method="bounded",
        options={"xatol": 0.1 * ANGLE},
    )
    return float(minimum.x) % math.pi


def least_share(kappa: float) -> float:
    """Over a grid of directions."""
    angles = np.arange(0.0, 0.5 * math.pi, ANGLE)
    squares = np.stack([np.cos(angles), np.sin(angles)]) ** 2
    return float(np.min(1 / ((squares[0] + kappa * squares[1]) * (squares[0] + squares[1] / kappa))))
