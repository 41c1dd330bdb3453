"""How far something is that takes long, on standard error: a bar on a terminal, a line a minute elsewhere."""

import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from typing import Any

from layerpeel.pages.text import one_line

EVERY = 60.0
"""Seconds between two lines where standard error is no terminal."""

FAILURES_SHOWN = 5
"""The latest failures, under the bar."""

QUIET = 2.0
"""Seconds before which nobody waits for what is found on the way; from then on each line is written as it is found."""


class Count:
    """How much is done, how fast, and what failed.

    Args:
        total: steps, or bytes; where it is a guess, more may come.

    Example:
        >>> count = Count(4)
        >>> count(advance=1, failure="a room is not as expected")
        >>> count.done, count.failures
        (1, ['a room is not as expected'])
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self.done: float = 0
        self.description = ""
        self.failures: list[str] = []
        self.unwritten: list[str] = []
        self.began = time.monotonic()

    def __call__(
        self,
        *,
        advance: float = 0,
        completed: float | None = None,
        description: str | None = None,
        failure: str | None = None,
        news: str | None = None,
    ) -> None:
        """Note what happened; all of it may be left out."""
        self.done = self.done + advance if completed is None else completed
        if description is not None:
            self.description = description
        if failure is not None:
            self.failures.append(failure)
        if news is not None:
            self.unwritten.append(news)

    def news(self) -> list[str]:
        """What was found and not yet written, once it is worth a line; it is written once."""
        if time.monotonic() - self.began < QUIET:
            return []
        news, self.unwritten = self.unwritten, []
        return news

    def pace(self) -> tuple[float, float | None]:
        """Steps a second so far, and how many seconds the rest will take at that rate.

        None before the first step, and where there are more than were thought.
        """
        rate = self.done / max(time.monotonic() - self.began, 1e-9)
        return rate, (self.total - self.done) / rate if rate > 0.0 and self.done <= self.total else None


@contextmanager
def progress(doing: str, total: int, *, of_bytes: bool = False) -> Generator[Callable[..., None]]:
    """A bar with rate and time left if standard error is a terminal, and failures under it; elsewhere one line a minute.

    The function that it gives takes `advance`, `completed`, `description`, `failure`, a sentence, and `news`, a line that stays.

    Args:
        doing: printed before the bar.
        total: steps, or bytes.
        of_bytes: count in kB and MB.

    Example:
        >>> with progress("squares", 2) as bar:
        ...     bar(advance=1)
    """
    count = Count(total)
    with (
        _bar(doing, count, of_bytes=of_bytes)
        if sys.stderr is not None and sys.stderr.isatty()
        else _lines(doing, count, of_bytes=of_bytes) as shown
    ):
        yield shown


@contextmanager
def _lines(doing: str, count: Count, *, of_bytes: bool) -> Generator[Callable[..., None]]:
    """From a thread, so that a line comes also while one step takes longer than a minute."""
    ended = threading.Event()

    def put(text: str) -> None:
        with suppress(OSError, ValueError, AttributeError):  # standard error may be full or closed
            sys.stderr.write(text + "\n")
            sys.stderr.flush()

    def write() -> None:
        while not ended.wait(EVERY):
            put(line(doing, count, of_bytes=of_bytes))

    def show(**changes: Any) -> None:
        count(**changes)
        for news in count.news():
            put(one_line(news))

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    try:
        yield show
    finally:
        ended.set()
        thread.join()


def line(doing: str, count: Count, *, of_bytes: bool = False) -> str:
    """How far it is, on one line.

    Example:
        >>> count = Count(8)
        >>> count.began -= 120.0
        >>> count(completed=2, description="half-life", failure="lda-floor is not as expected")
        >>> line("checking rooms", count)
        'checking rooms: 2 of 8, 1 a minute, 6 min left; half-life; 1 failed, the last: lda-floor is not as expected'
    """
    rate, left = count.pace()
    scale, unit = (1e6, " MB") if of_bytes else (1, "")
    most = f" of {count.total / scale:.4g}" if count.done <= count.total else ""
    parts = [f"{count.done / scale:.4g}{most}{unit}"]
    if left is not None:
        parts += [_rate(rate, of_bytes=of_bytes), f"{_span(left)} left"]
    failed = [f"{len(count.failures)} failed, the last: {count.failures[-1]}"] if count.failures else []
    told = [one_line(text) for text in (count.description, *failed) if text]
    return f"{doing}: {'; '.join([', '.join(parts), *told])}"


def _rate(rate: float, *, of_bytes: bool = False) -> str:
    """Steps in a time in which there are some.

    Example:
        >>> _rate(3.0), _rate(0.05), _rate(2e6, of_bytes=True)
        ('3 a second', '3 a minute', '2 MB a second')
    """
    if of_bytes:
        return f"{rate / 1e6:.3g} MB a second"
    return f"{rate:.3g} a second" if rate >= 1 else f"{60 * rate:.2g} a minute"


def _span(seconds: float) -> str:
    """A time to wait, as one says it.

    Example:
        >>> _span(42.0), _span(361.0), _span(7300.0)
        ('42 s', '6 min', '2.0 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


@contextmanager
def _bar(doing: str, count: Count, *, of_bytes: bool) -> Generator[Callable[..., None]]:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.text import Text

    class Bar(Progress):
        """The bar, and the latest failures under it."""

        def get_renderables(self) -> Generator[Any]:
            yield from super().get_renderables()
            if hidden := len(count.failures) - FAILURES_SHOWN:
                yield from [Text(f"{hidden} failures more, and these:")] * (hidden > 0)
            for failure in count.failures[-FAILURES_SHOWN:]:
                yield Text(one_line(failure), style="red", overflow="ellipsis", no_wrap=True)

    counter = DownloadColumn() if of_bytes else MofNCompleteColumn()
    times = TimeElapsedColumn(), TimeRemainingColumn()
    columns = TextColumn(escape(doing)), BarColumn(), counter, TextColumn("{task.fields[rate]}"), *times, TextColumn("{task.description}")
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=count.total, rate="")

        def show(**changes: Any) -> None:
            count(**changes)
            rate, left = count.pace()
            told = "" if left is None else _rate(rate, of_bytes=of_bytes)
            bar.update(task, completed=count.done, description=escape(one_line(count.description)), rate=told)
            for news in count.news():
                bar.console.print(Text(one_line(news)))

        yield show
