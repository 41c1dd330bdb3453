"""Certificates: what any candidate proves about the optimum, whoever computed it.

Every convex loss has affine minorants f(Z) ≥ constant + ⟨G, Z⟩: for a smooth one, the tangent at any logits. In Y = diag(d) Z and the
bias b this reads constant + ⟨G_Y, Y⟩ + ⟨g, b⟩ with G_Y = diag(1/d) G and g = Gᵀ1, and ⟨g, b⟩ + (λ_b/2)‖b‖² ≥ −‖g‖²/(2λ_b). So

    ‖Y‖_* ≤ τ:     F* ≥ constant − τ‖G_Y‖_op − ‖g‖²/(2λ_b).

When ‖Y‖_* is penalised, no multiple of the norm may be outrun by the minorant. Losses are not negative, so with it every multiple by
s ∈ [0, 1] is a minorant, and s = min(1, λ/‖G_Y‖_op) makes ⟨sG_Y, Y⟩ + λ‖Y‖_* ≥ 0:

    λ‖Y‖_*:        F* ≥ s·constant − s²‖g‖²/(2λ_b).

Without a bias ‖g‖ does not enter. All of it is enclosed: the candidate's doubles are exact numbers, it is scaled into the ball inside
the enclosure, and the bounds on the norms need no trust in the SVD. With few groups the arithmetic is that of balls, with many it is
that of doubles with bounds on their errors.

The tangent at the candidate itself leaves a gap of first order in the candidate's error. A proximal step Y⁺ = prox(Y − G_Y/L) offers a
better one: D = G_Y + L(Y⁺ − Y) has ⟨D, Y⁺⟩ = −τ‖D‖_op exactly (‖D‖_op ≤ λ where the norm is penalised), so at logits where the loss
has the slope D the gap is only the loss's distance from its tangent, of second order in ‖Y⁺ − Y‖.
"""

import math
from dataclasses import dataclass

import numpy as np
from flint import arb, ctx

from layerpeel.array_words import Float
from layerpeel.numerics import PRECISION, Bracket, GroupMatrix, to_bracket, validated
from layerpeel.numerics._ball import above, below
from layerpeel.solvers.program._problem import LayerPeeled, Problem, UnconstrainedFeatures
from layerpeel.solvers.proof._beforehand import Beforehand
from layerpeel.solvers.proof._evaluation import Evaluation, Factors, Minorant, exact_penalty, exact_radius, require_fitting
from layerpeel.solvers.proof._in_balls import InBalls
from layerpeel.solvers.proof._in_doubles import InDoubles

SEVERAL_GROUPS = 3
"""From here on cross-entropy is tried in doubles whose errors are bounded beforehand; balls are faster below."""

MANY_GROUPS = 24
"""From here on doubles are certified instead of balls: several times faster, and the bounds lose at most a part in 10¹³."""

QUICK_FROM, QUICK_GAP = 150, 1e-9
"""Groups from which the norm of a slope is bounded by a Cholesky factor first, and the relative gap below which that is not enough."""

STEPS = tuple(10.0 ** (-0.5 * i) for i in range(2, 17))
"""Relative steps tried for the multiplier's difference quotients; the best one balances the gap against curvature."""

UNIT = 2.0**-53
"""Relative rounding error of a double."""

ROUNDINGS = 4.0
"""Roundings of every entry that a gap may be worth, two for the candidate and two for the dual point, before doubles are blamed."""


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


def _multiple(problem: UnconstrainedFeatures, norm: arb) -> arb:
    """s = min(1, λ/‖G_Y‖)."""
    penalty = exact_penalty(problem)
    return arb(1) if norm <= penalty else (penalty / norm).min(arb(1))


def _dual_bound(problem: Problem, minorant: Minorant) -> arb:
    """The lower bound of F* that a minorant gives."""
    constant, norm, drift = minorant
    if isinstance(problem, LayerPeeled):
        return constant - exact_radius(problem) * norm - drift
    s = _multiple(problem, norm)
    return s * constant - s**2 * drift


def _evaluated(
    problem: Problem,
    candidate: GroupMatrix,
    shares: GroupMatrix | None,
    bias: Float[np.ndarray, " G"] | None,
    tangent: GroupMatrix | None,
    factors: Factors | None = None,
) -> tuple[Evaluation, arb, Minorant]:
    """Objective and minorant: in the arithmetic that costs least, unless its errors matter beside the gap or exponents leave its range."""
    require_fitting(problem, candidate, shares, bias, tangent)
    if len(problem.groups) >= SEVERAL_GROUPS and tangent is not None and Beforehand.covers(problem):
        evaluation = Beforehand(problem, candidate, shares, bias, tangent, factors)
        value, minorant = evaluation.objective(), evaluation.minorant()
        if evaluation.suffices(value, value - _dual_bound(problem, minorant), minorant):
            return evaluation, value, minorant
    if len(problem.groups) >= MANY_GROUPS:
        evaluation = InDoubles(problem, candidate, shares, bias, tangent)
        quick = len(problem.groups) >= QUICK_FROM
        value, minorant = evaluation.objective(), evaluation.minorant(sharp=not quick)
        if quick and not value - _dual_bound(problem, minorant) > QUICK_GAP * value:
            minorant = evaluation.minorant()
        if all(ball.is_finite() for ball in (value, *minorant)):
            return evaluation, value, minorant
    evaluation = InBalls(problem, candidate, shares, bias, tangent)
    return evaluation, evaluation.objective(), evaluation.minorant()


@validated
def certify(
    problem: Problem,
    candidate: GroupMatrix,
    shares: GroupMatrix | None = None,
    bias: Float[np.ndarray, " G"] | None = None,
    tangent: GroupMatrix | None = None,
    factors: Factors | None = None,
) -> Certificate:
    """Enclose the optimal value between a candidate's value and its dual bound.

        F(Y) ≥ F* ≥ constant − τ‖G_Y‖_op − ‖g‖²/(2λ_b),    constant + ⟨G_Y, Y⟩ + ⟨g, b⟩ an affine minorant of the loss;

    where the norm is penalised, the largest multiple of the minorant that λ‖Y‖_* outruns takes its place.

    Args:
        problem: the program.
        candidate: Y = diag(d) Z, K × K, block-symmetric over the problem's groups; scaled to the sphere of radius τ where the norm is
            bounded.
        shares: for the hinge, the averaged multipliers Π, K × K (only entries off the diagonal are read).
        bias: b of one class of each group, G numbers; zero when not given.
        tangent: for a smooth loss, logits (K × K) where its minorant touches it; any are valid, and the candidate's own are taken when not
            given.
        factors: H and W with H Wᵀ the candidate's block between groups, to rounding: half of their squares bound its nuclear norm without a
            decomposition.

    Raises:
        UnusableInput: for what is no program, matrix over groups, or list of numbers.

    Source: su2024, "Convex relaxation"; jaggi2013, section 3 (the Frank–Wolfe gap); derived; docs/derivations/layer-peeled.md, section 1.

    Example:
        >>> import numpy as np
        >>> problem = LayerPeeled.from_groups([(4, 10)], feature_energy=1.0)
        >>> certify(problem, GroupMatrix((4,), np.array([4 / 3]), np.zeros((1, 1)))).relative_gap < 1e-15
        True
    """
    return certified(problem, candidate, shares, bias, tangent, factors)


def certified(
    problem: Problem,
    candidate: GroupMatrix,
    shares: GroupMatrix | None = None,
    bias: Float[np.ndarray, " G"] | None = None,
    tangent: GroupMatrix | None = None,
    factors: Factors | None = None,
) -> Certificate:
    """The same for what a route has made: nothing is asked of the types of its arguments."""
    with ctx.workprec(PRECISION):
        _, value, minorant = _evaluated(problem, candidate, shares, bias, tangent, factors)
        gap = (value - _dual_bound(problem, minorant)).max(arb(0))
        most = above(value)
        return Certificate(
            value=Bracket(max(below(value - gap), 0.0), most, rigorous=True),  # a ball's maximum with zero may reach below zero
            gap=above(gap),
            relative_gap=min(above(gap / value), 1.0) if value > 0 else float(most > 0),
            multiplier=float(minorant.norm) if isinstance(problem, LayerPeeled) else problem.penalty,
            multiple=1.0 if isinstance(problem, LayerPeeled) else below(_multiple(problem, minorant.norm)),
        )


def rounding_of(problem: Problem, candidate: GroupMatrix, bias: Float[np.ndarray, " G"] | None, value: float) -> float:
    """What rounding every entry of Y and b once, a few times over, can change the objective: no route that returns doubles goes below.

    Logits that move by δ move L by at most 2 max|δ| (hinge), 2 Δ min(1, L) max|δ| (cross-entropy of
    logits scaled by Δ; 2 Δ max|δ| with smoothed labels), √(2L) ‖δ‖ + ‖δ‖²/2 (squared error),
    and the norms move by a part in 2^53 of themselves.

    Example:
        >>> problem = LayerPeeled.from_groups([(4, 10)], feature_energy=1.0)
        >>> rounding_of(problem, GroupMatrix((4,), np.array([4 / 3]), np.zeros((1, 1))), None, 0.5) < 1e-14
        True
    """
    sizes = np.asarray(problem.sizes, dtype=float)
    logits = problem.logits(candidate, bias)
    losses = problem.loss_function.by_group(logits)
    moved = UNIT * np.abs(logits.outer / np.sqrt(sizes[:, None] * sizes)).max(axis=1) + UNIT * np.abs(logits.inner)
    if problem.loss == "squared":
        moved *= math.sqrt(problem.num_classes)
        change = np.sqrt(2.0 * losses) * moved + 0.5 * moved**2
    else:
        small = np.minimum(losses, 1.0) if problem.loss == "cross-entropy" and not problem.label_smoothing else 1.0
        change = 2.0 * float(problem.logit_scale.max()) * moved * small
    return ROUNDINGS * float((sizes * problem.weights) @ change + UNIT * value)


@validated
def dual_slope(problem: Problem, candidate: GroupMatrix, bias: Float[np.ndarray, " G"] | None = None) -> GroupMatrix:
    """The slope of a smooth loss at a candidate, in doubles.

        G_Y = diag(1/d) ∇f(Z),    Z the candidate's logits, scaled into the ball as `certify` does.

    Args:
        problem: the program.
        candidate: Y = diag(d) Z, K × K, block-symmetric over the problem's groups.
        bias: b of one class of each group, G numbers; zero when not given.

    Raises:
        UnusableInput: for what is no program, matrix over groups, or list of numbers.
        ValueError: for the hinge, which has no slope.

    Source: derived; docs/derivations/layer-peeled.md, section 1.

    Example:
        >>> import numpy as np
        >>> problem = LayerPeeled.from_groups([(4, 10)], feature_energy=1.0)
        >>> dual_slope(problem, GroupMatrix((4,), np.array([0.0]), np.zeros((1, 1)))).inner.tolist()   # c_k (softmax(0) − I)
        [-0.25]
    """
    require_fitting(problem, candidate, bias)
    loss = problem.loss_function
    if isinstance(problem, LayerPeeled):
        norm = candidate.nuclear_norm()
        inside = norm == 0.0 or (loss.attains_least and norm <= problem.radius)
        candidate = candidate if inside else candidate.scaled(problem.radius / norm)
    _, gradient = loss.grouped(problem.logits(candidate, bias), problem.weights)
    return gradient if problem.norm_weights == "class" else gradient.weighted(1.0 / problem.scales)


@validated
def certify_multiplier(
    problem: Problem,
    candidate: GroupMatrix,
    shares: GroupMatrix | None = None,
    bias: Float[np.ndarray, " G"] | None = None,
    tangent: GroupMatrix | None = None,
    steps: tuple[float, ...] = STEPS,
) -> Bracket:
    """Enclose the multiplier λ of ‖Y‖_* ≤ τ, from one candidate; where the norm is penalised, λ is given.

    The optimal value F*(τ) is convex and decreasing with slope −λ. The candidate's dual bound holds at τ, and its multiples are
    feasible at other radii, so for every h > 0

        [F*_lower(τ) − F((1 + h)Y)]/(hτ) ≤ λ ≤ [F((1 − h)Y) − F*_lower(τ)]/(hτ).

    Args:
        problem: the program.
        candidate: as for `certify`.
        shares: as for `certify`.
        bias: as for `certify`.
        tangent: as for `certify`.
        steps: the h tried, two evaluations of the loss each.

    Raises:
        UnusableInput: for what is no program, matrix over groups, or list of numbers.

    Source: derived (F* is convex in τ).

    Example:
        >>> import numpy as np
        >>> problem = LayerPeeled.from_groups([(4, 10)], feature_energy=1.0)
        >>> candidate = GroupMatrix((4,), np.array([4 / 3]), np.zeros((1, 1)))
        >>> certify_multiplier(problem, candidate).contains(certify(problem, candidate).multiplier)
        True
    """
    lower, upper = 0.0, math.inf
    with ctx.workprec(PRECISION):
        if isinstance(problem, UnconstrainedFeatures):
            return to_bracket(exact_penalty(problem))
        evaluation, _, minorant = _evaluated(problem, candidate, shares, bias, tangent)
        radius, bound = exact_radius(problem), _dual_bound(problem, minorant).max(arb(0))
        for step in steps:
            h = arb(step)
            lower = max(lower, to_bracket((bound - evaluation.objective(1 + h)) / (h * radius)).lower)
            upper = min(upper, to_bracket((evaluation.objective(1 - h) - bound) / (h * radius)).upper)
    return Bracket(lower, max(lower, upper), rigorous=True)
