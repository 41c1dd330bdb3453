"""Files that are written whole or not at all."""

import errno
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tokenize import TokenError

from layerpeel.numerics import UnusableInput
from layerpeel.pages.stopping import SystemRefused

REFUSALS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EPIPE}
"""Errors that another path would not mend."""

REPORT_FILES = ("report.json", "report.md", "report.html", "report.tex", "report.bib", "junit.xml", "badge.json", "badge.svg")
"""All that a report directory holds; anything else in it is foreign and is never touched."""

DAMAGED = (zipfile.BadZipFile, zlib.error, TokenError, ArithmeticError, AttributeError, EOFError, LookupError)
DAMAGED += (MemoryError, RuntimeError, SyntaxError, TypeError, ValueError)
"""What zipfile and NumPy raise for a damaged archive, besides OSError: flipped bits reach their parsers, sizes and flags."""


def require_regular(path: Path, what: str) -> None:
    """Check that a file has an end: devices do not. A path that does not exist, or a directory, is for `open` to refuse.

    Raises:
        UnusableInput: for a device or a socket.
        OSError: when nobody can say.
    """
    kind = path.stat().st_mode
    if not (stat.S_ISREG(kind) or stat.S_ISFIFO(kind) or stat.S_ISDIR(kind)):
        raise UnusableInput(f"{what} is no regular file: it must be a file with an end; check the path.")


def read_small(path: Path, what: str, *, largest: int) -> bytes:
    """The content of a file that is known to be small; never more of it in memory than is allowed.

    Args:
        path: a regular file, or a pipe.
        what: its name in the refusal.
        largest: bytes.

    Raises:
        UnusableInput: for a device, or a file that is larger.
        OSError: when it cannot be opened or read.
    """
    require_regular(path, what)
    with path.open("rb") as file:
        content = file.read(largest + 1)
    if len(content) > largest:
        raise UnusableInput(f"{what} has more than {largest} bytes: no such file is that large; check that it is the right one.")
    return content


def require_report_directory(directory: Path, what: str = "directory") -> None:
    """Make sure, before minutes of work, that a report can be written there; creates nothing.

    Args:
        directory: new, empty, or with a report in it.
        what: its name in a refusal.

    Raises:
        UnusableInput: when the path is a file, cannot be written, or is a directory that holds anything but a report.
    """
    with _written(what, directory):
        if directory.is_dir():
            ours = {*REPORT_FILES, *map(_partial_name, REPORT_FILES)}
            foreign = sorted(path.name for path in directory.iterdir() if path.name not in ours or not path.is_file())
            if foreign:
                raise UnusableInput(
                    f"{what} {directory} holds files that are not a report's ({', '.join(foreign[:3])}{', …' if foreign[3:] else ''}): "
                    "a report directory holds nothing else; name a new or empty directory."
                )
        elif directory.exists():
            raise UnusableInput(f"{what} {directory} is a file: a report is a directory of its own; name a directory.")
        _require_writable(directory)


def require_directory(directory: Path, what: str = "directory") -> None:
    """Make sure, before minutes of work, that files can be written there; creates nothing.

    Args:
        directory: new or not.
        what: its name in a refusal.

    Raises:
        UnusableInput: when the path is a file or cannot be written.
    """
    with _written(what, directory):
        if directory.exists() and not directory.is_dir():
            raise UnusableInput(f"{what} {directory} is a file: several files are written there; name a directory.")
        _require_writable(directory)


def require_archive(path: Path, what: str = "file") -> None:
    """Make sure that a NumPy archive can be written there; creates nothing.

    Args:
        path: new or not.
        what: its name in a refusal.

    Raises:
        UnusableInput: when the name does not end in .npz, or the place cannot be written.
    """
    if path.suffix != ".npz":
        raise UnusableInput(f"{what} {path} does not end in .npz: the solution is saved as a NumPy archive; give the file that ending.")
    with _written(what, path):
        if path.is_dir():
            raise UnusableInput(f"{what} {path} is a directory: the solution is saved as one file; name a file in it.")
        if not path.parent.is_dir():
            raise UnusableInput(f"{what} {path} lies in no existing directory: {path.parent} must exist; create it first.")
        _require_writable(path.parent)


def require_file(path: Path, what: str = "file") -> None:
    """Make sure, before minutes of work, that a file can be written there; creates nothing.

    Args:
        path: new or not; its folders are made when it is written.
        what: its name in a refusal.

    Raises:
        UnusableInput: when the path is a directory, or the place cannot be written.
    """
    with _written(what, path):
        if path.is_dir():
            raise UnusableInput(f"{what} {path} is a directory: one file is written; name a file in it.")
        _require_writable(path.parent)


def _require_writable(directory: Path) -> None:
    existing = next(place for place in (directory, *directory.absolute().parents) if place.exists())
    with tempfile.TemporaryFile(dir=existing):
        pass


@contextmanager
def _written(what: str, path: Path) -> Generator[None]:
    """What the operating system refuses becomes a sentence about what was to be written."""
    try:
        yield
    except OSError as error:
        if error.errno in REFUSALS:
            raise SystemRefused(f"{what} {path} cannot be written ({error.strerror}): make room, or name another place.") from error
        raise UnusableInput(
            f"{what} {path} cannot be written ({error.strerror}): it must be a place you may write to; name another."
        ) from error


def write_whole(contents: Mapping[Path, Callable[[Path], object]], what: str = "file") -> None:
    """Write every file under a temporary name beside its place, and put all in place only when all are complete.

    Args:
        contents: for each path, a function that writes the content into the path it is given.
        what: the name of each in a refusal.

    Raises:
        UnusableInput: when a file cannot be written there; nothing half-written is left behind.
        SystemRefused: when the system has no room for it.
    """
    partial = {path: path.with_name(_partial_name(path.name)) for path in contents}
    try:
        for path, write in contents.items():
            with _written(what, path):
                path.parent.mkdir(parents=True, exist_ok=True)
                write(partial[path])
        for path, temporary in partial.items():
            with _written(what, path):
                temporary.replace(path)
    finally:
        for temporary in partial.values():
            with suppress(OSError):
                temporary.unlink()


def _partial_name(name: str) -> str:
    """A hidden sibling with the same suffix, because NumPy appends its own to any other name."""
    path = Path(name)
    return f".{path.stem}.partial{path.suffix}"
