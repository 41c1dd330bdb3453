"""The explicit two-group optimum against its stationarity conditions, written again in mpmath at 50 digits."""

import json
import math
from pathlib import Path
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from flint import arb, ctx
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from stationarity import Conditions
from strategies import OFTEN_ENOUGH, TwoGroups, class_numbers, log_uniform, tally, two_groups

from layerpeel.numerics import ARRAYS, BALLS, FLOATS, TwoGroupOptimum, surface_point, two_group_optimum
from layerpeel.numerics.layer_peeled._two_groups import SurfacePoint, slopes_by_v

EPS = float(np.finfo(float).eps)

ULPS = 8.0
"""Roundings allowed per unit of exponent: a condition holds e^{−x}, so a relative error ε of x moves it by x ε, and each of the
scalars is a chain of about twenty operations."""

SURFACE = 1e-13
"""Relative error of one evaluation of the surface in doubles, times the size of the exponents that enter it."""

QUOTIENT = 1e-15
"""Relative error of a central difference with step 1e-20 in 300 bits: truncation near 1e-40 times third derivatives that reach 1e9."""

RADIUS = 1e-10
"""The last step moves ζ so that log R is exact and the radius gives way, by up to 4e-11 at R near 1e12; the certificate rescales."""

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "two_groups.json").read_text())


def conditions_at(case: TwoGroups, found: TwoGroupOptimum) -> Conditions:
    return Conditions(case.majority, case.minority, case.imbalance, found.a, found.b, *found.between(case.majority, case.minority))


def optimum_of(case: TwoGroups) -> TwoGroupOptimum:
    return two_group_optimum(case.majority, case.minority, case.imbalance, case.radius)


UNKNOWNS = ("a", "b", "t_A", "t_B", "multiplier")


def solve_conditions(majority: int, minority: int, imbalance: str, root_energy: str, phase: str, start: list[str]) -> dict[str, str]:
    """Newton's method in 50 digits on the stationarity conditions themselves: where the pinned references come from."""
    present = [majority > 1, phase == "distinct" and minority > 1, True, True, True]
    with mp.workdps(50):
        radius = (majority + minority) * mp.mpf(root_energy)

        def filled(unknowns: Any) -> list[Any]:
            """(a, b, t_A, t_B, multiplier) with zero for what does not exist in this phase."""
            left = iter(unknowns)
            return [next(left) if there else mp.mpf(0) for there in present]

        def residuals(*unknowns: Any) -> list[Any]:
            *scalars, multiplier = filled(unknowns)
            found = Conditions(majority, minority, mp.mpf(imbalance), *scalars)
            shares = scalars[2] / found.s, scalars[3] / found.s
            conditions = [found.along_a, found.along_b, found.along_t_a / shares[0], found.along_t_b / shares[1]]
            return [found.radius / radius - 1, *(c / multiplier - 1 for c, there in zip(conditions, present, strict=False) if there)]

        root = mp.findroot(residuals, [mp.mpf(x) for x, there in zip(start, present, strict=True) if there], tol=1e-80)
        numbers = filled(list(root))
        value = Conditions(majority, minority, mp.mpf(imbalance), *numbers[:4]).value
        return {name: str(mp.nstr(number, 30)) for name, number in zip((*UNKNOWNS, "value"), [*numbers, value], strict=True)}


# Special values.


@pytest.mark.parametrize(("majority", "minority", "root_energy"), [(5, 5, 2.0), (1, 9, 0.3), (1, 1, 1.0), (400, 3, 7.0)])
def test_balanced_classes_have_one_singular_value(majority: int, minority: int, root_energy: float) -> None:
    """R = 1: Z = a (I − 11ᵀ/K) with a = τ/(K − 1), so a = b = s."""
    classes = majority + minority
    spread = classes * root_energy / (classes - 1)
    found = two_group_optimum(majority, minority, 1.0, classes * root_energy)
    assert not found.collapsed
    assert not found.vanished
    # With one class in a group its inner value does not exist.
    wanted = [found.s, *([found.a] if majority > 1 else []), *([found.b] if minority > 1 else [])]
    assert wanted == pytest.approx([spread] * len(wanted), rel=1e-13)
    t_a, t_b = found.between(majority, minority)
    assert (t_a, t_b) == pytest.approx((spread * math.sqrt(minority / classes), spread * math.sqrt(majority / classes)), rel=1e-13)


def test_two_classes_share_one_margin() -> None:
    """K = 2: the only direction is rank one, so s = τ whatever R is, and the margins solve a scalar equation."""
    for imbalance in (1.0, 3.0, 1e6):
        found = two_group_optimum(1, 1, imbalance, 4.0)
        assert found.s == pytest.approx(4.0, rel=1e-14)
        t_a, t_b = found.between(1, 1)
        assert math.hypot(t_a, t_b) == pytest.approx(4.0, rel=1e-14)
        # R e^{−m_A}/(1 + e^{−m_A}) : e^{−m_B}/(1 + e^{−m_B}) = t_A : t_B with m = √2 t.
        odds_a, odds_b = 1 / (1 + math.exp(math.sqrt(2) * t_a)), 1 / (1 + math.exp(math.sqrt(2) * t_b))
        assert imbalance * odds_a * t_b == pytest.approx(odds_b * t_a, rel=1e-12)


@pytest.mark.parametrize(
    ("case", "collapsed", "vanished"),
    [
        ((5, 5, 12.19, math.sqrt(5)), False, False),  # R0 = 12.19244708 (reference/thresholds.json)
        ((5, 5, 12.20, math.sqrt(5)), True, False),
        ((7, 3, 5.705, math.sqrt(5)), True, False),  # R1 = 5.705330 (reference/thresholds.json)
        ((7, 3, 5.706, math.sqrt(5)), True, True),
        ((7, 1, 100.0, math.sqrt(5)), False, True),  # one class cannot collapse, but it can vanish
        ((1, 7, 1e9, 0.1), True, False),  # a single majority class never lets the minority vanish
    ],
)
def test_phases(case: tuple[int, int, float, float], collapsed: bool, vanished: bool) -> None:
    found = optimum_of(TwoGroups(*case))
    assert (found.collapsed, found.vanished) == (collapsed, vanished)
    assert (found.b == 0.0) == (collapsed or vanished)
    assert (found.s == 0.0) == vanished


# Properties.


@settings(max_examples=200)
@given(two_groups())
@example(TwoGroups(10**6, 10**6, 1e12, 1e2))
@example(TwoGroups(1, 10**6, 1e12, 1e-3))
@example(TwoGroups(10**6, 1, 1.0 + 1e-12, 1e-3))
@example(TwoGroups(690_969, 1, 2.2313, 37.287))  # margins of 1e-5 inside exponents of 80: expm1, not exp − 1
@example(TwoGroups(524_623, 3, 1.00759, 24.011))
@pytest.mark.slow
def test_the_optimum_satisfies_every_stationarity_condition(case: TwoGroups) -> None:
    found = optimum_of(case)
    with mp.workdps(50):
        at = conditions_at(case, found)
        assert abs(at.radius / case.radius - 1) <= RADIUS
        assert found.a >= 0
        assert found.b >= 0
        exponents = at.a + at.b + abs(at.margin_a) + abs(at.margin_b) + abs(found.log_multiplier_deficit) + math.log(case.imbalance)
        slack = ULPS * EPS * (1 + exponents)
        multiplier = case.imbalance * mp.exp(-mp.mpf(found.log_multiplier_deficit))
        if case.majority > 1:
            assert abs(at.along_a / multiplier - 1) <= slack
        if case.minority > 1:
            if found.collapsed:
                assert at.along_b <= multiplier * (1 + slack)
            else:
                assert abs(at.along_b / multiplier - 1) <= slack
        if found.vanished:
            assert at.norm_between <= multiplier * (1 + slack)
        else:
            # The gradient between the groups is the multiplier times the direction of (t_A, t_B).
            assert abs(at.norm_between / multiplier - 1) <= slack
            t_a, t_b = found.between(case.majority, case.minority)
            assert abs(at.along_t_a / multiplier - t_a / at.s) <= slack
            assert abs(at.along_t_b / multiplier - t_b / at.s) <= slack


@given(
    two_groups(largest_group=1000, largest_imbalance=1e4, largest_root=10.0), st.floats(0.9, 1.1), st.floats(0.9, 1.1), st.floats(0.9, 1.1)
)
@pytest.mark.slow
def test_no_feasible_neighbour_has_a_smaller_value(case: TwoGroups, by_a: float, by_b: float, by_t: float) -> None:
    """The same optimum said without multipliers: move the scalars, rescale into the ball, and the value does not fall."""
    found = optimum_of(case)
    with mp.workdps(50):
        best = conditions_at(case, found)
        t_a, t_b = found.between(case.majority, case.minority)
        moved = Conditions(case.majority, case.minority, case.imbalance, found.a * by_a, found.b * by_b, t_a * by_t, t_b / by_t)
        scale = mp.mpf(case.radius) / moved.radius
        rival = Conditions(
            case.majority, case.minority, case.imbalance, *(scale * x for x in (found.a * by_a, found.b * by_b, t_a * by_t, t_b / by_t))
        )
        assert rival.value >= best.value * (1 - 1e-12)  # the best point is itself rounded


@given(two_groups(largest_imbalance=1e6, largest_root=10.0, minority=2), st.floats(1e-6, 1.0))
@pytest.mark.slow
def test_the_minority_spread_falls_and_the_majority_spread_rises_with_the_imbalance(case: TwoGroups, more: float) -> None:
    assume(case.majority > 1)
    found, beyond = optimum_of(case), optimum_of(case._replace(imbalance=case.imbalance * (1 + more)))
    slack = 1e-9  # inner values of large groups carry the rounding of the radius, (K_B − 1) b against s
    assert beyond.b <= found.b * (1 + slack)
    assert beyond.a >= found.a * (1 - slack)
    assert (found.collapsed, found.vanished) <= (True, True)
    assert beyond.collapsed >= found.collapsed
    assert beyond.vanished >= found.vanished


# The surface itself.


SURFACE_POINTS = st.tuples(
    class_numbers(10**4), class_numbers(10**4), log_uniform(1e-9, 5.0), st.one_of(st.just(0.0), st.floats(-3.0, 3.0))
)


def at_surface(ops: Any, number: Any, majority: int, minority: int, zeta: Any, v: Any) -> Any:
    zero = number(0.0)
    return surface_point(ops, majority, minority, number(zeta), number(v) if v > 0 else zero, number(-v) if v < 0 else zero)


@given(SURFACE_POINTS)
def test_floats_arrays_and_balls_agree_on_the_surface(place: tuple[int, int, float, float]) -> None:
    floats = at_surface(FLOATS, float, *place)
    arrays = at_surface(ARRAYS, lambda x: np.array([x]), *place)
    with ctx.workprec(300):
        majority, minority, zeta, v = place
        zero = arb(0)
        exact = surface_point(BALLS, arb(majority), arb(minority), arb(zeta), arb(max(v, 0.0)), arb(max(-v, 0.0)) if v < 0 else zero)
        for name, single, several, ball in zip(floats._fields, floats, arrays, exact, strict=True):
            assert np.size(several) == 1
            middle, radius = float(ball), float(ball.rad())
            assert radius <= 1e-40 * max(1.0, abs(middle)), name  # 300 bits: nothing is lost to cancellation
            # Differences of exponents carry the rounding of the exponents.
            slack = SURFACE * (abs(middle) * (1 + floats.a + abs(zeta) + abs(v)) + (floats.a + abs(v)) * (name == "log_imbalance"))
            assert abs(single - middle) <= slack, (name, single, middle)
            assert abs(float(np.ravel(several)[0]) - middle) <= slack, name


@given(SURFACE_POINTS)
def test_derivatives_of_the_surface_are_those_of_its_difference_quotients(place: tuple[int, int, float, float]) -> None:
    """Central differences in 300-bit balls: the step of 1e-20 leaves a truncation error near 1e-40."""
    majority, minority, zeta, v = place
    assume(v != 0.0)
    with ctx.workprec(300):
        step = arb(10) ** -20

        def at(by_zeta: arb, by_v: arb) -> SurfacePoint:
            moved = arb(v) + by_v
            above, below = (moved, arb(0)) if v > 0 else (arb(0), -moved)
            return surface_point(BALLS, arb(majority), arb(minority), arb(zeta) + by_zeta, above, below)

        here, nothing = at(arb(0), arb(0)), arb(0)
        radius_by_v, log_imbalance_by_v = slopes_by_v(arb(majority), arb(minority), here, distinct=v > 0)
        stated = (
            ("radius", step, nothing, here.radius_by_zeta),
            ("log_imbalance", step, nothing, here.log_imbalance_by_zeta),
            ("radius", nothing, step, radius_by_v),
            ("log_imbalance", nothing, step, log_imbalance_by_v),
        )
        for quantity, by_zeta, by_v, slope in stated:
            forward, backward = at(by_zeta, by_v), at(-by_zeta, -by_v)
            quotient = (getattr(forward, quantity) - getattr(backward, quantity)) / (2 * step)
            assert abs(float(quotient - slope)) <= QUOTIENT * (1 + abs(float(slope))), quantity


@given(class_numbers(10**4), class_numbers(10**4), log_uniform(1e-6, 5.0), st.floats(-2.0, 2.0), log_uniform(1e-3, 1.0))
def test_the_radius_grows_along_the_surface(majority: int, minority: int, zeta: float, v: float, more: float) -> None:
    here, there = (at_surface(FLOATS, float, majority, minority, z, v) for z in (zeta, zeta * (1 + more)))
    assert there.radius > here.radius
    assert here.radius_by_zeta > 0


def test_a_point_of_the_surface_is_the_optimum_of_what_is_read_off_it() -> None:
    """Metamorphic: parameters → (τ, R) → optimum gives back the point, in both phases."""
    for majority, minority, zeta, v in ((5, 5, 0.3, 1.2), (3, 7, 0.8, -0.4), (40, 2, 0.05, 0.01), (1, 6, 1.5, -2.0)):
        point = at_surface(FLOATS, float, majority, minority, zeta, v)
        found = two_group_optimum(majority, minority, math.exp(point.log_imbalance), point.radius)
        assert found.collapsed == (v < 0)
        assert (found.a, found.b, found.s) == pytest.approx((point.a, point.b, point.s), rel=1e-11)
        assert (found.root_a, found.root_b) == pytest.approx((point.root_a, point.root_b), rel=1e-11)


# Pinned references.


@pytest.mark.parametrize("case", REFERENCE["cases"], ids=lambda case: f"{case['majority']}x{case['imbalance']}+{case['minority']}")
def test_pinned_optima(case: dict[str, Any]) -> None:
    found = optimum_of(TwoGroups(case["majority"], case["minority"], float(case["imbalance"]), float(case["root_energy"])))
    t_a, t_b = found.between(case["majority"], case["minority"])
    numbers = (found.a if case["majority"] > 1 else 0.0, found.b, t_a, t_b)
    assert numbers == pytest.approx(tuple(float(case[name]) for name in ("a", "b", "t_A", "t_B")), rel=1e-12, abs=1e-300)
    assert found.collapsed == (case["phase"] == "collapsed")


@pytest.mark.parametrize("case", REFERENCE["cases"][:3], ids=lambda case: f"{case['majority']}x{case['imbalance']}+{case['minority']}")
def test_pinned_optima_come_back_from_their_origin(case: dict[str, Any]) -> None:
    start = [str(float(case[name]) * (1 + 0.01 * (-1) ** place)) for place, name in enumerate(UNKNOWNS)]
    found = solve_conditions(case["majority"], case["minority"], case["imbalance"], case["root_energy"], case["phase"], start)
    for name in (*UNKNOWNS, "value"):
        assert mp.almosteq(mp.mpf(found[name]), mp.mpf(case[name]), rel_eps=mp.mpf(10) ** -25, abs_eps=mp.mpf(10) ** -40)


@pytest.mark.slow
def test_the_strategy_of_two_groups_is_rich() -> None:
    def labels(case: TwoGroups) -> list[str]:
        found = optimum_of(case)
        seen = ["vanished" if found.vanished else "collapsed" if found.collapsed else "distinct"]
        seen += ["one majority class"] * (case.majority == 1) + ["one minority class"] * (case.minority == 1)
        seen += ["balanced"] * (case.imbalance == 1.0) + ["barely imbalanced"] * (0.0 < case.imbalance - 1 < 1e-3)
        seen += ["severe"] * (case.imbalance > 1e6) + ["huge"] * (case.classes > 10**5)
        return [*seen, "weak" if case.root_energy < 0.1 else "strong" if case.root_energy > 10 else "moderate"]

    seen = tally(two_groups(), labels, examples=200)
    wanted = (
        "vanished",
        "collapsed",
        "distinct",
        "one majority class",
        "one minority class",
        "balanced",
        "barely imbalanced",
        "severe",
        "huge",
    )
    assert all(seen[label] >= OFTEN_ENOUGH for label in (*wanted, "weak", "moderate", "strong")), seen
