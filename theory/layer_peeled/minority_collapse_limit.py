"""Minority classifiers draw together as R grows, and coincide from a finite R on."""

import math

from numerics import Bracket
from solvers import LayerPeeled
from theory._room import Check, Control, Evidence, Kind, Origin, Quantities, Room, Setting, Source, Statement
from theory._thresholds import collapse_threshold
from theory.layer_peeled._closed_forms import optimum, predicted
from theory.layer_peeled._reference import reference, two_groups

MAJORITY, MINORITY, ENERGY = 5, 5, 5.0
RATIOS = (1.0, 2.0, 4.0, 8.0, 11.0, 20.0, 60.0, 200.0)


def _label(imbalance: float) -> str:
    return f"R={imbalance:g}"


def predict_limit() -> Quantities:
    """‖w_k − w_l‖ → 0."""
    return {_label(ratio): Bracket.exactly(0.0) for ratio in RATIOS}


def predict_kept_apart() -> Quantities:
    """‖w_k − w_l‖ → its balanced value √(2 √E_H K/(K − 1)) : no minority collapse."""
    classes = MAJORITY + MINORITY
    return {_label(ratio): predicted(math.sqrt(2 * classes / (classes - 1))) for ratio in RATIOS}


def measure_distance(setting: Setting) -> Quantities:
    """‖w_k − w_l‖ of the exact optimum, enclosed by the semidefinite program's certificate."""
    found: dict[str, Bracket] = {}
    for ratio in RATIOS:
        enclosures = two_groups(MAJORITY, MINORITY, ratio, ENERGY)
        found[_label(ratio)] = enclosures.classifier_distance(len(enclosures.solution.problem.groups) - 1)
    return found


def predict_distance() -> Quantities:
    """‖w_k − w_l‖ = √(2 b √(E_W/E_H)), b the inner singular value of the minority; zero from R0 on."""
    return {_label(ratio): predicted(math.sqrt(2 * optimum(MAJORITY, MINORITY, ratio, ENERGY).b / math.sqrt(ENERGY))) for ratio in RATIOS}


def predict_unrooted_distance() -> Quantities:
    """2 b √(E_W/E_H): the squared distance in place of the distance."""
    return {_label(ratio): predicted(2 * optimum(MAJORITY, MINORITY, ratio, ENERGY).b / math.sqrt(ENERGY)) for ratio in RATIOS}


BEYOND = (11.0, 12.5, 18.0, 60.0, 600.0)
"""Ratios to look at; those that the closed form puts beyond R0 enter the prediction."""


def predict_exact_collapse() -> Quantities:
    """λ N/n_B ≥ 1 wherever R ≥ R0, so the classifiers are equal, not only close (Chen 2023)."""
    threshold = collapse_threshold(MAJORITY, MINORITY, feature_energy=ENERGY, digits=12)
    return {_label(ratio): Bracket.exactly(1.0) for ratio in BEYOND if ratio > float(threshold.upper)}


def measure_exact_collapse(setting: Setting) -> Quantities:
    """λ N/n_B, enclosed from semidefinite programs."""
    found: dict[str, Bracket] = {}
    for ratio in BEYOND:
        solution = reference(LayerPeeled.from_imbalance(MAJORITY, MINORITY, ratio, feature_energy=ENERGY))
        weight = float(solution.problem.weights[-1])
        multiplier = solution.certified_multiplier
        found[_label(ratio)] = Bracket(multiplier.lower / weight, multiplier.upper / weight, rigorous=True)
    return found


ROOM = Room(
    statement=Statement(
        name="minority-collapse-limit",
        title="Minority collapse: in the limit, and from a finite R on",
        latex=r"\lim_{R\to\infty} w^\star_k-w^\star_l=0,\qquad\text{and}\quad w^\star_k=w^\star_l\ \text{ for all } R\geq R^\star"
        r"\qquad(k,l\text{ minority})",
        assumptions=("two groups of classes", "cross-entropy loss", "K_A = K_B = 5, E_H = 5, E_W = 1 in the measurements"),
        kind=Kind.LIMIT,
        origin=Origin.SEED,
        source=Source("su2024", "Minority Collapse, Proposition; Proposition (Chen 2023)"),
    ),
    checks=(
        Check(
            name="limit",
            claim="‖w_k − w_l‖ → 0 as R → ∞",
            evidence=Evidence.CERTIFIED,
            predict=predict_limit,
            measure=measure_distance,
            resolution=0.1,
            reason="the distance enters through a square root, so an enclosure of 1e-3 in the logits leaves 0.05",
        ),
        Check(
            name="distance",
            claim="‖w_k − w_l‖ = √(2b)·(E_W/E_H)^{1/4}, zero from R0 on",
            evidence=Evidence.CERTIFIED,
            predict=predict_distance,
            measure=measure_distance,
            kind=Kind.EQUALITY,
            resolution=0.1,
            reason="as above",
        ),
        Check(
            name="exact-from-finite-R",
            claim="beyond R0 the classifiers are equal: λ ≥ n_B/N with certainty",
            evidence=Evidence.CERTIFIED,
            predict=predict_exact_collapse,
            measure=measure_exact_collapse,
            kind=Kind.LOWER_BOUND,
        ),
    ),
    controls=(
        Control(name="kept-apart", claim="the distance stays at its balanced value", check="limit", predict=predict_kept_apart),
        Control(name="squared", claim="the distance is 2b√(E_W/E_H)", check="distance", predict=predict_unrooted_distance),
        Control(
            name="never-exact",
            claim="beyond R0 the classifiers are close but never equal: λ < n_B/N",
            check="exact-from-finite-R",
            predict=predict_exact_collapse,
            kind=Kind.UPPER_BOUND,
        ),
    ),
)
