"""How sharp a check is: known changes that a measurement just refutes, for every kind."""

import math

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from layerpeel.numerics import Bracket, Estimate
from layerpeel.theory import Kind, Quantities, ResolvingPower, Verdict, judge, resolution_used, resolving_power

WIDE = math.inf
"""A resolution that is never in the way."""
SIX_DIGITS = 2e-6
"""What twenty bisections leave, relative to the change."""


def of(kind: Kind, predicted: float | Bracket, *measured: Bracket, resolution: float = WIDE) -> ResolvingPower:
    claim = predicted if isinstance(predicted, Bracket) else Bracket.exactly(predicted)
    found = {str(place): value for place, value in enumerate(measured)}
    power = resolving_power(kind, dict.fromkeys(found, claim), found, resolution=resolution, level=0.01)
    assert power is not None
    return power


@pytest.mark.parametrize(
    ("kind", "predicted", "measured", "relative", "absolute"),
    [
        (Kind.EQUALITY, 2.0, Bracket(1.8, 2.1), 2.0 / 1.8 - 1.0, 0.2),  # the blurred side decides
        (Kind.EQUALITY, -2.0, Bracket(-2.1, -1.8), 2.0 / 1.8 - 1.0, 0.2),
        (Kind.EQUALITY, Bracket(1.9, 2.1), Bracket(2.0, 2.0), 2.0 / 1.9 - 1.0, 0.1),  # so does a blurred prediction
        (Kind.OBSERVATION, 2.0, Bracket(2.0, 4.0), 1.0, 2.0),
        (Kind.EQUALITY, 0.0, Bracket(-0.1, 0.3), None, 0.3),
        (Kind.EQUALITY, 2.0, Bracket(0.0, 2.0), math.inf, 2.0),  # no factor brings it below zero
        (Kind.EQUALITY, 2.0, Bracket(-math.inf, 2.0), math.inf, math.inf),  # blind below
        (Kind.UPPER_BOUND, 2.0, Bracket(1.0, 1.6), 1.0, 1.0),
        (Kind.UPPER_BOUND, -1.0, Bracket(-3.0, -1.5), 2.0, 2.0),
        (Kind.LOWER_BOUND, 2.0, Bracket(2.2, 3.0), 0.5, 1.0),
    ],
)
def test_the_smallest_change_that_is_refuted(
    kind: Kind, predicted: float | Bracket, measured: Bracket, relative: float | None, absolute: float
) -> None:
    power = of(kind, predicted, measured)
    assert power.relative == (None if relative is None else pytest.approx(relative, rel=SIX_DIGITS))
    assert power.absolute == pytest.approx(absolute, rel=SIX_DIGITS)


def test_the_sharpest_label_decides() -> None:
    assert of(Kind.EQUALITY, 1.0, Bracket(0.5, 2.0), Bracket(0.99, 1.01)).absolute == pytest.approx(0.01, rel=SIX_DIGITS)


def test_a_limit_is_told_from_another_one_by_its_last_step() -> None:
    steps = (Bracket(1.5, 1.5), Bracket(1.2, 1.2), Bracket(1.1, 1.1))
    # The limit 1 moves up until 1.1 is farther than 0.3 below it, and down until it is farther above.
    assert of(Kind.LIMIT, 1.0, *steps, resolution=0.3).absolute == pytest.approx(0.4, rel=SIX_DIGITS)


def test_an_identity_refutes_any_change_and_what_is_not_confirmed_has_no_power() -> None:
    identity: Quantities = {"x": sympy.Integer(1)}
    assert resolving_power(Kind.EQUALITY, identity, identity, resolution=0.0, level=0.01) == ResolvingPower(relative=0.0, absolute=0.0)
    zero: Quantities = {"x": sympy.Integer(0)}
    assert resolving_power(Kind.EQUALITY, zero, zero, resolution=0.0, level=0.01) == ResolvingPower(relative=None, absolute=0.0)
    exact: Quantities = {"x": Bracket.exactly(1.0)}
    assert resolving_power(Kind.EQUALITY, exact, {"x": Bracket(2.0, 3.0)}, resolution=WIDE, level=0.01) is None
    assert resolving_power(Kind.EQUALITY, exact, {"x": Bracket(0.0, 3.0)}, resolution=0.1, level=0.01) is None


def test_a_sample_resolves_its_interval() -> None:
    sample = Estimate(mean=1.0, standard_error=0.01, n=1000)
    power = resolving_power(Kind.PROBABILITY, {"x": Bracket.exactly(1.0)}, {"x": sample}, resolution=WIDE, level=0.01)
    assert power is not None
    assert power.absolute == pytest.approx(sample.interval(0.01).upper - 1.0, rel=SIX_DIGITS)


@given(
    st.sampled_from([Kind.EQUALITY, Kind.UPPER_BOUND, Kind.LOWER_BOUND]),
    st.floats(0.1, 10.0),
    st.floats(0.0, 1.0),
    st.floats(0.0, 1.0),
    st.sampled_from([-1.0, 1.0]),
)
def test_what_is_said_to_be_refuted_is(kind: Kind, claim: float, below: float, above: float, sign: float) -> None:
    lower, upper = {
        Kind.EQUALITY: (claim - below, claim + above),
        Kind.UPPER_BOUND: (claim - below - above, claim - below),
        Kind.LOWER_BOUND: (claim + below, claim + below + above),
    }[kind]
    low, high = sorted((sign * lower, sign * upper))
    kind = kind if sign > 0 else {Kind.UPPER_BOUND: Kind.LOWER_BOUND, Kind.LOWER_BOUND: Kind.UPPER_BOUND}.get(kind, kind)
    power = of(kind, sign * claim, Bracket(low, high))
    moves = {Kind.UPPER_BOUND: (-1,), Kind.LOWER_BOUND: (1,)}.get(kind, (1, -1))

    def verdicts(change: float) -> list[Verdict]:
        return [
            judge(
                kind,
                {"0": Bracket.exactly(sign * claim + move * change)},
                {"0": Bracket(low, high)},
                resolution=WIDE,
                level=0.01,
            )
            for move in moves
        ]

    assert set(verdicts(power.absolute * 1.001 + 1e-15)) == {Verdict.REFUTED}
    if power.absolute > 1e-12:
        assert set(verdicts(power.absolute * 0.999)) != {Verdict.REFUTED}


def test_the_share_of_the_resolution_that_was_used() -> None:
    claim: Quantities = {"a": Bracket.exactly(1.0), "b": Bracket.exactly(1.0)}
    found: Quantities = {"a": Bracket(0.9, 1.1), "b": Bracket(1.0, 1.0), "unasked": Bracket(0.0, 9.0)}
    assert resolution_used(Kind.EQUALITY, claim, found, resolution=0.8, level=0.01) == pytest.approx(0.25)
    assert resolution_used(Kind.EQUALITY, claim, found, resolution=0.0, level=0.01) == math.inf
    assert resolution_used(Kind.EQUALITY, {"b": claim["b"]}, found, resolution=0.0, level=0.01) == 0.0
    for kind in (Kind.UPPER_BOUND, Kind.LOWER_BOUND, Kind.LIMIT):
        assert resolution_used(kind, claim, found, resolution=0.8, level=0.01) is None
    assert resolution_used(Kind.EQUALITY, {"x": sympy.Integer(1)}, {"x": sympy.Integer(1)}, resolution=0.0, level=0.01) is None
