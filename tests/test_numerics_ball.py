"""From balls to doubles and decimals with outward rounding; expressions into balls; norms that need no trust."""

import math
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import sympy
from flint import arb, ctx
from hypothesis import given
from hypothesis import strategies as st
from strategies import OFTEN_ENOUGH, dense_matrices, log_uniform, tally

from numerics import PRECISION, decimal_bounds, enclose_expression, norm_bounds, to_bracket

TIGHT = 1e-12
"""Slack of the norm bounds: the SVD's residual is a few hundred roundings at these sizes."""


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


def balls(matrix: np.ndarray) -> list[list[arb]]:
    return [[arb(entry) for entry in row] for row in matrix.tolist()]


@given(dense_matrices(), log_uniform(1e-6, 1e6))
def test_norm_bounds_are_upper_bounds_and_tight(matrix: np.ndarray, scale: float) -> None:
    with ctx.workprec(PRECISION):
        spectral, nuclear = norm_bounds(balls(scale * matrix))
        # Independent and exact: ⟨A, uvᵀ⟩ and ⟨A, UVᵀ⟩ are lower bounds of the norms, up to the defect of U and V from isometry.
        left, values, right = np.linalg.svd(scale * matrix)
    defect = 1 + TIGHT
    assert float(spectral.upper()) * defect >= values[0]
    assert float(nuclear.upper()) * defect >= values.sum()
    assert float(spectral.upper()) <= values[0] * (1 + TIGHT)
    assert float(nuclear.upper()) <= values.sum() * (1 + TIGHT)
    assert np.linalg.norm(left.T @ left - np.eye(len(values))) < TIGHT
    assert np.linalg.norm(right @ right.T - np.eye(len(values))) < TIGHT


@given(st.lists(st.fractions(-10, 10, max_denominator=64), min_size=1, max_size=5))
def test_norm_bounds_of_rotated_diagonals_contain_the_exact_norms(values: list[Fraction]) -> None:
    """A Householder reflection with rational entries leaves singular values known exactly, so the bound is held against fractions."""
    size = len(values)
    ones = sum((Fraction(1) for _ in range(size)), Fraction(0))
    reflection = [[Fraction(int(i == j)) - 2 / ones for j in range(size)] for i in range(size)]
    matrix = [
        [sum((reflection[i][k] * values[k] * int(k == j) for k in range(size)), Fraction(0)) for j in range(size)] for i in range(size)
    ]
    with ctx.workprec(PRECISION):
        spectral, nuclear = norm_bounds([[arb(entry.numerator) / entry.denominator for entry in row] for row in matrix])
        largest, total = max(abs(value) for value in values), sum((abs(value) for value in values), Fraction(0))
        assert spectral.upper() >= arb(largest.numerator) / largest.denominator - arb(10) ** -30  # the radius of the comparison ball
        assert nuclear.upper() >= arb(total.numerator) / total.denominator - arb(10) ** -30
        assert float(spectral) <= float(largest) * (1 + TIGHT) + TIGHT
        assert float(nuclear) <= float(total) * (1 + TIGHT) + TIGHT


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_norm_bounds_of_wide_balls_cover_every_matrix_inside(size: int) -> None:
    rng = np.random.default_rng(size)
    middle, radius = rng.standard_normal((size, size)), 0.1
    with ctx.workprec(PRECISION):
        spectral, nuclear = norm_bounds([[arb(entry, radius) for entry in row] for row in middle.tolist()])
    for _ in range(50):
        inside = middle + radius * rng.choice([-1.0, 1.0], size=(size, size))
        values = np.linalg.svd(inside, compute_uv=False)
        assert float(spectral.upper()) >= values[0] * (1 - TIGHT)
        assert float(nuclear.upper()) >= values.sum() * (1 - TIGHT)


def test_norm_bounds_do_not_trust_the_svd(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a wrong factorisation the bounds get loose, never wrong."""
    matrix = np.random.default_rng(5).standard_normal((4, 4))
    values = np.linalg.svd(matrix, compute_uv=False)
    wrong = np.eye(4), np.array([0.3, 0.2, 0.1, 0.0]), np.eye(4)
    monkeypatch.setattr(np.linalg, "svd", lambda _: wrong)
    with ctx.workprec(PRECISION):
        spectral, nuclear = norm_bounds(balls(matrix))
    assert float(spectral.upper()) >= values[0]
    assert float(nuclear.upper()) >= values.sum()
