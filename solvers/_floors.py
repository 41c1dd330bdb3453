"""Classifiers that stay apart at every floor of an interval: certificates at some floors enclose the optima at all floors between."""

import math
from functools import cached_property

import numpy as np

from layerpeel.array_words import Float
from layerpeel.solvers._enclosures import ROUNDING, Enclosures
from layerpeel.solvers._solution import Solution
from layerpeel.solvers._solve import solve
from layerpeel.solvers.program._problem import LayerPeeled, Problem
from layerpeel.solvers.proof._distance import distance_within

TOLERANCE = 1e-9
"""Relative gap at the ends of an interval, which is little beside what the interval adds."""

FIRST, LEAST, SHORTER, LONGER = 0.05, 1e-6, 0.6, 1.3
"""Lengths of an interval in the logarithm of the floor: of the first, and below which none is tried; factors after a failure, and after a
success."""


def apart_above(problem: Problem, floor: float, target: float, *, shortest: float = 0.0, by: str = "weights", most: int = 400) -> bool:
    """Whether at every floor from one up to the largest count no two classifiers certainly have a cosine above a target.

    Between two neighbouring counts every n_k(m) = max(n_k, m) is affine in m, and the ball of Y stays: so V(m) = min_Y Σ n_k(m) L_k(Y) is
    concave, and from certified bounds at m₁ < m₂ it lies above their chord. Y₁, certified at m₁, costs Σ n_k(m) L_k(Y₁), which is affine.
    So its gap at any m between them is at most the larger of the two at the ends; and as n_k(m) ≥ n_k(m₁), the curvature at m₁ encloses
    every optimum between. Intervals are walked down from the largest count.

    Args:
        problem: cross-entropy with energies and without bias; where norms count samples, only weights leave the ball as it is.
        floor: the least m.
        target: the largest cosine that is allowed.
        shortest: the least length of a classifier over the longest.
        by: "weights" or "oversampling".
        most: solves after which it is given up.

    Returns:
        True where that is certain; False where it is not, or where it is not known how.

    Source: derived; docs/derivations/layer-peeled.md, section 3 (a floor under all counts).

    Example:
        >>> problem = LayerPeeled(counts=[500, 200, 80, 30, 12, 5], feature_energy=1.0)
        >>> apart_above(problem, 110.0, 0.5), apart_above(problem, 50.0, 0.5, most=200)
        (True, False)
    """
    plain = isinstance(problem, LayerPeeled) and problem.loss == "cross-entropy" and problem.bias_penalty is None and not problem.adjusted
    if not plain or (by == "oversampling" and problem.norm_weights != "class"):
        return False
    stops = sorted({float(group.samples) for group in problem.groups}, reverse=True)
    place, step = stops[0], FIRST
    above = solve(problem.floored(place, by=by), tolerance=TOLERANCE)
    for _ in range(most):
        if place <= floor:
            return True
        following = max(place * math.exp(-step), floor, *(stop for stop in stops if stop < place))
        below = solve(problem.floored(following, by=by), tolerance=TOLERANCE)
        optima = _Between(below, _distance(below, above))
        apart = optima.largest_classifier_cosine().upper <= target
        if apart and optima.shortest_classifier().lower >= shortest:
            place, above, step = following, below, LONGER * step
        elif step < LEAST:
            return False
        else:
            step = SHORTER * min(step, math.log(place / following))
    return place <= floor


class _Between(Enclosures):
    """All optima within a distance of the logits of a solution; only what that distance says of norms and cosines."""

    def __init__(self, solution: Solution, distance: float) -> None:
        super().__init__(solution)
        self.distance = distance

    @cached_property
    def logit_radius(self) -> float:
        """How far the logits can be from any of them, with the allowance for rounding."""
        return self.distance + ROUNDING * self.solution.group_logits.nuclear_norm()


def _distance(below: Solution, above: Solution) -> float:
    """How far the logits at the lower of two floors are from the optimal ones at any floor between."""
    losses = _by_class(below, below.problem.loss_function.by_group(below.group_logits))
    gaps = []
    for solution in (below, above):
        samples = _by_class(solution, [float(group.samples) for group in solution.problem.groups])
        cost = float(samples @ losses)
        gaps.append(cost * (1.0 + ROUNDING) - solution.value.lower * float(samples.sum()) * (1.0 - ROUNDING))
    mass = sum(group.classes * float(group.samples) for group in below.problem.groups)
    return distance_within(max(gaps) / mass, below.problem, below.matrix)


def _by_class(solution: Solution, by_group: "Float[np.ndarray, ' G'] | list[float]") -> Float[np.ndarray, " K"]:
    """A number of each group, class by class in the order the counts were given."""
    problem = solution.problem
    places = np.repeat(np.arange(len(problem.groups)), problem.sizes) if problem.group_of_class is None else problem.group_of_class
    return np.asarray(by_group)[np.asarray(places)]
