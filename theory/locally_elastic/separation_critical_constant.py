"""At γ = c/t, which the printed theorem leaves open, separation of the I-model switches at c = K/2."""

import math
from functools import cache

from numerics import Bracket, Proportion, confirming_size, euler_chunks, separated_probability
from theory._room import Check, Control, Evidence, Kind, Origin, Quantities, Quantity, Room, Setting, Source, Statement
from theory.locally_elastic._line import CLASSES, DISTANCE, START, VARIANCE, draw_curves, draw_phases, ends_separated, line_model
from theory.locally_elastic._separation import distance_in_deviations, growth, separated_enclosure, slow_count

BELOW, ABOVE = 0.4 * CLASSES, 0.6 * CLASSES
"""Ten per cent of K away on either side: distances are t^{∓0.1} deviations."""
TIMES = (1e3, 1e6, 1e9, 1e12)

FIXED = 5
"""Samples per class where their number is fixed."""

NEAR = 1e-3
"""How near to its limit a probability must come; at c = K/2 it is off by O(1/t)."""

END, STEPS, SAMPLES = 30.0, 600, 4
"""Monte Carlo: time, Euler–Maruyama steps (the means are off by 0.6 per cent) and samples per class."""
CONSTANTS = (0.25 * CLASSES, 0.5 * CLASSES, 0.75 * CLASSES)

SHARP, POWER = 0.1, 0.999
"""Width at which a Monte Carlo interval confirms, and the probability that a true prediction is confirmed."""


def _limits(value: float) -> Quantities:
    return {f"t = {time:g}": Bracket.exactly(value) for time in TIMES}


def predict_separated() -> Quantities:
    """One: t^{c/K − 1/2} → ∞."""
    return _limits(1.0)


def predict_mixed() -> Quantities:
    """Zero, as n grows."""
    return _limits(0.0)


def predict_between() -> Quantities:
    """The exact integral at the distance d/σ that stays when growth and noise keep pace, here 2 deviations."""
    found = separated_probability(DISTANCE, deviations=(1.0, 1.0), counts=(FIXED, FIXED)).bracket()
    return {f"t = {time:g}": found for time in TIMES}


def predict_between_with_start() -> Quantities:
    """A false variant: d over the deviation at time 0, as if the start's variance stayed."""
    found = separated_probability(DISTANCE / math.sqrt(VARIANCE), deviations=(1.0, 1.0), counts=(FIXED, FIXED)).bracket()
    return {f"t = {time:g}": found for time in TIMES}


@cache
def _distance(constant: float, time: float) -> Bracket:
    rate = growth(f"{constant / CLASSES!r}/(1 + t)", time)
    return distance_in_deviations(rate, time, start=DISTANCE, variance=VARIANCE)


def measure_above(setting: Setting) -> Quantities:
    """Exact probability at c = .6 K, n = 2 + ⌊log(1 + t)⌋."""
    return {f"t = {time:g}": separated_enclosure(_distance(ABOVE, time), slow_count(time)) for time in TIMES}


def measure_below(setting: Setting) -> Quantities:
    """Exact probability at c = .4 K, n = 2 + ⌊log(1 + t)⌋."""
    return {f"t = {time:g}": separated_enclosure(_distance(BELOW, time), slow_count(time)) for time in TIMES}


def measure_at(setting: Setting) -> Quantities:
    """Exact probability at c = .5 K, n fixed."""
    return {f"t = {time:g}": separated_enclosure(_distance(0.5 * CLASSES, time), FIXED) for time in TIMES}


def measure_at_growing(setting: Setting) -> Quantities:
    """Exact probability at c = .5 K, n = 2 + ⌊log(1 + t)⌋."""
    return {f"t = {time:g}": separated_enclosure(_distance(0.5 * CLASSES, time), slow_count(time)) for time in TIMES}


def _predicted(classes: int) -> Quantities:
    """The exact integral at the distance d (1 + t)^{c/K} over the deviation at time END."""
    deviation = math.sqrt(VARIANCE + END)
    return {
        f"c = {constant:g}": separated_probability(
            DISTANCE * (1.0 + END) ** (constant / classes), deviations=(deviation, deviation), counts=(SAMPLES, SAMPLES)
        ).bracket()
        for constant in CONSTANTS
    }


def predict_frequency() -> Quantities:
    """Below, at and above the switch, before anything is drawn."""
    return _predicted(CLASSES)


def predict_frequency_one_class_more() -> Quantities:
    """A false variant: differences grow as t^{c/(K+1)}, the switch at (K+1)/2."""
    return _predicted(CLASSES + 1)


def measure_frequency(setting: Setting) -> Quantities:
    """How often Euler–Maruyama paths end separated."""
    paths = confirming_size(predicted=0.5, resolution=SHARP, level=setting.level, power=POWER)  # ½ needs the most
    found: dict[str, Quantity] = {}
    for constant in CONSTANTS:
        model, spread = line_model(1.0, constant), math.sqrt(VARIANCE)
        ends = euler_chunks(model, START, end=END, steps=STEPS, rng=setting.rng, paths=paths, samples=SAMPLES, spread=spread)
        found[f"c = {constant:g}"] = Proportion(successes=sum(ends_separated(points) for points in ends), n=paths)
    return found


EXACT = "brackets are enclosures in ball arithmetic"

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
            claim="Euler–Maruyama paths are separated as often as the exact integral predicts, below, at and above the switch",
            evidence=Evidence.STATISTICAL,
            predict=predict_frequency,
            measure=measure_frequency,
            kind=Kind.PROBABILITY,
            resolution=SHARP,
            reason="the number of paths is the one at which an interval this wide confirms with probability 0.999",
        ),
    ),
    controls=(
        Control(name="switch-at-k", claim="the switch is at c = K, so c = .6 K mixes", check="above", predict=predict_mixed),
        Control(
            name="switch-at-one-half", claim="the switch is at c = 1/2, so c = 1.2 separates", check="below", predict=predict_separated
        ),
        Control(name="start-deviation", claim="at c = K/2 the start's variance stays", check="at", predict=predict_between_with_start),
        Control(
            name="one-class-more", claim="differences grow as t^{c/(K+1)}", check="frequency", predict=predict_frequency_one_class_more
        ),
    ),
    figures=(draw_curves, draw_phases),
)
