"""Which classes are exactly zero: laws in balls where the gap of a solution leaves it open."""

import math

import numpy as np
import pytest

from layerpeel.numerics import joint_vanishing_radius
from layerpeel.solvers import Enclosures, LayerPeeled, UnconstrainedFeatures, solve
from layerpeel.solvers._phases import _cost_of_zero, phases_by_law, zero_by_law

TAILS = [[(3, 60), (2, 3), (2, 2)], [(2, 60), (1, 12), (1, 6), (1, 1)], [(3, 20), (1, 15), (2, 10)]]
LONG_TAIL = [max(round(500 * 100 ** (-k / 99)), 1) for k in range(100)]
"""CIFAR-100-LT at imbalance 100."""


def at(groups: list[tuple[int, int]], factor: float, norm_weights: str = "class") -> LayerPeeled:
    """The program whose radius is a multiple of τ*."""
    wanted = factor * joint_vanishing_radius(groups, norm_weights=norm_weights).middle
    unit = LayerPeeled.from_groups(groups, feature_energy=1.0, norm_weights=norm_weights).radius
    return LayerPeeled.from_groups(groups, feature_energy=(wanted / unit) ** 2, norm_weights=norm_weights)


@pytest.mark.parametrize("norm_weights", ["class", "sample"])
@pytest.mark.parametrize("groups", TAILS)
def test_all_vanish_below_and_none_beyond(groups: list[tuple[int, int]], norm_weights: str) -> None:
    for factor in (0.5, 0.99, 1.01, 2.0):
        solution = solve(at(groups, factor, norm_weights), route="factored")
        optimum = Enclosures(solve(at(groups, factor, norm_weights), route="factored", tolerance=1e-11))
        gone = factor < 1
        assert solution.vanished == (False, *(gone,) * (len(groups) - 1))
        assert optimum.between_vanishes is gone
        assert all((optimum.classifier_norm(g).lower > 0.0) is not gone for g in range(1, len(groups)))
        if gone:
            assert solution.collapsed == tuple(g > 0 and size > 1 for g, (size, _) in enumerate(groups))


@pytest.mark.parametrize("factor", [1 - 1e-12, 1 + 1e-12])
def test_balls_decide_where_no_gap_does(factor: float) -> None:
    groups = TAILS[0]
    assert zero_by_law(at(groups, factor)) == (False, factor < 1, factor < 1)
    assert solve(at(groups, factor), route="factored").vanished == (False, factor < 1, factor < 1)


@pytest.mark.parametrize("energy", [1.0, 5.0, 20.0])
def test_long_tail_is_short_and_not_zero(energy: float) -> None:
    solution = solve(LayerPeeled(counts=LONG_TAIL, feature_energy=energy))
    assert solution.converged
    assert set(solution.vanished) == {False}
    assert None not in solution.collapsed
    assert min(group.classifier_norm for group in solution.groups) < 1e-2


def test_a_wide_gap_still_leaves_a_long_tail_open() -> None:
    assert None in solve(LayerPeeled(counts=LONG_TAIL, feature_energy=5.0), tolerance=1e-3).vanished


def test_single_largest_class_and_ties_have_no_law() -> None:
    assert zero_by_law(LayerPeeled.from_groups([(1, 60), (2, 3)], feature_energy=0.01)) is None
    tied = LayerPeeled.from_groups([(2, 60), (2, 30)], feature_energy=0.01, norm_weights=[2.0, 1.0])
    assert zero_by_law(tied) is None
    assert zero_by_law(LayerPeeled.from_groups([(4, 60)], feature_energy=0.01)) is None


@pytest.mark.parametrize("energy", [1e-6, 1e-3, 0.5])
def test_single_largest_class_leaves_nothing_zero(energy: float) -> None:
    for groups in ([(1, 60), (2, 3), (2, 2)], [(1, 20), (1, 15), (2, 10)]):
        assert solve(LayerPeeled.from_groups(groups, feature_energy=energy), route="factored").vanished == (False, False, False)


@pytest.mark.parametrize("norm_weights", ["class", "sample"])
def test_penalised_norm_decides_alike(norm_weights: str) -> None:
    """λ falls with τ: the penalty that belongs to 1 % below τ* leaves the tail at zero, and that 1 % beyond does not."""
    for factor, gone in ((0.99, True), (1.01, False)):
        bounded = solve(at(TAILS[0], factor, norm_weights), route="factored", tolerance=1e-11)
        penalty = bounded.certified_multiplier.middle
        penalised = UnconstrainedFeatures.from_groups(TAILS[0], feature_penalty=penalty, weight_penalty=penalty, norm_weights=norm_weights)
        assert solve(penalised, route="factored").vanished == (False, gone, gone)


def test_penalty_above_every_slope_leaves_nothing() -> None:
    problem = UnconstrainedFeatures.from_groups(TAILS[0], feature_penalty=1.0, weight_penalty=1.0)
    found = solve(problem, route="factored")
    assert found.vanished == (True, True, True)
    assert found.collapsed == (True, True, True)


@pytest.mark.parametrize("bias_penalty", [None, 0.1])
def test_a_penalty_beside_a_slope_is_decided_by_the_law(bias_penalty: float | None) -> None:
    """1e-9 beside s_g no margin shows."""
    plain = UnconstrainedFeatures.from_groups([(3, 60), (2, 15)], feature_penalty=1.0, weight_penalty=1.0)
    slope = float(plain.weights[1] / plain.scales[1])
    for factor, together in ((1 - 1e-9, False), (1 + 1e-9, True)):
        penalty = slope * factor
        problem = UnconstrainedFeatures.from_groups(
            [(3, 60), (2, 15)], feature_penalty=penalty, weight_penalty=penalty, bias_penalty=bias_penalty
        )
        assert solve(problem, route="factored").collapsed == (False, together)


def test_a_zero_row_costs_its_divergence_from_the_uniform() -> None:
    solution = solve(LayerPeeled.from_groups([(2, 30), (1, 10), (3, 4)], feature_energy=2.0), route="factored")
    logits = solution.group_logits.dense()
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    divergences = -np.log(chances).mean(axis=1) - math.log(6)
    expected = np.add.reduceat(np.repeat(solution.problem.weights, (2, 1, 3)) * divergences, [0, 2, 3])
    found = _cost_of_zero(solution)
    assert found == pytest.approx(expected, rel=1e-10)
    assert np.all(found <= expected)


def test_other_losses_and_biases_keep_what_the_gap_says() -> None:
    biased = LayerPeeled.from_groups(TAILS[0], feature_energy=0.3, bias_penalty=0.5)
    for problem in (biased, LayerPeeled.from_groups(TAILS[0], feature_energy=0.3, loss="squared")):
        solution = solve(problem, route="factored")
        assert phases_by_law(solution, (None,) * 3, (None,) * 3) == ((None,) * 3, (None,) * 3)
