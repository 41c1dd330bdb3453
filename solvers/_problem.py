"""The Layer-Peeled program as data: groups of equal classes, two energies, a loss."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from numerics import UnusableInput, energy_radius, require_positive, require_whole
from solvers._losses import LOSSES

LARGEST_RATIO = 1e100
"""Largest ratio of counts, and of √(E_H E_W) to one: squares of such numbers are still doubles."""


@dataclass(frozen=True)
class Group:
    """Classes with the same number of samples."""

    classes: int
    samples: int | float


@dataclass(frozen=True, kw_only=True, init=False, eq=False)
class LayerPeeled:
    """The Layer-Peeled Model of K classes with n_k samples, N = Σ n_k.

        min (1/N) Σ_k Σ_i L(W h_{k,i}, y_k)   s.t.   (1/K) Σ_k ‖w_k‖² ≤ E_W,   (1/K) Σ_k (1/n_k) Σ_i ‖h_{k,i}‖² ≤ E_H.

    Jensen's inequality puts every h_{k,i} at its class mean, and in the logits Z = H Wᵀ the program is convex:

        min_Z Σ_k (n_k/N) L(Z_k, k)   s.t.   ‖Z‖_* ≤ τ = K √(E_H E_W).

    Args:
        counts: n_k ≥ 1, one whole number per class; classes with equal counts form a group.
        feature_energy: E_H > 0.
        weight_energy: E_W > 0.
        loss: "cross-entropy", "squared" (½‖z − e_k‖²) or "hinge" (Crammer–Singer).

    Raises:
        UnusableInput: for fewer than two classes, counts that are not whole numbers ≥ 1, energies that are not positive
            and finite, or an unknown loss.

    Source: fang2021, equation (7); su2024, "More on Layer-Peeled Model".

    Example:
        >>> LayerPeeled(counts=[100, 100, 10], feature_energy=5.0)
        LayerPeeled(2x100,1x10, feature_energy=5, weight_energy=1, loss='cross-entropy')
    """

    groups: tuple[Group, ...]
    feature_energy: float
    weight_energy: float
    loss: str
    group_of_class: tuple[int, ...] | None = field(repr=False)
    """Group of each class in the order the counts were given; None when the classes already stand group by group."""

    def __init__(
        self,
        *,
        counts: Iterable[Any],
        feature_energy: float,
        weight_energy: float = 1.0,
        loss: str = "cross-entropy",
    ) -> None:
        if not isinstance(counts, Iterable) or isinstance(counts, str):
            raise UnusableInput(f"counts is {counts!r}: it must be a list with one whole number per class; for example counts=[100, 10].")
        checked = [_count(count, f"class {index + 1}") for index, count in enumerate(counts)]
        samples = list(dict.fromkeys(checked))
        group_of_class = [samples.index(count) for count in checked]
        groups = tuple(Group(group_of_class.count(index), count) for index, count in enumerate(samples))
        self._set(groups, feature_energy, weight_energy, loss, None if group_of_class == sorted(group_of_class) else tuple(group_of_class))

    @classmethod
    def from_groups(
        cls,
        groups: Sequence[tuple[int, int]],
        *,
        feature_energy: float,
        weight_energy: float = 1.0,
        loss: str = "cross-entropy",
    ) -> "LayerPeeled":
        """The same program from (classes, samples) pairs; nothing of size K is formed.

        Pairs with equal samples are merged.

        Raises:
            UnusableInput: as the constructor, and for a number of classes that is not a whole number ≥ 1.

        Example:
            >>> LayerPeeled.from_groups([(500_000, 100), (500_000, 10)], feature_energy=5.0).num_classes
            1000000
        """
        merged: dict[int, int] = {}
        for index, (classes, samples) in enumerate(groups):
            count = _count(samples, f"group {index + 1}")
            merged[count] = merged.get(count, 0) + _classes(classes, f"group {index + 1}")
        self = object.__new__(cls)
        self._set(tuple(Group(classes, samples) for samples, classes in merged.items()), feature_energy, weight_energy, loss, None)
        return self

    @classmethod
    def from_imbalance(
        cls,
        majority: int,
        minority: int,
        imbalance: float,
        *,
        feature_energy: float,
        weight_energy: float = 1.0,
        loss: str = "cross-entropy",
    ) -> "LayerPeeled":
        """Two groups whose counts are in any real ratio R = n_A/n_B > 0: counts enter the program through n_k/N only.

        Raises:
            UnusableInput: for class numbers below 1, or a ratio that is not positive and finite.

        Example:
            >>> LayerPeeled.from_imbalance(5, 5, 12.2, feature_energy=5.0).groups[0].samples
            12.2
        """
        ratio = require_positive(imbalance, "imbalance")
        sizes = _classes(majority, "the majority"), _classes(minority, "the minority")
        groups = (Group(sum(sizes), 1.0),) if ratio == 1.0 else (Group(sizes[0], ratio), Group(sizes[1], 1.0))
        self = object.__new__(cls)
        self._set(groups, feature_energy, weight_energy, loss, None)
        return self

    def reweighted(self, group: int, factor: float) -> "LayerPeeled":
        """The same program with every sample of one group entering the loss `factor` > 0 times.

        The energies weigh classes, not samples, so this multiplies n_g in the weights n_g/N and changes nothing else.

        Raises:
            UnusableInput: for a factor that is not positive and finite.

        Example:
            >>> LayerPeeled.from_groups([(5, 100), (5, 10)], feature_energy=5.0).reweighted(1, 2.5).groups[1].samples
            25.0
        """
        factor = require_positive(factor, "oversampling factor")
        groups = tuple(Group(g.classes, g.samples * factor if index == group else g.samples) for index, g in enumerate(self.groups))
        found = object.__new__(type(self))
        found._set(groups, self.feature_energy, self.weight_energy, self.loss, self.group_of_class)
        return found

    def _set(
        self, groups: tuple[Group, ...], feature_energy: Any, weight_energy: Any, loss: Any, group_of_class: tuple[int, ...] | None
    ) -> None:
        if not groups:
            raise UnusableInput("the list of counts is empty: a classifier needs at least 2 classes; give one count per class.")
        if sum(group.classes for group in groups) < 2:
            raise UnusableInput("1 class leaves nothing to tell apart: a classifier needs at least 2 classes; give one count per class.")
        if not isinstance(loss, str) or loss not in LOSSES:
            raise UnusableInput(f"loss {loss!r} is unknown: it must be one of {', '.join(LOSSES)}; choose one of these.")
        energies = require_positive(feature_energy, "feature energy"), require_positive(weight_energy, "weight energy")
        root = math.sqrt(energies[0]) * math.sqrt(energies[1])
        if not 1 / LARGEST_RATIO <= root <= LARGEST_RATIO:
            raise UnusableInput(
                f"the root of the energy product is {root:.3g}: it must lie between {1 / LARGEST_RATIO:g} and {LARGEST_RATIO:g}, where "
                "doubles can still carry the optimum; scale the energies."
            )
        counts = [group.samples for group in groups]
        if max(counts) > LARGEST_RATIO * min(counts):
            raise UnusableInput(
                f"the counts {max(counts)} and {min(counts)} are in a ratio above {LARGEST_RATIO:g}, more than doubles carry through the "
                "optimum; use counts closer together."
            )
        object.__setattr__(self, "groups", groups)
        object.__setattr__(self, "feature_energy", energies[0])
        object.__setattr__(self, "weight_energy", energies[1])
        object.__setattr__(self, "loss", loss)
        object.__setattr__(self, "group_of_class", group_of_class)

    def __repr__(self) -> str:
        groups = ",".join(f"{group.classes}x{group.samples:g}" for group in self.groups)
        return f"LayerPeeled({groups}, feature_energy={self.feature_energy:g}, weight_energy={self.weight_energy:g}, loss={self.loss!r})"

    @property
    def num_classes(self) -> int:
        """K."""
        return sum(group.classes for group in self.groups)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Classes per group."""
        return tuple(group.classes for group in self.groups)

    @property
    def weights(self) -> np.ndarray:
        """c_g = n_g/N of one class of each group."""
        samples = np.array([float(group.samples) for group in self.groups])
        return samples / (samples @ np.array(self.sizes, dtype=float))

    @property
    def radius(self) -> float:
        """τ = K √(E_H E_W)."""
        return energy_radius(self.num_classes, self.feature_energy, self.weight_energy)

    @property
    def class_order(self) -> np.ndarray:
        """For every class as given, its place in group order."""
        if self.group_of_class is None:
            return np.arange(self.num_classes)
        return np.argsort(np.argsort(np.array(self.group_of_class), kind="stable"), kind="stable")


def _count(value: Any, where: str) -> int:
    return require_whole(value, f"the count of {where}", remedy="correct it or leave that class out")


def _classes(value: Any, what: str) -> int:
    return require_whole(value, f"the number of classes of {what}", remedy="correct it")
