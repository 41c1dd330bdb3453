"""What is drawn, as data; whoever renders a page draws it."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Series:
    """One curve (style "line") or set of measured points (style "points", with error bars) of a figure; NaN leaves a gap."""

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    style: str
    color: int
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


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
