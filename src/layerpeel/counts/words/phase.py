"""One word for what became of equal classes."""

from typing import Protocol


class Decided(Protocol):
    """What is known of the classifiers of equal classes."""

    @property
    def classes(self) -> int:
        """How many."""
        ...

    @property
    def collapsed(self) -> bool | None:
        """Whether they coincide."""
        ...

    @property
    def vanished(self) -> bool | None:
        """Whether they are zero."""
        ...


def phase(group: Decided) -> str:
    """One word for a group's classifiers: distinct, collapsed, vanished, undecided, or single."""
    if group.vanished:
        return "vanished"
    if group.vanished is None:
        return "undecided"
    if group.classes == 1:
        return "single"
    return {True: "collapsed", False: "distinct", None: "undecided"}[group.collapsed]
