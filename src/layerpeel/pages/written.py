"""Results as files, and what is said of these."""

from collections.abc import Mapping
from pathlib import Path

from layerpeel.pages.files import write_whole
from layerpeel.pages.records import Result


def write_texts(directory: Path, texts: Mapping[str, str], what: str = "file") -> None:
    """Write several files of text, all or none.

    Args:
        directory: made where it is missing.
        texts: by name.
        what: the name of each in a refusal.

    Raises:
        UnusableInput: when one cannot be written.
    """
    places = {directory / name: text for name, text in texts.items()}
    write_whole({place: lambda path, text=text: path.write_text(text, encoding="utf-8") for place, text in places.items()}, what)


def write_result(result: Result, directory: Path, what: str = "file") -> None:
    """Write the files of a result, all or none.

    Args:
        result: what a command answers.
        directory: made where it is missing.
        what: the name of each file in a refusal.

    Raises:
        UnusableInput: when they cannot be written.
    """
    write_texts(directory, result.to_files(), what)


def named_files(result: Result, directory: Path) -> str:
    """Where the files of a result lie, in one line."""
    return f"files: {', '.join(str(directory / name) for name in result.FILES)}"
