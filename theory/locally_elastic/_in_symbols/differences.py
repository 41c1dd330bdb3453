"""How the difference of two class means drifts in the L-model, in symbols."""

import sympy

from layerpeel.theory.locally_elastic._drift import exact_drift, exact_similarity


def letters(size: int) -> tuple[sympy.Symbol, sympy.Symbol, sympy.Matrix, sympy.Matrix, sympy.Matrix]:
    """α, β, a vector y, and the means of the first two classes."""
    alpha, beta = sympy.symbols("alpha beta")
    y, first, second = (sympy.Matrix(sympy.symbols(f"{name}_1:{size + 1}")) for name in ("y", "X^1", "X^2"))
    return alpha, beta, y, first, second


def drift_of_difference(size: int) -> sympy.Expr:
    """Along y."""
    alpha, beta, y, first, second = letters(size)
    rest = sympy.Matrix(sympy.symbols(f"Z_1:{size * (size - 2) + 1}")) if size > 2 else sympy.Matrix(0, 1, [])
    drift = exact_drift(exact_similarity("L", size, size), size, alpha, beta) * sympy.Matrix.vstack(first, second, rest)
    return sympy.expand((y.T * (drift[:size, 0] - drift[size : 2 * size, 0]))[0])


def drift_by_projections(size: int) -> sympy.Expr:
    """yᵀ(d̂_1 d̂_1ᵀ X^1 − d̂_2 d̂_2ᵀ X^2) γ/K: β cancels, but what is left is no difference."""
    alpha, beta, y, *means = letters(size)
    total = sympy.Integer(0)
    for j, sign in ((0, 1), (1, -1)):
        offset = sympy.Matrix([int(i == j) - sympy.Rational(1, size) for i in range(size)])
        total += sign * (y.T * offset)[0] * (offset.T * means[j])[0] / (offset.T * offset)[0]
    return sympy.expand((alpha - beta) / size * total)


def drift_by_difference(size: int) -> sympy.Expr:
    """(γ/K) yᵀ(X^1 − X^2)."""
    alpha, beta, y, first, second = letters(size)
    return sympy.expand((alpha - beta) / size * (y.T * (first - second))[0])
