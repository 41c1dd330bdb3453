"""How much oversampling, or weight in the loss, keeps minority classes apart: group by group, and by a plan for the whole tail."""

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from layerpeel.counts.plan import TARGET, Plan, Told, plan_of, require_target
from layerpeel.counts.reading.numbers import said
from layerpeel.counts.remedies import NamedRemedy, chosen_remedies, remedies_of, require_judged
from layerpeel.counts.spoken import MOST_NAMES, names_by_group
from layerpeel.numerics import PALETTE_SIZE, UnusableInput
from layerpeel.pages.curves import figure, line
from layerpeel.pages.output import number, text_table
from layerpeel.pages.records import Finite, Record, Result
from layerpeel.pages.text import one_line

if TYPE_CHECKING:
    from layerpeel.numerics import Drawing, Figure, Series
    from layerpeel.pages.curves import Mark
    from layerpeel.solvers import Problem, Solution

SHOWN_FACTORS, FEWEST_FACTORS = 36, 10
"""The figure solves at as many factors, shared by the groups, and at so many more for each of them."""

ALL_BRACKETED, BRACKETED_TIMES_GROUPS = 6, 400
"""Up to so many groups each is bracketed by certified solves. Of more, the second over the number of distinct counts, at least one:
the one that needs the most, and some evenly below it; the others follow from their multiplier."""

MANY_COUNTS = 64
"""Distinct counts from which brackets are wider, and things as they are are not solved more sharply than needed."""

WIDTHS = ((256, 3e-3), (MANY_COUNTS, 1e-3), (0, 1e-4))
"""Relative widths to which the least factors are bracketed, by the least number of distinct counts."""

TOO_MANY_COUNTS = 128
"""Distinct counts from which it is no longer looked for where too much of one group makes another collapse: that takes too long."""

SHOWN_GROUPS = 10
"""Rows of the table that stands for sentences where there are more groups than that."""

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
        description="Between these the group is apart, and no group that is apart as things are collapses instead; null is no end, or one "
        "that was not looked for, where the group is not bracketed or there are 128 distinct counts or more."
    )
    bracketed: bool = Field(
        default=True,
        description="Whether closed forms or certified solves give the numbers; with many groups some are interpolated between those.",
    )


class GroupOversampling(Oversampling):
    """The same, of the classes that it is about."""

    classes: int
    samples: int | float
    names: list[str] | None = Field(default=None, description="Of its classes, where the counts file names them.")

    @property
    def called(self) -> str:
        """Its classes, in a sentence."""
        listed = f" ({', '.join(map(one_line, self.names))})" if self.names and len(self.names) <= MOST_NAMES else ""
        return f"the {self.classes} classes of {said(self.samples)} samples{listed}"

    def sentences(self, told: "Way", *, alone: bool) -> str:
        """Imbalance against threshold, and what to do in the words of a way; `alone` where no other group is a minority."""
        threshold = "beyond the largest double" if self.threshold is None else f"{self.threshold:.6g}"
        lines = [f"imbalance R   {self.imbalance:.6g}", f"threshold R0  {threshold}", ""]
        name = self.called
        if self.collapses_now:
            act, often = told.act
            lines += [
                f"As it is, {name} collapse onto one classifier.",
                f"{act} each of their examples more than {self.minimal_oversampling:.6g} times as {often} to keep them apart"
                + ((";" if told.balances else ".") if alone else ", all else unchanged."),
            ]
        else:
            lines.append(f"As it is, {name} keep classifiers of their own: {told.none_needed} to keep them apart.")
        if alone and told.balances:
            lines.append(f"{self.imbalance:.6g} times as {told.act[1]} restores the balanced geometry.")
        most = self.safe_oversampling[1]
        if most is not None:
            lines.append(
                f"From {most:.6g} times as {told.act[1]} on, classes that keep classifiers of their own now would collapse instead."
            )
        return "\n".join(lines)


class Way(NamedTuple):
    """How samples are made to count more, and whether counts and norms both move with it.

    Args:
        by: "oversampling" or "weights".
        per_sample: whether the norm of a class grows with its samples, so that the two differ.
    """

    by: str
    per_sample: bool

    @property
    def act(self) -> tuple[str, str]:
        """What is done to an example, so many times as what."""
        if not self.per_sample:
            return "Sample (or weigh)", "often"
        return ("Sample", "often") if self.by == "oversampling" else ("Weigh", "much in the loss")

    @property
    def none_needed(self) -> str:
        """That nothing needs to be done."""
        return "no weight is needed" if self.per_sample and self.by == "weights" else "no oversampling is needed"

    @property
    def balances(self) -> bool:
        """Whether R times as often is the balanced program: a weight in the loss leaves the norms as they are."""
        return not (self.per_sample and self.by == "weights")


class Remedy(Oversampling, Result):
    """The answer of every minority group, and at the top that of the group that needs the most oversampling."""

    FILES: ClassVar = ("remedy.json", "remedy.svg", "remedy.html")

    by: str = Field(description="oversampling, or weights in the loss; where norms are averaged over classes these are one.")
    norm_weights: str = Field(description="class or sample: over what the norms of the features are averaged.")
    groups: list[GroupOversampling]
    remedies: list[NamedRemedy] = Field(description="What was asked for by name, for the smallest classes of one count.")
    plan: Plan | None = Field(description="For all classes together; null where none was asked for.")
    problem: SkipJsonSchema[Any] = Field(exclude=True, repr=False)

    def to_text(self) -> str:
        """Imbalance against threshold for each minority group, and what to do, the worst first; then the plan for all classes."""
        worst_first = sorted(self.groups, key=lambda group: -group.minimal_oversampling)
        told = [self._table(worst_first)] if len(self.groups) > ALL_BRACKETED else []
        told = told or [group.sentences(self._way, alone=len(self.groups) == 1) for group in worst_first]
        told += [found.sentences() for found in self.remedies]
        return "\n\n".join([*told, *([] if self.plan is None else [self.plan.to_text()])])

    def _table(self, groups: "Sequence[GroupOversampling]") -> str:
        """A line for each group, of the worst ones."""
        collapsing = sum(group.collapses_now for group in groups)
        act, often = self._way.act
        rows = [
            [
                str(group.classes),
                said(group.samples),
                number(group.imbalance),
                number(group.threshold),
                number(group.minimal_oversampling) + ("" if group.bracketed else " (about)"),
            ]
            for group in groups[:SHOWN_GROUPS]
        ]
        head = ["classes", "samples", "imbalance R", "threshold R0", f"times as {often}"]
        left_out = len(groups) - len(rows)
        lines = [
            f"As it is, {collapsing} of {len(groups)} groups of equal counts below the largest collapse, each onto one classifier.",
            f"{act} each of their examples more than so many times as {often} to keep a group apart, all else unchanged:",
            "",
            text_table(head, rows),
        ]
        return "\n".join([*lines, *([f"({left_out} groups that need less are not shown; --json has them all)"] if left_out else [])])

    @property
    def _way(self) -> Way:
        return Way(self.by, self.norm_weights == "sample")

    def page_of(self, drawn: "tuple[Drawing, ...]") -> str:
        """What keeps the classes apart, as one would show it to a colleague: counts and cosines before and after the plan come first.

        Args:
            drawn: its figures.
        """
        from layerpeel.counts.solve import held
        from layerpeel.pages.results_page import results_page, tables_of  # what draws is imported where something is drawn

        figures = (*self._before_and_after(), *drawn)
        title = f"What keeps {self.problem.num_classes} classes apart"
        return results_page(title, held(self.problem), figures, (), (), tables_of(self.to_dict()), self.to_text())

    def _before_and_after(self) -> "tuple[Drawing, ...]":
        from layerpeel.counts.drawn import cosines_drawn, counts_drawn
        from layerpeel.counts.solve import Geometry
        from layerpeel.solvers import solve

        plan, names = self.plan, None if self.plan is None else self.plan.names
        before = Geometry.of(solve(self.problem), names=names)
        now = cosines_drawn(before, "Cosines between classifiers, as things are")
        if plan is None or plan.floor is None or plan.raised_classes == 0:
            return counts_drawn(before), now
        after = Geometry.of(solve(self.problem.floored(plan.floor, by=self.by)), names=names)
        return counts_drawn(before, plan.floor), now, cosines_drawn(after, "Cosines between classifiers, with the plan")

    def figures(self) -> "tuple[Figure, ...]":
        """The cosine inside each minority group against how many times as often it is sampled, by solves."""
        problem: Problem = self.problem
        if not self.groups:
            return () if self.plan is None else (self.plan.figure(),)
        often = self._way.act[1]
        alone = len(self.groups) == 1
        placed = zip(_minorities(problem), self.groups, strict=True)
        places, drawn = zip(*sorted(placed, key=lambda each: -each[1].minimal_oversampling)[:PALETTE_SIZE], strict=True)
        last = _last_factor(drawn)
        series: list[Series] = []
        marks: list[Mark] = []
        for color, (place, group) in enumerate(zip(places, drawn, strict=True)):
            factors = _shown_factors(group, last, SHOWN_FACTORS // len(drawn) + FEWEST_FACTORS)
            own, others = np.array([_cosines_inside(problem, place, factor, self.by) for factor in factors]).T
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
            (
                " At R these classes count as much as the largest."
                if self._way.balances
                else " At R they count as much as the largest in the loss."
            )
            if alone
            else f" Each group is {more} by itself, the others as they are."
        )
        left_out = "" if len(drawn) == len(self.groups) else f" The {len(drawn)} groups that need the most are drawn."
        return (
            figure(
                f"Oversampling against collapse, {problem.num_classes} classes",
                "Cosine between two classifiers of one count at the optimum; at 1 they are one, and where they are zero there is "
                f"none. A group that collapses as it is comes apart beyond the mark in its colour.{how}{left_out}",
                f"times as {often} as now",
                "cosine",
                series,
                marks=marks,
                log_x=True,
            ),
        )


def _minorities(problem: "Problem") -> list[int]:
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


def _cosines_inside(problem: "Problem", place: int, factor: float, by: str) -> tuple[float, float]:
    """The cosine inside a group whose samples count more, and the largest inside another one; NaN where there is none."""
    from layerpeel.solvers import solve

    cosines = [
        math.nan if group.within_cosine is None else group.within_cosine for group in solve(problem.reweighted(place, factor, by=by)).groups
    ]
    own = cosines.pop(place)
    return own, max((cosine for cosine in cosines if not math.isnan(cosine)), default=math.nan)


def remedy(
    counts: Iterable[int],
    *,
    feature_energy: float | None = None,
    weight_energy: float = 1.0,
    norm_weights: str | None = None,
    weight_decay: float | None = None,
    by: str = "oversampling",
    target_cosine: float | None = TARGET,
    remedies: str | Sequence[str] = (),
) -> Remedy:
    """How much oversampling, or weight in the loss, keeps the classes of each minority group apart.

    Where norms are averaged over classes, sampling each example of a group w times multiplies its weight by w and changes nothing else,
    so both ways are one. Where they are averaged over samples, sampling multiplies the norm's weight as well, and a weight in the loss
    does not. With two groups, sampling makes R/w of the imbalance R exactly, so the classifiers stay distinct for every w > R/R0; a
    weight does for every w > R/ρ0, ρ0 of `numerics.loss_threshold`. With more groups each group's least w, the others as they are, is
    bracketed by certified solves.

    Too much is harmful too: `safe_oversampling` is the interval in which the group is distinct and no group that is distinct as things
    are collapses instead. With two groups, w > R makes the former minority the majority, at ratio w/R, so the interval is
    R/R0(K_A, K_B) < w < R·R0(K_B, K_A), without an upper end when the majority is one class; for a weight with ρ0 at R and at 1/R.

    Args:
        counts: samples of each class.
        feature_energy: E_H, the bound on the mean squared norm of the features.
        weight_energy: E_W, the bound on the mean squared norm of the classifiers.
        norm_weights: "class" or "sample", over what E_H averages; class unless given.
        weight_decay: λ in place of the energies, per sample (`solvers.UnconstrainedFeatures`).
        by: "oversampling" or "weights".
        target_cosine: the largest cosine between two classifiers that the plan for all classes allows (`counts.plan`); None for no plan.
        remedies: names of what is answered beside that (`counts.remedies.NAMES`), or "all".

    Raises:
        UnusableInput: when an argument is unusable, or without a plan no two classes below the largest count share their count.

    Example:
        >>> answer = remedy([200] * 5 + [10] * 5, feature_energy=5)
        >>> answer.collapses_now, round(answer.minimal_oversampling, 5)
        (True, 1.64036)
    """
    from layerpeel.numerics import held_by
    from layerpeel.solvers import LayerPeeled, UnconstrainedFeatures

    model = held_by(feature_energy, weight_energy, norm_weights, weight_decay)
    if model.weight_decay is not None:
        decayed = UnconstrainedFeatures(counts=counts, weight_decay=model.weight_decay)
        return remedy_of(decayed, by=by, target_cosine=target_cosine, remedies=remedies)
    mean = "sample" if model.per_sample else "class"
    program = LayerPeeled(counts=counts, feature_energy=model.feature_energy, weight_energy=model.weight_energy, norm_weights=mean)
    return remedy_of(program, by=by, target_cosine=target_cosine, remedies=remedies)


def remedy_of(
    problem: "Problem",
    *,
    by: str = "oversampling",
    target_cosine: float | None = TARGET,
    remedies: str | Sequence[str] = (),
    names: Sequence[str] | None = None,
    told: Told | None = None,
) -> Remedy:
    """The same for classes that are posed as a program already.

    Args:
        problem: the program.
        by: "oversampling" or "weights".
        target_cosine: of the plan; None for no plan, which other losses than cross-entropy do not have anyway.
        remedies: names of what is answered beside that, or "all".
        names: of the classes, in the order the counts were given.
        told: takes what is found, a sentence at a time.

    Raises:
        UnusableInput: without a plan when no two classes below the largest count share their count; for numbers as norm weights, a bias,
            another way, or a target that is out of range.
    """
    from layerpeel.solvers import require_told, require_way

    asked = chosen_remedies(remedies)
    require_told(problem, "a remedy")
    require_way(by)
    planned = target_cosine is not None and problem.loss == "cross-entropy"
    if target_cosine is not None:
        require_target(target_cosine, problem.num_classes)
    minorities = _minorities(problem)
    require_judged(problem, asked, tied=bool(minorities))
    if not minorities and not planned:
        listed = ", ".join(f"{group.classes}x{group.samples}" for group in problem.groups[:6])
        raise UnusableInput(
            f"the classes {listed}{', …' if problem.groups[6:] else ''} hold no two minority classes of one count: only classes of equal "
            "count collapse exactly, so there is nothing to remedy; solve the model for their geometry, or merge similar counts."
        )
    two = len(problem.groups) == 2 and problem.loss == "cross-entropy" and _model(problem) is not None
    now = _now(problem) if planned or not two else None
    answers = [_of_two(problem, by) for _ in minorities] if two or now is None else _by_solves(problem, minorities, by, now, told)
    called = names_by_group(problem, names)
    groups = [
        GroupOversampling(
            classes=problem.groups[index].classes, samples=problem.groups[index].samples, names=called[index], **answer.model_dump()
        )
        for index, answer in zip(minorities, answers, strict=True)
    ]
    plan = None
    if target_cosine is not None and planned:
        plan = plan_of(problem, by=by, target_cosine=target_cosine, names=names, now=now, told=told)
    hardest = max(answers, key=lambda answer: answer.minimal_oversampling, default=_nothing_collapses(problem))
    smallest = min(minorities, key=lambda index: problem.groups[index].samples, default=None)
    judged = [] if smallest is None else remedies_of(problem, smallest, asked, _model(problem))
    return Remedy(
        **hardest.model_dump(),
        by=by,
        norm_weights=problem.norm_weights,
        groups=groups,
        remedies=judged,
        plan=plan,
        problem=problem,
    )


def _now(problem: "Problem") -> "Solution":
    from layerpeel.solvers import solve
    from layerpeel.solvers._switches import SHARP

    return solve(problem, tolerance=SHARP) if len(problem.groups) < MANY_COUNTS else solve(problem)


def _nothing_collapses(problem: "Problem") -> Oversampling:
    """Where no two classes below the largest count share theirs: none collapses exactly, at any count."""
    samples = [group.samples for group in problem.groups]
    return Oversampling(
        imbalance=max(samples) / min(samples),
        threshold=None,
        minimal_oversampling=1.0,
        collapses_now=False,
        safe_oversampling=(0.0, None),
    )


def _model(problem: "Problem") -> dict[str, Any] | None:
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


def _of_two(problem: "Problem", by: str) -> Oversampling:
    """R/R0, or R over the threshold of weights in the loss, and the interval in which neither group collapses."""
    from layerpeel.numerics import collapse_threshold, loss_threshold

    minority, majority = sorted(problem.groups, key=lambda group: group.samples)
    imbalance = majority.samples / minority.samples
    model = _model(problem) or {}

    def threshold(large: int, small: int) -> float | None:
        return collapse_threshold(large, small, **model).value

    def limit(large: int, small: int, ratio: float) -> float:
        if by == "weights":
            return loss_threshold(large, small, ratio, **model)
        found = threshold(large, small)
        return math.inf if found is None else found

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


def _by_solves(problem: "Problem", minorities: Sequence[int], by: str, now: "Solution", told: Told | None) -> list[Oversampling]:
    """Certified brackets for all groups where they are few, else for some; one multiplier serves the others."""
    plainly = {index: _factor_at(problem, index, by, now.multiplier) for index in minorities}
    ordered = sorted(minorities, key=lambda index: -plainly[index])
    count = len(ordered) if len(ordered) <= ALL_BRACKETED else max(1, BRACKETED_TIMES_GROUPS // len(problem.groups))
    chosen = {ordered[place] for place in np.linspace(0, len(ordered) - 1, min(count, len(ordered))).round().astype(int).tolist()}
    found: dict[int, Oversampling] = {}
    for index in ordered:
        if index in chosen:
            found[index] = _bracketed(problem, index, by, now)
            if told is not None:
                group = problem.groups[index]
                told(f"{group.classes} classes of {said(group.samples)} samples: {found[index].minimal_oversampling:.6g} times")
    return [found.get(index) or _between(problem, index, by, now, plainly, found) for index in minorities]


def _factor_at(problem: "Problem", group: int, by: str, multiplier: float) -> float:
    """log w at which w times as many samples give a group the slope c_g/d_g = λ, if λ and the total stay as they are."""
    slope = float(problem.weights[group] / problem.scales[group])
    rooted = by == "oversampling" and problem.norm_weights == "sample"
    return (2.0 if rooted else 1.0) * math.log(multiplier / slope) if multiplier > 0.0 else -math.inf


def _between(
    problem: "Problem", group: int, by: str, now: "Solution", plainly: dict[int, float], found: dict[int, Oversampling]
) -> Oversampling:
    """What raising a group adds to that factor is nearly proportional to its classes, and nothing where the group is at the edge now."""
    known = sorted(
        (plainly[index], (math.log(answer.safe_oversampling[0]) - plainly[index]) / problem.groups[index].classes)
        for index, answer in found.items()
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


def _bracketed(problem: "Problem", group: int, by: str, now: "Solution") -> Oversampling:
    """Certified brackets of where the group comes apart and of where another one collapses; the ends inside are safe."""
    from layerpeel.solvers import critical_oversampling, excessive_oversampling

    imbalance = max(other.samples for other in problem.groups) / problem.groups[group].samples
    width = next(width for least, width in WIDTHS if len(problem.groups) >= least)
    critical = critical_oversampling(problem, group, by=by, width=width, now=now)
    same = by == "oversampling" or problem.norm_weights == "class"
    drawn = critical if same else critical_oversampling(problem, group, width=width, now=now)
    few = len(problem.groups) < TOO_MANY_COUNTS
    excessive = excessive_oversampling(problem, group, by=by, now=now) if few else None
    return Oversampling(
        imbalance=imbalance,
        threshold=None if drawn is None else imbalance / drawn.upper,
        minimal_oversampling=1.0 if critical is None else max(1.0, critical.upper),
        collapses_now=critical is not None and critical.upper > 1.0,
        safe_oversampling=(0.0 if critical is None else critical.upper, None if excessive is None else excessive.lower),
    )
