"""A sweep as arrays with named dimensions: one for each axis that varies, one for axes that vary in step, one for repetitions."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from layerpeel.numerics import UnusableInput, require_memory
from layerpeel.sweeps.points import Points
from layerpeel.sweeps.views.reading import STATES, Names, Reading, blocks, names_of

if TYPE_CHECKING:
    import xarray

LEFT_OUT = -1
"""State of a place of the grid that is no point."""


@dataclass(frozen=True, kw_only=True)
class Dimension:
    """A direction of the grid.

    Args:
        name: of its axis; `sample` or `together` where several axes vary in step.
        axes: axis → its value at every place.
        size: how many places there are.
    """

    name: str
    axes: Mapping[str, np.ndarray]
    size: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Cube:
    """All points of a sweep as arrays.

    Args:
        points: of the sweep.
        names: of its columns.
        dimensions: the grid's, the last one `repeat`; also those with one place.
        states: places in STATES, or LEFT_OUT.
        values: column of the quantity → array over all dimensions, and a last one for value, lower and upper bound.
    """

    points: Points
    names: Names
    dimensions: tuple[Dimension, ...]
    states: np.ndarray
    values: Mapping[str, np.ndarray]


def read_cube(points: Points, store: Path, *, only: str | None = None) -> Cube:
    """Read a store whole.

    Args:
        points: of the sweep.
        store: where its points are.
        only: the one column of the quantity that is read; all unless given.

    Raises:
        UnusableInput: when it does not fit into memory, or there is no such column.
    """
    with Reading(store) as reading:
        names = names_of(points, reading)
        if only is not None and only not in names.columns:
            raise UnusableInput(f"{only} is no column of {points.quantity.name}: it must be one of {', '.join(names.columns)}; choose one.")
        wanted = list(names.columns if only is None else [only])
        require_memory(
            points.size * (24.0 * len(wanted) + 1), f"a sweep of {points.size} points in memory", "export it as CSV, or choose one column"
        )
        values = {name: np.full((points.size, 3), np.nan) for name in wanted}
        states = np.full(points.size, LEFT_OUT, dtype=np.int8)
        for block in blocks(points, reading, names, only=wanted):
            states[block.positions] = block.states
            for name in wanted:
                values[name][block.positions] = block.values[name]
    dimensions = _dimensions(points, names)
    shape = tuple(dimension.size for dimension in dimensions)
    return Cube(
        points=points,
        names=names,
        dimensions=dimensions,
        states=states.reshape(shape),
        values={name: array.reshape(*shape, 3) for name, array in values.items()},
    )


def _dimensions(points: Points, names: Names) -> tuple[Dimension, ...]:
    """In the order in which the points are numbered."""
    taken = {*names.all()}
    joint = {axis: axes for axes in points.stepped for axis in axes}
    several = sum(len(points.values[axes[0]]) > 1 for axes in points.stepped) > 1
    dimensions: list[Dimension] = []
    number = 0
    for axis in points.values:
        axes = joint.get(axis, (axis,))
        if axis != axes[0]:
            continue
        name = axis
        if len(axes) > 1:
            number += 1
            name = "sample" if points.spec.sample is not None else f"together_{number}" if several else "together"
            while name in taken:
                name += "_"
        values = {each: _array(points.values[each], names.axes[each]) for each in axes}
        dimensions.append(Dimension(name=name, axes=values, size=len(points.values[axis])))
    repeats = np.arange(points.repeats)
    return (*dimensions, Dimension(name=names.repeat, axes={names.repeat: repeats}, size=points.repeats))


def _array(values: Any, kind: type) -> np.ndarray:
    if kind is str:
        return np.array([value if isinstance(value, str) else json.dumps(value) for value in values], dtype=object)
    return np.array(values, dtype=kind)


def dataset(points: Points, store: Path) -> "xarray.Dataset":
    """A sweep with named axes; NaN where a point is not done, or left out.

    Args:
        points: of the sweep.
        store: where its points are.

    Raises:
        UnusableInput: when xarray is not installed, or the sweep does not fit into memory.
    """
    try:
        import xarray
    except ImportError as error:
        raise UnusableInput("named axes need xarray, which is not installed: pip install 'layerpeel[cubes]', or use to_frame.") from error
    cube = read_cube(points, store)
    quantity, names = points.quantity, cube.names
    varying = [dimension for dimension in cube.dimensions if dimension.size > 1]
    over, shape = tuple(dimension.name for dimension in varying), tuple(dimension.size for dimension in varying)
    coordinates: dict[str, Any] = {}
    for dimension in cube.dimensions:
        for axis, values in dimension.axes.items():
            if axis == names.repeat and dimension.size == 1:
                continue
            if axis == names.repeat:
                told = {"long_name": "repetition"}
            else:
                told = {"units": quantity.axis(axis).unit, "long_name": quantity.axis(axis).says}
            told = {name: text for name, text in told.items() if text}
            plain = values.astype(str) if values.dtype == object else values
            coordinates[axis] = ((dimension.name,), plain, told) if dimension.size > 1 else ((), plain[0], told)
    variables: dict[str, Any] = {}
    for column, called in names.columns.items():
        says = quantity.columns.get(column, column)
        for place, (name, word) in enumerate(zip(called, ("", "lower bound of ", "upper bound of "), strict=True)):
            if name is not None:
                variables[name] = (over, cube.values[column][..., place].reshape(shape), {"long_name": f"{word}{says}"})
    meanings = {"flag_values": np.arange(LEFT_OUT, len(STATES), dtype=np.int8), "flag_meanings": " ".join(["left_out", *STATES])}
    variables[names.state] = (over, cube.states.reshape(shape), {"long_name": "what became of the point", **meanings})
    with Reading(store) as reading:
        made = [content for content, _ in reading.environments()]
    attributes = {
        "title": quantity.name,
        "quantity": quantity.name,
        "comment": quantity.says,
        "results_version": quantity.results_version,
        "versions": json.dumps(made, sort_keys=True),
        "specification": points.spec.model_dump_json(exclude_defaults=True),
    }
    return xarray.Dataset(variables, coords=coordinates, attrs=attributes)
