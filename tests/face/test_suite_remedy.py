"""What `layerpeel remedy` says about too much oversampling."""

import pytest

from layerpeel.counts.remedy import remedy_of
from layerpeel.solvers import LayerPeeled, solve


def test_nothing_collapses_inside_the_safe_interval_of_two_groups() -> None:
    problem = LayerPeeled.from_groups([(3, 4000), (7, 100)], feature_energy=0.5)
    record = remedy_of(problem)
    low, high = record.safe_oversampling
    assert high is not None
    assert record.collapses_now
    assert record.minimal_oversampling == low < record.imbalance < high
    for w, expected in ((low * 1.001, False), (high * 0.999, False)):
        assert solve(problem.reweighted(1, w)).collapsed == (expected, expected)
    assert solve(problem.reweighted(1, low * 0.999)).collapsed == (False, True)
    assert solve(problem.reweighted(1, high * 1.001)).collapsed == (True, False)


def test_a_majority_of_one_class_has_no_upper_end() -> None:
    record = remedy_of(LayerPeeled.from_groups([(1, 5000), (5, 50)], feature_energy=0.5))
    assert record.safe_oversampling == (pytest.approx(record.minimal_oversampling), None)
    assert "would collapse instead" not in record.to_text()


def test_with_more_groups_the_upper_end_is_named_too() -> None:
    record = remedy_of(LayerPeeled.from_groups([(3, 100), (3, 14), (1, 8)], feature_energy=0.3))
    (group,) = record.groups
    low, high = group.safe_oversampling
    assert high is not None
    assert group.minimal_oversampling == low < high
    assert f"From {high:.6g} times as often on" in record.to_text()
