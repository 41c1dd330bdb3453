"""The family: weights d on the nuclear norm, the norm bounded or penalised, a bias; every loss and every route that covers it."""

import math
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import refused
from scipy.optimize import minimize
from strategies import log_uniform

from layerpeel.numerics import Bracket, GroupMatrix
from layerpeel.solvers import (
    LOSSES,
    Enclosures,
    Group,
    LayerPeeled,
    Problem,
    Solution,
    Status,
    UnconstrainedFeatures,
    certify,
    certify_multiplier,
    critical_oversampling,
    descend,
    dual_slope,
    low_rank_excess,
    solve,
)

CONIC_GAP = 1e-9
"""Relative gap of the hinge on route sdp, whose point is polished to 1e-10 or until the steps are used up; seen up to 2e-11."""

POLISHED_GAP = 1e-9
"""The same for a smooth loss, after proximal steps down to 1e-10 or until they are used up; seen up to 2e-11."""

SHARP = 1e-11
"""Relative gap asked of route `factored` where geometry is compared; it places logits to about 1e-5."""

GROUPS = [(2, 30), (1, 7), (3, 5)]


def root_of_masses(problem: Problem) -> float:
    """√(K Σ d_k²), the radius of the ball at energies of one."""
    return math.sqrt(problem.num_classes * float(problem.scales**2 @ np.asarray(problem.sizes)))


def penalised(groups: list[tuple[int, int]], penalty: float, **options: Any) -> UnconstrainedFeatures:
    return UnconstrainedFeatures.from_groups(groups, feature_penalty=penalty, weight_penalty=penalty, **options)


# Special values.


@pytest.mark.parametrize("bias_penalty", [None, 1e-4, 1.0])
@pytest.mark.parametrize("majority", [3, 5])
def test_the_two_thresholds_of_the_penalty(majority: int, bias_penalty: float | None) -> None:
    """Minority collapse from √n_B/N on, everything zero from √n_A/N on, at any bias penalty."""
    groups = [(majority, 500), (10 - majority, 100)]
    total = sum(classes * samples for classes, samples in groups)
    for factor, root, after in (
        (0.99, 100, (False, False)),
        (1.01, 100, (False, True)),
        (0.99, 500, (False, True)),
        (1.01, 500, (True, True)),
    ):
        found = solve(penalised(groups, factor * math.sqrt(root) / total, bias_penalty=bias_penalty), tolerance=SHARP)
        assert found.collapsed == after
        assert (found.rank == 0) == (after == (True, True))
    assert found.vanished == (True, True)
    assert found.matrix.nuclear_norm() == 0.0


def test_a_zero_solution_has_the_value_of_chance_and_the_bias_of_the_counts() -> None:
    free = solve(penalised([(2, 8), (2, 2)], 1.0))
    assert free.value.contains(math.log(4))
    # Almost no bias penalty: the bias alone reproduces the frequencies, and the value is their entropy.
    shares = np.array([0.4, 0.4, 0.1, 0.1])
    found = solve(penalised([(2, 8), (2, 2)], 1.0, bias_penalty=1e-9))
    assert found.value.upper == pytest.approx(float(-shares @ np.log(shares)), rel=1e-7)
    assert found.bias is not None
    np.testing.assert_allclose(np.exp(found.bias) / np.exp(found.bias).sum(), shares, rtol=1e-4)


def test_the_smallest_gap_is_an_exact_zero_of_the_gradient() -> None:
    """Two classes, cross-entropy, d = 1: Z = a(I − 11ᵀ/2) with c·2/(1 + e^a) = λ at c = ½."""
    penalty = 0.2
    found = solve(
        UnconstrainedFeatures(counts=[3, 3], feature_penalty=penalty, weight_penalty=penalty, norm_weights="class"), tolerance=SHARP
    )
    assert Enclosures(found).inner_value(0).contains(math.log(1 / penalty - 1))


@pytest.mark.parametrize("weights", ["class", "sample", [2.0, 0.5, 1.0]])
def test_the_squared_error_has_a_closed_form(weights: Any) -> None:
    """z_k = max(0, 1 − λ d_k/c_k), and the ball of the same norm has the same optimum."""
    penalty = 0.02
    problem = penalised(GROUPS, penalty, loss="squared", norm_weights=weights)
    found = solve(problem)
    z = np.maximum(0.0, 1 - penalty * problem.scales / problem.weights)
    assert (found.route, found.converged) == ("symmetric", True)
    np.testing.assert_allclose(np.diag(found.group_logits.outer), z, atol=1e-14)
    assert found.rank == sum(size for size, value in zip(problem.sizes, z, strict=True) if value > 0)
    assert found.vanished == tuple(z == 0.0)
    iterated = solve(problem, route="factored")
    assert iterated.value.overlaps(found.value)
    assert all(told in (None, known) for told, known in zip(iterated.collapsed, found.collapsed, strict=True))
    energy = found.matrix.nuclear_norm() / root_of_masses(problem)
    bounded = solve(LayerPeeled.from_groups(GROUPS, feature_energy=energy, weight_energy=energy, loss="squared", norm_weights=weights))
    assert bounded.route == "symmetric"
    np.testing.assert_allclose(bounded.matrix.outer, found.matrix.outer, atol=1e-13)
    assert bounded.certified_multiplier.overlaps(found.certified_multiplier)


def test_the_squared_error_fits_inside_a_large_ball() -> None:
    found = solve(LayerPeeled.from_groups(GROUPS, feature_energy=40.0, loss="squared", norm_weights="sample"))
    assert (found.status, found.rank) == (Status.ZERO, 6)
    assert found.value.upper < 1e-30  # √n_k times 1/√n_k is one up to a rounding


# Routes against each other.


def programs(loss: str) -> list[Problem]:
    """Both forms, every kind of weights, with and without a bias."""
    found: list[Problem] = []
    for weights, bias in product(["class", "sample", [2.0, 0.5, 1.0]], [None, 0.02]):
        options: dict[str, Any] = {"loss": loss, "norm_weights": weights, "bias_penalty": bias}
        mass = LayerPeeled.from_groups(GROUPS, feature_energy=1.0, norm_weights=weights).norm_mass
        found.append(LayerPeeled.from_groups(GROUPS, feature_energy=2.0 * 6 / mass, weight_energy=0.3, **options))
        found.append(UnconstrainedFeatures.from_groups(GROUPS, feature_penalty=0.02, weight_penalty=0.01, **options))
    return found


@pytest.mark.parametrize("loss", ["cross-entropy", "squared"])
@pytest.mark.slow
def test_the_reference_program_agrees_with_the_iteration(loss: str) -> None:
    for problem in programs(loss):
        fast, reference = solve(problem, route="factored"), solve(problem, route="sdp")
        assert fast.converged, problem
        assert reference.relative_gap <= POLISHED_GAP, problem
        assert fast.value.overlaps(reference.value), problem
        distance = np.linalg.norm(fast.logits - reference.logits)
        assert distance <= fast.distance_bound + reference.distance_bound, problem


def test_the_hinge_is_solved_with_everything() -> None:
    for problem in programs("hinge"):
        found = solve(problem, route="sdp")
        assert found.relative_gap <= CONIC_GAP, problem


def energies_of(found: Solution[Any]) -> tuple[float, float]:
    """Σ d_k² ‖h_k‖² and ‖W‖² of the factors, classes in the order given."""
    scales = np.repeat(found.problem.scales, found.problem.sizes)[found.problem.class_order]
    return float(scales**2 @ (found.features**2).sum(axis=1)), float((found.classifier**2).sum())


@pytest.mark.parametrize("loss", ["cross-entropy", "squared"])
@pytest.mark.slow
def test_the_factors_attain_the_value(loss: str) -> None:
    """The objective as users write it, at the features, classifier and bias that the solution hands out."""
    for problem in programs(loss):
        found = solve(problem, route="factored")
        logits = found.features @ found.classifier.T + (0.0 if found.bias is None else found.bias[None, :])
        np.testing.assert_allclose(logits, found.logits, atol=1e-10)
        rows, own = np.repeat(problem.weights, problem.sizes), np.diag(logits)
        if loss == "squared":
            value = 0.5 * rows @ ((logits - np.eye(6)) ** 2).sum(axis=1)
        else:
            value = rows @ (np.log(np.exp(logits).sum(axis=1)) - own)
        features, classifier = energies_of(found)
        if isinstance(problem, LayerPeeled):
            assert features <= problem.norm_mass * problem.feature_energy * (1 + 1e-9)
            assert classifier <= 6 * problem.weight_energy * (1 + 1e-9)
        else:
            value += 0.5 * problem.weight_penalty * classifier + 0.5 * problem.feature_penalty * features
        if found.bias is not None:
            assert problem.bias_penalty is not None
            value += 0.5 * problem.bias_penalty * float(found.bias @ found.bias)
        assert value == pytest.approx(found.value.upper, rel=1e-9)
        norms = np.linalg.norm(found.features, axis=1), np.linalg.norm(found.classifier, axis=1)
        for g, place in enumerate((0, 2, 3)):
            assert found.groups[g].feature_norm == pytest.approx(norms[0][place], rel=1e-6, abs=1e-6)
            assert found.groups[g].classifier_norm == pytest.approx(norms[1][place], rel=1e-6, abs=1e-6)


def test_descent_over_samples_reaches_the_certified_value() -> None:
    """W, one feature per sample, and b, by L-BFGS from random starts: no convexity, no symmetry, no class means."""
    counts, (feature_penalty, weight_penalty, bias_penalty) = [6, 2, 2], (0.02, 0.05, 0.1)
    problem = UnconstrainedFeatures(
        counts=counts, feature_penalty=feature_penalty, weight_penalty=weight_penalty, bias_penalty=bias_penalty
    )
    labels, width = np.repeat(np.arange(3), counts), 4

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        classifier, rest = flat[: 3 * width].reshape(3, width), flat[3 * width :]
        features, bias = rest[:-3].reshape(-1, width), rest[-3:]
        logits = features @ classifier.T + bias
        logits = logits - logits.max(axis=1, keepdims=True)
        shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        slope = (shares - np.eye(3)[labels]) / len(labels)
        value = -np.log(shares[np.arange(len(labels)), labels]).mean() + 0.5 * (
            weight_penalty * (classifier**2).sum() + feature_penalty * (features**2).sum() + bias_penalty * (bias**2).sum()
        )
        parts = slope.T @ features + weight_penalty * classifier, slope @ classifier + feature_penalty * features
        return value, np.concatenate([parts[0].ravel(), parts[1].ravel(), slope.sum(axis=0) + bias_penalty * bias])

    rng, size = np.random.default_rng(0), 3 * width + len(labels) * width + 3
    runs = [minimize(objective, rng.standard_normal(size), jac=True, method="L-BFGS-B", options={"maxiter": 3000}) for _ in range(3)]
    found = solve(problem)
    best = min(run.fun for run in runs)
    assert best >= found.value.lower - 1e-12
    assert best == pytest.approx(found.value.upper, rel=1e-6)


# The certificate.


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), log_uniform(1e-3, 10.0), st.integers(0, 11), st.sampled_from(["cross-entropy", "squared"]))
@pytest.mark.slow
def test_every_candidate_encloses_the_optimum(seed: int, spread: float, index: int, loss: str) -> None:
    """Weak duality: whatever the candidate and its bias, the lower end is below and the upper end above the optimum."""
    problem, best = optima(loss)[index]
    rng = np.random.default_rng(seed)
    candidate = GroupMatrix(problem.sizes, spread * rng.standard_normal(3), spread * rng.standard_normal((3, 3)))
    found = certify(problem, candidate, None, spread * rng.standard_normal(3))
    assert found.value.rigorous
    assert found.value.lower <= best.value.upper
    assert found.value.upper >= best.value.lower


@cache
def optima(loss: str) -> list[tuple[Problem, Solution]]:
    """Every program of a loss with its optimum."""
    return [(problem, solve(problem, route="factored")) for problem in programs(loss)]


@cache
def hinge_value() -> Bracket:
    """The optimal value of one hinge program, by the reference."""
    return solve(penalised(GROUPS, 0.01, loss="hinge", bias_penalty=0.02), route="sdp").value


@given(st.integers(0, 2**32 - 1))
def test_any_shares_give_a_bound_for_the_hinge(seed: int) -> None:
    problem = penalised(GROUPS, 0.01, loss="hinge", bias_penalty=0.02)
    rng = np.random.default_rng(seed)
    shares = GroupMatrix.average(rng.uniform(0.0, 0.5, (6, 6)), problem.sizes)
    candidate = GroupMatrix(problem.sizes, rng.standard_normal(3), rng.standard_normal((3, 3)))
    assert certify(problem, candidate, shares, rng.standard_normal(3)).value.overlaps(hinge_value())


def test_the_multiple_and_the_bias_term_are_needed() -> None:
    """Controls: with s = 1 the minorant at Z = 0 outruns the norm, and without ‖g‖² the bound at the optimum exceeds it."""
    problem = penalised([(2, 30), (3, 5)], 0.004, bias_penalty=0.01)
    best, nowhere = solve(problem), GroupMatrix((2, 3), np.zeros(2), np.zeros((2, 2)))
    found = certify(problem, nowhere)
    assert found.multiple == pytest.approx(problem.penalty / dual_slope(problem, nowhere).spectral_norm(), rel=1e-9)
    assert found.multiple < 0.1
    assert found.value.lower <= best.value.lower
    assert math.log(5) > best.value.upper  # the constant f(0) − ⟨G, 0⟩, taken once
    assert best.bias is not None
    assert best.group_bias is not None
    square, norm = float(best.bias @ best.bias), best.matrix.nuclear_norm()
    loss = best.value.upper - problem.penalty * norm - 0.005 * square
    constant = loss - dual_slope(problem, best.matrix, best.group_bias).dot(best.matrix) + 0.01 * square
    assert constant > best.value.upper + 0.004 * square


@pytest.mark.slow
def test_the_penalty_is_its_own_multiplier_and_the_balls_one_is_enclosed() -> None:
    """The optimum of the penalty solves the ball of its norm, whose multiplier is the penalty."""
    for problem, best in optima("cross-entropy"):
        if isinstance(problem, LayerPeeled):
            continue
        assert best.certified_multiplier.contains(best.multiplier)
        sharp = solve(problem, tolerance=1e-12)
        energy = sharp.matrix.nuclear_norm() / root_of_masses(problem)
        ball = LayerPeeled.from_groups(
            GROUPS, feature_energy=energy, weight_energy=energy, norm_weights=problem.scales.tolist(), bias_penalty=problem.bias_penalty
        )
        same = solve(ball, start=sharp, tolerance=1e-12)
        assert certify_multiplier(ball, same.matrix, None, same.group_bias).contains(problem.penalty)
        assert same.collapsed == sharp.collapsed
        np.testing.assert_allclose(same.logits, sharp.logits, atol=1e-4)


# Equal programs said differently.


@given(log_uniform(0.01, 100.0), log_uniform(0.01, 100.0))
@settings(max_examples=20)
@pytest.mark.slow
def test_only_the_product_of_penalties_and_its_scale_by_d_matter(trade: float, stretch: float) -> None:
    plain = solve(penalised(GROUPS, 0.01))
    traded = UnconstrainedFeatures.from_groups(GROUPS, feature_penalty=0.01 * trade, weight_penalty=0.01 / trade)
    assert solve(traded).value.overlaps(plain.value)
    weights = [stretch * math.sqrt(samples) for _, samples in GROUPS]
    scaled = penalised(GROUPS, 0.01 / stretch, norm_weights=weights)
    assert solve(scaled).value.upper == pytest.approx(plain.value.upper, rel=1e-8)


def test_groups_counts_and_weights_are_the_same_program() -> None:
    first = solve(penalised(GROUPS, 0.01, bias_penalty=0.02))
    counts = [5, 30, 7, 5, 30, 5]
    second = solve(UnconstrainedFeatures(counts=counts, feature_penalty=0.01, weight_penalty=0.01, bias_penalty=0.02))
    assert second.value.overlaps(first.value)
    third = UnconstrainedFeatures(
        counts=counts, feature_penalty=0.01, weight_penalty=0.01, bias_penalty=0.02, norm_weights=np.sqrt(counts).tolist()
    )
    assert third.groups == second.problem.groups
    assert second.bias is not None
    assert first.group_bias is not None
    np.testing.assert_allclose(second.bias, first.group_bias[[2, 0, 1, 2, 0, 2]], atol=1e-4)


def test_equal_counts_with_different_weights_are_different_groups() -> None:
    problem = LayerPeeled(counts=[4, 4, 4], feature_energy=1.0, norm_weights=[1.0, 3.0, 1.0])
    assert problem.groups == (Group(2, 4), Group(1, 4, 3.0))
    assert problem.group_of_class == (0, 1, 0)
    found = solve(problem)
    assert found.route == "factored"
    assert found.groups[1].feature_norm < found.groups[0].feature_norm


@pytest.mark.parametrize("log_penalty", [-18.0, -60.0, -112.0])
@pytest.mark.parametrize("bias_penalty", [1e-3, 1.0])
@pytest.mark.slow
def test_a_slight_penalty_on_the_norm_is_certified_beside_a_bias(log_penalty: float, bias_penalty: float) -> None:
    """The loss is nearly flat there and the bias penalty is not: hundreds of steps, where the steps of one length did not get there."""
    decay = math.exp(log_penalty)
    counts = {"counts": [50, 50, 4, 4, 4], "feature_penalty": decay, "weight_penalty": decay}
    found, free = (solve(UnconstrainedFeatures(bias_penalty=each, **counts)) for each in (bias_penalty, None))
    assert found.converged
    assert 0.0 < found.value.lower <= free.value.upper
    assert found.value.upper == pytest.approx(free.value.upper, rel=math.sqrt(decay / bias_penalty))


def test_a_vanishing_bias_penalty_ratio_is_no_bias() -> None:
    without, with_bias = solve(penalised(GROUPS, 0.01)), solve(penalised(GROUPS, 0.01, bias_penalty=1e6))
    assert with_bias.value.upper == pytest.approx(without.value.upper, rel=1e-6)
    assert without.bias is None


# Derivatives.


@pytest.mark.parametrize("loss", ["cross-entropy", "squared"])
@pytest.mark.parametrize("index", range(3))
def test_the_value_moves_with_a_count_and_its_root(loss: str, index: int) -> None:
    counts, step = [4000, 900, 500], 10
    up, here, down = (
        solve(
            UnconstrainedFeatures(
                counts=[n + move * (k == index) for k, n in enumerate(counts)], feature_penalty=6e-3, weight_penalty=6e-3, loss=loss
            ),
            tolerance=1e-12,
        )
        for move in (step, 0, -step)
    )
    assert (up.value.upper - down.value.upper) / (2 * step) == pytest.approx(here.value_by_count[index], rel=1e-3)


def test_the_value_moves_with_the_penalty_at_the_rate_of_the_norm() -> None:
    up, here, down = (solve(penalised(GROUPS, 0.01 * (1 + move), bias_penalty=0.1), tolerance=1e-11) for move in (1e-3, 0.0, -1e-3))
    assert (up.value.upper - down.value.upper) / 2e-5 == pytest.approx(here.matrix.nuclear_norm(), rel=1e-4)
    refused(lambda: here.value_by_feature_energy, "has no energies", "matrix.nuclear_norm()")


# The enclosed geometry.


@pytest.mark.slow
def test_the_enclosures_contain_a_sharper_solution() -> None:
    for problem in programs("cross-entropy"):
        enclosed, sharp = Enclosures(solve(problem, route="factored", tolerance=1e-8)), solve(problem, route="factored", tolerance=1e-13)
        for g, group in enumerate(sharp.groups):
            assert enclosed.classifier_norm(g).contains(group.classifier_norm)
            assert enclosed.feature_norm(g).contains(group.feature_norm)
            if group.classes > 1:
                assert enclosed.inner_value(g).contains(float(sharp.matrix.inner[g] / problem.scales[g]))
                assert enclosed.inner_value(g).width < 0.1
        assert enclosed.rank().contains(sharp.rank)
        values = sharp.matrix.singular_values()[0].tolist()
        assert all(bracket.contains(value) for bracket, value in zip(enclosed.singular_values(), values, strict=True))


# Bad input.

BAD = [0.0, -1.0, math.nan, math.inf, True, "5", None, [5.0]]


@pytest.mark.parametrize("bad", BAD, ids=repr)
def test_a_bad_penalty_or_weight_is_refused_with_its_value(bad: Any) -> None:
    rule = ("must be a positive finite number", "give one, for example 5")
    shown = repr(bad)
    refused(lambda: UnconstrainedFeatures(counts=[1, 2], feature_penalty=bad, weight_penalty=1.0), f"feature penalty is {shown}", *rule)
    refused(lambda: UnconstrainedFeatures(counts=[1, 2], feature_penalty=1.0, weight_penalty=bad), f"weight penalty is {shown}", *rule)
    refused(lambda: LayerPeeled(counts=[1, 2], feature_energy=1.0, norm_weights=[1.0, bad]), f"norm weight of class 2 is {shown}", *rule)
    refused(lambda: penalised([(1, 2), (1, 3)], 1.0, norm_weights=[1.0, bad]), f"norm weight of group 2 is {shown}", *rule)
    if bad is not None:
        refused(lambda: LayerPeeled(counts=[1, 2], feature_energy=1.0, bias_penalty=bad), f"bias penalty is {shown}", *rule)


@pytest.mark.parametrize("bad", ["samples", "", None, 3.0])
def test_an_unknown_kind_of_weights_is_refused_with_the_legal_ones(bad: Any) -> None:
    refused(lambda: penalised(GROUPS, 1.0, norm_weights=bad), repr(bad), "class, sample", "one positive number per group")


def test_as_many_weights_as_classes_or_groups() -> None:
    refused(
        lambda: LayerPeeled(counts=[1, 2, 3], feature_energy=1.0, norm_weights=[1.0]), "1 norm weights", "3", "per class", "give as many"
    )
    refused(lambda: penalised(GROUPS, 1.0, norm_weights=[1.0] * 6), "6 norm weights", "3", "per group")


def test_numbers_beyond_doubles_are_refused() -> None:
    refused(lambda: penalised(GROUPS, 1e-120), "root of the product of penalties is 1e-120", "between 1e-100 and 1e+100")
    refused(lambda: penalised(GROUPS, 1.0, bias_penalty=1e200), "bias penalty is 1e+200")
    refused(lambda: penalised(GROUPS, 1.0, norm_weights=[1e-90, 1.0, 1e90]), "norm weights 1e+90 and 1e-90", "closer together")


def test_what_a_route_does_not_cover_is_said() -> None:
    refused(lambda: solve(penalised(GROUPS, 0.1, loss="hinge"), route="symmetric"), "the loss 'hinge'", "use route='auto'")
    refused(lambda: solve(penalised(GROUPS, 0.1), route="symmetric"), "penalised norm", "squared error, or energies")
    refused(lambda: solve(penalised(GROUPS, 0.1, loss="squared", bias_penalty=1.0), route="symmetric"), "a bias")
    weighted = LayerPeeled.from_groups(GROUPS[:2], feature_energy=1.0, norm_weights="sample")
    refused(lambda: solve(weighted, route="symmetric"), "weights on the nuclear norm", "d = 1")
    refused(lambda: descend(weighted, 2, rng=np.random.default_rng(0)), "gradient descent", "leave norm_weights and bias_penalty out")
    numbers = LayerPeeled.from_groups(GROUPS[:2], feature_energy=1.0, norm_weights=[2.0, 1.0])
    refused(lambda: critical_oversampling(numbers, 0), "critical oversampling", "'class' or 'sample'")
    refused(lambda: low_rank_excess(weighted, solve(weighted).matrix, 1), "low rank", "d = 1")


def test_every_loss_is_named() -> None:
    assert set(LOSSES) == {"cross-entropy", "squared", "hinge"}
    assert repr(penalised(GROUPS, 0.5, bias_penalty=0.1)) == (
        "UnconstrainedFeatures(2x30,1x7,3x5, feature_penalty=0.5, weight_penalty=0.5, loss='cross-entropy', norm_weights='sample', "
        "bias_penalty=0.1)"
    )
