"""The second phase: from R1 on the minority classifiers are exactly zero, not only equal."""

import math

from layerpeel.numerics import Bracket
from layerpeel.theory import Evidence, Instances, Kind, Origin, Room, Source, Statement, Variant, claim, instances
from layerpeel.theory.layer_peeled._closed_forms import predicted
from layerpeel.theory.layer_peeled._coming_apart import end, reported
from layerpeel.theory.layer_peeled._in_symbols.vanishing import IN_MARGINS, B, boundary, boundary_by_gradient
from layerpeel.theory.layer_peeled._measured.vanishing_norms import FAR, measured_square, switch
from layerpeel.theory.layer_peeled._reference import two_groups
from layerpeel.theory.layer_peeled._vanishing_closed_forms import log_closed_form, log_with_other_margin, rank_far_out, square

PLACE, NORM = "K_A={}, K_B={}, E_H={:g}", "‖w_B‖² at K_A={0}, R={3:g}"
CASES = instances(PLACE, (7, 3, 5.0), (3, 2, 1.0), (4, 2, 1.0), (3, 3, 0.3), (2, 2, 0.05))
"""At E_W = 1, with a second phase."""
ENDS: Instances = {
    f"{place}: {name}": (*case, phase) for place, case in CASES.items() for phase, name in enumerate(("last with a norm", "first without"))
}
"""Both ends of each search, 0 for the first and 1 for the second."""
RATIOS = {(7, 3, 5.0): (1.0, 3.0, 5.0, 5.6, 6.0, 20.0), (3, 2, 1.0): (1.0, 2.0, 4.0, 6.0, 7.0, 20.0)}
"""Below R0, between R0 and R1 = 5.705 and 6.611, and beyond."""
ENERGIES = {(5, 5): (1.9, 2.5, 3.9, 5.0), (3, 7): (0.13, 0.18, 0.28, 0.36), (2, 2): (0.12, 0.16, 0.24, 0.31)}
"""Two on either side of the largest that has a second phase."""

ROOM = Room.of(
    Statement(
        name="vanishing-threshold",
        title="Where minority classifiers vanish",
        latex=r"w_k=0\ (k\text{ minority})\iff R\geq R_1,\qquad "
        r"R_1^2=\frac{K_B K_A^2/K^2}{m^2K_AK_B/K-K_A(v/D)^2};\qquad "
        r"R_1<\infty\iff\frac{\tau}{K_A-1}<K_A\ln\frac{K_A\,r}{K_B(1-r)},\ r=\sqrt{K_B/K}",
        assumptions=(
            "two groups of classes, K_A ≥ 2, K_B ≥ 2",
            "cross-entropy loss",
            "a = τ/(K_A − 1), u = (K_A − 1)e^{−a}, v = K_B e^{−a(K_A−1)/K_A}, D = 1 + u + v, m = (K_A/(K_A − 1))(u + v(K_A − 1)/K_A)/D",
        ),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
        source=Source("fang2021", "Minority Collapse, which stops at equal classifiers; the second phase is derived"),
        meaning="In the model with two sizes of classes, rare classifiers can become exactly zero beyond a second, larger imbalance, if "
        "there are several large classes and norms are small. Angles between them mean nothing there, so look at their lengths first.",
    ),
    claim(
        "boundary",
        "‖outer gradient‖ = λ at zero minority gives R1, in both ways of writing it, for every K_A, K_B and energy",
        over="",
        predict=boundary,
        measure=boundary_by_gradient,
        by="R² at which ‖outer block of the gradient‖ = λ, the gradient taken at Z = a(I − 11ᵀ/K_A) on the majority and zero elsewhere",
        false={"one-class-more": ("R1 with K_B + 1 for K_B", lambda: {IN_MARGINS: boundary()[IN_MARGINS].subs(B, B + 1)})},
        evidence=Evidence.PROOF,
    ),
    claim(
        "closed-form",
        "R1 is the closed form (compared in logarithms)",
        over=CASES,
        predict=log_closed_form,
        measure=lambda *case: switch(*case).bracket,
        by="log R1 between a ratio where the minority's norm certainly is positive, and one where it certainly is zero",
        false={
            "one-percent-off": ("R1 is 1 % larger", lambda *case: log_closed_form(*case) + Bracket.exactly(math.log(1.01))),
            "other-margin": ("v is K_B e^{−a}", lambda *case: predicted(log_with_other_margin(*case))),
        },
        evidence=Evidence.CERTIFIED.within(
            4e-3, "semidefinite programs certify a norm, and its absence, at two ratios 3e-4 apart; mistakes of .05 % would show"
        ),
    ),
    claim(
        "reported-phase",
        "the phase that `solve` reports is the one that the norm shows, as close to R1 as it can be certified",
        over=ENDS,
        predict=lambda a, b, energy, phase: phase,
        measure=lambda a, b, energy, phase: reported(end(switch(a, b, energy), phase).solution.vanished[1]),
        by="what `solve` reports of the minority at the two ends, which were found by the norm",
        false={"with-collapse": ("collapsed is reported as vanished", 1.0)},
        evidence=Evidence.CERTIFIED.within(0.0, "a yes or a no"),
    ),
    claim(
        "classifier-norm",
        "‖w_B‖² is the closed form below R1, and zero beyond",
        over=instances(NORM, *((*case, ratio) for case, ratios in RATIOS.items() for ratio in ratios)),
        predict=lambda *case: predicted(square(*case, of_inner=1)),
        measure=measured_square,
        by="the squared norm of the minority classifiers in the semidefinite program's own X_WW, where no ratio of energies is put in",
        false={
            "without-share": ("b counts in full in ‖w_B‖²", lambda *case: predicted(square(*case, of_inner=0))),
            "zero-when-equal": Variant(
                "equal minority classifiers are zero classifiers", 0.0, over=instances(NORM, (7, 3, 5.0, 5.0), (3, 2, 1.0, 4.0))
            ),
            "norm-one-percent-late": Variant(
                "between R0 and R1, ‖w_B‖² is that of R/1.01",
                lambda a, b, energy, ratio: predicted(square(a, b, energy, ratio / 1.01, of_inner=1)),
                over=instances(NORM, (7, 3, 5.0, 5.6), (3, 2, 1.0, 6.0)),
            ),
        },
        evidence=Evidence.CERTIFIED.within(1e-3, "a sixth of what is left 2 % before R1"),
    ),
    claim(
        "existence",
        "at R = 1000 the rank is K_A − 1 (vanished) exactly below the largest energy with a second phase, and K_A above",
        over=instances(PLACE, *((*sizes, energy) for sizes, energies in ENERGIES.items() for energy in energies)),
        predict=lambda a, b, energy: rank_far_out(a, b, energy, math.sqrt(b / (a + b))),
        measure=lambda a, b, energy: two_groups(a, b, FAR, energy).rank(),
        by="rank of the exact optimum at R = 1000, enclosed from both sides",
        false={
            "always": ("every energy has a second phase", lambda a, *_: a - 1),
            "without-root": ("the condition with r = K_B/K: never", lambda a, b, energy: rank_far_out(a, b, energy, b / (a + b))),
        },
        evidence=Evidence.CERTIFIED.within(0.0, "a whole number"),
    ),
)
