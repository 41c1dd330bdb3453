"""Too much of the remedy: from R · R0(K_B, K_A) copies on, the former majority's classifiers coincide."""

import math
from functools import cache

from layerpeel.numerics import Bracket, collapse_threshold
from layerpeel.solvers import LayerPeeled, Switch, bracket_switch, solve_blocks
from layerpeel.theory import Evidence, Kind, Origin, Room, Source, Statement, claim, instances
from layerpeel.theory.layer_peeled._coming_apart import WIDTH

PLACE = "K_A={}, K_B={}, R={:g}, E_H={:g}"
CASES = instances(PLACE, (2, 3, 4.0, 1.0), (3, 2, 4.0, 1.0), (4, 2, 10.0, 0.5), (2, 5, 3.0, 1.5))
"""At E_W = 1; no two groups are alike, so that one taken for the other shows."""
SAMPLES = 600
"""Samples of a majority class; only ratios count."""
GROUPS = ("majority", "minority")
SHARES = (0.5, 0.97, 0.99, 1.01, 1.03, 2.0)
"""Factors as shares of the upper end."""

ROOM = Room.of(
    Statement(
        name="remedy-upper-end",
        title="Where oversampling begins to collapse the former majority",
        latex=r"\text{each minority sample } w_r \text{ times}:\qquad w_k=w_l\ (k,l\text{ majority})\iff w_r\geq R\,R_0(K_B,K_A)",
        assumptions=(
            "two groups of classes, K_A ≥ 2",
            "cross-entropy loss",
            "energies averaged over classes",
            "copies share their feature",
        ),
        kind=Kind.EQUALITY,
        origin=Origin.DERIVED,
        source=Source("fang2021", "Section 4, oversampling; that there can be too much of it is derived"),
        meaning="In the model with two sizes of classes, repeating rare samples too often turns the trouble round: from a computable "
        "factor on, the former majority's classifiers coincide. That end lies beyond full balance, so oversample up to balance and no "
        "further.",
    ),
    claim(
        "upper-end",
        "the majority's classifiers coincide from w_r = R · R0(K_B, K_A) on (compared in logarithms)",
        over=CASES,
        predict=lambda *case: log_end(*case),
        measure=lambda *case: switch(*case).bracket,
        by="log w_r between a factor at which two majority classifiers certainly are apart, and one at which they certainly coincide",
        false={
            "one-percent-off": ("R0 is 1 % larger", lambda *case: log_end(*case) + Bracket.exactly(math.log(1.01))),
            "groups-as-before": (
                "the end is R · R0(K_A, K_B)",
                lambda a, b, ratio, energy: log_threshold(a, b, energy) + Bracket.exactly(math.log(ratio)),
            ),
            "without-ratio": ("the end is R0(K_B, K_A)", lambda a, b, _, energy: log_threshold(b, a, energy)),
            "one-class-more": ("the end is R · R0(K_B + 1, K_A)", lambda a, b, ratio, energy: log_end(a, b + 1, ratio, energy)),
        },
        evidence=Evidence.CERTIFIED.within(
            4e-3, "semidefinite programs certify a margin, and its absence, at two factors 3e-4 apart; mistakes of .05 % would show"
        ),
    ),
    claim(
        "room-between",
        "from above R/R0(K_A, K_B) up to there no two classifiers coincide, and beyond it the minority's still do not",
        over=CASES,
        predict=lambda *_: {f"{share:g} of the end, {who}": beyond(share, who) for share in SHARES for who in GROUPS},
        measure=lambda *case: phases(*case),
        by="which of the two groups certainly coincide in the semidefinite program's own block X_WW, at shares of the measured end",
        false={
            "both-coincide": (
                "beyond the end both groups coincide",
                lambda *_: {f"{share:g} of the end, {who}": share > 1.0 for share in SHARES for who in GROUPS},
            ),
            "no-end": ("no factor is too large", lambda *_: {f"{share:g} of the end, {who}": 0.0 for share in SHARES for who in GROUPS}),
        },
        evidence=Evidence.CERTIFIED.within(0.0, "a yes or a no"),
    ),
)


def log_threshold(majority: int, minority: int, energy: float) -> Bracket:
    """log R0(K_A, K_B)."""
    closed = collapse_threshold(majority, minority, feature_energy=energy, digits=20)
    return Bracket(math.log(float(closed.lower)) - 1e-15, math.log(float(closed.upper)) + 1e-15)


def log_end(majority: int, minority: int, ratio: float, energy: float) -> Bracket:
    """log (R · R0(K_B, K_A))."""
    return log_threshold(minority, majority, energy) + Bracket.exactly(math.log(ratio))


def beyond(share: float, who: str) -> float:
    """1 for the majority beyond the end, 0 elsewhere."""
    return float(share > 1.0 and who == "majority")


def oversampled(majority: int, minority: int, ratio: float, energy: float, factor: float) -> LayerPeeled:
    """Each minority sample w_r times; the former majority first."""
    program = LayerPeeled.from_groups([(majority, SAMPLES), (minority, round(SAMPLES / ratio))], feature_energy=energy)
    return program.reweighted(1, factor)


@cache
def switch(majority: int, minority: int, ratio: float, energy: float) -> Switch:
    """The factors, in logarithms, between which the former majority's classifiers come to coincide, with the optima there."""
    return bracket_switch(
        lambda log_factor: oversampled(majority, minority, ratio, energy, math.exp(log_factor)),
        lambda optimum: optimum.coincide(0),
        before=math.log(1.001 * ratio),
        beyond=math.log(1e4 * ratio),
        width=WIDTH,
    )


def phases(majority: int, minority: int, ratio: float, energy: float) -> dict[str, Bracket]:
    """1 where a group certainly coincides, 0 where it certainly is apart, at shares of the end that was measured."""
    end = math.exp(switch(majority, minority, ratio, energy).bracket.middle)
    answers: dict[str, Bracket] = {}
    for share in SHARES:
        blocks = solve_blocks(oversampled(majority, minority, ratio, energy, share * end))
        for g, who in enumerate(GROUPS):
            apart, together = blocks.classifier_distance(g).lower > 0.0, blocks.coincide(g)
            answers[f"{share:g} of the end, {who}"] = Bracket(float(together), float(not apart), rigorous=True)
    return answers
