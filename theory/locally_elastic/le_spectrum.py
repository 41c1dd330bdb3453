"""Eigenvalues of the L-model's drift, their multiplicities, and which of its eigenvectors stay where they are."""

from itertools import product

import sympy
from sympy.polys.matrices import DomainMatrix

from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, claim, instances
from layerpeel.theory.locally_elastic._drift import exact_drift, exact_similarity

SIZES = (2, 3, 4, 5)
"""K for which the drift, of size K², is written out."""
ZERO, MEAN, DEVIATION = "0", "(α−β)/K", "(α+β/(K−1))/K"
"""The eigenvalues; the last two are the rates of s̄ and of deviations from it."""

K, intra, inter, own = sympy.symbols("K alpha beta delta")
OTHER, COSINE = sympy.Symbol("i", integer=True), -1 / (K - 1)
"""Another class, and the cosine of d̂_i and d̂_j."""

FIRST, LATER = (sympy.Integer(1), sympy.Rational(-1, 3)), (sympy.Integer(2), sympy.Rational(1, 5))
"""(α, β) at two times, not proportional."""

ROOM = Room.of(
    Statement(
        name="le-spectrum",
        title="The spectrum of the L-model's drift",
        latex=r"\operatorname{spec}\,M(t)=\left\{0^{\,K(p-1)},\ \Bigl(\tfrac{\alpha-\beta}{K}\Bigr)^{1},\ "
        r"\Bigl(\tfrac{1}{K}\bigl(\alpha+\tfrac{\beta}{K-1}\bigr)\Bigr)^{K-1}\right\},\qquad "
        r"\textstyle\sum_i c_i\,(e_i\otimes\hat d_i)^{\top}M(t)=\lambda(t)\sum_i c_i\,(e_i\otimes\hat d_i)^{\top}",
        assumptions=(
            "p = K and H_ij = d̂_j d̂_jᵀ, d̂_j ∝ e_j − 1/K",
            "P = 11ᵀ/K",
            "c = 1 for the first of the two eigenvalues, Σ c_i = 0 for the second",
            "multiplicities: for all α, β at which the three values differ",
        ),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
        source=Source("zhang2021", "slides, equation (6), which leaves u_i and μ_i open, and the vectors v_1, v_2 of equation (19)"),
        meaning="In the model of logits one rate drives what classes have in common and another their deviations; all else stands still. "
        "Read both off fixed projections of the class means: for three classes or more, eigenvectors of the drift turn as its rates "
        "change.",
    ),
    claim(
        "multiplicities",
        "the eigenvalues 0, (α−β)/K and (α+β/(K−1))/K appear K(p−1), 1 and K−1 times, for K = 2 to 5",
        over=instances("K={}: {}", *product(SIZES, (ZERO, MEAN, DEVIATION))),
        predict=lambda k, value: sympy.Integer({ZERO: k * (k - 1), MEAN: 1, DEVIATION: k - 1}[value]),
        measure=lambda k, value: sympy.Integer(k * k - DomainMatrix.from_Matrix(shifted(k, value, intra, inter)).to_field().rank()),
        by="dimensions of the kernels of M − λ over the rational functions of α and β; they sum to K², so there are no others and M is "
        "diagonalizable",
        false={
            "exchanged": ("(α−β)/K appears K−1 times", lambda k, value: sympy.Integer(k - 1) if value == MEAN and k > 2 else None),
            "one-per-class": ("(α+β/(K−1))/K appears K times", lambda k, value: sympy.Integer(k) if value == DEVIATION else None),
        },
        evidence=Evidence.PROOF,
    ),
    claim(
        "left-vectors",
        "Σ c_i d̂_iᵀX̄^i is an eigenvector from the left at all times, for every K: constant c and centred c",
        over="",
        predict=lambda: {"mean": eigenvalue(MEAN, K, intra, inter), "deviation": eigenvalue(DEVIATION, K, intra, inter)},
        measure=lambda: {
            "mean": (intra + sympy.Sum(inter * COSINE, (OTHER, 1, K - 1)).doit()) / K,
            # the other deviations sum to −δ
            "deviation": (intra * own + inter * COSINE * (-own)) / K / own,
        },
        by="what the drift makes of left vectors Σ_i c_i d̂_iᵀX̄^i: c_j ↦ Σ_i c_i E_ij (d̂_i·d̂_j)/K",
        false={
            "as-i-model": (
                "the rates are those of the I-model",
                lambda: {"mean": (intra + (K - 1) * inter) / K, "deviation": (intra - inter) / K},
            ),
            "cosine-one-over-k": ("(α+β/K)/K is the rate of deviations", lambda: {"deviation": (intra + inter / K) / K}),
        },
        evidence=Evidence.PROOF,
    ),
    claim(
        "constant-in-time",
        "left eigenvectors stay where they are; for K ≥ 3 the right ones of (α+β/(K−1))/K do not",
        over=instances("K={}, {}, {}", *product(SIZES, ("left", "right"), ("mean", "deviations"))),
        predict=lambda k, side, vectors: sympy.Integer(1 if vectors == "mean" else 2 * (k - 1) if side == "right" and k > 2 else k - 1),
        measure=lambda k, side, vectors: joint_dimension(k, side, {"mean": MEAN, "deviations": DEVIATION}[vectors]),
        by="the dimension of what the eigenvectors of one eigenvalue span at two times together",
        false={
            "right-constant": (
                "right eigenvectors are constant in time",
                lambda k, side, vectors: sympy.Integer(k - 1) if (side, vectors) == ("right", "deviations") and k > 2 else None,
            )
        },
        evidence=Evidence.PROOF,
    ),
)


def eigenvalue(value: str, classes: sympy.Expr, alpha: sympy.Expr, beta: sympy.Expr) -> sympy.Expr:
    """λ as an expression."""
    return {ZERO: sympy.Integer(0), MEAN: (alpha - beta) / classes, DEVIATION: (alpha + beta / (classes - 1)) / classes}[value]


def shifted(classes: int, value: str, alpha: sympy.Expr, beta: sympy.Expr) -> sympy.Matrix:
    """M − λ."""
    drift = exact_drift(exact_similarity("L", classes, classes), classes, alpha, beta)
    return drift - eigenvalue(value, sympy.Integer(classes), alpha, beta) * sympy.eye(classes**2)


def joint_dimension(classes: int, side: str, value: str) -> sympy.Integer:
    """Of the kernels of M − λ at both times, from one side."""
    matrices = [shifted(classes, value, *rates) for rates in (FIRST, LATER)]
    kernels = [DomainMatrix.from_Matrix(each.T if side == "left" else each).to_field().nullspace() for each in matrices]
    return sympy.Integer(kernels[0].vstack(*kernels[1:]).rank())
