"""Numbers that travel with their error: an enclosure, a sample mean, a proportion."""

import math
from dataclasses import dataclass
from numbers import Real

import numpy as np

from layerpeel.array_words import Float
from layerpeel.numerics._inputs import shown, whole_number


@dataclass(frozen=True)
class Bracket:
    """An interval that contains the number it stands for: lower ≤ x ≤ upper.

    Sums, differences and quotients round outward, so they stay enclosures.

    Args:
        lower: the lower end.
        upper: the upper end.
        rigorous: True when rounding is covered: by ball arithmetic, by exact integers, or by an allowance that is
            named where it is made and a thousand times the backward error of the floating-point step it covers.

    Raises:
        ValueError: when an end is NaN or lower > upper.

    Example:
        >>> Bracket(1.0, 2.0).overlaps(Bracket(2.0, 3.0))
        True
    """

    lower: float
    upper: float
    rigorous: bool = False

    def __post_init__(self) -> None:
        if not (isinstance(self.lower, Real) and isinstance(self.upper, Real) and self.lower <= self.upper):
            raise ValueError(
                f"Bracket({shown(self.lower)}, {shown(self.upper)}) is empty: lower must not exceed upper, "
                "and both must be numbers; swap the ends or recompute them."
            )

    @classmethod
    def exactly(cls, value: float) -> "Bracket":
        """The degenerate bracket of a number that is known exactly."""
        return cls(value, value, rigorous=True)

    @classmethod
    def around(cls, value: float, error: float) -> "Bracket":
        """value ± error, for an error that covers all but the rounding of these two ends.

        Example:
            >>> Bracket.around(1.0, 0.25)
            Bracket(lower=0.75, upper=1.25, rigorous=False)
        """
        return cls(float(value) - error, float(value) + error)

    @property
    def width(self) -> float:
        """upper − lower."""
        return self.upper - self.lower

    @property
    def middle(self) -> float:
        """The midpoint, exact even when lower + upper would overflow."""
        return self.lower + 0.5 * (self.upper - self.lower) if math.isfinite(self.width) else 0.5 * self.lower + 0.5 * self.upper

    def contains(self, value: float) -> bool:
        """Whether lower ≤ value ≤ upper."""
        return self.lower <= value <= self.upper

    def overlaps(self, other: "Bracket") -> bool:
        """Whether the two intervals share a point."""
        return self.lower <= other.upper and other.lower <= self.upper

    def __neg__(self) -> "Bracket":
        return Bracket(-self.upper, -self.lower, rigorous=self.rigorous)

    def __add__(self, other: "Bracket") -> "Bracket":
        return Bracket(
            math.nextafter(self.lower + other.lower, -math.inf),
            math.nextafter(self.upper + other.upper, math.inf),
            rigorous=self.rigorous and other.rigorous,
        )

    def __sub__(self, other: "Bracket") -> "Bracket":
        return self + (-other)

    def __truediv__(self, other: "Bracket") -> "Bracket":
        """The quotient; a divisor that may be zero leaves the whole line."""
        if other.contains(0.0):
            return Bracket(-math.inf, math.inf, rigorous=self.rigorous and other.rigorous)
        ends = [one / by for one in (self.lower, self.upper) for by in (other.lower, other.upper)]
        return Bracket(math.nextafter(min(ends), -math.inf), math.nextafter(max(ends), math.inf), rigorous=self.rigorous and other.rigorous)

    def __str__(self) -> str:
        if self.lower == self.upper:
            return f"{self.lower:.12g}"
        return f"{self.middle:.12g} ± {0.5 * self.width:.1e}"


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A Monte Carlo mean with its standard error, from n independent draws.

    Example:
        >>> Estimate.of(np.array([1.0, 2.0, 3.0])).mean
        2.0
    """

    mean: float
    standard_error: float
    n: int

    def __post_init__(self) -> None:
        numbers = isinstance(self.mean, Real) and isinstance(self.standard_error, Real) and whole_number(self.n) is not None
        if not numbers or self.n < 2 or not self.standard_error >= 0:
            raise ValueError(
                f"an estimate needs n >= 2 draws and a standard error >= 0, got n = {shown(self.n)} "
                f"and standard error {shown(self.standard_error)}; draw more samples."
            )

    @classmethod
    def of(cls, samples: Float[np.ndarray, " n"]) -> "Estimate":
        """Sample mean and its standard error s/√n."""
        return cls(mean=float(np.mean(samples)), standard_error=float(np.std(samples, ddof=1) / np.sqrt(samples.size)), n=int(samples.size))

    def interval(self, level: float) -> Bracket:
        """Two-sided Student-t confidence interval that misses with probability `level`."""
        from scipy import stats

        half = float(stats.t.isf(level / 2, self.n - 1)) * self.standard_error
        return Bracket(self.mean - half, self.mean + half)

    def __str__(self) -> str:
        return f"{self.mean:.6g} (standard error {self.standard_error:.1e}, n = {self.n})"


@dataclass(frozen=True, kw_only=True)
class Proportion:
    """A number of successes in n independent trials, with the exact binomial interval.

    Example:
        >>> Proportion(successes=0, n=100).interval(0.05).lower
        0.0
    """

    successes: int
    n: int

    def __post_init__(self) -> None:
        whole = whole_number(self.successes) is not None and whole_number(self.n) is not None
        if not whole or not 0 <= self.successes <= self.n or self.n < 1:
            raise ValueError(
                f"a proportion needs whole 0 <= successes <= n and n >= 1, got {shown(self.successes)} of {shown(self.n)}; count again."
            )

    @property
    def mean(self) -> float:
        """successes / n."""
        return self.successes / self.n

    def interval(self, level: float) -> Bracket:
        """Clopper–Pearson interval: covers the true probability with probability at least 1 − `level`."""
        from scipy import stats

        low = 0.0 if self.successes == 0 else float(stats.beta.ppf(level / 2, self.successes, self.n - self.successes + 1))
        high = 1.0 if self.successes == self.n else float(stats.beta.isf(level / 2, self.successes + 1, self.n - self.successes))
        return Bracket(low, high)

    def __str__(self) -> str:
        return f"{self.mean:.6g} ({self.successes} of {self.n})"
