"""Feed-forward networks on small real images, trained once for all checks and figures of a room."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from layerpeel.numerics import Bracket
from layerpeel.theory._room import Profile, Setting
from layerpeel.theory._small_images import balanced
from layerpeel.theory._trials import interval_over_trials

if TYPE_CHECKING:
    from layerpeel.gpu_train.studies import SeparationCurves

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

COMPANION = Network(layers=6, optimizer="adam", learning_rate=5e-3, weight_decay=0.0, epochs=60, measured=MEASURED)
"""A network whose recipe also trains the same layers without batch norm."""

WATCHED = {Profile.QUICK: COMPANION, Profile.FULL: Network(layers=8, measured=MEASURED)}
"""The network that one room watches while it learns, and another one when it is done, by profile."""

LINEAR = {
    Profile.QUICK: Network(layers=6, linear=True, epochs=30, measured=(1, 4, 12)),
    Profile.FULL: Network(layers=8, linear=True, epochs=60, measured=MEASURED),
}
"""Their controls without nonlinearity, by profile; they end at 96 to 98 of 100."""


@cache
def trained(network: Network, trials: int, seed: int) -> "tuple[SeparationCurves, ...]":
    """Separation through the layers of independent trials: MNIST at 10×10 pixels, 100 images a class.

    Each trial draws its images, weights and batches, so that intervals over trials speak of more than one set of images. All are trained
    side by side, once for all rooms that one process judges.

    Args:
        network: what is trained.
        trials: how often.
        seed: all of it derives from it; the first trials are the same, to rounding, whatever their number.
    """
    from layerpeel.gpu_train.experiments import one_thread
    from layerpeel.gpu_train.networks import feed_forward
    from layerpeel.gpu_train.studies import separation_curves_together
    from layerpeel.gpu_train.training import Recipe

    one_thread()
    rngs = np.random.default_rng([seed, network.layers, network.batch_norm, network.linear]).spawn(trials)
    images, tests = zip(*(balanced(rng) for rng in rngs), strict=True)
    recipe = Recipe(
        epochs=network.epochs, learning_rate=network.learning_rate, optimizer=network.optimizer, weight_decay=network.weight_decay
    )
    build = partial(
        feed_forward,
        images[0].pixels[0].size,
        images[0].num_classes,
        (WIDTH,) * network.layers,
        batch_norm=network.batch_norm,
        linear=network.linear,
    )
    return separation_curves_together(build, images, tests, recipe, rngs, epochs=network.measured)


Sizes = tuple[int, ...]
"""Linear layers of every block, from the first on; a net has one layer more before its blocks."""


def block_outputs(sizes: Sizes) -> list[int]:
    """Places of the block outputs among the layers; the input of the net is 0, the output of its first layer 1.

    Example:
        >>> block_outputs((2, 3))
        [1, 3, 6]
    """
    return [1, *(1 + int(place) for place in np.cumsum(sizes))]


@cache
def blocks_trained(sizes: Sizes, epochs: int, trials: int, seed: int, *, skip: bool) -> tuple[np.ndarray, np.ndarray]:
    """log D of the input and of every layer after its nonlinearity; and of the first normalised layer of every block.

    Args:
        sizes: layers of every block.
        epochs: passes over the data.
        trials: how often; each draws its images, weights and batches.
        seed: all of it derives from it.
        skip: residual blocks; without, the same layers in a plain net, whose blocks are stretches of it.
    """
    from layerpeel.gpu_train.experiments import one_thread
    from layerpeel.gpu_train.studies import separation_at
    from layerpeel.gpu_train.training import Recipe

    one_thread()
    recipe = Recipe(epochs=epochs, learning_rate=0.03, optimizer="momentum", weight_decay=5e-4)
    layers, entries = _places(sizes, skip=skip)
    rngs = np.random.default_rng([seed, *sizes, skip]).spawn(trials)
    images = [balanced(rng)[0] for rng in rngs]
    logs = np.log(separation_at(partial(_network_of_blocks, sizes, skip=skip), images, layers + entries, recipe, rngs))
    return logs[:, : -len(entries)], logs[:, -len(entries) :]


def _network_of_blocks(sizes: Sizes, *, skip: bool) -> Any:
    from layerpeel.gpu_train.networks import ResidualLayers, feed_forward, residual_feed_forward

    if not skip:
        return feed_forward(100, 10, (WIDTH,) * (1 + sum(sizes)))
    model = residual_feed_forward(100, 10, WIDTH, len(sizes), min(sizes))
    for block, size in enumerate(sizes, start=2):
        model[block] = ResidualLayers(WIDTH, size)
    return model


def _places(sizes: Sizes, *, skip: bool) -> tuple[list[str], list[str]]:
    """Names of all layers after their nonlinearity, and of the first normalised layer of every block.

    Child 1 of the network is its first layer. Children 2, 3, … of a residual net are blocks; a branch is Linear, batch norm, ReLU, Linear,
    batch norm, …; those of a plain net are layers: Linear, batch norm, ReLU.
    """
    if not skip:
        return [f"{layer}" for layer in range(1, 2 + sum(sizes))], [f"{before + 1}.1" for before in block_outputs(sizes)[:-1]]
    layers, entries = ["1"], list[str]()
    for block, size in enumerate(sizes, start=2):
        layers += [f"{block}.branch.{3 * inner + 2}" for inner in range(size - 1)] + [f"{block}"]
        entries.append(f"{block}.branch.1")
    return layers, entries


def factor_over_trials(values: Iterable[float]) -> Bracket:
    """Interval of the geometric mean of positive numbers, one per trial: Student t of their logarithms.

    Ratios of positive numbers are skewed, and an interval of the numbers themselves may reach below zero.

    Example:
        >>> interval = factor_over_trials([1.0, 2.0, 4.0, 2.0, 2.0])
        >>> round(interval.lower, 2), round(interval.upper, 2)
        (0.3, 13.2)
    """
    logs = interval_over_trials(np.log(list(values)))
    return Bracket(float(np.exp(logs.lower)), float(np.exp(logs.upper)))


def correlation_over_trials(values: Iterable[float]) -> Bracket:
    """Interval of a correlation, one per trial: Student t of Fisher's z = artanh r, in which correlations near ±1 spread evenly.

    Example:
        >>> interval = correlation_over_trials([-0.99, -0.98, -0.99, -0.97, -0.99])
        >>> round(interval.lower, 3), round(interval.upper, 3)
        (-0.998, -0.9)
    """
    transformed = interval_over_trials(np.arctanh(list(values)))
    return Bracket(float(np.tanh(transformed.lower)), float(np.tanh(transformed.upper)))


TRIALS = {Profile.QUICK: 7, Profile.FULL: 16}
"""Independent trainings of each network: the interval then reaches 2.3 or 1.0 standard deviations to each side."""
MORE_TRIALS = {Profile.QUICK: 9, Profile.FULL: 16}
"""Trainings without batch norm: they differ most."""
WITHOUT_BATCH_NORM = replace(COMPANION, batch_norm=False, measured=())
"""The recipe of the others leaves this network where it was, and an untrained network would refute nothing: Adam takes it to 98 of 100
training images as well."""
NETWORKS = {
    Profile.QUICK: {
        "shallow": Network(layers=3, epochs=30),
        "middle": Network(layers=4, epochs=30),
        "deep": Network(layers=6, epochs=30),
        "companion": COMPANION,
        "no batch norm": WITHOUT_BATCH_NORM,
        "linear": LINEAR[Profile.QUICK],
    },
    Profile.FULL: {
        "shallow": Network(layers=4),
        "middle": WATCHED[Profile.FULL],
        "deep": Network(layers=12, learning_rate=0.02, epochs=60),
        "companion": COMPANION,
        "no batch norm": WITHOUT_BATCH_NORM,
        "linear": LINEAR[Profile.FULL],
        "no batch norm, longer": replace(WITHOUT_BATCH_NORM, epochs=120),
        "twenty": Network(layers=20, learning_rate=0.01, epochs=100),
    },
}
"""Networks that obey the law, controls, and in the full profile what is measured but not judged: without batch norm D falls the farther the
longer the training; and at twenty layers, where the first layers and the last gain most, the line is looser than the law is held to, after
50 epochs as after 100."""


def networks(setting: Setting) -> "dict[str, tuple[SeparationCurves, ...]]":
    """Every network, trained."""
    return {
        name: trained(network, (TRIALS if network.batch_norm else MORE_TRIALS)[setting.profile], setting.seed)
        for name, network in NETWORKS[setting.profile].items()
    }
