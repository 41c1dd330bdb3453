"""Thresholds of arrays of problems whose norms are per sample, with what their rounding can amount to, as `_threshold_arrays` states it.

Every number is found by itself: an entry that has settled stays while others go on. `EPSILON` times the numbers below are the roundings of
the formulas of `_sample_boundary`, each operation by ½ and each function by four, summed along them.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

import layerpeel.numerics.layer_peeled._two_groups_curve as curve
from layerpeel.numerics._arithmetic import ARRAYS, EXPONENT_CAP
from layerpeel.numerics.layer_peeled._sample_boundary import boundary_point, inner_point, log_excess, widest_margin

EPSILON = float(np.finfo(float).eps)

MARGIN, DELTA, RADIUS, EXCESS, HEAD = 35.0, 60.0, 80.0, 60.0, 40.0
"""Roundings of M, of δ beside those of its exponent, of log ε, of log(R0 − 1) beside those of its terms, and of log R1."""

SPARE = 1.5
"""Factor on the sum: for products of two roundings, and for slopes that are rounded themselves."""

Found = tuple[np.ndarray, np.ndarray]
"""Logarithms and their errors."""


class InnerRoots(NamedTuple):
    """ζ and a − ζ of each problem, and whether they settled."""

    zeta: np.ndarray
    behind: np.ndarray
    settled: np.ndarray


def inner_roots(majority: np.ndarray, minority: np.ndarray, a: np.ndarray) -> InnerRoots:
    """`_sample_boundary.inner_root` for arrays."""
    widest = widest_margin(ARRAYS, majority, minority)
    plain = a <= widest

    def excess(zeta: np.ndarray, behind: np.ndarray) -> Found:
        at = inner_point(ARRAYS, majority, minority, a, zeta, behind)
        rest = a - at.margin
        outside = np.where(at.delta > 0.0, np.log(at.delta) - np.log(rest), -np.inf)
        value = np.where(rest > 0.0, outside, np.inf)
        slope = np.where(np.isfinite(value), at.margin_slope / rest + at.delta_slope, 1.0)
        return np.where(plain, at.margin + at.delta - a, value), np.where(plain, at.margin_slope + at.delta * at.delta_slope, slope)

    near = plain | (excess(0.5 * a, 0.5 * a)[0] >= 0.0)
    upper = np.where(plain, a, 0.5 * a)
    far = inner_point(ARRAYS, majority, minority, a, a, 0.0 * a).at
    start = np.maximum(far.log_reach - np.log(far.share) - np.log(np.where(plain, 1.0, a - widest)), 1e-3 * a)
    place = np.where(near, np.minimum(a * minority / (majority + minority) ** 2, 0.5 * upper), np.minimum(start, 0.49 * a))
    lower, settled = 0.0 * a, a < 0.0
    for _ in range(2 * curve.MAX_STEPS):
        value, slope = excess(np.where(near, place, a - place), np.where(near, a - place, place))
        value = np.where(near, value, -value)
        following, lower, upper, last_step = curve.newton_step(place, value, slope, lower, upper)
        following = np.where(value == 0.0, place, following)
        place, settled = np.where(settled, place, following), settled | last_step | (value == 0.0) | (following == place)
        if settled.all():
            break
    return InnerRoots(np.where(near, place, a - place), np.where(near, a - place, place), settled)


def sample_collapse_arrays(
    majority: np.ndarray, minority: np.ndarray, root_energy: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """log(R0 − 1), its error, and whether it settled."""
    classes, widest = majority + minority, widest_margin(ARRAYS, majority, minority)
    slow, target = np.sqrt(minority / classes), np.log(root_energy)
    upper = (root_energy * classes + slow * widest) / (majority - 1 + slow) * (1 + 1e-12)
    a = np.minimum(root_energy * classes**2 / (majority * (classes - 1)), upper)
    lower, settled = 0.0 * a, a < 0.0
    for _ in range(curve.MAX_STEPS):
        roots = inner_roots(majority, minority, a)
        point = boundary_point(ARRAYS, majority, minority, a, roots.zeta, roots.behind)
        following, lower, upper, last_step = curve.newton_step(a, point.log_root_energy - target, point.log_root_energy_by_a, lower, upper)
        a, settled = np.where(settled, a, following), settled | last_step
        if settled.all():
            break
    roots = inner_roots(majority, minority, a)
    point = boundary_point(ARRAYS, majority, minority, a, roots.zeta, roots.behind)
    inner = inner_point(ARRAYS, majority, minority, a, roots.zeta, roots.behind)
    # M + δ = a is off by this; ε feels it through σ, and Q through g_A, at most so (M' ≥ K (K_A/K_B) r_A times −(log g_A)').
    exponent = np.abs(inner.at.log_reach) + np.abs(inner.log_root - a) + roots.behind
    off = EPSILON * (MARGIN * inner.margin + inner.delta * (DELTA + 5.0 * exponent) + a)
    off += np.where(inner.delta > 0.0, np.abs(inner.margin + inner.delta - a), 0.0)
    lost = -np.expm1(-inner.log_root)
    off_root = lost * off * minority / (inner.at.root_a * classes * majority)
    radius = (majority - 1) * a + inner.at.root_a * inner.delta
    off_energy = EPSILON * (RADIUS + np.abs(target)) + inner.at.root_a * off / radius + off_root + np.abs(point.log_root_energy - target)
    steep = 2.0 / -np.expm1(-2.0 * point.log_root)
    from_place = steep * (point.log_root_by_a * off_energy / point.log_root_energy_by_a + off_root)
    from_formula = EPSILON * (EXCESS + 6.0 * a + 5.0 * (np.abs(np.log(-np.expm1(-a))) + np.abs(np.log(inner.at.share))))
    return log_excess(ARRAYS, point), SPARE * (from_place + from_formula), settled & roots.settled


class _Head(NamedTuple):
    """At an a where only the head has classifiers: log P, 1/r_B² and its doubt relative to it, then slopes of log P and of 1/r_B²."""

    log_head: np.ndarray
    steep: np.ndarray
    doubt: np.ndarray
    log_head_slope: np.ndarray
    steep_slope: np.ndarray


def _head(majority: np.ndarray, minority: np.ndarray, a: np.ndarray) -> _Head:
    classes = majority + minority
    gone = -np.expm1(-a / majority)
    drop = (majority / classes) * gone  # 1 − r_A
    square = drop * (2 - drop)
    room = majority - classes * square
    doubt = (14.0 * classes * square + majority) * EPSILON
    root_a = (majority * (1 - gone) + minority) / classes
    share = (1 - gone) / (classes * root_a)
    capped = np.minimum(a, EXPONENT_CAP)
    log_head = np.log1p(share * np.expm1(capped)) + (a - capped)
    inverse = np.exp(-log_head)
    log_head_slope = 1 - (1 - share) * inverse - (1 - inverse) * minority / majority / (classes * root_a)
    steep = np.maximum(room, doubt) / (majority * (1 - square))
    steep_slope = -2 * minority / (majority * classes) * (1 - gone) / root_a**3
    return _Head(log_head, steep, doubt / np.maximum(room, doubt), log_head_slope, steep_slope)


def sample_vanishing_arrays(majority: np.ndarray, minority: np.ndarray, root_energy: np.ndarray) -> Found:
    """log R1 and its error; NaN where there is none, an infinite error where doubles cannot tell."""
    classes, last = majority + minority, widest_margin(ARRAYS, majority, minority)
    target = np.log(root_energy)

    def excess(a: np.ndarray) -> Found:
        head = _head(majority, minority, a)
        rest = minority * np.exp(-2 * head.log_head) * head.steep  # K_B/R
        slope = 1 / a + 0.5 * rest / (majority + rest) * (2 * head.log_head_slope - head.steep_slope / head.steep)
        return np.log((majority - 1) * a) - 0.5 * np.log(classes * (majority + rest)) - target, slope

    ahead = np.log((majority - 1) * last) - 0.5 * np.log(classes * majority) - target
    a = _rooted(excess, np.minimum(np.sqrt(classes) * root_energy * np.sqrt(majority) / (majority - 1), 0.5 * last), last)
    head = _head(majority, minority, a)
    value, slope = excess(a)
    off = EPSILON * (RADIUS + np.abs(target)) + np.abs(value) + head.doubt
    return _vanishing_found(head, off / slope, ahead, EPSILON * (RADIUS + np.abs(target)), majority)


def decay_vanishing_arrays(majority: np.ndarray, minority: np.ndarray, weight_decay: np.ndarray) -> Found:
    """The same under weight decay."""
    last, target = widest_margin(ARRAYS, majority, minority), -2 * np.log(weight_decay)

    def excess(a: np.ndarray) -> Found:
        head = _head(majority, minority, a)
        own, others = np.log(majority) + 2 * head.log_head, np.log(minority * head.steep)
        part = 1 / (1 + np.exp(np.minimum(own - others, EXPONENT_CAP)))  # of the others in the sum
        return np.logaddexp(own, others) - target, part * head.steep_slope / head.steep + (1 - part) * 2 * head.log_head_slope

    ahead = np.log(majority) + 2 * _head(majority, minority, last).log_head - target
    a = _rooted(excess, 0.5 * last, last)
    head = _head(majority, minority, a)
    value, slope = excess(a)
    noise = EPSILON * (RADIUS + 5.0 * np.abs(target) + 4.0 * last)
    return _vanishing_found(head, (noise + np.abs(value) + head.doubt) / np.abs(slope), ahead, noise, majority)


def _rooted(excess: Callable[[np.ndarray], Found], start: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Where a function that is negative at 0 and increases where it is positive becomes so, on (0, last)."""
    a, lower, upper, settled = start, 0.0 * last, last, last < 0.0
    for _ in range(2 * curve.MAX_STEPS):
        value, slope = excess(a)
        following, lower, upper, last_step = curve.newton_step(a, value, slope, lower, upper)
        a, settled = np.where(settled, a, following), settled | last_step
        if settled.all():
            break
    return a


def _vanishing_found(head: _Head, off: np.ndarray, ahead: np.ndarray, noise: np.ndarray, majority: np.ndarray) -> Found:
    """log R1 = log P² − log(1/r_B²), given how far a may be off and by how much the last a is ahead of the one that is looked for."""
    log_threshold = 2 * head.log_head - np.log(head.steep)
    error = SPARE * ((2 * head.log_head_slope - head.steep_slope / head.steep) * off + head.doubt)
    error += SPARE * EPSILON * (HEAD + 5.0 * np.abs(log_threshold) + 10.0 * head.log_head)
    several = majority > 1
    hidden = several & ((np.abs(ahead) <= noise) | ((ahead > 0) & ~(error < 1e-3)))
    exists = several & (ahead > 0)
    return np.where(exists, log_threshold, np.nan), np.where(hidden, np.inf, np.where(exists, error, np.nan))
