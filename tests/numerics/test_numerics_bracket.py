"""Brackets, estimates and proportions: validation, outward rounding, coverage."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from layerpeel.numerics import Bracket, Estimate, Proportion

FINITE = st.floats(allow_nan=False, allow_infinity=False)

LEVEL = 1e-3
"""Probability that a true law test fails; the generator is seeded, so it fails always or never."""


@st.composite
def brackets(draw: st.DrawFn) -> Bracket:
    ends = sorted([draw(FINITE), draw(FINITE)])
    return Bracket(ends[0], ends[1], rigorous=draw(st.booleans()))


@pytest.mark.parametrize("ends", [(2.0, 1.0), (math.nan, 1.0), (0.0, math.nan), (math.nan, math.nan), (math.inf, -math.inf)])
def test_an_empty_bracket_is_refused_with_its_ends(ends: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="is empty: lower must not exceed upper") as refused:
        Bracket(*ends)
    assert f"Bracket({ends[0]!r}, {ends[1]!r})" in str(refused.value)


def test_special_brackets() -> None:
    point = Bracket.exactly(0.1)
    assert (point.lower, point.upper, point.width, point.middle, point.rigorous) == (0.1, 0.1, 0.0, 0.1, True)
    assert str(point) == "0.1"
    assert str(Bracket(1.0, 3.0)) == "2 ± 1.0e+00"
    assert not Bracket(0.0, 1.0).rigorous
    assert not Bracket(0.0, 1.0).contains(math.nan)
    assert Bracket(-math.inf, math.inf).contains(1e308)
    with pytest.raises(AttributeError):
        point.lower = 0.0  # pyright: ignore[reportAttributeAccessIssue]


def test_the_middle_survives_overflow() -> None:
    wide = Bracket(-1.7e308, 1.7e308)
    assert math.isinf(wide.width)
    assert wide.middle == 0.0


@given(brackets(), brackets(), st.floats(0, 1), st.floats(0, 1))
def test_sums_and_differences_contain_every_exact_sum_and_difference(first: Bracket, second: Bracket, s: float, t: float) -> None:
    def inside(bracket: Bracket, share: float) -> Fraction:
        return Fraction(bracket.lower) + Fraction(share) * (Fraction(bracket.upper) - Fraction(bracket.lower))

    x, y = inside(first, s), inside(second, t)
    for found, exact in ((first + second, x + y), (first - second, x - y)):
        assert math.isinf(found.lower) or Fraction(found.lower) <= exact
        assert math.isinf(found.upper) or Fraction(found.upper) >= exact
        assert found.rigorous == (first.rigorous and second.rigorous)


@given(FINITE, FINITE)
def test_sums_of_points_are_at_most_two_ulps_wide(x: float, y: float) -> None:
    total = x + y
    assume(math.isfinite(total))
    found = Bracket.exactly(x) + Bracket.exactly(y)
    assert found.lower >= math.nextafter(total, -math.inf)
    assert found.upper <= math.nextafter(total, math.inf)


def test_plain_addition_would_not_contain_the_sum() -> None:
    """The outward rounding is needed: here the rounded sum of doubles is on the wrong side of the exact one."""
    exact = Fraction(0.1) + Fraction(0.2)
    assert Fraction(0.1 + 0.2) > exact
    found = Bracket.exactly(0.1) + Bracket.exactly(0.2)
    assert Fraction(found.lower) < exact < Fraction(found.upper)


@given(brackets())
def test_negation_is_an_involution_that_reflects(bracket: Bracket) -> None:
    mirrored = -bracket
    assert -mirrored == bracket
    assert (-bracket).contains(-bracket.lower)
    assert (-bracket).rigorous == bracket.rigorous


@given(brackets(), brackets())
def test_overlap_is_symmetric_and_means_a_common_end(first: Bracket, second: Bracket) -> None:
    assert first.overlaps(second) == second.overlaps(first)
    shared = any(first.contains(end) and second.contains(end) for end in (first.lower, first.upper, second.lower, second.upper))
    assert first.overlaps(second) == shared


def test_an_estimate_is_the_sample_mean_with_its_standard_error() -> None:
    found = Estimate.of(np.array([1.0, 2.0, 4.0]))
    assert found.mean == pytest.approx(7 / 3, rel=1e-15)
    # Sample variance 7/3, divided by n = 3.
    assert found.standard_error == pytest.approx(math.sqrt(7) / 3, rel=1e-15)
    assert found.n == 3
    assert str(found) == "2.33333 (standard error 8.8e-01, n = 3)"


def test_the_students_t_interval_of_two_draws_is_the_cauchy_quantile() -> None:
    # One degree of freedom is the Cauchy law: its quantile at 3/4 is exactly 1.
    found = Estimate(mean=5.0, standard_error=2.0, n=2).interval(0.5)
    # SciPy before 1.17 finds it to 1.3e-11 only (9e-12 of the interval's end).
    assert (found.lower, found.upper) == pytest.approx((3.0, 7.0), rel=1e-10)
    assert not found.rigorous


@pytest.mark.parametrize(("standard_error", "n"), [(1.0, 1), (1.0, 0), (-0.1, 5), (math.nan, 5)])
def test_an_impossible_estimate_is_refused(standard_error: float, n: int) -> None:
    with pytest.raises(ValueError, match="an estimate needs n >= 2 draws and a standard error >= 0, got n = ") as refused:
        Estimate(mean=0.0, standard_error=standard_error, n=n)
    assert repr(standard_error) in str(refused.value)


def test_estimates_cover_their_mean_as_often_as_they_say() -> None:
    """Two-sided law test: the number of misses among independent intervals is binomial(trials, level)."""
    trials, miss = 4000, 0.2
    samples = np.random.default_rng(11).normal(3.0, 2.0, size=(trials, 5))
    misses = sum(not Estimate.of(row).interval(miss).contains(3.0) for row in samples)
    low, high = stats.binom.interval(1 - LEVEL, trials, miss)
    assert low <= misses <= high


@pytest.mark.parametrize("n", [1, 2, 7])
@pytest.mark.parametrize("level", [0.01, 0.2])
def test_proportions_cover_every_probability_at_least_as_often_as_they_say(n: int, level: float) -> None:
    """Exact coverage by enumeration over all outcomes, and over both tails separately (the interval is equal-tailed)."""
    intervals = [Proportion(successes=k, n=n).interval(level) for k in range(n + 1)]
    for probability in np.linspace(0.0, 1.0, 201).tolist():
        weights = [math.comb(n, k) * probability**k * (1 - probability) ** (n - k) for k in range(n + 1)]
        above = sum(weight for weight, found in zip(weights, intervals, strict=True) if found.lower > probability)
        below = sum(weight for weight, found in zip(weights, intervals, strict=True) if found.upper < probability)
        assert max(above, below) <= level / 2 * (1 + 1e-9)  # rounding of the beta quantile


def test_the_exact_interval_of_no_success_is_known_in_closed_form() -> None:
    found = Proportion(successes=0, n=10).interval(0.05)
    assert found.lower == 0.0
    # (1 − p)^10 = 0.025.
    assert found.upper == pytest.approx(1 - 0.025**0.1, rel=1e-12)


@given(st.integers(1, 50), st.data())
def test_proportions_mirror_when_success_and_failure_change_names(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n))
    found, mirrored = Proportion(successes=k, n=n).interval(0.1), Proportion(successes=n - k, n=n).interval(0.1)
    assert found.contains(k / n)
    assert (found.lower, found.upper) == pytest.approx((1 - mirrored.upper, 1 - mirrored.lower), abs=1e-12)  # beta quantiles


@pytest.mark.parametrize(("successes", "n"), [(-1, 5), (6, 5), (0, 0)])
def test_an_impossible_proportion_is_refused(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match=f"got {successes} of {n}; count again"):
        Proportion(successes=successes, n=n)


def test_a_proportion_prints_its_counts() -> None:
    assert Proportion(successes=1, n=4).mean == 0.25
    assert str(Proportion(successes=1, n=4)) == "0.25 (1 of 4)"


def test_quotients_hold_every_quotient() -> None:
    for first in (Bracket(1.0, 3.0), Bracket(-2.0, 5.0), Bracket(-3.0, -1.0)):
        for second in (Bracket(0.1, 0.3), Bracket(-7.0, -3.0)):
            found = first / second
            assert all(found.contains(x / y) for x in (first.lower, first.upper) for y in (second.lower, second.upper))
            assert found.width <= (1 + 1e-12) * max(abs(first.lower), abs(first.upper)) * 2 / min(abs(second.lower), abs(second.upper))
    assert Bracket(1.0, 3.0) / Bracket(0.0, 1.0) == Bracket(-math.inf, math.inf)
    assert (Bracket.exactly(1.0) / Bracket.exactly(3.0)).rigorous
    assert (Bracket.exactly(1.0) / Bracket.exactly(3.0)).width > 0.0
    assert not (Bracket(1.0, 1.0) / Bracket.exactly(3.0)).rigorous
