"""Reads recorded logits from a CSV file of any size, a chunk at a time."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np

from layerpeel.dynamics.trajectories import GROUPS, Trajectories, evenly_spaced, require_room
from layerpeel.numerics import UnusableInput
from layerpeel.pages.progress import progress

COLUMNS = ("trial", "iteration", "class")
"""The columns of a CSV file before logit_0 … logit_{K−1}."""

LARGEST_INDEX = 2**53
"""Beyond it not every whole number is a double."""

LONGEST_HEADER = 1_000_000
"""Characters after which a first line is no header; 80,000 columns of logits fit."""

LONGEST_LINE = 2**22
"""Characters after which a line is no row; as many columns fit, with all their digits."""

_REMEDY = "correct the line, or leave that trial out"


def read_table(path: Path, chunk: int) -> Trajectories:
    """The trajectories in a CSV file, read `chunk` lines at a time."""
    try:
        with path.open(encoding="utf-8-sig") as file, progress("reading logits", path.stat().st_size, of_bytes=True) as bar:
            order = _header(path, file.readline(LONGEST_HEADER))
            sums = _Sums(path=path, classes=len(order) - len(COLUMNS))
            line = 2
            for lines in _blocks(path, file, chunk):
                numbers, rows = _parsed(path, line, lines, len(order))
                sums.add(numbers, rows[:, order])
                line += len(lines)
                bar(advance=sum(map(len, lines)))
    except UnicodeDecodeError as error:
        raise UnusableInput(f"logits {path} are not text: a .csv file holds rows of numbers; export it as CSV.") from error
    return sums.trajectories()


def _blocks(path: Path, file: IO[str], chunk: int) -> Iterator[list[str]]:
    """Whole lines, about `chunk` characters of them at a time.

    Raises:
        UnusableInput: for a line without an end.
    """
    rest = ""
    while piece := file.read(chunk):
        *lines, rest = (rest + piece).split("\n")
        if len(rest) > LONGEST_LINE:
            raise UnusableInput(f"logits {path} hold a line of more than {LONGEST_LINE} characters: export them as CSV, a row on a line.")
        if lines:
            lines = [f"{line}\n" for line in lines]  # under the same name, so that one copy is alive while it is parsed
            yield lines
    if rest:
        yield [rest]


def _header(path: Path, line: str) -> list[int]:
    """Where the columns trial, iteration, class, logit_0 … stand."""
    if not line:
        raise UnusableInput(f"logits {path} are empty: a header and one row for each trial, iteration and class are needed; add them.")
    names = [name.strip().lower() for name in _cells(line)]
    wanted = [*COLUMNS, *(f"logit_{number}" for number in range(len(names) - len(COLUMNS)))]
    if len(wanted) < len(COLUMNS) + 2 or sorted(names) != sorted(wanted):
        raise UnusableInput(
            f"logits {path}, line 1, is {line.strip()[:60]!r}: the header must name {', '.join(COLUMNS)}, logit_0 … logit_(K−1) for K >= 2 "
            "classes, each once, and nothing else; write it above the rows."
        )
    place = {name: index for index, name in enumerate(names)}
    return [place[name] for name in wanted]


def _parsed(path: Path, line: int, lines: list[str], columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of numbers and the lines they stand on; blank lines are none."""
    numbers = np.arange(line, line + len(lines))
    blank = [place for place, text in enumerate(lines) if text.isspace()]
    if blank:
        numbers, lines = np.delete(numbers, blank), [text for text in lines if not text.isspace()]
    try:
        rows = _numbers(lines) if lines else np.empty((0, columns))
    except ValueError:
        rows = np.empty((0, 0))
    if rows.shape != (len(lines), columns):
        raise _bad_row(path, numbers, lines, columns)
    bad = np.argwhere(~np.isfinite(rows))
    if len(bad):
        row, column = bad[0]
        cell = _cells(lines[row])[column]
        raise UnusableInput(
            f"logits {path}, line {numbers[row]}: {cell[:40]!r} is not finite: every cell must be a finite number; {_REMEDY}."
        )
    return numbers, rows


def _numbers(lines: list[str]) -> np.ndarray:
    return np.loadtxt(lines, delimiter=",", comments=None, quotechar='"', ndmin=2)


def _bad_row(path: Path, numbers: np.ndarray, lines: list[str], columns: int) -> UnusableInput:
    """The row that stopped the fast parser, found by the same parser one cell at a time."""
    for number, text in zip(numbers, lines, strict=True):
        cells = _cells(text)
        if len(cells) != columns:
            return UnusableInput(f"logits {path}, line {number}, has {len(cells)} cells where the header has {columns}: {_REMEDY}.")
        for cell in cells:
            try:
                _numbers([f'0,"{cell}"'])
            except ValueError:
                return UnusableInput(f"logits {path}, line {number}: {cell[:40]!r} is not a number: every cell must be one; {_REMEDY}.")
    return UnusableInput(
        f"logits {path}, lines {numbers[0]} to {numbers[-1]}, are not rows of {columns} numbers: export them as plain CSV."
    )


def _cells(text: str) -> list[str]:
    try:
        return next(csv.reader([text]), [])
    except csv.Error:  # a cell longer than any number
        return [text]


@dataclass(kw_only=True)
class _Sums:
    """Sums of logits by group of trials, iteration and class, and for each trial which rows have come.

    Iterations get slots in the order in which they appear, so that rows may come in any order; arrays grow by doubling.
    """

    path: Path
    classes: int
    trials: dict[int, int] = field(default_factory=dict)
    slots: dict[int, int] = field(default_factory=dict)
    sums: list[np.ndarray] = field(default_factory=list)
    came: list[np.ndarray] = field(default_factory=list)

    def add(self, numbers: np.ndarray, rows: np.ndarray) -> None:
        """Add rows of trial, iteration, class and logits, which stand on lines of these numbers.

        Raises:
            UnusableInput: when a trial, iteration or class is none, or a row came before; names the line.
        """
        for name, column in zip(COLUMNS, rows.T, strict=False):
            wrong = np.flatnonzero((column != np.floor(column)) | (column < 0) | (column >= self._beyond(name)))
            if len(wrong):
                raise UnusableInput(
                    f"logits {self.path}, line {numbers[wrong[0]]}: the {name} is {column[wrong[0]]:g}: it must be a whole number from 0 "
                    f"to {self._beyond(name) - 1}{', by the columns of logits' if name == 'class' else ''}; {_REMEDY}."
                )
        iterations, places = np.unique(rows[:, 1], return_inverse=True)
        slots = np.array([self.slots.setdefault(int(value), len(self.slots)) for value in iterations], dtype=np.intp)[places]
        order = np.argsort(rows[:, 0], kind="stable")
        starts = np.flatnonzero(np.diff(rows[order, 0])) + 1
        for chosen in np.split(order, starts) if len(order) else ():
            self._add_trial(numbers[chosen], slots[chosen] * self.classes + rows[chosen, 2].astype(np.intp), rows[chosen])

    def _beyond(self, column: str) -> int:
        return self.classes if column == "class" else LARGEST_INDEX

    def _add_trial(self, numbers: np.ndarray, places: np.ndarray, rows: np.ndarray) -> None:
        """Add rows of one trial whose places, iteration by class, are given."""
        trial = int(rows[0, 0])
        index = self.trials.setdefault(trial, len(self.trials))
        if index == len(self.came):
            self.came.append(np.zeros(0, dtype=bool))
        if index % GROUPS == len(self.sums):
            self.sums.append(np.zeros((0, self.classes)))
        came = self.came[index] = self._grown(self.came[index])
        sums = self.sums[index % GROUPS] = self._grown(self.sums[index % GROUPS])
        _, firsts = np.unique(places, return_index=True)
        again = came[places]
        again[np.delete(np.arange(len(places)), firsts)] = True
        if again.any():
            row = int(np.flatnonzero(again)[0])
            raise UnusableInput(
                f"logits {self.path}, line {numbers[row]}: a row of trial {trial}, iteration {rows[row, 1]:g}, class {rows[row, 2]:g} came "
                "before: each has one row, the mean over its samples; average or remove the repetition."
            )
        came[places] = True
        sums[places] += rows[:, len(COLUMNS) :]

    def _grown(self, array: np.ndarray) -> np.ndarray:
        """The array with room for all slots."""
        need = len(self.slots) * self.classes
        if len(array) >= need:
            return array
        room = max(need, 2 * len(array))
        require_room(f"logits {self.path}", min(len(self.trials), GROUPS), room // self.classes, self.classes, self.classes)
        return np.concatenate([array, np.zeros((room - len(array), *array.shape[1:]), dtype=array.dtype)])

    def trajectories(self) -> Trajectories:
        """The means, once all rows have come.

        Raises:
            UnusableInput: when rows are missing; names the first.
        """
        if not self.slots:
            raise UnusableInput(
                f"logits {self.path} have no row below their header: one for each trial, iteration and class is needed; add them."
            )
        iterations = np.array(sorted(self.slots))
        order = np.array([self.slots[int(iteration)] for iteration in iterations])
        for trial, index in self.trials.items():
            came = self._grown(self.came[index]).reshape(-1, self.classes)[order]
            if not came.all():
                place, of_class = np.argwhere(~came)[0]
                raise UnusableInput(
                    f"logits {self.path} have no row of trial {trial}, iteration {iterations[place]}, class {of_class}: every trial "
                    f"needs one for each of the {len(iterations)} iterations and {self.classes} classes; add it, or leave that trial out."
                )
        counts = np.bincount(np.arange(len(self.trials)) % GROUPS)
        means = np.empty((len(self.sums), len(order), self.classes, self.classes))
        for group, count in enumerate(counts):
            means[group] = self.sums[group].reshape(-1, self.classes, self.classes)[order] / count
            self.sums[group] = np.empty(0)
        return Trajectories(times=evenly_spaced(f"logits {self.path}", iterations), means=means, counts=counts)
