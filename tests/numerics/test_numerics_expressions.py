"""Expressions in t: read from text that is never run, and evaluated in three kinds of numbers."""

import math

import numpy as np
import pytest
import sympy
from flint import acb, arb
from hypothesis import given
from hypothesis import strategies as st
from refusals import refused

from layerpeel.numerics import TIME, UnusableInput, parse_expression
from layerpeel.numerics.locally_elastic._expression_values import evaluate_analytic, evaluate_array, evaluate_ball
from layerpeel.numerics.locally_elastic._expressions import require_expression

TIMES = np.array([0.25, 1.0, 3.5])
DIGITS = 1e-9
"""Agreement of two evaluations of five operations, relative above one: differences of equal-sized terms lose up to six digits."""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1/(1+t)", 1 / (1 + TIME)),
        (" -t/(2*(1 + t)) ", -TIME / (2 * (1 + TIME))),
        ("0.1", sympy.Rational(1, 10)),
        ("1e-3*t", TIME / 1000),
        ("1_000", sympy.Integer(1000)),
        ("2**-t", sympy.Integer(2) ** -TIME),
        ("+t - -t", 2 * TIME),
        ("e**t + ln(e)", sympy.exp(TIME) + 1),
        ("pi*sqrt(t)", sympy.pi * sympy.sqrt(TIME)),
        ("abs(sin(t))", sympy.Abs(sympy.sin(TIME))),
        ("2**3**2", sympy.Integer(512)),
        ("-2**2", sympy.Integer(-4)),
    ],
)
def test_text_reads_as_in_python(text: str, expected: sympy.Expr) -> None:
    assert parse_expression(text) == expected


LEAVES = st.sampled_from(["t", "2", "0.5", "3", "pi", "e", "1e-2"])


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda parts: f"({parts[0]}) {parts[1]} ({parts[2]})")
    calls = st.tuples(st.sampled_from(["exp", "sin", "cos", "tanh", "atan", "abs", "sinh", "cosh"]), inner).map(
        lambda parts: f"{parts[0]}({parts[1]})"
    )
    powers = st.tuples(inner, st.sampled_from(["2", "3", "-1"])).map(lambda parts: f"({parts[0]})**{parts[1]}")
    return pairs | calls | powers | inner.map(lambda text: f"-({text})")


NAMES = {"exp": np.exp, "sin": np.sin, "cos": np.cos, "tanh": np.tanh, "atan": np.arctan, "abs": np.abs, "sinh": np.sinh, "cosh": np.cosh}


@given(st.recursive(LEAVES, _grown, max_leaves=5))
def test_values_are_python_s_and_balls_hold_them(text: str) -> None:
    with np.errstate(all="ignore"):
        try:  # the text is the test's own
            direct = np.broadcast_to(eval(text, {**NAMES, "t": TIMES.astype(np.longdouble), "pi": np.pi, "e": np.e}), TIMES.shape)
        except ZeroDivisionError:
            refused(lambda: parse_expression(text), "finite real number")
            return
        try:
            expression = parse_expression(text)
        except UnusableInput:  # a constant that is no finite number, such as 1/(3 - 3)
            return
        values = evaluate_array(expression, TIMES)
    usable = np.isfinite(direct) & np.isfinite(values) & (np.abs(direct) < 1e100)
    size = np.maximum(np.abs(direct), 1.0)
    balls = [evaluate_ball(expression, arb(time)) for time in TIMES.tolist()]
    for index in np.flatnonzero(usable):
        assert abs(values[index] - direct[index]) <= DIGITS * size[index], text
        ball = balls[index]
        if ball.is_finite():
            width = float(ball.rad()) + DIGITS * float(size[index])
            assert abs(float(ball.mid()) - float(direct[index])) <= width, text


def test_a_ball_of_times_holds_all_values_between() -> None:
    for text in ("sqrt(t)/(1 + t)", "t**0.3", "exp(-t)*sin(3*t)", "abs(t - 1)", "(2 + t)**-0.7", "2**t"):
        expression = parse_expression(text)
        ball = evaluate_ball(expression, arb(0).union(arb(2)))
        assert ball.is_finite()
        values = evaluate_array(expression, np.linspace(0.0, 2.0, 101))
        assert float(ball.mid()) - float(ball.rad()) <= values.min() + DIGITS
        assert values.max() <= float(ball.mid()) + float(ball.rad()) + DIGITS


def test_branch_cuts_are_no_analytic_places() -> None:
    across = acb(-1) + acb(0).union(acb(0, 1)) - acb(0, 0.5)  # straddles the negative axis
    for text in ("log(t)", "sqrt(t)", "t**0.3"):
        assert not evaluate_analytic(parse_expression(text), across, True).is_finite()
    assert not evaluate_analytic(parse_expression("abs(t - 1)"), acb(0).union(acb(2)), True).is_finite()
    around_i = acb(0).union(acb(0, 2))
    assert not evaluate_analytic(parse_expression("atan(t)"), around_i, True).is_finite()
    assert evaluate_analytic(parse_expression("sin(t)"), across, True).is_finite()


@pytest.mark.parametrize(
    ("text", "piece"),
    [
        ("__import__('os').system('true')", "__import__"),
        ("t.real", "t.real"),
        ("x + 1", "'x'"),
        ("foo(t)", "'foo'"),
        ("t < 1", "t < 1"),
        ("t if t else 1", "t if t else 1"),
        ("lambda: t", "lambda"),
        ("[t]", "[t]"),
        ("(t, 1)", "(t, 1)"),
        ("'a'", "a"),
        ("True", "True"),
        ("1j", "1j"),
        ("t // 2", "t // 2"),
        ("t ^ 2", "write **"),
        ("exp(t, 2)", "one argument"),
        ("exp()", "one argument"),
        ("exp(x=t)", "one argument"),
        ("exp(*t)", "*t"),
        ("exp", "'exp'"),
        ("(t := 2)", "t := 2"),
        ("2t", "does not parse"),
        ("", "does not parse"),
        ("1 +", "does not parse"),
        ("\x00", "does not parse"),
        ("t" * 600, "600 characters"),
        ("-" * 400 + "t", "nested too deeply"),
        ("(" * 240 + "t" + ")" * 240, "does not parse"),
        ("9**9**9", "exponents"),
        ("t**1000", "exponents"),
        ("((1 + 1e-15)**100)**100", "digits"),
        ("(((10**100)**100)**100)**100", "digits"),
        ("1e400", "1e400"),
        ("1e-999999999", "1e-999999999"),
        ("1/0", "1/0"),
        ("t/(1 - 1)", "finite"),
        ("exp(1000)", "exp(1000)"),
        ("exp(exp(exp(exp(9))))", "exp(exp(9))"),
        ("log(-1)", "log(-1)"),
        ("(-1)**0.5", "(-1)**0.5"),
        ("sqrt(-t - 1)*sqrt(-1)", "sqrt(-1)"),
    ],
)
def test_everything_else_is_refused_with_its_piece(text: str, piece: str) -> None:
    refused(lambda: parse_expression(text), piece)


@given(st.text(alphabet="t0123456789.e+-*/() sqrtlogabinxp_,=[]'", max_size=30))
def test_no_text_does_anything_but_parse_or_be_refused(text: str) -> None:
    try:
        found = parse_expression(text)
    except UnusableInput:
        return
    assert found.free_symbols <= {TIME}


def test_long_zeros_are_not_expanded() -> None:
    assert parse_expression("0e999999999") == 0


def test_own_expressions_may_name_time_without_assumptions() -> None:
    assert require_expression(1 / (1 + sympy.Symbol("t"))) == 1 / (1 + TIME)
    assert math.isclose(evaluate_array(require_expression(sympy.exp(-sympy.Symbol("t", real=True))), np.ones(1))[0], math.exp(-1))


def test_own_expressions_of_other_things_are_refused() -> None:
    refused(lambda: require_expression(sympy.Symbol("s") * TIME), "'s'", "t only")
    refused(lambda: require_expression(sympy.gamma(TIME)), "gamma")
    refused(lambda: require_expression(sympy.Piecewise((1, TIME < 1), (2, True))), "evaluated")
