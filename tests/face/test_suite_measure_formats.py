"""`measure` on what people have: formats, names, labels, heads and maps; and each refusal says its true cause."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from refusals import refused

from layerpeel.cli import main
from layerpeel.networks import Measurement, MeasurementSeries, measure, measure_files
from layerpeel.numerics import simplex_etf

Arrays = dict[str, np.ndarray]

SINGLE = 1e-5
"""Features in single precision, in the sums over a hundred of them."""


def arrays(counts: tuple[int, ...] = (20, 20, 20), *, layers: int = 3, width: int = 6, noise: float = 0.5) -> Arrays:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(len(counts)), counts)
    means = 3.0 * simplex_etf(len(counts), width)
    found = {f"features_{t}": means[labels] + noise * 0.5**t * rng.normal(size=(len(labels), width)) for t in range(layers)}
    return {**found, "labels": labels, "classifier": means, "bias": rng.normal(size=len(counts))}


def safetensors(path: Path, stored: Arrays, *, kinds: dict[str, str] | None = None) -> Path:
    """The format as its specification says it, without the package."""
    names = {"float64": "F64", "float32": "F32", "float16": "F16", "int64": "I64", "uint16": "BF16", "bool": "BOOL"}
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    content = b""
    for name, array in stored.items():
        kind = (kinds or {}).get(name, names[array.dtype.name])
        header[name] = {"dtype": kind, "shape": array.shape, "data_offsets": [len(content), len(content) + array.nbytes]}
        content += np.ascontiguousarray(array).tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content)
    return path


def numbers(found: Measurement) -> list[float]:
    values = [value for layer in found.layers for value in (layer.fuzziness, layer.nc1, layer.nc2, layer.cdnv)]
    return [*values, found.layers[-1].nc3 or 0.0]


def test_every_format_gives_the_same_numbers(tmp_path: Path) -> None:
    stored = arrays()
    np.savez(tmp_path / "run.npz", **dict[str, Any](stored))
    wanted = measure(tmp_path / "run.npz")
    assert numbers(measure(safetensors(tmp_path / "run.safetensors", stored))) == numbers(wanted)
    for name, array in stored.items():
        np.save(tmp_path / f"{name}.npy", array)
    separate = [tmp_path / f"{name}.npy" for name in ("features_0", "features_1", "features_2", "labels", "classifier", "bias")]
    found = measure(separate)
    assert [layer.name for layer in found.layers] == ["features_0", "features_1", "features_2"]
    assert numbers(found) == numbers(wanted)
    assert found.layers[-1].nc4 == wanted.layers[-1].nc4


def test_tensors_are_read_and_nothing_is_imported(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch reads .pt")
    stored = arrays()
    wanted = measure([stored[f"features_{t}"] for t in range(3)], stored["labels"], stored["classifier"], stored["bias"])
    tensors = {name: torch.from_numpy(array) for name, array in stored.items() if not name.startswith(("classifier", "bias"))}
    head = {"fc.weight": torch.nn.Parameter(torch.from_numpy(stored["classifier"])), "fc.bias": torch.from_numpy(stored["bias"])}
    torch.save({**tensors, "model": head, "epoch": 3, "names": ["a", "b"]}, tmp_path / "run.pt")
    assert numbers(measure(tmp_path / "run.pt")) == numbers(wanted)
    torch.save(torch.from_numpy(stored["features_2"]), tmp_path / "penultimate.pt")
    torch.save(stored["labels"].tolist(), tmp_path / "other.pt")
    np.save(tmp_path / "y_train.npy", stored["labels"])
    alone = measure([tmp_path / "penultimate.pt", tmp_path / "y_train.npy"])
    assert [layer.name for layer in alone.layers] == ["penultimate"]
    assert alone.layers[0].fuzziness == wanted.layers[2].fuzziness
    rounded = {"features": tensors["features_1"].bfloat16(), "labels": tensors["labels"]}
    torch.save(rounded, tmp_path / "rounded.pt")
    found = measure(tmp_path / "rounded.pt")
    assert found.layers[0].fuzziness == pytest.approx(wanted.layers[1].fuzziness, rel=0.05)
    assert found.layers[0].fuzziness_rounding > 1e6 * wanted.layers[1].fuzziness_rounding  # bfloat16 is known to be coarse


class Importer:
    """Imports, and would run, what it names when it is unpickled."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.place,)


def test_a_file_that_wants_to_import_is_refused_before_it_does(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch reads .pt")
    torch.save({"features": Importer(tmp_path / "touched")}, tmp_path / "evil.pt")
    refused(lambda: measure(tmp_path / "evil.pt"), "evil.pt", "tries to import", "may run anything")
    with (tmp_path / "evil.pth").open("wb") as file:
        pickle.dump(Importer(tmp_path / "touched"), file)
    refused(lambda: measure(tmp_path / "evil.pth"), "evil.pth")
    torch.save({"features": np.ones((2, 2))}, tmp_path / "numpy.pt")
    refused(lambda: measure(tmp_path / "numpy.pt"), "numpy.pt", "tries to import")
    assert not (tmp_path / "touched").exists()
    torch.save({"epoch": 3}, tmp_path / "none.pt")
    refused(lambda: measure(tmp_path / "none.pt"), "holds a dict without tensors")
    torch.save({"labels": torch.arange(4) % 2, "features": torch.rand(4, 2)}, tmp_path / "cut.pt")
    whole = (tmp_path / "cut.pt").read_bytes()
    for damaged in (whole[: len(whole) // 2], whole[:10], b"", b"\x00" * 100):
        (tmp_path / "cut.pt").write_bytes(damaged)
        refused(lambda: measure(tmp_path / "cut.pt"), "cut.pt", "cannot be read")


def test_half_precisions_of_safetensors(tmp_path: Path) -> None:
    stored = arrays(layers=1)
    wanted = measure(stored["features_0"], stored["labels"]).layers[0].fuzziness
    upper = (stored["features_0"].astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
    found = measure(safetensors(tmp_path / "b.safetensors", {"features": upper, "labels": stored["labels"]})).layers[0]
    assert found.fuzziness == pytest.approx(wanted, rel=0.05)
    half = {"features": stored["features_0"].astype(np.float16), "labels": stored["labels"]}
    assert measure(safetensors(tmp_path / "h.safetensors", half)).layers[0].fuzziness == pytest.approx(wanted, rel=0.01)


def test_a_damaged_safetensors_file_is_refused(tmp_path: Path) -> None:
    path = safetensors(tmp_path / "f.safetensors", {"features": np.ones((4, 2)), "labels": np.arange(4) % 2})
    whole = path.read_bytes()
    length = int.from_bytes(whole[:8], "little")
    text = whole[8 : 8 + length]
    for content, words in (
        (whole[:-8], "the file is cut short"),
        (whole[:5], "cut short, or no safetensors file"),
        (whole[: length // 2], "announces a header of"),
        (b"\xff" * 8 + whole[8:], "announces a header of"),
        (whole[:8] + text.replace(b"{", b"[", 1) + whole[8 + length :], "no list of tensors"),
        (whole[:8] + text.replace(b'"F64"', b'"F8 "') + whole[8 + length :], "is of type F8 "),
        (whole[:8] + text.replace(b"[4, 2]", b"[4, 3]") + whole[8 + length :], "the file is damaged"),
        (whole[:8] + text.replace(b"[4, 2]", b"[4,-2]") + whole[8 + length :], "no list of tensors"),
    ):
        path.write_bytes(content)
        refused(lambda: measure(path), "f.safetensors", words)


def test_a_damaged_npy_file_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "features.npy", np.ones((40, 5)))
    np.save(tmp_path / "labels.npy", np.arange(40) % 2)
    whole = (tmp_path / "features.npy").read_bytes()
    for damaged in (whole[:-8], whole[:50], b"text"):
        (tmp_path / "features.npy").write_bytes(damaged)
        refused(lambda: measure([tmp_path / "features.npy", tmp_path / "labels.npy"]), "features.npy is no sound .npy file")
    np.save(tmp_path / "features.npy", np.array([{}, {}], dtype=object))
    refused(lambda: measure([tmp_path / "features.npy", tmp_path / "labels.npy"]), "entries of type object")


def test_files_that_do_not_belong_together(tmp_path: Path) -> None:
    one = {"features": np.ones((4, 2)), "labels": np.arange(4) % 2}
    np.savez(tmp_path / "a.npz", **dict[str, Any](one))
    np.savez(tmp_path / "b.npz", **dict[str, Any](one))
    np.savez(tmp_path / "c.npz", features=np.ones((4, 2)))
    refused(lambda: measure([tmp_path / "a.npz", tmp_path / "b.npz", tmp_path / "c.npz"]), "2 of 3 files hold labels")
    refused(lambda: measure([tmp_path / "c.npz", tmp_path / "c.npz"]), "hold no labels")
    refused(lambda: measure_files([]), "no file is given")
    refused(lambda: measure(tmp_path / "a.csv"), "ends in none of .npz, .npy, .safetensors, .pt")
    refused(lambda: measure(tmp_path), "ends in none of")
    (tmp_path / "folder.npz").mkdir()
    refused(lambda: measure(tmp_path / "folder.npz"), "is a directory")
    np.save(tmp_path / "labels.npy", one["labels"])
    np.save(tmp_path / "targets.npy", one["labels"])
    refused(lambda: measure([tmp_path / "labels.npy", tmp_path / "targets.npy", tmp_path / "c.npz"]), "2 of 3 files hold labels")
    np.save(tmp_path / "weight.npy", np.ones((2, 2)))
    np.save(tmp_path / "head.npy", np.ones((2, 2)))
    both = ["labels.npy", "c.npz", "weight.npy", "head.npy"]
    refused(lambda: measure([tmp_path / name for name in both]), "are both the classifier")


# Epochs


def checkpoints(tmp_path: Path, epochs: tuple[int, ...] = (1, 2, 10), **changed: Any) -> list[Path]:
    paths = []
    for epoch in epochs:
        paths.append(tmp_path / f"ckpt-{epoch}.npz")
        np.savez(paths[-1], **{**dict[str, Any](arrays(noise=1.0 / epoch)), **(changed if epoch == epochs[-1] else {})})
    return paths


def test_checkpoints_are_a_series_in_the_order_of_their_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = checkpoints(tmp_path)
    out = tmp_path / "out"
    assert main(["measure", *map(str, [paths[2], *paths[:2]]), "--out", str(out)]) == 0
    text = capsys.readouterr().out
    assert "3 checkpoints; layer features_2" in text
    assert sorted(path.name for path in out.iterdir()) == sorted(MeasurementSeries.FILES)
    record = json.loads((out / "measure.json").read_text())
    assert (record["names"], record["epochs"]) == (["ckpt-1", "ckpt-2", "ckpt-10"], [1, 2, 10])
    found = [one["layers"][-1]["fuzziness"] for one in record["measurements"]]
    assert found[0] > found[1] > found[2]
    assert found[1] == measure(paths[1]).layers[-1].fuzziness
    refused(lambda: measure(paths), "are 3 checkpoints", "measure_files")


def test_a_series_with_differing_layers_or_classes_is_refused(tmp_path: Path) -> None:
    refused(
        lambda: measure_files(checkpoints(tmp_path, features_3=np.ones((60, 6)))),
        "ckpt-10.npz holds the layers features_0, features_1, features_2, features_3, and",
        "follows the same layers",
    )
    refused(lambda: measure_files(checkpoints(tmp_path, features_2=np.ones((60, 5)))), "holds the widths 6, 6, 5, and", "same layers")
    fewer = np.repeat([0, 1], 30)
    refused(lambda: measure_files(checkpoints(tmp_path, labels=fewer, classifier=np.ones((2, 6)), bias=[0, 0])), "labels of 2 classes and")
    none = tmp_path / "ckpt-11.npz"
    np.savez(none, labels=fewer)
    refused(lambda: measure_files([*checkpoints(tmp_path), none]), "ckpt-11.npz", "none is a layer")


# Labels and heads


@pytest.mark.parametrize(
    "relabelled",
    [
        lambda labels: labels[:, None],
        lambda labels: labels.astype(float),
        lambda labels: labels + 1,
        lambda labels: 5 * labels,
        lambda labels: np.array(["ant", "bee", "cat"])[labels],
        lambda labels: np.array(["ant", "bee", "cat"])[labels].astype(object),
        lambda labels: np.array([b"ant", b"bee", b"cat"])[labels],
        lambda labels: labels.astype(np.uint8),
        lambda labels: labels.astype(np.float32).tolist(),
    ],
)
def test_labels_of_every_kind_name_the_same_classes(relabelled: Callable[[np.ndarray], Any]) -> None:
    stored = arrays(layers=1)
    wanted = measure(stored["features_0"], stored["labels"], stored["classifier"], stored["bias"])
    found = measure(stored["features_0"], relabelled(stored["labels"]), stored["classifier"], stored["bias"][None])
    assert numbers(found) == numbers(wanted)
    assert found.layers[0].nc4 == wanted.layers[0].nc4


def test_samples_are_left_out_by_their_label(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stored = arrays(layers=1)
    labels = stored["labels"].copy()
    features = np.concatenate([stored["features_0"], 100.0 * np.ones((5, 6))])
    wanted = numbers(measure(stored["features_0"], labels))
    found = measure(features, np.append(labels, [-100] * 5))
    assert numbers(found) == wanted
    assert (found.ignored_samples, found.num_samples) == (5, 60)
    assert "5 of 65 samples are left out by their label" in str(found.label_note)
    assert numbers(measure(features, np.append(labels, [255] * 5).astype(np.uint8), ignore=255)) == wanted
    assert numbers(measure(features, np.append(np.array(["a", "b", "c"])[labels], ["?"] * 5), ignore="?")) == wanted
    np.savez(tmp_path / "f.npz", features=features, labels=np.append(labels, [-1] * 5))
    assert main(["measure", str(tmp_path / "f.npz"), "--ignore", "-1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ignored_samples"] == 5
    assert main(["measure", str(tmp_path / "f.npz")]) == 2
    assert "leave its samples out with --ignore -1" in capsys.readouterr().err


def test_classes_without_samples_are_said_and_the_rest_is_measured() -> None:
    stored = arrays((20, 20, 20, 20), layers=1)
    rows = np.isin(stored["labels"], (0, 2, 3))
    large = 1e-3 * np.random.default_rng(1).normal(size=(10, 6))
    large[:4] = stored["classifier"]
    large[7] = 100.0 * stored["classifier"][3]  # a row without samples, which takes all of class 3
    found = measure(stored["features_0"][rows], stored["labels"][rows], large, np.zeros(10))
    assert (found.num_classes, found.class_names, found.absent_classes) == (3, ("0", "2", "3"), (1, 4, 5, 6, 7, 8, 9))
    assert "Classes 1, 4, 5, 6, 7, 8, 9 have no sample" in str(found.label_note)
    small = measure(stored["features_0"][rows], [0] * 20 + [1] * 20 + [2] * 20, stored["classifier"][[0, 2, 3]])
    assert numbers(found) == numbers(small)
    assert small.layers[0].nc4 == 0.0
    assert found.layers[0].further.nc4_by_class is not None
    assert found.layers[0].further.nc4_by_class[2] == 1.0
    assert found.layers[0].nc4 == pytest.approx(np.mean(found.layers[0].further.nc4_by_class))
    assert measure(stored["features_0"][rows], stored["labels"][rows]).absent_classes == (1,)


@pytest.mark.parametrize("labels", [[0, 1], [1, 2], [-1, 1], [False, True], ["no", "yes"]])
@pytest.mark.parametrize("shape", [(1, 6), (6,)])
def test_one_row_is_the_logit_of_the_second_class(labels: list[Any], shape: tuple[int, ...]) -> None:
    stored = arrays((30, 30), layers=1)
    row = stored["classifier"][1]
    found = measure(stored["features_0"], np.array(labels)[stored["labels"]], row.reshape(shape), [0.5])
    two = measure(stored["features_0"], stored["labels"], np.stack([-row, row]) / 2.0, [-0.25, 0.25])
    assert numbers(found) == numbers(two)
    assert found.layers[0].nc4 == two.layers[0].nc4
    assert found.layers[0].nc3 == pytest.approx(0.0, abs=0.1)


def test_maps_are_averaged_as_the_head_reads_them() -> None:
    stored, rng = arrays(layers=1), np.random.default_rng(2)
    maps = stored["features_0"][:, :, None, None] + rng.normal(size=(60, 6, 3, 4))
    labels, head = stored["labels"], stored["classifier"]
    wanted = measure(maps.mean(axis=(2, 3)), labels, head)
    assert measure(maps, labels, head, pool="mean").layers[0].fuzziness == pytest.approx(wanted.layers[0].fuzziness)
    last = measure(maps.transpose(0, 2, 3, 1), stored["labels"], stored["classifier"], pool="mean")
    assert last.layers[0].fuzziness == pytest.approx(wanted.layers[0].fuzziness)
    tokens = maps.reshape(60, 6, 12).transpose(0, 2, 1)
    assert measure(tokens, stored["labels"], pool="tokens").layers[0].fuzziness == pytest.approx(wanted.layers[0].fuzziness)
    refused(lambda: measure(maps, labels, head), "reads 6 features and each sample has 72, 12 times", "pool='mean'")
    refused(lambda: measure(maps, stored["labels"], pool="tokens"), "are no sequences")
    refused(lambda: measure(maps, stored["labels"], pool="max"), "'max'")
    assert measure(maps, stored["labels"]).layers[0].width == 72


def test_outliers_give_nc5(tmp_path: Path) -> None:
    stored, rng = arrays(layers=1), np.random.default_rng(3)
    away = rng.normal(size=(7, 6)) + 2.0
    np.savez(tmp_path / "f.npz", features=stored["features_0"], labels=stored["labels"], ood=away)
    means = np.array([stored["features_0"][stored["labels"] == k].mean(axis=0) for k in range(3)])
    wanted = np.mean([abs(mean @ away.mean(0)) / np.linalg.norm(mean) / np.linalg.norm(away.mean(0)) for mean in means])
    assert measure(tmp_path / "f.npz").layers[0].further.nc5 == pytest.approx(wanted)
    assert measure(stored["features_0"], stored["labels"], outliers=away).layers[0].further.nc5 == pytest.approx(wanted)
    refused(lambda: measure(stored["features_0"], stored["labels"], outliers=away[:, :5]), "outliers of type float64 and shape (7, 5)")
