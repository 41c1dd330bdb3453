"""Rates of time, however they are given: the same values, the same integrals, enclosures, and refusals with their place."""

import math
from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from refusals import refused
from scipy.integrate import quad
from strategies import log_uniform

from layerpeel.numerics import TIME, as_rate, parse_expression
from layerpeel.numerics.locally_elastic._rates import singular_place

TIMES = np.array([0.0, 0.3, 1.0, 4.5])
CLOSE = 1e-13
"""Relative to ∫|rate|: a hundred panels, each a few units in the last place."""
EPS = float(np.finfo(float).eps)


@pytest.mark.parametrize(
    "source",
    [
        "exp(-t)/(1 + t)",
        sympy.exp(-TIME) / (1 + TIME),
        sympy.exp(-sympy.Symbol("t")) / (1 + sympy.Symbol("t")),
        lambda t: np.exp(-t) / (1 + t),
        lambda t: math.exp(-t) / (1 + t),
        as_rate("exp(-t)/(1 + t)"),
    ],
)
def test_one_rate_said_in_six_ways(source: object) -> None:
    rate = as_rate(source)
    assert np.allclose(rate.value(TIMES), np.exp(-TIMES) / (1 + TIMES), rtol=4 * EPS, atol=0.0)
    for time, found in zip(TIMES[1:], rate.integral(TIMES)[1:], strict=True):
        assert math.isclose(found, quad(lambda t: math.exp(-t) / (1 + t), 0.0, time, epsabs=0.0, epsrel=1e-13)[0], rel_tol=1e-12)


def test_numbers_are_constant_rates() -> None:
    for number in (2, 2.0, np.float64(2.0), np.int64(2), Fraction(2), "2", sympy.Integer(2)):
        rate = as_rate(number)
        assert rate.value([[0.0, 1.0]]).tolist() == [[2.0, 2.0]]
        assert rate.integral(3.0).item() == pytest.approx(6.0, rel=CLOSE)
        assert rate.integral_bracket(3.0).contains(6.0)


@pytest.mark.parametrize(
    ("text", "end", "exact"),
    [
        ("1/(1+t)", "1000", lambda t: mp.log(1 + t)),
        ("-t/(2*(1+t))", "5", lambda t: -(t - mp.log(1 + t)) / 2),
        ("(1+t)**-0.5", "10000", lambda t: 2 * (mp.sqrt(1 + t) - 1)),
        ("t**0.3", "1000000", lambda t: t ** mp.mpf("1.3") / mp.mpf("1.3")),
        ("sqrt(t)", "10", lambda t: t ** mp.mpf("1.5") / mp.mpf("1.5")),
        ("sin(t)", "100", lambda t: 1 - mp.cos(t)),
        ("atan(t)", "3", lambda t: t * mp.atan(t) - mp.log(1 + t * t) / 2),
        ("abs(1-t)", "3", lambda t: (1 + (t - 1) ** 2) / 2),
        ("2**(-t)", "8", lambda t: (1 - mp.mpf(2) ** -t) / mp.log(2)),
    ],
)
def test_integrals_are_enclosed_in_fifty_digits(text: str, end: str, exact: object) -> None:
    with mp.workdps(50):
        value = exact(mp.mpf(end))  # pyright: ignore[reportCallIssue]
        bracket = as_rate(text).integral_bracket(float(end))
        assert bracket.rigorous
        assert mp.mpf(bracket.lower) <= value <= mp.mpf(bracket.upper)
        assert bracket.width <= 4 * EPS * abs(float(value))
        antiderivative = as_rate(text).antiderivative(float(end))
        error = abs(antiderivative(np.array([float(end)]))[0] - float(value))
        grid = np.linspace(0.0, float(end), 2001)
        size = np.trapezoid(np.abs(as_rate(text).value(grid)), grid)
        assert error <= CLOSE * size
        assert error <= antiderivative.error(np.array([float(end)]))[0]


@given(st.lists(st.tuples(log_uniform(1e-3, 1e3), st.floats(-10, 10)), min_size=1, max_size=8), st.floats(-5, 5))
def test_samples_are_joined_by_straight_lines(samples: list[tuple[float, float]], first: float) -> None:
    times = np.concatenate([[0.0], np.cumsum([gap for gap, _ in samples])])
    values = np.array([first] + [value for _, value in samples])
    rate = as_rate((times, values))
    trapezoids = np.concatenate([[0.0], np.cumsum(0.5 * np.diff(times) * (values[1:] + values[:-1]))])
    size = np.trapezoid(np.abs(values), times) + np.abs(values).max() * times[-1] * EPS + np.finfo(float).tiny
    assert (np.abs(rate.integral(times) - trapezoids) <= CLOSE * size).all()
    assert np.allclose(rate.value(times), values, rtol=0.0, atol=0.0)


def test_sums_of_expressions_cancel_exactly() -> None:
    alpha, beta = as_rate("1000 + 1/(1+t)"), as_rate(1000)
    assert (alpha - beta).expression == 1 / (1 + TIME)
    third = alpha.scaled(Fraction(1, 3)) + alpha.scaled(Fraction(2, 3)) - alpha
    assert third.expression == 0


def test_sums_of_samples_keep_both_sets_of_kinks() -> None:
    total = as_rate(([0.0, 1.0, 4.0], [0.0, 1.0, 0.0])) - as_rate(([0.0, 2.0, 3.0], [1.0, 0.0, 0.0]))
    assert total.breaks.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert total.last == 3.0
    assert total.value([0.5, 1.5]).tolist() == pytest.approx([0.5 - 0.75, 5 / 6 - 0.25])
    refused(lambda: total.integral(3.5), "known up to t = 3", "3.5")


@pytest.mark.parametrize(
    ("text", "end", "place"),
    [
        ("1/t", 5.0, 0.0),
        ("log(t)", 5.0, 0.0),
        ("1/sqrt(t)", 5.0, 0.0),
        ("1/(t-1)", 2.0, 1.0),
        ("1/(t-1)", 1.0, 1.0),
        ("tan(t)", 3.0, math.pi / 2),
        ("sqrt(1-t)", 3.0, 1.0),
        ("log(2-t)", 3.0, 2.0),
        ("1/(t**2-2)", 100.0, math.sqrt(2)),
        ("exp(1/(3-t))", 4.0, 3.0),
    ],
)
def test_singularities_are_refused_with_their_place(text: str, end: float, place: float) -> None:
    found = singular_place(parse_expression(text), end)
    assert found is not None
    assert math.isclose(found, place, abs_tol=1e-6 * end)
    refused(lambda: as_rate(text).integral(end), f"near t = {found:.6g}", text)
    refused(lambda: as_rate(text).integral_bracket(end), text)


@pytest.mark.parametrize("text", ["1/t", "tan(t)", "1/(t-1)", "sqrt(1-t)"])
def test_before_or_without_the_singularity_there_is_none(text: str) -> None:
    shifted, end = (text.replace("t)", "t/10)"), 0.9) if text != "1/t" else ("1/(1+t)", 1e6)
    assert singular_place(parse_expression(shifted), end) is None
    assert np.isfinite(as_rate(shifted).integral(end))


def test_poles_of_callables_are_met_too() -> None:
    refused(lambda: as_rate(lambda t: 1 / np.abs(t - math.sqrt(2))).integral(3.0), "1.41421")
    refused(lambda: as_rate(lambda t: 1 / t).integral(3.0), "near t = 0")
    refused(lambda: as_rate(lambda t: 1 / (t - 1.0)).value([1.0]), "not a finite number at t = 1")


def test_a_callable_of_one_time_is_called_one_by_one() -> None:
    rate = as_rate(lambda t: 1.0 if t < 2 else 3.0)
    assert rate.value([1.0, 2.0]).tolist() == [1.0, 3.0]
    assert rate.integral(5.0).item() == pytest.approx(11.0, rel=CLOSE)


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        (True, ("True",)),
        (math.nan, ("nan", "finite")),
        (math.inf, ("inf",)),
        (None, ("NoneType",)),
        ({}, ("dict",)),
        ([1.0, 2.0, 3.0], ("list",)),
        (([0.0], [1.0]), ("at least 2",)),
        (([0.0, 1.0], [1.0]), ("(2,)", "(1,)")),
        (([0.0, 1.0], ["a", 1.0]), ("no number",)),
        (([0.0, 1.0], [1.0, math.nan]), ("sample 1", "nan")),
        (([0.0, 2.0, 2.0], [1.0, 1.0, 1.0]), ("increase",)),
        (([1.0, 2.0], [1.0, 1.0]), ("begin at 1",)),
        ("1/(1+s)", ("'s'",)),
        (sympy.Symbol("s"), ("'s'",)),
    ],
)
def test_what_is_no_rate_is_refused(source: object, parts: tuple[str, ...]) -> None:
    refused(lambda: as_rate(source), *parts)


def test_what_returns_no_number_is_refused() -> None:
    refused(lambda: as_rate(lambda t: "a").value([1.0]), "does not return a number", "t = 1")
    refused(lambda: as_rate(lambda t: None).value([1.0]), "does not return a number")


def test_times_must_be_usable() -> None:
    rate = as_rate("1/(1+t)")
    assert rate.integral(0.0).item() == 0.0
    refused(lambda: rate.integral(-1.0), "times")
    refused(lambda: rate.integral([]), "times")
    refused(lambda: rate.integral(math.inf), "times")
    refused(lambda: rate.antiderivative(0.0), "time is 0.0")
    refused(lambda: as_rate(lambda t: t).integral_bracket(1.0), "values only")
