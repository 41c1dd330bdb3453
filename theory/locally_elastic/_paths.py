"""Paths of the features around integrated class means, with exact increments of the noise; no law is used."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from layerpeel.numerics import Bracket, Proportion, confirming_size, separated_along

SHARP, POWER = 0.04, 0.999
"""Width that confirms a probability, and the chance that a true prediction is confirmed by an interval of less than half that width."""
SIZED = (
    "the number of paths is the one at which an interval of half this width confirms with probability 0.999; a narrower one costs the "
    "square of its factor in paths"
)
"""Why this resolution, and why the headroom is two."""
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


def constant_noise(deviation: float, time: float, classes: int, features: int) -> Float[np.ndarray, "steps K p p"]:
    """What noise σ adds in STEPS equal steps up to t: σ² t/STEPS each."""
    return np.broadcast_to(deviation**2 * time / STEPS * np.eye(features), (STEPS, classes, features, features))


def isotropic(deviation: float, classes: int, features: int) -> Float[np.ndarray, "K p p"]:
    """The covariance of features with this deviation in every direction."""
    return np.broadcast_to(deviation**2 * np.eye(features), (classes, features, features))


def separated_share(ends: Iterator[Float[np.ndarray, "N K n p"]], pair: tuple[int, int], along: Float[np.ndarray, " p"]) -> Proportion:
    """How often the samples of two classes lie on two sides of some point along a direction."""
    successes = total = 0
    for points in ends:
        successes += int(separated_along(points[:, pair[0]], points[:, pair[1]], np.broadcast_to(along, (len(points), len(along)))).sum())
        total += len(points)
    return Proportion(successes=successes, n=total)
