"""Only the product of the two energies matters."""

import math

from numerics import energy_radius
from solvers import LayerPeeled, bracket_threshold, solve
from theory._room import Check, Control, Evidence, Kind, Origin, Quantities, Room, Setting, Source, Statement
from theory._thresholds import log_threshold_minus_one
from theory.layer_peeled._closed_forms import optimal_value, predicted

ENERGIES = ((5.0, 1.0), (1.0, 5.0), (2.0, 2.5), (20.0, 0.25))
"""(E_H, E_W) with product 5."""
MAJORITY, MINORITY, IMBALANCE = 3, 2, 8


def _label(feature_energy: float, weight_energy: float) -> str:
    return f"E_H={feature_energy:g}, E_W={weight_energy:g}"


def predict_value() -> Quantities:
    """The closed-form value at τ = K √(E_H E_W), the same for all."""
    classes = MAJORITY + MINORITY
    return {_label(h, w): predicted(optimal_value(MAJORITY, MINORITY, IMBALANCE, energy_radius(classes, h, w))) for h, w in ENERGIES}


def predict_value_by_mean() -> Quantities:
    """What a dependence on the arithmetic mean (E_H + E_W)/2 would give: radius K (E_H + E_W)/2."""
    classes = MAJORITY + MINORITY
    return {_label(h, w): predicted(optimal_value(MAJORITY, MINORITY, IMBALANCE, classes * (h + w) / 2)) for h, w in ENERGIES}


def measure_value(setting: Setting) -> Quantities:
    """Semidefinite programs with the two energies as separate constraints."""
    return {
        _label(h, w): solve(
            LayerPeeled.from_groups([(MAJORITY, 10 * IMBALANCE), (MINORITY, 10)], feature_energy=h, weight_energy=w), route="sdp"
        ).value
        for h, w in ENERGIES
    }


def predict_threshold() -> Quantities:
    """log(R0 − 1) at the product of the energies."""
    return {_label(h, w): predicted(log_threshold_minus_one(MAJORITY, MINORITY, feature_energy=h * w)) for h, w in ENERGIES[:2]}


def predict_threshold_by_feature_energy() -> Quantities:
    """log(R0 − 1) if E_H alone mattered."""
    return {_label(1.0, 5.0): predicted(log_threshold_minus_one(MAJORITY, MINORITY, feature_energy=1.0))}


def measure_threshold(setting: Setting) -> Quantities:
    """Certified bisection over semidefinite programs."""
    found = {}
    for h, w in ENERGIES[:2]:
        bracket = bracket_threshold(MAJORITY, MINORITY, feature_energy=h, weight_energy=w, width=1e-2)
        found[_label(h, w)] = type(bracket)(math.log(bracket.lower - 1), math.log(bracket.upper - 1), rigorous=bracket.rigorous)
    return found


ROOM = Room(
    statement=Statement(
        name="energy-product",
        title="Only the product of the energies matters",
        latex=r"f^\star(E_H,E_W)=f^\star(s E_H, E_W/s),\qquad R_0(E_H,E_W)=R_0(s E_H,E_W/s)\qquad\forall s>0",
        assumptions=("any class counts", "cross-entropy loss"),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
        source=Source("fang2021", "Section 4; the scaling (H, W) → (√s H, W/√s) leaves H Wᵀ fixed"),
    ),
    checks=(
        Check(
            name="value",
            claim="the optimal value depends on E_H and E_W through τ = K√(E_H E_W)",
            evidence=Evidence.CERTIFIED,
            predict=predict_value,
            measure=measure_value,
            resolution=1e-7,
            reason="the certified gap asked of the semidefinite program",
        ),
        Check(
            name="threshold",
            claim="R0 depends on E_H and E_W through their product",
            evidence=Evidence.CERTIFIED,
            predict=predict_threshold,
            measure=measure_threshold,
            resolution=3e-2,
            reason="bisection to 1 % of R, read in log(R0 − 1)",
        ),
    ),
    controls=(
        Control(
            name="arithmetic-mean", claim="the value depends on the mean of the energies", check="value", predict=predict_value_by_mean
        ),
        Control(name="features-only", claim="R0 depends on E_H alone", check="threshold", predict=predict_threshold_by_feature_energy),
    ),
)
