"""Every quantity that can be swept, with its axes."""

from pydantic import Field

from layerpeel.pages.output import text_table
from layerpeel.pages.records import Record, Result
from layerpeel.sweeps.quantity import BUILT_IN, REQUIRED, Axis, Quantity, quantity_named

FAMILIES_LISTED = {
    "check:ROOM": ("a room's claims and their verdicts; `layerpeel list` names the rooms", "seed and profile"),
    "train:EXPERIMENT": ("what an experiment's networks show; `layerpeel train --help` names the experiments", "the fields of its recipe"),
    "package.module:function": ("a function of the reader's own, beside the sweep's file or installed", "its parameters"),
}
"""Quantities that are made for a name: what they are, and their axes in words."""


class AxisRecord(Record):
    """A parameter of a quantity."""

    name: str
    kind: str = Field(description='"int", "float", "str", "bool", or "any".')
    says: str
    unit: str
    required: bool = Field(description="Whether a sweep must give it.")
    default: bool | int | float | str | None = Field(description="Null where it has none.")


class QuantityRecord(Record):
    """What can be swept."""

    name: str
    says: str
    axes: tuple[AxisRecord, ...]
    columns: dict[str, str] = Field(description="Name → what it is; the first one is drawn.")
    results_version: int
    draws: bool = Field(description="Whether it draws random numbers, so that repeating it makes sense.")
    together: bool = Field(description="Whether many points are computed together.")


class FamilyRecord(Record):
    """Quantities that are made for a name."""

    name: str
    says: str
    axes: str = Field(description="In words.")


class QuantityList(Result):
    """Every quantity.

    Args:
        quantities: those with a name of their own.
        families: those that are made for the name of something else.
    """

    quantities: tuple[QuantityRecord, ...]
    families: tuple[FamilyRecord, ...]

    def to_text(self) -> str:
        """A table of axes for each quantity, and a line for each family."""
        lines: list[str] = []
        for each in self.quantities:
            marks = [*["draws random numbers"] * each.draws, *["computed many at a time"] * each.together]
            told = f" ({', '.join(marks)})" if marks else ""
            lines += [f"{each.name}: {each.says}{told}"]
            rows = [[axis.name, axis.kind, axis.unit or "–", _default(axis), axis.says] for axis in each.axes]
            lines += [_indented(["axis", "type", "unit", "default", "what it is"], rows)]
            lines += [f"  gives {'; '.join(f'{name}: {says}' for name, says in each.columns.items())}"] * bool(each.columns)
            lines += [""]
        return "\n".join([*lines, text_table(["and", "", "axes"], [[each.name, each.says, each.axes] for each in self.families])])


def _indented(head: list[str], rows: list[list[str]]) -> str:
    """A table two blanks to the right."""
    table = text_table(head, rows)
    return "\n".join(f"  {line}" for line in table.splitlines())


def _default(axis: AxisRecord) -> str:
    if axis.required:
        return "must be given"
    return "–" if axis.default is None else str(axis.default)


def quantities() -> QuantityList:
    """Every quantity that can be swept, with its axes, their units and defaults, and its columns.

    Returns:
        Those of this package, and in words those that are made for a room, an experiment or a function.

    Raises:
        UnusableInput: when one cannot be imported, because a library that it needs is broken.

    Example:
        >>> [family.name for family in quantities().families]
        ['check:ROOM', 'train:EXPERIMENT', 'package.module:function']
    """
    families = tuple(FamilyRecord(name=name, says=says, axes=axes) for name, (says, axes) in FAMILIES_LISTED.items())
    return QuantityList(quantities=tuple(_record(quantity_named(name)) for name in BUILT_IN), families=families)


def _record(quantity: Quantity) -> QuantityRecord:
    return QuantityRecord(
        name=quantity.name,
        says=quantity.says,
        axes=tuple(_axis(axis) for axis in quantity.axes),
        columns=dict(quantity.columns),
        results_version=quantity.results_version,
        draws=quantity.draws,
        together=quantity.compute_batch is not None,
    )


def _axis(axis: Axis) -> AxisRecord:
    required = axis.default is REQUIRED
    default = None if required else axis.default
    known = default if default is None or isinstance(default, bool | int | float | str) else str(default)
    kind = "any" if axis.kind is None else axis.kind.__name__
    return AxisRecord(name=axis.name, kind=kind, says=axis.says, unit=axis.unit, required=required, default=known)
