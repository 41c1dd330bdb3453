"""A figure as data: what commands, rooms and trainings draw, and what a report holds of it."""

import math
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


Finite = Annotated[float | None, BeforeValidator(_finite)]
"""A number, or null where it is NaN, infinite or undefined: JSON knows neither."""


class Record(BaseModel):
    """What is written to JSON: closed, and never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SeriesData(Record):
    """One curve or one set of measured points."""

    label: str
    x: list[Finite]
    y: list[Finite]
    style: str
    color: int
    low: list[Finite]
    high: list[Finite]


class Mark(Record):
    """A vertical line at a place that the theory names."""

    x: float
    label: str
    color: int


class FigureData(Record):
    """A figure as data."""

    title: str
    caption: str
    x_label: str
    y_label: str
    series: list[SeriesData]
    marks: list[Mark]
    log_x: bool
    log_y: bool
