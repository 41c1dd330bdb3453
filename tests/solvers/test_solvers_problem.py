"""The program as data: what is merged, what is kept in order, and every input that is refused with a full sentence."""

import dataclasses
import math
import sys
import types
from fractions import Fraction
from importlib.machinery import ModuleSpec
from typing import Any, Self

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import refused
from strategies import OFTEN_ENOUGH, tally

from layerpeel.solvers import (
    LOSSES,
    ROUTES,
    SOLVERS,
    Group,
    LayerPeeled,
    UnconstrainedFeatures,
    bracket_threshold,
    require_solver,
    solve,
    solver_status,
)
from layerpeel.solvers.routes import _sdp as sdp

COUNTS = st.lists(st.integers(1, 6), min_size=2, max_size=9)


# Bad input.

BAD_COUNTS = [0, -3, 2.5, Fraction(1, 2), math.nan, math.inf, -math.inf, True, np.bool_(True), "7", None, 1j, [3]]


@pytest.mark.parametrize("bad", BAD_COUNTS, ids=repr)
def test_a_bad_count_is_refused_with_its_value_and_its_place(bad: Any) -> None:
    refused(lambda: LayerPeeled(counts=[5, bad], feature_energy=1.0), repr(bad), "class 2", "whole number >= 1", "correct it or leave")
    refused(lambda: LayerPeeled.from_groups([(2, 5), (2, bad)], feature_energy=1.0), repr(bad), "group 2", "whole number >= 1")
    refused(lambda: LayerPeeled.from_groups([(2, 5), (bad, 3)], feature_energy=1.0), repr(bad), "number of classes of group 2")
    refused(lambda: LayerPeeled.from_imbalance(bad, 3, 2.0, feature_energy=1.0), repr(bad), "the majority", "whole number >= 1")
    refused(lambda: LayerPeeled.from_imbalance(3, bad, 2.0, feature_energy=1.0), repr(bad), "the minority")


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf, -math.inf, True, "5", None, 1j, [5.0]], ids=repr)
def test_a_bad_energy_or_ratio_is_refused_with_its_value(bad: Any) -> None:
    rule = ("must be a positive finite number", "give one, for example 5")
    refused(lambda: LayerPeeled(counts=[1, 2], feature_energy=bad), f"feature energy is {bad!r}", *rule)
    refused(lambda: LayerPeeled(counts=[1, 2], feature_energy=1.0, weight_energy=bad), f"weight energy is {bad!r}", *rule)
    refused(lambda: LayerPeeled.from_imbalance(2, 3, bad, feature_energy=1.0), f"imbalance is {bad!r}", *rule)


def test_numbers_too_large_for_a_double_are_refused_with_a_sentence() -> None:
    huge = 10**400
    refused(lambda: LayerPeeled(counts=[1, 2], feature_energy=huge), "feature energy", "positive finite number")
    refused(lambda: LayerPeeled(counts=[1, huge], feature_energy=1.0), "class 2")
    refused(lambda: LayerPeeled.from_groups([(huge, 1), (1, 2)], feature_energy=1.0), "group 1")


def test_no_class_and_one_class_are_refused() -> None:
    refused(lambda: LayerPeeled(counts=[], feature_energy=1.0), "list of counts is empty", "at least 2 classes", "give one count per class")
    refused(lambda: LayerPeeled.from_groups([], feature_energy=1.0), "empty", "at least 2 classes")
    refused(lambda: LayerPeeled(counts=[7], feature_energy=1.0), "1 class leaves nothing to tell apart", "at least 2 classes")
    refused(lambda: LayerPeeled.from_groups([(1, 7)], feature_energy=1.0), "1 class leaves nothing to tell apart")


@pytest.mark.parametrize("bad", ["huber", "", "Cross-Entropy", None, 3, ["hinge"]])
def test_an_unknown_loss_is_refused_with_the_legal_ones(bad: Any) -> None:
    refused(lambda: LayerPeeled(counts=[1, 2], feature_energy=1.0, loss=bad), repr(bad), *LOSSES, "choose one of these")


@pytest.mark.parametrize("bad", ["fast", "", "SDP", None, 3])
def test_an_unknown_route_or_solver_is_refused_with_the_legal_ones(bad: Any) -> None:
    problem = LayerPeeled(counts=[1, 2], feature_energy=1.0)
    refused(lambda: solve(problem, route=bad), f"route {bad!r}", *ROUTES, "choose one of these")
    refused(lambda: solve(problem, route="sdp", solver=bad), f"solver {bad!r}", *SOLVERS, "choose one of these")
    refused(lambda: require_solver(bad), f"solver {bad!r}", *SOLVERS)


def test_an_unknown_solver_is_refused_on_every_route() -> None:
    """A misspelt solver is refused even where the route would not need it: the docstring says so."""
    problem = LayerPeeled(counts=[1, 2], feature_energy=1.0)
    refused(lambda: solve(problem, solver="clarabell"), "'clarabell'", *SOLVERS)
    refused(lambda: solve(problem, route="symmetric", solver="clarabell"), "'clarabell'", *SOLVERS)


@pytest.mark.parametrize("bad", [0.0, 1.0, -1e-8, 2.0, math.nan, math.inf])
def test_a_tolerance_out_of_range_is_refused(bad: float) -> None:
    problem = LayerPeeled(counts=[1, 2], feature_energy=1.0)
    refused(lambda: solve(problem, tolerance=bad), f"tolerance is {bad!r}", "strictly between 0 and 1", "for example 1e-8")


def test_the_symmetric_route_says_what_it_does_not_cover() -> None:
    three = LayerPeeled(counts=[1, 2, 3], feature_energy=1.0)
    refused(lambda: solve(three, route="symmetric"), "does not cover 3 distinct counts", "at most 2 distinct counts", "use route='auto'")
    hinge = LayerPeeled(counts=[1, 2], feature_energy=1.0, loss="hinge")
    refused(lambda: solve(hinge, route="symmetric"), "does not cover the loss 'hinge'", "cross-entropy or the squared error")


def test_too_many_classes_for_the_reference_route_name_the_memory() -> None:
    problem = LayerPeeled.from_groups([(3000, 5), (3000, 1)], feature_energy=1.0)
    refused(lambda: solve(problem, route="sdp"), "6000 classes", "259200000 GB", "this machine has", "route 'symmetric'")


def test_a_minority_of_one_has_no_threshold() -> None:
    refused(lambda: bracket_threshold(5, 1, feature_energy=1.0), "minority of 1 class cannot collapse", "use minority >= 2")


# Solvers that are missing or have no licence.


class FakeLicenceError(Exception):
    """What MOSEK raises without a licence."""


def fake_mosek(*, licensed: bool) -> types.ModuleType:
    """A module that behaves like MOSEK's when its licence is checked out."""

    class Env:
        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            return None

        def checkoutlicense(self, feature: object) -> None:
            if not licensed:
                raise FakeLicenceError("rescode.err_missing_license_file(1008):\n no licence file")

    module = types.ModuleType("mosek")
    module.__spec__ = ModuleSpec("mosek", None)
    module.__dict__.update(Env=Env, Error=FakeLicenceError, feature=types.SimpleNamespace(pton=0))
    return module


def test_mosek_without_a_licence_is_refused_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mosek", fake_mosek(licensed=False))
    refused(
        lambda: require_solver("mosek"), "'mosek' cannot be used", "gave no licence", "no licence file", "use solver='clarabel' instead"
    )
    assert solver_status()["mosek"].startswith("MOSEK is installed but gave no licence")


def test_mosek_with_a_licence_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mosek", fake_mosek(licensed=True))
    assert sdp._missing("mosek") is None


def test_a_missing_solver_is_refused_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    refused(lambda: require_solver("mosek"), "not installed (pip install 'layerpeel[mosek]')", "use solver='clarabel' instead")
    refused(lambda: require_solver("scs"), "not installed (pip install scs)")


def test_the_two_free_solvers_solve() -> None:
    status = solver_status()
    assert tuple(status) == SOLVERS
    assert status["clarabel"] == status["scs"] == "solves"


# Groups and order.


def test_special_problems() -> None:
    problem = LayerPeeled(counts=[10, 100, 10.0, np.int64(100), 1], feature_energy=2, weight_energy=0.5)
    assert problem.groups == (Group(2, 10), Group(2, 100), Group(1, 1))
    assert repr(problem) == "LayerPeeled(2x10,2x100,1x1, feature_energy=2, weight_energy=0.5, loss='cross-entropy')"
    assert problem.num_classes == 5
    assert problem.sizes == (2, 2, 1)
    assert problem.radius == pytest.approx(5.0, rel=1e-15)
    assert problem.weights == pytest.approx([10 / 221, 100 / 221, 1 / 221], rel=1e-15)
    with pytest.raises(dataclasses.FrozenInstanceError):
        problem.feature_energy = 3.0  # pyright: ignore[reportAttributeAccessIssue]


def test_the_energy_of_features_is_a_mean_with_weights() -> None:
    """K √(E_H E_W) per class, √(K E_W · N E_H) per sample, √(K E_W · E_H Σ d_k²) by numbers: common factors of d or of counts cancel."""
    counts, options = [9, 9, 4], dict[str, Any](feature_energy=2.0, weight_energy=0.5)
    of_class, of_sample = (LayerPeeled(counts=counts, norm_weights=mean, **options) for mean in ("class", "sample"))
    assert (of_class.radius, of_class.norm_mass, of_class.balance) == (pytest.approx(3.0, rel=1e-15), 3.0, 2.0)
    assert of_sample.radius == pytest.approx(math.sqrt(3 * 0.5 * 22 * 2.0), rel=1e-15)
    assert of_sample.norm_mass == pytest.approx(22.0, rel=1e-15)
    solved = [solve(of_sample)]
    solved += [solve(LayerPeeled(counts=[18, 18, 8], norm_weights="sample", **options))]
    solved += [solve(LayerPeeled(counts=counts, norm_weights=[6.0, 6.0, 4.0], **options))]
    for found in solved:
        np.testing.assert_allclose(found.logits, solved[0].logits, atol=1e-5)
        assert found.value.overlaps(solved[0].value)
        # What a person measures in (H, W) is what was asked for.
        samples = np.array(counts)
        assert samples @ (found.features**2).sum(axis=1) / samples.sum() == pytest.approx(2.0, rel=1e-9)
        assert (found.classifier**2).sum() / 3 == pytest.approx(0.5, rel=1e-9)
    assert not solve(of_class).value.overlaps(solved[0].value)


def test_weight_decay_is_two_penalties_and_per_sample() -> None:
    problem = UnconstrainedFeatures(counts=[30, 10, 10], weight_decay=0.05)
    assert (problem.weight_penalty, problem.feature_penalty, problem.norm_weights) == (0.05, 0.001, "sample")
    twice = UnconstrainedFeatures.from_groups([(1, 60), (2, 20)], weight_decay=0.05)
    assert solve(problem).value.overlaps(solve(twice).value)
    ratio = UnconstrainedFeatures.from_imbalance(1, 2, 3.0, weight_decay=0.05)
    assert solve(problem).value.overlaps(solve(ratio).value)
    refused(
        lambda: UnconstrainedFeatures(counts=[2, 1], weight_decay=0.1, feature_penalty=0.1),
        "both a weight decay of 0.1",
        "leave the others",
    )
    refused(
        lambda: UnconstrainedFeatures(counts=[2, 1], weight_decay=0.1, norm_weights="class"), "every sample alike", "leave norm_weights"
    )
    refused(lambda: UnconstrainedFeatures(counts=[2, 1], weight_decay=0.0), "weight decay is 0.0")
    refused(lambda: UnconstrainedFeatures(counts=[2, 1], weight_penalty=0.1), "feature penalty is None")


@given(COUNTS)
def test_counts_are_grouped_without_losing_their_order(counts: list[int]) -> None:
    problem = LayerPeeled(counts=counts, feature_energy=1.0)
    in_group_order = [group.samples for group in problem.groups for _ in range(group.classes)]
    assert [in_group_order[place] for place in problem.class_order.tolist()] == counts
    assert sorted(problem.class_order.tolist()) == list(range(len(counts)))
    assert [group.samples for group in problem.groups] == list(dict.fromkeys(counts))
    weights = np.repeat(problem.weights, problem.sizes)[problem.class_order]
    assert weights == pytest.approx(np.array(counts) / sum(counts), rel=1e-14)


@given(COUNTS)
def test_groups_are_the_same_problem_as_their_counts(counts: list[int]) -> None:
    twin = LayerPeeled.from_groups([(1, count) for count in counts], feature_energy=1.0)
    assert twin.groups == LayerPeeled(counts=counts, feature_energy=1.0).groups
    assert twin.group_of_class is None


def test_a_ratio_is_the_same_problem_as_counts_in_that_ratio() -> None:
    ratio, counts = (
        LayerPeeled.from_imbalance(2, 3, 4.0, feature_energy=1.0),
        LayerPeeled.from_groups([(2, 40), (3, 10)], feature_energy=1.0),
    )
    assert ratio.sizes == counts.sizes
    assert ratio.weights == pytest.approx(counts.weights, rel=1e-15)
    assert LayerPeeled.from_imbalance(2, 3, 1, feature_energy=1.0).groups == (Group(5, 1.0),)


def test_the_strategy_of_counts_is_rich() -> None:
    def labels(counts: list[int]) -> list[str]:
        groups = len(set(counts))
        return [
            f"{min(groups, 4)} groups",
            "unsorted" if counts != sorted(counts) else "sorted",
            "ties" if groups < len(counts) else "no ties",
        ]

    seen = tally(COUNTS, labels)
    assert all(
        seen[label] >= OFTEN_ENOUGH for label in ("1 groups", "2 groups", "3 groups", "4 groups", "unsorted", "sorted", "ties", "no ties")
    ), seen
