"""The results of one run as an HTML page that needs nothing else: figures with their captions, and a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from layerpeel.numerics import Drawing
from layerpeel.pages.page import figure_element, page
from layerpeel.pages.typography import typeset


@dataclass(frozen=True, kw_only=True)
class PageTable:
    """A further table of a page, with its heading."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


def results_page(
    title: str,
    subtitle: str,
    figures: Sequence[Drawing],
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    further: Sequence[PageTable] = (),
) -> str:
    """A self-contained page in the style of the report.

    Args:
        title: heading.
        subtitle: one line below it.
        figures: drawn one below the other.
        head: names of the columns.
        rows: cells as they are shown.
        further: tables below the results.

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
        figure=figure_element,
        typeset=typeset,
    )
