"""Results as files, and what is said of these."""

from collections.abc import Mapping
from pathlib import Path

from layerpeel.pages.files import write_whole
from layerpeel.pages.records import Result


def write_texts(directory: Path, texts: Mapping[str, str]) -> None:
    """Write several files of text, all or none.

    Raises:
        UnusableInput: when one cannot be written.
    """
    places = {directory / name: text for name, text in texts.items()}
    write_whole("--out", {place: lambda path, text=text: path.write_text(text, encoding="utf-8") for place, text in places.items()})


def write_result(result: Result, directory: Path) -> None:
    """Write the files of a result, all or none.

    Raises:
        UnusableInput: when they cannot be written.
    """
    write_texts(directory, result.to_files())


def with_files(result: Result, directory: Path | None) -> str:
    """The text of a result, and where its files lie."""
    where = (
        f"files: {', '.join(str(directory / name) for name in result.FILES)}"
        if directory is not None
        else "no figures written; --out DIR does"
    )
    return f"{result.to_text()}\n{where}"
