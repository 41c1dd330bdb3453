"""Networks trained on imbalanced real images, once for all checks and figures of a room."""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from layerpeel.array_words import Float, Int
from layerpeel.theory._room import Profile
from layerpeel.theory._small_images import split

if TYPE_CHECKING:
    from layerpeel.gpu_train.studies import MinorityOutcome

MAJORITY = MINORITY = 5
"""Ten classes, half of them rare."""

LAYERS, WIDTH = 3, 100
"""Hidden layers with batch norm and ReLU, and their units."""

MOST = 100
"""Images of a majority class."""

WEIGHT_DECAY = 0.015
"""Of all parameters. With a third of it classifiers are still on their way when the rate drops: their cosine at R = 100 ends near .7."""

BATCH_SIZE = 64
"""Images a step."""

EPOCHS = {Profile.QUICK: 60, Profile.FULL: 100}
"""Passes over the data, by profile."""

TRIALS = {Profile.QUICK: 8, Profile.FULL: 12}
"""Independent trainings of each kind, by profile: the interval then reaches 1.9 or 1.3 standard deviations to each side."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Trained:
    """One trained network and what it was shown.

    Args:
        outcome: its classifier, energies and accuracies.
        counts: images of every class that it was trained on, copies included.
        centred_energy: E_H of its features less the mean of all class means.
        sample_energy: (1/N) Σ_k Σ_i ‖h_ki‖², the mean over samples, which weight decay holds back.
    """

    outcome: "MinorityOutcome"
    counts: Int[np.ndarray, " K"]
    centred_energy: float
    sample_energy: float


@cache
def trained(profile: Profile, imbalance: float, oversampling: float, seed: int, *, last_bias: bool = True) -> tuple[Trained, ...]:
    """Independent trials on MNIST at 10×10 pixels: each draws its images, weights and batches.

    Momentum, learning rate .1 divided by ten after one and two thirds, and as much weight decay as lets the classifiers come to rest:
    what is left of a start decays by the factor e every 1/(rate · decay / (1 − .9)) steps, seven of them an epoch.

    Args:
        profile: how many trainings, and how long.
        imbalance: R, images of a majority class over those of a minority class.
        oversampling: w_r, how often a minority image is shown for each time a majority image is.
        seed: all of it derives from it.
        last_bias: whether the classifier has a bias.
    """
    from layerpeel.gpu_train import oversampled, step_counts, with_counts
    from layerpeel.gpu_train.experiments import one_thread
    from layerpeel.gpu_train.networks import feed_forward
    from layerpeel.gpu_train.studies import hidden_layers, minority_outcomes_together
    from layerpeel.gpu_train.training import Recipe

    one_thread()
    rare = range(MAJORITY, MAJORITY + MINORITY)
    recipe = Recipe(epochs=EPOCHS[profile], learning_rate=0.1, batch_size=BATCH_SIZE, optimizer="momentum", weight_decay=WEIGHT_DECAY)
    rngs = np.random.default_rng([seed, round(imbalance), round(oversampling)]).spawn(TRIALS[profile])
    halves = [split(rng) for rng in rngs]
    counts = step_counts(MAJORITY, MINORITY, MOST, imbalance)
    shown = [oversampled(with_counts(seen, counts, rng), oversampling, rare, rng) for (seen, _), rng in zip(halves, rngs, strict=True)]

    def build() -> Any:
        model = feed_forward(shown[0].pixels[0].size, shown[0].num_classes, (WIDTH,) * LAYERS)
        if not last_bias:
            model[-1].register_parameter("bias", None)
        return model

    outcomes = minority_outcomes_together(build, shown, [test for _, test in halves], rare, recipe, rngs)
    trials = []
    for (outcome, model), seen in zip(outcomes, shown, strict=True):
        features = hidden_layers(model, seen)[-1].astype(float)
        energies = {
            "centred_energy": _centred_energy(features, seen.labels),
            "sample_energy": float((features**2).sum() / len(features)),
        }
        trials.append(Trained(outcome=outcome, counts=seen.counts, **energies))
    return tuple(trials)


def _centred_energy(features: Float[np.ndarray, "n p"], labels: Int[np.ndarray, " n"]) -> float:
    """(1/K) Σ_k (1/n_k) Σ_i ‖h_ki − h̄‖² with h̄ = (1/K) Σ_k h̄_k."""
    classes = [features[labels == k] for k in range(MAJORITY + MINORITY)]
    mean = np.mean([rows.mean(axis=0) for rows in classes], axis=0)
    return float(np.mean([((rows - mean) ** 2).sum(axis=1).mean() for rows in classes]))
