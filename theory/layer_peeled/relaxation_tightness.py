"""The convex relaxation is tight exactly from p = rank Z* on."""

import numpy as np

from layerpeel.numerics import Bracket
from layerpeel.solvers import descend, low_rank_excess
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, Variant, claim, instances
from layerpeel.theory.layer_peeled._closed_forms import optimum
from layerpeel.theory.layer_peeled._reference import two_groups

LABEL = "K_A={}, K_B={}, R={:g}, E_H={:g}"
VANISHED, COLLAPSED = (3, 2, 8.0, 1.0), (2, 2, 4.0, 1.0)
"""The second is beyond R0 = 3.38. Both optima have a rank below K − 1."""
CASES = instances(LABEL, (2, 2, 1.0, 1.0), (2, 2, 2.0, 1.0), (2, 3, 1.5, 1.0), VANISHED, COLLAPSED)
"""At E_W = 1; the first is balanced, in the next two all classes are distinct."""
SHORT = instances(f"{LABEL}, p = K − 2", VANISHED, COLLAPSED)

NOTICEABLE = 1e-6
"""A loss in the optimal value that no rounding explains."""
STOPPED = 1e-8
"""Allowance in a loss of order one for where L-BFGS stops (seen: 5e-12), and for evaluating it in doubles."""

ROOM = Room.of(
    Statement(
        name="relaxation-tightness",
        title="The convex relaxation is tight exactly from p = rank on",
        latex=r"\min_{H,W\in\mathbb{R}^{K\times p}} = \min_{X\succeq 0}\iff p\geq \operatorname{rank}Z^\star,"
        r"\qquad \operatorname{rank}Z^\star\leq K-1",
        assumptions=("cross-entropy loss (any convex loss for p ≥ 2K)", "feature dimension p"),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
        source=Source("su2024", "Lemma (p ≥ 2K); the sharper p ≥ rank Z* is derived"),
        meaning="The model needs no more feature dimensions than the rank of its best logits, which is below the number of classes. In "
        "the five cases examined one dimension fewer was certainly worse and more brought nothing; lower layers are another matter.",
    ),
    claim(
        "rank",
        "rank Z* is K − 1 (distinct), K_A (collapsed) or K_A − 1 (vanished)",
        over=CASES,
        predict=lambda *case: rank_by_phase(*case),
        measure=lambda *case: two_groups(*case).rank(),
        by="the rank of the exact optimum, enclosed from both sides by singular values of Z and of its gradient",
        false={
            "full-rank": ("rank Z* = K", lambda majority, minority, *_: majority + minority),
            "vanished-as-collapsed": (
                "rank Z* is K_A when the minority has vanished, too",
                lambda *case: case[0] if optimum(*case).vanished else None,
            ),
        },
        evidence=Evidence.CERTIFIED.within(0.0, "a whole number"),
    ),
    claim(
        "tight-from-rank",
        "the non-convex program with p = rank Z* (and with p = 2K) reaches the value of the relaxation",
        over=CASES,
        predict=lambda *_: dict.fromkeys(("p = rank", "p = 2K"), 0.0),
        measure_all=lambda setting: [
            {
                "p = rank": excess(setting.rng, case, int(two_groups(*case).rank().upper)),
                "p = 2K": excess(setting.rng, case, 2 * (case[0] + case[1])),
            }
            for case in CASES.values()
        ],
        by="gradient descent on the non-convex program itself, with p = rank and with p = 2K",
        false={
            "loose": ("the relaxation is 0.001 below the non-convex optimum", lambda *_: dict.fromkeys(("p = rank", "p = 2K"), 1e-3)),
            "slightly-loose": (
                "the relaxation is 0.00001 below the non-convex optimum",
                lambda *_: dict.fromkeys(("p = rank", "p = 2K"), 1e-5),
            ),
        },
        evidence=Evidence.EMPIRICAL.within(1e-6, "where L-BFGS stops is granted 1e-8 to either side"),
    ),
    claim(
        "one-dimension-fewer",
        "with p = rank Z* − 1 the optimum is certainly worse, by more than 1e-6",
        over=CASES,
        predict=NOTICEABLE,
        measure_all=lambda setting: (
            {label: excess(setting.rng, case, int(two_groups(*case).rank().lower) - 1) for label, case in CASES.items()}
            | {label: excess(setting.rng, case, case[0] + case[1] - 2) for label, case in SHORT.items()}
        ),
        by="lower end: proved from the distance to matrices of lower rank and the curvature; upper end: the best point found",
        false={"always-all-dimensions": Variant("K − 1 dimensions are needed at every R", NOTICEABLE, over=SHORT)},
        evidence=Evidence.CERTIFIED,
        kind=Kind.LOWER_BOUND,
    ),
)


def rank_by_phase(majority: int, minority: int, imbalance: float, energy: float) -> int:
    """K − 1 while the classifiers are distinct, K_A when the minority has collapsed, K_A − 1 when it has vanished."""
    best = optimum(majority, minority, imbalance, energy)
    return majority - 1 if best.vanished else majority if best.collapsed else majority + minority - 1


def excess(rng: np.random.Generator, case: tuple[int, int, float, float], dimension: int) -> Bracket:
    """Best value found in dimension p above the certified optimum of the relaxation; below the rank, from below by the curvature bound."""
    solution = two_groups(*case).solution
    best, *_ = descend(solution.problem, dimension, rng=rng)
    above = Bracket(best - STOPPED, best + STOPPED) - solution.value  # that descent ended within STOPPED is no certificate
    if dimension >= solution.rank:
        return above
    proved = low_rank_excess(solution.problem, solution.matrix, dimension, solution.tangent)
    return Bracket(proved, above.upper, rigorous=True)
