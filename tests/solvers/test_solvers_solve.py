"""Solutions and their certificates: known optima, routes against each other, and twins of the same problem."""

import json
import math
from itertools import permutations
from pathlib import Path
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from strategies import OFTEN_ENOUGH, TwoGroups, log_uniform, tally, two_groups

from layerpeel.numerics import Bracket, GroupMatrix, UnusableInput
from layerpeel.solvers import (
    LayerPeeled,
    Solution,
    Status,
    certify,
    certify_distance,
    certify_multiplier,
    descend,
    dual_slope,
    low_rank_excess,
    solve,
    solve_samples,
)
from layerpeel.solvers.routes._projected import solve_projected
from layerpeel.solvers.routes._request import Candidate, Request
from layerpeel.solvers.routes._sdp import solve_sdp
from layerpeel.solvers.routes._settled import settled

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "two_groups.json").read_text())["cases"]

SYMMETRIC_GAP = 1e-12
"""Relative gap promised for the symmetric route at moderate size: doubles of exponents up to a few tens."""

WIDE_GAP = 1e-7
"""Relative gap promised for the symmetric route up to K = 10^6, R = 10^12 and energies to 10^4: exponents reach 10^4."""

POLISHED_GAP = 1e-9
"""Relative gap of route `sdp` for a smooth loss: a tenth of it is what the proximal steps after a conic solver are asked for."""

CONIC_ERROR, CONIC_GAP, FIRST_STEP_GAP = 1e-6, 1e-3, 1e-7
"""A conic solver asked for an accuracy of 1e-6 leaves relative gaps of 1e-14 to 1e-4, and one proximal step squares what it leaves
(seen up to 1.6e-9)."""

ITERATED_GAP = 1e-8
"""Relative gap that `solve` asks of a method by default."""

PHASES = {
    "balanced": (2, 2, 1.0, 1.0),
    "distinct": (2, 2, 2.0, 1.0),
    "collapsed": (2, 2, 4.0, 1.0),  # R0 = 3.38 (reference/thresholds.json)
    "vanished": (3, 2, 8.0, 1.0),
    "one majority class": (1, 3, 3.0, 1.0),
    "one minority class": (3, 1, 2.0, 1.0),
    "two classes": (1, 1, 6.0, 0.5),
}


def problem_of(case: TwoGroups | tuple[int, int, float, float], weight_energy: float = 1.0) -> LayerPeeled:
    """The program of a case whose last number is √(E_H E_W)."""
    majority, minority, imbalance, root_energy = case
    return LayerPeeled.from_imbalance(
        majority, minority, imbalance, feature_energy=root_energy**2 / weight_energy, weight_energy=weight_energy
    )


def contains_exactly(bracket: Bracket, value: Any) -> bool:
    """Whether a number known to 50 digits lies between two doubles."""
    return mp.mpf(bracket.lower) <= value <= mp.mpf(bracket.upper)


# Known optima.


@given(st.integers(2, 10**6), log_uniform(1e-4, 1e4), log_uniform(1e-4, 1e4))
@settings(max_examples=50)
def test_the_balanced_value_is_enclosed_rigorously(classes: int, feature_energy: float, weight_energy: float) -> None:
    """log(1 + (K − 1) exp(−K √(E_W E_H)/(K − 1))) in 50 digits lies inside a bracket of doubles a few ulps wide."""
    found = solve(LayerPeeled.from_groups([(classes, 7)], feature_energy=feature_energy, weight_energy=weight_energy))
    with mp.workdps(50):
        spread = classes * mp.sqrt(mp.mpf(feature_energy) * mp.mpf(weight_energy)) / (classes - 1)
        value = mp.log1p((classes - 1) * mp.exp(-spread))
        assert contains_exactly(found.value, value)
    assert found.value.rigorous
    assert found.value.width <= 1e-15 * found.value.upper + 5e-324  # the ETF's gap is zero: what is left is the rounding of the ends
    assert found.rank == classes - 1
    assert found.converged


@pytest.mark.parametrize("case", REFERENCE, ids=lambda case: f"{case['majority']}x{case['imbalance']}+{case['minority']}")
def test_pinned_values_and_multipliers_are_enclosed(case: dict[str, str]) -> None:
    majority, minority, imbalance, root_energy = (
        int(case["majority"]),
        int(case["minority"]),
        float(case["imbalance"]),
        float(case["root_energy"]),
    )
    found = solve(LayerPeeled.from_imbalance(majority, minority, imbalance, feature_energy=root_energy, weight_energy=root_energy))
    assert found.relative_gap <= SYMMETRIC_GAP
    with mp.workdps(50):
        # √(E_H E_W) as a double differs from the decimal by a rounding, hence the widening by an ulp of τ times the multiplier.
        value, slack = mp.mpf(case["value"]), mp.mpf(2) ** -52 * found.problem.radius
        assert mp.mpf(found.value.lower) - slack <= value <= mp.mpf(found.value.upper) + slack
        weighted = mp.mpf(case["multiplier"]) / (majority * mp.mpf(imbalance) + minority)
        assert contains_exactly(found.certified_multiplier, weighted)
        assert abs(found.multiplier / weighted - 1) < 1e-11  # first order in the rounding of the logits


def water_filling(weights: np.ndarray, radius: float) -> float:
    """Squared error: Z = diag(z), z_k = max(0, 1 − λ/c_k) with Σ z = τ, since G = −diag(c (1 − z)) has norm λ on the support."""
    if radius >= len(weights):
        return 0.0
    low, high = 0.0, float(weights.max())
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if np.maximum(0.0, 1 - middle / weights).sum() > radius else (low, middle)
    z = np.maximum(0.0, 1 - high / weights)
    return float(0.5 * weights @ (1 - z) ** 2)


@pytest.mark.parametrize("counts", [[3, 3, 3], [8, 8, 1], [20, 1, 5], [9, 9, 1, 1]])
@pytest.mark.parametrize("energy", [0.04, 0.5])
def test_squared_error_is_water_filling(counts: list[int], energy: float) -> None:
    found = solve(LayerPeeled(counts=counts, feature_energy=energy, loss="squared"))
    value = water_filling(np.array(counts) / sum(counts), found.problem.radius)
    assert found.value.lower - 1e-14 <= value <= found.value.upper + 1e-14  # the water level is a rounded bisection
    assert found.relative_gap <= SYMMETRIC_GAP
    if len(set(counts)) == 1:
        assert value == pytest.approx(0.5 * (1 - math.sqrt(energy)) ** 2, rel=1e-12)


@pytest.mark.parametrize(("energy", "margin"), [(0.04, 0.3), (0.16, 0.6), (1.0, 1.0), (9.0, 1.0)])
def test_balanced_hinge_is_one_minus_the_margin_of_the_etf(energy: float, margin: float) -> None:
    """K = 3: the ETF of nuclear norm τ has margin τ/(K − 1) = 1.5 √E, and the loss is zero once that reaches one."""
    found = solve(LayerPeeled(counts=[4, 4, 4], feature_energy=energy, loss="hinge"))
    assert found.value.lower <= (1 - margin) + 1e-15
    assert found.value.upper >= 1 - margin
    assert found.gap <= ITERATED_GAP


@pytest.mark.parametrize("loss", ["squared", "hinge"])
@pytest.mark.parametrize("counts", [[3, 3, 1], [1, 1]])
def test_large_energies_leave_no_squared_or_hinge_loss(loss: str, counts: list[int]) -> None:
    found = solve(LayerPeeled(counts=counts, feature_energy=9.0, loss=loss))
    assert found.value.lower <= 0.0 <= found.value.upper
    assert found.value.upper <= 1e-10  # a conic solver's objective error of 1e-9, squared or cut off
    assert found.converged


# The certificate.


@given(
    two_groups(largest_group=50, largest_imbalance=1e4, largest_root=5.0),
    st.integers(0, 2**32 - 1),
    log_uniform(1e-3, 10.0),
    st.sampled_from(["cross-entropy", "squared"]),
)
def test_every_candidate_encloses_the_optimum(case: TwoGroups, seed: int, spread: float, loss: str) -> None:
    """Weak duality: whatever the candidate, its lower end is below and its upper end above the optimal value."""
    majority, minority, imbalance, root_energy = case
    problem = LayerPeeled.from_imbalance(majority, minority, imbalance, feature_energy=root_energy, weight_energy=root_energy, loss=loss)
    rng = np.random.default_rng(seed)
    count = len(problem.groups)
    candidate = GroupMatrix(problem.sizes, spread * rng.standard_normal(count), spread * rng.standard_normal((count, count)))
    found = certify(problem, candidate)
    assert found.value.rigorous
    if loss == "cross-entropy":
        best = solve(problem).value
        assert found.value.lower <= best.upper
        assert found.value.upper >= best.lower
    else:
        value = water_filling(np.repeat(problem.weights, problem.sizes), problem.radius)
        assert found.value.lower <= value + 1e-14  # the water level is a rounded bisection
        assert found.value.upper >= value - 1e-14
    assert found.value.width <= found.relative_gap * found.value.upper * (1 + 1e-12) + 5e-324


@given(st.integers(0, 2**32 - 1), log_uniform(0.01, 0.99))
def test_every_candidate_with_any_shares_encloses_the_balanced_hinge(seed: int, root_energy: float) -> None:
    problem = LayerPeeled(counts=[2, 2, 2], feature_energy=root_energy, weight_energy=root_energy, loss="hinge")
    rng = np.random.default_rng(seed)
    candidate = GroupMatrix((3,), rng.standard_normal(1), rng.standard_normal((1, 1)))
    shares = GroupMatrix((3,), -3 * rng.uniform(-0.3, 1.0, 1), np.zeros((1, 1)))
    found = certify(problem, candidate, shares)
    value = max(0.0, 1 - 1.5 * root_energy)
    assert found.value.lower <= value + 1e-15
    assert found.value.upper >= value - 1e-15


def test_a_certificate_for_another_radius_would_be_wrong() -> None:
    """Control of weak duality: the bound of a smaller ball is above the optimum of this one, so the property can fail."""
    problem, smaller = problem_of((3, 3, 5.0, 1.0)), problem_of((3, 3, 5.0, 0.9))
    assert certify(smaller, solve(smaller).matrix).value.lower > certify(problem, solve(problem).matrix).value.upper


@settings(max_examples=150)
@given(two_groups())
@example(TwoGroups(500_000, 500_000, 1.5, 2.0))
def test_the_symmetric_route_is_certified_over_many_orders_of_magnitude(case: TwoGroups) -> None:
    found = solve(problem_of(case))
    assert found.relative_gap <= WIDE_GAP
    assert found.route == "symmetric"
    assert 0.0 <= found.value.lower <= found.value.upper


@given(two_groups(largest_group=500, largest_imbalance=1e3, least_root=0.1, largest_root=5.0))
def test_the_symmetric_route_is_exact_at_moderate_size(case: TwoGroups) -> None:
    assert solve(problem_of(case)).relative_gap <= SYMMETRIC_GAP


@pytest.mark.slow
def test_the_strategy_of_certified_problems_is_rich() -> None:
    def labels(case: TwoGroups) -> list[str]:
        found = solve(problem_of(case))
        phase = "vanished" if any(found.vanished) else "collapsed" if any(found.collapsed) else "distinct"
        return [phase, "balanced" if len(found.problem.groups) == 1 else "imbalanced", "tiny loss" if found.value.upper < 1e-8 else "loss"]

    seen = tally(two_groups(largest_group=500, largest_imbalance=1e3, least_root=0.1, largest_root=5.0), labels)
    assert all(seen[label] >= OFTEN_ENOUGH for label in ("vanished", "collapsed", "distinct", "balanced", "imbalanced", "loss")), seen


# Routes against each other.


@pytest.mark.parametrize("solver", ["clarabel", "scs"])
@pytest.mark.parametrize("case", PHASES.values(), ids=PHASES)
def test_the_reference_program_agrees_with_the_symmetric_route(case: tuple[int, int, float, float], solver: str) -> None:
    exact, reference = solve(problem_of(case)), solve(problem_of(case), route="sdp", solver=solver)
    assert reference.value.overlaps(exact.value)
    assert reference.relative_gap <= POLISHED_GAP
    assert exact.relative_gap <= SYMMETRIC_GAP
    assert (reference.route, exact.route) == ("sdp", "symmetric")
    # None is a certificate that cannot tell; a decided phase must be the right one.
    for told, known in zip(reference.collapsed, exact.collapsed, strict=True):
        assert told in (None, known)
    assert reference.certified_multiplier.overlaps(exact.certified_multiplier)
    distance = float(np.linalg.norm(reference.logits * (exact.problem.radius / reference.matrix.nuclear_norm()) - exact.logits))
    assert distance <= reference.distance_bound
    assert reference.distance_bound < 0.1 * exact.problem.radius  # the bound says something
    assert abs(reference.logits.sum(axis=1)).max() < 1e-9


@pytest.mark.parametrize("solver", ["clarabel", "scs"])
@pytest.mark.parametrize("case", PHASES.values(), ids=PHASES)
def test_a_conic_solvers_point_is_polished_by_few_steps_from_it(case: tuple[int, int, float, float], solver: str) -> None:
    problem = problem_of(case)
    conic = solve_sdp(problem, solver, CONIC_ERROR)
    assert certify(problem, conic.matrix).relative_gap <= CONIC_GAP
    first, further = (solve_projected(problem, POLISHED_GAP, conic, iterations) for iterations in (1, 100))
    assert certify(problem, *first).relative_gap <= FIRST_STEP_GAP
    assert certify(problem, *further).relative_gap <= POLISHED_GAP
    moved = further.matrix - conic.matrix.scaled(problem.radius / conic.matrix.nuclear_norm())
    assert math.sqrt(moved.dot(moved)) <= certify_distance(problem, conic.matrix) + certify_distance(
        problem, further.matrix, None, further.tangent
    )
    if len(set(problem.weights)) > 1:  # and the steps alone would not do: the balanced optimum is the point they start from by themselves
        assert certify(problem, *solve_projected(problem, POLISHED_GAP, None, 1)).relative_gap > 1e4 * FIRST_STEP_GAP


@pytest.mark.parametrize("imbalance", [1.5, 2.6])
def test_the_polish_does_not_repair_another_program(imbalance: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """A semidefinite program with a fault is seen: proximal steps would have found the optimum from anywhere."""
    problem = problem_of(PHASES["distinct"])
    monkeypatch.setattr("layerpeel.solvers.routes._sdp.solve_sdp", lambda _, *rest: solve_sdp(problem_of((2, 2, imbalance, 1.0)), *rest))
    found = solve(problem, route="sdp")
    assert found.status is Status.LOOSE
    assert found.value.overlaps(solve(problem).value)


@pytest.mark.parametrize("best_first", [True, False])
def test_the_status_is_that_of_the_attempt_that_is_returned(best_first: bool) -> None:
    """No tolerance ends the attempts here: the closer one is at the limit of doubles, whatever the other one is."""
    problem = problem_of(PHASES["distinct"])
    good = solve(problem, route="symmetric")
    attempts = [Candidate(good.matrix, tangent=good.tangent), Candidate(GroupMatrix(problem.sizes, np.ones(2), np.eye(2)))]
    request = Request(problem=problem, tolerance=1e-30, began=0.0, solver="clarabel", start=None, dimension=None)
    found = settled(request, "sdp", attempts if best_first else attempts[::-1])
    assert found.relative_gap <= SYMMETRIC_GAP
    assert found.status is Status.LIMIT_OF_DOUBLES


def test_the_distance_bound_is_not_met_by_a_wrong_candidate() -> None:
    problem = problem_of(PHASES["distinct"])
    candidate = GroupMatrix(problem.sizes, np.ones(2), np.zeros((2, 2)))
    assert certify_distance(problem, candidate) > np.linalg.norm(candidate.scaled(problem.radius / 2).dense() - solve(problem).logits)
    with pytest.raises(ValueError, match="loss 'hinge' has no strong convexity bound here; use cross-entropy"):
        certify_distance(LayerPeeled(counts=[1, 2], feature_energy=1.0, loss="hinge"), candidate)


@pytest.mark.parametrize("name", ["distinct", "collapsed"])
def test_the_reference_program_tells_the_phase(name: str) -> None:
    found = solve(problem_of(PHASES[name]), route="sdp")
    assert found.collapsed == (False, name == "collapsed")


@pytest.mark.parametrize("loss", ["cross-entropy", "squared", "hinge"])
def test_three_distinct_counts_agree_with_the_reference_route(loss: str) -> None:
    problem = LayerPeeled(counts=[9, 3, 1], feature_energy=0.2, loss=loss)
    found, reference = solve(problem), solve(problem, route="sdp")
    assert (found.route == "symmetric") == (loss == "squared")
    assert found.value.overlaps(reference.value)
    assert found.relative_gap <= ITERATED_GAP
    assert found.rank == reference.rank


# The same problem said differently.


@given(two_groups(largest_group=200, largest_imbalance=1e4, largest_root=5.0), log_uniform(1e-6, 1e6))
def test_trading_one_energy_for_the_other_leaves_the_value(case: TwoGroups, trade: float) -> None:
    first, second = solve(problem_of(case)), solve(problem_of(case, trade))
    # √(E_H E_W) is rounded differently: an ulp of τ moves the value by the multiplier times that.
    slack = 4e-16 * first.problem.radius * first.multiplier
    assert first.value.lower - slack <= second.value.upper
    assert second.value.lower - slack <= first.value.upper


@given(two_groups(largest_group=50, largest_imbalance=1e4, largest_root=5.0))
@pytest.mark.slow
def test_exchanging_the_names_of_majority_and_minority_exchanges_the_groups(case: TwoGroups) -> None:
    majority, minority, imbalance, root_energy = case
    if imbalance == 1.0:
        imbalance = 1.5
    groups = [(majority, imbalance), (minority, 1.0)]
    straight = LayerPeeled.from_imbalance(majority, minority, imbalance, feature_energy=root_energy, weight_energy=root_energy)
    swapped = LayerPeeled.from_imbalance(minority, majority, 1 / imbalance, feature_energy=root_energy, weight_energy=root_energy)
    first, second = solve(straight), solve(swapped)
    assert [group.classes for group in second.problem.groups] == [size for size, _ in reversed(groups)]
    assert second.value.upper == pytest.approx(first.value.upper, rel=1e-9)  # 1/(1/R) is R up to a rounding, and exponents magnify it
    assert second.value.lower == pytest.approx(first.value.lower, rel=1e-9)
    assert second.relative_gap <= 1e-9
    assert second.rank == first.rank
    for mine, theirs in zip(first.groups, reversed(second.groups), strict=True):
        assert (mine.vanished, mine.classes) == (theirs.vanished, theirs.classes)
        assert mine.classifier_norm == pytest.approx(theirs.classifier_norm, rel=1e-6, abs=1e-6 * math.sqrt(root_energy))  # w ~ √z


@pytest.mark.parametrize("counts", [(6, 6, 1, 1), (5, 1, 1), (3, 2, 1)])
def test_relabelling_classes_permutes_the_logits(counts: tuple[int, ...]) -> None:
    first = solve(LayerPeeled(counts=counts, feature_energy=1.0))
    orders = list(permutations(range(len(counts))))
    # The other routes are slow: three relabellings of them, all of the symmetric one.
    for order in orders[1:4] if first.route != "symmetric" else orders:
        second = solve(LayerPeeled(counts=[counts[k] for k in order], feature_energy=1.0))
        assert second.value.overlaps(first.value)
        slack = 1e-12 if first.route == "symmetric" else first.distance_bound + second.distance_bound
        assert np.linalg.norm(second.logits - first.logits[np.ix_(order, order)]) <= slack
        weights = np.array([counts[k] for k in order]) / sum(counts)
        # Rows belong to the classes as given: the loss of the logits with these weights is the value.
        margins = second.logits - np.diag(second.logits)[:, None]
        assert weights @ np.log(np.exp(margins).sum(axis=1)) == pytest.approx(second.value.upper, rel=1e-12)


def test_groups_and_counts_and_ratio_are_one_problem() -> None:
    twins = (
        LayerPeeled(counts=[20, 20, 20, 5, 5], feature_energy=2.0),
        LayerPeeled.from_groups([(3, 20), (2, 5)], feature_energy=2.0),
        LayerPeeled.from_groups([(1, 8), (2, 2), (2, 8)], feature_energy=2.0),
        LayerPeeled.from_imbalance(3, 2, 4.0, feature_energy=2.0),
    )
    values = [solve(twin).value for twin in twins]
    assert all(value.overlaps(values[0]) for value in values)
    assert max(value.width for value in values) < 1e-14


@pytest.mark.parametrize("counts", [[2, 1], [3, 1, 1]])
def test_a_feature_per_sample_changes_nothing(counts: list[int]) -> None:
    exact, samples = solve(LayerPeeled(counts=counts, feature_energy=1.0)), solve_samples(counts, [1] * len(counts), feature_energy=1.0)
    assert samples.overlaps(exact.value)
    assert samples.width <= 1e-6 * exact.value.upper
    oversampled = solve_samples(counts, [1] + [counts[0]] * (len(counts) - 1), feature_energy=1.0)
    balanced = solve(LayerPeeled(counts=[1] * len(counts), feature_energy=1.0))
    assert oversampled.overlaps(balanced.value)
    assert not oversampled.overlaps(exact.value)


# Multiplier, slope, descent.


@given(two_groups(largest_group=50, largest_imbalance=1e3, least_root=0.1, largest_root=3.0))
@pytest.mark.slow
def test_the_multiplier_is_enclosed_and_is_the_slope_of_the_value(case: TwoGroups) -> None:
    found, step = solve(problem_of(case)), 1e-5
    ahead, behind = (solve(problem_of(case._replace(root_energy=case.root_energy * factor))).value for factor in (1 + step, 1 - step))
    wide = 2 * step * found.problem.radius
    # Convexity: the forward quotient is below λ and the backward one above, rigorously, with the enclosures' widths added.
    here = found.value
    assert (here.lower - ahead.upper) / (wide / 2) <= found.certified_multiplier.upper * (1 + 1e-9)
    assert (behind.upper - here.lower) / (wide / 2) >= found.certified_multiplier.lower * (1 - 1e-9)
    assert found.certified_multiplier.contains(found.multiplier)
    quotient = (behind.middle - ahead.middle) / wide
    # Central difference: truncation step² times (τ λ'')/λ, below (1 + τ)², and 1e-15/step of the value.
    slack = (step * (1 + found.problem.radius)) ** 2 * found.multiplier + 1e-15 * here.upper / wide
    assert abs(quotient - found.multiplier) <= slack + (found.gap + ahead.width + behind.width) / wide


def test_the_multiplier_of_a_poor_candidate_is_enclosed_too() -> None:
    problem = problem_of(PHASES["distinct"])
    candidate = GroupMatrix(problem.sizes, np.array([1.0, 0.4]), np.outer([1.0, -1.0], [1.0, -1.0]))
    found = certify_multiplier(problem, candidate)
    assert found.contains(solve(problem).multiplier)
    assert found.width > 1e-3


@pytest.mark.parametrize("case", list(PHASES.values())[:5], ids=list(PHASES)[:5])
def test_the_slope_at_the_optimum_has_the_multiplier_as_its_norm_where_the_logits_live(case: tuple[int, int, float, float]) -> None:
    found = solve(problem_of(case))
    slope = dual_slope(found.problem, found.matrix).dense()
    assert np.linalg.norm(slope, 2) == pytest.approx(found.multiplier, rel=1e-12)
    # Complementarity: ⟨G, Z⟩ = −τ ‖G‖.
    aligned = float(np.sum(slope * found.matrix.dense()))
    assert aligned == pytest.approx(-found.problem.radius * found.multiplier, rel=1e-12)


@pytest.mark.parametrize("loss", ["cross-entropy", "squared", "hinge"])
@pytest.mark.parametrize("dimension", [1, 2, 4])
def test_descent_stays_above_the_certified_bound_on_both_spheres(loss: str, dimension: int) -> None:
    problem = LayerPeeled(counts=[4, 4, 1], feature_energy=0.3, weight_energy=0.5, loss=loss)
    value, features, classifier = descend(problem, dimension, rng=np.random.default_rng(3), starts=2)
    assert value >= solve(problem).value.lower - 1e-13  # the loss of order one is evaluated in doubles
    assert np.sum(features**2) == pytest.approx(3 * 0.3, rel=1e-12)
    assert np.sum(classifier**2) == pytest.approx(3 * 0.5, rel=1e-12)
    assert features.shape == classifier.shape == (3, dimension)


@pytest.mark.parametrize("name", ["balanced", "distinct", "collapsed", "vanished"])
def test_one_dimension_below_the_rank_costs_a_certified_amount(name: str) -> None:
    found: Solution = solve(problem_of(PHASES[name]))
    proved = low_rank_excess(found.problem, found.matrix, found.rank - 1)
    best, *_ = descend(found.problem, found.rank - 1, rng=np.random.default_rng(5))
    assert 0.0 < proved <= best - found.value.upper + 1e-13  # the loss of order one is evaluated in doubles
    enough, *_ = descend(found.problem, found.rank, rng=np.random.default_rng(5))
    assert enough <= found.value.upper + 1e-7  # L-BFGS stops near 1e-8
    assert low_rank_excess(found.problem, found.matrix, found.rank) <= 0.0


def test_descent_is_repeatable() -> None:
    problem = LayerPeeled(counts=[2, 1], feature_energy=1.0)
    first, second = (descend(problem, 2, rng=np.random.default_rng(9), starts=1) for _ in range(2))
    assert first[0] == second[0]
    assert np.array_equal(first[1], second[1])


@pytest.mark.parametrize(
    ("groups", "feature_energy", "weight_energy"),
    [
        ([(1, 2), (1, 1)], 5e-324, 1.0),
        ([(1, 2), (2, 1)], 1e7, 1.0),
        ([(10**15, 2), (10**15, 1)], 1.0, 1.0),
        ([(1, 2), (1, 1)], 1e300, 1e300),
        ([(1, 2), (1, 1)], 1e308, 1e308),
        ([(1, 10**300), (2, 1)], 1.0, 1.0),
        ([(2, 10**300), (2, 1)], 1.0, 1.0),
    ],
    ids=["least energy", "large energy", "many classes", "huge energies", "overflowing energies", "huge ratio, K_A = 1", "huge ratio"],
)
def test_extreme_problems_are_solved_or_refused_with_a_sentence(
    groups: list[tuple[int, int]], feature_energy: float, weight_energy: float
) -> None:
    try:
        found = solve(LayerPeeled.from_groups(groups, feature_energy=feature_energy, weight_energy=weight_energy))
    except UnusableInput:
        return  # anything else that is raised fails
    assert 0.0 <= found.value.lower <= found.value.upper < math.inf
    assert found.value.rigorous
