"""The further measures of collapse against their definitions, written out sample by sample and pair by pair."""

import math
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import refused

from layerpeel.numerics import (
    ClassMoments,
    FeatureSeparability,
    centred_features,
    class_ranks,
    disagreements,
    duality,
    features_separable,
    frame_shape,
    linear_classifier,
    neural_collapse,
    outlier_alignment,
    simplex_etf,
    variability_forms,
)

FEATURES: Any = np.ones((2, 2))

CLOSE = 1e-10
"""Sums of some thousand products of numbers of order one."""


def sample(seed: int, counts: tuple[int, ...] = (30, 12, 9, 20), width: int = 7) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    means = 2.0 * rng.normal(size=(len(counts), width))
    return means[labels] + 0.7 * rng.normal(size=(len(labels), width)), labels, rng.normal(size=(len(counts), width)) + 0.3 * means


def centred_means(features: np.ndarray, labels: np.ndarray) -> np.ndarray:
    means = np.stack([features[labels == k].mean(axis=0) for k in np.unique(labels)])
    return means - means.mean(axis=0)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("offset", [0.0, 1e3])
def test_nc1_in_three_forms(seed: int, offset: float) -> None:
    features, labels, _ = sample(seed)
    rounding = CLOSE * (1.0 + offset)
    within, total = np.zeros((7, 7)), 0.0
    for k in range(4):
        away = features[labels == k] - features[labels == k].mean(axis=0)
        within += away.T @ away / len(labels)
        total += (away**2).sum() / len(labels)
    means = centred_means(features, labels)
    between = means.T @ means / 4
    moments = ClassMoments(4, 7)
    moments.update(features + offset, labels)
    by_pinv = np.trace(within @ np.linalg.pinv(between, rcond=1e-10)) / 4
    values, vectors = np.linalg.eigh(between)
    by_svd = sum(vectors[:, -i] @ within @ vectors[:, -i] / values[-i] for i in range(1, 4)) / 4
    for spread in (centred_features(features + offset, labels), moments.compute()):
        svd, quotient = variability_forms(spread)
        assert svd == pytest.approx(by_svd, rel=rounding)
        assert svd == pytest.approx(by_pinv, rel=rounding)
        assert quotient == pytest.approx(total / np.trace(between), rel=rounding)
    assert neural_collapse(features + offset, labels).nc1 == pytest.approx(by_pinv, rel=rounding)


def test_only_the_form_without_a_rule_explodes_when_the_means_depend_on_each_other() -> None:
    features, labels, _ = sample(0)
    flat = features.copy()
    flat[:, 2:] = 0.0  # four class means in a plane
    svd, quotient = variability_forms(centred_features(flat, labels))
    assert neural_collapse(flat, labels).nc1 < 1.0
    assert not svd < 1e10
    assert quotient < 1.0
    refused(lambda: variability_forms(centred_features(np.array([[1.0], [-1.0], [1.0], [-1.0]]), np.array([0, 0, 1, 1]))), "coincide")


@pytest.mark.parametrize("seed", range(5))
def test_norms_angles_and_uniformity_pair_by_pair(seed: int) -> None:
    features, labels, _ = sample(seed)
    vectors = centred_means(features, labels)
    found = frame_shape(vectors)
    norms = np.array([math.sqrt(sum(x * x for x in row)) for row in vectors])
    cosines = np.array([u @ v / np.linalg.norm(u) / np.linalg.norm(v) for u, v in combinations(vectors, 2)])
    distances = np.array([np.linalg.norm(u / np.linalg.norm(u) - v / np.linalg.norm(v)) for u, v in combinations(vectors, 2)])
    assert found.equinorm == pytest.approx(norms.std() / norms.mean(), rel=CLOSE)
    assert found.equiangularity == pytest.approx(math.sqrt(np.mean((cosines - cosines.mean()) ** 2)), rel=CLOSE)
    assert found.maximal_angle == pytest.approx(np.mean([abs(cosine + 1 / 3) for cosine in cosines]), rel=CLOSE)
    assert found.distance_mean == pytest.approx(distances.mean(), rel=CLOSE)
    assert found.distance_variance == pytest.approx(np.mean((distances - distances.mean()) ** 2), rel=CLOSE)
    assert found.log_mean == pytest.approx(np.mean(np.log(1.0 / distances)), rel=CLOSE)
    assert found.log_variance == pytest.approx(np.var(np.log(1.0 / distances)), rel=CLOSE)


@given(st.integers(2, 8), st.floats(1e-3, 1e3))
def test_a_simplex_etf_of_any_size_is_equal_in_all_respects(size: int, scale: float) -> None:
    found = frame_shape(scale * simplex_etf(size))
    spread = (found.equinorm, found.equiangularity, found.maximal_angle, found.distance_variance, found.log_variance)
    assert max(spread) < 1e-7  # a variance of distances near √2 is the square of a rounding error, a mean is not
    assert found.distance_mean == pytest.approx(math.sqrt(2.0 * size / (size - 1)), rel=CLOSE)


@pytest.mark.parametrize("seed", range(5))
def test_nc3_in_its_definitions(seed: int) -> None:
    features, labels, classifier = sample(seed)
    means = centred_means(features, labels)
    found = duality(means + 5.0, classifier)
    unit = classifier / math.sqrt((classifier**2).sum()) - means / math.sqrt((means**2).sum())
    assert found.distance == pytest.approx((unit**2).sum(), rel=1e-8)
    product = classifier @ means.T
    product = product / math.sqrt((product**2).sum())
    wanted = (np.eye(4) - 0.25) / math.sqrt(3.0)
    assert found.structure == pytest.approx(math.sqrt(((product - wanted) ** 2).sum()), rel=1e-8)
    products = np.array([w @ m for w, m in zip(classifier, means, strict=True)])
    lengths = np.linalg.norm(classifier, axis=1) * np.linalg.norm(means, axis=1)
    assert np.allclose(found.cosines, products / lengths, rtol=1e-8)
    assert found.product_variance == pytest.approx(((products - products.mean()) ** 2).sum() / 3, rel=1e-8)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("parts", [1, 7])
def test_nc4_in_batches_and_by_class(seed: int, parts: int) -> None:
    features, labels, classifier = sample(seed)
    bias = np.random.default_rng(seed).normal(size=4)
    means = np.stack([features[labels == k].mean(axis=0) for k in range(4)])
    wanted = np.zeros(4, dtype=int)
    for sample_, label in zip(features, labels, strict=True):
        said = max(range(4), key=lambda k: classifier[k] @ sample_ + bias[k])
        near = min(range(4), key=lambda k: ((sample_ - means[k]) ** 2).sum())
        wanted[label] += said != near
    batches = zip(np.array_split(features, parts), np.array_split(labels, parts), strict=True)
    found = sum(disagreements(x, y, means, classifier, bias) for x, y in batches)
    assert np.array_equal(found, wanted)
    assert neural_collapse(features, labels, classifier, bias).nc4 == wanted.sum() / len(labels)
    more = np.concatenate([np.zeros((2, 7)), classifier])
    shifted = disagreements(features, labels, means, more, np.concatenate([[-1e9, -1e9], bias]), np.arange(2, 6))
    assert np.array_equal(shifted, wanted)


def test_nc5_by_its_definition() -> None:
    features, labels, _ = sample(0)
    means, away = centred_means(features, labels) + 1.0, np.arange(7.0)
    wanted = np.mean([abs(mean @ away) / (np.linalg.norm(mean) * np.linalg.norm(away)) for mean in means])
    assert outlier_alignment(means, away) == pytest.approx(wanted, rel=CLOSE)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_ranks_of_classes_are_those_they_were_made_with(kind: type[np.floating]) -> None:
    rng = np.random.default_rng(0)
    ranks = [1, 3, 5, 0]
    parts = [100.0 + 10.0 * k + rng.normal(size=(40, rank)) @ rng.normal(size=(rank, 12)) for k, rank in enumerate(ranks)]
    labels = np.repeat(np.arange(4), 40)
    found = class_ranks(centred_features(np.concatenate(parts).astype(kind), labels))
    assert found is not None
    assert found[0].tolist() == ranks
    for k, part in enumerate(parts):
        roots = np.linalg.svd(part - part.mean(axis=0), compute_uv=False)[: ranks[k]]
        shares = roots / roots.sum() if ranks[k] else np.ones(0)
        wanted = math.exp(-sum(share * math.log(share) for share in shares)) if ranks[k] else 0.0
        assert found[1][k] == pytest.approx(wanted, rel=1e-3)  # single precision adds roots of 1e-5


# Linear separability


def separates(features: np.ndarray, labels: np.ndarray, found: FeatureSeparability) -> bool:
    assert found.classifier is not None
    scores = (features - found.classifier.anchor) @ found.classifier.weights.T - found.classifier.offsets
    return bool((scores.argmax(axis=1) == labels).all())


@pytest.mark.parametrize("seed", range(8))
def test_separability_agrees_with_the_program(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = np.append(np.arange(3), rng.integers(0, 3, 40))
    features = (0.4 + 0.5 * (seed % 4)) * np.array([[2.0, 0.0], [-1.0, 1.7], [-1.0, -1.7]])[labels] + 0.5 * rng.normal(size=(43, 2))
    found = features_separable(features, labels)
    assert found.separable == linear_classifier([features[labels == k] for k in range(3)]).separable
    if found.separable:
        assert separates(features, labels, found)
        assert found.classifier is not None
        assert found.classifier.lead > 0.0
    else:
        held = found.contradiction
        assert held is not None
        assert np.array_equal(labels[held.samples], held.own)
        demands = np.zeros((3, 3))
        for row, own, rival, weight in zip(held.samples, held.own, held.rivals, held.weights, strict=True):
            lifted = weight * np.append(features[row], 1.0)
            demands[own] += lifted
            demands[rival] -= lifted
        assert np.abs(demands).max() < 1e-6


def test_the_networks_own_classifier_is_a_certificate() -> None:
    features, labels, _ = sample(0)
    means = np.stack([features[labels == k].mean(axis=0) for k in range(4)])
    near = 0.1 * features + 0.9 * means[labels]
    weights, bias = means, -0.5 * (means**2).sum(axis=1)
    found = features_separable(near, labels, weights, bias)
    assert (found.separable, found.by) == (True, "classifier")
    assert features_separable(near, labels, -weights, bias).by != "classifier"


def test_two_classes_contradict_for_all_where_the_program_is_too_large() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 5, 400)
    features = 20.0 * np.array([[0, 0, 0], [0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])[labels] + rng.normal(size=(400, 3))
    found = features_separable(features, labels, largest=3000)
    assert found.separable is False
    assert found.contradiction is not None
    assert {*found.contradiction.own.tolist()} == {0, 1}
    assert np.array_equal(labels[found.contradiction.samples], found.contradiction.own)
    assert features_separable(features, labels, largest=100).separable is None


def test_unusable_arguments() -> None:
    refused(lambda: frame_shape(np.ones((1, 3))), "1 vector has no angle")
    refused(lambda: duality(np.ones((2, 3)), np.ones((2, 3))), "the centred class means")
    refused(lambda: duality(np.eye(3), np.zeros((3, 3))), "the classifier")
    refused(lambda: features_separable(np.ones((3, 1)), np.array([0, 2, 2])), "labels name 2 of 0 ... 2")
    refused(lambda: class_ranks(FEATURES), "class_ranks")
    refused(lambda: variability_forms(FEATURES), "variability_forms")


def test_ranks_that_are_too_much_work_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    features, labels, _ = sample(0)
    monkeypatch.setattr("layerpeel.numerics.equi_separation._collapse_variants.MOST_WORK", 100.0)
    assert class_ranks(centred_features(features, labels)) is None
