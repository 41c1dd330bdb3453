"""The noise of the locally elastic SDE: how much covariance Brownian motion adds to each class per unit of time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics._inputs import UnusableInput, require_whole
from layerpeel.numerics.locally_elastic._antiderivative import antiderivative
from layerpeel.numerics.locally_elastic._rates import Rate, as_rate

LEAST_EIGENVALUE = -1e-12
"""Eigenvalues of a covariance above this share of the largest are rounding of zero: eigvalsh is accurate to a few eps."""

LARGEST_DEVIATION = 1e100
"""The squares of larger noise, gathered over time, might leave the doubles."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Noise:
    """Σ_k(t), the covariance that class k's features gain per unit of time.

    Made by `as_noise`.

    Args:
        deviations: σ_k(t) ≥ 0, one rate per class, with Σ_k = σ_k² I; None when Σ_k is a matrix.
        covariance: Σ_k(t), an array of shape (K, p, p) for each of a list of times; None when the noise is isotropic.
        constant: whether Σ_k(t) is the same at all times.
    """

    num_classes: int
    num_features: int
    deviations: tuple[Rate, ...] | None
    covariance: Callable[[np.ndarray], np.ndarray] | None
    constant: bool

    def at(self, times: Float[np.ndarray, " T"]) -> Float[np.ndarray, "T K p p"]:
        """Σ_k(t).

        Raises:
            UnusableInput: where it is negative.
        """
        if self.covariance is not None:
            return _require_psd(self.covariance(times), times)
        return self.variances(times)[:, :, None, None] * np.eye(self.num_features)

    def variances(self, times: Float[np.ndarray, " T"]) -> Float[np.ndarray, "T K"]:
        """σ_k(t)², for isotropic noise.

        Raises:
            UnusableInput: where σ_k is negative or beyond 1e100.
        """
        if self.deviations is None:
            raise ValueError("noise given by matrices has no single variance; use .at.")
        values = np.stack([rate.value(times) for rate in self.deviations], axis=1)
        wrong = (values < 0.0) | (values > LARGEST_DEVIATION)
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            raise UnusableInput(
                f"the noise of class {column + 1} is {values[row, column]:.6g} at t = {times[row]:.6g}: it must be >= 0 and at most "
                f"{LARGEST_DEVIATION:g}; correct it."
            )
        return values**2

    def accumulated(self, times: Float[np.ndarray, " T"]) -> Float[np.ndarray, "T K p p"]:
        """∫_0^t Σ_k, the covariance of the noise gathered up to each time."""
        if self.deviations is not None:
            return self.accumulated_variances(times)[:, :, None, None] * np.eye(self.num_features)
        if self.constant:
            return times[:, None, None, None] * self.at(np.zeros(1))
        return antiderivative(self.at, float(times.max()), what="the noise")(times)

    def accumulated_variances(self, times: Float[np.ndarray, " T"]) -> Float[np.ndarray, "T K"]:
        """∫_0^t σ_k², for isotropic noise."""
        if self.constant:
            return times[:, None] * self.variances(np.zeros(1))
        breaks = np.concatenate([rate.breaks for rate in self.deviations or ()])
        return antiderivative(self.variances, float(times.max()), breaks=breaks, what="the noise")(times)


def as_noise(source: Any, num_classes: int, num_features: int) -> Noise:
    """Noise from whatever describes it.

    Args:
        source: a standard deviation σ per root of time, the same for every class and direction: anything that `as_rate` takes; a list of K
            of these, one per class; or a covariance Σ: an array, p × p or K × p × p, or a callable that returns one at each time.
        num_classes: K ≥ 1.
        num_features: p ≥ 1.

    Raises:
        UnusableInput: for negative noise, for other shapes, and for what `as_rate` refuses.

    Source: zhang2021, equation (2) of the slides (Σ).

    Example:
        >>> as_noise([1.0, "2/(1 + t)"], 2, 3).variances(np.array([0.0, 1.0])).tolist()
        [[1.0, 4.0], [1.0, 1.0]]
    """
    num_classes = require_whole(num_classes, "the number of classes", remedy="correct it")
    num_features = require_whole(num_features, "the number of features", remedy="correct it")
    shape = (num_classes, num_features, num_features)
    source = source.item() if isinstance(source, np.ndarray) and source.ndim == 0 else source
    if isinstance(source, np.ndarray) and source.ndim >= 2:
        covariance = _shaped(source, shape)
        return _checked(
            Noise(
                num_classes=num_classes,
                num_features=num_features,
                deviations=None,
                covariance=lambda times: np.broadcast_to(covariance, (len(times), *shape)),
                constant=True,
            )
        )
    if callable(source) and np.asarray(source(0.0)).ndim >= 2:
        return _checked(
            Noise(
                num_classes=num_classes,
                num_features=num_features,
                deviations=None,
                covariance=lambda times: np.stack([_shaped(source(time), shape) for time in times.tolist()]),
                constant=False,
            )
        )
    if isinstance(source, np.ndarray) or (isinstance(source, Sequence) and not isinstance(source, str) and not _is_sampled(source)):
        if len(source) != num_classes:
            raise UnusableInput(
                f"noise is given for {len(source)} classes: it must be one number or one for each of {num_classes}; correct it."
            )
        rates = tuple(as_rate(one) for one in source)
    else:
        rates = (as_rate(source),) * num_classes
    constant = all(rate.expression is not None and not rate.expression.free_symbols for rate in rates)
    return _checked(Noise(num_classes=num_classes, num_features=num_features, deviations=rates, covariance=None, constant=constant))


def _is_sampled(source: Sequence[Any]) -> bool:
    return len(source) == 2 and all(np.ndim(part) == 1 for part in source)


def _checked(noise: Noise) -> Noise:
    """Noise that is not negative at the start; later times are looked at when they are needed."""
    if noise.deviations is None:
        noise.at(np.zeros(1))
    else:
        noise.variances(np.zeros(1))
    return noise


def _shaped(covariance: Any, shape: tuple[int, int, int]) -> np.ndarray:
    matrices = np.asarray(covariance, dtype=float)
    if matrices.shape not in {shape, shape[1:]}:
        raise UnusableInput(
            f"a noise covariance has shape {matrices.shape}: it must be {shape[1:]}, or {shape} for one per class; correct it."
        )
    return np.broadcast_to(matrices, shape)


def _require_psd(covariances: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Covariances that are finite, symmetric and positive semidefinite."""
    for covariance, time in zip(covariances.reshape(len(times), -1, *covariances.shape[-2:]), times.tolist(), strict=True):
        require_covariance(covariance, f"the noise covariance at t = {time:.6g}")
    return covariances


def require_covariance(covariances: np.ndarray, what: str) -> None:
    """Check a stack of matrices: finite, symmetric, positive semidefinite.

    Raises:
        UnusableInput: otherwise.
    """
    if not np.isfinite(covariances).all():
        raise UnusableInput(f"{what} has entries that are not finite numbers: all must be; correct them.")
    size = np.abs(covariances).max(initial=0.0)
    if not (np.abs(covariances - np.swapaxes(covariances, -1, -2)) <= -LEAST_EIGENVALUE * size).all():
        raise UnusableInput(f"{what} is not symmetric: a covariance must be; correct it.")
    least = np.linalg.eigvalsh(covariances).min(initial=0.0)
    if least < LEAST_EIGENVALUE * size:
        raise UnusableInput(f"{what} has the eigenvalue {least:.6g}: a covariance has none below 0; correct it.")
