"""R0 by bisection over certified solves, far out, and how closed forms run through it."""

import math
from functools import cache

from layerpeel.numerics import Bracket, log_threshold_minus_one
from layerpeel.solvers import collapse_switch
from layerpeel.theory import Figure, Series
from layerpeel.theory.layer_peeled._threshold_limits import line_at_infinity, slope_at_zero


@cache
def measured(majority: int, minority: int, root: float, width: float) -> Bracket:
    """log R0 between a ratio that certainly is distinct and one that certainly has collapsed."""
    return collapse_switch(majority, minority, feature_energy=root, weight_energy=root, route="factored", width=width).bracket


def excess(classes: int, log_ratio: Bracket) -> Bracket:
    """log K(R0 − 1)."""
    low, high = (math.log(classes * math.expm1(end)) for end in (log_ratio.lower, log_ratio.upper))
    return Bracket(low, high, rigorous=log_ratio.rigorous)


def draw_energies() -> Figure:
    """R0 between its leading terms at both ends."""
    places = [10 ** (-2.5 + 3.4 * step / 60) for step in range(61)]
    small, large, solved = [e for e in places if e < 3], [e for e in places if e > 0.7], (0.01, 0.05, 0.2, 1.0, 3.0, 6.0)
    slope, constant = (float(value) for value in line_at_infinity(5, 5))
    exact = [math.exp(log_threshold_minus_one(5, 5, feature_energy=e, weight_energy=e)) for e in places]
    return Figure(
        title="The threshold at small and large energies, K_A = K_B = 5",
        caption="R0 − 1 against ε = √(E_H E_W), both axes logarithmic: tangent at zero, exponential growth far out. "
        "Points: bisection over certified solves.",
        x_label="root energy ε",
        y_label="R0 − 1",
        series=(
            Series.line("closed form", places, exact, 0),
            Series.line("Kε/(K_A(K − 1))", small, (float(slope_at_zero(5, 5)) * e for e in small), 1),
            Series.line("exponential in ε", large, (math.exp(slope * e + constant) for e in large), 2),
            Series.points("certified solves", solved, (math.expm1(measured(5, 5, e, 1e-4).middle) for e in solved), 0),
        ),
        log_x=True,
        log_y=True,
    )


def draw_classes() -> Figure:
    """R0 − 1 against the number of classes."""
    halves, solved = (2, 3, 5, 8, 15, 30, 60, 150, 500, 1500), (5, 30, 150)
    classes, series = [2 * half for half in halves], list[Series]()
    for color, root in enumerate((0.5, 1.0, 2.0)):
        exact = [math.exp(log_threshold_minus_one(half, half, feature_energy=root, weight_energy=root)) for half in halves]
        points = [math.expm1(measured(half, half, root, 1e-5).middle) for half in solved]
        series += [
            Series.line(f"ε = {root:g}, closed form", classes, exact, color),
            Series.line(f"ε = {root:g}, (exp(2ε) − 1)/K", classes, (math.expm1(2 * root) / size for size in classes), color + 3),
            Series.points(f"ε = {root:g}, certified solves", [2 * half for half in solved], points, color),
        ]
    return Figure(
        title="The threshold for many classes, half of them in the majority",
        caption="R0 − 1 at fixed energies falls like 1/K. Points: bisection over certified solves.",
        x_label="classes K",
        y_label="R0 − 1",
        series=tuple(series),
        log_x=True,
        log_y=True,
    )
