"""Equal ratios from layer to layer are the least sensitive split of a given overall separation: to first order and to all orders."""

import math

import numpy as np
import sympy
from flint import arb, ctx
from scipy import optimize

from layerpeel.numerics import PRECISION, Bracket, to_bracket
from layerpeel.theory._room import Check, Control, Evidence, Kind, Origin, Quantities, Quantity, Room, Setting, Source, Statement

COUNTS = (2, 3, 5, 10)
"""m − 1, the number of ratios."""

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

x, ratio, epsilon = sympy.symbols("x r epsilon", positive=True)
shift = sympy.Symbol("x", real=True)


def predict_proof() -> Quantities:
    """Σ 1/r_i at first order; a positive second derivative of log(r eˣ + ε); a remainder e^{−x} − 1 + x that is least, zero, at 0."""
    expected: dict[str, Quantity] = {f"first order, {n} ratios": sum((1 / r for r in _ratios(n)), sympy.Integer(0)) for n in COUNTS[:3]}
    return expected | {
        "curvature of log(r exp(x) + ε)": ratio * epsilon * sympy.exp(shift) / (ratio * sympy.exp(shift) + epsilon) ** 2,
        "least remainder": sympy.Integer(0),
        "where": sympy.Integer(0),
    }


def predict_wrong_order() -> Quantities:
    """A false first order: Σ r_i."""
    return {f"first order, {n} ratios": sum(_ratios(n), sympy.Integer(0)) for n in COUNTS[:3]}


def _ratios(count: int) -> tuple[sympy.Symbol, ...]:
    return sympy.symbols(f"r1:{count + 1}", positive=True)


def measure_proof(setting: Setting) -> Quantities:
    """By differentiation.

    With r_i = R^{1/n} e^{x_i} and Σ x_i = 0: Σ e^{−x_i} − n = Σ (e^{−x_i} − 1 + x_i) ≥ 0 settles the first order, and Jensen's
    inequality for the convex x ↦ log(r eˣ + ε) settles all orders: ∏(r_i + ε) ≥ (R^{1/n} + ε)ⁿ.
    """
    found: dict[str, Quantity] = {}
    for n in COUNTS[:3]:
        product = sympy.Mul(*(r + epsilon for r in _ratios(n)))
        found[f"first order, {n} ratios"] = sympy.expand(sympy.diff(sympy.log(product), epsilon).subs(epsilon, 0))
    found["curvature of log(r exp(x) + ε)"] = sympy.diff(sympy.log(ratio * sympy.exp(shift) + epsilon), shift, 2)
    remainder = sympy.exp(-shift) - 1 + shift
    (place,) = sympy.solve(sympy.diff(remainder, shift), shift)
    return found | {"least remainder": remainder.subs(shift, place), "where": place}


def predict_floor() -> Quantities:
    """(R^{1/n} + ε)ⁿ."""
    return {f"{n} ratios": _floor(n) for n in COUNTS}


def predict_floor_by_layers() -> Quantities:
    """False: R^{1/m} in place of R^{1/(m−1)}, as if there were a ratio for every layer."""
    return {f"{n} ratios": _floor(n, root=n + 1) for n in COUNTS}


def predict_floor_above() -> Quantities:
    """False: the floor at a perturbation one per cent larger."""
    return {f"{n} ratios": _floor(n, perturbation=1.01 * PERTURBATION) for n in COUNTS}


def _floor(count: int, *, root: int | None = None, perturbation: float = PERTURBATION) -> Bracket:
    with ctx.workprec(PRECISION):
        return to_bracket((arb(OVERALL).root(root or count) + arb(perturbation)) ** count)


def measure_least_product(setting: Setting) -> Quantities:
    """The least ∏(r_i + ε) over random splits, in ball arithmetic; the equal one is not among them."""
    found: dict[str, Quantity] = {}
    with ctx.workprec(PRECISION):
        for n in COUNTS:
            directions = setting.rng.standard_normal((SPLITS, n))
            directions -= directions.mean(axis=1, keepdims=True)
            directions *= (np.geomspace(*BESIDE, SPLITS) / np.linalg.norm(directions, axis=1))[:, None]
            shares = np.vstack([1.0 / n + directions, setting.rng.dirichlet(np.ones(n), SPLITS)])
            products = [_product(share.tolist()) for share in shares]
            found[f"{n} ratios"] = Bracket(min(p.lower for p in products), min(p.upper for p in products), rigorous=True)
    return found


def _product(shares: list[float]) -> Bracket:
    """∏ (r_i + ε) with r_i = R^{share_i}, and the last share one minus the others exactly."""
    exponents = [arb(share) for share in shares[:-1]]
    exponents.append(1 - sum(exponents, arb(0)))
    total = arb(1)
    for exponent in exponents:
        total *= arb(OVERALL) ** exponent + arb(PERTURBATION)
    return to_bracket(total)


def predict_equal() -> Quantities:
    """The search ends where all ratios are equal: no spread beyond its accuracy."""
    return {f"{n} ratios": Bracket(0.0, SEARCH_ACCURACY) for n in COUNTS}


def predict_equal_all_the_same() -> Quantities:
    """The same where the perturbations of the ratios differ."""
    return {f"{label}, unequal perturbations": spread for label, spread in predict_equal().items()}


def measure_spread(setting: Setting) -> Quantities:
    """Largest over smallest ratio, minus one, where a minimisation of the product over splits of R stops.

    For the control, the perturbation of the last ratio is ten times that of the first: ∏ (r_i + ε_i) = ∏ ε_i ∏ (1 + r_i/ε_i) is then least
    where all r_i/ε_i are equal, by the same theorem.
    """
    found: dict[str, Quantity] = {}
    for n in COUNTS:
        start = setting.rng.normal(size=n - 1)
        found[f"{n} ratios"] = _spread(start, np.full(n, PERTURBATION))
        found[f"{n} ratios, unequal perturbations"] = _spread(start, np.geomspace(PERTURBATION, 10.0 * PERTURBATION, n))
    return found


def _spread(start: np.ndarray, perturbations: np.ndarray) -> Bracket:
    ended = optimize.minimize(_log_product, start, (perturbations,), method="BFGS", options={"gtol": 1e-12})
    logs = _centred(ended.x)
    spread = math.expm1(float(logs.max() - logs.min()))
    return Bracket(spread, spread)


def _centred(free: np.ndarray) -> np.ndarray:
    """Logarithms of the ratios over R^{1/n}: they sum to zero."""
    return np.append(free, -free.sum())


def _log_product(free: np.ndarray, perturbations: np.ndarray) -> float:
    logs = math.log(OVERALL) / (len(free) + 1) + _centred(free)
    return float(np.log(np.exp(logs) + perturbations).sum())


ROOM = Room(
    statement=Statement(
        name="robustness-amgm",
        title="Equal ratios are the most robust split of the overall separation",
        latex=r"\prod_{t=1}^{m-1}(r_t+\varepsilon)\ \ge\ \bigl(R^{1/(m-1)}+\varepsilon\bigr)^{m-1},\qquad \prod_t r_t=R=\frac{D_m}{D_1},"
        r"\quad \varepsilon>0",
        assumptions=("ratios r_t > 0 with a fixed product", "the same perturbation ε > 0 of every ratio"),
        kind=Kind.LOWER_BOUND,
        origin=Origin.SEED,
        source=Source("su2024", "Equi-separation implies robustness; the form to all orders is derived"),
    ),
    checks=(
        Check(
            name="proof",
            claim="the first order is Σ 1/r_t, least when all are equal; log(r exp(x) + ε) is convex, so this holds to all orders",
            evidence=Evidence.PROOF,
            predict=predict_proof,
            measure=measure_proof,
            kind=Kind.EQUALITY,
        ),
        Check(
            name="no-split-below",
            claim="no split of R drawn, far from the equal one or as near as 1e-6, has a perturbed product below (R^{1/(m−1)} + ε)^{m−1}",
            evidence=Evidence.CERTIFIED,
            predict=predict_floor,
            measure=measure_least_product,
            origin=Origin.DERIVED,
        ),
        Check(
            name="search-ends-there",
            claim="minimising over splits ends at equal ratios",
            evidence=Evidence.EMPIRICAL,
            predict=predict_equal,
            measure=measure_spread,
            origin=Origin.DERIVED,
            kind=Kind.EQUALITY,
            resolution=SEARCH_ACCURACY,
            reason="the product is flat to second order at its least value",
        ),
    ),
    controls=(
        Control(name="sum-of-ratios", claim="the first order is Σ r_t", check="proof", predict=predict_wrong_order),
        Control(name="root-of-layers", claim="the floor is (R^{1/m} + ε)^{m−1}", check="no-split-below", predict=predict_floor_by_layers),
        Control(name="higher-floor", claim="the floor is that of 1.01 ε", check="no-split-below", predict=predict_floor_above),
        Control(
            name="unequal-perturbations",
            claim="it ends at equal ratios where their perturbations differ, too",
            check="search-ends-there",
            predict=predict_equal_all_the_same,
        ),
    ),
)
