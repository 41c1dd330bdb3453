"""Enclosed probabilities of separation: special values, the double-precision law, and a bound over all hyperplanes."""

import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerpeel.numerics import Bracket, ElasticModel, Proportion, elastic_law, pairwise_separable, separated_probability
from layerpeel.theory._room import Profile, Setting
from layerpeel.theory.locally_elastic._closed_forms import closed_log_distance, separated_by_law
from layerpeel.theory.locally_elastic._drift import exact_similarity
from layerpeel.theory.locally_elastic._line import START, draw_curves, draw_phases, ends_separated
from layerpeel.theory.locally_elastic._paths import STEPS, counted_points, ends_of_paths, paths_needed, separated_frequency
from layerpeel.theory.locally_elastic._separation import (
    FARTHEST,
    HOPELESS,
    NARROW,
    any_hyperplane_bound,
    distance_in_deviations,
    log_distances_by_time,
    ordered_enclosure,
    separated_enclosure,
    separated_in_doubles,
    slow_count,
)

ROUNDING = 1e-14
"""The law in doubles states errors of this size."""


@pytest.mark.parametrize("count", [1, 2, 7, 30])
def test_equal_means_are_separated_by_chance(count: int) -> None:
    found = separated_enclosure(Bracket.exactly(0.0), count)
    assert found.rigorous
    assert found.width < ROUNDING
    assert found.contains(2 / math.comb(2 * count, count)) or abs(found.middle * math.comb(2 * count, count) - 2) < ROUNDING


def test_a_narrow_interval_of_distances_is_covered_from_one_end() -> None:
    for distance in (-2.0, 0.5, 3.0):
        narrow, wide = Bracket(distance, distance + 0.9 * NARROW), Bracket(distance, distance + 1.1 * NARROW)
        covered, evaluated = ordered_enclosure(narrow, 5), ordered_enclosure(wide, 5)
        far = ordered_enclosure(Bracket.exactly(narrow.upper), 5)
        assert covered.lower <= far.lower
        assert far.upper <= covered.upper
        assert covered.width <= 5 * NARROW
        assert covered.overlaps(evaluated)


def test_one_sample_each_is_a_normal_law() -> None:
    for distance in (-3.0, 0.5, 4.0):
        found = ordered_enclosure(Bracket.exactly(distance), 1)
        assert abs(found.middle - 0.5 * math.erfc(-distance / 2.0)) < ROUNDING


@settings(max_examples=10, deadline=None)
@given(distance=st.floats(-9.0, 9.0), width=st.floats(0.0, 0.5), count=st.integers(1, 12))
def test_an_interval_of_distances_gives_an_interval_that_holds_all_of_them(distance: float, width: float, count: int) -> None:
    found = separated_enclosure(Bracket(distance, distance + width), count)
    for share in (0.0, 0.3, 1.0):
        law = separated_probability(distance + share * width, deviations=(1.0, 1.0), counts=(count, count))
        assert found.lower - ROUNDING <= float(np.exp(law.log)) <= found.upper + ROUNDING


def test_far_distances_are_bounded_not_evaluated() -> None:
    assert ordered_enclosure(Bracket.exactly(2 * FARTHEST), 5).upper == 1.0
    assert ordered_enclosure(Bracket.exactly(2 * FARTHEST), 5).lower > 1.0 - ROUNDING
    hopeless = ordered_enclosure(Bracket.exactly(-2 * HOPELESS), 5)
    assert hopeless.lower == 0.0
    assert 0.0 < hopeless.upper < 1e-12


def test_distances_grow_with_the_means_and_shrink_with_the_noise() -> None:
    found = distance_in_deviations(Bracket.exactly(math.log(6.0)), 3.0, variance=1.0, noise=5.0)
    assert abs(found.middle - 6.0 / 4.0) < ROUNDING
    assert found.rigorous
    assert distance_in_deviations(Bracket.exactly(1e6), 1.0).lower == FARTHEST
    assert [slow_count(time) for time in (0.0, 1.7, 1.8, 1e12)] == [2, 2, 3, 29]


@pytest.mark.parametrize("distance", [0.0, 0.15])
@pytest.mark.parametrize(("count", "features"), [(5, 1), (9, 2)])
def test_no_hyperplane_beats_the_bound(distance: float, count: int, features: int) -> None:
    paths, rng = 2000, np.random.default_rng(7)
    points = rng.standard_normal((paths, 2, count, features))
    points[:, 0, :, 0] += distance
    share = pairwise_separable(points).proportion().interval(1e-4)
    found = any_hyperplane_bound(Bracket.exactly(distance), count, features)
    assert share.lower <= found.upper < 1.0
    assert share.upper >= found.lower
    if distance == 0.0:
        # Without a distance nothing but Cover's count is left, and it is at most twice too large: all splits, not only even ones.
        assert found.upper == pytest.approx(2 * sum(math.comb(2 * count - 1, i) for i in range(features + 1)) / math.comb(2 * count, count))


def test_the_figures_show_curves_that_the_points_follow() -> None:
    setting = Setting(profile=Profile.QUICK, rng=np.random.default_rng(3), level=1e-5)
    curves = draw_curves(setting)
    lines = {series.color: series for series in curves.series if series.style == "line"}
    assert len(lines) == 9
    misses = total = 0
    for series in curves.series:
        if series.style == "points":
            line = lines[series.color]
            exact = np.interp(np.log(series.x), np.log(line.x), line.y)
            misses += int(np.sum((exact < np.array(series.low) - 0.02) | (exact > np.array(series.high) + 0.02)))
            total += len(series.x)
    assert misses <= 0.05 * total
    phases = draw_phases(setting)
    at_one = [float(np.interp(1.0, series.x, series.y)) for series in phases.series]
    assert at_one == sorted(at_one, reverse=True)
    assert 1.5 < at_one[-1] < 1.7  # K/2, from above, as the logarithm of t grows
    assert ends_separated(np.repeat(START[None, :, None, :], 2, axis=0)) == 2


def test_paths_have_the_law_that_they_are_drawn_from() -> None:
    means, rng = np.array([[1.0, -1.0], [0.0, 2.0]]), np.random.default_rng(11)
    spread = np.stack([np.array([[2.0, 0.5], [0.5, 1.0]]), np.eye(2)])
    noise = np.broadcast_to(1.5 / STEPS * np.eye(2), (STEPS, 2, 2, 2))
    (points,) = ends_of_paths(means, noise, spread=spread, rng=rng, paths=4000, samples=3)
    assert points.shape == (4000, 2, 3, 2)
    for k in range(2):
        found = points[:, k].reshape(-1, 2)
        expected = spread[k] + 1.5 * np.eye(2)
        error = np.sqrt(2 * np.abs(expected).max() ** 2 / len(found))
        np.testing.assert_allclose(found.mean(axis=0), means[k], atol=5 * math.sqrt(3.5 / len(found)))
        np.testing.assert_allclose(np.cov(found.T), expected, atol=5 * error)


def test_paths_are_separated_as_often_as_the_exact_law_says() -> None:
    model = ElasticModel(blocks="I", num_classes=2, num_features=1, intra=1, inter=0, noise=2)
    start, time = np.array([[1.0], [-1.0]]), 1.5
    predicted = separated_by_law(elastic_law(model, start, time, spread=1), samples=3)
    setting = Setting(profile=Profile.QUICK, rng=np.random.default_rng(2), level=1e-5)
    how: dict[str, Any] = {"samples": 3, "pair": (0, 1), "along": np.ones(1), "paths": 30_000}
    found = separated_frequency(setting, start * math.exp(time / 2), time, noise=4.0, **how)
    assert found.n == 30_000
    assert found.interval(1e-5).overlaps(predicted)
    matrices = np.full((2, 1, 1), 4.0), np.ones((2, 1, 1))
    again = separated_frequency(
        replace(setting, rng=np.random.default_rng(2)), start * math.exp(time / 2), time, noise=matrices[0], spread=matrices[1], **how
    )
    assert again == found
    assert closed_log_distance(model, start, time).contains(math.log(2.0) + time / 2)
    assert 20_000 < paths_needed(1e-5) < 100_000


def test_sums_of_powers_give_the_distances_of_the_closed_flow() -> None:
    intra, inter = {0.5: 1.0, 1.0: -2.0}, {1.0: -2.0}
    model = ElasticModel(blocks="I", num_classes=3, num_features=1, intra="(1 + t)**(-0.5) - 2/(1 + t)", inter="-2/(1 + t)")
    start, times = (1.0, 0.5, -1.0), (1.0, 30.0)
    found = log_distances_by_time(exact_similarity("I", 3, 1), start, intra, inter, times, classes=3, pairs=((0, 1), (0, -1)))
    assert tuple(found) == times
    for time, row in found.items():
        for pair, each in zip(((0, 1), (0, 2)), row, strict=True):
            assert each.rigorous
            assert each.overlaps(closed_log_distance(model, np.array(start)[:, None], time, pair))
    exact = {Fraction(1, 2): Fraction(1), Fraction(1): Fraction(-2)}
    by_fractions = log_distances_by_time(exact_similarity("I", 3, 1), start, exact, {Fraction(1): Fraction(-2)}, times, classes=3)
    assert [row[0] for row in by_fractions.values()] == [row[1] for row in found.values()]


def test_doubles_lie_in_the_enclosure_and_are_one_far_out() -> None:
    for distance, variance in ((0.0, 1.0), (2.0, 4.0), (1e3, 1.0), (math.inf, 2.0)):
        enclosed = separated_enclosure(Bracket.exactly(min(distance / math.sqrt(variance), FARTHEST)), 5)
        assert separated_in_doubles(distance, 5, variance).overlaps(enclosed)


def test_points_carry_their_intervals() -> None:
    found = [Proportion(successes=30, n=100), Proportion(successes=100, n=100)]
    points = counted_points("counted", [1.0, 2.0], found, 0.05, 3)
    assert (points.label, points.style, points.color, points.x, points.y) == ("counted", "points", 3, (1.0, 2.0), (0.3, 1.0))
    assert [(low, high) for low, high in zip(points.low, points.high, strict=True)] == [
        (each.interval(0.05).lower, each.interval(0.05).upper) for each in found
    ]
