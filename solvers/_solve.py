"""The door: a problem in, a certified solution out."""

import time

from layerpeel.numerics import UnusableInput, double, require_instance, require_whole, shown
from layerpeel.solvers._sketch import Sketch, warm
from layerpeel.solvers._solution import Solution
from layerpeel.solvers.program._problem import Form, LayerPeeled, UnconstrainedFeatures
from layerpeel.solvers.routes._request import Request
from layerpeel.solvers.routes._sdp import require_known_solver, require_solver
from layerpeel.solvers.routes._table import TABLE

ROUTES = ("auto", *TABLE)
"""Legal names of routes."""


def solve(
    problem: Form,
    *,
    route: str = "auto",
    solver: str = "clarabel",
    tolerance: float = 1e-8,
    start: Solution | Sketch | None = None,
    dimension: int | None = None,
) -> Solution[Form]:
    """Solve a Layer-Peeled program, or a regularised unconstrained-features model, and certify the answer.

    With Z = H Wᵀ (K × K, row k the logits of class k), d_k = 1 or √n_k and c_k = n_k/N, both are convex in Y = diag(d) Z:

        min Σ_k c_k L(Z_k + b, k) + (λ_b/2)‖b‖²    s.t. ‖Y‖_* ≤ √(K E_W · E_H Σ d_k²),    or with λ‖Y‖_* added to it instead.

    Args:
        problem: the program.
        route: "symmetric" (closed forms, any K: cross-entropy with energies, d = 1, no bias and at most two distinct counts; squared
            error without bias), "factored" (everything: the cost depends on the number of distinct counts), "sdp" (the reference:
            everything, small K; a smooth loss is polished by proximal steps from the conic solver's point), or "auto", which takes the
            first that covers the problem. Route "sdp" is not meant for slight penalties or large energies: conic solvers resolve little of
            a tiny loss, and the status says so where "factored" certifies.
        solver: conic solver of route "sdp": "clarabel", "scs" or "mosek".
        tolerance: certified relative gap at which the status says so.
        start: a neighbour's solution for the same number of classes, to warm-start route "factored" along a path; where its groups are
            others, classes are told apart by their place among the counts.
        dimension: p, for features and classifier in R^p. From the rank of the optimal logits on it changes nothing; below, the
            solution carries a warning, its value is a lower bound for that p, and it has no features or classifier to hand out.

    Returns:
        The solution, with a rigorous bracket of the optimal value whatever the route.

    Raises:
        UnusableInput: for an unknown route or solver, a route that does not cover the problem, or an unusable tolerance or dimension.
        SolverFailed: when the conic solver returns no point.

    Source: su2024, "Convex relaxation"; hong2023, the regularised model; derived; docs/derivations/layer-peeled.md, section 1.

    Example:
        >>> solution = solve(LayerPeeled.from_groups([(5, 100), (5, 10)], feature_energy=5.0))
        >>> round(solution.value.upper, 6), solution.relative_gap < 1e-12, solution.groups[1].collapsed
        (0.261677, True, False)
    """
    if not isinstance(route, str) or route not in ROUTES:
        raise UnusableInput(f"route {route!r} is unknown: it must be one of {', '.join(ROUTES)}; choose one of these.")
    require_instance(problem, (LayerPeeled, UnconstrainedFeatures), "the problem", made="from counts, energies or penalties")
    given = None if start is None else warm(problem, start)
    require_known_solver(solver)
    if solver != "clarabel":
        require_solver(solver)  # a solver asked for by name must be there, whatever route is taken
    if not 0.0 < double(tolerance) < 1.0:
        raise UnusableInput(f"the tolerance is {shown(tolerance)}: it must lie strictly between 0 and 1; give one, for example 1e-8.")
    tolerance = double(tolerance)
    if dimension is not None:
        dimension = require_whole(dimension, "the feature dimension", remedy="give one, or leave it out for as many as the optimum needs")
    began = time.perf_counter()
    chosen = route if route != "auto" else next(name for name, each in TABLE.items() if each.covers(problem))
    request = Request(problem=problem, tolerance=tolerance, began=began, solver=solver, start=given, dimension=dimension)
    return TABLE[chosen].run(request)
