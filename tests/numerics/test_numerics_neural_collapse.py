"""D and NC1-NC4 against the dense formulas in exact rational arithmetic: imbalanced counts, large offsets, single precision."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pytest
from flint import fmpq, fmpq_mat

from layerpeel.numerics import ClassMoments, fuzziness, neural_collapse, neural_collapse_of, separation

AGREEMENT = 1e-9
"""Relative to each measure. The exact one takes the numbers as they are; an offset of 1e6 leaves the others ten digits of a difference of
class means near one, which is why the means are drawn at some distance."""


@dataclass(frozen=True, kw_only=True)
class Exact:
    """Measures that are rational in the data, as rationals; the others from rational matrices, rounded at the end."""

    fuzziness: float
    by_class: list[float]
    nc1: float
    nc2: float
    nc3: float
    nc4: float
    cdnv: float


def rational(array: np.ndarray) -> fmpq_mat:
    entries = [fmpq(*float(value).as_integer_ratio()) for value in array.ravel()]
    return fmpq_mat(len(array), array.shape[1], entries)


def rows(matrix: fmpq_mat, chosen: list[int]) -> fmpq_mat:
    return fmpq_mat(len(chosen), matrix.ncols(), [matrix[i, j] for i in chosen for j in range(matrix.ncols())])


def trace(matrix: fmpq_mat) -> fmpq:
    return sum((matrix[i, i] for i in range(matrix.nrows())), fmpq(0))


def number(value: fmpq) -> float:
    return int(value.p) / int(value.q)


def floats(matrix: fmpq_mat) -> np.ndarray:
    return np.array([[number(entry) for entry in row] for row in matrix.tolist()])


def mean(matrix: fmpq_mat) -> fmpq_mat:
    count = matrix.nrows()
    return fmpq_mat(1, count, [fmpq(1, count)] * count) * matrix


def spread(matrix: fmpq_mat, centre: fmpq_mat) -> fmpq_mat:
    """Mean of the outer products of the rows without the centre."""
    ones = fmpq_mat(matrix.nrows(), 1, [fmpq(1)] * matrix.nrows())
    residuals = matrix - ones * centre
    return residuals.transpose() * residuals * fmpq(1, matrix.nrows())


def pseudo_inverse(matrix: fmpq_mat, span: fmpq_mat) -> fmpq_mat:
    """B (Bᵀ M B)⁻¹ Bᵀ is the pseudo-inverse of a symmetric M whose range the columns of B span."""
    return span * (span.transpose() * matrix * span).inv() * span.transpose()


def exact(x: np.ndarray, y: np.ndarray, weights: np.ndarray, bias: np.ndarray) -> Exact:
    """The definitions, letter by letter."""
    data, classes, width = rational(x), int(y.max()) + 1, x.shape[1]
    parts = [rows(data, np.flatnonzero(y == k).tolist()) for k in range(classes)]
    means = [mean(part) for part in parts]
    stacked = fmpq_mat(classes, width, [entry for row in means for entry in row.entries()])
    within = [spread(part, centre) for part, centre in zip(parts, means, strict=True)]
    shares = [fmpq(part.nrows(), len(y)) for part in parts]
    grand, middle = mean(data), mean(stacked)
    zero = fmpq_mat(width, width)
    between = sum((share * spread(centre, grand) for share, centre in zip(shares, means, strict=True)), zero)
    total = sum((share * scatter for share, scatter in zip(shares, within, strict=True)), zero)
    if width >= classes - 1:  # the range is spanned by differences of means, else it is everything
        span = fmpq_mat(classes - 1, width, [e for k in range(1, classes) for e in (means[k] - means[0]).entries()]).transpose()
    else:
        span = fmpq_mat(width, width, [fmpq(int(i == j)) for i in range(width) for j in range(width)])
    inverse = pseudo_inverse(between, span)
    centred = stacked - fmpq_mat(classes, 1, [fmpq(1)] * classes) * middle
    gram = floats(centred * centred.transpose())
    frame = np.eye(classes) - 1.0 / classes
    directions = floats(centred)
    labels = rational(weights) * data.transpose()
    wrong = 0
    for i in range(len(y)):
        sample = rows(data, [i])
        distances = [trace((sample - centre) * (sample - centre).transpose()) for centre in means]
        logits = [labels[k, i] + fmpq(*float(bias[k]).as_integer_ratio()) for k in range(classes)]
        wrong += min(range(classes), key=lambda k: distances[k]) != max(range(classes), key=lambda k: logits[k])
    pairs = [
        (trace(within[k]) + trace(within[j])) / (2 * trace((means[k] - means[j]) * (means[k] - means[j]).transpose()))
        for k, j in combinations(range(classes), 2)
    ]
    return Exact(
        fuzziness=number(trace(total * inverse)),
        by_class=[number(trace(scatter * inverse)) for scatter in within],
        nc1=number(trace(total * pseudo_inverse(spread(stacked, middle), span)) / classes),
        nc2=float(np.linalg.norm(gram / np.linalg.norm(gram) - frame / np.linalg.norm(frame))),
        nc3=float(np.linalg.norm(weights / np.linalg.norm(weights) - directions / np.linalg.norm(directions)) ** 2),
        nc4=wrong / len(y),
        cdnv=number(sum(pairs, fmpq(0)) / len(pairs)),
    )


@pytest.mark.parametrize("counts", [(5, 5, 5), (30, 9, 3, 2), (20, 1, 6)])
@pytest.mark.parametrize("width", [1, 2, 9])
@pytest.mark.parametrize(("offset", "kind"), [(0.0, np.float64), (1e6, np.float64), (0.0, np.float32), (1e3, np.float32)])
def test_every_measure_is_that_of_exact_arithmetic(counts: tuple[int, ...], width: int, offset: float, kind: type[np.floating]) -> None:
    rng = np.random.default_rng(len(counts) * width)
    y = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    means = 4.0 * rng.permuted(np.tile(np.arange(len(counts)), (width, 1)), axis=1).T + 0.5 * rng.normal(size=(len(counts), width))
    x = (offset + means[y] + rng.normal(size=(len(y), width))).astype(kind)
    weights = rng.normal(size=(len(counts), width))
    bias = -offset * weights.sum(axis=1)  # otherwise the offset alone would decide every label
    expected = exact(x, y, weights, bias)
    found, measured = separation(x, y), neural_collapse(x, y, weights, bias)
    assert found.fuzziness == pytest.approx(expected.fuzziness, rel=AGREEMENT)
    assert found.by_class.tolist() == pytest.approx(expected.by_class, rel=AGREEMENT)
    assert measured.nc4 == expected.nc4 > 0.0
    moments = ClassMoments(len(counts), width)
    for start in range(0, len(y), 4):
        moments.update(x[start : start + 4], y[start : start + 4])
    statistics = moments.compute()
    assert fuzziness(statistics) == pytest.approx(expected.fuzziness, rel=AGREEMENT)
    for collapse in (measured, neural_collapse_of(statistics, weights)):
        for name in ("nc1", "nc2", "nc3", "cdnv"):
            assert getattr(collapse, name) == pytest.approx(getattr(expected, name), rel=AGREEMENT), name
