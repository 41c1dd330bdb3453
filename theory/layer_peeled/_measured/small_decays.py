"""Singular values of the optimal logits as weight decay goes to zero, and their picture."""

import math
from functools import cache

from layerpeel.numerics import Bracket
from layerpeel.solvers import Enclosures, Solution, UnconstrainedFeatures, solve
from layerpeel.theory import Figure, Series, Setting, instances
from layerpeel.theory._enclosed_points import enclosed_points
from layerpeel.theory.layer_peeled._encoded_labels import value_of

MAJORITY, MINORITY, RATIO = FOLLOWED = (2, 4, 10)
"""K_A classes of R samples and K_B of one, an unequal split, where limits are followed."""
DEPTHS = instances("log(1/λ) = {}", 7, 14, 28, 56)
"""Doubled each time, down to λ = 5e-25."""
GROUPS = ("majority", "minority", "between")
"""The singular values of diag(√n) Z: inside the majority, inside the minority, between the two."""
ACCURACY = 1e-11
"""Relative gap asked of the solver: it places logits to about 1e-4, out of logits as large as log(1/λ)."""


@cache
def path(majority: int, minority: int, ratio: int) -> dict[int, Enclosures]:
    """Certified optima by log(1/λ), along decreasing λ, each started at its predecessor."""
    optima: dict[int, Enclosures] = {}
    start: Solution | None = None
    for (depth,) in DEPTHS.values():
        penalty = math.exp(-depth)
        problem = UnconstrainedFeatures.from_groups([(majority, ratio), (minority, 1)], feature_penalty=penalty, weight_penalty=penalty)
        start = solve(problem, route="factored", tolerance=ACCURACY, start=start)
        optima[depth] = Enclosures(start)
    return optima


def over_minority(depth: int, group: str) -> Bracket:
    """A singular value over the one inside the minority."""
    values = path(*FOLLOWED)[depth].singular_values()
    return values[GROUPS.index(group)] / values[GROUPS.index("minority")]


def growth(group: str, majority: int, minority: int, ratio: int) -> Bracket:
    """Of a singular value between the last two λ, per unit of log(1/λ)."""
    (earlier, before), (later, after) = list(path(majority, minority, ratio).items())[-2:]
    place = GROUPS.index(group)
    return (after.singular_values()[place] - before.singular_values()[place]) / Bracket.exactly(later - earlier)


def divided_by(depth: int) -> Bracket:
    """[q(L/4) − q(L/2)]/[q(L/2) − q(L)]."""
    first, second, third = (over_minority(depth // part, "majority") for part in (4, 2, 1))
    return (first - second) / (second - third)


def draw_limit(setting: Setting) -> Figure:
    """The ratios of singular values against 1/log(1/λ), and their limits at zero."""
    x = tuple(1 / depth for (depth,) in DEPTHS.values())
    series = []
    for color, (name, group) in enumerate((("inside the majority", "majority"), ("between the groups", "between"))):
        ratios = [over_minority(depth, group) for (depth,) in DEPTHS.values()]
        end = value_of(group, *FOLLOWED)
        series += [
            enclosed_points(name, x, ratios, color),
            Series.line(f"limit {name}", (0.0, x[0]), (end, end), color),
        ]
    return Figure(
        title="Singular values as weight decay goes to zero",
        caption=f"K_A = {MAJORITY}, K_B = {MINORITY}, R = {RATIO}: singular values of diag(√n) Z over the one inside the minority. In "
        "1/log(1/λ) they approach √R and √((R K_B + K_A)/K) along straight lines.",
        x_label="1/log(1/λ)",
        y_label="ratio of singular values",
        series=tuple(series),
    )
