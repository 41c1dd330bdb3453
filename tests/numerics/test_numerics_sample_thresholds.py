"""Thresholds of norms per sample: against the conditions of an optimum in mpmath, by the proof's inequalities, and at their limits."""

import math
from itertools import pairwise
from typing import Any

import mpmath as mp
import numpy as np
import pytest
import sympy
from flint import arb, ctx
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from refusals import refused
from strategies import class_numbers, log_uniform

from layerpeel.numerics import (
    BALLS,
    FLOATS,
    Threshold,
    collapse_threshold,
    log_threshold_minus_one,
    loss_threshold,
    threshold_arrays,
    vanishing_threshold,
)
from layerpeel.numerics.layer_peeled import _sample_boundary as boundary
from layerpeel.numerics.layer_peeled import _sample_thresholds as sample_thresholds

AGREEMENT = 1e-12
"""Error of log(R0 − 1) in doubles, relative to 1 + its size."""

WIDE = 1e-8
"""Stated error of log(R0 − 1), relative to 1 + its size: mostly 1e-13; at log R0 = 1e5 of one majority class exponents cancel."""

SIZES = st.tuples(class_numbers(), class_numbers().map(lambda size: max(size, 2)))
SMALL = st.tuples(class_numbers(50), class_numbers(50).map(lambda size: max(size, 2)))
ENERGIES = log_uniform(1e-8, 1e6)
PER_SAMPLE: dict[str, Any] = {"norm_weights": "sample"}


def theta_threshold(majority: int, minority: int, energy: float, digits: int) -> Any:
    """R0 from the conditions in θ = arctan(t_B/(√R t_A)) and R themselves, in mpmath; shares nothing with the code."""
    with mp.workdps(digits + 25):
        k_a, k_b, root_energy = mp.mpf(majority), mp.mpf(minority), mp.sqrt(mp.mpf(energy))
        k = k_a + k_b
        q_a, q_b = mp.sqrt(k) / (k_a * mp.sqrt(k_b)), mp.sqrt(k) / (k_b * mp.sqrt(k_a))
        largest = mp.asin(mp.sqrt(k_a / k))

        def at(theta: Any, log_root: Any) -> tuple[Any, Any]:
            """Excess of log √R over what the majority's condition gives, and log of the radius over its bound."""
            root, sine, cosine = mp.exp(log_root), mp.sin(theta), mp.cos(theta)
            s = -mp.log(k_b * sine / (mp.sqrt(k * k_a) - k_a * sine)) / q_b / sine
            t_a = s * cosine / root
            if majority == 1:
                y, a = mp.exp(-q_a * t_a), mp.mpf(0)
                wanted = cosine * (1 + k_b * y) / (mp.sqrt(k * k_b) * y)
            else:
                rho = (mp.sqrt(k * k_b) / cosine - k_b) / k_a
                a = k_a * (q_a * t_a - mp.log(rho))
                x, y = mp.exp(-a), mp.exp(-a) / rho
                wanted = (1 + (k_a - 1) * x + k_b * y) / (k_a * x + k_b * y)
            radius = root * (k_a - 1) * a + s
            return log_root - mp.log(wanted), mp.log(radius / (root_energy * mp.sqrt(k * (k_a * root**2 + k_b))))

        def log_root_at(u: Any) -> Any:
            """√R at θ = largest/(1 + e^u): the excess increases with it."""
            theta, low, high = largest / (1 + mp.exp(u)), mp.mpf(0), mp.mpf(1)
            while at(theta, high)[0] < 0:
                high *= 2
            return mp.findroot(
                lambda value: at(theta, value)[0], (low, high), solver="anderson", tol=mp.mpf(10) ** (-2 * digits), maxsteps=400
            )

        def excess(u: Any) -> Any:
            return at(largest / (1 + mp.exp(u)), log_root_at(u))[1]

        low, high = mp.mpf(-1), mp.mpf(1)
        while excess(low) > 0:
            low *= 2
        while excess(high) < 0:
            high *= 2
        place = mp.findroot(excess, (low, high), solver="anderson", tol=mp.mpf(10) ** (-2 * digits), maxsteps=400)
        return mp.exp(2 * log_root_at(place))


def encloses(found: Threshold, value: Any) -> bool:
    return bool(mp.mpf(found.lower) <= value <= mp.mpf(found.upper))


@pytest.mark.parametrize(("majority", "minority", "energy"), [(3, 3, 1.0), (5, 5, 5.0), (1, 4, 0.3), (2, 7, 2.0), (9, 2, 0.05)])
def test_the_conditions_of_the_optimum_give_the_threshold(majority: int, minority: int, energy: float) -> None:
    found = collapse_threshold(majority, minority, feature_energy=energy, digits=25, **PER_SAMPLE)
    with mp.workdps(60):
        exact = theta_threshold(majority, minority, energy, 30)
        assert encloses(found, exact)
        # Control: another energy in the twentieth digit.
        other = collapse_threshold(majority, minority, feature_energy=energy, weight_energy=1 + 1e-15, digits=25, **PER_SAMPLE)
        assert not encloses(other, exact)
    assert 1 + math.exp(log_threshold_minus_one(majority, minority, feature_energy=energy, **PER_SAMPLE)) == pytest.approx(float(exact))


def test_pinned() -> None:
    assert collapse_threshold(3, 3, feature_energy=1.0, digits=12, **PER_SAMPLE).lower == "3.5152114644176"
    assert collapse_threshold(5, 5, feature_energy=5.0, digits=12, **PER_SAMPLE).lower == "18.290192260180"
    vanishing = vanishing_threshold(5, 5, feature_energy=5.0, digits=9, **PER_SAMPLE)
    assert vanishing is not None
    assert vanishing.lower == "171.03836308"
    assert vanishing_threshold(5, 5, feature_energy=5.0) is None


# The proof.


def test_the_identities_of_the_proof() -> None:
    """docs/derivations/layer-peeled.md, section 7: every equality that its inequalities stand on, for all class numbers."""
    k_a, k_b, w = sympy.symbols("K_A K_B w", positive=True)
    k, q = k_a + k_b, 1 / w**2
    root_b = sympy.sqrt((k_a + k_b * w**2) / k)  # r_B of w = r_B/r_A
    root_a = root_b / w
    x = (k * root_a - k_b) / k_a
    zero = {
        "1/r_A² = 1/r_B² + (K/K_B)(1 − 1/r_B²)": 1 / root_a**2 - 1 / root_b**2 - k / k_b * (1 - 1 / root_b**2),
        "K²q = K(K_A x² + 2 K_B x − K_B)": k * q - (k_a * x**2 + 2 * k_b * x - k_b),
        "(i)": (k * root_b) ** 2 - (k_a + k_b * w) ** 2 - k_a * k_b * (w - 1) ** 2,
        "(ii)": k / k_b * (root_b - 1) - (w**2 - 1) / (root_b + 1),
        "(1 − x)(K_A + K_B/x) = K(1 − q/x)": (1 - x) * (k_a + k_b / x) - k * (1 - q / x),
    }
    for name, expression in zero.items():
        assert sympy.simplify(expression) == 0, name


@given(SIZES, log_uniform(1e-6, 1e4))
def test_the_inequalities_of_the_proof(sizes: tuple[int, int], w_minus_one: float) -> None:
    k_a, k_b = (mp.mpf(size) for size in sizes)
    with mp.workdps(60):
        w, k = 1 + mp.mpf(w_minus_one), k_a + k_b
        root_b = mp.sqrt((k_a + k_b * w**2) / k)
        x, q = (k * root_b / w - k_b) / k_a, 1 / w**2
        growth = 1 + k / k_b * (root_b - 1)
        margin = mp.log(growth)
        assert 1 / w <= x <= 1
        assert growth <= (1 + w**2) / 2
        assert margin <= w - 1
        assert (k_b / x) * q + q * w * k_b * margin <= k_b  # δ at its largest, Q = 1
        assert q < k * root_b / (growth * margin)


@settings(max_examples=30)
@given(SIZES, log_uniform(1e-6, 1e5))
def test_energy_and_threshold_increase_along_the_boundary(sizes: tuple[int, int], a: float) -> None:
    """The slopes that the roots are found with, certainly positive; T alone as well, which is what is proved."""
    majority, minority = sizes
    with ctx.workprec(256):
        k_a, k_b = arb(majority), arb(minority)
        zeta = sample_thresholds._around(k_a, k_b, arb(a), arb(boundary.inner_root(majority, minority, a)[0]))
        point = boundary.boundary_point(BALLS, k_a, k_b, arb(a), zeta, arb(a) - zeta)
        inner = boundary.inner_point(BALLS, k_a, k_b, arb(a), zeta, arb(a) - zeta)
        assert point.log_root_energy_by_a > 0
        assert point.log_root_by_a > 0
        assert (k_a - 1) + inner.at.root_a * (1 - (inner.at.margin_slope + inner.at.fall * inner.delta) * point.zeta_by_a) > 0


@pytest.mark.parametrize(("majority", "minority", "a"), [(1, 2, 0.4), (3, 3, 2.0), (5, 2, 8.0), (2, 9, 30.0), (40, 3, 0.01)])
def test_slopes_along_the_boundary_are_those_of_differences(majority: int, minority: int, a: float) -> None:
    with ctx.workprec(300):
        k_a, k_b, step = arb(majority), arb(minority), arb(2) ** -60

        def at(place: arb) -> tuple[boundary.BoundaryPoint, arb]:
            zeta = sample_thresholds._inner(k_a, k_b, place, arb(boundary.inner_root(majority, minority, a)[0]))
            return boundary.boundary_point(BALLS, k_a, k_b, place, zeta, place - zeta), zeta

        (here, _), (below, zeta_below), (above, zeta_above) = at(arb(a)), at(arb(a) - step), at(arb(a) + step)
        pairs = [
            (here.log_root_energy_by_a, above.log_root_energy - below.log_root_energy),
            (here.log_root_by_a, above.log_root - below.log_root),
            (here.zeta_by_a, zeta_above - zeta_below),
        ]
        for slope, difference in pairs:
            assert float(difference / (2 * step)) == pytest.approx(float(slope), rel=1e-12)


def test_the_part_between_the_groups_alone_does_not_increase() -> None:
    """A lead that is wrong: s/Q falls along the boundary of 1000 and 2 classes, and only T with it increases."""
    found = []
    for a in (300.0, 600.0):
        inner = boundary.inner_point(FLOATS, 1000, 2, a, *boundary.inner_root(1000, 2, a))
        found.append(inner.at.root_a * inner.delta)
    assert found[1] < found[0]


# Properties.


@settings(max_examples=30)
@given(SIZES, ENERGIES)
def test_floats_arrays_and_balls_agree(sizes: tuple[int, int], energy: float) -> None:
    enclosed = collapse_threshold(*sizes, feature_energy=energy, digits=10, **PER_SAMPLE)
    single = log_threshold_minus_one(*sizes, feature_energy=energy, **PER_SAMPLE)
    several = threshold_arrays([sizes[0]] * 2, [sizes[1]] * 2, feature_energy=[energy, 1.0], **PER_SAMPLE)
    assert single == pytest.approx(enclosed.log_minus_one, rel=AGREEMENT, abs=AGREEMENT)
    assert abs(several.collapse[0] - enclosed.log_minus_one) <= several.collapse_error[0] + 1e-15 * abs(enclosed.log_minus_one)
    assert several.collapse_error[0] <= WIDE * (1 + abs(enclosed.log_minus_one))
    vanishing = vanishing_threshold(*sizes, feature_energy=energy, digits=20, **PER_SAMPLE)
    assert (vanishing is None) == math.isnan(several.vanishing[0])
    if vanishing is not None:
        exact = float(np.logaddexp(0.0, vanishing.log_minus_one))
        assert abs(several.vanishing[0] - exact) <= several.vanishing_error[0]


@given(SIZES, ENERGIES, log_uniform(1e-6, 1.0))
def test_the_threshold_rises_with_the_energy(sizes: tuple[int, int], energy: float, more: float) -> None:
    here, there = (log_threshold_minus_one(*sizes, feature_energy=e, **PER_SAMPLE) for e in (energy, energy * (1 + more)))
    assert there > here
    assert math.isfinite(here)


@given(SIZES, log_uniform(1e-4, 1e4), log_uniform(1e-4, 1e4))
def test_only_the_product_of_the_energies_matters(sizes: tuple[int, int], feature_energy: float, weight_energy: float) -> None:
    both = log_threshold_minus_one(*sizes, feature_energy=feature_energy, weight_energy=weight_energy, **PER_SAMPLE)
    one = log_threshold_minus_one(*sizes, feature_energy=feature_energy * weight_energy, **PER_SAMPLE)
    assert both == pytest.approx(one, rel=AGREEMENT, abs=AGREEMENT)


@given(SIZES)
def test_at_small_energies_the_excess_is_twice_that_per_class(sizes: tuple[int, int]) -> None:
    energy = 1e-12 / sum(sizes) ** 2
    both = (math.exp(log_threshold_minus_one(*sizes, feature_energy=energy, norm_weights=mean)) for mean in ("sample", "class"))
    sample, of_class = both
    assert sample / of_class == pytest.approx(2.0, rel=1e-5)
    k, k_a = sum(sizes), sizes[0]
    assert sample == pytest.approx(2 * k * math.sqrt(energy) / (k_a * (k - 1)), rel=1e-5)


@given(SMALL)
def test_at_large_energies_their_logarithms_are_as_the_root_of_the_share(sizes: tuple[int, int]) -> None:
    sample, of_class = (log_threshold_minus_one(*sizes, feature_energy=1e11, norm_weights=mean) for mean in ("sample", "class"))
    assert sample / of_class == pytest.approx(2 * math.sqrt(sizes[0] / sum(sizes)), rel=2e-3)


def test_many_classes_in_a_fixed_share_have_twice_the_excess() -> None:
    half = 10**7
    excess = math.exp(log_threshold_minus_one(half, half, feature_energy=1.0, **PER_SAMPLE))
    assert 2 * half * excess == pytest.approx(2 * (math.e**2 - 1), rel=1e-5)


@settings(max_examples=30)
@given(SMALL, log_uniform(1e-4, 1e2))
def test_where_the_minority_vanishes(sizes: tuple[int, int], energy: float) -> None:
    majority, minority = sizes
    found = vanishing_threshold(majority, minority, feature_energy=energy, digits=12, **PER_SAMPLE)
    classes = majority + minority
    last = majority * math.log1p(math.sqrt(classes / minority))
    root = math.sqrt(energy * classes * majority)
    assume(abs(root / ((majority - 1) * last) - 1) > 1e-9 if majority > 1 else True)
    assert (found is not None) == (majority > 1 and root < (majority - 1) * last)
    if found is not None:
        assert found.log_minus_one >= log_threshold_minus_one(majority, minority, feature_energy=energy, **PER_SAMPLE)
    elif majority > 1:
        assert vanishing_threshold(majority, minority, feature_energy=energy, digits=12) is None  # it exists for more energies


def test_more_digits_lie_inside_fewer() -> None:
    for threshold in (collapse_threshold, vanishing_threshold):
        models: list[dict[str, Any]] = [{"feature_energy": 2.0, **PER_SAMPLE}, {"weight_decay": 0.1}]
        for model in models:
            found = [threshold(7, 3, digits=digits, **model) for digits in (5, 30, 400)]
            with mp.workdps(450):
                bounds = [(mp.mpf(each.lower), mp.mpf(each.upper)) for each in found if each is not None]
                assert len(bounds) == 3
                assert all(low <= lower < upper <= high for (low, high), (lower, upper) in pairwise(bounds))
                assert all(
                    (upper - lower) / lower < mp.mpf(10) ** (1 - digits)
                    for (lower, upper), digits in zip(bounds, (5, 30, 400), strict=True)
                )


def test_thousands_of_digits() -> None:
    """A slope that is slightly wrong would take more steps here than there are."""
    found = collapse_threshold(5, 5, feature_energy=5.0, digits=3000, **PER_SAMPLE)
    assert found.lower[:2990] == found.upper[:2990]


# Weight decay.


@settings(max_examples=30)
@given(SMALL, log_uniform(1e-4, 0.999))
def test_under_weight_decay_the_threshold_is_the_law_of_the_penalty(sizes: tuple[int, int], part: float) -> None:
    majority, minority = sizes
    decay = part / math.sqrt(majority + minority)
    found = collapse_threshold(majority, minority, weight_decay=decay, digits=20)
    with mp.workdps(40):
        samples = 1 / mp.mpf(decay) ** 2  # λ √n_B/√N = n_B/N
        assert encloses(found, (samples - minority) / majority)
    arrays = threshold_arrays([majority], minority, weight_decay=decay)
    assert abs(arrays.collapse[0] - found.log_minus_one) <= arrays.collapse_error[0]
    vanishing = vanishing_threshold(majority, minority, weight_decay=decay, digits=20)
    assert (vanishing is None) == math.isnan(arrays.vanishing[0])
    if vanishing is not None:
        assert vanishing.log_minus_one >= found.log_minus_one
        assert abs(arrays.vanishing[0] - float(np.logaddexp(0.0, vanishing.log_minus_one))) <= arrays.vanishing_error[0]


@given(SMALL.filter(lambda sizes: sizes[0] > 1))
def test_what_decides_the_vanishing_under_weight_decay_falls_at_most_once(sizes: tuple[int, int]) -> None:
    """h(a) = K_B/r_B² + K_A P², from K: its slope has the sign of an increasing function less a constant."""
    with ctx.workprec(200):
        k_a, k_b = (arb(size) for size in sizes)
        last = boundary.widest_margin(BALLS, k_a, k_b)
        values = [k_a + k_b]
        for step in range(1, 40):
            a = last * step / 40
            values.append(k_b * sample_thresholds._steepness(k_a, k_b, a) + k_a * (2 * sample_thresholds._log_head(k_a, k_b, a)).exp())
        rises = [there > here for here, there in pairwise(values)]
        assert rises == sorted(rises)
        v = [(last * step / 40 / k_a).exp() for step in range(40)]
        sign = [
            k_a
            * ((k_a - 1) / each + k_b + each ** (sizes[0] - 1))
            * (k_a**2 * each ** (sizes[0] - 1) + k_b * (k_a - 1) * each ** sizes[0] + k_b)
            for each in v
        ]
        assert all(there > here for here, there in pairwise(sign))
        # At a = 0 the slope of h has the sign of K_A² − K_B².
        if sizes[0] != sizes[1]:
            assert bool(sign[0] > (k_b * (k_a + k_b)) ** 2) == (sizes[0] > sizes[1])


# Weights in the loss.


@settings(max_examples=30)
@given(SMALL, log_uniform(1e-3, 1e2))
def test_at_the_threshold_the_losses_threshold_is_the_same(sizes: tuple[int, int], energy: float) -> None:
    majority, minority = sizes
    decay = min(0.9, energy) / math.sqrt(majority + minority)
    models: list[dict[str, Any]] = [{"feature_energy": energy, **PER_SAMPLE}, {"weight_decay": decay}]
    for model in models:
        found = collapse_threshold(majority, minority, digits=15, **model).value
        assert found is not None
        assert loss_threshold(majority, minority, found, **model) == pytest.approx(found, rel=1e-9)
        # On either side both tell the same phase, and a weight of √R always suffices.
        for ratio in (0.9 * found, 1.1 * found):
            limit = loss_threshold(majority, minority, ratio, **model)
            assert (ratio >= limit) == (ratio > found)
            assert limit >= math.sqrt(ratio)


def test_per_class_the_losses_threshold_does_not_depend_on_the_counts() -> None:
    found = {loss_threshold(5, 5, ratio, feature_energy=5.0) for ratio in (0.1, 1.0, 50.0)}
    assert found == {collapse_threshold(5, 5, feature_energy=5.0, digits=17).value}


def test_a_factor_of_two_separates_by_weights_and_not_by_sampling() -> None:
    """R = 10, E = 1: for three majority classes; five and five need more of either."""
    model: dict[str, Any] = {"feature_energy": 1.0, **PER_SAMPLE}
    for sizes, weights, sampling in (((3, 3), 1.778231, 2.844779), ((5, 5), 2.242565, 4.339242)):
        assert 10 / loss_threshold(*sizes, 10.0, **model) == pytest.approx(weights, rel=1e-6)
        found = collapse_threshold(*sizes, digits=12, **model).value
        assert found is not None
        assert 10 / found == pytest.approx(sampling, rel=1e-6)


# Bad input.


@pytest.mark.parametrize("threshold", [collapse_threshold, vanishing_threshold, log_threshold_minus_one])
def test_bad_models_are_refused(threshold: Any) -> None:
    refused(lambda: threshold(5, 5, feature_energy=5.0, norm_weights="samples"), "'samples'", "class, sample", "choose one of these")
    refused(lambda: threshold(5, 5, feature_energy=5.0, weight_decay=0.1), "both energies and a weight decay of 0.1", "leave one of")
    refused(lambda: threshold(5, 5, weight_energy=2.0, weight_decay=0.1), "both energies and a weight decay")
    refused(lambda: threshold(5, 5, weight_decay=0.1, norm_weights="class"), "every sample alike", "leave norm_weights out")
    refused(lambda: threshold(5, 5, weight_decay=0.5), "weight decay is 0.5", "0.316228", "use a smaller one")
    refused(lambda: threshold(2, 2, weight_decay=0.5), "0.5 on the classifiers of 4")
    refused(lambda: threshold(5, 5, weight_decay=1e-200), "1e-200", "1e-100 or more")
    for bad in (0.0, -1.0, math.nan, math.inf, True, "5"):
        refused(lambda bad=bad: threshold(5, 5, weight_decay=bad), "weight decay is", repr(bad), "positive finite")


def test_bad_arrays_are_refused() -> None:
    refused(lambda: threshold_arrays([5, 5], 5, weight_decay=[0.1, 0.5]), "weight decay is 0.5")
    refused(lambda: threshold_arrays(5, 5, weight_decay=0.1, feature_energy=5.0), "both energies and weight decays")
    refused(lambda: threshold_arrays(5, 5, feature_energy=5.0, norm_weights="both"), "'both'")
    refused(lambda: loss_threshold(5, 5, 0.0, feature_energy=5.0), "imbalance is 0.0")
