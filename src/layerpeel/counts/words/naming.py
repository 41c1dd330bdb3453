"""What classes are called."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from layerpeel.pages.text import one_line

if TYPE_CHECKING:
    from layerpeel.solvers import Problem

MOST_NAMES = 6
"""Classes, or counts, that a sentence lists; of more it says how many they are, and the ends."""

LONGEST_NAME = 40
"""Characters of a name."""

Names = Sequence[Sequence[str] | None]
"""Of the classes of each group."""


def names_by_group(problem: "Problem", names: Sequence[str] | None) -> list[list[str] | None]:
    """The names of the classes of each group, from those of the classes in the order the counts were given."""
    if names is None:
        return [None] * len(problem.groups)
    places = problem.group_of_class or np.repeat(np.arange(len(problem.groups)), problem.sizes).tolist()
    called: list[list[str]] = [[] for _ in problem.groups]
    for place, name in zip(places, names, strict=True):
        called[place].append(name)
    return [*called]


def printable_names(names: Names) -> Names:
    """Each name on one line, without what commands a terminal, and not longer than a column may be."""

    def cut(name: str) -> str:
        line = one_line(name)
        return line if len(line) <= LONGEST_NAME else f"{line[: LONGEST_NAME - 1]}…"

    return [None if called is None else [cut(name) for name in called] for called in names]


def two_of(called: Sequence[str] | None) -> str:
    """At most two names of a group."""
    if not called:
        return ""
    return ", ".join(called) if len(called) <= 2 else f"{called[0]}, {called[1]}, …"
