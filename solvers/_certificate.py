"""Certificates: what any candidate proves about the optimum, whoever computed it.

Every convex loss has affine minorants f(Z) ≥ constant + ⟨G, Z⟩: for a smooth one, the tangent at any logits. In Y = diag(d) Z and the
bias b this reads constant + ⟨G_Y, Y⟩ + ⟨g, b⟩ with G_Y = diag(1/d) G and g = Gᵀ1, and ⟨g, b⟩ + (λ_b/2)‖b‖² ≥ −‖g‖²/(2λ_b). So

    ‖Y‖_* ≤ τ:     F* ≥ constant − τ‖G_Y‖_op − ‖g‖²/(2λ_b).

When ‖Y‖_* is penalised, no multiple of the norm may be outrun by the minorant. Losses are not negative, so with it every multiple by
s ∈ [0, 1] is a minorant, and s = min(1, λ/‖G_Y‖_op) makes ⟨sG_Y, Y⟩ + λ‖Y‖_* ≥ 0:

    λ‖Y‖_*:        F* ≥ s·constant − s²‖g‖²/(2λ_b).

Without a bias ‖g‖ does not enter. All of it is evaluated in ball arithmetic: the candidate's doubles are exact numbers, it is scaled
into the ball inside the enclosure, and the bounds on the norms need no trust in the SVD.

The tangent at the candidate itself leaves a gap of first order in the candidate's error. A proximal step Y⁺ = prox(Y − G_Y/L) offers a
better one: D = G_Y + L(Y⁺ − Y) has ⟨D, Y⁺⟩ = −τ‖D‖_op exactly (‖D‖_op ≤ λ where the norm is penalised), so at logits where the loss
has the slope D the gap is only the loss's distance from its tangent, of second order in ‖Y⁺ − Y‖.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from flint import arb, ctx
from jaxtyping import Float

from numerics import PRECISION, Bracket, GroupMatrix, norm_bounds, to_bracket
from solvers._losses import LOSSES, BallLogits, Shares, Slope
from solvers._problem import LayerPeeled, Problem, UnconstrainedFeatures

STEPS = tuple(10.0 ** (-0.5 * i) for i in range(2, 17))
"""Relative steps tried for the multiplier's difference quotients; the best one balances the gap against curvature."""


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """What a candidate proves.

    Args:
        value: rigorous enclosure of F*, the optimal value; its upper end is attained by the candidate.
        relative_gap: rigorous upper bound of (F − F*)/F; zero when F = 0.
        multiplier: the estimate ‖G_Y‖_op of the multiplier of ‖Y‖_* ≤ τ; λ itself where ‖Y‖_* is penalised.
        gap: rigorous upper bound of F minus the dual bound; the value's bracket may be narrower, since no loss is negative.
        multiple: s, the multiple of the minorant that the bound rests on; 1 where the norm is bounded.
    """

    value: Bracket
    gap: float
    relative_gap: float
    multiplier: float
    multiple: float = 1.0


def exact_radius(problem: LayerPeeled) -> arb:
    """τ = K √(E_H E_W) as a ball."""
    return problem.num_classes * (arb(problem.feature_energy) * arb(problem.weight_energy)).sqrt()


def exact_penalty(problem: UnconstrainedFeatures) -> arb:
    """λ = √(λ_W λ_H) as a ball."""
    return (arb(problem.feature_penalty) * arb(problem.weight_penalty)).sqrt()


def exact_weights(problem: Problem) -> list[arb]:
    """c_g as balls."""
    total = sum((group.classes * arb(group.samples) for group in problem.groups), arb(0))
    return [arb(group.samples) / total for group in problem.groups]


def exact_scales(problem: Problem) -> list[arb]:
    """d_g as balls; √n_g is the exact root."""
    if problem.norm_weights == "sample":
        return [arb(group.samples).sqrt() for group in problem.groups]
    return [arb(group.norm_weight) for group in problem.groups]


class _Point(NamedTuple):
    """A feasible candidate in balls: its logits, an upper bound of ‖Y‖_*, and ‖b‖² (zero without a bias)."""

    logits: BallLogits
    norm: arb
    bias_square: arb


def _feasible(problem: Problem, candidate: GroupMatrix, bias: Float[np.ndarray, " G"] | None = None, stretch: arb | float = 1.0) -> _Point:
    """The candidate itself; scaled to the sphere of radius τ where there is one, unless the loss can be zero inside; then stretched."""
    sizes, roots = candidate.sizes, [arb(size).sqrt() for size in candidate.sizes]
    outer = [[arb(entry) for entry in row] for row in candidate.outer.tolist()]
    inner = [arb(value) for value in candidate.inner.tolist()]
    _, norm = norm_bounds(outer)
    for size, value in zip(sizes, inner, strict=True):
        norm += (size - 1) * abs(value)
    scale = arb(1)
    if isinstance(problem, LayerPeeled):
        radius = exact_radius(problem)
        inside = LOSSES[problem.loss].attains_zero and norm <= radius
        scale = arb(stretch) if inside or not norm > 0 else stretch * radius / norm
    shift = [arb(0) for _ in sizes] if bias is None or problem.bias_penalty is None else [arb(value) for value in bias.tolist()]
    rows = [scale / d for d in exact_scales(problem)]
    logits = BallLogits(
        sizes,
        exact_weights(problem),
        [row * value for row, value in zip(rows, inner, strict=True)],
        [
            [row * entry + root * other * b for entry, other, b in zip(entries, roots, shift, strict=True)]
            for row, root, entries in zip(rows, roots, outer, strict=True)
        ],
    )
    square = sum((size * b**2 for size, b in zip(sizes, shift, strict=True)), arb(0))
    return _Point(logits, scale * norm, square)


def _objective(problem: Problem, point: _Point, loss_value: arb) -> arb:
    """F = f + λ‖Y‖_* (where it is penalised) + (λ_b/2)‖b‖²."""
    total = loss_value
    if isinstance(problem, UnconstrainedFeatures):
        total += exact_penalty(problem) * point.norm
    if problem.bias_penalty is not None:
        total += arb(problem.bias_penalty) / 2 * point.bias_square
    return total


def _dual_norm(problem: Problem, slope: Slope) -> arb:
    """Upper bound of ‖diag(1/d) G‖_op over the inner values of groups of two or more and the outer block."""
    scales = exact_scales(problem)
    norm, _ = norm_bounds([[entry / d for entry in row] for d, row in zip(scales, slope.outer, strict=True)])
    for size, d, value in zip(problem.sizes, scales, slope.inner, strict=True):
        if size > 1:
            norm = norm.max(abs(value) / d)
    return norm


def _multiple(problem: UnconstrainedFeatures, norm: arb) -> arb:
    """s = min(1, λ/‖G_Y‖)."""
    penalty = exact_penalty(problem)
    return arb(1) if norm <= penalty else (penalty / norm).min(arb(1))


def _dual_bound(problem: Problem, slope: Slope, norm: arb) -> arb:
    """The lower bound of F* that a dual point of norm ‖G_Y‖ gives."""
    drift = arb(0)
    if problem.bias_penalty is not None:
        roots = [arb(size).sqrt() for size in problem.sizes]
        for column in zip(*slope.outer, strict=True):
            drift += sum((root * entry for root, entry in zip(roots, column, strict=True)), arb(0)) ** 2
        drift /= 2 * arb(problem.bias_penalty)
    if isinstance(problem, LayerPeeled):
        return slope.constant - exact_radius(problem) * norm - drift
    s = _multiple(problem, norm)
    return s * slope.constant - s**2 * drift


def _minorant(problem: Problem, point: _Point, shares: GroupMatrix | None, tangent: GroupMatrix | None) -> Slope:
    """The dual point, with the loss at the candidate beside it."""
    loss, weights = LOSSES[problem.loss], point.logits.weights
    if tangent is None:
        return loss.slope(point.logits, _ball_shares(shares))
    outer = [[arb(entry) for entry in row] for row in tangent.outer.tolist()]
    touching = loss.slope(BallLogits(tangent.sizes, weights, [arb(value) for value in tangent.inner.tolist()], outer), None)
    return touching._replace(value=loss.value(point.logits))


def certify(
    problem: Problem,
    candidate: GroupMatrix,
    shares: GroupMatrix | None = None,
    bias: Float[np.ndarray, " G"] | None = None,
    tangent: GroupMatrix | None = None,
) -> Certificate:
    """Enclose the optimal value between a candidate's value and its dual bound.

    Args:
        problem: the program.
        candidate: Y = diag(d) Z, block-symmetric over the problem's groups; scaled to the sphere of radius τ where the norm is bounded.
        shares: for the hinge, the averaged multipliers Π (only entries off the diagonal are read).
        bias: b of one class of each group; zero when not given.
        tangent: for a smooth loss, logits where its minorant touches it; any are valid, and the candidate's own are taken when not given.

    Source: su2024, "Convex relaxation"; the bound is the Frank–Wolfe gap on the nuclear-norm ball (jaggi2013, section 3).

    Example:
        >>> import numpy as np
        >>> problem = LayerPeeled.from_groups([(4, 10)], feature_energy=1.0)
        >>> certify(problem, GroupMatrix((4,), np.array([4 / 3]), np.zeros((1, 1)))).relative_gap < 1e-15
        True
    """
    with ctx.workprec(PRECISION):
        point = _feasible(problem, candidate, bias)
        slope = _minorant(problem, point, shares, tangent)
        norm = _dual_norm(problem, slope)
        value = _objective(problem, point, slope.value)
        gap = (value - _dual_bound(problem, slope, norm)).max(arb(0))
        ends = to_bracket(value), to_bracket((value - gap).max(arb(0)))
        relative = to_bracket((gap / value).min(arb(1))).upper if value > 0 else float(ends[0].upper > 0)
        return Certificate(
            value=Bracket(ends[1].lower, ends[0].upper, rigorous=True),
            gap=to_bracket(gap).upper,
            relative_gap=relative,
            multiplier=float(norm) if isinstance(problem, LayerPeeled) else problem.penalty,
            multiple=1.0 if isinstance(problem, LayerPeeled) else to_bracket(_multiple(problem, norm)).lower,
        )


def dual_slope(problem: Problem, candidate: GroupMatrix, bias: Float[np.ndarray, " G"] | None = None) -> GroupMatrix:
    """G_Y = diag(1/d) ∇f at the (scaled) candidate, in doubles, for a smooth loss."""
    with ctx.workprec(PRECISION):
        slope = LOSSES[problem.loss].slope(_feasible(problem, candidate, bias).logits, None)
    gradient = GroupMatrix(
        candidate.sizes,
        np.array([float(value) for value in slope.inner]),
        np.array([[float(entry) for entry in row] for row in slope.outer]),
    )
    return gradient if problem.norm_weights == "class" else gradient.weighted(1.0 / problem.scales)


def _ball_shares(shares: GroupMatrix | None) -> Shares | None:
    if shares is None:
        return None
    groups = range(len(shares.sizes))
    inside = [arb(max(shares.entry(g, g), 0.0)) if shares.sizes[g] > 1 else arb(0) for g in groups]
    return Shares(inside, [[arb(max(shares.entry(g, h), 0.0)) if g != h else arb(0) for h in groups] for g in groups])


def certify_multiplier(
    problem: Problem,
    candidate: GroupMatrix,
    shares: GroupMatrix | None = None,
    bias: Float[np.ndarray, " G"] | None = None,
    tangent: GroupMatrix | None = None,
) -> Bracket:
    """Enclose the multiplier λ of ‖Y‖_* ≤ τ, from one candidate; where the norm is penalised, λ is given.

    The optimal value F*(τ) is convex and decreasing with slope −λ. The candidate's dual bound holds at τ, and its multiples are
    feasible at other radii, so for every h > 0

        [F*_lower(τ) − F((1 + h)Y)]/(hτ) ≤ λ ≤ [F((1 − h)Y) − F*_lower(τ)]/(hτ).

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
        if isinstance(problem, UnconstrainedFeatures):
            return to_bracket(exact_penalty(problem))
        slope = _minorant(problem, _feasible(problem, candidate, bias), shares, tangent)
        radius = exact_radius(problem)
        bound = _dual_bound(problem, slope, _dual_norm(problem, slope)).max(arb(0))

        def value(stretch: arb) -> arb:
            point = _feasible(problem, candidate, bias, stretch)
            return _objective(problem, point, loss.value(point.logits))

        for step in STEPS:
            h = arb(step)
            lower = max(lower, to_bracket((bound - value(1 + h)) / (h * radius)).lower)
            upper = min(upper, to_bracket((value(1 - h) - bound) / (h * radius)).upper)
    return Bracket(lower, max(lower, upper), rigorous=True)
