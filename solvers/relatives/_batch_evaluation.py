"""Value, gap and cosine of two-group optima in whole arrays, in logarithms: every exponential may underflow."""

from typing import NamedTuple

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics import TwoGroupOptima

ROUNDINGS = 3.0
"""Allowance of the gap, in roundings of τ λ per unit of exponent: its terms are chains of a dozen operations (needed at most: 1.5)."""

NEGLIGIBLE = -36.0
"""Below this x, log1p(e^x) equals e^x to double precision."""


class Evaluation(NamedTuple):
    """What `SolutionBatch` says of its optima."""

    log_value: Float[np.ndarray, "..."]
    relative_gap: Float[np.ndarray, "..."]
    minority_cosine: Float[np.ndarray, "..."]


class _Side(NamedTuple):
    """Logs of what one class of a group contributes: its loss, and its parts of the gradient inside the group and between the groups."""

    loss: Float[np.ndarray, "..."]
    inside: Float[np.ndarray, "..."]
    between: Float[np.ndarray, "..."]
    exponent: Float[np.ndarray, "..."]


def evaluate(optima: TwoGroupOptima) -> Evaluation:
    """The optimal values, what the gradient at the optima bounds, and the geometry inside the group with fewer samples."""
    size_a, size_b, a, b = optima.majority, optima.minority, optima.a, optima.b
    log_weight_b = -np.log(size_a * optima.imbalance + size_b)
    log_weight_a = log_weight_b + np.log(optima.imbalance)
    side_a, side_b = _side(size_a, size_b, a, optima.t_a), _side(size_b, size_a, b, optima.t_b)
    log_value = np.logaddexp(np.log(size_a) + log_weight_a + side_a.loss, np.log(size_b) + log_weight_b + side_b.loss)
    # The gap over ‖G‖, τ + ⟨G, Z⟩/‖G‖, with the parts of G relative to the largest.
    inside_a, inside_b = log_weight_a + side_a.inside, log_weight_b + side_b.inside
    along_a, along_b = log_weight_a + side_a.between, log_weight_b + side_b.between
    top = np.maximum(0.5 * np.logaddexp(2 * along_a, 2 * along_b), np.maximum(inside_a, inside_b))
    inner = (size_a - 1) * a * np.exp(inside_a - top) + (size_b - 1) * b * np.exp(inside_b - top)
    outer = optima.t_a * np.exp(along_a - top) + optima.t_b * np.exp(along_b - top)
    allowance = ROUNDINGS * np.finfo(float).eps * (1 + side_a.exponent + side_b.exponent + np.abs(top)) * optima.radius
    shortfall = np.maximum(optima.radius - (inner + outer), 0.0) + allowance
    return Evaluation(log_value, np.exp(top - log_value) * shortfall, _minority_cosine(optima))


def _side(
    size: Float[np.ndarray, "..."], other: Float[np.ndarray, "..."], inner: Float[np.ndarray, "..."], between: Float[np.ndarray, "..."]
) -> _Side:
    """One class of a group of K_g with inner value a and part t of the outer one, against a group of K_h.

    With the margin m = a (K_g − 1)/K_g + √K t/(K_g √K_h) and D = 1 + (K_g − 1) e^{−a} + K_h e^{−m}: the loss is log D, the gradient
    (K_g e^{−a} + K_h e^{−m})/D inside and √(K K_h) e^{−m}/D between.
    """
    classes = size + other
    margin = inner * (size - 1) / size + np.sqrt(classes / other) / size * between
    own_margin = np.where(size > 1, inner, np.inf)
    low = np.minimum(own_margin, margin)
    own, foreign = np.exp(low - own_margin), other * np.exp(low - margin)
    log_excess = np.log((size - 1) * own + foreign) - low  # of D − 1
    loss = np.log1p(np.exp(log_excess))
    return _Side(
        np.where(log_excess < NEGLIGIBLE, log_excess, np.log(np.maximum(loss, np.finfo(float).tiny))),
        np.where(size > 1, np.log(size * own + foreign) - low - loss, -np.inf),
        0.5 * np.log(classes * other) - margin - loss,
        inner + margin,
    )


def _minority_cosine(optima: TwoGroupOptima) -> Float[np.ndarray, "..."]:
    """(ρ − b/K_B)/(ρ + b (K_B − 1)/K_B) with ρ = s K_A/(K K_B), for the group with fewer samples in the place of B."""
    first = optima.imbalance < 1.0
    size = np.where(first, optima.majority, optima.minority)
    other = np.where(first, optima.minority, optima.majority)
    inner = np.where(first, optima.a, optima.b)
    shared = np.hypot(optima.t_a, optima.t_b) * other / ((size + other) * size)
    square = np.where(optima.vanished, 1.0, inner * (size - 1) / size + shared)
    return np.where((size > 1) & ~optima.vanished, (shared - inner / size) / square, np.nan)
