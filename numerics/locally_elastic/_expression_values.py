"""Values of expressions in t: in arrays, in real balls, and in complex balls for rigorous integrals."""

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import sympy
from flint import acb, arb, fmpq

TIME = sympy.Symbol("t", nonnegative=True)
"""Time, in every expression."""

_ARRAY_FUNCTIONS: Mapping[Any, Callable[[Any], Any]] = {
    sympy.exp: np.exp,
    sympy.log: np.log,
    sympy.sin: np.sin,
    sympy.cos: np.cos,
    sympy.tan: np.tan,
    sympy.sinh: np.sinh,
    sympy.cosh: np.cosh,
    sympy.tanh: np.tanh,
    sympy.atan: np.arctan,
    sympy.Abs: np.abs,
}
_BALL_METHODS = {function: getattr(function, "__name__", "").lower() for function in _ARRAY_FUNCTIONS if function is not sympy.Abs}


def _fold(
    node: sympy.Basic,
    time: Any,
    constant: Callable[[Any], Any],
    power: Callable[[Any, sympy.Expr, Any], Any],
    apply: Callable[[Any, Any], Any],
) -> Any:
    """Evaluate an expression bottom-up in one kind of number."""
    if node == TIME:
        return time
    if isinstance(node, sympy.Rational | sympy.Float) or node in (sympy.pi, sympy.E):
        return constant(node)
    parts = [_fold(part, time, constant, power, apply) for part in node.args]
    if isinstance(node, sympy.Add):
        return sum(parts[1:], parts[0])
    if isinstance(node, sympy.Mul):
        return math.prod(parts[1:], start=parts[0])
    if isinstance(node, sympy.Pow):
        return power(parts[0], node.exp, parts[1])
    if node.func in _ARRAY_FUNCTIONS:
        return apply(node.func, parts[0])
    raise TypeError(f"{node.func.__name__} has no evaluation here")


def evaluate_array(expression: sympy.Expr, times: np.ndarray) -> np.ndarray:
    """Values in doubles; NaN or infinite where the expression is not a finite real number.

    Example:
        >>> evaluate_array(TIME**2 / 4, np.array([2.0, 4.0])).tolist()
        [1.0, 4.0]
    """
    with np.errstate(all="ignore"):
        return np.broadcast_to(_fold(expression, times, _double, _array_power, _array_function), times.shape)


def _double(number: Any) -> np.float64:
    return np.float64(float(number))


def _array_power(base: Any, exponent: Any, value: Any) -> Any:
    if exponent == sympy.Rational(1, 2):
        return np.sqrt(base)
    return base ** (int(exponent) if isinstance(exponent, sympy.Integer) and exponent > 0 else value)


def _array_function(function: Any, values: Any) -> Any:
    return _ARRAY_FUNCTIONS[function](values)


TOUCHING = arb(2) ** -20
"""A ball's radius is rounded up, so a base that touches zero looks slightly negative: below this share it is taken as zero."""


def evaluate_ball(expression: sympy.Expr, time: arb) -> arb:
    """Values on a ball of times; not finite where the expression is singular, or not real, on part of the ball.

    Example:
        >>> evaluate_ball(1 / (1 + TIME), arb(1)).contains(0.5)
        True
    """
    return _fold(expression, time, _exact, _ball_power, _ball_function)


def _exact(number: Any) -> arb:
    if isinstance(number, sympy.Rational):
        return arb(fmpq(int(number.p), int(number.q)))
    if number == sympy.pi:
        return arb.pi()
    return arb(1).exp() if number == sympy.E else arb(float(number))


def _ball_power(base: arb, exponent: Any, value: arb) -> arb:
    if isinstance(exponent, sympy.Integer):
        return base ** int(exponent)
    if not (isinstance(exponent, sympy.Rational) and base.is_finite() and base.lower() > -TOUCHING * base.upper()):
        return base**value
    # x ↦ x^y is monotone on x ≥ 0, and its ends are finite where a logarithm at 0 is not
    power = _power_at(base.lower(), abs(value)).union(_power_at(base.upper(), abs(value)))
    return power if exponent > 0 else 1 / power


def _power_at(point: arb, exponent: arb) -> arb:
    """x^y for one x ≥ 0 and y > 0."""
    return (exponent * point.log()).exp() if point > 0 else arb(0)


def _ball_function(function: Any, ball: arb) -> arb:
    return abs(ball) if function is sympy.Abs else getattr(ball, _BALL_METHODS[function])()


def evaluate_analytic(expression: sympy.Expr, time: acb, analytic: bool) -> acb:
    """An enclosure on a complex ball of times; not finite when `analytic` and the expression is not analytic on the whole ball."""
    return _fold(expression, time, _exact_complex, partial(_analytic_power, analytic), partial(_analytic_function, analytic))


def _exact_complex(number: Any) -> acb:
    return acb(_exact(number))


def _analytic_power(analytic: bool, base: acb, exponent: Any, value: acb) -> acb:
    if isinstance(exponent, sympy.Integer):
        return base ** int(exponent)
    if not analytic and base.contains(0) and bool(exponent > 0):
        reach = _power_at(base.abs_upper(), value.real)  # |x^y| = |x|^y, where the logarithm of 0 is not finite
        return acb(reach.union(-reach), reach.union(-reach))
    return base.pow(value, analytic=analytic)


def _analytic_function(analytic: bool, function: Any, ball: acb) -> acb:
    if function is sympy.Abs:
        return ball.real_abs(analytic=analytic)
    if function is sympy.log:
        return ball.log(analytic=analytic)
    if function is sympy.atan and analytic and not abs(ball.imag) < 1:  # the branch cuts begin at ±i
        return acb("nan", "nan")
    return getattr(ball, _BALL_METHODS[function])()
