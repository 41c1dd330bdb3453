"""Equal ratios from layer to layer are the least sensitive split of a given overall separation: to first order and to all orders.

Proof. With r_i = R^{1/n} e^{x_i} and Σ x_i = 0: Σ e^{−x_i} − n = Σ (e^{−x_i} − 1 + x_i) ≥ 0 settles the first order, and Jensen's
inequality for the convex x ↦ log(r eˣ + ε) settles all orders: ∏(r_i + ε) ≥ (R^{1/n} + ε)ⁿ.
"""

import sympy
from flint import arb, ctx

from layerpeel.numerics import PRECISION, Bracket, to_bracket
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, Variant, claim, instances
from layerpeel.theory.equi_separation._in_symbols import splits
from layerpeel.theory.equi_separation._measured.splits import OVERALL, PERTURBATION, UNEQUAL, least_product, spreads

COUNTS = instances("{} ratios", 2, 3, 5, 10)
"""n = m − 1, the number of ratios."""
UNEQUALLY = {f"{label}, {UNEQUAL}": count for label, count in COUNTS.items()}

SEARCH_ACCURACY = 1e-4
"""Largest relative difference between the ratios where the search stops: the product is flat to second order at its least value, so
doubles place it to about the square root of 1e-9."""

ROOM = Room.of(
    Statement(
        name="robustness-amgm",
        title="Equal ratios are the most robust split of the overall separation",
        latex=r"\prod_{t=1}^{m-1}(r_t+\varepsilon)\ \ge\ \bigl(R^{1/(m-1)}+\varepsilon\bigr)^{m-1},\qquad \prod_t r_t=R=\frac{D_m}{D_1},"
        r"\quad \varepsilon>0",
        assumptions=("ratios r_t > 0 with a fixed product", "the same perturbation ε > 0 of every ratio"),
        kind=Kind.LOWER_BOUND,
        origin=Origin.SEED,
        source=Source("su2024", "Equi-separation implies robustness; the form to all orders is derived"),
        meaning="For a given overall separation, equal gains from layer to layer make the product least sensitive to one and the same "
        "small error in every layer. That is algebra: whether the errors of a real network are equal is not shown.",
    ),
    claim(
        "proof",
        "the first order is Σ 1/r_t, least when all are equal; log(r exp(x) + ε) is convex, so this holds to all orders",
        over=splits.STATED,
        predict=lambda expected: expected,
        measure_all=lambda _: splits.derivatives(),
        by="differentiation of log ∏(r_t + ε) and of log(r exp(x) + ε); the remainder exp(−x) − 1 + x where its derivative is zero",
        false={"sum-of-ratios": Variant("the first order is Σ r_t", sympy.Add, over=splits.RATIOS_BY_LABEL)},
        evidence=Evidence.PROOF,
        kind=Kind.EQUALITY,
    ),
    claim(
        "no-split-below",
        "no split of R drawn, far from the equal one or as near as 1e-6, has a perturbed product below (R^{1/(m−1)} + ε)^{m−1}",
        over=COUNTS,
        predict=lambda n: floor(n),
        measure_all=lambda setting: [least_product(setting.rng, *count) for count in COUNTS.values()],
        by="the least ∏(r_t + ε) over random splits, in ball arithmetic; the equal one is not among them",
        false={
            "root-of-layers": ("the floor is (R^{1/m} + ε)^{m−1}", lambda n: floor(n, root=n + 1)),
            "higher-floor": ("the floor is that of 1.01 ε", lambda n: floor(n, perturbation=1.01 * PERTURBATION)),
        },
        evidence=Evidence.CERTIFIED,
        origin=Origin.DERIVED,
    ),
    claim(
        "search-ends-there",
        "minimising over splits ends at equal ratios",
        over=COUNTS,
        predict=Bracket(0.0, SEARCH_ACCURACY),
        measure_all=lambda setting: spreads(setting.rng, COUNTS),
        by="largest over smallest ratio, minus one, where a minimisation of the product over splits of R stops; also where the "
        "perturbation of the last ratio is a thousandth larger than that of the first, which makes all r_t/ε_t equal by the same theorem",
        false={
            "unequal-perturbations": Variant(
                "it ends at equal ratios where their perturbations differ, too", Bracket(0.0, SEARCH_ACCURACY), over=UNEQUALLY
            )
        },
        evidence=Evidence.EMPIRICAL.within(SEARCH_ACCURACY, "the product is flat to second order at its least value"),
        origin=Origin.DERIVED,
        kind=Kind.EQUALITY,
    ),
)


def floor(count: int, *, root: int | None = None, perturbation: float = PERTURBATION) -> Bracket:
    """(R^{1/n} + ε)ⁿ, or with another root or perturbation."""
    with ctx.workprec(PRECISION):
        return to_bracket((arb(OVERALL).root(root or count) + arb(perturbation)) ** count)
