"""How far certified logits can be from the optimal ones, where the loss is strictly convex."""

import math

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics import GroupMatrix, validated
from layerpeel.solvers.program._losses import odds
from layerpeel.solvers.program._problem import LayerPeeled, Problem
from layerpeel.solvers.program._program import require_unweighted
from layerpeel.solvers.proof._certificate import certify

STEEPNESS = {"cross-entropy": 0.5, "squared": 1.0}
"""Largest eigenvalue of the Hessian of L: the loss's slope moves at most this times as far as its logits."""

DECAY = {"cross-entropy": math.sqrt(2), "squared": 0.0}
"""The least curvature falls by no more than e^{−DECAY ρ} within distance ρ. Logits scaled by Δ before the loss move Δ times as far."""

RADII = np.geomspace(1e-12, 4.0, 400)
"""Distances tried; beyond the last, cross-entropy has lost its curvature."""


@validated
def certify_distance(
    problem: Problem,
    candidate: GroupMatrix,
    bias: Float[np.ndarray, " G"] | None = None,
    tangent: GroupMatrix | None = None,
) -> float:
    """Upper bound of the Frobenius distance between a candidate's logits (scaled, centred) and the optimal ones.

        ‖Z − Z*‖ ≤ ρ    for the first ρ tried with κ_ρ ρ²/2 > gap;

    κ_ρ is the least curvature of the loss within ρ of the candidate, min_k c_k min_j p_kj e^{−√2 ρ} for cross-entropy and min_k c_k for the
    squared error.

    Args:
        problem: the program, with cross-entropy or the squared error.
        candidate: Y, as for `certify`.
        bias: b of one class of each group, G numbers; zero when not given.
        tangent: as for `certify`: a better minorant gives a smaller gap.

    Returns:
        The bound, or infinity when the gap is too large for any.

    Raises:
        UnusableInput: for what is no program, matrix over groups, or list of numbers.
        ValueError: for the hinge, which is not strictly convex.

    Source: derived (strong convexity; the steps are in `distance_within` beside it).

    Example:
        >>> import numpy as np
        >>> problem = LayerPeeled.from_groups([(4, 10)], feature_energy=1.0)
        >>> certify_distance(problem, GroupMatrix((4,), np.array([4 / 3]), np.zeros((1, 1)))) < 1e-6
        True
    """
    _require_curvature(problem)
    return distance_within(certify(problem, candidate, None, bias, tangent).gap, problem, candidate, bias)


def distance_within(gap: float, problem: Problem, candidate: GroupMatrix, bias: Float[np.ndarray, " G"] | None = None) -> float:
    """The same from the certified gap.

    Cross-entropy: for probabilities p and u ⊥ 1, uᵀ(diag p − ppᵀ)u = Var_p(u) ≥ p_min ‖u‖², and moving a row of logits by u changes
    no log p_j by more than √2 ‖u‖. So along any segment from the candidate, within distance ρ, the second derivative of f is at least
    κ_ρ = min_k c_k min_j p_kj e^{−√2 ρ} times the squared length. Where logits are scaled by Δ, rows stand on 1/Δ instead, and
    Var_p(Δu) ≥ p_min min_c ‖Δ(u − c/Δ)‖² ≥ p_min Δ_min² ‖u‖², while no log p_j moves by more than √2 Δ_max ‖u‖; shifts, margins and
    smoothed labels change p, or add what is linear. Squared error: κ_ρ = min_k c_k.

    The objective grows from its optimum on the segment to the candidate, by at least κ_ρ d²/2 if that is d ≤ ρ long, and by at least
    κ_ρ ρ²/2 over the last ρ if it is longer. It cannot grow by more than the certified gap: so κ_ρ d²/2 ≤ gap for an optimum within
    distance ρ, and none lies farther if κ_ρ ρ²/2 > gap.
    """
    _require_curvature(problem)
    curvature, decay = _curvature(problem, candidate, bias), DECAY[problem.loss] * float(problem.logit_scale.max())
    for radius in RADII.tolist():
        if 0.5 * curvature * math.exp(-decay * radius) * radius**2 > gap:
            return radius
    return math.inf


def slopes_within(gap: float, problem: Problem) -> Float[np.ndarray, " G"]:
    """For each group, how far the rows of its classes in ∇f, taken together, can be from those at the optimum.

    The gap is at least B = f − (tangent of f at the optimum), a sum over rows of functions that are not negative and whose slopes, that
    row's ∇f − ∇f*, move at most ℓc_g times as far as the logits (ℓ the steepness). A step of 1/(ℓc_g) against the slope lowers such a
    function by at least ‖slope‖²/(2ℓc_g), and not below zero. So ‖∇f − ∇f*‖² ≤ 2ℓc_g·gap over the rows of group g: no curvature enters.
    """
    _require_curvature(problem)
    return np.sqrt(2 * steepness(problem) * problem.weights * gap)


def steepness(problem: Problem) -> float:
    """ℓ, the largest eigenvalue of the Hessian of L; logits scaled by Δ before the loss have Δ_max² times as much."""
    return STEEPNESS[problem.loss] * float(problem.logit_scale.max()) ** 2


def _require_curvature(problem: Problem) -> None:
    if problem.loss not in DECAY:
        raise ValueError(f"loss {problem.loss!r} has no strong convexity bound here; use cross-entropy or the squared error.")


@validated
def low_rank_excess(problem: LayerPeeled, candidate: GroupMatrix, dimension: int, tangent: GroupMatrix | None = None) -> float:
    """Lower bound of (best value with features in R^p) − f* for p below the rank of a near-optimal candidate, cross-entropy.

    Logits of rank p lie at least σ = (Σ_{i>p} σ_i(Z)²)^{1/2} away from the candidate Z (Eckart–Young), and centring a row-shifted
    competitor keeps its value and does not raise its rank. The candidate lies within r of the optimum (`certify_distance`), so the
    competitor is at least σ − r away from that. On the segment to it f grows from its optimum, over the first ρ with curvature at
    least κ_{ρ+r}, and on at that slope: the excess is at least κ_{ρ+r} (ρ(σ − r) − ρ²/2) for every ρ ≤ σ − r.

    Args:
        problem: the program: cross-entropy, d = 1, no bias.
        candidate: Y, as for `certify`.
        dimension: p ≥ 0.
        tangent: as for `certify`.

    Returns:
        The best bound over ρ; zero proves nothing.

    Raises:
        UnusableInput: for weights on the nuclear norm, a bias, or what is no program, matrix over groups or whole number.
        ValueError: for another loss.

    Source: derived; docs/derivations/layer-peeled.md, section 1 (p = rank Z* − 1 does not attain the optimum).

    Example:
        >>> import numpy as np
        >>> problem = LayerPeeled.from_groups([(4, 10)], feature_energy=1.0)
        >>> low_rank_excess(problem, GroupMatrix((4,), np.array([4 / 3]), np.zeros((1, 1))), 2) > 1e-3
        True
    """
    require_unweighted(problem, "the excess at low rank")
    if problem.loss != "cross-entropy":
        raise ValueError(f"loss {problem.loss!r} is not covered by this argument; use cross-entropy.")
    radius = certify_distance(problem, candidate, None, tangent)
    values, multiplicities = candidate.scaled(problem.radius / candidate.nuclear_norm()).singular_values()
    tail = np.sort(np.repeat(values, multiplicities))[::-1][dimension:]
    distance = float(np.linalg.norm(tail)) * (1 - 1e-9) - radius  # the scaled doubles are within 1e-9 of the certified logits
    if distance <= 0.0:
        return 0.0
    radii = np.linspace(0.0, distance, 400)
    gains = np.exp(-DECAY[problem.loss] * (radii + radius)) * (radii * distance - 0.5 * radii**2)
    return _curvature(problem, candidate, None) * float(gains.max()) * (1 - 1e-9)


def _curvature(problem: Problem, candidate: GroupMatrix, bias: Float[np.ndarray, " G"] | None) -> float:
    """κ_0 at the candidate (rounded down by a part in 1e9)."""
    if problem.loss == "squared":
        least = float(problem.weights.min())
    else:
        norm = candidate.nuclear_norm()
        inside = problem.loss_function.attains_least and isinstance(problem, LayerPeeled) and norm <= problem.radius
        if isinstance(problem, LayerPeeled) and norm > 0.0 and not inside:
            candidate = candidate.scaled(problem.radius / norm)
        least = _least_probability(problem, problem.seen(problem.logits(candidate, bias))) * float(problem.logit_scale.min()) ** 2
    return least * (1 - 1e-9)


def _least_probability(problem: Problem, logits: GroupMatrix) -> float:
    """min_k c_k min_j p_kj, with p_kj = e^{−margin} p_kk and 1/p_kk = 1 + Σ_{others} e^{−margin}."""
    sizes = np.asarray(logits.sizes, dtype=float)
    inside, between = odds(logits)
    others = (sizes - 1) * inside + between @ sizes
    np.fill_diagonal(between, np.where(sizes > 1, inside, np.inf))
    return float((problem.weights * np.minimum(between.min(axis=1), 1.0) / (1.0 + others)).min())
