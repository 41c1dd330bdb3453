"""Further measures of neural collapse that are in use, each by its definition in the paper that it comes from."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import pdist

from layerpeel.array_words import Float, Int
from layerpeel.numerics._frames import of_norm_one, simplex_gram
from layerpeel.numerics._inputs import UnusableInput
from layerpeel.numerics._validated import validated
from layerpeel.numerics.equi_separation._class_means import CentredFeatures, between_factor
from layerpeel.numerics.equi_separation._class_moments import ClassStatistics
from layerpeel.numerics.equi_separation._cosines import pairwise_cosines
from layerpeel.numerics.equi_separation._neural_collapse import nearest_mean

MOST_WORK = 2e11
"""Multiplications up to which ranks of the classes are computed: some ten seconds of work."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FrameShape:
    """How far K vectors are from equal norms and equal angles; zero for a simplex ETF, except both means.

    Args:
        equinorm: standard deviation of the norms over their mean.
        equiangularity: standard deviation of the cosines of all pairs.
        maximal_angle: mean of |cos + 1/(K−1)| over all pairs.
        distance_mean: mean distance of the vectors made unit vectors, over all pairs.
        distance_variance: its variance, zero when they lie uniformly on the sphere as far as pairs can tell.
        log_mean: mean of −log of these distances, the logarithmic energy that hyperspherical uniformity makes small.
        log_variance: its variance.
    """

    equinorm: float
    equiangularity: float
    maximal_angle: float
    distance_mean: float
    distance_variance: float
    log_mean: float
    log_variance: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Duality:
    """How well a classifier lies along the centred class means, in the definitions in use; M has rows μ_k − μ.

    Args:
        distance: ‖W/‖W‖_F − M/‖M‖_F‖_F², NC3 of Papyan, Han and Donoho.
        structure: ‖W Mᵀ/‖W Mᵀ‖_F − (I − 11ᵀ/K)/√(K−1)‖_F, NC3 of Zhu et al. and of Kothapalli's review.
        cosines: cos(w_k, μ_k − μ) for every class.
        product_variance: unbiased variance of ⟨w_k, μ_k − μ⟩ over classes (uniform duality); NaN for one class.
    """

    distance: float
    structure: float
    cosines: Float[np.ndarray, " K"]
    product_variance: float


@validated
def frame_shape(vectors: Float[np.ndarray, "K p"]) -> FrameShape:
    """Equinorm, equiangularity and hyperspherical uniformity of K vectors; class means are to be centred first.

    Args:
        vectors: K × p, one vector per row.

    Raises:
        UnusableInput: for what is no K × p array of real numbers, or fewer than two vectors.

    Source: papyan2020, section 2 (equinorm, equiangularity, maximal angle); liu2023 (uniformity).

    Example:
        >>> from layerpeel.numerics import simplex_etf
        >>> shape = frame_shape(3.0 * simplex_etf(4))
        >>> round(shape.equinorm, 12), round(shape.equiangularity, 12), round(shape.distance_mean**2, 12)
        (0.0, 0.0, 2.666666666667)
    """
    if len(vectors) < 2:
        raise UnusableInput(f"{len(vectors)} vector has no angle: equal angles are those of two or more; give more vectors.")
    norms = np.linalg.norm(vectors, axis=1)
    first, second = np.triu_indices(len(vectors), 1)
    cosines = pairwise_cosines(vectors)[first, second]
    with np.errstate(invalid="ignore", divide="ignore"):
        units = vectors / np.where(norms > 0.0, norms, np.nan)[:, None]
        distances = pdist(units)
        energies = -np.log(distances)
        return FrameShape(
            equinorm=float(norms.std() / norms.mean()) if norms.any() else math.nan,
            equiangularity=float(cosines.std()),
            maximal_angle=float(np.abs(cosines + 1.0 / (len(vectors) - 1)).mean()),
            distance_mean=float(distances.mean()),
            distance_variance=float(distances.var()),
            log_mean=float(energies.mean()),
            log_variance=float(energies.var()),
        )


@validated
def duality(means: Float[np.ndarray, "K p"], classifier: Float[np.ndarray, "K p"]) -> Duality:
    """NC3 in its definitions; the formulas stand beside the fields of `Duality`.

    Args:
        means: class means, K × p; their mean is taken out here.
        classifier: W, K × p, row k of class k.

    Raises:
        UnusableInput: for arrays that do not fit, a classifier of zeros, or class means that all coincide.

    Source: papyan2020, section 2; zhu2021, section 5; kothapalli2023.

    Example:
        >>> from layerpeel.numerics import simplex_etf
        >>> measured = duality(simplex_etf(3) + 1.0, 2.0 * simplex_etf(3))
        >>> round(measured.distance, 12), round(measured.structure, 12), measured.cosines.round(12).tolist()
        (0.0, 0.0, [1.0, 1.0, 1.0])
    """
    centred = means - means.mean(axis=0)
    for what, matrix in (("the classifier", classifier), ("the centred class means", centred)):
        if not matrix.any():
            raise UnusableInput(f"{what}, as K x p numbers, are all zero: they have no direction to compare; give others.")
    gram, target = of_norm_one(classifier) @ of_norm_one(centred).T, simplex_gram(len(means))
    size = np.linalg.norm(gram)
    products = np.einsum("ij,ij->i", classifier, centred)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosines = products / (np.linalg.norm(classifier, axis=1) * np.linalg.norm(centred, axis=1))
    return Duality(
        distance=float(np.linalg.norm(of_norm_one(classifier) - of_norm_one(centred)) ** 2),
        structure=float(np.linalg.norm(gram / size - target / np.linalg.norm(target))) if size > 0.0 else math.nan,
        cosines=cosines,
        product_variance=float(products.var(ddof=1)),
    )


@validated
def variability_forms(spread: CentredFeatures | ClassStatistics) -> tuple[float, float]:
    """NC1 in the two other forms in use, Σ_B = (1/K) Σ_k (μ_k − μ)(μ_k − μ)ᵀ.

        Tr(Σ_W Σ_{B,K−1}⁻¹)/K,  with the K − 1 leading directions of Σ_B and no rule for its rank,     and    Tr(Σ_W)/Tr(Σ_B).

    The first is `nc1` where the class means span K − 1 dimensions beyond rounding; where they do not, it divides by rounding errors.

    Args:
        spread: what `centred_features` or `ClassMoments(…).compute` returns.

    Returns:
        Both, the first infinite where a direction vanishes altogether.

    Raises:
        UnusableInput: for what is neither, and class means that all coincide.

    Source: han2022 (the first); tirer2023 (the second).

    Example:
        >>> from layerpeel.numerics import centred_features
        >>> points = centred_features(np.array([[0.9], [1.1], [-0.9], [-1.1]]), np.array([0, 0, 1, 1]))
        >>> [round(value, 12) for value in variability_forms(points)]
        [0.005, 0.01]
    """
    means, counts = spread.means, spread.counts
    factor = between_factor(np.ones(len(means), dtype=np.int64), means)
    between = float((factor**2).sum())
    if between == 0.0:
        raise UnusableInput("all class means coincide: NC1 divides by their spread; give features whose class means differ.")
    _, roots, right = np.linalg.svd(factor, full_matrices=False)
    few = min(len(means) - 1, means.shape[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        directions = right[:few].T / roots[:few]
        if isinstance(spread, CentredFeatures):
            whitened = spread.residuals @ directions
            total = float(np.einsum("ij,ij->", whitened, whitened)) / counts.sum()
        else:
            total = float(np.einsum("ir,ij,jr->", directions, spread.within, directions, optimize=True))
    by_svd = math.inf if math.isnan(total) else total / len(means)
    return float(by_svd), float(counts @ spread.variances / counts.sum()) / between


@validated
def disagreements(
    features: Float[np.ndarray, "n p"],
    labels: Int[np.ndarray, " n"],
    means: Float[np.ndarray, "K p"],
    classifier: Float[np.ndarray, "rows p"],
    bias: Float[np.ndarray, " rows"] | None = None,
    rows: Int[np.ndarray, " K"] | None = None,
) -> Int[np.ndarray, " K"]:
    """Samples of each class that the classifier and the nearest class mean label differently: NC4 is their share, summed over batches.

    Args:
        features: of a batch, one row per sample.
        labels: class numbers from 0 to K − 1.
        means: of the classes, over all batches.
        classifier: one row for each class that the network knows, of which K have samples.
        bias: one number for each row.
        rows: of the classifier, one for each of the K classes; the first K unless given.

    Raises:
        UnusableInput: for arrays that do not fit.

    Source: papyan2020, section 2 (NC4).

    Example:
        >>> means = np.array([[1.0], [-1.0]])
        >>> disagreements(np.array([[0.5], [-0.1]]), np.array([0, 1]), means, means, np.array([0.5, 0.0])).tolist()
        [0, 1]
    """
    said = np.argmax(features @ classifier.T + (0.0 if bias is None else bias), axis=1)
    near = nearest_mean(features, means)
    differ = said != (near if rows is None else rows[near])
    return np.bincount(labels[differ], minlength=len(means))


@validated
def outlier_alignment(means: Float[np.ndarray, "K p"], outlier_mean: Float[np.ndarray, " p"]) -> float:
    """NC5: mean over classes of |cos(μ_k, μ_o)| with μ_o the mean of features from elsewhere; zero when orthogonal to all classes.

    Args:
        means: class means as they are, K × p.
        outlier_mean: μ_o.

    Raises:
        UnusableInput: for arrays that do not fit.

    Source: ammar2024 (NC5).

    Example:
        >>> outlier_alignment(np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([3.0, 0.0]))
        0.5
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        cosines = means @ outlier_mean / (np.linalg.norm(means, axis=1) * np.linalg.norm(outlier_mean))
    return float(np.abs(cosines).mean())


@validated
def class_ranks(centred: CentredFeatures) -> tuple[Int[np.ndarray, " K"], Float[np.ndarray, " K"]] | None:
    """Rank and effective rank of each class about its mean.

        effective rank = exp(−Σ_i q_i log q_i),     q_i = σ_i/Σ_j σ_j,     σ the singular values of the class's residuals.

    A singular value counts in the rank where it is above what storing can move it by, √(Σ_i (u‖x_i‖)²) (Weyl), u the `roundoff`.

    Args:
        centred: what `centred_features` returns.

    Returns:
        Both by class, zero where all samples of a class coincide; None where it would take more than `MOST_WORK` multiplications.

    Raises:
        UnusableInput: for what is no `CentredFeatures`.

    Source: roy2007 (effective rank).

    Example:
        >>> from layerpeel.numerics import centred_features
        >>> cross = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0], [9.0, 9.0]])
        >>> ranks, effective = class_ranks(centred_features(cross, np.array([0, 0, 0, 0, 1])))
        >>> ranks.tolist(), effective.round(12).tolist()
        ([2, 0], [2.0, 0.0])
    """
    counts, width = centred.counts, centred.residuals.shape[1]
    if float(sum(2.0 * min(count, width) ** 2 * max(count, width) for count in counts.tolist())) > MOST_WORK:
        return None
    order = np.argsort(centred.labels, kind="stable")
    ranks, effective = np.zeros(len(counts), dtype=np.int64), np.zeros(len(counts))
    errors = centred.roundoff * np.sqrt(counts * centred.second_moments)
    for k, rows in enumerate(np.split(order, np.cumsum(counts)[:-1])):
        roots = np.linalg.svd(centred.residuals[rows], compute_uv=False)
        ranks[k] = int((roots > errors[k]).sum())
        if ranks[k]:
            shares = roots[roots > 0.0] / roots.sum()
            effective[k] = math.exp(-float(shares @ np.log(shares)))
    return ranks, effective
