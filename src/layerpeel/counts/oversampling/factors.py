"""How many times as often the samples of a group must be drawn, or weighed: in closed form for two groups, else by certified solves."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from layerpeel.counts.oversampling.ways import Way
from layerpeel.counts.reading.numbers import said
from layerpeel.counts.telling import Told
from layerpeel.pages.records import Finite, Record

if TYPE_CHECKING:
    from layerpeel.solvers import Problem, Solution

ALL_BRACKETED, BRACKETED_TIMES_GROUPS = 6, 400
"""Up to so many groups each is bracketed by certified solves. Of more, the second over the number of distinct counts, at least one:
the one that needs the most, and some evenly below it; the others follow from their multiplier."""

MANY_COUNTS = 64
"""Distinct counts from which brackets are wider, and things as they are are not solved more sharply than needed."""

WIDTHS = ((256, 1e-2), (MANY_COUNTS, 1e-3), (0, 1e-4))
"""Relative widths to which the least factors are bracketed, by the least number of distinct counts."""

TOO_MANY_COUNTS = 128
"""Distinct counts from which it is no longer looked for where too much of one group makes another collapse: that takes too long."""

FAR = 20.0
"""How many times the balancing factor is looked at, and drawn, for where too much does harm."""


class Oversampling(Record):
    """Whether a group collapses, and how many times as often its samples must be drawn so that it does not."""

    imbalance: float = Field(description="R: the largest count over the group's.")
    threshold: Finite = Field(description="R0: from this imbalance on the group collapses; null beyond the largest double.")
    minimal_oversampling: float = Field(description="The group stays apart when it is sampled more than this many times as often.")
    collapses_now: bool
    safe_oversampling: tuple[float, Finite] = Field(
        description="Between these the group is apart, and no group that is apart as things are collapses instead; null is no end, or one "
        "that was not looked for: beyond 20 times what balances the group, with more than two groups; where it is not bracketed or is "
        "apart as it is, with more than six; and with 128 distinct counts or more."
    )
    bracketed: bool = Field(
        default=True,
        description="Whether closed forms or certified solves give the numbers; with many groups some are interpolated between those.",
    )


def minorities_of(problem: "Problem") -> list[int]:
    """Groups of several classes with fewer samples than the largest count."""
    largest = max(group.samples for group in problem.groups)
    return [place for place, group in enumerate(problem.groups) if group.classes > 1 and group.samples < largest]


def solved_now(problem: "Problem") -> "Solution":
    """The program as things are, sharply where its counts are few."""
    from layerpeel.solvers import solve
    from layerpeel.solvers._switches import SHARP

    return solve(problem, tolerance=SHARP) if len(problem.groups) < MANY_COUNTS else solve(problem)


def nothing_collapses(problem: "Problem") -> Oversampling:
    """Where no two classes below the largest count share theirs: none collapses exactly, at any count."""
    samples = [group.samples for group in problem.groups]
    return Oversampling(
        imbalance=max(samples) / min(samples),
        threshold=None,
        minimal_oversampling=1.0,
        collapses_now=False,
        safe_oversampling=(0.0, None),
    )


def model_of(problem: "Problem") -> dict[str, Any] | None:
    """What a program is held by, in the words of thresholds; None where no threshold is known: a penalty on features averaged over classes.

    Penalties per sample are weight decay λ = √(λ_W λ_H N).
    """
    from layerpeel.solvers import LayerPeeled

    if isinstance(problem, LayerPeeled):
        energies = {"feature_energy": problem.feature_energy, "weight_energy": problem.weight_energy}
        return energies | {"norm_weights": problem.norm_weights}
    if problem.norm_weights != "sample":
        return None
    return {"weight_decay": problem.penalty * math.sqrt(sum(group.classes * group.samples for group in problem.groups))}


def factor_of_two(problem: "Problem", by: str) -> Oversampling:
    """R/R0, or R over the threshold of weights in the loss, and the interval in which neither group collapses."""
    from layerpeel.numerics import collapse_threshold, loss_threshold

    minority, majority = sorted(problem.groups, key=lambda group: group.samples)
    imbalance = majority.samples / minority.samples
    model = model_of(problem) or {}

    def threshold(large: int, small: int) -> float | None:
        return collapse_threshold(large, small, **model).value

    def limit(large: int, small: int, ratio: float) -> float:
        if by == "weights":
            return loss_threshold(large, small, ratio, **model)
        critical = threshold(large, small)
        return math.inf if critical is None else critical

    collapse = threshold(majority.classes, minority.classes)
    least = imbalance / limit(majority.classes, minority.classes, imbalance)
    swapped = math.inf if majority.classes == 1 else imbalance * limit(minority.classes, majority.classes, 1 / imbalance)
    collapses = collapse is not None and imbalance >= collapse
    return Oversampling(
        imbalance=imbalance,
        threshold=collapse,
        minimal_oversampling=max(1.0, least),
        collapses_now=collapses,
        safe_oversampling=(least, None if math.isinf(swapped) else swapped),
    )


def factors_by_solves(problem: "Problem", minorities: Sequence[int], by: str, now: "Solution", told: Told | None) -> list[Oversampling]:
    """Certified brackets for all groups where they are few, else for some; one multiplier serves the others."""
    plainly = {index: _factor_at(problem, index, by, now.multiplier) for index in minorities}
    ordered = sorted(minorities, key=lambda index: -plainly[index])
    way = Way(by, problem.norm_weights == "sample")
    count = len(ordered) if len(ordered) <= ALL_BRACKETED else max(1, BRACKETED_TIMES_GROUPS // len(problem.groups))
    chosen = {ordered[place] for place in np.linspace(0, len(ordered) - 1, min(count, len(ordered))).round().astype(int).tolist()}
    bracketed: dict[int, Oversampling] = {}
    for index in ordered:
        if index in chosen:
            bracketed[index] = _bracketed(problem, index, by, now, few=len(ordered) <= ALL_BRACKETED)
            if told is not None:
                group = problem.groups[index]
                act, often = way.act
                what = f"{group.classes} classes of {said(group.samples)} samples"
                least = bracketed[index].minimal_oversampling
                needed = f"{act.lower()} them more than {least:.6g} times as {often}" if least > 1.0 else way.none_needed
                told(f"{what}: {needed} to keep them apart", stays=True)
    return [bracketed.get(index) or _between(problem, index, by, now, plainly, bracketed) for index in minorities]


def _factor_at(problem: "Problem", group: int, by: str, multiplier: float) -> float:
    """log w at which w times as many samples give a group the slope c_g/d_g = λ, if λ and the total stay as they are."""
    slope = float(problem.weights[group] / problem.scales[group])
    rooted = by == "oversampling" and problem.norm_weights == "sample"
    return (2.0 if rooted else 1.0) * math.log(multiplier / slope) if multiplier > 0.0 else -math.inf


def _between(
    problem: "Problem", group: int, by: str, now: "Solution", plainly: dict[int, float], bracketed: dict[int, Oversampling]
) -> Oversampling:
    """What raising a group adds to that factor is nearly proportional to its classes, and nothing where the group is at the edge now."""
    known = sorted(
        (plainly[index], (math.log(answer.safe_oversampling[0]) - plainly[index]) / problem.groups[index].classes)
        for index, answer in bracketed.items()
        if answer.safe_oversampling[0] > 0.0
    )
    places, shifts = zip(*sorted([*known, (0.0, 0.0)]), strict=True)
    factor = math.exp(plainly[group] + problem.groups[group].classes * float(np.interp(plainly[group], places, shifts)))
    collapses = bool(now.collapsed[group])
    imbalance = max(other.samples for other in problem.groups) / problem.groups[group].samples
    rooted = by == "weights" and problem.norm_weights == "sample"
    drawn = math.exp(_factor_at(problem, group, "oversampling", now.multiplier)) if rooted else factor
    return Oversampling(
        imbalance=imbalance,
        threshold=imbalance / drawn,
        minimal_oversampling=max(1.0, factor) if collapses else 1.0,
        collapses_now=collapses,
        safe_oversampling=(factor, None),
        bracketed=False,
    )


def _bracketed(problem: "Problem", group: int, by: str, now: "Solution", *, few: bool) -> Oversampling:
    """Certified brackets of where the group comes apart and of where another one collapses; the ends inside are safe.

    The latter of all groups where they are few, else of those that collapse as things are.
    """
    from layerpeel.solvers import critical_oversampling, excessive_oversampling

    imbalance = max(other.samples for other in problem.groups) / problem.groups[group].samples
    width = next(width for least, width in WIDTHS if len(problem.groups) >= least)
    critical = critical_oversampling(problem, group, by=by, width=width, now=now)
    same = by == "oversampling" or problem.norm_weights == "class"
    drawn = critical if same else critical_oversampling(problem, group, width=width, now=now)
    asked = len(problem.groups) < TOO_MANY_COUNTS and (few or now.collapsed[group] is not False)
    excessive = excessive_oversampling(problem, group, by=by, now=now, most=FAR * imbalance) if asked else None
    return Oversampling(
        imbalance=imbalance,
        threshold=None if drawn is None else imbalance / drawn.upper,
        minimal_oversampling=1.0 if critical is None else max(1.0, critical.upper),
        collapses_now=critical is not None and critical.upper > 1.0,
        safe_oversampling=(0.0 if critical is None else critical.upper, None if excessive is None else excessive.lower),
    )
