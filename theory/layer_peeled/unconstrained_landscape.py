"""No spurious local minima in the factors: descent reaches the certified optimum, and other critical points bend downwards."""

import math

import numpy as np

from layerpeel.numerics import Bracket
from layerpeel.solvers import Enclosures, FactorPoint, LayerPeeled, descend, enclose_factors, low_rank_excess, solve
from layerpeel.theory import Evidence, Kind, Origin, Profile, Room, Source, Statement, Variant, claim, instances
from layerpeel.theory.layer_peeled._closed_forms import predicted

CASES = {
    "balanced": ((10, 10, 10, 10), 1.0),
    "two groups": ((15, 15, 15, 10, 10), 1.0),
    "two groups, collapsed": ((60, 60, 10, 10, 10), 1.0),
    "distinct counts": ((40, 30, 20, 15), 1.5),
    "distinct counts, far apart": ((40, 20, 10, 5), 1.5),
}
"""Counts and E_H = E_W; only the product of the energies matters."""
USED = ("one coordinate used", "rank − 1 coordinates used")
"""How few coordinates the critical points found by descent have; with another one, unused, they are critical in more."""
MERGED = instances("K={} merged into {}, E={:g}", (4, 2, 1.0), (6, 2, 1.0), (6, 3, 1.0), (9, 3, 2.0))
"""(K, g, E_H = E_W): K balanced classes merged into g groups of K/g."""
CRITICAL = {f"{case}, {used}": (len(counts),) for case, (counts, _) in CASES.items() for used in USED} | MERGED

STARTS = {Profile.QUICK: 12, Profile.FULL: 60}
"""Random starts of every case and dimension; each must arrive."""
ARRIVED = 4e-9
"""Allowance in a loss of order one for where L-BFGS stops; seen: 3e-15."""
NOTICEABLE = 1e-4
"""A curvature that no rounding explains."""
STATIONARY = 1e-6
"""A gradient that counts as zero: L-BFGS stops near the root of the loss's rounding, 1e-8; gradients at random points are near 0.6."""

ROOM = Room.of(
    Statement(
        name="unconstrained-landscape",
        title="No spurious local minima in features and classifiers",
        latex=r"p\geq K,\ (H,W)\text{ critical on the two spheres}\;\Rightarrow\;"
        r"\lambda_{\min}(\nabla^2)\leq\lambda-\|\nabla f\|_{\mathrm{op}}\leq-\frac{f(HW^{\top})-f^\star}{\tau}",
        assumptions=(
            "cross-entropy loss, K ≥ 3, any counts",
            "both energies attained, H and W scaled so that they are equal",
            "p ≥ K, or any p with which the span of H and W leaves a coordinate unused",
        ),
        kind=Kind.UPPER_BOUND,
        origin=Origin.DERIVED,
        source=Source("zhu2021", "the strict-saddle theorem, for balanced classes with weight decay and p > K; on the spheres derived"),
    ),
    claim(
        "stationary",
        "the points examined are critical: gradients below 1e-6",
        over=CRITICAL,
        predict=STATIONARY,
        measure_all=lambda setting: (
            {label: point.gradient for label, (_, point) in critical(setting.rng).items()}
            | {"a random point": enclose_factors(problem("balanced"), *setting.rng.standard_normal((2, 4, 2))).gradient}
            | {"in half precision": in_half_precision("balanced", setting.rng).gradient}
        ),
        by="the length of the Riemannian gradient; at a random point too, and where descent ends, rounded to half precision",
        false={
            "rounded": Variant("critical points pass when they are rounded to half precision", STATIONARY, over="in half precision"),
            "critical-anywhere": Variant("random points pass for critical", STATIONARY, over="a random point"),
        },
        evidence=Evidence.CERTIFIED,
    ),
    claim(
        "saddle",
        "critical points that are not global have curvature below −1e-4 in some direction",
        over=CRITICAL,
        predict=-NOTICEABLE,
        measure_all=lambda setting: (
            {label: point.curvature for label, (_, point) in critical(setting.rng).items()}
            | {f"{case}, optimum": descended(case, len(CASES[case][0]), setting.rng).curvature for case in CASES}
        ),
        by="λ − ‖G‖_op; at the optimum too, with a coordinate to spare",
        false={
            "optimum-bends": Variant("the optimum has such a direction too", -NOTICEABLE, over={f"{case}, optimum": () for case in CASES})
        },
        evidence=Evidence.CERTIFIED,
    ),
    claim(
        "depth",
        "that curvature is at most −(f − f*)/τ",
        over=CRITICAL,
        predict=1.0,
        measure_all=lambda setting: {label: depth(*point) for label, point in critical(setting.rng).items()},
        by="−τ times the curvature, over the excess above the certified optimum",
        false={
            # as if √(E_H E_W) were the τ = K√(E_H E_W) of the bound
            "classes-forgotten": ("that curvature is at most −(f − f*)/√(E_H E_W)", lambda classes, *_: classes)
        },
        evidence=Evidence.CERTIFIED,
        kind=Kind.LOWER_BOUND,
    ),
    claim(
        "merged",
        "K balanced classes merged into g groups of m have least curvature e/(m + (K − m)e) − 1/K across, e = exp(−τ/(m(g − 1)))",
        over=MERGED,
        predict=lambda classes, groups, energy: predicted(multiplier(classes, groups, energy) - 1 / classes),
        measure=lambda *case: merged(*case)[1].curvature,
        by="λ − ‖G‖_op at the merged points",
        false={
            # as if G vanished on differences within a group
            "multiplier-alone": ("the curvature across is the multiplier", lambda *case: predicted(multiplier(*case))),
            "one-class-fewer": (
                "e is exp(−τ/(m(g − 1))) with τ = (K − 1)√(E_H E_W)",
                lambda classes, groups, energy: predicted(multiplier(classes, groups, energy * (1 - 1 / classes)) - 1 / classes),
            ),
        },
        evidence=Evidence.CERTIFIED.within(
            1e-9, "the allowance of a closed form in doubles, 1e-10; the measurement, one evaluation in balls, is far sharper"
        ),
        kind=Kind.EQUALITY,
    ),
    claim(
        "arrival",
        "L-BFGS on H and W ends at the certified optimum from every random start drawn, with p = K and p = rank + 1",
        over=CASES,
        predict=lambda *_: dict.fromkeys(("p = K", "p = rank + 1"), 0.0),
        measure_all=lambda setting: [arrival(case, STARTS[setting.profile], setting.rng) for case in CASES],
        by="the largest excess over the certified optimum among all starts; for p = rank − 1 it is not below what is proved of any point",
        false={
            "one-coordinate-less": ("with p = rank − 1 descent reaches the optimum as well", lambda *_: {"p = rank − 1": 0.0}),
            "a-millionth-above": (
                "the worst start ends a millionth above the optimum",
                lambda *_: dict.fromkeys(("p = K", "p = rank + 1"), 1e-6),
            ),
        },
        evidence=Evidence.EMPIRICAL.within(
            1e-7, "where L-BFGS stops is granted 4e-9 to either side; the critical points examined lie 6e-3 and more above the optimum"
        ),
        kind=Kind.EQUALITY,
    ),
)


def multiplier(classes: int, groups: int, energy: float) -> float:
    """λ = e/(m + (K − m)e) at a merged point, with m = K/g classes to a group and e = exp(−K E/(m (g − 1)))."""
    size = classes // groups
    odds = math.exp(-classes * energy / (size * (groups - 1)))
    return odds / (size + (classes - size) * odds)


def problem(case: str) -> LayerPeeled:
    """The program of a case."""
    counts, energy = CASES[case]
    return LayerPeeled(counts=counts, feature_energy=energy, weight_energy=energy)


def descended(case: str, dimension: int, rng: np.random.Generator) -> FactorPoint:
    """Where descent ends."""
    return enclose_factors(problem(case), *descend(problem(case), dimension, rng=rng)[1:])


def in_half_precision(case: str, rng: np.random.Generator) -> FactorPoint:
    """Where descent in one coordinate ends, rounded."""
    _, *factors = descend(problem(case), 1, rng=rng)
    return enclose_factors(problem(case), *(factor.astype(np.float16).astype(float) for factor in factors))


def critical(rng: np.random.Generator) -> dict[str, tuple[LayerPeeled, FactorPoint]]:
    """Critical points that are not global: optima that use too few coordinates, and balanced classes merged into groups."""
    points: dict[str, tuple[LayerPeeled, FactorPoint]] = {}
    for case in CASES:
        for used, dimension in zip(USED, (1, solve(problem(case), route="factored").rank - 1), strict=True):
            points[f"{case}, {used}"] = problem(case), descended(case, dimension, rng)
    return points | {label: merged(*case) for label, case in MERGED.items()}


def merged(classes: int, groups: int, energy: float) -> tuple[LayerPeeled, FactorPoint]:
    """h_k = w_k ∝ e_i − 1/g for k in group i, with p > g coordinates.

    Points unchanged when classes are relabelled with their group, or groups with their coordinate, are only the multiples of these; so
    the gradient is radial, and the points critical.
    """
    together = LayerPeeled.from_groups([(classes, 10)], feature_energy=energy, weight_energy=energy)
    frame = np.kron(np.eye(groups) - 1 / groups, np.ones((classes // groups, 1)))
    return together, enclose_factors(together, frame, frame)


def depth(around: LayerPeeled, point: FactorPoint) -> Bracket:
    """−τ λ_min/(f − f*)."""
    excess = point.value - solve(around, route="factored").value
    return -point.curvature / (excess / Bracket.exactly(around.num_classes * around.feature_energy))


def arrival(case: str, starts: int, rng: np.random.Generator) -> dict[str, Bracket]:
    """The worst end above the optimum, by dimension."""
    solution = solve(problem(case), route="factored", tolerance=1e-10)
    rank, excesses = Enclosures(solution).rank(), dict[str, Bracket]()
    dimensions = {"p = K": len(CASES[case][0]), "p = rank + 1": int(rank.upper) + 1, "p = rank − 1": int(rank.lower) - 1}
    for name, p in dimensions.items():
        ends = [descend(solution.problem, p, rng=child, starts=1) for child in rng.spawn(starts)]
        values = [enclose_factors(solution.problem, h, w).value for _, h, w in ends]
        worst = Bracket(max(value.lower for value in values), max(value.upper for value in values), rigorous=True)
        excess = worst - solution.value + Bracket(-ARRIVED, ARRIVED)
        proved = low_rank_excess(solution.problem, solution.matrix, p, solution.tangent) if p < rank.lower else excess.lower
        excesses[name] = Bracket(max(excess.lower, proved), excess.upper)
    return excesses
