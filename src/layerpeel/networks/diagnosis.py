"""What label counts and measured energies foretell of a network's minority classes."""

import math
from typing import Any

import numpy as np

from layerpeel.networks.measurement import CollapseDiagnosis
from layerpeel.numerics import mean_cosine

MANY_DISTINCT = 200
"""Largest number of distinct counts for which the diagnosis solves the program as it stands: a second or two of work."""


def diagnose_counts(counts: np.ndarray, energy: float, classifier: np.ndarray | None) -> tuple[CollapseDiagnosis | None, str | None]:
    """What the Layer-Peeled Model foretells from label counts and measured energies, and a note on what it cannot.

    The minority are the classes with fewer samples than the average class. Their expected cosine comes from the certified optimum of
    the counts as they are; threshold and oversampling from two groups of the mean counts, which is exact for two distinct counts. All
    three need the classifier's energy, and stay None without a classifier.
    """
    minority = counts < counts.mean()
    if not minority.any():
        return None, "the classes are balanced: the model foretells a simplex ETF and no collapse."
    imbalance = float(counts[~minority].mean() / counts[minority].mean())
    seen: dict[str, Any] = {
        "feature_energy": energy,
        "weight_energy": None if classifier is None else float((classifier.astype(float) ** 2).sum() / len(counts)),
        "minority_classes": tuple(np.flatnonzero(minority).tolist()),
        "imbalance": imbalance,
        "two_counts": len(np.unique(counts)) == 2,
    }
    if classifier is None:
        return CollapseDiagnosis(**seen), "There is no classifier, and a threshold needs its energy: give it, or save it as `classifier`."
    seen["measured_minority_cosine"] = mean_cosine(classifier[minority].astype(float))
    if minority.sum() < 2:
        return CollapseDiagnosis(**seen), "one minority class has no other to collapse onto: there is no threshold."
    return CollapseDiagnosis(**seen, **_foretold(counts, minority, imbalance, energy, seen["weight_energy"])), None


def _foretold(counts: np.ndarray, minority: np.ndarray, imbalance: float, energy: float, weight_energy: float) -> dict[str, Any]:
    """Threshold, oversampling and cosine at these energies."""
    from layerpeel.numerics import collapse_threshold
    from layerpeel.solvers import LayerPeeled, solve

    rare, common = int(minority.sum()), int((~minority).sum())
    threshold = collapse_threshold(common, rare, feature_energy=energy, weight_energy=weight_energy).value
    limit = math.inf if threshold is None else threshold
    cosine = None
    if len(np.unique(counts)) <= MANY_DISTINCT:
        optimum = solve(LayerPeeled(counts=counts.tolist(), feature_energy=energy, weight_energy=weight_energy))
        cosine = mean_cosine(optimum.classifier[minority])
    return {
        "threshold": threshold,
        "imbalance_over_threshold": imbalance / limit,
        "minimal_oversampling": max(1.0, imbalance / limit),
        "collapses_now": imbalance >= limit,
        "expected_minority_cosine": cosine,
    }
