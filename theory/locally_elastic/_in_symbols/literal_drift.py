"""Mean over deviation of a difference under the literal drift, in symbols."""

from typing import Any

import sympy

GAMMA, K, SIGMA, DELTA0, SIGMA0, T = sympy.symbols("gamma K sigma delta0 sigma0 t", positive=True)
NO_SPREAD = sympy.Integer(0)
SINGLE_NOISE = DELTA0 / (SIGMA * sympy.sqrt(K / (2 * GAMMA)))
"""The limit without spread, if the noise of a difference were that of one sample."""


def stated_limit(spread: sympy.Expr) -> sympy.Expr:
    """Of mean over deviation of D, for features of this deviation at time 0."""
    return DELTA0 / sympy.sqrt(2 * spread**2 + SIGMA**2 * K / GAMMA)


def limit_of_quotient(spread: sympy.Expr) -> sympy.Expr:
    """Of mean over deviation of D."""
    rate = GAMMA / K
    mean, variance = solved(rate, sympy.Integer(0), DELTA0), solved(2 * rate, 2 * SIGMA**2, 2 * spread**2)
    return sympy.limit(mean * sympy.exp(-rate * T), T, sympy.oo) / sympy.sqrt(
        sympy.limit(sympy.expand(variance * sympy.exp(-2 * rate * T)), T, sympy.oo)
    )


def solved(rate: sympy.Expr, push: sympy.Expr, start: sympy.Expr) -> sympy.Expr:
    """y with y' = rate · y + push, y(0) = start."""
    unknown: Any = sympy.Function("y")
    equation = sympy.Eq(unknown(T).diff(T), rate * unknown(T) + push)
    solution: Any = sympy.dsolve(equation, unknown(T), ics={unknown(0): start})
    return solution.rhs
