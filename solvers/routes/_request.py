"""What a route is asked, and what it hands to the certificate."""

from dataclasses import dataclass
from typing import Generic, NamedTuple

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics import GroupMatrix
from layerpeel.solvers.program._problem import Form


class Candidate(NamedTuple):
    """What a route hands to the certificate.

    Args:
        matrix: Y.
        shares: the hinge's multipliers.
        bias: that of each group's classes.
        tangent: where a minorant touches.
        factors: H and W with H Wᵀ = Y between groups, to rounding.
    """

    matrix: GroupMatrix
    shares: GroupMatrix | None = None
    bias: Float[np.ndarray, " G"] | None = None
    tangent: GroupMatrix | None = None
    factors: tuple[Float[np.ndarray, "G r"], Float[np.ndarray, "G r"]] | None = None


@dataclass(frozen=True, kw_only=True)
class Request(Generic[Form]):
    """A problem and how its solution is wanted.

    Args:
        problem: the program.
        tolerance: relative gap to reach.
        began: clock at the start.
        solver: conic solver, for the route that needs one.
        start: a neighbour's candidate, for the route that can use one.
        dimension: p, if features in R^p are wanted.
    """

    problem: Form
    tolerance: float
    began: float
    solver: str
    start: Candidate | None
    dimension: int | None
