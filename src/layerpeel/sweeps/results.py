"""What a sweep found: counts, a table, named axes, a figure, files."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from layerpeel.numerics import Drawing, Figure
from layerpeel.pages.output import json_text, text_table
from layerpeel.pages.records import Record, Result
from layerpeel.sweeps.points import Points
from layerpeel.sweeps.views.cube import Cube, dataset, read_cube
from layerpeel.sweeps.views.drawing import curves, drawings
from layerpeel.sweeps.views.reading import Reading, names_of
from layerpeel.sweeps.views.tables import export as write
from layerpeel.sweeps.views.tables import frame

if TYPE_CHECKING:
    import pandas as pd
    import xarray


@dataclass
class Tally:
    """How far a sweep is.

    Args:
        points: how many there are.
        reused: done before this run.
        done: done in all.
        failed: whose last attempt raised.
        lost: whose last attempt's process died, or took too long.
        failures: the first few that failed or were lost: parameters and message.
    """

    points: int
    reused: int = 0
    done: int = 0
    failed: int = 0
    lost: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)

    @property
    def settled(self) -> int:
        """Points that are not to be computed any more."""
        return self.done + self.failed + self.lost


class Failure(Record):
    """A point that is not done."""

    parameters: str = Field(description="Canonical JSON.")
    message: str


class Sweep(Result):
    """What is known of a sweep after a run.

    Args:
        quantity: what was swept.
        points: how many there are.
        done: have values.
        failed: raised at every attempt.
        lost: lost their process, or took too long, at every attempt.
        reused: were done before this run.
        seconds: this run took.
        store: the file that keeps them.
        failures: the first few that failed or were lost, in this run or before.
        swept: the points themselves; not part of the JSON.
    """

    quantity: str
    points: int
    done: int
    failed: int
    lost: int
    reused: int
    seconds: float
    store: str
    failures: tuple[Failure, ...]
    swept: SkipJsonSchema[Points] = Field(exclude=True, repr=False)

    @classmethod
    def of(cls, store: Path, points: Points, tally: Tally, *, seconds: float) -> "Sweep":
        """After a run."""
        return cls(
            quantity=points.quantity.name,
            points=tally.points,
            done=tally.done,
            failed=tally.failed,
            lost=tally.lost,
            reused=tally.reused,
            seconds=seconds,
            store=str(store),
            failures=tuple(Failure(parameters=text, message=message) for text, message in tally.failures),
            swept=points,
        )

    def to_text(self) -> str:
        """How many points are in which state, where they are, and the first failures."""
        rows = [[name, str(getattr(self, name))] for name in ("points", "done", "failed", "lost", "reused")]
        lines = [text_table([self.quantity, ""], rows), "", f"{self.store}, {self.seconds:.1f} s"]
        if self.failures:
            lines += ["", text_table(["not done", "why"], [[each.parameters, each.message] for each in self.failures])]
        return "\n".join(lines)

    def to_frame(self) -> "pd.DataFrame":
        """A table with a row for every point: its axes, `repeat`, `state`, and the columns of the quantity.

        The column `value` stands with `lower` and `upper`, another column NAME with `NAME_lower` and `NAME_upper` where it has bounds.

        Raises:
            UnusableInput: when pandas is not installed.
        """
        return frame(self.swept, Path(self.store))

    def to_xarray(self) -> "xarray.Dataset":
        """Arrays with a named dimension for every axis that varies, for axes in step (`together`), a `sample`, and repetitions.

        Units and descriptions, the quantity with its `results_version`, versions and specification are attributes; NaN stands where a
        point is not done.

        Raises:
            UnusableInput: when xarray is not installed, or the sweep does not fit into memory.
        """
        return dataset(self.swept, Path(self.store))

    def plot(self, column: str | None = None, *, x: str | None = None, hue: str | None = None, **fixed: Any) -> Figure:
        """Curves with their bounds, as data.

        Args:
            column: of the quantity; its first one unless given.
            x: an axis of numbers; the one with most values unless given.
            hue: an axis with a curve for each value; the next one unless given.
            fixed: axis = value, for whatever else varies; `repeat` too, of which otherwise the mean is drawn.

        Raises:
            UnusableInput: for a column, an axis or a value that there is not, and when something else varies.
        """
        cube = self._cube(column)
        return curves(cube, next(iter(cube.values)), x=x, hue=hue, fixed=fixed)

    def figures(self) -> tuple[Drawing, ...]:
        """The first column: a heat map where two axes have more than a dozen values, curves otherwise, a few where more varies."""
        cube = self._cube(None)
        return drawings(cube, next(iter(cube.values)))

    def to_files(self) -> dict[str, str]:
        """The JSON, a figure each, and the page."""
        from layerpeel.pages.figure_file import figure_file  # what draws is imported where something is drawn

        cube = self._cube(None)
        figures = drawings(cube, next(iter(cube.values)))
        drawn = {f"figure-{place}.svg": figure_file(figure) for place, figure in enumerate(figures, start=1)}
        return {**drawn, "sweep.json": json_text(self.to_dict()) + "\n", "sweep.html": self._page(cube, figures)}

    def to_page(self) -> str:
        """Figures, a table, failures, and how it was made, as one HTML page."""
        cube = self._cube(None)
        return self._page(cube, drawings(cube, next(iter(cube.values))))

    def _page(self, cube: Cube, figures: Sequence[Drawing]) -> str:
        from layerpeel.sweeps.views.sweep_page import sweep_page  # what draws is imported where something is drawn

        states = [f"{number} {word}" for word in ("done", "failed", "lost") if (number := getattr(self, word))]
        pending = self.points - self.done - self.failed - self.lost
        told = ", ".join([*states, *[f"{pending} pending"] * (pending > 0)])
        subtitle = f"{self.swept.quantity.says.rstrip('.')}. {self.points} points: {told}."
        return sweep_page(self.swept, Path(self.store), cube, figures, subtitle)

    def _cube(self, column: str | None) -> Cube:
        store = Path(self.store)
        if column is None:
            with Reading(store) as reading:
                column = next(iter(names_of(self.swept, reading).columns))
        return read_cube(self.swept, store, only=column)


def export(sweep: Sweep, path: Path | str, what: str = "file") -> None:
    """Write a sweep's table to a file, whole or not at all.

    CSV needs nothing else; CSV and Parquet are written as they are read, in memory that does not grow with the number of points.

    Args:
        sweep: what `layerpeel.sweep` returned.
        path: FILE.csv, FILE.parquet (extra `parquet`) or FILE.nc (extra `cubes`).
        what: its name in a refusal.

    Raises:
        UnusableInput: for another ending, a missing library, or a place where nothing can be written.
        SystemRefused: when there is no room.

    Example:
        >>> import tempfile
        >>> from layerpeel.sweeps.sweep import sweep
        >>> grid = {"sweep": {"quantity": "calendar:leapdays"}, "axes": {"y1": 1900, "y2": [2000, 2100]}}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     export(sweep(grid, f"{folder}/a.sqlite", workers=1), f"{folder}/a.csv")
        ...     print(Path(f"{folder}/a.csv").read_text())
        y1,y2,repeat,state,value,lower,upper
        1900,2000,0,done,24.0,,
        1900,2100,0,done,49.0,,
    """
    write(sweep.swept, Path(sweep.store), Path(path), what)
