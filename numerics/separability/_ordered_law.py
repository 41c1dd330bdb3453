"""The exact probability that two Gaussian samples are separated along a direction, in logarithms, for many cases at once."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from layerpeel.array_words import Float
from layerpeel.numerics._bracket import Bracket
from layerpeel.numerics._input_arrays import require_array
from layerpeel.numerics._inputs import UnusableInput, require_list
from layerpeel.numerics.separability._ordered_integrand import CHUNK, FIRST_PANELS, REACH, ROUNDING, Array, Integrand

LARGEST_COUNT = 1e100
"""Beyond this many samples products of the exponent's slope would overflow."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LogProbability:
    """Probabilities by their logarithms; P and 1 − P each keep their digits.

    Args:
        log: log P; −∞ when P = 0 or log P < −1e299.
        error: log P is within this of the truth.
        log_complement: log(1 − P).
        complement_error: log(1 − P) is within this of the truth.

    The errors are the difference of the last two quadratures plus the rounding of the exponent: on the safe side, not proved.
    """

    log: Float[np.ndarray, "..."]
    error: Float[np.ndarray, "..."]
    log_complement: Float[np.ndarray, "..."]
    complement_error: Float[np.ndarray, "..."]

    def bracket(self, *index: int) -> Bracket:
        """P of one case with its error: the narrower of what log P and log(1 − P) say.

        Example:
            >>> separated_probability(1e8, deviations=(1.0, 1.0), counts=(5, 5)).bracket().lower > 1.0 - 1e-15
            True
        """
        log, error = float(self.log[index]), float(self.error[index])
        rest, rest_error = float(self.log_complement[index]), float(self.complement_error[index])
        direct = Bracket(math.exp(log - error), math.exp(min(0.0, log + error)))
        if math.isinf(rest_error):
            return direct
        most, least = math.exp(min(0.0, rest + rest_error)), math.exp(rest - rest_error)
        across = Bracket(max(0.0, math.nextafter(1.0 - most, -1.0)), min(1.0, math.nextafter(1.0 - least, 2.0)))
        return min(direct, across, key=lambda bracket: bracket.upper - bracket.lower)


def ordered_probability(lead: ArrayLike, *, deviations: tuple[ArrayLike, ArrayLike], counts: tuple[ArrayLike, ArrayLike]) -> LogProbability:
    """Probability that every sample of one Gaussian class lies below every sample of another.

        P = ∫ n φ_k(x) (1 − Φ_k(x))^{n−1} Φ_l(x)^{n'} dx.

    All arguments broadcast against each other, so one call answers for a whole curve.

    Args:
        lead: mean of the upper class minus mean of the lower one, of either sign. The means enter by their difference only, which is
            why common growth of any size can be left out.
        deviations: standard deviations (lower class, upper class) ≥ 0; a class of deviation zero is one point.
        counts: numbers of samples (lower class n', upper class n), whole numbers from 1 to 1e100.

    Raises:
        UnusableInput: for values outside these ranges, and for what is no pair.

    Source: derived; docs/derivations/locally-elastic.md, "Exact Gaussian criterion".

    Example:
        >>> law = ordered_probability(3.0, deviations=(0.6, 0.8), counts=(1, 1))   # Φ(3)
        >>> round(float(np.exp(law.log)), 12)
        0.998650101968
        >>> law = ordered_probability([8.0, 10.0], deviations=(1.0, 1.0), counts=(200, 10**9))
        >>> np.exp(law.log).round(6).tolist()
        [0.013219, 0.986521]
    """
    pairs = [*_pair(deviations, "deviations"), *_pair(counts, "counts")]
    arrays = [require_array(value, what, finite=False) for value, what in ((lead, "the lead"), *pairs)]
    _require(*arrays)
    distance, low, high, below, above = np.broadcast_arrays(*arrays)
    shape = distance.shape
    swap = (low < high).ravel()
    narrow, wide = np.minimum(low, high).ravel(), np.maximum(low, high).ravel()
    least, others = np.where(swap, below.ravel(), above.ravel()), np.where(swap, above.ravel(), below.ravel())
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        standard = np.where(wide > 0.0, distance.ravel() / wide, np.where(distance.ravel() > 0.0, np.inf, -np.inf))
        ratio = np.where(wide > 0.0, narrow / wide, 0.0)
    pieces = [_chunk(*part) for part in _parts(standard, ratio, least, others)]
    log, error, rest, rest_error = (np.concatenate([piece[i] for piece in pieces]).reshape(shape) for i in range(4))
    return LogProbability(log=log, error=error, log_complement=rest, complement_error=rest_error)


def separated_probability(
    lead: ArrayLike, *, deviations: tuple[ArrayLike, ArrayLike], counts: tuple[ArrayLike, ArrayLike]
) -> LogProbability:
    """Probability that two Gaussian samples are separated along the direction, in either order.

        P(lead) + P(−lead), classes exchanged,    P that of `ordered_probability`.

    Args:
        lead: m_2 − m_1, the difference of the means, of either sign.
        deviations: standard deviations (class 1, class 2) ≥ 0.
        counts: numbers of samples, in the same order.

    Raises:
        UnusableInput: as `ordered_probability`.

    Source: derived; docs/derivations/locally-elastic.md, "Exact Gaussian criterion".

    Example:
        >>> law = separated_probability(0.0, deviations=(1.0, 1.0), counts=(1, 1))   # two different points always are
        >>> float(np.exp(law.log).round(12))
        1.0
    """
    up = ordered_probability(lead, deviations=deviations, counts=counts)
    down = ordered_probability(np.negative(lead), deviations=(deviations[1], deviations[0]), counts=(counts[1], counts[0]))
    upward = up.log >= down.log
    rest, rest_error = (
        np.where(upward, up.log_complement, down.log_complement),
        np.where(upward, up.complement_error, down.complement_error),
    )
    rarer, rarer_error = np.where(upward, down.log, up.log), np.where(upward, down.error, up.error)
    likelier, error = np.where(upward, up.log, down.log), np.where(upward, up.error, down.error)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        # The sum is off by the weighted mean of both factors at most, so an order that never occurs brings no error with it.
        ratio = np.where(np.isneginf(rarer), -np.inf, rarer - likelier)
        error = error + np.logaddexp(0.0, ratio + rarer_error - error) - np.logaddexp(0.0, ratio)
        # 1 − P = (1 − P_likelier) − P_rarer: where this cancels, the stated error says so.
        log_share = np.where(np.isneginf(rarer), -np.inf, np.minimum(rarer - rest, 0.0))
        lost = np.log1p(-np.exp(log_share))
        doubt = np.exp(np.minimum(log_share + rest_error + rarer_error, 0.0))
        complement_error = np.where(doubt < 1.0, rest_error + lost - np.log1p(-doubt), np.inf)
    return LogProbability(
        log=np.asarray(np.minimum(np.logaddexp(up.log, down.log), 0.0)),
        error=np.asarray(error + ROUNDING),
        log_complement=np.asarray(rest + lost),
        complement_error=np.asarray(complement_error),
    )


def _pair(values: Any, what: str) -> list[tuple[Any, str]]:
    """What is given for the lower and for the upper class."""
    both = require_list(values, what, of="two entries, for the lower and the upper class")
    if len(both) != 2:
        raise UnusableInput(f"{what} has {len(both)} entries: it must have two, for the lower and the upper class; correct it.")
    return [(value, f"entry {place} of {what}") for place, value in enumerate(both)]


def _require(distance: Array, low: Array, high: Array, below: Array, above: Array) -> None:
    """Refuse what is no lead, no deviation, no count."""
    if not np.all(np.isfinite(distance)):
        raise UnusableInput(f"the lead is {_first(distance, ~np.isfinite(distance))}: it must be finite; give the difference of the means.")
    for deviation in (low, high):
        bad = ~(np.isfinite(deviation) & (deviation >= 0.0))
        if np.any(bad):
            raise UnusableInput(f"a standard deviation is {_first(deviation, bad)}: it must be finite and >= 0; correct it.")
    for count in (below, above):
        bad = ~((count >= 1.0) & (count <= LARGEST_COUNT) & (np.floor(count) == count))
        if np.any(bad):
            raise UnusableInput(f"a number of samples is {_first(count, bad)}: it must be a whole number from 1 to 1e100; correct it.")


def _first(values: Array, bad: Array) -> float:
    return float(values[bad].flat[0])


def _parts(*columns: Array) -> list[tuple[Array, ...]]:
    """The cases in groups whose first trapezoidal sum fits the chunk."""
    groups = max(1, columns[0].size * FIRST_PANELS // CHUNK)
    return list(zip(*(np.array_split(column, groups) for column in columns), strict=True))


def _chunk(standard: Array, ratio: Array, least: Array, others: Array) -> tuple[Array, Array, Array, Array]:
    """log P, its error, log(1 − P), its error."""
    log, rest = np.where(standard > 0.0, 0.0, -np.inf), np.where(standard > 0.0, -np.inf, 0.0)
    error, rest_error = np.zeros_like(log), np.zeros_like(log)
    with np.errstate(all="ignore"):
        for complement in (False, True):
            # P first; where it exceeds one half, the complement.
            rows = np.flatnonzero((np.abs(standard) <= REACH) & ((log > math.log(0.5)) if complement else True))
            if not rows.size:
                continue
            every = Integrand(standard=standard, ratio=ratio, least=least, others=others, complement=complement)
            log_chance, doubt = every.take(rows).logarithm()
            log_chance = np.minimum(log_chance, 0.0)
            other, odds = np.log1p(-np.exp(log_chance)), np.exp(log_chance) / -np.expm1(log_chance)
            results = ((rest, rest_error), (log, error)) if complement else ((log, error), (rest, rest_error))
            results[0][0][rows], results[0][1][rows] = log_chance, doubt
            results[1][0][rows], results[1][1][rows] = other, doubt * odds + ROUNDING
    return log, error, rest, rest_error
