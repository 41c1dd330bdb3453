"""Configurations in which the features of a class vary: random variation of a given energy, and the loss sample by sample."""

import math

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics import Bracket, class_means, feature_energy

ROUNDING = 1e-12
"""Allowance for evaluating a loss of order one, sample by sample, in doubles."""


def labels_of(majority: int, minority: int, big: int, small: int) -> np.ndarray:
    """The class of every sample."""
    return np.repeat(np.arange(majority + minority), [big] * majority + [small] * minority)


def deviations(features: Float[np.ndarray, "N p"], labels: np.ndarray) -> Float[np.ndarray, "N p"]:
    """From the class means."""
    return features - class_means(features, labels, int(labels[-1]) + 1)[1][labels]


def variation(labels: np.ndarray, scales: Float[np.ndarray, " p"], energy: float, rng: np.random.Generator) -> Float[np.ndarray, "N p"]:
    """Random displacements of that energy that sum to zero in every class, with standard deviations in the ratios of `scales`."""
    shifts = deviations(scales * rng.standard_normal((labels.size, scales.size)), labels)
    return shifts * math.sqrt(energy / feature_energy(shifts, labels))


def loss(features: Float[np.ndarray, "N p"], classifier: Float[np.ndarray, "K p"], labels: np.ndarray) -> Bracket:
    """Cross-entropy sample by sample."""
    logits = features @ classifier.T
    value = float(np.mean(np.logaddexp.reduce(logits, axis=1) - logits[np.arange(labels.size), labels]))
    return Bracket(value - ROUNDING, value + ROUNDING, rigorous=True)
