"""Directions remembered from one block to the next: the same shrinkage as from all singular values, or a second look."""

import numpy as np
import pytest

from layerpeel.numerics import Directions, GroupMatrix
from layerpeel.numerics.layer_peeled._directions import FOLLOW_FROM, _orthonormal, decomposed, largest_value


def slowly_turning(rng: np.random.Generator, size: int, rank: int, steps: int) -> list[np.ndarray]:
    """Blocks with a few large singular values over a floor of noise, each a little away from the last."""
    left, right = rng.standard_normal((2, size, rank))
    noise = rng.standard_normal((size, size))
    blocks = []
    for _ in range(steps):
        left, right = left + 0.02 * rng.standard_normal(left.shape), right + 0.02 * rng.standard_normal(right.shape)
        blocks.append(left @ right.T / size + 0.05 * noise / np.sqrt(size))
    return blocks


def exactly(block: np.ndarray, level: float) -> np.ndarray:
    left, values, right = np.linalg.svd(block)
    return (left * np.maximum(values - level, 0.0)) @ right


@pytest.mark.parametrize("size", [20, 60, 150])
def test_followed_directions_give_the_same_shrinkage(size: int) -> None:
    directions = Directions()
    assert directions.complete
    for block in slowly_turning(np.random.default_rng(size), size, 8, 6):
        shrunk, level = directions.shrink(block, lambda _: 0.3)
        assert level == 0.3
        np.testing.assert_allclose(shrunk, exactly(block, 0.3), atol=1e-3)  # the block turns by a fiftieth, and the noise is 0.1
        assert directions.complete == (size < FOLLOW_FROM)


def test_the_error_falls_when_the_block_stands_still() -> None:
    directions, block = Directions(), slowly_turning(np.random.default_rng(0), 150, 8, 2)
    directions.shrink(block[0], lambda _: 0.3)
    errors = [np.abs(directions.shrink(block[1], lambda _: 0.3)[0] - exactly(block[1], 0.3)).max() for _ in range(6)]
    assert errors[-1] < 1e-9
    assert errors[-1] < errors[0]


def test_a_new_large_direction_is_seen_when_too_many_are_kept_or_after_forgetting() -> None:
    rng = np.random.default_rng(1)
    low, high = slowly_turning(rng, 150, 5, 1)[0], slowly_turning(rng, 150, 60, 1)[0]
    directions = Directions()
    directions.shrink(low, lambda _: 0.3)
    np.testing.assert_allclose(directions.shrink(high, lambda _: 0.05)[0], exactly(high, 0.05), atol=1e-12)  # all that it followed was kept
    hidden = low.copy()
    unseen = np.linalg.svd(low)[2][-1]
    hidden += np.outer(np.linalg.svd(low)[0][:, -1], unseen) * 5.0
    directions.shrink(low, lambda _: 0.3)
    followed, _ = directions.shrink(hidden, lambda _: 0.3)
    assert np.abs(followed - exactly(hidden, 0.3)).max() > 1e-3  # orthogonal to all it remembers: missed
    directions.forget()
    assert directions.complete
    np.testing.assert_allclose(directions.shrink(hidden, lambda _: 0.3)[0], exactly(hidden, 0.3), atol=1e-12)


def test_the_width_follows_the_rank_and_a_wide_block_is_looked_at_whole() -> None:
    rng = np.random.default_rng(2)
    directions = Directions()
    directions.shrink(slowly_turning(rng, 150, 5, 1)[0], lambda _: 0.3)
    assert not directions.complete
    directions.forget()
    directions.shrink(rng.standard_normal((150, 150)), lambda _: 0.1)  # nearly all directions are kept
    assert directions.complete


def test_projections_with_directions_stay_in_the_ball() -> None:
    directions, ones = Directions(), (1,) * 150
    for block in slowly_turning(np.random.default_rng(3), 150, 8, 5):
        point = GroupMatrix(ones, np.zeros(150), block)
        near, exact = point.projected(2.0, directions), point.projected(2.0)
        assert near.nuclear_norm() == pytest.approx(2.0, rel=1e-12)
        np.testing.assert_allclose(near.outer, exact.outer, atol=1e-3)
        inside = point.projected(1e3, directions)  # nothing to shrink
        np.testing.assert_array_equal(inside.outer, block)


def test_the_least_threshold_is_not_negative() -> None:
    """A point on the sphere up to rounding is left alone, not inflated."""
    point = GroupMatrix((1,) * 40, np.zeros(40), np.diag(np.where(np.arange(40) < 3, 1 / 3, 0.0)))
    for radius in (1.0, np.nextafter(1.0, 2), np.nextafter(1.0, 0)):
        assert point.projected(float(radius)).nuclear_norm() == pytest.approx(1.0, rel=1e-14)


@pytest.mark.parametrize("size", [5, 40])
@pytest.mark.parametrize("scale", [1.0, 1e-200, 1e200])
def test_a_decomposition_is_that_of_an_svd_down_to_small_values(size: int, scale: float) -> None:
    rng = np.random.default_rng(size)
    left, right = (np.linalg.qr(rng.standard_normal((size, size)))[0] for _ in range(2))
    wanted = np.logspace(0, -10, size)
    block = scale * (left * wanted) @ right.T
    turned, values, vectors = decomposed(block)
    np.testing.assert_allclose(turned @ vectors.T, block, atol=1e-13 * scale)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(size), atol=1e-12)
    np.testing.assert_allclose(np.sort(values)[::-1] / scale, wanted, atol=1e-8)  # where 1e-16 of the largest square blurs the eigenvectors
    assert largest_value(block) == pytest.approx(scale, rel=1e-13)


def test_columns_that_are_nearly_dependent_get_a_basis_all_the_same() -> None:
    rng = np.random.default_rng(0)
    columns = rng.standard_normal((120, 6))
    for spread in (1.0, 1e-3, 1e-9, 0.0):
        nearly = columns.copy()
        nearly[:, 5] = nearly[:, 4] + spread * nearly[:, 5]
        basis = _orthonormal(nearly)
        np.testing.assert_allclose(basis.T @ basis, np.eye(6), atol=1e-11)
