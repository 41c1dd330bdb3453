"""Oversampling minority samples w_r times turns R into R/w_r, exactly."""

import math

from layerpeel.numerics import Bracket, collapse_threshold, energy_radius
from layerpeel.solvers import LayerPeeled, solve_blocks, solve_samples
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, claim, instances
from layerpeel.theory.layer_peeled._closed_forms import optimal_value, predicted

CLASSES, BIG, SMALL, ENERGY = 2, 6, 2, 2.0
"""Two classes of six samples and two of two, small enough to give every sample a feature of its own."""
COPIES = instances("w_r={}", 1, 2, 3, 6)
IMBALANCE = 40.0
WEIGHTS = instances("w_r={:g}", 1.0, 2.0, 3.0, 3.25, 3.31, 4.0, 40.0)
"""K_A = K_B = 5, E_H = 5: R/R0 = 3.281; the nearest weights are one per cent away on either side."""

ROOM = Room.of(
    Statement(
        name="oversampling-remedy",
        title="Oversampling prevents minority collapse",
        latex=r"\text{each minority sample } w_r \text{ times}\;\Rightarrow\; R_{\mathrm{eff}}=\frac{R}{w_r};\qquad"
        r"\text{no collapse}\iff w_r>\frac{R}{R_0};\qquad w_r=R \text{ restores the ETF}",
        assumptions=("two groups of classes, K_B ≥ 2", "cross-entropy loss", "copies of a sample share its feature"),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
        source=Source("fang2021", "Section 4, oversampling; the exact effective ratio is derived"),
        meaning="In the model with two sizes of classes, showing each rare sample w times divides the imbalance by exactly w, so collapse "
        "ends once w exceeds imbalance over threshold. Full balancing is not needed for that; copies are assumed to share one feature.",
    ),
    claim(
        "effective-ratio",
        "with a feature per sample, w_r copies give the class-level optimum at R/w_r",
        over=COPIES,
        predict=lambda copies: value_at(BIG / SMALL / copies),
        measure=lambda copies: solve_samples(
            [BIG] * CLASSES + [SMALL] * CLASSES, [1] * CLASSES + [copies] * CLASSES, feature_energy=ENERGY
        ),
        by="the program sample by sample, each minority sample entering the loss w_r times with one feature",
        false={
            "root-of-copies": ("the effective ratio is R/√w_r", lambda copies: value_at(BIG / SMALL / math.sqrt(copies))),
            "ratio-off": ("the effective ratio is 1.00005 R/w_r", lambda copies: value_at(1.00005 * BIG / SMALL / copies)),
        },
        evidence=Evidence.CERTIFIED.within(1e-6, "the certified gap of the sample-level program is near 1e-9"),
    ),
    claim(
        "least-oversampling",
        "the minority stays distinct exactly when w_r > R/R0",
        over=WEIGHTS,
        predict=lambda weight: weight < IMBALANCE / threshold(),
        measure=lambda weight: collapsed_at(weight),
        by="whether the minority classifiers are certainly apart in the block X_WW, or coincide, with n_A samples against w_r n_B",
        false={
            "excess": (
                # as if the one sample that is there did not count among the copies
                "R/(R0 − 1) copies are needed",
                lambda weight: weight < IMBALANCE / (threshold() - 1),
            ),
            "root-of-threshold": ("√(R/R0) copies suffice", lambda weight: weight < math.sqrt(IMBALANCE / threshold())),
            "one-percent-more": ("one per cent more copies than R/R0 are needed", lambda weight: weight < 1.01 * IMBALANCE / threshold()),
        },
        evidence=Evidence.CERTIFIED.within(0.0, "a yes or a no"),
    ),
)


def value_at(ratio: float) -> Bracket:
    """The class-level optimum; a ratio below one makes the former minority the majority."""
    radius = energy_radius(2 * CLASSES, ENERGY, 1.0)
    return predicted(optimal_value(CLASSES, CLASSES, max(ratio, 1 / ratio), radius))


def threshold() -> float:
    """R0 in closed form."""
    return float(collapse_threshold(5, 5, feature_energy=5.0, digits=12).lower)


def collapsed_at(weight: float) -> Bracket:
    """1 where the minority has certainly collapsed, 0 where it is certainly apart."""
    blocks = solve_blocks(LayerPeeled.from_imbalance(5, 5, IMBALANCE / weight, feature_energy=5.0))
    group = len(blocks.problem.groups) - 1
    apart, together = blocks.classifier_distance(group).lower > 0.0, blocks.coincide(group)
    return Bracket(float(together), float(not apart), rigorous=True)
