"""A file that is opened once, and read whole where it is small or line by line where it is long."""

import codecs
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from layerpeel.numerics import UnusableInput
from layerpeel.pages.files import require_regular

LARGEST_COUNTS = 10**8
"""Bytes of a table of counts: a million classes with long names. A list of images may be longer: it is counted as it is read."""

HEAD = 1 << 16
"""Bytes by which a list of images is told from a table."""

BLOCK = 1 << 20
"""Bytes that are read at once."""

LONGEST_LINE = 10**6
"""Characters of a line of a list."""

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_NO_CONTROLS = dict.fromkeys(set(range(32)) - {9, 10, 12, 13})


@dataclass(frozen=True, eq=False)
class Stream:
    """An open file, of which the beginning is known.

    Args:
        file: what comes after the beginning.
        head: the beginning.
        encoding: by its byte order mark; UTF-8 without one.
        what: its name in a refusal.
    """

    file: BinaryIO
    head: bytes
    encoding: str
    what: str

    def beginning(self) -> list[str]:
        """The lines that the beginning holds whole."""
        text = self.head.decode(self.encoding, "ignore" if self.encoding == "utf-16" else "surrogateescape")
        lines = _universal(text).split("\n")
        return lines if len(self.head) < HEAD else lines[:-1]

    def text(self) -> str:
        """The whole content; UTF-8, or what a byte order mark says, or else the Western alphabet of Windows.

        Raises:
            UnusableInput: for a file that is too large, or no text.
        """
        content = self.head + self.file.read(max(LARGEST_COUNTS + 1 - len(self.head), 0))
        if len(content) > LARGEST_COUNTS:
            raise UnusableInput(
                f"{self.what} has more than {LARGEST_COUNTS} bytes: no such file is that large; check that it is the right one."
            )
        text = ""
        try:
            text = content.decode(self.encoding)
        except UnicodeDecodeError:
            if self.encoding == "utf-8":
                text = content.decode("cp1252", "replace")
            else:
                self._refuse()
        if text.translate(_NO_CONTROLS) != text:
            self._refuse()
        return _universal(text)

    def lines(self) -> Iterator[str]:
        """Every line, without its end; never more of the file in memory than a block and a line.

        Raises:
            UnusableInput: for a line that is too long, or no text.
        """
        decoder = codecs.getincrementaldecoder(self.encoding)("replace" if self.encoding == "utf-16" else "surrogateescape")
        pending, block = "", self.head
        while block:
            text = pending + decoder.decode(block)
            held = text[-1:] if text.endswith("\r") else ""  # half of an end of line, perhaps
            whole = _universal(text[: len(text) - len(held)])
            if "\0" in whole:
                self._refuse()
            *lines, pending = whole.split("\n")
            pending += held
            yield from lines
            if len(pending) > LONGEST_LINE:
                raise UnusableInput(
                    f"{self.what} has a line of more than {LONGEST_LINE} characters: a list has one image in each line; check that it is "
                    "the right file."
                )
            block = self.file.read(BLOCK)
        yield _universal(pending)

    def _refuse(self) -> None:
        raise UnusableInput(f"{self.what} is not text: it must be a table, a list or JSON; export it as CSV.")


@contextmanager
def opened(path: Path, what: str) -> Generator[Stream]:
    """Open a regular file, or a pipe, and read its beginning.

    Raises:
        UnusableInput: for a device, or a file that cannot be opened or read.
    """
    try:
        require_regular(path, what)
        with path.open("rb") as file:
            head = b""
            while len(head) < HEAD and (more := file.read(HEAD - len(head))):  # a pipe hands out less than it is asked for
                head += more
            encoding = next((name for mark, name in _MARKS if head.startswith(mark)), "utf-8")
            yield Stream(file, head, encoding, what)
    except OSError as error:
        raise UnusableInput(
            f"{what} cannot be read ({error.strerror}): it must be a table, a list, JSON, or a directory with one folder per class; check "
            "the path."
        ) from error


def _universal(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
