"""How often every pair of classes can be split by a hyperplane: counted on simulated paths, and what the exact integral foretells."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Float

from layerpeel.numerics import (
    Bracket,
    ElasticModel,
    LiteralLaw,
    LogProbability,
    MeanDriftLaw,
    MeanFlow,
    Proportion,
    UnusableInput,
    elastic_law,
    pairwise_separable,
    separated_probability,
)
from layerpeel.pages.progress import progress

LEVEL = 0.05
"""Each interval misses with at most this probability."""

PIECE = 2**19
"""Numbers of one class decided between two signs of progress."""

LARGEST_LOG = 700.0
"""e to this power is still a double; classes that far apart are separated with probability one to every digit, unless noise is as large."""

LOST = 1e-6
"""Differences of samples below this share of their size are lost: covariances hold squares, and the square of this is near rounding."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ClassPairs:
    """Every pair of classes at the end, its means seen from each other.

    Args:
        classes: the pairs.
        differences: X̄^k − X̄^l, ±∞ where it is beyond doubles.
        log_distances: log ‖X̄^k − X̄^l‖; −∞ where the means coincide.
    """

    classes: tuple[tuple[int, int], ...]
    differences: Float[np.ndarray, "pairs p"]
    log_distances: Float[np.ndarray, " pairs"]

    @classmethod
    def at_end(cls, flow: MeanFlow) -> "ClassPairs":
        """The pairs of a flow at its last time, without the rounding of the common mode."""
        pairs = tuple(combinations(range(flow.own.shape[1]), 2))
        first, second = np.array(pairs).T
        logs = flow.own_logs[-1]
        top = logs.max()
        parts = flow.own[-1] * np.exp(logs - top)[:, None]
        apart = parts[first] - parts[second]
        sizes = np.abs(apart).max(axis=1)
        unit = np.where(sizes > 0.0, sizes, 1.0)
        with np.errstate(divide="ignore", over="ignore"):
            distances = top + np.log(sizes) + np.log(np.linalg.norm(apart / unit[:, None], axis=1))
            half = np.exp(0.5 * top)
            differences = np.where(apart == 0.0, 0.0, np.where(apart == 0.0, 1.0, apart) * half * half)
        return cls(classes=pairs, differences=differences, log_distances=np.where(sizes > 0.0, distances, -np.inf))


@dataclass(frozen=True, kw_only=True, eq=False)
class SplitCounts:
    """On how many of the paths pairs were split; where rounding could not tell, both ways of counting.

    Args:
        paths: how many there were.
        pairs: for each pair, the least and the largest number of paths on which some hyperplane splits it.
        every: the same for all pairs at once.
    """

    paths: int
    pairs: np.ndarray
    every: np.ndarray


def interval(counts: np.ndarray, paths: int) -> Bracket:
    """Clopper–Pearson, around the least and the largest count."""
    low, high = (Proportion(successes=int(count), n=paths).interval(LEVEL) for count in counts)
    return Bracket(low.lower, high.upper)


def predicted_along(pairs: ClassPairs, deviation: float, samples: int) -> LogProbability:
    """Probability that two classes are separated along the difference of their means, exactly: a lower bound for any hyperplane."""
    gaps = np.exp(np.minimum(pairs.log_distances, LARGEST_LOG))
    return separated_probability(gaps, deviations=(deviation, deviation), counts=(samples, samples))


def count_splits(
    model: ElasticModel,
    start: np.ndarray,
    pairs: ClassPairs,
    *,
    end: float,
    drift: str,
    samples: int | None,
    paths: int,
    rng: np.random.Generator,
) -> SplitCounts:
    """Draw paths from the exact law at the end and decide every pair of classes on each.

    Separability does not change when both classes move together. So under the mean drift features are drawn around their class means, and
    the difference of the means is added for each pair: nothing is lost when the means are large. About 0.4 GB are used, or three times
    one path.

    Raises:
        UnusableInput: as `elastic_law`, and under the literal drift when the common mode drowns the differences of classes.
    """
    if drift == "literal":
        drawn, differences = elastic_law(model, start, end, drift=drift), np.zeros_like(pairs.differences)
        if isinstance(drawn, LiteralLaw):
            _require_resolved(drawn, pairs)
    else:
        drawn, differences = _around_means(model, start, end), pairs.differences
    least, most = np.zeros(len(pairs.classes), dtype=int), np.zeros(len(pairs.classes), dtype=int)
    every = np.zeros(2, dtype=int)
    with progress("simulating paths", paths) as bar:
        for piece in _pieces(drawn.chunks(rng=rng, paths=paths, samples=samples)):
            split, perhaps = np.ones((2, len(piece)), dtype=bool)
            for column, ((k, j), difference) in enumerate(zip(pairs.classes, differences, strict=True)):
                if np.isfinite(difference).all():
                    separations = pairwise_separable(np.stack([piece[:, k] + difference, piece[:, j]], axis=1))
                    yes, open_ = separations.separable[:, 0], ~separations.decided[:, 0]
                else:  # the means are 1e308 apart; noise, whose square is a double, is below 1e160
                    yes, open_ = np.ones((2, len(piece)), dtype=bool) * np.array([[True], [False]])
                least[column] += yes.sum()
                most[column] += (yes | open_).sum()
                split &= yes
                perhaps &= yes | open_
            every += [split.sum(), perhaps.sum()]
            bar(advance=len(piece))
    return SplitCounts(paths=paths, pairs=np.stack([least, most], axis=1), every=every)


def _around_means(model: ElasticModel, start: np.ndarray, end: float) -> MeanDriftLaw | LiteralLaw:
    """The law of the features seen from their class means: that of the model without any drift."""
    still = ElasticModel(
        blocks="identity",
        num_classes=model.num_classes,
        num_features=model.num_features,
        intra=0,
        inter=0,
        noise=list(model.noise.deviations or ()),
    )
    return elastic_law(still, start - start.mean(axis=1, keepdims=True) if start.ndim == 3 else np.zeros_like(start), end)


def _pieces(chunks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """Paths × classes × samples × features, a few paths at a time."""
    for chunk in chunks:
        step = max(1, PIECE // math.prod(chunk.shape[3:]))
        for begin in range(0, len(chunk), step):
            yield chunk[begin : begin + step, 0]


def _require_resolved(drawn: LiteralLaw, pairs: ClassPairs) -> None:
    """Check that samples of different classes differ by more than rounding, under the literal drift.

    Raises:
        UnusableInput: when they do not.
    """
    classes = drawn.means.shape[1]
    blocks = drawn.increments[-1].reshape(classes, -1, classes, len(drawn.increments[-1]) // classes)
    shared = np.einsum("kala->kl", blocks) / blocks.shape[1]
    own = np.diag(shared)
    size = max(float(np.abs(drawn.means[-1]).max()), math.sqrt(max(own.max(), 0.0)))
    for (k, j), distance in zip(pairs.classes, pairs.log_distances, strict=True):
        noise = math.sqrt(max(own[k] + own[j] - 2.0 * shared[k, j], 0.0))
        if max(noise, math.exp(min(distance, LARGEST_LOG))) < LOST * size:
            raise UnusableInput(
                f"the literal drift makes features {size:.3g} large, and those of classes {k} and {j} differ by a millionth of that: "
                "the differences are lost in rounding; end earlier, or use the drift mean."
            )
