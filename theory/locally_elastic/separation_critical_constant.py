"""At γ = c/t, which the printed theorem leaves open, separation of the I-model switches at c = K/2."""

import math
from fractions import Fraction

from layerpeel.numerics import Bracket, ElasticModel, elastic_law
from layerpeel.theory import Kind, Origin, Room, Source, Statement, claim, instances
from layerpeel.theory.locally_elastic._closed_forms import separated_by_law
from layerpeel.theory.locally_elastic._line import CLASSES, DISTANCE, START, VARIANCE, draw_curves, draw_phases
from layerpeel.theory.locally_elastic._measured.critical_rates import END, INTER, LATE, SAMPLES, enclosed_distances, frequency
from layerpeel.theory.locally_elastic._paths import FREQUENCY
from layerpeel.theory.locally_elastic._separation import ENCLOSED, at_each_time, separated_enclosure, separated_in_doubles, slow_count

SWITCH = Fraction(CLASSES, 2)
BELOW, ABOVE = Fraction(2 * CLASSES, 5), Fraction(3 * CLASSES, 5)
"""Ten per cent of K away on either side: distances are t^{∓0.1} deviations."""
TIMES = instances("t = {:g}", *LATE)
FIXED = 5
"""Samples per class where their number is fixed."""

CONSTANTS = instances("c = {:g}", 0.25 * CLASSES, 0.5 * CLASSES, 0.75 * CLASSES)

ROOM = Room.of(
    Statement(
        name="separation-critical-constant",
        title="At γ = c/t separation switches at c = K/2",
        latex=r"\gamma=\frac{c}{1+t}:\ \frac{\|\bar X^k-\bar X^l\|}{\text{deviation}}\to\frac{d}{\sigma}\,t^{\,c/K-1/2},\quad"
        r"P(\text{separable})\to1\iff c>\tfrac K2",
        assumptions=("I-model, constant noise σ² > 0", "each sample driven by the class means", "n → ∞ slowly; fixed n at c = K/2"),
        kind=Kind.LIMIT,
        origin=Origin.DERIVED,
        source=Source("zhang2021", "slides, The Separation Theorem: the case γ ≍ 1/t it leaves open"),
        meaning="If a class's pull on itself exceeds that on others by c/t, which the printed theorem leaves open, classes of the "
        "isotropic model separate exactly when c exceeds half their number. At that border fixed sample numbers keep a chance, growing "
        "ones none.",
    ),
    claim(
        "above",
        "c = .6 K: separated with probability → 1, though n grows",
        over=TIMES,
        predict=1.0,
        measure=lambda t: separated_enclosure(enclosed_distances(ABOVE)[t], slow_count(t)),
        by="the exact probability at c = .6 K, n = 2 + ⌊log(1 + t)⌋",
        false={
            "by-halves": at_each_time(
                "the switch is at c = K: distances of .6 K grow as t^{.3}",
                lambda t: by_power(0.5 * float(ABOVE) / CLASSES, t, slow_count(t)),
            ),
            "noise-alone-above": at_each_time(
                "the deviation is √t, without the start's", lambda t: by_power(float(ABOVE) / CLASSES, t, slow_count(t), start=0.0)
            ),
        },
        evidence=ENCLOSED,
    ),
    claim(
        "below",
        "c = .4 K: separated with probability → 0 as n grows",
        over=TIMES,
        predict=0.0,
        measure=lambda t: separated_enclosure(enclosed_distances(BELOW)[t], slow_count(t)),
        by="the exact probability at c = .4 K, n = 2 + ⌊log(1 + t)⌋",
        false={
            "undivided": at_each_time(
                "the switch is at c = 1/2: distances of .4 K grow as t^c", lambda t: by_power(float(BELOW), t, slow_count(t))
            ),
            "one-class-more-below": at_each_time(
                "distances grow as t^{c/(K+1)}", lambda t: by_power(float(BELOW) / (CLASSES + 1), t, slow_count(t))
            ),
        },
        evidence=ENCLOSED,
    ),
    claim(
        "at",
        "c = K/2 and n fixed: the probability tends to that of means d/σ deviations apart",
        over=TIMES,
        predict=lambda _: separated_in_doubles(DISTANCE, FIXED),
        measure=lambda t: separated_enclosure(enclosed_distances(SWITCH)[t], FIXED),
        by="the exact probability at c = .5 K, n fixed",
        false={
            "start-deviation": ("at c = K/2 the start's variance stays", lambda _: separated_in_doubles(DISTANCE, FIXED, VARIANCE)),
            "noise-alone-at": at_each_time("the deviation is √t, without the start's", lambda t: by_power(0.5, t, FIXED, start=0.0)),
        },
        evidence=ENCLOSED,
    ),
    claim(
        "at-growing",
        "c = K/2 and n growing: the probability tends to zero",
        over=TIMES,
        predict=0.0,
        measure=lambda t: separated_enclosure(enclosed_distances(SWITCH)[t], slow_count(t)),
        by="the exact probability at c = .5 K, n = 2 + ⌊log(1 + t)⌋",
        false={
            "as-for-fixed": at_each_time("growing n changes nothing: means keep d/σ", lambda t: by_power(0.5, t, FIXED)),
            "noise-alone-growing": at_each_time(
                "the deviation is √t, without the start's, as n grows", lambda t: by_power(0.5, t, slow_count(t), start=0.0)
            ),
        },
        evidence=ENCLOSED,
    ),
    claim(
        "frequency",
        "paths are separated as often as the exact law predicts, below, at and above the switch",
        over=CONSTANTS,
        predict=lambda c: separated_by_law(elastic_law(on_a_line(c), START, END, spread=math.sqrt(VARIANCE)), samples=SAMPLES),
        measure_all=lambda setting: [frequency(setting, c) for (c,) in CONSTANTS.values()],
        by="how often paths around integrated means end with the outer classes separated",
        false={
            "one-class-more": ("differences grow as t^{c/(K+1)}", lambda c: by_power(c / (CLASSES + 1), END, SAMPLES)),
            "noise-as-the-rate": (
                "noise gathers as 1 + t, like the growth",
                lambda c: by_power(c / CLASSES, END, SAMPLES, start=VARIANCE + 1.0),
            ),
        },
        **FREQUENCY,
    ),
    figures=(draw_curves, draw_phases),
)


def on_a_line(constant: float) -> ElasticModel:
    """γ = c/(1 + t), β = b/(1 + t)."""
    intra, inter = f"{constant + float(INTER)}/(1 + t)", f"{float(INTER)}/(1 + t)"
    return ElasticModel(blocks="I", num_classes=CLASSES, num_features=1, intra=intra, inter=inter, noise=1)


def by_power(exponent: float, time: float, count: int, *, start: float = VARIANCE) -> Bracket:
    """The exact integral at the distance d (1 + t)^e, for features whose variance was `start`."""
    return separated_in_doubles(DISTANCE * (1.0 + time) ** exponent, count, start + time)
