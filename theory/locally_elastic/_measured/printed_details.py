"""What can be said of printed numbers and orders without them: compound growth in whole numbers, and projections of class means."""

import numpy as np
import sympy

from layerpeel.numerics import Bracket

YEARS, PARTS = 10, 10**6
TRIALS, CLASSES, FEATURES, DIRECTIONS = 20, 5, 8, 200


def yearly_percent() -> Bracket:
    """The growth that doubles in ten years: the largest whole number of millionths with which nothing has doubled by then, and the next."""
    last = int(sympy.integer_nthroot(2 * PARTS**YEARS, YEARS)[0]) - PARTS
    return Bracket(last, last + 1, rigorous=True) / Bracket.exactly(PARTS / 100)


def least_products(rng: np.random.Generator) -> dict[str, Bracket]:
    """The least ⟨X^k − X^l, ν⟩ over pairs, for random class means: with the best of random ν, and in the labels' order with any."""
    means, directions = rng.normal(size=(TRIALS, CLASSES, FEATURES)), rng.normal(size=(TRIALS, FEATURES, DIRECTIONS))
    along = means @ (directions / np.linalg.norm(directions, axis=1, keepdims=True))
    ordered, labelled = np.diff(np.sort(along, axis=1), axis=1).min(axis=1), np.diff(along, axis=1).min(axis=1)
    found = {
        "k ≠ l": -np.ptp(along, axis=1).min(axis=1),
        "k before l": ordered.max(axis=1),
        "k < l, any ν": labelled.min(axis=1),
    }
    return {pairs: Bracket(float(least.min()), float(least.max())) for pairs, least in found.items()}
