"""Simplex frames and neural-collapse geometry."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import refused
from scipy.stats import ortho_group
from strategies import log_uniform

from layerpeel.numerics import (
    Bracket,
    ClassMoments,
    UnusableInput,
    angle_bracket,
    class_means,
    collapse_geometry,
    etf_distance,
    least_equal_correlation,
    logit_directions,
    shown,
    simplex_etf,
    simplex_gram,
)

ROUNDING = 1e-13
"""Gram matrices of at most 40 unit vectors from an eigendecomposition: about a hundred roundings."""

SEEDS = st.integers(0, 2**32 - 1)


def rotation(dimension: int, seed: int) -> np.ndarray:
    return np.eye(1) if dimension == 1 else ortho_group.rvs(dimension, random_state=np.random.default_rng(seed))


def test_two_vectors_are_opposite() -> None:
    assert np.allclose(simplex_gram(2), [[1, -1], [-1, 1]], rtol=0, atol=0)
    frame = simplex_etf(2)
    assert frame.shape == (2, 1)
    assert np.allclose(frame[0], -frame[1], rtol=0, atol=ROUNDING)


@given(st.integers(2, 40), st.integers(0, 5))
def test_the_simplex_is_an_equiangular_tight_frame(classes: int, spare: int) -> None:
    frame = simplex_etf(classes, classes - 1 + spare)
    assert frame.shape == (classes, classes - 1 + spare)
    gram = frame @ frame.T
    assert np.allclose(np.diag(gram), 1.0, rtol=0, atol=ROUNDING)
    assert np.allclose(gram[~np.eye(classes, dtype=bool)], -1 / (classes - 1), rtol=0, atol=ROUNDING)
    assert np.allclose(frame.sum(axis=0), 0.0, rtol=0, atol=ROUNDING * classes)
    # Tight: Σ m mᵀ is a multiple of the identity on the span.
    assert np.allclose(
        frame[:, : classes - 1].T @ frame[:, : classes - 1], classes / (classes - 1) * np.eye(classes - 1), rtol=0, atol=ROUNDING * 10
    )


@pytest.mark.parametrize("classes", [1, 0, -3])
def test_fewer_than_two_vectors_are_refused(classes: int) -> None:
    with pytest.raises(UnusableInput, match=f"a simplex ETF of {classes} vectors does not exist: it needs at least 2"):
        simplex_gram(classes)
    with pytest.raises(UnusableInput):
        simplex_etf(classes)


def test_too_small_a_dimension_is_refused() -> None:
    with pytest.raises(UnusableInput, match="spans 4 dimensions: dimension 3 is too small"):
        simplex_etf(5, 3)


@given(st.integers(2, 8), SEEDS, log_uniform(1e-6, 1e6))
def test_etf_distance_is_blind_to_rotation_scale_and_order_and_sees_everything_else(classes: int, seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    frame = rng.standard_normal((classes, classes))
    moved = scale * rng.permutation(frame @ rotation(classes, seed))
    assert etf_distance(moved) == pytest.approx(etf_distance(frame), rel=1e-10)  # a difference of Gram matrices cancels some digits
    perfect = simplex_etf(classes, classes) @ rotation(classes, seed)
    assert etf_distance(scale * perfect) < ROUNDING
    assert etf_distance(perfect + 0.1 * frame) > 1e-4


def test_etf_distance_of_an_orthogonal_frame_is_known() -> None:
    # ⟨I/√K, G*/‖G*‖⟩ = √((K−1)/K), so the squared distance is 2 − 2√((K−1)/K).
    for classes in (2, 3, 10):
        assert etf_distance(np.eye(classes)) == pytest.approx(math.sqrt(2 - 2 * math.sqrt((classes - 1) / classes)), rel=1e-12)


def test_the_zero_frame_has_no_shape() -> None:
    with pytest.raises(UnusableInput, match="zero frame"):
        etf_distance(np.zeros((3, 2)))


@given(st.integers(2, 8), SEEDS, log_uniform(0.1, 10.0), log_uniform(0.1, 10.0))
def test_neural_collapse_has_geometry_zero(classes: int, seed: int, feature_norm: float, weight_norm: float) -> None:
    frame = simplex_etf(classes, classes) @ rotation(classes, seed)
    shift = np.random.default_rng(seed).standard_normal(classes)
    found = collapse_geometry(weight_norm * frame, feature_norm * frame)
    assert found.feature_etf < ROUNDING
    assert found.classifier_etf < ROUNDING
    assert found.duality < ROUNDING
    assert found.feature_norm_spread < ROUNDING
    assert found.classifier_norm_spread < ROUNDING
    assert found.nearest_mean_agreement == 1.0
    # NC2 and NC3 are of centred means: moving all of them together changes norms only.
    moved = collapse_geometry(weight_norm * frame, feature_norm * frame + shift)
    assert moved.feature_etf < 1e-10  # the mean is subtracted again, up to the rounding of the shift
    assert moved.duality < 1e-10
    assert moved.feature_norm_spread > ROUNDING


def test_geometry_tells_its_five_numbers_apart() -> None:
    frame = simplex_etf(3)
    quarter_turn = np.array([[0.0, -1.0], [1.0, 0.0]])
    turned = collapse_geometry(frame @ quarter_turn, frame)
    assert turned.duality == pytest.approx(math.sqrt(2), rel=1e-12)  # orthogonal unit matrices
    assert turned.classifier_etf < ROUNDING
    opposite = collapse_geometry(-frame, frame)
    assert opposite.duality == pytest.approx(2.0, rel=1e-12)
    assert opposite.nearest_mean_agreement == 0.0
    stretched = collapse_geometry(frame * np.array([[1.0], [1.0], [4.0]]), frame)
    assert stretched.classifier_norm_spread == pytest.approx(np.std([1, 1, 4]) / 2, rel=1e-12)
    assert stretched.feature_norm_spread < ROUNDING
    assert stretched.classifier_etf > 0.1
    assert stretched.feature_etf < ROUNDING


def test_coinciding_vectors_have_no_geometry() -> None:
    frame = simplex_etf(3)
    for pair in ((np.ones((3, 2)), frame), (frame, np.ones((3, 2)))):
        with pytest.raises(UnusableInput, match="coincide"):
            collapse_geometry(*pair)


@pytest.mark.parametrize("vectors", [2, 3, 4, 9, 25])
def test_the_least_equal_correlation_is_that_of_the_simplex(vectors: int) -> None:
    found = least_equal_correlation(vectors)
    assert found.rigorous
    assert found.contains(-1 / (vectors - 1))
    assert found.width <= 1e-12
    assert not found.contains(-1 / vectors)


def test_the_least_equal_correlation_stops_where_it_is_told() -> None:
    found = least_equal_correlation(5, width=0.01)
    assert 0.005 <= found.width <= 0.01
    assert found.contains(-0.25)
    with pytest.raises(UnusableInput, match="1 vector has no pair"):
        least_equal_correlation(1)


@given(st.floats(-1.0, 1.0), st.floats(-1.0, 1.0))
def test_angles_turn_brackets_of_cosines_around(first: float, second: float) -> None:
    low, high = sorted([first, second])
    found = angle_bracket(Bracket(low, high, rigorous=True))
    assert found.rigorous
    for cosine in (low, high):
        assert found.lower <= math.acos(cosine) * (1 + 1e-15)
        assert found.upper >= math.acos(cosine) * (1 - 1e-15)
    # Tight to a rounding of π.
    assert found.width <= math.acos(low) - math.acos(high) + 2e-15


def test_values_that_cannot_be_printed_are_named_by_their_type() -> None:
    assert shown(Fraction(10**5000, 3)) == "a Fraction that cannot be printed"
    assert shown([10**5000]) == "a list that cannot be printed"


@pytest.mark.parametrize("size", [10**7, 10**300])
def test_what_cannot_fit_in_memory_is_refused_before_it_is_tried(size: int) -> None:
    refused(lambda: simplex_gram(size), f"a Gram matrix of {size} vectors would need", "use fewer of them")
    refused(lambda: simplex_etf(size), f"a frame of {size} vectors in {size - 1} dimensions would need")
    refused(lambda: simplex_etf(3, 10**6 * size), f"a frame of 3 vectors in {10**6 * size} dimensions would need")
    refused(lambda: logit_directions(size), f"the directions of {size} classes would need")
    refused(lambda: ClassMoments(size, size), f"moments of {size} features in {size} classes would need")


@pytest.mark.filterwarnings("error")
def test_labels_that_are_no_classes_are_refused_without_a_warning_beside() -> None:
    features = np.array([[0.0], [1.0]])
    refused(lambda: class_means(features, np.array([0, -1]), 2), "label -1 of sample 1 is outside 0 ... 1")
    refused(lambda: class_means(features, np.array([0, 2]), 2), "label 2 of sample 1 is outside 0 ... 1")
    refused(lambda: class_means(features, np.array([0.0, math.nan]), 2), "labels of class_means has entries that are no whole numbers")
