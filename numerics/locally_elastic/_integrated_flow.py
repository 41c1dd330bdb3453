"""The mean flow of any other model: the matrix exponential where the drifts commute, otherwise integrated with a stated error."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from layerpeel.array_words import Float
from layerpeel.numerics._inputs import UnusableInput, require_real
from layerpeel.numerics._validated import validated
from layerpeel.numerics.locally_elastic._closed_flow import ROUNDING, Parts
from layerpeel.numerics.locally_elastic._model import ElasticModel

SAMPLED = 257
"""Even times, and as many graded towards 0 as an interval has scales, at which E(t) is looked at to find the matrices it is made of."""
GRADES = 40
"""Halvings of the interval towards 0."""
PART_OF = 1e-13
"""Singular values of the sampled E(t) below this share of the largest are rounding."""
COMMUTES = 1e-12
"""A relative commutator below this is rounding of products of up to a thousand terms."""
TOLERANCE = 1e-12
"""Relative tolerance of the integration (DOP853)."""
LOOSER = 30.0
"""The error is stated as the distance from a second run, whose tolerance is this many times as large."""
LEAST_STEPS = (64, 45)
"""Steps at least in the two runs: a bump in the rates is not stepped over, and the runs never take the same steps."""


@validated
def drift_matrices(model: ElasticModel, end: float) -> Float[np.ndarray, "r K K"]:
    """Matrices W_m of norm one that span the weights E(t) P'/K over [0, end], found at a few hundred times.

    With α and β these are at most two, and exactly one when α/β is constant.

    Args:
        model: the drift.
        end: the last time, ≥ 0.

    Returns:
        r × K × K.

    Raises:
        UnusableInput: for what is no model, a time that is negative, and rates that are not finite at a time looked at.

    Source: derived; docs/derivations/locally-elastic.md, section 2.

    Example:
        >>> len(drift_matrices(ElasticModel(blocks="L", num_classes=3, intra="1/(1 + t)", inter="2/(1 + t)"), 5.0))
        1
    """
    end = require_real(end, "the end", least=0.0)
    times = np.unique(np.concatenate([np.linspace(0.0, end, SAMPLED), end * 0.5 ** np.arange(GRADES)]))
    samples = model.weights(times).reshape(len(times), -1)
    # every time counts the same, however small the rates are there
    sizes = np.linalg.norm(samples, axis=1, keepdims=True)
    _, values, vectors = np.linalg.svd(samples / np.where(sizes > 0.0, sizes, 1.0), full_matrices=False)
    return vectors[values > PART_OF * max(values[0], np.finfo(float).tiny)].reshape(-1, model.num_classes, model.num_classes)


@validated
def drift_commutator(model: ElasticModel, end: float) -> float:
    """How far the drifts at different times are from commuting.

        max ‖AB − BA‖/(‖A‖ ‖B‖)    over the matrices that M(t) is made of (`drift_matrices`).

    Zero, up to 1e-12 for rounding, iff M(s) M(t) = M(t) M(s) for all times; then the flow is exp(∫M).

    Args:
        model: the drift.
        end: the last time, > 0.

    Raises:
        UnusableInput: for what is no model, a time that is not positive, and rates that are singular before it.

    Source: derived; docs/derivations/locally-elastic.md, section 2.

    Example:
        >>> drift_commutator(ElasticModel(blocks="I", num_classes=3, intra="1/(1 + t)", inter="-t"), 5.0) < 1e-12
        True
        >>> round(drift_commutator(ElasticModel(blocks="L", num_classes=3, intra="1/(1 + t)", inter="-t"), 5.0), 3) > 0.1
        True
    """
    model.require_regular(end)
    return _commutator(drift_operators(model, drift_matrices(model, end)))


def drift_operators(model: ElasticModel, weights: Float[np.ndarray, "*r K K"]) -> Float[np.ndarray, "*r N N"]:
    """Drifts as matrices: K×K for the I-model, which treats all features alike, else (Kp)×(Kp)."""
    return weights if model.kind == "I" else model.assembled(weights)


def _commutator(operators: Float[np.ndarray, "r N N"]) -> float:
    sizes = np.linalg.norm(operators, axis=(1, 2))
    worst = 0.0
    for index, first in enumerate(operators):
        for other in range(index):
            bracket = np.linalg.norm(first @ operators[other] - operators[other] @ first)
            worst = max(worst, float(bracket / max(sizes[index] * sizes[other], np.finfo(float).tiny)))
    return worst


@dataclass(frozen=True, kw_only=True, eq=False)
class _Solved:
    """e^ℓ y over time, with its relative error."""

    logs: Float[np.ndarray, " T"]
    state: Float[np.ndarray, "T K p"]
    errors: Float[np.ndarray, " T"]


def flow_of_any(model: ElasticModel, start: Float[np.ndarray, "K p"], times: Float[np.ndarray, " T"]) -> Parts:
    """The flow of any model, its common mode carried apart when M(t) mixes it with class differences at no time.

    That is found out on the matrices of `drift_matrices`: the common mode (all classes equal) and the differences (classes sum to zero) are
    both invariant iff these matrices map each into itself.

    Raises:
        UnusableInput: when the integration fails.
    """
    classes = len(start)
    operators = drift_operators(model, drift_matrices(model, float(times[-1])))
    copies = len(operators[0]) // classes
    bases = [np.kron(basis, np.eye(copies)) for basis in _common_and_differences(classes)]
    split = all(
        np.linalg.norm(other.T @ operator @ basis) <= COMMUTES * np.linalg.norm(operator)
        for operator in operators
        for basis, other in (bases, bases[::-1])
    )
    routes, solved = [], []
    for basis in bases if split else [np.eye(classes * copies)]:
        projected = (basis @ (basis.T @ start.reshape(classes * copies, -1))).reshape(start.shape)
        commuting = _commutator(basis.T @ operators @ basis) <= COMMUTES
        routes.append("commuting drifts in closed form" if commuting else "integrated by DOP853")
        solved.append(_exponential(model, basis, projected, times) if commuting else _integrated(model, basis, projected, times))
    own = solved[-1]
    common = solved[0] if split else _still(times, start)
    return Parts(
        common_logs=common.logs,
        common=common.state.mean(axis=1),
        common_errors=common.errors * np.linalg.norm(common.state, axis=(1, 2)) / np.sqrt(classes),
        own_logs=np.repeat(own.logs[:, None], classes, axis=1),
        own=own.state,
        own_errors=np.repeat((own.errors * np.linalg.norm(own.state, axis=(1, 2)))[:, None], classes, axis=1),
        route=routes[0] if len(set(routes)) == 1 else f"common mode: {routes[0]}; differences: {routes[1]}",
    )


def _still(times: np.ndarray, start: np.ndarray) -> _Solved:
    """Zero at all times."""
    return _Solved(logs=np.zeros(len(times)), state=np.zeros((len(times), *start.shape)), errors=np.zeros(len(times)))


def _common_and_differences(classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Orthonormal bases of multiples of 1 and of its complement."""
    basis, _ = np.linalg.qr(np.column_stack([np.ones(classes), np.eye(classes)[:, 1:]]))
    return basis[:, :1], basis[:, 1:]


def _exponential(model: ElasticModel, basis: np.ndarray, start: np.ndarray, times: np.ndarray) -> _Solved:
    """exp(∫M) on one invariant subspace; the fastest growth is divided out, so that nothing overflows."""
    integrals, errors = model.weight_integrals(float(times[-1]))(times)
    logs, states = np.zeros(len(times)), np.zeros((len(times), *start.shape))
    within = basis.T @ start.reshape(len(basis), -1)
    for index, weights in enumerate(integrals):
        generator = basis.T @ drift_operators(model, weights) @ basis
        if np.array_equal(generator, generator.T):
            values, vectors = np.linalg.eigh(generator)
            logs[index] = values[-1]
            grown = (vectors * np.exp(values - values[-1])) @ (vectors.T @ within)
        else:
            logs[index] = np.linalg.eigvals(generator).real.max()
            grown = expm(generator - logs[index] * np.eye(len(generator))) @ within
        states[index] = (basis @ grown).reshape(start.shape)
    sizes = np.array([np.linalg.norm(weights) for weights in integrals])
    return _Solved(logs=logs, state=states, errors=model.num_classes * errors + ROUNDING * (1.0 + sizes))


def _integrated(model: ElasticModel, basis: np.ndarray, start: np.ndarray, times: np.ndarray) -> _Solved:
    """y' = (M − c) y, ℓ' = c with c = yᵀMy/‖y‖², so that ‖y‖ stays one; integrated twice, the difference states the error."""
    size = np.linalg.norm(start)
    if size == 0.0:
        return _still(times, start)

    def slope(time: float, extended: np.ndarray) -> np.ndarray:
        state = extended[:-1].reshape(start.shape)
        pushed = model.pushed(model.weights(np.array([time]))[0], state).reshape(len(basis), -1)
        pushed = (pushed if basis.shape[0] == basis.shape[1] else basis @ (basis.T @ pushed)).ravel()
        rate = pushed @ extended[:-1] / (extended[:-1] @ extended[:-1])
        return np.append(pushed - rate * extended[:-1], rate)

    begin = np.append(start.ravel() / size, np.log(size))
    runs = [_run(slope, begin, times, *how) for how in zip((TOLERANCE, LOOSER * TOLERANCE), LEAST_STEPS, strict=True)]
    states, logs = runs[0][:, :-1], runs[0][:, -1]
    # the relative distance of e^ℓ y between the runs
    errors = np.linalg.norm(states - runs[1][:, :-1], axis=1) + np.abs(logs - runs[1][:, -1])
    return _Solved(logs=logs, state=states.reshape(len(times), *start.shape), errors=errors + ROUNDING)


def _run(
    slope: Callable[[float, np.ndarray], np.ndarray], start: np.ndarray, times: np.ndarray, tolerance: float, steps: int
) -> np.ndarray:
    end = float(times[-1])
    solution = solve_ivp(
        slope, (0.0, end), start, method="DOP853", t_eval=times, rtol=tolerance, atol=0.01 * tolerance, max_step=end / steps
    )
    if not solution.success:
        raise UnusableInput(
            f"the mean flow cannot be integrated up to t = {end:g} ({solution.message}): the drift must be moderate; end earlier."
        )
    return solution.y.T
