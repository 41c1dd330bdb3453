"""The tests check shapes and types at run time, and a whole number may stand for a float."""

import numpy as np
import pytest
from jaxtyping import TypeCheckError

from numerics import Bracket, nuclear_norm


def test_wrong_types_and_shapes_are_errors_here() -> None:
    with pytest.raises(TypeCheckError):
        Bracket("low", "high")  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeCheckError):
        nuclear_norm(np.ones(3))


def test_an_int_is_a_float() -> None:
    assert Bracket(1, 2).middle == 1.5
