"""Euler–Maruyama: its strong order measured on nested Brownian grids, its law against the exact one, refusals."""

import math
from typing import Any

import numpy as np
import pytest
from refusals import refused
from scipy import stats

from layerpeel.numerics import ElasticModel, Estimate, brownian_increments, coarsened, elastic_law, euler_chunks, euler_maruyama, mean_flow

FALSE_ALARM = 1e-6
"""Chance that a statistical test fails although the scheme is right; the seeds are fixed."""
ROUNDING = 1e-12
"""Sums of a few thousand numbers of order one."""
VARYING: dict[str, Any] = {"intra": "1/(1+t)", "inter": "-t/(2*(1+t))"}
FINEST = 2048
STEPS = (8, 16, 32, 64, 128)
"""Coarse grids, at least sixteen times as coarse as the finest, whose own error is then a sixteenth of theirs at most."""
ORDER = 0.1
"""How far a fitted order may be from the true one over these steps: the next term of the error is h relative to the first."""


def measured_order(model: ElasticModel, drift: str) -> float:
    """Slope of log E‖X̃_h(T) − X̃(T)‖ against log h, X̃(T) from the same Brownian paths on the finest grid."""
    rng = np.random.default_rng([len(drift), ord(model.kind[0])])
    shape = (100, model.num_classes, 2, model.num_features)
    increments = brownian_increments(rng=rng, end=2.0, steps=FINEST, shape=shape)
    start = rng.standard_normal(shape)
    exact = euler_maruyama(model, start, increments, end=2.0, drift=drift)
    errors = [
        np.mean(np.linalg.norm(euler_maruyama(model, start, coarsened(increments, FINEST // steps), end=2.0, drift=drift) - exact, axis=-1))
        for steps in STEPS
    ]
    return float(np.polyfit(np.log(STEPS), np.log(errors), 1)[0])


@pytest.mark.parametrize("kind", ["I", "L"])
@pytest.mark.parametrize("drift", ["mean", "literal"])
def test_the_strong_order_is_one_for_additive_noise(kind: str, drift: str) -> None:
    model = ElasticModel(blocks=kind, num_classes=3, noise="1/(1+t)", **VARYING)
    assert abs(measured_order(model, drift) + 1.0) <= ORDER


def test_a_rough_noise_has_a_lower_order() -> None:
    """The measurement can come out otherwise: where σ jumps inside a step, up to √h of noise is misplaced, which is order one half."""
    jump = ElasticModel(blocks="I", num_classes=2, num_features=1, intra=0, inter=0, noise=lambda t: np.where(t < math.sqrt(2), 0.0, 1.0))
    assert measured_order(jump, "mean") > -1.0 + 3 * ORDER


def test_on_one_path_the_mean_drift_errs_by_the_flow_alone() -> None:
    """With constant σ the noise is summed exactly: X̃(T) = X̃(0) + X̄(T) − X̄(0) + σ W(T) on the same path, up to O(h)."""
    rng = np.random.default_rng(0)
    model = ElasticModel(blocks="L", num_classes=3, noise=0.7, **VARYING)
    means, start = rng.standard_normal((3, 3)), rng.standard_normal((5, 3, 4, 3))
    moved = (mean_flow(model, means, 2.0).means[0] - means)[:, None, :]
    increments = brownian_increments(rng=rng, end=2.0, steps=1024, shape=start.shape)
    exact = start + moved + 0.7 * increments.sum(axis=0)
    errors = []
    for factor in (1, 2, 4):
        found = euler_maruyama(model, start, coarsened(increments, factor), end=2.0, means=means)
        errors.append(np.abs(found - exact).max())
        assert np.allclose(found - exact, (found - exact)[:1, :, :1], rtol=0.0, atol=ROUNDING)
    assert errors[0] < 2e-3
    assert errors[1] / errors[0] == pytest.approx(2.0, rel=ORDER)
    assert errors[2] / errors[1] == pytest.approx(2.0, rel=ORDER)


def test_nested_grids_carry_the_same_paths() -> None:
    increments = brownian_increments(rng=np.random.default_rng(1), end=3.0, steps=24, shape=(2, 5))
    paths = np.cumsum(increments, axis=0)
    for factor in (1, 2, 3, 8, 24):
        assert np.allclose(np.cumsum(coarsened(increments, factor), axis=0), paths[factor - 1 :: factor], rtol=0.0, atol=ROUNDING)


def test_increments_are_brownian() -> None:
    increments = brownian_increments(rng=np.random.default_rng(2), end=3.0, steps=12, shape=(5000,))
    assert stats.kstest(increments.ravel() / math.sqrt(0.25), "norm").pvalue > FALSE_ALARM
    assert stats.kstest(increments.sum(axis=0) / math.sqrt(3.0), "norm").pvalue > FALSE_ALARM


@pytest.mark.parametrize(("kind", "drift"), [("I", "mean"), ("I", "literal"), ("L", "mean"), ("L", "literal")])
@pytest.mark.parametrize("noise", [0.7, "matrices"])
def test_the_law_is_the_exact_one_up_to_its_weak_error(kind: str, drift: str, noise: Any) -> None:
    """At 512 steps the weak error, about 1/512 of the drift's size, is far below what 1000 paths resolve (1/√1000 of a deviation)."""
    rng = np.random.default_rng([len(drift), ord(kind), noise == "matrices"])
    factors = rng.standard_normal((3, 3, 3))
    model = ElasticModel(
        blocks=kind, num_classes=3, num_features=3, noise=factors @ np.swapaxes(factors, 1, 2) if noise == "matrices" else noise, **VARYING
    )
    start = rng.standard_normal((3, 3))
    chunks = list(euler_chunks(model, start, end=2.0, steps=512, rng=rng, paths=500, samples=2, spread=0.5, drift=drift))
    found = elastic_law(model, start, 2.0, spread=0.5, drift=drift)
    vectors = np.moveaxis(np.concatenate(chunks), 2, 1).reshape(1000, 9) - found.means[0].ravel()
    white = np.linalg.solve(np.linalg.cholesky(found.covariance(0, 0).reshape(9, 9)), vectors.T)
    level = FALSE_ALARM / 18
    for row in white:
        assert Estimate.of(row).interval(level).contains(0.0)
        total = float(np.sum(row**2))
        assert 2 * min(stats.chi2.cdf(total, len(row)), stats.chi2.sf(total, len(row))) > level


def test_a_wrong_scheme_would_be_noticed() -> None:
    """The same test on the law of the other drift fails by far."""
    rng = np.random.default_rng(3)
    model = ElasticModel(blocks="I", num_classes=3, num_features=3, intra=2, inter=0, noise=0.7)
    start = rng.standard_normal((3, 3))
    drawn = next(euler_chunks(model, start, end=2.0, steps=256, rng=rng, paths=500, samples=1, spread=0.5, drift="literal"))
    wrong = elastic_law(model, start, 2.0, spread=0.5)
    squares = np.sum((drawn[:, 0, 0, 0] - wrong.means[0, 0, 0]) ** 2) / wrong.class_covariances[0, 0, 0, 0]
    assert stats.chi2.sf(squares, 500) < FALSE_ALARM


def test_given_points_start_where_they_are() -> None:
    points = np.random.default_rng(4).standard_normal((2, 3, 2))
    still = ElasticModel(blocks="I", num_classes=2, intra=0, inter=0)
    chunk = next(euler_chunks(still, points, end=1.0, steps=4, rng=np.random.default_rng(0), paths=5))
    assert np.array_equal(chunk, np.broadcast_to(points, (5, 2, 3, 2)))


def test_chunks_are_bounded_and_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    model = ElasticModel(blocks="I", num_classes=2, intra=1, inter=0, noise=1.0)
    monkeypatch.setattr("layerpeel.numerics._draws.CHUNK_BYTES", 3 * 8 * 2 * 4 * 2)
    chunks = list(euler_chunks(model, np.eye(2), end=1.0, steps=4, rng=np.random.default_rng(0), paths=8, samples=4))
    assert [len(chunk) for chunk in chunks] == [3, 3, 2]


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({"end": 0.0}, ("time is 0.0",)),
        ({"end": -1.0}, ("-1.0",)),
        ({"end": math.nan}, ("nan",)),
        ({"steps": 0}, ("steps is 0",)),
        ({"paths": 0}, ("paths is 0",)),
        ({"samples": None}, ("samples is None",)),
        ({"drift": "X"}, ("'X'", "mean, literal")),
        ({"spread": -1.0}, ("-1",)),
        ({"start": np.zeros((3, 2))}, ("(3, 2)",)),
        ({"start": np.full((2, 2), math.inf)}, ("inf",)),
        ({"samples": 10**10}, ("one path", "GB")),
    ],
)
def test_unusable_simulations_are_refused(changed: dict[str, Any], parts: tuple[str, ...]) -> None:
    model = ElasticModel(blocks="I", num_classes=2, intra=1, inter=0, noise=1.0)
    options: dict[str, Any] = {"start": np.eye(2), "end": 1.0, "steps": 4, "paths": 2, "samples": 2, **changed}
    start = options.pop("start")
    refused(lambda: next(euler_chunks(model, start, rng=np.random.default_rng(0), **options)), *parts)


def test_unusable_paths_are_refused() -> None:
    model = ElasticModel(blocks="I", num_classes=2, intra=1, inter=0, noise=1.0)
    start, increments = np.zeros((2, 3, 2)), np.zeros((4, 2, 3, 2))
    refused(lambda: euler_maruyama(model, start, increments[:, :1], end=1.0), "(4, 1, 3, 2)", "K is 2")
    refused(lambda: euler_maruyama(model, start, increments[:0], end=1.0), "(0, 2, 3, 2)")
    refused(lambda: euler_maruyama(model, np.zeros((3, 3, 2)), np.zeros((4, 3, 3, 2)), end=1.0), "(3, 3, 2)", "(..., 2, n, 2)")
    refused(lambda: euler_maruyama(model, start + math.nan, increments, end=1.0, means=np.eye(2)), "not finite")
    refused(lambda: euler_maruyama(model, start, increments, end=1.0, means=np.eye(3)), "(3, 3)")
    refused(lambda: coarsened(increments, 3), "4 steps", "3")
    refused(lambda: coarsened(increments, 0), "factor is 0")
    refused(lambda: brownian_increments(rng=np.random.default_rng(0), end=1.0, steps=10**6, shape=(10**6,)), "GB", "1000000 Brownian")
    wild = ElasticModel(blocks="I", num_classes=2, intra=1e9, inter=0, noise=1.0)
    ones = np.ones((50, 2, 3, 2))
    refused(lambda: euler_maruyama(wild, start + 1.0, ones, end=1.0, drift="literal"), "leave the doubles", "t = 1")
    pole = ElasticModel(blocks="I", num_classes=2, intra="1/(1-t)", inter=0, noise=1.0)
    refused(lambda: euler_maruyama(pole, start, increments, end=3.0), "near t = 1")
