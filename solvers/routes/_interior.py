"""The last resort of route `factored`: a barrier method in extended precision, for a few groups that doubles do not resolve.

Weights over many orders of magnitude bend the loss so unequally that gradients would need millions of steps, and energies from 10⁶ on
make it smaller than the smallest double. Newton's method does not notice the one, and some hundred bits do not notice the other.
"""

from typing import NamedTuple

import numpy as np
from flint import arb, arb_mat, ctx

from layerpeel.numerics import GroupMatrix
from layerpeel.solvers.program._problem import LayerPeeled, Problem
from layerpeel.solvers.proof._evaluation import exact_penalty, exact_radius, exact_scales, exact_weights
from layerpeel.solvers.routes._request import Candidate

BITS = 512
"""Working precision: in the end the Hessian's condition is 1/GAP² times the square of the ratio of weights."""

GAP = 1e-20
"""Relative gap at which to stop: far below what rounding the logits to doubles leaves."""

GROWTH = 30.0
"""From one centre to the next, the objective weighs this much more against the barrier."""

CENTRED, LAST, STEPS = 1e-1, 1e-12, 300
"""Squared Newton decrement that makes a centre, and the last one; steps for a centre at most: two to five are usual, but from far away
an exponential lets itself be lowered by no more than a factor e at a time."""

SUFFICIENT, SHORTEST = 0.1, 2.0**-100
"""Share of the decrease promised by the slope that a step must bring, and the shortest part of a Newton step that is tried."""

MOST_GROUPS = 8
"""Most groups that are tried: unknowns grow with their square, and the time of a step with their fourth power and more."""

Linear = list[tuple[int, arb]]
"""A linear function of the unknowns: indices with their coefficients."""


class Row(NamedTuple):
    """What the loss of a class of one group sees: linear functions, what they are compared with, and how many classes share each."""

    functions: list[Linear]
    targets: list[arb]
    copies: list[arb]


class Jet(NamedTuple):
    """A function's value, gradient and Hessian."""

    value: arb
    slope: list[arb]
    bend: list[list[arb]]


class _Program:
    """Unknowns: inner values of groups of two or more, the upper half of M = [[P, O], [Oᵀ, Q]], and the bias.

    ‖O‖_* is the least (tr P + tr Q)/2 for which M is positive semidefinite, so N(x) = Σ (K_g − 1) inner_g + (tr P + tr Q)/2 stands for
    the nuclear norm. The barrier is −log det M − Σ log inner_g, and −log(τ − N) where the norm is bounded.
    """

    def __init__(self, problem: Problem, biased: bool) -> None:
        self.problem, self.sizes, self.groups = problem, problem.sizes, len(problem.sizes)
        self.weights, self.scales = exact_weights(problem), exact_scales(problem)
        several = [g for g, size in enumerate(self.sizes) if size > 1]
        self.inner = {g: place for place, g in enumerate(several)}
        self.places = [(i, j) for i in range(2 * self.groups) for j in range(i, 2 * self.groups)]
        self.entry = {place: len(several) + index for index, place in enumerate(self.places)}
        first = len(several) + len(self.places)
        self.bias = [first + g for g in range(self.groups)] if biased else None
        self.unknowns = first + (0 if self.bias is None else self.groups)
        self.bound, self.penalty = (exact_radius(problem), arb(0)) if isinstance(problem, LayerPeeled) else (None, exact_penalty(problem))
        self.norm: Linear = [(place, arb(self.sizes[g] - 1)) for g, place in self.inner.items()]
        self.norm += [(self.entry[i, i], arb(0.5)) for i in range(2 * self.groups)]
        self.spread = arb(problem.label_smoothing) / problem.num_classes
        self.rows = [self._residuals(g) if problem.loss == "squared" else self._margins(g) for g in range(self.groups)]
        # One for every unit of rank that the barrier keeps: the gap of a centre is this over its weight.
        self.complexity = 2 * self.groups + len(several) + 1
        # The logarithm of cross-entropy has slopes and curvature of the size of one, however large the energies.
        self.logarithmic = problem.loss == "cross-entropy" and self.bound is not None

    def _outer(self, g: int, h: int) -> int:
        return self.entry[g, self.groups + h]

    def _margins(self, g: int) -> Row:
        """Of a class over the others of its group, and over the classes of every other group, as the loss sees them."""
        size, root = self.sizes[g], arb(self.sizes[g]).sqrt()
        factors, shifts, least = zip(*([arb(each) for each in group.adjustment] for group in self.problem.groups), strict=True)
        functions, targets, copies = [], [], []
        own = [(self._outer(g, g), factors[g] / (size * self.scales[g]))]
        if g in self.inner:
            functions.append([(self.inner[g], factors[g] / self.scales[g])])
            targets.append(least[g])
            copies.append(arb(size - 1))
            own.append((self.inner[g], factors[g] * (1 - 1 / arb(size)) / self.scales[g]))
        for h in range(self.groups):
            if h != g:
                rival = [(self._outer(g, h), -factors[h] / (root * arb(self.sizes[h]).sqrt() * self.scales[g]))]
                shift = [] if self.bias is None else [(self.bias[g], factors[g]), (self.bias[h], -factors[h])]
                functions.append(own + rival + shift)
                targets.append(least[g] + shifts[h] - shifts[g])
                copies.append(arb(self.sizes[h]))
        return Row(functions, targets, copies)

    def _residuals(self, g: int) -> Row:
        """Of the inner value, and of a row of the block between groups."""
        functions, targets, copies = [], [], []
        if g in self.inner:
            functions.append([(self.inner[g], 1 / self.scales[g])])
            targets.append(arb(1))
            copies.append(arb(self.sizes[g] - 1))
        for h in range(self.groups):
            shift = [] if self.bias is None else [(self.bias[h], (arb(self.sizes[g]) * self.sizes[h]).sqrt())]
            functions.append([(self._outer(g, h), 1 / self.scales[g]), *shift])
            targets.append(arb(int(g == h)))
            copies.append(arb(1))
        return Row(functions, targets, copies)

    def start(self) -> list[arb]:
        """O = 0 and everything else equal, at half the norm that is allowed, or can be worth its penalty."""
        share = (1 / self.penalty if self.bound is None else self.bound) / (2 * sum(self.sizes))
        point = [arb(0)] * self.unknowns
        for place in [*self.inner.values(), *(self.entry[i, i] for i in range(2 * self.groups))]:
            point[place] = share
        return point

    def objective(self, point: list[arb], order: int) -> Jet:
        """F, with derivatives up to the order."""
        jet = Jet(arb(0), [arb(0)] * self.unknowns, [[arb(0)] * self.unknowns for _ in range(self.unknowns)] if order else [])
        value = arb(0)
        for size, weight, row in zip(self.sizes, self.weights, self.rows, strict=True):
            seen = [_at(function, point) - target for function, target in zip(row.functions, row.targets, strict=True)]
            loss = _squares(seen, row.copies) if self.problem.loss == "squared" else _cross_entropy(seen, row.copies, self.spread)
            times = weight if self.problem.loss == "squared" else weight * size
            value += times * loss.value
            if order:
                _pull_back(jet, row.functions, times, loss)
        if self.bound is None:
            penalty = self.penalty
            value += penalty * _at(self.norm, point)
            for index, coefficient in self.norm:
                jet.slope[index] += penalty * coefficient
        if self.bias is not None:
            for size, index in zip(self.sizes, self.bias, strict=True):
                stiffness = size * arb(self.problem.bias_penalty)
                value += stiffness / 2 * point[index] ** 2
                jet.slope[index] += stiffness * point[index]
                if order:
                    jet.bend[index][index] += stiffness
        return jet._replace(value=value)

    def matrix(self, point: list[arb]) -> list[list[arb]]:
        """M."""
        double = 2 * self.groups
        return [[point[self.entry[min(i, j), max(i, j)]] for j in range(double)] for i in range(double)]

    def barrier(self, point: list[arb]) -> arb | None:
        """Its value, or None where it is infinite."""
        slack = arb(1) if self.bound is None else self.bound - _at(self.norm, point)
        determinant = _log_determinant(self.matrix(point))
        if determinant is None or not slack > 0 or not all(point[place] > 0 for place in self.inner.values()):
            return None
        return -determinant - slack.log() - sum((point[place].log() for place in self.inner.values()), arb(0))

    def add_barrier(self, point: list[arb], jet: Jet) -> None:
        """Add its gradient −M⁻¹ and its Hessian dM ↦ M⁻¹ dM M⁻¹."""
        inverse = arb_mat(self.matrix(point)).inv().mid().tolist()
        for place in self.inner.values():
            jet.slope[place] -= 1 / point[place]
            jet.bend[place][place] += 1 / point[place] ** 2
        if self.bound is not None:
            slack = self.bound - _at(self.norm, point)
            for index, coefficient in self.norm:
                jet.slope[index] += coefficient / slack
                for other, factor in self.norm:
                    jet.bend[index][other] += coefficient * factor / slack**2
        for i, j in self.places:
            row, twice = self.entry[i, j], 1 if i == j else 2
            jet.slope[row] -= twice * inverse[i][j]
            for k, m in self.places:
                column = self.entry[k, m]
                if column >= row:
                    bend = inverse[i][k] * inverse[j][m] + inverse[i][m] * inverse[j][k]
                    bend *= arb(twice * (1 if k == m else 2)) / 2
                    jet.bend[row][column] += bend
                    if column > row:
                        jet.bend[column][row] += bend


def _at(function: Linear, point: list[arb]) -> arb:
    return sum((coefficient * point[index] for index, coefficient in function), arb(0))


def _pull_back(jet: Jet, functions: list[Linear], weight: arb, loss: Jet) -> None:
    """Add weight times a function of linear functions to a jet."""
    for a, function in enumerate(functions):
        for index, coefficient in function:
            jet.slope[index] += weight * coefficient * loss.slope[a]
            for b, other in enumerate(functions):
                bend = weight * coefficient * loss.bend[a][b]
                for column, factor in other:
                    jet.bend[index][column] += bend * factor


def _cross_entropy(margins: list[arb], copies: list[arb], spread: arb) -> Jet:
    """log1p(Σ copies e^{−margin}), and the share δ/K of smoothed labels in the margins themselves."""
    odds = [count * (-margin).exp() for count, margin in zip(copies, margins, strict=True)]
    others = sum(odds, arb(0))
    shares = [each / (1 + others) for each in odds]
    bend = [[(shares[a] if a == b else arb(0)) - shares[a] * shares[b] for b in range(len(shares))] for a in range(len(shares))]
    value, slope = others.log1p(), [-share for share in shares]
    if spread > 0:
        value += spread * sum((count * margin for count, margin in zip(copies, margins, strict=True)), arb(0))
        slope = [each + spread * count for each, count in zip(slope, copies, strict=True)]
    return Jet(value, slope, bend)


def _squares(residuals: list[arb], copies: list[arb]) -> Jet:
    """½ Σ copies r²."""
    value = sum((count * r**2 for count, r in zip(copies, residuals, strict=True)), arb(0)) / 2
    bend = [[copies[a] if a == b else arb(0) for b in range(len(copies))] for a in range(len(copies))]
    return Jet(value, [count * r for count, r in zip(copies, residuals, strict=True)], bend)


def _log_determinant(matrix: list[list[arb]]) -> arb | None:
    """log det of a symmetric matrix by elimination, or None where it is not positive definite."""
    rows, total = [list(row) for row in matrix], arb(0)
    for i, pivot in enumerate(rows):
        if not pivot[i] > 0:
            return None
        total += pivot[i].log()
        for row in rows[i + 1 :]:
            factor = row[i] / pivot[i]
            for j in range(i, len(rows)):
                row[j] -= factor * pivot[j]
    return total


def solve_interior(problem: Problem, value: float) -> Candidate | None:
    """Follow the centres of a barrier to a relative gap of `GAP`, for cross-entropy or squared error and a few groups.

    A centre minimises t F, or t log F, plus the barrier. Its own gradient is dual feasible and leaves a gap of ν/t in what is weighed
    there, ν the barrier's complexity.

    Args:
        problem: the program.
        value: what the objective is known not to exceed. A loss far below the bias penalty has a bias that is worth the square of it,
            b = −g/λ_b: it is left at zero.

    Returns:
        Y, the bias, and the logits as the tangent, rounded to doubles; None where a centre is not reached.

    Source: nesterov1994 (barriers with a Newton decrement).

    Example:
        >>> problem = LayerPeeled(counts=[50, 20, 10], feature_energy=2.0)
        >>> round(solve_interior(problem, 1.0).matrix.nuclear_norm() / problem.radius, 12)
        1.0
    """
    with ctx.workprec(BITS):
        program = _Program(problem, problem.bias_penalty is not None and value > GAP * problem.bias_penalty)
        point = program.start()
        weight = program.complexity / (1 + exact_radius(problem) if isinstance(problem, LayerPeeled) else program.objective(point, 0).value)
        while True:
            unit = arb(1) if program.logarithmic else program.objective(point, 0).value
            last = weight * unit * GAP >= program.complexity
            centre = _centre(program, point, weight, LAST if last else CENTRED)
            if centre is None or last:
                return None if centre is None else _rounded(program, centre)
            point, weight = centre, weight * GROWTH


def _centre(program: _Program, point: list[arb], weight: arb, enough: float) -> list[arb] | None:
    """Newton's method with backtracking, from a point where the barrier is finite; None when it does not arrive."""
    for _ in range(STEPS):
        jet = program.objective(point, 2)
        factor = weight / jet.value if program.logarithmic else weight
        merit = Jet(jet.value, [factor * each for each in jet.slope], [[factor * each for each in row] for row in jet.bend])
        program.add_barrier(point, merit)
        step = _newton(merit, weight, [each / jet.value for each in jet.slope] if program.logarithmic else [])
        if step is None:
            return None
        promise = -sum((g * d for g, d in zip(merit.slope, step, strict=True)), arb(0))
        if promise < enough:
            return point
        before, length = _merit(program, point, weight), 1.0
        while True:
            ahead = [(x + length * d).mid() for x, d in zip(point, step, strict=True)]
            value = _merit(program, ahead, weight)
            if value <= before - SUFFICIENT * length * promise:
                break
            length /= 2
            if length < SHORTEST:
                return None
        point = ahead
    return None


def _merit(program: _Program, point: list[arb], weight: arb) -> arb:
    """What a centre minimises; infinite where the barrier is."""
    barrier = program.barrier(point)
    if barrier is None:
        return arb("inf")
    value = program.objective(point, 0).value
    return weight * (value.log() if program.logarithmic else value) + barrier


def _newton(merit: Jet, weight: arb, rank_one: list[arb]) -> list[arb] | None:
    """−H⁻¹g, with the part −t ∇F∇Fᵀ/F² of a logarithm where that leaves a direction of descent, and without it elsewhere."""
    count = len(merit.slope)
    right = arb_mat([[-each] for each in merit.slope])
    full = [[merit.bend[a][b] - weight * rank_one[a] * rank_one[b] for b in range(count)] for a in range(count)] if rank_one else merit.bend
    for hessian in (full, merit.bend):
        try:
            step = [row[0].mid() for row in arb_mat(hessian).solve(right, algorithm="approx").tolist()]
        except ZeroDivisionError:
            continue
        if sum((g * d for g, d in zip(merit.slope, step, strict=True)), arb(0)) < 0:
            return step
    return None


def _rounded(program: _Program, point: list[arb]) -> Candidate:
    """Y, the bias and the tangent as doubles: logits, or for the squared error residuals."""
    groups, sizes = range(program.groups), program.sizes
    inner = [point[program.inner[g]] if g in program.inner else arb(0) for g in groups]
    outer = [[point[program.entry[g, program.groups + h]] for h in groups] for g in groups]
    bias = [arb(0)] * program.groups if program.bias is None else [point[index] for index in program.bias]
    shift = int(program.problem.loss == "squared")
    touching = [
        [outer[g][h] / program.scales[g] + (arb(sizes[g]) * sizes[h]).sqrt() * bias[h] - shift * int(g == h) for h in groups]
        for g in groups
    ]

    def doubles(rows: list[list[arb]]) -> np.ndarray:
        return np.array([[float(each.mid()) for each in row] for row in rows])

    return Candidate(
        GroupMatrix(sizes, doubles([inner])[0], doubles(outer)),
        bias=None if program.bias is None else doubles([bias])[0],
        tangent=GroupMatrix(sizes, doubles([[x / d - shift for x, d in zip(inner, program.scales, strict=True)]])[0], doubles(touching)),
    )
