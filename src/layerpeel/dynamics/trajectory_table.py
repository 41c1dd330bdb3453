"""Reads recorded logits from a table of any size, CSV, TSV or a JSON object on each line, a chunk at a time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np

from layerpeel.dynamics.table_columns import REMEDY, ClassCodes, Rows, json_rows, table_rows
from layerpeel.dynamics.trajectories import GROUPS, Trajectories, evenly_spaced, require_room
from layerpeel.numerics import UnusableInput
from layerpeel.pages.progress import progress

LARGEST_INDEX = 2**53
"""Beyond it not every whole number is a double."""

LONGEST_HEADER = 1_000_000
"""Characters after which a first line is no header; 80,000 columns of logits fit."""

LONGEST_LINE = 2**22
"""Characters after which a line is no row; as many columns fit, with all their digits."""

FORMATS: dict[str, Callable[[Path, str], tuple[int, ClassCodes, Rows]]] = {
    ".csv": lambda path, line: table_rows(path, line, ","),
    ".tsv": lambda path, line: table_rows(path, line, "\t"),
    ".jsonl": json_rows,
}
"""Ending → what reads the lines: from the first line how many classes there are, how they are named, and how rows are parsed."""


def read_table(path: Path, chunk: int, *, cut: bool = False) -> Trajectories:
    """The trajectories in a table, read `chunk` characters at a time.

    Args:
        path: the file; its ending says which format it is in.
        chunk: characters that are parsed at once.
        cut: keep the iterations that all trials have, rather than refuse what one lacks.

    Raises:
        UnusableInput: when the file cannot be used; names the line.
    """
    try:
        with path.open(encoding="utf-8-sig") as file, progress("reading logits", path.stat().st_size, of_bytes=True) as bar:
            first = file.readline(LONGEST_HEADER)
            classes, codes, rows = FORMATS[path.suffix.lower()](path, first)
            sums = _Sums(path=path, classes=classes, codes=codes)
            line, held = (1, first) if path.suffix.lower() == ".jsonl" else (2, "")  # a header is no row
            for lines in _blocks(path, file, chunk, held):
                sums.add(*rows(line, lines))
                line += len(lines)
                bar(advance=sum(map(len, lines)))
    except UnicodeDecodeError as error:
        raise UnusableInput(f"logits {path} are not text: a {path.suffix} file holds rows of numbers; export it as CSV.") from error
    return sums.trajectories(cut=cut)


def _blocks(path: Path, file: IO[str], chunk: int, held: str) -> Iterator[list[str]]:
    """Whole lines, about `chunk` characters of them at a time, after those already held.

    Raises:
        UnusableInput: for a line without an end.
    """
    rest = held
    while piece := file.read(chunk):
        *lines, rest = (rest + piece).split("\n")
        if len(rest) > LONGEST_LINE:
            raise UnusableInput(f"logits {path} hold a line of more than {LONGEST_LINE} characters: export them as CSV, a row on a line.")
        if lines:
            lines = [f"{line}\n" for line in lines]  # under the same name, so that one copy is alive while it is parsed
            yield lines
    if rest:
        yield [rest]


@dataclass(kw_only=True)
class _Sums:
    """Sums of logits by group of trials, iteration and class, how many rows they are of, and for each trial which rows have come.

    Iterations get slots in the order in which they appear, so that rows may come in any order; arrays grow by doubling.
    """

    path: Path
    classes: int
    codes: ClassCodes
    trials: dict[int, int] = field(default_factory=dict)
    slots: dict[int, int] = field(default_factory=dict)
    sums: list[np.ndarray] = field(default_factory=list)
    rows: list[np.ndarray] = field(default_factory=list)
    came: list[np.ndarray] = field(default_factory=list)

    def add(self, numbers: np.ndarray, rows: np.ndarray) -> None:
        """Add rows of trial, iteration, class and logits, which stand on lines of these numbers.

        Raises:
            UnusableInput: when a trial, iteration or class is none; names the line.
        """
        for name, column in zip(("trial", "iteration", "class"), rows.T, strict=False):
            wrong = np.flatnonzero((column != np.floor(column)) | (column < 0) | (column >= self._beyond(name)))
            if len(wrong):
                raise UnusableInput(
                    f"logits {self.path}, line {numbers[wrong[0]]}: the {name} is {column[wrong[0]]:g}: it must be a whole number from 0 "
                    f"to {self._beyond(name) - 1}{', by the columns of logits' if name == 'class' else ''}; {REMEDY}."
                )
        iterations, places = np.unique(rows[:, 1], return_inverse=True)
        slots = np.array([self.slots.setdefault(int(value), len(self.slots)) for value in iterations], dtype=np.intp)[places]
        order = np.argsort(rows[:, 0], kind="stable")
        starts = np.flatnonzero(np.diff(rows[order, 0])) + 1
        for chosen in np.split(order, starts) if len(order) else ():
            self._add_trial(slots[chosen] * self.classes + rows[chosen, 2].astype(np.intp), rows[chosen])

    def _beyond(self, column: str) -> int:
        return self.classes if column == "class" else LARGEST_INDEX

    def _add_trial(self, places: np.ndarray, rows: np.ndarray) -> None:
        """Add rows of one trial whose places, iteration by class, are given; several at one place are averaged in the end."""
        index = self.trials.setdefault(int(rows[0, 0]), len(self.trials))
        if index == len(self.came):
            self.came.append(np.zeros(0, dtype=bool))
        if index % GROUPS == len(self.sums):
            self.sums.append(np.zeros((0, self.classes)))
            self.rows.append(np.zeros(0, dtype=np.int32))
        came = self.came[index] = self._grown(self.came[index])
        sums = self.sums[index % GROUPS] = self._grown(self.sums[index % GROUPS])
        number = self.rows[index % GROUPS] = self._grown(self.rows[index % GROUPS])
        came[places] = True
        with np.errstate(over="ignore"):  # what is not finite then is refused with its place
            np.add.at(sums, places, rows[:, 3:])
        np.add.at(number, places, 1)

    def _grown(self, array: np.ndarray) -> np.ndarray:
        """The array with room for all slots."""
        need = len(self.slots) * self.classes
        if len(array) >= need:
            return array
        room = max(need, 2 * len(array))
        require_room(f"logits {self.path}", min(len(self.trials), GROUPS), room // self.classes, self.classes, self.classes)
        return np.concatenate([array, np.zeros((room - len(array), *array.shape[1:]), dtype=array.dtype)])

    def trajectories(self, *, cut: bool) -> Trajectories:
        """The means, once all rows have come.

        Args:
            cut: keep the iterations that all trials have.

        Raises:
            UnusableInput: when rows are missing; names the first.
        """
        if not self.slots:
            raise UnusableInput(
                f"logits {self.path} have no row below their header: one for each trial, iteration and class is needed; add them."
            )
        iterations = np.array(sorted(self.slots))
        order = np.array([self.slots[int(iteration)] for iteration in iterations])
        common = np.ones(len(iterations), dtype=bool)
        for trial, index in self.trials.items():
            came = self._grown(self.came[index]).reshape(-1, self.classes)[order]
            common &= came.all(axis=1)
            if not cut and not came.all():
                place, of_class = np.argwhere(~came)[0]
                raise UnusableInput(
                    f"logits {self.path} have no row of trial {trial}, iteration {iterations[place]}, class "
                    f"{self.codes.name(int(of_class))}: every trial needs one for each of the {len(iterations)} iterations and "
                    f"{self.classes} classes; add it, leave that trial out, or cut all to what they share with cut=True."
                )
        if not common.any():
            raise UnusableInput(f"logits {self.path} have no iteration that all trials share, with all classes: none is left; add some.")
        order, iterations = order[common], iterations[common]
        counts = np.bincount(np.arange(len(self.trials)) % GROUPS)
        means = np.empty((len(self.sums), len(order), self.classes, self.classes))
        sorting = self.codes.order(self.classes)
        for group in range(len(counts)):
            number = self._grown(self.rows[group]).reshape(-1, self.classes)[order]
            means[group] = self.sums[group].reshape(-1, self.classes, self.classes)[order] / number[:, :, None]
            means[group] = means[group][:, sorting]
            self.sums[group] = np.empty(0)
        bad = np.argwhere(~np.isfinite(means))
        if len(bad):
            raise UnusableInput(
                f"logits {self.path}: the sum over trials at iteration {iterations[bad[0][1]]}, class {bad[0][2]}, is beyond the largest "
                "double: means must be doubles; scale the logits."
            )
        return Trajectories(times=evenly_spaced(f"logits {self.path}", iterations), means=means, counts=counts)
