"""Deep linear heads: descent on all factors, and what it proves with one layer."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import refused
from scipy.optimize import minimize_scalar

from layerpeel.solvers import UnconstrainedFeatures, descend_linear, enclose_one_layer, fitted_start, random_start

STOPPING = 1e-5
"""Where L-BFGS stops in a logit: gradients near 1e-9 over the curvatures of these problems, which are 1e-3 and more."""


def problem_of(counts: list[int], weight: float, feature: float) -> UnconstrainedFeatures:
    return UnconstrainedFeatures(counts=sorted(counts, reverse=True), weight_penalty=weight, feature_penalty=feature, loss="squared")


def exact(count: int, samples: int, weight: float, feature: float) -> float:
    """With one layer: max(0, 1 − N√(λ_Wλ_H/n))."""
    return max(0.0, 1 - samples * math.sqrt(weight * feature / count))


penalties = st.floats(1e-3, 0.5)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=2, max_size=4), penalties, penalties, st.integers(0, 99))
def test_one_layer_is_enclosed(counts: list[int], weight: float, feature: float, seed: int) -> None:
    problem = problem_of(counts, weight, feature)
    head = descend_linear(problem, *random_start(problem, 1, scale=0.5, rng=np.random.default_rng(seed)))
    assert head.stray < 1e-3
    for count, bracket in zip(sorted(counts, reverse=True), enclose_one_layer(head), strict=True):
        assert bracket.contains(exact(count, sum(counts), weight, feature))
        assert bracket.rigorous


def test_an_unfinished_point_is_enclosed_widely() -> None:
    """Nothing is asked of the point: far from the optimum the bracket is wide, and still right."""
    problem = problem_of([6, 3], 0.1, 0.05)
    layers, features = fitted_start(problem, 1, kept=[True, True])
    start = descend_linear(problem, layers, features)
    unfinished = type(start)(problem=problem, layers=tuple(layers), features=features, value=math.nan)
    for count, wide, sharp in zip((6, 3), enclose_one_layer(unfinished), enclose_one_layer(start), strict=True):
        assert wide.width > 100 * sharp.width
        assert wide.contains(exact(count, 9, 0.1, 0.05))


@pytest.mark.parametrize("layers", [2, 3, 4])
def test_the_kept_classes_minimise_their_scalar_problems(layers: int) -> None:
    """(n/N)[½(1 − z)² + (L/2) m z^{2/L}] near z = 1, minimised in one variable by another routine; values add up."""
    counts, weight, feature = (8, 3), 2e-2, 5e-2
    problem, factors, samples = problem_of(list(counts), weight, feature), layers + 1, sum(counts)
    head = descend_linear(problem, *fitted_start(problem, layers, kept=[True, True]))
    mean = (weight**layers * feature) ** (1 / factors)
    total = 0.0
    for count, logit in zip(counts, head.own_logits, strict=True):

        def scalar(z: float, count: int = count) -> float:
            misfit = 0.5 * count / samples * (1 - z) ** 2
            return misfit + 0.5 * factors * mean * (z * math.sqrt(count)) ** (2 / factors)

        found: Any = minimize_scalar(scalar, bounds=(0.5, 1.0), method="bounded", options={"xatol": 1e-9})
        assert logit == pytest.approx(found.x, abs=STOPPING)
        total += float(found.fun)
    assert head.value == pytest.approx(total, abs=1e-12)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 4), st.integers(0, 99))
def test_an_end_is_stationary(layers: int, seed: int) -> None:
    """Balanced factors, as stationarity demands: λ_W‖W_i‖² are equal, and λ_H‖H‖² too."""
    problem = problem_of([5, 3, 2], 0.03, 0.07)
    head = descend_linear(problem, *random_start(problem, layers, scale=0.5, rng=np.random.default_rng(seed)))
    energies = [0.03 * np.sum(layer**2) for layer in head.layers] + [0.07 * np.sum(head.features**2)]
    assert energies == pytest.approx([energies[0]] * len(energies), abs=1e-6)


def test_unusable_input_is_refused() -> None:
    bad: Any
    problem = problem_of([2, 1], 0.1, 0.1)
    for bad in (0, -1):
        refused(lambda bad=bad: fitted_start(problem, bad, kept=[True, True]), repr(bad), "number of layers", ">= 1")
    bad = 1.5
    refused(lambda: fitted_start(problem, bad, kept=[True, True]), "layers of fitted_start is 1.5", "whole number")
    other = UnconstrainedFeatures(counts=[2, 1], weight_penalty=0.1, feature_penalty=0.1)
    biased = UnconstrainedFeatures(counts=[2, 1], weight_penalty=0.1, feature_penalty=0.1, loss="squared", bias_penalty=1.0)
    weighted = UnconstrainedFeatures(counts=[2, 1], weight_penalty=0.1, feature_penalty=0.1, loss="squared", norm_weights="class")
    for bad in (other, biased, weighted):
        refused(lambda bad=bad: descend_linear(bad, *fitted_start(bad, 1, kept=[True, True])), "use squared error, no bias")
    deep = descend_linear(problem, *fitted_start(problem, 2, kept=[True, True]))
    refused(lambda: enclose_one_layer(deep), "2 layers", "use one layer")
