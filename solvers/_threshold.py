"""How often the samples of a group must enter the loss for a phase to change: certified by the multiplier, looked for by sketches."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from layerpeel.numerics import Bracket, UnusableInput, require_positive, require_real, validated
from layerpeel.solvers._sketch import Sketch, followed
from layerpeel.solvers._solution import Solution
from layerpeel.solvers._solve import solve
from layerpeel.solvers._switches import LARGEST_IMBALANCE, SHARP, bisect_phases
from layerpeel.solvers.program._problem import Problem, UnconstrainedFeatures
from layerpeel.solvers.program._program import require_way

LEAST_FACTOR = 1e6
"""A group that is distinct at its present weight over this is not asked further."""

ROUGH, FINE = 1e-7, 1e-10
"""Gaps of the search for a switch, away from it and near: nothing is read off but where to certify."""

NEAR, SLOPE, SEARCHED = 1e-2, 0.05, 30
"""Distance from the switch, in the logarithm of a factor, from which the finer gap is used; the least slope of the way to it that is
believed; and places after which the search is given up for a bisection."""

MARGIN = 0.75
"""Widths of a multiplier's enclosure, over the slope, from the place where its middle is the switch."""

ASIDE = 6
"""How often the places beside a guess are moved away from it, three times as far each time, until both phases are certified."""

WIDE, APART, FLATTEST = 1e-2, 0.05, 0.005
"""The width from which the level is looked at on the side of the distinct phase too, how far aside, and the least share of its slope beyond
that is believed there."""

UNDECIDED = 6
"""Places inside a bracket that no certificate decides, after which it is left as wide as it is; one where solves are dear."""

LOOSER = ((1e-2, 1e-7), (3e-3, 1e-8), (1e-3, 1e-9))
"""Relative widths from which a larger gap is enough: it encloses multipliers to a tenth of the width."""


@validated
def critical_oversampling(
    problem: Problem, group: int, *, by: str = "oversampling", width: float = 1e-4, now: Solution | None = None
) -> Bracket | None:
    """Bracket how often the samples of one group must enter the loss for its classifiers to come apart, all else unchanged.

    Entering w times multiplies the weight c_g before normalisation; where norms are per sample, being sampled w times as often multiplies
    d_g by √w too, and a weight in the loss does not (`reweighted`). Uncertified optima say where to look; there route "factored" solves the
    program and the rigorous bracket of its multiplier decides between collapsed (λ d_g > c_g) and distinct (λ d_g < c_g). At w = n_max/n_g,
    or its root for a weight where norms are per sample, no group has a larger c_g/d_g, and it is distinct. With two groups the answer is
    R/R0, or R over `numerics.loss_threshold`.

    Args:
        problem: a smooth loss, norm weights "class" or "sample"; the group has two or more classes and is not the largest.
        group: its index in `problem.groups`.
        by: "oversampling" or "weights".
        width: relative width at which to stop; the bracket is wider where neither phase can be certified.
        now: the solution of the problem, where it is there already, to start from.

    Returns:
        A rigorous bracket: its lower end is a w that certainly collapses, its upper end one that is certainly distinct. None when even a
        millionth of the present weight keeps the group distinct.

    Raises:
        UnusableInput: for a group of one class, one with the largest count, a group that does not exist, numbers as norm weights, a bias,
            another way than these two, or penalties that leave even the largest group no classifier of its own.

    Source: fang2021, Section 4, oversampling; derived; docs/derivations/layer-peeled.md, section 3 (the effective ratio).

    Example:
        >>> from layerpeel.solvers import LayerPeeled
        >>> problem = LayerPeeled.from_groups([(5, 4000), (5, 100)], feature_energy=5.0)
        >>> critical_oversampling(problem, 1, width=1e-3).contains(40 / 12.192447080325935)
        True
    """
    width = require_positive(width, "width")
    require_told(problem, "the critical oversampling")
    require_way(by)
    require_group(problem, group)
    chosen, largest = problem.groups[group], max(other.samples for other in problem.groups)
    if chosen.classes < 2 or chosen.samples == largest:
        raise UnusableInput(
            f"group {group + 1} is {chosen.classes}x{chosen.samples:g}: only two or more classes below the largest count can collapse; "
            "choose another group."
        )
    most = math.log(largest / chosen.samples) * (0.5 if by == "weights" and problem.norm_weights == "sample" else 1.0)

    path = _Path(lambda distance: problem.reweighted(group, math.exp(most - distance), by=by), now, width)

    def collapsed(distance: float) -> bool | None:
        return path.solved(distance).collapsed[group]

    if isinstance(problem, UnconstrainedFeatures) and collapsed(0.0) is not False:
        raise UnusableInput(
            f"{problem!r} leaves group {group + 1} no classifiers of its own even where it counts as much as the largest: the penalty "
            "alone collapses it; use a smaller one."
        )
    farthest = most + math.log(LEAST_FACTOR)
    guess = path.switch([group], most, farthest)
    if guess is None and collapsed(farthest) is False:
        return None
    distinct, beyond = _beside(collapsed, guess)
    if beyond is None:
        beyond = max(most, distinct)
        while collapsed(beyond) is not True:
            beyond += 1.0
            if beyond > farthest:
                return None
    distinct, beyond = bisect_phases(collapsed, distinct, beyond, width, most=UNDECIDED if width < WIDE else 1)
    return Bracket(math.exp(most - beyond), math.exp(most - distinct), rigorous=True)


class Guess(NamedTuple):
    """Where a phase is thought to end, and how far aside of it certificates should tell: on the side of each phase."""

    place: float
    before: float
    beyond: float


class _Path:
    """The programs along a line, each solved from the last: to a sketch where the way is looked for, with a certificate at its end."""

    def __init__(self, problem: Callable[[float], Problem], start: Solution | None, width: float) -> None:
        self.problem = problem
        self.width, self.fine = width, max(1e-2 * width**2, FINE)
        self.rough = max(self.fine, ROUGH)
        self.tolerance = next((gap for least, gap in LOOSER if width >= least), SHARP)
        self.nearest: Solution | Sketch | None = start

    def solved(self, place: float) -> Solution:
        """The certified optimum at a place."""
        solution = solve(self.problem(place), route="factored", tolerance=self.tolerance, start=self.nearest)
        self.nearest = solution
        return solution

    def level(self, place: float, groups: Sequence[int], gap: float) -> float:
        """The largest log λ d_g/c_g of some groups: below zero where all are distinct; one multiplier serves them all."""
        posed = self.problem(place)
        if isinstance(posed, UnconstrainedFeatures):
            multiplier = posed.penalty
        else:
            self.nearest = followed(posed, gap, self.nearest)
            multiplier = self.nearest.multiplier
        slopes = posed.weights / posed.scales
        return math.log(multiplier / float(slopes[list(groups)].min())) if multiplier > 0.0 else -math.inf

    def switch(self, groups: Sequence[int], start: float, farthest: float) -> "Guess | None":
        """Where that level crosses zero, between 0 and the farthest place, by secants; None where it stays below.

        The level flattens along the way, so that secants fall short: their steps double until one gains more than half. Inside a
        bracket, where one gains less, the middle is taken.
        """
        low, high, place, before = 0.0, math.inf, min(start, farthest), None
        gap, longer = self.rough, 1.0
        for _ in range(SEARCHED):
            excess = self.level(place, groups, gap)
            if not math.isfinite(excess) or (excess < 0.0 and place >= farthest):
                return None
            low, high = (place, high) if excess < 0.0 else (low, min(place, high))
            slope = 1.0 if before is None or place == before[0] else max((excess - before[1]) / (place - before[0]), SLOPE)
            gains = before is None or abs(excess) <= 0.5 * abs(before[1])
            longer = 1.0 if gains else 2.0 * longer
            following = min(place - longer * excess / slope, farthest) if excess < 0.0 else place - excess / slope
            if not low < following < high or (high < math.inf and not gains and abs(following - place) > NEAR):
                following = 0.5 * (low + high) if high < math.inf else min(low + 1.0, farthest)
            step = abs(following - place)
            if gap == self.fine and step <= 0.3 * self.width:
                return self._sharpened(groups, following, slope)
            gap = self.fine if step <= NEAR else self.rough
            before, place = (place, excess), following
        return None

    def _sharpened(self, groups: Sequence[int], place: float, slope: float) -> Guess:
        """A guess moved by the multiplier of the certified optimum there, and how far aside its enclosure tells the phases apart.

        Before the switch a group of many classes takes up what λ would gain, and the level is flatter than beyond it: where solves are
        dear, it is looked at there too.
        """
        solution = self.solved(place)
        slopes = solution.problem.weights / solution.problem.scales
        level = math.log(solution.multiplier / float(slopes[list(groups)].min()))
        enclosed = solution.certified_multiplier
        unsure = MARGIN * enclosed.width / (enclosed.lower * slope) if enclosed.lower > 0.0 else 0.0
        step = level / slope
        aside = min(max(0.45 * self.width, unsure), max(NEAR, self.width))
        flatter = 1.0
        if self.width >= WIDE and place > APART:
            flatter = min(max((level - self.level(place - APART, groups, self.rough)) / APART / slope, FLATTEST), 1.0)
        return Guess(place - step if abs(step) <= NEAR else place, max(aside, unsure / flatter) if flatter < 1.0 else aside, aside)


def _beside(collapsed: Callable[[float], bool | None], guess: Guess | None) -> tuple[float, float | None]:
    """Where the phases are certified before and beyond a guess, close to it; zero and None where that does not succeed."""
    distinct, beyond = 0.0, None
    if guess is None:
        return distinct, beyond
    farther = 1.0
    for _ in range(ASIDE):
        for place in (guess.place - farther * guess.before, guess.place + farther * guess.beyond):
            if distinct < place and (beyond is None or place < beyond):
                verdict = collapsed(place)
                distinct, beyond = (place if verdict is False else distinct), (place if verdict is True else beyond)
        if distinct > 0.0 and beyond is not None:
            break
        farther *= 3.0
    return distinct, beyond


@validated
def excessive_oversampling(
    problem: Problem,
    group: int,
    *,
    by: str = "oversampling",
    width: float = 1e-3,
    now: Solution | None = None,
    most: float = LARGEST_IMBALANCE,
) -> Bracket | None:
    """Bracket how often the samples of one group must enter the loss for a group that is distinct now to collapse instead.

    Solves as in `critical_oversampling`, at growing w. With two groups, of K_A and K_B classes at ratio R, oversampling the second w
    times leaves the ratio w/R in its favour, and the answer is R·R0(K_B, K_A), or R times `numerics.loss_threshold` at counts in the
    ratio 1/R.

    Args:
        problem: a smooth loss, norm weights "class" or "sample".
        group: index in `problem.groups` of the group that is oversampled.
        by: "oversampling" or "weights".
        width: relative width at which to stop; the bracket is wider where neither phase can be certified.
        now: the solution of the problem, where it is there already.
        most: the largest w that is looked at, at least 1; 1e9 at most.

    Returns:
        A rigorous bracket: at its lower end, a w > 1, all other groups that are distinct now certainly still are; at its upper end one
        certainly is not. None when there is no such group, or none that certainly collapses up to the largest w.

    Raises:
        UnusableInput: for a group that does not exist, numbers as norm weights, a bias, or another way than these two.

    Source: derived; docs/derivations/layer-peeled.md, section 3 (the effective ratio).

    Example:
        >>> from layerpeel.solvers import LayerPeeled
        >>> problem = LayerPeeled.from_groups([(5, 40), (5, 10)], feature_energy=5.0)
        >>> excessive_oversampling(problem, 1, width=1e-2).contains(4 * 12.192447080325935)
        True
    """
    width = require_positive(width, "width")
    require_told(problem, "the excessive oversampling")
    require_way(by)
    require_group(problem, group)
    now = solve(problem, route="factored", tolerance=SHARP) if now is None else now
    watched = [h for h, state in enumerate(now.collapsed) if h != group and state is False and problem.groups[h].classes > 1]
    if not watched:
        return None
    path = _Path(lambda log_factor: problem.reweighted(group, math.exp(log_factor), by=by), now, width)

    def collapsed(log_factor: float) -> bool | None:
        fates = path.solved(log_factor).collapsed
        states = [fates[h] for h in watched]
        return True if True in states else None if None in states else False

    farthest = math.log(min(require_real(most, "the largest oversampling", least=1.0), LARGEST_IMBALANCE))
    guess = path.switch(watched, 0.0, farthest)
    distinct, beyond = _beside(collapsed, guess)
    if beyond is None:
        if collapsed(farthest) is not True:
            return None
        beyond = farthest
    distinct, beyond = bisect_phases(collapsed, distinct, beyond, width)
    return Bracket(math.exp(distinct), math.exp(beyond), rigorous=True)


def require_told(problem: Problem, what: str) -> None:
    """Check that a program says what more samples of a group change: its norm weights are a rule, and there is no bias.

    Args:
        problem: the program.
        what: what needs it, as a sentence begins.

    Raises:
        UnusableInput: otherwise.

    Example:
        >>> from layerpeel.solvers import LayerPeeled
        >>> require_told(LayerPeeled(counts=[9, 1], feature_energy=5.0, norm_weights="sample"), "the critical oversampling")
    """
    if problem.bias_penalty is not None or problem.adjusted or problem.norm_weights == "given":
        raise UnusableInput(
            f"{what} does not cover {problem!r}: it needs norm weights 'class' or 'sample', no bias and the plain loss; give one of "
            "these, and leave bias_penalty and what changes the loss out."
        )


def require_group(problem: Problem, group: int) -> None:
    """Check that a program has a group of this index.

    Raises:
        UnusableInput: otherwise.

    Example:
        >>> from layerpeel.solvers import LayerPeeled
        >>> require_group(LayerPeeled.from_groups([(5, 40), (5, 10)], feature_energy=5.0), 1)
    """
    if not -len(problem.groups) <= group < len(problem.groups):
        raise UnusableInput(f"group {group} does not exist: it must be one of 0 ... {len(problem.groups) - 1}; choose one of these.")
