"""The optimum of the same classes in other groups, as a start."""

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics import GroupMatrix
from layerpeel.solvers.program._problem import Problem
from layerpeel.solvers.routes._request import Candidate


def regrouped(start: Candidate, before: Problem, after: Problem) -> Candidate:
    """The same logits over the groups of another program of the same classes, averaged where classes of two groups now share one.

    A class is the same by its place among the counts as given. With M_gh classes of group g before and h after, entries e between
    different classes and inner values i, the entries of a block sum to (Mᵀ e M)_hh' + δ_hh' (Mᵀ i)_h, and those on the diagonal to
    Σ_g M_gh (e_gg + i_g).
    """
    if before.sizes == after.sizes and before.group_of_class == after.group_of_class:
        return start
    shared = np.zeros((len(before.sizes), len(after.sizes)))
    np.add.at(shared, (_group_of_class(before), _group_of_class(after)), 1.0)
    sizes = np.asarray(after.sizes, dtype=float)

    def averaged(matrix: GroupMatrix) -> GroupMatrix:
        entries = entries_between(matrix)
        sums = shared.T @ entries @ shared + np.diag(shared.T @ matrix.inner)
        outer = sums / np.sqrt(np.outer(sizes, sizes))
        traces = shared.T @ (entries.diagonal() + matrix.inner)
        return GroupMatrix(after.sizes, (traces - outer.diagonal()) / np.maximum(sizes - 1.0, 1.0), outer)

    return Candidate(
        averaged(start.matrix),
        None if start.shares is None else averaged(start.shares),
        None if start.bias is None else shared.T @ start.bias / sizes,
    )


def _group_of_class(problem: Problem) -> np.ndarray:
    given = problem.group_of_class
    return np.repeat(np.arange(len(problem.sizes)), problem.sizes) if given is None else np.asarray(given)


def entries_between(matrix: GroupMatrix) -> Float[np.ndarray, "G G"]:
    """Entries between different classes; where a group has one class, what an inner value of zero stands for."""
    sizes = np.asarray(matrix.sizes, dtype=float)
    return matrix.outer / np.sqrt(np.outer(sizes, sizes)) - np.diag(matrix.inner / sizes)
