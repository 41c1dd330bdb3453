"""Finds the rooms: every public module of a family package that defines ROOM."""

import importlib
from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType

from layerpeel.numerics import UnusableInput
from layerpeel.theory._room import Evidence, Room
from layerpeel.theory._statements import FAMILIES, require_family, room_files


@cache
def catalogue() -> Mapping[str, tuple[str, Room]]:
    """Room name → (family, room), in family order and alphabetically inside a family.

    Example:
        >>> "balanced-etf" in catalogue()
        True
    """
    rooms: dict[str, tuple[str, Room]] = {}
    for family in FAMILIES:
        for path in room_files(family):
            room = importlib.import_module(f"layerpeel.theory.{family.replace('-', '_')}.{path.stem}").ROOM
            rooms[room.statement.name] = (family, room)
    return MappingProxyType(rooms)


def choose(names: tuple[str, ...] = (), family: str | None = None) -> dict[str, tuple[str, Room]]:
    """The named rooms, or all of them, restricted to a family if one is given.

    Args:
        names: of rooms; all of them when empty.
        family: one of `FAMILIES`; all of them when not given.

    Returns:
        Room name → (family, room), in the catalogue's order.

    Raises:
        UnusableInput: for a room or family that does not exist.

    Example:
        >>> list(choose(("balanced-etf",)))
        ['balanced-etf']
    """
    rooms = catalogue()
    require_family(family)
    for name in names:
        if name not in rooms:
            raise UnusableInput(f"room {name!r} does not exist: it must be one of {', '.join(rooms)}; choose among these.")
    return {name: (of, room) for name, (of, room) in rooms.items() if (not names or name in names) and (family is None or of == family)}


def statistical_comparisons(rooms: Iterable[Room] | None = None) -> int:
    """How many statistical comparisons rooms hold: the Bonferroni divisor of the level for all of them.

    Each label of a statistical check is one.

    Args:
        rooms: those of the catalogue when not given.

    Example:
        >>> statistical_comparisons() > 1
        True
    """
    chosen = [room for _, room in catalogue().values()] if rooms is None else rooms
    checks = [check for room in chosen for check in room.checks if check.evidence is Evidence.STATISTICAL]
    return sum(len(check.predict()) for check in checks)
