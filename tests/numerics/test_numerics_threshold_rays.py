"""Enclosures of the threshold on whole rays, against the threshold at points of those rays."""

import math

import pytest
from flint import ctx

from layerpeel.numerics import (
    PRECISION,
    Bracket,
    log_threshold_minus_one,
    threshold_at_large_energies,
    threshold_at_small_energies,
    threshold_of_many_classes,
    threshold_of_many_minority_classes,
    to_bracket,
)

SIZES = [(5, 5), (3, 7), (1, 2), (100, 2), (1, 100)]

EVALUATION = 1e-13
"""Relative error granted to a threshold in doubles."""


def log_threshold(majority: int, minority: int, root: float) -> float:
    """log R0 at E_H = E_W = root."""
    excess = log_threshold_minus_one(majority, minority, feature_energy=root, weight_energy=root)
    return excess + math.log1p(math.exp(-excess)) if excess > 0 else math.log1p(math.exp(excess))


def holds(bracket: Bracket, value: float, size: float = 1.0) -> bool:
    """Whether the value is inside, up to the error of a number of the given size that it is a difference of."""
    allowance = EVALUATION * max(1.0, abs(value), size)
    return bracket.lower - allowance <= value <= bracket.upper + allowance


@pytest.mark.parametrize("sizes", SIZES)
def test_small_energies(sizes: tuple[int, int]) -> None:
    with ctx.workprec(PRECISION):
        wide, narrow = (to_bracket(threshold_at_small_energies(*sizes, largest)) for largest in (1e-3, 1e-4))
    assert all(holds(wide, log_threshold(*sizes, root) / root) for root in (1e-3, 3e-4, 1e-6))
    assert holds(narrow, log_threshold(*sizes, 1e-4) / 1e-4)
    assert wide.lower <= narrow.lower <= narrow.upper <= wide.upper
    # A ray that does not hold the energy does not hold its quotient either.
    assert not holds(narrow, log_threshold(*sizes, 3.0) / 3.0)


@pytest.mark.parametrize("sizes", SIZES)
def test_large_energies(sizes: tuple[int, int]) -> None:
    with ctx.workprec(PRECISION):
        slope, constant = (to_bracket(ball) for ball in threshold_at_large_energies(*sizes, 1e3))
        exact, _ = (to_bracket(ball) for ball in threshold_at_large_energies(*sizes, 1e25))
    assert exact.width <= EVALUATION
    for root in (1e3, 3e3, 1e4):
        found = log_threshold(*sizes, root)
        assert holds(slope, found / root)
        assert holds(constant, found - exact.middle * root, size=found)
    assert not holds(constant, log_threshold(*sizes, 1.0) - exact.middle)


@pytest.mark.parametrize("least", [200, 10**5])
def test_many_classes(least: int) -> None:
    with ctx.workprec(PRECISION):
        found = to_bracket(threshold_of_many_classes(0.5, 1.0, least))
    for classes in (least, 10 * least):
        assert holds(found, classes * math.exp(log_threshold_minus_one(classes // 2, classes // 2, feature_energy=1.0)))
    assert not holds(found, 4 * math.exp(log_threshold_minus_one(2, 2, feature_energy=1.0)))
    assert found.width * least < 3000


@pytest.mark.parametrize("majority", [1, 2, 5])
def test_many_minority_classes(majority: int) -> None:
    with ctx.workprec(PRECISION):
        found = to_bracket(threshold_of_many_minority_classes(majority, 1.0, 200))
    for classes in (200, 1000, 3000):
        assert holds(found, log_threshold(majority, classes - majority, 1.0) - classes / majority + math.log(classes), size=classes)
    assert not holds(found, log_threshold(majority, 10, 1.0) - (majority + 10) / majority + math.log(majority + 10))


def test_a_ray_that_cannot_be_enclosed_is_refused() -> None:
    with ctx.workprec(PRECISION), pytest.raises(ArithmeticError, match="begin farther out"):
        threshold_at_large_energies(5, 5, 0.1)
    with ctx.workprec(PRECISION), pytest.raises(ArithmeticError, match="begin with more classes"):
        threshold_of_many_classes(0.5, 1.0, 2)
    with ctx.workprec(PRECISION), pytest.raises(ArithmeticError, match="begin with more classes"):
        threshold_of_many_minority_classes(2, 1.0, 2)
    with ctx.workprec(PRECISION), pytest.raises(ArithmeticError, match="end it nearer"):
        threshold_at_small_energies(5, 5, math.inf)
