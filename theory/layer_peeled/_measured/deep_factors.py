"""Four classes under cross-entropy on L linear factors: where descent ends, and the least values of two codes in balls."""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from flint import arb, ctx
from scipy.optimize import minimize

from layerpeel.array_words import Float
from layerpeel.numerics import PRECISION, Bracket, Figure, Series, last_true, to_bracket

CLASSES, STARTS, SCALE = 4, 24, 0.7
"""Starts and their scale: two in five and more end at the optimum."""
CODES = {"etf": ((1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)), "square": ((1, 0), (0, 1), (-1, 0), (0, -1))}
"""Vectors of the four classes, a tight frame each."""
STOPPED = 4e-8
"""Allowance in a loss of order one for where L-BFGS stops; seen: 1e-9."""
ALIVE = 1e-3
"""Singular values above this count for the rank; others that are not zero are at least 3."""
WIDTH, SHIFT = 2e-5, 1e-7
"""Relative width at which bisections stop, and what STOPPED makes of a switch; seen: 1e-8."""
OPTIONS = {"maxiter": 5000, "maxcor": 30, "ftol": 1e-15, "gtol": 1e-10}


class End(NamedTuple):
    """Where a descent ends: the value, the factors, and the rank of their product."""

    value: float
    factors: Float[np.ndarray, "L K K"]
    rank: int


def ends(rng: np.random.Generator, layers: int, decay: float, starts: int) -> list[End]:
    """Of descents on (1/K) Σ CE + (decay/2) Σ‖W_l‖² from random factors, the features among them."""
    return [descended(rng.normal(scale=SCALE, size=(layers, CLASSES, CLASSES)), decay) for _ in range(starts)]


def descended(start: Float[np.ndarray, "L K K"], decay: float) -> End:
    """Where the descent from given factors ends."""

    def value_and_slope(flat: Float[np.ndarray, " n"]) -> tuple[float, Float[np.ndarray, " n"]]:
        before = [np.eye(CLASSES)]
        for factor in (factors := flat.reshape(start.shape)):
            before.append(before[-1] @ factor)
        logits = before.pop()
        heights = logits - logits.max(axis=1, keepdims=True)
        sums = np.exp(heights).sum(axis=1, keepdims=True)
        slope, slopes = (np.exp(heights) / sums - np.eye(CLASSES)) / CLASSES, np.empty_like(start)
        for layer in reversed(range(len(start))):
            slopes[layer], slope = before[layer].T @ slope, slope @ factors[layer].T
        return float(np.mean(np.log(sums[:, 0]) - heights.diagonal()) + decay / 2 * flat @ flat), slopes.ravel() + decay * flat

    found = minimize(value_and_slope, start.ravel(), jac=True, method="L-BFGS-B", options=OPTIONS)
    factors = found.x.reshape(start.shape)
    return End(float(found.fun), factors, int(np.linalg.matrix_rank(np.linalg.multi_dot([*factors]), tol=ALIVE)))


def value(rng: np.random.Generator, layers: int, decay: float) -> Bracket:
    """The least value found; no point found is below the optimum."""
    return Bracket.around(min(end.value for end in ends(rng, layers, decay, STARTS)), STOPPED)


def switch(rng: np.random.Generator, layers: int, low: float, high: float) -> Bracket:
    """Up to which decay the best end of rank three is better than that of rank two, each followed from where random starts end between."""
    found = ends(rng, layers, math.sqrt(low * high), STARTS)
    three, two = (min((end for end in found if end.rank == rank), key=lambda end: end.value).factors for rank in (3, 2))
    better = last_true(lambda decay: descended(three, decay).value < descended(two, decay).value, low, high, width=WIDTH)
    return better + Bracket(-SHIFT, SHIFT)


def least_energy(product: Float[np.ndarray, "n n"], layers: int, rng: np.random.Generator) -> Bracket:
    """The least Σ‖W_l‖² over factors of a matrix: W_l = G_l G_{l−1}^{-1} with G_0 = I and G_L the matrix, by descent over the others."""
    shape = (layers - 1, *product.shape)

    def value_and_slope(flat: Float[np.ndarray, " n"]) -> tuple[float, Float[np.ndarray, " n"]]:
        ends = [np.eye(len(product)), *flat.reshape(shape), product]
        inverses = [np.linalg.inv(end) for end in ends[:-1]]
        factors = [after @ inverse for after, inverse in zip(ends[1:], inverses, strict=True)]
        slopes = [2 * (one @ inverses[place].T - two.T @ two @ inverses[place + 1].T) for place, (one, two) in enumerate(pairwise(factors))]
        return sum(float(np.sum(factor**2)) for factor in factors), np.ravel(slopes)

    start = np.eye(len(product)) + 0.3 * rng.normal(size=shape)
    return Bracket.around(float(minimize(value_and_slope, start.ravel(), jac=True, method="BFGS", options={"gtol": 1e-9}).fun), STOPPED)


def ratio(layers: int, exponent: int) -> Bracket:
    """Least value of the square over that of the ETF, at μ = 10^−exponent."""
    with ctx.workprec(PRECISION):
        square, etf = (_least_over_scales(np.array(CODES[code]), layers, arb(10) ** -exponent) for code in ("square", "etf"))
        return to_bracket(square / etf)


def _least_over_scales(vectors: Float[np.ndarray, "K d"], layers: int, decay: arb) -> arb:
    """Of CE + (L/2) decay Σσ^{2/L} over the multiples c of a tight frame's Gram matrix, whose non-zero singular values are equal.

    Between the local maximum and infinity the slope has one change of sign; there the loss falls with c and the rest rises.
    """
    gram = vectors @ vectors.T
    singular = int((gram @ gram)[0, 0]) // int(gram[0, 0])
    margins, power = [int(gram[0, 0] - other) for other in gram[0, 1:]], arb(2) / layers
    share = decay * (int(np.trace(gram)) // singular) * arb(singular) ** power

    def loss(scale: arb) -> arb:
        return sum(((-margin * scale).exp() for margin in margins), arb(0)).log1p()

    def rising(scale: arb) -> bool:
        pull = sum((margin * (-margin * scale).exp() for margin in margins), arb(0)) / loss(scale).exp()
        return bool(share * scale ** (power - 1) > pull)

    high = 2 - 2 * decay.log()
    while rising(low := high * arb("0.9")):
        high = low
    for _ in range(PRECISION // 2):
        middle = ((low + high) / 2).mid()
        low, high = (low, middle) if rising(middle) else (middle, high)
    return (loss(high) + share / power * low**power).union(loss(low) + share / power * low**power)


def draw(etf: Callable[[int, float], float], square: Callable[[int, float], float]) -> Figure:
    """The square's least value over the ETF's against the decay, as predicted and in balls."""
    exponents, depths = (1, 2, 3, 4, 6, 8, 10), (2, 3, 4, 5, 8)
    decays = [10.0**-exponent for exponent in exponents]
    series: list[Series] = []
    for color, layers in enumerate(depths):
        series.append(Series.line(f"L = {layers}", decays, [square(layers, decay) / etf(layers, decay) for decay in decays], color))
        enclosed = [ratio(layers, exponent).middle for exponent in exponents]
        series.append(Series.points(f"L = {layers}, in balls", decays, enclosed, color))
    return Figure(
        title="A square against a simplex, with more and more layers peeled off",
        caption="Least value of the square over that of the simplex ETF, K = 4: below one the square is better. L has the features in it.",
        x_label="weight decay μ",
        y_label="square over ETF",
        series=tuple(series),
        log_x=True,
    )
