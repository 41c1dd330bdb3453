"""Class means over long times by an integrator that knows no closed form: the growth of their norm is carried apart, as a logarithm."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.integrate import solve_ivp

from layerpeel.array_words import Float
from layerpeel.numerics import Bracket, logit_directions

RELATIVE, LOOSER = 1e-12, 1e-11
"""Relative tolerances of two runs of DOP853; their distance states the error."""
STEPS = (48, 35)
"""Steps at least in the two runs."""

Elasticity = Callable[[float], Float[np.ndarray, "K K"]]


@dataclass(frozen=True, kw_only=True, eq=False)
class IntegratedMeans:
    """X̄ = e^ℓ y with ‖y‖ = 1, and the distance between two runs, relative to ‖X̄‖."""

    logs: Float[np.ndarray, " T"]
    states: Float[np.ndarray, "T K p"]
    errors: Float[np.ndarray, " T"]

    def means(self, index: int) -> Float[np.ndarray, "K p"]:
        """X̄ itself, where it is within doubles."""
        return np.exp(self.logs[index]) * self.states[index]

    def cosines(self, index: int) -> Float[np.ndarray, "K K"]:
        """Between class means."""
        units = self.states[index] / np.linalg.norm(self.states[index], axis=1, keepdims=True)
        return units @ units.T

    def cosine_error(self, index: int) -> float:
        """By which a cosine may be off: the error against the shortest mean, at both ends."""
        return 2 * float(self.errors[index] / np.linalg.norm(self.states[index], axis=1).min())

    def log_distance(self, index: int, first: int, second: int) -> Bracket:
        """log ‖X̄^k − X̄^l‖ with its error."""
        distance = float(np.linalg.norm(self.states[index, first] - self.states[index, second]))
        value, doubt = float(self.logs[index] + np.log(distance)), 2 * float(self.errors[index]) / distance
        return Bracket(value - doubt, value + doubt)


def integrated_means(
    elasticity: Elasticity, blocks: Float[np.ndarray, "K K p p"], start: Float[np.ndarray, "K p"], times: Sequence[float]
) -> IntegratedMeans:
    """Solve dX̄^i/dt = Σ_j E_ij(t) H_ij X̄^j / K by y' = (M − c) y, ℓ' = c, c = yᵀMy/‖y‖².

    Args:
        elasticity: E(t).
        blocks: H.
        start: class means at time 0.
        times: increasing.
    """
    classes, features = start.shape
    size = float(np.linalg.norm(start))
    wide = blocks.transpose(0, 2, 1, 3).reshape(classes, features, -1)

    def slope(time: float, extended: np.ndarray) -> np.ndarray:
        state = extended[:-1]
        weights = np.repeat(elasticity(time) / classes, features, axis=1)
        pushed = (wide * weights[:, None, :] @ state).ravel()
        rate = pushed @ state / (state @ state)
        return np.append(pushed - rate * state, rate)

    begun, end, runs = np.append(start.ravel() / size, np.log(size)), float(times[-1]), list[np.ndarray]()
    for tolerance, steps in zip((RELATIVE, LOOSER), STEPS, strict=True):
        solution = solve_ivp(
            slope, (0.0, end), begun, method="DOP853", t_eval=times, rtol=tolerance, atol=0.01 * tolerance, max_step=end / steps
        )
        runs.append(solution.y.T)
    states, logs = runs[0][:, :-1], runs[0][:, -1]
    errors = np.linalg.norm(states - runs[1][:, :-1], axis=1) + np.abs(logs - runs[1][:, -1]) + RELATIVE
    norms = np.linalg.norm(states, axis=1)
    return IntegratedMeans(logs=logs + np.log(norms), states=(states / norms[:, None]).reshape(-1, classes, features), errors=errors)


def on_logarithms(elasticity: Elasticity) -> Elasticity:
    """(1 + t) E(t) as a function of u = log(1 + t): what E is on that clock, where power laws of t need no more steps late than early."""
    return lambda clock: np.exp(clock) * elasticity(float(np.expm1(clock)))


def blocks_along(directions: Float[np.ndarray, "K p"]) -> Float[np.ndarray, "K K p p"]:
    """H_ij = v_j v_jᵀ."""
    classes, features = directions.shape
    return np.broadcast_to(np.einsum("ja,jb->jab", directions, directions), (classes, classes, features, features))


def l_model_blocks(classes: int) -> Float[np.ndarray, "K K K K"]:
    """H_ij = d̂_j d̂_jᵀ."""
    return blocks_along(logit_directions(classes))


def i_model_blocks(classes: int, features: int) -> Float[np.ndarray, "K K p p"]:
    """H_ij = I_p."""
    return np.broadcast_to(np.eye(features), (classes, classes, features, features))


def two_parameter(intra: float, inter: float, classes: int) -> Float[np.ndarray, "K K"]:
    """E: α on the diagonal, β off it."""
    return (intra - inter) * np.eye(classes) + inter
