"""Descent sample by sample: a feature for every sample, all of them and the classifiers moved at once."""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize

from layerpeel.array_words import Float
from layerpeel.numerics import UnusableInput, require_positive, require_whole, validated

OPTIONS = {"maxiter": 5000, "maxfun": 20000, "ftol": 1e-16, "gtol": 1e-12}
"""L-BFGS runs until rounding stops it."""


@validated
def descend_samples(
    counts: Sequence[int], dimension: int, *, feature_energy: float, weight_energy: float = 1.0, rng: np.random.Generator
) -> tuple[float, Float[np.ndarray, "N p"], Float[np.ndarray, "K p"]]:
    """One L-BFGS run on H and W, each normalised onto its energy sphere.

        min (1/N) Σ_k Σ_i L(W h_{k,i}, k)   s.t.   (1/K) Σ‖w_k‖² = E_W,   (1/K) Σ_k (1/n_k) Σ_i ‖h_{k,i}‖² = E_H,   L cross-entropy.

    Args:
        counts: n_k, samples per class.
        dimension: p ≥ 1.
        feature_energy: E_H.
        weight_energy: E_W.
        rng: source of the random start.

    Returns:
        (value, features, classifier) where it stopped; one row of features per sample, class by class.

    Raises:
        UnusableInput: for counts or a dimension that are not whole numbers ≥ 1, fewer than two classes, or energies that are not positive
            and finite.

    Source: su2024, the Layer-Peeled Model.

    Example:
        >>> value, features, _ = descend_samples([2, 2], 3, feature_energy=1.0, rng=np.random.default_rng(0))
        >>> round(value, 6), features.shape
        (0.126928, (4, 3))
    """
    energies = require_positive(feature_energy, "feature energy"), require_positive(weight_energy, "weight energy")
    numbers = [require_whole(count, f"counts of class {k}", remedy="correct it") for k, count in enumerate(counts)]
    dimension, classes = require_whole(dimension, "the dimension", remedy="features have one entry or more"), len(numbers)
    if classes < 2:
        raise UnusableInput(f"{classes} counts were given: there must be one for each of at least 2 classes; give more.")
    labels = np.repeat(np.arange(classes), numbers)
    total = labels.size
    # In the rows h/√n_k the feature energy is the plain squared norm.
    roots = np.sqrt(np.asarray(numbers, dtype=float)[labels])[:, None]
    radii = np.sqrt(classes * np.array(energies))

    def on_spheres(flat: np.ndarray) -> tuple[list[np.ndarray], list[float]]:
        parts = np.split(flat.reshape(-1, dimension), [total])
        norms = [float(np.linalg.norm(part)) for part in parts]
        return [part * (radius / norm) for part, radius, norm in zip(parts, radii, norms, strict=True)], norms

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        points, norms = on_spheres(flat)
        features, classifier = points[0] * roots, points[1]
        logits = features @ classifier.T
        logs = np.logaddexp.reduce(logits, axis=1, keepdims=True)
        residual = np.exp(logits - logs) - np.eye(classes)[labels]
        slopes = [residual @ classifier * roots / total, residual.T @ features / total]
        tangents = [
            (slope - np.sum(slope * point) / radius**2 * point) * (radius / norm)
            for slope, point, radius, norm in zip(slopes, points, radii, norms, strict=True)
        ]
        return float(np.mean(logs[:, 0] - logits[np.arange(total), labels])), np.concatenate(tangents).ravel()

    run = minimize(objective, rng.standard_normal((total + classes) * dimension), jac=True, method="L-BFGS-B", options=OPTIONS)
    (features, classifier), _ = on_spheres(run.x)
    return float(run.fun), features * roots, classifier
