"""Propagators and covariances of dX̃ = M(t) X̃ dt + Σ(t)^{1/2} dB between times."""

from collections.abc import Callable

import numpy as np
from scipy.integrate import solve_ivp

from layerpeel.array_words import Float
from layerpeel.numerics._inputs import UnusableInput
from layerpeel.numerics._memory import require_memory
from layerpeel.numerics.locally_elastic._antiderivative import antiderivative
from layerpeel.numerics.locally_elastic._integrated_flow import drift_matrices
from layerpeel.numerics.locally_elastic._model import ElasticModel

DIAGONAL = 1e-12
"""Entries off the diagonal below this share of a symmetric matrix are rounding of its eigenvectors."""
LARGEST_DIAGONALIZED = 64
"""Rows up to which a covariance is taken mode by mode: N² integrals of some thousand values each, 130 MB at N = 64."""
TOLERANCE = 1e-12
"""Relative tolerance with which propagators and covariances are integrated otherwise (DOP853)."""
LARGEST_EXPONENT = 350.0
"""e to twice this power is still a double."""
VANISHED = 16 * np.finfo(float).eps
"""Noise between two modes below this share of the largest is rounding of none, and would be integrated as noise."""
LEAST_STEPS = 16
"""Steps at least between two times, so that a bump in the rates is not stepped over."""

Matrices = Callable[[Float[np.ndarray, " T"]], Float[np.ndarray, "T N N"]]
"""Matrices at each of a list of times."""
Transition = tuple[Float[np.ndarray, "N N"], Float[np.ndarray, "N N"]]
"""Φ(t, s) and Q(t, s): X̃(t) = Φ X̃(s) + N(0, Q)."""


def propagated(
    model: ElasticModel, times: Float[np.ndarray, " T"], start_covariance: np.ndarray, *, isotropic: bool
) -> tuple[Float[np.ndarray, "T N N"], Float[np.ndarray, "T N N"]]:
    """Φ and Q from each time to the next, the first from 0 and with the start's covariance.

    The I-model whose noise is the same in all directions moves every feature by the same K×K matrices (N = K), else N = Kp. In closed form
    when one orthonormal basis diagonalizes M(t) at all times, which is found out; else integrated.

    Raises:
        UnusableInput: when they do not fit in memory, or leave the doubles.
    """
    small = isotropic and model.kind == "I"
    size, end = model.num_classes * (1 if small else model.num_features), float(times[-1])
    require_propagators(size, len(times))

    def operators(weights: np.ndarray) -> np.ndarray:
        return weights if small else model.assembled(weights)

    def noise(at: np.ndarray) -> np.ndarray:
        return _diagonal_blocks(model.noise.variances(at)[..., None, None] if small else model.noise.at(at))

    basis = common_eigenvectors(operators(drift_matrices(model, end))) if size <= LARGEST_DIAGONALIZED else None
    integrals = model.weight_integrals(end)

    def between(left: float, right: float) -> Transition:
        if left == right:
            return np.eye(size), np.zeros((size, size))
        if basis is None:
            return _integrated(lambda at: operators(model.weights(at)), noise, size, left, right)
        return _by_modes(basis, lambda at: operators(integrals(at)[0]), noise, left, right)

    with np.errstate(over="ignore", invalid="ignore"):
        transitions = [between(*ends) for ends in zip([0.0, *times[:-1].tolist()], times.tolist(), strict=True)]
        propagators, increments = (np.stack(part) for part in zip(*transitions, strict=True))
        increments[0] += (
            propagators[0] @ _diagonal_blocks(start_covariance[:, None, None] if small else start_covariance) @ propagators[0].T
        )
    if not (np.isfinite(propagators).all() and np.isfinite(increments).all()):
        raise _beyond_doubles(end)
    return propagators, increments


def _beyond_doubles(end: float) -> UnusableInput:
    return UnusableInput(f"the covariance is beyond doubles before t = {end:g}: it must stay below 1e308; end earlier.")


def require_propagators(size: int, times: int) -> None:
    """Check the memory that propagators and covariances of this many rows need.

    Raises:
        UnusableInput: when they do not fit.
    """
    require_memory(8.0 * (4 * times + 40) * size**2, f"propagators of {size} rows", "use fewer classes, features or times")


def common_eigenvectors(operators: Float[np.ndarray, "r N N"]) -> Float[np.ndarray, "N N"] | None:
    """Orthonormal columns that diagonalize all of the matrices, or None: there are such iff all are symmetric and commute.

    A combination with generic weights has no more repeated eigenvalues than the whole family.

    Example:
        >>> common_eigenvectors(np.array([[[0.0, 1.0], [1.0, 0.0]], [[1.0, 0.0], [0.0, 2.0]]])) is None
        True
    """
    if not all((np.abs(operator - operator.T) <= DIAGONAL * np.abs(operator).max()).all() for operator in operators):
        return None
    generic = np.tensordot(np.sqrt(np.arange(2.0, 2.0 + len(operators))), operators, axes=1)
    _, vectors = np.linalg.eigh(0.5 * (generic + generic.T))
    turned = vectors.T @ operators @ vectors
    off = turned - turned * np.eye(len(vectors))
    return vectors if (np.abs(off).max(axis=(1, 2)) <= DIAGONAL * np.abs(operators).max(axis=(1, 2))).all() else None


def _by_modes(basis: np.ndarray, integrals: Matrices, noise: Matrices, left: float, right: float) -> Transition:
    """Φ = V e^{Λ(t) − Λ(s)} Vᵀ and Q = V [∫_s^t e^{Λ_m(t) − Λ_m(τ) + Λ_n(t) − Λ_n(τ)} (VᵀΣ(τ)V)_mn dτ] Vᵀ, Λ = ∫ eigenvalues of M."""

    def exponents(at: np.ndarray) -> np.ndarray:
        return np.einsum("am,tab,bm->tm", basis, integrals(at), basis)

    final = exponents(np.array([right]))

    def integrand(since: np.ndarray) -> np.ndarray:
        growth = final - exponents(left + since)
        if growth.max() > LARGEST_EXPONENT:
            raise _beyond_doubles(right)
        grown = np.exp(growth)
        turned = basis.T @ noise(left + since) @ basis
        turned[np.abs(turned) <= VANISHED * np.abs(turned).max(initial=0.0)] = 0.0
        return grown[:, :, None] * grown[:, None, :] * turned

    total = antiderivative(integrand, right - left, what="the covariance")(np.array([right - left]))[0]
    return (basis * np.exp(final - exponents(np.array([left])))) @ basis.T, basis @ total @ basis.T


def _integrated(drift: Matrices, noise: Matrices, size: int, left: float, right: float) -> Transition:
    """Φ' = MΦ from I and Q' = MQ + QMᵀ + Σ from 0."""

    def slope(time: float, both: np.ndarray) -> np.ndarray:
        at = np.array([time])
        propagator, covariance = both.reshape(2, size, size)
        matrix = drift(at)[0]
        pushed = matrix @ covariance
        return np.stack([matrix @ propagator, pushed + pushed.T + noise(at)[0]]).ravel()

    # absolute tolerances on the scale of each: propagators begin at one, covariances are as large as the noise makes them
    gathered = (right - left) * float(np.abs(noise(np.linspace(left, right, LEAST_STEPS + 1))).max())
    solution = solve_ivp(
        slope,
        (left, right),
        np.stack([np.eye(size), np.zeros((size, size))]).ravel(),
        method="DOP853",
        t_eval=[right],
        rtol=TOLERANCE,
        atol=1e-3 * TOLERANCE * np.repeat([1.0, gathered or 1.0], size**2),
        max_step=(right - left) / LEAST_STEPS,
    )
    if not solution.success:
        raise UnusableInput(
            f"the covariance cannot be integrated up to t = {right:g} ({solution.message}): the drift must be moderate; end earlier."
        )
    propagator, covariance = solution.y[:, -1].reshape(2, size, size)
    return propagator, 0.5 * (covariance + covariance.T)


def _diagonal_blocks(blocks: Float[np.ndarray, "*T K p p"]) -> Float[np.ndarray, "*T Kp Kp"]:
    """Block-diagonal matrices."""
    *times, classes, features, _ = blocks.shape
    matrices = np.zeros((*times, classes, features, classes, features))
    every = np.arange(classes)
    matrices[..., every, :, every, :] = np.moveaxis(blocks, -3, 0)
    return matrices.reshape(*times, classes * features, classes * features)
