"""Separability of several classes at once, by one linear classifier, with a certificate either way.

K classes are *linearly separable* when the largest of K affine scores names the right class on every sample, without ties. Then every two
classes are separable, by the difference of their scores; the converse fails from three classes on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from layerpeel.array_words import Float, Int
from layerpeel.numerics._validated import validated
from layerpeel.numerics.separability._gordan import Balanced
from layerpeel.numerics.separability._homogeneous import decide, require_classes, verified_lead


@dataclass(frozen=True, kw_only=True, eq=False)
class LinearClassifier:
    """Scores w_k·(x − anchor) − b_k; the largest names the class.

    Args:
        weights: w_k by row.
        anchor: a point amid the data.
        offsets: b_k.
        lead: on every sample the right score leads by at least this: a verified lower bound, > 0.
    """

    weights: Float[np.ndarray, "K p"]
    anchor: Float[np.ndarray, " p"]
    offsets: Float[np.ndarray, " K"]
    lead: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Contradiction:
    """Weights under which the demands on any linear classifier cancel: Σ weight · (e_own − e_rival) ⊗ (x, 1) = 0.

    Args:
        samples: indices into the classes stacked in order.
        own: class of each sample.
        rivals: the class it would have to lead over.
        weights: positive, of sum one; the exact ones are within `weight_error` and positive.
        weight_error: entry by entry.
    """

    samples: Int[np.ndarray, " s"]
    own: Int[np.ndarray, " s"]
    rivals: Int[np.ndarray, " s"]
    weights: Float[np.ndarray, " s"]
    weight_error: float


@dataclass(frozen=True, kw_only=True, eq=False)
class LinearSeparability:
    """Whether one linear classifier is right on every sample of all classes, and what proves it.

    Args:
        separable: None when rounding cannot tell and there are more than 24 coefficients, too many for rational arithmetic.
        classifier: when separable; None where no doubles were found that hold one, though rational arithmetic proves that it exists.
        contradiction: when not separable.
    """

    separable: bool | None
    classifier: LinearClassifier | None = None
    contradiction: Contradiction | None = None


@validated
def linear_classifier(classes: Sequence[Float[np.ndarray, "_ p"]]) -> LinearSeparability:
    """Decide whether one linear classifier is right on every sample of all classes.

        w_k·x − b_k > w_j·x − b_j    for every x of class k and every j ≠ k.

    Stronger than pairwise separability for three classes or more; for two it is the same. Decided like `separating_hyperplane`.

    Args:
        classes: the samples of each class, n_k × p; at least two classes.

    Raises:
        UnusableInput: as `separating_hyperplane`, and for fewer than two classes.

    Source: crammer2001, section 3 (the decision rule); mangasarian1969, chapter 2 (Gordan).

    Example:
        >>> three = [np.array([[0.0]]), np.array([[1.0]]), np.array([[2.0], [3.0]])]
        >>> linear_classifier(three).classifier.lead > 0
        True
        >>> linear_classifier([*three, np.array([[2.5]])]).separable
        False
    """
    checked = require_classes(classes)
    system, answer = decide(checked)
    if answer is None:
        return LinearSeparability(separable=None)
    if isinstance(answer, Balanced):
        held = Contradiction(
            samples=system.samples[answer.rows],
            own=system.own[answer.rows],
            rivals=system.rivals[answer.rows],
            weights=answer.weights,
            weight_error=answer.weight_error,
        )
        return LinearSeparability(separable=False, contradiction=held)
    if answer.exact is not None:
        return LinearSeparability(separable=True)
    weights, anchor, offsets = system.scores(answer.direction)
    lead = verified_lead(checked, weights, anchor, offsets)
    classifier = LinearClassifier(weights=weights, anchor=anchor, offsets=offsets, lead=lead) if lead > 0.0 else None
    return LinearSeparability(separable=True, classifier=classifier)
