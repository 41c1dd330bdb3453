"""No spurious local minima in the factors: descent reaches the certified optimum, and other critical points bend downwards.

Derivation. At a critical point of f(HWᵀ) on the two spheres, scaled to equal energies, GW = −λH and GᵀH = −λW with
λ = −⟨G, HWᵀ⟩/τ. Rows of G = ∇f sum to zero, so for λ ≠ 0 the span of W, which is that of H, has at most K − 1 dimensions; for
λ = 0 both are multiples of null vectors of G, which has rank K − 1. So p ≥ K (K ≥ 3) leaves a unit vector a with Ha = Wa = 0, and
along (u aᵀ, v aᵀ), u and v singular vectors of G, the curvature is λ − ‖G‖_op = −[⟨G, HWᵀ⟩ + τ‖G‖_op]/τ ≤ −(f − f*)/τ.
"""

import math
from typing import NamedTuple

import numpy as np
from flint import arb, arb_mat, ctx
from jaxtyping import Float

from layerpeel.numerics import PRECISION, Bracket, norm_bounds, to_bracket
from layerpeel.solvers import Enclosures, LayerPeeled, descend, low_rank_excess, solve
from layerpeel.theory._room import Check, Control, Evidence, Kind, Origin, Quantities, Room, Setting, Source, Statement
from layerpeel.theory.layer_peeled._closed_forms import predicted

CASES = {
    "balanced": ((10, 10, 10, 10), 1.0),
    "two groups": ((15, 15, 15, 10, 10), 1.0),
    "two groups, collapsed": ((60, 60, 10, 10, 10), 1.0),
    "distinct counts": ((40, 30, 20, 15), 1.5),
    "distinct counts, far apart": ((40, 20, 10, 5), 1.5),
}
"""Counts and E_H = E_W; only the product of the energies matters."""
MERGED = ((4, 2, 1.0), (6, 2, 1.0), (6, 3, 1.0), (9, 3, 2.0))
"""(K, g, E_H = E_W): K balanced classes merged into g groups of K/g."""

USED = ("one coordinate used", "rank − 1 coordinates used")
"""How few coordinates the critical points found by descent have; with another one, unused, they are critical in more."""

STARTS, FULL_STARTS = 12, 60
"""Random starts of every case and dimension; each must arrive."""
ARRIVED = 4e-9
"""Allowance in a loss of order one for where L-BFGS stops; seen: 3e-15."""
NOTICEABLE = 1e-4
"""A curvature that no rounding explains."""
STATIONARY = 1e-6
"""A gradient that counts as zero: L-BFGS stops near the root of the loss's rounding, 1e-8; gradients at random points are near 0.6."""


class Point(NamedTuple):
    """The loss at a point on the two spheres, the length of its Riemannian gradient, and its least curvature across the features' span."""

    value: Bracket
    gradient: Bracket
    curvature: Bracket


def _problem(case: str) -> LayerPeeled:
    counts, energy = CASES[case]
    return LayerPeeled(counts=counts, feature_energy=energy, weight_energy=energy)


def _point(problem: LayerPeeled, features: Float[np.ndarray, "K p"], classifier: Float[np.ndarray, "K p"]) -> Point:
    """Everything in balls, at the given factors scaled onto the spheres of squared radius K E.

    With G = ∇f(HWᵀ) and λ = −⟨G, HWᵀ⟩/(K E), the Riemannian gradient is (GW + λH, GᵀH + λW). For a unit vector a with Ha = Wa = 0
    (a coordinate that is not used), (u aᵀ, v aᵀ) is tangent, HWᵀ does not move to first order, and the Riemannian Hessian on it is
    2 uᵀGv + λ(‖u‖² + ‖v‖²). Its least value over ‖u‖² + ‖v‖² = 1 is λ − ‖G‖_op.
    """
    classes = problem.num_classes
    with ctx.workprec(PRECISION):
        counts = [arb(group.samples) for group in problem.groups for _ in range(group.classes)]
        energy, total = classes * arb(problem.feature_energy), sum(counts, arb(0))
        h, w = (_on_sphere(factor, energy) for factor in (features, classifier))
        logits = (h * w.transpose()).tolist()
        slope, value = list[list[arb]](), arb(0)
        for k, row in enumerate(logits):
            odds = [(entry - row[k]).exp() if j != k else arb(0) for j, entry in enumerate(row)]
            others, weight = sum(odds, arb(0)), counts[k] / total
            value += weight * others.log1p()
            slope.append([weight * (odd if j != k else -others) / (1 + others) for j, odd in enumerate(odds)])
        g = arb_mat(slope)
        multiplier = -sum((x * y for xs, ys in zip(slope, logits, strict=True) for x, y in zip(xs, ys, strict=True)), arb(0)) / energy
        gradient = _square(g * w + h * multiplier) + _square(g.transpose() * h + w * multiplier)
        length = gradient.lower().max(arb(0)).sqrt(), gradient.abs_upper().sqrt()  # the ball of a square may dip below zero
        left, _, right = np.linalg.svd(np.array([[float(entry) for entry in row] for row in slope]))
        u, v = arb_mat([left[:, 0].tolist()]), arb_mat([right[0].tolist()])
        reached = (u * g * v.transpose())[0, 0] / (_square(u) * _square(v)).sqrt()
        return Point(to_bracket(value), _hull(*length), _hull(multiplier - norm_bounds(slope)[0], multiplier - reached))


def _hull(low: arb, high: arb) -> Bracket:
    return Bracket(to_bracket(low).lower, to_bracket(high).upper, rigorous=True)


def _on_sphere(factor: Float[np.ndarray, "K p"], square: arb) -> arb_mat:
    balls = arb_mat(factor.tolist())
    return balls * (square / _square(balls)).sqrt()


def _square(matrix: arb_mat) -> arb:
    return sum((entry**2 for row in matrix.tolist() for entry in row), arb(0))


def predict_arrival() -> Quantities:
    """Every start ends at the certified optimum."""
    return {f"{case}, p = {p}": Bracket.exactly(0.0) for case in CASES for p in ("K", "rank + 1")}


def predict_arrival_one_less() -> Quantities:
    """False: they do so with p = rank − 1 too."""
    return {f"{case}, p = rank − 1": Bracket.exactly(0.0) for case in CASES}


def measure_arrival(setting: Setting) -> Quantities:
    """The largest excess over the certified optimum among all starts; for p = rank − 1 it is not below what is proved of any point."""
    found: dict[str, Bracket] = {}
    for case in CASES:
        problem = _problem(case)
        solution = solve(problem, route="factored", tolerance=1e-10)
        rank = Enclosures(solution).rank()
        dimensions = {"K": problem.num_classes, "rank + 1": int(rank.upper) + 1, "rank − 1": int(rank.lower) - 1}
        for name, p in dimensions.items():
            ends = [descend(problem, p, rng=rng, starts=1) for rng in setting.rng.spawn(FULL_STARTS if setting.full else STARTS)]
            values = [_point(problem, h, w).value for _, h, w in ends]
            worst = Bracket(max(value.lower for value in values), max(value.upper for value in values), rigorous=True)
            excess = worst - solution.value + Bracket(-ARRIVED, ARRIVED)
            proved = low_rank_excess(problem, solution.matrix, p, solution.tangent) if p < rank.lower else excess.lower
            found[f"{case}, p = {name}"] = Bracket(max(excess.lower, proved), excess.upper)
    return found


def _merged_label(classes: int, groups: int, energy: float) -> str:
    return f"K={classes} merged into {groups}, E={energy:g}"


def _critical_labels() -> list[str]:
    return [f"{case}, {used}" for case in CASES for used in USED] + [_merged_label(*case) for case in MERGED]


def _critical(rng: np.random.Generator) -> dict[str, tuple[LayerPeeled, Point]]:
    """Critical points that are not global: optima that use too few coordinates, and balanced classes merged into groups.

    Merged points have h_k = w_k ∝ e_i − 1/g for k in group i, and p > g coordinates. Those unchanged when classes are relabelled with
    their group, or groups with their coordinate, are only the multiples of these; so the gradient is radial, and the points critical.
    """
    found: dict[str, tuple[LayerPeeled, Point]] = {}
    for case in CASES:
        problem = _problem(case)
        for used, p in zip(USED, (1, solve(problem, route="factored").rank - 1), strict=True):
            _, features, classifier = descend(problem, p, rng=rng)
            found[f"{case}, {used}"] = problem, _point(problem, features, classifier)
    for classes, groups, energy in MERGED:
        problem = LayerPeeled.from_groups([(classes, 10)], feature_energy=energy, weight_energy=energy)
        frame = np.kron(np.eye(groups) - 1 / groups, np.ones((classes // groups, 1)))
        found[_merged_label(classes, groups, energy)] = problem, _point(problem, frame, frame)
    return found


def predict_stationary() -> Quantities:
    """No gradient beyond STATIONARY."""
    return {label: Bracket.exactly(STATIONARY) for label in _critical_labels()}


def predict_stationary_anywhere() -> Quantities:
    """False: nor at a random point."""
    return {"a random point": Bracket.exactly(STATIONARY)}


def measure_stationary(setting: Setting) -> Quantities:
    """The length of the Riemannian gradient; at a random point too."""
    found = {label: point.gradient for label, (_, point) in _critical(setting.rng).items()}
    problem = _problem("balanced")
    return found | {"a random point": _point(problem, *setting.rng.standard_normal((2, problem.num_classes, 2))).gradient}


def predict_saddle() -> Quantities:
    """Curvature below −NOTICEABLE."""
    return {label: Bracket.exactly(-NOTICEABLE) for label in _critical_labels()}


def predict_optimum_bends() -> Quantities:
    """False: so has the optimum."""
    return {f"{case}, optimum": Bracket.exactly(-NOTICEABLE) for case in CASES}


def measure_saddle(setting: Setting) -> Quantities:
    """λ − ‖G‖_op; at the optimum too, with a coordinate to spare."""
    found = {label: point.curvature for label, (_, point) in _critical(setting.rng).items()}
    for case in CASES:
        problem = _problem(case)
        found[f"{case}, optimum"] = _point(problem, *descend(problem, problem.num_classes, rng=setting.rng)[1:]).curvature
    return found


def predict_depth() -> Quantities:
    """At least one."""
    return {label: Bracket.exactly(1.0) for label in _critical_labels()}


def predict_depth_without_classes() -> Quantities:
    """False: at least K, as if √(E_H E_W) were the τ = K√(E_H E_W) of the bound."""
    found = {f"{case}, {used}": Bracket.exactly(float(len(counts))) for case, (counts, _) in CASES.items() for used in USED}
    return found | {_merged_label(*case): Bracket.exactly(float(case[0])) for case in MERGED}


def measure_depth(setting: Setting) -> Quantities:
    """−τ times the curvature, over the excess above the certified optimum."""
    found: dict[str, Bracket] = {}
    for label, (problem, point) in _critical(setting.rng).items():
        with ctx.workprec(PRECISION):
            radius = problem.num_classes * arb(problem.feature_energy)
            scaled = _hull(radius * arb(point.curvature.lower), radius * arb(point.curvature.upper))
        found[label] = -scaled / (point.value - solve(problem, route="factored").value)
    return found


def predict_merged() -> Quantities:
    """e/(m + (K − m)e) − 1/K with m = K/g classes to a group and e = exp(−K E/(m (g − 1)))."""
    return {_merged_label(*case): _merged(*case, own=1.0) for case in MERGED}


def predict_merged_gap_forgotten() -> Quantities:
    """False: the multiplier e/(m + (K − m)e) alone, as if G vanished on differences within a group."""
    return {_merged_label(*case): _merged(*case, own=0.0) for case in MERGED}


def _merged(classes: int, groups: int, energy: float, *, own: float) -> Bracket:
    size = classes // groups
    odds = math.exp(-classes * energy / (size * (groups - 1)))
    return predicted(odds / (size + (classes - size) * odds) - own / classes)


def measure_merged(setting: Setting) -> Quantities:
    """λ − ‖G‖_op at the merged points."""
    return {label: point.curvature for label, (_, point) in _critical(setting.rng).items() if "merged" in label}


ROOM = Room(
    statement=Statement(
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
    checks=(
        Check(
            name="arrival",
            claim="L-BFGS on H and W ends at the certified optimum from every random start drawn, with p = K and p = rank + 1",
            evidence=Evidence.EMPIRICAL,
            predict=predict_arrival,
            measure=measure_arrival,
            kind=Kind.EQUALITY,
            resolution=1e-7,
            reason="where L-BFGS stops is granted 4e-9 to either side; the critical points examined lie 6e-3 and more above the optimum",
        ),
        Check(
            name="stationary",
            claim="the points examined are critical: gradients below 1e-6",
            evidence=Evidence.CERTIFIED,
            predict=predict_stationary,
            measure=measure_stationary,
        ),
        Check(
            name="saddle",
            claim="critical points that are not global have curvature below −1e-4 in some direction",
            evidence=Evidence.CERTIFIED,
            predict=predict_saddle,
            measure=measure_saddle,
        ),
        Check(
            name="depth",
            claim="that curvature is at most −(f − f*)/τ",
            evidence=Evidence.CERTIFIED,
            predict=predict_depth,
            measure=measure_depth,
            kind=Kind.LOWER_BOUND,
        ),
        Check(
            name="merged",
            claim="K balanced classes merged into g groups of m have least curvature e/(m + (K − m)e) − 1/K across, e = exp(−τ/(m(g − 1)))",
            evidence=Evidence.CERTIFIED,
            predict=predict_merged,
            measure=measure_merged,
            kind=Kind.EQUALITY,
            resolution=1e-9,
            reason="the allowance of a closed form in doubles, 1e-10; the measurement, one evaluation in balls, is far sharper",
        ),
    ),
    controls=(
        Control(
            name="one-coordinate-less",
            claim="with p = rank − 1 descent reaches the optimum as well",
            check="arrival",
            predict=predict_arrival_one_less,
        ),
        Control(
            name="critical-anywhere",
            claim="random points pass for critical",
            check="stationary",
            predict=predict_stationary_anywhere,
        ),
        Control(name="optimum-bends", claim="the optimum has such a direction too", check="saddle", predict=predict_optimum_bends),
        Control(
            name="classes-forgotten",
            claim="that curvature is at most −(f − f*)/√(E_H E_W)",
            check="depth",
            predict=predict_depth_without_classes,
        ),
        Control(
            name="multiplier-alone", claim="the curvature across is the multiplier", check="merged", predict=predict_merged_gap_forgotten
        ),
    ),
)
