"""Text that came from outside, as Markdown: it is read as it was written, and marks up nothing."""

import re
from html import escape
from urllib.parse import quote

from layerpeel.pages.text import one_line

_MARKS = re.compile(r"[\\`*~$]|(?<!\w)_|_(?!\w)|!(?=\[)|\](?=[(\[:])")
_LINE_STARTS = re.compile(r"#{1,6}(?=\s)|[+\-](?=\s)|[=\-]+$|\d+[.)](?=\s)")
_BRACKETS = re.compile(r"(?<!\\)[\[\]]")


def plain(text: str) -> str:
    r"""A sentence as Markdown text: marks and HTML are escaped, subscripts such as K_A and brackets of intervals stay as they are.

    Example:
        >>> plain("K_A in [0, 1], not <b> or [a](b) or *c*")
        'K_A in [0, 1], not &lt;b&gt; or [a\\](b) or \\*c\\*'
    """
    escaped = escape(_MARKS.sub(r"\\\g<0>", one_line(text)), quote=False)
    start = _LINE_STARTS.match(escaped)
    if start is None:
        return escaped
    place = start.end() - 1 if start[0][0].isdigit() else 0
    return f"{escaped[:place]}\\{escaped[place:]}"


def formula(latex: str) -> str:
    r"""LaTeX between dollar signs; its < and > are words, so that no reader takes them for HTML, and it cannot end itself.

    Example:
        >>> formula("a < b")
        '$$a \\lt  b$$'
    """
    text = one_line(latex).replace("<", r"\lt ").replace(">", r"\gt ").replace("](", "]{}(").replace("`", "'")
    inside = re.sub(r"(?<!\\)\$", r"\\$", text)
    return f"$${inside}$$"


def link(text: str, name: str) -> str:
    r"""A link to an anchor of the page.

    Example:
        >>> link("R0 in [1, 2]", "a")
        '[R0 in \\[1, 2\\]](#a)'
    """
    return f"[{_BRACKETS.sub(lambda match: chr(92) + match[0], plain(text))}](#{anchor(name)})"


def anchor(name: str) -> str:
    """A name as the target of a link.

    Example:
        >>> anchor("collapse-threshold"), anchor('a" b')
        ('collapse-threshold', 'a%22%20b')
    """
    return quote(name, safe="")
