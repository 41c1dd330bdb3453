"""Separation fuzziness in rational arithmetic, of a few samples: by its definition, and in coordinates of the class means."""

from collections.abc import Sequence

import sympy


def exact_fuzziness(points: sympy.Matrix, labels: Sequence[int]) -> sympy.Expr:
    """D = Tr(SSW SSB⁺) without rounding, with an exact pseudo-inverse.

    Args:
        points: samples, (n, p), rational numbers.
        labels: class numbers from 0, n of them, every class with a sample.

    Returns:
        D, in lowest terms.

    Raises:
        ValueError: where labels and samples differ in number.

    Source: he2023, equation (1).

    Example:
        >>> exact_fuzziness(sympy.Matrix([0, 1, 4, 5]), (0, 0, 1, 1))
        1/16
    """
    n = points.rows
    if len(labels) != n:
        raise ValueError(f"{len(labels)} labels for {n} samples: each sample needs one; give as many.")
    ones = sympy.ones(1, n)
    grand = ones * points / n
    between, within = sympy.zeros(points.cols), sympy.zeros(points.cols)
    for k in range(max(labels) + 1):
        mine = points.extract([i for i in range(n) if labels[i] == k], list(range(points.cols)))
        mean = sympy.ones(1, mine.rows) * mine / mine.rows
        residuals = mine - sympy.ones(mine.rows, 1) * mean
        between += sympy.Rational(mine.rows, n) * (mean - grand).T * (mean - grand)
        within += residuals.T * residuals / n
    return sympy.nsimplify((within * between.pinv()).trace())


def fuzziness_in_means(points: sympy.Matrix, labels: Sequence[int]) -> sympy.Expr:
    """D = (1/n) Σ_i Σ_k y_ik²/f_k without scatter matrices or a pseudo-inverse, f_k the share of class k.

    Σ_k y_ik m_k, Σ_k y_ik = 0, is the projection of sample i, less its class mean, on the differences of the class means m_k. With V of
    columns m_k − m_K, SSB = V(diag(f) − ffᵀ)Vᵀ over k < K, whose middle has the inverse diag(1/f) + 11ᵀ/f_K; V is of full rank, so
    SSB⁺ = V⁺ᵀ(diag(1/f) + 11ᵀ/f_K)V⁺, and V⁺ takes a sample to its y.

    Args:
        points: samples, (n, p), rational numbers.
        labels: class numbers from 0, n of them, every class with a sample, no class mean in the affine hull of the others.

    Returns:
        D, in lowest terms.

    Source: derived from he2023, equation (1).

    Example:
        >>> fuzziness_in_means(sympy.Matrix([0, 1, 4, 5]), (0, 0, 1, 1))
        1/16
    """
    n, members = points.rows, [[i for i, label in enumerate(labels) if label == k] for k in range(max(labels) + 1)]
    means = [sum((points.row(i) for i in mine), sympy.zeros(1, points.cols)) / len(mine) for mine in members]
    differences = sympy.Matrix.vstack(*(mean - means[-1] for mean in means[:-1]))
    total = sympy.Integer(0)
    for mine, mean in zip(members, means, strict=True):
        for i in mine:
            others = (differences * differences.T).LUsolve(differences * (points.row(i) - mean).T)
            coordinates = [*others, -sympy.Add(*others)]
            total += sympy.Add(*(y**2 * sympy.Rational(n, len(of)) for y, of in zip(coordinates, members, strict=True)))
    return total / n
