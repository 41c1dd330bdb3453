"""Too much oversampling: where the classes that were distinct collapse instead."""

from typing import Any

import pytest
from refusals import refused

from layerpeel.numerics import collapse_threshold, loss_threshold
from layerpeel.solvers import LayerPeeled, Problem, UnconstrainedFeatures, critical_oversampling, excessive_oversampling, solve

WIDTH = 1e-2
"""Relative width asked for."""


@pytest.mark.parametrize(("large", "small", "ratio"), [(3, 2, 4), (2, 5, 50)])
def test_two_groups_swap_at_their_ratio(large: int, small: int, ratio: float) -> None:
    """Oversampled w times, the minority is a majority at ratio w/R: the other group collapses at R·R0(K_B, K_A)."""
    problem = LayerPeeled.from_imbalance(large, small, ratio, feature_energy=2.0)
    found = excessive_oversampling(problem, 1, width=WIDTH)
    assert found is not None
    swapped = collapse_threshold(small, large, feature_energy=2.0, digits=15)
    assert found.contains(ratio * float(swapped.lower))
    assert found.upper / found.lower < 1 + 1.1 * WIDTH
    straight = collapse_threshold(large, small, feature_energy=2.0, digits=15)
    assert not found.contains(ratio * float(straight.lower))


@pytest.mark.parametrize("group", [1, 2])
@pytest.mark.slow
def test_both_ends_are_what_they_claim_and_leave_room(group: int) -> None:
    problem = LayerPeeled.from_groups([(3, 100), (3, 14), (20, 8)], feature_energy=0.3)
    assert solve(problem, tolerance=1e-10).collapsed == (False, True, True)
    critical, excessive = critical_oversampling(problem, group, width=WIDTH), excessive_oversampling(problem, group, width=WIDTH)
    assert critical is not None
    assert excessive is not None
    assert critical.upper < excessive.lower
    margin = 1 + 0.1 * WIDTH  # a cold solve may not decide what a warm one did
    for w, first in ((excessive.lower / margin, False), (excessive.upper * margin, True), (critical.upper * margin, False)):
        states = solve(problem.reweighted(group, w), tolerance=1e-11).collapsed
        assert (states[0], states[group]) == (first, False)


def test_nobody_is_left_to_collapse() -> None:
    assert excessive_oversampling(LayerPeeled.from_groups([(1, 90), (3, 10)], feature_energy=2.0), 1) is None
    # Both others are collapsed as things are.
    crowded = LayerPeeled.from_groups([(1, 9000), (2, 20), (3, 10)], feature_energy=0.5)
    assert solve(crowded, tolerance=1e-10).collapsed == (False, True, True)
    assert excessive_oversampling(crowded, 2) is None


def test_numbers_as_norm_weights_and_a_bias_are_refused() -> None:
    given: list[dict[str, Any]] = [{"norm_weights": [2.0, 2.0, 1.0, 1.0]}, {"bias_penalty": 0.1}]
    for options in given:
        problem = LayerPeeled(counts=[9, 9, 4, 4], feature_energy=2.0, **options)
        refused(lambda problem=problem: excessive_oversampling(problem, 1), "the excessive oversampling")
        refused(lambda problem=problem: critical_oversampling(problem, 1), "the critical oversampling")


def test_another_way_than_two_is_refused() -> None:
    problem = LayerPeeled(counts=[9, 9, 4, 4], feature_energy=2.0)
    for search in (critical_oversampling, excessive_oversampling):
        refused(lambda search=search: search(problem, 1, by="luck"), "by='luck'", "oversampling, weights", "choose one of these")
    refused(lambda: problem.reweighted(1, 2.0, by="luck"), "by='luck'")


PER_SAMPLE: dict[str, Any] = {"three and three": (3, 3, 10.0), "two and five": (2, 5, 30.0), "five and two": (5, 2, 4.0)}
FORMS: dict[str, dict[str, Any]] = {"energies": {"feature_energy": 0.5, "norm_weights": "sample"}, "weight decay": {"weight_decay": 0.2}}


def posed(large: int, small: int, ratio: float, form: dict[str, Any]) -> Problem:
    kind = UnconstrainedFeatures if "weight_decay" in form else LayerPeeled
    return kind.from_imbalance(large, small, ratio, **form)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize(("large", "small", "ratio"), PER_SAMPLE.values(), ids=PER_SAMPLE)
def test_per_sample_a_weight_and_sampling_separate_at_different_factors(large: int, small: int, ratio: float, form: dict[str, Any]) -> None:
    """Both ends of both ways, against the closed forms that the search does not know."""
    problem = posed(large, small, ratio, form)
    ends = {
        "oversampling": (
            ratio / float(collapse_threshold(large, small, digits=15, **form).lower),
            ratio * float(collapse_threshold(small, large, digits=15, **form).lower),
        ),
        "weights": (ratio / loss_threshold(large, small, ratio, **form), ratio * loss_threshold(small, large, 1 / ratio, **form)),
    }
    for by, (least, most) in ends.items():
        critical, excessive = (search(problem, 1, by=by, width=1e-3) for search in (critical_oversampling, excessive_oversampling))
        assert critical is not None
        assert excessive is not None
        assert critical.contains(least)
        assert excessive.contains(most)
    other = critical_oversampling(problem, 1, by="weights", width=1e-3)
    assert other is not None
    assert not other.contains(ends["oversampling"][0])


def test_per_class_both_ways_are_one() -> None:
    problem = LayerPeeled.from_groups([(3, 40), (2, 9), (2, 5)], feature_energy=0.4)
    assert problem.reweighted(1, 2.5, by="weights").groups == problem.reweighted(1, 2.5, by="oversampling").groups
    first, second = (critical_oversampling(problem, 2, by=by, width=WIDTH) for by in ("weights", "oversampling"))
    assert first == second


def test_oversampled_per_sample_is_the_program_of_the_new_counts() -> None:
    """Three times as often is three times the samples: the mean of the features' energy, and weight decay, are over what is drawn."""
    for form in FORMS.values():
        kind = UnconstrainedFeatures if "weight_decay" in form else LayerPeeled
        drawn = kind.from_groups([(3, 40), (2, 9)], **form).reweighted(1, 3, by="oversampling")
        anew = kind.from_groups([(3, 40), (2, 27)], **form)
        assert solve(drawn).value.overlaps(solve(anew).value)
        weighted = kind.from_groups([(3, 40), (2, 9)], **form).reweighted(1, 3, by="weights")
        assert not solve(weighted).value.overlaps(solve(anew).value)
        assert weighted.norm_weights == "given"
        assert weighted.scales.tolist() == [40**0.5, 3.0]


def test_a_penalty_that_collapses_all_is_said() -> None:
    problem = UnconstrainedFeatures.from_groups([(3, 40), (2, 9)], weight_decay=0.9)
    refused(lambda: critical_oversampling(problem, 1), "leaves group 2 no classifiers", "use a smaller one")
