"""Shares of the classes in the samples: minority classes separate later, or never, and the L-model loses its ETF."""

import math
from collections.abc import Callable
from functools import cache
from itertools import product

import numpy as np
import sympy
from sympy.polys.matrices import DomainMatrix

from layerpeel.array_words import Float
from layerpeel.numerics import Bracket, Proportion, separated_probability
from layerpeel.theory._claims import Variant, claim, instances
from layerpeel.theory._room import Evidence, Figure, Kind, Origin, Room, Series, Setting, Source, Statement
from layerpeel.theory.locally_elastic._drift import exact_elasticity
from layerpeel.theory.locally_elastic._integrated_means import (
    IntegratedMeans,
    i_model_blocks,
    integrated_means,
    l_model_blocks,
    two_parameter,
)
from layerpeel.theory.locally_elastic._paths import FREQUENCY, counted_points, separated_frequency
from layerpeel.theory.locally_elastic._shares import larger_root, limiting_directions, top_mode

# Class j is drawn with share π_j, so its drive carries the weight π_j in place of 1/K: dX̄^i = Σ_j E_ij π_j H_ij X̄^j.
# I-model: X̄^i' = γ π_i X̄^i + β Σ_j π_j X̄^j. The sum is common to all classes, so for classes k, l of equal share the difference grows as
# e^{π_k Γ}, whatever α and β. Between two groups it grows with the larger root of the 2×2 quotient, when rates are constant.
# L-model: s_i' = (α + β/(K−1)) π_i s_i − β/(K−1) Σ_j π_j s_j. For constant β < 0 the matrix has positive entries off the diagonal: its top
# eigenvector w is positive (Perron), all differences grow with its eigenvalue, and X̄^i tends to the direction of
# γ π_i w_i d̂_i + β Σ_j π_j w_j d̂_j. The last sum is zero iff shares are equal; it does not depend on i and takes over in minority classes
# as their share vanishes.

CLASSES = 4
PAIRS = {"majority": (0, 1), "between": (0, 3), "minority": (2, 3)}
"""Two classes of each group."""
GROUPS = ("majority", "minority")
RATIOS, RATIO, IMBALANCES = (2.0, 5.0), 4.0, (1.0, 3.0, 10.0, 100.0, 1e4)
"""R = π_A/π_B of exponents, of the critical constant, and of cosines."""
SHARES = {ratio: np.array([ratio, ratio, 1.0, 1.0]) / (2 * ratio + 2) for ratio in (*RATIOS, RATIO, *IMBALANCES)}
"""π by R; at R = 4: 0.4 and 0.1, so that c = 3 lies between 1/(2π_A) = 1.25 and 1/(2π_B) = 5."""
PI = sympy.symbols("pi_1:4", positive=True)

SOON, FAR, COLD = 3.0, (300.0, 600.0), 400.0
"""When differences within groups are compared, as later they drown in the rounding of the common growth; times between which exponents are
read off; and by which every slower mode of the L-model has vanished."""
WITHIN = instances("R = {:g}, {}", *product(RATIOS, GROUPS))
ACROSS = instances("α = {:g}, β = {:g}, R = {:g}", *((1.0, inter, ratio) for inter, ratio in product((-0.3, 0.3, 0.9), RATIOS)))
INTRA, INTER = 1.0, -0.3
"""α and β of the L-model."""
AGREEMENT, ROUNDING = 1e-9, 1e-10
"""Relative error of integrated differences; and of exact integrals and of cosines in doubles."""

STRENGTH, SAMPLES = 3.0, 3
"""γ = c/(1 + t), and samples per class."""
APART = {"majority": 0.5, "minority": 2.0}
"""Distances of the class means within a group at time 0."""
MEANS = np.array([[0.75], [0.25], [-0.25], [-2.25]])
"""One feature; features have variance 1 + t."""
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
        measure=lambda column: sympy.Add(*sampling_matrix().col(column - 1)),
        by="E P'/K = E diag(π), solved for P' with three classes",
        false={"doubly-stochastic": ("it is doubly stochastic", sympy.Integer(1))},
        evidence=Evidence.PROOF,
    ),
    claim(
        "within-groups",
        "in the I-model the difference of two classes of share π grows as e^{πΓ}, for all α(t), β(t)",
        over=WITHIN,
        predict=lambda ratio, group: predicted(float(SHARES[ratio][PAIRS[group][0]]) * (SOON + math.sin(SOON))),
        measure_all=lambda setting: [found for ratio in RATIOS for found in grown_within(setting, ratio)],
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
            "etf": ("an ETF at every R", Bracket.exactly(-1 / (CLASSES - 1))),
            "mode-by-k": ("w is that of a push with β/K", lambda ratio, pair: predicted(limiting_cosine(ratio, pair, CLASSES), ROUNDING)),
        },
        evidence=Evidence.EMPIRICAL.within(3e-9, "slower modes have e^{−25} left; cosines are good to 1e-10"),
    ),
    claim(
        "minority-collapse",
        "there the cosine between minority classes tends to one as R → ∞",
        over=instances("R = {:g}", *IMBALANCES),
        predict=Bracket.exactly(1.0),
        measure=lambda ratio: late_cosine(ratio, "minority"),
        by="the cosine between the two minority classes",
        false={
            "minority-apart": ("minority classes keep their angle", Bracket.exactly(-1 / (CLASSES - 1))),
            "first-order": Variant(
                "one minus the cosine falls as 1/R: it is 10⁻⁴ at R = 10⁴",
                lambda ratio: Bracket.exactly(1.0 - 1.0 / ratio),
                kind=Kind.EQUALITY,
                over=instances("R = {:g}", 1e4),
            ),
        },
        evidence=Evidence.EMPIRICAL.within(1e-4, "one minus the cosine falls as R^{−2}"),
        kind=Kind.LIMIT,
    ),
    figures=(lambda setting: draw_separation(setting),),
)


@cache
def sampling_matrix() -> sympy.Matrix:
    """P'."""
    elasticity = exact_elasticity(3, *sympy.symbols("alpha beta"))
    inverse = DomainMatrix.from_Matrix(elasticity).to_field().inv()
    return (inverse * DomainMatrix.from_Matrix(3 * elasticity * sympy.diag(*PI)).to_field()).to_Matrix()


def weighted(ratio: float, rates: Callable[[float], tuple[float, float]]) -> Callable[[float], Float[np.ndarray, "K K"]]:
    """E diag(Kπ) in place of E, that is weights E_ij π_j, for α and β at a time."""
    return lambda time: two_parameter(*rates(time), CLASSES) * (CLASSES * SHARES[ratio])


def growth(means: IntegratedMeans, first: int, second: int) -> Bracket:
    """Exponent of ‖X̄^k − X̄^l‖ between the times FAR."""
    gained, span = means.log_distance(1, first, second) - means.log_distance(0, first, second), FAR[1] - FAR[0]
    return Bracket(gained.lower / span - AGREEMENT, gained.upper / span + AGREEMENT)


def grown_within(setting: Setting, ratio: float) -> list[Bracket]:
    """By SOON, in the majority and in the minority."""
    start = setting.rng.standard_normal((CLASSES, 3))
    elasticity = weighted(ratio, lambda t: (1.0 + math.cos(t) + (-0.5 + math.sin(2 * t) / 3), -0.5 + math.sin(2 * t) / 3))
    means, pairs = integrated_means(elasticity, i_model_blocks(CLASSES, 3), start, (SOON,)), [PAIRS[group] for group in GROUPS]
    return [means.log_distance(0, k, j) - Bracket.exactly(math.log(np.linalg.norm(start[k] - start[j]))) for k, j in pairs]


def grown_across(setting: Setting, intra: float, inter: float, ratio: float) -> Bracket:
    """The exponent at constant rates."""
    start = setting.rng.standard_normal((CLASSES, 2))
    return growth(integrated_means(weighted(ratio, lambda _: (intra, inter)), i_model_blocks(CLASSES, 2), start, FAR), *PAIRS["between"])


def frequencies(setting: Setting) -> list[Proportion]:
    """At each time paths for the one group, then for the other; in the order of WATCHED."""
    counted = {time: counts(setting, time) for time in dict.fromkeys(t for _, t in WATCHED.values())}
    return [counted[time][group] for group, time in WATCHED.values()]


def counts(setting: Setting, time: float, paths: int | None = None) -> dict[str, Proportion]:
    """How often the classes of each group are separated at one time, by paths around integrated means."""
    elasticity = weighted(RATIO, lambda now: (0.9 * STRENGTH / (1 + now), -0.1 * STRENGTH / (1 + now)))
    means = integrated_means(elasticity, i_model_blocks(CLASSES, 1), MEANS, (time,)).means(0)
    return {
        group: separated_frequency(setting, means, time, samples=SAMPLES, pair=PAIRS[group], along=np.ones(1), paths=paths)
        for group in GROUPS
    }


@cache
def l_model_means(ratio: float, common: float, times: tuple[float, ...]) -> IntegratedMeans:
    """From X̄^k(0) = e_k and this multiple of a common vector."""
    elasticity = weighted(ratio, lambda _: (INTRA, INTER))
    return integrated_means(elasticity, l_model_blocks(CLASSES), np.eye(CLASSES) + common * np.arange(CLASSES), times)


def late_cosine(ratio: float, pair: str) -> Bracket:
    """In the L-model."""
    value = float(l_model_means(ratio, 0.1, (COLD,)).cosines(0)[PAIRS[pair]])
    return Bracket(value - ROUNDING, value + ROUNDING)


def predicted(value: float, error: float = AGREEMENT) -> Bracket:
    """With what is allowed for the measurement's doubles."""
    return Bracket(value - error, value + error)


def probability(exponent: float, group: str, time: float, *, start: float = 1.0) -> Bracket:
    """That n samples of each class are separated; means grow apart as d (1 + t)^e, and variances, from `start`, by t."""
    deviation = math.sqrt(start + time)
    found = separated_probability(APART[group] * (1 + time) ** exponent, deviations=(deviation, deviation), counts=(SAMPLES, SAMPLES))
    return predicted(float(np.exp(found.log)), ROUNDING)


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
        exponent, found = STRENGTH * float(SHARES[RATIO][PAIRS[group][0]]), [each[group] for each in counted]
        curve = tuple(probability(exponent, group, time).middle for time in times)
        series.append(Series.line(f"{group} pair", times, curve, color))
        series.append(counted_points(f"{group} pair, 1000 paths", watched, found, setting.level, color))
    return Figure(
        title="The minority is never separated",
        caption=f"I-model, shares 0.4, 0.4, 0.1, 0.1, γ = {STRENGTH:g}/(1 + t), {SAMPLES} samples per class; 1/(2π_A) < c < 1/(2π_B).",
        x_label="time",
        y_label="probability of separation",
        series=tuple(series),
        log_x=True,
    )
