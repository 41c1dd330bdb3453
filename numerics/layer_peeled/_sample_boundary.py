"""Where minority classifiers coincide and vanish when the energy of the features counts every sample alike: ‖diag(√n) Z‖_*.

K_A classes of R samples and K_B of one, E_H the mean of ‖h‖² over samples: ‖diag(√n) Z‖_* ≤ √(K E_W · N E_H), N = K_A R + K_B. With
Q = √R and everything divided by Q, the conditions at b = 0, λ√n_B = n_B/N (`_two_groups` has the symbols) are those of the model whose
energy counts classes, for the imbalance Q and with σ = s/Q in place of s, at a radius that depends on R:

    M = −K_A L_A,   s = r_B K_B L_B,   δ = a − M = s/(r_A Q),   Q = 1 + g_A expm1(a),   σ = r_A δ,
    T = (K_A − 1) a + σ = ε √(K (K_A + K_B/R)),   ε = √(E_H E_W).

For a given a > 0 the left side of M(ζ) + s(ζ)/(r_A(ζ) Q(a, ζ)) = a increases with ζ from 0, so there is one ζ, at most a: the inner root.
Along the boundary T and Q increase with a (docs/derivations/layer-peeled.md, section 7), so ε does, and R0 is the outer root.

Everything is a function of e^{−ζ} and of logarithms, all sums have terms of one sign, and a, not ζ, is the unknown outside: for many
classes ε hardly moves with ζ over a long stretch, while log R0 always moves with it as 2a does.
"""

import math
from typing import Any, NamedTuple

from layerpeel.numerics._arithmetic import BALLS, FLOATS, Arithmetic
from layerpeel.numerics._roots import increasing_root

TINY = 1e-300
"""Added to a slope that underflows in doubles: where M and δ do not move with ζ, nothing else does."""


class Place(NamedTuple):
    """What depends on ζ alone: r_A, M = −K_A L_A, log(s/r_A) − ζ, g_A; then M', (log(s/r_A))', −(log r_A)' and −(log g_A)'."""

    root_a: Any
    margin: Any
    log_reach: Any
    share: Any
    margin_slope: Any
    reach_slope: Any
    fall: Any
    share_fall: Any


def place(ops: Arithmetic, majority: Any, minority: Any, zeta: Any) -> Place:
    """The functions of ζ > 0 that the boundary is made of.

    With η₁ = 1 − e^{−ζ}, η₂ = 1 − e^{−2ζ} and q = K_A/K_B: 1/r_A² = 1 + q η₂, e^{−L_A} = 1 + (1 + q) η₂/(e^{−2ζ} + 1/r_A) and
    L_B = ζ + log1p(q η₁).
    """
    ratio, kept = majority / minority, ops.exp(-zeta)
    gone, gone_twice = -ops.expm1(-zeta), -ops.expm1(-2 * zeta)
    lift = 1 + ratio * gone_twice
    inverse = ops.sqrt(lift)
    spread = (1 + ratio) * gone_twice / (kept * kept + inverse)
    grown = 1 + ratio * gone
    margin_b = zeta + ops.log1p(ratio * gone)
    fall = ratio * kept * kept / lift
    return Place(
        1 / inverse,
        majority * ops.log1p(spread),
        ops.log(minority * margin_b * inverse),
        inverse / ((majority + minority) * (1 + spread)),
        (majority + minority) * (1 + spread) / inverse * fall,
        1 + (1 + ratio * kept / grown) / margin_b + fall,
        fall,
        fall * (1 + spread) / ratio,
    )


class InnerPoint(NamedTuple):
    """What makes up a at some ζ: M and δ, their slopes by ζ (of δ relative to it), log Q, and the functions of ζ."""

    margin: Any
    delta: Any
    margin_slope: Any
    delta_slope: Any
    log_root: Any
    inverse_root: Any
    at: Place


def inner_point(ops: Arithmetic, majority: Any, minority: Any, a: Any, zeta: Any, behind: Any) -> InnerPoint:
    """Evaluate M + δ, which is a where ζ is the inner root; `behind` is a − ζ, whichever of the two is exact."""
    at = place(ops, majority, minority, zeta)
    capped = ops.cap(a)
    lag = ops.log1p(at.share * ops.expm1(capped)) - capped  # log Q − a
    delta = ops.exp(at.log_reach - lag - behind)
    inverse_root = ops.exp(-(lag + a))
    delta_slope = at.reach_slope + (1 - inverse_root) * at.share_fall
    return InnerPoint(at.margin, delta, at.margin_slope, delta_slope, lag + a, inverse_root, at)


class BoundaryPoint(NamedTuple):
    """A point of the boundary, at a and its ζ.

    `log_root_energy`: log ε. `log_root`: log Q. `log_root_minus_one`: log(Q − 1). Then derivatives along the boundary by a: of ζ, log ε
    and log Q.
    """

    log_root_energy: Any
    log_root: Any
    log_root_minus_one: Any
    zeta_by_a: Any
    log_root_energy_by_a: Any
    log_root_by_a: Any


def boundary_point(ops: Arithmetic, majority: Any, minority: Any, a: Any, zeta: Any, behind: Any) -> BoundaryPoint:
    """Evaluate ε and Q at a and its ζ."""
    inner = inner_point(ops, majority, minority, a, zeta, behind)
    at, delta, inverse_root = inner.at, inner.delta, inner.inverse_root
    moved, lost = 1 - (1 - at.share) * inverse_root, -ops.expm1(-inner.log_root)  # g_A e^a/Q and 1 − 1/Q
    slope = inner.margin_slope + delta * inner.delta_slope
    zeta_by_a = (1 + moved * delta) / (slope if ops is BALLS else slope + TINY)
    radius = (majority - 1) * a + at.root_a * delta
    radius_by_a = (majority - 1) + at.root_a * (1 - (at.margin_slope + at.fall * delta) * zeta_by_a)
    log_root_by_a = moved - lost * at.share_fall * zeta_by_a
    rest = minority * inverse_root * inverse_root  # K_B/R
    return BoundaryPoint(
        ops.log(radius) - ops.log((majority + minority) * (majority + rest)) / 2,
        inner.log_root,
        a + ops.log(-ops.expm1(-a)) + ops.log(at.share),
        zeta_by_a,
        radius_by_a / radius + rest / (majority + rest) * log_root_by_a,
        log_root_by_a,
    )


def log_excess(ops: Arithmetic, point: BoundaryPoint) -> Any:
    """log(R − 1) = log(Q − 1) + log(Q + 1)."""
    return point.log_root_minus_one + point.log_root + ops.log1p(ops.exp(-point.log_root))


def widest_margin(ops: Arithmetic, majority: Any, minority: Any) -> Any:
    """K_A log(1 + √(K/K_B)), which M approaches as ζ grows, and a where the minority would vanish at R = ∞."""
    return majority * ops.log1p(ops.sqrt((majority + minority) / minority))


def inner_root(majority: int, minority: int, a: float) -> tuple[float, float]:
    """ζ and a − ζ on the boundary at a, in doubles; beyond a/2 it is the second that is solved for."""
    widest = widest_margin(FLOATS, majority, minority)

    def excess(zeta: float, behind: float, sign: float) -> tuple[float, float]:
        at = inner_point(FLOATS, majority, minority, a, zeta, behind)
        if a <= widest:
            return at.margin + at.delta - a, at.margin_slope + at.delta * at.delta_slope
        # δ grows like e^ζ out there: its logarithm is what Newton's method takes to.
        rest = a - at.margin
        if at.delta == 0.0 or rest <= 0.0:
            return math.copysign(math.inf, sign * -rest), 1.0
        return sign * (math.log(at.delta) - math.log(rest)), at.margin_slope / rest + at.delta_slope

    if a <= widest or excess(0.5 * a, 0.5 * a, 1.0)[0] >= 0.0:
        upper = a if a <= widest else 0.5 * a
        start = min(a * minority / (majority + minority) ** 2, 0.5 * upper)
        zeta = increasing_root(lambda zeta: excess(zeta, a - zeta, 1.0), start=start, upper=upper)
        return zeta, a - zeta
    at = place(FLOATS, majority, minority, a)
    start = at.log_reach - math.log(at.share) - math.log(a - widest)
    behind = increasing_root(lambda y: excess(a - y, y, -1.0), start=min(max(start, 1e-3 * a), 0.49 * a), upper=0.5 * a)
    return a - behind, behind


def boundary_place(majority: int, minority: int, root_energy: float) -> tuple[float, float, float]:
    """a, ζ and a − ζ of the boundary point at ε, in doubles."""
    classes, widest, slow = majority + minority, widest_margin(FLOATS, majority, minority), math.sqrt(minority / (majority + minority))
    # T ≥ (K_A − 1) a + √(K_B/K) (a − widest) and T ≤ εK.
    upper = (root_energy * classes + slow * widest) / (majority - 1 + slow)
    target = math.log(root_energy)

    def excess(a: float) -> tuple[float, float]:
        point = boundary_point(FLOATS, majority, minority, a, *inner_root(majority, minority, a))
        return point.log_root_energy - target, point.log_root_energy_by_a

    a = increasing_root(excess, start=min(root_energy * classes**2 / (majority * (classes - 1)), upper), upper=upper * (1 + 1e-12))
    return a, *inner_root(majority, minority, a)
