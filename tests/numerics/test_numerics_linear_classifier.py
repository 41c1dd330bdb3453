"""One linear classifier for all classes: its certificates in exact rationals, and how it relates to pairs."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import refused
from scipy.optimize import linprog
from strategies import OFTEN_ENOUGH, tally

from layerpeel.numerics import LinearSeparability, linear_classifier, pairwise_separable, separating_hyperplane

PINWHEEL = [np.array(ends, dtype=float) for ends in ([[-2, -2], [0, 2]], [[-1, -1], [4, -3]], [[1, -1], [0, 4]])]
"""Three segments, disjoint, so that every two are separable; no three affine scores name all six ends."""


def _fractions(numbers: np.ndarray) -> list[Fraction]:
    return [Fraction(x) for x in np.asarray(numbers, dtype=float).tolist()]


def proved(classes: list[np.ndarray], answer: LinearSeparability) -> None:
    """The scores lead by at least `lead` in exact arithmetic; or the demands cancel, up to the stated error of the weights."""
    if answer.classifier is not None:
        assert answer.separable
        found = answer.classifier
        anchor, offsets = _fractions(found.anchor), _fractions(found.offsets)
        weights = [_fractions(row) for row in found.weights]
        for own, points in enumerate(classes):
            for point in points:
                centred = [z - a for z, a in zip(_fractions(point), anchor, strict=True)]
                scores = [sum(w * z for w, z in zip(row, centred, strict=True)) - b for row, b in zip(weights, offsets, strict=True)]
                lead = scores[own] - max(score for k, score in enumerate(scores) if k != own)
                assert lead >= Fraction(found.lead) > 0
    if answer.contradiction is not None:
        assert answer.separable is False
        held = answer.contradiction
        points = np.concatenate(classes)
        labels = np.repeat(np.arange(len(classes)), [len(cloud) for cloud in classes])
        assert (labels[held.samples] == held.own).all()
        assert (held.own != held.rivals).all()
        assert held.weights.min() > held.weight_error or held.weight_error <= 2.0**-53
        assert held.weights.sum() == pytest.approx(1.0, abs=len(held.weights) * held.weight_error + 1e-15)
        lifted = np.column_stack([points, np.ones(len(points))])[held.samples]
        signs = np.eye(len(classes))[held.own] - np.eye(len(classes))[held.rivals]
        demands = np.einsum("s,sk,sq->kq", held.weights, signs, lifted)
        bound = (held.weight_error + 1e-15) * np.abs(lifted).sum(axis=0)
        assert (np.abs(demands) <= bound + 1e-300).all()


@st.composite
def several(draw: st.DrawFn) -> list[np.ndarray]:
    """Two to four classes of one to four samples on a small lattice, or scattered about distinct means."""
    number, p = draw(st.integers(2, 4)), draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sizes = [draw(st.integers(1, 4)) for _ in range(number)]
    if draw(st.booleans()):
        return [rng.integers(-2, 3, (size, p)).astype(float) for size in sizes]
    return [rng.standard_normal((size, p)) + 3.0 * rng.standard_normal(p) for size in sizes]


def by_program(classes: list[np.ndarray]) -> bool:
    """Whether (w_k − w_j)·x − (b_k − b_j) ≥ 1 is feasible, by HiGHS."""
    number, p = len(classes), classes[0].shape[1]
    rows = []
    for own, points in enumerate(classes):
        for point in points:
            for rival in set(range(number)) - {own}:
                row = np.zeros((number, p + 1))
                row[own], row[rival] = [*point, 1.0], [*-point, -1.0]
                rows.append(-row.ravel())
    found = linprog(np.zeros(number * (p + 1)), A_ub=np.array(rows), b_ub=-np.ones(len(rows)), bounds=(None, None))
    assert found.status in {0, 2}
    return found.status == 0


def test_the_classes_reach_both_answers() -> None:
    seen = tally(several(), lambda classes: [(len(classes) > 2, linear_classifier(classes).separable)], examples=150)
    assert all(seen[more, answer] >= OFTEN_ENOUGH for more in (False, True) for answer in (False, True))


@settings(max_examples=120)
@given(several())
def test_every_answer_is_proved_and_a_linear_program_agrees(classes: list[np.ndarray]) -> None:
    answer = linear_classifier(classes)
    assert answer.classifier is not None or answer.contradiction is not None
    proved(classes, answer)
    assert answer.separable == by_program(classes)


@settings(max_examples=60)
@given(several())
def test_one_classifier_for_all_separates_every_pair(classes: list[np.ndarray]) -> None:
    pairs = [separating_hyperplane(classes[k], classes[j]).separable for k in range(len(classes)) for j in range(k)]
    together = linear_classifier(classes).separable
    assert all(pairs) or not together
    if len(classes) == 2:
        assert together == pairs[0]


def test_disjoint_segments_can_defy_every_linear_classifier() -> None:
    assert pairwise_separable(np.stack(PINWHEEL)[None]).all_pairs.tolist() == [True]
    answer = linear_classifier(PINWHEEL)
    assert answer.separable is False
    proved(PINWHEEL, answer)


def test_disjoint_intervals_never_do() -> None:
    """On the line, scores of increasing slope name any number of disjoint intervals in order."""
    classes = [np.array([[3.0 * k], [3.0 * k + 2.9]]) for k in np.random.default_rng(0).permutation(7)]
    answer = linear_classifier(classes)
    assert answer.separable
    proved(classes, answer)


def test_scores_follow_units_and_offsets_of_the_data() -> None:
    for unit, offset in ((1e-200, 0.0), (1e200, 0.0), (1.0, 1e9), (1e-6, 1.0)):
        classes = [unit * np.array(points) + offset for points in ([[0.0, 0.0], [1.0, 0.0]], [[5.0, 5.0]], [[-5.0, 5.0]])]
        answer = linear_classifier(classes)
        assert answer.classifier is not None
        proved(classes, answer)


def test_features_that_never_vary_get_no_weight() -> None:
    classes = [np.array([[7.0, x, -2.0]]) for x in (0.0, 1.0, 2.5)]
    answer = linear_classifier(classes)
    assert answer.classifier is not None
    assert not answer.classifier.weights[:, [0, 2]].any()


def test_unusable_classes_are_refused() -> None:
    one = np.ones((2, 3))
    refused(lambda: linear_classifier([one]), "1 classes were given", "at least 2")
    refused(lambda: linear_classifier([one, np.ones((2, 2))]), "entry 1 of classes", "(2, 2)", "p is 3")
    refused(lambda: linear_classifier([one, np.zeros((0, 3))]), "class 2 has the shape (0, 3)")
    refused(lambda: linear_classifier([one, one, np.full((1, 3), np.inf)]), "class 3 holds inf")
