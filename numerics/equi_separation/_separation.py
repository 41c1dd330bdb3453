"""Separation fuzziness D = Tr(SSW SSB⁺) of labelled features, with a stated rule for the rank of SSB."""

from dataclasses import dataclass

import numpy as np

from layerpeel.array_words import Float, Int, Shaped
from layerpeel.numerics._inputs import UnusableInput
from layerpeel.numerics._validated import validated
from layerpeel.numerics.equi_separation._class_means import CentredFeatures, between_factor, centred_features
from layerpeel.numerics.equi_separation._class_moments import ClassStatistics
from layerpeel.numerics.equi_separation._labels import require_scatter

ROUNDINGS = 8.0
"""What the arithmetic in doubles leaves of a singular value that ought to be zero: this many roundings of the largest entry, times the
larger side of the matrix, for the subtraction of the grand mean, the square roots of the weights and the decomposition. What the type of
the stored features leaves is mostly larger, and has a rule of its own, from the errors of the class means: see `between_basis`."""


@validated
def between_basis(
    counts: Int[np.ndarray, " K"], means: Float[np.ndarray, "K p"], errors: Float[np.ndarray, " K"] | None = None
) -> tuple[Float[np.ndarray, "p r"], Float[np.ndarray, " r"]]:
    """Orthonormal basis of range(SSB) and the square roots of its eigenvalues, largest first.

    SSB = AᵀA with the K×p factor A of `between_factor`, so its spectrum is cut at rank K − 1 by construction; class means that
    coincide or depend on each other lower it further. If each mean is off by at most e_k in norm, then A is off by

        ‖ΔA‖₂² ≤ ‖ΔA‖_F² = Σ_k (n_k/n) ‖Δx̄_k − Δx̄‖² ≤ Σ_k (n_k/n) e_k²,

    and no singular value moves by more than ‖ΔA‖₂ (Weyl): what is not above that, and above the rounding of the doubles (ROUNDINGS), is
    zero. A tolerance that forgets how the features were stored keeps rounding noise as if it were signal, and D explodes. The rule is
    one of norms: differences that live in a feature far smaller than the others are taken for the rounding of those.

    Args:
        counts: K numbers n_k ≥ 1, the weights of the classes.
        means: x̄_k, K × p.
        errors: K numbers e_k ≥ 0, as `mean_errors` of class statistics gives them; means in exact doubles when not given.

    Returns:
        The basis (p × r, one vector per column) and the roots (r).

    Raises:
        UnusableInput: for arrays that do not fit, and when all class means coincide.

    Source: derived; docs/derivations/equi-separation.md, "Exact properties".

    Example:
        >>> basis, roots = between_basis(np.array([1, 1]), np.array([[0.0, 0.0], [2.0, 0.0]]))
        >>> basis.round(12).ravel().tolist() in ([1.0, 0.0], [-1.0, 0.0]), roots.round(12).tolist()
        (True, [1.0])
    """
    factor = between_factor(counts, means)
    _, roots, right = np.linalg.svd(factor, full_matrices=False)
    noise = ROUNDINGS * max(means.shape) * np.finfo(float).eps * max(float(np.abs(means).max()), float(roots[0]))
    if errors is not None:
        noise += float(np.sqrt(counts @ errors**2 / counts.sum()))
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
        rank_between: rank of SSB as far as the rounding of the stored features can tell; a map that merges class means lowers it, and D
            with it, so read both.
        rounding: the D that rounding alone can leave, Σ_i (u max|x|/σ_i)² with u = 2 ε + 6 min(ε, 2⁻²³) and ε of the type in which the
            features are stored (8 ε for single and double precision); at or below it the samples of every class coincide as far as these
            numbers can tell. The rank supposes the same error u of every sample; here it counts whole, along single directions, and
            there as the mean of a class keeps it, along all directions together.
    """

    fuzziness: float
    by_class: Float[np.ndarray, " K"]
    rank_between: int
    rounding: float = 0.0


@validated
def separation(features: Shaped[np.ndarray, "n p"], labels: Shaped[np.ndarray, " n"], *, eps: float | None = None) -> Separation:
    """Separation fuzziness of features held in memory.

        D = Tr(SSW SSB⁺) = (1/n) Σ_ki ‖ diag(1/σ) Vᵀ (x_ki − x̄_k) ‖²,      SSB = V diag(σ²) Vᵀ.

    Only the at most K − 1 directions of range(SSB) enter, so the cost is n·p·K and no p×p matrix is formed.

    Args:
        features: n × p, one row per sample.
        labels: n class numbers from 0.
        eps: machine epsilon of the type in which the features were stored, where it is coarser than that of the array: 2⁻⁷ for bfloat16.

    Raises:
        UnusableInput: for unusable arrays, a class without samples, single samples everywhere, or class means that all coincide.

    Source: he2023, equation (1).

    Example:
        >>> round(separation(np.array([[0.0], [1.0], [4.0], [5.0]]), np.array([0, 0, 1, 1])).fuzziness, 12)
        0.0625
    """
    return separation_of(centred_features(features, labels, eps=eps))


@validated
def separation_of(centred: CentredFeatures) -> Separation:
    """The same as `separation` for features whose class means are known already.

    Args:
        centred: what `centred_features` returns.

    Raises:
        UnusableInput: for what is no `CentredFeatures`, single samples everywhere, or class means that all coincide.

    Source: he2023, equation (1).

    Example:
        >>> points = centred_features(np.array([[0.0], [1.0], [4.0], [5.0]]), np.array([0, 0, 1, 1]))
        >>> round(separation_of(points).fuzziness, 12)
        0.0625
    """
    basis, roots = between_basis(centred.counts, centred.means, centred.mean_errors)
    require_scatter(centred.counts)
    whitened = centred.residuals @ (basis / roots)
    squares = np.bincount(centred.labels, weights=np.einsum("ij,ij->i", whitened, whitened), minlength=len(centred.counts))
    error = centred.roundoff * max(float(centred.features.max()), -float(centred.features.min()))
    return Separation(
        fuzziness=float(squares.sum() / len(centred.labels)),
        by_class=squares / centred.counts,
        rank_between=len(roots),
        rounding=float(((error / roots) ** 2).sum()),
    )


@validated
def fuzziness(statistics: ClassStatistics) -> float:
    """D = Tr(SSW SSB⁺) from streamed moments.

    Args:
        statistics: what `ClassMoments.compute` returns.

    Raises:
        UnusableInput: for what is no `ClassStatistics`, single samples everywhere, or class means that all coincide.

    Source: he2023, equation (1).

    Example:
        >>> from layerpeel.numerics import ClassMoments
        >>> moments = ClassMoments(2, 1)
        >>> moments.update(np.array([[0.0], [1.0], [4.0], [5.0]]), np.array([0, 0, 1, 1]))
        >>> round(fuzziness(moments.compute()), 12)
        0.0625
    """
    basis, roots = between_basis(statistics.counts, statistics.means, statistics.mean_errors)
    require_scatter(statistics.counts)
    return float(np.einsum("ir,ij,jr->", basis / roots, statistics.within, basis / roots, optimize=True))


@validated
def lda_floor(statistics: ClassStatistics) -> float:
    """Σ_i 1/λ_i(SSW⁻¹ SSB): the least D that an invertible linear map can reach; whitening SSW reaches it.

        D(AX) ≥ Σ_i 1/λ_i(SSW⁻¹ SSB)  =  Tr[(M SSW⁻¹ Mᵀ)⁻¹],      SSB = Mᵀ M with M of full row rank.

    Args:
        statistics: what `ClassMoments.compute` returns.

    Raises:
        UnusableInput: for what is no `ClassStatistics`, for class means that all coincide, and when SSW is singular to rounding: then no
            floor above zero is certain.

    Source: derived; docs/derivations/equi-separation.md, "LDA floor".

    Example:
        >>> from layerpeel.numerics import ClassMoments
        >>> moments = ClassMoments(2, 1)
        >>> moments.update(np.array([[0.0], [1.0], [4.0], [5.0]]), np.array([0, 0, 1, 1]))
        >>> round(lda_floor(moments.compute()), 12)
        0.0625
    """
    basis, roots = between_basis(statistics.counts, statistics.means, statistics.mean_errors)
    values, vectors = np.linalg.eigh(statistics.within)
    size = float(statistics.counts @ statistics.second_moments) / statistics.counts.sum()
    stored = statistics.roundoff**2 * size / len(values)  # independent errors of the p features, along one direction
    if values[0] <= max(stored, len(values) * np.finfo(float).eps * values[-1]):
        raise UnusableInput(
            "the within-class scatter is singular to rounding: a linear map can make D as small as it likes; project the features on the "
            "directions in which samples of a class differ, or add samples."
        )
    whitened = (basis * roots).T @ (vectors / np.sqrt(values))
    return float((np.linalg.svd(whitened, compute_uv=False) ** -2.0).sum())
