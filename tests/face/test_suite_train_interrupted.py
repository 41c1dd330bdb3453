"""The command train when it is killed, when the disk is full, and when a checkpoint is damaged: nothing half-done is ever read as done."""

import importlib
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import layerpeel.gpu_train.experiments
from layerpeel.cli import main
from layerpeel.gpu_train import geomnist
from layerpeel.gpu_train.ensembles import OneByOne, train_one_by_one
from layerpeel.gpu_train.experiments import Plan, Unit
from layerpeel.gpu_train.networks import feed_forward
from layerpeel.gpu_train.training import CheckpointNotWritten, TrainingDiverged
from layerpeel.networks.run_directory import _units_here, run_unit
from layerpeel.numerics import UnusableInput
from layerpeel.sweeps.tasks import Outcome, Task

TINY = "unconstrained"
"""The experiment that is replaced by a tiny ensemble whose losses are shown as its values, so that record and figure are the real ones."""

RECIPE = OneByOne(iterations=60, learning_rate=0.02, trials=2, every=10)
"""Six checkpoints."""

HALF = b"PK\x03\x04 half an archive"

FULL = Path("/dev/full")
"""A device without space: whatever is written to it is refused by the operating system itself."""

needs_full = pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")

Hook = Callable[[str, int, Path], None]
"""Called with the unit, the steps done and the place of its checkpoint after every checkpoint."""


def tiny(hook: Hook) -> Mapping[str, Callable[[Plan], list[Unit]]]:
    """All experiments, with the tiny one in place of its namesake."""

    def unit(name: str) -> Unit:
        def run(rng: np.random.Generator, checkpoint: Path | None, *_: object) -> dict[str, np.ndarray]:
            assert checkpoint is not None
            images = geomnist(4, rng)
            found = train_one_by_one(
                lambda: feed_forward(1024, 3, [6], batch_norm=False),
                images,
                images,
                RECIPE,
                rng,
                checkpoint=checkpoint,
                resume=True,
                progress=lambda done: hook(name, done, checkpoint),
            )
            losses = {
                "steps": np.arange(7),
                "values": found.loss.mean(axis=0),
                "counts": np.array([2, 2]),
                "energies": np.array([5.0, 1.0]),
            }
            return {**losses, **{name: np.asarray(value) for name, value in asdict(found).items()}}

        return Unit(name=name, settings={"imbalance": 1}, run=run)

    return {**layerpeel.gpu_train.experiments.EXPERIMENTS, TINY: lambda _plan: [unit(name) for name in ("first", "second")]}


def run_until_killed(directory: str, file: str) -> None:
    """Runs in a process of its own, which ends itself with signal 9 while it writes the stated file of the second unit."""

    def kill() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def half_a_checkpoint(_state: object, stream: Any) -> None:
        stream.write(HALF)
        stream.flush()
        kill()

    def half_a_unit(file: Any, *_: object, **__: object) -> None:
        file.write(HALF)
        kill()

    def hook(name: str, done: int, _checkpoint: Path) -> None:
        if (name, done) == ("second", 30) and file == "checkpoint":
            torch.save = half_a_checkpoint
        if (name, done) == ("second", 30) and file == "unit":
            np.lib.format.write_array = half_a_unit

    layerpeel.gpu_train.experiments.EXPERIMENTS = tiny(hook)
    main(["train", TINY, "--out", directory])


@pytest.fixture
def train(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str]]:
    """Runs the tiny experiment and gives the status of the command and its standard error."""

    def run(directory: Path, *options: str, hook: Hook = lambda _name, _done, _checkpoint: None) -> tuple[int, str]:
        monkeypatch.setattr(layerpeel.gpu_train.experiments, "EXPERIMENTS", tiny(hook))
        status = main(["train", TINY, "--out", str(directory), *options])
        return status, capsys.readouterr().err

    return run


Train = Callable[..., tuple[int, str]]


def arrays(directory: Path) -> dict[str, dict[str, Any]]:
    """The bits of every unit that can be read; all of them must be."""
    found = {}
    for path in sorted((directory / "units").glob("*.npz")):
        if not path.name.startswith("."):
            with np.load(path) as archive:
                found[path.stem] = {name: (archive[name].dtype.str, archive[name].tobytes()) for name in archive.files}
    return found


def leftovers(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.rglob("*") if "partial" in path.name)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The arrays of a run that nothing stopped."""
    place = tmp_path_factory.mktemp("whole") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layerpeel.gpu_train.experiments, "EXPERIMENTS", tiny(lambda _name, _done, _checkpoint: None))
        assert main(["train", TINY, "--out", str(place)]) == 0
    return arrays(place)


@pytest.mark.parametrize("file", ["checkpoint", "unit"])
def test_a_killed_run_is_completed_to_the_same_bits(
    train: Train, undisturbed: dict[str, dict[str, Any]], tmp_path: Path, file: str
) -> None:
    place, steps = tmp_path / "run", list[tuple[str, int]]()
    command = f"import test_suite_train_interrupted as here; here.run_until_killed({str(place)!r}, {file!r})"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(str(folder) for folder in Path(__file__).parents[:2])}
    killed = subprocess.run([sys.executable, "-c", command], env=environment, capture_output=True, check=False, timeout=120)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert sorted(arrays(place)) == ["first"]
    assert (place / "units" / "second.checkpoint").is_file()
    assert leftovers(place) == ["second.checkpoint.partial" if file == "checkpoint" else ".second.partial.npz"]
    status, error = train(place, "--resume", hook=lambda name, done, _place: steps.append((name, done)))
    assert status == 0, error
    assert steps == [("second", done) for done in (40, 50, 60) if file != "unit"]  # nothing that was done is done again
    assert arrays(place) == undisturbed
    assert not leftovers(place)
    assert not list(place.rglob("*.checkpoint"))


@needs_full
@pytest.mark.parametrize(
    ("partial", "units"),
    [
        (".config.partial.json", []),
        ("units/second.checkpoint.partial", ["first"]),
        ("units/.second.partial.npz", ["first"]),
        (".results.partial.json", ["first", "second"]),
    ],
)
def test_a_full_disk_is_a_sentence_and_leaves_what_was_written(
    train: Train, undisturbed: dict[str, dict[str, Any]], tmp_path: Path, partial: str, units: list[str]
) -> None:
    place = tmp_path / "run"
    if partial == ".config.partial.json":
        place.mkdir()
        (place / partial).symlink_to(FULL)

    def fill(name: str, done: int, _checkpoint: Path) -> None:
        if (name, done) == ("second", 30):
            (place / partial).symlink_to(FULL)

    status, error = train(place, hook=fill)
    assert status == 3  # the system refused
    sentence = error.splitlines()[-1]
    assert sentence.startswith("layerpeel: ")
    assert "cannot be written" in sentence
    assert "No space left" in sentence
    assert sentence.endswith(".")
    assert sorted(arrays(place)) == units
    assert not leftovers(place)
    assert not (place / "results.json").exists()
    assert train(place, *(["--resume"] if units else []))[0] == 0
    assert arrays(place) == undisturbed


def test_a_damaged_checkpoint_is_named_with_its_remedy(train: Train, undisturbed: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    place = tmp_path / "run"
    checkpoint = place / "units" / "second.checkpoint"

    def stop(name: str, done: int, _checkpoint: Path) -> None:
        if (name, done) == ("second", 30):
            raise KeyboardInterrupt

    assert train(place, hook=stop)[0] == 130
    whole = checkpoint.read_bytes()
    middle = len(whole) // 2
    flipped = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    for damaged in (b"", whole[:middle], flipped, b"\x80\x04cos\nsystem\n(S'true'\ntR."):
        checkpoint.write_bytes(damaged)
        status, error = train(place, "--resume")
        assert status == 2
        sentence = error.splitlines()[-1]
        assert sentence.startswith(f"layerpeel: checkpoint {checkpoint} ")
        assert "remove it" in sentence
        assert sorted(arrays(place)) == ["first"]
        assert checkpoint.read_bytes() == damaged
    checkpoint.unlink()
    assert train(place, "--resume")[0] == 0
    assert arrays(place) == undisturbed


class Elsewhere:
    """Runs units as another process does, which finds them by name; loses the stated one so many times."""

    width = 2

    def __init__(self, lost: str = "", times: int = 0) -> None:
        self.lost, self.times, self.tries = lost, times, list[str]()
        self._waiting = list[Task]()

    def submit(self, task: Task) -> None:
        self._waiting.append(task)

    def completed(self, timeout: float) -> Outcome | None:
        task = self._waiting.pop(0)
        self.tries.append(task.key)
        if task.key == self.lost and self.times:
            self.times -= 1
            return Outcome(task=task, state="lost", message="its process died")
        try:
            return Outcome(task=task, state="done", value=task.function(*task.arguments))
        except Exception as error:  # noqa: BLE001 - as a worker sends it back
            return Outcome(task=task, state="failed", error=error)

    def close(self) -> None:
        self._waiting.clear()


@pytest.fixture
def elsewhere(train: Train, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str]]:
    """Runs the tiny experiment so."""

    def run(executor: Elsewhere, directory: Path, *options: str, **given: Any) -> tuple[int, str]:
        _units_here.cache_clear()
        with monkeypatch.context() as patch:
            module = importlib.import_module("layerpeel.networks.train")  # whose package has a function of the same name
            patch.setattr(module, "executor_for", lambda **_: executor)
            return train(directory, *options, **given)

    return run


def test_a_run_that_another_process_began_is_resumed_here(
    train: Train, elsewhere: Train, undisturbed: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    place, steps = tmp_path / "run", list[tuple[str, int]]()

    def stop(name: str, done: int, _checkpoint: Path) -> None:
        if (name, done) == ("second", 30):
            raise KeyboardInterrupt

    assert elsewhere(Elsewhere(), place, hook=stop)[0] == 130
    assert sorted(arrays(place)) == ["first"]
    assert train(place, "--resume", hook=lambda name, done, _place: steps.append((name, done)))[0] == 0
    assert steps == [("second", done) for done in (40, 50, 60)]
    assert arrays(place) == undisturbed
    assert not list(place.rglob("*.checkpoint"))


def test_a_unit_whose_process_dies_is_tried_again(elsewhere: Train, undisturbed: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    executor = Elsewhere("second", 1)
    assert elsewhere(executor, tmp_path / "run") == (0, "")
    assert executor.tries == ["first", "second", "second"]
    assert arrays(tmp_path / "run") == undisturbed


def test_a_unit_whose_process_dies_twice_ends_the_run_which_can_be_resumed(
    elsewhere: Train, undisturbed: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    place = tmp_path / "run"
    status, error = elsewhere(Elsewhere("first", 2), place)
    assert (status, error.count("\n")) == (3, 1)
    assert f"unit first was lost at each of 2 attempts (its process died): what is done lies in {place}" in error
    assert elsewhere(Elsewhere(), place, "--resume")[0] == 0
    assert arrays(place) == undisturbed


@pytest.mark.parametrize(
    ("raised", "status"),
    [
        (TrainingDiverged("the loss is nan at step 30; lower the rate."), 1),
        (CheckpointNotWritten("checkpoint c cannot be written: make room."), 3),
        (UnusableInput("the images are none: they must be some; give some."), 2),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_a_unit_raises_elsewhere_ends_as_it_does_here(
    train: Train, elsewhere: Train, tmp_path: Path, raised: Exception, status: int
) -> None:
    def fail(name: str, done: int, _checkpoint: Path) -> None:
        if (name, done) == ("second", 30):
            raise pickle.loads(pickle.dumps(raised))

    for place, run in ((tmp_path / "here", train), (tmp_path / "there", lambda *given, **hook: elsewhere(Elsewhere(), *given, **hook))):
        assert run(place, hook=fail) == (status, f"layerpeel: {raised}\n")
        assert sorted(arrays(place)) == ["first"]


def test_where_the_directory_is_not_a_unit_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layerpeel.gpu_train.experiments, "EXPERIMENTS", tiny(lambda _name, _done, _checkpoint: None))
    _units_here.cache_clear()
    found = run_unit(TINY, Plan(), None, 1, "first", tmp_path / "run" / "units" / "first.checkpoint")
    assert {*found} >= {"steps", "values"}
    assert not any(tmp_path.iterdir())


def test_other_images_elsewhere_are_refused(tmp_path: Path) -> None:
    _units_here.cache_clear()
    with pytest.raises(UnusableInput, match="are others on"):
        run_unit(TINY, Plan(data=tmp_path), "01234567", 1, "first", tmp_path / "run" / "units" / "first.checkpoint")
