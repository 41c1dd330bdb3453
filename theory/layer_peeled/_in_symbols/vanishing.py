"""Where the minority vanishes beside the majority, in symbols: R1 in closed form, and by the gradient."""

import sympy

A, B = sympy.symbols("K_A K_B", positive=True)
X, OMEGA = sympy.symbols("x omega", positive=True)
TOTAL = A + B
IN_MARGINS, IN_ROOTS, MULTIPLIER, ROOM_LEFT = "R1², in margins", "R1², in roots", "(λ/c_B)² at R1", "room at the limit of existence"


def boundary() -> dict[str, sympy.Expr]:
    """R1² in the margins m, v/D and in the roots r_A, r_B; λ/c_B = r_B there; no room is left at the limit of existence.

    r_A ≤ 1 makes r_B ≥ 1, so λ ≥ c_B and the minority has no singular value of its own either: R1 ≥ R0.
    """
    u, v = (A - 1) * X, B * X / OMEGA  # (K_A − 1)e^{−a} and K_B e^{−a(K_A−1)/K_A}
    m = A / (A - 1) * (u + v * (A - 1) / A) / (1 + u + v)
    root_a = (A * OMEGA + B) / TOTAL
    root_b_squared = A / TOTAL / (1 - B / TOTAL / root_a**2)
    lift = 1 + (1 / X - 1) * (1 - B / TOTAL / root_a) / A
    return {
        IN_MARGINS: B * A**2 / TOTAL**2 / (m**2 * A * B / TOTAL - A * (v / (1 + u + v)) ** 2),
        IN_ROOTS: root_b_squared * lift**2,
        MULTIPLIER: root_b_squared,
        ROOM_LEFT: sympy.Integer(0),
    }


def boundary_by_gradient() -> dict[str, sympy.Expr]:
    """The same where the norm of the outer block is λ; beyond that R it is below λ, and zero minority classifiers are optimal.

    A majority row has probabilities 1/D (own), x/D (other majority) and x/(ωD) (minority); a minority row has 1/K each. The inner
    gradient of the majority is λ, since a > 0.
    """
    d = 1 + (A - 1) * X + B * X / OMEGA
    own, other, outside = 1 / d, X / d, X / (OMEGA * d)
    # Squared lengths of the rows (⟨u_g, ∇f u_A⟩, ⟨u_g, ∇f u_B⟩) over the unit vectors of the groups, for c_A = 1 and for c_B = 1. Rows of
    # ∇f sum to zero, so both are multiples of one vector and the norm of the block is the root of their weighted sum.
    row_a = (own - 1 + (A - 1) * other) ** 2 + outside**2 * A * B
    row_b = A * B / TOTAL**2 + (B / TOTAL - 1) ** 2
    inner = 1 - own + other
    squared = row_b / (inner**2 - row_a)  # R² row_a + row_b = R² inner²
    limit = B / A * (sympy.sqrt(TOTAL / B) - 1)  # e^{−a/K_A} where a = K_A ln[(K_A/K_B) r/(1 − r)]
    return {
        IN_MARGINS: squared,
        IN_ROOTS: squared,
        MULTIPLIER: squared * inner**2,
        ROOM_LEFT: (inner**2 - row_a).subs(OMEGA, limit),
    }
