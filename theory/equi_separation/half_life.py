"""The half-life of separation fuzziness: how many layers halve D."""

import math

from flint import arb, ctx

from numerics import PRECISION, Bracket, to_bracket
from theory._room import Check, Control, Evidence, Kind, Origin, Quantities, Quantity, Room, Setting, Source, Statement

RATIOS = (0.1, 0.31, 0.53, 0.545, 0.833, 0.99)
"""ρ: the seed's .53, the published slopes of 4, 8 and 20 layers, and two extremes."""

WIDTH = 1e-12
"""Width at which the bisection stops."""

PRINTED = {0.53: 1.09}
"""Half-lives as the seed prints them, to two decimals."""


def _half_life(ratio: float) -> Bracket:
    with ctx.workprec(PRECISION):
        return to_bracket(arb(2).log() / -arb(ratio).log())


def predict_half_life() -> Quantities:
    """log 2/log(1/ρ)."""
    return {f"ρ = {ratio:g}": _half_life(ratio) for ratio in RATIOS}


def predict_lifetime() -> Quantities:
    """A false variant: the e-folding length 1/log(1/ρ)."""
    return {f"ρ = {ratio:g}": Bracket.exactly(-1.0 / math.log(ratio)) for ratio in RATIOS}


def predict_linear() -> Quantities:
    """A false variant: a half-life of ½/(1 − ρ), as if D fell by equal amounts."""
    return {f"ρ = {ratio:g}": Bracket.exactly(0.5 / (1.0 - ratio)) for ratio in RATIOS}


def measure_halving(setting: Setting) -> Quantities:
    """The depth t at which ρᵗ passes ½, by bisection on the sign of ρᵗ − ½ in balls; no logarithm is taken."""
    found: dict[str, Quantity] = {}
    with ctx.workprec(PRECISION):
        for ratio in RATIOS:
            low, high = 0.0, 1.0
            while not arb(ratio) ** arb(high) < 0.5:
                low, high = high, 2.0 * high
            while high - low > WIDTH * high:
                middle = 0.5 * (low + high)
                low, high = (low, middle) if arb(ratio) ** arb(middle) < 0.5 else (middle, high)
            found[f"ρ = {ratio:g}"] = Bracket(low, high, rigorous=True)
    return found


def predict_printed() -> Quantities:
    """The printed numbers, to the digits shown."""
    return {f"ρ = {ratio:g}": Bracket(value - 0.005, value + 0.005) for ratio, value in PRINTED.items()}


ROOM = Room(
    statement=Statement(
        name="half-life",
        title="The half-life of separation fuzziness",
        latex=r"D_t=c\rho^t\ \Rightarrow\ D_{t+h}=\tfrac12 D_t\quad\text{for}\quad h=\frac{\log 2}{\log\rho^{-1}}",
        assumptions=("0 < ρ < 1",),
        kind=Kind.EQUALITY,
        origin=Origin.SEED,
        source=Source("he2023", "half-life; su2024, Part II"),
    ),
    checks=(
        Check(
            name="halving",
            claim="D halves after log 2/log(1/ρ) layers",
            evidence=Evidence.CERTIFIED,
            predict=predict_half_life,
            measure=measure_halving,
            resolution=1e-10,
            reason=f"the bisection stops at a relative width of {WIDTH:g}, and half-lives go up to 69 layers",
        ),
        Check(
            name="as-printed",
            claim="the printed half-life of ρ = .53 is right to its digits",
            evidence=Evidence.CERTIFIED,
            predict=predict_printed,
            measure=measure_halving,
            resolution=0.011,
            reason="two printed decimals",
        ),
    ),
    controls=(
        Control(name="e-folding", claim="the half-life is 1/log(1/ρ)", check="halving", predict=predict_lifetime),
        Control(name="equal-amounts", claim="the half-life is ½/(1 − ρ)", check="halving", predict=predict_linear),
    ),
)
