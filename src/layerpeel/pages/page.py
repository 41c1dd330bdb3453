"""Pages from templates: one file each, nothing is loaded, no script."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from layerpeel.numerics import Drawing
from layerpeel.pages.figures import figure_svg
from layerpeel.pages.text import printable


def page(template: Path, **content: Any) -> str:
    """A page from one of our templates, in the one style that all pages have."""
    environment = Environment(
        loader=FileSystemLoader(template.parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    style = Markup(Path(__file__).with_name("page.css").read_text(encoding="utf-8"))  # noqa: S704 - our own file
    return printable(environment.get_template(template.name).render(style=style, **content))


def figure_element(figure: Drawing, identity: str) -> Markup:
    """A figure as an element of the page."""
    return Markup(figure_svg(figure, identity))  # noqa: S704 - matplotlib escapes the text that it draws
