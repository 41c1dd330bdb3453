"""No spurious local minima in the factors: descent reaches the certified optimum, and other critical points bend downwards."""

import math

from layerpeel.solvers import enclose_factors
from layerpeel.theory import Evidence, Kind, Origin, Profile, Room, Source, Statement, Variant, claim
from layerpeel.theory.layer_peeled._closed_forms import predicted
from layerpeel.theory.layer_peeled._measured import critical_points as points

CRITICAL = {f"{case}, {used}": (len(counts),) for case, (counts, _) in points.CASES.items() for used in points.USED} | points.MERGED

STARTS = {Profile.QUICK: 12, Profile.FULL: 60}
"""Random starts of every case and dimension; each must arrive."""
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
        meaning="In the model with as many feature dimensions as classes, all critical points examined but the optimum have a direction "
        "of escape, and descent reached the optimum from every random start. Bad local minima of the last layer are no likely excuse.",
    ),
    claim(
        "stationary",
        "the points examined are critical: gradients below 1e-6",
        over=CRITICAL,
        predict=STATIONARY,
        measure_all=lambda setting: (
            {label: point.gradient for label, (_, point) in points.critical(setting.rng).items()}
            | {"a random point": enclose_factors(points.problem("balanced"), *setting.rng.standard_normal((2, 4, 2))).gradient}
            | {"in half precision": points.in_half_precision("balanced", setting.rng).gradient}
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
            {label: point.curvature for label, (_, point) in points.critical(setting.rng).items()}
            | {f"{case}, optimum": points.descended(case, len(points.CASES[case][0]), setting.rng).curvature for case in points.CASES}
        ),
        by="λ − ‖G‖_op; at the optimum too, with a coordinate to spare",
        false={
            "optimum-bends": Variant(
                "the optimum has such a direction too", -NOTICEABLE, over={f"{case}, optimum": () for case in points.CASES}
            )
        },
        evidence=Evidence.CERTIFIED,
    ),
    claim(
        "depth",
        "that curvature is at most −(f − f*)/τ",
        over=CRITICAL,
        predict=1.0,
        measure_all=lambda setting: {label: points.depth(*point) for label, point in points.critical(setting.rng).items()},
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
        over=points.MERGED,
        predict=lambda classes, groups, energy: predicted(multiplier(classes, groups, energy) - 1 / classes),
        measure=lambda *case: points.merged(*case)[1].curvature,
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
        over=points.CASES,
        predict=lambda *_: dict.fromkeys(("p = K", "p = rank + 1"), 0.0),
        measure_all=lambda setting: [points.arrival(case, STARTS[setting.profile], setting.rng) for case in points.CASES],
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
