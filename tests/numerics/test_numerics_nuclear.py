"""The nuclear-norm ball: duality, scaling into it, and factors that attain both energies."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import dense_matrices, log_uniform

from layerpeel.numerics import UnusableInput, energy_radius, factor_logits, nuclear_norm, nuclear_support, scale_into

ROUNDING = 1e-12
"""Relative error of norms and products of 6×6 matrices by SVD, with room for a hundred roundings."""

ENERGIES = log_uniform(1e-6, 1e6)


def pairs() -> st.SearchStrategy[tuple[np.ndarray, np.ndarray]]:
    return st.builds(
        lambda size, seed: tuple(np.random.default_rng(seed).standard_normal((2, size, size))), st.integers(1, 6), st.integers(0, 2**32 - 1)
    )


def test_special_norms() -> None:
    assert nuclear_norm(np.zeros((3, 2))) == 0.0
    assert nuclear_norm(np.ones((3, 3))) == pytest.approx(3.0, rel=ROUNDING)
    assert nuclear_norm(np.eye(7)[::-1]) == pytest.approx(7.0, rel=ROUNDING)
    assert nuclear_support(np.ones((2, 2)), 5.0) == pytest.approx(10.0, rel=ROUNDING)


@given(st.integers(2, 10**6), ENERGIES, ENERGIES)
def test_the_radius_is_symmetric_and_homogeneous(classes: int, feature_energy: float, weight_energy: float) -> None:
    radius = energy_radius(classes, feature_energy, weight_energy)
    assert radius == energy_radius(classes, weight_energy, feature_energy)
    assert radius**2 == pytest.approx(classes**2 * feature_energy * weight_energy, rel=ROUNDING)


def test_the_radius_survives_energies_whose_product_overflows() -> None:
    assert energy_radius(10, 1e300, 1e20) == pytest.approx(1e161, rel=ROUNDING)


@given(pairs(), log_uniform(1e-3, 1e3))
def test_support_bounds_every_point_of_the_ball_and_is_attained(pair: tuple[np.ndarray, np.ndarray], radius: float) -> None:
    slope, point = pair
    inside = scale_into(point * 1e3, radius)
    assert nuclear_norm(inside) <= radius * (1 + ROUNDING)
    assert np.sum(slope * inside) <= nuclear_support(slope, radius) * (1 + ROUNDING)
    left, _, right = np.linalg.svd(slope)
    best = radius * np.outer(left[:, 0], right[0])
    assert np.sum(slope * best) == pytest.approx(nuclear_support(slope, radius), rel=ROUNDING)


@given(pairs())
def test_the_nuclear_norm_is_a_norm_dual_to_the_spectral_one(pair: tuple[np.ndarray, np.ndarray]) -> None:
    first, second = pair
    assert nuclear_norm(first + second) <= (nuclear_norm(first) + nuclear_norm(second)) * (1 + ROUNDING)
    left, _, right = np.linalg.svd(first)
    assert np.sum(first * (left @ right)) == pytest.approx(nuclear_norm(first), rel=ROUNDING)
    assert np.linalg.norm(first) <= nuclear_norm(first) * (1 + ROUNDING)


def test_a_smaller_support_would_be_violated() -> None:
    """Control of the duality property: one part in a thousand less is not an upper bound."""
    slope = np.random.default_rng(2).standard_normal((4, 4))
    left, _, right = np.linalg.svd(slope)
    assert np.sum(slope * np.outer(left[:, 0], right[0])) > 0.999 * nuclear_support(slope, 1.0)


@given(dense_matrices(), st.one_of(log_uniform(1e-3, 1e3), log_uniform(0.995, 1.005)))
def test_scaling_into_the_ball_leaves_what_is_inside_and_keeps_directions(matrix: np.ndarray, share: float) -> None:
    radius = share * nuclear_norm(matrix)
    found = scale_into(matrix, radius)
    if nuclear_norm(matrix) <= radius:
        assert found is matrix
    else:
        assert nuclear_norm(found) == pytest.approx(radius, rel=ROUNDING)
        assert np.allclose(found * nuclear_norm(matrix), matrix * radius, rtol=ROUNDING, atol=0)


@given(dense_matrices(), ENERGIES, ENERGIES)
def test_factors_multiply_to_the_logits_and_attain_both_energies(matrix: np.ndarray, feature_energy: float, weight_energy: float) -> None:
    classes = len(matrix)
    logits = matrix * (energy_radius(classes, feature_energy, weight_energy) / nuclear_norm(matrix))
    features, classifier = factor_logits(logits, feature_energy=feature_energy, weight_energy=weight_energy)
    assert np.linalg.norm(features @ classifier.T - logits) <= ROUNDING * np.linalg.norm(logits)
    assert np.sum(features**2) / classes == pytest.approx(feature_energy, rel=ROUNDING)
    assert np.sum(classifier**2) / classes == pytest.approx(weight_energy, rel=ROUNDING)


@given(st.integers(1, 6), st.integers(0, 9), st.integers(0, 2**32 - 1))
def test_the_dimension_must_reach_the_rank_and_no_more(rank: int, dimension: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    logits = rng.standard_normal((6, rank)) @ rng.standard_normal((rank, 6))
    if dimension < rank:
        with pytest.raises(UnusableInput, match="rank"):
            factor_logits(logits, feature_energy=1.0, weight_energy=1.0, dimension=dimension)
    else:
        features, classifier = factor_logits(logits, feature_energy=1.0, weight_energy=1.0, dimension=dimension)
        assert features.shape == classifier.shape == (6, dimension)
        assert np.linalg.norm(features @ classifier.T - logits) <= ROUNDING * np.linalg.norm(logits)


def test_a_dimension_below_the_rank_is_refused_with_both_numbers() -> None:
    with pytest.raises(UnusableInput) as refused:
        factor_logits(np.eye(3), feature_energy=1.0, weight_energy=1.0, dimension=2)
    assert "2" in str(refused.value)
    assert "3" in str(refused.value)


def test_zero_logits_have_zero_factors() -> None:
    features, classifier = factor_logits(np.zeros((3, 3)), feature_energy=2.0, weight_energy=1.0)
    assert not features.any()
    assert not classifier.any()
