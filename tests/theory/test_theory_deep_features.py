"""Two codes of four classes on several linear factors: their least values by three routes, and descents that are descents."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from layerpeel.theory.layer_peeled._deep_codes import etf, square
from layerpeel.theory.layer_peeled._measured.deep_factors import CODES, descended, least_energy, ratio

LAYERS = st.integers(2, 12)
BEST = {"etf": etf, "square": square}
DOUBLES = 1e-9
"""Of values by a search in doubles."""


def searched(code: str, layers: int, decay: float) -> float:
    """The least value over scales up to the local maximum, from logits and singular values."""
    gram = np.array(CODES[code]) @ np.array(CODES[code]).T

    def value(scale: float) -> float:
        logits = scale * gram
        singular = np.linalg.svd(logits, compute_uv=False)[: np.linalg.matrix_rank(gram)]
        return float(np.mean(np.logaddexp.reduce(logits, axis=1) - np.diag(logits)) + layers * decay / 2 * np.sum(singular ** (2 / layers)))

    scales = np.geomspace(0.05, 100.0, 2000)
    values = np.array([value(scale) for scale in scales])
    place = max(i for i in range(1, len(values) - 1) if values[i] <= min(values[i - 1], values[i + 1]))
    found: Any = minimize_scalar(value, bounds=(scales[place - 1], scales[place + 1]), method="bounded", options={"xatol": 1e-9})
    return float(found.fun)


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize(("layers", "decay"), [(2, 0.05), (3, 0.0117605), (4, 1e-3), (9, 1e-6)])
def test_the_closed_forms_are_the_least_values_over_scales(code: str, layers: int, decay: float) -> None:
    assert BEST[code](layers, decay) == pytest.approx(searched(code, layers, decay), rel=DOUBLES)


@given(LAYERS, st.integers(2, 200))
def test_balls_and_closed_forms_agree_on_the_ratio(layers: int, exponent: int) -> None:
    closed = square(layers, 10.0**-exponent) / etf(layers, 10.0**-exponent)
    assert ratio(layers, exponent).middle == pytest.approx(closed, rel=DOUBLES)


@given(st.integers(4, 60), st.floats(-300.0, -1.5))
def test_the_square_wins_from_four_factors_on_at_every_decay(layers: int, exponent: float) -> None:
    assert square(layers, 10.0**exponent) < etf(layers, 10.0**exponent)


@pytest.mark.parametrize("code", CODES)
def test_codes_are_tight_frames_whose_classes_are_alike(code: str) -> None:
    vectors = np.array(CODES[code])
    gram = vectors @ vectors.T
    assert (gram @ gram * gram[0, 0] == (gram @ gram)[0, 0] * gram).all()
    assert (np.sort(gram, axis=1) == np.sort(gram[0])).all()


def test_descent_ends_where_no_step_leads_down() -> None:
    rng = np.random.default_rng(5)
    end = descended(rng.normal(size=(4, 4, 4)), 0.01)
    again = descended(end.factors + 1e-4 * rng.normal(size=end.factors.shape), 0.01)
    assert again.value == pytest.approx(end.value, rel=DOUBLES)
    logits = np.linalg.multi_dot([*end.factors])
    energy = 0.005 * np.sum(end.factors**2)
    assert end.value == pytest.approx(float(np.mean(np.logaddexp.reduce(logits, axis=1) - np.diag(logits))) + energy, rel=DOUBLES)


@given(LAYERS, st.lists(st.floats(0.2, 5.0), min_size=2, max_size=3))
def test_factors_of_a_diagonal_matrix_cost_its_quasi_norm(layers: int, singular: list[float]) -> None:
    least = least_energy(np.diag(singular), layers, np.random.default_rng(5))
    assert least.contains(layers * math.fsum(value ** (2 / layers) for value in singular))
