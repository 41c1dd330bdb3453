"""Separation before collapse: the straight line through log D is there while the last layer is still far from neural collapse.

With classes of one size, K·NC1 of the last layer is D of the last layer: NC1 is the line's own end point. So what the order of events says
is that log D is straight before it is steep. Test images, which take no part in the line, say whether the last layer goes on separating.
"""

from typing import TYPE_CHECKING

import numpy as np

from layerpeel.numerics import Bracket, fit_decay
from layerpeel.theory._room import Check, Control, Evidence, Figure, Kind, Origin, Quantities, Quantity, Room, Setting, Source, Statement
from layerpeel.theory._trials import interval_over_trials, points_over_trials
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


def predict_order() -> Quantities:
    """NC1 still has a way before it when the law appears; D on test images, which no training makes vanish, at least some."""
    return {NC1_LEFT: Bracket.exactly(float(np.log(STILL_TO_FALL))), TEST_LEFT: Bracket.exactly(0.0)}


def predict_linear_order() -> Quantities:
    """The same in a network without nonlinearity."""
    return {f"linear: {label}": bound for label, bound in predict_order().items()}


def measure_order(setting: Setting) -> Quantities:
    """log NC1 and log D on test images at the moment from which r stays below the limit, less the same after training, over trials."""
    found: dict[str, Quantity] = {}
    for name, network in (("", WATCHED[setting.full]), ("linear: ", LINEAR[setting.full])):
        trials = trained(network, TRIALS, setting.seed)
        for label, curves in ((NC1_LEFT, [each.nc1 for each in trials]), (TEST_LEFT, [each.test_fuzziness[:, -1] for each in trials])):
            found[name + label] = interval_over_trials(
                _left(each.epochs.astype(float), _correlations(each.fuzziness), np.log(curve))
                for each, curve in zip(trials, curves, strict=True)
            )
    return found


def _correlations(fuzziness: np.ndarray) -> np.ndarray:
    """Pearson's r of depth and log D, by epoch."""
    return np.array([fit_decay(row).pearson for row in fuzziness])


def _left(epochs: np.ndarray, correlations: np.ndarray, logs: np.ndarray) -> float:
    """What a curve still loses after the law has appeared."""
    return float(np.interp(_appearance(epochs, correlations), epochs, logs) - logs[-1])


def _appearance(epochs: np.ndarray, correlations: np.ndarray) -> float:
    """When r falls below the limit for good, interpolated between the epochs that were measured; the end where it never does."""
    above = np.flatnonzero(correlations > STRAIGHT)
    if len(above) == 0:
        return float(epochs[0])
    last = int(above[-1])
    if last == len(epochs) - 1:
        return float(epochs[-1])
    share = (correlations[last] - STRAIGHT) / (correlations[last] - correlations[last + 1])
    return float(epochs[last] + share * (epochs[last + 1] - epochs[last]))


def predict_rise() -> Quantities:
    """Before training D rises through the layers."""
    return {"r before training": Bracket.exactly(0.0)}


def predict_rise_at_end() -> Quantities:
    """The same bound after training."""
    return {"r after training": Bracket.exactly(0.0)}


def measure_start(setting: Setting) -> Quantities:
    """Pearson's r of depth and log D at random weights and after training, over trials."""
    correlations = np.array([_correlations(curves.fuzziness) for curves in _watched(setting)])
    return {f"r {when} training": correlation_over_trials(correlations[:, epoch]) for when, epoch in (("before", 0), ("after", -1))}


def _watched(setting: Setting) -> "tuple[SeparationCurves, ...]":
    return trained(WATCHED[setting.full], TRIALS, setting.seed)


def draw_order(setting: Setting) -> Figure:
    """1 + r, NC1 and D on test images against epochs."""
    trials = _watched(setting)
    epochs, correlations = trials[0].epochs.astype(float), np.array([_correlations(each.fuzziness) for each in trials])
    curves = {
        "1 + r": 1.0 + correlations,
        "NC1 of the last layer, D/K": np.array([each.nc1 for each in trials]),
        "D/K of the last layer on test images": np.array([each.test_fuzziness[:, -1] / each.by_class.shape[1] for each in trials]),
    }
    x = tuple(epochs[1:].tolist())
    series = [points_over_trials(label, x, values[:, 1:], color, logarithmic=True) for color, (label, values) in enumerate(curves.items())]
    appearance = float(np.mean([_appearance(epochs, row) for row in correlations]))
    return Figure(
        title="The law appears before collapse",
        caption=f"{WATCHED[setting.full].layers} layers on MNIST at 10×10 pixels, {TRIALS} trainings; points: geometric means, "
        "bars: from the least to the largest. r is Pearson's, of depth and log D: −1 on a falling straight line, +1 on a rising one. "
        "NC1 is the end point of that line: after the law has appeared the line grows steeper and stays straight. D on test images falls "
        "less, and goes on falling too.",
        x_label="epoch",
        y_label="1 + r; NC1; D/K on test images",
        series=tuple(series),
        marks=((appearance, f"r < −{-STRAIGHT:g} from here", 0),),
        log_x=True,
        log_y=True,
    )


ROOM = Room(
    statement=Statement(
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
    checks=(
        Check(
            name="law-first",
            claim="when log D has come to lie on a straight line, NC1 still falls to a half or less, and D on test images still falls too",
            evidence=Evidence.EMPIRICAL,
            predict=predict_order,
            measure=measure_order,
            kind=Kind.LOWER_BOUND,
        ),
        Check(
            name="learned",
            claim="before training D rises with depth: the law is learned",
            evidence=Evidence.EMPIRICAL,
            predict=predict_rise,
            measure=measure_start,
            kind=Kind.LOWER_BOUND,
        ),
    ),
    controls=(
        Control(
            name="linear-net",
            claim="in a net without nonlinearity too NC1 and D on test images still fall when the law appears: there it never does",
            check="law-first",
            predict=predict_linear_order,
        ),
        Control(name="after-training", claim="after training too D rises with depth", check="learned", predict=predict_rise_at_end),
    ),
    figures=(draw_order,),
)
