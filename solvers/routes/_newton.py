"""Newton's method over factors of the rank that the optimum has, from a start in closed form.

Classes above the crease, c_k/d_k > λ, have a direction of their own; with S ≈ K − 1 the odds of all other classes at δ = 0, what stands
on the diagonal besides is δ_k = log1p((c_k/(λ d_k) − 1) K) above it and zero below (see `_merged`), and where the norm is bounded λ is such
that (1 − 1/K) Σ d_k δ_k = τ. The start is that diagonal, centred, without the one direction that the factors share with the centre of the
head: it is within a part in a hundred to ten thousand of the optimum, the nearer the more classes there are.
"""

import math
from functools import partial
from typing import NamedTuple

import numpy as np

from layerpeel.numerics import GroupMatrix, increasing_root
from layerpeel.solvers.program._problem import LayerPeeled, Problem
from layerpeel.solvers.routes._low_rank import MANY_GROUPS, LowRank, Place, Vector
from layerpeel.solvers.routes._preconditioner import Inverse
from layerpeel.solvers.routes._projected import FEW_GROUPS, FURTHER, FURTHEST, require_room
from layerpeel.solvers.routes._request import Candidate

STEPS, PRODUCTS = 12, 60
"""Steps of Newton's method, of which two to four are usual, and products with the Hessian in each, of which five to fifteen are."""

RANKS = 6
"""Ranks that are tried, each with the directions that the last one lacked."""

ROUGHEST = 0.1
"""A step leaves at most this share of the slope, in the norm of the preconditioner, and less the nearer the optimum is."""

ENOUGH = 0.2
"""Share of the excess wanted at which the products of a step end."""

AIMED, CLOSER = 0.3, 0.1
"""Share of the gap that the excess may be at first, and the next share of it where the dual point leaves more."""

SPARED = 0.05
"""Share of the gap that is wanted with few groups, where another round costs little: roundings of another processor do not decide then."""

CUT = 0.3
"""Share of the gap within which a dual point may be cut: what a direction adds is little to the value, and much to short classes."""

SLACK, LEAST_SLACK = 0.01, 1e-13
"""How far above λ the norm of a dual point may be: by this share of the gap, and by rounding."""

SMALLEST = 1e-5
"""Singular values of a neighbour's optimum below this share of the largest are not taken for directions."""

WORTH_ANOTHER, COSTLY_DUAL = 3.0, 400
"""A gap up to so many times what is wanted is worth a second dual point at the same place; from so many groups on, the one without a short
column comes first."""

SINGLE = 1e-9
"""Excess from which single precision is enough for the products of a step: the slope itself stays in double."""

SHORTEST, MUCH = 1e-3, 0.1
"""A step that had to be shortened by more has met no convex neighbourhood, and other methods are asked; one that was shortened by more than
the second is no good sign."""

ROUNDING = 1e-14
"""Relative decrease of the value below which differences are rounding."""

FARTHEST, NEAR_ENOUGH = 500.0, 1e-8
"""How far below the smallest slope the multiplier of the start is looked for, in logarithms, and how near it is found: near the crease a
group's part moves K times as fast."""


def covers(problem: Problem) -> bool:
    """Whether the route applies: cross-entropy as it stands, without a bias."""
    return problem.loss == "cross-entropy" and problem.bias_penalty is None and not problem.adjusted


class Nearest(NamedTuple):
    """What Newton's method found, the gap in doubles, and whether that is as small as it should be: with few groups to spare."""

    candidate: Candidate
    gap: float
    met: bool


def solve_newton(problem: Problem, gap: float, start: Candidate | None = None, *, patience: int = STEPS) -> Nearest | None:
    """Minimise cross-entropy over {Y : ‖Y‖_* ≤ τ}, or with the penalty λ‖Y‖_*, to a relative gap in doubles.

    Args:
        problem: cross-entropy as it stands, without a bias.
        gap: where to stop. With few groups the excess is taken to a thousandth of it, as `solve_projected` does.
        start: a neighbour's optimum over these groups, to begin from; the closed form when not given.
        patience: how many steps may be shortened much before another method is asked.

    Returns:
        Y with its factors and a tangent that proves the gap, or the best that was found, and which; None where the iteration does not
        settle.

    Raises:
        UnusableInput: when the distinct counts are too many for the machine's memory.

    Source: derived; docs/derivations/layer-peeled.md, section 8.

    Example:
        >>> problem = LayerPeeled(counts=[50, 20, 10, 5], feature_energy=2.0)
        >>> nearest = solve_newton(problem, 1e-9)
        >>> round(nearest.candidate.matrix.nuclear_norm() / problem.radius, 9)
        1.0
    """
    require_room(len(problem.groups))
    few = len(problem.groups) < FEW_GROUPS
    aimed = max(FURTHER * gap, FURTHEST) if few else AIMED * gap
    wanted = SPARED * gap if few else gap
    with np.errstate(all="ignore"):  # what overflows has no lower value, and is not taken
        begun, nearest, again = _start(problem) if start is None else _aligned(problem, start.matrix), None, False
        for _ in range(RANKS):
            if begun is None:
                break
            program, x = begun
            first = program.at(x)
            at = _descended(program, first, aimed, patience)
            if at is None:
                break
            if again and at is first:  # nearer than was asked for already: it is asked for more
                aimed *= CLOSER
                continue
            most = at.multiplier * (1.0 + max(SLACK * gap, LEAST_SLACK))
            least, short, lacking, met = math.inf, len(problem.groups) >= COSTLY_DUAL and program.short(at), None, False
            for shortest in (not short, short):
                try:
                    dual, beyond = program.dual(at, most, shortest=shortest)
                except np.linalg.LinAlgError:  # columns coincide, to the last digit
                    return nearest
                tangent = program.touching(*dual)
                left = program.gap(at, tangent)
                lacking = beyond if shortest else lacking  # without the shortest column its own direction may be beyond
                met = left <= (min(CUT * gap, wanted) if shortest and len(beyond.values) else wanted)
                if left < least:
                    least, nearest = left, Nearest(program.candidate(at, tangent), left, met)
                worth = len(problem.groups) >= MANY_GROUPS and len(beyond.values) == 0 and left < WORTH_ANOTHER * wanted
                if met or (shortest and not worth):
                    break
            if met:
                break
            aimed *= CLOSER
            begun = None if lacking is None else program.widened(at, most, lacking)
            again = lacking is not None and len(lacking.values) == 0
            patience = patience if again or patience == STEPS else 0
        return nearest


def _level(problem: Problem) -> float:
    """λ of the closed form."""
    classes, sizes = problem.num_classes, np.asarray(problem.sizes, dtype=float)
    strengths, masses = problem.weights / problem.scales, problem.scales * sizes * (1.0 - 1.0 / classes)

    def missing(log_level: float, radius: float) -> tuple[float, float]:
        ratios = np.maximum(strengths * math.exp(-log_level) - 1.0, 0.0) * classes
        slopes = (ratios + classes * (ratios > 0.0)) / (1.0 + ratios)
        return radius - float(masses @ np.log1p(ratios)), float(masses @ slopes)

    if isinstance(problem, LayerPeeled):
        least, most = math.log(float(strengths.min())) - FARTHEST, math.log(float(strengths.max()))
        return math.exp(
            increasing_root(partial(missing, radius=problem.radius), start=most - 1.0, lower=least, upper=most, tolerance=NEAR_ENOUGH)
        )
    return problem.penalty


def _start(problem: Problem) -> tuple[LowRank, Vector] | None:
    """The closed form as factors, with the direction that they leave out; None where there is nothing above the crease."""
    classes, strengths, level = problem.num_classes, problem.weights / problem.scales, _level(problem)
    lengths = np.log1p(np.maximum(strengths / level - 1.0, 0.0) * classes)
    diagonal = lengths * problem.scales
    count = int((diagonal > 0.0).sum())
    if count == 0:
        return None
    program = LowRank(problem, count)
    diagonal = program.sorted(diagonal)
    inner = np.sqrt(2.0 * program.copies * diagonal) if program.several else np.zeros(0)
    if count == 1 and program.sizes[0] > 1.0:
        return LowRank(problem, 0), inner  # a head alone is centred by itself
    roots = np.sqrt(diagonal[:count])
    factor = -program.centre[:, None] * (program.centre[:count] * roots)
    factor[np.arange(count), np.arange(count)] += roots
    if count > 1:
        idle = program.centre[:count] / roots
        program.idle = idle / np.linalg.norm(idle)
        factor -= (factor @ program.idle)[:, None] * program.idle
    return program, np.concatenate([factor.ravel(), factor.ravel(), inner])


def _aligned(problem: Problem, matrix: GroupMatrix) -> tuple[LowRank, Vector] | None:
    """A matrix as factors, turned so that each column belongs to a group: so that the upper block of H + W is symmetric, and positive."""
    values = matrix.decomposed[1]
    count = int((values > SMALLEST * max(float(values[0]), float(np.abs(matrix.inner).max()))).sum())
    if count == 0:
        return None
    program = LowRank(problem, count)
    turned, _, vectors = matrix.decomposed
    roots = np.sqrt(values[:count])
    features, classifier = turned[:, :count] / roots, vectors[:, :count] * roots
    if program.order is not None:
        features, classifier = features[program.order], classifier[program.order]
    left, _, right = np.linalg.svd(features[:count] + classifier[:count])
    turn = (left @ right).T
    inner = np.sqrt(2.0 * program.copies * np.maximum(program.sorted(matrix.inner), 0.0)) if program.several else np.zeros(0)
    return program, np.concatenate([(features @ turn).ravel(), (classifier @ turn).ravel(), inner])


def _descended(program: LowRank, at: Place, gap: float, patience: int) -> Place | None:
    """Newton steps until the preconditioned slope is within the gap; half of its square is the excess, to within a third."""
    for _ in range(STEPS):
        if not at.value > 0.0:  # below the smallest double
            return None
        inverse = Inverse(program, at)
        towards = inverse(-at.slope)
        decrement = -float(at.slope @ towards)
        if decrement <= 2.0 * gap * at.value:
            return at
        step, length = _newton_step(program, at, inverse, towards, gap), 1.0
        while not (following := program.at(at.x + length * step)).value < at.value * (1.0 + ROUNDING):
            length *= 0.5
            if length < SHORTEST or (length < MUCH and patience == 0):
                return None
        patience -= length < MUCH
        at = following
    return None


def _newton_step(program: LowRank, at: Place, inverse: Inverse, towards: Vector, gap: float) -> Vector:
    """Conjugate gradients for the Newton step, until little of the slope is left or the curvature is not positive."""
    residual, direction, step = -at.slope, towards, np.zeros_like(at.x)
    size = float(residual @ towards)
    least = max(min(ROUGHEST**2, size / at.value) * size, 2.0 * ENOUGH * gap * at.value)
    single = program.fits_single and size > SINGLE * at.value
    bending, place = (program.single(), at.single()) if single else (program, at)
    for product in range(PRODUCTS):
        curved = bending.curved(place, direction.astype(place.x.dtype, copy=False)).astype(float, copy=False)
        bend = float(direction @ curved)
        if not bend > 0.0:
            return step if product else direction
        step += (size / bend) * direction
        residual -= (size / bend) * curved
        towards = inverse(residual)
        size, before = float(residual @ towards), size
        if size <= least:
            break
        direction = towards + (size / before) * direction
    return step
