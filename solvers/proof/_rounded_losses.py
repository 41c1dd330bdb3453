"""The losses over many groups: value and dual slope as in balls, in doubles that carry bounds on their errors."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from flint import arb

from layerpeel.array_words import Float
from layerpeel.numerics import GroupMatrix, Rounded
from layerpeel.solvers.program._adjusted_loss import AdjustedCrossEntropy
from layerpeel.solvers.program._problem import Problem


class RoundedLogits(NamedTuple):
    """Block-symmetric logits: group sizes, exact weights c_g, inner values, and the outer G×G block."""

    sizes: Float[np.ndarray, " G"]
    weights: list[arb]
    inner: Rounded
    outer: Rounded

    def margins(self) -> Rounded:
        """Margins of a class over the classes of every other group; on the diagonal nothing of use. Inside a group it is `inner`."""
        own = self.inner * (self.sizes - 1.0) / self.sizes + self.outer.diagonal() / self.sizes
        return own[:, None] - self.outer / roots_of_products(self.sizes)


class RoundedSlope(NamedTuple):
    """A dual point: G as inner values and outer block, and the constant of its minorant."""

    inner: Rounded
    outer: Rounded
    constant: arb


def roots_of_products(sizes: Float[np.ndarray, " G"]) -> Rounded:
    """√(K_g K_h)."""
    roots = Rounded.root(sizes)
    return roots[:, None] * roots[None, :]


def _cross_entropy_odds(logits: RoundedLogits) -> tuple[Rounded, Rounded, Rounded, Rounded]:
    """Margins between groups, e^{−margin} inside and between groups, and the sum of the latter over the classes of other groups."""
    margins = logits.margins()
    inside = (-logits.inner).exp() * np.where(logits.sizes > 1, 1.0, 0.0)
    between = (-margins).exp().with_diagonal(Rounded.exact(np.zeros_like(logits.sizes)))
    return margins, inside, between, (between * logits.sizes).sum(axis=1)


def _cross_entropy_value(logits: RoundedLogits) -> arb:
    """Σ_g K_g c_g log1p(Σ_{others} e^{−margin})."""
    _, inside, _, leaving = _cross_entropy_odds(logits)
    return _sum_of_log1p(logits, inside * (logits.sizes - 1.0) + leaving)


def _sum_of_log1p(logits: RoundedLogits, others: Rounded) -> arb:
    terms = zip(logits.sizes.tolist(), logits.weights, others.balls(), strict=True)
    return sum((size * weight * odds.log1p() for size, weight, odds in terms), arb(0))


def _cross_entropy_slope(logits: RoundedLogits, shares: GroupMatrix | None) -> RoundedSlope:
    """G = diag(c)(softmax(Z) − I); f(Z) − ⟨G, Z⟩ = f(Z) + Σ_k c_k Σ_{others} p · margin."""
    margins, inside, between, leaving = _cross_entropy_odds(logits)
    others = inside * (logits.sizes - 1.0) + leaving
    share = Rounded.enclosing(logits.weights) / (others + 1.0)
    outer = (between * roots_of_products(logits.sizes) * share[:, None]).with_diagonal(-(share * leaving))
    pull = inside * (logits.sizes - 1.0) * logits.inner + (between * logits.sizes * margins).sum(axis=1)
    constant = _sum_of_log1p(logits, others) + (pull * share * logits.sizes).total()
    return RoundedSlope(-(share * (inside * logits.sizes + leaving)), outer, constant)


def _adjusted(loss: AdjustedCrossEntropy, logits: RoundedLogits) -> tuple[RoundedLogits, RoundedLogits]:
    """Z diag(Δ), and U."""
    roots = Rounded.root(logits.sizes)
    scaled = logits._replace(inner=logits.inner * loss.scale, outer=logits.outer * loss.scale[None, :])
    moved = scaled.outer + roots[:, None] * (roots * loss.shift)[None, :]
    behind = moved.with_diagonal(moved.diagonal() - loss.margin)
    return scaled, logits._replace(inner=scaled.inner - loss.margin, outer=behind)


def _adjusted_value(loss: AdjustedCrossEntropy, logits: RoundedLogits) -> arb:
    """The plain loss of U, and Σ_g K_g c_g (δ/K) Σ_j (u_k − u_j)."""
    _, changed = _adjusted(loss, logits)
    between = changed.margins().with_diagonal(Rounded.exact(np.zeros_like(logits.sizes)))
    ahead = changed.inner * (logits.sizes - 1.0) + (between * logits.sizes).sum(axis=1)
    linear = (ahead * Rounded.enclosing(logits.weights) * logits.sizes).total()
    return _cross_entropy_value(changed) + linear * arb(loss.smoothing) / loss.num_classes


def _adjusted_slope(loss: AdjustedCrossEntropy, logits: RoundedLogits) -> RoundedSlope:
    """G = diag(c)(softmax(U) − (1 − δ) I − (δ/K) 11ᵀ) diag(Δ).

    With V = Z diag(Δ), f(Z) − ⟨G, Z⟩ is the plain loss of U, with Σ_k c_k Σ_{others} p · (margin of V) as without adjustments, and what
    the linear part in U = V + const has of the constant: δ Σ_k c_k (ι_k − mean ι − m_k (K − 1)/K).
    """
    scaled, changed = _adjusted(loss, logits)
    sizes, classes, smoothing = logits.sizes, loss.num_classes, arb(loss.smoothing)
    _, inside, between, leaving = _cross_entropy_odds(changed)
    others = inside * (sizes - 1.0) + leaving
    weights = Rounded.enclosing(logits.weights)
    share, pull = weights / (others + 1.0), Rounded.enclosing(smoothing * weight for weight in logits.weights)
    products = roots_of_products(sizes)
    outer = between * products * share[:, None] - products * (pull / float(classes))[:, None]
    outer = outer.with_diagonal(pull * (1.0 - Rounded.exact(sizes) / float(classes)) - share * leaving)
    inner = pull - share * (inside * sizes + leaving)
    ahead = inside * (sizes - 1.0) * scaled.inner + (between * sizes * scaled.margins()).sum(axis=1)
    constant = _sum_of_log1p(changed, others) + (ahead * share * sizes).total()
    shift, margin = ([arb(each) for each in values.tolist()] for values in (loss.shift, loss.margin))
    mean = sum((size * each for size, each in zip(loss.sizes, shift, strict=True)), arb(0)) / classes
    for size, weight, moved, least in zip(loss.sizes, logits.weights, shift, margin, strict=True):
        constant += smoothing * size * weight * (moved - mean - least * (classes - 1) / classes)
    return RoundedSlope(inner * loss.scale, outer * loss.scale[None, :], constant)


def _residuals(logits: RoundedLogits) -> tuple[Rounded, Rounded]:
    return logits.inner - 1.0, logits.outer.with_diagonal(logits.outer.diagonal() - 1.0)


def _squared_value(logits: RoundedLogits) -> arb:
    """½ Σ_g c_g [(K_g − 1)(inner_g − 1)² + Σ_h (outer_gh − δ_gh)²]."""
    inner, outer = _residuals(logits)
    rows = inner * inner * (logits.sizes - 1.0) + (outer * outer).sum(axis=1)
    return (Rounded.enclosing(logits.weights) * rows).total() / 2


def _squared_slope(logits: RoundedLogits, shares: GroupMatrix | None) -> RoundedSlope:
    """G = diag(c)(Z − I), that of the residuals."""
    inner, outer = _residuals(logits)
    return _squared_minorant(logits._replace(inner=inner, outer=outer), shares)


def _squared_minorant(tangent: RoundedLogits, shares: GroupMatrix | None) -> RoundedSlope:
    """G = diag(c) R for the residuals R = Z − I; f(Z) − ⟨G, Z⟩ with ½r² − rz = −r(r/2 + 1) on the diagonal and −r²/2 elsewhere."""
    inner, outer = tangent.inner, tangent.outer
    rows = (inner * (inner * 0.5 + 1.0)) * (tangent.sizes - 1.0) + (outer * outer * 0.5).sum(axis=1) + outer.diagonal()
    weights = Rounded.enclosing(tangent.weights)
    return RoundedSlope(weights * inner, outer * weights[:, None], -(weights * rows).total())


def _hinge_value(logits: RoundedLogits) -> arb:
    """Σ_g K_g c_g max(0, 1 − least margin)."""
    nobody = Rounded.exact(np.full_like(logits.sizes, np.inf))
    several = logits.sizes > 1
    inside = Rounded(np.where(several, logits.inner.middle, nobody.middle), np.where(several, logits.inner.radius, nobody.radius))
    worst = (-logits.margins().with_diagonal(inside)).max(axis=1)
    return ((worst + 1.0).maximum(0.0) * Rounded.enclosing(logits.weights) * logits.sizes).total()


def _hinge_slope(logits: RoundedLogits, shares: GroupMatrix | None) -> RoundedSlope:
    """G = diag(c)(Π − I) with the constant Σ_k c_k (1 − Π_kk), for the entries of Π off the diagonal; rows that exceed one are scaled."""
    if shares is None:
        raise ValueError("the hinge has no gradient: its certificate needs the solver's multipliers; pass them as shares.")
    products, sizes, weights = roots_of_products(logits.sizes), logits.sizes, Rounded.enclosing(logits.weights)
    own = Rounded.exact(shares.inner) / sizes * np.where(sizes > 1, 1.0, 0.0)
    given = Rounded.exact(shares.outer) / products
    given = given.with_diagonal((given.diagonal() - own) * np.where(sizes > 1, 1.0, 0.0)).maximum(0.0)
    rows = (given * (sizes - np.eye(len(sizes)))).sum(axis=1)
    given = given / rows.maximum(1.0)[:, None]
    inside = given.diagonal()
    leaving = (given.with_diagonal(Rounded.exact(np.zeros_like(sizes))) * sizes).sum(axis=1)
    outer = (given * products * weights[:, None]).with_diagonal(-(weights * leaving))
    constant = (weights * (inside * (sizes - 1.0) + leaving) * sizes).total()
    return RoundedSlope(-(weights * (inside * sizes + leaving)), outer, constant)


ROUNDED_VALUES: dict[str, Callable[[RoundedLogits], arb]] = {
    "cross-entropy": _cross_entropy_value,
    "squared": _squared_value,
    "hinge": _hinge_value,
}
"""f(Z) by the name of the loss."""

ROUNDED_SLOPES: dict[str, Callable[[RoundedLogits, GroupMatrix | None], RoundedSlope]] = {
    "cross-entropy": _cross_entropy_slope,
    "squared": _squared_slope,
    "hinge": _hinge_slope,
}
"""Dual points by the name of the loss; the shares are for the hinge."""

ROUNDED_MINORANTS = {**ROUNDED_SLOPES, "squared": _squared_minorant}
"""The same at a tangent, which for the squared error is given by its residuals."""


def rounded_value(problem: Problem, logits: RoundedLogits) -> arb:
    """f(Z) of the problem's loss."""
    loss = problem.loss_function
    return _adjusted_value(loss, logits) if isinstance(loss, AdjustedCrossEntropy) else ROUNDED_VALUES[problem.loss](logits)


def rounded_slope(problem: Problem, logits: RoundedLogits, shares: GroupMatrix | None, *, touching: bool) -> RoundedSlope:
    """The dual point at logits, or at a tangent."""
    loss = problem.loss_function
    if isinstance(loss, AdjustedCrossEntropy):
        return _adjusted_slope(loss, logits)
    return (ROUNDED_MINORANTS if touching else ROUNDED_SLOPES)[problem.loss](logits, shares)
