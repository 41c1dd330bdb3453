"""The exact law of the features: moments against independent routes, draws against moments, bounded chunks, refusals."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import refused
from scipy import stats
from scipy.integrate import quad, solve_ivp
from scipy.linalg import block_diag

from layerpeel.numerics import ElasticModel, Estimate, LiteralLaw, MeanDriftLaw, elastic_law, mean_flow
from layerpeel.numerics._draws import CHUNK_BYTES, chunk_sizes
from layerpeel.numerics.locally_elastic._propagators import _by_modes, _integrated, common_eigenvectors

FALSE_ALARM = 1e-6
"""Chance that a statistical test fails although the law is right; the seeds are fixed."""
ROUNDING = 1e-12
"""Closed forms of order one to a hundred."""
INTEGRATED = 1e-10
"""Covariances integrated at rtol 1e-12."""
TIMES = np.array([0.5, 1.0, 3.0])
VARYING: dict[str, Any] = {"intra": "1/(1+t)", "inter": "-t/(2*(1+t))"}


def covariance_matrices(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Random positive definite matrices."""
    factors = rng.standard_normal(shape)
    return factors @ np.swapaxes(factors, -1, -2)


def lyapunov(model: ElasticModel, start: np.ndarray, noise: Any, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cov X̃(t) and Φ(t, 0) from S' = MS + SMᵀ + Σ and Φ' = MΦ in one plain run, for times from 0."""
    size = len(start)

    def slope(time: float, both: np.ndarray) -> np.ndarray:
        covariance, propagator = both.reshape(2, size, size)
        matrix = model.matrix(time)
        return np.stack([matrix @ covariance + covariance @ matrix.T + noise(time), matrix @ propagator]).ravel()

    begin = np.stack([start, np.eye(size)]).ravel()
    found = solve_ivp(slope, (0.0, times[-1]), begin, method="DOP853", t_eval=times, rtol=1e-12, atol=1e-14)
    covariance, propagator = found.y.T.reshape(len(times), 2, size, size).swapaxes(0, 1)
    return covariance, propagator


class TestMeanDrift:
    """Samples around the deterministic mean flow."""

    def test_mean_and_covariance_in_closed_form(self) -> None:
        model = ElasticModel(blocks="I", num_classes=2, num_features=2, noise=["1/(1+t)", 2.0], **VARYING)
        found = elastic_law(model, np.eye(2), TIMES, spread=0.5)
        assert isinstance(found, MeanDriftLaw)
        assert np.allclose(found.means, mean_flow(model, np.eye(2), TIMES).means, rtol=0.0, atol=0.0)
        gathered = np.stack([TIMES / (1 + TIMES), 4.0 * TIMES], axis=1)
        exact = (0.25 + gathered)[:, :, None, None] * np.eye(2)
        assert np.allclose(found.class_covariances, exact, rtol=0.0, atol=ROUNDING)

    def test_covariance_between_times_is_that_of_the_earlier_one(self) -> None:
        found = elastic_law(ElasticModel(blocks="L", num_classes=3, noise=0.7, **VARYING), np.eye(3), TIMES, spread=0.2)
        early = found.covariance(0, 2)
        for k in range(3):
            for other in range(3):
                expected = (0.04 + 0.49 * 0.5) * np.eye(3) if k == other else np.zeros((3, 3))
                assert np.allclose(early[k, :, other, :], expected, rtol=0.0, atol=ROUNDING)
        assert np.array_equal(early, found.covariance(2, 0))

    def test_matrices_of_noise_and_spread(self) -> None:
        rng = np.random.default_rng(1)
        noise, spread = covariance_matrices(rng, 2, 3, 3), covariance_matrices(rng, 3, 3)
        model = ElasticModel(blocks="I", num_classes=2, num_features=3, noise=noise, **VARYING)
        found = elastic_law(model, np.ones((2, 3)), TIMES, spread=spread)
        assert np.allclose(found.class_covariances, spread + TIMES[:, None, None, None] * noise, rtol=0.0, atol=ROUNDING)

    def test_isotropic_noise_is_the_same_said_with_matrices(self) -> None:
        """The same numbers drawn, too: deviates meet the same square roots."""
        start = np.random.default_rng(3).standard_normal((3, 2))
        drawn = []
        for noise in (0.5, 0.25 * np.eye(2)):
            found = elastic_law(ElasticModel(blocks="I", num_classes=3, num_features=2, noise=noise, **VARYING), start, TIMES, spread=0.3)
            drawn.append(found.draw(rng=np.random.default_rng(8), paths=5, samples=4))
        assert np.allclose(drawn[0], drawn[1], rtol=0.0, atol=ROUNDING)

    def test_given_points_are_moved_with_the_flow_of_their_averages(self) -> None:
        rng = np.random.default_rng(4)
        points = rng.standard_normal((3, 5, 3))
        model = ElasticModel(blocks="L", num_classes=3, **VARYING)
        flow = mean_flow(model, points.mean(axis=1), TIMES)
        drawn = elastic_law(model, points, TIMES).draw(rng=rng, paths=2)
        assert drawn.shape == (2, 3, 3, 5, 3)
        moved = points + (flow.means - points.mean(axis=1))[:, :, None, :]
        assert np.allclose(drawn, moved, rtol=0.0, atol=ROUNDING)

    def test_beyond_doubles_the_comoving_frame_remains(self) -> None:
        model = ElasticModel(blocks="I", num_classes=2, num_features=1, intra="1000 + 1/(1+t)", inter=1000, noise=1.0)
        found = elastic_law(model, [[1.0], [0.0]], 3.0)
        refused(lambda: found.draw(rng=np.random.default_rng(0), paths=1, samples=1), "beyond doubles", "comoving")
        drawn = found.draw(rng=np.random.default_rng(0), paths=2000, samples=50, comoving=True)
        differences = drawn[:, 0, 0].mean(axis=(1, 2)) - drawn[:, 0, 1].mean(axis=(1, 2))
        assert Estimate.of(differences).interval(FALSE_ALARM).contains(2.0)

    def test_the_comoving_frame_is_a_common_shift(self) -> None:
        model = ElasticModel(blocks="L", num_classes=3, noise=1.0, **VARYING)
        found = elastic_law(model, np.random.default_rng(5).standard_normal((3, 3)), TIMES)
        plain, moving = (found.draw(rng=np.random.default_rng(6), paths=2, samples=3, comoving=how) for how in (False, True))
        shifts = plain - moving
        assert np.allclose(shifts, shifts[:1, :, :1, :1, :], rtol=0.0, atol=ROUNDING)


class TestLiteralDrift:
    """Samples of equal number drive each other."""

    def test_one_growing_mode_in_closed_form(self) -> None:
        """H = I: each class is dx = (α/K) x dt + σ dW, so Var = σ0² e^{2λt} + σ²(e^{2λt} − 1)/(2λ)."""
        model = ElasticModel(blocks="identity", num_classes=2, num_features=1, intra=1.2, inter=7, noise=0.5)
        found = elastic_law(model, [[1.0], [2.0]], TIMES, spread=0.3, drift="literal")
        assert isinstance(found, LiteralLaw)
        growth = np.exp(2 * 0.6 * TIMES)
        assert np.allclose(found.class_covariances[:, 0, 0, 0], 0.09 * growth + 0.25 * (growth - 1) / 1.2, rtol=ROUNDING)
        assert np.allclose(found.means[:, 1, 0], 2.0 * np.exp(0.6 * TIMES), rtol=ROUNDING)
        between = found.covariance(0, 2)
        assert between[0, 0, 0, 0] == pytest.approx(found.class_covariances[0, 0, 0, 0] * math.exp(0.6 * 2.5), rel=ROUNDING)
        assert between[0, 0, 1, 0] == 0.0

    def test_the_i_model_has_a_common_and_a_difference_mode(self) -> None:
        """Var(X̃^1 − X̃^2) = 2 e^{2Γ/K}(σ0² + σ² ∫ e^{−2Γ/K}) whatever β does to the common mode."""
        model = ElasticModel(blocks="I", num_classes=3, num_features=2, intra="sin(t) + 2/(1+t)", inter="sin(t)", noise=0.4)
        found = elastic_law(model, np.eye(3, 2), 2.0, spread=0.1, drift="literal")
        covariance = found.covariance(0, 0)
        variance = covariance[0, 0, 0, 0] + covariance[1, 0, 1, 0] - 2 * covariance[0, 0, 1, 0]
        shrink = quad(lambda t: (1 + t) ** (-4 / 3), 0.0, 2.0, epsrel=1e-13)[0]
        assert variance == pytest.approx(2 * 3.0 ** (4 / 3) * (0.01 + 0.16 * shrink), rel=ROUNDING)

    @pytest.mark.parametrize("name", ["I", "L", "identity", "I with matrices", "L with classes", "any blocks", "sampled I"])
    @pytest.mark.slow
    def test_moments_agree_with_one_plain_lyapunov_run(self, name: str) -> None:
        rng = np.random.default_rng(11)
        classes, features = 3, 3
        matrices = covariance_matrices(rng, 3, 3, 3)
        options: dict[str, Any] = {"blocks": name if name in {"I", "L", "identity"} else name[0], "noise": "1/(1+t)"}
        if name == "I with matrices":
            options["noise"] = matrices
        elif name == "L with classes":
            options["noise"] = [0.5, "1/(1+t)", 2]
        elif name == "any blocks":
            options["blocks"] = rng.standard_normal((3, 3, 3, 3))
        elif name == "sampled I":
            options["blocks"], options["sampling"] = "I", 0.6 * np.eye(3) + 0.4 * np.eye(3)[[1, 2, 0]]

        def sigma(time: float) -> np.ndarray:
            if name == "I with matrices":
                return np.asarray(block_diag(*matrices))
            return np.diag(np.repeat([0.25, 1 / (1 + time) ** 2, 4.0] if name == "L with classes" else [1 / (1 + time) ** 2] * 3, 3))

        model = ElasticModel(num_classes=classes, num_features=features, **options, **VARYING)
        found = elastic_law(model, rng.standard_normal((3, 3)), TIMES, spread=0.5, drift="literal")
        assert isinstance(found, LiteralLaw)
        exact, propagators = lyapunov(model, 0.25 * np.eye(9), sigma, TIMES)
        size = np.abs(exact).max()
        for index in range(3):
            assert np.allclose(found.covariance(index, index).reshape(9, 9), exact[index], rtol=0.0, atol=INTEGRATED * size)
        later = propagators[2] @ np.linalg.inv(propagators[1])
        assert np.allclose(found.covariance(1, 2).reshape(9, 9), exact[1] @ later.T, rtol=0.0, atol=10 * INTEGRATED * size)
        assert np.allclose(found.covariance(2, 1).reshape(9, 9), later @ exact[1], rtol=0.0, atol=10 * INTEGRATED * size)
        assert np.allclose(found.class_covariances[2, 1], exact[2][3:6, 3:6], rtol=0.0, atol=INTEGRATED * size)

    def test_mode_by_mode_and_integrated_agree(self) -> None:
        rng = np.random.default_rng(2)
        basis = np.linalg.qr(rng.standard_normal((4, 4)))[0]
        values = np.array([1.0, 0.3, -0.7, 0.0])
        noise = covariance_matrices(rng, 4, 4)

        def drifts(at: np.ndarray) -> np.ndarray:
            return np.cos(at)[:, None, None] * (basis * values @ basis.T)

        def integrals(at: np.ndarray) -> np.ndarray:
            return np.sin(at)[:, None, None] * (basis * values @ basis.T)

        def noises(at: np.ndarray) -> np.ndarray:
            return np.exp(-at)[:, None, None] * noise

        by_modes = _by_modes(basis, integrals, noises, 0.5, 2.5)
        integrated = _integrated(drifts, noises, 4, 0.5, 2.5)
        for first, second in zip(by_modes, integrated, strict=True):
            assert np.allclose(first, second, rtol=0.0, atol=INTEGRATED * np.abs(first).max())

    def test_common_eigenvectors_exist_for_commuting_symmetric_matrices_only(self) -> None:
        rng = np.random.default_rng(9)
        basis = np.linalg.qr(rng.standard_normal((5, 5)))[0]
        first = basis * np.array([1.0, 1.0, 2.0, 2.0, 3.0]) @ basis.T
        second = basis * np.array([0.0, 1.0, 0.0, 1.0, 0.0]) @ basis.T
        found = common_eigenvectors(np.stack([first, second]))
        assert found is not None
        for matrix in (first, second):
            turned = found.T @ matrix @ found
            assert np.allclose(turned, np.diag(turned.diagonal()), rtol=0.0, atol=ROUNDING)
        assert common_eigenvectors(np.stack([first, np.diag(np.arange(5.0))])) is None
        assert common_eigenvectors(np.triu(np.ones((1, 5, 5)))) is None

    @pytest.mark.slow
    def test_given_points_move_by_the_propagator(self) -> None:
        rng = np.random.default_rng(4)
        points = rng.standard_normal((3, 5, 3))
        model = ElasticModel(blocks="L", num_classes=3, **VARYING)
        drawn = elastic_law(model, points, TIMES, drift="literal").draw(rng=rng, paths=1)[0]
        for number in range(5):
            alone = mean_flow(model, points[:, number], TIMES).means
            assert np.allclose(drawn[:, :, number], alone, rtol=0.0, atol=INTEGRATED)

    def test_covariances_beyond_doubles_are_refused(self) -> None:
        model = ElasticModel(blocks="I", num_classes=2, num_features=1, intra=800, inter=0, noise=1.0)
        refused(lambda: elastic_law(model, [[1.0], [0.0]], 1.0, drift="literal"), "beyond doubles", "t = 1")


@pytest.mark.parametrize("drift", ["mean", "literal"])
@pytest.mark.parametrize(("kind", "noise"), [("I", 0.7), ("I", "matrices"), ("L", 0.7), ("L", "matrices")])
@pytest.mark.statistical
def test_draws_have_the_moments_of_the_law(drift: str, kind: str, noise: Any) -> None:
    """Whitened draws over times, classes and features are standard normal: each mean, variance and product at its share."""
    rng = np.random.default_rng([len(drift), ord(kind), noise == "matrices"])
    matrices = covariance_matrices(rng, 3, 3, 3)
    model = ElasticModel(blocks=kind, num_classes=3, num_features=3, noise=matrices if noise == "matrices" else noise, **VARYING)
    found = elastic_law(model, rng.standard_normal((3, 3)), TIMES, spread=0.5, drift=drift)
    drawn = found.draw(rng=rng, paths=700, samples=3)
    joint = np.block([[found.covariance(s, t).reshape(9, 9) for t in range(3)] for s in range(3)])
    vectors = np.moveaxis(drawn, 3, 1).reshape(2100, 27) - found.means.ravel()
    white = np.linalg.solve(np.linalg.cholesky(joint), vectors.T)
    level = FALSE_ALARM / (27 + 27 * 26 // 2 + 27)
    count = white.shape[1]
    assert (np.abs(white.mean(axis=1)) <= stats.norm.isf(level / 2) / math.sqrt(count)).all()
    squares = np.sum(white**2, axis=1)
    assert (squares <= stats.chi2.isf(level / 2, count)).all()
    assert (squares >= stats.chi2.ppf(level / 2, count)).all()
    products = (white @ white.T / math.sqrt(count))[np.triu_indices(27, 1)]
    assert (np.abs(products) <= 1.1 * stats.norm.isf(level / 2)).all()  # a product's tail at n = 2100 is at most a tenth wider than normal


def test_samples_of_one_path_are_independent() -> None:
    model = ElasticModel(blocks="L", num_classes=2, noise=1.0, **VARYING)
    for drift in ("mean", "literal"):
        found = elastic_law(model, np.zeros((2, 2)), 1.0, spread=1.0, drift=drift)
        drawn = found.draw(rng=np.random.default_rng(12), paths=4000, samples=2)[:, 0]
        for first, second in ((drawn[:, 0, 0, 0], drawn[:, 0, 1, 0]), (drawn[:, 0, 0, 0], drawn[:, 1, 1, 1])):
            assert abs(np.corrcoef(first, second)[0, 1]) <= stats.norm.isf(FALSE_ALARM / 2) / math.sqrt(4000)


class TestChunks:
    """What is drawn does not depend on how it is chunked, and chunks are bounded."""

    @pytest.mark.parametrize("drift", ["mean", "literal"])
    def test_chunks_are_slices_of_one_stream(self, drift: str, monkeypatch: pytest.MonkeyPatch) -> None:
        model = ElasticModel(blocks="L", num_classes=3, noise=1.0, **VARYING)
        found = elastic_law(model, np.eye(3), TIMES, spread=1.0, drift=drift)
        whole = found.draw(rng=np.random.default_rng(3), paths=7, samples=4)
        monkeypatch.setattr("layerpeel.numerics._draws.CHUNK_BYTES", 2 * whole[0].nbytes)
        chunks = list(found.chunks(rng=np.random.default_rng(3), paths=7, samples=4))
        assert [len(chunk) for chunk in chunks] == [2, 2, 2, 1]
        assert np.allclose(np.concatenate(chunks), whole, rtol=0.0, atol=ROUNDING)

    @settings(max_examples=50)
    @given(paths=st.integers(1, 10**6), size=st.integers(1, 10**7))
    def test_sizes_fill_the_bound_and_add_up(self, paths: int, size: int) -> None:
        sizes = chunk_sizes(paths, (size,), "a path")
        assert sum(sizes) == paths
        assert max(sizes) == 1 or 8 * size * max(sizes) <= CHUNK_BYTES

    def test_what_cannot_fit_is_refused_with_its_size(self) -> None:
        model = ElasticModel(blocks="I", num_classes=2, num_features=1000, intra=1, inter=0, noise=1.0)
        found = elastic_law(model, np.zeros((2, 1000)), TIMES)
        rng = np.random.default_rng(0)
        refused(lambda: found.draw(rng=rng, paths=10**6, samples=10**3), "1000000 paths", "GB", "chunks")
        refused(lambda: next(found.chunks(rng=rng, paths=1, samples=10**9)), "one path", "GB")
        large = ElasticModel(blocks="I", num_classes=2, num_features=10**5, intra=1, inter=0, noise=1.0)
        refused(lambda: elastic_law(large, np.zeros((2, 10**5)), 1.0).class_covariances, "100000 features", "GB")
        refused(lambda: elastic_law(large, np.zeros((2, 10**5)), 1.0, spread=np.eye(2), drift="literal"), "(2, 2)")


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({"drift": "X"}, ("'X'", "mean, literal")),
        ({"spread": -1.0}, ("-1", ">= 0")),
        ({"spread": np.diag([1.0, -1.0])}, ("eigenvalue -1",)),
        ({"start": np.zeros((2, 0, 2))}, ("no points",)),
        ({"start": np.zeros((2, 3, 2)), "spread": 1.0}, ("together with points",)),
        ({"start": np.full((2, 3, 2), math.nan)}, ("nan",)),
        ({"start": np.zeros((3, 2))}, ("(3, 2)",)),
        ({"times": 0.0}, ("time 0",)),
    ],
)
def test_unusable_laws_are_refused(changed: dict[str, Any], parts: tuple[str, ...]) -> None:
    model = ElasticModel(blocks="I", num_classes=2, intra=1, inter=0, noise=1.0)
    options: dict[str, Any] = {"start": np.zeros((2, 2)), "times": 1.0, "spread": 0, "drift": "mean", **changed}
    refused(lambda: elastic_law(model, options["start"], options["times"], spread=options["spread"], drift=options["drift"]), *parts)


def test_unusable_numbers_of_draws_are_refused() -> None:
    model = ElasticModel(blocks="I", num_classes=2, intra=1, inter=0, noise=1.0)
    rng = np.random.default_rng(0)
    for drift in ("mean", "literal"):
        gaussian, fixed = (elastic_law(model, start, 1.0, drift=drift) for start in (np.zeros((2, 2)), np.zeros((2, 3, 2))))
        refused(lambda found=gaussian: found.draw(rng=rng, paths=1), "number of samples is None")
        refused(lambda found=gaussian: found.draw(rng=rng, paths=0, samples=1), "number of paths is 0")
        refused(lambda found=fixed: found.draw(rng=rng, paths=1, samples=2), "3 points")


def test_noise_that_is_singular_or_turns_negative_is_refused() -> None:
    for noise, part in (("1/(1-t)", "near t = 1"), ("1 - t", "noise of class 1")):
        for drift in ("mean", "literal"):
            model = ElasticModel(blocks="I", num_classes=2, intra=1, inter=0, noise=noise)
            refused(lambda model=model, drift=drift: elastic_law(model, np.zeros((2, 2)), 3.0, drift=drift), part)
