"""Certificates: what any candidate proves about the optimum, whoever computed it.

For feasible Z and any dual point G, convexity gives for every Z' in the ball

    f(Z') ≥ [f(Z) − ⟨G, Z⟩] + ⟨G, Z'⟩ ≥ constant − τ ‖G‖_op,

so that  f(Z) − f* ≤ gap(Z) = ⟨G, Z⟩ + τ ‖G‖_op  with G = ∇f(Z). All of it is evaluated in ball arithmetic: the candidate's
doubles are exact numbers, it is scaled into the ball inside the enclosure, and the bounds on the norms need no trust in the SVD.
"""

import math
from dataclasses import dataclass

import numpy as np
from flint import arb, ctx

from numerics import PRECISION, Bracket, GroupMatrix, norm_bounds, to_bracket
from solvers._losses import LOSSES, BallLogits, Shares, Slope
from solvers._problem import LayerPeeled

STEPS = tuple(10.0 ** (-0.5 * i) for i in range(2, 17))
"""Relative steps tried for the multiplier's difference quotients; the best one balances the gap against curvature."""


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """What a candidate proves.

    Args:
        value: rigorous enclosure of f*, the optimal value; its upper end is attained by the candidate.
        relative_gap: rigorous upper bound of (f(Z) − f*)/f(Z); zero when f(Z) = 0.
        multiplier: ‖G‖_op, the estimate of the multiplier λ of ‖Z‖_* ≤ τ.
        gap: rigorous upper bound of ⟨G, Z⟩ + τ‖G‖; the value's bracket may be narrower, since no loss is negative.
    """

    value: Bracket
    gap: float
    relative_gap: float
    multiplier: float


def exact_radius(problem: LayerPeeled) -> arb:
    """τ = K √(E_H E_W) as a ball."""
    return problem.num_classes * (arb(problem.feature_energy) * arb(problem.weight_energy)).sqrt()


def _exact_weights(problem: LayerPeeled) -> list[arb]:
    total = sum((group.classes * arb(group.samples) for group in problem.groups), arb(0))
    return [arb(group.samples) / total for group in problem.groups]


def _feasible(problem: LayerPeeled, candidate: GroupMatrix, stretch: arb | float = 1.0) -> BallLogits:
    """The candidate scaled to the sphere of radius τ·stretch (left inside the ball where the loss can be zero there)."""
    outer = [[arb(entry) for entry in row] for row in candidate.outer.tolist()]
    inner = [arb(value) for value in candidate.inner.tolist()]
    _, norm = norm_bounds(outer)
    for size, value in zip(candidate.sizes, inner, strict=True):
        norm += (size - 1) * abs(value)
    radius = exact_radius(problem) * stretch
    inside = LOSSES[problem.loss].attains_zero and norm <= radius
    scale = arb(1) if inside or not norm > 0 else radius / norm
    return BallLogits(
        candidate.sizes, _exact_weights(problem), [scale * value for value in inner], [[scale * entry for entry in row] for row in outer]
    )


def _dual_norm(sizes: tuple[int, ...], slope: Slope) -> arb:
    """Upper bound of ‖G‖_op over the inner values of groups of two or more and the outer block."""
    norm, _ = norm_bounds(slope.outer)
    for size, value in zip(sizes, slope.inner, strict=True):
        if size > 1:
            norm = norm.max(abs(value))
    return norm


def certify(problem: LayerPeeled, candidate: GroupMatrix, shares: GroupMatrix | None = None) -> Certificate:
    """Enclose the optimal value between a candidate's value and its dual bound.

    Args:
        problem: the program.
        candidate: logits, block-symmetric over the problem's groups; scaled to the sphere of radius τ.
        shares: for the hinge, the averaged multipliers Π (only entries off the diagonal are read).

    Source: su2024, "Convex relaxation"; the bound is the Frank–Wolfe gap on the nuclear-norm ball (jaggi2013, section 3).

    Example:
        >>> import numpy as np
        >>> problem = LayerPeeled.from_groups([(4, 10)], feature_energy=1.0)
        >>> certify(problem, GroupMatrix((4,), np.array([4 / 3]), np.zeros((1, 1)))).relative_gap < 1e-15
        True
    """
    loss = LOSSES[problem.loss]
    with ctx.workprec(PRECISION):
        logits = _feasible(problem, candidate)
        slope = loss.slope(logits, _ball_shares(shares))
        value = slope.value
        norm = _dual_norm(candidate.sizes, slope)
        gap = (value - slope.constant + exact_radius(problem) * norm).max(arb(0))
        ends = to_bracket(value), to_bracket((value - gap).max(arb(0)))
        relative = to_bracket((gap / value).min(arb(1))).upper if value > 0 else float(ends[0].upper > 0)
        return Certificate(
            value=Bracket(ends[1].lower, ends[0].upper, rigorous=True),
            gap=to_bracket(gap).upper,
            relative_gap=relative,
            multiplier=float(norm),
        )


def dual_slope(problem: LayerPeeled, candidate: GroupMatrix) -> GroupMatrix:
    """∇f at the scaled candidate, in doubles, for a smooth loss."""
    with ctx.workprec(PRECISION):
        slope = LOSSES[problem.loss].slope(_feasible(problem, candidate), None)
    return GroupMatrix(
        candidate.sizes,
        np.array([float(value) for value in slope.inner]),
        np.array([[float(entry) for entry in row] for row in slope.outer]),
    )


def _ball_shares(shares: GroupMatrix | None) -> Shares | None:
    if shares is None:
        return None
    groups = range(len(shares.sizes))
    inside = [arb(max(shares.entry(g, g), 0.0)) if shares.sizes[g] > 1 else arb(0) for g in groups]
    return Shares(inside, [[arb(max(shares.entry(g, h), 0.0)) if g != h else arb(0) for h in groups] for g in groups])


def certify_multiplier(problem: LayerPeeled, candidate: GroupMatrix, shares: GroupMatrix | None = None) -> Bracket:
    """Enclose the multiplier λ of ‖Z‖_* ≤ τ, from one candidate.

    The optimal value f*(τ) is convex and decreasing with slope −λ. The candidate's dual bound holds at τ, and its multiples are
    feasible at other radii, so for every h > 0

        [f*_lower(τ) − f((1 + h)Z)]/(hτ) ≤ λ ≤ [f((1 − h)Z) − f*_lower(τ)]/(hτ).

    Example:
        >>> import numpy as np
        >>> problem = LayerPeeled.from_groups([(4, 10)], feature_energy=1.0)
        >>> candidate = GroupMatrix((4,), np.array([4 / 3]), np.zeros((1, 1)))
        >>> certify_multiplier(problem, candidate).contains(certify(problem, candidate).multiplier)
        True
    """
    loss = LOSSES[problem.loss]
    lower, upper = 0.0, math.inf
    with ctx.workprec(PRECISION):
        logits = _feasible(problem, candidate)
        slope = loss.slope(logits, _ball_shares(shares))
        radius = exact_radius(problem)
        bound = (slope.constant - radius * _dual_norm(candidate.sizes, slope)).max(arb(0))
        for step in STEPS:
            h = arb(step)
            lower = max(lower, to_bracket((bound - loss.value(_feasible(problem, candidate, 1 + h))) / (h * radius)).lower)
            upper = min(upper, to_bracket((loss.value(_feasible(problem, candidate, 1 - h)) - bound) / (h * radius)).upper)
    return Bracket(lower, max(lower, upper), rigorous=True)


def certify_distance(problem: LayerPeeled, candidate: GroupMatrix) -> float:
    """Upper bound of ‖Z − Z*‖_F between a (scaled, centred) candidate and the optimum, for cross-entropy.

    For probabilities p and u ⊥ 1, uᵀ(diag p − ppᵀ)u = Var_p(u) ≥ p_min ‖u‖², and moving a row of logits by u changes no log p_j
    by more than √2 ‖u‖. So along any segment from Z, within distance ρ, the second derivative of f is at least
    κ_ρ = min_k c_k min_j p_kj e^{−√2 ρ} times the squared length. Since f(Z*) ≥ f(Z) − gap + (curvature), an optimum at distance
    d ≤ ρ has κ_ρ d²/2 ≤ gap, and if κ_ρ ρ²/2 > gap it cannot lie farther than ρ.

    Returns:
        The bound, or infinity when the gap is too large for any.

    Raises:
        ValueError: for a loss other than cross-entropy.
    """
    gap, curvature = _gap_and_curvature(problem, candidate)
    for radius in np.geomspace(1e-12, 4.0, 400).tolist():
        if 0.5 * curvature * math.exp(-math.sqrt(2) * radius) * radius**2 > gap:
            return radius
    return math.inf


def low_rank_excess(problem: LayerPeeled, candidate: GroupMatrix, dimension: int) -> float:
    """Lower bound of (best value with features in R^p) − f* for p below the rank of a near-optimal candidate, cross-entropy.

    Logits of rank p lie at least σ = (Σ_{i>p} σ_i(Z)²)^{1/2} away from the candidate Z (Eckart–Young), and centring a row-shifted
    competitor keeps its value and does not raise its rank. At distance d ≥ ρ, convexity and the curvature κ_ρ of `certify_distance`
    give f ≥ f(Z) − gap + κ_ρ (ρ d − ρ²/2), hence the excess over f* is at least κ_ρ (ρσ − ρ²/2) − gap for every ρ ≤ σ.

    Returns:
        The best bound over ρ; zero or less proves nothing.

    Example:
        >>> import numpy as np
        >>> problem = LayerPeeled.from_groups([(4, 10)], feature_energy=1.0)
        >>> low_rank_excess(problem, GroupMatrix((4,), np.array([4 / 3]), np.zeros((1, 1))), 2) > 1e-3
        True
    """
    gap, curvature = _gap_and_curvature(problem, candidate)
    values, multiplicities = candidate.scaled(problem.radius / candidate.nuclear_norm()).singular_values()
    tail = np.sort(np.repeat(values, multiplicities))[::-1][dimension:]
    distance = float(np.linalg.norm(tail)) * (1 - 1e-9)  # the scaled doubles are within 1e-9 of the certified logits
    radii = np.linspace(0.0, distance, 400)
    return float(np.max(curvature * np.exp(-math.sqrt(2) * radii) * (radii * distance - 0.5 * radii**2)) - gap) * (1 - 1e-9)


def _gap_and_curvature(problem: LayerPeeled, candidate: GroupMatrix) -> tuple[float, float]:
    """The certified gap, and min_k c_k min_j p_kj at the candidate (rounded down by a part in 1e9)."""
    if problem.loss != "cross-entropy":
        raise ValueError(f"loss {problem.loss!r} has no strong convexity bound here; use cross-entropy.")
    certificate = certify(problem, candidate)
    scaled = candidate.scaled(problem.radius / candidate.nuclear_norm())
    least = math.inf
    for g, (size, weight) in enumerate(zip(scaled.sizes, problem.weights.tolist(), strict=True)):
        own = scaled.diagonal(g)
        logits = [own] + [scaled.entry(g, h) for h in range(len(scaled.sizes)) if h != g or size > 1]
        copies = [1] + [size - 1 if h == g else other for h, other in enumerate(scaled.sizes) if h != g or size > 1]
        top = max(logits)
        total = sum(count * math.exp(logit - top) for count, logit in zip(copies, logits, strict=True))
        least = min(least, weight * math.exp(min(logits) - top) / total)
    return certificate.gap, least * (1 - 1e-9)
