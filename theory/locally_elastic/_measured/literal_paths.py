"""Separation under the literal drift: from exact moments, and as often as paths show it."""

import math
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp

from layerpeel.numerics import Bracket, ElasticModel, Proportion, euler_chunks, separated_along
from layerpeel.theory import Setting
from layerpeel.theory.locally_elastic._drift import RELATIVE
from layerpeel.theory.locally_elastic._integrated_means import two_parameter
from layerpeel.theory.locally_elastic._paths import paths_needed

DISTANCE, NOISE = 2.0, 1.0
"""δ0 and σ."""
TWO = (2, 1.0, 0.0)
"""K, γ and σ0 (of the features at time 0)."""
SAMPLES = 4
"""n per class; one alone is always separated on a line."""
END, STEPS = 14.0, 350
"""With β = −γ a pair's common part is e^{−7} of its difference by then."""
BLUR = 0.08
"""Width that confirms a probability of stepped paths."""


def class_means(classes: int) -> np.ndarray:
    """At time 0 on a line, the first and the last δ0 apart."""
    return np.linspace(0.5 * DISTANCE, -0.5 * DISTANCE, classes)[:, None]


def ordered(time: float, classes: int, excess: float, spread: float) -> float:
    """P(D > 0) from the moments of one sample of each class, m' = Em/K and V' = (EV + VE)/K + σ²I with β = −γ/4, integrated."""
    drift, start = two_parameter(0.75 * excess, -0.25 * excess, classes) / classes, class_means(classes)[:, 0]

    def slope(_: float, state: np.ndarray) -> np.ndarray:
        mean, covariance = state[:classes], state[classes:].reshape(classes, classes)
        pushed = drift @ covariance
        return np.concatenate([drift @ mean, (pushed + pushed.T + NOISE**2 * np.eye(classes)).ravel()])

    begun = np.concatenate([start, (spread**2 * np.eye(classes)).ravel()])
    state = solve_ivp(slope, (0.0, time), begun, method="DOP853", rtol=RELATIVE, atol=RELATIVE).y[:, -1]
    mean, covariance = state[:classes], state[classes:].reshape(classes, classes)
    ends = covariance[0, 0] + covariance[-1, -1] - covariance[0, -1] - covariance[-1, 0]
    return 0.5 * math.erfc(-float((mean[0] - mean[-1]) / math.sqrt(ends)) / math.sqrt(2.0))


def ordered_alike(time: float) -> float:
    """All n pairs of two classes, in either order."""
    pair = ordered(time, *TWO)
    return pair**SAMPLES + (1 - pair) ** SAMPLES


def from_moments(value: float, error: float) -> Bracket:
    """What was found, with its error."""
    return Bracket(value - error, value + error)


def frequencies(setting: Setting) -> dict[str, Proportion]:
    """On paths of the literal drift."""
    classes, excess, spread = TWO
    model = ElasticModel(blocks="I", num_classes=classes, num_features=1, intra=0.0, inter=-excess, noise=NOISE)
    paths = paths_needed(setting.level, resolution=BLUR)
    how: dict[str, Any] = {"end": END, "steps": STEPS, "paths": paths, "samples": SAMPLES, "spread": spread, "drift": "literal"}
    counts = np.zeros(2, dtype=int)
    for points in euler_chunks(model, class_means(classes), rng=setting.rng, **how):
        counts[0] += int((points[:, 0, 0, 0] > points[:, 1, 0, 0]).sum())
        counts[1] += int(separated_along(points[:, 0], points[:, 1], np.ones((len(points), 1))).sum())
    return {label: Proportion(successes=int(count), n=paths) for label, count in zip(("pair", "all"), counts, strict=True)}
