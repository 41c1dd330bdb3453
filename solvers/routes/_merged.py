"""A start for many distinct counts: the program with neighbouring counts merged, solved first, and its optimum spread over all of them.

Entries of the optimum between different classes are a smooth function of their two counts, but for a crease where c_k = λ d_k: classes
above it have a direction of their own, those below share theirs. What stands on the diagonal besides is not smooth there, but known. As
inside a group (docs/derivations/layer-peeled.md, section 7), with S the odds of all other classes at δ = 0,

    (c_k/d_k) (S + 1) e^{−δ}/(1 + S e^{−δ}) = λ,    δ = log1p((c_k/(λ d_k) − 1) (S + 1))    above the crease, and zero below.

So counts are merged the finer the nearer they are to the crease, and entries are interpolated linearly in the logarithm of the counts.
"""

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from layerpeel.array_words import Float, Int
from layerpeel.numerics import GroupMatrix
from layerpeel.solvers.program._classes import Group
from layerpeel.solvers.program._losses import LEAST_MARGIN
from layerpeel.solvers.program._problem import LayerPeeled, Problem
from layerpeel.solvers.program._smooth import Point, Smooth
from layerpeel.solvers.routes._neighbours import entries_between
from layerpeel.solvers.routes._projected import require_room, solve_projected
from layerpeel.solvers.routes._request import Candidate

FEWEST = 64
"""Distinct counts from which merging pays."""

FIRST, ROUGH = 16, 1e-4
"""Merged groups of the first level, all of one width, and the gap to which it is solved: it only has to find the crease."""

ALONE = 4
"""Counts on either side of the crease that stay by themselves."""

WIDENING = ((FEWEST, 1.15), (600, 1.08))
"""Further levels: distinct counts from which each is worth its time, and how much wider every merged group is than the last."""

CLOSER, CLOSEST = 0.3, 1e-8
"""The gap to which further levels are solved: a share of the one that is wanted, and never less than this."""

WINDOW, STEPS = 0.1, 20
"""How far the logarithm of the multiplier may be from that of the merged program, and bisections that find it."""


class _Level(NamedTuple):
    """A merged program, its optimum, and the multiplier there."""

    problem: Problem
    candidate: Candidate
    multiplier: float
    parts: list[Int[np.ndarray, " _"]]
    """Groups of the whole program in each merged group."""


def merged_start(problem: Problem, tolerance: float) -> Candidate | None:
    """What to start from, or None where there are too few distinct counts, or no order in them to merge by."""
    if len(problem.groups) < FEWEST or problem.loss != "cross-entropy" or problem.adjusted or problem.norm_weights == "given":
        return None
    require_room(len(problem.groups))
    order = np.argsort(-_strengths(problem), kind="stable")
    level = _solved(problem, np.array_split(order, FIRST), None, ROUGH)
    for fewest, widening in WIDENING:
        if not level.multiplier > 0.0:  # at this energy the slope is below every double
            return None
        if len(order) >= fewest:
            parts = _graded(problem, order, level.multiplier, widening)
            level = _solved(problem, parts, level, max(CLOSER * tolerance, CLOSEST))
    return _spread(level, problem, level.parts) if level.multiplier > 0.0 else None


def _strengths(problem: Problem) -> Float[np.ndarray, " G"]:
    """c_g/d_g, the multiplier at which a group loses its directions."""
    return problem.weights / problem.scales


def _graded(problem: Problem, order: Int[np.ndarray, " G"], multiplier: float, widening: float) -> list[Int[np.ndarray, " _"]]:
    """Groups in order of their counts, cut into parts that widen on both sides of the crease."""
    above = int((_strengths(problem) > multiplier).sum())
    return _widening(order[:above][::-1], widening)[::-1] + _widening(order[above:], widening)


def _widening(side: Int[np.ndarray, " s"], widening: float) -> list[Int[np.ndarray, " _"]]:
    """A few groups alone, then parts of two and more."""
    bounds, width = list(range(min(ALONE, len(side)) + 1)), 2.0
    while bounds[-1] < len(side):
        bounds.append(min(bounds[-1] + int(width), len(side)))
        width *= widening
    return [side[start:end] for start, end in pairwise(bounds)]


def _solved(problem: Problem, parts: list[Int[np.ndarray, " _"]], before: _Level | None, gap: float) -> _Level:
    """The program over merged groups: each at the geometric mean of its samples and weights."""
    sizes = np.asarray(problem.sizes)
    logs = np.log([float(group.samples) for group in problem.groups]), np.log(problem.scales)
    groups = []
    for part in parts:
        samples, scale = (math.exp(float(sizes[part] @ each[part]) / float(sizes[part].sum())) for each in logs)
        groups.append(Group(int(sizes[part].sum()), samples, scale))
    coarse = problem.over(tuple(groups))
    candidate = solve_projected(coarse, gap, None if before is None else _spread(before, coarse), once=True)
    if not isinstance(coarse, LayerPeeled):
        return _Level(coarse, candidate, coarse.penalty, parts)
    smooth = Smooth(coarse)
    _, slope = smooth(
        Point(candidate.matrix, np.zeros(len(parts)) if candidate.bias is None else smooth.roots * candidate.bias / smooth.unit)
    )
    return _Level(coarse, candidate, slope.matrix.spectral_norm(), parts)


def _spread(level: _Level, problem: Problem, parts: list[Int[np.ndarray, " _"]] | None = None) -> Candidate:
    """The optimum of a merged program over all groups; those that were alone in a part keep what they have."""
    coarse, candidate, multiplier, _ = level
    given = entries_between(candidate.matrix)
    entries = _with_diagonal(given, coarse.sizes)
    places, logs = (np.log([float(group.samples) for group in each.groups]) for each in (coarse, problem))
    share = _interpolation(places, logs)
    others = share @ entries @ share.T
    bias = None if candidate.bias is None else share @ candidate.bias
    known = candidate.matrix.inner + given.diagonal() - entries.diagonal()
    own = np.full(len(logs), np.nan)
    for g, part in enumerate(parts or []):
        if len(part) == 1:
            own[part] = known[g]
    sizes = np.asarray(problem.sizes, dtype=float)
    own = _own(problem, others, bias, multiplier, own, float(np.asarray(coarse.sizes) @ known))
    return Candidate(GroupMatrix(problem.sizes, own, others * np.sqrt(np.outer(sizes, sizes)) + np.diag(own)), bias=bias)


def _with_diagonal(entries: Float[np.ndarray, "m m"], sizes: tuple[int, ...]) -> Float[np.ndarray, "m m"]:
    """Entries between different classes, where a group of one class has none of its own: those beside it stand for them."""
    filled = entries.copy()
    last = len(sizes) - 1
    for g in np.flatnonzero(np.asarray(sizes) == 1):
        beside = [h for h in (g - 1, g + 1) if 0 <= h <= last]
        filled[g, g] = np.mean([0.5 * (entries[g, h] + entries[h, g]) for h in beside])
    return filled


def _interpolation(places: Float[np.ndarray, " m"], logs: Float[np.ndarray, " G"]) -> Float[np.ndarray, "G m"]:
    """Shares of the merged groups in each group: linear in the logarithm of the samples, and extended beyond the ends."""
    ascending = np.argsort(places)
    left = np.clip(np.searchsorted(places[ascending], logs) - 1, 0, len(places) - 2)
    low, high = ascending[left], ascending[left + 1]
    share = (logs - places[low]) / (places[high] - places[low])
    shares, rows = np.zeros((len(logs), len(places))), np.arange(len(logs))
    shares[rows, low], shares[rows, high] = 1.0 - share, share
    return shares


def _own(
    problem: Problem,
    others: Float[np.ndarray, "G G"],
    bias: Float[np.ndarray, " G"] | None,
    multiplier: float,
    known: Float[np.ndarray, " G"],
    total: float,
) -> Float[np.ndarray, " G"]:
    """d δ of every group; where the norm is bounded, at the multiplier at which they add up to what they do in the merged program."""
    scales, sizes, strengths = problem.scales, np.asarray(problem.sizes, dtype=float), _strengths(problem)
    logits = others / scales[:, None] + (0.0 if bias is None else bias)
    rivals = np.exp(np.minimum(logits - logits.diagonal()[:, None], -LEAST_MARGIN)) @ sizes  # one of them is the class itself
    free = np.isnan(known)

    def at(level: float) -> Float[np.ndarray, " G"]:
        return np.where(free, scales * np.log1p(np.maximum(strengths / level - 1.0, 0.0) * rivals), known)

    if not isinstance(problem, LayerPeeled) or not free.any():
        return at(multiplier)
    low, high = math.log(multiplier) - WINDOW, math.log(multiplier) + WINDOW
    for _ in range(STEPS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if sizes @ at(math.exp(middle)) > total else (low, middle)
    return at(math.exp(low))
