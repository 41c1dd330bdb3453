"""Closed forms of the two-group optimum that several rooms predict with; numerics only."""

import math

from layerpeel.numerics import Bracket, TwoGroupOptimum, energy_radius, two_group_optimum

FLOAT_ALLOWANCE = 1e-10
"""Relative error granted to a closed form evaluated in doubles; the evaluations themselves are good to about 1e-13."""


def predicted(value: float) -> Bracket:
    """A closed form evaluated in doubles, with its allowance."""
    slack = FLOAT_ALLOWANCE * max(abs(value), 1e-3)
    return Bracket(value - slack, value + slack)


def optimum(majority: int, minority: int, imbalance: float, feature_energy: float, weight_energy: float = 1.0) -> TwoGroupOptimum:
    """The scalars (a, b, s, θ) of the optimum at imbalance R."""
    return two_group_optimum(majority, minority, imbalance, energy_radius(majority + minority, feature_energy, weight_energy))


def minority_cosine(majority: int, minority: int, imbalance: float, feature_energy: float) -> float:
    """cos(w_k, w_l) = (ρ − b/K_B)/(ρ + b (K_B − 1)/K_B) with ρ = s K_A/(K K_B); NaN where the minority classifiers vanish."""
    found = optimum(majority, minority, imbalance, feature_energy)
    common = found.s * majority / ((majority + minority) * minority)
    norm = common + found.b * (minority - 1) / minority
    return (common - found.b / minority) / norm if norm > 0.0 else math.nan


def optimal_value(majority: int, minority: int, imbalance: float, radius: float) -> float:
    """f = (K_A R/N) log D_A + (K_B/N) log D_B at the optimum."""
    a, b, *_ = found = two_group_optimum(majority, minority, imbalance, radius)
    t_a, t_b = found.between(majority, minority)
    root = math.sqrt(majority + minority)
    margin_a = a * (majority - 1) / majority + root / (majority * math.sqrt(minority)) * t_a
    margin_b = b * (minority - 1) / minority + root / (minority * math.sqrt(majority)) * t_b
    loss_a = math.log1p((majority - 1) * math.exp(-a) + minority * math.exp(-margin_a))
    loss_b = math.log1p((minority - 1) * math.exp(-b) + majority * math.exp(-margin_b))
    return (majority * imbalance * loss_a + minority * loss_b) / (majority * imbalance + minority)
