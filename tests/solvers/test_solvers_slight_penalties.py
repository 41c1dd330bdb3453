"""Penalties down to 1e-14 and below: gaps that another processor's last digits cannot push over the tolerance, and the limit of doubles.

Each program is solved with its twins, the same program said differently: classes relabelled, penalties traded and weights stretched by
powers of two, groups cut into halves. They take other sums and other singular values to the same optimum, as another kernel does.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from layerpeel.numerics import GroupMatrix
from layerpeel.solvers import LayerPeeled, Problem, Solution, Status, UnconstrainedFeatures, certify, solve
from layerpeel.solvers.proof._certificate import rounding_of

TOLERANCE = 1e-8
"""Relative gap that is asked for."""

HEADROOM = 10.0
"""How many times smaller every gap must be."""

HALVES = 2**50
"""One half of every group has one sample more in this many: different counts, by less than any certificate sees."""

PENALTIES = (1e-4, 1e-8, 1e-14)

STRUCTURES: dict[str, list[tuple[int, int]]] = {
    "three groups": [(2, 30), (1, 7), (3, 5)],
    "two groups": [(5, 100), (5, 10)],
    "two classes": [(1, 3), (1, 2)],
    "balanced": [(7, 3)],
    "distinct": [(1, 50), (1, 20), (1, 10), (1, 5), (1, 1)],
    "unequal by millions": [(3, 1_000_000), (4, 1)],
    "a million classes": [(700_000, 100), (300_000, 3)],
    "thirty counts": [(1, count) for count in range(10, 40)],
}
"""Groups as (classes, samples); thirty counts are certified in doubles instead of balls."""


def twins(groups: list[tuple[int, int]], penalty: float, weights: str, **options: Any) -> Iterator[UnconstrainedFeatures]:
    """The program and the same said differently."""

    def posed(groups: list[tuple[int, int]], feature: float, weight: float, norm_weights: Any) -> UnconstrainedFeatures:
        return UnconstrainedFeatures.from_groups(
            groups, feature_penalty=feature, weight_penalty=weight, norm_weights=norm_weights, **options
        )

    scales = [1.0 if weights == "class" else math.sqrt(samples) for _, samples in groups]
    yield posed(groups, penalty, penalty, weights)
    yield posed(groups[::-1], penalty, penalty, weights)
    yield posed(groups, 2.0**9 * penalty, 2.0**-9 * penalty, weights)
    yield posed(groups, 2.0**-7 * penalty, 2.0**-7 * penalty, [2.0**7 * scale for scale in scales])
    first = [(-(-classes // 2), samples * HALVES) for classes, samples in groups]
    second = [(classes // 2, samples * HALVES + 1, scale) for (classes, samples), scale in zip(groups, scales, strict=True) if classes > 1]
    yield posed([*first, *(each[:2] for each in second)], penalty, penalty, [*scales, *(each[2] for each in second)])


def certified(problem: Problem, **options: Any) -> Solution:
    found = solve(problem, tolerance=TOLERANCE, **options)
    assert (found.status, found.converged) == (Status.CERTIFIED, True), problem
    assert found.relative_gap * HEADROOM <= TOLERANCE, problem
    return found


@pytest.mark.parametrize("bias_penalty", [None, 1e-2, 1e-5])
@pytest.mark.parametrize("weights", ["class", "sample"])
@pytest.mark.parametrize("name", STRUCTURES)
@pytest.mark.slow
def test_the_hinge_keeps_a_tenth_of_its_tolerance_at_any_penalty(name: str, weights: str, bias_penalty: float | None) -> None:
    for penalty in PENALTIES:
        values = []
        for problem in twins(STRUCTURES[name], penalty, weights, loss="hinge", bias_penalty=bias_penalty):
            found = certified(problem)
            values.append(found.value)
            if weights == "class" and penalty < float(problem.weights.min()) / 2:
                # All margins are one at the simplex ETF, whose norm is K − 1 and cannot be less: no bias, whatever the counts.
                assert found.value.upper == pytest.approx(penalty * (problem.num_classes - 1), rel=TOLERANCE / HEADROOM)
        for value in values[1:]:
            assert value.lower <= values[0].upper * (1 + 1e-12)
            assert value.upper >= values[0].lower * (1 - 1e-12)


@pytest.mark.parametrize("bias_penalty", [1e-5, 1e-8, 1e-2])
@pytest.mark.parametrize("name", ["three groups", "two groups", "distinct"])
@pytest.mark.slow
def test_an_attainable_zero_loss_needs_no_bias_however_slight_its_penalty(name: str, bias_penalty: float) -> None:
    """From √(E_H E_W) = (K − 1)/K on, the ETF leaves no loss, and what bias is left is taken into the ball."""
    classes = sum(size for size, _ in STRUCTURES[name])
    edge = ((classes - 1) / classes) ** 2
    for energy in (edge * (1 + 1e-9), 1.1 * edge, 4.0 * edge, 100.0):
        for trade in (1.0, 2.0**9):
            found = solve(
                LayerPeeled.from_groups(
                    STRUCTURES[name], feature_energy=trade * energy, weight_energy=1 / trade, loss="hinge", bias_penalty=bias_penalty
                ),
                tolerance=TOLERANCE,
            )
            assert found.status is Status.ZERO
            assert found.value.upper * HEADROOM <= TOLERANCE


@pytest.mark.parametrize("energy", [0.564, 0.571, 0.578])
@pytest.mark.slow
def test_where_only_a_bias_leaves_no_loss_its_price_is_found(energy: float) -> None:
    """Norms weighted by √n: between the energy that a free bias needs and the one without, the value is λ_b/2 times the least ‖b‖².

    The multiplier falls to the size of the bias penalty there, and the step between the two players has to follow it.
    """
    prices = []
    for bias_penalty in (1e-2, 1e-3):
        for trade in (1.0, 2.0**9):
            problem = LayerPeeled.from_groups(
                STRUCTURES["three groups"],
                feature_energy=trade * energy,
                weight_energy=1 / trade,
                loss="hinge",
                norm_weights="sample",
                bias_penalty=bias_penalty,
            )
            prices.append(certified(problem).value.upper / bias_penalty)
    assert prices == pytest.approx([prices[0]] * 4, rel=TOLERANCE)
    assert 1e-3 < prices[0] < 1e-2


@pytest.mark.parametrize("weights", ["class", "sample"])
@pytest.mark.parametrize("name", STRUCTURES)
def test_the_squared_error_keeps_a_tenth_of_its_tolerance_at_any_penalty(name: str, weights: str) -> None:
    """Σ_k [λ d_k − λ² d_k²/(2 c_k)] where every z_k = 1 − λ d_k/c_k is positive."""
    for penalty in (*PENALTIES, 1e-15, 1e-20):
        for problem in twins(STRUCTURES[name], penalty, weights, loss="squared"):
            found = certified(problem, route="symmetric")
            pulls = problem.penalty * problem.scales
            if np.all(pulls < problem.weights):
                expected = float(np.asarray(problem.sizes) @ (pulls - pulls**2 / (2 * problem.weights)))
                assert found.value.upper == pytest.approx(expected, rel=TOLERANCE / HEADROOM)


def test_below_the_doubles_a_gap_is_said_to_be_the_doubles() -> None:
    """z_k = 1 to within 1e-16 costs up to (1e-16)²/2, which is not little beside a penalty of 1e-30; with d = 1 the doubles are exact."""
    groups = STRUCTURES["three groups"]
    exact = UnconstrainedFeatures.from_groups(groups, feature_penalty=1e-30, weight_penalty=1e-30, loss="squared", norm_weights="class")
    assert certified(exact).route == "symmetric"
    rounded = UnconstrainedFeatures.from_groups(groups, feature_penalty=1e-30, weight_penalty=1e-30, loss="squared")
    found = solve(rounded, tolerance=TOLERANCE)
    assert found.status is Status.LIMIT_OF_DOUBLES
    assert not found.converged
    assert "one rounding of the logits in doubles" in found.status
    assert found.relative_gap > TOLERANCE
    assert found.gap <= rounding_of(rounded, found.matrix, None, found.value.upper)
    optimum = 1e-30 * float(rounded.scales @ np.asarray(rounded.sizes))
    assert found.value.lower == pytest.approx(optimum, rel=1e-12)
    assert found.value.upper > optimum


@pytest.mark.parametrize("loss", ["cross-entropy", "squared", "hinge"])
def test_moving_every_entry_by_a_rounding_changes_no_more_than_the_limit(loss: str) -> None:
    problem = LayerPeeled.from_groups(STRUCTURES["three groups"], feature_energy=0.3, loss=loss, bias_penalty=0.1)
    found, rng = solve(problem, route="factored"), np.random.default_rng(0)
    assert found.group_bias is not None
    bias, limit = found.group_bias, rounding_of(problem, found.matrix, found.group_bias, found.value.upper)
    assert limit < 1e-13
    coarse = 2.0**20  # roundings to 33 bits, which are seen above those of the evaluation
    for _ in range(20):
        inner, outer, shift = (1 + coarse * 2.0**-53 * rng.choice([-1.0, 1.0], shape) for shape in (3, (3, 3), 3))
        moved = GroupMatrix(problem.sizes, found.matrix.inner * inner, found.matrix.outer * outer)
        assert abs(certify(problem, moved, found.shares, bias * shift).value.upper - found.value.upper) <= coarse * limit
