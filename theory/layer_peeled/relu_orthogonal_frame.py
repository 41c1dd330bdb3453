"""Features after a ReLU: class means are orthogonal, and classes collapse one by one."""

import math

import numpy as np
import sympy

from layerpeel.numerics import Bracket
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, claim
from layerpeel.theory.layer_peeled._closed_forms import predicted
from layerpeel.theory.layer_peeled._in_symbols.orthogonal_means import STATED, by_derivatives
from layerpeel.theory.layer_peeled._measured.nonnegative_descents import CASES, PAIRS, UNEQUAL, WHERE, draw_margins, overlaps, solved
from layerpeel.theory.layer_peeled._orthogonal_means import cost, margin, value_of, wrong

VALUES = {f"value, {where}": case for where, case in WHERE.items()}
MARGINS = {f"class {k + 1}, {where}": (*case, k) for where, case in WHERE.items() for k in range(len(case[0]))}
NORMS = {f"‖h‖² of {label}": case for label, case in MARGINS.items()}
ALIVE = {
    label: (counts, level, k, j)
    for label, (counts, level, k, j) in PAIRS.items()
    if min(counts[k], counts[j]) > level * len(counts) / (len(counts) - 1)
}
"""Pairs of classes that have not collapsed."""

ROUNDING = 1e-6
"""Allowance in a norm of features for where L-BFGS stops."""

ROOM = Room.of(
    Statement(
        name="relu-orthogonal-frame",
        title="With non-negative features class means are orthogonal and classes collapse one by one",
        latex=r"H\geq0:\quad \langle h_k,h_l\rangle=0,\qquad m_k=\log\left((K-1)\left(\tfrac1{q_k}-1\right)\right),\quad"
        r"q_k=N\sqrt{\tfrac{\lambda_W\lambda_H(K-1)}{K n_k}},\qquad h_k=0\iff n_k\leq N^2\lambda_W\lambda_H\tfrac{K}{K-1}",
        assumptions=(
            "cross-entropy, no bias, features ≥ 0, weight decay λ_W on the classifier and λ_H on the features",
            "any counts; a feature dimension of at least as many as there are classes",
        ),
        kind=Kind.EQUALITY,
        origin=Origin.LITERATURE,
        source=Source("dang2024", "the unconstrained ReLU feature model with imbalanced classes; the dual proof is ours"),
        meaning="If features cannot be negative, as after a ReLU, the model's class means are orthogonal instead of at the widest angles, "
        "and classes vanish one by one, smallest first, as decay grows. Behind a ReLU expect cosines near zero between class means.",
    ),
    claim(
        "gapless",
        "orthogonal class means attain the dual bound, for all K and n_k",
        over="",
        predict=lambda: STATED,
        measure=by_derivatives,
        by="orthogonal class means cost class k (n_k/N)[log(1 + (K − 1)e^{−m}) + q m] at margin m, convex in m",
        false={"half": ("the margin vanishes at q = ½", lambda: {"q at margin 0": sympy.Rational(1, 2)})},
        origin=Origin.DERIVED,
        evidence=Evidence.PROOF,
    ),
    claim(
        "value",
        "the optimal value is Σ (n_k/N) S(1 − q_k, q_k/(K − 1), …)",
        over=VALUES,
        predict=lambda counts, level: value_of(counts, [wrong(count, len(counts), level) for count in counts]),
        measure_all=lambda setting: [solved(*case, setting.rng)[1].value for case in CASES],
        by="the best point found, and the dual bound",
        false={
            # which features of any sign attain: logits m(I − 11ᵀ/K) then cost λ√n m (K − 1), in place of λ√n m √(K(K − 1))
            "etf-value": (
                "balanced classes reach the value of a simplex ETF",
                lambda counts, level: (
                    value_of(counts, [math.sqrt(level / count) * (1 - 1 / len(counts)) for count in counts])
                    if len(set(counts)) == 1
                    else None
                ),
            ),
            "factor-forgotten-in-value": (
                "it is that of q_k = N√(λ_Wλ_H/n_k)",
                lambda counts, level: value_of(counts, [min(math.sqrt(level / count), 1 - 1 / len(counts)) for count in counts]),
            ),
        },
        evidence=Evidence.CERTIFIED.within(1e-9, "descent ends within rounding of the dual bound, and the closed form is granted 1e-10"),
    ),
    claim(
        "margins",
        "margins are log((K − 1)(1/q_k − 1)) and zero from n_k ≤ N²λ_Wλ_H K/(K − 1) on, one per cent on either side",
        over=MARGINS,
        predict=lambda counts, level, k: predicted(margin(wrong(counts[k], len(counts), level), len(counts))),
        measure_all=lambda setting: [each for case in CASES for each in solved(*case, setting.rng)[1].margins],
        by="the margins of the exact optimum, enclosed",
        false={
            "factor-forgotten": (
                "q_k = N√(λ_Wλ_H/n_k)",
                lambda counts, level, k: predicted(margin(min(math.sqrt(level / counts[k]), 1 - 1 / len(counts)), len(counts))),
            ),
            "one-percent-off": (
                "margins of 1.01 N²λ_Wλ_H",
                lambda counts, level, k: predicted(margin(wrong(counts[k], len(counts), 1.01 * level), len(counts))),
            ),
            "a-thousandth-off": (
                "margins of 1.001 N²λ_Wλ_H",
                lambda counts, level, k: predicted(margin(wrong(counts[k], len(counts), 1.001 * level), len(counts))),
            ),
        },
        evidence=Evidence.CERTIFIED.within(1e-4, "the enclosure goes with the root of the gap, 1e-14 and less"),
    ),
    claim(
        "orthogonal",
        "class means are orthogonal",
        over=ALIVE,
        predict=predicted(0.0),
        measure_all=lambda setting: overlaps(setting.rng),
        by="cosines between class means of the exact optimum, enclosed; nothing is known where a mean may vanish",
        false={
            "etf": ("class means form a simplex ETF", lambda counts, *_: predicted(-1 / (len(counts) - 1))),
            "one-class-more": ("their cosine is −1/K", lambda counts, *_: predicted(-1 / len(counts))),
        },
        evidence=Evidence.CERTIFIED.within(1e-6, "cosines are bounded by the gap, over the squared norms of features"),
    ),
    claim(
        "norms",
        "‖h_k‖² = m_k √((K − 1)/K) √(λ_W/(λ_H n_k))",
        over=NORMS,
        predict=lambda counts, level, k: predicted(cost(counts, level, k) / math.sqrt(UNEQUAL * counts[k])),
        measure_all=lambda setting: [
            Bracket(square - ROUNDING, square + ROUNDING)
            for case in CASES
            for square in np.sum(solved(*case, setting.rng)[0].means ** 2, axis=1).tolist()
        ],
        by="‖h_k‖² of the class means at the best point found",
        false={
            "norms-alike": (
                "‖h_k‖² goes with the margin alone",
                lambda counts, level, k: predicted(cost(counts, level, k) / math.sqrt(UNEQUAL * counts[0])),
            ),
            "factor-forgotten-in-norms": (
                "‖h_k‖² = m_k √(λ_W/(λ_H n_k))",
                lambda counts, level, k: predicted(
                    cost(counts, level, k) * math.sqrt(len(counts) / (len(counts) - 1)) / math.sqrt(UNEQUAL * counts[k])
                ),
            ),
        },
        evidence=Evidence.EMPIRICAL.within(3e-5, "where descent stops is granted 1e-6 to either side"),
    ),
    figures=(draw_margins,),
)
