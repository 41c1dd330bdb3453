"""Minority classifiers draw together as R grows, and coincide from a finite R on."""

import math
from functools import cache

from layerpeel.numerics import Bracket, collapse_threshold
from layerpeel.solvers import Enclosures, LayerPeeled, solve_blocks
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, Variant, claim, instances
from layerpeel.theory.layer_peeled._closed_forms import optimum, predicted
from layerpeel.theory.layer_peeled._coming_apart import reported
from layerpeel.theory.layer_peeled._reference import two_groups

MAJORITY, MINORITY, ENERGY = 5, 5, 5.0
CLASSES = MAJORITY + MINORITY
BALANCED = math.sqrt(2 * CLASSES / (CLASSES - 1))
"""‖w_k − w_l‖ = √(2 E_W K/(K − 1)) at R = 1."""
RATIOS = instances("R={:g}", 1.0, 2.0, 4.0, 8.0, 11.0, 12.07, 12.31, 20.0, 60.0, 200.0)
BESIDE = instances("R={:g}", 2.0, 11.0, 12.07, 12.18, 12.205, 12.31, 18.0, 60.0, 600.0)
"""Ratios on both sides of the threshold, two of them within 0.1 % of it."""

ROOM = Room.of(
    Statement(
        name="minority-collapse-limit",
        title="Minority collapse: in the limit, and from a finite R on",
        latex=r"\lim_{R\to\infty} w^\star_k-w^\star_l=0,\qquad\text{and}\quad w^\star_k=w^\star_l\ \text{ for all } R\geq R^\star"
        r"\qquad(k,l\text{ minority})",
        assumptions=("two groups of classes", "cross-entropy loss", "K_A = K_B = 5, E_H = 5, E_W = 1 in the measurements"),
        kind=Kind.LIMIT,
        origin=Origin.SEED,
        source=Source("su2024", "Minority Collapse, Proposition; Proposition (Chen 2023)"),
        meaning="In the model with two sizes of classes, rare classifiers draw together as imbalance grows and are exactly equal from a "
        "finite imbalance on. That is measured for five classes against five; beyond it they cannot be told apart at any precision.",
    ),
    claim(
        "limit",
        "‖w_k − w_l‖ → 0 as R → ∞",
        over=RATIOS,
        predict=0.0,
        measure=lambda ratio: distance(enclosed(ratio)),
        by="the distance of the exact optimum, enclosed by the semidefinite program's certificate",
        false={
            "half-as-far": ("half of the balanced distance is left", predicted(0.5 * BALANCED)),
            "a-twentieth": ("a twentieth of the balanced distance is left", predicted(BALANCED / 20)),
        },
        evidence=Evidence.CERTIFIED.within(
            0.01, "the distance enters through a square root, so an enclosure of 1e-6 in the logits leaves 0.001"
        ),
    ),
    claim(
        "distance",
        "‖w_k − w_l‖² = 2b √(E_W/E_H), zero from R0 on",
        over=RATIOS,
        predict=lambda ratio: predicted(2 / math.sqrt(ENERGY) * inner_value(ratio)),
        measure=lambda ratio: squared_distance(ratio),
        by="the square of that distance in the semidefinite program's own block X_WW, where no ratio of energies is put in",
        false={
            "without-root": ("the square is 2b E_W/E_H", lambda ratio: predicted(2 / ENERGY * inner_value(ratio))),
            "own-share": (
                "the square is 2b √(E_W/E_H) (K_B − 1)/K_B",
                lambda ratio: predicted(2 * (1 - 1 / MINORITY) / math.sqrt(ENERGY) * inner_value(ratio)),
            ),
            "half-a-percent-late": Variant(
                "beside the threshold the square is that of R/1.005",
                lambda ratio: predicted(2 / math.sqrt(ENERGY) * inner_value(ratio / 1.005)),
                over=instances("R={:g}", 12.07, 12.31),
            ),
        },
        evidence=Evidence.CERTIFIED.within(1e-3, "a tenth of what is seen 1 % before R0"),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
    ),
    claim(
        "exact-from-finite-R",
        "from R0 on the classifiers are equal, not only close, and before they are not: seen within 0.1 % of R0",
        over=BESIDE,
        predict=lambda ratio: ratio >= threshold(ENERGY),
        measure=lambda ratio: reported(enclosed(ratio).coincide(1)),
        by="whether ‖w_k − w_l‖ is certainly zero (1), certainly positive (0), or neither (between), at the semidefinite optimum",
        false={
            "one-percent-later": ("they are equal only from 1.01 R0 on", lambda ratio: ratio >= 1.01 * threshold(ENERGY)),
            "one-class-less": (
                "they are equal from the threshold of the radius (K − 1)√(E_H E_W) on",
                lambda ratio: ratio >= threshold(ENERGY * ((CLASSES - 1) / CLASSES) ** 2),
            ),
        },
        evidence=Evidence.CERTIFIED.within(0.0, "a yes or a no"),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
    ),
)


@cache
def enclosed(ratio: float) -> Enclosures:
    """The semidefinite optimum at imbalance R."""
    return two_groups(MAJORITY, MINORITY, ratio, ENERGY)


def distance(solved: Enclosures) -> Bracket:
    """‖w_k − w_l‖ in the last group; balanced classes have one group."""
    return solved.classifier_distance(len(solved.solution.problem.groups) - 1)


def squared_distance(ratio: float) -> Bracket:
    """‖w_k − w_l‖² of the blocks."""
    blocks = solve_blocks(LayerPeeled.from_imbalance(MAJORITY, MINORITY, ratio, feature_energy=ENERGY))
    apart = blocks.classifier_distance(len(blocks.problem.groups) - 1)
    return Bracket(apart.lower**2, apart.upper**2, rigorous=apart.rigorous)


def inner_value(ratio: float) -> float:
    """b, the inner singular value of the minority."""
    return optimum(MAJORITY, MINORITY, ratio, ENERGY).b


@cache
def threshold(energy: float) -> float:
    """R0 at E_H."""
    return float(collapse_threshold(MAJORITY, MINORITY, feature_energy=energy, digits=12).lower)
