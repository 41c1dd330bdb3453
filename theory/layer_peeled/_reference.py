"""The reference optimum that rooms measure with: semidefinite programs, which know no closed form."""

from layerpeel.solvers import Enclosures, LayerPeeled, Solution, solve

GAP = 1e-11
"""Relative gap below which one solver's certificate is tight enough for every room."""


def reference(problem: LayerPeeled) -> Solution:
    """The semidefinite solution with the smaller certified gap: Clarabel first, SCS where Clarabel's is not tight."""
    first = solve(problem, route="sdp", solver="clarabel", tolerance=GAP)
    if first.converged:
        return first
    second = solve(problem, route="sdp", solver="scs", tolerance=GAP)
    return min(first, second, key=lambda solution: solution.gap)


def two_groups(majority: int, minority: int, imbalance: float, feature_energy: float) -> Enclosures:
    """The exact optimum of two groups in ratio R at E_W = 1, enclosed by the reference's certificate."""
    return Enclosures(reference(LayerPeeled.from_imbalance(majority, minority, imbalance, feature_energy=feature_energy)))
