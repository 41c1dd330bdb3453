"""Thresholds of the two models beside the sources': energies averaged over samples, and weight decay.

Both have the norm ‖diag(√n) Z‖_*. R0 − 1 and R1 − 1 are enclosed in balls in the working precision that is set; what a weight in the loss
must be is found in doubles.
"""

import math
from collections.abc import Callable
from fractions import Fraction

from flint import arb, ctx

from layerpeel.numerics._arithmetic import BALLS, FLOATS
from layerpeel.numerics._inputs import UnusableInput
from layerpeel.numerics._roots import increasing_root
from layerpeel.numerics.layer_peeled._sample_boundary import boundary_place, boundary_point, inner_point, log_excess, place, widest_margin

MOST_STEPS = 400
"""Of a safeguarded iteration in balls; bisection alone takes one for each bit."""

WIDENINGS = 300
"""How often an interval is doubled until both its ends are certain."""


def sample_collapse(majority: int, minority: int, feature_energy: float, weight_energy: float, digits: int) -> arb:
    """R0 − 1 in a ball: ε certainly is too small at one a, certainly too large at another, and R − 1 is evaluated between them.

    Args:
        majority: K_A ≥ 1.
        minority: K_B ≥ 2.
        feature_energy: E_H, the mean over samples.
        weight_energy: E_W.
        digits: leading digits of a to find.

    Raises:
        ArithmeticError: when the root is not enclosed.

    Source: derived; docs/derivations/layer-peeled.md, section 7.
    """
    k_a, k_b = arb(majority), arb(minority)
    target = (arb(feature_energy) * arb(weight_energy)).log() / 2
    place_a, place_zeta, _ = boundary_place(majority, minority, math.sqrt(feature_energy) * math.sqrt(weight_energy))
    a, zeta, point = arb(place_a), arb(place_zeta), None
    for _ in range(4 + math.ceil(math.log2(max(digits / 14, 1)))):
        zeta = _inner(k_a, k_b, a, zeta)
        point = boundary_point(BALLS, k_a, k_b, a, zeta, a - zeta)
        step = ((point.log_root_energy - target) / point.log_root_energy_by_a).mid()
        a, zeta = (a - step).mid(), (zeta - step * point.zeta_by_a).mid()
        zeta = zeta if zeta > 0 and zeta < a else (a / 2).mid()
    spread = a * arb(10) ** (4 - digits)
    for _ in range(WIDENINGS):
        low, high = (a - spread).mid(), (a + spread).mid()
        zeta_low, zeta_high = _around(k_a, k_b, low, zeta), _around(k_a, k_b, high, zeta)
        below = boundary_point(BALLS, k_a, k_b, low, zeta_low, low - zeta_low).log_root_energy < target
        if below and boundary_point(BALLS, k_a, k_b, high, zeta_high, high - zeta_high).log_root_energy > target:
            return _excess(k_a, k_b, low.union(high), zeta_low.union(zeta_high))
        spread *= 4
    raise ArithmeticError(f"the threshold of {majority} and {minority} classes was not enclosed at {digits} digits; report this case.")


def _excess(k_a: arb, k_b: arb, a: arb, zeta: arb) -> arb:
    """R − 1 = (Q − 1)(Q + 1), which needs no a − ζ."""
    more = place(BALLS, k_a, k_b, zeta).share * a.expm1()
    return more * (more + 2)


def _inner(k_a: arb, k_b: arb, a: arb, start: arb) -> arb:
    """ζ at a, nearly: Newton's method inside a bracket."""
    low, high, zeta = arb(0), a, start
    outside = a > widest_margin(BALLS, k_a, k_b)
    near = arb(2) ** (-ctx.prec // 2)
    for _ in range(MOST_STEPS):
        at = inner_point(BALLS, k_a, k_b, a, zeta, a - zeta)
        rest = (a - at.margin).mid()
        value = (at.delta - rest).mid()
        if value > 0:
            high = zeta
        else:
            low = zeta
        if outside and rest > 0:
            step = ((at.delta / rest).log() / (at.margin_slope / rest + at.delta_slope)).mid()
        else:
            step = (value / (at.margin_slope + at.delta * at.delta_slope)).mid()
        following = (zeta - step).mid()
        if not (following > low and following < high):
            following = ((low + high) / 2).mid()
        elif abs(step) < near * zeta:
            return following
        if following == zeta:
            return zeta
        zeta = following
    return zeta


def _around(k_a: arb, k_b: arb, a: arb, start: arb) -> arb:
    """A ball that certainly holds ζ at a: M + δ − a changes its sign in it."""

    def side(zeta: arb) -> arb:
        at = inner_point(BALLS, k_a, k_b, a, zeta, a - zeta)
        return at.margin + at.delta - a

    middle = _inner(k_a, k_b, a, start)
    ends = [middle, middle]
    for index, sign in enumerate((-1, 1)):
        spread = middle * arb(2) ** (16 - ctx.prec)
        for _ in range(WIDENINGS + ctx.prec):
            end = (middle + sign * spread).mid()
            if sign < 0 and not end > 0:
                end = arb(0)  # M + δ = 0 there
                ends[index] = end
                break
            if side(end) * sign > 0:
                ends[index] = end
                break
            spread *= 2
        else:
            raise ArithmeticError(f"no inner root was enclosed at a = {a}; report this case.")
    return ends[0].union(ends[1])


def sample_log_excess(majority: int, minority: int, root_energy: float) -> float:
    """log(R0 − 1) in doubles, ε = √(E_H E_W) with E_H the mean over samples.

    Args:
        majority: K_A ≥ 1.
        minority: K_B ≥ 2.
        root_energy: ε.

    Source: derived; docs/derivations/layer-peeled.md, section 7.
    """
    return log_excess(FLOATS, boundary_point(FLOATS, majority, minority, *boundary_place(majority, minority, root_energy)))


def sample_vanishing(majority: int, minority: int, feature_energy: float, weight_energy: float, digits: int) -> Callable[[], arb | None]:
    """R1 − 1 in a ball, or None where the minority never vanishes, as a function of the working precision.

    At a the minority vanishes from √R1 = r_B P on, P = 1 + g_A expm1(a) and r_A = (K_A e^{−a/K_A} + K_B)/K; it is there at the energy
    ε = (K_A − 1) a/√(K (K_A + K_B/R1)), which increases with a up to K_A log(1 + √(K/K_B)), where r_B is infinite.
    """

    def excess() -> arb | None:
        k_a, k_b = arb(majority), arb(minority)
        target = (arb(feature_energy) * arb(weight_energy)).sqrt()
        last = widest_margin(BALLS, k_a, k_b)
        limit = (k_a - 1) * last / ((k_a + k_b) * k_a).sqrt()
        if not limit > target:
            return None

        def too_much(a: arb) -> arb:
            more = _vanishing_excess(k_a, k_b, a)
            return (k_a - 1) * a - target * ((k_a + k_b) * (k_a + k_b / (1 + more))).sqrt()

        return _vanishing_excess(k_a, k_b, _bracketed(too_much, last, digits))

    return excess


def decay_vanishing(majority: int, minority: int, weight_decay: float, digits: int) -> Callable[[], arb | None]:
    """The same under weight decay λ, where K_B/r_B² + K_A P² = 1/λ² at R1.

    The left side first falls from K, if it does, then increases, up to K_A P² at the last a (docs/derivations/layer-peeled.md, section
    7), so that it meets 1/λ² > K once, if there.
    """

    def excess() -> arb | None:
        k_a, k_b = arb(majority), arb(minority)
        wanted = -2 * arb(weight_decay).log()
        last = widest_margin(BALLS, k_a, k_b)
        if not k_a.log() + 2 * _log_head(k_a, k_b, last) > wanted:
            return None

        def too_much(a: arb) -> arb:
            return (k_b * _steepness(k_a, k_b, a) + k_a * (2 * _log_head(k_a, k_b, a)).exp()).log() - wanted

        return _vanishing_excess(k_a, k_b, _bracketed(too_much, last, digits))

    return excess


def _log_head(k_a: arb, k_b: arb, a: arb) -> arb:
    """log P, P = 1 + expm1(a)/(K_A + K_B e^{a/K_A})."""
    return (a.expm1() / (k_a + k_b * (a / k_a).exp())).log1p()


def _steepness(k_a: arb, k_b: arb, a: arb) -> arb:
    """1/r_B² = (K/K_A)(1 − (K_B/K)/r_A²)."""
    classes = k_a + k_b
    root_a = (k_a * (-a / k_a).exp() + k_b) / classes
    return classes / k_a * (1 - k_b / classes / root_a**2)


def _vanishing_excess(k_a: arb, k_b: arb, a: arb) -> arb:
    """R − 1 where the minority vanishes at a: (r_B P)² − 1 = (P² − 1/r_B²) r_B²."""
    steep = _steepness(k_a, k_b, a)
    head = (2 * _log_head(k_a, k_b, a)).expm1()
    classes = k_a + k_b
    # 1 − 1/r_B² = (K_B/K_A)(1/r_A² − 1), without the difference.
    root_a = (k_a * (-a / k_a).exp() + k_b) / classes
    gone = -(k_a / classes) * (-a / k_a).expm1()
    return (head + k_b / k_a * gone * (2 - gone) / root_a**2) / steep


def _bracketed(function: Callable[[arb], arb], last: arb, digits: int) -> arb:
    """A ball around the one place in (0, last) from which on a function is positive: bisection, then its ends."""
    low, high = arb(0), last.mid()
    near = arb(2) ** max(math.floor((4 - digits) * math.log2(10)), 24 - ctx.prec)  # no finer than the precision that is set
    middle = (high / 2).mid()
    for _ in range(16 * MOST_STEPS + 8 * digits):
        value = function(middle)
        if value > 0:
            high = middle
        elif value < 0:
            low = middle
        else:
            break
        if high - low < near * high:
            break
        middle = ((low + high) / 2).mid()
    spread = (near * middle).mid()
    for _ in range(WIDENINGS):
        below, above = (middle - spread).mid(), (middle + spread).mid()
        if function(below) < 0 and (not above < last or function(above) > 0):
            return below.union(min(last, above))
        spread *= 4
    raise ArithmeticError(f"the vanishing threshold was not enclosed at {digits} digits; ask for more digits.")


def decay_collapse(majority: int, minority: int, weight_decay: float) -> arb:
    """R0 − 1 under weight decay λ, in a ball: collapse is λ_H λ_W n_B ≥ (n_B/N)², or K_A R + K_B ≥ 1/λ².

    Source: hong2023, the law λ ≥ √n_B/N, with λ_W = λ and λ_H = λ/N; derived; docs/derivations/layer-peeled.md, section 7.
    """
    return (1 / arb(weight_decay) ** 2 - (majority + minority)) / majority


def require_slight(weight_decay: float, classes: int) -> None:
    """Check that a weight decay leaves balanced classes their classifiers: λ² K < 1.

    Raises:
        UnusableInput: otherwise.
    """
    if Fraction(weight_decay) ** 2 * classes >= 1:
        raise UnusableInput(
            f"the weight decay is {weight_decay!r}: from 1/sqrt(K) = {classes**-0.5:.6g} on the classifiers of {classes} balanced classes "
            "are zero already, and there is no threshold; use a smaller one."
        )


def log_loss_threshold(majority: int, minority: int, imbalance: float, *, root_energy: float) -> float:
    """log of the ratio c_A/c_B of weights in the loss from which on the minority coincides, at counts in the ratio R.

    With d_A/d_B = √R fixed, all is explicit along the boundary, T = (K_A − 1) a + s/√R and a = (s/√R)/r_A + M increase with ζ, and
    c_A/c_B = √R (1 + g_A expm1(a)). At R0 it is R0.

    Args:
        majority: K_A ≥ 1.
        minority: K_B ≥ 2.
        imbalance: R > 0, also below one.
        root_energy: ε = √(E_H E_W), E_H the mean over samples.

    Source: derived; docs/derivations/layer-peeled.md, section 7.
    """
    half = 0.5 * math.log(imbalance)
    classes = majority + minority
    radius = root_energy * math.sqrt(classes) * math.sqrt(majority + minority / imbalance)

    def along(zeta: float) -> tuple[float, float, float, float]:
        at = place(FLOATS, majority, minority, zeta)
        delta = math.exp(min(at.log_reach + zeta - half, 700.0))
        sigma = at.root_a * delta
        spent = (majority - 1) * (delta + at.margin) + sigma
        slope = (majority - 1) * (delta * at.reach_slope + at.margin_slope) + sigma * (at.reach_slope - at.fall)
        return spent, slope, delta + at.margin, at.share

    def excess(zeta: float) -> tuple[float, float]:
        spent, slope, _, _ = along(zeta)
        return math.log(spent / radius), slope / spent

    # s ≥ K_B e^ζ log(1 + (K/K_B)(e^ζ − 1)) exceeds T √R at the upper end.
    upper = 1.0 + max(math.log1p(math.exp(min(math.log(radius / minority) + half, 700.0))), math.log(radius / minority) + half)
    zeta = increasing_root(excess, start=min(upper, math.log1p(radius)), upper=upper)
    _, _, a, share = along(zeta)
    capped = min(a, 500.0)
    return half + math.log1p(share * math.expm1(capped)) + (a - capped)
