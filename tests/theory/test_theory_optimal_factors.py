"""Descents under three convex losses: slopes are slopes, and optima that the derivation names are optima."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerpeel.theory.layer_peeled._measured.optimal_factors import LOSSES, SHARES, ends

STEP, TRUNCATION = 1e-6, 1e-6
"""Of central differences."""
DOUBLES = 1e-12


@pytest.mark.parametrize("loss", LOSSES)
@given(st.integers(0, 10**6))
def test_slopes_are_differences(loss: str, seed: int) -> None:
    logits, way = np.random.default_rng(seed).uniform(-0.4, 0.4, size=(2, 4, 4))  # no margin is one, where the hinge bends
    slope = LOSSES[loss](logits)[1]
    ahead, behind = (LOSSES[loss](logits + sign * STEP * way)[0] for sign in (1, -1))
    assert np.sum(slope * way, axis=1) == pytest.approx((ahead - behind) / (2 * STEP), abs=TRUNCATION)


@given(st.integers(0, 10**6), st.integers(1, 3))
def test_every_centred_semidefinite_matrix_of_one_trace_is_best_for_the_summed_hinge(seed: int, rank: int) -> None:
    frame = np.random.default_rng(seed).normal(size=(4, rank))
    frame -= frame.mean(axis=0)
    logits = 0.5 * frame @ frame.T / np.sum(frame**2)
    assert np.mean(LOSSES["summed hinge"](logits)[0]) == pytest.approx(3 - 0.5, abs=DOUBLES)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("counts", SHARES)
def test_no_random_point_of_the_spheres_is_better(loss: str, counts: str) -> None:
    rng = np.random.default_rng(5)
    least = ends(rng, loss, counts, 0.7, 4)[0].value
    for _ in range(200):
        features, classifier = (np.sqrt(0.7) * matrix / np.linalg.norm(matrix) for matrix in rng.normal(size=(2, 4, 4)))
        assert SHARES[counts] @ LOSSES[loss](features @ classifier.T)[0] > least
