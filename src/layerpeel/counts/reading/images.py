"""Counts the images of each class: of a list with one image in each line, or of a directory with one folder per class."""

import csv
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from layerpeel.counts.reading.columns import LABELS, column_of, is_running, words_of
from layerpeel.numerics import UnusableInput

SUFFIXES = (
    *("jpg", "jpeg", "png", "bmp", "gif", "tif", "tiff", "webp", "jpe", "jfif", "ppm", "pgm", "pbm", "pnm", "jp2", "heic", "avif"),
    *("npy", "npz", "pt", "mat", "dcm", "nii", "nii.gz", "wav", "flac", "mp3", "ogg", "mp4", "avi", "mkv", "mov", "webm"),
)
"""By which a path is told from a name."""

SPLITS = frozenset(("train", "training", "val", "valid", "validation", "test", "testing", "dev", "eval", "trainval", "holdout"))
"""Folders that are no classes."""

MOST_CLASSES = 10**6
"""More are no classes, but something else; and they would not fit into memory."""

SAMPLE = 50
"""Lines by which a list is told from a table."""

_DOTTED = tuple(f".{suffix}" for suffix in SUFFIXES)
_PATH = tuple(written for suffix in _DOTTED for written in (suffix, suffix.upper()))
_ANY = "|".join(map(re.escape, _DOTTED))
_PATH_LABEL = re.compile(rf"(.*(?:{_ANY}))[\"']?\s+(\S.*)", re.IGNORECASE)
_LABEL_PATH = re.compile(rf"(\d+)\s+(\S.*(?:{_ANY}))", re.IGNORECASE)


class Layout(NamedTuple):
    """How a line names an image and its class.

    Args:
        delimiter: between columns; None for blanks.
        label: column of the class, from 0 on; None where the class is the folder of the image.
        path: column of the image.
        header: whether the first line names columns.
    """

    delimiter: str | None
    label: int | None
    path: int = 0
    header: bool = False


def require_few(classes: int, what: str) -> None:
    """Check that a table holds no more classes than there can be.

    Raises:
        UnusableInput: otherwise.
    """
    if classes > MOST_CLASSES:
        raise UnusableInput(f"{what} holds more than {MOST_CLASSES} rows: it must have one row per class; check that it is the right file.")


def list_layout(beginning: Sequence[str], column: str | None, what: str) -> Layout | None:
    """How a list of images is laid out, by its first lines; None for what is no such list.

    Raises:
        UnusableInput: for a list whose column of classes cannot be told.
    """
    lines = [line for line in beginning if line.strip() and not line.startswith("#")][:SAMPLE]
    if not lines or lines[0].lstrip().startswith(("{", "[")):
        return None
    for delimiter in "\t;,":
        if all(delimiter in line for line in lines):
            rows = list(csv.reader(lines, delimiter=delimiter, skipinitialspace=True))
            paths = [c for c in range(min(map(len, rows))) if all(_is_path(row[c]) for row in rows[1:] or rows)]
            if paths:
                header = not _is_path(rows[0][paths[0]])
                return Layout(delimiter, _label_column(rows, paths, column, what, header=header), paths[0], header)
    for header in (False, True):
        layout = _blank_layout(lines[header:], header=header)
        if layout is not None:
            return layout
    return None


def _is_path(cell: str) -> bool:
    return cell.strip().lower().endswith(_DOTTED)


def _label_column(rows: list[list[str]], paths: list[int], column: str | None, what: str, *, header: bool) -> int | None:
    width = min(map(len, rows))
    names = rows[0][:width] if header else [""] * width
    if column is not None:
        return column_of(column, names, what)
    body = rows[header:]
    others = [c for c in range(width) if c not in paths and any(row[c].strip() for row in body)]
    others = others if len(others) < 2 else [c for c in others if not is_running([row[c] for row in body])]
    if not others:
        return None
    said = [c for c in others if set(words_of(names[c])) & LABELS]
    chosen = said or others
    if len(chosen) > 1:
        listed = ", ".join(names[c].strip() or str(c + 1) for c in chosen)
        raise UnusableInput(f"{what} lists images with columns {listed}: one of them must hold the class; name it with --column.")
    return chosen[0]


def _blank_layout(lines: Sequence[str], *, header: bool) -> Layout | None:
    if not lines:
        return None
    ends = [_is_path(line) for line in lines]
    if all(ends):
        if all(_LABEL_PATH.fullmatch(line.strip()) for line in lines):
            return Layout(None, 0, 1, header)
        return Layout(None, None, 0, header) if all("/" in line or "\\" in line for line in lines) else None
    return Layout(None, 1, 0, header) if all(_PATH_LABEL.fullmatch(line.strip()) for line in lines) else None


def count_list(lines: Iterator[str], layout: Layout, what: str) -> dict[str, int]:
    """Images of each class, in the order of the classes: numbers by size, then names by letters.

    Raises:
        UnusableInput: for a line without an image or its class; names the line.
    """
    counts: dict[str, int] = {}
    if layout.delimiter is not None:
        labels = _delimited_labels(lines, layout, what)
    elif layout.label is None:
        labels = _folders(lines, layout, what)
    else:
        labels = _blank_labels(lines, layout, what)
    for label in labels:
        counts[label] = counts.get(label, 0) + 1
        if len(counts) > MOST_CLASSES:
            raise UnusableInput(f"{what} names more than {MOST_CLASSES} classes: that is no column of classes; name another with --column.")
    if layout.label is None and len(counts) == 1:
        raise UnusableInput(
            f"{what} lists images that all lie in one folder, {next(iter(counts))!r}: without labels the folder of an image is its class; "
            "add a column of labels, or give counts."
        )
    return dict(sorted(counts.items(), key=lambda item: _place(item[0])))


def _place(label: str) -> tuple[int, int, str]:
    number = label.isascii() and label.isdigit() and len(label) <= 18
    return (0, int(label), label) if number else (1, 0, label)


def _delimited_labels(lines: Iterator[str], layout: Layout, what: str) -> Iterator[str]:
    delimiter = layout.delimiter or ","
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    skip, column, path = layout.header, layout.path if layout.label is None else layout.label, layout.path
    try:
        for row in reader:
            if not row or row[0].startswith("#") or not any(row):
                continue
            if skip:
                skip = False
                continue
            label = row[column].strip() if len(row) > column else ""
            if not label or len(row) <= path or not row[path]:
                raise _unreadable(what, reader.line_num, delimiter.join(row))
            yield _folder(label, reader.line_num, what) if layout.label is None else label
    except csv.Error as error:
        raise UnusableInput(f"{what} is not CSV at line {reader.line_num} ({error}): export it as CSV.") from error


def _blank_labels(lines: Iterable[str], layout: Layout, what: str) -> Iterator[str]:
    skip, first = layout.header, layout.label == 0
    pattern, place = (_LABEL_PATH, 1) if first else (_PATH_LABEL, 2)
    for number, line in enumerate(lines, start=1):
        parts = line.rsplit(None, 1)
        if not parts or line.startswith("#"):
            continue
        if skip:
            skip = False
        elif not first and len(parts) == 2 and parts[0].endswith(_PATH):
            yield parts[1]
        elif match := pattern.fullmatch(line.strip()):
            yield match[place]
        else:
            raise _unreadable(what, number, line)


def _folders(lines: Iterable[str], layout: Layout, what: str) -> Iterator[str]:
    skip = layout.header
    for number, line in enumerate(lines, start=1):
        if not line or line.isspace() or line.startswith("#"):
            continue
        if skip:
            skip = False
            continue
        yield _folder(line.strip(), number, what)


def _folder(path: str, number: int, what: str) -> str:
    parts = path.replace("\\", "/").rsplit("/", 2)
    if len(parts) < 2 or not parts[-2]:
        raise _unreadable(what, number, path)
    return parts[-2]


def _unreadable(what: str, number: int, line: str) -> UnusableInput:
    return UnusableInput(
        f"{what}, line {number}: {line.strip()[:60]!r} does not name an image and its class as the lines before it do; correct the line."
    )


def count_directory(directory: Path, what: str) -> dict[str, int]:
    """Files of each class in a directory with one folder per class: its images, or all its files where there are none.

    Raises:
        UnusableInput: for a directory without such folders, or with an empty one.
    """
    try:
        with os.scandir(directory) as entries:
            folders = sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith("."))
    except OSError as error:
        raise UnusableInput(f"{what} cannot be read ({error.strerror}): it must be a directory with one folder per class.") from error
    if not folders:
        raise UnusableInput(f"{what} is a directory without folders: it must hold one folder per class; name another, or a counts file.")
    if {folder.lower() for folder in folders} <= SPLITS:
        raise UnusableInput(
            f"{what} holds the folders {', '.join(folders)}, which are no classes: it must hold one folder per class; name one of them, "
            f"say {directory / folders[0]}."
        )
    counted = {folder: _files(directory / folder) for folder in folders}
    images = any(pictures for pictures, _ in counted.values())
    counts = {folder: pictures if images else files for folder, (pictures, files) in counted.items()}
    for folder, count in counts.items():
        if count == 0:
            raise UnusableInput(
                f"{what}, folder {folder} holds no {'images' if images else 'files'}: each class needs a sample; fill the folder, or leave "
                f"it out with --drop-row {folder}."
            )
    return dict(sorted(counts.items(), key=lambda item: _place(item[0])))


def _files(folder: Path) -> tuple[int, int]:
    """How many images and how many files lie below."""
    images = files = 0
    for _, _, names in os.walk(folder):
        shown = [name for name in names if not name.startswith(".")]
        files += len(shown)
        images += sum(_is_path(name) for name in shown)
    return images, files
