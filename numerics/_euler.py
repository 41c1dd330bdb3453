"""Euler–Maruyama on nested Brownian grids: the check on the exact law, not the method."""

import numpy as np
from jaxtyping import Float

from numerics._elastic import ElasticModel
from numerics._inputs import UnusableInput, require_positive, require_whole
from numerics._memory import require_memory

DRIFTS = ("mean", "literal")
"""Names of drifts: "mean" moves every sample by M X̄ with X̄ the mean flow, "literal" by M X̃ with X̃ the samples of equal number."""


def brownian_increments(*, rng: np.random.Generator, end: float, steps: int, shape: tuple[int, ...]) -> Float[np.ndarray, "steps *shape"]:
    """Increments of independent Brownian motions over `steps` equal steps up to `end`.

    Raises:
        UnusableInput: for a time or number of steps that is not positive, and when they do not fit in memory.

    Example:
        >>> brownian_increments(rng=np.random.default_rng(0), end=1.0, steps=4, shape=(2,)).shape
        (4, 2)
    """
    duration, count = require_positive(end, "time"), require_whole(steps, "the number of steps", remedy="correct it")
    require_memory(
        16.0 * count * float(np.prod(shape, dtype=float)), f"{count} Brownian increments of shape {shape}", "ask for fewer paths or steps"
    )
    return rng.standard_normal((count, *shape)) * np.sqrt(duration / count)


def coarsened(increments: Float[np.ndarray, "steps *shape"], factor: int) -> Float[np.ndarray, "coarse *shape"]:
    """The same Brownian paths on a grid `factor` times as coarse: sums of neighbouring increments.

    Raises:
        UnusableInput: when the factor does not divide the number of steps.

    Example:
        >>> coarsened(np.array([1.0, 2.0, 3.0, 4.0]), 2).tolist()
        [3.0, 7.0]
    """
    count = require_whole(factor, "the factor", remedy="correct it")
    if len(increments) % count:
        raise UnusableInput(f"{len(increments)} steps cannot be joined by {count}: the factor must divide them; use another.")
    return increments.reshape(-1, count, *increments.shape[1:]).sum(axis=1)


def euler_maruyama(
    model: ElasticModel,
    start: Float[np.ndarray, "*N K n p"],
    increments: Float[np.ndarray, "steps *N K n p"],
    *,
    end: float,
    means: Float[np.ndarray, "K p"] | None = None,
    drift: str = "mean",
) -> Float[np.ndarray, "*N K n p"]:
    """Features at time `end` by X̃ ← X̃ + h M(t) Y + Σ(t)^{1/2} ΔW, from points and given Brownian increments.

    Args:
        model: drift and noise.
        start: features at time 0; n samples of each class, and any number of paths before.
        increments: ΔW on equal steps.
        end: the last time.
        means: X̄(0) for drift "mean"; the averages over all given points when left out.
        drift: "mean": Y is the mean flow, stepped by the same scheme from `means`; "literal": Y is X̃ itself, the i-th samples of all classes
            driving each other.

    Raises:
        UnusableInput: for an unknown drift, a time that is not positive, shapes that do not fit, and features that leave the doubles.

    Source: kloeden1992, section 10.2.

    Example:
        >>> model = ElasticModel(blocks="identity", num_classes=2, num_features=1, intra=2, inter=0)
        >>> euler_maruyama(model, np.ones((2, 1, 1)), np.zeros((2, 2, 1, 1)), end=1.0).ravel().tolist()
        [2.25, 2.25]
    """
    duration, steps = require_positive(end, "time"), len(increments)
    if drift not in DRIFTS:
        raise UnusableInput(f"drift {drift!r} is unknown: it must be one of {', '.join(DRIFTS)}; choose one of these.")
    classes, features = model.num_classes, model.num_features
    if start.shape != increments.shape[1:] or (start.shape[-3], start.shape[-1]) != (classes, features) or not steps:
        raise UnusableInput(
            f"the start has shape {start.shape} and the increments {increments.shape}: they must be (..., {classes}, n, {features}) "
            f"and (steps, ...) of the same; correct them."
        )
    if not np.isfinite(start).all():
        raise UnusableInput("the start has entries that are not finite numbers: all must be; correct them.")
    grid = duration / steps * np.arange(steps)
    weights, factors = model.weights(grid) * (duration / steps), noise_factors(model, grid)
    state = np.array(start)
    centre = state.reshape(-1, *start.shape[-3:]).mean(axis=(0, 2)) if means is None else np.array(means, dtype=float)
    for weight, factor, increment in zip(weights, factors, increments, strict=True):
        if drift == "mean":
            push = model.pushed(weight, centre)
            centre = centre + push
            state += push[:, None, :]
        else:
            state += np.moveaxis(model.pushed(weight, np.moveaxis(state, (-3, -1), (0, 1))), (0, 1), (-3, -1))
        state += increment @ np.swapaxes(factor, -1, -2)
    if not np.isfinite(state).all():
        raise UnusableInput(f"features leave the doubles before t = {duration:g}: the drift is too strong for plain paths; end earlier.")
    return state


def noise_factors(model: ElasticModel, times: Float[np.ndarray, " T"]) -> Float[np.ndarray, "T K p p"]:
    """Σ_k(t)^{1/2}, symmetric."""
    if model.noise.deviations is not None:
        return np.sqrt(model.noise.variances(times))[:, :, None, None] * np.eye(model.num_features)
    values, vectors = np.linalg.eigh(model.noise.at(times))
    return (vectors * np.sqrt(np.maximum(values, 0.0))[..., None, :]) @ np.swapaxes(vectors, -1, -2)
