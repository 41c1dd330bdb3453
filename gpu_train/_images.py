"""Labelled images as arrays: what generators and readers return, and what is done to labels and class counts."""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from layerpeel.array_words import Float, Int
from layerpeel.numerics import UnusableInput, require_instance, require_list, require_memory, require_real, require_whole, validated

MOST_CLASSES = 10**6
"""Lists of counts are made for at most so many classes; the largest data set of images has 21,841."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Images:
    """Images with their labels.

    Args:
        pixels: (n, channels, height, width) in single precision.
        labels: class numbers 0 … K−1.
        num_classes: K.
        name: where they come from, for records.
    """

    pixels: Float[np.ndarray, "n channels height width"]
    labels: Int[np.ndarray, " n"]
    num_classes: int
    name: str

    def __post_init__(self) -> None:
        for name, array in (("pixels", self.pixels), ("labels", self.labels)):
            require_instance(array, np.ndarray, f"{name} of images", made="with numpy.asarray(…, dtype=…)")
        require_instance(self.name, str, "the name of images", made="up")
        object.__setattr__(self, "num_classes", require_whole(self.num_classes, "the number of classes", remedy="correct it"))
        if self.pixels.ndim != 4 or not self.labels.ndim or len(self.pixels) != len(self.labels):
            raise UnusableInput(
                f"images of shape {self.pixels.shape} and labels of shape {self.labels.shape} do not fit: pixels must be (n, channels, "
                "height, width) with one label each; reshape them."
            )
        if not len(self.labels):
            raise UnusableInput(f"{self.name} holds no image: at least one is needed; check where the images come from.")
        if self.pixels.dtype != np.float32 or self.labels.ndim != 1 or self.labels.dtype != np.int64:
            raise UnusableInput(
                f"{self.name} holds pixels of type {self.pixels.dtype} and labels of type {self.labels.dtype} and shape "
                f"{self.labels.shape}: pixels must be float32 and labels a list of int64; convert them with astype."
            )
        if not np.isfinite(self.pixels).all():
            raise UnusableInput(f"the images of {self.name} hold values that are not finite; drop or repair those images.")
        if not 0 <= self.labels.min() <= self.labels.max() < self.num_classes:
            wrong = int(self.labels.max() if self.labels.max() >= self.num_classes else self.labels.min())
            raise UnusableInput(
                f"label {wrong} of {self.name} is outside 0 ... {self.num_classes - 1}: classes count from 0; renumber them."
            )

    @property
    def counts(self) -> Int[np.ndarray, " K"]:
        """n_k."""
        return np.bincount(self.labels, minlength=self.num_classes)

    @property
    def fingerprint(self) -> str:
        """A checksum of pixels and labels, for records that must not be mixed with those of other images."""
        return f"{zlib.crc32(self.labels.tobytes(), zlib.crc32(self.pixels.tobytes())):08x}"

    def chosen(self, rows: Int[np.ndarray, " m"]) -> "Images":
        """The images at the given rows, in that order."""
        return replace(self, pixels=self.pixels[rows], labels=self.labels[rows])


@validated
def with_counts(images: Images, counts: Iterable[int], rng: np.random.Generator) -> Images:
    """A random subset with exactly n_k images of class k.

    Args:
        images: where they are taken from.
        counts: K whole numbers n_k ≥ 1.
        rng: chooses which.

    Raises:
        UnusableInput: for another number of counts than classes, a count that is not whole, or a class with fewer images than asked for.

    Example:
        >>> some = Images(pixels=np.zeros((6, 1, 2, 2), np.float32), labels=np.array([0, 0, 0, 1, 1, 1]), num_classes=2, name="zeros")
        >>> with_counts(some, [3, 1], np.random.default_rng(0)).counts.tolist()
        [3, 1]
    """
    given = require_list(counts, "counts", of="one whole number per class")
    if len(given) != images.num_classes:
        raise UnusableInput(f"{len(given)} counts were given for {images.num_classes} classes; give one count per class.")
    rows = []
    for k, count in enumerate(given):
        wanted, mine = require_whole(count, f"the count of class {k}", remedy="correct it"), np.flatnonzero(images.labels == k)
        if wanted > len(mine):
            raise UnusableInput(
                f"class {k} of {images.name} has {len(mine)} images and {wanted} were asked for; ask for at most that many."
            )
        rows.append(rng.choice(mine, wanted, replace=False))
    return images.chosen(np.sort(np.concatenate(rows)))


@validated
def first_classes(images: Images, count: int) -> Images:
    """The images of classes 0 … count−1.

    Raises:
        UnusableInput: for a count that is not a whole number from 1 to K.

    Example:
        >>> some = Images(pixels=np.zeros((3, 1, 2, 2), np.float32), labels=np.array([0, 2, 1]), num_classes=3, name="zeros")
        >>> first_classes(some, 2).labels.tolist()
        [0, 1]
    """
    count = require_whole(count, "the number of classes", largest=images.num_classes, remedy="correct it")
    return replace(images.chosen(np.flatnonzero(images.labels < count)), num_classes=count)


def step_counts(majority: int, minority: int, most: int, imbalance: float) -> tuple[int, ...]:
    """Counts of a step: the majority classes have the most samples, the minority classes R times fewer.

        n_k = most for K_A classes, most/R for K_B, rounded, at least one.

    Args:
        majority: K_A, 1 to 10⁶.
        minority: K_B, 1 to 10⁶.
        most: samples of a majority class, ≥ 1.
        imbalance: R ≥ 1.

    Returns:
        K_A + K_B counts.

    Raises:
        UnusableInput: for numbers of classes or samples that are not whole, or an imbalance below one or not finite.

    Source: fang2021, Minority Collapse (two sizes of classes).

    Example:
        >>> step_counts(2, 2, 100, 10.0)
        (100, 100, 10, 10)
    """
    sizes = [_class_number(number, f"the number of {what} classes") for number, what in ((majority, "majority"), (minority, "minority"))]
    most, imbalance = _require_imbalance(imbalance, most)
    return (most,) * sizes[0] + (max(1, round(most / imbalance)),) * sizes[1]


def long_tail_counts(classes: int, most: int, imbalance: float) -> tuple[int, ...]:
    """Counts of a long tail, which fall geometrically from class to class.

        n_k = most · R^{−k/(K−1)}, rounded, at least one.

    Args:
        classes: K, 1 to 10⁶.
        most: samples of class 0, ≥ 1.
        imbalance: R ≥ 1.

    Returns:
        K counts.

    Raises:
        UnusableInput: for numbers of classes or samples that are not whole, or an imbalance below one or not finite.

    Example:
        >>> long_tail_counts(3, 100, 100.0)
        (100, 10, 1)
    """
    number = _class_number(classes, "the number of classes")
    most, imbalance = _require_imbalance(imbalance, most)
    return tuple(max(1, round(most * imbalance ** (-k / max(number - 1, 1)))) for k in range(number))


def _class_number(value: Any, what: str) -> int:
    return require_whole(value, what, largest=MOST_CLASSES, remedy="correct it")


def _require_imbalance(imbalance: Any, most: Any) -> tuple[int, float]:
    """The largest count and the imbalance, checked."""
    count = require_whole(most, "the largest count", largest=2**53, remedy="correct it")
    return count, require_real(imbalance, "the imbalance", least=1.0, remedy="order the classes by their counts")


@validated
def oversampled(images: Images, factor: float, classes: Iterable[int], rng: np.random.Generator) -> Images:
    """Every image of the given classes w_r ≥ 1 times; the fraction of w_r is a random subset without repetition.

    Classes are a set: naming one twice changes nothing.

    Args:
        images: all of them are kept.
        factor: w_r ≥ 1.
        classes: numbers from 0 of the classes whose images are repeated.
        rng: chooses the fraction.

    Raises:
        UnusableInput: for a factor below one or not finite, a class that does not exist, or more images than memory holds.

    Source: fang2021, Section 4, oversampling.

    Example:
        >>> some = Images(pixels=np.zeros((3, 1, 2, 2), np.float32), labels=np.array([0, 0, 1]), num_classes=2, name="zeros")
        >>> oversampled(some, 3.0, [1], np.random.default_rng(0)).counts.tolist()
        [2, 3]
    """
    factor = require_real(
        factor, "the oversampling factor", least=1.0, remedy="give one from 1 on; to drop samples, ask for smaller counts"
    )
    chosen = dict.fromkeys(
        require_whole(k, "a class to be oversampled", least=0, largest=images.num_classes - 1, remedy="classes count from 0; correct it")
        for k in require_list(classes, "classes", of="the numbers of the classes to be oversampled")
    )
    added = (factor - 1.0) * float(images.counts[list(chosen)].sum())
    each = images.pixels[0].nbytes + 32.0  # pixels, label, and the rows of both
    require_memory((len(images.labels) + added) * each, f"{images.name} with classes oversampled {factor:g} times", "use a smaller factor")
    rows = [np.arange(len(images.labels))]
    for k in chosen:
        mine = np.flatnonzero(images.labels == k)
        extra = round((factor - 1.0) * len(mine))
        rows += [np.tile(mine, extra // len(mine)), rng.choice(mine, extra % len(mine), replace=False)] if len(mine) else []
    return images.chosen(np.concatenate(rows))


def require_probability(value: Any, what: str) -> float:
    """A number between 0 and 1.

    Raises:
        UnusableInput: otherwise.

    Example:
        >>> require_probability(0.2, "label-error probability")
        0.2
    """
    return require_real(value, f"the {what}", least=0.0, largest=1.0, remedy="give one, for example 0.2")


@validated
def with_corrupted_labels(images: Images, probability: float, rng: np.random.Generator) -> Images:
    """Each label is replaced with probability p_err by one of the K − 1 others, uniformly.

    Args:
        images: whose labels are right.
        probability: p_err in [0, 1].
        rng: chooses the labels.

    Raises:
        UnusableInput: for a probability outside [0, 1], or images of a single class.

    Source: zhang2021, slides, figure 3; derived; docs/derivations/locally-elastic.md, section 4 (what it does to α and β).

    Example:
        >>> some = Images(pixels=np.zeros((2, 1, 2, 2), np.float32), labels=np.array([0, 1]), num_classes=2, name="zeros")
        >>> with_corrupted_labels(some, 1.0, np.random.default_rng(0)).labels.tolist()
        [1, 0]
    """
    probability = require_probability(probability, "label-error probability")
    if images.num_classes < 2:
        raise UnusableInput(f"{images.name} has one class: a wrong label needs another; give images of two classes or more.")
    return replace(images, labels=corrupted(images.labels, images.labels.shape, images.num_classes, probability, rng))


def corrupted(
    labels: Int[np.ndarray, " n"], shape: tuple[int, ...], num_classes: int, probability: float, rng: np.random.Generator
) -> Int[np.ndarray, "*trials n"]:
    """Labels of which each is wrong with the given probability, uniformly among the other classes; in every trial anew.

    Example:
        >>> corrupted(np.array([0, 1]), (3, 2), 2, 1.0, np.random.default_rng(0)).tolist()
        [[1, 0], [1, 0], [1, 0]]
    """
    wrong, shift = rng.random(shape) < probability, rng.integers(1, num_classes, shape)
    return np.where(wrong, (labels + shift) % num_classes, labels)


@validated
def resized(images: Images, side: int) -> Images:
    """Square images of another size, bilinear with antialiasing.

    Args:
        images: square or not, of any size; they come out square.
        side: pixels, ≥ 1.

    Raises:
        UnusableInput: for a side that is not a whole number ≥ 1, or more than fits in memory.
        ImportError: without torch.

    Example:
        >>> some = Images(pixels=np.ones((1, 1, 4, 4), np.float32), labels=np.array([0]), num_classes=1, name="ones")
        >>> resized(some, 2).pixels.ravel().tolist()
        [1.0, 1.0, 1.0, 1.0]
    """
    side = require_whole(side, "the side of the images", remedy="correct it")
    need = 4.0 * images.pixels.shape[0] * images.pixels.shape[1] * side**2
    require_memory(need, f"{len(images.labels)} images of {side}x{side} pixels", "use a smaller side")
    import torch

    smaller = torch.nn.functional.interpolate(
        torch.from_numpy(images.pixels), size=(side, side), mode="bilinear", antialias=True, align_corners=False
    )
    return replace(images, pixels=smaller.numpy(), name=f"{images.name} at {side}x{side}")
