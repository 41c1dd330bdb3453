"""At the optimum every feature is its class mean, and any share of within-class variation has its price."""

import sympy

from layerpeel.numerics import Bracket, energy_radius
from layerpeel.solvers import solve_samples
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, claim, instances
from layerpeel.theory.layer_peeled._closed_forms import optimal_value, predicted
from layerpeel.theory.layer_peeled._in_symbols.variation import STATED, differentiated
from layerpeel.theory.layer_peeled._measured.spread_within_classes import above_tangent, cheapest, descended, leaning

CASES = instances("{0}×{2} + {1}×{3}, E_H={4:g}", (2, 2, 6, 2, 2.0), (3, 2, 4, 2, 1.0), (2, 2, 3, 3, 1.0))
"""(K_A, K_B, n_A, n_B, E_H) at E_W = 1: two with imbalance, one without."""
LARGEST = 0.3
SHARES = instances("{0}×{2} + {1}×{3}, E_H={4:g}, v={5:g}", *((*case, v) for case in CASES.values() for v in (0.001, 0.01, 0.1, LARGEST)))
"""With v: within-class variance over E_H."""

ROOM = Room.of(
    Statement(
        name="strict-variability-collapse",
        title="Features of one class coincide, and variation has its price",
        latex=r"h_{k,i}=\bar h_k;\qquad \text{with a share } v \text{ of the energy within classes:}\quad "
        r"f-f^\star\geq f^\star\!\big(\tau\sqrt{1-v}\big)-f^\star(\tau)\geq\lambda\tau\big(1-\sqrt{1-v}\big)",
        assumptions=(
            "every sample has a feature of its own, p ≥ rank + 1",
            "cross-entropy loss (any convex loss for the first inequality)",
            "v E_H = (1/K) Σ_k (1/n_k) Σ_i ‖h_{k,i} − h̄_k‖², λ > 0 the multiplier of ‖Z‖_* ≤ τ",
        ),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
        source=Source("su2024", "Layer-Peeled Model, h_{k,i} depends on the class only; the price is derived"),
        meaning="At the model's optimum all features of a class coincide, and any spread inside classes costs loss at least in proportion "
        "to its share of the feature norms. Spread left in a network is therefore a distance from that optimum, not a free choice.",
    ),
    claim(
        "jensen",
        "within-class variance adds to the energy, and the loss is convex in the logits",
        over="",
        predict=lambda: STATED,
        measure=differentiated,
        by="(1/n) Σ h_i² and d²/dt² of log Σ e^{z + t u} at t = 0, by differentiation",
        false={
            # in which variation along the classifiers would be free
            "flat": ("the loss has no curvature", lambda: {"second derivative": sympy.Integer(0)})
        },
        evidence=Evidence.PROOF,
    ),
    claim(
        "sample-by-sample",
        "a feature for every sample gains nothing over a feature for every class",
        over=CASES,
        predict=lambda *case: predicted(optimal(*case)),
        measure=lambda majority, minority, big, small, energy: solve_samples(
            [big] * majority + [small] * minority, [1] * (majority + minority), feature_energy=energy
        ),
        by="the certified optimum of the program in which every sample has a feature of its own",
        false={
            "freedom-helps": ("features per sample are worth 0.1 % of energy", lambda *case: predicted(optimal(*case, kept=1.001))),
            "freedom-helps-a-little": ("they are worth 0.001 % of energy", lambda *case: predicted(optimal(*case, kept=1.00001))),
        },
        evidence=Evidence.CERTIFIED.within(1e-6, "the certified gap of the sample-level program is near 1e-9"),
    ),
    claim(
        "price",
        "the cheapest configuration with share v is worse by f*(τ√(1−v)) − f*(τ)",
        over=SHARES,
        predict=lambda *case: price(1 - case[5], *case[:5]),
        measure_all=lambda setting: [cheapest(*case, rng=setting.rng) for case in SHARES.values()],
        by="from above: the optimum at energy (1 − v) E_H, with random variation orthogonal to the classifiers that fills the rest, its "
        "loss taken sample by sample; from below: by Jensen no configuration is better than its means, and they have energy (1 − v) E_H",
        false={
            "orthogonal-is-free": ("within-class variation orthogonal to the classifiers costs nothing at fixed energy", 0.0),
            "second-order": (
                "the price is quadratic in v",
                lambda *case: predicted(price(1 - LARGEST, *case[:5]).middle * (case[5] / LARGEST) ** 2),
            ),
            "both-energies": (
                "the price is f*(τ(1−v)) − f*(τ), since classifiers lose as much as features",
                lambda *case: price((1 - case[5]) ** 2, *case[:5]),
            ),
            "root-to-first-order": ("the price is f*(τ(1 − v/2)) − f*(τ)", lambda *case: price((1 - case[5] / 2) ** 2, *case[:5])),
        },
        evidence=Evidence.CERTIFIED.within(1e-9, "two certified values, each enclosed to about 1e-11"),
    ),
    claim(
        "any-direction",
        "variation in any direction costs at least that",
        over=SHARES,
        predict=lambda *case: price(1 - case[5], *case[:5]),
        measure_all=lambda setting: [leaning(*case, rng=setting.rng) for case in SHARES.values()],
        by="the excess of a configuration with share v whose variation points partly along the classifiers: across them three times as far",
        false={
            "both-energies-in-any-direction": (
                "variation in any direction costs at least f*(τ(1−v)) − f*(τ)",
                lambda *case: price((1 - case[5]) ** 2, *case[:5]),
            ),
            "one-sample-fewer": (
                "it costs at least what a share v N/(N − 1) does, as if variation were averaged over N − 1 samples",
                lambda a, b, big, small, energy, share: price(1 - share / (1 - 1 / (a * big + b * small)), a, b, big, small, energy),
            ),
            "share-of-the-means": (
                "it costs at least what a share v/(1 − v) does, as if v were counted in the energy of the means",
                lambda *case: price(1 - case[5] / (1 - case[5]), *case[:5]),
            ),
        },
        evidence=Evidence.CERTIFIED,
        kind=Kind.LOWER_BOUND,
    ),
    claim(
        "tangent",
        "that price is at least λτ(1 − √(1−v)) ≥ λτ v/2, so it is never zero",
        over=SHARES,
        predict=0.0,
        measure=above_tangent,
        by="f*(τ√(1 − v)) − f*(τ) − λτ(1 − √(1 − v)), from two certified values and the certified multiplier",
        false={
            # λτ v/2 ≥ v/10 here
            "twice-the-slope": ("the price is at least λτ v", lambda *case: 0.1 * case[5]),
            "a-tenth-steeper": ("the price is at least 1.1 λτ v/2", lambda *case: 0.01 * case[5]),
        },
        evidence=Evidence.CERTIFIED,
        kind=Kind.LOWER_BOUND,
    ),
    claim(
        "descent",
        "descent over all features from random starts ends without within-class variance",
        over=CASES,
        predict=0.0,
        measure_all=lambda setting: [descended(*case, rng=setting.rng) for case in CASES.values()],
        by="the largest share v at the end of L-BFGS over all features and classifiers, each normalised onto its energy sphere",
        false={
            "some-stays": ("0.1 % of the energy stays within the classes", 1e-3),
            "a-little-stays": ("0.001 % of the energy stays within the classes", 1e-5),
        },
        evidence=Evidence.EMPIRICAL.within(1e-6, "fifty times the allowance for where L-BFGS stops, to either side"),
    ),
)


def optimal(majority: int, minority: int, big: int, small: int, energy: float, kept: float = 1.0) -> float:
    """f*(τ) of the classes in closed form, at a multiple of the feature energy."""
    return optimal_value(majority, minority, big / small, energy_radius(majority + minority, kept * energy, 1.0))


def price(kept: float, majority: int, minority: int, big: int, small: int, energy: float) -> Bracket:
    """f*(τ√kept) − f*(τ): the energy that goes into variation is missing in the means."""
    case = majority, minority, big, small, energy
    return predicted(optimal(*case, kept) - optimal(*case))
