"""The threshold measured by bisection over semidefinite programs."""

import json
from pathlib import Path

import pytest

from numerics import UnusableInput
from solvers import LayerPeeled, bracket_threshold, solve

COLLAPSE = json.loads((Path(__file__).parent / "reference" / "thresholds.json").read_text())["collapse"]

WIDTH = 5e-3
"""Relative width asked of the bisection: about ten programs each."""


@pytest.mark.parametrize("case", [case for case in COLLAPSE if case["bisect"]], ids=lambda case: f"{case['majority']}+{case['minority']}")
def test_the_bisection_encloses_the_pinned_thresholds(case: dict[str, str]) -> None:
    found = bracket_threshold(int(case["majority"]), int(case["minority"]), feature_energy=float(case["feature_energy"]), width=WIDTH)
    assert found.rigorous
    assert found.contains(float(case["value"]))
    assert found.upper <= found.lower * 1.01


def test_trading_energies_leaves_the_measured_threshold() -> None:
    traded = bracket_threshold(2, 2, feature_energy=4.0, weight_energy=0.25, width=0.02)
    assert traded.overlaps(bracket_threshold(2, 2, feature_energy=1.0, width=0.02))
    # Control: another energy has another threshold.
    assert not traded.overlaps(bracket_threshold(2, 2, feature_energy=2.0, width=0.02))


def test_both_ends_are_what_they_claim() -> None:
    found = bracket_threshold(2, 2, feature_energy=1.0, width=0.02)
    below, above = (solve(LayerPeeled.from_imbalance(2, 2, end, feature_energy=1.0)).collapsed for end in (found.lower, found.upper))
    assert (below, above) == ((False, False), (False, True))


def test_the_width_asked_for_is_where_it_stops() -> None:
    found = bracket_threshold(2, 2, feature_energy=1.0, width=0.3)
    assert 1.05 < found.upper / found.lower < 1.36  # e^0.3


def test_energies_out_of_reach_are_refused_with_the_remedy() -> None:
    with pytest.raises(UnusableInput, match=r"no collapse was certified up to R = 1e\+09 at feature energy 400.0.*use smaller energies"):
        bracket_threshold(1, 2, feature_energy=400.0)
