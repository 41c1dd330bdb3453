"""D after linear maps: after whitening, after descent over all of them, and after projections that merge class means or do not."""

import numpy as np
from scipy import optimize

from layerpeel.array_words import Float, Int
from layerpeel.numerics import Bracket, separation
from layerpeel.theory import Instances
from layerpeel.theory.equi_separation._samples import normal_classes, to_rounding

NONE_MERGED, RANK = ", none merged", ": rank of SSB"


def whitened(classes: int, width: int) -> tuple[Float[np.ndarray, "n p"], Int[np.ndarray, " n"], Float[np.ndarray, "K p"]]:
    """The samples in whitened coordinates, their labels, and the class means there."""
    x, y = normal_classes(classes, width)
    means = np.array([x[y == k].mean(axis=0) for k in range(classes)])
    _, values, axes = np.linalg.svd(x - means[y], full_matrices=False)
    return x @ (axes.T / values), y, means @ (axes.T / values)


def descended(x: Float[np.ndarray, "n p"], y: Int[np.ndarray, " n"]) -> float:
    """The least D(XA) to which descent over square matrices A comes."""
    width = x.shape[1]

    def fuzziness(flat: np.ndarray) -> float:
        return np.log(separation(x @ flat.reshape(width, width), y).fuzziness)

    ended = optimize.minimize(fuzziness, np.eye(width).ravel(), method="L-BFGS-B", options={"maxfun": 60_000, "ftol": 1e-13, "gtol": 1e-8})
    return float(np.exp(ended.fun))


def merged(rng: np.random.Generator, sizes: Instances) -> dict[str, Bracket]:
    """D and the rank of SSB without the direction between the first two class means, and without a random one."""
    smallest: dict[str, Bracket] = {}
    for label, size in sizes.items():
        white, y, centres = whitened(*size)
        for note, direction in (("", centres[0] - centres[1]), (NONE_MERGED, rng.normal(size=white.shape[1]))):
            unit = direction / np.linalg.norm(direction)
            left = separation(white - np.outer(white @ unit, unit), y)
            smallest[label + note] = to_rounding(left.fuzziness)
            smallest[label + note + RANK] = Bracket(left.rank_between, left.rank_between)
    return smallest
