"""How a figure is written to JSON and read from it."""

import math
from dataclasses import asdict
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from layerpeel.numerics import Figure

MARK = {"x": "number", "label": "string", "color": "integer"}
"""What a mark holds, by name, and its type in JSON."""


class _AsJson:
    """A figure in JSON: null where a number is undefined, and marks by name."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(
            _read, handler(source), serialization=core_schema.wrap_serializer_function_ser_schema(_written)
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        reference = handler(schema)
        figure = handler.resolve_ref_schema(reference)
        series = handler.resolve_ref_schema(figure["properties"]["series"]["items"])
        for name in ("x", "y", "low", "high"):
            series["properties"][name]["items"] = {"anyOf": [{"type": "number"}, {"type": "null"}]}
        marks = {name: {"type": kind} for name, kind in MARK.items()}
        figure["properties"]["marks"]["items"] = {
            "additionalProperties": False,
            "description": "A vertical line at a place that the theory names.",
            "properties": marks,
            "required": list(marks),
            "type": "object",
        }
        for part in (series, figure):
            part["required"] = list(part["properties"])
            for described in part["properties"].values():
                described.pop("default", None)
        return reference


def _read(part: Any) -> Any:
    """null is NaN, and a mark is known by its names; numbers of any kind become doubles."""
    if isinstance(part, Figure):
        return asdict(part)
    if isinstance(part, list):
        return [_read(item) for item in part]
    if isinstance(part, dict):
        return tuple(part[name] for name in MARK) if part.keys() == MARK.keys() else {name: _read(item) for name, item in part.items()}
    return math.nan if part is None else part


def _written(figure: Figure, handler: Any) -> dict[str, Any]:
    return {**handler(figure), "marks": [dict(zip(MARK, mark, strict=True)) for mark in figure.marks]}


DrawnFigure = Annotated[Figure, _AsJson]
"""A figure as a field of a record."""
