"""The threshold rises with the energy: proved in balls on a compact range, by an inequality beyond it."""

import math
from itertools import pairwise

from flint import arb, ctx

from numerics import BALLS, PRECISION, Bracket, SurfacePoint, surface_point, to_bracket
from solvers import bracket_threshold
from theory._room import Check, Control, Evidence, Kind, Origin, Quantities, Room, Setting, Source, Statement

SIZES = ((5, 5), (3, 7), (7, 3), (1, 2), (2, 2), (1, 100), (100, 2), (50, 50))
"""(K_A, K_B)."""

FINEST = 1e-6
"""Intervals of ζ narrower than this are not split further: a sign that is still open there stays open."""


def _label(majority: int, minority: int) -> str:
    return f"K_A={majority}, K_B={minority}"


def tail_start(majority: int, minority: int) -> float:
    """A ζ* from which on both derivatives are positive.

    With 1 + X ≥ r_B², |d log g_A/dζ| ≤ C/r_B², C = K_A/(√(K K_B) − K_B); with r_A ≤ 1, g_A ≥ 1/(2K) and, for ζ ≥ 1, L_B ≥ 1,
    g_A da/dζ ≥ K_B r_B/(2K). Since dV/dζ ≥ g_A da/dζ − |d log g_A/dζ|, r_B³ > 2KC/K_B is enough; and τ, a sum of increasing terms,
    needs nothing.
    """
    classes = majority + minority
    constant = majority / (math.sqrt(classes * minority) - minority)
    return max(1.0, math.log(2 * classes * constant / minority) / 3 + 1e-3)


def _least_slopes(majority: int, minority: int) -> tuple[Bracket, Bracket]:
    """Enclosures of the least dτ/dζ and the least d log R0/dζ over [0, ζ*], by subdivision until every sign is certain."""
    end = math.ceil(tail_start(majority, minority))
    pending = [(float(start), float(start + 1)) for start in range(end)]
    budgets: list[Bracket] = []
    ratios: list[Bracket] = []
    with ctx.workprec(PRECISION):
        while pending:
            low, high = pending.pop()
            point = _at(majority, minority, arb(low).union(arb(high)))
            slopes = [slope if slope.is_finite() else arb(0, 1e300) for slope in (point.budget_by_zeta, point.log_imbalance_by_zeta)]
            if not all(slope > 0 for slope in slopes) and high - low > FINEST:
                middle = 0.5 * (low + high)
                pending += [(low, middle), (middle, high)]
                continue
            budgets.append(to_bracket(slopes[0]))
            ratios.append(to_bracket(slopes[1]))
    return _least(budgets), _least(ratios)


def _at(majority: int, minority: int, zeta: arb) -> SurfacePoint:
    return surface_point(BALLS, arb(majority), arb(minority), zeta, arb(0), arb(0))


def _least(brackets: list[Bracket]) -> Bracket:
    """What brackets of a function on the pieces of a range say of its least value."""
    return Bracket(min(each.lower for each in brackets), min(each.upper for each in brackets), rigorous=True)


def predict_rising() -> Quantities:
    """Positive slopes of τ and of log R0 along ζ."""
    return {f"{_label(*sizes)}, {what}": Bracket.exactly(0.0) for sizes in SIZES for what in ("least dτ/dζ", "least d log R0/dζ")}


def measure_rising(setting: Setting) -> Quantities:
    """Least slopes over [0, ζ*], enclosed; beyond ζ* the inequality of `tail_start` takes over."""
    found: dict[str, Bracket] = {}
    for sizes in SIZES:
        budget, ratio = _least_slopes(*sizes)
        found |= {f"{_label(*sizes)}, least dτ/dζ": budget, f"{_label(*sizes)}, least d log R0/dζ": ratio}
    return found


def predict_ends() -> Quantities:
    """τ = 0 and R0 = 1 at ζ = 0: so R0 > 1 for every energy, and finite, since every τ is reached at a finite ζ."""
    return {f"{_label(*sizes)}, {what}": Bracket.exactly(0.0) for sizes in SIZES for what in ("τ at ζ=0", "log R0 at ζ=0")}


def predict_ends_apart() -> Quantities:
    """A threshold of at least 1.01 at every energy."""
    return {f"{_label(*sizes)}, log R0 at ζ=0": Bracket.exactly(math.log(1.01)) for sizes in SIZES}


def measure_ends(setting: Setting) -> Quantities:
    """The boundary at ζ = 0 in balls."""
    found: dict[str, Bracket] = {}
    with ctx.workprec(PRECISION):
        for sizes in SIZES:
            point = _at(*sizes, arb(0))
            found |= {
                f"{_label(*sizes)}, τ at ζ=0": to_bracket(point.budget),
                f"{_label(*sizes)}, log R0 at ζ=0": to_bracket(point.log_imbalance),
            }
    return found


ENERGIES = (0.25, 0.5, 1.0, 2.0, 4.0)
STEPS = tuple(f"log R0 from E_H={low:g} to {high:g}" for low, high in pairwise(ENERGIES))


def predict_rise() -> Quantities:
    """Zero: log R0 does not fall from one energy to the next."""
    return {step: Bracket.exactly(0.0) for step in STEPS}


def measure_rise(setting: Setting) -> Quantities:
    """Increments of log R0, K_A = K_B = 3, by certified bisection over semidefinite programs."""
    thresholds = [bracket_threshold(3, 3, feature_energy=energy, width=2e-2) for energy in ENERGIES]
    logs = [Bracket(math.log(each.lower), math.log(each.upper), rigorous=each.rigorous) for each in thresholds]
    return {step: after - before for step, (before, after) in zip(STEPS, pairwise(logs), strict=True)}


ROOM = Room(
    statement=Statement(
        name="threshold-monotone",
        title="The threshold is above one, finite, and rises with the energy",
        latex=r"1<R_0(\tau)<\infty,\qquad \tau\mapsto R_0(\tau)\ \text{increasing},\qquad R_0\to 1\ (\tau\to 0),"
        r"\quad R_0\to\infty\ (\tau\to\infty)",
        assumptions=("two groups of classes, K_B ≥ 2", "cross-entropy loss", "the class numbers listed, for the proof in balls"),
        kind=Kind.LOWER_BOUND,
        origin=Origin.DERIVED,
        source=Source("su2024", "Minority Collapse, 1–2; monotonicity derived"),
    ),
    checks=(
        Check(
            name="rising",
            claim="τ and R0 both increase along the boundary, on all of ζ > 0",
            evidence=Evidence.PROOF,
            predict=predict_rising,
            measure=measure_rising,
        ),
        Check(
            name="ends",
            claim="the boundary starts at τ = 0, R0 = 1",
            evidence=Evidence.PROOF,
            predict=predict_ends,
            measure=measure_ends,
            kind=Kind.EQUALITY,
            resolution=1e-30,
            reason="exact up to the working precision",
        ),
        Check(
            name="by-solves",
            claim="measured thresholds rise with the energy",
            evidence=Evidence.CERTIFIED,
            predict=predict_rise,
            measure=measure_rise,
        ),
    ),
    controls=(
        Control(name="falling", claim="τ and R0 fall along the boundary", check="rising", predict=predict_rising, kind=Kind.UPPER_BOUND),
        Control(name="never-near-one", claim="R0 is at least 1.01 at every energy", check="ends", predict=predict_ends_apart),
        Control(
            name="energy-harms",
            claim="measured thresholds fall with the energy",
            check="by-solves",
            predict=predict_rise,
            kind=Kind.UPPER_BOUND,
        ),
    ),
)
