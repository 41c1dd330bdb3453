"""Separation before collapse: the straight line through log D is there while the last layer is still far from neural collapse.

With classes of one size, K·NC1 of the last layer is D of the last layer: NC1 is the line's own end point. So what the order of events says
is that log D is straight before it is steep. Test images, which take no part in the line, say whether the last layer goes on separating.
"""

from typing import TYPE_CHECKING

import numpy as np

from layerpeel.numerics import Bracket, fit_decay
from layerpeel.theory import Evidence, Figure, Kind, Origin, Room, Setting, Source, Statement, Variant, claim, instances
from layerpeel.theory._trials import intervals_over_trials, points_over_trials
from layerpeel.theory.equi_separation._networks import LINEAR, WATCHED, correlation_over_trials, trained

if TYPE_CHECKING:
    from layerpeel.gpu_train.studies import SeparationCurves

TRIALS = 7
"""Independent trainings: the interval then reaches 2.3 standard deviations to each side."""

STRAIGHT = -0.97
"""Pearson's r from which the law is said to hold: well beyond the −.93 of the source's linear net."""

STILL_TO_FALL = 2.0
"""Factor by which NC1 must still fall after that: less would be the last stretch of one and the same process."""

NC1_LEFT = "log NC1 when the law appears, less at the end"
TEST_LEFT = "log D of the last layer on test images when the law appears, less at the end"
LEFT = {NC1_LEFT: (float(np.log(STILL_TO_FALL)),), TEST_LEFT: (0.0,)}
"""What must at least be left: NC1 still has a way before it; D on test images, which no training makes vanish, at least some."""

ROOM = Room.of(
    Statement(
        name="separation-before-collapse",
        title="Equi-separation appears before neural collapse",
        latex=r"D_t\approx c\,\rho^{\,t}\ \text{holds at an epoch at which}\ \mathrm{NC1}\gg\mathrm{NC1}(\text{end})",
        assumptions=(
            "feed-forward nets with batch norm and ReLU; MNIST at 10×10 pixels, 100 images a class",
            "the end of training stands for collapse: NC1 falls, but not to zero",
            "classes of one size, so K·NC1 is D of the last layer exactly: the line's end point, and no second measure",
        ),
        kind=Kind.OBSERVATION,
        origin=Origin.SEED,
        source=Source("he2023", "the law emerges during training; su2024, Part II"),
    ),
    claim(
        "law-first",
        "when log D has come to lie on a straight line, NC1 still falls to a half or less, and D on test images still falls too",
        over=LEFT,
        predict=Bracket.exactly,
        measure_all=lambda setting: intervals_over_trials(
            left_of(watched(setting)) | {f"linear: {label}": values for label, values in left_of(linear(setting)).items()}
        ),
        by="log NC1 and log D on test images at the moment from which r stays below the limit, less the same after training, over trials",
        false={
            "linear-net": Variant(
                "in a net without nonlinearity too NC1 and D on test images still fall when the law appears: there it never does",
                Bracket.exactly,
                over={f"linear: {label}": least for label, least in LEFT.items()},
            ),
            "test-images-collapse-too": Variant(
                "D on test images falls as far as NC1 does: to a tenth or less", Bracket.exactly, over={TEST_LEFT: (float(np.log(10.0)),)}
            ),
        },
        evidence=Evidence.EMPIRICAL,
        kind=Kind.LOWER_BOUND,
    ),
    claim(
        "learned",
        "before training D rises with depth: the law is learned",
        over="r before training",
        predict=0.0,
        measure_all=lambda setting: correlations_at_ends(watched(setting)),
        by="Pearson's r of depth and log D at random weights and after training, over trials",
        false={"after-training": Variant("after training too D rises with depth", 0.0, over=instances("r after training", ()))},
        evidence=Evidence.EMPIRICAL,
        kind=Kind.LOWER_BOUND,
    ),
    figures=(lambda setting: draw_order(setting),),
)


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
