"""To what class means of the L-model tend where they do not collapse; predictions only."""

import math

import numpy as np
import sympy
from flint import ctx

from layerpeel.array_words import Float
from layerpeel.numerics import PRECISION, Bracket, enclose_expression, logit_directions, to_bracket
from layerpeel.theory.locally_elastic._vanishing_inter import Case


def parts(start: Float[np.ndarray, "K K"]) -> tuple[Float[np.ndarray, "K K"], Float[np.ndarray, "K K"], float]:
    """The d̂_j, the δ_j(0) d̂_j, and s̄(0)."""
    frame = logit_directions(len(start))
    along = np.sum(frame * start, axis=1)
    return frame, (along - along.mean())[:, None] * frame, along.mean()


def dominated(intra: float, inter: float, start: Float[np.ndarray, "K K"]) -> Float[np.ndarray, "K K"]:
    """Directions when the deviations δ_j dominate, for constant rates: γ δ_i(0) d̂_i + β Σ_j d̂_j δ_j(0), up to one positive factor."""
    _, pushes, _ = parts(start)
    return (intra - inter) * pushes + inter * pushes.sum(axis=0)


def stopped(start: Float[np.ndarray, "K K"], shared: float = -0.5) -> Float[np.ndarray, "K K"]:
    """Limit for α = −β = e^{−t}/2, hence Γ = 1 and A = −B = ½: φ1 = e^{1/K}, φ2 = e^{κ/K} with κ = ½(1 − 1/(K−1)), I_γ = (φ2 − 1)/κ."""
    classes, (frame, pushes, mean) = len(start), parts(start)
    rest = 0.5 * (1 - 1 / (classes - 1))
    grown = math.expm1(rest / classes) / rest
    return start + math.expm1(1 / classes) * mean * frame + grown * (pushes + shared * pushes.sum(axis=0))


def exactly(number: sympy.Expr) -> Bracket:
    """A number, enclosed."""
    with ctx.workprec(PRECISION):
        return to_bracket(enclose_expression(number))


def projection(case: Case, j: int, *, share: sympy.Expr) -> Bracket:
    """e^{−b/K} (s̄(0) + share · δ_j(0)), s_j = d̂_jᵀX̄^j = s̄ + δ_j."""
    classes, scale = case.classes, sympy.sqrt(sympy.Rational(case.classes, case.classes - 1))
    along = [scale * (sympy.Rational(row[i]) - sympy.Rational(sum(row), classes)) for i, row in enumerate(case.start)]
    mean = sum(along) / classes
    return exactly(sympy.exp(-sympy.Rational(case.inter) / classes) * (mean + share * (along[j - 1] - mean)))


def cosine_when_stopped(exponent: sympy.Expr) -> Bracket:
    """Between e^x e_k − (e^x − 1)/3 and e^x e_l − (e^x − 1)/3."""
    factor = sympy.exp(exponent)
    shift = (factor - 1) / 3
    inner = 3 * shift**2 - 2 * shift * factor
    return exactly(inner / (factor**2 + inner))


def share_of_starts(square: float) -> float:
    """¼ + (3/2π) arcsin ρ: three normal variables of correlation ρ share a sign."""
    return 0.25 + 1.5 / math.pi * math.asin(correlation(square))


def correlation(square: float) -> float:
    """ρ = (1 − r²)/(1 + 2r²), r = e^{B(∞)/2}."""
    return (1 - square) / (1 + 2 * square)
