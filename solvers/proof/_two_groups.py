"""The certificate of two groups in plain doubles: a few numbers, whose errors are bounded beforehand.

For two groups of classes everything that a certificate asks of cross-entropy is a closed form. With the share p = e^{−margin}/(1 + others)
of one other class, inside a group (p_gg) and between groups (p_gh), and x_A = c_A p_AB √K_B, x_B = c_B p_BA √K_A, the slope's block between
the groups is (−x_A, x_B)ᵀ (√K_B, −√K_A), so

    ‖G‖ = max(√K hypot(x_A, x_B), c_g (K_g p_gg + K_h p_gh) for K_g > 1),      ‖outer‖_* = √(‖outer‖_F² + 2 |det outer|),
    −⟨G, Y⟩ = Σ_g K_g c_g ((K_g − 1) p_gg · inner_g + K_h p_gh · margin_gh),

sums of positive numbers but for the margins and the determinant. The dual point is the loss's tangent where the margins are *exactly* the
doubles that are computed here: any point will do. What is feasible is s Y, s = τ/‖Y‖_*. Its margins are off from these by
δ = |s − 1| max |margin| + (their roundings) at most, the odds by a factor within e^{±δ}, and so is the loss, since log1p is concave and
zero at zero.

Errors, with u for a rounding. Margins are off by 4 u (|inner| + |own outer| + |between|), ‖Y‖_* by 8 u and τ by 8 u of themselves: that
is δ. What follows are positive numbers and relative errors. Odds and logarithms come back from balls within o = 2.25 u; weights c_g are
off by 5 u, sums over others by o + 2 u, the loss by 2 o + 12 u, c_g/(1 + others) by φ (o + 2 u) + 7 u with φ = others/(1 + others), and by
o and one rounding more with the odds; then the slope's norm by (1 + φ) o + 2 φ u + 15 u, τ times it by 9 u more, and the terms of ⟨G, Y⟩
as the norm. All this asks for IEEE doubles that round to nearest, and a square root that does; exponentials and logarithms are those of
balls.
"""

import math
from typing import NamedTuple

from flint import arb, ctx

from layerpeel.numerics import Bracket, GroupMatrix
from layerpeel.numerics._rounded import UNIT
from layerpeel.solvers.program._problem import LayerPeeled, Problem
from layerpeel.solvers.proof._certificate import Certificate

PRECISION, ACCURACY = 64, 61
"""Bits in which exponentials and logarithms are enclosed, and of which so many are asked to be right."""

RETURNED = 2.25 * UNIT
"""o: relative error of a number as accurate as that, once it comes back as one of the two doubles around it."""

GROWTH = 1.01
"""Covers squares of errors, each at most `MOST`, and the rounding of bounds themselves."""

MOST = 1e-4
"""Distances of margins from those of the feasible point above this are not followed: nothing is claimed."""

LEAST = 2.0**-400
"""Numbers below this are not followed: their squares could underflow."""

FURTHEST = 250.0
"""Margins above this are not followed: their odds come near `LEAST`."""

MOST_CLASSES = 2**52
"""More are rounded themselves."""

SHARP = 1e-11
"""Relative gaps above this are worth the balls that narrow them."""


class _Side(NamedTuple):
    """What one group brings.

    Args:
        furthest: the largest modulus of its margins.
        parts: Σ of the moduli that its margin to the other group is the sum of.
        others: Σ e^{−margin} over all other classes of one of its classes.
        loss: K_g c_g log1p(others).
        reach: x_g.
        norm: its singular value of the slope, inside the group; zero for a single class.
        product: its part of −⟨G, Y⟩.
        moduli: the same with the moduli of the margins.
    """

    furthest: float
    parts: float
    others: float
    loss: float
    reach: float
    norm: float
    product: float
    moduli: float


def certified_two_groups(problem: Problem, candidate: GroupMatrix, tolerance: float) -> Certificate | None:
    """What a candidate proves, as `certified` finds it in balls, or None where balls say more or doubles do not reach.

    Args:
        problem: the program; None comes back unless it bounds the norm and has two groups, cross-entropy and nothing that changes it.
        candidate: Y, on the sphere ‖Y‖_* = τ to rounding.
        tolerance: the relative gap that is wanted.
    """
    if len(problem.groups) != 2 or not (isinstance(problem, LayerPeeled) and problem.loss == "cross-entropy" and problem.unweighted):
        return None
    (first, second), (inner_a, inner_b), ((own_a, out_a), (out_b, own_b)) = (
        candidate.sizes,
        candidate.inner.tolist(),
        candidate.outer.tolist(),
    )
    if first + second > MOST_CLASSES:
        return None
    samples_a, samples_b = (float(group.samples) for group in problem.groups)
    total = first * samples_a + second * samples_b
    before = ctx.prec
    ctx.prec = PRECISION
    try:
        a = _side(first, second, samples_a / total, inner_a, own_a, out_a)
        b = _side(second, first, samples_b / total, inner_b, own_b, out_b)
    finally:
        ctx.prec = before
    norm = max(math.sqrt(first + second) * math.sqrt(a.reach * a.reach + b.reach * b.reach), a.norm, b.norm)
    # How far the margins are from those of the feasible point.
    square = own_a * own_a + out_a * out_a + own_b * own_b + out_b * out_b
    length = (first - 1) * abs(inner_a) + (second - 1) * abs(inner_b)
    length += math.sqrt(square + 2.0 * abs(own_a * own_b - out_a * out_b))
    if not (a.reach > LEAST and b.reach > LEAST and length > LEAST and (square > LEAST or own_a == out_a == own_b == out_b == 0.0)):
        return None
    radius = problem.radius
    apart = abs(radius - length) / length * GROWTH + 18 * UNIT
    moved = (apart * max(a.furthest, b.furthest) + 4 * UNIT * max(a.parts, b.parts)) * GROWTH * GROWTH
    if not moved < MOST:
        return None
    # By how much the dual bound is below the loss at the dual point, and what is feasible above it.
    others = max(a.others, b.others)
    error = (RETURNED + (RETURNED + 2 * UNIT) * others / (1.0 + others) + 15 * UNIT) * GROWTH
    needed, product = radius * norm, a.product + b.product
    short = (needed - product) + (error * (needed + a.moduli + b.moduli) + 9 * UNIT * needed) * GROWTH
    value, error = a.loss + b.loss, (2.0 * RETURNED + 12 * UNIT) * GROWTH
    stretched = moved * value * (1.0 + error) * GROWTH
    most, least, gap = value * (1.0 + error) + stretched, value * (1.0 - error), (short + stretched) * (1.0 + 16 * UNIT)
    relative = gap / (least * (1.0 - GROWTH * moved)) * (1.0 + 16 * UNIT)
    if not 0.0 <= relative <= min(tolerance, SHARP):
        return None
    bounds = math.nextafter((least - short) * (1.0 - 8 * UNIT), 0.0), math.nextafter(most * (1.0 + 4 * UNIT), math.inf)
    return Certificate(value=Bracket(*bounds, rigorous=True), gap=gap, relative_gap=relative, multiplier=norm)


def _side(classes: int, rest: int, weight: float, inner: float, own: float, between: float) -> _Side:
    """One group of so many classes of this weight, beside the rest, from its inner value and its row of `outer`: NaN where not followed."""
    ahead, aside, across = inner * ((classes - 1) / classes), own / classes, between / math.sqrt(classes * rest)
    margin, parts = ahead + aside - across, abs(ahead) + abs(aside) + abs(across)
    near, far = _odds(inner) if classes > 1 else 1.0, _odds(margin)
    inside, leaving = (classes - 1) * near, rest * far
    others = inside + leaving
    pull, count = weight / (1.0 + others), float(classes)
    inner_part, outer_part = inside * inner, leaving * margin
    return _Side(
        max(abs(inner), abs(margin)),
        parts,
        others,
        count * weight * _returned(arb(others).log1p()),
        pull * far * math.sqrt(rest),
        pull * (count * near + leaving) if classes > 1 else 0.0,
        count * pull * (inner_part + outer_part),
        count * pull * (abs(inner_part) + abs(outer_part)),
    )


def _odds(margin: float) -> float:
    return _returned(arb(-margin).exp()) if -FURTHEST < margin < FURTHEST else math.nan


def _returned(ball: arb) -> float:
    """The double beside an accurate ball, else NaN."""
    return float(ball) if ball.rel_accuracy_bits() >= ACCURACY else math.nan
