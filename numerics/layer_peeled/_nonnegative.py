"""The optimum with features H ≥ 0 and norms counted over samples: class means are orthogonal, classes collapse one by one."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics._inputs import UnusableInput, require_whole
from layerpeel.numerics._roots import increasing_root
from layerpeel.numerics._validated import validated
from layerpeel.numerics.layer_peeled._models import held_by, require_in_range

TOLERANCE = 1e-9
"""Relative Newton step that ends the search for b: the error left is about its square."""


@dataclass(frozen=True, kw_only=True, eq=False)
class NonNegativeOptimum:
    """The optimum of W and H ≥ 0.

    Args:
        margins: m_k, by how much the own logit is above all others; 0 for a class that collapsed.
        classifier: w_k in K orthonormal directions, up to one common factor.
    """

    margins: Float[np.ndarray, " K"]
    classifier: Float[np.ndarray, "K K"]


@validated
def nonnegative_optimum(
    counts: Sequence[int], *, feature_energy: float | None = None, weight_energy: float = 1.0, weight_decay: float | None = None
) -> NonNegativeOptimum:
    """Classifiers and margins of the per-sample model whose features went through a ReLU, by its closed form.

    With b² = λ_W λ_H N² K/(K − 1),

        m_k = log(1 + K (√n_k/b − 1)) where √n_k > b, and 0 elsewhere;    W Wᵀ ∝ Σ_k √n_k m_k t_k t_kᵀ,    t_k = e_k − 1/K.

    Weight decay λ is λ_W = λ, λ_H = λ/N: b = λ √(N K/(K − 1)). Energies fix b by √((K − 1)/K) Σ_k √n_k m_k = √(K E_W N E_H).

    Args:
        counts: n_k ≥ 1, for each of K ≥ 2 classes.
        feature_energy: E_H > 0, a mean over samples.
        weight_energy: E_W > 0.
        weight_decay: λ, in place of the energies.

    Raises:
        UnusableInput: for fewer than two classes, counts that are not whole numbers ≥ 1, and energies or a weight decay that
            `collapse_threshold` refuses.

    Source: dang2024, the unconstrained ReLU feature model; derived; docs/derivations/layer-peeled.md, section 10 (classifiers, energies).

    Example:
        >>> optimum = nonnegative_optimum([100, 100, 4, 2], weight_decay=0.1)
        >>> optimum.margins.round(4).tolist()
        [3.051, 3.051, 0.6027, 0.0]
    """
    for k, count in enumerate(counts):
        require_whole(count, f"counts of class {k}", remedy="correct it")
    if len(counts) < 2:
        raise UnusableInput(f"there is {len(counts)} class: classifiers are told apart among 2 or more; give all counts.")
    model = require_in_range(held_by(feature_energy, weight_energy, "sample", weight_decay))
    classes, samples = len(counts), float(sum(counts))
    roots = np.sqrt(np.asarray(counts, dtype=float))
    if model.weight_decay is not None:
        log_level = math.log(model.weight_decay) + 0.5 * math.log(samples * classes / (classes - 1))
    else:
        target, top = model.root_energy * classes * math.sqrt(samples / (classes - 1)), math.log(roots.max())
        log_level = top - increasing_root(lambda depth: _length(roots, top - depth, classes, target), start=1.0, tolerance=TOLERANCE)
    margins = _margins(roots, log_level, classes)
    directions = np.eye(classes) - 1.0 / classes
    return NonNegativeOptimum(margins=margins, classifier=directions * np.sqrt(roots * margins))


def _margins(roots: Float[np.ndarray, " K"], log_level: float, classes: int) -> Float[np.ndarray, " K"]:
    """log(1 + K (√n/b − 1)) where it is positive, by log b."""
    above = np.maximum(np.log(roots) - log_level, 0.0)
    return above + np.log(np.exp(-above) - classes * np.expm1(-above))  # √n/b itself may be no double


def _length(roots: Float[np.ndarray, " K"], log_level: float, classes: int, target: float) -> tuple[float, float]:
    """Σ √n m less the target, and its slope by −log b."""
    above = np.log(roots) - log_level
    slopes = np.where(above > 0.0, classes / (classes - (classes - 1) * np.exp(-np.maximum(above, 0.0))), 0.0)
    return float(roots @ _margins(roots, log_level, classes)) - target, float(roots @ slopes)
