"""Oversampling minority samples w_r times turns R into R/w_r, exactly."""

import math

from layerpeel.numerics import Bracket, collapse_threshold, energy_radius
from layerpeel.solvers import LayerPeeled, solve_blocks, solve_samples
from layerpeel.theory._room import Check, Control, Evidence, Kind, Origin, Quantities, Room, Setting, Source, Statement
from layerpeel.theory.layer_peeled._closed_forms import optimal_value, predicted

MAJORITY, MINORITY, BIG, SMALL, ENERGY = 2, 2, 6, 2, 2.0
"""Two classes of six samples and two of two, small enough to give every sample a feature of its own."""
COPIES = (1, 2, 3, 6)


def _predict(effective: dict[int, float]) -> Quantities:
    budget = energy_radius(MAJORITY + MINORITY, ENERGY, 1.0)
    # An effective ratio below one makes the former minority the majority.
    return {
        f"w_r={copies}": predicted(
            optimal_value(MAJORITY, MINORITY, ratio, budget) if ratio >= 1 else optimal_value(MINORITY, MAJORITY, 1 / ratio, budget)
        )
        for copies, ratio in effective.items()
    }


def predict_value() -> Quantities:
    """The class-level optimum at ratio R/w_r."""
    return _predict({copies: BIG / SMALL / copies for copies in COPIES})


def predict_value_by_root() -> Quantities:
    """Ratio R/√w_r: half the effect, in logs."""
    return _predict({copies: BIG / SMALL / math.sqrt(copies) for copies in COPIES})


def measure_value(setting: Setting) -> Quantities:
    """The program sample by sample, each minority sample entering the loss w_r times with one feature."""
    counts = [BIG] * MAJORITY + [SMALL] * MINORITY
    return {f"w_r={copies}": solve_samples(counts, [1] * MAJORITY + [copies] * MINORITY, feature_energy=ENERGY) for copies in COPIES}


IMBALANCE, WEIGHTS = 40.0, (1.0, 2.0, 3.0, 3.25, 3.31, 4.0, 40.0)
"""K_A = K_B = 5, E_H = 5: R/R0 = 3.281; the nearest weights are one per cent away on either side."""


def predict_phase() -> Quantities:
    """1 (collapsed) for w_r < R/R0, 0 (distinct) for w_r > R/R0."""
    found = collapse_threshold(5, 5, feature_energy=5.0, digits=12)
    least = IMBALANCE / float(found.lower)
    return {f"w_r={weight:g}": Bracket.exactly(float(weight < least)) for weight in WEIGHTS}


def predict_phase_by_root() -> Quantities:
    """The switch at √(R/R0)."""
    least = math.sqrt(IMBALANCE / float(collapse_threshold(5, 5, feature_energy=5.0, digits=12).lower))
    return {f"w_r={weight:g}": Bracket.exactly(float(weight < least)) for weight in WEIGHTS}


def predict_phase_by_total() -> Quantities:
    """False: the switch at R/(R0 − 1), as if the one sample that is there did not count among the copies."""
    least = IMBALANCE / (float(collapse_threshold(5, 5, feature_energy=5.0, digits=12).lower) - 1)
    return {f"w_r={weight:g}": Bracket.exactly(float(weight < least)) for weight in WEIGHTS}


def measure_phase(setting: Setting) -> Quantities:
    """Whether the minority classifiers are certainly apart in the block X_WW, or certainly coincide, with n_A samples against w_r n_B."""
    found: dict[str, Bracket] = {}
    for weight in WEIGHTS:
        blocks = solve_blocks(LayerPeeled.from_imbalance(5, 5, IMBALANCE / weight, feature_energy=5.0))
        group = len(blocks.problem.groups) - 1
        apart, together = blocks.classifier_distance(group).lower > 0.0, blocks.coincide(group)
        found[f"w_r={weight:g}"] = Bracket(float(together), float(not apart), rigorous=True)
    return found


ROOM = Room(
    statement=Statement(
        name="oversampling-remedy",
        title="Oversampling prevents minority collapse",
        latex=r"\text{each minority sample } w_r \text{ times}\;\Rightarrow\; R_{\mathrm{eff}}=\frac{R}{w_r};\qquad"
        r"\text{no collapse}\iff w_r>\frac{R}{R_0};\qquad w_r=R \text{ restores the ETF}",
        assumptions=("two groups of classes, K_B ≥ 2", "cross-entropy loss", "copies of a sample share its feature"),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
        source=Source("fang2021", "Section 4, oversampling; the exact effective ratio is derived"),
    ),
    checks=(
        Check(
            name="effective-ratio",
            claim="with a feature per sample, w_r copies give the class-level optimum at R/w_r",
            evidence=Evidence.CERTIFIED,
            predict=predict_value,
            measure=measure_value,
            resolution=1e-6,
            reason="the certified gap of the sample-level program is near 1e-9",
        ),
        Check(
            name="least-oversampling",
            claim="the minority stays distinct exactly when w_r > R/R0",
            evidence=Evidence.CERTIFIED,
            predict=predict_phase,
            measure=measure_phase,
            resolution=0.0,
            reason="a yes or a no",
        ),
    ),
    controls=(
        Control(name="root-of-copies", claim="the effective ratio is R/√w_r", check="effective-ratio", predict=predict_value_by_root),
        Control(name="excess", claim="R/(R0 − 1) copies are needed", check="least-oversampling", predict=predict_phase_by_total),
        Control(name="root-of-threshold", claim="√(R/R0) copies suffice", check="least-oversampling", predict=predict_phase_by_root),
    ),
)
