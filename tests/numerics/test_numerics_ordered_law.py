"""The law of ordered Gaussian samples: special values, bounds, balls, and Monte Carlo predicted before it is run."""

import math

import numpy as np
import pytest
from flint import arb, ctx
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import refused
from scipy import special
from strategies import OFTEN_ENOUGH, log_uniform, tally

from layerpeel.numerics import (
    LogProbability,
    Proportion,
    enclose_ordered_probability,
    ordered_probability,
    sample_size,
    separated_along,
    separated_probability,
    to_bracket,
)

ULPS = 1e-15
"""Relative error of SciPy's log_ndtr and gammaln, which the reference values rest on: a few units in the last place."""

SHARP = 1e-10
"""The stated error of a logarithm near one: rounding of exponents with terms up to a few thousand; larger ones in proportion."""

LEVEL = 1e-4
"""Probability that one true Monte Carlo comparison fails; the generator is seeded, so it fails always or never."""


def agrees(law: LogProbability, log: float, rest: float) -> None:
    """Both logarithms lie within their stated errors (and the reference's own) of the reference."""
    for found, error, reference in ((law.log, law.error, log), (law.log_complement, law.complement_error, rest)):
        if math.isinf(reference):
            assert found == reference or error == math.inf
        else:
            assert abs(found - reference) <= error + ULPS * abs(reference), (float(found), reference, float(error))


@settings(max_examples=60)
@given(log_uniform(1e-8, 1e8), st.sampled_from([-1.0, 1.0]), log_uniform(1e-12, 1e12), log_uniform(1e-12, 1e12))
@pytest.mark.slow
def test_two_samples_have_the_normal_tail(distance: float, sign: float, first: float, second: float) -> None:
    """n = n' = 1: P = Φ(gap/√(s² + s'²)), over sixteen orders of magnitude of the standardised gap."""
    gap = sign * distance * max(first, second)
    at = gap / math.hypot(first, second)
    law = ordered_probability(gap, deviations=(first, second), counts=(1, 1))
    slack = 4e-16 * at * at  # the reference's own argument is rounded, and its exponent is at²/2
    for found, error, reference in (
        (law.log, law.error, special.log_ndtr(at)),
        (law.log_complement, law.complement_error, special.log_ndtr(-at)),
    ):
        assert abs(found - reference) <= error + slack + ULPS * abs(reference)


@pytest.mark.parametrize("counts", [(1, 1), (1, 7), (3, 2), (200, 200), (5, 10**6), (10**9, 10**9), (10**9, 3)])
def test_equal_laws_order_as_often_as_shuffled_cards(counts: tuple[int, int]) -> None:
    """For equal laws every arrangement of the n + n' samples is as likely as another: P = n! n'!/(n + n')!."""
    below, above = counts
    log = -sum(math.log1p(above / k) for k in range(1, below + 1)) if below <= 200 else None
    if log is None:
        # n log-gamma values of size 1e10 are good to 1e-16 relatively, which is 1e-6 absolutely.
        log = float(special.gammaln(below + 1.0) + special.gammaln(above + 1.0) - special.gammaln(below + above + 1.0))
    law = ordered_probability(0.0, deviations=(2.5, 2.5), counts=counts)
    assert abs(float(law.log) - log) <= float(law.error) + 4e-15 * below * math.log(below + above)


@pytest.mark.parametrize("at", [-30.0, -1.0, 0.0, 0.5, 7.0, 40.0])
def test_a_class_without_spread_is_one_point(at: float) -> None:
    """s = 0: P = Φ(gap/s')^{n'}, whatever n; also from the other side."""
    single = float(special.log_ndtr(at))
    log, rest = 9 * single, float(np.log(-np.expm1(9 * single))) if at < 30 else math.log(9) + float(special.log_ndtr(-at))
    agrees(ordered_probability(at * 0.3, deviations=(0.3, 0.0), counts=(9, 1)), log, rest)
    agrees(ordered_probability(at * 0.3, deviations=(0.0, 0.3), counts=(10**9, 9)), log, rest)


def test_two_points_are_ordered_or_not() -> None:
    law = ordered_probability([-1.0, 0.0, 1e-300], deviations=(0.0, 0.0), counts=(3, 4))
    assert np.exp(law.log).tolist() == [0.0, 0.0, 1.0]  # strictly: two equal points are not ordered
    assert np.exp(law.log_complement).tolist() == [1.0, 1.0, 0.0]
    assert law.bracket(2).lower == law.bracket(2).upper == 1.0


@st.composite
def cases(draw: st.DrawFn) -> tuple[float, tuple[float, float], tuple[int, int]]:
    """Gaps of either sign up to tens of deviations, deviations over twelve orders, counts up to 1e9."""
    deviations = (draw(log_uniform(1e-6, 1e6)), draw(log_uniform(1e-6, 1e6)))
    counts = tuple(int(draw(st.one_of(st.integers(1, 5), log_uniform(1, 1e3), log_uniform(1, 1e9)))) for _ in range(2))
    standard = draw(st.one_of(st.just(0.0), st.floats(-8.0, 40.0)))
    return standard * max(deviations), deviations, (counts[0], counts[1])


@pytest.mark.slow
def test_the_cases_reach_both_tails_and_every_ratio() -> None:
    def labels(case: tuple[float, tuple[float, float], tuple[int, int]]) -> list[str]:
        law = ordered_probability(case[0], deviations=case[1], counts=case[2])
        size = "rare" if law.log < -20 else "sure" if law.log_complement < -20 else "even"
        return [size, "wider below" if case[1][0] > case[1][1] else "wider above", "huge" if max(case[2]) > 10**6 else "moderate"]

    seen = tally(cases(), labels, examples=200)
    assert all(seen[label] >= OFTEN_ENOUGH for label in ("rare", "sure", "even", "wider below", "wider above", "huge", "moderate"))


@settings(max_examples=40)
@given(cases())
@pytest.mark.slow
def test_exchanging_the_classes_mirrors_the_line(case: tuple[float, tuple[float, float], tuple[int, int]]) -> None:
    gap, (first, second), (below, above) = case
    one = ordered_probability(gap, deviations=(first, second), counts=(below, above))
    other = ordered_probability(gap, deviations=(second, first), counts=(above, below))
    assert one.log == pytest.approx(other.log, abs=float(one.error + other.error))
    doubled = ordered_probability(2 * gap, deviations=(2 * first, 2 * second), counts=(below, above))
    assert doubled.log == one.log  # powers of two cancel without rounding


@settings(max_examples=40)
@given(cases(), st.floats(0.0, 3.0))
@pytest.mark.slow
def test_wider_gaps_and_fewer_samples_are_separated_more_often(
    case: tuple[float, tuple[float, float], tuple[int, int]], more: float
) -> None:
    gap, deviations, (below, above) = case
    law = ordered_probability([gap, gap + more * max(deviations)], deviations=deviations, counts=(below, above))
    assert law.log[1] >= law.log[0] - law.error.sum()
    fewer = ordered_probability(gap, deviations=deviations, counts=(max(1, below // 2), above))
    assert fewer.log >= law.log[0] - law.error[0] - fewer.error


@settings(max_examples=40)
@given(cases())
@pytest.mark.slow
def test_many_pairs_are_ordered_between_the_two_extremes_of_dependence(case: tuple[float, tuple[float, float], tuple[int, int]]) -> None:
    """Φ^{nn'} ≤ P (the pairs are associated) and P ≤ Φ; 1 − P ≤ nn'(1 − Φ) (union bound)."""
    gap, deviations, counts = case
    law = ordered_probability(gap, deviations=deviations, counts=counts)
    pair = ordered_probability(gap, deviations=deviations, counts=(1, 1))
    pairs = float(counts[0]) * counts[1]
    slack = float(law.error + pair.error)
    assert pairs * float(pair.log - pair.error) - slack <= law.log <= pair.log + slack
    assert law.log_complement <= math.log(pairs) + pair.log_complement + float(law.complement_error + pair.complement_error) + 1e-12


@settings(max_examples=30)
@given(cases())
@pytest.mark.slow
def test_the_law_lies_in_the_ball(case: tuple[float, tuple[float, float], tuple[int, int]]) -> None:
    """Independent route: quadrature with proved bounds. Rare events below e^−2000 are left out, where the ball route gives up."""
    gap, deviations, counts = case
    law = ordered_probability(gap, deviations=deviations, counts=counts)
    if law.log < -2000:
        return
    ball = enclose_ordered_probability(gap, deviations=deviations, counts=counts, bits=192)
    with ctx.workprec(256):
        log = to_bracket(ball.log())
        assert abs(log.middle - float(law.log)) <= float(law.error) + log.width
        assert log.width <= 1e-15 * max(1.0, -log.middle)
        rest = 1 - ball
        if law.log_complement > -60:  # 192 bits hold 1 − P down to e^−133, less the quadrature's own radius
            found = to_bracket(rest.log())
            assert abs(found.middle - float(law.log_complement)) <= float(law.complement_error) + found.width
        assert law.bracket().overlaps(to_bracket(ball))
    assert law.error <= SHARP * max(1.0, -float(law.log))
    assert law.complement_error <= SHARP * max(1.0, -float(law.log_complement))


def test_balls_hold_the_values_known_in_closed_form() -> None:
    for at in (-5, 0, 2, 12):
        assert enclose_ordered_probability(5.0 * at, deviations=(3.0, 4.0), counts=(1, 1)).overlaps((-arb(at) / arb(2).sqrt()).erfc() / 2)
    for below, above in ((2, 3), (30, 50), (200, 200)):
        ball = enclose_ordered_probability(0.0, deviations=(1.0, 1.0), counts=(below, above))
        exact = arb(1) / math.comb(below + above, below)
        assert ball.overlaps(exact)
        assert float(ball.rad() / exact) < 1e-25
    assert enclose_ordered_probability(1.0, deviations=(0.0, 0.0), counts=(1, 1)) == 1
    assert enclose_ordered_probability(0.0, deviations=(0.0, 0.0), counts=(1, 1)) == 0


def test_more_bits_give_a_narrower_ball_inside_the_wide_one() -> None:
    wide, narrow = (enclose_ordered_probability(6.0, deviations=(1.0, 0.7), counts=(50, 80), bits=bits) for bits in (64, 256))
    assert wide.overlaps(narrow)
    assert float(narrow.rad()) < 1e-50 < float(wide.rad()) < 1e-10


def test_the_ball_holds_its_tails(monkeypatch: pytest.MonkeyPatch) -> None:
    """A window far too short: the bounds of the two tails are all that keeps the truth inside."""
    monkeypatch.setattr("layerpeel.numerics.separability._ordered_law_ball.DEPTH", 1500.0)
    ball = enclose_ordered_probability(0.0, deviations=(1.0, 1.0), counts=(3, 4))
    assert ball.overlaps(arb(1) / math.comb(7, 3))
    assert 1e-3 < float(ball.rad() / ball.mid()) < 0.5


@pytest.mark.slow
def test_the_ball_route_says_when_it_gives_up() -> None:
    with pytest.raises(ArithmeticError, match="the quadrature gave up; use ordered_probability"):
        enclose_ordered_probability(-100.0, deviations=(1.0, 0.2), counts=(10**7, 10**7))


@pytest.mark.parametrize("size", [1, 5, 40])
@pytest.mark.parametrize("aim", [0.03, 0.5, 0.97])
def test_simulated_samples_are_separated_as_often_as_predicted(size: int, aim: float) -> None:
    """The number of draws is chosen so that a prediction off by 0.05 would be refuted with probability 0.999."""
    gaps = np.linspace(0.0, 9.0, 181)
    law = ordered_probability(gaps, deviations=(1.0, 0.5), counts=(size, 2 * size))
    at = int(np.argmin(np.abs(np.exp(law.log) - aim)))
    predicted = law.bracket(at)
    shift = 0.05 if predicted.middle < 0.9 else -0.05
    draws = sample_size(predicted=predicted, alternative=predicted.middle + shift, level=LEVEL, power=0.999)
    rng = np.random.default_rng([size, round(100 * aim)])
    below, above = rng.standard_normal((draws, size, 1)), gaps[at] + 0.5 * rng.standard_normal((draws, 2 * size, 1))
    ordered = separated_along(above, below, np.ones((draws, 1)), ordered=True)
    assert Proportion(successes=int(ordered.sum()), n=draws).interval(LEVEL).overlaps(predicted)


def test_either_order_adds_both() -> None:
    up = ordered_probability(1.0, deviations=(1.0, 2.0), counts=(3, 5))
    down = ordered_probability(-1.0, deviations=(2.0, 1.0), counts=(5, 3))
    both = separated_probability(1.0, deviations=(1.0, 2.0), counts=(3, 5))
    assert math.exp(both.log) == pytest.approx(math.exp(up.log) + math.exp(down.log), rel=1e-13)
    assert math.exp(both.log_complement) == pytest.approx(1 - math.exp(up.log) - math.exp(down.log), rel=1e-12)
    mirrored = separated_probability(-1.0, deviations=(1.0, 2.0), counts=(3, 5))
    assert mirrored.log == pytest.approx(both.log, abs=float(both.error))


@pytest.mark.parametrize(
    ("gap", "second", "counts", "error"),
    [
        (0.0, 0.7, (1, 2), 1e-12),
        (3.0, 0.7, (2, 2), 1e-12),
        (8.0, 0.7, (20, 30), 1e-12),
        # One sample falls between two that are 1e-9 apart: 1 − P is the 1e-9 by which two halves miss one.
        (0.0, 1e-9, (1, 2), 1e-4),
        (0.3, 1e-9, (1, 2), 1e-4),
    ],
)
def test_the_complement_of_either_order_is_within_its_stated_error(
    gap: float, second: float, counts: tuple[int, int], error: float
) -> None:
    """Against 1 − P(gap) − P(−gap) in balls."""
    law = separated_probability(gap, deviations=(1.0, second), counts=counts)
    with ctx.workprec(256):
        both = enclose_ordered_probability(gap, deviations=(1.0, second), counts=counts, bits=192)
        both += enclose_ordered_probability(-gap, deviations=(second, 1.0), counts=(counts[1], counts[0]), bits=192)
        rest = to_bracket((1 - both).log())
    assert abs(float(law.log_complement) - rest.middle) <= float(law.complement_error) + rest.width
    assert law.complement_error < error


def test_two_single_samples_are_always_separated_and_the_cancelled_complement_says_so() -> None:
    law = separated_probability(np.linspace(0.0, 30.0, 300), deviations=(1.0, 0.7), counts=(1, 1))
    assert np.all(np.abs(law.log) <= law.error)
    # The true complement is zero: the stated error has to reach it.
    assert np.all(np.isneginf(law.log_complement) | np.isinf(law.complement_error))


def test_the_exact_law_of_a_far_pair_keeps_the_digits_of_its_complement() -> None:
    """At a gap of 30 deviations 1 − P is of order 1e-98; both orders together do not spoil it."""
    law = separated_probability(30.0, deviations=(1.0, 1.0), counts=(200, 200))
    one = ordered_probability(30.0, deviations=(1.0, 1.0), counts=(200, 200))
    assert -230 < float(law.log_complement) < -200
    assert law.log_complement == pytest.approx(one.log_complement, rel=1e-14)
    assert law.complement_error < 1e-10


@pytest.mark.parametrize("n", [1, 2, 5, 200])
@pytest.mark.parametrize("gap", [0.0, 1.0, 1e4, 1e8, 1e13, 1e160])
def test_brackets_of_either_order_stay_narrow_however_far_the_classes_are(n: int, gap: float) -> None:
    """Far apart log(1 − P) is −1e15 and known to a few digits only: that leaves P itself no doubt."""
    law = separated_probability(gap, deviations=(1.0, 1.0), counts=(n, n))
    bracket = law.bracket()
    assert bracket.upper - bracket.lower < 1e-13
    if n == 1 or gap >= 1e4:
        assert bracket.upper == 1.0
        assert law.error < 1e-13
    if n > 1:
        assert math.isfinite(law.complement_error)


def test_any_shape_broadcasts_and_chunks_do_not_matter() -> None:
    gaps = np.linspace(-3.0, 9.0, 5000).reshape(50, 100)
    law = ordered_probability(gaps, deviations=(np.ones((50, 1)), 2.0), counts=(7, 9))
    assert law.log.shape == law.error.shape == law.log_complement.shape == (50, 100)
    alone = ordered_probability(gaps[20, 30], deviations=(1.0, 2.0), counts=(7, 9))
    assert alone.log.shape == ()
    assert law.log[20, 30] == pytest.approx(float(alone.log), rel=1e-13)
    assert ordered_probability([], deviations=(1.0, 1.0), counts=(1, 1)).log.shape == (0,)


def test_the_farthest_gaps_and_the_largest_counts_are_answered() -> None:
    law = ordered_probability([-1e300, 1e300], deviations=(1.0, 1.0), counts=(10, 10))
    assert law.log.tolist() == [-math.inf, 0.0]
    assert law.log_complement.tolist() == [0.0, -math.inf]
    # The least of N standard normals lies near −√(2 log N), here −21.2: a gap of twice that is the middle of the transition.
    law = ordered_probability([38.0, 46.0], deviations=(1.0, 1.0), counts=(1e100, 1e100))
    assert law.log[0] < -100
    assert math.exp(law.log[1]) > 0.99


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        ((math.nan, (1.0, 1.0), (1, 1)), ("the lead is nan", "finite")),
        ((math.inf, (1.0, 1.0), (1, 1)), ("the lead is inf", "finite")),
        ((1.0, (-1.0, 1.0), (1, 1)), ("standard deviation is -1.0", ">= 0")),
        ((1.0, (1.0, math.inf), (1, 1)), ("standard deviation is inf", "finite")),
        ((1.0, (1.0, 1.0), (0, 1)), ("number of samples is 0.0", "from 1 to 1e100")),
        ((1.0, (1.0, 1.0), (1, 2.5)), (" is 2.5", "whole")),
        ((1.0, (1.0, 1.0), (1, 1e101)), ("number of samples is 1e+101", "whole")),
    ],
)
def test_unusable_numbers_are_refused(arguments: tuple[float, tuple[float, float], tuple[int, int]], parts: tuple[str, ...]) -> None:
    gap, deviations, counts = arguments
    refused(lambda: ordered_probability(gap, deviations=deviations, counts=counts), *parts)
    refused(lambda: separated_probability(gap, deviations=deviations, counts=counts), *parts)
    refused(lambda: enclose_ordered_probability(gap, deviations=deviations, counts=counts), *parts)
