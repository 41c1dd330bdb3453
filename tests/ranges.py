"""Arrays of two-group problems over the whole range that batches promise: corners, and points spread over every order of magnitude."""

import itertools
import math
from typing import NamedTuple

import numpy as np

LARGEST_CLASSES = 10**6
LARGEST_IMBALANCE = 1e12
LEAST_ROOT, LARGEST_ROOT = 1e-4, 1e3


class Problems(NamedTuple):
    """K_A, K_B, R and √(E_H E_W), one array each."""

    majority: np.ndarray
    minority: np.ndarray
    imbalance: np.ndarray
    root_energy: np.ndarray


def corners() -> Problems:
    """Every combination of extremes: of sizes (with K at most its limit), imbalances on both sides of one, and energies."""
    most = LARGEST_CLASSES
    sizes = [(1, 1), (1, 2), (2, 1), (2, 2), (1, most - 1), (most - 1, 1), (2, most - 2), (most - 2, 2), (most // 2, most // 2)]
    above = [1.0 + 2.0**-52, 1.0 + 1e-9, 2.0, 1e6, LARGEST_IMBALANCE]
    ratios = [1.0, 1.0 - 2.0**-53, *above, *(1 / ratio for ratio in above[1:])]
    table = [(*pair, ratio, root) for pair, ratio, root in itertools.product(sizes, ratios, (LEAST_ROOT, 0.1, 1.0, 30.0, LARGEST_ROOT))]
    return Problems(*np.array(table).T)


def scattered(rng: np.random.Generator, size: int) -> Problems:
    """Sizes, imbalances and energies with logarithms spread evenly.

    Every sixth group is a single class, and half of the imbalances are spread by the logarithm of |log R| instead.
    """

    def log_uniform(least: float, largest: float) -> np.ndarray:
        return np.exp(rng.uniform(math.log(least), math.log(largest), size))

    majority, minority = (np.where(rng.random(size) < 1 / 6, 1.0, np.floor(log_uniform(1.0, LARGEST_CLASSES / 2))) for _ in range(2))
    mild = np.exp(rng.choice([-1.0, 1.0], size) * log_uniform(1e-14, math.log(LARGEST_IMBALANCE)))
    imbalance = np.where(rng.random(size) < 0.5, mild, log_uniform(1 / LARGEST_IMBALANCE, LARGEST_IMBALANCE))
    return Problems(majority, minority, imbalance, log_uniform(LEAST_ROOT, LARGEST_ROOT))


def joined(*parts: Problems) -> Problems:
    """One after the other."""
    return Problems(*map(np.concatenate, zip(*parts, strict=True)))
