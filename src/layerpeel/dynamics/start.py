"""Where the classes of a simulation start: class means, or the points of every class, from a file or an array."""

from pathlib import Path
from typing import Any

import numpy as np

from layerpeel.numerics import UnusableInput, require_memory
from layerpeel.pages.archives import open_archive
from layerpeel.pages.files import read_small

LARGEST = 1e150
"""Distances are squared, and the squares must be doubles."""

LARGEST_TABLE = 10**9
"""Bytes of a start in a .csv file; larger ones are archives."""

_REMEDY = "class means are K x P numbers, points K x n x P"


def read_start(path: Path) -> np.ndarray:
    """Class means (K × P) from a CSV file, or class means or points (K × n × P) from a NumPy archive, by the file's ending.

    A CSV file holds one row of P numbers for each class and no header, an archive one array of any name.

    Raises:
        UnusableInput: when the file cannot be read as such.
    """
    readers = {".csv": _read_table, ".npz": _read_archive}
    if path.suffix.lower() not in readers:
        raise UnusableInput(f"start {path} ends in neither .csv nor .npz: these two are read; export it as one of them.")
    try:
        require_memory(10.0 * path.stat().st_size, f"start {path}", "give fewer points")
        held = readers[path.suffix.lower()](path)
    except OSError as error:
        raise UnusableInput(f"start {path} cannot be read ({error.strerror or error}): it must be a file; check the path.") from error
    return as_start(held, f"start {path}")


def as_start(given: Any, what: str = "the start") -> np.ndarray:
    """Class means (K × P) or points (K × n × P) as doubles.

    Args:
        given: an array, or lists.
        what: its name in a refusal.

    Raises:
        UnusableInput: for other shapes, and for entries that are no numbers, not finite, or too large.

    Example:
        >>> as_start([[0, 1], [2, 3]]).shape
        (2, 2)
    """
    try:
        array = np.asarray(given)
    except ValueError:
        raise UnusableInput(f"{what} is no array: {_REMEDY}; correct it.") from None
    if array.dtype.kind not in "iuf" or array.ndim not in {2, 3} or 0 in array.shape:
        raise UnusableInput(f"{what} is {array.dtype} of shape {array.shape}: {_REMEDY}; correct it.")
    if not np.isfinite(array).all():
        place = tuple(np.argwhere(~np.isfinite(array))[0].tolist())
        raise UnusableInput(f"{what} holds {array[place]} at index {place}: all entries must be finite; correct it.")
    if np.abs(array.astype(float)).max() > LARGEST:
        raise UnusableInput(f"{what} holds entries beyond {LARGEST:g}: squared distances must be doubles; use a larger unit.")
    return array.astype(float)


def _read_table(path: Path) -> np.ndarray:
    try:
        text = read_small(path, f"start {path}", largest=LARGEST_TABLE).decode("utf-8-sig")
        lines = [line for line in text.splitlines() if line.strip()]
    except UnicodeDecodeError:
        raise UnusableInput(f"start {path} is not text: a .csv file holds a row of numbers for each class; export it as CSV.") from None
    if not lines:
        raise UnusableInput(f"start {path} is empty: it must hold a row of numbers for each class; add them.")
    try:
        return np.loadtxt(lines, delimiter=",", comments=None, ndmin=2)
    except ValueError as error:
        reason = str(error).partition(";")[0].rstrip(".")
        raise UnusableInput(f"start {path} is no table of numbers ({reason}): {_REMEDY}, without a header; correct it.") from None


def _read_archive(path: Path) -> np.ndarray:
    with open_archive(path, f"start {path}", "save it with np.savez again") as archive:
        if len(archive.names) != 1:
            raise UnusableInput(
                f"start {path} holds the arrays {archive.listed}: it must hold one; save it with np.savez(file, start=...)."
            )
        return archive.read(archive.names[0])
