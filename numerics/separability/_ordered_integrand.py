"""The integral behind the probability that two Gaussian samples are separated along a direction, in logarithms.

Along the direction one class has n samples of N(m, s²), the other n' of N(m', s'²). With s ≤ s' and z the standardised minimum of the
narrower class, all samples of the wider class lie below all of the narrower one with probability

    P = ∫ n φ(z) Φ(−z)^{n−1} Φ(w)^{n'} dz,    w = (lead + s z)/s',

and the mirror image has the same P when the narrower class is the lower one. Every factor is log-concave and φ strongly so: the integrand
has one peak and falls from it at least as e^{−t²/2}. It is entire, so the trapezoidal rule converges geometrically once its step
resolves the peak. In 1 − P the factor Φ(w)^{n'} becomes 1 − Φ(w)^{n'}, a survival function and log-concave too; the smaller of P and 1 − P
is integrated and the other one follows.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from layerpeel.array_words import Float, Int

Array = Float[np.ndarray, "..."]

DEPTH = 50.0
"""The integrand is followed down to e^{−50} of its peak; what a log-concave tail holds beyond is below the rounding of a double."""

WINDOW = 12.0
"""Half-width of the widest window: from its peak the integrand falls at least as e^{−t²/2}, and 12²/2 > 50."""

CONVERGED = 1e-13
"""Two trapezoidal sums that agree so well (relatively) end the refinement; convergence is geometric, so the finer one is far better."""

FIRST_PANELS, LAST_PANELS = 64, 2**15
"""Panels of the first trapezoidal sum, and where refinement ends; the difference of the last two sums is the stated error either way."""

ROUNDING = 16 * float(np.finfo(float).eps)
"""Relative rounding allowed to each term of the exponent, whose functions are good to a few ulps."""

REACH = 1e150
"""Standardised gaps beyond this have log P < −1e299, or log(1 − P): it is answered by −∞."""

CHUNK = 2**18
"""Nodes evaluated at once: 2 MB per temporary."""


def _hazard(z: Array) -> Array:
    """φ(z)/Φ(−z), to full precision everywhere."""
    return math.sqrt(2.0 / math.pi) / special.erfcx(z / math.sqrt(2.0))


@dataclass(frozen=True, kw_only=True, eq=False)
class Integrand:
    """The logarithm of the integrand for a column of cases, nodes along the last axis.

    Args:
        standard: lead/s' by case.
        ratio: s/s' ≤ 1.
        least: n, samples of the narrower class.
        others: n', samples of the wider one.
        complement: whether the last factor is 1 − Φ(w)^{n'}.
    """

    standard: Array
    ratio: Array
    least: Array
    others: Array
    complement: bool

    def take(self, rows: Int[np.ndarray, "..."]) -> "Integrand":
        """Some of the cases."""
        return Integrand(
            standard=self.standard[rows],
            ratio=self.ratio[rows],
            least=self.least[rows],
            others=self.others[rows],
            complement=self.complement,
        )

    def terms(self, z: Array) -> tuple[Array, Array, Array]:
        """log n φ(z), log Φ(−z)^{n−1} and the logarithm of the last factor."""
        w = self.standard + self.ratio * z
        below = self.others * special.log_ndtr(w)
        if self.complement:
            above = np.log(self.others) + special.log_ndtr(-w)  # n' Φ(−w), which 1 − Φ(w)^{n'} equals where it is tiny
            below = np.where(above < -DEPTH, above, np.log(-np.expm1(below)))
        return np.log(self.least) - 0.5 * z * z - 0.5 * math.log(2.0 * math.pi), (self.least - 1.0) * special.log_ndtr(-z), below

    def value(self, z: Array) -> Array:
        """The exponent."""
        first, second, third = self.terms(z)
        return first + second + third

    def factor_slope(self, z: Array) -> Array:
        """d/dw of the logarithm of the last factor."""
        w = self.standard + self.ratio * z
        pull = self.others * _hazard(-w)
        if not self.complement:
            return pull
        tiny = np.log(self.others) + special.log_ndtr(-w) < -DEPTH
        return -np.where(tiny, _hazard(w), pull / np.expm1(-self.others * special.log_ndtr(w)))

    def slope(self, z: Array) -> Array:
        """d/dz of the exponent: decreasing, with slope at most −1."""
        return -z - (self.least - 1.0) * _hazard(z) + self.ratio * self.factor_slope(z)

    def peak(self) -> Array:
        """Where the slope vanishes, by bisection in arsinh z, which reaches every order of magnitude alike."""
        lower, upper = (np.full_like(self.standard, np.arcsinh(end)) for end in (-1e5 * REACH, 1e5 * REACH))
        for _ in range(64):
            middle = 0.5 * (lower + upper)
            rising = self.slope(np.sinh(middle)) > 0.0
            lower, upper = np.where(rising, middle, lower), np.where(rising, upper, middle)
        return np.sinh(0.5 * (lower + upper))

    def reach(self, peak: Array, top: Array, direction: float) -> Array:
        """How far from the peak the integrand falls by e^{−DEPTH}, within a few per cent on the outer side."""
        lower, upper = np.full_like(peak, math.log(1e-60)), np.full_like(peak, math.log(WINDOW))
        for _ in range(12):
            middle = 0.5 * (lower + upper)
            inside = self.value(peak + direction * np.exp(middle)) > top - DEPTH
            lower, upper = np.where(inside, middle, lower), np.where(inside, upper, middle)
        return np.exp(upper)

    def logarithm(self) -> tuple[Array, Array]:
        """The logarithm of the integral, and its error."""
        peak = self.peak()
        top = self.value(peak)
        left, right = self.reach(peak, top, -1.0), self.reach(peak, top, 1.0)
        start, width = peak - left, left + right

        def total(rows: Int[np.ndarray, " B"], shares: Array) -> Array:
            """Sum of the integrand, in units of its peak, over nodes at the given shares of the window."""
            groups = np.array_split(rows, max(1, rows.size * shares.size // CHUNK))
            sums = []
            for group in groups:
                cases = self.take(group[:, None])
                sums.append(np.exp(cases.value(start[group, None] + width[group, None] * shares) - top[group, None]).sum(axis=1))
            return np.concatenate(sums)

        rows, panels = np.arange(peak.size), FIRST_PANELS
        mean = total(rows, np.arange(1, panels) / panels) / panels  # the ends count nothing
        change = np.full_like(mean, np.inf)
        while rows.size and panels < LAST_PANELS:
            refined = 0.5 * (mean[rows] + total(rows, (np.arange(panels) + 0.5) / panels) / panels)
            change[rows], mean[rows] = np.abs(refined / mean[rows] - 1.0), refined
            panels *= 2
            rows = rows[change[rows] > CONVERGED]
        first, second, third = self.terms(peak)
        operands = np.abs(self.standard) + self.ratio * np.abs(peak)  # w is the rounded sum of these
        moved = np.abs(self.factor_slope(peak)) * operands
        rounding = ROUNDING * (1.0 + np.abs(first) + np.abs(second) + np.abs(third) + moved)
        return top + np.log(width * mean), change + rounding
