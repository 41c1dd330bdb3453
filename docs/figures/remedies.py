"""Draws remedies.svg: R0 against the strength of every remedy in the loss, for 3 classes of 100 samples and 3 of 5.

Run it at the top of a checkout: python docs/figures/remedies.py
"""

import math
from pathlib import Path

from layerpeel.counts.remedy_case import FREE, Case
from layerpeel.numerics import Figure
from layerpeel.pages.curves import figure, line, points
from layerpeel.pages.figure_file import figure_file
from layerpeel.solvers import LayerPeeled

ENERGY = 1.0
STRENGTHS = [step / 80 for step in range(81)]
LARGEST = 1e3
"""Largest R0 that is drawn."""

DRAWN = {
    "weights (n_max/n)^x": ("weights", 1.0),
    "factors (n_max/n)^x on logits": ("logit-scale", 1.0),
    "smoothed labels, δ = x": ("label-smoothing", 1.0),
    "shifts x log n": ("logit-shift", 1.0),
    "margins 4x (n_min/n)^(1/4)": ("margin", 4.0),
}
"""What is drawn: a label, a remedy, and its strength at x = 1."""


def draw() -> Figure:
    """All curves, and the imbalance of these counts, which they must cross."""
    problem = LayerPeeled.from_groups([(3, 100), (3, 5)], feature_energy=ENERGY)
    case = Case(problem, 1, {"feature_energy": ENERGY})
    series = []
    for color, (label, (name, most)) in enumerate(DRAWN.items()):
        logs = [(x, case.log_threshold(name, min(most * x, most - 1e-6))) for x in STRENGTHS]
        seen = [(x, math.exp(height)) for x, height in logs if height is not None and height < math.log(LARGEST)]
        series.append(line(label, [x for x, _ in seen], [height for _, height in seen], color))
    free = case.log_threshold("bias", FREE)
    series.append(line("a free bias", [0.0, 1.0], [math.exp(free or math.nan)] * 2, len(DRAWN)))
    series.append(points("R = 20", STRENGTHS[::4], [20.0] * len(STRENGTHS[::4]), len(DRAWN)))
    return figure(
        "What people do against minority collapse",
        "Three classes of 100 samples and three of 5, E_H = E_W = 1 per class. The minority is apart where a curve lies above R = 20. "
        "Beyond the end of a curve no imbalance below a thousand collapses it.",
        "strength x",
        "threshold R0",
        series,
        log_y=True,
    )


if __name__ == "__main__":
    Path(__file__).with_name("remedies.svg").write_text(figure_file(draw()), encoding="utf-8")
