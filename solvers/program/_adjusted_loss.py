"""Cross-entropy as people change it against imbalance: smoothed labels, and logits that are scaled, shifted or held to a margin."""

from dataclasses import dataclass

import numpy as np
from flint import arb

from layerpeel.array_words import Float, Int
from layerpeel.numerics import GroupMatrix
from layerpeel.solvers.program._losses import BallLogits, CrossEntropy, Shares, Slope, inner_product, margins_between

PLAIN = CrossEntropy()
"""What the changed logits enter."""


@dataclass(frozen=True, eq=False)
class AdjustedCrossEntropy:
    """Cross-entropy of changed logits, with smoothed labels.

        L(z, k) = logsumexp(u) − (1 − δ) u_k − (δ/K) Σ_j u_j,    u_j = Δ_j z_j + ι_j − m_k [j = k].

    With the linear part (δ/K) Σ_j (u_k − u_j) apart, this is the plain loss at U, so everything is asked of it. U is affine in Z, which
    takes a slope G_U to G_U diag(Δ), and convexity with it.

    Args:
        sizes: K_g.
        scale: Δ_g > 0, of the columns of a group's classes.
        shift: ι_g, likewise.
        margin: m_g ≥ 0, of the classes' own logits.
        smoothing: δ.
    """

    sizes: tuple[int, ...]
    scale: Float[np.ndarray, " G"]
    shift: Float[np.ndarray, " G"]
    margin: Float[np.ndarray, " G"]
    smoothing: float = 0.0
    attains_zero: bool = False
    smooth: bool = True

    @property
    def attains_least(self) -> bool:
        """Smoothed labels are met at finite logits."""
        return self.smoothing > 0.0

    @property
    def num_classes(self) -> int:
        """K."""
        return sum(self.sizes)

    def adjusted(self, logits: GroupMatrix) -> GroupMatrix:
        """U."""
        roots = np.sqrt(np.asarray(self.sizes, dtype=float))
        outer = logits.outer * self.scale + np.outer(roots, roots * self.shift) - np.diag(self.margin)
        return GroupMatrix(self.sizes, logits.inner * self.scale - self.margin, outer)

    def _smoothed(self, weights: Float[np.ndarray, " G"]) -> GroupMatrix:
        """The slope of the linear part in U: diag(c) δ (I − 11ᵀ/K)."""
        roots = np.sqrt(np.asarray(self.sizes, dtype=float))
        pull = self.smoothing * weights
        return GroupMatrix(self.sizes, pull, pull[:, None] * (np.eye(len(roots)) - np.outer(roots, roots) / self.num_classes))

    def _ahead(self, logits: GroupMatrix) -> Float[np.ndarray, " G"]:
        """The linear part itself, from margins: (δ/K) Σ_j (u_k − u_j)."""
        sizes, margins = np.asarray(self.sizes, dtype=float), margins_between(logits)
        np.fill_diagonal(margins, logits.inner * (1 - 1 / sizes))
        return self.smoothing / self.num_classes * (margins @ sizes)

    def value(self, logits: BallLogits) -> arb:
        """Σ_g K_g c_g times the loss of a class."""
        changed, plain = self._in_balls(logits)[1], PLAIN.value
        return plain(changed) + self._ahead_in_balls(changed)

    def slope(self, logits: BallLogits, shares: Shares | None = None) -> Slope:
        """G = diag(c)(softmax(U) − (1 − δ) I − (δ/K) 11ᵀ) diag(Δ); the bound's constant is f(Z) − ⟨G, Z⟩."""
        scaled, changed = self._in_balls(logits)
        plain = PLAIN.slope(changed)
        smoothing, classes = arb(self.smoothing), self.num_classes
        roots = [arb(size).sqrt() for size in self.sizes]
        inner = [each + weight * smoothing for each, weight in zip(plain.inner, logits.weights, strict=True)]
        outer = [
            [entry + weight * smoothing * (int(g == h) - root * roots[h] / classes) for h, entry in enumerate(row)]
            for g, (row, weight, root) in enumerate(zip(plain.outer, logits.weights, roots, strict=True))
        ]
        value = plain.value + self._ahead_in_balls(changed)
        constant = value - inner_product(scaled, inner, outer)
        scale = [arb(each) for each in self.scale.tolist()]
        return Slope(
            [each * factor for each, factor in zip(inner, scale, strict=True)],
            [[entry * factor for entry, factor in zip(row, scale, strict=True)] for row in outer],
            constant,
            value,
        )

    def minorant(self, tangent: BallLogits, shares: Shares | None = None) -> Slope:
        """The slope at these logits."""
        return self.slope(tangent)

    def _in_balls(self, logits: BallLogits) -> tuple[BallLogits, BallLogits]:
        """Z diag(Δ), and U."""
        scale, shift, margin = ([arb(each) for each in values.tolist()] for values in (self.scale, self.shift, self.margin))
        roots = [arb(size).sqrt() for size in self.sizes]
        inner = [each * factor for each, factor in zip(logits.inner, scale, strict=True)]
        outer = [[entry * factor for entry, factor in zip(row, scale, strict=True)] for row in logits.outer]
        moved = [
            [entry + roots[g] * roots[h] * shift[h] - int(g == h) * margin[g] for h, entry in enumerate(row)] for g, row in enumerate(outer)
        ]
        behind = [each - least for each, least in zip(inner, margin, strict=True)]
        return logits._replace(inner=inner, outer=outer), logits._replace(inner=behind, outer=moved)

    def _ahead_in_balls(self, changed: BallLogits) -> arb:
        """Σ_g K_g c_g times the linear part."""
        total = arb(0)
        for g, (size, weight) in enumerate(zip(self.sizes, changed.weights, strict=True)):
            inside, between = changed.margins(g)
            ahead = (size - 1) * inside
            for other, margin in zip(self.sizes, between, strict=True):
                ahead += other * margin if margin is not None else 0
            total += size * weight * ahead
        return total * arb(self.smoothing) / self.num_classes

    def affine(self, tangent: GroupMatrix, weights: Float[np.ndarray, " G"]) -> tuple[float, GroupMatrix]:
        """f(Z) − ⟨G, Z⟩ and G at these logits."""
        value, slope = self.grouped(tangent, weights)
        return value - slope.dot(tangent), slope

    def by_group(self, logits: GroupMatrix) -> Float[np.ndarray, " G"]:
        """L(Z_k, k)."""
        changed = self.adjusted(logits)
        return PLAIN.by_group(changed) + self._ahead(changed)

    def grouped(self, logits: GroupMatrix, weights: Float[np.ndarray, " G"]) -> tuple[float, GroupMatrix]:
        """f and ∇f; margins below −700 are cut off."""
        changed = self.adjusted(logits)
        value, slope = PLAIN.grouped(changed, weights)
        value += float((np.asarray(self.sizes) * weights) @ self._ahead(changed))
        return value, (slope + self._smoothed(weights)).weighted(np.ones(len(weights)), self.scale)

    def touching(self, slope: GroupMatrix, weights: Float[np.ndarray, " G"]) -> GroupMatrix:
        """Where the plain loss has what is left of this slope, taken back to Z."""
        changed = PLAIN.touching(slope.weighted(np.ones(len(weights)), 1.0 / self.scale) - self._smoothed(weights), weights)
        roots = np.sqrt(np.asarray(self.sizes, dtype=float))
        outer = changed.outer - np.outer(roots, roots * self.shift) + np.diag(self.margin)
        return GroupMatrix(self.sizes, (changed.inner + self.margin) / self.scale, outer / self.scale)

    def dense(
        self, logits: Float[np.ndarray, "n K"], weights: Float[np.ndarray, " n"], labels: Int[np.ndarray, " n"]
    ) -> tuple[float, Float[np.ndarray, "n K"]]:
        """f and ∇f; classes stand group by group."""
        scale, shift, margin = (np.repeat(values, self.sizes) for values in (self.scale, self.shift, self.margin))
        rows = np.arange(len(labels))
        changed = logits * scale + shift
        changed[rows, labels] -= margin[labels]
        value, slope = PLAIN.dense(changed, weights, labels)
        pull = self.smoothing * weights
        value += float(pull @ (changed[rows, labels][:, None] - changed).mean(axis=1))
        slope -= pull[:, None] / self.num_classes
        slope[rows, labels] += pull
        return value, slope * scale
