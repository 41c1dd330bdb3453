"""Two printed equations in symbols: the solution of the LE-ODE with its start beside it, and the constant of the linearized drift."""

import sympy

from layerpeel.theory.locally_elastic._in_symbols.linearization import jacobian, paired

CLASSES = 3
ORDERS = (0, 1, 2)
"""Of derivatives at time 0."""
t = sympy.Symbol("t", real=True)
VECTORS = sympy.Matrix(2, 2, sympy.symbols("a1:5", real=True))
RATES, SHARES = sympy.symbols("mu1:3", real=True), sympy.symbols("c1:3", real=True)
START = VECTORS * sympy.Matrix(SHARES)
"""X̄_0 = Σ c_i u_i, with any drift M that has the eigenvectors u_i and the eigenvalues μ_i."""
PROBABILITIES = sympy.Matrix([*(p := sympy.symbols("p1:3", positive=True)), 1 - p[0] - p[1]])
LOGITS, MEANS = (sympy.Matrix(sympy.symbols(f"{name}1:4", real=True)) for name in ("x", "phi"))


def derivative(order: int, *, beside: int, less: int = 0) -> sympy.Expr:
    """At time 0 of beside · X̄_0 + Σ c_i u_i (e^{μ_i t} − less)."""
    terms = sympy.Matrix([share * (sympy.exp(rate * t) - less) for share, rate in zip(SHARES, RATES, strict=True)])
    return paired((START * beside + VECTORS * terms).applyfunc(lambda entry: sympy.diff(entry, t, order).subs(t, 0)))


def by_the_drift(order: int) -> sympy.Expr:
    """Of the solution: M^order X̄_0, since X̄′ = M X̄."""
    drift = VECTORS * sympy.diag(*RATES) * VECTORS.inv()
    return paired((drift**order * START).applyfunc(sympy.simplify))


def added_at_the_mean() -> sympy.Expr:
    """What (15) begins with, e_1 − p̄ + J (X̃ − φ), has beside e_1 − p̄ + J X̃."""
    own, spread = sympy.Matrix(CLASSES, 1, lambda i, _: int(i == 0)), jacobian(PROBABILITIES)
    first = own - PROBABILITIES + spread * (LOGITS - MEANS)
    return paired((first - (own - PROBABILITIES + spread * LOGITS)).applyfunc(sympy.expand))


def constant(sign: int, *, outer: bool = True) -> sympy.Expr:
    """sign · J φ, with or without the outer product of J."""
    return paired(sign * (jacobian(PROBABILITIES) if outer else sympy.diag(*PROBABILITIES)) * MEANS)
