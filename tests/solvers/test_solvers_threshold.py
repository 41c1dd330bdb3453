"""Where optima change phase: brackets from the enclosed geometry, searched by one route and confirmed by another."""

import json
import math
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import class_numbers, log_uniform

from layerpeel.numerics import GroupMatrix, UnusableInput, collapse_threshold, log_threshold_minus_one, vanishing_threshold
from layerpeel.solvers import (
    Enclosures,
    LayerPeeled,
    UnconstrainedFeatures,
    _enclosures,
    bracket_switch,
    bracket_threshold,
    certify,
    collapse_switch,
    critical_oversampling,
    excessive_oversampling,
    solve,
)
from layerpeel.solvers.proof._distance import slopes_within

COLLAPSE = json.loads((Path(__file__).parents[1] / "reference" / "thresholds.json").read_text())["collapse"]

WIDTH = 1e-3
"""Relative width asked of the search; the certificates decide ten times as close."""

BESIDE = 1e-3
"""Distance in log R from the closed form's threshold at which the geometry has to tell the phase."""

SHARP = 1e-11
"""Relative gap at which route `factored` certifies optima here."""


# Thresholds.


@pytest.mark.parametrize("case", [case for case in COLLAPSE if case["bisect"]], ids=lambda case: f"{case['majority']}+{case['minority']}")
@pytest.mark.slow
def test_the_margin_encloses_the_pinned_thresholds(case: dict[str, str]) -> None:
    found = bracket_threshold(int(case["majority"]), int(case["minority"]), feature_energy=float(case["feature_energy"]), width=WIDTH)
    assert found.rigorous
    assert found.contains(float(case["value"]))
    assert found.upper <= found.lower * math.exp(WIDTH)


UNEQUAL: dict[str, Any] = {
    "per sample, 2 and 5": (2, 5, {"feature_energy": 0.5, "norm_weights": "sample"}),
    "per sample, 4 and 2": (4, 2, {"feature_energy": 1.0, "norm_weights": "sample"}),
    "per sample, 1 and 3": (1, 3, {"feature_energy": 0.2, "norm_weights": "sample"}),
    "weight decay, 2 and 5": (2, 5, {"weight_decay": 0.25}),
    "weight decay, 4 and 2": (4, 2, {"weight_decay": 0.2}),
    "weight decay, 1 and 3": (1, 3, {"weight_decay": 0.35}),
}


@pytest.mark.parametrize(("majority", "minority", "model"), UNEQUAL.values(), ids=UNEQUAL)
@pytest.mark.slow
def test_the_margin_encloses_the_thresholds_per_sample(majority: int, minority: int, model: dict[str, Any]) -> None:
    """Within one per cent, on both sides, by semidefinite programs; the threshold per class lies elsewhere."""
    found = bracket_threshold(majority, minority, width=0.01, **model)
    exact = collapse_threshold(majority, minority, digits=12, **model).value
    assert exact is not None
    assert found.rigorous
    assert found.contains(exact)
    assert found.upper <= found.lower * math.exp(0.01)
    if "norm_weights" in model:
        per_class = collapse_threshold(majority, minority, feature_energy=model["feature_energy"], digits=12).value
        assert per_class is not None
        assert not found.contains(per_class)


@pytest.mark.parametrize(("majority", "minority", "model"), UNEQUAL.values(), ids=UNEQUAL)
def test_classifiers_vanish_from_their_threshold_on(majority: int, minority: int, model: dict[str, Any]) -> None:
    exact = vanishing_threshold(majority, minority, digits=12, **model)
    kind = UnconstrainedFeatures if "weight_decay" in model else LayerPeeled
    for factor, vanished in ((0.99, False), (1.01, True)) if exact is not None else ((1.0, False),):
        ratio = 300.0 if exact is None or exact.value is None else exact.value * factor
        optimum = Enclosures(solve(kind.from_imbalance(majority, minority, ratio, **model), route="factored", tolerance=1e-13))
        assert optimum.between_vanishes is vanished
        assert (optimum.solution.groups[1].classifier_norm == 0.0) is vanished


@pytest.mark.slow
def test_trading_energies_leaves_the_measured_threshold() -> None:
    traded = bracket_threshold(2, 2, feature_energy=4.0, weight_energy=0.25, width=WIDTH)
    assert traded.overlaps(bracket_threshold(2, 2, feature_energy=1.0, width=WIDTH))
    # Control: half a per cent more energy has another threshold.
    assert not traded.overlaps(bracket_threshold(2, 2, feature_energy=1.005, width=WIDTH))


def test_both_ends_are_what_they_claim() -> None:
    found = collapse_switch(2, 2, feature_energy=1.0, width=0.02)
    assert [end.solution.route for end in (found.optimum_before, found.optimum_beyond)] == ["sdp", "sdp"]
    assert [end.coincide(1) for end in (found.optimum_before, found.optimum_beyond)] == [False, True]
    # The closed form, which the search does not know, and the law λ ≥ n_B/N, which it does not ask.
    for place, phases in ((found.before, (False, False)), (found.beyond, (False, True))):
        problem = LayerPeeled.from_imbalance(2, 2, math.exp(place), feature_energy=1.0)
        assert solve(problem, route="symmetric").collapsed == solve(problem, route="factored", tolerance=SHARP).collapsed == phases


def test_the_width_asked_for_is_where_it_stops() -> None:
    found = collapse_switch(2, 2, feature_energy=1.0, width=0.3).bracket
    assert 0.15 < found.width <= 0.3


@pytest.mark.parametrize("width", [-1.0, 0.0, math.nan])
def test_a_width_that_is_not_positive_is_refused_before_anything_is_solved(width: float) -> None:
    problem = LayerPeeled.from_imbalance(2, 2, 20.0, feature_energy=2.0)
    for search in (
        lambda: bracket_threshold(2, 2, feature_energy=1.0, width=width),
        lambda: collapse_switch(2, 2, feature_energy=1.0, width=width),
        lambda: bracket_switch(lambda _: problem, lambda _: None, 0.0, 1.0, width=width),
        lambda: critical_oversampling(problem, 1, width=width),
        lambda: excessive_oversampling(problem, 1, width=width),
    ):
        with pytest.raises(UnusableInput, match=rf"the width is {width}: it must be a positive finite number"):
            search()


@pytest.mark.slow
def test_energies_out_of_reach_are_refused_with_the_remedy() -> None:
    with pytest.raises(UnusableInput, match=r"no collapse was certified up to R = 1e\+09 at feature energy 400.0.*use smaller energies"):
        bracket_threshold(1, 2, feature_energy=400.0)


# Switches along any line of programs.


def at(log_ratio: float) -> LayerPeeled:
    return LayerPeeled.from_imbalance(2, 2, math.exp(log_ratio), feature_energy=1.0)


def place_of(optimum: Enclosures) -> float:
    return math.log(optimum.solution.problem.groups[0].samples)


@pytest.mark.parametrize("undecided", [(1.9, 2.1), (2.4, 2.6), (0.9, 1.1)])
@pytest.mark.parametrize("backwards", [False, True])
def test_what_no_certificate_decides_stays_inside_the_bracket(undecided: tuple[float, float], backwards: bool) -> None:
    """A verdict that is open on an interval: neither end may lie inside it, and the search ends beside it, in both directions."""

    def blurred(optimum: Enclosures) -> bool | None:
        place = place_of(optimum)
        return backwards if place < undecided[0] else not backwards if place > undecided[1] else None

    before, beyond = (4.0, 0.5) if backwards else (0.5, 4.0)
    found = bracket_switch(at, blurred, before, beyond, width=1e-3).bracket
    assert undecided[0] - 0.3 < found.lower < undecided[0]
    assert undecided[1] < found.upper < undecided[1] + 0.3


def test_an_end_that_the_other_route_cannot_decide_moves_outward() -> None:
    def verdict(optimum: Enclosures) -> bool | None:
        place = place_of(optimum)
        if optimum.solution.route == "sdp" and abs(place - 2.0) < 0.02:
            return None
        return place > 2.0

    found = bracket_switch(at, verdict, 0.5, 4.0, width=0.01)
    assert 1.95 < found.before < 1.98
    assert 2.02 < found.beyond < 2.05


@pytest.mark.slow
def test_a_route_that_decides_nothing_is_an_error() -> None:
    def verdict(optimum: Enclosures) -> bool | None:
        return None if optimum.solution.route == "sdp" else place_of(optimum) > 2.0

    with pytest.raises(ArithmeticError, match=r"route 'sdp' decides no phase near .* ask for a larger width"):
        bracket_switch(at, verdict, 0.5, 4.0, width=1e-3)


def test_routes_that_contradict_each_other_are_an_error() -> None:
    def verdict(optimum: Enclosures) -> bool | None:
        return place_of(optimum) > (1.5 if optimum.solution.route == "sdp" else 2.0)

    with pytest.raises(ArithmeticError, match="routes 'factored' and 'sdp' certify different phases"):
        bracket_switch(at, verdict, 0.5, 4.0, width=1e-3)


def test_places_without_a_switch_between_them_are_refused() -> None:
    with pytest.raises(UnusableInput, match=r"the verdicts at 0.5 and 0.6 are \(False, False\): they must be False and True"):
        bracket_switch(at, lambda optimum: optimum.coincide(1), 0.5, 0.6)


# The phase of one optimum, by its geometry.


@settings(max_examples=25)
@given(class_numbers(30), class_numbers(30).map(lambda size: max(size, 2)), log_uniform(0.3, 2.0), st.sampled_from([-BESIDE, BESIDE]))
@pytest.mark.slow
def test_the_geometry_tells_the_phase_beside_the_threshold(majority: int, minority: int, root_energy: float, offset: float) -> None:
    log_excess = log_threshold_minus_one(majority, minority, feature_energy=root_energy**2)
    # In R − 1, so that the two phases are as far apart near R = 1 as elsewhere.
    problem = LayerPeeled.from_imbalance(majority, minority, 1 + math.exp(log_excess + offset), feature_energy=root_energy**2)
    optimum = Enclosures(solve(problem, route="factored", tolerance=SHARP))
    assert optimum.coincide(1) in (None, offset > 0)
    assert optimum.coincide(1) is not None or problem.weights[1] < 1e-6 * problem.weights[0] or log_excess < math.log(0.05)


def test_the_penalised_program_is_told_by_the_same_rule() -> None:
    for factor, equal in ((0.999, False), (1.001, True)):
        penalty = factor * math.sqrt(5) / (2 * 30 + 2 * 5)
        problem = UnconstrainedFeatures.from_groups([(2, 30), (2, 5)], feature_penalty=penalty, weight_penalty=penalty)
        assert Enclosures(solve(problem, route="factored", tolerance=SHARP)).coincide(1) is equal


def test_a_margin_that_is_both_positive_and_zero_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    optimum = Enclosures(solve(at(0.5), route="factored", tolerance=SHARP))
    assert Enclosures(optimum.solution).coincide(1) is False
    monkeypatch.setattr(_enclosures, "slopes_within", lambda gap, problem: np.full(len(problem.groups), -1.0))
    with pytest.raises(ArithmeticError, match="enclosed away from zero and at zero"):
        optimum.coincide(1)


def slopes(problem: LayerPeeled, logits: GroupMatrix) -> list[np.ndarray]:
    """∇f by group, from dense logits."""
    found = logits.dense()
    if problem.loss == "cross-entropy":
        found = np.exp(found - found.max(axis=1, keepdims=True))
        found /= found.sum(axis=1, keepdims=True)
    rows = np.repeat(problem.weights, problem.sizes)[:, None] * (found - np.eye(problem.num_classes))
    return np.split(rows, np.cumsum(problem.sizes)[:-1])


@pytest.mark.parametrize("loss", ["cross-entropy", "squared"])
@pytest.mark.parametrize("bias_penalty", [None, 0.05])
@pytest.mark.slow
def test_slopes_are_within_the_bound_of_their_gap(loss: str, bias_penalty: float | None) -> None:
    """Disturbed optima: no group's rows of the gradient are farther off than the excess of the value allows, and some nearly are."""
    rng, shares = np.random.default_rng(3), []
    for norm_weights, size in product(("class", "sample"), (1.0, 0.1, 0.01)):
        problem = LayerPeeled.from_groups(
            [(2, 30), (1, 7), (3, 5)], feature_energy=0.3, loss=loss, norm_weights=norm_weights, bias_penalty=bias_penalty
        )
        best = solve(problem, route="factored", tolerance=1e-13)
        for _ in range(10):
            noise = rng.normal(size=(4, 3)) * size * problem.radius / 10
            moved = best.matrix + GroupMatrix(problem.sizes, noise[0] * (np.array(problem.sizes) > 1), noise[1:])
            moved = moved.scaled(problem.radius / moved.nuclear_norm())
            excess = certify(problem, moved, None, best.group_bias).value.upper - best.value.lower
            off = zip(slopes(problem, problem.logits(moved, best.group_bias)), slopes(problem, best.group_logits), strict=True)
            share = np.array([np.linalg.norm(here - there) for here, there in off]) / slopes_within(excess, problem)
            assert share.max() <= 1.0
            shares.append(share.max())
    assert max(shares) > 0.3
