"""Rooms of installed packages: what they offer under the entry point group `layerpeel.rooms`."""

import importlib
import pkgutil
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.resources import files
from types import ModuleType

from layerpeel.numerics import UnusableInput
from layerpeel.theorems.report import Bibliography
from layerpeel.theory import Room

GROUP = "layerpeel.rooms"
"""An entry point of it has a family's name, and refers to a module with a ROOM, or to a package whose public modules have one each."""

REFERENCES = "references.bib"
"""The bibliography of a package of rooms lies beside them."""


@dataclass(frozen=True)
class InstalledRooms:
    """What a package offers.

    Args:
        rooms: room name → (family, room), in the order of its entry points and alphabetically inside each.
        bibliography: of its sources.
    """

    rooms: Mapping[str, tuple[str, Room]]
    bibliography: Bibliography


@cache
def installed_rooms(package: str) -> InstalledRooms:
    """The rooms of an installed package, and its bibliography.

    Args:
        package: the name under which it is installed, or an entry point's.

    Raises:
        UnusableInput: where it is not installed, offers no rooms, or cannot be imported.

    Example:
        >>> installed_rooms("nowhere")
        Traceback (most recent call last):
            ...
        layerpeel.numerics._inputs.UnusableInput: package 'nowhere' offers no rooms: it must be installed here and have entry points ...
    """
    offered = entry_points(group=GROUP)
    points = [point for point in offered if _plain(package) in (_plain(_distribution(point)), _plain(point.name))]
    if not points:
        others = sorted({_distribution(point) for point in offered})
        raise UnusableInput(
            f"package {package!r} offers no rooms: it must be installed here and have entry points of the group {GROUP}; "
            + (f"those that do are {', '.join(others)}." if others else "no installed package does.")
        )
    rooms: dict[str, tuple[str, Room]] = {}
    bibliographies: list[Bibliography] = []
    for point in points:
        module = _imported(package, point.module)
        bibliographies.append(_bibliography(package, module))
        for found in [module, *_submodules(package, module)]:
            room = getattr(found, point.attr if point.attr and found is module else "ROOM", None)
            if not isinstance(room, Room):
                continue
            name = room.statement.name
            if name in rooms:
                raise UnusableInput(f"package {package!r} has two rooms named {name!r}: names must differ; rename one of them.")
            rooms[name] = (point.name, room)
    if not rooms:
        raise UnusableInput(f"package {package!r} has no ROOM in {', '.join(point.value for point in points)}: define one in each module.")
    merged = Bibliography(
        {key: text for each in bibliographies for key, text in each.full.items()},
        {key: text for each in bibliographies for key, text in each.entries.items()},
    )
    return InstalledRooms(rooms, merged)


def choose_installed(package: str, names: tuple[str, ...], family: str | None) -> dict[str, tuple[str, Room]]:
    """The named rooms of a package, or all of them, of one family if it is given.

    Raises:
        UnusableInput: for a room or family that it does not have, and as `installed_rooms`.
    """
    rooms = installed_rooms(package).rooms
    families = dict.fromkeys(of for of, _ in rooms.values())
    if family is not None and family not in families:
        raise UnusableInput(f"family {family!r} is not of {package}: it must be one of {', '.join(families)}; choose among these.")
    for name in names:
        if name not in rooms:
            raise UnusableInput(f"room {name!r} is not of {package}: it must be one of {', '.join(rooms)}; choose among these.")
    return {name: (of, room) for name, (of, room) in rooms.items() if (not names or name in names) and family in (None, of)}


def _plain(name: str) -> str:
    """Names of packages are the same in capitals, and with any of - _ and . between words."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.name


def _submodules(package: str, module: ModuleType) -> list[ModuleType]:
    """The public modules of a package, by name."""
    found = sorted(info.name for info in pkgutil.iter_modules(getattr(module, "__path__", ())))
    return [_imported(package, f"{module.__name__}.{name}") for name in found if not name.startswith("_")]


def _imported(package: str, name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except Exception as error:  # whatever a stranger's module raises
        raised = f"{name} raises {type(error).__name__} ({error})"
        raise UnusableInput(f"the rooms of {package} cannot be imported: {raised}; mend that package, or install it anew.") from error


def _bibliography(package: str, module: ModuleType) -> Bibliography:
    """That of the package in which the rooms lie; empty where there is none."""
    folder = module.__name__ if hasattr(module, "__path__") else module.__package__
    place = files(folder) / REFERENCES if folder else None
    if place is None or not place.is_file():
        return Bibliography({}, {})
    try:
        return Bibliography.of(place.read_text(encoding="utf-8"))
    except (ValueError, StopIteration) as error:
        raise UnusableInput(f"{REFERENCES} of {package} cannot be read ({error}): it must be BibTeX; mend it.") from error
