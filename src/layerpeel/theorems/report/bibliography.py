"""Reads references.bib: as much BibTeX as a list of references needs."""

import re
from collections.abc import Mapping
from pathlib import Path

Entry = dict[str, str]
"""Fields of one reference by lower-case name."""

_ENTRY = re.compile(r"@(\w+)\s*\{\s*([^,\s]+)\s*,")
_FIELD = re.compile(r"\s*,?\s*([\w-]+)\s*=\s*")


def parse_bibtex(text: str) -> dict[str, Entry]:
    """Entries by key; braces may nest, values may stand in braces or quotes or be bare numbers.

    Example:
        >>> parse_bibtex('@article{su2024, author = {Su, W.}, title = "A {B} C", year = 2024}')["su2024"]["title"]
        'A B C'
    """
    entries: dict[str, Entry] = {}
    for head in _ENTRY.finditer(text):
        if head[1].lower() in {"comment", "string", "preamble"}:
            continue
        fields: Entry = {}
        position = head.end()
        while field := _FIELD.match(text, position):
            value, position = _value(text, field.end())
            fields[field[1].lower()] = value
        entries[head[2]] = fields
    return entries


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


def read_references(path: Path) -> dict[str, str]:
    """Full references by key; empty when there is no such file."""
    if not path.is_file():
        return {}
    return {key: format_reference(entry) for key, entry in parse_bibtex(path.read_text(encoding="utf-8")).items()}
