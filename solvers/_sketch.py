"""A quick look at an optimum, without a certificate: for the places of a path, of which only the last is worth one."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Generic

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics import GroupMatrix, UnusableInput, double, require_instance, shown
from layerpeel.solvers._solution import Solution
from layerpeel.solvers.program._losses import LOSSES
from layerpeel.solvers.program._problem import Form, LayerPeeled, Problem, UnconstrainedFeatures
from layerpeel.solvers.proof._certificate import dual_slope
from layerpeel.solvers.routes import _symmetric
from layerpeel.solvers.routes._factored import first_order
from layerpeel.solvers.routes._neighbours import regrouped
from layerpeel.solvers.routes._request import Candidate


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Sketch(Generic[Form]):
    """Logits near the optimum, to a gap that doubles saw and nothing proves.

    Args:
        problem: the program.
        candidate: Y = diag(d) Z with its bias, and where a minorant touches.
    """

    problem: Form
    candidate: Candidate

    @property
    def matrix(self) -> GroupMatrix:
        """Y."""
        return self.candidate.matrix

    @cached_property
    def value(self) -> float:
        """The loss of these logits."""
        losses = LOSSES[self.problem.loss].by_group(self.problem.logits(self.matrix, self.candidate.bias))
        return float((np.asarray(self.problem.sizes) * self.problem.weights) @ losses)

    @cached_property
    def multiplier(self) -> float:
        """Estimate of the multiplier λ of the norm, or λ itself where it is a penalty; one number serves all groups."""
        if isinstance(self.problem, UnconstrainedFeatures):
            return self.problem.penalty
        return dual_slope(self.problem, self.matrix, self.candidate.bias).spectral_norm()

    @cached_property
    def _classifier_gram(self) -> GroupMatrix:
        return self.matrix.polar_grams()[1].scaled(1.0 / self.problem.balance)

    @cached_property
    def classifier_norms(self) -> Float[np.ndarray, " G"]:
        """‖w_k‖ of a class of each group."""
        gram, sizes = self._classifier_gram, np.asarray(self.problem.sizes, dtype=float)
        return np.sqrt(np.maximum(gram.inner * (1.0 - 1.0 / sizes) + gram.outer.diagonal() / sizes, 0.0))

    @cached_property
    def classifier_cosines(self) -> Float[np.ndarray, "G G"]:
        """Cosines between classifiers of different classes, group by group; NaN where there is one class, or no length at all."""
        gram, sizes, norms = self._classifier_gram, np.asarray(self.problem.sizes, dtype=float), self.classifier_norms
        products = gram.outer / np.sqrt(np.outer(sizes, sizes)) - np.diag(gram.inner / sizes)
        products[np.diag_indices_from(products)] = np.where(sizes > 1, products.diagonal(), math.nan)
        with np.errstate(divide="ignore", invalid="ignore"):
            return products / np.outer(norms, norms)


def sketch(problem: Form, *, gap: float = 1e-5, start: "Sketch | Solution | None" = None) -> Sketch[Form]:
    """Solve a program to a gap in doubles, from a neighbour, and certify nothing.

    Args:
        problem: the program.
        gap: relative gap at which to stop.
        start: the optimum of the same classes at a neighbouring place, whatever its groups.

    Raises:
        UnusableInput: for a start of another number of classes, a gap that is not between 0 and 1, or what is no program.

    Example:
        >>> near = sketch(LayerPeeled(counts=[90, 30, 10], feature_energy=2.0))
        >>> far = sketch(LayerPeeled(counts=[90, 30, 30], feature_energy=2.0), start=near)
        >>> far.matrix.sizes, bool(far.classifier_cosines[1, 1] < 0)
        ((1, 2), True)
    """
    require_instance(problem, (LayerPeeled, UnconstrainedFeatures), "the problem", made="from counts, energies or penalties")
    if not 0.0 < double(gap) < 1.0:
        raise UnusableInput(f"the gap is {shown(gap)}: it must lie strictly between 0 and 1; give one, for example 1e-5.")
    if _symmetric.covers(problem):
        return Sketch(problem=problem, candidate=_symmetric.solve_symmetric(problem)[0])
    return followed(problem, double(gap), start)


def followed(problem: Form, gap: float, start: "Sketch | Solution | None") -> Sketch[Form]:
    """The same by first-order methods only, which know no closed form: for what is measured."""
    return Sketch(problem=problem, candidate=first_order(problem, gap, None if start is None else warm(problem, start)))


def warm(problem: Problem, start: "Sketch | Solution") -> Candidate:
    """The start's logits over the groups of a problem.

    Raises:
        UnusableInput: for another number of classes.
    """
    require_instance(start, (Sketch, Solution), "the start", made="by solving a neighbouring problem")
    if start.problem.num_classes != problem.num_classes:
        raise UnusableInput(
            f"the start has {start.problem.num_classes} classes in groups of {start.problem.sizes} and the problem {problem.num_classes} "
            f"in groups of {problem.sizes}: a warm start needs the same sizes, or the same classes in other groups; leave start out."
        )
    given = start.candidate if isinstance(start, Sketch) else Candidate(start.matrix, start.shares, start.group_bias)
    return regrouped(given, start.problem, problem)
