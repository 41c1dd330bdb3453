"""The report as one HTML page that needs nothing else, from the JSON model only."""

from pathlib import Path

from markupsafe import Markup

from layerpeel.pages.formula import formula_svg
from layerpeel.pages.page import figure_element, page
from layerpeel.pages.typography import typeset
from layerpeel.theorems.report.reading import headline, how_measured, origin_of, own_origin, pair_numbers, relation, sharpness, summary_line
from layerpeel.theorems.report.report import Report

LONGEST_OPEN_TABLE = 6
"""Tables of more rows than this are folded."""


def render_html(report: Report) -> str:
    """A self-contained page: formulas and figures are inline SVG, styles are inline, nothing is loaded.

    The template and the page's content-security policy both forbid scripts and outside resources.
    """
    return page(
        Path(__file__).with_name("report.html.j2"),
        report=report,
        headline=headline(report.summary, report.rooms),
        summary_line=summary_line(report.summary, report.rooms),
        origin_of=origin_of,
        own_origin=own_origin,
        how_measured=how_measured,
        sharpness=sharpness,
        pair_numbers=pair_numbers,
        relation=relation,
        formula=_formula,
        figure=figure_element,
        typeset=typeset,
        longest_open_table=LONGEST_OPEN_TABLE,
    )


def _formula(latex: str) -> Markup:
    return Markup(formula_svg(latex))  # noqa: S704 - glyph paths, or escaped source
