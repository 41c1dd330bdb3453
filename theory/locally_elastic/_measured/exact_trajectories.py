"""Exact trajectories of both models at random rates, and the cumulative strengths that three recipes read off them."""

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics import Bracket, estimate_rates
from layerpeel.theory.locally_elastic._drift import AGREEMENT, integrated, rate, rate_integral, rate_numbers, similarity_blocks, weights

CASES = 6
"""Random rates and starts for each K and model."""
FEATURES = 2
"""p in the I-model."""
TIMES = np.linspace(0.0, 2.0, 21)
SMALLEST = 0.05
"""Modes of a start are at least this large: a smaller one multiplies the integrator's errors of 1e-12 by more."""

STRENGTHS = ("Â − A", "B̂ − B")
Pair = tuple[np.ndarray, np.ndarray]
"""The two of them, of one shape."""


def trajectories(rng: np.random.Generator, model: str, classes: int) -> tuple[Pair, Float[np.ndarray, "T cases K p"]]:
    """Numbers of α and β, and integrated class means."""
    numbers = rate_numbers(rng.random((CASES, 5))), rate_numbers(rng.random((CASES, 5)))
    starts: list[np.ndarray] = []
    while len(starts) < CASES:
        start = rng.normal(size=(classes, classes if model == "L" else FEATURES))
        modes = start if model == "I" else projections(start[None, None])[0, 0, :, None]
        if min(np.abs(modes.mean(axis=0)).min(), np.abs(modes - modes.mean(axis=0)).min()) > SMALLEST:
            starts.append(start)
    return numbers, integrated(model, *numbers, np.stack(starts), TIMES)


def estimated(model: str, means: Float[np.ndarray, "T cases K p"]) -> Pair:
    """Â and B̂ by the library, T × cases."""
    estimates = [estimate_rates(TIMES, each, model=model) for each in np.moveaxis(means, 1, 0)]
    return np.stack([each.cumulative_intra for each in estimates], axis=1), np.stack([each.cumulative_inter for each in estimates], axis=1)


def projections(means: Float[np.ndarray, "T cases K K"]) -> Float[np.ndarray, "T cases K"]:
    """Projections of class j's mean on e_j − 1/K."""
    return np.diagonal(means, axis1=2, axis2=3) - means.mean(axis=3)


def log_growth(values: Float[np.ndarray, "T cases"]) -> Float[np.ndarray, "T cases"]:
    """log |s(t)/s(0)|."""
    return np.log(np.abs(values / values[0]))


def on_right_vectors(means: Float[np.ndarray, "T cases K K"], numbers: Pair) -> Float[np.ndarray, "T cases"]:
    """Projection of all means on an eigenvector of M(0) for (α + β/(K−1))/K."""
    classes = means.shape[2]
    intra, inter = (rate(each, 0.0) for each in numbers)
    drifts = np.einsum("cij,iajb->ciajb", weights(intra, inter, classes), similarity_blocks("L", classes, classes))
    projected = []
    for case, value in enumerate((intra + inter / (classes - 1)) / classes):
        shifted = drifts[case].reshape(classes**2, classes**2) - value * np.eye(classes**2)
        kernel = np.linalg.svd(shifted)[2][-1]
        projected.append(means[:, case].reshape(len(TIMES), -1) @ kernel)
    return np.stack(projected, axis=1)


def largest(label: str, estimates: Pair, numbers: Pair) -> dict[str, Bracket]:
    """The error of largest size, with half of the allowance on both sides."""
    by_label: dict[str, Bracket] = {}
    for strength, estimate, truth in zip(STRENGTHS, estimates, numbers, strict=True):
        off = (estimate - rate_integral(truth, TIMES[:, None])).ravel()
        worst = float(off[np.argmax(np.abs(off))])
        by_label[f"{label}: {strength}"] = Bracket(worst - AGREEMENT / 2, worst + AGREEMENT / 2)
    return by_label
