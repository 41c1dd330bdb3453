"""Penalties and constraints: every optimum of the one program is an optimum of the other, and which bounds determine which penalty."""

import math

from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, Variant, claim
from layerpeel.theory.layer_peeled._measured.own_energies import Case, Groups, excess, log_vanishing, multiplier


def named(groups: Groups) -> str:
    """As on the command line."""
    return "+".join(f"{classes}x{samples}" for classes, samples in groups)


TWO, TAIL = ((3, 60), (2, 6)), ((2, 100), (2, 30), (1, 5))
COUNTED = ("class", "sample")
CASES: dict[str, Case] = {
    f"{named(groups)}, by {counted}, decay {weights:g} and {features:g}": (groups, counted, weights, features)
    for groups, weights, features in ((TWO, 0.01, 0.01), (TWO, 0.002, 0.03), (TAIL, 0.01, 0.01))
    for counted in COUNTED
}
PLACES = {f"{named(groups)}, by {counted}": (groups, counted) for groups in (TWO, ((2, 40), (4, 8))) for counted in COUNTED}

ROOM = Room.of(
    Statement(
        name="dual-viewpoint",
        title="Penalties and constraints have the same optima, and zero has many penalties",
        latex=r"(W^\star,H^\star)\in\arg\min f+\tfrac{\lambda_W}2\|W\|^2+\tfrac{\lambda_H}2\|H\|_d^2\ \Rightarrow\ "
        r"(W^\star,H^\star)\in\arg\min f\ \text{s.t.}\ \|W\|^2\leq C_1,\ \|H\|_d^2\leq C_2,\qquad "
        r"C_1=C_2=0\iff\lambda\geq\max_k\frac{n_k}{N d_k}",
        assumptions=(
            "‖H‖_d² = Σ d_k²‖h_k‖², d_k = √n_k (by sample) or 1 (by class), C_1 = ‖W*‖², C_2 = ‖H*‖_d²",
            "cross-entropy loss, no bias, λ = √(λ_W λ_H)",
            "for the last part: two or more classes of the largest count",
        ),
        kind=Kind.EQUALITY,
        origin=Origin.SEED,
        source=Source("su2024", "Derivation, from the dual viewpoint, and: not a one-to-one mapping; the rest derived"),
        meaning="In the model, training with weight decay and training under bounds on the norms end in the same optimum, if features are "
        "counted alike in both. The strength of decay can be read off the norms, until it is so large that all logits are zero.",
    ),
    claim(
        "own-energies",
        "an optimum with penalties loses no more than the optimum under constraints at the energies that it spends",
        over=CASES,
        predict=lambda *_: {"own": 0.0},
        measure=lambda *case: {"own": excess(*case), "counted the other way": excess(*case, other=True)},
        by="two convex programs, each with its certificate: the loss of the one's point against the value of the other",
        false={
            "whichever-way-they-are-counted": Variant(
                "it does not matter whether the features' squares are counted by class or by sample",
                0.0,
                over={f"{label}, counted the other way": case for label, case in CASES.items()},
            ),
        },
        evidence=Evidence.CERTIFIED.within(1e-7, "gaps of 1e-11, and the slope of the value times the rounding of the energies"),
    ),
    claim(
        "and-back",
        "the multiplier of the constraint at those energies is the penalty λ: bounds above zero determine it",
        over=CASES,
        predict=lambda groups, counted, weights, features: math.sqrt(weights * features / weight_sum(groups, counted)),
        measure=multiplier,
        by="the multiplier, enclosed by values at radii a little smaller and larger",
        false={
            "arithmetic-mean": (
                "it is the mean of the two penalties",
                lambda groups, counted, weights, features: 0.5 * (weights + features / weight_sum(groups, counted)),
            ),
            "by-class-only": Variant(
                "it is λ counted by class",
                lambda groups, counted, weights, features: (
                    None if counted == "class" else math.sqrt(weights * features / weight_sum(groups, "class"))
                ),
            ),
        },
        evidence=Evidence.CERTIFIED.within(1e-6, "a gap of 1e-15 leaves the multiplier open by 1e-8"),
        origin=Origin.DERIVED,
    ),
    claim(
        "many-penalties-of-zero",
        "both bounds are zero for every λ from max n_k/(N d_k) on, and only from there (compared in logarithms)",
        over=PLACES,
        predict=lambda groups, counted: log_level(groups, 1.0 if counted == "class" else 0.5),
        measure=log_vanishing,
        by="bisection over certified solves: is the rank certainly zero, or certainly not?",
        false={
            "counted-the-other-way": (
                "the other power of n_k: √n_k/N by class, n_k/N by sample",
                lambda groups, counted: log_level(groups, 0.5 if counted == "class" else 1.0),
            ),
            "one-percent-early": (
                "they are zero one per cent earlier",
                lambda groups, counted: log_level(groups, 1.0 if counted == "class" else 0.5) - 0.01,
            ),
        },
        evidence=Evidence.CERTIFIED.within(4e-3, "certificates tell the phases at two penalties 3e-4 apart; mistakes of .05 % would show"),
        origin=Origin.DERIVED,
    ),
)


def weight_sum(groups: Groups, counted: str) -> float:
    """Σ d_k²: K, or N."""
    return float(sum(classes * (samples if counted == "sample" else 1) for classes, samples in groups))


def log_level(groups: Groups, power: float) -> float:
    """log of n_A to a power over N."""
    return power * math.log(groups[0][1]) - math.log(sum(classes * samples for classes, samples in groups))
