"""The L-model separates when γ or the shared pull of β outgrows √t: γ = ω(1/t) is enough, and not needed."""

import math
from fractions import Fraction

import numpy as np

from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, claim, instances
from layerpeel.theory.locally_elastic import _l_model_rates as rates
from layerpeel.theory.locally_elastic._drift import AGREEMENT
from layerpeel.theory.locally_elastic._in_symbols.differences import drift_by_difference, drift_by_projections, drift_of_difference
from layerpeel.theory.locally_elastic._measured.l_model_distances import enclosed, frequency, integrated_log_distance
from layerpeel.theory.locally_elastic._paths import FREQUENCY
from layerpeel.theory.locally_elastic._separation import ENCLOSED, at_each_time, separated_enclosure, separated_in_doubles, slow_count

# Rows of M X̄ differ by (γ/K)(d̂_k s_k − d̂_l s_l), where s_j = d̂_jᵀX̄^j = s̄(0) φ1 + δ_j(0) φ2 with φ1 = e^{Γ/K}, φ2 = e^{(A + B/(K−1))/K}.
# Integrated, with I_γ = (1/K)∫γ φ2:
#     X̄^k − X̄^l = X̄^k(0) − X̄^l(0) + d̂_k u_k − d̂_l u_l,      u_j = s̄(0)(φ1 − 1) + δ_j(0) I_γ.
# For K ≥ 3 d̂_k and d̂_l are independent, and with s̄(0) ≠ 0, δ_k(0) ≠ δ_l(0) the larger of |u_k|, |u_l| is of the order of max(φ1, I_γ):
# this over √t decides. For K = 2, d̂_2 = −d̂_1 and δ_1 + δ_2 = 0 leave φ1 alone: the I-model. With γ = (1+t)^{−r}, r > 1, and β = b/(1+t),
# φ1 is bounded and I_γ grows as t^{b/(K−1) + 1 − r}: the switch is at b = (K−1)(r − 1/2).

STRONG, WEAK = Fraction(12, 5), Fraction(8, 5)
"""b on both sides of (K−1)(r − 1/2) = 2: distances are t^{±0.2} deviations."""
SLOW, NEGATIVE = Fraction(1, 2), Fraction(-5)
"""r and b of the third case, γ ≫ 1/t against a strong negative β."""
LATE, EARLY = (1e3, 1e6, 1e9, 1e12), (1e1, 3e1, 1e2, 1e3)

POWERS = instances("K = {}, c = {:g}, b = {:g}", (3, 1.0, 2.0), (4, 2.0, -1.0))
"""γ = c/(1+t), β = b/(1+t), where the closed form is held against an integrator."""

ROOM = Room.of(
    Statement(
        name="separation-l-model",
        title="When the L-model separates",
        latex=r"K\geq3:\ \frac{\max(e^{\Gamma/K},\,I_\gamma)}{\sqrt t}\to\infty\ \text{separates},\ \to0\text{ mixes};\quad"
        r"I_\gamma=\frac1K\int\gamma\,e^{\frac1K\left(A+\frac B{K-1}\right)}",
        assumptions=(
            "L-model, γ > 0; constant noise; each sample driven by the class means",
            "Σ_j d̂_jᵀX̄^j(0) ≠ 0, and the d̂_jᵀX̄^j(0) are all different",
            "n → ∞ slowly where classes mix",
        ),
        kind=Kind.LIMIT,
        origin=Origin.DERIVED,
        source=Source("zhang2021", "slides, The Separation Theorem, for the L-model"),
        meaning="In the model of logits it is enough for separation, but not needed, that a class pulls itself more than others by "
        "clearly more than 1/t: a strong pull between classes can separate them too. So a vanishing excess alone does not foretell "
        "mixing.",
    ),
    claim(
        "difference-drift",
        "d(X̄^k − X̄^l)/dt = (γ/K)(d̂_k s_k − d̂_l s_l)",
        over=instances("K = {}", 2, 3, 4),
        predict=drift_by_projections,
        measure=drift_of_difference,
        by="the difference of the first two classes' rows in M X̄, from the matrix M, along any vector",
        false={
            "as-the-i-model": (
                "the drift of a difference is γ/K times the difference",
                lambda size: drift_by_difference(size) if size == 3 else None,
            )
        },
        evidence=Evidence.PROOF,
        kind=Kind.EQUALITY,
    ),
    claim(
        "distance",
        "with γ = c/(1+t), β = b/(1+t), class differences follow φ1 and I_γ",
        over=POWERS,
        predict=lambda classes, c, b: rates.two_mode_log_distance(classes, c, c / classes + b / (classes - 1)),
        measure=integrated_log_distance,
        by="log ‖X̄^1 − X̄^2‖ at t = 50 from DOP853 on the system itself",
        false={
            "first-mode-only": (
                "differences grow as e^{Γ/K}",
                lambda classes, c, _: (
                    math.log(np.linalg.norm(rates.STARTS[classes][0] - rates.STARTS[classes][1])) + c / classes * math.log1p(rates.HORIZON)
                ),
            ),
            "without-the-others": ("φ2 is e^{A/K}, without B/(K−1)", lambda k, c, b: rates.two_mode_log_distance(k, c, (c + b) / k)),
        },
        evidence=Evidence.EMPIRICAL.within(
            25 * AGREEMENT, "the integrator is good to 1e-12 per step; more than ten times what is allowed for it"
        ),
        kind=Kind.EQUALITY,
    ),
    claim(
        "inter-strong",
        "γ = (1+t)^{−3/2} and β = 2.4/(1+t): every pair separates although γ ≪ 1/t",
        over=instances("t = {:g}", *LATE),
        predict=1.0,
        measure=lambda t: separated_enclosure(min(enclosed(rates.EXPONENT, STRONG, LATE)[t], key=lambda one: one.lower), slow_count(t)),
        by="the exact probability along the means of the nearest pair, n = 2 + ⌊log(1 + t)⌋",
        false={
            "by-k": at_each_time(
                "β enters as B/K", lambda t: rates.by_law(rates.EXPONENT, STRONG * (rates.CLASSES - 1) / rates.CLASSES, t, min)
            ),
            "as-printed": ("γ ≪ 1/t mixes the classes whatever β", 0.0),
            "noise-alone-strong": at_each_time(
                "the deviation is √t, without the start's, and separation at t = 10³ is likelier by 4e-4",
                lambda t: rates.by_law(rates.EXPONENT, STRONG, t, min, start=0.0) if t == 1e3 else None,
            ),
        },
        evidence=ENCLOSED,
    ),
    claim(
        "inter-weak",
        "γ = (1+t)^{−3/2} and β = 1.6/(1+t): every pair mixes",
        over=instances("t = {:g}", *LATE),
        predict=0.0,
        measure=lambda t: separated_enclosure(max(enclosed(rates.EXPONENT, WEAK, LATE)[t], key=lambda one: one.upper), slow_count(t)),
        by="the exact probability along the means of the farthest pair, n = 2 + ⌊log(1 + t)⌋",
        false={
            "by-all": at_each_time("β enters as B", lambda t: rates.by_law(rates.EXPONENT, WEAK * (rates.CLASSES - 1), t, max)),
            "by-k-weak": at_each_time(
                "β enters as B/K, and separation at t = 10³ is less likely by 3e-4",
                lambda t: rates.by_law(rates.EXPONENT, WEAK * (rates.CLASSES - 1) / rates.CLASSES, t, max) if t == 1e3 else None,
            ),
        },
        evidence=ENCLOSED,
    ),
    claim(
        "inter-negative",
        "γ = (1+t)^{−1/2} separates every pair also against β = −5/(1+t): part (i) holds for any β",
        over=instances("t = {:g}", *EARLY),
        predict=1.0,
        measure=lambda t: separated_enclosure(min(enclosed(SLOW, NEGATIVE, EARLY)[t], key=lambda one: one.lower), slow_count(t)),
        by="the exact probability along the means of the nearest pair, n = 2 + ⌊log(1 + t)⌋",
        false={
            "as-deviations": at_each_time(
                "differences grow as deviations do, β < 0 weakens them",
                lambda t: separated_in_doubles(
                    math.exp(2.0 * (math.sqrt(1.0 + t) - 1.0) / rates.CLASSES) * (1.0 + t) ** (float(NEGATIVE) / (rates.CLASSES - 1)),
                    slow_count(t),
                    1.0 + t,
                ),
            ),
            "by-k-negative": at_each_time(
                "β enters as B/K",
                lambda t: rates.by_law(SLOW, NEGATIVE * (rates.CLASSES - 1) / rates.CLASSES, t, min) if t == 10.0 else None,
            ),
        },
        evidence=ENCLOSED,
    ),
    claim(
        "frequency",
        "paths are separated as often as the exact law predicts",
        over="classes 1 and 2",
        predict=lambda: rates.separated_with(rates.INTER),
        measure_all=lambda setting: [frequency(setting)],
        by="how often paths around integrated means end with classes 1 and 2 separated along d̂_1 − d̂_2",
        false={
            "without-pull": ("β does not move class differences", lambda: rates.separated_with(0.0)),
            "pull-by-k": ("β pulls with B/K", lambda: rates.separated_with(rates.INTER * (rates.CLASSES - 1) / rates.CLASSES)),
            "both-starts": ("the deviation is √(2 + t)", lambda: rates.separated_with(rates.INTER, spread=math.sqrt(2.0))),
        },
        **FREQUENCY,
    ),
)
