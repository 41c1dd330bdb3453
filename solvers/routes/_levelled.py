"""A dual point from the slope at a point near the optimum, whose large singular values are made equal."""

import numpy as np

from layerpeel.numerics import GroupMatrix
from layerpeel.solvers.program._problem import LayerPeeled, UnconstrainedFeatures
from layerpeel.solvers.program._smooth import Point, Smooth

RANK = 1e-9
"""Singular values of Y below this times the largest are rounding: a shrinkage leaves zeros."""

FIRST_STEP = 1e-4
"""The first step of the level, relatively, by which the bound's curvature is found."""

SECANTS = 6
"""Steps towards the best level, of which two or three are usual."""

SETTLED = 1e-3
"""Share of the gap asked for that the last step promised to gain at most."""


def levelled(smooth: Smooth, point: Point, tolerance: float) -> tuple[GroupMatrix | None, float]:
    """The tangent at which a minorant touches whose slope has one singular value wherever Y has any, and the relative gap that it leaves.

    At the optimum ∇f = −λ U Vᵀ + W for Y = U S Vᵀ, with UᵀW = 0, WV = 0 and ‖W‖ ≤ λ. Near it the r largest singular values of the
    slope, r the rank of Y, are only nearly equal, and the largest costs τ(σ_1 − λ) of the bound at first order. Made equal at a level ℓ,
    they cost nothing but the distance of the slope that is left from ∇f, at second order. The bound is concave in ℓ; where the norm is
    penalised, ℓ is the penalty.

    Args:
        smooth: the loss.
        point: Y in the ball, with its bias.
        tolerance: the relative gap that is wanted.

    Returns:
        The tangent, None where Y is zero, and the gap in doubles.
    """
    problem, (value, whole) = smooth.problem, smooth(point)
    value, slope = value + smooth.penalty(point), whole.matrix
    sizes_of = point.matrix.decomposed[1]
    rank = int((sizes_of > RANK * sizes_of.max()).sum())
    active = point.matrix.inner > 0.0
    if not rank and not active.any():
        return None, np.inf
    turned, values, vectors = slope.decomposed
    top = turned[:, :rank], values[:rank], vectors[:, :rank]
    turn = (top[0] / np.maximum(top[1], np.finfo(float).tiny)) @ top[2].T
    rest = slope.outer - top[0] @ top[2].T
    copies = slope.copies
    size = rank + float(copies @ active)
    level = (float(top[1].sum()) - float(copies @ np.where(active, slope.inner, 0.0))) / size
    if isinstance(problem, UnconstrainedFeatures):
        level = problem.penalty
    along = GroupMatrix(slope.sizes, np.where(active, -1.0, 0.0), turn)

    def at(level: float) -> GroupMatrix:
        inner = np.where(active, -level, np.clip(slope.inner, -level, level))
        dual = GroupMatrix(slope.sizes, inner, rest + level * turn)
        return smooth.loss.touching(dual if smooth.rows is None else dual.weighted(1.0 / smooth.rows), smooth.weights)

    touching = at(level)
    if isinstance(problem, LayerPeeled):
        before, excess_before = level, _excess(smooth, touching, along, problem.radius)
        level *= 1.0 + np.copysign(FIRST_STEP, excess_before)
        for _ in range(SECANTS):
            touching = at(level)
            excess = _excess(smooth, touching, along, problem.radius)
            if excess == excess_before:
                break
            step = -excess * (level - before) / (excess - excess_before)
            before, excess_before, level = level, excess, level + step
            if abs(0.5 * excess * step) <= SETTLED * tolerance * value:
                break
        touching = at(level)
    return touching, smooth.gap(touching, point, value)


def _excess(smooth: Smooth, touching: GroupMatrix, along: GroupMatrix, radius: float) -> float:
    """The slope of the bound by the level: −f*(G) falls by ⟨Z, dG⟩ with Z the logits that touch, and the norm costs τ."""
    moved = along if smooth.rows is None else along.weighted(1.0 / smooth.rows)
    return -moved.dot(touching) - radius
