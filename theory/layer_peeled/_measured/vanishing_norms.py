"""Where the minority's norm certainly goes, and how long it is before."""

import math
from functools import cache

from layerpeel.numerics import Bracket
from layerpeel.solvers import LayerPeeled, Switch, bracket_switch, solve_blocks

NEAR_BALANCE, FAR = 1.01, 1000.0
"""Ratios on either side of R1, which is below 13 in every case that has one."""
WIDTH = 3e-4
"""Distance in log R at which the search for R1 stops: what the certificates still decide, with room to spare."""


@cache
def switch(majority: int, minority: int, energy: float) -> Switch:
    """The ratios, in logarithms, between which the norm goes, with the semidefinite optima there."""
    return bracket_switch(
        lambda log_ratio: LayerPeeled.from_imbalance(majority, minority, math.exp(log_ratio), feature_energy=energy),
        lambda solved: solved.vanish(1),
        before=math.log(NEAR_BALANCE),
        beyond=math.log(FAR),
        width=WIDTH,
    )


def measured_square(majority: int, minority: int, energy: float, ratio: float) -> Bracket:
    """‖w_B‖² of the blocks; balanced classes have one group."""
    blocks = solve_blocks(LayerPeeled.from_imbalance(majority, minority, ratio, feature_energy=energy))
    norm = blocks.classifier_norm(len(blocks.problem.groups) - 1)
    return Bracket(norm.lower**2, norm.upper**2, rigorous=True)
