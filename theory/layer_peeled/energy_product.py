"""Only the product of the two energies matters."""

import math
from functools import cache

from layerpeel.numerics import Bracket, energy_radius, log_threshold_minus_one
from layerpeel.solvers import Blocks, LayerPeeled, solve_blocks
from layerpeel.theory._room import Check, Control, Evidence, Kind, Origin, Quantities, Room, Setting, Source, Statement
from layerpeel.theory.layer_peeled._closed_forms import minority_cosine, optimal_value, predicted

ENERGIES = ((5.0, 1.0), (1.0, 5.0), (2.0, 2.5), (20.0, 0.25))
"""(E_H, E_W) with product 5."""
MAJORITY, MINORITY, IMBALANCE = 3, 2, 8.0

FARTHEST, NEAR = 1e3, 2e-3
"""Imbalance at which every minority has collapsed, and the relative width at which bisections stop."""


def _label(feature_energy: float, weight_energy: float) -> str:
    return f"E_H={feature_energy:g}, E_W={weight_energy:g}"


@cache
def _blocks(imbalance: float, feature_energy: float, weight_energy: float) -> Blocks:
    """The semidefinite program, in which the energies are two constraints."""
    problem = LayerPeeled.from_imbalance(MAJORITY, MINORITY, imbalance, feature_energy=feature_energy, weight_energy=weight_energy)
    return solve_blocks(problem)


def predict_value() -> Quantities:
    """The closed-form value at τ = K √(E_H E_W), the same for all."""
    classes = MAJORITY + MINORITY
    return {_label(h, w): predicted(optimal_value(MAJORITY, MINORITY, IMBALANCE, energy_radius(classes, h, w))) for h, w in ENERGIES}


def predict_value_by_mean() -> Quantities:
    """What a dependence on the arithmetic mean (E_H + E_W)/2 would give: radius K (E_H + E_W)/2."""
    classes = MAJORITY + MINORITY
    return {_label(h, w): predicted(optimal_value(MAJORITY, MINORITY, IMBALANCE, classes * (h + w) / 2)) for h, w in ENERGIES}


def measure_value(setting: Setting) -> Quantities:
    """From above by features and classifiers, each held to its own energy; from below by a multiplier for each of the energies."""
    return {_label(h, w): _blocks(IMBALANCE, h, w).value for h, w in ENERGIES}


def _geometry(feature_energy: float, weight_energy: float, cosine: float, shares: tuple[float, float]) -> dict[str, Bracket]:
    where = _label(feature_energy, weight_energy)
    values = cosine, feature_energy * shares[0], weight_energy * shares[1]
    return {f"{where}, {what}": predicted(value) for what, value in zip(QUANTITIES, values, strict=True)}


QUANTITIES = ("minority cosine", "Σ‖h‖²/K", "Σ‖w‖²/K")


def predict_geometry() -> Quantities:
    """The minority's cosine at the product of the energies, and both energies used up."""
    cosine = minority_cosine(MAJORITY, MINORITY, IMBALANCE, 5.0)
    return {label: value for h, w in ENERGIES for label, value in _geometry(h, w, cosine, (1.0, 1.0)).items()}


def predict_equal_energies() -> Quantities:
    """False: features and classifiers are equally long, each with √(E_H E_W), as if only the product were bounded."""
    cosine = minority_cosine(MAJORITY, MINORITY, IMBALANCE, 5.0)
    return {label: value for h, w in ENERGIES for label, value in _geometry(h, w, cosine, (math.sqrt(w / h), math.sqrt(h / w))).items()}


def predict_cosine_by_mean() -> Quantities:
    """False: the angles depend on the mean of the energies."""
    return {
        f"{_label(h, w)}, minority cosine": predicted(minority_cosine(MAJORITY, MINORITY, IMBALANCE, ((h + w) / 2) ** 2))
        for h, w in ENERGIES
    }


def measure_geometry(setting: Setting) -> Quantities:
    """Of the blocks X_WW and X_HH, enclosed."""
    found: dict[str, Bracket] = {}
    for h, w in ENERGIES:
        blocks = _blocks(IMBALANCE, h, w)
        values = blocks.classifier_cosine(1), *blocks.energies()
        found |= {f"{_label(h, w)}, {what}": value for what, value in zip(QUANTITIES, values, strict=True)}
    return found


def predict_threshold() -> Quantities:
    """log(R0 − 1) at the product of the energies."""
    return {_label(h, w): predicted(log_threshold_minus_one(MAJORITY, MINORITY, feature_energy=h * w)) for h, w in ENERGIES[:2]}


def predict_threshold_by_feature_energy() -> Quantities:
    """log(R0 − 1) if E_H alone mattered."""
    return {_label(1.0, 5.0): predicted(log_threshold_minus_one(MAJORITY, MINORITY, feature_energy=1.0))}


def measure_threshold(setting: Setting) -> Quantities:
    """Bisection between certain distance of the minority classifiers in X_WW and certain coincidence."""
    found: dict[str, Bracket] = {}
    for h, w in ENERGIES[:2]:
        low, high = 1.0, FARTHEST
        while high > low * (1 + NEAR):
            middle = math.sqrt(low * high)
            blocks = _blocks(middle, h, w)
            if blocks.classifier_distance(1).lower > 0.0:
                low = middle
            elif blocks.coincide(1):
                high = middle
            else:
                break
        found[_label(h, w)] = Bracket(math.log(low - 1) if low > 1 else -math.inf, math.log(high - 1), rigorous=True)
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
            resolution=1e-8,
            reason="the conic solver is asked for 1e-12, and its error enters in first order",
        ),
        Check(
            name="geometry",
            claim="so do the angles, while features and classifiers each use up their own energy",
            evidence=Evidence.CERTIFIED,
            predict=predict_geometry,
            measure=measure_geometry,
            resolution=1e-3,
            reason="a gap of 1e-15 locates the blocks to about its root over the curvature, 1e-6, times energies up to 20",
        ),
        Check(
            name="threshold",
            claim="R0 depends on E_H and E_W through their product",
            evidence=Evidence.CERTIFIED,
            predict=predict_threshold,
            measure=measure_threshold,
            resolution=3e-2,
            reason="bisection to 0.2 % of R, read in log(R0 − 1)",
        ),
    ),
    controls=(
        Control(
            name="arithmetic-mean", claim="the value depends on the mean of the energies", check="value", predict=predict_value_by_mean
        ),
        Control(
            name="equal-energies",
            claim="features and classifiers are equally long whatever the energies",
            check="geometry",
            predict=predict_equal_energies,
        ),
        Control(
            name="mean-of-energies", claim="the angles depend on the mean of the energies", check="geometry", predict=predict_cosine_by_mean
        ),
        Control(name="features-only", claim="R0 depends on E_H alone", check="threshold", predict=predict_threshold_by_feature_energy),
    ),
)
