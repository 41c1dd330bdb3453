"""Evaluation in balls: as sharp as the precision asked for, at a microsecond per entry and operation."""

from functools import cached_property

from flint import arb

from layerpeel.numerics import GroupMatrix, norm_bounds
from layerpeel.solvers.program._losses import BallLogits, Shares, Slope
from layerpeel.solvers.proof._evaluation import Evaluation, Minorant


class InBalls(Evaluation):
    """The evaluation entry by entry in balls, for a few groups."""

    @cached_property
    def _outer(self) -> list[list[arb]]:
        return [[arb(entry) for entry in row] for row in self.candidate.outer.tolist()]

    @cached_property
    def norm(self) -> arb:
        """Upper bound of ‖Y‖_* for the candidate as given."""
        _, total = norm_bounds(self._outer)
        for size, value in zip(self.candidate.sizes, self.candidate.inner.tolist(), strict=True):
            total += (size - 1) * abs(arb(value))
        return total

    def _logits(self, scale: arb) -> BallLogits:
        rows = [scale / d for d in self.scales]
        outer = [[row * entry for entry in entries] for row, entries in zip(rows, self._outer, strict=True)]
        if self.bias is not None:
            roots = [arb(size).sqrt() for size in self.candidate.sizes]
            shift = [root * arb(b) for root, b in zip(roots, self.bias.tolist(), strict=True)]
            outer = [
                [entry + root * b for entry, b in zip(entries, shift, strict=True)] for root, entries in zip(roots, outer, strict=True)
            ]
        inner = [row * value for row, value in zip(rows, self.candidate.inner.tolist(), strict=True)]
        return BallLogits(self.candidate.sizes, self.weights, inner, outer)

    def loss(self, scale: arb) -> arb:
        """f at a multiple of the candidate."""
        if scale is self.scale and self.tangent is None:
            return self._slope.value
        return self.problem.loss_function.value(self._logits(scale))

    @cached_property
    def _slope(self) -> Slope:
        loss, shares = self.problem.loss_function, _ball_shares(self.shares)
        if self.tangent is None:
            return loss.slope(self._logits(self.scale), shares)
        inner = [arb(value) for value in self.tangent.inner.tolist()]
        outer = [[arb(entry) for entry in row] for row in self.tangent.outer.tolist()]
        return loss.minorant(BallLogits(self.tangent.sizes, self.weights, inner, outer), shares)

    def minorant(self, *, sharp: bool = True) -> Minorant:
        """The dual point's minorant."""
        sizes, slope = self.candidate.sizes, self._slope
        norm, _ = norm_bounds([[entry / d for entry in row] for d, row in zip(self.scales, slope.outer, strict=True)])
        for size, d, value in zip(sizes, self.scales, slope.inner, strict=True):
            if size > 1:
                norm = norm.max(abs(value) / d)
        drift = arb(0)
        if self.problem.bias_penalty is not None:
            roots = [arb(size).sqrt() for size in sizes]
            for column in zip(*slope.outer, strict=True):
                drift += sum((root * entry for root, entry in zip(roots, column, strict=True)), arb(0)) ** 2
            drift /= 2 * arb(self.problem.bias_penalty)
        return Minorant(slope.constant, norm, drift)


def _ball_shares(shares: GroupMatrix | None) -> Shares | None:
    if shares is None:
        return None
    groups = range(len(shares.sizes))
    inside = [arb(max(shares.entry(g, g), 0.0)) if shares.sizes[g] > 1 else arb(0) for g in groups]
    return Shares(inside, [[arb(max(shares.entry(g, h), 0.0)) if g != h else arb(0) for h in groups] for g in groups])
