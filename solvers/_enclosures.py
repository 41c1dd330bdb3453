"""Geometry of the exact optimum, enclosed: what a certified distance between logits says about norms, cosines and logits."""

import math
from functools import cached_property

import numpy as np
from jaxtyping import Float

from numerics import Bracket, GroupMatrix, UnusableInput, require_instance
from solvers._certificate import dual_slope
from solvers._distance import STEEPNESS
from solvers._problem import UnconstrainedFeatures
from solvers._solution import Solution

ROUNDING = 1e-12
"""Relative allowance for the floating-point SVDs and sums of this module: a thousand times their backward error."""


class Enclosures:
    """Brackets that contain the geometry of *the* optimum, from any certified solution near it.

    With ‖Y − Y*‖_F ≤ d from the certificate, Weyl and Araki–Yamagami give ‖(YᵀY)^{1/2} − (Y*ᵀY*)^{1/2}‖_F ≤ √2 d, and an entry that
    stands m times in a difference of invariant matrices is off by at most that over √m. Indices are groups.

    Args:
        solution: a solution with cross-entropy or squared error.

    Source: araki1981 for the perturbation of the modulus.

    Example:
        >>> from solvers import LayerPeeled, solve
        >>> optimum = Enclosures(solve(LayerPeeled(counts=[5, 5, 5], feature_energy=2.0)))
        >>> optimum.classifier_cosine(0, 0).contains(-0.5), optimum.feature_norm(0).contains(2.0**0.5)
        (True, True)
    """

    def __init__(self, solution: Solution) -> None:
        require_instance(solution, Solution, "the solution", made="with solve(problem)")
        if solution.problem.loss not in STEEPNESS:
            raise UnusableInput(
                f"the loss {solution.problem.loss!r} has no strong convexity bound, so its optimum is not enclosed; use cross-entropy or "
                "the squared error."
            )
        self.solution = solution

    @cached_property
    def _logit_radius(self) -> float:
        """How far the logits can be from the optimal ones, with the allowance for rounding."""
        return self.solution.distance_bound + ROUNDING * self.solution.group_logits.nuclear_norm()

    @cached_property
    def _radius(self) -> float:
        """d, how far Y can be from Y* = diag(d)(logits* − 1b*ᵀ).

        The gap is at least (λ_b/2)‖b + s g/λ_b‖² at the candidate's bias and at the optimal one: they are within 2√(2 gap/λ_b).
        """
        problem = self.solution.problem
        radius = float(problem.scales.max()) * self._logit_radius
        if problem.bias_penalty is not None:
            mass = math.sqrt(float(problem.scales**2 @ np.asarray(problem.sizes)))
            radius += mass * 2 * math.sqrt(2 * self.solution.certificate.gap / problem.bias_penalty)
        return radius * (1 + ROUNDING)

    @cached_property
    def _balance(self) -> float:
        """diag(d) HHᵀ diag(d) is this times (YYᵀ)^{1/2}, WWᵀ is (YᵀY)^{1/2} over it."""
        return self.solution.problem.balance

    @cached_property
    def _polar(self) -> tuple[GroupMatrix, GroupMatrix]:
        return self.solution.matrix.polar_grams()

    def rank(self) -> Bracket:
        """The rank of the optimal logits without bias.

        At least: the singular values of Y above d. At most: by complementarity Y* lives where its gradient G* = diag(1/d)∇f has the
        singular value ‖G*‖, or λ where the norm is penalised.
        """
        values, copies = self.solution.matrix.singular_values()
        slopes, level = self._slopes
        return Bracket(float(copies[values > self._radius].sum()), float(copies[slopes >= level].sum()), rigorous=True)

    @cached_property
    def _slopes(self) -> tuple[Float[np.ndarray, " n"], float]:
        """Singular values of the gradient, and the level that they must reach to carry the optimum.

        ‖G − G*‖ ≤ ℓ max(c_k/d_k) times the distance of the logits, ℓ the steepness of the loss's slope. Where the norm is bounded, the
        level is itself off by as much.
        """
        problem = self.solution.problem
        slopes, _ = dual_slope(problem, self.solution.matrix, self.solution.group_bias).singular_values()
        slack = STEEPNESS[problem.loss] * float((problem.weights / problem.scales).max()) * self._logit_radius
        if isinstance(problem, UnconstrainedFeatures):
            return slopes, problem.penalty - slack - ROUNDING * max(float(slopes.max()), problem.penalty)
        return slopes, float(slopes.max()) * (1 - ROUNDING) - 2 * slack

    @property
    def between_vanishes(self) -> bool:
        """Whether the block between groups is certainly zero: all its gradient's singular values are certainly too small."""
        slopes, level = self._slopes
        return bool(slopes[-len(self.solution.matrix.sizes) :].max() < level)

    def inner_vanishes(self, g: int) -> bool:
        """Whether the classifiers of a group of two or more certainly coincide: its inner gradient is certainly too small."""
        self._require_pair(g, g)
        slopes, level = self._slopes
        place = sum(size > 1 for size in self.solution.matrix.sizes[:g])
        return bool(slopes[place] < level)

    def singular_values(self) -> tuple[Bracket, ...]:
        """Singular values of Y = diag(d) Z: one for each group of two or more (it stands K_g − 1 times), then those of the block between.

        By Weyl none moves farther than Y.
        """
        return tuple(_around(value, self._radius, floor=0.0) for value in self.solution.matrix.singular_values()[0].tolist())

    def inner_value(self, g: int) -> Bracket:
        """The singular value of the logits inside a group of two or more classes: the margin between two of its classes."""
        self._require_pair(g, g)
        radius = self._logit_radius / math.sqrt(self.solution.matrix.sizes[g] - 1)
        return _around(float(self.solution.matrix.inner[g] / self.solution.problem.scales[g]), radius, floor=0.0)

    def share_of_own(self, g: int) -> Bracket:
        """Probability of the own class among the classes of its group: 1/(1 + (K_g − 1) e^{−margin})."""
        margin, others = self.inner_value(g), self.solution.matrix.sizes[g] - 1
        return _widened(1 / (1 + others * math.exp(-margin.lower)), 1 / (1 + others * math.exp(-margin.upper)))

    def classifier_cosine(self, g: int, h: int) -> Bracket:
        """Cosine between w_k and w_l of two different classes of groups g and h."""
        return _cosine(*self._entries(self._polar[1], g, h))

    def feature_cosine(self, g: int, h: int) -> Bracket:
        """Cosine between the means h_k and h_l of two different classes of groups g and h."""
        return _cosine(*self._entries(self._polar[0], g, h))

    def alignment(self, g: int) -> Bracket:
        """Cosine between h_k and w_k of one class: 1 for self-duality."""
        root = math.sqrt(self.solution.matrix.sizes[g])
        own = _around(self.solution.matrix.diagonal(g), self._radius / root)
        norms = [_around(gram.diagonal(g), math.sqrt(2) * self._radius / root, floor=0.0) for gram in self._polar]
        return _cosine(own, *norms)

    def classifier_norm(self, g: int) -> Bracket:
        """‖w_k‖ of the classes of a group."""
        return _root(self._diagonal(self._polar[1], g), 1 / self._balance)

    def feature_norm(self, g: int) -> Bracket:
        """‖h_k‖ of the class means of a group."""
        return _root(self._diagonal(self._polar[0], g), self._balance / float(self.solution.problem.scales[g]) ** 2)

    def classifier_distance(self, g: int) -> Bracket:
        """‖w_k − w_l‖ between two classes of one group: √(2 d_g · inner value) over √ϱ, ϱ the balance."""
        return _root(self.inner_value(g), 2 * float(self.solution.problem.scales[g]) / self._balance)

    def _require_pair(self, g: int, h: int) -> None:
        if g == h and self.solution.matrix.sizes[g] == 1:
            raise UnusableInput(f"group {g} has 1 class: there is no second class to compare it with; use two different groups.")

    def _diagonal(self, gram: GroupMatrix, g: int) -> Bracket:
        return _around(gram.diagonal(g), math.sqrt(2) * self._radius / math.sqrt(gram.sizes[g]), floor=0.0)

    def _entries(self, gram: GroupMatrix, g: int, h: int) -> tuple[Bracket, Bracket, Bracket]:
        """Inner product and the two squared norms."""
        self._require_pair(g, h)
        copies = gram.sizes[g] * (gram.sizes[g] - 1) if g == h else 2 * gram.sizes[g] * gram.sizes[h]
        product = _around(gram.entry(g, h), math.sqrt(2) * self._radius / math.sqrt(copies))
        return product, self._diagonal(gram, g), self._diagonal(gram, h)


def _around(value: float, radius: float, floor: float = -math.inf) -> Bracket:
    return Bracket(max(value - radius, floor), max(value + radius, floor), rigorous=True)


def _widened(lower: float, upper: float) -> Bracket:
    return Bracket(lower - ROUNDING * abs(lower), upper + ROUNDING * abs(upper), rigorous=True)


def _root(square: Bracket, scale: float) -> Bracket:
    return _widened(math.sqrt(scale * square.lower), math.sqrt(scale * square.upper))


def _cosine(product: Bracket, first: Bracket, second: Bracket) -> Bracket:
    """product/√(first · second) inside [−1, 1]; the whole of it when a norm may vanish."""
    if first.lower <= 0.0 or second.lower <= 0.0:
        return Bracket(-1.0, 1.0, rigorous=True)
    small, large = math.sqrt(first.lower * second.lower), math.sqrt(first.upper * second.upper)
    lower = product.lower / (small if product.lower < 0 else large)
    upper = product.upper / (large if product.upper < 0 else small)
    bounds = _widened(lower, upper)
    return Bracket(min(max(bounds.lower, -1.0), 1.0), max(min(bounds.upper, 1.0), -1.0), rigorous=True)
