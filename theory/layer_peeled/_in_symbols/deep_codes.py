"""Two codes of four classes at one scale, in symbols: by how much the simplex loses more than the square, with x = e^{−s}."""

import sympy

x = sympy.Symbol("x", positive=True)
ETF = sympy.Matrix([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
SQUARE = sympy.Matrix([[1, 0], [0, 1], [-1, 0], [0, -1]])


def odds(vectors: sympy.Matrix) -> sympy.Expr:
    """e^loss of the first class, 1 + Σ e^{−margin}, where the least margin is s."""
    gram = vectors * vectors.T
    margins = [gram[0, 0] - gram[0, other] for other in range(1, gram.rows)]
    return sympy.Add(1, *(x ** (margin / min(margins)) for margin in margins))


def excess() -> sympy.Expr:
    """Of the simplex over the square."""
    return odds(ETF) - odds(SQUARE)
