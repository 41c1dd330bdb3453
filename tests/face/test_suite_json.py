"""What commands print as JSON: the committed schemas are the models', and real output follows them."""

import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import fake_rooms as fake
import pytest
from json_schemas import committed, mistakes

from layerpeel import theory
from layerpeel.cli import app, main
from layerpeel.schemas import MODELS, SWEEP_FILE, model, schema_file

PYDANTIC = tuple(int(part) for part in version("pydantic").split(".")[:2])

GROUPS = ["--groups", "3x50,2x5"]
ENERGY = ["--feature-energy", "5"]

CALLS = {
    "threshold": [["--majority", "5", "--minority", "5", *ENERGY], ["--majority", "7", "--minority", "3", *ENERGY]],
    "solve": [
        [*GROUPS, *ENERGY],
        [*GROUPS, "--penalty", "0.01", "--bias-penalty", "0.1"],
        ["--groups", "7x1000,3x10", *ENERGY],
        [*GROUPS, *ENERGY, "--dimension", "3"],
    ],
    "remedy": [[*GROUPS, *ENERGY], ["--groups", "1x5000,5x50", *ENERGY], ["--groups", "3x100,3x40,4x5", "--feature-energy", "1"]],
    "list": [[], ["--family", "equi-separation"]],
    "check": [["--workers", "1"]],
    "doctor": [[]],
}
"""Small inputs of commands, with every kind of answer; simulate, estimate, measure and train are in test_suite_schemas."""


def spoken(schema: Any) -> Any:
    """All that this release of pydantic says: before 2.14 dataclasses have no description, and are not said to be closed."""
    if PYDANTIC >= (2, 14) or not isinstance(schema, dict | list):
        return schema
    if isinstance(schema, list):
        return [spoken(part) for part in schema]
    return {key: spoken(part) for key, part in schema.items() if key not in ("description", "additionalProperties")}


@pytest.mark.parametrize("command", MODELS)
def test_the_committed_schema_is_the_models(command: str) -> None:
    """As values: releases of pydantic write 0 or 0.0."""
    written = json.loads(model(command).schema_text())
    assert spoken(committed(command)) == spoken(written), "run python -m layerpeel.schemas, see CONTRIBUTING.md"
    assert "schema_version" in committed(command)["required"]


def test_every_command_has_a_schema() -> None:
    commands = {each.name or getattr(each.callback, "__name__", "") for each in app.registered_commands}
    # --explain, --quantities, --status and --source answer something else, and so do several checkpoints, and two reports
    options = {name for name in MODELS if name.startswith("sweep-")} | {"list-source", "measure-series", "report-diff"}
    assert commands == set(MODELS) - options
    assert {*MODELS, SWEEP_FILE} == {path.stem for path in schema_file("check").parent.glob("*.json")}


@pytest.mark.parametrize(("command", "options"), [(command, options) for command, several in CALLS.items() for options in several])
def test_what_is_printed_follows_the_schema(
    command: str, options: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms = (fake.GREEN, fake.WITH_FIGURE)
    if command == "check":
        monkeypatch.setattr(theory, "choose", lambda *_: {room.statement.name: ("fake", room) for room in rooms})
    assert main([command, *options, "--json"]) == 0
    follows(command, json.loads(capsys.readouterr().out))


def test_a_written_report_follows_the_schema(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(fake.make_report(fake.GREEN, fake.WITH_FIGURE).to_json(), encoding="utf-8")
    assert main(["report", str(tmp_path / "report.json"), "--out", str(tmp_path / "out"), "--json"]) == 0
    follows("report", json.loads(capsys.readouterr().out))
    follows("check", json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8")))


def test_a_difference_follows_the_schema(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for name, room in (("old", fake.GREEN), ("new", fake.make_room(predict=fake.predict_two, false=fake.predict_one))):
        (tmp_path / name).write_text(fake.make_report(room, fake.NOISY).to_json(), encoding="utf-8")
    assert main(["report", "diff", str(tmp_path / "old"), str(tmp_path / "new"), "--json"]) == 1
    printed = json.loads(capsys.readouterr().out)
    follows("report-diff", printed)
    assert (len(printed["verdicts"]), len(printed["numbers"])) == (2, 1)


def test_a_written_room_follows_the_schema(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "theory" / "layer_peeled").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert main(["new-room", "sharp-law", "--family", "layer-peeled", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    follows("new-room", printed)
    assert Path(printed["file"]).is_file()
    assert main(["new-room", "sharper-law", "--family", "layer-peeled"]) == 0
    assert "layerpeel check sharper-law" in capsys.readouterr().out


def follows(command: str, printed: dict[str, Any]) -> None:
    """No key is missing, none is new, and each has its type."""
    assert mistakes(printed, committed(command), committed(command)) == []
    assert printed["schema_version"] == 1


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda found: found.pop("gap"), "$ lacks gap"),
        (lambda found: found.update(colour="green"), "$ has colour besides"),
        (lambda found: found.update(value="much"), "$.value is 'much', no number"),
        (lambda found: found["groups"][0].update(classes=2.5), "$.groups[0].classes is 2.5, no integer"),
    ],
)
def test_other_keys_and_types_are_noticed(spoil: Callable[[dict[str, Any]], object], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["solve", *GROUPS, *ENERGY, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    spoil(found)
    assert mistakes(found, committed("solve"), committed("solve")) == [told]
