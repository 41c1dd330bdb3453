"""The lemma for three losses: how many dimensions are enough, and when features and classifiers are the same up to a rotation."""

from layerpeel.solvers import Enclosures, LayerPeeled, solve
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, Variant, claim, instances
from layerpeel.theory.layer_peeled._measured import optimal_factors as factors

CLASSES = 4
ENERGIES = {"cross-entropy": 4.0, "squared": 0.6}
COUNTS = ((1, 1, 1, 1), (5, 3, 2, 1))
RANKS = instances("{}, n = {}, E_H={:g}", *((loss, n, energy) for loss, energy in ENERGIES.items() for n in COUNTS))
DIMENSIONS = instances("τ={:g}, p={}", (0.9, 1), (0.9, 2), (0.9, 3), (0.9, 4), (0.9, 8), (2.5, 3), (2.5, 4))
LABEL = "{}, {}, τ={:g}, p={}"
ALIKE = instances(
    LABEL,
    *(("cross-entropy", counts, 4.0, p) for counts in factors.SHARES for p in (3, 8)),
    *(("squared error", counts, 3.0, p) for counts in factors.SHARES for p in (4, 8)),
    ("summed hinge", "unequal", 0.5, 3),
)
SPARE = instances(LABEL, ("squared error", "balanced", 4.0004, 8), ("squared error", "unequal", 4.04, 4))
SUMMED = instances(LABEL, ("summed hinge", "balanced", 0.5, 3), ("summed hinge", "balanced", 0.5, 1))

ROOM = Room.of(
    Statement(
        name="unique-up-to-rotation",
        title="The lemma for other losses: dimensions, and when optima are the same up to a rotation",
        latex=r"p\geq\operatorname{rank}Z^\star;\quad Z^\star\text{ unique},\ \|H\|^2=\|W\|^2=\|Z^\star\|_*\ \Rightarrow\ "
        r"HH^\top=(Z^\star Z^{\star\top})^{1/2},\ WW^\top=(Z^{\star\top}Z^\star)^{1/2}",
        assumptions=(
            "loss convex in the logits, energies equal; Σ c_k L(z_k, k) over ‖Z‖_* ≤ τ",
            "cross-entropy: Z* is unique; squared error: Z* is unique, and the energies are spent iff τ ≤ K",
            "summed hinge: Σ_{j≠k} max(0, 1 + z_j − z_k), with all margins below one",
        ),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
        source=Source("su2024", "Nonconvex optimization via convex optimization, Lemma: any convex loss, up to a rotation"),
        meaning="With cross-entropy the best features and classifiers are one configuration, turned, however many dimensions there are. "
        "With squared error that ends once norms are larger than needed, and with a summed hinge equal classes have many best geometries.",
    ),
    claim(
        "rank",
        "while classes are apart, rank Z* is K − 1 for cross-entropy, which does not see shifts of a row, and K for the squared error",
        over=RANKS,
        predict=lambda loss, *_: CLASSES if loss == "squared" else CLASSES - 1,
        measure=lambda loss, n, energy: Enclosures(solve(LayerPeeled(counts=n, feature_energy=energy, loss=loss), route="factored")).rank(),
        by="the rank of the exact optimum, enclosed from both sides",
        false={
            "as-many-as-classes": ("it is K for every loss", CLASSES),
            "one-fewer": ("it is K − 1 for the squared error, too", lambda loss, *_: CLASSES - 1 if loss == "squared" else None),
        },
        evidence=Evidence.CERTIFIED.within(0.0, "a whole number"),
    ),
    claim(
        "dimension",
        "for the squared error with equal classes the optimum in p dimensions is (K − 2τ + τ²/p)/(2K) up to p = K, where τ ≤ p",
        over=DIMENSIONS,
        predict=lambda radius, p: squared_optimum(radius, min(p, CLASSES)),
        rounding=1e-12,
        measure_all=lambda setting: [
            factors.least_value(setting.rng, "squared error", "balanced", radius, p) for radius, p in DIMENSIONS.values()
        ],
        by="the least value where descents on features and classifiers end",
        false={
            "from-one-fewer": ("K − 1 dimensions are enough", lambda radius, p: squared_optimum(radius, min(p, CLASSES - 1))),
            "without-end": ("p = 8 is better than p = K", lambda radius, p: squared_optimum(radius, p)),
        },
        evidence=Evidence.EMPIRICAL.within(1e-6, "where L-BFGS stops is granted 1e-9 to either side"),
    ),
    claim(
        "one-gram",
        "the best ends of descents have one Gram matrix: cross-entropy, squared error while τ ≤ K, summed hinge with unequal classes",
        over=ALIKE,
        predict=0.0,
        measure_all=lambda setting: {label: factors.apart(setting.rng, *case) for label, case in (ALIKE | SPARE | SUMMED).items()},
        by="the largest difference of an entry of two Gram matrices among best ends from random starts",
        false={
            "energy-to-spare": Variant("so it is for the squared error beyond τ = K", 0.0, over=SPARE),
            "every-convex-loss": Variant("so it is for the summed hinge with equal classes", 0.0, over=SUMMED),
        },
        evidence=Evidence.EMPIRICAL.within(1e-3, "where L-BFGS stops is granted 2e-5 in an entry"),
    ),
    claim(
        "many-grams",
        "for the summed hinge every Z ⪰ 0 with Z1 = 0 and trace τ is best for equal classes: K − 1 − τ, attained in one dimension",
        over=SUMMED,
        predict=lambda _, __, radius, ___: CLASSES - 1 - radius,
        rounding=1e-12,
        measure_all=lambda setting: [factors.least_value(setting.rng, *case) for case in SUMMED.values()],
        by="the least value where descents end, with p = K − 1 and p = 1",
        false={
            "shares-twice": ("it is K − 1 − τ/K", lambda _, __, radius, ___: CLASSES - 1 - radius / CLASSES),
            "own-class-too": ("it is K − 1 − τ(K − 1)/K", lambda _, __, radius, ___: CLASSES - 1 - radius * (CLASSES - 1) / CLASSES),
        },
        evidence=Evidence.EMPIRICAL.within(1e-6, "where L-BFGS stops is granted 1e-9 to either side"),
    ),
)


def squared_optimum(radius: float, dimension: int) -> float:
    """(K − 2τ + τ²/p)/(2K)."""
    return (CLASSES - 2 * radius + radius**2 / dimension) / (2 * CLASSES)
