"""The collapse threshold as a measurement: bisection over certified solves."""

import math
from collections.abc import Callable

from numerics import Bracket, UnusableInput, validated
from solvers._problem import LayerPeeled
from solvers._program import require_unweighted
from solvers._solution import Solution
from solvers._solve import solve

SHARP = 1e-11
"""Relative gap at which phases are told apart to about 1e-5 in the weight."""

LARGEST_IMBALANCE = 1e9
"""Beyond this ratio conic solvers resolve nothing of the minority."""


@validated
def bracket_threshold(
    majority: int, minority: int, *, feature_energy: float, weight_energy: float = 1.0, solver: str = "clarabel", width: float = 1e-3
) -> Bracket:
    """Bracket R0, the imbalance at which the minority classifiers collapse, by bisection over route `sdp`.

    At every R one semidefinite program is solved; the rigorous bracket of its multiplier λ decides whether the optimum is certainly
    distinct (λ < n_B/N) or certainly collapsed (λ > n_B/N). The bisection ends at the relative width asked for, or where neither can
    be certified. Slow, and independent of any closed form.

    Args:
        majority: K_A ≥ 1.
        minority: K_B ≥ 2.
        feature_energy: E_H.
        weight_energy: E_W.
        solver: conic solver.
        width: relative width at which to stop.

    Returns:
        (an R that is certainly distinct, an R that is certainly collapsed).

    Raises:
        UnusableInput: for a minority of one class, or when no collapse is found up to R = 1e9.

    Example:
        >>> bracket_threshold(2, 2, feature_energy=1.0, width=0.2).rigorous
        True
    """
    if minority < 2:
        raise UnusableInput(
            f"a minority of {minority} class cannot collapse: a threshold needs at least 2 minority classes; use minority >= 2."
        )

    def collapsed(log_ratio: float) -> bool | None:
        problem = LayerPeeled.from_imbalance(
            majority, minority, math.exp(log_ratio), feature_energy=feature_energy, weight_energy=weight_energy
        )
        return solve(problem, route="sdp", solver=solver).collapsed[-1]

    # At R = 1 every class of the balanced optimum is distinct.
    distinct, beyond, step = 0.0, 1.0, 1.0
    while (verdict := collapsed(beyond)) is not True:
        distinct, beyond, step = (beyond if verdict is False else distinct), beyond + step, 2.0 * step
        if beyond > math.log(LARGEST_IMBALANCE):
            raise UnusableInput(
                f"no collapse was certified up to R = {LARGEST_IMBALANCE:g} at feature energy {feature_energy!r}: "
                "conic solvers resolve no more; use smaller energies, or the closed form."
            )
    distinct, beyond = _bisect(collapsed, distinct, beyond, width)
    return Bracket(math.exp(distinct), math.exp(beyond), rigorous=True)


@validated
def critical_oversampling(problem: LayerPeeled, group: int, *, width: float = 1e-4) -> Bracket | None:
    """Bracket how often the samples of one group must enter the loss for its classifiers to come apart, all else unchanged.

    Entering w times multiplies the weight c_g before normalisation. For every w tried, route "factored" solves the program and the
    rigorous bracket of its multiplier decides between collapsed (λ > c_g) and distinct (λ < c_g). At w = n_max/n_g the group weighs as
    much as the largest and is distinct. With two groups the answer is R/R0.

    Args:
        problem: a smooth loss; the group has two or more classes and is not the largest.
        group: its index in `problem.groups`.
        width: relative width at which to stop; the bracket is wider where neither phase can be certified.

    Returns:
        (a w that certainly collapses, a w that is certainly distinct), or None when even a millionth of the present weight keeps the
        group distinct.

    Raises:
        UnusableInput: for a group of one class, one with the largest count, weights on the nuclear norm, or a bias.

    Example:
        >>> problem = LayerPeeled.from_groups([(5, 4000), (5, 100)], feature_energy=5.0)
        >>> critical_oversampling(problem, 1, width=1e-3).contains(40 / 12.192447080325935)
        True
    """
    require_unweighted(problem, "the critical oversampling")
    require_group(problem, group)
    chosen, largest = problem.groups[group], max(other.samples for other in problem.groups)
    if chosen.classes < 2 or chosen.samples == largest:
        raise UnusableInput(
            f"group {group + 1} is {chosen.classes}x{chosen.samples:g}: only two or more classes below the largest count can collapse; "
            "choose another group."
        )
    most = math.log(largest / chosen.samples)

    nearest: Solution | None = None

    def collapsed(distance: float) -> bool | None:
        nonlocal nearest
        nearest = solve(problem.reweighted(group, math.exp(most - distance)), route="factored", tolerance=SHARP, start=nearest)
        return nearest.collapsed[group]

    distinct, beyond = 0.0, most
    while collapsed(beyond) is not True:
        beyond += 1.0
        if beyond > most + math.log(1e6):
            return None
    distinct, beyond = _bisect(collapsed, distinct, beyond, width)
    return Bracket(math.exp(most - beyond), math.exp(most - distinct), rigorous=True)


@validated
def excessive_oversampling(problem: LayerPeeled, group: int, *, width: float = 1e-3) -> Bracket | None:
    """Bracket how often the samples of one group must enter the loss for a group that is distinct now to collapse instead.

    Solves as in `critical_oversampling`, at growing w. With two groups, of K_A and K_B classes at ratio R, oversampling the second w
    times leaves the ratio w/R in its favour, and the answer is R·R0(K_B, K_A).

    Args:
        problem: a smooth loss.
        group: index in `problem.groups` of the group that is oversampled.
        width: relative width at which to stop; the bracket is wider where neither phase can be certified.

    Returns:
        (a w > 1 at which all other groups that are distinct now certainly still are, a w at which one certainly is not), or None when
        there is no such group, or none that collapses up to w = 1e9.

    Raises:
        UnusableInput: for weights on the nuclear norm, or a bias.

    Example:
        >>> problem = LayerPeeled.from_groups([(5, 40), (5, 10)], feature_energy=5.0)
        >>> excessive_oversampling(problem, 1, width=1e-2).contains(4 * 12.192447080325935)
        True
    """
    require_unweighted(problem, "the excessive oversampling")
    require_group(problem, group)
    nearest = solve(problem, route="factored", tolerance=SHARP)
    watched = [h for h, state in enumerate(nearest.collapsed) if h != group and state is False and problem.groups[h].classes > 1]
    if not watched:
        return None

    def collapsed(log_factor: float) -> bool | None:
        nonlocal nearest
        nearest = solve(problem.reweighted(group, math.exp(log_factor)), route="factored", tolerance=SHARP, start=nearest)
        states = [nearest.collapsed[h] for h in watched]
        return True if True in states else None if None in states else False

    distinct, beyond = 0.0, 1.0
    while (verdict := collapsed(beyond)) is not True:
        distinct, beyond = (beyond if verdict is False else distinct), beyond + 1.0
        if beyond > math.log(LARGEST_IMBALANCE):
            return None
    distinct, beyond = _bisect(collapsed, distinct, beyond, width)
    return Bracket(math.exp(distinct), math.exp(beyond), rigorous=True)


def require_group(problem: LayerPeeled, group: int) -> None:
    """Check that a program has a group of this index.

    Raises:
        UnusableInput: otherwise.

    Example:
        >>> require_group(LayerPeeled.from_groups([(5, 40), (5, 10)], feature_energy=5.0), 1)
    """
    if not -len(problem.groups) <= group < len(problem.groups):
        raise UnusableInput(f"group {group} does not exist: it must be one of 0 ... {len(problem.groups) - 1}; choose one of these.")


def _bisect(collapsed: Callable[[float], bool | None], distinct: float, beyond: float, width: float) -> tuple[float, float]:
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
