"""The closed forms of R0 and R1 against the θ-form in mpmath, in every arithmetic and to any number of digits."""

import json
import math
import re
from collections.abc import Callable
from decimal import Decimal, getcontext
from fractions import Fraction
from pathlib import Path
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from flint import arb
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from refusals import refused
from strategies import OFTEN_ENOUGH, class_numbers, log_uniform, tally

from layerpeel.numerics import (
    Threshold,
    UnusableInput,
    collapse_threshold,
    log_threshold_minus_one,
    log_thresholds_minus_one,
    two_group_optimum,
    vanishing_threshold,
)
from layerpeel.numerics.layer_peeled import _thresholds as thresholds
from layerpeel.theory.layer_peeled._coming_apart import coming_apart, multiplier_there, reported
from layerpeel.theory.layer_peeled._in_symbols import slopes

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "thresholds.json").read_text())

FLOATS = 1e-12
"""Error of log(R0 − 1) in doubles, relative to 1 + its size: a few hundred roundings of the root and the closed form."""

BEYOND = 1e-7
"""Relative step off a threshold at which the phase must have changed: far above the optimum's rounding, far below any other scale."""


def theta_threshold(majority: int, minority: int, energy: Any, digits: int) -> Any:
    """R0 − 1 from the θ-form: the boundary as a curve in θ = arctan(t_B/t_A), evaluated in mpmath; shares nothing with the code."""
    with mp.workdps(digits + 30):
        k_a, k_b = mp.mpf(majority), mp.mpf(minority)
        k = k_a + k_b
        radius = k * mp.sqrt(mp.mpf(energy))
        q_a, q_b = mp.sqrt(k) / (k_a * mp.sqrt(k_b)), mp.sqrt(k) / (k_b * mp.sqrt(k_a))

        def curve(theta: Any) -> tuple[Any, Any]:
            """(τ, R0 − 1) at θ."""
            sine, cosine = mp.sin(theta), mp.cos(theta)
            t_b = -mp.log(k_b * sine / (mp.sqrt(k * k_a) - k_a * sine)) / q_b
            t_a = t_b * cosine / sine
            if majority == 1:
                y = mp.exp(-q_a * t_a)
                return t_b / sine, cosine * (1 + k_b * y) / (mp.sqrt(k * k_b) * y) - 1
            rho = (mp.sqrt(k * k_b) / cosine - k_b) / k_a
            log_x = k_a * (mp.log(rho) - q_a * t_a)
            x, y = mp.exp(log_x), mp.exp(log_x) / rho
            return -(k_a - 1) * log_x + t_b / sine, (1 - x) / (k_a * x + k_b * y)

        # u = log(θ_max/θ − 1) runs over the whole line, and log τ increases with it almost linearly.
        largest = mp.asin(mp.sqrt(k_a / k))
        low, high = mp.mpf(-1), mp.mpf(1)

        def excess(u: Any) -> Any:
            return mp.log(curve(largest / (1 + mp.exp(u)))[0] / radius)

        while excess(low) > 0:
            low *= 2
        while excess(high) < 0:
            high *= 2
        root = mp.findroot(excess, (low, high), solver="anderson", tol=mp.mpf(10) ** (-2 * digits - 20), maxsteps=500)
        return curve(largest / (1 + mp.exp(root)))[1]


def vanishing_form(majority: int, minority: int, energy: Any, digits: int) -> Any:
    """R1 as the notes print it, sqrt((K_B K_A²/K²)/(m² K_A K_B/K − K_A (v/D)²)); None where the notes' condition fails."""
    with mp.workdps(digits + 30):
        k_a, k_b = mp.mpf(majority), mp.mpf(minority)
        k = k_a + k_b
        a = k * mp.sqrt(mp.mpf(energy)) / (k_a - 1)
        r = mp.sqrt(k_b / k)
        if not a < k_a * mp.log((k_a / k_b) * r / (1 - r)):
            return None
        u, v = (k_a - 1) * mp.exp(-a), k_b * mp.exp(-a * (k_a - 1) / k_a)
        d = 1 + u + v
        m = (k_a / (k_a - 1)) * (u + v * (k_a - 1) / k_a) / d
        return mp.sqrt((k_b * k_a**2 / k**2) / (m**2 * k_a * k_b / k - k_a * (v / d) ** 2))


def encloses(found: Threshold, value: Any) -> bool:
    return mp.mpf(found.lower) <= value <= mp.mpf(found.upper)


# Pinned references.


@pytest.mark.parametrize("case", REFERENCE["collapse"], ids=lambda case: f"{case['majority']}+{case['minority']}, {case['feature_energy']}")
def test_pinned_collapse_thresholds(case: dict[str, Any]) -> None:
    with mp.workdps(60):
        found = collapse_threshold(case["majority"], case["minority"], feature_energy=float(case["feature_energy"]), digits=40)
        pinned, digits = mp.mpf(case["value"]), case["digits"]
        assert abs(mp.mpf(found.lower) / pinned - 1) <= mp.mpf(10) ** (1 - digits)
        assert abs(mp.mpf(found.upper) / pinned - 1) <= mp.mpf(10) ** (1 - digits)


@pytest.mark.parametrize(
    "case", REFERENCE["vanishing"], ids=lambda case: f"{case['majority']}+{case['minority']}, {case['feature_energy']}"
)
def test_pinned_vanishing_thresholds(case: dict[str, Any]) -> None:
    found = vanishing_threshold(case["majority"], case["minority"], feature_energy=float(case["feature_energy"]), digits=40)
    if case["value"] is None:
        assert found is None
        return
    assert found is not None
    with mp.workdps(60):
        assert abs(mp.mpf(found.lower) / mp.mpf(case["value"]) - 1) <= mp.mpf(10) ** (1 - case["digits"])


# The independent route.


@settings(max_examples=40)
@given(class_numbers(10**4), class_numbers(10**4).map(lambda size: max(size, 2)), log_uniform(1e-4, 1e3))
@pytest.mark.slow
def test_the_theta_form_lies_between_the_bounds_at_forty_digits(majority: int, minority: int, energy: float) -> None:
    found = collapse_threshold(majority, minority, feature_energy=energy, digits=40)
    with mp.workdps(90):
        assert encloses(found, 1 + theta_threshold(majority, minority, energy, 50))
        assert mp.mpf(found.upper) / mp.mpf(found.lower) - 1 <= mp.mpf(10) ** -39


def test_the_theta_form_of_another_energy_lies_outside() -> None:
    """Control: the comparison at forty digits sees a change in the thirty-fifth digit of the energy."""
    found = collapse_threshold(5, 5, feature_energy=5.0, digits=40)
    with mp.workdps(90):
        assert not encloses(found, 1 + theta_threshold(5, 5, mp.mpf(5) * (1 + mp.mpf(10) ** -35), 50))


@settings(max_examples=60)
@given(class_numbers(10**4), class_numbers(10**4).map(lambda size: max(size, 2)), log_uniform(1e-4, 1e3))
def test_the_printed_form_of_the_vanishing_threshold_lies_between_the_bounds(majority: int, minority: int, energy: float) -> None:
    found = vanishing_threshold(majority, minority, feature_energy=energy, digits=25)
    with mp.workdps(80):
        wanted = vanishing_form(majority, minority, energy, 50) if majority > 1 else None
        assert (found is None) == (wanted is None)
        if found is not None:
            assert encloses(found, wanted)


# Digits.

DIGITS = (1, 2, 5, 12, 30, 120, 300)


@pytest.mark.parametrize("threshold", [collapse_threshold, vanishing_threshold])
@pytest.mark.parametrize(("sizes", "energy"), [((7, 3), 5.0), ((40, 2), 0.3), ((3, 2), 1e-9)])
def test_more_digits_lie_inside_fewer(threshold: Callable[..., Threshold | None], sizes: tuple[int, int], energy: float) -> None:
    getcontext().prec = 400
    earlier: tuple[Fraction, Fraction] | None = None
    for digits in DIGITS:
        found = threshold(*sizes, feature_energy=energy, digits=digits)
        assert found is not None
        lower, upper = Fraction(Decimal(found.lower)), Fraction(Decimal(found.upper))
        assert upper > 1
        assert lower < upper
        # The two bounds share the digits asked for.
        assert upper - lower <= upper / Fraction(10) ** (digits - 1)
        if earlier is not None:
            assert earlier[0] <= lower < upper <= earlier[1]
        earlier = lower, upper
        assert found.value is not None
        assert lower <= Fraction(found.value) * (1 + Fraction(1, 2**52))
        assert upper >= Fraction(found.value) * (1 - Fraction(1, 2**52))


@pytest.mark.parametrize("bad", [0, -1, 2.5, math.nan, True, "30", 10_001, None])
@pytest.mark.parametrize("threshold", [collapse_threshold, vanishing_threshold])
def test_digits_out_of_range_are_refused(threshold: Callable[..., object], bad: Any) -> None:
    refused(lambda: threshold(5, 5, feature_energy=5.0, digits=bad), "digits is", repr(bad), "10000", "for example 30")


def test_the_bounds_are_those_of_the_whole_ball_not_of_its_middle() -> None:
    found = thresholds._enclosed(10, 5, lambda: arb(1, 0.25))
    assert Decimal(found.lower) <= Decimal("1.75")
    assert Decimal(found.upper) >= Decimal("2.25")


# Ends of the range.


def test_a_threshold_beyond_doubles_keeps_its_digits_and_its_logarithm() -> None:
    """K_A = 1: log R0 grows like τ. Here R0 has two thousand digits."""
    found = collapse_threshold(1, 3, feature_energy=1e6, digits=20)
    assert found.value is None
    with mp.workdps(60):
        exact = theta_threshold(1, 3, 10**6, 50)
        assert encloses(found, 1 + exact)
        assert found.log_minus_one == pytest.approx(float(mp.log(exact)), rel=1e-15)
    assert log_threshold_minus_one(1, 3, feature_energy=1e6) == pytest.approx(found.log_minus_one, rel=FLOATS)


def test_a_threshold_barely_above_one_keeps_its_excess() -> None:
    found = collapse_threshold(1000, 3, feature_energy=1e-20, digits=30)
    with mp.workdps(60):
        exact = theta_threshold(1000, 3, mp.mpf(1e-20), 50)
        assert encloses(found, 1 + exact)
    assert found.log_minus_one == pytest.approx(float(mp.log(exact)), rel=1e-14)
    assert log_threshold_minus_one(1000, 3, feature_energy=1e-20) == pytest.approx(found.log_minus_one, rel=FLOATS)


@pytest.mark.parametrize("energy", [1e-100, 1e-140, 1e-200])
@pytest.mark.parametrize(("majority", "minority"), [(5, 5), (7, 3), (2, 50)])
def test_leading_zeros_of_an_excess_take_no_digits_from_its_logarithm(majority: int, minority: int, energy: float) -> None:
    for threshold in (collapse_threshold, vanishing_threshold):
        few, many = (threshold(majority, minority, feature_energy=energy, digits=digits) for digits in (3, 300))
        assert few is not None
        assert many is not None
        assert few.log_minus_one == pytest.approx(many.log_minus_one, rel=1e-15)


@pytest.mark.parametrize(("majority", "minority", "energy"), [(1, 2 * 10**14, 1e-134), (1, 10**9, 1e-60), (2, 10**12, 1e-20)])
def test_a_minority_of_very_many_classes_keeps_the_digits_of_an_excess(majority: int, minority: int, energy: float) -> None:
    found = collapse_threshold(majority, minority, feature_energy=energy, digits=30)
    assert log_threshold_minus_one(majority, minority, feature_energy=energy) == pytest.approx(found.log_minus_one, rel=FLOATS)


# Properties.

SIZES = st.tuples(class_numbers(), class_numbers().map(lambda size: max(size, 2)))
ENERGIES = log_uniform(1e-8, 1e6)


@settings(max_examples=60)
@given(SIZES, ENERGIES)
def test_floats_arrays_and_balls_agree(sizes: tuple[int, int], energy: float) -> None:
    single = log_threshold_minus_one(*sizes, feature_energy=energy)
    several = log_thresholds_minus_one(
        np.array([float(sizes[0])] * 2), np.array([float(sizes[1])] * 2), np.array([sum(sizes) * math.sqrt(energy)] * 2)
    )
    enclosed = collapse_threshold(*sizes, feature_energy=energy, digits=10)
    assert single == pytest.approx(enclosed.log_minus_one, rel=FLOATS, abs=FLOATS)
    assert several.tolist() == pytest.approx([enclosed.log_minus_one] * 2, rel=FLOATS, abs=FLOATS)


def test_a_long_array_is_the_scalars_one_by_one_in_order() -> None:
    rng = np.random.default_rng(6)
    count = 20_000  # more than two passes
    majority, minority = np.floor(10 ** rng.uniform(0, 5, count)), np.floor(10 ** rng.uniform(0.31, 5, count))
    root_energy = 10 ** rng.uniform(-3, 2, count)
    found = log_thresholds_minus_one(majority, minority, (majority + minority) * root_energy)
    assert found.shape == (count,)
    for place in range(0, count, 400):
        alone = log_threshold_minus_one(
            int(majority[place]), int(minority[place]), feature_energy=float(root_energy[place]), weight_energy=float(root_energy[place])
        )
        assert found[place] == pytest.approx(alone, rel=FLOATS, abs=FLOATS)


@given(SIZES, ENERGIES, log_uniform(1e-6, 1.0))
def test_the_threshold_rises_with_the_energy(sizes: tuple[int, int], energy: float, more: float) -> None:
    here, there = (log_threshold_minus_one(*sizes, feature_energy=e) for e in (energy, energy * (1 + more)))
    assert there > here
    assert math.isfinite(here)


@given(SIZES, log_uniform(1e-4, 1e4), log_uniform(1e-4, 1e4))
def test_only_the_product_of_the_energies_matters(sizes: tuple[int, int], feature_energy: float, weight_energy: float) -> None:
    both = log_threshold_minus_one(*sizes, feature_energy=feature_energy, weight_energy=weight_energy)
    one = log_threshold_minus_one(*sizes, feature_energy=feature_energy * weight_energy)
    assert both == pytest.approx(one, rel=FLOATS, abs=FLOATS)
    swapped = log_threshold_minus_one(*sizes, feature_energy=weight_energy, weight_energy=feature_energy)
    assert both == pytest.approx(swapped, rel=FLOATS, abs=FLOATS)


CASES = st.tuples(class_numbers(1000), class_numbers(1000).map(lambda size: max(size, 2)), log_uniform(1e-2, 10.0))


@given(CASES)
@pytest.mark.slow
def test_the_optimum_changes_phase_at_the_collapse_threshold(case: tuple[int, int, float]) -> None:
    majority, minority, root_energy = case
    log_excess = log_threshold_minus_one(majority, minority, feature_energy=root_energy, weight_energy=root_energy)
    assume(math.log(1e-3) < log_excess < math.log(1e12))
    excess = math.exp(log_excess)
    for factor, collapsed in ((1 - BEYOND, False), (1 + BEYOND, True)):
        found = two_group_optimum(majority, minority, 1 + excess * factor, (majority + minority) * root_energy)
        assert found.collapsed == collapsed
        assert (found.b == 0.0) == collapsed


@given(CASES)
@pytest.mark.slow
def test_the_optimum_changes_phase_at_the_vanishing_threshold(case: tuple[int, int, float]) -> None:
    majority, minority, root_energy = case
    radius = (majority + minority) * root_energy
    found = vanishing_threshold(majority, minority, feature_energy=root_energy, weight_energy=root_energy, digits=20)
    if found is None:
        assert not two_group_optimum(majority, minority, 1e12, radius).vanished
        return
    assert found.value is not None
    assume(found.value < 1e12)
    assert found.log_minus_one >= log_threshold_minus_one(majority, minority, feature_energy=root_energy, weight_energy=root_energy)
    for factor, vanished in ((1 - BEYOND, False), (1 + BEYOND, True)):
        assert two_group_optimum(majority, minority, found.value * factor, radius).vanished == vanished


def test_the_strategy_of_thresholds_is_rich() -> None:
    def labels(case: tuple[int, int, float]) -> list[str]:
        majority, minority, root_energy = case
        excess = log_threshold_minus_one(majority, minority, feature_energy=root_energy, weight_energy=root_energy)
        vanishing = vanishing_threshold(majority, minority, feature_energy=root_energy, weight_energy=root_energy, digits=5)
        seen = ["vanishes" if vanishing else "never vanishes"] + ["one majority class"] * (majority == 1) + ["pair"] * (minority == 2)
        return [*seen, "near one" if excess < math.log(0.1) else "huge" if excess > math.log(1e6) else "moderate"]

    seen = tally(CASES, labels, examples=200)
    wanted = ("vanishes", "never vanishes", "one majority class", "pair", "near one", "moderate", "huge")
    assert all(seen[label] >= OFTEN_ENOUGH for label in wanted), seen


# Bad input.


@pytest.mark.parametrize("threshold", [collapse_threshold, vanishing_threshold, log_threshold_minus_one])
def test_bad_arguments_are_refused_with_their_value(threshold: Callable[..., object]) -> None:
    for bad in (0, -1, 2.5, math.nan, math.inf, True, "5", None):
        refused(lambda bad=bad: threshold(bad, 5, feature_energy=5.0), "majority is", repr(bad), "whole number >= 1")
        refused(lambda bad=bad: threshold(5, bad, feature_energy=5.0), "minority is", repr(bad), "whole number >= 2")
    refused(lambda: threshold(5, 1, feature_energy=5.0), "minority is 1", "nothing to collapse with", "minority >= 2")
    for bad in (0.0, -1.0, math.nan, math.inf, True, "5", None):
        refused(lambda bad=bad: threshold(5, 5, feature_energy=bad), "feature energy is", repr(bad), "positive finite")
        refused(lambda bad=bad: threshold(5, 5, feature_energy=5.0, weight_energy=bad), "weight energy is", repr(bad))


@pytest.mark.parametrize(("majority", "minority", "energy"), [(5, 5, 1e12), (1, 10**12, 5.0), (1, 10**15, 1e12)])
def test_thresholds_beyond_any_double_are_decimals_with_far_exponents(majority: int, minority: int, energy: float) -> None:
    found = collapse_threshold(majority, minority, feature_energy=energy, digits=25)
    assert found.value is None
    mantissas, exponents = zip(*(bound.split("e+") for bound in (found.lower, found.upper)), strict=True)
    assert exponents[0] == exponents[1]
    assert float(mantissas[0]) <= float(mantissas[1]) < 10
    logarithm = mp.mpf(mantissas[0])
    assert float(mp.log(logarithm) + int(exponents[0]) * mp.log(10)) == pytest.approx(found.log_minus_one, rel=1e-12)


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        ({"majority": 5, "minority": 5, "feature_energy": 1e300}, "1e+150"),
        ({"majority": 5, "minority": 5, "feature_energy": 1e-300}, "1e-150"),
        ({"majority": 10**16, "minority": 5, "feature_energy": 5.0}, "too many"),
    ],
)
def test_thresholds_outside_the_range_of_doubles_are_refused(arguments: dict[str, Any], fragment: str) -> None:
    with pytest.raises(UnusableInput, match=re.escape(fragment)):
        collapse_threshold(**arguments)


def test_a_batch_is_validated() -> None:
    one = np.array([1.0])
    for majority, minority, radius in ((one, one, one), (0 * one, 2 * one, one), (one, 2 * one, -one), (one, 2 * one, one * np.inf)):
        with pytest.raises(UnusableInput, match="K_B >= 2"):
            log_thresholds_minus_one(majority, minority, radius)
    assert log_thresholds_minus_one(one[:0], one[:0], one[:0]).size == 0


# What the rooms of thresholds share.


def test_a_slope_whose_sign_does_not_show_is_no_proof() -> None:
    assert slopes.positive(slopes.slopes(slopes.A))
    falling = {"slope": slopes.A - 2}
    with pytest.raises(ArithmeticError, match="is not a sum of positive terms"):
        slopes.positive(falling)


def test_the_slopes_of_the_proof_are_those_of_the_threshold() -> None:
    """d log R0/d log τ by differences of the closed form, against the quotient of the two sums at the same point."""
    majority, minority, zeta, step = 3, 4, 0.4, 1e-5
    x, k = math.expm1(zeta), majority + minority

    def evaluated(expression: Any, *substitutions: dict[Any, Any]) -> float:
        for values in substitutions:
            expression = expression.subs(values)
        return float(expression)

    values = {slopes.OTHERS: majority - 1, slopes.B: minority, slopes.X: x}
    root, between = (evaluated(along, values) for along in (slopes.ROOT_A_ALONG, slopes.S_ALONG))
    inside = between / root - majority * math.log((k * root - minority) / majority)
    ingredients = {label: evaluated(value, values) for label, value in slopes.ingredients().items()}
    point = {
        slopes.ROOM_A: k * root - minority,
        slopes.FALL: ingredients["p = −d log r_A/dζ"],
        slopes.S: between,
        slopes.S_SLOPE: ingredients["ds/dζ"],
        slopes.ODDS: math.expm1(inside),
    }
    sums = {label: evaluated(value, point, values) for label, value in slopes.slopes(slopes.A).items()}
    root_energy = ((majority - 1) * inside + between) / k

    def log_threshold(factor: float) -> float:
        excess = log_threshold_minus_one(majority, minority, feature_energy=root_energy * factor, weight_energy=root_energy * factor)
        return math.log1p(math.exp(excess))

    slope = (log_threshold(1 + step) - log_threshold(1 - step)) / (2 * step * root_energy * k)
    assert sums["d log R0/dζ"] / sums["dτ/dζ"] == pytest.approx(slope, rel=1e-8)


@pytest.mark.slow
def test_the_multiplier_where_classes_come_apart_is_their_weight() -> None:
    switch = coming_apart(((2, 6), (2, 2), (1, 1)), 1)
    assert switch.beyond < switch.before
    found = multiplier_there(switch, 1)
    assert found.rigorous
    assert found.contains(1.0)
    assert found.width < 1e-3
    # Control: by another group's weight it is another number.
    assert not multiplier_there(switch, 0).contains(1.0)


def test_a_phase_is_reported_as_a_number_or_left_open() -> None:
    assert [(reported(state).lower, reported(state).upper) for state in (False, True, None)] == [(0.0, 0.0), (1.0, 1.0), (0.0, 1.0)]
