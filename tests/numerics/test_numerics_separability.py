"""Separating hyperplanes and common points: every certificate is checked again in exact rationals, every answer by a linear program."""

import itertools
import math
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import refused
from scipy.optimize import linprog
from strategies import OFTEN_ENOUGH, log_uniform, tally

from layerpeel.numerics import PairwiseSeparability, Separability, pairwise_separable, separated_along, separating_hyperplane
from layerpeel.numerics.separability._gordan import EXACT_DIMENSION, Balanced, Positive, certainly_positive, gordan, rationals
from layerpeel.numerics.separability._homogeneous import verified_lead

TINY = 5e-324
"""The least positive double."""

LARGEST = 1.7976931348623157e308
"""The largest double."""


def _fractions(numbers: np.ndarray) -> list[Fraction]:
    return [Fraction(x) for x in np.asarray(numbers, dtype=float).tolist()]


def _rationals(numbers: np.ndarray) -> list[fmpq]:
    return [fmpq(*x.as_integer_ratio()) for x in np.asarray(numbers, dtype=float).tolist()]


def proved(x: np.ndarray, y: np.ndarray, answer: Separability) -> None:
    """The certificate holds in exact arithmetic, and there is exactly one."""
    if answer.separable is None:
        assert answer.hyperplane is None
        assert answer.common_point is None
        return
    if answer.separable:
        plane = answer.hyperplane
        assert plane is not None
        assert answer.common_point is None
        normal, offset = plane.exact or (tuple(_fractions(plane.normal)), Fraction(plane.offset))
        anchor = _fractions(plane.anchor)
        values = [
            [sum(n * (z - a) for n, z, a in zip(normal, _fractions(point), anchor, strict=True)) - offset for point in points]
            for points in (x, y)
        ]
        room = min(*values[0], *(-value for value in values[1]))
        assert room > 0
        assert room**2 >= Fraction(plane.margin) ** 2 * sum(n * n for n in normal)
        assert plane.margin > 0 or room**2 < (2 * Fraction(TINY)) ** 2 * sum(n * n for n in normal)
        return
    common = answer.common_point
    assert common is not None
    assert answer.hyperplane is None
    shares = [_fractions(common.first), _fractions(common.second)]
    for share in shares:
        assert min(share) >= 0
        assert abs(sum(share) - 1) <= len(share) * Fraction(common.weight_error) + Fraction(1, 10**14)
    points = [
        [sum(w * z for w, z in zip(share, column, strict=True)) / sum(share) for column in zip(*map(_fractions, cloud), strict=True)]
        for share, cloud in zip(shares, (x, y), strict=True)
    ]
    distance = sum((a - b) ** 2 for a, b in zip(*points, strict=True))
    assert distance <= Fraction(common.residual) ** 2
    spread = max(abs(Fraction(float(z))) for z in (np.concatenate([x, y]) - np.concatenate([x, y]).mean(axis=0)).ravel())
    # The hulls meet for certain; what the rounded weights leave open is small against the data.
    assert common.residual <= 1e-8 * float(spread) + 1e-320
    # The exact weights on the same samples: a rational solution of Σ λ (x, 1) = Σ μ (y, 1), Σ λ + Σ μ = 2.
    signed = [[*_rationals(z), fmpq(1)] for z in x[common.first > 0]] + [[*_rationals(-z), fmpq(-1)] for z in y[common.second > 0]]
    equations = fmpq_mat([[*entries, fmpq(0)] for entries in zip(*signed, strict=True)] + [[fmpq(1)] * len(signed) + [fmpq(2)]])
    reduced, rank = equations.rref()
    assert rank == len(signed)
    rounded = np.concatenate([common.first[common.first > 0], common.second[common.second > 0]])
    for i, weight in enumerate(_rationals(rounded)):
        assert reduced[i, len(signed)] > 0
        assert abs(weight - reduced[i, len(signed)]) <= _rationals(np.array([common.weight_error]))[0]


def by_program(x: np.ndarray, y: np.ndarray) -> bool:
    """Whether ν·x − c ≥ 1, ν·y − c ≤ −1 is feasible, by HiGHS."""
    conditions = np.vstack([np.column_stack([-x, np.ones(len(x))]), np.column_stack([y, -np.ones(len(y))])])
    found = linprog(np.zeros(conditions.shape[1]), A_ub=conditions, b_ub=-np.ones(len(conditions)), bounds=(None, None))
    assert found.status in {0, 2}
    return found.status == 0


class Clouds(NamedTuple):
    """Two classes; the kind says how they were drawn."""

    kind: str
    x: np.ndarray
    y: np.ndarray


def _lattice(rng: np.random.Generator, n: int, m: int, p: int) -> tuple[np.ndarray, np.ndarray]:
    return rng.integers(-2, 3, (n, p)).astype(float), rng.integers(-2, 3, (m, p)).astype(float)


def _normal(rng: np.random.Generator, n: int, m: int, p: int) -> tuple[np.ndarray, np.ndarray]:
    return rng.standard_normal((n, p)), rng.standard_normal((m, p)) + rng.choice([0.0, 1.0, 3.0])


def _far_off(rng: np.random.Generator, n: int, m: int, p: int) -> tuple[np.ndarray, np.ndarray]:
    """A common offset of 1e9 against a spread of 1e-3."""
    x, y = _normal(rng, n, m, p)
    return 1e9 + 1e-3 * x, 1e9 + 1e-3 * y


def _stretched(rng: np.random.Generator, n: int, m: int, p: int) -> tuple[np.ndarray, np.ndarray]:
    """Features on scales from 1e-12 to 1e12."""
    x, y = _normal(rng, n, m, p)
    scales = 10.0 ** rng.uniform(-12, 12, p)
    return x * scales, y * scales


def _mixtures(rng: np.random.Generator, n: int, m: int, p: int) -> tuple[np.ndarray, np.ndarray]:
    """Convex combinations of the other class, rounded: often on the very boundary of its hull."""
    x = rng.standard_normal((n, p))
    return x, rng.dirichlet(np.ones(n), m) @ x


def _flat(rng: np.random.Generator, n: int, m: int, p: int) -> tuple[np.ndarray, np.ndarray]:
    """On a plane through the origin, up to rounding."""
    basis = rng.standard_normal((2, p))
    return rng.standard_normal((n, 2)) @ basis, rng.standard_normal((m, 2)) @ basis


def _repeated(rng: np.random.Generator, n: int, m: int, p: int) -> tuple[np.ndarray, np.ndarray]:
    """The other class drawn from the points of this one, or from their mirror images."""
    x = 10.0 ** rng.uniform(-290, 290) * rng.standard_normal((n, p))
    return x, x[rng.integers(0, n, m)] * rng.choice([-1.0, 1.0])


def _tenths(rng: np.random.Generator, n: int, m: int, p: int) -> tuple[np.ndarray, np.ndarray]:
    """A lattice whose points are not doubles."""
    x, y = _lattice(rng, n, m, p)
    return 0.1 * x, 0.1 * y


KINDS = {kind.__name__.removeprefix("_"): kind for kind in (_lattice, _normal, _far_off, _stretched, _mixtures, _flat, _repeated, _tenths)}
GENERIC = {"lattice", "normal", "repeated"}
"""Kinds whose answer a linear program with a tolerance of 1e-7 gets right: exact small integers, or points in general position."""


@st.composite
def clouds(draw: st.DrawFn, largest: int = 9) -> Clouds:
    """Two classes of one to nine samples in one to six features, of every kind."""
    kind = draw(st.sampled_from(sorted(KINDS)))
    n, m, p = draw(st.integers(1, largest)), draw(st.integers(1, largest)), draw(st.integers(1, 6))
    x, y = KINDS[kind](np.random.default_rng(draw(st.integers(0, 2**32 - 1))), n, m, p)
    return Clouds(kind, x, y)


@pytest.mark.slow
def test_the_clouds_reach_both_answers_of_every_kind() -> None:
    seen = tally(clouds(), lambda cloud: [(cloud.kind, separating_hyperplane(cloud.x, cloud.y).separable)], examples=400)
    assert all(seen[kind, answer] >= OFTEN_ENOUGH for kind in KINDS for answer in (True, False)), seen
    assert not any(seen[kind, None] for kind in KINDS)  # with few features every question is decided


@settings(max_examples=250)
@given(clouds())
def test_every_certificate_holds_in_exact_arithmetic(cloud: Clouds) -> None:
    proved(cloud.x, cloud.y, separating_hyperplane(cloud.x, cloud.y))


@settings(max_examples=150)
@given(clouds().filter(lambda cloud: cloud.kind in GENERIC))
def test_a_linear_program_agrees(cloud: Clouds) -> None:
    scale = max(np.abs(cloud.x).max(), np.abs(cloud.y).max()) or 1.0
    assert separating_hyperplane(cloud.x, cloud.y).separable == by_program(cloud.x / scale, cloud.y / scale)


@settings(max_examples=80)
@given(clouds(), st.integers(-900, 900))
def test_twins_have_the_same_answer(cloud: Clouds, power: int) -> None:
    """Exchanging, reordering and repeating samples, mirroring a feature and scaling by powers of two change nothing."""
    answer = separating_hyperplane(cloud.x, cloud.y).separable
    assert separating_hyperplane(cloud.y, cloud.x).separable == answer
    assert separating_hyperplane(cloud.x[::-1], np.concatenate([cloud.y, cloud.y[:1]])).separable == answer
    assert separating_hyperplane(-cloud.x, -cloud.y).separable == answer
    with np.errstate(over="ignore", under="ignore"):
        x, y = np.ldexp(cloud.x, power), np.ldexp(cloud.y, power)
        exact = np.array_equal(np.ldexp(x, -power), cloud.x) and np.array_equal(np.ldexp(y, -power), cloud.y)
    if exact and np.isfinite(x).all() and np.isfinite(y).all():
        assert separating_hyperplane(x, y).separable == answer


@settings(max_examples=80)
@given(clouds())
def test_more_samples_never_make_classes_separable(cloud: Clouds) -> None:
    fewer = separating_hyperplane(cloud.x[: max(1, len(cloud.x) // 2)], cloud.y).separable
    if fewer is False:
        assert separating_hyperplane(cloud.x, cloud.y).separable is False


@pytest.mark.parametrize(("p", "n"), [(9, 5), (40, 20), (200, 7), (1, 1), (3, 2)])
def test_few_samples_in_general_position_are_separable(p: int, n: int) -> None:
    """2n ≤ p + 1 affinely independent points: every split of them is linear."""
    x, y = np.random.default_rng(p).standard_normal((2, n, p))
    answer = separating_hyperplane(x, y)
    assert answer.separable
    proved(x, y, answer)


@pytest.mark.parametrize(
    ("name", "x", "y", "separable"),
    [
        ("neighbours among the doubles", [[1.0]], [[math.nextafter(1.0, 2.0)]], True),
        ("one point twice", [[1.0, 2.0]], [[1.0, 2.0]], False),
        ("the two zeros are one point", [[0.0]], [[-0.0]], False),
        ("a point between two", [[0.0, 0.0], [2.0, 2.0]], [[1.0, 1.0]], False),
        ("a point that rounding puts beside the segment", [[0.1, 0.1], [0.3, 0.3]], [[0.2, math.nextafter(0.2, 1.0)]], True),
        ("exclusive or", [[0.0, 0.0], [1.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]], False),
        ("touching in one corner", [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [2.0, 0.0], [2.0, 1.0]], False),
        ("touching along a face", [[0.0, 0.0], [0.0, 1.0], [-1.0, 0.5]], [[0.0, 0.25], [0.0, 0.75], [1.0, 0.5]], False),
        ("all alike within a class", [[3.0, 3.0]] * 4, [[4.0, 3.0]] * 5, True),
        ("all alike", [[3.0, 3.0]] * 4, [[3.0, 3.0]] * 5, False),
        ("the least positive double", [[TINY]], [[0.0]], True),
        ("between denormals", [[0.0], [2 * TINY]], [[TINY]], False),
        ("the two ends of the doubles", [[LARGEST]], [[-LARGEST]], True),
        ("the origin between the ends", [[LARGEST, LARGEST], [-LARGEST, -LARGEST]], [[0.0, 0.0]], False),
        ("features 1e600 apart, told by the small one", [[1e300, 1e-300], [-1e300, 1e-300]], [[1e300, -1e-300], [-1e300, -1e-300]], True),
        ("features 1e600 apart, inseparable", [[1e300, 1e-300], [-1e300, -1e-300]], [[0.0, 0.0]], False),
        ("a crack of 1e-16 across the cloud", [[0.0, 0.0], [1.0, 0.0]], [[0.0, 1e-16], [1.0, 1e-16], [0.5, 3.0]], True),
        ("a crack narrower than any double normal", [[0.0, 0.0], [3.0, 1.0]], [[1.0, 1 / 3]], True),
    ],
)
def test_degenerate_data_are_answered_as_they_are(name: str, x: list[list[float]], y: list[list[float]], separable: bool) -> None:
    first, second = np.array(x), np.array(y)
    answer = separating_hyperplane(first, second)
    assert answer.separable is separable, name
    if np.abs(first).max() < 1e150:  # the checker's own distances would not be doubles
        proved(first, second, answer)


def test_a_direction_that_no_doubles_hold_comes_in_fractions() -> None:
    """Points of a plane, shifted to either side by the rounding of one coordinate: some of these need more than 53 bits."""
    rng = np.random.default_rng(3)
    exact = 0
    for _ in range(60):
        x, y = _flat(rng, 5, 5, 4)
        answer = separating_hyperplane(x, y)
        proved(x, y, answer)
        exact += answer.hyperplane is not None and answer.hyperplane.exact is not None
    assert exact >= OFTEN_ENOUGH


def test_many_features_leave_only_flat_data_undecided() -> None:
    """Beyond the limit of rational arithmetic duplicates are still found; clouds that are flat up to rounding stay open."""
    p = EXACT_DIMENSION + 16
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 4 * p, p))
    y[17] = x[40]
    assert separating_hyperplane(x, y).separable is False
    proved(x[:3, :], y[:3, :], separating_hyperplane(x[:3], y[:3]))
    basis = rng.standard_normal((p // 2, p))
    x, y = rng.standard_normal((2, 3 * p, p // 2)) @ basis
    undecided = separating_hyperplane(x, y)
    assert undecided.separable is None
    proved(x, y, undecided)
    found = pairwise_separable(np.stack([x, y])[None])
    assert not found.decided[0, 0]
    with pytest.raises(ArithmeticError, match="cannot tell on 1 of 1 paths"):
        found.proportion()


def test_an_undecided_pair_matters_only_where_the_others_are_separable() -> None:
    found = PairwiseSeparability(
        pairs=((0, 1), (0, 2), (1, 2)),
        separable=np.array([[True, True, True], [False, False, True]]),
        decided=np.array([[True, True, True], [False, True, True]]),
    )
    assert (found.proportion().successes, found.proportion().n) == (1, 2)


def test_underflow_does_not_pass_for_a_positive_product() -> None:
    """0.6 + 0.6 − 3 · 0.45 < 0 in units of the least double, where each product rounds to one unit: 1 + 1 − 1."""
    rows, direction = TINY * np.array([[1.0, 1.0, -3.0]]), np.array([0.6, 0.6, 0.45])
    assert rows @ direction > 0
    assert not certainly_positive(rows, direction).any()


def test_leads_within_rounding_are_decided_in_rationals() -> None:
    """Offsets one unit in the last place around the exact difference 0.3 − 0.1 of two doubles."""
    classes, weights, anchor = [np.array([[0.3]]), np.array([[0.1]])], np.array([[1.0], [0.0]]), np.array([0.1])
    exact = Fraction(0.3) - Fraction(0.1)
    for offset in (math.nextafter(float(exact), 0.0), float(exact), math.nextafter(float(exact), 1.0)):
        lead = verified_lead(classes, weights, anchor, np.array([offset, 0.0]))
        assert (lead > 0) == (exact > Fraction(offset))
        assert Fraction(lead) <= exact - Fraction(offset)


def test_gordans_alternative_excludes_itself() -> None:
    """A v > 0 and Aᵀw = 0, w ≥ 0 cannot both hold; the small cases go through each of the three stages."""
    rng = np.random.default_rng(1)
    for _ in range(100):
        rows = rng.integers(-2, 3, (int(rng.integers(1, 8)), int(rng.integers(1, 4)))).astype(float)
        if not rows.any():
            continue
        answer = gordan(rows, lambda i, rows=rows: rationals(rows[i]))
        if isinstance(answer, Positive):
            assert answer.exact is None
            assert (rows @ answer.direction > 0).all()
        else:
            assert isinstance(answer, Balanced)
            assert answer.weights.min() > 0
            assert np.abs(rows[answer.rows].T @ answer.weights).max() <= 8 * answer.weight_error + 1e-15


@settings(max_examples=60)
@given(clouds(), st.integers(0, 2**32 - 1), st.booleans())
def test_separation_along_a_direction_is_exact(cloud: Clouds, seed: int, ordered: bool) -> None:
    rng = np.random.default_rng(seed)
    p = cloud.x.shape[1]
    direction = rng.choice([rng.standard_normal(p), np.eye(p)[rng.integers(p)], rng.integers(1, 3, p).astype(float)])

    def exact(points: np.ndarray) -> list[Fraction]:
        return [sum((n * z for n, z in zip(_fractions(direction), _fractions(point), strict=True)), Fraction(0)) for point in points]

    first, second = exact(cloud.x), exact(cloud.y)
    expected = min(first) > max(second) or (not ordered and min(second) > max(first))
    assert bool(separated_along(cloud.x, cloud.y, direction, ordered=ordered)) is expected
    if expected:
        assert separating_hyperplane(cloud.x, cloud.y).separable


def test_paths_are_separated_along_their_own_directions() -> None:
    rng = np.random.default_rng(2)
    x, y, directions = rng.standard_normal((3, 4, 2, 5)), rng.standard_normal((3, 4, 6, 5)), rng.standard_normal((3, 4, 5))
    x += 2.0 * directions[:, :, None, :] * rng.choice([-1.0, 0.0, 1.0], (3, 4, 1, 1))
    found = separated_along(x, y, directions)
    assert found.shape == (3, 4)
    assert 0 < found.sum() < 12
    for path in itertools.product(range(3), range(4)):
        assert found[path] == separated_along(x[path], y[path], directions[path])


def test_neighbouring_doubles_are_told_apart_along_a_direction() -> None:
    x, y = np.array([[0.1, 0.2]]), np.array([[0.2, 0.1]])
    assert not separated_along(x, y, np.array([1.0, 1.0]))  # the sums are one number, in whichever order they are rounded
    behind = np.array([[0.2, math.nextafter(0.1, 0.0)]])
    assert separated_along(x, behind, np.array([1.0, 1.0]), ordered=True)
    assert separated_along(behind, x, np.array([1.0, 1.0]))
    assert not separated_along(behind, x, np.array([1.0, 1.0]), ordered=True)


def test_rounded_sums_of_one_number_are_not_apart() -> None:
    """The features of x in another order have the same exact sum, while the rounded ones differ by a few units in the last place."""
    x = np.random.default_rng(4).standard_normal((200, 1, 5))
    assert not separated_along(x, x[:, :, [3, 0, 4, 1, 2]], np.ones((200, 5))).any()


@pytest.mark.parametrize(
    ("distance", "size", "features"), [(0.0, 8, 2), (2.5, 8, 2), (4.0, 60, 3), (3.0, 20, 15), (0.0, 4, 30), (9.0, 50, 3)]
)
def test_paths_get_the_answers_of_single_questions(distance: float, size: int, features: int) -> None:
    rng = np.random.default_rng([size, features])
    samples = rng.standard_normal((12, 3, size, features))
    samples[:, 1, :, 0] += distance
    samples[:, 2, :, -1] -= distance
    found = pairwise_separable(samples)
    assert found.pairs == ((0, 1), (0, 2), (1, 2))
    assert found.decided.all()
    for path in range(12):
        for column, (k, j) in enumerate(found.pairs):
            assert found.separable[path, column] == separating_hyperplane(samples[path, k], samples[path, j]).separable
    assert found.all_pairs.tolist() == found.separable.all(axis=1).tolist()
    assert found.proportion().successes == found.all_pairs.sum()


@given(log_uniform(1e-300, 1e300), st.sampled_from([0.0, 1.0, 1e6]))
@settings(max_examples=30)
def test_paths_do_not_care_for_units(unit: float, offset: float) -> None:
    samples = np.random.default_rng(5).standard_normal((4, 2, 6, 2)) + offset
    samples[:2, 1] += 5.0
    found = pairwise_separable(samples * 2.0 ** round(math.log2(unit)))
    assert found.separable[:2].all()
    assert found.separable.tolist() == pairwise_separable(samples).separable.tolist()


def test_paths_of_points_that_coincide() -> None:
    samples = np.zeros((3, 2, 4, 2))
    samples[1, 1] = 1.0
    samples[2, 0, :, 0] = np.arange(4.0)
    assert pairwise_separable(samples).separable[:, 0].tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("x", "y", "parts"),
    [
        (np.zeros((0, 2)), np.ones((1, 2)), ("class 1 has the shape (0, 2)", "add samples")),
        (np.ones((1, 2)), np.zeros((0, 2)), ("class 2 has the shape (0, 2)",)),
        (np.ones((1, 0)), np.ones((1, 0)), ("(1, 0)", "features")),
        (np.ones((1, 2)), np.ones((1, 3)), ("y of separating_hyperplane", "(1, 3)", "p is 2")),
        (np.array([[math.nan]]), np.ones((1, 1)), ("class 1 holds nan", "finite")),
        (np.ones((1, 1)), np.array([[math.inf]]), ("class 2 holds inf", "drop or mend")),
        (np.ones(3), np.ones((1, 3)), ("(3,)", "(n, p)")),
    ],
)
def test_unusable_classes_are_refused(x: np.ndarray, y: np.ndarray, parts: tuple[str, ...]) -> None:
    refused(lambda: separating_hyperplane(x, y), *parts)


def test_unusable_directions_and_paths_are_refused() -> None:
    x = np.ones((2, 3))
    refused(lambda: separated_along(x, x, np.zeros(3)), "direction is zero or not finite")
    refused(lambda: separated_along(x, x, np.array([1.0, math.nan, 0.0])), "direction is zero or not finite")
    refused(lambda: separated_along(x, x, np.ones(2)), "(2,)", "p is 3")
    refused(lambda: separated_along(x, np.ones((4, 2, 3)), np.ones(3)), "the same paths")
    refused(lambda: pairwise_separable(np.ones((2, 1, 3, 3))), "(2, 1, 3, 3)", "at least 2")
    refused(lambda: pairwise_separable(np.ones((0, 2, 3, 3))), "(0, 2, 3, 3)")
    refused(lambda: pairwise_separable(np.full((1, 2, 1, 1), math.nan)), "holds nan")
