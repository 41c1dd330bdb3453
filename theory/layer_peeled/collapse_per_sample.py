"""Where minority classifiers collapse when features are averaged over samples, as weight decay does: R0, and sampling against weights."""

import math
from typing import Any

import sympy

from layerpeel.numerics import Bracket, collapse_threshold, loss_threshold, vanishing_threshold
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, claim, instances
from layerpeel.theory.layer_peeled._closed_forms import predicted
from layerpeel.theory.layer_peeled._in_symbols.per_sample import SQUARES, identities
from layerpeel.theory.layer_peeled._measured.per_sample_switches import ENERGY, RATIO, SIZES, factor_switch, switch, vanishing_switch

CASES = ((3, 3, 1.0), (2, 5, 0.5), (4, 2, 1.0), (1, 3, 0.2))
"""(K_A, K_B, E_H) at E_W = 1, E_H a mean over samples."""
DECAYS = ((3, 3, 0.25), (2, 5, 0.25), (4, 2, 0.2))
"""(K_A, K_B, λ)."""
VANISHING = ((3, 3, 0.5), (5, 2, 0.5), (2, 6, 0.02))
"""(K_A, K_B, E_H) where there is a second phase."""
FACTOR = 2.0

ROOM = Room.of(
    Statement(
        name="collapse-per-sample",
        title="Where minority classifiers collapse when energies count samples",
        latex=r"\tfrac1N\sum_{k,i}\|h_{k,i}\|^2\leq E_H:\quad w_k=w_l\ (k,l\text{ minority})\iff R\geq R_0;\qquad "
        r"\text{weight decay }\lambda:\ R_0=\frac{\lambda^{-2}-K_B}{K_A}",
        assumptions=(
            "two groups of classes, K_B ≥ 2",
            "cross-entropy loss",
            "weight decay λ: (λ/2)‖W‖² + (λ/2N) Σ‖h‖² is added to the mean loss",
        ),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
        source=Source("hong2023", "the sharp threshold of minority collapse, for penalties; energies derived"),
        meaning="When feature norms are averaged over samples, as weight decay counts them, the rarer of two sizes of classes share one "
        "classifier in the model from a known imbalance on. Doubling their loss weight can part them where doubling their samples does "
        "not.",
    ),
    claim(
        "uniqueness",
        "the equalities by which the radius increases along the boundary, for every K_A and K_B",
        over="",
        predict=lambda: dict.fromkeys(identities(1), sympy.Integer(0)),
        measure=lambda: identities(1),
        by="both sides as functions of w = r_B/r_A, all symbols free",
        false={"swapped": ("(K r_B)² − (K_A + K_B w)² = 2 K_A K_B (w − 1)²", lambda: {SQUARES: identities(2)[SQUARES]})},
        evidence=Evidence.PROOF,
    ),
    claim(
        "threshold",
        "R0 is the root of two nested equations (compared in logarithms)",
        over=instances("log R0 at K_A={}, K_B={}, E_H={:g}", *CASES),
        predict=lambda a, b, energy: log_threshold(a, b, feature_energy=energy, norm_weights="sample"),
        measure=lambda a, b, energy: switch(a, b, feature_energy=energy, norm_weights="sample").bracket,
        by="log R0 between a ratio where the margin between minority classes is certainly positive, and one where it certainly is zero: "
        "semidefinite programs with their certificate; the multiplier is not looked at",
        false={
            "per-class": ("R0 is that of energies averaged over classes", lambda a, b, energy: log_threshold(a, b, feature_energy=energy)),
            "one-percent-off": (
                "R0 is 1 % larger",
                lambda a, b, energy: log_threshold(a, b, feature_energy=energy, norm_weights="sample") + Bracket.exactly(math.log(1.01)),
            ),
        },
        evidence=Evidence.CERTIFIED.within(4e-3, "semidefinite programs certify a margin, and its absence, at two ratios 3e-4 apart"),
    ),
    claim(
        "weight-decay",
        "under weight decay λ, R0 = (1/λ² − K_B)/K_A (compared in logarithms)",
        over=instances("log R0 at K_A={}, K_B={}, λ={:g}", *DECAYS),
        predict=lambda a, b, decay: predicted(math.log((decay**-2 - b) / a)),
        measure=lambda a, b, decay: switch(a, b, weight_decay=decay).bracket,
        by="as before",
        false={
            "by-classes": ("R0 = (1/λ² − K_A)/K_B", lambda a, b, decay: predicted(math.log((decay**-2 - a) / b)) if a != b else None),
            "decay-one-percent-off": ("R0 is 1 % larger", lambda a, b, decay: predicted(math.log(1.01 * (decay**-2 - b) / a))),
        },
        evidence=Evidence.CERTIFIED.within(4e-3, "the ratios are 3e-4 apart"),
    ),
    claim(
        "vanishing",
        "where R1 exists, the minority classifiers are zero from it on (compared in logarithms)",
        over=instances("log R1 at K_A={}, K_B={}, E_H={:g}", *VANISHING),
        predict=lambda a, b, energy: log_vanishing(a, b, energy, "sample"),
        measure=lambda a, b, energy: vanishing_switch(a, b, energy).bracket,
        by="log R1 between a ratio where a minority classifier certainly is not zero and one where the block between groups certainly is",
        false={
            "vanishing-one-percent-off": (
                "R1 is 1 % larger",
                lambda a, b, energy: log_vanishing(a, b, energy, "sample") + Bracket.exactly(math.log(1.01)),
            )
        },
        evidence=Evidence.CERTIFIED.within(4e-3, "the ratios are 3e-4 apart"),
    ),
    claim(
        "sampling-and-weights",
        "at R = 10, E_H = 1 and K_A = K_B = 3 a factor of two separates the minority by weights in the loss, and not by sampling",
        over=instances("log w by {}", ("weights",), ("oversampling",)),
        predict=lambda by: log_factor(by),
        measure=lambda by: factor_switch(by).bracket,
        by="a factor at which the margin between minority classes certainly is zero, and one at which it certainly is positive",
        false={
            "the-other": ("it is the other's", lambda by: log_factor("weights" if by == "oversampling" else "oversampling")),
            "by-a-factor-of-two": ("it is two", math.log(FACTOR)),
        },
        evidence=Evidence.CERTIFIED.within(4e-3, "the factors are 3e-4 apart"),
    ),
)


def log_threshold(majority: int, minority: int, **model: Any) -> Bracket:
    """log R0."""
    closed = collapse_threshold(majority, minority, digits=20, **model)
    return predicted(math.log(float(closed.lower)))


def log_vanishing(majority: int, minority: int, energy: float, mean: str) -> Bracket:
    """log R1."""
    closed = vanishing_threshold(majority, minority, feature_energy=energy, norm_weights=mean, digits=20)
    if closed is None:
        raise ArithmeticError(f"{majority} and {minority} classes have no second phase at {energy}; choose another energy.")
    return predicted(math.log(float(closed.lower)))


def log_factor(by: str) -> Bracket:
    """log of R over R0, or over the threshold of the loss."""
    if by == "weights":
        return predicted(math.log(RATIO / loss_threshold(*SIZES, RATIO, feature_energy=ENERGY, norm_weights="sample")))
    return Bracket.exactly(math.log(RATIO)) - log_threshold(*SIZES, feature_energy=ENERGY, norm_weights="sample")
