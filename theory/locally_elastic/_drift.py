"""The drift M = (E ⊗ 11ᵀ) ∘ H / K from its definition, exactly and in doubles, and an integrator that knows no closed form."""

from functools import cache

import numpy as np
import sympy
from scipy.integrate import solve_ivp

from layerpeel.array_words import Float

RELATIVE = 1e-12
"""Relative tolerance of the integrator (DOP853)."""

AGREEMENT = 1e-9
"""What a closed form and the integrator may differ by, relative: a few hundred steps, each good to RELATIVE."""


def exact_similarity(kind: str, classes: int, features: int) -> sympy.Matrix:
    """H, exactly: blocks I_p (kind "I"), or d_j d_jᵀ/‖d_j‖² with d_j = e_j − 1/K (kind "L", p = K)."""
    if kind == "I":
        return sympy.Matrix(classes * features, classes * features, lambda row, column: int(row % features == column % features))
    offsets = [sympy.Matrix([int(i == j) - sympy.Rational(1, classes) for i in range(classes)]) for j in range(classes)]
    row = sympy.Matrix.hstack(*(d * d.T / (d.T * d)[0] for d in offsets))
    return sympy.Matrix.vstack(*[row] * classes)


def exact_elasticity(classes: int, intra: sympy.Expr, inter: sympy.Expr) -> sympy.Matrix:
    """E: α on the diagonal, β off it."""
    return (intra - inter) * sympy.eye(classes) + inter * sympy.ones(classes)


def exact_drift(similarity: sympy.Matrix, classes: int, intra: sympy.Expr, inter: sympy.Expr) -> sympy.Matrix:
    """M = (E ⊗ 11ᵀ) ∘ H / K for a given H, exactly."""
    elasticity, features = exact_elasticity(classes, intra, inter), similarity.rows // classes
    spread = sympy.Matrix(*similarity.shape, lambda row, column: elasticity[row // features, column // features])
    return spread.multiply_elementwise(similarity) / classes


@cache
def similarity_blocks(kind: str, classes: int, features: int) -> Float[np.ndarray, "K p K p"]:
    """H in doubles; entry (i, a, j, b) is (H_ij)_ab."""
    return np.array(exact_similarity(kind, classes, features).tolist(), dtype=float).reshape(classes, features, classes, features)


def rate(numbers: np.ndarray, time: float | np.ndarray) -> np.ndarray:
    """A rate that varies in time, c0 + c1 sin(c2 t + c3) + c4/(1 + t), for one case or many."""
    return numbers[0] + numbers[1] * np.sin(numbers[2] * time + numbers[3]) + numbers[4] / (1 + time)


def rate_integral(numbers: np.ndarray, time: float | np.ndarray) -> np.ndarray:
    """∫_0^t of `rate`."""
    wave = (np.cos(numbers[3]) - np.cos(numbers[2] * time + numbers[3])) / numbers[2]
    return numbers[0] * time + numbers[1] * wave + numbers[4] * np.log1p(time)


def rate_numbers(draws: Float[np.ndarray, "cases 5"]) -> Float[np.ndarray, "5 cases"]:
    """Numbers of `rate` from the unit cube: amplitudes in [−1, 1], frequency in [1, 4], phase in [0, 6]."""
    least, most = np.array([[-1.0, -1.0, 1.0, 0.0, -1.0], [1.0, 1.0, 4.0, 6.0, 1.0]])
    return (least + (most - least) * draws).T


def weights(
    intra: Float[np.ndarray, " cases"],
    inter: Float[np.ndarray, " cases"],
    classes: int,
    sampling: Float[np.ndarray, "K K"] | None = None,
) -> Float[np.ndarray, "cases K K"]:
    """E P' / K for each case; P' = I unless given."""
    elasticity = (intra - inter)[:, None, None] * np.eye(classes) + inter[:, None, None]
    return (elasticity if sampling is None else elasticity @ sampling) / classes


def integrated(
    kind: str,
    intra: Float[np.ndarray, "5 cases"],
    inter: Float[np.ndarray, "5 cases"],
    start: Float[np.ndarray, "cases K p"],
    times: Float[np.ndarray, " T"],
    sampling: Float[np.ndarray, "K K"] | None = None,
) -> Float[np.ndarray, "T cases K p"]:
    """Class means of all cases by one run of DOP853 on dX̄^i/dt = Σ_j (E P')_ij H_ij X̄^j / K."""
    _, classes, features = start.shape
    blocks = similarity_blocks(kind, classes, features)

    def slope(time: float, flat: np.ndarray) -> np.ndarray:
        drives = weights(rate(intra, time), rate(inter, time), classes, sampling)
        seen = np.einsum("iajb,cjb->cija", blocks, flat.reshape(start.shape), optimize=True)
        return np.einsum("cij,cija->cia", drives, seen).ravel()

    solution = solve_ivp(slope, (0.0, float(times[-1])), start.ravel(), method="DOP853", t_eval=times, rtol=RELATIVE, atol=0.1 * RELATIVE)
    return solution.y.T.reshape(len(times), *start.shape)
