"""The two-group program in four scalars: every identity proved with symbols, and the value held against the full program."""

from layerpeel.numerics import energy_radius
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, claim, instances
from layerpeel.theory.layer_peeled._closed_forms import optimal_value, predicted
from layerpeel.theory.layer_peeled._in_symbols import scalars
from layerpeel.theory.layer_peeled._reference import two_groups

CASES = instances(
    "K_A={}, K_B={}, R={:g}, E_H={:g}",
    (5, 5, 3.0, 5.0),
    (2, 3, 10.0, 2.0),
    (1, 4, 2.0, 5.0),
    (4, 1, 5.0, 1.0),
    (7, 3, 20.0, 5.0),
    (1, 1, 6.0, 0.5),
)
"""At E_W = 1: all phases, and groups of one class."""

ROOM = Room.of(
    Statement(
        name="symmetry-reduction",
        title="Two groups of classes need four scalars",
        latex=r"\|Z\|_*=(K_A-1)a+(K_B-1)b+\sqrt{t_A^2+t_B^2},\quad m_A=\tfrac{K_A-1}{K_A}a+\tfrac{\sqrt K}{K_A\sqrt{K_B}}t_A,\quad "
        r"f=\tfrac{K_AR}{N}\log D_A+\tfrac{K_B}{N}\log D_B",
        assumptions=("two groups of classes", "cross-entropy loss", "m_B, D_B with the groups exchanged"),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
        source=Source("fang2021", "Section 4, convex relaxation; reduction derived"),
        meaning="With two sizes of classes the model's optimum is described by four numbers, however many classes there are, and they "
        "reach the value of the full program. What it predicts can thus be computed at once; on networks this says nothing by itself.",
    ),
    claim(
        "nuclear-norm",
        "the block between groups has rank one and nuclear norm hypot(t_A, t_B)",
        over="",
        predict=lambda: scalars.STATED_BLOCK,
        measure=scalars.block_between,
        by="(σ_1 + σ_2)² = tr TᵀT + 2|det T| of the block, and T applied to (√K_A, √K_B)",
        false={"sum-norm": ("the norm is t_A + t_B", lambda: scalars.SUM_NORM)},
        evidence=Evidence.PROOF,
    ),
    claim(
        "margins",
        "the margins are as stated",
        over="",
        predict=scalars.stated_margins,
        measure=scalars.margins_of_entries,
        by="differences of entries of Z",
        false={"no-root": ("q_A = K/(K_A√K_B)", lambda: scalars.stated_margins(root=scalars.K))},
        evidence=Evidence.PROOF,
    ),
    claim(
        "stationarity",
        "the derivatives of f are the left sides of the stationarity conditions",
        over="",
        predict=scalars.stated_slopes,
        measure=scalars.slopes_by_chain_rule,
        by="derivatives of f by the chain rule through the entries: along a over K_A − 1, along b over K_B − 1",
        false={"squared-sizes": ("the conditions hold with K_B² for K_B", lambda: scalars.stated_slopes(power=2))},
        evidence=Evidence.PROOF,
    ),
    claim(
        "energies",
        "the balanced factors attain both energies on the sphere",
        over="",
        predict=lambda: scalars.STATED_ENERGIES,
        measure=scalars.energies_of_factors,
        by="diagonals of E^{1/2} (ZZᵀ)^{1/2} and E^{−1/2} (ZᵀZ)^{1/2}, E = E_H/E_W, summed over the classes of both groups",
        false={"swapped-energies": ("the features carry E_W", lambda: scalars.SWAPPED_ENERGIES)},
        evidence=Evidence.PROOF,
    ),
    claim(
        "value",
        "the four scalars reach the value of the full program",
        over=CASES,
        predict=lambda a, b, ratio, h: predicted(optimal_value(a, b, ratio, energy_radius(a + b, h, 1.0))),
        measure=lambda *case: two_groups(*case).solution.value,
        by="the full semidefinite program over 2K×2K matrices",
        false={
            "half-radius": (
                "the radius is τ/2",
                lambda a, b, ratio, h: predicted(optimal_value(a, b, ratio, 0.5 * energy_radius(a + b, h, 1.0))),
            ),
            "one-class-fewer": (
                "the radius is (K − 1)√(E_H E_W)",
                lambda a, b, ratio, h: predicted(optimal_value(a, b, ratio, energy_radius(a + b - 1, h, 1.0))),
            ),
        },
        evidence=Evidence.CERTIFIED.within(1e-8, "a thousand times the certified gap asked of the semidefinite program"),
    ),
)
