"""What it costs to spread the features of a class, and where descent over all samples ends."""

import math
from functools import cache
from typing import Any

import numpy as np

from layerpeel.numerics import Bracket, feature_energy
from layerpeel.solvers import LayerPeeled, Solution, descend_samples
from layerpeel.theory.layer_peeled._reference import reference
from layerpeel.theory.layer_peeled._within_classes import ROUNDING, deviations, labels_of, loss, variation

LEANING = 3.0
"""A tenth of the variation then points along the classifiers, in the directions that the loss sees."""
STARTS = 4
"""Random starts per case; the worst one counts."""
STOPPED = 1e-8
"""Allowance in v for where L-BFGS stops: v is of the order of the excess over λτ, and the excess within 1e-9; seen: 1e-16."""


@cache
def certified(majority: int, minority: int, big: int, small: int, energy: float, kept: float = 1.0) -> Solution:
    """The optimum of the classes at a multiple of the feature energy, by semidefinite programs."""
    return reference(LayerPeeled.from_imbalance(majority, minority, big / small, feature_energy=kept * energy))


def cheapest(*case: Any, rng: np.random.Generator) -> Bracket:
    """Excess of the cheapest configuration with share v."""
    *classes, share = case
    best, means, labels = certified(*classes), certified(*classes, 1 - share), labels_of(*classes[:4])
    beside = np.zeros_like(means.classifier)
    shifts = variation(labels, np.ones(len(beside)), share * classes[4], rng)
    above = loss(np.hstack([means.features[labels], shifts]), np.hstack([means.classifier, beside]), labels) - best.value
    return Bracket((means.value - best.value).lower - ROUNDING, above.upper, rigorous=True)


def leaning(*case: Any, rng: np.random.Generator) -> Bracket:
    """Excess of the optimum with a share v of its energy turned into variation, LEANING times as far across the classifiers as along."""
    *classes, share = case
    best, labels = certified(*classes), labels_of(*classes[:4])
    beside = np.zeros_like(best.classifier)
    shifts = variation(labels, np.repeat([1.0, LEANING], len(beside)), share * classes[4], rng)
    features = math.sqrt(1 - share) * np.hstack([best.features, beside])[labels] + shifts
    return loss(features, np.hstack([best.classifier, beside]), labels) - best.value


def above_tangent(*case: Any) -> Bracket:
    """f*(τ√(1 − v)) − f*(τ) − λτ(1 − √(1 − v))."""
    *classes, share = case
    best, means = certified(*classes), certified(*classes, 1 - share)
    span, slope = best.problem.radius * share / (1 + math.sqrt(1 - share)), best.certified_multiplier
    return means.value - best.value - Bracket(slope.lower * span - ROUNDING, slope.upper * span + ROUNDING, rigorous=True)


def descended(*case: Any, rng: np.random.Generator) -> Bracket:
    """The largest share v where descents from random starts end."""
    labels = labels_of(*case[:4])
    shares: list[float] = []
    for _ in range(STARTS):
        counts = np.bincount(labels)
        _, features, _ = descend_samples(counts.tolist(), len(counts) + 2, feature_energy=case[4], rng=rng)
        shares.append(feature_energy(deviations(features, labels), labels) / case[4])
    return Bracket(max(shares) - STOPPED, max(shares) + STOPPED)
