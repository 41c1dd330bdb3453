"""What the committed schemas say, held against what commands really print: the part of JSON Schema that our models use."""

import json
import math
from pathlib import Path
from typing import Any

import layerpeel
from layerpeel.pages.records import Result

TYPES: dict[str, Any] = {
    "string": str,
    "integer": int,
    "number": int | float,
    "boolean": bool,
    "null": type(None),
    "array": list,
    "object": dict,
}


def committed(command: str) -> dict[str, Any]:
    """The schema of a command's JSON, as it is shipped."""
    return json.loads((Path(layerpeel.__file__).parent / "schemas" / f"{command}.json").read_text(encoding="utf-8"))


def mistakes(value: Any, schema: dict[str, Any], root: dict[str, Any], place: str = "$") -> list[str]:
    """Where a value is not as its schema says."""
    if "$ref" in schema:
        return mistakes(value, root["$defs"][schema["$ref"].rsplit("/", 1)[1]], root, place)
    if "anyOf" in schema:
        every = [mistakes(value, one, root, place) for one in schema["anyOf"]]
        return [] if [] in every else min(every, key=len)
    if "const" in schema:
        return [] if value == schema["const"] else [f"{place} is {value!r}"]
    kind = schema["type"]
    if not isinstance(value, TYPES[kind]) or (kind != "boolean" and type(value) is bool):
        return [f"{place} is {value!r:.60}, no {kind}"]
    if kind == "number":
        return [] if math.isfinite(value) else [f"{place} is {value}"]
    if kind == "array":
        inner = schema.get("prefixItems") or [schema["items"]] * len(value)
        return [
            found
            for index, (item, one) in enumerate(zip(value, inner, strict=True))
            for found in mistakes(item, one, root, f"{place}[{index}]")
        ]
    if kind == "object":
        return _in_object(value, schema, root, place)
    return []


def _in_object(value: dict[str, Any], schema: dict[str, Any], root: dict[str, Any], place: str) -> list[str]:
    known, other = schema.get("properties", {}), schema.get("additionalProperties", True)
    names = {*known, *schema.get("propertyNames", {}).get("enum", [])} if known or "propertyNames" in schema else set(value)
    found = [f"{place} lacks {name}" for name in schema.get("required", []) if name not in value]
    found += [f"{place} has {name} besides" for name in value if name not in names]
    inner = {name: known.get(name, other) for name in value if name in names}
    assert all(isinstance(one, dict) for one in inner.values()), place
    return found + [each for name, one in inner.items() for each in mistakes(value[name], one, root, f"{place}.{name}")]


COMMANDS = {
    "Simulation": "simulate",
    "EstimatedStrengths": "estimate",
    "Measurement": "measure",
    "MeasurementSeries": "measure-series",
    "TrainingRun": "train",
}


def valid(result: Result) -> None:
    """Assert that the JSON of a result is what the schema of its command says."""
    schema = committed(COMMANDS[type(result).__name__])
    record = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert mistakes(record, schema, schema) == []
