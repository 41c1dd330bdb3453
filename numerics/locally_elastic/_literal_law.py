"""The exact law of the features under the literal drift, where samples drive each other."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics._draws import normal_chunks, require_room, square_roots
from layerpeel.numerics.locally_elastic._exact_law import drawn_samples


@dataclass(frozen=True, kw_only=True, eq=False)
class LiteralLaw:
    """Samples that drive each other: dX̃ = M(t) X̃ dt + Σ(t)^{1/2} dB, one sample of each class at a time.

    The i-th samples of the K classes form one solution in R^{Kp}, independent of the others:

        X̃(t) = Φ(t, s) X̃(s) + N(0, Q(t, s)),      Φ' = MΦ,      Q' = MQ + QMᵀ + Σ.

    When the I-model meets noise and starts that are the same in all directions, all features share one K×K propagator and covariance
    (N = K); else N = Kp. Made by `elastic_law`.

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
        matrix = np.zeros_like(self.increments[0])
        for index in range(early + 1):
            matrix = (self.propagators[index] @ matrix @ self.propagators[index].T if index else matrix) + self.increments[index]
        for index in range(early + 1, late + 1):
            matrix = matrix @ self.propagators[index].T
        matrix = matrix if first <= second else matrix.T
        _, classes, features = self.means.shape
        if len(matrix) == classes * features and features > 1:
            return matrix.reshape(classes, features, classes, features)
        return matrix[:, None, :, None] * np.eye(features)[None, :, None, :]

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
