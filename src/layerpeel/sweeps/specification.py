"""A sweep's file: which quantity, over which points, and how it is run."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    ValidationError,
    model_validator,
)

from layerpeel.numerics import UnusableInput, shown
from layerpeel.pages.files import read_small

LARGEST_FILE = 2**24
"""Bytes of a sweep's file; a million values of an axis have fewer."""

MOST_VALUES = 10**6
"""Values of one axis, and points of a sample."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="constants")


Count = Annotated[StrictInt, Field(ge=1, le=MOST_VALUES)]
Number = StrictInt | StrictFloat


class Geometric(_Table):
    """Values in equal ratios, both ends included: `{ geometric = [1, 1000, 60] }`."""

    geometric: tuple[Annotated[Number, Field(gt=0)], Annotated[Number, Field(gt=0)], Count]


class Linear(_Table):
    """Values in equal distances, both ends included: `{ linear = [0, 1, 11] }`."""

    linear: tuple[Number, Number, Count]


class Integers(_Table):
    """All whole numbers from the first to the last: `{ integers = [2, 100] }`."""

    integers: tuple[StrictInt, StrictInt]

    @model_validator(mode="after")
    def _in_order(self) -> "Integers":
        first, last = self.integers
        if not first <= last < first + MOST_VALUES:
            raise ValueError(f"[{first}, {last}] must rise, by less than {MOST_VALUES}")
        return self


Scalar = StrictBool | StrictInt | StrictFloat | StrictStr
ValueList = Annotated[list[Any], Field(min_length=1, max_length=MOST_VALUES)]
Values = Scalar | ValueList | Geometric | Linear | Integers
"""A value, a list of values, or a rule that makes them."""


def _in_step(table: dict[str, list[Any]]) -> dict[str, list[Any]]:
    lengths = {name: len(values) for name, values in table.items()}
    if len(set(lengths.values())) != 1:
        told = ", ".join(f"{name} has {length}" for name, length in lengths.items()) or "there are none"
        raise ValueError(f"lists that vary in step must have one length, and {told}; make them equal")
    return table


class SampledGeometric(_Table):
    """A range that is sampled evenly in its logarithm."""

    geometric: tuple[Annotated[Number, Field(gt=0)], Annotated[Number, Field(gt=0)]]


class SampledLinear(_Table):
    """A range that is sampled evenly."""

    linear: tuple[Number, Number]


class SampledIntegers(_Table):
    """Whole numbers from the first to the last, each as often."""

    integers: tuple[StrictInt, StrictInt]

    @model_validator(mode="after")
    def _in_order(self) -> "SampledIntegers":
        if self.integers[0] > self.integers[1]:
            raise ValueError("the first is above the last")
        return self


Range = Scalar | SampledGeometric | SampledLinear | SampledIntegers
"""A range to sample, or one value for all points."""


class What(_Table):
    """Table `[sweep]`."""

    quantity: StrictStr = Field(description="threshold, solve, …, check:ROOM, train:EXPERIMENT or package.module:function.")


class Run(_Table):
    """Table `[run]`."""

    seed: StrictInt = Field(default=0, ge=0, description="Every random number derives from it.")
    repeats: StrictInt = Field(default=1, ge=1, le=MOST_VALUES, description="Independent repetitions of every point.")
    retries: StrictInt = Field(default=1, ge=0, le=100, description="How many more attempts a point gets.")
    time_limit: Number | None = Field(default=None, gt=0, description="Seconds for one attempt of one point.")
    on_error: Literal["continue", "stop"] = Field(default="continue", description="What a failed point does to the others.")


class Specification(_Table):
    """A sweep: a quantity over a grid, or over a scrambled Sobol sample.

    The grid is the product of the axes and of the tables `together`, whose lists vary in step, without the points that match all of an
    entry of `leave_out`.

    Example:
        >>> specification({"sweep": {"quantity": "threshold"}, "axes": {"majority": 5, "minority": [2, 5], "feature_energy": 5}}).run.seed
        0
    """

    sweep: What
    axes: dict[str, Values] = Field(default_factory=dict, description="Axis → a value, a list, or a rule; the grid is their product.")
    together: list[Annotated[dict[str, ValueList], AfterValidator(_in_step)]] = Field(
        default_factory=list, description="Axes that vary in step: one value of each per point."
    )
    leave_out: list[dict[str, Scalar]] = Field(default_factory=list, description="Points that match all of these are left out.")
    sample: dict[str, Range] | None = Field(default=None, description="Instead of axes: `size`, and a range or a value for each axis.")
    run: Run = Field(default_factory=Run)

    @model_validator(mode="after")
    def _whole(self) -> "Specification":
        wrong: list[str] = []
        if self.sample is not None:
            if self.axes or self.together or self.leave_out:
                wrong.append("sample stands beside axes, together or leave_out: a sweep has a grid or a sample; leave one out")
            size = self.sample.get("size")
            if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= MOST_VALUES:
                wrong.append(f"sample.size is {shown(size)}: it must be a whole number from 1 to {MOST_VALUES}; give one")
        names = [*self.axes, *(name for table in self.together for name in table)]
        wrong += [f"{name} stands twice: an axis has one place; remove one" for name in sorted({n for n in names if names.count(n) > 1})]
        for place, rule in enumerate(self.leave_out, start=1):
            wrong += [f"leave_out, table {place}: {name} is no axis of this sweep; correct it" for name in rule if name not in names]
        if wrong:
            raise ValueError("; ".join(wrong))
        return self


def specification(content: Mapping[str, Any], *, source: str = "the sweep") -> Specification:
    """A sweep from its tables, all errors at once.

    Args:
        content: what the TOML file says.
        source: what the refusal calls it.

    Raises:
        UnusableInput: with the place of every error.

    Example:
        >>> specification({"sweep": {"quantity": "threshold"}, "runs": {}})
        Traceback (most recent call last):
            ...
        layerpeel.numerics._inputs.UnusableInput: the sweep cannot be used: runs is no key of a sweep. Correct it.
    """
    try:
        return Specification.model_validate(dict(content))
    except ValidationError as error:
        told = dict(reversed([_said(each, content) for each in error.errors(include_url=False)]))
        sentences = list(told.values())[::-1]
        raise UnusableInput(f"{source} cannot be used: {'; '.join(sentences)}. Correct {'them' if sentences[1:] else 'it'}.") from error


MEMBERS = re.compile(r"function-after.*|constrained-.*|[a-z]+\[.*|[A-Z]\w+|bool|int|float|str")
"""Members of a union, which pydantic puts into the place of an error."""

RULES = {
    "axes": "a value, a list of some, { geometric = [first, last, number] } above 0, { linear = [first, last, number] } or "
    "{ integers = [first, last] }",
    "sample": "a value, { geometric = [first, last] } above 0, { linear = [first, last] } or { integers = [first, last] }",
}


def _said(error: Mapping[str, Any], content: Mapping[str, Any]) -> tuple[str, str]:
    """The place of an error, and the sentence; what was tried of a union is one place."""
    keys = [f"table {part + 1}" if isinstance(part, int) else part for part in error["loc"] if not MEMBERS.fullmatch(str(part))]
    place = ".".join(keys)
    if keys and keys[0] in RULES and len(keys) > 1:
        place = ".".join(keys[:2])
        sentence = f"{place} is {shown(content[keys[0]][keys[1]])}: it must be {RULES[keys[0]]}"
    elif error["type"] == "extra_forbidden":
        sentence = f"{place} is no key of a sweep"
    elif error["type"] == "missing":
        sentence = f"{place} is missing"
    elif error["type"] == "value_error":
        sentence = f"{place + ': ' if place else ''}{error['ctx']['error']}"
    else:
        sentence = f"{place} is {shown(error['input'])}: {error['msg'][0].lower()}{error['msg'][1:]}"
    return place, sentence


def read_specification(path: Path, changes: tuple[str, ...] = ()) -> Specification:
    """A sweep from a TOML file.

    Args:
        path: the file.
        changes: `table.key=value`, each in the words of TOML, put over what the file says.

    Raises:
        UnusableInput: for a file that cannot be read or parsed, and for what no sweep is.
    """
    try:
        content = tomllib.loads(read_small(path, f"{path}", largest=LARGEST_FILE).decode())
    except OSError as error:
        raise UnusableInput(f"{path} cannot be read ({error.strerror}): it must be a sweep's TOML file; check the path.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UnusableInput(f"{path} is no TOML ({error}): correct it there.") from error
    for change in changes:
        _put(content, change)
    return specification(content, source=str(path))


def _put(content: dict[str, Any], change: str) -> None:
    key, equals, text = change.partition("=")
    *tables, name = key.strip().split(".")
    if not equals or not name or not tables:
        raise UnusableInput(f"the change {change!r} is not table.key=value: write for example axes.minority=7.")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise UnusableInput(f"the change {change!r} has a value that is no TOML ({error}): put text in quotes.") from error
    for table in tables:
        content = content.setdefault(table, {})
        if not isinstance(content, dict):
            raise UnusableInput(f"the change {change!r} puts a key into {table}, which is no table: correct its place.")
    content[name] = value
