"""The integrator of class means over long times, against closed forms that it does not know."""

import math

import numpy as np
import pytest

from layerpeel.numerics import ElasticModel, mean_flow
from layerpeel.theory.locally_elastic._integrated_means import blocks_along, i_model_blocks, integrated_means, l_model_blocks, two_parameter

AGREEMENT = 1e-9
"""A few hundred steps, each good to 1e-12."""


@pytest.mark.parametrize("kind", ["I", "L"])
@pytest.mark.parametrize("classes", [2, 3, 5])
def test_agrees_with_closed_forms(kind: str, classes: int) -> None:
    start = np.cos(np.arange(classes**2).reshape(classes, classes) ** 2)
    blocks = i_model_blocks(classes, classes) if kind == "I" else l_model_blocks(classes)
    times = (0.5, 3.0, 8.0)
    found = integrated_means(lambda time: two_parameter(1 + math.sin(time), -0.5 * math.cos(time), classes), blocks, start, times)
    flow = mean_flow(ElasticModel(blocks=kind, num_classes=classes, intra="1 + sin(t)", inter="-cos(t)/2"), start, times)
    for index in range(len(times)):
        means = np.exp(found.logs[index]) * found.states[index]
        np.testing.assert_allclose(means, flow.means[index], rtol=0.0, atol=AGREEMENT * float(np.linalg.norm(flow.means[index])))
        np.testing.assert_allclose(found.cosines(index), flow.cosines[index], atol=found.cosine_error(index) + AGREEMENT)
        distance = found.log_distance(index, 0, 1)
        assert distance.lower - AGREEMENT <= flow.log_distances(0, 1)[index] <= distance.upper + AGREEMENT


def test_growth_may_leave_the_doubles() -> None:
    found = integrated_means(lambda time: 4.0 * np.eye(2), i_model_blocks(2, 1), np.array([[1.0], [-1.0]]), (10.0, 1000.0))
    np.testing.assert_allclose(found.logs - math.log(2) / 2, [20.0, 2000.0], rtol=AGREEMENT)
    assert found.log_distance(1, 0, 1).middle == pytest.approx(2000.0 + math.log(2), rel=AGREEMENT)


def test_blocks_and_weights_are_the_models() -> None:
    start = np.cos(np.arange(12.0).reshape(3, 4) ** 2)
    directions = np.sin(1 + np.arange(12.0).reshape(3, 4) ** 2)
    elasticity = np.cos(np.arange(9.0).reshape(3, 3) ** 3)
    model = ElasticModel(blocks=blocks_along(directions), num_classes=3, num_features=4, elasticity=lambda time: elasticity)
    found = integrated_means(lambda time: elasticity, blocks_along(directions), start, (1e-3,))
    slope = (np.exp(found.logs[0]) * found.states[0] - start).ravel() / 1e-3
    np.testing.assert_allclose(slope, model.matrix(0.0) @ start.ravel(), rtol=0.0, atol=0.05 * np.abs(slope).max())
