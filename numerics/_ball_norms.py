"""Upper bounds on matrix norms that need no trust in the SVD that suggested them."""

from collections.abc import Sequence

import numpy as np
from flint import arb, arb_mat

BallMatrix = Sequence[Sequence[arb]]
"""A square matrix of balls, row by row."""


def norm_bounds(matrix: BallMatrix) -> tuple[arb, arb]:
    """Rigorous upper bounds (‖A‖_op, ‖A‖_*) of a matrix of balls.

    One and two rows have closed forms: with S = hypot(a + d, b − c) and D = hypot(a − d, b + c), the singular values of
    [[a, b], [c, d]] are (S ± D)/2, so ‖A‖_op = (S + D)/2 and ‖A‖_* = max(S, D).

    Otherwise a floating-point SVD U S Vᵀ is only a suggestion: with E = A − U S Vᵀ, evaluated in balls,

        ‖A‖_op ≤ ‖U‖ ‖V‖ max S + ‖E‖_F,      ‖A‖_* ≤ ‖U‖ ‖V‖ Σ S + √n ‖E‖_F,      ‖U‖² ≤ 1 + ‖UᵀU − I‖_F.

    Source: rump2010, section 10 (verification of singular values by residuals).

    Example:
        >>> spectral, nuclear = norm_bounds([[arb(3), arb(0)], [arb(0), arb(4)]])
        >>> float(spectral), float(nuclear)
        (4.0, 7.0)
    """
    if len(matrix) == 1:
        return abs(matrix[0][0]), abs(matrix[0][0])
    if len(matrix) == 2:
        (a, b), (c, d) = matrix
        same, opposite = _hypot(a + d, b - c), _hypot(a - d, b + c)
        return (same + opposite) / 2, same.max(opposite)
    balls = arb_mat([list(row) for row in matrix])
    left, values, right = np.linalg.svd(np.array([[float(entry) for entry in row] for row in matrix]))
    u, s, vt = arb_mat(left.tolist()), [arb(value) for value in values.tolist()], arb_mat(right.tolist())
    scaled = arb_mat([[entry * s[j] for j, entry in enumerate(row)] for row in u.tolist()])
    residual = _frobenius(balls - scaled * vt)
    stretch = (_squared_norm(u) * _squared_norm(vt.transpose())).sqrt()
    return stretch * s[0] + residual, stretch * sum(s, arb(0)) + arb(len(s)).sqrt() * residual


def _hypot(x: arb, y: arb) -> arb:
    """Upper bound of √(x² + y²); the square of a ball around zero may dip below zero, that of its modulus does not."""
    return (x.abs_upper() ** 2 + y.abs_upper() ** 2).sqrt()


def _frobenius(matrix: arb_mat) -> arb:
    """Upper bound of ‖M‖_F."""
    return sum((entry.abs_upper() ** 2 for row in matrix.tolist() for entry in row), arb(0)).sqrt()


def _squared_norm(matrix: arb_mat) -> arb:
    """1 + ‖MᵀM − I‖_F ≥ ‖M‖²."""
    identity = arb_mat([[int(i == j) for j in range(matrix.ncols())] for i in range(matrix.ncols())])
    return 1 + _frobenius(matrix.transpose() * matrix - identity)
