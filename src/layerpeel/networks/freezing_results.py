"""What a run of the experiment `freezing` shows: layers trained in turn beside layers trained at once, at the same training loss."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from layerpeel.networks.run_directory import Arrays
from layerpeel.networks.units import Units
from layerpeel.numerics import Figure, Series, fit_decay, points_over_trials
from layerpeel.pages.curves import figure, line
from layerpeel.pages.records import Number, Record

REGIMES: Mapping[str, str] = {"joint": "all layers at once", "in-turn": "the lower ten, then the upper ten"}


class FreezingRow(Record):
    """One regime, at the training loss that both regimes reach: the larger of their final ones, in each trial.

    Args:
        regime: "joint" or "in-turn".
        trials: how many networks.
        loss: training loss where it is compared, in evaluation mode, mean over trials.
        epochs: after which it is reached, mean over trials.
        last_d: D of the last hidden layer there, the geometric mean.
        decay_ratio: ρ of the law there, the geometric mean.
        pearson: of layer and log D there, mean over trials.
        max_residual: largest |log D − fit| there, mean over trials: how far from a law.
        train_accuracy: there, mean over trials.
        test_accuracy: likewise.
        final_loss: at the end, mean over trials.
        final_test_accuracy: likewise.
        test_accuracies: of every trial, at equal loss.
        fuzziness: D of every layer at equal loss, mean over trials.
    """

    regime: str
    trials: int
    loss: Number
    epochs: Number
    last_d: Number
    decay_ratio: Number
    pearson: Number
    max_residual: Number
    train_accuracy: Number
    test_accuracy: Number
    final_loss: Number
    final_test_accuracy: Number
    test_accuracies: tuple[Number, ...]
    fuzziness: tuple[Number, ...]


def freezing_results(units: Units) -> tuple[list[FreezingRow], list[Figure]]:
    """A row for each regime, D through its layers, and loss and accuracy while it is trained."""
    regimes = dict.fromkeys(settings["regime"] for settings, _ in units)
    trials = {name: {s["trial"]: arrays for s, arrays in units if s["regime"] == name} for name in regimes}
    shared = sorted(set.intersection(*(set(mine) for mine in trials.values())))
    met = {trial: max(float(mine[trial]["loss"][-1]) for mine in trials.values()) for trial in shared}
    looks = {name: [_look(mine[trial], met[trial]) for trial in shared] for name, mine in trials.items()}
    rows = [_row(name, looks[name], [mine[trial] for trial in shared]) for name, mine in trials.items()]
    return rows, [_through_layers(looks), _while_trained({name: mine[shared[0]] for name, mine in trials.items()})]


def _look(arrays: Arrays, loss: float) -> dict[str, Any]:
    """The first look of the last phase at which the loss is as low, or the last one where rounding hides it."""
    last = arrays["phases"] == arrays["phases"][-1]
    reached = last & (arrays["loss"] <= loss)
    place = int(np.argmax(reached)) if reached.any() else len(last) - 1
    return {name: values[place] for name, values in arrays.items()}


def _row(regime: str, looks: list[dict[str, Any]], trials: list[Arrays]) -> FreezingRow:
    laws = [fit_decay(look["fuzziness"]) for look in looks]
    last = [float(look["fuzziness"][-1]) for look in looks]

    def mean(name: str) -> float:
        return float(np.mean([look[name] for look in looks]))

    return FreezingRow(
        regime=regime,
        trials=len(trials),
        loss=mean("loss"),
        epochs=mean("epochs"),
        last_d=float(np.exp(np.mean(np.log(last)))),
        decay_ratio=float(np.exp(np.mean([np.log(law.decay_ratio) for law in laws]))),
        pearson=float(np.mean([law.pearson for law in laws])),
        max_residual=float(np.mean([law.max_residual for law in laws])),
        train_accuracy=mean("training_accuracy"),
        test_accuracy=mean("test_accuracy"),
        final_loss=float(np.mean([arrays["loss"][-1] for arrays in trials])),
        final_test_accuracy=float(np.mean([arrays["test_accuracy"][-1] for arrays in trials])),
        test_accuracies=tuple(float(look["test_accuracy"]) for look in looks),
        fuzziness=tuple(np.mean([look["fuzziness"] for look in looks], axis=0).tolist()),
    )


def _through_layers(looks: dict[str, list[dict[str, Any]]]) -> Figure:
    series: list[Series] = []
    for color, (name, mine) in enumerate(looks.items()):
        ends = np.array([look["fuzziness"] for look in mine])
        layers = list(range(ends.shape[1]))
        fitted = np.exp(np.polyval(np.polyfit(layers, np.log(ends).mean(axis=0), 1), layers))
        series += [points_over_trials(REGIMES.get(name, name), layers, ends, color), line("", layers, fitted, color)]
    caption = "At the training loss that both reach; lines are fitted laws. Bars: least and largest over trials; layer 0 is the input."
    return figure("Layers in turn and layers at once", caption, "layer", "separation fuzziness D", series, log_y=True)


def _while_trained(trials: dict[str, Arrays]) -> Figure:
    series = [
        line(REGIMES.get(name, name), arrays["loss"].tolist(), arrays["test_accuracy"], color)
        for color, (name, arrays) in enumerate(trials.items())
    ]
    caption = "The first trial, while it is trained; training loss in evaluation mode, which falls from right to left."
    return figure("Test accuracy against training loss", caption, "training loss", "test accuracy", series, log_x=True)
