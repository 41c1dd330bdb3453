"""Closed forms of the mean flow: the I-model, the L-model's quotient, and the identity."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from jaxtyping import Float

from numerics._antiderivative import antiderivative
from numerics._elastic import ElasticModel, logit_directions
from numerics._rates import Rate

ROUNDING = 64 * np.finfo(float).eps
"""Rounding of a closed form beyond that of its integrals: exponentials, projections and sums of K terms, a few eps each."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Parts:
    """X̄^k = e^a c + e^{b_k} o^k; see `MeanFlow`."""

    common_logs: Float[np.ndarray, " T"]
    common: Float[np.ndarray, "T p"]
    own_logs: Float[np.ndarray, "T K"]
    own: Float[np.ndarray, "T K p"]
    errors: Float[np.ndarray, " T"]
    route: str


def flow_i_model(model: ElasticModel, start: Float[np.ndarray, "K p"], times: Float[np.ndarray, " T"]) -> Parts:
    """X̄^k(t) = X̌(0) e^{(A + (K−1)B)/K} + (X̄^k(0) − X̌(0)) e^{Γ/K}, X̌ the mean over classes.

    Source: derived; zhang2021 for constant rates.
    """
    gap, inter = _rates(model)
    share = model.scale
    common_rate, own_rate = gap.scaled(share) + inter, gap.scaled(share)
    end = float(times[-1])
    common, own = common_rate.antiderivative(end), own_rate.antiderivative(end)
    middle = start.mean(axis=0)
    count, features = len(times), start.shape[1]
    return Parts(
        common_logs=common(times),
        common=np.broadcast_to(middle, (count, features)),
        own_logs=np.repeat(own(times)[:, None], model.num_classes, axis=1),
        own=np.broadcast_to(start - middle, (count, *start.shape)),
        errors=np.maximum(common.error(times), own.error(times)) + ROUNDING,
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
        own_logs=np.diagonal(weights, axis1=1, axis2=2),
        own=np.broadcast_to(start, (len(times), *start.shape)),
        errors=errors + ROUNDING,
        route="identity in closed form",
    )


def flow_l_model(model: ElasticModel, start: Float[np.ndarray, "K p"], times: Float[np.ndarray, " T"]) -> Parts:
    """The L-model through its quotient s_j = d̂_jᵀ X̄^j, whose mean and deviations are modes.

        φ1 = e^{Γ/K},  φ2 = e^{(A + B/(K−1))/K},  I_β = (1/K)∫β φ2,  I_γ = (1/K)∫γ φ2,  v = Σ_j d̂_j δ_j(0),
        X̄^i(t) = X̄^i(0) + d̂_i s̄(0)(φ1 − 1) + (d̂_i δ_i(0) − v/K) I_γ + v (I_β + I_γ/K).

    The last term is common to all classes. For K = 2 the term before it is zero: d̂_2 = −d̂_1 and δ_2 = −δ_1.

    Source: derived.
    """
    gap, inter = _rates(model)
    classes, end = model.num_classes, float(times[-1])
    directions = logit_directions(classes)
    along = np.sum(directions * start, axis=1)
    mean, deviations = along.mean(), along - along.mean()
    pushes = directions * deviations[:, None]
    common = pushes.sum(axis=0)
    own_pushes = np.zeros_like(pushes) if classes == 2 else pushes - common / classes

    first = gap.scaled(model.scale).antiderivative(end)
    second = (gap.scaled(model.scale) + inter.scaled(Fraction(1, classes - 1))).antiderivative(end)
    shared = gap.scaled(model.scale**2) + inter.scaled(model.scale)
    lone = gap.scaled(model.scale)
    integrals = antiderivative(
        lambda at: np.stack([shared.value(at), lone.value(at)], axis=1),
        end,
        log_weight=second,
        breaks=np.union1d(gap.breaks, inter.breaks),
        what="the L-model's integral",
    )
    values, missed, logs = integrals.scaled(times)
    growth = first(times)
    # the class part is a sum of terms on the scales 1, φ1 and φ2: the largest is divided out
    top = np.maximum(np.maximum(growth, logs), 0.0)
    from_mean = np.where(
        growth > EXPM1_UP_TO, np.exp(growth - top) - np.exp(-top), np.expm1(np.minimum(growth, EXPM1_UP_TO)) * np.exp(-top)
    )
    own = (
        np.exp(-top)[:, None, None] * start
        + from_mean[:, None, None] * (mean * directions)
        + (values[:, 1] * np.exp(logs - top))[:, None, None] * own_pushes
    )
    size = np.linalg.norm(own, axis=(1, 2))
    lost = missed[:, 1] * np.exp(logs - top) * np.linalg.norm(own_pushes) + first.error(times) * np.exp(growth - top) * abs(mean) * np.sqrt(
        classes
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        errors = np.fmax(lost / size, missed[:, 0] / np.abs(values[:, 0]))
    return Parts(
        common_logs=logs,
        common=values[:, :1] * common,
        own_logs=np.repeat(top[:, None], classes, axis=1),
        own=own,
        errors=np.nan_to_num(errors, posinf=0.0) + second.error(times) + ROUNDING,
        route="L-model in closed form",
    )


EXPM1_UP_TO = 1.0
"""Below this e^x − 1 cancels; above it e^x and 1 are taken apart, so that e^x may be beyond doubles."""


def _rates(model: ElasticModel) -> tuple[Rate, Rate]:
    rates = model.effective_rates
    assert rates is not None  # noqa: S101 (the caller chose this closed form because they exist)
    return rates
