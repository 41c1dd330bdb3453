"""Gordan's alternative, decided with a proof: either A v > 0 has a solution v, or some w ≥ 0 with Σw = 1 has Aᵀw = 0; never both.

The rows of A are vectors that a hyperplane through the origin should leave on one side. Doubles propose an answer and a rounding bound
proves it; where rounding cannot tell, the question is decided in rational arithmetic.

1. Least squares: v minimises ‖A v − 1‖. On well-separated data A v is positive and nothing else is needed.
2. Non-negative least squares: min ‖(Aᵀw, 1ᵀw) − (0, 1)‖ over w ≥ 0 with residual ρ = (ρ_0, ρ_1). If ρ ≠ 0, the conditions of optimality say
   −A ρ_0 ≥ ρ_1 = ‖ρ‖² > 0: v = −ρ_0. If ρ = 0, w is the second answer, on at most rank(A) + 1 rows.
3. Bland's dual simplex on {w ≥ 0 : Aᵀw = 0, 1ᵀw = 1} in exact rationals, from the rows that step 2 found: finite, and a proof either way.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from flint import fmpq, fmpq_mat
from scipy.optimize import nnls

from layerpeel.array_words import Bool, Float, Int

UNIT = 2.0**-53
"""Unit roundoff u of a double: a sum of k products is off by at most about k·u times the sum of their absolute values."""

UNDERFLOW = 2.0**-1070
"""Sixteen times the least double: more than any product or scaled entry loses by underflow."""

CANCELLED = 1e-10
"""A residual this small (data are scaled to one) is taken for zero and sent to the proof; nothing rests on the choice."""

LARGEST = fmpq(*float(np.finfo(float).max).as_integer_ratio())
"""The largest double."""

RIDGE = 1e-13
"""Added to AᵀA relative to its trace, so that it stays positive definite; proposals may be off by this, proofs never see it."""

EXACT_DIMENSION = 24
"""Columns up to which the simplex runs in rationals: on data that are flat to rounding it then takes up to three seconds, at 32 ten times
longer."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Positive:
    """A v > 0 has a solution.

    Args:
        direction: v.
        exact: v in rationals, where rounded to doubles it is no solution.
    """

    direction: Float[np.ndarray, " q"]
    exact: list[fmpq] | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Balanced:
    """A v > 0 has no solution: Aᵀw = 0 with Σw = 1 and w > 0 on some rows.

    Args:
        rows: these rows.
        weights: w on them.
        weight_error: an exact w lies within this of `weights`, entry by entry, and is positive too.
    """

    rows: Int[np.ndarray, " s"]
    weights: Float[np.ndarray, " s"]
    weight_error: float


def certainly_positive(rows: Float[np.ndarray, "N q"], direction: Float[np.ndarray, " q"]) -> Bool[np.ndarray, " N"]:
    """Where a_iᵀv > 0 for certain, when every entry of A is known within one rounding.

    Example:
        >>> certainly_positive(np.array([[1.0, -1.0], [1.0, -1.0 + 1e-15]]), np.array([1.0, 1.0])).tolist()
        [False, False]
    """
    magnitudes = np.abs(direction)
    slack = (direction.size + 4) * UNIT * (np.abs(rows) @ magnitudes) + UNDERFLOW * (magnitudes.sum() + direction.size)
    return rows @ direction > slack


def gordan(rows: Float[np.ndarray, "N q"], exact: Callable[[int], Sequence[fmpq]]) -> Positive | Balanced | None:
    """Decide whether some v has A v > 0; None when rounding cannot tell and A has too many columns for rational arithmetic.

    Args:
        rows: A in doubles, every entry within one rounding of the exact one; not all zero, and scaled to columns of order one.
        exact: i ↦ row i without rounding.

    Example:
        >>> rows = np.array([[1.0, 1.0], [-1.0, 1.0]])
        >>> gordan(rows, lambda i: rationals(rows[i])).direction.round(6).tolist()
        [0.0, 1.0]
    """
    support = np.arange(1)
    for proposal in _proposals(rows):
        if proposal.dtype == float:
            if certainly_positive(rows, proposal).all():
                return Positive(direction=proposal)
        else:
            support = proposal
            weights, error = _verified_weights(rows[support])
            if error < np.inf:
                return Balanced(rows=support, weights=weights, weight_error=error)
    chosen = support.tolist()
    return _exact_weights(chosen, exact) or (_decide_exactly(rows, exact, chosen) if rows.shape[1] <= EXACT_DIMENSION else None)


def _proposals(rows: Float[np.ndarray, "N q"]) -> Iterator[Float[np.ndarray, " q"] | Int[np.ndarray, " s"]]:
    """What doubles think: a least-squares direction, then a direction or a support by non-negative least squares.

    Both are sought in coordinates in which AᵀA is the identity, so the shape of the data does not matter.
    """
    back = _whitening(rows)
    ahead = back.T @ rows.sum(axis=0)
    yield back @ ahead
    white = rows @ (back * np.sqrt(len(rows)))
    size = 4 * (white.shape[1] + 4)
    active = np.argsort(white @ ahead)[:size]
    target = np.append(np.zeros(white.shape[1]), 1.0)
    while True:
        system = np.vstack([white[active].T, np.ones(active.size)])
        try:
            weights, _ = nnls(system, target)
        except RuntimeError:  # its iteration limit
            yield active
            return
        residual = target - system @ weights
        if np.linalg.norm(residual) <= CANCELLED:
            yield active[weights > 0.0]
            return
        ahead = -residual[:-1]
        products = white @ ahead
        products[active] = np.inf
        worst = np.argsort(products)[:size]
        worst = worst[products[worst] <= 0.0]
        if not worst.size:
            yield back @ ahead
            yield active[weights > 0.0]
            return
        active = np.append(active, worst)


def _whitening(rows: Float[np.ndarray, "N q"]) -> Float[np.ndarray, "q r"]:
    """B such that A B has orthonormal columns (N ≥ q), or is the orthogonal projector onto the range of A (N < q)."""
    tall = rows.shape[0] >= rows.shape[1]
    gram = rows.T @ rows if tall else rows @ rows.T
    gram[np.diag_indices_from(gram)] += RIDGE * np.trace(gram)
    return np.linalg.inv(np.linalg.cholesky(gram)).T if tall else rows.T @ np.linalg.inv(gram)


def _verified_weights(rows: Float[np.ndarray, "s q"]) -> tuple[Float[np.ndarray, " s"], float]:
    """w with Aᵀw = 0 and Σw = 1 on as many rows as equations, and how far the exact solution can be; infinity when it may not be positive.

    With R ≈ M^{−1} and ‖I − R M‖ < 1, |w − ŵ| ≤ ‖R (e − M ŵ)‖/(1 − ‖I − R M‖) in the largest norm (rump2010, section 10); the rounding of
    each product, and of the entries of M themselves, is added.
    """
    size = len(rows)
    if size != rows.shape[1] + 1:
        return np.zeros(size), np.inf
    matrix, target = np.vstack([rows.T, np.ones(size)]), np.append(np.zeros(size - 1), 1.0)
    try:
        inverse = np.linalg.inv(matrix)
    except np.linalg.LinAlgError:
        return np.zeros(size), np.inf
    weights = inverse @ target
    slack = 2 * (size + 4) * UNIT
    residual = np.abs(target - matrix @ weights) + slack * (np.abs(matrix) @ np.abs(weights) + target) + UNDERFLOW
    contraction = np.abs(np.eye(size) - inverse @ matrix) + slack * (np.abs(inverse) @ np.abs(matrix)) + UNDERFLOW
    norm = float(contraction.sum(axis=1).max())
    if not norm < 0.5:
        return weights, np.inf
    error = 2.0 * float((np.abs(inverse) @ residual).max()) / (1.0 - norm)
    return weights, error if weights.min() > error else np.inf


def _balanced(chosen: list[int], weights: list[fmpq]) -> Balanced:
    used = [j for j, weight in enumerate(weights) if weight > 0]
    rounded = np.array([nearest_double(weights[j]) for j in used])
    return Balanced(rows=np.array([chosen[j] for j in used]), weights=rounded, weight_error=UNIT)


def _exact_weights(chosen: list[int], exact: Callable[[int], Sequence[fmpq]]) -> Balanced | None:
    """The second answer on the given rows, when the equations alone determine w ≥ 0 there."""
    columns = [[*exact(i), fmpq(1)] for i in chosen]
    target = [*[fmpq(0)] * (len(columns[0]) - 1), fmpq(1)]
    reduced, rank = fmpq_mat(list(map(list, zip(*columns, target, strict=True)))).rref()
    weights = [reduced[i, len(chosen)] for i in range(rank)]
    independent = rank == len(chosen) and all(reduced[i, i] == 1 for i in range(rank))
    return _balanced(chosen, weights) if independent and min(weights) >= 0 else None


def _decide_exactly(rows: Float[np.ndarray, "N q"], exact: Callable[[int], Sequence[fmpq]], chosen: list[int]) -> Positive | Balanced:
    """Rational arithmetic on a growing set of rows: a combination of some rows answers for all, a direction is tried on all."""
    while True:
        vector, weights = _dual_simplex([exact(i) for i in chosen])
        if vector is None:
            return _balanced(chosen, weights)
        largest = max(abs(entry) for entry in vector)
        vector = [entry / largest for entry in vector]
        rounded = np.array([nearest_double(entry) for entry in vector])
        unsure = {int(i): exact(int(i)) for i in np.flatnonzero(~certainly_positive(rows, rounded))}
        violated = [i for i, row in unsure.items() if dot(row, vector) <= 0]
        if not violated:
            held = all(dot(row, rationals(rounded)) > 0 for row in unsure.values())
            return Positive(direction=rounded, exact=None if held else vector)
        chosen = chosen + sorted(violated, key=lambda i: float(rows[i] @ rounded))[: len(vector) + 1]


def _dual_simplex(rows: list[Sequence[fmpq]]) -> tuple[list[fmpq] | None, list[fmpq]]:
    """v with A v > 0, or w ≥ 0 with Aᵀw = 0 and Σw = 1, in rationals.

    Every row of the tableau is yᵀ[E | e | I] with E = (Aᵀ; 1ᵀ). A row with yᵀE ≥ 0 and yᵀe = y_last < 0 proves that E w = e has no solution
    w ≥ 0, and its y without the last entry is v. Otherwise the basic solution is made non-negative by Bland's least-index rule.
    """
    count, q = len(rows), len(rows[0])
    unit = [[fmpq(int(i == j)) for j in range(q + 1)] for i in range(q + 1)]
    columns = [[row[i] for row in rows] if i < q else [fmpq(1)] * count for i in range(q + 1)]
    reduced, _ = fmpq_mat([columns[i] + [unit[i][q]] + unit[i] for i in range(q + 1)]).rref()
    tableau: dict[int, list[fmpq]] = {}
    for row in reduced.tolist():
        lead = next((j for j, entry in enumerate(row) if entry != 0), count + 1)
        if lead == count:
            return [-entry for entry in row[count + 1 : -1]], []
        if lead < count:
            tableau[lead] = row
    while True:
        leaving = min((basic for basic, row in tableau.items() if row[count] < 0), default=None)
        if leaving is None:
            return None, [tableau[j][count] if j in tableau else fmpq(0) for j in range(count)]
        row = tableau.pop(leaving)
        entering = next((j for j in range(count) if row[j] < 0), None)
        if entering is None:
            return row[count + 1 : -1], []
        row = [entry / row[entering] for entry in row]
        for basic, other in tableau.items():
            if other[entering] != 0:
                tableau[basic] = [entry - other[entering] * step for entry, step in zip(other, row, strict=True)]
        tableau[entering] = row


def dot(first: Sequence[fmpq], second: Sequence[fmpq]) -> fmpq:
    """The scalar product in rationals.

    Example:
        >>> dot([fmpq(1, 3), fmpq(1, 2)], [fmpq(3), fmpq(2)])
        2
    """
    return sum((x * y for x, y in zip(first, second, strict=True)), fmpq(0))


def nearest_double(x: fmpq) -> float:
    """The nearest finite double.

    Example:
        >>> nearest_double(fmpq(1, 3))
        0.3333333333333333
    """
    clipped = min(max(x, -LARGEST), LARGEST)
    return int(clipped.p) / int(clipped.q)


def rationals(numbers: Float[np.ndarray, " k"]) -> list[fmpq]:
    """Doubles as rational numbers.

    Example:
        >>> rationals(np.array([0.75, 2.0]))
        [3/4, 2]
    """
    return [fmpq(*x.as_integer_ratio()) for x in numbers.tolist()]
