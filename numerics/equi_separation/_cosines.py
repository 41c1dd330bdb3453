"""Cosines between vectors, by pair and on average."""

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics._validated import validated


@validated
def pairwise_cosines(vectors: Float[np.ndarray, "m p"]) -> Float[np.ndarray, "m m"]:
    """Cosines between all rows; NaN for a row of zeros, which has no direction.

        cos_kl = ⟨v_k, v_l⟩/(‖v_k‖ ‖v_l‖).

    Args:
        vectors: v_k, m × p.

    Returns:
        m × m.

    Raises:
        UnusableInput: for what is no m × p array of real numbers.

    Example:
        >>> pairwise_cosines(np.array([[1.0, 0.0], [0.0, 2.0], [-3.0, 0.0]])).round(12).tolist()
        [[1.0, 0.0, -1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 1.0]]
    """
    sizes = np.abs(vectors).max(axis=1, keepdims=True, initial=0.0)
    scaled = vectors / np.where(sizes > 0.0, sizes, np.nan)  # squares of the entries may be no doubles
    units = scaled / np.linalg.norm(scaled, axis=1, keepdims=True)
    return units @ units.T


@validated
def mean_cosine(vectors: Float[np.ndarray, "m p"]) -> float:
    """Average cosine over the pairs of rows; NaN when there is no pair, or a row is zero.

    Args:
        vectors: m × p, one vector per row.

    Raises:
        UnusableInput: for what is no m × p array of real numbers.

    Example:
        >>> mean_cosine(np.array([[1.0, 0.0], [2.0, 0.0]]))
        1.0
    """
    first, second = np.triu_indices(len(vectors), 1)
    return float(pairwise_cosines(vectors)[first, second].mean()) if len(first) else float("nan")
