"""Imbalance breaks self-duality: no common C with h_k = C w_k; the minority's directions part below R0, and meet again beyond it."""

import math
from functools import cache

from layerpeel.numerics import Bracket
from layerpeel.solvers import Blocks, LayerPeeled, solve_blocks
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, Variant, claim, instances
from layerpeel.theory.layer_peeled._closed_forms import alignment, entries, log_constants, predicted, self_duality

PLACE = "K_A={}, K_B={}, E_H={:g}, R={:g}"
BALANCED = instances(PLACE, (5, 5, 5.0, 1.0), (3, 7, 5.0, 1.0), (7, 3, 10.0, 1.0))
BELOW = instances(PLACE, *((*sizes, ratio) for sizes in ((5, 5, 5.0), (3, 7, 5.0), (7, 3, 10.0)) for ratio in (1.5, 3.0, 10.0)))
"""At E_W = 1, below R0 = 12.2, 245 and 13.7."""
BEYOND = instances(PLACE, (5, 5, 5.0, 14.0), (5, 5, 5.0, 40.0), (7, 3, 5.0, 5.0))
"""Between R0 and R1."""

ROOM = Room.of(
    Statement(
        name="no-self-duality",
        title="Imbalance breaks self-duality",
        latex=r"R>1\;\Rightarrow\;\nexists\,C:\ h^\star_k=C\,w^\star_k\ \forall k",
        assumptions=("two groups of classes, K_B ≥ 2", "cross-entropy loss", "R below R1, where the minority vanishes"),
        kind=Kind.EQUALITY,
        origin=Origin.SEED,
        source=Source("su2024", "Nonconvex optimization via convex optimization: class means no longer collapse to classifiers"),
        meaning="In the model with two sizes of classes, features and classifiers are no longer one common multiple of each other once "
        "the sizes differ, at every imbalance examined. Do not put class means in place of a classifier on imbalanced data unchecked.",
    ),
    claim(
        "as-printed",
        "class means no longer collapse to classifiers: for every R > 1 examined the squared cosine between H and W, one exactly "
        "when h_k = C w_k for all classes, is below one (its closed form is ours)",
        over=BALANCED | BELOW | BEYOND,
        predict=lambda *case: predicted(self_duality(*case)),
        measure=lambda *case: blocks(*case).self_duality(),
        by="(Σ ⟨h_k, w_k⟩)²/(Σ ‖h_k‖² Σ ‖w_k‖²) of the semidefinite program's blocks, enclosed",
        false={
            "common-constant": ("one C serves all classes at every R", 1.0),
            "common-constant-beyond": Variant("one C serves all classes again once the minority has collapsed", 1.0, over=BEYOND),
            "one-percent-late": Variant(
                "the squared cosine is that of R/1.01",
                lambda a, b, energy, ratio: predicted(self_duality(a, b, energy, ratio / 1.01)),
                over=BELOW | BEYOND,
            ),
        },
        evidence=Evidence.CERTIFIED.within(
            1e-4, "a gap of 1e-15 locates the blocks to 1e-6; a fall by as much as this is reached at R = 1.5"
        ),
    ),
    claim(
        "apart-below",
        "for 1 < R < R0, cos(h_k, w_k) of a minority class is the closed form, below one",
        over=BELOW,
        predict=lambda *case: predicted(alignment(entries(*case)[1])),
        measure=lambda *case: blocks(*case).alignment(1),
        by="cos(h_k, w_k) of a minority class, from the three blocks",
        false={"self-dual": ("class means align with classifiers at every R", 1.0)},
        evidence=Evidence.CERTIFIED.within(2e-4, "enclosures are 1e-6 to 1.5e-5 wide; the departures from one are 5e-5 to 6e-3"),
        origin=Origin.DERIVED,
    ),
    claim(
        "one-direction-beyond",
        "between R0 and R1 the class mean and the classifier of a minority class lie on one direction; the majority's do not",
        over=instances("{}, " + PLACE, *((group, *case) for case in BEYOND.values() for group in ("minority", "majority"))),
        predict=lambda group, *case: 1.0 if group == "minority" else predicted(alignment(entries(*case)[0])),
        measure=lambda group, *case: blocks(*case).alignment(GROUPS.index(group)),
        by="cos(h_k, w_k) in both groups",
        false={
            "all-aligned": (
                "beyond R0 the majority's class means align with their classifiers too",
                lambda group, *_: 1.0 if group == "majority" else None,
            ),
            "like-the-majority": (
                "beyond R0 the minority's class means are as far from their classifiers as the majority's",
                lambda group, *case: predicted(alignment(entries(*case)[0])) if group == "minority" else None,
            ),
        },
        evidence=Evidence.CERTIFIED.within(5e-4, "a gap of 1e-15 locates the blocks to 1e-6, and minority vectors are as short as 0.16"),
        origin=Origin.DERIVED,
    ),
    claim(
        "no-common-constant",
        "for every R > 1 the ratio ‖h_k‖/‖w_k‖ is larger in the majority by its closed form",
        over=BELOW | BEYOND,
        predict=lambda *case: predicted(log_constants(*case)),
        measure=lambda *case: measured_constants(blocks(*case)),
        by="log of the ratio of ‖h_k‖/‖w_k‖ in the majority to that in the minority, from norms of class means and classifiers, enclosed",
        false={
            "longer-in-the-minority": (
                "the ratio ‖h_k‖/‖w_k‖ is larger in the minority by as much",
                lambda *case: predicted(-log_constants(*case)),
            ),
            "constants-one-percent-late": (
                "the constants are those of R/1.01",
                lambda a, b, energy, ratio: predicted(log_constants(a, b, energy, ratio / 1.01)),
            ),
        },
        evidence=Evidence.CERTIFIED.within(1e-3, "logarithms of norms as small as 0.16, enclosed to 1e-6 and better"),
        origin=Origin.DERIVED,
    ),
)

GROUPS = ("majority", "minority")


@cache
def blocks(majority: int, minority: int, energy: float, imbalance: float) -> Blocks:
    """The semidefinite program's own three blocks."""
    return solve_blocks(LayerPeeled.from_imbalance(majority, minority, imbalance, feature_energy=energy))


def measured_constants(of_blocks: Blocks) -> Bracket:
    """The logarithm of the quotient of both groups' ratios."""
    ratio = (of_blocks.feature_norm(0) / of_blocks.classifier_norm(0)) / (of_blocks.feature_norm(1) / of_blocks.classifier_norm(1))
    low, high = (math.log(end) if end > 0.0 else -math.inf for end in (ratio.lower, ratio.upper))
    return Bracket(low, high, rigorous=ratio.rigorous)
