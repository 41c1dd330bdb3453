"""Paths of the features around integrated class means, with exact increments of the noise; no law is used."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics import Bracket, Estimate, Proportion, confirming_size, separated_along
from layerpeel.theory._enclosed_points import enclosed_points
from layerpeel.theory._room import Evidence, Kind, Series, Setting

SHARP, POWER = 0.04, 0.999
"""Width that confirms a probability, and the chance that a true prediction is confirmed by an interval of less than half that width."""
SIZED = (
    "the number of paths is the one at which an interval of half this width confirms with probability 0.999; a narrower one costs the "
    "square of its factor in paths"
)
"""Why this resolution, and why the headroom is two."""
FREQUENCY: dict[str, Any] = {
    "evidence": Evidence.STATISTICAL,
    "kind": Kind.PROBABILITY,
    "within": SHARP,
    "because": SIZED,
    "headroom": 2.0,
}
"""What a claim about a frequency over paths rests on."""
TOGETHER = 20_000
"""Paths drawn at once."""
STEPS = 3
"""Increments of the noise; their sum is exact for any number of them."""


def paths_needed(level: float, predicted: Bracket | float = 0.5, resolution: float = SHARP) -> int:
    """From the power calculation; no probability needs more paths than one half."""
    return confirming_size(predicted=predicted, resolution=0.48 * resolution, level=level, power=POWER)


def ends_of_paths(
    means: Float[np.ndarray, "K p"],
    gathered: Float[np.ndarray, "steps K p p"],
    *,
    spread: Float[np.ndarray, "K p p"],
    rng: np.random.Generator,
    paths: int,
    samples: int,
) -> Iterator[Float[np.ndarray, "N K n p"]]:
    """X̃_i^k(t) = X̃_i^k(0) − X̄^k(0) + X̄^k(t) + Σ ∫Σ_k^{1/2} dW, slides equation (7).

    Args:
        means: X̄(t).
        gathered: the covariance that the noise adds in each of the steps up to t.
        spread: of the features at time 0.
        rng: source of randomness.
        paths: independent repetitions.
        samples: n per class.
    """
    roots = np.linalg.cholesky(np.concatenate([spread[None], gathered]))
    for begun in range(0, paths, TOGETHER):
        shape = (min(TOGETHER, paths - begun), *means.shape[:1], samples, means.shape[1])
        points = np.broadcast_to(means[:, None, :], shape).copy()
        for root in roots:
            points += rng.standard_normal(shape) @ root.mT
        yield points


Covariances: TypeAlias = Float[np.ndarray, "K p p"] | float
"""One for each class; a number is the variance in every direction."""


def separated_frequency(
    setting: Setting,
    means: Float[np.ndarray, "K p"],
    time: float,
    *,
    samples: int,
    pair: tuple[int, int],
    along: Float[np.ndarray, " p"],
    noise: Covariances = 1.0,
    spread: Covariances = 1.0,
    paths: int | None = None,
) -> Proportion:
    """How often the samples of two classes lie, at the end of a path, on two sides of some point along a direction.

    Args:
        setting: its stream and level.
        means: X̄(t), integrated.
        time: t.
        samples: n per class.
        pair: the two classes.
        along: the direction.
        noise: Σ_k per unit of time.
        spread: of the features at time 0.
        paths: how many; as many as `paths_needed` when left out.
    """
    gathered = np.broadcast_to(time / STEPS * _matrices(noise, *means.shape), (STEPS, *means.shape, means.shape[1]))
    number = paths_needed(setting.level) if paths is None else paths
    ends = ends_of_paths(means, gathered, spread=_matrices(spread, *means.shape), rng=setting.rng, paths=number, samples=samples)
    separated = (separated_along(points[:, pair[0]], points[:, pair[1]], np.tile(along, (len(points), 1))) for points in ends)
    return Proportion(successes=sum(int(each.sum()) for each in separated), n=number)


def _matrices(covariances: Covariances, classes: int, features: int) -> Float[np.ndarray, "K p p"]:
    matrices = covariances * np.eye(features) if isinstance(covariances, float) else covariances
    return np.broadcast_to(matrices, (classes, features, features))


def counted_points(label: str, x: Sequence[float], counted: Sequence[Proportion | Estimate], level: float, color: int) -> Series:
    """Frequencies, or means, as points of a figure with their intervals."""
    return enclosed_points(label, x, [each.interval(level) for each in counted], color, at=[each.mean for each in counted])
