"""Formulas of the documentation as SVG, by the project's own drawing: the pages need no script and no network."""

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

from layerpeel.pages.formula import formula_svg


def _inline(writer: Any, node: nodes.math) -> None:
    writer.body.append(f'<span class="formula">{formula_svg(node.astext())}</span>')
    raise nodes.SkipNode


def _block(writer: Any, node: nodes.math_block) -> None:
    writer.body.append(f'<div class="formula" tabindex="0">{formula_svg(node.astext())}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the renderer that conf.py names."""
    app.add_html_math_renderer("paths", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
