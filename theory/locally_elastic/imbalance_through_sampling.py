"""Shares of the classes in the samples: minority classes separate later, or never, and the L-model loses its ETF."""

import math
from itertools import product

import sympy

from layerpeel.numerics import Proportion
from layerpeel.theory import Evidence, Kind, Origin, Room, Setting, Source, Statement, Variant, claim, instances
from layerpeel.theory.locally_elastic import _unequal_shares as drawn
from layerpeel.theory.locally_elastic._growth_by_shares import draw_separation, limiting_cosine, predicted, probability, top_exponent
from layerpeel.theory.locally_elastic._in_symbols.sampling import PI, sampling_of_shares
from layerpeel.theory.locally_elastic._paths import FREQUENCY
from layerpeel.theory.locally_elastic._shares import larger_root

WITHIN = instances("R = {:g}, {}", *product(drawn.RATIOS, drawn.GROUPS))
ACROSS = instances("α = {:g}, β = {:g}, R = {:g}", *((1.0, inter, ratio) for inter, ratio in product((-0.3, 0.3, 0.9), drawn.RATIOS)))

WATCHED = instances("{}, t = {:g}", *product(drawn.GROUPS, (1.0, 7.0)))
"""Times at which all probabilities lie between .2 and .8: the majority's rises, the minority's falls."""

ROOM = Room.of(
    Statement(
        name="imbalance-through-sampling",
        title="Imbalance through sampling: the minority separates later, or never",
        latex=r"\dot{\bar X}^i=\sum_j E_{ij}\pi_jH_{ij}\bar X^j;\qquad\text{I-model: }\|\bar X^k-\bar X^l\|\propto e^{\pi_k\Gamma}"
        r"\ (\pi_k=\pi_l),\quad c^\star_k=\frac1{2\pi_k};\qquad\text{L-model: }\cos\angle(\bar X^k,\bar X^l)\to1\ (\pi_k=\pi_l\to0)",
        assumptions=(
            "class j is drawn with share π_j, which replaces 1/K; columns of a doubly stochastic P' sum to one and carry no shares",
            "two majority and two minority classes, R = π_A/π_B",
            "γ = c/(1 + t) and constant noise for the critical constant; constant α > β and β < 0 for the cosines",
        ),
        kind=Kind.EQUALITY,
        origin=Origin.CONJECTURE,
        source=Source("zhang2021", "slides, Future Works: Mini-batch Training, Imbalanced Datasets, and Label Corruptions"),
        meaning="In the model with isotropic features, rarely drawn classes separate later from each other, or never; in that of logits "
        "their angle closes as imbalance grows. This extends the source by a conjecture, computed for two rare and two frequent classes.",
    ),
    claim(
        "not-doubly-stochastic",
        "the sampling matrix that carries shares has column sums Kπ_k: doubly stochastic for equal shares only",
        over=instances("column {}", 1, 2, 3),
        predict=lambda column: 3 * PI[column - 1],
        measure=lambda column: sympy.Add(*sampling_of_shares().col(column - 1)),
        by="E P'/K = E diag(π), solved for P' with three classes",
        false={"doubly-stochastic": ("it is doubly stochastic", sympy.Integer(1))},
        evidence=Evidence.PROOF,
    ),
    claim(
        "within-groups",
        "in the I-model the difference of two classes of share π grows as e^{πΓ}, for all α(t), β(t)",
        over=WITHIN,
        predict=lambda ratio, group: predicted(float(drawn.SHARES[ratio][drawn.PAIRS[group][0]]) * (drawn.SOON + math.sin(drawn.SOON))),
        measure_all=lambda setting: [gained for ratio in drawn.RATIOS for gained in drawn.grown_within(setting, ratio)],
        by="log of the growth of ‖X̄^k − X̄^l‖ within each group, α = 1 + cos t + β, β = −½ + ⅓ sin 2t, from a normal start",
        false={
            "shares-ignored": ("differences grow as e^{Γ/K}", lambda *_: predicted((drawn.SOON + math.sin(drawn.SOON)) / drawn.CLASSES))
        },
        evidence=Evidence.EMPIRICAL.within(1e-8, "integrated to 1e-12, with modes up to e^5 apart"),
    ),
    claim(
        "across-groups",
        "between groups it grows with the larger root of the 2×2 quotient, or as e^{π_A Γ}; here β matters",
        over=ACROSS,
        predict=lambda *case: predicted(larger_root(case[0], case[1], drawn.SHARES[case[2]])),
        measure_all=lambda setting: [drawn.grown_across(setting, *case) for case in ACROSS.values()],
        by="growth of the difference between a majority and a minority class over the second half of a long time",
        false={
            "gap-only": ("β does not matter between groups", lambda a, b, ratio: predicted((a - b) * float(drawn.SHARES[ratio][0]))),
            "one-class-each": (
                "a group pulls with the share of one class",
                lambda *case: predicted(larger_root(case[0], case[1], drawn.SHARES[case[2]], members=1)),
            ),
        },
        evidence=Evidence.EMPIRICAL.within(3e-8, "slower modes have e^{−30} left at the first time; exponents are read to 2e-9"),
    ),
    claim(
        "critical-constant",
        "for 1/(2π_A) < c < 1/(2π_B) majority classes separate ever more often, minority classes ever less: growth (1 + t)^{cπ}",
        over=WATCHED,
        predict=lambda group, t: probability(drawn.STRENGTH * float(drawn.SHARES[drawn.RATIO][drawn.PAIRS[group][0]]), group, t),
        measure_all=lambda setting: frequencies(setting),
        by="how often paths around integrated means end with both classes of a group separated, at both times",
        false={
            "all-alike": ("all differences grow as t^{c/K}", lambda group, t: probability(drawn.STRENGTH / drawn.CLASSES, group, t)),
            "own-samples": ("they grow as t^{c/2}", lambda group, t: probability(0.5 * drawn.STRENGTH, group, t)),
            "noise-alone": (
                "the deviation is √t, without the start's",
                lambda group, t: (
                    probability(drawn.STRENGTH * float(drawn.SHARES[drawn.RATIO][drawn.PAIRS[group][0]]), group, t, start=0.0)
                    if t > 1.0
                    else None
                ),
            ),
        },
        **FREQUENCY,
    ),
    claim(
        "l-model-one-exponent",
        "in the L-model with β < 0 all differences grow with one exponent: the minority is behind by a constant factor only",
        over=instances("R = {:g}, {}", *product(drawn.RATIOS, drawn.PAIRS)),
        predict=lambda ratio, _: predicted(top_exponent(ratio, drawn.CLASSES - 1)),
        measure=lambda ratio, pair: drawn.growth(drawn.l_model_means(ratio, 0.0, drawn.FAR), *drawn.PAIRS[pair]),
        by="growth of differences in the L-model over the second half of a long time",
        false={
            "by-share": (
                "in the L-model too exponents are π_k γ",
                lambda ratio, pair: (
                    predicted((drawn.INTRA - drawn.INTER) * float(drawn.SHARES[ratio][drawn.PAIRS[pair][0]]))
                    if pair in drawn.GROUPS
                    else None
                ),
            ),
            "other-classes-by-k": ("the others push with β/K", lambda ratio, _: predicted(top_exponent(ratio, drawn.CLASSES))),
        },
        evidence=Evidence.EMPIRICAL.within(3e-8, "slower modes have e^{−30} left at the first time; exponents are read to 2e-9"),
    ),
    claim(
        "no-etf",
        "in the L-model with β < 0 the cosines tend to those of γ π_i w_i d̂_i + β Σ_j π_j w_j d̂_j",
        over=instances("R = {:g}, {}", *product(drawn.IMBALANCES[:-1], drawn.PAIRS)),
        predict=lambda ratio, pair: predicted(limiting_cosine(ratio, pair, drawn.CLASSES - 1), drawn.ROUNDING),
        measure=drawn.late_cosine,
        by="the L-model with shares at a late time, from X̄^k(0) = e_k and a common vector",
        false={
            "etf": ("an ETF at every R", -1 / (drawn.CLASSES - 1)),
            "mode-by-k": (
                "w is that of a push with β/K",
                lambda ratio, pair: predicted(limiting_cosine(ratio, pair, drawn.CLASSES), drawn.ROUNDING),
            ),
        },
        evidence=Evidence.EMPIRICAL.within(3e-9, "slower modes have e^{−25} left; cosines are good to 1e-10"),
    ),
    claim(
        "minority-collapse",
        "there the cosine between minority classes tends to one as R → ∞",
        over=instances("R = {:g}", *drawn.IMBALANCES),
        predict=1.0,
        measure=lambda ratio: drawn.late_cosine(ratio, "minority"),
        by="the cosine between the two minority classes",
        false={
            "minority-apart": ("minority classes keep their angle", -1 / (drawn.CLASSES - 1)),
            "first-order": Variant(
                "one minus the cosine falls as 1/R: it is 10⁻⁴ at R = 10⁴",
                lambda ratio: 1.0 - 1.0 / ratio,
                kind=Kind.EQUALITY,
                over=instances("R = {:g}", 1e4),
            ),
        },
        evidence=Evidence.EMPIRICAL.within(1e-4, "one minus the cosine falls as R^{−2}"),
        kind=Kind.LIMIT,
    ),
    figures=(draw_separation,),
)


def frequencies(setting: Setting) -> list[Proportion]:
    """At each time paths for the one group, then for the other; in the order of WATCHED."""
    counted = {time: drawn.counts(setting, time) for time in dict.fromkeys(t for _, t in WATCHED.values())}
    return [counted[time][group] for group, time in WATCHED.values()]
