"""Trials of an experiment as curves with bars: what the figures of all experiments are made of."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from layerpeel.networks.run_directory import Arrays
from layerpeel.numerics import Figure, Series

Units = Sequence[tuple[Mapping[str, Any], Arrays]]
"""Settings and arrays of every unit of a run."""

Result = tuple[list[dict[str, Any]], list[Figure]]
"""Rows of the record, and figures."""


def by_settings(units: Units, *names: str) -> dict[tuple[Any, ...], list[Arrays]]:
    """Arrays of all trials that share these settings, in order of first appearance.

    Example:
        >>> units = [({"variant": "a"}, {}), ({"variant": "b"}, {}), ({"variant": "a"}, {})]
        >>> {key: len(found) for key, found in by_settings(units, "variant").items()}
        {('a',): 2, ('b',): 1}
    """
    found: dict[tuple[Any, ...], list[Arrays]] = {}
    for settings, arrays in units:
        found.setdefault(tuple(settings[name] for name in names), []).append(arrays)
    return found


def points(label: str, x: Sequence[float], trials: np.ndarray, color: int) -> Series:
    """Mean over trials (the first axis), with bars from the least to the largest.

    Example:
        >>> points("two trials", [1.0], np.array([[2.0], [4.0]]), 0).y
        (3.0,)
    """
    mean, low, high = (tuple(statistic(trials, axis=0).tolist()) for statistic in (np.mean, np.min, np.max))
    return Series(label=label, x=tuple(map(float, x)), y=mean, style="points", color=color, low=low, high=high)


def line(label: str, x: Sequence[float], y: Sequence[float] | np.ndarray, color: int) -> Series:
    """A curve without bars.

    Example:
        >>> line("y = x", [1.0, 2.0], [1.0, 2.0], 0).style
        'line'
    """
    return Series(label=label, x=tuple(map(float, x)), y=tuple(map(float, y)), style="line", color=color)


def figure(
    title: str, caption: str, x_label: str, y_label: str, series: list[Series], *, log_x: bool = False, log_y: bool = False
) -> Figure:
    """A figure without marks.

    Example:
        >>> figure("Nothing", "Nothing to see.", "x", "y", []).marks
        ()
    """
    return Figure(title=title, caption=caption, x_label=x_label, y_label=y_label, series=tuple(series), log_x=log_x, log_y=log_y)
