"""Figures as inline SVG whose colours are the page's: they follow its light and dark scheme."""

import io
import math
import re
from collections.abc import Sequence
from html import escape
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from layerpeel.numerics import PALETTE_SIZE, Figure, Series
from layerpeel.pages.typography import as_mathtext

_INK = "#010101"
# the page defines --series-0 … --series-5: blue, vermilion, green, purple, orange, sky (Okabe and Ito)
_PALETTE = [f"#0101{number + 2:02x}" for number in range(PALETTE_SIZE)]
_MARKERS = "osD^vP"
_WIDTH = 6.2
ROW = 11
"""Points from one row of labels to the next."""
SHORT = 100.0
"""A logarithmic axis whose ends differ by a smaller factor is labelled between the powers of ten too."""
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9.5,
    "mathtext.fontset": "dejavusans",
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": _INK,
    "grid.alpha": 0.12,
    "grid.linewidth": 0.6,
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
}


def figure_svg(figure: Figure, identity: str, *, titled: bool = False) -> str:
    """A figure as SVG: lines, points with error bars, and labelled vertical marks.

    Args:
        figure: the figure as data.
        identity: what makes its element ids differ from those of the other figures on the page.
        titled: whether the title is drawn too.
    """
    with mpl.rc_context(_STYLE), mpl.rc_context({"svg.hashsalt": identity}):
        canvas = FigureCanvasSVG(Canvas(figsize=(_WIDTH, 4.3), layout="constrained"))
        axes = canvas.figure.subplots()
        rows = _draw(axes, figure)
        if titled:
            axes.set_title(
                as_mathtext(figure.title), fontsize="medium", pad=6 + ROW * rows + 3 * (rows > 0)
            )  # above the labels of the marks
        canvas.figure.legend(loc="outside lower center", ncols=_legend_columns(figure))
        buffer = io.StringIO()
        canvas.figure.savefig(
            buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
        )
    return _as_page_element(buffer.getvalue(), figure.title)


def _draw(axes: Axes, figure: Figure) -> int:
    """Everything but title and legend; returns how many rows the labels of the marks take."""
    axes.set_xlabel(as_mathtext(figure.x_label))
    axes.set_ylabel(as_mathtext(figure.y_label))
    if figure.log_x:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
    elif all(math.isfinite(x) and x == round(x) for series in figure.series for x in series.x):  # layers, iterations
        axes.xaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True))
    if figure.log_y:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
    axes.grid(visible=True)
    for series in figure.series:
        _draw_series(axes, series)
    for x, _, color in figure.marks:
        axes.axvline(x, color=_color(color), linewidth=1.0, linestyle=(0, (4, 3)))
    for axis, logarithmic in ((axes.xaxis, figure.log_x), (axes.yaxis, figure.log_y)):
        low, high = axis.get_view_interval()
        if logarithmic and high < SHORT * low:  # few powers of ten are in sight, or none
            axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axis.set_minor_formatter(NullFormatter())
    return _label_marks(axes, figure)


def _legend_columns(figure: Figure) -> int:
    """As many columns as fit below the axes, by the length of the longest label in points."""
    longest = max((len(series.label) for series in figure.series), default=1)
    most = 4 if len(figure.series) == 4 else 3
    return max(1, min(most, int(72 * _WIDTH / (40 + 0.6 * 8.5 * longest))))


def _draw_series(axes: Axes, series: Series) -> None:
    x, y = _finite(series.x), _finite(series.y)
    color = _color(series.color)
    if series.style == "line":
        axes.plot(x, y, color=color, linewidth=1.8, label=as_mathtext(series.label))
        return
    low, high = _finite(series.low) or y, _finite(series.high) or y
    bars = [[max(0.0, a - b) for a, b in zip(y, low, strict=True)], [max(0.0, b - a) for a, b in zip(y, high, strict=True)]]
    marker = _MARKERS[series.color % len(_MARKERS)]
    axes.errorbar(x, y, yerr=bars, fmt=marker, color=color, markersize=4.5, elinewidth=1.0, capsize=2.0, label=as_mathtext(series.label))


def _label_marks(axes: Axes, figure: Figure) -> int:
    """Labels above the axes, in as many rows as are returned; neighbours that would touch go one row up."""
    to_axes = axes.transScale
    low, high = (float(to_axes.transform((end, 0.0))[0]) for end in axes.get_xlim())
    row_ends: list[float] = []
    for x, label, color in sorted(figure.marks):
        place = (float(to_axes.transform((x, 0.0))[0]) - low) / (high - low)
        half = 0.0075 * len(label)
        row = next((row for row, end in enumerate(row_ends) if place - half > end), len(row_ends))
        row_ends[row : row + 1] = [place + half + 0.01]
        axes.annotate(
            as_mathtext(label),
            (x, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(0, 3 + ROW * row),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=8.5,
            color=_color(color),
        )
    return len(row_ends)


def _finite(values: Sequence[float]) -> list[float]:
    """Infinity leaves a gap, as NaN does: the JSON of a report knows neither."""
    return [value if math.isfinite(value) else math.nan for value in values]


def _color(number: int) -> str:
    return _PALETTE[number % PALETTE_SIZE]


def _as_page_element(svg: str, title: str) -> str:
    """Drop the XML prologue and the groups' ids, let the page set size and fonts, turn the stand-in colours into the page's own."""
    box = re.search(r'viewBox="([^"]*)"', svg)
    body = svg[svg.index("<defs>") :]
    body = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", body)
    body = re.sub(r'<g id="[^"]*"', "<g", body)
    for number, stand_in in enumerate(_PALETTE):
        body = body.replace(stand_in, f"var(--series-{number})")
    body = body.replace(_INK, "currentColor")
    return f'<svg viewBox="{box[1] if box else ""}" role="img" aria-label="{escape(title)}">{body}'
