"""A point of the program in its factors, evaluated in balls: its value, whether it is critical, and how it bends where there is room."""

from dataclasses import dataclass

import numpy as np
from flint import arb, arb_mat, ctx

from layerpeel.array_words import Float
from layerpeel.numerics import PRECISION, Bracket, UnusableInput, norm_bounds, to_bracket, validated
from layerpeel.solvers.program._problem import LayerPeeled


@dataclass(frozen=True, kw_only=True)
class FactorPoint:
    """What the program looks like around a point on the two energy spheres.

    Args:
        value: the loss.
        gradient: length of the Riemannian gradient; zero at critical points.
        curvature: least curvature across the span of features and classifiers.
    """

    value: Bracket
    gradient: Bracket
    curvature: Bracket


@validated
def enclose_factors(problem: LayerPeeled, features: Float[np.ndarray, "K p"], classifier: Float[np.ndarray, "K p"]) -> FactorPoint:
    """Loss, Riemannian gradient and least curvature at the given factors, scaled onto the spheres of squared radius K E.

    With G = ∇f(HWᵀ) and λ = −⟨G, HWᵀ⟩/(K E), the Riemannian gradient is (GW + λH, GᵀH + λW). For a unit vector a with Ha = Wa = 0
    (a coordinate that is not used), (u aᵀ, v aᵀ) is tangent, HWᵀ does not move to first order, and the Riemannian Hessian on it is
    2 uᵀGv + λ(‖u‖² + ‖v‖²). Its least value over ‖u‖² + ‖v‖² = 1 is λ − ‖G‖_op.

    At a critical point GW = −λH and GᵀH = −λW. Rows of G sum to zero, so for λ ≠ 0 the span of W, which is that of H, has at most K − 1
    dimensions; for λ = 0 both are multiples of null vectors of G, which has rank K − 1. So p ≥ K (K ≥ 3) leaves such an a, and
    λ − ‖G‖_op = −[⟨G, HWᵀ⟩ + τ‖G‖_op]/τ ≤ −(f − f*)/τ, by convexity.

    Args:
        problem: cross-entropy without bias, with E_H = E_W = E (only the product of the energies matters).
        features: H, one row per class, class by class; another multiple of it is the same point.
        classifier: W likewise.

    Returns:
        Enclosures of all three, rounding included.

    Raises:
        UnusableInput: for another loss, a bias, energies that differ, shapes that do not fit, or a factor that is zero or infinite.

    Source: zhu2021, the strict-saddle theorem; on the spheres derived.

    Example:
        >>> problem = LayerPeeled(counts=[5, 5, 5], feature_energy=1.0)
        >>> frame = np.eye(3) - 1 / 3
        >>> point = enclose_factors(problem, frame, frame)
        >>> point.gradient.upper < 1e-15, point.curvature.contains(0.0)
        (True, True)
    """
    classes = problem.num_classes
    if (
        problem.loss != "cross-entropy"
        or problem.adjusted
        or problem.bias_penalty is not None
        or problem.feature_energy != problem.weight_energy
    ):
        raise UnusableInput(f"{problem!r} is not looked at in its factors: use plain cross-entropy, no bias, and energies that are equal.")
    if len(features) != classes:
        raise UnusableInput(f"features has {len(features)} rows, and there are {classes} classes: give one row for each class.")
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
        return FactorPoint(
            value=to_bracket(value),
            gradient=_hull(*length),
            curvature=_hull(multiplier - norm_bounds(slope)[0], multiplier - reached),
        )


def _hull(low: arb, high: arb) -> Bracket:
    return Bracket(to_bracket(low).lower, to_bracket(high).upper, rigorous=True)


def _on_sphere(factor: Float[np.ndarray, "K p"], square: arb) -> arb_mat:
    if not (np.isfinite(factor).all() and factor.any()):
        raise UnusableInput("a factor is zero or has entries that are not finite: it has no direction; give finite entries, not all zero.")
    balls = arb_mat(factor.tolist())
    return balls * (square / _square(balls)).sqrt()


def _square(matrix: arb_mat) -> arb:
    return sum((entry**2 for row in matrix.tolist() for entry in row), arb(0))
