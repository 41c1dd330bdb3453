"""What independent trainings of one network show together: a mean and its interval, and points with bars in a figure."""

from collections.abc import Iterable, Sequence

import numpy as np

from layerpeel.numerics import Bracket, Estimate
from layerpeel.theory._room import Series

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
        >>> found = interval_over_trials([0.9, 1.0, 1.1, 1.0, 1.0])
        >>> round(found.lower, 2), round(found.upper, 2)
        (0.73, 1.27)
    """
    trials = np.array(list(values), dtype=float)
    if len(trials) < LEAST_TRIALS:
        raise ValueError(f"{len(trials)} trials were made: an interval needs at least {LEAST_TRIALS}; train more networks.")
    return Estimate.of(trials).interval(TRIAL_LEVEL)


def points_over_trials(
    label: str, x: Iterable[float], trials: Sequence[Iterable[float]] | np.ndarray, color: int, *, logarithmic: bool = False
) -> Series:
    """Means over trials as points of a figure, with bars from the least to the largest.

    Args:
        label: name of the points.
        x: where they lie.
        trials: a row for each trial, a number for each x.
        color: index of a colour.
        logarithmic: take the mean of logarithms.

    Example:
        >>> points_over_trials("two trials", [1], [[1.0], [4.0]], 0, logarithmic=True).y
        (2.0,)
    """
    values = np.array([list(trial) for trial in trials], dtype=float)
    centre = np.exp(np.log(values).mean(axis=0)) if logarithmic else values.mean(axis=0)
    low, high = (tuple(end.tolist()) for end in (values.min(axis=0), values.max(axis=0)))
    return Series(label=label, x=tuple(map(float, x)), y=tuple(centre.tolist()), style="points", color=color, low=low, high=high)
