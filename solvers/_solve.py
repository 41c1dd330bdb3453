"""The door: a problem in, a certified solution out."""

import time
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from numerics import GroupMatrix, UnusableInput
from solvers._certificate import Certificate, certify, certify_multiplier
from solvers._enclosures import Enclosures
from solvers._losses import LOSSES
from solvers._problem import LayerPeeled
from solvers._projected import solve_projected
from solvers._sdp import PRECISIONS, require_known_solver, require_solver, solve_sdp
from solvers._solution import RANK_TOLERANCE, VANISHING_NORM, Solution, Status
from solvers._symmetric import covers, solve_symmetric

ROUTES = ("auto", "symmetric", "factored", "sdp")
"""Legal names of routes."""

GAP_MARGIN = 0.3
"""Share of the tolerance at which the projected gradient stops in doubles, so that the rigorous gap stays within it."""


def solve(
    problem: LayerPeeled,
    *,
    route: str = "auto",
    solver: str = "clarabel",
    tolerance: float = 1e-8,
    start: Solution | None = None,
) -> Solution:
    """Solve a Layer-Peeled program and certify the answer.

    Args:
        problem: the program.
        route: "symmetric" (cross-entropy, at most two distinct counts, any K), "factored" (smooth losses, any counts: the cost depends
            on the number of distinct counts), "sdp" (the reference: everything, small K), or "auto", which takes the first that covers
            the problem.
        solver: conic solver of route "sdp": "clarabel", "scs" or "mosek".
        tolerance: certified relative gap at which the status says so.
        start: a neighbour's solution with the same group sizes, to warm-start route "factored" along a path.

    Raises:
        UnusableInput: for an unknown route or solver, a route that does not cover the problem, or an unusable tolerance.
        SolverFailed: when the conic solver returns no point.

    Example:
        >>> solution = solve(LayerPeeled.from_groups([(5, 100), (5, 10)], feature_energy=5.0))
        >>> round(solution.value.upper, 6), solution.relative_gap < 1e-12, solution.groups[1].collapsed
        (0.261677, True, False)
    """
    if route not in ROUTES:
        raise UnusableInput(f"route {route!r} is unknown: it must be one of {', '.join(ROUTES)}; choose one of these.")
    require_known_solver(solver)
    if solver != "clarabel":
        require_solver(solver)  # a solver asked for by name must be there, whatever route is taken
    if not 0.0 < tolerance < 1.0:
        raise UnusableInput(f"the tolerance is {tolerance!r}: it must lie strictly between 0 and 1; give one, for example 1e-8.")
    began = time.perf_counter()
    smooth = LOSSES[problem.loss].smooth
    chosen = route if route != "auto" else "symmetric" if covers(problem) else "factored" if smooth else "sdp"
    if chosen == "symmetric":
        return _symmetric(problem, tolerance, began)
    if chosen == "factored":
        if not smooth:
            raise UnusableInput(f"route 'factored' does not cover the loss {problem.loss!r}: it follows gradients; use --route sdp.")
        return _certified(
            problem, "factored", [(solve_projected(problem, GAP_MARGIN * tolerance, _warm(problem, start)), None)], tolerance, began
        )
    require_solver(solver)
    return _certified(problem, "sdp", (solve_sdp(problem, solver, precision) for precision in PRECISIONS[solver]), tolerance, began)


def _warm(problem: LayerPeeled, start: Solution | None) -> GroupMatrix | None:
    if start is None:
        return None
    if start.problem.sizes != problem.sizes:
        raise UnusableInput(
            f"the start has groups of {start.problem.sizes} classes and the problem groups of {problem.sizes}: a warm start needs the "
            "same sizes; leave start out."
        )
    return start.matrix


def _symmetric(problem: LayerPeeled, tolerance: float, began: float) -> Solution:
    matrix, collapsed, vanished = solve_symmetric(problem)
    certificate = certify(problem, matrix)
    several = sum(size - 1 for size, value in zip(problem.sizes, matrix.inner.tolist(), strict=True) if value > 0.0)
    return Solution(
        problem=problem,
        route="symmetric",
        matrix=matrix,
        shares=None,
        certificate=certificate,
        status=Status.CERTIFIED if certificate.relative_gap <= tolerance else Status.LOOSE,
        collapsed=collapsed,
        vanished=vanished,
        rank=several + (len(problem.groups) == 2 and not any(vanished)),
        seconds=time.perf_counter() - began,
    )


def _certified(
    problem: LayerPeeled, route: str, attempts: Iterable[tuple[GroupMatrix, GroupMatrix | None]], tolerance: float, began: float
) -> Solution:
    """Certify attempts in turn until one is within the tolerance, and keep the best."""
    found: list[tuple[GroupMatrix, GroupMatrix | None, Certificate]] = []
    status = Status.LOOSE
    for logits, shares in attempts:
        matrix = _polished(problem, logits)
        certificate = certify(problem, matrix, shares)
        found.append((matrix, shares, certificate))
        status = _status(problem, certificate, shares, tolerance)
        if status is not Status.LOOSE:
            break
    matrix, shares, certificate = min(found, key=lambda candidate: candidate[2].value.width)
    solution = Solution(
        problem=problem,
        route=route,
        matrix=matrix,
        shares=shares,
        certificate=certificate,
        status=status,
        collapsed=_collapsed(problem, matrix, shares),
        vanished=(False,) * len(problem.groups),
        rank=matrix.rank(RANK_TOLERANCE * problem.radius / problem.num_classes),
        seconds=0.0,
    )
    return replace(solution, vanished=_vanished(solution), seconds=time.perf_counter() - began)


def _status(problem: LayerPeeled, certificate: Certificate, shares: GroupMatrix | None, tolerance: float) -> Status:
    if _negligible(problem, certificate, shares, tolerance):
        return Status.ZERO
    return Status.CERTIFIED if certificate.relative_gap <= tolerance else Status.LOOSE


def _vanished(solution: Solution) -> tuple[bool | None, ...]:
    """Per group: whether its classifiers are exactly zero, None when they are short and the certificate cannot tell.

    Zero is certain when the block between groups is (its gradient is certainly shorter than λ) and the group has no inner part;
    otherwise a certainly positive norm says no.
    """
    limit = VANISHING_NORM * solution.problem.weight_energy**0.5
    short = [group.classifier_norm < limit for group in solution.groups]
    if not any(short):
        return (False,) * len(short)
    if solution.problem.loss != "cross-entropy":
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


def _polished(problem: LayerPeeled, found: GroupMatrix) -> GroupMatrix:
    """On the sphere ‖Z‖_* = τ, unless the loss can be zero inside the ball and the point is there."""
    norm = found.nuclear_norm()
    inside = LOSSES[problem.loss].attains_zero and norm <= problem.radius
    return found if inside or norm == 0.0 else found.scaled(problem.radius / norm)


def _negligible(problem: LayerPeeled, certificate: Certificate, shares: GroupMatrix | None, tolerance: float) -> bool:
    """Whether the loss is zero for all practical purposes: below the tolerance times its value at Z = 0, where zero can be attained."""
    if not LOSSES[problem.loss].attains_zero:
        return False
    count = len(problem.groups)
    origin = certify(problem, GroupMatrix(problem.sizes, np.zeros(count), np.zeros((count, count))), shares)
    return certificate.value.upper <= tolerance * origin.value.upper


def _collapsed(problem: LayerPeeled, matrix: GroupMatrix, shares: GroupMatrix | None) -> tuple[bool | None, ...]:
    """Per group: whether its classifiers coincide, None when the certificate cannot tell.

    Cross-entropy and squared error: stationarity on the inner space of group g reads c_g·(a factor that is 1 at collapse and
    below 1 beside it) = λ, so the classifiers coincide exactly when λ ≥ c_g, and the rigorous bracket of λ decides.
    The hinge is not smooth at collapse and has no such law: there its inner singular value decides, to the rank tolerance.
    """
    several = [group.classes > 1 for group in problem.groups]
    if problem.loss == "hinge":
        limit = RANK_TOLERANCE * problem.radius / problem.num_classes
        return tuple(bool(abs(value) < limit) and many for value, many in zip(matrix.inner.tolist(), several, strict=True))
    if not any(several):
        return (False,) * len(several)
    multiplier = certify_multiplier(problem, matrix, shares)
    margin = 1e-15  # the weights c_g are rounded quotients
    decided: list[bool | None] = []
    for many, weight in zip(several, problem.weights.tolist(), strict=True):
        if not many or multiplier.upper < weight * (1 - margin):
            decided.append(False)
        else:
            decided.append(True if multiplier.lower > weight * (1 + margin) else None)
    return tuple(decided)
