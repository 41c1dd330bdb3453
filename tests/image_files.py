"""Image files like those that people have: MNIST's and CIFAR-10's formats, with noise that networks can learn."""

import gzip
import pickle
from pathlib import Path

import numpy as np

EACH, TESTED = 110, 12
"""Training and test images per class; the separation experiment trains on 100 of them."""

FULL_COUNTS = (EACH,) * 10


def drawn(labels: np.ndarray, channels: int, side: int) -> np.ndarray:
    """Noise with one bright row per class, so that networks can learn it."""
    pixels = np.random.default_rng(0).integers(0, 120, (len(labels), channels, side, side), dtype=np.uint8)
    pixels[np.arange(len(labels)), :, 2 * labels % side] += 100
    return pixels


def labels_of(counts: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(1).permutation(np.repeat(np.arange(len(counts)), counts))


def idx(array: np.ndarray) -> bytes:
    magic = {1: 2049, 3: 2051}[array.ndim]
    return b"".join(number.to_bytes(4, "big") for number in (magic, *array.shape)) + array.astype(np.uint8).tobytes()


def write_idx(folder: Path, counts: tuple[int, ...] = FULL_COUNTS, *, zipped: bool = False) -> Path:
    """A folder like that of MNIST."""
    folder.mkdir()
    for part, labels in (("train", labels_of(counts)), ("t10k", labels_of((TESTED,) * 10))):
        for name, array in ((f"{part}-images-idx3-ubyte", drawn(labels, 1, 28)[:, 0]), (f"{part}-labels-idx1-ubyte", labels)):
            (folder / f"{name}.gz" if zipped else folder / name).write_bytes(gzip.compress(idx(array), 1) if zipped else idx(array))
    return folder


def write_cifar(folder: Path, counts: tuple[int, ...] = FULL_COUNTS) -> Path:
    """A folder like cifar-10-batches-py."""
    folder.mkdir()
    labels = labels_of(counts)
    pixels = drawn(labels, 3, 32).reshape(len(labels), -1)
    for index, rows in enumerate(np.array_split(np.arange(len(labels)), 5), start=1):
        batch = {b"batch_label": b"training", b"data": pixels[rows], b"labels": labels[rows].tolist(), b"filenames": [b"x.png"] * len(rows)}
        (folder / f"data_batch_{index}").write_bytes(pickle.dumps(batch, protocol=2))
    tested = labels_of((TESTED,) * 10)
    (folder / "test_batch").write_bytes(
        pickle.dumps({b"data": drawn(tested, 3, 32).reshape(len(tested), -1), b"labels": tested.tolist()}, protocol=2)
    )
    return folder
