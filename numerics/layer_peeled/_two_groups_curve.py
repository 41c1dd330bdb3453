"""The optima of one radius as an explicit curve: balanced, distinct, threshold, collapsed, vanished.

At fixed τ the surface of `_two_groups` is a curve in ρ = log r_B on which every scalar is explicit. With X = (K/K_B) expm1(2ρ),
w = r_B/r_A = √(1 + X), M_A = −K_A L_A, M_B = K_B L_B (L_B at ζ = ρ) and c = s/r_B, the stationarity conditions

    a = w c + M_A,    b = c − M_B where b > 0,    (K_A − 1) a + (K_B − 1) b + r_B c = τ

are linear in c. With P = (K_A − 1) w + r_B, and c_0 = (τ − (K_A − 1) M_A)/P for the c that b = 0 would need,

    M = min(c_0, M_B),    b = (c_0 − M) P/(P + K_B − 1),    c = b + M.

As ρ grows, so do M_A, w, r_B and M_B, and c_0 falls. Hence the phases follow one another along the curve:

    distinct (b > 0)    while c_0 > M_B: from the balanced optimum ρ = 0 to the threshold ρ_0, where (K_A − 1) M_A + P M_B = τ;
    collapsed (b = 0)   while M_B ≥ c_0 > 0: here M = K_B L_B(ζ) for a ζ = log1p((K_B/K) expm1(M/K_B)) that falls from ρ_0 to 0;
    vanished (s = 0)    from ρ_1 on, where (K_A − 1) M_A = τ: with δ = (K_A/K)(1 − e^{−τ/(K_A (K_A − 1))}) for 1 − r_A,
                        ρ_1 = ½ log1p(K_B D/(K_A − K D)), D = δ (2 − δ); it does not exist when K D ≥ K_A, or K_A = 1.

R is read off. Its logarithm V − v + (ρ − ζ) is the difference of two large numbers near R = 1, but not when it is written with

    d = a − b = (w − 1) c + M_A + M,    h = d + log(g_A/g_B) = (w − 1) c + (K_A − 1) M_A/K_A + M − M_B/K_B + ½ log(1 + X),
    e^{V − v} = 1 + (g_B (1 − e^{−b}) expm1(h) + g_A e^{−b} expm1(d))/(e^{−b} + g_B (1 − e^{−b})),

where nothing cancels. Every R has one optimum, so R increases along the curve. The two ends of its phase decide the phase of an R
before anything is solved, and bracket the one scalar equation that is left: in the collapsed phase log R ≥ ρ − ζ ≥ ρ − ρ_0.

All functions below are written once for arrays and for single compiled numbers: `choose` and `every` are what differs. In arrays an entry
that has settled stays where it is while others go on, so that its last bit does not depend on which others there are.
"""

from typing import Any, NamedTuple

import numpy as np

from layerpeel.numerics._arithmetic import EXPONENT_CAP

MAX_STEPS = 100
"""Far more than ever needed (seen: at most 18): a cap instead of an endless loop."""

STEP_TOLERANCE = 1e-9
"""A Newton step this small (relative) is applied and ends the iteration: quadratic convergence leaves an error near its square."""

LEAST = 1e-200
"""Stands for zero in a quotient: what is computed there is not chosen."""

DISTINCT, COLLAPSED, VANISHED = 0.0, 1.0, 2.0
"""Phases, as numbers that stand in one row with the scalars."""

choose = np.where
every = np.all


class Place(NamedTuple):
    """What depends on ρ alone: r_A, r_B, X, w, −L_A, L_B, g_A, g_B and P, then derivatives by ρ, of log w for `log_ratio_slope`."""

    root_a: Any
    root_b: Any
    lift: Any
    ratio: Any
    margin_a: Any
    margin_b: Any
    share_a: Any
    share_b: Any
    pull: Any
    log_ratio_slope: Any
    margin_a_slope: Any
    margin_b_slope: Any
    pull_slope: Any


class CurvePoint(NamedTuple):
    """A point of the curve. `log_imbalance`: log R. `slope`: its derivative by ρ. `share_a`: g_A."""

    log_imbalance: Any
    slope: Any
    a: Any
    b: Any
    s: Any
    root_a: Any
    root_b: Any
    share_a: Any


class Found(NamedTuple):
    """An optimum: the scalars of its point, V = −log(λ/c_A), and its phase (NaN when the iteration did not settle)."""

    a: Any
    b: Any
    s: Any
    root_a: Any
    root_b: Any
    log_multiplier_deficit: Any
    phase: Any


def place(majority: Any, minority: Any, rho: Any) -> Place:
    """The functions of ρ that all phases share."""
    classes = majority + minority
    growth = np.expm1(rho)
    root_b = 1 + growth
    lift = (classes / minority) * growth * (2 + growth)
    ratio = np.sqrt(1 + lift)
    root_a = root_b / ratio
    # e^{L_A} = (K r_A − K_B)/K_A = 1/(1 + X/(1 + r_B w)): the second form has no difference in it.
    exp_margin_a_minus_1 = lift / (1 + root_b * ratio)
    exp_margin_b_minus_1 = (classes / minority) * growth
    log_ratio_slope = (lift + classes / minority) / (1 + lift)
    return Place(
        root_a,
        root_b,
        lift,
        ratio,
        np.log1p(exp_margin_a_minus_1),
        np.log1p(exp_margin_b_minus_1),
        1 / ((1 + exp_margin_a_minus_1) * classes * root_a),
        (1 + exp_margin_b_minus_1) / (classes * root_b),
        (majority - 1) * ratio + root_b,
        log_ratio_slope,
        (classes / majority) * root_a * (1 + exp_margin_a_minus_1) * (log_ratio_slope - 1),
        (classes / minority) * root_b / (1 + exp_margin_b_minus_1),
        (majority - 1) * ratio * log_ratio_slope + root_b,
    )


def threshold_excess(majority: Any, minority: Any, radius: Any, rho: Any) -> tuple[Any, Any]:
    """log of ((K_A − 1) M_A + P M_B)/τ, zero at the threshold ρ_0, and its derivative."""
    at = place(majority, minority, rho)
    needed = (majority - 1) * majority * at.margin_a + at.pull * minority * at.margin_b
    slope = (majority - 1) * majority * at.margin_a_slope + minority * (at.pull_slope * at.margin_b + at.pull * at.margin_b_slope)
    return np.log(needed / radius), slope / needed


def last_place(majority: Any, minority: Any, radius: Any) -> Any:
    """ρ_1, where the minority vanishes, or infinity."""
    classes = majority + minority
    drop = -(majority / classes) * np.expm1(-radius / np.maximum(majority - 1, LEAST) / majority)
    drop = drop * (2 - drop)
    room = majority - classes * drop
    return choose(room > 0.0, 0.5 * np.log1p(minority * drop / np.maximum(room, LEAST)), np.inf)


def curve_point(majority: Any, minority: Any, radius: Any, rho: Any) -> CurvePoint:
    """The optimum at ρ ≥ 0, in the phase in which ρ lies."""
    classes = majority + minority
    at = place(majority, minority, rho)
    largest = minority * at.margin_b
    free = np.maximum((radius - (majority - 1) * majority * at.margin_a) / at.pull, 0.0)
    distinct = free > largest
    between = np.minimum(free, largest)
    b = (free - between) * at.pull / (at.pull + minority - 1)
    total = b + between
    rise = at.lift / (1 + at.ratio) * total  # (w − 1) c
    ahead = rise + majority * at.margin_a + between
    ahead_in_shares = rise + (majority - 1) * at.margin_a + between - at.margin_b + 0.5 * np.log1p(at.lift)
    a = b + ahead
    # V − v, with the exponents capped as everywhere.
    kept_b, lost_b = np.exp(-b), -np.expm1(-b)
    scale_b = kept_b + at.share_b * lost_b
    beyond = ahead - np.minimum(ahead, EXPONENT_CAP)
    excess = at.share_b * lost_b * np.expm1(ahead_in_shares - beyond) + at.share_a * kept_b * np.expm1(ahead - beyond)
    difference = beyond + np.log1p(excess / scale_b)
    # ρ − ζ, exactly zero in the distinct phase.
    inner = (minority / classes) * np.expm1(between / minority)
    below = choose(distinct, 0.0, rho - np.log1p(inner))
    # Along the curve.
    free_slope = -((majority - 1) * majority * at.margin_a_slope + free * at.pull_slope) / at.pull
    between_slope = choose(distinct, minority * at.margin_b_slope, free_slope)
    b_slope = ((free_slope - between_slope) * at.pull + (free - between - b) * at.pull_slope) / (at.pull + minority - 1)
    a_slope = at.ratio * (at.log_ratio_slope * total + b_slope + between_slope) + majority * at.margin_a_slope
    lost_a = -np.expm1(-a)
    deficit_slope = at.share_a * (a_slope - lost_a * (at.margin_a_slope + 1 - at.log_ratio_slope)) / (1 - lost_a + at.share_a * lost_a)
    v_slope = at.share_b * (b_slope + lost_b * (at.margin_b_slope - 1)) / scale_b
    below_slope = choose(distinct, 0.0, 1 - (inner + minority / classes) / (1 + inner) * between_slope / minority)
    log_imbalance, slope = difference + below, deficit_slope - v_slope + below_slope
    return CurvePoint(log_imbalance, slope, a, b, at.root_b * total, at.root_a, at.root_b, at.share_a)


def newton_step(rho: Any, excess: Any, slope: Any, lower: Any, upper: Any) -> tuple[Any, Any, Any, Any]:
    """One step towards the root of an increasing function: Newton's, or a bisection where that would leave the bracket.

    Returns:
        The next ρ, the narrowed bracket, and whether the step was the last one needed.
    """
    lower, upper = choose(excess < 0.0, rho, lower), choose(excess < 0.0, upper, rho)
    following, middle = rho - excess / slope, 0.5 * (lower + upper)
    # Where rounding of log R moves ρ further than the tolerance, the bracket runs out of doubles first: its middle is one of its ends.
    settled = (abs(following - rho) <= STEP_TOLERANCE * rho) | (middle <= lower) | (middle >= upper)
    inside = (lower < following) & (following < upper)
    return choose(inside, following, choose(settled, rho, middle)), lower, upper, settled


def threshold_place(majority: Any, minority: Any, radius: Any) -> tuple[Any, Any]:
    """ρ_0, where the minority collapses, and whether the iteration settled."""
    classes = majority + minority
    # s ≥ K_B e^ρ log(1 + (K/K_B)(e^ρ − 1)) exceeds τ at the upper end; the start solves the part linear in ρ.
    lower, upper = 0.0 * radius, 1.0 + np.log1p(radius / minority)
    rho = np.minimum(np.log1p(radius / ((majority - 1) * classes * classes / minority + classes)), upper)
    settled = radius < 0.0
    for _ in range(MAX_STEPS):
        excess, slope = threshold_excess(majority, minority, radius, rho)
        following, lower, upper, last_step = newton_step(rho, excess, slope, lower, upper)
        rho, settled = choose(settled, rho, following), settled | last_step
        if every(settled):
            break
    return rho, settled


def optimum(majority: Any, minority: Any, log_imbalance: Any, radius: Any) -> Found:
    """The optimum for log R ≥ 0 and τ > 0: the ends of the phases, the phase, and one root inside it."""
    threshold, settled = threshold_place(majority, minority, radius)
    last = last_place(majority, minority, radius)
    ends = last < np.inf
    collapse = curve_point(majority, minority, radius, threshold).log_imbalance
    vanishing = choose(ends, curve_point(majority, minority, radius, choose(ends, last, threshold)).log_imbalance, np.inf)
    distinct, vanished = log_imbalance < collapse, log_imbalance >= vanishing
    # The bracket, and a start in it: the chord from ρ = 0 below the threshold, slope 1 beyond it.
    lower = choose(distinct, 0.0, choose(vanished, last, threshold))
    upper = choose(distinct, threshold, choose(vanished, last, np.minimum(last, threshold + log_imbalance)))
    beyond = np.minimum(threshold + np.maximum(log_imbalance - collapse, 0.0), upper)
    rho = choose(distinct, threshold * (log_imbalance / collapse), choose(vanished, last, beyond))
    converged = radius < 0.0
    for _ in range(MAX_STEPS):
        point = curve_point(majority, minority, radius, rho)
        following, lower, upper, last_step = newton_step(rho, point.log_imbalance - log_imbalance, point.slope, lower, upper)
        rho, converged = choose(converged, rho, following), converged | last_step
        if every(converged):
            break
    point = curve_point(majority, minority, radius, rho)
    capped = np.minimum(point.a, EXPONENT_CAP)
    phase = choose(vanished, VANISHED, choose(distinct, DISTINCT, COLLAPSED))
    return Found(
        point.a,
        choose(distinct, point.b, 0.0),
        choose(vanished, 0.0, point.s),
        point.root_a,
        point.root_b,
        np.log1p(point.share_a * np.expm1(capped)) + (point.a - capped),
        choose(settled & converged, phase, np.nan),
    )


def fill(majority: Any, minority: Any, log_imbalance: Any, radius: Any, rows: Any) -> None:
    """Write `Found` of every problem into a column of `rows`, one after the other: the loop that is compiled."""
    for index in range(majority.size):
        for row, number in enumerate(optimum(majority[index], minority[index], log_imbalance[index], radius[index])):
            rows[row, index] = number
