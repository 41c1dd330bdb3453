"""The two-group program in four scalars: every identity proved with symbols, and the value held against the full program."""

import sympy

from layerpeel.numerics import energy_radius
from layerpeel.theory._room import Check, Control, Evidence, Kind, Origin, Quantities, Room, Setting, Source, Statement
from layerpeel.theory.layer_peeled._closed_forms import optimal_value, predicted
from layerpeel.theory.layer_peeled._reference import two_groups

K_A, K_B = sympy.symbols("K_A K_B", positive=True)
K = K_A + K_B
SPREAD_A, SPREAD_B, T_A, T_B = sympy.symbols("a b t_A t_B", positive=True)
C_A, C_B, RATIO = sympy.symbols("c_A c_B E", positive=True)


T_AA, T_AB = T_A * sympy.sqrt(K_B / K), -T_A * sympy.sqrt(K_A / K)
T_BA, T_BB = -T_B * sympy.sqrt(K_B / K), T_B * sympy.sqrt(K_A / K)
"""The block between groups: (t_A, −t_B)ᵀ (√K_B, −√K_A)/√K, the general 2×2 block with T (√K_A, √K_B)ᵀ = 0."""


def _margins(root: sympy.Expr) -> tuple[sympy.Expr, sympy.Expr]:
    """m_A and m_B as the reduction writes them, with √K replaced by `root`."""
    return (
        SPREAD_A * (K_A - 1) / K_A + root / (K_A * sympy.sqrt(K_B)) * T_A,
        SPREAD_B * (K_B - 1) / K_B + root / (K_B * sympy.sqrt(K_A)) * T_B,
    )


def _margins_of_entries() -> tuple[sympy.Expr, sympy.Expr]:
    """Own logit minus a logit of the other group, read off the entries of Z = ⊕ inner (I − 11ᵀ/K_g) + Σ T_gh u_g u_hᵀ."""
    own_a = SPREAD_A * (1 - 1 / K_A) + T_AA / K_A
    own_b = SPREAD_B * (1 - 1 / K_B) + T_BB / K_B
    cross = sympy.sqrt(K_A * K_B)
    return own_a - T_AB / cross, own_b - T_BA / cross


def predict_norm() -> Quantities:
    """‖T‖_* = hypot(t_A, t_B), squared; rows of Z sum to zero; two singular values inside the groups."""
    return {"‖T‖_*²": T_A**2 + T_B**2, "det T": sympy.Integer(0), "row sum in A": sympy.Integer(0), "row sum in B": sympy.Integer(0)}


def predict_sum_norm() -> Quantities:
    """‖T‖_* = t_A + t_B, squared: as if the two directions did not share a right singular vector."""
    return {"‖T‖_*²": (T_A + T_B) ** 2}


def measure_norm(setting: Setting) -> Quantities:
    """(σ_1 + σ_2)² = tr TᵀT + 2|det T| of the block, and T applied to (√K_A, √K_B)."""
    det = sympy.simplify(T_AA * T_BB - T_AB * T_BA)
    return {
        "‖T‖_*²": T_AA**2 + T_AB**2 + T_BA**2 + T_BB**2 + 2 * sympy.Abs(det),
        "det T": det,
        "row sum in A": T_AA * sympy.sqrt(K_A) + T_AB * sympy.sqrt(K_B),
        "row sum in B": T_BA * sympy.sqrt(K_A) + T_BB * sympy.sqrt(K_B),
    }


def predict_margins() -> Quantities:
    """m_A = a (K_A − 1)/K_A + q_A t_A and m_B likewise, q_A = √K/(K_A √K_B)."""
    margin_a, margin_b = _margins(sympy.sqrt(K))
    return {"m_A": margin_a, "m_B": margin_b}


def predict_margins_without_root() -> Quantities:
    """q_A = K/(K_A √K_B): the square root forgotten."""
    margin_a, margin_b = _margins(K)
    return {"m_A": margin_a, "m_B": margin_b}


def measure_margins(setting: Setting) -> Quantities:
    """Differences of entries of Z."""
    margin_a, margin_b = _margins_of_entries()
    return {"m_A": margin_a, "m_B": margin_b}


X_A, X_B, Y_A, Y_B = sympy.symbols("x_A x_B y_A y_B", positive=True)
"""e^{−a}, e^{−b}, e^{−m_A}, e^{−m_B}."""
D_A, D_B = 1 + (K_A - 1) * X_A + K_B * Y_A, 1 + (K_B - 1) * X_B + K_A * Y_B


def _slopes(power: int) -> dict[str, sympy.Expr]:
    """−∂f along each scalar per unit of nuclear norm, as the stationarity conditions state them."""
    return {
        "a": C_A * (K_A * X_A + K_B**power * Y_A) / D_A,
        "b": C_B * (K_B * X_B + K_A**power * Y_B) / D_B,
        "t_A": C_A * sympy.sqrt(K * K_B) * Y_A / D_A,
        "t_B": C_B * sympy.sqrt(K * K_A) * Y_B / D_B,
    }


def predict_slopes() -> Quantities:
    """The left sides of the stationarity conditions."""
    return dict(_slopes(1))


def predict_wrong_slopes() -> Quantities:
    """The same with K_B² for K_B in the a-condition and K_A² for K_A in the b-condition."""
    return {label: slope for label, slope in _slopes(2).items() if label in ("a", "b")}


def measure_slopes(setting: Setting) -> Quantities:
    """Derivatives of f by the chain rule through the entries: along a over K_A − 1, along b over K_B − 1."""
    loss = K_A * C_A * sympy.log(D_A) + K_B * C_B * sympy.log(D_B)
    margin_a, margin_b = _margins_of_entries()

    def along(scalar: sympy.Symbol) -> sympy.Expr:
        exponents = {X_A: SPREAD_A, X_B: SPREAD_B, Y_A: margin_a, Y_B: margin_b}
        return sum((sympy.diff(loss, odds) * odds * sympy.diff(exponent, scalar) for odds, exponent in exponents.items()), sympy.Integer(0))

    return {"a": along(SPREAD_A) / (K_A - 1), "b": along(SPREAD_B) / (K_B - 1), "t_A": along(T_A), "t_B": along(T_B)}


def predict_energies() -> Quantities:
    """Σ‖h_k‖² = √(E_H/E_W) ‖Z‖_*, Σ‖w_k‖² = √(E_W/E_H) ‖Z‖_*: both K E on the sphere; E = E_H/E_W."""
    norm = (K_A - 1) * SPREAD_A + (K_B - 1) * SPREAD_B + sympy.sqrt(T_A**2 + T_B**2)
    return {"Σ‖h_k‖²": sympy.sqrt(RATIO) * norm, "Σ‖w_k‖²": norm / sympy.sqrt(RATIO)}


def predict_energies_swapped() -> Quantities:
    """The two energies exchanged."""
    norms = predict_energies()
    return {"Σ‖h_k‖²": norms["Σ‖w_k‖²"], "Σ‖w_k‖²": norms["Σ‖h_k‖²"]}


def measure_energies(setting: Setting) -> Quantities:
    """Diagonals of E^{1/2} (ZZᵀ)^{1/2} and E^{−1/2} (ZᵀZ)^{1/2}, summed over the classes of both groups."""
    length = sympy.sqrt(T_A**2 + T_B**2)
    # (TTᵀ)^{1/2} = ttᵀ/‖t‖ and (TᵀT)^{1/2} = ‖t‖ vvᵀ with v = (√K_B, −√K_A)/√K: their diagonals.
    blocks = (T_A**2 / length, T_B**2 / length), (length * K_B / K, length * K_A / K)
    sums = [
        K_A * (SPREAD_A * (1 - 1 / K_A) + block_a / K_A) + K_B * (SPREAD_B * (1 - 1 / K_B) + block_b / K_B) for block_a, block_b in blocks
    ]
    return {"Σ‖h_k‖²": sympy.sqrt(RATIO) * sums[0], "Σ‖w_k‖²": sums[1] / sympy.sqrt(RATIO)}


CASES = ((5, 5, 3.0, 5.0), (2, 3, 10.0, 2.0), (1, 4, 2.0, 5.0), (4, 1, 5.0, 1.0), (7, 3, 20.0, 5.0), (1, 1, 6.0, 0.5))
"""(K_A, K_B, R, E_H) at E_W = 1: all phases, and groups of one class."""


def _label(majority: int, minority: int, imbalance: float, energy: float) -> str:
    return f"K_A={majority}, K_B={minority}, R={imbalance:g}, E_H={energy:g}"


def predict_value() -> Quantities:
    """f at the optimum of the four scalars."""
    return {_label(*c): predicted(optimal_value(c[0], c[1], c[2], energy_radius(c[0] + c[1], c[3], 1.0))) for c in CASES}


def predict_value_at_other_radius() -> Quantities:
    """The same with τ = √K √(E_H E_W)·√K/2: half the radius."""
    return {_label(*c): predicted(optimal_value(c[0], c[1], c[2], 0.5 * energy_radius(c[0] + c[1], c[3], 1.0))) for c in CASES}


def measure_value(setting: Setting) -> Quantities:
    """The full semidefinite program over 2K×2K matrices."""
    return {_label(*case): two_groups(*case).solution.value for case in CASES}


ROOM = Room(
    statement=Statement(
        name="symmetry-reduction",
        title="Two groups of classes need four scalars",
        latex=r"\|Z\|_*=(K_A-1)a+(K_B-1)b+\sqrt{t_A^2+t_B^2},\quad m_A=\tfrac{K_A-1}{K_A}a+\tfrac{\sqrt K}{K_A\sqrt{K_B}}t_A,\quad "
        r"f=\tfrac{K_AR}{N}\log D_A+\tfrac{K_B}{N}\log D_B",
        assumptions=("two groups of classes", "cross-entropy loss", "m_B, D_B with the groups exchanged"),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
        source=Source("fang2021", "Section 4, convex relaxation; reduction derived"),
    ),
    checks=(
        Check(
            name="nuclear-norm",
            claim="the block between groups has rank one and nuclear norm hypot(t_A, t_B)",
            evidence=Evidence.PROOF,
            predict=predict_norm,
            measure=measure_norm,
        ),
        Check(name="margins", claim="the margins are as stated", evidence=Evidence.PROOF, predict=predict_margins, measure=measure_margins),
        Check(
            name="stationarity",
            claim="the derivatives of f are the left sides of the stationarity conditions",
            evidence=Evidence.PROOF,
            predict=predict_slopes,
            measure=measure_slopes,
        ),
        Check(
            name="energies",
            claim="the balanced factors attain both energies on the sphere",
            evidence=Evidence.PROOF,
            predict=predict_energies,
            measure=measure_energies,
        ),
        Check(
            name="value",
            claim="the four scalars reach the value of the full program",
            evidence=Evidence.CERTIFIED,
            predict=predict_value,
            measure=measure_value,
            resolution=1e-8,
            reason="a thousand times the certified gap asked of the semidefinite program",
        ),
    ),
    controls=(
        Control(name="sum-norm", claim="the norm is t_A + t_B", check="nuclear-norm", predict=predict_sum_norm),
        Control(name="no-root", claim="q_A = K/(K_A√K_B)", check="margins", predict=predict_margins_without_root),
        Control(name="squared-sizes", claim="the conditions hold with K_B² for K_B", check="stationarity", predict=predict_wrong_slopes),
        Control(name="swapped-energies", claim="the features carry E_W", check="energies", predict=predict_energies_swapped),
        Control(name="half-radius", claim="the radius is τ/2", check="value", predict=predict_value_at_other_radius),
    ),
)
