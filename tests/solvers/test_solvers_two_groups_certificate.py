"""The certificate of two groups in plain doubles: what it says holds in 300 bits, and it says nothing where it cannot."""

import math
from typing import NamedTuple

import numpy as np
import pytest
from flint import arb, ctx
from hypothesis import example, given, settings
from hypothesis import strategies as st
from strategies import TwoGroups, two_groups

from layerpeel.numerics import GroupMatrix, log_threshold_minus_one
from layerpeel.solvers import LayerPeeled, certify, solve
from layerpeel.solvers.proof import _two_groups
from layerpeel.solvers.proof._evaluation import exact_radius, exact_weights
from layerpeel.solvers.proof._in_balls import InBalls
from layerpeel.solvers.proof._two_groups import certified_two_groups
from layerpeel.solvers.routes._symmetric import solve_symmetric

BITS = 300

SHARP_GAP = 1e-13
"""Relative gap at moderate size: some sixty roundings of the loss and of margins up to twenty."""

RANDOM = 4000
"""Programs drawn beside Hypothesis's: a third of them at the ends of the ranges."""


class Exact(NamedTuple):
    """The feasible point's value and the dual point's bound."""

    value: arb
    bound: arb


def exact(problem: LayerPeeled, matrix: GroupMatrix) -> Exact:
    """Both in balls of 300 bits; the dual point is the one whose margins are the doubles that the certificate computes."""
    value = InBalls(problem, matrix, None, None, None).objective()
    weights, norm, bound = exact_weights(problem), arb(0), arb(0)
    reach = arb(0)
    for g, h in ((0, 1), (1, 0)):
        size, rest, inner = problem.sizes[g], problem.sizes[h], float(matrix.inner[g])
        margin = inner * ((size - 1) / size) + float(matrix.outer[g, g]) / size - float(matrix.outer[g, h]) / math.sqrt(size * rest)
        near, far = (-arb(inner)).exp(), (-arb(margin)).exp()
        others = (size - 1) * near + rest * far
        near, far = near / (1 + others), far / (1 + others)
        bound += size * weights[g] * (others.log1p() + (size - 1) * near * arb(inner) + rest * far * arb(margin))
        reach += (weights[g] * far) ** 2 * rest
        if size > 1:
            norm = norm.max(weights[g] * (size * near + rest * far))
    norm = norm.max((reach * problem.num_classes).sqrt())
    return Exact(value, bound - exact_radius(problem) * norm)


def assert_holds(problem: LayerPeeled, matrix: GroupMatrix) -> bool:
    """What is claimed is true of both points in 300 bits; whether something was."""
    claimed = certified_two_groups(problem, matrix, 1.0)
    if claimed is None:
        return False
    with ctx.workprec(BITS):
        value, bound = exact(problem, matrix)
        assert arb(claimed.value.upper) > value
        assert arb(claimed.value.lower) < bound
        assert arb(claimed.gap) > value - bound
        assert arb(claimed.relative_gap) > (value - bound) / value
    return True


def problem_of(case: TwoGroups) -> LayerPeeled:
    return LayerPeeled.from_imbalance(case.majority, case.minority, case.imbalance, feature_energy=case.root_energy**2)


@settings(max_examples=200)
@given(two_groups())
@example(TwoGroups(1, 1, 1e6, 1e-6))
@example(TwoGroups(1, 1000, 1e6, 1e3))
@example(TwoGroups(1000, 1, 1e6, 1e-3))
@example(TwoGroups(500_000, 500_000, 1.5, 2.0))
def test_what_is_claimed_holds_at_the_optimum(case: TwoGroups) -> None:
    problem = problem_of(case)
    if len(problem.groups) == 2:
        assert_holds(problem, solve_symmetric(problem)[0].matrix)


def test_what_is_claimed_holds_for_thousands_of_programs() -> None:
    rng, claims = np.random.default_rng(0), 0
    for _ in range(RANDOM):
        majority, minority = (max(1, int(10 ** rng.uniform(0, rng.choice([0.3, 1, 3, 6])))) for _ in range(2))
        imbalance, energy = 10 ** rng.uniform(0, rng.choice([0.1, 1, 6])), 10 ** rng.uniform(rng.choice([-6, -1]), rng.choice([0, 2, 4]))
        problem = LayerPeeled.from_imbalance(majority, minority, imbalance, feature_energy=energy)
        claims += assert_holds(problem, solve_symmetric(problem)[0].matrix)
    assert claims > 0.95 * RANDOM


@pytest.mark.parametrize("side", [-1e-12, 0.0, 1e-12])
@pytest.mark.parametrize("case", [(5, 5, 5.0), (2, 9, 0.3), (1, 4, 1.0), (40, 3, 2.0)])
def test_what_is_claimed_holds_at_the_threshold(case: tuple[int, int, float], side: float) -> None:
    majority, minority, energy = case
    threshold = 1 + math.exp(log_threshold_minus_one(majority, minority, feature_energy=energy)) * (1 + side)
    problem = LayerPeeled.from_imbalance(majority, minority, threshold, feature_energy=energy)
    assert assert_holds(problem, solve_symmetric(problem)[0].matrix)


@settings(max_examples=100)
@given(two_groups(largest_group=100, largest_imbalance=1e4, least_root=0.01, largest_root=5.0), st.integers(0, 2**32 - 1))
def test_what_is_claimed_of_other_points_holds(case: TwoGroups, seed: int) -> None:
    problem, rng = problem_of(case), np.random.default_rng(seed)
    if len(problem.groups) != 2:
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_two_groups, "SHARP", 1.0)
        matrix = GroupMatrix(problem.sizes, rng.normal(size=2), rng.normal(size=(2, 2)))
        matrix = matrix.scaled(problem.radius / matrix.nuclear_norm())
        with ctx.workprec(BITS):
            vast = not (exact(problem, matrix).value - exact(problem, matrix).bound) < exact(problem, matrix).value
        assert assert_holds(problem, matrix) or vast or float(np.abs(matrix.outer).max()) > 50


def test_it_is_sharp_and_the_balls_are_there_for_more() -> None:
    problem = LayerPeeled.from_groups([(5, 100), (5, 10)], feature_energy=5.0)
    found = solve(problem)
    assert found.certificate == certified_two_groups(problem, found.matrix, 1e-8)
    assert 0.0 < found.relative_gap < SHARP_GAP
    assert found.value.overlaps(certify(problem, found.matrix).value)
    assert found.sharpest_gap < 0.1 * found.certificate.gap
    asked = solve(problem, tolerance=1e-15)
    assert asked.certificate == certify(problem, asked.matrix)


def test_it_says_nothing_of_other_programs_and_far_points() -> None:
    plain = LayerPeeled.from_groups([(5, 100), (5, 10)], feature_energy=5.0)
    matrix = solve(plain).matrix
    assert certified_two_groups(plain, matrix, 1e-8) is not None
    groups = [(5, 100), (5, 10)]
    others = [
        LayerPeeled.from_groups(groups, feature_energy=5.0, bias_penalty=1.0),
        LayerPeeled.from_groups(groups, feature_energy=5.0, norm_weights="sample"),
        LayerPeeled.from_groups(groups, feature_energy=5.0, label_smoothing=0.1),
        LayerPeeled.from_groups(groups, feature_energy=5.0, loss="squared"),
    ]
    for problem in [*others, LayerPeeled.from_groups([(10, 100)], feature_energy=5.0)]:
        assert certified_two_groups(problem, matrix, 1e-8) is None
    for far in (
        matrix.scaled(1.001),
        matrix.scaled(0.999),
        matrix.scaled(0.0),
        matrix.scaled(math.inf),
        matrix.scaled(1e5),
        matrix.scaled(-1.0),
    ):
        assert certified_two_groups(plain, far, 1.0) is None


def test_without_its_errors_it_claims_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: rounding is seen in 300 bits, so a bound that forgets it does not hold."""
    problems = [LayerPeeled.from_imbalance(5, size, 1.5 + size, feature_energy=2.0) for size in range(1, 30)]
    matrices = [solve_symmetric(problem)[0].matrix for problem in problems]
    monkeypatch.setattr(_two_groups, "UNIT", 0.0)
    monkeypatch.setattr(_two_groups, "RETURNED", 0.0)
    monkeypatch.setattr(_two_groups, "SHARP", 1.0)

    def broken(problem: LayerPeeled, matrix: GroupMatrix) -> bool:
        try:
            return not assert_holds(problem, matrix)
        except AssertionError:
            return True

    assert sum(broken(*each) for each in zip(problems, matrices, strict=True)) >= 5
