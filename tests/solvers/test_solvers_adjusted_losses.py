"""Cross-entropy with smoothed labels and changed logits: one definition in five evaluations, twins, certificates, and refusals."""

import math
from typing import Any, NamedTuple

import numpy as np
import pytest
from flint import arb, ctx
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import refused

from layerpeel.numerics import PRECISION, Bracket, ChangedBoundary, GroupMatrix, smoothed_margin
from layerpeel.solvers import (
    LOSS_REMEDIES,
    Enclosures,
    LayerPeeled,
    Problem,
    UnconstrainedFeatures,
    certify,
    critical_oversampling,
    descend,
    group_under_remedy,
    least_strength,
    solve,
    with_remedy,
)
from layerpeel.solvers.program._losses import BallLogits
from layerpeel.solvers.proof._in_balls import InBalls
from layerpeel.solvers.proof._in_doubles import InDoubles
from layerpeel.solvers.routes._interior import solve_interior

ROUNDING = 1e-11
"""Relative error of a loss in doubles: logits of up to a few hundred enter exponents, each with their own rounding."""

WIDTH = 1e-11
"""Width of the enclosures in doubles against the terms that enter them, as for the plain losses."""

SHARP = 1e-10
"""Relative gap asked for."""


class Drawn(NamedTuple):
    """A program with everything changed at once, and a matrix over its groups."""

    problem: Problem
    matrix: GroupMatrix
    bias: np.ndarray | None


def drawn_from(sizes: list[int], seed: int, scale: float, *, penalised: bool = False, bias: bool = False) -> Drawn:
    rng = np.random.default_rng(seed)
    samples = rng.choice(1000, len(sizes), replace=False) + 1
    groups = [(size, int(count)) for size, count in zip(sizes, samples, strict=True)]
    options: dict[str, Any] = {
        "label_smoothing": float(rng.uniform(0, 0.9)),
        "logit_scale": np.exp(rng.normal(0, 0.7, len(sizes))).tolist(),
        "logit_shift": rng.normal(0, 3, len(sizes)).tolist(),
        "margins": rng.uniform(0, 4, len(sizes)).tolist(),
        "norm_weights": "sample" if rng.uniform() < 0.5 else "class",
        "bias_penalty": 0.1 if bias else None,
    }
    if penalised:
        problem: Problem = UnconstrainedFeatures.from_groups(groups, feature_penalty=0.05, weight_penalty=0.02, **options)
    else:
        problem = LayerPeeled.from_groups(groups, feature_energy=0.7, **options)
    inner = np.where(np.array(sizes) > 1, rng.standard_normal(len(sizes)), 0.0)
    matrix = GroupMatrix(tuple(sizes), scale * inner, scale * rng.standard_normal((len(sizes), len(sizes))))
    return Drawn(problem, matrix, rng.standard_normal(len(sizes)) if bias else None)


programs = st.fixed_dictionaries(
    {
        "sizes": st.lists(st.sampled_from([1, 1, 2, 3, 6]), min_size=2, max_size=5),
        "seed": st.integers(0, 2**32 - 1),
        "scale": st.sampled_from([0.01, 1.0, 10.0]),
        "penalised": st.booleans(),
        "bias": st.booleans(),
    }
)


def by_definition(problem: Problem, logits: np.ndarray) -> float:
    """logsumexp(u) − Σ_j q_j u_j, with u and q written out entry by entry."""
    scale, shift, margin = (
        np.repeat(values, problem.sizes) for values in np.array([tuple(group.adjustment) for group in problem.groups]).T
    )
    classes, delta, total = problem.num_classes, problem.label_smoothing, 0.0
    for k, weight in enumerate(np.repeat(problem.weights, problem.sizes).tolist()):
        u = [scale[j] * logits[k, j] + shift[j] - (margin[k] if j == k else 0.0) for j in range(classes)]
        q = [delta / classes + (1 - delta if j == k else 0.0) for j in range(classes)]
        top = max(u)
        total += weight * (
            top + math.log(math.fsum(math.exp(each - top) for each in u)) - math.fsum(a * b for a, b in zip(q, u, strict=True))
        )
    return total


def in_balls(problem: Problem, matrix: GroupMatrix) -> BallLogits:
    weights = [arb(weight) for weight in problem.weights.tolist()]
    return BallLogits(
        matrix.sizes, weights, [arb(x) for x in matrix.inner.tolist()], [[arb(x) for x in row] for row in matrix.outer.tolist()]
    )


@given(programs)
def test_five_evaluations_of_the_value_agree(drawn: dict[str, Any]) -> None:
    problem, matrix, _ = drawn_from(**drawn)
    loss, dense = problem.loss_function, matrix.dense()
    expected = by_definition(problem, dense)
    scale = max(abs(expected), float(np.abs(dense).max()), 10.0)
    weights, labels = np.repeat(problem.weights, problem.sizes), np.arange(problem.num_classes)
    with ctx.workprec(PRECISION):
        ball = loss.value(in_balls(problem, matrix))
        assert float(ball.rad()) <= 1e-25 * scale
    found = [
        float(ball),
        loss.dense(dense, weights, labels)[0],
        loss.grouped(matrix, problem.weights)[0],
        float((problem.weights * problem.sizes) @ loss.by_group(matrix)),
    ]
    np.testing.assert_allclose(found, expected, rtol=0, atol=ROUNDING * scale)


@given(programs)
def test_slopes_are_difference_quotients_and_touch(drawn: dict[str, Any]) -> None:
    problem, matrix, _ = drawn_from(**drawn)
    loss, weights, labels = problem.loss_function, np.repeat(problem.weights, problem.sizes), np.arange(problem.num_classes)
    dense = matrix.dense()
    _, gradient = loss.dense(dense, weights, labels)
    direction, step = np.random.default_rng(0).standard_normal(dense.shape), 1e-5
    ahead, behind = (loss.dense(dense + sign * step * direction, weights, labels)[0] for sign in (1, -1))
    steep = float(problem.logit_scale.max()) ** 3
    assert (ahead - behind) / (2 * step) == pytest.approx(np.sum(gradient * direction), abs=1e-7 * max(1.0, steep, abs(ahead)))
    value, slope = loss.grouped(matrix, problem.weights)
    scale = max(1.0, float(problem.logit_scale.max())) * max(abs(value), float(np.abs(dense).max()), 1.0) * problem.num_classes
    np.testing.assert_allclose(slope.dense(), gradient, rtol=0, atol=ROUNDING * scale)
    with ctx.workprec(PRECISION):
        sharp = loss.slope(in_balls(problem, matrix), None)
    assert float(sharp.value) == pytest.approx(value, abs=ROUNDING * scale)
    assert float(sharp.constant) == pytest.approx(value - slope.dot(matrix), abs=ROUNDING * scale**2)
    np.testing.assert_allclose([[float(x) for x in row] for row in sharp.outer], slope.outer, rtol=0, atol=ROUNDING * scale)
    several = np.array(problem.sizes) > 1
    np.testing.assert_allclose(np.array([float(x) for x in sharp.inner])[several], slope.inner[several], rtol=0, atol=ROUNDING * scale)


@given(programs)
def test_a_tangent_touches_where_it_says(drawn: dict[str, Any]) -> None:
    problem, matrix, _ = drawn_from(**drawn)
    loss, gentle = problem.loss_function, matrix.scaled(min(1.0, 5.0 / max(1.0, float(np.abs(matrix.dense()).max()))))
    value, slope = loss.grouped(gentle, problem.weights)
    touching = loss.touching(slope, problem.weights)
    constant, same = loss.affine(touching, problem.weights)
    scale = max(1.0, float(problem.logit_scale.max())) * problem.num_classes * 100.0
    np.testing.assert_allclose(same.dense(), slope.dense(), rtol=0, atol=ROUNDING * scale)
    assert constant == pytest.approx(value - slope.dot(gentle), abs=ROUNDING * scale**2)


@settings(max_examples=60)
@given(programs, st.booleans())
def test_both_arithmetics_overlap_and_are_narrow(drawn: dict[str, Any], touching: bool) -> None:
    problem, matrix, bias = drawn_from(**drawn)
    tangent = matrix.scaled(0.5) if touching else None
    with ctx.workprec(PRECISION):
        sharp, fast = InBalls(problem, matrix, None, bias, tangent), InDoubles(problem, matrix, None, bias, tangent)
        for place in (arb(1), arb(3)):
            exact, rounded = sharp.loss(place), fast.loss(place)
            assert exact.overlaps(rounded)
            assert float(rounded.rad()) <= WIDTH * (float(rounded.abs_upper()) + 100.0)
        sharp.scale = fast.scale = arb(1)
        one, other = sharp.minorant(), fast.minorant()
        assert one.constant.overlaps(other.constant)
        assert one.drift.overlaps(other.drift)
        assert float(other.norm) == pytest.approx(float(one.norm), rel=WIDTH)


@settings(max_examples=25, deadline=None)
@given(programs, st.integers(0, 2**32 - 1))
def test_what_any_candidate_proves_holds_the_optimum(drawn: dict[str, Any], seed: int) -> None:
    problem, matrix, bias = drawn_from(**drawn)
    optimum = solve(problem, route="factored", tolerance=SHARP)
    assert optimum.converged, optimum.status
    assert certify(problem, matrix, None, bias).value.overlaps(optimum.value)
    blurred = optimum.matrix + GroupMatrix(
        matrix.sizes, 0 * matrix.inner, 1e-3 * np.random.default_rng(seed).standard_normal(matrix.outer.shape)
    )
    found = certify(problem, blurred, None, optimum.group_bias, optimum.tangent).value
    assert found.overlaps(optimum.value)
    assert found.upper >= optimum.value.lower


CHANGED: list[dict[str, Any]] = [
    {"label_smoothing": 0.2},
    {"logit_scale": [1.0, 2.0, 0.5]},
    {"logit_shift": [2.0, 1.0, 0.0]},
    {"margins": [0.0, 1.0, 2.0]},
    {"label_smoothing": 0.1, "logit_scale": [1.0, 1.5, 2.0], "logit_shift": [1.0, 0.0, -1.0], "margins": [0.1, 0.2, 0.3]},
]
GROUPS = [(2, 30), (1, 9), (2, 2)]


@pytest.mark.parametrize("changed", CHANGED, ids=["-".join(each) for each in CHANGED])
@pytest.mark.parametrize("bias", [None, 0.01])
def test_routes_agree_on_value_phases_and_logits(changed: dict[str, Any], bias: float | None) -> None:
    for problem in (
        LayerPeeled.from_groups(GROUPS, feature_energy=1.0, bias_penalty=bias, **changed),
        UnconstrainedFeatures.from_groups(GROUPS, feature_penalty=0.02, weight_penalty=0.02, bias_penalty=bias, **changed),
    ):
        first, second = (solve(problem, route=route, tolerance=SHARP) for route in ("factored", "sdp"))
        assert first.converged, first
        assert second.converged, second
        assert first.value.overlaps(second.value)
        assert first.collapsed == second.collapsed
        distance = float(np.linalg.norm((first.group_logits - second.group_logits).dense()))
        assert distance <= first.distance_bound + second.distance_bound + 1e-9
        optimum = Enclosures(first)
        assert [optimum.coincide(0), optimum.coincide(2)] == [first.collapsed[0], first.collapsed[2]]
        assert solve(problem).route == "factored"


def test_the_barrier_method_finds_the_same() -> None:
    problem = LayerPeeled.from_groups(GROUPS, feature_energy=1.0, **CHANGED[-1])
    found = solve_interior(problem, 10.0)
    assert found is not None
    proof = certify(problem, *found)
    assert proof.relative_gap < 1e-12
    assert proof.value.overlaps(solve(problem, route="factored").value)


@given(st.floats(0.2, 5.0), st.floats(-50, 50))
@settings(max_examples=10, deadline=None)
def test_one_factor_for_all_is_energy_and_one_shift_for_all_is_nothing(factor: float, shift: float) -> None:
    plain = solve(LayerPeeled.from_groups(GROUPS, feature_energy=0.5 * factor**2), tolerance=SHARP)
    twin = solve(LayerPeeled.from_groups(GROUPS, feature_energy=0.5, logit_scale=factor, logit_shift=shift), tolerance=SHARP)
    assert plain.value.overlaps(twin.value)


def test_energy_is_left_unused_beyond_the_smoothed_margin() -> None:
    for classes, delta in ((3, 0.3), (10, 0.05)):
        least = smoothed_margin(classes, delta)
        entropy = -(1 - delta + delta / classes) * math.log(1 - delta + delta / classes)
        entropy -= (classes - 1) * delta / classes * math.log(delta / classes)
        for share in (0.9, 1.1, 30.0):
            root = share * least * (classes - 1) / classes
            found = solve(
                LayerPeeled.from_groups([(classes, 5)], feature_energy=root, weight_energy=root, label_smoothing=delta), tolerance=1e-12
            )
            assert found.converged
            margin = Enclosures(found).inner_value(0)
            assert margin.contains(min(share, 1.0) * least)
            assert margin.width < 1e-4  # a minimum is flat
            assert (found.value.lower > entropy + 1e-6) is (share < 1.0)
            assert share < 1.0 or found.value.lower <= entropy <= found.value.upper + 1e-14
            assert (found.certified_multiplier.lower > 0.0) is (share < 1.0)


@pytest.mark.parametrize(
    "changed", [{}, {"logit_scale": (0.7, 1.8)}, {"logit_shift": (1.5, 0.0)}, {"margins": (0.5, 2.0)}, {"label_smoothing": 0.3}]
)
@pytest.mark.parametrize(("majority", "minority"), [(3, 2), (1, 4), (2, 5)])
def test_boundaries_in_closed_form_are_optimal(changed: dict[str, Any], majority: int, minority: int) -> None:
    """The logits of a point of the boundary are certified at its radius and imbalance, by a gap that knows nothing of it."""
    boundary = ChangedBoundary(majority, minority, **changed)
    sine = 0.5 * (boundary.least_sine + boundary.most_sine)
    point, (t_a, norm, _) = boundary.at(sine), boundary.between(sine)
    big, small = boundary.scale
    row = np.array([math.sqrt(minority) / small, -math.sqrt(majority) / big])
    outer = np.outer([t_a, -norm * sine], row / np.linalg.norm(row))
    candidate = GroupMatrix((majority, minority), np.array([point.majority_value, 0.0]), outer)
    energy = point.radius / (majority + minority)
    problem = LayerPeeled.from_imbalance(
        majority, minority, math.exp(point.log_imbalance), feature_energy=energy, weight_energy=energy, **changed
    )
    assert certify(problem, candidate).relative_gap < 1e-12
    assert certify(problem, candidate.scaled(0.9) + GroupMatrix((majority, minority), np.array([0.0, 0.2]), 0 * outer)).relative_gap > 1e-5


def test_phases_by_the_law_are_those_of_the_geometry() -> None:
    changes: list[dict[str, Any]] = [{"label_smoothing": 0.2}, {"logit_scale": (1.0, 0.6)}, {"margins": (0.3, 1.0)}]
    for changed in changes:
        boundary = ChangedBoundary(3, 2, **changed)
        ratio = math.exp(boundary.log_imbalance(5.0))
        for factor, together in ((0.995, False), (1.005, True)):
            found = solve(LayerPeeled.from_imbalance(3, 2, factor * ratio, feature_energy=1.0, **changed), tolerance=SHARP)
            assert found.collapsed[1] is together
            assert Enclosures(found).coincide(1) is together


def test_classes_that_are_changed_differently_are_different_groups() -> None:
    problem = LayerPeeled(counts=[5, 9, 5, 9], feature_energy=1.0, logit_scale=[1.0, 1.0, 2.0, 1.0], margins=[0.0, 1.0, 0.0, 1.0])
    assert problem.sizes == (1, 2, 1)
    logits = solve(problem).logits
    assert logits[1, 1] == pytest.approx(logits[3, 3], abs=1e-9)
    assert abs(logits[0, 0] - logits[2, 2]) > 1e-3
    assert "logit_scale=(1, 1, 2), margins=(0, 1, 0)" in repr(problem)
    assert problem.reweighted(0, 2.0).logit_scale.tolist() == [1.0, 1.0, 2.0]


def test_refusals() -> None:
    def posed(**options: Any) -> LayerPeeled:
        return LayerPeeled.from_groups([(3, 9), (2, 1)], feature_energy=1.0, **options)

    refused(lambda: posed(loss="squared", label_smoothing=0.1), "'squared'", "cross-entropy only", "leave them out")
    refused(lambda: posed(loss="hinge", logit_scale=[1.0, 2.0]), "'hinge'", "cross-entropy only")
    refused(lambda: posed(loss="focal"), "focal", "not convex", "use cross-entropy")
    for smoothing in (1.0, -0.1, math.nan, "much"):
        refused(lambda smoothing=smoothing: posed(label_smoothing=smoothing), "the label smoothing is", "below 1")
    refused(lambda: posed(logit_scale=[1.0, 2.0, 3.0]), "3 numbers", "logit scale of 2 entries", "one per group")
    refused(lambda: posed(logit_scale=[1.0, 0.0]), "the logit scale of group 2 is 0.0")
    refused(lambda: posed(logit_shift=[1.0, 1e9]), "the logit shift of group 2 is")
    refused(lambda: posed(margins=-1.0), "the margin of group 1 is -1.0", ">= 0")
    refused(lambda: solve(posed(label_smoothing=0.1), route="symmetric"), "smoothed labels or changed logits")
    refused(lambda: critical_oversampling(posed(label_smoothing=0.1), 1), "the plain loss")
    refused(lambda: descend(posed(margins=1.0), 4, rng=np.random.default_rng(0)), "the plain loss")
    refused(lambda: with_remedy(posed(), "prayer", 1.0), "'prayer' is unknown", *LOSS_REMEDIES)
    refused(lambda: with_remedy(posed(margins=1.0), "bias", 1.0), "one at a time")
    refused(lambda: with_remedy(posed(), "label-smoothing", -0.1), "the strength of 'label-smoothing' is -0.1")


def test_a_changed_loss_leaves_what_the_norm_weighs() -> None:
    problem = UnconstrainedFeatures.from_groups([(3, 90), (3, 10)], feature_penalty=0.03, weight_penalty=0.03)
    assert with_remedy(problem, "margin", 1.0).norm_weights == "sample"
    weighted = with_remedy(problem, "weights", 1.0)
    assert weighted.scales.tolist() == problem.scales.tolist()
    assert weighted.weights.tolist() == pytest.approx([1 / 6, 1 / 6])
    assert with_remedy(problem, "margin", 0.0) is problem


def test_a_penalised_norm_takes_remedies_too() -> None:
    problem = UnconstrainedFeatures.from_groups([(3, 90), (3, 10)], feature_penalty=0.013, weight_penalty=0.013)
    for remedy in ("weights", "logit-scale"):
        found = least_strength(problem, 1, remedy, width=5e-3)
        assert found is not None
        # λ d_g = s_g c_g, with λ given: √10 · .013 = 9^γ · 10/300, and for weights 9^γ · 10/(270 + 30 · 9^γ)
        needed = (
            0.013 * math.sqrt(10) * 300 / 10 if remedy == "logit-scale" else 0.013 * math.sqrt(10) * 27 / (1 - 0.013 * math.sqrt(10) * 3)
        )
        assert found.contains(math.log(needed) / math.log(9))


def test_groups_that_are_not_there_or_are_one_class_are_refused() -> None:
    problem = LayerPeeled.from_groups([(3, 9), (1, 1)], feature_energy=1.0)
    refused(lambda: group_under_remedy(problem, 2, "margin", 1.0), "group 2 does not exist")
    refused(lambda: least_strength(problem, 1, "margin"), "group 1 has 1 class")


def test_focal_loss_is_not_convex_where_its_refusal_says() -> None:
    """Second differences of (1 − p)^γ log(1/p), p = 1/(1 + e^{−m}), far below m = −2 − 1/γ and above it."""
    for gamma in (0.5, 2.0, 5.0):

        def focal(margin: float, gamma: float = gamma) -> float:
            return (1 / (1 + math.exp(margin))) ** gamma * math.log1p(math.exp(-margin))

        def bend(margin: float, focal: Any = focal) -> float:
            return focal(margin + 0.01) - 2 * focal(margin) + focal(margin - 0.01)

        assert bend(-2 - 1 / gamma - 2) < 0.0 < bend(0.0)


REMEDIED = LayerPeeled.from_groups([(3, 40), (3, 10)], feature_energy=1.0)


@pytest.mark.parametrize("remedy", ["weights", "label-smoothing", "logit-scale"])
def test_the_least_strength_is_where_the_closed_form_has_it(remedy: str) -> None:
    found = least_strength(REMEDIED, 1, remedy, width=2e-3)
    assert found is not None
    assert found.width <= 1.01 * 2e-3 * LOSS_REMEDIES[remedy].most

    def excess(strength: float) -> float:
        """log R0 − log R there; weights make R smaller instead."""
        ratio = 4.0 ** (1 - strength) if remedy == "weights" else 4.0
        changed: dict[str, dict[str, Any]] = {
            "label-smoothing": {"label_smoothing": strength},
            "logit-scale": {"logit_scale": (1.0, 4.0**strength)},
        }
        return ChangedBoundary(3, 3, **changed.get(remedy, {})).log_imbalance(6.0) - math.log(ratio)

    assert excess(found.lower) < 0.0 < excess(found.upper)
    assert group_under_remedy(REMEDIED, 1, remedy, found.upper).apart is True
    assert group_under_remedy(REMEDIED, 1, remedy, found.lower).apart is False


def test_what_cannot_help_says_so_and_what_needs_no_help_needs_none() -> None:
    assert least_strength(REMEDIED, 1, "bias") is None  # R0 = 2.67 with a free bias
    assert least_strength(REMEDIED, 1, "logit-shift", most=1.0) is None  # 2.92 at balanced softmax
    assert least_strength(LayerPeeled.from_groups([(3, 20), (3, 10)], feature_energy=1.0), 1, "margin") == Bracket.exactly(0.0)


@pytest.mark.parametrize("remedy", LOSS_REMEDIES)
def test_a_group_is_apart_where_the_multiplier_is_below_its_level(remedy: str) -> None:
    for group, ratio in ((1, 12), (1, 22)):
        problem = LayerPeeled.from_groups([(3, ratio), (3, 10)], feature_energy=1.0)
        for strength in (0.05, 0.5):
            found = group_under_remedy(problem, group, remedy, strength)
            if found.apart is not None:
                assert (found.margin.lower > 0.0) is found.apart
                assert found.multiplier.lower < found.level.upper if found.apart else found.multiplier.upper > found.level.lower


def test_published_temperatures_harm() -> None:
    """Class-dependent temperatures have factors below one for the minority."""
    problem = LayerPeeled.from_imbalance(3, 3, 1.2, feature_energy=1.0)
    assert group_under_remedy(problem, 1, "logit-scale", 0.0).apart is True
    assert group_under_remedy(problem, 1, "logit-scale", math.log(0.5) / math.log(1.2)).apart is False


def test_the_loss_is_that_of_pytorch() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    problem, matrix, _ = drawn_from([2, 1, 3], 5, 2.0)
    scale, shift, margin = (
        np.repeat(values, problem.sizes) for values in np.array([tuple(group.adjustment) for group in problem.groups]).T
    )
    changed = torch.tensor(matrix.dense() * scale + shift - np.diag(margin))
    losses = torch.nn.functional.cross_entropy(changed, torch.arange(6), label_smoothing=problem.label_smoothing, reduction="none").numpy()
    expected = float(np.repeat(problem.weights, problem.sizes) @ losses)
    assert problem.loss_function.grouped(matrix, problem.weights)[0] == pytest.approx(expected, rel=1e-12)
