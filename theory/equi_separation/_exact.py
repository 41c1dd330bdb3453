"""Separation fuzziness in rational arithmetic, of a few samples."""

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
