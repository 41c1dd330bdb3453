"""What the Monte Carlo rooms may get wrong, and how often: the judge on simulated counts, true and false."""

from collections import Counter

import numpy as np

from layerpeel.numerics import Bracket, Proportion, confirming_size, sample_size, verdict_chances
from layerpeel.theory._judge import judge
from layerpeel.theory._room import Check, Control, Evidence, Kind, Origin, Quantities, Room, Setting, Source, Statement, Verdict

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

REPEATS = 1_000_000
"""Simulated checks of each kind."""
SHARP = 0.01
"""Widest interval of a rate that confirms; for REPEATS checks it is narrower than half of that at any level above 1e-6."""


def _size() -> int:
    """Trials from the power calculation: enough to confirm what is true and to refute the near miss."""
    return max(
        confirming_size(predicted=TRUTH, resolution=RESOLUTION, level=LEVEL, power=POWER),
        sample_size(predicted=NEAR_MISS, alternative=TRUTH, level=LEVEL, power=POWER),
    )


CASES = {
    "true, enough trials": (TRUTH, False, Verdict.CONFIRMED),
    "near miss, enough trials": (NEAR_MISS, False, Verdict.REFUTED),
    "half a miss, enough trials": (HALF_MISS, False, Verdict.CONFIRMED),
    "true, few trials": (TRUTH, True, Verdict.INCONCLUSIVE),
    "near miss, few trials": (NEAR_MISS, True, Verdict.INCONCLUSIVE),
}
"""(prediction, whether trials are few, the verdict that is counted); what is drawn always has probability TRUTH."""


def _exact(prediction: float, *, few: bool) -> dict[Verdict, float]:
    """The three rates by sums over the binomial law."""
    found = verdict_chances(FEW if few else _size(), predicted=prediction, truth=TRUTH, level=LEVEL, resolution=RESOLUTION)
    return {Verdict.CONFIRMED: found.confirmed, Verdict.REFUTED: found.refuted, Verdict.INCONCLUSIVE: found.inconclusive}


def predict_verdicts() -> Quantities:
    """How often the verdict comes back."""
    return {label: Bracket.exactly(_exact(prediction, few=few)[verdict]) for label, (prediction, few, verdict) in CASES.items()}


def predict_verdicts_decided() -> Quantities:
    """A false variant: few trials confirm as often as many, and are as seldom inconclusive."""
    return {"true, few trials": Bracket.exactly(_exact(TRUTH, few=False)[Verdict.INCONCLUSIVE])}


def _judged(setting: Setting, label: str) -> Counter[Verdict]:
    """Verdicts of the suite's judge on simulated proportions."""
    prediction, few, _ = CASES[label]
    trials = FEW if few else _size()
    verdicts: Counter[Verdict] = Counter()
    for count, times in zip(*np.unique(setting.rng.binomial(trials, TRUTH, size=REPEATS), return_counts=True), strict=True):
        verdict = judge(
            Kind.PROBABILITY,
            {"x": Bracket.exactly(prediction)},
            {"x": Proportion(successes=int(count), n=trials)},
            resolution=RESOLUTION,
            level=LEVEL,
        )
        verdicts[verdict] += int(times)
    return verdicts


def measure_verdicts(setting: Setting) -> Quantities:
    """The same rates from simulated checks put through the judge."""
    return {label: Proportion(successes=_judged(setting, label)[verdict], n=REPEATS) for label, (_, _, verdict) in CASES.items()}


ERRORS = {
    "true, refuted, enough trials": ("true, enough trials", Verdict.REFUTED),
    "true, refuted, few trials": ("true, few trials", Verdict.REFUTED),
    "near miss, confirmed, enough trials": ("near miss, enough trials", Verdict.CONFIRMED),
    "near miss, confirmed, few trials": ("near miss, few trials", Verdict.CONFIRMED),
}


def predict_errors() -> Quantities:
    """No more than the level."""
    return {label: Bracket.exactly(LEVEL) for label in ERRORS}


def predict_errors_at_tenth() -> Quantities:
    """A false variant: a tenth of the level."""
    return {"true, refuted, enough trials": Bracket.exactly(0.1 * LEVEL)}


def measure_errors(setting: Setting) -> Quantities:
    """How often the judge refutes what is true, and confirms what is false by RESOLUTION."""
    return {label: Proportion(successes=_judged(setting, case)[verdict], n=REPEATS) for label, (case, verdict) in ERRORS.items()}


ROOM = Room(
    statement=Statement(
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
    checks=(
        Check(
            name="verdicts",
            claim="simulated checks are confirmed, refuted and left open as often as sums over the binomial law say",
            evidence=Evidence.STATISTICAL,
            predict=predict_verdicts,
            measure=measure_verdicts,
            resolution=SHARP,
            reason="a million simulated checks of each kind give intervals narrower than half of this; ten times narrower needs 10⁸",
            headroom=2.0,
        ),
        Check(
            name="errors",
            claim="what is true is refuted, and what is off by the resolution is confirmed, no more often than the level",
            evidence=Evidence.STATISTICAL,
            predict=predict_errors,
            measure=measure_errors,
            kind=Kind.UPPER_BOUND,
        ),
    ),
    controls=(
        Control(name="few-are-enough", claim="forty trials decide as often as enough", check="verdicts", predict=predict_verdicts_decided),
        Control(
            name="tenth",
            claim="what is true is refuted ten times more seldom than the level",
            check="errors",
            predict=predict_errors_at_tenth,
        ),
    ),
)
