"""How likely random points lie on one side of the origin: 2^(1−N) Σ_{k<d} C(N−1, k), whatever the symmetric law."""

from math import comb

import numpy as np

from layerpeel.numerics import Bracket, Proportion
from layerpeel.theory import Evidence, Kind, Origin, Room, Setting, Source, Statement, claim, instances

DRAWS = {"quick": 60_000, "full": 600_000}
NUMBERS = (3, 4, 6)
"""Points in the plane."""

ROOM = Room.of(
    Statement(
        name="wendel-theorem",
        title="How likely random points lie in one half-space",
        latex=r"P\bigl(0\notin\operatorname{conv}\{x_1,\dots,x_N\}\bigr)=2^{1-N}\sum_{k=0}^{d-1}\binom{N-1}{k}",
        assumptions=(
            "N independent points in d dimensions, of laws that are symmetric about the origin",
            "no hyperplane has a positive probability",
        ),
        kind=Kind.PROBABILITY,
        origin=Origin.LITERATURE,
        source=Source("wendel1962", "the theorem"),
        meaning="So likely is a plane through the origin with all samples on one side, or on the sides that random labels say. "
        "With twice as many samples as features it is as likely as not.",
    ),
    claim(
        "plane",
        "in the plane it is N/2^(N−1)",
        over=instances("N={}", *NUMBERS),
        predict=lambda number: Bracket.exactly(probability(number, 2)),
        measure_all=lambda setting: (counted(setting, number) for number in NUMBERS),
        by="points drawn from the normal law, whose angles leave a gap of half a turn or not",
        false={
            "line": ("as in one dimension", lambda number: Bracket.exactly(probability(number, 1))),
            "half-of-it": ("2^(−N) stands in place of 2^(1−N)", lambda number: Bracket.exactly(probability(number, 2) / 2)),
        },
        evidence=Evidence.STATISTICAL.within(0.05, because="three standard errors of 60,000 draws are .006", headroom=2.0),
    ),
)


def probability(number: int, size: int) -> float:
    """The right-hand side."""
    return sum(comb(number - 1, k) for k in range(size)) / 2 ** (number - 1)


def counted(setting: Setting, number: int) -> Proportion:
    """How often all angles lie within half a turn."""
    draws = DRAWS[setting.profile.value]
    points = setting.rng.normal(size=(draws, number, 2))
    angles = np.sort(np.arctan2(points[..., 1], points[..., 0]), axis=1)
    gaps = np.diff(angles, axis=1, append=angles[:, :1] + 2 * np.pi)
    return Proportion(successes=int((gaps.max(axis=1) > np.pi).sum()), n=draws)
