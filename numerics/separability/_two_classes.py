"""Separability of two classes of samples by any hyperplane, with a certificate either way.

Two finite classes are *separable* when some hyperplane has one strictly on each side; equivalently, when their convex hulls are disjoint.
K classes are *pairwise separable* when every two of them are.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from flint import fmpq

from layerpeel.array_words import Float
from layerpeel.numerics._validated import validated
from layerpeel.numerics.separability._gordan import UNDERFLOW, UNIT, Balanced, Positive, dot, nearest_double, rationals
from layerpeel.numerics.separability._homogeneous import TWO, Homogeneous, decide, require_classes, verified_lead


@dataclass(frozen=True, kw_only=True, eq=False)
class Hyperplane:
    """normal·(x − anchor) = offset, with the first class where the left side is larger.

    Args:
        normal: its largest entry is about one.
        anchor: a point amid the data; differences from it are what doubles hold best.
        offset: in the units of the data.
        margin: every sample is on its side and at least this far from the hyperplane: a verified lower bound, not the largest margin. It is
            positive, unless it is below every double.
        exact: normal and offset as fractions, where no doubles were found that separate; then the doubles above only round them.
    """

    normal: Float[np.ndarray, " p"]
    anchor: Float[np.ndarray, " p"]
    offset: float
    margin: float
    exact: tuple[tuple[Fraction, ...], Fraction] | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class CommonPoint:
    """A point in both convex hulls, as a convex combination of each class.

    Args:
        first: weights ≥ 0 of the first class's samples, of sum one.
        second: the same for the second class.
        weight_error: exact weights of a common point lie within this of these, entry by entry, and are positive where these are.
        residual: upper bound of the distance of the two points that these rounded weights give.
    """

    first: Float[np.ndarray, " n"]
    second: Float[np.ndarray, " m"]
    weight_error: float
    residual: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Separability:
    """Whether a hyperplane separates two classes, and what proves it.

    Args:
        separable: None when rounding cannot tell and the data have too many features (24 or more) to be decided in rational arithmetic.
        hyperplane: when separable.
        common_point: when not separable.
    """

    separable: bool | None
    hyperplane: Hyperplane | None = None
    common_point: CommonPoint | None = None


@validated
def separating_hyperplane(x: Float[np.ndarray, "n p"], y: Float[np.ndarray, "m p"]) -> Separability:
    """Decide whether some hyperplane separates two classes strictly, with a certificate either way.

    Least squares first, then Gordan's alternative: a direction with positive margin, or a point in both convex hulls. Rounding is bounded;
    where the bound cannot tell, rational arithmetic decides, so touching hulls, duplicates and collinear samples are answered for the
    doubles as they are. A sample that occurs in both classes makes them inseparable.

    Args:
        x: samples of the first class, n × p.
        y: samples of the second class, m × p.

    Raises:
        UnusableInput: for a class without samples, for features that are not finite or differ in number.

    Source: mangasarian1969, chapter 2 (Gordan); lawson1974, chapter 23 (non-negative least squares, the residual as hyperplane).

    Example:
        >>> x, y = np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([[2.0, 1.0], [3.0, 3.0]])
        >>> separating_hyperplane(x, y).hyperplane.margin > 0.2
        True
        >>> separating_hyperplane(x, np.array([[0.0, 1.0], [1.0, 0.0]])).common_point.first.tolist()
        [0.5, 0.5]
    """
    classes = require_classes([x, y])
    system, answer = decide(classes)
    if answer is None:
        return Separability(separable=None)
    if isinstance(answer, Balanced):
        return Separability(separable=False, common_point=_common_point(classes, system, answer))
    plane = None if answer.exact else _hyperplane(classes, *system.scores(answer.direction))
    return Separability(separable=True, hyperplane=plane or _exact_hyperplane(classes, system, answer))


def _hyperplane(
    classes: Sequence[Float[np.ndarray, "_ p"]],
    weights: Float[np.ndarray, "2 p"],
    anchor: Float[np.ndarray, " p"],
    offsets: Float[np.ndarray, " 2"],
) -> Hyperplane | None:
    """The direction's hyperplane halfway between the classes, with its verified margin; None when doubles cannot hold it."""
    normal = weights[0]
    with np.errstate(over="ignore", invalid="ignore"):
        ends = ((classes[0] - anchor) @ normal).min(), ((classes[1] - anchor) @ normal).max()
    for offset in (float(0.5 * ends[0] + 0.5 * ends[1]), float(offsets[0])):
        lead = verified_lead(classes, weights, anchor, np.array([offset, 0.0]))
        if lead > 0.0:
            shrink = 1.0 - 2.0 * (normal.size + 4) * UNIT  # the rounding of the norm and of the quotient
            return Hyperplane(normal=normal, anchor=anchor, offset=offset, margin=lead / float(np.linalg.norm(normal)) * shrink)
    return None


def _exact_hyperplane(classes: Sequence[Float[np.ndarray, "_ p"]], system: Homogeneous, answer: Positive) -> Hyperplane:
    """The direction's hyperplane halfway between the classes, in fractions."""
    normal = [fmpq(0)] * system.anchor.size
    for entry, j in zip(answer.exact or rationals(answer.direction), system.features, strict=False):  # the last entry is no feature's
        normal[j] = entry / TWO ** int(system.shift[j] + system.stretch[j])
    largest = max(abs(entry) for entry in normal)
    unit = TWO ** (int(largest.p).bit_length() - int(largest.q).bit_length())
    normal = [entry / unit for entry in normal]
    anchor = np.ldexp(system.anchor, system.shift)
    low, high = (end(dot(normal, rationals(point)) for point in points) for end, points in ((max, classes[1]), (min, classes[0])))
    offset = (low + high) / 2 - dot(normal, rationals(anchor))
    square = ((high - low) / 2) ** 2 / dot(normal, normal)
    power = (int(square.p).bit_length() - int(square.q).bit_length()) // 2  # the root of a number near one, then its power of two
    margin = math.ldexp(math.sqrt(nearest_double(square / TWO ** (2 * power))) * (1.0 - 8.0 * UNIT), power)
    return Hyperplane(
        normal=np.array([nearest_double(entry) for entry in normal]),
        anchor=anchor,
        offset=nearest_double(offset),
        margin=margin,
        exact=(tuple(Fraction(int(entry.p), int(entry.q)) for entry in normal), Fraction(int(offset.p), int(offset.q))),
    )


def _common_point(classes: Sequence[Float[np.ndarray, "_ p"]], system: Homogeneous, answer: Balanced) -> CommonPoint:
    """Each class has half of the weight, by the last entry of every row; both convex combinations are compared with the rounding added."""
    shares = np.zeros(len(system.points))
    shares[system.samples[answer.rows]] = 2.0 * answer.weights
    parts = np.split(shares, [len(classes[0])])
    anchor = np.ldexp(system.anchor, system.shift)
    with np.errstate(over="ignore", invalid="ignore"):
        first, second = ((part @ (points - anchor)) / part.sum() for part, points in zip(parts, classes, strict=True))
        sizes = sum((part @ np.abs(points - anchor) for part, points in zip(parts, classes, strict=True)), UNDERFLOW)
        residual = math.hypot(*(np.abs(first - second) + 2.0 * (len(shares) + 8) * UNIT * sizes).tolist())
    return CommonPoint(
        first=parts[0],
        second=parts[1],
        weight_error=2.0 * answer.weight_error,
        residual=min(np.inf, residual),  # also where it is no number
    )
