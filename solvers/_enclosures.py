"""Geometry of the exact optimum, enclosed: what a certified distance between logits says about norms, cosines and logits."""

import math
from functools import cached_property

import numpy as np

from layerpeel.array_words import Float, Int
from layerpeel.numerics import Bracket, GroupMatrix, UnusableInput, require_instance
from layerpeel.solvers._solution import Solution
from layerpeel.solvers.program._problem import UnconstrainedFeatures
from layerpeel.solvers.proof._certificate import dual_slope
from layerpeel.solvers.proof._distance import STEEPNESS, slopes_within, steepness

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
        >>> from layerpeel.solvers import LayerPeeled, solve
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
    def logit_radius(self) -> float:
        """How far the logits can be from the optimal ones, with the allowance for rounding."""
        return self.solution.distance_bound + ROUNDING * self.solution.group_logits.nuclear_norm()

    @cached_property
    def _radius(self) -> float:
        """d, how far Y can be from Y* = diag(d)(logits* − 1b*ᵀ).

        The gap is at least (λ_b/2)‖b + s g/λ_b‖² at the candidate's bias and at the optimal one: they are within 2√(2 gap/λ_b).
        """
        problem = self.solution.problem
        radius = float(problem.scales.max()) * self.logit_radius
        if problem.bias_penalty is not None:
            mass = math.sqrt(float(problem.scales**2 @ np.asarray(problem.sizes)))
            radius += mass * 2 * math.sqrt(2 * self.solution.sharpest_gap / problem.bias_penalty)
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
        slopes, level = self._slopes[0] + self._slack, self._level
        return Bracket(float(copies[values > self._radius].sum()), float(copies[slopes >= level].sum()), rigorous=True)

    @cached_property
    def _slopes(self) -> tuple[Float[np.ndarray, " n"], Int[np.ndarray, " n"]]:
        """Singular values of the gradient in Y, with how often each stands."""
        problem = self.solution.problem
        return dual_slope(problem, self.solution.matrix, self.solution.group_bias).singular_values()

    @cached_property
    def _row_slack(self) -> Float[np.ndarray, " G"]:
        """How far the rows of each group, in the gradient in Y, can be from the optimal ones, with the allowance for rounding."""
        problem = self.solution.problem
        rounded = steepness(problem) * problem.weights * ROUNDING * (1 + self.solution.group_logits.nuclear_norm())
        return (slopes_within(self.solution.sharpest_gap, problem) * (1 + ROUNDING) + rounded) / problem.scales

    @cached_property
    def _slack(self) -> float:
        """How far the gradient in Y can be from the optimal one; the gap is shared, so the largest row decides."""
        return float(self._row_slack.max())

    @cached_property
    def _level(self) -> float:
        """The singular value that the gradient at the optimum must have wherever the optimum is not zero: ‖G*‖, or the penalty λ."""
        problem = self.solution.problem
        if isinstance(problem, UnconstrainedFeatures):
            return problem.penalty * (1 - ROUNDING)
        return float(self._slopes[0].max()) * (1 - ROUNDING) - self._slack

    @property
    def between_vanishes(self) -> bool:
        """Whether the block between groups is certainly zero: all its gradient's singular values are certainly too small."""
        if self.solution.matrix.decomposed[1].max() > self._radius:
            return False  # the optimum has a singular value there, and its gradient one that is no smaller
        return bool(self._slopes[0][-len(self.solution.matrix.sizes) :].max() + self._slack < self._level)

    def inner_vanishes(self, g: int) -> bool:
        """Whether the classifiers of a group of two or more certainly coincide: its inner gradient is certainly too small.

        The gradient's inner value stands K_g − 1 times in the rows of the group, so it is off by their slack over √(K_g − 1) at most.
        """
        self._require_pair(g, g)
        sizes = self.solution.matrix.sizes
        slack = float(self._row_slack[g]) / math.sqrt(sizes[g] - 1)
        return bool(self._slopes[0][sum(size > 1 for size in sizes[:g])] + slack < self._level)

    def coincide(self, g: int) -> bool | None:
        """Whether the classifiers of a group of two or more are equal at the optimum; no weight c_g is looked at.

        No, when the margin between two of the classes is certainly positive: geometry alone. Yes, when the inner gradient is certainly
        below ‖∇f‖, what it would have to be beside any margin: an exact zero is certified by the dual, through complementary
        slackness. None, when neither is certain.

        Raises:
            ArithmeticError: when both are: then one of the two bounds is wrong.
        """
        apart, equal = self.inner_value(g).lower > 0.0, self.inner_vanishes(g)
        if apart and equal:
            raise ArithmeticError(f"the margin in group {g} of {self.solution!r} is enclosed away from zero and at zero; report this case.")
        return False if apart else True if equal else None

    def vanish(self, g: int) -> bool | None:
        """Whether the classifiers of a group are zero at the optimum.

        No, when their norm is certainly positive. Yes, when neither the block between the groups nor the one inside this group can carry
        anything. None, when neither is certain.

        Raises:
            ArithmeticError: when both are: then one of the two bounds is wrong.

        Example:
            >>> from layerpeel.solvers import LayerPeeled, solve
            >>> Enclosures(solve(LayerPeeled.from_imbalance(3, 2, 20.0, feature_energy=1.0))).vanish(1)
            True
        """
        alone = self.solution.matrix.sizes[g] == 1
        present, zero = self.classifier_norm(g).lower > 0.0, self.between_vanishes and (alone or self.inner_vanishes(g))
        if present and zero:
            raise ArithmeticError(f"the norm in group {g} of {self.solution!r} is enclosed away from zero and at zero; report this case.")
        return False if present else True if zero else None

    def singular_values(self) -> tuple[Bracket, ...]:
        """Singular values of Y = diag(d) Z: one for each group of two or more (it stands K_g − 1 times), then those of the block between.

        By Weyl none moves farther than Y.
        """
        return tuple(around(value, self._radius, floor=0.0) for value in self.solution.matrix.singular_values()[0].tolist())

    def inner_value(self, g: int) -> Bracket:
        """The singular value of the logits inside a group of two or more classes: the margin between two of its classes."""
        self._require_pair(g, g)
        radius = self.logit_radius / math.sqrt(self.solution.matrix.sizes[g] - 1)
        return around(float(self.solution.matrix.inner[g] / self.solution.problem.scales[g]), radius, floor=0.0)

    def share_of_own(self, g: int) -> Bracket:
        """Probability of the own class among the classes of its group: 1/(1 + (K_g − 1) e^{−margin})."""
        margin, others = self.inner_value(g), self.solution.matrix.sizes[g] - 1
        return widened(1 / (1 + others * math.exp(-margin.lower)), 1 / (1 + others * math.exp(-margin.upper)))

    def classifier_cosine(self, g: int, h: int) -> Bracket:
        """Cosine between w_k and w_l of two different classes of groups g and h."""
        return cosine_of(*self._entries(self._polar[1], g, h))

    def largest_classifier_cosine(self) -> Bracket:
        """The largest cosine between w_k and w_l of any two different classes; up to 1 where a norm may vanish.

        Example:
            >>> from layerpeel.solvers import LayerPeeled, solve
            >>> Enclosures(solve(LayerPeeled(counts=[5, 5, 5], feature_energy=2.0))).largest_classifier_cosine().contains(-0.5)
            True
        """
        gram, sizes = self._polar[1], np.asarray(self.solution.matrix.sizes, dtype=float)
        products = gram.outer / np.sqrt(np.outer(sizes, sizes)) - np.diag(gram.inner / sizes)
        copies = 2.0 * np.outer(sizes, sizes)
        np.fill_diagonal(copies, sizes * (sizes - 1.0))
        pairs = copies > 0.0
        slack = math.sqrt(2) * self._radius / np.sqrt(np.where(pairs, copies, 1.0))
        least, most = self._squared_norms
        small, large = (np.sqrt(np.outer(side, side)) for side in (least, most))
        lower, upper = products - slack, products + slack
        with np.errstate(divide="ignore", invalid="ignore"):
            lower = np.where(small > 0.0, lower / np.where(lower < 0.0, small, large), -1.0)[pairs].max()
            upper = np.where(small > 0.0, upper / np.where(upper < 0.0, large, small), 1.0)[pairs].max()
        bounds = widened(float(lower), float(upper))
        return Bracket(min(max(bounds.lower, -1.0), 1.0), max(min(bounds.upper, 1.0), -1.0), rigorous=True)

    def shortest_classifier(self) -> Bracket:
        """The smallest ‖w_k‖ over the largest; from 0 on where the largest may vanish too."""
        least, most = (np.sqrt(side) for side in self._squared_norms)
        if most.max() == 0.0:
            return Bracket(0.0, 0.0, rigorous=True)
        low, high = float(least.min() / most.max()), float(most.min()) / float(least.max()) if least.max() > 0.0 else 1.0
        return widened(low, min(high, 1.0))

    @cached_property
    def _squared_norms(self) -> tuple[Float[np.ndarray, " G"], Float[np.ndarray, " G"]]:
        """Of (YᵀY)^{1/2}'s diagonal, per group: at least, and at most."""
        gram, sizes = self._polar[1], np.asarray(self.solution.matrix.sizes, dtype=float)
        squares = gram.inner * (1.0 - 1.0 / sizes) + gram.outer.diagonal() / sizes
        slack = math.sqrt(2) * self._radius / np.sqrt(sizes)
        return np.maximum(squares - slack, 0.0), np.maximum(squares + slack, 0.0)

    def feature_cosine(self, g: int, h: int) -> Bracket:
        """Cosine between the means h_k and h_l of two different classes of groups g and h."""
        return cosine_of(*self._entries(self._polar[0], g, h))

    def alignment(self, g: int) -> Bracket:
        """Cosine between h_k and w_k of one class: 1 for self-duality."""
        root = math.sqrt(self.solution.matrix.sizes[g])
        own = around(self.solution.matrix.diagonal(g), self._radius / root)
        norms = [around(gram.diagonal(g), math.sqrt(2) * self._radius / root, floor=0.0) for gram in self._polar]
        return cosine_of(own, *norms)

    def classifier_norm(self, g: int) -> Bracket:
        """‖w_k‖ of the classes of a group."""
        return root_of(self._diagonal(self._polar[1], g), 1 / self._balance)

    def feature_norm(self, g: int) -> Bracket:
        """‖h_k‖ of the class means of a group."""
        return root_of(self._diagonal(self._polar[0], g), self._balance / float(self.solution.problem.scales[g]) ** 2)

    def classifier_distance(self, g: int) -> Bracket:
        """‖w_k − w_l‖ between two classes of one group: √(2 d_g · inner value) over √ϱ, ϱ the balance."""
        return root_of(self.inner_value(g), 2 * float(self.solution.problem.scales[g]) / self._balance)

    def _require_pair(self, g: int, h: int) -> None:
        if g == h and self.solution.matrix.sizes[g] == 1:
            raise UnusableInput(f"group {g} has 1 class: there is no second class to compare it with; use two different groups.")

    def _diagonal(self, gram: GroupMatrix, g: int) -> Bracket:
        return around(gram.diagonal(g), math.sqrt(2) * self._radius / math.sqrt(gram.sizes[g]), floor=0.0)

    def _entries(self, gram: GroupMatrix, g: int, h: int) -> tuple[Bracket, Bracket, Bracket]:
        """Inner product and the two squared norms."""
        self._require_pair(g, h)
        copies = gram.sizes[g] * (gram.sizes[g] - 1) if g == h else 2 * gram.sizes[g] * gram.sizes[h]
        product = around(gram.entry(g, h), math.sqrt(2) * self._radius / math.sqrt(copies))
        return product, self._diagonal(gram, g), self._diagonal(gram, h)


def around(value: float, radius: float, floor: float = -math.inf) -> Bracket:
    """value ± radius, and nothing below the floor."""
    return Bracket(max(value - radius, floor), max(value + radius, floor), rigorous=True)


def widened(lower: float, upper: float) -> Bracket:
    """[lower, upper] with the allowance for rounding."""
    return Bracket(lower - ROUNDING * abs(lower), upper + ROUNDING * abs(upper), rigorous=True)


def root_of(square: Bracket, scale: float = 1.0) -> Bracket:
    """√(scale · square)."""
    return widened(math.sqrt(scale * square.lower), math.sqrt(scale * square.upper))


def cosine_of(product: Bracket, first: Bracket, second: Bracket) -> Bracket:
    """product/√(first · second) inside [−1, 1]; the whole of it when a norm may vanish."""
    if first.lower <= 0.0 or second.lower <= 0.0:
        return Bracket(-1.0, 1.0, rigorous=True)
    small, large = math.sqrt(first.lower * second.lower), math.sqrt(first.upper * second.upper)
    lower = product.lower / (small if product.lower < 0 else large)
    upper = product.upper / (large if product.upper < 0 else small)
    bounds = widened(lower, upper)
    return Bracket(min(max(bounds.lower, -1.0), 1.0), max(min(bounds.upper, 1.0), -1.0), rigorous=True)
