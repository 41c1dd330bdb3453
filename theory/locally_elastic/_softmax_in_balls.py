"""The softmax drift in ball arithmetic: the order of what its linearization leaves, and the residue near convergence."""

import math
from collections.abc import Sequence

import numpy as np
from flint import arb, ctx

from layerpeel.numerics import PRECISION, Bracket, to_bracket

REPEATS = 10
"""Random points and directions."""
FAR, NEAR = 2.0**-30, 2.0**-40
"""Distances between which the order is measured."""
NEXT_ORDER = 2e-6
"""What the next order may change in a slope: a thousand times what it did for random directions, which can all err to one side."""


def order(rng: np.random.Generator, classes: int, sign: int) -> Bracket:
    """The slope of log ‖remainder‖ against log ‖X − φ‖, over random φ and directions, with +J or −J in the linear part."""
    with ctx.workprec(2 * PRECISION):
        slopes = [_slope(rng, classes, sign) for _ in range(REPEATS)]
        low, high = min(each.lower for each in slopes) - NEXT_ORDER, max(each.upper for each in slopes) + NEXT_ORDER
        return Bracket(low, high, rigorous=True)


def residues(shares: Sequence[float], errors: Sequence[float]) -> list[Bracket]:
    """‖e_k − p̄_k + J φ∞‖ for each 1 − p̄_k, split among the other classes by these shares."""
    with ctx.workprec(PRECISION):
        return [to_bracket(_norm(_miss_and_residue(error, [arb(each) for each in shares])[1])) for error in errors]


def residue_over_miss(error: float, classes: int) -> Bracket:
    """‖e_k − p̄_k + J φ∞‖/‖e_k − p̄_k‖, 1 − p̄_k split evenly."""
    with ctx.workprec(PRECISION):
        miss, residue = _miss_and_residue(error, [arb(1) / (classes - 1)] * (classes - 1))
        return to_bracket(_norm(residue) / _norm(miss))


def _slope(rng: np.random.Generator, classes: int, sign: int) -> Bracket:
    """Of the remainder [e_k − σ(φ + step)] − [e_k − σ(φ)] − (±J) step along one direction that sums to zero."""
    centre, direction = ([arb(each) for each in rng.normal(size=classes).tolist()] for _ in range(2))
    middle, sizes = sum(direction, arb(0)) / classes, list[arb]()
    for distance in (FAR, NEAR):
        step = [distance * (each - middle) for each in direction]
        before, after = (_softmax(logits) for logits in (centre, [a + b for a, b in zip(centre, step, strict=True)]))
        sizes.append(_norm([old - new - sign * push for old, new, push in zip(before, after, _pushed(before, step), strict=True)]))
    return to_bracket((sizes[0] / sizes[1]).log() / math.log2(FAR / NEAR) / arb(2).log())


def _softmax(logits: list[arb]) -> list[arb]:
    sizes = [each.exp() for each in logits]
    total = sum(sizes, arb(0))
    return [each / total for each in sizes]


def _pushed(probabilities: list[arb], vector: list[arb]) -> list[arb]:
    """J v = p ∘ (v − p·v)."""
    inner = sum((a * b for a, b in zip(probabilities, vector, strict=True)), arb(0))
    return [each * (value - inner) for each, value in zip(probabilities, vector, strict=True)]


def _norm(values: list[arb]) -> arb:
    return sum((each**2 for each in values), arb(0)).sqrt()


def _miss_and_residue(error: float, shares: list[arb]) -> tuple[list[arb], list[arb]]:
    """e_k − p̄_k, and e_k − p̄_k + J φ∞ with logits φ∞ = log p̄_k, any common shift of which J removes."""
    total = sum(shares, arb(0))
    probabilities = [1 - arb(error), *(error * share / total for share in shares)]
    miss = [int(i == 0) - each for i, each in enumerate(probabilities)]
    push = _pushed(probabilities, [each.log() for each in probabilities])
    return miss, [a + b for a, b in zip(miss, push, strict=True)]
