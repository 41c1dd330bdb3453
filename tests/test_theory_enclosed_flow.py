"""The L-model's flow in ball arithmetic, against closed forms that it does not know and against doubles."""

import math
from fractions import Fraction

import numpy as np
import pytest
from flint import arb, arb_mat, ctx

from numerics import PRECISION, ElasticModel, logit_directions, mean_flow, to_bracket
from theory.locally_elastic._enclosed_flow import flow, largest, unit_direction

IN_DOUBLES = 1e-11
"""Relative error of the same flow in doubles: integrals to 1e-13 and exponentials of up to 3."""


def enclosed(start: np.ndarray, intra: Fraction, inter: Fraction, end: int) -> list[arb]:
    column = arb_mat(start.size, 1, [arb(value) for value in start.ravel().tolist()])
    return flow(column, len(start), intra, inter, end).entries()


@pytest.mark.parametrize("classes", [2, 3, 4])
@pytest.mark.parametrize("rates", [(Fraction(1), Fraction(-1, 10)), (Fraction(0), Fraction(-1)), (Fraction(-1, 2), Fraction(3, 4))])
def test_agrees_with_the_flow_in_doubles(classes: int, rates: tuple[Fraction, Fraction]) -> None:
    start = np.cos(np.arange(classes**2).reshape(classes, classes) ** 2)
    with ctx.workprec(PRECISION):
        brackets = [to_bracket(value) for value in enclosed(start, *rates, 6)]
    model = ElasticModel(blocks="L", num_classes=classes, intra=float(rates[0]), inter=f"{float(rates[1])}*exp(-t)")
    means = mean_flow(model, start, 6.0).means.ravel()
    for bracket, value in zip(brackets, means.tolist(), strict=True):
        assert bracket.rigorous
        assert bracket.width <= 1e-14 * (1 + abs(value))
        assert abs(bracket.middle - value) <= IN_DOUBLES * (1 + np.abs(means).max())


def test_encloses_the_mean_mode_in_closed_form() -> None:
    # From X̄^k(0) = d̂_k all s_j are one and grow as e^{Γ/K}: X̄^k = e^{Γ/K} d̂_k.
    classes, intra, inter, end = 3, Fraction(1), Fraction(-1, 2), 5
    with ctx.workprec(PRECISION):
        start = arb_mat(9, 1, [value for j in range(classes) for value in unit_direction(classes, j).entries()])
        found = flow(start, classes, intra, inter, end).entries()
        growth = ((arb(end) + (1 - arb(-end).exp()) / 2) / classes).exp()
        for value, begun in zip(found, start.entries(), strict=True):
            assert value.overlaps(begun * growth)
            assert value.rad() < arb(10) ** -25


def test_columns_are_independent_starts() -> None:
    with ctx.workprec(PRECISION):
        both = arb_mat(4, 2, [1, 2, 0, 3, 0, 1, 1, 1])
        together = flow(both, 2, Fraction(1), Fraction(-1, 3), 3)
        for column in range(2):
            alone = flow(arb_mat(4, 1, [both[row, column] for row in range(4)]), 2, Fraction(1), Fraction(-1, 3), 3)
            assert all(together[row, column].overlaps(alone[row, 0]) for row in range(4))


def test_directions_are_those_of_the_simplex() -> None:
    for classes in (2, 3, 7):
        found = [[float(value.mid()) for value in unit_direction(classes, j).entries()] for j in range(classes)]
        np.testing.assert_allclose(found, logit_directions(classes), rtol=1e-14)


def test_largest_bounds_every_ball() -> None:
    values = [arb(1), arb(-3, 0.5), arb(2, 0.25)]
    assert all(largest(values) >= abs(value) for value in values)
    assert math.isclose(float(largest(values)), 3.5, rel_tol=1e-9)
