"""Class means of labelled features, how far each can be trusted, and what is left without them."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import pdist

from layerpeel.array_words import Float, Int, Shaped
from layerpeel.numerics._validated import validated
from layerpeel.numerics.equi_separation._labels import coarsest_eps, count_classes, require_every_class, require_labelled, require_labels

STORED_ROUNDINGS = 2.0
"""How wrong a sample is by being stored with machine epsilon ε, relative to its size, in units of ε: one storing costs 0.2 in the root mean
square. Half-precision features, stored after each of sixteen linear layers, moved class means by 0.4 in units of the bound below."""

ARITHMETIC_ROUNDINGS = 6.0
"""How wrong it is by the arithmetic before, in units of ε, or of that of single precision if that is finer, since products of halves are
summed in single precision. These errors need not cancel between samples: in single precision, class means behind one linear layer moved by
1.3 in the same units, behind four by 3, behind sixteen in a row by 6; the sum of both constants, 8, is above."""

SUM_ROUNDINGS = 8.0
"""What summing a class in doubles adds to its mean, in roundings of the norm of its samples; the grand mean is taken out before."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ClassSpread:
    """How labelled features lie around their class means.

    Args:
        counts: n_k ≥ 1.
        means: x̄_k, one row per class.
        variances: v_k = (1/n_k) Σ_i ‖x_ki − x̄_k‖².
        eps: machine epsilon of the coarsest type in which the features were stored.
    """

    counts: Int[np.ndarray, " K"]
    means: Float[np.ndarray, "K p"]
    variances: Float[np.ndarray, " K"]
    eps: float = float(np.finfo(float).eps)

    @property
    def second_moments(self) -> Float[np.ndarray, " K"]:
        """m_k = (1/n_k) Σ_i ‖x_ki‖²."""
        return self.variances + (self.means**2).sum(axis=1)

    @property
    def energy(self) -> float:
        """E_H as the Layer-Peeled Model defines it, (1/K) Σ_k (1/n_k) Σ_i ‖x_ki‖²."""
        return float(np.mean(self.second_moments))

    @property
    def roundoff(self) -> float:
        """u, the relative error of a stored sample: 2 ε + 6 min(ε, 2⁻²³)."""
        return STORED_ROUNDINGS * self.eps + ARITHMETIC_ROUNDINGS * min(self.eps, float(np.finfo(np.float32).eps))

    @property
    def mean_errors(self) -> Float[np.ndarray, " K"]:
        """How far each class mean may lie from that of the features before they were rounded, in norm: u √(m_k/a_k), u the `roundoff`.

        A sample is off by u ‖x‖. Samples that differ by more than their rounding are rounded independently, and the errors of a_k = n_k
        of them average; samples that coincide share one error, so a_k = 1. The doubles in which the sums are taken add their own.
        """
        moments = self.second_moments
        averaged = np.where(self.variances > self.eps**2 * moments, self.counts, 1)
        stored = self.roundoff * np.sqrt(moments / averaged)
        return stored + SUM_ROUNDINGS * np.finfo(float).eps * np.sqrt(moments)

    @property
    def coinciding(self) -> list[tuple[int, int]]:
        """Pairs of classes whose means differ by no more than the rounding of both."""
        first, second = np.triu_indices(len(self.means), 1)
        errors = self.mean_errors
        near = pdist(self.means) <= errors[first] + errors[second]
        return list(zip(first[near].tolist(), second[near].tolist(), strict=True))


@dataclass(frozen=True, kw_only=True, eq=False)
class CentredFeatures(ClassSpread):
    """Labelled features in memory, without their class means: what `separation_of` and `collapse_of` both start from.

    Args:
        features: one row per sample, in doubles.
        labels: class numbers from 0.
        residuals: x_ki − x̄_k.
    """

    features: Float[np.ndarray, "n p"]
    labels: Int[np.ndarray, " n"]
    residuals: Float[np.ndarray, "n p"]


@validated
def centred_features(
    features: Shaped[np.ndarray, "..."], labels: Shaped[np.ndarray, "..."], *, eps: float | None = None
) -> CentredFeatures:
    """Check labelled features and take out their class means.

    Args:
        features: n × p, one row per sample.
        labels: n class numbers from 0.
        eps: machine epsilon of the type in which they were stored, where it is coarser than that of the array: 2⁻⁷ for bfloat16.

    Raises:
        UnusableInput: for unusable arrays, a class without samples, a single class, or an epsilon outside [0, 1).

    Example:
        >>> centred_features(np.array([[1.0], [3.0], [5.0]]), np.array([0, 0, 1])).residuals.ravel().tolist()
        [-1.0, 1.0, 0.0]
    """
    data, classes = require_labelled(features, labels)
    counts, means = class_means(data, classes, count_classes(classes))
    require_every_class(counts)
    residuals = class_residuals(data, classes, means)
    squares = np.bincount(classes, weights=np.einsum("ij,ij->i", residuals, residuals), minlength=len(counts))
    return CentredFeatures(
        counts=counts,
        means=means,
        variances=squares / counts,
        eps=coarsest_eps(features.dtype, eps),
        features=data,
        labels=classes,
        residuals=residuals,
    )


@validated
def feature_energy(features: Shaped[np.ndarray, "..."], labels: Shaped[np.ndarray, "..."]) -> float:
    """E_H as the Layer-Peeled Model defines it.

        E_H = (1/K) Σ_k (1/n_k) Σ_i ‖h_ki‖².

    Args:
        features: n × p, one row h_ki per sample.
        labels: n class numbers from 0.

    Raises:
        UnusableInput: for unusable arrays, a class without samples, or a single class.

    Source: fang2021, equation (7).

    Example:
        >>> feature_energy(np.array([[1.0], [1.0], [2.0]]), np.array([0, 0, 1]))
        2.5
    """
    return centred_features(features, labels).energy


@validated
def between_factor(counts: Int[np.ndarray, " K"], means: Float[np.ndarray, "K p"]) -> Float[np.ndarray, "K p"]:
    """A factor of the between-class scatter.

        A with rows √(n_k/n) (x̄_k − x̄):   SSB = (1/n) Σ_k n_k (x̄_k − x̄)(x̄_k − x̄)ᵀ = AᵀA,   x̄ the mean of all samples.

    Args:
        counts: K numbers n_k ≥ 1.
        means: x̄_k, K × p.

    Returns:
        A, K × p.

    Raises:
        UnusableInput: for arguments that are no arrays of numbers, counts that are not whole, or different K.

    Source: he2023, equation (1).

    Example:
        >>> between_factor(np.array([1, 1]), np.array([[0.0], [2.0]])).round(6).ravel().tolist()
        [-0.707107, 0.707107]
    """
    shares = counts / counts.sum()
    return np.sqrt(shares)[:, None] * (means - shares @ means)


@validated
def class_means(
    features: Float[np.ndarray, "n p"], labels: Int[np.ndarray, " n"], num_classes: int
) -> tuple[Int[np.ndarray, " K"], Float[np.ndarray, "K p"]]:
    """Counts n_k and means x̄_k (zero for a class without samples).

    The mean of all samples is taken out first, so an offset common to all classes costs no digits of their differences.

    Args:
        features: n × p, one row per sample.
        labels: n class numbers from 0.
        num_classes: K ≥ 1.

    Returns:
        The counts (K) and the means (K × p).

    Raises:
        UnusableInput: for arrays that do not fit, and labels that are not whole or outside 0 … K − 1.

    Example:
        >>> class_means(np.array([[1.0], [3.0], [5.0]]), np.array([0, 0, 1]), 2)[1].ravel().tolist()
        [2.0, 5.0]
    """
    counts = np.bincount(require_labels(labels, num_classes=num_classes), minlength=num_classes)
    if not len(labels):
        return counts, np.zeros((num_classes, features.shape[1]))
    order = np.argsort(labels, kind="stable")
    middle = features.mean(axis=0)
    means = np.zeros((num_classes, features.shape[1]))
    present = counts > 0
    starts = np.concatenate([[0], np.cumsum(counts)])[:-1][present]
    shifted = features[order]
    shifted -= middle
    means[present] = np.add.reduceat(shifted, starts, axis=0) / counts[present, None] + middle
    return counts, means


def class_residuals(
    features: Float[np.ndarray, "n p"], labels: Int[np.ndarray, " n"], means: Float[np.ndarray, "K p"]
) -> Float[np.ndarray, "n p"]:
    """x_ki − x̄_k, with one array of that size and no second.

    Example:
        >>> class_residuals(np.array([[1.0], [3.0]]), np.array([0, 0]), np.array([[2.0]])).ravel().tolist()
        [-1.0, 1.0]
    """
    residuals = means[labels]
    return np.subtract(features, residuals, out=residuals)
