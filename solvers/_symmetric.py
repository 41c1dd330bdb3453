"""Route `symmetric`: cross-entropy with one or two groups, solved in a handful of scalars whatever K is."""

import math

import numpy as np

from numerics import FLOATS, GroupMatrix, SurfacePoint, UnusableInput, increasing_root, surface_point
from solvers._problem import LayerPeeled


def covers(problem: LayerPeeled) -> bool:
    """Whether the route applies: cross-entropy with at most two distinct counts."""
    return problem.loss == "cross-entropy" and len(problem.groups) <= 2


def solve_symmetric(problem: LayerPeeled) -> tuple[GroupMatrix, list[bool], list[bool]]:
    """Optimal logits by symmetry, with the phase of each group.

    The two-group optimum lies on the explicit surface of `numerics.surface_point`; this inverts the surface for the problem's
    (τ, R): an increasing equation in ζ at fixed v, inside a monotone equation in v. The phase is decided before solving:
    distinct when R is below the threshold (v = 0 at this τ), vanished when the two-scalar test of `_vanishes` says so.

    Returns:
        Logits as a block-symmetric matrix, and per group whether its classifiers collapse and whether they vanish.

    Raises:
        UnusableInput: for another loss, or three or more distinct counts.
    """
    if not covers(problem):
        distinct = len(problem.groups)
        what = f"the loss {problem.loss!r}" if problem.loss != "cross-entropy" else f"{distinct} distinct counts"
        raise UnusableInput(f"route 'symmetric' does not cover {what}: it needs cross-entropy and at most 2 distinct counts; use --route auto.")
    if len(problem.groups) == 1:
        classes = problem.num_classes
        return GroupMatrix((classes,), np.array([problem.radius / (classes - 1)]), np.zeros((1, 1))), [False], [False]
    first, second = problem.groups
    swap = first.samples < second.samples
    big, small = (second, first) if swap else (first, second)
    a, b, s, root_a, root_b = solve_two_groups(big.classes, small.classes, big.samples / small.samples, problem.radius)
    k_a, k_b, k = big.classes, small.classes, problem.num_classes
    t_a, t_b = (s * math.sqrt(k_b / k) / root_a, s * math.sqrt(k_a / k) / root_b) if s > 0 else (0.0, 0.0)
    column = np.array([math.sqrt(k_b / k), -math.sqrt(k_a / k)])
    inner, outer = np.array([a if k_a > 1 else 0.0, b if k_b > 1 else 0.0]), np.outer([t_a, -t_b], column)
    collapsed, vanished = [False, b == 0.0 and k_b > 1], [False, s == 0.0]
    if swap:
        inner, outer, collapsed, vanished = inner[::-1].copy(), outer[::-1, ::-1].copy(), collapsed[::-1], vanished[::-1]
    return GroupMatrix(problem.sizes, inner, outer), collapsed, vanished


def solve_two_groups(majority: int, minority: int, imbalance: float, budget: float) -> tuple[float, float, float, float, float]:
    """(a, b, s, r_A, r_B) of the optimum for imbalance R > 1 and ‖Z‖_* ≤ τ.

    Example:
        >>> a, b, s, *_ = solve_two_groups(5, 5, 20.0, 22.36)
        >>> b, round(4 * a + s, 6)
        (0.0, 22.36)
    """
    if majority > 1 and _vanishes(majority, minority, imbalance, budget):
        return budget / (majority - 1), 0.0, 0.0, math.inf, math.inf
    target = math.log(imbalance)
    on_threshold = _invert_budget(majority, minority, budget, 0.0, 0.0, None)
    distinct = target < on_threshold[1].log_imbalance
    if distinct:
        classes = majority + minority
        farthest = _log_lift(budget / (classes - 1), classes)
    else:
        farthest = min(target, _latest_vanishing(majority, minority, budget))
    point = _match_imbalance(majority, minority, budget, target, distinct, farthest, on_threshold)
    b = point.b if distinct and minority > 1 else 0.0
    return point.a, b, point.s, point.root_a, point.root_b


def _match_imbalance(
    majority: int, minority: int, budget: float, target: float, distinct: bool, farthest: float, start: tuple[float, SurfacePoint]
) -> SurfacePoint:
    """Move along the fixed budget, away from the threshold, until log R is the target."""
    sign = -1.0 if distinct else 1.0  # log R falls with the distance into the distinct phase, and grows into the collapsed one
    distance, (zeta, point) = 0.0, start

    def predict(following: float) -> float:
        predicted = zeta + sign * point.budget_by_v / point.budget_by_zeta * (following - distance)
        return predicted if predicted > 0.0 else zeta

    def excess(following: float) -> tuple[float, float]:
        nonlocal distance, zeta, point
        above, below = (following, 0.0) if distinct else (0.0, following)
        zeta, point = _invert_budget(majority, minority, budget, above, below, predict(following))
        distance = following
        return sign * (point.log_imbalance - target), sign * _slope_along(point, distinct)

    if farthest <= 0.0:
        return point
    if distinct:  # from R0 here to R = 1 at the far end
        first = farthest * (1.0 - target / point.log_imbalance)
    else:
        first = min((target - point.log_imbalance) / _slope_along(point, distinct), 0.5 * farthest)
    root = increasing_root(excess, start=first, upper=farthest)
    # Rounding of (K_B − 1) b in the budget moves ζ; the budget is restored by scaling, so let ζ meet log R exactly.
    above, below = (root, 0.0) if distinct else (0.0, root)
    zeta = predict(root)
    point = surface_point(FLOATS, majority, minority, zeta, above, below)
    zeta = max(zeta - (point.log_imbalance - target) / point.log_imbalance_by_zeta, 0.0)
    return surface_point(FLOATS, majority, minority, zeta, above, below)


def _slope_along(point: SurfacePoint, distinct: bool) -> float:
    """d log R by the distance from the threshold, at fixed budget."""
    by_v = point.log_imbalance_by_v - point.log_imbalance_by_zeta * point.budget_by_v / point.budget_by_zeta
    return by_v if distinct else -by_v


def _invert_budget(
    majority: int, minority: int, budget: float, above: float, below: float, start: float | None
) -> tuple[float, SurfacePoint]:
    """The ζ at which the surface has the given τ, for v = above − below, and its point."""
    classes = majority + minority
    point = None

    def excess(zeta: float) -> tuple[float, float]:
        nonlocal point
        point = surface_point(FLOATS, majority, minority, zeta, above, below)
        return math.log(point.budget / budget), point.budget_by_zeta / point.budget

    if start is None or start <= 0.0:
        start = math.log1p(budget / ((majority - 1) * classes**2 / minority + classes))
    upper = 1.0 + math.log1p(budget / minority)  # s ≥ K_B e^ζ log(1 + (K/K_B)(e^ζ − 1)) exceeds τ there
    zeta = increasing_root(excess, start=min(start, upper), upper=upper)
    return zeta, surface_point(FLOATS, majority, minority, zeta, above, below)


def _log_lift(spread: float, classes: int) -> float:
    """V of balanced classes with singular value a: log1p(expm1(a)/K)."""
    capped = min(spread, 500.0)
    return math.log1p(math.expm1(capped) / classes) + (spread - capped)


def _latest_vanishing(majority: int, minority: int, budget: float) -> float:
    """The largest −v at this τ before the minority vanishes (s = 0): log r_B there, or infinity when it never does."""
    if majority == 1:
        return math.inf
    classes = majority + minority
    root_a = (majority * math.exp(-budget / (majority - 1) / majority) + minority) / classes
    room = 1.0 - (minority / classes) / root_a**2
    return 0.5 * math.log((majority / classes) / room) if room > 0.0 else math.inf


def _vanishes(majority: int, minority: int, imbalance: float, budget: float) -> bool:
    """Whether all between-group logits vanish: the outer block of the gradient at t = 0 has norm at most λ."""
    classes = majority + minority
    a = budget / (majority - 1)
    if a > 500.0:
        return False
    lift = math.exp(a / majority)
    share = majority + minority * lift
    cosine = math.sqrt(classes * minority) * lift / share
    sine = math.sqrt(majority / classes) * (math.exp(a) + majority - 1 + minority * lift) / (imbalance * share)
    return math.hypot(cosine, sine) <= 1.0
