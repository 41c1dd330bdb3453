"""Accelerated proximal gradient over block-symmetric matrices: a projection onto the nuclear-norm ball, or a shrinkage."""

import math

import numpy as np

from layerpeel.numerics import Directions, GroupMatrix, require_memory
from layerpeel.solvers.program._problem import LayerPeeled, Problem
from layerpeel.solvers.program._smooth import Point, Smooth
from layerpeel.solvers.routes._levelled import levelled
from layerpeel.solvers.routes._request import Candidate

MAX_ITERATIONS = 50_000
"""Typical problems need 25 to 100; only energies so large that the loss is nearly zero need thousands."""

CHECK_EVERY = 3
"""Iterations between two evaluations of the gap, each of which costs about as much as one more gradient."""

FIRST_STEP = 10.0
"""The first step over the one that is always short enough: along the way the curvature is a tenth of its bound or less."""

STEP_GROWTH = 1.2
"""The step is lengthened by this much before every backtracking, so it can follow the falling curvature."""

FEW_GROUPS, FURTHER, FURTHEST = 32, 1e-3, 1e-13
"""The gap is of second order: logits are only as good as its root. With few groups a thousandth of it, down to where rounding begins,
takes milliseconds, and is tried for as long again as the gap itself took."""

LEAST_FURTHER = 30
"""Iterations that are tried at least: from a good start the gap itself takes none."""

LEVELLED_FROM = 24
"""Distinct counts from which a start is trusted to be so near that a better dual point is looked for in the first steps: a
decomposition is then cheaper than the steps that make the ordinary one as good."""

BYTES_PER_ENTRY = 200.0
"""Peak memory over G², measured at G = 700 and 1000 (160): twenty arrays of doubles."""

ALWAYS_FITS = 300
"""Distinct counts below which nobody asks how much memory there is: 18 MB."""

LEAST_CURVATURE = 1e-290
"""Below it a step is no longer a double: the loss is so near underflow that its slope says nothing."""

ROUNDING = 1e-15
"""Relative slack of the decrease condition: below it, differences of the loss are rounding."""


def solve_projected(
    problem: Problem, tolerance: float, start: Candidate | None = None, iterations: int = MAX_ITERATIONS, *, once: bool = False
) -> Candidate:
    """Minimise a smooth loss over {Y : ‖Y‖_* ≤ τ}, or with the penalty λ‖Y‖_*, among block-symmetric matrices, to a relative gap.

    Nesterov's method with backtracking, a step that may grow, and a restart whenever the momentum points uphill. The projection and
    the shrinkage lower all singular values by a common amount, counting those inside a group K_g − 1 times, so a step costs one SVD of
    a G×G block whatever K is, or a fraction of it where the rank is low and the large directions are followed from step to step. With
    no two counts equal, G = K and this is the method on full logits. A bias is drawn to zero by its penalty in the same step. The gap
    is that of the dual point which every step leaves behind (see `solvers._certificate`).

    Args:
        problem: cross-entropy or squared error, any counts.
        tolerance: relative gap at which to stop (in doubles; the caller certifies).
        start: where to begin; the balanced optimum (zero where the norm is penalised) when not given. A neighbour's solution
            warm-starts a path.
        iterations: how many proximal steps at most.
        once: stop at the tolerance also with few groups, which are otherwise taken further.

    Returns:
        Y and the bias, with the tangent that proves the gap, or the last one that was looked at when the iterations run out.

    Raises:
        UnusableInput: when the distinct counts are too many for the machine's memory.

    Source: beck2009 (FISTA); odonoghue2015, section 3.2 (gradient restart).

    Example:
        >>> problem = LayerPeeled(counts=[50, 20, 10, 5], feature_energy=2.0)
        >>> round(solve_projected(problem, 1e-9).matrix.nuclear_norm() / problem.radius, 9)
        1.0
    """
    distinct = len(problem.groups)
    require_room(distinct)
    smooth, directions = Smooth(problem), Directions()
    near = start is not None and distinct >= LEVELLED_FROM
    point = _start(problem, smooth, start)
    point = point if near else _proximal(smooth, point, 0.0, directions)
    ahead, momentum, curvature = point, 1.0, smooth.curvature / FIRST_STEP
    negligible = _negligible(smooth, tolerance, point)
    look = 0 if near else iterations
    best, goal, end = Candidate(point.matrix, bias=smooth.bias(point)), tolerance, iterations
    for iteration in range(iterations):
        slope_ahead, following, moved, value, curvature = _step(smooth, ahead, curvature / STEP_GROWTH, directions)
        if iteration % CHECK_EVERY == 0:
            value += smooth.penalty(following)
            tangent, promising = smooth.tangent(following, value, slope_ahead.matrix + moved.matrix.scaled(curvature), goal)
            proven = value <= negligible or (promising and smooth.proves(tangent, following, value, goal))
            seen = Candidate(following.matrix, bias=smooth.bias(following), tangent=tangent)
            best = seen if proven or goal == tolerance else best
            if proven:
                further = max(FURTHER * goal, FURTHEST)
                if once or value <= negligible or goal < tolerance or further >= goal or distinct >= FEW_GROUPS:
                    break
                goal, end = further, max(2 * iteration, LEAST_FURTHER)
            elif promising:  # a direction that was not followed has grown
                directions.forget()
            if iteration >= end or curvature < LEAST_CURVATURE:
                break
        if iteration == look:
            look += 1 + look // 2
            tangent, gap = levelled(smooth, following, goal)
            if gap <= goal:
                return Candidate(following.matrix, bias=smooth.bias(following), tangent=tangent)
        if (ahead - following).dot(following - point) > 0.0:
            momentum = 1.0
        next_momentum = 0.5 * (1.0 + math.sqrt(1.0 + 4.0 * momentum**2))
        ahead = following + (following - point).scaled((momentum - 1.0) / next_momentum)
        point, momentum = following, next_momentum
    return best


def _negligible(smooth: Smooth, tolerance: float, point: Point) -> float:
    """A loss that can be zero inside the ball has no relative gap there: a negligible share of its value at Z = 0 is enough."""
    attains_zero = smooth.loss.attains_zero and isinstance(smooth.problem, LayerPeeled)
    return tolerance * smooth(point.scaled(0.0))[0] if attains_zero else 0.0


def _step(smooth: Smooth, ahead: Point, curvature: float, directions: Directions) -> tuple[Point, Point, Point, float, float]:
    """The slope ahead, the proximal step from there, how far it went, its loss, and the curvature that allowed it."""
    value_ahead, slope = smooth(ahead)
    while True:
        following = _proximal(smooth, ahead - slope.scaled(1 / curvature), 1 / curvature, directions)
        moved = following - ahead
        value = smooth.value(following)
        if value <= value_ahead + slope.dot(moved) + 0.5 * curvature * moved.dot(moved) + ROUNDING * abs(value_ahead):
            return slope, following, moved, value, curvature
        curvature *= 2.0


def require_room(distinct: int) -> None:
    """Check that an iteration over so many distinct counts fits into memory.

    Raises:
        UnusableInput: otherwise.
    """
    if distinct < ALWAYS_FITS:
        return
    require_memory(
        BYTES_PER_ENTRY * distinct**2, f"route 'factored' for {distinct} distinct counts", "round the counts so that classes share them"
    )


def _proximal(smooth: Smooth, point: Point, step: float, directions: Directions) -> Point:
    """The nearest point of the ball, or the minimiser of step·λ‖Y‖_* + ½‖Y − point‖²; the bias likewise, with its penalty."""
    problem, bias = smooth.problem, point.bias / (1.0 + step * smooth.damping)
    if isinstance(problem, LayerPeeled):
        return Point(point.matrix.projected(problem.radius, directions), bias)
    return Point(point.matrix.shrunk(step * problem.penalty, directions), bias)


def _start(problem: Problem, smooth: Smooth, start: Candidate | None) -> Point:
    nowhere = np.zeros(len(problem.groups))
    if start is not None:
        free = start.bias is None or problem.bias_penalty is None
        matrix = problem.centred(start.matrix) if problem.adjusted else start.matrix
        return Point(matrix, nowhere if free else smooth.roots * start.bias / smooth.unit)
    balanced = _balanced(problem) if isinstance(problem, LayerPeeled) else GroupMatrix(problem.sizes, nowhere, np.diag(nowhere))
    return Point(balanced, nowhere)


def _balanced(problem: LayerPeeled) -> GroupMatrix:
    """The simplex ETF on the sphere, a (I − 11ᵀ/K) with a = τ/(K − 1); no larger than smoothed labels ask for."""
    spread = problem.radius / (problem.num_classes - 1)
    if problem.label_smoothing > 0.0:
        spread = min(
            spread,
            math.log1p(problem.num_classes * (1 - problem.label_smoothing) / problem.label_smoothing) / float(problem.logit_scale.max()),
        )
    direction = np.sqrt(np.asarray(problem.sizes, dtype=float) / problem.num_classes)
    start = GroupMatrix(
        problem.sizes, np.full(len(problem.sizes), spread), spread * (np.eye(len(problem.sizes)) - np.outer(direction, direction))
    )
    return problem.centred(start) if problem.adjusted else start
