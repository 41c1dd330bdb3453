"""Route `factored`: accelerated projected gradient over block-symmetric logits, and what is bisected with it."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import refused

from layerpeel.numerics import Directions, GroupMatrix, UnusableInput, collapse_threshold
from layerpeel.solvers import LayerPeeled, UnconstrainedFeatures, certify, critical_oversampling, solve
from layerpeel.solvers.program._smooth import Smooth
from layerpeel.solvers.routes._projected import FEW_GROUPS, FURTHER, solve_projected

TOLERANCE = 1e-8
"""Relative gap asked of route `factored` in these tests."""

AGREEMENT = 1e-12
"""Relative: equal programs said differently take the same steps up to rounding."""

counts = st.lists(st.integers(1, 2000), min_size=2, max_size=7)
energies = st.floats(0.05, 12.0)


@settings(max_examples=25)
@given(counts, energies)
@pytest.mark.slow
def test_any_counts_are_solved_to_the_tolerance(sizes: list[int], energy: float) -> None:
    found = solve(LayerPeeled(counts=sizes, feature_energy=energy), route="factored", tolerance=TOLERANCE)
    assert found.converged
    assert found.relative_gap <= TOLERANCE
    assert found.matrix.nuclear_norm() == pytest.approx(found.problem.radius, rel=AGREEMENT)


@pytest.mark.parametrize("loss", ["cross-entropy", "squared"])
@pytest.mark.parametrize("groups", [[(2, 30), (1, 7), (3, 5)], [(2, 50), (2, 8)], [(1, 9), (1, 5), (1, 3), (1, 2)]])
def test_the_reference_program_agrees(groups: list[tuple[int, int]], loss: str) -> None:
    problem = LayerPeeled.from_groups(groups, feature_energy=0.6, loss=loss)
    fast, reference = solve(problem, route="factored"), solve(problem, route="sdp")
    assert (fast.route, reference.route) == ("factored", "sdp")
    assert fast.value.overlaps(reference.value)


@pytest.mark.parametrize(
    ("majority", "minority", "imbalance", "energy"), [(5, 5, 10.0, 5.0), (5, 5, 30.0, 5.0), (7, 3, 9.0, 5.0), (1, 4, 3.0, 2.0)]
)
def test_two_groups_agree_with_the_scalars(majority: int, minority: int, imbalance: float, energy: float) -> None:
    problem = LayerPeeled.from_imbalance(majority, minority, imbalance, feature_energy=energy)
    iterated, exact = solve(problem, route="factored"), solve(problem, route="symmetric")
    assert iterated.value.overlaps(exact.value)
    assert iterated.rank == exact.rank
    assert iterated.collapsed == exact.collapsed
    assert iterated.vanished == exact.vanished


def test_a_thousand_classes_in_three_groups_are_certified() -> None:
    groups = [(300, 1000), (300, 200), (400, 20)]
    found = solve(LayerPeeled.from_groups(groups, feature_energy=30.0))
    assert found.route == "factored"
    assert found.relative_gap <= TOLERANCE
    assert found.collapsed == (False, False, True)
    assert found.rank == 599


@pytest.mark.parametrize("loss", ["cross-entropy", "squared"])
def test_the_gap_of_a_step_is_of_second_order(loss: str) -> None:
    """The minorant that the last step offers proves far more than the tangent at its end, for the same logits."""
    ball = LayerPeeled(counts=[90, 30, 10, 3, 2], feature_energy=0.3, loss=loss)
    penalised = UnconstrainedFeatures(counts=[90, 30, 10, 3, 2], feature_penalty=0.02, weight_penalty=0.02, loss=loss)
    for problem in (ball, penalised):
        found = solve_projected(problem, TOLERANCE)
        first_order, second_order = certify(problem, found.matrix), certify(problem, *found)
        assert first_order.value.overlaps(second_order.value)
        assert second_order.relative_gap < 0.1 * first_order.relative_gap
        # The square of a first-order gap, up to a constant: the ratio of curvatures.
        assert second_order.relative_gap < 100 * first_order.relative_gap**2 + 1e-12


def test_few_groups_are_taken_further_and_many_are_not() -> None:
    few, many = (solve(many_counts(classes), route="factored", tolerance=1e-6) for classes in (FEW_GROUPS - 1, FEW_GROUPS))
    assert few.relative_gap <= 2 * FURTHER * 1e-6  # the certificate adds its rounding to what the method saw
    assert FURTHER * 1e-6 < many.relative_gap <= 1e-6


@pytest.mark.slow
def test_what_is_proven_is_kept_when_going_further_fails() -> None:
    """A loss of 1e-58: a gap of 1e-9 of it is there, and not much more."""
    found = solve(LayerPeeled(counts=[1000, 100, 10, 1, 2, 3], feature_energy=1e4), route="factored")
    assert found.value.upper < 1e-50
    assert found.relative_gap <= TOLERANCE


def test_groups_and_single_counts_are_the_same_program() -> None:
    grouped = solve(LayerPeeled.from_groups([(2, 9), (3, 4), (1, 2)], feature_energy=2.0))
    listed = solve(LayerPeeled(counts=[4, 9, 2, 4, 9, 4], feature_energy=2.0))
    assert grouped.value.overlaps(listed.value)
    order = [2, 0, 5, 3, 1, 4]
    np.testing.assert_allclose(np.sort(listed.logits.ravel()), np.sort(grouped.logits[np.ix_(order, order)].ravel()), atol=1e-3)


def test_a_warm_start_lands_on_the_same_value_and_needs_the_same_sizes() -> None:
    first = solve(LayerPeeled(counts=[90, 30, 10, 3], feature_energy=2.0), tolerance=1e-10)
    problem = LayerPeeled(counts=[90, 30, 10, 3], feature_energy=2.1)
    assert solve(problem, start=first).value.overlaps(solve(problem).value)
    with pytest.raises(UnusableInput, match="same sizes"):
        solve(LayerPeeled(counts=[90, 30, 10], feature_energy=2.1), start=first)


def test_a_zero_of_the_squared_error_inside_the_ball_is_enough() -> None:
    found = solve(LayerPeeled(counts=[30, 20, 10], feature_energy=4.0, loss="squared"), route="factored")
    assert found.converged
    assert found.value.lower == 0.0
    assert found.value.upper <= TOLERANCE


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.floats(0.1, 30.0))
def test_the_projection_is_the_nearest_point_of_the_ball(seed: int, radius: float) -> None:
    rng = np.random.default_rng(seed)
    sizes = tuple(int(size) for size in rng.integers(1, 5, 3))
    point = GroupMatrix(sizes, rng.standard_normal(3) * 3 * (np.array(sizes) > 1), 3 * rng.standard_normal((3, 3)))
    projected = point.projected(radius)
    assert projected.nuclear_norm() <= radius * (1 + AGREEMENT)
    # Obtuse angle: ⟨point − projected, other − projected⟩ ≤ 0 for every other point of the ball.
    other = GroupMatrix(sizes, rng.standard_normal(3) * (np.array(sizes) > 1), rng.standard_normal((3, 3)))
    other = other.scaled(radius / other.nuclear_norm())
    assert (point - projected).dot(other - projected) <= 1e-9 * (1 + point.dot(point))


def test_large_blocks_are_projected_through_the_gram_matrix_to_the_same_point(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    point = GroupMatrix((1,) * 80, np.zeros(80), rng.standard_normal((80, 80)))
    through_gram = point.projected(50.0)
    monkeypatch.setattr("layerpeel.numerics.layer_peeled._directions.GRAM_FROM", 1000)
    np.testing.assert_allclose(through_gram.outer, point.projected(50.0).outer, atol=1e-10)


def many_counts(classes: int) -> LayerPeeled:
    return LayerPeeled(counts=[10_000 - 80 * k for k in range(classes)], feature_energy=1.0)


def test_following_directions_changes_nothing_that_is_certified(monkeypatch: pytest.MonkeyPatch) -> None:
    followed = solve(many_counts(110))
    assert followed.rank < 55  # few enough directions to be followed
    monkeypatch.setattr("layerpeel.numerics.layer_peeled._directions.FOLLOW_FROM", 1000)
    whole = solve(many_counts(110))
    assert followed.relative_gap <= TOLERANCE
    assert followed.value.overlaps(whole.value)
    assert followed.rank == whole.rank


def test_a_direction_that_was_missed_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the gap that a step promises is not there, all directions are looked at again."""
    proves, forget, calls = Smooth.proves, Directions.forget, []
    monkeypatch.setattr(Smooth, "proves", lambda *arguments: len(calls) > 0 and proves(*arguments))
    monkeypatch.setattr(Directions, "forget", lambda self: calls.append(self.complete) or forget(self))
    problem = many_counts(110)
    found = solve_projected(problem, TOLERANCE / 2)
    assert calls == [False]
    assert certify(problem, *found).relative_gap <= TOLERANCE


def test_the_inner_product_is_the_dense_one() -> None:
    rng = np.random.default_rng(1)
    first, second = (GroupMatrix((3, 1, 2), rng.standard_normal(3) * [1, 0, 1], rng.standard_normal((3, 3))) for _ in range(2))
    assert first.dot(second) == pytest.approx(float(np.vdot(first.dense(), second.dense())), rel=AGREEMENT)
    np.testing.assert_allclose((first + second).dense(), first.dense() + second.dense(), atol=1e-12)


def test_critical_oversampling_of_two_groups_is_the_closed_form() -> None:
    threshold = collapse_threshold(3, 2, feature_energy=2.0, digits=15)
    problem = LayerPeeled.from_groups([(3, 5000), (2, 100)], feature_energy=2.0)
    critical = critical_oversampling(problem, 1)
    assert critical is not None
    assert critical.contains(50 / float(threshold.lower))
    assert critical.width / critical.upper < 1e-3


def test_critical_oversampling_may_lie_below_one_or_nowhere() -> None:
    distinct = LayerPeeled.from_groups([(3, 110), (2, 100)], feature_energy=2.0)
    critical = critical_oversampling(distinct, 1)
    assert critical is not None
    assert critical.upper < 1
    assert math.isclose(critical.middle, 1.1 / float(collapse_threshold(3, 2, feature_energy=2.0).lower), rel_tol=1e-3)


def test_critical_oversampling_needs_a_group_that_can_collapse() -> None:
    problem = LayerPeeled.from_groups([(3, 9), (1, 4), (2, 2)], feature_energy=2.0)
    for group in (0, 1):
        with pytest.raises(UnusableInput, match="two or more classes below the largest count"):
            critical_oversampling(problem, group)


@pytest.mark.slow
def test_too_many_distinct_counts_name_the_memory() -> None:
    problem = LayerPeeled.from_groups([(1, count) for count in range(1, 60_001)], feature_energy=1.0)
    refused(lambda: solve(problem, route="factored"), "60000 distinct counts", "720 GB", "this machine has", "round the counts")
