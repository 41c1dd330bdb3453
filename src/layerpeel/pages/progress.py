"""A progress bar on standard error for whatever takes long."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial


@contextmanager
def progress(doing: str, total: int, *, of_bytes: bool = False, in_lines: bool = False) -> Generator[Callable[..., None]]:
    """A bar if standard error is a terminal; the function takes `advance`, `completed` and `description`.

    Args:
        doing: printed before the bar.
        total: steps, or bytes.
        of_bytes: count in kB and MB.
        in_lines: where there is no bar, say every step that has a description in a line of its own.
    """
    if sys.stderr is None or not sys.stderr.isatty():
        yield partial(_say_step, doing, total) if in_lines else lambda **_: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    counter = DownloadColumn() if of_bytes else MofNCompleteColumn()
    columns = TextColumn(doing), BarColumn(), counter, TimeElapsedColumn(), TimeRemainingColumn(), TextColumn("{task.description}")
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield partial(bar.update, bar.add_task("", total=total))


def _say_step(doing: str, total: int, *, completed: float, description: str = "") -> None:
    if description and sys.stderr is not None:
        sys.stderr.write(f"{doing} {int(completed) + 1}/{total}: {description}\n")
        sys.stderr.flush()
