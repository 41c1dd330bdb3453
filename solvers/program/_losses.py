"""The three losses: value and dual slope on block-symmetric logits in ball arithmetic, and on dense logits in floats.

Everything is written in margins (own logit minus another) and in sums over *other* classes, so that nothing cancels when
the loss is far below one: 1 − p_own is Σ_{others} p, and logsumexp(z) − z_own is log1p(Σ_{others} e^{−margin}).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from flint import arb

from layerpeel.array_words import Float, Int
from layerpeel.numerics import BallMatrix, GroupMatrix

LEAST_MARGIN = -700.0
"""Margins are cut here before e^{−margin} overflows; no optimum is anywhere near."""


LEAST_SHARE = 1e-300
"""Probabilities are cut here before their logarithm is taken; with any weight they add nothing to a bound."""

MOST_LEAVING = 1 - 1e-12
"""Most that the other classes of a row may take together, so that its own logit is finite."""


class BallLogits(NamedTuple):
    """Block-symmetric logits in balls: group sizes, weights c_g, inner values, and the outer G×G block."""

    sizes: Sequence[int]
    weights: Sequence[arb]
    inner: Sequence[arb]
    outer: BallMatrix

    def margins(self, group: int) -> tuple[arb, list[arb | None]]:
        """Margin of a class over the others of its group, and over the classes of every other group (None for its own)."""
        size, root = self.sizes[group], arb(self.sizes[group]).sqrt()
        own = self.inner[group] * (size - 1) / size + self.outer[group][group] / size
        return self.inner[group], [
            None if other == group else own - self.outer[group][other] / (root * arb(self.sizes[other]).sqrt())
            for other in range(len(self.sizes))
        ]


class Slope(NamedTuple):
    """A dual point: G as inner values and outer block, the constant of its bound  f* ≥ constant − τ ‖G‖_op, and f(Z) beside it."""

    inner: list[arb]
    outer: list[list[arb]]
    constant: arb
    value: arb


@runtime_checkable
class Loss(Protocol):
    """What the certificate asks of a loss."""

    @property
    def attains_zero(self) -> bool:
        """Whether the loss is zero at finite logits."""
        ...

    @property
    def attains_least(self) -> bool:
        """Whether the infimum, zero or not, is attained at finite logits, so that a large ball may have its optimum inside."""
        ...

    def value(self, logits: BallLogits) -> arb:
        """f(Z) = Σ_k c_k L(Z_k, k)."""
        ...

    def slope(self, logits: BallLogits, shares: "Shares | None") -> Slope:
        """A dual point for the certificate: ∇f(Z) for a smooth loss, or what a solver's multipliers give for another."""
        ...

    def minorant(self, tangent: BallLogits, shares: "Shares | None") -> Slope:
        """The dual point of a tangent as `touching` describes it."""
        ...

    def affine(self, tangent: GroupMatrix, weights: Float[np.ndarray, " G"]) -> tuple[float, GroupMatrix]:
        """The constant and the slope of the minorant of such a tangent, in floats."""
        ...

    @property
    def smooth(self) -> bool:
        """Whether the loss has a Lipschitz gradient."""
        ...

    def by_group(self, logits: GroupMatrix) -> Float[np.ndarray, " G"]:
        """L(Z_k, k) for one class of each group, in floats."""
        ...

    def grouped(self, logits: GroupMatrix, weights: Float[np.ndarray, " G"]) -> tuple[float, GroupMatrix]:
        """f(Z) and ∇f(Z) for block-symmetric logits, in floats; a subgradient where the loss is not smooth."""
        ...

    def touching(self, slope: GroupMatrix, weights: Float[np.ndarray, " G"]) -> GroupMatrix:
        """Where a smooth loss has this slope, or one near it, in floats: logits; for the squared error residuals Z − I, in full digits."""
        ...

    def dense(
        self, logits: Float[np.ndarray, "n K"], weights: Float[np.ndarray, " n"], labels: Int[np.ndarray, " n"]
    ) -> tuple[float, Float[np.ndarray, "n K"]]:
        """f(Z) = Σ_i weights_i L(Z_i, labels_i) and a (sub)gradient, in floats, for any number of rows."""
        ...


class Shares(NamedTuple):
    """Row-stochastic dual variables Π by group: the share of each other class of the own group, and of each class of other groups."""

    inner: Sequence[arb]
    outer: BallMatrix


def _slope_of_shares(logits: BallLogits, shares: Shares) -> tuple[list[arb], list[list[arb]]]:
    """diag(c)(Π − I) as inner values and outer block, for row-stochastic Π given by its entries off the diagonal.

    inner_g = −c_g (K_g π_in + Σ_h K_h π_gh),   outer_gh = c_g √(K_g K_h) π_gh,   outer_gg = −c_g Σ_h K_h π_gh.
    """
    inner, outer = [], []
    for group, size in enumerate(logits.sizes):
        weight, root = logits.weights[group], arb(size).sqrt()
        leaving = sum((logits.sizes[h] * shares.outer[group][h] for h in range(len(logits.sizes)) if h != group), arb(0))
        inner.append(-weight * (size * shares.inner[group] + leaving))
        outer.append(
            [
                -weight * leaving if h == group else weight * root * arb(logits.sizes[h]).sqrt() * shares.outer[group][h]
                for h in range(len(logits.sizes))
            ]
        )
    return inner, outer


def inner_product(logits: BallLogits, inner: Sequence[arb], outer: BallMatrix) -> arb:
    """⟨G, Z⟩ of two block-symmetric matrices."""
    total = arb(0)
    for g, size in enumerate(logits.sizes):
        total += (size - 1) * inner[g] * logits.inner[g]
        for h in range(len(logits.sizes)):
            total += outer[g][h] * logits.outer[g][h]
    return total


@lru_cache(maxsize=8)
def group_sizes(sizes: tuple[int, ...]) -> tuple[Float[np.ndarray, " G"], Float[np.ndarray, "G G"] | float]:
    """K_g, and √(K_g K_h): the same for every step of an iteration, and 1 where no group has two classes."""
    numbers = np.asarray(sizes, dtype=float)
    roots = 1.0 if max(sizes) == 1 else np.sqrt(np.outer(numbers, numbers))
    for array in (numbers, roots):
        if isinstance(array, np.ndarray):
            array.setflags(write=False)
    return numbers, roots


def margins_between(logits: GroupMatrix) -> Float[np.ndarray, "G G"]:
    """Own logit minus a logit of every other group, in floats; infinite on the diagonal."""
    sizes, roots = group_sizes(logits.sizes)
    own = logits.inner * (1 - 1 / sizes) + np.diag(logits.outer) / sizes
    margins = own[:, None] - logits.outer / roots
    np.fill_diagonal(margins, np.inf)
    return margins


def least_margins(logits: GroupMatrix) -> Float[np.ndarray, " G"]:
    """Own logit minus the largest other one, for a class of each group, in floats."""
    inside = np.where(np.asarray(logits.sizes) > 1, logits.inner, np.inf)
    return np.minimum(margins_between(logits).min(axis=1), inside)


def odds(logits: GroupMatrix) -> tuple[Float[np.ndarray, " G"], Float[np.ndarray, "G G"]]:
    """e^{−margin} inside and between groups, in floats."""
    inside = np.where(group_sizes(logits.sizes)[0] > 1, np.exp(-np.maximum(logits.inner, LEAST_MARGIN)), 0.0)
    exponents = margins_between(logits)
    np.negative(np.maximum(exponents, LEAST_MARGIN, out=exponents), out=exponents)
    return inside, np.exp(exponents, out=exponents)


@dataclass(frozen=True)
class CrossEntropy:
    """L(z, k) = logsumexp(z) − z_k."""

    attains_zero: bool = False
    attains_least: bool = False
    smooth: bool = True

    def _odds(self, logits: BallLogits, group: int) -> tuple[arb, list[arb], arb]:
        """e^{−margin} inside and between groups, and their sum over all other classes."""
        inside, between = logits.margins(group)
        odds_inside = (-inside).exp()
        odds_between = [arb(0) if margin is None else (-margin).exp() for margin in between]
        others = (logits.sizes[group] - 1) * odds_inside
        for size, odds in zip(logits.sizes, odds_between, strict=True):
            others += size * odds
        return odds_inside, odds_between, others

    def value(self, logits: BallLogits) -> arb:
        """Σ_g K_g c_g log1p(Σ_{others} e^{−margin})."""
        total = arb(0)
        for group, (size, weight) in enumerate(zip(logits.sizes, logits.weights, strict=True)):
            total += size * weight * self._odds(logits, group)[2].log1p()
        return total

    def slope(self, logits: BallLogits, shares: Shares | None = None) -> Slope:
        """G = diag(c)(softmax(Z) − I); the bound's constant is f(Z) − ⟨G, Z⟩."""
        inner_shares, outer_shares, value = [], [], arb(0)
        for group, (size, weight) in enumerate(zip(logits.sizes, logits.weights, strict=True)):
            inside, between, others = self._odds(logits, group)
            value += size * weight * others.log1p()
            inner_shares.append(inside / (1 + others))
            outer_shares.append([odds / (1 + others) for odds in between])
        inner, outer = _slope_of_shares(logits, Shares(inner_shares, outer_shares))
        return Slope(inner, outer, value - inner_product(logits, inner, outer), value)

    def minorant(self, tangent: BallLogits, shares: Shares | None = None) -> Slope:
        """The slope at these logits."""
        return self.slope(tangent)

    def affine(self, tangent: GroupMatrix, weights: Float[np.ndarray, " G"]) -> tuple[float, GroupMatrix]:
        """f(Z) − ⟨G, Z⟩ and G at these logits."""
        value, slope = self.grouped(tangent, weights)
        return value - slope.dot(tangent), slope

    def by_group(self, logits: GroupMatrix) -> Float[np.ndarray, " G"]:
        """log1p(Σ_{others} e^{−margin})."""
        sizes, _ = group_sizes(logits.sizes)
        inside, between = odds(logits)
        return np.log1p((sizes - 1) * inside + between @ sizes)

    def grouped(self, logits: GroupMatrix, weights: Float[np.ndarray, " G"]) -> tuple[float, GroupMatrix]:
        """Σ_g K_g c_g log1p(others) and the block-symmetric diag(c)(softmax(Z) − I); margins below −700 are cut off."""
        sizes, roots = group_sizes(logits.sizes)
        inside, between = odds(logits)
        leaving = between @ sizes
        others = (sizes - 1) * inside + leaving
        share = weights / (1.0 + others)
        outer = between * share[:, None]
        outer *= roots
        np.fill_diagonal(outer, -share * leaving)
        return float((sizes * weights) @ np.log1p(others)), GroupMatrix(logits.sizes, -share * (sizes * inside + leaving), outer)

    def touching(self, slope: GroupMatrix, weights: Float[np.ndarray, " G"]) -> GroupMatrix:
        """log Π for the slope diag(c)(Π − I), Π cut to positive entries and to rows whose own entry is positive."""
        sizes, roots = group_sizes(slope.sizes)
        shares = slope.outer / roots
        np.fill_diagonal(shares, np.where(sizes > 1, shares.diagonal() - slope.inner / sizes, 0.0))
        shares = np.maximum(shares / weights[:, None], LEAST_SHARE)
        leaving = shares @ sizes - shares.diagonal()
        shares *= (np.minimum(leaving, MOST_LEAVING) / leaving)[:, None]
        own, others = np.log1p(-np.minimum(leaving, MOST_LEAVING)), np.log(shares)
        outer = roots * others
        np.fill_diagonal(outer, own + (sizes - 1) * others.diagonal())
        return GroupMatrix(slope.sizes, own - others.diagonal(), outer)

    def dense(
        self, logits: Float[np.ndarray, "n K"], weights: Float[np.ndarray, " n"], labels: Int[np.ndarray, " n"]
    ) -> tuple[float, Float[np.ndarray, "n K"]]:
        """f and ∇f = diag(c)(softmax(Z) − I), shifted by the row maximum of the other classes against overflow."""
        rows = np.arange(len(labels))
        differences = logits - logits[rows, labels][:, None]
        differences[rows, labels] = -np.inf
        top = np.maximum(differences.max(axis=1), 0.0)
        odds = np.exp(differences - top[:, None])
        total = np.exp(-top) + odds.sum(axis=1)
        slope = (weights / total)[:, None] * odds
        slope[rows, labels] = -slope.sum(axis=1)
        return float(weights @ np.where(top > 0, top + np.log(total), np.log1p(odds.sum(axis=1)))), slope


@dataclass(frozen=True)
class SquaredError:
    """L(z, k) = ½ ‖z − e_k‖²."""

    attains_zero: bool = True
    attains_least: bool = True
    smooth: bool = True

    def value(self, logits: BallLogits) -> arb:
        """½ Σ_g c_g [(K_g − 1)(inner_g − 1)² + Σ_h (outer_gh − δ_gh)²]."""
        total = arb(0)
        for g, (size, weight) in enumerate(zip(logits.sizes, logits.weights, strict=True)):
            row = (size - 1) * (logits.inner[g] - 1) ** 2
            for h in range(len(logits.sizes)):
                row += (logits.outer[g][h] - int(g == h)) ** 2
            total += weight * row / 2
        return total

    def slope(self, logits: BallLogits, shares: Shares | None = None) -> Slope:
        """G = diag(c)(Z − I); the bound's constant is f(Z) − ⟨G, Z⟩."""
        inner = [value - 1 for value in logits.inner]
        outer = [[entry - int(g == h) for h, entry in enumerate(row)] for g, row in enumerate(logits.outer)]
        return self.minorant(logits._replace(inner=inner, outer=outer))

    def minorant(self, tangent: BallLogits, shares: Shares | None = None) -> Slope:
        """G = diag(c) R for the residuals R = Z − I, with the constant f(Z) − ⟨G, Z⟩ = −⟨G, I⟩ − ½⟨G, R⟩."""
        inner = [weight * value for weight, value in zip(tangent.weights, tangent.inner, strict=True)]
        outer = [[weight * entry for entry in row] for weight, row in zip(tangent.weights, tangent.outer, strict=True)]
        value = inner_product(tangent, inner, outer) / 2
        trace = sum(((size - 1) * each for size, each in zip(tangent.sizes, inner, strict=True)), arb(0))
        trace += sum((row[g] for g, row in enumerate(outer)), arb(0))
        return Slope(inner, outer, -trace - value, value)

    def affine(self, tangent: GroupMatrix, weights: Float[np.ndarray, " G"]) -> tuple[float, GroupMatrix]:
        """−⟨G, I⟩ − ½⟨G, R⟩ and G = diag(c) R for these residuals."""
        slope = tangent.weighted(weights)
        trace = float((np.asarray(slope.sizes) - 1) @ slope.inner + slope.outer.trace())
        return -trace - 0.5 * slope.dot(tangent), slope

    def by_group(self, logits: GroupMatrix) -> Float[np.ndarray, " G"]:
        """½ [(K_g − 1)(inner_g − 1)² + ‖(outer − I)_g‖²]/K_g: a group's rows share their sum of squares equally."""
        residual = logits.outer - np.eye(len(logits.sizes))
        sizes = np.asarray(logits.sizes, dtype=float)
        return 0.5 * ((sizes - 1) * (logits.inner - 1.0) ** 2 + (residual**2).sum(axis=1)) / sizes

    def grouped(self, logits: GroupMatrix, weights: Float[np.ndarray, " G"]) -> tuple[float, GroupMatrix]:
        """½ Σ_g c_g [(K_g − 1)(inner_g − 1)² + ‖(outer − I)_g‖²] and the block-symmetric diag(c)(Z − I)."""
        inner, outer = logits.inner - 1.0, logits.outer - np.eye(len(weights))
        rows = (np.asarray(logits.sizes) - 1) * inner**2 + (outer**2).sum(axis=1)
        return float(0.5 * weights @ rows), GroupMatrix(logits.sizes, weights * inner, weights[:, None] * outer)

    def touching(self, slope: GroupMatrix, weights: Float[np.ndarray, " G"]) -> GroupMatrix:
        """The residuals diag(1/c) G."""
        return slope.weighted(1.0 / weights)

    def dense(
        self, logits: Float[np.ndarray, "n K"], weights: Float[np.ndarray, " n"], labels: Int[np.ndarray, " n"]
    ) -> tuple[float, Float[np.ndarray, "n K"]]:
        """f and ∇f = diag(c)(Z − I)."""
        residual = logits - np.eye(logits.shape[1])[labels]
        return float(0.5 * weights @ (residual**2).sum(axis=1)), weights[:, None] * residual


@dataclass(frozen=True)
class Hinge:
    """L(z, k) = max(0, 1 + max_{j≠k} z_j − z_k), the multiclass hinge of crammer2001."""

    attains_zero: bool = True
    attains_least: bool = True
    smooth: bool = False

    def value(self, logits: BallLogits) -> arb:
        """Σ_g K_g c_g max(0, 1 − least margin)."""
        total = arb(0)
        for group, (size, weight) in enumerate(zip(logits.sizes, logits.weights, strict=True)):
            inside, between = logits.margins(group)
            worst = arb(0)
            for margin in [inside] * (size > 1) + [margin for margin in between if margin is not None]:
                worst = worst.max(1 - margin)
            total += size * weight * worst
        return total

    def slope(self, logits: BallLogits, shares: Shares | None = None) -> Slope:
        """G = diag(c)(Π − I) for the solver's multipliers Π; the bound's constant is Σ_k c_k (1 − Π_kk), the conjugate.

        Any Π with non-negative entries and row sums off the diagonal at most one is valid; rows that exceed one are scaled.
        """
        if shares is None:
            raise ValueError("the hinge has no gradient: its certificate needs the solver's multipliers; pass them as shares.")
        inner_shares, outer_shares, constant = [], [], arb(0)
        for group, (size, weight) in enumerate(zip(logits.sizes, logits.weights, strict=True)):
            total = (size - 1) * shares.inner[group]
            for other, share in enumerate(shares.outer[group]):
                total += logits.sizes[other] * share * int(other != group)
            excess = total.max(arb(1))
            inner_shares.append(shares.inner[group] / excess)
            outer_shares.append([share / excess for share in shares.outer[group]])
            constant += size * weight * total / excess
        inner, outer = _slope_of_shares(logits, Shares(inner_shares, outer_shares))
        return Slope(inner, outer, constant, self.value(logits))

    def minorant(self, tangent: BallLogits, shares: Shares | None = None) -> Slope:
        """That of the shares, wherever it touches."""
        return self.slope(tangent, shares)

    def affine(self, tangent: GroupMatrix, weights: Float[np.ndarray, " G"]) -> tuple[float, GroupMatrix]:
        """Not offered, as `touching`."""
        raise ValueError("the hinge is not smooth: its dual points come with shares, not with logits.")

    def by_group(self, logits: GroupMatrix) -> Float[np.ndarray, " G"]:
        """max(0, 1 − least margin)."""
        return np.maximum(0.0, 1.0 - least_margins(logits))

    def grouped(self, logits: GroupMatrix, weights: Float[np.ndarray, " G"]) -> tuple[float, GroupMatrix]:
        """Not offered: the worst competitor jumps between groups, and no route needs it."""
        raise ValueError("the hinge has no gradient to follow over groups; use route 'sdp'.")

    def touching(self, slope: GroupMatrix, weights: Float[np.ndarray, " G"]) -> GroupMatrix:
        """Not offered: the hinge has the same slope along whole rays."""
        raise ValueError("the hinge is not smooth: its dual points come with shares, not with logits.")

    def dense(
        self, logits: Float[np.ndarray, "n K"], weights: Float[np.ndarray, " n"], labels: Int[np.ndarray, " n"]
    ) -> tuple[float, Float[np.ndarray, "n K"]]:
        """f and the subgradient of one worst competitor per class."""
        rows = np.arange(len(labels))
        rivals = logits.copy()
        rivals[rows, labels] = -np.inf
        worst = rivals.argmax(axis=1)
        violation = np.maximum(0.0, 1.0 + rivals[rows, worst] - logits[rows, labels])
        slope = np.zeros_like(logits)
        active = weights * (violation > 0)
        slope[rows, worst] += active
        slope[rows, labels] -= active
        return float(weights @ violation), slope


LOSSES: dict[str, Loss] = {"cross-entropy": CrossEntropy(), "squared": SquaredError(), "hinge": Hinge()}
"""Legal names of losses."""
