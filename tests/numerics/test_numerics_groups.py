"""Block-symmetric matrices against their dense selves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import sqrtm
from strategies import OFTEN_ENOUGH, Blocks, blocks, group_sizes, tally

from layerpeel.numerics import GroupMatrix, UnusableInput, nuclear_norm

ROUNDING = 1e-13
"""Relative error of sums and SVDs of matrices with at most 16 rows: a few hundred roundings."""

ROOT_ROUNDING = 1e-7
"""scipy's square root of a singular matrix is good to the square root of rounding only, times a few."""

SEEDS = st.integers(0, 2**32 - 1)


def size_of(matrix: GroupMatrix) -> float:
    """‖Z‖_F, the scale of every absolute tolerance here (1 for the zero matrix)."""
    return float(np.linalg.norm(matrix.dense())) or 1.0


def same(first: GroupMatrix, second: GroupMatrix, scale: float) -> bool:
    several = np.array(first.sizes) > 1
    return (
        first.sizes == second.sizes
        and bool(np.all(np.abs(first.inner - second.inner)[several] <= ROUNDING * scale))
        and bool(np.all(np.abs(first.outer - second.outer) <= ROUNDING * scale))
    )


def relabelled(matrix: np.ndarray, sizes: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """The matrix with classes permuted inside each group."""
    bounds = np.concatenate([[0], np.cumsum(sizes)])
    order = np.concatenate([low + rng.permutation(size) for low, size in zip(bounds, sizes, strict=False)])
    return matrix[np.ix_(order, order)]


def test_special_matrices() -> None:
    identity = GroupMatrix((2, 3), np.ones(2), np.eye(2))
    assert np.allclose(identity.dense(), np.eye(5), rtol=0, atol=ROUNDING)
    assert identity.num_classes == 5
    assert identity.nuclear_norm() == pytest.approx(5.0, rel=ROUNDING)
    ones = GroupMatrix((4,), np.zeros(1), np.array([[4.0]]))
    assert np.allclose(ones.dense(), np.ones((4, 4)), rtol=0, atol=ROUNDING)
    assert ones.rank(1e-9) == 1
    centring = identity.centred()
    assert np.allclose(centring.dense(), np.eye(5) - 0.2, rtol=0, atol=ROUNDING)
    assert centring.rank(1e-9) == 4


def test_singleton_groups_lose_nothing() -> None:
    matrix = np.random.default_rng(1).standard_normal((4, 4))
    found = GroupMatrix.average(matrix, (1, 1, 1, 1))
    assert np.array_equal(found.outer, matrix)
    assert np.array_equal(found.inner, np.zeros(4))


def test_a_group_of_one_has_no_inner_part_whatever_is_given() -> None:
    noisy = GroupMatrix((1, 2), np.array([-6.8e4, 0.25]), np.diag([0.8, 0.55]))
    assert noisy.inner.tolist() == [0.0, 0.25]
    assert noisy.dense()[0].tolist() == [0.8, 0.0, 0.0]  # not off by the rounding of 6.8e4
    assert (noisy - GroupMatrix.average(noisy.dense(), (1, 2))).inner[0] == 0.0


def test_the_docstring_example_by_hand() -> None:
    matrix = np.array([[1.0, 2.0, 10.0], [4.0, 3.0, 20.0], [5.0, 7.0, 9.0]])
    found = GroupMatrix.average(matrix, (2, 1)).dense()
    assert np.allclose(found, [[2.0, 3.0, 15.0], [3.0, 2.0, 15.0], [6.0, 6.0, 9.0]], rtol=0, atol=ROUNDING * 25)


@given(blocks())
def test_average_inverts_dense(drawn: Blocks) -> None:
    matrix = drawn.matrix()
    assert same(GroupMatrix.average(matrix.dense(), matrix.sizes), matrix, size_of(matrix))


@given(group_sizes(), SEEDS)
def test_average_is_the_mean_over_relabellings(sizes: tuple[int, ...], seed: int) -> None:
    """Orthogonal projection: what is left over is orthogonal to every invariant matrix, and relabelling first changes nothing."""
    rng = np.random.default_rng(seed)
    matrix = rng.standard_normal((sum(sizes), sum(sizes)))
    found = GroupMatrix.average(matrix, sizes)
    assert same(GroupMatrix.average(relabelled(matrix, sizes, rng), sizes), found, 10.0)
    assert np.allclose(relabelled(found.dense(), sizes, rng), found.dense(), rtol=0, atol=ROUNDING * 10)
    other = GroupMatrix.average(rng.standard_normal(matrix.shape), sizes).dense()
    assert abs(np.sum((matrix - found.dense()) * other)) <= ROUNDING * 100
    assert np.linalg.norm(found.dense()) <= np.linalg.norm(matrix) * (1 + ROUNDING)
    assert found.nuclear_norm() <= nuclear_norm(matrix) * (1 + ROUNDING)


@given(blocks())
def test_norms_and_ranks_are_those_of_the_dense_matrix(drawn: Blocks) -> None:
    matrix = drawn.matrix()
    dense = np.linalg.svd(matrix.dense(), compute_uv=False)
    values, multiplicities = matrix.singular_values()
    found = np.sort(np.repeat(values, multiplicities))[::-1]
    scale = size_of(matrix)
    assert found.shape == dense.shape
    assert np.all(np.abs(found - dense) <= ROUNDING * scale)
    assert abs(matrix.nuclear_norm() - dense.sum()) <= ROUNDING * scale * len(dense)
    for tolerance in (1e-9 * scale, 0.3 * scale):
        if np.all(np.abs(dense - tolerance) > ROUNDING * scale):
            assert matrix.rank(tolerance) == np.sum(dense > tolerance)


@given(blocks())
def test_entries_are_those_of_the_dense_matrix(drawn: Blocks) -> None:
    matrix = drawn.matrix()
    dense, scale = matrix.dense(), size_of(matrix)
    starts = np.concatenate([[0], np.cumsum(matrix.sizes)]).tolist()
    for g, size in enumerate(matrix.sizes):
        assert abs(matrix.diagonal(g) - dense[starts[g], starts[g]]) <= ROUNDING * scale
        for h in range(len(matrix.sizes)):
            if g != h or size > 1:
                column = starts[h] + (1 if g == h else 0)
                assert abs(matrix.entry(g, h) - dense[starts[g], column]) <= ROUNDING * scale


@given(blocks(), st.floats(-5.0, 5.0))
def test_linear_maps_agree_with_the_dense_ones(drawn: Blocks, factor: float) -> None:
    matrix = drawn.matrix()
    dense, scale = matrix.dense(), size_of(matrix)
    assert np.all(np.abs(matrix.scaled(factor).dense() - factor * dense) <= ROUNDING * scale * 5)
    centred = matrix.centred().dense()
    assert np.all(np.abs(centred.sum(axis=1)) <= ROUNDING * scale * len(dense))
    # Every row is shifted by one number.
    assert np.all(np.abs(centred - (dense - dense.mean(axis=1, keepdims=True))) <= ROUNDING * scale)


@given(blocks())
def test_polar_grams_are_the_square_roots(drawn: Blocks) -> None:
    matrix = drawn.matrix()
    dense, scale = matrix.dense(), size_of(matrix)
    left, right = (gram.dense() for gram in matrix.polar_grams())
    for gram, square in ((left, dense @ dense.T), (right, dense.T @ dense)):
        assert np.all(np.abs(gram @ gram - square) <= ROUNDING * scale**2)
        assert np.all(np.abs(gram - gram.T) <= ROUNDING * scale)
        assert np.linalg.eigvalsh(gram).min() >= -ROUNDING * scale


def test_polar_grams_agree_with_scipys_square_root() -> None:
    rng = np.random.default_rng(3)
    matrix = GroupMatrix((3, 1, 2), np.array([0.7, 0.0, -1.3]), rng.standard_normal((3, 3)))
    left, right = (gram.dense() for gram in matrix.polar_grams())
    dense = matrix.dense()
    assert np.all(np.abs(left - np.real(sqrtm(dense @ dense.T))) <= ROOT_ROUNDING)
    assert np.all(np.abs(right - np.real(sqrtm(dense.T @ dense))) <= ROOT_ROUNDING)
    assert np.linalg.norm(left - right) > 0.1  # the two sides differ, so a swap would be seen


def test_a_dense_matrix_beyond_the_limit_is_refused_with_its_size() -> None:
    matrix = GroupMatrix((1_000_000,), np.ones(1), np.zeros((1, 1)))
    with pytest.raises(UnusableInput, match="1000000 classes needs 8000 GB: at most 20000 classes are formed; read the per-group numbers"):
        matrix.dense()
    # What needs no dense matrix does not care.
    assert matrix.nuclear_norm() == 999_999.0
    assert matrix.rank(0.5) == 999_999


def test_the_strategy_of_group_matrices_is_rich() -> None:
    def labels(drawn: Blocks) -> list[str]:
        matrix = drawn.matrix()
        several = np.array(matrix.sizes) > 1
        found = [f"{len(matrix.sizes)} groups"]
        found += ["singleton"] * (not several.all()) + ["several"] * bool(several.any())
        found += ["negative inner"] * bool((matrix.inner < 0).any()) + ["no inner"] * bool((matrix.inner == 0).all())
        found += ["rank one"] * bool(len(matrix.sizes) > 1 and np.linalg.matrix_rank(matrix.outer) == 1)
        return [*found, "large" if size_of(matrix) > 100 else "small" if size_of(matrix) < 0.1 else "middling"]

    seen = tally(blocks(), labels)
    wanted = (
        "1 groups",
        "2 groups",
        "3 groups",
        "4 groups",
        "singleton",
        "several",
        "negative inner",
        "no inner",
        "rank one",
        "large",
        "small",
    )
    assert all(seen[label] >= OFTEN_ENOUGH for label in wanted), seen
