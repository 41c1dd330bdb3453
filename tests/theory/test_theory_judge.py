"""One rule for all verdicts: every kind, every outcome."""

import math

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from strategies import tally

from layerpeel.numerics import Bracket, Estimate, Proportion
from layerpeel.theory import Kind, Quantity, Verdict, as_bracket, judge

CONFIRMED, REFUTED, INCONCLUSIVE = Verdict.CONFIRMED, Verdict.REFUTED, Verdict.INCONCLUSIVE
X = sympy.Symbol("x", positive=True)


def one(kind: Kind, predicted: Quantity, measured: Quantity, *, resolution: float = 0.0, level: float = 0.01) -> Verdict:
    return judge(kind, {"x": predicted}, {"x": measured}, resolution=resolution, level=level)


@pytest.mark.parametrize(
    ("measured", "resolution", "verdict"),
    [
        (Bracket(0.9, 1.1), 0.3, CONFIRMED),
        (Bracket(1.0, 1.0), 0.0, CONFIRMED),
        (Bracket(0.9, 1.1), 0.1, INCONCLUSIVE),
        (Bracket(0.9, 1.0), 0.2, CONFIRMED),
        (Bracket(0.5, 0.9), 10.0, REFUTED),
        (Bracket(1.1, 90.0), 0.0, REFUTED),  # certainly different, however wide
        (Bracket(-math.inf, math.inf), 10.0, INCONCLUSIVE),
    ],
)
@pytest.mark.parametrize("kind", [Kind.EQUALITY, Kind.OBSERVATION, Kind.PROBABILITY])
def test_equality(kind: Kind, measured: Bracket, resolution: float, verdict: Verdict) -> None:
    assert one(kind, Bracket.exactly(1.0), measured, resolution=resolution) is verdict


@pytest.mark.parametrize(
    ("measured", "verdict"),
    [
        (Bracket(0.0, 1.0), CONFIRMED),
        (Bracket(0.0, 1.1), INCONCLUSIVE),
        (Bracket(1.3, 1.4), REFUTED),
        (Bracket(1.1, 1.15), INCONCLUSIVE),  # inside the prediction's own uncertainty
    ],
)
def test_bounds_and_their_mirror_image(measured: Bracket, verdict: Verdict) -> None:
    claim = Bracket(1.0, 1.2)
    assert one(Kind.UPPER_BOUND, claim, measured) is verdict
    assert one(Kind.LOWER_BOUND, -claim, -measured) is verdict


def along(*measured: Bracket, resolution: float, limit: float = 0.0) -> Verdict:
    labels = [str(place) for place in range(len(measured))]
    prediction = dict.fromkeys(labels, Bracket.exactly(limit))
    return judge(Kind.LIMIT, prediction, dict(zip(labels, measured, strict=True)), resolution=resolution, level=0.01)


def near(value: float, radius: float = 0.0) -> Bracket:
    return Bracket(value - radius, value + radius)


@pytest.mark.parametrize(
    ("measured", "verdict"),
    [
        ((near(1.0), near(0.5), near(0.05)), CONFIRMED),
        ((near(-1.0), near(0.5), near(-0.05)), CONFIRMED),  # from either side
        ((near(0.01), near(0.05), near(0.05)), CONFIRMED),  # growth inside the resolution does not count
        ((near(1.0), near(0.5), near(0.3)), REFUTED),  # ends too far away
        ((near(0.5), near(1.0), near(0.05)), REFUTED),  # certainly grows on the way
        ((near(1.0), near(0.5), near(0.05, 0.2)), INCONCLUSIVE),  # the end is blurred
        ((near(0.5, 0.3), near(0.7, 0.2), near(0.05)), INCONCLUSIVE),  # may have grown
        ((near(0.05),), INCONCLUSIVE),  # one point is no sequence
        ((near(1.0, 0.5), near(1.0, 0.4), near(0.05)), INCONCLUSIVE),  # blurred steps may hide growth
        ((near(0.5),), REFUTED),
    ],
)
def test_limits(measured: tuple[Bracket, ...], verdict: Verdict) -> None:
    assert along(*measured, resolution=0.1) is verdict
    moved = tuple(bracket + Bracket.exactly(5.0) for bracket in measured)
    assert along(*moved, resolution=0.1 + 1e-12, limit=5.0) is verdict  # the shift rounds


def test_one_refuted_label_refutes_and_one_blurred_label_leaves_it_open() -> None:
    claim = {"a": Bracket.exactly(1.0), "b": Bracket.exactly(2.0)}

    def verdict(a: Bracket, b: Bracket) -> Verdict:
        return judge(Kind.EQUALITY, claim, {"b": b, "a": a, "unasked": near(9.0)}, resolution=0.1, level=0.01)

    assert verdict(near(1.0), near(2.0)) is CONFIRMED
    assert verdict(near(1.0), near(2.0, 1.0)) is INCONCLUSIVE
    assert verdict(near(1.0, 1.0), near(7.0)) is REFUTED
    assert verdict(near(2.0), near(1.0)) is REFUTED


@pytest.mark.parametrize("kind", Kind)
def test_nothing_predicted_confirms_nothing(kind: Kind) -> None:
    assert judge(kind, {}, {"x": near(0.0)}, resolution=1.0, level=0.01) is INCONCLUSIVE


@pytest.mark.parametrize("kind", Kind)
def test_a_label_that_was_not_measured_is_an_error(kind: Kind) -> None:
    with pytest.raises(KeyError, match="missing"):
        judge(kind, {"missing": near(1.0)}, {"x": near(1.0)}, resolution=1.0, level=0.01)


def test_samples_are_judged_at_their_level() -> None:
    blurred, sharp = Estimate(mean=1.1, standard_error=0.1, n=1000), Estimate(mean=1.1, standard_error=0.001, n=1000)
    assert one(Kind.PROBABILITY, Bracket.exactly(1.0), blurred, resolution=1.0) is CONFIRMED
    assert one(Kind.PROBABILITY, Bracket.exactly(1.0), blurred, resolution=0.1) is INCONCLUSIVE
    assert one(Kind.PROBABILITY, Bracket.exactly(1.0), sharp, resolution=1.0) is REFUTED
    # Two standard errors away: a refutation at 10 %, none at 1 %.
    doubtful = Estimate(mean=1.0, standard_error=0.1, n=10**6)
    assert one(Kind.PROBABILITY, Bracket.exactly(1.2), doubtful, resolution=1.0, level=0.1) is REFUTED
    assert one(Kind.PROBABILITY, Bracket.exactly(1.2), doubtful, resolution=1.0, level=0.01) is CONFIRMED
    assert one(Kind.PROBABILITY, Bracket.exactly(0.5), Proportion(successes=480, n=1000), resolution=0.2) is CONFIRMED
    assert one(Kind.PROBABILITY, Bracket.exactly(0.5), Proportion(successes=400, n=1000), resolution=0.2) is REFUTED


def test_an_all_true_sample_is_refuted_as_often_as_the_level_says() -> None:
    """Binomial law test, two-sided at 1e-3: 2000 true statements at level 0.1 give 200 ± 13 refutations."""
    samples = np.random.default_rng(4).normal(size=(2000, 8))
    refuted = sum(one(Kind.PROBABILITY, Bracket.exactly(0.0), Estimate.of(row), resolution=99.0, level=0.1) is REFUTED for row in samples)
    assert 157 <= refuted <= 246  # scipy.stats.binom.interval(0.999, 2000, 0.1)


@pytest.mark.parametrize(
    ("predicted", "measured", "verdict"),
    [
        (sympy.Integer(2), sympy.sqrt(4), CONFIRMED),
        ((X + 1) ** 2, X**2 + 2 * X + 1, CONFIRMED),
        (sympy.log(X**2), 2 * sympy.log(X), CONFIRMED),
        ((X + 1) ** 2, X**2 + 1, REFUTED),
        (sympy.exp(X), sympy.exp(X) + sympy.Rational(1, 10**50), REFUTED),
        (sympy.acos(X), sympy.acos(X) + 1, REFUTED),
        (sympy.acos(X), sympy.asin(X) * 0 + sympy.acos(X + 1), INCONCLUSIVE),  # outside its domain the ball proves nothing
    ],
    ids=str,
)
def test_expressions(predicted: sympy.Expr, measured: sympy.Expr, verdict: Verdict) -> None:
    assert one(Kind.EQUALITY, predicted, measured) is verdict


def test_expressions_and_intervals_do_not_mix() -> None:
    for pair in ((sympy.Integer(1), near(1.0)), (near(1.0), sympy.Integer(1))):
        with pytest.raises(TypeError, match="held against an exact expression"):
            one(Kind.EQUALITY, *pair)
    with pytest.raises(TypeError, match="is an exact expression"):
        as_bracket(sympy.Integer(1), 0.01)


@st.composite
def intervals(draw: st.DrawFn) -> Bracket:
    return near(draw(st.integers(-4, 4)) / 4, draw(st.integers(0, 4)) / 4)


@given(intervals(), intervals(), st.sampled_from([0.0, 0.5, 10.0]))
def test_verdicts_are_sound_for_every_pair_of_true_values(claim: Bracket, found: Bracket, resolution: float) -> None:
    """Refuted means that no pair of points agrees with the statement; a bound is confirmed only when every pair agrees."""
    ends = [(p, m) for p in (claim.lower, claim.upper) for m in (found.lower, found.upper)]
    for kind, agrees in ((Kind.UPPER_BOUND, lambda p, m: m <= p), (Kind.LOWER_BOUND, lambda p, m: m >= p)):
        verdict = one(kind, claim, found, resolution=resolution)
        assert (verdict is REFUTED) == (not any(agrees(p, m) for p, m in ends))
        assert (verdict is CONFIRMED) == all(agrees(p, m) for p, m in ends)
    verdict = one(Kind.EQUALITY, claim, found, resolution=resolution)
    assert (verdict is REFUTED) == (claim.upper < found.lower or found.upper < claim.lower)
    assert (verdict is CONFIRMED) == (verdict is not REFUTED and max(found.width, claim.width) <= resolution)


@given(intervals(), intervals(), st.integers(0, 4))
def test_a_sharper_measurement_never_turns_a_verdict_around(claim: Bracket, found: Bracket, cut: int) -> None:
    inner = Bracket(found.lower + cut / 8 * found.width / 2, found.upper - cut / 8 * found.width / 2)
    for kind in (Kind.EQUALITY, Kind.UPPER_BOUND, Kind.LOWER_BOUND):
        wide, sharp = one(kind, claim, found, resolution=0.5), one(kind, claim, inner, resolution=0.5)
        if wide is REFUTED:
            assert sharp is REFUTED
        if wide is CONFIRMED and kind is not Kind.EQUALITY:
            assert sharp is CONFIRMED


def test_the_strategy_of_intervals_is_rich() -> None:
    seen = tally(
        st.tuples(intervals(), intervals(), st.sampled_from([0.0, 0.5, 10.0])),
        lambda drawn: [
            f"{kind} {one(kind, drawn[0], drawn[1], resolution=drawn[2])}" for kind in (Kind.EQUALITY, Kind.UPPER_BOUND, Kind.LOWER_BOUND)
        ],
    )
    assert len(seen) == 9
    assert min(seen.values()) >= 5, seen
