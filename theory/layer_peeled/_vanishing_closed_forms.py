"""Where the minority vanishes, in closed form, and mistakes beside it; predictions only."""

import math

from layerpeel.numerics import Bracket, vanishing_threshold
from layerpeel.theory.layer_peeled._closed_forms import optimum


def square(majority: int, minority: int, energy: float, ratio: float, *, of_inner: int) -> float:
    """‖w_B‖² = √(E_W/E_H) (ρ + b (K_B − of_inner)/K_B) with ρ = s K_A/(K K_B); of_inner = 1 is true."""
    best = optimum(majority, minority, ratio, energy)
    return (best.s * majority / ((majority + minority) * minority) + best.b * (minority - of_inner) / minority) / math.sqrt(energy)


def log_closed_form(majority: int, minority: int, energy: float) -> Bracket:
    """log R1 from the closed form, enclosed in ball arithmetic."""
    closed = vanishing_threshold(majority, minority, feature_energy=energy, digits=20)
    if closed is None:
        raise ArithmeticError(f"K_A = {majority}, K_B = {minority} has no second phase at E_H = {energy:g}; choose a smaller energy.")
    return Bracket(math.log(float(closed.lower)) - 1e-15, math.log(float(closed.upper)) + 1e-15)


def log_with_other_margin(majority: int, minority: int, energy: float) -> float:
    """log R1 with the margin between majority classes taken for that to the minority."""
    classes = majority + minority
    a = classes * math.sqrt(energy) / (majority - 1)
    u, v = (majority - 1) * math.exp(-a), minority * math.exp(-a)
    m = majority / (majority - 1) * (u + v * (majority - 1) / majority) / (1 + u + v)
    room = m**2 * majority * minority / classes - majority * (v / (1 + u + v)) ** 2
    return 0.5 * math.log(minority * majority**2 / classes**2 / room)


def rank_far_out(majority: int, minority: int, energy: float, r: float) -> Bracket:
    """Rank K_A − 1 where τ/(K_A − 1) < K_A ln[(K_A/K_B) r/(1 − r)], rank K_A elsewhere; r = √(K_B/K) is true."""
    exists = (majority + minority) * math.sqrt(energy) / (majority - 1) < majority * math.log(majority / minority * r / (1 - r))
    return Bracket.exactly(float(majority - 1 if exists else majority))
