"""Which column holds the counts, or the weights, and which the names of classes."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from layerpeel.counts.reading.numbers import parsed
from layerpeel.numerics import UnusableInput

NOUNS = frozenset(
    (
        *("sample", "samples", "image", "images", "img", "imgs", "photo", "photos", "picture", "pictures", "instance", "instances"),
        *("example", "examples", "frequency", "freq", "count", "counts", "occurrence", "occurrences", "observation", "observations"),
        *("object", "objects", "annotation", "annotations", "case", "cases", "record", "records", "item", "items", "file", "files"),
        *("video", "videos", "clip", "clips", "document", "documents", "sentence", "sentences", "support"),
    )
)
"""Words that say what is counted."""

AMOUNTS = frozenset(("n", "num", "number", "nb", "nr", "no", "size", "amount", "quantity", "qty", "total", "sum"))
"""Words that say a number, though not of what."""

NO_COUNTS = frozenset(
    (
        *("id", "ids", "index", "idx", "weight", "weights", "percent", "percentage", "percentages", "pct", "%", "ratio", "fraction"),
        *("proportion", "share", "probability", "prob", "rate", "rank", "accuracy", "precision", "recall", "f1", "score", "loss"),
        *("mean", "std"),
    )
)
"""Words of columns that never hold counts."""

WEIGHTS = frozenset(("weight", "weights", "factor", "factors", "w"))
"""Words of columns that hold weights."""

LABELS = frozenset(
    (
        *("class", "classes", "name", "names", "label", "labels", "category", "categories", "target", "targets", "species"),
        *("diagnosis", "dx", "type", "kind", "breed", "tag", "classname", "y"),
    )
)
"""Words of columns that hold the names of classes."""

ASKED = 1000
"""Cells of a column, evenly from all, by which a column of numbers is told."""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[%#]|[^\W\d_A-Za-z]+")


def words_of(header: str) -> list[str]:
    """The words of a header, apart and in small letters.

    Example:
        >>> words_of("Training Samples"), words_of("n_photos"), words_of("imageCount"), words_of("Train %")
        (['training', 'samples'], ['n', 'photos'], ['image', 'count'], ['train', '%'])
    """
    return [word.lower() for word in _WORD.findall(header)]


def _counts_strongly(words: Sequence[str]) -> bool:
    """Whether they name what is counted: also where they are written in one, as in numimages or imagecount."""
    if set(words) & NO_COUNTS:
        return False
    return any(
        word in NOUNS or word.removeprefix("num") in NOUNS or word[1:] in NOUNS or word.endswith(("count", "counts")) for word in words
    )


def _counts_weakly(words: Sequence[str]) -> bool:
    return bool(set(words) & AMOUNTS) and not set(words) & (NO_COUNTS | LABELS)


def says_counts(header: str) -> bool:
    """Whether a header says counts.

    Example:
        >>> [says_counts(header) for header in ("n_photos", "Class ID", "Class Weight", "Train %", "n")]
        [True, False, False, False, True]
    """
    words = words_of(header)
    return _counts_strongly(words) or _counts_weakly(words)


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of cells.

    Args:
        header: names of columns, if the file has them.
        rows: number and cells of each.
        place: what the number numbers, a line or an entry.
        loose: whether blanks part the cells, so that a name may fill several.
        semicolons: whether semicolons part them, so that a dot may part thousands.
    """

    header: list[str] | None
    rows: list[tuple[int, list[str]]]
    place: str = "line"
    loose: bool = False
    semicolons: bool = False

    @property
    def width(self) -> int:
        """How many columns there are."""
        return max([len(self.header or []), *(len(row) for _, row in self.rows)], default=0)

    def column(self, index: int) -> list[str]:
        """The cells of one column."""
        return [row[index] if index < len(row) else "" for _, row in self.rows]

    def name_of(self, index: int) -> str:
        """A column's name in a refusal."""
        return self.names()[index] or f"number {index + 1}"

    def names(self) -> list[str]:
        """Headers; blank where there are none."""
        header = self.header or []
        return [*header, *[""] * (self.width - len(header))]


class Entry(NamedTuple):
    """One class as its file has it."""

    number: int
    name: str | None
    cell: str


def column_of(column: str, names: Sequence[str], what: str) -> int:
    """The column that `--column` names, or numbers from one on.

    Raises:
        UnusableInput: for a column that is not there, or not alone of its name.
    """
    same = [index for index, name in enumerate(names) if name.strip().casefold() == column.strip().casefold() != ""]
    if len(same) == 1:
        return same[0]
    if same:
        raise _two_of_one_name(what, names[same[0]], same)
    if column.strip().isdigit() and 1 <= int(column) <= len(names):
        return int(column) - 1
    listed = ", ".join(f"{index + 1}{f' ({name})' if name.strip() else ''}" for index, name in enumerate(names))
    raise UnusableInput(f"--column {column!r} is no column of {what}: it has the columns {listed}; name one of these, or its number.")


def _two_of_one_name(what: str, name: str, places: Sequence[int]) -> UnusableInput:
    numbers = ", ".join(str(place + 1) for place in places)
    return UnusableInput(
        f"{what} has {len(places)} columns named {name!r}: the column must be known; choose it by its number, --column {places[0] + 1} "
        f"say (they are {numbers})."
    )


def is_running(cells: Sequence[str]) -> bool:
    """Whether the cells are the numbers from 0 or 1 on, in any order: an index, and no counts."""
    if len(cells) < 2 or not all(cell.isascii() and cell.isdigit() and len(cell) <= 18 for cell in cells):
        return False
    numbers = list(map(int, cells))
    least = min(numbers)
    return least in (0, 1) and max(numbers) == least + len(numbers) - 1 and len(set(numbers)) == len(numbers)


def mostly_numbers(cells: Sequence[str]) -> bool:
    """Whether more than half of what is there are numbers."""
    filled = [cell for cell in cells[:: len(cells) // ASKED + 1] if cell]
    return 2 * sum(parsed(cell) is not None for cell in filled) > len(filled)


def entries(table: Table, column: str | None, what: str, *, weights: bool = False) -> tuple[list[Entry], str]:
    """The classes of a table, the cell with the count (or the weight) of each and its name if there are names; and what numbers them.

    Raises:
        UnusableInput: where the column cannot be told.
    """
    chosen = _value_column(table, what, weights=weights) if column is None else column_of(column, table.names(), what)
    cells = table.column(chosen)
    labels = column is not None or bool(set(words_of(table.names()[chosen])) & LABELS)
    if labels and not any(map(_is_number, cells)) and len(set(cells)) < len(cells):  # one for each sample
        return [Entry(place, name, str(count)) for place, (name, count) in enumerate(sorted(Counter(cells).items()), start=1)], "class"
    numbers, names = [number for number, _ in table.rows], _name_cells(table, chosen)
    return [Entry(*entry) for entry in zip(numbers, names or [None] * len(cells), cells, strict=True)], table.place


def _value_column(table: Table, what: str, *, weights: bool) -> int:
    """The column of counts, by its header or because no other can be."""
    if table.width == 1:
        return 0
    headers = [words_of(name) for name in table.names()]
    numeric = [index for index in range(table.width) if mostly_numbers(table.column(index))]
    if weights:
        tiers = [[index for index, words in enumerate(headers) if set(words) & WEIGHTS]]
        excluded = LABELS | {"id", "ids", "index", "idx"}
    else:
        tiers = [[i for i, words in enumerate(headers) if says(words)] for says in (_counts_strongly, _counts_weakly)]
        tiers = [[i for i in tier if i in numeric] or [i for i in tier if any(map(_is_number, table.column(i)))] for tier in tiers]
        excluded = LABELS | NO_COUNTS
    possible = [i for i in numeric if not set(headers[i]) & excluded]
    if len(possible) > 1 and not _splits_thousands(table):
        possible = [i for i in possible if not is_running(table.column(i))] or possible
    for candidates in (*tiers, possible):
        if len(candidates) == 1:
            return candidates[0]
        if candidates:
            raise _several(table, candidates, what, weights=weights)
    last = None if weights else _of_pandas(table, headers, numeric)
    if last is not None:
        return last
    words = "weights" if weights else "counts"
    if numeric:
        listed = ", ".join(table.name_of(index) for index in numeric)
        raise UnusableInput(
            f"{what} has no column that says {words}: its columns of numbers are {listed}; if one holds {words}, name it with --column."
        )
    number, row = table.rows[0]
    raise UnusableInput(
        f"{what} has {table.width} columns and none of numbers ({table.place} {number}: {', '.join(row)[:60]!r}): one must hold the "
        f"{words}; add it, with a header such as samples."
    )


def _is_number(cell: str) -> bool:
    return parsed(cell) is not None


def _of_pandas(table: Table, headers: Sequence[Sequence[str]], numeric: Sequence[int]) -> int | None:
    """Counts below the name of what was counted, as older pandas write value_counts; or the one column of labels, to be counted."""
    texts = [i for i in range(table.width) if i not in numeric]
    if len(numeric) == 1 and any(headers[i] in ([], ["index"]) for i in texts):
        only = numeric[0]
        return only if set(headers[only]) <= LABELS and not is_running(table.column(only)) else None
    labels = [i for i in texts if set(headers[i]) & LABELS and len(set(table.column(i))) < len(table.rows)]
    return labels[0] if len(labels) == 1 else None


def _splits_thousands(table: Table) -> bool:
    """Whether two columns of numbers are one with commas inside: the second has three digits, and some begin with a zero."""
    if table.header is not None or table.width != 2:
        return False
    second = table.column(1)
    return all(len(cell) == 3 and cell.isdigit() for cell in second) and any(cell.startswith("0") for cell in second)


def _several(table: Table, candidates: Sequence[int], what: str, *, weights: bool) -> UnusableInput:
    names = [name.strip().casefold() for name in table.names()]
    first = next((index for index in candidates if names[index] and names.count(names[index]) > 1), None)
    if first is not None:
        return _two_of_one_name(what, table.names()[first].strip(), [i for i, name in enumerate(names) if name == names[first]])
    listed = ", ".join(table.name_of(index) for index in candidates)
    hint = ""
    if table.header is None and any(all(len(cell) == 3 and cell.isdigit() for cell in table.column(i)) for i in candidates[1:]):
        hint = " (a comma inside a number splits it in two: write numbers without commas, or in quotes)"
    example = table.names()[candidates[0]].strip() or str(candidates[0] + 1)
    return UnusableInput(
        f"{what} has {len(candidates)} columns that may hold the {'weights' if weights else 'counts'}, {listed}: one must be chosen{hint}; "
        f'choose with --column, say --column "{example}".'
    )


def _name_cells(table: Table, chosen: int) -> list[str] | None:
    """The names of the classes, if any column holds them."""
    headers = [words_of(name) for name in table.names()]
    others = [
        index for index in range(table.width) if index != chosen and any(not cell.endswith("%") for cell in table.column(index) if cell)
    ]
    texts = [index for index in others if not mostly_numbers(table.column(index))]
    if table.loose and texts and table.header is None:
        keep = [i for i in others if i > 0 or not is_running(table.column(i))]
        return [" ".join(row[i] for i in keep if i < len(row) and row[i]) for _, row in table.rows]
    named = [i for i in texts if set(headers[i]) & {"name", "names", "classname"}] or [i for i in texts if set(headers[i]) & LABELS]
    distinct = [i for i in texts if len(set(table.column(i))) == len(table.rows)]
    labels = [i for i in others if set(headers[i]) & (LABELS | {"id", "ids", "index"})]
    running = [i for i in others if is_running(table.column(i))]
    place = next(iter([*named, *distinct, *texts, *labels, *running]), None)
    return None if place is None else table.column(place)
