"""Logits on the branches of squared error, in closed form, and their picture; predictions only."""

from collections.abc import Callable

from layerpeel.numerics import Bracket
from layerpeel.numerics import squared_error_logit as branch
from layerpeel.numerics import squared_error_survival as survival
from layerpeel.numerics import squared_error_switch as switch
from layerpeel.solvers import descend_linear
from layerpeel.theory import Figure, Series, Setting
from layerpeel.theory.layer_peeled import _squared_error_descents as descents
from layerpeel.theory.layer_peeled._closed_forms import predicted

NONE, ALONE = "zero", f"keeping n={descents.SECOND} alone"


def logits(rule: Callable[[int], float]) -> dict[str, Bracket]:
    """By class, from a rule by count."""
    return {part: predicted(rule(count)) for part, count in zip(descents.CLASSES, descents.COUNTS, strict=True)}


def minimum(layers: int, level: float) -> dict[str, Bracket]:
    """Per class, the branch below the switch and zero above it."""
    return logits(lambda n: branch(layers, level * descents.SECOND / n) if level * descents.SECOND / n < switch(layers) else 0.0)


def ends(level: float, layers: int, start: str) -> dict[str, Bracket]:
    """Zero is left for M = 1 and kept for M ≥ 2; from a smaller class kept, the end is the larger class kept."""
    left = (descents.CLASSES[0],) if start is ALONE else descents.CLASSES if layers == 1 else ()
    return {part: value if part in left else Bracket.exactly(0.0) for part, value in minimum(layers, level).items()}


def draw_branches(setting: Setting) -> Figure:
    """Own logit against b/n: one curve that ends at zero, or two branches that overlap."""
    series: list[Series] = []
    for color, layers in enumerate((1, 2, 3)):
        places = tuple(survival(layers) * (1 - (1 - step / 80) ** 2) for step in range(81))
        points = tuple(survival(layers) * part for part in (0.1, 0.3, 0.5, 0.7, 0.9, 0.97))
        heights = tuple(branch(layers, place * (1 - 1e-12)) for place in places)
        head, logits_there = descents.kept(layers, points[0], (True, True, True)), tuple[float, ...]()
        for point in points:
            head = descend_linear(descents.problem(layers, point), head.layers, head.features)
            logits_there += (float(head.own_logits[1]),)
        series += [
            Series.line(f"M = {layers}, closed form", places, heights, color),
            Series.points(f"M = {layers}, descent", points, logits_there, color),
        ]
    return Figure(
        title="Own logit under squared error: continuous with one layer, a jump with more",
        caption="Lines: the minimum away from zero. Marks: where zero becomes the better one. For M ≥ 2 the other minimum survives beyond "
        "its mark, and zero is a minimum everywhere. Points: descent on all factors, each from the one before.",
        x_label="b / n_k",
        y_label="own logit z_k",
        series=tuple(series),
        marks=tuple((switch(layers), f"collapse, M = {layers}", color) for color, layers in enumerate((1, 2, 3))),
    )
