"""A working folder with functions of its own, as a reader's sweep has them beside its file."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from layerpeel.sweeps.quantity import quantity_named


@contextmanager
def functions_of_ones_own(folder: Path, monkeypatch: pytest.MonkeyPatch, module: str, text: str) -> Generator[Path]:
    """`folder` as the working folder, with a module in it that is forgotten afterwards.

    Args:
        folder: a new one.
        monkeypatch: of the test.
        module: its name.
        text: its source.
    """
    (folder / f"{module}.py").write_text(text)
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    quantity_named.cache_clear()
    yield folder
    sys.modules.pop(module, None)
