"""The integral of a function from 0 to any time, by piecewise Chebyshev interpolation with an error estimate."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.polynomial import chebyshev

from layerpeel.array_words import Float
from layerpeel.numerics._inputs import UnusableInput
from layerpeel.numerics._validated import validated

NODES = 24
"""Chebyshev points per panel: a panel is resolved when the last TAIL coefficients of the interpolant have died out."""
TAIL = 4
"""Coefficients that must be negligible; more than two, because even and odd functions have zeros among them."""
SMOOTH = 1e-17
"""What one panel may leave out beyond rounding, relative to ∫|f|: a tenth of the last place, so that a hundred panels leave
out ten."""
STALLED = 0.1
"""A smooth interpolant gains many digits when a panel is halved; less than this factor is none."""
PATIENCE = 6
"""After so many halvings without a gain, a panel holds a kink or noise (or 500 oscillations), and then it is enough to be accurate
relative to the whole integral of the largest function."""
ROUNDING = 8 * np.finfo(float).eps
"""Coefficients cannot die out below the rounding of the values they come from, about √n eps of the largest, nor below what a last
place of the time, or of the weight's logarithm, changes in them."""
HARMLESS = 1e-12
"""Jumps and kinks never die out. A panel narrower than NARROWEST is left as it is when its whole area is this small against ∫|f|;
a pole's area does not shrink with the panel, so what is left over is a singularity."""
NARROWEST = 2.0**-52
"""Width of the narrowest panel, relative to the interval; on intervals longer than 1, to the time at which it lies, or to 1 before that."""
GRADES = 40
"""Panels are graded towards 0 from the start, [T/2, T], [T/4, T/2], …: a rate that lives on [0, 1] must be seen when T is 1e6."""
GRADES_BELOW_ONE = 8
"""And when T is 1e300: grading goes on down to 2⁻⁸ at least."""
LATEST_TIME = 1e300
"""Latest end of an interval: sums of two times, and times beside rates, are still doubles."""
EVEN = 32
"""Even panels from the start, so that a bump in the middle is seen."""
MOST_SHAKEN = 1e-6
"""A function that a last place of the time changes by more than this share is next to a pole."""
LARGEST_EXPONENT = 700.0
"""e to this power is still a double."""
MOST_PANELS = 100_000
"""Beyond this a function oscillates or jumps more often than is worth following: 2.4 million values."""

_POINTS = chebyshev.chebpts1(NODES)
_TO_COEFFICIENTS = np.linalg.inv(chebyshev.chebvander(_POINTS, NODES - 1))

Function = Callable[[Float[np.ndarray, " n"]], np.ndarray]
"""Times in, values out; times stand first, and further axes (several functions at once) follow."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Antiderivative:
    """F(t) = ∫_0^t f for 0 ≤ t ≤ end, on each of P panels a polynomial times e^(one number).

    Args:
        edges: where panels meet.
        logs: exponents of the panels' polynomials, shape (P,).
        coefficients: Chebyshev coefficients of (F − F(left edge)) e^{−log} on each panel, shape (n, P, …).
        total_logs: exponents of F at the left edges, shape (P,).
        totals: F e^{−log} at the left edges, shape (P, …).
        errors: what F may have missed at the right edges, on the scale of the panel, shape (P, …).
    """

    edges: Float[np.ndarray, " _"]
    logs: Float[np.ndarray, " P"]
    coefficients: np.ndarray
    total_logs: Float[np.ndarray, " P"]
    totals: np.ndarray
    errors: np.ndarray

    def scaled(self, times: Float[np.ndarray, " T"]) -> tuple[np.ndarray, np.ndarray, Float[np.ndarray, " T"]]:
        """(m, ε, ℓ) with F = (m ± ε) e^ℓ at each time, shapes (T, …), (T, …) and (T,): finite also where F is beyond doubles.

        ε is an estimate: truncated coefficients, and rounding relative to ∫|f|.
        """
        panel = np.clip(np.searchsorted(self.edges, times, side="right") - 1, 0, len(self.logs) - 1)
        left, right = self.edges[panel], self.edges[panel + 1]
        local = _alike(np.clip((2.0 * times - left - right) / (right - left), -1.0, 1.0), self.totals)
        inside = np.where(local == -1.0, 0.0, chebyshev.chebval(local, self.coefficients[:, panel], tensor=False))
        logs = np.maximum(self.logs, self.total_logs)[panel]
        before, here = np.exp(self.total_logs[panel] - logs), np.exp(self.logs[panel] - logs)
        return self.totals[panel] * _alike(before, inside) + inside * _alike(here, inside), self.errors[panel], logs

    def __call__(self, times: Float[np.ndarray, " T"]) -> np.ndarray:
        """F at each time, shape (T, …)."""
        mantissas, _, logs = self.scaled(times)
        return mantissas * _alike(np.exp(logs), mantissas)

    def error(self, times: Float[np.ndarray, " T"]) -> np.ndarray:
        """An estimate of the absolute error of F at each time, shape (T, …)."""
        _, errors, logs = self.scaled(times)
        return errors * _alike(np.exp(logs), errors)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Panels:
    """Neighbouring panels and the interpolants on them."""

    left: np.ndarray
    right: np.ndarray
    logs: np.ndarray
    coefficients: np.ndarray
    sizes: np.ndarray
    area: np.ndarray
    tail: np.ndarray
    floor: np.ndarray
    stalls: np.ndarray

    def __getitem__(self, chosen: np.ndarray) -> "_Panels":
        return _Panels(
            left=self.left[chosen],
            right=self.right[chosen],
            logs=self.logs[chosen],
            coefficients=self.coefficients[:, chosen],
            sizes=self.sizes[chosen],
            area=self.area[chosen],
            tail=self.tail[chosen],
            floor=self.floor[chosen],
            stalls=self.stalls[chosen],
        )

    def joined(self, other: "_Panels") -> "_Panels":
        """Both, in order of time."""
        order = np.argsort(np.concatenate([self.left, other.left]), kind="stable")
        return _Panels(
            left=np.concatenate([self.left, other.left])[order],
            right=np.concatenate([self.right, other.right])[order],
            logs=np.concatenate([self.logs, other.logs])[order],
            coefficients=np.concatenate([self.coefficients, other.coefficients], axis=1)[:, order],
            sizes=np.concatenate([self.sizes, other.sizes])[order],
            area=np.concatenate([self.area, other.area])[order],
            tail=np.concatenate([self.tail, other.tail])[order],
            floor=np.concatenate([self.floor, other.floor])[order],
            stalls=np.concatenate([self.stalls, other.stalls])[order],
        )


@validated
def antiderivative(
    function: Function,
    end: float,
    *,
    log_weight: Callable[[np.ndarray], np.ndarray] | None = None,
    breaks: Float[np.ndarray, " _"] | None = None,
    what: str = "the function",
) -> Antiderivative:
    """Follow f = function · e^log_weight on [0, end] by bisection until every panel's interpolant has converged.

    With a weight, each panel is resolved relative to ∫|f| up to its end, so F is accurate at early times too, however much f grows later;
    without one, relative to ∫|f| over the whole interval.

    Args:
        function: f without its weight: n times in, n values out, or n × … for several functions at once.
        end: T, above 0 and at most 1e300.
        log_weight: logarithm of a factor that may be far beyond doubles: n times in, n values out; none when not given.
        breaks: times where the function is known not to be smooth.
        what: its name, for the refusal.

    Returns:
        F(t) = ∫_0^t f for t in [0, T], with an estimate of its error.

    Raises:
        UnusableInput: for what is no function, an end that is not positive or beyond 1e300, and when the function is not finite, or a
            panel's area does not vanish with its width (a singularity).

    Example:
        >>> antiderivative(np.cos, 2.0)(np.array([np.pi / 2])).round(12).item()
        1.0
        >>> mantissa, _, log = antiderivative(np.ones_like, 1e4, log_weight=lambda t: t).scaled(np.array([1e4]))
        >>> round(float(np.log(mantissa[0]) + log[0]), 8)
        10000.0
    """
    if not 0.0 < end <= LATEST_TIME:
        raise UnusableInput(f"{what} is wanted up to t = {end:g}: times must be above 0 and at most {LATEST_TIME:g}; end earlier.")
    grades = max(GRADES, math.ceil(math.log2(end)) + GRADES_BELOW_ONE)
    edges = np.concatenate([end * 0.5 ** np.arange(grades), np.linspace(0.0, end, EVEN + 1), np.empty(0) if breaks is None else breaks])
    edges = np.unique(edges[(edges >= 0.0) & (edges <= end)])
    panels = _interpolated(function, log_weight, edges[:-1], edges[1:], what)
    while True:
        totals = panels.sizes.sum(axis=0)
        whole = totals.max(initial=0.0)
        reached = np.broadcast_to(totals, panels.tail.shape) if log_weight is None else _reached(panels)
        converged = panels.tail <= SMOOTH * reached
        rough = ~_every(converged | ((panels.tail <= SMOOTH * whole) & (panels.stalls >= PATIENCE)))
        narrow = rough & (panels.right - panels.left <= NARROWEST * np.maximum(panels.right, min(end, 1.0)))
        if (narrow & ~_every(panels.area <= HARMLESS * whole)).any() or (rough.any() and len(rough) > MOST_PANELS):
            place = panels.left[narrow if narrow.any() else rough][0]
            raise UnusableInput(
                f"{what} cannot be integrated near t = {place:.6g}: it must neither be singular nor change too often on [0, {end:g}]; "
                "end before that time, or smooth it."
            )
        split = rough & ~narrow
        if not split.any():
            return _summed(panels)
        left, right = panels.left[split], panels.right[split]
        middle = 0.5 * (left + right)
        halves = _interpolated(function, log_weight, np.concatenate([left, middle]), np.concatenate([middle, right]), what)
        slowly = halves.tail > STALLED * 0.5 * np.concatenate([panels.tail[split]] * 2)
        stalls = np.where(slowly, np.concatenate([panels.stalls[split]] * 2) + 1, 0)
        panels = panels[~split].joined(replace(halves, stalls=stalls))


def _reached(panels: _Panels) -> np.ndarray:
    """∫|f| up to the end of each panel, on the panel's own scale."""
    with np.errstate(divide="ignore"):  # an area may be zero
        sums = np.logaddexp.accumulate(np.log(panels.area) + _alike(panels.logs, panels.area), axis=0)
    return np.exp(np.minimum(sums - _alike(panels.logs, sums), LARGEST_EXPONENT))


def _alike(numbers: np.ndarray, values: np.ndarray) -> np.ndarray:
    """One number per leading entry, shaped to multiply values."""
    return numbers.reshape(numbers.shape + (1,) * (values.ndim - 1))


def _every(flags: np.ndarray) -> np.ndarray:
    """Panels on which all functions agree."""
    return np.asarray(flags.reshape(len(flags), -1).all(axis=1))


def _interpolated(
    function: Function, log_weight: Callable[[np.ndarray], np.ndarray] | None, left: np.ndarray, right: np.ndarray, what: str
) -> _Panels:
    """Chebyshev interpolants on each panel, the weight's largest value divided out."""
    times = 0.5 * ((left + right)[:, None] + (right - left)[:, None] * _POINTS)
    values = np.asarray(function(times.ravel()), dtype=float)
    wrong = ~np.isfinite(values.reshape(times.size, -1)).all(axis=1)
    if wrong.any():
        raise UnusableInput(
            f"{what} is not a finite number at t = {times.ravel()[wrong].min():.6g}: it must be finite throughout; end before that "
            "time or rewrite it."
        )
    values = values.reshape(times.shape + values.shape[1:])
    logs, width = np.zeros(len(left)), _alike(right - left, values[:, 0])
    sizes = width * np.abs(values).mean(axis=1)
    if log_weight is not None:
        weights = np.asarray(log_weight(times.ravel())).reshape(times.shape)
        logs = weights.max(axis=1)
        values = values * np.exp(weights - logs[:, None]).reshape(times.shape + (1,) * (values.ndim - 2))
    coefficients = np.einsum("cn,pn...->cp...", _TO_COEFFICIENTS, values)
    size = np.abs(values)
    largest = size.max(axis=1)
    gaps = np.maximum(np.diff(times, axis=1), np.finfo(float).tiny)  # on the narrowest panels neighbouring points coincide
    slope = np.abs(np.diff(values, axis=1)) / gaps.reshape(gaps.shape + (1,) * (values.ndim - 2))
    shaken = np.finfo(float).eps * (_alike(right, width) * slope.max(axis=1) + _alike(np.abs(logs), width) * largest)
    floor = width * (ROUNDING * largest + np.minimum(shaken, MOST_SHAKEN * largest))
    tail = np.maximum(width * np.abs(coefficients[-TAIL:]).sum(axis=0) - floor, 0.0)
    return _Panels(
        left=left,
        right=right,
        logs=logs,
        coefficients=coefficients,
        sizes=sizes,
        area=width * size.mean(axis=1),
        tail=tail,
        floor=floor,
        stalls=np.zeros(tail.shape, dtype=int),
    )


def _summed(panels: _Panels) -> Antiderivative:
    """The panels' antiderivatives, each vanishing at its left edge, and the totals before them."""
    width = _alike(panels.right - panels.left, panels.area)
    integrated = chebyshev.chebint(panels.coefficients, lbnd=-1.0, axis=0) * (0.5 * width)
    gains = integrated.sum(axis=0)  # every Chebyshev polynomial is 1 at the right edge
    errors = np.minimum(panels.tail, panels.area) + panels.floor
    total_logs = np.maximum.accumulate(np.concatenate([panels.logs[:1], panels.logs]))
    totals = _cumulative(gains, panels.logs, total_logs)
    missed = _cumulative(errors, panels.logs, total_logs)
    return Antiderivative(
        edges=np.append(panels.left, panels.right[-1]),
        logs=panels.logs,
        coefficients=integrated,
        total_logs=total_logs[:-1],
        totals=totals[:-1],
        errors=missed[1:],
    )


def _cumulative(gains: np.ndarray, logs: np.ndarray, total_logs: np.ndarray) -> np.ndarray:
    """Σ of gains · e^logs up to each edge, over e^total_logs."""
    totals = np.zeros((len(gains) + 1, *gains.shape[1:]))
    if not logs.any():
        totals[1:] = np.cumsum(gains, axis=0)
        return totals
    kept, added = np.exp(total_logs[:-1] - total_logs[1:]), np.exp(logs - total_logs[1:])
    for index, gain in enumerate(gains):
        totals[index + 1] = totals[index] * kept[index] + gain * added[index]
    return totals
