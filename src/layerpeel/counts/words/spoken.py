"""What a solution says in words: the classes that lose most come first, and classes that fare alike share a line."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from layerpeel.counts.reading.numbers import said
from layerpeel.counts.words.findings import findings
from layerpeel.counts.words.naming import Names, printable_names, two_of
from layerpeel.counts.words.phase import phase
from layerpeel.pages.output import number, text_table

if TYPE_CHECKING:
    from layerpeel.counts.low_dimension import LowDimension
    from layerpeel.solvers import GroupGeometry, Solution

MOST_GROUPS_IN_TEXT = 12
"""A matrix of cosines wider than this is no longer read on a terminal; it stays in the JSON."""

MOST_ROWS, SHOWN_ROWS = 24, 8
"""A table with more groups than the first shows so many of the largest counts, and as many of the smallest."""

SMALLEST = sys.float_info.min * sys.float_info.epsilon
"""The smallest double above zero."""


def spoken(solution: "Solution", names: Names, *, weighted: bool, again: str | None) -> str:
    """Value and gap, a table of groups, the cosines between groups, and what it all means, the worst first."""
    names = printable_names(names)
    table, between = _table(solution.groups, names), _between(solution.groups, solution.between_cosine, names, "cosines")
    return "\n".join([*_head(solution), *_weights(weighted), "", table, *between, "", *_reading(solution, names, again)])


def spoken_below_rank(solution: "Solution", point: "LowDimension", names: Names, *, weighted: bool) -> str:
    """The same of a point in a dimension that is too small for the optimum."""
    names = printable_names(names)
    p, rank, value = solution.dimension, solution.rank, solution.value.upper
    head = [
        f"value     {point.value:.12g}, the best point found in R^{p}",
        f"gap       {point.gap:.1e} at most: no point in R^{p} has less than {point.lower:.12g}, which is certified",
        f"optimum   {value:.12g}, in R^{rank} and above; {_shape(solution)}",
        f"status    {point.status}",
    ]
    table, between = _table(point.groups, names), _between(point.groups, point.between_cosine, names, "largest cosines")
    return "\n".join([*head, *_weights(weighted), "", table, *between, "", below_rank(solution)])


def below_rank(solution: "Solution") -> str:
    """That a dimension is too small for the optimum."""
    p, rank = solution.dimension, solution.rank
    return (
        f"The optimal logits have rank {rank}, so no features and classifiers in R^{p} make them: what is shown is the point found, with "
        f"root mean squares of norms and largest cosines. From --dimension {rank} on the optimum fits."
    )


def _weights(weighted: bool) -> list[str]:
    return ["weights   the samples below are samples times loss weight: weights change what the loss counts, and no norm"] * weighted


def _shape(solution: "Solution") -> str:
    return f"{solution.route}, {solution.num_classes} classes, rank {solution.rank}, {solution.seconds:.3g} s"


def _head(solution: "Solution") -> list[str]:
    value = solution.value
    tiny = 0.0 < value.upper <= SMALLEST
    shown = f"below {SMALLEST:.3g}, the smallest double above zero" if tiny else f"{value.upper:.12g}"
    head = [
        f"value     {shown}",
        f"gap       {solution.gap:.1e} at most, certified{'' if tiny else f' (relative {solution.relative_gap:.1e})'}",
        f"route     {_shape(solution)}",
        f"status    {solution.status}",
    ]
    if solution.group_bias is not None:
        head.append(f"bias      {', '.join(number(each) for each in solution.group_bias.tolist())} (by group)")
    return head


def _table(groups: "Sequence[GroupGeometry]", names: Names) -> str:
    order = list(range(len(groups)))
    left_out = len(order) - 2 * SHOWN_ROWS if len(order) > MOST_ROWS else 0
    if left_out:
        order.sort(key=lambda g: -groups[g].samples)
    rows = [
        [
            str(groups[g].classes),
            said(groups[g].samples),
            phase(groups[g]),
            number(groups[g].classifier_norm),
            number(groups[g].feature_norm),
            number(groups[g].within_cosine),
        ]
        for g in order
    ]
    head = ["classes", "samples", "phase", "||w||", "||h||", "cosine within"]
    if any(called is not None for called in names):
        head = ["names", *head]
        rows = [[two_of(names[g]), *row] for g, row in zip(order, rows, strict=True)]
    if not left_out:
        return text_table(head, rows)
    between = ["…", *[""] * (len(head) - 1)]
    table = text_table(head, [*rows[:SHOWN_ROWS], between, *rows[-SHOWN_ROWS:]])
    return f"{table}\n({left_out} groups of counts between are not shown; --json has them all)"


def _between(groups: "Sequence[GroupGeometry]", cosines: Sequence[Sequence[float | None]], names: Names, what: str) -> list[str]:
    count = len(groups)
    if not 1 < count <= MOST_GROUPS_IN_TEXT:
        return []
    by_name = any(called is not None for called in names)
    labels = [two_of(called) if by_name else said(group.samples) for called, group in zip(names, groups, strict=True)]
    rows = [[name, *(number(_rounded(cosine)) for cosine in row)] for name, row in zip(labels, cosines, strict=True)]
    return ["", f"{what} between the classifiers of groups (by {'name' if by_name else 'samples'})", text_table(["", *labels], rows)]


def _rounded(cosine: float | None) -> float | None:
    return None if cosine is None else round(cosine, 4) + 0.0  # no minus before a zero


def _reading(solution: "Solution", names: Names, again: str | None) -> list[str]:
    from layerpeel.solvers import LayerPeeled, Status

    lines, problem = findings(solution, names), solution.problem
    if solution.status is Status.ZERO:
        return lines
    plain = isinstance(problem, LayerPeeled) and problem.unweighted
    if problem.loss != "cross-entropy" or not (plain or (again is not None and problem.bias_penalty is None)):
        return lines
    if len(solution.groups) == 2 and min(solution.groups, key=lambda group: group.samples).classes > 1:
        if again is not None:
            lines.append(f"Next: `layerpeel remedy {again}` says how much oversampling keeps the minority classes apart.")
    elif len(solution.groups) > 1:
        lines.append("Next: solve again with the smallest counts multiplied, which is what oversampling them by that factor does.")
    return lines
