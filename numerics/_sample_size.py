"""How many draws a Monte Carlo check needs and how often it errs, by exact sums over the law of its counts.

The rule: a count of successes in n trials has the Clopper–Pearson interval at `level`. The prediction is *refuted* when it lies wholly
outside, *confirmed* when it meets an interval no wider than `resolution`, and left open otherwise. A count k meets a predicted range
[p, q] exactly when P_p(X ≤ k) ≥ level/2 and P_q(X ≥ k) ≥ level/2, so the probability of every verdict is a sum of binomial terms.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from layerpeel.array_words import Float, Int
from layerpeel.numerics._bracket import Bracket, Proportion
from layerpeel.numerics._inputs import UnusableInput, require_positive, require_whole
from layerpeel.numerics._validated import validated

LARGEST_SIZE = 10**7
"""Sizes are sought up to here; beyond, a Monte Carlo check is the wrong tool."""

BLOCK = 1024
"""Sizes examined at once in the search for the smallest."""

NEGLIGIBLE = 1e-300
"""Probabilities below are taken for zero, which changes no chance by more than 1e-293; SciPy's binomial law overflows at 1e-308."""

FINENESS = 256
"""Bisection stops within one part in this."""


@dataclass(frozen=True, kw_only=True)
class Chances:
    """The probabilities of the three verdicts."""

    confirmed: float
    refuted: float
    inconclusive: float


@validated
def verdict_chances(n: int, *, predicted: Bracket | float, truth: float, level: float, resolution: float = 1.0) -> Chances:
    """The probability of each verdict when the true probability is `truth`.

        P(refuted) = Σ_k P(X = k) over the counts k whose interval misses the predicted range,    X ~ Binomial(n, truth);

    confirmed are those whose interval meets it and is no wider than `resolution`.

    Args:
        n: number of trials, ≥ 1.
        predicted: the predicted probability, or the range that is known to hold it.
        truth: the probability that one trial succeeds.
        level: the interval misses the truth with at most this probability, in (0, 1).
        resolution: widest interval that still confirms.

    Raises:
        UnusableInput: for probabilities outside [0, 1], a level outside (0, 1) or n < 1.

    Source: clopper1934 (the interval); the sums over counts are derived.

    Example:
        >>> chances = verdict_chances(100, predicted=0.5, truth=0.5, level=0.05, resolution=0.25)
        >>> round(chances.refuted, 4), round(chances.confirmed, 4)
        (0.0352, 0.9648)
    """
    trials = require_whole(n, "the number of trials", remedy="give a positive one")
    truth = _require_probability(truth, "the true probability")
    ends = _predicted_range(predicted)
    least, most = (int(end[0]) for end in _accepted(np.array([trials]), ends, require_level(level)))
    refuted = float(_refuting(np.array([trials]), ends, truth, level)[0])
    counts = np.arange(least, most + 1)
    narrow = _widths(counts, trials, level) <= resolution
    confirmed = float(stats.binom.pmf(counts[narrow], trials, truth).sum()) if ends[1] - ends[0] <= resolution else 0.0
    return Chances(confirmed=confirmed, refuted=refuted, inconclusive=max(0.0, 1.0 - refuted - confirmed))


@validated
def false_alarm_rate(n: int, *, predicted: Bracket | float, level: float) -> float:
    """The largest probability of a refutation when the truth lies in the predicted range; never above `level`.

    Attained at an end of the range: as the truth moves up, low counts get rarer and high ones more frequent, one after the other.

    Args:
        n: number of trials, ≥ 1.
        predicted: the predicted probability, or the range that is known to hold it.
        level: the interval misses the truth with at most this probability, in (0, 1).

    Raises:
        UnusableInput: for probabilities outside [0, 1], a level outside (0, 1) or n < 1.

    Source: clopper1934 (the interval); the sums over counts are derived.

    Example:
        >>> round(false_alarm_rate(100, predicted=0.5, level=0.05), 4)
        0.0352
    """
    trials = np.array([require_whole(n, "the number of trials", remedy="give a positive one")])
    ends = _predicted_range(predicted)
    return max(float(_refuting(trials, ends, end, require_level(level))[0]) for end in ends)


@validated
def sample_size(*, predicted: Bracket | float, alternative: float, level: float, power: float) -> int:
    """The smallest number of trials with which a false prediction is refuted with probability `power` or more.

    The chance of refuting is not monotone in n, so every size is examined, upwards from a bound that no test can beat: by data processing
    n D(alternative‖predicted) ≥ d(power‖level), with D and d the relative entropies of one trial and of the verdict.

    Args:
        predicted: the predicted probability, or the range that is known to hold it.
        alternative: the true probability that must be told from it.
        level: the interval misses the truth with at most this probability.
        power: probability of a refutation, above `level` and below one.

    Raises:
        UnusableInput: for probabilities out of range, an alternative inside the prediction, or one that needs more than 10⁷ trials.

    Source: clopper1934 (the interval); cover2006, theorem 2.7.1 (the log sum inequality, hence data processing).

    Example:
        >>> n = sample_size(predicted=0.5, alternative=0.6, level=1e-4, power=0.99)
        >>> n, round(verdict_chances(n, predicted=0.5, truth=0.6, level=1e-4).refuted, 4)
        (960, 0.9901)
    """
    low, high = _predicted_range(predicted)
    alternative = _require_probability(alternative, "the alternative")
    if low <= alternative <= high:
        raise UnusableInput(f"the alternative {alternative!r} agrees with the prediction: it must differ from it; move it away.")
    require_power(power, level)
    nearest = low if alternative < low else high
    least = max(
        _relative_entropy(power, level) / _relative_entropy(alternative, nearest),
        _relative_entropy(level, power) / _relative_entropy(nearest, alternative),
        1.0,
    )
    start = math.ceil(min(least, LARGEST_SIZE + 1))
    while start <= LARGEST_SIZE:
        sizes = np.arange(start, start + BLOCK)
        enough = _refuting(sizes, (low, high), alternative, level) >= power
        if enough.any():
            return int(sizes[np.argmax(enough)])
        start += BLOCK
    raise UnusableInput(
        f"telling {alternative!r} from {nearest!r} needs more than {LARGEST_SIZE:,} trials: the two are too close; move it away."
    )


@validated
def confirming_size(*, predicted: Bracket | float, resolution: float, level: float, power: float) -> int:
    """A number of trials with which a true prediction is confirmed with probability `power` or more, whichever end of its range is true.

    Found by doubling and bisection to half a per cent; that the criterion holds at the answer is computed, not extrapolated.

    Args:
        predicted: the predicted probability, or the range that is known to hold it.
        resolution: widest interval that still confirms; above the width of that range.
        level: the interval misses the truth with at most this probability, in (0, 1).
        power: probability of a confirmation, in (0, 1 − level).

    Raises:
        UnusableInput: for probabilities out of range, a range wider than the resolution, or more than 10⁷ trials.

    Source: clopper1934 (the interval); the search is derived.

    Example:
        >>> n = confirming_size(predicted=0.5, resolution=0.1, level=1e-3, power=0.99)
        >>> 1000 < n < 1200, verdict_chances(n, predicted=0.5, truth=0.5, level=1e-3, resolution=0.1).confirmed >= 0.99
        (True, True)
    """
    ends = _predicted_range(predicted)
    if not 0.0 < power < 1.0 - require_level(level) or ends[1] - ends[0] >= require_positive(resolution, "resolution"):
        raise UnusableInput(
            f"power {power!r}, level {level!r} and resolution {resolution!r} confirm nothing: the power must be below 1 − level, "
            "and the resolution above the width of the prediction; relax one of them."
        )

    def enough(n: int) -> bool:
        return (
            min(verdict_chances(n, predicted=predicted, truth=end, level=level, resolution=resolution).confirmed for end in ends) >= power
        )

    few, many = 0, 1
    while not enough(many):
        if many == LARGEST_SIZE:
            raise UnusableInput(f"resolution {resolution!r} needs more than {LARGEST_SIZE:,} trials: it is too fine; use a coarser one.")
        few, many = many, min(2 * many, LARGEST_SIZE)
    while many - few > max(1, many // FINENESS):
        middle = (few + many) // 2
        few, many = (few, middle) if enough(middle) else (middle, many)
    return many


@validated
def simulated_refutations(
    rng: np.random.Generator, *, n: int, predicted: Bracket | float, truth: float, level: float, repeats: int
) -> Proportion:
    """How often a simulated check refutes: `repeats` counts are drawn and put through `Proportion.interval` itself.

    Args:
        rng: source of the counts.
        n: number of trials in each check, ≥ 1.
        predicted: the predicted probability, or the range that is known to hold it.
        truth: the probability that one trial succeeds.
        level: the interval misses the truth with at most this probability, in (0, 1).
        repeats: number of checks, ≥ 1.

    Returns:
        The refuted checks among `repeats`.

    Raises:
        UnusableInput: for probabilities outside [0, 1], a level outside (0, 1), fewer than one trial or repeat, and for what is no
            generator, whole number or bracket.

    Source: clopper1934 (the interval).

    Example:
        >>> simulated_refutations(np.random.default_rng(0), n=100, predicted=0.5, truth=0.5, level=0.05, repeats=10_000).successes
        373
    """
    if not 0.0 <= truth <= 1.0:
        raise UnusableInput(f"the truth is {truth!r}: it must lie in [0, 1]; correct it.")
    level = require_level(level)
    n, repeats = (
        require_whole(number, f"the number of {what}", remedy="give one") for number, what in ((n, "trials"), (repeats, "repeats"))
    )
    claim = Bracket(*_predicted_range(predicted))
    counts, multiplicities = np.unique(rng.binomial(n, truth, size=repeats), return_counts=True)
    refuted = [not Proportion(successes=int(count), n=n).interval(level).overlaps(claim) for count in counts]
    return Proportion(successes=int(multiplicities[refuted].sum()), n=repeats)


def _require_probability(value: float, what: str) -> float:
    if not 0.0 <= value <= 1.0:
        raise UnusableInput(f"{what} is {value!r}: it must lie in [0, 1]; correct it.")
    return float(value) if value > NEGLIGIBLE else 0.0


def require_level(level: float) -> float:
    """A level strictly between 0 and 1, as it is."""
    if not 0.0 < level < 1.0:
        raise UnusableInput(f"the level is {level!r}: it must lie strictly between 0 and 1; use for example 0.001.")
    return level


def require_power(power: float, level: float) -> None:
    """A power between the level and one.

    Raises:
        UnusableInput: otherwise.

    Example:
        >>> require_power(0.9, 0.05)
    """
    if not require_level(level) < power < 1.0:
        raise UnusableInput(f"the power is {power!r}: it must lie above the level {level:g} and below 1; use for example 0.99.")


def _predicted_range(predicted: Bracket | float) -> tuple[float, float]:
    low, high = (predicted.lower, predicted.upper) if isinstance(predicted, Bracket) else (predicted, predicted)
    return _require_probability(low, "the predicted probability"), _require_probability(high, "the predicted probability")


def _accepted(
    trials: Int[np.ndarray, " m"], ends: tuple[float, float], level: float
) -> tuple[Float[np.ndarray, " m"], Float[np.ndarray, " m"]]:
    """The least and the greatest count whose interval meets the predicted range."""
    # At p = 0 and p = 1 the quantiles of a one-point law.
    least = np.where(ends[0] == 0.0, 0.0, stats.binom.ppf(level / 2, trials, ends[0]))
    most = np.where(ends[1] == 1.0, trials, stats.binom.isf(level / 2, trials, ends[1]))
    return np.clip(least, 0.0, trials), np.clip(most, 0.0, trials)


def _refuting(trials: Int[np.ndarray, " m"], ends: tuple[float, float], truth: float, level: float) -> Float[np.ndarray, " m"]:
    """The probability of a count whose interval misses the predicted range."""
    least, most = _accepted(trials, ends, level)
    return stats.binom.cdf(least - 1, trials, truth) + stats.binom.sf(most, trials, truth)


def _widths(counts: Int[np.ndarray, " k"], trials: int, level: float) -> Float[np.ndarray, " k"]:
    """Widths of the Clopper–Pearson intervals."""
    upper = np.where(counts == trials, 1.0, stats.beta.isf(level / 2, counts + 1, np.maximum(trials - counts, 1)))
    lower = np.where(counts == 0, 0.0, stats.beta.ppf(level / 2, np.maximum(counts, 1), trials - counts + 1))
    return upper - lower


def _relative_entropy(first: float, second: float) -> float:
    """d(p‖q) = p log(p/q) + (1 − p) log((1 − p)/(1 − q)), infinite when q excludes what p allows."""
    parts = [(first, second), (1.0 - first, 1.0 - second)]
    return sum(p * math.log(p / q) if q > 0.0 else math.inf for p, q in parts if p > 0.0)
