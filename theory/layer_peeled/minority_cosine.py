"""The cosine between minority classifiers: rises to one, and stays."""

from functools import cache
from itertools import pairwise

import numpy as np

from layerpeel.numerics import Bracket
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, Variant, claim, instances
from layerpeel.theory.layer_peeled._closed_forms import minority_cosine, optimum, predicted
from layerpeel.theory.layer_peeled._phases import CLASSES, cosine_panel, of_minority
from layerpeel.theory.layer_peeled._reference import two_groups

RATIOS = {
    (5, 5.0): (1.0, 2.0, 5.0, 9.0, 12.0, 14.0, 40.0),
    (3, 5.0): (1.0, 10.0, 100.0, 180.0, 400.0),
    (7, 5.0): (1.0, 2.0, 3.5, 4.5, 5.4),
    (5, 10.0): (1.0, 5.0, 30.0, 75.0, 100.0),
    (7, 10.0): (1.0, 4.0, 10.0, 16.0),
}
"""For K_A of K = 10 and E_H: both sides of R0 wherever a conic solver still resolves the minority."""
CASES = instances("K_A={}, E_H={:g}, R={:g}", *((*case, ratio) for case, ratios in RATIOS.items() for ratio in ratios))
RISING = tuple(np.geomspace(1.0, 11.5, 7).round(2).tolist())
"""Ratios below R0 = 12.19 of K_A = K_B = 5, E_H = 5."""

ROOM = Room.of(
    Statement(
        name="minority-cosine",
        title="The angle between minority classifiers closes, and stays closed",
        latex=r"\cos\angle(w_k,w_l)=\frac{\rho-b/K_B}{\rho+b(K_B-1)/K_B},\quad \rho=\frac{K_A}{K K_B}\sqrt{t_A^2+t_B^2};"
        r"\quad \text{increasing for } R<R_0,\ =1 \text{ for } R\geq R_0",
        assumptions=(
            "two groups of classes, K_B ≥ 2",
            "cross-entropy loss",
            "k ≠ l in the minority",
            "R below R1, where the minority vanishes",
        ),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
        source=Source("su2024", "A numerical surprise; closed form derived"),
        meaning="In the model with two sizes of classes, the angle between rare classifiers shrinks as imbalance grows, is zero at the "
        "threshold and stays so. A cosine that rises between rare classes is a warning well before they coincide.",
    ),
    claim(
        "closed-form",
        "the cosine is the closed form on both sides of R0, and 1 beyond",
        over=CASES,
        predict=lambda majority, energy, ratio: predicted(minority_cosine(majority, CLASSES - majority, ratio, energy)),
        measure=lambda majority, energy, ratio: enclosed(majority, energy, ratio),
        by="the semidefinite program, with the cosine of the exact optimum enclosed by its certificate",
        false={
            "one-percent-late": Variant(
                "the cosine is that of R/1.01",
                lambda majority, energy, ratio: predicted(minority_cosine(majority, CLASSES - majority, ratio / 1.01, energy)),
                over={label: case for label, case in CASES.items() if case[2] > 1.01},
            ),
            "without-share": (
                "‖w_k‖² ∝ ρ + b",
                lambda majority, energy, ratio: predicted(cosine_without_share(majority, CLASSES - majority, ratio, energy)),
            ),
        },
        evidence=Evidence.CERTIFIED.within(
            5e-3, "1 % of R moves the cosine by as much near R0; enclosures are 1e-7 to 1e-4 wide, widest at large R"
        ),
    ),
    claim(
        "monotone",
        "the cosine rises with R below R0: the angle gets smaller",
        over=instances("R={:g} to {:g}", *pairwise(RISING)),
        predict=0.0,
        measure=lambda low, high: enclosed(5, 5.0, high) - enclosed(5, 5.0, low),
        by="increments of the enclosed cosine along the ratios",
        false={
            "even-pace": (
                "the cosine rises at an even pace",
                lambda low, high: predicted((high - low) / (RISING[-1] - RISING[0]) * (cosine_at(RISING[-1]) - cosine_at(RISING[0]))),
            )
        },
        evidence=Evidence.CERTIFIED,
        kind=Kind.LOWER_BOUND,
    ),
    figures=(lambda setting: cosine_panel(5.0, setting), lambda setting: cosine_panel(10.0, setting)),
)


@cache
def enclosed(majority: int, energy: float, ratio: float) -> Bracket:
    """The cosine of the semidefinite optimum."""
    return of_minority(two_groups(majority, CLASSES - majority, ratio, energy))


def cosine_at(ratio: float) -> float:
    """The closed form at K_A = K_B = 5, E_H = 5."""
    return minority_cosine(5, 5, ratio, 5.0)


def cosine_without_share(majority: int, minority: int, ratio: float, energy: float) -> float:
    """(ρ − b/K_B)/(ρ + b): the squared norm without the factor (K_B − 1)/K_B."""
    best = optimum(majority, minority, ratio, energy)
    common = best.s * majority / (CLASSES * minority)
    return (common - best.b / minority) / (common + best.b)
