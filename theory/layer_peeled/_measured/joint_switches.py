"""Where all tail groups vanish, and how they come back."""

import math
from functools import cache

from layerpeel.numerics import Bracket
from layerpeel.solvers import Enclosures, LayerPeeled, Switch, bracket_switch
from layerpeel.theory.layer_peeled._coming_apart import WIDTH, Groups
from layerpeel.theory.layer_peeled._reference import reference

BACK: Groups = ((3, 20), (1, 15), (2, 10))
"""Whose ray is looked at: of these programs the one whose tail comes back least alike."""


@cache
def switch(groups: Groups) -> Switch:
    """The energies, in logarithms, between which the tail vanishes, with the semidefinite optima there."""
    return bracket_switch(
        lambda log_energy: LayerPeeled.from_groups(groups, feature_energy=math.exp(log_energy)),
        all_or_none,
        before=math.log(20.0),
        beyond=math.log(1e-3),
        width=WIDTH,
    )


def all_or_none(optimum: Enclosures) -> bool | None:
    """Whether the tail is zero; None where some of it is and some is not, or that is not certain."""
    answers = {optimum.vanish(g) for g in range(1, len(optimum.solution.problem.sizes))}
    return answers.pop() if len(answers) == 1 else None


@cache
def beyond(excess: float) -> Enclosures:
    """The semidefinite optimum beyond the place that was measured."""
    energy = math.exp(switch(BACK).bracket.middle)
    return Enclosures(reference(LayerPeeled.from_groups(BACK, feature_energy=energy * (1 + excess))))


def shorter(optimum: Enclosures) -> Bracket:
    """‖w_k‖ of the last group over that of the first group of the tail."""
    return optimum.classifier_norm(len(BACK) - 1) / optimum.classifier_norm(1)


def with_a_norm(optimum: Enclosures) -> Bracket:
    """How many groups certainly have a norm, and how many may have one: a class has none where nothing can carry it."""
    count = len(optimum.solution.problem.sizes)
    certain = sum(optimum.classifier_norm(g).lower > 0.0 for g in range(count))
    return Bracket(float(certain), float(count), rigorous=True)
