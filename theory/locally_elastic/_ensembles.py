"""Ensembles of small networks on GeoMNIST, one image per step, trained once for all checks and figures of a room."""

from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from layerpeel.gpu_train.ensembles import Trajectories

CLASSES = 3
"""Rectangles, ellipses, triangles."""

HIDDEN = 64
"""Units of the one hidden layer. The source's convolutional net needs five times as many steps to learn the shapes."""

LEARNING_RATE = 0.005
"""That of the source."""

EVALUATIONS = 40
"""How often networks are looked at, besides before the first step."""

IMAGE_SETS = 2
"""Sets of images, each with as many of the networks: those that are trained side by side share their images.

Means over sixteen networks on five sets, at four label-error probabilities, were no farther apart than their standard errors foretell; on
clean labels 1.4 to 1.7 times as far. So the networks of both sets are pooled as if independent.
"""

GIVEN_IMAGES = (
    f"{IMAGE_SETS} sets of images, as many networks on each; intervals are over weights, orders and label errors, given these sets"
)
"""What intervals over these networks do not cover, for assumptions and captions."""


@cache
def trained(
    label_error: float, trials: int, iterations: int, seed: int, *, alexnet: bool = False, evaluations: int = EVALUATIONS
) -> "tuple[Trajectories, ...]":
    """Mean logits by class and accuracy over time, by set of images: each network its weights, its order of images and its label errors.

    Args:
        label_error: p_err.
        trials: how many networks on all sets together.
        iterations: steps of one image.
        seed: the images and all else derive from it.
        alexnet: the source's convolutional net instead of one hidden layer.
        evaluations: how often they are looked at, besides before the first step.
    """
    from layerpeel.gpu_train import geomnist
    from layerpeel.gpu_train.ensembles import OneByOne, train_one_by_one
    from layerpeel.gpu_train.experiments import one_thread
    from layerpeel.gpu_train.networks import feed_forward, small_alexnet

    one_thread()
    recipe = OneByOne(
        iterations=iterations,
        learning_rate=LEARNING_RATE,
        trials=trials // IMAGE_SETS,
        every=iterations // evaluations,
        label_error=label_error,
    )
    ensembles = []
    for rng in np.random.default_rng([seed, round(1000 * label_error), alexnet]).spawn(IMAGE_SETS):
        images, validation = geomnist(200, rng), geomnist(40, rng)
        hidden = partial(feed_forward, images.pixels[0].size, CLASSES, (HIDDEN,), batch_norm=False)
        ensembles.append(train_one_by_one(small_alexnet if alexnet else hidden, images, validation, recipe, rng))
    return tuple(ensembles)
