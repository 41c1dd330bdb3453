"""Thresholds of whole arrays of problems, with what their rounding can amount to: every sum has terms of one sign, so it stays bounded."""

from dataclasses import dataclass
from typing import Any

import numpy as np

import layerpeel.numerics.layer_peeled._two_groups_curve as curve
from layerpeel.array_words import Float
from layerpeel.numerics._input_arrays import broadcast, require_positive_array, require_whole_array
from layerpeel.numerics._inputs import UnusableInput
from layerpeel.numerics.layer_peeled._models import LARGEST_ROOT, LEAST_DECAY, LEAST_ROOT, means_samples
from layerpeel.numerics.layer_peeled._sample_threshold_arrays import (
    decay_vanishing_arrays,
    sample_collapse_arrays,
    sample_vanishing_arrays,
)
from layerpeel.numerics.layer_peeled._sample_thresholds import require_slight
from layerpeel.numerics.layer_peeled._thresholds import MOST_CLASSES, vanishing_threshold

CHUNK = 8192
"""Problems per pass: the two dozen temporaries then stay in the second-level cache."""

EPSILON = float(np.finfo(float).eps)

FUNCTION = 4.0
"""What an elementary function of NumPy may be off by, in units of EPSILON: its authors' four units in the last place."""

TOTAL, INNER, SHARE = 30.0, 27.0, 35.0
"""Roundings of τ(ρ)/τ, of a and of g_A in units of EPSILON, each operation by ½ and each function by FUNCTION, summed along the formulas.

All of them are made of products, quotients and sums of positive terms, so relative errors add up and none is magnified.
"""

SPARE = 1.1
"""Factor on the sum: for products of two roundings, and for slopes that are rounded themselves."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ThresholdArrays:
    """log(R0 − 1) and log R1 of an array of problems; all fields have one shape.

    Args:
        collapse: log(R0 − 1).
        collapse_error: it is within this of the truth: the rounding of every operation, to first order; stated, not proved.
        vanishing: log R1; NaN where the minority never vanishes.
        vanishing_error: likewise.
    """

    collapse: Float[np.ndarray, "..."]
    collapse_error: Float[np.ndarray, "..."]
    vanishing: Float[np.ndarray, "..."]
    vanishing_error: Float[np.ndarray, "..."]


def threshold_arrays(
    majority: Any,
    minority: Any,
    *,
    feature_energy: Any = None,
    weight_energy: Any = 1.0,
    norm_weights: str | None = None,
    weight_decay: Any = None,
) -> ThresholdArrays:
    """Where minority classifiers collapse (R0) and vanish (R1), for arrays of problems, with stated errors.

    What is found for a problem does not depend, to the last bit, on which others stand beside it. Arguments are numbers or arrays of any
    shapes that go together.

    Args:
        majority: K_A, whole, 1 to 10¹⁵.
        minority: K_B, whole, 2 to 10¹⁵.
        feature_energy: E_H > 0.
        weight_energy: E_W > 0; √(E_H E_W) from 1e-100 to 1e6.
        norm_weights: "class" or "sample" for all, as for `collapse_threshold`; "class" with energies unless given.
        weight_decay: λ in place of the energies, from 1e-100 to below 1/√K.

    Raises:
        UnusableInput: for entries out of these ranges, shapes that do not broadcast, and energies beside weight decays.
        ArithmeticError: when an iteration does not settle (none is known).

    Source: su2024, "Minority Collapse" (that R0 exists); derived; docs/derivations/numerics.md, "The two-group problem".

    Example:
        >>> thresholds = threshold_arrays([7, 5], [3, 5], feature_energy=5.0)
        >>> (1 + np.exp(thresholds.collapse)).round(6).tolist(), np.exp(thresholds.vanishing).round(6).tolist()
        ([4.000467, 12.192447], [5.70533, nan])
    """
    per_sample = means_samples(norm_weights, weight_decay is not None)
    classes = {
        "majority": require_whole_array(majority, "number of majority classes", largest=MOST_CLASSES),
        "minority": require_whole_array(minority, "number of minority classes", least=2, largest=MOST_CLASSES),
    }
    if weight_decay is not None:
        if feature_energy is not None:
            raise UnusableInput("both energies and weight decays are given: norms are either bounded or penalised; leave one of them out.")
        return _of_decays(*broadcast(**classes, weight_decay=require_positive_array(weight_decay, "weight decay", least=LEAST_DECAY)))
    arrays = broadcast(
        **classes,
        feature_energy=require_positive_array(feature_energy, "feature energy"),
        weight_energy=require_positive_array(weight_energy, "weight energy"),
    )
    shape = arrays[0].shape
    large, small, features, weights = (np.ascontiguousarray(array).ravel() for array in arrays)
    root = np.sqrt(features) * np.sqrt(weights)
    wrong = ~((root >= LEAST_ROOT) & (root <= LARGEST_ROOT))
    if wrong.any():
        raise UnusableInput(
            f"the root of the energy product is {root[wrong][0]:.3g}: a threshold takes {LEAST_ROOT:g} to {LARGEST_ROOT:g}; "
            "scale the energies."
        )
    rows = np.empty((4, root.size))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # K_A = 1 has no R1: what is computed there is not chosen
        for start in range(0, root.size, CHUNK):
            part = slice(start, start + CHUNK)
            if per_sample:
                rows[:2, part] = _sample_collapse(large[part], small[part], root[part])
                rows[2:, part] = sample_vanishing_arrays(large[part], small[part], root[part])
                continue
            radius = (large[part] + small[part]) * root[part]
            rows[:2, part] = _collapse(large[part], small[part], radius)
            rows[2:, part] = _vanishing(large[part], small[part], radius)
    for index in np.flatnonzero(np.isinf(rows[3])).tolist():
        energies = {"feature_energy": float(features[index]), "weight_energy": float(weights[index])}
        rows[2:, index] = _vanishing_in_balls(large[index], small[index], norm_weights=norm_weights, **energies)
    collapse, collapse_error, vanishing, vanishing_error = rows.reshape(4, *shape)
    return ThresholdArrays(collapse=collapse, collapse_error=collapse_error, vanishing=vanishing, vanishing_error=vanishing_error)


def _sample_collapse(majority: np.ndarray, minority: np.ndarray, root: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    logarithm, error, settled = sample_collapse_arrays(majority, minority, root)
    if not settled.all():
        worst = int(np.argmin(settled))
        at = ", ".join(f"{array[worst]:.17g}" for array in (majority, minority, root))
        raise ArithmeticError(f"no threshold per sample found for K_A, K_B, root energy = {at}; report this case.")
    return logarithm, error


def _of_decays(majority: np.ndarray, minority: np.ndarray, weight_decay: np.ndarray) -> ThresholdArrays:
    """R0 − 1 = (1 − K λ²)/(K_A λ²), and R1."""
    shape = majority.shape
    large, small, decays = (np.ascontiguousarray(array).ravel() for array in (majority, minority, weight_decay))
    for index in np.flatnonzero((large + small) * decays**2 >= 1 - 8 * EPSILON).tolist():
        require_slight(float(decays[index]), int(large[index] + small[index]))
    held = (large + small) * decays**2
    rows = np.empty((4, decays.size))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        rows[0] = np.log1p(-held) - np.log(large) - 2 * np.log(decays)
        rows[1] = SPARE * EPSILON * (2 * held / (1 - held) + (FUNCTION + 1) * (8 + np.abs(rows[0]) + 2 * np.abs(np.log(decays))))
        for start in range(0, decays.size, CHUNK):
            part = slice(start, start + CHUNK)
            rows[2:, part] = decay_vanishing_arrays(large[part], small[part], decays[part])
    for index in np.flatnonzero(np.isinf(rows[3])).tolist():
        rows[2:, index] = _vanishing_in_balls(large[index], small[index], weight_decay=float(decays[index]))
    collapse, collapse_error, vanishing, vanishing_error = rows.reshape(4, *shape)
    return ThresholdArrays(collapse=collapse, collapse_error=collapse_error, vanishing=vanishing, vanishing_error=vanishing_error)


def _collapse(majority: np.ndarray, minority: np.ndarray, radius: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """log(R0 − 1) = a + log(1 − e^{−a}) + log g_A on the boundary, and its error: that of the place ρ_0, and that of the formula."""
    rho, settled = curve.threshold_place(majority, minority, radius)
    if not settled.all():
        worst = int(np.argmin(settled))
        at = ", ".join(f"{array[worst]:.17g}" for array in (majority, minority, radius))
        raise ArithmeticError(f"no threshold found for K_A, K_B, radius = {at}; report this case.")
    excess, radius_slope = curve.threshold_excess(majority, minority, radius, rho)
    at = curve.place(majority, minority, rho)
    total = minority * at.margin_b
    a = at.ratio * total + majority * at.margin_a
    kept = -np.expm1(-a)
    log_kept, log_share = np.log(kept), np.log(at.share_a)
    slope = (at.ratio * (at.log_ratio_slope * total + minority * at.margin_b_slope) + majority * at.margin_a_slope) / kept
    from_place = slope / radius_slope * (np.abs(excess) + TOTAL * EPSILON)
    from_formula = INNER * a / kept + SHARE + FUNCTION + 2.0 * a + (FUNCTION + 1.0) * (np.abs(log_kept) + np.abs(log_share))
    return a + (log_kept + log_share), SPARE * (from_place + EPSILON * from_formula)


def _vanishing(majority: np.ndarray, minority: np.ndarray, radius: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """log R1 = ½ log1p(K_B D/(K_A − K D)) + log1p(g_A expm1(a)), a = τ/(K_A − 1), and its error.

    With δ = 1 − r_A and D = δ (2 − δ) as in `_two_groups_curve`, and g_A = (K_A − K δ)/(K_A K (1 − δ)). Only K_A − K D can cancel; where
    its rounding hides whether R1 exists, the error is infinite.
    """
    classes = majority + minority
    a = radius / (majority - 1)
    drop = -(majority / classes) * np.expm1(-a / majority)
    square = drop * (2 - drop)
    room = majority - classes * square
    doubt = (FUNCTION + 10.0) * EPSILON * classes * square + EPSILON * majority
    share = (majority - classes * drop) / (majority * classes * (1 - drop))
    share_error = (FUNCTION + 12.0) * EPSILON * (1 + classes * drop / (majority - classes * drop) + drop / (1 - drop))
    place = 0.5 * np.log1p(minority * square / room)
    capped = np.minimum(a, curve.EXPONENT_CAP)
    rise = np.log1p(share * np.expm1(capped)) + (a - capped)
    error = 0.5 * doubt / (room - doubt) + share_error + EPSILON * ((FUNCTION + 1.0) * (place + rise) + 5.0 * a + 4.0 * FUNCTION)
    exists = (majority > 1) & (room > 0)
    hidden = (majority > 1) & (np.abs(room) <= doubt)
    return np.where(exists, place + rise, np.nan), np.where(hidden, np.inf, np.where(exists, SPARE * error, np.nan))


def _vanishing_in_balls(majority: float, minority: float, **model: Any) -> tuple[float, float]:
    """The same where doubles cannot tell whether R1 exists."""
    exact = vanishing_threshold(int(majority), int(minority), **model)
    if exact is None:
        return np.nan, np.nan
    logarithm = float(np.logaddexp(0.0, exact.log_minus_one))
    return logarithm, (FUNCTION + 1.0) * EPSILON * (1.0 + abs(logarithm))
