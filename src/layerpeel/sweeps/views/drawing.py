"""Figures of a sweep: curves over one axis, a heat map over two, or the points of a sample."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from layerpeel.numerics import PALETTE_SIZE, Drawing, Figure, HeatMap, Series, UnusableInput, shown
from layerpeel.sweeps.quantity import nearest
from layerpeel.sweeps.views.cube import LEFT_OUT, Cube, Dimension
from layerpeel.sweeps.views.reading import STATES

FEW = 12
"""So many values of an axis are shown one by one; two axes that have more make a heat map."""

UNDONE = [code for code, state in enumerate(STATES) if state != "done"]
"""What a point is that has no values."""

MOST_DRAWN = 1000
"""Points of one curve; a page is no wider."""

MOST_FIGURES = 4
"""Figures of one sweep."""

LONGEST_LABEL = 60
"""Characters that fit beside an axis."""

CLOSE = 1e-9
"""A value that was typed is one of the sweep's when they agree to nine digits."""

RATIO = 20.0
"""An axis is logarithmic only where its ends are so far apart."""

DECADES = 1000.0
"""Values are drawn on a logarithmic scale where they are so far apart."""


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which places of every dimension are drawn.

    Args:
        places: for every dimension.
        fixed: axis → value, for the caption.
    """

    places: tuple[np.ndarray, ...]
    fixed: Mapping[str, Any]


def curves(cube: Cube, column: str, *, x: str | None = None, hue: str | None = None, fixed: Mapping[str, Any] | None = None) -> Figure:
    """A column over an axis, a curve for each value of another.

    Args:
        cube: the sweep, with this column.
        column: of the quantity.
        x: an axis of numbers; the one with most values unless given.
        hue: an axis; the next one unless given.
        fixed: axis → value, for what else varies; `repeat` may be fixed too.

    Raises:
        UnusableInput: for an axis that there is not, a value that it does not have, or when something else varies.
    """
    selection = _selected(cube, fixed or {})
    left = _left(cube, selection)
    if x is None:
        x = next((axis for axis in left if _numeric(cube, axis) and axis != hue), None)
        if x is None:
            raise UnusableInput(
                f"no axis of numbers varies{' besides ' + hue if hue else ''}: a curve needs one; draw nothing, or free one."
            )
    place_of = _places(cube)
    for given in (x, hue):
        if given is not None and given not in place_of:
            cube.points.quantity.axis(given)
            raise UnusableInput(f"{given} cannot be drawn over: it is repeated, not varied; choose one of {', '.join(left)}.")
    if not _numeric(cube, x):
        raise UnusableInput(f"{x} has values that are no numbers: they have no place on an axis; use it as hue.")
    if hue is None:
        hue = next((axis for axis in left if place_of[axis] != place_of[x] and _tells_apart(cube, axis, selection)), None)
    elif place_of[hue] != place_of[x] and not _tells_apart(cube, hue, selection):
        others = ", ".join(axis for axis in cube.dimensions[place_of[hue]].axes if axis != hue)
        raise UnusableInput(f"{hue} has one value at several places, where {others} differ: a curve needs one; choose another hue.")
    used = {place_of[x], place_of[hue] if hue is not None else place_of[x]}
    others = [d for at, d in enumerate(cube.dimensions[:-1]) if at not in used and len(selection.places[at]) > 1]
    if others:
        names = [next(iter(dimension.axes)) for dimension in others]
        raise UnusableInput(
            f"{', '.join(names)} vary too: a figure has one x and one hue; fix them, for example with "
            f"{', '.join(f'{d_name}={_value(others[at].axes[d_name][0])!r}' for at, d_name in enumerate(names))}."
        )
    return _figure(cube, column, x, hue, selection)


def drawings(cube: Cube, column: str) -> tuple[Drawing, ...]:
    """The figures of a page: heat maps where two axes have many values, curves otherwise; a few for what else varies.

    Args:
        cube: the sweep, with this column.
        column: of the quantity.
    """
    everything = _selected(cube, {})
    left = _left(cube, everything)
    numbers = [axis for axis in left if _numeric(cube, axis)]
    if not numbers:
        return ()
    place_of = _places(cube)
    first = cube.dimensions[place_of[numbers[0]]]
    across = [axis for axis in left if axis not in first.axes and _tells_apart(cube, axis, everything)]
    many = [axis for axis in numbers if cube.dimensions[place_of[axis]].size > FEW and len(cube.dimensions[place_of[axis]].axes) == 1]
    mapped = len(many) > 1 and numbers[0] == many[0]
    other = many[1] if mapped else across[0] if across else None
    used = {place_of[axis] for axis in (numbers[0], other) if axis is not None}
    free = [at for at, dimension in enumerate(cube.dimensions[:-1]) if at not in used and dimension.size > 1]
    over = [axis for axis in numbers if axis in first.axes]  # several for a sample, or for axes in step
    panels = [(x, places) for places in itertools.product(*(range(cube.dimensions[at].size) for at in free)) for x in over]
    note = f"{MOST_FIGURES} of {len(panels)} such figures are shown." if len(panels) > MOST_FIGURES else ""
    figures: list[Drawing] = []
    for x, places in panels[:MOST_FIGURES]:
        selection = _at(cube, everything, dict(zip(free, places, strict=True)))
        if mapped and other is not None:
            figures.append(_heat_map(cube, column, x, other, selection, note))
        else:
            figures.append(_figure(cube, column, x, other, selection, note))
    return tuple(figures)


def _places(cube: Cube) -> dict[str, int]:
    """Axis → its dimension's number."""
    return {axis: at for at, dimension in enumerate(cube.dimensions[:-1]) for axis in dimension.axes}


def _numeric(cube: Cube, axis: str) -> bool:
    return cube.names.axes[axis] in {int, float}


def _left(cube: Cube, selection: Selection) -> list[str]:
    """Axes that still vary, those with most values first."""
    counted: list[tuple[int, str]] = []
    for dimension, places in zip(cube.dimensions[:-1], selection.places, strict=False):
        counted += [(len(set(values[places].tolist())), axis) for axis, values in dimension.axes.items()]
    return [axis for number, axis in sorted(counted, key=lambda each: -each[0]) if number > 1]


def _tells_apart(cube: Cube, axis: str, selection: Selection) -> bool:
    """Whether an axis has another value at every place of its dimension; one of several in step need not."""
    at = _places(cube)[axis]
    values = cube.dimensions[at].axes[axis][selection.places[at]].tolist()
    return len(set(values)) == len(values)


def _value(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _selected(cube: Cube, fixed: Mapping[str, Any]) -> Selection:
    """Places that have the fixed values."""
    places = [np.arange(dimension.size) for dimension in cube.dimensions]
    place_of = {**_places(cube), cube.names.repeat: len(cube.dimensions) - 1}
    told: dict[str, Any] = {}
    for axis, wanted in fixed.items():
        if axis not in place_of:
            known = list(place_of)
            raise UnusableInput(f"{axis} is no axis of this sweep: it must be one of {', '.join(known)}; {nearest(axis, known)}")
        at = place_of[axis]
        values = cube.dimensions[at].axes[axis]
        matches = np.array([_same(value, wanted) for value in values.tolist()])
        if not matches.any():
            raise UnusableInput(f"{axis} = {shown(wanted)} is not in this sweep: {_nearest_value(values, wanted)}; fix it at one that is.")
        places[at] = places[at][matches[places[at]]]
        told[axis] = wanted
        if not len(places[at]):
            raise UnusableInput(f"no point has {' and '.join(f'{name} = {shown(value)}' for name, value in told.items())}; fix others.")
    return Selection(places=tuple(places), fixed=told)


def _same(value: Any, wanted: Any) -> bool:
    if isinstance(value, float) and isinstance(wanted, int | float):
        return math.isclose(value, wanted, rel_tol=CLOSE)
    return value == wanted


def _nearest_value(values: np.ndarray, wanted: Any) -> str:
    known: list[Any] = sorted(set(values.tolist()))
    if isinstance(wanted, int | float) and values.dtype.kind in "if":
        return f"the nearest value is {min(known, key=lambda value: abs(value - wanted))!r}"
    return f"it has {', '.join(map(repr, known[:FEW]))}{', …' if len(known) > FEW else ''}"


def _at(cube: Cube, selection: Selection, chosen: Mapping[int, int]) -> Selection:
    """Some dimensions at one place each."""
    places = [np.array([chosen[at]]) if at in chosen else places_there for at, places_there in enumerate(selection.places)]
    told = {axis: _value(values[place]) for at, place in chosen.items() for axis, values in cube.dimensions[at].axes.items()}
    return Selection(places=tuple(places), fixed={**selection.fixed, **told})


def _figure(cube: Cube, column: str, x: str, hue: str | None, selection: Selection, note: str = "") -> Figure:
    place_of, points = _places(cube), cube.points
    dimension = cube.dimensions[place_of[x]]
    hues: list[Any] = [None]
    notes = [note] if note else []
    if hue is not None:
        of_hue = cube.dimensions[place_of[hue]].axes[hue]
        known = list(dict.fromkeys(of_hue[selection.places[place_of[hue]]].tolist()))
        hues = [known[at] for at in _evenly(len(known), PALETTE_SIZE)]
        if len(hues) < len(known):
            notes.append(f"{len(hues)} of {len(known)} values of {_words(hue)} are shown.")
    series: list[Series] = []
    for color, each in enumerate(hues):
        places = list(selection.places)
        if hue is not None:
            at = place_of[hue]
            places[at] = places[at][cube.dimensions[at].axes[hue][places[at]] == each]
        label = column if hue is None else f"{_words(hue)} = {_short(each)}"
        rows, value, lower, upper = _over(cube, column, place_of[x], places)
        order = np.argsort(dimension.axes[x][rows], kind="stable")
        if len(order) > MOST_DRAWN:
            notes.append(f"{MOST_DRAWN} of {len(order)} points of a curve are drawn.")
            order = order[_evenly(len(order), MOST_DRAWN)]
        line = len(order) > FEW and len(dimension.axes) == 1
        parts = [tuple(part[order].tolist()) for part in (dimension.axes[x][rows].astype(float), value, lower, upper)]
        bounds = {"low": parts[2], "high": parts[3]} if np.isfinite(lower).any() or np.isfinite(upper).any() else {}
        series.append(Series(label=label, x=parts[0], y=parts[1], style="line" if line else "points", color=color, **bounds))
    every = np.array([number for each in series for number in each.y])
    return Figure(
        title=_title(cube, column, [x], selection),
        caption=_caption(cube, selection, notes, bounds=any(each.low for each in series)),
        x_label=_label(points.quantity.axis(x).unit, _words(x)),
        y_label=_said(cube, column),
        series=tuple(series),
        log_x=_logarithmic(dimension, x),
        log_y=_far_apart(every),
    )


def _over(cube: Cube, column: str, at: int, places: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Places of a dimension, and value, lower and upper bound there; over repetitions the mean, the least and the largest."""
    values = cube.values[column][np.ix_(*places)]
    values = np.moveaxis(values, at, 0)
    values = values.reshape(values.shape[0], -1, 3) if at < len(places) - 1 else values
    value, lower, upper = values[..., 0], values[..., 1], values[..., 2]
    if value.shape[1] == 1:
        return places[at], value[:, 0], lower[:, 0], upper[:, 0]
    known = np.isfinite(value)
    number = known.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(known, value, 0.0).sum(axis=1) / number
    least, largest = np.where(known, value, np.inf).min(axis=1), np.where(known, value, -np.inf).max(axis=1)
    return places[at], mean, np.where(number, least, np.nan), np.where(number, largest, np.nan)


def _heat_map(cube: Cube, column: str, x: str, y: str, selection: Selection, note: str) -> HeatMap:
    place_of, points = _places(cube), cube.points
    over_places = np.moveaxis(cube.values[column][np.ix_(*selection.places)][..., 0], (place_of[y], place_of[x]), (0, 1))
    table = over_places.reshape(*over_places.shape[:2], -1)
    if table.shape[2] > 1:
        known = np.isfinite(table)
        with np.errstate(invalid="ignore", divide="ignore"):
            table = (np.where(known, table, 0.0).sum(axis=2) / known.sum(axis=2))[..., None]
    over_x, over_y = (cube.dimensions[place_of[axis]].axes[axis].astype(float) for axis in (x, y))
    order_x, order_y = np.argsort(over_x), np.argsort(over_y)
    values = table[..., 0][np.ix_(order_y, order_x)]
    return HeatMap(
        title=_title(cube, column, [x, y], selection),
        caption=_caption(cube, selection, [note] if note else [], bounds=False),
        x_label=_label(points.quantity.axis(x).unit, _words(x)),
        y_label=_label(points.quantity.axis(y).unit, _words(y)),
        value_label=_said(cube, column),
        x=tuple(over_x[order_x].tolist()),
        y=tuple(over_y[order_y].tolist()),
        values=values,
        log_x=_logarithmic(cube.dimensions[place_of[x]], x),
        log_y=_logarithmic(cube.dimensions[place_of[y]], y),
        log_values=_far_apart(values),
    )


def _caption(cube: Cube, selection: Selection, notes: Sequence[str], *, bounds: bool) -> str:
    """What is fixed, what bars and bands are, and how many points are missing."""
    says = cube.points.quantity.says
    sentences = [says if says.endswith(".") else f"{says}."]
    constant = {
        axis: _value(values[0]) for dimension in cube.dimensions[:-1] if dimension.size == 1 for axis, values in dimension.axes.items()
    }
    fixed = {**constant, **selection.fixed}
    if fixed:
        sentences.append(f"{', '.join(f'{_words(axis)} = {_short(value)}' for axis, value in fixed.items())}.")
    if len(selection.places[-1]) > 1:
        sentences.append(f"Mean of {len(selection.places[-1])} repetitions{', from the least to the largest' if bounds else ''}.")
    elif bounds:
        sentences.append("Bars and bands are lower and upper bounds.")
    missing = int(np.isin(cube.states[np.ix_(*selection.places)], UNDONE).sum())
    if missing:
        sentences.append(f"{missing} points are not done: they leave gaps.")
    if (cube.states == LEFT_OUT).any():
        sentences.append("What the sweep leaves out is missing.")
    return " ".join([*sentences, *notes])


def _title(cube: Cube, column: str, axes: Sequence[str], selection: Selection) -> str:
    """What is drawn over what, and what is fixed, so that two figures of a page have two titles."""
    name = cube.points.quantity.name
    told = [f"{_words(axis)} = {_short(value)}" for axis, value in selection.fixed.items()]
    what = name if column == "value" else f"{_words(column)} of {name}"
    return ", ".join([f"{what} over {' and '.join(map(_words, axes))}", *told])


def _said(cube: Cube, column: str) -> str:
    """A column in words that fit beside an axis."""
    says = cube.points.quantity.columns.get(column, "").partition(";")[0]  # what it is stands before how it is computed
    return says if 0 < len(says) <= LONGEST_LABEL else _words(column)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _label(unit: str, words: str) -> str:
    return f"{words} ({unit})" if unit else words


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _evenly(number: int, most: int) -> np.ndarray:
    """At most so many of `number` places, the first and the last among them."""
    return np.arange(number) if number <= most else np.unique(np.linspace(0, number - 1, most).round().astype(int))


def _logarithmic(dimension: Dimension, axis: str) -> bool:
    """Whether the values of an axis lie more evenly by their ratios than by their distances."""
    values = np.unique(dimension.axes[axis].astype(float))
    if len(values) < 2 or values[0] <= 0 or values[-1] < RATIO * values[0]:
        return False
    if len(values) == 2:
        return True
    ratios, steps = np.diff(np.log(values)), np.diff(values)
    return bool(ratios.std() / ratios.mean() < steps.std() / steps.mean())


def _far_apart(values: np.ndarray) -> bool:
    known = values[np.isfinite(values)]
    return bool(known.size and known.min() > 0 and known.max() >= DECADES * known.min())
