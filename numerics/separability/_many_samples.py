"""Separability of many labelled samples: certificates that are cheap to find first, and a program on a part of the samples last."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from layerpeel.array_words import Float, Int
from layerpeel.numerics._inputs import UnusableInput
from layerpeel.numerics._validated import validated
from layerpeel.numerics.separability._homogeneous import verified_lead
from layerpeel.numerics.separability._linear_classifier import Contradiction, LinearClassifier, linear_classifier

LARGEST_PROGRAM = 3_000_000
"""Entries of the conditions of a program that is solved, (samples)(K−1)²(p+1): about a second of work."""

MOST_PAIRS = 3
"""Pairs of classes that are tried, those that least squares confuses most."""

RIDGE = 1e-9
"""Of the least-squares classifier, relative to the mean square of a feature: it is tried, and what it says is verified."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FeatureSeparability:
    """Whether one linear classifier is right on every sample, and what proves it.

    Args:
        separable: None where neither was proved within the work that is allowed.
        by: what found the answer: "classifier" (the given one is right on all samples), "class means", "least squares" or "program".
        classifier: one that is right on every sample, with its verified lead, when separable.
        contradiction: when not separable; its samples are rows of the features.
    """

    separable: bool | None
    by: str | None = None
    classifier: LinearClassifier | None = None
    contradiction: Contradiction | None = None


@validated
def features_separable(
    features: Float[np.ndarray, "n p"],
    labels: Int[np.ndarray, " n"],
    classifier: Float[np.ndarray, "K p"] | None = None,
    bias: Float[np.ndarray, " K"] | None = None,
    *,
    largest: int = LARGEST_PROGRAM,
) -> FeatureSeparability:
    """Decide whether one linear classifier is right on every one of many samples, with a certificate either way.

    Three classifiers are tried: the given one, that of the class means, and least squares; one that is right everywhere, with a lead
    verified to rounding, is the certificate. If none is, the conditions of `linear_classifier` are solved: on all samples where that is
    small enough, else on the two classes that least squares confuses most, whose contradiction holds for all.

    Args:
        features: one row per sample.
        labels: class numbers 0 … K−1, each with a sample.
        classifier: K × p.
        bias: K numbers.
        largest: entries of the program's conditions up to which it is solved.

    Raises:
        UnusableInput: for arrays that do not fit, or fewer than two classes.

    Source: crammer2001, section 3 (the decision rule); mangasarian1969, chapter 2 (Gordan).

    Example:
        >>> features, labels = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0, 0, 1, 1])
        >>> features_separable(features, labels).by
        'class means'
        >>> features_separable(features, labels[[0, 2, 1, 3]]).contradiction.samples.size > 1
        True
    """
    counts = np.bincount(labels)
    if len(counts) < 2 or not counts.all():
        raise UnusableInput(f"labels name {np.count_nonzero(counts)} of 0 ... {len(counts) - 1}: each of two or more needs a sample.")
    rows = np.split(np.argsort(labels, kind="stable"), np.cumsum(counts)[:-1])
    classes = [features[chosen] for chosen in rows]
    said = labels
    for by, weights, anchor, offsets in _candidates(features, labels, len(counts), classifier, bias):
        if (_leads(features, labels, weights, anchor, offsets) > 0.0).all():
            lead = verified_lead(classes, weights, anchor, offsets)
            if lead > 0.0:
                separating = LinearClassifier(weights=weights, anchor=anchor, offsets=offsets, lead=lead)
                return FeatureSeparability(separable=True, by=by, classifier=separating)
        said = np.argmax((features - anchor) @ weights.T - offsets, axis=1)  # in the end by least squares, the last
    return _by_program(features, labels, rows, said, largest)


def _candidates(
    features: Float[np.ndarray, "n p"],
    labels: Int[np.ndarray, " n"],
    number: int,
    classifier: Float[np.ndarray, "K p"] | None,
    bias: Float[np.ndarray, " K"] | None,
) -> Iterator[tuple[str, Float[np.ndarray, "K p"], Float[np.ndarray, " p"], Float[np.ndarray, " K"]]]:
    """Name, weights, anchor and offsets of what is tried; each is computed when the one before was wrong somewhere."""
    if classifier is not None:
        yield "classifier", classifier, np.zeros(features.shape[1]), np.zeros(number) if bias is None else -bias
    middle = features.mean(axis=0)
    centred = features - middle
    means = np.array([centred[labels == k].mean(axis=0) for k in range(number)])
    yield "class means", means, middle, 0.5 * (means**2).sum(axis=1)
    weights, offsets = _least_squares(centred, labels, number)
    yield "least squares", weights, middle, offsets


def _by_program(
    features: Float[np.ndarray, "n p"], labels: Int[np.ndarray, " n"], rows: list[np.ndarray], said: Int[np.ndarray, " n"], largest: int
) -> FeatureSeparability:
    """The program on all samples, or on two classes at a time: what these contradict, all do."""
    number, width = len(rows), features.shape[1] + 1
    if len(features) * (number - 1) ** 2 * width <= largest:
        return _solved(features, rows, list(range(number)))
    confused = np.zeros((number, number), dtype=np.int64)
    np.add.at(confused, (labels, said), 1)
    confused = np.triu(confused + confused.T, 1)
    for flat in np.argsort(confused, axis=None)[::-1][:MOST_PAIRS]:
        pair = [int(k) for k in np.unravel_index(flat, confused.shape)]
        if not confused[pair[0], pair[1]] or sum(len(rows[k]) for k in pair) * width > largest:
            continue
        answer = _solved(features, rows, pair)
        if answer.separable is False:
            return answer
    return FeatureSeparability(separable=None)


def _solved(features: Float[np.ndarray, "n p"], rows: list[np.ndarray], part: list[int]) -> FeatureSeparability:
    answer = linear_classifier([features[rows[k]] for k in part])
    here = answer.contradiction
    if here is None:
        return FeatureSeparability(separable=answer.separable, by="program" if answer.separable else None, classifier=answer.classifier)
    stacked, classes = np.concatenate([rows[k] for k in part]), np.array(part)
    contradiction = Contradiction(
        samples=stacked[here.samples],
        own=classes[here.own],
        rivals=classes[here.rivals],
        weights=here.weights,
        weight_error=here.weight_error,
    )
    return FeatureSeparability(separable=False, by="program", contradiction=contradiction)


def _least_squares(
    centred: Float[np.ndarray, "n p"], labels: Int[np.ndarray, " n"], number: int
) -> tuple[Float[np.ndarray, "K p"], Float[np.ndarray, " K"]]:
    """Weights and offsets of the least-squares fit to ±1, in the dimension that is smaller."""
    shares = np.bincount(labels, minlength=number) / len(labels)
    targets = np.eye(number)[labels] - shares
    small = RIDGE * max(float((centred**2).mean()), np.finfo(float).tiny) * len(centred)
    if centred.shape[1] <= len(centred):
        weights = np.linalg.solve(centred.T @ centred + small * np.eye(centred.shape[1]), centred.T @ targets).T
    else:
        weights = np.linalg.solve(centred @ centred.T + small * np.eye(len(centred)), targets).T @ centred
    return weights, -shares


def _leads(
    features: Float[np.ndarray, "n p"],
    labels: Int[np.ndarray, " n"],
    weights: Float[np.ndarray, "K p"],
    anchor: Float[np.ndarray, " p"],
    offsets: Float[np.ndarray, " K"],
) -> Float[np.ndarray, " n"]:
    """By how much the own score leads, as doubles say it."""
    scores = (features - anchor) @ weights.T - offsets
    places = np.arange(len(labels))
    own = scores[places, labels]
    scores[places, labels] = -np.inf
    return own - scores.max(axis=1)
