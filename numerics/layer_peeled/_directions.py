"""Shrinking the singular values of a block that changes little from one time to the next."""

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
        if len(block) < GRAM_FROM:
            left, values, right = np.linalg.svd(block)
            level = threshold(values)
            return (left * np.maximum(values - level, 0.0)) @ right, level
        found = self._followed(block, threshold)
        return self._complete(block, threshold) if found is None else found

    def _complete(self, block: Float[np.ndarray, "G G"], threshold: Threshold) -> tuple[Float[np.ndarray, "G G"], float]:
        squares, vectors = np.linalg.eigh(block.T @ block)
        values = np.sqrt(np.maximum(squares, 0.0))
        level = threshold(values)
        kept = values > level
        basis = vectors[:, kept]
        width = _width(basis.shape[1])
        self._remembered = vectors[:, -width:].copy() if len(block) >= FOLLOW_FROM and width <= WIDEST * len(block) else None
        return (block @ (basis * (1.0 - level / values[kept]))) @ basis.T, level

    def _followed(self, block: Float[np.ndarray, "G G"], threshold: Threshold) -> tuple[Float[np.ndarray, "G G"], float] | None:
        if self._remembered is None:
            return None
        columns, _ = np.linalg.qr(block @ self._remembered)
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


def _width(kept: int) -> int:
    return int(MARGIN * kept) + SPARE
