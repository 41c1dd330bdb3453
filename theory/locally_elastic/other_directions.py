"""Blocks v_j v_jᵀ with other directions than d_j: class means collapse to the frame that the blocks are made of, an ETF or not."""

import math
from collections.abc import Callable
from itertools import combinations

import numpy as np
import sympy
from jaxtyping import Float

from layerpeel.numerics import Bracket
from layerpeel.theory._room import Check, Control, Evidence, Kind, Origin, Quantities, Room, Setting, Source, Statement
from layerpeel.theory.locally_elastic._integrated_means import blocks_along, integrated_means, two_parameter

# H_ij = v_j v_jᵀ with unit vectors v_j, G_ij = v_i·v_j, s_j = v_jᵀX̄^j. Then s' = (E ∘ G) s/K = (γI + βG) s/K, matrices that commute at all
# times: s(t) = e^{(Γ + BG)/K} s(0). If B → −∞ what is left of e^{−Γ/K} s is w, the projection of s(0) on ker G, the space of dependencies
# Σ_j w_j v_j = 0. X̄^i' = (γ v_i s_i + β Σ_j v_j s_j)/K and Γ → ∞ give e^{−Γ/K} X̄^i → w_i v_i: up to signs the means take the directions of
# the frame. All signs agree for almost every start iff the only dependency has positive weights, that is, the v_j surround the origin. The
# simplex ETF of the L-model does, with equal weights; it is put in by the choice d_j, not made by the dynamics. Independent v_j (ker G = 0)
# do not collapse.

SKEW = np.array([[1.0, 0.0], [-0.6, 0.8], [-5 / 13, -12 / 13]])
"""Unequal angles around the origin of the plane."""
HALF = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
"""On one side of a line: v_2 = 0.6 v_1 + 0.8 v_3, weights of both signs."""
SPACE = np.array([[1.0, 0.0, 0.0], [-0.6, 0.8, 0.0], [0.0, -0.6, 0.8], [-2 / 7, -3 / 7, -6 / 7]])
"""Four vectors around the origin of space."""
FRAMES = {"three in the plane": SKEW, "three in a half-plane": HALF, "four in space": SPACE}
END = 100.0
"""Γ ≥ 2t − 1 and B ≤ −t + 1: e^{−Γ/K} and e^{Bμ/K} are below e^{−22}, μ ≥ 0.9 the least positive eigenvalue of G."""
LEFT = 1e-7
"""What slower modes change in a cosine at END."""


Rate = Callable[[float], float]


def _label(name: str, pair: tuple[int, int]) -> str:
    return f"{name}: classes {pair[0] + 1}, {pair[1] + 1}"


def _pairs(frame: np.ndarray) -> list[tuple[int, int]]:
    return list(combinations(range(len(frame)), 2))


def predict_collapse() -> Quantities:
    """sign(w_k w_l) v_k·v_l with the dependency w."""
    found: dict[str, Bracket] = {}
    for name, frame in FRAMES.items():
        dependency = np.linalg.svd(frame.T)[2][-1]
        for k, j in _pairs(frame):
            value = float(np.sign(dependency[k] * dependency[j]) * (frame[k] @ frame[j]))
            found[_label(name, (k, j))] = Bracket(value - ROUNDING, value + ROUNDING)
    return found


ROUNDING = 1e-12
"""Of products of unit vectors in doubles."""


def predict_etf() -> Quantities:
    """A false variant: −1/(K−1), whatever the blocks."""
    return {_label(name, pair): Bracket.exactly(-1 / (len(frame) - 1)) for name, frame in FRAMES.items() for pair in _pairs(frame)}


def predict_unflipped() -> Quantities:
    """A false variant: v_k·v_l for every frame."""
    name = "three in a half-plane"
    return {_label(name, (k, j)): Bracket.exactly(float(FRAMES[name][k] @ FRAMES[name][j])) for k, j in _pairs(FRAMES[name])}


def _cosines(frame: Float[np.ndarray, "K p"], intra: Rate, inter: Rate, start: Float[np.ndarray, "K p"]) -> Float[np.ndarray, "K K"]:
    classes = len(frame)
    return integrated_means(lambda time: two_parameter(intra(time), inter(time), classes), blocks_along(frame), start, (END,)).cosines(0)


def measure_collapse(setting: Setting) -> Quantities:
    """Cosines at END for α = 1 + ½ sin t, β = −1 + ½ cos t; starts are normal vectors, pushed along the frame by 4w + v."""
    found: dict[str, Bracket] = {}
    for name, frame in FRAMES.items():
        pushed = frame * (1.0 + 4.0 * (np.linalg.svd(frame.T)[2][-1]))[:, None]
        start = 0.3 * np.clip(setting.rng.standard_normal(frame.shape), -2.0, 2.0) + pushed
        cosines = _cosines(frame, lambda time: 1 + math.sin(time) / 2, lambda time: -1 + math.cos(time) / 2, start)
        for pair in _pairs(frame):
            found[_label(name, pair)] = Bracket(float(cosines[pair]) - LEFT, float(cosines[pair]) + LEFT)
    return found


STARTS = {
    "first start": np.array([[1.0, 0.0, 0.2], [0.0, 1.0, -0.3], [0.1, 0.0, 1.0]]),
    "second start": np.array([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, -1.0]]),
}
INTRA, INTER = 1.0, -0.5


def predict_independent() -> Quantities:
    """Directions γ s_i(0) v_i + β Σ_j s_j(0) v_j, which keep the start."""
    found: dict[str, Bracket] = {}
    for name, start in STARTS.items():
        along = np.diag(np.diag(start))
        limit = (INTRA - INTER) * along + INTER * along.sum(axis=0)
        units = limit / np.linalg.norm(limit, axis=1, keepdims=True)
        for k, j in _pairs(start):
            value = float(units[k] @ units[j])
            found[_label(name, (k, j))] = Bracket(value - ROUNDING, value + ROUNDING)
    return found


def predict_right_angles() -> Quantities:
    """A false variant: the frame, here right angles."""
    return {_label(name, pair): Bracket.exactly(0.0) for name, start in STARTS.items() for pair in _pairs(start)}


def measure_independent(setting: Setting) -> Quantities:
    """v_j = e_j, constant α and β, two starts."""
    found: dict[str, Bracket] = {}
    for name, start in STARTS.items():
        cosines = _cosines(np.eye(3), lambda time: INTRA, lambda time: INTER, start)
        for pair in _pairs(start):
            found[_label(name, pair)] = Bracket(float(cosines[pair]) - LEFT, float(cosines[pair]) + LEFT)
    return found


GAP, SHARED = sympy.symbols("gamma beta")


def _exact_frame() -> sympy.Matrix:
    """The plane's frame in rationals, vectors as columns."""
    half, part = sympy.Rational(1, 5), sympy.Rational(1, 13)
    return sympy.Matrix([[1, -3 * half, -5 * part], [0, 4 * half, -12 * part]])


def predict_mode() -> Quantities:
    """γ w_j with Σ_j w_j v_j = 0, w > 0."""
    dependency = _exact_frame().nullspace()[0]
    return {f"class {j + 1}": GAP * dependency[j] for j in range(3)}


def predict_mode_of_intra() -> Quantities:
    """A false variant: α w_j."""
    dependency = _exact_frame().nullspace()[0]
    return {f"class {j + 1}": (GAP + SHARED) * dependency[j] for j in range(3)}


def measure_mode(setting: Setting) -> Quantities:
    """(E ∘ G) w for the frame of unequal angles in the plane."""
    frame = _exact_frame()
    elasticity = GAP * sympy.eye(3) + SHARED * sympy.ones(3)
    grown = elasticity.multiply_elementwise(frame.T * frame) * frame.nullspace()[0]
    return {f"class {j + 1}": sympy.expand(grown[j]) for j in range(3)}


ROOM = Room(
    statement=Statement(
        name="other-directions",
        title="Class means collapse to the frame of the blocks",
        latex=r"H_{ij}=v_jv_j^\top,\ \Gamma\to\infty,\ B\to-\infty\ \Rightarrow\ e^{-\Gamma/K}\bar X^i\to w_iv_i,\quad "
        r"w=\text{projection of }(v_j^\top\bar X^j(0))_j\text{ on }\{w:\textstyle\sum_jw_jv_j=0\}",
        assumptions=(
            "unit vectors v_j; γ > 0",
            "w has no zero entry; the directions are those of the frame itself when the v_j surround the origin",
            "independent v_j have no dependency: then limits keep the start",
        ),
        kind=Kind.EQUALITY,
        origin=Origin.CONJECTURE,
        source=Source("zhang2021", "slides, Future Works: Beyond L-model for Imitating Genuine Dynamics of DNNs"),
    ),
    checks=(
        Check(
            name="mode",
            claim="a dependency w of the frame is a mode: (E ∘ G) w = γ w for all α and β",
            evidence=Evidence.PROOF,
            predict=predict_mode,
            measure=measure_mode,
        ),
        Check(
            name="collapse",
            claim="cosines tend to sign(w_k w_l) v_k·v_l: those of the frame when it surrounds the origin, some flipped when not",
            evidence=Evidence.EMPIRICAL,
            predict=predict_collapse,
            measure=measure_collapse,
            resolution=3e-6,
            reason="slower modes have less than e^{−22} left at the time looked at, and 1e-7 is allowed for them",
        ),
        Check(
            name="independent",
            claim="for orthonormal v_j the limits depend on the start: no collapse",
            evidence=Evidence.EMPIRICAL,
            predict=predict_independent,
            measure=measure_independent,
            resolution=3e-6,
            reason="what is left of the start has e^{−33}, and 1e-7 is allowed",
        ),
    ),
    controls=(
        Control(name="intra", claim="(E ∘ G) w = α w", check="mode", predict=predict_mode_of_intra),
        Control(name="etf", claim="every frame leads to an ETF", check="collapse", predict=predict_etf),
        Control(name="unflipped", claim="no vector is flipped in a half-plane", check="collapse", predict=predict_unflipped),
        Control(name="right-angles", claim="orthonormal v_j lead to right angles", check="independent", predict=predict_right_angles),
    ),
)
