"""The I-model separates if and only if γ stays above 1/t, whatever β does."""

import math

import numpy as np
import sympy

from layerpeel.numerics import elastic_law
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, Variant, claim, instances
from layerpeel.theory.locally_elastic import _i_model_rates as rates
from layerpeel.theory.locally_elastic._closed_forms import closed_log_distance, separated_by_law
from layerpeel.theory.locally_elastic._drift import exact_elasticity
from layerpeel.theory.locally_elastic._measured.i_model_distances import LINE, TIMES, enclosed_distance, enclosed_log_distances, frequency
from layerpeel.theory.locally_elastic._paths import FREQUENCY
from layerpeel.theory.locally_elastic._separation import (
    any_hyperplane_bound,
    at_each_time,
    separated_enclosure,
    separated_in_doubles,
    slow_count,
)

ALPHA, BETA = sympy.symbols("alpha beta")
X1, X2 = sympy.symbols("X1 X2")
SIZES = instances("K = {}", 2, 3, 4, 5)

GROWN = instances("r = {:g}, t = {:g}", *((r, t) for r, times in TIMES.items() for t in times))
UP, DOWN = (instances("t = {:g}", *times) for times in TIMES.values())
LATE = instances("t = {:g}", *TIMES[rates.BELOW][2:])
FEATURES = 3
"""p of the bound over all hyperplanes."""

DRAWN = instances("r = {:g}, β = {:g}", (0.5, 1.0), (1.5, -1.0))
"""A rate on each side and β of each sign."""

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
        meaning="In the isotropic model classes separate if the lead of a class's pull on itself fades more slowly than 1/t, and mix if "
        "it fades faster, whatever the pull on others. This is for samples driven by class means under constant noise.",
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
        predict=lambda r, t: closed_log_distance(rates.on_a_line(r), np.array(LINE)[:, None], t),
        measure=lambda r, t: enclosed_log_distances(r)[t][0],
        by="class means with β = ±1/(2(1 + t)), integrated from E and H in ball arithmetic",
        false={
            "intra-grows": (
                "log distances grow by A/K",
                lambda r, t: rates.grown(f"({rates.excess(r)} + {rates.INTER[r]}/(1 + t))/{rates.CLASSES}", t),
            ),
            "one-fewer-grows": ("they grow by Γ/(K−1)", lambda r, t: rates.grown(f"{rates.excess(r)}/{rates.CLASSES - 1}", t)),
            "time-for-one-plus-time": Variant(
                "Γ = 4(1 − t^{−1/4}) for γ = (1 + t)^{−5/4}, by 3e-11 less at t = 10⁸",
                lambda r, t: math.log(2.0) + (1.0 - t ** (1.0 - r)) / (r - 1.0) / rates.CLASSES,
                over=instances("r = {:g}, t = {:g}", (rates.BELOW, 1e8)),
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
        measure=lambda t: separated_enclosure(enclosed_distance(rates.ABOVE, t), slow_count(t)),
        by="the exact probability along the means, n = 2 + ⌊log(1 + t)⌋: a lower bound for separation by some hyperplane",
        false={
            "by-sums": at_each_time(
                "distances grow by 2Γ/K, in sums and not in proportion",
                lambda t: separated_in_doubles(2.0 + 2.0 * rates.gained(rates.ABOVE, t) / rates.CLASSES, slow_count(t), 1.0 + t),
            ),
            "noise-alone-above": at_each_time(
                "the deviation is √t, without the start's, and separation at t = 10 is likelier by a few per cent",
                lambda t: (
                    separated_in_doubles(2.0 * math.exp(rates.gained(rates.ABOVE, t) / rates.CLASSES), slow_count(t), t)
                    if t == 10.0
                    else None
                ),
            ),
        },
        evidence=ENCLOSED,
    ),
    claim(
        "below",
        "γ = (1+t)^{−5/4}: separated along the means with probability → 0 as n grows like log t",
        over=DOWN,
        predict=0.0,
        measure=lambda t: separated_enclosure(enclosed_distance(rates.BELOW, t), slow_count(t)),
        by="the exact probability along the means, n = 2 + ⌊log(1 + t)⌋",
        false={
            "undivided": at_each_time(
                "differences grow as e^Γ",
                lambda t: separated_in_doubles(2.0 * math.exp(rates.gained(rates.BELOW, t)), slow_count(t), 1.0 + t),
            ),
            "noise-alone-below": at_each_time(
                "the deviation is √t, without the start's",
                lambda t: separated_in_doubles(2.0 * math.exp(rates.gained(rates.BELOW, t) / rates.CLASSES), slow_count(t), t),
            ),
        },
        evidence=ENCLOSED,
    ),
    claim(
        "below-any-hyperplane",
        "γ = (1+t)^{−5/4}: no hyperplane of R³ does better in the limit",
        over=LATE,
        predict=0.0,
        measure=lambda t: any_hyperplane_bound(enclosed_distance(rates.BELOW, t), slow_count(t), FEATURES),
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
        predict=lambda r, inter: separated_by_law(
            elastic_law(rates.in_the_plane(r, inter), rates.START, rates.END, spread=1), samples=rates.SAMPLES, pair=(0, 1)
        ),
        measure_all=lambda setting: [frequency(setting, *case) for case in DRAWN.values()],
        by="how often paths around integrated means end with classes 1 and 2 separated along X̄^1(0) − X̄^2(0)",
        false={
            "intra-alone": (
                "differences grow as e^{A/K}",
                lambda r, inter: rates.separated_by(f"({rates.excess(r)} + ({inter}))/{rates.CLASSES}"),
            ),
            "one-fewer": ("differences grow as e^{Γ/(K−1)}", lambda r, _: rates.separated_by(f"{rates.excess(r)}/{rates.CLASSES - 1}")),
            "noise-alone": ("the deviation is √t", lambda r, _: rates.separated_by(f"{rates.excess(r)}/{rates.CLASSES}", start=0.0)),
            "both-starts": ("the deviation is √(2 + t)", lambda r, _: rates.separated_by(f"{rates.excess(r)}/{rates.CLASSES}", start=2.0)),
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
