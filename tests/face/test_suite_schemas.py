"""The committed schemas of simulate, estimate, measure and train: they are the models', and what commands print is what they say."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from json_schemas import COMMANDS, committed, mistakes, valid

from layerpeel.cli import main
from layerpeel.dynamics import EstimatedStrengths, Simulation
from layerpeel.networks import Measurement, MeasurementSeries, TrainingRun, measure_files
from layerpeel.pages.records import Result

RESULTS: tuple[type[Result], ...] = (Simulation, EstimatedStrengths, Measurement, MeasurementSeries, TrainingRun)
SIMULATED = ("--model", "L", "--classes", "3", "--intra", "1/(1+t)", "--inter", "0", "--time", "10")


@pytest.mark.parametrize("result", RESULTS)
def test_a_committed_schema_is_the_models(result: type[Result]) -> None:
    command = COMMANDS[result.__name__]
    remedy = f"write {result.__name__}.schema_text() to src/layerpeel/schemas/{command}.json"
    assert committed(command) == json.loads(result.schema_text()), remedy


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> None:
    """Assert that what a command prints is what its schema says, and that the schema forbids anything else."""
    assert main([*arguments, "--json"]) == 0
    record, schema = json.loads(capsys.readouterr().out), committed(arguments[0])
    assert mistakes(record, schema, schema) == []
    assert record["schema_version"] == 1
    assert mistakes({**record, "other": 1}, schema, schema) == ["$ has other besides"]
    for name in record:
        assert mistakes({key: value for key, value in record.items() if key != name}, schema, schema) == [f"$ lacks {name}"]


@pytest.mark.parametrize("options", [(), ("--samples", "3", "--paths", "20"), ("--samples", "3", "--paths", "20", "--drift", "literal")])
def test_simulations(capsys: pytest.CaptureFixture[str], options: tuple[str, ...]) -> None:
    printed(capsys, "simulate", *SIMULATED, *options)


@pytest.mark.parametrize("trials", [1, 3])
def test_estimates(tmp_path: Path, capsys: pytest.CaptureFixture[str], trials: int) -> None:
    growth = np.exp(np.linspace(0.0, 1.0, 21))[None, :, None, None]
    logits = (np.eye(3) + np.arange(1.0, trials + 1)[:, None, None])[:, None] * growth
    np.savez(tmp_path / "logits.npz", logits=logits)
    printed(capsys, "estimate", str(tmp_path / "logits.npz"), "--model", "I", "--crossings", "keep")


@pytest.mark.parametrize("counts", [(9, 9, 9), (30, 3, 3)])
def test_measurements(tmp_path: Path, capsys: pytest.CaptureFixture[str], counts: tuple[int, ...]) -> None:
    labels, rng = np.repeat(np.arange(3), counts), np.random.default_rng(0)
    arrays = {f"features_{t}": np.eye(3)[labels] + 0.5**t * rng.normal(size=(len(labels), 3)) for t in range(4)}
    arrays |= {"labels": labels, "classifier": np.eye(3)}
    np.savez(tmp_path / "features.npz", **dict[str, Any](arrays))
    printed(capsys, "measure", str(tmp_path / "features.npz"))
    np.savez(tmp_path / "other.npz", **dict[str, Any](arrays))
    valid(measure_files([tmp_path / "features.npz", tmp_path / "other.npz"]))
