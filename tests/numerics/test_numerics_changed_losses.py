"""Boundaries of collapse under changed losses: the plain one among them, known points, monotone curves, and the free bias above."""

import math
from itertools import pairwise
from typing import Any

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import refused
from strategies import log_uniform

from layerpeel.numerics import (
    ChangedBoundary,
    log_threshold_minus_one,
    log_threshold_of_changed_loss,
    log_threshold_of_logit_adjustment,
    log_threshold_with_bias_minus_one,
    smoothed_energy_limit,
    smoothed_margin,
)

EVALUATION = 1e-11
"""Relative error granted to a bisection in doubles."""

sizes = st.integers(1, 30), st.integers(2, 30)


def changes() -> st.SearchStrategy[dict[str, Any]]:
    """One change, or all of the logits at once."""
    pair = st.tuples(st.floats(-3, 3), st.floats(-3, 3))
    margins = st.tuples(st.floats(0, 4), st.floats(0, 4))
    scales = st.tuples(log_uniform(0.1, 10), log_uniform(0.1, 10))
    return st.one_of(
        st.just({}),
        st.fixed_dictionaries({"label_smoothing": st.floats(0.01, 0.9)}),
        st.fixed_dictionaries({}, optional={"logit_scale": scales, "logit_shift": pair, "margins": margins}),
    )


def plain(majority: int, minority: int, energy: float) -> float:
    """log R0 without changes, from the closed form of its own."""
    return math.log1p(math.exp(log_threshold_minus_one(majority, minority, feature_energy=energy)))


@given(*sizes, log_uniform(0.05, 20))
def test_without_changes_it_is_the_plain_threshold(majority: int, minority: int, energy: float) -> None:
    found = log_threshold_of_changed_loss(majority, minority, feature_energy=energy)
    assert found == pytest.approx(plain(majority, minority, energy), rel=EVALUATION, abs=EVALUATION)


@given(*sizes, log_uniform(0.05, 5), log_uniform(0.3, 3), st.floats(-5, 5))
def test_one_factor_for_both_is_energy_and_one_shift_is_nothing(
    majority: int, minority: int, energy: float, factor: float, shift: float
) -> None:
    found = log_threshold_of_changed_loss(
        majority, minority, feature_energy=energy, logit_scale=(factor, factor), logit_shift=(shift, shift)
    )
    assert found == pytest.approx(plain(majority, minority, energy * factor**2), rel=1e-9, abs=1e-9)


def test_points_that_were_known_before() -> None:
    """K_A = K_B = 3, E_H = 1: what bisections over solves had shown."""
    at: dict[str, Any] = {"feature_energy": 1.0}
    assert math.exp(log_threshold_of_changed_loss(3, 3, **at)) == pytest.approx(2.3637, abs=5e-5)
    assert 3 < math.exp(log_threshold_of_changed_loss(3, 3, label_smoothing=0.2, **at)) < 4
    assert math.exp(log_threshold_of_changed_loss(3, 3, logit_scale=(1.0, 2.0), **at)) > 5
    assert math.exp(log_threshold_of_changed_loss(3, 3, logit_scale=(1.0, 0.5), **at)) < 1.2
    assert 2.9 < math.exp(log_threshold_of_logit_adjustment(3, 3, **at)) < 3
    assert math.exp(log_threshold_of_changed_loss(3, 3, margins=(0.0, 2.0), **at)) > 1.5
    assert 2 < 1 + math.exp(log_threshold_with_bias_minus_one(3, 3, **at)) < 3


@settings(max_examples=40)
@given(*sizes, changes())
def test_along_the_curve_radius_and_imbalance_fall_together(majority: int, minority: int, change: dict[str, Any]) -> None:
    """Both are proved, log R without margins: each energy has one threshold."""
    boundary = ChangedBoundary(majority, minority, **change)
    low, high = math.log(max(boundary.least_sine, 1e-9)), math.log(boundary.most_sine)
    points = [boundary.at(math.exp(low + (high - low) * step / 40)) for step in range(1, 40)]
    for before, after in pairwise(points):
        assert after.radius <= before.radius * (1 + 1e-9)
        assert after.log_imbalance <= before.log_imbalance + 1e-9 * (1 + abs(before.log_imbalance))


@given(*sizes, changes())
def test_the_curve_ends_in_nothing(majority: int, minority: int, change: dict[str, Any]) -> None:
    boundary = ChangedBoundary(majority, minority, **change)
    if boundary.most_sine < 1.0:
        assert boundary.at(boundary.most_sine).radius < 1e-6


@settings(max_examples=25)
@given(*sizes, changes(), st.floats(0.05, 0.95))
def test_imbalance_and_radius_are_each_others_inverse(majority: int, minority: int, change: dict[str, Any], share: float) -> None:
    boundary = ChangedBoundary(majority, minority, **change)
    low, high = math.log(max(boundary.least_sine, 1e-9)), math.log(boundary.most_sine)
    point = boundary.at(math.exp(low + (high - low) * share))
    assert boundary.log_imbalance(point.radius) == pytest.approx(point.log_imbalance, rel=1e-7, abs=1e-7)
    assert boundary.point_at(point.log_imbalance)[0].radius == pytest.approx(point.radius, rel=1e-6)


@given(st.integers(1, 1000), st.integers(2, 1000), log_uniform(1e-3, 100))
@settings(max_examples=300)
def test_a_free_bias_always_raises_the_threshold(majority: int, minority: int, energy: float) -> None:
    free = log_threshold_with_bias_minus_one(majority, minority, feature_energy=energy)
    assert free >= log_threshold_minus_one(majority, minority, feature_energy=energy) - 1e-12


@settings(max_examples=10)
@given(st.integers(1, 10), st.integers(2, 10), st.floats(0.05, 0.8))
def test_beyond_its_limit_smoothing_keeps_the_minority_apart(majority: int, minority: int, delta: float) -> None:
    limit = smoothed_energy_limit(majority, minority, delta)
    assert (
        log_threshold_of_changed_loss(majority, minority, feature_energy=limit, weight_energy=limit * 1.001, label_smoothing=delta)
        == math.inf
    )
    below = log_threshold_of_changed_loss(majority, minority, feature_energy=limit, weight_energy=limit * 0.98, label_smoothing=delta)
    assert plain(majority, minority, limit) < below < math.inf
    assert smoothed_energy_limit(majority, minority, delta * 1.1) < limit


def test_a_large_shift_at_a_small_energy_collapses_whatever_the_imbalance() -> None:
    boundary = ChangedBoundary(3, 2, logit_shift=(1.0, 0.0))
    least = boundary.at(1.0)
    assert least.log_imbalance == -math.inf == boundary.log_imbalance(least.radius)
    assert -math.inf < boundary.log_imbalance(1.1 * least.radius) < 0.0


def test_smoothed_labels_are_met_at_their_margin() -> None:
    for classes, delta in ((2, 0.1), (10, 0.3)):
        odds = math.exp(smoothed_margin(classes, delta))
        assert odds / (odds + classes - 1) == pytest.approx(1 - delta + delta / classes, rel=1e-14)


def test_refusals() -> None:
    refused(lambda: log_threshold_of_changed_loss(3, 1, feature_energy=1.0), "a minority of 1 class", "use minority >= 2")
    refused(lambda: log_threshold_with_bias_minus_one(3, 1, feature_energy=1.0), "a minority of 1 class", "use minority >= 2")
    refused(lambda: ChangedBoundary(3, 3, label_smoothing=0.1, margins=(1.0, 1.0)), "no closed form for both", "take one of them")
    refused(lambda: ChangedBoundary(3, 3, label_smoothing=1.0), "the label smoothing is 1.0")
    refused(lambda: ChangedBoundary(3, 3, margins=(-1.0, 0.0)), "one of the margins is -1.0")
    refused(lambda: ChangedBoundary(3, 3, logit_scale=(0.0, 1.0)), "one of the logit scales is 0.0")
    refused(lambda: ChangedBoundary(3, 2, logit_shift=(0.3, 0.0)).point_at(-5.0), "apart at every energy", "use a larger one")
    refused(lambda: ChangedBoundary(3, 2, margins=(1.0,)), "1 numbers are given as the margins", "give two")  # pyright: ignore[reportArgumentType]
    refused(lambda: smoothed_margin(3, 0.0), "the label smoothing is 0.0")


def test_the_slopes_that_make_the_radius_fall_are_what_the_derivation_says() -> None:
    majority, minority, delta, a, margin = sympy.symbols("K_A K_B delta a M", positive=True)
    classes, kappa = majority + minority, (majority - 1) / majority
    e, x, y = delta / classes, sympy.exp(-a), sympy.exp(-kappa * a - margin)
    total = 1 + (majority - 1) * x + minority * y
    above, below = x - e * total, y - e * total

    def slope(by: sympy.Symbol) -> sympy.Expr:
        return sympy.diff(above, by) * below - above * sympy.diff(below, by)

    by_margin = e * minority * y * (below - above) + above * y
    by_value = -(x * y / majority) * (1 - delta * (classes - 1) / classes) + e * (x - kappa * y)
    assert sympy.simplify(sympy.expand(slope(margin) - by_margin)) == 0
    assert sympy.simplify(sympy.expand(slope(a) - by_value)) == 0
