"""Geometry of the exact optimum, enclosed: what a certified distance between logits says about norms, cosines and logits."""

import math
from functools import cached_property

import numpy as np
from jaxtyping import Float

from numerics import Bracket, GroupMatrix, UnusableInput
from solvers._certificate import dual_slope
from solvers._solution import Solution

ROUNDING = 1e-12
"""Relative allowance for the floating-point SVDs and sums of this module: a thousand times their backward error."""


class Enclosures:
    """Brackets that contain the geometry of *the* optimum, from any certified cross-entropy solution near it.

    With ‖Z − Z*‖_F ≤ d from the certificate, Weyl and Araki–Yamagami give ‖(ZᵀZ)^{1/2} − (Z*ᵀZ*)^{1/2}‖_F ≤ √2 d, and an entry that
    stands m times in a difference of invariant matrices is off by at most that over √m. Indices are groups.

    Args:
        solution: a cross-entropy solution.

    Source: araki1981 for the perturbation of the modulus.

    Example:
        >>> from solvers import LayerPeeled, solve
        >>> optimum = Enclosures(solve(LayerPeeled(counts=[5, 5, 5], feature_energy=2.0)))
        >>> optimum.classifier_cosine(0, 0).contains(-0.5), optimum.feature_norm(0).contains(2.0**0.5)
        (True, True)
    """

    def __init__(self, solution: Solution) -> None:
        if solution.problem.loss != "cross-entropy":
            raise UnusableInput(
                f"the loss {solution.problem.loss!r} has no strong convexity bound, so its optimum is not enclosed; use cross-entropy."
            )
        self.solution = solution

    @cached_property
    def _logit_radius(self) -> float:
        """d, with the allowance for rounding."""
        return self.solution.distance_bound + ROUNDING * self.solution.problem.radius

    @cached_property
    def _balance(self) -> float:
        """√(E_H/E_W): HHᵀ is this times (ZZᵀ)^{1/2}, WWᵀ is (ZᵀZ)^{1/2} over it."""
        return math.sqrt(self.solution.problem.feature_energy / self.solution.problem.weight_energy)

    @cached_property
    def _polar(self) -> tuple[GroupMatrix, GroupMatrix]:
        return self.solution.matrix.polar_grams()

    def rank(self) -> Bracket:
        """The rank of the optimal logits.

        At least: the singular values of Z above d. At most: by complementarity Z* lives where its gradient G* has singular value
        ‖G*‖, and ‖G − G*‖ ≤ (max c/2) d since the Hessian of the log-sum-exp is at most ½; so the singular values of G within twice
        that of ‖G‖.
        """
        values, copies = self.solution.matrix.singular_values()
        slopes, slack = self._slopes
        return Bracket(float(copies[values > self._logit_radius].sum()), float(copies[slopes >= slopes.max() - slack].sum()), rigorous=True)

    @cached_property
    def _slopes(self) -> tuple[Float[np.ndarray, " n"], float]:
        """Singular values of the gradient, and how far below the largest one may be and still carry the optimum."""
        problem = self.solution.problem
        slopes, _ = dual_slope(problem, self.solution.matrix).singular_values()
        return slopes, float(problem.weights.max()) * self._logit_radius + ROUNDING * float(slopes.max())

    @property
    def between_vanishes(self) -> bool:
        """Whether the block between groups is certainly zero: all its gradient's singular values are certainly below the largest."""
        slopes, slack = self._slopes
        outer = slopes[-len(self.solution.matrix.sizes) :]
        return bool(outer.max() < slopes.max() - slack)

    def inner_value(self, g: int) -> Bracket:
        """The singular value inside a group of two or more classes: the margin between two of its classes."""
        self._require_pair(g, g)
        radius = self._logit_radius / math.sqrt(self.solution.matrix.sizes[g] - 1)
        return _around(float(self.solution.matrix.inner[g]), radius, floor=0.0)

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
        own = _around(self.solution.matrix.diagonal(g), self._logit_radius / root)
        norms = [_around(gram.diagonal(g), math.sqrt(2) * self._logit_radius / root, floor=0.0) for gram in self._polar]
        return _cosine(own, *norms)

    def classifier_norm(self, g: int) -> Bracket:
        """‖w_k‖ of the classes of a group."""
        return _root(self._diagonal(self._polar[1], g), 1 / self._balance)

    def feature_norm(self, g: int) -> Bracket:
        """‖h_k‖ of the class means of a group."""
        return _root(self._diagonal(self._polar[0], g), self._balance)

    def classifier_distance(self, g: int) -> Bracket:
        """‖w_k − w_l‖ between two classes of one group: √(2 · inner value) over (E_H/E_W)^{1/4}."""
        return _root(self.inner_value(g), 2 / self._balance)

    def _require_pair(self, g: int, h: int) -> None:
        if g == h and self.solution.matrix.sizes[g] == 1:
            raise UnusableInput(f"group {g} has 1 class: there is no second class to compare it with; use two different groups.")

    def _diagonal(self, gram: GroupMatrix, g: int) -> Bracket:
        return _around(gram.diagonal(g), math.sqrt(2) * self._logit_radius / math.sqrt(gram.sizes[g]), floor=0.0)

    def _entries(self, gram: GroupMatrix, g: int, h: int) -> tuple[Bracket, Bracket, Bracket]:
        """Inner product and the two squared norms."""
        self._require_pair(g, h)
        copies = gram.sizes[g] * (gram.sizes[g] - 1) if g == h else 2 * gram.sizes[g] * gram.sizes[h]
        product = _around(gram.entry(g, h), math.sqrt(2) * self._logit_radius / math.sqrt(copies))
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
