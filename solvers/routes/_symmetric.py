"""Route `symmetric`: closed forms. Cross-entropy with one or two groups in a handful of scalars, squared error with any groups."""

import math
import time

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics import GroupMatrix, UnusableInput, two_group_optimum
from layerpeel.solvers._geometry import Decided
from layerpeel.solvers._solution import Solution
from layerpeel.solvers.program._problem import Form, LayerPeeled, Problem
from layerpeel.solvers.proof._certificate import certified
from layerpeel.solvers.proof._two_groups import certified_two_groups
from layerpeel.solvers.routes._request import Candidate, Request
from layerpeel.solvers.routes._settled import status_of

Phases = tuple[bool, ...]
"""One answer per group."""


def covers(problem: Problem) -> bool:
    """Whether the route applies: squared error without bias, or cross-entropy with bounded ‖Z‖_* and at most two distinct counts."""
    if problem.loss == "squared":
        return problem.bias_penalty is None
    return isinstance(problem, LayerPeeled) and problem.loss == "cross-entropy" and problem.unweighted and len(problem.groups) <= 2


def run(request: Request[Form]) -> Solution[Form]:
    """The optimum in closed form, whose zeros and ties are exact."""
    problem = request.problem
    candidate, collapsed, vanished = solve_symmetric(problem)
    certificate = certified_two_groups(problem, candidate.matrix, request.tolerance) or certified(problem, *candidate)
    return Solution(
        problem=problem,
        route="symmetric",
        matrix=candidate.matrix,
        shares=None,
        certificate=certificate,
        status=status_of(problem, candidate, certificate, request.tolerance),
        decide=Decided(collapsed, vanished, symmetric_rank(problem, candidate.matrix, vanished)),
        seconds=time.perf_counter() - request.began,
        tangent=candidate.tangent,
        dimension=request.dimension,
    )


def solve_symmetric(problem: Problem) -> tuple[Candidate, Phases, Phases]:
    """The optimum in closed form, with the phase of each group.

    Returns:
        Y = diag(d) Z as a block-symmetric matrix, for the squared error with its tangent, and per group whether its classifiers collapse
        and whether they vanish.

    Raises:
        UnusableInput: for a problem that has none.
    """
    if not covers(problem):
        raise UnusableInput(f"route 'symmetric' does not cover {_obstacle(problem)}; use route='auto'.")
    if isinstance(problem, LayerPeeled) and problem.loss == "cross-entropy":
        matrix, collapsed, vanished = _two_groups(problem)
        return Candidate(matrix), collapsed, vanished
    return _diagonal(problem)


def _obstacle(problem: Problem) -> str:
    """What is not covered, and what would be."""
    if problem.loss == "hinge":
        return "the loss 'hinge': it needs cross-entropy or the squared error"
    if problem.bias_penalty is not None:
        return "a bias: it needs a program without one"
    if problem.adjusted:
        return "smoothed labels or changed logits: it needs the plain loss"
    if not isinstance(problem, LayerPeeled):
        return "cross-entropy with a penalised norm: it needs the squared error, or energies"
    if not problem.unweighted:
        return "cross-entropy with weights on the nuclear norm: it needs d = 1, or the squared error"
    return f"{len(problem.groups)} distinct counts: it needs cross-entropy and at most 2 distinct counts, or the squared error"


def _diagonal(problem: Problem) -> tuple[Candidate, Phases, Phases]:
    """Squared error: Z = diag(z) with z_k = max(0, 1 − λ d_k/c_k), any counts and weights.

    Then G_Y = −diag((c_k/d_k)(1 − z_k)) has the entry −λ where z_k > 0, and c_k/d_k ≤ λ elsewhere: Y = diag(d) Z is optimal for the
    penalty λ, and for the ball of radius Σ d_k z_k. The residuals 1 − z_k are kept beside it: the doubles z_k lose a slight λ.
    """
    slopes, sizes = problem.weights / problem.scales, np.asarray(problem.sizes)
    multiplier = _water_level(slopes, problem.scales * sizes, problem.radius) if isinstance(problem, LayerPeeled) else problem.penalty
    residuals = np.minimum(1.0, multiplier / slopes)
    values = 1.0 - residuals
    gone = tuple(bool(value == 0.0) for value in values)
    scaled = problem.scales * values
    collapsed = tuple(zero and group.classes > 1 for zero, group in zip(gone, problem.groups, strict=True))
    matrix, tangent = (GroupMatrix(problem.sizes, entries, np.diag(entries)) for entries in (scaled, -residuals))
    return Candidate(matrix, tangent=tangent), collapsed, gone


def _water_level(slopes: Float[np.ndarray, " G"], masses: Float[np.ndarray, " G"], radius: float) -> float:
    """λ ≥ 0 with Σ_g mass_g max(0, 1 − λ/slope_g) = τ, or 0 when the masses fit inside the ball.

    The sum is piecewise linear in λ: for the j groups of largest slope alone, λ_j = (Σ mass − τ)/Σ (mass/slope), and the right j is
    the last whose λ_j is below its smallest slope.
    """
    if float(masses.sum()) <= radius:
        return 0.0
    order = np.argsort(-slopes)
    levels = (np.cumsum(masses[order]) - radius) / np.cumsum((masses / slopes)[order])
    return float(levels[np.flatnonzero(levels < slopes[order])[-1]])


def _two_groups(problem: LayerPeeled) -> tuple[GroupMatrix, Phases, Phases]:
    """Cross-entropy by symmetry.

    One group: Z = a (I − 11ᵀ/K) on the sphere. Two groups: a and b inside the groups, and between them the rank-one block
    (t_A, −t_B) ⊗ (√K_B, −√K_A)/√K, from `numerics.two_group_optimum`.
    """
    classes = problem.num_classes
    if len(problem.groups) == 1:
        return GroupMatrix((classes,), np.array([problem.radius / (classes - 1)]), np.zeros((1, 1))), (False,), (False,)
    big, small = problem.groups
    exchanged = big.samples < small.samples
    if exchanged:
        big, small = small, big
    optimum = two_group_optimum(big.classes, small.classes, big.samples / small.samples, problem.radius)
    t_a, t_b = optimum.between(big.classes, small.classes)
    to_a, to_b = math.sqrt(small.classes / classes), -math.sqrt(big.classes / classes)
    inner = (optimum.a if big.classes > 1 else 0.0, optimum.b)
    rows = ((t_a * to_a, t_a * to_b), (-t_b * to_a, -t_b * to_b))
    collapsed, vanished = (False, optimum.collapsed), (False, optimum.vanished)
    if exchanged:
        inner, rows, collapsed, vanished = inner[::-1], (rows[1][::-1], rows[0][::-1]), collapsed[::-1], vanished[::-1]
    return GroupMatrix(problem.sizes, np.array(inner), np.array(rows)), collapsed, vanished


def symmetric_rank(problem: Problem, matrix: GroupMatrix, vanished: Phases) -> int:
    """Rank of a closed form, whose zeros are exact."""
    if problem.loss == "squared":
        return sum(size for size, gone in zip(problem.sizes, vanished, strict=True) if not gone)
    several = sum(size - 1 for size, value in zip(problem.sizes, matrix.inner.tolist(), strict=True) if value > 0.0)
    return several + (len(problem.groups) == 2 and not any(vanished))
