"""The two-group program in four scalars: every identity proved with symbols, and the value held against the full program."""

import sympy

from layerpeel.numerics import energy_radius
from layerpeel.theory._claims import claim, instances
from layerpeel.theory._room import Evidence, Kind, Origin, Room, Source, Statement
from layerpeel.theory.layer_peeled._closed_forms import optimal_value, predicted
from layerpeel.theory.layer_peeled._reference import two_groups

CASES = instances(
    "K_A={}, K_B={}, R={:g}, E_H={:g}",
    (5, 5, 3.0, 5.0),
    (2, 3, 10.0, 2.0),
    (1, 4, 2.0, 5.0),
    (4, 1, 5.0, 1.0),
    (7, 3, 20.0, 5.0),
    (1, 1, 6.0, 0.5),
)
"""At E_W = 1: all phases, and groups of one class."""

K_A, K_B = sympy.symbols("K_A K_B", positive=True)
K = K_A + K_B
SPREAD_A, SPREAD_B, T_A, T_B = sympy.symbols("a b t_A t_B", positive=True)
C_A, C_B, RATIO = sympy.symbols("c_A c_B E", positive=True)
X_A, X_B, Y_A, Y_B = sympy.symbols("x_A x_B y_A y_B", positive=True)
"""e^{−a}, e^{−b}, e^{−m_A}, e^{−m_B}."""
D_A, D_B = 1 + (K_A - 1) * X_A + K_B * Y_A, 1 + (K_B - 1) * X_B + K_A * Y_B
NUCLEAR_NORM = (K_A - 1) * SPREAD_A + (K_B - 1) * SPREAD_B + sympy.sqrt(T_A**2 + T_B**2)

T_AA, T_AB = T_A * sympy.sqrt(K_B / K), -T_A * sympy.sqrt(K_A / K)
T_BA, T_BB = -T_B * sympy.sqrt(K_B / K), T_B * sympy.sqrt(K_A / K)
"""The block between groups: (t_A, −t_B)ᵀ (√K_B, −√K_A)/√K, the general 2×2 block with T (√K_A, √K_B)ᵀ = 0."""

ROOM = Room.of(
    Statement(
        name="symmetry-reduction",
        title="Two groups of classes need four scalars",
        latex=r"\|Z\|_*=(K_A-1)a+(K_B-1)b+\sqrt{t_A^2+t_B^2},\quad m_A=\tfrac{K_A-1}{K_A}a+\tfrac{\sqrt K}{K_A\sqrt{K_B}}t_A,\quad "
        r"f=\tfrac{K_AR}{N}\log D_A+\tfrac{K_B}{N}\log D_B",
        assumptions=("two groups of classes", "cross-entropy loss", "m_B, D_B with the groups exchanged"),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
        source=Source("fang2021", "Section 4, convex relaxation; reduction derived"),
    ),
    claim(
        "nuclear-norm",
        "the block between groups has rank one and nuclear norm hypot(t_A, t_B)",
        over="",
        predict=lambda: {"‖T‖_*²": T_A**2 + T_B**2} | dict.fromkeys(("det T", "row sum in A", "row sum in B"), sympy.Integer(0)),
        measure=lambda: block_between(),
        by="(σ_1 + σ_2)² = tr TᵀT + 2|det T| of the block, and T applied to (√K_A, √K_B)",
        false={"sum-norm": ("the norm is t_A + t_B", lambda: {"‖T‖_*²": (T_A + T_B) ** 2})},
        evidence=Evidence.PROOF,
    ),
    claim(
        "margins",
        "the margins are as stated",
        over="",
        predict=lambda: stated_margins(sympy.sqrt(K)),
        measure=lambda: margins_of_entries(),
        by="differences of entries of Z",
        false={"no-root": ("q_A = K/(K_A√K_B)", lambda: stated_margins(K))},
        evidence=Evidence.PROOF,
    ),
    claim(
        "stationarity",
        "the derivatives of f are the left sides of the stationarity conditions",
        over="",
        predict=lambda: stated_slopes(K_A, K_B),
        measure=lambda: slopes_by_chain_rule(),
        by="derivatives of f by the chain rule through the entries: along a over K_A − 1, along b over K_B − 1",
        false={"squared-sizes": ("the conditions hold with K_B² for K_B", lambda: stated_slopes(K_A**2, K_B**2))},
        evidence=Evidence.PROOF,
    ),
    claim(
        "energies",
        "the balanced factors attain both energies on the sphere",
        over="",
        predict=lambda: {"Σ‖h_k‖²": sympy.sqrt(RATIO) * NUCLEAR_NORM, "Σ‖w_k‖²": NUCLEAR_NORM / sympy.sqrt(RATIO)},
        measure=lambda: energies_of_factors(),
        by="diagonals of E^{1/2} (ZZᵀ)^{1/2} and E^{−1/2} (ZᵀZ)^{1/2}, E = E_H/E_W, summed over the classes of both groups",
        false={
            "swapped-energies": (
                "the features carry E_W",
                lambda: {"Σ‖h_k‖²": NUCLEAR_NORM / sympy.sqrt(RATIO), "Σ‖w_k‖²": sympy.sqrt(RATIO) * NUCLEAR_NORM},
            ),
        },
        evidence=Evidence.PROOF,
    ),
    claim(
        "value",
        "the four scalars reach the value of the full program",
        over=CASES,
        predict=lambda a, b, ratio, h: predicted(optimal_value(a, b, ratio, energy_radius(a + b, h, 1.0))),
        measure=lambda *case: two_groups(*case).solution.value,
        by="the full semidefinite program over 2K×2K matrices",
        false={
            "half-radius": (
                "the radius is τ/2",
                lambda a, b, ratio, h: predicted(optimal_value(a, b, ratio, 0.5 * energy_radius(a + b, h, 1.0))),
            ),
            "one-class-fewer": (
                "the radius is (K − 1)√(E_H E_W)",
                lambda a, b, ratio, h: predicted(optimal_value(a, b, ratio, energy_radius(a + b - 1, h, 1.0))),
            ),
        },
        evidence=Evidence.CERTIFIED.within(1e-8, "a thousand times the certified gap asked of the semidefinite program"),
    ),
)


def block_between() -> dict[str, sympy.Expr]:
    """Norm, determinant and row sums of T."""
    det = sympy.simplify(T_AA * T_BB - T_AB * T_BA)
    return {
        "‖T‖_*²": T_AA**2 + T_AB**2 + T_BA**2 + T_BB**2 + 2 * sympy.Abs(det),
        "det T": det,
        "row sum in A": T_AA * sympy.sqrt(K_A) + T_AB * sympy.sqrt(K_B),
        "row sum in B": T_BA * sympy.sqrt(K_A) + T_BB * sympy.sqrt(K_B),
    }


def stated_margins(root: sympy.Expr) -> dict[str, sympy.Expr]:
    """m_A = a (K_A − 1)/K_A + q_A t_A and m_B likewise, q_A = root/(K_A √K_B)."""
    return {
        "m_A": SPREAD_A * (K_A - 1) / K_A + root / (K_A * sympy.sqrt(K_B)) * T_A,
        "m_B": SPREAD_B * (K_B - 1) / K_B + root / (K_B * sympy.sqrt(K_A)) * T_B,
    }


def margins_of_entries() -> dict[str, sympy.Expr]:
    """Own logit minus a logit of the other group, read off the entries of Z = ⊕ inner (I − 11ᵀ/K_g) + Σ T_gh u_g u_hᵀ."""
    own_a, own_b = SPREAD_A * (1 - 1 / K_A) + T_AA / K_A, SPREAD_B * (1 - 1 / K_B) + T_BB / K_B
    cross = sympy.sqrt(K_A * K_B)
    return {"m_A": own_a - T_AB / cross, "m_B": own_b - T_BA / cross}


def stated_slopes(size_a: sympy.Expr, size_b: sympy.Expr) -> dict[str, sympy.Expr]:
    """−∂f along each scalar per unit of nuclear norm: K_A and K_B where the margins to the other group enter along a and b."""
    return {
        "a": C_A * (K_A * X_A + size_b * Y_A) / D_A,
        "b": C_B * (K_B * X_B + size_a * Y_B) / D_B,
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
