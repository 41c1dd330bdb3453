"""Separability of many paths at once: along given directions, and of every pair of classes by any hyperplane."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from layerpeel.array_words import Bool, Float
from layerpeel.numerics._bracket import Proportion
from layerpeel.numerics._inputs import UnusableInput
from layerpeel.numerics._validated import validated
from layerpeel.numerics.separability._gordan import RIDGE, UNDERFLOW, UNIT, Positive, dot, rationals
from layerpeel.numerics.separability._homogeneous import decide, require_points

CHUNK = 2**17
"""Numbers of one class looked at in one pass: its temporaries (1 MB each) stay in the second-level cache."""


@validated
def separated_along(
    x: Float[np.ndarray, "*paths n p"],
    y: Float[np.ndarray, "*paths m p"],
    direction: Float[np.ndarray, "*paths p"],
    *,
    ordered: bool = False,
) -> Bool[np.ndarray, "*paths"]:
    """Whether two samples are strictly separated along a direction ν, for every path.

        min_i ν·x_i > max_j ν·y_j,    or the same with the classes exchanged unless `ordered`.

    Exact: rounding is bounded, and where the bound cannot tell, rational arithmetic decides.

    Args:
        x: samples of one class by path, … × n × p.
        y: samples of the other class, … × m × p.
        direction: ν by path, … × p, of any length.
        ordered: only x ahead of y counts.

    Returns:
        One answer per path, ….

    Raises:
        UnusableInput: for features that are not finite or shapes that differ, and for a direction of zero or not finite.

    Source: zhang2021, The Separation Theorem of the slides (what separable means).

    Example:
        >>> x, y = np.array([[2.0, 0.0], [3.0, 9.0]]), np.array([[1.0, 5.0]])
        >>> bool(separated_along(x, y, np.array([1.0, 0.0]))), bool(separated_along(x, y, np.array([-1.0, 0.0]), ordered=True))
        (True, False)
    """
    first, second = require_points(x, "the first class"), require_points(y, "the second class")
    along = np.asarray(direction, dtype=float)
    paths = first.shape[:-2]
    if not (second.shape[:-2] == along.shape[:-1] == paths and first.shape[-1] == second.shape[-1] == along.shape[-1]):
        raise UnusableInput(
            f"the classes and the direction have the shapes {first.shape}, {second.shape} and {along.shape}: "
            "they must have the same paths and equally many features; correct them."
        )
    if not (np.isfinite(along).all() and np.any(along != 0.0, axis=-1).all()):
        raise UnusableInput("the direction is zero or not finite on some path: it must be finite with an entry other than zero; give one.")
    unit = np.ldexp(along, -np.frexp(np.abs(along).max(axis=-1, keepdims=True))[1])
    values = [points @ unit[..., None] for points in _anchored(first, second)]
    doubt = _doubt(unit)
    ahead, behind = (values[i].min(axis=(-2, -1)) - values[1 - i].max(axis=(-2, -1)) for i in (0, 1))
    separated: np.ndarray = np.asarray((ahead > doubt) | ((behind > doubt) & (not ordered)))
    unclear = (np.abs(ahead) <= doubt) | ((np.abs(behind) <= doubt) & (not ordered))
    for path in map(tuple, np.argwhere(unclear & ~separated)):
        separated[path] = _exactly_ahead(first[path], second[path], along[path]) or (
            not ordered and _exactly_ahead(second[path], first[path], along[path])
        )
    return separated


@dataclass(frozen=True, kw_only=True, eq=False)
class PairwiseSeparability:
    """For every path, which pairs of classes some hyperplane separates.

    Args:
        pairs: the pairs of classes, in the order of the columns.
        separable: whether the pair is separable.
        decided: False where rounding could not tell (from 24 features on only); `separable` is then False.
    """

    pairs: tuple[tuple[int, int], ...]
    separable: Bool[np.ndarray, "paths pairs"]
    decided: Bool[np.ndarray, "paths pairs"]

    @property
    def all_pairs(self) -> Bool[np.ndarray, " paths"]:
        """Whether every pair of classes is separable."""
        return np.asarray(self.separable.all(axis=1))

    def proportion(self) -> Proportion:
        """On how many paths every pair of classes can be split by a hyperplane.

        Raises:
            ArithmeticError: when an undecided pair matters.
        """
        open_paths = ((self.separable | ~self.decided).all(axis=1) & ~self.all_pairs).sum()
        if open_paths:
            raise ArithmeticError(
                f"rounding cannot tell on {open_paths} of {len(self.separable)} paths: their classes all but touch; look at `decided`."
            )
        return Proportion(successes=int(self.all_pairs.sum()), n=len(self.separable))


@validated
def pairwise_separable(samples: Float[np.ndarray, "paths K n p"]) -> PairwiseSeparability:
    """Decide for every path and every pair of classes whether some hyperplane separates them strictly.

    The least-squares direction ν = S⁻¹(x̄ − ȳ), S the total scatter, is tried on all paths at once; with a verified margin along it the
    pair is separable. The others are decided one by one, like `separating_hyperplane` and as surely.

    Args:
        samples: paths × K × n × p.

    Raises:
        UnusableInput: for fewer than two classes, no paths, or features that are not finite.

    Source: zhang2021, The Separation Theorem of the slides (what pairwise separable means).

    Example:
        >>> samples = np.arange(3.0)[None, :, None, None] + np.array([0.0, 0.5])[:, None]   # three classes on a line
        >>> pairwise_separable(samples).all_pairs.tolist()
        [True]
    """
    points = require_points(samples, "the array of samples")
    if points.ndim != 4 or points.shape[1] < 2:
        raise UnusableInput(f"the samples have the shape {points.shape}: it must be paths × classes (at least 2) × samples × features.")
    paths, classes, size, features = points.shape
    pairs = tuple(combinations(range(classes), 2))
    separable, decided = np.zeros((paths, len(pairs)), dtype=bool), np.ones((paths, len(pairs)), dtype=bool)
    step = max(1, CHUNK // (size * features))
    for column, (k, j) in enumerate(pairs):
        for start in range(0, paths, step):
            stop = min(start + step, paths)
            separable[start:stop, column] = _by_least_squares(points[start:stop, k], points[start:stop, j])
        for path in np.flatnonzero(~separable[:, column]):
            _, answer = decide([points[path, k], points[path, j]])
            separable[path, column], decided[path, column] = isinstance(answer, Positive), answer is not None
    return PairwiseSeparability(pairs=pairs, separable=separable, decided=decided)


def _anchored(
    x: Float[np.ndarray, "*paths n p"], y: Float[np.ndarray, "*paths m p"]
) -> tuple[Float[np.ndarray, "*paths n p"], Float[np.ndarray, "*paths m p"]]:
    """Both classes, scaled by a power of two into [−1, 1] and then moved by the midpoint of their means: entries of at most 2."""
    sizes = [np.maximum(points.max(axis=(-2, -1)), -points.min(axis=(-2, -1))) for points in (x, y)]
    exponents = np.frexp(np.maximum(*sizes))[1][..., None, None]
    scaled = [np.ldexp(points, -exponents) for points in (x, y)]
    anchor = 0.5 * sum(points.mean(axis=-2, keepdims=True) for points in scaled)
    return scaled[0] - anchor, scaled[1] - anchor


def _doubt(direction: Float[np.ndarray, "*paths p"]) -> Float[np.ndarray, "*paths"]:
    """How far the difference of two computed products ν·x̃ can be off, for entries x̃ of at most 2, each within one rounding."""
    features = direction.shape[-1]
    length = np.abs(direction).sum(axis=-1)
    return np.asarray(2.0 * ((features + 6) * UNIT * 2.0 * length + UNDERFLOW * (length + features)))


def _by_least_squares(x: Float[np.ndarray, "paths n p"], y: Float[np.ndarray, "paths n p"]) -> Bool[np.ndarray, " paths"]:
    """Where the least-squares direction separates, for certain."""
    first, second = _anchored(x, y)
    size, features = x.shape[-2:]
    both = np.concatenate([first, second], axis=-2)
    if features <= 2 * size:
        scatter, aim = both.mT @ both, first.sum(axis=-2) - second.sum(axis=-2)
    else:  # fewer samples than features: the direction in their span that takes the value ±1 on each
        scatter, aim = both @ both.mT, np.broadcast_to(np.repeat([1.0, -1.0], size), both.shape[:-1])
    trace = np.trace(scatter, axis1=-2, axis2=-1)
    scatter[..., *np.diag_indices(scatter.shape[-1])] += np.where(trace > 0.0, RIDGE * trace, 1.0)[:, None]
    solution = np.linalg.solve(scatter, aim[..., None])
    direction = solution if features <= 2 * size else both.mT @ solution
    values = (both @ direction)[..., 0]
    margin = values[:, :size].min(axis=-1) - values[:, size:].max(axis=-1)
    return margin > _doubt(direction[..., 0])


def _exactly_ahead(x: Float[np.ndarray, "n p"], y: Float[np.ndarray, "m p"], direction: Float[np.ndarray, " p"]) -> bool:
    """min ν·x > max ν·y in rationals."""
    normal = rationals(direction)
    lowest, highest = (end(dot(normal, rationals(point)) for point in points) for end, points in ((min, x), (max, y)))
    return lowest > highest
