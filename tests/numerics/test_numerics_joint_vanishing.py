"""The closed form of joint vanishing against singular values of the dense gradient, and against the law of two groups."""

import math

import numpy as np
import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st

from layerpeel.numerics import (
    UnusableInput,
    joint_vanishing_lengths,
    joint_vanishing_radius,
    margin_at_level,
    vanishes_at,
    vanishing_threshold,
)

Groups = list[tuple[int, float]]

GROUPS = st.builds(
    lambda head, tail: [(head, 1000.0), *tail],
    st.integers(2, 5),
    st.lists(st.tuples(st.integers(1, 4), st.floats(1.0, 990.0)), min_size=1, max_size=4, unique_by=lambda pair: pair[1]),
)
SVD = 1e-9
"""Singular values of matrices of twenty rows, in units of λ, with room to spare."""


def gradient(groups: Groups, radius: float, norm_weights: str) -> tuple[np.ndarray, float]:
    """The gradient in Y off the head, and λ, at a multiple of I − 11ᵀ/K_A of nuclear norm `radius`; dense, by softmax and projection."""
    sizes, samples = zip(*groups, strict=True)
    counts, head = np.repeat(samples, sizes), sizes[0]
    scales = np.sqrt(counts) if norm_weights == "sample" else np.ones_like(counts)
    simplex = np.zeros((len(counts), len(counts)))
    simplex[:head, :head] = np.eye(head) - 1 / head
    logits = radius / (head - 1) * simplex / scales[:, None]
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    slope = (counts / counts.sum() / scales)[:, None] * (odds / odds.sum(axis=1, keepdims=True) - np.eye(len(counts)))
    off = (np.eye(len(counts)) - simplex) @ slope @ (np.eye(len(counts)) - simplex)
    return off, -float(np.vdot(slope, simplex)) / (head - 1)


@settings(max_examples=60, deadline=None)
@given(groups=GROUPS, norm_weights=st.sampled_from(["class", "sample"]))
def test_at_the_radius_the_gradient_off_the_head_is_as_long_as_the_multiplier(groups: Groups, norm_weights: str) -> None:
    radius = joint_vanishing_radius(groups, norm_weights=norm_weights)
    ratios = []
    for factor in (0.99, 1.0, 1.01):
        off, multiplier = gradient(groups, factor * radius.middle, norm_weights)
        ratios.append(float(np.linalg.norm(off, 2)) / multiplier)
    assert ratios[1] == pytest.approx(1.0, abs=SVD)
    assert ratios[0] <= 1.0 + SVD < ratios[2] + 2 * SVD
    assert ratios[2] > ratios[1]


@settings(max_examples=30, deadline=None)
@given(groups=GROUPS, norm_weights=st.sampled_from(["class", "sample"]))
def test_lengths_are_those_of_the_singular_vector(groups: Groups, norm_weights: str) -> None:
    off, _ = gradient(groups, joint_vanishing_radius(groups, norm_weights=norm_weights).middle, norm_weights)
    _, values, right = np.linalg.svd(off)
    first = np.cumsum([0, *(size for size, _ in groups)])[1:-1]
    lengths = np.abs(right[0][first])
    if values[0] - values[1] > 1e-4 * values[0]:
        found = [length.middle for length in joint_vanishing_lengths(groups, norm_weights=norm_weights)]
        assert found == pytest.approx((lengths / lengths.max()).tolist(), rel=1e-6)


@pytest.mark.parametrize(("majority", "minority", "energy"), [(7, 3, 5.0), (3, 2, 1.0), (2, 2, 0.05)])
def test_one_tail_group_is_the_law_of_two(majority: int, minority: int, energy: float) -> None:
    ratio = vanishing_threshold(majority, minority, feature_energy=energy)
    assert ratio is not None
    assert ratio.value is not None
    radius = joint_vanishing_radius([(majority, ratio.value), (minority, 1.0)])
    assert radius.middle == pytest.approx((majority + minority) * math.sqrt(energy), rel=1e-13)


def test_reference_value_is_narrow_and_order_does_not_matter() -> None:
    radius = joint_vanishing_radius([(2, 2), (3, 60), (2, 3)])
    assert radius.middle == pytest.approx(5.0215964528895, abs=1e-12)
    assert radius.width < 1e-14
    assert [length.middle for length in joint_vanishing_lengths([(2, 2), (3, 60), (2, 3)])] == pytest.approx([0.99483402636, 1.0])


def test_a_group_split_in_two_nearby_counts_changes_little() -> None:
    whole, split = (joint_vanishing_radius([(3, 60), *tail]) for tail in ([(4, 20)], [(2, 20.001), (2, 19.999)]))
    assert split.middle == pytest.approx(whole.middle, rel=1e-7)


@pytest.mark.parametrize(
    ("groups", "word"),
    [([(1, 60), (2, 3)], "single class"), ([(3, 60)], "two or more"), ([(3, 9), (2, 9)], "distinct"), ([], "two or more")],
)
def test_what_has_no_radius_is_refused(groups: Groups, word: str) -> None:
    with pytest.raises(UnusableInput, match=word):
        joint_vanishing_radius(groups)


def test_a_head_of_one_class_and_a_level_out_of_range_are_refused() -> None:
    with pytest.raises(UnusableInput, match="2"):
        vanishes_at(1, lambda: [(1, arb(1) / 2)], lambda: arb(1))
    for level in (0, 1, 2):
        with pytest.raises(UnusableInput, match="between 0 and 1"):
            margin_at_level(2, 1, arb(level))


def test_equality_is_left_open() -> None:
    """A slope in a ball that holds λ is told by no precision."""
    assert vanishes_at(2, lambda: [(1, arb(0, 1))], lambda: arb(1)) is None
