"""Route `factored`: everything, at a cost that depends on the number of distinct counts and not on K."""

from collections.abc import Iterator

from layerpeel.solvers._solution import Solution
from layerpeel.solvers.program._problem import Form, Problem
from layerpeel.solvers.proof._certificate import certify
from layerpeel.solvers.routes import _newton
from layerpeel.solvers.routes._interior import MOST_GROUPS, solve_interior
from layerpeel.solvers.routes._merged import merged_start
from layerpeel.solvers.routes._newton import Nearest, solve_newton
from layerpeel.solvers.routes._primal_dual import solve_primal_dual
from layerpeel.solvers.routes._projected import FEW_GROUPS, MAX_ITERATIONS, solve_projected
from layerpeel.solvers.routes._request import Candidate, Request
from layerpeel.solvers.routes._settled import settled

GAP_MARGIN = 0.3
"""Share of the tolerance at which route `factored` stops in doubles, so that the rigorous gap stays within it."""

NEAR_MARGIN = 0.95
"""The same where the gap is computed to a small part of itself, and is met in one step."""

SEVERAL_GROUPS = 8
"""Groups from which Newton's method is asked although there is a neighbour's optimum."""

LEAST_STEPS, STEPS_PER_G4 = 1000, 10
"""With few groups, proximal steps are given up when they have taken as long as extended precision would, which grows like G⁴."""


def run(request: Request[Form]) -> Solution[Form]:
    """The optimum by first-order methods, and for a few groups in extended precision where doubles do not reach the tolerance."""
    return settled(request, "factored", _attempts(request.problem, request.tolerance, request.start))


def first_order(problem: Problem, gap: float, start: Candidate | None = None) -> Candidate:
    """What first-order methods find in doubles, to a gap and no further."""
    if not problem.loss_function.smooth:
        return solve_primal_dual(problem, gap, start)
    near = _by_newton(problem, gap, start)
    if near is not None and (near.gap <= gap or start is None):
        return near.candidate
    return solve_projected(problem, gap, start or merged_start(problem, gap), once=True)


def _by_newton(problem: Problem, gap: float, start: Candidate | None) -> Nearest | None:
    """Newton's method, where it applies: from its own start, and where that is far from a neighbour's optimum."""
    if not _newton.covers(problem) or (start is not None and len(problem.groups) < SEVERAL_GROUPS):
        return None
    if start is None:
        return solve_newton(problem, gap)
    near = solve_newton(problem, gap, patience=1)
    return near if near is not None and near.gap <= gap else solve_newton(problem, gap, start, patience=0)


def _attempts(problem: Problem, tolerance: float, start: Candidate | None) -> Iterator[Candidate]:
    """What first-order methods find in doubles, then for a smooth loss and few groups what extended precision finds."""
    if not problem.loss_function.smooth:
        yield solve_primal_dual(problem, GAP_MARGIN * tolerance, start)
        return
    count = len(problem.groups)
    steps = max(LEAST_STEPS, STEPS_PER_G4 * count**4) if count <= MOST_GROUPS else MAX_ITERATIONS
    near = _by_newton(problem, NEAR_MARGIN * tolerance, start)
    if near is not None and (near.met or count >= FEW_GROUPS):
        start = near.candidate
        yield start
    start = start or merged_start(problem, GAP_MARGIN * tolerance)
    first = solve_projected(problem, GAP_MARGIN * tolerance, start, min(steps, MAX_ITERATIONS))
    yield first
    if count <= MOST_GROUPS:
        further = solve_interior(problem, certify(problem, *first).value.upper)
        if further is not None:
            yield further
