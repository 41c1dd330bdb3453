"""Figures as inline SVG whose colours are the page's: they follow its light and dark scheme."""

import io
import math
import re
from collections.abc import Sequence
from html import escape
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.collections import QuadMesh
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter
from matplotlib.transforms import Bbox

from layerpeel.numerics import PALETTE_SIZE, Bars, Drawing, Figure, HeatMap, Series
from layerpeel.pages.typography import as_mathtext

_INK = "#010101"
# the page defines --series-0 … --series-5: blue, vermilion, green, purple, orange, sky (Okabe and Ito)
_PALETTE = [f"#0101{number + 2:02x}" for number in range(PALETTE_SIZE)]
_MARKERS = "osD^vP"
_WIDTH, _HEIGHT, _TALL, _EDGE = 6.2, 4.3, 5.4, 0.06
"""Inches; the last is the height of a matrix, which leaves a square beside its colour bar."""
_DOTS = 200
"""Dots per inch of a heat map: twice those of most screens, at the width of a page."""
ROW = 11
"""Points from one row of labels to the next."""
READ = 12
"""So many bars, or rows of a matrix, have their numbers written into them."""
APART = 60
"""More bars than these touch each other, as one outline."""
TURNED = 56
"""Characters that fit side by side below the axes; names that have more of them stand upright."""
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


def figure_svg(figure: Drawing, identity: str, *, titled: bool = False) -> str:
    """A figure as SVG: lines with bands, points with error bars, and vertical marks; bars; or a heat map, whose cells are one image.

    Args:
        figure: the figure as data.
        identity: what makes its element ids differ from those of the other figures on the page.
        titled: whether the title is drawn too.
    """
    with mpl.rc_context(_STYLE), mpl.rc_context({"svg.hashsalt": identity}):
        tall = isinstance(figure, HeatMap) and figure.matrix
        canvas = FigureCanvasSVG(Canvas(figsize=(_WIDTH, _TALL if tall else _HEIGHT), layout="constrained"))
        axes = canvas.figure.subplots()
        rows, bar = 0, None
        if isinstance(figure, HeatMap):
            bar = _draw_heat_map(canvas.figure, axes, figure)
        elif isinstance(figure, Bars):
            _draw_bars(axes, figure)
            if len(figure.heights) > 1:
                canvas.figure.legend(loc="outside lower center", ncols=3)
        else:
            rows = _draw(axes, figure)
            canvas.figure.legend(loc="outside lower center", ncols=_legend_columns(figure))
        if titled:
            axes.set_title(
                as_mathtext(figure.title), fontsize="medium", pad=6 + ROW * rows + 3 * (rows > 0)
            )  # above the labels of the marks
        shown = _levelled(canvas.figure, axes, bar) if bar is not None and tall else None
        buffer = io.StringIO()
        canvas.figure.savefig(
            buffer,
            format="svg",
            bbox_inches=shown,
            transparent=True,
            dpi=_DOTS,
            metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
        )
        places = _places(axes, figure) if isinstance(figure, Figure) else ""
    return _as_page_element(buffer.getvalue(), figure.title, places)


def _places(axes: Axes, figure: Figure) -> str:
    """Where the axes lie on the drawing, and what their ends stand for, so that a page can say what lies under a pointer."""
    box, height = axes.get_window_extent(), 72.0 * _HEIGHT
    scale = 72.0 / axes.figure.dpi
    ends = [box.x0 * scale, box.x1 * scale, *axes.get_xlim(), height - box.y0 * scale, height - box.y1 * scale, *axes.get_ylim()]
    kinds = f"{'log' if figure.log_x else 'linear'} {'log' if figure.log_y else 'linear'}"
    return f' data-axes="{" ".join(f"{end:.7g}" for end in ends)} {kinds}"'


def _draw(axes: Axes, figure: Figure) -> int:
    """Everything but title and legend; returns how many rows the labels of the marks take."""
    _scale_axes(axes, figure)
    if not figure.log_x and all(math.isfinite(x) and x == round(x) for series in figure.series for x in series.x):  # layers, iterations
        axes.xaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True))
    axes.grid(visible=True)
    for series in figure.series:
        _draw_series(axes, series)
    for x, _, color in figure.marks:
        axes.axvline(x, color=_color(color), linewidth=1.0, linestyle=(0, (4, 3)))
    _label_short_scales(axes, figure)
    return _label_marks(axes, figure)


def _draw_bars(axes: Axes, figure: Bars) -> None:
    number = max((len(values) for _, values, _ in figure.heights), default=0)
    shown = [value for _, values, _ in figure.heights for value in values if math.isfinite(value) and (value > 0.0 or not figure.log_y)]
    foot = min(shown, default=1.0) / 2.0 if figure.log_y else 0.0
    for label, values, color in figure.heights:
        tops = [max(value, foot) for value in _finite(values)]
        if number > APART:
            axes.stairs(tops, np.arange(number + 1) + 0.5, baseline=foot, fill=True, color=_color(color), label=as_mathtext(label))
            continue
        bars = axes.bar(range(1, number + 1), [top - foot for top in tops], 0.8, foot, color=_color(color), label=as_mathtext(label))
        if number <= READ and len(figure.heights) == 1:
            axes.bar_label(bars, [f"{value:.6g}" for value in values], padding=2, fontsize=8.5)
    axes.set_xlabel(as_mathtext(figure.x_label))
    axes.set_ylabel(as_mathtext(figure.y_label))
    axes.set_xlim(0.5 - 0.02 * number, number + 0.5 + 0.02 * number)
    if figure.log_y:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
    axes.grid(visible=True, axis="y")
    axes.set_axisbelow(True)
    _name_places(axes, [*range(1, number + 1)], figure.names, upwards=False)


def _name_places(axes: Axes, places: Sequence[float], names: Sequence[str], *, upwards: bool) -> None:
    """Names at the places of the lower axis, or of the left one too, instead of numbers."""
    if not names:
        axes.xaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True))
        if upwards:
            axes.yaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True))
        return
    labels = [as_mathtext(name) for name in names]
    axes.set_xticks(places, labels, rotation=90 if sum(len(name) + 2 for name in names) > TURNED else 0)
    axes.tick_params(axis="both" if upwards else "x", length=0)
    if upwards:
        axes.set_yticks(places, labels)


def _scale_axes(axes: Axes, figure: Figure | HeatMap) -> None:
    axes.set_xlabel(as_mathtext(figure.x_label))
    axes.set_ylabel(as_mathtext(figure.y_label))
    if figure.log_x:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
    if figure.log_y:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")


def _label_short_scales(axes: Axes, figure: Figure | HeatMap) -> None:
    """Labels between the powers of ten, where few of these are in sight, or none."""
    for axis, logarithmic in ((axes.xaxis, figure.log_x), (axes.yaxis, figure.log_y)):
        low, high = axis.get_view_interval()
        if logarithmic and high < SHORT * low:
            axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axis.set_minor_formatter(NullFormatter())


def _draw_heat_map(canvas: Canvas, axes: Axes, figure: HeatMap) -> Axes:
    """Every cell reaches half-way to its neighbours; all cells are one image, however many there are. Gives the axes of the scale."""
    values = np.ma.masked_invalid(figure.values)
    if figure.log_values:
        values = np.ma.masked_less_equal(values, 0.0)
    low, high = figure.limits or (None, None)
    signed = figure.limits is not None and low == -figure.limits[1]
    norm = LogNorm(low, high) if figure.log_values and values.count() else Normalize(low, high)
    cells = axes.pcolormesh(
        _edges(figure.x, logarithmic=figure.log_x),
        _edges(figure.y, logarithmic=figure.log_y),
        values,
        norm=norm,
        cmap="RdBu_r" if signed else None,
        rasterized=True,
    )
    _scale_axes(axes, figure)
    _label_short_scales(axes, figure)
    if figure.matrix:
        axes.set_aspect("equal")
        axes.invert_yaxis()
        axes.spines[:].set_visible(False)
        _name_places(axes, figure.x, figure.names, upwards=True)
        if len(figure.y) <= READ:
            _write_numbers(axes, cells, figure)
    bar = canvas.colorbar(cells, ax=axes, label=as_mathtext(figure.value_label), format="{x:g}" if figure.log_values else None)
    if bar.solids is not None:
        bar.solids.set_rasterized(True)
    return bar.ax


def _levelled(canvas: Canvas, axes: Axes, bar: Axes) -> Bbox:
    """Lay the figure out, and make the bar as high as its map, a square that may be lower than the canvas: gives what is left to show."""
    canvas.draw_without_rendering()
    canvas.set_layout_engine("none")
    square, beside = axes.get_position(), bar.get_position()
    bar.set_box_aspect(None)
    bar.set_aspect("auto")
    bar.set_position((beside.x0, square.y0, 0.04 * square.width, square.height))
    drawn = canvas.get_tightbbox()
    return Bbox.from_extents(0.0, drawn.y0 - _EDGE, _WIDTH, drawn.y1 + _EDGE)


def _written(value: float) -> str:
    """Two digits, and more where they would say one of what is less, which is another thing for a cosine."""
    if round(abs(value), 2) == 1.0 and abs(value) < 1.0:
        return f"{math.copysign(math.floor(abs(value) * 1e4) / 1e4, value):.4f}"
    return f"{round(value, 2) + 0.0:.2f}"


def _write_numbers(axes: Axes, cells: QuadMesh, figure: HeatMap) -> None:
    """Each number in its cell, dark or white, whichever is read better on its colour."""
    for y, row in zip(figure.y, figure.values.tolist(), strict=True):
        for x, value in zip(figure.x, row, strict=True):
            if math.isfinite(value):
                red, green, blue, _ = cells.to_rgba(value)
                ink = "#222222" if 0.3 * red + 0.6 * green + 0.1 * blue > 0.5 else "#ffffff"
                axes.text(x, y, _written(value), ha="center", va="center", fontsize=8, color=ink)


def _edges(places: Sequence[float], *, logarithmic: bool) -> np.ndarray:
    """Half-way between neighbours, and as far beyond the first and the last."""
    centres = np.log(places) if logarithmic else np.array(places, dtype=float)
    steps = np.diff(centres) / 2 if len(centres) > 1 else np.array([0.5])
    edges = np.concatenate([[centres[0] - steps[0]], centres[:-1] + steps if len(centres) > 1 else [], [centres[-1] + steps[-1]]])
    return np.exp(edges) if logarithmic else edges


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
        if series.low and series.high:
            axes.fill_between(x, _finite(series.low), _finite(series.high), color=color, alpha=0.18, linewidth=0)
        return
    marker = _MARKERS[series.color % len(_MARKERS)]
    if not (series.low or series.high):
        axes.plot(x, y, marker, color=color, markersize=4.5, label=as_mathtext(series.label))
        return
    low, high = _finite(series.low) or y, _finite(series.high) or y
    bars = [[max(0.0, a - b) for a, b in zip(y, low, strict=True)], [max(0.0, b - a) for a, b in zip(y, high, strict=True)]]
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


def _as_page_element(svg: str, title: str, axes: str) -> str:
    """Drop the XML prologue and what says nothing, let the page set size and fonts, turn the stand-in colours into the page's own.

    What matplotlib writes as a style becomes attributes, so that a page may forbid styles that it does not know.
    """
    box = re.search(r'viewBox="([^"]*)"', svg)
    body = svg[svg.index("</defs>") + len("</defs>") :]  # the first ones hold a style for all elements
    body = _STYLE_ATTRIBUTE.sub(_as_attributes, body)
    body = re.sub(r' transform="rotate\(-?0 [^"]*"', "", body)
    body = _ELEMENT.sub(lambda tag: _NUMBER.sub(_rounded, tag[0]), body)
    body = re.sub(r"\s*\n\s*", " ", body).replace("> <", "><").replace(' "', '"').replace("xlink:href", "href")
    body = _LINES.sub(_as_one, _USES.sub(_as_group, _PATH.sub(_shortened, _without_bare_groups(body))))
    for number, stand_in in enumerate(_PALETTE):
        body = body.replace(stand_in, f"var(--series-{number})")
    body = body.replace(_INK, "currentColor")
    return f'<svg viewBox="{box[1] if box else ""}" role="img" aria-label="{escape(title)}" stroke-linejoin="round"{axes}>{body}'


_STYLE_ATTRIBUTE = re.compile(r' style="([^"]*)"')
_NUMBER = re.compile(r"(?<![\w#.-])-?\d+\.\d{3,}(?![\w.])")
_PATH = re.compile(r'(?<= d=")[^"]*')
_USES = re.compile(r'(?:<use href="#[^"]*" x="[^"]*" y="[^"]*"( [^/>]*)/>)(?:<use href="#[^"]*" x="[^"]*" y="[^"]*"\1/>)+')
_LINES = re.compile(r'<path d="[^"]*"( [^/>]*fill="none"[^/>]*)/>(?:<path d="[^"]*"\1/>)+')
_ELEMENT = re.compile(r"<[^>]*>")
_TAG = re.compile(r"<g\b[^>]*>|</g>")


def _as_attributes(style: re.Match[str]) -> str:
    """Declarations as attributes, without the font, which is the page's."""
    found: list[str] = []
    for declaration in style[1].split(";"):
        name, _, value = declaration.partition(":")
        name, value = name.strip(), value.strip()
        if name == "font":
            size = re.search(r"[\d.]+px", value)
            name, value = "font-size", size[0] if size else "9.5px"
        if name and name != "font-family":
            found.append(f' {name}="{value}"')
    return "".join(found)


def _shortened(path: re.Match[str]) -> str:
    """A path without the blanks that it does without."""
    return re.sub(r" ?([A-Za-z]) ?", r"\1", path[0]).strip()


def _as_group(uses: re.Match[str]) -> str:
    """Marks that look alike, with what they share said once."""
    return f"<g{uses[1]}>{uses[0].replace(uses[1], '')}</g>"


def _as_one(lines: re.Match[str]) -> str:
    """Lines that look alike, error bars and a grid's, as one path."""
    return f'<path d="{"".join(_PATH.findall(lines[0]))}"{lines[1]}/>'


def _rounded(number: re.Match[str]) -> str:
    """Hundredths of a point, which nobody sees."""
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")


def _without_bare_groups(body: str) -> str:
    """The same without groups that hold nothing, or have no attribute but an id."""
    kept: list[bool] = []

    def decided(tag: re.Match[str]) -> str:
        if tag[0] == "</g>":
            return tag[0] if kept.pop() else ""
        plain = re.sub(r' id="[^"]*"', "", tag[0])
        kept.append(plain != "<g>")
        return plain if kept[-1] else ""

    return _TAG.sub(decided, re.sub(r"<g\b[^>]*/>", "", body))
