"""Diagrams of two-group optima, phases and cosines: closed forms as lines, certified solves as points."""

from collections.abc import Callable, Iterable

import numpy as np

from layerpeel.numerics import Bracket, collapse_threshold, vanishing_threshold
from layerpeel.solvers import Enclosures, LayerPeeled, solve
from layerpeel.theory._enclosed_points import enclosed_points
from layerpeel.theory._room import Figure, Profile, Series, Setting
from layerpeel.theory.layer_peeled._closed_forms import minority_cosine

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


CLASSES = 10
MAJORITIES = (3, 5, 7)
COSINES = {Profile.QUICK: 6, Profile.FULL: 12}


def of_minority(optimum: Enclosures) -> Bracket:
    """The cosine between two classifiers of the last group; balanced classes have one group."""
    last = len(optimum.solution.problem.groups) - 1
    return optimum.classifier_cosine(last, last)


def cosine_panel(energy: float, setting: Setting) -> Figure:
    """Panel (c) of the source at E_H = 5, panel (d) at E_H = 10."""
    series, marks = [], []
    for color, majority in enumerate(MAJORITIES):
        minority = CLASSES - majority
        collapse = collapse_threshold(majority, minority, feature_energy=energy)
        vanish = vanishing_threshold(majority, minority, feature_energy=energy)
        end = vanish.value * 0.999 if vanish is not None and vanish.value is not None else 1e4
        corner = [collapse.value] if collapse.value is not None and collapse.value < min(end, 1e4) else []
        curve = sorted([*np.geomspace(1.0, min(end, 1e4), 160).tolist(), *corner])
        heights = [minority_cosine(majority, minority, ratio, energy) for ratio in curve]
        series.append(Series.line(f"K_A = {majority}, closed form", curve, heights, color))
        points = np.geomspace(1.0, min(1.6 * (collapse.value or 1e3), end, 600.0), COSINES[setting.profile]).tolist()
        problems = [LayerPeeled.from_imbalance(majority, minority, ratio, feature_energy=energy) for ratio in points]
        measured = [of_minority(Enclosures(solve(problem, route="factored", tolerance=GAP))) for problem in problems]
        series.append(enclosed_points(f"K_A = {majority}, certified optimum", points, measured, color))
        if collapse.value is not None and collapse.value < 1e4:
            marks.append((collapse.value, f"R0 = {collapse.value:.4g}", color))
    return Figure(
        title=f"Average cosine between minority classifiers, E_W = 1, E_H = {energy:g}",
        caption="K = 10. Lines: closed form, drawn until the minority vanishes (R1). Points: route `factored`, with the certified "
        "enclosure of the exact optimum. Vertical marks: the collapse threshold R0.",
        x_label="imbalance R = n_A / n_B",
        y_label="average cosine",
        series=tuple(series),
        marks=tuple(marks),
        log_x=True,
    )
