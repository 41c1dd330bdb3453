"""Penalised norms: where the minority collapses and where everything does, at any price of the bias."""

import math

import sympy

from layerpeel.numerics import Bracket
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, claim
from layerpeel.theory.layer_peeled._closed_forms import predicted
from layerpeel.theory.layer_peeled._in_symbols.weight_decay import CURVATURE, STATED_SLOPE, slope_at_zero
from layerpeel.theory.layer_peeled._measured.penalty_switches import Case, draw_margins, is_zero, switched


def labelled(*cases: Case) -> dict[str, Case]:
    """Cases by label."""
    return {
        f"K_A={a}, K_B={b}, n={m}/{n}, {'no bias' if bias is None else f'λ_b={bias:g}'}": (a, b, m, n, bias) for a, b, m, n, bias in cases
    }


CASES = labelled(
    (5, 5, 500, 100, None),
    (5, 5, 500, 100, 1e-4),
    (5, 5, 500, 100, 1.0),
    (3, 7, 500, 100, None),
    (3, 7, 500, 100, 1e-2),
    (2, 4, 200, 50, 1e-3),
    (4, 2, 90, 60, None),
)
SINGLE = labelled((1, 9, 500, 100, None), (1, 4, 300, 60, None))
"""One majority class."""
SHARP = "certificates tell the phases at two penalties 3e-4 apart; mistakes of .05 % would show"

ROOM = Room.of(
    Statement(
        name="hong-ling-thresholds",
        title="Minority collapse and total collapse under weight decay",
        latex=r"w_k=w_l\ (k,l\ \text{minority})\iff\lambda\geq\frac{\sqrt{n_B}}{N},\qquad"
        r"Z=0\iff\lambda\geq\frac{\sqrt{n_A}}{N},\qquad\lambda=\sqrt{\lambda_W\lambda_H}",
        assumptions=(
            "two groups of classes, n_A > n_B, K_A ≥ 2 and K_B ≥ 2",
            "cross-entropy, with ½λ_W‖W‖² + ½λ_H Σ‖h‖² over all samples",
            "no bias, or one with any penalty ½λ_b‖b‖²",
        ),
        kind=Kind.EQUALITY,
        origin=Origin.LITERATURE,
        source=Source("hong2023", "the sharp threshold of minority collapse"),
        meaning="In the model with weight decay and two sizes of classes, rare classes merge from one strength of decay on and all logits "
        "are lost from a second. A bias moves neither, at any price; to keep the rare classes apart, decay less.",
    ),
    claim(
        "minority",
        "minority classifiers coincide from λ = √n_B/N on, at any price of the bias",
        over=CASES,
        predict=lambda a, b, m, n, _: log_share(math.sqrt(n), a, b, m, n),
        measure=lambda *case: switched(case, lambda optimum: optimum.coincide(1)),
        by="bisection over certified solves: is the margin between two minority classes certainly zero, or certainly positive?",
        false={
            "one-percent-off": (
                "the minority collapses from 1.01 √n_B/N on",
                lambda a, b, m, n, _: log_share(1.01 * math.sqrt(n), a, b, m, n),
            ),
            "without-root": ("the minority collapses from n_B/N on", lambda a, b, m, n, _: log_share(n, a, b, m, n)),
            "moved-by-the-bias": (
                "the cheaper the bias, the later the minority collapses",
                lambda a, b, m, n, bias: None if bias is None else log_share(math.sqrt(n) * (1 + bias) / (1 / (a + b) + bias), a, b, m, n),
            ),
        },
        evidence=Evidence.CERTIFIED.within(4e-3, SHARP),
    ),
    claim(
        "slope-at-zero",
        "at Z = 0 the slope is steepest inside the majority, at any price of the bias",
        over="",
        predict=lambda: STATED_SLOPE,
        measure=slope_at_zero,
        by="the slope N diag(1/√n) ∇f = diag(√n)(I − 1pᵀ), up to its sign: √n_A inside the majority; between the groups, the square of its "
        "norm is below n_A at both ends of the range of p and convex in p",
        false={"linear": ("the norm between groups is linear in p", lambda: {CURVATURE: sympy.Integer(0)})},
        evidence=Evidence.PROOF,
        origin=Origin.DERIVED,
    ),
    claim(
        "everything",
        "all logits are zero (up to the bias) from λ = √n_A/N on, at any price of the bias",
        over=CASES,
        predict=lambda a, b, m, n, _: log_share(math.sqrt(m), a, b, m, n),
        measure=lambda *case: switched(case, is_zero),
        by="bisection over certified solves: is the rank certainly zero, or certainly not?",
        false={
            "everything-one-percent-off": (
                "all logits are zero from 0.99 √n_A/N on",
                lambda a, b, m, n, _: log_share(0.99 * math.sqrt(m), a, b, m, n),
            ),
            "all-at-once": (
                "all logits are zero as soon as the minority collapses",
                lambda a, b, m, n, _: log_share(math.sqrt(n), a, b, m, n),
            ),
        },
        evidence=Evidence.CERTIFIED.within(4e-3, SHARP),
    ),
    claim(
        "one-majority-class",
        "with one majority class, all logits are zero from λ = √((K_B n_A + n_B)/K)/N on",
        over=SINGLE,
        predict=lambda a, b, m, n, _: log_share(math.sqrt((b * m + n) / (1 + b)), a, b, m, n),
        measure=lambda *case: switched(case, is_zero),
        by="the same with one majority class, which has no margin of its own: the block between the groups goes last",
        false={
            "one-as-several": ("√n_A/N holds for one majority class too", lambda a, b, m, n, _: log_share(math.sqrt(m), a, b, m, n)),
            "without-the-minority": (
                "all logits are zero from √(K_B n_A/K)/N on",
                lambda a, b, m, n, _: log_share(math.sqrt(b * m / (1 + b)), a, b, m, n),
            ),
        },
        evidence=Evidence.CERTIFIED.within(4e-3, SHARP),
        origin=Origin.DERIVED,
    ),
    figures=(lambda _: draw_margins(),),
)


def log_share(size: float, majority: int, minority: int, large: int, small: int) -> Bracket:
    """log(size/N)."""
    return predicted(math.log(size / (majority * large + minority * small)))
