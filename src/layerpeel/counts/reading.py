"""Reads which classes there are and how many samples each has, from `--groups` or from a counts file."""

import csv
import re
from pathlib import Path

from layerpeel.numerics import UnusableInput
from layerpeel.pages.files import read_small

COUNT_COLUMNS = ("samples", "count", "counts")
"""Headers under which a counts file may name its column of samples per class."""

LARGEST_COUNTS = 10**8
"""Bytes of a counts file: a million classes with long names."""

_GROUP = re.compile(r"\s*(\d{1,18})\s*x\s*(\d{1,18})\s*", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)


def parse_groups(text: str) -> list[tuple[int, int]]:
    """Groups as (classes, samples).

    Raises:
        UnusableInput: when the text is not a list of CLASSESxSAMPLES.

    Example:
        >>> parse_groups("5x100,5x10")
        [(5, 100), (5, 10)]
    """
    groups: list[tuple[int, int]] = []
    for part in text.split(","):
        match = _GROUP.fullmatch(part)
        if match is None:
            raise UnusableInput(
                f"--groups {text!r} cannot be read at {part!r}: each group is CLASSESxSAMPLES in whole numbers; "
                "write, say, 5x100,5x10 for five classes of 100 samples and five of 10."
            )
        groups.append((int(match[1]), int(match[2])))
    return groups


def read_counts(path: Path) -> list[int]:
    """Samples per class from a CSV file: one column of whole numbers, or a header with a column named samples.

    Raises:
        UnusableInput: when the file cannot be read as such; names the line.
    """
    rows = [(number, [cell.strip() for cell in row]) for number, row in _numbered_rows(path) if any(cell.strip() for cell in row)]
    if not rows:
        raise UnusableInput(f"counts file {path} is empty: it needs one row per class with its number of samples; add them.")
    first_number, first = rows[0]
    named = [index for index, cell in enumerate(first) if cell.lower() in COUNT_COLUMNS]
    if named:
        rows = rows[1:]
    elif len(first) > 1:
        raise UnusableInput(
            f"counts file {path} has {len(first)} columns, and line {first_number} names none of them {' or '.join(COUNT_COLUMNS)}: "
            "the column of counts must be known; add such a header, or keep only that column."
        )
    if not rows:
        raise UnusableInput(f"counts file {path} is empty below its header: it needs one row per class; add them.")
    for number, row in rows:
        if any(row[len(first) :]):
            raise UnusableInput(
                f"counts file {path}, line {number} has {len(row)} columns and line {first_number} has {len(first)}: a comma inside a "
                "number splits it in two; write numbers without commas, one row per class."
            )
    return [_count(path, number, row, named[0] if named else 0) for number, row in rows]


def _numbered_rows(path: Path) -> list[tuple[int, list[str]]]:
    try:
        text = read_small(path, f"counts file {path}", largest=LARGEST_COUNTS).decode("utf-8-sig")
    except OSError as error:
        raise UnusableInput(f"counts file {path} cannot be read ({error.strerror}): it must be a CSV file; check the path.") from error
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise UnusableInput(f"counts file {path} is not text: it must be a CSV file of whole numbers; export it as CSV.")
    reader = csv.reader(text.splitlines(), skipinitialspace=True)
    try:
        return [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise UnusableInput(f"counts file {path} is not CSV at line {reader.line_num} ({error}): export it as CSV.") from error


def _count(path: Path, number: int, row: list[str], column: int) -> int:
    cell = row[column] if column < len(row) else ""
    if len(cell) > 18 or _INTEGER.fullmatch(cell) is None or int(cell) < 1:
        raise UnusableInput(
            f"counts file {path}, line {number}: {cell[:40]!r} is not a count: samples per class are whole numbers of at least 1; "
            "correct the line."
        )
    return int(cell)
