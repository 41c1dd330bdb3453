"""What goes to standard output: one JSON object, or plain text that survives a pipe."""

import json
import math
from collections.abc import Sequence
from typing import Any

import typer


def print_json(content: dict[str, Any]) -> None:
    """One JSON object; NaN, infinity and what is undefined become null."""
    typer.echo(json_text(content))


def json_text(content: dict[str, Any]) -> str:
    r"""What `print_json` prints.

    Example:
        >>> json_text({"undefined": math.nan})
        '{\n  "undefined": null\n}'
    """
    return json.dumps(_plain(content), indent=2, allow_nan=False, ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def text_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns aligned on the left, two spaces apart.

    Example:
        >>> print(text_table(["classes", "samples"], [["5", "100"]]))
        classes  samples
        5        100
    """
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)


def number(value: float | None) -> str:
    """A number to six digits, or a dash where it is undefined.

    Example:
        >>> number(0.1 + 0.2), number(None)
        ('0.3', '–')
    """
    return "–" if value is None or math.isnan(value) else f"{value:.6g}"
