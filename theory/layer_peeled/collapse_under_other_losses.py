"""Smoothed labels, scaled, shifted and margin logits: the minority coincides iff λ ≥ s_g c_g, and what that does to the threshold."""

import math

from layerpeel.numerics import Bracket, smoothed_margin
from layerpeel.solvers import Enclosures, LayerPeeled, solve
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, claim, instances
from layerpeel.theory.layer_peeled import _changed_losses as losses
from layerpeel.theory.layer_peeled._changed_boundaries import alone, draw_thresholds, level, limit, log_energy, swapped
from layerpeel.theory.layer_peeled._closed_forms import predicted
from layerpeel.theory.layer_peeled._in_symbols import other_losses

ALL = (*losses.SMOOTHED, *losses.SCALED, *losses.SHIFTED, *losses.HELD)
NEAR = "the energies on either side are 3e-4 apart, and λ moves about as much"
BALANCED = instances("K={}, δ={:g}", (3, 0.1), (5, 0.2), (10, 0.4))
AMPLE = 100.0  # energy E_H at E_W = 1 that smoothed labels cannot use up
GREAT = (losses.smoothed(2, 3, 2e3, 0.2), losses.smoothed(3, 2, 2e3, 0.3), losses.smoothed(1, 3, 2e3, 0.4))
"""Imbalances at which the majority all but sits at its smoothed optimum."""

ROOM = Room.of(
    Statement(
        name="collapse-under-other-losses",
        title="What label smoothing, logit scaling, logit adjustment and margins do to minority collapse",
        latex=r"u_j=\Delta_jz_j+\iota_j-m_k[j=k]:\quad w_k=w_l\ (k,l\in g)\iff\lambda\geq s_gc_g,\quad "
        r"s_g=\Delta_g\left(1-\delta+p_{kl}(1-e^{-m_g})\right)",
        assumptions=(
            "cross-entropy of u with labels (1 − δ)e_k + δ/K; Δ_g > 0, ι_g and m_g ≥ 0 equal within groups",
            "g has two classes or more; thresholds: two groups",
            "λ is the multiplier of ‖Z‖_* ≤ τ, p the softmax of u",
        ),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
        source=Source(
            "kini2021", "the vector-scaling loss; cao2019, menon2021, ren2020, ye2020 for margins, shifts and factors; law derived"
        ),
        meaning="In the model with two sizes of classes, label smoothing, logit scaling, shifts and margins each move the point at which "
        "rare classes collapse, by a computable amount. With smoothed labels large enough norms rule collapse out at any imbalance.",
    ),
    claim(
        "slope",
        "the slope inside a group is c_g Δ (1 − δ + p (1 − e^{Δb − m})), b the difference of logits and p the share of another class in it",
        over="",
        predict=lambda: other_losses.STATED_SLOPES,
        measure=other_losses.inner_slopes,
        by="the derivative of the loss of a class along the singular direction inside its group; b > 0 makes it smaller than at b = 0 with "
        "the same p, so that λ is below s_g c_g where the classes are apart, and at least that where they are not",
        false={
            "squared": ("it is Δ² (1 − δ) at b = 0 without margin", lambda: other_losses.SQUARED),
            "to-the-others": ("smoothing by δ/K leaves 1 − δK/(K − 1)", lambda: other_losses.TO_THE_OTHERS),
            "own-share": ("it is the own share that the margin lowers", lambda: other_losses.OWN_SHARE),
        },
        evidence=Evidence.PROOF,
    ),
    claim(
        "law",
        "the minority comes apart where λ = s_B c_B: 1 − δ, Δ_B, 1, and with margins 1 + p(1 − e^{−m_B})",
        over=losses.labelled(*ALL),
        predict=lambda case: predicted(level(case)),
        measure=losses.multiplier_at_switch,
        by="λ/c_B, enclosed, at the energy where the margin between two minority classes certainly goes from zero to positive, on the "
        "semidefinite program",
        false={
            "one-for-all": ("it comes apart where λ = c_B", lambda case: None if level(case) == 1.0 else 1.0),
            "factor-squared": (
                "it comes apart where λ = Δ_B² c_B",
                lambda case: case.change.scale[1] ** 2 if case in losses.SCALED else None,
            ),
            "spread-over-others": (
                "it comes apart where λ = (1 − δK/(K − 1)) c_B",
                lambda case: 1 - case.change.smoothing * case.classes / (case.classes - 1) if case in losses.SMOOTHED else None,
            ),
            "one-percent-off": ("it comes apart where λ = 1.01 s_B c_B", lambda case: predicted(1.01 * level(case))),
        },
        evidence=Evidence.CERTIFIED.within(1e-2, NEAR),
    ),
    claim(
        "threshold",
        "the energy at which it comes apart is explicit in one angle; with smoothed labels after one root",
        over=losses.labelled(*ALL),
        predict=lambda case: predicted(log_energy(case)),
        measure=lambda case: losses.switch(case).bracket,
        by="log E_H between a semidefinite optimum whose minority is certainly apart and one where it certainly coincides",
        false={
            "energy-one-percent-off": ("it takes one per cent more energy", lambda case: predicted(log_energy(case) + math.log(1.01))),
            "as-without": ("the change leaves it where it was", lambda case: predicted(log_energy(case._replace(change=losses.Change())))),
            "for-the-majority": (
                "factors and margins of the two groups swap their parts",
                lambda case: predicted(log_energy(swapped(case))) if case in (*losses.SCALED, *losses.HELD) else None,
            ),
        },
        evidence=Evidence.CERTIFIED.within(4e-3, NEAR),
    ),
    claim(
        "ample",
        "balanced classes with smoothed labels leave energy unused beyond the margin log(1 + K(1 − δ)/δ)",
        over=BALANCED,
        predict=lambda classes, delta: predicted(smoothed_margin(classes, delta)),
        measure=lambda classes, delta: margin_at_ample_energy(classes, delta),
        by="the margin between two classes, enclosed, at an energy forty times what a margin of a* needs",
        false={
            "margin-to-the-others": (
                "it is log((K − 1)(1 − δ)/δ)",
                lambda classes, delta: predicted(math.log((classes - 1) * (1 - delta) / delta)),
            ),
            "without-own-part": ("it is log(K(1 − δ)/δ)", lambda classes, delta: predicted(math.log(classes * (1 - delta) / delta))),
        },
        evidence=Evidence.CERTIFIED.within(1e-4, "a minimum is flat: the margin is known to the root of the gap"),
    ),
    claim(
        "never",
        "with smoothed labels the minority comes apart below one energy, whatever the imbalance",
        over=losses.labelled(*GREAT),
        predict=lambda case: predicted(math.log(limit(case))),
        measure=lambda case: losses.switch(case).bracket,
        by="log E_H where the minority comes apart at R = 2000, which grows without bound with R where nothing is smoothed",
        false={
            "majority-alone": ("what the smoothed majority needs is enough", lambda case: predicted(math.log(alone(case)))),
            "limit-one-percent-off": ("one per cent less energy is enough", lambda case: predicted(math.log(limit(case) / 1.01))),
        },
        evidence=Evidence.CERTIFIED,
        kind=Kind.UPPER_BOUND,
    ),
    figures=(lambda _: draw_thresholds(),),
)


def margin_at_ample_energy(classes: int, delta: float) -> Bracket:
    """The margin between two balanced classes."""
    problem = LayerPeeled.from_groups([(classes, 1)], feature_energy=AMPLE, label_smoothing=delta)
    return Enclosures(solve(problem, route="factored", tolerance=1e-11)).inner_value(0)
