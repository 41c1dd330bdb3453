"""What both forms of the program share: groups of equal classes, a loss, weights on the nuclear norm, a bias."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics import GroupMatrix, UnusableInput, require_positive
from layerpeel.solvers.program._classes import Classes, Group
from layerpeel.solvers.program._losses import LOSSES

LARGEST_RATIO = 1e100
"""Largest ratio of counts, of weights, and of a radius or penalty to one: squares of such numbers are still doubles."""

Same = TypeVar("Same", bound="Program")


@dataclass(frozen=True, kw_only=True, init=False, eq=False)
class Program(ABC):
    """f(Z + 1bᵀ) + (λ_b/2)‖b‖² with f(Z) = Σ_k (n_k/N) L(Z_k, k), and the nuclear norm of Y = diag(d) Z bounded or penalised.

    In the coordinate Y the norm is the plain one, and everything scales row by row: logits are diag(1/d) Y + 1bᵀ. Since d is
    constant on groups, an optimal Y is block-symmetric and an optimal b constant on groups.

    `LayerPeeled` bounds the norm, `UnconstrainedFeatures` penalises it.
    """

    groups: tuple[Group, ...]
    loss: str
    norm_weights: str
    """Where d_k comes from: "class", "sample" or "given"."""
    bias_penalty: float | None
    group_of_class: tuple[int, ...] | None = field(repr=False)
    """Group of each class in the order the counts were given; None when the classes already stand group by group."""

    def __init__(self, classes: Classes, loss: Any, bias_penalty: Any, **numbers: float) -> None:
        groups = classes.groups
        if not groups:
            raise UnusableInput("the list of counts is empty: a classifier needs at least 2 classes; give one count per class.")
        if sum(group.classes for group in groups) < 2:
            raise UnusableInput("1 class leaves nothing to tell apart: a classifier needs at least 2 classes; give one count per class.")
        if not isinstance(loss, str) or loss not in LOSSES:
            raise UnusableInput(f"loss {loss!r} is unknown: it must be one of {', '.join(LOSSES)}; choose one of these.")
        for values, what in (([g.samples for g in groups], "counts"), ([g.norm_weight for g in groups], "norm weights")):
            if max(values) > LARGEST_RATIO * min(values):
                raise UnusableInput(
                    f"the {what} {max(values)} and {min(values)} are in a ratio above {LARGEST_RATIO:g}, more than doubles carry through "
                    f"the optimum; use {what} closer together."
                )
        penalty = None if bias_penalty is None else require_representable(require_positive(bias_penalty, "bias penalty"), "bias penalty")
        fields = {"groups": groups, "loss": loss, "norm_weights": classes.norm_weights, "bias_penalty": penalty}
        for name, value in {**fields, "group_of_class": classes.group_of_class, **numbers}.items():
            object.__setattr__(self, name, value)

    def reweighted(self: Same, group: int, factor: float) -> Same:  # noqa: PYI019 - checked annotations know no Self
        """The same program with every sample of one group entering the loss `factor` > 0 times.

        Copies of a sample share its feature, so this multiplies n_g in the weights n_g/N and changes nothing else; d_k stays.

        Raises:
            UnusableInput: for a factor that is not positive and finite.

        Example:
            >>> from layerpeel.solvers import LayerPeeled
            >>> LayerPeeled.from_groups([(5, 100), (5, 10)], feature_energy=5.0).reweighted(1, 2.5).groups[1].samples
            25.0
        """
        factor = require_positive(factor, "oversampling factor")
        groups = tuple(replace(g, samples=g.samples * factor) if index == group else g for index, g in enumerate(self.groups))
        kind = "class" if self.norm_weights == "class" else "given"
        found = object.__new__(type(self))
        numbers = {name: value for name, value in vars(self).items() if name not in Program.__dataclass_fields__}
        Program.__init__(found, Classes(groups, kind, self.group_of_class), self.loss, self.bias_penalty, **numbers)
        return found

    def with_loss_weights(self: Same, weights: Iterable[float]) -> Same:  # noqa: PYI019 - checked annotations know no Self
        """The same program with every sample of class k entering the loss w_k > 0 times; d_k stays.

        Classes of one count and different weights come into groups of their own.

        Args:
            weights: one positive number per class, in the order the counts were given.

        Raises:
            UnusableInput: for a weight that is not positive and finite, or another number of them.

        Example:
            >>> from layerpeel.solvers import LayerPeeled
            >>> [g.samples for g in LayerPeeled(counts=[100, 10, 10], feature_energy=5.0).with_loss_weights([0.5, 2, 3]).groups]
            [50.0, 20.0, 30.0]
        """
        factors = [require_positive(weight, f"the loss weight of class {k + 1}") for k, weight in enumerate(weights)]
        if len(factors) != self.num_classes:
            raise UnusableInput(
                f"{len(factors)} loss weights are given for {self.num_classes} classes: there must be one positive number per class; give "
                "as many."
            )
        places = self.group_of_class or np.repeat(np.arange(len(self.groups)), self.sizes).tolist()
        keys = [(self.groups[g].samples * factor, self.groups[g].norm_weight) for g, factor in zip(places, factors, strict=True)]
        distinct = {key: index for index, key in enumerate(dict.fromkeys(keys))}
        group_of_class = tuple(distinct[key] for key in keys)
        sizes = np.bincount(group_of_class, minlength=len(distinct)).tolist()
        groups = tuple(Group(size, *key) for size, key in zip(sizes, distinct, strict=True))
        kind = "class" if self.norm_weights == "class" else "given"
        found = object.__new__(type(self))
        numbers = {name: value for name, value in vars(self).items() if name not in Program.__dataclass_fields__}
        in_order = None if list(group_of_class) == sorted(group_of_class) else group_of_class
        Program.__init__(found, Classes(groups, kind, in_order), self.loss, self.bias_penalty, **numbers)
        return found

    def __repr__(self) -> str:
        groups = ",".join(f"{group.classes}x{group.samples:g}" for group in self.groups)
        numbers = "".join(f", {name}={value:g}" for name, value in vars(self).items() if name not in Program.__dataclass_fields__)
        weights = "" if self.norm_weights == "class" else f", norm_weights={self.norm_weights!r}"
        bias = "" if self.bias_penalty is None else f", bias_penalty={self.bias_penalty:g}"
        return f"{type(self).__name__}({groups}{numbers}, loss={self.loss!r}{weights}{bias})"

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
    def scales(self) -> Float[np.ndarray, " G"]:
        """d_g, the weight on the nuclear norm of one class of each group."""
        return np.array([group.norm_weight for group in self.groups])

    @property
    def unweighted(self) -> bool:
        """Whether d = 1 and there is no bias."""
        return self.bias_penalty is None and all(group.norm_weight == 1.0 for group in self.groups)

    @property
    @abstractmethod
    def balance(self) -> float:
        """ϱ such that diag(d) HHᵀ diag(d) = ϱ (YYᵀ)^{1/2} and WWᵀ = (YᵀY)^{1/2}/ϱ at an optimum."""

    @property
    @abstractmethod
    def typical_value(self) -> float:
        """Size of an ordinary singular value of Y, against which tolerances are measured."""

    def logits(self, matrix: GroupMatrix, bias: Float[np.ndarray, " G"] | None = None) -> GroupMatrix:
        """diag(1/d) Y + 1bᵀ, for Y and the bias b of one class of each group."""
        scaled = matrix if self.norm_weights == "class" else matrix.weighted(1.0 / self.scales)
        if bias is None:
            return scaled
        roots = np.sqrt(np.asarray(self.sizes, dtype=float))
        return GroupMatrix(scaled.sizes, scaled.inner, scaled.outer + np.outer(roots, roots * bias))

    @property
    def class_order(self) -> np.ndarray:
        """For every class as given, its place in group order."""
        if self.group_of_class is None:
            return np.arange(self.num_classes)
        return np.argsort(np.argsort(np.array(self.group_of_class), kind="stable"), kind="stable")


def require_unweighted(problem: Program, what: str) -> None:
    """Check that d = 1 and that there is no bias.

    Raises:
        UnusableInput: otherwise.
    """
    if not problem.unweighted:
        raise UnusableInput(
            f"{what} does not cover {problem!r}: it needs d = 1 in the nuclear norm and no bias; leave norm_weights and bias_penalty out."
        )


def require_representable(number: float, what: str) -> float:
    """A positive number whose square is a double, and whose inverse's is.

    Raises:
        UnusableInput: otherwise.
    """
    if not 1 / LARGEST_RATIO <= number <= LARGEST_RATIO:
        raise UnusableInput(
            f"the {what} is {number:.3g}: it must lie between {1 / LARGEST_RATIO:g} and {LARGEST_RATIO:g}, where doubles can still carry "
            "the optimum; scale it."
        )
    return number


def root_of_product(first: float, second: float) -> float:
    """√(first · second) without overflow."""
    return math.sqrt(first) * math.sqrt(second)
