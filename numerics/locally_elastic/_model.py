"""The locally elastic model: how strongly the class means drive each other, along which directions, with what noise."""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics._inputs import UnusableInput, require_whole
from layerpeel.numerics._memory import require_memory
from layerpeel.numerics._validated import validated
from layerpeel.numerics.locally_elastic._antiderivative import antiderivative
from layerpeel.numerics.locally_elastic._noise import Noise, as_noise
from layerpeel.numerics.locally_elastic._rates import Rate, as_rate

BLOCKS = ("I", "L", "identity")
"""Names of blocks: I-model, L-model, and the identity matrix (H_ij = 0 off the diagonal)."""

STOCHASTIC = 1e-12
"""How far sums of rows and columns of a sampling matrix may be from one: rounding of K decimal shares."""


@dataclass(frozen=True, kw_only=True, init=False, eq=False)
class ElasticModel:
    """The locally elastic drift M(t) on class means X̄ ∈ R^{K×p}, and the noise of the features around them.

        dX̄ = M(t) X̄ dt,      M_ij = (E(t) P')_ij H_ij / K,      E = α(t) on the diagonal, β(t) off it.

    Args:
        blocks: H. "I": H_ij = I_p for all i, j. "L": H_ij = d̂_j d̂_jᵀ with d_j = e_j − 1/K, p = K. "identity": H_ii = I_p, H_ij = 0. Or an
            array of shape (K, K, p, p).
        num_classes: K ≥ 2.
        num_features: p ≥ 1; K when not given.
        intra: α(t), anything that `as_rate` takes.
        inter: β(t).
        elasticity: instead of α and β, a callable that returns the K×K matrix E(t).
        sampling: P', doubly stochastic K×K: P'_lj is the share of class-j samples that act as class l; I_K when not given.
        kronecker: P of the literal reading M = (E ⊗ P) ∘ H, a K×K matrix that masks entries inside each block (p = K, no division by K, no
            mixing of classes). At P = 11ᵀ/K this is the same model as P' = I.
        noise: anything that `as_noise` takes; none when not given.

    Raises:
        UnusableInput: for blocks, matrices or rates that do not fit together.

    Source: zhang2021, equations (2) to (4), table 1.

    Example:
        >>> model = ElasticModel(blocks="I", num_classes=2, num_features=1, intra="1/(1 + t)", inter=0)
        >>> model.matrix(1.0).tolist()
        [[0.25, 0.0], [0.0, 0.25]]
    """

    num_classes: int
    num_features: int
    kind: str
    """ "I", "L", "identity", or "given"."""
    blocks: Float[np.ndarray, "K K p p"] | None = field(repr=False)
    """H (or P ∘ H) when it was given; None for the named blocks."""
    intra: Rate | None
    inter: Rate | None
    elasticity: Callable[[float], Any] | None = field(repr=False)
    sampling: Float[np.ndarray, "K K"] = field(repr=False)
    scale: Fraction
    """1/K, or 1 in the literal reading of P."""
    noise: Noise = field(repr=False)

    def __init__(
        self,
        *,
        blocks: Any,
        num_classes: int,
        num_features: int | None = None,
        intra: Any = None,
        inter: Any = None,
        elasticity: Callable[[float], Any] | None = None,
        sampling: Any = None,
        kronecker: Any = None,
        noise: Any = 0,
    ) -> None:
        classes = require_whole(num_classes, "the number of classes", least=2, remedy="correct it")
        features = classes if num_features is None else require_whole(num_features, "the number of features", remedy="correct it")
        if elasticity is None and (intra is None or inter is None):
            raise UnusableInput(
                "the elasticity is not given: it must be intra and inter, or a K x K callable; give them, for example 1 and 0."
            )
        if elasticity is not None and (intra is not None or inter is not None):
            raise UnusableInput("the elasticity is given twice: it must be intra and inter, or a K x K callable; leave one out.")
        if sampling is not None and kronecker is not None:
            raise UnusableInput("both readings of P are given: it must be sampling or kronecker; leave one out.")
        if isinstance(blocks, str) and blocks not in BLOCKS:
            raise UnusableInput(
                f"blocks {blocks!r} are unknown: they must be one of {', '.join(BLOCKS)}, or an array; choose one of these."
            )
        if isinstance(blocks, str) and blocks == "L" and features != classes:
            raise UnusableInput(
                f"the L-model has {features} features for {classes} classes: it must have as many features as classes; leave it out."
            )
        kind = blocks if isinstance(blocks, str) else "given"
        given = None if isinstance(blocks, str) else _matrix(blocks, (classes, classes, features, features), "blocks")
        scale = Fraction(1, classes)
        if kronecker is not None:
            mask = _matrix(kronecker, (classes, classes), "the Kronecker factor P")
            if features != classes:
                raise UnusableInput(
                    f"the literal Kronecker product has {features} features for {classes} classes: both must be equal; use sampling."
                )
            if not np.allclose(mask, 1 / classes, rtol=STOCHASTIC, atol=0.0):
                given, kind, scale = mask * (named_blocks(kind, classes, features) if given is None else given), "given", Fraction(1)
        values = {
            "num_classes": classes,
            "num_features": features,
            "kind": kind,
            "blocks": given,
            "intra": None if intra is None else as_rate(intra),
            "inter": None if inter is None else as_rate(inter),
            "elasticity": elasticity,
            "sampling": np.eye(classes) if sampling is None else _doubly_stochastic(sampling, classes),
            "scale": scale,
            "noise": as_noise(noise, classes, features),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @cached_property
    def excess(self) -> Rate | None:
        """γ = α − β; None for a general E(t)."""
        return None if self.intra is None or self.inter is None else self.intra - self.inter

    @cached_property
    def effective_rates(self) -> tuple[Rate, Rate] | None:
        """(γ', β') with E(t) P' = γ' I + β' 11ᵀ; None when E(t) P' has more than two different entries.

        A sampling matrix a I + b 11ᵀ keeps the two-parameter form: γ' = a γ and β' = β + b γ. Uniform label noise is of this kind.
        """
        excess = self.excess
        if excess is None or self.inter is None:
            return None
        share = self.sampling[0, 1]
        if not np.allclose(self.sampling, np.eye(self.num_classes) * (1 - self.num_classes * share) + share, rtol=0.0, atol=STOCHASTIC):
            return None
        return (excess, self.inter) if share == 0.0 else (excess.scaled(1 - self.num_classes * share), self.inter + excess.scaled(share))

    def weights(self, times: Float[np.ndarray, " T"]) -> Float[np.ndarray, "T K K"]:
        """E(t) P' / K: the factor of block H_ij at each time.

        Raises:
            UnusableInput: where a rate is not finite, or the callable does not return a K×K matrix.
        """
        self._require_weights(len(times))
        if self.elasticity is None:
            intra, inter = (rate.value(times)[:, None, None] for rate in (self.intra, self.inter) if rate is not None)
            mixed = (intra - inter) * np.eye(self.num_classes) + inter
        else:
            with np.errstate(all="ignore"):  # what is not finite is refused with its time
                mixed = np.stack([_matrix(self.elasticity(time), (self.num_classes,) * 2, f"E({time:.6g})") for time in times.tolist()])
        return mixed @ self.sampling * float(self.scale)

    def weight_integrals(self, end: float) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
        """∫_0^t E P'/K as a function of times up to `end`, shape (T, K, K), with an estimate of the error of its entries, shape (T,).

        Raises:
            UnusableInput: for a rate that is singular before the end.
        """
        if self.excess is None or self.inter is None:
            integral = antiderivative(self.weights, end, what="the elasticity E(t)")
            return lambda times: (integral(times), integral.error(times).max(axis=(1, 2)))
        excess, inter, share = self.excess.antiderivative(end), self.inter.antiderivative(end), float(self.scale)

        def integrals(times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            self._require_weights(len(times))
            mixed = excess(times)[:, None, None] * np.eye(self.num_classes) + inter(times)[:, None, None]
            return mixed @ self.sampling * share, (excess.error(times) + inter.error(times)) * share

        return integrals

    def _require_weights(self, count: int) -> None:
        need = 24.0 * count * self.num_classes**2
        require_memory(need, f"weights of {self.num_classes} classes at {count} times", "use fewer classes or times")

    def require_regular(self, end: float) -> None:
        """Check that rates and noise are finite on [0, end].

        Raises:
            UnusableInput: with the place of the first singularity.
        """
        for rate in (self.intra, self.inter, *(self.noise.deviations or ())):
            if rate is not None:
                rate.require_regular(end)

    def pushed(self, weights: Float[np.ndarray, "K K"], state: Float[np.ndarray, "K p *n"]) -> Float[np.ndarray, "K p *n"]:
        """M X for the drift with these weights: Σ_j w_ij H_ij X^j."""
        if self.kind == "I":
            return np.tensordot(weights, state, axes=1)
        if self.kind == "identity":
            return np.diag(weights).reshape((-1,) + (1,) * (state.ndim - 1)) * state
        if self.kind == "L":
            directions = logit_directions(self.num_classes)
            along = np.einsum("jb,jb...->j...", directions, state)
            return np.einsum("ij,ja,j...->ia...", weights, directions, along)
        return np.einsum("ij,ijab,jb...->ia...", weights, self._blocks(), state)

    def assembled(self, weights: Float[np.ndarray, "*T K K"]) -> Float[np.ndarray, "*T Kp Kp"]:
        """The (Kp)×(Kp) matrix with blocks w_ij H_ij.

        Raises:
            UnusableInput: when it would not fit in memory.
        """
        size = self.num_classes * self.num_features
        count = weights.size // self.num_classes**2
        require_memory(16.0 * count * size**2, f"a drift matrix of {size} rows", "use fewer classes, features or times")
        return np.einsum("...ij,ijab->...iajb", weights, self._blocks()).reshape(*weights.shape[:-2], size, size)

    def _blocks(self) -> Float[np.ndarray, "K K p p"]:
        return named_blocks(self.kind, self.num_classes, self.num_features) if self.blocks is None else self.blocks

    def matrix(self, time: float) -> Float[np.ndarray, "Kp Kp"]:
        """M(t), the features of a class standing together."""
        return self.assembled(self.weights(np.array([float(time)]))[0])


@validated
def logit_directions(num_classes: int) -> Float[np.ndarray, "K K"]:
    """The directions of the L-model, a simplex ETF.

        d̂_j = d_j/‖d_j‖,    d_j = e_j − 1/K.

    Args:
        num_classes: K ≥ 2.

    Returns:
        K × K, row j the direction d̂_j.

    Raises:
        UnusableInput: for K that is no whole number from 2 on, or more than fits in memory.

    Source: zhang2021, table 1 of the slides.

    Example:
        >>> (logit_directions(3) @ logit_directions(3).T).round(12)[0].tolist()
        [1.0, -0.5, -0.5]
    """
    num_classes = require_whole(num_classes, "the number of classes", least=2, remedy="directions differ from two classes on")
    require_memory(8.0 * num_classes * num_classes, f"the directions of {num_classes} classes", "use fewer of them")
    return (np.eye(num_classes) - 1 / num_classes) / np.sqrt(1 - 1 / num_classes)


def named_blocks(kind: str, num_classes: int, num_features: int) -> Float[np.ndarray, "K K p p"]:
    """H_ij of the I-model, the L-model or the identity.

    Example:
        >>> named_blocks("L", 2, 2)[0, 1].round(12).tolist()
        [[0.5, -0.5], [-0.5, 0.5]]
    """
    shape = (num_classes, num_classes, num_features, num_features)
    require_memory(
        8.0 * np.prod(np.array(shape, dtype=float)), f"blocks of {num_features} features for {num_classes} classes", "use fewer of them"
    )
    if kind == "L":
        directions = logit_directions(num_classes)
        return np.broadcast_to(np.einsum("ja,jb->jab", directions, directions), shape)
    everywhere = np.broadcast_to(np.eye(num_features), shape)
    return everywhere if kind == "I" else everywhere * np.eye(num_classes)[:, :, None, None]


def _matrix(values: Any, shape: tuple[int, ...], what: str) -> np.ndarray:
    try:
        matrix = np.asarray(values, dtype=float)
    except (TypeError, ValueError, OverflowError):
        raise UnusableInput(f"{what} holds something that is no number: it must be an array of numbers; correct it.") from None
    if matrix.shape != shape:
        raise UnusableInput(f"{what} has shape {matrix.shape}: it must be {shape}; correct it.")
    if not np.isfinite(matrix).all():
        raise UnusableInput(f"{what} has entries that are not finite numbers: all must be; correct them.")
    return matrix


def _doubly_stochastic(values: Any, num_classes: int) -> np.ndarray:
    matrix = _matrix(values, (num_classes, num_classes), "the sampling matrix P")
    worst = max(np.abs(matrix.sum(axis=0) - 1).max(), np.abs(matrix.sum(axis=1) - 1).max(), -matrix.min())
    if worst > STOCHASTIC:
        raise UnusableInput(
            f"the sampling matrix P is off by {worst:.3g}: it must be >= 0, with rows and columns that sum to 1; rescale it."
        )
    return matrix
