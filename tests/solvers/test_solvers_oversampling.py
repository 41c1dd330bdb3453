"""Too much oversampling: where the classes that were distinct collapse instead."""

import pytest
from refusals import refused

from layerpeel.numerics import collapse_threshold
from layerpeel.solvers import LayerPeeled, critical_oversampling, excessive_oversampling, solve

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


def test_weights_on_the_norm_are_refused() -> None:
    problem = LayerPeeled(counts=[9, 9, 4, 4], feature_energy=2.0, norm_weights="sample")
    refused(lambda: excessive_oversampling(problem, 1), "the excessive oversampling")
