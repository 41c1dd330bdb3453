"""Collapse under squared error: continuous with one layer, a jump with two or more."""

from collections.abc import Callable, Sequence
from functools import cache
from itertools import product

import numpy as np

from layerpeel.numerics import Bracket, last_true
from layerpeel.numerics import squared_error_logit as branch
from layerpeel.numerics import squared_error_survival as survival
from layerpeel.numerics import squared_error_switch as switch
from layerpeel.solvers import (
    DeepLinear,
    UnconstrainedFeatures,
    descend_linear,
    enclose_one_layer,
    fitted_start,
    random_start,
    search_linear,
)
from layerpeel.theory._claims import Variant, claim, instances
from layerpeel.theory._room import Evidence, Figure, Kind, Origin, Room, Series, Setting, Source, Statement
from layerpeel.theory.layer_peeled._closed_forms import predicted
from layerpeel.theory.layer_peeled._in_symbols.squared_error import OTHER_EXPONENT, STATED, by_substitution

COUNTS = LARGEST, SECOND, SMALLEST = (12, 6, 2)
"""n_k; the second class is the one whose b/n_k is set."""
CLASSES = tuple(f"n={count}" for count in COUNTS)
DEPTHS = instances("M={}", 2, 3, 5)
"""Layers between features and logits."""
UNEQUAL = 3.0
"""λ_H/λ_W: the two penalties are not equal in any measurement."""
LEVELS = instances("N²λ_Wλ_H={:g}", 0.5, 1.9, 2.1, 5.9, 6.1, 11.9, 12.1)
"""For M = 1, on either side of every count."""
MINIMA = instances("M={}, b/n_2={:g}", (2, 0.25), (2, 0.48), (2, 0.52), (3, 0.25), (3, 0.51), (3, 0.55), (5, 0.25), (5, 0.59), (5, 0.62))
"""b/n_2 where the minimum is looked for: far below, at and above the switch."""
WELL_BELOW = 0.05
"""b/n_2 at which keeping every class is far better than dropping any."""
NONE, ALONE = "zero", f"keeping n={SECOND} alone"
KEPT = {NONE: (False, False, False), ALONE: (False, True, False)}
STARTS = instances("from {1}, M={0}", *product((1, 2, 3, 5), [NONE]), *product((2, 3, 5), [ALONE]))

FINE, COARSE = 1e-5, 6e-4
"""Relative widths at which the bisections for the switch and for the end of survival stop; near that end the branch is flat."""
DESCENT = 2e-5
"""Allowance in a logit for where L-BFGS stops: gradients near 1e-9 over the least curvature in z, 1e-3 near the ends of branches; and in a
logit at the switch for how finely that is found. Seen: 1e-8, and 1e-6 at the switch."""
STOPPED = 25 * DESCENT
"""Widest bracket of a logit that still confirms."""
WHERE_DESCENT_STOPS = "where descent stops is granted 2e-5 to either side"
ALIVE = 0.05
"""Own logits above this are those of a class that has not collapsed; branches end at 1/4 and more."""
NUDGE = 1e-3
"""Standard deviation of the noise that takes a start off a stationary point."""


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
        measure=lambda: by_substitution(),
        by="g = ½(1 − z)² + ((M + 1)/2) m z^{2/(M+1)} and b/n = M m^{(M+1)/M} on the branch, for every M > 1",
        false={
            "other-exponent": ("b/n is (M − 1)^{(M−1)/(M+1)}/M", lambda: OTHER_EXPONENT),
        },
        origin=Origin.DERIVED,
        evidence=Evidence.PROOF,
    ),
    claim(
        "one-layer",
        "M = 1: z_k = max(0, 1 − N√(λ_Wλ_H/n_k)), on both sides of every threshold",
        over=LEVELS,
        predict=lambda level: logits(lambda n: branch(1, level / n)),
        measure_all=lambda setting: [one_layer(problem(1, level / SECOND), setting.rng) for (level,) in LEVELS.values()],
        by="own logits of the exact optimum, enclosed by what the end of one descent from a random start proves",
        false={
            "one-layer-off": ("M = 1 collapses at n_k ≤ 1.01 N²λ_Wλ_H", lambda level: logits(lambda n: branch(1, 1.01 * level / n))),
            "one-sample-fewer": (
                "M = 1 collapses at n_k ≤ (N − 1)²λ_Wλ_H",
                lambda level: logits(lambda n: branch(1, (1 - 1 / sum(COUNTS)) ** 2 * level / n)),
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
        measure_all=lambda setting: [own(search_linear(problem(*case), case[0], rng=setting.rng)) for case in MINIMA.values()],
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
        measure=lambda layers: crossing(layers),
        by="b/n_2 at which the two branches, each followed by descent, change places in value",
        false={
            "switch-off": ("the switch is one per cent higher", lambda layers: predicted(1.01 * switch(layers))),
            "switch-slightly-off": ("the switch is 0.1 per cent higher", lambda layers: predicted(1.001 * switch(layers))),
            "switch-of-one-layer": Variant(says="M = 2 switches at b/n = 1", predict=Bracket.exactly(1.0), over=instances("M={}", 2)),
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
        measure=lambda layers: own(kept(layers, crossing(layers).lower, (True, True, False)))[CLASSES[1]],
        by="the own logit of the second class just before it drops to zero",
        false={
            "continuous": ("collapse is continuous for M ≥ 2", Bracket.exactly(0.0)),
            "jump-off": ("it drops from 1.002 (M − 1)/M", lambda layers: predicted(1.002 * (layers - 1) / layers)),
        },
        evidence=Evidence.EMPIRICAL.within(STOPPED, WHERE_DESCENT_STOPS),
    ),
    claim(
        "survival",
        "M ≥ 2: the other minimum survives up to b/n = (M + 1)^{(M+1)/M}(M − 1)^{(M−1)/M}/(4M)",
        over=DEPTHS,
        predict=lambda layers: predicted(survival(layers)),
        measure=lambda layers: last_alive(layers),
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
        measure_all=lambda setting: [nudged(setting.rng, *case) for case in STARTS.values()],
        by="own logits at the end of descents that start 0.001 away from zero, and from a wrong choice of the class kept",
        false={
            "zero-kept": ("zero holds for M = 1", lambda m, _: logits(lambda n: 0.0) if m == 1 else None),
            "zero-left": ("zero does not hold for M ≥ 2", lambda m, at: minimum(m, WELL_BELOW) if m > 1 and at is NONE else None),
            "any-class": (
                "any class can be the one kept",
                lambda m, at: {CLASSES[1]: predicted(branch(m, WELL_BELOW))} if at is ALONE else None,
            ),
            "larger-penalties": ("they end where 1.01 b would lead", lambda *case: ends(1.01 * WELL_BELOW, *case)),
        },
        evidence=Evidence.EMPIRICAL.within(STOPPED, WHERE_DESCENT_STOPS),
    ),
    figures=(lambda setting: draw_branches(setting),),
)


def logits(rule: Callable[[int], float]) -> dict[str, Bracket]:
    """By class, from a rule by count."""
    return {part: predicted(rule(count)) for part, count in zip(CLASSES, COUNTS, strict=True)}


def minimum(layers: int, level: float) -> dict[str, Bracket]:
    """Per class, the branch below the switch and zero above it."""
    return logits(lambda n: branch(layers, level * SECOND / n) if level * SECOND / n < switch(layers) else 0.0)


def ends(level: float, layers: int, start: str) -> dict[str, Bracket]:
    """Zero is left for M = 1 and kept for M ≥ 2; from a smaller class kept, the end is the larger class kept."""
    left = (CLASSES[0],) if start is ALONE else CLASSES if layers == 1 else ()
    return {part: value if part in left else Bracket.exactly(0.0) for part, value in minimum(layers, level).items()}


def problem(layers: int, level: float) -> UnconstrainedFeatures:
    """The penalties with λ_H = UNEQUAL λ_W and b/n_2 = level."""
    weight = (level * SECOND / (layers * sum(COUNTS)) / (sum(COUNTS) * UNEQUAL) ** (1 / layers)) ** (layers / (layers + 1))
    return UnconstrainedFeatures(counts=COUNTS, feature_penalty=UNEQUAL * weight, weight_penalty=weight, loss="squared")


def own(head: DeepLinear) -> dict[str, Bracket]:
    """Own logits, and the largest of the others, with the allowance for where descent stops."""
    values = dict(zip(("elsewhere", *CLASSES), (head.stray, *head.own_logits.tolist()), strict=True))
    return {part: Bracket(value - DESCENT, value + DESCENT) for part, value in values.items()}


def kept(layers: int, level: float, classes: Sequence[bool]) -> DeepLinear:
    """Descent from logits 1 of the classes kept."""
    return descend_linear(problem(layers, level), *fitted_start(problem(layers, level), layers, kept=classes))


def nudged(rng: np.random.Generator, layers: int, start: str) -> dict[str, Bracket]:
    """Own logits where descent from there ends, with noise on every entry, at the level well below."""
    there = problem(layers, WELL_BELOW)
    fitted, noise = fitted_start(there, layers, kept=KEPT[start]), random_start(there, layers, scale=NUDGE, rng=rng)
    found = own(descend_linear(there, [a + b for a, b in zip(fitted[0], noise[0], strict=True)], fitted[1] + noise[1]))
    return {part: found[part] for part in CLASSES}


def one_layer(there: UnconstrainedFeatures, rng: np.random.Generator) -> dict[str, Bracket]:
    """Own logits of the exact optimum for M = 1."""
    return dict(zip(CLASSES, enclose_one_layer(descend_linear(there, *random_start(there, 1, scale=0.5, rng=rng))), strict=True))


@cache
def crossing(layers: int) -> Bracket:
    """Where keeping the second class beside the first is no longer better."""

    def better(level: float) -> bool:
        with_it, without = (kept(layers, level, (True, second, False)) for second in (True, False))
        return with_it.own_logits[1] > ALIVE and with_it.value < without.value

    return last_true(better, 0.2, 1.2, width=FINE)


def last_alive(layers: int) -> Bracket:
    """Where the second class collapses in descents that start from the last point with it."""
    last = kept(layers, 0.2, (True, True, False))

    def alive(level: float) -> bool:
        nonlocal last
        head = descend_linear(problem(layers, level), last.layers, last.features)
        last = head if head.own_logits[1] > ALIVE else last
        return head is last

    return last_true(alive, 0.2, 2.0, width=COARSE)


def draw_branches(setting: Setting) -> Figure:
    """Own logit against b/n: one curve that ends at zero, or two branches that overlap."""
    series: list[Series] = []
    for color, layers in enumerate((1, 2, 3)):
        places = tuple(survival(layers) * (1 - (1 - step / 80) ** 2) for step in range(81))
        points = tuple(survival(layers) * part for part in (0.1, 0.3, 0.5, 0.7, 0.9, 0.97))
        heights = tuple(branch(layers, place * (1 - 1e-12)) for place in places)
        head, found = kept(layers, points[0], (True, True, True)), tuple[float, ...]()
        for point in points:
            head = descend_linear(problem(layers, point), head.layers, head.features)
            found += (float(head.own_logits[1]),)
        series += [
            Series.line(f"M = {layers}, closed form", places, heights, color),
            Series.points(f"M = {layers}, descent", points, found, color),
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
