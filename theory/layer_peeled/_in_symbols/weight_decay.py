"""The slope at Z = 0 under weight decay, inside the majority and between the groups."""

import sympy

KA, KB, LARGE, SMALL = sympy.symbols("K_A K_B n_A n_B", positive=True)
SHARE = sympy.Symbol("p", positive=True)
"""Probability of one majority class at Z = 0: 1/K without a bias, n_A/N with a free one, in between otherwise."""
ALL, SIZE = KA + KB, KA * LARGE + KB * SMALL
AT_LEAST_SHARE, AT_LARGEST_SHARE = "n_A − (norm between groups)² at p = 1/K", "n_A − (norm between groups)² at p = n_A/N"
CURVATURE = "second derivative in p"

STATED_SLOPE = {
    AT_LEAST_SHARE: KA * (LARGE - SMALL) / ALL,
    AT_LARGEST_SHARE: KA * LARGE * (LARGE - SMALL) / SIZE,
    CURVATURE: 2 * ALL * KA * (SMALL + KA * LARGE / KB),
    "determinant between groups": sympy.Integer(0),
    "inside the majority": LARGE,
}
"""It is steeper inside the majority at both ends of the range of p, and its square between the groups is convex in p."""


def slope_at_zero() -> dict[str, sympy.Expr]:
    """Between the groups it is the block diag(√n)(I − r qᵀ) with r = (√K_A, √K_B), q = (p√K_A, p'√K_B) and K_A p + K_B p' = 1.

    It has rank one, so that its norm is its Frobenius norm. Inside the majority the slope maps v ⊥ 1 of length one.
    """
    other = (1 - KA * SHARE) / KB
    r, q = sympy.Matrix([sympy.sqrt(KA), sympy.sqrt(KB)]), sympy.Matrix([SHARE * sympy.sqrt(KA), other * sympy.sqrt(KB)])
    block = sympy.diag(sympy.sqrt(LARGE), sympy.sqrt(SMALL)) * (sympy.eye(2) - r * q.T)
    square = sympy.expand((block.T * block).trace())
    pair = sympy.Matrix([1, -1]) / sympy.sqrt(2)
    inside = sympy.sqrt(LARGE) * (pair - sympy.ones(2, 1) * (sympy.Matrix([[SHARE, SHARE]]) * pair)[0])
    return {
        AT_LEAST_SHARE: LARGE - square.subs(SHARE, 1 / ALL),
        AT_LARGEST_SHARE: LARGE - square.subs(SHARE, LARGE / SIZE),
        CURVATURE: sympy.diff(square, SHARE, 2),
        "determinant between groups": sympy.simplify(block.det()),
        "inside the majority": inside.dot(inside),
    }
