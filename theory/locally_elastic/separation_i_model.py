"""The I-model separates if and only if γ stays above 1/t, whatever β does."""

import math
from functools import cache

import numpy as np
import sympy

from layerpeel.numerics import Bracket, ElasticModel, Proportion, as_rate, elastic_law
from layerpeel.theory import Evidence, Kind, Origin, Room, Setting, Source, Statement, Variant, claim, instances
from layerpeel.theory.locally_elastic._closed_forms import closed_log_distance, separated_by_law
from layerpeel.theory.locally_elastic._drift import exact_elasticity, exact_similarity
from layerpeel.theory.locally_elastic._integrated_means import i_model_blocks, integrated_means, two_parameter
from layerpeel.theory.locally_elastic._paths import FREQUENCY, separated_frequency
from layerpeel.theory.locally_elastic._separation import (
    any_hyperplane_bound,
    at_each_time,
    distance_in_deviations,
    log_distances_by_time,
    separated_enclosure,
    separated_in_doubles,
    slow_count,
)

CLASSES = 3
ALPHA, BETA = sympy.symbols("alpha beta")
X1, X2 = sympy.symbols("X1 X2")
SIZES = instances("K = {}", 2, 3, 4, 5)

ABOVE, BELOW = 0.75, 1.25
"""Exponents r of γ = (1 + t)^{−r} on both sides of r = 1."""
INTER = {ABOVE: 0.5, BELOW: -0.5}
"""b of β = b/(1 + t), of either sign."""
TIMES = {ABOVE: (1e1, 1e2, 1e3, 1e4), BELOW: (1e2, 1e4, 1e8, 1e12)}
"""At the last one class differences are 3e3 deviations for r = .75, and 8e-6 for r = 1.25."""
GROWN = instances("r = {:g}, t = {:g}", *((r, t) for r, times in TIMES.items() for t in times))
UP, DOWN = (instances("t = {:g}", *times) for times in TIMES.values())
LATE = instances("t = {:g}", *TIMES[BELOW][2:])
LINE = (1.0, 0.25, -1.0)
"""Class means at time 0 on a line, the first and the last 2 apart; the features' variance is 1 then, and grows by 1 per unit of time."""
FEATURES = 3
"""p of the bound over all hyperplanes."""

END, SAMPLES = 4.0, 4
"""Monte Carlo: a time at which the probabilities lie between .2 and .8, and samples per class."""
DRAWN = instances("r = {:g}, β = {:g}", (0.5, 1.0), (1.5, -1.0))
"""A rate on each side and β of each sign."""
START = np.array([[1.0, 0.0], [-0.5, 0.9], [-0.5, -0.9]])
"""Class means at time 0 in R²; variances as on the line."""
APART = START[0] - START[1]

ENCLOSED = Evidence.CERTIFIED.within(
    1e-2, "brackets are enclosures in ball arithmetic; probabilities come within 1e-2 of their limits by the last time"
)
"""How near to its limit a probability must come: at t = 10¹² with n = 29 the bound over all hyperplanes is 1e-5."""

ROOM = Room.of(
    Statement(
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
    claim(
        "class-differences",
        "d(X̄^k − X̄^l)/dt = (γ/K)(X̄^k − X̄^l)",
        over=SIZES,
        predict=lambda size: (ALPHA - BETA) / size * (X1 - X2),
        measure=lambda size: difference_drift(size),
        by="the difference of the first two rows of M X̄, from the matrix E",
        false={
            "inter-weakens": (
                "the growth is (α − β/(K−1))/K",
                lambda size: (ALPHA - BETA / (size - 1)) / size * (X1 - X2) if size > 2 else None,
            )
        },
        evidence=Evidence.PROOF,
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
    ),
    claim(
        "growth",
        "log ‖X̄^1 − X̄^3‖ grows by Γ/K, for γ on both sides of 1/t and β of either sign",
        over=GROWN,
        predict=lambda r, t: closed_log_distance(on_a_line(r), np.array(LINE)[:, None], t),
        measure=lambda r, t: enclosed_log_distances(r)[t][0],
        by="class means with β = ±1/(2(1 + t)), integrated from E and H in ball arithmetic",
        false={
            "intra-grows": ("log distances grow by A/K", lambda r, t: grown(f"({excess(r)} + {INTER[r]}/(1 + t))/{CLASSES}", t)),
            "one-fewer-grows": ("they grow by Γ/(K−1)", lambda r, t: grown(f"{excess(r)}/{CLASSES - 1}", t)),
            "time-for-one-plus-time": Variant(
                "Γ = 4(1 − t^{−1/4}) for γ = (1 + t)^{−5/4}, by 3e-11 less at t = 10⁸",
                lambda r, t: math.log(2.0) + (1.0 - t ** (1.0 - r)) / (r - 1.0) / CLASSES,
                over=instances("r = {:g}, t = {:g}", (BELOW, 1e8)),
            ),
        },
        evidence=Evidence.CERTIFIED.within(
            1e-11, "means enclosed by Taylor steps with a proved remainder; the closed form states an error of at most 1e-11"
        ),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
    ),
    claim(
        "above",
        "γ = (1+t)^{−3/4}: separated along the means with probability → 1, though n grows",
        over=UP,
        predict=1.0,
        measure=lambda t: separated_enclosure(enclosed_distance(ABOVE, t), slow_count(t)),
        by="the exact probability along the means, n = 2 + ⌊log(1 + t)⌋: a lower bound for separation by some hyperplane",
        false={
            "by-sums": at_each_time(
                "distances grow by 2Γ/K, in sums and not in proportion",
                lambda t: separated_in_doubles(2.0 + 2.0 * gained(ABOVE, t) / CLASSES, slow_count(t), 1.0 + t),
            ),
            "noise-alone-above": at_each_time(
                "the deviation is √t, without the start's, and separation at t = 10 is likelier by a few per cent",
                lambda t: separated_in_doubles(2.0 * math.exp(gained(ABOVE, t) / CLASSES), slow_count(t), t) if t == 10.0 else None,
            ),
        },
        evidence=ENCLOSED,
    ),
    claim(
        "below",
        "γ = (1+t)^{−5/4}: separated along the means with probability → 0 as n grows like log t",
        over=DOWN,
        predict=0.0,
        measure=lambda t: separated_enclosure(enclosed_distance(BELOW, t), slow_count(t)),
        by="the exact probability along the means, n = 2 + ⌊log(1 + t)⌋",
        false={
            "undivided": at_each_time(
                "differences grow as e^Γ", lambda t: separated_in_doubles(2.0 * math.exp(gained(BELOW, t)), slow_count(t), 1.0 + t)
            ),
            "noise-alone-below": at_each_time(
                "the deviation is √t, without the start's",
                lambda t: separated_in_doubles(2.0 * math.exp(gained(BELOW, t) / CLASSES), slow_count(t), t),
            ),
        },
        evidence=ENCLOSED,
    ),
    claim(
        "below-any-hyperplane",
        "γ = (1+t)^{−5/4}: no hyperplane of R³ does better in the limit",
        over=LATE,
        predict=0.0,
        measure=lambda t: any_hyperplane_bound(enclosed_distance(BELOW, t), slow_count(t), FEATURES),
        by="from the probability along the means to Cover's count plus total variation, for every hyperplane of R³",
        false={
            "some-hyperplane": ("a hyperplane fitted to the samples always separates them", 1.0),
            "ten-samples": (
                "as many splits stay linear as among ten samples of each class, n fixed",
                2 * sum(math.comb(19, i) for i in range(FEATURES + 1)) / math.comb(20, 10),
            ),
        },
        evidence=ENCLOSED,
    ),
    claim(
        "frequency",
        "paths are separated as often as the exact law predicts, for β of either sign",
        over=DRAWN,
        predict=lambda r, inter: separated_by_law(elastic_law(in_the_plane(r, inter), START, END, spread=1), samples=SAMPLES, pair=(0, 1)),
        measure_all=lambda setting: [frequency(setting, *case) for case in DRAWN.values()],
        by="how often paths around integrated means end with classes 1 and 2 separated along X̄^1(0) − X̄^2(0)",
        false={
            "intra-alone": ("differences grow as e^{A/K}", lambda r, inter: separated_by(f"({excess(r)} + ({inter}))/{CLASSES}")),
            "one-fewer": ("differences grow as e^{Γ/(K−1)}", lambda r, _: separated_by(f"{excess(r)}/{CLASSES - 1}")),
            "noise-alone": ("the deviation is √t", lambda r, _: separated_by(f"{excess(r)}/{CLASSES}", start=0.0)),
            "both-starts": ("the deviation is √(2 + t)", lambda r, _: separated_by(f"{excess(r)}/{CLASSES}", start=2.0)),
        },
        **FREQUENCY,
        origin=Origin.DERIVED,
    ),
)


def difference_drift(size: int) -> sympy.Expr:
    """The first two rows of M X̄, one less the other, on a line."""
    means = sympy.Matrix(sympy.symbols(f"X1:{size + 1}"))
    drift = exact_elasticity(size, ALPHA, BETA) * means / size
    return sympy.expand(drift[0] - drift[1])


@cache
def enclosed_log_distances(exponent: float) -> dict[float, list[Bracket]]:
    """log ‖X̄^1 − X̄^3‖ by time, from E and H by Taylor steps."""
    inter = {1.0: INTER[exponent]}
    return log_distances_by_time(exact_similarity("I", CLASSES, 1), LINE, inter | {exponent: 1.0}, inter, TIMES[exponent], classes=CLASSES)


def enclosed_distance(exponent: float, time: float) -> Bracket:
    """In deviations."""
    return distance_in_deviations(enclosed_log_distances(exponent)[time][0], time)


def frequency(setting: Setting, exponent: float, inter: float) -> Proportion:
    """By paths around means that are integrated from E and H, γ = (1 + t)^{−r} and constant β."""
    means = integrated_means(
        lambda time: two_parameter((1.0 + time) ** -exponent + inter, inter, CLASSES), i_model_blocks(CLASSES, 2), START, (END,)
    ).means(0)
    return separated_frequency(setting, means, END, samples=SAMPLES, pair=(0, 1), along=APART)


def excess(exponent: float) -> str:
    """γ."""
    return f"(1 + t)**(-{exponent})"


def gained(exponent: float, time: float) -> float:
    """Γ."""
    return float(as_rate(excess(exponent)).integral(time))


def on_a_line(exponent: float) -> ElasticModel:
    """With β = b/(1 + t)."""
    inter = f"{INTER[exponent]}/(1 + t)"
    return ElasticModel(blocks="I", num_classes=CLASSES, num_features=1, intra=f"{excess(exponent)} + {inter}", inter=inter)


def in_the_plane(exponent: float, inter: float) -> ElasticModel:
    """With constant β."""
    return ElasticModel(blocks="I", num_classes=CLASSES, num_features=2, intra=f"{excess(exponent)} + ({inter})", inter=inter, noise=1)


def grown(rate: str, time: float) -> Bracket:
    """log of a distance that was 2 and grows by e^{∫ rate}."""
    return Bracket.exactly(math.log(2.0) + float(as_rate(rate).integral(time)))


def separated_by(rate: str, *, start: float = 1.0) -> Bracket:
    """The integral at growth e^{∫ rate} up to END."""
    distance = float(np.linalg.norm(APART)) * math.exp(float(as_rate(rate).integral(END)))
    return separated_in_doubles(distance, SAMPLES, start + END)
