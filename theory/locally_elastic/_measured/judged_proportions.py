"""How often the suite's judge comes to a verdict on simulated proportions."""

from functools import cache

import numpy as np

from layerpeel.numerics import Bracket, Proportion, confirming_size, sample_size
from layerpeel.theory import Kind, Setting, Verdict, judge

LEVEL = 0.01
"""Of each simulated check. The suite's own level is so small that no simulation would meet a false alarm."""
RESOLUTION, POWER = 0.1, 0.98
"""Width that confirms, and the probability that a true prediction is confirmed with the number of trials chosen for it."""
TRUTH = 0.3
NEAR_MISS, HALF_MISS = TRUTH + RESOLUTION, TRUTH + 0.5 * RESOLUTION
"""False predictions, off by the width that confirms and by half of it. An interval that holds the truth and the former is no narrower than
RESOLUTION, so the former is confirmed only when the interval misses the truth; nothing forbids the latter to be confirmed."""
FEW = 40
"""Trials at which every interval around a count near 12 is wider than RESOLUTION."""
ENOUGH = cache(
    lambda: max(
        confirming_size(predicted=TRUTH, resolution=RESOLUTION, level=LEVEL, power=POWER),
        sample_size(predicted=NEAR_MISS, alternative=TRUTH, level=LEVEL, power=POWER),
    )
)
"""Trials from the power calculation: enough to confirm what is true and to refute the near miss."""
TRIALS = {"few": lambda: FEW, "enough": ENOUGH}
REPEATS = 1_000_000
"""Simulated checks of each kind."""


def judged(setting: Setting, prediction: float, trials: str, verdict: Verdict) -> Proportion:
    """How often the suite's judge comes to this verdict on simulated proportions."""
    number, successes = TRIALS[trials](), 0
    for count, times in zip(*np.unique(setting.rng.binomial(number, TRUTH, size=REPEATS), return_counts=True), strict=True):
        sample = {"x": Proportion(successes=int(count), n=number)}
        came = judge(Kind.PROBABILITY, {"x": Bracket.exactly(prediction)}, sample, resolution=RESOLUTION, level=LEVEL)
        successes += int(times) if came is verdict else 0
    return Proportion(successes=successes, n=REPEATS)
