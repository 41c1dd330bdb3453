"""Which theorems there are."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from layerpeel.pages.output import text_table
from layerpeel.pages.records import Keys, Record

if TYPE_CHECKING:
    from layerpeel.numerics import Figure
    from layerpeel.theory import Heading


class ListedSource(Record):
    """A key of the bibliography, and the place inside it."""

    key: str
    locator: str


class ListedRoom(Record):
    """A theorem, and the names of its checks and of their false variants."""

    name: str
    title: str
    family: str
    kind: str
    origin: str
    source: ListedSource
    checks: list[str]
    controls: list[str]


class ListRecord(Keys):
    """The keys of `layerpeel list --json`."""

    rooms: list[ListedRoom]


@dataclass(frozen=True)
class Listing:
    """The theorems of a family, or of all.

    Args:
        headings: their names and titles; what else there is to say of them is read when it is asked for.
    """

    headings: "tuple[Heading, ...]"

    def to_dict(self) -> dict[str, Any]:
        """The keys of `layerpeel list --json`."""
        from layerpeel.theory import choose

        rooms = [
            ListedRoom(
                name=name,
                title=room.statement.title,
                family=family,
                kind=room.statement.kind,
                origin=room.statement.origin,
                source=ListedSource(key=room.statement.source.key, locator=room.statement.source.locator),
                checks=[check.name for check in room.checks],
                controls=[control.name for control in room.controls],
            )
            for name, (family, room) in choose(tuple(heading.name for heading in self.headings)).items()
        ]
        return ListRecord(rooms=rooms).to_dict()

    def to_text(self) -> str:
        """A table with one line per theorem."""
        return text_table(
            ["room", "family", "origin", "title"], [[each.name, each.family, each.origin, each.title] for each in self.headings]
        )

    def figures(self) -> "tuple[Figure, ...]":
        """Nothing: titles and names have no size that could be drawn."""
        return ()


def list_rooms(family: str | None = None) -> Listing:
    """The theorems of a family, or of all, in reading order.

    Raises:
        UnusableInput: for a family that does not exist.

    Example:
        >>> print(list_rooms("equi-separation").to_text().splitlines()[0])
        room                        family           origin   title
    """
    from layerpeel.theory import headings

    return Listing(tuple(headings(family)))
