"""Networks trained on imbalanced real images, once for all checks and figures of a room."""

from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np

from theory._small_images import split

if TYPE_CHECKING:
    from gpu_train.studies import MinorityOutcome

MAJORITY = MINORITY = 5
"""Ten classes, half of them rare."""

LAYERS, WIDTH = 3, 100
"""Hidden layers with batch norm and ReLU, and their units."""

MOST = 100
"""Images of a majority class."""

EPOCHS = {False: 60, True: 100}
"""Passes over the data, by profile."""

TRIALS = {False: 8, True: 12}
"""Independent trainings of each kind, by profile: the interval then reaches 1.9 or 1.3 standard deviations to each side."""


@cache
def outcomes(full: bool, imbalance: float, oversampling: float, seed: int) -> "tuple[MinorityOutcome, ...]":
    """Independent trials on MNIST at 10×10 pixels: each draws its images, weights and batches.

    Momentum, learning rate .1 divided by ten after one and two thirds, weight decay 5e-3: the classifier and the features must be held
    back by something, or no energies exist.

    Args:
        full: the full profile.
        imbalance: R, images of a majority class over those of a minority class.
        oversampling: w_r, how often a minority image is shown for each time a majority image is.
        seed: all of it derives from it.
    """
    from gpu_train import oversampled, step_counts, with_counts
    from gpu_train.experiments import one_thread
    from gpu_train.networks import feed_forward
    from gpu_train.studies import minority_outcome
    from gpu_train.training import Recipe

    one_thread()
    rare = range(MAJORITY, MAJORITY + MINORITY)
    recipe = Recipe(epochs=EPOCHS[full], learning_rate=0.1, optimizer="momentum", weight_decay=5e-3)
    found = []
    for rng in np.random.default_rng([seed, round(imbalance), round(oversampling)]).spawn(TRIALS[full]):
        seen, test = split(rng)
        build = partial(feed_forward, seen.pixels[0].size, seen.num_classes, (WIDTH,) * LAYERS)
        chosen = oversampled(with_counts(seen, step_counts(MAJORITY, MINORITY, MOST, imbalance), rng), oversampling, rare, rng)
        found.append(minority_outcome(build, chosen, test, rare, recipe, rng))
    return tuple(found)
