"""Shares of the classes in the samples: minority classes separate later, or never, and the L-model loses its ETF."""

import math
from itertools import product

import numpy as np
import sympy

from layerpeel.numerics import Bracket, Proportion, separated_probability
from layerpeel.theory import Evidence, Figure, Kind, Origin, Room, Series, Setting, Source, Statement, Variant, claim, instances
from layerpeel.theory.locally_elastic._in_symbols.sampling import PI, sampling_of_shares
from layerpeel.theory.locally_elastic._paths import FREQUENCY, counted_points
from layerpeel.theory.locally_elastic._shares import larger_root, limiting_directions, top_mode
from layerpeel.theory.locally_elastic._unequal_shares import (
    AGREEMENT,
    CLASSES,
    FAR,
    GROUPS,
    IMBALANCES,
    INTER,
    INTRA,
    PAIRS,
    RATIO,
    RATIOS,
    ROUNDING,
    SAMPLES,
    SHARES,
    SOON,
    STRENGTH,
    counts,
    grown_across,
    grown_within,
    growth,
    l_model_means,
    late_cosine,
)

WITHIN = instances("R = {:g}, {}", *product(RATIOS, GROUPS))
ACROSS = instances("α = {:g}, β = {:g}, R = {:g}", *((1.0, inter, ratio) for inter, ratio in product((-0.3, 0.3, 0.9), RATIOS)))

APART = {"majority": 0.5, "minority": 2.0}
"""Distances of the class means within a group at time 0."""
WATCHED = instances("{}, t = {:g}", *product(GROUPS, (1.0, 7.0)))
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
        predict=lambda ratio, group: predicted(float(SHARES[ratio][PAIRS[group][0]]) * (SOON + math.sin(SOON))),
        measure_all=lambda setting: [gained for ratio in RATIOS for gained in grown_within(setting, ratio)],
        by="log of the growth of ‖X̄^k − X̄^l‖ within each group, α = 1 + cos t + β, β = −½ + ⅓ sin 2t, from a normal start",
        false={"shares-ignored": ("differences grow as e^{Γ/K}", lambda *_: predicted((SOON + math.sin(SOON)) / CLASSES))},
        evidence=Evidence.EMPIRICAL.within(1e-8, "integrated to 1e-12, with modes up to e^5 apart"),
    ),
    claim(
        "across-groups",
        "between groups it grows with the larger root of the 2×2 quotient, or as e^{π_A Γ}; here β matters",
        over=ACROSS,
        predict=lambda *case: predicted(larger_root(case[0], case[1], SHARES[case[2]])),
        measure_all=lambda setting: [grown_across(setting, *case) for case in ACROSS.values()],
        by="growth of the difference between a majority and a minority class over the second half of a long time",
        false={
            "gap-only": ("β does not matter between groups", lambda a, b, ratio: predicted((a - b) * float(SHARES[ratio][0]))),
            "one-class-each": (
                "a group pulls with the share of one class",
                lambda *case: predicted(larger_root(case[0], case[1], SHARES[case[2]], members=1)),
            ),
        },
        evidence=Evidence.EMPIRICAL.within(3e-8, "slower modes have e^{−30} left at the first time; exponents are read to 2e-9"),
    ),
    claim(
        "critical-constant",
        "for 1/(2π_A) < c < 1/(2π_B) majority classes separate ever more often, minority classes ever less: growth (1 + t)^{cπ}",
        over=WATCHED,
        predict=lambda group, t: probability(STRENGTH * float(SHARES[RATIO][PAIRS[group][0]]), group, t),
        measure_all=lambda setting: frequencies(setting),
        by="how often paths around integrated means end with both classes of a group separated, at both times",
        false={
            "all-alike": ("all differences grow as t^{c/K}", lambda group, t: probability(STRENGTH / CLASSES, group, t)),
            "own-samples": ("they grow as t^{c/2}", lambda group, t: probability(0.5 * STRENGTH, group, t)),
            "noise-alone": (
                "the deviation is √t, without the start's",
                lambda group, t: probability(STRENGTH * float(SHARES[RATIO][PAIRS[group][0]]), group, t, start=0.0) if t > 1.0 else None,
            ),
        },
        **FREQUENCY,
    ),
    claim(
        "l-model-one-exponent",
        "in the L-model with β < 0 all differences grow with one exponent: the minority is behind by a constant factor only",
        over=instances("R = {:g}, {}", *product(RATIOS, PAIRS)),
        predict=lambda ratio, _: predicted(top_exponent(ratio, CLASSES - 1)),
        measure=lambda ratio, pair: growth(l_model_means(ratio, 0.0, FAR), *PAIRS[pair]),
        by="growth of differences in the L-model over the second half of a long time",
        false={
            "by-share": (
                "in the L-model too exponents are π_k γ",
                lambda ratio, pair: predicted((INTRA - INTER) * float(SHARES[ratio][PAIRS[pair][0]])) if pair in GROUPS else None,
            ),
            "other-classes-by-k": ("the others push with β/K", lambda ratio, _: predicted(top_exponent(ratio, CLASSES))),
        },
        evidence=Evidence.EMPIRICAL.within(3e-8, "slower modes have e^{−30} left at the first time; exponents are read to 2e-9"),
    ),
    claim(
        "no-etf",
        "in the L-model with β < 0 the cosines tend to those of γ π_i w_i d̂_i + β Σ_j π_j w_j d̂_j",
        over=instances("R = {:g}, {}", *product(IMBALANCES[:-1], PAIRS)),
        predict=lambda ratio, pair: predicted(limiting_cosine(ratio, pair, CLASSES - 1), ROUNDING),
        measure=lambda ratio, pair: late_cosine(ratio, pair),
        by="the L-model with shares at a late time, from X̄^k(0) = e_k and a common vector",
        false={
            "etf": ("an ETF at every R", -1 / (CLASSES - 1)),
            "mode-by-k": ("w is that of a push with β/K", lambda ratio, pair: predicted(limiting_cosine(ratio, pair, CLASSES), ROUNDING)),
        },
        evidence=Evidence.EMPIRICAL.within(3e-9, "slower modes have e^{−25} left; cosines are good to 1e-10"),
    ),
    claim(
        "minority-collapse",
        "there the cosine between minority classes tends to one as R → ∞",
        over=instances("R = {:g}", *IMBALANCES),
        predict=1.0,
        measure=lambda ratio: late_cosine(ratio, "minority"),
        by="the cosine between the two minority classes",
        false={
            "minority-apart": ("minority classes keep their angle", -1 / (CLASSES - 1)),
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
    figures=(lambda setting: draw_separation(setting),),
)


def frequencies(setting: Setting) -> list[Proportion]:
    """At each time paths for the one group, then for the other; in the order of WATCHED."""
    counted = {time: counts(setting, time) for time in dict.fromkeys(t for _, t in WATCHED.values())}
    return [counted[time][group] for group, time in WATCHED.values()]


def predicted(value: float, error: float = AGREEMENT) -> Bracket:
    """With what is allowed for the measurement's doubles."""
    return Bracket(value - error, value + error)


def probability(exponent: float, group: str, time: float, *, start: float = 1.0) -> Bracket:
    """That n samples of each class are separated; means grow apart as d (1 + t)^e, and variances, from `start`, by t."""
    deviation = math.sqrt(start + time)
    chance = separated_probability(APART[group] * (1 + time) ** exponent, deviations=(deviation, deviation), counts=(SAMPLES, SAMPLES))
    return predicted(float(np.exp(chance.log)), ROUNDING)


def top_exponent(ratio: float, others: int) -> float:
    """Of the L-model's differences."""
    return top_mode(SHARES[ratio], INTRA, INTER, others)[0]


def limiting_cosine(ratio: float, pair: str, others: int) -> float:
    """Between a pair's limiting directions."""
    first, second = limiting_directions(SHARES[ratio], INTRA, INTER, others)[list(PAIRS[pair])]
    return float(first @ second)


def draw_separation(setting: Setting) -> Figure:
    """Exact curves and counted paths for a majority and a minority pair."""
    times, watched = (0.01, *np.geomspace(0.1, 1e3, 80).tolist()), np.geomspace(1.0, 1e3, 7).tolist()
    counted = [counts(setting, time, 1000) for time in watched]
    series: list[Series] = []
    for color, group in enumerate(GROUPS):
        exponent, shares = STRENGTH * float(SHARES[RATIO][PAIRS[group][0]]), [each[group] for each in counted]
        curve = tuple(probability(exponent, group, time).middle for time in times)
        series.append(Series.line(f"{group} pair", times, curve, color))
        series.append(counted_points(f"{group} pair, 1000 paths", watched, shares, setting.level, color))
    return Figure(
        title="The minority is never separated",
        caption=f"I-model, shares 0.4, 0.4, 0.1, 0.1, γ = {STRENGTH:g}/(1 + t), {SAMPLES} samples per class; 1/(2π_A) < c < 1/(2π_B).",
        x_label="time",
        y_label="probability of separation",
        series=tuple(series),
        log_x=True,
    )
