"""What goes to standard output: one JSON object, or plain text that survives a pipe."""

import json
import math
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from layerpeel.pages.stopping import SystemRefused
from layerpeel.pages.text import json_printable, one_line, printable


def say(text: str, *, styled: bool = False) -> None:
    """Print text to standard output; control characters are written out, and what its encoding lacks is too.

    Args:
        text: what is said.
        styled: the text was made printable before colours were put in.

    Raises:
        SystemRefused: when standard output is closed or full.
    """
    _write(text if styled else printable(text))


def print_json(content: dict[str, Any]) -> None:
    """One JSON object; NaN, infinity and what is undefined become null."""
    _write(json_text(content))


def _write(text: str) -> None:
    import typer

    if sys.stdout is None:
        raise SystemRefused("standard output is closed: there is nowhere to print to; open it, or send it to a file.")
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        typer.echo(text.encode(encoding, "backslashreplace").decode(encoding))
    except OSError as error:
        silence_output()
        raise SystemRefused(
            f"standard output cannot be written ({error.strerror}): the answer is incomplete; print it elsewhere."
        ) from error


def silence_output() -> None:
    """Send what is left in the buffers of a broken standard output nowhere, or Python complains at its end."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def json_text(content: dict[str, Any]) -> str:
    r"""What `print_json` prints.

    Example:
        >>> json_text({"undefined": math.nan})
        '{\n  "undefined": null\n}'
    """
    return json_printable(json.dumps(_plain(content), indent=2, allow_nan=False, ensure_ascii=False))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def text_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns aligned on the left, two spaces apart; every cell stays on its line.

    Example:
        >>> print(text_table(["classes", "samples"], [["5", "100"]]))
        classes  samples
        5        100
    """
    lines = [[one_line(cell) for cell in line] for line in (head, *rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)


def number(value: float | None) -> str:
    """A number to six digits, or a dash where it is undefined.

    Example:
        >>> number(0.1 + 0.2), number(None)
        ('0.3', '–')
    """
    return "–" if value is None or math.isnan(value) else f"{value:.6g}"
