"""Orthogonal class means after a ReLU, in closed form: margins, norms, the optimal value; predictions only."""

import math

from layerpeel.numerics import Bracket
from layerpeel.theory.layer_peeled._closed_forms import predicted


def wrong(count: int, classes: int, level: float) -> float:
    """q_k = N √(λ_W λ_H (K − 1)/(K n_k)), the probability of a wrong class; (K − 1)/K, all classes alike, once collapsed.

    The dual bound of `enclose_nonnegative` is attained by orthogonal class means, whose problems separate; equality forces
    softmax z_k = p_{β_k}, so q_k = β_k (K − 1)/K.
    """
    return min(math.sqrt(level * (classes - 1) / (classes * count)), (classes - 1) / classes)


def margin(error: float, classes: int) -> float:
    """log((K − 1)(1/q − 1))."""
    return math.log((classes - 1) * (1 / error - 1))


def value_of(counts: tuple[int, ...], errors: list[float]) -> Bracket:
    """Σ_k (n_k/N) S(1 − q_k, q_k/(K − 1), …)."""
    entropies = [-(1 - q) * math.log(1 - q) - q * math.log(q / (len(counts) - 1)) for q in errors]
    return predicted(sum(count * entropy for count, entropy in zip(counts, entropies, strict=True)) / sum(counts))


def cost(counts: tuple[int, ...], level: float, k: int) -> float:
    """m_k √((K − 1)/K): features and classifier share the cost of a class equally, so that is √(n_k λ_H/λ_W) ‖h_k‖²."""
    classes = len(counts)
    return max(margin(wrong(counts[k], classes, level), classes) * math.sqrt((classes - 1) / classes), 0.0)
