"""Text that came from outside, before it goes to a terminal or into a page."""

import re

# Controls of terminals (C0, DEL, C1), marks that turn the direction of writing, line separators, and halves of characters
# that a file name which is not UTF-8 leaves behind.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def printable(text: str) -> str:
    r"""The text with every control character written out, so that it commands nothing; line feeds and tabs stay.

    Example:
        >>> printable("a\x1b[31mb\u202e")
        'a\\x1b[31mb\\u202e'
    """
    return _UNPRINTABLE.sub(lambda control: f"\\x{ord(control[0]):02x}" if ord(control[0]) < 256 else f"\\u{ord(control[0]):04x}", text)


def one_line(text: str) -> str:
    r"""The same on one line: line feeds, tabs and runs of blanks become one blank.

    Example:
        >>> one_line("cat\n\x07dog")
        'cat \\x07dog'
    """
    return " ".join(printable(text).split())


def json_printable(text: str) -> str:
    r"""JSON whose strings hold no raw control character; it says the same.

    Example:
        >>> json_printable('{"name": "\x9b31m"}')
        '{"name": "\\u009b31m"}'
    """
    return _UNPRINTABLE.sub(lambda control: f"\\u{ord(control[0]):04x}", text)
