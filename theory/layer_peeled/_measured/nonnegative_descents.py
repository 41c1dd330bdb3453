"""Optima over non-negative features, by descent and enclosed, and their margins' picture."""

import math
from itertools import combinations

import numpy as np

from layerpeel.numerics import Bracket
from layerpeel.solvers import NonNegative, NonNegativeEnclosure, UnconstrainedFeatures, descend_nonnegative, enclose_nonnegative
from layerpeel.theory import Figure, Series, Setting
from layerpeel.theory._enclosed_points import enclosed_points
from layerpeel.theory.layer_peeled._orthogonal_means import margin, wrong

FOUR = (12, 6, 3, 2)
CASES: tuple[tuple[tuple[int, ...], float], ...] = (
    *((FOUR, level) for level in (1.1, 2.22, 2.28, 4.47, 4.53)),
    ((5, 5, 5), 1.0),
    *(((20, 4), level) for level in (1.98, 2.02)),
)
"""(n_k, N²λ_Wλ_H). A class collapses at n_k (K − 1)/K: 2.25 and 4.5 for n = 3 and 6 with K = 4, 2 for n = 4 with K = 2."""
WHERE = {f"n={'/'.join(map(str, counts))}, N²λ_Wλ_H={level:g}": (counts, level) for counts, level in CASES}
PAIRS = {f"classes {k + 1} and {j + 1}, {at}": (*case, k, j) for at, case in WHERE.items() for k, j in combinations(range(len(case[0])), 2)}
UNEQUAL = 3.0
"""λ_H/λ_W."""
DIMENSIONS = 4
"""p/K: with fewer dimensions most random starts lose a class on their way."""
STARTS, CLOSED = 50, 1e-12
"""Most random starts, and the gap at which the certificate says that no more are needed; four out of five starts reach it."""


def solved(counts: tuple[int, ...], level: float, rng: np.random.Generator) -> tuple[NonNegative, NonNegativeEnclosure]:
    """The point whose certificate is tightest, and what it proves."""
    weight = math.sqrt(level / UNEQUAL) / sum(counts)
    problem = UnconstrainedFeatures(counts=counts, weight_penalty=weight, feature_penalty=UNEQUAL * weight)
    descents: list[tuple[NonNegative, NonNegativeEnclosure]] = []
    for _ in range(STARTS):
        point = descend_nonnegative(problem, DIMENSIONS * len(counts), rng=rng, starts=1)
        descents.append((point, enclose_nonnegative(point)))
        if descents[-1][1].value.width <= CLOSED:
            break
    return min(descents, key=lambda each: each[1].value.width)


def overlaps(rng: np.random.Generator) -> dict[str, Bracket]:
    """Cosines of all pairs, by label."""
    known = {case: solved(*case, rng)[1].overlaps for case in CASES}
    return {label: known[counts, level].get((k, j), Bracket(-1.0, 1.0, rigorous=True)) for label, (counts, level, k, j) in PAIRS.items()}


def draw_margins(setting: Setting) -> Figure:
    """Margins against the regularisation: each class has its own threshold."""
    classes = len(FOUR)
    top = 1.15 * FOUR[0] * (classes - 1) / classes
    levels = tuple(top * ((step + 1) / 120) ** 2 for step in range(120))
    places = (0.2, 0.6, 1.2, 2.0, 3.5, 5.5, 8.0)
    measured = [solved(FOUR, level, setting.rng)[1].margins for level in places]
    series: list[Series] = []
    for k, count in enumerate(FOUR):
        heights = tuple(max(margin(wrong(count, classes, level), classes), 0.0) for level in levels)
        series += [
            Series.line(f"n = {count}, closed form", levels, heights, k),
            enclosed_points(f"n = {count}, certified", places, [margins[k] for margins in measured], k),
        ]
    return Figure(
        title="Margins with non-negative features: each class collapses at its own threshold",
        caption="K = 4 classes of 12, 6, 3 and 2 samples. Lines: closed form. Points: descent over W and H ≥ 0, with certified "
        "enclosures of the exact optimum. Marks: n_k (K − 1)/K.",
        x_label="N² λ_W λ_H",
        y_label="margin",
        series=tuple(series),
        marks=tuple((count * (classes - 1) / classes, f"collapse, n = {count}", k) for k, count in enumerate(FOUR)),
    )
