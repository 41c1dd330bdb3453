"""The tail index in symbols: its definition, and three formulas that go by the same name."""

import sympy

FINITE, BEYOND, PRINTED, CUMULATIVE, POSTER = "lim α tᵃ", "lim 1/(α t^(a+η))", "printed", "cumulative", "lim ln α/ln t"
"""α tˢ stays finite up to s = a and not beyond, so r = a."""
t, u, constant, excess = sympy.symbols("t u C eta", positive=True)


def whose_limit(alpha: sympy.Expr, exponent: sympy.Expr, what: str) -> sympy.Expr:
    """An expression in t."""
    return {
        FINITE: alpha * t**exponent,
        BEYOND: 1 / (alpha * t ** (exponent + excess)),
        PRINTED: 1 - sympy.log(alpha) / sympy.log(1 + t),
        CUMULATIVE: 1 - sympy.log(sympy.integrate(alpha.subs(t, u), (u, 0, t))) / sympy.log(1 + t),
        POSTER: sympy.log(alpha) / sympy.log(t),
    }[what]
