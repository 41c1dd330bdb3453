"""Closed forms of where the minority comes apart under changed losses, and their figure."""

import math
from collections.abc import Callable
from functools import cache

from layerpeel.numerics import ChangedBoundary, log_threshold_with_bias_minus_one, smoothed_energy_limit, smoothed_margin
from layerpeel.theory._enclosed_points import enclosed_points
from layerpeel.theory._room import Figure, Series
from layerpeel.theory.layer_peeled._changed_losses import DRAWN, Case, Change, threshold


@cache
def boundary(case: Case) -> ChangedBoundary:
    """Where the minority comes apart, in closed form."""
    change = case.change
    return ChangedBoundary(
        case.majority,
        case.minority,
        label_smoothing=change.smoothing,
        logit_scale=change.scale,
        logit_shift=change.shift,
        margins=change.margins,
    )


STRENGTHS = tuple(step / 20 for step in range(21))
MEASURED = (0.25, 0.5, 0.75)
REMEDIES: dict[str, Callable[[float], Change]] = {
    "smoothing δ = x/4": lambda x: Change(smoothing=x / 4),
    "factor Δ_B = 1 + x": lambda x: Change(scale=(1.0, 1.0 + x)),
    "shift ι_A − ι_B = x": lambda x: Change(shift=(x, 0.0)),
    "margin m_B = 4x": lambda x: Change(margins=(0.0, 4.0 * x)),
}
"""What the figure draws against one strength x."""


def draw_thresholds() -> Figure:
    """R0 against the strength of each change."""
    series: list[Series] = []
    for color, (label, change) in enumerate(REMEDIES.items()):
        heights = [math.exp(boundary(DRAWN._replace(change=change(x))).log_imbalance(float(DRAWN.classes))) for x in STRENGTHS]
        series.append(Series.line(label, STRENGTHS, heights, color))
        solved = [threshold(change(x)) for x in MEASURED]
        series.append(enclosed_points(f"{label}, solved", MEASURED, solved, color))
    free = 1 + math.exp(log_threshold_with_bias_minus_one(DRAWN.majority, DRAWN.minority, feature_energy=1.0))
    series.append(Series.line("a free bias", (0.0, 1.0), (free, free), len(REMEDIES)))
    return Figure(
        title="The threshold of minority collapse under changes of the loss",
        caption="K_A = K_B = 3, E_H = E_W = 1. Lines: closed forms; points: bisections over certified solves, by route `factored`. "
        "A weight on the minority's loss raises the threshold in proportion.",
        x_label="strength x",
        y_label="threshold R0",
        series=tuple(series),
        log_y=True,
    )


def level(case: Case) -> float:
    """s_B: explicit without margins; with them, p is that of the boundary."""
    if any(case.change.margins):
        return boundary(case).point_at(math.log(case.imbalance))[1]
    return (1 - case.change.smoothing) * case.change.scale[1]


def log_energy(case: Case) -> float:
    """log E_H at E_W = 1 where the minority comes apart at this imbalance."""
    point, _ = boundary(case).point_at(math.log(case.imbalance))
    return 2 * math.log(point.radius / case.classes)


def swapped(case: Case) -> Case:
    """The case with the minority's factor and margin for the majority, and the other way round."""
    change = case.change
    return case._replace(change=change._replace(scale=change.scale[::-1], margins=change.margins[::-1]))


def limit(case: Case) -> float:
    """E_H from which on nothing coincides."""
    return smoothed_energy_limit(case.majority, case.minority, case.change.smoothing) ** 2


def alone(case: Case) -> float:
    """E_H that a smoothed majority uses up."""
    margin = smoothed_margin(case.classes, case.change.smoothing)
    return (margin * (case.majority - 1 + math.sqrt(case.minority / case.classes)) / case.classes) ** 2
