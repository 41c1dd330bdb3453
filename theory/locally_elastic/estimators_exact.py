"""The estimators give the strengths back from exact trajectories, for any number of classes; two other recipes do not."""

from itertools import product
from typing import Any

from layerpeel.numerics import Bracket
from layerpeel.theory import Evidence, Kind, Origin, Room, Setting, Source, Statement, Variant, claim, instances
from layerpeel.theory.locally_elastic._drift import AGREEMENT
from layerpeel.theory.locally_elastic._measured import exact_trajectories as exact

SIZES = tuple(range(2, 9))


def errors_of(recipe: str, *sizes: int) -> dict[str, tuple[Any, ...]]:
    """Both errors of a recipe, for each number of classes."""
    return instances("{}, K={}: {}", *product((recipe,), sizes, exact.STRENGTHS))


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
        meaning="On noise-free paths the estimators return how strongly classes move themselves and each other, for two to eight classes "
        "in both models. The formula printed for three classes fails for other numbers, so use the general one; noise is not covered.",
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
        numbers, means = exact.trajectories(setting.rng, "I", k)
        worst |= exact.largest(f"I-model, K={k}", exact.estimated("I", means), numbers)
        numbers, means = exact.trajectories(setting.rng, "L", k)
        worst |= exact.largest(f"L-model, K={k}", exact.estimated("L", means), numbers)
        on_left = exact.projections(means)
        mean_log = exact.log_growth(on_left.mean(axis=2))
        deviation_log = exact.log_growth(on_left[:, :, 0] - on_left.mean(axis=2))
        worst |= exact.largest(f"printed for three, K={k}", (mean_log + 2 * deviation_log, 2 * (deviation_log - mean_log)), numbers)
        right_log = exact.log_growth(exact.on_right_vectors(means, numbers))
        worst |= exact.largest(f"right vectors, K={k}", (mean_log + (k - 1) * right_log, (k - 1) * (right_log - mean_log)), numbers)
    return worst
