"""Where descents on features and classifiers end under three convex losses: their values, and how far their Gram matrices are apart."""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
from scipy.optimize import minimize

from layerpeel.array_words import Float
from layerpeel.numerics import Bracket

Matrix: TypeAlias = Float[np.ndarray, "K K"]

SHARES = {"balanced": np.full(4, 1 / 4), "unequal": np.array([5, 3, 2, 1]) / 11}
"""c_k of four classes."""
STARTS, OPTIONS = 6, {"maxiter": 20_000, "maxcor": 30, "ftol": 1e-16, "gtol": 1e-11}
SAME = 1e-9
"""Ends whose values differ by less are at one value; others are worse."""
STOPPED = 2e-5
"""Allowance in an entry of a Gram matrix for where L-BFGS stops; seen: 2e-6."""


def cross_entropy(logits: Matrix) -> tuple[Float[np.ndarray, " K"], Matrix]:
    """Of each row with its own class, and its slope."""
    heights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.logaddexp.reduce(logits, axis=1) - logits.diagonal(), heights / heights.sum(axis=1, keepdims=True) - np.eye(len(logits))


def squared(logits: Matrix) -> tuple[Float[np.ndarray, " K"], Matrix]:
    """½‖z − e_k‖²."""
    missed = logits - np.eye(len(logits))
    return 0.5 * np.sum(missed**2, axis=1), missed


def summed_hinge(logits: Matrix) -> tuple[Float[np.ndarray, " K"], Matrix]:
    """Σ_{j≠k} max(0, 1 + z_j − z_k)."""
    lacking = np.maximum(1 + logits - logits.diagonal()[:, None], 0.0) * (1 - np.eye(len(logits)))
    slope = (lacking > 0).astype(float)
    return lacking.sum(axis=1), slope - np.diag(slope.sum(axis=1))


LOSSES: dict[str, Callable[[Matrix], tuple[Float[np.ndarray, " K"], Matrix]]] = {
    "cross-entropy": cross_entropy,
    "squared error": squared,
    "summed hinge": summed_hinge,
}


class End(NamedTuple):
    """Where a descent ends: Σ c_k L_k, and the Gram matrix of features and classifiers."""

    value: float
    gram: Float[np.ndarray, "2K 2K"]


def ends(rng: np.random.Generator, loss: str, counts: str, radius: float, dimension: int) -> list[End]:
    """Of descents with ‖H‖² = ‖W‖² = radius from random starts, those of the least value."""
    shares = SHARES[counts]
    shape = (2, len(shares), dimension)

    def unfolded(flat: Float[np.ndarray, " n"]) -> tuple[Float[np.ndarray, "2 K p"], Float[np.ndarray, "2 1 1"]]:
        norms = np.linalg.norm(flat.reshape(shape), axis=(1, 2), keepdims=True)
        return np.sqrt(radius) * flat.reshape(shape) / norms, norms

    def value_and_slope(flat: Float[np.ndarray, " n"]) -> tuple[float, Float[np.ndarray, " n"]]:
        (features, classifier), norms = unfolded(flat)
        losses, slope = LOSSES[loss](features @ classifier.T)
        slope = shares[:, None] * slope
        both = np.stack([slope @ classifier, slope.T @ features])
        radial = np.sum(both * np.stack([features, classifier]), axis=(1, 2), keepdims=True) / radius
        return float(shares @ losses), (np.sqrt(radius) * (both - radial * np.stack([features, classifier])) / norms).ravel()

    found: list[End] = []
    for _ in range(STARTS):
        end = minimize(value_and_slope, rng.normal(size=shape).ravel(), jac=True, method="L-BFGS-B", options=OPTIONS)
        points = np.concatenate([*unfolded(end.x)[0]])
        found.append(End(float(end.fun), points @ points.T))
    least = min(end.value for end in found)
    return [end for end in found if end.value < least + SAME]


def apart(rng: np.random.Generator, loss: str, counts: str, radius: float, dimension: int) -> Bracket:
    """The largest difference of an entry between the Gram matrices of two ends of the least value; infinite where there is one alone."""
    grams = np.array([end.gram for end in ends(rng, loss, counts, radius, dimension)])
    return Bracket.around(float(np.ptp(grams, axis=0).max()) if len(grams) > 1 else np.inf, STOPPED)


def least_value(rng: np.random.Generator, loss: str, counts: str, radius: float, dimension: int) -> Bracket:
    """Of all ends."""
    return Bracket.around(ends(rng, loss, counts, radius, dimension)[0].value, SAME)
