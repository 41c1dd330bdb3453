"""Closed forms of the two-group optimum that several rooms predict with; numerics only."""

import math
from typing import NamedTuple

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
    best = optimum(majority, minority, imbalance, feature_energy)
    common = best.s * majority / ((majority + minority) * minority)
    norm = common + best.b * (minority - 1) / minority
    return (common - best.b / minority) / norm if norm > 0.0 else math.nan


def optimal_value(majority: int, minority: int, imbalance: float, radius: float) -> float:
    """f = (K_A R/N) log D_A + (K_B/N) log D_B at the optimum."""
    a, b, *_ = best = two_group_optimum(majority, minority, imbalance, radius)
    t_a, t_b = best.between(majority, minority)
    root = math.sqrt(majority + minority)
    margin_a = a * (majority - 1) / majority + root / (majority * math.sqrt(minority)) * t_a
    margin_b = b * (minority - 1) / minority + root / (minority * math.sqrt(majority)) * t_b
    loss_a = math.log1p((majority - 1) * math.exp(-a) + minority * math.exp(-margin_a))
    loss_b = math.log1p((minority - 1) * math.exp(-b) + majority * math.exp(-margin_b))
    return (majority * imbalance * loss_a + minority * loss_b) / (majority * imbalance + minority)


class Entries(NamedTuple):
    """‖w_k‖², ‖h_k‖² and ⟨h_k, w_k⟩ of one class, up to E_W, E_H and their roots."""

    weight: float
    feature: float
    product: float


def entries(majority: int, minority: int, energy: float, imbalance: float) -> tuple[Entries, Entries]:
    """Of majority and minority: diagonal entries of (ZᵀZ)^{1/2}, (ZZᵀ)^{1/2} and Z."""
    best, classes = optimum(majority, minority, imbalance, energy), majority + minority
    t_a, t_b = best.between(majority, minority)
    inside_a, inside_b = best.a * (majority - 1) / majority, best.b * (minority - 1) / minority
    return (
        Entries(
            inside_a + best.s * minority / (classes * majority),
            inside_a + t_a**2 / (best.s * majority),
            inside_a + t_a * math.sqrt(minority / classes) / majority,
        ),
        Entries(
            inside_b + best.s * majority / (classes * minority),
            inside_b + t_b**2 / (best.s * minority),
            inside_b + t_b * math.sqrt(majority / classes) / minority,
        ),
    )


def alignment(of: Entries) -> float:
    """cos(h_k, w_k)."""
    return of.product / math.sqrt(of.weight * of.feature)


def self_duality(majority: int, minority: int, energy: float, imbalance: float) -> float:
    """(tr Z)²/(tr (ZᵀZ)^{1/2} tr (ZZᵀ)^{1/2}), one at R = 1 only."""
    major, minor = entries(majority, minority, energy, imbalance)
    weights, features, products = (majority * a + minority * b for a, b in zip(major, minor, strict=True))
    return products**2 / (weights * features)


def log_constants(majority: int, minority: int, energy: float, imbalance: float) -> float:
    """log of the ratio of ‖h_k‖/‖w_k‖ in the majority to that in the minority: zero at R = 1, positive for R > 1."""
    major, minor = entries(majority, minority, energy, imbalance)
    return 0.5 * math.log(major.feature / major.weight * minor.weight / minor.feature)
