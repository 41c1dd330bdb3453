"""Safeguarded Newton: convergence from anywhere, roots at the ends, and refusal."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import log_uniform

from layerpeel.numerics import increasing_root

NEAR = 1e-14
"""Relative error of a root: the last Newton step is below 1e-9, so its square and a few roundings are left."""


@given(log_uniform(1e-20, 1e20), log_uniform(1e-3, 1e3), st.floats(1.0, 9.0))
def test_roots_of_powers_are_found_from_any_start(root: float, off: float, power: float) -> None:
    def function(x: float) -> tuple[float, float]:
        return power * math.log(x / root), power / x

    assert increasing_root(function, start=root * off) == pytest.approx(root, rel=NEAR)


@given(log_uniform(1e-9, 50.0), st.floats(0.0, 100.0))
def test_roots_are_found_where_newton_alone_diverges(root: float, start: float) -> None:
    """arctan: from beyond 1.39 scale lengths Newton's method runs away; inside a bracket it converges."""

    def function(x: float) -> tuple[float, float]:
        return math.atan(20 * (x - root)), 20 / (1 + (20 * (x - root)) ** 2)

    assert increasing_root(function, start=start, upper=100.0) == pytest.approx(root, rel=1e-11, abs=1e-14)  # x − root cancels


def test_doubling_reaches_a_far_root_over_a_flat_stretch() -> None:
    def function(x: float) -> tuple[float, float]:
        return (-1.0, 0.0) if x < 1e6 else (x - 1e6 - 3.0, 1.0)

    assert increasing_root(function, start=0.5) == pytest.approx(1e6 + 3, rel=NEAR)


def test_a_root_at_the_lower_end_is_approached() -> None:
    assert increasing_root(lambda x: (x, 1.0), start=3.0) <= 1e-25  # the documented distance from a lower end of zero
    assert increasing_root(lambda x: (x**3, 3 * x * x), start=1.0, upper=2.0) <= 1e-8  # a triple root, by bisection


def test_a_root_at_the_upper_end_is_found() -> None:
    assert increasing_root(lambda x: (x - 2.0, 1.0), start=0.5, upper=2.0) == 2.0


def test_an_exact_zero_ends_the_search_at_once() -> None:
    visited: list[float] = []

    def function(x: float) -> tuple[float, float]:
        visited.append(x)
        return x - 1.5, 1.0

    assert increasing_root(function, start=1.5) == 1.5
    assert visited == [1.5]


@given(st.floats(0.1, 10.0), st.floats(0.01, 20.0))
def test_the_function_is_only_evaluated_inside_the_bracket(root: float, start: float) -> None:
    def function(x: float) -> tuple[float, float]:
        assert 0.0 <= x <= 20.0
        return math.expm1(x - root), math.exp(x - root)

    assert increasing_root(function, start=start, upper=20.0) == pytest.approx(root, rel=1e-13)  # x − root cancels


def test_a_function_without_a_root_is_an_error_not_an_answer() -> None:
    with pytest.raises(ArithmeticError, match=r"no root of an increasing function found in \[.*inf\] after 200 steps"):
        increasing_root(lambda x: (-1.0, 1.0), start=1.0)


@pytest.mark.parametrize("upper", [1.0, math.inf])
def test_nan_is_an_error_not_an_answer(upper: float) -> None:
    with pytest.raises(ArithmeticError):
        increasing_root(lambda x: (math.nan, 1.0), start=0.5, upper=upper)
