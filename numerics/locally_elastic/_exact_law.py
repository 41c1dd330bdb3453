"""The exact law of the features at any set of times, when each sample is driven by the class means."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics._draws import coloured, normal_chunks, require_room, square_roots
from layerpeel.numerics._inputs import UnusableInput, require_whole
from layerpeel.numerics._memory import require_memory
from layerpeel.numerics.locally_elastic._flow import MeanFlow


@dataclass(frozen=True, kw_only=True, eq=False)
class MeanDriftLaw:
    """Samples driven by the class means: independent Gaussian features around the deterministic mean flow.

        X̃_i^k(t) = X̃_i^k(0) + X̄^k(t) − X̄^k(0) + ∫_0^t Σ_k^{1/2} dW_i^k.

    X̄ solves the LE-ODE from the population means X̄(0) = E X̃(0) (from their averages when points are given): it is deterministic, not
    the average of the n samples. Made by `elastic_law`.

    Args:
        flow: X̄.
        offsets: X̃_i^k(0) − X̄^k(0) of given points, shape (K, n, p); None for a Gaussian start.
        start_covariance: of X̃^k(0): variances (K,) when noise and start are the same in all directions, else (K, p, p).
        accumulated: ∫_0^t Σ_k, shape (T, K) or (T, K, p, p).
    """

    flow: MeanFlow
    offsets: Float[np.ndarray, "K n p"] | None = field(repr=False)
    start_covariance: np.ndarray = field(repr=False)
    accumulated: np.ndarray = field(repr=False)

    @property
    def times(self) -> Float[np.ndarray, " T"]:
        """Times of the law."""
        return self.flow.times

    @property
    def means(self) -> Float[np.ndarray, "T K p"]:
        """E X̃^k(t) = X̄^k(t); over all points when points are given."""
        return self.flow.means

    @property
    def isotropic(self) -> bool:
        """Whether every class's covariance is a multiple of the identity."""
        return self.accumulated.ndim == 2

    @property
    def class_covariances(self) -> Float[np.ndarray, "T K p p"]:
        """Cov X̃_i^k(t), the same for every sample of a class.

        Raises:
            UnusableInput: when they do not fit in memory.
        """
        total = self.start_covariance + self.accumulated
        features = self.flow.common.shape[1]
        require_memory(
            16.0 * total.size * features**2, f"covariances of {features} features", "use class_variances, or ask for fewer times"
        )
        return total[:, :, None, None] * np.eye(features) if self.isotropic else total

    def covariance(self, first: int, second: int) -> Float[np.ndarray, "K p K p"]:
        """Cov(X̃_i^k(s), X̃_i^l(t)) at two of the times, by index: that of the earlier one for k = l, zero between classes.

        Different samples are independent.
        """
        blocks = self.class_covariances[min(first, second)]
        matrix = np.zeros((len(blocks), blocks.shape[1], len(blocks), blocks.shape[1]))
        every = np.arange(len(blocks))
        matrix[every, :, every, :] = blocks
        return matrix

    def chunks(
        self, *, rng: np.random.Generator, paths: int, samples: int | None = None, comoving: bool = False
    ) -> Iterator[Float[np.ndarray, "N T K n p"]]:
        """Draw features at all times, jointly, at most 134 MB of them at a time (about three times this is used).

        Args:
            rng: source of randomness; what is drawn does not depend on the size of chunks.
            paths: independent repetitions.
            samples: n per class; needed for a Gaussian start, fixed for given points.
            comoving: leave out the flow's common mode e^a c, the same shift for all classes, which separability does not notice.

        Raises:
            UnusableInput: for numbers below 1, for one path that does not fit in memory, and for means beyond doubles.
        """
        shape, what = self._shape(samples)
        shifts = self._shifts(comoving)[:, :, None, :]
        shifts = shifts if self.offsets is None else shifts + self.offsets
        steps = np.concatenate([(self.start_covariance + self.accumulated)[:1], np.diff(self.accumulated, axis=0)])
        roots = np.sqrt(np.maximum(steps, 0.0)) if self.isotropic else square_roots(steps)
        for normals in normal_chunks(rng, paths, shape, what):
            if self.isotropic:
                drawn = np.multiply(normals, roots[..., None, None], out=normals)
            else:
                drawn = coloured(normals, roots, isotropic=False)
            for index in range(1, drawn.shape[1]):
                drawn[:, index] += drawn[:, index - 1]
            drawn += shifts
            yield drawn

    def draw(
        self, *, rng: np.random.Generator, paths: int, samples: int | None = None, comoving: bool = False
    ) -> Float[np.ndarray, "N T K n p"]:
        """All chunks in one array.

        Raises:
            UnusableInput: as `chunks`, and when the array does not fit in memory.
        """
        require_room(paths, *self._shape(samples))
        chunks = list(self.chunks(rng=rng, paths=paths, samples=samples, comoving=comoving))
        return chunks[0] if len(chunks) == 1 else np.concatenate(chunks)

    def _shape(self, samples: int | None) -> tuple[tuple[int, int, int, int], str]:
        count = drawn_samples(self.offsets, samples)
        classes, features = self.flow.own.shape[1:]
        return (len(self.times), classes, count, features), f"{count} samples at {len(self.times)} times"

    def _shifts(self, comoving: bool) -> Float[np.ndarray, "T K p"]:
        means = self.flow.own_parts if comoving else self.means
        if not np.isfinite(means).all():
            raise UnusableInput(
                "the class means are beyond doubles: features can be drawn where they are below 1e308; end earlier, or use comoving."
            )
        return means


def drawn_samples(points: np.ndarray | None, samples: int | None) -> int:
    """n: as asked for, or as many as there are points (K×n×p).

    Raises:
        UnusableInput: when it is missing, not a whole number ≥ 1, or both disagree.
    """
    if points is None:
        return require_whole(samples, "the number of samples", remedy="give it")
    if samples is not None and samples != points.shape[1]:
        raise UnusableInput(
            f"{samples} samples are asked for and the start has {points.shape[1]} points: both must agree; leave samples out."
        )
    return points.shape[1]
