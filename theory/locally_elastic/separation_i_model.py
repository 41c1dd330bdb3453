"""The I-model separates if and only if γ stays above 1/t, whatever β does."""

import math
from collections.abc import Callable
from fractions import Fraction
from functools import cache

import numpy as np
import sympy

from layerpeel.numerics import Bracket, ElasticModel, as_rate, law, separated_probability
from layerpeel.theory._room import Check, Control, Evidence, Kind, Origin, Quantities, Quantity, Room, Setting, Source, Statement
from layerpeel.theory.locally_elastic._closed_forms import closed_log_distance, separated_by_law
from layerpeel.theory.locally_elastic._drift import exact_similarity
from layerpeel.theory.locally_elastic._enclosed_flow import on_logarithms, rational, two_parameter_drift
from layerpeel.theory.locally_elastic._integrated_means import i_model_blocks, integrated_means, two_parameter
from layerpeel.theory.locally_elastic._paths import SHARP, SIZED, constant_noise, ends_of_paths, isotropic, paths_needed, separated_share
from layerpeel.theory.locally_elastic._separation import (
    any_hyperplane_bound,
    distance_in_deviations,
    log_distances,
    separated_enclosure,
    slow_count,
)

CLASSES = 3
SIZES = (2, 3, 4, 5)
"""Numbers of classes of the symbolic check."""

ABOVE, BELOW = Fraction(3, 4), Fraction(5, 4)
"""Exponents r of γ = (1 + t)^{−r} on both sides of r = 1."""
INTER = {ABOVE: Fraction(1, 2), BELOW: Fraction(-1, 2)}
"""b of β = b/(1 + t), of either sign."""
TIMES = {ABOVE: (1e1, 1e2, 1e3, 1e4), BELOW: (1e2, 1e4, 1e8, 1e12)}
"""At the last one class differences are 3e3 deviations for r = .75, and 8e-6 for r = 1.25."""
LINE = (Fraction(1), Fraction(1, 4), Fraction(-1))
"""Class means at time 0 on a line, the first and the last 2 apart; the features' variance is 1 then, and grows by 1 per unit of time."""

FEATURES = 3
"""p of the bound over all hyperplanes."""

END, SAMPLES = 4.0, 4
"""Monte Carlo: a time at which the probabilities lie between .2 and .8, and samples per class."""
CASES = {"r = 0.5, β = 1": (0.5, 1.0), "r = 1.5, β = -1": (1.5, -1.0)}
"""(r, β): a rate on each side and β of each sign."""
START = np.array([[1.0, 0.0], [-0.5, 0.9], [-0.5, -0.9]])
"""Class means at time 0 in R²; variances as on the line."""

NEAR = 1e-2
"""How near to its limit a probability must come: at t = 10¹² with n = 29 the bound over all hyperplanes is 1e-5."""
LOGARITHM = 1e-11
"""Of logarithms of distances: enclosed to 1e-14, predicted in doubles with an error of at most 1e-12."""


def _gap(exponent: Fraction | float) -> str:
    return f"(1 + t)**(-{float(exponent)})"


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


# Along the line, enclosed.


@cache
def _log_distances(exponent: Fraction) -> dict[float, Bracket]:
    """log ‖X̄^1 − X̄^3‖ by time, from E and H by Taylor steps."""
    inter = {Fraction(1): INTER[exponent]}
    intra = inter | {exponent: Fraction(1)}
    drift = two_parameter_drift(exact_similarity("I", CLASSES, 1), CLASSES, on_logarithms(intra), on_logarithms(inter))
    found = log_distances(drift, rational(sympy.Matrix(LINE)), TIMES[exponent], [(0, CLASSES - 1)], classes=CLASSES)
    return {time: row[0] for time, row in zip(TIMES[exponent], found, strict=True)}


def _by_time(exponent: Fraction, value: Callable[[float], Quantity], *, last: int = 4) -> Quantities:
    return {f"t = {time:g}": value(time) for time in TIMES[exponent][-last:]}


def _labelled(value: Callable[[Fraction, float], Bracket]) -> Quantities:
    return {f"r = {float(exponent):g}, t = {time:g}": value(exponent, time) for exponent in TIMES for time in TIMES[exponent]}


def predict_growth() -> Quantities:
    """log 2 + Γ/K, by the closed mean flow of numerics."""
    start = np.array(LINE, dtype=float)[:, None]

    def model(exponent: Fraction) -> ElasticModel:
        inter = f"{float(INTER[exponent])}/(1 + t)"
        return ElasticModel(blocks="I", num_classes=CLASSES, num_features=1, intra=f"{_gap(exponent)} + {inter}", inter=inter)

    return _labelled(lambda exponent, time: closed_log_distance(model(exponent), start, time))


def _grown_by(rate: Callable[[Fraction], str]) -> Quantities:
    return _labelled(lambda exponent, time: Bracket.exactly(math.log(2.0) + float(as_rate(rate(exponent)).integral(time))))


def predict_growth_by_intra() -> Quantities:
    """A false variant: A/K, as if β did not count against α."""
    return _grown_by(lambda exponent: f"({_gap(exponent)} + {float(INTER[exponent])}/(1 + t))/{CLASSES}")


def predict_growth_one_class_fewer() -> Quantities:
    """A false variant: Γ/(K − 1), as if a class were driven by the others only."""
    return _grown_by(lambda exponent: f"{_gap(exponent)}/{CLASSES - 1}")


def measure_growth(setting: Setting) -> Quantities:
    """Class means with β = ±1/(2(1 + t)), integrated from E and H in ball arithmetic."""
    return _labelled(lambda exponent, time: _log_distances(exponent)[time])


def _distance(exponent: Fraction, time: float) -> Bracket:
    return distance_in_deviations(_log_distances(exponent)[time], time)


def predict_separated() -> Quantities:
    """One."""
    return _by_time(ABOVE, lambda time: Bracket.exactly(1.0))


def predict_mixed() -> Quantities:
    """Zero."""
    return _by_time(BELOW, lambda time: Bracket.exactly(0.0))


def _along_the_means(distance: float, time: float) -> Bracket:
    """The integral in doubles at a distance in deviations."""
    return separated_probability(distance, deviations=(1.0, 1.0), counts=(slow_count(time), slow_count(time))).bracket()


def predict_separated_by_sums() -> Quantities:
    """A false variant: distances grow by 2Γ/K, as if each step added the same and not in proportion: 0.8 deviations at t = 100."""
    grown = as_rate(f"{_gap(ABOVE)}/{CLASSES}")
    return _by_time(ABOVE, lambda time: _along_the_means(2.0 * (1.0 + float(grown.integral(time))) / math.sqrt(1.0 + time), time))


def predict_mixed_undivided() -> Quantities:
    """A false variant: growth e^Γ; three deviations at t = 100."""
    grown = as_rate(_gap(BELOW))
    return _by_time(BELOW, lambda time: _along_the_means(2.0 * math.exp(float(grown.integral(time))) / math.sqrt(1.0 + time), time))


def measure_above(setting: Setting) -> Quantities:
    """Exact probability along the means, n = 2 + ⌊log(1 + t)⌋: a lower bound for separation by some hyperplane."""
    return _by_time(ABOVE, lambda time: separated_enclosure(_distance(ABOVE, time), slow_count(time)))


def measure_below(setting: Setting) -> Quantities:
    """Exact probability along the means, n = 2 + ⌊log(1 + t)⌋."""
    return _by_time(BELOW, lambda time: separated_enclosure(_distance(BELOW, time), slow_count(time)))


def predict_mixed_everywhere() -> Quantities:
    """Zero, from where n exceeds twice the number of features."""
    return _by_time(BELOW, lambda time: Bracket.exactly(0.0), last=2)


def predict_separated_everywhere() -> Quantities:
    """A false variant: hyperplanes fitted to the samples always do it, as they do for p + 1 of them."""
    return _by_time(BELOW, lambda time: Bracket.exactly(1.0), last=2)


def measure_everywhere(setting: Setting) -> Quantities:
    """Separation by any hyperplane of R³: from the probability along the means to Cover's count plus total variation."""
    return _by_time(BELOW, lambda time: any_hyperplane_bound(_distance(BELOW, time), slow_count(time), FEATURES), last=2)


# On paths.


def predict_frequency() -> Quantities:
    """The exact law of numerics, before anything is drawn."""
    return {
        label: separated_by_law(
            law(
                ElasticModel(blocks="I", num_classes=CLASSES, num_features=2, intra=f"{_gap(r)} + ({inter})", inter=inter, noise=1),
                START,
                END,
                spread=1,
            ),
            samples=SAMPLES,
            pair=(0, 1),
        )
        for label, (r, inter) in CASES.items()
    }


def _predicted(rate: Callable[[float, float], str], deviation: float = math.sqrt(1.0 + END)) -> Quantities:
    """The integral at growth e^{∫ rate}."""
    distance = float(np.linalg.norm(START[0] - START[1]))
    return {
        label: separated_probability(
            distance * math.exp(float(as_rate(rate(r, inter)).integral(END))), deviations=(deviation, deviation), counts=(SAMPLES, SAMPLES)
        ).bracket()
        for label, (r, inter) in CASES.items()
    }


def predict_frequency_by_intra() -> Quantities:
    """A false variant: growth e^{A/K}."""
    return _predicted(lambda r, inter: f"({_gap(r)} + ({inter}))/{CLASSES}")


def predict_frequency_one_class_fewer() -> Quantities:
    """A false variant: growth e^{Γ/(K−1)}."""
    return _predicted(lambda r, inter: f"{_gap(r)}/{CLASSES - 1}")


def predict_frequency_of_noise_alone() -> Quantities:
    """A false variant: the deviation is that of the noise, √t, without the start's."""
    return _predicted(lambda r, inter: f"{_gap(r)}/{CLASSES}", math.sqrt(END))


def measure_frequency(setting: Setting) -> Quantities:
    """How often paths around integrated means end with classes 1 and 2 separated along X̄^1(0) − X̄^2(0)."""
    found: dict[str, Quantity] = {}
    for label, (r, inter) in CASES.items():
        means = integrated_means(
            lambda time, r=r, inter=inter: two_parameter((1.0 + time) ** -r + inter, inter, CLASSES),
            i_model_blocks(CLASSES, 2),
            START,
            (END,),
        )
        ends = ends_of_paths(
            means.means(0),
            constant_noise(1.0, END, CLASSES, 2),
            spread=isotropic(1.0, CLASSES, 2),
            rng=setting.rng,
            paths=paths_needed(setting.level),
            samples=SAMPLES,
        )
        found[label] = separated_share(ends, (0, 1), START[0] - START[1])
    return found


EXACT = "brackets are enclosures in ball arithmetic; probabilities come within 1e-2 of their limits by the last time"

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
            origin=Origin.DERIVED,
        ),
        Check(
            name="growth",
            claim="log ‖X̄^1 − X̄^3‖ grows by Γ/K, for γ on both sides of 1/t and β of either sign",
            evidence=Evidence.CERTIFIED,
            predict=predict_growth,
            measure=measure_growth,
            kind=Kind.EQUALITY,
            resolution=LOGARITHM,
            reason="means enclosed by Taylor steps with a proved remainder; the closed form states an error of at most 1e-11",
            origin=Origin.DERIVED,
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
            claim="paths are separated as often as the exact law predicts, for β of either sign",
            evidence=Evidence.STATISTICAL,
            predict=predict_frequency,
            measure=measure_frequency,
            kind=Kind.PROBABILITY,
            resolution=SHARP,
            reason=SIZED,
            headroom=2.0,
            origin=Origin.DERIVED,
        ),
    ),
    controls=(
        Control(
            name="inter-weakens",
            claim="the growth is (α − β/(K−1))/K",
            check="class-differences",
            predict=predict_difference_drift_with_inter,
        ),
        Control(name="intra-grows", claim="log distances grow by A/K", check="growth", predict=predict_growth_by_intra),
        Control(name="one-fewer-grows", claim="they grow by Γ/(K−1)", check="growth", predict=predict_growth_one_class_fewer),
        Control(
            name="by-sums",
            claim="distances grow by 2Γ/K, in sums and not in proportion",
            check="above",
            predict=predict_separated_by_sums,
            kind=Kind.PROBABILITY,
        ),
        Control(name="undivided", claim="differences grow as e^Γ", check="below", predict=predict_mixed_undivided, kind=Kind.PROBABILITY),
        Control(
            name="some-hyperplane",
            claim="a hyperplane fitted to the samples always separates them",
            check="below-any-hyperplane",
            predict=predict_separated_everywhere,
        ),
        Control(name="intra-alone", claim="differences grow as e^{A/K}", check="frequency", predict=predict_frequency_by_intra),
        Control(name="one-fewer", claim="differences grow as e^{Γ/(K−1)}", check="frequency", predict=predict_frequency_one_class_fewer),
        Control(name="noise-alone", claim="the deviation is √t", check="frequency", predict=predict_frequency_of_noise_alone),
    ),
)
