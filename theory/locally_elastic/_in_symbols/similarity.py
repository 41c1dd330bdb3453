"""The similarity matrix of the L-model, written out: its eigenvalues, and how far from symmetric it is."""

from collections.abc import Callable

import sympy
from sympy.polys.matrices import DomainMatrix

from layerpeel.theory.locally_elastic._drift import exact_similarity

EXACT = (2, 3, 4, 5)
"""K of the exact identities."""
n = sympy.Symbol("n", positive=True)
"""K − 1."""
BLOCK = sympy.Matrix([[(n + 1) / n, (n + 1) / n], [n + 1, (n + 1) / n]]) / 2
"""(H + Hᵀ)/2 on the span of Jz and Rᵀz, and zero elsewhere.

Let R = [P_1 … P_K], P_j = d̂_j d̂_jᵀ, and J = 1 ⊗ I. Then H = JR, and for z ⊥ 1 with f = K/(K−1) from ΣP_j z = f z, R J z = R Rᵀ z = f z. So
(H + Hᵀ)/2 maps Jz to (f Jz + K Rᵀz)/2 and Rᵀz to (f Jz + f Rᵀz)/2.
"""


def similar(classes: int) -> sympy.Matrix:
    """H."""
    return exact_similarity("L", classes, classes)


def symmetric_part(classes: int) -> sympy.Matrix:
    """(H + Hᵀ)/2."""
    return (similar(classes) + similar(classes).T) / 2


def cubic(classes: int) -> sympy.Matrix:
    """S³ − f S² − K²(K−2)/(4(K−1)²) S for S = (H + Hᵀ)/2, f = K/(K−1)."""
    half, rest = symmetric_part(classes), sympy.Rational(classes**2 * (classes - 2), 4 * (classes - 1) ** 2)
    return half * (half * half - sympy.Rational(classes, classes - 1) * half - rest * sympy.eye(classes**2))


def squared_norm(matrix: sympy.Matrix) -> sympy.Expr:
    """‖·‖² (Frobenius)."""
    return (matrix * matrix.T).trace()


def stated() -> dict[str, sympy.Expr]:
    """What its eigenvalues and its asymmetry are said to be."""
    return {
        "least eigenvalue, any K": (n + 1) * (1 - sympy.sqrt(n)) / (2 * n),
        **{f"K={k}: ‖H² − (K/(K−1)) H‖²": sympy.Integer(0) for k in EXACT},
        **{f"K={k}: rank of H": sympy.Integer(k - 1) for k in EXACT},
        **{f"K={k}: ‖H − Hᵀ‖²": sympy.Rational(2 * k * k * (k - 2), k - 1) for k in EXACT},
        **{f"K={k}: cubic of (H + Hᵀ)/2": sympy.Integer(0) for k in EXACT},
    }


def written_out() -> dict[str, sympy.Expr]:
    """The same from its definition; of the two eigenvalues (tr ± √(tr² − 4 det))/2 of BLOCK the lower one."""
    return {
        "least eigenvalue, any K": (BLOCK.trace() - sympy.sqrt(sympy.factor(BLOCK.trace() ** 2 - 4 * BLOCK.det()))) / 2,
        **{f"K={k}: ‖H² − (K/(K−1)) H‖²": squared_norm(similar(k) ** 2 - sympy.Rational(k, k - 1) * similar(k)) for k in EXACT},
        **{f"K={k}: rank of H": sympy.Integer(DomainMatrix.from_Matrix(similar(k)).to_field().rank()) for k in EXACT},
        **{f"K={k}: ‖H − Hᵀ‖²": squared_norm(similar(k) - similar(k).T) for k in EXACT},
        **{f"K={k}: cubic of (H + Hᵀ)/2": squared_norm(cubic(k)) for k in EXACT},
    }


def asymmetries(rule: Callable[[int], int]) -> dict[str, sympy.Expr]:
    """‖H − Hᵀ‖² by another rule, for three classes and more."""
    return {f"K={k}: ‖H − Hᵀ‖²": sympy.Integer(rule(k)) for k in EXACT[1:]}
