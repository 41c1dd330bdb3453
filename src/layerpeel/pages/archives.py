"""NumPy archives, read with a bound on memory (what a header announces is checked before it is unpacked), and written."""

import math
import zipfile
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import numpy as np

from layerpeel.numerics import UnusableInput, at_most, require_memory
from layerpeel.pages.files import DAMAGED, require_regular

LONGEST_HEADER = 10_000
"""Bytes of a header that NumPy itself is ready to read."""

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
        except OSError as error:
            raise UnusableInput(
                f"array {name} of {self.path} cannot be read ({error.strerror or error}): the file must stay readable; copy it elsewhere."
            ) from error
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
            content = at_most(member.read, size + 1)
            if len(content) != size:
                raise self._other_size(name, size, "more" if len(content) > size else f"{len(content)} bytes")
            return np.frombuffer(content, dtype).reshape(shape, order="F" if columns_first else "C")

    def require_content(self, name: str) -> None:
        """Check that a file is as long as its array's header says, before memory is taken for what it announces.

        Raises:
            UnusableInput: for a shorter one.
        """
        shape, _, dtype = self.header(name)
        size, held = math.prod(shape) * dtype.itemsize, self.file.getinfo(f"{name}.npy").file_size
        if held < size:
            raise self._other_size(name, size, f"less than {held} bytes")

    def parts(self, name: str, number: int) -> Iterator[np.ndarray]:
        """The numbers of an array one after the other, in that many equal parts, of which one at a time is in memory.

        Raises:
            UnusableInput: when it ends before its header says.
        """
        with self._opened(name) as member:
            shape, _, dtype = read_header(member)
            size = math.prod(shape) * dtype.itemsize
            for part in range(number):
                content = at_most(member.read, size // number)
                if len(content) != size // number:
                    raise self._other_size(name, size, f"{part * (size // number) + len(content)} bytes")
                yield np.frombuffer(content, dtype)

    def _other_size(self, name: str, announced: int, held: str) -> UnusableInput:
        return UnusableInput(
            f"array {name} of {self.path} cannot be read: its header announces {announced} bytes and it holds {held}; save it again."
        )


@contextmanager
def open_archive(path: Path, what: str, remedy: str) -> Generator[Archive]:
    """A NumPy archive; what is damaged in it is refused here, or when an array is read. What else the caller does is no matter of the file.

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
        file = zipfile.ZipFile(path)
    except DAMAGED as error:
        if isinstance(error, UnusableInput):
            raise
        if isinstance(error, zipfile.BadZipFile) and _is_one_array(path):
            raise UnusableInput(f"{what} holds one array: several are needed, by name; {remedy}.") from None
        raise UnusableInput(f"{what} is no sound .npz archive of plain arrays ({error}): {remedy}.") from None
    with file:
        yield Archive(path, file, what)


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


def archive_writer(arrays: Mapping[str, np.ndarray], *, compressed: bool) -> Callable[[Path], None]:
    """What writes arrays as `np.savez` does, which cannot take one that is called `file`, and in old releases does not close what fails.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     archive_writer({"file": np.arange(3)}, compressed=True)(Path(folder, "a.npz"))
        ...     np.load(Path(folder, "a.npz"))["file"].tolist()
        [0, 1, 2]
    """

    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED) as archive:
            for name, values in arrays.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                    np.lib.format.write_array(file, np.asarray(values), allow_pickle=False)

    return write
