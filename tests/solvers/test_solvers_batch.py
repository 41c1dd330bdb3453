"""Batches of solutions against ball-certified gaps, against `solve`, and against the value in mpmath."""

import math
import sys
from dataclasses import replace
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from compiler import BOTH_ROUTES
from hypothesis import given, settings
from ranges import corners, joined, scattered
from refusals import refused
from stationarity import Conditions
from strategies import TwoGroups, two_groups

from layerpeel.solvers import LayerPeeled, SolutionBatch, certify, solve, solve_batch
from layerpeel.solvers.relatives._batch_evaluation import evaluate

GAP = 1e-8
"""What a batch promises for every problem in its range: a certified gap this small, relative to the value (seen: 5e-10)."""

VALUE = 1e-11
"""Values are e^{−x} with exponents up to 2000, whose roundings are 2e-13 each (seen: 4e-13); the certificate's upper end is the value."""

EPS = float(np.finfo(float).eps)

WHOLE_RANGE = joined(corners(), scattered(np.random.default_rng(11), 2200))


def solved(problems: Any = WHOLE_RANGE, **options: Any) -> SolutionBatch:
    majority, minority, imbalance, root = problems
    return solve_batch(majority, minority, imbalance, feature_energy=root**2, **options)


# Special values.


def test_balanced_classes_have_the_value_of_the_simplex() -> None:
    """log(1 + (K − 1) exp(−K√(E_H E_W)/(K − 1))), and every cosine is −1/(K − 1)."""
    sizes = np.array([2.0, 5.0, 50.0])
    found = solve_batch(sizes, sizes, 1.0, feature_energy=2.0, weight_energy=[3.0, 0.5, 1e-4])
    classes, root = 2 * sizes, np.sqrt(2.0 * np.array([3.0, 0.5, 1e-4]))
    assert found.value == pytest.approx(np.log1p((classes - 1) * np.exp(-classes * root / (classes - 1))), rel=1e-13)
    assert found.minority_cosine == pytest.approx(-1 / (classes - 1), rel=1e-12)


def test_two_energies_count_by_their_product() -> None:
    one, other = solve_batch(5, 5, 3.0, feature_energy=8.0, weight_energy=0.5), solve_batch(5, 5, 3.0, feature_energy=4.0)
    assert one.log_value == pytest.approx(other.log_value, rel=1e-15)
    assert (float(one.feature_energy[0]), float(one.weight_energy[0])) == (8.0, 0.5)


def test_the_value_survives_its_own_underflow() -> None:
    """K = 2 and √(E_H E_W) = 1000: f = log(1 + e^{−2000}) at R = 1."""
    found = solve_batch(1, 1, [1.0, 4.0], feature_energy=1e6)
    assert found.value.tolist() == [0.0, 0.0]
    assert float(found.log_value[0]) == pytest.approx(-2000.0, rel=1e-15)
    assert np.all(np.isfinite(found.log_value) & np.isfinite(found.optima.log_multiplier))
    assert np.all((found.relative_gap > 0) & (found.relative_gap <= GAP))


# Independent routes.


@pytest.mark.parametrize("compiled", BOTH_ROUTES)
@pytest.mark.slow
def test_every_problem_of_the_whole_range_is_solved_to_a_certified_gap(compiled: bool) -> None:
    """Ball arithmetic, per problem; and what the batch says of its own gap is above what the balls say."""
    found = solved(compiled=compiled)
    assert found.log_value.size >= 2500
    for name in ("log_value", "relative_gap"):
        assert np.all(np.isfinite(getattr(found, name))), name
    for index in range(found.log_value.size):
        certificate = certify(*found.candidate(index))
        assert certificate.relative_gap <= GAP, found.candidate(index)
        assert certificate.relative_gap <= found.relative_gap[index] <= GAP, found.candidate(index)
        if certificate.value.lower > 1e-300:  # below, doubles lose digits
            assert found.value[index] == pytest.approx(certificate.value.upper, rel=VALUE)
            assert found.multiplier[index] == pytest.approx(certificate.multiplier, rel=VALUE)


@pytest.mark.parametrize("compiled", BOTH_ROUTES)
@settings(max_examples=30)
@given(two_groups(least_root=1e-4, largest_root=1e3))
def test_the_value_is_that_of_the_conditions_in_mpmath(compiled: bool, case: TwoGroups) -> None:
    found = solve_batch(
        case.majority, case.minority, case.imbalance, feature_energy=case.root_energy, weight_energy=case.root_energy, compiled=compiled
    )
    scalars = (float(getattr(found.optima, name)[0]) for name in ("a", "b", "t_a", "t_b"))
    with mp.workdps(1000):  # log1p of e^{−2000} needs its digits
        at = Conditions(case.majority, case.minority, case.imbalance, *scalars)
        slack = 8 * EPS * float(1 + at.a + at.b + at.margin_a + at.margin_b)
        assert abs(found.log_value[0] - mp.log(at.value)) <= slack


@pytest.mark.parametrize(
    ("majority", "minority", "imbalance", "energy"),
    [(5, 5, 10.0, 5.0), (5, 5, 100.0, 5.0), (7, 3, 10.0, 5.0), (3, 7, 0.2, 5.0), (1, 6, 30.0, 0.5), (6, 1, 30.0, 5.0), (1, 1, 4.0, 2.0)],
)
def test_one_entry_is_what_solve_says(majority: int, minority: int, imbalance: float, energy: float) -> None:
    found = solve_batch(majority, minority, imbalance, feature_energy=energy)
    solution = solve(LayerPeeled.from_imbalance(majority, minority, imbalance, feature_energy=energy))
    group = solution.groups[0 if imbalance < 1 else 1]
    assert float(found.value[0]) == pytest.approx(solution.value.upper, rel=1e-12)
    assert float(found.multiplier[0]) == pytest.approx(solution.multiplier, rel=1e-11)
    assert (bool(found.collapsed[0]), bool(found.vanished[0])) == (group.collapsed, group.vanished)
    cosine = float(found.minority_cosine[0])
    assert math.isnan(cosine) if group.within_cosine is None else cosine == pytest.approx(group.within_cosine, rel=1e-9)
    assert float(found.gap[0]) <= 1e-12 * float(found.value[0])


def test_the_cosine_is_undefined_where_it_has_no_meaning_only() -> None:
    found = solved()
    small = np.where(found.optima.imbalance < 1.0, found.optima.majority, found.optima.minority)
    assert np.array_equal(np.isnan(found.minority_cosine), (small == 1.0) | found.vanished)
    defined = ~np.isnan(found.minority_cosine)
    assert np.all(np.abs(found.minority_cosine[defined]) <= 1.0)
    assert np.all(found.minority_cosine[found.collapsed & defined] == 1.0)


def test_the_gap_of_a_point_beside_the_optimum_is_seen() -> None:
    """Move radius from a to b: the gap must grow, and stay above what balls say of the same point."""
    found = solve_batch(5, 5, [2.0, 8.0], feature_energy=5.0)
    moved = replace(found.optima, a=found.optima.a - 0.01, b=found.optima.b + 0.01)
    gaps = evaluate(moved).relative_gap
    beside = replace(found, optima=moved)
    for index in range(2):
        certified = certify(*beside.candidate(index)).relative_gap
        assert 1e-4 < certified <= gaps[index] == pytest.approx(certified, rel=1e-9)


# Shapes, frames and words.


def test_arrays_broadcast_and_scalars_are_batches_of_one() -> None:
    table = solve_batch(5, [[2], [5], [9]], [1.0, 3.0, 10.0, 1e4], feature_energy=[[5.0], [5.0], [2.0]])
    assert table.value.shape == table.minority_cosine.shape == table.feature_energy.shape == (3, 4)
    alone = solve_batch(5, 9, 10.0, feature_energy=2.0)
    assert alone.value.shape == (1,)
    assert float(table.value[2, 2]) == float(alone.value[0])
    assert certify(*table.candidate((2, 2))).relative_gap < 1e-12


def test_to_dataframe_has_a_row_per_program(monkeypatch: pytest.MonkeyPatch) -> None:
    found = solve_batch(5, [[5], [1]], [1.0, 20.0], feature_energy=5.0)
    frame = found.to_dataframe()
    assert len(frame) == 4
    assert frame["majority"].tolist() == [5.0] * 4
    assert frame["value"].tolist() == found.value.ravel().tolist()
    assert frame["collapsed"].tolist() == [False, True, False, False]
    assert frame["minority_cosine"].isna().tolist() == [False, False, True, True]
    monkeypatch.setitem(sys.modules, "pandas", None)
    refused(found.to_dataframe, "pandas", "layerpeel[frames]")


def test_repr_says_how_many_and_which_phases() -> None:
    assert repr(solve_batch(7, 3, [1.0, 5.0, 1e3], feature_energy=5.0)).startswith(
        "SolutionBatch(3 programs, 2 collapsed, 1 vanished, relative_gap <= "
    )
    assert "0 programs" in repr(solve_batch(7, 3, np.ones(0), feature_energy=5.0))


# Bad input.


@pytest.mark.parametrize(
    ("arguments", "energies", "parts"),
    [
        ((5, 5, 2.0), {"feature_energy": [5.0, 0.0]}, ("feature energy is 0 at index 1", "positive and finite")),
        ((5, 5, 2.0), {"feature_energy": 5.0, "weight_energy": -1.0}, ("weight energy is -1", "positive and finite")),
        ((5, 5, 2.0), {"feature_energy": [5.0, 1.0], "weight_energy": [1.0, 2.0, 3.0]}, ("feature_energy (2,)", "do not broadcast")),
        (([5, 5, 5], 5, 2.0), {"feature_energy": [5.0, 1.0]}, ("majority (3,)", "root_energy (2,)", "do not broadcast")),
        ((5, 1.5, 2.0), {"feature_energy": 5.0}, ("number of minority classes is 1.5", "whole number")),
        ((5, 5, 0.0), {"feature_energy": 5.0}, ("imbalance is 0", "positive and finite")),
        ((5, 5, 2.0), {"feature_energy": 1e300}, ("root of the energy product is 1e+150", "1e-06 to 10000")),
        ((5, 5, 2.0), {"feature_energy": "five"}, ("feature energy is 'five'", "must be an array")),
    ],
)
def test_unusable_input(arguments: tuple[Any, ...], energies: dict[str, Any], parts: tuple[str, ...]) -> None:
    refused(lambda: solve_batch(*arguments, **energies), *parts)
