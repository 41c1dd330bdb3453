"""Labelled features at the edge: shapes, types, finite values, and samples of every class."""

import numpy as np

from layerpeel.array_words import Float, Int, Shaped
from layerpeel.numerics._inputs import UnusableInput
from layerpeel.numerics._validated import validated

LARGEST = 1e150
"""Features and weights are squared, and the sums of these squares must be doubles."""


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
    if num_features is None and 0.0 < np.abs(converted).max(initial=0.0) < 1 / LARGEST:
        raise UnusableInput(f"all features lie below {1 / LARGEST:g}: squares must be doubles; scale the features.")
    usable = (np.abs(converted) <= LARGEST).all(axis=1)
    if not usable.all():
        row = int(np.argmin(usable))
        if np.isfinite(converted[row]).all():
            raise UnusableInput(f"row {row} of the features goes beyond {LARGEST:g}: squares must be doubles; scale the features.")
        raise UnusableInput(f"row {row} of the features is not finite: every value must be; drop or repair that sample.")
    return converted, require_labels(labels, num_classes=num_classes)


def require_labels(labels: Shaped[np.ndarray, "..."], *, num_classes: int | None = None) -> Int[np.ndarray, " n"]:
    """Class numbers from 0, whatever type of number they are stored in.

    Args:
        labels: n numbers.
        num_classes: K; without it every whole number from 0 on will do.

    Returns:
        The labels as whole numbers of 64 bits.

    Raises:
        UnusableInput: for labels that are not whole numbers, or lie outside 0 … K−1; the first is named as it is.

    Example:
        >>> require_labels(np.array([0.0, 1.0])).tolist()
        [0, 1]
    """
    if labels.ndim != 1:
        raise UnusableInput(f"labels of shape {labels.shape} are no list: there must be one label per sample; flatten them.")
    if labels.dtype.kind not in "iuf" or (labels.dtype.kind == "f" and not np.array_equal(labels, np.floor(labels))):
        raise UnusableInput(f"labels of type {labels.dtype} are not whole numbers: give one class number from 0 per sample.")
    outside = (labels < 0) | (labels >= (2**53 if num_classes is None else num_classes))
    if outside.any():
        wrong = int(np.argmax(outside))
        ceiling = "K - 1" if num_classes is None else f"{num_classes - 1}"
        raise UnusableInput(
            f"label {int(labels[wrong])} of sample {wrong} is outside 0 ... {ceiling}: classes are numbered from 0; renumber them."
        )
    return labels.astype(np.int64, copy=False)


@validated
def count_classes(labels: Int[np.ndarray, " n"]) -> int:
    """K as the labels tell it, the largest label plus one.

    Args:
        labels: n class numbers from 0.

    Raises:
        UnusableInput: for labels that are not whole, and when there are fewer samples than K, so that some class has none.

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

    Args:
        counts: K numbers of samples, ≥ 0.

    Raises:
        UnusableInput: with the first empty class, or for fewer than two classes.

    Example:
        >>> require_every_class(np.array([3, 0]))
        Traceback (most recent call last):
            ...
        layerpeel.numerics._inputs.UnusableInput: class 1 has no sample: each of 0 ... 1 needs one; renumber the labels or add samples.
    """
    if len(counts) < 2:
        raise UnusableInput("one class leaves nothing to separate: at least 2 classes are needed; give samples of another class.")
    if not counts.all():
        raise UnusableInput(
            f"class {int(np.argmin(counts))} has no sample: each of 0 ... {len(counts) - 1} needs one; renumber the labels or add samples."
        )


def coarsest_eps(kind: np.dtype, eps: float | None) -> float:
    """Machine epsilon of stored features: that of their type, or `eps` where it is coarser; whole numbers are exact.

    Raises:
        UnusableInput: for an epsilon that is not between 0 and 1.

    Example:
        >>> coarsest_eps(np.dtype(np.float32), None) == 2.0**-23, coarsest_eps(np.dtype(np.float32), 2.0**-7) == 2.0**-7
        (True, True)
    """
    if eps is not None and not 0.0 <= eps < 1.0:
        raise UnusableInput(f"the machine epsilon is {eps!r}: it must lie between 0 and 1; give that of the type, 0.0078125 for bfloat16.")
    own = float(np.finfo(kind).eps) if np.issubdtype(kind, np.floating) else 0.0
    return max(own, eps or 0.0, float(np.finfo(float).eps))
