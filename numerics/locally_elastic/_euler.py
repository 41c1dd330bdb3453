"""Euler–Maruyama on nested Brownian grids: the check on the exact law, not the method."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics._draws import chunk_sizes, coloured, square_roots
from layerpeel.numerics._inputs import UnusableInput, require_positive, require_whole
from layerpeel.numerics._memory import require_memory
from layerpeel.numerics._validated import validated
from layerpeel.numerics.locally_elastic._exact_law import drawn_samples
from layerpeel.numerics.locally_elastic._law import points_and_means, require_drift
from layerpeel.numerics.locally_elastic._model import ElasticModel
from layerpeel.numerics.locally_elastic._noise import as_noise


@validated
def brownian_increments(*, rng: np.random.Generator, end: float, steps: int, shape: tuple[int, ...]) -> Float[np.ndarray, "steps *shape"]:
    """Increments of independent Brownian motions over equal steps.

        ΔW ~ N(0, end/steps), independent.

    Args:
        rng: source of randomness.
        end: the last time, > 0.
        steps: number of steps, ≥ 1.
        shape: of the increments of one step.

    Returns:
        steps × shape.

    Raises:
        UnusableInput: for what is no generator, a time or number of steps that is not positive, and when they do not fit in memory.

    Example:
        >>> brownian_increments(rng=np.random.default_rng(0), end=1.0, steps=4, shape=(2,)).shape
        (4, 2)
    """
    duration, count = require_positive(end, "time"), require_whole(steps, "the number of steps", remedy="correct it")
    need = 16.0 * count * float(np.prod(shape, dtype=float))
    require_memory(need, f"{count} Brownian increments of shape {shape}", "ask for fewer paths or steps, or use euler_chunks")
    return rng.standard_normal((count, *shape)) * np.sqrt(duration / count)


@validated
def coarsened(increments: Float[np.ndarray, "steps *shape"], factor: int) -> Float[np.ndarray, "coarse *shape"]:
    """The same Brownian paths on a grid `factor` times as coarse: sums of neighbouring increments.

    Args:
        increments: steps × …, on equal steps.
        factor: how many neighbours are added, ≥ 1.

    Returns:
        steps/factor × ….

    Raises:
        UnusableInput: for what is no array of numbers, and when the factor does not divide the number of steps.

    Example:
        >>> coarsened(np.array([1.0, 2.0, 3.0, 4.0]), 2).tolist()
        [3.0, 7.0]
    """
    count = require_whole(factor, "the factor", remedy="correct it")
    if len(increments) % count:
        raise UnusableInput(f"{len(increments)} steps cannot be joined by {count}: the factor must divide them; use another.")
    return increments.reshape(-1, count, *increments.shape[1:]).sum(axis=1)


@validated
def euler_maruyama(
    model: ElasticModel,
    start: Float[np.ndarray, "*N K n p"],
    increments: Float[np.ndarray, "steps *N K n p"],
    *,
    end: float,
    means: Any = None,
    drift: str = "mean",
) -> Float[np.ndarray, "*N K n p"]:
    """Features at time `end` by X̃ ← X̃ + h M(t) Y + Σ(t)^{1/2} ΔW, from points and given Brownian increments.

    Args:
        model: drift and noise.
        start: features at time 0, … × K × n × p: n samples of each class, and any number of paths before.
        increments: ΔW on equal steps, steps × … × K × n × p.
        end: the last time, > 0.
        means: K × p, X̄(0) for drift "mean"; the averages over all given points when left out.
        drift: "mean": Y is the mean flow, stepped by the same scheme from `means`; "literal": Y is X̃ itself, the samples of equal number
            driving each other.

    Returns:
        Features, … × K × n × p.

    Raises:
        UnusableInput: for an unknown drift, a time that is not positive, shapes that do not fit, and features that leave the doubles.

    Source: kloeden1992, section 10.2.

    Example:
        >>> model = ElasticModel(blocks="identity", num_classes=2, num_features=1, intra=2, inter=0)
        >>> euler_maruyama(model, np.ones((2, 1, 1)), np.zeros((2, 2, 1, 1)), end=1.0).ravel().tolist()
        [2.25, 2.25]
    """
    if increments.ndim < 4 or start.shape != increments.shape[1:] or not len(increments):
        raise UnusableInput(
            f"the start has shape {start.shape} and the increments {increments.shape}: they must be (..., K, n, p) and "
            "(steps, ..., K, n, p); correct them."
        )
    if (start.shape[-3], start.shape[-1]) != (model.num_classes, model.num_features):
        raise UnusableInput(
            f"the start has shape {start.shape}: it must be (..., {model.num_classes}, n, {model.num_features}) for this model; correct it."
        )
    centre = start.reshape(-1, *start.shape[-3:]).mean(axis=(0, 2)) if means is None else means
    return _stepped(model, np.array(start, dtype=float), points_and_means(model, centre)[1], increments, len(increments), end, drift)


@validated
def euler_chunks(
    model: ElasticModel,
    start: Any,
    *,
    end: float,
    steps: int,
    rng: np.random.Generator,
    paths: int,
    samples: int | None = None,
    spread: Any = 0,
    drift: str = "mean",
) -> Iterator[Float[np.ndarray, "N K n p"]]:
    """Features at time `end` by Euler–Maruyama, at most 134 MB of them at a time (about three times this is used).

    Args:
        model: drift and noise.
        start: class means of a Gaussian start, K × p, or points, K × n × p.
        end: the last time, > 0.
        steps: equal steps up to it, ≥ 1.
        rng: source of randomness.
        paths: independent repetitions, ≥ 1.
        samples: n per class; needed for a Gaussian start, fixed for given points.
        spread: of a Gaussian start, as in `elastic_law`.
        drift: "mean" or "literal", as in `elastic_law`.

    Returns:
        An iterator over arrays N × K × n × p, whose N add up to the number of paths.

    Raises:
        UnusableInput: as `elastic_law` and `euler_maruyama`, most of it when the first array is asked for.

    Source: kloeden1992, section 10.2.

    Example:
        >>> model = ElasticModel(blocks="I", num_classes=2, num_features=3, intra=1, inter=0, noise=1)
        >>> chunks = euler_chunks(model, np.eye(2, 3), end=1.0, steps=8, rng=np.random.default_rng(0), paths=4, samples=5)
        >>> [chunk.shape for chunk in chunks]
        [(4, 2, 5, 3)]
    """
    points, means = points_and_means(model, start)
    count = drawn_samples(points, samples)
    duration, number = require_positive(end, "time"), require_whole(steps, "the number of steps", remedy="correct it")
    require_drift(drift)
    roots = square_roots(as_noise(spread, model.num_classes, model.num_features).at(np.zeros(1))[0])
    shape = (model.num_classes, count, model.num_features)
    paths = require_whole(paths, "the number of paths", remedy="correct it")
    for together in chunk_sizes(paths, shape, f"{count} samples"):
        size = (together, *shape)
        state = means[:, None, :] + rng.standard_normal(size) @ roots if points is None else np.broadcast_to(points, size)
        deviates = (rng.standard_normal(size) * np.sqrt(duration / number) for _ in range(number))
        yield _stepped(model, np.array(state), means, deviates, number, duration, drift)


def _stepped(
    model: ElasticModel, state: np.ndarray, centre: np.ndarray, increments: Iterable[np.ndarray], steps: int, end: float, drift: str
) -> np.ndarray:
    """The scheme itself, on an array that it may change."""
    require_drift(drift)
    duration = require_positive(end, "time")
    if not np.isfinite(state).all():
        raise UnusableInput("the start has entries that are not finite numbers: all must be; correct them.")
    model.require_regular(duration)
    grid = duration / steps * np.arange(steps)
    isotropic = model.noise.deviations is not None
    roots = np.sqrt(model.noise.variances(grid)) if isotropic else square_roots(model.noise.at(grid))
    with np.errstate(over="ignore", invalid="ignore"):
        for weights, root, increment in zip(model.weights(grid) * (duration / steps), roots, increments, strict=True):
            if drift == "mean":
                push = model.pushed(weights, centre)
                centre = centre + push
                state += push[:, None, :]
            else:
                state += np.moveaxis(model.pushed(weights, np.moveaxis(state, (-3, -1), (0, 1))), (0, 1), (-3, -1))
            if root.any():
                state += coloured(increment, root, isotropic=isotropic)
    if not np.isfinite(state).all():
        raise UnusableInput(f"features leave the doubles before t = {duration:g}: the drift is too strong for plain paths; end earlier.")
    return state
