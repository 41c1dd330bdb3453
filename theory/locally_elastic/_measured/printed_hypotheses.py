"""What the printed hypotheses ask of rates, and how many starts keep each projection's sign, enclosed."""

import math
from fractions import Fraction

import numpy as np
import sympy
from flint import arb_mat, fmpq, fmpq_mat

from layerpeel.numerics import TIME, Bracket, Proportion, as_rate, logit_directions
from layerpeel.theory import Setting, instances
from layerpeel.theory.locally_elastic import _vanishing_inter as inter
from layerpeel.theory.locally_elastic._paths import paths_needed

EXCESS, SHARED = "γ e^t", "−B, t ≥ 1"
BOUNDS = instances("B(∞) = {:g}", -0.1, -2.0)
"""α = 1, β = B(∞) e^{−t} with three classes."""


def least_rates(case: inter.Case) -> dict[str, Bracket]:
    """The least values of γ e^t = a e^t − b over t ≥ 0 and of −B over t ≥ 1.

    The former is monotone, so its least value is at t = 0, or at no time when a < 0; −B has the slope −b e^{−t} of one sign, so its least
    value is at t = 1, or in the limit, which it is within e^{−40} of at t = 40.
    """
    least = float(case.intra - case.inter if case.intra >= 0 else Fraction(-(10**9)))
    shared = as_rate(sympy.Rational(case.inter) * sympy.exp(-TIME))
    return {
        EXCESS: Bracket(math.nextafter(least, -math.inf), math.nextafter(least, math.inf), rigorous=True),
        SHARED: min((-shared.integral_bracket(time) for time in (1.0, 40.0)), key=lambda end: end.lower),
    }


def shares_counted(setting: Setting) -> list[Proportion]:
    """For each bound, of as many starts as the level needs."""
    number, frame = paths_needed(setting.level), logit_directions(3)
    basis = arb_mat(fmpq_mat(9, 9, [fmpq(int(i == j)) for i in range(9) for j in range(9)]))
    shares: list[Proportion] = []
    for (bound,) in BOUNDS.values():
        limits = inter.projections_from(basis, 3, Fraction(1), Fraction(str(bound)), inter.SOON).tolist()
        limit = np.array([[float(value.mid()) for value in row] for row in limits])
        vectors = (setting.rng.standard_normal((number, 9)) @ limit.T)[:, :, None] * frame
        obtuse = ((vectors @ vectors.mT)[:, [0, 0, 1], [1, 2, 2]] < 0.0).all(axis=1)
        shares.append(Proportion(successes=int(obtuse.sum()), n=number))
    return shares
