"""The results of one run as an HTML page that needs nothing else: figures with their captions, and a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from layerpeel.numerics import Drawing
from layerpeel.pages.output import number
from layerpeel.pages.page import figure_element, page
from layerpeel.pages.typography import typeset

MOST_ROWS, MOST_VALUES = 200, 12
"""Rows of a table, and values of a list in one cell; of more, the ends, or the first, are shown."""


@dataclass(frozen=True, kw_only=True)
class PageTable:
    """A further table of a page, with its heading; rows of a name and a value need no names of columns."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


def paragraphs(text: str) -> list[tuple[bool, str]]:
    r"""Plain text as paragraphs: each line is one, and neighbours whose columns are kept apart by blanks are one together, marked by True.

    Example:
        >>> paragraphs("R   12\nR0  5\n\nThey collapse.")
        [(True, 'R   12\nR0  5'), (False, 'They collapse.')]
    """
    blocks: list[tuple[bool, str]] = []
    for block in text.split("\n\n"):
        for columns, neighbours in groupby(filter(str.strip, block.split("\n")), lambda line: "  " in line or line.startswith("…")):
            lines = list(neighbours)
            blocks += [(True, "\n".join(lines))] if columns else [(False, line) for line in lines]
    return blocks


def tables_of(content: Mapping[str, Any]) -> list[PageTable]:
    """The keys of a JSON as tables: single values first, then a table for each object and each list of objects; not what is empty.

    Example:
        >>> [table.title for table in tables_of({"by": "weights", "groups": [{"classes": 5}], "plan": {"floor": 20.0}})]
        ['Result', 'Groups', 'Plan']
    """
    content = {name: value for name, value in content.items() if not _empty(value)}
    single = {name: value for name, value in content.items() if not isinstance(value, dict) and not _objects(value)}
    parts = [_pairs("result", single)] if single else []
    for name, value in content.items():
        if isinstance(value, dict):
            parts.append(_pairs(name, value))
        elif _objects(value):
            head = list(dict.fromkeys(key for row in value for key, cell in row.items() if not _empty(cell)))
            parts.append(
                shortened(_words(name), [key.replace("_", " ") for key in head], [[_cell(row.get(key)) for key in head] for row in value])
            )
    return parts


def shortened(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> PageTable:
    """A table with the first and the last rows of many."""
    if len(rows) > MOST_ROWS:
        end = MOST_ROWS // 2
        rows = [*rows[:end], [f"… {len(rows) - 2 * end} more", *[""] * (len(head) - 1)], *rows[-end:]]
    return PageTable(title=title, head=head, rows=rows)


def _empty(value: Any) -> bool:
    return value is None or value in ([], {})


def _objects(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _pairs(name: str, content: Mapping[str, Any]) -> PageTable:
    rows = [[key.replace("_", " "), _cell(value)] for key, value in content.items() if key != "schema_version" and not _empty(value)]
    return PageTable(title=_words(name), head=[], rows=rows)


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _cell(value: Any) -> str:
    """One value, or the first of many."""
    if isinstance(value, list):
        return ", ".join([*map(_cell, value[:MOST_VALUES]), *(["…"] if len(value) > MOST_VALUES else [])])
    if isinstance(value, dict):
        return ", ".join(f"{key.replace('_', ' ')} {_cell(item)}" for key, item in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else number(value)


def results_page(
    title: str,
    subtitle: str,
    figures: Sequence[Drawing],
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    further: Sequence[PageTable] = (),
    text: str = "",
) -> str:
    """A self-contained page in the style of the report.

    Args:
        title: heading.
        subtitle: one line below it.
        figures: drawn one below the other.
        head: names of the columns.
        rows: cells as they are shown.
        further: tables below the results.
        text: what is said first: a paragraph for each line, and lines with columns as they stand.

    Example:
        >>> ">0.5</td>" in results_page("A run", "of nothing", [], ["ratio"], [["0.5"]])
        True
    """
    return page(
        Path(__file__).with_name("results.html.j2"),
        title=title,
        subtitle=subtitle,
        figures=figures,
        head=head,
        rows=rows,
        further=further,
        paragraphs=paragraphs(text),
        figure=figure_element,
        typeset=typeset,
    )
