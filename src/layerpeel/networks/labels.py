"""Labels as people have them, as class numbers 0 … K−1 of the classes present, and the rows of a classifier for these."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from layerpeel.numerics import UnusableInput, shown

IGNORED = -100
"""The label that PyTorch's losses leave out, and so does this."""

MOST_LISTED = 10_000
"""Class numbers up to which gaps between those present are listed."""


@dataclass(frozen=True, kw_only=True, eq=False)
class KnownLabels:
    """Which sample is of which class.

    Args:
        numbers: 0 … K−1 for each sample that counts; every class has one.
        values: the labels that these numbers stand for, as given, in increasing order.
        kept: of all samples, whether each counts; None when all do.
        samples: how many there are in all.
    """

    numbers: np.ndarray
    values: tuple[Any, ...]
    kept: np.ndarray | None
    samples: int

    @property
    def num_classes(self) -> int:
        """K, classes with samples."""
        return len(self.values)

    @property
    def ignored(self) -> int:
        """Samples that do not count."""
        return self.samples - len(self.numbers)

    @property
    def renamed(self) -> bool:
        """Whether a class's number is another than its label."""
        return self.values != tuple(range(len(self.values)))

    def of(self, features: np.ndarray) -> np.ndarray:
        """The rows that count."""
        return features if self.kept is None else features[self.kept]


@dataclass(frozen=True, kw_only=True, eq=False)
class Head:
    """A classifier whose rows are matched to the classes.

    Args:
        weights: all rows, also those of classes without samples.
        bias: one number for each row, or None.
        rows: of the K classes with samples.
        absent: labels of the rows without samples, as class numbers.
    """

    weights: np.ndarray
    bias: np.ndarray | None
    rows: np.ndarray
    absent: tuple[int, ...]

    @property
    def own_weights(self) -> np.ndarray:
        """The rows of the classes with samples."""
        return self.weights[self.rows]

    @property
    def own_bias(self) -> np.ndarray | None:
        """Their numbers."""
        return None if self.bias is None else self.bias[self.rows]


def known_labels(given: Any, ignore: Sequence[Any] = (), what: str = "the labels") -> KnownLabels:
    """Labels of any kind as class numbers.

    Whole numbers may begin at 0 or 1 and have gaps; text is numbered in its sorted order; False and True, and −1 and 1, are two classes;
    (n, 1) is (n,). Samples labelled −100 are left out, as PyTorch's losses do.

    Args:
        given: one label for each sample.
        ignore: labels whose samples are left out, besides.
        what: their name in a refusal.

    Raises:
        UnusableInput: for labels that cannot be used, and fewer than two classes; says which.

    Example:
        >>> known = known_labels([["cat"], ["dog"], ["cat"]])
        >>> known.numbers.tolist(), known.values
        ([0, 1, 0], ('cat', 'dog'))
        >>> known_labels([3, 7, 3, -100]).numbers.tolist()
        [0, 1, 0]
    """
    labels = np.asarray(given)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim == 2 and labels.shape[1] > 1 and labels.dtype.kind in "biuf" and _one_hot(labels):
        raise UnusableInput(f"{what} have shape {labels.shape}, one column for each class: one label per sample is needed; take argmax.")
    if labels.ndim != 1:
        raise UnusableInput(f"{what} have shape {labels.shape}: there must be one label per sample; flatten them.")
    if labels.dtype.kind == "O" and all(isinstance(label, str) for label in labels):
        labels = labels.astype(str)
    if labels.dtype.kind == "S":
        labels = np.char.decode(labels, "utf-8", "backslashreplace")
    if labels.dtype.kind not in "biufU":
        raise UnusableInput(f"{what} are of type {labels.dtype}: they must be whole numbers or text; give one class per sample.")
    if labels.dtype.kind == "f":
        labels = _whole(labels, what)
    left_out = {*map(str, ignore)} | ({str(IGNORED)} if labels.dtype.kind != "U" else set())
    text = labels if labels.dtype.kind == "U" else None
    dropped = _dropped(labels, text, left_out)
    kept = None if not dropped.any() else ~dropped
    counted = labels if kept is None else labels[kept]
    present, numbers = np.unique(counted, return_inverse=True)
    if len(present) and text is None and labels.dtype.kind != "b" and present[0] < 0 and present.tolist() != [-1, 1]:
        place = int(np.argmax(labels == present[0]))
        raise UnusableInput(
            f"label {int(present[0])} of sample {place} is below 0: classes are numbered from 0 or 1; leave its samples out with "
            f"ignore={int(present[0])}, or renumber them."
        )
    if len(present) < 2:
        held = f"one class, {shown(present[0].item())}," if len(present) else "no sample"
        raise UnusableInput(f"{what} name {held} and one class leaves nothing to separate: 2 are needed; give samples of another.")
    return KnownLabels(numbers=numbers.astype(np.int64), values=tuple(present.tolist()), kept=kept, samples=len(labels))


def _one_hot(labels: np.ndarray) -> bool:
    return bool(np.isin(labels, (0, 1)).all() and (labels.sum(axis=1) == 1).all())


def _whole(labels: np.ndarray, what: str) -> np.ndarray:
    usable = np.isfinite(labels) & (labels == np.floor(labels)) & (np.abs(labels) < 2.0**53)
    if not usable.all():
        place = int(np.argmin(usable))
        raise UnusableInput(
            f"{what} of type {labels.dtype} are not whole numbers: sample {place} has {labels[place]}; give one class number per sample."
        )
    return labels.astype(np.int64)


def _dropped(labels: np.ndarray, text: np.ndarray | None, left_out: set[str]) -> np.ndarray:
    if text is not None or labels.dtype.kind == "b":
        return np.isin(labels.astype(str), sorted(left_out))
    numbers = [int(label) for label in left_out if label.removeprefix("-").isdigit()]
    return np.isin(labels, [number for number in numbers if _holds(labels.dtype, number)])


def _holds(kind: np.dtype, number: int) -> bool:
    return np.iinfo(kind).min <= number <= np.iinfo(kind).max


def gaps(labels: KnownLabels) -> tuple[int, ...]:
    """Class numbers below the largest label that no sample has, where labels are numbers from 0.

    Example:
        >>> gaps(known_labels([0, 3]))
        (1, 2)
    """
    values = labels.values
    if not all(isinstance(value, int) and not isinstance(value, bool) for value in values) or values[-1] > MOST_LISTED or values[0] < 0:
        return ()
    first = 1 if values[0] == 1 else 0
    return tuple(sorted({*range(first, values[-1] + 1)} - {*values}))


def matched_head(weights: Any, bias: Any, labels: KnownLabels, width: int) -> Head:
    """A classifier and its bias, their rows matched to the labels.

    A row for each class number from 0 or from 1 on, whether it has samples or not; else a row for each class present, in the order of the
    sorted labels; or one row, the logit of the second of two classes.

    Args:
        weights: rows × features.
        bias: one number for each row, in any shape; or None.
        labels: the classes.
        width: features of the layer that it reads.

    Raises:
        UnusableInput: for what does not fit; names the cause.

    Example:
        >>> head = matched_head(np.eye(4), None, known_labels([0, 2, 2]), 4)
        >>> head.rows.tolist(), head.absent
        ([0, 2], (1, 3))
    """
    matrix = _numbers(weights, "classifier")
    if matrix.ndim == 1 and len(matrix) == width:
        matrix = matrix[None]
    shape = matrix.shape
    matrix = matrix.reshape(len(matrix), -1) if matrix.ndim > 2 and len(matrix) else matrix  # a 1 × 1 convolution
    if matrix.ndim != 2 or not matrix.size:
        raise UnusableInput(f"the classifier has shape {shape}: it must be a matrix, a row per class, a column per feature; correct it.")
    if matrix.shape[1] != width:
        raise UnusableInput(_misfit(matrix.shape, width, labels.num_classes))
    shift = None
    if bias is not None:
        shift = _numbers(bias, "bias").ravel()
        if len(shift) != len(matrix):
            raise UnusableInput(
                f"the bias has shape {np.shape(bias)} for a classifier of {len(matrix)} rows: it must hold one number for each; correct it."
            )
    if not matrix.any():
        raise UnusableInput("the classifier is zero: it has no direction to compare with the class means; give a trained one.")
    if len(matrix) == 1 and labels.num_classes == 2:
        half = None if shift is None else np.array([-0.5, 0.5]) * shift
        return Head(weights=np.array([[-0.5], [0.5]]) * matrix, bias=half, rows=np.arange(2), absent=())
    rows = _rows(labels, len(matrix))
    if not matrix[rows].any():
        raise UnusableInput("the classifier is zero for every class with samples: it has no direction to compare; give a trained one.")
    first = 1 if labels.values[0] == 1 and labels.values[-1] == len(matrix) else 0
    absent = tuple(int(row) + first for row in np.setdiff1d(np.arange(len(matrix)), rows))
    return Head(weights=matrix, bias=shift, rows=rows, absent=absent)


def _rows(labels: KnownLabels, number: int) -> np.ndarray:
    values = labels.values
    if all(isinstance(value, int) and not isinstance(value, bool) for value in values) and values[0] >= 0:
        if values[-1] < number:
            return np.array(values, dtype=np.int64)
        if values[0] >= 1 and values[-1] == number:
            return np.array(values, dtype=np.int64) - 1
    if len(values) == number:
        return np.arange(number)
    raise UnusableInput(
        f"the classifier has {number} {'row' if number == 1 else 'rows'} and the labels name {len(values)} classes, up to "
        f"{shown(values[-1])}: it needs a row for each class number, or one for each of the {len(values)}; give the whole classifier, or "
        "only these rows."
    )


def _misfit(shape: tuple[int, ...], width: int, classes: int) -> str:
    rows, columns = shape
    if rows == width:
        return f"the classifier has shape {shape} and the features have width {width}: its rows must be the classes; transpose it."
    if columns and width % columns == 0:
        return (
            f"the classifier reads {columns} features and each sample has {width}, {width // columns} times as many: it reads pooled maps, "
            "as it seems; average them with pool='mean', or save what the classifier reads."
        )
    return (
        f"the classifier has shape {shape} and the features have width {width}: it needs one column per feature, and one row for each of "
        f"{classes} classes; give the features of the layer that it reads, or its own weights."
    )


def _numbers(given: Any, name: str) -> np.ndarray:
    try:
        array = np.asarray(given)
    except ValueError:
        raise UnusableInput(f"the {name} is no array: its rows differ in length; correct it.") from None
    if array.dtype.kind not in "iuf" or not (np.abs(array.astype(float)) <= LARGEST).all():
        raise UnusableInput(
            f"the {name} of type {array.dtype} holds entries that are not real, not finite or beyond {LARGEST:g}: give finite numbers."
        )
    return array.astype(float)


LARGEST = 1e150
"""Weights are squared, and the sums of these squares must be doubles."""
