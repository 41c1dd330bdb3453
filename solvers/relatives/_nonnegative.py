"""Features that went through a ReLU: cross-entropy and weight decay with H ≥ 0, solved by descent and certified by duality."""

import math
from dataclasses import dataclass

import numpy as np
from flint import arb, arb_mat, ctx
from scipy.optimize import minimize
from scipy.special import log_softmax

from layerpeel.array_words import Float
from layerpeel.numerics import PRECISION, Bracket, UnusableInput, require_whole, to_bracket, validated
from layerpeel.solvers.program._problem import UnconstrainedFeatures
from layerpeel.solvers.relatives._deep_linear import sample_labels, square_norm

OPTIONS = {"maxiter": 20000, "maxfun": 40000, "ftol": 1e-16, "gtol": 1e-12, "maxcor": 30}
"""L-BFGS runs until rounding stops it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class NonNegative:
    """A point of the model with non-negative features.

    Args:
        problem: counts and the two penalties.
        classifier: W, one row per class.
        features: H ≥ 0, one row per sample, class by class.
        value: the objective.
    """

    problem: UnconstrainedFeatures
    classifier: Float[np.ndarray, "K p"]
    features: Float[np.ndarray, "N p"]
    value: float

    @property
    def means(self) -> Float[np.ndarray, "K p"]:
        """Class means of the features."""
        labels = sample_labels(self.problem)
        return np.stack([self.features[labels == k].mean(axis=0) for k in range(self.problem.num_classes)])


@dataclass(frozen=True, kw_only=True)
class NonNegativeEnclosure:
    """What a point proves about the optimum.

    Args:
        value: the optimal value.
        margins: per class log((K − 1) p/(1 − p)), p the probability of the own class: its margin when the other classes tie.
        overlaps: cosines between the class means of every two classes that have features (k < l).
    """

    value: Bracket
    margins: tuple[Bracket, ...]
    overlaps: dict[tuple[int, int], Bracket]


@validated
def descend_nonnegative(problem: UnconstrainedFeatures, dimension: int, *, rng: np.random.Generator, starts: int = 4) -> NonNegative:
    """Best of several L-BFGS runs, with H ≥ 0 as bounds on the variables.

        min (1/N) Σ_k Σ_i CE(W h_{k,i}, k) + (λ_W/2) ‖W‖² + (λ_H/2) ‖H‖²     s.t.   H ≥ 0.

    A run can end where a class lost all its features; the more dimensions, the fewer do.

    Args:
        problem: counts and penalties; cross-entropy, no bias, norm weights "sample"; classes stand group by group.
        dimension: p ≥ 1; an optimum needs as many as classes with features.
        rng: source of the random starts.
        starts: how many, ≥ 1.

    Raises:
        UnusableInput: for another loss, a bias, other norm weights, or a dimension or a number of starts below 1.

    Source: dang2024, the unconstrained ReLU feature model.

    Example:
        >>> problem = UnconstrainedFeatures(counts=[4, 2], feature_penalty=0.02, weight_penalty=0.02)
        >>> point = descend_nonnegative(problem, 8, rng=np.random.default_rng(0))
        >>> round(point.value, 9), bool(point.features.min() >= 0)
        (0.192709295, True)
    """
    _require_model(problem)
    classes, labels = problem.num_classes, sample_labels(problem)
    samples, dimension = len(labels), require_whole(dimension, "the dimension", remedy="features have one entry or more")
    starts = require_whole(starts, "the number of starts", remedy="give one, for example 4")
    own, cut = np.eye(classes)[labels], classes * dimension

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        classifier, features = flat[:cut].reshape(classes, dimension), flat[cut:].reshape(samples, dimension)
        logs = log_softmax(features @ classifier.T, axis=1)
        slope = (np.exp(logs) - own) / samples
        decay = 0.5 * (problem.weight_penalty * np.sum(classifier**2) + problem.feature_penalty * np.sum(features**2))
        along = slope.T @ features + problem.weight_penalty * classifier, slope @ classifier + problem.feature_penalty * features
        return float(decay - np.sum(logs * own) / samples), np.concatenate([part.ravel() for part in along])

    bounds = [(-math.inf, math.inf)] * cut + [(0.0, math.inf)] * (samples * dimension)
    draws = [rng.standard_normal(cut + samples * dimension) for _ in range(starts)]
    begun = [np.concatenate([draw[:cut], np.abs(draw[cut:])]) for draw in draws]
    best = min(
        (minimize(objective, x, jac=True, method="L-BFGS-B", bounds=bounds, options=OPTIONS) for x in begun), key=lambda run: run.fun
    )
    classifier, features = best.x[:cut].reshape(classes, dimension), best.x[cut:].reshape(samples, dimension)
    return NonNegative(problem=problem, classifier=classifier, features=features, value=float(best.fun))


@validated
def enclose_nonnegative(point: NonNegative) -> NonNegativeEnclosure:
    """What any point proves about the optimum, by weak duality, in ball arithmetic.

    With t_k = e_k − 1/K and p_β = e_k − β t_k a distribution, CE(z, k) = S(p_β) − β⟨t_k, z⟩ + KL(p_β ‖ softmax z), S the entropy.
    Let s_k = Σ_i h_{k,i} and V = Σ_k β_k t_k s_kᵀ. Completing the square in W, with ⟨t_k, t_l⟩ = −1/K,

        f = Σ_k c_k S(p_{β_k}) + (1/N) Σ KL + (λ_W/2)‖W − V/(λ_W N)‖² + (λ_H/2)‖H‖² − ‖V‖²/(2 λ_W N²),
        ‖V‖² = Σ_k β_k² ((K − 1)/K) ‖s_k‖² − (1/K) Σ_{k≠l} β_k β_l ⟨s_k, s_l⟩,     ‖s_k‖² ≤ n_k Σ_i ‖h_{k,i}‖².

    H ≥ 0 makes every ⟨s_k, s_l⟩ ≥ 0. So f ≥ Σ_k c_k S(p_{β_k}) whenever β_k² ≤ λ_W λ_H N² K/((K − 1) n_k), β_k ≤ 1. The bound rises with
    every β_k and is taken at the largest. What is left over is at most the gap, at the point and at the optimum:

        |p − p'| ≤ √(KL/2) for the own class (Pinsker),     ⟨s_k, s_l⟩ ≤ λ_W N² K gap/(β_k β_l),
        n_k ‖h_k‖ ≥ n_k √((K − 1)/K) margin_k/‖W‖,     ‖W‖² ≤ 2f/λ_W.

    Args:
        point: any point of the model, as `descend_nonnegative` returns it; the nearer the optimum, the narrower the brackets.

    Raises:
        UnusableInput: for what is no such point.

    Source: dang2024, the unconstrained ReLU feature model; derived (the dual proof).

    Example:
        >>> problem = UnconstrainedFeatures(counts=[4, 2], feature_penalty=0.02, weight_penalty=0.02)
        >>> enclosure = enclose_nonnegative(descend_nonnegative(problem, 8, rng=np.random.default_rng(0)))
        >>> enclosure.value.width < 1e-12, enclosure.overlaps[0, 1].upper < 1e-6
        (True, True)
    """
    problem, labels = point.problem, sample_labels(point.problem)
    classes, samples = problem.num_classes, len(labels)
    counts = [int(count) for count in np.bincount(labels)]
    with ctx.workprec(PRECISION):
        decay_w, decay_h = arb(problem.weight_penalty), arb(problem.feature_penalty)
        classifier, features = arb_mat(point.classifier.tolist()), arb_mat(np.maximum(point.features, 0.0).tolist())
        value, owns = (decay_w * square_norm(classifier) + decay_h * square_norm(features)) / 2, [arb(0)] * classes
        for row, label in zip((features * classifier.transpose()).tolist(), labels.tolist(), strict=True):
            others = sum(((entry - row[label]).exp() for k, entry in enumerate(row) if k != label), arb(0))
            value += others.log1p() / samples
            owns[label] += 1 / (1 + others) / counts[label]
        slopes = [arb(1).min((decay_w * decay_h * samples**2 * classes / ((classes - 1) * arb(count))).sqrt()) for count in counts]
        bound = sum((arb(count) / samples * _entropy(classes, slope) for count, slope in zip(counts, slopes, strict=True)), arb(0))
        gap = (value - bound).upper().max(arb(0))
        margins = [_margin(classes, own, (2 * gap * samples / count).sqrt()) for own, count in zip(owns, counts, strict=True)]
        length = (2 * value / decay_w).sqrt()
        sums = [count * (1 - arb(1) / classes).sqrt() * margin.lower() / length for count, margin in zip(counts, margins, strict=True)]
        overlaps = {
            (k, j): to_bracket(arb(0).union(decay_w * samples**2 * classes * gap / (slopes[k] * slopes[j] * sums[k] * sums[j])).min(arb(1)))
            for k in range(classes)
            for j in range(k + 1, classes)
            if sums[k] > 0 and sums[j] > 0
        }
        return NonNegativeEnclosure(
            value=Bracket(to_bracket(bound).lower, to_bracket(value).upper, rigorous=True),
            margins=tuple(to_bracket(margin) for margin in margins),
            overlaps=overlaps,
        )


def _entropy(classes: int, slope: arb) -> arb:
    """S of the distribution with β/K on every other class and the rest, 1 − β(K − 1)/K, on the own."""
    other = slope / classes
    own = 1 - (classes - 1) * other
    return -own * own.log() - (classes - 1) * other * other.log()


def _margin(classes: int, own: arb, radius: arb) -> arb:
    """log((K − 1)p/(1 − p)) over all p within the radius, kept inside (0, 1)."""
    low, high = (own - radius).lower(), (own + radius).upper()
    ends = [((classes - 1) * p / (1 - p)).log() if 0 < p < 1 else arb(sign) * 1e300 for p, sign in ((low, -1), (high, 1))]
    return ends[0].union(ends[1])


def _require_model(problem: UnconstrainedFeatures) -> None:
    if problem.loss != "cross-entropy" or problem.bias_penalty is not None or problem.norm_weights != "sample":
        raise UnusableInput(f"{problem!r} has no model with non-negative features here: use cross-entropy, no bias, norm weights 'sample'.")
