"""Labelled images as arrays: what generators and readers return, and what is done to labels and class counts."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from numerics import UnusableInput, require_whole


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
        if self.pixels.ndim != 4 or len(self.pixels) != len(self.labels):
            raise UnusableInput(
                f"images of shape {self.pixels.shape} and {len(self.labels)} labels do not fit: pixels must be (n, channels, height, "
                "width) with one label each; reshape them."
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
        if len(self.labels) and not 0 <= self.labels.min() <= self.labels.max() < self.num_classes:
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


def with_counts(images: Images, counts: Sequence[int], rng: np.random.Generator) -> Images:
    """A random subset with exactly n_k images of class k.

    Raises:
        UnusableInput: for another number of counts than classes, or a class with fewer images than asked for.

    Example:
        >>> some = Images(pixels=np.zeros((6, 1, 2, 2), np.float32), labels=np.array([0, 0, 0, 1, 1, 1]), num_classes=2, name="zeros")
        >>> with_counts(some, [3, 1], np.random.default_rng(0)).counts.tolist()
        [3, 1]
    """
    if len(counts) != images.num_classes:
        raise UnusableInput(f"{len(counts)} counts were given for {images.num_classes} classes; give one count per class.")
    rows = []
    for k, count in enumerate(counts):
        wanted, mine = require_whole(count, f"the count of class {k}", remedy="correct it"), np.flatnonzero(images.labels == k)
        if wanted > len(mine):
            raise UnusableInput(
                f"class {k} of {images.name} has {len(mine)} images and {wanted} were asked for; ask for at most that many."
            )
        rows.append(rng.choice(mine, wanted, replace=False))
    return images.chosen(np.sort(np.concatenate(rows)))


def first_classes(images: Images, count: int) -> Images:
    """The images of classes 0 … count−1.

    Example:
        >>> some = Images(pixels=np.zeros((3, 1, 2, 2), np.float32), labels=np.array([0, 2, 1]), num_classes=3, name="zeros")
        >>> first_classes(some, 2).labels.tolist()
        [0, 1]
    """
    return replace(images.chosen(np.flatnonzero(images.labels < count)), num_classes=count)


def step_counts(majority: int, minority: int, most: int, imbalance: float) -> tuple[int, ...]:
    """n_k for K_A majority classes of `most` samples and K_B minority classes of most/R, rounded, at least one.

    Raises:
        UnusableInput: for an imbalance below one or not finite.

    Example:
        >>> step_counts(2, 2, 100, 10.0)
        (100, 100, 10, 10)
    """
    _require_imbalance(imbalance, most)
    return (most,) * majority + (max(1, round(most / imbalance)),) * minority


def long_tail_counts(classes: int, most: int, imbalance: float) -> tuple[int, ...]:
    """n_k = most · R^{−k/(K−1)}, rounded, at least one.

    Raises:
        UnusableInput: for an imbalance below one or not finite.

    Example:
        >>> long_tail_counts(3, 100, 100.0)
        (100, 10, 1)
    """
    _require_imbalance(imbalance, most)
    return tuple(max(1, round(most * imbalance ** (-k / max(classes - 1, 1)))) for k in range(classes))


def _require_imbalance(imbalance: float, most: int) -> None:
    require_whole(most, "the largest count", remedy="correct it")
    if not 1.0 <= imbalance < np.inf:
        raise UnusableInput(f"the imbalance is {imbalance!r}: it must be finite and at least 1; order the classes by their counts.")


def oversampled(images: Images, factor: float, classes: Sequence[int], rng: np.random.Generator) -> Images:
    """Every image of the given classes w_r ≥ 1 times; the fraction of w_r is a random subset without repetition.

    Raises:
        UnusableInput: for a factor below one or not finite, or a class that does not exist.

    Example:
        >>> some = Images(pixels=np.zeros((3, 1, 2, 2), np.float32), labels=np.array([0, 0, 1]), num_classes=2, name="zeros")
        >>> oversampled(some, 3.0, [1], np.random.default_rng(0)).counts.tolist()
        [2, 3]
    """
    if not (np.isfinite(factor) and factor >= 1.0):
        raise UnusableInput(
            f"the oversampling factor is {factor!r}: it must be finite and at least 1; to drop samples, ask for smaller counts."
        )
    for k in classes:
        if not 0 <= k < images.num_classes:
            raise UnusableInput(f"class {k} is to be oversampled: it must be one of 0 ... {images.num_classes - 1}; correct it.")
    rows = [np.arange(len(images.labels))]
    for k in classes:
        mine = np.flatnonzero(images.labels == k)
        extra = round((factor - 1.0) * len(mine))
        rows += [np.tile(mine, extra // len(mine)), rng.choice(mine, extra % len(mine), replace=False)] if len(mine) else []
    return images.chosen(np.concatenate(rows))


def require_probability(value: float, what: str) -> None:
    """Check that a number lies between 0 and 1.

    Raises:
        UnusableInput: otherwise.

    Example:
        >>> require_probability(0.2, "label-error probability")
    """
    if not (isinstance(value, int | float | np.number) and 0.0 <= value <= 1.0):
        raise UnusableInput(f"the {what} is {value!r}: it must lie between 0 and 1; give one, for example 0.2.")


def with_corrupted_labels(images: Images, probability: float, rng: np.random.Generator) -> Images:
    """Each label is replaced with probability p_err by one of the K − 1 others, uniformly.

    Raises:
        UnusableInput: for a probability outside [0, 1].

    Example:
        >>> some = Images(pixels=np.zeros((2, 1, 2, 2), np.float32), labels=np.array([0, 1]), num_classes=2, name="zeros")
        >>> with_corrupted_labels(some, 1.0, np.random.default_rng(0)).labels.tolist()
        [1, 0]
    """
    require_probability(probability, "label-error probability")
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


def resized(images: Images, side: int) -> Images:
    """Square images of another size, bilinear with antialiasing.

    Raises:
        UnusableInput: for a side that is not a whole number ≥ 1.

    Example:
        >>> some = Images(pixels=np.ones((1, 1, 4, 4), np.float32), labels=np.array([0]), num_classes=1, name="ones")
        >>> resized(some, 2).pixels.ravel().tolist()
        [1.0, 1.0, 1.0, 1.0]
    """
    import torch

    require_whole(side, "the side of the images", remedy="correct it")
    smaller = torch.nn.functional.interpolate(
        torch.from_numpy(images.pixels), size=(side, side), mode="bilinear", antialias=True, align_corners=False
    )
    return replace(images, pixels=smaller.numpy(), name=f"{images.name} at {side}x{side}")
