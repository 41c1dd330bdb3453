"""Matrices that do not change when classes of one group are relabelled: a few scalars instead of K×K entries."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import NamedTuple

import numpy as np

from layerpeel.array_words import Float, Int
from layerpeel.numerics._inputs import UnusableInput
from layerpeel.numerics.layer_peeled._directions import Decomposed, Directions, decomposed, largest_value

LARGEST_DENSE = 20_000
"""Largest K whose K×K matrix is formed on request: 3.2 GB in double precision."""


class _Sizes(NamedTuple):
    """What is asked of sizes at every step: K_g − 1, whether there is a group of one, and whether there is a larger one."""

    copies: Int[np.ndarray, " G"]
    single: bool
    several: bool


@lru_cache(maxsize=64)
def _of(sizes: tuple[int, ...]) -> _Sizes:
    copies = np.asarray(sizes) - 1
    copies.setflags(write=False)
    return _Sizes(copies, bool((copies == 0).any()), bool((copies > 0).any()))


def _level(radius: float, inner: Float[np.ndarray, " n"], copies: Int[np.ndarray, " n"], values: Float[np.ndarray, " m"]) -> float:
    """By how much to lower inner values, which stand so many times, and others, which stand once, so that they sum to the radius."""
    if len(inner) == 0:
        descending = np.sort(values)[::-1]
        counted, summed = np.arange(1, len(values) + 1), np.cumsum(descending)
    else:
        everything = np.concatenate([inner, values])
        counts = np.concatenate([copies, np.ones(len(values), dtype=int)])
        order = np.argsort(-everything)
        descending = everything[order]
        counted, summed = np.cumsum(counts[order]), np.cumsum((counts * everything)[order])
    if summed[-1] <= radius:
        return 0.0
    levels = (summed - radius) / np.maximum(counted, 1)
    kept = np.flatnonzero((descending > levels) & (counted > 0))
    # Beside values above 2^53 radii the radius is lost to rounding: they are lowered to zero, which is as near as doubles tell.
    return max(float(levels[kept[-1]]), 0.0) if len(kept) else float(descending[0])


@dataclass(frozen=True, eq=False)
class GroupMatrix:
    """A K×K matrix that commutes with every relabelling inside each of G groups of classes.

        Z = ⊕_g inner_g (I − 11ᵀ/K_g)  +  Σ_gh outer_gh u_g u_hᵀ,      u_g = 1_g/√K_g.

    The two parts act on orthogonal spaces, so the singular values of Z are |inner_g|, K_g − 1 times each, and those of
    the G×G block `outer`. With singleton groups `outer` is Z itself, so nothing is lost for counts without ties.

    Args:
        sizes: K_g ≥ 1.
        inner: G numbers; where K_g = 1 there is no such space, and whatever is given becomes zero.
        outer: the G×G block.

    Example:
        >>> GroupMatrix((3,), np.array([2.0]), np.zeros((1, 1))).nuclear_norm()
        4.0
    """

    sizes: tuple[int, ...]
    inner: Float[np.ndarray, " G"]
    outer: Float[np.ndarray, "G G"]

    def __post_init__(self) -> None:
        if _of(self.sizes).single:  # what an iteration leaves there may be large, and would cancel in `dense` with its rounding only
            object.__setattr__(self, "inner", np.where(self.copies > 0, self.inner, 0.0))

    @property
    def copies(self) -> Int[np.ndarray, " G"]:
        """K_g − 1: how often each inner value stands."""
        return _of(self.sizes).copies

    @classmethod
    def average(cls, matrix: Float[np.ndarray, "K K"], sizes: Sequence[int]) -> "GroupMatrix":
        """Average a matrix over all relabellings inside the groups, whose classes stand in consecutive blocks of `sizes`.

        This is the orthogonal projection onto the invariant matrices; no unitarily invariant norm and no invariant
        convex function increases under it.

        Example:
            >>> GroupMatrix.average(np.diag([1.0, 3.0]), (2,)).dense().round(12).diagonal().tolist()
            [2.0, 2.0]
        """
        bounds = np.concatenate([[0], np.cumsum(sizes)])
        roots = np.sqrt(np.asarray(sizes, dtype=float))
        sums = np.add.reduceat(np.add.reduceat(matrix, bounds[:-1], axis=0), bounds[:-1], axis=1)
        outer = sums / np.outer(roots, roots)
        traces = np.add.reduceat(np.diag(matrix), bounds[:-1])
        inner = np.array([(trace - block) / max(size - 1, 1) for trace, block, size in zip(traces, np.diag(outer), sizes, strict=True)])
        return cls(tuple(sizes), inner, outer)

    @property
    def num_classes(self) -> int:
        """K = Σ_g K_g."""
        return sum(self.sizes)

    def dense(self) -> Float[np.ndarray, "K K"]:
        """The K×K matrix, groups in consecutive blocks.

        Raises:
            UnusableInput: beyond 20,000 classes, where it would not fit in memory.
        """
        if self.num_classes > LARGEST_DENSE:
            raise UnusableInput(
                f"a dense matrix for {self.num_classes} classes needs {8e-9 * self.num_classes**2:.0f} GB: at most {LARGEST_DENSE} classes "
                "are formed; read the per-group numbers (.groups, .between_cosine) instead."
            )
        scale = 1.0 / np.sqrt(np.asarray(self.sizes, dtype=float))
        blocks = self.outer * np.outer(scale, scale) - np.diag(self.inner * scale**2)
        full = np.repeat(np.repeat(blocks, self.sizes, axis=0), self.sizes, axis=1)
        np.fill_diagonal(full, full.diagonal() + np.repeat(self.inner, self.sizes))
        return full

    def centred(self) -> "GroupMatrix":
        """Z (I − 11ᵀ/K): every row shifted to sum zero, which shift-invariant losses do not notice."""
        direction = np.sqrt(np.asarray(self.sizes, dtype=float) / self.num_classes)
        return type(self)(self.sizes, self.inner, self.outer - np.outer(self.outer @ direction, direction))

    def __add__(self, other: "GroupMatrix") -> "GroupMatrix":
        return GroupMatrix(self.sizes, self.inner + other.inner, self.outer + other.outer)

    def __sub__(self, other: "GroupMatrix") -> "GroupMatrix":
        return GroupMatrix(self.sizes, self.inner - other.inner, self.outer - other.outer)

    def dot(self, other: "GroupMatrix") -> float:
        """⟨Z, Z'⟩ = Σ_g (K_g − 1) inner_g inner'_g + ⟨outer, outer'⟩, the Frobenius inner product of the K×K matrices."""
        return float(self.copies @ (self.inner * other.inner) + np.vdot(self.outer, other.outer))

    def scaled(self, factor: float) -> "GroupMatrix":
        """factor · Z."""
        multiple = type(self)(self.sizes, factor * self.inner, factor * self.outer)
        if "decomposed" in vars(self):
            turned, values, vectors = self.decomposed
            vars(multiple)["decomposed"] = factor * turned, abs(factor) * values, vectors
        return multiple

    def weighted(self, rows: Float[np.ndarray, " G"], columns: Float[np.ndarray, " G"] | None = None) -> "GroupMatrix":
        """diag(rows) Z diag(columns), one weight per group; columns are left alone when not given.

        Example:
            >>> GroupMatrix((2,), np.array([1.0]), np.zeros((1, 1))).weighted(np.array([3.0])).inner.tolist()
            [3.0]
        """
        right = np.ones(len(self.sizes)) if columns is None else columns
        return type(self)(self.sizes, rows * right * self.inner, rows[:, None] * self.outer * right)

    @cached_property
    def decomposed(self) -> Decomposed:
        """U S, S and V of `outer`, the largest singular value first: one decomposition serves norms, rank and Gram matrices."""
        return decomposed(self.outer)

    def singular_values(self) -> tuple[Float[np.ndarray, " n"], Int[np.ndarray, " n"]]:
        """Distinct places of singular values with their multiplicities: the inner ones of groups of two or more, then the outer ones."""
        several = np.asarray(self.sizes) > 1
        values = np.concatenate([np.abs(self.inner[several]), self.decomposed[1]])
        multiplicities = np.concatenate([np.asarray(self.sizes)[several] - 1, np.ones(len(self.sizes), dtype=int)])
        return values, multiplicities

    def nuclear_norm(self) -> float:
        """‖Z‖_* = Σ_g (K_g − 1)|inner_g| + ‖outer‖_*."""
        values, multiplicities = self.singular_values()
        return float(values @ multiplicities)

    def spectral_norm(self) -> float:
        """‖Z‖_op, the largest singular value."""
        inner = np.abs(self.inner[np.asarray(self.sizes) > 1])
        return max(largest_value(self.outer), float(inner.max(initial=0.0)))

    def projected(self, radius: float, directions: Directions | None = None) -> "GroupMatrix":
        """The nearest matrix with ‖Z‖_* ≤ radius: all singular values shrink by a common amount, down to zero.

        Directions remembered from a matrix near this one make it faster, and a little less than exact.

        Example:
            >>> GroupMatrix((3,), np.array([2.0]), np.zeros((1, 1))).projected(3.0).inner.tolist()
            [1.5]
        """
        copies, inner = self.copies, np.abs(self.inner)
        values_inside, copies_inside = (inner[:0], copies[:0]) if not _of(self.sizes).several else (inner, copies)
        threshold = partial(_level, radius, values_inside, copies_inside)
        directions = directions or Directions()
        outer, level = directions.shrink(self.outer, threshold)
        return self if level == 0.0 else self._shrunk(level, outer, directions)

    def shrunk(self, threshold: float, directions: Directions | None = None) -> "GroupMatrix":
        """argmin_X threshold·‖X‖_* + ½‖X − Z‖²: all singular values shrink by `threshold`, down to zero.

        Example:
            >>> GroupMatrix((3,), np.array([2.0]), np.zeros((1, 1))).shrunk(0.5).inner.tolist()
            [1.5]
        """
        directions = directions or Directions()
        outer, _ = directions.shrink(self.outer, lambda _: threshold)
        return self._shrunk(threshold, outer, directions)

    def _shrunk(self, threshold: float, outer: Float[np.ndarray, "G G"], directions: Directions) -> "GroupMatrix":
        shrunk = GroupMatrix(self.sizes, np.sign(self.inner) * np.maximum(np.abs(self.inner) - threshold, 0.0), outer)
        if directions.shrunk is not None:
            vars(shrunk)["decomposed"] = directions.shrunk
        return shrunk

    def truncated(self, tolerance: float) -> "GroupMatrix":
        """The same without the singular values up to `tolerance` (absolute): a matrix of rank `rank(tolerance)`.

        Example:
            >>> GroupMatrix((3, 1), np.array([2.0, 0.0]), np.diag([1e-9, 3.0])).truncated(1e-6).outer.tolist()
            [[0.0, 0.0], [0.0, 3.0]]
        """
        turned, values, vectors = self.decomposed
        outer = (turned * (values > tolerance)) @ vectors.T
        return GroupMatrix(self.sizes, np.where(np.abs(self.inner) > tolerance, self.inner, 0.0), outer)

    def rank(self, tolerance: float) -> int:
        """How many singular values exceed `tolerance` (absolute)."""
        values, multiplicities = self.singular_values()
        return int(multiplicities[values > tolerance].sum())

    def polar_grams(self) -> "tuple[GroupMatrix, GroupMatrix]":
        """(ZZᵀ)^{1/2} and (ZᵀZ)^{1/2}: up to a scalar, the Gram matrices of the features and of the classifiers."""
        return self._polar_grams

    @cached_property
    def _polar_grams(self) -> "tuple[GroupMatrix, GroupMatrix]":
        turned, values, vectors = self.decomposed
        inner, left = np.abs(self.inner), turned / np.where(values > 0.0, values, 1.0)
        return type(self)(self.sizes, inner, left @ turned.T), type(self)(self.sizes, inner, (vectors * values) @ vectors.T)

    def entry(self, row: int, column: int) -> float:
        """The entry between *different* classes, one of group `row` and one of group `column`."""
        value = self.outer[row, column] / math.sqrt(self.sizes[row] * self.sizes[column])
        return float(value - (self.inner[row] / self.sizes[row] if row == column else 0.0))

    def diagonal(self, group: int) -> float:
        """The diagonal entry of a class of the group."""
        size = self.sizes[group]
        return float(self.inner[group] * (1 - 1 / size) + self.outer[group, group] / size)
