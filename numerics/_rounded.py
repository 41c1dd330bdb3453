"""Arrays of doubles that carry bounds on their errors: what balls are to single numbers, at the speed of NumPy."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb

from layerpeel.array_words import Float

UNIT = 2.0**-53
"""u: a rounded sum, product, quotient or root of doubles is exact up to a factor 1 + δ with |δ| ≤ u, short of underflow."""

GROWTH = 1 + 2.0**-30
"""Covers the rounding of a radius: it is a sum of at most 10⁶ products of a few numbers that are not negative."""

TINY = 2.0**-1000
"""More than an operation, with the few that bound its error, loses to underflow: 2^−1022 each."""

LOG_TWO_HIGH = float.fromhex("0x1.62e42fee00000p-1")
"""ln 2 cut to 33 bits: its multiples by whole numbers below 2²⁰ are doubles."""

LOG_TWO_LOW = float.fromhex("0x1.a39ef35793c76p-33")
"""ln 2 − LOG_TWO_HIGH, to the nearest double."""

EXPONENTIAL_ERROR = 64 * UNIT
"""Relative error of `exponential`, see there."""

LOGARITHM_ERROR = 64 * UNIT
"""Relative error of `logarithm_of_one_and`, see there."""

FURTHEST_POWER = 27
"""Last power of z kept in 2 artanh z: the next are below a part in 10²⁰ of it for |z| ≤ 1/5."""


Floats = Float[np.ndarray, "..."]
"""Doubles of any shape."""


@dataclass(frozen=True, eq=False)
class Rounded:
    """An array of doubles and, entry by entry, bounds on how far each is from the number it stands for.

    Arithmetic gives bounds that hold for IEEE doubles rounded to nearest, whatever the order of sums. A radius that is not finite
    bounds nothing, and makes `total` and `balls` not finite.

    Args:
        middle: the doubles.
        radius: bounds on their errors, not negative.

    Example:
        >>> third = Rounded.exact(np.ones(2)) / 3.0
        >>> bool(abs(third.total() - arb(2) / 3) < 1e-15), bool(third.total().contains(arb(2) / 3))
        (True, True)
    """

    middle: Floats
    radius: Floats

    __array_ufunc__ = None  # an array on the left leaves the operation to the methods below

    @classmethod
    def exact(cls, middle: Floats) -> "Rounded":
        """Doubles that stand for themselves."""
        return cls(middle, np.zeros_like(middle))

    @classmethod
    def root(cls, squares: Floats) -> "Rounded":
        """Square roots of doubles, which IEEE arithmetic rounds to nearest."""
        return _rounded(np.sqrt(squares), np.zeros_like(squares))

    @classmethod
    def enclosing(cls, balls: Iterable[arb]) -> "Rounded":
        """The doubles nearest to balls."""
        pairs = [(ball, float(ball)) for ball in balls]
        radii = [float((ball - arb(middle)).abs_upper()) * GROWTH + TINY for ball, middle in pairs]
        return cls(np.array([middle for _, middle in pairs]), np.array(radii))

    def balls(self) -> list[arb]:
        """The entries of a one-dimensional array as balls."""
        return [arb(middle, radius) for middle, radius in zip(self.middle.tolist(), self.radius.tolist(), strict=True)]

    def total(self) -> arb:
        """The sum of all entries."""
        middle = math.fsum(self.middle.ravel().tolist()) if np.isfinite(self.middle).all() else math.nan
        return arb(middle, (float(self.radius.sum()) + UNIT * abs(middle)) * GROWTH)

    def __getitem__(self, index: Any) -> "Rounded":
        return Rounded(self.middle[index], self.radius[index])

    def diagonal(self) -> "Rounded":
        """The diagonal of a square array."""
        return Rounded(self.middle.diagonal(), self.radius.diagonal())

    def with_diagonal(self, entries: "Rounded") -> "Rounded":
        """The same square array with another diagonal."""
        changed = Rounded(self.middle.copy(), self.radius.copy())
        np.fill_diagonal(changed.middle, entries.middle)
        np.fill_diagonal(changed.radius, entries.radius)
        return changed

    def above(self) -> Floats:
        """Upper bounds of the moduli."""
        return np.nextafter(np.abs(self.middle) + self.radius, np.inf)

    def distance(self) -> arb:
        """Upper bound of the Frobenius distance between the middle and what it stands for."""
        return arb(float(np.linalg.norm(self.radius))) * GROWTH + arb(TINY).sqrt()

    def __neg__(self) -> "Rounded":
        return Rounded(-self.middle, self.radius)

    def __add__(self, other: "Rounded | Floats | float") -> "Rounded":
        middle, radius = _parts(other)
        return _rounded(self.middle + middle, self.radius + radius)

    def __sub__(self, other: "Rounded | Floats | float") -> "Rounded":
        middle, radius = _parts(other)
        return _rounded(self.middle - middle, self.radius + radius)

    def __mul__(self, other: "Rounded | Floats | float") -> "Rounded":
        middle, radius = _parts(other)
        return _rounded(self.middle * middle, np.abs(self.middle) * radius + self.radius * (np.abs(middle) + radius))

    def __truediv__(self, other: "Rounded | Floats | float") -> "Rounded":
        """|a/b − p/q| ≤ (|a − p| + |p/q| |b − q|)/|b|, and |b| ≥ |q| − |b − q|; for |b| below ½, where underflow could hide, no bound."""
        middle, radius = _parts(other)
        quotient, least = self.middle / middle, (np.abs(middle) - radius) / GROWTH
        return _rounded(quotient, np.where(least > 0.5, (self.radius + np.abs(quotient) * radius) / np.maximum(least, 0.5), np.inf))

    __radd__, __rmul__ = __add__, __mul__

    def __rsub__(self, other: Floats | float) -> "Rounded":
        return -self + other

    def sum(self, axis: int) -> "Rounded":
        """Sums along an axis: n numbers in any order are added with an error of at most n u times the sum of their moduli."""
        count = self.middle.shape[axis]
        error = self.radius.sum(axis=axis) + count * UNIT * np.abs(self.middle).sum(axis=axis)
        return _rounded(self.middle.sum(axis=axis), error * GROWTH + count * TINY)

    def maximum(self, other: "Rounded | Floats | float") -> "Rounded":
        """The larger of two, entry by entry: off by no more than either, or than the one that is certainly larger."""
        middle, radius = _parts(other)
        above, reach = self.middle - middle, (self.radius + radius) * GROWTH
        either = np.where(above < -reach, radius, np.maximum(self.radius, radius))
        return Rounded(np.maximum(self.middle, middle), np.where(above > reach, self.radius, either))

    def max(self, axis: int) -> "Rounded":
        """The largest along an axis."""
        return Rounded(self.middle.max(axis=axis), self.radius.max(axis=axis))

    def exp(self) -> "Rounded":
        """Exponentials: an error r in the exponent is a factor within e^{±r}, and e^r − 1 ≤ r (1 + r) for r ≤ 1."""
        middle = exponential(self.middle)
        spread = np.where(self.radius <= 1.0, self.radius * (1.0 + self.radius), np.inf)
        return _rounded(middle, middle * (spread + EXPONENTIAL_ERROR * (1.0 + spread)) * (1 + 2 * EXPONENTIAL_ERROR))


def _parts(operand: "Rounded | Floats | float") -> tuple[Floats | float, Floats | float]:
    return (operand.middle, operand.radius) if isinstance(operand, Rounded) else (operand, 0.0)


def _rounded(middle: Floats, radius: Floats) -> Rounded:
    """One more rounding of the middle on top of an error."""
    return Rounded(middle, (radius + UNIT * np.abs(middle)) * GROWTH + TINY)


def exponential(x: Floats) -> Floats:
    """e^x to a relative error of 64 u, from sums and products alone: a library's exponential comes without a proof.

    With k the whole number nearest to x/ln 2 and r = x − k ln 2, |r| ≤ 0.347, e^x = 2^k e^r. For |k| < 2²⁰ the product k·LOG_TWO_HIGH is
    exact, and the two differences put r off by less than u. Taylor's polynomial of degree 13 is short by less than u/20 of e^r, and
    Horner's rule with rounded coefficients is off by at most 27 roundings of Σ|r|^i/i! = e^{|r|} ≤ 2e^r: 54 u + u + u/20 + …
    """
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        power = np.rint(np.clip(x, -2000.0, 2000.0) / math.log(2))
        rest = (x - power * LOG_TWO_HIGH) - power * LOG_TWO_LOW
        series = np.full_like(rest, 1 / math.factorial(13))
        for degree in range(12, -1, -1):
            series = 1 / math.factorial(degree) + rest * series
        return np.ldexp(series, power.astype(np.int64))


def logarithm_of_one_and(x: Floats) -> Floats:
    """log(1 + x) for x ≥ 2^−1000, and x = 0, to a relative error of 64 u, from sums, products and quotients alone.

    With 1 + x = 2^k m and m in [¾, 3/2), and k = 0 and m = 1 + x exactly for x < ½, it is k ln 2 + 2 artanh z for z = (m − 1)/(m + 1),
    |z| ≤ 1/5. The difference m − 1 is exact, z is off by at most three roundings and artanh by a few times as many, relatively; elsewhere
    1 + x is rounded once, which changes the logarithm by u, and the sum is at least log(3/2), and at least a third of its largest part.
    """
    whole = 1.0 + x
    mantissa, power = np.frexp(whole)
    low = mantissa < 0.75
    excess = np.where(x < 0.5, x, np.where(low, 2.0 * mantissa, mantissa) - 1.0)
    power = np.where(x < 0.5, 0.0, power - low)
    ratio = excess / (2.0 + excess)
    square, series = ratio * ratio, np.full_like(ratio, 1 / FURTHEST_POWER)
    for degree in range(FURTHEST_POWER - 2, 0, -2):
        series = 1 / degree + square * series
    return power * math.log(2) + 2.0 * ratio * series
