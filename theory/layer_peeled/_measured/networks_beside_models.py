"""Norms and angles of trained networks beside the optima of two models, and their picture."""

from collections.abc import Callable

import numpy as np

from layerpeel.numerics import Bracket
from layerpeel.theory import Figure, Profile, Series, Setting
from layerpeel.theory._trials import interval_over_trials, points_over_trials
from layerpeel.theory.layer_peeled import _imbalanced_networks as nets

LABEL = "R = {:g}, λ = {:g}"
CASES = {LABEL.format(ratio, training.weight_decay): (ratio, training) for ratio, training in ((10, nets.STRONG), (20, nets.SLIGHT))}
"""Where all networks learn the minority, at the least cost."""
MEASURED = {
    Profile.QUICK: CASES,
    Profile.FULL: {
        LABEL.format(ratio, training.weight_decay): (ratio, training)
        for training, ratios in ((nets.STRONG, (5, 10)), (nets.SLIGHT, (5, 10, 20, 50)))
        for ratio in ratios
    },
}
NO_RELU, RELU, NO_NORM = "without ReLU", "with ReLU", "R = 10, without batch norm"
PLAIN = 10
"""R of the networks without batch norm, or without the last ReLU."""


def networks(setting: Setting, ratio: float, training: nets.Training) -> tuple[nets.Trained, ...]:
    """Trained at imbalance R."""
    return nets.trained(setting.profile, ratio, 1.0, setting.seed, training)


def over_networks(setting: Setting, quantity: Callable[[list[nets.Trained]], np.ndarray]) -> dict[str, Bracket]:
    """Intervals of a quantity over those networks that learned their minority."""
    return {
        label: interval_over_trials(quantity([each for each in networks(setting, *case) if each.learned]))
        for label, case in MEASURED[setting.profile].items()
    }


def norms(setting: Setting) -> dict[str, Bracket]:
    """The mean of ‖h‖² over samples, divided by what γ, β say."""
    kept = {}
    for label, training in ((NO_RELU, nets.WITHOUT_RELU), (RELU, nets.STRONG)):
        lasts = [each.last for each in networks(setting, PLAIN, training)]
        ratios = [last.energy / last.normalised_energy for last in lasts if last.normalised_energy is not None]
        kept[label] = Bracket(min(ratios), max(ratios))
    return kept


def exponents(setting: Setting) -> dict[str, Bracket]:
    """The exponent of n_k, with batch norm and without."""

    def of(trials: list[nets.Trained]) -> np.ndarray:
        return np.array([each.last.exponent for each in trials])

    without = [each for each in networks(setting, PLAIN, nets.WITHOUT_BATCH_NORM) if each.learned]
    return over_networks(setting, of) | {NO_NORM: interval_over_trials(of(without))}


def misfits(setting: Setting) -> dict[str, Bracket]:
    """Measured cosines less those of both optima."""
    cases = MEASURED[setting.profile]
    missed = {label: nets.misfit(networks(setting, *case), "sample") for label, case in cases.items()}
    missed |= {f"{label}, by class": nets.misfit(networks(setting, *case), "class") for label, case in cases.items()}
    if setting.profile is Profile.FULL:
        plain = networks(setting, PLAIN, nets.WITHOUT_BATCH_NORM)
        missed |= {NO_NORM: nets.misfit(plain, "sample"), f"{NO_NORM}, by class": nets.misfit(plain, "class")}
    return missed


def draw_models(setting: Setting) -> Figure:
    """Measured cosines beside those of both models, at the larger number of imbalances."""
    cases = [case for case in MEASURED[setting.profile].values() if case[1] == nets.SLIGHT]
    x = tuple(float(ratio) for ratio, _ in cases)
    together = [networks(setting, *case) for case in cases]

    def model(label: str, norm_weights: str, color: int) -> Series:
        y = tuple(float(nets.foreseen(trials, norm_weights).mean()) for trials in together)
        return Series.line(label, x, y, color)

    return Figure(
        title="Two models beside trained networks",
        caption="Cosine between the classifiers of five minority classes, three hidden layers with batch norm, weight decay "
        f"{nets.SLIGHT.weight_decay:g}; bars: from the least to the largest of {nets.TRIALS[setting.profile]} trainings. The lines are "
        "optima at the energies measured in the networks.",
        x_label="imbalance R",
        y_label="minority cosine",
        series=(
            points_over_trials("measured cosine", x, np.array([nets.minority_cosines(trials) for trials in together]).T, 0),
            model("energy of all samples", "sample", 1),
            model("energy averaged over every class", "class", 2),
        ),
        log_x=True,
    )
