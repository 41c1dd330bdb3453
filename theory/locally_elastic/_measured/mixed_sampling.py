"""How fast differences of class means grow where samples of one class act as another: integrated, for five sampling matrices."""

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics import Bracket
from layerpeel.theory.locally_elastic._drift import integrated

SHARE = 0.3
"""Share of samples that act as another class."""
UNIFORM, NEXT, BOTH = "uniform noise, K=4", "next class, K=3", "both neighbours, K=5"
PAIRS, WITHIN = "confused pairs", "confused pairs, within a pair"
"""Four classes in two pairs, each confused with its partner only."""
LATE, EARLY = (150.0, 200.0), (0.0, 5.0)
"""Growth is measured between the first two times, when all but the fastest difference are below 1e-5 of it; between the others for a
difference that is a mode by itself and small beside the rest: that WITHIN a pair."""
STARTS = 10
ACCURACY = 1e-8
"""Square of what is left of slower differences, and the integrator's errors of 1e-12 over a few hundred steps."""


def circulant(classes: int, *shares: float) -> Float[np.ndarray, "K K"]:
    """Class j acts as class j + m with share m."""
    return sum((share * np.roll(np.eye(classes), shift, axis=0) for shift, share in enumerate(shares)), np.zeros((classes, classes)))


PARTNERS = circulant(2, 1 - SHARE, SHARE)
SAMPLINGS = {
    UNIFORM: circulant(4, 1 - SHARE, SHARE / 3, SHARE / 3, SHARE / 3),
    NEXT: circulant(3, 1 - SHARE, SHARE),
    BOTH: circulant(5, 1 - SHARE, SHARE / 2, 0.0, 0.0, SHARE / 2),
    PAIRS: np.kron(np.eye(2), PARTNERS),
    WITHIN: np.kron(np.eye(2), PARTNERS),
}


def growth(rng: np.random.Generator) -> list[Bracket]:
    """K/γ times the growth rate, least and largest over starts, for each matrix; α = 1 and β = −1/(K−1), so that the mean stays.

    The difference is the root of all squared deviations from that mean, or, within a pair, that of two classes.
    """
    paces: list[Bracket] = []
    for name, matrix in SAMPLINGS.items():
        k, (early, late) = len(matrix), EARLY if name == WITHIN else LATE
        intra_numbers, inter_numbers = (np.tile(np.array([[level], [0.0], [1.0], [0.0], [0.0]]), STARTS) for level in (1.0, -1.0 / (k - 1)))
        start = rng.normal(size=(STARTS, k, 1))
        start[:, 0] += 3.0  # the first two classes begin apart
        means = integrated("I", intra_numbers, inter_numbers, start, np.array([early, late]), matrix)[..., 0]
        deviations = np.linalg.norm(means - means.mean(axis=2, keepdims=True), axis=2)
        apart = np.abs(means[..., 0] - means[..., 1]) if name == WITHIN else deviations
        rates = np.log(apart[1] / apart[0]) / (late - early) * (k - 1)
        paces.append(Bracket(float(rates.min()) - ACCURACY / 4, float(rates.max()) + ACCURACY / 4))
    return paces
