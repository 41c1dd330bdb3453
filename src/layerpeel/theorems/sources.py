"""What the source documents say, sentence by sentence, and where each is: its rooms, its command, or the reason why there is neither."""

import textwrap
import tomllib
from itertools import zip_longest
from pathlib import Path

from pydantic import Field

from layerpeel.numerics import UnusableInput
from layerpeel.pages.output import text_table
from layerpeel.pages.records import Record, Result

HEAD = ("place", "what it says", "where it is")
WIDTHS = (32, 48, 56)
"""Columns of the printed table, in characters: with what separates them 140."""


class SourceDocument(Record):
    """A document that was read line by line."""

    name: str
    key: str = Field(description="In references.bib.")
    title: str


class SourceEntry(Record):
    """A claim, figure, experiment, remark or plan of a document, and where it is.

    Args:
        document: its name.
        place: slide, section, figure or equation.
        quote: its words.
        rooms: those that check it.
        command: what repeats it.
        reason: why there is neither, or what they lack where they do only a part.
        part: whether rooms or command do less than the quote says.
    """

    document: str
    place: str
    quote: str
    rooms: tuple[str, ...] = ()
    command: str | None = None
    reason: str | None = None
    part: bool = False

    @property
    def where(self) -> str:
        """Rooms, command and reason in one line."""
        said = [", ".join(self.rooms), self.command or "", f"in part: {self.reason}" if self.part else self.reason or ""]
        return "; ".join(each for each in said if each)


class SourceIndex(Result):
    """Everything that documents say, in their order.

    Args:
        documents: those that are asked for.
        entries: what they say.
    """

    documents: tuple[SourceDocument, ...]
    entries: tuple[SourceEntry, ...]

    def to_text(self) -> str:
        """A heading and a table for each document."""
        return "\n\n".join(f"{each.name}: {each.title}\n\n{self._table(each)}" for each in self.documents)

    def _table(self, document: SourceDocument) -> str:
        rows = [(each.place, each.quote, each.where) for each in self.entries if each.document == document.name]
        return text_table(HEAD, [line for row in rows for line in _wrapped(row)])


def _wrapped(row: tuple[str, ...]) -> list[list[str]]:
    """The lines of a row whose cells are as wide as their columns."""
    cells = [textwrap.wrap(cell, width, break_on_hyphens=False) for cell, width in zip(row, WIDTHS, strict=True)]
    return [list(line) for line in zip_longest(*cells, fillvalue="")]


def source_index(key: str | None = None) -> SourceIndex:
    """What the source documents say, and where each sentence is: its rooms, its command, or the reason why there is neither.

    Args:
        key: of a source in references.bib, or the name of one of its documents; all of them unless given.

    Raises:
        UnusableInput: for a key without a document.

    Example:
        >>> index = source_index("su2024")
        >>> [entry.rooms for entry in index.entries if entry.quote.startswith("K equal-length vectors")]
        [('largest-equal-angle',)]
    """
    read = tomllib.loads(Path(__file__).with_name("sources.toml").read_text(encoding="utf-8"))
    documents = tuple(SourceDocument(**each) for each in read["document"])
    chosen = tuple(each for each in documents if key in {None, each.key, each.name})
    if not chosen:
        known = dict.fromkeys(name for each in documents for name in (each.key, each.name))
        raise UnusableInput(f"source {key!r} is not indexed: it must be one of {', '.join(known)}; choose one of these.")
    names = {each.name for each in chosen}
    return SourceIndex(documents=chosen, entries=tuple(SourceEntry(**each) for each in read["entry"] if each["document"] in names))
