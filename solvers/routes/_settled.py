"""From what a route finds to a solution: certified, graded, and with what the certificate decides about its geometry."""

import math
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from layerpeel.numerics import GroupMatrix
from layerpeel.solvers._enclosures import Enclosures
from layerpeel.solvers._geometry import Decided, Status
from layerpeel.solvers._hinge_phases import hinge_collapsed
from layerpeel.solvers._phases import phases_by_law
from layerpeel.solvers._solution import RANK_TOLERANCE, VANISHING_NORM, Solution
from layerpeel.solvers.program._problem import Form, LayerPeeled, Problem, UnconstrainedFeatures
from layerpeel.solvers.proof._certificate import ROUNDINGS, UNIT, Certificate, certified, certify, rounding_of
from layerpeel.solvers.routes._request import Candidate, Request

SETTLED = (Status.CERTIFIED, Status.ZERO)
"""What ends the attempts of a route."""


def settled(request: Request[Form], route: str, attempts: Iterable[Candidate]) -> Solution[Form]:
    """Certify attempts in turn until one is within the tolerance, and keep the best; without their noise if that fits them into R^p."""
    problem, tolerance, dimension = request.problem, request.tolerance, request.dimension
    noise = RANK_TOLERANCE * problem.typical_value
    tried: list[tuple[Candidate, Certificate, Status]] = []
    for attempt in attempts:
        candidate = attempt if attempt.factors is not None else attempt._replace(matrix=_polished(problem, attempt.matrix))
        if dimension is not None and candidate.matrix.rank(noise) <= dimension:
            candidate = candidate._replace(matrix=_polished(problem, candidate.matrix.truncated(noise)), factors=None)
        certificate = certified(problem, *candidate)
        status = status_of(problem, candidate, certificate, tolerance)
        tried.append((candidate, certificate, status))
        if status in SETTLED:
            break
    candidate, certificate, status = min(tried, key=lambda each: (each[2] not in SETTLED, each[1].value.width, each[1].relative_gap))
    return Solution(
        problem=problem,
        route=route,
        matrix=candidate.matrix,
        shares=candidate.shares,
        certificate=certificate,
        status=status,
        decide=decided,
        seconds=time.perf_counter() - request.began,
        dimension=dimension,
        group_bias=candidate.bias,
        tangent=candidate.tangent,
    )


def decided(solution: Solution[Any]) -> Decided:
    """What the certificate says of the phases, what laws say where it leaves them open, and the rank without noise."""
    nothing = (None,) * len(solution.problem.groups)
    rank = solution.matrix.rank(RANK_TOLERANCE * solution.problem.typical_value)
    plain = replace(solution, decide=Decided(nothing, nothing, rank))
    collapsed = _collapsed(plain)
    plain = replace(plain, decide=Decided(collapsed, nothing, rank))
    return Decided(*phases_by_law(plain, collapsed, _vanished(plain)), rank)


def status_of(problem: Problem, candidate: Candidate, certificate: Certificate, tolerance: float) -> Status:
    if _negligible(problem, candidate, certificate, tolerance):
        return Status.ZERO
    if certificate.relative_gap <= tolerance:
        return Status.CERTIFIED
    limited = (
        certificate.value.width <= math.ulp(certificate.value.upper)
        or certificate.gap <= rounding_of(problem, candidate.matrix, candidate.bias, certificate.value.upper)
        or certificate.relative_gap <= _dual_rounding(problem, candidate)
    )
    return Status.LIMIT_OF_DOUBLES if limited else Status.LOOSE


def _dual_rounding(problem: Problem, candidate: Candidate) -> float:
    """What rounding the tangent's logits can take from the dual bound, relatively.

    Logits off by δ change cross-entropy's slopes by a part 2δ, and with it ⟨G, Y⟩ and τ‖G‖, each at most the largest margin times the loss.
    The squared error's are residuals, which keep their digits.
    """
    if problem.loss != "cross-entropy" or candidate.tangent is None:
        return 0.0
    seen = problem.seen(candidate.tangent)
    largest = float(max(np.abs(seen.inner).max(), np.abs(seen.outer).max()))
    return ROUNDINGS * UNIT * 2.0 * largest * (1.0 + 2.0 * largest)


def _vanished(solution: Solution) -> tuple[bool | None, ...]:
    """Per group: whether its classifiers are exactly zero, None when they are short and the certificate cannot tell.

    Zero is certain when the block between groups is (its gradient is certainly shorter than λ) and the group has no inner part;
    otherwise a certainly positive norm says no.
    """
    problem = solution.problem
    limit = VANISHING_NORM * (problem.typical_value / problem.balance) ** 0.5
    short = [group.classifier_norm < limit for group in solution.groups]
    if not any(short):
        return (False,) * len(short)
    if not problem.loss_function.smooth:
        return tuple(None if each else False for each in short)
    optimum = Enclosures(solution)
    decided: list[bool | None] = []
    for g, (each, group) in enumerate(zip(short, solution.groups, strict=True)):
        if not each or optimum.classifier_norm(g).lower > 0.0:
            decided.append(False)
        else:
            alone = group.classes == 1 or group.collapsed is True
            decided.append(True if alone and optimum.between_vanishes else None)
    return tuple(decided)


def _polished(problem: Problem, matrix: GroupMatrix) -> GroupMatrix:
    """Where the norm is bounded: on the sphere ‖Y‖_* = τ, unless the loss can be least inside the ball and the point is there."""
    if not isinstance(problem, LayerPeeled):
        return matrix
    norm = matrix.nuclear_norm()
    inside = problem.loss_function.attains_least and norm <= problem.radius
    return matrix if inside or norm == 0.0 else matrix.scaled(problem.radius / norm)


def _negligible(problem: Problem, candidate: Candidate, certificate: Certificate, tolerance: float) -> bool:
    """Whether the loss is zero for all practical purposes: below the tolerance times its value at zero, where zero can be attained."""
    if not problem.loss_function.attains_zero or not isinstance(problem, LayerPeeled):
        return False
    count = len(problem.groups)
    origin = certify(problem, GroupMatrix(problem.sizes, np.zeros(count), np.zeros((count, count))), candidate.shares)
    return certificate.value.upper <= tolerance * origin.value.upper


def _collapsed(solution: Solution[Any]) -> tuple[bool | None, ...]:
    """Per group: whether its classifiers coincide, None when the certificate cannot tell.

    Smooth losses, bounded norm: stationarity on the inner space of group g reads (c_g/d_g)·(a factor that is 1 at collapse and below 1
    beside it) = λ, so the classifiers coincide exactly when λ ≥ c_g/d_g, and the rigorous bracket of λ decides; smoothed labels and
    scaled logits put (1 − δ) Δ_g c_g for c_g. Penalised norm, where λ is given, and a group held to a margin, whose slope depends on the
    logits: a difference of logits that is certainly positive, or an inner gradient that is certainly below λ, decides without that law.
    The hinge is not smooth at collapse: its rules stand with `hinge_collapsed`.
    """
    problem = solution.problem
    several = [group.classes > 1 for group in problem.groups]
    if not problem.loss_function.smooth:
        return hinge_collapsed(solution)
    if not any(several):
        return (False,) * len(several)
    optimum = Enclosures(solution)
    if isinstance(problem, UnconstrainedFeatures):
        return tuple(optimum.coincide(g) if many else False for g, many in enumerate(several))
    margin = 2e-15 if problem.adjusted else 1e-15  # the weights c_g are rounded quotients, and then multiplied
    slopes = problem.weights / problem.scales * problem.logit_scale * (1.0 - problem.label_smoothing)
    decided: list[bool | None] = []
    for g, (many, slope) in enumerate(zip(several, slopes.tolist(), strict=True)):
        if many and problem.groups[g].adjustment.margin > 0.0:
            decided.append(optimum.coincide(g))
        elif not many or solution.certified_multiplier.upper < slope * (1 - margin):
            decided.append(False)
        else:
            decided.append(True if solution.certified_multiplier.lower > slope * (1 + margin) else None)
    return tuple(decided)
