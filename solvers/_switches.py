"""Where an optimum changes phase, as a measurement: bisection over certified solves, by the geometry alone."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from layerpeel.numerics import Bracket, UnusableInput, require_positive, validated
from layerpeel.solvers._enclosures import Enclosures
from layerpeel.solvers._solution import Solution
from layerpeel.solvers._solve import solve
from layerpeel.solvers.program._problem import LayerPeeled, Problem, UnconstrainedFeatures

SHARP = 1e-11
"""Relative gap at which phases are told apart to about 1e-5 in the weight."""
LARGEST_IMBALANCE = 1e9
"""Beyond this ratio conic solvers resolve nothing of the minority."""
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


def bisect_phases(
    collapsed: Callable[[float], bool | None], distinct: float, beyond: float, width: float, most: int = 6
) -> tuple[float, float]:
    """Shrink (certainly distinct, certainly collapsed) until it is narrow, or neither can be certified at so many places in between."""
    undecided: list[float] = []
    while beyond - distinct > width:
        middle = _middle(distinct, beyond, undecided, most)
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


def _middle(distinct: float, beyond: float, undecided: list[float], most: int) -> float | None:
    """The next point to try: the midpoint, or where that was undecided, the midpoints towards the two ends.

    None after a few times, or once half of what is left is undecided.
    """
    inside = sorted(point for point in undecided if distinct < point < beyond)
    if not inside:
        return 0.5 * (distinct + beyond)
    low, high = inside[0] - distinct, beyond - inside[-1]
    if len(inside) >= most or low + high <= 0.5 * (beyond - distinct):
        return None
    return distinct + 0.5 * low if low > high else beyond - 0.5 * high
