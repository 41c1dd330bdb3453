"""The results of one run as an HTML page that needs nothing else: figures with their captions, and a table."""

from collections.abc import Sequence
from pathlib import Path

from layerpeel.numerics import Figure
from layerpeel.pages.page import figure_element, page
from layerpeel.pages.typography import typeset


def results_page(title: str, subtitle: str, figures: Sequence[Figure], head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A self-contained page in the style of the report.

    Args:
        title: heading.
        subtitle: one line below it.
        figures: drawn one below the other.
        head: names of the columns.
        rows: cells as they are shown.

    Example:
        >>> "<td>0.5</td>" in results_page("A run", "of nothing", [], ["ratio"], [["0.5"]])
        True
    """
    return page(
        Path(__file__).with_name("results.html.j2"),
        title=title,
        subtitle=subtitle,
        figures=figures,
        head=head,
        rows=rows,
        figure=figure_element,
        typeset=typeset,
    )
