"""The exact law of the features under the literal drift, where samples drive each other."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float
from scipy.integrate import solve_ivp

from numerics._draws import normal_chunks, require_room, square_roots
from numerics._elastic import ElasticModel
from numerics._elastic_law import drawn_samples
from numerics._inputs import UnusableInput
from numerics._memory import require_memory

TOLERANCE = 1e-12
"""Relative tolerance with which propagators and covariances are integrated (DOP853)."""
LEAST_STEPS = 16
"""Steps at least between two times, so that a bump in the rates is not stepped over."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LiteralLaw:
    """Samples that drive each other: dX̃ = M(t) X̃ dt + Σ(t)^{1/2} dB, one sample of each class at a time.

    The i-th samples of the K classes form one solution in R^{Kp}, independent of the others:

        X̃(t) = Φ(t, s) X̃(s) + N(0, Q(t, s)),      Φ' = MΦ,      Q' = MQ + QMᵀ + Σ.

    When the I-model meets noise and starts that are the same in all directions, all features share one K×K propagator and covariance
    (N = K); else N = Kp. Made by `law`.

    Args:
        times: in increasing order.
        means: E X̃(t); over all points when points are given.
        points: X̃(0), shape (K, n, p); None for a Gaussian start.
        propagators: Φ from each time to the next, the first from 0, shape (T, N, N).
        increments: Q likewise; the first includes the start's covariance.
    """

    times: Float[np.ndarray, " T"]
    means: Float[np.ndarray, "T K p"] = field(repr=False)
    points: Float[np.ndarray, "K n p"] | None = field(repr=False)
    propagators: Float[np.ndarray, "T N N"] = field(repr=False)
    increments: Float[np.ndarray, "T N N"] = field(repr=False)

    @property
    def class_covariances(self) -> Float[np.ndarray, "T K p p"]:
        """Cov X̃_i^k(t)."""
        classes = self.means.shape[1]
        full = np.stack([self.covariance(index, index) for index in range(len(self.times))])
        return np.stack([full[:, k, :, k, :] for k in range(classes)], axis=1)

    def covariance(self, first: int, second: int) -> Float[np.ndarray, "K p K p"]:
        """Cov(X̃_i^k(s), X̃_i^l(t)) of samples of equal number at two of the times, by index."""
        early, late = min(first, second), max(first, second)
        found = np.zeros_like(self.increments[0])
        for index in range(early + 1):
            found = (self.propagators[index] @ found @ self.propagators[index].T if index else found) + self.increments[index]
        for index in range(early + 1, late + 1):
            found = found @ self.propagators[index].T
        found = found if first <= second else found.T
        _, classes, features = self.means.shape
        if len(found) == classes * features and features > 1:
            return found.reshape(classes, features, classes, features)
        return found[:, None, :, None] * np.eye(features)[None, :, None, :]

    def chunks(self, *, rng: np.random.Generator, paths: int, samples: int | None = None) -> Iterator[Float[np.ndarray, "N T K n p"]]:
        """Draw features at all times, jointly, at most 134 MB of them at a time (about three times this is used).

        Args:
            rng: source of randomness; what is drawn does not depend on the size of chunks.
            paths: independent repetitions.
            samples: n per class; needed for a Gaussian start, fixed for given points.

        Raises:
            UnusableInput: for numbers below 1, and for one path that does not fit in memory.
        """
        shape, what = self._shape(samples)
        count, classes, each, features = shape
        size = len(self.increments[0])
        roots = square_roots(self.increments)
        for normals in normal_chunks(rng, paths, (count, each, size, classes * features // size), what):
            drawn = roots[:, None] @ normals
            if self.points is not None:
                drawn[:, 0] += self.propagators[0] @ np.moveaxis(self.points, 1, 0).reshape(each, size, -1)
            else:
                drawn[:, 0] += self.means[0].reshape(size, -1)
            for index in range(1, count):
                drawn[:, index] += self.propagators[index] @ drawn[:, index - 1]
            yield np.moveaxis(drawn.reshape(len(drawn), count, each, classes, features), 2, 3)

    def draw(self, *, rng: np.random.Generator, paths: int, samples: int | None = None) -> Float[np.ndarray, "N T K n p"]:
        """All chunks in one array.

        Raises:
            UnusableInput: as `chunks`, and when the array does not fit in memory.
        """
        require_room(paths, *self._shape(samples))
        return np.concatenate(list(self.chunks(rng=rng, paths=paths, samples=samples)))

    def _shape(self, samples: int | None) -> tuple[tuple[int, int, int, int], str]:
        count = drawn_samples(self.points, samples)
        _, classes, features = self.means.shape
        return (len(self.times), classes, count, features), f"{count} samples at {len(self.times)} times"


def propagated(
    model: ElasticModel, times: Float[np.ndarray, " T"], start_covariance: np.ndarray, *, isotropic: bool
) -> tuple[Float[np.ndarray, "T N N"], Float[np.ndarray, "T N N"]]:
    """Φ and Q from each time to the next, the first from 0 and with the start's covariance.

    Raises:
        UnusableInput: when they do not fit in memory, or leave the doubles.
    """
    small = isotropic and model.kind == "I"
    size = model.num_classes * (1 if small else model.num_features)
    require_memory(8.0 * (4 * len(times) + 40) * size**2, f"propagators of {size} rows", "use fewer classes, features or times")

    def drift(time: float) -> np.ndarray:
        weights = model.weights(np.array([time]))[0]
        return weights if small else model.assembled(weights)

    def noise(time: float) -> np.ndarray:
        if small:
            return np.diag(model.noise.variances(np.array([time]))[0])
        return _block_diagonal(model.noise.at(np.array([time]))[0])

    begin = np.diag(start_covariance) if small else _block_diagonal(start_covariance)
    propagators, increments = np.empty((2, len(times), size, size))
    for index, (left, right) in enumerate(zip(np.append(0.0, times[:-1]), times, strict=True)):
        propagators[index], increments[index] = _between(drift, noise, size, left, right)
    if not (np.isfinite(propagators).all() and np.isfinite(increments).all()):
        raise UnusableInput(
            f"the covariance is beyond doubles at t = {times[-1]:g}: it must stay below 1e308; end earlier or weaken the drift."
        )
    increments[0] += propagators[0] @ begin @ propagators[0].T
    return propagators, increments


def _block_diagonal(blocks: Float[np.ndarray, "K p p"]) -> Float[np.ndarray, "Kp Kp"]:
    classes, features, _ = blocks.shape
    found = np.zeros((classes, features, classes, features))
    every = np.arange(classes)
    found[every, :, every, :] = blocks
    return found.reshape(classes * features, -1)


def _between(
    drift: Callable[[float], np.ndarray], noise: Callable[[float], np.ndarray], size: int, left: float, right: float
) -> tuple[np.ndarray, np.ndarray]:
    """Φ(right, left) and Q(right, left)."""
    if right == left:
        return np.eye(size), np.zeros((size, size))

    def slope(time: float, both: np.ndarray) -> np.ndarray:
        matrix = drift(time)
        propagator, covariance = both.reshape(2, size, size)
        pushed = matrix @ covariance
        return np.stack([matrix @ propagator, pushed + pushed.T + noise(time)]).ravel()

    begin = np.stack([np.eye(size), np.zeros((size, size))]).ravel()
    # absolute tolerances on the scale of each: propagators begin at one, covariances are as large as the noise makes them
    gathered = (right - left) * max(np.abs(noise(time)).max() for time in np.linspace(left, right, LEAST_STEPS + 1).tolist())
    absolute = 1e-3 * TOLERANCE * np.repeat([1.0, gathered or 1.0], size**2)
    with np.errstate(over="ignore", invalid="ignore"):
        found = solve_ivp(
            slope,
            (left, right),
            begin,
            method="DOP853",
            t_eval=[right],
            rtol=TOLERANCE,
            atol=absolute,
            max_step=(right - left) / LEAST_STEPS,
        )
    if not found.success:
        raise UnusableInput(
            f"the covariance cannot be integrated up to t = {right:g} ({found.message}): the drift must be moderate; end earlier."
        )
    propagator, covariance = found.y[:, -1].reshape(2, size, size)
    return propagator, 0.5 * (covariance + covariance.T)
