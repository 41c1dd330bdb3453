"""The command `new-room`: a commented skeleton that is a room already."""

import re
from pathlib import Path
from string import Template

from layerpeel.numerics import UnusableInput, require_one_of
from layerpeel.pages.files import write_whole
from layerpeel.pages.records import Result
from layerpeel.theory import FAMILIES, catalogue

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)+|[a-z][a-z0-9]+")
"""Kebab-case."""


class WrittenRoom(Result):
    """Where a skeleton was written."""

    file: str

    def to_text(self) -> str:
        """The file, and what to do with it."""
        return f"{self.file}\nReplace its claims by yours, then run `layerpeel check {Path(self.file).stem.replace('_', '-')}`."


def new_room(name: str, family: str, *, checkout: Path) -> Path:
    """Write the skeleton of a room where the catalogue finds it, and return its place.

    Args:
        name: kebab-case, of no room that there is.
        family: one of the families.
        checkout: folder that holds `theory/`.

    Raises:
        UnusableInput: for another name or family, or a folder that is no checkout.
    """
    if not NAME.fullmatch(name):
        raise UnusableInput(f"the name {name!r} is not kebab-case: it must be words of a-z and 0-9 joined by hyphens, such as 'sharp-law'.")
    require_one_of(family, "family", FAMILIES)
    folder = checkout / "theory" / family.replace("-", "_")
    if not folder.is_dir():
        raise UnusableInput(f"{folder} is no folder: rooms are written into a checkout of layerpeel; go to its top folder and try again.")
    place = folder / f"{name.replace('-', '_')}.py"
    if name in catalogue() or place.exists():
        raise UnusableInput(f"room {name!r} exists already: it must be a new one; choose another name.")
    template = Path(__file__).with_name("room.py.txt").read_text(encoding="utf-8")
    text = Template(template).substitute(name=name, title=name.replace("-", " ").capitalize())
    write_whole({place: lambda path: path.write_text(text, encoding="utf-8")}, "room")
    return place
