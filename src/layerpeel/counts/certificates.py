"""Certificates that travel: what proves an optimum or a threshold, in exact numbers, for a checker that knows nothing of layerpeel."""

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from flint import arb, ctx, fmpz

from layerpeel import verify
from layerpeel.array_words import Float
from layerpeel.numerics import UnusableInput, boundary_points, require_whole

if TYPE_CHECKING:
    from layerpeel.counts.threshold import Thresholds
    from layerpeel.solvers import Solution
    from layerpeel.solvers.program._classes import Group

LARGEST = 400
"""Classes up to which a certificate of an optimum is written: it holds three matrices of one row per class, 20 MB there."""

MOST_DIGITS = 60
"""Digits of a threshold that the checker's precision carries, with twenty to spare."""

SLACK = 2.0**-47
"""By what part the slope's norm is said to be larger than its value in doubles, at first: a few roundings of a matrix of hundreds."""

LEAST_NORM = 1e-300
"""What the norm of a slope of zeros is said to be less than."""

ROOM = 2.0**-50
"""By what part features and classifier are made shorter, so that rounding leaves them within their energies."""


def optimum_certificate(solution: "Solution[Any]") -> dict[str, Any]:
    """A solution's proof: features, classifier and bias that attain the upper end, and the slope that proves the lower one.

    Args:
        solution: a solution in at least as many dimensions as its rank, of at most 400 classes.

    Returns:
        What `layerpeel verify` reads: the problem, both sides of the proof and the enclosure that they prove, as exact fractions.

    Raises:
        UnusableInput: for more classes, or a feature dimension below the rank of the logits.

    Source: derived; docs/derivations/layer-peeled.md, section 1.

    Example:
        >>> from layerpeel.solvers import LayerPeeled, solve
        >>> certificate = optimum_certificate(solve(LayerPeeled(counts=[30, 10, 10], feature_energy=1.0)))
        >>> verify.verify(certificate)
        'the least value of its program lies from 0.319215061253... to 0.319215061253...'
    """
    problem = solution.problem
    if problem.num_classes > LARGEST:
        raise UnusableInput(
            f"a certificate of {problem.num_classes} classes would be too large: it holds every entry of three matrices, and at most "
            f"{LARGEST} classes; the bracket of the value itself needs no file."
        )
    order = np.repeat(np.arange(len(problem.groups)), problem.sizes)[problem.class_order]
    groups = [problem.groups[g] for g in order]
    certificate: dict[str, Any] = {
        "format": "layerpeel certificate 1",
        "kind": "optimum",
        "problem": {
            "counts": _texts(group.samples for group in groups),
            "loss": problem.loss,
            "feature_weights": [_text(_mass(problem.norm_weights, group)) for group in groups],
            "bias_penalty": None if problem.bias_penalty is None else _text(problem.bias_penalty),
            "label_smoothing": _text(problem.label_smoothing),
            "logit_scale": _texts(group.adjustment.scale for group in groups),
            "logit_shift": _texts(group.adjustment.shift for group in groups),
            "margins": _texts(group.adjustment.margin for group in groups),
        },
    }
    names = ("feature_energy", "weight_energy", "feature_penalty", "weight_penalty")
    certificate["problem"] |= {name: _text(getattr(problem, name)) for name in names if hasattr(problem, name)}
    features, classifier = solution.features, solution.classifier
    if hasattr(problem, "feature_energy"):
        squares = problem.scales[order] ** 2
        spent = squares @ (features**2).sum(axis=1) / squares.sum(), (classifier**2).sum() / len(order)
        inside = problem.loss_function.attains_least
        features = features * _stretch(problem.feature_energy, spent[0], inside=inside)
        classifier = classifier * _stretch(problem.weight_energy, spent[1], inside=inside)
    certificate |= {"features": _rows(features), "classifier": _rows(classifier)}
    if solution.bias is not None:
        certificate["bias"] = _texts(solution.bias.tolist())
    certificate["dual"] = _rows(_dual(solution))
    with ctx.workprec(verify.BITS):
        certificate["slope_norm"] = _text(_slope_norm(certificate, problem.scales[order].tolist()))
    return _sealed(certificate)


def threshold_certificate(thresholds: "Thresholds", *, digits: int = 30) -> dict[str, Any]:
    """R0's proof: two points of the curve of optima on the collapse boundary, one on each side of the program's radius.

    Args:
        thresholds: where the features' energy is averaged over classes.
        digits: about how many digits the two ends shall share, 1 to 60.

    Raises:
        UnusableInput: for thresholds per sample or of a weight decay, whose boundary is no curve in one parameter, and for more digits than
            the checker carries.

    Source: derived; docs/derivations/layer-peeled.md, section 3.

    Example:
        >>> from layerpeel.counts.threshold import thresholds
        >>> verify.verify(threshold_certificate(thresholds(5, 5, feature_energy=5.0)))
        "the minority's classifiers coincide from an imbalance on that lies from 12.192447080325... to 12.192447080325..."
    """
    if thresholds.norm_weights != "class" or thresholds.feature_energy is None:
        raise UnusableInput(
            "this threshold has no certificate: it is for features averaged over samples, and only where they are averaged over classes is "
            "the boundary a curve in one parameter; leave the certificate out, or the norm weights and the weight decay."
        )
    digits = require_whole(digits, "digits", largest=MOST_DIGITS, remedy=f"a certificate carries up to {MOST_DIGITS}; ask for as many")
    energies = {"feature_energy": thresholds.feature_energy, "weight_energy": thresholds.weight_energy}
    certificate = {
        "format": "layerpeel certificate 1",
        "kind": "threshold",
        "problem": {
            "majority": thresholds.majority,
            "minority": thresholds.minority,
            **{name: _text(energy) for name, energy in energies.items()},
        },
        "points": [_exact(point) for point in boundary_points(thresholds.majority, thresholds.minority, **energies, digits=digits)],
    }
    return _sealed(certificate)


def _mass(norm_weights: str, group: "Group") -> Fraction:
    """d_k²: 1 where features are averaged over classes, n_k over samples."""
    return Fraction(group.samples) if norm_weights == "sample" else Fraction(group.norm_weight) ** 2


def _stretch(allowed: float, spent: float, *, inside: bool) -> float:
    """What brings vectors to the energy that they may spend, a few roundings below; where the loss can be least inside, not farther out."""
    stretch = math.sqrt(allowed / spent) if spent > 0.0 else 1.0
    return (min(stretch, 1.0) if inside else stretch) * (1.0 - ROOM)


def _dual(solution: "Solution[Any]") -> Float[np.ndarray, "K K"]:
    """Where the minorant touches, or for the hinge the shares of each row's competitors."""
    order = solution.problem.class_order
    if solution.shares is None:
        touching = solution.group_logits if solution.tangent is None else solution.tangent
        residual = solution.problem.loss == "squared" and solution.tangent is not None  # tangents of squared error are residuals Z − I
        return touching.dense()[np.ix_(order, order)] + residual * np.eye(len(order))
    shares = np.maximum(solution.shares.dense()[np.ix_(order, order)], 0.0)
    np.fill_diagonal(shares, 0.0)
    return shares / np.maximum(shares.sum(axis=1, keepdims=True) * (1.0 + ROOM), 1.0)


def _slope_norm(certificate: dict[str, Any], scales: list[float]) -> float:
    """A number that the checker finds larger than the slope's norm."""
    counts = verify.vector(certificate["problem"]["counts"])
    slope, _ = verify.Loss(certificate["problem"]).minorant(certificate, [n / sum(counts) for n in counts])
    rows = [[x / arb(d) for x in row] for row, d in zip(slope, scales, strict=True)]
    norm = max(float(np.linalg.norm(np.array([[float(x) for x in row] for row in rows]), 2)), LEAST_NORM)
    slack = SLACK
    while not verify.is_longer(arb(norm * (1.0 + slack)), rows):
        if (slack := 4.0 * slack) > 1.0:
            raise ArithmeticError(f"no norm near {norm} was proved for a slope; report this case.")
    return norm * (1.0 + slack)


def _sealed(certificate: dict[str, Any]) -> dict[str, Any]:
    """With the enclosure that it proves, rounded outward to doubles or for a threshold to as many digits, and its digest."""
    with ctx.workprec(verify.BITS):
        below, above = verify.KINDS[certificate["kind"]][0](certificate)
        certificate["claim"] = {"lower": _exact(below.lower()), "upper": _exact(above.upper())}
    return {**certificate, "sha256": verify.digest(certificate)}


def _exact(number: arb) -> str:
    """The midpoint of a ball, which is a dyadic number."""
    mantissa, exponent = number.mid().man_exp()
    power = fmpz(2) ** abs(int(exponent))
    return f"{mantissa * power}" if exponent >= 0 else f"{mantissa}/{power}"


def _text(number: float | Fraction) -> str:
    return str(Fraction(number))


def _texts(numbers: Iterable[float]) -> list[str]:
    return [_text(number) for number in numbers]


def _rows(matrix: Float[np.ndarray, "n p"]) -> list[list[str]]:
    return [_texts(row) for row in matrix.tolist()]
