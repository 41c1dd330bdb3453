"""What label counts and measured norms foretell of a network's minority classes.

Weight decay and batch norm hold back the norms of features summed over samples, so the diagnosis leads with the Layer-Peeled Model whose
energy is a mean over samples; the one of the sources, averaged over every class, stands beside it. Both speak of the end of training: of a
minority that was never learned they say nothing.
"""

import math
from typing import Any

import numpy as np

from layerpeel.numerics import UnusableInput, mean_cosine
from layerpeel.pages.output import number
from layerpeel.pages.records import Number, Record

MANY_DISTINCT = 200
"""Largest number of distinct counts for which the diagnosis solves the program as it stands: a second or two of work."""

MOST_NAMED = 12
"""Minority classes that a sentence names."""

LEARNED = 0.5
"""Accuracy on the minority's samples from which on it is learned: networks that merely had too little of it were seen at 0 to .3."""

TIE = 1e-3
"""Logits that are this close, in units of the largest, are the same: a solver leaves less between classes that coincide."""

ROWS = 65536
"""Samples that are taken at a time, so that the memory of a measurement is not its largest part."""


class ClassAveraged(Record):
    """The same at the energy of the sources' model, averaged over every class.

    Args:
        feature_energy: E_H, the mean over classes of the mean squared norm.
        threshold: R0; None where it is unknown or beyond doubles.
        imbalance_over_threshold: R/R0.
        minimal_oversampling: of the minority, that prevents collapse.
        collapses_now: whether R is beyond R0.
        expected_minority_cosine: between minority classifiers, at the certified optimum of the counts.
    """

    feature_energy: Number
    threshold: Number | None = None
    imbalance_over_threshold: Number | None = None
    minimal_oversampling: Number | None = None
    collapses_now: bool | None = None
    expected_minority_cosine: Number | None = None


class CollapseDiagnosis(Record):
    """What the Layer-Peeled Model foretells from label counts and measured norms, beside what the classifier shows.

    Args:
        norm_weights: "sample": the energy of the features is a mean over samples.
        feature_energy: E_H of the last layer's features, so averaged.
        weight_energy: mean squared norm of the classifiers; None without a classifier.
        weight_decay: λ, where the model is held by it and not by the energies.
        minority_classes: those with fewer samples than the average class, by their numbers.
        minority_labels: the same as they are labelled; None where labels are not known.
        imbalance: R of the mean counts.
        two_counts: whether there are two distinct counts; then R and the threshold are exact.
        minority_accuracy: on the samples of the minority that were measured; None without a classifier.
        learned: whether that is one half or more; otherwise nothing is foretold.
        threshold: R0; None where it is unknown or beyond doubles.
        imbalance_over_threshold: R/R0.
        minimal_oversampling: how often the minority must be sampled, to prevent collapse.
        minimal_loss_weight: what it must weigh in the loss instead; more, where norms count by sample.
        collapses_now: whether R is beyond R0.
        expected_minority_cosine: between minority classifiers, at the certified optimum of the counts.
        nonnegative_minority_cosine: the same for features that went through a ReLU, where those measured are not negative.
        expected_minority_accuracy: share of the minority's samples that the optimum labels correctly; ties are guessed.
        measured_minority_cosine: in the classifier.
        class_averaged: the same for the energy averaged over every class.
    """

    norm_weights: str = "sample"
    feature_energy: Number
    weight_energy: Number | None
    weight_decay: Number | None = None
    minority_classes: tuple[int, ...]
    minority_labels: tuple[str, ...] | None = None
    imbalance: Number
    two_counts: bool
    minority_accuracy: Number | None = None
    learned: bool | None = None
    threshold: Number | None = None
    imbalance_over_threshold: Number | None = None
    minimal_oversampling: Number | None = None
    minimal_loss_weight: Number | None = None
    collapses_now: bool | None = None
    expected_minority_cosine: Number | None = None
    nonnegative_minority_cosine: Number | None = None
    expected_minority_accuracy: Number | None = None
    measured_minority_cosine: Number | None = None
    class_averaged: ClassAveraged | None = None

    def to_text(self) -> str:
        """The energies, what the model makes of them, and the cosines."""
        names = self.minority_labels or tuple(map(str, self.minority_classes))
        shown = f"{', '.join(names[:MOST_NAMED])}{', …' if names[MOST_NAMED:] else ''}"
        lines = [
            f"Energies: features {self.feature_energy:.6g} (mean over samples), classifier {number(self.weight_energy)}; "
            f"minority classes {shown}, imbalance {self.imbalance:.6g}" + ("." if self.two_counts else " (of the mean counts)."),
        ]
        if self.collapses_now is not None:
            held = "these energies" if self.weight_decay is None else f"weight decay {self.weight_decay:g}"
            threshold = "beyond the largest double" if self.threshold is None else f"{self.threshold:.6g}"
            fate = (
                f"collapse; to prevent it, sample the minority more than {number(self.minimal_oversampling)} times as often, or give it "
                f"more than {number(self.minimal_loss_weight)} times the weight in the loss"
                if self.collapses_now
                else "no collapse"
            )
            ratio = f"R/R0 = {self.imbalance_over_threshold:.3g}"
            lines.append(
                f"Norms counted by sample, as under weight decay and batch norm, the Layer-Peeled Model at {held} collapses the minority "
                f"from an imbalance of {threshold} on ({ratio}): {fate}."
            )
        if self.expected_minority_cosine is not None or self.weight_energy is not None:
            relu = "" if self.nonnegative_minority_cosine is None else f" ({number(self.nonnegative_minority_cosine)} for features ≥ 0)"
            other = self.class_averaged
            averaged = "" if other is None else f"; energies averaged over every class say {number(other.expected_minority_cosine)}"
            lines.append(
                f"Cosine between minority classifiers: expected {number(self.expected_minority_cosine)}{relu}, "
                f"measured {number(self.measured_minority_cosine)}{averaged}."
            )
        if self.minority_accuracy is not None:
            lines.append(
                f"Accuracy on these samples of the minority: expected {number(self.expected_minority_accuracy)}, "
                f"measured {number(self.minority_accuracy)}."
            )
        if self.collapses_now is not None:
            lines.append(ASSUMED)
        return "\n".join(lines)


ASSUMED = (
    "This assumes the samples trained on, the end of training, weight decay on all parameters and batch norm before the classifier; "
    "networks without batch norm were seen between the two models."
)

UNLEARNED = (
    "the minority is not learned: {accuracy:.3g} of its samples are labelled correctly, and the model speaks of the end of training, when "
    "all are, or of a minority that collapsed, which looks the same. Train longer or show the minority more often, and measure again."
)


class Seen:
    """What the diagnosis needs of the last layer's features, which are then dropped."""

    def __init__(self, features: np.ndarray, labels: np.ndarray, classifier: np.ndarray | None, bias: np.ndarray | None) -> None:
        """Look once at features (n × p) of classes 0 … K−1."""
        counts = np.bincount(labels)
        energies, right, self.nonnegative = np.zeros(len(labels)), np.zeros(len(labels)), True
        weights = None if classifier is None else np.asarray(classifier, dtype=float)
        for start in range(0, len(labels), ROWS):
            rows = slice(start, start + ROWS)
            part = np.asarray(features[rows], dtype=float)
            energies[rows] = np.einsum("ij,ij->i", part, part)
            self.nonnegative = self.nonnegative and bool((part >= 0.0).all())
            if weights is not None:
                logits = part @ weights.T + (0.0 if bias is None else np.asarray(bias, dtype=float).ravel())
                right[rows] = logits.argmax(axis=1) == labels[rows]
        self.sample_energy = float(energies.mean())
        self.class_energy = float(np.mean(np.bincount(labels, weights=energies) / counts))
        self.accuracy = None if weights is None else np.bincount(labels, weights=right) / counts
        self.counts, self.classifier = counts, weights


def diagnose(seen: Seen, weight_decay: float | None = None) -> tuple[CollapseDiagnosis | None, str | None]:
    """What the Layer-Peeled Model foretells from label counts and measured norms, and a note on what it cannot.

    The minority are the classes with fewer samples than the average class. Their expected cosine comes from the certified optimum of
    the counts as they are; threshold and remedies from two groups of the mean counts, which is exact for two distinct counts.

    Args:
        seen: the last layer.
        weight_decay: λ of all parameters: the model then is held by it alone, and needs no classifier.

    Raises:
        UnusableInput: for energies or a weight decay out of the model's range.
        SolverFailed: where its optimum is not found.
    """
    counts, classifier = seen.counts, seen.classifier
    minority = counts < counts.mean()
    if not minority.any():
        return None, "the classes are balanced: the model foretells a simplex ETF and no collapse."
    accuracy = None if seen.accuracy is None else float(seen.accuracy[minority].mean())
    imbalance = float(counts[~minority].mean() / counts[minority].mean())
    known: dict[str, Any] = {
        "feature_energy": seen.sample_energy,
        "weight_energy": None if classifier is None else float((classifier**2).sum() / len(counts)),
        "weight_decay": weight_decay,
        "minority_classes": tuple(np.flatnonzero(minority).tolist()),
        "imbalance": imbalance,
        "two_counts": len(np.unique(counts)) == 2,
        "minority_accuracy": accuracy,
        "learned": None if accuracy is None else accuracy >= LEARNED,
        "measured_minority_cosine": None if classifier is None else mean_cosine(classifier[minority]),
    }
    if classifier is None and weight_decay is None:
        return CollapseDiagnosis(**known), (
            "There is no classifier, and a threshold needs its energy: give it, or save it as `classifier`; or give the weight decay."
        )
    if minority.sum() < 2:
        return CollapseDiagnosis(**known), "one minority class has no other to collapse onto: there is no threshold."
    if accuracy is not None and accuracy < LEARNED:
        return CollapseDiagnosis(**known), f"No diagnosis of collapse: {UNLEARNED.format(accuracy=accuracy)}"
    averaged = None
    if classifier is not None:
        energies = {"feature_energy": seen.class_energy, "weight_energy": known["weight_energy"], "norm_weights": "class"}
        beside: dict[str, Any] = _thresholds(minority, imbalance, energies)
        beside["expected_minority_cosine"], _ = _expected(counts, minority, energies)
        beside.pop("minimal_loss_weight")  # where norms count by class, weights and samples are one
        averaged = ClassAveraged(feature_energy=seen.class_energy, **beside)
    held: dict[str, Any] = {"weight_decay": weight_decay}
    if weight_decay is None:
        held = {"feature_energy": seen.sample_energy, "weight_energy": known["weight_energy"], "norm_weights": "sample"}
    cosine, expected_accuracy = _expected(counts, minority, held)
    foretold = _thresholds(minority, imbalance, held) | {
        "expected_minority_cosine": cosine,
        "expected_minority_accuracy": expected_accuracy,
        "nonnegative_minority_cosine": nonnegative_cosine(counts, minority, held) if seen.nonnegative else None,
        "class_averaged": averaged,
    }
    note = None if classifier is not None else "There is no classifier: whether the minority is learned is not known."
    return CollapseDiagnosis(**known, **foretold), note


def _thresholds(minority: np.ndarray, imbalance: float, held: dict[str, Any]) -> dict[str, Any]:
    """R0 and the remedies, from two groups."""
    from layerpeel.numerics import collapse_threshold, loss_threshold

    rare, common = int(minority.sum()), int((~minority).sum())
    threshold = collapse_threshold(common, rare, **held).value
    limit = math.inf if threshold is None else threshold
    collapses = imbalance >= limit
    weight = imbalance / loss_threshold(common, rare, imbalance, **held) if collapses else 1.0
    return {
        "threshold": threshold,
        "imbalance_over_threshold": imbalance / limit,
        "minimal_oversampling": max(1.0, imbalance / limit),
        "minimal_loss_weight": max(1.0, weight),
        "collapses_now": collapses,
    }


def _expected(counts: np.ndarray, minority: np.ndarray, held: dict[str, Any]) -> tuple[float | None, float | None]:
    """Cosine between minority classifiers, and accuracy on the minority, at the certified optimum."""
    from layerpeel.solvers import LayerPeeled, UnconstrainedFeatures, solve

    if len(np.unique(counts)) > MANY_DISTINCT:
        return None, None
    program = UnconstrainedFeatures if "weight_decay" in held else LayerPeeled
    optimum = solve(program(counts=counts.tolist(), **held))
    logits = optimum.features[minority] @ optimum.classifier.T
    largest = logits.max(axis=1, keepdims=True)
    tied = logits >= largest - TIE * max(1e-300, float(np.abs(optimum.features @ optimum.classifier.T).max()))
    own = tied[np.arange(len(tied)), np.flatnonzero(minority)]
    return mean_cosine(optimum.classifier[minority]), float(np.mean(own / tied.sum(axis=1)))


def nonnegative_cosine(counts: Any, minority: np.ndarray, held: dict[str, Any]) -> float:
    """Cosine between minority classifiers for features H ≥ 0; NaN out of the model's range.

    Args:
        counts: n_k.
        minority: which classes are meant.
        held: `feature_energy` and `weight_energy`, or `weight_decay`.

    Example:
        >>> round(nonnegative_cosine([100, 100, 10, 10], np.arange(4) > 1, {"weight_decay": 0.05}), 4)
        0.1874
    """
    from layerpeel.numerics import nonnegative_optimum

    model = {name: value for name, value in held.items() if name != "norm_weights"}
    try:
        optimum = nonnegative_optimum([int(count) for count in counts], **model)
    except UnusableInput:
        return math.nan
    return mean_cosine(optimum.classifier[minority])
