"""What a solution says about a data set's classifier."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from layerpeel.counts.drawn import WIDE, cosines_drawn, counts_drawn
from layerpeel.counts.low_dimension import in_low_dimension
from layerpeel.counts.reading.numbers import said
from layerpeel.counts.words.findings import findings
from layerpeel.counts.words.naming import names_by_group, printable_names
from layerpeel.counts.words.phase import phase
from layerpeel.counts.words.spoken import below_rank, spoken, spoken_below_rank
from layerpeel.pages.archives import archive_writer
from layerpeel.pages.curves import figure, line, points
from layerpeel.pages.output import number
from layerpeel.pages.records import Finite, Record, Result

if TYPE_CHECKING:
    from layerpeel.numerics import Drawing, Series
    from layerpeel.solvers import Problem, Solution


class GroupRecord(Record):
    """What the optimum does to the classes of one group, as `solvers.GroupGeometry` has it."""

    classes: int
    samples: int | float
    collapsed: bool | None
    vanished: bool | None
    classifier_norm: float
    feature_norm: float
    within_cosine: Finite
    names: list[str] | None = Field(description="Of its classes, where the counts file names them.")


class Geometry(Result):
    """The geometry that the counts of its classes force on a classifier, with its certificate."""

    FILES: ClassVar = ("solve.json", "counts.svg", "heat-map.svg", "cosines.svg", "norms.svg", "solve.html")

    value: float = Field(
        description="The objective of the returned point; the optimum lies in [value − gap, value], in the dimension that is asked for."
    )
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
    weighted: bool = Field(description="Whether loss weights multiplied the samples of the groups.")
    solution: SkipJsonSchema[Any] = Field(exclude=True, repr=False)
    point: SkipJsonSchema[Any] = Field(exclude=True, repr=False)

    @classmethod
    def of(cls, solution: "Solution", *, names: Sequence[str] | None = None, weighted: bool = False) -> "Geometry":
        """What a solution of the Layer-Peeled Model of those counts says.

        Args:
            solution: of any form of the program.
            names: of the classes, in the order the counts were given.
            weighted: whether the counts are samples times loss weights.
        """
        point = in_low_dimension(solution) if solution.dimension is not None and solution.dimension < solution.rank else None
        shown = solution if point is None else point
        value = solution.value.upper if point is None else point.value
        return cls(
            value=value,
            gap=shown.gap,
            relative_gap=solution.relative_gap if point is None else point.gap / value,
            status=str(shown.status),
            converged=point is None and solution.converged,
            route=solution.route,
            num_classes=solution.num_classes,
            rank=solution.rank,
            dimension=solution.dimension,
            warnings=list(solution.warnings),
            multiplier=solution.multiplier,
            norm_weights=solution.problem.norm_weights,
            bias=None if solution.group_bias is None else solution.group_bias.tolist(),
            seconds=solution.seconds,
            groups=[
                GroupRecord(**asdict(group), names=called)
                for group, called in zip(shown.groups, names_by_group(solution.problem, names), strict=True)
            ],
            weighted=weighted,
            between_cosine=[list(row) for row in shown.between_cosine],
            solution=solution,
            point=point,
        )

    def to_text(self, again: str | None = None) -> str:
        """Value and gap, a table of groups, the cosines between groups, and what it all means, the worst first.

        Args:
            again: the options that pose the same problem to another command, to suggest that one.
        """
        names = [group.names for group in self.groups]
        if self.point is not None:
            return spoken_below_rank(self.solution, self.point, names, weighted=self.weighted)
        return spoken(self.solution, names, weighted=self.weighted, again=again)

    def findings(self) -> list[str]:
        """What it all means, the worst first, a sentence each."""
        if self.point is not None:
            return [below_rank(self.solution)]
        return findings(self.solution, printable_names([group.names for group in self.groups]))

    def page_of(self, drawn: "tuple[Drawing, ...]") -> str:
        """What the counts force, as one would show it to a colleague: sentences, figures, the groups, and how it was solved.

        Args:
            drawn: its figures.
        """
        from layerpeel.pages.results_page import results_page, shortened  # what draws is imported where something is drawn

        order = sorted(range(len(self.groups)), key=lambda g: -self.groups[g].samples)
        shown = printable_names([self.groups[g].names for g in order])
        head = ["classes", "samples", "phase", "‖w‖", "‖h‖", "cosine within"]
        rows = [[*_cells(self.groups[g])] for g in order]
        if any(shown):
            head, rows = ["names", *head], [[", ".join(called or ()), *row] for called, row in zip(shown, rows, strict=True)]
        solved = {
            "value": f"{self.value:.12g}",
            "certified gap": f"{self.gap:.1e} at most (relative {self.relative_gap:.1e})",
            "status": self.status,
            "route": f"{self.route}, {self.seconds:.3g} s",
            "rank of the logits": str(self.rank),
            **({} if self.dimension is None else {"dimension": str(self.dimension)}),
            **({} if self.bias is None else {"bias by group": ", ".join(map(number, self.bias))}),
        }
        return results_page(
            f"What the counts of {self.num_classes} classes force on their classifier",
            held(self.solution.problem),
            drawn,
            (),
            (),
            [
                shortened("Groups of equal counts", head, rows),
                shortened("How it was solved", ["what", ""], [[name, value] for name, value in solved.items()]),
            ],
            "\n".join([*self.findings(), *self.warnings]),
        )

    def figures(self) -> "tuple[Drawing, ...]":
        """Counts, cosines between any two classes, and cosines and norms of classifiers and features against the samples of a class."""
        from layerpeel.solvers import Status

        samples = [float(group.samples) for group in self.groups]
        span = [samples[0] / 2.0, 2.0 * samples[0]] if len(set(samples)) == 1 else [min(samples), max(samples)]
        wide = len(set(samples)) > 1 and span[1] >= WIDE * span[0]
        what = f"of the optimum of {self.num_classes} classes in {len(samples)} group{'s' * (len(samples) > 1)}"
        more = " The energies allow a loss of zero: this optimum is one of many." if self.status == Status.ZERO else ""
        balanced = -1.0 / (self.num_classes - 1) if self.solution.problem.loss == "cross-entropy" else None
        closest = " Of two groups, the largest cosine between their classes." if self.point is not None else ""
        return (
            counts_drawn(self),
            cosines_drawn(self, more=closest + more),
            figure(
                "Cosines against samples",
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


def _cells(group: GroupRecord) -> tuple[str, ...]:
    norms = (number(group.classifier_norm), number(group.feature_norm), number(group.within_cosine))
    return (str(group.classes), said(group.samples), phase(group), *norms)


def held(problem: "Problem") -> str:
    """What bounds the norms, or penalises them, as a sentence."""
    from layerpeel.solvers import LayerPeeled

    mean = {"class": "averaged over classes", "sample": "averaged over samples"}.get(problem.norm_weights, "weighed by numbers")
    if isinstance(problem, LayerPeeled):
        bounds = f"E_H = {problem.feature_energy:g}, {mean}, and of classifiers by E_W = {problem.weight_energy:g}"
        return f"The optimum of the Layer-Peeled Model, {problem.loss} loss: squared norms of features are bounded by {bounds}."
    return f"The optimum of the unconstrained features model, {problem.loss} loss: squared norms are penalised, features {mean}."


def _known_points(samples: Sequence[float], rows: Mapping[str, Sequence[float | None]]) -> "list[Series]":
    """A point for each group where it is defined; what no group has is left out."""
    series: list[Series] = []
    for color, (name, row) in enumerate(rows.items()):
        known = [(n, value) for n, value in zip(samples, row, strict=True) if value is not None]
        if known:
            series.append(points(name, [n for n, _ in known], [value for _, value in known], color))
    return series


def archive(solution: "Solution") -> Callable[[Path], None]:
    """A writer of the solution as a NumPy archive: logits, features, classifier, bias if any, counts and the value's bracket.

    Raises:
        UnusableInput: for a feature dimension below the rank of the logits, which has no features and classifier.
    """
    problem = solution.problem
    by_group = np.repeat([group.samples for group in problem.groups], problem.sizes)
    arrays = {
        "logits": solution.logits,
        "features": solution.features,
        "classifier": solution.classifier,
        **({} if solution.bias is None else {"bias": solution.bias}),
        "counts": by_group[problem.class_order],
        "value": np.array([solution.value.lower, solution.value.upper]),
    }
    return archive_writer(arrays, compressed=False)
