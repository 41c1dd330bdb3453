"""The threshold far out: small energies, large energies, and many classes at a fixed energy.

With ε = √(E_H E_W) = τ/K, φ = √(K/K_B), κ = 1 + (K_A − 1)φ and ℓ = log((√(K K_B) − K_B)/K_A):

    ε → 0:               R0 − 1 ~ K ε/(K_A (K − 1))
    ε → ∞:               log R0 = K (φ/κ) ε + (K_A − 1)(φ − 1) ℓ/κ − ½ log(K K_B) + o(1)
    K → ∞, K_A = αK:     R0 − 1 ~ (e^{ε/α} − 1)/K
    K → ∞, K_A fixed:    log R0 = K η − log K + ½ η (1 − e^{−2w}) + o(1),   η = ε/K_A,   w e^w = η.

Proofs: the first by derivatives at ζ = 0 with all class numbers free; all four by enclosures on whole rays.
"""

import math
from collections.abc import Callable
from itertools import pairwise, product

from flint import arb, ctx

from layerpeel.numerics import (
    PRECISION,
    Bracket,
    threshold_at_large_energies,
    threshold_at_small_energies,
    threshold_of_many_classes,
    threshold_of_many_minority_classes,
    to_bracket,
)
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, claim, instances
from layerpeel.theory.layer_peeled._in_symbols.tangent import BY_SIZE, STATED, tangent
from layerpeel.theory.layer_peeled._measured.extreme_thresholds import draw_classes, draw_energies, excess, measured
from layerpeel.theory.layer_peeled._threshold_limits import crowd_constant, line_at_infinity, log_excess, slope_at_zero

SIZES = ((5, 5), (3, 7), (7, 3), (1, 2), (2, 2), (1, 100), (100, 2))
"""(K_A, K_B) of the proofs on rays of energies."""
SHARES, FIXED, ROOTS = (0.25, 0.5, 0.75), (1, 2, 5), (0.5, 2.0)
"""α, K_A and ε of the proofs on rays of class numbers."""
RAYS = {
    "small": instances("log R0/ε, small ε, K_A={}, K_B={}", *SIZES),
    "slope": instances("log R0/ε, large ε, K_A={}, K_B={}", *SIZES),
    "constant": instances("log R0 − (Kφ/κ)ε, large ε, K_A={}, K_B={}", *SIZES),
    "many": instances("log K(R0 − 1), K_A={:g} K, ε={:g}", *product(SHARES, ROOTS)),
    "crowd": instances("log R0 − Kη + log K, K_A={}, ε={:g}", *product(FIXED, ROOTS)),
}
SMALL, LARGE, MANY = 1e-7, 1e8, 10**8
"""Where the rays begin: every ε up to the first, every ε from the second on, every K from the third on."""
SHARP = 1e-3
"""Widest enclosure of a ray that still confirms; it is as wide as the next term where the ray begins, at most 6e-5 (101 classes)."""

FALLING = instances("ε={:g}", 0.5, 0.1, 0.02, 0.004)
RISING = instances("ε={:g} to {:g}", *pairwise((1.0, 2.0, 4.0, 6.0)))
GROWING, CROWDED = instances("K={}", 10, 50, 250, 2000), instances("K={}", 4, 8, 16, 28)
"""Solved: ε towards 0 (K_A = 3, K_B = 2) and ∞ (K_A = K_B = 5), K with K_A = K/2 (ε = 1) and with K_A = 1 (ε = 1/2)."""
NEAR = 0.02
"""How near the last of them must be to the limit: the next terms are 1e-3, 3e-3, 7e-4 and 1.4e-2 there."""

SOLVED = "bisection over the enclosed geometry of block-symmetric logits, whose cost does not grow with the classes"

ROOM = Room.of(
    Statement(
        name="asymptotics",
        title="The threshold at extreme energies and for many classes",
        latex=r"R_0-1\sim\tfrac{K\varepsilon}{K_A(K-1)}\ (\varepsilon\to0),\quad"
        r"\log R_0\sim\tfrac{K\varphi}{\kappa}\,\varepsilon\ (\varepsilon\to\infty),\quad"
        r"R_0-1\sim\tfrac{e^{\varepsilon/\alpha}-1}{K}\ (K\to\infty,\ K_A=\alpha K)",
        assumptions=(
            "two groups of classes, K_B ≥ 2, cross-entropy loss",
            "ε = √(E_H E_W), φ = √(K/K_B), κ = 1 + (K_A − 1)φ",
            "the tangent at ε = 0 for all class numbers; on rays the class numbers, shares and energies listed",
        ),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
        source=Source("su2024", "Minority Collapse, for the threshold; its asymptotics derived"),
        meaning="In the model with two sizes of classes, small norms tolerate almost no imbalance and large ones exponentially much. With "
        "very many classes, at fixed norms and a fixed share of large ones, even slight imbalance collapses the rare classes.",
    ),
    claim(
        "tangent",
        "d log R0/dε = K/(K_A (K − 1)) at ε = 0, for all class numbers",
        over="d log R0/dε at ε = 0",
        predict=lambda: STATED,
        measure=tangent,
        by="K (d log R0/dζ)/(dτ/dζ) at ζ = 0, differentiated for all class numbers at once",
        false={"tangent-by-size": ("the tangent is 1/K_A", lambda: BY_SIZE)},
        evidence=Evidence.PROOF,
    ),
    claim(
        "rays",
        "the leading terms hold to 0.001 for every ε ≤ 1e-7, every ε ≥ 1e8, and every K ≥ 1e8 at fixed energies",
        over="",
        predict=lambda: on_rays(
            small=slope_at_zero,
            slope=lambda *sizes: line_at_infinity(*sizes)[0],
            constant=lambda *sizes: line_at_infinity(*sizes)[1],
            many=log_excess,
            crowd=crowd_constant,
        ),
        measure=lambda: on_rays(
            small=lambda a, b: threshold_at_small_energies(a, b, SMALL),
            slope=lambda a, b: threshold_at_large_energies(a, b, LARGE)[0],
            constant=lambda a, b: threshold_at_large_energies(a, b, LARGE)[1],
            many=lambda share, root: threshold_of_many_classes(share, root, MANY).log(),
            crowd=lambda majority, root: threshold_of_many_minority_classes(majority, root, MANY),
        ),
        by="enclosures for every ε ≤ 1e-7, every ε ≥ 1e8, every K ≥ 1e8, in balls",
        false={
            "small-by-size": ("log R0/ε → 1/K_A as ε → 0", lambda: on_rays(small=lambda majority, _: 1 / arb(majority))),
            "even-split": (  # as if all singular values shared the energy alike: φ = 1
                "log R0/ε → K/K_A as ε → ∞",
                lambda: on_rays(slope=lambda majority, minority: arb(majority + minority) / majority),
            ),
            "half-forgotten": (
                "the constant holds log(K K_B)",
                lambda: on_rays(constant=lambda a, b: line_at_infinity(a, b)[1] - arb((a + b) * b).log() / 2),
            ),
            "share-forgotten": ("R0 − 1 ~ (e^ε − 1)/K for any share", lambda: on_rays(many=lambda _, root: log_excess(1.0, root))),
            "constant-forgotten": ("R0 ~ e^{Kη}/K at fixed K_A", lambda: on_rays(crowd=lambda *_: arb(0))),
        },
        evidence=Evidence.PROOF.within(SHARP, "an enclosure of a whole ray is as wide as the next term where the ray begins"),
    ),
    claim(
        "small-energies",
        "measured log R0/ε, 3 classes against 2, approaches the tangent",
        over=FALLING,
        predict=lambda _: in_balls(slope_at_zero, 3, 2),
        measure=lambda root: measured(3, 2, root, 1e-6) / Bracket.exactly(root),
        by=SOLVED,
        false={
            "exponent": ("R0 − 1 is of the order of E_H E_W", 0.0),
            "tangent-by-size-solved": ("it approaches 1/K_A", lambda _: in_balls(lambda: 1 / arb(3))),
        },
        evidence=Evidence.CERTIFIED.within(NEAR, "the next term of the expansion at the last instance: 1e-3"),
        kind=Kind.LIMIT,
    ),
    claim(
        "large-energies",
        "the slope of measured log R0, 5 against 5, approaches Kφ/κ",
        over=RISING,
        predict=lambda *_: in_balls(lambda: line_at_infinity(5, 5)[0]),
        measure=lambda low, high: (measured(5, 5, high, 1e-3) - measured(5, 5, low, 1e-3)) / Bracket.exactly(high - low),
        by=SOLVED,
        false={"even-split-solved": ("the slope approaches K/K_A", 2.0)},
        evidence=Evidence.CERTIFIED.within(NEAR, "the next term of the expansion at the last instance: 3e-3"),
        kind=Kind.LIMIT,
    ),
    claim(
        "many-classes",
        "measured log K(R0 − 1) approaches log(e^{2ε} − 1), K_A = K/2",
        over=GROWING,
        predict=lambda _: in_balls(log_excess, 0.5, 1.0),
        measure=lambda classes: excess(classes, measured(classes // 2, classes // 2, 1.0, 1e-6)),
        by=SOLVED,
        false={
            "inverse-square": (
                "R0 − 1 falls like 1/K²",
                lambda classes: in_balls(lambda: log_excess(0.5, 1.0) + (arb(10) / classes).log()),
            ),
            "one-forgotten": ("R0 − 1 ~ e^{2ε}/K", 2.0),
        },
        evidence=Evidence.CERTIFIED.within(NEAR, "the next term of the expansion at the last instance: 7e-4"),
        kind=Kind.LIMIT,
    ),
    claim(
        "many-minority-classes",
        "measured log R0 − Kε + log K approaches its constant, K_A = 1",
        over=CROWDED,
        predict=lambda _: in_balls(crowd_constant, 1, 0.5),
        measure=lambda classes: measured(1, classes - 1, 0.5, 1e-4) + Bracket.exactly(math.log(classes) - 0.5 * classes),
        by=SOLVED,
        false={
            "no-logarithm": ("R0 grows like e^{Kη}", lambda classes: in_balls(lambda: arb(classes).log())),
            "half-forgotten-solved": ("the constant is η (1 − e^{−2w})", lambda _: in_balls(lambda: 2 * crowd_constant(1, 0.5))),
        },
        evidence=Evidence.CERTIFIED.within(
            NEAR, "the next term of the expansion at the last instance: 1.4e-2, and for more classes R0 is beyond what certificates resolve"
        ),
        kind=Kind.LIMIT,
    ),
    figures=(lambda _: draw_energies(), lambda _: draw_classes()),
)


def in_balls(value: Callable[..., arb], *case: float) -> Bracket:
    """A closed form evaluated in balls."""
    with ctx.workprec(PRECISION):
        return to_bracket(value(*case))


def on_rays(**values: Callable[..., arb]) -> dict[str, Bracket]:
    """Each function on the rays that its name says."""
    return {label: in_balls(value, *case) for name, value in values.items() for label, case in RAYS[name].items()}
