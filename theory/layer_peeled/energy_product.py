"""Only the product of the two energies matters."""

import math
from functools import cache

from layerpeel.numerics import Bracket, energy_radius, last_true, log_threshold_minus_one
from layerpeel.solvers import Blocks, LayerPeeled, solve_blocks
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, Variant, claim, instances
from layerpeel.theory.layer_peeled._closed_forms import minority_cosine, optimal_value, predicted

MAJORITY, MINORITY, IMBALANCE = 3, 2, 8.0
CLASSES = MAJORITY + MINORITY
ENERGIES = instances("E_H={:g}, E_W={:g}", (5.0, 1.0), (1.0, 5.0), (2.0, 2.5), (20.0, 0.25))
"""All of product 5."""
TWO_ENERGIES = dict(list(ENERGIES.items())[:2])

ROOM = Room.of(
    Statement(
        name="energy-product",
        title="Only the product of the energies matters",
        latex=r"f^\star(E_H,E_W)=f^\star(s E_H, E_W/s),\qquad R_0(E_H,E_W)=R_0(s E_H,E_W/s)\qquad\forall s>0",
        assumptions=("any class counts", "cross-entropy loss"),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
        source=Source("fang2021", "Section 4; the scaling (H, W) → (√s H, W/√s) leaves H Wᵀ fixed"),
        meaning="In the model only the product of the allowed feature and classifier norms matters: halving one and doubling the other "
        "leaves loss, angles and collapse threshold alone. Rescaling between features and classifier is no remedy for collapse.",
    ),
    claim(
        "value",
        "the optimal value depends on E_H and E_W through τ = K√(E_H E_W)",
        over=ENERGIES,
        predict=lambda h, w: predicted(optimal_value(MAJORITY, MINORITY, IMBALANCE, energy_radius(CLASSES, h, w))),
        measure=lambda h, w: blocks(IMBALANCE, h, w).value,
        by="the semidefinite program with the energies as two constraints: from above by features and classifiers, each held to its own "
        "energy; from below by a multiplier for each of the energies",
        false={
            "arithmetic-mean": (
                "the value depends on the mean of the energies",
                lambda h, w: predicted(optimal_value(MAJORITY, MINORITY, IMBALANCE, CLASSES * (h + w) / 2)),
            )
        },
        evidence=Evidence.CERTIFIED.within(1e-8, "the conic solver is asked for 1e-12, and its error enters in first order"),
    ),
    claim(
        "geometry",
        "so do the angles, while features and classifiers each use up their own energy",
        over=ENERGIES,
        predict=lambda h, w: geometry(minority_cosine(MAJORITY, MINORITY, IMBALANCE, h * w), h, w),
        measure=lambda h, w: dict(
            zip(PARTS, (blocks(IMBALANCE, h, w).classifier_cosine(1), *blocks(IMBALANCE, h, w).energies()), strict=True)
        ),
        by="the blocks X_WW and X_HH, enclosed",
        false={
            "equal-energies": (
                "features and classifiers are equally long whatever the energies",
                lambda h, w: geometry(minority_cosine(MAJORITY, MINORITY, IMBALANCE, h * w), math.sqrt(h * w), math.sqrt(h * w)),
            ),
            "mean-of-energies": (
                "the angles depend on the mean of the energies",
                lambda h, w: geometry(minority_cosine(MAJORITY, MINORITY, IMBALANCE, ((h + w) / 2) ** 2), h, w),
            ),
        },
        evidence=Evidence.CERTIFIED.within(
            1e-3, "a gap of 1e-15 locates the blocks to about its root over the curvature, 1e-6, times energies up to 20"
        ),
    ),
    claim(
        "threshold",
        "R0 depends on E_H and E_W through their product",
        over=TWO_ENERGIES,
        predict=lambda h, w: predicted(log_threshold_minus_one(MAJORITY, MINORITY, feature_energy=h * w)),
        measure=lambda h, w: log_collapse(h, w),
        by="bisections for the last certain distance of the minority classifiers in X_WW and the first certain coincidence",
        false={
            "features-only": Variant(
                "R0 depends on E_H alone",
                lambda h, _: predicted(log_threshold_minus_one(MAJORITY, MINORITY, feature_energy=h)) if h != 5.0 else None,
            )
        },
        evidence=Evidence.CERTIFIED.within(3e-2, "bisection to 0.2 % of R, read in log(R0 − 1)"),
    ),
)

PARTS = ("minority cosine", "Σ‖h‖²/K", "Σ‖w‖²/K")


def geometry(*values: float) -> dict[str, Bracket]:
    """Predicted parts by name."""
    return {part: predicted(value) for part, value in zip(PARTS, values, strict=True)}


@cache
def blocks(imbalance: float, feature_energy: float, weight_energy: float) -> Blocks:
    """The semidefinite program, in which the energies are two constraints."""
    problem = LayerPeeled.from_imbalance(MAJORITY, MINORITY, imbalance, feature_energy=feature_energy, weight_energy=weight_energy)
    return solve_blocks(problem)


def log_collapse(feature_energy: float, weight_energy: float, *, farthest: float = 64.0, near: float = 2e-3) -> Bracket:
    """log(R0 − 1), from the last certainly distinct R to the first certainly collapsed one; at `farthest` all minorities have collapsed."""

    def at(imbalance: float) -> Blocks:
        return blocks(imbalance, feature_energy, weight_energy)

    distinct = last_true(lambda imbalance: at(imbalance).classifier_distance(1).lower > 0.0, 1.0, farthest, width=near)
    apart = last_true(lambda imbalance: not at(imbalance).coincide(1), 1.0, farthest, width=near)
    return Bracket(math.log(distinct.lower - 1), math.log(apart.upper - 1), rigorous=True)
