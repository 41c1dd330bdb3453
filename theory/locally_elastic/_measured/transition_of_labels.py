"""Accuracy on clean labels of networks that are trained on corrupted ones, and its picture."""

import numpy as np

from layerpeel.theory import Figure, Profile, Series, Setting
from layerpeel.theory._trials import points_over_trials
from layerpeel.theory.locally_elastic._ensembles import CLASSES, EVALUATIONS, GIVEN_IMAGES, trained

CHANCE, CRITICAL = 1 / CLASSES, (CLASSES - 1) / CLASSES
"""Accuracy of guessing, and p* = (K−1)/K, where a wrong label is as likely as the right one, class by class."""
BELOW, ABOVE = 0.45, 0.9
"""Label-error probabilities on the two sides, at about equal distance."""
DRAWN = {Profile.QUICK: (BELOW, CRITICAL, ABOVE), Profile.FULL: (0.0, 0.2, BELOW, 0.6, CRITICAL, 0.7, 0.8, ABOVE)}
TRIALS = 24
"""Independent networks: the interval then reaches .8 standard deviations to each side."""
ITERATIONS = {Profile.QUICK: 1_400, Profile.FULL: 6_000}
"""Steps of one image."""
TAIL = EVALUATIONS // 2
"""How many of the last evaluations are averaged, the second half: single steps make the accuracy jump."""


def accuracy(setting: Setting, label_error: float) -> np.ndarray:
    """On clean labels, of every trial, averaged over the last evaluations."""
    runs = trained(label_error, TRIALS, ITERATIONS[setting.profile], setting.seed)
    return np.concatenate([run.accuracy[:, -TAIL:].mean(axis=1) for run in runs])


def draw_transition(setting: Setting) -> Figure:
    """Accuracy against the label-error probability."""
    errors = DRAWN[setting.profile]
    accuracies = np.array([accuracy(setting, error) for error in errors])
    guessing = Series.line("guessing", (errors[0], errors[-1]), (CHANCE, CHANCE), 1)
    return Figure(
        title="Accuracy against label errors",
        caption=f"GeoMNIST, one hidden layer, one image per step, accuracy on clean labels; {TRIALS} networks, bars: from the least to the "
        f"largest. Beyond p = 2/3 the right label is the rarest one, and networks learn to avoid it. {GIVEN_IMAGES}.",
        x_label="label-error probability p",
        y_label="accuracy on clean labels",
        series=(points_over_trials("networks", errors, accuracies.T, 0), guessing),
        marks=((CRITICAL, "p* = (K−1)/K", 1),),
    )
