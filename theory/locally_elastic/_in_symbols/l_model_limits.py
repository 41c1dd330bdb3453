"""What l'Hôpital's rule needs of the L-model's integrals, in symbols."""

import sympy

K = sympy.Symbol("K", positive=True)
INTRA, INTER, A, B = sympy.symbols("alpha beta A B", real=True)
FIRST, SECOND = sympy.exp((A - B) / K), sympy.exp((A + B / (K - 1)) / K)
"""φ1 and φ2; I_γ' and I_β' are γφ2/K and βφ2/K."""

STATED = {"ratio of slopes": sympy.exp(B / (K - 1)), "what I_γ and I_β leave of φ2": sympy.Integer(0)}
BY_K = {"ratio of slopes": sympy.exp(B / K)}
"""With B/K for B/(K − 1)."""


def slope(expression: sympy.Expr) -> sympy.Expr:
    """d/dt of a function of A and B, whose derivatives are α and β."""
    return sympy.diff(expression, A) * INTRA + sympy.diff(expression, B) * INTER


def by_chain_rule() -> dict[str, sympy.Expr]:
    """The same from derivatives of φ1 and φ2; I_γ' and I_β' are γφ2/K and βφ2/K."""
    return {
        "ratio of slopes": sympy.simplify((INTRA - INTER) * SECOND / K / slope(FIRST)),
        "what I_γ and I_β leave of φ2": sympy.simplify(slope(SECOND) - (INTRA - INTER) * SECOND / K - INTER * SECOND / (K - 1)),
    }
