"""Ensembles of small networks on GeoMNIST, one image per step, trained once for all checks and figures of a room."""

from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from gpu_train.ensembles import Trajectories

CLASSES = 3
"""Rectangles, ellipses, triangles."""

HIDDEN = 64
"""Units of the one hidden layer. The source's convolutional net needs five times as many steps to learn the shapes."""

LEARNING_RATE = 0.005
"""That of the source."""


@cache
def trained(label_error: float, trials: int, iterations: int, seed: int, *, alexnet: bool = False) -> "Trajectories":
    """Mean logits by class and accuracy over time of independent networks: each its weights, its order of images and its label errors.

    Args:
        label_error: p_err.
        trials: how many networks.
        iterations: steps of one image.
        seed: the images and all else derive from it.
        alexnet: the source's convolutional net instead of one hidden layer.
    """
    from gpu_train import geomnist
    from gpu_train.ensembles import OneByOne, train_one_by_one
    from gpu_train.experiments import one_thread
    from gpu_train.networks import feed_forward, small_alexnet

    one_thread()
    rng = np.random.default_rng([seed, round(1000 * label_error), alexnet])
    images, validation = geomnist(200, rng), geomnist(40, rng)
    recipe = OneByOne(iterations=iterations, learning_rate=LEARNING_RATE, trials=trials, every=iterations // 40, label_error=label_error)

    hidden = partial(feed_forward, images.pixels[0].size, CLASSES, (HIDDEN,), batch_norm=False)
    return train_one_by_one(small_alexnet if alexnet else hidden, images, validation, recipe, rng)
