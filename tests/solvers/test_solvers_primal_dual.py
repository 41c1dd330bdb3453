"""Route `factored` for the hinge: Douglas–Rachford splitting, and what decides collapse there."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import log_uniform

from layerpeel.numerics import GroupMatrix
from layerpeel.solvers import LayerPeeled, Problem, Status, UnconstrainedFeatures, certify, solve
from layerpeel.solvers._hinge_phases import _largest_inner_value, _least_if_collapsed
from layerpeel.solvers.routes._primal_dual import _Game, solve_primal_dual

TOLERANCE = 1e-8
"""Relative gap asked of route `factored`."""

CONIC_GAP = 1e-9
"""Relative gap of the conic solver on these problems: Clarabel is asked for 1e-12; seen up to 2e-11 here."""

ROUNDING = 1e-12
"""Relative: sums of a few dozen doubles."""

SMALL = [(2, 30), (1, 7), (3, 5)]

groups_of_classes = st.lists(st.tuples(st.integers(1, 60), log_uniform(1, 1e4).map(int)), min_size=1, max_size=6).filter(
    lambda groups: sum(size for size, _ in groups) > 1
)


def hinge(groups: list[tuple[int, int]], energy: float) -> LayerPeeled:
    return LayerPeeled.from_groups(groups, feature_energy=energy, loss="hinge")


# Special values


@pytest.mark.parametrize("classes", [2, 3, 10, 1000])
@pytest.mark.parametrize("root_energy", [0.01, 0.5, 0.8])
def test_balanced_classes_lose_one_minus_the_margin(classes: int, root_energy: float) -> None:
    found = solve(hinge([(classes, 7)], root_energy**2))
    expected = max(0.0, 1.0 - classes * root_energy / (classes - 1))
    assert (found.route, found.converged) == ("factored", True)
    assert found.value.upper == pytest.approx(expected, rel=1e-11, abs=1e-15)
    assert found.collapsed == (False,)


@pytest.mark.parametrize("counts", [[9, 5, 2], [1000, 30, 30, 30, 1, 1], list(range(1, 13))])
@pytest.mark.slow
def test_no_loss_is_left_exactly_from_the_energy_on_that_the_etf_needs(counts: list[int]) -> None:
    """⟨I − J/K, Z⟩ ≥ K − 1 where all margins are 1, so a loss of zero needs τ ≥ K − 1; the simplex ETF attains it."""
    classes = len(counts)
    edge = ((classes - 1) / classes) ** 2
    enough = solve(LayerPeeled(counts=counts, feature_energy=edge * (1 + 1e-9), loss="hinge"))
    assert (enough.status, enough.value.upper) == (Status.ZERO, pytest.approx(0.0, abs=1e-12))
    assert not any(enough.collapsed)
    short = solve(LayerPeeled(counts=counts, feature_energy=edge * (1 - 1e-3), loss="hinge"))
    assert short.status is Status.CERTIFIED
    assert short.value.lower > 0.0


# Properties


@settings(max_examples=40)
@given(
    groups_of_classes,
    log_uniform(1e-4, 3.0),
)
@pytest.mark.slow
def test_any_counts_are_solved_to_the_tolerance(groups: list[tuple[int, int]], energy: float) -> None:
    problem = hinge(groups, energy)
    found = solve(problem, tolerance=TOLERANCE)
    assert found.converged
    assert found.shares is not None
    if found.status is Status.CERTIFIED:
        assert found.relative_gap <= TOLERANCE
        assert found.matrix.nuclear_norm() == pytest.approx(problem.radius, rel=ROUNDING)
    assert certify(problem, found.matrix, found.shares).value == found.value


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), log_uniform(1e-2, 1e2), st.booleans())
def test_the_row_step_is_the_maximum_over_all_shares(seed: int, step: float, weighted: bool) -> None:
    """G maximises constant(G) − (step/2)‖G − target‖²: no feasible direction from it goes up."""
    rng = np.random.default_rng(seed)
    sizes = tuple(int(size) for size in rng.integers(1, 5, 3))
    problem = LayerPeeled(
        counts=np.repeat([11, 5, 2], sizes).tolist(), feature_energy=1.0, loss="hinge", norm_weights="sample" if weighted else "class"
    )
    game, count = _Game(problem), np.array(sizes, dtype=float)

    def drawn(scale: float) -> GroupMatrix:
        return GroupMatrix(sizes, scale * rng.standard_normal(3) * (count > 1), scale * rng.standard_normal((3, 3)))

    def shares() -> GroupMatrix:
        """A slope of random shares, often with whole rows or single entries at zero, and row sums up to one."""
        others = rng.exponential(size=(3, 3)) * rng.integers(0, 2, (3, 3))
        totals = (game.rivals * others).sum(axis=1)
        return game.slope(others * (game.limits * rng.choice([0.0, 0.5, 1.0], 3) / np.maximum(totals, 1e-300))[:, None])

    def constant(slope: GroupMatrix) -> float:
        return float(sum(size * d * -slope.diagonal(g) for g, (size, d) in enumerate(zip(count, game.scales, strict=True))))

    old, reflected = shares(), drawn(3.0)
    found, target = game.ascend(old, reflected, step), old + reflected.scaled(1 / step)
    assert min(found.entry(g, h) for g in range(3) for h in range(3) if g != h or sizes[g] > 1) >= 0.0
    assert all(-found.diagonal(g) <= game.limits[g] * (1 + ROUNDING) for g in range(3))
    for other in [shares() for _ in range(20)]:
        gain = (constant(other) - constant(found)) / step + (target - found).dot(other - found)
        assert gain <= ROUNDING * (1 + target.dot(target) + 1 / step)


# Other routes and other forms of the same program


def programs() -> list[Problem]:
    """Bounded and penalised, with weights and without, with a bias and without."""
    return [
        *(
            LayerPeeled.from_groups(SMALL, feature_energy=energy, loss="hinge", norm_weights=weights, bias_penalty=bias)
            for weights, energy in (("class", 0.2), ("sample", 0.15))
            for bias in (None, 0.03)
        ),
        *(
            UnconstrainedFeatures.from_groups(
                SMALL, feature_penalty=decay, weight_penalty=decay, loss="hinge", norm_weights=weights, bias_penalty=bias
            )
            for weights, decay in (("class", 0.1), ("sample", 0.02))
            for bias in (None, 0.03)
        ),
    ]


@pytest.mark.parametrize("problem", programs(), ids=repr)
def test_the_reference_program_agrees(problem: Problem) -> None:
    fast, reference = solve(problem), solve(problem, route="sdp")
    assert (fast.route, fast.converged) == ("factored", True)
    assert reference.relative_gap <= CONIC_GAP
    assert fast.value.overlaps(reference.value)
    assert 0.02 < fast.value.lower < 0.98
    if problem.bias_penalty is not None:
        assert fast.group_bias is not None
        np.testing.assert_allclose(fast.group_bias @ np.array(problem.sizes), 0.0, atol=ROUNDING)
        assert np.abs(fast.group_bias).max() > 1e-3


def test_a_vast_penalty_leaves_nothing() -> None:
    found = solve(UnconstrainedFeatures.from_groups(SMALL, feature_penalty=9.0, weight_penalty=9.0, loss="hinge"))
    assert found.converged
    assert found.matrix.nuclear_norm() == 0.0
    assert found.value.contains(1.0)
    assert found.collapsed == (True, False, True)  # the middle group is a single class


@pytest.mark.parametrize("penalty", [1e-4, 1e-6, 1e-8])
@pytest.mark.parametrize("bias_penalty", [None, 0.01])
def test_a_slight_penalty_leaves_the_shortest_logits_of_margin_one(penalty: float, bias_penalty: float | None) -> None:
    """⟨I − J/K, Z⟩ ≥ K − 1 where all margins are 1, and the simplex ETF attains it: the optimum is λ (K − 1), whatever the counts."""
    problem = UnconstrainedFeatures.from_groups(
        SMALL, feature_penalty=penalty, weight_penalty=penalty, loss="hinge", norm_weights="class", bias_penalty=bias_penalty
    )
    found = solve(problem, tolerance=TOLERANCE)
    assert found.status is Status.CERTIFIED
    assert found.value.upper == pytest.approx(penalty * (problem.num_classes - 1), rel=TOLERANCE)
    start = solve(UnconstrainedFeatures.from_groups(SMALL, feature_penalty=0.1, weight_penalty=0.1, loss="hinge", norm_weights="class"))
    assert solve(problem, tolerance=TOLERANCE, start=start).status is Status.CERTIFIED


@pytest.mark.parametrize(("groups", "energy", "bias_penalty"), [([(1, 292), (2, 29), (3, 2)], 5.5, 0.14), (SMALL, 20.0, 10.0)])
def test_energies_that_allow_no_loss_leave_no_bias_either(groups: list[tuple[int, int]], energy: float, bias_penalty: float) -> None:
    """Zero is attained at b = 0 only: margins that are large enough early on do not end the iterations while the bias still costs."""
    found = solve(LayerPeeled.from_groups(groups, feature_energy=energy, loss="hinge", bias_penalty=bias_penalty), tolerance=TOLERANCE)
    assert found.status is Status.ZERO
    assert found.value.upper <= TOLERANCE


def test_splitting_a_group_by_a_hair_changes_the_value_by_a_hair() -> None:
    """Groups of (almost) one count, said as one group or as two: different blocks, one program in the limit."""
    whole = solve(hinge([(3, 9_000_000), (4, 2_000_000)], 0.3))
    split = solve(hinge([(3, 9_000_000), (2, 2_000_000), (2, 2_000_001)], 0.3))
    assert split.value.upper == pytest.approx(whole.value.upper, rel=1e-6)  # the counts differ by 1e-7


def test_a_thousand_classes_and_a_million_are_certified() -> None:
    for groups in ([(300, 1000), (300, 200), (400, 20)], [(500_000, 100), (400_000, 20), (100_000, 3)]):
        found = solve(hinge(groups, 0.4))
        assert found.relative_gap <= TOLERANCE
        assert found.value.lower > 0.01


@pytest.mark.parametrize(("imbalance", "energy"), [(10**4, 0.75), (10**5, 0.45), (10**6, 0.3)])
def test_minorities_of_next_to_no_weight_are_solved_too(imbalance: int, energy: float) -> None:
    found = solve(hinge([(5, imbalance), (5, 1)], energy))
    assert found.status is Status.CERTIFIED
    assert found.value.upper < 10.0 / imbalance


@pytest.mark.slow
def test_a_warm_start_takes_fewer_steps_to_the_same_value(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = 0
    descend = _Game.descend

    def counted(*arguments: object) -> object:
        nonlocal steps
        steps += 1
        return descend(*arguments)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(_Game, "descend", counted)
    counts = [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]
    first = solve(LayerPeeled(counts=counts, feature_energy=0.5, loss="hinge"))
    problem = LayerPeeled(counts=counts, feature_energy=0.5001, loss="hinge")
    steps = 0
    cold = solve(problem)
    cold_steps, steps = steps, 0
    warm = solve(problem, start=first)
    assert warm.value.overlaps(cold.value)
    assert steps < cold_steps


def test_unfinished_iterations_still_bracket_the_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("layerpeel.solvers.routes._primal_dual.MAX_ITERATIONS", 15)
    problem = hinge(SMALL, 0.2)
    loose = solve(problem)
    assert loose.status is Status.LOOSE
    monkeypatch.undo()
    assert loose.value.lower < solve(problem).value.lower < solve(problem).value.upper < loose.value.upper


# Collapse


@pytest.mark.parametrize("energy", [0.02, 0.1, 0.2])
def test_a_collapsed_group_loses_one_and_has_no_features(energy: float) -> None:
    """Zeroing the rows of a collapsed group costs nothing and frees norm, so at an optimum they are zero."""
    found = solve(hinge([(5, 100), (5, 10)], energy))
    assert found.collapsed == (False, True)
    assert found.certified_multiplier.lower > found.problem.weights[1] * 5 / 4
    assert found.groups[1].feature_norm == pytest.approx(0.0, abs=1e-3)
    assert found.groups[1].classifier_norm > 0.1
    assert found.groups[1].within_cosine == 1.0


@pytest.mark.parametrize(("groups", "energy"), [([(5, 100), (5, 10)], 0.25), ([(5, 21), (3, 19)], 0.1), (SMALL, 0.4)])
def test_distinct_groups_are_certainly_distinct(groups: list[tuple[int, int]], energy: float) -> None:
    found = solve(hinge(groups, energy))
    assert found.collapsed == (False,) * len(groups)
    reference = solve(found.problem, route="sdp")
    for g, (size, _) in enumerate(groups):
        if size > 1:
            assert reference.matrix.inner[g] > 1e-3
            assert _least_if_collapsed(found, g) > found.value.upper


def test_the_value_of_a_collapsed_group_is_a_bound_that_is_met() -> None:
    """Where the group is collapsed in the optimum, the bound is the optimum itself."""
    found = solve(hinge([(4, 100), (4, 10), (4, 9)], 0.05))
    assert found.collapsed == (False, True, True)
    for g in (1, 2):
        assert _least_if_collapsed(found, g) <= found.value.upper
        assert _least_if_collapsed(found, g) == pytest.approx(found.value.upper, rel=1e-5)


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 5), st.integers(2, 5), st.integers(2, 60), st.floats(0.05, 0.7))
@pytest.mark.slow
def test_shares_bound_the_inner_value_of_every_optimum(large: int, small: int, ratio: int, root_energy: float) -> None:
    found = solve(hinge([(large, ratio), (small, 1)], root_energy**2))
    other = solve_primal_dual(found.problem, 1e-10)
    for g in range(2):
        assert other.matrix.inner[g] <= _largest_inner_value(found, g) + 1e-4  # two optima's tolerance, not the bound's


@pytest.mark.slow
def test_two_groups_collapse_and_come_apart_at_one_energy() -> None:
    """The majority is served first: below the energy at which its margins are 1 the minority gets nothing, above it shares."""
    states = [solve(hinge([(5, 100), (5, 10)], energy)).collapsed[1] for energy in np.linspace(0.15, 0.3, 16)]
    assert states[0] is True
    assert states[-1] is False
    assert states == sorted(states, key=lambda state: {True: 0, None: 1, False: 2}[state])
    assert states.count(None) <= 1


def test_a_multiplier_bracket_is_narrow_for_losses_that_can_be_zero() -> None:
    """Both ends come from stretched candidates: below the threshold of the minority the value falls linearly in τ."""
    found = solve(hinge([(5, 100), (5, 10)], 0.1))
    assert found.certified_multiplier.width < 1e-6 * found.multiplier
    slopes = [
        (solve(hinge([(5, 100), (5, 10)], 0.1 * (1 - h) ** 2)).value.upper - found.value.upper) / (h * found.problem.radius)
        for h in (1e-3, 1e-2)
    ]
    assert slopes == pytest.approx([found.multiplier] * 2, rel=1e-5)
    assert math.isfinite(found.certified_multiplier.upper)
