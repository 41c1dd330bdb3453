"""Cross-entropy over two factors of low rank: value, slope, curvature, a dual point, and directions that are missing.

With Y = H Wᵀ between groups and y_g²/(2(K_g − 1)) inside them, ½‖H‖² + ½‖W‖² + ½‖y‖² is at least ‖Y‖_*, and equal to it where
HᵀH = WᵀW. So in x = (H, W, y) the program is smooth, on the sphere ½‖x‖² = τ or with the penalty λ½‖x‖². It is stationary where

    G W = −λ H,    Gᵀ H = −λ W,    G_in y = −λ y,    λ = −⟨G, Y⟩/τ or the penalty,

G the slope in Y, and there Y is the optimum if ‖G‖ ≤ λ.

Columns belong to groups, in order of their slopes c_g/d_g: column a to the group a (see `_preconditioner`).
"""

import math
from copy import copy
from typing import Any, NamedTuple

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics import GroupMatrix
from layerpeel.solvers.program._losses import LEAST_SHARE
from layerpeel.solvers.program._problem import LayerPeeled, Problem
from layerpeel.solvers.routes._projected import FEW_GROUPS
from layerpeel.solvers.routes._request import Candidate

Vector = Float[np.ndarray, " _"]
Block = Float[np.ndarray, "G G"]
Factor = Float[np.ndarray, "G _"]
Rows = Float[np.ndarray, "_ _"]

MOST_LEAVING = 1 - 1e-12
"""Most that the other classes of a row may take together at a dual point, so that its own logit is finite."""

MANY_GROUPS, RANGE = 100, 1e12
"""Groups from which single precision halves the time of a product, and its numbers."""

SHORT, LAST_COLUMNS, POWERS = 0.5, 8, 4
"""A column is short below this share of the next; it is looked for among the last, and its direction with so many powers of M⁻¹."""


class Place(NamedTuple):
    """What is known at x.

    Args:
        x: the factors, on the sphere where the norm is bounded.
        value: the objective.
        slope: its gradient in x, along the sphere where the norm is bounded.
        multiplier: λ.
        outer: the block of G between groups.
        inner: G inside groups.
        products: G W and Gᵀ H.
        shares: probability of one class of every group; on the diagonal the mean over the classes of the own group.
        own: probability of the own class.
        inside: probability of another class of its group.
    """

    x: Vector
    value: float
    slope: Vector
    multiplier: float
    outer: Block
    inner: Vector
    products: tuple[Factor, Factor]
    shares: Block
    own: Vector
    inside: Vector

    def single(self) -> "Place":
        """The same in single precision, for products with the Hessian."""
        return self._replace(**{name: _single(value) for name, value in self._asdict().items()})


class Beyond(NamedTuple):
    """Left singular vectors, singular values and right singular vectors, one in each row."""

    left: Rows
    values: Vector
    right: Rows


class LowRank:
    """The program in x.

    Args:
        problem: cross-entropy as it stands, without a bias.
        count: columns of the factors.
    """

    def __init__(self, problem: Problem, count: int) -> None:
        self.problem, self.width = problem, count
        strengths = problem.weights / problem.scales
        self.order = None if bool(np.all(np.diff(strengths) <= 0.0)) else np.argsort(-strengths, kind="stable")
        self.sizes, weights, scales = (self.sorted(np.asarray(each, float)) for each in (problem.sizes, problem.weights, problem.scales))
        self.rows, self.pulls, self.masses = 1.0 / scales, weights / scales, weights * self.sizes
        self.radius = problem.radius if isinstance(problem, LayerPeeled) else None
        self.roots, self.copies, self.several = np.sqrt(self.sizes), self.sizes - 1.0, bool((self.sizes > 1.0).any())
        self.products = self.roots[:, None] * self.roots if self.several else 1.0
        self.centre = self.roots / math.sqrt(problem.num_classes)
        self.halves = np.where(self.copies > 0.0, 0.5 / np.maximum(self.copies, 1.0), 0.0)
        self.idle: Vector | None = None
        """A direction of the columns that is left at zero."""

    @property
    def fits_single(self) -> bool:
        """Whether there are so many groups that single precision pays, and no numbers that leave its range."""
        within = self.pulls.min() > 1.0 / RANGE and max(self.pulls.max(), self.rows.max()) < RANGE
        return len(self.sizes) >= MANY_GROUPS and bool(within)

    def single(self) -> "LowRank":
        """The same program in single precision, for products with the Hessian: half the time where there are many groups."""
        twin = copy(self)
        vars(twin).update({name: _single(value) for name, value in vars(self).items()})
        return twin

    def sorted(self, values: Vector) -> Vector:
        """Numbers of groups, in order of their slopes."""
        return values if self.order is None else values[self.order]

    def matrix(self, inner: Vector, outer: Block) -> GroupMatrix:
        """A matrix over the problem's groups in their own order."""
        if self.order is not None:
            inverse = np.argsort(self.order)
            inner, outer = inner[inverse], outer[np.ix_(inverse, inverse)]
        return GroupMatrix(self.problem.sizes, inner, outer)

    def candidate(self, at: Place, tangent: GroupMatrix) -> Candidate:
        """Y and its factors, with a tangent."""
        features, classifier, inner = self.parts(at.x)
        matrix = self.matrix(self.halves * inner**2 if self.several else np.zeros(len(self.sizes)), features @ classifier.T)
        if self.order is not None:
            inverse = np.argsort(self.order)
            features, classifier = features[inverse], classifier[inverse]
        return Candidate(matrix, tangent=tangent, factors=(features, classifier))

    def parts(self, x: Vector) -> tuple[Factor, Factor, Vector]:
        """H, W and y as views of x; y is empty where no group has two classes."""
        shape = len(self.sizes), self.width
        size = shape[0] * shape[1]
        return x[:size].reshape(shape), x[size : 2 * size].reshape(shape), x[2 * size :]

    def at(self, x: Vector) -> Place:
        """Value and slope."""
        if self.radius is not None:
            x = x * math.sqrt(2.0 * self.radius / float(x @ x))
        features, classifier, inner = self.parts(x)
        logits = (features @ classifier.T) * self.rows[:, None]
        if self.several:
            logits /= self.products
            margins = self.rows * self.halves * inner**2
            own = logits.diagonal() + margins * (self.copies / self.sizes)
            inside = np.where(self.copies > 0.0, np.exp(-margins), 0.0)
        else:
            own, inside = logits.diagonal(), self.copies
        shares = np.exp(logits - own[:, None])
        np.fill_diagonal(shares, 0.0)
        leaving = shares @ self.sizes
        others = leaving + self.copies * inside
        value, own = float(self.masses @ np.log1p(others)), 1.0 / (1.0 + others)
        shares *= own[:, None]
        inside = inside * own
        outer = shares * self.pulls[:, None]
        if self.several:
            outer *= self.products
        leaving *= -self.pulls * own
        np.fill_diagonal(outer, leaving)
        np.fill_diagonal(shares, (own + self.copies * inside) / self.sizes)
        products = outer @ classifier, outer.T @ features
        slope_inside = np.where(self.copies > 0.0, leaving - self.pulls * self.sizes * inside, 0.0) if self.several else self.copies
        slope = np.concatenate([products[0].ravel(), products[1].ravel(), slope_inside[: len(inner)] * inner])
        if isinstance(self.problem, LayerPeeled):
            multiplier = -float(slope @ x) / (2.0 * self.problem.radius)
        else:
            multiplier = self.problem.penalty
            value += 0.5 * multiplier * float(x @ x)
        slope += multiplier * x
        return Place(x, value, slope, multiplier, outer, slope_inside, products, shares, own, inside)

    def tangential(self, at: Place, direction: Vector) -> Vector:
        """A direction less what leaves the sphere."""
        return direction if self.radius is None else direction - (float(direction @ at.x) / (2.0 * self.radius)) * at.x

    def curved(self, at: Place, direction: Vector) -> Vector:
        """The Hessian times a direction along the sphere."""
        features, classifier, inner = self.parts(at.x)
        along, across, within = self.parts(direction)
        turned, bent = self.bent(
            at, along @ classifier.T + features @ across.T, 2.0 * self.halves * inner * within if self.several else inner
        )
        heads, tails = turned @ classifier + at.outer @ across, turned.T @ features + at.outer.T @ along
        rest = bent * inner + at.inner * within if self.several else within
        return self.tangential(at, np.concatenate([heads.ravel(), tails.ravel(), rest]) + at.multiplier * direction)

    def bent(self, at: Place, outer: Block, inner: Vector) -> tuple[Block, Vector]:
        """How G moves with Y: softmax probabilities p by p ∘ (dz − Σ p dz)."""
        moved = at.shares * (outer * self.rows[:, None])
        if not self.several:
            return (moved - at.shares * moved.sum(axis=1)[:, None]) * self.pulls[:, None], inner
        margin, ahead = self.rows * inner, at.own - at.inside
        lead = self.copies / self.sizes * ahead
        mean = (moved @ self.roots) / self.roots + lead * margin
        shift = outer.diagonal() * self.rows / self.sizes - mean
        moved -= at.shares * self.products * mean[:, None]
        moved[np.diag_indices_from(moved)] += lead * margin
        return moved * self.pulls[:, None], self.pulls * (ahead * shift + self.kept(at) * margin)

    def kept(self, at: Place) -> Vector:
        """How the slope inside a group moves with the margin there, while the mean logit of the group stays."""
        return at.own * (self.copies / self.sizes) + at.inside / self.sizes

    def short(self, at: Place) -> bool:
        """Whether the shortest column is much shorter than the next: it has not settled where the value has."""
        features, classifier, _ = self.parts(at.x)
        if self.width < LAST_COLUMNS:
            return False
        lengths = np.sort((features[:, -LAST_COLUMNS:] ** 2 + classifier[:, -LAST_COLUMNS:] ** 2).sum(axis=0))
        return bool(lengths[0] < SHORT * lengths[1])

    def dual(self, at: Place, most: float, *, shortest: bool = True) -> tuple[tuple[Vector, Block], Beyond]:
        """G with one singular value λ wherever Y has any: D = (I − P_H) G (I − P_W) − λ H M⁻¹ Wᵀ, M half of HᵀH + WᵀW.

        What H and W are off balance changes it, and its norm, at second order. The direction q in which M is smallest may be left to G as
        it stands, with N = M⁻¹ − M⁻¹q qᵀM⁻¹/(qᵀM⁻¹q) for M⁻¹: errors of directions enter D over their lengths, and the value times them.
        Singular values above a level that is a little more than λ are cut to λ, and come back with their vectors: directions that the
        factors lack.
        """
        features, classifier, inner = self.parts(at.x)
        mass = 0.5 * (features.T @ features + classifier.T @ classifier)
        if self.idle is not None:
            mass += float(mass.trace()) * self.idle[:, None] * self.idle
        inverse = np.linalg.inv(mass)
        if not shortest:
            inverse -= _carried_by_the_largest(inverse)
        left, right = features @ inverse, classifier @ inverse
        middle = features.T @ at.products[0] - at.multiplier * mass
        outer = at.outer - left @ at.products[1].T - (at.products[0] - left @ middle) @ right.T
        inside = np.clip(at.inner, -at.multiplier, at.multiplier)
        if self.several:
            # Raised to −λ it costs half of what it lacks over the curvature; left as it is, the value inside times what it lacks.
            kept = self.halves * inner**2 * self.pulls * self.rows * self.kept(at)
            inside = np.where(2.0 * kept > at.multiplier + at.inner, -at.multiplier, inside)
        beyond = _beyond(outer, most)
        return (inside, outer - (beyond.left.T * (beyond.values - at.multiplier)) @ beyond.right), beyond

    def widened(self, at: Place, most: float, beyond: Beyond) -> "tuple[LowRank, Vector]":
        """The program with columns for directions that the factors lack, and x with them, each as long as is best.

        Along −uvᵀ the value falls by (σ − λ)t − κt²/2 with κ the curvature: the idle direction of the columns is taken first, then new
        ones.
        """
        features, classifier, inner = self.parts(at.x)
        taken = self.idle if len(beyond.values) else None
        width = min(self.width + len(beyond.values) - (taken is not None), len(self.sizes))
        more, added = LowRank(self.problem, width), width - self.width
        features, classifier = (np.pad(each, ((0, 0), (0, added))) for each in (features, classifier))
        places = np.eye(width)[self.width :]
        if taken is not None:
            places = np.vstack([np.pad(taken, (0, added)), places])
        else:
            more.idle = self.idle
        for place, left, value, right in zip(places, *beyond, strict=False):
            along = np.outer(left, right)
            curvature = float(np.vdot(self.bent(at, along, np.zeros_like(self.sizes))[0], along))
            length = math.sqrt(max(value - at.multiplier, 0.0) / curvature)
            features, classifier = features - length * np.outer(left, place), classifier + length * np.outer(right, place)
        if self.several:
            bends = self.pulls * self.rows * self.kept(at)
            growth = np.where(bends > 0.0, np.maximum(-at.inner - most, 0.0) / np.maximum(bends, LEAST_SHARE), 0.0)
            inner = np.where(inner > 0.0, inner, np.sqrt(2.0 * self.copies * growth))
        return more, np.concatenate([features.ravel(), classifier.ravel(), inner])

    def touching(self, inner: Vector, outer: Block) -> GroupMatrix:
        """Logits where the loss has this slope in Y."""
        slope = self.matrix(inner, outer)
        given = slope if self.problem.norm_weights == "class" else slope.weighted(self.problem.scales)
        return self.problem.loss_function.touching(given, self.problem.weights)

    def gap(self, at: Place, tangent: GroupMatrix) -> float:
        """The relative gap that a tangent leaves whose slope has the norm λ; with few groups its norm is looked at.

        It is λ by construction, unless columns all but coincide and M⁻¹ is all rounding.
        """
        constant, slope = self.problem.loss_function.affine(tangent, self.problem.weights)
        norm = at.multiplier
        if len(self.sizes) < FEW_GROUPS:
            given = slope if self.problem.norm_weights == "class" else slope.weighted(1.0 / self.problem.scales)
            norm = max(norm, float(given.singular_values()[0].max()))
        if self.radius is not None:
            return (at.value - constant + self.radius * norm) / at.value
        return (at.value - constant * min(at.multiplier / norm, 1.0)) / at.value


def _single(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_single(each) for each in value)
    return value.astype(np.float32) if isinstance(value, np.ndarray) and value.dtype == float else value


def _carried_by_the_largest(inverse: Float[np.ndarray, "r r"]) -> Float[np.ndarray, "r r"]:
    """N q qᵀ N/(qᵀ N q) for a direction q near the first eigenvector of a positive definite N."""
    direction = inverse[:, int(np.argmax(inverse.diagonal()))]
    for _ in range(POWERS):
        direction = inverse @ direction
        direction /= np.linalg.norm(direction)
    image = inverse @ direction
    return np.outer(image, image) / float(direction @ image)


def _beyond(outer: Block, level: float) -> Beyond:
    """What a block has above a level: nothing, where a Cholesky factor says so, and by its singular values elsewhere."""
    shifted = outer.T @ -outer
    shifted[np.diag_indices_from(shifted)] += level**2
    try:
        np.linalg.cholesky(shifted)
    except np.linalg.LinAlgError:
        left, values, right = np.linalg.svd(outer)
        above = values > level
        return Beyond(left.T[above], values[above], right[above])
    return Beyond(outer[:0], outer[0, :0], outer[:0])
