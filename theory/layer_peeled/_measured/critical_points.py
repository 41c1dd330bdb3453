"""Critical points of the unconstrained features, and where descent arrives."""

import numpy as np

from layerpeel.numerics import Bracket
from layerpeel.solvers import Enclosures, FactorPoint, LayerPeeled, descend, enclose_factors, low_rank_excess, solve
from layerpeel.theory import instances

CASES = {
    "balanced": ((10, 10, 10, 10), 1.0),
    "two groups": ((15, 15, 15, 10, 10), 1.0),
    "two groups, collapsed": ((60, 60, 10, 10, 10), 1.0),
    "distinct counts": ((40, 30, 20, 15), 1.5),
    "distinct counts, far apart": ((40, 20, 10, 5), 1.5),
}
"""Counts and E_H = E_W; only the product of the energies matters."""
USED = ("one coordinate used", "rank − 1 coordinates used")
"""How few coordinates the critical points found by descent have; with another one, unused, they are critical in more."""
MERGED = instances("K={} merged into {}, E={:g}", (4, 2, 1.0), (6, 2, 1.0), (6, 3, 1.0), (9, 3, 2.0))
"""(K, g, E_H = E_W): K balanced classes merged into g groups of K/g."""
ARRIVED = 4e-9
"""Allowance in a loss of order one for where L-BFGS stops; seen: 3e-15."""


def problem(case: str) -> LayerPeeled:
    """The program of a case."""
    counts, energy = CASES[case]
    return LayerPeeled(counts=counts, feature_energy=energy, weight_energy=energy)


def descended(case: str, dimension: int, rng: np.random.Generator) -> FactorPoint:
    """Where descent ends."""
    return enclose_factors(problem(case), *descend(problem(case), dimension, rng=rng)[1:])


def in_half_precision(case: str, rng: np.random.Generator) -> FactorPoint:
    """Where descent in one coordinate ends, rounded."""
    _, *factors = descend(problem(case), 1, rng=rng)
    return enclose_factors(problem(case), *(factor.astype(np.float16).astype(float) for factor in factors))


def critical(rng: np.random.Generator) -> dict[str, tuple[LayerPeeled, FactorPoint]]:
    """Critical points that are not global: optima that use too few coordinates, and balanced classes merged into groups."""
    points: dict[str, tuple[LayerPeeled, FactorPoint]] = {}
    for case in CASES:
        for used, dimension in zip(USED, (1, solve(problem(case), route="factored").rank - 1), strict=True):
            points[f"{case}, {used}"] = problem(case), descended(case, dimension, rng)
    return points | {label: merged(*case) for label, case in MERGED.items()}


def merged(classes: int, groups: int, energy: float) -> tuple[LayerPeeled, FactorPoint]:
    """h_k = w_k ∝ e_i − 1/g for k in group i, with p > g coordinates.

    Points unchanged when classes are relabelled with their group, or groups with their coordinate, are only the multiples of these; so
    the gradient is radial, and the points critical.
    """
    together = LayerPeeled.from_groups([(classes, 10)], feature_energy=energy, weight_energy=energy)
    frame = np.kron(np.eye(groups) - 1 / groups, np.ones((classes // groups, 1)))
    return together, enclose_factors(together, frame, frame)


def depth(around: LayerPeeled, point: FactorPoint) -> Bracket:
    """−τ λ_min/(f − f*)."""
    excess = point.value - solve(around, route="factored").value
    return -point.curvature / (excess / Bracket.exactly(around.num_classes * around.feature_energy))


def arrival(case: str, starts: int, rng: np.random.Generator) -> dict[str, Bracket]:
    """The worst end above the optimum, by dimension."""
    solution = solve(problem(case), route="factored", tolerance=1e-10)
    rank, excesses = Enclosures(solution).rank(), dict[str, Bracket]()
    dimensions = {"p = K": len(CASES[case][0]), "p = rank + 1": int(rank.upper) + 1, "p = rank − 1": int(rank.lower) - 1}
    for name, p in dimensions.items():
        ends = [descend(solution.problem, p, rng=child, starts=1) for child in rng.spawn(starts)]
        values = [enclose_factors(solution.problem, h, w).value for _, h, w in ends]
        worst = Bracket(max(value.lower for value in values), max(value.upper for value in values), rigorous=True)
        excess = worst - solution.value + Bracket(-ARRIVED, ARRIVED)
        proved = low_rank_excess(solution.problem, solution.matrix, p, solution.tangent) if p < rank.lower else excess.lower
        excesses[name] = Bracket(max(excess.lower, proved), excess.upper)
    return excesses
