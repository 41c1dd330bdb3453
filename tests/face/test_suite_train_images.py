"""The command train on image files of the user's: each format from its folder to the record, and every folder that must be refused."""

import gzip
import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from image_files import EACH, idx, write_cifar, write_idx

import layerpeel.gpu_train.experiments.separation
from layerpeel.cli import main
from layerpeel.gpu_train.experiments import Plan, Unit, Variant, one_thread

Train = Callable[..., tuple[int, str]]


@pytest.fixture
def train(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Train:
    """Runs few and small units of an experiment into `run` and gives the status of the command and its standard error."""
    known = layerpeel.gpu_train.experiments.EXPERIMENTS

    def ends(plan: Plan) -> list[Unit]:
        units = known["imbalance"](plan)
        return [units[0], units[-1]]  # balanced, and the most imbalanced with the most oversampling

    monkeypatch.setattr(layerpeel.gpu_train.experiments, "EXPERIMENTS", {**known, "imbalance": ends})
    monkeypatch.setattr(layerpeel.gpu_train.experiments.separation, "VARIANTS", {"depth-8": Variant(widths=(12,) * 2)})
    one_thread()

    def run(experiment: str, *options: str) -> tuple[int, str]:
        status = main(["train", experiment, "--out", str(tmp_path / "run"), *options])
        return status, capsys.readouterr().err

    return run


def refused(train: Train, tmp_path: Path, experiment: str, options: tuple[str, ...], *words: str) -> None:
    """One sentence with these words, status 2, and no file."""
    status, error = train(experiment, *options)
    assert status == 2
    assert error.startswith("layerpeel: ")
    assert error.count("\n") == 1
    assert error.endswith(".\n")
    for word in words:
        assert word in error, error
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("experiment", "write"),
    [
        ("separation", lambda folder: write_idx(folder, zipped=True)),
        ("separation", write_cifar),
        ("imbalance", write_idx),
        ("imbalance", write_cifar),
    ],
)
def test_image_files_become_a_record(train: Train, tmp_path: Path, experiment: str, write: Callable[[Path], Path]) -> None:
    folder = write(tmp_path / "images")
    status, error = train(experiment, "--data", str(folder))
    assert status == 0, error
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["data"] == str(folder.resolve())
    written = next(folder.glob("*labels*"), folder / "test_batch")
    written.write_bytes(written.read_bytes()[::-1])  # other images in the same place
    status, error = train(experiment, "--data", str(folder), "--resume")
    assert status == 2
    assert f"(checksum '{config['checksum']}' there, " in error
    rows = json.loads((tmp_path / "run" / "results.json").read_text())["results"]
    if experiment == "separation":
        (row,) = rows
        assert (row["variant"], row["trials"], len(row["fuzziness"])) == ("depth-8", 2, 3)
        assert row["train_accuracy"] > 0.9  # the bright rows are seen
        assert row["test_accuracy"] > 0.5
        assert row["fuzziness"][-1] < row["fuzziness"][0]
    else:
        assert (rows[0]["imbalance"], rows[0]["oversampling"]) == (1.0, 1.0)
        assert rows[1]["imbalance"] >= rows[1]["oversampling"] > 1.0
        assert all(-1.0 <= row["minority_cosine"] <= 1.0 for row in rows)
        assert min(rows[0]["majority_accuracy"], rows[0]["minority_accuracy"]) > 0.5


@pytest.mark.parametrize("experiment", ["separation", "imbalance"])
@pytest.mark.parametrize("write", [write_idx, write_cifar])
def test_a_class_without_images_is_refused(
    train: Train, tmp_path: Path, experiment: str, write: Callable[[Path, tuple[int, ...]], Path]
) -> None:
    folder = write(tmp_path / "images", (EACH,) * 7 + (0, EACH, EACH))
    refused(train, tmp_path, experiment, ("--data", str(folder)), "class 7", "no image")


def test_too_few_images_are_refused(train: Train, tmp_path: Path) -> None:
    folder = write_idx(tmp_path / "images", (EACH, 99) + (EACH,) * 8)
    refused(train, tmp_path, "separation", ("--data", str(folder)), "class 1", "has 99 images and 100 were asked for")


class Malicious:
    """Would run a command when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return eval, ("1/0",)


def damage(folder: Path, name: str, content: bytes) -> Path:
    (folder / name).write_bytes(content)
    return folder


def batch(label: int = 0, data: object = None) -> bytes:
    return pickle.dumps({b"data": np.zeros((2, 3072), np.uint8) if data is None else data, b"labels": [0, label]}, protocol=2)


@pytest.mark.parametrize("experiment", ["separation", "imbalance"])
def test_unusable_folders_are_refused(train: Train, tmp_path: Path, experiment: str) -> None:
    def no(folder: Path, *words: str) -> None:
        refused(train, tmp_path, experiment, ("--data", str(folder)), *words)

    (tmp_path / "empty").mkdir()
    no(tmp_path / "empty", "holds no file train-images-idx3-ubyte")
    no(tmp_path / "nowhere", "holds no file")
    no(tmp_path / ("long" * 100), "cannot be read", "too long")
    small = (1,) * 10
    whole = write_idx(tmp_path / "cut", small)
    images = (whole / "train-images-idx3-ubyte").read_bytes()
    no(damage(whole, "train-images-idx3-ubyte", images[:-1]), "its header announces", "damaged")
    no(damage(whole, "train-images-idx3-ubyte", b""), "begins with the number 0")
    no(damage(whole, "train-images-idx3-ubyte", gzip.compress(images)[:-9]), "cannot be read")
    (whole / "train-images-idx3-ubyte").write_bytes(images)
    no(damage(whole, "train-labels-idx1-ubyte", idx(np.array([*range(9), 10]))), "label 10", "0 ... 9")
    no(damage(whole, "train-labels-idx1-ubyte", idx(np.arange(9))), "10 images and 9 labels")
    no(damage(whole, "train-labels-idx1-ubyte", images), "begins with the number 2051")
    batches = write_cifar(tmp_path / "batches", small)
    no(damage(batches, "data_batch_3", batch(data=Malicious())), "tries to import __builtin__.eval")
    no(damage(batches, "data_batch_3", batch()[:-30]), "not a CIFAR-10 python batch")
    for label in (10, -1):
        no(damage(batches, "data_batch_3", batch(label)), f"label {label}", "in 0 ... 9")
    (batches / "data_batch_3").unlink()
    no(batches, "data_batch_3", "No such file")


def test_folders_that_only_lack_a_part_for_testing_are_refused(train: Train, tmp_path: Path) -> None:
    folder = write_idx(tmp_path / "images")
    (folder / "t10k-labels-idx1-ubyte").unlink()
    refused(train, tmp_path, "separation", ("--data", str(folder)), "holds no file t10k-labels-idx1-ubyte")
    batches = write_cifar(tmp_path / "batches")
    (batches / "test_batch").unlink()
    refused(train, tmp_path, "separation", ("--data", str(batches)), "test_batch", "No such file")


def test_a_folder_is_refused_where_no_images_are_read(train: Train, tmp_path: Path) -> None:
    refused(train, tmp_path, "unconstrained", ("--data", str(tmp_path)), "makes its own data", "sentences reads sentences")


def test_a_set_of_sentences_that_is_not_there_is_refused(train: Train, tmp_path: Path) -> None:
    refused(train, tmp_path, "sentences", ("--data", str(tmp_path / "nowhere")), "train.tsv cannot be read", "SST-2", "grammar")
    (tmp_path / "texts").mkdir()
    for name in ("train.tsv", "dev.tsv"):
        (tmp_path / "texts" / name).write_text("sentence\tlabel\na fine film\t1\na dull film\t0\n")
    refused(train, tmp_path, "sentences", ("--data", str(tmp_path / "texts")), "holds 1 sentences rated 0 (bad) and 300 are needed")
    refused(train, tmp_path, "architecture", (), "experiment 'architecture' is unknown", "architectures")


@pytest.mark.parametrize("experiment", ["separation", "imbalance", "unconstrained", "geomnist", "freezing", "sentences"])
def test_a_device_that_is_not_there(train: Train, tmp_path: Path, experiment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    refused(train, tmp_path, experiment, ("--device", "cuda"), "device 'cuda' is not there", "--device cpu")
