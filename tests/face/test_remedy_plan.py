"""A floor under all counts: kept at it and above, exceeded just below, and the same whatever the order and the unit of the counts."""

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from refusals import refused

from layerpeel.cli import main
from layerpeel.counts.plan import Plan, plan_of
from layerpeel.counts.plan_walk import cosines_of
from layerpeel.counts.remedy import remedy, remedy_of
from layerpeel.solvers import Enclosures, LayerPeeled, Problem, UnconstrainedFeatures, critical_oversampling, solve

TAIL = [500, 200, 80, 30, 12, 5]
CIFAR10_LT = [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]
ROUNDING = 1e-6
"""Cosines of solutions to 1e-11 are good to about a part in a million (`Enclosures`)."""

PER_SAMPLE: dict[str, Any] = {"feature_energy": 1.0, "norm_weights": "sample"}
TAILS: dict[str, tuple[Problem, str]] = {
    "the issue's": (LayerPeeled(counts=TAIL, feature_energy=1.0), "oversampling"),
    "CIFAR-10-LT": (LayerPeeled(counts=CIFAR10_LT, feature_energy=5.0), "oversampling"),
    "two groups": (LayerPeeled.from_groups([(5, 5000), (5, 50)], feature_energy=5.0), "oversampling"),
    "ties": (LayerPeeled.from_groups([(3, 100), (3, 40), (4, 5)], feature_energy=1.0), "oversampling"),
    "a single head": (LayerPeeled(counts=[900, 1, 1], feature_energy=1.0), "oversampling"),
    "per sample, drawn": (LayerPeeled(counts=TAIL, **PER_SAMPLE), "oversampling"),
    "per sample, weighed": (LayerPeeled(counts=TAIL, **PER_SAMPLE), "weights"),
    "weight decay, drawn": (UnconstrainedFeatures(counts=TAIL, weight_decay=0.1), "oversampling"),
    "weight decay, weighed": (UnconstrainedFeatures(counts=TAIL, weight_decay=0.1), "weights"),
    "loss weights": (LayerPeeled(counts=TAIL, feature_energy=1.0).with_loss_weights([1, 2, 1, 2, 3, 2.5]), "weights"),
    "classes that vanish": (LayerPeeled.from_groups([(3, 100000), (3, 10)], feature_energy=0.1), "oversampling"),
}


def largest(problem: Problem, floor: float, by: str) -> float:
    """The largest cosine at a floor, of a solve that knows nothing of the path."""
    return float(np.nanmax(cosines_of(solve(problem.floored(floor, by=by), tolerance=1e-11))))


@pytest.mark.parametrize("name", TAILS)
def test_the_target_is_kept_at_the_floor_and_above_and_exceeded_below(name: str) -> None:
    problem, by = TAILS[name]
    plan = plan_of(problem, by=by)
    assert plan.certified
    assert plan.floor is not None
    assert plan.bracket is not None
    below, floor = plan.bracket
    assert floor == plan.floor
    assert floor / below < 1.0025  # each side is certified within a thousandth of the floor
    assert largest(problem, floor, by) <= 0.5 < largest(problem, below, by) + ROUNDING
    most = max(float(group.samples) for group in problem.groups)
    for higher in np.geomspace(floor, most, 8):
        assert largest(problem, float(higher), by) <= 0.5 + ROUNDING
    assert plan.largest_cosine == pytest.approx(largest(problem, floor, by), abs=1e-5)


def test_ties_coincide_on_the_way_up_and_are_not_taken_for_a_floor() -> None:
    problem = LayerPeeled(counts=TAIL, feature_energy=1.0)
    for floor in (12.0, 30.0, 60.0):
        assert True in solve(problem.floored(floor)).collapsed
    assert largest(problem, 100.0, "oversampling") == pytest.approx(0.21, abs=0.01)
    assert 60.0 < (plan_of(problem).floor or 0.0) < 100.0
    # a target that things as they are exceed by a hair, and the ties on the way by more
    assert (plan_of(problem, target_cosine=0.999999).floor or 0.0) > 60.0


def test_plans_scale_with_the_counts_and_move_with_the_classes() -> None:
    def planned(counts: list[int]) -> Plan:
        return plan_of(LayerPeeled(counts=counts, feature_energy=2.0))

    plan = planned(TAIL)
    assert plan.floor is not None
    assert plan.factors is not None
    tenfold = planned([10 * count for count in TAIL])
    assert tenfold.floor == pytest.approx(10 * plan.floor, rel=3e-4)
    assert tenfold.factors == pytest.approx(plan.factors, rel=3e-4)
    for order in itertools.islice(itertools.permutations(range(len(TAIL))), 100, 720, 150):
        moved = planned([TAIL[place] for place in order])
        assert moved.factors == pytest.approx([plan.factors[place] for place in order], rel=3e-4)


def test_what_a_plan_counts() -> None:
    plan = plan_of(LayerPeeled(counts=TAIL, feature_energy=1.0), names=list("abcdef"))
    assert plan.floor is not None
    assert plan.factors == [max(1.0, plan.floor / count) for count in TAIL]
    assert plan.raised_classes == 3
    assert plan.samples_per_epoch_now == sum(TAIL)
    assert plan.samples_per_epoch == pytest.approx(500 + 200 + 80 + 3 * plan.floor)
    assert plan.samples_balanced == 3000
    assert plan.imbalance == 500 / plan.floor
    weighed = plan_of(LayerPeeled(counts=TAIL, feature_energy=1.0), by="weights")
    assert weighed.floor == plan.floor  # features averaged over classes: both are one
    assert weighed.samples_per_epoch == sum(TAIL)
    text = plan.to_text()
    assert text.index("\nf ") < text.index("\ne ") < text.index("\nd ")
    assert "An epoch then draws 1,015 samples for 827" in text
    assert "as many samples as before" in weighed.to_text()


def test_sampling_and_weights_differ_per_sample() -> None:
    problem = LayerPeeled(counts=TAIL, **PER_SAMPLE)
    drawn, weighed = (plan_of(problem, by=by).floor for by in ("oversampling", "weights"))
    assert drawn is not None
    assert weighed is not None
    assert abs(drawn - weighed) > 1.0
    scales = {
        by: problem.floored(20.0, by=by).scales.max() / problem.floored(20.0, by=by).scales.min() for by in ("oversampling", "weights")
    }
    assert scales["oversampling"] == pytest.approx(5.0)  # √(500/20)
    assert scales["weights"] == pytest.approx(10.0)  # √(500/5)


def test_penalties_stay_as_they_are_for_each_sample_drawn() -> None:
    problem = UnconstrainedFeatures(counts=TAIL, weight_decay=0.1)
    drawn = problem.floored(100.0, by="oversampling")
    mass = {"before": sum(TAIL), "after": 500 + 200 + 4 * 100}
    assert drawn.feature_penalty * mass["after"] == pytest.approx(problem.feature_penalty * mass["before"])
    assert problem.floored(100.0, by="weights").feature_penalty == problem.feature_penalty


def test_a_floor_merges_what_becomes_equal_and_keeps_the_order_of_classes() -> None:
    problem = LayerPeeled(counts=[5, 100, 9, 30, 9], feature_energy=1.0)
    raised = problem.floored(9.0)
    assert [(group.classes, group.samples) for group in raised.groups] == [(3, 9.0), (1, 100), (1, 30)]
    assert raised.group_of_class == (0, 1, 0, 2, 0)
    assert problem.floored(1.0).groups == problem.groups
    refused(lambda: problem.floored(0.0), "floor", "0.0")
    refused(lambda: problem.floored(9.0, by="luck"), "by='luck'")
    given = LayerPeeled(counts=[9, 4], feature_energy=1.0, norm_weights=[1.0, 2.0])
    refused(lambda: given.floored(5.0, by="oversampling"), "its norm weights are numbers")


def test_nothing_is_raised_where_the_target_is_kept_already() -> None:
    for counts in ([9, 8, 7], [5] * 7, [900, 1]):
        plan = plan_of(LayerPeeled(counts=counts, feature_energy=5.0))
        assert (plan.floor, plan.raised_classes, plan.bracket, plan.certified) == (min(counts), 0, None, True)
        assert plan.factors == [1.0] * len(counts)
        assert "Nothing needs to be raised." in plan.to_text()


def test_where_no_floor_helps_it_says_so() -> None:
    problem = UnconstrainedFeatures(counts=TAIL, feature_penalty=0.5, weight_penalty=0.5, norm_weights="class")
    plan = plan_of(problem)
    assert (plan.floor, plan.factors, plan.certified) == (None, None, True)
    assert "No floor keeps them apart" in plan.to_text()
    assert solve(problem.floored(500.0)).vanished == (True,)  # the penalty alone takes all classifiers away
    assert plan_of(TAILS["classes that vanish"][0]).vanished_now == 3
    assert "3 classes have no classifier" in plan_of(TAILS["classes that vanish"][0]).to_text()


def test_a_loss_of_zero_is_not_certified() -> None:
    plan = plan_of(LayerPeeled(counts=[100, 50, 10, 1], feature_energy=1e6))
    assert plan.certified is False
    assert "not certified" in plan.to_text()


@pytest.mark.parametrize("target", [-0.2, -1.0, 1.0, 2.0, float("nan")])
def test_targets_out_of_range_are_refused(target: float) -> None:
    problem = LayerPeeled(counts=TAIL, feature_energy=1.0)
    refused(lambda: remedy_of(problem, target_cosine=target), "target cosine", "-0.2", "0.5")


def test_targets_in_range_are_met() -> None:
    problem = LayerPeeled(counts=TAIL, feature_energy=1.0)
    floors = [plan_of(problem, target_cosine=target).floor for target in (-0.19, 0.0, 0.5, 0.99)]
    known = [floor for floor in floors if floor is not None]
    assert known == sorted(known, reverse=True)
    assert len(known) == len(floors)


def test_the_largest_cosine_is_enclosed_as_pair_by_pair() -> None:
    for counts in ([9, 4, 4, 2, 2, 2], [100, 100, 1, 1], TAIL):
        optimum = Enclosures(solve(LayerPeeled(counts=counts, feature_energy=1.0)))
        groups = optimum.solution.problem.groups
        pairs = [
            optimum.classifier_cosine(g, h) for g in range(len(groups)) for h in range(g, len(groups)) if g != h or groups[g].classes > 1
        ]
        found = optimum.largest_classifier_cosine()
        assert found.lower == pytest.approx(max(pair.lower for pair in pairs), rel=1e-9)
        assert found.upper == pytest.approx(max(pair.upper for pair in pairs), rel=1e-9)
        norms = [optimum.classifier_norm(g) for g in range(len(groups))]
        shortest = optimum.shortest_classifier()
        assert shortest.lower == pytest.approx(min(norm.lower for norm in norms) / max(norm.upper for norm in norms), rel=1e-9)
        assert shortest.upper == pytest.approx(min(norm.upper for norm in norms) / max(norm.lower for norm in norms), rel=1e-9)


def test_groups_between_the_bracketed_ones_follow_from_the_multiplier(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("layerpeel.counts.oversampling.factors.BRACKETED_TIMES_GROUPS", 100)
    counts = [round(500 * 50 ** (-k / 29)) for k in range(30)] + [2 * k for k in range(5, 15) for _ in range(2)]
    problem = LayerPeeled(counts=counts, feature_energy=5.0)
    answer = remedy_of(problem, target_cosine=None)
    assert {group.bracketed for group in answer.groups} == {True, False}
    places = [g for g, group in enumerate(problem.groups) if group.classes > 1]
    guessed = [(place, group) for place, group in zip(places, answer.groups, strict=True) if not group.bracketed]
    for place, group in guessed[:: max(1, len(guessed) // 3)]:
        measured = critical_oversampling(problem, place, width=1e-3)  # what the groups in between are good to
        assert measured is not None
        assert group.safe_oversampling[0] == pytest.approx(0.5 * (measured.lower + measured.upper), rel=3e-3)
    text = answer.to_text()
    assert "(about)" in text
    assert f"of {len(answer.groups)} groups" in text


def test_the_command_answers_counts_that_are_all_different(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = Path(__file__).parents[2] / "examples" / "cifar10_lt.csv"
    assert main(["remedy", "--counts", str(path), "--feature-energy", "5", "--json", "--out", str(tmp_path)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["groups"] == []
    assert found["threshold"] is None
    assert found["plan"]["certified"] is True
    assert found["plan"]["floor"] == pytest.approx(236.1, abs=0.1)
    assert dict(zip(found["plan"]["names"], found["plan"]["factors"], strict=True))["truck"] == pytest.approx(4.723, abs=0.002)
    assert (tmp_path / "remedy.svg").read_text(encoding="utf-8").startswith("<svg")
    assert main(["remedy", "--counts", str(path), "--feature-energy", "5", "--cosine", "0"]) == 0
    assert "no two classifiers with a cosine above 0\n" in capsys.readouterr().out
    assert main(["remedy", "--counts", str(path), "--feature-energy", "5", "--cosine", "1"]) == 2
    assert "target cosine is 1.0" in capsys.readouterr().err


def test_a_plan_is_left_out_on_demand() -> None:
    assert remedy([9, 9, 1, 1], feature_energy=1.0, target_cosine=None).plan is None
    refused(lambda: remedy([9, 2, 1], feature_energy=1.0, target_cosine=None), "no two minority classes")
    assert remedy_of(LayerPeeled.from_groups([(3, 100), (3, 10)], feature_energy=1.0, loss="squared")).plan is None
