"""Minority classifiers draw together as R grows, and coincide from a finite R on."""

import math
from functools import cache

from layerpeel.numerics import Bracket, collapse_threshold
from layerpeel.solvers import Enclosures, LayerPeeled, solve_blocks
from layerpeel.theory._room import Check, Control, Evidence, Kind, Origin, Quantities, Room, Setting, Source, Statement
from layerpeel.theory.layer_peeled._closed_forms import optimum, predicted
from layerpeel.theory.layer_peeled._reference import two_groups

MAJORITY, MINORITY, ENERGY = 5, 5, 5.0
CLASSES = MAJORITY + MINORITY
RATIOS = (1.0, 2.0, 4.0, 8.0, 11.0, 12.07, 12.31, 20.0, 60.0, 200.0)


def _label(imbalance: float) -> str:
    return f"R={imbalance:g}"


@cache
def _enclosed(ratio: float) -> Enclosures:
    """The semidefinite optimum at imbalance R."""
    return two_groups(MAJORITY, MINORITY, ratio, ENERGY)


def predict_limit() -> Quantities:
    """‖w_k − w_l‖ → 0."""
    return {_label(ratio): Bracket.exactly(0.0) for ratio in RATIOS}


def predict_half_as_far() -> Quantities:
    """‖w_k − w_l‖ → half of its balanced value √(2 E_W K/(K − 1))."""
    return {_label(ratio): predicted(0.5 * math.sqrt(2 * CLASSES / (CLASSES - 1))) for ratio in RATIOS}


def _distance(ratio: float) -> Bracket:
    enclosed = _enclosed(ratio)
    return enclosed.classifier_distance(len(enclosed.solution.problem.groups) - 1)


def measure_distance(setting: Setting) -> Quantities:
    """‖w_k − w_l‖ of the exact optimum, enclosed by the semidefinite program's certificate."""
    return {_label(ratio): _distance(ratio) for ratio in RATIOS}


def measure_square(setting: Setting) -> Quantities:
    """The square of that distance in the semidefinite program's own block X_WW, where no ratio of energies is put in."""
    found: dict[str, Bracket] = {}
    for ratio in RATIOS:
        blocks = solve_blocks(LayerPeeled.from_imbalance(MAJORITY, MINORITY, ratio, feature_energy=ENERGY))
        distance = blocks.classifier_distance(len(blocks.problem.groups) - 1)
        found[_label(ratio)] = Bracket(distance.lower**2, distance.upper**2, rigorous=distance.rigorous)
    return found


def _squares(factor: float) -> Quantities:
    return {_label(ratio): predicted(factor * optimum(MAJORITY, MINORITY, ratio, ENERGY).b) for ratio in RATIOS}


def predict_square() -> Quantities:
    """‖w_k − w_l‖² = 2b √(E_W/E_H), b the inner singular value of the minority; zero from R0 on."""
    return _squares(2 / math.sqrt(ENERGY))


def predict_square_without_root() -> Quantities:
    """2b E_W/E_H."""
    return _squares(2 / ENERGY)


def predict_square_of_share() -> Quantities:
    """2b (K_B − 1)/K_B √(E_W/E_H): one classifier's own part, doubled."""
    return _squares(2 * (1 - 1 / MINORITY) / math.sqrt(ENERGY))


BESIDE = (2.0, 11.0, 12.07, 12.18, 12.205, 12.31, 18.0, 60.0, 600.0)
"""Ratios on both sides of the threshold, two of them within 0.1 % of it."""


def _equal_from(threshold: float) -> Quantities:
    return {_label(ratio): Bracket.exactly(float(ratio >= threshold)) for ratio in BESIDE}


def predict_equal() -> Quantities:
    """1 from R0 on, where the classifiers are equal, not only close (Chen 2023), and 0 before."""
    return _equal_from(float(collapse_threshold(MAJORITY, MINORITY, feature_energy=ENERGY, digits=12).lower))


def predict_equal_later() -> Quantities:
    """Equal only from 1.01 R0 on."""
    return _equal_from(1.01 * float(collapse_threshold(MAJORITY, MINORITY, feature_energy=ENERGY, digits=12).lower))


def predict_equal_with_one_class_less() -> Quantities:
    """Equal from R0 at the budget (K − 1)√(E_H E_W) on."""
    energy = ENERGY * ((CLASSES - 1) / CLASSES) ** 2
    return _equal_from(float(collapse_threshold(MAJORITY, MINORITY, feature_energy=energy, digits=12).lower))


def measure_equal(setting: Setting) -> Quantities:
    """Whether ‖w_k − w_l‖ is certainly zero (1), certainly positive (0), or neither (between), at the semidefinite optimum."""
    found: dict[str, Bracket] = {}
    for ratio in BESIDE:
        equal = _enclosed(ratio).coincide(1)
        found[_label(ratio)] = Bracket(0.0, 1.0) if equal is None else Bracket.exactly(float(equal))
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
            resolution=0.01,
            reason="the distance enters through a square root, so an enclosure of 1e-6 in the logits leaves 0.001",
        ),
        Check(
            name="distance",
            claim="‖w_k − w_l‖² = 2b √(E_W/E_H), zero from R0 on",
            evidence=Evidence.CERTIFIED,
            predict=predict_square,
            measure=measure_square,
            kind=Kind.EQUALITY,
            origin=Origin.DERIVED,
            resolution=1e-3,
            reason="a tenth of what is seen 1 % before R0",
        ),
        Check(
            name="exact-from-finite-R",
            claim="from R0 on the classifiers are equal, not only close, and before they are not: seen within 0.1 % of R0",
            evidence=Evidence.CERTIFIED,
            predict=predict_equal,
            measure=measure_equal,
            kind=Kind.EQUALITY,
            origin=Origin.DERIVED,
            resolution=0.0,
            reason="a yes or a no",
        ),
    ),
    controls=(
        Control(name="half-as-far", claim="half of the balanced distance is left", check="limit", predict=predict_half_as_far),
        Control(name="without-root", claim="the square is 2b E_W/E_H", check="distance", predict=predict_square_without_root),
        Control(
            name="own-share",
            claim="the square is 2b √(E_W/E_H) (K_B − 1)/K_B",
            check="distance",
            predict=predict_square_of_share,
        ),
        Control(
            name="one-percent-later",
            claim="they are equal only from 1.01 R0 on",
            check="exact-from-finite-R",
            predict=predict_equal_later,
        ),
        Control(
            name="one-class-less",
            claim="they are equal from the threshold of the budget (K − 1)√(E_H E_W) on",
            check="exact-from-finite-R",
            predict=predict_equal_with_one_class_less,
        ),
    ),
)
