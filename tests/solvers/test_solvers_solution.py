"""What a solve returns: its numbers, its matrices, its plot, and the enclosed geometry of the exact optimum."""

import dataclasses
import math
import re
from itertools import product

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from strategies import TwoGroups, two_groups

from layerpeel.numerics import Bracket, UnusableInput, collapse_geometry
from layerpeel.solvers import LOSSES, Enclosures, LayerPeeled, Solution, Status, solve

mpl.use("Agg")

ROUNDING = 1e-12
"""Relative error of factors and Gram matrices of at most 60 classes by SVD, with room for a hundred roundings."""

UNSORTED = (1, 20, 1, 20, 1)
"""Counts in mixed order: three minority classes, two majority classes, R = 20."""


@pytest.fixture(scope="module")
def solution() -> Solution:
    return solve(LayerPeeled(counts=UNSORTED, feature_energy=2.0, weight_energy=0.5))


def test_the_repr_is_one_short_line(solution: Solution) -> None:
    assert re.fullmatch(
        r"Solution\(LayerPeeled\(3x1,2x20, feature_energy=2, weight_energy=0\.5, loss='cross-entropy'\), route='symmetric', "
        r"value=\d\.\d+, relative_gap=\d\.\de[-+]\d+\)",
        repr(solution),
    )


def test_a_solution_is_frozen(solution: Solution) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        solution.rank = 7  # pyright: ignore[reportAttributeAccessIssue]


def test_the_numbers_belong_together(solution: Solution) -> None:
    assert solution.value is solution.certificate.value
    assert solution.gap == solution.value.width
    assert solution.converged
    assert solution.status is Status.CERTIFIED
    assert solution.num_classes == 5
    assert solution.seconds >= 0.0
    limited = solve(LayerPeeled(counts=[9, 3, 1], feature_energy=1.0), tolerance=1e-15)
    assert not limited.converged
    assert "what one rounding of the logits in doubles changes" in limited.status


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("counts", [UNSORTED, (3, 3, 3), (1, 4)])
def test_features_times_classifier_are_the_logits_and_energies_are_kept(loss: str, counts: tuple[int, ...]) -> None:
    found = solve(LayerPeeled(counts=counts, feature_energy=0.3, weight_energy=0.2, loss=loss))
    classes = len(counts)
    assert found.features.shape == found.classifier.shape == found.logits.shape == (classes, classes)
    assert np.linalg.norm(found.features @ found.classifier.T - found.logits) <= ROUNDING * np.linalg.norm(found.logits)
    energies = np.sum(found.features**2) / classes, np.sum(found.classifier**2) / classes
    if loss == "cross-entropy":
        assert energies == pytest.approx((0.3, 0.2), rel=1e-10)  # the radius of the symmetric route
    else:
        assert energies[0] <= 0.3 * (1 + ROUNDING)
        assert energies[1] <= 0.2 * (1 + ROUNDING)
    assert np.linalg.matrix_rank(found.logits, tol=1e-4 * found.problem.radius / classes) == found.rank


def test_geometry_per_group_is_that_of_the_dense_matrices(solution: Solution) -> None:
    first = {1: 0, 20: 1}
    gram = solution.classifier @ solution.classifier.T
    norms = np.linalg.norm(solution.features, axis=1)
    for group in solution.groups:
        k = first[int(group.samples)]
        assert group.classes == UNSORTED.count(int(group.samples))
        assert group.classifier_norm == pytest.approx(math.sqrt(gram[k, k]), rel=1e-9)
        assert group.feature_norm == pytest.approx(norms[k], rel=1e-9)
        assert group.within_cosine == pytest.approx(gram[k, k + 2] / gram[k, k], rel=1e-9)
    between = gram[0, 1] / math.sqrt(gram[0, 0] * gram[1, 1])
    assert solution.between_cosine[0][1] == pytest.approx(between, rel=1e-9)
    assert solution.between_cosine[1][0] == pytest.approx(between, rel=1e-9)
    assert solution.between_cosine[0][0] == solution.groups[0].within_cosine
    for place, group in enumerate(solution.problem.groups):
        assert solution.classifier_gram.diagonal(place) == pytest.approx(solution.groups[place].classifier_norm ** 2, rel=1e-12)
        assert solution.feature_gram.diagonal(place) == pytest.approx(solution.groups[place].feature_norm ** 2, rel=1e-12)
        assert group.classes == solution.groups[place].classes


def test_cosines_that_do_not_exist_are_none() -> None:
    vanished = solve(LayerPeeled.from_groups([(7, 100), (3, 1)], feature_energy=5.0))  # R1 = 5.705330 (reference/thresholds.json)
    assert vanished.vanished == (False, True)
    assert vanished.groups[1].classifier_norm == 0.0
    assert vanished.groups[1].within_cosine is None
    assert vanished.between_cosine[0][1] is None
    assert vanished.between_cosine[0][0] == pytest.approx(-1 / 6, rel=1e-12)  # what is left is an ETF of seven
    single = solve(LayerPeeled(counts=[5, 1, 1], feature_energy=1.0))
    assert single.groups[0].within_cosine is None
    assert single.between_cosine[0][0] is None
    collapsed = solve(LayerPeeled.from_groups([(2, 4), (2, 1)], feature_energy=1.0))  # R0 = 3.38 (reference/thresholds.json)
    assert collapsed.groups[1].within_cosine == 1.0
    assert collapsed.groups[1].collapsed


def test_the_balanced_solution_is_a_neural_collapse() -> None:
    found = solve(LayerPeeled(counts=[3] * 6, feature_energy=5.0, weight_energy=0.2))
    geometry = collapse_geometry(found.classifier, found.features)
    assert max(geometry.feature_etf, geometry.classifier_etf, geometry.duality) < ROUNDING
    imbalanced = solve(LayerPeeled(counts=[9] * 3 + [3] * 3, feature_energy=5.0, weight_energy=0.2))
    assert collapse_geometry(imbalanced.classifier, imbalanced.features).duality > 1e-3


def test_the_frame_has_one_row_per_group(solution: Solution) -> None:
    frame = solution.to_dataframe()
    assert frame.columns.tolist() == [field.name for field in dataclasses.fields(solution.groups[0])]
    assert frame["classes"].tolist() == [3, 2]
    assert frame["samples"].tolist() == [1, 20]
    assert frame["classifier_norm"].tolist() == [group.classifier_norm for group in solution.groups]


def test_the_plot_draws_on_the_axes_given_or_on_its_own(solution: Solution) -> None:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots()
    assert solution.plot(axes) is axes
    (image,) = axes.get_images()
    assert np.asarray(image.get_array()).tolist() == [list(row) for row in solution.between_cosine]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["3×1", "2×20"]
    own = solve(LayerPeeled(counts=[5, 1, 1], feature_energy=1.0)).plot()  # holds a cosine that does not exist
    assert own is not axes
    plt.close(figure)
    plt.close(own.figure)


def test_a_million_classes_are_solved_and_their_logits_refused() -> None:
    found = solve(LayerPeeled.from_groups([(500_000, 3), (500_000, 1)], feature_energy=4.0))
    assert found.groups[1].classes == 500_000
    assert found.between_cosine[0][0] == pytest.approx(-1 / 499_999, rel=1e-6)  # the minority has vanished: an ETF of the majority is left
    for matrix in ("logits", "features", "classifier"):
        with pytest.raises(UnusableInput, match="1000000 classes needs 8000 GB: at most 20000 classes are formed"):
            getattr(found, matrix)


# The exact optimum, enclosed.

ENCLOSED = {
    "distinct": (2, 2, 2.0, 1.0),
    "collapsed": (2, 2, 4.0, 1.0),
    "vanished": (3, 2, 8.0, 1.0),
    "one minority class": (3, 1, 2.0, 1.0),
    "balanced": (2, 2, 1.0, 1.0),
}


@pytest.mark.parametrize("name", ENCLOSED)
def test_enclosures_of_a_reference_solution_contain_the_exact_optimum(name: str) -> None:
    majority, minority, imbalance, root_energy = ENCLOSED[name]
    problem = LayerPeeled.from_imbalance(majority, minority, imbalance, feature_energy=2 * root_energy, weight_energy=root_energy / 2)
    exact, enclosed = solve(problem), Enclosures(solve(problem, route="sdp"))
    gram, feature_gram, logits = exact.classifier @ exact.classifier.T, exact.features @ exact.features.T, exact.logits
    starts = np.concatenate([[0], np.cumsum(problem.sizes)]).tolist()
    found: list[Bracket] = []

    def hold(bracket: Bracket, value: float) -> None:
        assert bracket.rigorous
        assert bracket.lower - ROUNDING <= value <= bracket.upper + ROUNDING  # the exact optimum is itself in doubles
        found.append(bracket)

    hold(enclosed.rank(), exact.rank)
    groups = range(len(problem.groups))
    for g in groups:
        k = starts[g]
        hold(enclosed.classifier_norm(g), math.sqrt(max(gram[k, k], 0.0)))
        hold(enclosed.feature_norm(g), math.sqrt(max(feature_gram[k, k], 0.0)))
        if not exact.vanished[g]:
            hold(enclosed.alignment(g), float(logits[k, k] / math.sqrt(gram[k, k] * feature_gram[k, k])))
        if problem.sizes[g] > 1:
            inner = float(logits[k, k] - logits[k, k + 1])
            hold(enclosed.inner_value(g), inner)
            hold(enclosed.share_of_own(g), 1 / (1 + (problem.sizes[g] - 1) * math.exp(-inner)))
            hold(enclosed.classifier_distance(g), float(np.linalg.norm(exact.classifier[k] - exact.classifier[k + 1])))
    for g, h in product(groups, groups):
        if (g != h or problem.sizes[g] > 1) and not exact.vanished[g] and not exact.vanished[h]:
            k, other = starts[g], starts[h] + int(g == h)
            hold(enclosed.classifier_cosine(g, h), float(gram[k, other] / math.sqrt(gram[k, k] * gram[other, other])))
            hold(enclosed.feature_cosine(g, h), float(feature_gram[k, other] / math.sqrt(feature_gram[k, k] * feature_gram[other, other])))
    # They say something: the middle enclosure is far narrower than the trivial ones.
    assert np.median([bracket.width for bracket in found]) < 0.05


@given(two_groups(largest_group=20, largest_imbalance=100.0, least_root=0.2, largest_root=3.0))
@pytest.mark.slow
def test_enclosures_of_the_exact_route_are_narrow_and_hold_its_own_geometry(case: TwoGroups) -> None:
    majority, minority, imbalance, root_energy = case
    found = solve(LayerPeeled.from_imbalance(majority, minority, imbalance, feature_energy=root_energy, weight_energy=root_energy))
    enclosed = Enclosures(found)
    for g, group in enumerate(found.groups):
        assert enclosed.classifier_norm(g).contains(group.classifier_norm)
        assert enclosed.feature_norm(g).contains(group.feature_norm)
        if group.within_cosine is not None:
            assert enclosed.classifier_cosine(g, g).contains(group.within_cosine)
    assert enclosed.rank().contains(found.rank)


def test_a_wrong_geometry_is_not_enclosed() -> None:
    """Control: the brackets of one imbalance do not contain the optimum of another."""
    enclosed = Enclosures(solve(LayerPeeled.from_imbalance(2, 2, 2.0, feature_energy=1.0), route="sdp"))
    other = solve(LayerPeeled.from_imbalance(2, 2, 2.2, feature_energy=1.0))
    assert other.groups[1].within_cosine is not None
    assert not enclosed.classifier_cosine(1, 1).contains(other.groups[1].within_cosine)
    assert not enclosed.inner_value(1).contains(float(other.matrix.inner[1]))


def test_enclosures_need_a_strictly_convex_loss() -> None:
    hinge = solve(LayerPeeled(counts=[2, 1], feature_energy=0.1, loss="hinge"))
    with pytest.raises(UnusableInput, match="use cross-entropy or the squared error"):
        Enclosures(hinge)


def test_the_squared_error_is_enclosed_too() -> None:
    """Z = diag(z): ‖w_k‖² = z_k √(E_W/E_H), features and classifiers of different classes are orthogonal, and z_k is the margin."""
    exact = solve(LayerPeeled.from_groups([(2, 5), (3, 2)], feature_energy=0.2, loss="squared"))
    enclosed = Enclosures(solve(exact.problem, route="factored", tolerance=1e-12))
    for g, value in enumerate(np.diag(exact.matrix.outer).tolist()):
        assert enclosed.inner_value(g).contains(value)
        assert enclosed.classifier_norm(g).contains(math.sqrt(value / math.sqrt(0.2)))
        assert enclosed.inner_value(g).width < 1e-3
    assert enclosed.feature_cosine(0, 1).contains(0.0)


def test_enclosures_of_a_single_class_have_no_pair() -> None:
    enclosed = Enclosures(solve(LayerPeeled(counts=[2, 1, 1], feature_energy=1.0)))
    for ask in (enclosed.inner_value, enclosed.share_of_own, lambda g: enclosed.classifier_cosine(g, g)):
        with pytest.raises(UnusableInput, match="1 class"):
            ask(0)


def test_a_short_classifier_is_zero_only_by_certificate() -> None:
    """K_A = 7, K_B = 3, E_H = 5: R1 = 5.70533; at 5.704 the norm is 0.0087 and not zero."""
    short = solve(LayerPeeled.from_imbalance(7, 3, 5.704, feature_energy=5.0), route="sdp", solver="scs", tolerance=1e-11)
    assert short.groups[1].classifier_norm < 0.015
    assert short.vanished[1] is not True
    assert solve(LayerPeeled.from_imbalance(7, 3, 6.5, feature_energy=5.0), route="sdp").vanished == (False, True)


def test_a_short_classifier_of_another_loss_is_left_open() -> None:
    found = solve(LayerPeeled.from_groups([(2, 1000), (1, 10), (3, 9)], feature_energy=0.05, loss="squared"), route="factored")
    assert True not in found.vanished
    assert None in found.vanished
