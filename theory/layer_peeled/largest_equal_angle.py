"""The largest equal angle between K vectors."""

import math

import sympy

from layerpeel.numerics import Bracket, angle_bracket, least_equal_correlation
from layerpeel.theory._room import Check, Control, Evidence, Kind, Origin, Quantities, Room, Setting, Source, Statement
from layerpeel.theory.layer_peeled._closed_forms import predicted

SIZES = (2, 3, 4, 7, 10, 25)
K, RHO = sympy.symbols("K rho", real=True)


def predict_angle() -> Quantities:
    """arccos(−1/(K − 1))."""
    return {f"K={k}": predicted(math.acos(-1 / (k - 1))) for k in SIZES}


def predict_angle_of_one_more() -> Quantities:
    """arccos(−1/K): the angle of one vector more."""
    return {f"K={k}": predicted(math.acos(-1 / k)) for k in SIZES}


def measure_angle(setting: Setting) -> Quantities:
    """Bisection on feasibility: which equal correlations admit unit vectors, decided by LDLᵀ in ball arithmetic."""
    found: dict[str, Bracket] = {}
    for k in SIZES:
        correlation = least_equal_correlation(k)
        found[f"K={k}"] = angle_bracket(Bracket(max(correlation.lower, -1.0), correlation.upper, rigorous=correlation.rigorous))
    return found


def predict_least_eigenvalues() -> Quantities:
    """1 + (K − 1)ρ and 1 − ρ: the first decides, so ρ ≥ −1/(K − 1) is necessary and sufficient."""
    return {"along the all-ones vector": 1 + (K - 1) * RHO, "across it": 1 - RHO}


def predict_wrong_eigenvalues() -> Quantities:
    """1 + Kρ along the all-ones vector: the eigenvalue that would give −1/K."""
    return {"along the all-ones vector": 1 + K * RHO}


def measure_least_eigenvalues(setting: Setting) -> Quantities:
    """Row sums of (1 − ρ)I + ρ11ᵀ applied to 1, and to e_1 − e_2, with K and ρ as symbols."""
    others = sympy.Sum(RHO, (sympy.Symbol("j"), 2, K)).doit()
    first_row = {1: sympy.Integer(1), 2: RHO}
    return {"along the all-ones vector": first_row[1] + sympy.sympify(others), "across it": first_row[1] * 1 + first_row[2] * (-1)}


ROOM = Room(
    statement=Statement(
        name="largest-equal-angle",
        title="The largest equal angle between K vectors",
        latex=r"\max\{\varphi : \exists\, v_1,\dots,v_K,\ \angle(v_i,v_j)=\varphi\ \ \forall i\neq j\}=\arccos\left(-\frac{1}{K-1}\right)",
        assumptions=("K ≥ 2 vectors of equal length", "all pairwise angles equal"),
        kind=Kind.EQUALITY,
        origin=Origin.SEED,
        source=Source("su2024", "K-simplex ETF"),
    ),
    checks=(
        Check(
            name="angle",
            claim="the largest equal angle is arccos(−1/(K−1))",
            evidence=Evidence.CERTIFIED,
            predict=predict_angle,
            measure=measure_angle,
            resolution=1e-5,
            reason="the bisection stops at 1e-12 in the cosine, and near 180° the angle moves with its square root",
        ),
        Check(
            name="eigenvalues",
            claim="the equicorrelation matrix has eigenvalues 1 + (K−1)ρ and 1 − ρ, for every K",
            evidence=Evidence.PROOF,
            predict=predict_least_eigenvalues,
            measure=measure_least_eigenvalues,
        ),
    ),
    controls=(
        Control(name="one-vector-more", claim="the angle is arccos(−1/K)", check="angle", predict=predict_angle_of_one_more),
        Control(name="wrong-eigenvalue", claim="the eigenvalue is 1 + Kρ", check="eigenvalues", predict=predict_wrong_eigenvalues),
    ),
)
