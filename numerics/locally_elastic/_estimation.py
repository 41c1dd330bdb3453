"""Estimating the strengths of local elasticity, α and β and their integrals, from recorded class means."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.signal import savgol_filter

from layerpeel.array_words import Float
from layerpeel.numerics._inputs import UnusableInput, require_whole
from layerpeel.numerics._validated import validated
from layerpeel.numerics.locally_elastic._modes import elastic_modes, require_model
from layerpeel.numerics.locally_elastic._series import finite_series, increasing_times, jackknife_error
from layerpeel.numerics.locally_elastic._tail_index import TailIndices, tail_indices

WINDOW = 151
"""Window of the Savitzky–Golay filter in the source's experiments; a tenth of the series where that is shorter."""

Curves = dict[str, Float[np.ndarray, "*batch time"]]

STEEPEST = 1e14
"""Largest power of time that the filter's least squares hold beside the slope: near 1e15 SciPy drops the slope, and the rate is 0."""

STRENGTHS = ("intra", "inter", "difference")
"""α, β and α − β, whose decay decides whether classes separate."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RateEstimate:
    """Estimated strengths of local elasticity under one of the two models.

    Args:
        model: "I" or "L".
        num_classes: K.
        trials: over how many trials the means were averaged.
        times: the recorded times.
        intra: α̂, the derivative of `cumulative_intra`.
        inter: β̂, the derivative of `cumulative_inter`.
        cumulative_intra: Â(t), the integral of α from the first time on.
        cumulative_inter: B̂(t), likewise of β.
        difference: α̂ − β̂.
        cumulative_difference: Â − B̂.
        standard_error: of each of these six curves, by its name, over trials; None for a single trial.
        tail_index: of "intra", "inter" and "difference".
        components: how many logarithms the two modes average.
        crossing: how many of them cross zero; they are left out under crossings="drop" and walked through under "keep".
        spread: standard deviation of the deviations' logarithms over classes and components; zero when the means follow the model.
        window: points in the window of the Savitzky–Golay filter.
        order: degree of its polynomials.
    """

    model: str
    num_classes: int
    trials: int
    times: Float[np.ndarray, " time"]
    intra: Float[np.ndarray, " time"]
    inter: Float[np.ndarray, " time"]
    cumulative_intra: Float[np.ndarray, " time"]
    cumulative_inter: Float[np.ndarray, " time"]
    difference: Float[np.ndarray, " time"]
    cumulative_difference: Float[np.ndarray, " time"]
    standard_error: Mapping[str, Float[np.ndarray, " time"]] | None
    tail_index: Mapping[str, TailIndices]
    components: int
    crossing: int
    spread: Float[np.ndarray, " time"]
    window: int
    order: int


@validated
def estimate_rates(
    times: Any,
    means: Any,
    *,
    model: str,
    counts: Any = None,
    window: int | None = None,
    order: int = 2,
    crossings: str = "refuse",
) -> RateEstimate:
    """Estimate α, β and their integrals A, B from class means that follow the mean flow of the I-model or the L-model.

    Each model has a common mode that grows by e^c and deviations from it that grow by e^d:

        I-model: X̌ = avg_k X̄ᵏ and X̄ᵏ − X̌;      c = (A + (K−1)B)/K,  d = (A − B)/K;
        L-model: s̄ = avg_j s_j and s_j − s̄;      c = (A − B)/K,       d = (A + B/(K−1))/K,     s_j = d̂_jᵀX̄ʲ, d̂_j ∝ e_j − 1/K;
        Â = c + (K−1)d in both,                  B̂ = c − d (I-model), B̂ = (K−1)(d − c) (L-model).

    The d̂_j are left eigenvectors of the drift and constant in time, so exact trajectories give A and B back to rounding. c and d are
    averages over the components of a mode of log|component(t)/component(first)|, as printed. Two classes are no exception: both
    modes exist, and along d̂_1 the two models are one.

    The growth of a mode that starts at zero is unknown. Such data are refused: centred class means tell the I-model only α − β.

    Args:
        times: equally spaced and increasing; A and B are integrals from the first on.
        means: class means, time × K × p, or trial × time × K × p, which are averaged over trials first; p = K for the L-model.
        model: "I" or "L".
        counts: how many trials each entry of the first axis is the mean of, one number per entry; one each unless given.
        window: points in the window of the Savitzky–Golay filter that differentiates, odd; a tenth of the series, but at most 151 and
            at least 5, unless given.
        order: degree of the filter's polynomials.
        crossings: what to do with components that cross zero, which no solution of the models does: "refuse" them, "drop" them, or
            "keep" their absolute values, as the printed formula does.

    Returns:
        The estimate. Its standard errors are those of a jackknife that leaves out one entry of the first axis at a time.

    Raises:
        UnusableInput: when the data cannot be used (says at which time, class and component), and for a filter or a word that is unknown.

    Source: zhang2021, equation (19) of the slides, there for K = 3 under the L-model; derived; docs/derivations/locally-elastic.md,
        section 4.

    Example:
        >>> t = np.linspace(0.0, 1.0, 11)
        >>> means = np.array([[1.0, 2.0], [3.0, -1.0]]) * np.exp(t)[:, None, None]
        >>> estimate = estimate_rates(t, means, model="I")
        >>> print(estimate.intra[5].round(6), abs(estimate.inter[5]).round(6))
        2.0 0.0
    """
    array = finite_series(means, "class means", ("[trial]", "time", "class", "component"))
    trials = array if array.ndim == 4 else array[None]
    require_model(model, *trials.shape[2:])
    clock, step = increasing_times(times, trials.shape[1])
    if crossings not in {"refuse", "drop", "keep"}:
        raise UnusableInput(f"crossings is {crossings!r}: it must be refuse, drop or keep; give one of them.")
    window, order = _filter(window, order, len(clock))
    weights = _weights(counts, len(trials))
    pooled = np.tensordot(weights / weights.sum(), trials, axes=1)
    modes = elastic_modes(pooled, model)
    usable = [mode.usable(clock, crossings) for mode in modes]

    def curves(states: Float[np.ndarray, "*batch time K p"]) -> Curves:
        common, deviation = (mode.logs(chosen).mean(axis=-1) for mode, chosen in zip(elastic_modes(states, model), usable, strict=True))
        others = states.shape[-2] - 1
        intra = common + others * deviation
        inter = common - deviation if model == "I" else others * (deviation - common)
        integrals = dict(zip(STRENGTHS, (intra, inter, intra - inter), strict=True))
        rates: Curves = {name: np.asarray(savgol_filter(curve, window, order, deriv=1, delta=step)) for name, curve in integrals.items()}
        return rates | {f"cumulative_{name}": curve for name, curve in integrals.items()}

    estimated = curves(pooled)
    without = curves(_leaving_one_out(trials, weights)) if len(trials) > 1 else None
    return RateEstimate(
        model=model,
        num_classes=pooled.shape[1],
        trials=int(weights.sum()),
        times=clock,
        standard_error=None if without is None else {name: jackknife_error(curve) for name, curve in without.items()},
        tail_index={
            name: tail_indices(
                clock, estimated[name], estimated[f"cumulative_{name}"], spacing=window, without=None if without is None else without[name]
            )
            for name in STRENGTHS
        },
        components=sum(mode.values.shape[-1] for mode in modes),
        crossing=sum(int((mode.first_crossings() >= 0).sum()) for mode in modes),
        spread=modes[1].logs(usable[1]).std(axis=-1),
        window=window,
        order=order,
        **estimated,
    )


def _filter(window: int | None, order: int, length: int) -> tuple[int, int]:
    order = require_whole(order, "the order of the filter", remedy="give 2")
    wanted = max(min(WINDOW, length // 10), order + 1, 5) | 1
    window = wanted if window is None else require_whole(window, "the window of the filter", remedy=f"give {wanted}")
    if window % 2 == 0 or window <= order:
        raise UnusableInput(f"the window of the filter is {window}: it must be odd and exceed the order, {order}; give {wanted}.")
    if window > length:
        raise UnusableInput(
            f"the window of the filter is {window} and the series has {length} times: it must not be longer than the series; give a "
            "shorter window, or record more times."
        )
    if order * math.log(max(window // 2, 1)) > math.log(STEEPEST):
        raise UnusableInput(
            f"the order of the filter is {order} with a window of {window}: powers of times up to {window // 2}**{order} drown the slope "
            "in rounding; give a lower order or a shorter window."
        )
    return window, order


def _weights(counts: Any, length: int) -> Float[np.ndarray, " trial"]:
    weights = np.ones(length) if counts is None else finite_series(counts, "counts of trials", ("trial",))
    if len(weights) != length or np.any(weights < 1.0):
        raise UnusableInput(
            f"the counts of trials are {weights.tolist()} for {length} entries: each needs a count of at least 1; correct them."
        )
    return weights


def _leaving_one_out(
    trials: Float[np.ndarray, "trial time K p"], weights: Float[np.ndarray, " trial"]
) -> Float[np.ndarray, "trial time K p"]:
    """The means of all trials but one, for each one."""
    scale = weights[:, None, None, None]
    return (np.tensordot(weights, trials, axes=1) - scale * trials) / (weights.sum() - scale)
