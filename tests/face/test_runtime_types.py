"""The tests check shapes and types at run time, and a whole number may stand for a float."""

import numpy as np
import pytest
import runtime_types
from jaxtyping import TypeCheckError

from layerpeel.numerics import Bracket
from layerpeel.numerics.locally_elastic._modes import own_projections


def test_wrong_types_and_shapes_are_errors_here() -> None:
    with pytest.raises(TypeCheckError):
        Bracket("low", "high")  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeCheckError):
        own_projections(np.ones(3))  # public functions refuse with a sentence before that


def test_an_int_is_a_float() -> None:
    assert Bracket(1, 2).middle == 1.5


def test_a_test_has_so_many_checks_and_the_next_one_as_many_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime_types, "CALLS", 1)
    for _ in range(3):
        own_projections(np.eye(2))
    with pytest.raises(ValueError, match="at least two dimensions"):  # numpy's own words: nothing was checked
        own_projections(np.ones(3))
    monkeypatch.undo()
    runtime_types.pytest_runtest_setup()
    with pytest.raises(TypeCheckError):
        own_projections(np.ones(3))
