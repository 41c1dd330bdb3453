"""What is drawn, as data; whoever renders a page draws it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

PALETTE_SIZE = 6
"""Colours that every page has; a series and a mark name theirs by its index."""


@dataclass(frozen=True, kw_only=True)
class Series:
    """One curve (style "line", with a band) or set of measured points (style "points", with error bars) of a figure; NaN leaves a gap."""

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    style: str
    color: int
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()

    @classmethod
    def line(cls, label: str, x: Iterable[float], y: Iterable[float], color: int) -> "Series":
        """A curve without a band.

        Example:
            >>> Series.line("y = x", [1, 2], [1, 2], 0).y
            (1.0, 2.0)
        """
        return cls(label=label, x=tuple(map(float, x)), y=tuple(map(float, y)), style="line", color=color)

    @classmethod
    def points(cls, label: str, x: Iterable[float], y: Iterable[float], color: int) -> "Series":
        """Points without bars.

        Example:
            >>> Series.points("the origin", [0], [0], 0).style
            'points'
        """
        return cls(label=label, x=tuple(map(float, x)), y=tuple(map(float, y)), style="points", color=color)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure as data.

    `marks` are vertical lines (x, label, color index): the places that the theory names.
    """

    title: str
    caption: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    marks: tuple[tuple[float, str, int], ...] = ()
    log_x: bool = False
    log_y: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class HeatMap:
    """A figure of a quantity over two axes, as data; NaN leaves a hole.

    `values` has a row for each y and a column for each x, both ascending. `names` call the places of both axes alike. `limits` are the
    ends of the colour scale, which has one colour for each sign where zero is in the middle. A `matrix` has square cells and its first row
    on top.
    """

    title: str
    caption: str
    x_label: str
    y_label: str
    value_label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    values: np.ndarray
    log_x: bool = False
    log_y: bool = False
    log_values: bool = False
    names: tuple[str, ...] = ()
    limits: tuple[float, float] | None = None
    matrix: bool = False


@dataclass(frozen=True, kw_only=True)
class Bars:
    """A figure of a number for each of several things in a row, as data.

    `heights` are sets of bars (label, a number for each thing, color index), of which later ones are drawn over earlier ones; `names` call
    the things, which are numbered from one otherwise.
    """

    title: str
    caption: str
    x_label: str
    y_label: str
    heights: tuple[tuple[str, tuple[float, ...], int], ...]
    names: tuple[str, ...] = ()
    log_y: bool = False


Drawing: TypeAlias = Figure | HeatMap | Bars
"""Whatever a page draws."""


def points_over_trials(
    label: str, x: Iterable[float], trials: Sequence[Iterable[float]] | np.ndarray, color: int, *, logarithmic: bool = False
) -> Series:
    """Means over trials as points of a figure, with bars from the least to the largest.

    Args:
        label: name of the points.
        x: where they lie.
        trials: a row for each trial, a number for each x.
        color: index of a colour.
        logarithmic: take the mean of logarithms.

    Raises:
        ValueError: when the trials differ in length.

    Example:
        >>> points_over_trials("two trials", [1], [[1.0], [4.0]], 0, logarithmic=True).y
        (2.0,)
    """
    values = np.array([list(trial) for trial in trials], dtype=float)
    centre = np.exp(np.log(values).mean(axis=0)) if logarithmic else values.mean(axis=0)
    low, high = (tuple(end.tolist()) for end in (values.min(axis=0), values.max(axis=0)))
    return Series(label=label, x=tuple(map(float, x)), y=tuple(centre.tolist()), style="points", color=color, low=low, high=high)
