"""Where an optimum changes phase, as a measurement: bisection over certified solves."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from layerpeel.numerics import Bracket, UnusableInput, require_positive, validated
from layerpeel.solvers._enclosures import Enclosures
from layerpeel.solvers._sketch import Sketch, followed
from layerpeel.solvers._solution import Solution
from layerpeel.solvers._solve import solve
from layerpeel.solvers.program._problem import LayerPeeled, Problem, UnconstrainedFeatures
from layerpeel.solvers.program._program import require_way

SHARP = 1e-11
"""Relative gap at which phases are told apart to about 1e-5 in the weight."""

LARGEST_IMBALANCE = 1e9
"""Beyond this ratio conic solvers resolve nothing of the minority."""

LEAST_FACTOR = 1e6
"""A group that is distinct at its present weight over this is not asked further."""

ROUGH, FINE = 1e-7, 1e-10
"""Gaps of the search for a switch, away from it and near: nothing is read off but where to certify."""

NEAR, SLOPE, SEARCHED = 1e-2, 0.05, 30
"""Distance from the switch, in the logarithm of a factor, from which the finer gap is used; the least slope of the way to it that is
believed; and places after which the search is given up for a bisection."""

ASIDE = 6
"""How often the places beside a guess are moved away from it, three times as far each time, until both phases are certified."""

LOOSER = ((3e-3, 1e-8), (1e-3, 1e-9))
"""Relative widths from which a larger gap is enough: it encloses multipliers to a tenth of the width."""

OUTWARD = 8
"""How often an end that the semidefinite program cannot decide is moved away from the switch, twice as far each time."""


@dataclass(frozen=True, kw_only=True)
class Switch:
    """Two places, and the enclosed optima there: certainly not yet at the first, certainly at the second.

    Args:
        before: where the verdict is certainly no.
        beyond: where it certainly is yes.
        optimum_before: the optimum at the first place.
        optimum_beyond: the optimum at the second.
    """

    before: float
    beyond: float
    optimum_before: Enclosures
    optimum_beyond: Enclosures

    @property
    def bracket(self) -> Bracket:
        """The interval between the places, whichever is the larger."""
        return Bracket(min(self.before, self.beyond), max(self.before, self.beyond), rigorous=True)


@validated
def bracket_switch(
    problem: Callable[[float], Problem],
    verdict: Callable[[Enclosures], bool | None],
    before: float,
    beyond: float,
    *,
    width: float = 1e-3,
    route: str = "sdp",
    solver: str = "clarabel",
) -> Switch:
    """Bracket the place along a line of programs where the geometry of the optimum changes.

    Route `factored` searches, in milliseconds a place; then each end is put to another route, by default the semidefinite program,
    whose certificate has to give the same verdict, and moves outward where it cannot decide. Nothing but the verdict steers, so it
    should look at the enclosed geometry: a margin, a norm, a rank.

    Args:
        problem: the program at a place of the line.
        verdict: what its optimum shows: yes, no, or None where the enclosure does not tell.
        before: a place where the verdict is no.
        beyond: a place where it is yes, on either side.
        width: distance of the ends at which to stop; they stay farther apart where nothing can be decided in between.
        route: what solves the programs at the ends.
        solver: conic solver of route `sdp`.

    Raises:
        UnusableInput: when the verdicts at the two places are not no and yes, and for a width or route that cannot be used.
        SolverFailed: when the conic solver returns no point.
        ArithmeticError: when the two routes contradict each other with certainty, or the second decides nothing near an end.

    Source: derived; docs/derivations/layer-peeled.md, section 6 (both sides of a switch can be certified).

    Example:
        >>> switch = bracket_switch(
        ...     lambda energy: LayerPeeled.from_groups([(2, 9), (2, 1)], feature_energy=energy),
        ...     lambda optimum: optimum.coincide(1),
        ...     before=20.0, beyond=1.0, width=0.1,
        ... )
        >>> switch.beyond < switch.before, switch.bracket.width <= 0.1
        (True, True)
    """
    width = require_positive(width, "width")
    length, direction = abs(beyond - before), 1.0 if beyond > before else -1.0
    nearest: Solution | None = None

    def searched(distance: float) -> bool | None:
        nonlocal nearest
        posed = problem(before + direction * distance)
        warm = nearest if nearest is not None and nearest.problem.sizes == posed.sizes else None
        nearest = solve(posed, route="factored", tolerance=SHARP, start=warm)
        return verdict(Enclosures(nearest))

    ends = searched(0.0), searched(length)
    if ends != (False, True):
        raise UnusableInput(f"the verdicts at {before:g} and {beyond:g} are {ends}: they must be False and True; choose other places.")
    near, far = bisect_phases(searched, 0.0, length, width / 3)

    def confirmed(distance: float, wanted: bool) -> tuple[float, Enclosures]:
        away = 1.0 if wanted else -1.0
        for doubling in range(OUTWARD):
            place = before + direction * (distance + away * 2**doubling * width / 3)
            optimum = Enclosures(solve(problem(place), route=route, solver=solver, tolerance=SHARP))
            answer = verdict(optimum)
            if answer is wanted:
                return place, optimum
            if answer is not None:
                raise ArithmeticError(f"routes 'factored' and {route!r} certify different phases at {place!r}; report this case.")
        around = before + direction * distance
        raise ArithmeticError(f"route {route!r} decides no phase near {around!r}, {2**OUTWARD / 6:g} widths out; ask for a larger width.")

    first, optimum_before = confirmed(near, False)
    second, optimum_beyond = confirmed(far, True)
    return Switch(before=first, beyond=second, optimum_before=optimum_before, optimum_beyond=optimum_beyond)


@validated
def collapse_switch(
    majority: int,
    minority: int,
    *,
    feature_energy: float | None = None,
    weight_energy: float = 1.0,
    norm_weights: str | None = None,
    weight_decay: float | None = None,
    route: str = "sdp",
    solver: str = "clarabel",
    width: float = 1e-3,
) -> Switch:
    """The switch of `bracket_threshold` in log R, with the optima at its ends, by the route that is named.

    Args:
        majority: K_A ≥ 1.
        minority: K_B ≥ 2.
        feature_energy: E_H > 0.
        weight_energy: E_W > 0.
        norm_weights: "class" where E_H averages over classes, "sample" where it averages over samples; "class" unless given.
        weight_decay: λ > 0, in place of the energies (`UnconstrainedFeatures`), which is per sample.
        route: what solves the programs at the ends.
        solver: conic solver of route `sdp`.
        width: distance of the ends in log R at which to stop.

    Returns:
        The switch: distinct before, collapsed beyond.

    Raises:
        UnusableInput: for a minority of one class, or when no collapse is found up to R = 1e9.
        SolverFailed: when the conic solver returns no point.
        ArithmeticError: as `bracket_switch`.

    Source: su2024, "Minority Collapse" (that there is one); derived; docs/derivations/layer-peeled.md, section 6 (how it is certified).

    Example:
        >>> switch = collapse_switch(2, 2, feature_energy=1.0, route="factored", width=0.2)
        >>> switch.optimum_before.coincide(1), switch.optimum_beyond.coincide(1)
        (False, True)
    """
    if minority < 2:
        raise UnusableInput(
            f"a minority of {minority} class cannot collapse: a threshold needs at least 2 minority classes; use minority >= 2."
        )

    def problem(log_ratio: float) -> Problem:
        ratio = math.exp(log_ratio)
        if weight_decay is not None:
            if feature_energy is not None:
                raise UnusableInput("both feature energy and weight decay are given: norms are either bounded or penalised; leave one out.")
            return UnconstrainedFeatures.from_imbalance(
                majority, minority, ratio, weight_decay=weight_decay, norm_weights=norm_weights or "sample"
            )
        return LayerPeeled.from_imbalance(
            majority,
            minority,
            ratio,
            feature_energy=require_positive(feature_energy, "feature energy"),
            weight_energy=weight_energy,
            norm_weights=norm_weights or "class",
        )

    def collapsed(optimum: Enclosures) -> bool | None:
        return optimum.coincide(len(optimum.solution.problem.groups) - 1)

    # At R = 1 every class of the balanced optimum is distinct.
    distinct, beyond, step = 0.0, 1.0, 1.0
    while (verdict := collapsed(Enclosures(solve(problem(beyond), route="factored", tolerance=SHARP)))) is not True:
        distinct, beyond, step = (beyond if verdict is False else distinct), beyond + step, 2.0 * step
        if beyond > math.log(LARGEST_IMBALANCE):
            raise UnusableInput(
                f"no collapse was certified up to R = {LARGEST_IMBALANCE:g} at "
                f"{f'feature energy {feature_energy!r}' if weight_decay is None else f'weight decay {weight_decay!r}'}: "
                "conic solvers resolve no more; use smaller energies, or the closed form."
            )
    return bracket_switch(problem, collapsed, distinct, beyond, width=width, route=route, solver=solver)


@validated
def bracket_threshold(
    majority: int,
    minority: int,
    *,
    feature_energy: float | None = None,
    weight_energy: float = 1.0,
    norm_weights: str | None = None,
    weight_decay: float | None = None,
    solver: str = "clarabel",
    width: float = 1e-3,
) -> Bracket:
    """Bracket R0, the imbalance at which the minority classifiers collapse, by the geometry of certified optima.

    The optimum is certainly distinct where the margin between two minority classes is certainly positive, and certainly collapsed where
    the gradient inside the minority is certainly too small to carry a margin (`Enclosures.coincide`). Both ends are semidefinite programs
    (see `bracket_switch`). Slow, and independent of any closed form.

    Args:
        majority: K_A ≥ 1.
        minority: K_B ≥ 2.
        feature_energy: E_H > 0.
        weight_energy: E_W > 0.
        norm_weights: "class" or "sample", as for `collapse_switch`.
        weight_decay: λ > 0, in place of the energies.
        solver: conic solver.
        width: relative width at which to stop.

    Returns:
        A rigorous bracket: its lower end is an R that is certainly distinct, its upper end one that is certainly collapsed.

    Raises:
        UnusableInput: for a minority of one class, or when no collapse is found up to R = 1e9.
        SolverFailed: when the conic solver returns no point.
        ArithmeticError: as `bracket_switch`.

    Source: su2024, "Minority Collapse" (that R0 exists); derived; docs/derivations/layer-peeled.md, section 6 (how it is certified).

    Example:
        >>> bracket_threshold(2, 2, feature_energy=1.0, width=0.2).rigorous
        True
    """
    switch = collapse_switch(
        majority,
        minority,
        feature_energy=feature_energy,
        weight_energy=weight_energy,
        norm_weights=norm_weights,
        weight_decay=weight_decay,
        solver=solver,
        width=width,
    ).bracket
    return Bracket(math.exp(switch.lower), math.exp(switch.upper), rigorous=True)


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
    distinct, beyond = _beside(collapsed, guess, width)
    if beyond is None:
        beyond = max(most, distinct)
        while collapsed(beyond) is not True:
            beyond += 1.0
            if beyond > farthest:
                return None
    distinct, beyond = bisect_phases(collapsed, distinct, beyond, width)
    return Bracket(math.exp(most - beyond), math.exp(most - distinct), rigorous=True)


class _Path:
    """The programs along a line, each solved from the last: to a sketch where the way is looked for, with a certificate at its end."""

    def __init__(self, problem: Callable[[float], Problem], start: Solution | None, width: float) -> None:
        self.problem = problem
        self.width, self.fine = width, min(max(1e-2 * width**2, FINE), ROUGH)
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

    def switch(self, groups: Sequence[int], start: float, farthest: float) -> float | None:
        """Where that level crosses zero, between 0 and the farthest place, by secants; None where it stays below."""
        low, high, place, before = 0.0, math.inf, min(start, farthest), None
        gap = ROUGH
        for _ in range(SEARCHED):
            excess = self.level(place, groups, gap)
            if not math.isfinite(excess) or (excess < 0.0 and place >= farthest):
                return None
            low, high = (place, high) if excess < 0.0 else (low, min(place, high))
            slope = 1.0 if before is None or place == before[0] else max((excess - before[1]) / (place - before[0]), SLOPE)
            following = min(place - excess / slope, farthest)
            if not low < following < high:
                following = 0.5 * (low + high) if high < math.inf else min(low + 1.0, farthest)
            step = abs(following - place)
            if gap == self.fine and step <= 0.3 * self.width:
                return following
            gap = self.fine if step <= NEAR else ROUGH
            before, place = (place, excess), following
        return None


def _beside(collapsed: Callable[[float], bool | None], guess: float | None, width: float) -> tuple[float, float | None]:
    """Where the phases are certified before and beyond a guess, close to it; zero and None where that does not succeed."""
    distinct, beyond = 0.0, None
    if guess is None:
        return distinct, beyond
    aside = 0.45 * width
    for _ in range(ASIDE):
        for place in (guess - aside, guess + aside):
            if distinct < place and (beyond is None or place < beyond):
                verdict = collapsed(place)
                distinct, beyond = (place if verdict is False else distinct), (place if verdict is True else beyond)
        if distinct > 0.0 and beyond is not None:
            break
        aside *= 3.0
    return distinct, beyond


@validated
def excessive_oversampling(
    problem: Problem, group: int, *, by: str = "oversampling", width: float = 1e-3, now: Solution | None = None
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

    Returns:
        A rigorous bracket: at its lower end, a w > 1, all other groups that are distinct now certainly still are; at its upper end one
        certainly is not. None when there is no such group, or none that collapses up to w = 1e9.

    Raises:
        UnusableInput: for a group that does not exist, numbers as norm weights, a bias, or another way than these two.

    Source: derived; docs/derivations/layer-peeled.md, section 3 (the effective ratio).

    Example:
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
        states = [path.solved(log_factor).collapsed[h] for h in watched]
        return True if True in states else None if None in states else False

    farthest = math.log(LARGEST_IMBALANCE)
    guess = path.switch(watched, 0.0, farthest)
    if guess is None and collapsed(farthest) is False:
        return None
    distinct, beyond = _beside(collapsed, guess, width)
    if beyond is None:
        beyond = distinct + 1.0
        while (verdict := collapsed(beyond)) is not True:
            distinct, beyond = (beyond if verdict is False else distinct), beyond + 1.0
            if beyond > farthest:
                return None
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
        >>> require_group(LayerPeeled.from_groups([(5, 40), (5, 10)], feature_energy=5.0), 1)
    """
    if not -len(problem.groups) <= group < len(problem.groups):
        raise UnusableInput(f"group {group} does not exist: it must be one of 0 ... {len(problem.groups) - 1}; choose one of these.")


def bisect_phases(collapsed: Callable[[float], bool | None], distinct: float, beyond: float, width: float) -> tuple[float, float]:
    """Shrink (certainly distinct, certainly collapsed) until it is narrow, or neither can be certified in between."""
    undecided: list[float] = []
    while beyond - distinct > width:
        middle = _middle(distinct, beyond, undecided)
        if middle is None:
            break
        verdict = collapsed(middle)
        if verdict is None:
            undecided.append(middle)
        elif verdict:
            beyond = middle
        else:
            distinct = middle
    return distinct, beyond


def _middle(distinct: float, beyond: float, undecided: list[float]) -> float | None:
    """The next point to try: the midpoint, or where that was undecided, the midpoints towards the two ends, a few times."""
    inside = sorted(point for point in undecided if distinct < point < beyond)
    if not inside:
        return 0.5 * (distinct + beyond)
    if len(inside) >= 6:
        return None
    low, high = inside[0] - distinct, beyond - inside[-1]
    return distinct + 0.5 * low if low > high else beyond - 0.5 * high
