"""The half-life of separation fuzziness: how many layers halve D."""

import math

from flint import arb, ctx

from layerpeel.numerics import PRECISION, Bracket, to_bracket
from layerpeel.theory._room import Check, Control, Evidence, Kind, Origin, Quantities, Quantity, Room, Setting, Source, Statement

RATIOS = (0.1, 0.31, 0.53, 0.545, 0.833, 0.99)
"""ρ: the seed's .53, the published slopes of 4, 8 and 20 layers, and two extremes."""

WIDTH = 1e-13
"""Relative width at which the bisection stops."""

PRINTED = "ρ = 0.53", 1.1
"""The half-life that the talk prints, to one decimal."""
LAST_DIGIT = 0.05
"""Half a unit of it."""


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


def _printed(value: float) -> Quantities:
    return {PRINTED[0]: Bracket(value - LAST_DIGIT, value + LAST_DIGIT)}


def predict_printed() -> Quantities:
    """1.1, to the digit shown."""
    return _printed(PRINTED[1])


def predict_printed_inverse() -> Quantities:
    """False: what log(1/ρ)/log 2 would have printed, 0.9: the halvings in a layer, not the layers of a halving."""
    return _printed(round(-math.log2(0.53), 1))


def predict_printed_lifetime() -> Quantities:
    """False: what 1/log(1/ρ) would have printed, 1.6."""
    return _printed(round(-1 / math.log(0.53), 1))


ROOM = Room(
    statement=Statement(
        name="half-life",
        title="The half-life of separation fuzziness",
        latex=r"D_t=c\rho^t\ \Rightarrow\ D_{t+h}=\tfrac12 D_t\quad\text{for}\quad h=\frac{\log 2}{\log\rho^{-1}}",
        assumptions=("0 < ρ < 1",),
        kind=Kind.EQUALITY,
        origin=Origin.SEED,
        source=Source("su2024", "Part II, the law of equi-separation: half-life = log 2/log ρ⁻¹ = 1.1; he2023"),
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
            claim="the half-life of ρ = .53 is 1.1, as printed",
            evidence=Evidence.CERTIFIED,
            predict=predict_printed,
            measure=measure_halving,
            resolution=0.11,
            reason="one printed decimal",
        ),
    ),
    controls=(
        Control(name="e-folding", claim="the half-life is 1/log(1/ρ)", check="halving", predict=predict_lifetime),
        Control(name="equal-amounts", claim="the half-life is ½/(1 − ρ)", check="halving", predict=predict_linear),
        Control(name="inverse", claim="log(1/ρ)/log 2 would have been printed", check="as-printed", predict=predict_printed_inverse),
        Control(name="e-folding-printed", claim="1/log(1/ρ) would have been printed", check="as-printed", predict=predict_printed_lifetime),
    ),
)
