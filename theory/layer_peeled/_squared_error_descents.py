"""Descents under squared error on M layers: where they end, where they change places, and up to where a class survives."""

from collections.abc import Sequence
from functools import cache

import numpy as np

from layerpeel.numerics import Bracket, last_true
from layerpeel.solvers import (
    DeepLinear,
    UnconstrainedFeatures,
    descend_linear,
    enclose_one_layer,
    fitted_start,
    random_start,
    search_linear,
)

COUNTS = LARGEST, SECOND, SMALLEST = (12, 6, 2)
"""n_k; the second class is the one whose b/n_k is set."""
CLASSES = tuple(f"n={count}" for count in COUNTS)
UNEQUAL = 3.0
"""λ_H/λ_W: the two penalties are not equal in any measurement."""
FINE, COARSE = 1e-5, 6e-4
"""Relative widths at which the bisections for the switch and for the end of survival stop; near that end the branch is flat."""
DESCENT = 2e-5
"""Allowance in a logit for where L-BFGS stops: gradients near 1e-9 over the least curvature in z, 1e-3 near the ends of branches; and in a
logit at the switch for how finely that is found. Seen: 1e-8, and 1e-6 at the switch."""
ALIVE = 0.05
"""Own logits above this are those of a class that has not collapsed; branches end at 1/4 and more."""
NUDGE = 1e-3
"""Standard deviation of the noise that takes a start off a stationary point."""


def problem(layers: int, level: float) -> UnconstrainedFeatures:
    """The penalties with λ_H = UNEQUAL λ_W and b/n_2 = level."""
    weight = (level * SECOND / (layers * sum(COUNTS)) / (sum(COUNTS) * UNEQUAL) ** (1 / layers)) ** (layers / (layers + 1))
    return UnconstrainedFeatures(counts=COUNTS, feature_penalty=UNEQUAL * weight, weight_penalty=weight, loss="squared")


def own(head: DeepLinear) -> dict[str, Bracket]:
    """Own logits, and the largest of the others, with the allowance for where descent stops."""
    values = dict(zip(("elsewhere", *CLASSES), (head.stray, *head.own_logits.tolist()), strict=True))
    return {part: Bracket(value - DESCENT, value + DESCENT) for part, value in values.items()}


def kept(layers: int, level: float, classes: Sequence[bool]) -> DeepLinear:
    """Descent from logits 1 of the classes kept."""
    return descend_linear(problem(layers, level), *fitted_start(problem(layers, level), layers, kept=classes))


def nudged(rng: np.random.Generator, level: float, layers: int, start: Sequence[bool]) -> dict[str, Bracket]:
    """Own logits where descent from the classes kept ends, with noise on every entry."""
    there = problem(layers, level)
    fitted, noise = fitted_start(there, layers, kept=start), random_start(there, layers, scale=NUDGE, rng=rng)
    logits = own(descend_linear(there, [a + b for a, b in zip(fitted[0], noise[0], strict=True)], fitted[1] + noise[1]))
    return {part: logits[part] for part in CLASSES}


def best(layers: int, level: float, rng: np.random.Generator) -> dict[str, Bracket]:
    """Own logits of the best point found."""
    return own(search_linear(problem(layers, level), layers, rng=rng))


def last_logit(layers: int) -> Bracket:
    """The second class's own logit just before it drops to zero."""
    return own(kept(layers, crossing(layers).lower, (True, True, False)))[CLASSES[1]]


def one_layer(level: float, rng: np.random.Generator) -> dict[str, Bracket]:
    """Own logits of the exact optimum for M = 1 at N²λ_Wλ_H."""
    there = problem(1, level / SECOND)
    return dict(zip(CLASSES, enclose_one_layer(descend_linear(there, *random_start(there, 1, scale=0.5, rng=rng))), strict=True))


@cache
def crossing(layers: int) -> Bracket:
    """Where keeping the second class beside the first is no longer better."""

    def better(level: float) -> bool:
        with_it, without = (kept(layers, level, (True, second, False)) for second in (True, False))
        return with_it.own_logits[1] > ALIVE and with_it.value < without.value

    return last_true(better, 0.2, 1.2, width=FINE)


def last_alive(layers: int) -> Bracket:
    """Where the second class collapses in descents that start from the last point with it."""
    last = kept(layers, 0.2, (True, True, False))

    def alive(level: float) -> bool:
        nonlocal last
        head = descend_linear(problem(layers, level), last.layers, last.features)
        last = head if head.own_logits[1] > ALIVE else last
        return head is last

    return last_true(alive, 0.2, 2.0, width=COARSE)
