"""How much oversampling keeps minority classes apart."""

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from layerpeel.numerics import PALETTE_SIZE, UnusableInput
from layerpeel.pages.curves import figure, line
from layerpeel.pages.records import Finite, Record, Result

if TYPE_CHECKING:
    from layerpeel.numerics import Figure, Series
    from layerpeel.pages.curves import Mark
    from layerpeel.solvers import LayerPeeled

SHOWN_FACTORS, FEWEST_FACTORS = 36, 10
"""The figure solves at as many factors, shared by the groups, and at so many more for each of them."""

BESIDE = (1.0, 1.003, 1.01, 1.03, 1.06, 1.1)
"""It also solves at these multiples of the end of a phase."""

FAR = 20.0
"""It ends short of where too much does harm when that is more than so many times the balancing factor."""


class Oversampling(Record):
    """Whether a group collapses, and how many times as often its samples must be drawn so that it does not."""

    imbalance: float = Field(description="R: the largest count over the group's.")
    threshold: Finite = Field(description="R0: from this imbalance on the group collapses; null beyond the largest double.")
    minimal_oversampling: float = Field(description="The group stays apart when it is sampled more than this many times as often.")
    collapses_now: bool
    safe_oversampling: tuple[float, Finite] = Field(
        description="Between these the group is apart, and no group that is apart as things are collapses instead; null is no end."
    )


class GroupOversampling(Oversampling):
    """The same, of the classes that it is about."""

    classes: int
    samples: int | float

    def sentences(self, *, alone: bool) -> str:
        """Imbalance against threshold, and what to do; `alone` where no other group is a minority."""
        threshold = "beyond the largest double" if self.threshold is None else f"{self.threshold:.6g}"
        lines = [f"imbalance R   {self.imbalance:.6g}", f"threshold R0  {threshold}", ""]
        name = f"the {self.classes} classes of {self.samples} samples"
        if self.collapses_now:
            lines += [
                f"As it is, {name} collapse onto one classifier.",
                f"Sample (or weigh) each of their examples more than {self.minimal_oversampling:.6g} times as often to keep them apart"
                + (";" if alone else ", all else unchanged."),
            ]
        else:
            lines.append(f"As it is, {name} keep classifiers of their own: no oversampling is needed to keep them apart.")
        if alone:
            lines.append(f"{self.imbalance:.6g} times as often restores the balanced geometry.")
        most = self.safe_oversampling[1]
        if most is not None:
            lines.append(f"From {most:.6g} times as often on, classes that keep classifiers of their own now would collapse instead.")
        return "\n".join(lines)


class Remedy(Oversampling, Result):
    """The answer of every minority group, and at the top that of the group that needs the most oversampling."""

    FILES: ClassVar = ("remedy.json", "remedy.svg")

    groups: list[GroupOversampling]
    problem: SkipJsonSchema[Any] = Field(exclude=True, repr=False)

    def to_text(self) -> str:
        """Imbalance against threshold for each minority group, and what to do."""
        return "\n\n".join(group.sentences(alone=len(self.groups) == 1) for group in self.groups)

    def figures(self) -> "tuple[Figure, ...]":
        """The cosine inside each minority group against how many times as often it is sampled, by solves."""
        problem: LayerPeeled = self.problem
        alone = len(self.groups) == 1
        places = dict(zip(self.groups, _minorities(problem), strict=True))
        drawn = sorted(self.groups, key=lambda group: -group.minimal_oversampling)[:PALETTE_SIZE]
        last = _last_factor(drawn)
        series: list[Series] = []
        marks: list[Mark] = []
        for color, group in enumerate(drawn):
            factors = _shown_factors(group, last, SHOWN_FACTORS // len(drawn) + FEWEST_FACTORS)
            own, others = np.array([_cosines_inside(problem, places[group], factor) for factor in factors]).T
            series.append(line(f"{group.classes} classes of {group.samples} samples", factors, own, color))
            if group.collapses_now:
                marks.append((group.minimal_oversampling, f"{'apart beyond ' if alone else ''}{group.minimal_oversampling:.6g}", color))
            if alone and np.isfinite(others).any():
                series.append(line("other classes of one count, the closest", factors, others, 1))
        if alone:
            most = drawn[0].safe_oversampling[1]
            marks.append((drawn[0].imbalance, f"R = {drawn[0].imbalance:.6g}", 2))
            marks += [(most, f"too much from {most:.6g}", 1)] if most is not None and most <= last else []
        how = (
            " At R these classes count as much as the largest."
            if alone
            else " Each group is sampled more often by itself, the others as they are."
        )
        left_out = "" if len(drawn) == len(self.groups) else f" The {len(drawn)} groups that need the most are drawn."
        return (
            figure(
                f"Oversampling against collapse, {problem.num_classes} classes",
                "Cosine between two classifiers of one count at the optimum; at 1 they are one, and where they are zero there is "
                f"none. A group that collapses as it is comes apart beyond the mark in its colour.{how}{left_out}",
                "times as often as now",
                "cosine",
                series,
                marks=marks,
                log_x=True,
            ),
        )


def _minorities(problem: "LayerPeeled") -> list[int]:
    """Groups of several classes with fewer samples than the largest count."""
    largest = max(group.samples for group in problem.groups)
    return [place for place, group in enumerate(problem.groups) if group.classes > 1 and group.samples < largest]


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


def _cosines_inside(problem: "LayerPeeled", place: int, factor: float) -> tuple[float, float]:
    """The cosine inside a group that is sampled more often, and the largest inside another one; NaN where there is none."""
    from layerpeel.solvers import solve

    cosines = [
        math.nan if group.within_cosine is None else group.within_cosine for group in solve(problem.reweighted(place, factor)).groups
    ]
    own = cosines.pop(place)
    return own, max((cosine for cosine in cosines if not math.isnan(cosine)), default=math.nan)


def remedy(counts: Iterable[int], *, feature_energy: float, weight_energy: float = 1.0) -> Remedy:
    """How much oversampling keeps the classes of each minority group apart.

    Sampling each example of a group w times multiplies its weight by w and changes nothing else, because the energy constraints weigh
    classes, not samples. With two groups the imbalance R becomes R/w exactly, so the classifiers stay distinct for every w > R/R0, R0
    in closed form; with more, each group's least w, the others as they are, is bracketed by certified solves.

    Too much is harmful too: `safe_oversampling` is the interval in which the group is distinct and no group that is distinct as things
    are collapses instead. With two groups, w > R makes the former minority the majority, at ratio w/R, so the interval is
    R/R0(K_A, K_B) < w < R·R0(K_B, K_A), without an upper end when the majority is one class.

    Args:
        counts: samples of each class.
        feature_energy: E_H, the bound on the mean squared norm of the features.
        weight_energy: E_W, the bound on the mean squared norm of the classifiers.

    Raises:
        UnusableInput: when no two classes below the largest count share their count, or an argument is unusable.

    Example:
        >>> answer = remedy([200] * 5 + [10] * 5, feature_energy=5)
        >>> answer.collapses_now, round(answer.minimal_oversampling, 5)
        (True, 1.64036)
    """
    from layerpeel.solvers import LayerPeeled

    return remedy_of(LayerPeeled(counts=counts, feature_energy=feature_energy, weight_energy=weight_energy))


def remedy_of(problem: "LayerPeeled") -> Remedy:
    """The same for classes that are posed as a program already.

    Raises:
        UnusableInput: when no two classes below the largest count share their count.
    """
    minorities = _minorities(problem)
    if not minorities:
        listed = ", ".join(f"{group.classes}x{group.samples}" for group in problem.groups[:6])
        raise UnusableInput(
            f"the classes {listed}{', …' if problem.groups[6:] else ''} hold no two minority classes of one count: only classes of equal "
            "count collapse exactly, so there is nothing to remedy; solve the model for their geometry, or merge similar counts."
        )
    answers = [_of_two(problem) if len(problem.groups) == 2 else _by_solves(problem, index) for index in minorities]
    groups = [
        GroupOversampling(classes=problem.groups[index].classes, samples=problem.groups[index].samples, **answer.model_dump())
        for index, answer in zip(minorities, answers, strict=True)
    ]
    hardest = max(answers, key=lambda answer: answer.minimal_oversampling)
    return Remedy(**hardest.model_dump(), groups=groups, problem=problem)


def _of_two(problem: "LayerPeeled") -> Oversampling:
    """R/R0 by the closed form, and the interval in which neither group collapses."""
    from layerpeel.numerics import collapse_threshold

    minority, majority = sorted(problem.groups, key=lambda group: group.samples)

    def threshold(large: int, small: int) -> float | None:
        return collapse_threshold(large, small, feature_energy=problem.feature_energy, weight_energy=problem.weight_energy).value

    collapse = threshold(majority.classes, minority.classes)
    swapped = None if majority.classes == 1 else threshold(minority.classes, majority.classes)
    imbalance = majority.samples / minority.samples
    limit = math.inf if collapse is None else collapse
    return Oversampling(
        imbalance=imbalance,
        threshold=collapse,
        minimal_oversampling=max(1.0, imbalance / limit),
        collapses_now=imbalance >= limit,
        safe_oversampling=(imbalance / limit, None if swapped is None else imbalance * swapped),
    )


def _by_solves(problem: "LayerPeeled", group: int) -> Oversampling:
    """Certified brackets of where the group comes apart and of where another one collapses; the ends inside are safe."""
    from layerpeel.solvers import critical_oversampling, excessive_oversampling

    imbalance = max(other.samples for other in problem.groups) / problem.groups[group].samples
    critical = critical_oversampling(problem, group)
    excessive = excessive_oversampling(problem, group)
    return Oversampling(
        imbalance=imbalance,
        threshold=None if critical is None else imbalance / critical.upper,
        minimal_oversampling=1.0 if critical is None else max(1.0, critical.upper),
        collapses_now=critical is not None and critical.upper > 1.0,
        safe_oversampling=(0.0 if critical is None else critical.upper, None if excessive is None else excessive.lower),
    )
