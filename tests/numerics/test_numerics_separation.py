"""Separation fuzziness and the neural-collapse measures against a dense evaluation that shares nothing with them."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import refused
from scipy import stats

from layerpeel.numerics import (
    ClassMoments,
    between_basis,
    between_factor,
    centred_features,
    collapse_geometry,
    fit_decay,
    fuzziness,
    lda_floor,
    mean_cosine,
    nearest_mean,
    neural_collapse,
    neural_collapse_of,
    pairwise_cosines,
    separation,
    simplex_etf,
)

DENSE_AGREEMENT = 1e-9
"""Relative agreement of two evaluations in doubles of well-conditioned data."""


def labelled(seed: int, classes: int, features: int, least: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Shuffled normal data with distinct class means and unequal counts."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(least, least + 9, classes)
    labels = rng.permutation(np.repeat(np.arange(classes), counts))
    return 3.0 * rng.normal(size=(classes, features))[labels] + rng.normal(size=(len(labels), features)), labels


def dense_scatter(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """SSB and SSW by sums of outer products, sample by sample."""
    grand = sum(x) / len(x)
    between, within = np.zeros((2, x.shape[1], x.shape[1]))
    for k in range(y.max() + 1):
        mine = x[y == k]
        mean = sum(mine) / len(mine)
        between += len(mine) * np.outer(mean - grand, mean - grand) / len(x)
        for row in mine:
            within += np.outer(row - mean, row - mean) / len(x)
    return between, within


def cut_inverse(matrix: np.ndarray, rank: int) -> np.ndarray:
    """The pseudo-inverse of a symmetric matrix from its `rank` largest eigenvalues."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors[:, -rank:] / values[-rank:]) @ vectors[:, -rank:].T


cases = st.tuples(st.integers(0, 10**6), st.integers(2, 6), st.integers(1, 12))


@given(cases)
def test_fuzziness_is_the_trace_of_the_dense_matrices(case: tuple[int, int, int]) -> None:
    x, y = labelled(*case)
    between, within = dense_scatter(x, y)
    found = separation(x, y)
    assert found.rank_between == min(case[1] - 1, case[2])
    assert found.fuzziness == pytest.approx(np.trace(within @ cut_inverse(between, found.rank_between)), rel=DENSE_AGREEMENT)
    shares = np.bincount(y) / len(y)
    assert float(shares @ found.by_class) == pytest.approx(found.fuzziness, rel=1e-12)


@given(cases, st.integers(1, 7))
@pytest.mark.slow
def test_streaming_in_any_batches_gives_the_same(case: tuple[int, int, int], batch: int) -> None:
    x, y = labelled(*case)
    moments = ClassMoments(case[1], case[2])
    moments.update(x[::-1], y[::-1])
    moments.reset()
    for start in range(0, len(x), batch):
        moments.update(x[start : start + batch], y[start : start + batch])
    statistics = moments.compute()
    assert np.allclose(statistics.within, dense_scatter(x, y)[1], rtol=1e-10, atol=1e-12)
    assert fuzziness(statistics) == pytest.approx(separation(x, y).fuzziness, rel=DENSE_AGREEMENT)


def test_a_large_common_offset_costs_only_its_rounding() -> None:
    x, y = labelled(5, 4, 6)
    offset = 1e6
    moments = ClassMoments(4, 6)
    for start in range(0, len(x), 5):
        moments.update(x[start : start + 5] + offset, y[start : start + 5])
    expected = separation(x, y).fuzziness
    assert separation(x + offset, y).fuzziness == pytest.approx(expected, rel=1e-8)
    assert fuzziness(moments.compute()) == pytest.approx(expected, rel=1e-8)


@given(cases, st.floats(0.01, 100.0))
def test_translation_rotation_scale_and_duplication_change_nothing(case: tuple[int, int, int], scale: float) -> None:
    x, y = labelled(*case)
    rng = np.random.default_rng(case[0])
    rotation, _ = np.linalg.qr(rng.normal(size=(case[2], case[2])))
    moved = scale * x @ rotation + rng.normal(size=case[2])
    assert separation(moved, y).fuzziness == pytest.approx(separation(x, y).fuzziness, rel=1e-9)
    assert separation(np.repeat(x, 3, axis=0), np.repeat(y, 3)).fuzziness == pytest.approx(separation(x, y).fuzziness, rel=1e-10)


def test_rank_is_cut_where_a_default_pseudo_inverse_explodes() -> None:
    x, y = labelled(1, 4, 30)
    between, within = dense_scatter(x, y)
    single = between.astype(np.float32).astype(float)  # the scatter as a float32 network leaves it
    assert abs(np.trace(within @ np.linalg.pinv(single))) > 1e3 * separation(x, y).fuzziness
    assert separation(x.astype(np.float32), y).fuzziness == pytest.approx(separation(x, y).fuzziness, rel=1e-5)
    merged = x - np.where(y == 3, 1, 0)[:, None] * (x[y == 3].mean(axis=0) - x[y == 2].mean(axis=0))
    assert separation(merged, y).rank_between == 2


def test_zero_exactly_when_samples_of_a_class_coincide_on_the_range() -> None:
    means, y = simplex_etf(3), np.repeat(np.arange(3), 4)
    assert separation(means[y], y).fuzziness < 1e-28
    beside = np.hstack([means[y], np.random.default_rng(0).normal(size=(12, 1))])
    beside[:, 2] -= np.array([beside[y == k, 2].mean() for k in range(3)])[y]
    assert separation(beside, y).fuzziness < 1e-28


@given(cases)
def test_no_invertible_map_goes_below_the_floor_and_whitening_reaches_it(case: tuple[int, int, int]) -> None:
    x, y = labelled(*case, least=16)
    moments = ClassMoments(case[1], case[2])
    moments.update(x, y)
    statistics = moments.compute()
    floor = lda_floor(statistics)
    rng = np.random.default_rng(case[0])
    assert separation(x @ rng.normal(size=(case[2], case[2])), y).fuzziness >= floor * (1 - 1e-7)
    whitening = np.linalg.inv(np.linalg.cholesky(statistics.within)).T
    assert separation(x @ whitening, y).fuzziness == pytest.approx(floor, rel=1e-8)


def test_a_floor_needs_scatter_in_every_direction() -> None:
    moments = ClassMoments(2, 2)
    moments.update(np.array([[0.0, 0.0], [1.0, 0.0], [5.0, 0.0], [6.0, 0.0]]), np.array([0, 0, 1, 1]))
    refused(lambda: lda_floor(moments.compute()), "singular to rounding")


@given(cases)
def test_neural_collapse_against_dense_formulas(case: tuple[int, int, int]) -> None:
    x, y = labelled(*case)
    classes, width = case[1], case[2]
    weights = np.random.default_rng(case[0]).normal(size=(classes, width))
    found = neural_collapse(x, y, weights)
    means = np.array([x[y == k].mean(axis=0) for k in range(classes)])
    centred = means - means.mean(axis=0)
    within = dense_scatter(x, y)[1]
    inverse = cut_inverse(centred.T @ centred / classes, min(classes - 1, width))
    assert found.nc1 == pytest.approx(np.trace(within @ inverse) / classes, rel=DENSE_AGREEMENT)
    gram, target = centred @ centred.T, np.eye(classes) - 1 / classes
    assert found.nc2 == pytest.approx(np.linalg.norm(gram / np.linalg.norm(gram) - target / np.sqrt(classes - 1)), abs=DENSE_AGREEMENT)
    gap = weights / np.linalg.norm(weights) - centred / np.linalg.norm(centred)
    assert found.nc3 == pytest.approx(float((gap**2).sum()), rel=DENSE_AGREEMENT)
    nearest = np.array([min(range(classes), key=lambda k: float(((row - means[k]) ** 2).sum())) for row in x])
    assert np.array_equal(nearest, nearest_mean(x, means))
    assert found.nc4 == pytest.approx(np.mean(nearest != np.argmax(x @ weights.T, axis=1)), abs=1e-15)
    pairs = [
        (x[y == k].var(axis=0).sum() + x[y == j].var(axis=0).sum()) / (2 * ((means[k] - means[j]) ** 2).sum())
        for k in range(classes)
        for j in range(k)
    ]
    assert found.cdnv == pytest.approx(np.mean(pairs), rel=DENSE_AGREEMENT)
    moments = ClassMoments(classes, width)
    for start in range(0, len(x), 7):
        moments.update(x[start : start + 7], y[start : start + 7])
    statistics = moments.compute()
    streamed = neural_collapse_of(statistics, weights)
    assert streamed.nc4 is None
    for measure in ("nc1", "nc2", "nc3", "cdnv"):
        assert getattr(streamed, measure) == pytest.approx(getattr(found, measure), rel=DENSE_AGREEMENT, abs=DENSE_AGREEMENT)
    assert statistics.energy == pytest.approx(np.mean([(x[y == k] ** 2).sum(axis=1).mean() for k in range(classes)]), rel=DENSE_AGREEMENT)


def test_measures_vanish_at_collapse_and_balanced_d_is_k_times_nc1() -> None:
    frame, y = simplex_etf(4), np.repeat(np.arange(4), 5)
    collapsed = neural_collapse(2.0 * frame[y], y, 7.0 * frame)
    assert max(collapsed.nc1, collapsed.nc2, collapsed.nc3 or 0.0, collapsed.nc4 or 0.0, collapsed.cdnv) < 1e-14
    noisy = frame[y] + 0.1 * np.random.default_rng(0).normal(size=(20, 3))
    assert separation(noisy, y).fuzziness == pytest.approx(4 * neural_collapse(noisy, y).nc1, rel=1e-12)


def test_duality_is_the_root_of_nc3_where_classifiers_add_up_to_zero() -> None:
    x, y = labelled(2, 4, 5)
    means = np.array([x[y == k].mean(axis=0) for k in range(4)])
    weights = np.random.default_rng(0).normal(size=(4, 5))
    centred = weights - weights.mean(axis=0)
    assert neural_collapse(x, y, centred).nc3 == pytest.approx(collapse_geometry(centred, means).duality ** 2, rel=1e-12)
    assert collapse_geometry(weights, means).duality == pytest.approx(collapse_geometry(centred, means).duality, rel=1e-12)
    assert neural_collapse(x, y, weights).nc3 != pytest.approx(neural_collapse(x, y, centred).nc3, rel=0.01)


def test_two_collapsed_classes_at_one_point_are_infinitely_far_from_collapse() -> None:
    y = np.repeat(np.arange(3), 4)
    points = np.array([[1.0, 0.0], [0.1, 0.3], [0.1, 0.3]])[y]
    moments = ClassMoments(3, 2)
    moments.update(points, y)
    for found in (neural_collapse(points, y), neural_collapse_of(moments.compute())):
        assert found.cdnv == math.inf
        assert found.nc1 < 1e-25
    assert centred_features(points, y).coinciding == [(1, 2)]
    apart = points + np.where(y == 2, 1e-12, 0.0)[:, None]
    assert centred_features(apart, y).coinciding == []
    assert neural_collapse(apart, y).cdnv < 1e-6


def test_cosines_by_pair_and_on_average() -> None:
    vectors = np.random.default_rng(0).normal(size=(5, 3))
    pairs = [u @ v / np.linalg.norm(u) / np.linalg.norm(v) for i, u in enumerate(vectors) for v in vectors[:i]]
    found = pairwise_cosines(vectors)
    assert np.allclose(found, found.T)
    assert np.allclose(np.diag(found), 1.0)
    assert found[np.tril_indices(5, -1)] == pytest.approx(pairs)
    assert mean_cosine(vectors) == pytest.approx(np.mean(pairs))
    vectors[2] = 0.0
    assert np.isnan(pairwise_cosines(vectors)).sum() == 9  # its row and its column
    assert math.isnan(mean_cosine(vectors))
    assert math.isnan(mean_cosine(vectors[:1]))


def test_between_factor_squares_to_the_between_scatter() -> None:
    x, y = labelled(3, 5, 4)
    means = np.array([x[y == k].mean(axis=0) for k in range(5)])
    factor = between_factor(np.bincount(y), means)
    assert np.allclose(factor.T @ factor, dense_scatter(x, y)[0], atol=1e-12)
    basis, roots = between_basis(np.bincount(y), means)
    assert np.allclose(basis.T @ dense_scatter(x, y)[0] @ basis, np.diag(roots**2), atol=1e-12)


@given(st.integers(0, 10**6), st.integers(4, 25))
def test_fit_agrees_with_linear_regression_and_its_errors(seed: int, layers: int) -> None:
    logs = np.random.default_rng(seed).normal(size=layers) - 0.4 * np.arange(layers)
    line = stats.linregress(np.arange(layers), logs)
    found = fit_decay(np.exp(logs), level=0.1)
    half = stats.t.isf(0.05, layers - 2) * line.stderr  # pyright: ignore[reportAttributeAccessIssue]
    slope = line.slope  # pyright: ignore[reportAttributeAccessIssue]
    assert found.decay_ratio == pytest.approx(math.exp(slope), rel=1e-9)
    assert found.interval.lower == pytest.approx(math.exp(slope - half), rel=1e-9)
    assert found.pearson == pytest.approx(line.rvalue, abs=1e-9)  # pyright: ignore[reportAttributeAccessIssue]
    coefficients, covariance = np.polyfit(np.arange(layers), logs, 2, cov="unscaled")
    residual = logs - np.polyval(coefficients, np.arange(layers))
    error = math.sqrt(covariance[0, 0] * float(residual @ residual) / (layers - 3))
    assert found.curvature == pytest.approx(coefficients[0], abs=1e-9)
    assert found.curvature_p_value == pytest.approx(2 * stats.t.sf(abs(coefficients[0]) / error, layers - 3), rel=1e-6)


def test_exact_laws() -> None:
    straight = fit_decay(5.0 * 0.53 ** np.arange(8))
    assert straight.decay_ratio == pytest.approx(0.53, rel=1e-12)
    assert straight.half_life == pytest.approx(1.09, abs=2e-3)
    assert straight.pearson == pytest.approx(-1.0, abs=1e-12)
    assert straight.curvature_p_value > 0.01
    curved = fit_decay(np.exp(-0.1 * np.arange(8.0) ** 2))
    assert curved.curvature == pytest.approx(-0.1, rel=1e-9)
    assert curved.curvature_p_value < 1e-12
    assert fit_decay(np.ones(5)).half_life == math.inf
    assert math.isnan(fit_decay(np.array([4.0, 2.0, 1.5])).curvature_p_value)


@pytest.mark.parametrize(
    ("features", "labels", "words"),
    [
        (np.ones((3, 2)), np.array([0, 1]), "do not fit"),
        (np.ones(3), np.array([0, 1, 1]), "do not fit"),
        (np.array([[0.0], [np.nan]]), np.array([0, 1]), "row 1 of the features is not finite"),
        (np.array([["a"], ["b"]]), np.array([0, 1]), "not real numbers"),
        (np.array([[0.0], [1.0]]), np.array([0, -1]), "label -1 of sample 1 is outside"),
        (np.array([[0.0], [1.0]]), np.array([0.0, 0.5]), "not whole numbers"),
        (np.array([[0.0], [1.0]]), np.array([0, 2]), "class 1 has no sample"),
        (np.array([[0.0], [1.0]]), np.array([0, 0]), "at least 2 classes"),
        (np.array([[1.0], [1.0]]), np.array([0, 1]), "class means coincide"),
        (np.zeros((0, 3)), np.zeros(0, dtype=int), "at least 2 classes"),
    ],
)
def test_unusable_features_are_refused(features: np.ndarray, labels: np.ndarray, words: str) -> None:
    refused(lambda: separation(features, labels), words)
    refused(lambda: neural_collapse(features, labels), words)


def test_unusable_streams_classifiers_and_layers_are_refused() -> None:
    moments = ClassMoments(2, 2)
    refused(lambda: moments.update(np.ones((1, 3)), np.array([0])), "3 features where 2 were announced")
    refused(lambda: moments.update(np.ones((1, 2)), np.array([2])), "label 2 of sample 0 is outside 0 ... 1")
    refused(moments.compute, "class 0 has no sample")
    refused(lambda: ClassMoments(0, 2), "number of classes")
    x, y = labelled(0, 3, 4)
    refused(lambda: neural_collapse(x, y, np.ones((4, 3))), "classifier has shape")
    refused(lambda: neural_collapse(x, y, np.zeros((3, 4))), "classifier is zero")
    refused(lambda: fit_decay(np.array([2.0, 1.0])), "2 layers do not determine")
    refused(lambda: fit_decay(np.array([2.0, 0.0, 1.0])), "D of layer 1 is 0.0")


def test_single_samples_and_values_that_are_not_finite_are_refused_in_streams_too() -> None:
    moments = ClassMoments(3, 2)
    for label in range(3):
        moments.update(np.array([[float(label), 1.0]]), np.array([label]))
    statistics = moments.compute()
    assert statistics.variances.tolist() == [0.0, 0.0, 0.0]
    for measure in (fuzziness, neural_collapse_of):
        refused(lambda measure=measure: measure(statistics), "every class has a single sample")
    x, y = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]]), np.arange(3)
    for measure in (separation, neural_collapse):
        refused(lambda measure=measure: measure(x, y), "every class has a single sample")
    for value in (np.nan, np.inf, -np.inf):
        wrong = np.where(np.arange(6).reshape(3, 2) == 3, value, x)
        refused(lambda wrong=wrong: moments.update(wrong, y), "row 1 of the features is not finite")
    again = moments.compute()
    assert np.array_equal(again.counts, statistics.counts)  # a batch that is refused leaves no trace
    assert np.array_equal(again.means, statistics.means)
