"""Which groups collapse under the hinge: what the multiplier, the shares, and the program without a group's loss prove."""

import math
from typing import Any

from layerpeel.solvers._solution import RANK_TOLERANCE, Solution
from layerpeel.solvers.program._problem import LayerPeeled
from layerpeel.solvers.proof._certificate import certify
from layerpeel.solvers.routes._primal_dual import solve_primal_dual
from layerpeel.solvers.routes._request import Candidate

ROUNDING = 1e-12
"""Relative allowance for the floating-point sums here: four digits more than they lose."""

FADED = 1e-12
"""The weight of a group whose loss is dropped, against its own: not zero, so that the program stays one of ours."""

FADED_TOLERANCE = 1e-6
"""Relative gap of the program without a group's loss; where the difference to the optimum is smaller, nothing is decided."""


def hinge_collapsed(solution: Solution[Any]) -> tuple[bool | None, ...]:
    """Per group: whether its classifiers coincide in every optimum, None when nothing here can tell.

    Write a_g for the inner value of group g, s ≤ 1 for the sum of a row of Π and π for its share inside the group, so that the slope's
    inner value is −(c_g/d_g)(s + π). If a_g = 0 then two classes tie, their loss is at least 1 and s = 1; if a_g > 0, the slope's
    inner value is −λ by complementarity, and π ≤ 1/(K_g − 1). Therefore

        λ < c_g/d_g  ⇒  a_g > 0,          λ > (c_g/d_g) K_g/(K_g − 1)  ⇒  a_g = 0.

    Between the two, any Π at hand bounds a_g: where its inner value γ is below λ in modulus, ⟨G, Y⟩ + λ‖Y‖_* ≥ (K_g − 1) a_g (λ − |γ|)
    and so (K_g − 1) a_g ≤ gap/(λ − |γ|). A bound below the rank tolerance counts as collapse. On the other side, a collapsed optimum
    costs at least K_g c_g; where the norm is bounded, without a bias, at least that plus the least loss of all others, which is a
    program of its own. If it is more than what was found, a_g > 0.
    """
    return tuple(_collapsed(solution, g) if group.classes > 1 else False for g, group in enumerate(solution.problem.groups))


def _collapsed(solution: Solution[Any], g: int) -> bool | None:
    problem, size = solution.problem, solution.problem.sizes[g]
    weight, reached = float(problem.weights[g]), solution.value.upper
    if size * weight * (1 - ROUNDING) > reached:
        return False
    multiplier, slope = solution.certified_multiplier, weight / float(problem.scales[g])
    if multiplier.upper < slope * (1 - ROUNDING):
        return False
    if multiplier.lower > slope * size / (size - 1) * (1 + ROUNDING):
        return True
    if _largest_inner_value(solution, g) <= RANK_TOLERANCE * problem.typical_value:
        return True
    if isinstance(problem, LayerPeeled) and problem.bias_penalty is None and _least_if_collapsed(solution, g) > reached:
        return False
    return None


def _largest_inner_value(solution: Solution[Any], g: int) -> float:
    """Upper bound of a_g over all optima, from the shares; infinite where they prove nothing."""
    problem, shares = solution.problem, solution.shares
    if shares is None:
        return math.inf
    size, norm = problem.sizes[g], solution.multiplier
    inside = shares.entry(g, g)
    leaving = sum(other * max(shares.entry(g, h), 0.0) for h, other in enumerate(problem.sizes) if h != g)
    total = max((size - 1) * inside + leaving, 1.0)
    inner = solution.certificate.multiple * float(problem.weights[g] / problem.scales[g]) * (size * inside + leaving) / total
    slack = norm * (1 - ROUNDING) - inner
    return solution.certificate.gap / (slack * (size - 1)) if slack > 0.0 else math.inf


def _least_if_collapsed(solution: Solution[Any], g: int) -> float:
    """Lower bound of the value at points where group g is collapsed.

    With the weight n_g lowered to φ n_g, N f = N' f' + (1 − φ) K_g n_g L_g, and L_g ≥ 1 at such points.
    """
    problem = solution.problem
    own = float(problem.weights[g]) * problem.sizes[g] * (1 - FADED) * (1 - ROUNDING)
    faded = problem.reweighted(g, FADED)
    candidate = solve_primal_dual(faded, FADED_TOLERANCE, Candidate(solution.matrix, solution.shares))
    return own + (1 - own) * (1 - ROUNDING) * certify(faded, candidate.matrix, candidate.shares).value.lower
