"""Route `factored` for the hinge: Douglas–Rachford splitting, which carries logits and multipliers at once."""

import math

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics import GroupMatrix, require_memory
from layerpeel.solvers.program._losses import least_margins
from layerpeel.solvers.program._problem import LayerPeeled, Problem
from layerpeel.solvers.routes._projected import BYTES_PER_ENTRY
from layerpeel.solvers.routes._request import Candidate

MAX_ITERATIONS = 20_000
"""Groups need 50 to 500, also with minorities a million times smaller; 100 distinct counts up to 1600, 300 of them 2100."""

CHECK_EVERY = 10
"""Iterations between two evaluations of the gap, which costs another SVD."""

FIRST_STEP = 3.0
"""The first step over ‖Y‖/‖G‖ at the start: of 0.3, 1, 3, 10 and 30 the one that needed the fewest iterations on most problems."""

FIRST_EPOCH, EPOCH_GROWTH = 20, 1.6
"""The step is corrected after 20 iterations, then ever more rarely: corrections that never thin out can circle instead of converge."""

WIDEST_STEP = 100.0
"""The step stays within this factor of ‖Y‖/‖G‖: beyond it, the rounding of one player's step costs the other more than two digits."""

SPARE = 0.2
"""Share of the tolerance that is asked for here, so that a part in ten of it is kept whatever the rounding: one digit more of 9 to 12,
which linear convergence makes cheap."""

ROUNDING = 1e-15
"""A gap below this times the loss at Z = 0, which is 1, is rounding where the norm is bounded: margins of one are one to within as much.
Where it is penalised they are attained exactly, and the gap is rounding when it is below this times the value."""

LEAST_MARGIN = 1e-6
"""A multiple that would have to lengthen logits by more than its inverse is not looked at."""

EPSILON, ROUNDINGS = 2.0**-52, 32.0
"""A margin that is to be at least one is aimed at this many roundings of the largest logit above it."""


def solve_primal_dual(problem: Problem, tolerance: float, start: Candidate | None = None, iterations: int | None = None) -> Candidate:
    """Minimise the hinge over {Y : ‖Y‖_* ≤ τ}, or with the penalty λ‖Y‖_*, among block-symmetric matrices, to a relative gap.

    The hinge of a row is a maximum over shares: with π_j ≥ 0 for the other classes and Σ π_j ≤ 1,

        max(0, 1 + max_j z_j − z_k) = max_π Σ_j π_j (1 + z_j − z_k),

    so the program is a saddle point in Y and its slope G = diag(c/d)(Π − I_π), I_π the row sums of Π on the diagonal:

        min_Y max_G ⟨G, Y⟩ + Σ_k c_k Σ_j π_kj     (Y in the ball, or + λ‖Y‖_*).

    One iteration of the primal–dual method with steps t and 1/t, which for an identity coupling is Douglas–Rachford splitting, shrinks
    the singular values of Y − tG and then projects every row of G + (2Y⁺ − Y)/t onto its simplex. Every iterate is feasible for both
    players and gives a bound from either side. A step costs one SVD of a G×G block and a sort of its rows, whatever K is.

    With a bias the coupling is ⟨G, Y + d bᵀ⟩; in units of 1/‖d‖ for b its squared norm is 2, and the row step is halved.

    Args:
        problem: hinge, any counts.
        tolerance: relative gap between the two bounds that has to be met; the iteration goes on to a fifth of it (the caller certifies).
        start: where to begin; the simplex ETF with uniform shares when not given.
        iterations: how many at most.

    Returns:
        Y, the shares Π and the bias.

    Raises:
        UnusableInput: when the distinct counts are too many for the machine's memory.

    Source: chambolle2011, algorithm 1 (with an identity coupling it is Douglas–Rachford); applegate2021 for balancing the two steps.

    Example:
        >>> problem = LayerPeeled(counts=[50, 20, 10, 5], feature_energy=0.2, loss="hinge")
        >>> candidate = solve_primal_dual(problem, 1e-9)
        >>> round(candidate.matrix.nuclear_norm() / problem.radius, 9)
        1.0
    """
    distinct = len(problem.groups)
    require_memory(
        BYTES_PER_ENTRY * distinct**2, f"route 'factored' for {distinct} distinct counts", "round the counts so that classes share them"
    )
    game = _Game(problem)
    matrix, bias, slope = _start(problem, game, start)
    coupled = game.coupled(matrix, bias)
    step, tolerance = FIRST_STEP * (_ratio(coupled, slope) or 1.0), SPARE * tolerance
    epoch, next_epoch, mark = FIRST_EPOCH, FIRST_EPOCH, (coupled, slope)
    for iteration in range(MAX_ITERATIONS if iterations is None else iterations):
        matrix, bias = game.descend(matrix, bias, slope, step)
        coupled, before = game.coupled(matrix, bias), coupled
        slope = game.ascend(slope, coupled.scaled(2.0) - before, step)
        if iteration % CHECK_EVERY == 0 and game.settled(game.finished(matrix, bias)[0], slope, tolerance):
            break
        if iteration == next_epoch:
            # Where no margin pulls, the bias penalty alone does, and a step of its size takes the bias to zero.
            idle = not slope.dot(slope) > 0.0
            moved = _ratio(coupled - mark[0], slope - mark[1])
            step = step * WIDEST_STEP if idle else _balanced_step(step, moved, _ratio(coupled, slope))
            epoch = math.ceil(EPOCH_GROWTH * epoch)
            next_epoch, mark = next_epoch + epoch, (coupled, slope)
    _, matrix, bias = game.finished(matrix, bias)
    return Candidate(matrix, game.shares(slope), game.given(bias))


class _Game:
    """The two players' steps, and the bounds that their positions give. A bias is kept as √K_h b_h per group."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.sizes = np.asarray(problem.sizes, dtype=float)
        self.roots = np.sqrt(self.sizes)
        self.scales = problem.scales
        self.limits = problem.weights / self.scales
        self.column = self.roots * self.scales
        self.unit = 0.0 if problem.bias_penalty is None else 1.0 / float(self.column @ self.column)
        self.masses = self.sizes * problem.weights
        # How many other classes of group h a class of group g has.
        self.rivals = np.tile(self.sizes, (len(self.sizes), 1)) - np.eye(len(self.sizes))

    def given(self, bias: Float[np.ndarray, " G"]) -> Float[np.ndarray, " G"] | None:
        """b of one class of each group."""
        return None if self.problem.bias_penalty is None else bias / self.roots

    def coupled(self, matrix: GroupMatrix, bias: Float[np.ndarray, " G"]) -> GroupMatrix:
        """Y + d bᵀ."""
        return matrix if self.unit == 0.0 else GroupMatrix(matrix.sizes, matrix.inner, matrix.outer + np.outer(self.column, bias))

    def descend(
        self, matrix: GroupMatrix, bias: Float[np.ndarray, " G"], slope: GroupMatrix, step: float
    ) -> tuple[GroupMatrix, Float[np.ndarray, " G"]]:
        """The proximal step in Y and b."""
        target = matrix - slope.scaled(step)
        if isinstance(self.problem, LayerPeeled):
            nearest = target.projected(self.problem.radius)
        else:
            nearest = target.shrunk(step * self.problem.penalty)
        if self.problem.bias_penalty is None:
            return nearest, bias
        return nearest, (bias - step * self.unit * (self.column @ slope.outer)) / (1.0 + step * self.unit * self.problem.bias_penalty)

    def ascend(self, slope: GroupMatrix, reflected: GroupMatrix, step: float) -> GroupMatrix:
        """The proximal step in G: every row is projected onto {(q, −Σq) : q ≥ 0, Σq ≤ c/d}, with d·Σq rewarded.

        With v = G + σ(2Y⁺ − Y) the row's q_j are max(v_j − θ, 0), for θ = Σq + v_own − σd, or larger where Σq would exceed c/d. Both
        are the root of a piecewise linear equation whose pieces begin at the sorted v_j.
        """
        pace = (1.0 if self.unit == 0.0 else 0.5) / step
        own, others = _entries(slope + reflected.scaled(pace))
        order = np.argsort(-others, axis=1)
        sorted_others, rivals = np.take_along_axis(others, order, 1), np.take_along_axis(self.rivals, order, 1)
        counted, summed = np.cumsum(rivals, axis=1), np.cumsum(rivals * sorted_others, axis=1)
        free = own - pace * self.scales
        full = (summed - self.limits[:, None]) / np.maximum(counted, 0.5)
        part = (summed + free[:, None]) / (counted + 1.0)
        level = np.maximum(_last_below(full, sorted_others, -np.inf), _last_below(part, sorted_others, free))
        return self.slope(np.maximum(others - level[:, None], 0.0))

    def slope(self, others: Float[np.ndarray, "G G"]) -> GroupMatrix:
        """G from its entries between different classes; rows sum to zero."""
        outer = others * np.outer(self.roots, self.roots)
        leaving = others @ self.sizes - np.diag(others) * self.sizes
        np.fill_diagonal(outer, -leaving)
        return GroupMatrix(self.problem.sizes, -leaving - np.diag(others) * self.sizes, outer)

    def finished(self, matrix: GroupMatrix, bias: Float[np.ndarray, " G"]) -> tuple[float, GroupMatrix, Float[np.ndarray, " G"]]:
        """The best point that a position offers without another iteration, after its objective.

        The program is homogeneous but for the ones in the margins. Where the norm is penalised, margins of 1 − δ cost δ times a weight
        that a slight penalty makes vast: a multiple of Y and b attains margins of one, exactly, for δ times the penalties. The best
        multiple s has a margin s·m_g = 1, unless s = 1 is better.
        """
        problem = self.problem
        logits = problem.logits(matrix, self.given(bias))
        margins = least_margins(logits)
        squares = 0.0 if problem.bias_penalty is None else 0.5 * problem.bias_penalty * float(bias @ bias)
        if isinstance(problem, LayerPeeled):
            value = float(self.masses @ np.maximum(0.0, 1.0 - margins))
            return value + squares, matrix, bias
        size = problem.penalty * matrix.nuclear_norm()
        largest = float(max(np.abs(logits.inner).max(), np.abs(logits.outer / np.outer(self.roots, self.roots)).max()))
        slack = ROUNDINGS * EPSILON * largest
        stretches = np.append(1.0, 1.0 / margins[margins > LEAST_MARGIN])
        stretches *= 1.0 + slack * stretches
        losses = np.maximum(0.0, 1.0 + 0.5 * slack * stretches[:, None] - np.outer(stretches, margins))
        values = losses @ self.masses + stretches * size + stretches**2 * squares
        best = int(np.argmin(values))
        return float(values[best]), matrix.scaled(float(stretches[best])), float(stretches[best]) * bias

    def settled(self, value: float, slope: GroupMatrix, tolerance: float) -> bool:
        """Whether the two bounds meet to the tolerance, or the loss is zero inside the ball as far as the tolerance goes."""
        problem, norm = self.problem, slope.spectral_norm()
        constant = float((self.sizes * self.scales) @ -_entries(slope)[0])
        if isinstance(problem, LayerPeeled):
            multiple, bound = 1.0, constant - problem.radius * norm
        else:
            multiple = min(1.0, problem.penalty / norm) if norm > 0.0 else 1.0
            bound = multiple * constant
        if problem.bias_penalty is not None:
            bound -= 0.5 * multiple**2 / problem.bias_penalty * float(np.sum((self.column @ slope.outer) ** 2))
        negligible = isinstance(problem, LayerPeeled) and value <= tolerance
        floor = ROUNDING if isinstance(problem, LayerPeeled) else ROUNDING * value
        return negligible or value - bound <= max(tolerance * value, floor)

    def shares(self, slope: GroupMatrix) -> GroupMatrix:
        """Π from G: row k times d_k/c_k, with nothing on the diagonal."""
        others = np.maximum(_entries(slope)[1], 0.0) / self.limits[:, None]
        inside = np.where(self.sizes > 1, np.diag(others), 0.0)
        outer = others * np.outer(self.roots, self.roots)
        np.fill_diagonal(outer, (self.sizes - 1.0) * inside)
        return GroupMatrix(self.problem.sizes, -inside, outer)


def _entries(matrix: GroupMatrix) -> tuple[Float[np.ndarray, " G"], Float[np.ndarray, "G G"]]:
    """The diagonal entry of a class of each group, and the entries between different classes."""
    sizes = np.asarray(matrix.sizes, dtype=float)
    others = matrix.outer / np.sqrt(np.outer(sizes, sizes))
    others[np.diag_indices_from(others)] -= matrix.inner / sizes
    return matrix.inner * (1.0 - 1.0 / sizes) + np.diag(matrix.outer) / sizes, others


def _last_below(
    levels: Float[np.ndarray, "G G"], descending: Float[np.ndarray, "G G"], default: Float[np.ndarray, " G"] | float
) -> Float[np.ndarray, " G"]:
    """Per row, the last level that lies below the entry it was computed up to."""
    below = descending > levels
    last = below.shape[1] - 1 - np.argmax(below[:, ::-1], axis=1)
    return np.where(below.any(axis=1), np.take_along_axis(levels, last[:, None], 1)[:, 0], default)


def _ratio(matrix: GroupMatrix, slope: GroupMatrix) -> float:
    """‖Y‖_F/‖G‖_F, or zero where one of them is zero."""
    square = slope.dot(slope)
    return math.sqrt(matrix.dot(matrix) / square) if square > 0.0 else 0.0


def _balanced_step(step: float, moved: float, size: float) -> float:
    """Half way, in logs, to the ratio of the two players' moves."""
    if moved == 0.0 or size == 0.0:
        return step
    return min(max(math.sqrt(step * moved), size / WIDEST_STEP), size * WIDEST_STEP)


def _start(problem: Problem, game: _Game, start: Candidate | None) -> tuple[GroupMatrix, Float[np.ndarray, " G"], GroupMatrix]:
    """Y, b and G: as given, or the simplex ETF with margins of one, as far as the ball allows, and uniform shares; see `_bounded`."""
    classes, count = problem.num_classes, len(problem.sizes)
    uniform = game.slope(np.tile((game.limits / (classes - 1))[:, None], (1, count)))
    if start is not None:
        slope = uniform if start.shares is None else game.slope(game.limits[:, None] * _entries(start.shares)[1])
        return start.matrix, np.zeros(count) if start.bias is None else start.bias * game.roots, _bounded(problem, slope)
    spread = min(1.0, problem.radius / (classes - 1)) if isinstance(problem, LayerPeeled) else 1.0
    direction = game.roots / math.sqrt(classes)
    etf = GroupMatrix(problem.sizes, np.full(count, spread), spread * (np.eye(count) - np.outer(direction, direction)))
    return etf.weighted(game.scales), np.zeros(count), _bounded(problem, uniform)


def _bounded(problem: Problem, slope: GroupMatrix) -> GroupMatrix:
    """Where the norm is penalised, the optimal G has ‖G‖_op ≤ λ: a start of that size, since with it begins the step, ‖Y‖/‖G‖."""
    if isinstance(problem, LayerPeeled) or (norm := slope.spectral_norm()) <= problem.penalty:
        return slope
    return slope.scaled(problem.penalty / norm)
