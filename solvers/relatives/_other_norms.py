"""The Layer-Peeled Model with (1/K) Σ_k ‖h_k‖_q^q ≤ E_H in place of squares: descent, and what the point it finds proves."""

import math

import numpy as np
from flint import arb, ctx
from scipy.optimize import minimize
from scipy.special import log_softmax

from layerpeel.array_words import Float
from layerpeel.numerics import (
    PRECISION,
    Bracket,
    UnusableInput,
    extreme_power_sum,
    require_positive,
    require_whole,
    to_bracket,
    validated,
)

DUST = 1e-6
"""Entries of the features below this are set to zero: q < 1 charges for them."""

OPTIONS = {"maxiter": 3000, "maxfun": 10000, "ftol": 1e-16, "gtol": 1e-11}
"""L-BFGS runs until rounding stops it."""


@validated
def descend_other_norm(
    classes: int, exponent: float, *, rng: np.random.Generator, starts: int = 12
) -> tuple[Float[np.ndarray, "K K"], Float[np.ndarray, "K K"]]:
    """The best of several L-BFGS runs on the constraints, E_H = E_W = 1.

        min (1/K) Σ_k L(W h_k, k)   s.t.   (1/K) Σ_k ‖h_k‖_q^q = 1,   (1/K) Σ_k ‖w_k‖² = 1,   L cross-entropy, p = K.

    H = s|s|^{r−1} with r = max(1, 2/q), so that |H|^q is smooth in s. Not every start ends in the same value.

    Args:
        classes: K ≥ 2, all of as many samples.
        exponent: q > 0.
        rng: source of the random starts.
        starts: how many.

    Returns:
        (features, classifier), one row per class, up to DUST.

    Raises:
        UnusableInput: for fewer than two classes, no start, or an exponent that is not positive and finite.

    Source: su2024, what happens without the ansatz.

    Example:
        >>> features, classifier = descend_other_norm(3, 2.0, rng=np.random.default_rng(0), starts=1)
        >>> (features / features[0, 0] - classifier / classifier[0, 0]).round(4).any()  # self-dual
        np.False_
    """
    size = require_whole(classes, "the number of classes", least=2, remedy="there are two or more")
    q = require_positive(exponent, "the exponent")
    power = max(1.0, 2.0 / q)

    def split(flat: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        roots, classifier = flat.reshape(2, size, size)
        raw = np.sign(roots) * np.abs(roots) ** power
        total = float(np.sum(np.abs(raw) ** q))
        return raw * (size / total) ** (1 / q), classifier * math.sqrt(size) / np.linalg.norm(classifier), roots, total

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        features, classifier, roots, total = split(flat)
        logs = log_softmax(features @ classifier.T, axis=1)
        slope = (np.exp(logs) - np.eye(size)) / size
        along_features, along_classifier = slope @ classifier, slope.T @ features
        # d log|h| = r d log|s| minus the common rescaling, whose share per entry is |s|^{rq}/total.
        towards = along_features * (size / total) ** (1 / q) * power * np.abs(roots) ** (power - 1)
        towards -= np.sum(along_features * features) * power / total * np.sign(roots) * np.abs(roots) ** (power * q - 1)
        tangent = along_classifier - np.sum(along_classifier * classifier) / size * classifier
        length = np.linalg.norm(flat[size**2 :])
        return -float(np.trace(logs)) / size, np.concatenate([towards.ravel(), tangent.ravel() * math.sqrt(size) / length])

    begun = rng.standard_normal((require_whole(starts, "the number of starts", remedy="there is one or more"), 2 * size**2))
    best = min((minimize(objective, start, jac=True, method="L-BFGS-B", options=OPTIONS) for start in begun), key=lambda run: run.fun)
    features, classifier, *_ = split(best.x)
    return np.where(np.abs(features) < DUST, 0.0, features), classifier


@validated
def enclose_other_norm(
    exponent: float, features: Float[np.ndarray, "K p"], classifier: Float[np.ndarray, "K p"], *, feature_energy: float
) -> Bracket:
    """The optimal value at E_W = 1, between a bound of all points and the given one, scaled onto the constraints and evaluated in balls.

    From below, for P = I − 11ᵀ/K, Jensen over the K(K−1) margins gives f ≥ log(1 + (K−1) exp(−⟨P, HWᵀ⟩/(K−1))), and by Hölder
    ⟨P, HWᵀ⟩ ≤ (K E_H)^{1/q} √(K E_W) p^{max(0, 1/2 − 1/q)} max{‖c‖_{q'} : c ⊥ 1, ‖c‖ = 1}, with 1/q + 1/q' = 1 (q' = ∞ for q ≤ 1).

    Args:
        exponent: q > 0.
        features: H, one row per class; any multiple of it.
        classifier: W likewise.
        feature_energy: E_H.

    Raises:
        UnusableInput: for other than 3 classes and q > 1, where the maximum is not known here, or factors that are zero or not finite.

    Source: derived; docs/derivations/layer-peeled.md, section 5.

    Example:
        >>> frame = np.eye(3) - 1 / 3
        >>> enclosure = enclose_other_norm(2.0, frame, frame, feature_energy=1.0)
        >>> enclosure.contains(math.log1p(2 * math.exp(-1.5))), enclosure.width < 1e-3
        (True, True)
    """
    q, energy, classes = require_positive(exponent, "the exponent"), require_positive(feature_energy, "feature energy"), len(features)
    if classes < 2 or (classes != 3 and q > 1):
        raise UnusableInput(f"no bound is known for {classes} classes and the exponent {q:g}: use 3 classes, or an exponent up to 1.")
    if not all(np.isfinite(factor).all() and factor.any() for factor in (features, classifier)):
        raise UnusableInput("a factor is zero or has entries that are not finite: give finite entries, not all of them zero.")
    with ctx.workprec(PRECISION):
        size, power = arb(classes), arb(q)
        budget = (size * arb(energy)) ** (1 / power)
        mass = sum((arb(abs(entry)) ** power for entry in features.ravel().tolist() if entry), arb(0))
        stretch = (size * arb(energy) / mass) ** (1 / power)
        stretch *= (size / sum((arb(entry) ** 2 for entry in classifier.ravel().tolist()), arb(0))).sqrt()
        value = arb(0)
        for k, row in enumerate(features.tolist()):
            logits = [stretch * sum((arb(x) * arb(y) for x, y in zip(row, w, strict=True)), arb(0)) for w in classifier.tolist()]
            value += sum(((logits[j] - logits[k]).exp() for j in range(classes) if j != k), arb(0)).log1p() / size
        if q <= 1:
            widest, spread = ((size - 1) / size).sqrt(), arb(1)
        else:
            dual = q / (q - 1)
            widest = extreme_power_sum(dual, largest=True) ** (1 / arb(dual))
            spread = arb(features.shape[1]) ** max(arb(0), arb(0.5) - 1 / power)
        bound = ((size - 1) * (-budget * size.sqrt() * spread * widest / (size - 1)).exp()).log1p()
        return Bracket(to_bracket(bound).lower, to_bracket(value).upper, rigorous=True)
