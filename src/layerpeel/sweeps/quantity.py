"""What can be swept: a quantity with its axes, its columns and how it is computed, at one point or at many at once."""

import difflib
import importlib
import inspect
import math
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from functools import cache, partial
from numbers import Integral, Real
from typing import Any, TypeAlias

import numpy as np

from layerpeel.numerics import Bracket, Estimate, Proportion, UnusableInput, shown

Parameters: TypeAlias = Mapping[str, Any]
"""A value for every axis."""

Stored: TypeAlias = tuple[float | None, float | None, float | None]
"""A number with its lower and upper bound, as the store keeps them; None where there is none."""

Columns: TypeAlias = Mapping[str, Any]
"""Column → number, number with its error (Bracket, Estimate, Proportion), or array."""

Batch: TypeAlias = Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray] | np.ndarray]
"""Column → values, or values with their lower and upper bounds, for every point of a chunk."""

ComputeBatch: TypeAlias = Callable[[Mapping[str, np.ndarray]], Batch]
"""Axis → values of many points, in; column → values of all of them, out."""

REQUIRED: Any = inspect.Parameter.empty
"""Default of an axis that has none."""

LEVEL = 0.01
"""Intervals of samples are those at confidence 1 - LEVEL."""


@dataclass(frozen=True, kw_only=True)
class Axis:
    """A parameter of a quantity.

    Args:
        name: as the file writes it.
        kind: int, float, str or bool; None takes anything that TOML writes.
        says: what it is.
        unit: of its values; empty where it has none.
        default: its value where the file names none; REQUIRED when it must.
    """

    name: str
    kind: type | None
    says: str = ""
    unit: str = ""
    default: Any = REQUIRED

    def read(self, value: Any) -> Any:
        """A value from a file, converted; 5 and 5.0 are one value of a real axis.

        Raises:
            UnusableInput: for a value of another type.

        Example:
            >>> Axis(name="feature_energy", kind=float).read(5)
            5.0
        """
        legal = {int: Integral, float: Real, str: str, bool: bool}.get(self.kind or object, object)
        if not isinstance(value, legal) or (isinstance(value, bool) and self.kind in {int, float}):
            words = {int: "whole numbers", float: "real numbers", str: "text", bool: "true or false"}[self.kind or str]
            raise UnusableInput(f"{self.name} is {shown(value)}: it takes {words}; correct it.")
        if self.kind is float and not math.isfinite(value):
            raise UnusableInput(f"{self.name} is {value}: it must be finite; correct it.")
        return value if self.kind is None else self.kind(value)


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """What a sweep computes.

    Args:
        name: as the file writes it.
        says: what it is, in one line.
        axes: its parameters.
        columns: name → what it is and its unit; the first one is drawn.
        results_version: raised by hand when its numbers change: points of another version are computed again.
        compute: (parameters, random generator) → columns, at one point.
        compute_batch: axis → values of many points, in; column → values of all of them, out. None where there is no such form.
        draws: whether it draws random numbers, so that repeating it makes sense.
    """

    name: str
    says: str
    axes: tuple[Axis, ...]
    columns: Mapping[str, str] = field(default_factory=dict)
    results_version: int = 1
    compute: Callable[[Parameters, np.random.Generator | None], Columns]
    compute_batch: ComputeBatch | None = None
    draws: bool = False

    def axis(self, name: str) -> Axis:
        """The axis of this name.

        Raises:
            UnusableInput: when there is none; the nearest name is given.
        """
        for axis in self.axes:
            if axis.name == name:
                return axis
        known = [axis.name for axis in self.axes]
        raise UnusableInput(f"{name} is no axis of {self.name}: it must be one of {', '.join(known)}; {nearest(name, known)}")


def nearest(name: str, known: Sequence[str]) -> str:
    """The remedy for a name that there is not, which ends its sentence.

    Example:
        >>> nearest("minorty", ["majority", "minority"])
        'did you mean minority?'
    """
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    return f"did you mean {near[0]}?" if near else "choose one of these."


BUILT_IN = {
    "threshold": "layerpeel.counts.quantities:THRESHOLD",
    "solve": "layerpeel.counts.quantities:SOLVE",
    "remedy": "layerpeel.counts.quantities:REMEDY",
    "minority-cosine": "layerpeel.counts.quantities:MINORITY_COSINE",
    "separation-probability": "layerpeel.dynamics.quantities:SEPARATION_PROBABILITY",
}
"""Quantities of this package: name → where they are; each group of the face has its own, and readers' functions are addressed alike."""

FAMILIES = {
    "check": "layerpeel.theorems.quantities:room_quantity",
    "train": "layerpeel.networks.quantities:training_quantity",
}
"""Quantities of one kind for each room, for each experiment: what makes one of its name."""

ADDRESS = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
"""package.module:function."""


@cache
def quantity_named(name: str, folder: str = "") -> Quantity:
    """The quantity that a sweep file names.

    Args:
        name: threshold, solve, …; check:ROOM; train:EXPERIMENT; package.module:function.
        folder: searched for modules of the reader's own, before anything else that is installed.

    Raises:
        UnusableInput: for a name that there is not, or a function that cannot be imported.

    Example:
        >>> quantity_named("threshold").name
        'threshold'
    """
    if name in BUILT_IN:
        quantity = imported(BUILT_IN[name])
    elif (family := name.partition(":")[0]) in FAMILIES and ":" in name:
        quantity = imported(FAMILIES[family])(name.partition(":")[2])
    elif ADDRESS.fullmatch(name):
        quantity = imported(name, folder)
        if not isinstance(quantity, Quantity):
            quantity = of_function(name, quantity)
    else:
        known = [*BUILT_IN, *(f"{family}:…" for family in FAMILIES), "package.module:function"]
        raise UnusableInput(
            f"the quantity {shown(name)} does not exist: it must be one of {', '.join(known)}; {nearest(name, list(BUILT_IN))}"
        )
    return quantity


def imported(address: str, folder: str = "") -> Any:
    """What `package.module:name` is.

    Args:
        address: module and name.
        folder: searched first, and from then on.

    Raises:
        UnusableInput: when the module cannot be imported, or has no such name.

    Example:
        >>> imported("math:tau")
        6.283185307179586
    """
    module, _, name = address.partition(":")
    if folder and folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        with aside():
            return getattr(importlib.import_module(module), name)
    except Exception as error:
        raise UnusableInput(
            f"{address} cannot be imported ({type(error).__name__}: {error}): its module must lie beside the sweep's file, or be "
            "installed; correct its name, or its code."
        ) from error


def aside() -> "redirect_stdout[Any]":
    """What a reader's own code prints goes to standard error, since standard output is the command's."""
    return redirect_stdout(sys.stderr)


def of_function(address: str, function: Any) -> Quantity:
    """A reader's own function as a quantity: its parameters are the axes, and one that is called `rng` gets a random generator.

    Args:
        address: package.module:function.
        function: (parameters) → a number, a number with its error, an array, or several by name. Its attribute `results_version`, if it has
            one, is raised when its numbers change.

    Raises:
        UnusableInput: for what is no function, or takes `*` or `**`.

    Example:
        >>> def area(width: float, height: float = 1.0): return width * height
        >>> [(axis.name, axis.kind, axis.default) for axis in of_function("shapes:area", area).axes][1]
        ('height', <class 'float'>, 1.0)
    """
    if not callable(function):
        raise UnusableInput(f"{address} is {shown(function)}: it must be a function, or a Quantity; name another.")
    parameters = inspect.signature(function).parameters
    if any(each.kind in {each.VAR_POSITIONAL, each.VAR_KEYWORD, each.POSITIONAL_ONLY} for each in parameters.values()):
        raise UnusableInput(f"{address} takes its arguments by * or by place: a swept function must name them; write them out.")
    axes = tuple(
        Axis(name=name, kind=each.annotation if each.annotation in {int, float, str, bool} else None, default=each.default)
        for name, each in parameters.items()
        if name != "rng"
    )
    return Quantity(
        name=address,
        says=(inspect.getdoc(function) or address).splitlines()[0],
        axes=axes,
        results_version=getattr(function, "results_version", 1),
        compute=partial(_call, function, draws="rng" in parameters),
        draws="rng" in parameters,
    )


def _call(function: Callable[..., Any], parameters: Parameters, rng: np.random.Generator | None, *, draws: bool) -> Columns:
    value = function(**parameters, **({"rng": rng} if draws else {}))
    return value if isinstance(value, Mapping) else {"value": value}


def stored(column: str, value: Any) -> Stored:
    """A number with its bounds.

    Args:
        column: its name, for the refusal.
        value: a number, None, or a number with its error.

    Raises:
        UnusableInput: for what cannot be stored.

    Example:
        >>> stored("value", Bracket(1.0, 2.0)), stored("value", 3)
        ((1.5, 1.0, 2.0), (3.0, None, None))
    """
    if isinstance(value, Estimate | Proportion):
        interval = value.interval(LEVEL)
        middle, lower, upper = value.mean, interval.lower, interval.upper
    elif isinstance(value, Bracket):
        middle, lower, upper = value.middle, value.lower, value.upper
    elif value is None:
        middle, lower, upper = None, None, None
    elif isinstance(value, Real | np.bool_):
        middle, lower, upper = float(value), None, None
    else:
        raise UnusableInput(
            f"{column} is {shown(value)}: what is stored is a number, a Bracket, an Estimate, a Proportion, an array, or several by name; "
            "return one of these."
        )
    return _number(middle), _number(lower), _number(upper)


def _number(value: float | None) -> float | None:
    """SQLite knows no NaN."""
    return None if value is None or math.isnan(value) else value
