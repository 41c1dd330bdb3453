"""The door: a problem in, a certified solution out."""

import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from layerpeel.numerics import GroupMatrix, UnusableInput, double, require_instance, require_whole, shown
from layerpeel.solvers._certificate import ROUNDINGS, UNIT, Certificate, certify, rounding_of
from layerpeel.solvers._enclosures import Enclosures
from layerpeel.solvers._hinge_phases import hinge_collapsed
from layerpeel.solvers._interior import MOST_GROUPS, solve_interior
from layerpeel.solvers._losses import LOSSES
from layerpeel.solvers._primal_dual import solve_primal_dual
from layerpeel.solvers._problem import Form, LayerPeeled, Problem, UnconstrainedFeatures
from layerpeel.solvers._projected import MAX_ITERATIONS, Candidate, solve_projected
from layerpeel.solvers._sdp import PRECISIONS, require_known_solver, require_solver, solve_sdp
from layerpeel.solvers._solution import RANK_TOLERANCE, VANISHING_NORM, Solution, Status
from layerpeel.solvers._symmetric import covers, solve_symmetric, symmetric_rank

ROUTES = ("auto", "symmetric", "factored", "sdp")
"""Legal names of routes."""

GAP_MARGIN = 0.3
"""Share of the tolerance at which route `factored` stops in doubles, so that the rigorous gap stays within it."""

LEAST_STEPS, STEPS_PER_G4 = 1000, 10
"""With few groups, proximal steps are given up when they have taken as long as extended precision would, which grows like G⁴."""

POLISHED_GAP, POLISHING_STEPS = 1e-10, 1000
"""Relative gap to which a conic solver's point is polished, and proximal steps for it at most: usually one is enough, and hundreds are
taken where a group's weight is a thousandth of another's."""

FARTHEST_OFF, NEGLIGIBLE_GAP = 1e-2, 1e-6
"""Gap, relative to the value or absolute, up to which a conic solver's point is polished: Clarabel and SCS leave up to 1e-4 of losses of
order one, and 1e-8 of them where the loss is tiny."""

SETTLED = (Status.CERTIFIED, Status.ZERO)
"""What ends the attempts of a route."""


def solve(
    problem: Form,
    *,
    route: str = "auto",
    solver: str = "clarabel",
    tolerance: float = 1e-8,
    start: Solution | None = None,
    dimension: int | None = None,
) -> Solution[Form]:
    """Solve a Layer-Peeled program, or a regularised unconstrained-features model, and certify the answer.

    Args:
        problem: the program.
        route: "symmetric" (closed forms, any K: cross-entropy with energies, d = 1, no bias and at most two distinct counts; squared
            error without bias), "factored" (everything: the cost depends on the number of distinct counts), "sdp" (the reference:
            everything, small K; a smooth loss is polished by proximal steps from the conic solver's point), or "auto", which takes the
            first that covers the problem. Route "sdp" is not meant for slight penalties or large energies: conic solvers resolve little of
            a tiny loss, and the status says so where "factored" certifies.
        solver: conic solver of route "sdp": "clarabel", "scs" or "mosek".
        tolerance: certified relative gap at which the status says so.
        start: a neighbour's solution with the same group sizes, to warm-start route "factored" along a path.
        dimension: p, for features and classifier in R^p. From the rank of the optimal logits on it changes nothing; below, the
            solution carries a warning, its value is a lower bound for that p, and it has no features or classifier to hand out.

    Raises:
        UnusableInput: for an unknown route or solver, a route that does not cover the problem, or an unusable tolerance or dimension.
        SolverFailed: when the conic solver returns no point.

    Example:
        >>> solution = solve(LayerPeeled.from_groups([(5, 100), (5, 10)], feature_energy=5.0))
        >>> round(solution.value.upper, 6), solution.relative_gap < 1e-12, solution.groups[1].collapsed
        (0.261677, True, False)
    """
    if not isinstance(route, str) or route not in ROUTES:
        raise UnusableInput(f"route {route!r} is unknown: it must be one of {', '.join(ROUTES)}; choose one of these.")
    require_instance(problem, (LayerPeeled, UnconstrainedFeatures), "the problem", made="from counts, energies or penalties")
    if start is not None:
        require_instance(start, Solution, "the start", made="by solving a neighbouring problem")
    require_known_solver(solver)
    if solver != "clarabel":
        require_solver(solver)  # a solver asked for by name must be there, whatever route is taken
    if not 0.0 < double(tolerance) < 1.0:
        raise UnusableInput(f"the tolerance is {shown(tolerance)}: it must lie strictly between 0 and 1; give one, for example 1e-8.")
    tolerance = double(tolerance)
    if dimension is not None:
        dimension = require_whole(dimension, "the feature dimension", remedy="give one, or leave it out for as many as the optimum needs")
    began = time.perf_counter()
    chosen = route if route != "auto" else "symmetric" if covers(problem) else "factored"
    if chosen == "symmetric":
        return replace(_symmetric(problem, tolerance, began), dimension=dimension)
    if chosen == "factored":
        return _certified(problem, "factored", _factored(problem, tolerance, _warm(problem, start)), tolerance, began, dimension)
    require_solver(solver)
    return _certified(problem, "sdp", _semidefinite(problem, solver), tolerance, began, dimension)


def _factored(problem: Problem, tolerance: float, start: Candidate | None) -> Iterator[Candidate]:
    """What first-order methods find in doubles, then for a smooth loss and few groups what extended precision finds."""
    if not LOSSES[problem.loss].smooth:
        yield solve_primal_dual(problem, GAP_MARGIN * tolerance, start)
        return
    count = len(problem.groups)
    steps = max(LEAST_STEPS, STEPS_PER_G4 * count**4) if count <= MOST_GROUPS else MAX_ITERATIONS
    first = solve_projected(problem, GAP_MARGIN * tolerance, start, min(steps, MAX_ITERATIONS))
    yield first
    if count <= MOST_GROUPS:
        further = solve_interior(problem, certify(problem, *first).value.upper)
        if further is not None:
            yield further


def _semidefinite(problem: Problem, solver: str) -> Iterator[Candidate]:
    """A conic solver's points at growing precision, for a smooth loss each after a few proximal steps from it.

    What a conic solver promises bounds the error of Z, to which the gap of its tangent is proportional. The dual point of a proximal step
    leaves a gap of the square of that error. A point that is farther off than such errors is not repaired: it answers another question.
    """
    for precision in PRECISIONS[solver]:
        found = solve_sdp(problem, solver, precision)
        if LOSSES[problem.loss].smooth:
            raw = certify(problem, *found)
            if raw.gap <= FARTHEST_OFF * raw.value.upper + NEGLIGIBLE_GAP:
                yield solve_projected(problem, POLISHED_GAP, found, POLISHING_STEPS)
        yield found


def _warm(problem: Problem, start: Solution | None) -> Candidate | None:
    if start is None:
        return None
    if start.problem.sizes != problem.sizes:
        raise UnusableInput(
            f"the start has groups of {start.problem.sizes} classes and the problem groups of {problem.sizes}: a warm start needs the "
            "same sizes; leave start out."
        )
    return Candidate(start.matrix, start.shares, start.group_bias)


def _symmetric(problem: Form, tolerance: float, began: float) -> Solution[Form]:
    candidate, collapsed, vanished = solve_symmetric(problem)
    certificate = certify(problem, *candidate)
    return Solution(
        problem=problem,
        route="symmetric",
        matrix=candidate.matrix,
        shares=None,
        certificate=certificate,
        status=_status(problem, candidate, certificate, tolerance),
        collapsed=collapsed,
        vanished=vanished,
        rank=symmetric_rank(problem, candidate.matrix, vanished),
        seconds=time.perf_counter() - began,
        tangent=candidate.tangent,
    )


def _certified(
    problem: Form, route: str, attempts: Iterable[Candidate], tolerance: float, began: float, dimension: int | None
) -> Solution[Form]:
    """Certify attempts in turn until one is within the tolerance, and keep the best; without their noise if that fits them into R^p."""
    noise = RANK_TOLERANCE * problem.typical_value
    found: list[tuple[Candidate, Certificate, Status]] = []
    for attempt in attempts:
        matrix = _polished(problem, attempt.matrix)
        if dimension is not None and matrix.rank(noise) <= dimension:
            matrix = _polished(problem, matrix.truncated(noise))
        candidate = attempt._replace(matrix=matrix)
        certificate = certify(problem, *candidate)
        status = _status(problem, candidate, certificate, tolerance)
        found.append((candidate, certificate, status))
        if status in SETTLED:
            break
    candidate, certificate, status = min(found, key=lambda each: (each[2] not in SETTLED, each[1].value.width, each[1].relative_gap))
    undecided: tuple[bool | None, ...] = (None,) * len(problem.groups)
    solution = Solution(
        problem=problem,
        route=route,
        matrix=candidate.matrix,
        shares=candidate.shares,
        certificate=certificate,
        status=status,
        collapsed=undecided,
        vanished=undecided,
        rank=candidate.matrix.rank(noise),
        seconds=0.0,
        dimension=dimension,
        group_bias=candidate.bias,
        tangent=candidate.tangent,
    )
    solution = replace(solution, collapsed=_collapsed(solution))
    return replace(solution, vanished=_vanished(solution), seconds=time.perf_counter() - began)


def _status(problem: Problem, candidate: Candidate, certificate: Certificate, tolerance: float) -> Status:
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
    largest = float(max(np.abs(candidate.tangent.inner).max(), np.abs(candidate.tangent.outer).max()))
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
    if not LOSSES[problem.loss].smooth:
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


def _polished(problem: Problem, found: GroupMatrix) -> GroupMatrix:
    """Where the norm is bounded: on the sphere ‖Y‖_* = τ, unless the loss can be zero inside the ball and the point is there."""
    if not isinstance(problem, LayerPeeled):
        return found
    norm = found.nuclear_norm()
    inside = LOSSES[problem.loss].attains_zero and norm <= problem.radius
    return found if inside or norm == 0.0 else found.scaled(problem.radius / norm)


def _negligible(problem: Problem, candidate: Candidate, certificate: Certificate, tolerance: float) -> bool:
    """Whether the loss is zero for all practical purposes: below the tolerance times its value at zero, where zero can be attained."""
    if not LOSSES[problem.loss].attains_zero or not isinstance(problem, LayerPeeled):
        return False
    count = len(problem.groups)
    origin = certify(problem, GroupMatrix(problem.sizes, np.zeros(count), np.zeros((count, count))), candidate.shares)
    return certificate.value.upper <= tolerance * origin.value.upper


def _collapsed(solution: Solution[Any]) -> tuple[bool | None, ...]:
    """Per group: whether its classifiers coincide, None when the certificate cannot tell.

    Smooth losses, bounded norm: stationarity on the inner space of group g reads (c_g/d_g)·(a factor that is 1 at collapse and below 1
    beside it) = λ, so the classifiers coincide exactly when λ ≥ c_g/d_g, and the rigorous bracket of λ decides. Penalised norm, where
    λ is given: a margin that is certainly positive, or an inner gradient that is certainly below λ, decides without that law.
    The hinge is not smooth at collapse: its rules stand with `hinge_collapsed`.
    """
    problem = solution.problem
    several = [group.classes > 1 for group in problem.groups]
    if not LOSSES[problem.loss].smooth:
        return hinge_collapsed(solution)
    if not any(several):
        return (False,) * len(several)
    if isinstance(problem, UnconstrainedFeatures):
        optimum = Enclosures(solution)
        return tuple(optimum.coincide(g) if many else False for g, many in enumerate(several))
    margin = 1e-15  # the weights c_g are rounded quotients
    decided: list[bool | None] = []
    for many, slope in zip(several, (problem.weights / problem.scales).tolist(), strict=True):
        if not many or solution.certified_multiplier.upper < slope * (1 - margin):
            decided.append(False)
        else:
            decided.append(True if solution.certified_multiplier.lower > slope * (1 + margin) else None)
    return tuple(decided)
