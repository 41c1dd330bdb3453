"""The surface of two-group optima, inverted: the optimum of given sizes, imbalance and radius."""

import math
from typing import NamedTuple

from layerpeel.numerics._arithmetic import EXPONENT_CAP, FLOATS
from layerpeel.numerics._inputs import require_positive, require_whole
from layerpeel.numerics._roots import STEP_TOLERANCE, increasing_root
from layerpeel.numerics._validated import validated
from layerpeel.numerics.layer_peeled._two_groups import SurfacePoint, slopes_by_v, surface_point

INNER_TOLERANCE = 1e-5
"""Newton step in ζ that ends the inner iteration: as the outer one converges, its predicted ζ is better than this from the start."""


class TwoGroupOptimum(NamedTuple):
    """The scalars of the optimum: a, b, s and the roots r_A, r_B (infinite when the minority vanishes), with its phase.

    `log_multiplier_gap` is V = −log(λ/c_A); `between` gives (t_A, t_B) = s (cos θ, sin θ).
    """

    a: float
    b: float
    s: float
    root_a: float
    root_b: float
    log_multiplier_gap: float
    collapsed: bool
    vanished: bool

    def between(self, majority: int, minority: int) -> tuple[float, float]:
        """(t_A, t_B): cos θ = √(K_B/K)/r_A and sin θ = √(K_A/K)/r_B."""
        classes = majority + minority
        return self.s * math.sqrt(minority / classes) / self.root_a, self.s * math.sqrt(majority / classes) / self.root_b


@validated
def two_group_optimum(majority: int, minority: int, imbalance: float, radius: float) -> TwoGroupOptimum:
    """The cross-entropy optimum of two groups of classes for imbalance R ≥ 1 and ‖Z‖_* ≤ τ.

        ‖Z‖_* = (K_A − 1) a + (K_B − 1) b + s = τ,    a and b the singular values inside the groups, s = hypot(t_A, t_B) between them.

    The phase is decided before solving: vanished (s = 0) by a closed test, distinct when R is below the threshold (v = 0 at this τ), else
    collapsed (b = 0). Inside a phase an increasing equation in ζ at fixed v sits in a monotone equation in v.

    Args:
        majority: K_A ≥ 1, classes of the larger size.
        minority: K_B ≥ 1, classes of the smaller size.
        imbalance: R ≥ 1, samples of the first over those of the second.
        radius: τ > 0, the bound of the nuclear norm.

    Raises:
        UnusableInput: for class numbers that are not whole and at least 1, an imbalance or a radius that is not positive and finite.
        ArithmeticError: when an iteration does not settle (none is known).

    Source: derived; docs/derivations/numerics.md, "The two-group problem".

    Example:
        >>> optimum = two_group_optimum(5, 5, 20.0, 22.36)
        >>> optimum.collapsed, optimum.b, round(4 * optimum.a + optimum.s, 6)
        (True, 0.0, 22.36)
    """
    majority = require_whole(majority, "the number of majority classes", remedy="give one, for example 5")
    minority = require_whole(minority, "the number of minority classes", remedy="give one, for example 5")
    imbalance, radius = require_positive(imbalance, "imbalance"), require_positive(radius, "radius")
    if majority > 1 and _vanishes(majority, minority, imbalance, radius):
        a = radius / (majority - 1)
        gap = math.log1p(math.expm1(a) / (majority + minority * math.exp(a / majority)))
        return TwoGroupOptimum(a, 0.0, 0.0, math.inf, math.inf, gap, minority > 1, True)
    target = math.log(imbalance)
    on_threshold = _invert_radius(majority, minority, radius, 0.0, 0.0, None, STEP_TOLERANCE)
    distinct = target < on_threshold[1].log_imbalance
    if distinct:
        classes = majority + minority
        farthest = _log_lift(radius / (classes - 1), classes)
    else:
        farthest = min(target, _latest_vanishing(majority, minority, radius))
    point = _match_imbalance(majority, minority, radius, target, distinct, farthest, on_threshold)
    collapsed = minority > 1 and not distinct
    b = 0.0 if collapsed or minority == 1 else point.b
    return TwoGroupOptimum(point.a, b, point.s, point.root_a, point.root_b, point.log_multiplier_gap, collapsed, False)


def _match_imbalance(
    majority: int, minority: int, radius: float, target: float, distinct: bool, farthest: float, start: tuple[float, SurfacePoint]
) -> SurfacePoint:
    """Move along the fixed radius, away from the threshold, until log R is the target."""
    sign = -1.0 if distinct else 1.0  # log R falls with the distance into the distinct phase, and grows into the collapsed one
    distance, (zeta, point) = 0.0, start

    def slope() -> tuple[float, float]:
        """dζ and d log R by the distance, at fixed radius."""
        radius_by_v, imbalance_by_v = slopes_by_v(majority, minority, point, distinct=distinct)
        zeta_by_v = -radius_by_v / point.radius_by_zeta
        return -sign * zeta_by_v, -sign * (imbalance_by_v + point.log_imbalance_by_zeta * zeta_by_v)

    def predict(following: float) -> float:
        predicted = zeta + slope()[0] * (following - distance)
        return predicted if predicted > 0.0 else zeta

    def excess(following: float) -> tuple[float, float]:
        nonlocal distance, zeta, point
        above, below = (following, 0.0) if distinct else (0.0, following)
        zeta, point = _invert_radius(majority, minority, radius, above, below, predict(following), INNER_TOLERANCE)
        distance = following
        return sign * (point.log_imbalance - target), sign * slope()[1]

    if farthest <= 0.0:
        return point
    first = (target - point.log_imbalance) / slope()[1]
    if not 0.0 < first < farthest:
        first = 0.5 * farthest if farthest < math.inf else 1.0
    root = increasing_root(excess, start=first, upper=farthest)
    # Rounding of (K_B − 1) b in the radius moves ζ; the radius is restored by scaling, so let ζ meet log R exactly.
    above, below = (root, 0.0) if distinct else (0.0, root)
    zeta = predict(root)
    point = surface_point(FLOATS, majority, minority, zeta, above, below)
    zeta = max(zeta - (point.log_imbalance - target) / point.log_imbalance_by_zeta, 0.0)
    return surface_point(FLOATS, majority, minority, zeta, above, below)


def _invert_radius(
    majority: int, minority: int, radius: float, above: float, below: float, start: float | None, tolerance: float
) -> tuple[float, SurfacePoint]:
    """The ζ at which the surface has the given τ, for v = above − below, and its point."""
    classes = majority + minority
    point = None

    def excess(zeta: float) -> tuple[float, float]:
        nonlocal point
        point = surface_point(FLOATS, majority, minority, zeta, above, below)
        return math.log(point.radius / radius), point.radius_by_zeta / point.radius

    if start is None or start <= 0.0:
        start = math.log1p(radius / ((majority - 1) * classes**2 / minority + classes))
    upper = 1.0 + math.log1p(radius / minority)  # s ≥ K_B e^ζ log(1 + (K/K_B)(e^ζ − 1)) exceeds τ there
    zeta = increasing_root(excess, start=min(start, upper), upper=upper, tolerance=tolerance)
    return zeta, surface_point(FLOATS, majority, minority, zeta, above, below)


def _log_lift(spread: float, classes: int) -> float:
    """V of balanced classes with singular value a: log1p(expm1(a)/K)."""
    capped = min(spread, EXPONENT_CAP)
    return math.log1p(math.expm1(capped) / classes) + (spread - capped)


def _latest_vanishing(majority: int, minority: int, radius: float) -> float:
    """The largest −v at this τ before the minority vanishes (s = 0): log r_B there, or infinity when it never does."""
    if majority == 1:
        return math.inf
    classes = majority + minority
    root_a = (majority * math.exp(-radius / (majority - 1) / majority) + minority) / classes
    room = 1.0 - (minority / classes) / root_a**2
    return 0.5 * math.log((majority / classes) / room) if room > 0.0 else math.inf


def _vanishes(majority: int, minority: int, imbalance: float, radius: float) -> bool:
    """Whether all between-group logits vanish: the outer block of the gradient at t = 0 has norm at most λ."""
    classes = majority + minority
    a = radius / (majority - 1)
    if a > EXPONENT_CAP:
        return False
    lift = math.exp(a / majority)
    share = majority + minority * lift
    cosine = math.sqrt(classes * minority) * lift / share
    sine = math.sqrt(majority / classes) * (math.exp(a) + majority - 1 + minority * lift) / (imbalance * share)
    return math.hypot(cosine, sine) <= 1.0
