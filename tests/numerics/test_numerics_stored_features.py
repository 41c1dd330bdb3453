"""What the type of stored features costs: rank, D and NC1 of single and half precision against those of double precision."""

import numpy as np
import pytest
from refusals import refused

from layerpeel.numerics import (
    ClassMoments,
    ClassStatistics,
    NeuralCollapse,
    Separation,
    centred_features,
    feature_energy,
    fuzziness,
    lda_floor,
    neural_collapse,
    neural_collapse_of,
    separation,
)

CLASSES, WIDTH = 10, 50
BRAIN = 2.0**-7
"""Machine epsilon of bfloat16."""

STORING = {np.float16: 1e-3, np.float32: 1e-6}
"""Relative agreement of D with that before storing: a few roundings of samples over their distance from each other."""


def brain(features: np.ndarray) -> np.ndarray:
    """Rounded to bfloat16 and held in single precision."""
    bits = features.astype(np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32)


def embedded(rank: int, *, each: int = 100, offset: float = 0.0, scatter: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Classes that differ in `rank` directions, in generic coordinates."""
    rng = np.random.default_rng(rank)
    labels = np.repeat(np.arange(CLASSES), each)
    means = rng.permuted(np.tile(np.arange(CLASSES), (rank, 1)), axis=1).T + 0.1 * rng.normal(size=(CLASSES, rank))  # none is near another
    narrow = means[labels] + scatter * rng.normal(size=(len(labels), rank))
    return offset + narrow @ rng.normal(size=(rank, WIDTH)), labels


def streamed(features: np.ndarray, labels: np.ndarray, eps: float | None = None) -> ClassStatistics:
    moments = ClassMoments(int(labels.max()) + 1, features.shape[1])
    for rows in np.array_split(np.arange(len(labels)), 7):
        moments.update(features[rows], labels[rows], eps=eps)
    return moments.compute()


def require_agreement(found: tuple[Separation, NeuralCollapse], expected: tuple[Separation, NeuralCollapse], relative: float) -> None:
    assert found[0].rank_between == expected[0].rank_between
    assert found[0].fuzziness == pytest.approx(expected[0].fuzziness, rel=relative)
    for name in ("nc1", "nc2", "cdnv"):
        assert getattr(found[1], name) == pytest.approx(getattr(expected[1], name), rel=relative), name


@pytest.mark.parametrize("rank", range(1, CLASSES))
@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_features_of_low_rank_agree_with_double_precision(rank: int, kind: type[np.floating]) -> None:
    x, y = embedded(rank)
    exact = separation(x, y), neural_collapse(x, y)
    assert exact[0].rank_between == rank
    stored = x.astype(kind)
    require_agreement((separation(stored, y), neural_collapse(stored, y)), exact, STORING[kind])
    statistics = streamed(stored, y)
    assert fuzziness(statistics) == pytest.approx(exact[0].fuzziness, rel=STORING[kind])
    assert neural_collapse_of(statistics).nc1 == pytest.approx(exact[1].nc1, rel=STORING[kind])


@pytest.mark.parametrize("depth", [1, 4, 16])
@pytest.mark.parametrize("each", [3, 100])
def test_linear_layers_behind_a_bottleneck_keep_its_rank(depth: int, each: int) -> None:
    x, y = embedded(3, each=each)
    rng = np.random.default_rng(depth)
    single = x[:, :3].astype(np.float32)
    exact = single.astype(float)
    for before in [3] + [WIDTH] * (depth - 1):
        weights, bias = rng.normal(size=(before, WIDTH)).astype(np.float32) / np.float32(np.sqrt(before)), rng.normal(size=WIDTH)
        exact, single = exact @ weights.astype(float) + bias, single @ weights + bias.astype(np.float32)
    require_agreement((separation(single, y), neural_collapse(single, y)), (separation(exact, y), neural_collapse(exact, y)), 1e-4)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("offset", [0.0, 20.0])
def test_merged_and_collinear_class_means_with_scatter_in_every_direction(kind: type[np.floating], offset: float) -> None:
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(6), 100)
    noise = rng.normal(size=(600, 30))
    noise -= np.array([noise[y == k].mean(axis=0) for k in range(6)])[y]
    means = 4.0 * rng.normal(size=(6, 30))
    merged, collinear = means[[0, 1, 2, 3, 4, 4]], np.arange(6)[:, None] * means[:1]
    for centres, rank in ((merged, 4), (collinear, 1)):
        x = offset + centres[y] + noise
        exact, found = separation(x, y), separation(x.astype(kind), y)
        assert (exact.rank_between, found.rank_between) == (rank, rank)
        assert found.fuzziness == pytest.approx(exact.fuzziness, rel=2e-3)
        cdnv = neural_collapse(x.astype(kind), y).cdnv
        assert cdnv == (np.inf if rank == 4 else pytest.approx(neural_collapse(x, y).cdnv, rel=2e-3))
        assert neural_collapse_of(streamed(x.astype(kind), y)).cdnv == pytest.approx(cdnv, rel=1e-9)


@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_errors_of_collapsed_classes_do_not_average(kind: type[np.floating]) -> None:
    x, y = embedded(3, each=3000, scatter=0.0)
    assert separation(x.astype(kind), y).rank_between == 3


@pytest.mark.parametrize("scatter", [0.0, 1e-9, 0.1])
@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_class_means_are_within_their_errors(scatter: float, kind: type[np.floating]) -> None:
    x, y = embedded(9, offset=3.0, scatter=scatter)
    exact, stored = centred_features(x, y), centred_features(x.astype(kind), y)
    off = np.linalg.norm(exact.means - stored.means, axis=1)
    assert (off <= stored.mean_errors).all()
    assert (off >= stored.mean_errors / 100.0).all()  # the bound is not idle


@pytest.mark.parametrize(("eps", "kind"), [(2.0**-10, np.float16), (2.0**-23, np.float32), (BRAIN, brain)])
def test_small_differences_that_are_real_are_kept(eps: float, kind: type) -> None:
    x, y = embedded(9, each=1000, scatter=10.0, offset=600.0)  # class means in the scatter, as in a network at its start
    stored = kind(x)
    found = separation(stored, y, eps=eps)
    assert found.rank_between == 9
    assert found.fuzziness == pytest.approx(separation(x, y).fuzziness, rel=0.01)


def test_bfloat16_held_in_single_precision_needs_to_be_told() -> None:
    x, y = embedded(3)
    stored = brain(x)
    assert separation(stored, y).rank_between == 9
    found, exact = separation(stored, y, eps=BRAIN), separation(x, y)
    assert found.rank_between == 3
    assert found.fuzziness == pytest.approx(exact.fuzziness, rel=1e-2)
    assert neural_collapse(stored, y, eps=BRAIN).nc1 == pytest.approx(neural_collapse(x, y).nc1, rel=1e-2)
    assert fuzziness(streamed(stored, y, eps=BRAIN)) == pytest.approx(found.fuzziness, rel=1e-9)


def test_statistics_carry_the_coarsest_type_they_were_fed() -> None:
    x, y = embedded(3)
    moments, other = ClassMoments(CLASSES, WIDTH), ClassMoments(CLASSES, WIDTH)
    moments.update(x[::2], y[::2])
    assert moments.compute().eps == 2.0**-52
    other.update(x[1::2].astype(np.float32), y[1::2])
    moments.merge(other.state)
    moments.update(x[::2], y[::2])
    assert moments.compute().eps == 2.0**-23
    assert fuzziness(moments.compute()) == pytest.approx(separation(x, y).fuzziness, rel=0.1)
    again = ClassMoments(CLASSES, WIDTH, state=moments.state.copy())
    assert again.compute().eps == 2.0**-23
    moments.reset()
    moments.update(x.round().astype(int), y)
    assert moments.compute().eps == 2.0**-52  # whole numbers are exact


def test_no_floor_below_what_rounding_leaves_of_the_scatter() -> None:
    x, y = embedded(12, offset=1.0)
    assert lda_floor(streamed(x[:, :12].astype(np.float32), y)) == pytest.approx(lda_floor(streamed(x[:, :12], y)), rel=1e-5)
    for kind in (np.float32, np.float64):
        refused(lambda kind=kind: lda_floor(streamed(x.astype(kind), y)), "singular to rounding")


def test_class_means_that_differ_by_rounding_alone_are_refused() -> None:
    x, y = embedded(3)
    moved = (1e4 + x - centred_features(x, y).means[y]).astype(np.float32)
    for measure in (separation, neural_collapse):
        refused(lambda measure=measure: measure(moved, y), "all class means coincide to rounding")
    refused(lambda: separation(x, y, eps=1.5), "the machine epsilon is 1.5")
    refused(lambda: ClassMoments(CLASSES, WIDTH).update(x, y, eps=float("nan")), "the machine epsilon is nan")


def test_the_energy_is_the_mean_over_classes_of_the_mean_square() -> None:
    x, y = embedded(5)
    few = np.arange(len(y)) % 100 < 10 * y + 1
    expected = np.mean([(x[few][y[few] == k] ** 2).sum(axis=1).mean() for k in range(CLASSES)])
    assert feature_energy(x[few], y[few]) == pytest.approx(expected, rel=1e-12)
    assert streamed(x[few], y[few]).energy == pytest.approx(expected, rel=1e-12)
    refused(lambda: feature_energy(x, y * 2), "class 1 has no sample")
