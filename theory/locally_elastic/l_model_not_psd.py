"""The L-model's similarity matrix is not symmetric for three classes or more, and its quadratic form is indefinite."""

import math

import numpy as np
from flint import arb, ctx

from layerpeel.numerics import PRECISION, Bracket, to_bracket
from layerpeel.theory import Evidence, Figure, Kind, Origin, Room, Series, Setting, Source, Statement, Verdict, claim, instances
from layerpeel.theory.locally_elastic._in_symbols import similarity
from layerpeel.theory.locally_elastic._inertia import least_eigenvalue

SIZES = (2, 3, 4, 5, 10)
"""K of the certified eigenvalues."""

HALF_WIDTH = 1e-9
"""Eigenvalues are certified to this distance on both sides; doubles find them to about 1e-14."""

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
        meaning="The separation theorem as printed assumes a property of the similarity matrix that the authors' own model of logits "
        "lacks for three classes or more. Do not cite that theorem for logits; whether they separate needs another argument.",
    ),
    claim(
        "printed",
        "the L-model meets the hypothesis 'same setup as in Theorem 1': H is positive semidefinite",
        over=instances("K={}", *SIZES),
        predict=lambda k: 0.0 if k > 2 else None,
        measure=lambda k: least_eigenvalue(similarity.symmetric_part(k), HALF_WIDTH),
        by="eigenvalues of (H + Hᵀ)/2 counted below two shifts, by the signs of pivots in ball arithmetic",
        false={"as-cosine": ("no eigenvalue is below −1/(K−1)", lambda k: -1 / (k - 1) if k > 3 else None)},
        evidence=Evidence.CERTIFIED,
        kind=Kind.LOWER_BOUND,
        expected=Verdict.REFUTED,
    ),
    claim(
        "least-eigenvalue",
        "the least eigenvalue of (H + Hᵀ)/2 is K(1 − √(K−1))/(2(K−1)): zero for two classes, negative for more",
        over=instances("K={}", *SIZES),
        predict=lambda k: least(k),
        measure=lambda k: least_eigenvalue(similarity.symmetric_part(k), HALF_WIDTH),
        by="eigenvalues of (H + Hᵀ)/2 counted below two shifts, by the signs of pivots in ball arithmetic",
        false={
            # the factor K/(K−1) is that of ‖d_j‖^{−2}
            "without-class": ("it is (1 − √(K−1))/2", lambda k: (1 - math.sqrt(k - 1)) / 2 if k > 2 else None),
            "without-root": ("the least one is −K(K−2)/(2(K−1))", lambda k: k * (2 - k) / (2 * (k - 1)) if k > 2 else None),
        },
        evidence=Evidence.CERTIFIED.within(40 * HALF_WIDTH, "eigenvalues counted at shifts 2e-9 apart, and twenty times that"),
        origin=Origin.DERIVED,
    ),
    claim(
        "exact",
        "H has the eigenvalues 0 and K/(K−1), the latter K − 1 times, and is symmetric for two classes only",
        over="",
        predict=similarity.stated,
        measure=similarity.written_out,
        by="rational arithmetic from the definition of H; for every K, on the span of Jz and Rᵀz, z ⊥ 1",
        false={
            "symmetric": ("H is symmetric", lambda: similarity.asymmetries(lambda k: 0)),
            "asymmetry-over-k": ("‖H − Hᵀ‖² = 2K(K−2)", lambda: similarity.asymmetries(lambda k: 2 * k * (k - 2))),
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
                "certified",
                (float(k) for k in SIZES),
                (least_eigenvalue(similarity.symmetric_part(k), HALF_WIDTH).middle for k in SIZES),
                0,
            ),
        ),
    )
