"""One two-group optimum: the curve of `_two_groups_curve` in plain Python numbers."""

import inspect
import math
from types import FunctionType
from typing import Any, NamedTuple

import layerpeel.numerics.layer_peeled._two_groups_curve as curve
from layerpeel.numerics._arithmetic import EXPONENT_CAP
from layerpeel.numerics._inputs import require_positive, require_whole
from layerpeel.numerics._validated import validated

FEW_STEPS = 12
"""Steps after which the ends of the phases are found first: four or five are usual."""


class TwoGroupOptimum(NamedTuple):
    """The scalars of the optimum: a, b, s and the roots r_A, r_B (infinite when the minority vanishes), with its phase.

    `log_multiplier_deficit` is V = −log(λ/c_A); `between` gives (t_A, t_B) = s (cos θ, sin θ).
    """

    a: float
    b: float
    s: float
    root_a: float
    root_b: float
    log_multiplier_deficit: float
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

    One increasing equation is solved along the curve of all optima of this radius; where its root lies, says which phase R is in.

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
    on_curve = _along_the_curve(float(majority), float(minority), max(math.log(imbalance), 0.0), radius)
    if math.isnan(on_curve.phase):
        raise ArithmeticError(f"no root for K_A, K_B, R, radius = {majority}, {minority}, {imbalance!r}, {radius!r}; report this case.")
    if on_curve.phase == curve.VANISHED:
        return TwoGroupOptimum(on_curve.a, 0.0, 0.0, math.inf, math.inf, on_curve.log_multiplier_deficit, minority > 1, True)
    collapsed = minority > 1 and on_curve.phase == curve.COLLAPSED
    b = on_curve.b if minority > 1 else 0.0
    return TwoGroupOptimum(on_curve.a, b, on_curve.s, on_curve.root_a, on_curve.root_b, on_curve.log_multiplier_deficit, collapsed, False)


class _Plain:
    """What the curve takes from NumPy, for Python's floats: the same functions in a tenth of the time."""

    inf, nan = math.inf, math.nan
    exp, expm1, log, log1p, sqrt = math.exp, math.expm1, math.log, math.log1p, math.sqrt
    minimum, maximum = min, max


def _choose(condition: bool, if_true: float, if_false: float) -> float:
    return if_true if condition else if_false


def _in_plain_numbers() -> dict[str, Any]:
    """The functions of the curve by name, as they stand, over other globals."""
    scope = {**vars(curve), "np": _Plain, "choose": _choose, "every": bool}
    for name in ("place", "threshold_excess", "last_place", "curve_point", "newton_step", "threshold_place", "optimum"):
        function = inspect.unwrap(scope[name])  # without the checks of annotations that tests put around it
        scope[name] = FunctionType(function.__code__, scope, name)
    return scope


_plain = _in_plain_numbers()
_optimum, _curve_point, _last_place = (_plain[name] for name in ("optimum", "curve_point", "last_place"))


def _along_the_curve(majority: float, minority: float, log_imbalance: float, radius: float) -> curve.Found:
    """`curve.optimum` without the ends of the phases: Newton's method from the balanced end, in a bracket that holds every phase.

    The optimum grows along the curve from R = 1 at ρ = 0, where its slope is explicit: with b = τ/(K − 1) and l = 1 − e^{−b},
    d log R/dρ = K (b − l + K)/(K_B (K (1 − l) + l)). The end at which the minority vanishes is looked at only where a step would leave it.
    Where many steps are needed (seen: one case in a hundred, across the kink at the threshold) the ends come first.
    """
    classes = majority + minority
    inside = radius / (classes - 1)
    lost = -math.expm1(-inside)
    slope = classes * (inside - lost + classes) / (minority * (classes * (1 - lost) + lost))
    last = _last_place(majority, minority, radius)
    lower, upper = 0.0, min(last, 1.0 + math.log1p(radius / minority) + log_imbalance)
    rho, ends = min(log_imbalance / slope, upper), upper == last
    for _ in range(FEW_STEPS):
        point = _curve_point(majority, minority, radius, rho)
        excess = point.log_imbalance - log_imbalance
        lower, upper = (rho, upper) if excess < 0.0 else (lower, rho)
        following = rho - excess / point.slope
        settled, inside_bracket = abs(following - rho) <= curve.STEP_TOLERANCE * rho, lower < following < upper
        if settled:
            return _found(_curve_point(majority, minority, radius, following if inside_bracket else rho))
        if ends and following >= upper == last:
            ends, point = False, _curve_point(majority, minority, radius, last)
            if log_imbalance >= point.log_imbalance:
                return _found(point, vanished=True)
        rho = following if inside_bracket else 0.5 * (lower + upper)
    return _optimum(majority, minority, log_imbalance, radius)


def _found(point: curve.CurvePoint, *, vanished: bool = False) -> curve.Found:
    """What is read off a point: V = log1p(g_A expm1(a)) in capped exponents, and the phase."""
    capped = min(point.a, EXPONENT_CAP)
    deficit = math.log1p(point.share_a * math.expm1(capped)) + (point.a - capped)
    phase = curve.VANISHED if vanished else curve.DISTINCT if point.b > 0.0 else curve.COLLAPSED
    return curve.Found(point.a, point.b, 0.0 if vanished else point.s, point.root_a, point.root_b, deficit, phase)
