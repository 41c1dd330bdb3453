"""A frame of unequal angles in the plane, in rationals."""

import sympy

GAMMA, BETA = sympy.symbols("gamma beta")
EXACT = sympy.Matrix([[1, 0], [sympy.Rational(-3, 5), sympy.Rational(4, 5)], [sympy.Rational(-5, 13), sympy.Rational(-12, 13)]])
"""The plane's frame around the origin, in rationals, with the dependency WEIGHTS > 0."""
WEIGHTS = EXACT.T.nullspace()[0]


def driven(index: int) -> sympy.Expr:
    """(E ∘ G) w."""
    return sympy.expand(((GAMMA * sympy.eye(3) + BETA * sympy.ones(3)).multiply_elementwise(EXACT * EXACT.T) * WEIGHTS)[index])
