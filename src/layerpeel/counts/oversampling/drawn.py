"""Draws the cosine inside each minority group against how many times as often it is sampled, or weighed."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from layerpeel.array_words import Float
from layerpeel.counts.oversampling.factors import FAR, minorities_of
from layerpeel.counts.oversampling.group import GroupOversampling
from layerpeel.counts.oversampling.ways import Way
from layerpeel.numerics import PALETTE_SIZE
from layerpeel.pages.curves import figure, line

if TYPE_CHECKING:
    from layerpeel.numerics import Figure, Series
    from layerpeel.pages.curves import Mark
    from layerpeel.solvers import Problem
    from layerpeel.solvers._sketch import Sketch

SHOWN_FACTORS, FEWEST_FACTORS = 36, 4
"""The figure looks at as many factors, shared by the groups, and at so many more for each of them."""

DRAWN, GONE = 1e-6, 1e-9
"""Gap at which the figure solves, and the length beside the longest from which a classifier has a direction."""

BESIDE = (1.0, 1.003, 1.01, 1.03, 1.06, 1.1)
"""It also looks at these multiples of the end of a phase."""


def oversampling_figure(problem: "Problem", groups: Sequence[GroupOversampling], way: Way) -> "Figure":
    """The cosine inside each of the groups that need the most, and where there is one group, inside others too.

    Args:
        problem: the program.
        groups: every minority, in its order.
        way: how they are made to count more.
    """
    often = way.act[1]
    alone = len(groups) == 1
    placed = zip(minorities_of(problem), groups, strict=True)
    places, drawn = zip(*sorted(placed, key=lambda each: -each[1].minimal_oversampling)[:PALETTE_SIZE], strict=True)
    last = _last_factor(drawn)
    series: list[Series] = []
    marks: list[Mark] = []
    for color, (place, group) in enumerate(zip(places, drawn, strict=True)):
        factors = _shown_factors(group, last, SHOWN_FACTORS // len(drawn) + FEWEST_FACTORS)
        own, others = _cosines_inside(problem, place, factors, way.by).T
        series.append(line(f"{group.classes} classes of {group.samples} samples", factors, own, color))
        if group.collapses_now:
            marks.append((group.minimal_oversampling, f"{'apart beyond ' if alone else ''}{group.minimal_oversampling:.6g}", color))
        if alone and np.isfinite(others).any():
            series.append(line("other classes of one count, the closest", factors, others, 1))
    if alone:
        most = drawn[0].safe_oversampling[1]
        marks.append((drawn[0].imbalance, f"R = {drawn[0].imbalance:.6g}", 2))
        marks += [(most, f"too much from {most:.6g}", 1)] if most is not None and most <= last else []
    more = "weighed more" if often != "often" else "sampled more often"
    how = (
        (" At R these classes count as much as the largest." if way.balances else " At R they count as much as the largest in the loss.")
        if alone
        else f" Each group is {more} by itself, the others as they are."
    )
    left_out = "" if len(drawn) == len(groups) else f" The {len(drawn)} groups that need the most are drawn."
    return figure(
        f"Oversampling against collapse, {problem.num_classes} classes",
        "Cosine between two classifiers of one count at the optimum; at 1 they are one, and where they are zero there is "
        f"none. A group that collapses as it is comes apart beyond the mark in its colour.{how}{left_out}",
        f"times as {often} as now",
        "cosine",
        series,
        marks=marks,
        log_x=True,
    )


def _last_factor(groups: Sequence[GroupOversampling]) -> float:
    """Beyond balance, and beyond where too much does harm if that is not far."""
    largest = max(group.imbalance for group in groups)
    ends = [end for group in groups for end in group.safe_oversampling if end is not None and end < FAR * largest]
    return 1.5 * max(largest, *ends)


def _shown_factors(group: GroupOversampling, last: float, number: int) -> list[float]:
    """Evenly by their logarithm from things as they are, and close to where a phase ends, where the cosine moves fast."""
    low, high = group.safe_oversampling
    ends = [low * side for side in BESIDE] + ([] if high is None else [high / side for side in BESIDE])
    return sorted({*np.geomspace(1.0, last, number).tolist(), *(end for end in ends if 1.0 < end < last)})


def _cosines_inside(problem: "Problem", place: int, factors: Sequence[float], by: str) -> Float[np.ndarray, "n 2"]:
    """The cosine inside a group whose samples count more, and the largest inside another one; NaN where there is none."""
    from layerpeel.solvers._sketch import sketch

    last: Sketch | None = None
    curve = []
    for factor in factors:  # each from the last: a curve is read off to three digits
        last = sketch(problem.reweighted(place, factor, by=by), gap=DRAWN, start=last)
        norms = last.classifier_norms
        cosines = np.where(norms > GONE * norms.max(), last.classifier_cosines.diagonal(), math.nan)
        others = np.delete(cosines, place)
        curve.append((cosines[place], math.nan if np.isnan(others).all() else float(np.nanmax(others))))
    return np.minimum(np.array(curve), 1.0)
