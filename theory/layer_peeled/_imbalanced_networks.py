"""Networks trained on imbalanced real images, once for all checks and figures of the rooms that look at them."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from layerpeel.numerics import Bracket
from layerpeel.solvers import LayerPeeled, solve
from layerpeel.theory._room import Profile
from layerpeel.theory._small_images import split
from layerpeel.theory._trials import interval_over_trials

if TYPE_CHECKING:
    from layerpeel.gpu_train.stationarity import LastFeatures
    from layerpeel.gpu_train.studies import MinorityOutcome

MAJORITY = MINORITY = 5
"""Ten classes, half of them rare."""

LAYERS, WIDTH = 3, 100
"""Hidden layers and their units."""

MOST = 100
"""Images of a majority class."""

BATCH_SIZE = 64
"""Images a step."""

TRIALS = {Profile.QUICK: 8, Profile.FULL: 12}
"""Independent trainings of each kind, by profile: the interval then reaches 1.9 or 1.3 standard deviations to each side."""

LEARNED = 0.5
"""Accuracy on the minority's training images from which on a network has learned them: guessing right among the minority is .2."""


@dataclass(frozen=True, kw_only=True)
class Training:
    """A network and how long it is trained: momentum, learning rate .1 divided twice by ten.

    Args:
        weight_decay: of all parameters.
        quick: passes over the data in the quick profile.
        full: in the full one.
        drops: shares of them after which the rate is divided.
        batch_norm: whether hidden layers have batch norm.
        last_relu: whether the last hidden layer has its ReLU.
    """

    weight_decay: float
    quick: int
    full: int
    drops: tuple[float, float] = (1 / 3, 2 / 3)
    batch_norm: bool = True
    last_relu: bool = True

    def epochs(self, profile: Profile) -> int:
        """By profile."""
        return self.quick if profile is Profile.QUICK else self.full


STRONG = Training(weight_decay=0.015, quick=60, full=100)
"""What is left of a start decays by the factor e every 1/(rate · decay/(1 − .9)) steps, seven of them an epoch: classifiers come to rest
soon. From R = 20 on these networks do not learn the minority."""

SLIGHT = Training(weight_decay=0.005, quick=120, full=300, drops=(0.5, 0.8))
"""These learn the minority at R = 20 and mostly at R = 50. With earlier drops features are still on their way when the rate falls."""

WITHOUT_RELU = Training(weight_decay=0.015, quick=10, full=100, last_relu=False)
"""The classifier reads what batch norm returns; what is asked of it holds at any time."""

WITHOUT_BATCH_NORM = Training(weight_decay=0.001, quick=80, full=300, batch_norm=False)
"""More weight decay keeps such a network from learning the minority."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Trained:
    """One trained network and what it was shown.

    Args:
        outcome: its classifier, energies and accuracies.
        counts: images of every class that it was trained on, copies included.
        last: the features that its classifier reads.
    """

    outcome: "MinorityOutcome"
    counts: np.ndarray
    last: "LastFeatures"

    @property
    def learned(self) -> bool:
        """Whether it tells the minority's training images apart; otherwise no model of the end of training speaks of it."""
        return self.training_accuracy >= LEARNED

    @property
    def training_accuracy(self) -> float:
        """On the minority."""
        return float(self.outcome.training_accuracy[MAJORITY:].mean())


@cache
def trained(profile: Profile, imbalance: float, oversampling: float, seed: int, training: Training = STRONG) -> tuple[Trained, ...]:
    """Independent trials on MNIST at 10×10 pixels: each draws its images, weights and batches.

    Args:
        profile: how many trainings, and how long.
        imbalance: R, images of a majority class over those of a minority class.
        oversampling: w_r, how often a minority image is shown for each time a majority image is.
        seed: all of it derives from it.
        training: the network and its recipe.
    """
    from layerpeel.gpu_train import oversampled, step_counts, with_counts
    from layerpeel.gpu_train.experiments import one_thread
    from layerpeel.gpu_train.networks import feed_forward
    from layerpeel.gpu_train.stationarity import last_features
    from layerpeel.gpu_train.studies import minority_outcomes_together
    from layerpeel.gpu_train.training import Recipe

    one_thread()
    rare = range(MAJORITY, MAJORITY + MINORITY)
    recipe = Recipe(
        epochs=training.epochs(profile),
        learning_rate=0.1,
        batch_size=BATCH_SIZE,
        optimizer="momentum",
        weight_decay=training.weight_decay,
        drops=training.drops,
    )
    rngs = np.random.default_rng([seed, round(imbalance), round(oversampling)]).spawn(TRIALS[profile])
    halves = [split(rng) for rng in rngs]
    counts = step_counts(MAJORITY, MINORITY, MOST, imbalance)
    shown = [oversampled(with_counts(seen, counts, rng), oversampling, rare, rng) for (seen, _), rng in zip(halves, rngs, strict=True)]
    inputs, classes, options = shown[0].pixels[0].size, shown[0].num_classes, (training.batch_norm, training.last_relu)
    ended = minority_outcomes_together(
        lambda: feed_forward(inputs, classes, (WIDTH,) * LAYERS, batch_norm=options[0], last_relu=options[1]),
        shown,
        [test for _, test in halves],
        rare,
        recipe,
        rngs,
    )
    return tuple(
        Trained(outcome=outcome, counts=seen.counts, last=last_features(model, seen))
        for (outcome, model), seen in zip(ended, shown, strict=True)
    )


@cache
def foreseen(trials: tuple[Trained, ...], norm_weights: str) -> np.ndarray:
    """Cosine among the minority classifiers of the certified optimum, at the counts and the measured energies of every trial.

    Args:
        trials: trained networks.
        norm_weights: "class" averages ‖h‖² over every class, as the model of the sources does; "sample" averages it over all samples.
    """
    cosines = []
    for each in trials:
        problem = LayerPeeled.from_groups(
            [(MAJORITY, int(each.counts[0])), (MINORITY, int(each.counts[-1]))],
            feature_energy=each.outcome.sample_energy if norm_weights == "sample" else each.outcome.feature_energy,
            weight_energy=each.outcome.weight_energy,
            norm_weights=norm_weights,
        )
        cosine = solve(problem, route="factored").groups[-1].within_cosine
        cosines.append(np.nan if cosine is None else cosine)
    return np.array(cosines)


def minority_cosines(trials: Iterable[Trained]) -> np.ndarray:
    """Mean cosine among the minority classifiers of every network."""
    return np.array([each.outcome.minority_cosine for each in trials])


def misfit(trials: tuple[Trained, ...], norm_weights: str) -> Bracket:
    """The measured cosine less that of the optimum at the measured energies, over the networks that learned their minority."""
    learned = np.array([each.learned for each in trials])
    return interval_over_trials((minority_cosines(trials) - foreseen(trials, norm_weights))[learned])
