"""From balls to doubles and decimals with outward rounding; expressions into balls."""

import math
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

import pytest
import sympy
from flint import arb, ctx
from hypothesis import given
from hypothesis import strategies as st
from strategies import OFTEN_ENOUGH, log_uniform, tally

from layerpeel.numerics import PRECISION, decimal_bounds, enclose_expression, to_bracket


def exact(mantissa: int, exponent: int) -> Fraction:
    """mantissa · 2^exponent."""
    return Fraction(mantissa) * Fraction(2) ** exponent


MANTISSAS = st.one_of(st.integers(-3, 3), st.integers(-(2**200), 2**200))
EXPONENTS = st.one_of(st.integers(-8, 8), st.integers(-1400, 1100), st.integers(-4000, 4000))


def dyadic(mantissa: int, exponent: int) -> arb:
    """The exact ball of mantissa · 2^exponent."""
    with ctx.workprec(max(abs(mantissa).bit_length(), 2) + 8):
        return arb(mantissa) * arb(2) ** exponent


@given(MANTISSAS, EXPONENTS)
def test_to_bracket_rounds_outward_to_neighbouring_doubles(mantissa: int, exponent: int) -> None:
    value = exact(mantissa, exponent)
    with ctx.workprec(256):
        found = to_bracket(dyadic(mantissa, exponent))
    assert found.rigorous
    assert math.isinf(found.lower) or Fraction(found.lower) <= value
    assert math.isinf(found.upper) or Fraction(found.upper) >= value
    assert found.lower < math.inf
    assert found.upper > -math.inf
    # Tightest: nothing representable lies strictly between an end and the value.
    assert found.upper in (found.lower, math.nextafter(found.lower, math.inf))


def test_to_bracket_of_huge_and_tiny_balls() -> None:
    with ctx.workprec(64):
        huge, tiny = arb(2) ** 5000, arb(2) ** -5000
        assert (to_bracket(huge).lower, to_bracket(huge).upper) == (1.7976931348623157e308, math.inf)
        assert (to_bracket(tiny).lower, to_bracket(tiny).upper) == (0.0, 5e-324)
        assert (to_bracket(-tiny).lower, to_bracket(-tiny).upper) == (-5e-324, 0.0)


@given(st.integers(-(2**60), 2**60), log_uniform(1e-30, 1e30))
def test_to_bracket_contains_the_whole_of_a_wide_ball(middle: int, radius: float) -> None:
    with ctx.workprec(PRECISION):
        found = to_bracket(arb(middle, radius))
    assert Fraction(found.lower) <= middle - Fraction(radius)
    assert Fraction(found.upper) >= middle + Fraction(radius)


@pytest.mark.parametrize("ball", [arb("nan"), arb("inf"), arb("-inf"), arb(0, math.inf)], ids=str)
@pytest.mark.parametrize("convert", [to_bracket, lambda ball: decimal_bounds(ball, 5)], ids=["bracket", "decimal"])
def test_a_ball_that_is_not_finite_is_refused(convert: Callable[[arb], object], ball: arb) -> None:
    with pytest.raises(ArithmeticError, match="is not finite; raise the working precision or check the input"):
        convert(ball)


@given(MANTISSAS, EXPONENTS, st.integers(1, 40))
def test_decimal_bounds_enclose_exactly_and_are_tight(mantissa: int, exponent: int, digits: int) -> None:
    value = exact(mantissa, exponent)
    with ctx.workprec(256):
        lower, upper = (Fraction(Decimal(text)) for text in decimal_bounds(dyadic(mantissa, exponent), digits))
    assert lower <= value <= upper
    # One unit in the last of `digits` digits is at most 10^(1 − digits) of the value.
    assert upper - lower <= abs(value) / Fraction(10) ** (digits - 1)


@pytest.mark.parametrize("numerator", [1, 2, 7, 9, 10, 13, 95, 99, 100, 1000, 123456, 10**12])
@pytest.mark.parametrize("digits", [2, 5, 17])
def test_decimal_bounds_have_as_many_significant_digits_as_asked_for(numerator: int, digits: int) -> None:
    for text in decimal_bounds(arb(numerator) / 7, digits):
        found = Decimal(text)
        last_place = Decimal(10) ** (found.adjusted() - digits + 1)
        assert found % last_place == 0, text


@pytest.mark.parametrize(
    ("ball", "digits", "expected"),
    [
        (arb(0), 5, ("0", "0")),
        (arb(1) / 3, 3, ("0.333", "0.334")),
        (-arb(1) / 3, 3, ("-0.334", "-0.333")),
        (arb(2) ** 100, 3, ("1.26e+30", "1.27e+30")),
        (-(arb(2) ** 100), 3, ("-1.27e+30", "-1.26e+30")),
        (arb(2) ** -100, 3, ("7.88e-31", "7.89e-31")),
    ],
    ids=str,
)
def test_decimal_bounds_of_special_values(ball: arb, digits: int, expected: tuple[str, str]) -> None:
    assert decimal_bounds(ball, digits) == expected


def test_decimal_bounds_have_no_cap_on_digits() -> None:
    with ctx.workprec(40_000):
        lower, upper = decimal_bounds(arb(2).sqrt(), 10_000)
    # Compared as strings: Python refuses to turn more than 4300 digits into an integer.
    assert len(lower) == len(upper) == 10_001
    assert lower[:9_990] == upper[:9_990]
    assert lower.startswith("1.41421356237309504880168872420969807856967187537694")  # √2, OEIS A002193


def test_the_strategies_of_dyadic_numbers_are_rich() -> None:
    def labels(number: tuple[int, int]) -> list[str]:
        mantissa, exponent = number
        size = abs(mantissa).bit_length() + exponent
        sign = "zero" if mantissa == 0 else "negative" if mantissa < 0 else "positive"
        return [sign, "overflow" if size > 1024 else "underflow" if size < -1074 else "ordinary"]

    seen = tally(st.tuples(MANTISSAS, EXPONENTS), labels)
    assert all(seen[label] >= OFTEN_ENOUGH for label in ("zero", "negative", "positive", "overflow", "underflow", "ordinary")), seen


X, Y = sympy.symbols("x y", positive=True)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (X + 10 * Y, 32.0),  # alphabetical order: x = 2, y = 3
        (X * Y - sympy.Rational(1, 3), 17 / 3),
        (X**Y, 8.0),
        (sympy.sqrt(Y), math.sqrt(2)),  # y alone is the first symbol: y = 2
        (sympy.exp(X), math.exp(2)),
        (sympy.log(X * Y), math.log(6)),
        (sympy.cos(X), math.cos(2)),
        (sympy.sin(X), math.sin(2)),
        (sympy.tan(X), math.tan(2)),
        (sympy.acos(X / 5), math.acos(0.4)),
        (sympy.Abs(X - Y), 1.0),
        (sympy.pi + sympy.E, math.pi + math.e),
        (1 / (X - 5), -1 / 3),
    ],
    ids=str,
)
def test_enclosures_of_expressions_contain_their_value(expression: sympy.Expr, expected: float) -> None:
    ball = enclose_expression(expression)
    assert abs(float(ball) - expected) <= 4e-16 * abs(expected)  # both evaluations are good to an ulp or two
    assert float(ball.rad()) <= 1e-14


def test_identities_enclose_zero_and_near_identities_do_not() -> None:
    with ctx.workprec(256):
        assert enclose_expression(sympy.log(X * Y) - sympy.log(X) - sympy.log(Y)).contains(0)
        assert not enclose_expression(sympy.log(X * Y) - sympy.log(X) - sympy.log(Y) + sympy.Rational(1, 10**60)).contains(0)
        # An expression outside its domain proves nothing.
        assert enclose_expression(sympy.acos(X)).contains(0)


@pytest.mark.parametrize("expression", [sympy.gamma(X), sympy.Float(0.5), sympy.I * X], ids=str)
def test_what_has_no_ball_counterpart_is_refused(expression: sympy.Expr) -> None:
    with pytest.raises(TypeError, match="has no ball arithmetic here"):
        enclose_expression(expression)
