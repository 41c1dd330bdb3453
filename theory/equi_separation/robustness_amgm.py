"""Equal ratios from layer to layer are the least sensitive split of a given overall separation: to first order and to all orders.

Proof. With r_i = R^{1/n} e^{x_i} and Σ x_i = 0: Σ e^{−x_i} − n = Σ (e^{−x_i} − 1 + x_i) ≥ 0 settles the first order, and Jensen's
inequality for the convex x ↦ log(r eˣ + ε) settles all orders: ∏(r_i + ε) ≥ (R^{1/n} + ε)ⁿ.
"""

import math

import numpy as np
import sympy
from flint import arb, ctx
from scipy import optimize

from layerpeel.numerics import PRECISION, Bracket, to_bracket
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, Variant, claim, instances
from layerpeel.theory.equi_separation._in_symbols import splits

COUNTS = instances("{} ratios", 2, 3, 5, 10)
"""n = m − 1, the number of ratios."""
SLIGHTLY = 1e-3
"""How much larger the last perturbation is than the first where they differ: ten times the accuracy of a search."""
UNEQUAL = {f"{label}, unequal perturbations": count for label, count in COUNTS.items()}

OVERALL = 1e-3
"""R = D_m/D_1 of the numerical checks."""

PERTURBATION = 0.01
"""ε of the numerical checks."""

SPLITS = 200
"""Random splits of R per number of ratios, anywhere, and as many beside the equal one."""

BESIDE = (1e-6, 1e-1)
"""Distances of those from the equal split, in shares of log R."""

SEARCH_ACCURACY = 1e-4
"""Largest relative difference between the ratios where the search stops: the product is flat to second order at its least value, so
doubles place it to about the square root of 1e-9."""


ROOM = Room.of(
    Statement(
        name="robustness-amgm",
        title="Equal ratios are the most robust split of the overall separation",
        latex=r"\prod_{t=1}^{m-1}(r_t+\varepsilon)\ \ge\ \bigl(R^{1/(m-1)}+\varepsilon\bigr)^{m-1},\qquad \prod_t r_t=R=\frac{D_m}{D_1},"
        r"\quad \varepsilon>0",
        assumptions=("ratios r_t > 0 with a fixed product", "the same perturbation ε > 0 of every ratio"),
        kind=Kind.LOWER_BOUND,
        origin=Origin.SEED,
        source=Source("su2024", "Equi-separation implies robustness; the form to all orders is derived"),
    ),
    claim(
        "proof",
        "the first order is Σ 1/r_t, least when all are equal; log(r exp(x) + ε) is convex, so this holds to all orders",
        over=splits.STATED,
        predict=lambda expected: expected,
        measure_all=lambda _: splits.derivatives(),
        by="differentiation of log ∏(r_t + ε) and of log(r exp(x) + ε); the remainder exp(−x) − 1 + x where its derivative is zero",
        false={"sum-of-ratios": Variant("the first order is Σ r_t", sympy.Add, over=splits.RATIOS_BY_LABEL)},
        evidence=Evidence.PROOF,
        kind=Kind.EQUALITY,
    ),
    claim(
        "no-split-below",
        "no split of R drawn, far from the equal one or as near as 1e-6, has a perturbed product below (R^{1/(m−1)} + ε)^{m−1}",
        over=COUNTS,
        predict=lambda n: floor(n),
        measure_all=lambda setting: [least_product(setting.rng, *count) for count in COUNTS.values()],
        by="the least ∏(r_t + ε) over random splits, in ball arithmetic; the equal one is not among them",
        false={
            "root-of-layers": ("the floor is (R^{1/m} + ε)^{m−1}", lambda n: floor(n, root=n + 1)),
            "higher-floor": ("the floor is that of 1.01 ε", lambda n: floor(n, perturbation=1.01 * PERTURBATION)),
        },
        evidence=Evidence.CERTIFIED,
        origin=Origin.DERIVED,
    ),
    claim(
        "search-ends-there",
        "minimising over splits ends at equal ratios",
        over=COUNTS,
        predict=Bracket(0.0, SEARCH_ACCURACY),
        measure_all=lambda setting: spreads(setting.rng),
        by="largest over smallest ratio, minus one, where a minimisation of the product over splits of R stops; also where the "
        "perturbation of the last ratio is a thousandth larger than that of the first, which makes all r_t/ε_t equal by the same theorem",
        false={
            "unequal-perturbations": Variant(
                "it ends at equal ratios where their perturbations differ, too", Bracket(0.0, SEARCH_ACCURACY), over=UNEQUAL
            )
        },
        evidence=Evidence.EMPIRICAL.within(SEARCH_ACCURACY, "the product is flat to second order at its least value"),
        origin=Origin.DERIVED,
        kind=Kind.EQUALITY,
    ),
)


def floor(count: int, *, root: int | None = None, perturbation: float = PERTURBATION) -> Bracket:
    """(R^{1/n} + ε)ⁿ, or with another root or perturbation."""
    with ctx.workprec(PRECISION):
        return to_bracket((arb(OVERALL).root(root or count) + arb(perturbation)) ** count)


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


def spreads(rng: np.random.Generator) -> dict[str, Bracket]:
    """How far the ratios differ at the end of the search, for equal perturbations and unequal ones."""
    apart: dict[str, Bracket] = {}
    for equal, unequal, (n,) in zip(COUNTS, UNEQUAL, COUNTS.values(), strict=True):
        start = rng.normal(size=n - 1)
        apart[equal] = spread(start, np.full(n, PERTURBATION))
        apart[unequal] = spread(start, np.geomspace(PERTURBATION, (1.0 + SLIGHTLY) * PERTURBATION, n))
    return apart


def spread(start: np.ndarray, perturbations: np.ndarray) -> Bracket:
    """Largest over smallest ratio, minus one, where BFGS stops."""
    ended = optimize.minimize(log_product, start, (perturbations,), method="BFGS", options={"gtol": 1e-12})
    logs = np.append(ended.x, -ended.x.sum())
    apart = math.expm1(float(logs.max() - logs.min()))
    return Bracket(apart, apart)


def log_product(free: np.ndarray, perturbations: np.ndarray) -> float:
    """log ∏ (r_i + ε_i); the logarithms of r_i over R^{1/n} sum to zero, so the last one follows from the others."""
    logs = math.log(OVERALL) / (len(free) + 1) + np.append(free, -free.sum())
    return float(np.log(np.exp(logs) + perturbations).sum())
