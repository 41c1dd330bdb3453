"""The JSON schemas of what commands print, as committed: one file per command, made from the models; and that of a sweep's file."""

import json
from importlib import import_module
from pathlib import Path

from layerpeel.pages.records import Keys

MODELS = {
    "check": "layerpeel.theorems.report.Report",
    "doctor": "layerpeel.environment.Diagnosis",
    "estimate": "layerpeel.dynamics.EstimatedStrengths",
    "list": "layerpeel.theorems.listing.ListRecord",
    "list-source": "layerpeel.theorems.sources.SourceIndex",
    "measure": "layerpeel.networks.Measurement",
    "measure-series": "layerpeel.networks.MeasurementSeries",
    "new-room": "layerpeel.theorems.new_room.WrittenRoom",
    "remedy": "layerpeel.counts.remedy.Remedy",
    "report": "layerpeel.theorems.check.WrittenReport",
    "report-diff": "layerpeel.theorems.difference.Difference",
    "simulate": "layerpeel.dynamics.Simulation",
    "solve": "layerpeel.counts.solve.Geometry",
    "sweep": "layerpeel.sweeps.results.Sweep",
    "sweep-explain": "layerpeel.sweeps.explanation.Explanation",
    "sweep-quantities": "layerpeel.sweeps.listing.QuantityList",
    "sweep-status": "layerpeel.sweeps.state.Status",
    "threshold": "layerpeel.counts.threshold.Thresholds",
    "verify": "layerpeel.pages.proofs.Verified",
    "train": "layerpeel.networks.TrainingRun",
}
"""Command → the model of its JSON; COMMAND-OPTION where an option answers something else."""


SWEEP_FILE = "sweep-file"
"""The name of the schema of what is read, not printed."""


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


def sweep_file_text() -> str:
    """The schema of FILE.toml of `layerpeel sweep`, for editors that complete and check TOML by one.

    Example:
        >>> '"quantity"' in sweep_file_text()
        True
    """
    from layerpeel.sweeps.specification import Specification

    return json.dumps(Specification.model_json_schema(), indent=2, ensure_ascii=False) + "\n"


def write_schemas() -> None:
    """Make the committed files anew."""
    schema_file(SWEEP_FILE).write_text(sweep_file_text(), encoding="utf-8")
    for command in MODELS:
        schema_file(command).write_text(model(command).schema_text(), encoding="utf-8")
