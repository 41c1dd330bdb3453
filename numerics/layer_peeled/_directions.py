"""Shrinking the singular values of a block that changes little from one time to the next."""

import math
from collections.abc import Callable

import numpy as np

from layerpeel.array_words import Float

GRAM_FROM = 32
"""From this size on, singular values come from the eigenvalues of TᵀT: three times faster than an SVD, and losing half the digits only
of values far below the largest, which a projection cuts off."""

FOLLOW_FROM = 100
"""From this size on, following directions is faster than looking at all of them."""

WIDEST = 0.5
"""Share of the directions up to which following them is faster: at half, it takes as long as all the eigenvalues."""

MARGIN, SPARE = 1.1, 10
"""Directions followed, for every one kept and besides: those next in line are there when they grow."""

LEAST_PIVOT = 0.03
"""Below this pivot of a Cholesky factor of columns of length one, the basis that it gives loses more than three digits."""

Decomposed = tuple[Float[np.ndarray, "n n"], Float[np.ndarray, " n"], Float[np.ndarray, "n n"]]
"""T V, the norms of its columns, and V, the right singular vectors of T, the largest first."""

Threshold = Callable[[Float[np.ndarray, " n"]], float]
"""θ as a function of singular values, of which only those above it matter."""


class Directions:
    """The large singular directions of a block T, remembered from one T to the next.

    With Q an orthonormal basis of the columns of T V, for the directions V remembered, the singular values of QᵀT are those of T as far
    as V goes: one step of subspace iteration. It costs a few products of a G×G with a narrow matrix, where all singular values cost
    ten products of full size. Directions near the threshold are found last, and hardly matter: their values shrink to nearly zero.

    Example:
        >>> directions, block = Directions(), np.diag([5.0, 3.0, 1.0])
        >>> shrunk, threshold = directions.shrink(block, lambda values: 2.0)
        >>> shrunk.round(12).diagonal().tolist(), threshold
        ([3.0, 1.0, 0.0], 2.0)
    """

    def __init__(self) -> None:
        self.shrunk: Decomposed | None = None
        """The decomposition of what the last look at all directions ended with; None where only large ones were followed."""
        self._remembered: Float[np.ndarray, "G w"] | None = None

    @property
    def complete(self) -> bool:
        """Whether the next look will be at all directions."""
        return self._remembered is None

    def forget(self) -> None:
        """Look at all directions next time."""
        self._remembered = None

    def shrink(self, block: Float[np.ndarray, "G G"], threshold: Threshold) -> tuple[Float[np.ndarray, "G G"], float]:
        """U max(S − θ, 0) Vᵀ for T = U S Vᵀ, and θ."""
        self.shrunk = None
        if len(block) < GRAM_FROM:
            left, values, right = np.linalg.svd(block)
            level = threshold(values)
            values = np.maximum(values - level, 0.0)
            self.shrunk = left * values, values, right.T
            return self.shrunk[0] @ right, level
        followed = self._followed(block, threshold)
        return self._complete(block, threshold) if followed is None else followed

    def _complete(self, block: Float[np.ndarray, "G G"], threshold: Threshold) -> tuple[Float[np.ndarray, "G G"], float]:
        squares, vectors = np.linalg.eigh(block.T @ block)
        values = np.sqrt(np.maximum(squares, 0.0))
        level = threshold(values)
        kept = values > level
        basis = vectors[:, kept]
        width = _width(basis.shape[1])
        self._remembered = vectors[:, -width:].copy() if len(block) >= FOLLOW_FROM and width <= WIDEST * len(block) else None
        turned = block @ (basis * (1.0 - level / values[kept]))
        large = np.zeros_like(block)
        large[:, kept] = turned
        self.shrunk = large[:, ::-1], np.maximum(values - level, 0.0)[::-1], vectors[:, ::-1]
        return turned @ basis.T, level

    def _followed(self, block: Float[np.ndarray, "G G"], threshold: Threshold) -> tuple[Float[np.ndarray, "G G"], float] | None:
        if self._remembered is None:
            return None
        columns = _orthonormal(block @ self._remembered)
        rows = columns.T @ block
        squares, turn = np.linalg.eigh(rows @ rows.T)
        values = np.sqrt(np.maximum(squares, 0.0))
        level = threshold(values)
        kept = values > level
        if kept.all():  # more of them may lie above the threshold
            return None
        count = int(kept.sum())
        self._remembered = rows.T @ turn[:, -_width(count) :]  # right singular vectors, each times its value
        largest = self._remembered[:, self._remembered.shape[1] - count :]
        return (columns @ (turn[:, kept] * (1.0 - level / values[kept]))) @ largest.T, level


def decomposed(block: Float[np.ndarray, "n n"]) -> Decomposed:
    """T V, singular values, and V with T = U S Vᵀ.

    From some size on V comes from TᵀT, and the values are the norms of the columns of T V. Zeros stay zeros to rounding, which the roots of
    the eigenvalues do not; only values below 1e-8 of the largest are mixed among each other.

    Example:
        >>> turned, values, vectors = decomposed(np.diag([3.0, 4.0]))
        >>> values.tolist(), np.abs(turned @ vectors.T).tolist()
        ([4.0, 3.0], [[3.0, 0.0], [0.0, 4.0]])
    """
    if len(block) < GRAM_FROM:
        left, values, right = np.linalg.svd(block)
        return left * values, values, right.T
    gram, exponent = _scaled_gram(block)
    vectors = np.linalg.eigh(gram)[1][:, ::-1]
    turned = np.ldexp(block, -exponent) @ vectors
    values = np.ldexp(np.linalg.norm(turned, axis=0), exponent)
    return np.ldexp(turned, exponent), values, vectors


def largest_value(block: Float[np.ndarray, "n n"]) -> float:
    """The largest singular value.

    Example:
        >>> largest_value(np.diag([3.0, 4.0]))
        4.0
    """
    if len(block) < GRAM_FROM:
        return float(np.linalg.svd(block, compute_uv=False)[0])
    gram, exponent = _scaled_gram(block)
    return math.ldexp(math.sqrt(max(float(np.linalg.eigvalsh(gram)[-1]), 0.0)), exponent)


def _scaled_gram(block: Float[np.ndarray, "n n"]) -> tuple[Float[np.ndarray, "n n"], int]:
    """TᵀT over 4^e, with 2^e of the size of the largest entry, so that squares neither overflow nor vanish, and e."""
    exponent = math.frexp(float(np.abs(block).max()))[1]
    scaled = np.ldexp(block, -exponent)
    return scaled.T @ scaled, exponent


def _orthonormal(columns: Float[np.ndarray, "G w"]) -> Float[np.ndarray, "G w"]:
    """A basis of what columns span: by Cholesky where they are nearly orthogonal, as those that are followed are, and by QR elsewhere."""
    scaled = columns / np.maximum(np.linalg.norm(columns, axis=0), np.finfo(float).tiny)
    gram = scaled.T @ scaled
    try:
        factor = np.linalg.cholesky(gram)
    except np.linalg.LinAlgError:
        return np.linalg.qr(columns)[0]
    if factor.diagonal().min() < LEAST_PIVOT:
        return np.linalg.qr(columns)[0]
    return scaled @ np.linalg.inv(factor).T


def _width(kept: int) -> int:
    return int(MARGIN * kept) + SPARE
