"""Where the phases of the minority change, when energies count samples: ratios and factors, by certified solves."""

import math
from typing import Any

from layerpeel.solvers import LayerPeeled, Problem, Switch, bracket_switch, collapse_switch

RATIO, ENERGY, SIZES = 10.0, 1.0, (3, 3)
"""R, E_H and (K_A, K_B) at which a factor of two separates by weights and not by sampling."""
WIDTH = 3e-4
"""Distance in log R, or in log w, of the two places at which a search stops: the certificates decide phases ten times as close."""


def switch(majority: int, minority: int, **model: Any) -> Switch:
    """The search in log R, by semidefinite programs at its ends."""
    return collapse_switch(majority, minority, width=WIDTH, route="sdp", **model)


def vanishing_switch(majority: int, minority: int, energy: float) -> Switch:
    """The same for the block between the groups; route `factored` at both ends, since conic solvers leave the small norm too uncertain."""

    def posed(log_ratio: float) -> Problem:
        return LayerPeeled.from_imbalance(majority, minority, math.exp(log_ratio), feature_energy=energy, norm_weights="sample")

    return bracket_switch(posed, lambda optimum: optimum.vanish(1), 0.05, 8.0, width=WIDTH, route="factored")


def factor_switch(by: str) -> Switch:
    """The search in log w."""
    problem = LayerPeeled.from_imbalance(*SIZES, RATIO, feature_energy=ENERGY, norm_weights="sample")
    return bracket_switch(
        lambda place: problem.reweighted(1, math.exp(place), by=by),
        lambda optimum: optimum.coincide(1),
        before=math.log(RATIO) / 2 if by == "weights" else math.log(0.9 * RATIO),
        beyond=0.0,
        width=WIDTH,
        route="sdp",
    )
