"""The columns of a table of logits, under the names that people give them, and its rows as numbers."""

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from layerpeel.numerics import UnusableInput

TRIAL = ("trial", "run", "seed")
ITERATION = ("iteration", "step", "epoch", "iter")
CLASS = ("class", "label", "class_name", "target")
"""Names of a column, of which the first that is there counts."""

LOGIT = "logit_"
"""What the columns of logits begin with: numbers, or the classes' names, follow."""

LARGEST = float(np.finfo(float).max)
"""Whole numbers in JSON may lie beyond it."""

REMEDY = "correct the line, or leave that trial out"

Rows = Callable[[int, list[str]], tuple[np.ndarray, np.ndarray]]
"""Number of the first of some lines, and the lines → the lines' numbers, and rows of trial, iteration, class and logits."""


@dataclass
class ClassCodes:
    """Numbers of classes that are given by name.

    Args:
        known: name → number; names that a header gives stand in its order, others come in the order in which they appear.
        fixed: whether no other name can come.
    """

    known: dict[str, int] = field(default_factory=dict)
    fixed: bool = False

    def name(self, number: int) -> str:
        """How a class is called, for a refusal."""
        return next((repr(name) for name, code in self.known.items() if code == number), str(number))

    def order(self, classes: int) -> np.ndarray:
        """Which number stands at each place: names that appeared are put in their sorted order, as logits are in the columns."""
        if self.fixed or not self.known:
            return np.arange(classes)
        return np.array([self.known[name] for name in sorted(self.known)], dtype=np.intp)


@dataclass(frozen=True, kw_only=True)
class _Columns:
    """Where the columns of a table stand.

    Args:
        cells: in each row.
        trial: None where there is one trial.
        iteration: of the rows.
        of_class: of the rows.
        logits: in the order of the classes.
    """

    cells: int
    trial: int | None
    iteration: int
    of_class: int
    logits: tuple[int, ...]


def table_rows(path: Path, header: str, delimiter: str) -> tuple[int, ClassCodes, Rows]:
    """How the rows of a CSV or TSV file are read, by its header.

    Args:
        path: for messages.
        header: the first line.
        delimiter: between cells.

    Raises:
        UnusableInput: for a header that lacks a column.
    """
    if not header:
        raise UnusableInput(f"logits {path} are empty: a header and one row for each trial, iteration and class are needed; add them.")
    names = [name.strip() for name in _cells(header, delimiter)]
    columns, codes = _columns(path, header, names)
    table = _Table(path=path, columns=columns, codes=codes, delimiter=delimiter)
    return len(columns.logits), codes, table.parsed


def _columns(path: Path, header: str, names: Sequence[str]) -> tuple[_Columns, ClassCodes]:
    lower = [name.lower() for name in names]
    by_role = {role: next((name for name in known if name in lower), None) for role, known in _ROLES.items()}
    logits = [place for place, name in enumerate(lower) if name.startswith(LOGIT)]
    ends = [names[place][len(LOGIT) :] for place in logits]
    numbered = bool(ends) and all(end.isdigit() for end in ends)
    wanted = [str(number) for number in range(len(ends))]
    used = [name for name in by_role.values() if name is not None]
    whole = len(ends) >= 2 and len({*ends}) == len(ends) and (not numbered or sorted(ends, key=int) == wanted)
    if by_role["iteration"] is None or by_role["class"] is None or not whole or any(lower.count(name) > 1 for name in used):
        raise UnusableInput(
            f"logits {path}, line 1, is {header.strip()[:60]!r}: the header must name iteration (or step, or epoch), class, logit_0 … "
            "logit_(K−1) for K >= 2 classes, or logit_NAME for each, and trial where there are several, each once; write it above the rows."
        )
    place = {name: index for index, name in enumerate(lower)}
    if numbered:
        logits = sorted(logits, key=lambda column: int(names[column][len(LOGIT) :]))
    codes = ClassCodes() if numbered else ClassCodes({end: number for number, end in enumerate(ends)}, fixed=True)
    trial = by_role["trial"]
    columns = _Columns(
        cells=len(names),
        trial=None if trial is None else place[trial],
        iteration=place[by_role["iteration"]],
        of_class=place[by_role["class"]],
        logits=tuple(logits),
    )
    return columns, codes


_ROLES = {"trial": TRIAL, "iteration": ITERATION, "class": CLASS}


@dataclass(kw_only=True)
class _Table:
    """Parses rows of cells, the columns that count; others may hold anything."""

    path: Path
    columns: _Columns
    codes: ClassCodes
    delimiter: str
    named: bool | None = None  # whether classes are given by name; the first row says it

    def parsed(self, line: int, lines: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Rows and the lines they stand on; blank lines are none."""
        numbers = np.arange(line, line + len(lines))
        blank = [place for place, text in enumerate(lines) if text.isspace()]
        if blank:
            numbers, lines = np.delete(numbers, blank), [text for text in lines if not text.isspace()]
        if not lines:
            return numbers, np.empty((0, 3 + len(self.columns.logits)))
        if self.named is None:
            first = _cells(lines[0], self.delimiter)
            self.named = self.codes.fixed or (len(first) == self.columns.cells and not _is_number(first[self.columns.of_class]))
        order = [self.columns.iteration, *([] if self.named else [self.columns.of_class]), *self.columns.logits]
        order = [*([] if self.columns.trial is None else [self.columns.trial]), *order]
        if any(self._count(text) != self.columns.cells for text in lines):
            raise self._bad_row(numbers, lines, order)
        try:
            rows = np.loadtxt(lines, delimiter=self.delimiter, comments=None, quotechar='"', ndmin=2, usecols=order)
        except ValueError:
            raise self._bad_row(numbers, lines, order) from None
        if rows.shape != (len(lines), len(order)):
            raise self._bad_row(numbers, lines, order)
        bad = np.argwhere(~np.isfinite(rows))
        if len(bad):
            row, column = bad[0]
            cell = _cells(lines[row], self.delimiter)[order[column]]
            raise UnusableInput(
                f"logits {self.path}, line {numbers[row]}: {cell[:40]!r} is not finite: every cell must be a finite number; {REMEDY}."
            )
        return numbers, self._canonical(numbers, lines, rows)

    def _canonical(self, numbers: np.ndarray, lines: list[str], rows: np.ndarray) -> np.ndarray:
        """Rows of trial, iteration, class and logits."""
        if self.columns.trial is None:
            rows = np.column_stack([np.zeros(len(rows)), rows])
        if not self.named:
            return rows
        place, size = self.columns.of_class, len(self.columns.logits)
        cells = (_cells(text, self.delimiter)[place] for text in lines)
        classes = [code_of(self.path, self.codes, cell.strip(), int(number), size) for number, cell in zip(numbers, cells, strict=True)]
        return np.column_stack([rows[:, :2], np.array(classes, dtype=float), rows[:, 2:]])

    def _count(self, text: str) -> int:
        return text.count(self.delimiter) + 1 if '"' not in text else len(_cells(text, self.delimiter))

    def _bad_row(self, numbers: np.ndarray, lines: list[str], order: Sequence[int]) -> UnusableInput:
        """The row that stopped the fast parser, found by the same parser one cell at a time."""
        for number, text in zip(numbers, lines, strict=True):
            cells = _cells(text, self.delimiter)
            if len(cells) != self.columns.cells:
                return UnusableInput(
                    f"logits {self.path}, line {number}, has {len(cells)} cells where the header has {self.columns.cells}: {REMEDY}."
                )
            for cell in (cells[place] for place in order):
                if not _is_number(cell):
                    return UnusableInput(
                        f"logits {self.path}, line {number}: {cell[:40]!r} is not a number: every cell must be one; {REMEDY}."
                    )
        return UnusableInput(
            f"logits {self.path}, lines {numbers[0]} to {numbers[-1]}, are not rows of {self.columns.cells} cells: export them again."
        )


def code_of(path: Path, codes: ClassCodes, name: str, line: int, classes: int) -> int:
    """The number of a class that is given by name.

    Raises:
        UnusableInput: for one more name than there are columns of logits, or another than theirs.

    Example:
        >>> code_of(Path("a.csv"), ClassCodes({"cat": 0, "dog": 1}, fixed=True), "dog", 2, 2)
        1
    """
    if name not in codes.known:
        if codes.fixed or len(codes.known) >= classes:
            listed = ", ".join(map(repr, [*codes.known][:8]))
            raise UnusableInput(
                f"logits {path}, line {line}: class {name[:40]!r} is none of {listed}: there are {classes} columns of logits, one for each "
                f"class; {REMEDY}."
            )
        codes.known[name] = len(codes.known)
    return codes.known[name]


def _is_number(cell: str) -> bool:
    try:
        np.loadtxt([f'0,"{cell}"'], delimiter=",", comments=None, quotechar='"', ndmin=2)
    except ValueError:
        return False
    return True


def _cells(text: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([text], delimiter=delimiter), [])
    except csv.Error:  # a cell longer than any number
        return [text]


def json_rows(path: Path, first: str) -> tuple[int, ClassCodes, Rows]:
    """How the lines of a .jsonl file are read: an object on each, with `logits` as a list, or logit_0, logit_1, ….

    Args:
        path: for messages.
        first: the first line, whose keys say what the columns are.

    Raises:
        UnusableInput: for a first line that lacks one.
    """
    if not first.strip():
        raise UnusableInput(f"logits {path} are empty: an object on each line is needed; add them.")
    record = _object(path, 1, first)
    listed = record.get("logits")
    names = [name for name in record if name != "logits"]
    if isinstance(listed, list):
        names += [f"{LOGIT}{number}" for number in range(len(listed))]
    columns, codes = _columns(path, first, names)
    table = _Objects(path=path, names=tuple(names), columns=columns, codes=codes, listed=isinstance(listed, list))
    return len(columns.logits), codes, table.parsed


@dataclass(kw_only=True)
class _Objects:
    """Parses lines of JSON."""

    path: Path
    names: tuple[str, ...]
    columns: _Columns
    codes: ClassCodes
    listed: bool

    def parsed(self, line: int, lines: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Rows and the lines they stand on; blank lines are none."""
        numbers = [line + place for place, text in enumerate(lines) if not text.isspace()]
        rows = [self._row(number, lines[number - line]) for number in numbers]
        return np.array(numbers, dtype=np.intp), np.array(rows, dtype=float).reshape(len(rows), 3 + len(self.columns.logits))

    def _row(self, line: int, text: str) -> list[float]:
        record = _object(self.path, line, text)
        size = len(self.columns.logits)
        trial = 0.0 if self.columns.trial is None else self._number(line, record, self.names[self.columns.trial])
        named = record.get(self.names[self.columns.of_class])
        if isinstance(named, str):
            of_class = float(code_of(self.path, self.codes, named, line, size))
        elif self.codes.known:
            raise UnusableInput(f"logits {self.path}, line {line}: class {str(named)[:40]!r} is no name, and others are: {REMEDY}.")
        else:
            of_class = self._number(line, record, self.names[self.columns.of_class])
        iteration = self._number(line, record, self.names[self.columns.iteration])
        if self.listed:
            logits = record.get("logits")
            if not isinstance(logits, list) or len(logits) != size:
                held = len(logits) if isinstance(logits, list) else "no"
                raise UnusableInput(f"logits {self.path}, line {line}, has {held} logits where line 1 has {size}: {REMEDY}.")
            values = [self._finite(line, value) for value in logits]
        else:
            values = [self._number(line, record, self.names[place]) for place in self.columns.logits]
        return [trial, iteration, of_class, *values]

    def _number(self, line: int, record: dict[str, Any], name: str) -> float:
        if name not in record:
            raise UnusableInput(f"logits {self.path}, line {line}, has no {name}: every line needs what the first has; {REMEDY}.")
        return self._finite(line, record[name])

    def _finite(self, line: int, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise UnusableInput(f"logits {self.path}, line {line}: {str(value)[:40]!r} is not a number: it must be one; {REMEDY}.")
        if not -LARGEST <= value <= LARGEST:
            raise UnusableInput(f"logits {self.path}, line {line}: {str(value)[:40]!r} is not finite: it must be; {REMEDY}.")
        return float(value)


def _object(path: Path, line: int, text: str) -> dict[str, Any]:
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        raise UnusableInput(f"logits {path}, line {line}, is {text.strip()[:40]!r}: every line must be a JSON object; {REMEDY}.")
    return record
