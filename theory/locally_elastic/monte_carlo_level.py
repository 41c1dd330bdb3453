"""What the Monte Carlo rooms may get wrong, and how often: the judge on simulated counts, true and false."""

from layerpeel.numerics import Bracket, verdict_chances
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, Variant, Verdict, claim
from layerpeel.theory.locally_elastic._measured.judged_proportions import HALF_MISS, LEVEL, NEAR_MISS, RESOLUTION, TRIALS, TRUTH, judged

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
        meaning="The suite's random checks refute what is true, or confirm what is off by their resolution, no more often than the level "
        "they are run at. A red one is rarely chance, and too few trials leave a check open; trials must be independent.",
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
