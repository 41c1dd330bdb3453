"""What a solution says about a data set's classifier."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from layerpeel.pages.curves import figure, line, points
from layerpeel.pages.output import number, text_table
from layerpeel.pages.records import Finite, Record, Result

if TYPE_CHECKING:
    from layerpeel.numerics import Figure, Series
    from layerpeel.solvers import GroupGeometry, Solution

SQUEEZED = 0.95
"""Cosine between two classifiers (an angle of 18°) from which a reader is told that their classes are squeezed together."""

MOST_GROUPS_IN_TEXT = 12
"""A matrix of cosines wider than this is no longer read on a terminal; it stays in the JSON."""


WIDE = 10.0
"""Counts that differ by this factor are drawn on a logarithmic axis."""


class GroupRecord(Record):
    """What the optimum does to the classes of one group, as `solvers.GroupGeometry` has it."""

    classes: int
    samples: int | float
    collapsed: bool | None
    vanished: bool | None
    classifier_norm: float
    feature_norm: float
    within_cosine: Finite


class Geometry(Result):
    """The geometry that the counts of its classes force on a classifier, with its certificate."""

    FILES: ClassVar = ("solve.json", "cosines.svg", "norms.svg")

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
    solution: SkipJsonSchema[Any] = Field(exclude=True, repr=False)

    @classmethod
    def of(cls, solution: "Solution") -> "Geometry":
        """What a solution of the Layer-Peeled Model of those counts says."""
        return cls(
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
            solution=solution,
        )

    def to_text(self, again: str | None = None) -> str:
        """Value and gap, a table of groups, the cosines between groups, and what it all means.

        Args:
            again: the options that pose the same problem to another command, to suggest that one.
        """
        solution: Solution = self.solution
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
        """Cosines between classifiers, and norms of classifiers and features, against the samples of a class."""
        from layerpeel.solvers import Status

        samples = [float(group.samples) for group in self.groups]
        span = [samples[0] / 2.0, 2.0 * samples[0]] if len(set(samples)) == 1 else [min(samples), max(samples)]
        wide = len(set(samples)) > 1 and span[1] >= WIDE * span[0]
        what = f"of the optimum of {self.num_classes} classes in {len(samples)} group{'s' * (len(samples) > 1)}"
        more = " The energies allow a loss of zero: this optimum is one of many." if self.status == Status.ZERO else ""
        balanced = -1.0 / (self.num_classes - 1) if self.solution.problem.loss == "cross-entropy" else None
        return (
            figure(
                "Cosines between classifiers",
                f"Between the classifiers {what}: at 1 two classes share a direction. A classifier that vanishes has no cosine.{more}",
                "samples of the class",
                "cosine",
                [
                    *_known_points(samples, self._cosines()),
                    *([] if balanced is None else [line("two balanced classes", span, [balanced] * 2, 3)]),
                ],
                log_x=wide,
            ),
            figure(
                "Norms of classifiers and features",
                f"Of the classifier w and of the features h of a class, {what}; lines, where there are any, are what the energies allow "
                f"balanced classes.{more}",
                "samples of the class",
                "norm",
                [
                    *_known_points(
                        samples,
                        {"‖w‖": [group.classifier_norm for group in self.groups], "‖h‖": [group.feature_norm for group in self.groups]},
                    ),
                    *(line(name, span, [norm] * 2, color) for color, (name, norm) in enumerate(self._balanced_norms().items())),
                ],
                log_x=wide,
            ),
        )

    def _cosines(self) -> dict[str, list[float | None]]:
        """For each group the cosines inside it, and with the others: the largest and the smallest where these differ."""
        others = [[cosine for h, cosine in enumerate(row) if h != g and cosine is not None] for g, row in enumerate(self.between_cosine)]
        cosines = {"two classes of one group": [group.within_cosine for group in self.groups]}
        if len(self.groups) == 2:
            return {**cosines, "with a class of the other group": [max(row, default=None) for row in others]}
        return {
            **cosines,
            "with the closest class of another group": [max(row, default=None) for row in others],
            "with the farthest class of another group": [min(row, default=None) for row in others],
        }

    def _balanced_norms(self) -> dict[str, float]:
        """√E_W and √E_H; nothing where the norms are penalised instead, or numbers weigh them."""
        from layerpeel.solvers import LayerPeeled

        problem = self.solution.problem
        if not isinstance(problem, LayerPeeled) or problem.norm_weights == "given":
            return {}
        return {"√E_W": math.sqrt(problem.weight_energy), "√E_H": math.sqrt(problem.feature_energy)}


def _known_points(samples: Sequence[float], rows: Mapping[str, Sequence[float | None]]) -> "list[Series]":
    """A point for each group where it is defined; what no group has is left out."""
    series: list[Series] = []
    for color, (name, row) in enumerate(rows.items()):
        known = [(n, value) for n, value in zip(samples, row, strict=True) if value is not None]
        if known:
            series.append(points(name, [n for n, _ in known], [value for _, value in known], color))
    return series


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
    plain = isinstance(problem, LayerPeeled) and problem.unweighted
    if problem.loss != "cross-entropy" or not (plain or (again is not None and problem.bias_penalty is None)):
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
    cosines = [(group.within_cosine, f"two classes of {group.samples} samples") for group in groups if group.within_cosine is not None]
    for i, row in enumerate(solution.between_cosine):
        for j, cosine in enumerate(row[:i]):
            if cosine is not None:
                cosines.append((cosine, f"a class of {groups[j].samples} and one of {groups[i].samples} samples"))
    if not cosines:
        return []
    largest, pair = max(cosines)
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
