"""Class means and within-class scatter in one pass, without holding the data."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Shaped

from numerics._inputs import UnusableInput, require_whole

LARGEST = 1e150
"""Features and weights are squared, and the sums of these squares must be doubles."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ClassStatistics:
    """Counts n_k, means x̄_k and the within-class scatter SSW = (1/n) Σ_k Σ_i (x_ki − x̄_k)(x_ki − x̄_k)ᵀ of labelled features.

    Args:
        counts: n_k ≥ 1.
        means: x̄_k, one row per class.
        within: SSW, p×p.
        variances: v_k = (1/n_k) Σ_i ‖x_ki − x̄_k‖².
    """

    counts: Int[np.ndarray, " K"]
    means: Float[np.ndarray, "K p"]
    within: Float[np.ndarray, "p p"]
    variances: Float[np.ndarray, " K"]

    @property
    def energy(self) -> float:
        """E_H as the Layer-Peeled Model defines it, (1/K) Σ_k (1/n_k) Σ_i ‖x_ki‖²."""
        return float(np.mean(self.variances + (self.means**2).sum(axis=1)))

    @property
    def between_factor(self) -> Float[np.ndarray, "K p"]:
        """A with rows √(n_k/n) (x̄_k − x̄), so that SSB = AᵀA: its rank is at most K − 1 by construction, not by a tolerance."""
        return between_factor(self.counts, self.means)


def between_factor(counts: Int[np.ndarray, " K"], means: Float[np.ndarray, "K p"]) -> Float[np.ndarray, "K p"]:
    """A with SSB = (1/n) Σ_k n_k (x̄_k − x̄)(x̄_k − x̄)ᵀ = AᵀA, where x̄ is the mean of all samples.

    Example:
        >>> between_factor(np.array([1, 1]), np.array([[0.0], [2.0]])).round(6).ravel().tolist()
        [-0.707107, 0.707107]
    """
    shares = counts / counts.sum()
    return np.sqrt(shares)[:, None] * (means - shares @ means)


class ClassMoments:
    """Accumulates class means and within-class scatter batch by batch (update, merge, compute, reset).

    Each batch is centred at its own class means before it is squared, and batches are merged by the pairwise rule

        S = S_1 + S_2 + Σ_k (n_1k n_2k/(n_1k + n_2k)) δ_k δ_kᵀ,     δ_k = difference of the class means,

    so a large common offset costs no digits, as it would in E[xxᵀ] − E[x]E[x]ᵀ. Memory is p² + Kp doubles whatever n is.

    Args:
        num_classes: K ≥ 1.
        num_features: p ≥ 1.
        state: the `state` of an accumulator of this size, to go on from where it stood; used as it is, not copied.

    Raises:
        UnusableInput: for sizes that are not whole numbers ≥ 1, or a state of another size.

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
        size = self._classes * (2 + self._features) + self._features**2
        self._state = np.zeros(size) if state is None else state
        self._counts, self._squares, self._means, self._scatter = self._parts(self._state)

    @property
    def state(self) -> Float[np.ndarray, " m"]:
        """Everything seen so far as one vector: n_k, Σ_i ‖x_ki − x̄_k‖², x̄_k and the unnormalised scatter."""
        return self._state

    def reset(self) -> None:
        """Forget everything seen so far."""
        self._state[:] = 0.0

    def update(self, features: Shaped[np.ndarray, "n p"], labels: Shaped[np.ndarray, " n"]) -> None:
        """Add a batch.

        Raises:
            UnusableInput: for features that are not finite or of another width, or labels outside 0 … K−1.
        """
        batch, labels = require_labelled(features, labels, num_classes=self._classes, num_features=self._features)
        counts, means = class_means(batch, labels, self._classes)
        residuals = class_residuals(batch, labels, means)
        squares = np.bincount(labels, weights=np.einsum("ij,ij->i", residuals, residuals), minlength=self._classes)
        self._add(counts, squares, means, residuals.T @ residuals)

    def merge(self, state: Float[np.ndarray, " m"]) -> None:
        """Add everything that another accumulator of the same size has seen, given its `state`.

        Raises:
            UnusableInput: for a state of another size.

        Example:
            >>> first, second = ClassMoments(1, 1), ClassMoments(1, 1)
            >>> first.update(np.array([[0.0]]), np.array([0]))
            >>> second.update(np.array([[4.0]]), np.array([0]))
            >>> first.merge(second.state)
            >>> first.state.round(12).tolist()
            [2.0, 8.0, 2.0, 8.0]
        """
        self._add(*self._parts(state))

    def _parts(
        self, state: Float[np.ndarray, " m"]
    ) -> tuple[Float[np.ndarray, " K"], Float[np.ndarray, " K"], Float[np.ndarray, "K p"], Float[np.ndarray, "p p"]]:
        """Counts, squares, means and scatter as views of the state: what is added to them is added to it."""
        sizes = self._classes, self._classes, self._classes * self._features, self._features**2
        if state.shape != (sum(sizes),) or state.dtype != np.float64:
            raise UnusableInput(
                f"a state of type {state.dtype} and shape {state.shape} is not that of {self._classes} classes and {self._features} "
                f"features: it must hold {sum(sizes)} doubles; use the state of an accumulator of the same size."
            )
        counts, squares, means, scatter = np.split(state, np.cumsum(sizes)[:-1])
        return counts, squares, means.reshape(self._classes, self._features), scatter.reshape(self._features, self._features)

    def _add(
        self,
        counts: Shaped[np.ndarray, " K"],
        squares: Shaped[np.ndarray, " K"],
        means: Float[np.ndarray, "K p"],
        scatter: Float[np.ndarray, "p p"],
    ) -> None:
        """The pairwise rule."""
        shift = means - self._means
        total = np.maximum(self._counts + counts, 1)
        spread = np.sqrt(self._counts * counts / total)[:, None] * shift
        self._scatter += scatter + spread.T @ spread
        self._squares += squares + (spread**2).sum(axis=1)
        self._means += (counts / total)[:, None] * shift
        self._counts += counts

    def compute(self) -> ClassStatistics:
        """The statistics of everything seen since the last reset.

        Raises:
            UnusableInput: when a class has no sample.
        """
        counts = self._counts.astype(np.int64)
        require_every_class(counts)
        return ClassStatistics(
            counts=counts,
            means=self._means.copy(),
            within=self._scatter / counts.sum(),
            variances=self._squares / counts,
        )


def class_means(
    features: Float[np.ndarray, "n p"], labels: Int[np.ndarray, " n"], num_classes: int
) -> tuple[Int[np.ndarray, " K"], Float[np.ndarray, "K p"]]:
    """Counts n_k and means x̄_k (zero for a class without samples).

    The mean of all samples is taken out first, so an offset common to all classes costs no digits of their differences.

    Example:
        >>> class_means(np.array([[1.0], [3.0], [5.0]]), np.array([0, 0, 1]), 2)[1].ravel().tolist()
        [2.0, 5.0]
    """
    counts = np.bincount(labels, minlength=num_classes)
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


def require_labelled(
    features: Shaped[np.ndarray, "..."],
    labels: Shaped[np.ndarray, "..."],
    *,
    num_classes: int | None = None,
    num_features: int | None = None,
) -> tuple[Float[np.ndarray, "n p"], Int[np.ndarray, " n"]]:
    """Labelled features in double precision, checked once.

    Raises:
        UnusableInput: for arrays of the wrong shape, values that are not finite (with the first row), labels that are not whole
            numbers or lie outside 0 … K−1.

    Example:
        >>> require_labelled(np.ones((2, 3), dtype=np.float32), np.array([0, 1]))[0].dtype
        dtype('float64')
    """
    if features.ndim != 2 or labels.ndim != 1 or len(features) != len(labels) or features.shape[1] == 0:
        raise UnusableInput(
            f"features of shape {features.shape} and labels of shape {labels.shape} do not fit: they must be (n, p) with p >= 1 and (n,); "
            "flatten each sample to one row and give one label per row."
        )
    if num_features is not None and features.shape[1] != num_features:
        raise UnusableInput(
            f"a batch has {features.shape[1]} features where {num_features} were announced: all batches need the same width; use one "
            "accumulator per layer."
        )
    if not (np.issubdtype(features.dtype, np.floating) or np.issubdtype(features.dtype, np.integer)):
        raise UnusableInput(f"features of type {features.dtype} are not real numbers: give floating-point features.")
    converted = features.astype(np.float64, copy=False)
    usable = (np.abs(converted) <= LARGEST).all(axis=1)
    if not usable.all():
        row = int(np.argmin(usable))
        if np.isfinite(converted[row]).all():
            raise UnusableInput(f"row {row} of the features goes beyond {LARGEST:g}: squares must be doubles; scale the features.")
        raise UnusableInput(f"row {row} of the features is not finite: every value must be; drop or repair that sample.")
    if not (
        np.issubdtype(labels.dtype, np.integer) or (np.issubdtype(labels.dtype, np.floating) and np.array_equal(labels, np.floor(labels)))
    ):
        raise UnusableInput(f"labels of type {labels.dtype} are not whole numbers: give one class number from 0 per sample.")
    whole = labels.astype(np.int64, copy=False)
    if len(whole) and (whole.min() < 0 or (num_classes is not None and whole.max() >= num_classes)):
        wrong = int(np.argmax((whole < 0) | (whole >= (num_classes or np.inf))))
        ceiling = f"{num_classes - 1}" if num_classes is not None else "K - 1"
        raise UnusableInput(
            f"label {whole[wrong]} of sample {wrong} is outside 0 ... {ceiling}: classes are numbered from 0; renumber them."
        )
    return converted, whole


def count_classes(labels: Int[np.ndarray, " n"]) -> int:
    """K as the labels tell it, the largest label plus one.

    Raises:
        UnusableInput: when there are fewer samples than that, so that some class has none.

    Example:
        >>> count_classes(np.array([0, 2, 1, 1]))
        3
    """
    count = int(labels.max()) + 1 if len(labels) else 0
    if count > len(labels):
        empty = int(np.setdiff1d(np.arange(len(labels)), labels)[0])
        raise UnusableInput(f"class {empty} has no sample: each of 0 ... {count - 1} needs one; renumber the labels or add samples.")
    return count


def require_scatter(counts: Int[np.ndarray, " K"]) -> None:
    """Check that some class has two samples: of single ones nobody knows how much they vary.

    Raises:
        UnusableInput: when every class has a single sample.
    """
    if counts.max() < 2:
        raise UnusableInput("every class has a single sample: the variance within classes needs two in some class; give more samples.")


def require_every_class(counts: Int[np.ndarray, " K"]) -> None:
    """Check that no class is empty and that there are two.

    Raises:
        UnusableInput: with the first empty class.
    """
    if len(counts) < 2:
        raise UnusableInput("one class leaves nothing to separate: at least 2 classes are needed; give samples of another class.")
    if not counts.all():
        raise UnusableInput(
            f"class {int(np.argmin(counts))} has no sample: each of 0 ... {len(counts) - 1} needs one; renumber the labels or add samples."
        )
