"""What a run of the experiment `depths` shows: the last D against depth, for each data set."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from layerpeel.networks.run_directory import Arrays
from layerpeel.networks.units import Units
from layerpeel.numerics import Figure, points_over_trials
from layerpeel.pages.curves import figure
from layerpeel.pages.records import Number, Record


class DepthRow(Record):
    """Separation in the last hidden layer at one depth.

    Args:
        images: the data set.
        hidden: hidden layers.
        trials: how many networks.
        last_d: D of the last hidden layer on training images, the geometric mean over trials; None where a network died.
        least_last_d: over trials.
        largest_last_d: likewise.
        test_last_d: the same mean on test images.
        best: whether no depth of this data set has a smaller one on training images.
        train_accuracy: mean over trials.
        test_accuracy: likewise.
    """

    images: str
    hidden: int
    trials: int
    last_d: Number | None
    least_last_d: Number | None
    largest_last_d: Number | None
    test_last_d: Number | None
    best: bool
    train_accuracy: float
    test_accuracy: float


def depth_results(units: Units) -> tuple[list[DepthRow], list[Figure]]:
    """A row for every data set and depth, and the last D against depth."""
    least: dict[str, float] = {}
    for settings, arrays in units:
        least[settings["images"]] = min(least.get(settings["images"], np.inf), _mean(arrays["fuzziness"][:, -1]))
    rows = [_row(settings, arrays, least[settings["images"]]) for settings, arrays in units]
    return rows, [_figure("training", units), _figure("test", units)]


def _mean(values: np.ndarray) -> float:
    return float(np.exp(np.log(values).mean()))


def _row(settings: Mapping[str, Any], arrays: Arrays, least: float) -> DepthRow:
    last, test = arrays["fuzziness"][:, -1], arrays["test_fuzziness"]
    alive = bool(np.isfinite(last).all() and np.isfinite(test).all())
    inside, outside = arrays["accuracy"].mean(axis=0).tolist()
    return DepthRow(
        images=settings["images"],
        hidden=settings["hidden"],
        trials=len(last),
        last_d=_mean(last) if alive else None,
        least_last_d=float(last.min()) if alive else None,
        largest_last_d=float(last.max()) if alive else None,
        test_last_d=_mean(test) if alive else None,
        best=_mean(last) == least,
        train_accuracy=inside,
        test_accuracy=outside,
    )


def _figure(part: str, units: Units) -> Figure:
    series = []
    for color, name in enumerate(dict.fromkeys(settings["images"] for settings, _ in units)):
        mine = sorted(((s["hidden"], arrays) for s, arrays in units if s["images"] == name), key=lambda pair: pair[0])
        last = [arrays["fuzziness"][:, -1] if part == "training" else arrays["test_fuzziness"] for _, arrays in mine]
        series.append(points_over_trials(name, [hidden for hidden, _ in mine], np.array(last).T, color, logarithmic=True))
    caption = "Networks of width 100, Adam at one learning rate for all depths. Bars: least and largest over trials."
    title = f"Separation in the last layer against depth, {part} images"
    return figure(title, caption, "hidden layers", "D of the last hidden layer", series, log_y=True)
