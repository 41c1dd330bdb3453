"""Sub- and superscripts in plain sentences: rooms write K_A, R0, w_k and e^{−b}; a page shows them as they are meant."""

import re
from html import escape

from markupsafe import Markup

from layerpeel.pages.text import printable

_SUPERSCRIPT = re.compile(r"\^(?:\{([^{}]*)\}|(−?-?\w+))")
_SUBSCRIPT = re.compile(r"(?<![^\W_])([^\W\d_][\u0300-\u036f]*)_(?:\{([^{}]*)\}|([^\W_ᵀ]+))")
_NUMBERED = re.compile(r"\b(R)([01])\b")


def typeset(text: str) -> Markup:
    """A sentence as HTML, with its subscripts and superscripts lowered and raised.

    Example:
        >>> print(typeset("K_A < R0 and e^{−m_B}, but not log_likelihood"))
        K<sub>A</sub> &lt; R<sub>0</sub> and e<sup>−m<sub>B</sub></sup>, but not log_likelihood
        >>> print(typeset("d̂_jᵀX"))
        d̂<sub>j</sub>ᵀX
    """
    text = _SUBSCRIPT.sub(lambda script: f"{script[1]}<sub>{script[2] or script[3]}</sub>", escape(printable(text), quote=False))
    text = _SUPERSCRIPT.sub(lambda script: f"<sup>{script[1] or script[2]}</sup>", text)
    return Markup(_NUMBERED.sub(r"\1<sub>\2</sub>", text))  # noqa: S704 - escaped above


def as_mathtext(text: str) -> str:
    r"""The same for a label of a figure, in matplotlib's notation.

    Example:
        >>> as_mathtext("K_A = 3, R0")
        '$\\mathregular{K_{A}}$ = 3, $\\mathregular{R_{0}}$'
    """
    text = _NUMBERED.sub(r"\1_\2", printable(text).replace("$", r"\$"))
    return _SUBSCRIPT.sub(lambda script: rf"$\mathregular{{{script[1]}_{{{script[2] or script[3]}}}}}$", text)
