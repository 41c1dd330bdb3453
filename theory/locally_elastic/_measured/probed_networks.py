"""How far a step at one image moves the images of its own class and of others, in networks that are trained on MNIST."""

from functools import cache
from itertools import pairwise

import numpy as np

from layerpeel.theory import Profile, Setting
from layerpeel.theory._small_images import balanced

NETWORK, LINEAR = "two hidden layers", "linear"
WIDTHS = {NETWORK: (100, 100), LINEAR: ()}
"""Of the hidden layers: a network, and the linear classifier, whose ratio is the same at all weights: it tests the probe."""

TRAINED = 10
"""Passes over the data after which a net is judged: elasticity grows on with more of them, but networks then differ more."""

EPOCHS = {Profile.QUICK: (0, TRAINED), Profile.FULL: (0, 5, TRAINED, 30)}
"""When a net is probed; 0 is before any step."""

TRIALS = 6
"""Independent networks: the interval then reaches 2.8 standard deviations to each side."""

SOURCES = {Profile.QUICK: 5, Profile.FULL: 20}
"""Images of a class at which a step is tried."""

STEP = 1e-3
"""Learning rate of the probe: the ratio of two moves does not depend on it while the step is small."""


def elasticity(setting: Setting) -> dict[str, dict[int, np.ndarray]]:
    """Mean move inside the class over mean move across, one number per trial, by network and epoch."""
    return {name: _elasticity(setting.profile, name, setting.seed) for name in WIDTHS}


@cache
def _elasticity(profile: Profile, name: str, seed: int) -> dict[int, np.ndarray]:
    from layerpeel.gpu_train.elasticity import local_elasticity
    from layerpeel.gpu_train.experiments import one_thread
    from layerpeel.gpu_train.networks import feed_forward
    from layerpeel.gpu_train.training import Recipe, seeded, train_together

    one_thread()
    ratios = {epochs: np.zeros(TRIALS) for epochs in EPOCHS[profile]}
    rngs = np.random.default_rng([seed, len(WIDTHS[name])]).spawn(TRIALS)
    images = [balanced(rng)[0] for rng in rngs]
    chosen = [int(rng.integers(2**63)) for rng in rngs]
    models = [seeded(lambda: feed_forward(100, 10, WIDTHS[name], batch_norm=False), rng) for rng in rngs]
    for before, after in pairwise((0, *EPOCHS[profile])):
        if after > before:
            train_together(models, images, Recipe(epochs=after - before, learning_rate=0.05, batch_size=10, drops=()), rngs)
        for trial, (model, seen) in enumerate(zip(models, images, strict=True)):
            # The same images are stepped at before and after training.
            moves = local_elasticity(model, seen, np.random.default_rng(chosen[trial]), learning_rate=STEP, sources=SOURCES[profile])
            own = np.eye(len(moves), dtype=bool)
            ratios[after][trial] = moves[own].mean() / moves[~own].mean()
    return ratios
