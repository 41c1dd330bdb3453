"""Samples of several classes as the rows of Gordan's alternative: anchored, scaled by powers of two, exact on request."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from flint import fmpq

from layerpeel.array_words import Float, Int
from layerpeel.numerics._inputs import UnusableInput
from layerpeel.numerics._memory import require_memory
from layerpeel.numerics.separability._gordan import UNDERFLOW, UNIT, Balanced, Positive, dot, gordan, nearest_double, rationals

TWO = fmpq(2)

LARGE = 1e8
"""Bytes from which on the machine is asked whether they fit: asking takes a tenth of the time of a small problem."""


def require_points(points: Float[np.ndarray, "... n p"], what: str) -> Float[np.ndarray, "... n p"]:
    """Samples as doubles: at least one, with at least one feature, all finite.

    Raises:
        UnusableInput: otherwise.

    Example:
        >>> require_points(np.ones((2, 1), dtype=np.float32), "the first class").dtype
        dtype('float64')
    """
    features = np.asarray(points, dtype=float)
    if features.ndim < 2 or 0 in features.shape:
        raise UnusableInput(f"{what} has the shape {features.shape}: it must be samples × features with at least one of each; add samples.")
    if not np.isfinite(features).all():
        raise UnusableInput(
            f"{what} holds {float(features[~np.isfinite(features)][0])}: every feature must be finite; drop or mend that sample."
        )
    return features


@dataclass(frozen=True, kw_only=True, eq=False)
class Homogeneous:
    """The conditions on a linear classifier, one row for each sample and each class it must not be taken for.

    With x̃ = 2^{−e}(x − a), a sample of class k has against class j the row (e_k − e_j) ⊗ (x̃, 1), where the score of the last class is
    zero and has no block. For two classes the rows are ±(x̃, 1). Features that never vary are left out.

    Args:
        points: all samples.
        classes: K.
        rows: the conditions in doubles, each entry within one rounding of the exact one.
        samples: to which sample each row belongs.
        own: its class.
        rivals: the class it must not be taken for.
        features: the features that vary.
        shift: powers of two (p) by which the points are scaled down before the anchor is subtracted …
        anchor: … the anchor in those units …
        stretch: … and powers of two by which the differences are scaled down again.
    """

    points: Float[np.ndarray, "N p"]
    classes: int
    rows: Float[np.ndarray, "R q"]
    samples: Int[np.ndarray, " R"]
    own: Int[np.ndarray, " R"]
    rivals: Int[np.ndarray, " R"]
    features: Int[np.ndarray, " f"]
    shift: Int[np.ndarray, " p"]
    anchor: Float[np.ndarray, " p"]
    stretch: Int[np.ndarray, " p"]

    def exact(self, row: int) -> list[fmpq]:
        """A row without rounding."""
        point, anchor = rationals(self.points[self.samples[row]]), rationals(self.anchor)
        tilde = [(point[j] / TWO ** int(self.shift[j]) - anchor[j]) / TWO ** int(self.stretch[j]) for j in self.features]
        lifted, nothing = [*tilde, fmpq(1)], [fmpq(0)] * (self.features.size + 1)
        coordinates: list[fmpq] = []
        for block in range(self.classes - 1):
            coordinates += lifted if block == self.own[row] else [-x for x in lifted] if block == self.rivals[row] else nothing
        return coordinates

    def scores(
        self, direction: Float[np.ndarray, " q"]
    ) -> tuple[Float[np.ndarray, "K p"], Float[np.ndarray, " p"], Float[np.ndarray, " K"]]:
        """Weights w_k, anchor a and offsets b_k of the scores w_k·(x − a) − b_k that a direction stands for, largest weight about one."""
        blocks = direction.reshape(self.classes - 1, -1)
        exponents = (self.shift + self.stretch)[self.features]
        sizes = np.frexp(blocks[:, :-1])[1] - exponents
        used = sizes[blocks[:, :-1] != 0.0]
        unit = int(used.max()) if used.size else 0
        weights, offsets = np.zeros((self.classes, self.points.shape[1])), np.zeros(self.classes)
        weights[:-1, self.features] = np.ldexp(blocks[:, :-1], -exponents - unit)
        offsets[:-1] = np.ldexp(-blocks[:, -1], -unit)
        return weights, np.ldexp(self.anchor, self.shift), offsets


def homogeneous(points: Float[np.ndarray, "N p"], labels: Int[np.ndarray, " N"], classes: int) -> Homogeneous:
    """The conditions on a classifier of these samples.

    Example:
        >>> homogeneous(np.array([[1.0], [3.0]]), np.array([0, 1]), 2).rows.tolist()
        [[-0.5, 1.0], [-0.5, -1.0]]
    """
    shift = np.frexp(np.abs(points).max(axis=0))[1]  # the largest entry of each feature lies in [1/2, 1): no difference overflows
    near = np.ldexp(points, -shift)
    anchor = np.clip(near.mean(axis=0), -1.0 + UNIT, 1.0 - UNIT)  # or it might round to 2^1024
    centred = near - anchor
    spread = np.abs(centred).max(axis=0)
    stretch, features = np.frexp(spread)[1], np.flatnonzero(spread > 0.0)
    lifted = np.ones((len(points), features.size + 1))
    lifted[:, :-1] = np.ldexp(centred, -stretch)[:, features]
    samples, rivals = np.nonzero(labels[:, None] != np.arange(classes))
    own = labels[samples]
    need = 8.0 * samples.size * lifted.shape[1] * (classes - 1)
    if need > LARGE:
        require_memory(need, f"a linear classifier of {classes} classes", "use fewer classes or samples")
    blocks = np.arange(classes - 1)
    signs = (own[:, None] == blocks).astype(float) - (rivals[:, None] == blocks)
    rows = (signs[:, :, None] * lifted[samples, None, :]).reshape(samples.size, -1)
    return Homogeneous(
        points=points,
        classes=classes,
        rows=rows,
        samples=samples,
        own=own,
        rivals=rivals,
        features=features,
        shift=shift,
        anchor=anchor,
        stretch=stretch,
    )


def require_classes(classes: Sequence[Float[np.ndarray, "_ _"]]) -> list[Float[np.ndarray, "_ p"]]:
    """The samples of two classes or more, as doubles with equally many features.

    Raises:
        UnusableInput: otherwise.

    Example:
        >>> len(require_classes([np.ones((2, 1)), np.ones((3, 1))]))
        2
    """
    if len(classes) < 2:
        raise UnusableInput(f"{len(classes)} classes were given: separating needs at least 2; add a class.")
    checked = [require_points(points, f"class {k + 1}") for k, points in enumerate(classes)]
    if any(points.shape[1:] != checked[0].shape[1:] or points.ndim != 2 for points in checked):
        shapes = ", ".join(str(points.shape) for points in checked)
        raise UnusableInput(
            f"the classes have the shapes {shapes}: each must be samples × features, with equally many features; correct them."
        )
    return checked


def decide(classes: Sequence[Float[np.ndarray, "_ p"]]) -> tuple[Homogeneous, Positive | Balanced | None]:
    """The conditions on a linear classifier of these classes, and whether it exists.

    Example:
        >>> type(decide([np.zeros((1, 1)), np.ones((1, 1))])[1]).__name__
        'Positive'
    """
    labels = np.repeat(np.arange(len(classes)), [len(points) for points in classes])
    system = homogeneous(np.concatenate(classes), labels, len(classes))
    return system, gordan(system.rows, system.exact)


def verified_lead(
    classes: Sequence[Float[np.ndarray, "_ p"]],
    weights: Float[np.ndarray, "K p"],
    anchor: Float[np.ndarray, " p"],
    offsets: Float[np.ndarray, " K"],
) -> float:
    """Lower bound of the least lead of the own score over the largest other one: by a rounding bound, in rationals where that cannot tell.

    Example:
        >>> line = [np.array([[3.0]]), np.array([[1.0]])]
        >>> 0.999 < verified_lead(line, np.array([[1.0], [0.0]]), np.array([2.0]), np.zeros(2)) <= 1.0
        True
    """
    least = np.inf
    magnitudes = np.abs(weights)
    for k, points in enumerate(classes):
        with np.errstate(over="ignore", invalid="ignore"):
            centred = points - anchor
            scores = centred @ weights.T - offsets
            slack = (weights.shape[1] + 4) * UNIT * (np.abs(centred) @ magnitudes.T + np.abs(offsets))
            slack += UNDERFLOW * (1.0 + magnitudes.sum(axis=1))
            rivals = scores + slack
            rivals[:, k] = -np.inf
            leads = (scores[:, k] - slack[:, k] - rivals.max(axis=1)) * (1.0 - 4.0 * UNIT)
        for i in np.flatnonzero(~(leads > 0.0)):
            leads[i] = _exact_lead(points[i], k, weights, anchor, offsets)
        least = min(least, float(leads.min()))
    return least


def _exact_lead(
    point: Float[np.ndarray, " p"],
    own: int,
    weights: Float[np.ndarray, "K p"],
    anchor: Float[np.ndarray, " p"],
    offsets: Float[np.ndarray, " K"],
) -> float:
    """The lead of one sample, rounded down from the rational number."""
    difference = [x - a for x, a in zip(rationals(point), rationals(anchor), strict=True)]
    scores = [dot(difference, rationals(row)) - offset for row, offset in zip(weights, rationals(offsets), strict=True)]
    lead = scores[own] - max(score for j, score in enumerate(scores) if j != own)
    return float(np.nextafter(nearest_double(lead), -np.inf))
