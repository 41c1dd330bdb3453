"""Weights in the loss: they change what is counted, class by class, and no norm."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import refused

from layerpeel.solvers import Group, LayerPeeled, UnconstrainedFeatures, solve

CLASSES = st.lists(st.tuples(st.integers(1, 4), st.sampled_from([0.5, 1.0, 2.0, 4.0])), min_size=2, max_size=9)


@given(classes=CLASSES, kind=st.sampled_from(["class", "sample"]))
def test_every_class_has_its_product_and_its_norm(classes: list[tuple[int, float]], kind: str) -> None:
    counts, weights = [count for count, _ in classes], [weight for _, weight in classes]
    problem = LayerPeeled(counts=counts, feature_energy=2.0, norm_weights=kind).with_loss_weights(weights)
    places = problem.group_of_class or np.repeat(np.arange(len(problem.groups)), problem.sizes).tolist()
    plain = LayerPeeled(counts=counts, feature_energy=2.0, norm_weights=kind)
    before = plain.group_of_class or np.repeat(np.arange(len(plain.groups)), plain.sizes).tolist()
    for place, old, count, weight in zip(places, before, counts, weights, strict=True):
        assert problem.groups[place].samples == count * weight
        assert problem.groups[place].norm_weight == plain.groups[old].norm_weight
    keys = [(group.samples, group.norm_weight) for group in problem.groups]
    assert len(set(keys)) == len(keys)
    assert problem.num_classes == len(counts)
    assert problem.radius == plain.radius


def test_equal_weights_change_nothing_and_one_group_s_is_reweighting() -> None:
    problem = LayerPeeled(counts=[9, 2, 9, 2], feature_energy=1.0)
    value = solve(problem).value
    assert solve(problem.with_loss_weights([3.0] * 4)).value.upper == pytest.approx(value.upper, rel=1e-12)
    tripled = problem.with_loss_weights([1, 3, 1, 3])
    assert tripled.groups == problem.reweighted(1, 3.0).groups == (Group(2, 9.0), Group(2, 6.0))
    assert tripled.group_of_class == problem.group_of_class


def test_logits_come_in_the_order_of_the_classes() -> None:
    problem = LayerPeeled(counts=[9, 9, 9], feature_energy=1.0).with_loss_weights([1, 2, 1])
    norms = np.linalg.norm(solve(problem).classifier, axis=1)
    assert norms[0] == pytest.approx(norms[2])
    assert norms[1] > 1.01 * norms[0]


def test_penalties_and_the_bias_stay() -> None:
    options: dict[str, Any] = {"feature_penalty": 0.01, "weight_penalty": 0.04, "bias_penalty": 0.3, "loss": "squared"}
    problem = UnconstrainedFeatures(counts=[4, 1], **options).with_loss_weights([2, 0.5])
    assert (problem.penalty, problem.bias_penalty, problem.loss, problem.norm_weights) == (0.02, 0.3, "squared", "given")
    assert problem.scales.tolist() == [2.0, 1.0]
    assert problem.weights.tolist() == pytest.approx([8 / 8.5, 0.5 / 8.5])


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf, "2", None, True])
def test_a_bad_weight_is_refused(bad: Any) -> None:
    problem = LayerPeeled(counts=[4, 1], feature_energy=1.0)
    refused(lambda: problem.with_loss_weights([1.0, bad]), "the loss weight of class 2", repr(bad))
    refused(lambda: problem.with_loss_weights([1.0]), "1 loss weights are given for 2 classes")
