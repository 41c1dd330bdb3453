"""Numbers as people write them in tables: thousands set apart, decimals, exponents."""

import re

_SEPARATORS = ",'’_\u00a0\u2009\u202f "
"""What sets thousands apart."""

_DECIMAL = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_THOUSANDS = re.compile(rf"[+-]?\d{{1,3}}(?:([{_SEPARATORS}])\d{{3}})(?:\1\d{{3}})*(?:\.\d*)?", re.ASCII)
_DOTTED = re.compile(r"[+-]?\d{1,3}(?:\.\d{3}){2,}", re.ASCII)
_COMMA = re.compile(r"[+-]?\d+,(?:\d{1,2}|\d{4,})", re.ASCII)
_SEPARATOR = re.compile(f"[{_SEPARATORS}]")

_LAST = frozenset("0123456789.")
"""What a number ends with."""

LONGEST = 40
"""Characters of a number; longer ones are something else."""


def parsed(cell: str) -> int | float | None:
    """The number that a cell holds, whole ones as int; None where it holds no number.

    Example:
        >>> [parsed(cell) for cell in ("500", "500.0", "12,719 (8 %)", "1 234 567", "12,5", "5.0e+02", "1.234.567", "ten", "7 %", "nan")]
        [500, 500, 12719, 1234567, 12.5, 500, 1234567, None, None, None]
    """
    if len(cell) > LONGEST:
        return None
    if cell.isascii() and cell.isdigit():
        return int(cell)
    if cell.endswith("%)"):  # the share beside a count
        return parsed(cell[: cell.rindex("(")].rstrip()) if "(" in cell else None
    if cell[-1:] not in _LAST:
        return None
    if _DECIMAL.fullmatch(cell):
        value = float(cell)
    elif _THOUSANDS.fullmatch(cell):
        value = float(_SEPARATOR.sub("", cell))
    elif _DOTTED.fullmatch(cell):
        value = float(cell.replace(".", ""))
    elif _COMMA.fullmatch(cell):
        value = float(cell.replace(",", "."))
    else:
        return None
    return int(value) if value.is_integer() else value


def said(value: float) -> str:
    """A count in a sentence: whole ones in full, others to six digits.

    Example:
        >>> said(12719), said(1753.0842)
        ('12719', '1753.08')
    """
    return str(value) if isinstance(value, int) else f"{value:.6g}"
