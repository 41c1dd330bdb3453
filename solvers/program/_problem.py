"""The two forms of the program: a ball for the nuclear norm (two energies), or a penalty on it (two weight decays)."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from layerpeel.numerics import UnusableInput, require_positive
from layerpeel.solvers.program._adjustments import Adjustments
from layerpeel.solvers.program._classes import Classes, classes_from_counts, classes_from_groups, classes_from_imbalance
from layerpeel.solvers.program._program import Program, require_representable, root_of_product


@dataclass(frozen=True, kw_only=True, init=False, eq=False, repr=False)
class LayerPeeled(Program):
    """The Layer-Peeled Model of K classes with n_k samples, N = Σ n_k.

        min (1/N) Σ_k Σ_i L(W h_{k,i}, y_k)   s.t.   (1/K) Σ_k ‖w_k‖² ≤ E_W,   (1/K) Σ_k (1/n_k) Σ_i ‖h_{k,i}‖² ≤ E_H.

    Jensen's inequality puts every h_{k,i} at its class mean, and in the logits Z = H Wᵀ the program is convex:

        min_Z Σ_k (n_k/N) L(Z_k, k)   s.t.   ‖Z‖_* ≤ τ = K √(E_H E_W).

    E_H averages over classes there, as in the sources. With norm_weights="sample" it averages over samples, (1/N) Σ_k Σ_i ‖h_{k,i}‖² ≤ E_H,
    which is what one measures in a network, and what weight decay holds back. Both are one constraint with weights d_k:

        Σ_k d_k² ‖h_k‖² ≤ E_H Σ_k d_k²,   so that   ‖diag(d) Z‖_* ≤ τ = √(K E_W · E_H Σ_k d_k²).

    Args:
        counts: n_k ≥ 1, one whole number per class; classes with equal counts form a group.
        feature_energy: E_H > 0.
        weight_energy: E_W > 0.
        loss: "cross-entropy", "squared" (½‖z − e_k‖²) or "hinge" (Crammer–Singer).
        norm_weights: over what E_H averages: "class" (d_k = 1), "sample" (d_k = √n_k), or one positive number d_k per class, for the mean
            in which ‖h_k‖² has the weight d_k². A common factor of all d_k changes nothing.
        bias_penalty: λ_b > 0 adds a bias b to all logits and (λ_b/2)‖b‖² to the objective; no bias when not given.
        label_smoothing: δ in cross-entropy with labels (1 − δ) e_k + (δ/K) 1, every class and the true one among them, as PyTorch does.
        logit_scale: Δ_k > 0 in cross-entropy of Δ_j z_j (class-dependent temperatures 1/Δ, vector scaling): one number, or one per class.
        logit_shift: ι_k in cross-entropy of z_j + ι_j (logit adjustment; balanced softmax for ι = log n), likewise.
        margins: m_k ≥ 0, subtracted from the true class's logit (label-distribution-aware margins), likewise. Together the loss is
            cross-entropy with smoothed labels of u_j = Δ_j z_j + ι_j − m_k [j = k].

    Raises:
        UnusableInput: for fewer than two classes, counts that are not whole numbers ≥ 1, energies, weights or a bias penalty that
            are not positive and finite, an unknown loss, or labels and logits changed for another loss than cross-entropy.

    Source: fang2021, equation (7); su2024, "More on Layer-Peeled Model"; kini2021 (Δ and ι), ye2020 (Δ), menon2021 and ren2020 (ι),
        cao2019 (m), szegedy2016 (δ).

    Example:
        >>> LayerPeeled(counts=[100, 100, 10], feature_energy=5.0)
        LayerPeeled(2x100,1x10, feature_energy=5, weight_energy=1, loss='cross-entropy')
    """

    feature_energy: float
    weight_energy: float

    def __init__(
        self,
        *,
        counts: Iterable[Any],
        feature_energy: float,
        weight_energy: float = 1.0,
        loss: str = "cross-entropy",
        norm_weights: str | Iterable[float] = "class",
        bias_penalty: float | None = None,
        label_smoothing: float = 0.0,
        logit_scale: float | Iterable[float] | None = None,
        logit_shift: float | Iterable[float] | None = None,
        margins: float | Iterable[float] | None = None,
    ) -> None:
        changes = Adjustments(logit_scale, logit_shift, margins)
        super().__init__(
            classes_from_counts(counts, norm_weights, changes),
            loss,
            bias_penalty,
            label_smoothing,
            **_energies(feature_energy, weight_energy),
        )

    @classmethod
    def from_groups(
        cls,
        groups: Iterable[tuple[int, int]],
        *,
        feature_energy: float,
        weight_energy: float = 1.0,
        loss: str = "cross-entropy",
        norm_weights: str | Iterable[float] = "class",
        bias_penalty: float | None = None,
        label_smoothing: float = 0.0,
        logit_scale: float | Iterable[float] | None = None,
        logit_shift: float | Iterable[float] | None = None,
        margins: float | Iterable[float] | None = None,
    ) -> "LayerPeeled":
        """The same program from (classes, samples) pairs; nothing of size K is formed.

        Pairs with equal samples are merged. What is given per class comes once per pair.

        Raises:
            UnusableInput: as the constructor, and for a number of classes that is not a whole number ≥ 1.

        Example:
            >>> LayerPeeled.from_groups([(500_000, 100), (500_000, 10)], feature_energy=5.0).num_classes
            1000000
        """
        self, changes = object.__new__(cls), Adjustments(logit_scale, logit_shift, margins)
        Program.__init__(
            self,
            classes_from_groups(groups, norm_weights, changes),
            loss,
            bias_penalty,
            label_smoothing,
            **_energies(feature_energy, weight_energy),
        )
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
        norm_weights: str | Iterable[float] = "class",
        bias_penalty: float | None = None,
        label_smoothing: float = 0.0,
        logit_scale: float | Iterable[float] | None = None,
        logit_shift: float | Iterable[float] | None = None,
        margins: float | Iterable[float] | None = None,
    ) -> "LayerPeeled":
        """Two groups whose counts are in any real ratio R = n_A/n_B > 0: only ratios of counts matter, with either mean of the features.

        What is given per class comes twice, for the majority and the minority.

        Raises:
            UnusableInput: for class numbers below 1, or a ratio that is not positive and finite.

        Example:
            >>> LayerPeeled.from_imbalance(5, 5, 12.2, feature_energy=5.0).groups[0].samples
            12.2
        """
        self, changes = object.__new__(cls), Adjustments(logit_scale, logit_shift, margins)
        classes = classes_from_imbalance(majority, minority, imbalance, norm_weights, changes)
        Program.__init__(self, classes, loss, bias_penalty, label_smoothing, **_energies(feature_energy, weight_energy))
        return self

    @cached_property
    def radius(self) -> float:
        """τ = √(K E_W · E_H Σ_k d_k²), which is K √(E_H E_W) for d = 1."""
        per_class = self.num_classes * root_of_product(self.feature_energy, self.weight_energy)
        return per_class if self.norm_weights == "class" else per_class * math.sqrt(self.norm_mass / self.num_classes)

    @cached_property
    def norm_mass(self) -> float:
        """Σ_k d_k², over which E_H averages: K, or N."""
        return float(self.num_classes) if self.norm_weights == "class" else float(self.scales**2 @ np.asarray(self.sizes, dtype=float))

    @property
    def balance(self) -> float:
        """√(E_H Σ d_k²/(K E_W))."""
        per_class = math.sqrt(self.feature_energy / self.weight_energy)
        return per_class if self.norm_weights == "class" else per_class * math.sqrt(self.norm_mass / self.num_classes)

    @property
    def typical_value(self) -> float:
        """τ/K."""
        return self.radius / self.num_classes


def _energies(feature_energy: Any, weight_energy: Any) -> dict[str, float]:
    energies = require_positive(feature_energy, "feature energy"), require_positive(weight_energy, "weight energy")
    require_representable(root_of_product(*energies), "root of the energy product")
    return dict(zip(("feature_energy", "weight_energy"), energies, strict=True))


@dataclass(frozen=True, kw_only=True, init=False, eq=False, repr=False)
class UnconstrainedFeatures(Program):
    """The regularised unconstrained-features model of K classes with n_k samples, N = Σ n_k.

        min (1/N) Σ_k Σ_i L(W h_{k,i} + b, y_k) + (λ_W/2) ‖W‖² + (λ_H/2) Σ_k Σ_i ‖h_{k,i}‖² + (λ_b/2) ‖b‖².

    Jensen's inequality puts every h_{k,i} at its class mean; over the factors of Z = H Wᵀ, (λ_W/2)‖W‖² + (λ_H/2) Σ_k d_k² ‖h_k‖² has
    the least value λ‖diag(d) Z‖_*, so the program is convex:

        min_{Z,b} Σ_k (n_k/N) L(Z_k + b, k) + λ ‖diag(d) Z‖_* + (λ_b/2) ‖b‖²,    λ = √(λ_W λ_H),   d_k = √n_k.

    Weight decay λ is λ_W = λ and λ_H = λ/N: the classifier's squares are summed, the features' averaged over samples, so that multiples of
    all counts change nothing.

    Args:
        counts: n_k ≥ 1, one whole number per class; classes with equal counts form a group.
        feature_penalty: λ_H > 0.
        weight_penalty: λ_W > 0.
        weight_decay: λ > 0, in place of both penalties.
        loss: "cross-entropy", "squared" (½‖z − e_k‖²) or "hinge" (Crammer–Singer).
        norm_weights: "sample" for d_k = √n_k as above, "class" for d_k = 1 (features averaged per class: (λ_H/2) Σ_k ‖h_k‖²), or one
            positive number per class.
        bias_penalty: λ_b > 0; no bias when not given.
        label_smoothing: δ, as for `LayerPeeled`.
        logit_scale: Δ_k, likewise.
        logit_shift: ι_k, likewise.
        margins: m_k, likewise.

    Raises:
        UnusableInput: for fewer than two classes, counts that are not whole numbers ≥ 1, penalties or weights that are not positive
            and finite, neither or both of penalties and weight decay, weight decay with other norm weights, an unknown loss, or labels and
            logits changed for another loss than cross-entropy.

    Source: hong2023, the regularised model under cross-entropy; zhu2021 for balanced classes.

    Example:
        >>> UnconstrainedFeatures(counts=[100, 100, 10], feature_penalty=1e-3, weight_penalty=1e-3)
        UnconstrainedFeatures(2x100,1x10, feature_penalty=0.001, weight_penalty=0.001, loss='cross-entropy', norm_weights='sample')
    """

    feature_penalty: float
    weight_penalty: float

    def __init__(
        self,
        *,
        counts: Iterable[Any],
        feature_penalty: float | None = None,
        weight_penalty: float | None = None,
        weight_decay: float | None = None,
        loss: str = "cross-entropy",
        norm_weights: str | Iterable[float] = "sample",
        bias_penalty: float | None = None,
        label_smoothing: float = 0.0,
        logit_scale: float | Iterable[float] | None = None,
        logit_shift: float | Iterable[float] | None = None,
        margins: float | Iterable[float] | None = None,
    ) -> None:
        classes = classes_from_counts(counts, norm_weights, Adjustments(logit_scale, logit_shift, margins))
        penalties = _penalties(classes, feature_penalty, weight_penalty, weight_decay)
        super().__init__(classes, loss, bias_penalty, label_smoothing, **penalties)

    @classmethod
    def from_groups(
        cls,
        groups: Iterable[tuple[int, int]],
        *,
        feature_penalty: float | None = None,
        weight_penalty: float | None = None,
        weight_decay: float | None = None,
        loss: str = "cross-entropy",
        norm_weights: str | Iterable[float] = "sample",
        bias_penalty: float | None = None,
        label_smoothing: float = 0.0,
        logit_scale: float | Iterable[float] | None = None,
        logit_shift: float | Iterable[float] | None = None,
        margins: float | Iterable[float] | None = None,
    ) -> "UnconstrainedFeatures":
        """The same program from (classes, samples) pairs; nothing of size K is formed.

        Pairs with equal samples are merged. What is given per class comes once per pair.

        Raises:
            UnusableInput: as the constructor, and for a number of classes that is not a whole number ≥ 1.

        Example:
            >>> UnconstrainedFeatures.from_groups([(5, 100), (5, 10)], feature_penalty=4e-3, weight_penalty=1e-3).penalty
            0.002
        """
        self = object.__new__(cls)
        classes = classes_from_groups(groups, norm_weights, Adjustments(logit_scale, logit_shift, margins))
        penalties = _penalties(classes, feature_penalty, weight_penalty, weight_decay)
        Program.__init__(self, classes, loss, bias_penalty, label_smoothing, **penalties)
        return self

    @classmethod
    def from_imbalance(
        cls,
        majority: int,
        minority: int,
        imbalance: float,
        *,
        feature_penalty: float | None = None,
        weight_penalty: float | None = None,
        weight_decay: float | None = None,
        loss: str = "cross-entropy",
        norm_weights: str | Iterable[float] = "sample",
        bias_penalty: float | None = None,
        label_smoothing: float = 0.0,
        logit_scale: float | Iterable[float] | None = None,
        logit_shift: float | Iterable[float] | None = None,
        margins: float | Iterable[float] | None = None,
    ) -> "UnconstrainedFeatures":
        """Two groups of counts R and 1, in any real ratio R = n_A/n_B > 0; under weight decay only the ratio matters.

        What is given per class comes twice, for the majority and the minority.

        Raises:
            UnusableInput: as the constructor, for class numbers below 1, or a ratio that is not positive and finite.

        Example:
            >>> UnconstrainedFeatures.from_imbalance(3, 2, 6.0, weight_decay=0.02).feature_penalty
            0.001
        """
        self = object.__new__(cls)
        classes = classes_from_imbalance(majority, minority, imbalance, norm_weights, Adjustments(logit_scale, logit_shift, margins))
        penalties = _penalties(classes, feature_penalty, weight_penalty, weight_decay)
        Program.__init__(self, classes, loss, bias_penalty, label_smoothing, **penalties)
        return self

    @property
    def penalty(self) -> float:
        """λ = √(λ_W λ_H), the penalty on ‖diag(d) Z‖_*."""
        return math.sqrt(self.feature_penalty * self.weight_penalty)

    @property
    def balance(self) -> float:
        """√(λ_W/λ_H)."""
        return math.sqrt(self.weight_penalty / self.feature_penalty)

    @property
    def typical_value(self) -> float:
        """max d_k: logits of order one."""
        return float(self.scales.max())


def _penalties(classes: Classes, feature_penalty: Any, weight_penalty: Any, weight_decay: Any) -> dict[str, float]:
    if weight_decay is not None:
        if feature_penalty is not None or weight_penalty is not None:
            raise UnusableInput(
                f"both a weight decay of {weight_decay!r} and penalties are given: weight decay is both penalties, λ_W = λ and λ_H = λ/N; "
                "leave the others out."
            )
        if classes.norm_weights != "sample":
            raise UnusableInput(
                f"a weight decay of {weight_decay!r} is given with norm weights {classes.norm_weights!r}: it holds back the features of "
                "every sample alike; leave norm_weights out, or give feature_penalty and weight_penalty."
            )
        weight_penalty = require_positive(weight_decay, "weight decay")
        feature_penalty = weight_penalty / sum(group.classes * float(group.samples) for group in classes.groups)
    penalties = require_positive(feature_penalty, "feature penalty"), require_positive(weight_penalty, "weight penalty")
    require_representable(root_of_product(*penalties), "root of the product of penalties")
    return dict(zip(("feature_penalty", "weight_penalty"), penalties, strict=True))


Problem = LayerPeeled | UnconstrainedFeatures
"""Either form of the program."""

Form = TypeVar("Form", bound=Problem)
