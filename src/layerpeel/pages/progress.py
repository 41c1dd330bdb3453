"""A progress bar on standard error for whatever takes long."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial


@contextmanager
def progress(doing: str, total: int, *, of_bytes: bool = False) -> Generator[Callable[..., None]]:
    """A bar if standard error is a terminal, nothing else; the function takes `advance`, `completed` and `description`.

    Args:
        doing: printed before the bar.
        total: steps, or bytes.
        of_bytes: count in kB and MB.
    """
    if not sys.stderr.isatty():
        yield lambda **_: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    counter = DownloadColumn() if of_bytes else MofNCompleteColumn()
    columns = TextColumn(doing), BarColumn(), counter, TimeElapsedColumn(), TimeRemainingColumn(), TextColumn("{task.description}")
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield partial(bar.update, bar.add_task("", total=total))
