"""Which theorems there are: read from the rooms' files, because names and titles need none of the rooms' mathematics."""

import ast
from pathlib import Path
from typing import NamedTuple

from layerpeel.numerics import UnusableInput

FAMILIES = ("layer-peeled", "locally-elastic", "equi-separation")
"""Families in reading order; `layer-peeled` lives in the package theory.layer_peeled."""


class Heading(NamedTuple):
    """What a list of theorems says of one."""

    name: str
    family: str
    origin: str
    title: str


def headings(family: str | None = None) -> list[Heading]:
    """The theorems of a family, or of all, in family order and alphabetically inside a family, as `catalogue` has them.

    Args:
        family: one of FAMILIES; all of them unless given.

    Returns:
        Name, family, origin and title of each.

    Raises:
        UnusableInput: for a family that does not exist.

    Example:
        >>> headings("layer-peeled")[0].name
        'asymptotics'
    """
    require_family(family)
    chosen = [of for of in FAMILIES if family in {None, of}]
    return [_heading(of, path) for of in chosen for path in room_files(of)]


def require_family(family: str | None) -> None:
    """Check that a family exists, or none is named.

    Raises:
        UnusableInput: with the families.
    """
    if family is not None and family not in FAMILIES:
        raise UnusableInput(f"family {family!r} does not exist: it must be one of {', '.join(FAMILIES)}; choose one of these.")


def room_files(family: str) -> list[Path]:
    """The files of a family's rooms: its public modules."""
    return sorted(Path(__file__).parent.joinpath(family.replace("-", "_")).glob("[!_]*.py"))


def _heading(family: str, path: Path) -> Heading:
    """A room's statement is written in literals, `Statement(name="…", …)`."""
    calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    statement = next(call for call in calls if ast.unparse(call.func) == "Statement")
    said = {keyword.arg: keyword.value for keyword in statement.keywords}
    origin = ast.unparse(said["origin"]).rpartition(".")[2].lower()
    return Heading(ast.literal_eval(said["name"]), family, origin, ast.literal_eval(said["title"]))
