"""Gradient descent in the factors themselves: the Layer-Peeled Model at a fixed feature dimension."""

import numpy as np
from scipy.optimize import minimize

from layerpeel.array_words import Float
from layerpeel.numerics import require_whole, validated
from layerpeel.solvers.program._problem import LayerPeeled
from layerpeel.solvers.program._program import require_unweighted


@validated
def descend(
    problem: LayerPeeled, dimension: int, *, rng: np.random.Generator, starts: int = 4
) -> tuple[float, Float[np.ndarray, "K p"], Float[np.ndarray, "K p"]]:
    """Best of several L-BFGS runs on H, W in R^{K×p}, both normalised onto their energy spheres.

        min Σ_k c_k L(W h_k, k)    over ‖H‖_F² = K E_H, ‖W‖_F² = K E_W.

    The non-convex program as stated, with no relaxation: every point is feasible, so its value is an upper bound of the best value
    at this dimension (and nothing more).

    Args:
        problem: the program: d = 1, no bias; classes stand group by group.
        dimension: p ≥ 1.
        rng: source of the random starts.
        starts: how many, ≥ 1.

    Returns:
        (value, features, classifier) of the best run, the last two K × p.

    Raises:
        UnusableInput: for weights on the nuclear norm, a bias, what is no such program, number or generator, a dimension or a number of
            starts below 1.

    Source: su2024, "Layer-Peeled Model".

    Example:
        >>> value, *_ = descend(LayerPeeled(counts=[3, 3, 3], feature_energy=1.0), 2, rng=np.random.default_rng(0), starts=1)
        >>> round(value, 6)
        0.368981
    """
    require_unweighted(problem, "gradient descent in the factors")
    dimension = require_whole(dimension, "the dimension", remedy="features have one entry or more")
    starts = require_whole(starts, "the number of starts", remedy="give one, for example 4")
    loss, classes = problem.loss_function, problem.num_classes
    weights = np.repeat(problem.weights, problem.sizes)
    sizes = np.sqrt([classes * problem.feature_energy, classes * problem.weight_energy])

    def normalised(flat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        factors = flat.reshape(2, classes, dimension)
        norms = np.linalg.norm(factors, axis=(1, 2))
        return factors * (sizes / norms)[:, None, None], norms

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        (features, classifier), norms = normalised(flat)
        value, slope = loss.dense(features @ classifier.T, weights, np.arange(classes))
        tangent = []
        for gradient, point, size, norm in zip((slope @ classifier, slope.T @ features), (features, classifier), sizes, norms, strict=True):
            radial = np.sum(gradient * point) / size**2
            tangent.append((gradient - radial * point) * (size / norm))
        return value, np.concatenate([part.ravel() for part in tangent])

    options = {"maxiter": 5000, "maxfun": 20000, "ftol": 1e-16, "gtol": 1e-12}
    runs = [
        minimize(objective, rng.standard_normal(2 * classes * dimension), jac=True, method="L-BFGS-B", options=options)
        for _ in range(starts)
    ]
    best = min(runs, key=lambda run: run.fun)
    (features, classifier), _ = normalised(best.x)
    return float(best.fun), features, classifier
