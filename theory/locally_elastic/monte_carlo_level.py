"""What the Monte Carlo rooms may get wrong, and how often: the judge on simulated counts, true and false."""

from functools import cache

import numpy as np

from layerpeel.numerics import Bracket, Proportion, confirming_size, sample_size, verdict_chances
from layerpeel.theory import Evidence, Kind, Origin, Room, Setting, Source, Statement, Variant, Verdict, claim, judge

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
SHARP = 0.01
"""Widest interval of a rate that confirms; for REPEATS checks it is narrower than half of that at any level above 1e-6."""

CASES = {
    "true, enough trials": (TRUTH, "enough", Verdict.CONFIRMED),
    "near miss, enough trials": (NEAR_MISS, "enough", Verdict.REFUTED),
    "half a miss, enough trials": (HALF_MISS, "enough", Verdict.CONFIRMED),
    "true, few trials": (TRUTH, "few", Verdict.INCONCLUSIVE),
    "near miss, few trials": (NEAR_MISS, "few", Verdict.INCONCLUSIVE),
}
ERRORS = {
    "true, refuted, enough trials": (TRUTH, "enough", Verdict.REFUTED),
    "true, refuted, few trials": (TRUTH, "few", Verdict.REFUTED),
    "near miss, confirmed, enough trials": (NEAR_MISS, "enough", Verdict.CONFIRMED),
    "near miss, confirmed, few trials": (NEAR_MISS, "few", Verdict.CONFIRMED),
}
"""The prediction, the trials, the verdict that is counted; what is drawn always has probability TRUTH."""

ROOM = Room.of(
    Statement(
        name="monte-carlo-level",
        title="How often a Monte Carlo check errs",
        latex=r"P(\text{refuted}\mid\text{true})\leq\text{level},\qquad P(\text{confirmed}\mid|p-q|\geq\text{resolution})\leq\text{level}",
        assumptions=(
            "independent trials, Clopper–Pearson interval at the level",
            "a prediction is confirmed only by an interval no wider than the resolution",
        ),
        kind=Kind.PROBABILITY,
        origin=Origin.DERIVED,
        source=Source("clopper1934", "the interval; the rule is the suite's own"),
    ),
    claim(
        "verdicts",
        "simulated checks are confirmed, refuted and left open as often as sums over the binomial law say",
        over=CASES,
        predict=lambda *case: chance(LEVEL, *case),
        measure_all=lambda setting: [judged(setting, *case) for case in CASES.values()],
        by="simulated checks put through the suite's judge",
        false={
            "few-are-enough": Variant(
                "forty trials decide as often as enough",
                lambda: chance(LEVEL, TRUTH, "enough", Verdict.INCONCLUSIVE),
                over="true, few trials",
            ),
            "level-in-each-tail": ("an interval at the level leaves out the level on either side", lambda *case: chance(2 * LEVEL, *case)),
        },
        evidence=Evidence.STATISTICAL.within(
            SHARP,
            "a million simulated checks of each kind give intervals narrower than half of this; ten times narrower needs 10⁸",
            headroom=2.0,
        ),
    ),
    claim(
        "errors",
        "what is true is refuted, and what is off by the resolution is confirmed, no more often than the level",
        over=ERRORS,
        predict=LEVEL,
        measure_all=lambda setting: [judged(setting, *case) for case in ERRORS.values()],
        by="how often the judge refutes what is true, and confirms what is false by the resolution",
        false={
            "tenth": Variant(
                "what is true is refuted ten times more seldom than the level", 0.1 * LEVEL, over="true, refuted, enough trials"
            ),
            "half": Variant(
                "what is true is refuted half as often as the level, as by one tail", 0.5 * LEVEL, over="true, refuted, enough trials"
            ),
        },
        evidence=Evidence.STATISTICAL,
        kind=Kind.UPPER_BOUND,
    ),
)


def chance(level: float, prediction: float, trials: str, verdict: Verdict) -> Bracket:
    """The verdict's probability by sums over the binomial law."""
    chances = verdict_chances(TRIALS[trials](), predicted=prediction, truth=TRUTH, level=level, resolution=RESOLUTION)
    return Bracket.exactly(
        {Verdict.CONFIRMED: chances.confirmed, Verdict.REFUTED: chances.refuted, Verdict.INCONCLUSIVE: chances.inconclusive}[verdict]
    )


def judged(setting: Setting, prediction: float, trials: str, verdict: Verdict) -> Proportion:
    """How often the suite's judge comes to this verdict on simulated proportions."""
    number, successes = TRIALS[trials](), 0
    for count, times in zip(*np.unique(setting.rng.binomial(number, TRUTH, size=REPEATS), return_counts=True), strict=True):
        sample = {"x": Proportion(successes=int(count), n=number)}
        came = judge(Kind.PROBABILITY, {"x": Bracket.exactly(prediction)}, sample, resolution=RESOLUTION, level=LEVEL)
        successes += int(times) if came is verdict else 0
    return Proportion(successes=successes, n=REPEATS)
