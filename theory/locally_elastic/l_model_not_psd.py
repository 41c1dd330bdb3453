"""The L-model's similarity matrix is not symmetric for three classes or more, and its quadratic form is indefinite."""

import math

import numpy as np
import sympy
from flint import arb, ctx
from sympy.polys.matrices import DomainMatrix

from layerpeel.numerics import PRECISION, Bracket, to_bracket
from layerpeel.theory._claims import claim, instances
from layerpeel.theory._room import Evidence, Figure, Kind, Origin, Room, Series, Setting, Source, Statement, Verdict
from layerpeel.theory.locally_elastic._drift import exact_similarity
from layerpeel.theory.locally_elastic._inertia import least_eigenvalue

SIZES = (2, 3, 4, 5, 10)
"""K of the certified eigenvalues."""
EXACT = (2, 3, 4, 5)
"""K of the exact identities."""

HALF_WIDTH = 1e-9
"""Eigenvalues are certified to this distance on both sides; doubles find them to about 1e-14."""

n = sympy.Symbol("n", positive=True)
"""K − 1."""
BLOCK = sympy.Matrix([[(n + 1) / n, (n + 1) / n], [n + 1, (n + 1) / n]]) / 2
"""(H + Hᵀ)/2 on the span of Jz and Rᵀz, and zero elsewhere.

Let R = [P_1 … P_K], P_j = d̂_j d̂_jᵀ, and J = 1 ⊗ I. Then H = JR, and for z ⊥ 1 with f = K/(K−1) from ΣP_j z = f z, R J z = R Rᵀ z = f z. So
(H + Hᵀ)/2 maps Jz to (f Jz + K Rᵀz)/2 and Rᵀz to (f Jz + f Rᵀz)/2.
"""

ROOM = Room.of(
    Statement(
        name="l-model-not-psd",
        title="The L-model is outside the separation theorem's hypothesis",
        latex=r"H^2=\tfrac{K}{K-1}H,\quad \|H-H^{\top}\|_F^2=\tfrac{2K^2(K-2)}{K-1},\quad "
        r"\lambda_{\min}\Bigl(\tfrac{H+H^{\top}}2\Bigr)=\frac{K\,(1-\sqrt{K-1})}{2(K-1)}<0\ \ (K\ge3)",
        assumptions=("p = K and H_ij = d̂_j d̂_jᵀ, d̂_j ∝ e_j − 1/K", "positive semidefinite: xᵀHx ≥ 0 for all x, symmetric or not"),
        kind=Kind.EQUALITY,
        origin=Origin.SEED,
        source=Source(
            "zhang2021", "slides, Separation Theorem (H positive semidefinite) with table 1 (the L-model); the values are derived"
        ),
    ),
    claim(
        "printed",
        "the L-model meets the hypothesis 'same setup as in Theorem 1': H is positive semidefinite",
        over=instances("K={}", *SIZES),
        predict=lambda k: Bracket.exactly(0.0) if k > 2 else None,
        measure=lambda k: least_eigenvalue(symmetric_part(k), HALF_WIDTH),
        by="eigenvalues of (H + Hᵀ)/2 counted below two shifts, by the signs of pivots in ball arithmetic",
        false={"as-cosine": ("no eigenvalue is below −1/(K−1)", lambda k: Bracket.exactly(-1 / (k - 1)) if k > 3 else None)},
        evidence=Evidence.CERTIFIED,
        kind=Kind.LOWER_BOUND,
        expected=Verdict.REFUTED,
    ),
    claim(
        "least-eigenvalue",
        "the least eigenvalue of (H + Hᵀ)/2 is K(1 − √(K−1))/(2(K−1)): zero for two classes, negative for more",
        over=instances("K={}", *SIZES),
        predict=lambda k: least(k),
        measure=lambda k: least_eigenvalue(symmetric_part(k), HALF_WIDTH),
        by="eigenvalues of (H + Hᵀ)/2 counted below two shifts, by the signs of pivots in ball arithmetic",
        false={
            # the factor K/(K−1) is that of ‖d_j‖^{−2}
            "without-class": ("it is (1 − √(K−1))/2", lambda k: Bracket.exactly((1 - math.sqrt(k - 1)) / 2) if k > 2 else None),
            "without-root": (
                "the least one is −K(K−2)/(2(K−1))",
                lambda k: Bracket.exactly(k * (2 - k) / (2 * (k - 1))) if k > 2 else None,
            ),
        },
        evidence=Evidence.CERTIFIED.within(40 * HALF_WIDTH, "eigenvalues counted at shifts 2e-9 apart, and twenty times that"),
        origin=Origin.DERIVED,
    ),
    claim(
        "exact",
        "H has the eigenvalues 0 and K/(K−1), the latter K − 1 times, and is symmetric for two classes only",
        over="",
        predict=lambda: {
            "least eigenvalue, any K": (n + 1) * (1 - sympy.sqrt(n)) / (2 * n),
            **{f"K={k}: ‖H² − (K/(K−1)) H‖²": sympy.Integer(0) for k in EXACT},
            **{f"K={k}: rank of H": sympy.Integer(k - 1) for k in EXACT},
            **{f"K={k}: ‖H − Hᵀ‖²": sympy.Rational(2 * k * k * (k - 2), k - 1) for k in EXACT},
            **{f"K={k}: cubic of (H + Hᵀ)/2": sympy.Integer(0) for k in EXACT},
        },
        measure=lambda: {
            # of the two eigenvalues (tr ± √(tr² − 4 det))/2 the lower one
            "least eigenvalue, any K": (BLOCK.trace() - sympy.sqrt(sympy.factor(BLOCK.trace() ** 2 - 4 * BLOCK.det()))) / 2,
            **{f"K={k}: ‖H² − (K/(K−1)) H‖²": squared_norm(similar(k) ** 2 - sympy.Rational(k, k - 1) * similar(k)) for k in EXACT},
            **{f"K={k}: rank of H": sympy.Integer(DomainMatrix.from_Matrix(similar(k)).to_field().rank()) for k in EXACT},
            **{f"K={k}: ‖H − Hᵀ‖²": squared_norm(similar(k) - similar(k).T) for k in EXACT},
            **{f"K={k}: cubic of (H + Hᵀ)/2": squared_norm(cubic(k)) for k in EXACT},
        },
        by="rational arithmetic from the definition of H; for every K, on the span of Jz and Rᵀz, z ⊥ 1",
        false={
            "symmetric": ("H is symmetric", lambda: {f"K={k}: ‖H − Hᵀ‖²": sympy.Integer(0) for k in EXACT[1:]}),
            "asymmetry-over-k": (
                "‖H − Hᵀ‖² = 2K(K−2)",
                lambda: {f"K={k}: ‖H − Hᵀ‖²": sympy.Integer(2 * k * (k - 2)) for k in EXACT[1:]},
            ),
        },
        evidence=Evidence.PROOF,
        origin=Origin.DERIVED,
    ),
    figures=(lambda setting: draw_least(setting),),
)


def least(classes: int) -> Bracket:
    """K (1 − √(K−1)) / (2(K−1)), enclosed."""
    with ctx.workprec(PRECISION):
        return to_bracket(classes * (1 - arb(classes - 1).sqrt()) / (2 * (classes - 1)))


def similar(classes: int) -> sympy.Matrix:
    """H."""
    return exact_similarity("L", classes, classes)


def symmetric_part(classes: int) -> sympy.Matrix:
    """(H + Hᵀ)/2."""
    return (similar(classes) + similar(classes).T) / 2


def cubic(classes: int) -> sympy.Matrix:
    """S³ − f S² − K²(K−2)/(4(K−1)²) S for S = (H + Hᵀ)/2, f = K/(K−1)."""
    half, rest = symmetric_part(classes), sympy.Rational(classes**2 * (classes - 2), 4 * (classes - 1) ** 2)
    return half * (half * half - sympy.Rational(classes, classes - 1) * half - rest * sympy.eye(classes**2))


def squared_norm(matrix: sympy.Matrix) -> sympy.Expr:
    """‖·‖² (Frobenius)."""
    return (matrix * matrix.T).trace()


def draw_least(_: Setting) -> Figure:
    """The least eigenvalue against K."""
    lines = np.linspace(2.0, 10.0, 81).tolist()
    return Figure(
        title="The L-model's quadratic form is indefinite",
        caption="Least eigenvalue of (H + Hᵀ)/2 against the number of classes: closed form and certified values.",
        x_label="K",
        y_label="least eigenvalue",
        series=(
            Series.line("K(1 − √(K−1))/(2(K−1))", lines, (k * (1 - math.sqrt(k - 1)) / (2 * (k - 1)) for k in lines), 0),
            Series.points(
                "certified", (float(k) for k in SIZES), (least_eigenvalue(symmetric_part(k), HALF_WIDTH).middle for k in SIZES), 0
            ),
        ),
    )
