"""The threshold rises with the energy: every slope along the boundary is a sum of positive terms, for all class numbers."""

import math
from functools import cache
from itertools import pairwise

import sympy

from layerpeel.numerics import Bracket, log_threshold_minus_one
from layerpeel.solvers import bracket_threshold
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, claim, instances
from layerpeel.theory.layer_peeled._closed_forms import predicted
from layerpeel.theory.layer_peeled._in_symbols import slopes

SIZES = instances("K_A={}, K_B={}", (5, 5), (3, 7), (7, 3), (1, 2), (2, 2), (1, 100), (100, 2), (50, 50))
STEPS = instances("log R0 from E_H={:g} to {:g}", *pairwise((0.25, 0.5, 1.0, 2.0, 4.0)))
WIDTH = 1e-3
"""Relative width of each threshold."""

ROOM = Room.of(
    Statement(
        name="threshold-monotone",
        title="The threshold is above one, finite, and rises with the energy",
        latex=r"1<R_0(\tau)<\infty,\qquad \tau\mapsto R_0(\tau)\ \text{increasing},\qquad R_0\to 1\ (\tau\to 0),"
        r"\quad R_0\to\infty\ (\tau\to\infty)",
        assumptions=("two groups of classes, K_B ≥ 2", "cross-entropy loss"),
        kind=Kind.LOWER_BOUND,
        origin=Origin.DERIVED,
        source=Source("su2024", "Minority Collapse, 1–2; monotonicity derived"),
        meaning="In the model with two sizes of classes, the imbalance from which rare classes collapse is always above one, always "
        "finite, and rises with the norms allowed. Larger norms therefore help against collapse but never rule it out.",
    ),
    claim(
        "ingredients",
        "along the boundary r_A falls between 1 and √(K_B/K), s rises, and R0 grows beyond all bounds, for every K_A and K_B",
        over="",
        predict=lambda: slopes.positive(slopes.ingredients()),
        measure=slopes.ingredients_by_derivatives,
        by="sums of positive terms in x > 0, m ≥ 0 and K_B > 0, against r_B, r_A and s themselves; d/dζ is (1 + x) d/dx",
        false={"swapped": ("p is K_B/(K_A (1 + (K/K_B)(r_B² − 1)))", lambda: {slopes.FALL_ALONG: slopes.SWAPPED_FALL})},
        evidence=Evidence.PROOF,
        kind=Kind.EQUALITY,
    ),
    claim(
        "rising",
        "τ and R0 both increase along the boundary, on all of ζ > 0: their slopes are sums of positive terms",
        over="",
        predict=lambda: slopes.positive(slopes.slopes()),
        measure=slopes.slopes_by_chain_rule,
        by="τ = (K_A − 1)a + s and log R0 = log(1 + g_A (e^a − 1)) along ζ, by the chain rule",
        false={"one-margin": ("a = s/r_A − L_A", lambda: slopes.slopes(own=sympy.Integer(1)))},
        evidence=Evidence.PROOF,
        kind=Kind.EQUALITY,
    ),
    claim(
        "as-computed",
        "the slopes that thresholds are computed with are those of τ and log R0",
        over=SIZES,
        predict=slopes.computed,
        measure=slopes.slopes_of_series,
        by="the slopes as second terms of power series, which know no derivative",
        false={
            "swapped-computed": ("they are with K_A and K_B exchanged", lambda a, b: slopes.computed(b, a)),
            "one-class-more": ("they are with K_B + 1 for K_B", lambda a, b: slopes.computed(a, b + 1)),
        },
        evidence=Evidence.CERTIFIED.within(1e-12, "balls, rounded outward to doubles"),
        kind=Kind.EQUALITY,
    ),
    claim(
        "ends",
        "the boundary starts at τ = 0, R0 = 1, for eight pairs of class numbers",
        over=SIZES,
        predict=lambda *_: {"τ at ζ=0": 0.0, "log R0 at ζ=0": 0.0},
        measure=slopes.start_of_boundary,
        by="the boundary at ζ = 0 in balls; R0 > 1 for every energy, and finite, since every τ is reached at a finite ζ",
        false={
            "never-near-one": ("R0 is at least 1.01 at every energy", lambda *_: {"log R0 at ζ=0": math.log(1.01)}),
            "by-classes": (
                "it starts where both groups have as many samples, R0 = K_B/K_A",
                lambda a, b: {"log R0 at ζ=0": math.log(b / a)} if a != b else None,
            ),
        },
        evidence=Evidence.CERTIFIED.within(1e-30, "exact up to the working precision"),
        kind=Kind.EQUALITY,
    ),
    claim(
        "by-solves",
        "measured thresholds rise with the energy",
        over=STEPS,
        predict=0.0,
        measure=lambda low, high: log_threshold(high) - log_threshold(low),
        by="increments of log R0, K_A = K_B = 3, between ratios where the margin certainly is positive and certainly is zero",
        false={
            "without-root": (
                "log R0 rises as it would with the radius K E_H E_W",
                lambda low, high: predicted(log_closed_form(high**2) - log_closed_form(low**2)),
            )
        },
        evidence=Evidence.CERTIFIED,
    ),
)


@cache
def log_threshold(energy: float) -> Bracket:
    """log R0 by solves, K_A = K_B = 3."""
    solved = bracket_threshold(3, 3, feature_energy=energy, width=WIDTH)
    return Bracket(math.log(solved.lower), math.log(solved.upper), rigorous=solved.rigorous)


def log_closed_form(energy: float) -> float:
    """log R0 in closed form, K_A = K_B = 3."""
    return math.log1p(math.exp(log_threshold_minus_one(3, 3, feature_energy=energy)))
