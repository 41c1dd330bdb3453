"""The exact Gaussian criterion: for any H the probability of separation along a direction is one integral."""

import math
from itertools import combinations

import numpy as np

from layerpeel.numerics import Proportion, enclose_ordered_probability, to_bracket
from layerpeel.theory import Evidence, Kind, Origin, Room, Setting, Source, Statement, Variant, claim, instances
from layerpeel.theory.locally_elastic import _any_similarity as model
from layerpeel.theory.locally_elastic._closed_forms import separated_by_law
from layerpeel.theory.locally_elastic._integrated_means import integrated_means, two_parameter
from layerpeel.theory.locally_elastic._paths import FREQUENCY, separated_frequency

PAIRS = {f"classes {k + 1} and {j + 1}": (k, j) for k, j in combinations(range(model.CLASSES), 2)}
COUNTS = instances("n = {}", 1, 2, 5, 20)

ROOM = Room.of(
    Statement(
        name="separation-general-gaussian",
        title="The exact probability of separation along a direction, for any H",
        latex=r"P(\nu^\top\tilde X^k<\nu^\top\tilde X^l)=\int n\,\varphi_k(x)\,(1-\Phi_k(x))^{n-1}\,\Phi_l(x)^n\,dx",
        assumptions=(
            "any H, E(t) and Σ_k(t); independent Gaussian features at time 0",
            "each sample driven by the class means, which obey the LE-ODE",
            "φ_k, Φ_k of N(νᵀX̄^k, νᵀ(S_k + ∫Σ_k)ν), S_k the covariance at time 0",
        ),
        kind=Kind.PROBABILITY,
        origin=Origin.DERIVED,
        source=Source("zhang2021", "slides, equations (7) and (8)"),
        meaning="How probably two classes split along a given direction is one integral over means, noise and sample numbers, whatever "
        "the couplings between classes. It replaces simulation; the best of all hyperplanes may still do better.",
    ),
    claim(
        "frequency",
        "paths of a model with positive definite H and unequal noise are separated as often as the integral says",
        over=PAIRS,
        predict=lambda *pair: separated_by_law(model.exact_law(), samples=model.SAMPLES, pair=pair, along=model.DIRECTION),
        measure_all=lambda setting: [frequency(setting, pair) for pair in PAIRS.values()],
        by="how often paths around integrated means end with two classes separated along ν",
        false={
            "i-model": ("differences grow as e^{Γ/K} for any H", lambda *pair: model.integral(model.as_the_i_model(), pair, start=1.0)),
            "independent-pairs": ("pairs are ordered independently", lambda *pair: model.as_independent(pair)),
            "noise-alone": ("s_k² = νᵀ∫Σ_kν", lambda *pair: model.integral(model.exact_means(), pair, start=0.0)),
        },
        **FREQUENCY,
    ),
    claim(
        "by-chance",
        "for equal laws the integral is n!²/(2n)!",
        over=COUNTS,
        predict=lambda count: 1 / math.comb(2 * count, count),
        measure=lambda count: to_bracket(enclose_ordered_probability(0.0, deviations=(1.5, 1.5), counts=(count, count))),
        by="the integral at equal means and deviations, enclosed",
        false={
            "coin": ("the integral is 2^{−2n} for equal laws", lambda count: 0.25**count),
            "stirling": Variant(
                "it is √(πn) 2^{−2n}, Stirling's limit, by 5e-14 less at n = 20",
                lambda count: math.sqrt(math.pi * count) * 0.25**count,
                over=instances("n = {}", 20),
            ),
        },
        evidence=Evidence.CERTIFIED.within(1e-14, "an enclosure in ball arithmetic, rounded to doubles"),
    ),
)


def frequency(setting: Setting, pair: tuple[int, int]) -> Proportion:
    """By paths around means that are integrated from E and H."""

    def elasticity(time: float) -> np.ndarray:
        return two_parameter(1.0 + math.sin(3.0 * time), math.exp(-time) - 0.5, model.CLASSES)

    means = integrated_means(elasticity, model.SIMILARITY, model.START, (model.END,)).means(0)
    return separated_frequency(
        setting,
        means,
        model.END,
        samples=model.SAMPLES,
        pair=pair,
        along=model.DIRECTION,
        noise=model.NOISE,
        spread=model.SPREAD,
    )
