"""Starts from neighbours: merged counts, other groups of the same classes, and dual points that are levelled near the optimum."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import refused

from layerpeel.numerics import Directions, GroupMatrix
from layerpeel.solvers import LayerPeeled, Problem, UnconstrainedFeatures, certify, solve
from layerpeel.solvers._sketch import sketch
from layerpeel.solvers.program._smooth import Point, Smooth
from layerpeel.solvers.routes._levelled import levelled
from layerpeel.solvers.routes._merged import FEWEST, _graded, merged_start
from layerpeel.solvers.routes._neighbours import regrouped
from layerpeel.solvers.routes._projected import FIRST_STEP, _proximal, solve_projected
from layerpeel.solvers.routes._request import Candidate

TOLERANCE = 1e-6
"""Relative gap asked for."""

NEAR = 1e-5
"""Relative gap that is left after a single step from a merged start (seen: up to 2e-6)."""

ROUNDING = 1e-12
"""Relative: the same sums in another order."""


def long_tail(classes: int = 90, *, penalised: bool = False, **options: Any) -> Problem:
    counts = [int(5e7 * 100 ** (-k / (classes - 1))) for k in range(classes)]
    if penalised:
        return UnconstrainedFeatures(counts=counts, **options)
    return LayerPeeled(counts=counts, **{"feature_energy": 5.0, **options})


PROBLEMS: dict[str, Problem] = {
    "bounded": long_tail(),
    "more energy": long_tail(feature_energy=20.0),
    "per sample": long_tail(norm_weights="sample", feature_energy=1.0),
    "bias": long_tail(bias_penalty=0.01),
    "penalised": long_tail(penalised=True, feature_penalty=2e-3, weight_penalty=2e-3, norm_weights="class"),
    "ties": LayerPeeled(counts=[1000 - 10 * (k // 2) for k in range(160)], feature_energy=2.0),
}


def after_one_step(problem: Problem, start: Candidate) -> tuple[Point, Smooth]:
    smooth = Smooth(problem)
    bias = np.zeros(len(problem.sizes)) if start.bias is None or problem.bias_penalty is None else smooth.roots * start.bias / smooth.unit
    point, step = Point(start.matrix, bias), FIRST_STEP / smooth.curvature
    return _proximal(smooth, point - smooth(point)[1].scaled(step), step, Directions()), smooth


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_one_step_from_a_merged_start_is_certified_near_the_optimum(problem: Problem) -> None:
    start = merged_start(problem, TOLERANCE)
    assert start is not None
    point, smooth = after_one_step(problem, start)
    tangent, gap = levelled(smooth, point, TOLERANCE)
    found = certify(problem, point.matrix, None, smooth.bias(point), tangent)
    assert found.relative_gap <= NEAR
    assert gap == pytest.approx(found.relative_gap, rel=1e-2, abs=1e-9)  # what doubles see, and what is proved
    assert found.value.overlaps(certify(problem, *solve_projected(problem, TOLERANCE)).value)  # from the balanced optimum


def test_a_start_from_elsewhere_is_not_as_near() -> None:
    """Control: one step from the balanced optimum leaves a gap that no dual point closes."""
    problem = PROBLEMS["bounded"]
    spread = problem.typical_value * problem.num_classes / (problem.num_classes - 1)
    etf = spread * (np.eye(problem.num_classes) - 1 / problem.num_classes)
    point, smooth = after_one_step(problem, Candidate(GroupMatrix(problem.sizes, np.zeros(len(etf)), etf)))
    assert levelled(smooth, point, TOLERANCE)[1] > 100 * NEAR


def test_what_has_no_order_of_counts_is_not_merged() -> None:
    assert merged_start(long_tail(feature_energy=1e7), TOLERANCE) is None  # its slopes are below every double
    assert merged_start(long_tail(FEWEST - 1), TOLERANCE) is None
    assert merged_start(long_tail(norm_weights=np.linspace(1, 2, 90).tolist()), TOLERANCE) is None
    assert merged_start(long_tail(loss="squared", feature_energy=0.2), TOLERANCE) is None


def test_parts_hold_every_group_once_in_the_order_of_their_counts() -> None:
    problem = long_tail()
    order = np.argsort(-problem.weights, kind="stable")
    for multiplier in (*np.quantile(problem.weights, [0.0, 0.3, 0.99]), 1.0):
        assert sorted(np.concatenate(_graded(problem, order, float(multiplier), 1.15)).tolist()) == sorted(order.tolist())


counts_of = st.lists(st.integers(1, 4), min_size=2, max_size=9)


@settings(max_examples=60)
@given(counts_of, st.data(), st.integers(0, 2**32 - 1))
def test_other_groups_of_the_same_classes_average_the_same_logits(first: list[int], data: st.DataObject, seed: int) -> None:
    second = data.draw(st.lists(st.integers(1, 4), min_size=len(first), max_size=len(first)))
    before, after = (LayerPeeled(counts=counts, feature_energy=1.0) for counts in (first, second))
    rng, groups = np.random.default_rng(seed), len(before.sizes)
    start = Candidate(
        GroupMatrix(before.sizes, rng.standard_normal(groups), rng.standard_normal((groups, groups))), bias=rng.standard_normal(groups)
    )
    found = regrouped(start, before, after)
    dense = start.matrix.dense()[np.ix_(before.class_order, before.class_order)]  # as given
    back = np.argsort(after.class_order)
    expected = GroupMatrix.average(dense[np.ix_(back, back)], after.sizes)
    np.testing.assert_allclose(found.matrix.dense(), expected.dense(), atol=1e-12)
    assert found.bias is not None
    assert found.bias @ np.asarray(after.sizes) == pytest.approx(start.bias @ np.asarray(before.sizes), abs=1e-12)


def test_a_start_in_other_groups_is_taken_and_another_number_of_classes_is_not() -> None:
    before = solve(LayerPeeled(counts=[90, 30, 10, 3], feature_energy=2.0))
    problem = LayerPeeled(counts=[90, 30, 10, 10], feature_energy=2.0)
    assert solve(problem, start=before).value.overlaps(solve(problem).value)
    refused(lambda: solve(LayerPeeled(counts=[9, 3], feature_energy=2.0), start=before), "4 classes", "(1, 1, 1, 1)", "leave start out")


def test_a_sketch_shows_what_a_solution_does() -> None:
    counts = [400, 200, 200, 90, 60, 60, 20]
    near = sketch(LayerPeeled(counts=counts, feature_energy=5.0), gap=1e-9)
    problem = LayerPeeled(counts=[max(count, 60) for count in counts], feature_energy=5.0)
    found, certified = sketch(problem, gap=1e-9, start=near), solve(problem)
    cosines = [[np.nan if each is None else each for each in row] for row in certified.between_cosine]
    np.testing.assert_allclose(found.classifier_cosines, cosines, atol=1e-4)
    np.testing.assert_allclose(found.classifier_norms, [group.classifier_norm for group in certified.groups], rtol=1e-4)
    assert found.value == pytest.approx(certified.value.upper, rel=1e-7)
    assert found.multiplier == pytest.approx(certified.multiplier, rel=1e-3)
    assert solve(problem, start=found).value.overlaps(certified.value)


def test_a_sketch_of_two_groups_is_the_closed_form_and_gaps_are_checked() -> None:
    found = sketch(LayerPeeled.from_groups([(5, 100), (5, 10)], feature_energy=5.0))
    assert found.classifier_cosines[1, 1] < 1
    refused(lambda: sketch(PROBLEMS["bounded"], gap=0.0), "the gap is 0.0", "between 0 and 1")


@pytest.mark.slow
def test_six_hundred_counts_take_two_steps() -> None:
    """Merged twice, the second time around the crease that the first one found."""
    found = solve(long_tail(620), tolerance=TOLERANCE)
    assert found.converged
    assert found.relative_gap <= TOLERANCE
