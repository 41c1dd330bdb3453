"""Doubles with bounds on their errors: every operation contains what it stands for."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import arb, ctx
from hypothesis import given
from hypothesis import strategies as st

from layerpeel.numerics import Rounded
from layerpeel.numerics._rounded import EXPONENTIAL_ERROR, LOGARITHM_ERROR, UNIT, exponential, logarithm_of_one_and

SIZE = 7


def exactly(number: float) -> Fraction:
    return Fraction(*number.as_integer_ratio())


class Pair:
    """Rounded numbers and numbers that they may stand for, anywhere within the radius and often at its end."""

    def __init__(self, seed: int, decades: float, *, shape: tuple[int, ...] = (SIZE,), away_from_zero: bool = False) -> None:
        rng = np.random.default_rng(seed)
        middle = rng.standard_normal(shape) * 10 ** rng.uniform(-decades, decades, shape)
        if away_from_zero:
            middle = np.sign(middle) * (np.abs(middle) + 2.0)
        radius = np.abs(middle) * 10 ** rng.uniform(-16, -1, shape) * rng.integers(0, 2, shape)
        self.rounded = Rounded(middle, radius)
        place = np.clip(rng.uniform(-2, 2, shape), -1, 1)
        self.stands_for = np.array(
            [exactly(m) + exactly(t) * exactly(r) for m, t, r in zip(middle.flat, place.flat, radius.flat, strict=True)], dtype=object
        ).reshape(shape)


def contains(found: Rounded, numbers: np.ndarray) -> bool:
    return all(
        abs(exactly(m) - number) <= exactly(r)
        for m, r, number in zip(found.middle.flat, found.radius.flat, np.asarray(numbers, dtype=object).flat, strict=True)
    )


seeds, decades = st.integers(0, 2**32 - 1), st.sampled_from([0.0, 3.0, 12.0])


@pytest.mark.parametrize(
    "operation",
    [
        lambda a, b, number: a + b,
        lambda a, b, number: a - b,
        lambda a, b, number: a * b,
        lambda a, b, number: a * (b - b + a),
        lambda a, b, number: -a + number(2.5) * b,
        lambda a, b, number: number(1.0) - a * number(0.1),
    ],
    ids=["sum", "difference", "product", "square with cancellation", "by a number", "from a number"],
)
@given(seeds, seeds, decades)
def test_sums_and_products_contain_what_they_stand_for(
    operation: Callable[[Any, Any, Callable[[float], Any]], Any], first: int, second: int, decades: float
) -> None:
    a, b = Pair(first, decades), Pair(second, decades)
    assert contains(operation(a.rounded, b.rounded, float), operation(a.stands_for, b.stands_for, exactly))


@given(seeds, seeds, decades)
def test_quotients_contain_what_they_stand_for(first: int, second: int, decades: float) -> None:
    a, b = Pair(first, decades), Pair(second, 0.5, away_from_zero=True)
    assert contains(a.rounded / b.rounded, a.stands_for / b.stands_for)


def test_small_or_doubtful_divisors_bound_nothing() -> None:
    divisors = Rounded(np.array([0.1, 1.0, 3.0]), np.array([0.0, 0.6, 1.0]))
    assert (Rounded.exact(np.ones(3)) / divisors).radius.tolist()[:2] == [np.inf, np.inf]
    assert contains((Rounded.exact(np.ones(3)) / divisors)[2:], np.array([Fraction(1, 2)], dtype=object))


@given(seeds, decades)
def test_sums_along_an_axis_and_totals_contain_what_they_stand_for(seed: int, decades: float) -> None:
    a = Pair(seed, decades, shape=(5, 40))
    for axis in (0, 1):
        assert contains(a.rounded.sum(axis=axis), a.stands_for.sum(axis=axis))
    with ctx.workprec(300):
        total = a.stands_for.sum()
        assert a.rounded.total().contains(arb(total.numerator) / total.denominator)


@given(seeds, st.sampled_from([0.0, 0.5, 2.0]))
def test_exponentials_contain_what_they_stand_for(seed: int, decades: float) -> None:
    a = Pair(seed, decades)
    found = a.rounded.exp()
    with ctx.workprec(300):
        for middle, radius, number in zip(found.middle.tolist(), found.radius.tolist(), a.stands_for, strict=True):
            if np.isfinite(radius):
                value = (arb(number.numerator) / number.denominator).exp()
                assert abs(value - arb(middle)) <= arb(radius)


def test_the_exponential_keeps_its_promise_and_does_much_better() -> None:
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.uniform(-700, 700, 3000), np.log(2) * (rng.integers(-1000, 1000, 500) + 0.5), [0.0, -0.0, 5e-324]])
    worst = 0.0
    with ctx.workprec(200):
        for x, found in zip(points.tolist(), exponential(points).tolist(), strict=True):
            value = arb(x).exp()
            worst = max(worst, float(abs(arb(found) / value - 1).upper()))
    assert worst <= EXPONENTIAL_ERROR
    assert worst <= 4 * UNIT  # Horner's rule on |r| < 0.35 loses little more than its last two roundings


def test_the_logarithm_keeps_its_promise_and_does_much_better() -> None:
    rng = np.random.default_rng(0)
    ends = [2.0**-1000, 0.5, np.nextafter(0.5, 0.0), 0.75, 1.0, 2.0, 1e308]
    points = np.concatenate([10 ** rng.uniform(-300, 300, 1000), 10 ** rng.uniform(-3, 3, 3000), rng.uniform(0.4, 0.6, 1000), ends])
    worst = 0.0
    with ctx.workprec(200):
        for x, found in zip(points.tolist(), logarithm_of_one_and(points).tolist(), strict=True):
            worst = max(worst, float(abs(arb(found) / arb(x).log1p() - 1).upper()))
    assert worst <= LOGARITHM_ERROR
    assert worst <= 8 * UNIT  # rounding 1 + x next to its smallest logarithm, log(3/2), and the quotient
    assert logarithm_of_one_and(np.zeros(1)).tolist() == [0.0]


def test_exponentials_beyond_the_doubles_are_zero_or_bound_nothing() -> None:
    found = Rounded.exact(np.array([-1e4, -745.0, 710.0, 1e300])).exp()
    assert found.middle.tolist()[0] == 0.0
    assert 0 < found.radius[0] < 1e-300
    assert abs(found.middle[1] - 5e-324) <= found.radius[1]
    assert not np.isfinite(found.radius[2:]).any()
    assert Rounded(np.zeros(1), np.array([1.5])).exp().radius.tolist() == [np.inf]


def test_balls_and_back() -> None:
    with ctx.workprec(128):
        numbers = [arb(1) / 3, arb(2).sqrt(), arb(5e-324), arb(0, 0.25)]
        found = Rounded.enclosing(numbers)
        assert all(outer.contains(inner) for outer, inner in zip(found.balls(), numbers, strict=True))
        assert found.radius[:2].max() <= 2 * UNIT
        assert not Rounded(np.array([np.inf]), np.zeros(1)).total().is_finite()
        assert not Rounded(np.zeros(1), np.array([np.inf])).total().is_finite()


def test_roots_are_rounded_once() -> None:
    squares = np.array([2.0, 9.0, 1e15])
    found = Rounded.root(squares)
    with ctx.workprec(128):
        assert all(ball.contains(arb(square).sqrt()) for ball, square in zip(found.balls(), squares.tolist(), strict=True))
    assert (found.radius <= 2 * UNIT * found.middle).all()


@given(seeds, seeds)
def test_the_larger_of_two_and_the_largest_contain_what_they_stand_for(first: int, second: int) -> None:
    a, b = Pair(first, 1.0, shape=(4, 3)), Pair(second, 1.0, shape=(4, 3))
    assert contains(a.rounded.maximum(b.rounded), np.maximum(a.stands_for, b.stands_for))
    assert contains(a.rounded.maximum(0.0), np.maximum(a.stands_for, 0))
    assert contains(a.rounded.max(axis=1), a.stands_for.max(axis=1))
    assert all(exactly(bound) >= abs(number) for bound, number in zip(a.rounded.above().flat, a.stands_for.flat, strict=True))


def test_diagonals_are_read_and_replaced() -> None:
    square, entries = Rounded.exact(np.arange(9.0).reshape(3, 3)), Rounded(np.full(3, 7.0), np.full(3, 0.5))
    replaced = square.with_diagonal(entries)
    assert square.diagonal().middle.tolist() == [0.0, 4.0, 8.0]
    assert replaced.diagonal().radius.tolist() == [0.5] * 3
    assert replaced.middle[0].tolist() == [7.0, 1.0, 2.0]
    assert (np.ones(3) * entries).middle.tolist() == [7.0] * 3  # an array on the left does not take the operation over
