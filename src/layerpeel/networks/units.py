"""The units of a run, by their settings, and the curves and figures that are made of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from layerpeel.networks.run_directory import Arrays
from layerpeel.numerics import Figure, Series

Units = Sequence[tuple[Mapping[str, Any], Arrays]]
"""Settings and arrays of every unit of a run."""


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


def line(label: str, x: Sequence[float], y: Sequence[float] | np.ndarray, color: int) -> Series:
    """A curve without bars.

    Example:
        >>> line("y = x", [1.0, 2.0], [1.0, 2.0], 0).y
        (1.0, 2.0)
    """
    return Series(label=label, x=tuple(map(float, x)), y=tuple(map(float, y)), style="line", color=color)


def figure(
    title: str, caption: str, x_label: str, y_label: str, series: Sequence[Series], *, log_x: bool = False, log_y: bool = False
) -> Figure:
    """A figure without marks.

    Example:
        >>> figure("Nothing", "Nothing to see.", "x", "y", []).marks
        ()
    """
    return Figure(title=title, caption=caption, x_label=x_label, y_label=y_label, series=tuple(series), log_x=log_x, log_y=log_y)
