"""Evaluation of cross-entropy in plain doubles whose errors are bounded beforehand: no array carries a radius.

Entries of the logits are off by a few roundings of the largest, η. Odds e^{−margin} are then right to a factor within e^{±η} and the error
of the exponential, and what follows adds and multiplies positive numbers: sums of odds, their logarithms log1p, weighted sums of these and
the entries of the slope are all right to a relative error that is known before anything is evaluated. What is not a sum of positive numbers
is Σ p · margin in the minorant's constant, which is off by that error times Σ p |margin|, and by η.

With u for a rounding, n of them in a product are bounded by (n + 1) u, which leaves room for their squares.
"""

import math
from functools import cached_property
from typing import NamedTuple

import numpy as np
from flint import arb

from layerpeel.array_words import Float
from layerpeel.numerics import Rounded, nuclear_bound_near, quick_spectral_bound_near
from layerpeel.numerics._rounded import EXPONENTIAL_ERROR, LOGARITHM_ERROR, UNIT, exponential, logarithm_of_one_and
from layerpeel.solvers.program._problem import LayerPeeled, Problem
from layerpeel.solvers.proof._evaluation import Evaluation, Minorant, exact_radius

MOST = 1e-3
"""Errors of logits above this are not followed: nothing is claimed."""

LEAST = 2.0**-200
"""Sums of odds, and weights over scales, below this are not followed: what underflows would not be negligible beside them."""

PROBES = 8
"""Rows of Y that are asked for the norm of the slope."""

SPENT = 0.01
"""Share of the gap that may be lost by overestimating that norm."""

SMALL_PART = 10.0
"""How many times the bounds on errors a gap must be, for them not to matter."""

GROWTH = 1.01
"""Covers the squares of errors, each at most `MOST`, and the rounding of bounds themselves."""


class _Odds(NamedTuple):
    """Margins between groups, e^{−margin} inside and between them, their sums over all other classes, their relative error, and η."""

    margins: Float[np.ndarray, "G G"]
    inside: Float[np.ndarray, " G"]
    between: Float[np.ndarray, "G G"]
    leaving: Float[np.ndarray, " G"]
    others: Float[np.ndarray, " G"]
    error: float
    away: float


class Beforehand(Evaluation):
    """The evaluation of cross-entropy without a bias."""

    @staticmethod
    def covers(problem: Problem) -> bool:
        """Whether it evaluates a program."""
        return problem.loss == "cross-entropy" and problem.bias_penalty is None and not problem.adjusted

    def suffices(self, value: arb, gap: arb, minorant: Minorant) -> bool:
        """Whether its errors are a small part of the gap: radii, and what the norm of the slope is overestimated by."""
        if not (value.is_finite() and gap.is_finite()):
            return False
        size = exact_radius(self.problem) if isinstance(self.problem, LayerPeeled) else value / minorant.norm
        beyond = float(size * minorant.norm) * 2.0 * (len(self._sizes) + 2) ** 2 * UNIT
        return float(gap) > SMALL_PART * (float(gap.rad()) + beyond)

    @cached_property
    def _sizes(self) -> Float[np.ndarray, " G"]:
        return np.asarray(self.candidate.sizes, dtype=float)

    @cached_property
    def _several(self) -> bool:
        return bool((self._sizes > 1.0).any())

    @cached_property
    def _products(self) -> Float[np.ndarray, "G G"]:
        """√(K_g K_h), off by two roundings."""
        roots = np.sqrt(self._sizes)
        return roots[:, None] * roots

    @cached_property
    def _weights(self) -> Float[np.ndarray, " G"]:
        """c_g: samples are rounded, added and divided, at most G + 3 roundings."""
        return self.problem.weights

    @cached_property
    def _scales(self) -> Float[np.ndarray, " G"]:
        """d_g, off by two roundings."""
        if self.problem.norm_weights != "sample":
            return self.problem.scales
        return np.sqrt(np.array([float(group.samples) for group in self.problem.groups]))

    @property
    def _rounding(self) -> float:
        """More than roundings of weights, scales, and of a sum over groups of a dozen products change it."""
        return (2 * len(self._sizes) + 24) * UNIT

    @cached_property
    def _feasible(self) -> arb:
        return super().objective()

    def objective(self, stretch: arb | None = None) -> arb:
        """F at the candidate, kept, or at a multiple of it."""
        return self._feasible if stretch is None else super().objective(stretch)

    def _spare(self, constant: float, norm: float) -> float:
        """By which part of itself the norm of the slope may be overestimated for a small part of the gap."""
        value = float(self._feasible)
        if not (norm > 0.0 and constant > 0.0):
            return 0.0
        if isinstance(self.problem, LayerPeeled):
            spent = self.problem.radius * norm
            return max(SPENT * (value - constant + spent) / spent, 0.0)
        return max(SPENT * (value / constant - min(1.0, self.problem.penalty / norm)), 0.0)

    @cached_property
    def norm(self) -> arb:
        """Upper bound of ‖Y‖_*: that of the factors, ½(‖H‖² + ‖W‖²), and of what is left, or from singular vectors."""
        inner = Rounded.exact(np.abs(self.candidate.inner)) * (self._sizes - 1.0)
        if self.factors is None:
            return nuclear_bound_near(self.candidate.outer, arb(0), self.candidate.decomposed[2]) + inner.total()
        features, classifier = self.factors
        squares = float(np.vdot(features, features)), float(np.vdot(classifier, classifier))
        rest = float(np.linalg.norm(self.candidate.outer - features @ classifier.T))
        count, width = features.shape
        # A sum of squares is off by one rounding for each, at most; so is each entry of the product, of ‖H‖‖W‖ in the Frobenius norm.
        left = rest * (1.0 + count**2 * UNIT) + (width + 2) * UNIT * math.sqrt(squares[0] * squares[1]) * GROWTH
        return (arb(0.5 * sum(squares)) * (1 + arb((count * width + 2) * UNIT)) + arb(count).sqrt() * arb(left) * GROWTH) + inner.total()

    def _odds(self, inner: Float[np.ndarray, " G"], outer: Float[np.ndarray, "G G"], off: float) -> _Odds:
        """At logits that are off by a relative error, entry by entry; nothing is claimed of large errors, or of numbers near underflow."""
        sizes = self._sizes
        if self._several:
            outer, off = outer / self._products, off + 5 * UNIT
            own, off = inner * ((sizes - 1.0) / sizes) + outer.diagonal(), off + 5 * UNIT
        else:
            own = outer.diagonal()
        margins = own[:, None] - outer
        away = (off + 2 * UNIT) * GROWTH * 2.0 * float(np.abs(inner).max() + np.abs(outer).max())
        between = exponential(-margins)
        np.fill_diagonal(between, 0.0)
        inside = np.where(sizes > 1.0, exponential(-inner), 0.0) if self._several else np.zeros_like(inner)
        leaving = between @ sizes
        others = leaving + (sizes - 1.0) * inside
        followed = away < MOST and others.min() > LEAST and (self._weights / self._scales).min() > LEAST
        return _Odds(margins, inside, between, leaving, others, GROWTH * (away + EXPONENTIAL_ERROR) if followed else math.inf, away)

    def _value(self, odds: _Odds) -> arb:
        """Σ_g K_g c_g log1p(Σ_{others} e^{−margin})."""
        total = float((self._sizes * self._weights) @ logarithm_of_one_and(odds.others))
        return arb(total, total * (odds.error + LOGARITHM_ERROR + self._rounding) * GROWTH)

    @np.errstate(all="ignore")  # what overflows is not finite in the end
    def loss(self, scale: arb) -> arb:
        """f at a multiple of the candidate."""
        middle = float(scale)
        rows, off = middle / self._scales, float(((scale - middle) / middle).abs_upper()) + 6 * UNIT
        return self._value(self._odds(rows * self.candidate.inner, rows[:, None] * self.candidate.outer, off))

    @np.errstate(all="ignore")
    def minorant(self, *, sharp: bool = True) -> Minorant:
        """The minorant at the tangent: G = diag(c)(softmax − I), with f − ⟨G, Z⟩ = f + Σ_k c_k Σ_{others} p · margin."""
        tangent, sizes = self.tangent, self._sizes
        if tangent is None:
            raise ValueError("this evaluation needs logits where the minorant touches; pass a tangent.")
        odds = self._odds(tangent.inner, tangent.outer, 0.0)
        error = 2.0 * odds.error + self._rounding
        pulls = self._weights / (1.0 + odds.others)
        apart, near = odds.between * odds.margins, (sizes - 1.0) * odds.inside * tangent.inner
        masses = sizes * pulls
        constant = float(masses @ (apart @ sizes + near))
        largest = float(masses @ (np.abs(apart) @ sizes + np.abs(near)))
        pull = arb(constant, (largest * (error + self._rounding) + odds.away) * GROWTH)
        pulls = pulls / self._scales
        outer = odds.between * pulls[:, None]
        if self._several:
            outer *= self._products
        np.fill_diagonal(outer, -pulls * odds.leaving)
        inner = np.where(sizes > 1.0, pulls * (sizes * odds.inside + odds.leaving), 0.0)
        probes = self.candidate.outer[:PROBES].T
        lengths = np.linalg.norm(outer @ probes, axis=0) / np.maximum(np.linalg.norm(probes, axis=0), LEAST)
        near, total = float(lengths.max()), self._value(odds) + pull  # the slope has its norm where Y has rows
        distance = arb(float(np.linalg.norm(outer)) * error) * GROWTH
        norm = quick_spectral_bound_near(outer, distance, near * (1.0 + self._spare(float(total), near)))
        return Minorant(total, norm.max(arb(float(inner.max()) * (1.0 + 2.0 * error))), arb(0))
