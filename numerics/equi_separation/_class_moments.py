"""Class means and within-class scatter in one pass, without holding the data."""

from dataclasses import dataclass

import numpy as np

from layerpeel.array_words import Float, Shaped
from layerpeel.numerics._inputs import UnusableInput, require_whole
from layerpeel.numerics._memory import require_memory
from layerpeel.numerics.equi_separation._class_means import ClassSpread, between_factor, class_means, class_residuals
from layerpeel.numerics.equi_separation._labels import LARGEST, coarsest_eps, require_every_class, require_labelled


@dataclass(frozen=True, kw_only=True, eq=False)
class ClassStatistics(ClassSpread):
    """Counts n_k, means x̄_k, variances and the within-class scatter SSW = (1/n) Σ_k Σ_i (x_ki − x̄_k)(x_ki − x̄_k)ᵀ of labelled features.

    Args:
        within: SSW, p×p.
    """

    within: Float[np.ndarray, "p p"]

    @property
    def between_factor(self) -> Float[np.ndarray, "K p"]:
        """A with rows √(n_k/n) (x̄_k − x̄), so that SSB = AᵀA: its rank is at most K − 1 by construction, not by a tolerance."""
        return between_factor(self.counts, self.means)


class ClassMoments:
    """Accumulates class means and within-class scatter batch by batch (update, merge, compute, reset).

    Each batch is centred at its own class means before it is squared, and batches are merged by the pairwise rule

        S = S_1 + S_2 + Σ_k (n_1k n_2k/(n_1k + n_2k)) δ_k δ_kᵀ,     δ_k = difference of the class means,

    so a large common offset costs no digits, as it would in E[xxᵀ] − E[x]E[x]ᵀ. Memory is p² + Kp doubles whatever n is. The coarsest type
    of the features is remembered: what is rounding and what is signal depends on it.

    Args:
        num_classes: K ≥ 1.
        num_features: p ≥ 1.
        state: the `state` of an accumulator of this size, to go on from where it stood; used as it is, not copied.

    Raises:
        UnusableInput: for sizes that are not whole numbers ≥ 1 or do not fit in memory, or a state of another size.

    Source: chan1983, equation (2.1), for several classes at once.

    Example:
        >>> moments = ClassMoments(2, 1)
        >>> moments.update(np.array([[0.0], [2.0]]), np.array([0, 0]))
        >>> moments.update(np.array([[5.0]]), np.array([1]))
        >>> moments.compute().means.ravel().tolist()
        [1.0, 5.0]
    """

    def __init__(self, num_classes: int, num_features: int, state: Float[np.ndarray, " m"] | None = None) -> None:
        self._classes = require_whole(num_classes, "the number of classes", remedy="correct it")
        self._features = require_whole(num_features, "the number of features", remedy="correct it")
        size = self._classes * (2 + self._features) + self._features**2 + 1
        if state is None:
            need = 8.0 * self._classes * (2.0 + self._features) + 8.0 * self._features * self._features
            require_memory(need, f"moments of {self._features} features in {self._classes} classes", "use fewer of them")
        self._state = np.zeros(size) if state is None else state
        self._counts, self._squares, self._means, self._scatter, self._eps = self._parts(self._state)

    @property
    def state(self) -> Float[np.ndarray, " m"]:
        """Everything seen so far as one vector: n_k, Σ_i ‖x_ki − x̄_k‖², x̄_k, the unnormalised scatter, and the coarsest machine epsilon."""
        return self._state

    def reset(self) -> None:
        """Forget everything seen so far."""
        self._state[:] = 0.0

    def update(self, features: Shaped[np.ndarray, "n p"], labels: Shaped[np.ndarray, " n"], *, eps: float | None = None) -> None:
        """Add a batch.

        Args:
            features: one row per sample.
            labels: class numbers from 0.
            eps: machine epsilon of the type in which the features were stored, where it is coarser than that of the array.

        Raises:
            UnusableInput: for features that are not finite or of another width, or labels outside 0 … K−1.
        """
        batch, labels = require_labelled(features, labels, num_classes=self._classes, num_features=self._features)
        counts, means = class_means(batch, labels, self._classes)
        residuals = class_residuals(batch, labels, means)
        squares = np.bincount(labels, weights=np.einsum("ij,ij->i", residuals, residuals), minlength=self._classes)
        self._add(counts, squares, means, residuals.T @ residuals, np.array([coarsest_eps(features.dtype, eps)]))

    def merge(self, state: Float[np.ndarray, " m"]) -> None:
        """Add everything that another accumulator of the same size has seen, given its `state`.

        Raises:
            UnusableInput: for a state of another size.

        Example:
            >>> first, second = ClassMoments(1, 1), ClassMoments(1, 1)
            >>> first.update(np.array([[0.0]]), np.array([0]))
            >>> second.update(np.array([[4.0]]), np.array([0]))
            >>> first.merge(second.state)
            >>> first.state.round(12).tolist()[:4]
            [2.0, 8.0, 2.0, 8.0]
        """
        self._add(*self._parts(state))

    def _parts(
        self, state: Float[np.ndarray, " m"]
    ) -> tuple[
        Float[np.ndarray, " K"], Float[np.ndarray, " K"], Float[np.ndarray, "K p"], Float[np.ndarray, "p p"], Float[np.ndarray, " 1"]
    ]:
        """Counts, squares, means, scatter and epsilon as views of the state: what is added to them is added to it."""
        sizes = self._classes, self._classes, self._classes * self._features, self._features**2, 1
        if state.shape != (sum(sizes),) or state.dtype != np.float64:
            raise UnusableInput(
                f"a state of type {state.dtype} and shape {state.shape} is not that of {self._classes} classes and {self._features} "
                f"features: it must hold {sum(sizes)} doubles; use the state of an accumulator of the same size."
            )
        counts, squares, means, scatter, eps = np.split(state, np.cumsum(sizes)[:-1])
        return counts, squares, means.reshape(self._classes, self._features), scatter.reshape(self._features, self._features), eps

    def _add(
        self,
        counts: Shaped[np.ndarray, " K"],
        squares: Shaped[np.ndarray, " K"],
        means: Float[np.ndarray, "K p"],
        scatter: Float[np.ndarray, "p p"],
        eps: Float[np.ndarray, " 1"],
    ) -> None:
        """The pairwise rule."""
        shift = means - self._means
        total = np.maximum(self._counts + counts, 1)
        spread = np.sqrt(self._counts * counts / total)[:, None] * shift
        self._scatter += scatter + spread.T @ spread
        self._squares += squares + (spread**2).sum(axis=1)
        self._means += (counts / total)[:, None] * shift
        self._counts += counts
        np.maximum(self._eps, eps, out=self._eps)

    def compute(self) -> ClassStatistics:
        """The statistics of everything seen since the last reset.

        Raises:
            UnusableInput: when a class has no sample, or all means are so small that their squares vanish.
        """
        counts = self._counts.astype(np.int64)
        require_every_class(counts)
        if 0.0 < np.abs(self._means).max() < 1 / LARGEST:
            raise UnusableInput(f"all class means lie below {1 / LARGEST:g}: squares must be doubles; scale the features.")
        return ClassStatistics(
            counts=counts,
            means=self._means.copy(),
            within=self._scatter / counts.sum(),
            variances=self._squares / counts,
            eps=float(self._eps[0]),
        )
