"""Derivatives in closed form (envelope theorem) against central differences of independent solves."""

import math

import pytest

from layerpeel.numerics import collapse_threshold, threshold_elasticity
from layerpeel.solvers import LOSSES, NORM_WEIGHTS, LayerPeeled, solve

STEP = 1e-3
"""Relative step of the central differences: their error is its square times the third derivative."""

DIFFERENCE = 1e-5
"""Relative accuracy of a central difference of values certified to 1e-11 with that step, and of the optimum's own gap."""

GROUPS = [(3, 40), (2, 9), (2, 5)]


def value(problem: LayerPeeled) -> float:
    return solve(problem, tolerance=1e-11).value.upper


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("group", range(3))
@pytest.mark.slow
def test_the_value_moves_with_a_count_as_the_envelope_theorem_says(loss: str, group: int) -> None:
    problem = LayerPeeled.from_groups(GROUPS, feature_energy=0.4, loss=loss)
    up, down = (value(problem.reweighted(group, 1 + sign * STEP)) for sign in (1, -1))
    classes, samples = GROUPS[group]
    slope = solve(problem, tolerance=1e-11).value_by_count[group]
    assert (up - down) / (2 * STEP * samples * classes) == pytest.approx(slope, rel=20 * DIFFERENCE)


@pytest.mark.parametrize("group", range(3))
def test_per_sample_the_norm_and_its_bound_move_with_a_count(group: int) -> None:
    problem = LayerPeeled.from_groups(GROUPS, feature_energy=0.4, norm_weights="sample")
    up, down = (value(problem.reweighted(group, 1 + sign * STEP, by="oversampling")) for sign in (1, -1))
    classes, samples = GROUPS[group]
    slope = solve(problem, tolerance=1e-11).value_by_count[group]
    assert (up - down) / (2 * STEP * samples * classes) == pytest.approx(slope, rel=20 * DIFFERENCE)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.slow
def test_the_value_falls_with_the_energy_at_the_rate_of_the_multiplier(loss: str) -> None:
    up, here, down = (LayerPeeled.from_groups(GROUPS, feature_energy=0.4 * (1 + step), loss=loss) for step in (STEP, 0.0, -STEP))
    slope = solve(here, tolerance=1e-11).value_by_feature_energy
    assert slope < 0
    assert (value(up) - value(down)) / (2 * STEP * 0.4) == pytest.approx(slope, rel=DIFFERENCE)


@pytest.mark.parametrize("mean", NORM_WEIGHTS)
def test_counts_all_scaled_change_nothing(mean: str) -> None:
    problem = LayerPeeled.from_groups(GROUPS, feature_energy=0.4, norm_weights=mean)
    slopes = solve(problem, tolerance=1e-11).value_by_count
    euler = sum(classes * samples * slope for (classes, samples), slope in zip(GROUPS, slopes, strict=True))
    assert abs(euler) < 1e-12


@pytest.mark.parametrize(("majority", "minority", "energy"), [(5, 5, 5.0), (1, 3, 0.2), (7, 3, 20.0), (2, 2, 1e-4)])
def test_the_threshold_rises_with_the_energy_at_the_stated_rate(majority: int, minority: int, energy: float) -> None:
    up, down = (
        math.log(float(collapse_threshold(majority, minority, feature_energy=energy * math.exp(sign * STEP)).lower)) for sign in (1, -1)
    )
    assert (up - down) / (2 * STEP) == pytest.approx(threshold_elasticity(majority, minority, feature_energy=energy), rel=DIFFERENCE)
