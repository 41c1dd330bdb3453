"""NC1–NC4 and CDNV of labelled last-layer features."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import pdist

from layerpeel.array_words import Float, Int, Shaped
from layerpeel.numerics._frames import etf_distance, of_norm_one
from layerpeel.numerics._input_arrays import as_array
from layerpeel.numerics._inputs import UnusableInput, require_instance
from layerpeel.numerics._validated import validated
from layerpeel.numerics.equi_separation._class_means import CentredFeatures, ClassSpread, centred_features
from layerpeel.numerics.equi_separation._class_moments import ClassStatistics
from layerpeel.numerics.equi_separation._labels import LARGEST, require_scatter
from layerpeel.numerics.equi_separation._separation import between_basis


@dataclass(frozen=True, kw_only=True)
class NeuralCollapse:
    """The four measures of neural collapse, each zero at collapse.

    Args:
        nc1: Tr(Σ_W Σ_B⁺)/K, Σ_B = (1/K) Σ_k (μ_k − μ)(μ_k − μ)ᵀ with μ the mean of the class means; for equal counts K·nc1 = D.
        nc2: distance of the centred class means from a simplex ETF up to rotation and scale, on normalised Gram matrices.
        nc3: ‖W/‖W‖_F − M/‖M‖_F‖_F² for classifier W, as it is, and centred class means M, or None without a classifier. When the rows of W
            add up to zero it is the square of `collapse_geometry(W, M).duality`, which centres W too; a common part of all classifiers,
            which moves no decision, counts here and not there.
        nc4: share of samples that the classifier and the nearest class mean label differently, or None without a classifier.
        cdnv: average over pairs of (v_k + v_l)/(2‖μ_k − μ_l‖²) with v_k the variance Σ_i ‖x_ki − μ_k‖²/n_k; infinite when two class means
            coincide to rounding, whatever their variances: classes at one point cannot be told apart, although each may have collapsed.
    """

    nc1: float
    nc2: float
    nc3: float | None
    nc4: float | None
    cdnv: float


def neural_collapse(
    features: Shaped[np.ndarray, "n p"],
    labels: Shaped[np.ndarray, " n"],
    classifier: Float[np.ndarray, "K p"] | None = None,
    bias: Float[np.ndarray, " K"] | None = None,
    *,
    eps: float | None = None,
) -> NeuralCollapse:
    """NC1–NC4 and the class-distance normalised variance of labelled last-layer features.

    The formulas stand beside the fields of `NeuralCollapse`.

    Args:
        features: n × p, one row per sample.
        labels: n class numbers from 0.
        classifier: W, K × p, row k of class k; without it NC3 and NC4 are None.
        bias: K numbers added to the logits W h.
        eps: machine epsilon of the type in which the features were stored, where it is coarser than that of the array: 2⁻⁷ for bfloat16.

    Raises:
        UnusableInput: as `separation`, and for a classifier or bias that does not fit or is not made of finite numbers.

    Source: papyan2020, section 2 (NC1, NC3, NC4); zhu2021, section 5 (NC2); galanti2022, definition 1 (CDNV).

    Example:
        >>> points = np.array([[0.9], [1.1], [-0.9], [-1.1]])
        >>> round(neural_collapse(points, np.array([0, 0, 1, 1])).nc1, 12)
        0.005
    """
    return collapse_of(centred_features(features, labels, eps=eps), classifier, bias)


def collapse_of(
    centred: CentredFeatures, classifier: Float[np.ndarray, "K p"] | None = None, bias: Float[np.ndarray, " K"] | None = None
) -> NeuralCollapse:
    """The same as `neural_collapse` for features whose class means are known already.

    Args:
        centred: what `centred_features` returns.
        classifier: W, K × p, row k of class k; without it NC3 and NC4 are None.
        bias: K numbers added to the logits W h.

    Raises:
        UnusableInput: as `neural_collapse`, and for what is no `CentredFeatures`.

    Source: papyan2020, section 2 (NC1, NC3, NC4); zhu2021, section 5 (NC2); galanti2022, definition 1 (CDNV).

    Example:
        >>> points = centred_features(np.array([[0.9], [1.1], [-0.9], [-1.1]]), np.array([0, 0, 1, 1]))
        >>> round(collapse_of(points).nc1, 12)
        0.005
    """
    require_instance(centred, CentredFeatures, "the centred features", made="with centred_features(features, labels)")
    means = centred.means
    classifier, bias = _as_classifier(classifier, bias, means)
    directions = _whitening(centred)
    nc4 = None
    if classifier is not None:
        said = np.argmax(centred.features @ classifier.T + (0.0 if bias is None else bias), axis=1)
        nc4 = float(np.mean(said != nearest_mean(centred.features, means)))
    whitened = centred.residuals @ directions
    return NeuralCollapse(
        nc1=float(np.einsum("ij,ij->", whitened, whitened)) / (len(whitened) * len(means)),
        nc2=etf_distance(means - means.mean(axis=0)),
        nc3=_duality(means, classifier),
        nc4=nc4,
        cdnv=_variance_over_distance(centred),
    )


def neural_collapse_of(statistics: ClassStatistics, classifier: Float[np.ndarray, "K p"] | None = None) -> NeuralCollapse:
    """The same as `neural_collapse` from streamed moments; NC4 asks every sample again, so it is None.

    Args:
        statistics: what `ClassMoments.compute` returns.
        classifier: W, K × p, row k of class k; without it NC3 is None too.

    Raises:
        UnusableInput: as `neural_collapse`, and for what is no `ClassStatistics`.

    Source: papyan2020, section 2 (NC1, NC3); zhu2021, section 5 (NC2); galanti2022, definition 1 (CDNV).

    Example:
        >>> from layerpeel.numerics import ClassMoments
        >>> moments = ClassMoments(2, 1)
        >>> moments.update(np.array([[0.9], [1.1], [-0.9], [-1.1]]), np.array([0, 0, 1, 1]))
        >>> round(neural_collapse_of(moments.compute()).nc1, 12)
        0.005
    """
    require_instance(statistics, ClassStatistics, "the statistics", made="with ClassMoments(…).compute()")
    means = statistics.means
    classifier, _ = _as_classifier(classifier, None, means)
    directions = _whitening(statistics)
    return NeuralCollapse(
        nc1=float(np.einsum("ir,ij,jr->", directions, statistics.within, directions, optimize=True)) / len(means),
        nc2=etf_distance(means - means.mean(axis=0)),
        nc3=_duality(means, classifier),
        nc4=None,
        cdnv=_variance_over_distance(statistics),
    )


def _whitening(spread: ClassSpread) -> Float[np.ndarray, "p r"]:
    """V diag(1/σ) of Σ_B = V diag(σ²) Vᵀ, which weighs all classes alike."""
    basis, roots = between_basis(np.ones(len(spread.means), dtype=np.int64), spread.means, spread.mean_errors)
    require_scatter(spread.counts)
    return basis / roots


def _as_classifier(
    classifier: Float[np.ndarray, "K p"] | None, bias: Float[np.ndarray, " K"] | None, means: Float[np.ndarray, "K p"]
) -> tuple[Float[np.ndarray, "K p"] | None, Float[np.ndarray, " K"] | None]:
    """Both as arrays of finite numbers that fit the class means.

    Raises:
        UnusableInput: otherwise.
    """
    classifier = None if classifier is None else as_array(classifier, "the classifier")
    bias = None if bias is None else as_array(bias, "the bias")
    for name, array in (("classifier", classifier), ("bias", bias)):
        if array is not None and not (array.dtype.kind in "iuf" and (np.abs(array.astype(float)) <= LARGEST).all()):
            raise UnusableInput(
                f"the {name} of type {array.dtype} holds entries that are not real, not finite or beyond {LARGEST:g}: give finite numbers."
            )
    if classifier is not None and classifier.shape != means.shape:
        raise UnusableInput(
            f"the classifier has shape {classifier.shape} and the features need {means.shape}: one row per class, one column per feature; "
            "transpose it or give the features of the layer before it."
        )
    if classifier is not None and not np.any(classifier):
        raise UnusableInput("the classifier is zero: it has no direction to compare with the class means; give a trained one.")
    if bias is not None and bias.shape != means.shape[:1]:
        raise UnusableInput(f"the bias has shape {bias.shape} for {len(means)} classes: it must hold one number for each; correct it.")
    return classifier, bias


def _duality(means: Float[np.ndarray, "K p"], classifier: Float[np.ndarray, "K p"] | None) -> float | None:
    if classifier is None:
        return None
    centred = means - means.mean(axis=0)
    return float(np.linalg.norm(of_norm_one(classifier) - of_norm_one(centred)) ** 2)


def _variance_over_distance(spread: ClassSpread) -> float:
    if spread.coinciding:
        return float("inf")
    first, second = np.triu_indices(len(spread.means), 1)
    return float(np.mean((spread.variances[first] + spread.variances[second]) / (2.0 * pdist(spread.means, "sqeuclidean"))))


@validated
def nearest_mean(features: Float[np.ndarray, "n p"], means: Float[np.ndarray, "K p"]) -> Int[np.ndarray, " n"]:
    """The class whose mean is nearest, argmin_k ‖x − x̄_k‖.

    Args:
        features: x, n × p, one row per sample.
        means: x̄_k, K × p.

    Returns:
        n class numbers; the smallest of those that tie.

    Raises:
        UnusableInput: for arguments that are no arrays of numbers, or different numbers of features.

    Source: papyan2020, section 2 (NC4).

    Example:
        >>> nearest_mean(np.array([[0.4], [2.0]]), np.array([[0.0], [1.0]])).tolist()
        [0, 1]
    """
    middle = means.mean(axis=0)
    shifted = means - middle
    return np.argmax((features - middle) @ shifted.T - 0.5 * (shifted**2).sum(axis=1), axis=1)
