"""Results as files, and what is said of these."""

from collections.abc import Mapping
from pathlib import Path

from layerpeel.pages.files import write_whole
from layerpeel.pages.output import json_text
from layerpeel.pages.records import Result


def write_texts(texts: Mapping[Path, str]) -> None:
    """Write several files of text, all or none.

    Raises:
        UnusableInput: when one cannot be written.
    """
    write_whole("--out", {place: lambda path, text=text: path.write_text(text, encoding="utf-8") for place, text in texts.items()})


def write_result(result: Result, directory: Path) -> None:
    """Write the JSON of a result and its figures, all or none.

    Raises:
        UnusableInput: when they cannot be written.
    """
    from layerpeel.pages.figure_file import figure_file  # what draws is imported where something is drawn

    texts = (json_text(result.to_dict()) + "\n", *map(figure_file, result.figures()))
    write_texts({directory / name: text for name, text in zip(result.FILES, texts, strict=True)})


def with_files(result: Result, directory: Path | None) -> str:
    """The text of a result, and where its files lie."""
    where = (
        f"files: {', '.join(str(directory / name) for name in result.FILES)}"
        if directory is not None
        else "no figures written; --out DIR does"
    )
    return f"{result.to_text()}\n{where}"
