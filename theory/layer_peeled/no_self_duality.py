"""Imbalance breaks self-duality: no common C with h_k = C w_k; the minority's directions part below R0, and meet again beyond it."""

import math
from functools import cache
from typing import NamedTuple

from layerpeel.numerics import Bracket
from layerpeel.solvers import Blocks, LayerPeeled, solve_blocks
from layerpeel.theory._room import Check, Control, Evidence, Kind, Origin, Quantities, Room, Setting, Source, Statement
from layerpeel.theory.layer_peeled._closed_forms import optimum, predicted

BELOW = tuple((*sizes, ratio) for sizes in ((5, 5, 5.0), (3, 7, 5.0), (7, 3, 10.0)) for ratio in (1.5, 3.0, 10.0))
"""(K_A, K_B, E_H, R) at E_W = 1, below R0 = 12.2, 245 and 13.7."""
BEYOND = ((5, 5, 5.0, 14.0), (5, 5, 5.0, 40.0), (7, 3, 5.0, 5.0))
"""Between R0 and R1."""
BALANCED = ((5, 5, 5.0, 1.0), (3, 7, 5.0, 1.0), (7, 3, 10.0, 1.0))
EVERYWHERE = (*BALANCED, *BELOW, *BEYOND)


def _label(majority: int, minority: int, energy: float, imbalance: float) -> str:
    return f"K_A={majority}, K_B={minority}, E_H={energy:g}, R={imbalance:g}"


@cache
def _blocks(majority: int, minority: int, energy: float, imbalance: float) -> Blocks:
    return solve_blocks(LayerPeeled.from_imbalance(majority, minority, imbalance, feature_energy=energy))


class Entries(NamedTuple):
    """‖w_k‖², ‖h_k‖² and ⟨h_k, w_k⟩ of one class, up to E_W, E_H and their roots."""

    weight: float
    feature: float
    product: float


def _entries(majority: int, minority: int, energy: float, imbalance: float) -> tuple[Entries, Entries]:
    """Of majority and minority: diagonal entries of (ZᵀZ)^{1/2}, (ZZᵀ)^{1/2} and Z."""
    found, classes = optimum(majority, minority, imbalance, energy), majority + minority
    t_a, t_b = found.between(majority, minority)
    inside_a, inside_b = found.a * (majority - 1) / majority, found.b * (minority - 1) / minority
    return (
        Entries(
            inside_a + found.s * minority / (classes * majority),
            inside_a + t_a**2 / (found.s * majority),
            inside_a + t_a * math.sqrt(minority / classes) / majority,
        ),
        Entries(
            inside_b + found.s * majority / (classes * minority),
            inside_b + t_b**2 / (found.s * minority),
            inside_b + t_b * math.sqrt(majority / classes) / minority,
        ),
    )


def _shared(case: tuple[int, int, float, float]) -> float:
    """(tr Z)²/(tr (ZᵀZ)^{1/2} tr (ZZᵀ)^{1/2})."""
    sums = [case[0] * major + case[1] * minor for major, minor in zip(*_entries(*case), strict=True)]
    return sums[2] ** 2 / (sums[0] * sums[1])


def predict_printed() -> Quantities:
    """The closed form, one at R = 1 only."""
    return {_label(*case): predicted(_shared(case)) for case in EVERYWHERE}


def predict_common_constant_beyond() -> Quantities:
    """False: one once the minority has collapsed, where each minority class mean lies on its classifier again."""
    return {_label(*case): Bracket.exactly(1.0) for case in BEYOND}


def predict_common_constant() -> Quantities:
    """False: one at every R, as for balanced classes."""
    return {_label(*case): Bracket.exactly(1.0) for case in EVERYWHERE}


def measure_printed(setting: Setting) -> Quantities:
    """(Σ ⟨h_k, w_k⟩)²/(Σ ‖h_k‖² Σ ‖w_k‖²) of the semidefinite program's blocks, enclosed."""
    return {_label(*case): _blocks(*case).self_duality() for case in EVERYWHERE}


def _alignment(entries: Entries) -> float:
    return entries.product / math.sqrt(entries.weight * entries.feature)


def predict_below() -> Quantities:
    """(b̃ + t_B √(K_A/K)/K_B)/√((b̃ + s K_A/(K K_B))(b̃ + t_B²/(s K_B))) of the minority, b̃ = b (K_B − 1)/K_B: below one."""
    return {_label(*case): predicted(_alignment(_entries(*case)[1])) for case in BELOW}


def predict_self_duality() -> Quantities:
    """False: one at every R, self-duality as in the balanced case."""
    return {_label(*case): Bracket.exactly(1.0) for case in BELOW}


def measure_below(setting: Setting) -> Quantities:
    """cos(h_k, w_k) of a minority class, from the three blocks."""
    return {_label(*case): _blocks(*case).alignment(1) for case in BELOW}


def predict_beyond() -> Quantities:
    """One for the minority, and the closed form below one for the majority."""
    found: dict[str, Bracket] = {}
    for case in BEYOND:
        found[f"minority, {_label(*case)}"] = Bracket.exactly(1.0)
        found[f"majority, {_label(*case)}"] = predicted(_alignment(_entries(*case)[0]))
    return found


def predict_all_aligned_beyond() -> Quantities:
    """False: beyond R0 every class mean lies on its classifier, the majority's too."""
    return {f"majority, {_label(*case)}": Bracket.exactly(1.0) for case in BEYOND}


def predict_minority_like_majority() -> Quantities:
    """False: beyond R0 the minority is apart like the majority."""
    return {f"minority, {_label(*case)}": predicted(_alignment(_entries(*case)[0])) for case in BEYOND}


def measure_beyond(setting: Setting) -> Quantities:
    """cos(h_k, w_k) in both groups."""
    names = ("majority", "minority")
    return {f"{name}, {_label(*case)}": _blocks(*case).alignment(g) for case in BEYOND for g, name in enumerate(names)}


def predict_constants() -> Quantities:
    """log of the ratio of ‖h_k‖/‖w_k‖ in the majority to that in the minority: zero at R = 1, positive for R > 1."""
    found: dict[str, Bracket] = {}
    for case in (*BELOW, *BEYOND):
        major, minor = _entries(*case)
        found[_label(*case)] = predicted(0.5 * math.log(major.feature / major.weight * minor.weight / minor.feature))
    return found


def predict_inverse_constants() -> Quantities:
    """False: the minority has the longer features for its classifiers."""
    return {label: -value for label, value in predict_constants().items() if isinstance(value, Bracket)}


def measure_constants(setting: Setting) -> Quantities:
    """Norms of class means and classifiers, enclosed."""
    found: dict[str, Bracket] = {}
    for case in (*BELOW, *BEYOND):
        blocks = _blocks(*case)
        ratio = (blocks.feature_norm(0) / blocks.classifier_norm(0)) / (blocks.feature_norm(1) / blocks.classifier_norm(1))
        logs = [math.log(end) if end > 0.0 else -math.inf for end in (ratio.lower, ratio.upper)]
        found[_label(*case)] = Bracket(*logs, rigorous=ratio.rigorous)
    return found


ROOM = Room(
    statement=Statement(
        name="no-self-duality",
        title="Imbalance breaks self-duality",
        latex=r"R>1\;\Rightarrow\;\nexists\,C:\ h^\star_k=C\,w^\star_k\ \forall k",
        assumptions=("two groups of classes, K_B ≥ 2", "cross-entropy loss", "R below R1, where the minority vanishes"),
        kind=Kind.EQUALITY,
        origin=Origin.SEED,
        source=Source("su2024", "Nonconvex optimization via convex optimization: class means no longer collapse to classifiers"),
    ),
    checks=(
        Check(
            name="as-printed",
            claim="class means no longer collapse to classifiers: for every R > 1 examined the squared cosine between H and W, one exactly "
            "when h_k = C w_k for all classes, is below one (its closed form is ours)",
            evidence=Evidence.CERTIFIED,
            predict=predict_printed,
            measure=measure_printed,
            resolution=1e-4,
            reason="a gap of 1e-15 locates the blocks to 1e-6; a fall by as much as this is reached at R = 1.5",
        ),
        Check(
            name="apart-below",
            claim="for 1 < R < R0, cos(h_k, w_k) of a minority class is the closed form, below one",
            evidence=Evidence.CERTIFIED,
            predict=predict_below,
            measure=measure_below,
            resolution=2e-4,
            reason="enclosures are 1e-6 to 1.5e-5 wide; the departures from one are 5e-5 to 6e-3",
            origin=Origin.DERIVED,
        ),
        Check(
            name="one-direction-beyond",
            claim="between R0 and R1 the class mean and the classifier of a minority class lie on one direction; the majority's do not",
            evidence=Evidence.CERTIFIED,
            predict=predict_beyond,
            measure=measure_beyond,
            resolution=5e-4,
            reason="a gap of 1e-15 locates the blocks to 1e-6, and minority vectors are as short as 0.16",
            origin=Origin.DERIVED,
        ),
        Check(
            name="no-common-constant",
            claim="for every R > 1 the ratio ‖h_k‖/‖w_k‖ is larger in the majority by its closed form",
            evidence=Evidence.CERTIFIED,
            predict=predict_constants,
            measure=measure_constants,
            resolution=1e-3,
            reason="logarithms of norms as small as 0.16, enclosed to 1e-6 and better",
            origin=Origin.DERIVED,
        ),
    ),
    controls=(
        Control(name="common-constant", claim="one C serves all classes at every R", check="as-printed", predict=predict_common_constant),
        Control(
            name="common-constant-beyond",
            claim="one C serves all classes again once the minority has collapsed",
            check="as-printed",
            predict=predict_common_constant_beyond,
        ),
        Control(name="self-dual", claim="class means align with classifiers at every R", check="apart-below", predict=predict_self_duality),
        Control(
            name="all-aligned",
            claim="beyond R0 the majority's class means align with their classifiers too",
            check="one-direction-beyond",
            predict=predict_all_aligned_beyond,
        ),
        Control(
            name="like-the-majority",
            claim="beyond R0 the minority's class means are as far from their classifiers as the majority's",
            check="one-direction-beyond",
            predict=predict_minority_like_majority,
        ),
        Control(
            name="longer-in-the-minority",
            claim="the ratio ‖h_k‖/‖w_k‖ is larger in the minority by as much",
            check="no-common-constant",
            predict=predict_inverse_constants,
        ),
    ),
)
