"""Closed forms where classes are drawn with shares π, half of them with one share and half with another; predictions only."""

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics import logit_directions

# Class j is drawn with share π_j, so its drive carries the weight π_j in place of 1/K: dX̄^i = Σ_j E_ij π_j H_ij X̄^j.
# I-model: X̄^i' = γ π_i X̄^i + β Σ_j π_j X̄^j. The sum is common to all classes, so for classes k, l of equal share the difference grows as
# e^{π_k Γ}, whatever α and β. Between two groups it grows with the larger root of the 2×2 quotient, when rates are constant.
# L-model: s_i' = (α + β/(K−1)) π_i s_i − β/(K−1) Σ_j π_j s_j. For constant β < 0 the matrix has positive entries off the diagonal: its top
# eigenvector w is positive (Perron), all differences grow with its eigenvalue, and X̄^i tends to the direction of
# γ π_i w_i d̂_i + β Σ_j π_j w_j d̂_j. The last sum is zero iff shares are equal; it does not depend on i and takes over in minority classes
# as their share vanishes.


def larger_root(intra: float, inter: float, shares: Float[np.ndarray, " K"], members: int = 2) -> float:
    """Growth of the difference between a majority and a minority class in the I-model, at constant rates.

    Of the modes that are equal within groups, by a 2×2 quotient; or π_A γ within the majority if this is larger.

    Args:
        intra: α.
        inter: β.
        shares: π, the majority's first.
        members: classes of a group.
    """
    share = shares[[0, -1]]
    pull = inter * share * members
    roots = np.linalg.eigvals((intra - inter) * np.diag(share) + np.array([pull, pull])).real
    return max(float(np.sort(roots)[-1]), (intra - inter) * float(share[0]))


def top_mode(shares: Float[np.ndarray, " K"], intra: float, inter: float, others: int) -> tuple[float, Float[np.ndarray, " K"]]:
    """Top eigenvalue of N_ij = π_j (E_ij d̂_iᵀd̂_j) in the L-model, and √π_i w_i: N is symmetric in √π_i s_i.

    Args:
        shares: π.
        intra: α.
        inter: β < 0, constant.
        others: how many classes share the push −β; K − 1 is true.
    """
    push = -inter / others
    values, vectors = np.linalg.eigh((intra - push) * np.diag(shares) + push * np.sqrt(np.outer(shares, shares)))
    return float(values[-1]), np.abs(vectors[:, -1])


def limiting_directions(shares: Float[np.ndarray, " K"], intra: float, inter: float, others: int) -> Float[np.ndarray, "K K"]:
    """Units along γ π_i w_i d̂_i + β Σ_j π_j w_j d̂_j with the top eigenvector w: to what class means of the L-model tend."""
    weights, frame = np.sqrt(shares) * top_mode(shares, intra, inter, others)[1], logit_directions(len(shares))
    limit = (intra - inter) * weights[:, None] * frame + inter * weights @ frame
    return limit / np.linalg.norm(limit, axis=1, keepdims=True)
