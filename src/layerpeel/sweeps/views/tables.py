"""A sweep as a table: in memory, or written to a file as it is read."""

import csv
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from layerpeel.numerics import UnusableInput
from layerpeel.pages.files import require_file, write_whole
from layerpeel.sweeps.points import Points
from layerpeel.sweeps.views.cube import dataset
from layerpeel.sweeps.views.reading import STATES, Block, Names, Reading, blocks, names_of

if TYPE_CHECKING:
    import pandas as pd

LIBRARIES = {"pyarrow": (".parquet", "parquet"), "xarray": (".nc", "cubes"), "h5netcdf": (".nc", "cubes"), "h5py": (".nc", "cubes")}
"""Library → the ending that needs it, and the extra that brings it."""

STATE_WORDS = np.array(STATES, dtype=object)


def frame(points: Points, store: Path) -> "pd.DataFrame":
    """A sweep as a table of pandas, a row for every point.

    Args:
        points: of the sweep.
        store: where its points are.

    Raises:
        UnusableInput: when pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise UnusableInput("a table needs pandas, which is not installed: pip install 'layerpeel[frames]', or export a CSV.") from error
    with Reading(store) as reading:
        names = names_of(points, reading)
        parts: dict[str, list[np.ndarray]] = {name: [] for name in names.all()}
        for block in blocks(points, reading, names):
            for name, values in _columns(block, names).items():
                parts[name].append(values)
    columns: dict[str, Any] = {name: np.concatenate(parts.pop(name)) for name in names.all()}
    columns[names.state] = pd.Categorical.from_codes(columns[names.state], list(STATES))
    return pd.DataFrame(columns, copy=False)


def _columns(block: Block, names: Names) -> dict[str, np.ndarray]:
    """The columns of a table at some points; states are places in STATES."""
    columns = {**block.axes, names.repeat: block.repeats, names.state: block.states}
    for column, called in names.columns.items():
        columns |= {name: block.values[column][:, place] for place, name in enumerate(called) if name is not None}
    return columns


def export(points: Points, store: Path, path: Path, what: str = "file") -> None:
    """Write a sweep to a file, whole or not at all.

    Args:
        points: of the sweep.
        store: where its points are.
        path: FILE.csv, FILE.parquet or FILE.nc; the first two are written as they are read, in memory that does not grow.
        what: its name in a refusal.

    Raises:
        UnusableInput: for another ending, a missing library, or a place where nothing can be written.
        SystemRefused: when there is no room.
    """
    require_export(path, what)
    write = WRITERS[path.suffix]
    write_whole({path: lambda partial: write(points, store, partial)}, what)


def require_export(path: Path, what: str = "file") -> None:
    """Make sure, before minutes of work, that a table can be written there; creates nothing.

    Args:
        path: FILE.csv, FILE.parquet or FILE.nc.
        what: its name in a refusal.

    Raises:
        UnusableInput: for another ending, a missing library, or a place where nothing can be written.

    Example:
        >>> require_export(Path("points.xlsx"))
        Traceback (most recent call last):
            ...
        layerpeel.numerics._inputs.UnusableInput: file points.xlsx does not end in .csv, .parquet, .nc: its ending says what is \
written; give it one of these.
    """
    if path.suffix not in WRITERS:
        raise UnusableInput(f"{what} {path} does not end in {', '.join(WRITERS)}: its ending says what is written; give it one of these.")
    for library, (ending, extra) in LIBRARIES.items():
        if path.suffix == ending:
            try:
                import_module(library)
            except ImportError as error:
                raise UnusableInput(
                    f"{what} {path} needs {library}, which is not installed: pip install 'layerpeel[{extra}]', or export a CSV."
                ) from error
    require_file(path, what)


def _read(points: Points, store: Path) -> Iterator[tuple[Names, Block]]:
    with Reading(store) as reading:
        names = names_of(points, reading)
        for block in blocks(points, reading, names):
            yield names, block


def _csv(points: Points, store: Path, path: Path) -> None:
    """Numbers with all their digits; nothing where there is none."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        begun = False
        for names, block in _read(points, store):
            if not begun:
                writer.writerow(names.all())
                begun = True
            columns = _columns(block, names)
            columns[names.state] = STATE_WORDS[columns[names.state]]
            writer.writerows(zip(*(_cells(values) for values in columns.values()), strict=True))


def _cells(values: np.ndarray) -> list[Any]:
    cells: list[Any] = values.tolist()
    if values.dtype.kind == "f":
        for place in np.flatnonzero(np.isnan(values)).tolist():
            cells[place] = None
    return cells


def _parquet(points: Points, store: Path, path: Path) -> None:
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    types = {int: pa.int64(), float: pa.float64(), bool: pa.bool_(), str: pa.string()}
    writer: Any = None
    try:
        for names, block in _read(points, store):
            columns = _columns(block, names)
            if writer is None:
                given = {**names.axes, names.repeat: int, names.state: str}
                schema = pa.schema([(name, types[given.get(name, float)]) for name in columns])
                told = {"quantity": points.quantity.name, "specification": points.spec.model_dump_json(exclude_defaults=True)}
                writer = ParquetWriter(path, schema.with_metadata(told))
            columns[names.state] = STATE_WORDS[columns[names.state]]
            arrays = [pa.array(values, field.type, from_pandas=True) for values, field in zip(columns.values(), writer.schema, strict=True)]
            writer.write_batch(pa.record_batch(arrays, schema=writer.schema))
    finally:
        if writer is not None:
            writer.close()


def _netcdf(points: Points, store: Path, path: Path) -> None:
    named = dataset(points, store)
    squeezed = {name: {"zlib": True, "complevel": 1} for name, variable in named.variables.items() if variable.ndim and name in named}
    named.to_netcdf(path, engine="h5netcdf", encoding=squeezed)


WRITERS: Mapping[str, Callable[[Points, Path, Path], None]] = {".csv": _csv, ".parquet": _parquet, ".nc": _netcdf}
"""Ending of a file → what writes it."""
