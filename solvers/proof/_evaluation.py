"""What a certificate is made of, whatever arithmetic evaluates it: a feasible point's objective, and a dual point's minorant."""

from abc import ABC, abstractmethod
from functools import cached_property
from typing import NamedTuple

import numpy as np
from flint import arb

from layerpeel.array_words import Float
from layerpeel.numerics import GroupMatrix, UnusableInput
from layerpeel.solvers.program._problem import LayerPeeled, Problem, UnconstrainedFeatures

Factors = tuple[Float[np.ndarray, "G r"], Float[np.ndarray, "G r"]]
"""Two factors of a block between groups."""


def require_fitting(problem: Problem, *parts: GroupMatrix | Float[np.ndarray, " n"] | None) -> None:
    """Check that matrices and biases belong to the problem's groups: a bound from others would look like one.

    Raises:
        UnusableInput: for other groups.
    """
    for part in parts:
        if isinstance(part, GroupMatrix) and part.sizes != problem.sizes:
            raise UnusableInput(
                f"a matrix has groups of {part.sizes} classes and the problem groups of {problem.sizes}: they must be the same; make it "
                "with GroupMatrix.average over the problem's sizes."
            )
        if isinstance(part, np.ndarray) and len(part) != len(problem.sizes):
            raise UnusableInput(
                f"the bias has {len(part)} numbers for {len(problem.sizes)} groups: it must have one for each; give as many."
            )


def exact_radius(problem: LayerPeeled) -> arb:
    """τ = √(K E_W · E_H Σ d_k²) as a ball."""
    per_class = problem.num_classes * (arb(problem.feature_energy) * arb(problem.weight_energy)).sqrt()
    if problem.norm_weights == "class":
        return per_class
    mass = sum((group.classes * scale**2 for group, scale in zip(problem.groups, exact_scales(problem), strict=True)), arb(0))
    return per_class * (mass / problem.num_classes).sqrt()


def exact_penalty(problem: UnconstrainedFeatures) -> arb:
    """λ = √(λ_W λ_H) as a ball."""
    return (arb(problem.feature_penalty) * arb(problem.weight_penalty)).sqrt()


def exact_weights(problem: Problem) -> list[arb]:
    """c_g as balls."""
    total = sum((group.classes * arb(group.samples) for group in problem.groups), arb(0))
    return [arb(group.samples) / total for group in problem.groups]


def exact_scales(problem: Problem) -> list[arb]:
    """d_g as balls; √n_g is the exact root."""
    if problem.norm_weights == "sample":
        return [arb(group.samples).sqrt() for group in problem.groups]
    return [arb(group.norm_weight) for group in problem.groups]


class Minorant(NamedTuple):
    """The constant of an affine minorant, and upper bounds of ‖G_Y‖_op and of ‖g‖²/(2λ_b), g = Gᵀ1 (zero without a bias)."""

    constant: arb
    norm: arb
    drift: arb


class Evaluation(ABC):
    """A candidate's objective and its dual point's minorant, as balls; the doubles that are given are exact numbers.

    Args:
        problem: the program.
        candidate: Y = diag(d) Z; scaled to the sphere of radius τ where the norm is bounded.
        shares: for the hinge, the averaged multipliers Π (only entries off the diagonal are read).
        bias: b of one class of each group; zero when not given.
        tangent: for a smooth loss, logits where its minorant touches it; the candidate's own when not given.
        factors: H and W, whose product is the candidate's block between groups, to rounding.
    """

    def __init__(
        self,
        problem: Problem,
        candidate: GroupMatrix,
        shares: GroupMatrix | None,
        bias: Float[np.ndarray, " G"] | None,
        tangent: GroupMatrix | None,
        factors: Factors | None = None,
    ) -> None:
        self.problem, self.candidate, self.shares, self.tangent, self.factors = problem, candidate, shares, tangent, factors
        self.bias = None if problem.bias_penalty is None else bias

    @cached_property
    def weights(self) -> list[arb]:
        """c_g."""
        return exact_weights(self.problem)

    @cached_property
    def scales(self) -> list[arb]:
        """d_g."""
        return exact_scales(self.problem)

    @cached_property
    @abstractmethod
    def norm(self) -> arb:
        """Upper bound of ‖Y‖_* for the candidate as given."""

    @abstractmethod
    def loss(self, scale: arb) -> arb:
        """f at a multiple of the candidate."""

    @abstractmethod
    def minorant(self, *, sharp: bool = True) -> Minorant:
        """The dual point's minorant; not sharp, its norm may be bounded faster and by a few parts in 10¹² more."""

    @cached_property
    def scale(self) -> arb:
        """What takes the candidate to the sphere of radius τ where there is one, unless the loss can be least inside."""
        if not isinstance(self.problem, LayerPeeled):
            return arb(1)
        radius = exact_radius(self.problem)
        inside = self.problem.loss_function.attains_least and self.norm <= radius
        return arb(1) if inside or not self.norm > 0 else radius / self.norm

    def objective(self, stretch: arb | None = None) -> arb:
        """F = f + λ‖Y‖_* (where it is penalised) + (λ_b/2)‖b‖², with Y stretched on from the sphere where the norm is bounded."""
        total = self.loss(self.scale if stretch is None else stretch * self.scale)
        if isinstance(self.problem, UnconstrainedFeatures):
            total += exact_penalty(self.problem) * self.norm
        if self.bias is not None and self.problem.bias_penalty is not None:
            square = sum((size * arb(b) ** 2 for size, b in zip(self.problem.sizes, self.bias.tolist(), strict=True)), arb(0))
            total += arb(self.problem.bias_penalty) / 2 * square
        return total
