"""The diagnosis of minority collapse: by sample and by class, against the model asked directly, and what it must not diagnose."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from refusals import refused

from layerpeel.cli import main
from layerpeel.networks import measure
from layerpeel.networks.diagnosis import CollapseDiagnosis, Seen, diagnose
from layerpeel.numerics import collapse_threshold, loss_threshold, mean_cosine, nonnegative_optimum, simplex_etf
from layerpeel.solvers import LayerPeeled, UnconstrainedFeatures, solve

COUNTS = np.array([100, 10, 100, 10, 100])


def features(counts: np.ndarray, *, scale: float = 1.0, absolute: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Features that a frame tells apart, those of the last class twice as long; and their labels."""
    rng, labels = np.random.default_rng(0), np.repeat(np.arange(len(counts)), counts)
    means = 3.0 * (np.eye(len(counts)) if absolute else simplex_etf(len(counts), len(counts)))
    means[-1] *= 2.0
    drawn = scale * (means[labels] + 0.1 * rng.normal(size=(len(labels), len(counts))))
    return np.abs(drawn) if absolute else drawn, labels


def diagnosed(counts: np.ndarray, classifier: np.ndarray | None, decay: float | None = None, **kind: Any) -> CollapseDiagnosis:
    drawn, labels = features(counts, **kind)
    found, _ = diagnose(Seen(drawn, labels, classifier, None), decay)
    assert found is not None
    return found


def frame(size: int, *, scale: float = 0.5) -> np.ndarray:
    return scale * simplex_etf(size, size)


def test_the_diagnosis_is_the_model_at_the_energies_of_samples_and_of_classes() -> None:
    drawn, labels = features(COUNTS)
    squares = (drawn**2).sum(axis=1)
    by_sample, by_class = float(squares.mean()), float(np.mean([squares[labels == k].mean() for k in range(5)]))
    assert by_sample > 1.05 * by_class  # the last class is frequent, and long
    found, energy = diagnosed(COUNTS, frame(5)), 0.25 / 5 * float((simplex_etf(5, 5) ** 2).sum())
    assert (found.norm_weights, found.minority_classes, found.learned) == ("sample", (1, 3), True)
    assert (found.feature_energy, found.weight_energy) == pytest.approx((by_sample, energy))
    assert found.class_averaged is not None
    assert found.class_averaged.feature_energy == pytest.approx(by_class)
    for result, mean, features_energy in ((found, "sample", by_sample), (found.class_averaged, "class", by_class)):
        held: dict[str, Any] = {"feature_energy": features_energy, "weight_energy": energy, "norm_weights": mean}
        threshold = collapse_threshold(3, 2, **held).value
        assert threshold is not None
        assert result.threshold == pytest.approx(threshold, rel=1e-9)
        assert result.imbalance_over_threshold == pytest.approx(10.0 / threshold)
        optimum = solve(LayerPeeled.from_groups([(3, 100), (2, 10)], **held))
        assert result.expected_minority_cosine == pytest.approx(optimum.groups[1].within_cosine, abs=1e-9)
    assert found.measured_minority_cosine == pytest.approx(-0.25)
    assert found.nonnegative_minority_cosine is None  # some features are negative
    assert (found.minority_accuracy, found.expected_minority_accuracy) == (1.0, 1.0)


def test_features_behind_a_relu_have_a_prediction_of_their_own() -> None:
    found = diagnosed(COUNTS, 0.5 * (np.eye(5) - 0.2), absolute=True)
    expected = nonnegative_optimum(COUNTS.tolist(), feature_energy=found.feature_energy, weight_energy=found.weight_energy or 0.0)
    assert found.nonnegative_minority_cosine == pytest.approx(mean_cosine(expected.classifier[[1, 3]]))


def test_beyond_the_threshold_the_minority_is_guessed_and_weights_cost_more_than_samples() -> None:
    counts = np.array([100, 100, 100, 5, 5, 5])
    small = diagnosed(counts, frame(6, scale=0.3), scale=0.3)
    assert small.collapses_now
    assert small.threshold is not None
    assert small.minimal_oversampling == pytest.approx(20.0 / small.threshold)
    energies = {"feature_energy": small.feature_energy, "weight_energy": small.weight_energy or 0.0}
    assert small.minimal_loss_weight == pytest.approx(20.0 / loss_threshold(3, 3, 20.0, **energies, norm_weights="sample"))
    assert small.expected_minority_accuracy in (pytest.approx(1 / 3), pytest.approx(1 / 6))
    text = small.to_text()
    assert "collapse; to prevent it, sample the minority more than" in text
    assert "energies averaged over every class say" in text


def test_weight_decay_alone_holds_the_model() -> None:
    for classifier in (None, frame(5)):
        found = diagnosed(COUNTS, classifier, 0.1)
        assert found.threshold == pytest.approx((0.1**-2 - 2) / 3)
        optimum = solve(UnconstrainedFeatures(counts=COUNTS.tolist(), weight_decay=0.1))
        assert found.expected_minority_cosine == pytest.approx(mean_cosine(optimum.classifier[[1, 3]]), abs=1e-9)
        assert "at weight decay 0.1 collapses" in found.to_text()
        assert (found.class_averaged is None) is (classifier is None)
    collapsed = diagnosed(COUNTS, None, 0.25)
    assert collapsed.collapses_now
    assert collapsed.expected_minority_accuracy == pytest.approx(0.5)


def test_a_minority_that_is_not_learned_is_not_diagnosed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drawn, labels = features(COUNTS)
    classifier = frame(5)
    classifier[3] = classifier[1]  # the minority's accuracy is one half, of ties that the first class wins
    assert diagnosed(COUNTS, classifier).learned
    classifier[1] = classifier[3] = 5.0 * classifier[0]  # the lowest logits
    found, note = diagnose(Seen(drawn, labels, classifier, None))
    assert found is not None
    assert (found.learned, found.minority_accuracy) == (False, 0.0)
    assert (found.threshold, found.expected_minority_cosine, found.class_averaged, found.collapses_now) == (None,) * 4
    assert found.measured_minority_cosine == pytest.approx(1.0)
    assert "the minority is not learned: 0 of its samples" in str(note)
    np.savez(tmp_path / "f.npz", features=drawn, labels=labels, classifier=classifier)
    assert main(["measure", str(tmp_path / "f.npz"), "--weight-decay", "0.01"]) == 0
    assert "the minority is not learned" in capsys.readouterr().out


def test_the_bias_counts_for_accuracy() -> None:
    drawn, labels = features(COUNTS)
    assert Seen(drawn, labels, frame(5), np.array([100.0, 0, 0, 0, 0])).accuracy.tolist() == [1.0, 0, 0, 0, 0]  # pyright: ignore[reportOptionalMemberAccess]


def test_long_tails_single_rare_classes_and_no_classifier() -> None:
    tail = diagnosed(np.array([1000, 300, 100, 30]), frame(4))
    assert not tail.two_counts
    assert tail.minority_classes == (1, 2, 3)
    assert tail.imbalance == pytest.approx(1000 / (430 / 3))
    assert tail.expected_minority_cosine is not None
    assert -1.0 <= tail.expected_minority_cosine <= 1.0
    drawn, labels = features(np.array([10, 10, 10, 1]))
    alone, note = diagnose(Seen(drawn, labels, frame(4), None))
    assert alone is not None
    assert alone.threshold is None
    assert "no other to collapse onto" in str(note)
    drawn, labels = features(np.array([100, 10, 10]))
    bare, note = diagnose(Seen(drawn, labels, None, None))
    assert bare is not None
    assert (bare.minority_classes, bare.imbalance, bare.threshold, bare.learned) == ((1, 2), 10.0, None, None)
    assert "save it as `classifier`" in str(note)
    drawn, labels = features(np.array([10, 10]))
    assert "balanced" in str(diagnose(Seen(drawn, labels, None, None))[1])


def test_a_weight_decay_that_is_none_is_refused() -> None:
    drawn, labels = features(COUNTS)
    refused(lambda: measure(drawn, labels, weight_decay=0.0), "weight decay")
    refused(lambda: measure(drawn, labels, weight_decay=-1.0), "weight decay")
