"""Generators and readers of images: shapes, labels, counts, and every file that must be refused."""

import gzip
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from refusals import refused

from gpu_train import (
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
from numerics import Proportion


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
    small = resized(mnist.chosen(np.arange(0, 5000, 500)), 10)
    assert small.pixels.shape == (10, 1, 10, 10)
    assert small.pixels.mean() == pytest.approx(mnist.pixels[::500].mean(), rel=0.05)


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
    refused(lambda: read_idx(tmp_path), "holds no file train-images-idx3-ubyte", "--data")
    write_idx(tmp_path, images=(2051).to_bytes(4, "big") + bytes(5))
    refused(lambda: read_idx(tmp_path), "its header announces")
    write_idx(tmp_path, images=b"".join(n.to_bytes(4, "big") for n in (2051, 2, 3, 3)) + bytes(17))
    refused(lambda: read_idx(tmp_path), "has 33 bytes and its header announces 34", "damaged")
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
        refused(lambda side=side: resized(images(), side), f"side of the images is {side}")
    for imbalance in (0.0, 0.5, float("nan"), float("inf")):
        refused(lambda imbalance=imbalance: step_counts(2, 2, 10, imbalance), f"imbalance is {imbalance}")
        refused(lambda imbalance=imbalance: long_tail_counts(4, 10, imbalance), f"imbalance is {imbalance}")
    refused(lambda: step_counts(2, 2, -5, 2.0), "largest count is -5")
    rng = np.random.default_rng(0)
    refused(lambda: oversampled(images(), 2.0, [7], rng), "class 7", "0 ... 1")
    refused(lambda: with_corrupted_labels(images(labels=np.zeros(2, np.int64), num_classes=1), 0.5, rng), "one class")
    refused(lambda: with_corrupted_labels(images(), float("nan"), rng), "probability is nan")


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
