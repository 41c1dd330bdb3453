"""Upper bounds on matrix norms that need no trust in the SVD that suggested them, from doubles whose rounding is bounded."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from flint import arb, arb_mat

from layerpeel.array_words import Float
from layerpeel.numerics._rounded import UNIT

BallMatrix = Sequence[Sequence[arb]]
"""A square matrix of balls, row by row."""

SLACK = 1 + 2.0**-20
"""Covers the rounding of a floating-point norm, at most n² u for n ≤ 60,000 rows, where only an error term is multiplied by it."""

LEAST = 2.0**-900
"""Matrices of balls whose entries are all smaller, or larger than its inverse, are scaled before they become doubles."""

GRAM_FROM = 32
"""From this size on V comes from the eigenvectors of AᵀA, several times faster than from an SVD."""

SLACKS = (4.0, 40.0, 400.0)
"""How many n u above the largest eigenvalue a Cholesky factor is tried."""

UNDERFLOW = 2.0**-480
"""Far more than underflow can lose of matrices scaled to size one: 2^−1022 per operation, the root of n² times that in a norm."""


def norm_bounds(matrix: BallMatrix) -> tuple[arb, arb]:
    """Rigorous upper bounds (‖A‖_op, ‖A‖_*) of a matrix of balls.

    One and two rows have closed forms: with S = hypot(a + d, b − c) and D = hypot(a − d, b + c), the singular values of
    [[a, b], [c, d]] are (S ± D)/2, so ‖A‖_op = (S + D)/2 and ‖A‖_* = max(S, D). Otherwise see `norm_bounds_near`.

    Args:
        matrix: A, n × n balls with n ≥ 1.

    Raises:
        ValueError: for rows of different lengths.

    Source: rump2010, section 10 (verification of singular values), for three rows or more.

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
    largest = max((abs(entry.mid()) for entry in balls.entries()), default=arb(0))
    unit = largest if largest > 0 and not LEAST < float(largest) < 1 / LEAST else arb(1)
    balls = balls / unit  # so that no entry that matters is below the smallest double
    middle = np.array([[float(entry) for entry in row] for row in balls.tolist()])
    away = (balls - arb_mat(middle.tolist())).entries()
    spectral, nuclear = norm_bounds_near(middle, (arb_mat(1, len(away), away) * arb_mat(len(away), 1, away))[0, 0].abs_upper().sqrt())
    return unit * spectral, unit * nuclear


def norm_bounds_near(middle: Float[np.ndarray, "n n"], distance: arb) -> tuple[arb, arb]:
    """Rigorous upper bounds (‖A‖_op, ‖A‖_*) of every matrix A with ‖A − middle‖_F ≤ distance.

    The right singular vectors V of a floating-point SVD are only a suggestion. For any V with ‖VᵀV − I‖ ≤ δ < 1 and B = AV, the
    columns of B, of norm ‖b_j‖, are nearly orthogonal, and A = B V⁻¹ gives

        ‖A‖_op² ≤ (max_j ‖b_j‖² + ‖offdiag(BᵀB)‖_F)/(1 − δ),      ‖A‖_* ≤ Σ_j ‖b_j‖/√(1 − δ).

    The three products are taken in doubles, with bounds on their errors.

    Args:
        middle: n × n.
        distance: how far A may lie from it in the Frobenius norm, ≥ 0.

    Returns:
        Both bounds; infinite where the middle is not finite.

    Raises:
        numpy.linalg.LinAlgError: when the SVD of the middle does not converge.

    Source: rump2010, section 10 (verification of singular values); ozaki2012 for the products.

    Example:
        >>> spectral, nuclear = norm_bounds_near(np.diag([3.0, 4.0, 0.0]), arb(0))
        >>> 4 <= spectral.upper() < 4 + 1e-14, 7 <= nuclear.upper() < 7 + 1e-13
        (True, True)
    """
    turned = _turned(middle, distance, None)
    return turned.spectral(), turned.nuclear()


def nuclear_bound_near(middle: Float[np.ndarray, "n n"], distance: arb, right: Float[np.ndarray, "n n"] | None = None) -> arb:
    """The second bound of `norm_bounds_near` alone, from right singular vectors that are known already.

    Args:
        middle: n × n.
        distance: as there.
        right: V; any V is valid, and found by a decomposition when not given.

    Raises:
        numpy.linalg.LinAlgError: as there.

    Source: rump2010, section 10; ozaki2012 for the products.

    Example:
        >>> 7 <= nuclear_bound_near(np.diag([3.0, 4.0, 0.0]), arb(0), np.eye(3)).upper() < 7 + 1e-13
        True
    """
    return _turned(middle, distance, right).nuclear()


def spectral_bound_near(middle: Float[np.ndarray, "n n"], distance: arb, right: Float[np.ndarray, "n n"] | None = None) -> arb:
    """The first bound of `norm_bounds_near` alone.

    Args:
        middle: n × n.
        distance: as there.
        right: as for `nuclear_bound_near`.

    Raises:
        numpy.linalg.LinAlgError: as there.

    Source: rump2010, section 10; ozaki2012 for the products.

    Example:
        >>> 4 <= spectral_bound_near(np.diag([3.0, 4.0, 0.0]), arb(0)).upper() < 4 + 1e-14
        True
    """
    return _turned(middle, distance, right).spectral()


def quick_spectral_bound_near(middle: Float[np.ndarray, "n n"], distance: arb, near: float | None = None) -> arb:
    """The same bound at a fraction of the cost and n² u wider, by a Cholesky factor instead of singular vectors.

    When the floating-point factor of S exists, S + E is positive semidefinite with ‖E‖ ≤ γ/(1 − γ) tr S, γ = (n + 1) u/(1 − (n + 1) u),
    in any order of summation. With S = μ²I − AᵀA this bounds ‖A‖_op² by μ² and the errors. Where no factor exists at a μ a little above
    the largest singular value, singular vectors are asked.

    Args:
        middle: n × n.
        distance: how far A may lie from it in the Frobenius norm, ≥ 0.
        near: what the norm of the middle is thought to be; any number is valid, and a good one saves its eigenvalues.

    Raises:
        numpy.linalg.LinAlgError: as `norm_bounds_near`.

    Source: derived; docs/derivations/numerics.md, "A bound from a Cholesky factor".

    Example:
        >>> 4 <= quick_spectral_bound_near(np.diag([3.0, 4.0, 0.0]), arb(0)).upper() < 4 + 1e-13
        True
    """
    if not np.isfinite(middle).all() or not middle.any():
        return spectral_bound_near(middle, distance)
    size, exponent = len(middle), math.frexp(float(np.abs(middle).max()))[1]
    scaled = np.ldexp(middle, -exponent)
    gram, gamma = scaled.T @ scaled, (size + 1) * UNIT / (1 - 2 * (size + 1) * UNIT)
    for largest in _largest_squares(gram, None if near is None else math.ldexp(near, -exponent)):
        for slack in SLACKS:
            square = largest * (1.0 + slack * size * UNIT)
            shifted = -gram
            shifted[np.diag_indices_from(shifted)] += square  # each rounded once
            try:
                factor = np.linalg.cholesky(shifted)
            except np.linalg.LinAlgError:
                continue
            if np.isfinite(factor).all():
                # The factor saw one triangle only: mirrored, the product is off by at most the root of two times as much.
                error = arb(2).sqrt() * gamma * _frobenius(scaled) ** 2
                bound = arb(square) * (1 + 4 * arb(UNIT)) + gamma / (1 - gamma) * (size * arb(square)) + error + UNDERFLOW
                return arb(2) ** exponent * bound.sqrt() + distance
    return spectral_bound_near(middle, distance)


def _largest_squares(gram: Float[np.ndarray, "n n"], near: float | None) -> Iterator[float]:
    """What the largest eigenvalue may be: as it is thought to be, then as it is."""
    if near is not None and 0.0 < near < math.inf:
        yield near**2
    yield float(np.linalg.eigvalsh(gram)[-1])


@dataclass(frozen=True)
class _Turned:
    """B = AV over a power of two, how far it may be from that in the Frobenius norm, and δ ≥ ‖VᵀV − I‖_F."""

    unit: arb
    columns: Float[np.ndarray, "n n"]
    error: arb
    defect: arb
    size: arb
    """Upper bound of ‖A‖_F, what is left to say where δ ≥ 1."""

    @property
    def root(self) -> arb:
        return arb(len(self.columns)).sqrt()

    @property
    def stretch(self) -> arb:
        return self.unit / (1 - self.defect).sqrt()

    def spectral(self) -> arb:
        if not self.defect < 1:
            return self.size
        gram, gram_error = _product(self.columns.T, self.columns)
        largest = arb(float(gram.diagonal().max())) + _frobenius(gram - np.diag(gram.diagonal())) + gram_error
        return self.stretch * (largest.sqrt() + self.error)

    def nuclear(self) -> arb:
        if not self.defect < 1:
            return self.root * self.size
        # A column's norm is the root of a sum of n squares: relative error at most (n + 2) u, and fsum rounds once more.
        norms = math.fsum(np.linalg.norm(self.columns, axis=0).tolist())
        columns = arb(norms) * (1 + (len(self.columns) + 4) * arb(UNIT)) + UNDERFLOW
        return self.stretch * (columns + self.root * self.error)


def _turned(middle: Float[np.ndarray, "n n"], distance: arb, right: Float[np.ndarray, "n n"] | None) -> _Turned:
    """A turned by V, the right singular vectors of the middle: from many rows on, the eigenvectors of its Gram matrix."""
    if not np.isfinite(middle).all():
        return _Turned(arb(1), middle, arb(0), arb("inf"), arb("inf"))
    if not middle.any():
        return _Turned(arb(1), middle, arb(0), arb("inf"), distance)
    exponent = math.frexp(float(np.abs(middle).max()))[1]
    unit, scaled = arb(2) ** exponent, np.ldexp(middle, -exponent)
    if right is None:
        right = np.linalg.svd(scaled)[2].T if len(scaled) < GRAM_FROM else np.linalg.eigh(scaled.T @ scaled)[1]
    turned, error = _product(scaled, right)
    square, square_error = _product(right.T, right)
    defect = _frobenius(square - np.eye(len(square))) + square_error
    error += distance / unit * (1 + defect).sqrt()
    return _Turned(unit, turned, error, defect, unit * _frobenius(scaled) + distance)


def _product(left: Float[np.ndarray, "n m"], right: Float[np.ndarray, "m k"]) -> tuple[Float[np.ndarray, "n k"], arb]:
    """A product of matrices of size about one in doubles, and an upper bound on the Frobenius norm of its error.

    The product of the leading parts of both factors is exact. The rests are smaller by a factor of millions, and so are the errors
    of what they add: for inner products of length m, in any order of summation, at most γ = m u/(1 − m u) times the product of the
    moduli. Two rounded sums put the parts together.
    """
    inner = left.shape[1]
    leading_left, leading_right = _leading(left, axis=1), _leading(right, axis=0)
    rest_left, rest_right = left - leading_left, right - leading_right
    small = leading_left @ rest_right + rest_left @ right
    product = leading_left @ leading_right + small
    gamma = inner * UNIT / (1 - 2 * inner * UNIT)
    crossed = _frobenius(leading_left) * _frobenius(rest_right) + _frobenius(rest_left) * _frobenius(right)
    return product, gamma * crossed + 2 * arb(UNIT) * (_frobenius(small) + _frobenius(product)) + UNDERFLOW


def _leading(matrix: Float[np.ndarray, "n m"], axis: int) -> Float[np.ndarray, "n m"]:
    """The β leading bits of every entry, counted from the largest of its row or column, so few that inner products along it are exact.

    A sum of m products of β-bit integers stays below 2^53 when 2β + log₂ m < 53. With 2^e above the row, adding and subtracting
    2^(e + 53 − β) rounds to multiples of 2^(e − β). Rows below 2^−400 are all rest, so that no leading part underflows.
    """
    bits = (53 - matrix.shape[axis].bit_length()) // 2
    largest = np.abs(matrix).max(axis=axis, keepdims=True)
    anchor = np.ldexp(1.0, np.frexp(np.maximum(largest, 2.0**-400))[1] + (53 - bits))
    return (matrix + anchor) - anchor


def _frobenius(matrix: Float[np.ndarray, "n m"]) -> arb:
    """Upper bound of ‖M‖_F, a millionth above it."""
    return arb(float(np.linalg.norm(matrix))) * SLACK + UNDERFLOW


def _hypot(x: arb, y: arb) -> arb:
    """Upper bound of √(x² + y²); the square of a ball around zero may dip below zero, that of its modulus does not."""
    return (x.abs_upper() ** 2 + y.abs_upper() ** 2).sqrt()
