"""The strengths of E P' in symbols, where labels are wrong with probability p."""

from functools import cache
from typing import Any

import sympy

from layerpeel.theory.locally_elastic._drift import exact_elasticity

SHORT = ("γ'", "β'", "p*")
LITERAL = ("α'", "β'", "p*", "two strengths only", "rows and columns")
"""What is read off for any K, and where matrices are written out."""
K, p, ALPHA, BETA, GAMMA = sympy.symbols("K p alpha beta gamma", positive=True)
J = sympy.Symbol("J")
"""11ᵀ, with 11ᵀ · 11ᵀ = K 11ᵀ."""
RIGHT_BY_CHANCE = GAMMA * (1 - p)
"""γ' if the others' share of corrupted labels did no harm of its own."""


def stated(what: str, k: Any) -> sympy.Expr:
    """A strength, the p at which the gap closes, or nothing, for K classes or any number of them."""
    return {
        "α'": (1 - p) * ALPHA + p * BETA,
        "β'": (p * (GAMMA + BETA if k is K else ALPHA) + (k - 1 - p) * BETA) / (k - 1),
        "γ'": GAMMA * (1 - p * k / (k - 1)),
        "p*": (sympy.sympify(k) - 1) / k,
        "two strengths only": sympy.Integer(0),
        "rows and columns": sympy.Integer(0),
    }[what]


def read_off(what: str, k: Any) -> sympy.Expr:
    """The same by J² = KJ for every K, or written out."""
    return (for_any_size() if k is K else written_out(k))[what]


def for_any_size() -> dict[str, sympy.Expr]:
    """γ', β' and p* for every K, from E = γI + βJ."""
    share = p / (K - 1)
    product = sympy.Poly((GAMMA + BETA * J) * ((1 - p - share) + share * J), J).rem(sympy.Poly(J**2 - K * J, J))
    inter, excess = product.all_coeffs()
    return {"γ'": excess, "β'": inter, "p*": closing(excess)}


@cache
def written_out(classes: int) -> dict[str, sympy.Expr]:
    """The strengths of E P', how far it is from having only two, and the sums of P' less one."""
    sampling = sympy.Matrix(classes, classes, lambda label, truth: 1 - p if label == truth else p / (classes - 1))
    mixed = exact_elasticity(classes, ALPHA, BETA) * sampling
    intra, inter = mixed[0, 0], mixed[0, 1]
    others = mixed - exact_elasticity(classes, intra, inter)
    sums = sympy.Matrix.vstack(sampling * sympy.ones(classes, 1), sampling.T * sympy.ones(classes, 1)) - sympy.ones(2 * classes, 1)
    squares = (sympy.simplify((matrix.T * matrix).trace()) for matrix in (others, sums))
    return dict(zip(LITERAL, (intra, inter, closing(intra - inter), *squares), strict=True))


def closing(noisy_gap: sympy.Expr) -> sympy.Expr:
    """The p at which the gap is zero."""
    (root,) = sympy.solve(noisy_gap, p)
    return root
