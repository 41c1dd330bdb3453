"""The barrier method in extended precision: its derivatives, ordinary programs, and programs that doubles do not resolve."""

from typing import Any

import numpy as np
import pytest
from flint import arb, ctx

from layerpeel.solvers import LayerPeeled, Problem, Status, UnconstrainedFeatures, certify, solve
from layerpeel.solvers.routes._interior import BITS, MOST_GROUPS, _log_determinant, _Program, solve_interior

GROUPS = [(3, 30), (2, 10), (1, 1)]

TOLERANCE = 1e-8
"""Relative gap asked of route `factored`."""

ROUNDED = 1e-12
"""What rounding logits of order one to doubles leaves of the gap, with room (seen up to 2e-15)."""


def ball(energy: float, **options: Any) -> LayerPeeled:
    return LayerPeeled.from_groups(GROUPS, feature_energy=energy, **options)


def penalised(penalty: float, **options: Any) -> UnconstrainedFeatures:
    return UnconstrainedFeatures.from_groups(GROUPS, feature_penalty=penalty, weight_penalty=penalty, **options)


ORDINARY: dict[str, Problem] = {
    "ball": ball(2.0),
    "ball, weights and bias": ball(0.5, norm_weights="sample", bias_penalty=0.1),
    "penalised": penalised(0.01),
    "penalised, weights and bias": penalised(0.01, norm_weights=[1.0, 2.0, 0.5], bias_penalty=0.02),
    "squared": ball(0.1, loss="squared", norm_weights="sample"),
    "squared, bias": ball(0.1, loss="squared", bias_penalty=0.1),
    "squared, penalised, bias": penalised(0.01, loss="squared", bias_penalty=0.1),
}

EXTREME: dict[str, Problem] = {
    "a loss below the smallest double": ball(1e6),
    "the same with a bias": ball(1e6, bias_penalty=0.01),
    "norm weights over 12 orders": ball(5.0, norm_weights=[1e-6, 1.0, 1e6]),
    "norm weights over 12 orders, reversed": ball(5.0, norm_weights=[1e6, 1.0, 1e-6]),
    "counts over 12 orders, weights over 6": LayerPeeled.from_groups(
        [(3, 10**12), (2, 10**6), (2, 1)], feature_energy=1.75e-5, norm_weights=[1e-3, 1.0, 1e3]
    ),
    "squared, norm weights over 9 orders": ball(0.1, loss="squared", norm_weights=[3e-5, 1.0, 3e4]),
    "squared, a small penalty and a bias": penalised(1e-12, loss="squared", bias_penalty=0.01),
}


@pytest.mark.parametrize("problem", ORDINARY.values(), ids=ORDINARY)
def test_ordinary_programs_have_the_optimum_of_the_iteration(problem: Problem) -> None:
    found, iterated = solve_interior(problem, 1.0), solve(problem, route="factored")
    assert found is not None
    certificate = certify(problem, *found)
    assert certificate.relative_gap <= ROUNDED
    assert certificate.value.overlaps(iterated.value)
    scale = iterated.matrix.nuclear_norm() / found.matrix.nuclear_norm()
    assert np.linalg.norm(found.matrix.scaled(scale).dense() - iterated.matrix.dense()) <= 1e-3  # two optima within root gaps


@pytest.mark.parametrize("problem", EXTREME.values(), ids=EXTREME)
@pytest.mark.slow
def test_what_doubles_do_not_resolve_is_certified(problem: Problem) -> None:
    found = solve(problem, route="factored", tolerance=TOLERANCE)
    assert found.status is Status.CERTIFIED
    assert found.relative_gap <= TOLERANCE / 10


@pytest.mark.slow
def test_logits_that_doubles_round_too_much_are_called_their_limit() -> None:
    """Margins of 10⁵: a rounding of theirs changes slopes by a part in 10¹¹, and the dual bound by 10⁵ times that."""
    found = solve(ball(1e10), route="factored", tolerance=TOLERANCE)
    assert found.status is Status.LIMIT_OF_DOUBLES
    assert not found.converged
    assert found.value.upper <= 5e-324
    assert TOLERANCE < found.relative_gap < 1e-4


def test_many_groups_are_left_to_doubles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("layerpeel.solvers.routes._factored.MAX_ITERATIONS", 2)
    monkeypatch.setattr("layerpeel.solvers.routes._factored.STEPS_PER_G4", 0)
    monkeypatch.setattr("layerpeel.solvers.routes._factored.LEAST_STEPS", 2)
    monkeypatch.setattr("layerpeel.solvers.routes._newton.covers", lambda _: False)
    few, many = (solve(LayerPeeled(counts=range(1, 2 + extra), feature_energy=1.0), route="factored") for extra in (2, MOST_GROUPS))
    assert (few.status, many.status) == (Status.CERTIFIED, Status.LOOSE)


def total(program: _Program, point: list[arb]) -> arb:
    """Objective and barrier."""
    barrier = program.barrier(point)
    assert barrier is not None
    return program.objective(point, 0).value + barrier


@pytest.mark.parametrize("problem", ORDINARY.values(), ids=ORDINARY)
def test_derivatives_are_those_of_the_values(problem: Problem) -> None:
    """Central differences of step 1e-40 in 512 bits: relative errors of the step's square."""
    with ctx.workprec(BITS):
        program = _Program(problem, problem.bias_penalty is not None)
        rng, step = np.random.default_rng(0), arb(10) ** -40
        point = [x * (1 + arb(float(noise)) / 10) for x, noise in zip(program.start(), rng.uniform(-1, 1, program.unknowns), strict=True)]
        direction = [arb(float(each)) for each in rng.standard_normal(program.unknowns)]
        jet = program.objective(point, 2)
        program.add_barrier(point, jet)
        ends = [[x + sign * step * d for x, d in zip(point, direction, strict=True)] for sign in (1, -1)]
        values = [total(program, end) for end in ends]
        slope = sum((g * d for g, d in zip(jet.slope, direction, strict=True)), arb(0))
        assert abs((values[0] - values[1]) / (2 * step) / slope - 1) < 1e-30
        jets = [program.objective(end, 2) for end in ends]
        for end, each in zip(ends, jets, strict=True):
            program.add_barrier(end, each)
        for row, ahead, behind in zip(jet.bend, jets[0].slope, jets[1].slope, strict=True):
            expected = (ahead - behind) / (2 * step)
            assert abs(sum((h * d for h, d in zip(row, direction, strict=True)), arb(0)) - expected) <= 1e-30 * (1 + abs(expected))


def test_the_determinant_knows_when_a_matrix_is_not_positive() -> None:
    assert _log_determinant([[arb(1), arb(2)], [arb(2), arb(1)]]) is None
    found = _log_determinant([[arb(2), arb(1)], [arb(1), arb(2)]])
    assert found is not None
    assert found.overlaps(arb(3).log())
