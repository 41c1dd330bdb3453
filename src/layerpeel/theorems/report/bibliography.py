"""Reads references.bib: as much BibTeX as a list of references needs."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from layerpeel.theorems.report.model import Reference
from layerpeel.theory import Source

Entry = dict[str, str]
"""Fields of one reference by lower-case name."""

_ENTRY = re.compile(r"@(\w+)\s*\{\s*([^,\s]+)\s*,")
_FIELD = re.compile(r"\s*,?\s*([\w-]+)\s*=\s*")


@dataclass(frozen=True)
class Bibliography:
    """References by key: in full, and as they stand in their file.

    Args:
        full: authors, title, journal and year, by key.
        entries: BibTeX, by key.
    """

    full: Mapping[str, str]
    entries: Mapping[str, str]

    @classmethod
    def of(cls, text: str) -> Self:
        """The bibliography that a file's text holds."""
        return cls({key: format_reference(entry) for key, entry in parse_bibtex(text).items()}, bibtex_entries(text))

    @classmethod
    def read(cls, path: Path) -> Self:
        """That of a file; empty when there is no such file."""
        return cls.of(path.read_text(encoding="utf-8") if path.is_file() else "")

    def reference(self, source: Source) -> Reference:
        """A source with its reference in full."""
        key = source.key
        return Reference(key=key, locator=source.locator, reference=self.full.get(key, ""), bibtex=self.entries.get(key, ""))


def parse_bibtex(text: str) -> dict[str, Entry]:
    """Entries by key; braces may nest, values may stand in braces or quotes or be bare numbers.

    Example:
        >>> parse_bibtex('@article{su2024, author = {Su, W.}, title = "A {B} C", year = 2024}')["su2024"]["title"]
        'A B C'
    """
    return {head[2]: _fields(text, head.end())[0] for head in _heads(text)}


def bibtex_entries(text: str) -> dict[str, str]:
    """Entries by key, as they stand in the text.

    Example:
        >>> bibtex_entries("@misc{a, year = 2024} @misc{b, year = 2025}")["a"]
        '@misc{a, year = 2024}'
    """
    entries: dict[str, str] = {}
    for head in _heads(text):
        _, end = _fields(text, head.end())
        close = text.find("}", end)
        entries[head[2]] = text[head.start() : len(text) if close < 0 else close + 1]
    return entries


def _heads(text: str) -> list[re.Match[str]]:
    return [head for head in _ENTRY.finditer(text) if head[1].lower() not in {"comment", "string", "preamble"}]


def _fields(text: str, position: int) -> tuple[Entry, int]:
    """The fields that begin here, and the position after them."""
    fields: Entry = {}
    while field := _FIELD.match(text, position):
        value, position = _value(text, field.end())
        fields[field[1].lower()] = value
    return fields, position


def _value(text: str, start: int) -> tuple[str, int]:
    """The value that starts here, without its delimiters and inner braces, and the position after it."""
    if text[start] == "{":
        end = _closing_brace(text, start)
        return _plain(text[start + 1 : end]), end + 1
    if text[start] == '"':
        end = text.index('"', start + 1)
        return _plain(text[start + 1 : end]), end + 1
    end = next(position for position in range(start, len(text)) if text[position] in ",}\n")
    return _plain(text[start:end]), end


def _closing_brace(text: str, start: int) -> int:
    depth = 0
    for position in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        if depth == 0:
            return position
    raise ValueError(f"references: the brace opened at character {start} ({text[start : start + 40]!r}) is never closed; close it.")


def _plain(value: str) -> str:
    return " ".join(value.replace("{", "").replace("}", "").replace("--", "–").replace("~", " ").split())


def format_reference(entry: Mapping[str, str]) -> str:
    """One reference as a line of text: authors (year). Title. Where.

    Example:
        >>> format_reference({"author": "Fang, Cong and Su, Weijie", "title": "Layers", "journal": "PNAS", "volume": "118", "year": "2021"})
        'Cong Fang and Weijie Su (2021). Layers. PNAS 118.'
    """
    journal = entry.get("journal") or entry.get("booktitle") or entry.get("howpublished") or entry.get("publisher") or ""
    number = entry.get("volume", "") + (f"({entry['number']})" if "number" in entry else "")
    where = " ".join(part for part in (journal, number) if part)
    where = ", ".join(part for part in (where, entry.get("pages", ""), _identifier(entry)) if part)
    authors = _authors(entry.get("author", ""))
    head = f"{authors} ({entry['year']})" if "year" in entry else authors
    return " ".join(f"{part.rstrip('.')}." for part in (head, entry.get("title", ""), where) if part)


def _authors(names: str) -> str:
    people = [" ".join(reversed(name.split(", ", 1))) for name in names.split(" and ") if name]
    return ", ".join(people[:-1]) + (" and " if len(people) > 1 else "") + people[-1] if people else ""


def _identifier(entry: Mapping[str, str]) -> str:
    if "eprint" in entry:
        return f"arXiv:{entry['eprint']}"
    return f"doi:{entry['doi']}" if "doi" in entry else entry.get("url", "")
