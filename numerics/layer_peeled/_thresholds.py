"""Where minority classifiers collapse (R0) and vanish (R1), with every digit enclosed."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb, ctx

from layerpeel.array_words import Float
from layerpeel.numerics._arithmetic import ARRAYS, BALLS, FLOATS
from layerpeel.numerics._ball import decimal_bounds
from layerpeel.numerics._inputs import UnusableInput, require_positive, require_whole
from layerpeel.numerics._roots import increasing_root
from layerpeel.numerics._validated import validated
from layerpeel.numerics.layer_peeled._models import Model, held_by, require_in_range
from layerpeel.numerics.layer_peeled._sample_thresholds import (
    decay_collapse,
    decay_vanishing,
    log_loss_threshold,
    require_slight,
    sample_collapse,
    sample_log_excess,
    sample_vanishing,
)
from layerpeel.numerics.layer_peeled._two_groups import surface_point

MOST_DIGITS = 10_000
"""Digits beyond this take minutes; nobody has asked for them yet."""

MOST_CLASSES = 10**15
"""Class numbers up to here are exact in doubles."""

LARGEST_LOG = 709.0
"""e to this power is still a double."""

GUARD_DIGITS = 12
"""Digits carried beyond those asked for: they absorb the error growth of the closed form, which is then measured, not assumed."""


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """A threshold R > 1, enclosed.

    Args:
        lower: decimal string not above R.
        upper: decimal string not below R.
        value: R as a double, or None when it overflows.
        log_minus_one: log(R − 1), finite whenever R is.
    """

    lower: str
    upper: str
    value: float | None
    log_minus_one: float


def log_threshold_minus_one(
    majority: int,
    minority: int,
    *,
    feature_energy: float | None = None,
    weight_energy: float = 1.0,
    norm_weights: str | None = None,
    weight_decay: float | None = None,
) -> float:
    """The logarithm of R0 − 1, R0 the imbalance from which the minority classifiers coincide.

    On the collapse boundary (b = 0 and λ = n_B/N) the optimum is an explicit function of one scalar ζ > 0,

        s = r_B K_B L_B,   a = s/r_A − K_A L_A,   τ = (K_A − 1) a + s,   R0 − 1 = expm1(a) e^{L_A}/(K r_A)

    with r_B = e^ζ and the other symbols as in `numerics.surface_point`. τ increases with ζ, since s, 1/r_A and −L_A do, so R0 is one
    increasing scalar root. Depends on the energies through τ = K √(E_H E_W) only. Where E_H averages over samples, or with weight decay,
    as `collapse_threshold` says.

    Args:
        majority: K_A, 1 to 10¹⁵.
        minority: K_B, 2 to 10¹⁵.
        feature_energy: E_H > 0.
        weight_energy: E_W > 0; √(E_H E_W) from 1e-100 to 1e6.
        norm_weights: "class" or "sample", as for `collapse_threshold`.
        weight_decay: λ, in place of the energies.

    Raises:
        UnusableInput: for class numbers, energies or a weight decay out of range.

    Source: su2024, "Minority Collapse" (that R0 exists); derived; docs/derivations/numerics.md, "The two-group problem".

    Example:
        >>> round(1 + math.exp(log_threshold_minus_one(5, 5, feature_energy=5.0)), 10)
        12.1924470803
    """
    majority, minority, model = _validate(majority, minority, feature_energy, weight_energy, norm_weights, weight_decay)
    if model.weight_decay is not None:
        with ctx.workprec(128):
            return float(decay_collapse(majority, minority, model.weight_decay).log())
    if model.per_sample:
        return sample_log_excess(majority, minority, model.root_energy)
    return _log_excess(FLOATS, majority, minority, _boundary_zeta(majority, minority, (majority + minority) * model.root_energy))


def threshold_elasticity(majority: int, minority: int, *, feature_energy: float, weight_energy: float = 1.0) -> float:
    """d log R0 / d log(E_H E_W): by what per cent the threshold rises when the energy product rises by one per cent.

    Along the boundary both log R0 and τ are explicit in ζ, and τ goes as the root of the product:

        d log R0 / d log(E_H E_W) = (τ/2) (d log R0/dζ)/(dτ/dζ),      dR0/dE_H = (R0/E_H) · this.

    Args:
        majority: K_A, as for `log_threshold_minus_one`.
        minority: K_B.
        feature_energy: E_H.
        weight_energy: E_W.

    Raises:
        UnusableInput: as `log_threshold_minus_one`.

    Source: derived; docs/derivations/layer-peeled.md, section 6 (both are monotone in one parameter).

    Example:
        >>> round(threshold_elasticity(5, 5, feature_energy=5.0), 6)
        2.188858
    """
    majority, minority, model = _validate(majority, minority, feature_energy, weight_energy)
    radius = (majority + minority) * model.root_energy
    point = surface_point(FLOATS, majority, minority, _boundary_zeta(majority, minority, radius), 0.0, 0.0)
    return 0.5 * radius * point.log_imbalance_by_zeta / point.radius_by_zeta


@validated
def log_thresholds_minus_one(
    majority: Float[np.ndarray, " n"], minority: Float[np.ndarray, " n"], radius: Float[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    """The same as `log_threshold_minus_one` for arrays of problems, by a vectorised Newton iteration.

    Args:
        majority: n numbers K_A, whole, 1 to 10¹⁵.
        minority: n numbers K_B, whole, 2 to 10¹⁵.
        radius: n numbers τ = K √(E_H E_W) > 0.

    Returns:
        n numbers log(R0 − 1).

    Raises:
        UnusableInput: for arrays of different lengths, class numbers or radii out of range.
        ArithmeticError: when the iteration does not settle.

    Source: derived; docs/derivations/numerics.md, "The two-group problem".

    Example:
        >>> radius = np.array([10 * 5**0.5])
        >>> excess = log_thresholds_minus_one(np.array([5.0]), np.array([5.0]), radius)
        >>> float(np.round(1 + np.exp(excess[0]), 8))
        12.19244708
    """
    if majority.size == 0:
        return np.zeros(0)
    if not (_whole_from(majority, 1) and _whole_from(minority, 2) and np.all((radius > 0) & np.isfinite(radius))):
        raise UnusableInput(
            "every problem needs whole numbers K_A >= 1 and K_B >= 2 and a positive finite radius: correct or leave out the others."
        )
    pieces = max(1, math.ceil(majority.size / CHUNK))
    chunks = zip(np.array_split(majority, pieces), np.array_split(minority, pieces), np.array_split(radius, pieces), strict=True)
    return np.concatenate([_log_excess_of_arrays(*chunk) for chunk in chunks])


def _whole_from(numbers: np.ndarray, least: int) -> bool:
    return bool(np.all((numbers >= least) & (numbers == np.floor(numbers)) & (numbers <= MOST_CLASSES)))


CHUNK = 8192
"""Problems per vectorised pass: the two dozen temporaries then stay in the second-level cache."""

NEWTON_STEPS = 60
"""Far more than ever needed (seen: at most 9); a cap instead of an endless loop."""

CONVERGED = 1e-9
"""Relative Newton step after which the next error is below rounding (quadratic convergence)."""


def _log_excess_of_arrays(majority: np.ndarray, minority: np.ndarray, radius: np.ndarray) -> np.ndarray:
    zeta = _start(ARRAYS, majority, minority, radius)
    zero, settled = np.zeros(1), np.zeros(zeta.shape, dtype=bool)
    for _ in range(NEWTON_STEPS):
        point = surface_point(ARRAYS, majority, minority, zeta, zero, zero)
        step = np.log(point.radius / radius) * point.radius / point.radius_by_zeta
        following = np.where(settled, zeta, np.clip(zeta - step, 0.25 * zeta, 4.0 * zeta))  # what has settled stays, to the last bit
        settled |= np.abs(following - zeta) <= CONVERGED * zeta
        zeta = following
        if settled.all():
            return _log_excess(ARRAYS, majority, minority, zeta)
    raise ArithmeticError(f"{NEWTON_STEPS} Newton steps did not settle a batch of {radius.size} thresholds; report this case.")


def _start(ops: Any, majority: Any, minority: Any, radius: Any) -> Any:
    """τ(ζ) is linear in ζ near zero and exponential far from it; log1p of the linear solution serves both."""
    classes = majority + minority
    return ops.log1p(radius / ((majority - 1) * classes**2 / minority + classes))


def _boundary_zeta(majority: int, minority: int, radius: float) -> float:
    def excess(zeta: float) -> tuple[float, float]:
        point = surface_point(FLOATS, majority, minority, zeta, 0.0, 0.0)
        return math.log(point.radius / radius), point.radius_by_zeta / point.radius

    upper = 1.0 + math.log1p(radius / minority)
    return increasing_root(excess, start=min(_start(FLOATS, majority, minority, radius), upper), upper=upper)


def _log_excess(ops: Any, majority: Any, minority: Any, zeta: Any) -> Any:
    """log(R0 − 1) = log expm1(a) + log g_A on the boundary, without overflow in e^a."""
    zero = zeta * 0
    point = surface_point(ops, majority, minority, zeta, zero, zero)
    return point.a + ops.log(-ops.expm1(-point.a)) + ops.log(point.share_a)


def collapse_threshold(
    majority: int,
    minority: int,
    *,
    feature_energy: float | None = None,
    weight_energy: float = 1.0,
    norm_weights: str | None = None,
    weight_decay: float | None = None,
    digits: int = 30,
) -> Threshold:
    """R0, the imbalance from which the K_B minority classifiers coincide, enclosed to any number of digits.

    Where E_H averages over classes, the optimum at R0 is explicit in one parameter, in which both the radius and R0 increase. Where it
    averages over samples, √R0 enters the norm and N its bound, and one more root is nested in it, which is unique too
    (docs/derivations/layer-peeled.md, section 7). Under weight decay λ, R0 = (1/λ² − K_B)/K_A.

    A double-precision root is refined by Newton's method at the working precision and then *enclosed*: τ at both ends of a tiny
    interval of ζ certainly brackets the target, τ is increasing, so the root is inside and R0 is evaluated over the whole interval.

    Args:
        majority: K_A, 1 to 10¹⁵.
        minority: K_B, 2 to 10¹⁵.
        feature_energy: E_H > 0, taken as the exact value of the double.
        weight_energy: E_W > 0, likewise; √(E_H E_W) from 1e-100 to 1e6.
        norm_weights: "class" where E_H averages over classes, as in the sources, or "sample" where it averages over samples, as one
            measures it in a network; "class" with energies unless given.
        weight_decay: λ, in place of the energies: both factors penalised, λ_W = λ and λ_H = λ/N, which is per sample; below 1/√K.
        digits: how many digits the two bounds shall share, 1 to 10,000.

    Raises:
        UnusableInput: for arguments out of range.
        ArithmeticError: when the root is not enclosed (never seen).

    Source: su2024, "Minority Collapse" (that R0 exists); derived; docs/derivations/layer-peeled.md, section 3.

    Example:
        >>> collapse_threshold(5, 5, feature_energy=5.0, digits=12).lower
        '12.192447080325'
        >>> round(collapse_threshold(5, 5, weight_decay=0.05, digits=3).value, 9)
        79.0
    """
    majority, minority, model = _validate(majority, minority, feature_energy, weight_energy, norm_weights, weight_decay)
    digits = _validate_digits(digits)
    if model.weight_decay is not None:
        decay = model.weight_decay
        return _enclosed(digits, GUARD_DIGITS + _hidden_by(decay, majority + minority), lambda: decay_collapse(majority, minority, decay))
    energies = {"feature_energy": model.feature_energy, "weight_energy": model.weight_energy}
    log_excess = log_threshold_minus_one(majority, minority, norm_weights=norm_weights, **energies)
    # A huge R0 = e^x needs log10(x) more digits of x; a tiny R0 − 1 needs its own leading zeros.
    spare = GUARD_DIGITS + math.ceil(-log_excess / math.log(10) if log_excess < 0 else math.log10(1 + log_excess) + 8)
    ball = sample_collapse if model.per_sample else _ball_collapse
    return _enclosed(digits, spare, lambda: ball(majority, minority, model.feature_energy, model.weight_energy, digits + spare))


def _ball_collapse(majority: int, minority: int, feature_energy: float, weight_energy: float, digits: int) -> arb:
    """R0 − 1 in a ball."""
    low, high = _points_around(majority, minority, feature_energy, weight_energy, digits)
    return _log_excess(BALLS, arb(majority), arb(minority), low.union(high)).exp()


def boundary_points(
    majority: int, minority: int, *, feature_energy: float, weight_energy: float = 1.0, digits: int = 30
) -> tuple[arb, arb]:
    """Two points ζ of the collapse boundary, one with a smaller radius than τ = K √(E_H E_W) and one with a larger.

    R0 at them encloses the threshold: both increase with ζ, see `log_threshold_minus_one`.

    Args:
        majority: K_A, 1 to 10¹⁵.
        minority: K_B, 2 to 10¹⁵.
        feature_energy: E_H > 0, averaged over classes.
        weight_energy: E_W > 0.
        digits: about how many digits of R0 they shall settle, 1 to 10,000.

    Returns:
        The two, as balls of radius zero.

    Raises:
        UnusableInput: as `collapse_threshold`.

    Source: derived; docs/derivations/layer-peeled.md, section 3.

    Example:
        >>> low, high = boundary_points(5, 5, feature_energy=5.0, digits=10)
        >>> 0 < high - low < 1e-10
        True
    """
    majority, minority, model = _validate(majority, minority, feature_energy, weight_energy)
    digits = _validate_digits(digits) + GUARD_DIGITS + 8
    with ctx.workprec(math.ceil(digits * math.log2(10)) + 64):
        return _points_around(majority, minority, model.feature_energy, model.weight_energy, digits)


def _points_around(majority: int, minority: int, feature_energy: float, weight_energy: float, digits: int) -> tuple[arb, arb]:
    """ζ a little below and above its value at this radius, to so many digits."""
    k_a, k_b, zero = arb(majority), arb(minority), arb(0)
    radius = (k_a + k_b) * (arb(feature_energy) * arb(weight_energy)).sqrt()
    zeta = arb(_boundary_zeta(majority, minority, float(radius)))
    for _ in range(2 + math.ceil(math.log2(max(digits / 14, 1)))):
        point = surface_point(BALLS, k_a, k_b, zeta, zero, zero)
        zeta = (zeta - (point.radius - radius) / point.radius_by_zeta).mid()
    spread = zeta * arb(10) ** (4 - digits)
    low, high = (zeta - spread).lower(), (zeta + spread).upper()
    if not (surface_point(BALLS, k_a, k_b, low, zero, zero).radius < radius < surface_point(BALLS, k_a, k_b, high, zero, zero).radius):
        raise ArithmeticError(f"the root for τ = {radius} was not enclosed at {digits} digits; ask for more digits or report this case.")
    return low, high


def vanishing_threshold(
    majority: int,
    minority: int,
    *,
    feature_energy: float | None = None,
    weight_energy: float = 1.0,
    norm_weights: str | None = None,
    weight_decay: float | None = None,
    digits: int = 30,
) -> Threshold | None:
    """R1, the imbalance from which the minority classifiers are exactly zero, or None when they never are.

    At s = 0 the optimum is a = τ/(K_A − 1) alone, and the outer block of the gradient has norm λ:

        r_A = (K_A e^{−a/K_A} + K_B)/K,   (K_A/K)/r_B² = 1 − (K_B/K)/r_A²,   R1 = r_B (1 + expm1(a) g_A),   g_A = (1 − (K_B/K)/r_A)/K_A.

    It exists exactly when r_A² > K_B/K (and K_A ≥ 2). Where E_H averages over samples, the same conditions hold for √R1, at an a that
    depends on R1: a is then the unknown, and the energy, or the weight decay, is explicit in it.

    Args:
        majority: K_A, 1 to 10¹⁵.
        minority: K_B, 2 to 10¹⁵.
        feature_energy: E_H > 0, taken as the exact value of the double.
        weight_energy: E_W > 0, likewise; √(E_H E_W) from 1e-100 to 1e6.
        norm_weights: "class" where E_H averages over classes, as in the sources, or "sample" where it averages over samples, as one
            measures it in a network; "class" with energies unless given.
        weight_decay: λ, in place of the energies: both factors penalised, λ_W = λ and λ_H = λ/N, which is per sample; below 1/√K.
        digits: how many digits the two bounds shall share, 1 to 10,000.

    Raises:
        UnusableInput: for arguments out of range.
        ArithmeticError: when this precision cannot tell whether R1 exists.

    Source: derived; docs/derivations/layer-peeled.md, section 3 (a second phase).

    Example:
        >>> vanishing_threshold(5, 5, feature_energy=5.0) is None
        True
        >>> round(vanishing_threshold(7, 3, feature_energy=5.0).value, 6)
        5.70533
    """
    majority, minority, model = _validate(majority, minority, feature_energy, weight_energy, norm_weights, weight_decay)
    digits = _validate_digits(digits)
    if majority == 1:
        return None
    spare = GUARD_DIGITS + 8
    if model.weight_decay is None:  # R1 − 1 is no smaller than about √(E_H E_W)/K², and its logarithm keeps the digits behind those zeros
        spare += max(0, math.ceil(2 * math.log10(majority + minority) - math.log10(model.root_energy)))
    return _decided(digits, spare, _vanishing(majority, minority, model, digits + spare))


def _vanishing(majority: int, minority: int, model: Model, digits: int) -> Callable[[], arb | None]:
    """R1 − 1 in a ball of the precision that is set, or None where there is none."""
    if model.weight_decay is not None:
        return decay_vanishing(majority, minority, model.weight_decay, digits)
    if model.per_sample:
        return sample_vanishing(majority, minority, model.feature_energy, model.weight_energy, digits)

    def excess() -> arb | None:
        k_a, k_b = arb(majority), arb(minority)
        classes = k_a + k_b
        a = classes * (arb(model.feature_energy) * arb(model.weight_energy)).sqrt() / (k_a - 1)
        root_a = (k_a * (-a / k_a).exp() + k_b) / classes
        room = 1 - (k_b / classes) / root_a**2
        if not room > 0:
            return None
        root_b = (k_a / classes / room).sqrt()
        share = (1 - (k_b / classes) / root_a) / k_a
        return root_b * (1 + a.expm1() * share) - 1

    return excess


def _decided(digits: int, spare: int, excess: Callable[[], arb | None]) -> Threshold | None:
    """Whether there is a threshold at all, then its enclosure."""
    with ctx.workprec(128):
        if excess() is None:
            return None

    def certain() -> arb:
        ball = excess()
        if ball is None:
            raise ArithmeticError("whether the minority vanishes could not be decided at this precision; ask for more digits.")
        return ball

    return _enclosed(digits, spare, certain)


def _enclosed(digits: int, spare: int, excess: Callable[[], arb]) -> Threshold:
    """Evaluate R − 1 with enough working precision for the digits asked for, and report R."""
    with ctx.workprec(math.ceil((digits + spare + 8) * math.log2(10)) + 64):
        ball = excess()
        ratio = 1 + ball
        lower, upper = decimal_bounds(ratio, digits + 2)
        value = float(ratio)
        return Threshold(lower=lower, upper=upper, value=value if math.isfinite(value) else None, log_minus_one=float(ball.log()))


def loss_threshold(
    majority: int,
    minority: int,
    imbalance: float,
    *,
    feature_energy: float | None = None,
    weight_energy: float = 1.0,
    norm_weights: str | None = None,
    weight_decay: float | None = None,
) -> float:
    """The ratio of weights in the loss from which on the K_B minority classifiers coincide, at counts in the ratio R.

    Weights multiply the counts in the loss and nothing else. Where E_H averages over classes, counts enter the loss only, so this is R0
    whatever R. Where it averages over samples, or with weight decay, norms keep √n_k: a weight w on each minority sample separates the
    minority exactly when R/w is below this, and sampling w times as often when R/w is below R0.

    Args:
        majority: K_A, 1 to 10¹⁵.
        minority: K_B, 2 to 10¹⁵.
        imbalance: R > 0; below one it is the minority that has more samples.
        feature_energy: E_H > 0.
        weight_energy: E_W > 0.
        norm_weights: "class" or "sample", as for `collapse_threshold`.
        weight_decay: λ, in place of the energies.

    Returns:
        The ratio, in doubles; infinite where it is beyond them.

    Raises:
        UnusableInput: as `collapse_threshold`, and for a ratio that is not positive and finite.

    Source: derived; docs/derivations/layer-peeled.md, section 7.

    Example:
        >>> round(loss_threshold(5, 5, 100.0, feature_energy=5.0), 4)
        12.1924
        >>> round(loss_threshold(5, 5, 100.0, weight_decay=0.05), 1)  # √(R N)/(λ K_B) … of R0 = 79
        88.9
    """
    majority, minority, model = _validate(majority, minority, feature_energy, weight_energy, norm_weights, weight_decay)
    ratio = require_positive(imbalance, "imbalance")
    if model.weight_decay is not None:
        samples = majority * ratio + minority
        return max(0.0, (math.sqrt(samples) / model.weight_decay - minority) / majority)
    if model.per_sample:
        logarithm = log_loss_threshold(majority, minority, ratio, root_energy=model.root_energy)
        return math.exp(logarithm) if logarithm < LARGEST_LOG else math.inf
    threshold = collapse_threshold(
        majority, minority, feature_energy=model.feature_energy, weight_energy=model.weight_energy, digits=17
    ).value
    return math.inf if threshold is None else threshold


def _hidden_by(weight_decay: float, classes: int) -> int:
    """Digits that 1/λ² − K loses."""
    with ctx.workprec(4096):
        return max(0, math.ceil(float(-(1 - classes * arb(weight_decay) ** 2).log()) / math.log(10)))


def _validate(
    majority: Any, minority: Any, feature_energy: Any, weight_energy: Any, norm_weights: Any = None, weight_decay: Any = None
) -> tuple[int, int, Model]:
    """Python's own numbers, which balls take; what is out of range is refused."""
    majority = require_whole(majority, "majority", remedy="there is no imbalance without a majority class, so use majority >= 1")
    minority = require_whole(minority, "minority", least=2, remedy="a single class has nothing to collapse with, so use minority >= 2")
    if max(majority, minority) > MOST_CLASSES:
        raise UnusableInput(
            f"{max(majority, minority):.3g} classes are too many: a threshold takes at most {MOST_CLASSES:.0e} per side; use fewer."
        )
    model = require_in_range(held_by(feature_energy, weight_energy, norm_weights, weight_decay))
    if model.weight_decay is not None:
        require_slight(model.weight_decay, majority + minority)
    return majority, minority, model


def _validate_digits(digits: Any) -> int:
    return require_whole(digits, "digits", largest=MOST_DIGITS, remedy=f"use 1 to {MOST_DIGITS}, for example 30")
