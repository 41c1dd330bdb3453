"""The L-model's similarity matrix is not symmetric for three classes or more, and its quadratic form is indefinite."""

import math

import numpy as np
import sympy
from flint import arb, ctx, fmpq
from sympy.polys.matrices import DomainMatrix

from layerpeel.numerics import PRECISION, Bracket, to_bracket
from layerpeel.theory._room import (
    Check,
    Control,
    Evidence,
    Figure,
    Kind,
    Origin,
    Quantities,
    Quantity,
    Room,
    Series,
    Setting,
    Source,
    Statement,
    Verdict,
)
from layerpeel.theory.locally_elastic._drift import exact_similarity

SIZES = (2, 3, 4, 5, 10)
"""K of the certified eigenvalues."""
EXACT = (2, 3, 4, 5)
"""K of the exact identities."""

HALF_WIDTH = 1e-9
"""Eigenvalues are certified to this distance on both sides; doubles find them to about 1e-14."""

n = sympy.Symbol("n", positive=True)
"""K − 1."""


def _least(classes: int) -> arb:
    """K (1 − √(K−1)) / (2(K−1))."""
    return classes * (1 - arb(classes - 1).sqrt()) / (2 * (classes - 1))


def predict_least() -> Quantities:
    """The closed form, enclosed."""
    with ctx.workprec(PRECISION):
        return {f"K={k}": to_bracket(_least(k)) for k in SIZES}


def predict_least_semidefinite() -> Quantities:
    """The printed hypothesis: no eigenvalue below zero."""
    return {f"K={k}": Bracket.exactly(0.0) for k in SIZES[1:]}


def predict_least_as_cosine() -> Quantities:
    """A false variant: not below −1/(K−1), the cosine of two directions."""
    return {f"K={k}": Bracket.exactly(-1 / (k - 1)) for k in SIZES[2:]}


def predict_least_without_class() -> Quantities:
    """A false variant: (1 − √(K−1))/2, without the factor K/(K−1) of ‖d_j‖^{−2}."""
    return {f"K={k}": Bracket.exactly((1 - math.sqrt(k - 1)) / 2) for k in SIZES[1:]}


def predict_least_without_root() -> Quantities:
    """A false variant: K (1 − (K−1)) / (2(K−1))."""
    return {f"K={k}": Bracket.exactly(k * (2 - k) / (2 * (k - 1))) for k in SIZES[1:]}


def measure_least(setting: Setting) -> Quantities:
    """The least eigenvalue of (H + Hᵀ)/2, between two shifts at which pivots in ball arithmetic count eigenvalues below."""
    return {f"K={k}": _least_eigenvalue(k) for k in SIZES}


def _symmetric_part(classes: int) -> sympy.Matrix:
    similarity = exact_similarity("L", classes, classes)
    return (similarity + similarity.T) / 2


def _least_eigenvalue(classes: int) -> Bracket:
    matrix = _symmetric_part(classes).tolist()
    guess = float(np.linalg.eigvalsh(np.array(matrix, dtype=float))[0])
    low, high = guess - HALF_WIDTH, guess + HALF_WIDTH
    if _eigenvalues_below(matrix, low) != 0 or _eigenvalues_below(matrix, high) == 0:
        raise ArithmeticError(f"the least eigenvalue for K = {classes} is not within {HALF_WIDTH} of {guess}; widen the bracket.")
    return Bracket(low, high, rigorous=True)


def _eigenvalues_below(matrix: list[list[sympy.Rational]], shift: float) -> int:
    """Negative pivots of LDLᵀ of S − shift: by Sylvester's law of inertia, the eigenvalues of S below the shift.

    Raises:
        ArithmeticError: when a pivot's sign is open.
    """
    with ctx.workprec(PRECISION):
        balls = [
            [arb(fmpq(int(entry.p), int(entry.q))) - shift * int(i == j) for j, entry in enumerate(row)] for i, row in enumerate(matrix)
        ]
        rest = np.array(balls, dtype=object)
        negative = 0
        while len(rest):
            pivot = rest[0, 0]
            if not (pivot > 0 or pivot < 0):
                raise ArithmeticError(f"a pivot of S − {shift} contains zero; raise the working precision or move the shift.")
            negative += bool(pivot < 0)
            rest = rest[1:, 1:] - np.outer(rest[1:, 0] / pivot, rest[0, 1:])
        return negative


def predict_exact() -> Quantities:
    """H² = (K/(K−1)) H of rank K − 1; ‖H − Hᵀ‖²; a cubic that the symmetric part solves; its least eigenvalue for every K."""
    found: dict[str, Quantity] = {"least eigenvalue, any K": (n + 1) * (1 - sympy.sqrt(n)) / (2 * n)}
    for k in EXACT:
        found |= {
            f"K={k}: ‖H² − (K/(K−1)) H‖²": sympy.Integer(0),
            f"K={k}: rank of H": sympy.Integer(k - 1),
            f"K={k}: ‖H − Hᵀ‖²": sympy.Rational(2 * k * k * (k - 2), k - 1),
            f"K={k}: cubic of (H + Hᵀ)/2": sympy.Integer(0),
        }
    return found


def predict_symmetric() -> Quantities:
    """A false variant: H = Hᵀ."""
    return {f"K={k}: ‖H − Hᵀ‖²": sympy.Integer(0) for k in EXACT[1:]}


def measure_exact(setting: Setting) -> Quantities:
    """In rational arithmetic from the definition of H.

    For every K: let R = [P_1 … P_K], P_j = d̂_j d̂_jᵀ, and J = 1 ⊗ I. Then H = JR, and for z ⊥ 1 with f = K/(K−1) from ΣP_j z = f z,
    R J z = R Rᵀ z = f z. So (H + Hᵀ)/2 maps Jz to (f Jz + K Rᵀz)/2 and Rᵀz to (f Jz + f Rᵀz)/2, and the rest to zero.
    """
    f = (n + 1) / n
    block = sympy.Matrix([[f, f], [n + 1, f]]) / 2
    # of the two eigenvalues (tr ± √(tr² − 4 det))/2 the lower one
    trace, determinant = block.trace(), block.det()
    found: dict[str, Quantity] = {"least eigenvalue, any K": (trace - sympy.sqrt(sympy.factor(trace**2 - 4 * determinant))) / 2}
    for k in EXACT:
        similarity, half = exact_similarity("L", k, k), _symmetric_part(k)
        ratio = sympy.Rational(k, k - 1)
        cubic = half * (half * half - ratio * half - sympy.Rational(k * k * (k - 2), 4 * (k - 1) ** 2) * sympy.eye(k * k))
        found |= {
            f"K={k}: ‖H² − (K/(K−1)) H‖²": _squared_norm(similarity * similarity - ratio * similarity),
            f"K={k}: rank of H": sympy.Integer(DomainMatrix.from_Matrix(similarity).to_field().rank()),
            f"K={k}: ‖H − Hᵀ‖²": _squared_norm(similarity - similarity.T),
            f"K={k}: cubic of (H + Hᵀ)/2": _squared_norm(cubic),
        }
    return found


def _squared_norm(matrix: sympy.Matrix) -> sympy.Expr:
    return (matrix * matrix.T).trace()


def draw_least(setting: Setting) -> Figure:
    """The least eigenvalue against K."""
    lines = np.linspace(2.0, 10.0, 81).tolist()
    values = [float(found.middle) for found in measure_least(setting).values() if isinstance(found, Bracket)]
    return Figure(
        title="The L-model's quadratic form is indefinite",
        caption="Least eigenvalue of (H + Hᵀ)/2 against the number of classes: closed form and certified values.",
        x_label="K",
        y_label="least eigenvalue",
        series=(
            Series(
                label="K(1 − √(K−1))/(2(K−1))",
                x=tuple(lines),
                y=tuple(k * (1 - math.sqrt(k - 1)) / (2 * (k - 1)) for k in lines),
                style="line",
                color=0,
            ),
            Series(label="certified", x=tuple(float(k) for k in SIZES), y=tuple(values), style="points", color=0),
        ),
    )


ROOM = Room(
    statement=Statement(
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
    checks=(
        Check(
            name="printed",
            claim="the L-model meets the hypothesis 'same setup as in Theorem 1': H is positive semidefinite",
            evidence=Evidence.CERTIFIED,
            predict=predict_least_semidefinite,
            measure=measure_least,
            kind=Kind.LOWER_BOUND,
            expected=Verdict.REFUTED,
        ),
        Check(
            name="least-eigenvalue",
            claim="the least eigenvalue of (H + Hᵀ)/2 is K(1 − √(K−1))/(2(K−1)): zero for two classes, negative for more",
            evidence=Evidence.CERTIFIED,
            predict=predict_least,
            measure=measure_least,
            resolution=40 * HALF_WIDTH,
            reason="eigenvalues counted at shifts 2e-9 apart, and twenty times that",
            origin=Origin.DERIVED,
        ),
        Check(
            name="exact",
            claim="H has the eigenvalues 0 and K/(K−1), the latter K − 1 times, and is symmetric for two classes only",
            evidence=Evidence.PROOF,
            predict=predict_exact,
            measure=measure_exact,
            origin=Origin.DERIVED,
        ),
    ),
    controls=(
        Control(name="as-cosine", claim="no eigenvalue is below −1/(K−1)", check="printed", predict=predict_least_as_cosine),
        Control(name="without-class", claim="it is (1 − √(K−1))/2", check="least-eigenvalue", predict=predict_least_without_class),
        Control(
            name="without-root", claim="the least one is −K(K−2)/(2(K−1))", check="least-eigenvalue", predict=predict_least_without_root
        ),
        Control(name="symmetric", claim="H is symmetric", check="exact", predict=predict_symmetric),
    ),
    figures=(draw_least,),
)
