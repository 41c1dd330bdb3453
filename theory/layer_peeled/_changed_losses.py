"""Cases of cross-entropy as people change it, or with a bias, and what shows where the minority of two groups comes apart under each."""

import math
from functools import cache
from typing import NamedTuple

from layerpeel.numerics import Bracket
from layerpeel.solvers import LayerPeeled, Switch, bracket_switch
from layerpeel.theory._claims import Instances

LEAST, LARGEST, WIDTH = 0.02, 30.0, 3e-4
"""Energies E_H at E_W = 1 between which the minorities looked at here come apart, and the relative distance at which the search stops."""

Pair = tuple[float, float]


class Change(NamedTuple):
    """What is changed, for the majority and the minority."""

    smoothing: float = 0.0
    scale: Pair = (1.0, 1.0)
    shift: Pair = (0.0, 0.0)
    margins: Pair = (0.0, 0.0)
    bias_penalty: float | None = None


class Case(NamedTuple):
    """Two groups in ratio R under a change."""

    majority: int
    minority: int
    imbalance: float
    change: Change

    @property
    def classes(self) -> int:
        """K."""
        return self.majority + self.minority

    @property
    def label(self) -> str:
        """What is changed, and for which groups."""
        return f"{_said(self.change)}: {self.majority}×{self.imbalance:g} + {self.minority}×1"


def _said(change: Change) -> str:
    if change.bias_penalty:
        return f"λ_b={change.bias_penalty:g}"
    if change.smoothing:
        return f"δ={change.smoothing:g}"
    named = (("Δ", change.scale), ("ι", change.shift), ("m", change.margins))
    return next(f"{name}={big:.3g}, {small:.3g}" for name, (big, small) in named if big != small or name == "m")


def smoothed(majority: int, minority: int, imbalance: float, delta: float) -> Case:
    """Smoothed labels."""
    return Case(majority, minority, imbalance, Change(smoothing=delta))


def scaled(majority: int, minority: int, imbalance: float, big: float, small: float) -> Case:
    """Multiplicative logits."""
    return Case(majority, minority, imbalance, Change(scale=(big, small)))


def shifted(majority: int, minority: int, imbalance: float, strength: float) -> Case:
    """Additive logits, strength · log n."""
    return Case(majority, minority, imbalance, Change(shift=(strength * math.log(imbalance), 0.0)))


def held(majority: int, minority: int, imbalance: float, big: float, small: float) -> Case:
    """Margins."""
    return Case(majority, minority, imbalance, Change(margins=(big, small)))


SMOOTHED = (smoothed(2, 3, 3.0, 0.1), smoothed(4, 2, 2.5, 0.2), smoothed(1, 4, 4.0, 0.3))
SCALED = (scaled(2, 3, 5.0, 1.0, 2.0), scaled(4, 2, 2.0, 1.0, 0.5), scaled(3, 5, 6.0, 0.8, 1.5))
SHIFTED = (shifted(2, 3, 4.0, 1.0), shifted(4, 2, 3.0, 0.5), shifted(1, 4, 5.0, 1.0))
HELD = (held(2, 3, 2.0, 0.0, 2.0), held(4, 2, 3.0, 0.5, 1.0), held(3, 5, 4.0, 1.0, 1.5))
"""At least three unequal splits for each change."""


def labelled(*cases: Case) -> Instances:
    """Cases by their labels."""
    return {case.label: (case,) for case in cases}


def posed(case: Case, feature_energy: float) -> LayerPeeled:
    """The program; the minority is the second group."""
    change = case.change
    return LayerPeeled.from_imbalance(
        case.majority,
        case.minority,
        case.imbalance,
        feature_energy=feature_energy,
        label_smoothing=change.smoothing,
        logit_scale=change.scale,
        logit_shift=change.shift,
        margins=change.margins,
        bias_penalty=change.bias_penalty,
    )


@cache
def switch(case: Case) -> Switch:
    """Two energies, in logarithms: the minority is certainly apart at the larger, and certainly coincides at the smaller."""
    return bracket_switch(
        lambda log_energy: posed(case, math.exp(log_energy)),
        lambda optimum: optimum.coincide(1),
        before=math.log(LARGEST),
        beyond=math.log(LEAST),
        width=WIDTH,
    )


def multiplier_at_switch(case: Case) -> Bracket:
    """λ/c_B where the minority comes apart: λ falls with the energy, so there it lies between what it is at the two ends."""
    at_switch = switch(case)
    weight = float(at_switch.optimum_before.solution.problem.weights[1])
    low, high = (end.solution.certified_multiplier for end in (at_switch.optimum_before, at_switch.optimum_beyond))
    return Bracket(low.lower / weight * (1 - 1e-14), high.upper / weight * (1 + 1e-14), rigorous=True)


DRAWN = Case(3, 3, 1.0, Change())
"""Class numbers of the figure."""


def threshold(change: Change) -> Bracket:
    """R, from 1.05 on, between an optimum whose minority is certainly apart and one where it certainly coincides."""
    at_switch = bracket_switch(
        lambda log_ratio: posed(DRAWN._replace(imbalance=math.exp(log_ratio), change=change), 1.0),
        lambda optimum: optimum.coincide(1),
        before=0.05,
        beyond=3.0,
        width=1e-2,
        route="factored",
    ).bracket
    return Bracket(math.exp(at_switch.lower), math.exp(at_switch.upper), rigorous=True)
