"""Optima of many groups, the multiplier where classes coincide, and where they come apart."""

import math
from functools import cache

from layerpeel.numerics import Bracket
from layerpeel.solvers import Enclosures, LayerPeeled, Switch, solve
from layerpeel.theory.layer_peeled._coming_apart import Groups, coming_apart
from layerpeel.theory.layer_peeled._reference import reference

PRECISION = 1e-11
"""Relative gap asked of route `factored`: it places the logits to about 1e-6."""


@cache
def factored(groups: Groups, energy: float) -> Enclosures:
    """The optimum by route `factored`, enclosed."""
    return Enclosures(solve(LayerPeeled.from_groups(groups, feature_energy=energy), route="factored", tolerance=PRECISION))


@cache
def enclosed(groups: Groups, energy: float) -> Enclosures:
    """The semidefinite optimum, enclosed."""
    return Enclosures(reference(LayerPeeled.from_groups(groups, feature_energy=energy)))


@cache
def switch(groups: Groups, g: int) -> Switch:
    """The energies between which the classes of group g come apart, with the semidefinite optima there."""
    return coming_apart(groups, g)


def multiplier_where(together: bool, groups: Groups, energy: float, g: int, *, elsewhere: float) -> Bracket:
    """λ/c_g where the classes of group g certainly coincide or not, as asked; anything where undecided."""
    optimum = factored(groups, energy)
    state = optimum.coincide(g)
    if state is None:
        return Bracket(0.0, math.inf)
    multiplier, weight = optimum.solution.certified_multiplier, float(optimum.solution.problem.weights[g])
    ratio = Bracket(multiplier.lower / weight * (1 - 1e-14), multiplier.upper / weight * (1 + 1e-14), rigorous=True)
    return ratio if state is together else Bracket.exactly(elsewhere)
