"""Imbalance breaks self-duality: no common C with h_k = C w_k; the minority's directions part below R0, and meet again beyond it."""

import math

from numerics import Bracket
from solvers import Enclosures
from theory._room import Check, Control, Evidence, Kind, Origin, Quantities, Room, Setting, Source, Statement, Verdict
from theory.layer_peeled._closed_forms import optimum, predicted
from theory.layer_peeled._reference import two_groups

BELOW = tuple((*sizes, ratio) for sizes in ((5, 5, 5.0), (3, 7, 5.0), (7, 3, 10.0)) for ratio in (1.5, 3.0, 10.0))
"""(K_A, K_B, E_H, R) at E_W = 1, below R0 = 12.2, 245 and 13.7."""
BEYOND = ((5, 5, 5.0, 14.0), (5, 5, 5.0, 40.0), (7, 3, 5.0, 5.0))
"""Between R0 and R1."""
BALANCED = ((5, 5, 5.0, 1.0), (3, 7, 5.0, 1.0), (7, 3, 10.0, 1.0))
LARGEST_BELOW_ONE = math.nextafter(1.0, 0.0)


def _label(majority: int, minority: int, energy: float, imbalance: float) -> str:
    return f"K_A={majority}, K_B={minority}, E_H={energy:g}, R={imbalance:g}"


def _squares(majority: int, minority: int, energy: float, imbalance: float) -> tuple[float, float, float, float, float]:
    """‖w‖² and ‖h‖² up to √(E_H/E_W), of majority and minority, and the minority's h·w: entries of (ZᵀZ)^{1/2}, (ZZᵀ)^{1/2}, Z."""
    found, classes = optimum(majority, minority, imbalance, energy), majority + minority
    t_a, t_b = found.between(majority, minority)
    inside_a, inside_b = found.a * (majority - 1) / majority, found.b * (minority - 1) / minority
    return (
        inside_a + found.s * minority / (classes * majority),
        inside_a + t_a**2 / (found.s * majority),
        inside_b + found.s * majority / (classes * minority),
        inside_b + t_b**2 / (found.s * minority),
        inside_b + t_b * math.sqrt(majority / classes) / minority,
    )


def alignment(majority: int, minority: int, energy: float, imbalance: float) -> float:
    """cos(h_k, w_k) = (b̃ + t_B √(K_A/K)/K_B)/√((b̃ + s K_A/(K K_B))(b̃ + t_B²/(s K_B))) of the minority, b̃ = b (K_B − 1)/K_B."""
    _, _, weight, feature, product = _squares(majority, minority, energy, imbalance)
    return product / math.sqrt(weight * feature)


def predict_below() -> Quantities:
    """The closed form, below one for 1 < R < R0."""
    return {_label(*case): predicted(alignment(*case)) for case in BELOW}


def predict_self_duality() -> Quantities:
    """One at every R: self-duality as in the balanced case."""
    return {_label(*case): Bracket.exactly(1.0) for case in BELOW}


def measure_below(setting: Setting) -> Quantities:
    """cos(h_k, w_k) of a minority class at the exact optimum, enclosed by the semidefinite program's certificate."""
    return {_label(*case): _minority_alignment(two_groups(case[0], case[1], case[3], case[2])) for case in BELOW}


def _minority_alignment(optimal: Enclosures) -> Bracket:
    """Exactly one where collapse is certified: the block between two groups has rank one, so h_k and w_k share its only direction."""
    return Bracket.exactly(1.0) if optimal.solution.collapsed[-1] else optimal.alignment(len(optimal.solution.problem.groups) - 1)


def predict_printed() -> Quantities:
    """Below one at every R > 1, as printed."""
    return {_label(*case): Bracket.exactly(LARGEST_BELOW_ONE) for case in (*BELOW, *BEYOND)}


def predict_always_aligned() -> Quantities:
    """One at every R > 1."""
    return {_label(*case): Bracket.exactly(1.0) for case in (*BELOW, *BEYOND)}


def measure_printed(setting: Setting) -> Quantities:
    """The same on both sides of R0."""
    return {_label(*case): _minority_alignment(two_groups(case[0], case[1], case[3], case[2])) for case in (*BELOW, *BEYOND)}


def _constants(case: tuple[int, int, float, float]) -> Bracket:
    weight_a, feature_a, weight_b, feature_b, _ = _squares(*case)
    return predicted(0.5 * math.log(feature_a / weight_a * weight_b / feature_b))


def predict_constants() -> Quantities:
    """log of the ratio of ‖h_k‖/‖w_k‖ in the majority to that in the minority: zero at R = 1, positive for R > 1."""
    return {_label(*case): _constants(case) for case in (*BALANCED, *BELOW, *BEYOND)}


def predict_common_constant() -> Quantities:
    """Zero at every R: one constant C for all classes."""
    return {_label(*case): Bracket.exactly(0.0) for case in (*BALANCED, *BELOW, *BEYOND)}


def measure_constants(setting: Setting) -> Quantities:
    """Norms of class means and classifiers, enclosed."""
    found: dict[str, Bracket] = {}
    for case in (*BALANCED, *BELOW, *BEYOND):
        optimal = two_groups(case[0], case[1], case[3], case[2])
        last = len(optimal.solution.problem.groups) - 1
        logs = [
            Bracket(math.log(norm.lower), math.log(norm.upper), rigorous=norm.rigorous)
            for norm in (optimal.feature_norm(0), optimal.classifier_norm(0), optimal.feature_norm(last), optimal.classifier_norm(last))
        ]
        found[_label(*case)] = (logs[0] - logs[1]) - (logs[2] - logs[3])
    return found


ROOM = Room(
    statement=Statement(
        name="no-self-duality",
        title="Imbalance breaks self-duality",
        latex=r"R>1\;\Rightarrow\;\nexists\,C:\ h^\star_k=C\,w^\star_k\ \forall k;\qquad "
        r"\cos\angle(h^\star_k,w^\star_k)<1\iff 1<R<R_0\quad(k\text{ minority},\ K_B\geq 2)",
        assumptions=("two groups of classes, K_B ≥ 2", "cross-entropy loss", "R below R1, where the minority vanishes"),
        kind=Kind.EQUALITY,
        origin=Origin.SEED,
        source=Source("su2024", "Nonconvex optimization via convex optimization: class means no longer collapse to classifiers"),
    ),
    checks=(
        Check(
            name="apart-below",
            claim="for 1 < R < R0, cos(h_k, w_k) of a minority class is the closed form, below one",
            evidence=Evidence.CERTIFIED,
            predict=predict_below,
            measure=measure_below,
            resolution=5e-4,
            reason="enclosures from gaps near 1e-11; the departures from one that matter are 1e-4 to 1e-2",
        ),
        Check(
            name="as-printed",
            claim="class means do not align with classifiers for any R > 1 (false from R0 on: both lie on one direction)",
            evidence=Evidence.CERTIFIED,
            predict=predict_printed,
            measure=measure_printed,
            kind=Kind.UPPER_BOUND,
            expected=Verdict.REFUTED,
        ),
        Check(
            name="no-common-constant",
            claim="for every R > 1 the ratio ‖h_k‖/‖w_k‖ is larger in the majority, so no C serves all classes; at R = 1 one does",
            evidence=Evidence.CERTIFIED,
            predict=predict_constants,
            measure=measure_constants,
            resolution=2e-2,
            reason="logarithms of norms as small as 0.2, enclosed to 1e-3",
        ),
    ),
    controls=(
        Control(name="self-dual", claim="class means align with classifiers at every R", check="apart-below", predict=predict_self_duality),
        Control(
            name="always-aligned",
            claim="class means align with classifiers at every R > 1",
            check="as-printed",
            predict=predict_always_aligned,
            kind=Kind.EQUALITY,
        ),
        Control(name="common-constant", claim="one C serves all classes", check="no-common-constant", predict=predict_common_constant),
    ),
)
