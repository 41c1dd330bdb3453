"""What both forms of the program share: groups of equal classes, a loss, weights on the nuclear norm, a bias."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics import GroupMatrix, UnusableInput, require_positive
from layerpeel.solvers.program._adjusted_loss import AdjustedCrossEntropy
from layerpeel.solvers.program._adjustments import NEUTRAL, Adjustment, smoothing_of
from layerpeel.solvers.program._classes import Classes, Group
from layerpeel.solvers.program._losses import LOSSES, Loss

WAYS = ("oversampling", "weights")
"""Legal names of ways to make samples count more: drawn as many times as often, or a weight in the loss."""

LARGEST_RATIO = 1e100
"""Largest ratio of counts, of weights, and of a radius or penalty to one: squares of such numbers are still doubles."""

REFUSED = {
    "focal": "the loss 'focal' is not offered: it is not convex in the logits (two classes at margin m: its second derivative is "
    "e^m (1 + γ(m + 2)) and less as m falls, so negative below m = -2 - 1/γ), and what is not convex has no certificate; use "
    "cross-entropy, with label_smoothing, logit_scale, logit_shift or margins.",
}
"""Losses that people ask for, and why they are not there."""

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
    label_smoothing: float
    """δ: the label's share is 1 − δ + δ/K, and δ/K goes to every other class."""
    group_of_class: tuple[int, ...] | None = field(repr=False)
    """Group of each class in the order the counts were given; None when the classes already stand group by group."""

    def __init__(self, classes: Classes, loss: Any, bias_penalty: Any, label_smoothing: Any = 0.0, **numbers: float) -> None:
        groups = classes.groups
        if not groups:
            raise UnusableInput("the list of counts is empty: a classifier needs at least 2 classes; give one count per class.")
        if sum(group.classes for group in groups) > LARGEST_RATIO:
            raise UnusableInput(f"there are more than {LARGEST_RATIO:g} classes, more than doubles carry through the optimum; give fewer.")
        if sum(group.classes for group in groups) < 2:
            raise UnusableInput("1 class leaves nothing to tell apart: a classifier needs at least 2 classes; give one count per class.")
        if not isinstance(loss, str) or loss not in LOSSES:
            if isinstance(loss, str) and loss in REFUSED:
                raise UnusableInput(REFUSED[loss])
            raise UnusableInput(f"loss {loss!r} is unknown: it must be one of {', '.join(LOSSES)}; choose one of these.")
        for values, what in (([g.samples for g in groups], "counts"), ([g.norm_weight for g in groups], "norm weights")):
            if max(values) > LARGEST_RATIO * min(values):
                raise UnusableInput(
                    f"the {what} {max(values)} and {min(values)} are in a ratio above {LARGEST_RATIO:g}, more than doubles carry through "
                    f"the optimum; use {what} closer together."
                )
        penalty = None if bias_penalty is None else require_representable(require_positive(bias_penalty, "bias penalty"), "bias penalty")
        smoothing = smoothing_of(label_smoothing)
        if loss != "cross-entropy" and (smoothing or any(group.adjustment != NEUTRAL for group in groups)):
            raise UnusableInput(
                f"the loss is {loss!r}, and smoothed labels, logit scales, logit shifts and margins change cross-entropy only; leave them "
                "out, or use loss='cross-entropy'."
            )
        fields = {
            "groups": groups,
            "label_smoothing": smoothing,
            "loss": loss,
            "norm_weights": classes.norm_weights,
            "bias_penalty": penalty,
        }
        for name, value in {**fields, "group_of_class": classes.group_of_class, **numbers}.items():
            object.__setattr__(self, name, value)

    def reweighted(self: Same, group: int, factor: float, *, by: str = "weights") -> Same:  # noqa: PYI019 - checked annotations know no Self
        """The same program with every sample of one group entering the loss `factor` > 0 times.

        A weight in the loss multiplies n_g in c_g = n_g/N and changes nothing else. Sampling as many times as often makes more samples of
        it, so where d_k = √n_k, d_g and the mean of the features' energy move as well; the features are penalised by as much for each
        sample drawn, λ_H N stays. Where features are averaged over classes (d = 1) both are the same.

        Args:
            group: its index.
            factor: how many times as much a sample counts, or as often it is drawn.
            by: "weights" or "oversampling".

        Raises:
            UnusableInput: for a factor that is not positive and finite, another way than these two, and oversampling where d_k are
                numbers, which do not say how they move with the samples.

        Example:
            >>> from layerpeel.solvers import LayerPeeled
            >>> LayerPeeled.from_groups([(5, 100), (5, 10)], feature_energy=5.0).reweighted(1, 2.5).groups[1].samples
            25.0
        """
        factor = require_positive(factor, "oversampling factor")
        require_way(by)
        place = group % len(self.groups)
        if by == "weights" or self.norm_weights == "class":
            return self.changed(factors=[factor if index == place else 1.0 for index in range(len(self.groups))])
        self._require_rule()
        samples = self.groups[place].samples * factor
        more = replace(self.groups[place], samples=samples, norm_weight=float(samples) ** 0.5)
        groups = tuple(more if index == place else each for index, each in enumerate(self.groups))
        before, after = (sum(each.classes * float(each.samples) for each in side) for side in (self.groups, groups))
        penalties = {name: value * before / after for name, value in self._numbers.items() if name == "feature_penalty"}
        return self._posed_again(Classes(groups, "sample", self.group_of_class), **penalties)

    def floored(self: Same, floor: float, *, by: str = "weights") -> Same:  # noqa: PYI019 - checked annotations know no Self
        """The same program with every class below a number of samples raised to it: n_k' = max(n_k, m).

        Weighed in the loss, its samples count m/n_k times and d_k stays; sampled more often, d_k = √n_k' moves too where norms are per
        sample, as in `reweighted`. Classes that become equal share a group.

        Args:
            floor: m > 0, which may be a fraction.
            by: "weights" or "oversampling".

        Raises:
            UnusableInput: as `reweighted`.

        Example:
            >>> from layerpeel.solvers import LayerPeeled
            >>> [(g.classes, g.samples) for g in LayerPeeled(counts=[100, 10, 9], feature_energy=5.0).floored(20.0).groups]
            [(1, 100), (2, 20.0)]
        """
        floor = require_positive(floor, "floor")
        require_way(by)
        sampled = by == "oversampling" and self.norm_weights != "class"
        if sampled:
            self._require_rule()
        raised = [max(each.samples, floor) for each in self.groups]
        scales = [samples**0.5 if sampled else each.norm_weight for samples, each in zip(raised, self.groups, strict=True)]
        keys = [(samples, scale, each.adjustment) for samples, scale, each in zip(raised, scales, self.groups, strict=True)]
        distinct = {key: index for index, key in enumerate(dict.fromkeys(keys))}
        place = np.array([distinct[key] for key in keys])
        sizes = np.bincount(place, weights=self.sizes).astype(int).tolist()
        groups = tuple(Group(size, *key) for size, key in zip(sizes, distinct, strict=True))
        given = None if self.group_of_class is None else np.asarray(self.group_of_class)
        if given is None and bool(np.all(np.diff(place) >= 0)):
            order = None
        else:
            order = tuple(place[np.repeat(np.arange(len(keys)), self.sizes) if given is None else given].tolist())
        kind = "class" if self.norm_weights == "class" else "sample" if sampled else "given"
        before, after = (sum(each.classes * float(each.samples) for each in side) for side in (self.groups, groups))
        penalties = {name: value * before / after for name, value in self._numbers.items() if sampled and name == "feature_penalty"}
        return self._posed_again(Classes(groups, kind, order), **penalties)

    def _require_rule(self) -> None:
        """Check that d_k say how they move with the samples."""
        if self.norm_weights != "sample":
            raise UnusableInput(
                f"oversampling of {self!r} is not defined: its norm weights are numbers, which do not say how they move with the samples; "
                "use by='weights', or norm_weights='sample'."
            )

    def changed(  # noqa: PYI019 - checked annotations know no Self
        self: Same,
        *,
        factors: Sequence[float] | None = None,
        adjustments: Sequence[Adjustment] | None = None,
        label_smoothing: float | None = None,
        bias_penalty: float | None = None,
    ) -> Same:
        """The same program with another loss: one factor on n_g in the weights, or one adjustment, per group; d_k stays.

        Groups stay apart even where they become equal.

        Raises:
            UnusableInput: for numbers that the constructors would refuse.

        Example:
            >>> from layerpeel.solvers import LayerPeeled
            >>> LayerPeeled.from_groups([(5, 100), (5, 10)], feature_energy=5.0).changed(label_smoothing=0.1).label_smoothing
            0.1
        """
        times, groups = [1.0] * len(self.groups) if factors is None else factors, []
        for index, (group, factor) in enumerate(zip(self.groups, times, strict=True)):
            adjustment = group.adjustment if adjustments is None else adjustments[index]
            samples = group.samples if factor == 1.0 else group.samples * factor
            groups.append(replace(group, samples=samples, adjustment=adjustment))
        kind = self.norm_weights if factors is None or self.norm_weights == "class" else "given"
        classes = Classes(tuple(groups), kind, self.group_of_class)
        return self._posed_again(classes, label_smoothing=label_smoothing, bias_penalty=bias_penalty)

    def over(self: Same, groups: tuple[Group, ...]) -> Same:  # noqa: PYI019 - as above
        """The same program over other groups, whose numbers of classes and samples and weights d are taken as they are; τ or λ stays.

        Example:
            >>> from layerpeel.solvers import LayerPeeled
            >>> LayerPeeled.from_groups([(5, 100), (5, 10)], feature_energy=5.0).over((Group(10, 31.6),)).sizes
            (10,)
        """
        kind = "class" if self.norm_weights == "class" else "given"
        order = self.group_of_class if tuple(g.classes for g in groups) == self.sizes else None
        before, after = (sum(g.classes * g.norm_weight**2 for g in each) for each in (self.groups, groups))
        energies = {name: value * before / after for name, value in self._numbers.items() if name == "feature_energy"}
        return self._posed_again(Classes(groups, kind, order), **energies)

    def _posed_again(  # noqa: PYI019 - as above
        self: Same, classes: Classes, *, label_smoothing: float | None = None, bias_penalty: float | None = None, **numbers: float
    ) -> Same:
        """This program with other classes, and with what else is given."""
        again = object.__new__(type(self))
        smoothing = self.label_smoothing if label_smoothing is None else label_smoothing
        penalty = self.bias_penalty if bias_penalty is None else bias_penalty
        Program.__init__(again, classes, self.loss, penalty, smoothing, **(self._numbers | numbers))
        return again

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
        keys = [
            (self.groups[g].samples * factor, self.groups[g].norm_weight, self.groups[g].adjustment)
            for g, factor in zip(places, factors, strict=True)
        ]
        distinct = {key: index for index, key in enumerate(dict.fromkeys(keys))}
        group_of_class = tuple(distinct[key] for key in keys)
        sizes = np.bincount(group_of_class, minlength=len(distinct)).tolist()
        groups = tuple(Group(size, *key) for size, key in zip(sizes, distinct, strict=True))
        kind = "class" if self.norm_weights == "class" else "given"
        in_order = None if list(group_of_class) == sorted(group_of_class) else group_of_class
        return self._posed_again(Classes(groups, kind, in_order))

    def __repr__(self) -> str:
        groups = ",".join(f"{group.classes}x{group.samples:g}" for group in self.groups)
        numbers = "".join(f", {name}={value:g}" for name, value in self._numbers.items())
        weights = "" if self.norm_weights == "class" else f", norm_weights={self.norm_weights!r}"
        bias = "" if self.bias_penalty is None else f", bias_penalty={self.bias_penalty:g}"
        smoothing = f", label_smoothing={self.label_smoothing:g}" if self.label_smoothing else ""
        return f"{type(self).__name__}({groups}{numbers}, loss={self.loss!r}{weights}{bias}{smoothing}{self._changes()})"

    def _changes(self) -> str:
        """The logits' scales, shifts and margins, one per group, where there are any."""
        columns = zip(
            ("logit_scale", "logit_shift", "margins"), NEUTRAL, zip(*(g.adjustment for g in self.groups), strict=True), strict=True
        )
        return "".join(f", {name}=({', '.join(f'{each:g}' for each in values)})" for name, none, values in columns if set(values) != {none})

    @property
    def _numbers(self) -> dict[str, float]:
        """What one form of the program has and the other has not, by name."""
        return {name: getattr(self, name) for name in type(self).__dataclass_fields__ if name not in Program.__dataclass_fields__}

    @cached_property
    def num_classes(self) -> int:
        """K."""
        return sum(group.classes for group in self.groups)

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Classes per group."""
        return tuple(group.classes for group in self.groups)

    @cached_property
    def weights(self) -> np.ndarray:
        """c_g = n_g/N of one class of each group."""
        samples = np.array([float(group.samples) for group in self.groups])
        return _fixed(samples / (samples @ np.array(self.sizes, dtype=float)))

    @cached_property
    def scales(self) -> Float[np.ndarray, " G"]:
        """d_g, the weight on the nuclear norm of one class of each group."""
        return _fixed(np.array([group.norm_weight for group in self.groups]))

    @cached_property
    def unweighted(self) -> bool:
        """Whether d = 1, there is no bias, and the loss sees labels and logits as they are."""
        return self.bias_penalty is None and not self.adjusted and all(group.norm_weight == 1.0 for group in self.groups)

    @cached_property
    def adjusted(self) -> bool:
        """Whether labels are smoothed, or logits scaled, shifted or held to a margin."""
        return self.label_smoothing > 0.0 or any(group.adjustment != NEUTRAL for group in self.groups)

    @cached_property
    def loss_function(self) -> Loss:
        """L with everything that changes it."""
        if not self.adjusted:
            return LOSSES[self.loss]
        scale, shift, margin = np.array([group.adjustment for group in self.groups], dtype=float).T
        return AdjustedCrossEntropy(self.sizes, scale, shift, margin, self.label_smoothing)

    def seen(self, logits: GroupMatrix) -> GroupMatrix:
        """The logits as the loss sees them, scaled, shifted and less the margins."""
        loss = self.loss_function
        return loss.adjusted(logits) if isinstance(loss, AdjustedCrossEntropy) else logits

    @cached_property
    def logit_scale(self) -> Float[np.ndarray, " G"]:
        """Δ_g, the factor on the logits of one class of each group before the loss."""
        return _fixed(np.array([group.adjustment.scale for group in self.groups]))

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

    def centred(self, matrix: GroupMatrix) -> GroupMatrix:
        """The rows without what cross-entropy does not notice, multiples of 1/Δ: the shortest of equal value."""
        if all(group.adjustment.scale == 1.0 for group in self.groups):
            return matrix.centred()
        direction = np.sqrt(np.asarray(self.sizes, dtype=float)) / self.logit_scale
        direction /= np.linalg.norm(direction)
        return GroupMatrix(matrix.sizes, matrix.inner, matrix.outer - np.outer(matrix.outer @ direction, direction))

    @property
    def class_order(self) -> np.ndarray:
        """For every class as given, its place in group order."""
        if self.group_of_class is None:
            return np.arange(self.num_classes)
        return np.argsort(np.argsort(np.array(self.group_of_class), kind="stable"), kind="stable")


def _fixed(values: Float[np.ndarray, " G"]) -> Float[np.ndarray, " G"]:
    """The same, not to be changed by those who share it."""
    values.setflags(write=False)
    return values


def require_way(by: Any) -> None:
    """Check that a way to make samples count more is known.

    Args:
        by: its name.

    Raises:
        UnusableInput: otherwise.

    Example:
        >>> require_way("weights")
    """
    if by not in WAYS:
        raise UnusableInput(f"by={by!r} is unknown: samples count more by one of {', '.join(WAYS)}; choose one of these.")


def require_unweighted(problem: Program, what: str) -> None:
    """Check that d = 1, and that there is no bias and nothing that changes the loss.

    Raises:
        UnusableInput: otherwise.
    """
    if not problem.unweighted:
        raise UnusableInput(
            f"{what} does not cover {problem!r}: it needs d = 1 in the nuclear norm, no bias and the plain loss; leave norm_weights and "
            "bias_penalty out, and what changes labels or logits."
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
