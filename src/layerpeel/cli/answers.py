"""What a command answers: JSON, text, files; or one sentence on standard error."""

import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from pydantic import ValidationError

from layerpeel.pages.text import one_line

if TYPE_CHECKING:
    from layerpeel.pages.records import Result
    from layerpeel.theorems.listing import Listing


_ARGUMENT = re.compile(r"\b(route|solver|device|workers|stale|by|pool|ignore)=('?)(-?[\w.]+)\2")


def as_option(message: str) -> str:
    """What the library says of its own argument, as a command line writes it.

    Example:
        >>> as_option("use route='auto'.")
        'use --route auto.'
    """
    return _ARGUMENT.sub(r"--\1 \3", message.replace("many=True", "--yes").replace("cut=True", "--cut"))


def usage(error: typer.TyperException) -> str:
    """What was wrong with the options, the value that was given, and where the options are explained."""
    cause = error.__cause__
    given = f" (given: {cause.errors()[0]['input']!r})" if isinstance(cause, ValidationError) else ""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "layerpeel"
    return f"{error.format_message().rstrip('.')}{given}; see `{command} --help`."


def refuse(message: str, status: int) -> int:
    """Say why not, in one line on standard error; the status is returned."""
    with suppress(OSError):  # standard error may be full too
        typer.echo(f"layerpeel: {as_option(one_line(message))}", err=True)
    return status


def answer(result: "Result | Listing", as_json: bool, text: Callable[[], str] | None = None) -> None:
    """The JSON of a result, or its text; `text` where a command has more to say than the result has."""
    from layerpeel.pages.output import print_json, say

    if as_json:
        print_json(result.to_dict())
    else:
        say(text() if text else result.to_text())


def answer_with_files(
    result: "Result", out: Path | None, as_json: bool, text: Callable[[], str] | None = None, *, without: str = ""
) -> None:
    """The same, and its files; `without` is what there is to say when they are not asked for."""
    from layerpeel.pages.written import named_files, write_result

    if out is not None:
        write_result(result, out, "--out")
    where = without if out is None else named_files(result, out)
    answer(result, as_json, lambda: "\n".join([text() if text else result.to_text(), *([where] if where else [])]))
