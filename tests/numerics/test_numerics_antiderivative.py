"""Integrals from 0 to any time: known ones, scales far beyond doubles, and what cannot be integrated."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from refusals import refused
from strategies import log_uniform

from layerpeel.numerics import antiderivative

TIMES = np.array([1e-6, 1e-3, 0.1, 1.0, 7.0, 10.0])
CLOSE = 1e-13
"""Relative error of an integral of one sign: a few hundred panels, each a few units in the last place."""

KNOWN: list[tuple[str, Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], np.ndarray]]] = [
    ("one", np.ones_like, lambda t: t),
    ("reciprocal", lambda t: 1 / (1 + t), np.log1p),
    ("root", np.sqrt, lambda t: t**1.5 / 1.5),
    ("tenth root", lambda t: t**0.1, lambda t: t**1.1 / 1.1),
    ("decay", lambda t: np.exp(-t), lambda t: -np.expm1(-t)),
    ("kink", lambda t: np.abs(t - 2), lambda t: np.where(t < 2, 2 * t - t**2 / 2, 4 - 2 * t + t**2 / 2)),
]


@pytest.mark.parametrize(("name", "function", "integral"), KNOWN)
def test_known_integrals(name: str, function: Callable[[np.ndarray], np.ndarray], integral: Callable[[np.ndarray], np.ndarray]) -> None:
    found = antiderivative(function, 10.0)
    exact = integral(TIMES)
    errors = np.abs(found(TIMES) - exact)
    assert (errors <= CLOSE * exact.max()).all(), name
    assert (errors <= found.error(TIMES) + np.finfo(float).eps * exact).all(), name
    assert found(np.zeros(1)) == 0.0


def test_a_narrow_bump_is_seen() -> None:
    found = antiderivative(lambda t: np.exp(-0.5 * ((t - 4.3) / 0.05) ** 2), 10.0)(np.array([10.0]))[0]
    assert math.isclose(found, 0.05 * math.sqrt(2 * math.pi), rel_tol=CLOSE)


def test_a_jump_ends_in_panels_too_narrow_to_matter() -> None:
    found = antiderivative(lambda t: np.where(t < 2.0 / 3.0, 1.0, 5.0), 3.0)
    assert math.isclose(found(np.array([3.0]))[0], 2 / 3 + 5 * (3 - 2 / 3), rel_tol=CLOSE)
    told = antiderivative(lambda t: np.where(t < 2.0 / 3.0, 1.0, 5.0), 3.0, breaks=np.array([2.0 / 3.0]))
    assert len(told.edges) < len(found.edges)


@given(scale=log_uniform(1e-3, 1e6), end=log_uniform(1e-6, 1e6))
def test_integrals_scale_with_time(scale: float, end: float) -> None:
    """∫_0^T f(t/s) dt = s ∫_0^{T/s} f: the same twin whatever the unit of time."""
    one = antiderivative(lambda t: 1 / (1 + t / scale) ** 2, end)(np.array([end]))[0]
    assert math.isclose(one, end / (1 + end / scale), rel_tol=CLOSE)


@pytest.mark.parametrize("rate", [2.0, -2.0])
def test_growth_beyond_doubles_keeps_its_digits_at_all_times(rate: float) -> None:
    """∫ e^{rτ}(1, cos τ) dτ in closed form, at times when it is 1e-6 and when it is e^2000."""
    times = np.array([1e-4, 1.0, 30.0, 500.0, 1000.0])
    found = antiderivative(lambda t: np.stack([np.ones_like(t), np.cos(t)], axis=1), 1000.0, log_weight=lambda t: rate * t)
    mantissas, errors, logs = found.scaled(times)
    grown, one = np.exp(rate * times - logs), np.exp(-logs)
    first = np.where(np.abs(rate * times) < 1, np.expm1(np.clip(rate * times, -1, 1)) * one, grown - one) / rate
    second = (grown * (rate * np.cos(times) + np.sin(times)) - rate * one) / (1 + rate**2)
    assert (np.abs(mantissas[:, 0] - first) <= CLOSE * np.abs(first)).all()
    assert (np.abs(mantissas[1:, 1] - second[1:]) <= 20 * CLOSE * np.abs(second[1:])).all()  # cos changes sign: up to 20-fold cancellation
    assert (np.abs(mantissas[:, 0] - first) <= errors[:, 0] + 4 * np.finfo(float).eps * np.abs(first)).all()
    assert np.isfinite(mantissas).all()


def test_early_times_do_not_pay_for_later_growth() -> None:
    found = antiderivative(np.sqrt, 1000.0, log_weight=lambda t: t)
    mantissa, _, log = found.scaled(np.array([0.01]))
    series = sum(0.01 ** (k + 1.5) / (math.factorial(k) * (k + 1.5)) for k in range(8))
    assert math.isclose(float(mantissa[0] * np.exp(log[0])), series, rel_tol=1e-12)


def test_a_function_that_the_weight_outgrows_keeps_its_digits() -> None:
    """Beside 1·e^t, e^{−t}(1 + sin(40t)/2)·e^t is of order one: too small for the first to notice, and yet resolved."""
    times = np.array([50.0, 100.0])
    found = antiderivative(
        lambda t: np.stack([np.ones_like(t), np.exp(-t) * (1 + 0.5 * np.sin(40 * t))], axis=1), 100.0, log_weight=lambda t: t
    )
    mantissas, _, logs = found.scaled(times)
    exact = times + 0.5 * (1 - np.cos(40 * times)) / 40
    assert np.allclose(mantissas[:, 1] * np.exp(logs), exact, rtol=100 * CLOSE)  # e^{−t} e^t cancels to t·eps


def test_nothing_integrates_to_nothing() -> None:
    found = antiderivative(np.zeros_like, 5.0)
    assert found(np.array([5.0]))[0] == 0.0
    assert found.error(np.array([5.0]))[0] == 0.0


@pytest.mark.parametrize(
    ("function", "place"),
    [
        (lambda t: 1 / t, "t = 0"),
        (lambda t: 1 / np.abs(t - math.sqrt(2)), "t = 1.41421"),
        (lambda t: 1 / np.sqrt(np.abs(t - math.sqrt(2))), "t = 1.41421"),
        (lambda t: np.where(t > 1.7, np.nan, t), "t = 1.7"),
        (lambda t: np.where(t > 1.7, np.inf, t), "t = 1.7"),
        (lambda t: np.sign(np.sin(1e6 * t)), "change too often"),
    ],
)
def test_what_cannot_be_integrated_is_refused_with_its_place(function: Callable[[np.ndarray], np.ndarray], place: str) -> None:
    with np.errstate(divide="ignore"):
        refused(lambda: antiderivative(function, 3.0, what="the rate"), "the rate", place)


def test_panels_beyond_the_limit_are_kept_when_all_have_converged() -> None:
    found = antiderivative(lambda t: np.sin(1000.0 * t), 1000.0)
    times = np.array([0.3, 1000.0])
    assert np.allclose(found(times), (1.0 - np.cos(1000.0 * times)) / 1000.0, rtol=0.0, atol=1e-12)
