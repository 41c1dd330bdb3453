"""The L-model at powers of time, in closed form, and mistakes beside it: its numbers are anybody's, its functions predict."""

import math
from collections.abc import Callable, Iterable
from fractions import Fraction

import numpy as np

from layerpeel.numerics import Bracket, ElasticModel, elastic_law, logit_directions
from layerpeel.theory.locally_elastic._closed_forms import closed_log_distance, separated_by_law
from layerpeel.theory.locally_elastic._drift import AGREEMENT
from layerpeel.theory.locally_elastic._separation import separated_in_doubles, slow_count

CLASSES = 3
PAIRS = ((0, 1), (0, 2), (1, 2))
ALONG = (Fraction(5, 4), Fraction(1, 2), Fraction(-1, 4))
"""Class j starts at ξ_j d_j, d_j = e_j − 1/K, so s_j = ξ_j √(2/3): s̄(0) and the δ_j(0) are in proportion to ½ and (¾, 0, −¾)."""
EXPONENT = Fraction(3, 2)
"""r: γ ≪ 1/t."""
STARTS = {classes: np.cos(1.0 + np.arange(classes**2, dtype=float) ** 2).reshape(classes, classes) for classes in (3, 4)}
"""Class means that lie in no special position."""
HORIZON = 50.0
INTER, END, SAMPLES = 4.4, 4.0, 4
"""Monte Carlo: b, strong enough that separation is likely early; time, and samples per class."""
START = np.array(ALONG, dtype=float)[:, None] * (np.eye(CLASSES) - 1 / CLASSES)
DIRECTION = logit_directions(CLASSES)[0] - logit_directions(CLASSES)[1]


def two_mode_log_distance(classes: int, constant: float, exponent: float) -> Bracket:
    """log ‖X̄^1 − X̄^2‖ from φ1 = (1+t)^{c/K} and I_γ = (c/K) ((1+t)^e − 1)/e."""
    start, directions = STARTS[classes], logit_directions(classes)
    along = np.sum(directions * start, axis=1)
    pulled = constant / classes * ((1 + HORIZON) ** exponent - 1) / exponent
    u = along.mean() * ((1 + HORIZON) ** (constant / classes) - 1) + (along - along.mean()) * pulled
    log = math.log(np.linalg.norm(start[0] - start[1] + directions[0] * u[0] - directions[1] * u[1]))
    return Bracket(log - AGREEMENT, log + AGREEMENT)


def by_law(exponent: Fraction, inter: Fraction, time: float, chosen: Callable[[Iterable[float]], float], *, start: float = 1.0) -> Bracket:
    """The integral in doubles by the closed mean flow, at β = b/(1 + t), for features whose variance was `start`."""
    model = powers_model(exponent, float(inter))
    distance = chosen(math.exp(closed_log_distance(model, START, time, pair).middle) for pair in PAIRS)
    return separated_in_doubles(distance, slow_count(time), start + time)


def powers_model(exponent: Fraction, inter: float) -> ElasticModel:
    """γ = (1 + t)^{−r} and β = b/(1 + t)."""
    shared = f"{inter}/(1 + t)"
    return ElasticModel(blocks="L", num_classes=CLASSES, intra=f"(1 + t)**(-{float(exponent)}) + {shared}", inter=shared, noise=1)


def separated_with(inter: float, *, spread: float = 1.0) -> Bracket:
    """The exact law along d̂_1 − d̂_2, for γ = (1 + t)^{−3/2} and β = b/(1 + t)."""
    law = elastic_law(powers_model(EXPONENT, inter), START, END, spread=spread)
    return separated_by_law(law, samples=SAMPLES, pair=(0, 1), along=DIRECTION)
