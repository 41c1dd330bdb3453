"""Every solution of the two-group Layer-Peeled program, as an explicit surface.

K_A classes of weight R and K_B classes of weight 1, cross-entropy, ‖Z‖_* ≤ τ. By symmetry four numbers carry the optimum:
a and b (singular values inside the groups), t_A and t_B (between them), s = hypot(t_A, t_B) = ‖t‖. With the multiplier λ,
V = −log(λ/c_A), r_A = √(K_B/K)/cos θ, r_B = √(K_A/K)/sin θ, tan θ = t_B/t_A, the stationarity conditions read

    a = log1p(expm1(V)/g_A),        L_A = log((K r_A − K_B)/K_A),   g_A = e^{L_A}/(K r_A),
    b = log1p(expm1(V − log R)/g_B) where b > 0,    and λ ≥ c_B where b = 0,
    r_A (a + K_A L_A) = r_B (b + K_B L_B) = s,      (K_A − 1) a + (K_B − 1) b + s = τ.

Take for parameters ζ > 0 and v = −log(λ/c_B): then b, s, a, V follow one after the other, and τ and R are *read off*.
v > 0 is the distinct phase (log r_B = ζ), v < 0 the collapsed phase (b = 0, log r_B = ζ − v), v = 0 the threshold curve R0(τ).
At fixed v, τ increases with ζ from its least value to ∞, so inverting the surface is one increasing scalar equation; along a
fixed τ every R has exactly one optimum, so v ↦ R is continuous and injective, hence monotone: the threshold is unique.
"""

from typing import Any, NamedTuple

from layerpeel.numerics._arithmetic import Arithmetic


class SurfacePoint(NamedTuple):
    """A point of the surface, with the derivatives along ζ that Newton's method needs.

    `a`, `b`, `s`: singular values (inside the majority, inside the minority, between). `root_a`, `root_b`: r_A, r_B.
    `log_multiplier_deficit`: V = −log(λ/c_A). `radius`: τ. `log_imbalance`: log R. `share_a`: g_A. The four before it are partial
    derivatives that `slopes_by_v` combines: of b by v > 0, and of a by log r_B, of V by a and by log r_B.
    """

    a: Any
    b: Any
    s: Any
    root_a: Any
    root_b: Any
    log_multiplier_deficit: Any
    radius: Any
    log_imbalance: Any
    radius_by_zeta: Any
    log_imbalance_by_zeta: Any
    b_by_v: Any
    a_by_root: Any
    deficit_by_a: Any
    deficit_by_root: Any
    share_a: Any


def surface_point(ops: Arithmetic, majority: Any, minority: Any, zeta: Any, above: Any, below: Any) -> SurfacePoint:
    """Evaluate the surface of two-group optima at ζ and v = above − below, of which one is zero.

        s = r_B (b + K_B L_B),   a = s/r_A − K_A L_A,   τ = (K_A − 1) a + (K_B − 1) b + s,   log R = V − v,

    with log r_B = ζ + below, 1/r_A² = 1/r_B² + (K/K_B)(1 − 1/r_B²), L_A = log((K r_A − K_B)/K_A), L_B = log((K e^ζ − K_A)/K_B),
    b = log1p(expm1(above)/g_B), V = log1p(expm1(a) g_A), g_A = e^{L_A}/(K r_A), g_B = e^{L_B}/(K e^ζ).

    Args:
        ops: the arithmetic of all other arguments (FLOATS, ARRAYS or BALLS); with ARRAYS they broadcast.
        majority: K_A ≥ 1.
        minority: K_B ≥ 1.
        zeta: ζ ≥ 0.
        above: max(v, 0), the distance inside the distinct phase.
        below: max(−v, 0), the distance inside the collapsed phase.

    Raises:
        OverflowError: with FLOATS, for e^(2 (ζ + below)) beyond doubles.

    Source: derived; docs/derivations/numerics.md, "The two-group problem".

    Example:
        >>> from layerpeel.numerics import FLOATS
        >>> point = surface_point(FLOATS, 5, 5, 0.3, 0.0, 0.0)
        >>> point.b, point.s > 0, point.log_imbalance > 0
        (0.0, True, True)
    """
    classes = majority + minority
    # L_B and g_B: functions of ζ alone.
    exp_zeta = ops.exp(zeta)
    growth = ops.expm1(zeta)  # never e^ζ − 1: K/K_B would multiply its rounding
    margin_b = ops.log1p((classes / minority) * growth)
    exp_margin_b = 1 + (classes / minority) * growth
    margin_b_slope = (classes / minority) * exp_zeta / exp_margin_b
    share_b = exp_margin_b / (classes * exp_zeta)
    # b, zero on and beyond the threshold.
    capped = ops.cap(above)
    b = ops.log1p(ops.expm1(capped) / share_b) + (above - capped)
    b_by_zeta = -(1 - ops.exp(-b)) * (margin_b_slope - 1)
    b_by_v = ops.exp(above - b) / share_b
    # r_B, r_A and L_A: functions of log r_B = ζ + below.
    root_b = ops.exp(zeta + below)
    lift = (classes / minority) * ops.expm1(2 * (zeta + below))
    root_a = root_b / ops.sqrt(1 + lift)
    root_a_slope = -(majority / minority) / (1 + lift)
    exp_margin_a_minus_1 = -lift / ((1 + lift) * (1 + root_a))
    margin_a = ops.log1p(exp_margin_a_minus_1)
    margin_a_slope = classes * root_a / (majority * (1 + exp_margin_a_minus_1)) * root_a_slope
    share_a = (1 + exp_margin_a_minus_1) / (classes * root_a)
    # s, a and V.
    inside = b + minority * margin_b
    s = root_b * inside
    s_by_zeta = root_b * (b_by_zeta + minority * margin_b_slope)
    a = s / root_a - majority * margin_a
    a_by_root = s / root_a * (1 - root_a_slope) - majority * margin_a_slope
    capped = ops.cap(a)
    deficit = ops.log1p(share_a * ops.expm1(capped)) + (a - capped)
    deficit_by_a = share_a * ops.exp(a - deficit)
    deficit_by_root = (1 - ops.exp(-deficit)) * (margin_a_slope - root_a_slope) + deficit_by_a * a_by_root
    # Along ζ, which moves log r_B with it.
    a_by_zeta = s_by_zeta / root_a
    return SurfacePoint(
        a,
        b,
        s,
        root_a,
        root_b,
        deficit,
        (majority - 1) * a + (minority - 1) * b + s,
        deficit - above + below,
        (majority - 1) * (a_by_zeta + a_by_root) + (minority - 1) * b_by_zeta + s_by_zeta + s,
        deficit_by_a * a_by_zeta + deficit_by_root,
        b_by_v,
        a_by_root,
        deficit_by_a,
        deficit_by_root,
        share_a,
    )


def slopes_by_v(majority: Any, minority: Any, point: SurfacePoint, *, distinct: bool) -> tuple[Any, Any]:
    """Derivatives (∂τ/∂v, ∂log R/∂v) at fixed ζ, on one side of the threshold v = 0, where the two sides differ.

    Args:
        majority: K_A, as for `surface_point`.
        minority: K_B.
        point: what `surface_point` returned for them.
        distinct: True for the distinct side, where v moves b; False for the collapsed side, where v moves log r_B backwards.

    Raises:
        AttributeError: for a point that is none.

    Source: derived; docs/derivations/numerics.md, "The two-group problem".

    Example:
        >>> from layerpeel.numerics import FLOATS
        >>> point = surface_point(FLOATS, 5, 5, 0.3, 0.0, 0.0)
        >>> slopes_by_v(5, 5, point, distinct=True)[0] > 0 > slopes_by_v(5, 5, point, distinct=False)[0]
        True
    """
    if distinct:
        a_by_b = point.root_b / point.root_a
        return (
            ((majority - 1) * a_by_b + (minority - 1) + point.root_b) * point.b_by_v,
            point.deficit_by_a * a_by_b * point.b_by_v - 1,
        )
    return -((majority - 1) * point.a_by_root + point.s), -(point.deficit_by_root + 1)
