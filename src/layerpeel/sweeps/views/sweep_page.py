"""A sweep as one HTML page: figures, a table, what failed, and how it was made."""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from layerpeel.numerics import Drawing
from layerpeel.pages.output import number
from layerpeel.pages.results_page import PageTable, results_page
from layerpeel.sweeps.points import Points
from layerpeel.sweeps.views.cube import Cube
from layerpeel.sweeps.views.drawing import FEW
from layerpeel.sweeps.views.reading import STATES, Reading, blocks

MOST_ROWS = 200
"""Points that the table shows; of more, a summary by axis is the result, and the first ones stand at the end."""

MOST_FAILURES = 50
"""Failed points that are shown."""


def sweep_page(points: Points, store: Path, cube: Cube, figures: Sequence[Drawing], subtitle: str) -> str:
    """The page of a sweep.

    Args:
        points: of the sweep.
        store: where its points are.
        cube: its first column.
        figures: drawn one below the other.
        subtitle: one line about all points.
    """
    with Reading(store) as reading:
        head, rows = _first_rows(points, reading, cube)
        failures = [[text, str(repeat), state, message] for text, repeat, state, message in reading.failures(MOST_FAILURES)]
        environments = reading.environments()
    further: list[PageTable] = []
    if failures:
        further.append(PageTable(title="Not done", head=["parameters", "repetition", "state", "why"], rows=failures))
    further.append(PageTable(title="How it was made", head=["what", ""], rows=_made(points, store, environments)))
    if points.size > MOST_ROWS:  # the long table stands last
        further.append(PageTable(title=f"The first {len(rows)} points", head=head, rows=rows))
        column = next(iter(cube.values)).replace("_", " ")
        head, rows = ["axis", "at", "done", f"least {column}", "mean", "largest"], _summary(cube)
    return results_page(f"Sweep of {points.quantity.name}", subtitle, figures, head, rows, further)


def _first_rows(points: Points, reading: Reading, cube: Cube) -> tuple[list[str], list[list[str]]]:
    """The first points; axes that do not vary stand below every figure."""
    names = cube.names
    varying = [axis for dimension in cube.dimensions[:-1] if dimension.size > 1 for axis in dimension.axes]
    repeated = [names.repeat] if points.repeats > 1 else []
    columns = [name for called in names.columns.values() for name in called if name is not None]
    rows: list[list[str]] = []
    for block in blocks(points, reading, names):
        taken = slice(0, MOST_ROWS - len(rows))
        parts: list[list[Any]] = [block.axes[axis][taken].tolist() for axis in varying]
        parts += [block.repeats[taken].tolist()] * len(repeated)
        parts += [[STATES[code] for code in block.states[taken].tolist()]]
        parts += [
            block.values[column][taken, place].tolist()
            for column, called in names.columns.items()
            for place, name in enumerate(called)
            if name is not None
        ]
        rows += [[_cell(value) for value in row] for row in zip(*parts, strict=True)]
        if len(rows) >= MOST_ROWS:
            break
    head = [*(axis.replace("_", " ") for axis in varying), *repeated, names.state, *(name.replace("_", " ") for name in columns)]
    empty = [at for at, name in enumerate(head) if name in {"lower", "upper"} and all(row[at] == number(None) for row in rows)]
    keep = [at for at in range(len(head)) if at not in empty]
    return [head[at] for at in keep], [[row[at] for at in keep] for row in rows]


def _cell(value: Any) -> str:
    return number(value) if isinstance(value, float) else str(value)


def _summary(cube: Cube) -> list[list[str]]:
    """For some values of every axis, over all else: how many are done, and the least, the mean and the largest value."""
    values = next(iter(cube.values.values()))[..., 0]
    rows: list[list[str]] = []
    for at, dimension in enumerate(cube.dimensions[:-1]):
        if dimension.size == 1:
            continue
        slices = np.moveaxis(values, at, 0).reshape(dimension.size, -1)
        done = np.moveaxis(cube.states, at, 0).reshape(dimension.size, -1) == STATES.index("done")
        for place in np.unique(np.linspace(0, dimension.size - 1, min(dimension.size, FEW)).round().astype(int)).tolist():
            known = slices[place][np.isfinite(slices[place])]
            axes = ", ".join(axis.replace("_", " ") for axis in dimension.axes)
            told = ", ".join(_cell(array[place : place + 1].tolist()[0]) for array in dimension.axes.values())
            numbers = [known.min(), known.mean(), known.max()] if known.size else [None, None, None]
            rows.append([axes, told, str(int(done[place].sum())), *(number(each) for each in numbers)])
    return rows


def _made(points: Points, store: Path, environments: Sequence[tuple[Mapping[str, Any], int]]) -> list[list[str]]:
    """The specification key by key, and what every environment was."""
    content = points.spec.model_dump(mode="json", exclude_defaults=True)
    rows = [["store", str(store)], ["results version", str(points.quantity.results_version)]]
    for table, inside in content.items():
        entries = inside if isinstance(inside, list) else [inside]
        rows += [[f"{table}.{name}", _short(value)] for entry in entries for name, value in entry.items()]
    for content_of, times in environments:
        packages = ", ".join(f"{name} {version}" for name, version in content_of["packages"].items())
        machine = ", ".join(filter(None, (f"Python {content_of['python']}", content_of["processor"], content_of["blas"])))
        revision = f", revision {content_of['revision']}" if content_of["revision"] else ""
        rows.append([f"environment of {times} points", f"{packages}{revision}; {machine}"])
    return rows


def _short(value: Any) -> str:
    """A value of the specification, cut where it is a long list."""
    if isinstance(value, list):
        first = ", ".join(str(each) for each in itertools.islice(value, FEW))
        return f"[{first}{f', … ({len(value)} values)' if len(value) > FEW else ''}]"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_short(each)}" for name, each in value.items())
    return str(value)
