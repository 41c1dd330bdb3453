"""The loss of the program, for methods that follow its gradient and treat the nuclear norm and the bias penalty by themselves."""

import math
from dataclasses import dataclass

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics import GroupMatrix
from layerpeel.solvers.program._problem import LayerPeeled, Problem


@dataclass(frozen=True, eq=False)
class Point:
    """Y and the bias, in coordinates where steps in both are of the same order: entry h of `bias` is b_h √K_h over a common unit."""

    matrix: GroupMatrix
    bias: Float[np.ndarray, " G"]

    def __add__(self, other: "Point") -> "Point":
        return Point(self.matrix + other.matrix, self.bias + other.bias)

    def __sub__(self, other: "Point") -> "Point":
        return Point(self.matrix - other.matrix, self.bias - other.bias)

    def scaled(self, factor: float) -> "Point":
        return Point(self.matrix.scaled(factor), factor * self.bias)

    def dot(self, other: "Point") -> float:
        return self.matrix.dot(other.matrix) + float(self.bias @ other.bias)


class Smooth:
    """The loss f(diag(1/d) Y + 1bᵀ) with its gradient, the bias penalty, and the gap that a step leaves."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.loss, self.weights = problem, problem.loss_function, problem.weights
        self.roots = np.sqrt(np.asarray(problem.sizes, dtype=float))
        self.rows = None if problem.norm_weights == "class" else 1.0 / problem.scales
        squares = self.weights * (1.0 if self.rows is None else self.rows**2)
        # The loss bends at most like c_k/d_k² along row k of Y, and like Σ c_k = 1 along the bias: its unit evens that out. Scaled logits
        # bend it by their square more.
        steepest = float(squares.max())
        self.curvature = steepest * float(problem.logit_scale.max()) ** 2
        self.unit = 0.0 if problem.bias_penalty is None else math.sqrt(steepest)
        # The penalty in these coordinates. It never flattens as the loss does, so steps as long as the loss allows must not feel it.
        self.damping = 0.0 if problem.bias_penalty is None else problem.bias_penalty * steepest

    def bias(self, point: Point) -> Float[np.ndarray, " G"] | None:
        """b of one class of each group."""
        return None if self.problem.bias_penalty is None else self.unit * point.bias / self.roots

    def __call__(self, point: Point) -> tuple[float, Point]:
        """Value and gradient."""
        value, slope = self.loss.grouped(self.problem.logits(point.matrix, self.bias(point)), self.weights)
        matrix = slope if self.rows is None else slope.weighted(self.rows)
        return value, Point(matrix, self.unit * (self.roots @ slope.outer))

    def value(self, point: Point) -> float:
        """The value alone."""
        losses = self.loss.by_group(self.problem.logits(point.matrix, self.bias(point)))
        return float((self.roots**2 * self.weights) @ losses)

    def penalty(self, point: Point) -> float:
        """(λ_b/2)‖b‖²."""
        return 0.5 * self.damping * float(point.bias @ point.bias)

    def tangent(self, point: Point, value: float, dual: GroupMatrix, tolerance: float) -> tuple[GroupMatrix, bool]:
        """Logits where the loss has the slope D that a step ended with, and whether its minorant there promises the tolerance.

        The step makes τ‖D‖_op, or λ‖Y‖_*, equal to −⟨D, Y⟩ up to what its singular values were off. Where D is no slope of the loss, the
        nearest one stands in for it. Both are left to `proves`, which looks at all singular values.
        """
        size = -dual.dot(point.matrix)
        touching = self.loss.touching(dual if self.rows is None else dual.weighted(1.0 / self.rows), self.weights)
        constant, drift, _ = self._minorant(touching)
        objective = value if isinstance(self.problem, LayerPeeled) else value + size
        return touching, value - constant + size + drift <= tolerance * objective

    def proves(self, tangent: GroupMatrix, point: Point, value: float, tolerance: float) -> bool:
        """Whether the minorant that touches at these logits leaves a gap within the tolerance."""
        return self.gap(tangent, point, value) <= tolerance

    def gap(self, tangent: GroupMatrix, point: Point, value: float) -> float:
        """The gap that this minorant leaves, over the objective."""
        constant, drift, slope = self._minorant(tangent)
        norm = slope.spectral_norm()
        if isinstance(self.problem, LayerPeeled):
            return _share(value - constant + self.problem.radius * norm + drift, value)
        objective = value + self.problem.penalty * point.matrix.nuclear_norm()
        multiple = min(1.0, self.problem.penalty / norm) if norm > 0.0 else 1.0
        return _share(objective - multiple * constant + multiple**2 * drift, objective)

    def _minorant(self, touching: GroupMatrix) -> tuple[float, float, GroupMatrix]:
        """Its constant, ‖g‖²/(2λ_b), and its slope in Y."""
        constant, slope = self.loss.affine(touching, self.weights)
        drift = 0.0
        if self.problem.bias_penalty is not None:
            columns = self.roots @ slope.outer
            drift = 0.5 * float(columns @ columns) / self.problem.bias_penalty
        return constant, drift, slope if self.rows is None else slope.weighted(self.rows)


def _share(gap: float, value: float) -> float:
    """The gap over a value that may be zero."""
    if value > 0.0:
        return gap / value
    return math.inf if gap > 0.0 else 0.0
