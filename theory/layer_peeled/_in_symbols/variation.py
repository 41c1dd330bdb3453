"""Variation within a class in symbols: what it adds to the energy, and the curvature of the loss that it meets."""

import sympy

H = sympy.symbols("h_1:4", real=True)
Z, U, T = sympy.symbols("z_1:4", real=True), sympy.symbols("u_1:4", real=True), sympy.Symbol("t", real=True)
"""Features of three samples; logits of three classes, a direction, and a step along it."""
MEAN, TOTAL = sympy.Add(*H) / len(H), sympy.Add(*map(sympy.exp, Z))

STATED = {
    "energy": MEAN**2 + sympy.Add(*((entry - MEAN) ** 2 for entry in H)) / len(H),
    "second derivative": sympy.Add(*(sympy.exp(Z[i] + Z[j]) * (U[i] - U[j]) ** 2 for i in range(3) for j in range(i))) / TOTAL**2,
}
"""Energy of the mean + variance, and ½ Σ_ij p_i p_j (u_i − u_j)² ≥ 0 along every u."""


def differentiated() -> dict[str, sympy.Expr]:
    """The energy of the samples, and the second derivative of the loss along u."""
    along = sympy.log(sympy.Add(*(sympy.exp(a + T * b) for a, b in zip(Z, U, strict=True))))
    return {"energy": sympy.Add(*(entry**2 for entry in H)) / len(H), "second derivative": sympy.diff(along, T, 2).subs(T, 0)}
