"""What a solution says about a data set's classifier."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from layerpeel.pages.output import number, text_table
from layerpeel.pages.records import Finite, Record, Result

if TYPE_CHECKING:
    from layerpeel.numerics import Figure
    from layerpeel.solvers import GroupGeometry, Solution

SQUEEZED = 0.95
"""Cosine between two classifiers (an angle of 18°) from which a reader is told that their classes are squeezed together."""

MOST_GROUPS_IN_TEXT = 12
"""A matrix of cosines wider than this is no longer read on a terminal; it stays in the JSON."""


class GroupRecord(Record):
    """What the optimum does to the classes of one group, as `solvers.GroupGeometry` has it."""

    classes: int
    samples: int | float
    collapsed: bool | None
    vanished: bool | None
    classifier_norm: float
    feature_norm: float
    within_cosine: Finite


class SolveRecord(Result):
    """The keys of `layerpeel solve --json`."""

    value: float = Field(description="The objective of the returned point; the optimum lies in [value − gap, value].")
    gap: float
    relative_gap: float
    status: str
    converged: bool
    route: str
    num_classes: int
    rank: int
    dimension: int | None
    warnings: list[str]
    multiplier: float
    norm_weights: str
    bias: list[float] | None = Field(description="One number per group; null without a bias.")
    seconds: float
    groups: list[GroupRecord]
    between_cosine: list[list[Finite]] = Field(description="Groups by groups; null where a classifier vanishes.")


@dataclass(frozen=True)
class Geometry:
    """The geometry that the counts of its classes force on a classifier, with its certificate.

    Args:
        solution: of the Layer-Peeled Model of those counts.
    """

    solution: "Solution"

    @property
    def record(self) -> SolveRecord:
        """What is written to JSON."""
        solution = self.solution
        return SolveRecord(
            value=solution.value.upper,
            gap=solution.gap,
            relative_gap=solution.relative_gap,
            status=str(solution.status),
            converged=solution.converged,
            route=solution.route,
            num_classes=solution.num_classes,
            rank=solution.rank,
            dimension=solution.dimension,
            warnings=list(solution.warnings),
            multiplier=solution.multiplier,
            norm_weights=solution.problem.norm_weights,
            bias=None if solution.group_bias is None else solution.group_bias.tolist(),
            seconds=solution.seconds,
            groups=[GroupRecord(**asdict(group)) for group in solution.groups],
            between_cosine=[list(row) for row in solution.between_cosine],
        )

    def to_dict(self) -> dict[str, Any]:
        """The keys of `layerpeel solve --json`."""
        return self.record.to_dict()

    def to_text(self, again: str | None = None) -> str:
        """Value and gap, a table of groups, the cosines between groups, and what it all means.

        Args:
            again: the options that pose the same problem to another command, to suggest that one.
        """
        solution = self.solution
        head = [
            f"value     {solution.value.upper:.12g}",
            f"gap       {solution.gap:.1e} at most, certified (relative {solution.relative_gap:.1e})",
            f"route     {solution.route}, {solution.num_classes} classes, rank {solution.rank}, {solution.seconds:.3g} s",
            f"status    {solution.status}",
        ]
        if solution.group_bias is not None:
            head.append(f"bias      {', '.join(number(value) for value in solution.group_bias.tolist())} (by group)")
        rows = [
            [
                str(group.classes),
                str(group.samples),
                phase(group),
                number(group.classifier_norm),
                number(group.feature_norm),
                number(group.within_cosine),
            ]
            for group in solution.groups
        ]
        table = text_table(["classes", "samples", "phase", "||w||", "||h||", "cosine within"], rows)
        return "\n".join(["\n".join(head), "", table, *_between(solution), "", *_reading(solution, again)])

    def figures(self) -> "tuple[Figure, ...]":
        """Nothing: the table says it."""
        return ()


def phase(group: "GroupGeometry") -> str:
    """One word for a group's classifiers: distinct, collapsed, vanished, undecided, or single."""
    if group.vanished:
        return "vanished"
    if group.vanished is None:
        return "undecided"
    if group.classes == 1:
        return "single"
    return {True: "collapsed", False: "distinct", None: "undecided"}[group.collapsed]


def _between(solution: "Solution") -> list[str]:
    names = [str(group.samples) for group in solution.groups]
    if not 1 < len(names) <= MOST_GROUPS_IN_TEXT:
        return []
    rows = [[name, *(number(_rounded(cosine)) for cosine in row)] for name, row in zip(names, solution.between_cosine, strict=True)]
    return ["", "cosines between the classifiers of groups (by samples)", text_table(["", *names], rows)]


def _rounded(cosine: float | None) -> float | None:
    return None if cosine is None else round(cosine, 4) + 0.0  # no minus before a zero


def _reading(solution: "Solution", again: str | None) -> list[str]:
    from layerpeel.solvers import LayerPeeled, Status

    if solution.status is Status.ZERO:
        return ["The energies allow a loss of zero, so the optimum is not unique: the geometry above is one of many."]
    lines = [*_fates(solution), *_squeezed(solution), *_largest_cosine(solution)]
    problem = solution.problem
    if problem.loss != "cross-entropy" or not (isinstance(problem, LayerPeeled) and problem.unweighted):
        return lines
    if len(solution.groups) == 2 and min(solution.groups, key=lambda group: group.samples).classes > 1:
        if again is not None:
            lines.append(f"Next: `layerpeel remedy {again}` says how much oversampling keeps the minority classes apart.")
    elif len(solution.groups) > 1:
        lines.append("Next: solve again with the smallest counts multiplied, which is what oversampling them by that factor does.")
    return lines


def _fates(solution: "Solution") -> list[str]:
    """Which classes are forced onto one classifier, or onto none."""
    lines: list[str] = []
    for group in solution.groups:
        at_random = f"so inside this group the prediction is at random (1 in {group.classes})"
        match phase(group):
            case "collapsed":
                lines.append(f"The {group.classes} classes of {group.samples} samples collapse: they share one classifier, {at_random}.")
            case "vanished" if group.classes > 1:
                lines.append(f"The {group.classes} classes of {group.samples} samples vanish: their classifiers are zero, {at_random}.")
            case "vanished":
                lines.append(f"The class of {group.samples} samples vanishes: its classifier is zero.")
            case "undecided":
                what = "vanish" if group.vanished is None else "collapse"
                lines.append(f"Whether the classes of {group.samples} samples {what} is not decided at this gap.")
            case _:
                pass
    return lines or ["No two classifiers are forced to be equal."]


def _squeezed(solution: "Solution") -> list[str]:
    """Which classes are nearly, though not exactly, forced together."""
    close: list[str] = []
    for g, group in enumerate(solution.groups):
        others = [cosine for h, cosine in enumerate(solution.between_cosine[g]) if h != g]
        inside = [] if group.collapsed else [group.within_cosine]
        if any(cosine is not None and cosine >= SQUEEZED for cosine in others + inside):
            close.append(str(group.samples))
    return [f"Squeezed together, at cosines above {SQUEEZED:g}: the classes of {', '.join(close)} samples."] if close else []


def _largest_cosine(solution: "Solution") -> list[str]:
    """How close the closest two classes come, against the balanced optimum."""
    groups = solution.groups
    found = [(group.within_cosine, f"two classes of {group.samples} samples") for group in groups if group.within_cosine is not None]
    for i, row in enumerate(solution.between_cosine):
        for j, cosine in enumerate(row[:i]):
            if cosine is not None:
                found.append((cosine, f"a class of {groups[j].samples} and one of {groups[i].samples} samples"))
    if not found:
        return []
    largest, pair = max(found)
    closest = f"The closest classifiers are those of {pair}: cosine {largest:.4f}"
    if solution.problem.loss != "cross-entropy":
        return [f"{closest}."]
    return [f"{closest}, where balanced classes would have {-1.0 / (solution.num_classes - 1):.4f}."]


def archive(solution: "Solution") -> Callable[[Path], None]:
    """A writer of the solution as a NumPy archive: logits, features, classifier, bias if any, counts and the value's bracket.

    Raises:
        UnusableInput: for a feature dimension below the rank of the logits, which has no features and classifier.
    """
    problem = solution.problem
    bias: dict[str, Any] = {} if solution.bias is None else {"bias": solution.bias}
    features, classifier = solution.features, solution.classifier
    by_group = np.repeat([group.samples for group in problem.groups], problem.sizes)

    def write(path: Path) -> None:
        np.savez(
            path,
            logits=solution.logits,
            features=features,
            classifier=classifier,
            **bias,
            counts=by_group[problem.class_order],
            value=[solution.value.lower, solution.value.upper],
        )

    return write
