"""What runs of the experiments `imbalance` and `unconstrained` show: minority collapse, and descent against the certified optimum."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from layerpeel.networks.diagnosis import LEARNED, nonnegative_cosine
from layerpeel.networks.run_directory import Arrays
from layerpeel.networks.units import Units, by_settings
from layerpeel.numerics import Figure, points_over_trials
from layerpeel.pages.curves import figure, line
from layerpeel.pages.records import Number, Record

ROUNDING = 1e-16
"""Values of the loss differ from the optimum by their rounding at best: a logarithmic axis ends here."""


class ImbalanceRow(Record):
    """Minority collapse at one imbalance, measured and predicted; norms counted by sample unless said otherwise.

    Args:
        network: its name.
        imbalance: R.
        oversampling: w_r, how often minority samples are repeated.
        trials: how many.
        minority_cosine: between minority classifiers, mean over trials.
        standard_deviation: of that over trials; None for one.
        predicted_cosine: by the Layer-Peeled Model at the energies measured in each network; NaN where the minority vanishes.
        nonnegative_cosine: the same for features H ≥ 0, as behind a ReLU.
        weight_decay_cosine: for features H ≥ 0 at λ_W = λ, λ_H = λ/N, with nothing measured.
        class_averaged_cosine: by the sources' model, at the energies averaged over every class.
        learned: trainings that label half or more of the minority's training images correctly; of the others no model speaks.
        minority_training_accuracy: on the images trained on.
        minority_accuracy: on test images.
        majority_accuracy: likewise.
        minority_cosines: of every trial.
        predicted_cosines: likewise.
    """

    network: str
    imbalance: float
    oversampling: float
    trials: int
    minority_cosine: Number
    standard_deviation: Number | None
    predicted_cosine: Number
    nonnegative_cosine: Number
    weight_decay_cosine: Number
    class_averaged_cosine: Number
    learned: int
    minority_training_accuracy: Number
    minority_accuracy: Number
    majority_accuracy: Number
    minority_cosines: tuple[Number, ...]
    predicted_cosines: tuple[Number, ...]
    class_averaged_cosines: tuple[Number, ...]


class DescentRow(Record):
    """How far descent on features and classifier alone ends above the certified optimum.

    Args:
        imbalance: R.
        trials: starts.
        certified_value: upper end of the optimum's enclosure.
        largest_excess: over its lower end, over trials.
        least_excess: likewise.
    """

    imbalance: float
    trials: int
    certified_value: float
    largest_excess: Number
    least_excess: Number


def imbalance_results(units: Units) -> tuple[list[ImbalanceRow], list[Figure]]:
    """Minority cosines against R and w_r, measured and as the Layer-Peeled Model predicts them from the measured energies."""
    settings = by_settings(units, "network", "imbalance", "oversampling")
    rows = [_row(network, ratio, factor, trials) for (network, ratio, factor), trials in settings.items()]
    figures: list[Figure] = []
    for network in dict.fromkeys(row.network for row in rows):
        mine = [row for row in rows if row.network == network]
        plain = [row for row in mine if row.oversampling == 1.0]
        most = max(row.imbalance for row in mine)
        remedied = [row for row in mine if row.imbalance == most]
        figures += [
            _cosines(f"Minority collapse, {network}", plain, "imbalance", "imbalance R"),
            _cosines(f"Oversampling at R = {most:g}, {network}", remedied, "oversampling", "oversampling of the minority"),
        ]
    return rows, figures


def _row(network: str, ratio: float, factor: float, trials: Sequence[Arrays]) -> ImbalanceRow:
    rare = np.isin(np.arange(len(trials[0]["counts"])), trials[0]["minority"])
    shown = np.rint(trials[0]["counts"] * np.where(rare, factor, 1.0)).astype(int)
    effective = float(np.mean(trials[0]["counts"][~rare]) / np.mean(trials[0]["counts"][rare])) / factor
    energies = [{"feature_energy": float(arrays["sample_energy"]), "weight_energy": float(arrays["weight_energy"])} for arrays in trials]
    predicted = [_predicted(rare, effective, **each, norm_weights="sample") for each in energies]
    averaged = [
        _predicted(rare, effective, **(each | {"feature_energy": float(arrays["feature_energy"])}), norm_weights="class")
        for each, arrays in zip(energies, trials, strict=True)
    ]
    decay = float(trials[0]["weight_decay"])
    nonnegative = [nonnegative_cosine(shown, rare, each) for each in energies]
    measured = np.array([float(arrays["minority_cosine"]) for arrays in trials])
    accuracy = np.array([arrays["accuracy"] for arrays in trials])
    learning = np.array([arrays["training_accuracy"][rare].mean() for arrays in trials])
    return ImbalanceRow(
        network=network,
        imbalance=float(ratio),
        oversampling=float(factor),
        trials=len(trials),
        minority_cosine=float(measured.mean()),
        standard_deviation=float(measured.std(ddof=1)) if len(measured) > 1 else None,
        predicted_cosine=float(np.mean(predicted)),
        nonnegative_cosine=float(np.mean(nonnegative)),
        weight_decay_cosine=nonnegative_cosine(shown, rare, {"weight_decay": decay}) if decay else math.nan,
        class_averaged_cosine=float(np.mean(averaged)),
        learned=int((learning >= LEARNED).sum()),
        minority_training_accuracy=float(learning.mean()),
        minority_accuracy=float(accuracy[:, rare].mean()),
        majority_accuracy=float(accuracy[:, ~rare].mean()),
        minority_cosines=tuple(measured.tolist()),
        predicted_cosines=tuple(predicted),
        class_averaged_cosines=tuple(averaged),
    )


def _predicted(rare: np.ndarray, imbalance: float, **energies: Any) -> float:
    """Cosine between minority classifiers at the optimum; NaN where they vanish."""
    from layerpeel.solvers import LayerPeeled, solve

    problem = LayerPeeled.from_imbalance(int((~rare).sum()), int(rare.sum()), imbalance, **energies)
    cosine = solve(problem).groups[-1].within_cosine
    return math.nan if cosine is None else cosine


def _cosines(title: str, rows: Sequence[ImbalanceRow], name: str, label: str) -> Figure:
    x = [getattr(row, name) for row in rows]
    return figure(
        title,
        "Mean cosine between minority classifiers, measured and as the Layer-Peeled Model predicts it from the energies measured in each "
        "network, by sample as weight decay counts them, and by class as the sources do; accuracy on the minority. Bars: least and largest "
        "over trials. Where the training accuracy is below one half the minority was never learned, and no prediction speaks of it.",
        label,
        "cosine; accuracy",
        [
            points_over_trials("measured cosine", x, np.array([row.minority_cosines for row in rows]).T, 0),
            points_over_trials("predicted, energies by sample", x, np.array([row.predicted_cosines for row in rows]).T, 1),
            points_over_trials("predicted, energies by class", x, np.array([row.class_averaged_cosines for row in rows]).T, 2),
            line("minority training accuracy", x, [row.minority_training_accuracy for row in rows], 3),
            line("minority test accuracy", x, [row.minority_accuracy for row in rows], 4),
        ],
        log_x=True,
    )


def unconstrained_results(units: Units) -> tuple[list[DescentRow], list[Figure]]:
    """How far descent on W and H alone ends above the certified optimum."""
    from layerpeel.solvers import LayerPeeled, solve

    rows, series = [], []
    for color, ((ratio,), trials) in enumerate(by_settings(units, "imbalance").items()):
        feature_energy, weight_energy = trials[0]["energies"].tolist()
        problem = LayerPeeled(counts=trials[0]["counts"].tolist(), feature_energy=feature_energy, weight_energy=weight_energy)
        optimum = solve(problem).value
        excess = np.array([arrays["values"] for arrays in trials]) - optimum.lower
        rows.append(
            DescentRow(
                imbalance=float(ratio),
                trials=len(trials),
                certified_value=optimum.upper,
                largest_excess=float(excess[:, -1].max()),
                least_excess=float(excess[:, -1].min()),
            )
        )
        series.append(points_over_trials(f"R = {ratio}", trials[0]["steps"][1:].tolist(), np.maximum(excess[:, 1:], ROUNDING), color))
    caption = f"Value above the certified lower bound of the optimum, {ROUNDING:g} where it is less; bars: least and largest over starts."
    title = "Descent on features and classifier alone"
    return rows, [figure(title, caption, "step", "excess over the optimum", series, log_x=True, log_y=True)]
