"""The I-model separates if and only if γ stays above 1/t, whatever β does."""

import math
from functools import cache

import numpy as np
import sympy

from numerics import Bracket, ElasticModel, Proportion, confirming_size, euler_chunks, separated_along, separated_probability
from theory._room import Check, Control, Evidence, Kind, Origin, Quantities, Quantity, Room, Setting, Source, Statement
from theory.locally_elastic._separation import any_hyperplane_bound, distance_in_deviations, growth, separated_enclosure, slow_count

CLASSES = 3
SIZES = (2, 3, 4, 5)
"""Numbers of classes of the symbolic check."""

ABOVE, BELOW = 0.75, 1.25
"""Exponents r of γ = (1 + t)^{−r} on both sides of r = 1."""
TIMES = (1e2, 1e4, 1e8, 1e12)
"""At the last one class differences are 1e572 deviations for r = .75, and 8e-6 for r = 1.25."""

FEATURES = 3
"""p of the bound over all hyperplanes."""

END, STEPS, SAMPLES = 16.0, 320, 4
"""Monte Carlo: time, Euler–Maruyama steps (the means are off by 0.7 per cent) and samples per class."""
CASES = {"r = 0.5, β = 1": (0.5, 1.0), "r = 1.5, β = -1": (1.5, -1.0)}
"""(r, β): a rate on each side and β of each sign."""
START = np.array([[1.0, 0.0], [-0.5, 0.9], [-0.5, -0.9]])
"""Class means at time 0 in R²; the features' variance is 1 then, and grows by 1 per unit of time."""

SHARP, POWER = 0.1, 0.999
"""Width at which a Monte Carlo interval confirms, and the probability that a true prediction is confirmed."""

NEAR = 1e-2
"""How near to its limit a probability must come: at t = 10¹² with n = 29 the bound over all hyperplanes is 1e-5."""


def _gap(exponent: float) -> str:
    return f"(1 + t)**(-{exponent})"


def predict_difference_drift() -> Quantities:
    """d(X̄^k − X̄^l)/dt = (γ/K)(X̄^k − X̄^l), so they grow as e^{Γ/K}, for any β."""
    alpha, beta, first, second = sympy.symbols("alpha beta X1 X2")
    return {f"K = {size}": (alpha - beta) / size * (first - second) for size in SIZES}


def predict_difference_drift_with_inter() -> Quantities:
    """A false variant: β weakens the growth as it does in the L-model, (α − β/(K−1))/K."""
    alpha, beta, first, second = sympy.symbols("alpha beta X1 X2")
    return {f"K = {size}": (alpha - beta / (size - 1)) / size * (first - second) for size in SIZES[1:]}


def measure_difference_drift(setting: Setting) -> Quantities:
    """Difference of the first two rows of M X̄, from the matrix E."""
    alpha, beta = sympy.symbols("alpha beta")
    found: dict[str, Quantity] = {}
    for size in SIZES:
        means = sympy.Matrix(sympy.symbols(f"X1:{size + 1}"))
        drift = ((alpha - beta) * sympy.eye(size) + beta * sympy.ones(size)) * means / size
        found[f"K = {size}"] = sympy.expand(drift[0] - drift[1])
    return found


@cache
def _distance(exponent: float, time: float) -> Bracket:
    """Of two class means that start 2 apart, by the drift of their difference."""
    return distance_in_deviations(growth(f"{_gap(exponent)}/{CLASSES}", time), time)


def predict_separated() -> Quantities:
    """One."""
    return {f"t = {time:g}": Bracket.exactly(1.0) for time in TIMES}


def predict_mixed() -> Quantities:
    """Zero."""
    return {f"t = {time:g}": Bracket.exactly(0.0) for time in TIMES}


def measure_above(setting: Setting) -> Quantities:
    """Exact probability along the means, n = 2 + ⌊log(1 + t)⌋: a lower bound for separation by some hyperplane."""
    return {f"t = {time:g}": separated_enclosure(_distance(ABOVE, time), slow_count(time)) for time in TIMES}


def measure_below(setting: Setting) -> Quantities:
    """Exact probability along the means, n = 2 + ⌊log(1 + t)⌋."""
    return {f"t = {time:g}": separated_enclosure(_distance(BELOW, time), slow_count(time)) for time in TIMES}


def predict_mixed_everywhere() -> Quantities:
    """Zero, from where n exceeds twice the number of features."""
    return {f"t = {time:g}": Bracket.exactly(0.0) for time in TIMES[2:]}


def predict_separated_everywhere() -> Quantities:
    """A false variant: some hyperplane always does it."""
    return {f"t = {time:g}": Bracket.exactly(1.0) for time in TIMES[2:]}


def measure_everywhere(setting: Setting) -> Quantities:
    """Separation by any hyperplane of R³: from the probability along the means to Cover's count plus total variation."""
    return {f"t = {time:g}": any_hyperplane_bound(_distance(BELOW, time), slow_count(time), FEATURES) for time in TIMES[2:]}


def _predicted(logs: dict[str, float]) -> Quantities:
    """The integral at growth e^{log}, predicted before anything is drawn."""
    distance, deviation = float(np.linalg.norm(START[0] - START[1])), math.sqrt(1.0 + END)
    return {
        label: separated_probability(distance * math.exp(log), deviations=(deviation, deviation), counts=(SAMPLES, SAMPLES)).bracket()
        for label, log in logs.items()
    }


def predict_frequency() -> Quantities:
    """The exact integral at growth e^{Γ/K}."""
    return _predicted({label: growth(f"{_gap(r)}/{CLASSES}", END).middle for label, (r, _) in CASES.items()})


def predict_frequency_by_intra() -> Quantities:
    """A false variant: growth e^{A/K}, as if β did not count against α."""
    return _predicted({label: growth(f"({_gap(r)} + ({beta}))/{CLASSES}", END).middle for label, (r, beta) in CASES.items()})


def predict_frequency_without_classes() -> Quantities:
    """A false variant: growth e^Γ, without the division by K."""
    return _predicted({label: growth(_gap(r), END).middle for label, (r, _) in CASES.items()})


def measure_frequency(setting: Setting) -> Quantities:
    """How often Euler–Maruyama paths of the whole system end with classes 1 and 2 separated along X̄^1(0) − X̄^2(0)."""
    paths = confirming_size(predicted=0.5, resolution=SHARP, level=setting.level, power=POWER)  # ½ needs the most
    found: dict[str, Quantity] = {}
    for label, (exponent, beta) in CASES.items():
        model = ElasticModel(blocks="I", num_classes=CLASSES, num_features=2, intra=f"{_gap(exponent)} + ({beta})", inter=beta, noise=1)
        separated = 0
        for points in euler_chunks(model, START, end=END, steps=STEPS, rng=setting.rng, paths=paths, samples=SAMPLES, spread=1):
            direction = np.broadcast_to(START[0] - START[1], (len(points), 2))
            separated += int(separated_along(points[:, 0], points[:, 1], direction).sum())
        found[label] = Proportion(successes=separated, n=paths)
    return found


EXACT = "brackets are enclosures in ball arithmetic; probabilities come within 1e-2 of their limits by t = 1e12"

ROOM = Room(
    statement=Statement(
        name="separation-i-model",
        title="The I-model separates exactly when γ stays above 1/t",
        latex=r"\bar X^k-\bar X^l\propto e^{\Gamma(t)/K}:\ P(\text{separable})\to1\text{ if }\gamma=\omega(1/t),\ \to0\text{ if }o(1/t)",
        assumptions=(
            "I-model, β arbitrary; constant noise, bounded away from zero",
            "each sample driven by the class means; distinct class means at time 0",
            "for the second part n → ∞, arbitrarily slowly",
        ),
        kind=Kind.LIMIT,
        origin=Origin.SEED,
        source=Source("zhang2021", "slides, The Separation Theorem, for H_ij = I_p"),
    ),
    checks=(
        Check(
            name="class-differences",
            claim="d(X̄^k − X̄^l)/dt = (γ/K)(X̄^k − X̄^l)",
            evidence=Evidence.PROOF,
            predict=predict_difference_drift,
            measure=measure_difference_drift,
            kind=Kind.EQUALITY,
        ),
        Check(
            name="above",
            claim="γ = (1+t)^{−3/4}: separated along the means with probability → 1, though n grows",
            evidence=Evidence.CERTIFIED,
            predict=predict_separated,
            measure=measure_above,
            resolution=NEAR,
            reason=EXACT,
        ),
        Check(
            name="below",
            claim="γ = (1+t)^{−5/4}: separated along the means with probability → 0 as n grows like log t",
            evidence=Evidence.CERTIFIED,
            predict=predict_mixed,
            measure=measure_below,
            resolution=NEAR,
            reason=EXACT,
        ),
        Check(
            name="below-any-hyperplane",
            claim="γ = (1+t)^{−5/4}: no hyperplane of R³ does better in the limit",
            evidence=Evidence.CERTIFIED,
            predict=predict_mixed_everywhere,
            measure=measure_everywhere,
            resolution=NEAR,
            reason=EXACT,
        ),
        Check(
            name="frequency",
            claim="Euler–Maruyama paths are separated as often as the exact integral predicts, for β of either sign",
            evidence=Evidence.STATISTICAL,
            predict=predict_frequency,
            measure=measure_frequency,
            kind=Kind.PROBABILITY,
            resolution=SHARP,
            reason="the number of paths is the one at which an interval this wide confirms with probability 0.999",
        ),
    ),
    controls=(
        Control(
            name="inter-weakens",
            claim="the growth is (α − β/(K−1))/K",
            check="class-differences",
            predict=predict_difference_drift_with_inter,
        ),
        Control(name="never", claim="above 1/t the classes mix", check="above", predict=predict_mixed),
        Control(name="always", claim="below 1/t the classes separate", check="below", predict=predict_separated),
        Control(
            name="some-hyperplane",
            claim="some hyperplane always separates",
            check="below-any-hyperplane",
            predict=predict_separated_everywhere,
        ),
        Control(name="intra-alone", claim="differences grow as e^{A/K}", check="frequency", predict=predict_frequency_by_intra),
        Control(name="undivided", claim="differences grow as e^Γ", check="frequency", predict=predict_frequency_without_classes),
    ),
)
