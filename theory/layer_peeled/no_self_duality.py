"""Class means no longer align with classifiers once classes are imbalanced."""

import math

from numerics import Bracket
from theory._room import Check, Control, Evidence, Kind, Origin, Quantities, Room, Setting, Source, Statement
from theory.layer_peeled._closed_forms import optimum, predicted
from theory.layer_peeled._reference import two_groups

CASES = ((5, 5, 5.0), (3, 7, 5.0), (7, 3, 10.0))
"""(K_A, K_B, E_H) at E_W = 1."""
RATIOS = (1.5, 3.0, 10.0)


def _label(majority: int, minority: int, energy: float, imbalance: float) -> str:
    return f"K_A={majority}, K_B={minority}, E_H={energy:g}, R={imbalance:g}"


def alignment(majority: int, minority: int, imbalance: float, energy: float) -> float:
    """cos(h_k, w_k) of a minority class: (b̃ + q)/√((b̃ + s K_A/(K K_B))(b̃ + t_B²/(s K_B))), b̃ = b (K_B − 1)/K_B, q = t_B √(K_A/K)/K_B."""
    found = optimum(majority, minority, imbalance, energy)
    classes = majority + minority
    _, t_b = found.between(majority, minority)
    inside = found.b * (minority - 1) / minority
    own = inside + t_b * math.sqrt(majority / classes) / minority
    weight, feature = inside + found.s * majority / (classes * minority), inside + t_b**2 / (found.s * minority)
    return own / math.sqrt(weight * feature)


def predict_alignment() -> Quantities:
    """The closed form, below one for every R > 1."""
    return {_label(*case, ratio): predicted(alignment(case[0], case[1], ratio, case[2])) for case in CASES for ratio in RATIOS}


def predict_self_duality() -> Quantities:
    """One at every R: self-duality as in the balanced case."""
    return {label: Bracket.exactly(1.0) for label in predict_alignment()}


def measure_alignment(setting: Setting) -> Quantities:
    """cos(h_k, w_k) of a minority class at the exact optimum, enclosed by the semidefinite program's certificate."""
    found: dict[str, Bracket] = {}
    for majority, minority, energy in CASES:
        for ratio in RATIOS:
            found[_label(majority, minority, energy, ratio)] = two_groups(majority, minority, ratio, energy).alignment(1)
    return found


def predict_balanced() -> Quantities:
    """One at R = 1."""
    return {_label(*case, 1.0): Bracket.exactly(1.0) for case in CASES}


def predict_balanced_misaligned() -> Quantities:
    """What R = 3 would give, claimed at R = 1."""
    return {_label(*case, 1.0): predicted(alignment(case[0], case[1], 3.0, case[2])) for case in CASES}


def measure_balanced(setting: Setting) -> Quantities:
    """The same at R = 1."""
    return {
        _label(majority, minority, energy, 1.0): two_groups(majority, minority, 1.0, energy).alignment(0)
        for majority, minority, energy in CASES
    }


ROOM = Room(
    statement=Statement(
        name="no-self-duality",
        title="Imbalance breaks self-duality",
        latex=r"R>1\;\Rightarrow\;\cos\angle(h^\star_k,w^\star_k)<1\quad(k\text{ minority}),"
        r"\qquad R=1\;\Rightarrow\;\cos\angle(h^\star_k,w^\star_k)=1",
        assumptions=("two groups of classes", "cross-entropy loss", "R below R1, where the minority vanishes"),
        kind=Kind.EQUALITY,
        origin=Origin.SEED,
        source=Source("su2024", "Nonconvex optimization via convex optimization: class means no longer collapse to classifiers"),
    ),
    checks=(
        Check(
            name="alignment",
            claim="cos(h_k, w_k) of a minority class is the closed form, below one for R > 1",
            evidence=Evidence.CERTIFIED,
            predict=predict_alignment,
            measure=measure_alignment,
            resolution=5e-4,
            reason="enclosures from gaps near 1e-11; the departures from one that matter are 1e-4 to 1e-2",
        ),
        Check(
            name="balanced",
            claim="at R = 1 class means and classifiers align",
            evidence=Evidence.CERTIFIED,
            predict=predict_balanced,
            measure=measure_balanced,
            resolution=1e-5,
            reason="far finer than the departures at R > 1",
        ),
    ),
    controls=(
        Control(name="self-dual", claim="class means align with classifiers at every R", check="alignment", predict=predict_self_duality),
        Control(name="never-dual", claim="they do not align at R = 1 either", check="balanced", predict=predict_balanced_misaligned),
    ),
)
