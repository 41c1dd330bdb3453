"""The largest equal angle between K vectors."""

import math

import sympy

from layerpeel.numerics import Bracket, angle_bracket, least_equal_correlation
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, claim, instances
from layerpeel.theory.layer_peeled._closed_forms import predicted

SIZES = instances("K={}", 2, 3, 4, 7, 10, 25)
K, J, RHO = sympy.symbols("K j rho", real=True)

ROOM = Room.of(
    Statement(
        name="largest-equal-angle",
        title="The largest equal angle between K vectors",
        latex=r"\max\{\varphi : \exists\, v_1,\dots,v_K,\ \angle(v_i,v_j)=\varphi\ \ \forall i\neq j\}=\arccos\left(-\frac{1}{K-1}\right)",
        assumptions=("K ≥ 2 vectors of equal length", "all pairwise angles equal"),
        kind=Kind.EQUALITY,
        origin=Origin.SEED,
        source=Source("su2024", "K-simplex ETF"),
        meaning="Class vectors that all meet at one angle can be 180° apart if there are two, 109.5° if there are four, and hardly more "
        "than 90° if there are many. So with a hundred classes a cosine near zero between classifiers is no sign of failure.",
    ),
    claim(
        "angle",
        "the largest equal angle is arccos(−1/(K−1))",
        over=SIZES,
        predict=lambda k: predicted(math.acos(-1 / (k - 1))),
        measure=lambda k: largest_angle(k),
        by="bisection on feasibility: which equal correlations admit unit vectors, decided by LDLᵀ in ball arithmetic",
        false={
            "one-vector-more": ("the angle is arccos(−1/K)", lambda k: predicted(math.acos(-1 / k))),
            "whole-hundredths": (
                "the angle is a whole number of hundredths of a degree: 109.47° for K = 4",
                lambda k: predicted(math.radians(round(math.degrees(math.acos(-1 / (k - 1))), 2))),
            ),
        },
        evidence=Evidence.CERTIFIED.within(
            1e-5, "the bisection stops at 1e-12 in the cosine, and near 180° the angle moves with its square root"
        ),
    ),
    claim(
        "eigenvalues",
        "the equicorrelation matrix has eigenvalues 1 + (K−1)ρ and 1 − ρ, for every K",
        over="",
        predict=lambda: {"along the all-ones vector": 1 + (K - 1) * RHO, "across it": 1 - RHO},
        measure=lambda: {
            "along the all-ones vector": sympy.Integer(1) + sympy.sympify(sympy.Sum(RHO, (J, 2, K)).doit()),
            "across it": 1 - RHO,
        },
        by="the first row of (1 − ρ)I + ρ11ᵀ applied to 1, and to e_1 − e_2, with K and ρ as symbols",
        false={"wrong-eigenvalue": ("the eigenvalue is 1 + Kρ", lambda: {"along the all-ones vector": 1 + K * RHO})},
        evidence=Evidence.PROOF,
    ),
)


def largest_angle(size: int) -> Bracket:
    """The angle of the least equal correlation."""
    correlation = least_equal_correlation(size)
    return angle_bracket(Bracket(max(correlation.lower, -1.0), correlation.upper, rigorous=correlation.rigorous))
