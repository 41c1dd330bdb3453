"""Closed forms of the mean flow: the I-model, the L-model's quotient, and the identity."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics.locally_elastic._antiderivative import antiderivative
from layerpeel.numerics.locally_elastic._model import ElasticModel, logit_directions
from layerpeel.numerics.locally_elastic._rates import Rate

ROUNDING = 64 * np.finfo(float).eps
"""Rounding of a closed form beyond that of its integrals: exponentials, projections and sums of K terms, a few eps each."""
EXPM1_UP_TO = 1.0
"""Below this e^x − 1 cancels; above it e^x and 1 are taken apart, so that e^x may be beyond doubles."""
LARGEST_EXPONENT = 700.0
"""e to this power is still a double."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Parts:
    """X̄^k = e^a (c ± ε) + e^{b_k} (o^k ± ε_k); see `MeanFlow`."""

    common_logs: Float[np.ndarray, " T"]
    common: Float[np.ndarray, "T p"]
    common_errors: Float[np.ndarray, " T"]
    own_logs: Float[np.ndarray, "T K"]
    own: Float[np.ndarray, "T K p"]
    own_errors: Float[np.ndarray, "T K"]
    route: str


def flow_i_model(model: ElasticModel, rates: tuple[Rate, Rate], start: Float[np.ndarray, "K p"], times: Float[np.ndarray, " T"]) -> Parts:
    """X̄^k(t) = X̌(0) e^{(A + (K−1)B)/K} + (X̄^k(0) − X̌(0)) e^{Γ/K}, X̌ the mean over classes.

    Source: derived; zhang2021 for constant rates.
    """
    excess, inter = rates
    share = model.scale
    common_rate, own_rate = excess.scaled(share) + inter, excess.scaled(share)
    end = float(times[-1])
    common, own = common_rate.antiderivative(end), own_rate.antiderivative(end)
    middle = start.mean(axis=0)
    count, features = len(times), start.shape[1]
    return Parts(
        common_logs=common(times),
        common=np.broadcast_to(middle, (count, features)),
        common_errors=(common.error(times) + ROUNDING) * np.linalg.norm(middle),
        own_logs=np.repeat(own(times)[:, None], model.num_classes, axis=1),
        own=np.broadcast_to(start - middle, (count, *start.shape)),
        own_errors=np.outer(own.error(times) + ROUNDING, np.linalg.norm(start - middle, axis=1)),
        route="I-model in closed form",
    )


def flow_identity(model: ElasticModel, start: Float[np.ndarray, "K p"], times: Float[np.ndarray, " T"]) -> Parts:
    """X̄^k(t) = e^{∫w_kk} X̄^k(0): no class drives another.

    Source: derived.
    """
    weights, errors = model.weight_integrals(float(times[-1]))(times)
    return Parts(
        common_logs=np.zeros(len(times)),
        common=np.zeros((len(times), start.shape[1])),
        common_errors=np.zeros(len(times)),
        own_logs=np.diagonal(weights, axis1=1, axis2=2),
        own=np.broadcast_to(start, (len(times), *start.shape)),
        own_errors=np.outer(errors + ROUNDING, np.linalg.norm(start, axis=1)),
        route="identity in closed form",
    )


def flow_l_model(model: ElasticModel, rates: tuple[Rate, Rate], start: Float[np.ndarray, "K p"], times: Float[np.ndarray, " T"]) -> Parts:
    """The L-model through its quotient s_j = d̂_jᵀ X̄^j, whose mean and deviations are modes.

        φ1 = e^{Γ/K},  φ2 = e^{(A + B/(K−1))/K},  I_β = (1/K)∫β φ2,  I_γ = (1/K)∫γ φ2,  v = Σ_j d̂_j δ_j(0),
        X̄^i(t) = X̄^i(0) + d̂_i s̄(0)(φ1 − 1) + (d̂_i δ_i(0) − v/K) I_γ + v (I_β + I_γ/K).

    The last term is common to all classes. For K = 2 the term before it is zero: d̂_2 = −d̂_1 and δ_2 = −δ_1.

    Source: derived.
    """
    excess, inter = rates
    classes, end = model.num_classes, float(times[-1])
    directions = logit_directions(classes)
    along = np.sum(directions * start, axis=1)
    mean, deviations = along.mean(), along - along.mean()
    pushes = directions * deviations[:, None]
    common = pushes.sum(axis=0)
    own_pushes = np.zeros_like(pushes) if classes == 2 else pushes - common / classes

    first = excess.scaled(model.scale).antiderivative(end)
    second = (excess.scaled(model.scale) + inter.scaled(Fraction(1, classes - 1))).antiderivative(end)
    lone = excess.scaled(model.scale)
    shared = excess.scaled(model.scale**2) + inter.scaled(model.scale)
    integrals = antiderivative(
        lambda at: np.stack([shared.value(at), lone.value(at)], axis=1),
        end,
        log_weight=second,
        breaks=np.union1d(excess.breaks, inter.breaks),
        what="the L-model's integral",
    )
    values, missed, logs = integrals.scaled(times)
    missed = missed + second.error(times)[:, None] * np.abs(values)

    # X̄(0), φ1 − 1 and I_γ are on three scales: the largest of them is divided out
    growth = first(times) if mean else np.zeros(len(times))
    with np.errstate(divide="ignore"):
        lone_logs = logs + np.log(np.abs(values[:, 1])) if own_pushes.any() else np.full(len(times), -np.inf)
    top = np.maximum(np.maximum(growth, lone_logs), 0.0)
    moved = np.where(growth > EXPM1_UP_TO, np.exp(growth - top) - np.exp(-top), np.expm1(np.minimum(growth, EXPM1_UP_TO)) * np.exp(-top))
    pushed = np.sign(values[:, 1]) * np.exp(lone_logs - top)
    lost = missed[:, 1] * np.exp(np.minimum(logs - top, LARGEST_EXPONENT)) if own_pushes.any() else np.zeros(len(times))
    rows, along_rows = np.linalg.norm(start, axis=1), np.linalg.norm(own_pushes, axis=1)
    sizes = np.outer(np.exp(-top), rows) + np.abs(moved * mean)[:, None] + np.outer(np.abs(pushed), along_rows)
    return Parts(
        common_logs=logs,
        common=values[:, :1] * common,
        common_errors=(missed[:, 0] + ROUNDING * np.abs(values[:, 0])) * np.linalg.norm(common),
        own_logs=np.repeat(top[:, None], classes, axis=1),
        own=np.exp(-top)[:, None, None] * start + moved[:, None, None] * (mean * directions) + pushed[:, None, None] * own_pushes,
        own_errors=ROUNDING * sizes + (first.error(times) * np.exp(growth - top) * abs(mean))[:, None] + np.outer(lost, along_rows),
        route="L-model in closed form",
    )
