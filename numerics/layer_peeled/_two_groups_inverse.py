"""One two-group optimum: the curve of `_two_groups_curve` in plain Python numbers."""

import inspect
import math
from collections.abc import Callable
from types import FunctionType
from typing import Any, NamedTuple

import layerpeel.numerics.layer_peeled._two_groups_curve as curve
from layerpeel.numerics._inputs import require_positive, require_whole
from layerpeel.numerics._validated import validated


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

    The two ends of its phase are found first, and decide which phase R is in; then one increasing equation is solved inside them.

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
    on_curve = _optimum(float(majority), float(minority), max(math.log(imbalance), 0.0), radius)
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


def _in_plain_numbers() -> Callable[..., Any]:
    """`curve.optimum` with all that it calls: the functions as they stand, over other globals."""
    scope = {**vars(curve), "np": _Plain, "choose": _choose, "every": bool}
    for name in ("place", "threshold_excess", "last_place", "curve_point", "newton_step", "threshold_place", "optimum"):
        function = inspect.unwrap(scope[name])  # without the checks of annotations that tests put around it
        scope[name] = FunctionType(function.__code__, scope, name)
    return scope["optimum"]


_optimum = _in_plain_numbers()
