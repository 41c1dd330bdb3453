"""Neural collapse under Σ|h|^q in place of ‖h‖²: how small its loss can be, wherever the frame is turned."""

import math
from itertools import product

import numpy as np
from flint import arb, ctx

from layerpeel.numerics._ball import PRECISION, to_bracket
from layerpeel.numerics._inputs import UnusableInput, require_positive, require_whole
from layerpeel.numerics._power_sums import extreme_power_sum
from layerpeel.numerics._validated import validated

NEARNESS, ROUNDING = 0.012, 1e-9
"""The search over rotations proves its minimum to the first; the second covers sums of nine powers in doubles, each rounded to 1e-15."""


@validated
def least_collapsed_loss(num_classes: int, exponent: float, feature_energy: float) -> float:
    """Lower bound of the loss over all neural-collapse configurations h_k = a U m_k, w_k = b U m_k, U any isometry into R^p, p = K.

    The constraint (1/K) Σ_k ‖h_k‖_q^q ≤ E_H gives a ≤ (K E_H/S)^{1/q} with S = Σ_k ‖U m_k‖_q^q, and the margins are a b K/(K−1), b ≤ 1
    (E_W = 1); so S is what matters. For K = 3, 1 ≤ q < 2 it is bounded by a search over rotations. Otherwise: the columns c_j of
    (U m_1, …)ᵀ are ⊥ 1, have squared lengths s_j ≤ K/(K−1), and Σ s_j = K. With κ the least Σ|c_k|^q over unit c ⊥ 1, S ≥ κ Σ_j s_j^{q/2},
    which is least where K − 1 of the s_j are largest (q < 2), or where all are equal (q ≥ 2, here for K = 3 only). For q ≤ 1,
    κ = 2^{1−q/2}: the positive and the negative part of c have equal sums, each at least the length of the longer part.

    Args:
        num_classes: K ≥ 2, all of as many samples.
        exponent: q > 0.
        feature_energy: E_H.

    Raises:
        UnusableInput: for K other than 3 and q > 1, where no bound is known here.

    Source: su2024, what happens without the ansatz.

    Example:
        >>> round(least_collapsed_loss(10, 1.0, 1.0), 6)
        1.595667
    """
    classes = require_whole(num_classes, "the number of classes", least=2, remedy="collapse is about two classes or more")
    power, energy = require_positive(exponent, "the exponent"), require_positive(feature_energy, "feature energy")
    if classes != 3 and power > 1:
        raise UnusableInput(f"no bound is known for {classes} classes and the exponent {power:g}: use 3 classes, or an exponent up to 1.")
    with ctx.workprec(PRECISION):
        q, size = arb(power), arb(classes)
        if classes == 3 and power >= 1:
            total = arb(_least_over_rotations(power)) if power < 2 else size * extreme_power_sum(power, largest=False)
        else:
            total = arb(2) ** (1 - q / 2) * (size - 1) * (size / (size - 1)) ** (q / 2)
        scale = (size * arb(energy) / total) ** (1 / q)
        return to_bracket(((size - 1) * (-scale * size / (size - 1)).exp()).log1p()).lower


def _least_over_rotations(q: float) -> float:
    """Lower bound of S = Σ_k ‖U m_k‖_q^q over all isometries U into R³ of three m_k, for 1 ≤ q ≤ 2, by branch and bound.

    S does not change under U → −U and U → PU, P a signed permutation. So U = exp(w) with |w_i| ≤ 2 tan(π/8): otherwise a quarter turn
    brings it nearer to the identity. A rotation by ε moves a unit vector x by at most ε, hence ‖x‖_q^q by q ε ‖(|x_i|^{q−1})_i‖ ≤
    q ε 3^{1−q/2}, and the distance of exp(w) from exp(w') is at most ‖w − w'‖.
    """
    from scipy.spatial.transform import Rotation

    lipschitz, turns = 3 * q * 3 ** (1 - q / 2), 2 * np.pi * np.arange(3) / 3
    frame = np.stack([np.cos(turns), np.sin(turns), np.zeros(3)])
    corners = np.array(list(product((-1.0, 1.0), repeat=3)))
    half, centres, best, proved = 2 * math.tan(math.pi / 8) + ROUNDING, np.zeros((1, 3)), math.inf, math.inf
    while len(centres):
        sums = (np.abs(Rotation.from_rotvec(centres).as_matrix() @ frame) ** q).sum(axis=(1, 2))
        best, bounds = min(best, float(sums.min())), sums - lipschitz * math.sqrt(3) * half
        done = bounds >= best - NEARNESS
        proved, half = min(proved, float(bounds[done].min(initial=math.inf))), half / 2
        centres = (centres[~done, None] + half * corners).reshape(-1, 3)
    return proved - ROUNDING
