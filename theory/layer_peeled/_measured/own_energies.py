"""Optima with penalties, and the programs that bound what those optima spend."""

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from layerpeel.numerics import Bracket
from layerpeel.solvers import LayerPeeled, Solution, UnconstrainedFeatures, bracket_switch, solve
from layerpeel.theory.layer_peeled._measured.penalty_switches import WIDTH, is_zero

Groups = tuple[tuple[int, int], ...]
"""(K_g, n_g)."""
Case = tuple[Groups, str, float, float]
"""Groups, how the features' squares are counted ("class" or "sample"), λ_W, and λ_H times the sum of what they are counted by."""
PRECISION = 1e-13
"""Relative gap of both solves."""
ROUNDING = 1e-13
"""Of a loss, energies and penalties below ten, each a sum of at most a hundred products."""
OTHER = {"class": "sample", "sample": "class"}


@dataclass(frozen=True)
class Spent:
    """What an optimum with penalties spends and loses."""

    penalised: Solution
    weight_energy: float
    feature_energy: dict[str, float]
    loss: Bracket


def program(groups: Groups, counted: str, weight_penalty: float, feature_penalty: float) -> UnconstrainedFeatures:
    """The program with penalties."""
    return UnconstrainedFeatures.from_groups(groups, weight_penalty=weight_penalty, feature_penalty=feature_penalty, norm_weights=counted)


def penalties(groups: Groups, counted: str, weight_decay: float, feature_decay: float) -> tuple[float, float]:
    """λ_W, and λ_H of a decay of the *mean* of the features' squares."""
    return weight_decay, feature_decay / sum(classes * (samples if counted == "sample" else 1) for classes, samples in groups)


@cache
def spent(groups: Groups, counted: str, weight_decay: float, feature_decay: float) -> Spent:
    """Energies counted both ways, and the loss alone: the value without the penalties of the point that attains it."""
    weight_penalty, feature_penalty = penalties(groups, counted, weight_decay, feature_decay)
    solution = solve(program(groups, counted, weight_penalty, feature_penalty), route="factored", tolerance=PRECISION)
    samples = np.repeat([n for _, n in groups], [k for k, _ in groups]).astype(float)
    squares, weights = (solution.features**2).sum(axis=1), float((solution.classifier**2).sum())
    energies = {"class": float(squares.mean()), "sample": float(samples @ squares / samples.sum())}
    total = float(squares.sum() if counted == "class" else samples @ squares)
    paid = 0.5 * (weight_penalty * weights + feature_penalty * total)
    loss = Bracket(solution.value.lower - paid - ROUNDING, solution.value.upper - paid + ROUNDING, rigorous=True)
    return Spent(solution, weights / len(samples), energies, loss)


@cache
def bounded(case: Case, counted: str) -> Solution:
    """The optimum under constraints at the energies that the other one spends, the features' counted in either way."""
    own = spent(*case)
    energy = own.feature_energy[counted]
    problem = LayerPeeled.from_groups(case[0], feature_energy=energy, weight_energy=own.weight_energy, norm_weights=counted)
    return solve(problem, route="factored", tolerance=PRECISION)


def excess(*case: Any, other: bool = False) -> Bracket:
    """How much more the optimum with penalties loses than the one under constraints at its energies."""
    least, loss = bounded(case, OTHER[case[1]] if other else case[1]).value, spent(*case).loss
    return Bracket(loss.lower - least.upper, loss.upper - least.lower, rigorous=True)


def multiplier(*case: Any) -> Bracket:
    """The multiplier of the constraint at the energies that *the* optimum with penalties spends.

    G(τ) = f*(τ) + λτ is convex with G'' ≤ L = max c_k/(2d_k²), and a point whose gap is g spends a τ with |G'(τ)| ≤ √(2Lg): so far is the
    multiplier at its energies from that at those of the optimum.
    """
    groups, counted, *_ = case
    total = sum(classes * samples for classes, samples in groups)
    curvature = max(0.5 * (samples / total if counted == "class" else 1.0 / total) for _, samples in groups)
    near = bounded(case, counted).certified_multiplier
    aside = math.sqrt(2.0 * curvature * spent(*case).penalised.value.width)
    return Bracket(near.lower - aside, near.upper + aside, rigorous=True)


def log_vanishing(groups: Groups, counted: str) -> Bracket:
    """log λ between a penalty at which the optimal logits certainly are not zero, and one at which they certainly are."""
    return bracket_switch(
        lambda log_penalty: program(groups, counted, math.exp(log_penalty), math.exp(log_penalty)),
        is_zero,
        before=math.log(1e-4),
        beyond=math.log(1.0),
        width=WIDTH,
        route="factored",
    ).bracket
