"""Upper bounds on norms: never below the norm whatever the SVD says, and tight when it is good."""

from fractions import Fraction

import numpy as np
import pytest
from flint import arb, arb_mat, ctx
from hypothesis import given
from hypothesis import strategies as st
from strategies import dense_matrices, log_uniform

from layerpeel.numerics import (
    PRECISION,
    norm_bounds,
    norm_bounds_near,
    nuclear_bound_near,
    quick_spectral_bound_near,
    spectral_bound_near,
)
from layerpeel.numerics._ball_norms import _leading, _product

TIGHT = 1e-12
"""Slack of the norm bounds: a few roundings per row and column at these sizes."""


def balls(matrix: np.ndarray) -> list[list[arb]]:
    return [[arb(entry) for entry in row] for row in matrix.tolist()]


@given(dense_matrices(), log_uniform(1e-6, 1e6))
def test_norm_bounds_are_upper_bounds_and_tight(matrix: np.ndarray, scale: float) -> None:
    with ctx.workprec(PRECISION):
        spectral, nuclear = norm_bounds(balls(scale * matrix))
        # Independent and exact: ⟨A, uvᵀ⟩ and ⟨A, UVᵀ⟩ are lower bounds of the norms, up to the defect of U and V from isometry.
        left, values, right = np.linalg.svd(scale * matrix)
    defect = 1 + TIGHT
    assert float(spectral.upper()) * defect >= values[0]
    assert float(nuclear.upper()) * defect >= values.sum()
    assert float(spectral.upper()) <= values[0] * (1 + TIGHT)
    assert float(nuclear.upper()) <= values.sum() * (1 + TIGHT)
    assert np.linalg.norm(left.T @ left - np.eye(len(values))) < TIGHT
    assert np.linalg.norm(right @ right.T - np.eye(len(values))) < TIGHT


@given(st.lists(st.fractions(-10, 10, max_denominator=64), min_size=1, max_size=5))
def test_norm_bounds_of_rotated_diagonals_contain_the_exact_norms(values: list[Fraction]) -> None:
    """A Householder reflection with rational entries leaves singular values known exactly, so the bound is held against fractions."""
    size = len(values)
    ones = sum((Fraction(1) for _ in range(size)), Fraction(0))
    reflection = [[Fraction(int(i == j)) - 2 / ones for j in range(size)] for i in range(size)]
    matrix = [
        [sum((reflection[i][k] * values[k] * int(k == j) for k in range(size)), Fraction(0)) for j in range(size)] for i in range(size)
    ]
    with ctx.workprec(PRECISION):
        spectral, nuclear = norm_bounds([[arb(entry.numerator) / entry.denominator for entry in row] for row in matrix])
        largest, total = max(abs(value) for value in values), sum((abs(value) for value in values), Fraction(0))
        assert spectral.upper() >= arb(largest.numerator) / largest.denominator - arb(10) ** -30  # the radius of the comparison ball
        assert nuclear.upper() >= arb(total.numerator) / total.denominator - arb(10) ** -30
        assert float(spectral) <= float(largest) * (1 + TIGHT) + TIGHT
        assert float(nuclear) <= float(total) * (1 + TIGHT) + TIGHT


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_norm_bounds_of_wide_balls_cover_every_matrix_inside(size: int) -> None:
    rng = np.random.default_rng(size)
    middle, radius = rng.standard_normal((size, size)), 0.1
    with ctx.workprec(PRECISION):
        spectral, nuclear = norm_bounds([[arb(entry, radius) for entry in row] for row in middle.tolist()])
    for _ in range(50):
        inside = middle + radius * rng.choice([-1.0, 1.0], size=(size, size))
        values = np.linalg.svd(inside, compute_uv=False)
        assert float(spectral.upper()) >= values[0] * (1 - TIGHT)
        assert float(nuclear.upper()) >= values.sum() * (1 - TIGHT)


def test_norm_bounds_do_not_trust_the_svd(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a wrong factorisation the bounds get loose, never wrong."""
    matrix = np.random.default_rng(5).standard_normal((4, 4))
    values = np.linalg.svd(matrix, compute_uv=False)
    wrong = np.eye(4), np.array([0.3, 0.2, 0.1, 0.0]), np.eye(4)
    monkeypatch.setattr(np.linalg, "svd", lambda _: wrong)
    with ctx.workprec(PRECISION):
        spectral, nuclear = norm_bounds(balls(matrix))
    assert float(spectral.upper()) >= values[0]
    assert float(nuclear.upper()) >= values.sum()


@pytest.mark.parametrize("factor", [0.0, 0.9, 1.2, np.nan])
def test_singular_vectors_that_are_not_orthonormal_loosen_the_bounds(factor: float, monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = np.random.default_rng(6).standard_normal((5, 5))
    left, values, right = np.linalg.svd(matrix)
    monkeypatch.setattr(np.linalg, "svd", lambda _: (left, values, factor * right))
    with ctx.workprec(PRECISION):
        spectral, nuclear = norm_bounds_near(matrix, arb(0))
    assert float(spectral.upper()) >= values[0] * (1 - TIGHT)
    assert float(nuclear.upper()) >= values.sum() * (1 - TIGHT)


def certain_lower_bounds(matrix: np.ndarray) -> tuple[arb, arb]:
    """⟨A, Q⟩/‖Q‖ over the dual ball: for the spectral norm Q = uvᵀ, for the nuclear norm Q = UVᵀ, with ‖Q‖² ≤ 1 + ‖QᵀQ − I‖_F."""
    left, _, right = np.linalg.svd(matrix)
    exact_matrix, size = arb_mat(matrix.tolist()), len(matrix)
    u, v = arb_mat(left[:, :1].tolist()), arb_mat(right[:1].tolist())
    spectral = (u.transpose() * exact_matrix * v.transpose())[0, 0] / ((u.transpose() * u)[0, 0] * (v * v.transpose())[0, 0]).sqrt()
    rotation = arb_mat(left.tolist()) * arb_mat(right.tolist())
    identity = arb_mat([[int(i == j) for j in range(size)] for i in range(size)])
    defect = sum((entry**2 for entry in (rotation.transpose() * rotation - identity).entries()), arb(0)).sqrt()
    product = rotation.transpose() * exact_matrix
    return spectral, sum((product[i, i] for i in range(size)), arb(0)) / (1 + defect).sqrt()


@pytest.mark.parametrize("rank", [1, 7, 30])
@pytest.mark.parametrize("scale", [1.0, 1e-290, 1e290])
def test_bounds_of_larger_matrices_lie_between_certain_lower_bounds_and_a_little_more(rank: int, scale: float) -> None:
    rng = np.random.default_rng(rank)
    matrix = scale * (rng.standard_normal((30, rank)) * np.logspace(0, -6, rank)) @ rng.standard_normal((rank, 30))
    with ctx.workprec(PRECISION):
        upper, lower = norm_bounds_near(matrix, arb(0)), certain_lower_bounds(matrix)
        for above, below in zip(upper, lower, strict=True):
            assert above.lower() >= below.upper()
            assert above.upper() <= below.lower() * (1 + TIGHT)


def test_the_distance_enters_both_bounds() -> None:
    matrix, away = np.diag([3.0, 2.0, 1.0]), np.full((3, 3), 0.1)
    with ctx.workprec(PRECISION):
        spectral, nuclear = norm_bounds_near(matrix, arb(float(np.linalg.norm(away))))
    values = np.linalg.svd(matrix + away, compute_uv=False)
    assert values[0] <= float(spectral) <= 3.0 + 0.3 + TIGHT
    assert values.sum() <= float(nuclear) <= 6.0 + 0.3 * 3**0.5 + TIGHT


@pytest.mark.parametrize("distance", [0.0, 0.5])
def test_a_matrix_of_zeros_has_no_more_norm_than_the_distance(distance: float) -> None:
    spectral, nuclear = norm_bounds_near(np.zeros((4, 4)), arb(distance))
    assert (float(spectral), float(nuclear)) == (distance, 2 * distance)


def test_the_smallest_doubles_are_not_lost() -> None:
    with ctx.workprec(PRECISION):
        spectral, nuclear = norm_bounds_near(np.diag([5e-324, 5e-324, 0.0]), arb(0))
        assert spectral.lower() >= arb(5e-324)
        assert nuclear.lower() >= 2 * arb(5e-324)


def spread_out(rng: np.random.Generator, rows: int, columns: int, decades: float) -> np.ndarray:
    """Positive entries, so that nothing cancels, with rows and columns that differ by powers of ten."""
    exponents = rng.uniform(-decades, 0, rows)[:, None] + rng.uniform(-decades, 0, columns)
    return rng.uniform(0.9, 1.0, (rows, columns)) * 10**exponents


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.floats(0, 140))
def test_the_error_of_a_product_is_bounded(seed: int, inner: int, decades: float) -> None:
    rng = np.random.default_rng(seed)
    left, right = spread_out(rng, 6, inner, decades), spread_out(rng, inner, 5, decades)
    with ctx.workprec(2000):
        found, bound = _product(left, right)
        exact_product = arb_mat(left.tolist()) * arb_mat(right.tolist())
        error = sum((entry**2 for entry in (exact_product - arb_mat(found.tolist())).entries()), arb(0)).sqrt()
        assert error.upper() <= bound.lower()
        size = float(np.linalg.norm(left) * np.linalg.norm(right))
        assert float(bound) <= 1e-14 * size + 1e-140


@given(st.integers(0, 2**32 - 1), st.integers(1, 300), st.sampled_from([0.0, 0.05, 20.0]))
def test_the_product_of_leading_parts_is_exact(seed: int, inner: int, decades: float) -> None:
    rng = np.random.default_rng(seed)
    left, right = _leading(spread_out(rng, 2, inner, decades), axis=1), _leading(spread_out(rng, inner, 2, decades), axis=0)
    with ctx.workprec(2000):
        assert (arb_mat(left.tolist()) * arb_mat(right.tolist())) == arb_mat((left @ right).tolist())


def test_entries_below_the_smallest_double_are_not_lost() -> None:
    """diag(3, 4, 0) times 2^−5000, and times 2^5000."""
    for exponent in (-5000, 5000):
        unit = arb(2) ** exponent
        spectral, nuclear = norm_bounds([[entry * unit for entry in row] for row in ([arb(3), 0, 0], [0, arb(4), 0], [0, 0, arb(0)])])
        assert 4 <= (spectral / unit).upper() < 4 + 1e-14
        assert 7 <= (nuclear / unit).upper() < 7 + 1e-13


@pytest.mark.parametrize("rank", [1, 7, 30])
@pytest.mark.parametrize("scale", [1.0, 1e-290, 1e290])
def test_the_bound_from_a_cholesky_factor_is_above_certain_lower_bounds_and_tight(rank: int, scale: float) -> None:
    rng = np.random.default_rng(rank)
    matrix = scale * (rng.standard_normal((30, rank)) * np.logspace(0, -6, rank)) @ rng.standard_normal((rank, 30))
    with ctx.workprec(PRECISION):
        upper, lower = quick_spectral_bound_near(matrix, arb(0)), certain_lower_bounds(matrix)[0]
        assert upper.lower() >= lower.upper()
        assert upper.upper() <= lower.lower() * (1 + TIGHT)


def test_without_a_cholesky_factor_singular_vectors_bound_the_norm(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: np.ndarray) -> np.ndarray:
        raise np.linalg.LinAlgError("Matrix is not positive definite")

    matrix = np.random.default_rng(3).standard_normal((40, 40))
    monkeypatch.setattr(np.linalg, "cholesky", fails)
    with ctx.workprec(PRECISION):
        assert float(quick_spectral_bound_near(matrix, arb(0))) == float(spectral_bound_near(matrix, arb(0)))
        assert float(quick_spectral_bound_near(np.zeros((3, 3)), arb(0.5))) == 0.5


def test_wrong_singular_vectors_loosen_the_nuclear_bound_only() -> None:
    matrix = np.random.default_rng(4).standard_normal((40, 40))
    total = np.linalg.svd(matrix, compute_uv=False).sum()
    with ctx.workprec(PRECISION):
        good, poor = nuclear_bound_near(matrix, arb(0)), nuclear_bound_near(matrix, arb(0), np.eye(40))
    assert total * (1 - TIGHT) <= float(good) <= total * (1 + TIGHT)
    assert float(poor) > total * 1.01
