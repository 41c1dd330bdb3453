"""Separation before collapse: the straight line through log D is there while the last layer is still far from neural collapse."""

import numpy as np

from numerics import Bracket, fit_decay
from theory._room import Check, Control, Evidence, Figure, Kind, Origin, Quantities, Room, Series, Setting, Source, Statement
from theory._trials import interval_over_trials
from theory.equi_separation._networks import WATCHED, trained

TRIALS = 8
"""Independent trainings: the interval then reaches two standard deviations to each side."""

STRAIGHT = -0.97
"""Pearson's r from which the law is said to hold: well beyond the −.93 of the source's linear net."""

STILL_TO_FALL = 2.0
"""Factor by which NC1 must still fall after that: less would be the last stretch of one and the same process."""


def predict_order() -> Quantities:
    """NC1 has most of its way before it when the law appears."""
    return {"log NC1 when the law appears, less at the end": Bracket.exactly(float(np.log(STILL_TO_FALL)))}


def predict_collapse_first() -> Quantities:
    """A false variant: NC1 has come down before the law appears."""
    return {"log NC1 when the law appears, less at the end": Bracket.exactly(0.0)}


def measure_order(setting: Setting) -> Quantities:
    """log of NC1 at the moment from which r stays below the limit, less its value after training, over trials."""
    remaining = [
        float(np.interp(_appearance(*path), path[0], np.log(path[2])) - np.log(path[2][-1])) for path in zip(*_paths(setting), strict=True)
    ]
    return {"log NC1 when the law appears, less at the end": interval_over_trials(remaining)}


def _paths(setting: Setting) -> tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray]]:
    """Epochs, Pearson's r and NC1 of every trial."""
    trials = trained(WATCHED[setting.full], TRIALS, setting.seed)
    correlations = [np.array([fit_decay(row).pearson for row in curves.fuzziness]) for curves in trials]
    return [curves.epochs.astype(float) for curves in trials], correlations, [curves.nc1 for curves in trials]


def _appearance(epochs: np.ndarray, correlations: np.ndarray, _nc1: np.ndarray) -> float:
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


def predict_fall() -> Quantities:
    """A false variant: the law is there before training, a property of the architecture."""
    return {"r before training": Bracket.exactly(STRAIGHT)}


def measure_start(setting: Setting) -> Quantities:
    """Pearson's r of depth and log D at random weights, over trials."""
    return {"r before training": interval_over_trials(correlations[0] for correlations in _paths(setting)[1])}


def draw_order(setting: Setting) -> Figure:
    """1 + r and NC1 against epochs."""
    epochs, correlations, nc1 = (np.array(part) for part in _paths(setting))
    x = tuple(epochs[0, 1:].tolist())
    series = []
    for color, (label, values) in enumerate((("1 + r", 1.0 + correlations), ("NC1 of the last layer", nc1))):
        later = values[:, 1:]
        centre, low, high = np.exp(np.log(later).mean(axis=0)), later.min(axis=0), later.max(axis=0)
        series.append(
            Series(
                label=label, x=x, y=tuple(centre.tolist()), style="points", color=color, low=tuple(low.tolist()), high=tuple(high.tolist())
            )
        )
    appearance = float(np.mean([_appearance(*path) for path in zip(epochs, correlations, nc1, strict=True)]))
    return Figure(
        title="The law appears before collapse",
        caption=f"{WATCHED[setting.full].layers} layers on MNIST at 10×10 pixels, {TRIALS} trainings; points: geometric means, "
        "bars: from the least to the largest. r is Pearson's, of depth and log D: −1 on a falling straight line, +1 on a rising one.",
        x_label="epoch",
        y_label="1 + r; NC1",
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
        ),
        kind=Kind.OBSERVATION,
        origin=Origin.SEED,
        source=Source("he2023", "the law emerges during training; su2024, Part II"),
    ),
    checks=(
        Check(
            name="law-first",
            claim="when log D has come to lie on a straight line, NC1 still falls to a half or less",
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
            name="collapse-first",
            claim="NC1 is down before the law appears",
            check="law-first",
            predict=predict_collapse_first,
            kind=Kind.UPPER_BOUND,
        ),
        Control(name="innate", claim="the law holds at random weights", check="learned", predict=predict_fall, kind=Kind.UPPER_BOUND),
    ),
    figures=(draw_order,),
)
