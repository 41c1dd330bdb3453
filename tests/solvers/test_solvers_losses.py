"""The losses in balls, in floats, and once more as slow sums over samples."""

import math
from typing import Any

import numpy as np
import pytest
from flint import arb, ctx
from hypothesis import given
from hypothesis import strategies as st
from strategies import Blocks, blocks

from layerpeel.numerics import PRECISION, GroupMatrix
from layerpeel.solvers import LOSSES
from layerpeel.solvers.program._losses import LOSSES as IMPLEMENTATIONS
from layerpeel.solvers.program._losses import BallLogits, Shares

ROUNDING = 1e-11
"""Relative error of a loss in doubles: logits up to 1e3 enter exponents, each with their own rounding."""

SMOOTH = ("cross-entropy", "squared")


def slowly(loss: str, logits: np.ndarray, weights: np.ndarray, labels: np.ndarray) -> float:
    """The definition, row by row, in Python floats."""
    total = 0.0
    for row, weight, own in zip(logits.tolist(), weights.tolist(), labels.tolist(), strict=True):
        others = [value for place, value in enumerate(row) if place != own]
        if loss == "cross-entropy":
            top = max(row)
            total += weight * (math.fsum([top - row[own], math.log(math.fsum(math.exp(value - top) for value in row))]))
        elif loss == "squared":
            total += weight * 0.5 * (math.fsum(value**2 for value in others) + (row[own] - 1) ** 2)
        else:
            total += weight * max(0.0, 1 + max(others) - row[own])
    return total


def in_balls(drawn: Blocks, seed: int) -> tuple[BallLogits, np.ndarray]:
    """The blocks as ball logits with random class weights, and those weights class by class."""
    matrix = drawn.matrix()
    weights = np.random.default_rng(seed).uniform(0.1, 1.0, len(matrix.sizes))
    weights /= weights @ np.array(matrix.sizes)
    logits = BallLogits(
        matrix.sizes,
        [arb(weight) for weight in weights.tolist()],
        [arb(value) for value in matrix.inner.tolist()],
        [[arb(entry) for entry in row] for row in matrix.outer.tolist()],
    )
    return logits, np.repeat(weights, matrix.sizes)


def as_matrix(sizes: tuple[int, ...], slope: Any) -> GroupMatrix:
    return GroupMatrix(
        sizes, np.array([float(value) for value in slope.inner]), np.array([[float(entry) for entry in row] for row in slope.outer])
    )


@pytest.mark.parametrize("loss", LOSSES)
@given(drawn=blocks(), seed=st.integers(0, 2**32 - 1))
def test_three_evaluations_of_the_value_agree(loss: str, drawn: Blocks, seed: int) -> None:
    dense, labels = drawn.matrix().dense(), np.arange(sum(drawn.sizes))
    with ctx.workprec(PRECISION):
        logits, weights = in_balls(drawn, seed)
        ball = IMPLEMENTATIONS[loss].value(logits)
        assert float(ball.rad()) <= 1e-25 * max(1.0, float(ball))
    scale = max(float(ball), drawn.scale * 1e-3)  # the slow cross-entropy cancels when the loss is far below the logits
    assert abs(slowly(loss, dense, weights, labels) - float(ball)) <= ROUNDING * scale
    value, _ = IMPLEMENTATIONS[loss].dense(dense, weights, labels)
    assert abs(value - float(ball)) <= ROUNDING * max(float(ball), 1e-6 * drawn.scale)


@pytest.mark.parametrize("loss", SMOOTH)
@given(drawn=blocks(), seed=st.integers(0, 2**32 - 1))
def test_slopes_in_balls_are_the_averaged_dense_gradients(loss: str, drawn: Blocks, seed: int) -> None:
    matrix = drawn.matrix()
    with ctx.workprec(PRECISION):
        logits, weights = in_balls(drawn, seed)
        slope = IMPLEMENTATIONS[loss].slope(logits, None)
        constant, value = float(slope.constant), float(IMPLEMENTATIONS[loss].value(logits))
    _, gradient = IMPLEMENTATIONS[loss].dense(matrix.dense(), weights, np.arange(sum(drawn.sizes)))
    found = as_matrix(matrix.sizes, slope).dense()
    scale = max(np.abs(gradient).max(), 1.0)
    assert np.all(np.abs(found - gradient) <= ROUNDING * scale)
    inner_product = float(np.sum(gradient * matrix.dense()))
    assert abs(constant - (value - inner_product)) <= ROUNDING * max(abs(value), abs(inner_product), drawn.scale**2)


@pytest.mark.parametrize("loss", SMOOTH)
@given(seed=st.integers(0, 2**32 - 1), rows=st.integers(1, 7), classes=st.integers(2, 5))
def test_dense_gradients_are_difference_quotients(loss: str, seed: int, rows: int, classes: int) -> None:
    rng = np.random.default_rng(seed)
    logits, weights, labels = rng.standard_normal((rows, classes)), rng.uniform(0.1, 1.0, rows), rng.integers(classes, size=rows)
    _, gradient = IMPLEMENTATIONS[loss].dense(logits, weights, labels)
    direction, step = rng.standard_normal((rows, classes)), 1e-5
    ahead, behind = (IMPLEMENTATIONS[loss].dense(logits + sign * step * direction, weights, labels)[0] for sign in (1, -1))
    # Central difference: truncation 1e-10 times third derivatives, rounding 1e-16/1e-5.
    assert (ahead - behind) / (2 * step) == pytest.approx(np.sum(gradient * direction), abs=1e-8)


@pytest.mark.parametrize("loss", LOSSES)
@given(seed=st.integers(0, 2**32 - 1), classes=st.integers(2, 5))
def test_every_gradient_is_a_subgradient(loss: str, seed: int, classes: int) -> None:
    """Convexity, hinge included: f(Y) ≥ f(Z) + ⟨G, Y − Z⟩; and the negated gradient is not one."""
    rng = np.random.default_rng(seed)
    here, there = 2 * rng.standard_normal((2, classes, classes))
    weights, labels = np.full(classes, 1 / classes), np.arange(classes)
    value, gradient = IMPLEMENTATIONS[loss].dense(here, weights, labels)
    rival, _ = IMPLEMENTATIONS[loss].dense(there, weights, labels)
    assert rival >= value + np.sum(gradient * (there - here)) - ROUNDING * (1 + value)
    size = float(np.linalg.norm(gradient))
    if loss != "hinge" and size > 1e-3:
        step = 1e-3 * gradient / size  # short enough for the slope to beat the curvature
        ahead, _ = IMPLEMENTATIONS[loss].dense(here - step, weights, labels)
        assert ahead < value + np.sum(-gradient * -step)


@pytest.mark.parametrize("loss", ["cross-entropy", "hinge"])
@given(drawn=blocks(), shift=st.floats(-100, 100))
def test_shifting_a_row_changes_nothing(loss: str, drawn: Blocks, shift: float) -> None:
    dense, classes = drawn.matrix().dense(), sum(drawn.sizes)
    weights, labels = np.full(classes, 1 / classes), np.arange(classes)
    value, _ = IMPLEMENTATIONS[loss].dense(dense, weights, labels)
    shifted, _ = IMPLEMENTATIONS[loss].dense(dense + shift * np.arange(classes)[:, None], weights, labels)
    assert shifted == pytest.approx(value, rel=1e-9, abs=1e-10)  # shifts of up to 1e3 round the logits


def test_squared_error_does_notice_a_shift() -> None:
    value, _ = IMPLEMENTATIONS["squared"].dense(np.eye(3), np.full(3, 1 / 3), np.arange(3))
    shifted, _ = IMPLEMENTATIONS["squared"].dense(np.eye(3) + 1, np.full(3, 1 / 3), np.arange(3))
    assert (value, shifted) == (0.0, pytest.approx(1.5, rel=1e-15))


def test_losses_far_below_one_and_far_above_keep_their_digits() -> None:
    """K = 2, margins ±100: log1p(e^{−100}) and 100 + log1p(e^{−100}), where naive formulas give 0 and lose nothing or all."""
    labels, weights = np.arange(2), np.array([1.0, 0.0])
    value, gradient = IMPLEMENTATIONS["cross-entropy"].dense(np.array([[50.0, -50.0], [0.0, 0.0]]), weights, labels)
    assert value == pytest.approx(math.exp(-100), rel=1e-14)
    assert gradient[0] == pytest.approx([-math.exp(-100), math.exp(-100)], rel=1e-14)
    wrong, _ = IMPLEMENTATIONS["cross-entropy"].dense(np.array([[-500.0, 500.0], [0.0, 0.0]]), weights, labels)
    assert wrong == 1000.0


@given(drawn=blocks(), seed=st.integers(0, 2**32 - 1), excess=st.booleans())
def test_any_shares_give_the_hinge_a_lower_bound(drawn: Blocks, seed: int, excess: bool) -> None:
    """Fenchel–Young: f(Z) ≥ constant + ⟨G, Z⟩ for every Z and all non-negative shares, also where rows sum to more than one."""
    count = len(drawn.sizes)
    rng = np.random.default_rng(seed)
    with ctx.workprec(PRECISION):
        logits, weights = in_balls(drawn, seed)
        scale = 3.0 if excess else 1 / sum(drawn.sizes)
        shares = Shares(
            [arb(x) for x in (scale * rng.uniform(size=count)).tolist()],
            [
                [arb(x) if g != h else arb(0) for h, x in enumerate(row)]
                for g, row in enumerate((scale * rng.uniform(size=(count, count))).tolist())
            ],
        )
        slope = IMPLEMENTATIONS["hinge"].slope(logits, shares)
        value = float(IMPLEMENTATIONS["hinge"].value(logits))
    matrix = drawn.matrix()
    gradient = as_matrix(matrix.sizes, slope).dense()
    # A dual point of diag(c)(Π − I): rows sum to zero, nothing off the diagonal is negative, and the diagonal is at least −c.
    assert np.all(np.abs(gradient.sum(axis=1)) <= ROUNDING)
    off = ~np.eye(len(gradient), dtype=bool)
    assert np.all(gradient[off] >= -ROUNDING)
    assert np.all(np.diag(gradient) >= -weights * (1 + ROUNDING))
    assert value >= float(slope.constant) + np.sum(gradient * matrix.dense()) - ROUNDING * drawn.scale


def test_the_hinge_needs_shares() -> None:
    with ctx.workprec(PRECISION):
        logits, _ = in_balls(Blocks((2, 1), 1.0, 0, rank_one=False, inner=True), 0)
        with pytest.raises(ValueError, match="the hinge has no gradient: its certificate needs the solver's multipliers"):
            IMPLEMENTATIONS["hinge"].slope(logits, None)


@pytest.mark.parametrize("loss", SMOOTH)
@given(drawn=blocks(), seed=st.integers(0, 2**32 - 1))
def test_a_tangent_touches_where_it_says(loss: str, drawn: Blocks, seed: int) -> None:
    """The slope at logits is that of the tangent found for it, and the minorants are the same, in floats and in balls."""
    matrix = drawn.matrix().scaled(min(1.0, 5.0 / drawn.scale))  # beyond, shares are lost below the least double kept
    weights = np.random.default_rng(seed).uniform(0.1, 1.0, len(matrix.sizes))
    value, slope = IMPLEMENTATIONS[loss].grouped(matrix, weights)
    touching = IMPLEMENTATIONS[loss].touching(slope, weights)
    constant, same = IMPLEMENTATIONS[loss].affine(touching, weights)
    scale = float(np.sum(np.asarray(matrix.sizes))) * max(1.0, float(np.abs(matrix.outer).max()), float(np.abs(matrix.inner).max())) ** 2
    several = np.asarray(matrix.sizes) > 1
    np.testing.assert_allclose(same.outer, slope.outer, atol=ROUNDING * scale)
    np.testing.assert_allclose(same.inner[several], slope.inner[several], atol=ROUNDING * scale)
    assert constant == pytest.approx(value - slope.dot(matrix), abs=ROUNDING * scale)
    with ctx.workprec(PRECISION):
        entries = [[arb(entry) for entry in row] for row in touching.outer.tolist()]
        tangent = BallLogits(matrix.sizes, [arb(c) for c in weights.tolist()], [arb(each) for each in touching.inner.tolist()], entries)
        sharp = IMPLEMENTATIONS[loss].minorant(tangent, None)
        assert float(sharp.constant) == pytest.approx(constant, abs=ROUNDING * scale)
        np.testing.assert_allclose(as_matrix(matrix.sizes, sharp).outer, same.outer, atol=ROUNDING * scale)


def test_residuals_keep_the_digits_that_logits_near_one_lose() -> None:
    """A slope of 1e-15 on the diagonal of one class in two: the constant is 1e-15 less 1e-30, where 1 − 1e-15 has one digit of it."""
    weights = np.array([0.5, 0.5])
    tangent = IMPLEMENTATIONS["squared"].touching(GroupMatrix((1, 1), np.zeros(2), np.diag([-1e-15, 0.0])), weights)
    constant, slope = IMPLEMENTATIONS["squared"].affine(tangent, weights)
    assert slope.outer[0, 0] == -1e-15
    assert constant == pytest.approx(1e-15 * (1 - 1e-15), rel=1e-15)


def test_a_matrix_that_is_no_slope_is_cut_to_one() -> None:
    weights = np.array([0.5, 0.3, 0.2])
    impossible = GroupMatrix((1, 1, 1), np.zeros(3), np.array([[-1.0, 0.6, 0.4], [-0.1, 0.0, 0.1], [0.0, 0.0, 0.0]]))
    touching = IMPLEMENTATIONS["cross-entropy"].touching(impossible, weights)
    assert np.isfinite(touching.outer).all()
    _, slope = IMPLEMENTATIONS["cross-entropy"].affine(touching, weights)
    np.testing.assert_allclose(slope.outer, [[-0.5, 0.3, 0.2], [0.0, -0.1, 0.1], [0.0, 0.0, 0.0]], atol=1e-11)


def test_rounding_on_the_diagonal_of_a_single_class_does_not_matter() -> None:
    """A loss of 1e-60 has shares far below the rounding of a step."""
    weights = np.array([0.6, 0.4])
    slope = GroupMatrix((1, 1), np.zeros(2), np.array([[1e-40, 6e-61], [4e-61, -4e-61]]))
    _, again = IMPLEMENTATIONS["cross-entropy"].grouped(IMPLEMENTATIONS["cross-entropy"].touching(slope, weights), weights)
    np.testing.assert_allclose(again.outer, [[-6e-61, 6e-61], [4e-61, -4e-61]], rtol=1e-10)


def test_the_hinge_has_no_tangent() -> None:
    with pytest.raises(ValueError, match="not smooth"):
        IMPLEMENTATIONS["hinge"].touching(GroupMatrix((1, 1), np.zeros(2), np.zeros((2, 2))), np.array([0.5, 0.5]))
