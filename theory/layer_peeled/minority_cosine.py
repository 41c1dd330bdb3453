"""The cosine between minority classifiers: rises to one, and stays."""

from functools import cache
from itertools import pairwise

import numpy as np

from layerpeel.numerics import Bracket, collapse_threshold, vanishing_threshold
from layerpeel.solvers import Enclosures, LayerPeeled, solve
from layerpeel.theory._room import Check, Control, Evidence, Figure, Kind, Origin, Quantities, Room, Series, Setting, Source, Statement
from layerpeel.theory.layer_peeled._closed_forms import minority_cosine, optimum, predicted
from layerpeel.theory.layer_peeled._reference import two_groups

CASES = (
    (5, 5.0, (1.0, 2.0, 5.0, 9.0, 12.0, 14.0, 40.0)),
    (3, 5.0, (1.0, 10.0, 100.0, 180.0, 400.0)),
    (7, 5.0, (1.0, 2.0, 3.5, 4.5, 5.4)),
    (5, 10.0, (1.0, 5.0, 30.0, 75.0, 100.0)),
    (7, 10.0, (1.0, 4.0, 10.0, 16.0)),
)
"""(K_A of K = 10, E_H, ratios): both sides of R0 wherever a conic solver still resolves the minority."""
CLASSES = 10
MAJORITIES, ENERGIES = (3, 5, 7), (5.0, 10.0)
DRAWN_GAP = 1e-11
"""Relative gap of the points in the figures: enclosures narrower than the dots."""


def _label(majority: int, energy: float, imbalance: float) -> str:
    return f"K_A={majority}, E_H={energy:g}, R={imbalance:g}"


def _of_minority(found: Enclosures) -> Bracket:
    last = len(found.solution.problem.groups) - 1
    return found.classifier_cosine(last, last)


@cache
def _enclose(majority: int, energy: float, imbalance: float) -> Bracket:
    """The cosine of the exact optimum, enclosed by the semidefinite program's certificate."""
    return _of_minority(two_groups(majority, CLASSES - majority, imbalance, energy))


def predict_cosine() -> Quantities:
    """(ρ − b/K_B)/(ρ + b (K_B − 1)/K_B) on the explicit surface of optima."""
    return {
        _label(majority, energy, ratio): predicted(minority_cosine(majority, CLASSES - majority, ratio, energy))
        for majority, energy, ratios in CASES
        for ratio in ratios
    }


def predict_cosine_one_percent_late() -> Quantities:
    """The cosine at R/1.01: as if the threshold were 1 % larger."""
    return {
        _label(majority, energy, ratio): predicted(minority_cosine(majority, CLASSES - majority, ratio / 1.01, energy))
        for majority, energy, ratios in CASES
        for ratio in ratios
        if ratio > 1.01
    }


def predict_cosine_without_share() -> Quantities:
    """(ρ − b/K_B)/(ρ + b): the squared norm without the factor (K_B − 1)/K_B."""
    found: dict[str, Bracket] = {}
    for majority, energy, ratios in CASES:
        minority = CLASSES - majority
        for ratio in ratios:
            best = optimum(majority, minority, ratio, energy)
            common = best.s * majority / (CLASSES * minority)
            found[_label(majority, energy, ratio)] = predicted((common - best.b / minority) / (common + best.b))
    return found


def measure_cosine(setting: Setting) -> Quantities:
    """The semidefinite program, with the cosine of the exact optimum enclosed."""
    return {_label(majority, energy, ratio): _enclose(majority, energy, ratio) for majority, energy, ratios in CASES for ratio in ratios}


RISING = tuple(np.geomspace(1.0, 11.5, 7).round(2).tolist())
"""Ratios below R0 = 12.19 of K_A = K_B = 5, E_H = 5."""
STEPS = tuple(f"R={low:g} to {high:g}" for low, high in pairwise(RISING))
"""Labels of the increments."""


def predict_rise() -> Quantities:
    """Zero: from each ratio to the next the cosine does not fall."""
    return {step: Bracket.exactly(0.0) for step in STEPS}


def predict_rise_at_even_pace() -> Quantities:
    """At least an even share of the way from −1/(K − 1) at R = 1 to the last ratio's cosine."""
    first, last = (minority_cosine(5, 5, ratio, 5.0) for ratio in (RISING[0], RISING[-1]))
    length = RISING[-1] - RISING[0]
    return {step: predicted((high - low) / length * (last - first)) for step, (low, high) in zip(STEPS, pairwise(RISING), strict=True)}


def measure_rise(setting: Setting) -> Quantities:
    """Increments of the enclosed cosine along the ratios."""
    values = [_enclose(5, 5.0, ratio) for ratio in RISING]
    return {label: after - before for label, before, after in zip(STEPS, values, values[1:], strict=False)}


def _draw(energy: float, full: bool) -> Figure:
    series, marks = [], []
    for color, majority in enumerate(MAJORITIES):
        minority = CLASSES - majority
        collapse = collapse_threshold(majority, minority, feature_energy=energy)
        vanish = vanishing_threshold(majority, minority, feature_energy=energy)
        end = vanish.value * 0.999 if vanish is not None and vanish.value is not None else 1e4
        corner = [collapse.value] if collapse.value is not None and collapse.value < min(end, 1e4) else []
        curve = sorted([*np.geomspace(1.0, min(end, 1e4), 160).tolist(), *corner])
        heights = [minority_cosine(majority, minority, ratio, energy) for ratio in curve]
        series.append(Series(label=f"K_A = {majority}, closed form", x=tuple(curve), y=tuple(heights), style="line", color=color))
        top = min(1.6 * (collapse.value or 1e3), end, 600.0)
        points = np.geomspace(1.0, top, 12 if full else 6).tolist()
        problems = [LayerPeeled.from_imbalance(majority, minority, ratio, feature_energy=energy) for ratio in points]
        found = [_of_minority(Enclosures(solve(problem, route="factored", tolerance=DRAWN_GAP))) for problem in problems]
        series.append(
            Series(
                label=f"K_A = {majority}, certified optimum",
                x=tuple(points),
                y=tuple(bracket.middle for bracket in found),
                low=tuple(bracket.lower for bracket in found),
                high=tuple(bracket.upper for bracket in found),
                style="points",
                color=color,
            )
        )
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


def draw_first(setting: Setting) -> Figure:
    """Panel (c) of the source: E_H = 5."""
    return _draw(ENERGIES[0], setting.full)


def draw_second(setting: Setting) -> Figure:
    """Panel (d) of the source: E_H = 10."""
    return _draw(ENERGIES[1], setting.full)


ROOM = Room(
    statement=Statement(
        name="minority-cosine",
        title="The angle between minority classifiers closes, and stays closed",
        latex=r"\cos\angle(w_k,w_l)=\frac{\rho-b/K_B}{\rho+b(K_B-1)/K_B},\quad \rho=\frac{K_A}{K K_B}\sqrt{t_A^2+t_B^2};"
        r"\quad \text{increasing for } R<R_0,\ =1 \text{ for } R\geq R_0",
        assumptions=(
            "two groups of classes, K_B ≥ 2",
            "cross-entropy loss",
            "k ≠ l in the minority",
            "R below R1, where the minority vanishes",
        ),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
        source=Source("su2024", "A numerical surprise; closed form derived"),
    ),
    checks=(
        Check(
            name="closed-form",
            claim="the cosine is the closed form on both sides of R0, and 1 beyond",
            evidence=Evidence.CERTIFIED,
            predict=predict_cosine,
            measure=measure_cosine,
            resolution=5e-3,
            reason="1 % of R moves the cosine by as much near R0; enclosures are 1e-7 to 1e-4 wide, widest at large R",
        ),
        Check(
            name="monotone",
            claim="the cosine rises with R below R0: the angle gets smaller",
            evidence=Evidence.CERTIFIED,
            predict=predict_rise,
            measure=measure_rise,
            kind=Kind.LOWER_BOUND,
        ),
    ),
    controls=(
        Control(
            name="one-percent-late", claim="the cosine is that of R/1.01", check="closed-form", predict=predict_cosine_one_percent_late
        ),
        Control(name="without-share", claim="‖w_k‖² ∝ ρ + b", check="closed-form", predict=predict_cosine_without_share),
        Control(name="even-pace", claim="the cosine rises at an even pace", check="monotone", predict=predict_rise_at_even_pace),
    ),
    figures=(draw_first, draw_second),
)
