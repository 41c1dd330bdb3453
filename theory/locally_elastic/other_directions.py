"""Blocks v_j v_jᵀ with other directions than d_j: class means collapse to the frame that the blocks are made of, an ETF or not."""

from itertools import combinations

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics import Bracket
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, claim, instances
from layerpeel.theory.locally_elastic._in_symbols.frames import BETA, GAMMA, WEIGHTS, driven
from layerpeel.theory.locally_elastic._measured.collapse_to_a_frame import INTER, INTRA, along_axes, along_frames

# H_ij = v_j v_jᵀ with unit vectors v_j, G_ij = v_i·v_j, s_j = v_jᵀX̄^j. Then s' = (E ∘ G) s/K = (γI + βG) s/K, matrices that commute at all
# times: s(t) = e^{(Γ + BG)/K} s(0). If B → −∞ what is left of e^{−Γ/K} s is w, the projection of s(0) on ker G, the space of dependencies
# Σ_j w_j v_j = 0. X̄^i' = (γ v_i s_i + β Σ_j v_j s_j)/K and Γ → ∞ give e^{−Γ/K} X̄^i → w_i v_i: up to signs the means take the directions of
# the frame. All signs agree for almost every start iff the only dependency has positive weights, that is, the v_j surround the origin. The
# simplex ETF of the L-model does, with equal weights; it is put in by the choice d_j, not made by the dynamics. Independent v_j (ker G = 0)
# do not collapse.

AROUND, HALF, SPACE = "three in the plane", "three in a half-plane", "four in space"
FRAMES = {
    # unequal angles around the origin
    AROUND: np.array([[1.0, 0.0], [-0.6, 0.8], [-5 / 13, -12 / 13]]),
    # on one side of a line: v_2 = 0.6 v_1 + 0.8 v_3, weights of both signs
    HALF: np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]]),
    # around the origin
    SPACE: np.array([[1.0, 0.0, 0.0], [-0.6, 0.8, 0.0], [0.0, -0.6, 0.8], [-2 / 7, -3 / 7, -6 / 7]]),
}
DEPENDENCIES = {name: np.linalg.svd(frame.T)[2][-1] for name, frame in FRAMES.items()}
"""w."""
STARTS = {
    "first start": np.array([[1.0, 0.0, 0.2], [0.0, 1.0, -0.3], [0.1, 0.0, 1.0]]),
    "second start": np.array([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, -1.0]]),
}
ROUNDING = 1e-12
"""Of products of unit vectors in doubles."""

ROOM = Room.of(
    Statement(
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
        meaning="If classes move along other directions than those of the logits model, their means end in the frame of those directions, "
        "equal angles or not, if these depend on each other linearly. Equal angles are thus put into that model, not derived by it.",
    ),
    claim(
        "mode",
        "a dependency w of the frame is a mode: (E ∘ G) w = γ w for all α and β",
        over=instances("class {}", 1, 2, 3),
        predict=lambda j: GAMMA * WEIGHTS[j - 1],
        measure=lambda j: driven(j - 1),
        by="(E ∘ G) w for the frame of unequal angles in the plane, in rationals",
        false={"intra": ("(E ∘ G) w = α w", lambda j: (GAMMA + BETA) * WEIGHTS[j - 1])},
        evidence=Evidence.PROOF,
    ),
    claim(
        "collapse",
        "cosines tend to sign(w_k w_l) v_k·v_l: those of the frame when it surrounds the origin, some flipped when not",
        over=instances(
            "{}: classes {}, {}", *((name, *pair) for name, frame in FRAMES.items() for pair in combinations(range(1, len(frame) + 1), 2))
        ),
        predict=lambda name, k, j: Bracket.around(
            np.sign(DEPENDENCIES[name][k - 1] * DEPENDENCIES[name][j - 1]) * (FRAMES[name][k - 1] @ FRAMES[name][j - 1]), ROUNDING
        ),
        measure_all=lambda setting: along_frames(setting.rng, FRAMES, DEPENDENCIES),
        by="cosines at t = 100 for α = 1 + ½ sin t, β = −1 + ½ cos t; starts are normal vectors, pushed along the frame by 4w + v",
        false={
            "etf": ("every frame leads to an ETF", lambda name, *_: -1 / (len(FRAMES[name]) - 1)),
            "unflipped": (
                "no vector is flipped in a half-plane",
                lambda name, k, j: float(FRAMES[name][k - 1] @ FRAMES[name][j - 1]) if name == HALF else None,
            ),
        },
        evidence=Evidence.EMPIRICAL.within(
            3e-6, "slower modes have less than e^{−22} left at the time looked at, and 1e-7 is allowed for them"
        ),
    ),
    claim(
        "independent",
        "for orthonormal v_j the limits depend on the start: no collapse",
        over=instances("{}: classes {}, {}", *((name, *pair) for name in STARTS for pair in combinations((1, 2, 3), 2))),
        predict=lambda name, k, j: Bracket.around(kept_cosine(STARTS[name], k, j, intra=INTRA), ROUNDING),
        measure_all=lambda _: [cosine for start in STARTS.values() for cosine in along_axes(start)],
        by="cosines at t = 100 with v_j = e_j and constant α and β, two starts",
        false={
            "right-angles": ("orthonormal v_j lead to right angles", 0.0),
            "intra-for-gap": (
                "the limits are along α s_i v_i + β Σ_j s_j v_j",
                lambda name, k, j: Bracket.around(kept_cosine(STARTS[name], k, j, intra=INTRA + INTER), ROUNDING),
            ),
        },
        evidence=Evidence.EMPIRICAL.within(3e-6, "what is left of the start has e^{−33}, and 1e-7 is allowed"),
    ),
)


def kept_cosine(start: Float[np.ndarray, "3 3"], k: int, j: int, *, intra: float) -> float:
    """Between the directions γ s_i(0) v_i + β Σ_j s_j(0) v_j, γ = intra − β."""
    along = np.diag(np.diag(start))
    limit = (intra - INTER) * along + INTER * along.sum(axis=0)
    units = limit / np.linalg.norm(limit, axis=1, keepdims=True)
    return float(units[k - 1] @ units[j - 1])
