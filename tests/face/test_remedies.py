"""Every remedy that people use: its least strength, its threshold, and what is said of it, each against solves that do not know them."""

import json
import math
from functools import cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from json_schemas import committed, mistakes
from refusals import refused
from scipy.optimize import minimize

from layerpeel.cli import main
from layerpeel.counts.remedies import ALL, IN_THE_LOSS, NAMES, POINTS, chosen_remedies
from layerpeel.counts.remedy import Remedy, remedy, remedy_of
from layerpeel.counts.remedy_case import Case
from layerpeel.solvers import (
    LOSS_REMEDIES,
    Enclosures,
    LayerPeeled,
    Problem,
    UnconstrainedFeatures,
    bracket_switch,
    fixed_classifier_features,
    solve,
    with_remedy,
)

ASIDE = 0.01
"""Relative distance from a least strength at which a semidefinite program must show the phase."""

SEARCHED = 2e-3
"""Relative width of the imbalance by bisection; closed forms are exact to rounding, and their own searches to a thousandth."""

OPTIMISED = 1e-3
"""How far a general optimiser's features may be off: slopes by differences are good to 1e-8, and the minimum is flat."""

PER_CLASS: dict[str, Any] = {"feature_energy": 1.0}
PER_SAMPLE: dict[str, Any] = {"feature_energy": 1.0, "norm_weights": "sample"}
DECAY: dict[str, Any] = {"weight_decay": 0.25}
MODELS = {"per class": PER_CLASS, "per sample": PER_SAMPLE, "weight decay": DECAY}
GROUPS = [(2, 90), (4, 9)]


def posed(model: dict[str, Any], groups: list[tuple[int, int]] = GROUPS) -> Problem:
    return (UnconstrainedFeatures if "weight_decay" in model else LayerPeeled).from_groups(groups, **model)


@cache
def at_three_and_three() -> Remedy:
    return remedy([100] * 3 + [5] * 3, feature_energy=1.0, remedies=ALL, target_cosine=None)


def by_name(answer: Remedy) -> dict[str, Any]:
    return {found.name: found for found in answer.remedies}


def together(problem: Problem, group: int) -> bool | None:
    """By the semidefinite program."""
    return Enclosures(solve(problem, route="sdp", tolerance=1e-9)).coincide(group)


@pytest.mark.slow
def test_least_strengths_are_where_semidefinite_programs_change_phase() -> None:
    problem = posed(MODELS["per class"])
    found = by_name(remedy_of(problem, remedies=ALL, target_cosine=None))
    assert tuple(found) == NAMES
    helpful = {name for name in IN_THE_LOSS if found[name].helps}
    assert helpful >= {"weights", "logit-scale"}
    for name in helpful:
        coincident, apart = found[name].enclosure
        assert 0.0 < coincident < apart == found[name].strength
        assert apart - coincident <= 3e-3 * apart
        assert together(with_remedy(problem, name, coincident * (1 - ASIDE)), 1) is True
        assert together(with_remedy(problem, name, apart * (1 + ASIDE)), 1) is False
    for name in set(IN_THE_LOSS) - helpful:
        assert found[name].strength is found[name].enclosure is None
        for share in (0.03, 0.4):
            assert together(with_remedy(problem, name, share * LOSS_REMEDIES[name].most), 1) is not False
    low, high = found["oversampling"].enclosure
    assert together(problem.reweighted(1, low * (1 - ASIDE), by="oversampling"), 1) is True
    assert together(problem.reweighted(1, high * (1 + ASIDE), by="oversampling"), 1) is False


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "name"),
    [
        *(("per class", name) for name in IN_THE_LOSS if name != "weights"),
        *((model, "label-smoothing") for model in MODELS if model != "per class"),
    ],
)
def test_thresholds_are_those_of_a_bisection(model: str, name: str) -> None:
    of = MODELS[model]
    problem = posed(of)
    strength = POINTS[name][0][1]
    (found,) = (point.threshold for point in by_name(remedy_of(problem, remedies=name, target_cosine=None))[name].points)
    kind = UnconstrainedFeatures if "weight_decay" in of else LayerPeeled
    switch = bracket_switch(
        lambda log_ratio: with_remedy(kind.from_imbalance(2, 4, math.exp(log_ratio), **of), name, strength),
        lambda optimum: optimum.coincide(1),
        before=math.log(found) - 0.05,
        beyond=math.log(found) + 0.05,
        width=SEARCHED,
        route="factored",
    ).bracket
    assert switch.lower - SEARCHED <= math.log(found) <= switch.upper + SEARCHED


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_weights_of_a_power_collapse_where_that_is_said(model: dict[str, Any]) -> None:
    kind = UnconstrainedFeatures if "weight_decay" in model else LayerPeeled
    case = Case(posed(model), 1, model)
    strength = 0.2
    log_ratio = case.log_threshold("weights", strength)
    assert log_ratio is not None
    for side, coincide in ((-ASIDE, False), (ASIDE, True)):
        problem = with_remedy(kind.from_imbalance(2, 4, math.exp(log_ratio + side), **model), "weights", strength)
        assert together(problem, 1) is coincide


@pytest.mark.slow
def test_what_helps_between_two_strengths_that_are_tried_is_found() -> None:
    """Shifts help in a window only: R0 is 17.42 at γ = .35, 17.66 at .42 and 17.63 at .45."""
    options: dict[str, Any] = {"majority": 5, "minority": 5, "feature_energy": 5.0}
    inside, beyond = (
        remedy_of(LayerPeeled.from_imbalance(imbalance=ratio, **options), remedies="logit-shift", target_cosine=None).remedies[0]
        for ratio in (17.6, 17.7)
    )
    assert inside.helps
    assert inside.strength is not None
    assert 0.35 < inside.strength < 0.42
    assert not beyond.helps
    assert beyond.threshold is not None
    assert 17.6 < beyond.threshold < 17.7
    assert f"R0 is at most {beyond.threshold:.6g}" in beyond.reason


@pytest.mark.slow
def test_known_answers_at_three_and_three() -> None:
    record = at_three_and_three().to_dict()
    assert mistakes(record, committed("remedy"), committed("remedy")) == []
    found = by_name(at_three_and_three())
    assert [name for name in NAMES if found[name].helps] == ["oversampling", "weights", "label-smoothing", "logit-scale", "etf"]
    for name in ("oversampling", "weights", "label-smoothing", "logit-scale"):  # at the least strength R0 is the imbalance
        assert found[name].threshold == pytest.approx(20.0, rel=1e-2), name
        assert found[name].threshold >= 20.0 * (1 - 1e-9)
    assert found["logit-shift"].points[0].threshold == pytest.approx(2.9168, abs=1e-4)
    assert found["bias"].threshold == pytest.approx(2.670529, abs=1e-6)
    (temperatures,) = found["logit-scale"].points
    assert temperatures.threshold == pytest.approx(2.0208, abs=1e-3) != pytest.approx(2.3637, abs=1e-1)
    assert "harm" in found["logit-scale"].reason
    assert found["weights"].strength == pytest.approx(math.log(20 / 2.363713) / math.log(20), abs=2e-3)
    assert [point.apart for point in found["weights"].points] == [False, True, True]
    effective = found["weights"].points[1]
    ratio = (1 - 0.999**100) / (1 - 0.999**5)
    assert 20**effective.strength == pytest.approx(ratio)


@pytest.mark.slow
def test_under_weight_decay_shifts_and_a_bias_change_nothing_and_smoothing_harms() -> None:
    found = by_name(remedy([100] * 3 + [5] * 3, weight_decay=0.2, remedies=["logit-shift", "bias", "label-smoothing"]))
    for name in ("logit-shift", "bias"):
        assert found[name].threshold == pytest.approx((1 / 0.2**2 - 3) / 3)
        assert not found[name].helps
        assert "changes nothing" in found[name].reason
    assert found["label-smoothing"].points[0].threshold == pytest.approx((0.9**2 / 0.2**2 - 3) / 3)
    assert "at 0.95 below one" in found["label-smoothing"].reason


def test_nothing_is_needed_where_they_are_apart() -> None:
    answer = remedy([20] * 3 + [10] * 3, feature_energy=1.0, remedies=["oversampling", "bias"])
    assert [(found.strength, found.enclosure) for found in answer.remedies] == [(1.0, (1.0, 1.0)), (0.0, (0.0, 0.0))]
    assert answer.to_text().count("not needed") == 2


@pytest.mark.parametrize("groups", [[(3, 100), (2, 10)], [(2, 50), (1, 20), (4, 3)]], ids=str)
@pytest.mark.parametrize("model", [PER_CLASS, PER_SAMPLE], ids=["per class", "per sample"])
def test_features_beside_a_fixed_classifier_are_those_of_an_optimiser(model: dict[str, Any], groups: list[tuple[int, int]]) -> None:
    problem = LayerPeeled.from_groups(groups, weight_energy=1.5, **model)
    lengths, margins = fixed_classifier_features(problem)
    classes, place = problem.num_classes, np.repeat(np.arange(len(groups)), problem.sizes)
    classifier = math.sqrt(1.5 * classes / (classes - 1)) * (np.eye(classes) - 1 / classes)
    weights, scales = problem.weights[place], problem.scales[place]
    budget = problem.feature_energy * problem.norm_mass

    def features(free: np.ndarray) -> np.ndarray:
        given = free.reshape(classes, classes)
        return given * math.sqrt(budget / np.sum((scales[:, None] * given) ** 2))

    def loss(free: np.ndarray) -> float:
        logits = features(free) @ classifier
        top = logits.max(axis=1)
        return float(weights @ (top + np.log(np.exp(logits - top[:, None]).sum(axis=1)) - np.diag(logits)))

    start = np.random.default_rng(0).standard_normal(classes**2) * 0.1 + classifier.ravel()
    found = features(minimize(loss, start, method="L-BFGS-B", options={"maxiter": 5000, "maxfun": 10**6, "ftol": 1e-15, "gtol": 1e-9}).x)
    unit = classifier / np.linalg.norm(classifier, axis=1, keepdims=True)
    np.testing.assert_allclose(np.sum(found * unit, axis=1), lengths[place], atol=OPTIMISED)
    np.testing.assert_allclose(found, lengths[place][:, None] * unit, atol=OPTIMISED)
    logits = lengths[place][:, None] * unit @ classifier
    others = np.where(np.arange(classes) > 0, logits[:, 0], logits[:, 1])
    np.testing.assert_allclose(np.diag(logits) - others, margins[place])
    assert float(np.sum((scales * lengths[place]) ** 2)) == pytest.approx(budget)
    if model is PER_SAMPLE:
        assert lengths == pytest.approx(1.0)


@pytest.mark.slow
def test_more_groups_are_judged_by_the_smallest_of_one_count() -> None:
    problem = LayerPeeled.from_groups([(3, 100), (3, 40), (4, 5), (1, 2)], feature_energy=1.0)
    answer = remedy_of(problem, remedies=["label-smoothing", "oversampling", "weights", "etf"])
    found = by_name(answer)
    assert "the 4 classes of 5 samples" in found["oversampling"].reason
    assert all(each.threshold is None for each in answer.remedies)
    coincident, apart = found["label-smoothing"].enclosure
    assert together(with_remedy(problem, "label-smoothing", coincident * (1 - ASIDE)), 2) is True
    assert together(with_remedy(problem, "label-smoothing", apart * (1 + ASIDE)), 2) is False


def test_what_cannot_be_judged_is_refused() -> None:
    refused(lambda: chosen_remedies("bais"), "by='bais'", "did you mean 'bias'?")
    refused(lambda: chosen_remedies(["weights", "bias", "weights"]), "by='weights' is given 2 times")
    refused(lambda: chosen_remedies(["bias", "all"]), "by='all' is given beside others")
    refused(lambda: remedy([9, 5, 4, 3], feature_energy=1.0, remedies="bias"), "bias", "plan")
    assert remedy([9, 5, 4, 3], feature_energy=1.0, remedies="weights", by="weights").remedies == []  # the plan answers
    squared = LayerPeeled.from_groups([(3, 90), (3, 9)], feature_energy=1.0, loss="squared")
    refused(lambda: remedy_of(squared, remedies=["oversampling", "bias"]), "loss is 'squared'", "bias", "use loss='cross-entropy'")
    assert remedy_of(squared, remedies="oversampling").remedies[0].helps
    weighted = UnconstrainedFeatures.from_groups([(3, 90), (3, 9)], weight_decay=0.1)
    refused(lambda: fixed_classifier_features(cast("Any", weighted)), "LayerPeeled")
    refused(lambda: fixed_classifier_features(LayerPeeled(counts=[9, 1], feature_energy=1.0, bias_penalty=1.0)), "no bias")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "names", "by"),
    [
        ([], [], "oversampling"),
        (["--by", "weights"], ["weights"], "weights"),
        (["--by", "label-smoothing"], ["label-smoothing"], "oversampling"),
        (["--by", "etf", "--by", "weights"], ["weights", "etf"], "weights"),
    ],
)
def test_the_command_answers_what_is_asked(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, options: list[str], names: list[str], by: str
) -> None:
    assert main(["remedy", "--groups", "3x100,3x5", "--feature-energy", "1", *options, "--json", "--out", str(tmp_path)]) == 0
    record = json.loads(capsys.readouterr().out)
    assert mistakes(record, committed("remedy"), committed("remedy")) == []
    assert ([found["name"] for found in record["remedies"]], record["by"]) == (names, by)
    assert json.loads((tmp_path / "remedy.json").read_text(encoding="utf-8")) == record


@pytest.mark.slow
def test_the_text_says_what_helps_and_what_does_not(capsys: pytest.CaptureFixture[str]) -> None:
    text = " ".join(at_three_and_three().to_text().split())
    for part in (
        "label-smoothing helps, from 0.41",
        "logit-shift does not help here",
        "balanced softmax, logit adjustment, at 1: not enough, R0 = 2.91683",
        "square-root weights, at 0.5: not enough, R0 = 5.58713",
        "More of it lowers R0, to 1.06674 at 16, and R is 20.",
        "0.0847 times as long",
    ):
        assert part in text, text
    assert main(["remedy", "--groups", "3x100,3x5", "--feature-energy", "1", "--by", "lable-smoothing"]) == 2
    assert "did you mean 'label-smoothing'?" in capsys.readouterr().err
