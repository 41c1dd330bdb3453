"""When the law appears in training, what separation is still to come then, and its picture."""

from typing import TYPE_CHECKING

import numpy as np

from layerpeel.numerics import Bracket, fit_decay
from layerpeel.theory import Figure, Setting
from layerpeel.theory._trials import points_over_trials
from layerpeel.theory.equi_separation._networks import LINEAR, WATCHED, correlation_over_trials, trained

if TYPE_CHECKING:
    from layerpeel.gpu_train.studies import SeparationCurves

TRIALS = 7
"""Independent trainings: the interval then reaches 2.3 standard deviations to each side."""
STRAIGHT = -0.97
"""Pearson's r from which the law is said to hold: well beyond the −.93 of the source's linear net."""
NC1_LEFT = "log NC1 when the law appears, less at the end"
TEST_LEFT = "log D of the last layer on test images when the law appears, less at the end"


def watched(setting: Setting) -> "tuple[SeparationCurves, ...]":
    """The network that is watched while it learns."""
    return trained(WATCHED[setting.profile], TRIALS, setting.seed)


def linear(setting: Setting) -> "tuple[SeparationCurves, ...]":
    """The network without nonlinearity."""
    return trained(LINEAR[setting.profile], TRIALS, setting.seed)


def left_of(trials: "tuple[SeparationCurves, ...]") -> dict[str, list[float]]:
    """What NC1, and D on test images, still lose after the law has appeared, a number for each trial."""
    return {
        NC1_LEFT: [left(each.epochs.astype(float), correlations(each.fuzziness), np.log(each.nc1)) for each in trials],
        TEST_LEFT: [left(each.epochs.astype(float), correlations(each.fuzziness), np.log(each.test_fuzziness[:, -1])) for each in trials],
    }


def correlations(fuzziness: np.ndarray) -> np.ndarray:
    """Pearson's r of depth and log D, by epoch."""
    return np.array([fit_decay(row).pearson for row in fuzziness])


def left(epochs: np.ndarray, by_epoch: np.ndarray, logs: np.ndarray) -> float:
    """What a curve still loses after the law has appeared, by the correlations of every epoch."""
    return float(np.interp(appearance(epochs, by_epoch), epochs, logs) - logs[-1])


def appearance(epochs: np.ndarray, by_epoch: np.ndarray) -> float:
    """When r falls below the limit for good, interpolated between the epochs that were measured; the end where it never does."""
    above = np.flatnonzero(by_epoch > STRAIGHT)
    if len(above) == 0:
        return float(epochs[0])
    last = int(above[-1])
    if last == len(epochs) - 1:
        return float(epochs[-1])
    share = (by_epoch[last] - STRAIGHT) / (by_epoch[last] - by_epoch[last + 1])
    return float(epochs[last] + share * (epochs[last + 1] - epochs[last]))


def correlations_at_ends(trials: "tuple[SeparationCurves, ...]") -> dict[str, Bracket]:
    """r before training and after."""
    by_epoch = np.array([correlations(each.fuzziness) for each in trials])
    return {f"r {when} training": correlation_over_trials(by_epoch[:, epoch]) for when, epoch in (("before", 0), ("after", -1))}


def draw_order(setting: Setting) -> Figure:
    """1 + r, NC1 and D on test images against epochs."""
    trials = watched(setting)
    epochs, by_epoch = trials[0].epochs.astype(float), np.array([correlations(each.fuzziness) for each in trials])
    curves = {
        "1 + r": 1.0 + by_epoch,
        "NC1 of the last layer, D/K": np.array([each.nc1 for each in trials]),
        "D/K of the last layer on test images": np.array([each.test_fuzziness[:, -1] / each.by_class.shape[1] for each in trials]),
    }
    x = tuple(epochs[1:].tolist())
    series = [points_over_trials(label, x, values[:, 1:], color, logarithmic=True) for color, (label, values) in enumerate(curves.items())]
    appears = float(np.mean([appearance(epochs, row) for row in by_epoch]))
    return Figure(
        title="The law appears before collapse",
        caption=f"{WATCHED[setting.profile].layers} layers on MNIST at 10×10 pixels, {TRIALS} trainings; points: geometric means, "
        "bars: from the least to the largest. r is Pearson's, of depth and log D: −1 on a falling straight line, +1 on a rising one. "
        "NC1 is the end point of that line: after the law has appeared the line grows steeper and stays straight. D on test images falls "
        "less, and goes on falling too.",
        x_label="epoch",
        y_label="1 + r; NC1; D/K on test images",
        series=tuple(series),
        marks=((appears, f"r < −{-STRAIGHT:g} from here", 0),),
        log_x=True,
        log_y=True,
    )
