"""Collapse under squared error: continuous with one layer, a jump with two or more."""

from itertools import product

from layerpeel.numerics import Bracket
from layerpeel.numerics import squared_error_logit as branch
from layerpeel.numerics import squared_error_survival as survival
from layerpeel.numerics import squared_error_switch as switch
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, Variant, claim, instances
from layerpeel.theory.layer_peeled import _squared_error_descents as descents
from layerpeel.theory.layer_peeled._branches import ALONE, NONE, draw_branches, ends, logits, minimum
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
        meaning="With squared error and one linear layer on free features, small classes fade out gradually as weight decay grows; with "
        "two or more layers they drop out at once. Around that jump both outcomes are local minima, so the start can decide.",
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
