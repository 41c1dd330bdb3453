"""Training with corrupted labels, simulated: a step moves every class as the label of its one sample says."""

import numpy as np

from layerpeel.array_words import Int
from layerpeel.numerics import Estimate
from layerpeel.theory import Setting

INTRA, INTER, STEP, STEPS, NOISE = 1.0, -0.5, 0.1, 20, 0.02
RUNS = 20_000
"""The standard error of a ratio of about 2 is then below 0.01."""


def simulated(setting: Setting, classes: int, ratio: float) -> Estimate:
    """Growth of x_1 − x_2, which starts at 2. Given the past, the mean step is h E P' X/K."""
    state = np.zeros((RUNS, classes))
    state[:, :2] = 1.0, -1.0
    runs, rng = np.arange(RUNS), setting.rng
    for _ in range(STEPS):
        truth = rng.integers(classes, size=RUNS)
        label = corrupted(rng, truth, classes, ratio)
        strengths = np.where(np.arange(classes) == label[:, None], INTRA, INTER)
        state += STEP * strengths * state[runs, truth][:, None] + NOISE * rng.standard_normal(state.shape)
    return Estimate.of((state[:, 0] - state[:, 1]) / 2)


def corrupted(rng: np.random.Generator, truth: Int[np.ndarray, " runs"], classes: int, ratio: float) -> Int[np.ndarray, " runs"]:
    """Each label replaced, with probability `ratio`, by one of the others."""
    shift = rng.integers(1, classes, size=truth.size)
    return np.where(rng.random(truth.size) < ratio, (truth + shift) % classes, truth)
