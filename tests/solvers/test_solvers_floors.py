"""Every optimum between two floors is within the distance that certificates at both ends give."""

import itertools

import numpy as np
import pytest

from layerpeel.solvers import LayerPeeled, solve
from layerpeel.solvers._floors import _distance, apart_above

SIX = [500, 200, 80, 30, 12, 5]


@pytest.mark.parametrize("by", ["weights", "oversampling"])
@pytest.mark.parametrize(("low", "high"), [(80.0, 90.0), (100.0, 101.0), (30.0, 33.0), (200.0, 210.0)])
def test_optima_between_two_floors_are_within_the_distance(low: float, high: float, by: str) -> None:
    problem = LayerPeeled(counts=SIX, feature_energy=1.0)
    below, above = (solve(problem.floored(place, by=by), tolerance=1e-10) for place in (low, high))
    distance, here = _distance(below, above), below.matrix.dense()  # six counts in order stay in order
    farthest = 0.0
    for place in np.linspace(low, high, 7):
        optimum = solve(problem.floored(float(place), by=by), tolerance=1e-12)
        farthest = max(farthest, float(np.linalg.norm(optimum.matrix.dense() - here)))
    assert 1e-3 * distance < farthest <= distance


def test_what_is_proved_is_so_and_what_is_not_so_is_not_proved() -> None:
    problem = LayerPeeled(counts=SIX, feature_energy=1.0)
    assert apart_above(problem, 110.0, 0.5, shortest=1e-3)
    cosines = [solve(problem.floored(float(place))).between_cosine for place in np.geomspace(110.0, 500.0, 9)]
    assert max(each for matrix in cosines for each in itertools.chain(*matrix) if each is not None) <= 0.5
    assert not apart_above(problem, 60.0, 0.5)  # there the raised classes coincide
    assert not apart_above(problem, 110.0, 0.1)


def test_a_program_whose_ball_moves_is_not_proved() -> None:
    sampled = LayerPeeled(counts=SIX, feature_energy=1.0, norm_weights="sample")
    assert not apart_above(sampled, 499.0, 0.9, by="oversampling")
    assert apart_above(sampled, 499.0, 0.9, by="weights")
    assert not apart_above(LayerPeeled(counts=SIX, feature_energy=1.0, loss="squared"), 499.0, 0.9)
