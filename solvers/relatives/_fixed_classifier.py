"""The program with a classifier that is fixed at a simplex ETF: only the lengths of the class means are left."""

import math

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics import UnusableInput, validated
from layerpeel.solvers.program._problem import LayerPeeled

HALVINGS = 120
"""Of an interval whose ends are doubles: more than the bits of one."""


@validated
def fixed_classifier_features(problem: LayerPeeled) -> tuple[Float[np.ndarray, " G"], Float[np.ndarray, " G"]]:
    """Lengths of the class means, and their margins in the logits, per group, where the classifier is a simplex ETF of norm √E_W.

    By symmetry h_k points along w_k, its margin over every other class is m_k = r_k √E_W K/(K − 1), and stationarity reads
    d_k² r_k (K − 1 + e^{m_k}) = t c_k with one t, which Σ d_k² r_k² = E_H Σ d_k² fixes; both sides increase.

    Args:
        problem: with bounded energies, plain cross-entropy and no bias.

    Returns:
        r_k and m_k, one per group.

    Raises:
        UnusableInput: for another program.

    Source: zhu2021 (the fixed classifier); derived; docs/derivations/layer-peeled.md, section 9.

    Example:
        >>> from layerpeel.solvers import LayerPeeled
        >>> lengths, margins = fixed_classifier_features(LayerPeeled(counts=[5, 5, 5], feature_energy=4.0))
        >>> lengths.round(9).tolist(), margins.round(9).tolist()
        ([2.0], [3.0])
    """
    if problem.loss != "cross-entropy" or problem.adjusted or problem.bias_penalty is not None:
        raise UnusableInput(
            f"a fixed classifier does not cover {problem!r}: it needs plain cross-entropy and no bias; leave out what changes the loss."
        )
    classes, sizes = problem.num_classes, np.array(problem.sizes, dtype=float)
    mass = problem.scales**2 * sizes
    budget = problem.feature_energy * problem.norm_mass
    steep = math.sqrt(problem.weight_energy) * classes / (classes - 1)
    pull = np.log(problem.weights / problem.scales**2)

    def lengths(log_level: float) -> Float[np.ndarray, " G"]:
        low, high = np.zeros(len(sizes)), np.sqrt(budget / mass)
        for _ in range(HALVINGS):
            middle = 0.5 * (low + high)
            with np.errstate(divide="ignore"):
                short = np.log(middle) + np.logaddexp(math.log(classes - 1), steep * middle) < log_level + pull
            low, high = np.where(short, middle, low), np.where(short, high, middle)
        return low

    low, high = -800.0, 800.0 + steep * float(np.sqrt(budget / mass).max()) - float(pull.min())
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if float(mass @ lengths(middle) ** 2) < budget else (low, middle)
    feature_lengths = lengths(high)
    return feature_lengths, steep * feature_lengths
