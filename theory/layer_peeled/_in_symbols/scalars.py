"""The two-group program in four scalars: what its block, its margins, its slopes and its energies are said to be, and what they are."""

import sympy

K_A, K_B = sympy.symbols("K_A K_B", positive=True)
K = K_A + K_B
ROOT = sympy.sqrt(K)
SPREAD_A, SPREAD_B, T_A, T_B = sympy.symbols("a b t_A t_B", positive=True)
C_A, C_B, RATIO = sympy.symbols("c_A c_B E", positive=True)
X_A, X_B, Y_A, Y_B = sympy.symbols("x_A x_B y_A y_B", positive=True)
"""e^{−a}, e^{−b}, e^{−m_A}, e^{−m_B}."""
D_A, D_B = 1 + (K_A - 1) * X_A + K_B * Y_A, 1 + (K_B - 1) * X_B + K_A * Y_B
NUCLEAR_NORM = (K_A - 1) * SPREAD_A + (K_B - 1) * SPREAD_B + sympy.sqrt(T_A**2 + T_B**2)
T_AA, T_AB = T_A * sympy.sqrt(K_B / K), -T_A * sympy.sqrt(K_A / K)
T_BA, T_BB = -T_B * sympy.sqrt(K_B / K), T_B * sympy.sqrt(K_A / K)
"""The block between groups: (t_A, −t_B)ᵀ (√K_B, −√K_A)/√K, the general 2×2 block with T (√K_A, √K_B)ᵀ = 0."""

STATED_BLOCK = {"‖T‖_*²": T_A**2 + T_B**2} | dict.fromkeys(("det T", "row sum in A", "row sum in B"), sympy.Integer(0))
SUM_NORM = {"‖T‖_*²": (T_A + T_B) ** 2}
"""What the block's norm is not."""
STATED_ENERGIES = {"Σ‖h_k‖²": sympy.sqrt(RATIO) * NUCLEAR_NORM, "Σ‖w_k‖²": NUCLEAR_NORM / sympy.sqrt(RATIO)}
SWAPPED_ENERGIES = {"Σ‖h_k‖²": NUCLEAR_NORM / sympy.sqrt(RATIO), "Σ‖w_k‖²": sympy.sqrt(RATIO) * NUCLEAR_NORM}
"""The features with the classifiers' energy, and the other way round."""


def block_between() -> dict[str, sympy.Expr]:
    """Norm, determinant and row sums of T."""
    det = sympy.simplify(T_AA * T_BB - T_AB * T_BA)
    return {
        "‖T‖_*²": T_AA**2 + T_AB**2 + T_BA**2 + T_BB**2 + 2 * sympy.Abs(det),
        "det T": det,
        "row sum in A": T_AA * sympy.sqrt(K_A) + T_AB * sympy.sqrt(K_B),
        "row sum in B": T_BA * sympy.sqrt(K_A) + T_BB * sympy.sqrt(K_B),
    }


def stated_margins(root: sympy.Expr = ROOT) -> dict[str, sympy.Expr]:
    """m_A = a (K_A − 1)/K_A + q_A t_A and m_B likewise, q_A = root/(K_A √K_B) with the root of K."""
    return {
        "m_A": SPREAD_A * (K_A - 1) / K_A + root / (K_A * sympy.sqrt(K_B)) * T_A,
        "m_B": SPREAD_B * (K_B - 1) / K_B + root / (K_B * sympy.sqrt(K_A)) * T_B,
    }


def margins_of_entries() -> dict[str, sympy.Expr]:
    """Own logit minus a logit of the other group, read off the entries of Z = ⊕ inner (I − 11ᵀ/K_g) + Σ T_gh u_g u_hᵀ."""
    own_a, own_b = SPREAD_A * (1 - 1 / K_A) + T_AA / K_A, SPREAD_B * (1 - 1 / K_B) + T_BB / K_B
    cross = sympy.sqrt(K_A * K_B)
    return {"m_A": own_a - T_AB / cross, "m_B": own_b - T_BA / cross}


def stated_slopes(power: int = 1) -> dict[str, sympy.Expr]:
    """−∂f along each scalar per unit of nuclear norm; K_A and K_B where margins to the other group enter along a and b."""
    return {
        "a": C_A * (K_A * X_A + K_B**power * Y_A) / D_A,
        "b": C_B * (K_B * X_B + K_A**power * Y_B) / D_B,
        "t_A": C_A * sympy.sqrt(K * K_B) * Y_A / D_A,
        "t_B": C_B * sympy.sqrt(K * K_A) * Y_B / D_B,
    }


def slopes_by_chain_rule() -> dict[str, sympy.Expr]:
    """The same through e^{−a}, e^{−b} and the margins of the entries."""
    loss, margins = K_A * C_A * sympy.log(D_A) + K_B * C_B * sympy.log(D_B), margins_of_entries()
    exponents = {X_A: SPREAD_A, X_B: SPREAD_B, Y_A: margins["m_A"], Y_B: margins["m_B"]}

    def along(scalar: sympy.Symbol) -> sympy.Expr:
        return sum((sympy.diff(loss, odds) * odds * sympy.diff(exponent, scalar) for odds, exponent in exponents.items()), sympy.Integer(0))

    return {"a": along(SPREAD_A) / (K_A - 1), "b": along(SPREAD_B) / (K_B - 1), "t_A": along(T_A), "t_B": along(T_B)}


def energies_of_factors() -> dict[str, sympy.Expr]:
    """(TTᵀ)^{1/2} = ttᵀ/‖t‖ and (TᵀT)^{1/2} = ‖t‖ vvᵀ with v = (√K_B, −√K_A)/√K, on the diagonals."""
    length = sympy.sqrt(T_A**2 + T_B**2)
    blocks = (T_A**2 / length, T_B**2 / length), (length * K_B / K, length * K_A / K)
    sums = [
        K_A * (SPREAD_A * (1 - 1 / K_A) + block_a / K_A) + K_B * (SPREAD_B * (1 - 1 / K_B) + block_b / K_B) for block_a, block_b in blocks
    ]
    return {"Σ‖h_k‖²": sympy.sqrt(RATIO) * sums[0], "Σ‖w_k‖²": sums[1] / sympy.sqrt(RATIO)}
