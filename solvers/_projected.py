"""Accelerated projected gradient on the nuclear-norm ball, over block-symmetric logits."""

import math

import numpy as np

from numerics import GroupMatrix, require_memory
from solvers._losses import LOSSES
from solvers._problem import LayerPeeled

MAX_ITERATIONS = 50_000
"""Typical problems need 50 to 200; only energies so large that the loss is nearly zero need thousands."""

CHECK_EVERY = 10
"""Iterations between two evaluations of the gap, which costs another SVD."""

STEP_GROWTH = 1.1
"""The step is lengthened by this much before every backtracking, so it can follow the falling curvature."""

BYTES_PER_ENTRY = 1000.0
"""Peak memory over G², measured at G = 1000 (1.05 GB): a dozen arrays of doubles, and the certificate's balls."""

ROUNDING = 1e-15
"""Relative slack of the decrease condition: below it, differences of the loss are rounding."""


def solve_projected(problem: LayerPeeled, tolerance: float, start: GroupMatrix | None = None) -> GroupMatrix:
    """Minimise a smooth loss over {Z : ‖Z‖_* ≤ τ} among block-symmetric matrices, to a relative gap.

    Nesterov's method with backtracking, a step that may grow, and a restart whenever the momentum points uphill. The projection
    shrinks all singular values by a common amount, counting those inside a group K_g − 1 times, so a step costs one SVD of a G×G
    block whatever K is. With no two counts equal, G = K and this is the method on full logits.

    Args:
        problem: cross-entropy or squared error, any counts.
        tolerance: relative gap ⟨G, Z⟩ + τ‖G‖ over f at which to stop (in doubles; the caller certifies).
        start: where to begin; the balanced optimum when not given. A neighbour's solution warm-starts a path.

    Raises:
        UnusableInput: when the distinct counts are too many for the machine's memory.

    Source: beck2009 (FISTA); odonoghue2015, section 3.2 (gradient restart).

    Example:
        >>> problem = LayerPeeled(counts=[50, 20, 10, 5], feature_energy=2.0)
        >>> round(solve_projected(problem, 1e-9).nuclear_norm() / problem.radius, 9)
        1.0
    """
    distinct = len(problem.groups)
    require_memory(
        BYTES_PER_ENTRY * distinct**2, f"route 'factored' for {distinct} distinct counts", "round the counts so that classes share them"
    )
    loss, weights, radius = LOSSES[problem.loss], problem.weights, problem.radius
    point = (_balanced(problem) if start is None else start).projected(radius)
    ahead, momentum, curvature = point, 1.0, float(weights.max())
    # A loss that can be zero inside the ball has no relative gap there: a negligible share of its value at Z = 0 is enough.
    negligible = tolerance * loss.grouped(point.scaled(0.0), weights)[0] if loss.attains_zero else 0.0
    for iteration in range(MAX_ITERATIONS):
        value_ahead, slope_ahead = loss.grouped(ahead, weights)
        curvature /= STEP_GROWTH
        while True:
            following = (ahead - slope_ahead.scaled(1 / curvature)).projected(radius)
            moved = following - ahead
            value, slope = loss.grouped(following, weights)
            if value <= value_ahead + slope_ahead.dot(moved) + 0.5 * curvature * moved.dot(moved) + ROUNDING * abs(value_ahead):
                break
            curvature *= 2.0
        if iteration % CHECK_EVERY == 0 and (
            slope.dot(following) + radius * slope.spectral_norm() <= tolerance * value or value <= negligible
        ):
            return following
        if (ahead - following).dot(following - point) > 0.0:
            momentum = 1.0
        next_momentum = 0.5 * (1.0 + math.sqrt(1.0 + 4.0 * momentum**2))
        ahead = following + (following - point).scaled((momentum - 1.0) / next_momentum)
        point, momentum = following, next_momentum
    return point


def _balanced(problem: LayerPeeled) -> GroupMatrix:
    """The simplex ETF on the sphere, a (I − 11ᵀ/K) with a = τ/(K − 1)."""
    spread = problem.radius / (problem.num_classes - 1)
    direction = np.sqrt(np.asarray(problem.sizes, dtype=float) / problem.num_classes)
    return GroupMatrix(
        problem.sizes, np.full(len(problem.sizes), spread), spread * (np.eye(len(problem.sizes)) - np.outer(direction, direction))
    )
