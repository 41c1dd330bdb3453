"""Corrupted labels shrink the gap between the strengths, and close it where labels say nothing."""

from itertools import product

import numpy as np
import sympy

from layerpeel.theory import Evidence, Figure, Kind, Origin, Room, Series, Setting, Source, Statement, Variant, claim, instances
from layerpeel.theory.locally_elastic._in_symbols import label_errors
from layerpeel.theory.locally_elastic._measured.corrupted_labels import INTER, INTRA, RUNS, STEP, STEPS, simulated
from layerpeel.theory.locally_elastic._paths import counted_points

STRENGTHS = {f"{what}, any K": (what, label_errors.K) for what in label_errors.SHORT} | instances(
    "{}, K={}", *product(label_errors.LITERAL, (2, 3, 4, 5))
)

SIZES = (3, 5)
RATIOS = (0.0, 0.25, 0.5, 2 / 3, 0.8)
"""Shares of corrupted labels; with 2/3 the labels of three classes, with 0.8 those of five are random."""
CASES = instances("K={}, p={:.4g}", *product(SIZES, RATIOS))

EXCESS = INTRA - INTER

ROOM = Room.of(
    Statement(
        name="label-noise",
        title="Local elasticity under corrupted labels",
        latex=r"\alpha'=(1-p)\alpha+p\beta,\quad \beta'=\frac{p\alpha+(K-1-p)\beta}{K-1},\quad "
        r"\gamma'=\gamma\Bigl(1-\frac{pK}{K-1}\Bigr),\qquad \gamma'=0\iff p=p^*=\frac{K-1}{K}",
        assumptions=(
            "a label is replaced, with probability p, by one of the K − 1 others, all equally likely",
            "a sample acts as the class that its label says",
            "classes are sampled equally often",
        ),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
        source=Source("zhang2021", "slides, figure 3 (the dashed line at 2/3 for three classes) and the future work on label corruption"),
        meaning="In the model, wrong labels shrink the lead of a class's pull on itself over its pull on others in proportion to the "
        "error rate, to nothing where labels say nothing. For three classes that is at two thirds wrong; half wrong leaves a quarter.",
    ),
    claim(
        "strengths",
        "E P' has the strengths α', β' for every K; P' is doubly stochastic; the gap closes at (K−1)/K",
        over=STRENGTHS,
        predict=label_errors.stated,
        measure=label_errors.read_off,
        by="E P' with P'_lj = 1 − p for l = j and p/(K−1) else: by J² = KJ for every K, and written out",
        false={
            "half": Variant("the gap closes at p = 1/2", sympy.Rational(1, 2), over=instances("p*, K={}", 3, 4, 5)),
            "right-by-chance": Variant("γ' = γ(1 − p)", label_errors.RIGHT_BY_CHANCE, over="γ', any K"),
        },
        evidence=Evidence.PROOF,
    ),
    claim(
        "simulated",
        "in simulated training with corrupted labels the mean difference of two classes grows by (1 + hγ'/K) a step",
        over=CASES,
        predict=lambda k, ratio: (1 + STEP * (EXCESS * (1 - ratio * k / (k - 1))) / k) ** STEPS,
        measure_all=lambda setting: [simulated(setting, *case) for case in CASES.values()],
        by="each step trains on one sample of a random class, which acts as the class that its label says: class i moves by h·α or h·β "
        "times the sample, plus noise",
        false={
            "half-simulated": Variant("no growth at p = 1/2 with three classes", 1.0, over=instances("K={}, p={:.4g}", (3, 0.5))),
            "unharmed": Variant(
                "corrupted labels leave γ alone",
                lambda k, _: (1 + STEP * EXCESS / k) ** STEPS,
                over=instances("K={}, p={:.4g}", (3, 0.25), (5, 0.25)),
            ),
        },
        evidence=Evidence.STATISTICAL.within(
            0.2,
            "growth factors lie between 0.8 and 2.7; the 20,000 runs' interval is below 0.1 at any level above 1e-7, and a tenth "
            "of this resolution would take two million runs",
            headroom=2.0,
        ),
        kind=Kind.PROBABILITY,
    ),
    figures=(lambda setting: draw_growth(setting),),
)


def draw_growth(setting: Setting) -> Figure:
    """Growth of a difference against the share of corrupted labels: prediction, and simulation with its interval."""
    series: list[Series] = []
    for color, k in enumerate(SIZES):
        line = np.linspace(0.0, 0.9, 46)
        curve = (1 + STEP * EXCESS * (1 - line * k / (k - 1)) / k) ** STEPS
        series.append(Series.line(f"K = {k}", line, curve, color))
        grown = [simulated(setting, k, ratio) for ratio in RATIOS]
        series.append(counted_points(f"simulated, K = {k}", RATIOS, grown, setting.level, color))
    return Figure(
        title="Corrupted labels close the gap at (K−1)/K",
        caption=f"Mean growth of a class difference over {STEPS} steps, α = 1, β = −1/2; {RUNS} runs for each point.",
        x_label="share of corrupted labels",
        y_label="growth of the difference",
        series=tuple(series),
        marks=tuple(((k - 1) / k, f"(K−1)/K, K = {k}", color) for color, k in enumerate(SIZES)),
    )
