"""The JSON schemas of what commands print, as committed: one file per command, made from the models."""

from importlib import import_module
from pathlib import Path

from layerpeel.pages.records import Keys

MODELS = {
    "check": "layerpeel.theorems.report.Report",
    "doctor": "layerpeel.environment.Diagnosis",
    "estimate": "layerpeel.dynamics.EstimatedStrengths",
    "list": "layerpeel.theorems.listing.ListRecord",
    "measure": "layerpeel.networks.Measurement",
    "new-room": "layerpeel.theorems.new_room.WrittenRoom",
    "remedy": "layerpeel.counts.remedy.Remedy",
    "report": "layerpeel.theorems.check.WrittenReport",
    "simulate": "layerpeel.dynamics.Simulation",
    "solve": "layerpeel.counts.solve.Geometry",
    "threshold": "layerpeel.counts.threshold.Thresholds",
    "train": "layerpeel.networks.TrainingRun",
}
"""Command → the model of its JSON."""


def model(command: str) -> type[Keys]:
    """The model of a command's JSON.

    Example:
        >>> sorted(model("new-room").model_fields)
        ['file', 'schema_version']
    """
    module, _, name = MODELS[command].rpartition(".")
    return getattr(import_module(module), name)


def schema_file(command: str) -> Path:
    """Where a command's schema is committed."""
    return Path(__file__).with_name(f"{command}.json")


def write_schemas() -> None:
    """Make the committed files anew."""
    for command in MODELS:
        schema_file(command).write_text(model(command).schema_text(), encoding="utf-8")
