"""The locally elastic model as data: its drift matrix written out, both readings of P, spectra, refusals."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import refused

from layerpeel.numerics import ElasticModel, as_noise, drift_commutator, drift_matrices, logit_directions, simplex_gram
from layerpeel.numerics.locally_elastic._model import BLOCKS, named_blocks

ROUNDING = 1e-13
"""Sums of up to 36 products of numbers of order one."""
ALPHA, BETA = 2.0, -0.5


def sampling_matrix(rng: np.random.Generator, classes: int) -> np.ndarray:
    """Doubly stochastic: a mean of permutations, and every such matrix is one (Birkhoff)."""
    shares = rng.dirichlet(np.ones(classes + 1))
    return sum((share * np.eye(classes)[rng.permutation(classes)] for share in shares), np.zeros((classes, classes)))


def block_matrix(effects: np.ndarray, blocks: Any) -> np.ndarray:
    """Σ e_ij H_ij with the blocks put side by side, entry by entry."""
    return np.block([[effects[i, j] * blocks[i][j] for j in range(len(effects))] for i in range(len(effects))])


def blocks_by_definition(kind: str, classes: int, features: int) -> list[list[np.ndarray]]:
    """H_ij as in table 1 of the source."""
    if kind == "L":
        d = np.eye(classes) - 1 / classes
        return [[np.outer(d[j], d[j]) / (d[j] @ d[j]) for j in range(classes)] for _ in range(classes)]
    return [[np.eye(features) * (kind == "I" or i == j) for j in range(classes)] for i in range(classes)]


@pytest.mark.parametrize("kind", BLOCKS)
@pytest.mark.parametrize("classes", [2, 3, 5])
def test_the_matrix_is_the_hadamard_product_of_the_source(kind: str, classes: int) -> None:
    features = classes if kind == "L" else 2
    model = ElasticModel(blocks=kind, num_classes=classes, num_features=features, intra=ALPHA, inter=BETA)
    effects = np.where(np.eye(classes, dtype=bool), ALPHA, BETA) / classes
    assert np.allclose(model.matrix(1.0), block_matrix(effects, blocks_by_definition(kind, classes, features)), rtol=0.0, atol=ROUNDING)


@given(classes=st.integers(2, 4), seed=st.integers(0, 2**32 - 1), kind=st.sampled_from([*BLOCKS, "given"]))
def test_both_readings_of_p(classes: int, seed: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    share = sampling_matrix(rng, classes)
    given_blocks = rng.standard_normal((classes, classes, classes, classes))
    blocks = given_blocks if kind == "given" else kind
    plain = given_blocks if kind == "given" else blocks_by_definition(kind, classes, classes)
    effects = np.where(np.eye(classes, dtype=bool), ALPHA, BETA)
    rates = {"num_classes": classes, "intra": ALPHA, "inter": BETA}

    weighted = ElasticModel(blocks=blocks, sampling=share, **rates).matrix(0.5)
    assert np.allclose(weighted, block_matrix(effects @ share / classes, plain), rtol=0.0, atol=ROUNDING)
    literal = ElasticModel(blocks=blocks, kronecker=share, **rates).matrix(0.5)
    stacked = block_matrix(np.ones((classes, classes)), plain)
    assert np.allclose(literal, np.kron(effects, share) * stacked, rtol=0.0, atol=ROUNDING)
    uniform = ElasticModel(blocks=blocks, kronecker=np.full((classes, classes), 1 / classes), **rates).matrix(0.5)
    assert np.allclose(uniform, ElasticModel(blocks=blocks, **rates).matrix(0.5), rtol=0.0, atol=ROUNDING)


def test_sampling_acts_on_the_classes_that_drive() -> None:
    """(E P')_ij: share P'_lj of class j acts as class l. The order matters for a general E."""
    effects, share = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[0.25, 0.75], [0.75, 0.25]])
    model = ElasticModel(blocks="I", num_classes=2, num_features=1, elasticity=lambda t: (1 + t) * effects, sampling=share)
    assert np.allclose(model.matrix(1.0), effects @ share, rtol=0.0, atol=ROUNDING)
    assert not np.allclose(effects @ share, share @ effects)
    integrals, errors = model.weight_integrals(2.0)(np.array([1.0, 2.0]))
    assert np.allclose(integrals, np.array([1.5, 4.0])[:, None, None] * effects @ share / 2, rtol=0.0, atol=ROUNDING)
    assert (errors <= ROUNDING).all()


@given(classes=st.integers(2, 4), features=st.integers(1, 3), seed=st.integers(0, 2**32 - 1), kind=st.sampled_from([*BLOCKS, "given"]))
def test_pushing_a_state_is_multiplying_by_the_matrix(classes: int, features: int, seed: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    features = classes if kind == "L" else features
    blocks = rng.standard_normal((classes, classes, features, features)) if kind == "given" else kind
    effects = rng.standard_normal((classes, classes))
    model = ElasticModel(blocks=blocks, num_classes=classes, num_features=features, elasticity=lambda _: effects)
    state = rng.standard_normal((classes, features, 4))
    weights = model.weights(np.array([0.3]))[0]
    direct = (model.matrix(0.3) @ state.reshape(classes * features, 4)).reshape(state.shape)
    assert np.allclose(model.pushed(weights, state), direct, rtol=0.0, atol=ROUNDING)
    assert np.allclose(model.pushed(weights, state[:, :, 0]), direct[:, :, 0], rtol=0.0, atol=ROUNDING)


@pytest.mark.parametrize("classes", [2, 3, 4, 6])
def test_spectrum_of_the_i_model(classes: int) -> None:
    values = np.sort(
        np.linalg.eigvals(ElasticModel(blocks="I", num_classes=classes, num_features=3, intra=ALPHA, inter=BETA).matrix(0.0)).real
    )
    expected = np.sort([(ALPHA + (classes - 1) * BETA) / classes] * 3 + [(ALPHA - BETA) / classes] * 3 * (classes - 1))
    assert np.allclose(values, expected, rtol=0.0, atol=ROUNDING)


@pytest.mark.parametrize("classes", [3, 4, 6])
def test_spectrum_of_the_l_model_and_its_constant_left_eigenvectors(classes: int) -> None:
    model = ElasticModel(blocks="L", num_classes=classes, intra="2 + sin(t)", inter="-t/(1 + t)")
    directions = logit_directions(classes)
    for time in (0.0, 0.7, 5.0):
        alpha, beta = 2 + math.sin(time), -time / (1 + time)
        matrix = model.matrix(time)
        values = np.sort(np.linalg.eigvals(matrix).real)
        mean, deviation = (alpha - beta) / classes, (alpha + beta / (classes - 1)) / classes
        expected = np.sort([0.0] * classes * (classes - 1) + [mean] + [deviation] * (classes - 1))
        assert np.allclose(values, expected, rtol=0.0, atol=1e-7)  # zero is a repeated eigenvalue: rounding enters by its root
        total = directions.ravel()  # s̄ up to a factor
        assert np.allclose(total @ matrix, mean * total, rtol=0.0, atol=ROUNDING)
        contrast = np.concatenate([directions[0], -directions[1], np.zeros(classes * (classes - 2))])  # δ_1 − δ_2
        assert np.allclose(contrast @ matrix, deviation * contrast, rtol=0.0, atol=ROUNDING)


def test_blocks_of_the_l_model_are_no_positive_semidefinite_matrix() -> None:
    """Eigenvalues 0 and K/(K−1), yet the symmetric part is indefinite from K = 3 on."""
    for classes, least in ((3, -0.310660), (10, -1.111111)):
        stacked = block_matrix(np.ones((classes, classes)), named_blocks("L", classes, classes))
        values = np.linalg.eigvals(stacked)
        large = np.abs(values) > 1e-6
        assert large.sum() == classes - 1
        assert np.allclose(values[large], classes / (classes - 1))
        assert round(np.linalg.eigvalsh(0.5 * (stacked + stacked.T))[0], 6) == least
    two = block_matrix(np.ones((2, 2)), named_blocks("L", 2, 2))
    assert np.allclose(two, two.T)


def test_logit_directions_are_a_simplex_frame() -> None:
    for classes in (2, 3, 7):
        assert np.allclose(logit_directions(classes) @ logit_directions(classes).T, simplex_gram(classes), rtol=0.0, atol=ROUNDING)


def test_label_noise_keeps_two_rates() -> None:
    """P' = (1 − p) I + p/(K−1) (11ᵀ − I): α' = (1−p)α + pβ, β' = (pα + (K−1−p)β)/(K−1)."""
    classes, wrong = 4, 0.3
    noise = np.full((classes, classes), wrong / (classes - 1))
    np.fill_diagonal(noise, 1 - wrong)
    model = ElasticModel(blocks="L", num_classes=classes, intra="1/(1+t)", inter="sin(t)", sampling=noise)
    rates = model.effective_rates
    assert rates is not None
    times = np.array([0.0, 0.4, 2.0])
    alpha, beta = 1 / (1 + times), np.sin(times)
    mixed = (wrong * alpha + (classes - 1 - wrong) * beta) / (classes - 1)
    assert np.allclose(rates[1].value(times), mixed, rtol=0.0, atol=ROUNDING)
    assert np.allclose(rates[0].value(times), (1 - wrong) * alpha + wrong * beta - mixed, rtol=0.0, atol=ROUNDING)
    assert np.allclose(rates[0].value(times), (alpha - beta) * (1 - wrong * classes / (classes - 1)), rtol=0.0, atol=ROUNDING)
    assert (
        ElasticModel(
            blocks="L", num_classes=classes, intra=1, inter=0, sampling=sampling_matrix(np.random.default_rng(1), 4)
        ).effective_rates
        is None
    )


class TestCommutation:
    """Found out, not assumed."""

    def test_the_l_model_does_not_commute_unless_its_rates_are_proportional(self) -> None:
        varying = ElasticModel(blocks="L", num_classes=3, intra="1/(1+t)", inter="-t/(2*(1+t))")
        assert drift_commutator(varying, 5.0) > 0.1
        early, late = varying.matrix(0.5), varying.matrix(3.0)
        assert np.abs(early @ late - late @ early).max() > 1e-3
        proportional = ElasticModel(blocks="L", num_classes=3, intra="1/(1+t)", inter="-2/(1+t)")
        assert drift_commutator(proportional, 5.0) == 0.0
        assert len(drift_matrices(proportional, 5.0)) == 1

    def test_two_classes_of_the_l_model_commute(self) -> None:
        assert drift_commutator(ElasticModel(blocks="L", num_classes=2, intra="1/(1+t)", inter="-t"), 5.0) < 1e-12

    @given(classes=st.integers(2, 5), seed=st.integers(0, 2**32 - 1))
    def test_the_i_model_commutes_for_every_doubly_stochastic_sampling(self, classes: int, seed: int) -> None:
        share = sampling_matrix(np.random.default_rng(seed), classes)
        model = ElasticModel(blocks="I", num_classes=classes, intra="1/(1+t)", inter="sin(t)", sampling=share)
        assert drift_commutator(model, 5.0) < 1e-12

    def test_a_rate_that_differs_late_is_noticed(self) -> None:
        model = ElasticModel(blocks="L", num_classes=3, intra=1, inter=(np.array([0.0, 900.0, 1000.0]), np.array([0.5, 0.5, 0.6])))
        assert len(drift_matrices(model, 1000.0)) == 2
        assert len(drift_matrices(model, 900.0)) == 1

    def test_a_rotating_elasticity(self) -> None:
        first, second = np.array([[0.0, 1.0], [0.0, 0.0]]), np.array([[0.0, 0.0], [1.0, 0.0]])
        model = ElasticModel(blocks="I", num_classes=2, elasticity=lambda t: math.cos(t) * first + math.sin(t) * second)
        assert len(drift_matrices(model, 3.0)) == 2
        assert drift_commutator(model, 3.0) > 0.1


class TestNoise:
    """Σ_k(t) from a number to a matrix per class and time."""

    TIMES = np.array([0.5, 2.0])

    @pytest.mark.parametrize(
        "source", [0.5, "0.5", [0.5, 0.5], lambda t: 0.5 + 0.0 * t, 0.25 * np.eye(3), 0.25 * np.stack([np.eye(3)] * 2)]
    )
    def test_one_noise_said_in_six_ways(self, source: Any) -> None:
        noise = as_noise(source, 2, 3)
        assert np.allclose(noise.at(self.TIMES), np.broadcast_to(0.25 * np.eye(3), (2, 2, 3, 3)), rtol=0.0, atol=ROUNDING)
        exact = 0.25 * self.TIMES[:, None, None, None] * np.broadcast_to(np.eye(3), (2, 3, 3))
        assert np.allclose(noise.accumulated(self.TIMES), exact, rtol=0.0, atol=ROUNDING)

    def test_a_covariance_that_depends_on_time(self) -> None:
        noise = as_noise(lambda t: np.diag([1.0, t]), 2, 2)
        assert np.allclose(noise.accumulated(self.TIMES)[:, 0], [np.diag([0.5, 0.125]), np.diag([2.0, 2.0])], rtol=0.0, atol=ROUNDING)

    def test_each_class_its_own_rate(self) -> None:
        noise = as_noise(["1/(1+t)", 2.0], 2, 1)
        assert np.allclose(noise.accumulated_variances(self.TIMES), [[0.5 / 1.5, 2.0], [2.0 / 3.0, 8.0]], rtol=0.0, atol=ROUNDING)

    def test_samples_of_one_rate_are_no_list_of_two_classes(self) -> None:
        noise = as_noise(([0.0, 4.0], [1.0, 1.0]), 2, 1)
        assert np.allclose(noise.accumulated_variances(self.TIMES), [[0.5, 0.5], [2.0, 2.0]], rtol=0.0, atol=ROUNDING)

    @pytest.mark.parametrize(
        ("source", "parts"),
        [
            (-1.0, ("class 1", "-1", ">= 0")),
            ([1.0, -2.0], ("class 2", "-2")),
            ([1.0, 2.0, 3.0], ("3 classes",)),
            (np.diag([1.0, -1.0]), ("eigenvalue -1",)),
            (np.array([[1.0, 0.5], [0.0, 1.0]]), ("not symmetric",)),
            (np.array([[1.0, math.nan], [math.nan, 1.0]]), ("not finite",)),
            (np.eye(3), ("(3, 3)", "(2, 2)")),
            (math.nan, ("nan",)),
        ],
    )
    def test_unusable_noise_is_refused(self, source: Any, parts: tuple[str, ...]) -> None:
        refused(lambda: as_noise(source, 2, 2), *parts)

    def test_noise_that_turns_negative_is_refused_where_it_does(self) -> None:
        refused(lambda: as_noise("1 - t", 2, 2).accumulated(np.array([3.0])), "noise", "class 1", "-")
        refused(lambda: as_noise(lambda t: np.diag([1.0, 1.0 - t]), 2, 2).accumulated(np.array([3.0])), "eigenvalue")


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({"blocks": "X"}, ("'X'", "I, L, identity")),
        ({"num_classes": 1}, ("1", ">= 2")),
        ({"num_classes": 2.5}, ("2.5",)),
        ({"num_features": 0}, ("features is 0",)),
        ({"blocks": "L", "num_features": 3}, ("3 features", "2 classes")),
        ({"intra": None}, ("not given",)),
        ({"elasticity": lambda t: np.eye(2)}, ("given twice",)),
        ({"sampling": np.eye(2), "kronecker": np.eye(2)}, ("both readings",)),
        ({"sampling": np.ones((2, 2))}, ("off by 1",)),
        ({"sampling": [[1.5, -0.5], [-0.5, 1.5]]}, ("off by 0.5",)),
        ({"sampling": np.eye(3)}, ("(3, 3)", "(2, 2)")),
        ({"sampling": [["a", "b"], ["c", "d"]]}, ("no number",)),
        ({"kronecker": [[math.nan, 0.0], [0.0, 1.0]]}, ("not finite",)),
        ({"kronecker": np.eye(2), "num_features": 3}, ("3 features",)),
        ({"blocks": np.zeros((2, 2, 3, 3))}, ("(2, 2, 3, 3)", "(2, 2, 2, 2)")),
        ({"intra": "1/(1+s)"}, ("'s'",)),
        ({"noise": -1}, ("noise", "-1")),
    ],
)
def test_unusable_models_are_refused(changed: dict[str, Any], parts: tuple[str, ...]) -> None:
    model: dict[str, Any] = {"blocks": "I", "num_classes": 2, "intra": 1, "inter": 0}
    refused(lambda: ElasticModel(**{**model, **changed}), *parts)


def test_an_elasticity_of_the_wrong_shape_is_refused_with_its_time() -> None:
    model = ElasticModel(blocks="I", num_classes=2, elasticity=lambda t: np.eye(3))
    refused(lambda: model.matrix(1.5), "E(1.5)", "(3, 3)")
    broken = ElasticModel(blocks="I", num_classes=2, elasticity=lambda t: np.full((2, 2), np.log(-1.0) if t > 1 else 1.0))
    refused(lambda: broken.matrix(2.0), "E(2)", "not finite")


def test_a_drift_matrix_too_large_says_how_much() -> None:
    model = ElasticModel(blocks="I", num_classes=1000, num_features=1000, intra=1, inter=0)
    refused(lambda: model.matrix(0.0), "GB", "1000000 rows")
