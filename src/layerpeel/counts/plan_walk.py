"""The path of optima over the floor, walked from its top: where the largest cosine first exceeds a target, and where that is certain."""

import math
from typing import TYPE_CHECKING

import numpy as np

from layerpeel.array_words import Float
from layerpeel.counts.telling import Told

if TYPE_CHECKING:
    from layerpeel.solvers import Problem, Solution
    from layerpeel.solvers._sketch import Sketch

SHORT = 1e-3
"""A classifier shorter than this times the longest is not kept, whatever its cosines: it may be zero."""

LEAST_STEP, FIRST_STEP, MOST_STEP = math.log(1.02), math.log(1.05), math.log(1.25)
"""Steps of the walk in the logarithm of the floor: the shorter, the nearer and the steeper the largest cosine."""

AHEAD = 0.7
"""A step goes so far of the way to the target at the slope of the last one, which grows."""

FEW_COUNTS = 64
"""Distinct counts up to which the walk also stops at each of them: the path has its corners there."""

BETWEEN = 4
"""Places that are looked at once more between the floor that was found and the last step."""

ROUGH, CLOSE, FINE, WIDE = 1e-6, 1e-7, 1e-9, 5e-4
"""Gaps of the walk, and of the search inside its last step, the last where the target is near; a search as wide as this needs less."""

NEAR = 0.3
"""Distance of a cosine from the target within which it is looked at more closely."""

WIDTH, BISECTIONS = 5e-5, 40
"""Relative width at which the search stops, and after how many places at the latest."""

ASIDE = (1e-4, 1e-3, 1e-2, 4e-2)
"""Relative distances from the floor found at which both sides are certified: the first at which the certificate decides."""

COARSER = ((256, 1e-2), (128, 1e-3), (0, 0.0))
"""The least of those distances that is tried, by the least number of distinct counts: certificates of many take seconds."""


def cosines_of(solution: "Solution") -> Float[np.ndarray, "G G"]:
    """`between_cosine` as an array: NaN where a norm vanishes or there is one class, 1 where the classes of a group coincide."""
    gram, sizes = solution.classifier_gram, np.asarray(solution.problem.sizes, dtype=float)
    gone = np.array([each is not False for each in solution.vanished])
    lengths = np.array([math.nan if away else group.classifier_norm or math.nan for group, away in zip(solution.groups, gone, strict=True)])
    products = gram.outer / np.sqrt(np.outer(sizes, sizes)) - np.diag(gram.inner / sizes)
    cosines = products / np.outer(lengths, lengths)
    one = np.array([each is True for each in solution.collapsed]) & ~np.isnan(cosines.diagonal())
    np.fill_diagonal(cosines, np.where(sizes > 1, np.where(one, 1.0, cosines.diagonal()), math.nan))
    return cosines


def largest_of(cosines: Float[np.ndarray, "*shape"]) -> float | None:
    """The largest of cosines; None where there are none."""
    return None if np.isnan(cosines).all() else min(float(np.nanmax(cosines)), 1.0)


def kept(solution: "Solution", target: float) -> bool | None:
    """Whether every classifier is there and no two have a cosine above the target, certainly; None where the enclosure does not tell."""
    from layerpeel.solvers import Enclosures

    if True in solution.collapsed or True in solution.vanished:
        return False
    optimum = Enclosures(solution)
    shortest, largest = optimum.shortest_classifier(), optimum.largest_classifier_cosine()
    if shortest.upper < SHORT or largest.lower > target:
        return False
    return True if largest.upper <= target and shortest.lower >= SHORT else None


class Walk:
    """The path of optima over the floor, each from the last."""

    def __init__(self, problem: "Problem", by: str, target: float, told: Told) -> None:
        self.problem, self.by, self.target, self.told = problem, by, target, told
        self.seen: dict[float, float] = {}
        self.last: Sketch | None = None
        counts = sorted({float(group.samples) for group in problem.groups}, reverse=True)
        self.stops = counts if len(counts) <= FEW_COUNTS else []
        self.nearest = next(aside for least, aside in COARSER if len(problem.groups) >= least)
        self.width = max(WIDTH, 0.1 * self.nearest)
        self.close, self.fine = (CLOSE, FINE) if self.width < WIDE else (ROUGH, CLOSE)

    def cosine(self, floor: float, gap: float = ROUGH) -> float:
        """The largest cosine at a floor; 1 where a classifier is not kept."""
        from layerpeel.solvers._sketch import sketch

        self.last = sketch(self.problem.floored(floor, by=self.by), gap=gap, start=self.last)
        norms = self.last.classifier_norms
        largest = 1.0 if norms.min() <= SHORT * norms.max() else min(float(np.nanmax(self.last.classifier_cosines)), 1.0)
        self.seen[floor] = largest
        self.told(f"floor {floor:.6g}: largest cosine {largest:.4f}")
        return largest

    def down(self, least: float, most: float) -> tuple[float, float] | None:
        """The first floor from the top that exceeds the target, and the last before it; infinity where there is none before."""
        place, value, step = most, self.cosine(most), FIRST_STEP
        if value > self.target:
            return most, math.inf
        while place > least:
            following = max(place * math.exp(-step), least)
            following = next((stop for stop in self.stops if following < stop < place), following)
            cosine = self.cosine(following)
            if cosine > self.target:
                return following, place
            slope = (cosine - value) / math.log(place / following)
            step = MOST_STEP if slope <= 0.0 else min(max(AHEAD * (self.target - cosine) / slope, LEAST_STEP), MOST_STEP)
            place, value = following, cosine
        return None

    def narrowed(self, low: float, high: float) -> float:
        """Where the largest cosine crosses the target between two floors, the last such place that is seen."""
        floor = self._crossing(low, high)
        places = {*np.geomspace(floor, high, BETWEEN + 2)[1:-1].tolist(), *(stop for stop in self.stops if floor < stop < high)}
        ascending = sorted(place for place in places if place > floor * (1.0 + ASIDE[0]))
        exceeding = [place for place in ascending if self.cosine(place, self.close) > self.target]
        if not exceeding:
            return floor
        return self._crossing(exceeding[-1], min(place for place in (*ascending, high) if place > exceeding[-1]))

    def _crossing(self, low: float, high: float) -> float:
        """By false position, halving what an end that stays weighs, in the logarithm of the floor."""
        left, right = math.log(low), math.log(high)
        above, below = self.seen[low] - self.target, self.seen[high] - self.target
        last = 0
        for _ in range(BISECTIONS):
            if right - left <= self.width:
                break
            share = above / (above - below) if below < 0.0 else 0.5
            middle = left + min(max(share, 0.02), 0.98) * (right - left)
            value = self.cosine(math.exp(middle), self.close) - self.target
            if abs(value) < NEAR and self.fine < self.close:
                value = self.cosine(math.exp(middle), self.fine) - self.target
            if value > 0.0:
                left, above, below = middle, value, below * (0.5 if last == 1 else 1.0)
                last = 1
            else:
                right, below, above = middle, value, above * (0.5 if last == -1 else 1.0)
                last = -1
        return math.exp(right)

    def solved(self, floor: float, tolerance: float | None = None) -> "Solution":
        """The certified optimum at a floor, sharply unless a tolerance is given."""
        from layerpeel.solvers import solve
        from layerpeel.solvers._switches import SHARP

        return solve(self.problem.floored(floor, by=self.by), tolerance=SHARP if tolerance is None else tolerance, start=self.last)

    def certain(self, floor: float) -> "tuple[Solution, bool | None]":
        """The certified optimum at a floor and whether it keeps the target: where the search is wide, sharply only if that is needed."""
        wide = self.width >= WIDE
        solution = self.solved(floor, FINE if wide else None)
        verdict = kept(solution, self.target)
        if wide and verdict is None:
            solution = self.solved(floor)
            verdict = kept(solution, self.target)
        return solution, verdict

    def side(self, floor: float, most: float, *, wanted: bool) -> "tuple[float, Solution, bool]":
        """The nearest place beside a floor where the target is certainly kept, or exceeded; the first one tried where none is certain."""
        tried: list[tuple[float, Solution]] = []
        for aside in (each for each in ASIDE if each >= self.nearest):
            place = min(floor * (1.0 + aside), most) if wanted else floor * (1.0 - aside)
            solution, verdict = self.certain(place)
            tried.append((place, solution))
            if verdict is wanted:
                self.told(f"floor {place:.6g}: the target is certainly {'kept' if wanted else 'exceeded'}", stays=True)
                return place, solution, True
        return *tried[0], False
