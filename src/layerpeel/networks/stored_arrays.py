"""Arrays as people store them (.npz, .npy, .safetensors, .pt), read one at a time, and never more of them than a file holds."""

import json
import math
import re
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from layerpeel.numerics import UnusableInput, require_memory
from layerpeel.pages.archives import MOST_NAMES, open_archive, read_header
from layerpeel.pages.files import DAMAGED, require_regular

LARGEST_HEADER = 10**8
"""Bytes of a safetensors header; the format itself allows no more."""

BFLOAT16_EPS = 2.0**-7
"""Machine epsilon of the one common type that NumPy does not have."""

SAFETENSORS = {
    "BOOL": "?",
    "U8": "u1",
    "I8": "i1",
    "U16": "<u2",
    "I16": "<i2",
    "F16": "<f2",
    "U32": "<u4",
    "I32": "<i4",
    "F32": "<f4",
    "U64": "<u8",
    "I64": "<i8",
    "F64": "<f8",
    "BF16": "<u2",
}
"""Types of that format, as NumPy reads their bytes."""


@dataclass(frozen=True, kw_only=True)
class StoredArray:
    """One array of a file: what its header says, and how its numbers are read.

    Args:
        name: as a user finds it: "array labels of run.npz", or "labels.npy".
        shape: of the array.
        read: gives its numbers.
        eps: machine epsilon of the type in which they are stored, where NumPy's own type does not say it.
    """

    name: str
    shape: tuple[int, ...]
    read: Callable[[], np.ndarray]
    eps: float | None = None


@dataclass(frozen=True, kw_only=True)
class StoredFile:
    """The arrays of one file.

    Args:
        path: of the file.
        arrays: by name; the one of an .npy file has the name of the file without its ending.
        single: whether the format holds one array without a name.
    """

    path: Path
    arrays: Mapping[str, StoredArray] = field(default_factory=dict)
    single: bool = False

    @property
    def listed(self) -> str:
        """The first names as a refusal quotes them."""
        names = list(self.arrays)
        return ", ".join([*names[:MOST_NAMES], *(["…"] if names[MOST_NAMES:] else [])]) or "none"


@contextmanager
def open_stored(path: Path) -> Generator[StoredFile]:
    """The arrays of a file, by its ending: .npz, .npy, .safetensors, .pt or .pth.

    Nothing is unpickled but tensors, .npy and .safetensors are memory-mapped, and of an archive one array at a time is read.

    Args:
        path: the file.

    Raises:
        UnusableInput: for another ending, a file that cannot be read, or a damaged one; of an array, when it is read.
    """
    if path.suffix.lower() not in READERS:
        raise UnusableInput(
            f"{path} ends in none of {', '.join(READERS)}: features are read from these; save the arrays with "
            "numpy.savez(FILE, features=…, labels=…)."
        )
    with ExitStack() as opened:
        try:
            require_regular(path, str(path))
            if path.is_dir():
                raise UnusableInput(f"{path} is a directory: features are read from files; name the files in it.")
            stored = opened.enter_context(READERS[path.suffix.lower()](path))
        except OSError as error:
            raise UnusableInput(
                f"{path} cannot be read ({error.strerror or error}): it must be a file of arrays that you may read; check the path."
            ) from error
        yield stored


@contextmanager
def _npz(path: Path) -> Generator[StoredFile]:
    with open_archive(path, str(path), "save the arrays with numpy.savez(FILE, features=…, labels=…)") as archive:
        arrays: dict[str, StoredArray] = {}
        for name in archive.names:
            shape = archive.header(name)[0]
            arrays[name] = StoredArray(name=f"array {name} of {path}", shape=shape, read=lambda name=name: archive.read(name))
        yield StoredFile(path=path, arrays=arrays)


@contextmanager
def _npy(path: Path) -> Generator[StoredFile]:
    try:
        with path.open("rb") as file:
            shape, _, dtype = read_header(file)
        if dtype.hasobject:
            raise UnusableInput(f"{path} holds entries of type {dtype}: it must hold plain numbers or text; save it without objects.")
        mapped = np.load(path, mmap_mode="r", allow_pickle=False) if math.prod(shape) else np.zeros(shape, dtype)
    except DAMAGED as error:
        if isinstance(error, UnusableInput):
            raise
        raise UnusableInput(f"{path} is no sound .npy file ({_one_sentence(error)}): save the array with numpy.save again.") from None
    yield StoredFile(path=path, arrays={path.stem: StoredArray(name=str(path), shape=shape, read=lambda: mapped)}, single=True)


@contextmanager
def _safetensors(path: Path) -> Generator[StoredFile]:
    """Eight bytes with the length of a JSON header, the header, and the numbers where it says that they stand."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > min(size - 8, LARGEST_HEADER):
            raise UnusableInput(
                f"{path} has {size} bytes and announces a header of {length}: it is cut short, or no safetensors file; save it again."
            )
        content = file.read(length)
    start = 8 + length
    try:
        header = json.loads(content)
        entries = {name: _placed(entry) for name, entry in header.items() if name != "__metadata__"}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise UnusableInput(f"{path} has a header that is no list of tensors: it is damaged, or of another kind; save it again.") from None
    arrays: dict[str, StoredArray] = {}
    for name, (kind, shape, begin, end) in entries.items():
        what = f"array {name} of {path}"
        if kind not in SAFETENSORS:
            raise UnusableInput(f"{what} is of type {kind}: {', '.join(SAFETENSORS)} are read; save it in one of them.")
        dtype = np.dtype(SAFETENSORS[kind])
        if math.prod(shape) * dtype.itemsize != end - begin:
            raise UnusableInput(f"{what} has shape {shape} and {end - begin} bytes of type {kind}: the file is damaged; save it again.")
        if start + end > size:
            raise UnusableInput(f"{path} has {size} bytes and {what} ends at {start + end}: the file is cut short; save or copy it again.")
        arrays[name] = StoredArray(
            name=what,
            shape=shape,
            read=lambda dtype=dtype, shape=shape, begin=begin, kind=kind: _mapped(path, dtype, shape, start + begin, kind),
            eps=BFLOAT16_EPS if kind == "BF16" else None,
        )
    yield StoredFile(path=path, arrays=arrays)


def _placed(entry: Mapping[str, Any]) -> tuple[str, tuple[int, ...], int, int]:
    """Type, shape, and the bytes from and to which a tensor stands; whole numbers, or the header is damaged."""
    begin, end = entry["data_offsets"]
    numbers = (*entry["shape"], begin, end)
    if not all(isinstance(number, int) and number >= 0 for number in numbers) or end < begin:
        raise ValueError
    return str(entry["dtype"]), tuple(entry["shape"]), begin, end


def _mapped(path: Path, dtype: np.dtype, shape: tuple[int, ...], offset: int, kind: str) -> np.ndarray:
    """The numbers of a tensor; bfloat16 is the upper half of single precision."""
    if not math.prod(shape):
        return np.zeros(shape, dtype)
    mapped = np.memmap(path, dtype, "r", offset, shape)
    if kind != "BF16":
        return mapped
    require_memory(8.0 * math.prod(shape), f"a bfloat16 array of {path}, of shape {shape},", "save a smaller one")
    return (mapped.astype(np.uint32) << 16).view(np.float32)


@contextmanager
def _pt(path: Path) -> Generator[StoredFile]:
    try:
        from layerpeel.gpu_train.saved_tensors import read_tensors
    except ImportError as error:
        raise UnusableInput(f"{path} needs PyTorch, which cannot be imported ({error}); pip install 'layerpeel[train]'.") from error
    tensors = read_tensors(path)
    arrays = {
        name or path.stem: StoredArray(
            name=f"array {name} of {path}" if name else str(path), shape=array.shape, read=lambda array=array: array, eps=eps
        )
        for name, (array, eps) in tensors.items()
    }
    yield StoredFile(path=path, arrays=arrays, single=list(tensors) == [""])


def _one_sentence(error: BaseException) -> str:
    return re.sub(r"\s+", " ", str(error)).strip(" .") or type(error).__name__


READERS: Mapping[str, Callable[[Path], Any]] = {".npz": _npz, ".npy": _npy, ".safetensors": _safetensors, ".pt": _pt, ".pth": _pt}
"""Ending → reader."""
