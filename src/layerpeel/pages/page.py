"""Pages from templates: one file each, nothing is loaded; a script runs where its hash is named."""

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from layerpeel.numerics import Drawing
from layerpeel.pages.figures import figure_svg
from layerpeel.pages.text import printable

STYLE = Path(__file__).with_name("page.css")
"""The one style that all pages have."""


def page(template: Path, *, styles: Sequence[Path] = (), scripts: Sequence[Path] = (), **content: Any) -> str:
    """A page from one of our templates, in the one style that all pages have.

    Its content-security policy names the hash of its style and of its script, so that a browser runs nothing else that may stand in it.

    Args:
        template: with the places `style`, `script` and `policy`.
        styles: files of further rules.
        scripts: files of plain JavaScript, run as one.
        content: what else the template asks for.
    """
    environment = Environment(
        loader=FileSystemLoader(template.parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    style = _joined((STYLE, *styles))
    script = f"(() => {{\n{_without_comments(_joined(scripts))}\n}})();" if scripts else ""
    policy = f"default-src 'none'; style-src {_hash(style)}; img-src data:" + (f"; script-src {_hash(script)}" if script else "")
    ours = {"style": Markup(style), "script": Markup(script), "policy": Markup(policy)}  # noqa: S704 - our own files
    return printable(environment.get_template(template.name).render(**ours, **content))


def _joined(files: Sequence[Path]) -> str:
    return "".join(file.read_text(encoding="utf-8") for file in files)


def _without_comments(script: str) -> str:
    """The lines of a script without their indentation, and without those that are a comment."""
    lines = (line.strip() for line in script.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def _hash(text: str) -> str:
    """As a content-security policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def figure_element(figure: Drawing, identity: str) -> Markup:
    """A figure as an element of the page."""
    return Markup(figure_svg(figure, identity))  # noqa: S704 - matplotlib escapes the text that it draws
