"""Route `symmetric`: cross-entropy with one or two groups, in a handful of scalars whatever K is."""

import math

import numpy as np

from numerics import GroupMatrix, UnusableInput, two_group_optimum
from solvers._problem import LayerPeeled


def covers(problem: LayerPeeled) -> bool:
    """Whether the route applies: cross-entropy with at most two distinct counts."""
    return problem.loss == "cross-entropy" and len(problem.groups) <= 2


def solve_symmetric(problem: LayerPeeled) -> tuple[GroupMatrix, tuple[bool, ...], tuple[bool, ...]]:
    """Optimal logits by symmetry, with the phase of each group.

    One group: Z = a (I − 11ᵀ/K) on the sphere. Two groups: a and b inside the groups, and between them the rank-one block
    (t_A, −t_B) ⊗ (√K_B, −√K_A)/√K, from `numerics.two_group_optimum`.

    Returns:
        Logits as a block-symmetric matrix, and per group whether its classifiers collapse and whether they vanish.

    Raises:
        UnusableInput: for another loss, or three or more distinct counts.
    """
    if not covers(problem):
        what = f"the loss {problem.loss!r}" if problem.loss != "cross-entropy" else f"{len(problem.groups)} distinct counts"
        raise UnusableInput(
            f"route 'symmetric' does not cover {what}: it needs cross-entropy and at most 2 distinct counts; use --route auto."
        )
    classes = problem.num_classes
    if len(problem.groups) == 1:
        return GroupMatrix((classes,), np.array([problem.radius / (classes - 1)]), np.zeros((1, 1))), (False,), (False,)
    order = slice(None) if problem.groups[0].samples > problem.groups[1].samples else slice(None, None, -1)
    big, small = problem.groups[order]
    optimum = two_group_optimum(big.classes, small.classes, big.samples / small.samples, problem.radius)
    t_a, t_b = optimum.between(big.classes, small.classes)
    row = np.array([math.sqrt(small.classes / classes), -math.sqrt(big.classes / classes)])
    inner = np.array([optimum.a if big.classes > 1 else 0.0, optimum.b])
    outer = np.outer([t_a, -t_b], row)
    matrix = GroupMatrix(problem.sizes, inner[order], outer[order, order])
    return matrix, (False, optimum.collapsed)[order], (False, optimum.vanished)[order]
