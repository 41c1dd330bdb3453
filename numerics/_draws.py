"""Standard normal deviates for many independent paths, a bounded number of paths at a time."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics._inputs import require_whole
from layerpeel.numerics._memory import require_memory

CHUNK_BYTES = 2**27
"""Bytes of one chunk (134 MB), unless a single path alone is larger; what is made from it takes two or three times this."""
COPIES = 3
"""Arrays of the size of a chunk that are alive at once: deviates, features, and one in between."""


def chunk_sizes(paths: int, shape: tuple[int, ...], what: str) -> list[int]:
    """How many of the paths, each an array of this shape, are drawn at a time.

    Raises:
        UnusableInput: when one path does not fit in memory.

    Example:
        >>> chunk_sizes(5, (2**23,), "a long path")
        [2, 2, 1]
    """
    size = 8.0 * float(np.prod(shape, dtype=float))
    require_memory(COPIES * size, f"one path of {what}", "ask for fewer samples or times")
    together = max(1, int(CHUNK_BYTES // max(size, 1.0)))
    return [min(together, paths - begin) for begin in range(0, paths, together)]


def normal_chunks(rng: np.random.Generator, paths: Any, shape: tuple[int, ...], what: str) -> Iterator[Float[np.ndarray, "N *shape"]]:
    """Deviates for each path in turn: what a path gets does not depend on the size of chunks."""
    for together in chunk_sizes(require_whole(paths, "the number of paths", remedy="correct it"), shape, what):
        yield rng.standard_normal((together, *shape))


def require_room(paths: Any, shape: tuple[int, ...], what: str) -> None:
    """Check that all paths fit in memory at once.

    Raises:
        UnusableInput: otherwise.
    """
    count = require_whole(paths, "the number of paths", remedy="correct it")
    size = 8.0 * count * float(np.prod(shape, dtype=float))
    require_memory(2 * size, f"{count} paths of {what}", "draw them in chunks, or ask for fewer paths, samples or times")


def square_roots(covariances: Float[np.ndarray, "*N p p"]) -> Float[np.ndarray, "*N p p"]:
    """Symmetric square roots of positive semidefinite matrices, also of singular ones.

    Example:
        >>> square_roots(np.diag([4.0, 0.0])).tolist()
        [[2.0, 0.0], [0.0, 0.0]]
    """
    values, vectors = np.linalg.eigh(covariances)
    return (vectors * np.sqrt(np.maximum(values, 0.0))[..., None, :]) @ np.swapaxes(vectors, -1, -2)


def coloured(
    normals: Float[np.ndarray, "... K n p"], roots: Float[np.ndarray, "... K"] | Float[np.ndarray, "... K p p"], *, isotropic: bool
) -> Float[np.ndarray, "... K n p"]:
    """Deviates times square roots of covariances, which are numbers when noise is the same in all directions."""
    return normals * roots[..., None, None] if isotropic else normals @ roots
