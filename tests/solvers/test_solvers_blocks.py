"""Blocks of the semidefinite program: enclosed whatever the conic solver returns, with the energies as two constraints."""

import math
from typing import Any

import numpy as np
import pytest
from refusals import refused

from layerpeel.numerics import Bracket, UnusableInput
from layerpeel.solvers import Blocks, Enclosures, LayerPeeled, SolverFailed, solve, solve_blocks

SHARP = {"scs": 2e-4, "clarabel": 5e-3}
"""Width of every bracket from a conic solver's point. The multipliers decide, which come from the solver as they are: SCS, asked for 1e-12,
gives them to ten digits (seen: 1.5e-5 and less); Clarabel stops when its steps get short, with five or six of them, and on which of them
depends on the processor (seen: 4e-6 to 3e-4)."""


def brackets(blocks: Blocks, groups: int) -> list[Bracket]:
    """Everything that is enclosed."""
    found = [blocks.value, *blocks.energies(), blocks.self_duality()]
    for g in range(groups):
        found += [blocks.feature_norm(g), blocks.classifier_norm(g), blocks.alignment(g), blocks.classifier_cosine(g)]
        found += [blocks.feature_cosine(g), blocks.classifier_distance(g)]
    return found


def truth(problem: LayerPeeled) -> list[float]:
    """The same of the closed-form optimum, in doubles."""
    solution = solve(problem, route="symmetric")
    features, weights, logits = solution.feature_gram, solution.classifier_gram, solution.matrix
    traces = [float(np.trace(matrix.dense())) for matrix in (features, weights, logits)]
    found = [
        solution.value.middle,
        traces[0] / problem.num_classes,
        traces[1] / problem.num_classes,
        traces[2] ** 2 / traces[0] / traces[1],
    ]
    for g in range(len(problem.groups)):
        h, w = features.diagonal(g), weights.diagonal(g)
        found += [math.sqrt(h), math.sqrt(w), logits.diagonal(g) / math.sqrt(h * w), weights.entry(g, g) / w, features.entry(g, g) / h]
        found.append(math.sqrt(2 * (w - weights.entry(g, g))))
    return found


PROBLEMS = [
    LayerPeeled(counts=[10] * 4, feature_energy=2.0, weight_energy=0.5),
    LayerPeeled.from_imbalance(3, 2, 8.0, feature_energy=1.0, weight_energy=5.0),
    LayerPeeled.from_imbalance(3, 2, 40.0, feature_energy=5.0),
]
"""Balanced, distinct and collapsed."""


@pytest.mark.parametrize("problem", PROBLEMS, ids=repr)
@pytest.mark.parametrize("solver", ["clarabel", "scs"])
def test_blocks_hold_the_optimum_and_are_sharp(problem: LayerPeeled, solver: str) -> None:
    blocks = solve_blocks(problem, solver=solver)
    for bracket, exact in zip(brackets(blocks, len(problem.groups)), truth(problem), strict=True):
        assert bracket.rigorous
        assert bracket.lower - 1e-9 <= exact <= bracket.upper + 1e-9  # the truth is in doubles, and roots of differences magnify that
        assert bracket.width <= SHARP[solver] * max(1.0, abs(exact)) or exact < 1e-6
    assert blocks.coincide(len(problem.groups) - 1) is (problem is PROBLEMS[2])
    assert blocks.classifier_distance(0).lower > 0.0


@pytest.mark.parametrize("size", [1e-7, 1e-4, 1e-1])
def test_whatever_is_returned_the_optimum_is_inside(size: float) -> None:
    problem, rng = PROBLEMS[1], np.random.default_rng(5)
    exact, gram = truth(problem), solve_blocks(problem)._gram
    for _ in range(5):
        noise = size * rng.standard_normal(gram.shape)
        alpha, beta = np.exp(size * rng.standard_normal(2))
        found = brackets(Blocks(problem, gram + noise + noise.T, (0.01 * alpha, 0.002 * beta)), 2)
        assert all(bracket.lower - 1e-9 <= value <= bracket.upper + 1e-9 for bracket, value in zip(found, exact, strict=True))


@pytest.mark.parametrize("half", [0, 1])
def test_a_program_with_other_energies_is_not_taken_for_this_one(half: int) -> None:
    problem, other = PROBLEMS[0], [2.0, 0.5]
    other[half] *= 7.0
    foreign = solve_blocks(LayerPeeled(counts=[10] * 4, feature_energy=other[0], weight_energy=other[1]))
    taken = Blocks(problem, foreign._gram, foreign._multipliers)
    assert taken.energies()[half].width > 1.0
    assert taken.energies()[half].contains((2.0, 0.5)[half])
    assert taken.value.contains(solve_blocks(problem).value.middle)
    assert taken.value.width > 1e-2


def test_blocks_agree_with_what_the_logits_enclose() -> None:
    for problem in PROBLEMS:
        blocks, optimum = solve_blocks(problem), Enclosures(solve(problem, route="factored", tolerance=1e-12))
        for g in range(len(problem.groups)):
            assert blocks.feature_norm(g).overlaps(optimum.feature_norm(g))
            assert blocks.classifier_norm(g).overlaps(optimum.classifier_norm(g))
            assert blocks.alignment(g).overlaps(optimum.alignment(g))
            assert blocks.classifier_distance(g).overlaps(optimum.classifier_distance(g))


def test_what_has_no_blocks_is_refused() -> None:
    unusable: list[dict[str, Any]] = [{"loss": "hinge"}, {"norm_weights": "sample"}, {"bias_penalty": 1.0}]
    for changes in unusable:
        with pytest.raises(UnusableInput, match="blocks are enclosed for cross-entropy with class norms and no bias"):
            solve_blocks(LayerPeeled(counts=[3, 2, 2], feature_energy=1.0, **changes))
    with pytest.raises(SolverFailed, match="both must be positive"):
        Blocks(LayerPeeled(counts=[1, 1], feature_energy=1.0), np.eye(4), (0.0, 1.0))
    with pytest.raises(UnusableInput, match="group 0 has 1 class"):
        solve_blocks(LayerPeeled(counts=[3, 2, 2], feature_energy=1.0)).classifier_cosine(0)


def test_what_is_no_program_is_refused() -> None:
    nothing: Any = "p"
    refused(lambda: Blocks(nothing, np.eye(2), (1.0, 1.0)), "the problem is 'p': it must be of type LayerPeeled; make one from counts")
    refused(lambda: solve_blocks(nothing), "problem of solve_blocks is 'p': it must be of type LayerPeeled")
