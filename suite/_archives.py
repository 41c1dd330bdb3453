"""NumPy archives, read with a bound on memory: what an array's header announces is checked before any of it is unpacked."""

import math
import zipfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import numpy as np

from numerics import UnusableInput, require_memory
from suite._files import DAMAGED, require_regular

LONGEST_HEADER = 10_000
"""Bytes of a header that NumPy itself is ready to read."""

PIECE = 2**20
"""Bytes unpacked at once."""

MOST_NAMES = 8
"""Names of arrays that a refusal quotes."""

Header = tuple[tuple[int, ...], bool, Any]
"""Shape, whether columns stand first, and the type of the numbers."""


@dataclass(frozen=True)
class Archive:
    """The arrays of an open .npz file by name.

    Args:
        path: the file, for messages.
        file: the zip.
        what: its name in a refusal.
    """

    path: Path
    file: zipfile.ZipFile
    what: str

    @property
    def names(self) -> list[str]:
        """Names of the arrays, in the order of the file."""
        return [name.removesuffix(".npy") for name in self.file.namelist() if name.endswith(".npy")]

    @property
    def listed(self) -> str:
        """The first of them as a refusal quotes them."""
        names = self.names
        return ", ".join([*names[:MOST_NAMES], *(["…"] if names[MOST_NAMES:] else [])]) or "none"

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def header(self, name: str) -> Header:
        """Shape, order and type of an array, without its numbers."""
        with self._opened(name) as member:
            return read_header(member)

    @contextmanager
    def _opened(self, name: str) -> Generator[IO[bytes]]:
        try:
            with self.file.open(f"{name}.npy") as member:
                yield member
        except DAMAGED as error:
            if isinstance(error, UnusableInput):
                raise
            raise UnusableInput(
                f"array {name} of {self.path} cannot be read ({error}): the file is no sound .npz archive; save it again."
            ) from None

    def read(self, name: str) -> np.ndarray:
        """An array of numbers.

        Raises:
            UnusableInput: for other entries than numbers, more than fits in memory, or more or less than the header announces.
        """
        with self._opened(name) as member:
            shape, columns_first, dtype = read_header(member)
            if dtype.kind not in "biufcUS":
                raise UnusableInput(f"array {name} of {self.path} cannot be read: it holds entries of type {dtype}; save plain numbers.")
            size = math.prod(shape) * dtype.itemsize
            require_memory(2.0 * size, f"array {name} of {self.path}, whose header announces shape {shape},", "save a smaller one")
            content = at_most(member, size + 1)
        if len(content) != size:
            found = "more" if len(content) > size else f"{len(content)} bytes"
            raise UnusableInput(
                f"array {name} of {self.path} cannot be read: its header announces {size} bytes and it holds {found}; save it again."
            )
        return np.frombuffer(content, dtype).reshape(shape, order="F" if columns_first else "C")


@contextmanager
def open_archive(path: Path, what: str, remedy: str) -> Generator[Archive]:
    """A NumPy archive; what is damaged in it is refused, whenever it is found.

    Args:
        path: the file.
        what: its name in a refusal, such as "start start.npz".
        remedy: what to do about a damaged one.

    Raises:
        UnusableInput: for what is no sound archive.
        OSError: when it cannot be opened.
    """
    require_regular(path, what)
    try:
        with zipfile.ZipFile(path) as file:
            yield Archive(path, file, what)
    except DAMAGED as error:
        if isinstance(error, UnusableInput):
            raise
        if isinstance(error, zipfile.BadZipFile) and _is_one_array(path):
            raise UnusableInput(f"{what} holds one array: several are needed, by name; {remedy}.") from None
        raise UnusableInput(f"{what} is no sound .npz archive of plain arrays ({error}): {remedy}.") from None


def _is_one_array(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(6) == b"\x93NUMPY"


def read_header(member: IO[bytes]) -> Header:
    """The header of an array, of which no more is read than is legal.

    Raises:
        ValueError: when there is none.
    """
    start = member.read(12)
    version = tuple(start[6:8])
    if start[:6] != b"\x93NUMPY" or version not in {(1, 0), (2, 0)}:
        raise ValueError("an array in it does not begin as one does")
    length = 10 + int.from_bytes(start[8:10], "little") if version == (1, 0) else 12 + int.from_bytes(start[8:12], "little")
    if length > LONGEST_HEADER:
        raise ValueError(f"the header of an array has {length} bytes")
    head = BytesIO(start + member.read(length - len(start)))
    np.lib.format.read_magic(head)
    return (np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0)(head)


def at_most(content: IO[bytes], size: int) -> bytearray:
    """The next bytes, as many as there are or as were asked for; memory grows with what is there."""
    found = bytearray()
    while len(found) < size and (piece := content.read(min(PIECE, size - len(found)))):
        found += piece
    return found
