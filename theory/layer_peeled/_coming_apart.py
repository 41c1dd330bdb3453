"""Where the classes of a group come apart as the energy grows: found by the geometry alone, the multiplier read off afterwards."""

import math

from layerpeel.numerics import Bracket
from layerpeel.solvers import Enclosures, LayerPeeled, Switch, bracket_switch

Groups = tuple[tuple[int, int], ...]
"""(classes, samples) of each group, the smallest last."""

LEAST, LARGEST = 0.05, 12.0
"""Energies E_H at E_W = 1 between which the groups looked at here come apart."""

WIDTH = 3e-4
"""Relative distance of the two energies at which the search stops: what a certificate still decides, with room to spare."""


def groups_label(groups: Groups) -> str:
    """3×60 + 2×15 + 2×5."""
    return " + ".join(f"{classes}×{samples}" for classes, samples in groups)


def coming_apart(groups: Groups, g: int) -> Switch:
    """Two energies, in logarithms: the classes of group g are certainly apart at the larger, and certainly coincide at the smaller."""
    return bracket_switch(
        lambda log_energy: LayerPeeled.from_groups(groups, feature_energy=math.exp(log_energy)),
        lambda optimum: optimum.coincide(g),
        before=math.log(LARGEST),
        beyond=math.log(LEAST),
        width=WIDTH,
    )


def multiplier_there(switch: Switch, g: int) -> Bracket:
    """λ/c_g at the energy where they come apart.

    λ falls with the energy (the value is convex in τ), so there it lies between what it is at the two ends.
    """
    weight = float(switch.optimum_before.solution.problem.weights[g])
    low, high = (end.solution.certified_multiplier for end in (switch.optimum_before, switch.optimum_beyond))
    # The weight is a rounded quotient.
    return Bracket(low.lower / weight * (1 - 1e-14), high.upper / weight * (1 + 1e-14), rigorous=True)


def end(switch: Switch, phase: int) -> Enclosures:
    """The optimum before the switch (0), or beyond it (1)."""
    return (switch.optimum_before, switch.optimum_beyond)[phase]


def reported(collapsed: bool | None) -> Bracket:
    """What is said of a group as a number: 1 for collapsed, 0 for distinct, anything between where it is left open."""
    return Bracket(0.0, 1.0) if collapsed is None else Bracket.exactly(float(collapsed))
