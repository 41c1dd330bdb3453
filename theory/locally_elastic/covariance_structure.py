"""Noise that differs between directions: the best direction is Fisher's, and the quietest one decides when classes separate."""

import math
from itertools import product

import numpy as np

from layerpeel.numerics import Bracket
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, claim, instances
from layerpeel.theory.locally_elastic._along_directions import ROUNDING, angle_of, chance, draw_window, limit_angle
from layerpeel.theory.locally_elastic._best_directions import ANGLE, best_angle, least_share
from layerpeel.theory.locally_elastic._noise_along_axes import (
    ALONG,
    CLASSES,
    FISHER,
    POWERS,
    READ,
    STRENGTH,
    counted_at,
    late_slopes,
)
from layerpeel.theory.locally_elastic._paths import SHARP, SIZED, paths_needed

# Features of class k are N(X̄^k(t), S_k(t)) with S_k = Cov at time 0 + ∫Σ_k. Along ν two classes have the gap ν·D, D = X̄^k − X̄^l, and
# deviations √(νᵀS_kν), √(νᵀS_lν).
# S_k = S_l = S: the probability of order increases with ν·D/√(νᵀSν) alone, for every n, so ν = S^{−1}D (Fisher) is best, with DᵀS^{−1}D
# deviations². Along D itself they are (DᵀD)²/(DᵀSD): by Kantorovich's inequality at least the share 4κ/(1 + κ)² of it, κ the condition
# of S. So as long as κ is bounded, no rate changes. If noise accumulates as t^{a_i} along q_i and D ∝ t^{c/K}, then signal over noise grows
# as t^{c/K − a_min/2} along Fisher's direction but as t^{c/K − a_max/2} along D (when D has a part along both).
# S_k ≠ S_l: extremes of n → ∞ normal variables are √(2 log n) deviations out, so the best direction maximises
# ν·D/(√(νᵀS_kν) + √(νᵀS_lν)) in the limit: ν = (S_k/s_k + S_l/s_l)^{−1}D, s_k = √(νᵀS_kν) (Anderson and Bahadur).

DIFFERENCE = np.array([1.0, 0.6])
"""D up to its length."""
COVARIANCES = {
    "along the axes": np.diag([4.0, 0.25]),
    "correlated": np.array([[2.0, 1.0], [1.0, 1.0]]),
    "anticorrelated": np.array([[1.0, -0.5], [-0.5, 0.7]]),
}
"""S = S_k = S_l, two features."""
UNEQUAL = (np.array([[4.0, 1.8], [1.8, 1.0]]), np.array([[0.3, -0.1], [-0.1, 0.2]]))
"""S_k and S_l."""
FEW = 10
"""Samples per class; many on the way to infinity, where the limit is approached as 1/log n."""

WATCHED, LATE = (1.0, 8.0), 1e4
"""Times at which all probabilities lie between .2 and .8: Fisher's rises, that along the means falls; time of the exponents."""

ROOM = Room.of(
    Statement(
        name="covariance-structure",
        title="Noise that differs between directions",
        latex=r"\nu^\star=S^{-1}(\bar X^k-\bar X^l);\qquad \gamma=\tfrac ct,\ S=\mathrm{diag}(t^{a_i}):\quad"
        r"c^\star_{\text{Fisher}}=\tfrac K2\min_i a_i\ <\ c^\star_{\text{means}}=\tfrac K2\max_i a_i",
        assumptions=(
            "Gaussian features around deterministic means, covariance S the same in both classes unless said otherwise",
            "I-model; the means differ along every axis of S",
            "separation along one direction for all samples; hyperplanes fitted to the samples can do better",
        ),
        kind=Kind.EQUALITY,
        origin=Origin.CONJECTURE,
        source=Source("zhang2021", "slides, Future Works: Finer-Grained Analysis and the Covariance Structure"),
        meaning="When features are noisier in some directions than in others, the direction that separates best is not the difference of "
        "class means but Fisher's, which discounts the noisy ones. In the model the quietest direction decides when classes separate.",
    ),
    claim(
        "best-direction",
        "with equal covariances S^{−1}D is the direction of the largest probability",
        over=instances("{}", *COVARIANCES),
        predict=lambda name: Bracket.around(angle_of(np.linalg.solve(COVARIANCES[name], DIFFERENCE)), ANGLE),
        measure=lambda name: Bracket.around(best_angle(COVARIANCES[name], COVARIANCES[name], FEW, 3.0, DIFFERENCE), ANGLE),
        by="the angle that maximises the exact probability for 10 samples per class",
        false={"means": ("the difference of the means is the best direction", lambda _: angle_of(DIFFERENCE))},
        evidence=Evidence.EMPIRICAL.within(
            30 * ANGLE, "a maximiser in doubles is found to the root of the precision; ten times what is allowed for it, and more"
        ),
    ),
    claim(
        "loss-along-the-means",
        "along D itself at least the share 4κ/(1 + κ)² of the squared signal is left, and no more in the worst case",
        over=instances("κ = {:g}", 2.0, 10.0, 100.0),
        predict=lambda kappa: Bracket.around(4 * kappa / (1 + kappa) ** 2, ROUNDING),
        measure=lambda kappa: Bracket.around(least_share(kappa), 10 * ANGLE**2),
        by="the least (DᵀD)²/(DᵀSD · DᵀS^{−1}D) for S = diag(1, κ), over a grid of directions D",
        false={
            # as if the means could differ along the loudest direction and still be read along the quietest
            "one-over-kappa": ("the share can be as small as 1/κ", lambda kappa: 1 / kappa),
            "square-inside": ("the share is at least 4κ/(1 + κ²)", lambda kappa: 4 * kappa / (1 + kappa**2)),
        },
        evidence=Evidence.EMPIRICAL.within(
            1e-5, "the minimum is flat: an angle off by 1e-4 changes it by 1e-8, and ten times that is allowed"
        ),
    ),
    claim(
        "exponents",
        "signal over noise grows with c/K − a_min/2 along Fisher's direction, with c/K − a_max/2 along the means",
        over="",
        predict=lambda: {FISHER: STRENGTH / CLASSES - min(POWERS) / 2, ALONG: STRENGTH / CLASSES - max(POWERS) / 2},
        measure=lambda: late_slopes(LATE),
        by="the slope of log(signal over noise) in log t, with means and variances integrated",
        false={
            "loudest-decides": (
                "the loudest direction decides along both",
                lambda: dict.fromkeys((FISHER, ALONG), STRENGTH / CLASSES - max(POWERS) / 2),
            ),
            "by-variance": (
                "exponents are c/K − a_i",
                lambda: {FISHER: STRENGTH / CLASSES - min(POWERS), ALONG: STRENGTH / CLASSES - max(POWERS)},
            ),
        },
        rounding=READ,
        evidence=Evidence.EMPIRICAL.within(1e-3, "read to 1e-5 where both directions are 10⁶ apart"),
    ),
    claim(
        "window",
        "for K a_min/2 < c < K a_max/2 separation grows more likely along Fisher's direction, and less along the means",
        over=instances("{}, t = {:g}", *product((FISHER, ALONG), WATCHED)),
        predict=lambda name, time: chance(name, time, POWERS),
        measure_all=lambda setting: counted_at(setting, WATCHED, paths_needed(setting.level)),
        by="paths at both times",
        false={
            # as if they were as likely along the means, which are the same
            "no-window": (
                "the means decide along both directions",
                lambda name, time: chance(FISHER, time, POWERS) if name == ALONG else None,
            ),
            "without-the-one": (
                "means and noise grow with t for 1 + t",
                lambda name, time: chance(name, time - 1.0, POWERS) if time > 1.0 else None,
            ),
            "mean-noise": ("the mean exponent decides", lambda name, time: chance(name, time, (sum(POWERS) / 2, sum(POWERS) / 2))),
        },
        evidence=Evidence.STATISTICAL.within(SHARP, SIZED, headroom=2.0),
        kind=Kind.PROBABILITY,
    ),
    claim(
        "unequal-covariances",
        "with S_k ≠ S_l the best direction tends to (S_k/s_k + S_l/s_l)^{−1}D as n → ∞",
        over=instances("n = {:g}", 1e3, 1e6, 1e12, 1e24, 1e99),
        predict=lambda _: limit_angle(UNEQUAL, DIFFERENCE, root=True),
        measure=lambda count: Bracket.around(best_angle(*UNEQUAL, count, 1.3 * math.sqrt(2 * math.log(count)), DIFFERENCE), ANGLE),
        by="the angle that maximises the exact probability, the means 1.3√(2 log n) apart so that it stays away from zero",
        false={
            # Fisher's direction
            "pooled": ("it tends to (S_k + S_l)^{−1}D", lambda _: angle_of(np.linalg.solve(sum(UNEQUAL), DIFFERENCE))),
            "by-squares": ("it tends to (S_k/s_k² + S_l/s_l²)^{−1}D", lambda _: limit_angle(UNEQUAL, DIFFERENCE, root=False)),
        },
        rounding=ROUNDING,
        evidence=Evidence.EMPIRICAL.within(5e-3, "the distance falls as 1/log n; at n = 1e99 it is 2e-3"),
        kind=Kind.LIMIT,
    ),
    figures=(lambda setting: draw_window(setting),),
)
