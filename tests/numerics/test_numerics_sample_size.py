"""Power of the judge's rule: against the judge itself, by enumeration and by simulation."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import refused
from scipy import stats

from layerpeel.numerics import (
    Bracket,
    Estimate,
    Proportion,
    confirming_size,
    false_alarm_rate,
    mean_sample_size,
    sample_size,
    simulated_refutations,
    verdict_chances,
)
from layerpeel.theory._judge import judge
from layerpeel.theory._room import Kind, Verdict

LEVEL = 1e-4
"""Probability that one true simulation fails; the generator is seeded, so it fails always or never."""

SUMS = 1e-9
"""Rounding of a few hundred binomial terms and of SciPy's quantiles."""

shares = st.one_of(st.sampled_from([0.0, 1.0, 0.5]), st.floats(0.0, 1.0))
levels = st.sampled_from([0.3, 0.05, 1e-3, 1e-6])


@settings(max_examples=60)
@given(st.integers(1, 40), shares, shares, shares, levels, st.sampled_from([1.0, 0.4, 0.1]))
def test_verdicts_are_as_likely_as_the_judge_gives_them(
    n: int, first: float, second: float, truth: float, level: float, resolution: float
) -> None:
    """Every count is put before the judge of the suite, and the binomial weights of each verdict are added."""
    predicted = Bracket(min(first, second), max(first, second))
    expected = dict.fromkeys(Verdict, 0.0)
    for count in range(n + 1):
        weight = math.comb(n, count) * truth**count * (1.0 - truth) ** (n - count)
        counted = {"p": Proportion(successes=count, n=n)}
        expected[judge(Kind.PROBABILITY, {"p": predicted}, counted, resolution=resolution, level=level)] += weight
    found = verdict_chances(n, predicted=predicted, truth=truth, level=level, resolution=resolution)
    assert found.confirmed == pytest.approx(expected[Verdict.CONFIRMED], abs=SUMS)
    assert found.refuted == pytest.approx(expected[Verdict.REFUTED], abs=SUMS)
    assert found.inconclusive == pytest.approx(expected[Verdict.INCONCLUSIVE], abs=SUMS)


@given(st.integers(1, 10**6), shares, levels)
def test_a_true_prediction_is_refuted_no_more_often_than_the_level_says(n: int, predicted: float, level: float) -> None:
    assert false_alarm_rate(n, predicted=predicted, level=level) <= level * (1 + SUMS)


@settings(max_examples=30)
@given(st.integers(1, 500), shares, shares, levels)
def test_a_range_raises_no_more_alarms_than_its_ends(n: int, first: float, second: float, level: float) -> None:
    """The worst truth inside a predicted range is one of its ends, and no truth passes the level."""
    predicted = Bracket(min(first, second), max(first, second))
    worst = false_alarm_rate(n, predicted=predicted, level=level)
    for truth in np.linspace(predicted.lower, predicted.upper, 9).tolist():
        assert verdict_chances(n, predicted=predicted, truth=truth, level=level).refuted <= worst * (1 + SUMS) + 1e-15
    assert worst <= level * (1 + SUMS)


@settings(max_examples=40)
@given(st.integers(1, 3000), st.floats(0.0, 1.0), st.floats(0.0, 1.0), levels)
def test_nothing_far_from_the_truth_is_confirmed(n: int, predicted: float, truth: float, level: float) -> None:
    """An interval that confirms is no wider than the resolution: with the truth farther away it has to miss the truth."""
    resolution = 0.9 * abs(predicted - truth)
    assert verdict_chances(n, predicted=predicted, truth=truth, level=level, resolution=resolution).confirmed <= level / 2 * (1 + SUMS)


def test_too_few_draws_are_inconclusive_not_confirmed() -> None:
    found = verdict_chances(50, predicted=0.5, truth=0.5, level=1e-3, resolution=0.1)
    assert found.confirmed == 0.0
    assert found.inconclusive > 0.999


def test_simulated_false_alarms_come_as_often_as_summed() -> None:
    """40,000 checks of a true prediction, each through the interval itself: their share holds the exact rate at the stated level."""
    for seed, (n, predicted, level) in enumerate([(200, 0.3, 0.05), (1000, 0.02, 0.05), (60, 0.5, 0.2)]):
        rng = np.random.default_rng(seed)
        exact = false_alarm_rate(n, predicted=predicted, level=level)
        counted = simulated_refutations(rng, n=n, predicted=predicted, truth=predicted, level=level, repeats=40_000)
        assert counted.interval(LEVEL).contains(exact)
        assert exact <= level
        power = verdict_chances(n, predicted=predicted, truth=predicted + 0.1, level=level).refuted
        counted = simulated_refutations(rng, n=n, predicted=predicted, truth=predicted + 0.1, level=level, repeats=40_000)
        assert counted.interval(LEVEL).contains(power)


@pytest.mark.parametrize(
    ("predicted", "alternative", "level", "power"),
    [
        (0.5, 0.7, 0.05, 0.9),
        (0.1, 0.3, 1e-3, 0.8),
        (0.95, 0.8, 1e-4, 0.99),
        (0.0, 0.05, 1e-3, 0.95),
        (1.0, 0.9, 0.01, 0.5),
        (0.3, 0.0, 1e-6, 0.999),
    ],
)
def test_the_smallest_size_is_the_first_with_the_power(predicted: float, alternative: float, level: float, power: float) -> None:
    """Every smaller size is tried too: the power of a discrete test is no monotone function of its size."""
    found = sample_size(predicted=predicted, alternative=alternative, level=level, power=power)
    reached = [verdict_chances(n, predicted=predicted, truth=alternative, level=level).refuted >= power for n in range(1, found + 1)]
    assert reached.index(True) == found - 1


def test_one_success_refutes_the_impossible() -> None:
    """Predicted 0: any success refutes, so the power is 1 − (1 − p)^n in closed form."""
    assert sample_size(predicted=0.0, alternative=0.01, level=1e-6, power=0.99) == math.ceil(math.log(0.01) / math.log(0.99))


def test_a_range_is_told_from_its_nearest_end() -> None:
    wide = sample_size(predicted=Bracket(0.4, 0.5), alternative=0.6, level=1e-3, power=0.9)
    assert wide == sample_size(predicted=Bracket(0.45, 0.5), alternative=0.6, level=1e-3, power=0.9)
    assert wide == sample_size(predicted=Bracket(0.5, 0.6), alternative=0.4, level=1e-3, power=0.9)


def test_large_sizes_are_found_too() -> None:
    """About (z_{α/2} + z_β)² p(1 − p)/Δ² draws, here a quarter of a million."""
    found = sample_size(predicted=0.5, alternative=0.505, level=1e-4, power=0.9)
    normal = (stats.norm.isf(5e-5) + stats.norm.isf(0.1)) ** 2 * 0.25 / 0.005**2
    assert found == pytest.approx(normal, rel=0.01)
    assert verdict_chances(found, predicted=0.5, truth=0.505, level=1e-4).refuted >= 0.9


@pytest.mark.parametrize(("predicted", "resolution"), [(0.5, 0.05), (0.01, 0.05), (1.0, 0.02), (Bracket(0.2, 0.21), 0.1)])
def test_a_confirming_size_confirms_and_half_of_it_does_not(predicted: Bracket | float, resolution: float) -> None:
    ends = (predicted.lower, predicted.upper) if isinstance(predicted, Bracket) else (predicted, predicted)
    found = confirming_size(predicted=predicted, resolution=resolution, level=1e-3, power=0.99)

    def confirmed(n: int) -> float:
        return min(verdict_chances(n, predicted=predicted, truth=end, level=1e-3, resolution=resolution).confirmed for end in ends)

    assert confirmed(found) >= 0.99
    assert confirmed(found // 2) < 0.99


def test_a_mean_is_told_from_a_false_one_as_often_as_planned() -> None:
    """2000 simulated Student intervals at the planned size and at half of it."""
    level, power, difference = 0.01, 0.9, 0.4
    n = mean_sample_size(difference=difference, deviation=2.0, level=level, power=power)
    rng = np.random.default_rng(6)

    def excluded(size: int) -> Bracket:
        misses = sum(not Estimate.of(draws).interval(level).contains(difference) for draws in rng.normal(0.0, 2.0, (2000, size)))
        return Proportion(successes=misses, n=2000).interval(LEVEL)

    assert excluded(n).contains(power)
    assert excluded(n // 2).upper < power


@pytest.mark.parametrize(("difference", "level"), [(3.0, 1e-3), (1.0, 0.05), (5.0, 1e-4), (20.0, 0.01), (0.02, 1e-6)])
def test_the_planned_number_of_draws_is_the_least(difference: float, level: float) -> None:
    """The power by quadrature over the sample's own deviation: E Φ(√n δ − c S), with (n−1)S² of law χ²_{n−1}."""

    def power(n: int) -> float:
        critical, shift = stats.t.isf(level / 2, n - 1), math.sqrt(n) * difference
        return float(stats.chi(n - 1, scale=1 / math.sqrt(n - 1)).expect(lambda s: stats.norm.cdf(shift - critical * s)))

    n = mean_sample_size(difference=difference, deviation=1.0, level=level, power=0.95)
    assert power(n) >= 0.95 > power(n - 1)


@pytest.mark.parametrize(("ratio", "size"), [(1.0, 13), (0.5, 44), (0.2, 265)])
def test_known_sizes_for_a_mean(ratio: float, size: int) -> None:
    """Two-sided one-sample t test at 0.05 with power 0.9: the sizes that any power calculator gives."""
    assert mean_sample_size(difference=ratio, deviation=1.0, level=0.05, power=0.9) == size


def test_sizes_that_no_one_should_run_are_refused() -> None:
    refused(lambda: sample_size(predicted=0.5, alternative=0.50001, level=1e-3, power=0.9), "10,000,000 trials", "move it away")
    refused(lambda: sample_size(predicted=0.5, alternative=0.5, level=1e-3, power=0.9), "agrees with the prediction")
    refused(lambda: confirming_size(predicted=0.5, resolution=1e-4, level=1e-3, power=0.9), "too fine")
    refused(lambda: confirming_size(predicted=Bracket(0.1, 0.3), resolution=0.1, level=1e-3, power=0.9), "width of the prediction")
    refused(lambda: confirming_size(predicted=0.5, resolution=0.1, level=0.05, power=0.96), "below 1 − level")
    refused(lambda: mean_sample_size(difference=1e-4, deviation=1.0, level=1e-3, power=0.9), "10,000,000 draws")


@pytest.mark.parametrize("bad", [-0.1, 1.1, math.nan])
def test_what_is_no_probability_is_refused(bad: float) -> None:
    refused(lambda: verdict_chances(10, predicted=bad, truth=0.5, level=0.1), f"probability is {bad!r}", "[0, 1]")
    refused(lambda: verdict_chances(10, predicted=0.5, truth=bad, level=0.1), f"probability is {bad!r}", "[0, 1]")
    refused(lambda: sample_size(predicted=0.5, alternative=bad, level=0.1, power=0.9), "[0, 1]")
    refused(lambda: false_alarm_rate(10, predicted=0.5, level=bad), f"level is {bad!r}")
    refused(lambda: mean_sample_size(difference=1.0, deviation=1.0, level=bad, power=0.9), f"level is {bad!r}")


def test_other_unusable_numbers_are_refused() -> None:
    refused(lambda: verdict_chances(0, predicted=0.5, truth=0.5, level=0.1), "number of trials is 0")
    for power in (0.05, 1.0, math.nan):
        refused(lambda power=power: sample_size(predicted=0.5, alternative=0.7, level=0.1, power=power), f"power is {power!r}")
        refused(lambda power=power: mean_sample_size(difference=1.0, deviation=1.0, level=0.1, power=power), f"power is {power!r}")
    refused(lambda: mean_sample_size(difference=0.0, deviation=1.0, level=0.1, power=0.9), "difference is 0.0")
