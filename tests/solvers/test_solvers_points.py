"""Points of the program and of its relatives: in factors, sample by sample, under other norms of the features, with linear layers."""

import math

import numpy as np
import pytest

from layerpeel.numerics import (
    UnusableInput,
    least_collapsed_loss,
    simplex_etf,
    squared_error_logit,
    squared_error_survival,
    squared_error_switch,
)
from layerpeel.solvers import (
    LayerPeeled,
    UnconstrainedFeatures,
    descend,
    descend_other_norm,
    descend_samples,
    enclose_factors,
    enclose_other_norm,
    search_linear,
    solve,
    solve_samples,
)

PROBLEM = LayerPeeled(counts=[6, 3, 1], feature_energy=1.5, weight_energy=1.5)


def loss(features: np.ndarray, classifier: np.ndarray) -> float:
    """The value on the spheres."""
    radius = math.sqrt(3 * 1.5)
    logits = radius**2 * (features / np.linalg.norm(features)) @ (classifier / np.linalg.norm(classifier)).T
    return float(np.array([0.6, 0.3, 0.1]) @ (np.logaddexp.reduce(logits, axis=1) - np.diag(logits)))


def test_a_point_in_factors_has_the_value_and_the_gradient_of_finite_differences() -> None:
    radius = math.sqrt(3 * 1.5)
    h, w = (factor * radius / np.linalg.norm(factor) for factor in np.random.default_rng(1).standard_normal((2, 3, 4)))
    point, step = enclose_factors(PROBLEM, h, w), 1e-6
    assert point.value.contains(loss(h, w)) or abs(point.value.middle - loss(h, w)) < 1e-14
    squares = 0.0
    for place in np.ndindex(h.shape):
        along = np.zeros(h.shape)
        along[place] = step
        squares += ((loss(h + along, w) - loss(h - along, w)) / (2 * step)) ** 2
        squares += ((loss(h, w + along) - loss(h, w - along)) / (2 * step)) ** 2
    assert point.gradient.middle == pytest.approx(math.sqrt(squares), rel=1e-7)


def test_the_curvature_across_is_seen_in_a_coordinate_that_is_not_used() -> None:
    _, h, w = descend(PROBLEM, 1, rng=np.random.default_rng(0))
    point = enclose_factors(PROBLEM, h, w)
    assert point.gradient.upper < 1e-6
    assert point.curvature.upper < 0.0
    wide = [np.hstack([factor, np.zeros((3, 1))]) for factor in (h, w)]
    rng, size = np.random.default_rng(2), 1e-3
    # No direction (u, v) along the new coordinate bends more; the length of the steps together is `size`.
    for _ in range(200):
        u, v = np.split(size * (d := rng.standard_normal(6)) / np.linalg.norm(d), 2)
        moved = [factor + np.hstack([np.zeros((3, 1)), step[:, None]]) for factor, step in zip(wide, (u, v), strict=True)]
        assert 2 * (loss(*moved) - loss(*wide)) / size**2 >= point.curvature.lower - 1e-4


@pytest.mark.parametrize(
    ("problem", "features", "message"),
    [
        (LayerPeeled(counts=[6, 3, 1], feature_energy=2.0), np.eye(3), "is not looked at in its factors"),
        (PROBLEM, np.eye(2), "features has 2 rows, and there are 3 classes"),
        (PROBLEM, np.zeros((3, 3)), "a factor is zero"),
        (PROBLEM, np.full((3, 3), np.inf), "not finite"),
    ],
)
def test_what_has_no_place_on_the_spheres_is_refused(problem: LayerPeeled, features: np.ndarray, message: str) -> None:
    with pytest.raises(UnusableInput, match=message):
        enclose_factors(problem, features, features)


def test_descent_sample_by_sample_reaches_the_program_of_samples_within_its_energies() -> None:
    value, features, classifier = descend_samples([3, 2], 4, feature_energy=2.0, weight_energy=0.5, rng=np.random.default_rng(0))
    bound = solve_samples([3, 2], [1, 1], feature_energy=2.0, weight_energy=0.5)
    assert value == pytest.approx(bound.middle, abs=1e-8)
    assert np.sum(classifier**2) / 2 == pytest.approx(0.5)
    assert np.sum(np.sum(features**2, axis=1) / [3, 3, 3, 2, 2]) / 2 == pytest.approx(2.0)
    with pytest.raises(UnusableInput, match="1 counts were given"):
        descend_samples([3], 4, feature_energy=2.0, rng=np.random.default_rng(0))


def test_squares_of_the_features_are_one_of_the_other_norms() -> None:
    exact = solve(LayerPeeled(counts=[5, 5, 5], feature_energy=2.0), route="factored").value
    features, classifier = descend_other_norm(3, 2.0, rng=np.random.default_rng(0), starts=2)
    found = enclose_other_norm(2.0, features, classifier, feature_energy=2.0)
    assert found.contains(exact.middle)
    assert found.upper == pytest.approx(exact.middle, abs=1e-10)
    # A frame loses there what is lost anywhere: nothing is gained or lost by turning it.
    assert least_collapsed_loss(3, 2.0, 2.0) == pytest.approx(exact.middle, abs=1e-3)


def test_a_turned_frame_is_no_better_than_the_bound_of_all_of_them() -> None:
    rng = np.random.default_rng(3)
    for q in (1.0, 1.5, 3.0):
        bound = least_collapsed_loss(3, q, 1.0)
        for _ in range(50):
            turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
            scale = (3 / np.sum(np.abs(simplex_etf(3, 3) @ turn) ** q)) ** (1 / q)
            assert math.log1p(2 * math.exp(-1.5 * scale)) >= bound


def test_norms_without_a_bound_are_refused() -> None:
    frame = simplex_etf(4)
    with pytest.raises(UnusableInput, match="no bound is known for 4 classes and the exponent 3"):
        enclose_other_norm(3.0, frame, frame, feature_energy=1.0)
    with pytest.raises(UnusableInput, match=r"no bound is known for 4 classes and the exponent 1\.5"):
        least_collapsed_loss(4, 1.5, 1.0)
    with pytest.raises(UnusableInput, match="a factor is zero"):
        enclose_other_norm(1.0, 0 * frame, frame, feature_energy=1.0)


@pytest.mark.parametrize("layers", [2, 3, 7])
def test_the_own_logit_is_stationary_and_as_good_as_zero_at_the_switch(layers: int) -> None:
    switch, end = squared_error_switch(layers), squared_error_survival(layers)
    power = layers + 1

    def value(z: float, level: float) -> float:
        return 0.5 * (1 - z) ** 2 + power / 2 * (level / layers) ** (layers / power) * z ** (2 / power)

    z = squared_error_logit(layers, switch)
    assert z == pytest.approx((layers - 1) / layers)
    assert value(z, switch) == pytest.approx(0.5)
    assert value(z, switch) < min(value(z - 1e-3, switch), value(z + 1e-3, switch))
    assert squared_error_logit(layers, end * (1 - 1e-9)) == pytest.approx((layers - 1) / (2 * layers), abs=1e-3)
    assert squared_error_logit(layers, end * (1 + 1e-9)) == 0.0
    assert squared_error_logit(layers, 0.0) == 1.0


def test_levels_and_choices_out_of_range_are_refused() -> None:
    with pytest.raises(UnusableInput, match="b/n_k is -1"):
        squared_error_logit(2, -1.0)
    many = UnconstrainedFeatures(counts=[1] * 9, feature_penalty=0.1, weight_penalty=0.1, loss="squared")
    with pytest.raises(UnusableInput, match="9 classes have too many choices"):
        search_linear(many, 1, rng=np.random.default_rng(0))
