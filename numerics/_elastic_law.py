"""The exact law of the features at any set of times, when each sample is driven by the class means."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float

from numerics._elastic import ElasticModel
from numerics._elastic_flow import MeanFlow, mean_flow, require_start, require_times
from numerics._elastic_noise import as_noise, require_covariance
from numerics._inputs import UnusableInput, require_whole
from numerics._memory import require_memory

CHUNK_BYTES = 2**27
"""Bytes of the features drawn at once (134 MB); with their normal deviates a chunk takes twice this, unless one path alone is larger."""


@dataclass(frozen=True, kw_only=True, eq=False)
class MeanDriftLaw:
    """Samples driven by the class means: independent Gaussian features around the deterministic mean flow.

        X̃_i^k(t) = X̃_i^k(0) + X̄^k(t) − X̄^k(0) + ∫_0^t Σ_k^{1/2} dW_i^k.

    X̄ is the solution of the LE-ODE from the population means X̄(0) = E X̃(0) (from their averages when points are given): it is
    deterministic, not the average of the n samples.

    Args:
        flow: X̄.
        offsets: X̃_i^k(0) − X̄^k(0) of given points, shape (K, n, p); None for a Gaussian start.
        start_covariance: of X̃^k(0); zero for given points.
        accumulated: ∫_0^t Σ_k.
    """

    flow: MeanFlow
    offsets: Float[np.ndarray, "K n p"] | None = field(repr=False)
    start_covariance: Float[np.ndarray, "K p p"] = field(repr=False)
    accumulated: Float[np.ndarray, "T K p p"] = field(repr=False)

    @property
    def times(self) -> Float[np.ndarray, " T"]:
        """Times of the law."""
        return self.flow.times

    @property
    def means(self) -> Float[np.ndarray, "T K p"]:
        """E X̃^k(t) = X̄^k(t)."""
        return self.flow.means

    @property
    def class_covariances(self) -> Float[np.ndarray, "T K p p"]:
        """Cov X̃_i^k(t), the same for every sample of a class."""
        return self.start_covariance + self.accumulated

    def covariance(self, first: int, second: int) -> Float[np.ndarray, "K p p"]:
        """Cov(X̃_i^k(s), X̃_i^k(t)) of one sample at two of the times, by index: that at the earlier one.

        Different samples, and different classes, are independent.
        """
        return self.class_covariances[min(first, second)]

    def chunks(
        self, *, rng: np.random.Generator, paths: int, samples: int | None = None, comoving: bool = False
    ) -> Iterator[Float[np.ndarray, "N T K n p"]]:
        """Draw features at all times, jointly, a bounded number of paths at a time.

        Args:
            rng: source of randomness; what is drawn does not depend on the size of chunks.
            paths: independent repetitions.
            samples: n per class; needed for a Gaussian start, fixed for given points.
            comoving: leave out the flow's common mode e^a c, the same shift for all classes, which separability does not notice.

        Raises:
            UnusableInput: for numbers below 1, for one path that does not fit in memory, and for means beyond doubles.
        """
        count, features = self._samples(samples), self.offsets is None
        repeat = require_whole(paths, "the number of paths", remedy="correct it")
        means = self._shifts(comoving)
        shape = (len(self.times), means.shape[1], count, means.shape[2])
        size = 8.0 * np.prod(np.array(shape, dtype=float))
        require_memory(2 * size, f"one path of {count} samples at {len(self.times)} times", "ask for fewer samples or times")
        factors = self._factors()
        together = max(1, int(CHUNK_BYTES // size))
        for begin in range(0, repeat, together):
            normals = rng.standard_normal((min(together, repeat - begin), *shape))
            drawn = np.cumsum(normals @ np.swapaxes(factors, -1, -2), axis=1)
            drawn += means[:, :, None, :]
            if not features:
                drawn += self.offsets
            yield drawn

    def draw(
        self, *, rng: np.random.Generator, paths: int, samples: int | None = None, comoving: bool = False
    ) -> Float[np.ndarray, "N T K n p"]:
        """All chunks in one array.

        Raises:
            UnusableInput: as `chunks`, and when the array does not fit in memory.

        Example:
            >>> model = ElasticModel(blocks="I", num_classes=2, num_features=3, intra=1, inter=0, noise=0.5)
            >>> law(model, np.eye(2, 3), [1.0, 2.0], spread=1.0).draw(rng=np.random.default_rng(0), paths=4, samples=5).shape
            (4, 2, 2, 5, 3)
        """
        size = (
            8.0 * require_whole(paths, "the number of paths", remedy="correct it") * self._samples(samples) * self.accumulated[..., 0].size
        )
        require_memory(
            2 * size, f"{paths} paths of {self._samples(samples)} samples at {len(self.times)} times", "use chunks, or ask for fewer"
        )
        return np.concatenate(list(self.chunks(rng=rng, paths=paths, samples=samples, comoving=comoving)))

    def _samples(self, samples: int | None) -> int:
        if self.offsets is None:
            return require_whole(samples, "the number of samples", remedy="give it")
        if samples is not None and samples != self.offsets.shape[1]:
            raise UnusableInput(
                f"{samples} samples are asked for and the start has {self.offsets.shape[1]} points: both must agree; leave it out."
            )
        return self.offsets.shape[1]

    def _shifts(self, comoving: bool) -> np.ndarray:
        means = self.flow.own * np.exp(np.minimum(self.flow.own_logs, 709.0))[:, :, None] if comoving else self.means
        if not np.isfinite(means).all():
            raise UnusableInput(
                "the class means are beyond doubles: features can be drawn where means are below 1e308; end earlier, or use comoving."
            )
        return means

    def _factors(self) -> np.ndarray:
        """Square roots of the covariances of X̃(t_1) and of the increments after it, shape (T, K, p, p)."""
        steps = np.concatenate([self.class_covariances[:1], np.diff(self.accumulated, axis=0)])
        values, vectors = np.linalg.eigh(steps)
        return vectors * np.sqrt(np.maximum(values, 0.0))[..., None, :]


def law(model: ElasticModel, start: Any, times: Any, *, spread: Any = 0.0) -> MeanDriftLaw:
    """The joint Gaussian law of the features at a set of times.

    Args:
        model: drift and noise.
        start: K×p class means of a Gaussian start, or K×n×p points.
        times: increasing times ≥ 0, the last > 0; or one.
        spread: of a Gaussian start: a standard deviation, one for each class, or a covariance (p×p or K×p×p); zero for points.

    Raises:
        UnusableInput: for a start, times, rates or a spread that cannot be used.

    Source: zhang2021, equation (7).

    Example:
        >>> model = ElasticModel(blocks="I", num_classes=2, num_features=1, intra=0, inter=0, noise=2.0)
        >>> law(model, [[0.0], [1.0]], 3.0, spread=1.0).class_covariances.ravel().tolist()
        [13.0, 13.0]
    """
    where = require_times(times)
    points = np.asarray(start, dtype=float) if np.ndim(start) == 3 else None
    if points is not None and points.shape[1] == 0:
        raise UnusableInput("the start has no points: it must have at least one for each class; give them.")
    means = require_start(model, start if points is None else points.mean(axis=1))
    covariance = as_noise(spread, model.num_classes, model.num_features).at(np.zeros(1))[0]
    require_covariance(covariance, "the spread of the start")
    if points is not None and covariance.any():
        raise UnusableInput("a spread is given together with points: points have none; leave it out, or give class means.")
    return MeanDriftLaw(
        flow=mean_flow(model, means, where),
        offsets=None if points is None else points - means[:, None, :],
        start_covariance=covariance,
        accumulated=model.noise.accumulated(where),
    )
