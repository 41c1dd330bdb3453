"""A point in a feature dimension below the rank of the optimal logits, where the program is not convex and only bounds are certified."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from layerpeel.numerics import random_stream

if TYPE_CHECKING:
    from layerpeel.solvers import GroupGeometry, LayerPeeled, Solution

LARGEST_DESCENT = 4000
"""Numbers in a classifier, K p, up to which descents are run: some seconds for the largest."""

STARTS = 4
"""Random starts of the descents."""

EVALUATED = 1e-12
"""Relative rounding of a value that doubles computed from the factors."""

DESCENT = "found by descents in this dimension: the optimum there lies in [value − gap, value], and no more is certified"
TRUNCATION = (
    "the optimum's largest singular values, as many as fit: the optimum there lies in [value − gap, value], and no more is certified"
)
"""What a status says of such a point."""


@dataclass(frozen=True, kw_only=True)
class LowDimension:
    """The best point found in R^p, and what is certified about all others.

    Args:
        value: its objective.
        lower: a certified bound below the objective of every point in R^p.
        groups: its geometry, by root mean squares over the classes of a group, and the largest cosine between two of them.
        between_cosine: the largest cosine between two classes of different groups.
        status: how it was found, as a sentence.
    """

    value: float
    lower: float
    groups: "tuple[GroupGeometry, ...]"
    between_cosine: list[list[float | None]]
    status: str

    @property
    def gap(self) -> float:
        """How far the point can be from optimal."""
        return max(self.value - self.lower, 0.0)


def in_low_dimension(solution: "Solution") -> LowDimension:
    """The best point in the dimension that a solution was asked for, which is below its rank."""
    from layerpeel.solvers import LayerPeeled

    problem = solution.problem
    small = solution.num_classes * (solution.dimension or 0) <= LARGEST_DESCENT
    if isinstance(problem, LayerPeeled) and problem.unweighted and small:
        return _descended(solution, problem)
    return _truncated(solution)


def _lower(solution: "Solution") -> float:
    return solution.value.lower + (solution.low_rank_excess or 0.0)


def _descended(solution: "Solution", problem: "LayerPeeled") -> LowDimension:
    from layerpeel.solvers import GroupGeometry, descend

    dimension = solution.dimension or 0
    value, features, classifier = descend(problem, dimension, rng=random_stream(0, "solve", "low-dimension"), starts=STARTS)
    norms = np.linalg.norm(classifier, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        cosines = classifier @ classifier.T / np.outer(norms, norms)
    np.fill_diagonal(cosines, np.nan)
    ends = np.cumsum(problem.sizes)
    blocks = [slice(end - size, end) for end, size in zip(ends.tolist(), problem.sizes, strict=True)]
    between = [[_largest(cosines[rows, columns]) for columns in blocks] for rows in blocks]
    groups = tuple(
        GroupGeometry(
            classes=group.classes,
            samples=group.samples,
            collapsed=None,
            vanished=None,
            classifier_norm=float(np.sqrt(np.mean(norms[rows] ** 2))),
            feature_norm=float(np.sqrt(np.mean(np.sum(features[rows] ** 2, axis=1)))),
            within_cosine=between[g][g],
        )
        for g, (group, rows) in enumerate(zip(problem.groups, blocks, strict=True))
    )
    return LowDimension(value=value * (1.0 + EVALUATED), lower=_lower(solution), groups=groups, between_cosine=between, status=DESCENT)


def _largest(cosines: np.ndarray) -> float | None:
    known = cosines[np.isfinite(cosines)]
    return min(float(known.max()), 1.0) if known.size else None


def _truncated(solution: "Solution") -> LowDimension:
    """By the largest singular values of the optimal matrix: those of one group's inner space together or not at all."""
    from layerpeel.solvers import Decided, LayerPeeled, certify

    problem, matrix = solution.problem, solution.matrix
    values = np.sort(matrix.singular_values()[0])
    level = next(value for value in values.tolist() if matrix.rank(value) <= (solution.dimension or 0))
    kept = matrix.truncated(level)
    norm = kept.nuclear_norm()
    if isinstance(problem, LayerPeeled) and norm > 0.0:
        kept = kept.scaled(problem.radius / norm)
    certificate = certify(problem, kept, solution.shares, solution.group_bias)
    decided = Decided(solution.collapsed, (norm == 0.0,) * len(problem.groups), solution.rank)
    point = replace(solution, matrix=kept, certificate=certificate, decide=decided)
    cosines = [list(row) for row in point.between_cosine]
    groups = tuple(replace(group, collapsed=None, vanished=None) for group in point.groups)
    return LowDimension(value=certificate.value.upper, lower=_lower(solution), groups=groups, between_cosine=cosines, status=TRUNCATION)
