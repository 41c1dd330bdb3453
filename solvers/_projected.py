"""Accelerated proximal gradient over block-symmetric matrices: a projection onto the nuclear-norm ball, or a shrinkage."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from numerics import GroupMatrix, require_memory
from solvers._losses import LOSSES
from solvers._problem import LayerPeeled, Problem

MAX_ITERATIONS = 50_000
"""Typical problems need 25 to 100; only energies so large that the loss is nearly zero need thousands."""

CHECK_EVERY = 3
"""Iterations between two evaluations of the gap, each of which costs about as much as one more gradient."""

FIRST_STEP = 10.0
"""The first step over the one that is always short enough: along the way the curvature is a tenth of its bound or less."""

STEP_GROWTH = 1.2
"""The step is lengthened by this much before every backtracking, so it can follow the falling curvature."""

BYTES_PER_ENTRY = 1000.0
"""Peak memory over G², measured at G = 1000 (1.05 GB): a dozen arrays of doubles, and the certificate's balls."""

ROUNDING = 1e-15
"""Relative slack of the decrease condition: below it, differences of the loss are rounding."""


class Candidate(NamedTuple):
    """What a route hands to the certificate: Y, the hinge's multipliers, the bias of each group's classes, where a minorant touches."""

    matrix: GroupMatrix
    shares: GroupMatrix | None = None
    bias: Float[np.ndarray, " G"] | None = None
    tangent: GroupMatrix | None = None


@dataclass(frozen=True, eq=False)
class _Point:
    """Y and the bias, in coordinates where steps in both are of the same order: entry h of `bias` is b_h √K_h over a common unit."""

    matrix: GroupMatrix
    bias: Float[np.ndarray, " G"]

    def __add__(self, other: "_Point") -> "_Point":
        return _Point(self.matrix + other.matrix, self.bias + other.bias)

    def __sub__(self, other: "_Point") -> "_Point":
        return _Point(self.matrix - other.matrix, self.bias - other.bias)

    def scaled(self, factor: float) -> "_Point":
        return _Point(self.matrix.scaled(factor), factor * self.bias)

    def dot(self, other: "_Point") -> float:
        return self.matrix.dot(other.matrix) + float(self.bias @ other.bias)


class _Smooth:
    """The smooth part f(diag(1/d) Y + 1bᵀ) + (λ_b/2)‖b‖², its gradient, and the gap that a step leaves."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.loss, self.weights = problem, LOSSES[problem.loss], problem.weights
        self.roots = np.sqrt(np.asarray(problem.sizes, dtype=float))
        self.rows = None if problem.norm_weights == "class" else 1.0 / problem.scales
        squares = self.weights * (1.0 if self.rows is None else self.rows**2)
        # The loss bends at most like c_k/d_k² along row k of Y, and like Σ c_k = 1 along the bias: its unit evens that out.
        self.curvature = float(squares.max())
        self.unit = 0.0 if problem.bias_penalty is None else math.sqrt(self.curvature / (1.0 + problem.bias_penalty))

    def bias(self, point: _Point) -> Float[np.ndarray, " G"] | None:
        """b of one class of each group."""
        return None if self.problem.bias_penalty is None else self.unit * point.bias / self.roots

    def __call__(self, point: _Point) -> tuple[float, _Point]:
        """Value and gradient."""
        value, slope = self.loss.grouped(self.problem.logits(point.matrix, self.bias(point)), self.weights)
        matrix = slope if self.rows is None else slope.weighted(self.rows)
        if self.problem.bias_penalty is None:
            return value, _Point(matrix, point.bias)
        pull = self.problem.bias_penalty * self.unit * point.bias
        value += 0.5 * float(pull @ pull) / self.problem.bias_penalty
        return value, _Point(matrix, self.unit * (self.roots @ slope.outer + pull))

    def value(self, point: _Point) -> float:
        """The value alone."""
        losses = self.loss.by_group(self.problem.logits(point.matrix, self.bias(point)))
        pull = 0.0 if self.problem.bias_penalty is None else 0.5 * self.problem.bias_penalty * self.unit**2 * float(point.bias @ point.bias)
        return float((self.roots**2 * self.weights) @ losses) + pull

    def tangent(self, point: _Point, value: float, dual: GroupMatrix, tolerance: float) -> GroupMatrix | None:
        """Logits where the loss has the slope D that a step ended with, if its minorant there leaves a gap within the tolerance.

        The step makes τ‖D‖_op, or λ‖Y‖_*, equal to −⟨D, Y⟩. Where D is no slope of the loss, the nearest one stands in for it, and its
        norm is known only from its singular values, which are looked at last.
        """
        problem = self.problem
        size = -dual.dot(point.matrix)
        touching = self.loss.touching(dual if self.rows is None else dual.weighted(1.0 / self.rows), self.weights)
        loss, slope = self.loss.grouped(touching, self.weights)
        constant, drift = loss - slope.dot(touching), 0.0
        if problem.bias_penalty is not None:
            columns = self.roots @ slope.outer
            drift = 0.5 * float(columns @ columns) / problem.bias_penalty
        if isinstance(problem, LayerPeeled):
            objective, gap, limit = value, value - constant + size + drift, problem.radius
        else:
            objective, gap, limit = value + size, value + size - constant + drift, 1.0 / problem.penalty
        if gap > tolerance * objective:
            return None
        norm = (slope if self.rows is None else slope.weighted(self.rows)).spectral_norm()
        if isinstance(problem, LayerPeeled):
            gap += limit * norm - size
        else:
            multiple = min(1.0, 1.0 / (limit * norm)) if norm > 0.0 else 1.0
            gap += (1.0 - multiple) * constant - (1.0 - multiple**2) * drift
        return touching if gap <= tolerance * objective else None


def solve_projected(problem: Problem, tolerance: float, start: Candidate | None = None) -> Candidate:
    """Minimise a smooth loss over {Y : ‖Y‖_* ≤ τ}, or with the penalty λ‖Y‖_*, among block-symmetric matrices, to a relative gap.

    Nesterov's method with backtracking, a step that may grow, and a restart whenever the momentum points uphill. The projection and
    the shrinkage lower all singular values by a common amount, counting those inside a group K_g − 1 times, so a step costs one SVD of
    a G×G block whatever K is. With no two counts equal, G = K and this is the method on full logits. A bias takes plain gradient steps.

    Args:
        problem: cross-entropy or squared error, any counts.
        tolerance: relative gap at which to stop (in doubles; the caller certifies).
        start: where to begin; the balanced optimum (zero where the norm is penalised) when not given. A neighbour's solution
            warm-starts a path.

    Raises:
        UnusableInput: when the distinct counts are too many for the machine's memory.

    Source: beck2009 (FISTA); odonoghue2015, section 3.2 (gradient restart).

    Example:
        >>> problem = LayerPeeled(counts=[50, 20, 10, 5], feature_energy=2.0)
        >>> round(solve_projected(problem, 1e-9).matrix.nuclear_norm() / problem.radius, 9)
        1.0
    """
    distinct = len(problem.groups)
    require_memory(
        BYTES_PER_ENTRY * distinct**2, f"route 'factored' for {distinct} distinct counts", "round the counts so that classes share them"
    )
    smooth = _Smooth(problem)
    point, tangent = _proximal(problem, _start(problem, smooth, start), 0.0), None
    ahead, momentum, curvature = point, 1.0, smooth.curvature / FIRST_STEP
    # A loss that can be zero inside the ball has no relative gap there: a negligible share of its value at Z = 0 is enough.
    attains_zero = smooth.loss.attains_zero and isinstance(problem, LayerPeeled)
    negligible = tolerance * smooth(point.scaled(0.0))[0] if attains_zero else 0.0
    for iteration in range(MAX_ITERATIONS):
        value_ahead, slope_ahead = smooth(ahead)
        curvature /= STEP_GROWTH
        while True:
            following = _proximal(problem, ahead - slope_ahead.scaled(1 / curvature), 1 / curvature)
            moved = following - ahead
            value = smooth.value(following)
            if value <= value_ahead + slope_ahead.dot(moved) + 0.5 * curvature * moved.dot(moved) + ROUNDING * abs(value_ahead):
                break
            curvature *= 2.0
        if iteration % CHECK_EVERY == 0:
            tangent = smooth.tangent(following, value, slope_ahead.matrix + moved.matrix.scaled(curvature), tolerance)
            if tangent is not None or value <= negligible:
                point = following
                break
        if (ahead - following).dot(following - point) > 0.0:
            momentum = 1.0
        next_momentum = 0.5 * (1.0 + math.sqrt(1.0 + 4.0 * momentum**2))
        ahead = following + (following - point).scaled((momentum - 1.0) / next_momentum)
        point, momentum = following, next_momentum
    return Candidate(point.matrix, bias=smooth.bias(point), tangent=tangent)


def _proximal(problem: Problem, point: _Point, step: float) -> _Point:
    """The nearest point of the ball, or the minimiser of step·λ‖Y‖_* + ½‖Y − point‖²; the bias is left alone."""
    if isinstance(problem, LayerPeeled):
        return _Point(point.matrix.projected(problem.radius), point.bias)
    return _Point(point.matrix.shrunk(step * problem.penalty), point.bias)


def _start(problem: Problem, smooth: _Smooth, start: Candidate | None) -> _Point:
    nowhere = np.zeros(len(problem.groups))
    if start is not None:
        free = start.bias is None or problem.bias_penalty is None
        return _Point(start.matrix, nowhere if free else smooth.roots * start.bias / smooth.unit)
    balanced = _balanced(problem) if isinstance(problem, LayerPeeled) else GroupMatrix(problem.sizes, nowhere, np.diag(nowhere))
    return _Point(balanced, nowhere)


def _balanced(problem: LayerPeeled) -> GroupMatrix:
    """The simplex ETF on the sphere, a (I − 11ᵀ/K) with a = τ/(K − 1)."""
    spread = problem.radius / (problem.num_classes - 1)
    direction = np.sqrt(np.asarray(problem.sizes, dtype=float) / problem.num_classes)
    return GroupMatrix(
        problem.sizes, np.full(len(problem.sizes), spread), spread * (np.eye(len(problem.sizes)) - np.outer(direction, direction))
    )
