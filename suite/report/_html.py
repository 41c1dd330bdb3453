"""The report as one HTML page that needs nothing else, from the JSON model only."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from suite._text import printable
from suite.report._figures import figure_svg
from suite.report._formula import formula_svg
from suite.report._model import FigureData, Report
from suite.report._reading import headline, origin_of, own_origin, pair_numbers, relation, sharpness, summary_line
from suite.report._typography import typeset

LONGEST_OPEN_TABLE = 6
"""Tables of more rows than this are folded."""


def render_html(report: Report) -> str:
    """A self-contained page: formulas and figures are inline SVG, styles are inline, nothing is loaded.

    The template and the page's content-security policy both forbid scripts and outside resources.
    """
    return page(
        "report.html.j2",
        report=report,
        headline=headline(report),
        summary_line=summary_line(report),
        origin_of=origin_of,
        own_origin=own_origin,
        sharpness=sharpness,
        pair_numbers=pair_numbers,
        relation=relation,
        formula=_formula,
        figure=figure_element,
        typeset=typeset,
        longest_open_table=LONGEST_OPEN_TABLE,
    )


def page(template: str, **content: Any) -> str:
    """A page from one of our templates, with the report's style."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    style = Markup(Path(__file__).with_name("report.css").read_text(encoding="utf-8"))  # noqa: S704 - our own file
    return printable(environment.get_template(template).render(style=style, **content))


def _formula(latex: str) -> Markup:
    return Markup(formula_svg(latex))  # noqa: S704 - glyph paths, or escaped source


def figure_element(figure: FigureData, identity: str) -> Markup:
    """A figure as an element of the page."""
    return Markup(figure_svg(figure, identity))  # noqa: S704 - matplotlib escapes the text that it draws
