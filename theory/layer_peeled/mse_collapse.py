"""Collapse under squared error: continuous with one layer, a jump with two or more."""

from collections.abc import Callable
from itertools import product

from layerpeel.numerics import Bracket
from layerpeel.numerics import squared_error_logit as branch
from layerpeel.numerics import squared_error_survival as survival
from layerpeel.numerics import squared_error_switch as switch
from layerpeel.solvers import descend_linear
from layerpeel.theory import Evidence, Figure, Kind, Origin, Room, Series, Setting, Source, Statement, Variant, claim, instances
from layerpeel.theory.layer_peeled import _squared_error_descents as descents
from layerpeel.theory.layer_peeled._closed_forms import predicted
from layerpeel.theory.layer_peeled._in_symbols.squared_error import OTHER_EXPONENT, STATED, by_substitution

DEPTHS = instances("M={}", 2, 3, 5)
"""Layers between features and logits."""
LEVELS = instances("N²λ_Wλ_H={:g}", 0.5, 1.9, 2.1, 5.9, 6.1, 11.9, 12.1)
"""For M = 1, on either side of every count."""
MINIMA = instances("M={}, b/n_2={:g}", (2, 0.25), (2, 0.48), (2, 0.52), (3, 0.25), (3, 0.51), (3, 0.55), (5, 0.25), (5, 0.59), (5, 0.62))
"""b/n_2 where the minimum is looked for: far below, at and above the switch."""
WELL_BELOW = 0.05
"""b/n_2 at which keeping every class is far better than dropping any."""
NONE, ALONE = "zero", f"keeping n={descents.SECOND} alone"
KEPT = {NONE: (False, False, False), ALONE: (False, True, False)}
STARTS = instances("from {1}, M={0}", *product((1, 2, 3, 5), [NONE]), *product((2, 3, 5), [ALONE]))

STOPPED = 25 * descents.DESCENT
"""Widest bracket of a logit that still confirms."""
WHERE_DESCENT_STOPS = "where descent stops is granted 2e-5 to either side"

ROOM = Room.of(
    Statement(
        name="mse-collapse",
        title="Under squared error collapse is continuous with one layer and a jump with more",
        latex=r"M=1:\ z_k=\max\left(0,1-N\sqrt{\lambda_W\lambda_H/n_k}\right);\qquad M\geq2:\ z_k=0\iff"
        r"\frac{b}{n_k}\geq\frac{(M-1)^{(M-1)/M}}{M},\quad b=MN(N\lambda_W^M\lambda_H)^{1/M}",
        assumptions=(
            "½ of the mean squared error, no bias, weight decay λ_W on each of M layers and λ_H on the features",
            "layers as wide as there are classes",
            "any counts; at the switch itself both are minima",
        ),
        kind=Kind.EQUALITY,
        origin=Origin.LITERATURE,
        source=Source("dang2023", "imbalanced data, bias-free; the windows in which both minima exist are derived"),
    ),
    claim(
        "scalar",
        "per class, the values of both minima and the end of the branch, for every M",
        over="",
        predict=lambda: STATED,
        measure=by_substitution,
        by="g = ½(1 − z)² + ((M + 1)/2) m z^{2/(M+1)} and b/n = M m^{(M+1)/M} on the branch, for every M > 1",
        false={"other-exponent": ("b/n is (M − 1)^{(M−1)/(M+1)}/M", lambda: OTHER_EXPONENT)},
        origin=Origin.DERIVED,
        evidence=Evidence.PROOF,
    ),
    claim(
        "one-layer",
        "M = 1: z_k = max(0, 1 − N√(λ_Wλ_H/n_k)), on both sides of every threshold",
        over=LEVELS,
        predict=lambda level: logits(lambda n: branch(1, level / n)),
        measure_all=lambda setting: [descents.one_layer(level, setting.rng) for (level,) in LEVELS.values()],
        by="own logits of the exact optimum, enclosed by what the end of one descent from a random start proves",
        false={
            "one-layer-off": ("M = 1 collapses at n_k ≤ 1.01 N²λ_Wλ_H", lambda level: logits(lambda n: branch(1, 1.01 * level / n))),
            "one-sample-fewer": (
                "M = 1 collapses at n_k ≤ (N − 1)²λ_Wλ_H",
                lambda level: logits(lambda n: branch(1, (1 - 1 / sum(descents.COUNTS)) ** 2 * level / n)),
            ),
            "one-layer-jump": ("M = 1 jumps", lambda level: logits(lambda n: max(0.5, branch(1, level / n)) if level < n else 0.0)),
        },
        evidence=Evidence.CERTIFIED.within(1e-5, "the enclosure is as wide as the root of the loss's rounding, 1e-7"),
    ),
    claim(
        "minimum",
        "M ≥ 2: the best point found has diagonal logits, zero exactly for the classes beyond the switch",
        over=MINIMA,
        predict=lambda layers, level: {"elsewhere": Bracket.exactly(0.0)} | minimum(layers, level),
        measure_all=lambda setting: [descents.best(layers, level, setting.rng) for layers, level in MINIMA.values()],
        by="the best of descents from random starts and from every choice of classes kept",
        false={
            "one-layer-law": ("M = 2 follows the law of M = 1", lambda layers, level: minimum(1, level) if layers == 2 else None),
            "level-off": ("the minimum is that of 1.002 b", lambda layers, level: minimum(layers, 1.002 * level)),
        },
        evidence=Evidence.EMPIRICAL.within(STOPPED, WHERE_DESCENT_STOPS),
    ),
    claim(
        "switch",
        "M ≥ 2: zero becomes the better minimum at b/n = (M − 1)^{(M−1)/M}/M",
        over=DEPTHS,
        predict=lambda layers: predicted(switch(layers)),
        measure=descents.crossing,
        by="b/n_2 at which the two branches, each followed by descent, change places in value",
        false={
            "switch-off": ("the switch is one per cent higher", lambda layers: predicted(1.01 * switch(layers))),
            "switch-slightly-off": ("the switch is 0.1 per cent higher", lambda layers: predicted(1.001 * switch(layers))),
            "switch-of-one-layer": Variant("M = 2 switches at b/n = 1", 1.0, over=instances("M={}", 2)),
        },
        evidence=Evidence.EMPIRICAL.within(
            1e-4, "values that differ by rounding, 1e-16, are 1e-12 apart in b/n; the bisection stops at 1e-5"
        ),
    ),
    claim(
        "jump",
        "M ≥ 2: the logit drops from (M − 1)/M to zero there",
        over=DEPTHS,
        predict=lambda layers: predicted((layers - 1) / layers),
        measure=descents.last_logit,
        by="the own logit of the second class just before it drops to zero",
        false={
            "continuous": ("collapse is continuous for M ≥ 2", 0.0),
            "jump-off": ("it drops from 1.002 (M − 1)/M", lambda layers: predicted(1.002 * (layers - 1) / layers)),
        },
        evidence=Evidence.EMPIRICAL.within(STOPPED, WHERE_DESCENT_STOPS),
    ),
    claim(
        "survival",
        "M ≥ 2: the other minimum survives up to b/n = (M + 1)^{(M+1)/M}(M − 1)^{(M−1)/M}/(4M)",
        over=DEPTHS,
        predict=lambda layers: predicted(survival(layers)),
        measure=descents.last_alive,
        by="b/n_2 up to which descent, from the last surviving point on, ends with the second class alive",
        false={
            "no-survival": ("the branch ends at the switch", lambda layers: predicted(switch(layers))),
            "survival-off": ("the branch ends one per cent later", lambda layers: predicted(1.01 * survival(layers))),
        },
        evidence=Evidence.EMPIRICAL.within(1e-2, "the bisection stops at a relative 6e-4"),
    ),
    claim(
        "local-minima",
        "zero is a local minimum for M ≥ 2 and not for M = 1; a smaller class is not kept where a larger one is dropped",
        over=STARTS,
        predict=lambda *case: ends(WELL_BELOW, *case),
        measure_all=lambda setting: [descents.nudged(setting.rng, WELL_BELOW, layers, KEPT[start]) for layers, start in STARTS.values()],
        by="own logits at the end of descents that start 0.001 away from zero, and from a wrong choice of the class kept",
        false={
            "zero-kept": ("zero holds for M = 1", lambda m, _: logits(lambda n: 0.0) if m == 1 else None),
            "zero-left": ("zero does not hold for M ≥ 2", lambda m, at: minimum(m, WELL_BELOW) if m > 1 and at is NONE else None),
            "any-class": (
                "any class can be the one kept",
                lambda m, at: {descents.CLASSES[1]: predicted(branch(m, WELL_BELOW))} if at is ALONE else None,
            ),
            "larger-penalties": ("they end where 1.01 b would lead", lambda *case: ends(1.01 * WELL_BELOW, *case)),
        },
        evidence=Evidence.EMPIRICAL.within(STOPPED, WHERE_DESCENT_STOPS),
    ),
    figures=(lambda setting: draw_branches(setting),),
)


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
