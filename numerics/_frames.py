"""Simplex equiangular tight frames and the neural-collapse geometry of a pair (W, H)."""

from dataclasses import dataclass

import numpy as np
from flint import arb, ctx

from layerpeel.array_words import Float
from layerpeel.numerics._ball import PRECISION, to_bracket
from layerpeel.numerics._bracket import Bracket
from layerpeel.numerics._inputs import UnusableInput
from layerpeel.numerics._memory import require_memory
from layerpeel.numerics._validated import validated


@validated
def simplex_gram(num_classes: int) -> Float[np.ndarray, "K K"]:
    """Gram matrix of the K-simplex ETF of unit vectors.

        G = (K/(K−1)) (I − 11ᵀ/K):  1 on the diagonal, −1/(K−1) off it.

    Args:
        num_classes: K ≥ 2.

    Returns:
        G, K × K.

    Raises:
        UnusableInput: for K that is no whole number ≥ 2, or more vectors than fit in memory.

    Source: su2024, "K-simplex ETF".

    Example:
        >>> simplex_gram(3).tolist()
        [[1.0, -0.5, -0.5], [-0.5, 1.0, -0.5], [-0.5, -0.5, 1.0]]
    """
    if num_classes < 2:
        raise UnusableInput(f"a simplex ETF of {num_classes} vectors does not exist: it needs at least 2; use num_classes >= 2.")
    require_memory(8.0 * num_classes * num_classes, f"a Gram matrix of {num_classes} vectors", "use fewer of them")
    gram = np.full((num_classes, num_classes), -1.0 / (num_classes - 1))
    np.fill_diagonal(gram, 1.0)
    return gram


@validated
def simplex_etf(num_classes: int, dimension: int | None = None) -> Float[np.ndarray, "K p"]:
    """K unit vectors (rows) in R^p with all pairwise cosines −1/(K−1).

    Args:
        num_classes: K ≥ 2.
        dimension: p ≥ K − 1; K − 1 when not given.

    Returns:
        K × p, row k the vector of class k.

    Raises:
        UnusableInput: for numbers that are not whole, K < 2 or p < K − 1, or more than fits in memory.

    Source: su2024, "K-simplex ETF".

    Example:
        >>> frame = simplex_etf(4)
        >>> (frame @ frame.T).round(6)[0].tolist()
        [1.0, -0.333333, -0.333333, -0.333333]
    """
    p = num_classes - 1 if dimension is None else dimension
    require_memory(8.0 * max(num_classes, 1) * max(p, 1), f"a frame of {num_classes} vectors in {p} dimensions", "use fewer of them")
    gram = simplex_gram(num_classes)
    if p < num_classes - 1:
        raise UnusableInput(
            f"a simplex ETF of {num_classes} vectors spans {num_classes - 1} dimensions: dimension {p} is too small; use at least that."
        )
    values, vectors = np.linalg.eigh(gram)
    frame = np.zeros((num_classes, p))
    frame[:, : num_classes - 1] = vectors[:, 1:] * np.sqrt(values[1:])
    return frame


@validated
def etf_distance(frame: Float[np.ndarray, "K p"]) -> float:
    """Distance of a frame from the nearest simplex ETF up to rotation and scale, on Gram matrices.

        ‖ G/‖G‖_F − G*/‖G*‖_F ‖_F,    G = F Fᵀ,  G* that of the simplex ETF.

    Zero exactly for simplex ETFs; Gram matrices make it blind to rotations, the normalisation to scale.

    Args:
        frame: F, K × p, one vector per row; class means are to be centred first.

    Raises:
        UnusableInput: for no array of numbers, fewer than two rows, or a frame of zeros, which has no shape.

    Source: zhu2021, section 5 (NC2).

    Example:
        >>> bool(etf_distance(7.0 * simplex_etf(5)) < 1e-14)
        True
    """
    if not frame.any():
        raise UnusableInput("the zero frame has no direction to compare with an ETF; give vectors that do not all vanish.")
    unit = of_norm_one(frame)
    gram, target = unit @ unit.T, simplex_gram(frame.shape[0])
    return float(np.linalg.norm(gram / np.linalg.norm(gram) - target / np.linalg.norm(target)))


def of_norm_one(matrix: Float[np.ndarray, "m n"]) -> Float[np.ndarray, "m n"]:
    """M/‖M‖_F, also where the squares of the entries are no doubles.

    Example:
        >>> of_norm_one(np.array([[3e-200, 4e-200]])).round(12).tolist()
        [[0.6, 0.8]]
    """
    scaled = matrix / np.abs(matrix).max()
    return scaled / np.linalg.norm(scaled)


@dataclass(frozen=True, kw_only=True)
class CollapseGeometry:
    """The last two of the neural-collapse measures for features and classifiers, and their equinorm parts.

    Zero everywhere is neural collapse: class means and classifiers are simplex ETFs and align with each other.

    Args:
        feature_etf: ETF distance of the centred class means (NC2 for features).
        classifier_etf: ETF distance of the centred classifiers (NC2 for weights).
        duality: ‖H/‖H‖_F − W/‖W‖_F‖_F of the centred matrices (NC3 with its root taken and W centred too: the `nc3` of `neural_collapse`
            is its square when the rows of W add up to zero).
        feature_norm_spread: standard deviation over mean of ‖h_k‖.
        classifier_norm_spread: standard deviation over mean of ‖w_k‖.
        nearest_mean_agreement: share of class means that the classifier gives to their own class (NC4 on the means).
    """

    feature_etf: float
    classifier_etf: float
    duality: float
    feature_norm_spread: float
    classifier_norm_spread: float
    nearest_mean_agreement: float


@validated
def collapse_geometry(classifier: Float[np.ndarray, "K p"], features: Float[np.ndarray, "K p"]) -> CollapseGeometry:
    """Neural-collapse geometry of a classifier W and class means H.

    The formulas stand beside the fields of `CollapseGeometry`.

    Args:
        classifier: W, K × p, row k of class k.
        features: H, K × p, row k the mean of class k.

    Raises:
        UnusableInput: for arrays that do not fit, and when all class means, or all classifiers, coincide.

    Source: papyan2020, section 2.

    Example:
        >>> frame = simplex_etf(3)
        >>> bool(collapse_geometry(2.0 * frame, 5.0 * frame).duality < 1e-12)
        True
    """
    means, weights = features - features.mean(axis=0), classifier - classifier.mean(axis=0)
    if not (means.any() and weights.any()):
        raise UnusableInput("all class means, or all classifiers, coincide: their geometry is undefined; give vectors that differ.")
    features, classifier = of_norm_one(features), of_norm_one(classifier)
    feature_norms, weight_norms = np.linalg.norm(features, axis=1), np.linalg.norm(classifier, axis=1)
    return CollapseGeometry(
        feature_etf=etf_distance(means),
        classifier_etf=etf_distance(weights),
        duality=float(np.linalg.norm(of_norm_one(means) - of_norm_one(weights))),
        feature_norm_spread=float(feature_norms.std() / feature_norms.mean()),
        classifier_norm_spread=float(weight_norms.std() / weight_norms.mean()),
        nearest_mean_agreement=float(np.mean(np.argmax(features @ classifier.T, axis=1) == np.arange(features.shape[0]))),
    )


@validated
def least_equal_correlation(num_vectors: int, *, width: float = 1e-12) -> Bracket:
    """Bracket the least ρ for which K unit vectors with all pairwise cosines ρ exist, by bisection on feasibility.

    Such vectors exist exactly when the matrix with unit diagonal and ρ off it is positive semidefinite. Above the least ρ an
    LDLᵀ factorisation in ball arithmetic has positive pivots (the vectors exist); below it a pivot is certainly negative.

    Args:
        num_vectors: K ≥ 2.
        width: of the bracket at which the bisection stops; wider where 128 bits cannot decide.

    Returns:
        A bracket around −1/(K−1), rigorous.

    Raises:
        UnusableInput: for K that is no whole number ≥ 2, or a width that is no real number.

    Source: su2024, "K-simplex ETF" (the largest equal angle between K vectors).

    Example:
        >>> least_equal_correlation(3).contains(-0.5)
        True
    """
    if num_vectors < 2:
        raise UnusableInput(f"{num_vectors} vector has no pair to form an angle; use at least 2.")
    infeasible, feasible = -1.5, 0.0
    with ctx.workprec(PRECISION):
        while feasible - infeasible > width:
            middle = 0.5 * (infeasible + feasible)
            verdict = _has_positive_pivots(num_vectors, arb(middle))
            if verdict is None:
                break
            infeasible, feasible = (infeasible, middle) if verdict else (middle, feasible)
    return Bracket(infeasible, feasible, rigorous=True)


def _has_positive_pivots(size: int, correlation: arb) -> bool | None:
    """LDLᵀ of the equicorrelation matrix in balls: all pivots positive (True), one negative (False), or undecided (None)."""
    matrix = [[arb(1) if i == j else correlation for j in range(size)] for i in range(size)]
    for k in range(size):
        pivot = matrix[k][k]
        if pivot < 0:
            return False
        if not pivot > 0:
            return None
        for i in range(k + 1, size):
            share = matrix[i][k] / pivot
            for j in range(k + 1, size):
                matrix[i][j] -= share * matrix[k][j]
    return True


@validated
def angle_bracket(cosine: Bracket) -> Bracket:
    """arccos of a bracket of cosines, rounded outward.

    Args:
        cosine: cosines in [−1, 1].

    Returns:
        Angles in radians; rigorous where the cosines are.

    Raises:
        UnusableInput: for what is no bracket.
        ArithmeticError: for cosines beyond −1 or 1.

    Example:
        >>> angle_bracket(Bracket.exactly(0.0)).contains(1.5707963267948966)
        True
    """
    with ctx.workprec(PRECISION):
        least, largest = to_bracket(arb(cosine.upper).acos()), to_bracket(arb(cosine.lower).acos())
    return Bracket(least.lower, largest.upper, rigorous=cosine.rigorous)
