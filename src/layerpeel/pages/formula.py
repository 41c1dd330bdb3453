"""Formulas as inline SVG, drawn here so that the page needs no network and no TeX."""

import re
from html import escape

from ziamath.config import config
from ziamath.zmath import Latex

_DISPLAY_SIZE = 17.0
"""Font size in CSS pixels: the page's body text, so that a formula stands level with the words around it."""

_SYMBOL = re.compile(r'<symbol id="([^"]*)" viewBox="([^"]*)"><path d="([^"]*)" */></symbol>')
_BLANK = re.compile(r"<symbol [^>]*/>")
_USE = re.compile(r'<use href="#([^"]*)" x="([^"]*)" y="([^"]*)" width="[^"]*" height="([^"]*)" fill="currentColor" */>')
_SPACE = re.compile(r"(?<=[A-Za-z]) | (?=[A-Za-z-])")


def formula_svg(latex: str) -> str:
    r"""LaTeX as SVG in the colour of the surrounding text; as code where it cannot be parsed.

    Example:
        >>> formula_svg(r"x^2").startswith("<svg")
        True
        >>> formula_svg(r"\frac{")
        '<code>\\frac{</code>'
    """
    return _drawn(latex, shared=False)


class Glyphs:
    r"""The glyphs that the formulas of one page share: each is drawn once.

    Example:
        >>> glyphs = Glyphs()
        >>> glyphs.formula("x + x").count("<path"), glyphs.definitions().count("<path")
        (0, 2)
    """

    def __init__(self) -> None:
        self._paths: dict[str, tuple[str, str, list[float]]] = {}

    def formula(self, latex: str) -> str:
        """As `formula_svg`, of glyphs that `definitions` holds."""
        drawn = _drawn(latex, shared=True)
        for name, box, path in _SYMBOL.findall(drawn):
            self._paths.setdefault(name, (f"g{len(self._paths)}", _SPACE.sub("", path).strip(), [float(end) for end in box.split()]))
        return _USE.sub(self._placed, _BLANK.sub("", _SYMBOL.sub("", drawn))).replace("<svg ", '<svg fill="currentColor" ', 1)

    def _placed(self, use: re.Match[str]) -> str:
        if use[1] not in self._paths:  # a blank
            return ""
        name, _, (left, top, _, height) = self._paths[use[1]]
        scale = float(use[4]) / height
        x, y = float(use[2]) - left * scale, float(use[3]) - top * scale
        return f'<use href="#{name}" transform="matrix({scale:.4g} 0 0 {scale:.4g} {x:.2f} {y:.2f})"/>'

    def definitions(self) -> str:
        """The glyphs of all formulas so far, as an element that shows nothing."""
        paths = "".join(f'<path id="{name}" d="{path}"/>' for name, path, _ in self._paths.values())
        return f'<svg width="0" height="0" class="glyphs" aria-hidden="true"><defs>{paths}</defs></svg>'


def _drawn(latex: str, *, shared: bool) -> str:
    config.svg2 = shared  # glyphs as paths in place, or as symbols with ids
    try:
        drawing = Latex(latex, size=_DISPLAY_SIZE, color="currentColor").svg()
    except Exception:  # noqa: BLE001 - the parser's errors are of many types, and each means: show the source instead
        return f"<code>{escape(latex)}</code>"
    finally:
        config.svg2 = False
    return drawing.replace("<svg ", f'<svg role="img" aria-label="{escape(latex)}" ', 1)
