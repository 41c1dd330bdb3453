"""Formulas as inline SVG, drawn here so that the page needs no network and no TeX."""

from html import escape

from ziamath.config import config
from ziamath.zmath import Latex

_DISPLAY_SIZE = 17.0
"""Font size in CSS pixels: the page's body text, so that a formula stands level with the words around it."""


def formula_svg(latex: str) -> str:
    r"""LaTeX as SVG in the colour of the surrounding text; as code where it cannot be parsed.

    Example:
        >>> formula_svg(r"x^2").startswith("<svg")
        True
        >>> formula_svg(r"\frac{")
        '<code>\\frac{</code>'
    """
    config.svg2 = False  # glyphs as paths in place: symbols with ids would collide between formulas on one page
    try:
        drawing = Latex(latex, size=_DISPLAY_SIZE, color="currentColor").svg()
    except Exception:  # noqa: BLE001 - the parser's errors are of many types, and each means: show the source instead
        return f"<code>{escape(latex)}</code>"
    return drawing.replace("<svg ", f'<svg role="img" aria-label="{escape(latex)}" ', 1)
