"""The semidefinite program's own unknown: its three blocks and both multipliers, enclosed around what a conic solver returns.

The energies are two constraints here, never a product. For every slope G of an affine minorant c + ⟨G, Z⟩ ≤ f(Z) and α, β > 0 with
4αβ = ‖G‖², S = [[αI, G/2], [Gᵀ/2, βI]] is positive semidefinite, so for every feasible X

    f(Z) ≥ c − K(αE_H + βE_W) + ⟨S, X⟩.

The first two terms are a lower bound of f*. At the optimum X* = FFᵀ, F = [H; W], what f* exceeds it by, ε, bounds ⟨S, X*⟩ = ‖S^{1/2}F‖²,
hence ‖αH + GW/2‖² and ‖GᵀH/2 + βW‖² by (α + β)ε, and

    ‖X*_HH + Z*Gᵀ/(2α)‖ ≤ √(K E_H (α + β) ε)/α,      ‖X*_WW + Z*ᵀG/(2β)‖ ≤ √(K E_W (α + β) ε)/β.

What the solver's own blocks leave in the same two conditions, and how far its logits are from the optimal ones, is the rest of the
distance. No singular value of the logits is looked at, and no ratio of energies is put in: α and β are the solver's multipliers.
"""

import math
from functools import cached_property

import numpy as np
from flint import arb, arb_mat, ctx

from layerpeel.array_words import Float
from layerpeel.numerics import PRECISION, Bracket, GroupMatrix, UnusableInput, require_instance, to_bracket, validated
from layerpeel.solvers._enclosures import ROUNDING, Enclosures, around, cosine_of, root_of
from layerpeel.solvers._solution import Solution
from layerpeel.solvers._solve import solve
from layerpeel.solvers.program._losses import LOSSES
from layerpeel.solvers.program._problem import LayerPeeled
from layerpeel.solvers.proof._in_balls import InBalls
from layerpeel.solvers.routes._sdp import PRECISIONS, SolverFailed, find_point, pose, require_solver

REFINED = 1e-16
"""Relative gap of the point that proves the slope G, about what doubles resolve: the distances go with its root."""


class Blocks:
    """Brackets that contain the blocks of *the* optimal X of the semidefinite program.

    Indices are groups, as in `Enclosures`.

    Args:
        problem: the program; cross-entropy, class norms and no bias.
        gram: X in R^{2K×2K} as a conic solver returns it, features first, classes group by group.
        multipliers: (α, β) of the energies of features and classifiers, as the solver returns them.

    Raises:
        UnusableInput: for another loss, other norms or a bias.
        SolverFailed: when a multiplier is not positive: with cross-entropy both energies are always used up.
    """

    def __init__(self, problem: LayerPeeled, gram: Float[np.ndarray, "m m"], multipliers: tuple[float, float]) -> None:
        require_instance(problem, LayerPeeled, "the problem", made="from counts and energies")
        if problem.loss != "cross-entropy" or not problem.unweighted or problem.bias_penalty is not None:
            raise UnusableInput(f"{problem!r}: blocks are enclosed for cross-entropy with class norms and no bias; leave the rest out.")
        if not min(multipliers) > 0.0:
            raise SolverFailed(f"the multipliers of the energies are {multipliers}, and both must be positive; try another solver.")
        self.problem, self._multipliers, self._gram = problem, multipliers, (gram + gram.T) / 2

    @cached_property
    def _near(self) -> Solution[LayerPeeled]:
        return solve(self.problem, route="factored", tolerance=REFINED)

    @cached_property
    def value(self) -> Bracket:
        """f*: from above by the solver's X, each of its halves scaled to its own energy; from below by the two multipliers."""
        classes, energies = self.problem.num_classes, (self.problem.feature_energy, self.problem.weight_energy)
        values, axes = np.linalg.eigh(self._gram)
        factor = axes * np.sqrt(np.maximum(values, 0.0))
        with ctx.workprec(PRECISION):
            halves = [arb_mat(half.tolist()) for half in (factor[:classes], factor[classes:])]
            h, w = (half * (classes * arb(energy) / _sum_of_squares(half)).sqrt() for half, energy in zip(halves, energies, strict=True))
            total, value = sum((group.classes * arb(group.samples) for group in self.problem.groups), arb(0)), arb(0)
            counts = [arb(group.samples) for group in self.problem.groups for _ in range(group.classes)]
            for k, (count, row) in enumerate(zip(counts, (h * w.transpose()).tolist(), strict=True)):
                odds = sum(((entry - row[k]).exp() for j, entry in enumerate(row) if j != k), arb(0))
                value += count / total * odds.log1p()
            constant, norm, _ = InBalls(self.problem, self._near.matrix, None, None, self._near.tangent).minorant()
            alpha, beta = (norm / 2 * (arb(mine) / arb(other)).sqrt() for mine, other in (self._multipliers, self._multipliers[::-1]))
            bound = constant - classes * (alpha * arb(energies[0]) + beta * arb(energies[1]))
            return Bracket(min(to_bracket(bound).lower, to_bracket(value).upper), to_bracket(value).upper, rigorous=True)

    @cached_property
    def _slope(self) -> Float[np.ndarray, "K K"]:
        """G, at the logits where the minorant touches."""
        touching = self._near.tangent if self._near.tangent is not None else self._near.matrix
        return LOSSES["cross-entropy"].grouped(touching, self.problem.weights)[1].dense()

    @cached_property
    def _blocks(self) -> tuple[GroupMatrix, GroupMatrix, GroupMatrix]:
        """X_HH, X_WW and the logits between them, averaged over relabellings."""
        classes, sizes = self.problem.num_classes, self.problem.sizes
        blocks = self._gram[:classes, :classes], self._gram[classes:, classes:], self._gram[:classes, classes:]
        features, weights, logits = (GroupMatrix.average(block, sizes) for block in blocks)
        return features, weights, logits

    @cached_property
    def _radii(self) -> tuple[float, float, float]:
        """Frobenius distances of the three blocks from those of X*, at most."""
        features, weights, logits = (block.dense() for block in self._blocks)
        near, slope, classes = self._near, self._slope, self.problem.num_classes
        norm = float(np.linalg.norm(slope, 2)) * (1 + ROUNDING)
        alpha, beta = (norm / 2 * math.sqrt(mine / other) for mine, other in (self._multipliers, self._multipliers[::-1]))
        excess = max(min(self.value.upper, near.value.upper) - self.value.lower, 0.0) * (alpha + beta)
        away = float(np.linalg.norm(logits - near.matrix.dense())) + near.distance_bound + ROUNDING * near.matrix.nuclear_norm()
        radii = []
        for block, product, multiplier, energy in (
            (features, logits @ slope.T, alpha, self.problem.feature_energy),
            (weights, logits.T @ slope, beta, self.problem.weight_energy),
        ):
            left = float(np.linalg.norm(block + product / (2 * multiplier))) + ROUNDING * float(np.linalg.norm(block))
            radii.append(left + norm / (2 * multiplier) * away + math.sqrt(classes * energy * excess) / multiplier)
        return radii[0], radii[1], away

    def _square(self, half: int, g: int) -> Bracket:
        return around(self._blocks[half].diagonal(g), self._radii[half] / math.sqrt(self.problem.sizes[g]), floor=0.0)

    def feature_norm(self, g: int) -> Bracket:
        """‖h_k‖ of the class means of a group."""
        return root_of(self._square(0, g))

    def classifier_norm(self, g: int) -> Bracket:
        """‖w_k‖ of the classes of a group."""
        return root_of(self._square(1, g))

    def alignment(self, g: int) -> Bracket:
        """Cosine between h_k and w_k of one class."""
        own = around(self._blocks[2].diagonal(g), self._radii[2] / math.sqrt(self.problem.sizes[g]))
        return cosine_of(own, self._square(0, g), self._square(1, g))

    def feature_cosine(self, g: int) -> Bracket:
        """Cosine between the means of two different classes of a group."""
        return self._inner_cosine(0, g)

    def classifier_cosine(self, g: int) -> Bracket:
        """Cosine between the classifiers of two different classes of a group."""
        return self._inner_cosine(1, g)

    def _inner_cosine(self, half: int, g: int) -> Bracket:
        size = self._require_pair(g)
        product = around(self._blocks[half].entry(g, g), self._radii[half] / math.sqrt(size * (size - 1)))
        return cosine_of(product, self._square(half, g), self._square(half, g))

    def classifier_distance(self, g: int) -> Bracket:
        """‖w_k − w_l‖ between two classes of a group."""
        size = self._require_pair(g)
        return root_of(around(float(self._blocks[1].inner[g]), self._radii[1] / math.sqrt(size - 1), floor=0.0), 2.0)

    def coincide(self, g: int) -> bool:
        """Whether the classifiers of a group certainly coincide.

        On differences inside the group G is a multiple γ of the identity, and αH + GW/2 = 0 = GᵀH/2 + βW leaves room for H and W there
        only if γ² = 4αβ: what the slope at the optimum certainly excludes.
        """
        self._require_pair(g)
        return Enclosures(self._near).inner_vanishes(g)

    def energies(self) -> tuple[Bracket, Bracket]:
        """(1/K) Σ‖h_k‖² and (1/K) Σ‖w_k‖²."""
        features, weights = (
            around(float(np.trace(self._blocks[half].dense())) / self.problem.num_classes, self._radii[half] / self._root, floor=0.0)
            for half in (0, 1)
        )
        return features, weights

    def self_duality(self) -> Bracket:
        """The squared cosine between H and W as vectors, (tr Z)²/(Σ‖h_k‖² Σ‖w_k‖²): one exactly when h_k = C w_k for all classes."""
        trace = around(float(np.trace(self._blocks[2].dense())) / self.problem.num_classes, self._radii[2] / self._root)
        cosine = cosine_of(trace, *self.energies())
        return Bracket(max(cosine.lower, 0.0) ** 2 * (1 - ROUNDING), min(cosine.upper**2 * (1 + ROUNDING), 1.0), rigorous=True)

    @property
    def _root(self) -> float:
        return math.sqrt(self.problem.num_classes)

    def _require_pair(self, g: int) -> int:
        size = self.problem.sizes[g]
        if size == 1:
            raise UnusableInput(f"group {g} has 1 class: there is no second class to compare it with; use a larger group.")
        return size


@validated
def solve_blocks(problem: LayerPeeled, *, solver: str = "scs") -> Blocks:
    """Solve the 2K × 2K semidefinite program of the source, and enclose its blocks.

        X = [H; W] [H; W]ᵀ ⪰ 0,   tr X_HH ≤ K E_H,   tr X_WW ≤ K E_W,   min Σ_k c_k L(X_HW,k, k).

    Args:
        problem: the program: cross-entropy, class norms, no bias; small K.
        solver: conic solver: "clarabel", "scs" or "mosek".

    Raises:
        UnusableInput: for another loss than cross-entropy, norm weights or a bias, or a missing solver.
        SolverFailed: when the solver returns no point.

    Source: su2024, "Convex relaxation".

    Example:
        >>> blocks = solve_blocks(LayerPeeled(counts=[5, 5, 5], feature_energy=2.0))
        >>> blocks.feature_norm(0).contains(2.0**0.5), blocks.classifier_norm(0).contains(1.0), blocks.alignment(0).contains(1.0)
        (True, True, True)
    """
    require_solver(solver)
    import cvxpy as cp

    posed = pose(cp, problem)
    find_point(cp, posed.program, solver, PRECISIONS[solver][-1])
    alpha, beta = (float(energy.dual_value) for energy in posed.energies)
    return Blocks(problem, np.asarray(posed.gram.value), (alpha, beta))


def _sum_of_squares(matrix: arb_mat) -> arb:
    return sum((entry**2 for row in matrix.tolist() for entry in row), arb(0))
