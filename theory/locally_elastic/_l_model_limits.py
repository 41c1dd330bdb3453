"""To what class means of the L-model tend where they do not collapse; predictions only."""

import math

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics import logit_directions


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
