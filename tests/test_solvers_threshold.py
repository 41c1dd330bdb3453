"""The threshold measured by bisection over semidefinite programs."""

import json
import math
from pathlib import Path
from types import SimpleNamespace

import pytest

from numerics import UnusableInput
from solvers import LayerPeeled, _threshold, bracket_threshold, solve

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


@pytest.mark.parametrize("undecided", [(1.9, 2.1), (2.4, 2.6), (0.9, 1.1)])
def test_what_no_certificate_decides_stays_inside_the_bracket(monkeypatch: pytest.MonkeyPatch, undecided: tuple[float, float]) -> None:
    """A solver that cannot tell the phases apart for log R in an interval: neither end may lie inside it, and the search ends beside it."""

    def blurred(problem: LayerPeeled, **_: object) -> SimpleNamespace:
        place = math.log(problem.groups[0].samples)
        verdict = False if place < undecided[0] else True if place > undecided[1] else None
        return SimpleNamespace(collapsed=(False, verdict))

    monkeypatch.setattr(_threshold, "solve", blurred)
    found = bracket_threshold(3, 3, feature_energy=1.0, width=1e-3)
    low, high = math.log(found.lower), math.log(found.upper)
    assert undecided[0] - 0.3 < low < undecided[0]
    assert undecided[1] < high < undecided[1] + 0.3
