"""A plan for the whole tail: the least number of samples to which classes are raised so that no two classifiers are squeezed together.

Every class below a floor m is raised to it, n_k' = max(n_k, m). At the top, where m is the largest count, all classes count alike; below,
those that are raised form one group, so the program of a high floor has few distinct counts. The path is walked down from the top, each
optimum from the last, until the largest cosine exceeds the target. What was walked over is what keeps the target at every higher floor:
raising makes ties, and ties can coincide on the way, so the first floor from below that keeps it would not do.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from layerpeel.array_words import Float
from layerpeel.counts.plan_walk import SHORT, Walk, cosines_of, kept, largest_of
from layerpeel.counts.reading.numbers import said
from layerpeel.counts.telling import Told, untold
from layerpeel.counts.words.naming import LONGEST_NAME, names_by_group
from layerpeel.numerics import UnusableInput, double, shown
from layerpeel.pages.curves import figure, line
from layerpeel.pages.output import number, text_table
from layerpeel.pages.records import Finite, Record
from layerpeel.pages.text import one_line

if TYPE_CHECKING:
    from layerpeel.numerics import Figure
    from layerpeel.pages.curves import Mark
    from layerpeel.solvers import Problem, Solution

TARGET = 0.5
"""The largest cosine between two classifiers (an angle of 60°) that a plan allows unless another is given."""

USUAL_PLACES = 30
"""Floors that a search usually looks at, for a bar."""

TOLD_LOOSE = 0.1
"""Per cent by which a floor may be above the least one without a word."""

MOST_PROVED, PROVED_SOLVES = 20, 300
"""Classes up to which it is tried to prove that every higher floor keeps the target, and solves after which that is given up: what encloses
the optima between two floors weakens with the smallest probability, so that a hundred classes need thousands."""

SHOWN_CLASSES = 8
"""Rows of the table."""


class Plan(Record):
    """The least floor that keeps the largest cosine between two classifiers at the target or below, at it and at every higher one."""

    target_cosine: float
    floor: Finite = Field(description="Every class is raised to so many samples at least; null where no floor keeps the target.")
    bracket: tuple[float, float] | None = Field(
        description="Certified: at the first floor the target is exceeded, at the second it is kept; null where a side is not certified, "
        "or there is one side only."
    )
    certified: bool = Field(description="Whether what is said of the floor, and of slightly less, is certified.")
    floors_tried: int = Field(description="Places from the floor upwards at which the target was seen to be kept, without certificate.")
    proved_above: bool = Field(description="Whether it is proved that every higher floor keeps the target; else it is seen where tried.")
    factors: list[float] | None = Field(description="How many times as often, or as much in the loss, per class in the order of the file.")
    names: list[str] | None = Field(description="Of the classes, in the same order, where the counts file names them.")
    raised_classes: int
    largest_cosine: Finite = Field(description="Between two classifiers at the floor.")
    largest_cosine_now: Finite = Field(description="As things are, of the classes that have a classifier; 1 where some coincide.")
    vanished_now: int = Field(description="Classes without a classifier as things are, or for which that is not decided.")
    imbalance: Finite = Field(description="The largest count over the smallest, raised; 1 is balanced.")
    imbalance_now: float
    samples_per_epoch: Finite = Field(description="Drawn in an epoch in which every raised class is drawn so often; as now for weights.")
    samples_per_epoch_now: float
    samples_balanced: float = Field(description="Of an epoch in which every class is drawn as often as the largest.")
    head_cosine: Finite = Field(description="The largest cosine of a class of the largest count with any other, at the floor.")
    head_cosine_now: Finite
    head_norm: Finite = Field(description="‖w‖ of a class of the largest count, at the floor.")
    head_norm_now: Finite
    by: str
    path: SkipJsonSchema[Any] = Field(exclude=True, repr=False, description="Floors that were looked at, and the largest cosines.")
    optimum: SkipJsonSchema[Any] = Field(exclude=True, repr=False, description="At the floor, or where all count alike.")
    problem: SkipJsonSchema[Any] = Field(exclude=True, repr=False)

    def to_text(self) -> str:
        """What is squeezed as it is, the floor with its proof, each class's factor, what it costs, and what the head pays."""
        now = self.largest_cosine_now
        lines = [f"Plan for all {self.problem.num_classes} classes: no two classifiers with a cosine above {self.target_cosine:g}"]
        lost = f"{self.vanished_now} classes have no classifier" if self.vanished_now else ""
        facts = [lost] * bool(lost) + [f"the largest cosine is {_cosine(now)}" for now in [now] if now is not None]
        lines.append(f"As it is, {', and '.join(facts)}.")
        if self.floor is None:
            return "\n".join([*lines, self._without_floor()])
        if self.raised_classes == 0:
            return "\n".join(
                [*lines, f"Nothing needs to be raised{'.' if self.certified else ', as far as is seen: it is not certified.'}"]
            )
        weighed = self.by == "weights"
        act = "Weigh every class in the loss as if it had" if weighed else "Sample every class as if it had"
        lines.append(f"{act} at least {self.floor:.6g} samples ({self.raised_classes} of them have fewer): then it is {self._reached()}.")
        lines.append(self._proof())
        lines += ["", _table(self.problem, self.floor, self.names), ""]
        lines += [self._cost(), self._head()]
        return "\n".join(lines)

    def figure(self) -> "Figure":
        """The largest cosine against the floor, as it was looked at."""
        floors, cosines = zip(*self.path, strict=True)
        marks: list[Mark] = [] if self.floor is None else [(self.floor, f"floor {self.floor:.6g}", 2)]
        how = "weighed in the loss as if they had" if self.by == "weights" else "sampled as if they had"
        return figure(
            f"A floor under the counts of {self.problem.num_classes} classes",
            f"The largest cosine between two classifiers, where classes with fewer samples than the floor are {how} as many; at 1 two are "
            "one, or a class has none.",
            "floor, in samples",
            "largest cosine",
            [
                line("largest cosine", list(floors), list(cosines), 0),
                line("target", [floors[0], floors[-1]], [self.target_cosine] * 2, 3),
            ],
            marks=marks,
            log_x=len(floors) > 1,
        )

    def _reached(self) -> str:
        return "not told" if self.largest_cosine is None else _cosine(self.largest_cosine)

    def _without_floor(self) -> str:
        how = "counts as much as the largest in the loss" if self.by == "weights" else "is sampled as often as the largest"
        sure = "" if self.certified else " (not certified)"
        return f"No floor keeps them apart: even where every class {how}, two classifiers are closer, or one is not kept{sure}."

    def _proof(self) -> str:
        tried = f"every higher floor that was tried ({self.floors_tried}) keeps it too; between them that is not proved"
        tried = "every higher floor keeps it too, which is proved" if self.proved_above else tried
        if self.bracket is None:
            return f"Found, but not certified on both sides; {tried}."
        exceeded, floor = self.bracket
        loose = 100.0 * (floor / exceeded - 1.0)
        wide = f" (the floor may be {loose:.2g} % more than needed)" if loose > TOLD_LOOSE else ""
        return f"Certified: at {exceeded:.6g} the target is exceeded, at {floor:.6g} it is kept{wide}; {tried}."

    def _cost(self) -> str:
        shape = f"the largest class counts {self.imbalance:.4g} times the smallest, {self.imbalance_now:.4g} times as it is"
        if self.by == "weights":
            return f"An epoch has as many samples as before; {shape}."
        drawn, now = self.samples_per_epoch or 0.0, self.samples_per_epoch_now
        return (
            f"An epoch then draws {drawn:,.0f} samples for {now:,.0f} ({drawn / now:.3g} times; balanced {self.samples_balanced:,.0f}); "
            f"{shape}."
        )

    def _head(self) -> str:
        cosines, norms = (self.head_cosine_now, self.head_cosine), (self.head_norm_now, self.head_norm)
        told = [
            f"{what} goes from {before:.4f} to {after:.4f}"
            for what, (before, after) in (("its largest cosine", cosines), ("its classifier's norm", norms))
            if before is not None and after is not None
        ]
        return f"No class is raised above the largest: {', and '.join(told)}." if told else ""


def _cosine(cosine: float) -> str:
    """To four digits, and one less what it lacks where these are nines only."""
    return "1" if cosine == 1.0 else f"1 - {1.0 - cosine:.1e}" if 1.0 - cosine < 1e-4 else f"{cosine:.4f}"


def _table(problem: "Problem", floor: float, names: Sequence[str] | None) -> str:
    """The groups that are raised, the most first."""
    called = names_by_group(problem, names)
    raised = sorted((g for g, group in enumerate(problem.groups) if group.samples < floor), key=lambda g: problem.groups[g].samples)
    shown_groups = raised if len(raised) <= SHOWN_CLASSES else [*raised[: SHOWN_CLASSES - 2], *raised[-1:]]
    rows = [
        [_short(called[g]), str(problem.groups[g].classes), said(problem.groups[g].samples), number(floor / problem.groups[g].samples)]
        for g in shown_groups
    ]
    if len(raised) > SHOWN_CLASSES:
        rows.insert(-1, ["…", "", "", ""] if names else ["", "…", "", ""])
    head = ["names", "classes", "samples", "factor"]
    first = 0 if names else 1
    table = text_table(head[first:], [row[first:] for row in rows])
    left_out = len(raised) - len(shown_groups)
    return table if not left_out else f"{table}\n({left_out} counts between are not shown; --json has the factor of every class)"


def _short(called: Sequence[str] | None) -> str:
    """At most two names of a group."""
    if not called:
        return ""
    listed = [one_line(name)[:LONGEST_NAME] for name in called[:2]]
    return ", ".join(listed) if len(called) <= 2 else f"{', '.join(listed)}, …"


def require_target(target: float, num_classes: int) -> float:
    """Check that a target lies strictly between the cosine of balanced classes and 1.

    Args:
        target: the largest cosine that is allowed.
        num_classes: K.

    Raises:
        UnusableInput: otherwise.

    Example:
        >>> require_target(0.3, 10)
        0.3
    """
    least = -1.0 / (num_classes - 1)
    given = double(target)
    if not least < given < 1.0:
        raise UnusableInput(
            f"the target cosine is {shown(target)}: it must lie strictly between {least:.6g}, the largest cosine of {num_classes} balanced "
            "classes, below which no plan brings them, and 1, where two classifiers are one; give one, for example 0.5."
        )
    return given


def plan_of(
    problem: "Problem",
    *,
    by: str = "oversampling",
    target_cosine: float = TARGET,
    names: Sequence[str] | None = None,
    now: "Solution | None" = None,
    told: Told | None = None,
) -> Plan:
    """The least floor m such that with n_k' = max(n_k, m') no two classifiers have a cosine above a target, for every m' ≥ m.

    The target counts as exceeded where classifiers vanish or are shorter than a thousandth of the longest. Both sides of m are certified
    by enclosed geometry; the floors above it are looked at in steps, without certificate, and for few classes they are proved to keep it
    (`solvers._floors`).

    Args:
        problem: cross-entropy, with norm weights "class" or "sample" and no bias.
        by: "oversampling" or "weights", which differ where norms are per sample.
        target_cosine: the largest cosine that is allowed, between −1/(K − 1) and 1.
        names: of the classes, in the order the counts were given.
        now: the solution of the problem, where it is there already.
        told: takes what is found, a sentence at a time.

    Raises:
        UnusableInput: for a target that is out of range.

    Source: derived; docs/derivations/layer-peeled.md, section 3 (a floor under all counts).

    Example:
        >>> from layerpeel.solvers import LayerPeeled
        >>> plan = plan_of(LayerPeeled(counts=[500, 200, 80, 30, 12, 5], feature_energy=1.0))
        >>> plan.certified, round(plan.floor, 1), [round(factor, 2) for factor in plan.factors]
        (True, 78.5, [1.0, 1.0, 1.0, 2.62, 6.54, 15.7])
    """
    from layerpeel.solvers import solve
    from layerpeel.solvers._floors import apart_above

    target = require_target(target_cosine, problem.num_classes)
    walk = Walk(problem, by, target, told or untold)
    now = now or solve(problem)
    least, most = (float(choose(group.samples for group in problem.groups)) for choose in (min, max))
    crossing = walk.down(least, most)
    exceeded: float | None = None
    if crossing is None:  # the target is kept all the way down
        kept_at, at_floor, exceeded = least, walk.solved(least), None
        certified = kept(at_floor, target) is True
    elif crossing[1] == math.inf:  # not even at the top
        kept_at, at_floor = None, walk.solved(most)
        certified = kept(at_floor, target) is False
    else:
        crossed_at = walk.narrowed(*crossing)
        kept_at, at_floor, sure = walk.side(crossed_at, most, wanted=True)
        exceeded, _, also = walk.side(crossed_at, most, wanted=False)
        certified = sure and also
    proved = False
    if certified and kept_at is not None and problem.num_classes <= MOST_PROVED:
        proved = apart_above(problem, kept_at, target, shortest=SHORT, by=by, most=PROVED_SOLVES)
    mass = sum(group.classes * float(group.samples) for group in problem.groups)
    floor, cosines_now, cosines = kept_at, cosines_of(now), cosines_of(at_floor)
    head_now, head = _head(now, cosines_now), _head(at_floor, cosines) if floor is not None else (None, None)
    raised = [0 if floor is None else group.classes * (group.samples < floor) for group in problem.groups]
    drawn = None if floor is None else sum(group.classes * max(float(group.samples), floor) for group in problem.groups)
    return Plan(
        target_cosine=target,
        floor=floor,
        bracket=(exceeded, floor) if certified and exceeded is not None and floor is not None else None,
        certified=certified,
        floors_tried=0 if floor is None else sum(place >= floor for place in walk.seen),
        proved_above=proved,
        factors=None if floor is None else _factors(problem, floor),
        names=None if names is None else list(names),
        raised_classes=sum(raised),
        largest_cosine=None if floor is None else largest_of(cosines),
        largest_cosine_now=largest_of(cosines_now),
        vanished_now=sum(group.classes for group, gone in zip(problem.groups, now.vanished, strict=True) if gone is not False),
        imbalance=None if floor is None else most / max(least, floor),
        imbalance_now=most / least,
        samples_per_epoch=mass if by == "weights" and floor is not None else drawn,
        samples_per_epoch_now=mass,
        samples_balanced=problem.num_classes * most,
        head_cosine=head[0],
        head_cosine_now=head_now[0],
        head_norm=head[1],
        head_norm_now=head_now[1],
        by=by,
        path=sorted(walk.seen.items()),
        optimum=at_floor,
        problem=problem,
    )


def _factors(problem: "Problem", floor: float) -> list[float]:
    by_group = np.array([max(1.0, floor / float(group.samples)) for group in problem.groups])
    places = np.repeat(np.arange(len(by_group)), problem.sizes) if problem.group_of_class is None else np.asarray(problem.group_of_class)
    return by_group[places].tolist()


def _head(solution: "Solution", cosines: Float[np.ndarray, "G G"]) -> tuple[float | None, float]:
    """Of a class of the largest count: its largest cosine with another, and the norm of its classifier."""
    head = max(range(len(solution.groups)), key=lambda g: solution.groups[g].samples)
    return largest_of(cosines[head]), solution.groups[head].classifier_norm
