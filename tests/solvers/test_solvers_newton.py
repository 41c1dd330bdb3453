"""Newton's method over low-rank factors: slope, curvature, start, dual point and what happens when directions are missing."""

from typing import Any

import numpy as np
import pytest

from layerpeel.solvers import LayerPeeled, Problem, UnconstrainedFeatures, certify, solve
from layerpeel.solvers.routes._low_rank import LowRank
from layerpeel.solvers.routes._newton import _start, covers, solve_newton
from layerpeel.solvers.routes._preconditioner import Inverse
from layerpeel.solvers.routes._projected import solve_projected
from layerpeel.solvers.routes._request import Candidate

GAP = 1e-9
"""Relative gap asked for."""

DIFFERENCE = 1e-6
"""Step of the difference quotients, and their relative error up to a factor of curvature."""

ESTIMATE = 0.5
"""How far the excess at the start may be from half of the preconditioned slope's square, relatively (seen: .3)."""

NEAR = 0.3
"""Excess of the start over the value, times the number of classes (seen: .02 to .15)."""

EQUAL = 1e-12
"""Spread of singular values that are equal but for rounding, once the factors are balanced."""


def long_tail(classes: int, imbalance: float = 100.0, **options: Any) -> LayerPeeled:
    counts = [int(5e7 * imbalance ** (-k / (classes - 1))) for k in range(classes)]
    return LayerPeeled(counts=counts, **{"feature_energy": 5.0, **options})


GROUPS = [(3, 100), (4, 30), (1, 12), (5, 6), (2, 2)]

PROBLEMS: dict[str, Problem] = {
    "distinct": long_tail(12),
    "in another order": LayerPeeled(counts=[10, 500, 30, 2, 90, 31], feature_energy=3.0),
    "groups": LayerPeeled.from_groups(GROUPS, feature_energy=3.0),
    "groups in another order": LayerPeeled.from_groups(GROUPS[::-1], feature_energy=3.0),
    "per sample": LayerPeeled.from_groups(GROUPS, feature_energy=0.5, norm_weights="sample"),
    "given weights": LayerPeeled(counts=[90, 40, 20, 10], feature_energy=2.0, norm_weights=[1.0, 2.0, 0.5, 1.5]),
    "penalised": UnconstrainedFeatures.from_groups(GROUPS, weight_decay=5e-3),
    "little energy": long_tail(30, feature_energy=0.1),
    "a direction is missing": long_tail(30, feature_energy=1.0),
    "groups are missing": LayerPeeled.from_groups([(5, 1000), (1, 3), (10, 2)], feature_energy=5.0),
    "all vanish but the head": LayerPeeled.from_groups([(3, 60), (2, 3), (2, 2)], feature_energy=0.5),
    "two classes": LayerPeeled(counts=[10, 3], feature_energy=2.0),
    "many": long_tail(60),
}


def nearest(problem: Problem) -> Candidate:
    """What Newton's method finds."""
    found = solve_newton(problem, GAP)
    assert found is not None
    return found.candidate


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_the_gap_is_certified_and_other_methods_agree(problem: Problem) -> None:
    found = nearest(problem)
    certificate, other = certify(problem, *found), certify(problem, *solve_projected(problem, GAP))
    assert certificate.relative_gap <= GAP
    assert certificate.value.overlaps(other.value)
    assert certificate.multiplier == pytest.approx(other.multiplier, rel=1e-3)


@pytest.mark.parametrize("name", ["distinct", "groups", "in another order", "per sample", "given weights", "penalised"])
def test_slope_and_curvature_are_those_of_difference_quotients(name: str) -> None:
    begun = _start(PROBLEMS[name])
    assert begun is not None
    program, start = begun
    noise, direction = np.random.default_rng(0).standard_normal((2, len(start)))
    if program.several:  # there is nothing inside a group of one class
        for vector in (noise, direction):
            program.parts(vector)[2][program.copies == 0.0] = 0.0
    at = program.at(start + 0.03 * noise)
    towards = program.tangential(at, direction)
    ahead, behind = (program.at(at.x + sign * DIFFERENCE * towards) for sign in (1, -1))
    slope = (ahead.value - behind.value) / (2 * DIFFERENCE)
    assert slope == pytest.approx(float(at.slope @ towards), rel=1e-5)
    curved = program.tangential(at, (ahead.slope - behind.slope) / (2 * DIFFERENCE))
    found = program.curved(at, towards)
    assert np.abs(found - curved).max() <= 1e-4 * np.abs(found).max()


@pytest.mark.parametrize("classes", [20, 60, 200])
def test_the_preconditioned_slope_tells_the_excess(classes: int) -> None:
    problem = long_tail(classes)
    begun = _start(problem)
    assert begun is not None
    at = begun[0].at(begun[1])
    found = nearest(problem)
    excess = at.value - certify(problem, *found).value.lower
    told = 0.5 * float(at.slope @ Inverse(begun[0], at)(at.slope))
    assert told == pytest.approx(excess, rel=ESTIMATE)
    assert excess <= NEAR / classes * at.value


def test_the_dual_point_has_one_singular_value_where_the_factors_stand() -> None:
    problem = long_tail(40)
    found = nearest(problem)
    assert found.tangent is not None
    slope = problem.loss_function.affine(found.tangent, problem.weights)[1]
    values = np.linalg.svd(slope.outer, compute_uv=False)
    rank = found.matrix.rank(1e-6)
    assert np.ptp(values[:rank]) <= EQUAL * values[0]
    assert values[rank] < 0.999 * values[0]


def test_a_short_column_can_be_left_out_of_the_dual_point() -> None:
    """Its direction is worth little to the value and much to the bound, which is better without where directions are rough."""
    problem = long_tail(1000)
    begun = _start(problem)
    assert begun is not None
    program = begun[0]
    at = program.at(begun[1])
    most, gaps = at.multiplier * 1.1, []
    for shortest in (True, False):
        dual, beyond = program.dual(at, most, shortest=shortest)
        slope = program.matrix(*dual)
        assert len(beyond.values) == 0
        assert slope.spectral_norm() <= most
        assert np.abs(slope.outer @ program.roots).max() < 1e-15  # rows of a slope sum to zero
        gaps.append(program.gap(at, program.touching(*dual)))
    assert program.short(at)
    assert gaps[1] < 0.5 * gaps[0]


@pytest.mark.parametrize("options", [{}, {"norm_weights": "sample"}])
def test_single_precision_is_enough_for_products(options: dict[str, Any]) -> None:
    problem = long_tail(150, **options)
    begun = _start(problem)
    assert begun is not None
    program = begun[0]
    at = program.at(begun[1])
    direction = program.tangential(at, np.random.default_rng(0).standard_normal(len(at.x)))
    exact = program.curved(at, direction)
    single = program.single().curved(at.single(), direction.astype(np.float32))
    assert single.dtype == np.float32
    assert np.linalg.norm(single - exact) < 1e-5 * np.linalg.norm(exact)
    assert program.fits_single
    assert not LowRank(long_tail(20), 2).fits_single


def test_directions_that_the_start_lacks_are_found() -> None:
    problem = PROBLEMS["a direction is missing"]
    begun, found = _start(problem), nearest(problem)
    assert begun is not None
    program, _ = begun
    assert program.idle is not None
    assert found.matrix.rank(1e-3) == program.width == solve_projected(problem, GAP).matrix.rank(1e-3)


def test_what_it_does_not_cover_and_what_has_nothing_above_the_crease() -> None:
    assert not covers(long_tail(5, loss="hinge"))
    assert not covers(long_tail(5, bias_penalty=0.1))
    assert not covers(long_tail(5, label_smoothing=0.1))
    assert solve_newton(UnconstrainedFeatures(counts=[5, 3, 2], feature_penalty=9.0, weight_penalty=9.0, norm_weights="class"), GAP) is None


def test_factors_belong_to_the_groups_in_their_own_order() -> None:
    problem = PROBLEMS["in another order"]
    found = nearest(problem)
    assert found.factors is not None
    features, classifier = found.factors
    assert np.abs(features @ classifier.T - found.matrix.outer).max() <= EQUAL
    assert LowRank(problem, 2).order is not None


def test_columns_that_all_but_coincide_are_left_to_other_methods() -> None:
    """Halves of a collapsed group whose counts differ in the last digit: the gap that Newton's method believes in is looked at."""
    head, tail = 10**18, 3 * 10**15
    problem = LayerPeeled.from_groups([(2, head), (1, head + 1), (4, tail), (3, tail + 1)], feature_energy=5.0)
    found = solve_newton(problem, 1e-8)
    assert found is not None
    assert not found.met or certify(problem, *found.candidate).relative_gap <= 1e-9
    assert solve(problem, route="factored").relative_gap <= 1e-9


def test_columns_that_coincide_to_the_last_digit_are_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """M is singular then, on one processor or another."""
    problem = LayerPeeled(counts=[37, 7, 7, 10, 3716, 48], feature_energy=1.9825584129085474, norm_weights="sample")
    assert solve(problem, route="factored", tolerance=1e-7).converged

    def singular(*_: object, **__: object) -> None:
        raise np.linalg.LinAlgError("Singular matrix")

    monkeypatch.setattr(LowRank, "dual", singular)
    assert solve_newton(problem, 1e-7) is None
    assert solve(problem, route="factored", tolerance=1e-7).converged
