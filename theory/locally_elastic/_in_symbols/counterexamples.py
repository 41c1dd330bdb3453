"""Counterexamples to the printed separation theorem: H and rates, exactly, and which hypotheses they meet."""

from collections.abc import Mapping
from dataclasses import dataclass

import sympy

from layerpeel.numerics import TIME
from layerpeel.theory.locally_elastic._drift import exact_elasticity

UNCOUPLED = sympy.eye(2)
"""H_ij = 0 between classes."""
OPPOSED = sympy.Matrix([[1, -1], [-1, 1]])
"""Classes seen with opposite signs: positive semidefinite, diagonal one."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """H, rates Σ a (1 + t)^{−r} as {r: a}, the features' variance at time 0 (it grows by 1 per unit of time), and the times looked at."""

    similarity: sympy.Matrix
    intra: Mapping[float, float]
    inter: Mapping[float, float]
    variance: float = 1.0
    times: tuple[float, ...]


CASES = {
    "pace": Case(similarity=UNCOUPLED, intra={1: 1}, inter={1: 1, 0.5: -1}, variance=4.0, times=(1e1, 1e2, 1e4, 1e6)),
    "negative rates": Case(similarity=UNCOUPLED, intra={0: -1}, inter={0: -2}, times=(1.0, 5.0, 10.0, 20.0)),
    "opposed": Case(similarity=OPPOSED, intra={0.75: 1, 2: 0.5}, inter={0.75: -1, 2: 0.5}, times=(1e1, 1e2, 1e4, 1e5)),
    "common growth": Case(similarity=UNCOUPLED, intra={0: 1}, inter={0: 1, 2: -1}, times=(1.0, 2.0, 5.0, 10.0)),
    "semidefinite": Case(similarity=UNCOUPLED, intra={0.5: 1}, inter={0.5: -1}, times=(1.0, 5.0, 10.0, 50.0)),
}
"""The first three have γ ≫ 1/t, the fourth has γ = (1 + t)^{−2} ≪ 1/t; the last is on the edge of positive semidefinite E."""
FAILING = ("pace", "negative rates", "opposed", "common growth")
K, ALPHA, BETA = sympy.symbols("K alpha beta", positive=True)
LEAST = {"pace": 1, "negative rates": 1, "opposed": 0, "common growth": 1}
PARTS = {
    "least eigenvalue of H": lambda case: sympy.Min(*case.similarity.eigenvals()),
    "diagonal of H": lambda case: case.similarity[0, 0] if case.similarity[0, 0] == case.similarity[1, 1] else sympy.nan,
    "lim 1/(tγ)": lambda case: sympy.limit(1 / (TIME * excess(case)), TIME, sympy.oo),
    "lim tγ": lambda case: sympy.limit(TIME * excess(case), TIME, sympy.oo),
    "det E, positive": lambda case: sympy.expand(exact_elasticity(2, rate(case.intra), rate(case.inter)).det()),
    "α − (K−1)γ/K": lambda _: ALPHA - (K - 1) * (ALPHA - BETA) / K,
}
"""What is read off a case."""


def rate(powers: Mapping[float, float]) -> sympy.Expr:
    """In symbols."""
    return sympy.Add(*(sympy.Rational(factor) * (1 + TIME) ** -sympy.Rational(power) for power, factor in powers.items()))


def excess(case: Case) -> sympy.Expr:
    """γ."""
    return sympy.expand(rate(case.intra) - rate(case.inter))
