"""Every claim of a certified gap once more: the original program class by class in high precision, and nothing of the certificate's.

The upper bound is the objective of the features and classifiers that a solution gives out, scaled into their energies where these are
bounded: no nuclear norm enters. The lower bound is the minorant at the solution's dual point, with the spectral norm from traces of
powers: no singular vectors enter. Matrices are K×K; a program that should be here as well needs one more line in a table.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from flint import arb, arb_mat, ctx

from layerpeel.numerics import GroupMatrix
from layerpeel.solvers import LayerPeeled, Problem, Solution, Status, UnconstrainedFeatures, solve

BITS = 600
"""Each of the squarings below may cost a bit or two."""

SQUARINGS = 60
"""The trace of a 2⁶⁰-th power bounds the largest eigenvalue up to a factor K^{2^−60}."""


def ball(counts: Sequence[int], energy: float, **options: Any) -> LayerPeeled:
    return LayerPeeled(counts=counts, feature_energy=energy, weight_energy=1.25, **options)


def penalised(counts: Sequence[int], penalty: float, **options: Any) -> UnconstrainedFeatures:
    return UnconstrainedFeatures(counts=counts, feature_penalty=2 * penalty, weight_penalty=penalty / 2, **options)


LONG_TAIL = [int(10_000 * 50 ** (-k / 29)) for k in range(30)]
"""Thirty distinct counts, interleaved below: as many groups as are certified in doubles."""

SYMMETRIC = {
    "balanced": ball([7] * 5, 1.0),
    "distinct": ball([20, 20, 20, 5, 5], 2.0),
    "collapsed": ball([90, 3, 90, 3, 3], 1.0),
    "vanished": ball([80, 80, 80, 10, 10], 1.0),
    "one majority class": ball([60, 20, 20], 3.0),
    "squared error": ball([50, 20, 20, 3], 0.3, loss="squared"),
    "squared error, penalised": penalised([50, 20, 20, 3], 0.02, loss="squared"),
}

FACTORED = {
    "three groups": ball([90, 30, 30, 4, 4, 4], 2.0),
    "distinct counts": ball([4, 90, 30, 12, 1], 0.7),
    "thirty counts": ball(LONG_TAIL[::2] + LONG_TAIL[1::2], 3.0),
    "weights": ball([4, 90, 30, 30, 1], 0.7, norm_weights="sample"),
    "bias": ball([4, 90, 30, 30, 1], 0.7, bias_penalty=0.05),
    "thirty counts, weights and bias": ball(LONG_TAIL, 0.001, norm_weights="sample", bias_penalty=0.5),
    "penalised": penalised([90, 30, 30, 4], 0.002),
    "penalised, thirty counts": penalised(LONG_TAIL, 0.0003),
    "penalised, weights and bias": penalised([90, 30, 30, 4], 0.02, norm_weights=[1.0, 2.0, 2.0, 3.0], bias_penalty=0.1),
    "squared error": ball([50, 20, 20, 3], 0.3, loss="squared"),
    "squared error, thirty counts": ball(LONG_TAIL, 0.2, loss="squared"),
    "squared error, penalised, bias": penalised([50, 20, 20, 3], 0.02, loss="squared", bias_penalty=0.1),
    "hinge": ball([50, 20, 20, 3], 0.1, loss="hinge"),
    "hinge, thirty counts": ball(LONG_TAIL, 0.1, loss="hinge"),
    "hinge, penalised, bias": penalised([50, 20, 20, 3], 0.01, loss="hinge", bias_penalty=0.1),
}

SDP = {
    "cross-entropy": ball([9, 4, 4, 2], 1.0),
    "cross-entropy, penalised, bias": penalised([9, 4, 4, 2], 0.05, bias_penalty=0.1),
    "squared error": ball([9, 4, 4, 2], 0.2, loss="squared"),
    "squared error, weights": ball([9, 4, 4, 2], 0.05, loss="squared", norm_weights="sample"),
    "hinge": ball([9, 4, 4, 2], 0.1, loss="hinge"),
    "hinge, penalised": penalised([9, 4, 4, 2], 0.05, loss="hinge"),
}

TOLERANCES = {"symmetric": 1e-11, "factored": 1e-8, "sdp": 1e-4}
"""Relative gaps that the routes are asked for: rounding, the default, and what conic solvers reach on any of these."""

CLAIMS = [
    pytest.param(route, problem, id=f"{route}: {name}")
    for route, problems in (("symmetric", SYMMETRIC), ("factored", FACTORED), ("sdp", SDP))
    for name, problem in problems.items()
]


def groups_of(problem: Problem) -> list[int]:
    """The group of every class, in the order of the counts."""
    if problem.group_of_class is not None:
        return list(problem.group_of_class)
    return [g for g, group in enumerate(problem.groups) for _ in range(group.classes)]


def numbers_of(problem: Problem) -> tuple[list[arb], list[arb]]:
    """c_k = n_k/N and d_k of every class."""
    groups = [problem.groups[g] for g in groups_of(problem)]
    total = sum(int(group.samples) for group in groups)
    scales = [arb(int(g.samples)).sqrt() if problem.norm_weights == "sample" else arb(g.norm_weight) for g in groups]
    return [arb(int(group.samples)) / total for group in groups], scales


def spread(matrix: GroupMatrix, groups: list[int]) -> list[list[float]]:
    """A block-symmetric matrix class by class, in any rounding: a dual point is valid as it stands."""

    def entry(k: int, j: int) -> float:
        g, h = groups[k], groups[j]
        value = float(matrix.outer[g, h]) / math.sqrt(matrix.sizes[g] * matrix.sizes[h])
        return value + (float(matrix.inner[g]) * ((k == j) - 1 / matrix.sizes[g]) if g == h and matrix.sizes[g] > 1 else 0.0)

    return [[entry(k, j) for j in range(len(groups))] for k in range(len(groups))]


def loss_of(name: str, row: Sequence[arb], own: int) -> arb:
    """L(z, k) by its definition."""
    if name == "cross-entropy":
        return sum(((z - row[own]).exp() for z in row), arb(0)).log()
    if name == "squared":
        return sum(((z - int(j == own)) ** 2 for j, z in enumerate(row)), arb(0)) / 2
    worst = arb(0)
    for j, z in enumerate(row):
        worst = worst.max(1 + z - row[own]) if j != own else worst
    return worst


def minorant_of(name: str, row: Sequence[arb], own: int) -> tuple[list[arb], arb]:
    """A slope of L at logits and L − ⟨slope, z⟩ there; for the hinge the row holds shares, and any that sum to at most one will do."""
    if name == "hinge":
        shares = [arb(0) if j == own else share.max(arb(0)) for j, share in enumerate(row)]
        total = sum(shares, arb(0))
        shares = [share / total.max(arb(1)) for share in shares]
        total = sum(shares, arb(0))
        return [-total if j == own else share for j, share in enumerate(shares)], total
    if name == "squared":
        slope = [z - int(j == own) for j, z in enumerate(row)]
    else:
        odds = [(z - row[own]).exp() for z in row]
        total = sum(odds, arb(0))
        slope = [odd / total - int(j == own) for j, odd in enumerate(odds)]
    return slope, loss_of(name, row, own) - sum((g * z for g, z in zip(slope, row, strict=True)), arb(0))


def squared_norm(matrix: arb_mat) -> arb:
    return sum((entry**2 for entry in matrix.entries()), arb(0))


def spectral_norm(matrix: arb_mat) -> arb:
    """Upper bound: with A = MᵀM and A_{i+1} = (A_i/tr A_i)², λ_max = tr A_0 · (tr A_1)^{1/2} · (tr A_2)^{1/4} ⋯ · λ_max(last)^{2^−n}."""
    power, bound = matrix.transpose() * matrix, arb(1)
    for step in range(SQUARINGS):
        trace = sum((power[i, i] for i in range(power.nrows())), arb(0))
        bound *= trace.root(2**step)
        power = power * (1 / trace)
        power = power * power
    return bound.sqrt()


def upper_bound(solution: Solution[Any]) -> arb:
    """The objective in features, classifiers and bias, as the program is stated."""
    problem, (weights, scales) = solution.problem, numbers_of(solution.problem)
    classes = len(weights)
    features, classifier = arb_mat(solution.features.tolist()), arb_mat(solution.classifier.tolist())
    lengths = squared_norm(arb_mat([[d * entry for entry in row] for d, row in zip(scales, features.tolist(), strict=True)]))
    total = arb(0)
    if isinstance(problem, LayerPeeled):
        mass = sum((d**2 for d in scales), arb(0))
        features = features * (mass * arb(problem.feature_energy) / lengths).sqrt().min(arb(1))
        classifier = classifier * (classes * arb(problem.weight_energy) / squared_norm(classifier)).sqrt().min(arb(1))
    else:
        total += (arb(problem.feature_penalty) * lengths + arb(problem.weight_penalty) * squared_norm(classifier)) / 2
    bias = [arb(0)] * classes if solution.bias is None else [arb(b) for b in solution.bias.tolist()]
    if problem.bias_penalty is not None:
        total += arb(problem.bias_penalty) / 2 * sum((b**2 for b in bias), arb(0))
    for own, (weight, row) in enumerate(zip(weights, (features * classifier.transpose()).tolist(), strict=True)):
        total += weight * loss_of(problem.loss, [z + b for z, b in zip(row, bias, strict=True)], own)
    return total


def lower_bound(solution: Solution[Any]) -> arb:
    """constant − τ‖diag(1/d) G‖ − ‖Gᵀ1‖²/(2λ_b), or the largest multiple of the minorant that λ‖diag(d) Z‖_* outweighs."""
    problem, (weights, scales) = solution.problem, numbers_of(solution.problem)
    if problem.loss == "hinge":
        assert solution.shares is not None
        dual = spread(solution.shares, groups_of(problem))
    elif solution.tangent is not None:
        dual = spread(solution.tangent, groups_of(problem))
        if problem.loss == "squared":  # a tangent of residuals
            dual = [[entry + arb(int(j == own)) for j, entry in enumerate(row)] for own, row in enumerate(dual)]
    else:
        dual = solution.logits.tolist()
    constant, slopes = arb(0), []
    for own, (weight, row) in enumerate(zip(weights, dual, strict=True)):
        slope, rest = minorant_of(problem.loss, [arb(entry) for entry in row], own)
        constant += weight * rest
        slopes.append([weight * g for g in slope])
    norm = spectral_norm(arb_mat([[g / d for g in row] for d, row in zip(scales, slopes, strict=True)]))
    drift = arb(0)
    if problem.bias_penalty is not None:
        drift = sum((sum(column, arb(0)) ** 2 for column in zip(*slopes, strict=True)), arb(0)) / (2 * arb(problem.bias_penalty))
    if isinstance(problem, LayerPeeled):
        mass = sum((d**2 for d in scales), arb(0))
        return constant - (len(weights) * mass * arb(problem.feature_energy) * arb(problem.weight_energy)).sqrt() * norm - drift
    multiple = ((arb(problem.feature_penalty) * arb(problem.weight_penalty)).sqrt() / norm).min(arb(1))
    return multiple * constant - multiple**2 * drift


@pytest.mark.parametrize(("route", "problem"), CLAIMS)
@pytest.mark.slow
def test_the_claimed_gap_is_there(route: str, problem: Problem) -> None:
    tolerance = TOLERANCES[route]
    solution = solve(problem, route=route, tolerance=tolerance)
    assert (solution.route, solution.status) == (route, Status.CERTIFIED)
    with ctx.workprec(BITS):
        upper, lower = upper_bound(solution), lower_bound(solution)
        assert upper.rad() < 1e-30
        assert lower.rad() < 1e-30
        # Both enclose the optimum, and so does the claim.
        assert upper >= solution.value.lower
        assert lower <= solution.value.upper
        assert upper >= lower
        assert upper - lower <= tolerance * upper
        # What was claimed is what is found, up to doubles: the factors and the dual point are rounded on the way here.
        assert abs(upper - arb(solution.value.upper)) <= 1e-13 * (1 + upper)
        assert abs(lower - arb(solution.value.lower)) <= 1e-12 * (1 + upper)


def test_every_route_and_loss_is_reverified_at_least_three_times() -> None:
    covered = [(route, problem.loss) for route, problems in (("factored", FACTORED), ("sdp", SDP)) for problem in problems.values()]
    assert min(len(SYMMETRIC), len(FACTORED), len(SDP)) >= 3
    assert {loss for _, loss in covered} == {"cross-entropy", "squared", "hinge"}
    assert len(LONG_TAIL) == len(set(LONG_TAIL))


def test_power_traces_bound_the_spectral_norm() -> None:
    matrix = np.random.default_rng(0).standard_normal((6, 6))
    with ctx.workprec(BITS):
        bound = spectral_norm(arb_mat(matrix.tolist()))
        assert float(bound) == pytest.approx(np.linalg.norm(matrix, 2), rel=1e-14)
        assert bound >= arb(float(np.linalg.norm(matrix, 2))) * (1 - arb(10) ** -14)


def test_a_claim_that_is_false_is_found_out() -> None:
    """Control: shorter classifiers cost more, a dual point with too much weight in one row proves less, each by more than the tolerance."""
    solution = solve(FACTORED["distinct counts"], route="factored", tolerance=1e-8)
    with ctx.workprec(BITS):
        honest = upper_bound(solution), lower_bound(solution)
        solution.__dict__["_factors"] = (solution.features, 0.999 * solution.classifier)
        assert upper_bound(solution) > honest[0] + 1e-6
        assert solution.tangent is not None
        solution.tangent.outer[0] *= 1.01
        assert lower_bound(solution) < honest[1] - 1e-8
