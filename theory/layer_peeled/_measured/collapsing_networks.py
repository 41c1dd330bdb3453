"""Angles and accuracies of networks trained on imbalanced images, and their picture."""

from collections.abc import Callable

import numpy as np

from layerpeel.numerics import Bracket
from layerpeel.theory import Figure, Profile, Series, Setting, instances
from layerpeel.theory._trials import interval_over_trials, points_over_trials
from layerpeel.theory.layer_peeled import _imbalanced_networks as nets

LABEL, OF_MAJORITY = "R = {:g}", "majority, R = {:g}"
MEASURED = {Profile.QUICK: (1, 10, 100), Profile.FULL: (1, 2, 5, 10, 20, 50, 100)}
"""Ratios that are measured and drawn; all divide the hundred images of a majority class, and the last leaves one image."""


def networks(setting: Setting, ratio: float) -> tuple[nets.Trained, ...]:
    """Trained at imbalance R without oversampling."""
    return nets.trained(setting.profile, ratio, 1.0, setting.seed)


def over_trials(setting: Setting, quantity: Callable[[tuple[nets.Trained, ...]], np.ndarray]) -> dict[str, Bracket]:
    """Intervals of a quantity of the minority and of the majority, at every R that is measured."""
    intervals: dict[str, Bracket] = {}
    for ratio in MEASURED[setting.profile]:
        minority, majority = quantity(networks(setting, ratio))
        intervals |= {LABEL.format(ratio): interval_over_trials(minority), OF_MAJORITY.format(ratio): interval_over_trials(majority)}
    return intervals


def cosines(trials: tuple[nets.Trained, ...]) -> np.ndarray:
    """Mean cosine among minority and among majority classifiers, (2, trials)."""
    return np.array([(each.outcome.minority_cosine, each.outcome.majority_cosine) for each in trials]).T


def accuracies(setting: Setting, ratio: float) -> np.ndarray:
    """Test accuracy on the minority classes, one for each trial."""
    return np.array([each.outcome.accuracy[nets.MAJORITY :].mean() for each in networks(setting, ratio)])


def misfits(setting: Setting) -> dict[str, Bracket]:
    """Measured cosines less those of the optimum at the energy of all samples, learned or not."""
    missed = {}
    for label, (ratio,) in instances(LABEL, *MEASURED[setting.profile]).items():
        trials = networks(setting, ratio)
        missed[label] = interval_over_trials(nets.minority_cosines(trials) - nets.foreseen(trials, "sample"))
    return missed


def draw_collapse(setting: Setting) -> Figure:
    """Cosine and accuracy against R, measured and foreseen."""
    ratios = MEASURED[setting.profile]
    x = tuple(float(ratio) for ratio in ratios)
    measured = np.array([cosines(networks(setting, ratio))[0] for ratio in ratios])
    accuracy = tuple(float(accuracies(setting, ratio).mean()) for ratio in ratios)
    learned = tuple(float(np.mean([each.training_accuracy for each in networks(setting, ratio)])) for ratio in ratios)
    optima = {mean: tuple(float(nets.foreseen(networks(setting, ratio), mean).mean()) for ratio in ratios) for mean in ("sample", "class")}
    return Figure(
        title="Minority collapse in trained networks",
        caption="Cosine between the classifiers of five minority classes, three hidden layers on MNIST at 10×10 pixels; bars: from the "
        f"least to the largest of {nets.TRIALS[setting.profile]} trainings. The lines are optima at the energies measured in the network. "
        "Where the minority's training accuracy is below one half it was never learned, and no model of the end of training speaks of it.",
        x_label="imbalance R",
        y_label="minority cosine; accuracy",
        series=(
            points_over_trials("measured cosine", x, measured.T, 0),
            Series.line("optimum, energy of all samples", x, optima["sample"], 1),
            Series.line("optimum, energy averaged over every class", x, optima["class"], 2),
            Series.line("minority training accuracy", x, learned, 3),
            Series.line("minority test accuracy", x, accuracy, 4),
        ),
        log_x=True,
    )
