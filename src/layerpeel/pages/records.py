"""What is written to JSON: closed records that are their own schema, without NaN or infinity."""

import json
import math
from abc import ABC, abstractmethod
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer

from layerpeel.numerics import Drawing
from layerpeel.pages.output import json_text


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _lists(array: np.ndarray) -> Any:
    entries = array.astype(object)
    entries[~np.isfinite(array)] = None
    return entries.tolist()


Finite = Annotated[float | None, BeforeValidator(_finite)]
"""A number, or null where it is NaN, infinite or undefined: JSON knows neither."""

Number = Annotated[float, PlainSerializer(_finite, return_type=float | None)]
"""A number that is kept as it is, and null in JSON where it is NaN or infinite."""

Numbers = Annotated[np.ndarray, PlainSerializer(_lists, return_type=list[float | None])]
"""A list of numbers; null in JSON where one is NaN or infinite."""

Table = Annotated[np.ndarray, PlainSerializer(_lists, return_type=list[list[float | None]])]
"""A list of lists of numbers, likewise."""

Tables = Annotated[np.ndarray, PlainSerializer(_lists, return_type=list[list[list[float | None]]])]
"""A list of tables, likewise."""


class Record(BaseModel):
    """What is written to JSON: closed, and never changed."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, arbitrary_types_allowed=True, json_schema_serialization_defaults_required=True, protected_namespaces=()
    )


class Keys(Record):
    """The JSON of a command: its fields are the keys."""

    schema_version: Literal[1] = 1

    def __eq__(self, other: object) -> bool:
        """Results are told apart by identity: their arrays have no single answer to ==."""
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def to_dict(self) -> dict[str, Any]:
        """The keys and values of its JSON."""
        return self.model_dump(mode="json", by_alias=True)

    @classmethod
    def schema_text(cls) -> str:
        """The JSON schema of `to_dict`, as committed in the package's folder `schemas`."""
        return json.dumps(cls.model_json_schema(mode="serialization"), indent=2, ensure_ascii=False) + "\n"


class Result(Keys, ABC):
    """What a command answers: its fields are the keys of its JSON, and it says itself in words and in figures."""

    FILES: ClassVar[tuple[str, ...]] = ()
    """Names of its files: the JSON, one for each figure, and the page last, if it has one."""

    @abstractmethod
    def to_text(self) -> str:
        """What it says, as plain text."""

    def figures(self) -> tuple[Drawing, ...]:
        """What it shows, as data."""
        return ()

    def page_of(self, drawn: tuple[Drawing, ...]) -> str:
        """What it says, what it shows, and its keys as tables, as one HTML page.

        Args:
            drawn: its figures, which may take time to make.
        """
        from layerpeel.pages.results_page import results_page, tables_of  # what draws is imported where something is drawn

        title = self.FILES[0].removesuffix(".json").capitalize()
        return results_page(title, "", drawn, (), (), tables_of(self.to_dict()), self.to_text())

    def to_files(self) -> dict[str, str]:
        """Its files as text, by name."""
        from layerpeel.pages.figure_file import figure_file  # what draws is imported where something is drawn

        drawn = self.figures()
        paged = self.FILES[-1].endswith(".html")
        texts = (json_text(self.to_dict()) + "\n", *map(figure_file, drawn), *([self.page_of(drawn)] if paged else []))
        return dict(zip(self.FILES, texts, strict=True))
