"""The optimum where the features' norm is another ℓ_q: its value, enclosed, and the cosines of the best point of the descent."""

import numpy as np

from layerpeel.numerics import Bracket
from layerpeel.solvers import descend_other_norm, enclose_other_norm

STOPPING = 1e-6
"""Allowance in a cosine for where L-BFGS stops: near an optimum the root of the loss's rounding, 1e-8, times a condition number."""


def optimum(classes: int, q: float, energy: float, *, rng: np.random.Generator) -> Bracket:
    """The optimal value, enclosed from the best point found."""
    return enclose_other_norm(q, *descend_other_norm(classes, q, rng=rng), feature_energy=energy)


def angles(q: float, rng: np.random.Generator) -> list[Bracket]:
    """Smallest and largest cosines at the best point found for K = p = 3.

    Between classifiers, between class means, between class means less their average, and of each class mean with its classifier.
    """
    features, classifier = descend_other_norm(3, q, rng=rng)
    rows, means, centred = (
        vectors / np.linalg.norm(vectors, axis=1, keepdims=True) for vectors in (classifier, features, features - features.mean(axis=0))
    )
    between = ~np.eye(3, dtype=bool)
    cosines = (rows @ rows.T)[between], (means @ means.T)[between], (centred @ centred.T)[between], np.sum(means * rows, axis=1)
    return [Bracket(float(values.min()) - STOPPING, float(values.max()) + STOPPING) for values in cosines]
