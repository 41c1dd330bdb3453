"""Non-negative features: descent, and the certificate that holds at any point."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import refused

from layerpeel.numerics import Bracket, nonnegative_optimum, pairwise_cosines
from layerpeel.solvers import NonNegative, UnconstrainedFeatures, descend_nonnegative, enclose_nonnegative


def problem_of(counts: list[int], level: float, ratio: float = 2.0) -> UnconstrainedFeatures:
    """N²λ_Wλ_H = level, λ_H = ratio λ_W."""
    weight = math.sqrt(level / ratio) / sum(counts)
    return UnconstrainedFeatures(counts=sorted(counts, reverse=True), weight_penalty=weight, feature_penalty=ratio * weight)


def solved(problem: UnconstrainedFeatures, seed: int) -> NonNegative:
    return descend_nonnegative(problem, 6 * problem.num_classes, rng=np.random.default_rng(seed), starts=4)


def error(count: int, classes: int, level: float) -> float:
    return min(math.sqrt(level * (classes - 1) / (classes * count)), (classes - 1) / classes)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 8), min_size=2, max_size=4), st.floats(0.05, 8.0), st.integers(0, 99))
def test_the_value_and_the_margins_are_enclosed_wherever_descent_ends(counts: list[int], level: float, seed: int) -> None:
    problem, classes = problem_of(counts, level), len(counts)
    point = descend_nonnegative(problem, classes, rng=np.random.default_rng(seed), starts=1)  # often not the optimum
    found = enclose_nonnegative(point)
    value = 0.0
    for count, margin in zip(sorted(counts, reverse=True), found.margins, strict=True):
        q = error(count, classes, level)
        exact = math.log((classes - 1) * (1 / q - 1))
        assert margin.lower - 1e-9 <= exact <= margin.upper + 1e-9
        value -= count / sum(counts) * ((1 - q) * math.log(1 - q) + q * math.log(q / (classes - 1)))
    assert found.value.lower - 1e-12 <= value <= found.value.upper + 1e-12
    assert found.value.rigorous
    assert found.value.upper == pytest.approx(point.value, rel=1e-12)


@pytest.mark.parametrize(("counts", "level"), [([6, 3, 2], 0.3), ([6, 3, 2], 3.9), ([4, 4, 4, 4], 1.0), ([9, 2], 1.2)])
def test_the_gap_closes(counts: list[int], level: float) -> None:
    point = solved(problem_of(counts, level), 1)
    found = enclose_nonnegative(point)
    assert found.value.width < 1e-12
    assert all(margin.width < 1e-5 for margin in found.margins)
    assert all(cosine.upper < 1e-6 for cosine in found.overlaps.values())
    assert found.overlaps or len(counts) == 2 or level > 3
    grams = point.means @ point.means.T
    assert np.abs(grams - np.diag(np.diag(grams))).max() < 1e-9


def test_overlaps_are_named_only_where_both_classes_have_features() -> None:
    found = enclose_nonnegative(solved(problem_of([6, 3, 1], 1.0), 0))
    assert list(found.overlaps) == [(0, 1)]  # the class of 1 collapses at 3/2
    assert found.margins[2].contains(0.0)


def test_scaling_one_factor_into_the_other_changes_nothing() -> None:
    """(λ_W, λ_H) enter through their product."""
    values = [enclose_nonnegative(solved(problem_of([6, 3, 2], 0.5, ratio), 3)).value for ratio in (0.1, 1.0, 30.0)]
    assert all(value.overlaps(Bracket(values[0].lower - 1e-11, values[0].upper + 1e-11)) for value in values)
    assert max(value.width for value in values) < 1e-10


def test_negative_features_could_do_better() -> None:
    """Balanced classes, K = 3: a simplex ETF, which needs negative entries, lies below the certified optimum over H ≥ 0."""
    found = enclose_nonnegative(solved(problem_of([5, 5, 5], 1.0), 2)).value
    q = math.sqrt(1 / 5) * 2 / 3
    etf = -(1 - q) * math.log(1 - q) - q * math.log(q / 2)
    assert etf < found.lower - 0.05


def test_unusable_input_is_refused() -> None:
    problem = problem_of([2, 1], 0.5)
    for bad in (0, -1, 1.5):
        dimension: Any = bad
        refused(
            lambda dimension=dimension: descend_nonnegative(problem, dimension, rng=np.random.default_rng(0)),
            repr(bad),
            "dimension",
            "whole number",
        )
    for changes in ({"loss": "squared"}, {"bias_penalty": 1.0}, {"norm_weights": "class"}):
        options: Any = {"counts": [2, 1], "weight_penalty": 0.1, "feature_penalty": 0.1} | changes
        other = UnconstrainedFeatures(**options)
        refused(lambda other=other: descend_nonnegative(other, 2, rng=np.random.default_rng(0)), "use cross-entropy, no bias")


@pytest.mark.parametrize(("counts", "decay"), [([12, 12, 4, 4], 0.1), ([20, 20, 2, 2], 0.2), ([20, 20, 2, 2], 0.3), ([15, 6, 3, 3], 0.15)])
def test_classifiers_of_the_best_point_are_those_of_the_closed_form(counts: list[int], decay: float) -> None:
    problem = UnconstrainedFeatures(counts=counts, feature_penalty=decay / sum(counts), weight_penalty=decay)
    point = descend_nonnegative(problem, 16, rng=np.random.default_rng(2), starts=8)
    assert enclose_nonnegative(point).value.width < 1e-9
    order = np.argsort([-count for count in counts], kind="stable")  # classes stand group by group, as they are given here
    assert order.tolist() == list(range(4))
    expected = nonnegative_optimum(counts, weight_decay=decay)
    np.testing.assert_allclose(pairwise_cosines(point.classifier), pairwise_cosines(expected.classifier), atol=2e-4)
    energies = {
        "feature_energy": float((point.features**2).sum() / sum(counts)),
        "weight_energy": float((point.classifier**2).sum() / 4),
    }
    again = nonnegative_optimum(counts, **energies)
    np.testing.assert_allclose(again.margins, expected.margins, atol=1e-4)
