"""The estimators give the strengths back from exact trajectories, for any number of classes; two other recipes do not."""

from itertools import product
from typing import Any

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics import Bracket, estimate_rates
from layerpeel.theory import Evidence, Kind, Origin, Room, Setting, Source, Statement, Variant, claim, instances
from layerpeel.theory.locally_elastic._drift import AGREEMENT, integrated, rate, rate_integral, rate_numbers, similarity_blocks, weights

SIZES = tuple(range(2, 9))
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


def errors_of(recipe: str, *sizes: int) -> dict[str, tuple[Any, ...]]:
    """Both errors of a recipe, for each number of classes."""
    return instances("{}, K={}: {}", *product((recipe,), sizes, STRENGTHS))


ROOM = Room.of(
    Statement(
        name="estimators-exact",
        title="The estimators of local elasticity invert the mean flow",
        latex=r"\text{I: } \hat A=c+(K-1)d,\ \hat B=c-d,\qquad \text{L: } \hat A=c+(K-1)d,\ \hat B=(K-1)(d-c)",
        assumptions=(
            "c and d: how much the logarithms of the common mode, and of the deviations from it, have grown",
            "I-model: the modes are the mean over classes and each class's deviation from it",
            "L-model: the same of s_j = d̂_jᵀX̄^j, d̂_j ∝ e_j − 1/K, the left eigenvectors",
            "no mode starts at zero",
        ),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
        source=Source("zhang2021", "slides, equation (19), there for K = 3 in the L-model"),
    ),
    claim(
        "errors",
        "Â = ∫α and B̂ = ∫β on exact trajectories of both models, K = 2 to 8, with rates that vary in time",
        over=errors_of("I-model", *SIZES) | errors_of("L-model", *SIZES) | errors_of("printed for three", 3),
        predict=0.0,
        measure_all=lambda setting: errors(setting),
        by="the largest Â − A and B̂ − B along integrated trajectories, over times and random cases",
        false={
            "printed-for-three": Variant(
                "Â = A' + 2B', B̂ = 2(B' − A') for any K", 0.0, over=errors_of("printed for three", *(k for k in SIZES if k != 3))
            ),
            "right-vectors": Variant(
                "projections on right eigenvectors of M(0) give A and B", 0.0, over=errors_of("right vectors", *SIZES[1:])
            ),
        },
        evidence=Evidence.EMPIRICAL.within(
            20 * AGREEMENT, "logarithms of modes of at least 0.05 along means that are integrated to 1e-12; errors of 1e-9 are allowed"
        ),
    ),
)


def errors(setting: Setting) -> dict[str, Bracket]:
    """Of the library's estimators, of the formula printed for three classes, and of constant eigenvectors, by label."""
    worst: dict[str, Bracket] = {}
    for k in SIZES:
        numbers, means = trajectories(setting.rng, "I", k)
        worst |= largest(f"I-model, K={k}", estimated("I", means), numbers)
        numbers, means = trajectories(setting.rng, "L", k)
        worst |= largest(f"L-model, K={k}", estimated("L", means), numbers)
        on_left = projections(means)
        mean_log = log_growth(on_left.mean(axis=2))
        deviation_log = log_growth(on_left[:, :, 0] - on_left.mean(axis=2))
        worst |= largest(f"printed for three, K={k}", (mean_log + 2 * deviation_log, 2 * (deviation_log - mean_log)), numbers)
        right_log = log_growth(on_right_vectors(means, numbers))
        worst |= largest(f"right vectors, K={k}", (mean_log + (k - 1) * right_log, (k - 1) * (right_log - mean_log)), numbers)
    return worst


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
