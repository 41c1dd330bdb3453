"""Where answers of certified solves change as the penalty grows, and the margins' picture."""

import math
from collections.abc import Callable

from layerpeel.numerics import Bracket
from layerpeel.solvers import Enclosures, UnconstrainedFeatures, bracket_switch, solve
from layerpeel.theory import Figure
from layerpeel.theory._enclosed_points import enclosed_points

Case = tuple[int, int, int, int, float | None]
"""(K_A, K_B, n_A, n_B, λ_b); None for no bias."""
LEAST, LARGEST = 1e-3, 1e-1
"""Penalties between which every threshold here lies; both ends are certified too."""
WIDTH = 3e-4
"""Relative width of λ at which the bisection stops; the certificates decide ten times as close."""
DRAWN: Case = (5, 5, 500, 100, None)
PRECISION = 1e-12
"""Relative gap of the points in the figure."""


def problem(case: Case, penalty: float) -> UnconstrainedFeatures:
    """The program with λ_W = λ_H."""
    majority, minority, large, small, bias = case
    return UnconstrainedFeatures.from_groups(
        [(majority, large), (minority, small)], feature_penalty=penalty, weight_penalty=penalty, bias_penalty=bias
    )


def is_zero(optimum: Enclosures) -> bool | None:
    """True when the optimal logits certainly have rank zero (up to the bias), False when they certainly do not."""
    rank = optimum.rank()
    return False if rank.lower > 0 else True if rank.upper == 0 else None


def switched(case: Case, verdict: Callable[[Enclosures], bool | None]) -> Bracket:
    """log λ between a penalty at which the verdict is certainly no and one at which it certainly is yes."""
    return bracket_switch(
        lambda log_penalty: problem(case, math.exp(log_penalty)),
        verdict,
        before=math.log(LEAST),
        beyond=math.log(LARGEST),
        width=WIDTH,
        route="factored",
    ).bracket


def draw_margins() -> Figure:
    """Margins inside the two groups against the penalty, with the thresholds."""
    penalties = [LEAST * 10 ** (0.05 * step) for step in range(21)]
    optima = [Enclosures(solve(problem(DRAWN, penalty), route="factored", tolerance=PRECISION)) for penalty in penalties]
    series = [
        enclosed_points(f"between two {name} classes", penalties, [optimum.inner_value(g) for optimum in optima], g)
        for g, name in enumerate(("majority", "minority"))
    ]
    majority, minority, large, small, _ = DRAWN
    total = majority * large + minority * small
    return Figure(
        title="The two thresholds of the penalty",
        caption="K_A = K_B = 5, 500 and 100 samples per class, no bias: margins of the certified optimum.",
        x_label="penalty λ = √(λ_W λ_H)",
        y_label="margin (logit)",
        series=tuple(series),
        marks=((math.sqrt(small) / total, "√n_B/N", 1), (math.sqrt(large) / total, "√n_A/N", 0)),
        log_x=True,
    )
