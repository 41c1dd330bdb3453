"""Cosines between class means that are driven along a frame v_j by blocks v_j v_jᵀ, late in time, by the integrator."""

import math
from collections.abc import Callable, Mapping
from itertools import combinations

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics import Bracket
from layerpeel.theory.locally_elastic._integrated_means import blocks_along, integrated_means, two_parameter

INTRA, INTER = 1.0, -0.5
"""Constant rates, for orthonormal v_j."""
END = 100.0
"""Γ ≥ 2t − 1 and B ≤ −t + 1: e^{−Γ/K} and e^{Bμ/K} are below e^{−22}, μ ≥ 0.9 the least positive eigenvalue of G."""
LEFT = 1e-7
"""What slower modes change in a cosine at END."""


def along_frames(
    rng: np.random.Generator, frames: Mapping[str, Float[np.ndarray, "_ _"]], dependencies: Mapping[str, Float[np.ndarray, " _"]]
) -> list[Bracket]:
    """Pair after pair, frame after frame, from a start that is pushed along the frame; both rates vary in time."""
    by_pair: list[Bracket] = []
    for name, frame in frames.items():
        pushed = frame * (1.0 + 4.0 * dependencies[name])[:, None]
        start = 0.3 * np.clip(rng.standard_normal(frame.shape), -2.0, 2.0) + pushed
        by_pair += pair_cosines(frame, lambda time: 1 + math.sin(time) / 2, lambda time: -1 + math.cos(time) / 2, start)
    return by_pair


def along_axes(start: Float[np.ndarray, "K K"]) -> list[Bracket]:
    """Pair after pair, for orthonormal v_j and constant rates."""
    return pair_cosines(np.eye(len(start)), lambda time: INTRA, lambda time: INTER, start)


def pair_cosines(
    frame: Float[np.ndarray, "K p"], intra: Callable[[float], float], inter: Callable[[float], float], start: Float[np.ndarray, "K p"]
) -> list[Bracket]:
    """Between class means at END, pair after pair."""
    means = integrated_means(lambda time: two_parameter(intra(time), inter(time), len(frame)), blocks_along(frame), start, (END,))
    cosines = means.cosines(0)
    return [Bracket.around(cosines[pair], LEFT) for pair in combinations(range(len(frame)), 2)]
