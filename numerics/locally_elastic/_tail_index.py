"""How fast a rate decays: the tail index by its definition, and the two formulas in circulation that are something else."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics._bracket import Estimate
from layerpeel.numerics._inputs import UnusableInput, require_whole
from layerpeel.numerics._validated import validated
from layerpeel.numerics.locally_elastic._series import finite_series, jackknife_error

TAIL_SHARE = 0.1
"""The slope is fitted from this share of the last time on: one decade, the shortest stretch on which log t says something."""

PRINTED_TAIL = 1000.0
"""The printed average runs over the last thousand iterations, or over the second half where there are fewer than two thousand."""


@dataclass(frozen=True, kw_only=True)
class TailIndices:
    """The three numbers that go by the name of tail index; None where one is undefined.

    Args:
        definition: minus the slope of log|α| against log t, as `tail_index` gives it; over several trials with their jackknife error.
        printed: 1 − avg log|α|/log(1+t), as `printed_tail_index` gives it.
        cumulative: the same formula on the integral of α, as `cumulative_tail_index` gives it.
        undefined: why those that are None are undefined.
    """

    definition: Estimate | None
    printed: float | None
    cumulative: float | None
    undefined: tuple[str, ...] = ()


@validated
def tail_index(times: Any, rate: Any, *, since: float | None = None, spacing: int = 1) -> Estimate:
    """The tail index by its definition: minus the slope of log|α| against log t.

        r = sup{s : lim α(t) tˢ < ∞},   so that r = a for α ~ t^{−a}.

    Args:
        times: increasing times; those before `since` are not used.
        rate: α at these times, of one sign from `since` on.
        since: where the tail begins; a tenth of the last time unless given.
        spacing: every how many points the errors are independent (the window of a smoothing filter), ≥ 1.

    Returns:
        The index with the standard error of the regression. Its n is the number of independent points less one, so that its
        t intervals have the n − 1 degrees of freedom that a line leaves. The error is that of the points around a line: it
        does not know whether the tail is a power of t at all.

    Raises:
        UnusableInput: when the rate is zero or changes sign on the tail (says where), or fewer than three independent points are left.

    Source: zhang2021, the definition of the tail index before equation (20) of the slides.

    Example:
        >>> t = np.arange(1.0, 1001.0)
        >>> round(tail_index(t, 3.0 * t**-1.5).mean, 9)
        1.5
    """
    spacing = require_whole(spacing, "the spacing", remedy="give every how many points errors are independent")
    after, logs = _logs_on_tail(times, rate, since, TAIL_SHARE)
    independent = len(after) // spacing
    if independent < 3:
        raise UnusableInput(
            f"the tail from {after[0]:g} to {after[-1]:g} has {len(after)} points, {spacing} to each independent one: a slope with its "
            "error needs 3 independent points; begin the tail earlier, or use a shorter window."
        )
    x = np.log(after) - np.log(after).mean()
    slope = float(_slope(after, logs))
    residuals = logs - logs.mean() - slope * x
    variance = spacing * float(residuals @ residuals) / (len(after) - 2) / float(x @ x)
    return Estimate(mean=-slope, standard_error=variance**0.5, n=independent - 1)


@validated
def printed_tail_index(times: Any, rate: Any, *, since: float | None = None) -> float:
    """The tail index as printed: one more than the definition, and not blind to the unit of α.

        1 − avg log|α(t)|/log(1+t);    for α = C(1+t)^{−a} this is 1 + a − log C · avg 1/log(1+t).

    Args:
        times: increasing times.
        rate: α at these times, of one sign on the tail.
        since: where the average begins; the last thousand units of time (the second half, if that is less) unless given.

    Raises:
        UnusableInput: when times and rate do not fit, or the rate is zero or changes sign on the tail; says where.

    Source: zhang2021, the tail index before equation (20) of the slides.

    Example:
        >>> t = np.arange(0.0, 5001.0)
        >>> round(printed_tail_index(t, (1.0 + t)**-1.5), 9)
        2.5
    """
    after, logs = _logs_on_tail(times, rate, _last_thousand(times) if since is None else since, 0.5)
    return float(1.0 - np.mean(logs / np.log1p(after)))


@validated
def cumulative_tail_index(times: Any, cumulative: Any, *, since: float | None = None) -> float:
    """The variant of the released code: the printed formula on the *cumulative* A(t) = ∫α instead of α.

    For α = (1+t)^{−a} it tends to min(a, 1): every integrable rate gives 1, so it cannot tell them apart. At a finite time it is
    below 1 exactly where |A| > 1 on the tail.

    Args:
        times: increasing times.
        cumulative: A at these times, of one sign on the tail.
        since: where the average begins, as in `printed_tail_index`.

    Raises:
        UnusableInput: when times and values do not fit, or A is zero or changes sign on the tail; says where.

    Source: zhang2021, the released code (`estimate_tail_idx`).

    Example:
        >>> t = np.arange(0.0, 5001.0)
        >>> cumulative_tail_index(t, np.ones_like(t))
        1.0
    """
    return printed_tail_index(times, cumulative, since=since)


@validated
def tail_indices(
    times: Any, rate: Any, cumulative: Any, *, spacing: int = 1, without: Float[np.ndarray, "trial time"] | None = None
) -> TailIndices:
    """All three tail indices, with the reason where one is undefined.

    Args:
        times: increasing times.
        rate: α at these times.
        cumulative: its integral at these times.
        spacing: as in `tail_index`.
        without: α estimated without one trial each, trial × time; the definition's error is then the jackknife's over trials.

    Raises:
        UnusableInput: for a spacing that is not whole, or what is no trial × time array; unusable times or rates are reasons in the
            answer.

    Source: zhang2021, the tail index before equation (20) of the slides, and the released code.

    Example:
        >>> t = np.arange(1.0, 1001.0)
        >>> indices = tail_indices(t, 1.0 / t, np.log(t))
        >>> print(indices.definition, indices.undefined)
        1 (standard error ...e-..., n = 900) ()
    """
    reasons: list[str] = []

    def attempt(name: str, index: Callable[[], Any]) -> Any:
        try:
            return index()
        except UnusableInput as error:
            reasons.append(f"{name}: {error}")
            return None

    return TailIndices(
        definition=attempt("definition", lambda: _over_trials(tail_index(times, rate, spacing=spacing), times, without)),
        printed=attempt("printed", lambda: printed_tail_index(times, rate)),
        cumulative=attempt("cumulative", lambda: cumulative_tail_index(times, cumulative)),
        undefined=tuple(reasons),
    )


def _over_trials(estimate: Estimate, times: Any, without: Float[np.ndarray, "trial time"] | None) -> Estimate:
    """The same index with the jackknife's error over trials."""
    if without is None:
        return estimate
    clock = np.asarray(times, dtype=float)
    chosen = (clock >= TAIL_SHARE * clock[-1]) & (clock > 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        slopes = _slope(clock[chosen], np.log(np.abs(without[:, chosen])))
        error = float(jackknife_error(slopes))
    if not np.isfinite(error):
        raise UnusableInput(
            "without one of the trials the rate is zero at a time of the tail: the error over trials is unknown; give more trials."
        )
    return Estimate(mean=estimate.mean, standard_error=error, n=len(slopes))


def _slope(times: Float[np.ndarray, " tail"], logs: Float[np.ndarray, "*batch tail"]) -> Float[np.ndarray, "*batch"]:
    """Least-squares slope of logarithms against log t."""
    x = np.log(times) - np.log(times).mean()
    return np.asarray(logs @ x / (x @ x))


def _last_thousand(times: Any) -> float:
    last = float(finite_series(times, "times", ("time",))[-1])
    return max(last - PRINTED_TAIL, 0.5 * last)


def _logs_on_tail(
    times: Any, values: Any, since: float | None, share: float
) -> tuple[Float[np.ndarray, " tail"], Float[np.ndarray, " tail"]]:
    """The positive times from `since` (or a share of the last time) on, and the logarithms of |values| there."""
    clock = finite_series(times, "times", ("time",))
    series = finite_series(values, "values", ("time",))
    if len(clock) != len(series) or np.any(np.diff(clock) <= 0.0):
        raise UnusableInput(
            f"{len(clock)} times for {len(series)} values, or times that do not increase: each value needs its time; sort them by time."
        )
    start = share * float(clock[-1]) if since is None else since
    chosen = (clock >= start) & (clock > 0.0)
    if not chosen.any():
        raise UnusableInput(f"no positive time lies at or after {start:g}; the last one is {clock[-1]:g}: begin the tail earlier.")
    after, tail = clock[chosen], series[chosen]
    wrong = np.flatnonzero(np.sign(tail) * np.sign(tail[-1]) <= 0.0)
    if len(wrong):
        raise UnusableInput(
            f"the values cross zero: {tail[wrong[-1]]:.3g} at time {after[wrong[-1]]:g}, {tail[-1]:.3g} at the end; a tail index is the "
            "slope of a logarithm and needs one sign; begin the tail later, or smooth with a longer window."
        )
    return after, np.log(np.abs(tail))
