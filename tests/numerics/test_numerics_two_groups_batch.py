"""Batches of two-group optima: against their conditions in mpmath, the scalar solver, the surface, and one path against the other."""

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from compiler import BOTH_ROUTES, needs_numba
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ranges import Problems, corners, joined, scattered
from refusals import refused
from stationarity import Conditions
from strategies import TwoGroups, class_numbers, log_uniform, two_groups

from layerpeel.numerics import FLOATS, TwoGroupOptima, surface_point, two_group_optima, two_group_optimum
from layerpeel.numerics.layer_peeled import _two_groups_batch as batch
from layerpeel.numerics.layer_peeled import _two_groups_curve as curve
from layerpeel.numerics.layer_peeled._two_groups import slopes_by_v

EPS = float(np.finfo(float).eps)

AGREEMENT = 1e-12
"""What the two paths promise each other; their exponentials differ by an ulp or two, and nothing cancels afterwards (seen: 2e-14)."""

ULPS = 8.0
"""Roundings allowed per unit of exponent, as for the scalar solver: a relative error ε of x moves e^{−x} by x ε."""

SCALAR = 1e-9
"""The scalar solver meets R exactly and lets the radius give way, by up to 4e-11 for its inner values (seen here: 5e-11)."""

CURVE = 1e-11
"""The same point reached by the surface and by the curve: v is recovered from τ, whose slope by v may be small (seen: 4e-13)."""

SCALARS = ("a", "b", "t_a", "t_b", "log_multiplier")

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "two_groups.json").read_text())

WHOLE_RANGE = joined(corners(), scattered(np.random.default_rng(20240607), 4000))


def solved(problems: Problems, *, compiled: bool) -> TwoGroupOptima:
    return two_group_optima(*problems, compiled=compiled)


@pytest.fixture
def fresh_compiler() -> Iterator[None]:
    batch._compiled_loop.cache_clear()
    yield
    batch._compiled_loop.cache_clear()


# Special values.


@pytest.mark.parametrize("compiled", BOTH_ROUTES)
@pytest.mark.slow
def test_balanced_classes_have_one_singular_value(compiled: bool) -> None:
    """R = 1: Z = a (I − 11ᵀ/K) with a = τ/(K − 1), so a = b = hypot(t_A, t_B)."""
    majority, minority = np.array([5.0, 1.0, 1.0, 400.0, 7.0]), np.array([5.0, 9.0, 1.0, 3.0, 1.0])
    found = two_group_optima(majority, minority, 1.0, 2.0, compiled=compiled)
    spread = 2.0 * (majority + minority) / (majority + minority - 1)
    assert np.hypot(found.t_a, found.t_b) == pytest.approx(spread, rel=1e-14)
    assert found.a == pytest.approx(np.where(majority > 1, spread, 0.0), rel=1e-14)
    assert found.b == pytest.approx(np.where(minority > 1, spread, 0.0), rel=1e-14)
    assert not np.any(found.collapsed | found.vanished)


@pytest.mark.parametrize("compiled", BOTH_ROUTES)
def test_phases_and_their_order(compiled: bool) -> None:
    """R0(5, 5) = 12.19244708 and R1(7, 3) = 5.705330 at E = 5 (reference/thresholds.json); a single class never collapses."""
    found = two_group_optima(
        [5, 5, 7, 7, 7, 1], [5, 5, 3, 3, 1, 7], [12.19, 12.20, 5.705, 5.706, 100.0, 1e9], math.sqrt(5), compiled=compiled
    )
    assert found.collapsed.tolist() == [False, True, True, True, False, True]
    assert found.vanished.tolist() == [False, False, False, True, True, False]
    assert ((found.t_a == 0.0) & (found.t_b == 0.0)).tolist() == found.vanished.tolist()


@pytest.mark.parametrize("compiled", BOTH_ROUTES)
def test_pinned_optima(compiled: bool) -> None:
    cases = REFERENCE["cases"]
    wanted = {name: np.array([float(case[name]) for case in cases]) for name in ("a", "b", "t_A", "t_B", "multiplier", "imbalance")}
    majority, minority = (np.array([float(case[name]) for case in cases]) for name in ("majority", "minority"))
    found = two_group_optima(majority, minority, wanted["imbalance"], [float(case["root_energy"]) for case in cases], compiled=compiled)
    assert found.a == pytest.approx(np.where(majority > 1, wanted["a"], 0.0), rel=1e-13)
    assert found.b == pytest.approx(wanted["b"], rel=1e-12, abs=1e-300)
    assert found.t_a == pytest.approx(wanted["t_A"], rel=1e-13)
    assert found.t_b == pytest.approx(wanted["t_B"], rel=1e-13)
    samples = majority * wanted["imbalance"] + minority
    assert np.exp(found.log_multiplier) * samples == pytest.approx(wanted["multiplier"], rel=1e-12)
    assert found.collapsed.tolist() == [case["phase"] == "collapsed" for case in cases]


# The two paths, and the scalar one.


@needs_numba
def test_compiled_and_numpy_agree_over_the_whole_range() -> None:
    compiled, plain = solved(WHOLE_RANGE, compiled=True), solved(WHOLE_RANGE, compiled=False)
    for name in SCALARS:
        one, other = getattr(compiled, name), getattr(plain, name)
        assert np.all(np.isfinite(one)), name
        assert np.all(np.abs(one - other) <= AGREEMENT * np.abs(other)), name
    assert np.array_equal(compiled.collapsed, plain.collapsed)
    assert np.array_equal(compiled.vanished, plain.vanished)
    distinct = ~(plain.collapsed | plain.vanished)
    assert min(distinct.sum(), plain.vanished.sum(), (plain.collapsed & ~plain.vanished).sum()) > 100  # no phase is rare


@needs_numba
def test_compiled_and_numpy_agree_beside_the_threshold() -> None:
    """b falls to zero there, and so rounds relative to its balanced value."""
    nearness = np.concatenate([-np.geomspace(1e-15, 1e-3, 40), np.geomspace(1e-15, 1e-3, 40)])
    problems = Problems(np.full(80, 5.0), np.full(80, 5.0), 12.19244708032592 * (1 + nearness), np.full(80, math.sqrt(5)))
    compiled, plain = solved(problems, compiled=True), solved(problems, compiled=False)
    for name in SCALARS:
        assert np.all(np.abs(getattr(compiled, name) - getattr(plain, name)) <= AGREEMENT), name
    for found in (compiled, plain):
        assert np.array_equal(found.collapsed[np.abs(nearness) > 1e-14], (nearness > 0)[np.abs(nearness) > 1e-14])


@pytest.mark.parametrize("compiled", BOTH_ROUTES)
@pytest.mark.slow
def test_the_scalar_solver_gives_the_same_optima(compiled: bool) -> None:
    problems = scattered(np.random.default_rng(7), 400)
    problems = problems._replace(imbalance=np.maximum(problems.imbalance, 1 / problems.imbalance))
    found = solved(problems, compiled=compiled)
    compared = 0
    for index, (majority, minority, ratio, root) in enumerate(np.array(problems).T.tolist()):
        big, small = int(majority), int(minority)
        scalar = two_group_optimum(big, small, ratio, (big + small) * root)
        assert (scalar.collapsed, scalar.vanished) == (found.collapsed[index], found.vanished[index])
        numbers = (found.a[index], found.b[index], found.t_a[index], found.t_b[index])
        assert numbers == pytest.approx((scalar.a if big > 1 else 0.0, scalar.b, *scalar.between(big, small)), rel=SCALAR, abs=0.0)
        compared += not scalar.vanished
    assert compared > 200


# Properties.


@pytest.mark.parametrize("compiled", BOTH_ROUTES)
@settings(max_examples=75)
@given(two_groups(least_root=1e-4, largest_root=1e3), st.booleans())
@example(TwoGroups(10**6, 10**6, 1e12, 1e3), False)
@example(TwoGroups(1, 10**6, 1e12, 1e-4), True)
@example(TwoGroups(10**6, 1, 1.0 + 1e-12, 1e-4), False)
@example(TwoGroups(493_731, 5_796, 1481.11, 20.8), False)  # e^{−b} as 1 − (1 − e^{−b}) would lose 1e-10 here
@example(TwoGroups(690_969, 1, 2.2313, 37.287), True)
def test_the_optimum_satisfies_every_stationarity_condition(compiled: bool, case: TwoGroups, exchanged: bool) -> None:
    sizes = (case.minority, case.majority) if exchanged else (case.majority, case.minority)
    ratio = 1 / case.imbalance if exchanged else case.imbalance
    found = two_group_optima(*sizes, ratio, case.root_energy, compiled=compiled)
    a, b, t_a, t_b, log_multiplier = (float(getattr(found, name)[0]) for name in SCALARS)
    with mp.workdps(50):
        at = Conditions(*sizes, mp.mpf(ratio), a, b, t_a, t_b)
        assert abs(at.radius / (case.classes * mp.mpf(case.root_energy)) - 1) <= 4 * EPS
        multiplier = mp.exp(log_multiplier) * (sizes[0] * mp.mpf(ratio) + sizes[1])
        slack = ULPS * EPS * (1 + at.a + at.b + abs(at.margin_a) + abs(at.margin_b) + abs(log_multiplier))
        for size, along, is_small in ((sizes[0], at.along_a, ratio < 1), (sizes[1], at.along_b, ratio >= 1)):
            if size > 1:
                assert along <= multiplier * (1 + slack)
                assert along >= multiplier * (1 - slack) or (is_small and found.collapsed[0])
        assert at.norm_between <= multiplier * (1 + slack)
        if not found.vanished[0]:
            assert abs(at.along_t_a / multiplier - t_a / at.s) <= slack
            assert abs(at.along_t_b / multiplier - t_b / at.s) <= slack


@given(two_groups(least_root=1e-4, largest_root=1e3), st.integers(-30, 30))
def test_exchanging_the_groups_exchanges_the_scalars(case: TwoGroups, power: int) -> None:
    """(K_A, K_B, R) and (K_B, K_A, 1/R) are one problem; powers of two have exact reciprocals."""
    ratio = 2.0**power
    here = two_group_optima(case.majority, case.minority, ratio, case.root_energy)
    there = two_group_optima(case.minority, case.majority, 1 / ratio, case.root_energy)
    if power == 0:  # both solve for R = 1, with the names of the groups as given
        assert (here.a, here.b) == (pytest.approx(there.b, rel=1e-14), pytest.approx(there.a, rel=1e-14))
    else:
        assert (here.a, here.b, here.t_a, here.t_b) == (there.b, there.a, there.t_b, there.t_a)
        assert (here.collapsed, here.vanished) == (there.collapsed, there.vanished)
    assert here.log_multiplier == pytest.approx(there.log_multiplier, rel=1e-14)


@pytest.mark.parametrize("compiled", BOTH_ROUTES)
@settings(max_examples=50)
@given(class_numbers(), class_numbers(), log_uniform(1e-4, 1e3))
def test_phases_follow_one_another_and_the_minority_spread_falls(compiled: bool, majority: int, minority: int, root: float) -> None:
    ratios = np.concatenate([[1.0], 1 + np.geomspace(1e-9, 1e12 - 1, 200)])
    found = two_group_optima(majority, minority, ratios, root, compiled=compiled)
    rounding = 1 + 1e-12
    assert np.all(np.diff(found.collapsed.astype(int)) >= 0)
    assert np.all(np.diff(found.vanished.astype(int)) >= 0)
    assert np.all(found.b[1:] <= found.b[:-1] * rounding)
    assert np.all(found.a[1:] * rounding >= found.a[:-1])
    assert np.all((found.b == 0.0) == found.collapsed) or minority == 1


@given(
    class_numbers(10**4),
    class_numbers(10**4),
    log_uniform(1e-6, 5.0),
    st.one_of(log_uniform(1e-3, 3.0), log_uniform(1e-3, 3.0).map(lambda x: -x)),
)
def test_the_curve_lies_on_the_surface_with_its_slope(majority: int, minority: int, zeta: float, v: float) -> None:
    """The surface knows the same points by (ζ, v): read off τ and ρ, and find the point and d log R/dρ again on the curve of τ."""
    there = surface_point(FLOATS, majority, minority, zeta, max(v, 0.0), max(-v, 0.0))
    here = curve.curve_point(float(majority), float(minority), there.radius, zeta + max(-v, 0.0))
    scale = 1 + there.a + abs(v)  # differences of exponents carry their rounding
    assert float(here.log_imbalance) == pytest.approx(there.log_imbalance, rel=CURVE, abs=CURVE * scale)
    numbers = (here.a, here.b, here.s, here.root_a, here.root_b)
    spread = there.radius / (majority + minority)  # b may be small against the radius it is the rest of
    assert tuple(map(float, numbers)) == pytest.approx(
        (there.a, there.b, there.s, there.root_a, there.root_b), rel=CURVE, abs=CURVE * spread
    )
    radius_by_v, log_imbalance_by_v = slopes_by_v(majority, minority, there, distinct=v > 0)
    v_by_zeta = -there.radius_by_zeta / radius_by_v
    slope = (there.log_imbalance_by_zeta + log_imbalance_by_v * v_by_zeta) / (1 if v > 0 else 1 - v_by_zeta)
    assert float(here.slope) == pytest.approx(slope, rel=1e-6)


def test_entries_do_not_know_of_each_other() -> None:
    """Broadcasting, chunks and order change nothing."""
    few = Problems(*(column[::97] for column in WHOLE_RANGE))
    size = len(few.imbalance)
    repeated = two_group_optima(*(np.tile(column, 1 + 2 * batch.CHUNK // size) for column in few), compiled=False)
    table = two_group_optima(few.majority[:, None], few.minority[:, None], few.imbalance[:, None], few.root_energy[None, :], compiled=False)
    alone = two_group_optima(*few, compiled=False)
    assert table.a.shape == (size, size)
    for name in SCALARS:
        one = getattr(alone, name)
        assert np.allclose(np.resize(one, repeated.a.shape), getattr(repeated, name), rtol=1e-15, atol=0.0), name
        assert np.allclose(np.diagonal(getattr(table, name)), one, rtol=1e-15, atol=0.0), name


def test_an_empty_batch_is_empty() -> None:
    assert two_group_optima(np.zeros(0), 5, 2.0, 1.0).a.shape == (0,)


# The compiler.


def test_importing_the_package_does_not_import_the_compiler() -> None:
    code = "import sys, numerics, solvers; numerics.two_group_optima(5, 5, 2.0, 1.0); sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.usefixtures("fresh_compiler")
def test_without_the_compiler_numpy_solves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.setattr(batch, "COMPILED_FROM", 1)
    assert two_group_optima(5, 5, 20.0, 1.0).collapsed.tolist() == [True]
    refused(lambda: two_group_optima(5, 5, 20.0, 1.0, compiled=True), "compiled=True", "numba", "pip install 'layerpeel[fast]'")


@pytest.mark.usefixtures("fresh_compiler")
@pytest.mark.parametrize("error", [ImportError("Numba needs NumPy 2.4 or less"), OSError("Could not find/load shared object file")])
def test_a_compiler_that_cannot_be_imported_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: Exception) -> None:
    (tmp_path / "numba.py").write_text(f"raise {error!r}\n")
    monkeypatch.delitem(sys.modules, "numba", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(batch, "COMPILED_FROM", 1)
    assert two_group_optima(5, 5, 20.0, 1.0).collapsed.tolist() == [True]


@needs_numba
@pytest.mark.usefixtures("fresh_compiler")
def test_a_place_that_cannot_hold_the_cache_is_no_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    import numba

    asked: list[bool] = []
    compile_function = numba.njit

    def nowhere_to_write(*signature: Any, cache: bool = False, **options: Any) -> Any:
        asked.append(cache)
        if cache:
            raise RuntimeError("cannot cache function 'fill': no locator available for file")
        return compile_function(*signature, **options)

    monkeypatch.setattr(numba, "njit", nowhere_to_write)
    found = two_group_optima(5, 5, 20.0, 1.0, compiled=True)
    assert found.a == pytest.approx(two_group_optima(5, 5, 20.0, 1.0, compiled=False).a, rel=1e-14)
    assert True in asked


@needs_numba
@pytest.mark.usefixtures("fresh_compiler")
def test_the_compiled_loop_is_kept_for_the_next_process() -> None:
    loop: Any = batch._compiled_loop()
    assert sum(loop.stats.cache_hits.values()) + sum(loop.stats.cache_misses.values()) == 1
    assert loop.stats.cache_path.endswith("__pycache__") or loop.stats.cache_path


def test_an_iteration_that_does_not_settle_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curve, "MAX_STEPS", 1)
    with pytest.raises(ArithmeticError, match="K_A, K_B, log R, radius = 5, 5, "):
        two_group_optima(5, 5, 3.0, 1.0, compiled=False)


# Bad input.


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (([5, 0], 5, 2.0, 1.0), ("number of majority classes is 0 at index 1", "whole number from 1 to 1000000000")),
        ((5, [[3.0], [2.5]], 2.0, 1.0), ("number of minority classes is 2.5 at index 1, 0", "whole number")),
        ((5, 5, [2.0, np.nan], 1.0), ("imbalance is nan at index 1", "positive and finite")),
        ((5, 5, -2.0, 1.0), ("imbalance is -2", "positive and finite")),
        ((5, 5, 1e16, 1.0), ("imbalance is 1e+16", "a batch takes 1e-15 to 1e+15", "one at a time")),
        ((5, 5, 2.0, [1.0, np.inf]), ("root of the energy product is inf at index 1",)),
        ((5, 5, 2.0, 1e-7), ("root of the energy product is 1e-07", "a batch takes 1e-06 to 10000")),
        (([5, 6], 5, [1.0, 2.0, 3.0], 1.0), ("majority (2,)", "imbalance (3,)", "do not broadcast")),
        ((["five"], 5, 2.0, 1.0), ("number of majority classes has entries of type", "real numbers")),
        (([True], 5, 2.0, 1.0), ("entries of type bool",)),
        (([[5], [5, 6]], 5, 2.0, 1.0), ("rows of different lengths",)),
    ],
)
def test_unusable_input(arguments: tuple[Any, ...], parts: tuple[str, ...]) -> None:
    refused(lambda: two_group_optima(*arguments), *parts)
