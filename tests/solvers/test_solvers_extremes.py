"""Programs at the edge of doubles: they are solved, or refused in a sentence, and their brackets are in order."""

import math
from typing import Any

import pytest

from layerpeel.numerics import UnusableInput
from layerpeel.solvers import LayerPeeled, solve

Groups = list[tuple[int, int]]

AT_THE_THRESHOLD = [  # log R is rounded more coarsely there than Newton's step asks
    (211310760, 2, 8.172942729662896, {"feature_energy": 446.86392092103614}),
    (107766, 37158776, 19.309230480437062, {"feature_energy": 1.2411232073881819e-05, "weight_energy": 278.7761023334675}),
]

VANISHING_LOSSES: list[tuple[Groups, dict[str, Any]]] = [  # losses of 1e-72 to 1e-309
    ([(1, 1), (1, 5), (579, 58549)], {"feature_energy": 29208.72621182835, "norm_weights": "sample"}),
    ([(7, 757550), (4, 101), (2, 1), (1, 7), (6, 414)], {"feature_energy": 459308.1417794137}),
]


@pytest.mark.parametrize(("majority", "minority", "imbalance", "energies"), AT_THE_THRESHOLD)
def test_two_groups_at_their_threshold_are_solved(majority: int, minority: int, imbalance: float, energies: dict[str, Any]) -> None:
    solution = solve(LayerPeeled.from_imbalance(majority, minority, imbalance, **energies))
    assert 0.0 <= solution.value.lower <= solution.value.upper
    assert solution.relative_gap < 1e-6


@pytest.mark.parametrize(("groups", "options"), VANISHING_LOSSES)
def test_losses_near_underflow_are_solved(groups: Groups, options: dict[str, Any]) -> None:
    solution = solve(LayerPeeled.from_groups(groups, **options))
    assert 0.0 <= solution.value.lower <= solution.value.upper < 1e-3


def test_the_bracket_of_a_loss_is_never_below_zero() -> None:
    groups: Groups = [(23, 8), (1, 2), (1, 8), (7, 8)]
    problem = LayerPeeled.from_groups(
        groups, feature_energy=5.75407, loss="hinge", norm_weights="sample", bias_penalty=0.0009500585265327883
    )
    solution = solve(problem)
    assert solution.value.lower >= 0.0
    assert solution.relative_gap <= 1.0


@pytest.mark.parametrize("classes", [10**120, 10**200, 10**400])
def test_more_classes_than_anything_has_are_refused(classes: int) -> None:
    with pytest.raises(UnusableInput, match="classes"):
        solve(LayerPeeled.from_groups([(classes, 5), (3, 1)], feature_energy=1.0))


def test_a_few_ones_as_norm_weights_are_as_averaging_over_classes() -> None:
    by_class = solve(LayerPeeled(counts=[50, 50, 3, 3], feature_energy=2.0)).value
    given = solve(LayerPeeled(counts=[50, 50, 3, 3], feature_energy=2.0, norm_weights=[1.0] * 4)).value
    assert math.isclose(by_class.middle, given.middle, rel_tol=1e-12)
    assert max(by_class.lower, given.lower) <= min(by_class.upper, given.upper)
