"""Reads a sweep's store block by block, while another process may write it; memory does not grow with the number of points."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from layerpeel.sweeps.points import Points
from layerpeel.sweeps.store import Store

STATES = ("pending", "done", "failed", "lost")
"""What a point can be; a block has the places of these."""

BLOCK = 20_000
"""Points that are read together: some megabytes."""


class Reading(Store):
    """A store that is read and not written.

    Args:
        path: of the file.

    Raises:
        UnusableInput: when it is no store.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, create=False)

    def states(self, start: int, stop: int) -> list[tuple[int, str]]:
        """Position and state of the points of a range that were tried."""
        return self._rows("SELECT position, state FROM point WHERE position >= ? AND position < ?", start, stop)

    def bounded(self) -> dict[str, bool]:
        """Column → whether any of its values has a bound; columns of the first points come first."""
        query = "SELECT name, max(lower IS NOT NULL OR upper IS NOT NULL) FROM value GROUP BY name ORDER BY min(position), name"
        return {name: bool(has) for name, has in self._rows(query)}

    def environments(self) -> list[tuple[dict[str, Any], int]]:
        """What done points were made with, and how many with it."""
        query = (
            "SELECT content, number FROM environment JOIN (SELECT environment, sum(times) AS number FROM attempt JOIN (SELECT attempt, "
            "count(*) AS times FROM point WHERE state = 'done' GROUP BY attempt) ON attempt.id = attempt GROUP BY environment) "
            "ON environment.id = environment ORDER BY environment.id"
        )
        return [(json.loads(content), number) for content, number in self._rows(query)]

    def attempts(self) -> int:
        """How many attempts there were, each at one or at many points."""
        return self._rows("SELECT count(*) FROM attempt")[0][0]

    def coordinator(self) -> dict[str, Any] | None:
        """The process that has the store, alive or dead; None where there is none."""
        rows = self._rows("SELECT coordinator FROM sweep")
        return json.loads(rows[0][0]) if rows and rows[0][0] else None


@dataclass(frozen=True, kw_only=True)
class Names:
    """What the columns of a table are called.

    Args:
        axes: axis → its type: int, float, bool or str.
        repeat: the column of repetitions.
        state: the column of states.
        columns: column of the quantity → what it is called with its lower and upper bound; None where there are no bounds.
    """

    axes: Mapping[str, type]
    repeat: str
    state: str
    columns: Mapping[str, tuple[str, str | None, str | None]]

    def all(self) -> list[str]:
        """Every column, in order."""
        return [*self.axes, self.repeat, self.state, *(name for names in self.columns.values() for name in names if name is not None)]


def names_of(points: Points, reading: Reading) -> Names:
    """The columns of a sweep's table: axes, `repeat`, `state`, and `value`, `lower`, `upper`, or whatever the quantity has.

    An axis keeps its name; another column that has the same one gets an underscore behind it.
    """
    taken = set(points.values)

    def free(name: str) -> str:
        while name in taken:
            name += "_"
        taken.add(name)
        return name

    bounded = reading.bounded()
    has_bounds = {
        **dict.fromkeys(points.quantity.columns, False),
        **dict.fromkeys(sorted(bounded, key=lambda name: name != "value"), False),
    }
    has_bounds = {name: bounded.get(name, False) for name in has_bounds} or {"value": True}
    repeat, state = free("repeat"), free("state")
    columns: dict[str, tuple[str, str | None, str | None]] = {}
    for name, has in has_bounds.items():
        prefix = "" if name == "value" else f"{name}_"
        bounds = has or name == "value"
        columns[name] = free(name), free(f"{prefix}lower") if bounds else None, free(f"{prefix}upper") if bounds else None
    return Names(axes={name: _kind(points, name) for name in points.values}, repeat=repeat, state=state, columns=columns)


def _kind(points: Points, name: str) -> type:
    """The type of an axis; where anything is taken, the one that all its values have."""
    kind = points.quantity.axis(name).kind
    if kind is not None:
        return kind
    kinds = {type(value) for value in points.values[name]}
    if kinds <= {int, float}:
        return int if kinds == {int} else float
    return bool if kinds == {bool} else str


def _as_kind(values: np.ndarray, kind: type) -> np.ndarray:
    """Values of an axis as an array of its type; what is no text is written as JSON where the type is text."""
    if kind is not str:
        return values.astype(kind)
    column = np.empty(len(values), dtype=object)
    column[:] = [value if isinstance(value, str) else json.dumps(value) for value in values.tolist()]
    return column


@dataclass(frozen=True, kw_only=True)
class Block:
    """Some points that follow each other; arrays have one entry for each.

    Args:
        positions: their numbers.
        axes: axis → values.
        repeats: which repetitions.
        states: places in STATES.
        values: column of the quantity → values, lower and upper bounds, as three columns; NaN where there is none.
    """

    positions: np.ndarray
    axes: Mapping[str, np.ndarray]
    repeats: np.ndarray
    states: np.ndarray
    values: Mapping[str, np.ndarray]


def blocks(points: Points, reading: Reading, names: Names, *, only: Sequence[str] | None = None) -> Iterator[Block]:
    """All points of a sweep in order, also those that were not tried.

    Args:
        points: of the sweep.
        reading: its store.
        names: its columns.
        only: the columns of the quantity that are read; all unless given.
    """
    wanted = list(names.columns if only is None else only)
    for start in range(0, points.size, BLOCK):
        stop = min(start + BLOCK, points.size)
        positions = start + np.flatnonzero(points.kept(start, stop))
        places = np.full(stop - start, -1)
        places[positions - start] = np.arange(len(positions))
        states = np.zeros(len(positions), dtype=np.int8)
        tried = reading.states(start, stop)
        codes = {state: code for code, state in enumerate(STATES)}
        states[places[np.array([position - start for position, _ in tried], dtype=int)]] = [codes[state] for _, state in tried]
        values = {name: np.full((len(positions), 3), np.nan) for name in wanted}
        rows: dict[str, list[tuple[int, Any, Any, Any]]] = {name: [] for name in wanted}
        for position, name, value, lower, upper in reading.values(start, stop):
            if name in rows:
                rows[name].append((position - start, value, lower, upper))
        for name, bounds in rows.items():
            if bounds:
                table = np.array(bounds, dtype=float)
                values[name][places[table[:, 0].astype(int)]] = table[:, 1:]
        axes = points.columns(positions)
        yield Block(
            positions=positions,
            axes={name: _as_kind(axes[name], kind) for name, kind in names.axes.items()},
            repeats=positions % points.repeats,
            states=states,
            values=values,
        )
