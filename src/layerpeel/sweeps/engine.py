"""The engine: named tasks in, outcomes out as they end, with a bounded number under way."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator

from layerpeel.sweeps.tasks import Executor, Outcome, Task

AHEAD = 2
"""Tasks under way for each that runs: a process that ends one finds the next waiting."""

WAIT = 1.0
"""Seconds after which `tick` is called though nothing ended."""


def run_tasks(
    tasks: Iterable[Task],
    executor: Executor,
    settle: Callable[[Outcome], Iterable[Task]],
    *,
    submitted: Callable[[Task], None] = lambda _: None,
    tick: Callable[[], None] = lambda: None,
    stop: Callable[[], bool] = lambda: False,
) -> None:
    """Run tasks as they come; memory does not grow with their number.

    Args:
        tasks: made one by one, when there is room.
        executor: where they run; it is closed at the end, whatever happens.
        settle: takes every outcome, in the order in which they end, and gives the tasks that follow of it, such as another attempt.
        submitted: called when a task is under way.
        tick: called after every outcome, and every second.
        stop: when true, no further task is begun, and the run ends with those under way given up.

    Example:
        >>> from layerpeel.sweeps.tasks import InProcess
        >>> values = []
        >>> run_tasks([Task(key="a", function=abs, arguments=(-1,))], InProcess(), lambda outcome: values.append(outcome.value) or [])
        >>> values
        [1]
    """
    source: Iterator[Task] = iter(tasks)
    again: deque[Task] = deque()
    under_way, exhausted = 0, False
    try:
        while not stop():
            while under_way < AHEAD * executor.width:
                task = again.popleft() if again else None if exhausted else next(source, None)
                if task is None:
                    exhausted = True
                    break
                submitted(task)
                executor.submit(task)
                under_way += 1
            if not under_way:
                break
            outcome = executor.completed(WAIT)
            if outcome is not None:
                under_way -= 1
                again.extend(settle(outcome))
            tick()
    finally:
        executor.close()


class Attempts:
    """Gives tasks that are not done another attempt, and says when there is none left.

    Args:
        retries: how many more attempts a task gets.

    Example:
        >>> attempts = Attempts(1)
        >>> lost = Outcome(task=Task(key="a", function=abs, arguments=(-1,)), state="lost")
        >>> attempts.left(lost), attempts.left(lost)
        (True, False)
    """

    def __init__(self, retries: int) -> None:
        self._retries = retries
        self._used: dict[str, int] = {}

    def left(self, outcome: Outcome) -> bool:
        """Whether the task of this outcome is to be tried again."""
        used = self._used[outcome.task.key] = self._used.get(outcome.task.key, 0) + 1
        return used <= self._retries
