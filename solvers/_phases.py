"""Phases that a law decides where the gap of a solution leaves them open: which classes are exactly zero, and which are only short.

Cross-entropy, s_g = c_g/d_g the slope of a group; what is said of zero is said without a bias, where Σ_j w_j = 0:

- Joint vanishing: where two or more classes share the largest slope, all others are zero up to one radius, decided in balls.
- All or none: where one class is zero, Σ_i (c_i/S_i) h_i = 0 with S_i = Σ_j e^{z_ij}. Then w ↦ Σ_i (c_i/S_i) e^{⟨w, h_i⟩} and
  h ↦ log Σ_j e^{⟨w_j, h⟩} are least at zero, and stationarity leaves every class that is not zero a slope above λ. So all classes
  whose slopes are at most λ are zero, or no class is, and one of them that is certainly there speaks for all.
- Coincidence where the norm is penalised: the classes of a group coincide iff λ ≥ s_g, and λ is given.
- A zero row of logits costs: the gap of a candidate z is at least c_k KL(uniform ‖ softmax(z_k)) for every class k that is zero.

The proofs are in docs/derivations/layer-peeled.md, section 4.
"""

import math
from typing import Any

import numpy as np
from flint import arb, ctx

from layerpeel.array_words import Float
from layerpeel.numerics import PRECISION, margin_at_level, vanishes_at
from layerpeel.solvers._geometry import Phases
from layerpeel.solvers._solution import Solution
from layerpeel.solvers.program._problem import LayerPeeled, Problem, UnconstrainedFeatures
from layerpeel.solvers.proof._certificate import certify_multiplier
from layerpeel.solvers.proof._evaluation import exact_penalty, exact_radius, exact_scales, exact_weights

ROUNDING = 1e-12
"""Relative allowance for sums in doubles here: four digits more than they lose."""


UNITS = 1e-14
"""What rounding logits of size one a dozen times can move a divergence by."""


def phases_by_law(solution: Solution[Any], collapsed: Phases, vanished: Phases) -> tuple[Phases, Phases]:
    """What laws decide of the phases that the gap left open.

    Args:
        solution: the solution.
        collapsed: per group, what its certificate says of coincidence.
        vanished: per group, what its certificate says of zero.

    Returns:
        The same two, with fewer groups open.
    """
    if not plain(solution.problem):
        return collapsed, vanished
    if None in collapsed and not isinstance(solution.problem, LayerPeeled):
        collapsed = tuple(law if each is None else each for each, law in zip(collapsed, _coincident_by_law(solution.problem), strict=True))
    if solution.problem.bias_penalty is not None:
        return collapsed, vanished
    several = [group.classes > 1 for group in solution.problem.groups]
    zero = zero_by_law(solution.problem)
    if zero is not None and any(zero):
        return tuple(many and gone for many, gone in zip(several, zero, strict=True)), zero
    if None in vanished:
        vanished = tuple(False if apart else each for each, apart in zip(vanished, _apart_from_zero(solution), strict=True))
    if None in vanished and _none_is_zero(solution, all_or_head=zero is not None):
        vanished = (False,) * len(several)
    return collapsed, vanished


def plain(problem: Problem) -> bool:
    """Whether the loss is cross-entropy as it stands; smoothed labels, scaled or shifted logits and margins have other laws."""
    return problem.loss == "cross-entropy" and not getattr(problem, "adjusted", False)


def zero_by_law(problem: Problem) -> tuple[bool, ...] | None:
    """Which groups are zero by the law of joint vanishing; None where it does not apply, or cannot decide.

    No group at all means that the head alone is not the optimum: then none is zero, as long as λ is not below another slope.

    Args:
        problem: cross-entropy without bias.

    Example:
        >>> zero_by_law(LayerPeeled.from_groups([(3, 60), (2, 3), (2, 2)], feature_energy=0.5))
        (False, True, True)
        >>> zero_by_law(LayerPeeled.from_groups([(1, 60), (2, 3), (2, 2)], feature_energy=0.5)) is None
        True
    """
    slopes = problem.weights / problem.scales
    head, count = int(np.argmax(slopes)), len(slopes)
    size, others = problem.sizes[head], problem.num_classes - problem.sizes[head]
    if size == 1 and isinstance(problem, LayerPeeled):
        return None
    with ctx.workprec(PRECISION):
        exact = _slopes(problem)
        if not all(slope < exact[head] for g, slope in enumerate(exact) if g != head):
            return None
        if not isinstance(problem, LayerPeeled):
            penalty = exact_penalty(problem)
            if penalty > exact[head]:
                return (True,) * count
            if not penalty < exact[head]:
                return None
    if size == 1 or others == 0:
        return None

    def tail() -> list[tuple[int, arb]]:
        balls = _slopes(problem)
        return [(problem.sizes[g], balls[g] / balls[head]) for g in range(count) if g != head]

    def margin() -> arb:
        if isinstance(problem, LayerPeeled):
            return exact_radius(problem) / ((size - 1) * exact_scales(problem)[head])
        return margin_at_level(size, others, exact_penalty(problem) / _slopes(problem)[head])

    gone = vanishes_at(size, tail, margin)
    return None if gone is None else tuple(gone and g != head for g in range(count))


def _coincident_by_law(problem: UnconstrainedFeatures) -> Phases:
    """Per group of two or more, whether λ ≥ s_g, in balls: λ is given, and a bias leaves the inner equation alone; None at equality."""
    with ctx.workprec(PRECISION):
        penalty = exact_penalty(problem)
        return tuple(True if penalty > slope else False if penalty < slope else None for slope in _slopes(problem))


def _slopes(problem: Problem) -> list[arb]:
    """s_g = c_g/d_g at the working precision."""
    return [weight / scale for weight, scale in zip(exact_weights(problem), exact_scales(problem), strict=True)]


def _apart_from_zero(solution: Solution[Any]) -> list[bool]:
    """Per group, whether its rows of logits cannot all be zero at the optimum: that alone would cost more than the gap."""
    return [bool(cost > solution.certificate.gap) for cost in _cost_of_zero(solution)]


def _none_is_zero(solution: Solution[Any], *, all_or_head: bool) -> bool:
    """Whether no class at all can be zero, since all whose slopes are below λ would be.

    Where they are too short to tell: if the head alone has a slope above λ, it would be all that is left, and the law of joint vanishing
    says that it is not (a single class alone has no logits at all).
    """
    problem = solution.problem
    slopes = problem.weights / problem.scales
    small = slopes * (1 + ROUNDING) < _least_multiplier(solution)
    cost = _cost_of_zero(solution)
    if cost[small].sum() * (1 - ROUNDING) > solution.certificate.gap:
        return True
    present = isinstance(problem, LayerPeeled) or cost.sum() * (1 - ROUNDING) > solution.certificate.gap
    left = int((~small).sum())
    alone = left == 1 and (all_or_head or problem.sizes[int(np.argmax(slopes))] == 1)
    # Two counts above λ cannot balance either, where d = 1: each would have to be the other's mirror image.
    return present and (alone or (left == 2 and problem.unweighted))


def _least_multiplier(solution: Solution[Any]) -> float:
    """A certain lower bound of λ from one difference quotient, whose step balances the gap against curvature: good to about the step."""
    step = min(max(math.sqrt(solution.relative_gap), 1e-6), 1e-2)
    return certify_multiplier(
        solution.problem, solution.matrix, solution.shares, solution.group_bias, solution.tangent, steps=(step,)
    ).lower


def _cost_of_zero(solution: Solution[Any]) -> Float[np.ndarray, " G"]:
    """Σ over a group's classes of c_k KL(uniform ‖ softmax(z_k)), rounded down.

    The divergence is log mean_j e^{u_j}, u the row of logits less its mean.
    """
    problem, logits = solution.problem, solution.group_logits
    sizes = np.asarray(problem.sizes, dtype=float)
    entries = logits.outer / np.sqrt(np.outer(sizes, sizes))
    inside = entries.diagonal() - logits.inner / sizes
    own = inside + logits.inner
    np.fill_diagonal(entries, inside)
    copies = np.tile(sizes, (len(sizes), 1)) - np.eye(len(sizes))
    mean = ((copies * entries).sum(axis=1) + own) / problem.num_classes
    rows, own = entries - mean[:, None], own - mean
    most, largest = np.maximum(rows.max(axis=1), own), np.maximum(np.abs(rows).max(axis=1), np.abs(own))
    with np.errstate(over="ignore"):
        above = (copies * (np.expm1(rows) - rows)).sum(axis=1) + np.expm1(own) - own
    divergence = np.log1p(np.maximum(above, 0.0) / problem.num_classes)
    divergence = np.where(np.isfinite(divergence), divergence, most - math.log(problem.num_classes))
    return np.maximum(sizes * problem.weights * (divergence * (1 - ROUNDING) - UNITS * largest), 0.0)
