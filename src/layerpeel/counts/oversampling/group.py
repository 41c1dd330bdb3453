"""What is said of a group of equal classes, and of many: whether it collapses, and how many times as often it must be drawn."""

from collections.abc import Sequence

from pydantic import Field

from layerpeel.counts.oversampling.factors import Oversampling
from layerpeel.counts.oversampling.ways import Way
from layerpeel.counts.reading.numbers import said
from layerpeel.counts.words.naming import MOST_NAMES
from layerpeel.pages.output import number, text_table
from layerpeel.pages.text import one_line

SHOWN_GROUPS = 10
"""Rows of the table that stands for sentences where there are more groups than that."""


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

    def sentences(self, told: Way, *, alone: bool) -> str:
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


def table_of(groups: Sequence[GroupOversampling], way: Way) -> str:
    """A line for each group, of the worst ones, which come first."""
    collapsing = sum(group.collapses_now for group in groups)
    act, often = way.act
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
    return "\n".join([*lines, *([_left_out(left_out)] if left_out else [])])


def page_table(groups: Sequence[GroupOversampling], way: Way) -> "tuple[list[str], list[list[str]]]":
    """The same of every group for a page: names of columns, and rows."""
    named = any(group.names for group in groups)
    head = ["classes", "samples", "R", "R0", f"times as {way.act[1]}", "safe from, to", "collapses now"]
    rows = [
        [
            *([", ".join(map(one_line, group.names or ()))] if named else []),
            str(group.classes),
            said(group.samples),
            number(group.imbalance),
            number(group.threshold),
            number(group.minimal_oversampling) + ("" if group.bracketed else " (about)"),
            span(*group.safe_oversampling),
            "yes" if group.collapses_now else "no",
        ]
        for group in groups
    ]
    return ["names", *head] if named else head, rows


def _left_out(groups: int) -> str:
    return f"({groups} groups that need less are not shown; --json has them all)" if groups > 1 else "(one that needs less is not shown)"


def span(low: float, high: float | None) -> str:
    """From one number to another, or without end."""
    return f"from {number(low)}" if high is None else f"{number(low)} to {number(high)}"
