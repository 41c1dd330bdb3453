"""The convex relaxation is tight exactly from p = rank Z* on."""

from layerpeel.numerics import Bracket
from layerpeel.solvers import descend, low_rank_excess
from layerpeel.theory._room import Check, Control, Evidence, Kind, Origin, Quantities, Room, Setting, Source, Statement
from layerpeel.theory.layer_peeled._closed_forms import optimum
from layerpeel.theory.layer_peeled._reference import two_groups

CASES = ((2, 2, 1.0, 1.0), (2, 2, 2.0, 1.0), (2, 3, 1.5, 1.0), (3, 2, 8.0, 1.0))
"""(K_A, K_B, R, E_H) at E_W = 1: balanced, two distinct, and one with a vanished minority."""
COLLAPSED = (2, 2, 4.0, 1.0)
"""Beyond R0 = 3.38."""
ALL = (*CASES, COLLAPSED)
SHORT = (CASES[-1], COLLAPSED)
"""Of a rank below K − 1."""

NOTICEABLE = 1e-6
"""A loss in the optimal value that no rounding explains."""
STOPPED = 1e-8
"""Allowance in a loss of order one for where L-BFGS stops (seen: 5e-12), and for evaluating it in doubles."""


def _label(majority: int, minority: int, imbalance: float, energy: float) -> str:
    return f"K_A={majority}, K_B={minority}, R={imbalance:g}, E_H={energy:g}"


def predict_rank() -> Quantities:
    """K − 1 while the classifiers are distinct, K_A when the minority has collapsed, K_A − 1 when it has vanished."""
    found: dict[str, Bracket] = {}
    for majority, minority, imbalance, energy in ALL:
        best = optimum(majority, minority, imbalance, energy)
        rank = majority - 1 if best.vanished else majority if best.collapsed else majority + minority - 1
        found[_label(majority, minority, imbalance, energy)] = Bracket.exactly(float(rank))
    return found


def predict_full_rank() -> Quantities:
    """K: as if shifting all logits of a row mattered."""
    return {_label(*case): Bracket.exactly(float(case[0] + case[1])) for case in ALL}


def measure_rank(setting: Setting) -> Quantities:
    """Rank of the exact optimum, enclosed from both sides by singular values of Z and of its gradient."""
    return {_label(*case): two_groups(*case).rank() for case in ALL}


def _excess(setting: Setting, case: tuple[int, int, float, float], dimension: int) -> Bracket:
    """Best value found in dimension p above the certified optimum of the relaxation; below the rank, from below by the curvature bound."""
    solution = two_groups(*case).solution
    best, *_ = descend(solution.problem, dimension, rng=setting.rng)
    found = Bracket(best - STOPPED, best + STOPPED) - solution.value  # that descent ended within STOPPED is no certificate
    if dimension >= solution.rank:
        return found
    proved = low_rank_excess(solution.problem, solution.matrix, dimension, solution.tangent)
    return Bracket(proved, found.upper, rigorous=True)


def predict_tight() -> Quantities:
    """Zero excess at p = rank Z* and at p = 2K."""
    return {f"{_label(*case)}, {what}": Bracket.exactly(0.0) for case in ALL for what in ("p = rank", "p = 2K")}


def predict_loose() -> Quantities:
    """A relaxation that would be one part in a thousand too low."""
    return {label: Bracket.exactly(1e-3) for label in predict_tight()}


def measure_tight(setting: Setting) -> Quantities:
    """Gradient descent on the non-convex program itself, with p = rank and with p = 2K."""
    found: dict[str, Bracket] = {}
    for case in ALL:
        rank = two_groups(*case).rank()
        found[f"{_label(*case)}, p = rank"] = _excess(setting, case, int(rank.upper))
        found[f"{_label(*case)}, p = 2K"] = _excess(setting, case, 2 * (case[0] + case[1]))
    return found


def predict_one_less() -> Quantities:
    """At p = rank Z* − 1 the optimum is worse by more than NOTICEABLE."""
    return {_label(*case): Bracket.exactly(NOTICEABLE) for case in ALL}


def predict_all_dimensions_needed() -> Quantities:
    """False: p = K − 2 is too few at every R, also once the minority has collapsed or vanished."""
    return {f"{_label(*case)}, p = K − 2": Bracket.exactly(NOTICEABLE) for case in SHORT}


def measure_one_less(setting: Setting) -> Quantities:
    """Lower end: proved from the distance to matrices of lower rank and the curvature. Upper end: the best point found."""
    found = {_label(*case): _excess(setting, case, int(two_groups(*case).rank().lower) - 1) for case in ALL}
    return found | {f"{_label(*case)}, p = K − 2": _excess(setting, case, case[0] + case[1] - 2) for case in SHORT}


ROOM = Room(
    statement=Statement(
        name="relaxation-tightness",
        title="The convex relaxation is tight exactly from p = rank on",
        latex=r"\min_{H,W\in\mathbb{R}^{K\times p}} = \min_{X\succeq 0}\iff p\geq \operatorname{rank}Z^\star,"
        r"\qquad \operatorname{rank}Z^\star\leq K-1",
        assumptions=("cross-entropy loss (any convex loss for p ≥ 2K)", "feature dimension p"),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
        source=Source("su2024", "Lemma (p ≥ 2K); the sharper p ≥ rank Z* is derived"),
    ),
    checks=(
        Check(
            name="rank",
            claim="rank Z* is K − 1 (distinct), K_A (collapsed) or K_A − 1 (vanished)",
            evidence=Evidence.CERTIFIED,
            predict=predict_rank,
            measure=measure_rank,
            resolution=0.0,
            reason="a whole number",
        ),
        Check(
            name="tight-from-rank",
            claim="the non-convex program with p = rank Z* (and with p = 2K) reaches the value of the relaxation",
            evidence=Evidence.EMPIRICAL,
            predict=predict_tight,
            measure=measure_tight,
            resolution=1e-6,
            reason="where L-BFGS stops is granted 1e-8 to either side",
        ),
        Check(
            name="one-dimension-fewer",
            claim="with p = rank Z* − 1 the optimum is certainly worse, by more than 1e-6",
            evidence=Evidence.CERTIFIED,
            predict=predict_one_less,
            measure=measure_one_less,
            kind=Kind.LOWER_BOUND,
        ),
    ),
    controls=(
        Control(name="full-rank", claim="rank Z* = K", check="rank", predict=predict_full_rank),
        Control(name="loose", claim="the relaxation is 0.001 below the non-convex optimum", check="tight-from-rank", predict=predict_loose),
        Control(
            name="always-all-dimensions",
            claim="K − 1 dimensions are needed at every R",
            check="one-dimension-fewer",
            predict=predict_all_dimensions_needed,
        ),
    ),
)
