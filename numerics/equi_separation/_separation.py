"""Separation fuzziness D = Tr(SSW SSB⁺) of labelled features, with a stated rule for the rank of SSB."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Shaped

from numerics._inputs import UnusableInput
from numerics.equi_separation._class_moments import (
    ClassStatistics,
    between_factor,
    class_means,
    class_residuals,
    count_classes,
    require_every_class,
    require_labelled,
    require_scatter,
)

ROUNDINGS = 8.0
"""Class means are sums of rounded numbers: singular values of the centred means below this many roundings of the largest entry, times
the larger side of the matrix, are zero. The factor covers the subtraction of the grand mean and the square roots of the weights."""

STORED_ROUNDINGS = 8.0
"""Features that ought to coincide differ by this many roundings ε max|x| along a unit vector at most. Storing them costs half of one; the
sums of rounded products that a network computes cost more: at 20 layers in single precision 0.9 in the root mean square, measured against
double precision, and independent errors of the p features show along a unit vector as their root mean square. 8 leaves a margin."""


def between_basis(
    counts: Int[np.ndarray, " K"], means: Float[np.ndarray, "K p"]
) -> tuple[Float[np.ndarray, "p r"], Float[np.ndarray, " r"]]:
    """Orthonormal basis of range(SSB) and the square roots of its eigenvalues, largest first.

    SSB = AᵀA with the K×p factor A of `between_factor`, so its spectrum is cut at rank K − 1 by construction; class means that
    coincide or depend on each other lower it further, by the rule of ROUNDINGS. A pseudo-inverse of the p×p matrix SSB with a default
    tolerance keeps rounding noise as if it were signal, and D explodes.

    Raises:
        UnusableInput: when all class means coincide.

    Example:
        >>> basis, roots = between_basis(np.array([1, 1]), np.array([[0.0, 0.0], [2.0, 0.0]]))
        >>> basis.round(12).ravel().tolist() in ([1.0, 0.0], [-1.0, 0.0]), roots.round(12).tolist()
        (True, [1.0])
    """
    factor = between_factor(counts, means)
    _, roots, right = np.linalg.svd(factor, full_matrices=False)
    noise = ROUNDINGS * max(means.shape) * np.finfo(float).eps * max(float(np.abs(means).max()), float(roots[0]))
    rank = min(int((roots > noise).sum()), len(counts) - 1)
    if rank == 0:
        raise UnusableInput("all class means coincide to rounding: D divides by their spread; give features whose class means differ.")
    return right[:rank].T, roots[:rank]


@dataclass(frozen=True, kw_only=True, eq=False)
class Separation:
    """How well labelled features are separated.

    Args:
        fuzziness: D = Tr(SSW SSB⁺).
        by_class: D_k = Tr(SSW_k SSB⁺) with the scatter SSW_k of class k alone; D is their average weighted by n_k/n.
        rank_between: rank of SSB; a map that merges class means lowers it, and D with it, so read both.
        rounding: the D that rounding alone can leave, Σ_i (8 ε max|x|/σ_i)² with ε of the type in which the features are stored; at or
            below it the samples of every class coincide as far as these numbers can tell.
    """

    fuzziness: float
    by_class: Float[np.ndarray, " K"]
    rank_between: int
    rounding: float = 0.0


def separation(features: Shaped[np.ndarray, "n p"], labels: Shaped[np.ndarray, " n"]) -> Separation:
    """Separation fuzziness of features held in memory.

        D = Tr(SSW SSB⁺) = (1/n) Σ_ki ‖ diag(1/σ) Vᵀ (x_ki − x̄_k) ‖²,      SSB = V diag(σ²) Vᵀ.

    Only the at most K − 1 directions of range(SSB) enter, so the cost is n·p·K and no p×p matrix is formed.

    Args:
        features: one row per sample.
        labels: class numbers from 0.

    Raises:
        UnusableInput: for unusable arrays, a class without samples, single samples everywhere, or class means that all coincide.

    Source: he2023, equation (1).

    Example:
        >>> round(separation(np.array([[0.0], [1.0], [4.0], [5.0]]), np.array([0, 0, 1, 1])).fuzziness, 12)
        0.0625
    """
    data, classes = require_labelled(features, labels)
    count = count_classes(classes)
    counts, means = class_means(data, classes, count)
    require_every_class(counts)
    basis, roots = between_basis(counts, means)
    require_scatter(counts)
    whitened = class_residuals(data, classes, means) @ (basis / roots)
    squares = np.bincount(classes, weights=np.einsum("ij,ij->i", whitened, whitened), minlength=count)
    eps = max(np.finfo(kind).eps for kind in (float, features.dtype) if np.issubdtype(kind, np.floating))  # whole numbers are exact
    error = STORED_ROUNDINGS * float(eps) * max(float(data.max()), -float(data.min()))
    return Separation(
        fuzziness=float(squares.sum() / len(data)),
        by_class=squares / counts,
        rank_between=len(roots),
        rounding=float(((error / roots) ** 2).sum()),
    )


def fuzziness(statistics: ClassStatistics) -> float:
    """D = Tr(SSW SSB⁺) from streamed moments.

    Example:
        >>> from numerics import ClassMoments
        >>> moments = ClassMoments(2, 1)
        >>> moments.update(np.array([[0.0], [1.0], [4.0], [5.0]]), np.array([0, 0, 1, 1]))
        >>> round(fuzziness(moments.compute()), 12)
        0.0625
    """
    basis, roots = between_basis(statistics.counts, statistics.means)
    require_scatter(statistics.counts)
    return float(np.einsum("ir,ij,jr->", basis / roots, statistics.within, basis / roots, optimize=True))


def lda_floor(statistics: ClassStatistics) -> float:
    """Σ_i 1/λ_i(SSW⁻¹ SSB): the least D that an invertible linear map can reach; whitening SSW reaches it.

        D(AX) ≥ Σ_i 1/λ_i(SSW⁻¹ SSB)  =  Tr[(M SSW⁻¹ Mᵀ)⁻¹],      SSB = Mᵀ M with M of full row rank.

    Raises:
        UnusableInput: when SSW is singular to rounding: then no floor above zero is certain.

    Example:
        >>> from numerics import ClassMoments
        >>> moments = ClassMoments(2, 1)
        >>> moments.update(np.array([[0.0], [1.0], [4.0], [5.0]]), np.array([0, 0, 1, 1]))
        >>> round(lda_floor(moments.compute()), 12)
        0.0625
    """
    basis, roots = between_basis(statistics.counts, statistics.means)
    values, vectors = np.linalg.eigh(statistics.within)
    if values[0] <= len(values) * np.finfo(float).eps * values[-1]:
        raise UnusableInput(
            "the within-class scatter is singular to rounding: a linear map can make D as small as it likes; project the features on the "
            "directions in which samples of a class differ, or add samples."
        )
    whitened = (basis * roots).T @ (vectors / np.sqrt(values))
    return float((np.linalg.svd(whitened, compute_uv=False) ** -2.0).sum())
