"""What independent trainings of one network show together: a mean and its interval; points with bars come from numerics."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from layerpeel.numerics import Bracket, Estimate
from layerpeel.numerics import points_over_trials as points_over_trials  # noqa: PLC0414 - rooms take it from here

TRIAL_LEVEL = 1e-3
"""An interval over trained networks misses with this probability, if the trials are normal. What networks do is empirical evidence: no
theorem says how trials are distributed, so these intervals take no share of the suite's level of statistical comparisons."""

LEAST_TRIALS = 5
"""With fewer trials a t interval at that level is wider than seven standard deviations to each side, and shows little."""


def interval_over_trials(values: Iterable[float]) -> Bracket:
    """Student-t interval of the mean of independent trials.

    Args:
        values: one number per trial, at least five.

    Raises:
        ValueError: for too few trials.

    Example:
        >>> interval = interval_over_trials([0.9, 1.0, 1.1, 1.0, 1.0])
        >>> round(interval.lower, 2), round(interval.upper, 2)
        (0.73, 1.27)
    """
    trials = np.array(list(values), dtype=float)
    if len(trials) < LEAST_TRIALS:
        raise ValueError(f"{len(trials)} trials were made: an interval needs at least {LEAST_TRIALS}; train more networks.")
    return Estimate.of(trials).interval(TRIAL_LEVEL)


def intervals_over_trials(values: Mapping[str, Iterable[float]]) -> dict[str, Bracket]:
    """`interval_over_trials` by label: what a claim on trained networks measures.

    Example:
        >>> round(intervals_over_trials({"accuracy": [0.9, 1.0, 1.1, 1.0, 1.0]})["accuracy"].middle, 12)
        1.0
    """
    return {label: interval_over_trials(each) for label, each in values.items()}


def intervals_by_jackknife(whole: Mapping[str, float], without: Sequence[Mapping[str, float]]) -> dict[str, Bracket]:
    """Intervals of what was found of all trials together, from what is found when one group of them after another is left out.

    Of pseudo-values, whose mean is the jackknife's estimate and whose spread is its standard error.

    Args:
        whole: what was found of all, by label.
        without: the same without each group, groups of equal size, at least five.

    Raises:
        ValueError: for too few groups.

    Example:
        >>> without = [{"mean": value} for value in (1.0, 1.025, 0.975, 1.0, 1.0)]
        >>> interval = intervals_by_jackknife({"mean": 1.0}, without)
        >>> round(interval["mean"].lower, 2), round(interval["mean"].upper, 2)
        (0.73, 1.27)
    """
    groups = len(without)
    return {label: interval_over_trials(groups * value - (groups - 1) * each[label] for each in without) for label, value in whole.items()}
