"""What is written to JSON: closed records that are their own schema, without NaN or infinity."""

import math
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


Finite = Annotated[float | None, BeforeValidator(_finite)]
"""A number, or null where it is NaN, infinite or undefined: JSON knows neither."""


class Record(BaseModel):
    """What is written to JSON: closed, and never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)
