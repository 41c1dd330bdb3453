"""Reads which classes there are and how many samples each has, from `--groups` or from counts as people keep them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from layerpeel.counts.reading.classes import ClassCounts, checked_names, positive, require_classes_only, rows_named, without
from layerpeel.counts.reading.columns import Entry, entries
from layerpeel.counts.reading.groups import parse_groups
from layerpeel.counts.reading.images import count_directory, count_list, list_layout
from layerpeel.counts.reading.numbers import parsed
from layerpeel.counts.reading.objects import object_table
from layerpeel.counts.reading.streams import opened
from layerpeel.counts.reading.tables import table_of
from layerpeel.numerics import UnusableInput

__all__ = ["ClassCounts", "CountsFile", "parse_groups", "read_counts"]


def read_counts(
    path: Path,
    *,
    column: str | None = None,
    drop_rows: Sequence[str] = (),
    keep_rows: Sequence[str] = (),
    weights: Path | None = None,
) -> ClassCounts:
    """The classes of a counts file, of a list of images, or of a directory with one folder per class.

    Args:
        path: a table with any delimiter, JSON, what `uniq -c` or pandas prints, a list with one image in each line, or a directory.
        column: the name or the number of the column of counts (of the class, in a list of images).
        drop_rows: the names of rows that are no classes, or the numbers of their lines.
        keep_rows: likewise of rows that are classes, though they look like the total of the others.
        weights: a file with one positive number per class, by which its samples enter the loss.

    Raises:
        UnusableInput: when it cannot be read, or read in one way only; names the line.
    """
    what = f"counts file {path}"
    rows, place, dotted = _entries(path, column, what, weights=False)
    if not rows:
        raise UnusableInput(f"{what} is empty: it needs one row per class with its number of samples; add them.")
    kept = without(rows, drop_rows, place, what)
    if not kept:
        raise UnusableInput(f"--drop-row leaves no class of {what}: a classifier needs at least 2; leave fewer out.")
    names = checked_names(kept, place, what)
    counts = positive(kept, place, what, dotted=dotted)
    if place == "class":
        rows_named("--keep-row", keep_rows, kept, place, what)
    else:
        require_classes_only(kept, counts, place, what, keep_rows)
    classes = ClassCounts(samples=tuple(counts), names=names, places=tuple(f"{place} {entry.number}" for entry in kept), source=path)
    return classes if weights is None else classes.weighted(per_class(weights, classes, drop_rows))


def _entries(path: Path, column: str | None, what: str, *, weights: bool) -> tuple[list[Entry], str, bool]:
    """The classes of a file before they are checked, what their numbers count, and whether dots may part thousands."""
    if not weights and path.is_dir():
        return _counted(count_directory(path, what)), "class", False
    with opened(path, what) as stream:
        beginning = stream.beginning()
        layout = None if weights else list_layout(beginning, column, what)
        if layout is not None:
            return _counted(count_list(stream.lines(), layout, what)), "class", False
        text = stream.text()
    table, column = object_table(text, column, what) or (table_of(text, what), column)
    rows, place = entries(table, column, what, weights=weights)
    return rows, place, table.semicolons


def _counted(counts: dict[str, int]) -> list[Entry]:
    return [Entry(place, name, str(count)) for place, (name, count) in enumerate(counts.items(), start=1)]


def per_class(path: Path, classes: ClassCounts, drop_rows: Sequence[str], word: str = "weight", *, signed: bool = False) -> list[float]:
    """One number for each class: by name where both files have the same names, else in their order.

    Args:
        path: the file, a column or a line of numbers, or a table with names.
        classes: of the counts file.
        drop_rows: the names of rows that are no classes.
        word: what a number is called.
        signed: whether it may be zero or negative.

    Raises:
        UnusableInput: for what is not one such number per class.
    """
    what, kind = f"{word}s file {path}", "number" if signed else "positive number"
    rows, place, _ = _entries(path, None, what, weights=True)
    dropped = {row.strip().casefold() for row in drop_rows}
    kept = [entry for entry in rows if not (entry.name and entry.name.casefold() in dropped)]
    if len(kept) != len(classes.samples):
        raise UnusableInput(
            f"{what} holds {len(kept)} {word}s for {len(classes.samples)} classes: there must be one {kind} per class; give as many."
        )
    numbers: list[float] = []
    for entry in kept:
        value = parsed(entry.cell)
        if value is None or not (signed or value > 0.0) or not abs(value) < float("inf"):
            raise UnusableInput(
                f"{what}, {place} {entry.number}: {entry.cell[:40]!r} is not a {word}: a {word} is a {kind}; correct the {place}."
            )
        numbers.append(float(value))
    names = checked_names(kept, place, what)
    if names is None or classes.names is None:
        return numbers
    if set(names) != set(classes.names):
        if all(name.isdigit() for name in names) or all(name.isdigit() for name in classes.names):
            return numbers
        stranger = next(name for name in names if name not in set(classes.names)) if set(names) - set(classes.names) else None
        said = (
            f"{stranger!r}, which counts file {classes.source} does not" if stranger is not None else "other classes than the counts file"
        )
        raise UnusableInput(f"{what} names {said}: both must name the same classes, or one of them none; correct the names.")
    by_name = dict(zip(names, numbers, strict=True))
    return [by_name[name] for name in classes.names]


@dataclass(frozen=True, kw_only=True)
class CountsFile:
    """The options by which a command is told its classes; read when they are asked for.

    Args:
        path: `--counts`.
        column: `--column`.
        drop_rows: `--drop-row`, each.
        keep_rows: `--keep-row`, each.
        weights: `--weights`.
    """

    path: Path
    column: str | None = None
    drop_rows: tuple[str, ...] = ()
    keep_rows: tuple[str, ...] = ()
    weights: Path | None = None

    @cached_property
    def classes(self) -> ClassCounts:
        """What the file holds."""
        return read_counts(self.path, column=self.column, drop_rows=self.drop_rows, keep_rows=self.keep_rows, weights=self.weights)

    def numbers(self, path: Path, word: str) -> list[float]:
        """What another file says of each class, in their order: shifts and margins may be zero, and shifts negative.

        Raises:
            UnusableInput: for what is not one number per class.
        """
        return per_class(path, self.classes, self.drop_rows, word, signed=word != "scale")

    def options(self) -> list[str]:
        """The words of a command line that say the same."""
        words = ["--counts", str(self.path)]
        words += [] if self.column is None else ["--column", self.column]
        for row in self.drop_rows:
            words += ["--drop-row", row]
        for row in self.keep_rows:
            words += ["--keep-row", row]
        return words if self.weights is None else [*words, "--weights", str(self.weights)]
