"""Curves, points and figures as data, from whatever numbers a result holds."""

from collections.abc import Sequence

import numpy as np

from layerpeel.numerics import Figure, Series

Values = Sequence[float] | np.ndarray

Mark = tuple[float, str, int]
"""A vertical line: where it stands, its label, and the index of its colour."""


def line(label: str, x: Values, y: Values, color: int) -> Series:
    """A curve without bars.

    Example:
        >>> line("y = x", [1.0, 2.0], [1.0, 2.0], 0).y
        (1.0, 2.0)
    """
    return Series(label=label, x=tuple(map(float, x)), y=tuple(map(float, y)), style="line", color=color)


def points(label: str, x: Values, y: Values, color: int) -> Series:
    """Points without bars.

    Example:
        >>> points("the origin", [0.0], [0.0], 0).style
        'points'
    """
    return Series(label=label, x=tuple(map(float, x)), y=tuple(map(float, y)), style="points", color=color)


def figure(
    title: str,
    caption: str,
    x_label: str,
    y_label: str,
    series: Sequence[Series],
    *,
    marks: Sequence[Mark] = (),
    log_x: bool = False,
    log_y: bool = False,
) -> Figure:
    """A figure of series, and of marks if there are any.

    Example:
        >>> figure("Nothing", "Nothing to see.", "x", "y", []).marks
        ()
    """
    return Figure(
        title=title,
        caption=caption,
        x_label=x_label,
        y_label=y_label,
        series=tuple(series),
        marks=tuple(marks),
        log_x=log_x,
        log_y=log_y,
    )
