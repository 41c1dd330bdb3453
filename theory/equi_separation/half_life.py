"""The half-life of separation fuzziness: how many layers halve D."""

import math

from flint import arb, ctx

from layerpeel.numerics import PRECISION, Bracket, to_bracket
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, claim, instances

SHOWN = 0.53
"""The ρ whose half-life the talk prints, to one decimal."""

RATIOS = instances("ρ = {:g}", 0.1, 0.31, SHOWN, 0.545, 0.833, 0.99)
"""Beside it the published slopes of 4, 8 and 20 layers, and two extremes."""

WIDTH = 1e-13
"""Relative width at which the bisection stops."""

BISECTION = "the depth t at which ρᵗ passes ½, by bisection on the sign of ρᵗ − ½ in balls; no logarithm is taken"

ROOM = Room.of(
    Statement(
        name="half-life",
        title="The half-life of separation fuzziness",
        latex=r"D_t=c\rho^t\ \Rightarrow\ D_{t+h}=\tfrac12 D_t\quad\text{for}\quad h=\frac{\log 2}{\log\rho^{-1}}",
        assumptions=("0 < ρ < 1",),
        kind=Kind.EQUALITY,
        origin=Origin.SEED,
        source=Source("su2024", "Part II, the law of equi-separation: half-life = log 2/log ρ⁻¹ = 1.1; he2023"),
        meaning="If fuzziness falls by one factor per layer, it halves every log 2 / log(1/factor) layers: 1.1 layers for .53, as "
        "printed. This is arithmetic to quote a fitted factor by, and no evidence that a network follows the law.",
    ),
    claim(
        "halving",
        "D halves after log 2/log(1/ρ) layers",
        over=RATIOS,
        predict=lambda ratio: half_life(ratio),
        measure=lambda ratio: halving(ratio),
        by=BISECTION,
        false={
            "e-folding": ("the half-life is 1/log(1/ρ)", lambda ratio: -1.0 / math.log(ratio)),
            "equal-amounts": ("the half-life is ½/(1 − ρ)", lambda ratio: 0.5 / (1.0 - ratio)),
            "rule-of-seventy": ("the half-life is 0.7/log(1/ρ)", lambda ratio: -0.7 / math.log(ratio)),
        },
        evidence=Evidence.CERTIFIED.within(
            1e-10, f"the bisection stops at a relative width of {WIDTH:g}, and half-lives go up to 69 layers"
        ),
    ),
    claim(
        "as-printed",
        "the half-life of ρ = .53 is 1.1, as printed",
        over=RATIOS,
        predict=lambda ratio: to_one_decimal(1.1) if ratio == SHOWN else None,
        measure=lambda ratio: halving(ratio),
        by=BISECTION,
        false={
            "inverse": (
                "log(1/ρ)/log 2 would have been printed",
                lambda ratio: to_one_decimal(-math.log2(ratio)) if ratio == SHOWN else None,
            ),
            "e-folding-printed": (
                "1/log(1/ρ) would have been printed",
                lambda ratio: to_one_decimal(-1.0 / math.log(ratio)) if ratio == SHOWN else None,
            ),
        },
        evidence=Evidence.CERTIFIED.within(0.11, "one printed decimal"),
    ),
)


def half_life(ratio: float) -> Bracket:
    """log 2/log(1/ρ), enclosed."""
    with ctx.workprec(PRECISION):
        return to_bracket(arb(2).log() / -arb(ratio).log())


def to_one_decimal(value: float) -> Bracket:
    """All numbers that round to the same decimal."""
    return Bracket(round(value, 1) - 0.05, round(value, 1) + 0.05)


def halving(ratio: float) -> Bracket:
    """The depth at which ρᵗ passes ½."""
    with ctx.workprec(PRECISION):
        low, high = 0.0, 1.0
        while not arb(ratio) ** arb(high) < 0.5:
            low, high = high, 2.0 * high
        while high - low > WIDTH * high:
            middle = 0.5 * (low + high)
            low, high = (low, middle) if arb(ratio) ** arb(middle) < 0.5 else (middle, high)
    return Bracket(low, high, rigorous=True)
