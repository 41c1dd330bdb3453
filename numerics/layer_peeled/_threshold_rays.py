"""The collapse threshold on whole rays: all small or large energies at once, all large class numbers at once.

On the boundary (b = 0, v = 0 in `surface_point`) τ = Kε, ε = √(E_H E_W), and R0 are explicit in ζ = log r_B. In coordinates in which that
curve is continuous at its limit point, a ball that holds the limit point encloses a whole ray.
"""

from collections.abc import Callable

from flint import arb

from layerpeel.numerics._arithmetic import BALLS
from layerpeel.numerics._ball import PRECISION
from layerpeel.numerics.layer_peeled._two_groups import surface_point

FARTHEST = arb(2) ** 64
"""Beyond this place on the curve nothing is looked for."""


def threshold_at_small_energies(majority: int, minority: int, largest: float) -> arb:
    """Enclose log R0/ε for every 0 < ε ≤ largest: by Cauchy's mean value theorem it is K (log R0)'/τ' at some ζ of the ray.

    Args:
        majority: K_A ≥ 1.
        minority: K_B ≥ 2.
        largest: the largest ε = √(E_H E_W), positive.

    Returns:
        A ball in the working precision that is set, around the limit K/(K_A (K − 1)).

    Raises:
        ArithmeticError: where the ray ends too far out to be enclosed.

    Source: derived; docs/derivations/numerics.md, "The two-group problem".

    Example:
        >>> from layerpeel.numerics import to_bracket
        >>> to_bracket(threshold_at_small_energies(5, 5, 1e-9)).contains(10 / (5 * 9))
        True
    """
    k_a, k_b, end = arb(majority), arb(minority), largest
    while not surface_point(BALLS, k_a, k_b, arb(end), arb(0), arb(0)).radius > (k_a + k_b) * largest:
        end *= 2
        if end > FARTHEST:
            raise ArithmeticError(f"the ray up to ε = {largest:g} leaves the range of the enclosure; end it nearer.")
    point = surface_point(BALLS, k_a, k_b, _from_zero(end), arb(0), arb(0))
    return (k_a + k_b) * point.log_imbalance_by_zeta / point.radius_by_zeta


def threshold_at_large_energies(majority: int, minority: int, least: float) -> tuple[arb, arb]:
    """Enclose log R0/ε and log R0 − (Kφ/κ)ε for every ε ≥ least, with φ = √(K/K_B) and κ = 1 + (K_A − 1)φ.

    In u = 1/r_B on [0, u0], where ε(u0) < least:
    F = 1/r_A = √(K/K_B − (K_A/K_B)u²) and L_A are continuous at u = 0, where F = φ; s = K_B L_B/u. With g = e^{L_A}/(K r_A),

        log R0 = a + log g + log1p(e^{−a}(1/g − 1)),   a = sF − K_A L_A,   τ = (K_A − 1)a + s,
        log R0 − (φ/κ)τ = −s(φ − F)/κ − K_A L_A/κ + log g + log1p(…),   s(φ − F) = K_A u L_B/(φ + F),

    and u L_B = u log(u + (K/K_B)(1 − u)) − u log u, where u log u falls from 0 on [0, 1/e].

    Args:
        majority: K_A ≥ 1.
        minority: K_B ≥ 2.
        least: the least ε = √(E_H E_W).

    Returns:
        Both as balls in the working precision that is set.

    Raises:
        ArithmeticError: where the ray begins too near to be enclosed.

    Source: derived; docs/derivations/numerics.md, "The two-group problem".

    Example:
        >>> from layerpeel.numerics import to_bracket
        >>> slope, _ = threshold_at_large_energies(5, 5, 1e8)
        >>> round(to_bracket(slope).middle, 5)  # 10 √2/(1 + 4 √2)
        2.12445
    """
    k_a, k_b, end = arb(majority), arb(minority), arb(2) ** -PRECISION
    classes = k_a + k_b
    while not surface_point(BALLS, k_a, k_b, -end.log(), arb(0), arb(0)).radius < classes * least:
        end *= 2
    if not end < (-arb(1)).exp():
        raise ArithmeticError(f"the ray from ε = {least:g} on leaves the range of the enclosure; begin farther out.")
    u = _from_zero(end)
    margin_b = u * (u + (classes / k_b) * (1 - u)).log() - _from_zero(end * end.log())
    least_s = k_b * (1 + (classes / k_b) * (1 / end - 1)).log() / end
    limit, f = (classes / k_b).sqrt(), (classes / k_b - (k_a / k_b) * u**2).sqrt()
    split = 1 + (k_a - 1) * limit
    margin_a = ((classes / f - k_b) / k_a).log()
    share = margin_a.exp() * f / classes
    rest = margin_a + f.log() - classes.log() + (_from_zero(1) * (-(least_s * f).lower()).exp() * (1 / share - 1)).log1p()
    a_by_s = f - k_a * margin_a * _from_zero(1 / least_s)
    slope = (a_by_s + rest * _from_zero(1 / least_s)) / ((k_a - 1) * a_by_s + 1)
    return classes * slope, rest - k_a * (margin_b / (limit + f) + margin_a) / split


def threshold_of_many_classes(share: float, root: float, least: int) -> arb:
    """Enclose K (R0 − 1) for every K ≥ least with K_A = αK, at one energy.

    Args:
        share: α, between 0 and 1.
        root: ε = √(E_H E_W), positive.
        least: the least K.

    Returns:
        A ball in the working precision that is set.

    Raises:
        ArithmeticError: where the ray begins with too few classes to be enclosed.

    Source: derived; docs/derivations/numerics.md, "The two-group problem".

    Example:
        >>> from layerpeel.numerics import to_bracket
        >>> round(to_bracket(threshold_of_many_classes(0.5, 1.0, 10**8)).middle, 4)  # e² − 1
        6.3891
    """
    h = _from_zero(arb(1) / least)
    return _shared(share, h, _root(lambda y: _shared(share, h, y)[0], arb(root)))[1]


def threshold_of_many_minority_classes(majority: int, root: float, least: int) -> arb:
    """Enclose log R0 − Kε/K_A + log K for every K ≥ least with the same K_A, at one energy.

    Args:
        majority: K_A ≥ 1.
        root: ε = √(E_H E_W), positive.
        least: the least K.

    Returns:
        A ball in the working precision that is set.

    Raises:
        ArithmeticError: where the ray begins with too few classes to be enclosed.

    Source: derived; docs/derivations/numerics.md, "The two-group problem".

    Example:
        >>> from layerpeel.numerics import to_bracket
        >>> round(to_bracket(threshold_of_many_minority_classes(1, 0.5, 10**8)).middle, 4)  # ¼ (1 − e^{−2w}), w e^w = ½
        0.1263
    """
    return _crowded(majority, least, _root(lambda zeta: _crowded(majority, least, zeta)[0], arb(root)))[1]


def _from_zero(end: arb | float) -> arb:
    """The ball [0, end]."""
    return arb(0).union(arb(end))


def _root(function: Callable[[arb], arb], target: arb) -> arb:
    """The x > 0 with function(x) = target, for an increasing function known up to balls: certainly below, certainly above."""
    low, high = arb(0), arb(1)
    while not function(high) > target:
        high *= 2
        if high > FARTHEST:
            raise ArithmeticError("the ray leaves the range of the enclosure; begin with more classes.")
    for _ in range(PRECISION):
        middle = ((low + high) / 2).mid()
        value = function(middle)
        if not (value < target or value > target):
            break
        low, high = (middle, high) if value < target else (low, middle)
    middle, step = ((low + high) / 2).mid(), arb(2) ** -PRECISION
    while not (function(middle - step) < target and function(middle + step) > target):
        step *= 2
    return (middle - step).union(middle + step)


def _shared(share: float, h: arb, y: arb) -> tuple[arb, arb]:
    """(ε, K(R0 − 1)) at ζ = hy, for every 1/K in h, K_A = αK, K_B = βK.

    Everything of order h is divided by it with expm1(t) = t e^ξ and log1p(v) = v/(1 + ξ), ξ between 0 and the argument.
    """
    alpha, beta = arb(share), 1 - arb(share)
    t = h * y
    growth, lift = y * t.exp() / beta, 2 * y * (2 * t).exp() / beta
    root_b = t.exp()
    root_a = root_b / (1 + h * lift).sqrt()
    s = root_b * beta * growth / (1 + h * growth)
    drop = lift / ((1 + h * lift) * (1 + root_a))
    a = s / root_a + alpha * drop / (1 - h * drop)
    return (alpha - h) * a + h * s, a.expm1() * (1 - h * drop) / root_a


def _crowded(majority: int, least: int, zeta: arb) -> tuple[arb, arb]:
    """(ε, log R0 − K ε/K_A + log K) at ζ, for every h = 1/K in [0, 1/least].

    With β = 1 − K_A h, ω = K_A(1 − r_B^{−2})/β: 1/r_A = F = √(1 + hω), K(F − 1) = ω/(1 + F) = δ, e^{L_A} = 1 − δ/(F K_A). Since
    a/K = σF − h K_A L_A, σ = s/K, and ε = (K_A − 1)a/K + σ, the term of order K cancels: a − Kε/K_A = σδ/K_A − L_A.
    """
    k_a, h = arb(majority), _from_zero(arb(1) / least)
    beta = 1 - k_a * h
    sigma = zeta.exp() * beta * (zeta.expm1() / beta).log1p()
    omega = k_a * (1 - (-2 * zeta).exp()) / beta
    f = (1 + h * omega).sqrt()
    delta = omega / (1 + f)
    share = 1 - delta / (f * k_a)
    level = sigma * f - h * k_a * share.log()
    # 1/g − 1 lies in [0, K/(F e^{L_A})], and K e^{−Ka/K} falls with K once a > 1.
    correction = _from_zero(1) * (least * (-least * level.lower()).exp() / (f * share)).abs_upper()
    return (k_a - 1) * level + sigma, sigma * delta / k_a + f.log() + correction.log1p()
