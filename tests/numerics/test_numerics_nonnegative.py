"""The optimum with non-negative features in closed form: against its equations, what it must become, and what must be refused."""

import math

import numpy as np
import pytest
from refusals import refused

from layerpeel.numerics import mean_cosine, nonnegative_optimum


def test_balanced_classifiers_are_a_simplex_etf() -> None:
    for options in ({"weight_decay": 0.1}, {"feature_energy": 3.0, "weight_energy": 0.7}):
        found = nonnegative_optimum([7] * 4, **options)
        assert mean_cosine(found.classifier) == pytest.approx(-1 / 3, abs=1e-12)
        assert np.ptp(found.margins) == 0.0


def test_a_class_collapses_at_its_count() -> None:
    # √n_k = b where n_k (K − 1)/(K N) = λ²: at counts 90, 90, 10, 10 and K = 4, λ² = .0375.
    for factor, collapsed in ((0.999, False), (1.001, True)):
        found = nonnegative_optimum([90, 90, 10, 10], weight_decay=factor * math.sqrt(0.0375))
        assert bool(found.margins[2] == 0.0) is collapsed
        assert bool(mean_cosine(found.classifier[2:]) > 1 - 1e-12) is collapsed


@pytest.mark.parametrize("energy", [1e-6, 0.3, 5.0, 1e4])
def test_energies_are_met(energy: float) -> None:
    counts = np.array([100, 80, 30, 3])
    found = nonnegative_optimum(counts.tolist(), feature_energy=energy, weight_energy=2.0)
    spent = math.sqrt(3 / 4) * np.sqrt(counts) @ found.margins
    assert spent == pytest.approx(math.sqrt(4 * 2.0 * counts.sum() * energy), rel=1e-12)


def test_energies_of_a_weight_decay_lead_back_to_it() -> None:
    counts, decay = [50, 50, 5, 5], 0.05
    by_decay = nonnegative_optimum(counts, weight_decay=decay)
    product = float((math.sqrt(3 / 4) * np.sqrt(counts) @ by_decay.margins) ** 2 / (4 * sum(counts)))
    by_energies = nonnegative_optimum(counts, feature_energy=product)
    np.testing.assert_allclose(by_energies.margins, by_decay.margins, rtol=1e-10)


def test_multiples_of_all_counts_change_nothing_under_weight_decay() -> None:
    small, large = (nonnegative_optimum([factor * n for n in (20, 20, 3)], weight_decay=0.1) for factor in (1, 50))
    np.testing.assert_allclose(small.margins, large.margins, rtol=1e-12)


def test_what_is_refused() -> None:
    refused(lambda: nonnegative_optimum([5], weight_decay=0.1), "there is 1 class")
    refused(lambda: nonnegative_optimum([5, 0], weight_decay=0.1), "counts of class 1")
    refused(lambda: nonnegative_optimum([5, 5], weight_decay=0.1, feature_energy=1.0), "leave one of")
    refused(lambda: nonnegative_optimum([5, 5]), "feature energy")
