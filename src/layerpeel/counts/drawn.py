"""What a page of class counts draws: the counts themselves, the cosines between classifiers class by class, and norms, before and after."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from layerpeel.counts.reading.numbers import said
from layerpeel.numerics import Bars, HeatMap
from layerpeel.pages.text import one_line

WIDE = 10.0
"""Counts that differ by this factor are drawn on a logarithmic axis."""

MOST_NAMED = 36
"""Classes that axes call by their names, or by their samples; more are numbered."""

LONGEST = 18
"""Characters of a name below an axis."""

MOST_CELLS = 800
"""Rows of a heat map, which has no more dots; of more classes so many are taken evenly."""


class Geometry(Protocol):
    """What is drawn of an answer of `solve`."""

    @property
    def groups(self) -> Sequence[Any]:
        """Of equal classes, each with samples, names and cosines."""
        ...

    @property
    def between_cosine(self) -> Sequence[Sequence[float | None]]:
        """Between the classifiers of any two groups."""
        ...

    @property
    def weighted(self) -> bool:
        """Whether samples are multiplied by weights in the loss."""
        ...


def drawn_classes(geometry: Geometry) -> list[int]:
    """The group of each class, the largest count first."""
    order = sorted(range(len(geometry.groups)), key=lambda g: -geometry.groups[g].samples)
    return [g for g in order for _ in range(geometry.groups[g].classes)]


def counts_drawn(geometry: Geometry, floor: float | None = None) -> Bars:
    """The samples of each class, the largest first, and what a plan makes of them.

    Args:
        geometry: as things are.
        floor: of the plan; none where nothing is raised.
    """
    classes = drawn_classes(geometry)
    now, names = [float(geometry.groups[g].samples) for g in classes], _names(geometry, classes, by_samples=False)
    more = [] if floor is None else [("raised", tuple(max(height, floor) for height in now), 1)]
    ratio = max(now) / min(now)
    unlike = f"The largest class has {ratio:.4g} times the samples of the smallest." if ratio > 1.0 else "All classes are alike."
    return Bars(
        title=f"{'Weighted samples' if geometry.weighted else 'Samples'} of {len(classes)} classes",
        caption=unlike if floor is None else f"{unlike} Above each count, what the plan raises it to.",
        x_label="class" if names else "class, the largest first",
        y_label="samples times loss weight" if geometry.weighted else "samples",
        heights=(*more, ("now", tuple(now), 0)),
        names=names,
        log_y=ratio >= WIDE,
    )


def cosines_drawn(geometry: Geometry, title: str = "Cosines between classifiers", *, more: str = "") -> HeatMap:
    """The cosine between the classifiers of any two classes, the largest classes first.

    Args:
        geometry: the optimum.
        title: of the figure.
        more: a sentence at the end of the caption.
    """
    classes = drawn_classes(geometry)
    places = np.arange(len(classes))
    if len(classes) > MOST_CELLS:
        places = np.unique(np.linspace(0, len(classes) - 1, MOST_CELLS).round().astype(int))
    chosen = [classes[place] for place in places]
    names = _names(geometry, chosen, by_samples=True)
    values = np.array(geometry.between_cosine, dtype=float)
    np.fill_diagonal(values, [np.nan if group.within_cosine is None else group.within_cosine for group in geometry.groups])
    values = values[np.ix_(chosen, chosen)]
    own = [np.nan if geometry.groups[g].vanished is not False else 1.0 for g in chosen]
    np.fill_diagonal(values, own)
    holes = " Blank where a classifier is zero, or is not known to be more." if np.isnan(values).any() else ""
    thinned = f" Of {len(classes)} classes {len(places)} are drawn." if len(places) < len(classes) else ""
    called = any(group.names for group in geometry.groups)
    label = ("class" if called else "samples of the class") if names else "class, the largest first"
    return HeatMap(
        title=title,
        caption=f"Red classes share a direction, white ones are at right angles, blue ones point apart.{holes}{thinned}{more}",
        x_label=label,
        y_label=label,
        value_label="cosine",
        x=tuple((places + 1.0).tolist()),
        y=tuple((places + 1.0).tolist()),
        values=values,
        names=names,
        limits=(-1.0, 1.0),
        matrix=True,
    )


def _names(geometry: Geometry, classes: Sequence[int], *, by_samples: bool) -> tuple[str, ...]:
    """What few classes are called; nothing where there are many, or where they have no names and are not called by their samples."""
    named = any(group.names for group in geometry.groups)
    if len(classes) > MOST_NAMED or not (named or by_samples):
        return ()
    left = {g: iter(group.names or ()) for g, group in enumerate(geometry.groups)}
    return tuple(_short(next(left[g], _by_samples(geometry.groups[g].samples))) for g in classes)


def _by_samples(samples: float) -> str:
    """As an axis calls a class: what a plan raises one to needs no six digits there."""
    return said(samples) if float(samples).is_integer() else f"{samples:.4g}"


def _short(name: str) -> str:
    line = one_line(name)
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
