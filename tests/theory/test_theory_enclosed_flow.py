"""The L-model's flow in ball arithmetic, against closed forms that it does not know and against doubles."""

import math
from fractions import Fraction

import numpy as np
import pytest
import sympy
from flint import arb, arb_mat, ctx

from layerpeel.numerics import PRECISION, ElasticModel, logit_directions, mean_flow, to_bracket
from layerpeel.theory.locally_elastic._drift import exact_similarity
from layerpeel.theory.locally_elastic._enclosed_flow import (
    Drift,
    flow,
    largest,
    on_logarithms,
    rational,
    two_parameter_drift,
    unit_direction,
)
from layerpeel.theory.locally_elastic._separation import log_distances

IN_DOUBLES = 1e-11
"""Relative error of the same flow in doubles: integrals to 1e-13 and exponentials of up to 3."""


def fading(classes: int, intra: Fraction, inter: Fraction) -> Drift:
    """The L-model with α = a, β = b e^{−t}."""
    return two_parameter_drift(exact_similarity("L", classes, classes), classes, {Fraction(0): intra}, {Fraction(-1): inter})


def enclosed(start: np.ndarray, intra: Fraction, inter: Fraction, end: int) -> list[arb]:
    column = arb_mat(start.size, 1, [arb(value) for value in start.ravel().tolist()])
    return flow(column, fading(len(start), intra, inter), [arb(end)])[0].entries()


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
        found = flow(start, fading(classes, intra, inter), [arb(end)])[0].entries()
        growth = ((arb(end) + (1 - arb(-end).exp()) / 2) / classes).exp()
        for value, begun in zip(found, start.entries(), strict=True):
            assert value.overlaps(begun * growth)
            assert value.rad() < arb(10) ** -25


def test_columns_are_independent_starts() -> None:
    with ctx.workprec(PRECISION):
        both = arb_mat(4, 2, [1, 2, 0, 3, 0, 1, 1, 1])
        drift = fading(2, Fraction(1), Fraction(-1, 3))
        together = flow(both, drift, [arb(3)])[0]
        for column in range(2):
            alone = flow(arb_mat(4, 1, [both[row, column] for row in range(4)]), drift, [arb(3)])[0]
            assert all(together[row, column].overlaps(alone[row, 0]) for row in range(4))


def test_directions_are_those_of_the_simplex() -> None:
    for classes in (2, 3, 7):
        found = [[float(value.mid()) for value in unit_direction(classes, j).entries()] for j in range(classes)]
        np.testing.assert_allclose(found, logit_directions(classes), rtol=1e-14)


def test_largest_bounds_every_ball() -> None:
    values = [arb(1), arb(-3, 0.5), arb(2, 0.25)]
    assert all(largest(values) >= abs(value) for value in values)
    assert math.isclose(float(largest(values)), 3.5, rel_tol=1e-9)


@pytest.mark.parametrize(("kind", "classes"), [("I", 2), ("I", 4), ("L", 3)])
def test_power_laws_on_logarithms_agree_with_the_flow_in_doubles(kind: str, classes: int) -> None:
    features = classes if kind == "L" else 1
    intra, inter = {Fraction(3, 4): Fraction(1), Fraction(1): Fraction(-1, 2)}, {Fraction(1): Fraction(-1, 2)}
    drift = two_parameter_drift(exact_similarity(kind, classes, features), classes, on_logarithms(intra), on_logarithms(inter))
    start, times = np.arange(classes * features).reshape(classes, features) ** 2 % 5, (1.0, 30.0, 1e3)
    found = log_distances(drift, rational(sympy.Matrix(start.ravel().tolist())), times, [(0, 1)], classes=classes)
    model = ElasticModel(
        blocks=kind, num_classes=classes, num_features=features, intra="(1 + t)**(-3/4) - 1/2/(1 + t)", inter="-1/2/(1 + t)"
    )
    expected = mean_flow(model, start.astype(float), times).log_distances(0, 1)
    for (bracket,), value in zip(found, expected.tolist(), strict=True):
        assert bracket.rigorous
        assert bracket.width < 1e-14 * (1 + abs(value))
        assert abs(bracket.middle - value) <= IN_DOUBLES * (1 + abs(value))


def test_precision_is_kept_whatever_it_was_when_the_drift_was_made() -> None:
    # e^{t/3} from entries 1/3, which 53 bits would round: the enclosure stays narrow and holds the truth.
    drift = two_parameter_drift(exact_similarity("I", 3, 1), 3, {Fraction(0): Fraction(1)}, {})
    with ctx.workprec(PRECISION):
        (found,) = flow(arb_mat(3, 1, [1, 0, 0]), drift, [arb(6)])
        assert found[0, 0].overlaps(arb(2).exp())
        assert found[0, 0].rad() < arb(10) ** -28


def test_times_must_increase() -> None:
    drift = two_parameter_drift(exact_similarity("I", 2, 1), 2, {Fraction(0): Fraction(1)}, {})
    with pytest.raises(ArithmeticError, match="is not certainly later than"):
        flow(arb_mat(2, 1, [1, 0]), drift, [arb(2), arb(1)])
