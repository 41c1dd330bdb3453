"""Phase diagrams of two-group optima: closed-form boundaries as lines, certified solves as points."""

from collections.abc import Callable, Iterable

import numpy as np

from layerpeel.numerics import collapse_threshold, vanishing_threshold
from layerpeel.solvers import Enclosures, LayerPeeled, solve
from layerpeel.theory._room import Figure, Series

PHASES = ("distinct", "collapsed", "vanished")
GAP = 1e-11
"""Relative gap of the points."""
TOP = 300.0
"""Largest imbalance drawn."""
ENERGIES = np.geomspace(0.1, 12.0, 40)
MEASURED_ENERGIES, MEASURED_RATIOS = (0.15, 0.5, 1.5, 4.0, 9.0), (1.15, 1.6, 3.0, 7.0, 20.0, 70.0, 200.0)
SIZES, MEASURED_SIZES = (4, 6, 8, 10, 14, 20, 28, 40, 60, 80, 100), (4, 8, 14, 24)


def energy_diagram(majority: int, minority: int) -> Figure:
    """The (E_H, R) plane at E_W = 1 for given class numbers."""

    def problem(energy: float, imbalance: float) -> LayerPeeled:
        return LayerPeeled.from_imbalance(majority, minority, imbalance, feature_energy=energy)

    return Figure(
        title=f"Phases for K_A = {majority}, K_B = {minority}",
        caption="Lines: closed-form thresholds R0 (collapse) and R1 (vanishing, where it exists), E_W = 1. Points: what the enclosed "
        "geometry of the optimum shows, by route `factored`.",
        x_label="feature energy E_H",
        y_label="imbalance R = n_A / n_B",
        series=(
            *_boundaries(ENERGIES.tolist(), lambda energy: (majority, minority, energy)),
            *_points(MEASURED_ENERGIES, problem),
        ),
        log_x=True,
        log_y=True,
    )


def size_diagram(energy: float) -> Figure:
    """The (K, R) plane at E_W = 1 and a fixed E_H, half of the classes in the majority."""

    def problem(classes: float, imbalance: float) -> LayerPeeled:
        half = round(classes / 2)
        return LayerPeeled.from_imbalance(half, half, imbalance, feature_energy=energy)

    return Figure(
        title=f"Phases for K_A = K_B = K/2, E_H = {energy:g}",
        caption="Lines: closed-form thresholds R0 (collapse) and R1 (vanishing), E_W = 1. Points: what the enclosed geometry of the "
        "optimum shows, by route `factored`. The more classes share a fixed energy per class, the sooner the minority collapses.",
        x_label="classes K",
        y_label="imbalance R = n_A / n_B",
        series=(
            *_boundaries([float(size) for size in SIZES], lambda size: (round(size / 2), round(size / 2), energy)),
            *_points([float(size) for size in MEASURED_SIZES], problem),
        ),
        log_x=True,
        log_y=True,
    )


def _boundaries(places: list[float], case: Callable[[float], tuple[int, int, float]]) -> list[Series]:
    lines = []
    for color, (label, threshold) in enumerate((("R0, closed form", collapse_threshold), ("R1, closed form", vanishing_threshold))):
        curve: list[tuple[float, float]] = []
        for place in places:
            majority, minority, energy = case(place)
            value = threshold(majority, minority, feature_energy=energy, digits=15)
            if value is not None and value.value is not None and value.value <= TOP:
                curve.append((place, value.value))
        if curve:
            lines.append(Series.line(label, (x for x, _ in curve), (y for _, y in curve), color))
    return lines


def _points(places: Iterable[float], problem: Callable[[float, float], LayerPeeled]) -> list[Series]:
    by_phase: dict[str, list[tuple[float, float]]] = {phase: [] for phase in PHASES}
    for place in places:
        for imbalance in MEASURED_RATIOS:
            phase = _phase(Enclosures(solve(problem(place, imbalance), route="factored", tolerance=GAP)))
            if phase is not None:
                by_phase[phase].append((place, imbalance))
    return [
        Series.points(phase, (x for x, _ in points), (y for _, y in points), 2 + color)
        for color, (phase, points) in enumerate(by_phase.items())
        if points
    ]


def _phase(optimum: Enclosures) -> str | None:
    """By the margin between minority classes and, where it is zero, by whether anything is left of them; None where undecided."""
    together = optimum.coincide(1)
    if together is None:
        return None
    return "distinct" if not together else "vanished" if optimum.between_vanishes else "collapsed"
