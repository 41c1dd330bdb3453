"""The tangent of the threshold at no energy, for all class numbers."""

import sympy

from layerpeel.numerics import Arithmetic, surface_point

A, B, ZETA = sympy.symbols("K_A K_B zeta", positive=True)
SYMBOLS = Arithmetic(
    exp=sympy.exp, expm1=lambda x: sympy.exp(x) - 1, log=sympy.log, log1p=lambda x: sympy.log(1 + x), sqrt=sympy.sqrt, cap=lambda x: x
)
"""The closed forms with all parameters free."""

STATED, BY_SIZE = (A + B) / (A * (A + B - 1)), 1 / A
"""The tangent, and the inverse of the number of majority classes."""


def tangent() -> sympy.Expr:
    """d log R0/dε at ε = 0."""
    point = surface_point(SYMBOLS, A, B, ZETA, sympy.Integer(0), sympy.Integer(0))
    ratio, radius = (sympy.simplify(sympy.diff(curve, ZETA).subs(ZETA, 0)) for curve in (point.log_imbalance, point.radius))
    return sympy.simplify((A + B) * ratio / radius)
