"""Feed-forward networks on small real images, trained once for all checks and figures of a room."""

from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np

from theory._small_images import balanced

if TYPE_CHECKING:
    from gpu_train.studies import SeparationCurves

WIDTH = 100
"""Units of a hidden layer."""


@dataclass(frozen=True, kw_only=True)
class Network:
    """A feed-forward network of ten classes and how it is trained.

    The learning rate, the optimiser and the number of epochs were chosen once, on other seeds than those of any report, as the source
    chooses them: the best of .003, .01, .03 and .1 with momentum, long enough to label 98 of 100 training images correctly or more.

    Args:
        layers: hidden layers.
        learning_rate: at the start; the schedule divides it twice by ten.
        optimizer: "momentum" or "adam".
        weight_decay: of all parameters.
        epochs: passes over the data.
        batch_norm: normalise before every nonlinearity.
        linear: leave the nonlinearities out.
        measured: epochs after which D is measured, besides before the first and after the last.
    """

    layers: int
    learning_rate: float = 0.03
    optimizer: str = "momentum"
    weight_decay: float = 5e-4
    epochs: int = 40
    batch_norm: bool = True
    linear: bool = False
    measured: tuple[int, ...] = ()


MEASURED = (1, 2, 3, 4, 5, 6, 8, 12, 20)
"""Epochs at which a network is looked at while it learns: most often where most happens."""

WATCHED = {False: Network(layers=6, epochs=30, measured=MEASURED), True: Network(layers=8, measured=MEASURED)}
"""The network that one room watches while it learns, and another one when it is done, by profile."""


def trained(network: Network, trials: int, seed: int) -> "tuple[SeparationCurves, ...]":
    """Separation through the layers of independent trials: MNIST at 10×10 pixels, 100 images a class.

    Each trial draws its images, weights and batches, so that intervals over trials speak of more than one set of images.

    Args:
        network: what is trained.
        trials: how often; the first trials are the same whatever their number.
        seed: all of it derives from it.
    """
    return tuple(_trial(network, trial, seed) for trial in range(trials))


@cache
def _trial(network: Network, trial: int, seed: int) -> "SeparationCurves":
    from gpu_train.experiments import one_thread
    from gpu_train.networks import feed_forward
    from gpu_train.studies import separation_curves
    from gpu_train.training import Recipe

    one_thread()
    rng = np.random.default_rng([seed, network.layers, network.batch_norm, network.linear]).spawn(trial + 1)[-1]
    images, test = balanced(rng)
    recipe = Recipe(
        epochs=network.epochs, learning_rate=network.learning_rate, optimizer=network.optimizer, weight_decay=network.weight_decay
    )
    build = partial(
        feed_forward,
        images.pixels[0].size,
        images.num_classes,
        (WIDTH,) * network.layers,
        batch_norm=network.batch_norm,
        linear=network.linear,
    )
    return separation_curves(build, images, test, recipe, rng, epochs=network.measured)
