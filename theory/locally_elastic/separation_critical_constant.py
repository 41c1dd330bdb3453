"""At γ = c/t, which the printed theorem leaves open, separation of the I-model switches at c = K/2."""

import math
from collections.abc import Callable
from fractions import Fraction
from functools import cache

import numpy as np
import sympy

from layerpeel.numerics import Bracket, ElasticModel, law, separated_probability
from layerpeel.theory._room import Check, Control, Evidence, Kind, Origin, Quantities, Quantity, Room, Setting, Source, Statement
from layerpeel.theory.locally_elastic._closed_forms import separated_by_law
from layerpeel.theory.locally_elastic._drift import exact_similarity
from layerpeel.theory.locally_elastic._enclosed_flow import on_logarithms, rational, two_parameter_drift
from layerpeel.theory.locally_elastic._integrated_means import i_model_blocks, integrated_means, two_parameter
from layerpeel.theory.locally_elastic._line import CLASSES, DISTANCE, START, VARIANCE, draw_curves, draw_phases
from layerpeel.theory.locally_elastic._paths import SHARP, SIZED, constant_noise, ends_of_paths, isotropic, paths_needed, separated_share
from layerpeel.theory.locally_elastic._separation import distance_in_deviations, log_distances, separated_enclosure, slow_count

SWITCH = Fraction(CLASSES, 2)
BELOW, ABOVE = Fraction(2 * CLASSES, 5), Fraction(3 * CLASSES, 5)
"""Ten per cent of K away on either side: distances are t^{∓0.1} deviations."""
INTER = Fraction(-1, 2)
"""β = b/(1 + t), so that α is less than γ."""
TIMES = (1e3, 1e6, 1e9, 1e12)

FIXED = 5
"""Samples per class where their number is fixed."""

NEAR = 1e-3
"""How near to its limit a probability must come; at c = K/2 it is off by O(1/t)."""

END, SAMPLES = 5.0, 4
"""Monte Carlo: a time at which the probabilities lie between .17 and .75, and samples per class."""
CONSTANTS = (0.25 * CLASSES, 0.5 * CLASSES, 0.75 * CLASSES)


def _limits(value: float) -> Quantities:
    return {f"t = {time:g}": Bracket.exactly(value) for time in TIMES}


def predict_separated() -> Quantities:
    """One: t^{c/K − 1/2} → ∞."""
    return _limits(1.0)


def predict_mixed() -> Quantities:
    """Zero, as n grows."""
    return _limits(0.0)


def _kept(distance: float) -> Quantities:
    found = separated_probability(distance, deviations=(1.0, 1.0), counts=(FIXED, FIXED)).bracket()
    return {f"t = {time:g}": found for time in TIMES}


def predict_between() -> Quantities:
    """The exact integral at the distance d/σ that stays when growth and noise keep pace, here 2 deviations."""
    return _kept(DISTANCE)


def predict_between_with_start() -> Quantities:
    """A false variant: d over the deviation at time 0, as if the start's variance stayed."""
    return _kept(DISTANCE / math.sqrt(VARIANCE))


def _by_powers(exponent: float, count: Callable[[float], int] = slow_count) -> Quantities:
    """The exact integral at the distance d (1 + t)^e over the deviation."""
    found: dict[str, Quantity] = {}
    for time in TIMES:
        distance = min(60.0, DISTANCE * (1.0 + time) ** exponent / math.sqrt(VARIANCE + time))
        found[f"t = {time:g}"] = separated_probability(distance, deviations=(1.0, 1.0), counts=(count(time), count(time))).bracket()
    return found


def predict_above_by_halves() -> Quantities:
    """A false variant: the switch at c = K, as for squared distances; those of .6 K grow as t^{c/(2K)} only."""
    return _by_powers(0.5 * float(ABOVE) / CLASSES)


def predict_below_undivided() -> Quantities:
    """A false variant: the switch at c = 1/2, distances of .4 K grow as t^c."""
    return _by_powers(float(BELOW))


def predict_at_fixed() -> Quantities:
    """A false variant: growing n changes nothing."""
    return _by_powers(0.5, lambda time: FIXED)


@cache
def _distances(constant: Fraction) -> dict[float, Bracket]:
    """Of the outer class means, in deviations: from E and H in ball arithmetic."""
    rates = ({Fraction(1): constant + INTER}, {Fraction(1): INTER})
    drift = two_parameter_drift(exact_similarity("I", CLASSES, 1), CLASSES, *map(on_logarithms, rates))
    start = rational(sympy.Matrix([sympy.Rational(x) for x in START.ravel().tolist()]))
    found = log_distances(drift, start, TIMES, [(0, CLASSES - 1)], classes=CLASSES)
    return {time: distance_in_deviations(row[0], time, variance=VARIANCE) for time, row in zip(TIMES, found, strict=True)}


def _separated(constant: Fraction, count: Callable[[float], int] = slow_count) -> Quantities:
    return {f"t = {time:g}": separated_enclosure(distance, count(time)) for time, distance in _distances(constant).items()}


def measure_above(setting: Setting) -> Quantities:
    """Exact probability at c = .6 K, n = 2 + ⌊log(1 + t)⌋."""
    return _separated(ABOVE)


def measure_below(setting: Setting) -> Quantities:
    """Exact probability at c = .4 K, n = 2 + ⌊log(1 + t)⌋."""
    return _separated(BELOW)


def measure_at(setting: Setting) -> Quantities:
    """Exact probability at c = .5 K, n fixed."""
    return _separated(SWITCH, lambda time: FIXED)


def measure_at_growing(setting: Setting) -> Quantities:
    """Exact probability at c = .5 K, n = 2 + ⌊log(1 + t)⌋."""
    return _separated(SWITCH)


def predict_frequency() -> Quantities:
    """Below, at and above the switch by the exact law of numerics, before anything is drawn."""
    found: dict[str, Quantity] = {}
    for constant in CONSTANTS:
        intra, inter = f"{constant + float(INTER)}/(1 + t)", f"{float(INTER)}/(1 + t)"
        model = ElasticModel(blocks="I", num_classes=CLASSES, num_features=1, intra=intra, inter=inter, noise=1)
        found[f"c = {constant:g}"] = separated_by_law(law(model, START, END, spread=math.sqrt(VARIANCE)), samples=SAMPLES)
    return found


def predict_frequency_one_class_more() -> Quantities:
    """A false variant: differences grow as t^{c/(K+1)}, the switch at (K+1)/2."""
    deviation = math.sqrt(VARIANCE + END)
    return {
        f"c = {constant:g}": separated_probability(
            DISTANCE * (1.0 + END) ** (constant / (CLASSES + 1)), deviations=(deviation, deviation), counts=(SAMPLES, SAMPLES)
        ).bracket()
        for constant in CONSTANTS
    }


def measure_frequency(setting: Setting) -> Quantities:
    """How often paths around integrated means end with the outer classes separated."""
    found: dict[str, Quantity] = {}
    for constant in CONSTANTS:
        means = integrated_means(
            lambda time, c=constant: two_parameter(c + float(INTER), float(INTER), CLASSES) / (1.0 + time),
            i_model_blocks(CLASSES, 1),
            START,
            (END,),
        )
        ends = ends_of_paths(
            means.means(0),
            constant_noise(1.0, END, CLASSES, 1),
            spread=isotropic(math.sqrt(VARIANCE), CLASSES, 1),
            rng=setting.rng,
            paths=paths_needed(setting.level),
            samples=SAMPLES,
        )
        found[f"c = {constant:g}"] = separated_share(ends, (0, CLASSES - 1), np.ones(1))
    return found


EXACT = "brackets are enclosures in ball arithmetic: means by Taylor steps with a proved remainder, their order by one integral"

ROOM = Room(
    statement=Statement(
        name="separation-critical-constant",
        title="At γ = c/t separation switches at c = K/2",
        latex=r"\gamma=\frac{c}{1+t}:\ \frac{\|\bar X^k-\bar X^l\|}{\text{deviation}}\to\frac{d}{\sigma}\,t^{\,c/K-1/2},\quad"
        r"P(\text{separable})\to1\iff c>\tfrac K2",
        assumptions=("I-model, constant noise σ² > 0", "each sample driven by the class means", "n → ∞ slowly; fixed n at c = K/2"),
        kind=Kind.LIMIT,
        origin=Origin.DERIVED,
        source=Source("zhang2021", "slides, The Separation Theorem: the case γ ≍ 1/t it leaves open"),
    ),
    checks=(
        Check(
            name="above",
            claim="c = .6 K: separated with probability → 1, though n grows",
            evidence=Evidence.CERTIFIED,
            predict=predict_separated,
            measure=measure_above,
            resolution=NEAR,
            reason=EXACT,
        ),
        Check(
            name="below",
            claim="c = .4 K: separated with probability → 0 as n grows",
            evidence=Evidence.CERTIFIED,
            predict=predict_mixed,
            measure=measure_below,
            resolution=NEAR,
            reason=EXACT,
        ),
        Check(
            name="at",
            claim="c = K/2 and n fixed: the probability tends to that of means d/σ deviations apart",
            evidence=Evidence.CERTIFIED,
            predict=predict_between,
            measure=measure_at,
            resolution=NEAR,
            reason=EXACT,
        ),
        Check(
            name="at-growing",
            claim="c = K/2 and n growing: the probability tends to zero",
            evidence=Evidence.CERTIFIED,
            predict=predict_mixed,
            measure=measure_at_growing,
            resolution=NEAR,
            reason=EXACT,
        ),
        Check(
            name="frequency",
            claim="paths are separated as often as the exact law predicts, below, at and above the switch",
            evidence=Evidence.STATISTICAL,
            predict=predict_frequency,
            measure=measure_frequency,
            kind=Kind.PROBABILITY,
            resolution=SHARP,
            reason=SIZED,
            headroom=2.0,
        ),
    ),
    controls=(
        Control(
            name="by-halves",
            claim="the switch is at c = K: distances of .6 K grow as t^{.3}",
            check="above",
            predict=predict_above_by_halves,
            kind=Kind.PROBABILITY,
        ),
        Control(
            name="undivided",
            claim="the switch is at c = 1/2: distances of .4 K grow as t^c",
            check="below",
            predict=predict_below_undivided,
            kind=Kind.PROBABILITY,
        ),
        Control(name="start-deviation", claim="at c = K/2 the start's variance stays", check="at", predict=predict_between_with_start),
        Control(
            name="as-for-fixed",
            claim="growing n changes nothing: means keep d/σ",
            check="at-growing",
            predict=predict_at_fixed,
            kind=Kind.PROBABILITY,
        ),
        Control(
            name="one-class-more", claim="differences grow as t^{c/(K+1)}", check="frequency", predict=predict_frequency_one_class_more
        ),
    ),
    figures=(draw_curves, draw_phases),
)
