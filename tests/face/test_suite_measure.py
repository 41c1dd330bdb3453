"""The command `measure`: numbers against the layers they describe, the diagnosis, and every archive that must be refused."""

import errno
import json
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from refusals import refused

from layerpeel.cli import main
from layerpeel.networks import measure
from layerpeel.numerics import neural_collapse, separation, simplex_etf


def layered(counts: list[int], *, layers: int = 4, width: int = 6) -> dict[str, np.ndarray]:
    """Features whose within-class noise halves from layer to layer, with a classifier along the class means."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(len(counts)), counts)
    means = simplex_etf(len(counts), width) * 3.0
    noise = rng.normal(size=(len(labels), width))
    arrays = {f"features_{t}": means[labels] + 0.5**t * noise for t in range(layers)}
    return {**arrays, "labels": labels, "classifier": means / 3.0}


def saved(path: Path, arrays: dict[str, Any]) -> Path:
    np.savez(path, **arrays)
    return path


def header(text: str) -> bytes:
    """A .npy file with this header and hardly any data."""
    return b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little") + text.ljust(117).encode() + b"\n" + bytes(80)


ANNOUNCED = header("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 5), }")
"""40 TB, as the header says."""

BROKEN = header("{'descr': ")


def test_layers_law_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arrays = layered([30, 30, 30])
    assert main(["measure", str(saved(tmp_path / "f.npz", arrays)), "--json"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    record = json.loads(printed.out)
    assert [layer["name"] for layer in record["layers"]] == [f"features_{t}" for t in range(4)]
    for t, layer in enumerate(record["layers"]):
        assert layer["fuzziness"] == pytest.approx(separation(arrays[f"features_{t}"], arrays["labels"]).fuzziness, rel=1e-12)
        assert layer["rank_between"] == 2
        assert (layer["nc3"] is None) == (t < 3)
    last = neural_collapse(arrays["features_3"], arrays["labels"], arrays["classifier"])
    assert record["layers"][3]["nc3"] == pytest.approx(last.nc3)
    assert record["layers"][3]["nc4"] == last.nc4
    squares = (arrays["features_3"] ** 2).sum(axis=1)
    assert record["layers"][3]["feature_energy"] == pytest.approx(squares.mean(), rel=1e-12)  # the counts are equal
    assert record["decay_ratio"] == pytest.approx(0.25, abs=0.03)  # noise halves, D is its square
    assert record["half_life"] == pytest.approx(np.log(2) / -np.log(record["decay_ratio"]))
    assert record["pearson"] < -0.99
    assert (record["law_layers"], record["law_note"]) == (4, None)
    assert record["layer_peeled"] is None
    assert "balanced" in record["note"]


def test_one_layer_in_images_shape_and_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arrays = layered([20, 20, 5, 5], layers=1, width=8)
    shaped = {"features": arrays["features_0"].reshape(50, 2, 2, 2).astype(np.float32), "labels": arrays["labels"]}
    path = saved(tmp_path / "f.npz", {**shaped, "classifier": arrays["classifier"], "bias": np.zeros(4)})
    record = measure(path).to_dict()
    assert record["decay_ratio"] is None
    assert record["layers"][0]["width"] == 8
    assert main(["measure", str(path)]) == 0
    text = capsys.readouterr().out
    assert "50 samples of 4 classes" in text
    assert "minority classes 2, 3, imbalance 4." in text
    assert "Each layer multiplies" not in text
    assert "The law needs at least 3 layers and there is 1." in text


def test_minority_classes_are_named_as_they_are_labelled() -> None:
    arrays = layered([20, 20, 5, 5], layers=1, width=8)
    names = np.array(["ant", "bee", "cat", "dog"])[::-1]
    measured = measure(arrays["features_0"], names[arrays["labels"]], arrays["classifier"][::-1])
    assert measured.layer_peeled is not None
    assert (measured.layer_peeled.minority_classes, measured.layer_peeled.minority_labels) == ((0, 1), ("ant", "bee"))
    assert "minority classes ant, bee, imbalance 4." in measured.to_text()


def collapsing(seen: int, alone: int, kind: type) -> dict[str, np.ndarray]:
    """Layers whose noise falls tenfold each, then layers whose samples differ by their rounding only."""
    arrays = layered([20, 20, 20], layers=1)
    labels, rng = arrays["labels"], np.random.default_rng(1)
    means, noise = 100.0 * rng.normal(size=(3, 6))[labels], rng.normal(size=(60, 6))
    layers = [means + 0.1**t * noise for t in range(seen)] + [means * (1.0 + np.finfo(kind).eps * noise) for _ in range(alone)]
    return {**{f"features_{t}": layer.astype(kind) for t, layer in enumerate(layers)}, "labels": labels}


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_layers_that_are_rounding_alone_are_left_out_of_the_law(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: type[np.floating]
) -> None:
    path = saved(tmp_path / "f.npz", collapsing(4, 2, kind))
    record = measure(path).to_dict()
    above = [layer["fuzziness"] > layer["fuzziness_rounding"] for layer in record["layers"]]
    assert above == [True] * 4 + [False] * 2
    assert record["law_layers"] == 4
    assert record["decay_ratio"] == pytest.approx(0.01, rel=0.05)  # with the last two it would be far from it
    assert record["law_note"] == "D of features_4 is rounding alone: the law is fitted to the 4 layers before it."
    assert main(["measure", str(path)]) == 0
    text = capsys.readouterr().out
    assert record["law_note"] in text
    assert f"≤ {record['layers'][4]['fuzziness_rounding']:.1g}" in text


def test_without_three_layers_above_rounding_there_is_no_law(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = saved(tmp_path / "f.npz", collapsing(2, 2, np.float32))
    record = measure(path).to_dict()
    assert (record["decay_ratio"], record["law_layers"]) == (None, None)
    assert record["law_note"] == "the law needs at least 3 layers and there are 2: D of features_2 is rounding alone."
    assert main(["measure", str(path)]) == 0
    assert f"The{record['law_note'][3:]}" in capsys.readouterr().out


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_the_rounding_of_d_bounds_what_storing_collapsed_features_leaves(kind: type[np.floating]) -> None:
    rng = np.random.default_rng(0)
    for offset, scale, width in ((0.0, 1.0, 3), (300.0, 1.0, 40), (0.0, 1e-3, 200)):
        labels = np.repeat(np.arange(3), 50)
        features = offset + 100.0 * scale * rng.normal(size=(3, width))[labels]
        spread = np.abs(features).max() * float(np.finfo(kind).eps) * rng.uniform(-0.5, 0.5, features.shape)
        found = separation((features + spread).astype(kind), labels)
        assert 0.0 < found.fuzziness <= found.rounding
        beyond = separation((features + 100.0 * spread).astype(kind), labels)
        assert beyond.fuzziness > beyond.rounding


def test_single_precision_behind_a_bottleneck_is_measured_as_double_precision_is(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(10), 100)
    narrow = 3.0 * rng.normal(size=(10, 3))[labels] + rng.normal(size=(1000, 3))
    wide = narrow @ rng.normal(size=(3, 50))
    records = [
        measure(saved(tmp_path / f"{kind.__name__}.npz", {"features": wide.astype(kind), "labels": labels})).to_dict()["layers"][0]
        for kind in (np.float64, np.float32)
    ]
    for key in ("fuzziness", "nc1", "nc2", "cdnv", "feature_energy"):
        assert records[1][key] == pytest.approx(records[0][key], rel=1e-6), key
    assert [record["rank_between"] for record in records] == [3, 3]
    assert records[1]["fuzziness_rounding"] < 1e-9


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_two_classes_at_one_point_make_cdnv_infinite_and_say_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: type[np.floating]
) -> None:
    arrays = layered([20, 20, 20], layers=1)
    points = np.array([[1.1, 0.3, 3.0], [0.7, 2.0, 0.2], [0.7, 2.0, 0.2]])[arrays["labels"]]  # a minority that collapsed completely
    path = saved(tmp_path / "f.npz", {"features_0": arrays["features_0"], "features_1": points.astype(kind), "labels": arrays["labels"]})
    assert main(["measure", str(path), "--json"]) == 0
    layers = json.loads(capsys.readouterr().out)["layers"]
    note = "CDNV of features_1 is infinite: the means of classes 1 and 2 coincide to rounding."
    assert [(layer["cdnv"] is None, layer["cdnv_note"]) for layer in layers] == [(False, None), (True, note)]
    assert main(["measure", str(path)]) == 0
    assert note in capsys.readouterr().out


def test_a_layer_beyond_one_that_is_rounding_alone_is_left_out_too(tmp_path: Path) -> None:
    arrays = collapsing(3, 1, np.float64)
    record = measure(saved(tmp_path / "f.npz", {**arrays, "features_4": arrays["features_0"]})).to_dict()
    assert record["law_layers"] == 3
    assert "D of features_3 is rounding alone" in record["law_note"]


def test_features_equal_within_every_class_have_no_law(tmp_path: Path) -> None:
    arrays = layered([9, 9, 9], layers=1)
    means = np.array([[1.5, 0.25, 3.0], [2.5, -1.0, 0.0], [0.0, 7.0, 1.0]])[arrays["labels"]]
    for kind in (np.int64, np.float32, np.float64):
        layers = {f"features_{t}": ((t + 1) * 4.0 * means).astype(kind) for t in range(4)}
        record = measure(saved(tmp_path / f"{kind.__name__}.npz", {**layers, "labels": arrays["labels"]})).to_dict()
        assert record["law_layers"] is None
        assert "there are 0: D of features_0 is rounding alone" in record["law_note"]


def test_energies_beyond_the_model_leave_the_measurements(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arrays = layered([30, 3, 3])
    large = saved(tmp_path / "f.npz", {**arrays, "classifier": 1e20 * arrays["classifier"]})
    assert main(["measure", str(large)]) == 0
    printed = capsys.readouterr()
    assert "No diagnosis of collapse: the root of the energy product" in printed.out
    assert printed.err == ""


PAIRS = {"features": np.array([[1.0], [1.5], [3.0], [3.5]]), "labels": np.array([0, 0, 1, 1])}


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"labels": np.array([0, 1])}, "it needs `labels`, and either `features`"),
        ({"features": np.ones((2, 2))}, "it needs `labels`"),
        ({"features": np.ones((2, 2)), "features_0": np.ones((2, 2)), "labels": np.array([0, 1])}, "either `features` or"),
        ({"features": np.array([[1.0], [np.inf]]), "labels": np.array([0, 1])}, "row 1 of the features is not finite"),
        ({"features_0": PAIRS["features"], "features_1": np.nan * PAIRS["features"], "labels": PAIRS["labels"]}, "layer features_1 of"),
        ({"features": np.array([[1.0], [2.0]]), "labels": np.array([0, 1, 1])}, "do not fit"),
        ({**PAIRS, "classifier": np.ones((1, 3))}, "its rows must be the classes; transpose it"),
        ({**PAIRS, "classifier": np.ones((2, 5))}, "the classifier has shape (2, 5) and the features have width 1"),
        ({**PAIRS, "labels": np.array([0, 0, 4, 4]), "classifier": np.ones((3, 1))}, "3 rows and the labels name 2 classes, up to 4"),
        ({"features": np.ones((4, 3, 2)), "labels": PAIRS["labels"], "classifier": np.ones((2, 3))}, "average them with pool='mean'"),
        ({**PAIRS, "features": PAIRS["features"].repeat(2, axis=1).T}, "it has one column for each: transpose it"),
        ({**PAIRS, "classifier": np.array([["a"], ["b"]])}, "the classifier of type <U1"),
        ({**PAIRS, "classifier": np.array([[1j], [2.0]])}, "the classifier of type complex128"),
        ({**PAIRS, "classifier": np.array([[np.nan], [2.0]])}, "not finite"),
        ({**PAIRS, "classifier": np.array([[1e200], [2.0]])}, "beyond 1e+150"),
        ({**PAIRS, "classifier": np.array([[1.0], [2.0]]), "bias": np.zeros(3)}, "the bias has shape (3,) for a classifier of 2 rows"),
        ({**PAIRS, "classifier": np.array([[1.0], [2.0]]), "bias": np.array([0.0, np.inf])}, "the bias of type float64"),
        ({**PAIRS, "features": 1e200 * PAIRS["features"]}, "row 0 of the features goes beyond 1e+150"),
        ({"features": np.eye(3), "labels": np.arange(3)}, "every class has a single sample"),
        ({"features_0": PAIRS["features"], "features_2": PAIRS["features"], "labels": PAIRS["labels"]}, "features_0, features_2: the law"),
        ({"features_1": PAIRS["features"], "features_01": PAIRS["features"], "labels": PAIRS["labels"]}, "must follow each other"),
        ({"features_²": PAIRS["features"], "labels": PAIRS["labels"]}, "either `features` or"),
        ({"features": np.array([[1.0], [2.0]]), "labels": np.array([[0], [1]], dtype=object)}, "array labels"),
    ],
)
def test_unusable_archives(tmp_path: Path, arrays: dict[str, np.ndarray], words: str) -> None:
    refused(lambda: measure(saved(tmp_path / "f.npz", arrays)), words)


def test_unusable_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refused(lambda: measure(tmp_path / "none.npz"), "cannot be read")
    (tmp_path / "text.npz").write_text("hello")
    refused(lambda: measure(tmp_path / "text.npz"), "is no sound .npz archive")
    np.save(tmp_path / "one.npy", np.ones(3))
    refused(lambda: measure(tmp_path / "one.npy"), "holds the arrays one: it needs `labels`")
    (tmp_path / "one.npz").write_bytes((tmp_path / "one.npy").read_bytes())
    refused(lambda: measure(tmp_path / "one.npz"), "holds one array")
    whole = saved(tmp_path / "cut.npz", layered([5, 5])).read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    refused(lambda: measure(tmp_path / "cut.npz"), "is no sound .npz archive")
    for name, content in {"announced": ANNOUNCED, "broken": BROKEN, "raw": b"raw"}.items():
        with zipfile.ZipFile(tmp_path / f"{name}.npz", "w") as archive:
            archive.writestr("features.npy" if name != "raw" else "features", content)
            archive.writestr("labels", b"raw")
        refused(lambda name=name: measure(tmp_path / f"{name}.npz"), "features")
    assert main(["measure", str(tmp_path / "none.npz")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_classifier_in_half_precision(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    halves = {**PAIRS, "classifier": np.array([[1.0], [-1.0]], dtype=np.float16)}
    assert main(["measure", str(saved(tmp_path / "f.npz", halves))]) == 0
    assert "balanced" in capsys.readouterr().out


BOMB = """
import resource, sys
from pathlib import Path
from layerpeel.numerics import UnusableInput
from layerpeel.networks import measure
from layerpeel import solvers
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    measure(Path(sys.argv[1]))
except UnusableInput as error:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, error)
"""


def unpacked(path: Path) -> tuple[int, str]:
    """Kilobytes by which reading the archive grows a process, and the refusal."""
    run = subprocess.run([sys.executable, "-c", BOMB, str(path)], capture_output=True, text=True, check=True)
    kilobytes, sentence = run.stdout.split(" ", 1)
    return int(kilobytes), sentence


def head(shape: tuple[int, ...]) -> bytes:
    """The header of an array of doubles."""
    file = BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": shape})
    return file.getvalue()


@pytest.mark.parametrize(
    ("announced", "words"), [((50_000_000, 1), "15 labels do not fit"), ((15, 2), "announces 240 bytes and it holds more")]
)
def test_a_compressed_bomb_is_not_unpacked(tmp_path: Path, announced: tuple[int, int], words: str) -> None:
    """400 MB of zeros, and 15 labels: the header is read first, and no more than it announces."""
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        labels = BytesIO()
        np.save(labels, np.arange(15) % 3)
        archive.writestr("labels.npy", labels.getvalue())
        with archive.open("features.npy", "w") as member:
            member.write(head(announced))
            for _ in range(400):
                member.write(bytes(10**6))
    kilobytes, sentence = unpacked(path)
    assert words in sentence
    assert kilobytes < 40_000  # a tenth of what it would unfold to


@pytest.mark.parametrize("mistake", [MemoryError, RuntimeError, TypeError, ValueError])
def test_a_failure_of_our_own_is_not_the_fault_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mistake: type[Exception]
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise mistake("our own mistake")

    monkeypatch.setattr(sys.modules["layerpeel.networks.measure"], "centred_features", fails)
    with pytest.raises(mistake, match=r"^our own mistake$"):
        measure(saved(tmp_path / "f.npz", PAIRS))


def test_labels_are_blamed_for_labels(tmp_path: Path) -> None:
    features = {"features_0": np.eye(4), "features_1": np.eye(4)}
    for labels, words in (
        (np.array([0, -1, 1, 1]), "label -1 of sample 1 is below 0"),
        (np.array([0, 0.5, 1, 1]), "of type float64 are not whole numbers: sample 1 has 0.5"),
        (np.array([0, np.nan, 1, 1]), "of type float64 are not whole numbers: sample 1 has nan"),
        (np.array([2, 2, 2, 2]), "name one class, 2, and one class leaves nothing to separate"),
        (np.array([2, 2, 2, -100]), "name one class, 2, and one class leaves nothing to separate"),
        (np.array([-100] * 4), "name no sample"),
        (np.eye(4), "one column for each class"),
        (np.ones((2, 2)), "have shape (2, 2): there must be one label per sample"),
        (np.array([1j, 0, 0, 0]), "of type complex128"),
    ):
        refused(lambda labels=labels: measure(saved(tmp_path / "f.npz", {**features, "labels": labels})), "array labels of", words)


def test_features_far_below_one_are_named_as_such(tmp_path: Path) -> None:
    tiny = {"features": 1e-200 * PAIRS["features"], "labels": PAIRS["labels"]}
    refused(lambda: measure(saved(tmp_path / "f.npz", tiny)), "all features lie below 1e-150", "scale the features")


def test_arrays_are_measured_as_their_archive_is(tmp_path: Path) -> None:
    arrays = layered([30, 3, 3])
    layers = [arrays[f"features_{t}"] for t in range(4)]
    here = measure(layers, arrays["labels"], arrays["classifier"])
    assert here.to_dict() == measure(saved(tmp_path / "f.npz", arrays)).to_dict()
    one = measure(layers[3].reshape(36, 3, 2), arrays["labels"].tolist(), arrays["classifier"].tolist(), [0.0] * 3)
    assert [layer.name for layer in one.layers] == ["features"]
    assert one.layers[0].fuzziness == here.layers[3].fuzziness
    nested = measure(layers[0].tolist(), arrays["labels"])
    assert nested.layers[0].fuzziness == here.layers[0].fuzziness


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ((np.eye(4),), "labels are not given"),
        ((np.eye(4), [0, 1, 0]), "features of shape (4, 4) and 3 labels do not fit"),
        (([np.eye(4), np.eye(3)], [0, 1, 0, 1]), "features_1: features of shape (3, 3)"),
        (([[1.0, 2.0], [3.0]], [0, 1]), "no array"),
        ((np.eye(4), [0, 0, 1, 1], np.ones((3, 1))), "layer features: the classifier reads 1 features and each sample has 4"),
        ((np.eye(4), [0, 0, 1, 1], np.zeros((2, 4))), "layer features: the classifier is zero"),
        ((np.eye(4), [0, 0, 1, 1], [[1.0], [1.0, 2.0]]), "the classifier is no array"),
        (("features.npz", [0, 1]), "beside features.npz"),
    ],
)
def test_arrays_that_cannot_be_used(given: tuple[Any, ...], words: str) -> None:
    refused(lambda: measure(*given), words)


def test_the_figure_shows_the_layers_above_rounding_and_the_law() -> None:
    arrays = collapsing(4, 2, np.float64)
    found = measure([arrays[f"features_{t}"] for t in range(6)], arrays["labels"])
    (drawn,) = found.figures()
    points, law = drawn.series
    assert points.x == law.x == (0.0, 1.0, 2.0, 3.0)
    assert np.log(law.y).mean() == pytest.approx(np.log(points.y).mean())
    assert law.y[1] / law.y[0] == pytest.approx(found.decay_ratio)


def test_only_an_error_of_reading_the_file_calls_it_unreadable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path / "f.npz", layered([5, 5, 5]))

    def fails(*_: Any, **__: Any) -> Any:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(zipfile.ZipExtFile, "read", fails)
        refused(lambda: measure(path), "f.npz", "cannot be read (Input/output error)")
    monkeypatch.setattr(sys.modules["layerpeel.networks.measure"], "separation_of", fails)
    with pytest.raises(OSError, match="Input/output error"):
        measure(path)
