"""Classes with their counts: checked, named, and posed as a program."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from layerpeel.counts.reading.columns import Entry
from layerpeel.counts.reading.numbers import parsed, said
from layerpeel.numerics import UnusableInput

if TYPE_CHECKING:
    from layerpeel.solvers import LayerPeeled, UnconstrainedFeatures

Form = TypeVar("Form", "LayerPeeled", "UnconstrainedFeatures")

TOTALS = frozenset(
    ("total", "totals", "sum", "all", "overall", "grand total", "all classes", "subtotal", "total count", "total samples", "whole dataset")
)
"""Names of rows that are no classes."""

PLURAL = {"line": "lines", "entry": "entries", "class": "classes"}
"""What numbers of rows number."""

LARGEST_COUNT = 10**18
"""Of one class; beyond, a cell is something else."""

SAME_SUM = 1e-9
"""Relative difference up to which a fractional count is the sum of the others: they are rounded."""

PERCENT = 0.5
"""Fractional counts that sum to 100 within this are percentages, rounded."""


@dataclass(frozen=True, kw_only=True)
class ClassCounts:
    """The classes of a data set.

    Args:
        samples: n_k of each class; fractions are effective numbers of samples.
        names: of each class, where the source names them.
        places: where each was read.
        source: what they were read from.
        loss_weights: w_k, by which each sample of a class enters the loss; none unless given.
    """

    samples: tuple[int | float, ...]
    names: tuple[str, ...] | None
    places: tuple[str, ...]
    source: Path
    loss_weights: tuple[float, ...] | None = None

    @property
    def fractional(self) -> bool:
        """Whether any count is no whole number."""
        return not all(isinstance(count, int) for count in self.samples)

    def posed(self, form: "type[Form]", **options: Any) -> "Form":
        """The form of the program with these classes; weights enter the loss and leave the norms as they are.

        Raises:
            UnusableInput: for options that the form refuses, and for fractional counts where samples weigh the norms.
        """
        if not self.fractional:
            problem = form(counts=self.samples, **options)
            return problem if self.loss_weights is None else problem.with_loss_weights(self.loss_weights)
        problem = form(counts=[1] * len(self.samples), **options)
        if problem.norm_weights == "sample":
            raise UnusableInput(
                f"counts file {self.source} holds {said(next(n for n in self.samples if not isinstance(n, int)))} samples: where samples "
                "weigh the norms they are counted one by one; give whole counts, with --weights for the loss, or choose --norm-weights "
                "class."
            )
        weights = self.loss_weights or [1.0] * len(self.samples)
        return problem.with_loss_weights([count * weight for count, weight in zip(self.samples, weights, strict=True)])

    def weighted(self, weights: "Sequence[float]") -> "ClassCounts":
        """The same classes with these weights in the loss."""
        return replace(self, loss_weights=tuple(weights))


def without(entries: Sequence[Entry], dropped: Sequence[str], place: str, what: str) -> list[Entry]:
    """The entries that `--drop-row` leaves.

    Raises:
        UnusableInput: for a row that is not there, or not alone of its name.
    """
    gone = rows_named("--drop-row", dropped, entries, place, what)
    return [entry for index, entry in enumerate(entries) if index not in gone]


def rows_named(option: str, rows: Sequence[str], entries: Sequence[Entry], place: str, what: str) -> set[int]:
    """The entries that an option names: each by its class, or by the number of its line.

    Raises:
        UnusableInput: for a row that is not there, or not alone of its name.
    """
    named: set[int] = set()
    for row in rows:
        same = [index for index, entry in enumerate(entries) if entry.name is not None and entry.name.casefold() == row.strip().casefold()]
        if not same and row.strip().isdigit():
            same = [index for index, entry in enumerate(entries) if entry.number == int(row)]
        if not same:
            raise UnusableInput(f"{option} {row!r} is no row of {what}: it names a class, or the number of its {place}; correct it.")
        if len(same) > 1:
            numbers = ", ".join(str(entries[index].number) for index in same)
            raise UnusableInput(
                f"{option} {row!r} names {len(same)} rows of {what}, {PLURAL[place]} {numbers}: it must be one; give its number."
            )
        named.update(same)
    return named


def checked_names(entries: Sequence[Entry], place: str, what: str) -> tuple[str, ...] | None:
    """The names of the classes, each of its own; None where there are none.

    Raises:
        UnusableInput: for a row without a name among named ones, or a name twice.
    """
    if not any(entry.name for entry in entries):
        return None
    seen: dict[str, int] = {}
    for entry in entries:
        if not entry.name:
            raise UnusableInput(
                f"{what}, {place} {entry.number} holds {entry.cell!r} and no name, among classes that have one: a total is not a class; "
                f"leave it out with --drop-row {entry.number}, or name it."
            )
        if entry.name in seen:
            samples = len({each.name for each in entries}) * 2 <= len(entries)
            raise UnusableInput(
                f"{what} names class {entry.name!r} twice, in {PLURAL[place]} {seen[entry.name]} and {entry.number}: each class has one "
                f"row; correct it, or leave one out with --drop-row {entry.number}"
                f"{' (where each row is a sample, count its labels: --column with the name of their column)' * samples}."
            )
        seen[entry.name] = entry.number
    return tuple(seen)


def positive(entries: Sequence[Entry], place: str, what: str, *, dotted: bool) -> list[int | float]:
    """The number of each entry, a count.

    Raises:
        UnusableInput: for what is no number of at least one.
    """
    counts: list[int | float] = []
    for entry in entries:
        value = parsed(entry.cell)
        if value is None or not 1 <= value <= LARGEST_COUNT:
            raise UnusableInput(
                f"{what}, {place} {entry.number}: {entry.cell[:40]!r} is not a count: samples per class are whole numbers of at least 1, "
                f"or effective numbers above it; correct the {place}, or leave the class out with --drop-row {entry.number}."
            )
        if dotted and isinstance(value, float) and len(entry.cell.rpartition(".")[2]) == 3:
            raise UnusableInput(
                f"{what}, {place} {entry.number}: {entry.cell!r} may be {entry.cell.replace('.', '')} or {entry.cell.replace('.', ',')}: "
                "between semicolons a dot parts thousands or decimals; write whole numbers without dots."
            )
        counts.append(value)
    return counts


def require_classes_only(
    entries: Sequence[Entry], counts: Sequence[int | float], place: str, what: str, classes: Sequence[str] = ()
) -> None:
    """Check that no entry is the total of the others, and that counts are no percentages.

    Args:
        entries: the rows.
        counts: their numbers.
        place: what numbers of rows number.
        what: the file, in a sentence.
        classes: rows of which `--keep-row` says that they are classes.

    Raises:
        UnusableInput: otherwise; names the row.
    """
    sure = rows_named("--keep-row", classes, entries, place, what)
    unsure = [entry for index, entry in enumerate(entries) if index not in sure]
    named = next((entry for entry in unsure if entry.name and entry.name.strip(" :.*").casefold() in TOTALS), None)
    if named is not None:
        raise UnusableInput(
            f"{what}, {place} {named.number} is named {named.name!r}: a total is not a class; leave it out with --drop-row {named.number}, "
            f"or, if it is a class, keep it with --keep-row {named.number}."
        )
    total = math.fsum(counts) if any(isinstance(count, float) for count in counts) else sum(counts)
    largest = max(range(len(counts)), key=counts.__getitem__, default=0)
    if (
        len(counts) > 2
        and largest not in sure
        and math.isclose(2 * counts[largest], total, rel_tol=SAME_SUM if isinstance(total, float) else 0.0)
    ):
        entry = entries[largest]
        name = "" if not entry.name else f" ({entry.name})"
        raise UnusableInput(
            f"{what}, {place} {entry.number}{name} holds {said(counts[largest])}, the sum of all others: a total is not a class; leave it "
            f"out with --drop-row {entry.number}, or, if it is a class, keep it with --keep-row {entry.number}."
        )
    if isinstance(total, float) and abs(total - 100.0) <= PERCENT:
        raise UnusableInput(
            f"{what} holds fractions that sum to {said(total)}: these are percentages, not counts; choose a column of counts with --column."
        )
