"""Splits of a given overall separation into ratios, drawn at random and found by descent, and the product of their perturbed ratios."""

import math

import numpy as np
from flint import arb, ctx
from scipy import optimize

from layerpeel.array_words import Float
from layerpeel.numerics import PRECISION, Bracket, to_bracket
from layerpeel.theory import Instances

OVERALL, PERTURBATION = 1e-3, 0.01
"""R = D_m/D_1, and ε."""

SPLITS = 200
"""Random splits of R per number of ratios, anywhere, and as many beside the equal one."""

BESIDE = (1e-6, 1e-1)
"""Distances of those from the equal split, in shares of log R."""

UNEQUAL, SLIGHTLY = "unequal perturbations", 1e-3
"""How much larger the last perturbation is than the first where they differ: ten times the accuracy of a search."""


def least_product(rng: np.random.Generator, count: int) -> Bracket:
    """The least ∏(r_i + ε) over splits beside the equal one and anywhere."""
    directions = rng.standard_normal((SPLITS, count))
    directions -= directions.mean(axis=1, keepdims=True)
    directions *= (np.geomspace(*BESIDE, SPLITS) / np.linalg.norm(directions, axis=1))[:, None]
    shares = np.vstack([1.0 / count + directions, rng.dirichlet(np.ones(count), SPLITS)])
    with ctx.workprec(PRECISION):
        products = [perturbed_product(share.tolist()) for share in shares]
    return Bracket(min(p.lower for p in products), min(p.upper for p in products), rigorous=True)


def perturbed_product(shares: list[float]) -> Bracket:
    """∏ (r_i + ε) with r_i = R^{share_i}, and the last share one minus the others exactly."""
    exponents = [arb(share) for share in shares[:-1]]
    exponents.append(1 - sum(exponents, arb(0)))
    total = arb(1)
    for exponent in exponents:
        total *= arb(OVERALL) ** exponent + arb(PERTURBATION)
    return to_bracket(total)


def spreads(rng: np.random.Generator, counts: Instances) -> dict[str, Bracket]:
    """How far the ratios differ at the end of the search, for equal perturbations and unequal ones."""
    apart: dict[str, Bracket] = {}
    for label, (n,) in counts.items():
        start = rng.normal(size=n - 1)
        apart[label] = spread(start, np.full(n, PERTURBATION))
        apart[f"{label}, {UNEQUAL}"] = spread(start, np.geomspace(PERTURBATION, (1.0 + SLIGHTLY) * PERTURBATION, n))
    return apart


def spread(start: Float[np.ndarray, " free"], perturbations: Float[np.ndarray, " n"]) -> Bracket:
    """Largest over smallest ratio, minus one, where BFGS stops."""
    ended = optimize.minimize(log_product, start, (perturbations,), method="BFGS", options={"gtol": 1e-12})
    logs = np.append(ended.x, -ended.x.sum())
    apart = math.expm1(float(logs.max() - logs.min()))
    return Bracket(apart, apart)


def log_product(free: Float[np.ndarray, " free"], perturbations: Float[np.ndarray, " n"]) -> float:
    """log ∏ (r_i + ε_i); the logarithms of r_i over R^{1/n} sum to zero, so the last one follows from the others."""
    logs = math.log(OVERALL) / (len(free) + 1) + np.append(free, -free.sum())
    return float(np.log(np.exp(logs) + perturbations).sum())
